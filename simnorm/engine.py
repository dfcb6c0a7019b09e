"""Runs a study: blocks to tallies, tallies up a fixed tree, by whatever workers there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from simnorm.crews import Crew, Lost, computed, opened
from simnorm.design import Design
from simnorm.errors import Interrupted
from simnorm.labels import labels
from simnorm.schedule import COMPUTED, LOST, TARGET, TIME, OnNode, Schedule, Sums
from simnorm.strands import Pool
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tasks import Job, Node, void_node
from simnorm.workers import worker_count


class Progress(NamedTuple):
    """How far a run is: observations drawn, and with a target the cells that are not precise yet.

    With a target, `total` is the most that may be drawn. Of what is done, `stored` was there before
    the run began, and `drawn` was drawn since. For another batch size the observations of blocks
    that are there have to be drawn again, and count twice; `draws` counts those of every block
    that has come in once.
    """

    done: int
    total: int
    open_cells: int = 0
    cells: int = 0
    stored: int = 0
    drawn: int = 0
    draws: int = 0


def run(
    design: Design,
    *,
    workers: int | None = None,
    crew: Crew | None = None,
    compiled: bool = True,
    pool: Pool | None = None,
    on_node: OnNode | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_source: Callable[[Source, Sums], Any] | None = None,
    on_look: Callable[[Source, Sums], int] | None = None,
    stop: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[Source, Any]:
    """Run the design and return what every source has come to.

    Parameters
    ----------
    design
        What to compute.
    workers
        Number of threads; as many as there are processors if None. No effect on any bit.
    crew
        Who computes, in place of threads.
    compiled
        Whether the compiled reader may be used.
    pool
        Nodes that are there already.
    on_node
        Called with every node that was computed, e.g. to store it, in no particular order, or that
        was given up.
    on_progress
        Called after every finished node, and at the end.
    on_source
        Called with the sums of every finished source, in no particular order: what it returns is
        kept in their place, which for many sources is less to hold. The sums are if it is None.
    on_look
        With a target, called at every look but the last: returns how many cells need more. None
        looks at nothing.
    stop
        Asked before anything is handed out: once it says yes, only what runs is finished.
    clock
        What a time limit is measured by, in seconds.

    Raises
    ------
    Interrupted
        If `stop` has said so before all was there.
    """
    if crew is None:
        with opened(worker_count(workers)) as threads:
            return run(
                design, crew=threads, compiled=compiled, pool=pool, on_node=on_node,
                on_progress=on_progress, on_source=on_source, on_look=on_look, stop=stop,
                clock=clock,
            )  # fmt: skip
    schedule = Schedule(design, crew.workers, clock, pool, on_node=on_node)
    course = Course(design, schedule, on_source, on_look)
    cells = study_of(design).cell_count(design) if design.target_mcse else 0

    def tell() -> None:
        if on_progress is not None:
            is_open = course.open_cells() if cells else 0
            counts = schedule.stored, schedule.drawn, round(schedule.draws)
            on_progress(Progress(schedule.done, schedule.total, is_open, cells, *counts))

    for job, node in computed(course.next, crew, compiled=compiled, stop=stop):
        if isinstance(node, Lost):
            course.take(job, _void(job, node.message), LOST)
        else:
            course.take(job, node)
        tell()
    if stop is not None and stop() and not course.is_finished():
        raise Interrupted(schedule.done, schedule.total)
    tell()
    return course.finish()


def _void(job: Job, message: str) -> Node:
    """Return the node of a job that was given up."""
    width = len(labels(job.design, sources(job.design)[job.task.source]))
    return void_node(job.design, job.task, width, message)


def rerun(
    design: Design,
    pool: Pool,
    *,
    cut: str = TIME,
    on_held: OnNode | None = None,
    on_source: Callable[[Source, Sums], Any] | None = None,
    on_look: Callable[[Source, Sums], int] | None = None,
) -> dict[Source, Any]:
    """Return what a run came to, from its nodes: nothing is drawn.

    Parameters
    ----------
    design, on_source, on_look
        As in `run`.
    pool
        The nodes.
    on_held
        Called with every strand's part of a node.
    cut
        Why a source that is not finished has no more replications. What has not one block is left
        out.
    """
    schedule = Schedule(design, 1, time.monotonic, pool, cut=cut, draw=False, on_held=on_held)
    course = Course(design, schedule, on_source, on_look)
    while course.next() is not None:
        raise AssertionError("nothing is drawn in a rerun")
    return course.finish()


class Course:
    """What is made of nodes as they come in: sources go on, or end and leave their sums."""

    def __init__(
        self,
        design: Design,
        schedule: Schedule,
        on_source: Callable[[Source, Sums], Any] | None,
        on_look: Callable[[Source, Sums], int] | None,
    ) -> None:
        self.design, self.schedule = design, schedule
        self.on_source, self.on_look = on_source, on_look
        self.finished: dict[Source, Any] = {}
        self._open = [len(study_of(design).cells(design, s)) for s in sources(design)]

    def open_cells(self) -> int:
        """Return how many cells of all sources are not precise yet."""
        return sum(self._open)

    def is_finished(self) -> bool:
        """Tell whether every source has come to its end."""
        return len(self.finished) == len(sources(self.design))

    def next(self) -> Job | None:
        """Return the next job; look first at what stored nodes have brought to a look."""
        while True:
            job = self.schedule.next()
            number = self.schedule.reached()
            if number is None:
                return job
            self._look(number)

    def take(self, job: Job, node: Node, origin: str = COMPUTED) -> None:
        """Take a finished node; look at its source where all blocks up to a look are there."""
        self.schedule.take(job, node, origin)
        if self.schedule.is_at_look(job.number):
            self._look(job.number)

    def _look(self, number: int) -> None:
        schedule = self.schedule
        if schedule.is_at_last(number):
            self._end(number)
        elif not (self.design.target_mcse and self.on_look is not None):
            schedule.go_on(number)
        elif more := self.on_look(sources(self.design)[number], schedule.sums(number)):
            self._open[number] = more
            schedule.go_on(number)
        else:
            self._end(number, TARGET)

    def finish(self) -> dict[Source, Any]:
        """Return what all sources have come to; what is not finished was cut short."""
        for number in self.schedule.unfinished():
            self._end(number, self.schedule.cut)
        return {s: self.finished[s] for s in sources(self.design) if s in self.finished}

    def _end(self, number: int, stop_reason: str | None = None) -> None:
        source, sums = sources(self.design)[number], self.schedule.ended(number, stop_reason)
        self._open[number] = 0
        if sums is not None:
            self.finished[source] = sums if self.on_source is None else self.on_source(source, sums)
