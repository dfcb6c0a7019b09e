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


def by_half(survival: Callable[[Floats], Any], x: Floats) -> tuple[Floats, Floats]:
    """Return P(X <= x) and P(X > x) of a law symmetric about 0 from P(X > z) for z >= 0."""
    tail = survival(np.abs(x))
    return np.where(x < 0.0, tail, 1.0 - tail), np.where(x < 0.0, 1.0 - tail, tail)


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
            middle = _middle(below, above)
            inside = (below < middle) & (middle < above)
            found = enough(_doubles(middle))
            above = np.where(inside & found, middle, above)
            below = np.where(inside & ~found, middle, below)
    return _doubles(above)


def _ranks(x: Floats) -> NDArray[np.int64]:
    """Return whole numbers in the order of the doubles, neighbours for neighbours."""
    bits = np.array(x, dtype=np.float64).view(np.int64)
    return np.asarray(bits ^ ((bits >> 63) & np.int64(2**63 - 1)))


def _middle(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray((one >> 1) + (other >> 1) + (one & other & 1))


def _doubles(ranks: NDArray[np.int64]) -> Floats:
    bits = ranks ^ ((ranks >> 63) & np.int64(2**63 - 1))
    return bits.view(np.float64) + 0.0


# Steps after which a bracket is a neighbourhood of doubles, were all of them halvings.
MOST_STEPS = 200
SAME = 4.0 * np.finfo(float).eps


def find(gap: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Return where a rising function is 0, between `low`, where it is not above, and `high`.

    Inverse quadratic interpolation where it is safe, by the rule of Chandrupatla (1997), and
    halving of the doubles between elsewhere, for all places at once.
    """
    shape = np.shape(low)
    found = np.array(high, dtype=np.float64).ravel()
    with np.errstate(all="ignore"):
        active = np.flatnonzero(np.ravel(low) < found)
        a, b = found.copy(), np.array(low, dtype=np.float64).ravel()
        fa, fb = np.ravel(gap(a.reshape(shape))), np.ravel(gap(b.reshape(shape)))
        c, fc = b.copy(), fb.copy()
        x = _doubles(_middle(_ranks(a), _ranks(b)))
        for _ in range(MOST_STEPS):
            whole = found.copy()
            whole[active] = x[active]
            fx = np.ravel(gap(whole.reshape(shape)))
            same = np.sign(fx) == np.sign(fa)
            c, fc = np.where(same, a, b), np.where(same, fa, fb)
            b, fb = np.where(same, b, a), np.where(same, fb, fa)
            a, fa = x, fx
            best = np.where(np.abs(fa) < np.abs(fb), a, b)
            found[active] = best[active]
            spread = SAME * np.abs(best) / np.abs(b - a)
            active = active[((fa != 0.0) & (fb != 0.0) & (spread < 0.5))[active]]
            if active.size == 0:
                break
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            quadratic = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
            inverse = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (
                fc - fb
            )
            step = a + np.clip(inverse, spread, 1.0 - spread) * (b - a)
            x = np.where(quadratic, step, _doubles(_middle(_ranks(a), _ranks(b))))
    return found.reshape(shape)
