"""How skewed errors of variances are by their quadratic part, which linear theory does not see.

A batch's variance is mean(z^2) - d^2 for the deviation d of its mean. Where values are about as far
from their mean, as two values equally often, mean(z^2) hardly varies, and the error is a squared
normal number: its square is skewed as no normal error's is.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The largest of many draws is beyond the value that so many of them are expected beyond, half of
# the time.
TYPICAL = 0.7
# What rounding leaves of kurtosis + 2 less the squared skewness, which is 0 for two values.
TWO_VALUES = 1e-9
# Gauss-Legendre rules, for what a typical run holds of a normal law.
FINE = np.polynomial.legendre.leggauss(20)
COARSE = np.polynomial.legendre.leggauss(18)
# Where a part has no share, its mean is enough.
POINT = np.polynomial.legendre.leggauss(1)

# Up to this skewness^2/R, of the squares of a typical run, 95 % intervals cover 93 % and more.
LARGEST_SKEWNESS = 0.05


class Spreading(NamedTuple):
    """What an error of a variance or standard deviation is made of, in units of the source's sd.

    Parameters
    ----------
    skewness, excess_kurtosis
        Of the source.
    own
        Variance of the batch's mean about that of what it is compared with.
    shared
        Variance of the latter, common to the batches of a replication; 0 if it is fixed.
    is_root
        Whether it is of a standard deviation.
    """

    skewness: float
    excess_kurtosis: float
    own: float
    shared: float
    is_root: bool


@functools.lru_cache(maxsize=4096)
def quadratic_skewness(parts: Spreading, batches: int, replications: int, *, biased: bool) -> float:
    """Return the square of the skewness of Q, less what squares of normal errors have.

    Parameters
    ----------
    parts
        What an error is made of.
    batches
        How many independent errors a replication averages.
    replications
        Of how many replications a typical run is meant: rarer values are left out.
    biased
        Whether the estimator divides by n, so that the errors have a mean.

    Returns
    -------
    float
        That of the mean square or that of the variance, whichever is larger; 0 where moments are
        missing or nothing varies.

    Notes
    -----
    With u, v, w independent and standard normal, the error over the variance `own` = a is
    g u/sqrt(a) + w sqrt(r/a) - (u^2 - 1) - 2 u v sqrt(b/a), as (z^2 - 1) = g z + a rest of variance
    r = kurtosis + 2 - g^2 that is uncorrelated with z; b is `shared`. With two values r = 0, and a
    root is taken of all of it; with more a normal w would reach beyond zero, and the root is left
    to the rule for tails. The cumulants of Q are those given v, added up by the law of total
    cumulance.

    Examples
    --------
    Of two batches of a fair coin, the error of a variance is (u^2 - 1) + 2 u v.

    >>> coin = Spreading(0.0, -2.0, 1 / 64, 1 / 64, is_root=False)
    >>> quadratic_skewness(coin, 1, 1000, biased=False) > 50.0
    True
    """
    rest = parts.excess_kurtosis + 2.0 - parts.skewness**2
    if not (math.isfinite(rest) and parts.own > 0.0):
        return 0.0
    own = parts.own
    rules = (FINE, COARSE if parts.shared > 0.0 else POINT, COARSE if rest > TWO_VALUES else POINT)
    grid = [_normal(rule, replications * k) for rule, k in zip(rules, (batches, 1, 1), strict=True)]
    u, v, w = grid[0][0][:, None, None], grid[1][0][None, :, None], grid[2][0][None, None, :]
    weights = (grid[0][1], grid[1][1], grid[2][1])
    error = parts.skewness / math.sqrt(own) * u + math.sqrt(max(rest, 0.0) / own) * w
    error = error - (u * u - 1.0) - 2.0 * math.sqrt(parts.shared / own) * u * v
    is_root = parts.is_root and rest <= TWO_VALUES
    if is_root:
        error = 2.0 * (np.sqrt(np.maximum(1.0 + own * error, 0.0)) - 1.0) / own
    mean = float(np.einsum("ijk,i,j,k", error, *weights))
    found = [_skewness(error - mean, weights, batches)]
    if biased or is_root:
        found.append(_skewness(error - float(biased), weights, batches))
    return max(found)


def _normal(rule: tuple[Floats, Floats], draws: int) -> tuple[Floats, Floats]:
    """Return values of a standard normal law and their weights, as far as so many draws reach."""
    from scipy.special import ndtri

    x = -float(ndtri(0.5 * TYPICAL / draws)) * rule[0]
    weights = rule[1] * np.exp(-0.5 * x * x)
    return x, weights / weights.sum()


def _skewness(error: Floats, weights: tuple[Floats, Floats, Floats], batches: int) -> float:
    """Return the squared skewness of the mean square, given errors on the grid of (u, v, w)."""
    own, shared, rest = weights
    square = error * error
    given = np.einsum("ijk,i,k->j", square, own, rest)
    off = square - given[np.newaxis, :, np.newaxis]
    power = off * off
    second = np.einsum("ijk,i,k->j", power, own, rest)
    third = np.einsum("ijk,i,k->j", power * off, own, rest)
    mean = shared @ given
    step = given - mean
    variance = shared @ second / batches + shared @ step**2
    cumulant = (
        shared @ third / batches**2
        + 3.0 * (shared @ (step * second)) / batches
        + shared @ step**3
        - 8.0 * mean**3 / batches**2
    )
    if not variance > 1e-24 * mean * mean:
        return 0.0
    return float(max(cumulant, 0.0) ** 2 / variance**3)
