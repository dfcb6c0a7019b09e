"""Which node is computed next, and the sums of the nodes that have come in.

A source's blocks up to its next look are handed out together. What is decided at a look is then
a function of the blocks before it alone, whoever computes them and in whatever order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from simnorm import precision
from simnorm.design import Design
from simnorm.labels import labels
from simnorm.options import STUDIES
from simnorm.strands import Held, Pool, joined, pieces, strands_of, task_of
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, lanes_in_block, sources
from simnorm.tally import Tally
from simnorm.tasks import (
    Failures,
    Floats,
    Job,
    MergeTree,
    Node,
    Task,
    block_count,
    block_draws,
    draws_of,
    source_draws,
    total_draws,
)

# A task should take about a tenth of a second: enough to hide what it costs to hand out.
TASK_DRAWS = 1 << 24
TASKS_PER_WORKER = 4
# Why a source has no more replications.
REPLICATIONS, MAX, TIME, TARGET = "replications", "max", "time", "target"
INTERRUPTED = "interrupted"

# Where a node comes from: it was there, it was computed, or its task was given up.
STORED, COMPUTED, LOST = "stored", "computed", "lost"
# Told of every node that comes in: whose it is, what it is, and where it comes from.
OnNode = Callable[[Job, Node, str], None]


@dataclass
class Sums:
    """What a run knows of one source: the tally of all replications, the kept ones, failures.

    `stop_reason` says why there are no more: ``replications``, ``max``, ``time``, ``target``, or
    ``interrupted``.
    """

    tally: Tally
    kept: Floats
    failures: Failures = field(default_factory=dict)
    stop_reason: str = REPLICATIONS


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
    draws = max(block_draws(design, source, 0) for source in every)
    counts = [block_count(design, source) for source in every]
    blocks = sum(counts if part is None else [min(part, count) for count in counts])
    most = max(1, min(TASK_DRAWS // draws, blocks // (TASKS_PER_WORKER * workers)))
    if part is not None:
        most = min(most, part)
    return most.bit_length() - 1


class Prefix:
    """The nodes of a strand that have come in, and the sums of its first blocks without a gap.

    Parameters
    ----------
    patient
        Whether nodes are merged only when they are asked for. Where a source has several strands,
        one may be ahead of the others when time is over: what is summed up then ends where all do.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.tree = MergeTree()
        # The number of blocks without a gap from the first on.
        self.blocks = 0
        self._patient = patient
        self._waiting: dict[int, tuple[Task, Tally]] = {}
        self._ends: dict[int, int] = {}
        self._kept: dict[int, Floats] = {}
        self._failures: dict[int, Failures] = {}

    def add(self, task: Task, node: Node, blocks: int) -> None:
        """Take a node of so many blocks, in any order."""
        first = task.first
        if self._patient:
            self._waiting[first] = task, node.tally
        else:
            self.tree.add(task.level, task.position, node.tally)
        self._ends[first] = first + blocks
        if node.kept.shape[-1]:
            self._kept[first] = node.kept
        if node.failures:
            self._failures[first] = node.failures
        while self.blocks in self._ends:
            self.blocks = self._ends[self.blocks]

    def boundary(self, blocks: int) -> int:
        """Return where the last node ends that does not go beyond so many blocks."""
        at = 0
        while (end := self._ends.get(at, blocks + 1)) <= blocks:
            at = end
        return at

    def sums(self, blocks: int | None = None) -> tuple[Tally, Floats, Failures]:
        """Return the sums of the first blocks, up to the first one that is missing unless told."""
        blocks = self.blocks if blocks is None else blocks
        for first in [first for first in self._waiting if first < blocks]:
            task, tally = self._waiting.pop(first)
            self.tree.add(task.level, task.position, tally)
        kept = [self._kept[first] for first in sorted(self._kept) if first < blocks]
        failures: Failures = {}
        for first in sorted(f for f in self._failures if f < blocks):
            for cell, failure in self._failures[first].items():
                failures.setdefault(cell, failure)
        return self.tree.root(blocks), np.concatenate(kept, axis=-1), failures


class Open:
    """A source under way: its strands, what has come in of them, and the looks ahead."""

    def __init__(self, design: Design, number: int, pool: Pool | None) -> None:
        source = sources(design)[number]
        self.design, self.source = design, source
        self.blocks = block_count(design, source)
        self.looks = deque(looks(design, source))
        self.strands = strands_of(design, number, pool)
        self.prefixes = [Prefix(patient=len(self.strands) > 1) for _ in self.strands]
        # So many blocks are drawn however late it is: no row is without a number.
        self.least = 1

    def begins_with(self, task: Task) -> None:
        """Note how far the first nodes go: up to there strands of other nodes have an end too."""
        if task.first == 0:
            self.least = max(self.least, task.end)

    def blocks_of(self, task: Task) -> int:
        """Return how many blocks of the source a task is of."""
        return min(task.end, self.blocks) - task.first

    def share(self, strand: int) -> float:
        """Return which part of the source's numbers a strand has."""
        counts = [len(one.places) for one in self.strands]
        return counts[strand] / sum(counts)

    def cover(self, first: int, last: int) -> Iterator[tuple[int, Held | None, int, int]]:
        """Yield the strands' stored nodes and gaps between two looks: see `Strand.cover`."""
        whole = self.design, self.source
        for i, strand in enumerate(self.strands):
            for part in strand.cover(whole, first, last, self.blocks):
                yield i, *part

    def common(self) -> int:
        """Return the largest number of first blocks that all strands can be summed up to."""
        if len(self.prefixes) == 1:
            return self.prefixes[0].blocks
        blocks = min(prefix.blocks for prefix in self.prefixes)
        while any((at := prefix.boundary(blocks)) < blocks for prefix in self.prefixes):
            blocks = at
        return blocks

    def sums(self, blocks: int, stop_reason: str = REPLICATIONS) -> Sums:
        """Return the sums of the first blocks."""
        found = [prefix.sums(blocks) for prefix in self.prefixes]
        failures: Failures = {}
        for strand, (_, _, said) in zip(self.strands, found, strict=True):
            failures |= {int(strand.places[cell]): failure for cell, failure in said.items()}
        if len(found) == 1:
            tally, kept, _ = found[0]
            return Sums(tally, kept, failures, stop_reason)
        width = len(labels(self.design, self.source))
        cells = len(study_of(self.design).cells(self.design, self.source))
        parts = [(strand, f[0], f[1]) for strand, f in zip(self.strands, found, strict=True)]
        return Sums(*joined(parts, width, cells), failures, stop_reason)


class Schedule:
    """Hands out jobs: source after source, or with a time limit all sources look by look.

    What the pool has is not handed out: it comes in as if it had just been computed.

    Parameters
    ----------
    design, workers, clock, pool
        As in `simnorm.engine.run`.
    cut
        Why a source that is not finished has no more replications.
    draw
        Whether what is missing is handed out at all.
    on_node
        Told of every node that was computed or given up.
    on_held
        Told of every strand's part of a stored node.
    """

    def __init__(
        self,
        design: Design,
        workers: int,
        clock: Callable[[], float],
        pool: Pool | None = None,
        *,
        cut: str = TIME,
        draw: bool = True,
        on_node: OnNode | None = None,
        on_held: OnNode | None = None,
    ) -> None:
        self.design, self.workers, self.clock, self.pool = design, workers, clock, pool
        self.cut, self.draw = cut, draw
        self.on_node, self.on_held = on_node, on_held
        self.deadline = clock() + design.time_limit if design.time_limit else math.inf
        self._queue: list[tuple[int, Job]] = []
        self._waiting = deque(range(len(sources(design))))
        self._open: dict[int, Open] = {}
        # Sources that stored nodes have brought to a look.
        self._reached: deque[int] = deque()
        # Observations: drawn since the run began, and those of all blocks that have come in,
        # however often these were drawn.
        self.drawn, self.draws = 0, 0.0
        # The work that is done, what of it was stored, and all there is, in observations that are
        # drawn for it: of a source in strands, each of these draws them all.
        self.stored, self.total = self._foreseen()
        self.done = self.stored
        if design.time_limit:
            while self._waiting:
                self._begin(self._waiting.popleft())

    def _foreseen(self) -> tuple[int, int]:
        """Return the work that is stored, and all there is: both count from the beginning on.

        With a target nobody knows how much will be asked for: what is stored counts as it comes.
        """
        if self.pool is None or self.design.target_mcse:
            return 0, total_draws(self.design)
        stored = total = 0
        for number in range(len(sources(self.design))):
            source, first = Open(self.design, number, self.pool), 0
            for strand in source.strands:
                total += source_draws(strand.design, strand.source)
            for last in source.looks:
                for i, held, _, _ in source.cover(first, last):
                    if held is not None:
                        strand = source.strands[i]
                        stored += draws_of(strand.design, task_of(strand, held.place))
                first = last
        return stored, total

    def _begin(self, number: int) -> None:
        self._open[number] = Open(self.design, number, self.pool)
        self._hand_out(number, 0)

    def _hand_out(self, number: int, first: int) -> None:
        """Take what is stored from a block to the next look, and queue what is not."""
        source = self._open[number]
        last = source.looks[0]
        is_all = first == 0 and len(source.looks) == 1
        level = task_level(self.design, self.workers, None if is_all else last - first)
        # With a time limit, the source that has least comes first.
        rank = last if self.design.time_limit else 0
        for i, held, at, end in source.cover(first, last):
            strand = source.strands[i]
            if held is not None:
                job = Job(number, i, strand.design, task_of(strand, held.place))
                source.begins_with(job.task)
                node = held.read()
                self._came(job, node, STORED)
                if self.on_held is not None:
                    self.on_held(job, node, STORED)
            elif self.draw:
                for place in pieces(at, end, level, source.blocks):
                    job = Job(number, i, strand.design, Task(strand.source, *place))
                    source.begins_with(job.task)
                    heappush(self._queue, (rank, job))
        if self.is_at_look(number):
            self._reached.append(number)

    def next(self) -> Job | None:
        """Return the next job; None if there is none, or none before something is finished."""
        while True:
            if not self._queue and self._waiting:
                self._begin(self._waiting.popleft())
            if self._reached or not self._queue:
                return None
            _, job = heappop(self._queue)
            is_first = job.task.first < self._open[job.number].least
            if is_first or self.clock() < self.deadline:
                return job

    def reached(self) -> int | None:
        """Return a source that stored nodes alone have brought to a look, None if there is none."""
        return self._reached.popleft() if self._reached else None

    def take(self, job: Job, node: Node, origin: str = COMPUTED) -> None:
        """Take a node that was computed, or given up."""
        strand = self._open[job.number].strands[job.strand]
        self._came(job, strand.part(node), origin)
        if self.on_node is not None:
            self.on_node(job, node, origin)

    def _came(self, job: Job, node: Node, origin: str) -> None:
        """Take the numbers of a strand."""
        source = self._open[job.number]
        source.prefixes[job.strand].add(job.task, node, source.blocks_of(job.task))
        # A strand may have fewer columns than the source: its share is one of the whole's draws.
        whole = draws_of(self.design, job.task._replace(source=job.number))
        self.draws += whole * source.share(job.strand)
        work = draws_of(job.design, job.task)
        if origin != STORED:
            self.drawn += work
            self.done += work
        elif self.design.target_mcse:
            self.stored += work
            self.done += work

    def is_at_look(self, number: int) -> bool:
        """Tell whether all blocks up to the next look are there."""
        source = self._open[number]
        return min(prefix.blocks for prefix in source.prefixes) == source.looks[0]

    def is_at_last(self, number: int) -> bool:
        """Tell whether no look is left behind the next one."""
        return len(self._open[number].looks) == 1

    def sums(self, number: int) -> Sums:
        """Return the sums of a source at the look that it has reached."""
        source = self._open[number]
        return source.sums(source.looks[0])

    def go_on(self, number: int) -> None:
        """Leave a look behind and hand out what is drawn before the next one."""
        self._hand_out(number, self._open[number].looks.popleft())

    def ended(self, number: int, stop_reason: str | None = None) -> Sums | None:
        """Return the sums of a source that is not drawn any more, and forget the source.

        None if not even its first block is there.
        """
        if stop_reason is None:
            stop_reason = MAX if self.design.target_mcse else REPLICATIONS
        source = self._open.pop(number)
        blocks = source.common()
        return source.sums(blocks, stop_reason) if blocks else None

    def unfinished(self) -> list[int]:
        """Return the sources that have begun and have not come to their end."""
        return sorted(self._open)
