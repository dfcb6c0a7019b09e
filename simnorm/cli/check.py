"""``simnorm check``: whether a run folder is what it says it is, a line for each check."""

from __future__ import annotations

import contextlib
import json as to_json
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.options import WORKERS
from simnorm.cli.plain import echo
from simnorm.formatting import seconds_text

if TYPE_CHECKING:
    from simnorm.checking import Checked, Finding
    from simnorm.engine import Progress

# A check that failed, as a target that was missed.
FAILED = 3
WIDTH = 80
# The columns before what was looked at, or how much is wrong.
INDENT = 27
# Of what is wrong, so much is enough to see what it is.
MOST_FAILURES = 5
# A check that is done by then needs no line of progress.
FIRST_SHOWN = 2.0
ALL_BLOCKS = Annotated[
    bool, typer.Option("--all-blocks", help="Draw every stored block again, as long as it takes.")
]
MOVED_DATA = Annotated[
    str | None,
    typer.Option("--data", help="Where the data of the run are now.", metavar="FILE"),
]
ONLY_FAILED = Annotated[
    bool,
    typer.Option(
        "-q", "--quiet", help="Print only the checks that did not pass: nothing for a good run."
    ),
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

    Without --all-blocks, as many blocks are drawn again as a few seconds allow. What
    provenance.json says of command, times and workers is not checked: nothing can tell.
    """
    from simnorm import checking

    with _progress(shown=not (quiet or json)) as shown:
        found = checking.check(
            run,
            data=data,
            all_blocks=all_blocks,
            workers=workers,
            on_progress=shown.on_progress,
            on_check=shown.on_check,
        )
    if json:
        echo(to_json.dumps(found.to_dict()))
    else:
        print_findings(found, quiet=quiet)
    sys.stdout.flush()
    if not found.passed:
        raise typer.Exit(FAILED)


class _Shown:
    """What a check is at, as a line on a terminal; nothing for the first two seconds.

    Parameters
    ----------
    file
        The terminal; None if nothing is to be shown.
    """

    def __init__(self, file: TextIO | None) -> None:
        self.file, self.begin = file, time.monotonic()
        self.what = self.share = self.line = ""
        self.over = threading.Event()

    def on_check(self, name: str) -> None:
        """Take the name of the check that comes."""
        self.what, self.share = name, ""

    def on_progress(self, progress: Progress) -> None:
        """Take how much has been drawn again."""
        self.share = f" {progress.done / max(progress.total, 1):.0%}"

    def show(self) -> None:
        """Write the line anew, twice a second, until it is over; then wipe it out."""
        wait = FIRST_SHOWN
        while self.file is not None and not self.over.wait(wait):
            seconds = seconds_text(time.monotonic() - self.begin)
            self._write(f"checking: {self.what}{self.share}, {seconds}")
            wait = 0.5
        if self.line:
            self._write("")

    def _write(self, line: str) -> None:
        if self.file is not None:
            self.file.write(f"\r{line.ljust(len(self.line))}" + "\r" * (not line))
            self.file.flush()
        self.line = line


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[_Shown]:
    """Show on stderr what is being checked, if that is a terminal."""
    found = _Shown(sys.stderr if shown and sys.stderr.isatty() else None)
    writer = threading.Thread(target=found.show, daemon=True)
    writer.start()
    try:
        yield found
    finally:
        found.over.set()
        writer.join()


def print_findings(found: Checked, *, quiet: bool) -> None:
    """Print a line for every check, what is wrong below, and a verdict."""
    shown = [finding for finding in found.findings if not (quiet and finding.passed)]
    for finding in shown:
        echo(_line(finding))
    for finding in shown:
        if finding.failures:
            echo("")
            _print_failures(finding)
    # What several checks lack is said once.
    for hint in dict.fromkeys(finding.hint for finding in shown if finding.hint):
        echo("\n" + textwrap.fill(hint, WIDTH))
    if not quiet:
        count = len(found.findings)
        failed = found.failed
        notes = [finding.note for finding in found.findings if finding.note]
        passed = "; ".join([f"passed: all {count} checks", *notes])
        verdict = f"FAILED: {', '.join(failed)}" if failed else passed
        echo("\n" + textwrap.fill(verdict, WIDTH))


def _line(finding: Finding) -> str:
    status = "FAILED" if finding.status == "failed" else finding.status
    return textwrap.fill(
        finding.line,
        WIDTH,
        initial_indent=f"{finding.name:<14}{status:<13}",
        subsequent_indent=" " * INDENT,
        break_long_words=False,
    )


def _print_failures(finding: Finding) -> None:
    echo(f"{finding.name}:")
    for failure in finding.failures[:MOST_FAILURES]:
        echo(
            textwrap.fill(
                failure.words, WIDTH, initial_indent="  ", subsequent_indent="    ",
                break_long_words=False,
            )
        )  # fmt: skip
    left = len(finding.failures) - MOST_FAILURES
    if left > 0:
        echo(f"  ... and {left:,} more")
