"""A quantile function and moments from nothing but a density.

The support is cut into panels in which a polynomial follows the density to its last digits; they
shrink towards finite ends and grow towards infinite ones. Beyond the outermost panels a density
with a power at its end goes on as that power. Probabilities are summed from either end, so both
tails keep their digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.distributions.base import INFINITE, Floats, Tails
from simnorm.distributions.moments import AllMoments, from_expectation

ORDER = 24
NODES, WEIGHTS = np.polynomial.legendre.leggauss(ORDER)
# From values at the nodes to Legendre coefficients.
TO_SERIES = np.linalg.inv(np.polynomial.legendre.legvander(NODES, ORDER - 1))
# Within a panel the density falls by no more than this, or relative digits would be lost.
LARGEST_FALL = 30.0
RELATIVE = 1e-13
SMALLEST_MASS = 1e-305
DEEPEST = 40
COARSEST = 1.0 / 16.0
MOST_PANELS = 4096
# Next to an end that is not 0, doubles lose the distance to it; powers go on from here.
HALVINGS = 26
MOST_HALVINGS = 1000
DOUBLINGS = 130
NEWTON_STEPS = 80


class Panels:
    """The law of a density.

    Parameters
    ----------
    density
        A function of an array of values.
    support
        Ends of the support.
    marks
        A few rising quantiles, of which one is near the middle.
    tails
        The tail indices.
    """

    def __init__(
        self,
        density: Callable[[Floats], Floats],
        support: tuple[float, float],
        marks: Sequence[float],
        tails: Tails,
    ) -> None:
        self.support, self.tails = support, tails
        self._density = density
        self.middle = middle = marks[len(marks) // 2]
        edges = [
            *reversed(self._outward(middle, marks[0], support[0], tails.lower)),
            *marks,
            *self._outward(middle, marks[-1], support[1], tails.upper),
        ]
        start = np.unique(np.array(edges))
        self.left, self.width, values = self._refined(start[:-1], np.diff(start))
        self.series = np.polynomial.legendre.legint(TO_SERIES @ values.T, lbnd=-1.0)
        self.x = self.left[:, np.newaxis] + self.width[:, np.newaxis] * (NODES + 1.0) / 2.0
        self.weights = values * WEIGHTS * self.width[:, np.newaxis] / 2.0
        self.mass = self.weights.sum(axis=1)
        self.beyond = (self._end_mass(0), self._end_mass(1))
        self.below = np.concatenate([[0.0], np.cumsum(self.mass)]) + self.beyond[0][0]
        self.above = np.concatenate([np.cumsum(self.mass[::-1])[::-1], [0.0]]) + self.beyond[1][0]

    @property
    def total(self) -> float:
        """Return the probability of everything, which should be 1."""
        return float(self.below[-1] + self.beyond[1][0])

    def _outward(self, middle: float, last: float, end: float, index: float) -> list[float]:
        """Return edges from the last mark to the end, or until the density vanishes."""
        edges: list[float] = []
        if math.isfinite(end):
            most = MOST_HALVINGS if end == 0.0 else HALVINGS
            steps = [end + (last - end) * 2.0**-j for j in range(1, most)]
        else:
            most = DOUBLINGS if math.isfinite(index) else MOST_HALVINGS
            steps = [middle + (last - middle) * 2.0**j for j in range(1, most)]
        for x in steps:
            edges.append(x)
            if not 0.0 < self._values(np.array([x]))[0] < INFINITE:
                break
        return edges

    def _values(self, x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.nan_to_num(self._density(x), nan=0.0, posinf=0.0)

    def _refined(self, left: Floats, width: Floats) -> tuple[Floats, Floats, Floats]:
        """Halve panels until their integral is that of their halves and the density is tame."""
        done: list[tuple[Floats, Floats, Floats]] = []
        values = self._at(left, width)
        for depth in range(DEEPEST + 1):
            both = np.repeat(width / 2.0, 2)
            parts = np.column_stack([left, left + width / 2.0]).ravel()
            finer = self._at(parts, both)
            whole = (values @ WEIGHTS) * width / 2.0
            halves = ((finer @ WEIGHTS) * both / 2.0).reshape(-1, 2).sum(axis=1)
            with np.errstate(all="ignore"):
                fall = values.max(axis=1) / values.min(axis=1)
            # Narrow panels far from 0 hear the rounding of x.
            grain = np.spacing(np.abs(left) + width) / width
            rough = np.abs(whole - halves) > (RELATIVE + 8.0 * grain) * halves
            rough |= (fall > LARGEST_FALL) & (halves > 0.0)
            rough &= halves > SMALLEST_MASS
            rough &= (grain < COARSEST) & (depth < DEEPEST) & (left.size < MOST_PANELS)
            done.append((left[~rough], width[~rough], values[~rough]))
            again = np.repeat(rough, 2)
            left, width, values = parts[again], both[again], finer[again]
            if not left.size:
                break
        found = [np.concatenate(part) for part in zip(*done, strict=True)]
        order = np.argsort(found[0], kind="stable")
        return found[0][order], found[1][order], found[2][order]

    def _at(self, left: Floats, width: Floats) -> Floats:
        x = left[:, np.newaxis] + width[:, np.newaxis] * (NODES + 1.0) / 2.0
        return self._values(x.ravel()).reshape(x.shape)

    def _end_mass(self, side: int) -> tuple[float, float, float]:
        """Return the mass beyond the panels of a side, the distance of their end and its power.

        Beyond, the mass is proportional to distance^power, the distance from a finite end or, with
        a negative power, from 0.
        """
        end = self.support[side]
        edge = self.left[0] if side == 0 else self.left[-1] + self.width[-1]
        value = self._values(np.array([edge]))[0]
        if math.isfinite(end):
            distance = abs(edge - end)
            further = end + (edge - end) * 2.0 ** (6 if end else 2)
            other = self._values(np.array([further]))[0]
            if not (value > 0.0 and other > 0.0):
                return (0.0, distance, 1.0)
            power = 1.0 + math.log(other / value) / math.log(abs(further - end) / distance)
        else:
            distance, power = abs(edge), -self.tails[side]
            if math.isinf(power):
                return (0.0, distance, 1.0)
        mass = (
            value * distance / abs(power) if power * (1 if math.isfinite(end) else -1) > 0 else 0.0
        )
        return (float(mass), float(distance), power)

    def quantile(self, lower: Floats, upper: Floats) -> Floats:
        """Return the quantiles at probabilities `lower` = 1 - `upper`."""
        shape = np.shape(lower)
        lower, upper = np.ravel(lower), np.ravel(upper)
        from_below = lower < upper
        found = np.empty(lower.shape)
        last = self.mass.size - 1
        panel = np.where(
            from_below,
            np.searchsorted(self.below, lower, side="right") - 1,
            last - (np.searchsorted(self.above[::-1], upper, side="right") - 1),
        )
        inside = np.clip(panel, 0, last)
        # The mass from the panel's left edge to the quantile.
        part = np.where(from_below, lower - self.below[inside], self.above[inside] - upper)
        t = self._solved(inside, part / (self.width[inside] / 2.0))
        found = self.left[inside] + self.width[inside] * (t + 1.0) / 2.0
        for side, p, out in ((0, lower, panel < 0), (1, upper, panel > last)):
            out &= from_below if side == 0 else ~from_below
            found[out] = self._continued(side, p[out])
        return np.asarray(found.reshape(shape))

    def probabilities(self, x: Floats) -> tuple[Floats, Floats]:
        """Return P(X <= x) and P(X > x)."""
        shape, x = np.shape(x), np.ravel(x)
        last = self.mass.size - 1
        panel = np.searchsorted(self.left, x, side="right") - 1
        i = np.clip(panel, 0, last)
        t = np.clip(2.0 * (x - self.left[i]) / self.width[i] - 1.0, -1.0, 1.0)
        part = np.polynomial.legendre.legval(t, self.series[:, i], tensor=False)
        part *= self.width[i] / 2.0
        below, above = self.below[i] + part, self.above[i] - part
        right = x > self.left[-1] + self.width[-1]
        for side, out in ((0, panel < 0), (1, right)):
            mass, distance, power = self.beyond[side]
            end = self.support[side]
            away = np.abs(x[out] - end) if math.isfinite(end) else np.abs(x[out])
            outside = x[out] <= end if side == 0 else x[out] >= end
            with np.errstate(all="ignore"):
                tail = np.where(outside, 0.0, mass * (away / distance) ** power)
            (below, above)[side][out], (above, below)[side][out] = tail, 1.0 - tail
        return below.reshape(shape), above.reshape(shape)

    def _solved(self, panel: NDArray[np.intp], target: Floats) -> Floats:
        """Return the place in [-1, 1] where the integral of the panel's polynomial is `target`."""
        series = self.series[:, panel]
        slope = np.polynomial.legendre.legder(series)
        low, high = np.full(target.shape, -1.0), np.full(target.shape, 1.0)
        total = np.polynomial.legendre.legval(np.ones(1), series)[:, 0]
        with np.errstate(all="ignore"):
            t = np.nan_to_num(2.0 * target / total - 1.0)
        t = np.clip(t, -1.0, 1.0)
        for _ in range(NEWTON_STEPS):
            gap = np.polynomial.legendre.legval(t, series, tensor=False) - target
            low, high = np.where(gap < 0.0, t, low), np.where(gap >= 0.0, t, high)
            with np.errstate(all="ignore"):
                step = t - gap / np.polynomial.legendre.legval(t, slope, tensor=False)
            following = np.where((step > low) & (step < high), step, (low + high) / 2.0)
            moved = np.abs(following - t).max(initial=0.0)
            t = following
            if moved < 1e-15:
                break
        return t

    def _continued(self, side: int, p: Floats) -> Floats:
        mass, distance, power = self.beyond[side]
        end = self.support[side]
        if mass == 0.0:
            edge = self.left[0] if side == 0 else self.left[-1] + self.width[-1]
            return np.full(p.shape, end if math.isfinite(end) else edge)
        with np.errstate(all="ignore"):
            far = distance * (p / mass) ** (1.0 / power)
        if not math.isfinite(end):
            return -far if side == 0 else far
        return end + far if side == 0 else end - far

    def moments(self) -> AllMoments:
        """Return the law's moments, by the same panels."""

        def expectation(centre: float, unit: float, order: int) -> float:
            total = float((((self.x - centre) / unit) ** order * self.weights).sum())
            for side, sign in ((0, -1.0), (1, 1.0)):
                mass, distance, _ = self.beyond[side]
                end, index = self.support[side], self.tails[side]
                if math.isfinite(end):
                    total += mass * ((end - centre) / unit) ** order
                elif mass > 0.0:
                    # E X^order beyond the distance d is d^order mass / (1 - order / index).
                    total += (sign * distance / unit) ** order * mass / (1.0 - order / index)
            return total

        return from_expectation(expectation, self.middle, self.tails)
