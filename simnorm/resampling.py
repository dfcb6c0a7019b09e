"""Batches of given full sets: rows in an order, or drawn with replacement, and their errors.

The rows of a file are drawn whole, so that its columns stay paired: a replication is an order of
the rows, a *lane* of row numbers. Columns are read a chunk at a time. Draws of a law are read here
too where their batches are drawn with replacement.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simnorm import rows
from simnorm.columns import Column
from simnorm.compiled import compiled_kernels
from simnorm.dataset import Dataset
from simnorm.distributions import Distribution
from simnorm.estimators import BiasedVariance, Estimator, Mean, Std, UserEstimator
from simnorm.reducers import estimates_of, pair
from simnorm.sampling import REPLACEMENT, SEQUENTIAL, batch_count, cut
from simnorm.sorting import SortedBatches
from simnorm.streams import block_stream, rows_source

Floats = NDArray[np.float64]
Orders = NDArray[np.int32]

# Row numbers that are held at a time, whole lanes.
CHUNK_ROWS = 1 << 17
# Columns that are read together share their orders; numbers of so many stay in the cache.
MOST_COLUMNS, FEWEST_COLUMNS = 16, 4
TABLE_VALUES = 1 << 23

# What a user's function said: by the numbers of column, estimator and size, the first lane, why.
Said = dict[tuple[int, ...], tuple[int, str]]


@dataclass
class Chunk:
    """Columns that are read together."""

    columns: tuple[Column, ...]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, dataset: Dataset, names: Sequence[str]) -> Chunk:
        """Read columns from the data."""
        values = dataset.values(names)
        return cls(tuple(Column(name, values[:, i]) for i, name in enumerate(names)))

    @functools.cached_property
    def table(self) -> Floats:
        """The standardized columns, row by row in groups as the compiled loops want them."""
        with self._lock:
            return rows.make_table(np.column_stack([c.standardized for c in self.columns]))


def columns_together(full_size: int) -> int:
    """Return how many columns are read together, from N alone.

    Examples
    --------
    >>> columns_together(569), columns_together(10**6), columns_together(10**8)
    (16, 8, 4)
    """
    return min(max(TABLE_VALUES // full_size, FEWEST_COLUMNS), MOST_COLUMNS)


def row_orders(
    seed: int,
    scheme: str,
    full_size: int,
    block: int,
    lanes: int,
    batch_size: int,
    groups: tuple[NDArray[np.int64], str] | None,
) -> Iterator[Orders]:
    """Yield the orders of rows of a block's replications, some lanes at a time.

    Every lane is drawn after the other from the block's stream, so that the first lanes are the
    same however many are wanted.

    Parameters
    ----------
    seed, full_size, block
        What names the stream, beside the scheme.
    scheme
        The sampling scheme.
    lanes
        Replications wanted.
    batch_size
        n: with replacement, every size has draws of its own.
    groups
        With ``grouped``, the group of every row by its number, and what names these groups.

    Returns
    -------
    Iterator
        Row numbers, shape (lanes, N), or (lanes, k n) with replacement.
    """
    width = full_size
    if scheme == REPLACEMENT:
        width = batch_count(full_size, batch_size) * batch_size
    step = max(1, CHUNK_ROWS // width)
    if scheme == SEQUENTIAL:
        yield np.arange(full_size, dtype=np.int32)[np.newaxis]
        return
    word = scheme.partition(":")[0]
    source = rows_source(groups[1] if groups else "")
    rng = block_stream(
        seed, source, full_size, word, block, batch_size if scheme == REPLACEMENT else 0
    )
    arranged = Groups(groups[0]) if groups else None
    for first in range(0, lanes, step):
        some = min(step, lanes - first)
        if scheme == REPLACEMENT:
            yield rows.choose_rows(rng, full_size, some, width)
        elif arranged is not None:
            yield arranged.in_order(rows.shuffle_rows(rng, some, arranged.count))
        else:
            yield rows.shuffle_rows(rng, some, full_size)


class Groups:
    """Rows by group, in file order inside each."""

    def __init__(self, codes: NDArray[np.int64]) -> None:
        self.rows = np.argsort(codes, kind="stable").astype(np.int32)
        self.sizes = np.bincount(codes)
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.count = len(self.sizes)

    def in_order(self, orders: Orders) -> Orders:
        """Return the rows of groups in orders of the groups, shape (lanes, groups)."""
        sizes = self.sizes[orders]
        ends = np.cumsum(sizes, axis=-1)
        found = np.empty((len(orders), len(self.rows)), dtype=np.int32)
        for lane, order in enumerate(orders):
            # Where a group begins among the sorted rows, less where it begins in this lane.
            shift = np.repeat(self.starts[order] - ends[lane] + sizes[lane], sizes[lane])
            found[lane] = self.rows[shift + np.arange(len(self.rows))]
        return found


def passes(sizes: Sequence[int], scheme: str) -> Iterator[tuple[list[int], Sequence[int]]]:
    """Yield the batch sizes that are cut from the same orders, by their places and themselves."""
    if scheme == REPLACEMENT:
        for place, size in enumerate(sizes):
            yield [place], [size]
    else:
        yield list(range(len(sizes))), sizes


def is_moment(kind: Estimator) -> bool:
    """Return whether the loop over rows takes an estimator."""
    return isinstance(kind, Mean | BiasedVariance | Std)


class ColumnReader:
    """Takes the errors of batches of a chunk's columns against the whole columns.

    Parameters
    ----------
    chunk
        The columns.
    kinds
        The estimators.
    full_size
        N.
    compiled
        Whether compiled loops may be used.
    """

    def __init__(
        self, chunk: Chunk, kinds: Sequence[Estimator], full_size: int, *, compiled: bool = True
    ) -> None:
        self.chunk, self.kinds, self.full_size = chunk, kinds, full_size
        self.compiled = compiled and compiled_kernels() is not None
        self.moments = [kind for kind in kinds if is_moment(kind)]
        self.users = [kind for kind in kinds if isinstance(kind, UserEstimator)]
        self.others = [kind for kind in kinds if kind not in (*self.moments, *self.users)]
        self.said: Said = {}

    def read(
        self, orders: Orders, sizes: Sequence[int], places: Sequence[int], first: int
    ) -> Floats:
        """Return A and Q, shape (2, columns, estimators, sizes, lanes).

        `places` and `first` number the sizes and lanes for what is said of failures.
        """
        shape = (2, len(self.chunk.columns), len(self.kinds), len(sizes), len(orders))
        found = np.empty(shape)
        if self.moments:
            self._read_moments(orders, sizes, found)
        for c, column in enumerate(self.chunk.columns):
            if self.others:
                self._read_others(column, orders, sizes, found[:, c])
            for kind in self.users:
                self._call(kind, c, orders, sizes, places, first, found[:, c])
        return found

    def _read_moments(self, orders: Orders, sizes: Sequence[int], found: Floats) -> None:
        read = rows.lane_moments if self.compiled else rows.moments_by_numpy
        sums = read(self.chunk.table, orders, sizes)
        errors = rows.moment_errors_of(sums, self.moments, sizes, self.full_size, orders.shape[1])
        units = np.array([column.unit for column in self.chunk.columns])
        for i, kind in enumerate(self.moments):
            unit = (units**kind.power)[:, np.newaxis, np.newaxis]
            place = self.kinds.index(kind)
            # The table is filled up with columns of zeros.
            found[0, :, place] = errors[0][: len(units), i] * unit
            found[1, :, place] = errors[1][: len(units), i] * (unit * unit)

    def _read_others(
        self, column: Column, orders: Orders, sizes: Sequence[int], found: Floats
    ) -> None:
        centred = column.values - column.pivot
        drawn = centred[orders]
        batches = SortedBatches(drawn, compiled=self.compiled)
        mean, square = np.empty((2, 2, len(orders)))
        for j, size in enumerate(sizes):
            estimates = estimates_of(self.others, drawn, size, batches, compiled=self.compiled)
            for kind, values in estimates.items():
                whole = np.full(len(orders), column.centred_value_of(kind))
                pair(values, whole, 0.0, mean, square, compiled=self.compiled)
                place = self.kinds.index(kind)
                found[0, place, j], found[1, place, j] = mean[0], square[0]

    def _call(
        self,
        kind: UserEstimator,
        c: int,
        orders: Orders,
        sizes: Sequence[int],
        places: Sequence[int],
        first: int,
        found: Floats,
    ) -> None:
        values = self.chunk.columns[c].values
        whole, said_of_whole = kind.attempt(values[np.newaxis])
        drawn = values[orders]
        at = self.kinds.index(kind)
        for j, size in enumerate(sizes):
            estimates, said = kind.attempt(cut(drawn, size))
            errors = estimates - whole[0]
            found[0, at, j] = errors.mean(axis=-1)
            found[1, at, j] = (errors * errors).mean(axis=-1)
            reasons = dict.fromkeys(range(len(orders)), said_of_whole[0]) if said_of_whole else said
            if reasons and (c, at, places[j]) not in self.said:
                lane = min(reasons)
                self.said[c, at, places[j]] = (first + lane, reasons[lane])


class DrawReader:
    """Takes the errors of batches drawn with replacement from full sets that a law gave.

    Parameters
    ----------
    kinds
        The estimators.
    law
        The law of the draws.
    full_sets
        The draws, shape (lanes, N).
    compiled
        Whether compiled loops may be used.
    """

    def __init__(
        self, kinds: Sequence[Estimator], law: Distribution, full_sets: Floats, *, compiled: bool
    ) -> None:
        self.kinds, self.full_sets = kinds, full_sets
        self.compiled = compiled and compiled_kernels() is not None
        self.centre = law.pivot
        self.population = {
            kind: kind.population(law) - (self.centre if self._is_shifted(kind) else 0.0)
            for kind in kinds
        }
        self.wholes, self.said_of_wholes = self._estimates(full_sets, full_sets.shape[1])
        # By the numbers of estimator, size and reference.
        self.said: Said = {}

    @staticmethod
    def _is_shifted(kind: Estimator) -> bool:
        return kind.is_location and not isinstance(kind, UserEstimator)

    def _estimates(
        self, drawn: Floats, size: int
    ) -> tuple[dict[Estimator, Floats], dict[Estimator, dict[int, str]]]:
        known = [kind for kind in self.kinds if not isinstance(kind, UserEstimator)]
        centred = drawn - self.centre
        batches = SortedBatches(centred, compiled=self.compiled)
        found = estimates_of(known, centred, size, batches, compiled=self.compiled)
        said: dict[Estimator, dict[int, str]] = {}
        for kind in self.kinds:
            if isinstance(kind, UserEstimator):
                found[kind], said[kind] = kind.attempt(cut(drawn, size))
        return found, said

    def read(self, order: Orders, size: int, place: int) -> Floats:
        """Return A and Q of the batches of a size, shape (2, estimators, references, lanes).

        Parameters
        ----------
        order
            The numbers of the observations drawn, shape (lanes, k n).
        size, place
            The batch size, and its place among all.
        """
        estimates, said = self._estimates(np.take_along_axis(self.full_sets, order, axis=-1), size)
        found = np.empty((2, len(self.kinds), 2, len(order)))
        for i, kind in enumerate(self.kinds):
            whole, population = self.wholes[kind][:, 0], self.population[kind]
            mean, square = found[:, i]
            pair(estimates[kind], whole, population, mean, square, compiled=self.compiled)
            for r in (0, 1):
                reasons = said.get(kind, {}) | ({} if r else self.said_of_wholes.get(kind, {}))
                if reasons and (i, place, r) not in self.said:
                    self.said[i, place, r] = (min(reasons), reasons[min(reasons)])
        return found


__all__ = [
    "Chunk",
    "ColumnReader",
    "DrawReader",
    "columns_together",
    "is_moment",
    "passes",
    "row_orders",
]
