"""A constant inside the root: what sqrt(v + epsilon) in place of s_B does to a normalized value.

With v = s_B^2 the output is (x - mean)/sqrt(v + epsilon), and its mean squared error follows from
two means, E[v/(v + epsilon)] = E output^2 and E[v/sqrt(v + epsilon)]/sigma = E[output z]. For
normal draws n v/sigma^2 is chi-square with n - 1 degrees of freedom, and what the rest of the full
set adds to N S^2/sigma^2 is chi-square with N - n, independent of it (Cochran). Integrals are
trapezoidal sums in the logarithm of chi, where these integrands are analytic and fall off at both
ends: halving the step doubles the digits (Trefethen and Weideman 2014).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.sampling import REPLACEMENT, SHUFFLE
from simnorm.theory.chances import (
    ASYMPTOTIC,
    EXACT,
    binomial,
    check_batch,
    coin_of,
    counts_of_column,
    spread_chance,
    spread_chance_of_column,
)
from simnorm.theory.enumeration import MOST_BATCHES, _batches
from simnorm.theory.finite import unbiased_moments
from simnorm.theory.scale import inverse_full_std, scale_ratio, scale_ratio_of_column
from simnorm.theory.values import Value

Floats = NDArray[np.float64]

# Where a density has fallen by exp(-REACH) its integral ends.
REACH = 46.0
# Largest step in log chi, and the part of the density's width that it may be.
LARGEST_STEP, PART_OF_WIDTH = 0.1, 0.5
# Of so many rows all pairs are looked at.
MOST_FOR_PAIRS = 2000


class Terms(NamedTuple):
    """Mean of the squared output, and of output times z-score."""

    square: Value
    product: Value


def epsilon_terms(law: Distribution, n: int, full_size: int | None, epsilon: float) -> Terms | None:
    """Return E[v/(v + epsilon)] and E[v/sqrt(v + epsilon)] over the sd of the reference.

    Parameters
    ----------
    law, n, full_size
        As for `scale_ratio`.
    epsilon
        At least 0, in the squared unit of the data.

    Returns
    -------
    Terms or None
        Exact for n = 1, the normal law and a coin; else to second order about E v, asymptotic,
        where the mean sd has an asymptotic value. None elsewhere.

    Examples
    --------
    A sd of 0.03 is mostly lost in Keras's 0.001, next to nothing in PyTorch's 0.00001.

    >>> from simnorm.distributions import distribution
    >>> small = distribution("normal(scale=0.03)")
    >>> [round(epsilon_terms(small, 1024, None, e).square ** 0.5, 3) for e in (1e-3, 1e-5)]
    [0.688, 0.994]
    """
    check_epsilon(epsilon)
    if n == 1:
        return Terms(Value(0.0, EXACT), Value(0.0, EXACT))
    ratio = scale_ratio(law, n, full_size)
    if epsilon == 0.0:
        return None if ratio is None else Terms(spread_chance(law, n), ratio)
    if not math.isfinite(law.std):
        return None
    relative = epsilon / law.variance
    if law.is_normal:
        return _normal_terms(n, full_size, relative)
    p = coin_of(law)
    if p is not None:
        return _coin_terms(p, n, full_size, relative)
    if ratio is None or ratio.kind == EXACT:
        return None
    return _delta_terms(n, full_size, relative, law.excess_kurtosis)


def check_epsilon(epsilon: float) -> None:
    """Refuse what is no epsilon."""
    if not 0.0 <= epsilon < math.inf:
        raise SimnormError("epsilon", epsilon, "a finite number from 0 is needed")


def log_chi_grid(df: int, finer: float = 1.0) -> tuple[Floats, Floats]:
    """Return nodes and weights for a mean over chi with df degrees of freedom.

    Examples
    --------
    >>> chi, weights = log_chi_grid(3)
    >>> round(float((weights * chi**2).sum()), 12)
    3.0
    """
    # With s = log(chi/sqrt(df)) the logarithm of the density is df (s - (exp(2s) - 1)/2), at most
    # -df s^2 on the right, and on the left s + 1/2 per degree of freedom.
    left = REACH / df + 0.5 if df < 100 else 1.5 * math.sqrt(REACH / df)
    right = math.sqrt(REACH / df)
    step = min(LARGEST_STEP, PART_OF_WIDTH / math.sqrt(2.0 * df)) / finer
    s = np.arange(-math.ceil(left / step), math.ceil(right / step) + 1) * step
    logs = df * (s - 0.5 * np.expm1(2.0 * s))
    keep = logs > -REACH
    weights = np.exp(logs[keep])
    return np.exp(s[keep]) * math.sqrt(df), weights / weights.sum()


@functools.lru_cache(maxsize=512)
def _normal_terms(n: int, full: int | None, epsilon: float) -> Terms:
    """Return the terms of n normal draws with sigma = 1."""
    chi, weights = log_chi_grid(n - 1)
    squares = chi * chi
    square = float((weights * squares / (squares + n * epsilon)).sum())
    # v/sqrt(v + epsilon) with v = chi^2/n.
    own = squares / np.sqrt(n * (squares + n * epsilon))
    if full is None:
        product = own
    elif full == n:
        product = own * math.sqrt(n) / chi
    else:
        other, others = log_chi_grid(full - n)
        inverse = math.sqrt(full) / np.hypot(chi[:, np.newaxis], other)
        product = own * (inverse @ others)
    return Terms(Value(square, EXACT), Value(float((weights * product).sum()), EXACT))


def _coin_terms(p: float, n: int, full: int | None, epsilon: float) -> Terms:
    counts, unit = binomial(n, p), p * (1.0 - p)
    v = counts.values * (n - counts.values) / (n * n)
    inverse: float | Floats = 1.0 / math.sqrt(unit)
    if full == n:
        inverse = np.divide(1.0, np.sqrt(v), out=np.zeros_like(v), where=v > 0.0)
    elif full is not None:
        inverse = inverse_full_std(p, n, full)
    return _means(v, counts.chances, epsilon * unit, inverse)


def _means(v: Floats, chances: Floats, epsilon: float, inverse: float | Floats) -> Terms:
    square = float((chances * v / (v + epsilon)).sum())
    product = float((chances * v / np.sqrt(v + epsilon) * inverse).sum())
    return Terms(Value(square, EXACT), Value(product, EXACT))


def _second_order(mean: float, variance: float, epsilon: float) -> tuple[float, float, float]:
    """Return E f(v) for f = v/(v + e) and g = v/sqrt(v + e) to second order, and E v g'(E v)."""
    root = mean + epsilon
    square = mean / root - epsilon * variance / root**3
    product = mean / math.sqrt(root) - (mean + 4.0 * epsilon) * variance / (8.0 * root**2.5)
    return square, product, mean * (mean + 2.0 * epsilon) / (2.0 * root**1.5)


def _delta_terms(n: int, full: int | None, epsilon: float, g2: float) -> Terms:
    """Return the terms of a law with sigma = 1 to second order."""
    mean = (n - 1.0) / n
    spread = g2 / n + 2.0 / (n - 1.0)
    square, product, slope = _second_order(mean, mean * mean * spread, epsilon)
    if full is not None:
        # 1/S about its own mean: the variance of S^2 is also its covariance with that of a batch.
        whole = g2 / full + 2.0 / (full - 1.0)
        product += (0.375 * product - 0.5 * slope) * whole
        product *= math.sqrt(full / (full - 1.0))
    return Terms(Value(square, ASYMPTOTIC), Value(product, ASYMPTOTIC))


def epsilon_terms_of_column(
    column: Column, n: int, sampling: str, epsilon: float, *, exact: bool = False
) -> Terms | None:
    """Return E[v/(v + epsilon)] and E[v/sqrt(v + epsilon)]/S for batches of a column.

    Parameters
    ----------
    column, n, sampling, exact
        As for `scale_ratio_of_column`.
    epsilon
        At least 0, in the squared unit of the data.

    Returns
    -------
    Terms or None
        Exact for n = 1, n = 2 where N is at most 2,000, n = N - 1 and n = N (``shuffle``), and for
        two different values; by looking at all batches where `exact` is set and there are few
        enough; else to second order where n is large enough. None for a constant column.

    Examples
    --------
    All three pairs of 0, 1 and 5 have a variance: 0.25, 4 and 6.25.

    >>> column = Column("x", np.array([0.0, 1.0, 5.0]))
    >>> terms = epsilon_terms_of_column(column, 2, "shuffle", 1.0)
    >>> round(3 * terms.square, 9), round(0.2 + 0.8 + 6.25 / 7.25, 9)
    (1.862068966, 1.862068966)
    """
    check_batch(column, n, sampling)
    check_epsilon(epsilon)
    if column.is_constant:
        return None
    if n == 1:
        return Terms(Value(0.0, EXACT), Value(0.0, EXACT))
    ratio = scale_ratio_of_column(column, n, sampling, exact=exact)
    if epsilon == 0.0:
        chance = spread_chance_of_column(column, n, sampling)
        return None if ratio is None else Terms(chance, ratio)
    relative = epsilon / column.variance
    if sampling == SHUFFLE and n == column.size:
        return _means(np.ones(1), np.ones(1), relative, 1.0)
    counts = counts_of_column(column, n, sampling)
    if counts is not None:
        q = column.counts / column.size
        v = counts.values * (n - counts.values) / (n * n * q[0] * q[1])
        return _means(v, counts.chances, relative, 1.0)
    few = _of_few(column, n, sampling)
    if few is not None:
        return _means(*few, relative, 1.0)
    if exact and (found := _enumerated(column, n, sampling, relative)) is not None:
        return found
    if ratio is None or ratio.kind == EXACT:
        return None
    mean, spread = unbiased_moments(n, column, replaced=sampling == REPLACEMENT)
    a = (n - 1.0) / n
    square, product, _ = _second_order(a * mean, a * a * spread, relative)
    return Terms(Value(square, ASYMPTOTIC), Value(product, ASYMPTOTIC))


def _of_few(column: Column, n: int, sampling: str) -> tuple[Floats, Floats] | None:
    """Return the variances of all batches with their chances where few rows decide, for M2 = 1."""
    N, z = column.size, column.scores
    if n == 2 and N <= MOST_FOR_PAIRS:
        # A row with itself has no variance, and adds nothing.
        low, high = np.triu_indices(N, 1)
        v = 0.25 * (z[high] - z[low]) ** 2
        pairs = N * (N if sampling == REPLACEMENT else N - 1) / 2.0
        return v, np.full(v.shape, 1.0 / pairs)
    if n == N - 1 and sampling == SHUFFLE:
        left = (N - z * z * (N / (N - 1.0))) / n
        return np.maximum(left, 0.0), np.full(N, 1.0 / N)
    return None


def _enumerated(column: Column, n: int, sampling: str, epsilon: float) -> Terms | None:
    found = mean_over_batches(
        column, n, sampling, lambda v: np.stack([v / (v + epsilon), v / np.sqrt(v + epsilon)])
    )
    return None if found is None else Terms(*(Value(float(x), EXACT) for x in found))


def mean_over_batches(
    column: Column, n: int, sampling: str, function: Callable[[Floats], Floats]
) -> Floats | None:
    """Return the mean of functions of a batch's biased variance over all batches, for M2 = 1.

    Parameters
    ----------
    column, n, sampling
        The column, in units of its sd, and its batches.
    function
        Of variances, shape (batches,), with values of shape (functions, batches).

    Returns
    -------
    NDArray or None
        None if there are more than 100,000 batches.
    """
    N, replaced = column.size, sampling == REPLACEMENT
    if math.comb(N + n - 1 if replaced else N, n) > MOST_BATCHES:
        return None
    total, sums = 0.0, np.zeros(1)
    for rows, weights in _batches(N, n, replaced=replaced):
        found = column.standardized[rows]
        v = found.var(axis=-1)
        # Equal values have no variance, not even by rounding.
        v[found.min(axis=-1) == found.max(axis=-1)] = 0.0
        total += float(weights.sum())
        sums = sums + function(v) @ weights
    return np.asarray(sums / total)
