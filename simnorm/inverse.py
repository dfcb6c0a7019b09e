"""Draws by a table of the inverse distribution function: one uniform makes one draw.

A uniform u is read as the smaller of both tail probabilities, v = min(u, 1 - u), with its side.
The table has a cell for each side, binary exponent of v and leading four bits of its mantissa; in
a cell the quantile is a polynomial in the rest of the mantissa. Cells that shrink with v keep the
tails as accurate as the middle. Tables are built from a law's quantile function, checked between
their nodes, and kept; a law whose quantile function no table follows is inverted draw by draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels

Floats = NDArray[np.float64]
Quantile = Callable[[Floats, Floats], Floats]

# Cells to an octave of v, as bits of its mantissa; exponents from 2^-54, below which no v lies.
CELL_BITS = 4
LOWEST_EXPONENT = -54
CELLS_TO_A_SIDE = (-1 - LOWEST_EXPONENT) << CELL_BITS
DEGREE = 6
# v lies in the middle between two multiples of 2^-53, so that it is never 0 nor 1/2.
HALF_STEP = 2.0**-54

# The largest error of a table in u, and the largest relative one in the tail probability.
LARGEST_ERROR = 1e-11
LARGEST_TAIL_ERROR = 1e-8
# Quantiles are not compared beyond their own rounding.
ROUNDING = 8.0 * np.finfo(float).eps

# How the bits of v are read: which of them name the cell, and which lie in it.
MANTISSA = 52 - CELL_BITS
FIRST_CELL = (1023 + LOWEST_EXPONENT) << CELL_BITS
REST = (1 << MANTISSA) - 1
ONE = 1023 << 52
STRETCH = 2.0 ** (CELL_BITS + 1)


class InverseTable(NamedTuple):
    """A piecewise polynomial for a quantile function.

    Parameters
    ----------
    coefficients
        Highest power first, shape (2 * CELLS_TO_A_SIDE, DEGREE + 1); the lower side comes first.
    error
        Largest error in u that the check found.
    tail_error
        Largest error in u, relative to the tail probability v.
    """

    coefficients: Floats
    error: float
    tail_error: float

    @classmethod
    def of(cls, quantile: Quantile) -> InverseTable:
        """Build and check the table of a quantile function of (lower, upper) probabilities."""
        nodes = -np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
        values = _at(quantile, nodes)
        with np.errstate(all="ignore"):
            coefficients = np.linalg.solve(np.vander(nodes), values.T).T.copy()
        error, tail_error = _errors(quantile, coefficients)
        return cls(coefficients, error, tail_error)

    @property
    def holds(self) -> bool:
        """Whether the table follows the quantile function closely enough to draw by it."""
        return self.error <= LARGEST_ERROR and self.tail_error <= LARGEST_TAIL_ERROR

    def fill(self, rng: np.random.Generator, out: Floats) -> None:
        """Fill the C-contiguous `out`, the same bits whether compiled or not."""
        rng.random(out=out)
        compiled = compiled_kernels()
        if compiled is not None:
            compiled.look_up(self.coefficients, out)
            return
        upper, v = _tails(out)
        bits = v.view(np.int64)
        cell = (bits >> MANTISSA) - FIRST_CELL + upper * CELLS_TO_A_SIDE
        x = (((bits & REST) | ONE).view(np.float64) - 1.0) * STRETCH - 1.0
        rows = self.coefficients[cell]
        value = rows[..., 0]
        for power in range(1, DEGREE + 1):
            value = value * x + rows[..., power]
        out[...] = value


def fill_directly(quantile: Quantile, rng: np.random.Generator, out: Floats) -> None:
    """Fill `out` by the quantile function itself, from the uniforms that a table would use."""
    rng.random(out=out)
    upper, v = _tails(out)
    out[...] = quantile(np.where(upper, 1.0 - v, v), np.where(upper, v, 1.0 - v))


def _tails(u: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Return on which side uniforms lie, and the smaller of both tail probabilities."""
    upper = u >= 0.5
    return upper, np.where(upper, (1.0 - u) - HALF_STEP, u + HALF_STEP)


def _cells() -> tuple[Floats, Floats]:
    """Return the lower end and the width in v of every cell of a side."""
    octave, part = np.divmod(np.arange(CELLS_TO_A_SIDE), 1 << CELL_BITS)
    base = 2.0 ** (LOWEST_EXPONENT + octave)
    return base * (1.0 + part / (1 << CELL_BITS)), base / (1 << CELL_BITS)


def _at(quantile: Quantile, places: Floats) -> Floats:
    """Return the quantiles at `places` in [-1, 1] of every cell, shape (cells, places)."""
    start, width = _cells()
    v = start[:, np.newaxis] + width[:, np.newaxis] * (places + 1.0) / 2.0
    with np.errstate(all="ignore"):
        return np.concatenate([quantile(v, 1.0 - v), quantile(1.0 - v, v)])


def _errors(quantile: Quantile, coefficients: Floats) -> tuple[float, float]:
    """Return the largest error in u between the nodes, absolute and relative to v."""
    start, width = _cells()
    places = np.array([-0.999, -0.93, -0.6, -0.2, 0.22, 0.61, 0.92, 0.999])
    expected = _at(quantile, places)
    powers = np.vander(places, DEGREE + 1)
    slopes = np.vander(places, DEGREE) * np.arange(DEGREE, 0, -1)
    with np.errstate(all="ignore"):
        gap = np.abs(coefficients @ powers.T - expected)
        gap = np.where(gap <= ROUNDING * np.abs(expected), 0.0, gap)
        # dQ/dv from the polynomial: an error of Q over it is one of u.
        slope = np.abs(coefficients[:, :-1] @ slopes.T) * (2.0 / np.tile(width, 2))[:, np.newaxis]
        error = np.where(gap == 0.0, 0.0, gap / slope)
        relative = error / np.tile(start, 2)[:, np.newaxis]
    # NaN, from quantiles that are not finite, must not pass as small.
    return tuple(float(np.max(np.nan_to_num(e, nan=np.inf))) for e in (error, relative))  # type: ignore[return-value]
