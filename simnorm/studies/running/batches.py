"""Training streams: means and variances of their batches, epoch by epoch.

The orders of the rows of an epoch belong to (seed, source, block, epoch), so that every batch size
sees the same epochs, and neither more steps nor more sizes change a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.distributions import Distribution, distribution
from simnorm.reducers import REFERENCES
from simnorm.resampling import CHUNK_ROWS, Groups
from simnorm.rows import choose_rows, shuffle_rows
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL, batch_count, group_column
from simnorm.streams import SLAB_DRAWS, block_stream, lanes_of, rows_source
from simnorm.studies.drawing import (
    Source,
    assembled,
    chunk,
    references,
    replications,
)
from simnorm.studies.running.averages import Averager, Plan, Scale

Floats = NDArray[np.float64]
Orders = NDArray[np.int32]


class Reference(NamedTuple):
    """Mean and biased variance that errors are about, about the pivot, in units of the source.

    Numbers, or arrays of shape (lanes, 1).
    """

    mean: Floats | float
    variance: Floats | float


class Part(NamedTuple):
    """Some lanes of a block.

    Parameters
    ----------
    lanes
        Which ones.
    references
        In the order of `drawing.references`.
    records
        For every batch size what is kept of the streams, shape (grid, slots, lanes, columns).
    """

    lanes: slice
    references: tuple[Reference, ...]
    records: list[Floats]


def wanted_lanes(design: Design, source: Source, block: int) -> int:
    """Return how many replications of a block are wanted."""
    lanes = lanes_of(design.full_size)
    return min(lanes, replications(design, source) - block * lanes)


def scale_of(design: Design, source: Source) -> Scale:
    """Return pivots and units of a source, for every column of a table of data."""
    if not source.columns:
        law = distribution(source.distribution)
        return Scale(np.array([law.pivot]), np.array([law.unit]))
    columns = chunk(design, source).columns
    return Scale(np.array([c.mean for c in columns]), np.array([c.unit for c in columns]))


def parts(
    design: Design, source: Source, block: int, plan: Plan, *, compiled: bool
) -> Iterator[Part]:
    """Yield the lanes of a block, some at a time, with all that is asked of them."""
    if source.columns:
        yield from _parts_of_rows(design, source, block, plan, compiled=compiled)
    elif source.sampling == IID:
        yield _part_of_draws(design, source, block, plan, compiled=compiled)
    else:
        yield from _parts_of_full_sets(design, source, block, plan, compiled=compiled)


# ---------------------------------------------------------------------------------------------
# Independent draws


def _part_of_draws(
    design: Design, source: Source, block: int, plan: Plan, *, compiled: bool
) -> Part:
    law = distribution(source.distribution)
    wanted = wanted_lanes(design, source, block)
    records = []
    for n in design.batch_sizes:
        averager = Averager(plan, wanted, compiled=compiled)
        for done, drawn in _draws(design, source, block, n):
            means, variances = moments(drawn[..., :wanted])
            averager.add(done, means, variances)
        records.append(averager.records.reshape(*averager.records.shape, 1))
    return Part(slice(0, wanted), (_population(law),), records)


def _draws(design: Design, source: Source, block: int, n: int) -> Iterator[tuple[int, Floats]]:
    """Yield the batches of a size, in units of the law, with the number of those before.

    Batches have the shape (batches, n, lanes). Pieces are drawn whole, because laws that draw
    twice depend on the shape; it knows of N and n alone.
    """
    law, lanes = distribution(source.distribution), lanes_of(design.full_size)
    rng = block_stream(
        design.seed, source.distribution, design.full_size, source.sampling, block, n
    )
    together = max(1, SLAB_DRAWS // (lanes * n))
    piece = np.empty((together * n, lanes))
    for done in range(0, design.steps, together):
        law.fill(rng, piece)
        drawn = (piece - law.pivot) / law.unit
        yield done, drawn.reshape(together, n, lanes)[: design.steps - done]


def moments(batches: Floats) -> tuple[Floats, Floats]:
    """Return means and biased variances along the second axis, in two passes.

    Equal values have no spread at all, because they are taken about the first.

    Examples
    --------
    >>> mean, variance = moments(np.array([[[1.0], [2.0], [3.0], [4.0]]]))
    >>> mean.item(), variance.item()
    (2.5, 1.25)
    """
    first = batches[:, :1]
    if batches.shape[1] == 1:
        return first[:, 0], np.zeros_like(first[:, 0])
    away = batches - first
    mean = away.mean(axis=1, keepdims=True)
    away -= mean
    away *= away
    return (first + mean)[:, 0], away.mean(axis=1)


def _population(law: Distribution) -> Reference:
    return Reference((law.mean - law.pivot) / law.unit, law.variance / law.unit**2)


# ---------------------------------------------------------------------------------------------
# Full sets of a law


def _parts_of_full_sets(
    design: Design, source: Source, block: int, plan: Plan, *, compiled: bool
) -> Iterator[Part]:
    law = distribution(source.distribution)
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    whole = assembled(law, rng, design.full_size, lanes_of(design.full_size))
    whole -= law.pivot
    whole /= law.unit
    for lanes in _some_lanes(design, source, block):
        values = whole[lanes]
        about = {REFERENCES[0]: _full_sets(values), REFERENCES[1]: _population(law)}
        records = _records(design, source, block, lanes, plan, values, compiled=compiled)
        yield Part(lanes, tuple(about[word] for word in references(source)), records)


def _full_sets(values: Floats) -> Reference:
    mean, variance = moments(np.moveaxis(values[np.newaxis], 2, 1))
    return Reference(mean.T, variance.T)


def _some_lanes(design: Design, source: Source, block: int) -> Iterator[slice]:
    step = max(1, CHUNK_ROWS // design.full_size)
    wanted = wanted_lanes(design, source, block)
    for first in range(0, wanted, step):
        yield slice(first, min(first + step, wanted))


# ---------------------------------------------------------------------------------------------
# Rows of data, and epochs


def _parts_of_rows(
    design: Design, source: Source, block: int, plan: Plan, *, compiled: bool
) -> Iterator[Part]:
    here = chunk(design, source)
    units = np.array([0.0 if column.is_constant else 1.0 for column in here.columns])
    for lanes in _some_lanes(design, source, block):
        records = _records(design, source, block, lanes, plan, here.table, compiled=compiled)
        # The table is filled up with columns of zeros.
        kept = [record[..., : len(units)] for record in records]
        yield Part(lanes, (Reference(0.0, units),), kept)


def _records(
    design: Design,
    source: Source,
    block: int,
    lanes: slice,
    plan: Plan,
    values: Floats,
    *,
    compiled: bool,
) -> list[Floats]:
    """Return what is kept of the streams of some lanes, for every batch size."""
    count = lanes.stop - lanes.start
    width = 1 if values.ndim == 2 else values.shape[0] * values.shape[2]
    averagers = [Averager(plan, count * width, compiled=compiled) for _ in design.batch_sizes]
    steps = design.steps
    most = max(-(-steps // batch_count(design.full_size, n)) for n in design.batch_sizes)
    for epoch in range(most):
        shared = None
        for n, averager in zip(design.batch_sizes, averagers, strict=True):
            each = batch_count(design.full_size, n)
            done = epoch * each
            if done >= steps:
                continue
            if source.sampling == REPLACEMENT:
                orders = epoch_orders(design, source, block, epoch, lanes, n)
            else:
                if shared is None:
                    shared = epoch_orders(design, source, block, epoch, lanes)
                orders = shared
            found = batch_moments(values, orders, n, min(each, steps - done), compiled=compiled)
            averager.add(done, *found)
    return [a.records.reshape(*a.records.shape[:2], count, width) for a in averagers]


def epoch_orders(
    design: Design, source: Source, block: int, epoch: int, lanes: slice, n: int = 0
) -> Orders:
    """Return the orders of rows of an epoch, those of the sweep in the first one.

    Parameters
    ----------
    design, source, block
        What names the stream.
    epoch
        Its number, from 0.
    lanes
        Which ones; they are drawn one after the other, so that others can be left out.
    n
        The batch size, which with replacement has draws of its own.

    Returns
    -------
    NDArray
        Shape (lanes, rows).
    """
    size, count = design.full_size, lanes.stop - lanes.start
    word = source.sampling.partition(":")[0]
    first_of_law = bool(source.distribution) and word != REPLACEMENT and epoch == 0
    if word == SEQUENTIAL or first_of_law:
        return np.tile(np.arange(size, dtype=np.int32), (count, 1))
    groups = groups_of(design, source)
    text = source.distribution or rows_source(groups[1] if groups else "")
    if word == REPLACEMENT:
        width = n * batch_count(size, n)
        text = f"{text}:epoch={epoch}" if epoch else text
        rng = block_stream(design.seed, text, size, word, block, n)
        rng.bit_generator.advance(lanes.start * width)  # type: ignore[attr-defined]
        return choose_rows(rng, size, count, width)
    text = f"{text}:epochs" if source.distribution else text
    rng = block_stream(design.seed, text, size, word, block, epoch)
    arranged = groups[0].count if groups else size
    # An order takes one number less than there is to order.
    rng.bit_generator.advance(lanes.start * (arranged - 1))  # type: ignore[attr-defined]
    orders = shuffle_rows(rng, count, arranged)
    return groups[0].in_order(orders) if groups else orders


def groups_of(design: Design, source: Source) -> tuple[Groups, str] | None:
    """Return the groups that rows are drawn by, and what names them; None without groups."""
    column = group_column(source.sampling)
    if column is None or design.dataset is None:
        return None
    return Groups(design.dataset.group_codes(column)), design.dataset.group_digest(column)


def batch_moments(
    values: Floats, orders: Orders, n: int, batches: int, *, compiled: bool
) -> tuple[Floats, Floats]:
    """Return means and biased variances of the first batches of every lane.

    Parameters
    ----------
    values
        A table of columns in groups, shape (groups, N, 8), or full sets, shape (lanes, N).
    orders
        Row numbers, shape (lanes, rows).
    n, batches
        Batch size, and how many.

    Returns
    -------
    tuple
        Both of shape (batches, lanes, columns of the table), or (batches, lanes).
    """
    kernels = compiled_kernels() if compiled else None
    if kernels is None:
        return _moments_by_numpy(values, orders[:, : n * batches], n)
    lanes = len(orders)
    if values.ndim == 2:
        found = np.empty((2, batches, lanes))
        kernels.draw_moments(values, orders, n, found[0], found[1])
    else:
        found = np.empty((2, batches, lanes, values.shape[0] * values.shape[2]))
        kernels.row_moments(values, orders, n, found[0], found[1])
    return found[0], found[1]


def _moments_by_numpy(values: Floats, orders: Orders, n: int) -> tuple[Floats, Floats]:
    if values.ndim == 2:
        drawn = np.take_along_axis(values, orders, axis=-1)[..., np.newaxis]
    else:
        drawn = np.concatenate([group[orders] for group in values], axis=-1)
    lanes, rows, width = drawn.shape
    found = moments(drawn.reshape(lanes * (rows // n), n, width))
    mean, variance = (np.moveaxis(part.reshape(lanes, rows // n, width), 0, 1) for part in found)
    return np.ascontiguousarray(mean), np.ascontiguousarray(variance)
