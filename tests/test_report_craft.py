"""The PDF as a file: text that is text, paper, metadata, attachments, and the same bytes again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pandas as pd
import pytest
from tiny_tables import TinyResult, tiny_frame
from typer.testing import CliRunner

import simnorm as sn
from simnorm.cli import app
from simnorm.errors import SimnormError
from simnorm.report import content, write_report
from simnorm.report.compile import compiled
from simnorm.report.content import MOST_ROWS, WHOLE_ROWS, attached_note, attachments

PROGRAMS = ("pdfdetach", "pdffonts", "pdfimages", "pdfinfo", "pdftotext")
poppler = pytest.mark.skipif(
    any(shutil.which(program) is None for program in PROGRAMS), reason="needs poppler"
)
# Width of the text in points, 17 cm; figures are made for it.
TEXT_WIDTH = 17 / 2.54 * 72
HOSTILE = "a<b & \u201cc\u201d $x$ \u2211"


def said_by(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, check=True)
    return done.stdout.decode()


def words_of(path, *options):
    return re.sub(r"\s+", " ", said_by("pdftotext", *options, path, "-"))


def designed(folder, *more):
    """A run of four cells, made by the command line."""
    arguments = ["sweep", "--dist", "normal,exponential", "--batch-sizes", "2,4,8,16",
                 "--full-size", "64", "--replications", "256", "-q", "-o", str(folder)]  # fmt: skip
    done = CliRunner().invoke(app, [*arguments, *map(str, more)])
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run, its report, and one on letter paper."""
    place = tmp_path_factory.mktemp("craft")
    designed(place / "run", "--report", place / "a4.pdf")
    sn.load(place / "run").report(place / "letter.pdf", paper="letter")
    return place


# ------------------------------------------------------------------------------- text and paper


@poppler
def test_text_in_figures_is_text(place):
    """Their font is embedded, their labels are found, and nothing is a picture of dots."""
    fonts = said_by("pdffonts", place / "a4.pdf")
    assert {"DejaVuSans", "DejaVuSans-Bold"} <= set(re.findall(r"\+(DejaVuSans[\w-]*)", fonts))
    embedded = [line.split()[-5] for line in fonts.splitlines()[2:]]
    assert set(embedded) == {"yes"}
    assert len(said_by("pdfimages", "-list", place / "a4.pdf").splitlines()) == 2
    # A label of an x axis, of a turned y axis, and a bold title.
    words = words_of(place / "a4.pdf")
    assert "batch size n" in words
    assert "RMSE against the full set" in words


@poppler
@pytest.mark.parametrize("name", [HOSTILE, "\u5217\U0001f600 wide", "\u0394\u03b1 \u0416"])
def test_names_of_any_signs_are_set(name, tmp_path):
    """Signs of SVG, and signs that a font has not, which are an error under PDF/UA."""
    frame = tiny_frame((name, "t(df=5)"))
    write_report(TinyResult(frame), tmp_path / "r.pdf")
    words = words_of(tmp_path / "r.pdf")
    shown = "distribution 1" if "\u5217" in name else name
    # In the text, and beside a curve.
    assert words.count(shown) >= 2


@poppler
@pytest.mark.parametrize(("paper", "size"), [("a4", (595.28, 841.89)), ("letter", (612, 792))])
def test_paper(place, paper, size):
    """Pages have the size, the text is 17 cm wide, and the first page holds."""
    path = place / f"{paper}.pdf"
    info = said_by("pdfinfo", path)
    width, height = map(float, re.findall(r"Page size: +([\d.]+) x ([\d.]+)", info)[0])
    assert (width, height) == pytest.approx(size, abs=0.1)
    # Points and hyphens at the end of a line hang over its edge.
    boxes = re.findall(
        r'xMin="([\d.]+)".*xMax="([\d.]+)".*>[^<]*[^<.,;:-]</word>',
        said_by("pdftotext", "-bbox", path, "-"),
    )
    left, right = min(float(x) for x, _ in boxes), max(float(x) for _, x in boxes)
    assert left == pytest.approx((width - TEXT_WIDTH) / 2, abs=1.5)
    assert right == pytest.approx((width + TEXT_WIDTH) / 2, abs=1.5)
    first, second = (words_of(path, "-f", page, "-l", page) for page in ("1", "2"))
    assert "Contents 1 Aims, p. 2" in first
    assert "How far are statistics of a batch" in second
    # The chapters begin below the running head: nothing of the first page is left for the second.
    assert second.split("1 Aims")[0].count(" ") < 30


def test_papers_have_names(place):
    result = sn.load(place / "run")
    with pytest.raises(SimnormError, match="paper: got 'a5'; allowed are a4 and letter"):
        compiled(result, paper="a5")
    assert compiled(result, paper="Letter") == (place / "letter.pdf").read_bytes()


# ------------------------------------------------------------------------ metadata, attachments


@poppler
def test_metadata(place):
    """Title, answer, author, names to look for; the standards it keeps; bookmarks."""
    info = said_by("pdfinfo", place / "a4.pdf")
    assert re.search(r"Title: +How far is a batch from its full set\?", info)
    assert re.search(r"Subject: +A batch of 16 observations", info)
    assert re.search(rf"Author: +simnorm {re.escape(sn.__version__)}", info)
    assert re.search(r"Keywords: .*sweep, normal, exponential", info)
    assert re.search(r"Tagged: +yes", info)
    metadata = said_by("pdfinfo", "-meta", place / "a4.pdf")
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    content = (place / "a4.pdf").read_bytes()
    assert re.search(rb"/Lang ?\(en-GB\)", content)
    assert re.search(rb"/Outlines \d+ 0 R", content)
    for title in (b"Aims", b"Performance", b"Provenance", b"Design"):
        assert re.search(rb"/Title ?\([^)]*" + title, content)


@poppler
def test_every_figure_and_formula_has_words(place):
    """In the tree of the document's structure."""
    content = (place / "a4.pdf").read_bytes()
    elements = re.findall(rb"<<[^<>]*?/S ?/(Figure|Formula)\b.*?>>", content, re.S)
    worded = re.findall(rb"/S ?/(?:Figure|Formula)\b(?:(?!endobj).)*?/Alt ?[(<]", content, re.S)
    assert len(elements) == len(worded) > 5


@poppler
def test_attachments_make_the_report_again(place, tmp_path):
    """The design that the PDF carries gives the same table, and the same report but its origin."""
    said_by("pdfdetach", "-saveall", "-o", tmp_path, place / "a4.pdf")
    assert sorted(os.listdir(tmp_path)) == ["design.toml", "results.csv"]
    for name in ("design.toml", "results.csv"):
        assert (tmp_path / name).read_bytes() == (place / "run" / name).read_bytes()
    done = CliRunner().invoke(
        app,
        ["run", str(tmp_path / "design.toml"), "-q", "-o", str(tmp_path / "again"),
         "--report", str(tmp_path / "again.pdf")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again" / "results.csv").read_bytes() == (
        (tmp_path / "results.csv").read_bytes()
    )
    one, two = (words_of(path, "-layout").partition("A Provenance")
                for path in (place / "a4.pdf", tmp_path / "again.pdf"))  # fmt: skip
    assert one[1]
    assert one[0] == two[0]
    # The first "Provenance" is that of the contents; behind it, all but the table is the same.
    mask = re.compile(r"(?<=command ).*?(?= seed )|\d{4}-\d\d-\d\dT\S+|(?<=seconds )\S+")
    assert mask.sub("", one[2]) == mask.sub("", two[2])


def test_design_of_a_report_is_that_of_the_run(place):
    design = tomllib.loads(attachments(sn.load(place / "run"))["design.toml"].decode())
    assert design == tomllib.loads((place / "run" / "design.toml").read_text())


def long_result(rows):
    frame = pd.concat([tiny_frame()] * -(-rows // len(tiny_frame())), ignore_index=True)[:rows]
    return TinyResult(frame.assign(estimate=1 / 3))


@pytest.mark.parametrize(
    ("rows", "short", "note"),
    [(WHOLE_ROWS, False, ""), (WHOLE_ROWS + 1, True, "five digits"),
     (MOST_ROWS + 1, True, "neither the MSE nor relative measures")],
)  # fmt: skip
def test_a_long_table_is_attached_short_and_the_report_says_so(rows, short, note):
    """Up to a size whole; then with fewer digits; then without what follows from other rows."""
    result = long_result(rows)
    lines = attachments(result)["results.csv"].decode().splitlines()
    assert ("0.33333," in lines[1]) == short
    assert note in attached_note(result.frame)
    measures = set(pd.DataFrame([line.split(",") for line in lines[1:200]])[10])
    assert ("relative_rmse" in measures) == (rows <= MOST_ROWS)
    assert "rmse" in measures


def test_keywords_are_few():
    frame = pd.concat([tiny_frame((f"t(df={i})", f"gamma(a={i})")) for i in range(5, 35)])
    assert len(content.keywords(frame)) == 3 + content.MOST_KEYWORDS


# ------------------------------------------------------------------------------- the same bytes

SCRIPT = """
import sys
import simnorm as sn
sn.load(sys.argv[1]).report(sys.argv[2])
"""


def test_the_same_run_gives_the_same_bytes_anywhere(place, tmp_path):
    """Other processes, hash seeds, folders, time zones, languages and matplotlib settings."""
    settings = tmp_path / "matplotlibrc"
    settings.write_text("font.size: 20\nsvg.hashsalt: other\n")
    surroundings = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LANG": "C", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "LANG": "de_DE.UTF-8",
         "MATPLOTLIBRC": str(settings)},
    ]  # fmt: skip
    for at, more in enumerate(surroundings):
        folder = tmp_path / str(at)
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(place / "run"), "report.pdf"],
            cwd=folder, env=os.environ | more, check=True,
        )  # fmt: skip
        made = (folder / "report.pdf").read_bytes()
        assert made == (place / "a4.pdf").read_bytes()


def test_runs_at_other_times_differ_in_their_origin_alone(place, tmp_path):
    """With times, seconds, workers and command held equal, so are the bytes."""
    designed(tmp_path / "run")
    facts = json.loads((place / "run" / "provenance.json").read_text())
    later = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert {key for key in facts if facts[key] != later[key]} <= {
        "command", "started", "finished", "seconds", "session_seconds",
    }  # fmt: skip
    (tmp_path / "run" / "provenance.json").write_text(json.dumps(facts))
    assert compiled(sn.load(tmp_path / "run")) == (place / "a4.pdf").read_bytes()
