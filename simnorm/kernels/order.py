"""Compiled loops: sorted batches by merging sorted halves, and order statistics off them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import loop, summing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@loop()
def sort_pairs(values: Floats, used: int) -> None:
    """Sort the batches of two among the first `used` values of every lane, shape (lanes, N)."""
    for lane in range(values.shape[0]):
        row = values[lane]
        for i in range(0, used, 2):
            a, b = row[i], row[i + 1]
            row[i] = min(a, b)
            row[i + 1] = max(a, b)


@loop()
def merge_halves(source: Floats, target: Floats, half: int, used: int) -> None:
    """Merge neighbouring sorted runs of `half` values; both arrays of shape (lanes, N).

    From both ends at once, half of the steps each: neither end can run out of a run, so no step
    branches, and the two chains of steps overlap in the processor.
    """
    for lane in range(source.shape[0]):
        values, merged = source[lane], target[lane]
        for start in range(0, used, 2 * half):
            i, j = start, start + half
            p, q = start + half - 1, start + 2 * half - 1
            for k in range(half):
                a, b = values[i], values[j]
                left = a <= b
                merged[start + k] = a if left else b
                i += left
                j += not left
                c, d = values[p], values[q]
                right = d >= c
                merged[start + 2 * half - 1 - k] = d if right else c
                q -= right
                p -= not right


@loop()
def rank_sums(
    rising: Floats, offsets: Integers, ranks: Integers, weights: Floats, estimates: Floats
) -> None:
    """Read weighted sums of order statistics off sorted batches.

    Parameters
    ----------
    rising
        Sorted batches, shape (lanes, k, n).
    offsets, ranks, weights
        Estimator e is the sum of ``weights[i] * x_(ranks[i])`` for i from ``offsets[e]`` to
        ``offsets[e + 1]``; ranks count from 0.
    estimates
        Receives the estimates, shape (estimators, lanes, k).
    """
    for e in range(offsets.size - 1):
        for lane in range(rising.shape[0]):
            for batch in range(rising.shape[1]):
                total = 0.0
                for i in range(offsets[e], offsets[e + 1]):
                    total += weights[i] * rising[lane, batch, ranks[i]]
                estimates[e, lane, batch] = total


@summing()
def median_distances(rising: Floats, estimates: Floats) -> None:
    """Read the median absolute deviation off sorted batches, shape (lanes, k, n).

    The values nearest to the median stand side by side, so that the (r + 1)-th smallest distance
    is the smallest over j of max(m - x_j, x_(j + r) - m).
    """
    size = rising.shape[2]
    lower, upper = (size - 1) // 2, size // 2
    for lane in range(rising.shape[0]):
        for batch in range(rising.shape[1]):
            values = rising[lane, batch]
            middle = 0.5 * (values[lower] + values[upper])
            near = np.inf
            for j in range(size - lower):
                below, above = middle - values[j], values[j + lower] - middle
                distance = below if below > above else above
                near = distance if distance < near else near
            far = near
            if upper > lower:
                far = np.inf
                for j in range(size - upper):
                    below, above = middle - values[j], values[j + upper] - middle
                    distance = below if below > above else above
                    far = distance if distance < far else far
            estimates[lane, batch] = 0.5 * (near + far)


@summing()
def trimmed_means(rising: Floats, cut: int, estimates: Floats) -> None:
    """Take the mean of sorted batches, shape (lanes, k, n), without `cut` values on each side."""
    size = rising.shape[2]
    for lane in range(rising.shape[0]):
        for batch in range(rising.shape[1]):
            total = 0.0
            for i in range(cut, size - cut):
                total += rising[lane, batch, i]
            estimates[lane, batch] = total / (size - 2 * cut)


@summing()
def paired_errors(
    estimates: Floats, whole: Floats, population: float, mean: Floats, square: Floats
) -> None:
    """Take A and Q of estimates, shape (lanes, k), against both references.

    Parameters
    ----------
    estimates, whole, population
        Of the batches, of every lane's full set, and of the population.
    mean, square
        Receive A and Q, both of shape (2, lanes).
    """
    count = estimates.shape[1]
    for lane in range(estimates.shape[0]):
        a, b, aa, bb = 0.0, 0.0, 0.0, 0.0
        for batch in range(count):
            from_whole = estimates[lane, batch] - whole[lane]
            from_population = estimates[lane, batch] - population
            a += from_whole
            b += from_population
            aa += from_whole * from_whole
            bb += from_population * from_population
        mean[0, lane], mean[1, lane] = a / count, b / count
        square[0, lane], square[1, lane] = aa / count, bb / count
