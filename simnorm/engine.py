"""Runs a study: blocks to tallies, tallies up a fixed tree, on threads.

A *node* (level, index) of the merge tree stands for the blocks from index * 2^level on, 2^level of
them. A task computes one node, so that its result, and every merge above it, is the same whatever
the number of workers and whichever task ends first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.grammar import whole_number
from simnorm.streams import lanes_of
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, drawn_lanes, replications, sources
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
    """What a run knows of one source: the tally of all replications, the kept ones, failures."""

    tally: Tally
    kept: Floats
    failures: Failures = field(default_factory=dict)


class Progress(NamedTuple):
    """How far a run is, in observations drawn."""

    done: int
    total: int


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

    def root(self) -> Tally:
        """Return the tally of all nodes; the last blocks may lack siblings."""
        # Ordered by their first block; what stands further right is merged first, as in the tree.
        rest = [self.nodes[key] for key in sorted(self.nodes, key=lambda k: k[1] << k[0])]
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
    return -(-replications(design, source) // lanes_of(design.full_size))


def task_level(design: Design, workers: int) -> int:
    """Return the level of the nodes handed out: work enough each, and tasks enough for all."""
    every = sources(design)
    draws = max(_block_draws(design, source, 0) for source in every)
    blocks = sum(block_count(design, source) for source in every)
    most = max(1, min(TASK_DRAWS // draws, blocks // (TASKS_PER_WORKER * workers)))
    return most.bit_length() - 1


def _block_draws(design: Design, source: Source, block: int) -> int:
    """Return the observations of a block; a row of data counts once for each of its columns."""
    lanes = drawn_lanes(design, source, block)
    return lanes * study_of(design).draws(design, source) * max(1, len(source.columns))


def compute(design: Design, task: Task, *, compiled: bool = True) -> Node:
    """Compute one node: a pure function of its arguments."""
    source, study = sources(design)[task.source], study_of(design)
    lanes = lanes_of(design.full_size)
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
    """
    workers = worker_count(workers)
    found = sources(design)
    unfinished = {i: _Unfinished(_node_count(design, found[i], workers)) for i in range(len(found))}
    finished: dict[Source, Any] = {}
    done, total = 0, total_draws(design)
    for task, node in _results(design, workers, compiled):
        if on_node is not None:
            on_node(task, node)
        here = unfinished[task.source]
        here.add(task, node)
        if not here.left:
            source, sums = found[task.source], unfinished.pop(task.source).sums()
            finished[source] = sums if on_source is None else on_source(source, sums)
        done += node.draws
        if on_progress is not None:
            on_progress(Progress(done, total))
    return {source: finished[source] for source in found}


class _Unfinished:
    """The nodes of a source that have come in so far."""

    def __init__(self, nodes: int) -> None:
        self.left = nodes
        self.tree = MergeTree()
        self.kept: dict[int, Floats] = {}
        self.failures: Failures = {}

    def add(self, task: Task, node: Node) -> None:
        self.left -= 1
        self.tree.add(task.level, task.position, node.tally)
        if node.kept.shape[-1]:
            self.kept[task.position] = node.kept
        for cell, failure in node.failures.items():
            self.failures[cell] = min(failure, self.failures.get(cell, failure))

    def sums(self) -> Sums:
        kept = np.concatenate([self.kept[index] for index in sorted(self.kept)], axis=-1)
        return Sums(self.tree.root(), kept, self.failures)


def _node_count(design: Design, source: Source, workers: int) -> int:
    return -(-block_count(design, source) >> task_level(design, workers))


def _results(design: Design, workers: int, compiled: bool) -> Iterator[tuple[Task, Node]]:
    """Yield every task's node as it is done, with a bounded number in flight."""
    level = task_level(design, workers)
    tasks = (
        Task(number, level, index)
        for number, source in enumerate(sources(design))
        for index in range(_node_count(design, source, workers))
    )
    running: dict[Future[Node], Task] = {}
    executor = ThreadPoolExecutor(workers, thread_name_prefix="simnorm")
    try:
        for task in tasks:
            running[executor.submit(compute, design, task, compiled=compiled)] = task
            if len(running) >= 2 * workers:
                yield from _finished(running)
        while running:
            yield from _finished(running)
    finally:
        # On Ctrl-C or an error, what has not begun never does.
        executor.shutdown(wait=True, cancel_futures=True)


def _finished(running: dict[Future[Node], Task]) -> Iterator[tuple[Task, Node]]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield running.pop(future), future.result()
