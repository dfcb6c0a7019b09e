"""What a terminal shows while a run is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from simnorm.cli.interrupts import FINISHING
from simnorm.compiled import compiles_first
from simnorm.engine import Progress
from simnorm.formatting import seconds_text
from simnorm.options import OVERHEAD, SCALING, SHIFT

# What the studies do that draw nothing. Their units of work are of no interest, so that there is
# no rate to show, and nothing is compiled.
DOING = {SCALING: "cross-validating", SHIFT: "training", OVERHEAD: "timing"}
COMPILING = "(the first run compiles, ~10 s)"


class State(NamedTuple):
    """A state of the bar."""

    description: str
    completed: int
    total: int
    rate: str


def state_of(progress: Progress, seconds: float, done: int, study: str = "") -> State:
    """Return what the bar shows.

    Parameters
    ----------
    progress
        How far the run is.
    seconds, done
        Time since the clock began, and the observations drawn in it; of a trial the units of work.
    study
        The study, if it draws nothing.

    Examples
    --------
    >>> state_of(Progress(30, 90), 12.0, 30, "shift")
    State(description='training', completed=30, total=90, rate='24 s left')
    """
    rate = ""
    if seconds > 0 and done > 0:
        left = f"{seconds_text((progress.total - progress.done) * seconds / done)} left"
        rate = left if study else f"{_rate(done / seconds)} draws/s, {left}"
    completed, total, what = progress.done, progress.total, DOING.get(study, "drawing")
    if progress.cells:
        # How much there is to draw, nobody knows; cells end one after the other.
        completed, total = progress.cells - progress.open_cells, progress.cells
        what = f"{completed:,} of {total:,} cells precise"
        rate = rate.partition(",")[0]
    if completed >= total:
        # All is drawn; what follows is no draw and has no rate.
        what, rate = "tables", ""
    return State(what, completed, total, rate)


def _rate(draws: float) -> str:
    """Return draws a second in millions, or in thousands where that is nothing."""
    return f"{draws / 1e6:.0f} M" if draws >= 1e6 else f"{draws / 1e3:.0f} k"


@contextmanager
def progress_bar(
    *,
    shown: bool,
    study: str = "",
    stop: Callable[[], bool] | None = None,
    away: bool = False,
) -> Iterator[Callable[[Progress], None] | None]:
    """Show draws, rate and time left on stderr while the block runs, if that is a terminal.

    In a run that goes on the bar begins where the run is, and the rate is of what is drawn now.

    Parameters
    ----------
    shown
        Whether anything is to be shown.
    study
        The study; one that draws nothing has no rate.
    stop
        Whether the run is to stop, which the bar then says in its place.
    away
        Whether other machines draw, so that nothing is compiled here.
    """
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Bar(RichProgress):
        """The bar; it is drawn anew ten times a second, by a thread of its own."""

        def get_renderables(self) -> Iterable[RenderableType]:
            """Return what is shown."""
            if stop is not None and stop():
                return [Text(FINISHING)]
            return super().get_renderables()

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    of_trial = study if study in DOING else ""
    with Bar(*columns, console=console, transient=True) as bar:
        first = DOING.get(study, "starting")
        compiling = "" if of_trial or away or not compiles_first() else COMPILING
        task = bar.add_task(first, total=None, rate=compiling)
        # The clock starts with the first node, so that compiling does not spoil the rate; a trial
        # compiles nothing, and its first replication may be a tenth of all.
        begin = (time.perf_counter(), 0) if of_trial else None

        def on_progress(progress: Progress) -> None:
            nonlocal begin
            now, drawn = time.perf_counter(), progress.done - progress.stored
            if begin is None and drawn:
                begin = (now, drawn)
            since, before = begin or (now, drawn)
            state = state_of(progress, now - since, drawn - before, of_trial)
            if begin is None:
                state = state._replace(description=first, rate=compiling)
            bar.update(task, **state._asdict())

        yield on_progress


@contextmanager
def stage(word: str, *, shown: bool) -> Iterator[None]:
    """Show a word on stderr while the block runs, if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield
        return
    with console.status(word):
        yield
