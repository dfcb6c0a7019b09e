"""Laws on whole numbers. Sums of whole numbers are exact, so equal values have no variance."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simnorm.distributions.base import INFINITE, Distribution, Floats, Moments, Origin
from simnorm.distributions.moments import ORDERS, Even, from_cumulants

# Probabilities nearer to 0 or 1 than this are not told apart from them.
SMALLEST_STEP = 2.0**-54
# Up to this mean a search in the table of probabilities is faster than numpy's own method.
LARGEST_TABLE = 1000.0


def power_of_two(x: float) -> float:
    """Return the power of two next to `x`: division by it leaves whole numbers' sums exact."""
    return math.ldexp(1.0, round(math.log2(x)))


@dataclass(frozen=True, kw_only=True)
class Bernoulli(Distribution):
    """The law of a coin: 1 with probability `p`, else 0."""

    p: float = 0.5

    word: ClassVar[str] = "bernoulli"
    note: ClassVar[str] = "1 with probability p, else 0"
    origin: ClassVar[Origin] = "own"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"p": (1e-9, 1.0 - 1e-9)}

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        rng.random(out=out)
        np.less(out, self.p, out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        p, q = self.p, 1.0 - self.p
        return Moments(p, p * q, (q - p) / math.sqrt(p * q), (1.0 - 6.0 * p * q) / (p * q))

    def even_moments(self) -> Even:  # noqa: D102
        # E (X - p)^r = p q^r + q p^r for an even r.
        p, q = self.p, 1.0 - self.p
        sixth, eighth = ((q ** (r - 1) + p ** (r - 1)) / (p * q) ** (r // 2 - 1) for r in (6, 8))
        return (sixth, eighth)

    @functools.cached_property
    def squares_kurtosis(self) -> float:  # noqa: D102
        # (X - p)^2 takes two values, with the probabilities of X itself; at p = 1/2, where they
        # are equal, this is the limit.
        return self.standard_moments().excess_kurtosis

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, 1.0)

    def standard_pivot(self) -> float:  # noqa: D102
        return float(self.p > 0.5)

    def standard_unit(self) -> float:  # noqa: D102
        return power_of_two(math.sqrt(self.p * (1.0 - self.p)))

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        below = np.where(x < 0.0, 0.0, np.where(x < 1.0, 1.0 - self.p, 1.0))
        return below, np.where(x < 0.0, 1.0, np.where(x < 1.0, self.p, 0.0))

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        below = np.where(lower < upper, lower <= 1.0 - self.p, upper >= self.p)
        return np.where(below, 0.0, 1.0)

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return (1.0 - self.p,)

    @property
    def largest_atom(self) -> float:  # noqa: D102
        return max(self.p, 1.0 - self.p)


@dataclass(frozen=True, kw_only=True)
class Poisson(Distribution):
    """The Poisson law with mean `mu`."""

    mu: float = 3.0

    word: ClassVar[str] = "poisson"
    note: ClassVar[str] = "counts with mean and variance mu"
    origin: ClassVar[Origin] = "own"
    # Beyond a million it is the normal law, up to a thousandth of a standard deviation.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"mu": (1e-9, 1e6)}

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        if self.mu > LARGEST_TABLE:
            out[...] = rng.poisson(self.mu, size=out.shape)
            return
        rng.random(out=out)
        out[...] = np.searchsorted(_poisson_table(self.mu), out, side="right")

    def standard_moments(self) -> Moments:  # noqa: D102
        return from_cumulants([self.mu] * ORDERS).moments

    def even_moments(self) -> Even:  # noqa: D102
        return from_cumulants([self.mu] * ORDERS).even

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_pivot(self) -> float:  # noqa: D102
        return math.floor(self.mu)

    def standard_unit(self) -> float:  # noqa: D102
        return power_of_two(math.sqrt(self.mu))

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        from scipy.special import pdtr, pdtrc

        k = np.maximum(np.floor(x), 0.0)
        none = x < 0.0
        return np.where(none, 0.0, pdtr(k, self.mu)), np.where(none, 1.0, pdtrc(k, self.mu))

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        from scipy.special import pdtr, pdtrc

        # Bisection over whole numbers: P(X <= low) is too small, P(X <= high) is not.
        low: Floats = np.full(np.shape(lower), -1.0)
        high: Floats = np.full(np.shape(lower), _highest(self.mu))
        while np.any(high - low > 1.0):
            middle = np.floor((low + high) / 2.0)
            enough = np.where(
                lower < upper, pdtr(middle, self.mu) >= lower, pdtrc(middle, self.mu) <= upper
            )
            inside = high - low > 1.0
            high = np.where(enough & inside, middle, high)
            low = np.where(~enough & inside, middle, low)
        return np.asarray(np.where(upper == 0.0, INFINITE, np.where(lower == 0.0, 0.0, high)))

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return _poisson_knots(self.mu)

    @property
    def largest_atom(self) -> float:  # noqa: D102
        mode = math.floor(self.mu)
        return math.exp(mode * math.log(self.mu) - self.mu - math.lgamma(mode + 1.0))


def _highest(mu: float) -> float:
    """Return a number that is exceeded with a probability below the smallest double."""
    # P(X >= mu + t) <= exp(-t^2 / (2 mu + 2 t / 3)).
    return math.ceil(mu + math.sqrt(1500.0 * mu) + 700.0)


@functools.lru_cache(maxsize=64)
def _poisson_table(mu: float) -> Floats:
    """Return P(X <= k) for k = 0, 1, ... until it is 1."""
    from scipy.special import pdtr

    below: Floats = np.asarray(pdtr(np.arange(_highest(mu)), mu), dtype=np.float64)
    return below[: int(np.searchsorted(below, 1.0)) + 1]


@functools.lru_cache(maxsize=64)
def _poisson_knots(mu: float) -> tuple[float, ...]:
    below = _poisson_table(mu)
    inside = below[(below > SMALLEST_STEP) & (below < 1.0 - SMALLEST_STEP)]
    return tuple(np.unique(inside).tolist())
