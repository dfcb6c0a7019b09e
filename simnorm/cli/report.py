"""``simnorm report``: the report of a run as PDF or Markdown; nothing is computed again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.options import PAPER
from simnorm.errors import SimnormError

if TYPE_CHECKING:
    from simnorm.results import Result

RUN = Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")]
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
    """Write the report of a run; nothing is computed again.

    As PDF, or as Markdown with the pictures beside it. The same run gives the same bytes.
    """
    from simnorm.report.collector import uncollected
    from simnorm.report.formats import MARKDOWN, check_format, format_of
    from simnorm.report.formats import check_paper as check_paper_of

    with uncollected():
        from simnorm.results import check_report_path, load

    wanted = check_format(format) if format else ""
    if out == STDOUT and wanted in ("", MARKDOWN):
        check_paper_of(paper, MARKDOWN)
        _print(load(run))
        return
    path = out or run / f"report.{wanted or 'pdf'}"
    check_paper_of(paper, format_of(path, wanted, "out"))
    with uncollected():
        result = load(run)
        check_report_path(path, "out")
        path = result.report(path, **({"paper": paper} if paper else {}))
    if not quiet:
        typer.echo(f"report: {path}", err=True)


def _print(result: Result) -> None:
    """Print a report as Markdown."""
    from simnorm.report.markdown import text_of

    typer.echo(text_of(result), nl=False)


def check_wished(report: Path | None, paper: str | None) -> None:
    """Refuse what options say of a report, before anything is computed."""
    from simnorm.report.formats import check_paper, format_of
    from simnorm.results import check_report_path

    if report is not None:
        check_paper(paper, format_of(report))
        check_report_path(report)
    elif paper is not None:
        raise SimnormError("paper", paper, "no report is asked for", "Add --report FILE.")
