"""The check of uniqueness: no stream, no node and no replication comes twice.

Copies leave every mean as it should be, and make error bars too small.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.checking.completeness import words_of_source
from simnorm.checking.finding import Failure, Finding
from simnorm.checking.fingerprints import Stream, fingerprint, streams_of
from simnorm.checking.folder import Folder
from simnorm.checking.taken import Nodes
from simnorm.database import blocks_words
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.formatting import plural
from simnorm.options import SCALING, STUDIES, SWEEP
from simnorm.store import DATABASE
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tasks import Node, Task, block_count

NAME = "uniqueness"

Floats = NDArray[np.float64]

# A stream takes some 20 microseconds to begin.
MOST_STREAMS = 1 << 18
# Chance makes equal nodes of values that repeat with a probability below exp(-this), 10^-12.
SURPRISE = 28.0
# What differs by less than this part of the largest is rounding.
ROUNDING = 1e-9


def check(folder: Folder) -> Finding:
    """Compare streams, stored nodes and kept replications with each other."""
    design, nodes = folder.design, folder.nodes
    is_trial = STUDIES[design.study].is_trial
    streams, every = ([], 0) if is_trial else _streams(design, nodes)
    failures = list(_equal_streams(design, streams))
    compared = {source: _varying(design, source, nodes[source]) for source in sources(design)}
    failures += _equal_nodes(design, nodes, compared)
    kept = 0
    for source in sources(design):
        if _is_continuous(design, source):
            parts = _kept(nodes[source], compared[source])
            kept += parts.shape[1]
            failures += _equal_replications(source, parts)
    some = f"{len(streams):,} of " if every > len(streams) else ""
    count = sum(len(part) for part in nodes.values())
    what = "values" if is_trial else "laws"
    replications = (
        plural(kept, "kept replication") if kept else f"no replications of continuous {what}"
    )
    looked = f"{plural(count, 'stored node')}, {replications}"
    if not is_trial:
        looked = f"{some}{plural(every, 'stream')}, {looked}"
    copies = "copy" if len(failures) == 1 else "copies"
    return Finding.of(NAME, looked, failures, f"{len(failures):,} {copies} among {looked}")


def _streams(design: Design, nodes: Nodes) -> tuple[list[Stream], int]:
    """Return streams that were drawn from, once each and not too many, and how many there are.

    Each source has an equal part of those that are looked at. Sources of a file share their
    streams, and every block has as many as the first.
    """
    blocks: dict[tuple[Stream, ...], tuple[Source, int]] = {}
    for source in sources(design):
        ends = [(task.position + 1) << task.level for task, _ in nodes[source]]
        most = min(max(ends, default=0), block_count(design, source))
        first = tuple(streams_of(design, source, 1))
        if first and most > blocks.get(first, (source, 0))[1]:
            blocks[first] = source, most
    part = MOST_STREAMS // max(len(blocks), 1)
    found = [
        stream
        for source, most in blocks.values()
        for stream in itertools.islice(streams_of(design, source, most), part)
    ]
    return found, sum(len(first) * most for first, (_, most) in blocks.items())


def _equal_streams(design: Design, streams: Sequence[Stream]) -> Iterator[Failure]:
    seen: dict[bytes, Stream] = {}
    for stream in streams:
        other = seen.setdefault(fingerprint(design, stream), stream)
        if other is not stream:
            yield Failure(stream.words, f"the numbers of the {other.words}", "numbers of its own")


def _varying(design: Design, source: Source, nodes: Sequence[tuple[Task, Node]]) -> list[int]:
    """Return the cells that chance moves: not those that are the same but for rounding."""
    kept = [node.kept for _, node in nodes if node.kept.shape[-1]]
    if not kept:
        return []
    values = np.concatenate(kept, axis=-1)
    with np.errstate(all="ignore"):
        spread = np.nanmax(values, axis=-1, initial=-np.inf) - np.nanmin(
            values, axis=-1, initial=np.inf
        )
        root = np.sqrt(np.abs(np.nanmax(np.abs(values[1]), axis=-1, initial=0.0)))
        size = np.maximum(np.nanmax(np.abs(values[0]), axis=-1, initial=0.0), root)
        moves = (spread[0] > ROUNDING * size) | (spread[1] > ROUNDING * size * size)
    # A full set is drawn anew too, so that errors are not all rounding: what is far below the
    # largest is left out.
    large = size > 1e-12 * np.max(size, initial=0.0, where=np.isfinite(size))
    own = np.ones(len(moves), dtype=np.bool_)
    if design.study == SWEEP:
        cells = study_of(design).cells(design, source)
        own = np.array([not str(cell.estimator).startswith("user.") for cell in cells])
    return [int(i) for i in np.flatnonzero(moves & large & own & np.isfinite(size))]


def _kept(nodes: Sequence[tuple[Task, Node]], cells: list[int]) -> Floats:
    """Return the kept replications of some cells, shape (numbers, replications)."""
    parts = [node.kept[:, cells] for _, node in nodes]
    whole = np.concatenate(parts, axis=-1) if parts else np.empty((2, 0, 0))
    return np.ascontiguousarray(whole.reshape(2 * whole.shape[1], whole.shape[-1]))


def _is_continuous(design: Design, source: Source) -> bool:
    if STUDIES[design.study].is_trial:
        return design.study != SCALING  # shares of rows
    return not design.data and distribution(source.distribution).largest_atom == 0.0


def _equal_replications(source: Source, values: Floats) -> Iterator[Failure]:
    """Yield replications that have all numbers of another one."""
    if not values.shape[0]:
        return
    seen: dict[bytes, int] = {}
    for number, column in enumerate(np.ascontiguousarray(values.T)):
        first = seen.setdefault(column.tobytes(), number)
        if first != number:
            where = f"{words_of_source(source)}, kept replication {number}"
            yield Failure(where, f"the numbers of replication {first}", "numbers of its own")


def _equal_nodes(
    design: Design, nodes: Nodes, compared: dict[Source, list[int]]
) -> Iterator[Failure]:
    """Yield nodes that have all numbers of another one.

    Sources of a file share the orders of its rows, and columns may be equal.
    """
    seen: dict[bytes, str] = {}
    for source in sources(design):
        cells = compared[source]
        if design.data:
            seen = {}
        surprise = _surprise(design, source, _kept(nodes[source], cells))
        for task, node in nodes[source] if cells else ():
            here = f"{words_of_source(source)}, {blocks_words(task.level, task.position)}"
            numbers = _numbers(node, cells)
            other = seen.setdefault(numbers, here)
            if other != here and surprise * max(node.kept.shape[-1], 1) > SURPRISE:
                what = f"the numbers of {other}"
                yield Failure(f"{DATABASE}, {here}", what, "numbers of its own")


def _numbers(node: Node, cells: list[int]) -> bytes:
    tally = node.tally
    sums = (tally.pivot, tally.offset, tally.scatter)
    parts = [np.ascontiguousarray(part[:, cells]) for part in (*sums, node.kept)]
    return b"".join(part.tobytes() for part in parts)


def _surprise(design: Design, source: Source, values: Floats) -> float:
    """Return how surprising it is that a replication has the numbers of another one, in nats.

    The entropy of the replications' numbers, as far as the kept ones tell; beyond these nothing is
    known of a node's values, which are then told apart for continuous laws alone.
    """
    if _is_continuous(design, source):
        return math.inf
    if not values.size:
        return 0.0
    _, counts = np.unique(np.ascontiguousarray(values.T), axis=0, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
