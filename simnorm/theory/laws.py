"""Exact laws of statistics of n independent draws: not their moments, the whole distribution.

Where one is known, shares of a histogram of estimates have exact values beside them. What is known:
the mean of normal, gamma-like, Cauchy, uniform, Bernoulli and Poisson draws; variances and standard
deviations of normal ones, variances of Bernoulli ones; and, of any law, what is one order
statistic: minimum, maximum, the median of an odd n, a quantile that needs no line between two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from simnorm.distributions import Distribution
from simnorm.distributions import distribution as read_distribution
from simnorm.distributions.continuous import (
    Cauchy,
    ChiSquare,
    Exponential,
    Gamma,
    StudentT,
    Uniform,
)
from simnorm.distributions.discrete import Bernoulli, Poisson
from simnorm.errors import SimnormError
from simnorm.estimators import BiasedVariance, Estimator, Mean, RankSum, Std
from simnorm.estimators import estimator as read_estimator
from simnorm.grammar import LARGEST_SIZE, whole_number

Floats = NDArray[np.float64]
Both = tuple[Floats, Floats]

# The alternating sum of the Irwin-Hall law keeps 12 digits up to here.
MOST_UNIFORMS = 16
# A variance of Bernoulli draws is summed over n + 1 counts.
MOST_COUNTS = 1 << 14


@dataclass(frozen=True)
class EstimateLaw:
    """The exact law of a statistic.

    Parameters
    ----------
    name
        What it is, in a few words, e.g. ``chi law``.
    both
        The function that returns P(T <= x) and P(T > x), each with its digits.
    """

    name: str
    both: Callable[[Floats], Both]

    def probabilities(self, x: ArrayLike) -> Both:
        """Return P(T <= x) and P(T > x), arrays of the shape of `x`, each with its digits."""
        with np.errstate(all="ignore"):
            below, above = self.both(np.asarray(x, dtype=np.float64))
        return np.asarray(below, dtype=np.float64), np.asarray(above, dtype=np.float64)

    def shares(self, edges: ArrayLike) -> Floats:
        """Return the probabilities of bins between rising edges; the outer bins have no end.

        Parameters
        ----------
        edges
            Shape (bins + 1,); the first and the last one do not matter.

        Returns
        -------
        numpy.ndarray
            Shape (bins,); they add up to 1.

        Examples
        --------
        >>> law_of("mean", n=4).shares([-9.0, 0.0, 9.0])
        array([0.5, 0.5])
        """
        inner = np.asarray(edges, dtype=np.float64)[1:-1]
        below, above = self.probabilities(inner)
        below, above = np.r_[0.0, below, 1.0], np.r_[1.0, above, 0.0]
        # On either side of the median, the differences of the smaller numbers.
        left = np.diff(below)
        right = -np.diff(above)
        return np.asarray(np.maximum(np.where(below[1:] <= 0.5, left, right), 0.0))


def law_of(
    estimator: str | Estimator, n: int, distribution: str | Distribution = "normal"
) -> EstimateLaw:
    """Return the exact law of a statistic of a batch.

    Parameters
    ----------
    estimator
        E.g. ``mean``, ``std(ddof=0)`` or ``max``.
    n
        Batch size.
    distribution
        The law of the draws, `loc` and `scale` included.

    Raises
    ------
    SimnormError
        If it is not known.

    Examples
    --------
    Of two normal draws the variance with divisor n is a quarter of the squared difference, which
    is twice a chi-square variable with one degree of freedom.

    >>> below, above = law_of("biased_variance", n=2).probabilities(0.5)
    >>> round(float(below), 6), round(math.erf(math.sqrt(0.5)), 6)
    (0.682689, 0.682689)
    """
    kind, law = read_estimator(estimator), read_distribution(distribution)
    size = whole_number(n, "n", 1, LARGEST_SIZE)
    found = exact_law(kind, size, law)
    if found is None:
        what = f"the law of {kind} at n = {size} for {law}"
        raise SimnormError("theory", what, "it is not known exactly")
    return found


def exact_law(kind: Estimator, n: int, law: Distribution) -> EstimateLaw | None:
    """Return the exact law of a statistic of n draws, or None where it is not known.

    Examples
    --------
    >>> from simnorm.estimators import Median, Std
    >>> exact_law(Std(), 8, read_distribution("normal")).name
    'chi law'
    >>> exact_law(Median(), 8, read_distribution("normal")) is None
    True
    """
    if n < kind.smallest_batch:
        return None
    if isinstance(kind, Mean):
        return mean_law(n, law)
    if isinstance(kind, BiasedVariance):
        return variance_law(n, law, kind.ddof)
    if isinstance(kind, Std):
        return std_law(n, law, kind.ddof)
    if isinstance(kind, RankSum):
        # A weight of 0 is that of a value which does not count.
        (rank, weight), *others = kind.weights(n)
        if weight == 1.0 and all(more == 0.0 for _, more in others):
            return order_law(rank, n, law)
    return None


def mean_law(n: int, law: Distribution) -> EstimateLaw | None:
    """Return the law of the mean of n draws, or None where it is not known.

    Sums of independent normal, gamma (exponential, chi-square), Cauchy, binomial and Poisson
    variables are of their family (Johnson, Kotz and Balakrishnan 1994, vol. 1, chapters 13, 16, 17;
    Johnson, Kemp and Kotz 2005, chapters 3 and 4); that of uniform ones is Irwin's and Hall's.

    Parameters
    ----------
    n
        Batch size.
    law
        The law of the draws.

    Examples
    --------
    The mean of two exponential draws exceeds x with probability (1 + 2x) exp(-2x).

    >>> below, above = mean_law(2, read_distribution("exponential")).probabilities(1.0)
    >>> round(float(above), 6), round(3.0 * math.exp(-2.0), 6)
    (0.406006, 0.406006)
    """
    if n == 1:
        return EstimateLaw("law of the data", law.probabilities)
    if law.is_normal:
        unit = law.std / math.sqrt(n)
        return EstimateLaw("normal law", lambda x: _normal((x - law.mean) / unit))
    if isinstance(law, Cauchy) or (isinstance(law, StudentT) and law.df == 1.0):
        return EstimateLaw("Cauchy law", law.probabilities)
    shape = _gamma_shape(law)
    if shape is not None:
        a, unit = n * shape, law.scale * (2.0 if isinstance(law, ChiSquare) else 1.0)
        return EstimateLaw("gamma law", lambda x: _gamma(a, n * ((x - law.loc) / unit)))
    if isinstance(law, Uniform) and n <= MOST_UNIFORMS:
        return EstimateLaw(
            "Irwin-Hall law", lambda x: irwin_hall(n, n * ((x - law.loc) / law.scale))
        )
    if isinstance(law, Bernoulli):
        return EstimateLaw(
            "binomial law", lambda x: _binomial(n, law.p, _counts(n * ((x - law.loc) / law.scale)))
        )
    if isinstance(law, Poisson):
        mean = n * law.mu
        return EstimateLaw(
            "Poisson law", lambda x: _poisson(mean, _counts(n * ((x - law.loc) / law.scale)))
        )
    return None


def variance_law(n: int, law: Distribution, ddof: int = 0) -> EstimateLaw | None:
    """Return the law of the variance with divisor n - ddof, or None where it is not known.

    Of normal draws sum (x - mean)^2 / sigma^2 is chi-square with n - 1 degrees of freedom (Helmert
    1876). Of Bernoulli draws the variance with divisor n is q (1 - q), q the share of ones.

    Parameters
    ----------
    n, law
        Batch size, and the law of the draws.
    ddof
        0 or 1.

    Examples
    --------
    Two coins differ half of the time, and have the variance 1/4 then.

    >>> [float(p) for p in variance_law(2, read_distribution("bernoulli")).probabilities(0.1)]
    [0.5, 0.5]
    """
    if n < 2:
        return None
    if law.is_normal:
        unit = law.variance / (n - ddof)
        return EstimateLaw("chi-square law", lambda x: _chi_square(n - 1, x / unit))
    if isinstance(law, Bernoulli) and n <= MOST_COUNTS:
        k = np.arange(n + 1.0)
        values = k * (n - k) / (n * (n - ddof)) * law.scale**2
        return EstimateLaw("law of the counts", _weighted(values, _binomial_weights(n, law.p)))
    return None


def std_law(n: int, law: Distribution, ddof: int = 0) -> EstimateLaw | None:
    """Return the law of the standard deviation with divisor n - ddof, or None if not known.

    The root of what `variance_law` has, of normal draws a chi law with n - 1 degrees of freedom.

    Parameters
    ----------
    n, law, ddof
        As for `variance_law`.

    Examples
    --------
    >>> below, above = std_law(2, read_distribution("normal"), ddof=1).probabilities(1.0)
    >>> round(float(below), 6)
    0.682689
    """
    if n < 2 or not law.is_normal:
        return None
    unit = law.std / math.sqrt(n - ddof)

    def both(x: Floats) -> Both:
        return _chi_square(n - 1, (np.maximum(x, 0.0) / unit) ** 2)

    return EstimateLaw("chi law", both)


def order_law(rank: int, n: int, law: Distribution) -> EstimateLaw:
    """Return the law of the rank-th smallest of n draws, of any law.

    At most x if `rank` draws or more are: P(X_(r) <= x) = I_{F(x)}(r, n - r + 1), I the regularized
    incomplete beta function (David and Nagaraja 2003, eq. 2.1.5); for laws with atoms too.

    Parameters
    ----------
    rank
        From 1, the smallest, to n, the largest.
    n, law
        Batch size, and the law of the draws.

    Examples
    --------
    The largest of three uniform draws is below 1/2 with probability 1/8.

    >>> [float(p) for p in order_law(3, 3, read_distribution("uniform")).probabilities(0.5)]
    [0.125, 0.875]
    """
    a, b = float(rank), float(n - rank + 1)

    def both(x: Floats) -> Both:
        below, above = law.probabilities(x)
        small = below <= above
        # Of the smaller of both, which has its digits.
        first = np.where(small, special.betainc(a, b, below), special.betaincc(b, a, above))
        second = np.where(small, special.betaincc(a, b, below), special.betainc(b, a, above))
        return first, second

    name = "law of the minimum" if rank == 1 else "law of the maximum" if rank == n else "beta law"
    return EstimateLaw(name if n > 1 else "law of the data", both)


def irwin_hall(n: int, x: ArrayLike) -> Both:
    """Return P(S <= x) and P(S > x) of the sum S of n uniform draws from 0 to 1.

    sum over k <= x of (-1)^k C(n, k) (x - k)^n / n! (Irwin 1927, Hall 1927). Terms of both signs
    grow with n; taken from the nearer end, 12 digits are left at n = 16.

    Parameters
    ----------
    n
        How many.
    x
        Where, any shape.

    Examples
    --------
    >>> [float(p) for p in irwin_hall(2, 0.5)]
    [0.125, 0.875]
    """
    given = np.clip(np.asarray(x, dtype=np.float64), 0.0, float(n))
    near = np.minimum(given, n - given)
    small = np.zeros_like(near)
    for k in range(n // 2 + 1):
        power = np.maximum(near - k, 0.0) ** n
        small += (-1.0) ** k * math.comb(n, k) * power / math.factorial(n)
    small = np.clip(small, 0.0, 0.5)
    left = given <= n / 2.0
    return np.where(left, small, 1.0 - small), np.where(left, 1.0 - small, small)


def _gamma_shape(law: Distribution) -> float | None:
    if isinstance(law, Exponential):
        return 1.0
    if isinstance(law, Gamma):
        return law.a
    return law.df / 2.0 if isinstance(law, ChiSquare) else None


def _normal(z: Floats) -> Both:
    return np.asarray(special.ndtr(z)), np.asarray(special.ndtr(-z))


def _gamma(a: float, x: Floats) -> Both:
    y = np.maximum(x, 0.0)
    return np.asarray(special.gammainc(a, y)), np.asarray(special.gammaincc(a, y))


def _chi_square(df: int, x: Floats) -> Both:
    return _gamma(df / 2.0, x / 2.0)


def _counts(x: Floats) -> Floats:
    """Return the largest whole numbers up to x; next to one, x is that number, rounded."""
    k = np.round(x)
    return np.where(np.abs(x - k) <= 1e-9 * np.maximum(np.abs(k), 1.0), k, np.floor(x))


def _binomial(n: int, p: float, k: Floats) -> Both:
    inside = np.clip(k, 0.0, n)
    none, every = k < 0.0, k >= n
    below, above = special.bdtr(inside, n, p), special.bdtrc(inside, n, p)
    return (
        np.where(none, 0.0, np.where(every, 1.0, below)),
        np.where(none, 1.0, np.where(every, 0.0, above)),
    )


def _poisson(mean: float, k: Floats) -> Both:
    inside, none = np.maximum(k, 0.0), k < 0.0
    below, above = special.pdtr(inside, mean), special.pdtrc(inside, mean)
    return np.where(none, 0.0, below), np.where(none, 1.0, above)


def _binomial_weights(n: int, p: float) -> Floats:
    k = np.arange(n + 1.0)
    logs = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    found: Floats = np.exp(logs + k * math.log(p) + (n - k) * math.log1p(-p))
    return np.asarray(found / found.sum())


def _weighted(values: Floats, weights: Floats) -> Callable[[Floats], Both]:
    """Return the distribution function of values with weights."""
    order = np.argsort(values, kind="stable")
    rising, below = values[order], np.r_[0.0, np.cumsum(weights[order])]
    above = np.r_[np.cumsum(weights[order][::-1])[::-1], 0.0]

    def both(x: Floats) -> Both:
        # A value is what it is up to rounding.
        places = np.searchsorted(rising, x + 1e-12 * np.abs(x), side="right")
        return np.minimum(below[places], 1.0), np.minimum(above[places], 1.0)

    return both
