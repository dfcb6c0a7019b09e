"""The error of one batch of every replication, drawn again: independent, whatever the tails.

Errors of one full set depend on each other, so quantiles of errors are taken from one batch of
each. They are drawn again from the blocks' own streams, for those cells alone that need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.design import Design
from simnorm.distributions import Distribution, distribution
from simnorm.estimators import BiasedVariance, Estimator, Mean, Std, UserEstimator
from simnorm.resampling import is_moment, passes
from simnorm.sampling import GROUPED, REPLACEMENT, batch_count, cut, group_column
from simnorm.streams import block_stream, lanes_of, rows_source, slab_rows
from simnorm.studies.drawing import (
    Source,
    assembled,
    chunk,
    drawn_again,
    orders_of,
    slabs,
)
from simnorm.studies.sweep import Cell

Floats = NDArray[np.float64]

# The quantiles of large full sets are from fewer of them, enough for an interval of the outermost.
MOST, FEWEST = 1024, 128
MOST_DRAWS = 1 << 24
# What the source's name is followed by in the key of the stream that chooses batches.
PLACES = ":places"


def most_replications(full_size: int) -> int:
    """Return for how many replications errors are drawn again, from N alone.

    Examples
    --------
    >>> most_replications(16_384), most_replications(100_000), most_replications(10**7)
    (1024, 167, 128)
    """
    return min(MOST, max(FEWEST, MOST_DRAWS // full_size))


def single_errors(
    design: Design, source: Source, cells: Sequence[Cell], replications: int
) -> Floats:
    """Return the error of one batch of each of the first replications, for some cells.

    It is the first batch. Where rows come by groups, the first batch begins with a group as no
    other need, so a place is drawn for each replication, from a stream of its own: all places
    equally often, and the errors have one law.

    Parameters
    ----------
    design, source
        What is drawn.
    cells
        Some of the source's cells.
    replications
        How many, from the first; no more than `most_replications` should be asked for.

    Returns
    -------
    numpy.ndarray
        Shape (cells, replications); what has no value is NaN.

    Examples
    --------
    >>> from simnorm.design import Design
    >>> from simnorm.studies import sweep
    >>> from simnorm.studies.drawing import sources
    >>> design = Design.make("cauchy", batch_sizes=[2], full_size=8, replications=64)
    >>> source = sources(design)[0]
    >>> single_errors(design, source, sweep.cells(design, source)[:2], 64).shape
    (2, 64)
    """
    found = np.empty((len(cells), replications))
    lanes = lanes_of(design.full_size)
    read = _errors_of_rows if source.columns else _errors_of_draws
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, replications, lanes):
            some = min(lanes, replications - first)
            read(design, source, first // lanes, cells, found[:, first : first + some])
    return found


# ---------------------------------------------------------------------------------- draws of a law


def _errors_of_draws(
    design: Design, source: Source, block: int, cells: Sequence[Cell], found: Floats
) -> None:
    """Put the errors of the first lanes of a block into `found`, shape (cells, lanes)."""
    law = distribution(source.distribution)
    some = found.shape[1]
    sizes = sorted({cell.batch_size for cell in cells})
    kinds = list(dict.fromkeys(cell.estimator for cell in cells))
    drawn = _drawn(design, source, block, kinds, sizes[-1])
    for size in sizes:
        batches = drawn.head[:some, np.newaxis, :size]
        if source.sampling == REPLACEMENT:
            order = drawn_again(design, source, block, size, lanes_of(design.full_size))
            picked = np.take_along_axis(drawn.head[:some], order[:some, :size], axis=-1)
            batches = picked[:, np.newaxis]
        for i, cell in enumerate(cells):
            if cell.batch_size == size:
                against = drawn.wholes[cell.estimator][:some]
                if cell.reference == "population":
                    against = np.array(_population(cell.estimator, law))
                found[i] = _values(cell.estimator, batches, law.pivot) - against


class _Drawn(NamedTuple):
    """The first observations of every lane, less the law's pivot, and the full sets' statistics."""

    head: Floats
    wholes: dict[Estimator, Floats]


def _drawn(
    design: Design, source: Source, block: int, kinds: Sequence[Estimator], most: int
) -> _Drawn:
    """Draw a block; hold the whole of it only where the study has to hold it too."""
    law = distribution(source.distribution)
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    lanes = lanes_of(design.full_size)
    if source.sampling != REPLACEMENT and all(is_moment(kind) for kind in kinds):
        return _moments_of(law, rng, design.full_size, lanes, kinds, most)
    head = assembled(law, rng, design.full_size, lanes)
    head -= law.pivot
    wholes = {kind: _values(kind, head[:, np.newaxis], law.pivot) for kind in kinds}
    return _Drawn(head, wholes)


def _moments_of(
    law: Distribution,
    rng: np.random.Generator,
    full_size: int,
    lanes: int,
    kinds: Sequence[Estimator],
    most: int,
) -> _Drawn:
    """Draw a block slab by slab, and merge the slabs' means and sums of squares."""
    head = np.empty((lanes, most))
    mean, squares = np.zeros(lanes), np.zeros(lanes)
    buffer = np.empty((slab_rows(full_size), lanes))
    for first, slab in slabs(law, rng, buffer, full_size):
        slab -= law.pivot
        if first < most:
            part = slab[: most - first]
            head[:, first : first + len(part)] = part.T
        # Chan, Golub and LeVeque (1983): two sums of squares about their own means.
        here = slab.mean(axis=0)
        slab -= here
        step, count = here - mean, first + len(slab)
        squares += (slab * slab).sum(axis=0) + step * step * (first * len(slab) / count)
        mean += step * (len(slab) / count)
    wholes = {kind: _of_sums(kind, mean, squares, full_size) for kind in kinds}
    return _Drawn(head, wholes)


def _of_sums(kind: Estimator, mean: Floats, squares: Floats, size: int) -> Floats:
    if isinstance(kind, Mean):
        return mean
    assert isinstance(kind, BiasedVariance | Std)
    variance = squares / (size - kind.ddof)
    return np.sqrt(variance) if isinstance(kind, Std) else variance


def _values(kind: Estimator, batches: Floats, pivot: float) -> Floats:
    """Return the statistics of batches, shape (lanes, 1, n), of data less a pivot."""
    if isinstance(kind, UserEstimator):
        # A function of the user sees the data as they are.
        return kind.attempt(np.ascontiguousarray(batches + pivot))[0][:, 0]
    return np.asarray(kind.along_last(np.ascontiguousarray(batches)))[:, 0]


def _population(kind: Estimator, law: Distribution) -> float:
    shifted = kind.is_location and not isinstance(kind, UserEstimator)
    return float(kind.population(law)) - (law.pivot if shifted else 0.0)


# ------------------------------------------------------------------------------------ rows of data


def _errors_of_rows(
    design: Design, source: Source, block: int, cells: Sequence[Cell], found: Floats
) -> None:
    """Put the errors of the first lanes of a block into `found`, shape (cells, lanes)."""
    columns = {column.name: column for column in chunk(design, source).columns}
    numbers = {name: column.values - column.pivot for name, column in columns.items()}
    wholes = {
        (cell.column, cell.estimator): _whole(cell.estimator, columns[cell.column])
        for cell in cells
    }
    sizes = sorted({cell.batch_size for cell in cells})
    for _, some_sizes in passes(sizes, source.sampling):
        first = 0
        for orders in orders_of(design, source, block, found.shape[1], some_sizes[0]):
            last = first + len(orders)
            for size in some_sizes:
                rows = orders[:, :size]
                if source.sampling.startswith(GROUPED):
                    places = drawn_places(design, source, block, size)[first:last]
                    rows = cut(orders, size)[np.arange(len(orders)), places]
                for i, cell in enumerate(cells):
                    if cell.batch_size == size:
                        batches = numbers[cell.column][rows][:, np.newaxis]
                        values = _values(cell.estimator, batches, columns[cell.column].pivot)
                        found[i, first:last] = values - wholes[cell.column, cell.estimator]
            first = last


def _whole(kind: Estimator, column: Column) -> float:
    if isinstance(kind, UserEstimator):
        return float(kind.attempt(column.values[np.newaxis])[0][0])
    return column.centred_value_of(kind)


def drawn_places(design: Design, source: Source, block: int, size: int) -> NDArray[np.int64]:
    """Return which batch is taken of every replication of a block, where rows come by groups."""
    column, N = group_column(source.sampling), design.full_size
    assert column is not None
    assert design.dataset is not None
    name = rows_source(design.dataset.group_digest(column)) + PLACES
    rng = block_stream(design.seed, name, N, source.sampling, block, size)
    return rng.integers(0, batch_count(N, size), lanes_of(N))
