"""Helpers to write quantile functions that keep their digits in both tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_side(
    quantile: Callable[[Floats], Any],
    survival: Callable[[Floats], Any],
    lower: Floats,
    upper: Floats,
) -> Floats:
    """Return quantiles from the inverse of the cdf or, above the median, of 1 - cdf."""
    below = lower < upper
    with np.errstate(all="ignore"):
        return np.asarray(
            np.where(
                below, quantile(np.where(below, lower, 0.5)), survival(np.where(below, 0.5, upper))
            )
        )


def by_symmetry(quantile: Callable[[Floats], Any], lower: Floats, upper: Floats) -> Floats:
    """Return the quantiles of a law symmetric about 0 from those of its lower half."""
    with np.errstate(all="ignore"):
        return np.asarray(np.copysign(quantile(np.minimum(lower, upper)), lower - upper))


def minus_log(p: Floats, complement: Floats) -> Floats:
    """Return -log(p), given 1 - p too: next to p = 1 it is the complement that has the digits."""
    with np.errstate(all="ignore"):
        return np.where(p < complement, -np.log(p), -np.log1p(-complement))


def bisect(enough: Callable[[Floats], NDArray[np.bool_]], low: Floats, high: Floats) -> Floats:
    """Return the smallest doubles for which `enough` holds, between `low` and `high`."""
    low, high = np.array(low), np.array(high)
    with np.errstate(all="ignore"):
        while True:
            middle = low + (high - low) / 2.0
            inside = (low < middle) & (middle < high)
            if not inside.any():
                return high
            found = enough(middle)
            high = np.where(inside & found, middle, high)
            low = np.where(inside & ~found, middle, low)
