"""Runs a study: blocks to tallies, tallies up a fixed tree, on threads.

A *node* (level, index) of the merge tree stands for the blocks from index * 2^level on, 2^level of
them. A task computes one node, so that its result, and every merge above it, is the same whatever
the number of workers and whichever task ends first.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm import precision
from simnorm.design import Design
from simnorm.grammar import whole_number
from simnorm.options import STUDIES
from simnorm.studies import study_of
from simnorm.studies.drawing import (
    Source,
    drawn_lanes,
    lanes_in_block,
    replications,
    sources,
)
from simnorm.tally import Tally

Floats = NDArray[np.float64]

# Raised whenever the same design would come out with other numbers.
ENGINE_VERSION = 2
# A task should take about a tenth of a second: enough to hide what it costs to hand out.
TASK_DRAWS = 1 << 24
TASKS_PER_WORKER = 4
MOST_WORKERS = 1024
# The first replications of every cell keep their own A and Q, for diagnostics and convergence.
KEPT_REPLICATIONS = 1024
# Why a source has no more replications.
REPLICATIONS, MAX, TIME, TARGET = "replications", "max", "time", "target"


class Task(NamedTuple):
    """A node of one source's merge tree; the source by its number."""

    source: int
    level: int
    position: int


class Failure(NamedTuple):
    """A void replication of a cell, and why."""

    replication: int
    message: str


# The first failure of every cell that has one, by the number of the cell.
Failures = dict[int, Failure]


class Node(NamedTuple):
    """What a task found."""

    tally: Tally
    # A and Q of the kept replications among its blocks, shape (2, cells, kept).
    kept: Floats
    draws: int
    failures: Failures


@dataclass
class Sums:
    """What a run knows of one source: the tally of all replications, the kept ones, failures.

    `stop_reason` says why there are no more: ``replications``, ``max``, ``time``, or ``target``.
    """

    tally: Tally
    kept: Floats
    failures: Failures = field(default_factory=dict)
    stop_reason: str = REPLICATIONS


class Progress(NamedTuple):
    """How far a run is: observations drawn, and with a target the cells that are not precise yet.

    With a target, `total` is the most that may be drawn.
    """

    done: int
    total: int
    open_cells: int = 0
    cells: int = 0


@dataclass
class MergeTree:
    """Merges nodes as they arrive, always the same two with each other."""

    nodes: dict[tuple[int, int], Tally] = field(default_factory=dict)

    def add(self, level: int, index: int, tally: Tally) -> None:
        """Take a node; merge it upward as far as its siblings are there."""
        sibling = self.nodes.pop((level, index ^ 1), None)
        if sibling is None:
            self.nodes[level, index] = tally
            return
        left, right = (sibling, tally) if index & 1 else (tally, sibling)
        self.add(level + 1, index >> 1, left.merge(right))

    def root(self, blocks: int | None = None) -> Tally:
        """Return the tally of all nodes, or of those among the first blocks.

        The last blocks may lack siblings.
        """
        # Ordered by their first block; what stands further right is merged first, as in the tree.
        order = sorted(self.nodes, key=lambda key: key[1] << key[0])
        rest = [self.nodes[k] for k in order if blocks is None or k[1] << k[0] < blocks]
        whole = rest.pop()
        while rest:
            whole = rest.pop().merge(whole)
        return whole


def available_workers() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def worker_count(wanted: object = None) -> int:
    """Return the number of threads: the number given, text or not, or one for each processor.

    Raises
    ------
    SimnormError
        If what is given is no such number.
    """
    if wanted is None:
        return available_workers()
    return whole_number(wanted, "workers", 1, MOST_WORKERS)


def block_count(design: Design, source: Source) -> int:
    """Return the number of blocks of a source, the last of which may be cut."""
    return -(-replications(design, source) // lanes_in_block(design))


def looks(design: Design, source: Source) -> tuple[int, ...]:
    """Return the numbers of blocks at which a run looks at a source, all of them last.

    One look at the end is all that a fixed number of replications needs; a time limit should leave
    every source with as many as the others, so that these advance together.
    """
    last = block_count(design, source)
    if not (design.target_mcse or design.time_limit):
        return (last,)
    return precision.looks(max(1, precision.FIRST_LOOK // lanes_in_block(design)), last)


def task_level(design: Design, workers: int, part: int | None = None) -> int:
    """Return the level of the nodes handed out: work enough each, and tasks enough for all.

    Parameters
    ----------
    design, workers
        What is run, and by how many.
    part
        Blocks of each source that are handed out together; all if None.
    """
    if STUDIES[design.study].is_trial:
        return 0  # a replication is work enough
    every = sources(design)
    draws = max(_block_draws(design, source, 0) for source in every)
    counts = [block_count(design, source) for source in every]
    blocks = sum(counts if part is None else [min(part, count) for count in counts])
    most = max(1, min(TASK_DRAWS // draws, blocks // (TASKS_PER_WORKER * workers)))
    if part is not None:
        most = min(most, part)
    return most.bit_length() - 1


def _block_draws(design: Design, source: Source, block: int) -> int:
    """Return the observations of a block; a row of data counts once for each of its columns.

    Of a trial, whose replications draw nothing, the units of work.
    """
    if STUDIES[design.study].is_trial:
        return study_of(design).draws(design, source)
    lanes = drawn_lanes(design, source, block)
    return lanes * study_of(design).draws(design, source) * max(1, len(source.columns))


def compute(design: Design, task: Task, *, compiled: bool = True) -> Node:
    """Compute one node: a pure function of its arguments."""
    source, study = sources(design)[task.source], study_of(design)
    lanes = lanes_in_block(design)
    kept: list[Floats] = []
    blocks = range(
        task.position << task.level,
        min((task.position + 1) << task.level, block_count(design, source)),
    )
    wanted = replications(design, source)
    cells = len(study.cells(design, source))
    tree = MergeTree()
    may_fail = study.may_fail(design, source)
    failures: Failures = {}
    for block in blocks:
        said: dict[int, tuple[int, str]] = {}
        # Only functions of the user have something to say.
        options = {"said": said} if design.functions else {}
        found = np.stack(study.block_errors(design, source, block, compiled=compiled, **options))
        first = block * lanes
        # The last block is drawn whole and cut, so that a larger R continues it.
        found = found[..., : wanted - first]
        tree.add(0, block, Tally.of(found[0], found[1], may_fail))
        if may_fail is not None:
            _note_failures(failures, found[0], may_fail, first, said)
        if first < KEPT_REPLICATIONS:
            kept.append(found[:, :cells, : KEPT_REPLICATIONS - first])
    none = np.empty((2, cells, 0))
    return Node(
        tree.root(),
        np.concatenate([none, *kept], axis=-1),
        sum(_block_draws(design, source, block) for block in blocks),
        failures,
    )


def _note_failures(
    failures: Failures,
    mean_errors: Floats,
    may_fail: NDArray[np.bool_],
    first: int,
    said: dict[int, tuple[int, str]],
) -> None:
    """Add the first void replication of every cell that had none before this block."""
    void = np.isnan(mean_errors) & may_fail[:, np.newaxis]
    for cell in np.flatnonzero(void.any(axis=-1)).tolist():
        lane = int(void[cell].argmax())
        message = said[cell][1] if cell in said else "a batch has no value"
        failures.setdefault(cell, Failure(first + lane, message))


def total_draws(design: Design) -> int:
    """Return the observations that are drawn, whole blocks counted."""
    total = 0
    for source in sources(design):
        last = block_count(design, source) - 1
        total += last * _block_draws(design, source, 0) + _block_draws(design, source, last)
    return total


def run(
    design: Design,
    *,
    workers: int | None = None,
    compiled: bool = True,
    on_node: Callable[[Task, Node], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_source: Callable[[Source, Sums], Any] | None = None,
    on_look: Callable[[Source, Sums], int] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[Source, Any]:
    """Run the design and return what every source has come to.

    Parameters
    ----------
    design
        What to compute.
    workers
        Number of threads; as many as there are processors if None. No effect on any bit.
    compiled
        Whether the compiled reader may be used.
    on_node
        Called with every finished node, e.g. to store it, in no particular order.
    on_progress
        Called after every finished node.
    on_source
        Called with the sums of every finished source, in no particular order: what it returns is
        kept in their place, which for many sources is less to hold. The sums are if it is None.
    on_look
        With a target, called at every look but the last: returns how many cells need more. None
        looks at nothing.
    clock
        What a time limit is measured by, in seconds.
    """
    workers = worker_count(workers)
    schedule = Schedule(design, workers, clock)
    course = Course(design, schedule, on_source, on_look)
    done, total = 0, total_draws(design)
    cells = study_of(design).cell_count(design) if design.target_mcse else 0
    for task, node in computed(design, schedule.next, workers, compiled=compiled):
        if on_node is not None:
            on_node(task, node)
        course.take(task, node)
        done += node.draws
        if on_progress is not None:
            on_progress(Progress(done, total, course.open_cells() if cells else 0, cells))
    return course.finish()


def rerun(
    design: Design,
    nodes: Iterable[tuple[Task, Node]],
    *,
    on_source: Callable[[Source, Sums], Any] | None = None,
    on_look: Callable[[Source, Sums], int] | None = None,
) -> dict[Source, Any]:
    """Return what a run came to, from its nodes: nothing is drawn.

    Parameters
    ----------
    design, on_source, on_look
        As in `run`.
    nodes
        All tasks of the run with their nodes, in any order; at least the first of every source.
    """
    schedule = Schedule(design, 1, time.monotonic)
    course = Course(design, schedule, on_source, on_look)
    # As in the run itself, no node comes before the look that let it be drawn.
    for task, node in sorted(nodes, key=lambda pair: pair[0].position << pair[0].level):
        course.take(task, node)
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

    def take(self, task: Task, node: Node) -> None:
        """Take a finished node; look at its source where all blocks up to a look are there."""
        schedule, number = self.schedule, task.source
        prefix = schedule.take(task, node)
        if not schedule.is_at_look(number):
            return
        if schedule.is_at_last(number):
            self._end(number)
        elif not (self.design.target_mcse and self.on_look is not None):
            schedule.go_on(number)
        elif more := self.on_look(sources(self.design)[number], prefix.sums()):
            self._open[number] = more
            schedule.go_on(number)
        else:
            self._end(number, TARGET)

    def finish(self) -> dict[Source, Any]:
        """Return what all sources have come to; time has cut short what is not finished."""
        for number in self.schedule.unfinished():
            self._end(number, TIME)
        return {source: self.finished[source] for source in sources(self.design)}

    def _end(self, number: int, stop_reason: str | None = None) -> None:
        source, sums = sources(self.design)[number], self.schedule.ended(number, stop_reason)
        self.finished[source] = sums if self.on_source is None else self.on_source(source, sums)
        self._open[number] = 0


class Prefix:
    """The nodes of a source that have come in, and the sums of its first blocks without a gap."""

    def __init__(self) -> None:
        self.tree = MergeTree()
        # The number of blocks without a gap from the first on.
        self.blocks = 0
        self._ends: dict[int, int] = {}
        self._kept: dict[int, Floats] = {}
        self._failures: dict[int, Failures] = {}

    def add(self, task: Task, node: Node, blocks: int) -> None:
        """Take a node of so many blocks, in any order."""
        first = task.position << task.level
        self.tree.add(task.level, task.position, node.tally)
        self._ends[first] = first + blocks
        if node.kept.shape[-1]:
            self._kept[first] = node.kept
        self._failures[first] = node.failures
        while self.blocks in self._ends:
            self.blocks = self._ends[self.blocks]

    def sums(self, stop_reason: str = REPLICATIONS) -> Sums:
        """Return the sums of the first blocks, up to the first one that is missing."""
        kept = [self._kept[first] for first in sorted(self._kept) if first < self.blocks]
        failures: Failures = {}
        for first in sorted(f for f in self._failures if f < self.blocks):
            for cell, failure in self._failures[first].items():
                failures.setdefault(cell, failure)
        tally = self.tree.root(self.blocks)
        return Sums(tally, np.concatenate(kept, axis=-1), failures, stop_reason)


class Schedule:
    """Hands out tasks: source after source, or with a time limit all sources look by look.

    A source's blocks up to its next look are handed out together. What is decided at a look is then
    a function of the blocks before it alone, whoever computes them and in whatever order.
    """

    def __init__(self, design: Design, workers: int, clock: Callable[[], float]) -> None:
        self.design, self.workers, self.clock = design, workers, clock
        self.deadline = clock() + design.time_limit if design.time_limit else math.inf
        self._queue: list[tuple[int, Task]] = []
        self._waiting = deque(range(len(sources(design))))
        self._looks: dict[int, deque[int]] = {}
        self._prefixes: dict[int, Prefix] = {}
        if design.time_limit:
            while self._waiting:
                self._begin(self._waiting.popleft())

    def _begin(self, number: int) -> None:
        self._prefixes[number] = Prefix()
        self._looks[number] = deque(looks(self.design, sources(self.design)[number]))
        self._hand_out(number, 0)

    def _hand_out(self, number: int, first: int) -> None:
        """Queue the tasks from a block to the next look."""
        last = self._looks[number][0]
        is_all = first == 0 and len(self._looks[number]) == 1
        level = task_level(self.design, self.workers, None if is_all else last - first)
        # With a time limit, the source that has least comes first.
        rank = last if self.design.time_limit else 0
        for position in range(first >> level, -(-last >> level)):
            heappush(self._queue, (rank, Task(number, level, position)))

    def next(self) -> Task | None:
        """Return the next task; None if there is none, or none before something is finished."""
        while True:
            if not self._queue and self._waiting:
                self._begin(self._waiting.popleft())
            if not self._queue:
                return None
            _, task = heappop(self._queue)
            # Every source gets its first blocks, however late it is: no row is without a number.
            if task.position == 0 or self.clock() < self.deadline:
                return task

    def take(self, task: Task, node: Node) -> Prefix:
        """Take a finished node; return what is there of its source."""
        source = sources(self.design)[task.source]
        if task.source in self._waiting:
            self._waiting.remove(task.source)
            self._begin(task.source)
        first = task.position << task.level
        last = min((task.position + 1) << task.level, block_count(self.design, source))
        self._prefixes[task.source].add(task, node, last - first)
        return self._prefixes[task.source]

    def is_at_look(self, number: int) -> bool:
        """Tell whether all blocks up to the next look are there."""
        return self._prefixes[number].blocks == self._looks[number][0]

    def is_at_last(self, number: int) -> bool:
        """Tell whether no look is left behind the next one."""
        return len(self._looks[number]) == 1

    def go_on(self, number: int) -> None:
        """Leave a look behind and hand out what is drawn before the next one."""
        self._hand_out(number, self._looks[number].popleft())

    def ended(self, number: int, stop_reason: str | None = None) -> Sums:
        """Return the sums of a source that is not drawn any more, and forget the source."""
        if stop_reason is None:
            stop_reason = MAX if self.design.target_mcse else REPLICATIONS
        del self._looks[number]
        return self._prefixes.pop(number).sums(stop_reason)

    def unfinished(self) -> list[int]:
        """Return the sources that time has cut short."""
        return sorted(self._prefixes)


def computed(
    design: Design,
    next_task: Callable[[], Task | None],
    workers: int,
    *,
    ahead: int = 2,
    compiled: bool = True,
) -> Iterator[tuple[Task, Node]]:
    """Yield every task's node as it is done, with a bounded number in flight.

    Parameters
    ----------
    design
        What the tasks are of.
    next_task
        Called whenever there is room for a task; None if there is none, or none before something
        is finished.
    workers, ahead
        Threads, and how many tasks each of them has at the most, those that wait among them.
    compiled
        Whether the compiled reader may be used.
    """
    running: dict[Future[Node], Task] = {}
    executor = ThreadPoolExecutor(workers, thread_name_prefix="simnorm")
    try:
        while True:
            while len(running) < ahead * workers and (task := next_task()) is not None:
                running[executor.submit(compute, design, task, compiled=compiled)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        # On Ctrl-C or an error, what has not begun never does.
        executor.shutdown(wait=True, cancel_futures=True)
