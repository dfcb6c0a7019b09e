"""Exact and asymptotic values of the measures, each saying which it is.

A batch of n observations is cut from a full set of N independent draws. Against the *population*
the classical formulas for n draws hold; against the *full set*, the same estimator on all N draws,
those below. V(m) = sigma^4 (g2/m + 2/(m - 1)) is the variance of the unbiased variance of m draws
and g2 the excess kurtosis (Kenney and Keeping 1951, p. 164; MathWorld, "Sample Variance
Distribution").
"""

from __future__ import annotations

import math
from typing import NamedTuple

from simnorm.distributions import Distribution, distribution
from simnorm.errors import SimnormError
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    Std,
    UnbiasedVariance,
    estimator,
    relative_constant,
)
from simnorm.grammar import LARGEST_SIZE, whole_number

MEASURES = ("bias", "variance", "mse", "rmse")


class Value(float):
    """A theoretical value: a float that knows its `kind`, ``exact`` or ``asymptotic``.

    Examples
    --------
    >>> value = variance_of("mean", n=4)
    >>> float(value), value.kind
    (0.25, 'exact')
    """

    kind: str

    def __new__(cls, value: float, kind: str) -> Value:
        """Make a float with a kind."""
        made = super().__new__(cls, value)
        made.kind = kind
        return made


class Law(NamedTuple):
    """What the formulas need of a law."""

    sigma: float
    excess_kurtosis: float
    is_normal: bool
    # Of (x - mean)^2: how far a variance of n draws is from a normal law.
    squares_kurtosis: float = 0.0


class _Pair(NamedTuple):
    """Bias and variance of a batch statistic's error."""

    bias: float
    variance: float
    kind: str = "exact"


# The delta method is shown only where the variance of s^2/sigma^2 is at most the first and its
# excess kurtosis, about that of (x - mean)^2 over n, at most the second: then it is off by some
# per cent at most (6 % for an exponential batch of 82), beyond by as much as several times.
LARGEST_DELTA_SPREAD = 0.1
LARGEST_DELTA_KURTOSIS = 3.0


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


def _mean_pair(n: int, full: int | None) -> _Pair:
    # Var(batch - full) = Var(n draws) - Var(N draws): the batch is a part of the full set.
    return _Pair(0.0, 1.0 / n - (1.0 / full if full else 0.0))


def _unbiased_pair(n: int, full: int | None, g2: float) -> _Pair:
    return _Pair(0.0, _spread_variance(n, g2) - (_spread_variance(full, g2) if full else 0.0))


def _biased_pair(n: int, full: int | None, g2: float) -> _Pair:
    a = (n - 1.0) / n
    if full is None:
        return _Pair(-1.0 / n, a * a * _spread_variance(n, g2))
    # The error is a s^2 - c S^2 = a (s^2 - S^2) + (a - c) S^2, two uncorrelated
    # parts, with c = (N - 1)/N and so a - c = 1/N - 1/n.
    whole = _spread_variance(full, g2)
    between = (1.0 / full) - (1.0 / n)
    return _Pair(between, a * a * (_spread_variance(n, g2) - whole) + between * between * whole)


def _normal_std_pair(n: int, full: int | None, ddof: int) -> _Pair:
    """Return bias and variance of a normal sample's standard deviation.

    By Basu's theorem s/S is independent of S, so E[s S] = E[s]/E[S] E[S^2].
    """
    a = (n - 1.0) / n if ddof == 0 else 1.0
    mean = math.sqrt(a) * math.exp(log_c4(n))
    if full is None:
        return _Pair(mean - 1.0, -math.expm1(2.0 * log_c4(n)) * a)
    c = (full - 1.0) / full if ddof == 0 else 1.0
    full_mean = math.sqrt(c) * math.exp(log_c4(full))
    bias = mean - full_mean
    # mse = a + c - 2 c b(n)/b(N) with b = mean, rearranged as a - c + 2 c (1 - b(n)/b(N)).
    # a/c = 1 + (n - N)/(n (N - 1)), written so that it keeps its digits for n next to N.
    stretch = math.log1p((n - full) / (n * (full - 1.0))) if ddof == 0 else 0.0
    ratio = 0.5 * stretch + log_c4(n) - log_c4(full)
    difference = (n - full) / (n * full) if ddof == 0 else 0.0
    mse = difference - 2.0 * c * math.expm1(ratio)
    return _Pair(bias, mse - bias * bias)


def _delta_std_pair(n: int, full: int | None, ddof: int, g2: float) -> _Pair:
    """Return the delta method's bias and variance of a standard deviation.

    With C(m) = V(m): E[s] ~ 1 - C/8 and Cov(s, S) ~ Var(S) ~ C(N)/4.
    """
    spread = _spread_variance(n, g2)
    alpha = math.sqrt((n - 1.0) / n) if ddof == 0 else 1.0
    mean = alpha * (1.0 - spread / 8.0)
    if full is None:
        return _Pair(mean - 1.0, alpha * alpha * spread / 4.0, "asymptotic")
    whole = _spread_variance(full, g2)
    gamma = math.sqrt((full - 1.0) / full) if ddof == 0 else 1.0
    variance = alpha * alpha * spread + (gamma * gamma - 2.0 * alpha * gamma) * whole
    return _Pair(mean - gamma * (1.0 - whole / 8.0), max(variance, 0.0) / 4.0, "asymptotic")


def _delta_holds(n: int, law: Law) -> bool:
    spread = _spread_variance(n, law.excess_kurtosis)
    return spread <= LARGEST_DELTA_SPREAD and law.squares_kurtosis <= LARGEST_DELTA_KURTOSIS * n


def _pair(kind: Estimator, n: int, full: int | None, law: Law) -> _Pair | None:
    """Return bias and variance for sigma = 1, or None where there is no theory."""
    if n < kind.smallest_batch:
        return None
    if full is not None and n == full:
        return _Pair(0.0, 0.0)
    if isinstance(kind, Mean):
        return _mean_pair(n, full)
    if isinstance(kind, UnbiasedVariance):
        return _unbiased_pair(n, full, law.excess_kurtosis)
    if isinstance(kind, BiasedVariance):
        return _biased_pair(n, full, law.excess_kurtosis)
    if isinstance(kind, Std) and law.is_normal:
        return _normal_std_pair(n, full, kind.ddof)
    if isinstance(kind, Std) and _delta_holds(n, law):
        return _delta_std_pair(n, full, kind.ddof, law.excess_kurtosis)
    return None


def value_of(
    measure: str, kind: Estimator, n: int, full_size: int | None, law: Law
) -> Value | None:
    """Return a measure's theoretical value, or None where there is none."""
    pair = _pair(kind, n, full_size, law)
    if pair is None:
        return None
    # With an infinite kurtosis a batch variance still has a bias, but no variance: not finite.
    bias = pair.bias * law.sigma**kind.power
    variance = pair.variance * law.sigma ** (2 * kind.power)
    mse = variance + bias * bias
    values = {"bias": bias, "variance": variance, "mse": mse, "rmse": math.sqrt(mse)}
    value = values[measure]
    return Value(value, pair.kind) if math.isfinite(value) else None


def of_distribution(law: Distribution) -> Law | None:
    """Return what the formulas need of a law, or None if it has no variance."""
    if not math.isfinite(law.variance):
        return None
    return Law(law.std, law.excess_kurtosis, law.is_normal, law.squares_kurtosis)


def _public(
    measure: str,
    kind: str | Estimator,
    n: object,
    N: object,
    of: str | Distribution,
    sigma: float | None,
    excess_kurtosis: float | None,
) -> Value:
    size = whole_number(n, "n", 1, LARGEST_SIZE)
    full = None if N is None else whole_number(N, "N", size, LARGEST_SIZE)
    statistic = estimator(kind)
    law = of_distribution(distribution(of))
    if excess_kurtosis is not None:
        if not excess_kurtosis >= -2.0:
            raise SimnormError("excess_kurtosis", excess_kurtosis, "it is never below -2")
        # Moments alone do not make a law normal, whatever their values.
        law = Law(1.0, float(excess_kurtosis), is_normal=False)
    if sigma is not None and not 0.0 < sigma < math.inf:
        raise SimnormError("sigma", sigma, "a finite number above 0 is needed")
    if law is not None and sigma is not None:
        law = law._replace(sigma=float(sigma))
    value = None if law is None else value_of(measure, statistic, size, full, law)
    if value is None:
        what = f"the {measure} of {statistic} at n = {size} for {of}"
        raise SimnormError("theory", what, "no formula is known, or it does not exist")
    return value


def bias_of(
    estimator: str | Estimator,
    *,
    n: int,
    N: int | None = None,
    distribution: str | Distribution = "normal",
    sigma: float | None = None,
    excess_kurtosis: float | None = None,
) -> Value:
    """Return the bias of a batch statistic.

    Parameters
    ----------
    estimator
        ``mean``, ``biased_variance``, ``unbiased_variance`` or ``std(ddof=...)``.
    n
        Batch size.
    N
        Size of the full set that the batch is cut from and compared with. Left out, the
        comparison is with the population.
    distribution
        The law, whose sigma and excess kurtosis are taken.
    sigma
        Another standard deviation, in the unit of the data.
    excess_kurtosis
        Another excess kurtosis, of a law that need not be known (sigma = 1 unless given).

    Returns
    -------
    Value
        A float with a `kind`: ``exact``, or ``asymptotic`` for the standard deviation of
        anything but the normal law, which is given only where n is large enough.

    Raises
    ------
    SimnormError
        Where there is no formula or no such moment.

    Examples
    --------
    >>> float(bias_of("biased_variance", n=4))
    -0.25
    """
    return _public("bias", estimator, n, N, distribution, sigma, excess_kurtosis)


def variance_of(
    estimator: str | Estimator,
    *,
    n: int,
    N: int | None = None,
    distribution: str | Distribution = "normal",
    sigma: float | None = None,
    excess_kurtosis: float | None = None,
) -> Value:
    """Return the variance of a batch statistic's error; parameters as `bias_of`.

    Examples
    --------
    >>> round(variance_of("unbiased_variance", n=8, N=569, excess_kurtosis=3.1), 4)
    0.6642
    """
    return _public("variance", estimator, n, N, distribution, sigma, excess_kurtosis)


def mse_of(
    estimator: str | Estimator,
    *,
    n: int,
    N: int | None = None,
    distribution: str | Distribution = "normal",
    sigma: float | None = None,
    excess_kurtosis: float | None = None,
) -> Value:
    """Return the mean squared error of a batch statistic; parameters as `bias_of`.

    Examples
    --------
    For the normal law and n = 4, (2n - 1)/n^2.

    >>> float(mse_of("biased_variance", n=4))
    0.4375
    """
    return _public("mse", estimator, n, N, distribution, sigma, excess_kurtosis)


def rmse_of(
    estimator: str | Estimator,
    *,
    n: int,
    N: int | None = None,
    distribution: str | Distribution = "normal",
    sigma: float | None = None,
    excess_kurtosis: float | None = None,
) -> Value:
    """Return the root mean squared error of a batch statistic; parameters as `bias_of`.

    Examples
    --------
    >>> rmse_of("mean", n=16), rmse_of("mean", n=16).kind
    (0.25, 'exact')
    """
    return _public("rmse", estimator, n, N, distribution, sigma, excess_kurtosis)


def relative(value: Value | None, measure: str, kind: Estimator, law: Distribution) -> Value | None:
    """Return a measure's value divided by the relative constant, squared where the measure is."""
    if value is None:
        return None
    constant = relative_constant(kind, law)
    if not (math.isfinite(constant) and constant > 0.0):
        return None
    return Value(value / constant ** measure_power(measure), value.kind)


def measure_power(measure: str) -> int:
    """Return the power of the estimator's unit that a measure is in.

    Examples
    --------
    >>> measure_power("rmse"), measure_power("relative_variance")
    (1, 2)
    """
    return 2 if measure.removeprefix("relative_") in ("variance", "mse") else 1
