"""The article of a sweep: its blocks are whole, its references lead somewhere, its pages hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files

import pandas as pd
import pytest
from tiny_tables import (
    NAN,
    TinyData,
    TinyDesign,
    TinyResult,
    cell,
    data_frame,
    frame_of,
    of_file,
    schemes_frame,
    tiny_frame,
    undefined_frame,
)

from simnorm.report import article as blocks
from simnorm.report import write_report
from simnorm.report.article import RULE, Article
from simnorm.report.content import Content
from simnorm.report.pieces import SYMBOLS, pieces, plain, sym, without_nothing

HOSTILE = '*x* #evil $1 @ref <b> "q" \\e'


def has(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


@cache
def article_of(name) -> Article:
    return Content.of(FRAMES[name]).article


def many(count, sizes=(4, 16, 64), more=""):
    """Distributions with long names, the last one the largest error."""
    names = [f"scipy.genextreme(c=-0.{i:02d}{more},loc={i})" for i in range(count)]
    return frame_of(
        [
            line
            for i, name in enumerate(names)
            for n in sizes
            for line in cell(name, "mean", n, n**-0.5)
            + cell(name, "std(ddof=0)", n, (9 + i) * n**-0.5)
        ]
    )


def failed():
    frame = frame_of(cell("a", "user.f", 16, 0.5, kind=""))
    return frame.assign(status="failed", failed=3, reason="3 of 100 replications failed; x: why")


def gone():
    """No replication is left of anything."""
    lost = dict.fromkeys(("estimate", "mcse", "theory", "ci_low", "ci_high", "z"), NAN)
    return failed().assign(**lost)


FRAMES = {
    "two laws": TinyResult(tiny_frame()),
    "amber": TinyResult(tiny_frame().assign(khat=0.4)),
    "one cell": TinyResult(frame_of(cell("normal", "std(ddof=0)", 16, 0.2))),
    "undefined": TinyResult(undefined_frame()),
    "no theory": TinyResult(frame_of(cell("normal", "median", 4, 0.3, kind=""))),
    "failed": TinyResult(failed()),
    "nothing left": TinyResult(gone()),
    "fifty laws": TinyResult(many(50)),
    "hostile": TinyResult(tiny_frame((HOSTILE, "a" * 200))),
    "data": TinyData(data_frame()),
    "wide data": TinyData(data_frame(tuple(f"x{i:03d}" for i in range(60)))),
    "schemes": TinyData(schemes_frame(), correlations={"a": 0.6, "b": 0.3}),
    "file order": TinyData(schemes_frame().query("sampling == 'sequential'")),
    "constant": TinyData(frame_of(of_file(cell("", "mean", 4, 0.0, status="exact"), "a"))),
}


@pytest.fixture(params=list(FRAMES))
def made(request):
    return article_of(request.param)


# ------------------------------------------------------------------------------- pieces and blocks


def test_pieces_join_without_gaps_or_double_spaces():
    assert without_nothing(["a ", "", " b."]) == "a b."
    assert without_nothing(["a", sym("n"), " ", "b "]) == ["a", {"sym": "n"}, " b"]
    assert without_nothing("") == ""
    # Padding that aligns numbers is no gap.
    assert without_nothing("\u2007\u20071") == "\u2007\u20071"
    assert plain(["at ", sym("half"), " see ", {"ref": "x"}], {"x": "Figure 2"}) == (
        "at n = N/2 see Figure 2"
    )


def test_an_unknown_symbol_is_refused_before_typst_sees_it():
    with pytest.raises(KeyError):
        sym("no such symbol")


def test_symbols_are_those_of_the_template():
    template = files("simnorm.report").joinpath("symbols.typ").read_text(encoding="utf-8")
    assert set(re.findall(r'^  "([^"]+)": \(', template, re.M)) == set(SYMBOLS)


def test_a_figure_says_title_and_caption_to_who_cannot_see_it():
    block = blocks.figure("rmse", ["Down to ", sym("n"), "."], "A plot.", title="RMSE", name="r-2")
    assert (block["of"], block["name"]) == ("rmse", "r-2")
    assert block["alt"] == "A plot. RMSE. Down to n."


# ------------------------------------------------------------------------------------ the article


def cells_of(row):
    return [] if row == RULE else [c for c in row if isinstance(c, dict) and "rows" in c]


def texts(article):
    """Every text of an article as its pieces."""
    parts = [article.trust, article.answer, article.setting, article.subtitle, article.shape]
    for block in article.blocks():
        parts += [block.get(key, "") for key in ("text", "caption", "title", "lead", "alt")]
        for row in block.get("rows", ()):
            for it in [] if row == RULE else row:
                parts += [it["text"], it["below"]] if it in cells_of(row) else [it]
    return [piece for part in parts for piece in pieces(part)]


def test_every_reference_has_its_target_and_every_target_is_there_once(made):
    targets = [block.get("label") or block.get("name", "") for block in made.blocks()]
    targets = [target for target in targets if target]
    assert len(set(targets)) == len(targets)
    wanted = {
        piece["ref"] for piece in texts(made) if not isinstance(piece, str) and "ref" in piece
    }
    assert wanted <= set(targets)


def test_every_figure_is_told_of_in_the_text(made):
    wanted = {
        piece["ref"] for piece in texts(made) if not isinstance(piece, str) and "ref" in piece
    }
    inside = {b["name"] for part in made.chapters for b in part["blocks"] if b["kind"] == "figure"}
    first_pages = {name for name in inside if not re.search(r"-\d+$", name)}
    assert first_pages <= wanted


def test_texts_have_no_gaps_and_no_numbers_that_are_none(made):
    for piece in texts(made):
        words = piece if isinstance(piece, str) else plain([piece])
        # Numbers are padded behind their marks, to stand in line.
        assert "  " not in words.strip("\u2007\u2008 "), words
        assert not re.search(r"\b(nan|inf|None)\b", words.replace("None of the", "")), words


def test_captions_begin_with_a_title_and_end_with_a_full_stop(made):
    for block in made.blocks():
        if block["kind"] in ("figure", "table"):
            caption = plain(block["caption"])
            assert not caption or caption.endswith((".", "!")), caption
            if block not in made.first and not re.search(r"-\d+$", block.get("name", "")):
                assert block["title"], block


def test_every_row_of_a_table_fills_its_columns(made):
    for block in made.blocks():
        if block["kind"] != "table":
            continue
        width = len(block["head"])
        assert len(block["sides"]) == width
        assert sum(count for _, count in block["groups"]) in (0, width)
        below = [0] * width  # rows that cells from above still fill, by column
        for row in block["rows"]:
            if row == RULE:
                continue
            at = sum(left > 0 for left in below)
            spans = [it["rows"] if it in cells_of(row) else 1 for it in row]
            at += sum(it["columns"] if it in cells_of(row) else 1 for it in row)
            assert at == width, (block["title"], row)
            below = [max(0, left - 1) for left in below]
            below[0] = max(below[0], spans[0] - 1)
        assert not any(below), block["title"]


def test_the_first_page_has_one_picture_and_no_table(made):
    assert [block["kind"] for block in made.first] in (["figure"], [])
    assert len(made.tiles) <= 3


def test_chapters_stand_in_the_order_of_a_plan(made):
    titles = [part["title"] for part in made.chapters]
    assert titles[0] == "Aims"
    assert titles[1] in ("Data", "Data-generating mechanisms")
    assert titles[2:] == ["Estimands", "Methods", "Performance"]


def test_an_article_is_plain_values(made):
    assert json.loads(json.dumps(asdict(made)))["title"] == made.title


def sections(article):
    return [b["text"] for b in article.chapters[-1]["blocks"] if b["kind"] == "heading"]


ORDER = [
    "At a glance", "Variance", "Bias", "Root mean squared error", "Sampling distribution",
    "Split of the error", "Where the mean square fails", "Audit", "Convergence",
    "Sampling schemes", "Tables",
]  # fmt: skip


def test_sections_stand_in_one_order(made):
    found = sections(made)
    assert found == [section for section in ORDER if section in found]
    assert {"Audit", "Tables"} <= set(found)


def test_cells_near_the_limit_have_a_picture():
    made = article_of("amber")
    assert "khat" in made.figures()
    assert "Where the mean square fails" in sections(made)


def test_the_law_of_the_mean_is_told_where_there_is_a_mean():
    said = {name: str(list(article_of(name).blocks())) for name in ("two laws", "one cell")}
    assert "for a mean as 1/n − 1/N" in said["two laws"]
    assert "for a mean as" not in said["one cell"]


def test_schemes_stand_before_the_tables_where_there_are_several():
    found = sections(article_of("schemes"))
    assert found[-2:] == ["Sampling schemes", "Tables"]
    assert "Sampling schemes" not in sections(article_of("data"))


def test_a_run_without_values_has_no_empty_figures():
    made = article_of("undefined")
    assert not {"overview", "variance", "bias", "rmse", "audit"} & set(made.figures())
    assert not made.first
    said = [plain(b["text"]) for b in made.chapters[-1]["blocks"] if b["kind"] == "text"]
    assert said[0].startswith("Variance, bias and mean squared error are undefined in every row.")


def test_only_statuses_that_occur_are_explained():
    fine = article_of("one cell").chapters[3]["blocks"]
    assert not [block for block in fine if block["kind"] == "table"]
    assert plain(fine[-1]["text"]).endswith("estimate, standard error and interval are valid.")
    (table,) = [b for b in article_of("two laws").chapters[3]["blocks"] if b.get("rows")]
    words = [cell_["text"] for row in table["rows"] for cell_ in cells_of(row)]
    assert [{"code": "ok"}] in words
    assert [{"code": "unreliable"}] in words
    assert [{"code": "failed"}] not in words
    (failing,) = [b for b in article_of("failed").chapters[3]["blocks"] if b.get("rows")]
    assert [{"code": "failed"}] in [c["text"] for row in failing["rows"] for c in cells_of(row)]


def test_a_status_with_reasons_counts_them_and_one_without_counts_itself():
    (table,) = [b for b in article_of("two laws").chapters[3]["blocks"] if b.get("rows")]
    ok, _, unreliable, reason = table["rows"]
    assert ok[1] == "120"
    assert (unreliable[0]["rows"], unreliable[1]) == (2, "")
    assert reason == ["8", "t(df=5)", "std(ddof=0)", "a reason for unreliable"]


def test_figures_of_very_many_distributions_take_a_page_and_a_table_has_all():
    """Curves are those of a few, the heat map and a table have all fifty."""
    made = article_of("fifty laws")
    assert [name for name in made.figures() if name.startswith("variance")] == ["variance"]
    assert [name for name in made.figures() if name.startswith("heatmap")]
    labels = [block.get("label") for block in made.blocks()]
    assert "all-answers" in labels
    (every,) = [b for b in made.blocks() if b.get("label") == "all-answers"]
    assert len(every["rows"]) == 50


# ---------------------------------------------------------------------------------------- the PDF


@dataclass
class Partial(TinyDesign):
    """A design whose target was missed."""

    target_mcse: str = "0.01%"
    time_limit: float = 1.0


@dataclass
class PartialRun(TinyResult):
    """A run that a time limit ended."""

    @property
    def design(self):
        return replace(Partial(), replications=131072)


def ended(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(stop_reason="time")


LONG = {
    "partial, long names": PartialRun(ended(many(9, more="0123456789" * 8))),
    "partial, fifty": PartialRun(ended(many(50))),
    "one cell": FRAMES["one cell"],
    "data": FRAMES["wide data"],
    "undefined": FRAMES["undefined"],
    "hostile": FRAMES["hostile"],
}


def pages_of(path):
    out = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return [re.sub(r"\s+", " ", page) for page in out.stdout.decode().split("\f")]


@has("pdftotext")
@pytest.mark.parametrize(
    ("odd", "paper"),
    [*((odd, "a4") for odd in LONG), ("partial, long names", "letter"), ("one cell", "letter")],
)
def test_the_first_page_is_one_page_whatever_it_says(odd, paper, tmp_path):
    write_report(LONG[odd], tmp_path / "report.pdf", paper=paper)
    first, second, *_ = pages_of(tmp_path / "report.pdf")
    assert "How far is a batch from its full set?" in first
    assert "Contents 1 Aims, p. 2" in first
    assert "1 Aims How far are statistics" not in first
    assert "1 Aims How far are statistics" in second


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "report.pdf"
    write_report(FRAMES["two laws"], path)
    return path


@has("pdftotext")
def test_references_are_numbers_and_captions_have_titles(report):
    words = " ".join(pages_of(report))
    assert "Figure 2 shows how widely the error scatters" in words
    assert "Figure 2 Variance of the error against the full set." in words
    assert "Figure 10" not in words


@has("pdftohtml")
def test_all_headings_are_bookmarks(report):
    out = subprocess.run(
        ["pdftohtml", "-xml", "-i", "-stdout", report], capture_output=True, check=True
    )
    outline = re.findall(r'<item page="\d+">([^<]*)</item>', out.stdout.decode())
    assert outline[:5] == [
        "1 Aims", "2 Data-generating mechanisms", "3 Estimands", "4 Methods", "5 Performance",
    ]  # fmt: skip
    assert "5.1 At a glance" in outline
    assert outline[-2:] == ["A Provenance", "B Design"]


@has("pdftotext")
def test_pages_have_a_running_head_and_their_number(report):
    _, *others, last = pages_of(report)
    assert last == ""
    for at, page in enumerate(others, start=2):
        assert "How far is a batch from its full set? Sweep of normal and t(df=5)" in page
        assert f"{at} of {len(others) + 1}" in page


@has("pdftotext")
def test_markup_in_names_is_shown_as_it_is(tmp_path):
    write_report(FRAMES["hostile"], tmp_path / "report.pdf")
    words = " ".join(pages_of(tmp_path / "report.pdf"))
    assert HOSTILE in words
