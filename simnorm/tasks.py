"""The unit of work: a node of a source's merge tree, and the pure function that computes it.

A *node* (level, position) stands for the blocks from position * 2^level on, 2^level of them. A task
computes one node, so that its result, and every merge above it, is the same whatever the number of
workers, wherever they are, and whichever task ends first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
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
# The first replications of every cell keep their own A and Q, for diagnostics and convergence.
KEPT_REPLICATIONS = 1024


class Task(NamedTuple):
    """A node of one source's merge tree; the source by its number."""

    source: int
    level: int
    position: int

    @property
    def first(self) -> int:
        """The first of the node's blocks."""
        return self.position << self.level

    @property
    def end(self) -> int:
        """The block behind the node's last one, had the source no end."""
        return (self.position + 1) << self.level


class Job(NamedTuple):
    """A task, and what of a run it is.

    Parameters
    ----------
    number, strand
        The source in the run's design, and which of its strands (see `simnorm.strands`).
    design, task
        What is to be computed: the task's source is numbered in this design.
    """

    number: int
    strand: int
    design: Design
    task: Task


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


def block_count(design: Design, source: Source) -> int:
    """Return the number of blocks of a source, the last of which may be cut."""
    return -(-replications(design, source) // lanes_in_block(design))


def blocks_of(design: Design, task: Task) -> range:
    """Return the blocks of a task that its source has."""
    return range(task.first, min(task.end, block_count(design, sources(design)[task.source])))


def replications_of(design: Design, source: Source, level: int, position: int) -> int:
    """Return how many of a source's replications stand in a node."""
    lanes, wanted = lanes_in_block(design), replications(design, source)
    ends = (lanes * (at << level) for at in (position, position + 1))
    first, end = (min(wanted, lane) for lane in ends)
    return end - first


def block_draws(design: Design, source: Source, block: int) -> int:
    """Return the observations of a block; a row of data counts once for each of its columns.

    Of a trial, whose replications draw nothing, the units of work.
    """
    if STUDIES[design.study].is_trial:
        return study_of(design).draws(design, source)
    lanes = drawn_lanes(design, source, block)
    return lanes * study_of(design).draws(design, source) * max(1, len(source.columns))


def draws_of(design: Design, task: Task) -> int:
    """Return the observations that are drawn for a task, whole blocks counted."""
    source, blocks = sources(design)[task.source], blocks_of(design, task)
    if not blocks:
        return 0
    # Only the last block of a source may be drawn in part.
    each = block_draws(design, source, blocks[0])
    return each * (len(blocks) - 1) + block_draws(design, source, blocks[-1])


def total_draws(design: Design) -> int:
    """Return the observations that are drawn, whole blocks counted."""
    return sum(source_draws(design, number) for number in range(len(sources(design))))


def source_draws(design: Design, number: int) -> int:
    """Return the observations that are drawn of a source, by its number."""
    source = sources(design)[number]
    last = block_count(design, source) - 1
    return last * block_draws(design, source, 0) + block_draws(design, source, last)


def compute(design: Design, task: Task, *, compiled: bool = True) -> Node:
    """Compute one node: a pure function of its arguments."""
    source, study = sources(design)[task.source], study_of(design)
    lanes = lanes_in_block(design)
    kept: list[Floats] = []
    wanted = replications(design, source)
    cells = len(study.cells(design, source))
    tree = MergeTree()
    may_fail = study.may_fail(design, source)
    failures: Failures = {}
    for block in blocks_of(design, task):
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
        draws_of(design, task),
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


def void_node(design: Design, task: Task, width: int, message: str) -> Node:
    """Return the node of a task that was given up: every replication of every cell is void.

    Parameters
    ----------
    design, task
        What could not be computed.
    width
        How many numbers a replication has: cells, and what stands behind them.
    message
        Why.
    """
    source = sources(design)[task.source]
    count = replications_of(design, source, task.level, task.position)
    cells = len(study_of(design).cells(design, source))
    first = task.first * lanes_in_block(design)
    zeros = np.zeros((2, width))
    tally = Tally(count, zeros, zeros, np.zeros((3, width)), np.full(width, count, dtype=np.int64))
    kept = np.full((2, cells, max(0, min(count, KEPT_REPLICATIONS - first))), np.nan)
    failures = {cell: Failure(first, message) for cell in range(cells)}
    return Node(tally, kept, draws_of(design, task), failures)
