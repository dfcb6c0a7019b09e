"""What the user's data are like: facts of every column, and curves that need the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.khat import pareto_khat
from simnorm.sampling import cut

Floats = NDArray[np.float64]

# One row per column of the data, with the type each is read back as.
COLUMNS_SCHEMA: dict[str, type] = {
    "column": str,
    "rows": int,
    "distinct": int,
    "ties": float,
    "kind": str,
    "mean": float,
    "std": float,
    "min": float,
    "median": float,
    "max": float,
    "skewness": float,
    "excess_kurtosis": float,
    "tail_index": float,
    "n_own_10": float,
    "n_own_5": float,
    "n_fresh_10": float,
    "n_fresh_5": float,
    "fresh_reliable": int,
}
TARGETS = {"10": 0.10, "5": 0.05}

# The standard error of a variance needs eight moments, that of fresh data too.
LIGHT_TAIL = 8.0
# With fewer rows nothing can be said of a tail.
FEWEST_FOR_TAIL = 50
BINS = 30


def column_facts(column: Column) -> dict[str, Any]:
    """Return the row of a column in the table of columns.

    Examples
    --------
    >>> facts = column_facts(Column("x", np.array([1.0, 2.0, 2.0, 7.0])))
    >>> facts["distinct"], facts["ties"], facts["kind"]
    (3, 0.5, '')
    """
    counts = column.counts
    index = tail_index(column)
    kind = "constant" if column.is_constant else ""
    own = {key: own_size(column, target) for key, target in TARGETS.items()}
    fresh = {key: fresh_size(column, target) for key, target in TARGETS.items()}
    return {
        "column": column.name,
        "rows": column.size,
        "distinct": len(counts),
        "ties": float(counts[counts > 1].sum()) / column.size,
        "kind": "nearly constant" if column.is_nearly_constant else kind,
        "mean": column.mean,
        "std": column.std,
        "min": float(column.rising[0]),
        "median": float(np.median(column.rising)),
        "max": float(column.rising[-1]),
        "skewness": column.skewness,
        "excess_kurtosis": column.excess_kurtosis,
        "tail_index": index,
        **{f"n_own_{key}": size for key, size in own.items()},
        **{f"n_fresh_{key}": size for key, size in fresh.items()},
        "fresh_reliable": int(index >= LIGHT_TAIL),
    }


def tail_index(column: Column) -> float:
    """Return about the number of moments of the law behind a column: 1 over its Pareto k-hat.

    Infinite for light tails; NaN where ties or too few rows hide the tail.
    """
    if column.size < FEWEST_FOR_TAIL or column.is_constant:
        return math.nan
    khat = float(pareto_khat(column.standardized))
    if math.isnan(khat):
        return math.nan
    return 1.0 / khat if khat > 0.0 else math.inf


def _k_statistics(column: Column) -> tuple[float, float]:
    """Return K4 / K2^2 and K22 / K2^2, NaN for fewer than four rows."""
    N = column.size
    if N < 4 or column.is_constant:
        return math.nan, math.nan
    m4 = column.moments[4]
    ratio = ((N - 1.0) / N) ** 2  # M2^2 / K2^2
    below = (N - 1.0) * (N - 2.0) * (N - 3.0)
    fourth = N * N * ((N + 1.0) * m4 - 3.0 * (N - 1.0)) / below
    mixed = N * ((N * N - 3.0 * N + 3.0) - (N - 1.0) * m4) / below
    return fourth * ratio, mixed * ratio


def own_size(column: Column, target: float) -> float:
    """Return the smallest batch whose variance is that of the column up to a relative RMSE.

    For the unbiased variance of a batch drawn without replacement, whose variance is
    K4 (1/n - 1/N) + 2 K22 (1/(n-1) - 1/(N-1)): K4 and K22 are the file's own.

    Examples
    --------
    >>> own_size(Column("x", np.arange(100.0)), 0.10)
    46.0
    """
    fourth, mixed = _k_statistics(column)
    if math.isnan(fourth):
        return math.nan
    N = column.size
    low, high = 1, N
    while high - low > 1:
        n = (low + high) // 2
        variance = fourth * (1.0 / n - 1.0 / N)
        variance += 2.0 * mixed * (1.0 / (n - 1.0) - 1.0 / (N - 1.0)) if n > 1 else math.inf
        low, high = (low, n) if variance <= target * target else (n, high)
    return float(high)


def fresh_size(column: Column, target: float) -> float:
    """Return the smallest batch of fresh data whose variance is near the source's own.

    By the formula for independent draws, Var(s^2)/sigma^4 = g2/n + 2/(n-1), with the excess
    kurtosis K4/K2^2 of the file in place of the unknown g2, but at least -2, below which no law's
    is. It may be larger than the file.
    """
    g2, _ = _k_statistics(column)
    if math.isnan(g2):
        return math.nan
    g2 = max(g2, -2.0)
    square = target * target
    half = square + g2 + 2.0
    root = math.sqrt(max(half * half - 4.0 * square * g2, 0.0))
    return float(math.ceil((half + root) / (2.0 * square)))


def intraclass_correlation(values: Floats, sizes: Sequence[int] | NDArray[np.int64]) -> float:
    """Return the intraclass correlation of rows that stand group by group (one-way ANOVA).

    Parameters
    ----------
    values
        Rows in the order of their groups, shape (N,).
    sizes
        How many rows every group has.

    Returns
    -------
    float
        (MSB - MSW) / (MSB + (g0 - 1) MSW), g0 the size of groups corrected for their spread;
        NaN with fewer than two groups or no spread at all.

    Examples
    --------
    Within groups all rows are alike.

    >>> intraclass_correlation(np.array([1.0, 1.0, 5.0, 5.0]), [2, 2])
    1.0
    """
    counts = np.asarray(sizes, dtype=np.float64)
    rows, groups = counts.sum(), len(counts)
    if groups < 2 or rows <= groups:
        return math.nan
    ends = np.cumsum(counts).astype(np.int64)
    starts = ends - counts.astype(np.int64)
    centred = values - values.mean()
    means = np.add.reduceat(centred, starts) / counts
    inside = centred - np.repeat(means, counts.astype(np.int64))
    between = float((counts * means * means).sum()) / (groups - 1)
    within = float((inside * inside).sum()) / (rows - groups)
    typical = (rows - float((counts * counts).sum()) / rows) / (groups - 1)
    total = between + (typical - 1.0) * within
    return float((between - within) / total) if total > 0.0 else math.nan


def batch_correlations(column: Column, sizes: Sequence[int]) -> list[tuple[int, float]]:
    """Return batch sizes with the intraclass correlation of batches in file order."""
    found = []
    for n in sizes:
        if 2 <= n <= column.size // 2:
            rows = cut(column.values, n)
            found.append((n, intraclass_correlation(rows.ravel(), [n] * len(rows))))
    return found


def group_correlation(column: Column, codes: NDArray[np.int64]) -> float:
    """Return the intraclass correlation of a column's groups."""
    order = np.argsort(codes, kind="stable")
    return intraclass_correlation(column.values[order], np.bincount(codes))


def histogram(column: Column) -> tuple[Floats, Floats]:
    """Return the edges of bins between the column's ends, and counts; the last count is NaN.

    With as few distinct values as bins or fewer, each value has a bin of its own where they are
    evenly spaced.
    """
    low, high = float(column.rising[0]), float(column.rising[-1])
    values = column.standardized
    ends = (float(values.min()), float(values.max()))
    if column.is_constant:
        return np.array([low, high]), np.array([float(column.size), np.nan])
    counts, edges = np.histogram(values, bins=BINS, range=ends)
    places = low + (edges - ends[0]) * ((high - low) / (ends[1] - ends[0]))
    return places, np.append(counts.astype(np.float64), np.nan)
