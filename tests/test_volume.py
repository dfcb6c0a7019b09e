"""The report of an answer: verdicts first, a chapter per study, everything that a reader needs."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess

import pandas as pd
import pytest
from typer.testing import CliRunner

import simnorm as sn
from simnorm.answering import STUDIES, WORDS, Answer, Missing, Settings, Verdict
from simnorm.answering.needed import SCHEMA
from simnorm.api import run
from simnorm.cli import app
from simnorm.design import Design
from simnorm.figures.tables import featured_size, featuring
from simnorm.report import volume
from simnorm.report.article import figure, formula, heading, ref, table, text
from simnorm.report.article import plain as plainly
from simnorm.report.pieces import TONES
from simnorm.report.volume import front, needing, sizes
from simnorm.report.volume.compile import compiled
from simnorm.report.volume.content import Content, files_of
from simnorm.report.volume.missing import missing_blocks
from simnorm.report.volume.scoped import references, scoped, targets
from simnorm.report.volume.tables import Tables
from simnorm.report.volume.verdicts import TONE_OF, verdict_blocks, verdict_table, where

poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler")
NAMES = ("normal", "exponential")
NO_TORCH = Missing("It needs PyTorch, which is not installed.", "Install it.")
HOSTILE = "$x$ *b* #e @r <a> |"
CJK = "\u5217\U0001f600"


def verdicts():
    """One for every word, on figures that there are and that there are not."""
    kinds = {"inputs": "error", "sweep": "overview", "running": "no such kind"}
    places = [*kinds.items(), ("scaling", "accuracy"), ("shift", ""), ("overhead", "x")]
    places += [("solve", ""), ("inputs", "gamma")]
    return tuple(
        Verdict(f"key{at}", f"Claim number {at}.", word, f"{at}.0 ± 0.1", f"Found {at}", kind,
                study, "the interval says so", "1 point of accuracy",
                "about 30 repeats" if word == "undecided" else "")
        for at, (word, (study, kind)) in enumerate(zip(WORDS, places, strict=True))
    )  # fmt: skip


def needed_of(**sizes):
    rows = [(name, size, size, size, "exact", "" if size else "At 512 it is 0.2.")
            for name, size in sizes.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=list(SCHEMA)).astype(SCHEMA)


def studies(**of):
    made = {}
    for study in ("sweep", "inputs", "running"):
        more = {"steps": 40} if study == "running" else {}
        sizes = "1,2,8,32" if study != "sweep" else "2,8,32,128"
        design = Design.make(study=study, batch_sizes=sizes, replications=128, **of, **more)
        made[study] = run(design, workers=1)
    return made | dict.fromkeys(("scaling", "shift", "overhead"), NO_TORCH)


def answer_of(results, level="quick", n=32, data="", **needed):
    names = results["sweep"].design.names
    settings = Settings(level, n, results["sweep"].design.full_size, tuple(names), data=data)
    return Answer(
        results, verdicts(), settings, needed_of(**needed),
        ("No: it does not.", "A second sentence."), ("Use StandardScaler.",),
        {"simnorm": sn.__version__, "command": "simnorm answer --quick"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def laws():
    return answer_of(studies(distributions=NAMES, full_size=256), normal=141, exponential=0)


@pytest.fixture(scope="module")
def of_data():
    import numpy as np

    rng = np.random.default_rng(5)
    columns = {HOSTILE: rng.normal(size=160), CJK: rng.exponential(size=160)}
    return answer_of(studies(data=columns), data="folder/train.csv", **{HOSTILE: 20, CJK: 150})


@pytest.fixture(scope="module")
def pdf(laws, tmp_path_factory):
    path = tmp_path_factory.mktemp("volume") / "report.pdf"
    volume.write(laws, path)
    return path


def words_of(path, *how):
    done = subprocess.run(["pdftotext", *how, str(path), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode().replace("\u200b", "").split())


# --------------------------------------------------------------------------------- batch size


def test_a_table_can_be_told_of_one_batch_size(laws):
    """Sentences speak of the batch size that was asked for, through all that is done to a table."""
    frame = laws.results["sweep"].frame
    assert featured_size(frame) in (8, 32)
    for n in (2, 8, 32, 128):
        told = featuring(frame, n)
        assert featured_size(told) == n
        assert featured_size(told[told["measure"] == "rmse"].assign(x=1)) == n
    assert "batch_size" not in frame.attrs


def test_chapters_speak_of_the_batch_size_asked_for(laws):
    """The finding of each of the three chapters names it."""
    for n in (8, 32):
        for study in ("sweep", "inputs", "running"):
            blocks = Tables.of(laws.results[study], n).blocks(study)
            said = next(plainly(b["text"]) for b in blocks if b["kind"] == "finding")
            assert re.search(rf"\b(batch of|batch size|batches of) {n}\b|batches of {n},|of {n},",
                             said), said  # fmt: skip


# ------------------------------------------------------------------------- names and references


def test_names_and_references_say_whose_they_are():
    """Figures, tables and sections get the study before their names, and so does what leads there;
    a formula keeps its own."""
    blocks = [
        text([ref("error"), " and ", ref("facts")]),
        figure("error", [ref("facts")], name="error-2"),
        table(["a"], [[[ref("error")]]], "", label="facts"),
        heading("Head", "here"),
        formula("affine"),
    ]
    shown = scoped(blocks, "inputs")
    assert list(references(shown)) == ["inputs-error", "inputs-facts", "inputs-facts",
                                       "inputs-error"]  # fmt: skip
    assert targets(shown) == {"inputs-error-2", "inputs-facts", "inputs-here"}
    assert (shown[1]["of"], shown[4]["name"]) == ("error", "affine")
    assert blocks[1]["name"] == "error-2"


@pytest.mark.parametrize("which", ["laws", "of_data"])
def test_every_reference_leads_somewhere(which, request):
    """And no two figures, tables or sections have one name."""
    content = Content.of(request.getfixturevalue(which))
    chapters = content.article.chapters
    found = [target for part in chapters for target in targets(part["blocks"])]
    found += targets(content.article.first)
    found += [part["label"] for part in chapters]
    assert len(found) == len(set(found))
    wanted = set(references(chapters)) | set(references(content.article.first))
    wanted |= set(references(content.article.trust)) | set(references(content.appendix))
    assert wanted
    assert wanted <= set(found)
    assert set(content.article.figures()) == set(content.drawn)


# ------------------------------------------------------------------------------------ verdicts


def test_every_word_has_a_plate():
    """All words of verdicts have a tone, decided ones another than those that are not."""
    assert set(TONE_OF) == set(WORDS)
    assert set(TONE_OF.values()) <= set(TONES)
    assert TONE_OF["undecided"] not in (TONE_OF["true"], TONE_OF["false"], TONE_OF["no difference"])


def test_a_verdict_refers_to_what_there_is():
    """To figure and chapter, to the chapter alone, or to nothing."""
    one = Verdict("a", "A.", "true", "1 ± 1", "", "error", "inputs")
    assert where(one, {"inputs-error", "chapter-inputs"}) == [
        ref("inputs-error"), ", ", ref("chapter-inputs"),
    ]  # fmt: skip
    assert where(one, {"chapter-inputs"}) == [ref("chapter-inputs")]
    assert where(one, set()) == "–"


def test_the_table_has_a_row_for_every_claim(laws):
    """In their order, with the word and the number as they are."""
    made = verdict_table(laws.verdicts, set())
    assert [row[0] for row in made["rows"]] == [v.claim for v in laws.verdicts]
    assert [row[1][0]["badge"] for row in made["rows"]] == list(WORDS)
    assert [row[2] for row in made["rows"]] == [v.number for v in laws.verdicts]


def test_chapters_begin_with_their_claims(laws):
    """Each once, with what was found, why, and what it would take."""
    blocks = [b for study in (*STUDIES, "solve") for b in verdict_blocks(laws.verdicts, study)]
    assert sorted(b["claim"] for b in blocks) == sorted(v.claim for v in laws.verdicts)
    undecided = next(b for b in blocks if b["word"] == "Undecided")
    at = list(WORDS).index("undecided")
    assert undecided["text"] == (
        f"Found {at}. The interval says so. It would take about 30 repeats."
    )
    content = Content.of(laws)
    shown = [b["claim"] for part in content.article.chapters for b in part["blocks"]
             if b["kind"] == "verdict"]  # fmt: skip
    assert sorted(shown) == sorted(v.claim for v in laws.verdicts)


# ------------------------------------------------------------------------------------ page one


def test_what_to_do_comes_right_behind_the_answer(of_data):
    """Behind three sentences in the box; other sentences and tables follow."""
    long = dataclasses.replace(of_data, sentences=("One.", "Two.", "Three.", "Four.", "Five."))
    made = Content.of(long).article
    assert (made.answer, made.shape) == ("One.", "Two. Three.")
    assert [block["kind"] for block in made.first[:3]] == ["text", "list", "text"]
    assert made.first[0]["lead"] == "What to do"
    assert made.first[1]["items"] == ["Use StandardScaler."]
    assert made.first[2]["text"] == "Four. Five."


def test_page_one_says_which_verdicts_rest_on_theory(laws):
    """Those that do and were judged; where there are none, no word of it."""
    some = laws.verdicts[0]
    both = (some._replace(key="gamma_beta"), some._replace(key="full_set_z"))
    said = plainly(front.trust(dataclasses.replace(laws, verdicts=both)))
    assert "by rules named beforehand" in said
    theory = "By theory, not from a run: that γ and β leave the shape of the data as it is"
    assert f"{theory} and the own error of a z-score." in said
    one = (both[0], both[1]._replace(word="not measured"))
    said = plainly(front.trust(dataclasses.replace(laws, verdicts=one)))
    assert f"{theory}." in said
    assert "By theory" not in plainly(front.trust(laws))


def test_the_appendix_tells_two_kinds_of_intervals_apart(laws):
    """Those that verdicts use, and those of the chapters; a margin is no finding of a run."""
    blocks = Content.of(laws).appendix[0]["blocks"]
    said = " ".join(plainly(block["text"]) for block in blocks if block["kind"] == "text")
    assert "Bonferroni" in said
    assert "plain 95 % intervals" in said
    assert "part of the program, not of a run" in said


def test_a_quick_run_says_so(laws):
    """With the number of undecided claims; another level says nothing of the kind."""
    assert front.notice(laws).startswith(
        "A quick run: 1 of 8 claims is undecided, and few repeats leave wide intervals."
    )
    assert "quick" in front.subtitle(laws)
    longer = dataclasses.replace(laws, settings=dataclasses.replace(laws.settings, level="default"))
    assert "quick" not in front.notice(longer) + front.subtitle(longer)


def test_missing_studies_are_told_of(laws):
    """On page one, and in a chapter that says why and what to do."""
    assert "Scaling, shift and overhead have no result" in front.notice(laws)
    parts = {part["study"]: part for part in Content.of(laws).article.chapters}
    for study in ("scaling", "shift", "overhead"):
        first, second = parts[study]["blocks"][:2]
        assert "It needs PyTorch, which is not installed." in first["text"]
        assert "Install it. Then run the same command again" in second["text"]


def test_a_study_never_asked_for_has_no_chapter(laws):
    results = {word: laws.results[word] for word in ("sweep", "inputs")}
    some = dataclasses.replace(laws, results=results, verdicts=laws.verdicts[:2])
    parts = [part["study"] for part in Content.of(some).article.chapters]
    assert parts == ["measured", "sweep", "inputs", "solve"]


def test_without_any_study_there_is_a_document(laws, tmp_path):
    """All missing: page one, words and margins, and no provenance."""
    results = dict.fromkeys(STUDIES, NO_TORCH)
    none = dataclasses.replace(laws, results=results, needed=needed_of())
    volume.write(none, tmp_path / "none.pdf")
    content = Content.of(none)
    assert [part["title"] for part in content.appendix] == ["Words and margins", "Not measured"]
    assert list(files_of(none)) == ["verdicts.csv"]


# ------------------------------------------------------------------------------- needed sizes


def test_columns_that_need_more_come_first(of_data):
    """Those above the batch size asked for alone, the most demanding first; none of laws."""
    tables = {"inputs": Tables.of(of_data.results["inputs"], 32)}
    (made,) = needing.needing(of_data, tables)
    assert [row[0] for row in made["rows"]] == ["column 2"]
    assert made["rows"][0][1].strip() == "150"
    assert "1 of 2 columns need more than batches of 32" in made["caption"]
    first = Content.of(of_data).article.first
    assert [block.get("label") for block in first if block["kind"] == "table"] == [
        "needing", "verdicts",
    ]  # fmt: skip


def test_of_many_columns_the_worst_ten_are_listed(of_data):
    """With how many more there are; a column that no batch is enough for before all others."""
    many = {f"c{i}": 100 + i for i in range(14)} | {"never": 0, "small": 4}
    some = dataclasses.replace(of_data, needed=needed_of(**many))
    (made,) = needing.needing(some, {})
    assert [row[0] for row in made["rows"]] == ["never", *(f"c{i}" for i in range(13, 4, -1))]
    assert "15 of 16 columns need more" in made["caption"]
    assert "and 5 more in needed.csv" in made["caption"]
    assert made["rows"][0][1].strip() == "none"


def test_where_no_column_needs_more_it_is_said(of_data):
    fine = dataclasses.replace(of_data, needed=needed_of(a=3, b=32))
    (made,) = needing.needing(fine, {})
    assert made["text"] == (
        "Batches of 32 keep normalized values within 0.1 standard deviations in all 2 columns."
    )


def test_distributions_have_no_such_table_on_page_one(laws):
    assert needing.needing(laws, {}) == []
    assert all(block.get("label") != "needing" for block in Content.of(laws).article.first)


def test_the_chapter_on_batch_sizes_tells_what_is_enough(laws):
    """From the smallest to the largest, and where none is."""
    every = needing.needs(laws, {})
    assert sizes.enough(every, laws) == (
        "It takes batches of 141 to be within 0.1 standard deviations. In 1 of 2 distributions no "
        "batch is large enough."
    )
    nothing = dataclasses.replace(laws, needed=needed_of())
    assert sizes.sizes(nothing, {}) == []


# --------------------------------------------------------------------------------- the document


@poppler
def test_the_document_is_whole(pdf, laws):
    """Title, every claim and word, all chapters in the contents, A4, tagged, archival."""
    first = words_of(pdf, "-f", "1", "-l", "2")
    assert front.TITLE in first
    assert "No: it does not. A second sentence." in first
    every = words_of(pdf)
    for verdict in laws.verdicts:
        assert verdict.claim in first
    assert not re.search(r"\b(Figure|Table) \?|Figure 10\b", every)
    info = subprocess.run(["pdfinfo", pdf], capture_output=True, check=True).stdout.decode()
    assert re.search(r"Tagged: +yes", info)
    assert "595.276 x 841.89" in info
    assert re.search(r"Title: +Does batch normalization replace .*\(normal and exponential\)", info)
    numbers = [int(n) for n in re.findall(r"Figure (\d+) (?=[A-Z])", every)]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))


@poppler
def test_every_run_is_attached(pdf, laws, tmp_path):
    """Verdicts, needed sizes, and table and design of every study, under names of their own."""
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, pdf], check=True, capture_output=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["verdicts.csv", "needed.csv"]
        + [f"{study}-{name}" for study in ("sweep", "inputs", "running")
           for name in ("results.csv", "design.toml")]
    )  # fmt: skip
    assert list(pd.read_csv(tmp_path / "verdicts.csv")["word"]) == list(WORDS)
    design = (tmp_path / "inputs-design.toml").read_text()
    assert design == laws.results["inputs"].design.to_toml()


def test_the_same_answer_gives_the_same_bytes(pdf, laws):
    """And another verdict another document."""
    assert compiled(laws) == pdf.read_bytes()
    other = dataclasses.replace(laws, verdicts=(
        laws.verdicts[0]._replace(word="false"), *laws.verdicts[1:]))  # fmt: skip
    assert compiled(other) != pdf.read_bytes()


@poppler
def test_letter_and_odd_names(of_data, tmp_path):
    """Names of columns are data, never markup; one without glyphs has a number and a note."""
    of_data.report(tmp_path / "r.pdf", paper="letter")
    every = words_of(tmp_path / "r.pdf")
    assert HOSTILE in every
    assert "column 2" in every
    assert "cannot be shown" in every


def test_markdown_has_the_same_words(laws, of_data, tmp_path):
    """Every claim, every figure with its picture, links that lead somewhere, designs folded."""
    for answer in (laws, of_data):
        answer.report(tmp_path / "r.md")
        written = (tmp_path / "r.md").read_text(encoding="utf-8")
        for verdict in answer.verdicts:
            assert verdict.claim in written
        pictures = re.findall(r"\]\((r_files/[^)]+)\)", written)
        assert len(pictures) == len(Content.of(answer).article.figures())
        assert all((tmp_path / name).is_file() for name in pictures)
        anchors = set(re.findall(r'<a id="([^"]+)"', written))
        assert set(re.findall(r"\]\(#([^)]+)\)", written)) <= anchors
    assert "r_files" not in volume.text_of(laws)


def test_simnorm_report_makes_it_again(tmp_path):
    """From the folder of an answer, as PDF and on stdout; nothing is run."""
    folder = tmp_path / "answer"
    folder.mkdir()
    (folder / "answer.json").write_text(Settings("quick", 32, 256, NAMES).to_json())
    done = CliRunner().invoke(app, ["report", str(folder), "-o", "-"])
    assert done.exit_code == 0, done.output
    assert front.TITLE in done.output
    done = CliRunner().invoke(app, ["report", str(folder)])
    assert done.exit_code == 0, done.output
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_nothing_is_asked_for_twice(laws):
    """A study that was interrupted asks for the command once; one that lacks torch as well."""
    for missing in (Missing("It was not run to its end.", "Run the same command again."), NO_TORCH):
        some = dataclasses.replace(laws, results=laws.results | {"shift": missing})
        said = plainly(missing_blocks(some, "shift")[1]["text"])
        assert said.lower().count("run the same command again") == 1
        assert "hat is finished is kept" in said


def test_a_claim_that_was_not_measured_says_why_in_the_appendix(laws):
    """Where its study has a result; of studies without one the appendix tells once."""
    odd = laws.verdicts[0]._replace(word="not measured", claim="A claim.", why="It was not asked.")
    some = dataclasses.replace(laws, verdicts=(odd,))
    lines = Content.of(some).appendix[1]["blocks"][0]["items"]
    assert "“A claim.” It was not asked." in lines
