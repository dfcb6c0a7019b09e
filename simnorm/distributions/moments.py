"""From cumulants, raw moments or quantiles to the standardized moments that a law states."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from simnorm.distributions.base import INFINITE, UNDEFINED, Floats, Moments, Tails

Even = tuple[float, float]

# Cumulants of order 1 to 8 of |Z|.
HALF_NORMAL = (
    0.79788456080286535588,
    0.36338022763241865692,
    0.21801361414499016069,
    0.11477068205421885765,
    -0.0044376884626178209889,
    -0.1526585338416569301,
    -0.26288640927240762697,
    -0.065189969492542857589,
)

# Orders 1 to 8 are what the error bars need; quadrature keeps the roundings of none of them.
ORDERS = 8
LOWEST_OCTAVE = 1020
LOWEST = 2.0**-LOWEST_OCTAVE
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


class AllMoments(NamedTuple):
    """The first four moments and the standardized sixth and eighth central ones."""

    moments: Moments
    even: Even


def from_cumulants(k: Sequence[float]) -> AllMoments:
    """Return the moments of a law from its cumulants of order 1 to 8: sums, nothing cancels.

    Examples
    --------
    >>> from_cumulants([3.0] * 8).moments.excess_kurtosis  # Poisson with mean 3
    0.333...
    """
    mean, variance = k[0], k[1]
    k3, k4, k5, k6, k8 = (k[r - 1] / variance ** (r / 2.0) for r in (3, 4, 5, 6, 8))
    sixth = k6 + 15.0 * k4 + 10.0 * k3 * k3 + 15.0
    eighth = k8 + 28.0 * k6 + 56.0 * k5 * k3 + 35.0 * k4 * k4
    even = (sixth, eighth + 210.0 * k4 + 280.0 * k3 * k3 + 105.0)
    return AllMoments(Moments(mean, variance, k3, k4), even)


def from_raw(raw: Iterable[Fraction]) -> AllMoments:
    """Return the moments of a positive law from its raw moments of order 1, 2, ... as fractions.

    Exact until the end, because the differences lose all digits of doubles. Moments after the last
    one given are infinite.

    Examples
    --------
    >>> from_raw([Fraction(1, r + 1) for r in range(1, 9)]).moments.excess_kurtosis  # uniform
    -1.2
    """
    known = [Fraction(1), *raw]
    if len(known) == 1:
        return AllMoments(Moments(INFINITE, UNDEFINED, UNDEFINED, UNDEFINED), (INFINITE, INFINITE))
    central = [
        sum(math.comb(r, i) * known[i] * (-known[1]) ** (r - i) for i in range(r + 1))
        for r in range(len(known))
    ]

    def standardized(order: int) -> float:
        return float(central[order] / central[2] ** (order // 2))

    highest = len(central) - 1
    variance = float(central[2]) if highest >= 2 else INFINITE
    beyond = INFINITE if highest >= 2 else UNDEFINED
    skewness = kurtosis = beyond
    if highest >= 3:
        third = math.sqrt(central[3] ** 2 / central[2] ** 3)
        skewness = math.copysign(third, central[3])
    if highest >= 4:
        kurtosis = float(central[4] / central[2] ** 2 - 3)
    sixth = standardized(6) if highest >= 6 else INFINITE
    eighth = standardized(8) if highest >= 8 else INFINITE
    return AllMoments(Moments(float(known[1]), variance, skewness, kurtosis), (sixth, eighth))


def from_quantiles(
    quantile: Callable[[Floats, Floats], Floats], tails: Tails, knots: Sequence[float] = ()
) -> AllMoments:
    """Return the moments of a law by quadrature over its quantile function.

    Parameters
    ----------
    quantile
        The quantiles at probabilities `lower` = 1 - `upper`.
    tails
        The law's tail indices, which say what exists.
    knots
        Probabilities where the quantile function is not smooth.
    """
    middle = float(quantile(np.array([0.5]), np.array([0.5]))[0])
    return from_expectation(quadrature(quantile, tails, knots), middle, tails)


def quadrature(
    quantile: Callable[[Floats, Floats], Floats], tails: Tails, knots: Sequence[float] = ()
) -> Callable[[float, float, int], float]:
    """Return a function of (centre, unit, r): E ((X - centre) / unit)^r, from the quantiles."""
    sides = []
    for upper in (False, True):
        v, weight = _nodes([1.0 - k for k in knots] if upper else knots)
        with np.errstate(all="ignore"):
            value = quantile(1.0 - v, v) if upper else quantile(v, 1.0 - v)
        sides.append((value, weight, tails[upper], v[0]))
    return functools.partial(_expect, sides)


def from_expectation(
    expectation: Callable[[float, float, int], float], middle: float, tails: Tails
) -> AllMoments:
    """Return the moments of a law from ``expectation(centre, unit, r)``.

    That is E ((X - centre) / unit)^r, asked for only where the tail indices say that it exists.
    `middle` is a value in the bulk, about which the mean is taken: it may be large against the
    deviations.
    """
    index = min(tails)
    if not index > 1.0:
        ends = [tail <= 1.0 for tail in tails]
        mean = UNDEFINED if all(ends) else -INFINITE if ends[0] else INFINITE
        return AllMoments(Moments(mean, UNDEFINED, UNDEFINED, UNDEFINED), (INFINITE, INFINITE))
    mean = middle + expectation(middle, 1.0, 1)
    if not index > 2.0:
        return AllMoments(Moments(mean, INFINITE, UNDEFINED, UNDEFINED), (INFINITE, INFINITE))
    variance = expectation(mean, 1.0, 2)
    sd = math.sqrt(variance)
    powers = {r: expectation(mean, sd, r) if r < index else INFINITE for r in (4, 6, 8)}
    skewness = expectation(mean, sd, 3) if index > 3.0 else _infinite_third(tails)
    return AllMoments(Moments(mean, variance, skewness, powers[4] - 3.0), (powers[6], powers[8]))


def _infinite_third(tails: Tails) -> float:
    if max(tails) <= 3.0:
        return UNDEFINED
    return INFINITE if tails.upper < tails.lower else -INFINITE


def _nodes(knots: Iterable[float]) -> tuple[Floats, Floats]:
    """Return probabilities v from 2^-1020 to 1/2 and their weights, panels ending at the knots."""
    octaves = 2.0 ** np.arange(-LOWEST_OCTAVE, 0.0)
    inside = [k for k in knots if octaves[0] < k < 0.5]
    ends = np.union1d(octaves, inside)
    width = np.diff(ends)[:, np.newaxis]
    v = ends[:-1, np.newaxis] + width * (NODES + 1.0) / 2.0
    return v.ravel(), (width * WEIGHTS / 2.0).ravel()


def _expect(
    sides: Sequence[tuple[Floats, Floats, float, float]], centre: float, unit: float, order: int
) -> float:
    """Return E ((X - centre) / unit)^order; a power tail goes on beyond the lowest octave."""
    total = 0.0
    for value, weight, tail, first in sides:
        power = ((value - centre) / unit) ** order
        total += float((power * weight).sum())
        if math.isfinite(tail):
            # The first node lies a little above where the sum ends.
            at_end = float(power[0]) * (first / LOWEST) ** (order / tail)
            total += LOWEST * at_end / (1.0 - order / tail)
    return total
