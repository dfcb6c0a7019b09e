"""What is said of a run that ended before its time, and of one that goes on."""

from __future__ import annotations

import math
import shlex
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simnorm.cli.interrupts import say
from simnorm.design import Design
from simnorm.engine import Progress
from simnorm.errors import Interrupted
from simnorm.store import default_folder
from simnorm.studies import study_of

NOT_BEGUN = "interrupted; nothing was begun"
# Paths and commands are for copying: they stay in one piece.
WHOLE: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}

OnProgress = Callable[[Progress], None]


class Told:
    """Passes progress on, remembers the last of it, and says once that a run goes on.

    Parameters
    ----------
    folder
        Where the run is.
    shown
        Whether anything is to be said.
    """

    def __init__(self, folder: Path, *, shown: bool) -> None:
        self.folder, self.shown = folder, shown
        self.last: Progress | None = None
        self._said = False

    def through(self, bar: OnProgress | None) -> OnProgress:
        """Return what a run tells its progress, and the bar with it."""

        def on_progress(progress: Progress) -> None:
            if progress.stored and self.shown and not self._said:
                self._said = True
                say(self._words(progress))
            self.last = progress
            if bar is not None:
                bar(progress)

        return on_progress

    def _words(self, progress: Progress) -> str:
        if progress.done >= progress.total and not progress.drawn:
            return f"all of it was in {self.folder}: nothing is drawn"
        if progress.cells or self.last is not None:
            # Of how much, nobody knows, or not yet.
            return f"goes on: what is in {self.folder} is not drawn again"
        return f"goes on: {percent(progress.stored, progress.total)} of it was in {self.folder}"


def percent(done: float, total: float) -> str:
    """Return a share in words, never more than it is.

    Examples
    --------
    >>> percent(629, 1000), percent(1, 1000), percent(0, 0)
    ('62 %', 'less than 1 %', '0 %')
    """
    if not done:
        return "0 %"
    whole = math.floor(100 * min(1.0, done / total))
    return f"{whole} %" if whole else "less than 1 %"


def interrupted_lines(folder: Path, error: Interrupted, last: Progress | None) -> tuple[str, ...]:
    """Return what is said of an interrupted run: what is kept, and the commands to go on with."""
    if not error.done:
        return ("interrupted before anything new was drawn", go_on_line())
    said = f"{percent(error.done, error.total)} is done and kept in {folder}"
    if last is not None and last.cells:
        # How much there is to draw, nobody knows.
        precise = f"{last.cells - last.open_cells:,} of {last.cells:,} cells are precise"
        said = f"{precise}; what is drawn is kept in {folder}"
    return (folded(f"interrupted; {said}"), go_on_line(), report_line(folder))


def left_lines(folder: Path) -> tuple[str, ...]:
    """Return what is said by a run that leaves at once."""
    if not folder.is_dir():
        return ("left at once", go_on_line())
    return (folded(f"left at once; what was finished before is kept in {folder}"), go_on_line())


def finished_lines(folder: Path, design: Design | None = None) -> tuple[str, ...]:
    """Return what is said where a run, or an answer, was interrupted that had drawn all."""
    table = f"for its table: simnorm run {shlex.quote(str(folder))}"
    said = folded(f"interrupted; the run is finished and kept in {folder}")
    # With a time limit it would draw for as long again.
    has_table = design is not None and not design.time_limit
    return (said, *[table] * has_table, report_line(folder))


def folded(text: str) -> str:
    """Return a message in lines of 80 columns, the program's name before it."""
    name = "simnorm: "
    return textwrap.fill(name + text, 80, **WHOLE).removeprefix(name)


def folded_note(text: str) -> str:
    """Return a note in lines of 80 columns."""
    return textwrap.fill(f"note: {text}", 80, subsequent_indent="  ", **WHOLE)


def shared_words(folder: Path, design: Design) -> str:
    """Return that a run goes on in the folder of a smaller design; nothing if it does not."""
    if folder == default_folder(design):
        return ""
    before = Design.from_file(folder, read=False)
    there, all_of_it = (study_of(one).cell_count(one) for one in (before, design))
    has = f"{there:,} of the {all_of_it:,} cells"
    return f"goes on in {folder}, which has {has}; its tables become those of this design"


def go_on_line() -> str:
    """Return how a run goes on: the same command does."""
    return f"to go on: {command_line()}"


def report_line(folder: Path) -> str:
    """Return how a report of a folder is made."""
    return f"for a PDF: simnorm report {shlex.quote(str(folder))}"


def command_line() -> str:
    """Return the command as it could be typed again."""
    said = shlex.join(["simnorm", *sys.argv[1:]])
    # Bytes that are no text come as halves of pairs, which no file takes.
    return said.encode("utf-8", "backslashreplace").decode()
