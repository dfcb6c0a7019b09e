"""What is rare when the rows of a column are shuffled: large values that meet, or are left out.

Every order of the rows holds every value, so a run on data has none of the surprises that draws of
a law with heavy tails have. What chance decides is which values share a batch, and which ones are
left over at the end where n does not divide N. For most values there are many of these events in a
run. For two extreme ones it is a single event in N/n replications, and a run that has not met it
does not know of it, nor does its standard error.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.estimators import BiasedVariance, Estimator, Mean, RankSum, Std, TrimmedMean
from simnorm.theory.finite_order import rank_law

Floats = NDArray[np.float64]

# Fourth powers leave nothing of all but the largest values.
LARGEST = 64
# Relative to the largest, what is next to nothing.
ROUNDING = 1e-10


class Fourth(NamedTuple):
    """Fourth cumulants that rare events of one replication give.

    Of A, of Q, and of the mean of (e - bias)^2, which a variance is made of; for errors in `unit`.
    """

    mean_error: float
    mean_square: float
    centred_square: float
    unit: float


def differing(values: Floats) -> NDArray[np.int64]:
    """Return how many numbers of every row differ from the one that more than half of them are.

    Parameters
    ----------
    values
        Of every replication, shape (cells, replications).

    Returns
    -------
    NDArray
        One count for every cell; at least half of the numbers where no number is so common.

    Examples
    --------
    >>> differing(np.array([[2.0, 2.0, 7.0, 2.0], [1.0, 2.0, 3.0, 4.0]]))
    array([1, 4])
    """
    # Undefined moments make NaN and overflow here; their rows say so for themselves.
    with np.errstate(invalid="ignore", over="ignore"):
        common = np.median(values, axis=-1, keepdims=True)
        size = np.abs(values).max(axis=-1, keepdims=True)
        # What is the same but for rounding.
        alike = np.abs(values - common) <= ROUNDING * size
    return np.asarray(np.count_nonzero(~alike, axis=-1))


def fourth_cumulants(kind: Estimator, n: int, column: Column, bias: float) -> Fourth | None:
    """Return the fourth cumulants under ``shuffle`` that large values give.

    The error of a batch of typical rows is compared with that of one that holds one of the
    outermost values, or two. In every order each of them is in some batch: that is no chance. What
    is, is that two meet, with probability (n - 1)/(N - 1), which changes the sum over batches by
    the second difference, and that one is left out, with (N mod n)/N. Events are taken as
    independent; a fourth cumulant is the sum of their chances times the fourth powers of what they
    change.

    Parameters
    ----------
    kind, n
        Estimator and batch size.
    column
        The column, not constant.
    bias
        The estimator's bias, in the unit of the data; it need not be exact.

    Returns
    -------
    Fourth or None
        None for estimators that are neither made of moments nor of a few order statistics.
    """
    errors = _errors_with(kind, n, column) if n > 1 else None
    if errors is None:
        return None
    unit = column.unit**kind.power
    typical, alone, together = errors
    i, j = _pairs(len(alone))
    N = column.size
    batches, meeting, leaving = N // n, (n - 1.0) / (N - 1.0), (N % n) / N
    found = []
    for power, centre in ((1, 0.0), (2, 0.0), (2, bias / unit)):
        none, one = (typical - centre) ** power, (alone - centre) ** power
        meet = (together - centre) ** power - one[i] - one[j] + none
        found.append(meeting * _fourth(meet / batches) + leaving * _fourth((one - none) / batches))
    return Fourth(found[0], found[1], found[2], unit)


def squared_mean_kurtosis(moments: Mapping[int, float], n: int) -> float:
    """Return the excess kurtosis of the square of a mean of n independent draws, less their mean.

    By the cumulants of the mean, which are those of a draw over n^(k-1) (Kendall, ch. 3).
    It is 12 for a normal mean.

    Parameters
    ----------
    moments
        Central moments of a draw, the second to the eighth.
    n
        How many draws a mean is of.

    Examples
    --------
    >>> from simnorm.columns import power_means
    >>> round(squared_mean_kurtosis(power_means(np.array([-1.0, 1.0])), 10**6), 3)
    12.0
    """
    # The seventh cumulant meets only the first, which is 0.
    m2, m3, m4, m5, m6, m8 = (moments[k] for k in (2, 3, 4, 5, 6, 8))
    cumulants = {
        2: m2,
        3: m3,
        4: m4 - 3 * m2**2,
        5: m5 - 10 * m3 * m2,
        6: m6 - 15 * m4 * m2 - 10 * m3**2 + 30 * m2**3,
        8: m8
        - 28 * m6 * m2
        - 56 * m5 * m3
        - 35 * m4**2
        + 420 * m4 * m2**2
        + 560 * m3**2 * m2
        - 630 * m2**4,
    }
    k2, k3, k4, k5, k6, k8 = (value / float(n) ** (k - 1) for k, value in cumulants.items())
    second = k2
    fourth = k4 + 3 * k2**2
    sixth = k6 + 15 * k4 * k2 + 10 * k3**2 + 15 * k2**3
    eighth = k8 + 28 * k6 * k2 + 56 * k5 * k3 + 35 * k4**2 + 210 * k4 * k2**2
    eighth += 280 * k3**2 * k2 + 105 * k2**4
    spread = fourth - second**2
    if not spread > 0.0:
        return 0.0
    return (eighth - 4 * sixth * second + 6 * fourth * second**2 - 3 * second**4) / spread**2 - 3.0


# Errors of a batch of typical rows, with one of the outermost values, and with each pair of them.
Errors = tuple[float, Floats, Floats]


def _errors_with(kind: Estimator, n: int, column: Column) -> Errors | None:
    """Return errors in the column's unit, None for kinds that nothing is known of."""
    z = column.outermost(LARGEST)
    i, j = _pairs(len(z))
    if isinstance(kind, Mean) or (isinstance(kind, TrimmedMean) and kind.cut(n) == 0):
        return 0.0, z / n, (z[i] + z[j]) / n
    if isinstance(kind, BiasedVariance | Std):
        return _spreads_with(kind, n, column, z)
    return _ranks_with(kind, n, column, z) if isinstance(kind, RankSum) else None


def _spreads_with(kind: BiasedVariance | Std, n: int, column: Column, z: Floats) -> Errors:
    """Return errors of variances and standard deviations."""
    i, j = _pairs(len(z))
    N = column.size
    # Typical rows vary as all but the outermost do.
    outer = max(1, N // 50)
    inner = column.scores[outer:-outer]
    rest = float(np.square(inner).mean()) if inner.size else 1.0
    square = z * z * ((n - 1.0) / n / n)
    variances = (
        np.array(rest * (n - 1.0) / n),
        rest * (n - 1.0) ** 2 / n**2 + square,
        rest * (n - 2.0) * (n - 1.0) / n**2 + square[i] + square[j] - z[i] * z[j] * (2.0 / n / n),
    )
    a, c = n / (n - kind.ddof), N / (N - kind.ddof)
    if isinstance(kind, Std):
        errors = [np.sqrt(np.maximum(a * v, 0.0)) - np.sqrt(c) for v in variances]
    else:
        errors = [a * v - c for v in variances]
    return float(errors[0]), errors[1], errors[2]


def _ranks_with(kind: RankSum, n: int, column: Column, z: Floats) -> Errors:
    """Return errors of sums of order statistics: one or two outer values take the outer ranks."""
    i, j = _pairs(len(z))
    N, scores = column.size, column.scores
    low, high = np.minimum(z[i], z[j]), np.maximum(z[i], z[j])
    middle = float(np.median(scores))
    typical = -sum(weight * float(scores[rank - 1]) for rank, weight in kind.weights(N))
    alone, together = np.full(len(z), typical), np.full(len(i), typical)
    for rank, weight in kind.weights(n):
        t = float(rank_law(rank, n, N, replaced=False) @ scores)
        one, two = np.full(len(z), t), np.full(len(i), t)
        if rank == n:
            one = np.where(z >= middle, np.maximum(z, t), one)
            two = np.where(high >= middle, np.maximum(high, t), two)
        if rank == 1:
            one = np.where(z < middle, np.minimum(z, t), one)
            two = np.where(low < middle, np.minimum(low, t), two)
        if rank == n - 1:
            two = np.where(low >= middle, np.maximum(low, t), two)
        if rank == 2:
            two = np.where(high < middle, np.minimum(high, t), two)
        typical, alone, together = (
            typical + weight * t,
            alone + weight * one,
            together + weight * two,
        )
    return typical, alone, together


@functools.lru_cache(maxsize=8)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(count, 1)


def _fourth(values: Floats) -> float:
    squares = values * values
    return float((squares * squares).sum())
