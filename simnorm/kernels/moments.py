"""Compiled loops: every batch size and moment estimator in one pass over a block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.fills import fill
from simnorm.kernels.loops import loop, part

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Running sums are set back to zero after this many observations, so that a batch's sum, the
# difference of two running sums, never loses digits to a long or an extreme past.
REBASE = 1 << 10

# Rows of an accumulator: sums over batches of mean^2, (variance - 1)^2 and std - 1, all of the
# standardized observations. Sums of means and of variances follow from the running sums.
MEAN_SQUARED, VARIANCE_SQUARED, STD = range(3)

# Moment estimators and the first reference, as codes.
MEAN, BIASED_VARIANCE, UNBIASED_VARIANCE, BIASED_STD, UNBIASED_STD = range(5)
FULL_SET = 0


@part()
def add_row(slab: Floats, i: int, centre: float, inverse: float, sums: Floats) -> None:
    """Add row `i` of the slab to the running sums of every lane."""
    for lane in range(slab.shape[1]):
        z = (slab[i, lane] - centre) * inverse
        sums[0, lane] += z
        sums[1, lane] += z * z


@part()
def add_two_rows(slab: Floats, i: int, centre: float, inverse: float, sums: Floats) -> None:
    """Add rows `i` and `i + 1`, in that order: the bits are those of two calls of `add_row`."""
    for lane in range(slab.shape[1]):
        y = (slab[i, lane] - centre) * inverse
        z = (slab[i + 1, lane] - centre) * inverse
        sums[0, lane] = (sums[0, lane] + y) + z
        sums[1, lane] = (sums[1, lane] + y * y) + z * z


@part()
def add_pair(y: Floats, z: Floats, centre: float, inverse: float, accumulators: Floats) -> None:
    """Take a batch of two observations of every lane.

    Their difference says more about their variance than running sums do, and costs less.
    """
    for lane in range(z.size):
        mean = (0.5 * (y[lane] + z[lane]) - centre) * inverse
        std = abs(0.5 * (y[lane] - z[lane]) * inverse)
        excess = std * std - 1.0
        accumulators[0, lane] += mean * mean
        accumulators[1, lane] += excess * excess
        accumulators[2, lane] += std - 1.0


@part()
def add_pairs(
    slab: Floats, first: int, centre: float, inverse: float, accumulators: Floats, pending: Floats
) -> None:
    """Take the batches of two that end in the slab; `pending` keeps the first of the next one."""
    row = first % 2
    if row == 1:
        add_pair(pending, slab[0], centre, inverse, accumulators)
    while row + 1 < slab.shape[0]:
        add_pair(slab[row], slab[row + 1], centre, inverse, accumulators)
        row += 2
    if row < slab.shape[0]:
        for lane in range(pending.size):
            pending[lane] = slab[row, lane]


@part()
def end_batch(
    j: int, share: float, taken: bool, sums: Floats, snapshots: Floats, accumulators: Floats
) -> None:
    """End a batch of 1/share observations of every lane: the sums since size j's snapshot.

    Its statistics are `taken` here unless they have been taken otherwise.
    """
    for lane in range(sums.shape[1]):
        mean = (sums[0, lane] - snapshots[j, 0, lane]) * share
        variance = (sums[1, lane] - snapshots[j, 1, lane]) * share - mean * mean
        # Rounding can leave nearly equal observations a negative variance.
        variance = variance if variance > 0.0 else 0.0
        snapshots[j, 0, lane] = sums[0, lane]
        snapshots[j, 1, lane] = sums[1, lane]
        if taken:
            excess = variance - 1.0
            accumulators[j, 0, lane] += mean * mean
            accumulators[j, 1, lane] += excess * excess
            accumulators[j, 2, lane] += np.sqrt(variance) - 1.0


@part()
def rebase(sums: Floats, past: Floats, snapshots: Floats) -> None:
    """Move the running sums to `past`, start again from zero, and move every snapshot along."""
    for i in range(2):
        for lane in range(sums.shape[1]):
            for j in range(snapshots.shape[0]):
                snapshots[j, i, lane] -= sums[i, lane]
            past[i, lane] += sums[i, lane]
            sums[i, lane] = 0.0


@loop()
def add_rows(
    slab: Floats,
    first: int,
    centre: float,
    scale: float,
    sizes: Integers,
    sums: Floats,
    past: Floats,
    snapshots: Floats,
    accumulators: Floats,
    pending: Floats,
) -> None:
    """Add observations `first`, `first + 1`, ... of every lane and end the batches they end.

    Parameters
    ----------
    slab
        Observations, shape (rows, lanes): row by row the next observation of every lane.
    first
        How many observations of every lane have been added before.
    centre, scale
        Known constants that standardize the observations, which keeps the sums small.
    sizes
        Batch sizes, shape (sizes,).
    sums, past
        Sums of z and of z^2 since the last rebase and before it, shape (2, lanes).
    snapshots
        `sums` at the end of each size's last batch, shape (sizes, 2, lanes).
    accumulators
        Sums over the batches so far, shape (sizes, 3, lanes).
    pending
        The first observation of an unfinished batch of two, shape (lanes,).
    """
    inverse = 1.0 / scale
    last = first + slab.shape[0]
    batch_end = np.empty(sizes.size, dtype=np.int64)
    two = -1
    for j in range(sizes.size):
        batch_end[j] = (first // sizes[j] + 1) * sizes[j]
        # Not where a batch of two is the full set: a batch and the full set that it is come out
        # the same to the last bit.
        if sizes[j] == 2 and sizes[-1] > 2:
            two = j
            # All that is left is to mark the sums at the end of the last pair.
            batch_end[j] = sizes[-1] - sizes[-1] % 2
            add_pairs(slab, first, centre, inverse, accumulators[j], pending)
    rebase_end = (first // REBASE + 1) * REBASE
    at = first
    while at < last:
        end = min(last, rebase_end)
        for j in range(sizes.size):
            if batch_end[j] > at:
                end = min(end, batch_end[j])
        while at + 1 < end:
            add_two_rows(slab, at - first, centre, inverse, sums)
            at += 2
        if at < end:
            add_row(slab, at - first, centre, inverse, sums)
            at += 1
        for j in range(sizes.size):
            if batch_end[j] == end:
                end_batch(j, 1.0 / sizes[j], j != two, sums, snapshots, accumulators)
                if j != two:
                    batch_end[j] += sizes[j]
        if end == rebase_end:
            rebase(sums, past, snapshots)
            rebase_end += REBASE


@part()
def put_in_place(slab: Floats, loc: float, scale: float) -> None:
    """Stretch and shift what was drawn, with the bits of numpy's two steps."""
    flat = slab.ravel()
    if scale != 1.0:
        for i in range(flat.size):
            flat[i] *= scale
    if loc != 0.0:
        for i in range(flat.size):
            flat[i] += loc


@loop()
def add_block(
    rng: np.random.Generator,
    origin: int,
    table: Floats,
    slab: Floats,
    full_size: int,
    place: tuple[float, float],
    centre: float,
    scale: float,
    sizes: Integers,
    sums: Floats,
    past: Floats,
    snapshots: Floats,
    accumulators: Floats,
    pending: Floats,
) -> None:
    """Draw a whole block of a law, slab by slab, and add it.

    What the law's fill and a call of `add_rows` for every slab would do, to the last bit. It holds
    no interpreter lock from beginning to end, where the calls would take it back twice per slab
    and keep the other threads waiting.

    Parameters
    ----------
    rng, origin, table
        The block's stream, and how the law is drawn, as `fill` has them.
    slab, full_size
        A buffer of shape (rows, lanes), and N.
    place
        The law's loc and scale.
    centre, scale, sizes, sums, past, snapshots, accumulators, pending
        As `add_rows` has them.
    """
    loc, stretch = place
    # A range, because the literal 0 would have everything compiled twice.
    for first in range(0, full_size, slab.shape[0]):
        rows = slab[: min(slab.shape[0], full_size - first)]
        fill(rng, origin, table, rows)
        put_in_place(rows, loc, stretch)
        add_rows(rows, first, centre, scale, sizes, sums, past, snapshots, accumulators, pending)


@part()
def deviation(
    kind: int,
    factor: float,
    mean: float,
    mean_squared: float,
    variance: float,
    variance_squared: float,
    std: float,
) -> tuple[float, float]:
    """Return the means over batches of d and of d^2, d = estimate about a constant.

    The constant is 0 for the mean, 1 for variances and standard deviations; `variance` and `std`
    are about it already, and biased; `factor` is n/(n - 1).
    """
    more = factor - 1.0
    if kind == MEAN:
        return mean, mean_squared
    if kind == BIASED_VARIANCE:
        return variance, variance_squared
    if kind == UNBIASED_VARIANCE:
        squares = factor * factor * variance_squared + more * (2.0 * factor * variance + more)
        return factor * variance + more, squares
    # (s - 1)^2 = (s^2 - 1) - 2 (s - 1), and s^2 is the variance.
    if kind == BIASED_STD:
        return std, variance - 2.0 * std
    root = np.sqrt(factor)
    unbiased = root * std + (root - 1.0)
    return unbiased, (factor * variance + more) - 2.0 * unbiased


@loop()
def moment_errors(
    kinds: Integers,
    populations: Floats,
    units: Floats,
    sizes: Integers,
    sums: Floats,
    accumulators: Floats,
    found: Floats,
) -> None:
    """Turn the sums over a block into A and Q of every moment estimator.

    Parameters
    ----------
    kinds, populations, units
        Code, population value about its constant, and unit of every estimator, shape (kinds,).
    sizes
        Batch sizes, the full size last, shape (sizes,).
    sums
        Sums of z and z^2 over all batches of a size, shape (sizes, 2, lanes).
    accumulators
        Sums over the batches, shape (sizes, 3, lanes).
    found
        Receives A and Q, shape (2, kinds, sizes - 1, 2 references, lanes).
    """
    full_size = sizes[-1]
    whole = np.empty((kinds.size, sums.shape[2]))
    for j in range(sizes.size - 1, -1, -1):
        n = sizes[j]
        count = full_size // n
        factor = n / max(n - 1.0, 1.0)
        for lane in range(sums.shape[2]):
            mean = sums[j, 0, lane] / (count * n)
            mean_squared = accumulators[j, MEAN_SQUARED, lane] / count
            # Batch variances add up to the mean square less the squares of the batch means.
            variance = (sums[j, 1, lane] / (count * n) - 1.0) - mean_squared
            variance_squared = accumulators[j, VARIANCE_SQUARED, lane] / count
            std = accumulators[j, STD, lane] / count
            if n == 1:  # a batch of one has no spread, whatever the divisor
                variance = np.nan
                std = np.nan
            for k in range(kinds.size):
                d, d_squared = deviation(
                    kinds[k], factor, mean, mean_squared, variance, variance_squared, std
                )
                if j == sizes.size - 1:
                    whole[k, lane] = d
                    continue
                for r in range(2):
                    against = whole[k, lane] if r == FULL_SET else populations[k]
                    error = d - against
                    square = d_squared + against * (against - 2.0 * d)
                    # A single batch has one error; near n = N it is far smaller than d, whose
                    # digits it lacks. Nor may rounding leave a mean square below the square of
                    # its mean.
                    if count == 1 or square < error * error:
                        square = error * error
                    found[0, k, j, r, lane] = units[k] * error
                    found[1, k, j, r, lane] = units[k] * units[k] * square
