"""Intervals for shares and quantiles, with and without clusters."""

from __future__ import annotations

import math

import numpy as np

from simnorm.error_bars.given import Errors
from simnorm.error_bars.influence import Part, critical, share_error, share_psi, standard_error
from simnorm.intervals import order_ranks

Interval = tuple[float, float]


def effective_number(part: Part, errors: Errors) -> float:
    """Return how many independent values a share is worth: all over the design effect.

    The design effect is the squared standard error over that of independent values. It is taken
    to be at least 1 (see `share_error`); where all values are equal nothing is known of it, and
    the replications count, as if the values of each were copies: as many of equal size as they
    are worth.
    """
    values, share = errors.values.size, part.estimate
    if errors.replications == values:
        return float(values)
    variance = share * (1.0 - share)
    if variance <= 0.0:
        return errors.worth
    return variance / share_error(part.psi, share, values) ** 2


def wilson(share: float, number: float, quantile: float) -> Interval:
    """Return Wilson's (1927) interval for a share of `number` values.

    It holds the shares p with (share - p)^2 <= quantile^2 p (1 - p)/number, so that it has a
    width at 0 and 1 too.

    Examples
    --------
    >>> low, high = wilson(1.0, 100, 1.96)
    >>> round(low, 3), high
    (0.963, 1.0)
    """
    shrink = quantile**2 / number
    middle = (share + shrink / 2.0) / (1.0 + shrink)
    half = math.sqrt(shrink * share * (1.0 - share) + shrink**2 / 4.0) / (1.0 + shrink)
    # Rounding must not push an end beyond the share itself.
    return max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0)


def share_interval(part: Part, errors: Errors) -> Interval:
    """Return the interval of a share: Wilson's with the effective number of values."""
    return wilson(part.estimate, effective_number(part, errors), critical(errors))


def paired_difference(parts: tuple[Part, Part], sides: tuple[Errors, Errors]) -> Interval:
    """Return the interval for a difference of two shares of the same values.

    Bonett and Price's (2012): one value is added to each of the two kinds of values that differ,
    so that it has a width where none does. Clusters lower the numbers by the design effect of the
    difference.
    """
    one, other = parts
    a, b = (side.values for side in sides)
    values, psi = a.size, one.psi - other.psi
    only_a, only_b = float((a > b).mean()), float((b > a).mean())
    variance = only_a + only_b - (only_a - only_b) ** 2
    number = float(values)
    if psi.size < values:
        number = sides[0].worth
        if variance > 0.0:
            error = max(standard_error(psi), math.sqrt(variance / values))
            number = variance / error**2
    plus_a, plus_b = ((number * part + 1.0) / (number + 2.0) for part in (only_a, only_b))
    middle = plus_a - plus_b
    half = math.sqrt((plus_a + plus_b - middle**2) / (number + 2.0))
    half *= critical(sides[0])
    return max(middle - half, -1.0), min(middle + half, 1.0)


def unpaired_difference(parts: tuple[Part, Part], sides: tuple[Errors, Errors]) -> Interval:
    """Return the interval for a difference of two shares of different values.

    Agresti and Caffo's (2000): one success and one failure are added to both; numbers are the
    effective ones.
    """
    numbers = [effective_number(p, side) for p, side in zip(parts, sides, strict=True)]
    plus = [
        (number * part.estimate + 1.0) / (number + 2.0)
        for part, number in zip(parts, numbers, strict=True)
    ]
    middle = plus[0] - plus[1]
    variances = [p * (1.0 - p) / (number + 2.0) for p, number in zip(plus, numbers, strict=True)]
    half = math.sqrt(sum(variances))
    half *= max(critical(side) for side in sides)
    return max(middle - half, -1.0), min(middle + half, 1.0)


def quantile_interval(errors: Errors, q: float) -> Interval:
    """Return the interval for a quantile; infinite on a side that too few errors have.

    Independent errors: two order statistics, which cover the quantile with at least 95 % whatever
    the law, in samples of every size. Errors in clusters: the errors at the ends of a t interval
    for the share below the quantile (Woodruff 1952), which is right for many clusters.
    """
    rising, size = np.sort(errors.values), errors.values.size
    if errors.replications == size:
        low, high = order_ranks(size, q)
    else:
        psi = share_psi(errors, float(np.quantile(rising, q)))
        half = critical(errors) * share_error(psi, q, size)
        low = math.floor(size * (q - half))
        high = math.ceil(size * (q + half)) + 1
    return (
        float(rising[low - 1]) if low >= 1 else -math.inf,
        float(rising[high - 1]) if high <= size else math.inf,
    )
