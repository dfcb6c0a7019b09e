"""The law of batch-normalized values: their bound, their density, and their error by value.

For n normal draws the output t = (x - mean)/s_B of a value in the batch has t^2/(n - 1) ~
Beta(1/2, (n - 2)/2), whatever mean and sd (Thompson 1935): two points for n = 2, the arcsine law
for n = 3, the uniform law for n = 4, and the normal law in the end. No output of any law exceeds
sqrt(n - 1), the inequality of Laguerre and Samuelson for the divisor n.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.errors import SimnormError
from simnorm.theory.epsilon import REACH, log_chi_grid
from simnorm.theory.values import Value

Floats = NDArray[np.float64]

# Step of the trapezoidal rule in units of a normal law's sd, and largest step in log |x|.
PART_OF_SD, LARGEST_STEP = 0.6, 0.1


def output_bound(n: int) -> Value:
    """Return the largest size that a batch-normalized value can have, sqrt(n - 1).

    Examples
    --------
    >>> output_bound(17)
    4.0
    """
    _at_least(n, 1)
    return Value(math.sqrt(n - 1.0), "exact")


def _at_least(n: int, fewest: int) -> None:
    if n < fewest:
        raise SimnormError("n", n, f"a batch of at least {fewest} is needed")


def output_density(t: ArrayLike, n: int) -> Floats:
    """Return the density of the output of a value in a batch of n normal draws.

    Parameters
    ----------
    t
        Outputs.
    n
        Batch size, at least 3: smaller batches have one or two possible outputs.

    Examples
    --------
    Uniform for n = 4, a half circle for n = 5.

    >>> output_density([-1.0, 0.0, 1.7, 1.8], 4).round(6)
    array([0.288675, 0.288675, 0.288675, 0.      ])
    >>> float(output_density(0.0, 5).round(6)), round(1 / math.pi, 6)
    (0.31831, 0.31831)
    """
    _at_least(n, 3)
    t = np.asarray(t, dtype=np.float64)
    norm = math.lgamma((n - 1) / 2.0) - math.lgamma((n - 2) / 2.0)
    norm -= 0.5 * math.log(math.pi * (n - 1.0))
    inside = np.abs(t) < math.sqrt(n - 1.0)
    left = np.log1p(-np.where(inside, t * t / (n - 1.0), 0.0))
    return np.asarray(np.where(inside, np.exp(norm + (n - 4) / 2.0 * left), 0.0))


def output_share(low: ArrayLike, high: ArrayLike, n: int) -> Floats:
    """Return the probability that an output lies in [low, high), for batches of normal draws.

    Parameters
    ----------
    low, high
        Ends of intervals, e.g. of the bins of a histogram; may be infinite.
    n
        Batch size. An output of a batch of one is 0; those of two are -1 and 1, of every
        continuous law.

    Examples
    --------
    >>> output_share(1.0, 2.0, 2), output_share([-1.0, 0.0], [0.0, 1.0], 4).round(6)
    (array(0.5), array([0.288675, 0.288675]))
    """
    _at_least(n, 1)
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if n <= 2:
        points = (0.0,) if n == 1 else (-1.0, 1.0)
        hits = sum(((low <= x) & (x < high)).astype(np.float64) for x in points)
        return np.asarray(hits / len(points))
    # Of an interval on one side of 0, probabilities beyond its ends keep the digits of the tail.
    flip = high <= 0.0
    first, last = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.asarray(np.maximum(_beyond(first, n) - _beyond(last, n), 0.0))


def _beyond(t: Floats, n: int) -> Floats:
    """Return the probability of an output above t."""
    from scipy.special import betaincc

    above = 0.5 * betaincc(0.5, (n - 2) / 2.0, np.minimum(t * t / (n - 1.0), 1.0))
    return np.asarray(np.where(t < 0.0, 1.0 - above, above))


def output_kurtosis(n: int) -> Value:
    """Return the excess kurtosis of outputs for normal draws, 3 (n - 1)/(n + 1) - 3.

    Examples
    --------
    >>> output_kurtosis(2), output_kurtosis(11)
    (-2.0, -0.5)
    """
    _at_least(n, 2)
    return Value(-6.0 / (n + 1.0), "exact")


def fresh_variance(n: int) -> Value | None:
    """Return the variance of (x - mean)/s_B for a normal x that is not in the batch.

    In the batch it is 1; here it is (n + 1)/(n - 3), that of sqrt((n + 1)/(n - 1)) times Student's
    t with n - 1 degrees of freedom. None for n below 4, where it is infinite.

    Examples
    --------
    >>> fresh_variance(5), fresh_variance(3)
    (3.0, None)
    """
    _at_least(n, 2)
    return Value((n + 1.0) / (n - 3.0), "exact") if n > 3 else None


# ---------------------------------------------------------------------------------------------
# Given the value


def conditional_moments(z: ArrayLike, n: int) -> tuple[Floats, Floats]:
    """Return mean and mean square of a normal value's output in its batch, given the value.

    With d the distance of x from the mean of the other n - 1 draws and w their biased variance, in
    units of sigma, d ~ N(z, 1/(n - 1)), (n - 1) w ~ chi-square with n - 2 degrees of freedom, and

        output = sqrt(n - 1) d / sqrt(d^2 + n w).

    Parameters
    ----------
    z
        z-scores of values.
    n
        Batch size, at least 2.

    Returns
    -------
    tuple of NDArray
        E[output | z] and E[output^2 | z], exact: both integrals are taken in logarithms, where
        trapezoidal sums are good to all but the last digits.

    Examples
    --------
    Of two values the larger one is 1: that is x with the probability Phi(z).

    >>> mean, square = conditional_moments([0.0, 1.0], 2)
    >>> ((mean + 1) / 2).round(6), square.round(6)
    (array([0.5     , 0.841345]), array([1., 1.]))
    """
    _at_least(n, 2)
    z = np.asarray(z, dtype=np.float64)
    found = np.array([_conditional(abs(float(one)), n) for one in z.ravel()])
    mean, square = found.reshape(-1, 2).T
    return np.sign(z) * mean.reshape(z.shape), square.reshape(z.shape)


def _conditional(z: float, n: int) -> tuple[float, float]:
    """Return both moments for one z, at least 0."""
    # r^2 = n w = chi^2 n/(n - 1); of a batch of two there are no other draws' distances.
    chi, weights = (np.zeros(1), np.ones(1)) if n == 2 else log_chi_grid(n - 2)
    r = chi * math.sqrt(n / (n - 1.0))
    mean = square = 0.0
    for sign in (1.0, -1.0):
        d, chances = _log_normal_grid(sign * z, 1.0 / math.sqrt(n - 1.0))
        output = math.sqrt(n - 1.0) * d[:, np.newaxis] / np.hypot(d[:, np.newaxis], r)
        mean += sign * float(chances @ output @ weights)
        square += float(chances @ output**2 @ weights)
    return mean, square


def _log_normal_grid(centre: float, sd: float) -> tuple[Floats, Floats]:
    """Return nodes and weights for integrals over the positive part of a normal law.

    The integrand may change within any distance of 0: nodes are even in the logarithm.
    """
    farthest = max(centre, 0.0) + sd * math.sqrt(2.0 * REACH)
    step = min(LARGEST_STEP, PART_OF_SD * sd / farthest)
    # Below the lowest the whole rest of the density is negligible.
    lowest = max(centre - sd * math.sqrt(2.0 * REACH), sd * math.exp(-REACH))
    x = farthest * np.exp(-step * np.arange(math.ceil(math.log(farthest / lowest) / step) + 1.0))
    away = (x - centre) / sd
    density = np.exp(-0.5 * away * away) / (sd * math.sqrt(2.0 * math.pi))
    return x, step * x * density


def conditional_mse(z: ArrayLike, n: int) -> Floats:
    """Return E[(output - z)^2 | z] of a normal value in its batch.

    Parameters
    ----------
    z, n
        As for `conditional_moments`.

    Returns
    -------
    NDArray
        Exact values, of the shape of z.

    Examples
    --------
    The farther out, the larger: a batch of 16 takes 0.6 off three sd.

    >>> conditional_mse([0.0, 1.0, 3.0], 16).round(4)
    array([0.0767, 0.0949, 0.4329])
    """
    z = np.asarray(z, dtype=np.float64)
    mean, square = conditional_moments(z, n)
    return np.asarray(square - 2.0 * z * mean + z * z)


def noise_parabola(
    z: ArrayLike, n: int, skewness: float = 0.0, excess_kurtosis: float = 0.0
) -> Floats:
    """Return E[(output - z)^2 | z] to first order in 1/n, asymptotic, for any law.

    (1 + g1 z + (g2 + 2) z^2/4)/n: 1/n is the variance of the batch's mean, (g2 + 2)/(4n) that of
    its sd and g1/(2n) their covariance. It is the same in the batch and outside to this order.

    Examples
    --------
    >>> noise_parabola([0.0, 3.0], 64) * 64
    array([1. , 5.5])
    """
    _at_least(n, 1)
    z = np.asarray(z, dtype=np.float64)
    return np.asarray((1.0 + skewness * z + 0.25 * (excess_kurtosis + 2.0) * z * z) / n)
