"""Orders of rows, and moments of batches of whole rows: the loops, and numpy where there are none.

A row number stands for a whole row of the data. Columns are standardized and stand in groups of
eight, so that a row of a group is one line of the cache, and one vector of the processor.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels
from simnorm.estimators import BiasedVariance, Estimator, Mean, Std
from simnorm.sampling import cut

Floats = NDArray[np.float64]
Orders = NDArray[np.int32]

WIDTH = 8
# Sums over the batches of a size: of mean, mean^2, v - 1, (v - 1)^2 and s - 1.
MEAN, MEAN_SQUARED, VARIANCE, VARIANCE_SQUARED, STD = range(5)
SUMS = 5


def shuffle_rows(rng: np.random.Generator, lanes: int, size: int) -> Orders:
    """Return orders of `size` rows, shape (lanes, size), every order as likely.

    Examples
    --------
    >>> order = shuffle_rows(np.random.Generator(np.random.PCG64DXSM(0)), 1, 5)
    >>> sorted(order[0].tolist())
    [0, 1, 2, 3, 4]
    """
    orders = np.empty((lanes, size), dtype=np.int32)
    kernels = compiled_kernels()
    if kernels is not None:
        kernels.shuffle_rows(rng, orders)
        return orders
    for order in orders:
        order[:] = np.arange(size)
        # The loop's own swaps, from the same numbers.
        places = (rng.random(max(size - 1, 0)) * np.arange(size, 1, -1)).astype(np.int64)
        for i, j in zip(range(size - 1, 0, -1), places.tolist(), strict=True):
            order[i], order[j] = order[j], order[i]
    return orders


def choose_rows(rng: np.random.Generator, size: int, lanes: int, width: int) -> Orders:
    """Return row numbers below `size` drawn independently, shape (lanes, width).

    Examples
    --------
    >>> choose_rows(np.random.Generator(np.random.PCG64DXSM(0)), 1, 2, 3)
    array([[0, 0, 0],
           [0, 0, 0]], dtype=int32)
    """
    orders = np.empty((lanes, width), dtype=np.int32)
    kernels = compiled_kernels()
    if kernels is not None:
        kernels.choose_rows(rng, size, orders)
    else:
        orders[:] = (rng.random((lanes, width)) * size).astype(np.int32)
    return orders


def make_table(columns: Floats) -> Floats:
    """Return columns, shape (N, columns), in groups of eight, shape (groups, N, 8).

    The last group is filled up with zeros.
    """
    size, width = columns.shape
    groups = -(-width // WIDTH)
    table = np.zeros((groups, size, WIDTH))
    for g in range(groups):
        part = columns[:, g * WIDTH : (g + 1) * WIDTH]
        table[g, :, : part.shape[1]] = part
    return table


def lane_moments(table: Floats, orders: Orders, sizes: Sequence[int]) -> Floats:
    """Return sums over the batches of every size, shape (lanes, groups, sizes, 5, 8).

    Parameters
    ----------
    table
        Standardized columns in groups.
    orders
        Row numbers, shape (lanes, rows), cut into batches from their start.
    sizes
        Batch sizes, at most as many as there are rows.
    """
    kernels = compiled_kernels()
    if kernels is None:
        return moments_by_numpy(table, orders, sizes)
    bases, places = chains(sizes)
    slots = np.array([slots_of(int(base), kernels.BLOCK_ROWS) for base in bases])
    sums = np.empty((len(orders), len(table), len(sizes), SUMS, WIDTH))
    kernels.gather_moments(table, orders, bases, places, slots, sums)
    # A batch of one row has no spread, whatever the divisor.
    sums[:, :, [n == 1 for n in sizes], VARIANCE:] = np.nan
    return sums


def chains(sizes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the chains that sizes are taken in: their smallest batches, and where sizes stand.

    A size is odd * 2^j and taken in the chain of its odd part by pairwise merging.

    Examples
    --------
    >>> bases, places = chains([1, 2, 6, 8])
    >>> bases.tolist(), places.tolist()
    ([1, 3], [[0, 1, -1, 3], [-1, 2, -2, -2]])
    """
    found: dict[int, dict[int, int]] = {}
    for place, size in enumerate(sizes):
        twos = (size & -size).bit_length() - 1
        found.setdefault(size >> twos, {})[twos] = place
    levels = 1 + max(max(levels) for levels in found.values())
    places = np.full((len(found), levels), -2, dtype=np.int64)
    for row, (_, wanted) in zip(places, sorted(found.items()), strict=True):
        row[: max(wanted) + 1] = -1
        row[list(wanted)] = list(wanted.values())
    return np.array(sorted(found), dtype=np.int64), places


def slots_of(base: int, block_rows: int) -> NDArray[np.int64]:
    """Return which batch of a block stands in which slot, for blocks of falling sizes.

    In each block the first half of the slots holds the even batches and the second half the odd
    ones, and so on in each half: merging neighbours is merging halves.

    Examples
    --------
    >>> slots_of(3, 12).tolist()
    [0, 2, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    top = max(0, (block_rows // base).bit_length() - 1)
    found = []
    for level in range(top, -1, -1):
        slots = np.zeros(1, dtype=np.int64)
        for _ in range(level):
            slots = np.concatenate([2 * slots, 2 * slots + 1])
        found.append(slots)
    # Filled up to a common length for all chains.
    every = np.zeros(2 * block_rows, dtype=np.int64)
    joined = np.concatenate(found)
    every[: len(joined)] = joined
    return every


def moments_by_numpy(table: Floats, orders: Orders, sizes: Sequence[int]) -> Floats:
    """Return what `lane_moments` does, by plain numpy and a lane at a time."""
    sums = np.empty((len(orders), len(table), len(sizes), SUMS, WIDTH))
    for lane, order in enumerate(orders):
        for g, group in enumerate(table):
            drawn = np.ascontiguousarray(group[order].T)
            for j, n in enumerate(sizes):
                batches = cut(drawn, n)
                mean = batches.mean(axis=-1)
                variance = batches.var(axis=-1) if n > 1 else np.full(mean.shape, np.nan)
                # Where all are equal, a rounded mean would leave a spread.
                variance[batches.min(axis=-1) == batches.max(axis=-1)] *= 0.0
                excess = variance - 1.0
                parts = (mean, mean * mean, excess, excess * excess, np.sqrt(variance) - 1.0)
                sums[lane, g, j] = [part.sum(axis=-1) for part in parts]
    return sums


def moment_errors_of(
    sums: Floats, kinds: Sequence[Estimator], sizes: Sequence[int], full_size: int, rows: int
) -> tuple[Floats, Floats]:
    """Return A and Q against the whole columns, shape (columns, kinds, sizes, lanes), filled up.

    Parameters
    ----------
    sums
        As `lane_moments` returns them.
    kinds
        Mean, variances and standard deviations.
    sizes
        Batch sizes.
    full_size
        N, whose divisor N - 1 the whole column's unbiased variance has.
    rows
        How many rows were cut into batches.

    Returns
    -------
    tuple
        In units of the columns' standard deviation, or its square.
    """
    lanes, groups = sums.shape[:2]
    shape = (groups * WIDTH, len(kinds), len(sizes), lanes)
    A, Q = np.empty(shape), np.empty(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        for j, n in enumerate(sizes):
            count = rows // n
            # From (lanes, groups, 5, 8) to five arrays of shape (columns, lanes).
            means = np.moveaxis(sums[:, :, j], 2, 0) / count
            means = means.transpose(0, 2, 3, 1).reshape(SUMS, groups * WIDTH, lanes)
            for i, kind in enumerate(kinds):
                error, square = _errors(means, kind, n, full_size)
                # One batch has one error; nor may a mean square be less than the squared mean.
                squared = error * error
                A[:, i, j] = error
                Q[:, i, j] = squared if count == 1 else np.fmax(square, squared)
    return A, Q


def _errors(means: Floats, kind: Estimator, n: int, full_size: int) -> tuple[Floats, Floats]:
    """Return the mean error and the mean squared error of the batches of a size."""
    mean, mean_squared, excess, excess_squared, std = means
    if isinstance(kind, Mean):
        return mean, mean_squared
    assert isinstance(kind, BiasedVariance | Std)
    a, c = (_factor(m, kind.ddof) for m in (n, full_size))
    # With v about 1: a v - c = a (v - 1) + (a - c).
    more = _difference(n, full_size, kind.ddof)
    if isinstance(kind, BiasedVariance):
        return a * excess + more, a * a * excess_squared + more * (2.0 * a * excess + more)
    root, whole = np.sqrt(a), np.sqrt(c)
    more /= root + whole
    # (s - 1)^2 = (v - 1) - 2 (s - 1), because s^2 = v.
    return root * std + more, a * (excess - 2.0 * std) + more * (2.0 * root * std + more)


def _factor(size: int, ddof: int) -> np.float64:
    return np.float64(size) / np.float64(size - ddof) if ddof else np.float64(1.0)


def _difference(n: int, full_size: int, ddof: int) -> np.float64:
    """Return n/(n - ddof) - N/(N - ddof) without loss for n next to N."""
    if not ddof:
        return np.float64(0.0)
    return np.float64(full_size - n) / (np.float64(n - 1) * np.float64(full_size - 1))
