"""``simnorm check``: whether a run folder is what it says it is, a line for each check."""

from __future__ import annotations

import json as to_json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.options import WORKERS

if TYPE_CHECKING:
    from simnorm.checking import Checked, Finding

# A check that failed, as a target that was missed.
FAILED = 3
WIDTH = 80
# The columns before what was looked at.
INDENT = 27
# Of what is wrong, so much is enough to see what it is.
MOST_FAILURES = 5
ALL_BLOCKS = Annotated[
    bool, typer.Option("--all-blocks", help="Draw every stored block again, as long as it takes.")
]
MOVED_DATA = Annotated[
    str | None,
    typer.Option("--data", help="Where the data of the run are now.", metavar="FILE"),
]
ONLY_FAILED = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print only the checks that did not pass.")
]
AS_JSON = Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")]


@guarded
def check(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")],
    data: MOVED_DATA = None,
    all_blocks: ALL_BLOCKS = False,
    workers: WORKERS = None,
    json: AS_JSON = False,
    quiet: ONLY_FAILED = False,
) -> None:
    """Check that a run is what it says it is; nothing in its folder is changed.

    Are all files, rows and blocks there, each once? Are some blocks, drawn again, those that are
    stored, and the tables those of the stored blocks? Do the numbers agree with each other, and
    with theory? Exit code 0 if every check was made and passed, 3 if not.
    """
    from simnorm import checking
    from simnorm.cli.running import progress_bar

    with progress_bar(shown=not (quiet or json)) as on_progress:
        found = checking.check(
            run, data=data, all_blocks=all_blocks, workers=workers, on_progress=on_progress
        )
    if json:
        typer.echo(to_json.dumps(found.to_dict()))
    else:
        print_findings(found, quiet=quiet)
    sys.stdout.flush()
    if not found.passed:
        raise typer.Exit(FAILED)


def print_findings(found: Checked, *, quiet: bool) -> None:
    """Print a line for every check, what is wrong below, and a verdict."""
    shown = [finding for finding in found.findings if not (quiet and finding.passed)]
    for finding in shown:
        typer.echo(_line(finding))
    for finding in shown:
        if finding.failures:
            typer.echo("")
            _print_failures(finding)
    # What several checks lack is said once.
    for hint in dict.fromkeys(finding.hint for finding in shown if finding.hint):
        typer.echo("\n" + textwrap.fill(hint, WIDTH))
    if not quiet:
        count = len(found.findings)
        failed = found.failed
        verdict = f"FAILED: {', '.join(failed)}" if failed else f"passed: all {count} checks"
        typer.echo("\n" + textwrap.fill(verdict, WIDTH))


def _line(finding: Finding) -> str:
    status = "FAILED" if finding.status == "failed" else finding.status
    return textwrap.fill(
        finding.looked,
        WIDTH,
        initial_indent=f"{finding.name:<14}{status:<13}",
        subsequent_indent=" " * INDENT,
        break_long_words=False,
    )


def _print_failures(finding: Finding) -> None:
    typer.echo(f"{finding.name}:")
    for failure in finding.failures[:MOST_FAILURES]:
        typer.echo(
            textwrap.fill(
                failure.words, WIDTH, initial_indent="  ", subsequent_indent="    ",
                break_long_words=False,
            )
        )  # fmt: skip
    left = len(finding.failures) - MOST_FAILURES
    if left > 0:
        typer.echo(f"  ... and {left:,} more")
