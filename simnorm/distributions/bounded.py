"""Laws on the interval from 0 to 1."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from simnorm.distributions.base import Distribution, Floats, Moments
from simnorm.distributions.moments import ORDERS, AllMoments, Even, from_raw

# Below this the distribution function of a beta law is the first term of its series.
FIRST_TERM = 1e-20


@dataclass(frozen=True, kw_only=True)
class Triangular(Distribution):
    """The triangular law on [0, 1] with its peak at `c`."""

    c: float = 0.5

    word: ClassVar[str] = "triangular"
    note: ClassVar[str] = "on [0, 1], peak at c"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"c": (0.0, 1.0)}
    closed: ClassVar[tuple[str, ...]] = ("c",)

    def standard_moments(self) -> Moments:  # noqa: D102
        return _triangular_moments(self.c).moments

    def even_moments(self) -> Even:  # noqa: D102
        return _triangular_moments(self.c).even

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, 1.0)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        z, tiny = np.clip(x, 0.0, 1.0), np.finfo(float).tiny
        rising, falling = z * z / max(self.c, tiny), (1.0 - z) ** 2 / max(1.0 - self.c, tiny)
        left = z < self.c
        # Where the peak is at 0, 1 - falling has no digits next to it.
        rest = self.c + (z - self.c) * (2.0 - z - self.c) / max(1.0 - self.c, tiny)
        return np.where(left, rising, rest), np.where(left, 1.0 - rising, falling)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        # Right of the peak 1 - root, without the difference.
        root = np.sqrt((1.0 - self.c) * upper)
        falling = (self.c + (1.0 - self.c) * lower) / (1.0 + root)
        return np.where(lower < self.c, np.sqrt(self.c * lower), falling)

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return (self.c,) if 0.0 < self.c < 1.0 else ()

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        rng.random(out=out)
        out[...] = self.standard_quantile(out, 1.0 - out)


@functools.lru_cache(maxsize=256)
def _triangular_moments(c: float) -> AllMoments:
    # E X^r = 2 (1 + c + ... + c^r) / ((r + 1)(r + 2)), which holds at the ends too.
    peak = Fraction(c)
    return from_raw(
        2 * sum((peak**i for i in range(r + 1)), Fraction(0)) / ((r + 1) * (r + 2))
        for r in range(1, ORDERS + 1)
    )


@dataclass(frozen=True, kw_only=True)
class Beta(Distribution):
    """The beta law of shapes `a` and `b` on [0, 1]."""

    a: float = 2.0
    b: float = 5.0

    word: ClassVar[str] = "beta"
    note: ClassVar[str] = "on [0, 1], mean a/(a + b)"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"a": (1e-3, 1e6), "b": (1e-3, 1e6)}

    def standard_moments(self) -> Moments:  # noqa: D102
        return _beta_moments(self.a, self.b).moments

    def even_moments(self) -> Even:  # noqa: D102
        return _beta_moments(self.a, self.b).even

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, 1.0)

    def standard_pivot(self) -> float:  # noqa: D102
        # Below 1 the nearer shape piles up draws at an end, which may round to that very end.
        if min(self.a, self.b) >= 1.0:
            return self.standard_moments().mean
        return 0.0 if self.a <= self.b else 1.0

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        from scipy.special import betainc, betaincc

        z = np.clip(x, 0.0, 1.0)
        return betainc(self.a, self.b, z), betaincc(self.a, self.b, z)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        below = lower < upper
        low = _beta_below(self.a, self.b, np.where(below, lower, 0.5))
        high = 1.0 - _beta_below(self.b, self.a, np.where(below, 0.5, upper))
        return np.where(below, low, high)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        out[...] = rng.beta(self.a, self.b, size=out.shape)


@functools.lru_cache(maxsize=256)
def _beta_moments(a: float, b: float) -> AllMoments:
    # E X^r is the product of (a + i) / (a + b + i).
    first, both = Fraction(a), Fraction(a) + Fraction(b)
    raw = [Fraction(1)]
    for i in range(ORDERS):
        raw.append(raw[-1] * (first + i) / (both + i))
    return from_raw(raw[1:])


def _beta_below(a: float, b: float, p: Floats) -> Floats:
    """Return the quantiles at p <= 1/2; scipy's give up where they are next to 0."""
    from scipy.special import betaincinv, betaln

    with np.errstate(all="ignore"):
        first = np.exp((np.log(p) + np.log(a) + betaln(a, b)) / a)
        tiny = first < FIRST_TERM
        return np.asarray(np.where(tiny, first, betaincinv(a, b, np.where(tiny, 0.5, p))))
