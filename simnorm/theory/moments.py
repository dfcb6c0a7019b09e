"""Exact and asymptotic values for moments: means, variances, sds, normal shapes.

A batch of n observations is cut from a full set of N independent draws. Against the *population*
the classical formulas for n draws hold; against the *full set*, the same estimator on all N draws,
those below. V(m) = sigma^4 (g2/m + 2/(m - 1)) is the variance of the unbiased variance of m draws
and g2 the excess kurtosis (Kenney and Keeping 1951, p. 164; MathWorld, "Sample Variance
Distribution").
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from simnorm.distributions import Distribution
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    Shape,
    Skewness,
    Std,
    UnbiasedVariance,
)


class Law(NamedTuple):
    """What the formulas need of a law; without a `distribution`, moments are all there is."""

    sigma: float
    excess_kurtosis: float
    is_normal: bool
    # Of (x - mean)^2: how far a variance of n draws is from a normal law.
    squares_kurtosis: float = 0.0
    distribution: Distribution | None = None


class Pair(NamedTuple):
    """Bias and variance of a batch statistic's error, NaN where there is none."""

    bias: float
    variance: float
    kind: str = "exact"


# The delta method is shown only where the variance of s^2/sigma^2 is at most the first and its
# excess kurtosis, about that of (x - mean)^2 over n, at most the second: then it is off by some
# per cent at most (6 % for an exponential batch of 82), beyond by as much as several times.
LARGEST_DELTA_SPREAD = 0.1
LARGEST_DELTA_KURTOSIS = 3.0
# With a low excess kurtosis the first order nearly cancels, and the next one counts: for a fair
# coin the variance was half of the true one at n = 8, 4 % below at n = 32; for a coin of p = 0.3 a
# quarter below at n = 16.
FEWEST_FOR_DELTA = ((-0.5, 32), (-1.22, 64))


def log_c4(n: int) -> float:
    """Return the logarithm of c4(n) = E[s]/sigma of n normal draws, s with divisor n - 1.

    c4(n) = sqrt(2/(n - 1)) Gamma(n/2) / Gamma((n - 1)/2). Differences of log-gammas lose digits
    for large n, so from n = 40 on the asymptotic series in x = (n - 1)/2 takes over, which is
    then good to the last bit.

    Examples
    --------
    >>> round(math.exp(log_c4(2)), 5), round(math.exp(log_c4(1024)), 5)
    (0.79788, 0.99976)
    """
    x = (n - 1) / 2.0
    if n < 40:
        return math.lgamma(x + 0.5) - math.lgamma(x) - 0.5 * math.log(x)
    y = 1.0 / (x * x)
    series = 1 / 8 - y * (1 / 192 - y * (1 / 640 - y * (17 / 14336 - y * 31 / 18432)))
    return -series / x


def _spread_variance(m: int, g2: float) -> float:
    """Return V(m) for sigma = 1."""
    return g2 / m + 2.0 / (m - 1.0)


def _mean_pair(n: int, full: int | None) -> Pair:
    # Var(batch - full) = Var(n draws) - Var(N draws): the batch is a part of the full set.
    return Pair(0.0, 1.0 / n - (1.0 / full if full else 0.0))


def _unbiased_pair(n: int, full: int | None, g2: float) -> Pair:
    return Pair(0.0, _spread_variance(n, g2) - (_spread_variance(full, g2) if full else 0.0))


def _biased_pair(n: int, full: int | None, g2: float) -> Pair:
    a = (n - 1.0) / n
    if full is None:
        return Pair(-1.0 / n, a * a * _spread_variance(n, g2))
    # The error is a s^2 - c S^2 = a (s^2 - S^2) + (a - c) S^2, two uncorrelated
    # parts, with c = (N - 1)/N and so a - c = 1/N - 1/n.
    whole = _spread_variance(full, g2)
    between = (1.0 / full) - (1.0 / n)
    return Pair(between, a * a * (_spread_variance(n, g2) - whole) + between * between * whole)


def _normal_std_pair(n: int, full: int | None, ddof: int) -> Pair:
    """Return bias and variance of a normal sample's standard deviation.

    By Basu's theorem s/S is independent of S, so E[s S] = E[s]/E[S] E[S^2].
    """
    a = (n - 1.0) / n if ddof == 0 else 1.0
    mean = math.sqrt(a) * math.exp(log_c4(n))
    if full is None:
        return Pair(mean - 1.0, -math.expm1(2.0 * log_c4(n)) * a)
    c = (full - 1.0) / full if ddof == 0 else 1.0
    full_mean = math.sqrt(c) * math.exp(log_c4(full))
    bias = mean - full_mean
    # mse = a + c - 2 c b(n)/b(N) with b = mean, rearranged as a - c + 2 c (1 - b(n)/b(N)).
    # a/c = 1 + (n - N)/(n (N - 1)), written so that it keeps its digits for n next to N.
    stretch = math.log1p((n - full) / (n * (full - 1.0))) if ddof == 0 else 0.0
    ratio = 0.5 * stretch + log_c4(n) - log_c4(full)
    difference = (n - full) / (n * full) if ddof == 0 else 0.0
    mse = difference - 2.0 * c * math.expm1(ratio)
    return Pair(bias, mse - bias * bias)


def _delta_std_pair(n: int, full: int | None, ddof: int, g2: float) -> Pair:
    """Return the delta method's bias and variance of a standard deviation.

    With C(m) = V(m): E[s] ~ 1 - C/8 and Cov(s, S) ~ Var(S) ~ C(N)/4.
    """
    spread = _spread_variance(n, g2)
    alpha = math.sqrt((n - 1.0) / n) if ddof == 0 else 1.0
    mean = alpha * (1.0 - spread / 8.0)
    if full is None:
        return Pair(mean - 1.0, alpha * alpha * spread / 4.0, "asymptotic")
    whole = _spread_variance(full, g2)
    gamma = math.sqrt((full - 1.0) / full) if ddof == 0 else 1.0
    variance = alpha * alpha * spread + (gamma * gamma - 2.0 * alpha * gamma) * whole
    return Pair(mean - gamma * (1.0 - whole / 8.0), max(variance, 0.0) / 4.0, "asymptotic")


def _normal_shape_pair(kind: Shape, n: int, full: int | None) -> Pair:
    """Return bias and variance of a normal sample's skewness or excess kurtosis.

    The moments are Fisher's (1930). A statistic T of shape does not depend on mean and scale, and
    so, by Basu's theorem, not on the full set's either: with s and S the sds of divisor n and N,
    r = 3 for the skewness and 4 for the kurtosis,

        Cov(T_batch, T_full) = Var(T_batch) (n/N) E[s^r] / E[S^r].
    """
    is_skewness = isinstance(kind, Skewness)
    own = _skewness_moments(n) if is_skewness else _kurtosis_moments(n)
    if full is None:
        return Pair(float(own[0]), float(own[1]))
    whole = _skewness_moments(full) if is_skewness else _kurtosis_moments(full)
    share = Fraction(n, full)
    if is_skewness:
        # E[s^3] = E[s] for sigma = 1.
        stretch = 0.5 * math.log1p((n - full) / (n * (full - 1.0)))
        lost = -math.expm1(stretch + log_c4(n) - log_c4(full))
        rest = own[1] * (1 - 2 * share) + whole[1]
        variance = float(rest) + 2.0 * float(own[1] * share) * lost
    else:
        share *= Fraction((n * n - 1) * full * full, n * n * (full * full - 1))
        variance = float(own[1] * (1 - 2 * share) + whole[1])
    return Pair(float(own[0] - whole[0]), variance)


def _skewness_moments(n: int) -> tuple[Fraction, Fraction]:
    return Fraction(0), Fraction(6 * (n - 2), (n + 1) * (n + 3))


def _kurtosis_moments(n: int) -> tuple[Fraction, Fraction]:
    variance = Fraction(24 * n * (n - 2) * (n - 3), (n + 1) ** 2 * (n + 3) * (n + 5))
    return Fraction(-6, n + 1), variance


def _delta_holds(n: int, law: Law) -> bool:
    for kurtosis, fewest in FEWEST_FOR_DELTA:
        if law.excess_kurtosis < kurtosis and n < fewest:
            return False
    spread = _spread_variance(n, law.excess_kurtosis)
    return spread <= LARGEST_DELTA_SPREAD and law.squares_kurtosis <= LARGEST_DELTA_KURTOSIS * n


def moment_pair(kind: Estimator, n: int, full: int | None, law: Law) -> Pair | None:
    """Return bias and variance for sigma = 1, or None where there is no theory."""
    if isinstance(kind, Mean):
        return _mean_pair(n, full)
    if isinstance(kind, UnbiasedVariance):
        return _unbiased_pair(n, full, law.excess_kurtosis)
    if isinstance(kind, BiasedVariance):
        return _biased_pair(n, full, law.excess_kurtosis)
    if isinstance(kind, Std) and law.is_normal:
        return _normal_std_pair(n, full, kind.ddof)
    if isinstance(kind, Shape) and law.is_normal:
        return _normal_shape_pair(kind, n, full)
    if isinstance(kind, Std) and _delta_holds(n, law):
        return _delta_std_pair(n, full, kind.ddof, law.excess_kurtosis)
    return None
