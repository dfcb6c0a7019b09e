"""``simnorm report``: the report of a run or an answer; nothing is computed again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.interrupts import say
from simnorm.cli.options import PAPER
from simnorm.cli.plain import echo
from simnorm.errors import SimnormError

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.results import Result

RUN = Annotated[Path, typer.Argument(help="The folder of a run or an answer.", metavar="RUN")]
FILE = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="The file to write, ending in .pdf or .md; pictures of FILE.md go to FILE_files; - "
        "prints Markdown without pictures [default: RUN/report.pdf].",
        metavar="FILE",
    ),
]
FORMAT = Annotated[
    str | None,
    typer.Option(
        help="pdf, or md: Markdown for pull requests [default: by the ending of FILE].",
        metavar="FORMAT",
    ),
]
NO_PATH = Annotated[bool, typer.Option("-q", "--quiet", help="Do not print the path.")]

STDOUT = Path("-")


@guarded
def report(
    run: RUN,
    out: FILE = None,
    format: FORMAT = None,
    paper: PAPER = None,
    quiet: NO_PATH = False,
) -> None:
    """Write the report of a run, or of an answer; nothing is computed again.

    As PDF, or as Markdown with the pictures beside it. The same run gives the same bytes.
    """
    from simnorm.report.collector import uncollected
    from simnorm.report.formats import MARKDOWN, check_format, format_of
    from simnorm.report.formats import check_paper as check_paper_of

    with uncollected():
        from simnorm.results import check_report_path

    wanted = check_format(format) if format else ""
    if out == STDOUT and wanted in ("", MARKDOWN):
        check_paper_of(paper, MARKDOWN)
        _print(_load(run))
        return
    path = out or run / f"report.{wanted or 'pdf'}"
    check_paper_of(paper, format_of(path, wanted, "out"))
    with uncollected():
        result = _load(run)
        check_report_path(path, "out" if out else "run")
        path = result.report(path, **({"paper": paper} if paper else {}))
    if not quiet:
        say(f"report: {path}")
        _tell_partial(result)


def _load(folder: Path) -> Result | Answer:
    """Return the run or the answer that a folder holds."""
    from simnorm.answering.running import is_answer, load_answer
    from simnorm.results import load

    return load_answer(folder) if is_answer(folder) else load(folder)


def _tell_partial(result: Result | Answer) -> None:
    """Say that a report is of less than was asked for, where nothing has failed or been missed."""
    from simnorm.results import Result

    if isinstance(result, Result) and result.is_partial:
        from simnorm.cli.going_on import folded_note
        from simnorm.stopped import notice_of

        say(folded_note(notice_of(result)))


def _print(result: Result | Answer) -> None:
    """Print a report as Markdown."""
    from simnorm.answering import Answer
    from simnorm.report import markdown, volume

    text = volume.text_of(result) if isinstance(result, Answer) else markdown.text_of(result)
    echo(text, nl=False)


def check_wished(report: Path | None, paper: str | None) -> None:
    """Refuse what options say of a report, before anything is computed."""
    from simnorm.report.formats import check_paper, format_of
    from simnorm.results import check_report_path

    if report is not None:
        check_paper(paper, format_of(report))
        check_report_path(report)
    elif paper is not None:
        raise SimnormError("paper", paper, "no report is asked for", "Add --report FILE.")
