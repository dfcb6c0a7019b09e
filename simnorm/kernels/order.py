"""Compiled loops: sorted batches by merging sorted halves, and order statistics off them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import loop

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
def linear_errors(
    rising: Floats,
    offsets: Integers,
    ranks: Integers,
    weights: Floats,
    references: Floats,
    found: Floats,
) -> None:
    """Take A and Q of linear combinations of order statistics off sorted batches.

    Parameters
    ----------
    rising
        Sorted batches, shape (lanes, k, n).
    offsets, ranks, weights
        Estimator e is the sum of ``weights[i] * x_(ranks[i])`` for i from ``offsets[e]`` to
        ``offsets[e + 1]``; ranks count from 0.
    references
        What the estimates are compared with, shape (estimators, 2, lanes).
    found
        Receives A and Q, shape (2, estimators, 2, lanes).
    """
    lanes, count, _ = rising.shape
    for lane in range(lanes):
        for e in range(offsets.size - 1):
            whole, population = references[e, 0, lane], references[e, 1, lane]
            sums = np.zeros(4)
            for batch in range(count):
                estimate = 0.0
                for i in range(offsets[e], offsets[e + 1]):
                    estimate += weights[i] * rising[lane, batch, ranks[i]]
                from_whole = estimate - whole
                from_population = estimate - population
                sums[0] += from_whole
                sums[1] += from_population
                sums[2] += from_whole * from_whole
                sums[3] += from_population * from_population
            for r in range(2):
                found[0, e, r, lane] = sums[r] / count
                found[1, e, r, lane] = sums[2 + r] / count
