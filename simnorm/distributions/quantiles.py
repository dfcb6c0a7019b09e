"""Helpers to write quantile functions that keep their digits in both tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

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
    """Return the smallest doubles above `low` for which `enough` holds, as it does at `high`.

    The halves are those of the doubles between, not of the distance: 64 steps reach any double.
    """
    below, above = _ranks(low), _ranks(high)
    with np.errstate(all="ignore"):
        while (above - 1 > below).any():
            middle = (below >> 1) + (above >> 1) + (below & above & 1)
            inside = (below < middle) & (middle < above)
            found = enough(_doubles(middle))
            above = np.where(inside & found, middle, above)
            below = np.where(inside & ~found, middle, below)
    return _doubles(above)


def _ranks(x: Floats) -> NDArray[np.int64]:
    """Return whole numbers in the order of the doubles, neighbours for neighbours."""
    bits = np.array(x, dtype=np.float64).view(np.int64)
    return np.asarray(bits ^ ((bits >> 63) & np.int64(2**63 - 1)))


def _doubles(ranks: NDArray[np.int64]) -> Floats:
    bits = ranks ^ ((ranks >> 63) & np.int64(2**63 - 1))
    return bits.view(np.float64) + 0.0


class HasQuantile(Protocol):
    """A law with a quantile function."""

    def quantile(self, lower: Floats, upper: Floats) -> Floats:
        """Return the quantiles at probability `lower` = 1 - `upper`."""


# Halvings of the binary exponent of a probability.
HALVINGS = 62
LOWEST = 1074.0


def probabilities(law: HasQuantile, x: Floats) -> tuple[Floats, Floats]:
    """Return P(X <= x) and P(X > x), both with their digits, from a law's quantiles."""
    x = np.asarray(x, dtype=np.float64)

    def both(s: Floats) -> tuple[Floats, Floats]:
        # From s = -1074, through 1/2 at 0, to 1074: the exponent of the smaller probability.
        smaller = 2.0 ** (-np.abs(s) - 1.0)
        return np.where(s < 0.0, smaller, 1.0 - smaller), np.where(s < 0.0, 1.0 - smaller, smaller)

    low, high = np.full(x.shape, -LOWEST), np.full(x.shape, LOWEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        beyond = law.quantile(*both(middle)) > x
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    below, above = both((low + high) / 2.0)
    none, all_ = low == -LOWEST, high == LOWEST
    below = np.where(none, 0.0, np.where(all_, 1.0, below))
    return below, np.where(none, 1.0, np.where(all_, 0.0, above))
