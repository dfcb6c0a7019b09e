"""The report as Markdown: what is data comes out as it is, and pictures lie where links say."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from html import unescape
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tiny_running import TinyRunning, running_frame
from typer.testing import CliRunner

from simnorm.cli import app
from simnorm.errors import RunError, SimnormError
from simnorm.report import article, write_report
from simnorm.report.content import Content
from simnorm.report.markdown import LONG_TABLE, markdown, text_of
from simnorm.report.markdown.latex import FORMULAS
from simnorm.report.markdown.marked import bold, html, in_code, literal, one_line
from simnorm.report.markdown.pipes import full_rows, pipe_table

HOSTILE = (
    "$x^2$ *b* #evil() @r <a> [c] `d` \\e",
    "a|b \\| c\\\\|d",
    "_a_ snake_case __b__ ~~no~~",
    "@user and #12 of GH-7, owner/name#3",
    "see https://example.org or www.example.org, me@example.org",
    ":tada: :100: 12:30:59",
    "<script>alert(1)</script> &amp; &lt;",
    "- 1. + > # = | --- |",
    "1. one",
    "two\nlines\r\nand\ttabs \u2028 more",
    "![alt](x.png) <!-- no --> ```",
    "<details> </summary>",
)
SIGNS = st.text(alphabet="\\`*_{}[]<>()#+-.!|$~@&;:/\"'= \n\tab1x", min_size=1, max_size=24)
RUN = TinyRunning(running_frame(), "", {})
NOTHING = pd.DataFrame()
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
INVISIBLE = re.compile(r"<!--\s*-->|</?(?:span|strong|sub|br|b)>")


def shown(tokens):
    """What a reader sees of inline tokens; tags that show nothing are dropped, others are seen."""
    words = []
    for token in tokens:
        if token.type == "html_inline":
            words.append(INVISIBLE.sub("", token.content))
        elif token.type in ("text", "code_inline"):
            words.append(token.content)
        else:
            assert token.type in ("strong_open", "strong_close"), token.type
    return "".join(words)


def inline(text, kind):
    """The one inline text of a document, which is of a kind of block."""
    tokens = READER.parse(text)
    assert kind in [token.type for token in tokens]
    (found,) = [token for token in tokens if token.type == "inline"]
    return shown(found.children)


def made(*blocks, **around):
    """A report of a few blocks."""
    whole = article.Article(
        title="How far?", head="", subtitle="one line", setting="A setting.", answer="An answer.",
        chapters=[article.chapter("Aims", blocks)],
    )  # fmt: skip
    about = {
        "author": "simnorm 1", "note": "", "provenance": [["seed", "7"]], "notice": "",
        "missed": [], "timed": False,
    }  # fmt: skip
    return Content(whole, NOTHING, NOTHING, datetime(2026, 1, 1, tzinfo=UTC), about | around)


def written(*blocks, pictures="x_files", **around):
    return markdown(made(*blocks, **around), RUN, pictures)


@pytest.fixture(scope="module")
def tiny():
    return RUN


# -------------------------------------------------------------------------------- what is data


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_comes_out_as_it_is(text):
    """In a paragraph, a heading, a list, a cell, in bold type and in code."""
    seen = one_line(text)
    paragraph = written(article.text(text)).split("\n\n")[5]
    assert inline(paragraph, "paragraph_open") == seen
    assert inline(f"## {literal(text)}", "heading_open") == seen
    assert inline(f"x {bold(text)} y", "paragraph_open") == f"x {seen} y"
    assert inline(f"x {in_code(text)} y", "paragraph_open") == f"x {seen} y"
    listed = written(article.bullets([text])).split("\n\n")[5]
    assert inline(listed, "bullet_list_open") == seen


@given(SIGNS)
def test_any_signs_come_out_as_they_are(text):
    """No mixture of Markdown's signs is markup, wherever it stands."""
    seen = one_line(text)
    line = written(article.text(text)).split("\n\n")[5]
    if seen:
        assert inline(line, "paragraph_open") == seen
        assert inline(f"x {bold(text)} y", "paragraph_open") == f"x {seen} y"
        assert inline(f"x {in_code(text)} y", "paragraph_open") == f"x {seen} y"
        assert "\n" not in literal(text)


@given(SIGNS, SIGNS)
def test_any_signs_keep_to_their_cell(one, two):
    """A row has as many cells as columns, and each shows its text."""
    table = written(article.table([one, "b"], [[two, [article.code(two)]]], "c")).split("\n\n")[6]
    tokens = READER.parse(table)
    assert tokens[0].type == "table_open"
    cells = [shown(token.children) for token in tokens if token.type == "inline"]
    assert cells == [one_line(one), "b", one_line(two), one_line(two)]


@given(SIGNS)
def test_any_signs_are_no_html_in_a_summary(text):
    """What is in a summary is one line of text."""
    line = html(text)
    assert unescape(line.replace("<!-- -->", "")) == one_line(text)
    assert "<" not in line.replace("<!-- -->", "")


def test_nothing_is_a_mention_an_issue_or_an_address():
    """GitHub looks for these in runs of plain text: none is left whole."""
    text = " ".join(HOSTILE)
    for line in (literal(text), html(text)):
        runs = re.split(r"<!--\s*-->|<[^>]*>", line)
        runs = [unescape(re.sub(r"\\(?=[^\w\s])", "", run)) for run in runs]
        for run in runs:
            assert not re.search(r"@\w|#\d|GH-\d|https?://|www\.|:tada:|:100:", run)
        assert "12:30:59" in "".join(runs)


def test_snake_case_stays_readable():
    assert literal("biased_variance of std(ddof=0), 5 %") == "biased_variance of std(ddof=0), 5 %"
    assert literal("_a_") == "\\_a\\_"


# ------------------------------------------------------------------------------------- blocks

GOLDEN = """\
# How far?

one line

A setting.

**An answer.**

## 1 Aims

**Batches.** Of *n* rows, by `a|b`; see [Table 1](#at-t) and [Section 1.1](#at-s).

> Seen.

<sub>In small print.</sub>

### <a id="at-s"></a>Section

```math
r_t = m\\,r_{t-1} + (1 - m)\\,b_t, \\quad r_0 = 0 \\text{ for means,} \\quad r_0 = 1 \
\\text{ for variances} .
```

![Log-log. Title. Found.](x_files/floor.svg)

<a id="at-floor"></a>**Figure 1. Title.** Found.

*“BN is slow”*

**True.** It is.

- one
- \\+ two

<a id="at-t"></a>**Table 1** Numbers.

| name | size: n | size: N |
| :-- | --: | --: |
| a<br>unit | 1 | 2 |
|  | 3 | 4 |
| nothing to see |  | – |

## Provenance

The same seed, design and versions give the same numbers, whatever the number of workers. To run \
it again, save the design below as `design.toml` and call `simnorm run design.toml`. Files that \
this report calls attached are in the run folder.

<details>
<summary>Where the numbers come from</summary>

| item | value |
| :-- | :-- |
| seed | 7 |

</details>

<details>
<summary>The design</summary>

```toml
"""


def test_every_kind_of_block():
    """A report with one block of each kind, letter by letter."""
    cell = article.cell
    blocks = [
        article.text(
            ["Of ", article.sym("n"), " rows, by ", article.code("a|b"), "; see ",
             article.ref("t"), " and ", article.ref("s"), "."],
            "Batches.",
        ),
        article.finding("Seen."),
        article.small("In small print."),
        article.heading("Section", "s"),
        article.formula("running"),
        article.figure("floor", "Found.", "Log-log.", title="Title"),
        article.verdict("BN is slow", "True", "It is."),
        article.bullets(["one", "+ two"]),
        article.table(
            ["name", "n", "N"],
            [[cell("a", rows=2, below="unit"), "1", "2"], ["3", "4"], article.RULE,
             [cell("nothing to see", columns=2), "–"]],
            "Numbers.", label="t", groups=[("", 1), ("size", 2)],
        ),
    ]  # fmt: skip
    assert written(*blocks).startswith(GOLDEN)


def test_a_code_span_in_a_cell_keeps_its_bar():
    table = pipe_table(lambda words: words.replace("|", "\\|"), ["h"], [["`a|b`"]], "l")
    assert table.endswith("| `a\\|b` |")


def test_spanned_cells_are_empty():
    """Rows keep their width: two rows deep, two columns wide, and both."""
    cell = article.cell
    rows = [[cell("a", rows=2, columns=2), "1"], ["2"], ["b", cell("c", rows=2), "3"], ["d", "4"]]
    texts = [[it["text"] if isinstance(it, dict) else it for it in row]
             for row in full_rows(rows, 3)]  # fmt: skip
    assert texts == [["a", "", "1"], ["", "", "2"], ["b", "c", "3"], ["d", "", "4"]]


@pytest.mark.parametrize("rows", [LONG_TABLE, LONG_TABLE + 1])
def test_long_tables_are_folded(rows):
    table = article.table(["a", "b"], [["1", "2"]] * rows, "All of <it>.")
    text = written(table).split("## Provenance")[0]
    assert ("<summary>Table 1. All of &lt;it&gt;.</summary>" in text) == (rows > LONG_TABLE)


def test_long_chapters_are_folded_and_say_what_they_hold():
    table = article.table(["a", "b"], [["1", "2"]], "Numbers.")
    text = written(article.text("word " * 500), table, article.figure("floor", "Found."))
    assert "## 1 Aims\n\n<details>\n<summary>Read the chapter (1 figure, 1 table)</summary>" in text
    assert text.count("<details>") == text.count("</details>") == 3


def test_a_partial_run_says_so_at_once():
    text = written(notice="Not all was drawn.", missed=["a: 3 of 5", "*b*: 2"])
    assert "> **Not all was drawn.**\n>\n> a: 3 of 5\n>\n> \\*b\\*: 2\n\n**An answer.**" in text


def test_all_formulas_have_their_latex():
    """The names are those of the template, and braces close."""
    template = files("simnorm.report").joinpath("formulas.typ").read_text(encoding="utf-8")
    assert set(FORMULAS) == set(re.findall(r'^  "([\w-]+)": \(', template, re.M))
    for name, formula in FORMULAS.items():
        assert formula.count("{") == formula.count("}"), name
        assert formula.count(r"\left") == formula.count(r"\right"), name
        assert formula.isascii(), name


# -------------------------------------------------------------------------------------- files


def links(text):
    return [unquote(link) for link in re.findall(r"!\[.*?\]\((\S+)\)", text)]


def test_pictures_lie_beside_the_file(tiny, tmp_path):
    """Every link leads to a file, letters are drawn, references lead to what is there."""
    path = tmp_path / "my report (1).md"
    write_report(tiny, path)
    text = path.read_text(encoding="utf-8")
    found = links(text)
    assert len(found) == len(set(found)) >= 3
    for link in found:
        assert link.startswith("my report (1)_files/")
        assert (tmp_path / link).read_text(encoding="utf-8").count("<text") == 0
    assert sorted(os.listdir(tmp_path)) == ["my report (1).md", "my report (1)_files"]
    assert all(f'id="{place}"' in text for place in re.findall(r"\(#(at-\S+?)\)", text))
    assert READER.render(text).count("<h1>") == 1


def test_the_same_bytes_again(tiny, tmp_path):
    for name in ("a", "b"):
        write_report(tiny, tmp_path / f"{name}.md")
    one, two = ((tmp_path / f"{name}.md").read_text() for name in ("a", "b"))
    assert one.replace("a_files/", "b_files/") == two
    for picture in (tmp_path / "a_files").iterdir():
        assert picture.read_bytes() == (tmp_path / "b_files" / picture.name).read_bytes()


def test_only_own_pictures_are_replaced(tiny, tmp_path):
    folder = tmp_path / "r_files"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (folder / "floor.svg").write_text("old")
    write_report(tiny, tmp_path / "r.md")
    assert (folder / "mine.txt").read_text() == "mine"
    assert (folder / "floor.svg").read_text() != "old"


def test_a_file_in_the_place_of_the_pictures_is_refused(tiny, tmp_path):
    (tmp_path / "r_files").write_text("mine")
    with pytest.raises(SimnormError, match="its pictures go to r_files, which is a file"):
        write_report(tiny, tmp_path / "r.md")
    assert (tmp_path / "r_files").read_text() == "mine"
    assert not (tmp_path / "r.md").exists()


def test_a_picture_that_fails_leaves_the_old_report(tiny, tmp_path, monkeypatch):
    path = tmp_path / "r.md"
    path.write_text("old")
    monkeypatch.setattr(Content, "picture", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(tiny, path)
    assert os.listdir(tmp_path) == ["r.md"]
    assert path.read_text() == "old"


def test_a_place_that_is_not_there(tiny, tmp_path):
    with pytest.raises(RunError, match="the file cannot be written"):
        write_report(tiny, tmp_path / "none" / "r.md")


def test_without_pictures_a_line_says_how_to_have_them(tiny):
    text = text_of(tiny)
    assert links(text) == []
    assert text.count("Pictures are left out here") == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"format": "word"}, "format: got 'word'; allowed are pdf and md"),
        ({"format": "pdf"}, "its ending says md, the format says pdf"),
        ({"paper": "letter"}, "a report in Markdown has none"),
        ({"paper": "a5"}, "allowed are a4 and letter"),
    ],
)
def test_what_does_not_go_together_is_refused(tiny, tmp_path, how, said):
    with pytest.raises(SimnormError, match=said):
        write_report(tiny, tmp_path / "r.md", **how)


# ------------------------------------------------------------------------------- command line


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    done = CliRunner().invoke(
        app,
        ["sweep", "--dist", "normal", "--batch-sizes", "2,4", "--full-size", "64",
         "--replications", "16", "-o", str(folder), "-q"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder


def called(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_report_goes_to_the_run_folder_by_default(run_folder):
    done = called(run_folder, "--format", "md")
    assert done.exit_code == 0
    assert done.stderr == f"report: {run_folder / 'report.md'}\n"
    assert (run_folder / "report_files" / "overview.svg").is_file()


def test_the_ending_says_the_format(run_folder, tmp_path):
    assert called(run_folder, "-o", tmp_path / "r.md", "-q").exit_code == 0
    assert (tmp_path / "r.md").read_text(encoding="utf-8").startswith("# ")


def test_a_dash_prints(run_folder):
    done = called(run_folder, "-o", "-")
    assert done.exit_code == 0
    assert done.stdout.startswith("# ")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "word"], "simnorm: --format: got 'word'; allowed are pdf and md.\n"),
        (["--format", "md", "-o", "r.pdf"],
         "simnorm: --out: got 'r.pdf'; its ending says pdf, the format says md. "
         "Drop one or change it.\n"),
        (["-o", "r.doc"], "simnorm: --out: got 'r.doc'; a report is PDF or Markdown. "
         "Name a file ending in .pdf or .md.\n"),
        (["--format", "pdf", "-o", "-"],
         "simnorm: --out: got '-'; the format is pdf. Name a file ending in .pdf.\n"),
        (["--paper", "lettr"],
         "simnorm: --paper: got 'lettr'; allowed are a4 and letter. Did you mean 'letter'?\n"),
        (["--paper", "a4", "-o", "r.md"],
         "simnorm: --paper: got 'a4'; a report in Markdown has none. Leave it out.\n"),
    ],
)  # fmt: skip
def test_a_wrong_word_gives_one_line(run_folder, arguments, said):
    done = called(run_folder, *arguments)
    assert (done.exit_code, done.stderr) == (2, said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sweep", "--paper", "letter"], "no report is asked for. Add --report FILE."),
        (["sweep", "--paper", "a5", "--report", "r.pdf"], "allowed are a4 and letter."),
        (["study", "inputs", "--no-report", "--paper", "a4"], "--no-report says to write none."),
        (["sweep", "--report", "r.doc"], "Name a file ending in .pdf or .md."),
    ],
)
def test_reports_of_runs_are_checked_before_anything_is_drawn(
    arguments, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(Path(tmp_path).iterdir()) == []
