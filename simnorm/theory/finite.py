"""Exact values for a finite set: a column of data that batches are drawn from.

Everything is about the very numbers of the column, without a law behind them. A batch of n rows
is a simple random sample: without replacement (``shuffle``, whatever the place of the batch in the
epoch) or with. M2, M3, M4 are the column's central moments with divisor N; K2, K4 and K22 its
k-statistics and polykay, whose means over all subsets are what they are in the whole (Tukey 1950):

    K2  = N M2 / (N - 1)
    K4  = N^2 ((N + 1) M4 - 3 (N - 1) M2^2) / ((N - 1)(N - 2)(N - 3))
    K22 = N ((N^2 - 3N + 3) M2^2 - (N - 1) M4) / ((N - 1)(N - 2)(N - 3))

Without replacement every formula is that of independent draws with 1/n - 1/N for 1/n, 1/(n-1) -
1/(N-1) for 1/(n-1), and these for the cumulants; with replacement it is that of independent draws
with M2, M3, M4 for the moments.
"""

from __future__ import annotations

import math

import numpy as np

from simnorm.columns import Column
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    RankSum,
    Shape,
    Std,
    UnbiasedVariance,
)
from simnorm.sampling import REPLACEMENT, SHUFFLE
from simnorm.theory.finite_order import order_moments
from simnorm.theory.moments import (
    FEWEST_FOR_DELTA,
    LARGEST_DELTA_KURTOSIS,
    LARGEST_DELTA_SPREAD,
    Pair,
)
from simnorm.theory.values import Value, values_of_pair

# With fewer rows there is no K4: all subsets are looked at instead.
FEWEST_FOR_K4 = 4


def finite_values(
    kind: Estimator, n: int, column: Column, sampling: str = SHUFFLE
) -> dict[str, Value]:
    """Return the exact values of one batch's error against the same estimator on the column.

    Parameters
    ----------
    kind, n
        Estimator and batch size; n may exceed N with replacement.
    column
        The finite set.
    sampling
        ``shuffle`` or ``replacement``; other schemes have no theory.

    Returns
    -------
    dict
        Values by measure; empty where nothing is known. Means, both variances and sums of order
        statistics are exact (but the interquartile range with replacement, which has none);
        standard deviations are for n = 2 and n = N - 1, otherwise first-order approximations that
        are given where n is large enough.

    Examples
    --------
    All three pairs of 0, 1 and 5 have the means 0.5, 2.5 and 3; the mean of all is 2.

    >>> column = Column("x", np.array([0.0, 1.0, 5.0]))
    >>> round(finite_values(Mean(), 2, column)["mse"], 6)
    1.166667
    >>> (1.5**2 + 0.5**2 + 1.0**2) / 3
    1.1666666666666667
    """
    pair = finite_pair(kind, n, column, sampling)
    return {} if pair is None else values_of_pair(pair)


def finite_pair(kind: Estimator, n: int, column: Column, sampling: str) -> Pair | None:
    """Return bias and variance of one batch's error, in units of the data."""
    if sampling not in (SHUFFLE, REPLACEMENT) or n < kind.smallest_batch:
        return None
    if column.is_constant and isinstance(kind, Shape):
        return None  # nor has the whole column a value
    if sampling == SHUFFLE and n >= column.size:
        # In another order the same rows are another batch to a function that minds it.
        same = n == column.size and column.is_symmetric(kind)
        return Pair(0.0, 0.0) if same else None
    if column.is_constant:
        return Pair(0.0, 0.0) if isinstance(kind, Mean | BiasedVariance | Std | RankSum) else None
    unit = column.std**kind.power
    pair = _unit_pair(kind, n, column, replaced=sampling == REPLACEMENT)
    if pair is None:
        return None
    return Pair(pair.bias * unit, pair.variance * unit * unit, pair.kind)


def _unit_pair(kind: Estimator, n: int, column: Column, *, replaced: bool) -> Pair | None:
    """Return bias and variance for a column with M2 = 1."""
    N = column.size
    if isinstance(kind, Mean):
        return Pair(0.0, 1.0 / n if replaced else N / (N - 1.0) * _gap(n, N))
    if isinstance(kind, BiasedVariance):
        mean, spread = unbiased_moments(n, column, replaced=replaced)
        whole = N / (N - 1.0) if kind.ddof else 1.0
        factor = 1.0 if isinstance(kind, UnbiasedVariance) else (n - 1.0) / n
        bias = factor * mean - whole
        if not replaced:
            # E vB - M2 = -(N - n)/(n (N - 1)) M2, which is lost in a difference for n next to N.
            bias = 0.0 if kind.ddof else -(N - n) / (n * (N - 1.0))
        return Pair(bias, factor * factor * spread)
    if isinstance(kind, Std):
        return _std_pair(kind, n, column, replaced=replaced)
    if isinstance(kind, RankSum):
        moments = order_moments(kind, n, column, replaced=replaced)
        if moments is None:
            return None
        bias, square = moments
        return Pair(bias, max(square - bias * bias, 0.0))
    return None


def _gap(n: int, N: int) -> float:
    return (N - n) / (n * float(N))


def unbiased_moments(n: int, column: Column, *, replaced: bool) -> tuple[float, float]:
    """Return mean and variance of a batch's unbiased variance, for a column with M2 = 1.

    Without replacement K4 (1/n - 1/N) + 2 K22 (1/(n-1) - 1/(N-1)), with it M4/n - (n-3)/(n (n-1)).
    """
    N, m4 = column.size, column.moments[4]
    if replaced:
        return 1.0, m4 / n - (n - 3.0) / (n * (n - 1.0))
    K2 = N / (N - 1.0)
    if N < FEWEST_FOR_K4:
        values = column.standardized
        found = np.array([(a - b) ** 2 / 2.0 for i, a in enumerate(values) for b in values[:i]])
        return K2, float(((found - K2) ** 2).mean())
    below = (N - 1.0) * (N - 2.0) * (N - 3.0)
    K4 = N * N * ((N + 1.0) * m4 - 3.0 * (N - 1.0)) / below
    K22 = N * ((N * N - 3.0 * N + 3.0) - (N - 1.0) * m4) / below
    return K2, K4 * _gap(n, N) + 2.0 * K22 * (N - n) / ((n - 1.0) * (N - 1.0))


def _std_pair(kind: Std, n: int, column: Column, *, replaced: bool) -> Pair | None:
    """Return the standard deviation's, exactly where few numbers decide it."""
    N = column.size
    whole = math.sqrt(N / (N - 1.0)) if kind.ddof else 1.0
    if n == 2:
        return _pairs_of_rows(kind.ddof, column, whole, replaced=replaced)
    if n == N - 1 and not replaced:
        # Leaving out z takes z^2 N/(N-1) off the sum of squares, N.
        left = N - column.standardized**2 * (N / (N - 1.0))
        errors = np.sqrt(np.maximum(left, 0.0) / (n - kind.ddof)) - whole
        return Pair(float(errors.mean()), float(errors.var()))
    _, spread = unbiased_moments(n, column, replaced=replaced)
    K2 = 1.0 if replaced else N / (N - 1.0)
    relative = spread / (K2 * K2)
    if not _delta_holds(n, relative, column):
        return None
    alpha = math.sqrt(K2 * ((n - 1.0) / n if kind.ddof == 0 else 1.0))
    mean = alpha * (1.0 - relative / 8.0)
    return Pair(mean - whole, alpha * alpha * relative / 4.0, "asymptotic")


def _pairs_of_rows(ddof: int, column: Column, whole: float, *, replaced: bool) -> Pair:
    """Return the moments of |x - y|/2 over all pairs of rows, or times sqrt(2) for ddof = 1."""
    N = column.size
    rising = column.scores
    # The sum of |x - y| over pairs: every value is the larger of `rank` pairs.
    distance = float((rising * (2.0 * np.arange(N) - N + 1.0)).sum()) * 2.0
    count = N * float(N) if replaced else N * (N - 1.0)
    scale = math.sqrt(0.5) if ddof else 0.5
    mean = scale * distance / count
    square = scale * scale * 2.0 * N * N / count
    return Pair(mean - whole, max(square - mean * mean, 0.0))


def _delta_holds(n: int, relative: float, column: Column) -> bool:
    """Return whether the delta method is near; limits as for laws."""
    for kurtosis, fewest in FEWEST_FOR_DELTA:
        if column.excess_kurtosis < kurtosis and n < fewest:
            return False
    small = relative <= LARGEST_DELTA_SPREAD
    # A sample that is nearly the whole is nearly normal only if what is left out is.
    lesser = min(n, max(column.size - n, 1))
    return small and column.squares_kurtosis <= LARGEST_DELTA_KURTOSIS * lesser


def finite_covariance(n: int, column: Column, sampling: str = SHUFFLE) -> float:
    """Return the covariance of the errors of mean and unbiased variance.

    K3 (1/n - 1/N) without replacement, M3/n with; K3 = N^2 M3/((N-1)(N-2)).
    """
    N = column.size
    third = 0.0 if column.is_constant else column.moments[3] * column.std**3
    if sampling == REPLACEMENT:
        return third / n
    if N < 3 or n == N:
        return 0.0
    return N * N * third / ((N - 1.0) * (N - 2.0)) * _gap(n, N)
