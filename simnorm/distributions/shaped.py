"""Laws whose one shape runs from heavy to light tails."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from simnorm.distributions.base import INFINITE, LIGHT, Distribution, Floats, Moments, Tails
from simnorm.distributions.moments import ORDERS, AllMoments, Even, from_quantiles, from_raw
from simnorm.distributions.quantiles import by_half, by_symmetry, minus_log

# Where the incomplete gamma function is its first term, to the last digit.
FIRST_TERM = 1e-20


@dataclass(frozen=True, kw_only=True)
class Weibull(Distribution):
    """The law of E^(1/c), E exponential."""

    c: float = 1.5

    word: ClassVar[str] = "weibull"
    note: ClassVar[str] = "exponential to the power 1/c"
    # Eighth moments leave the range of doubles below, differences of doubles next to 1 above.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"c": (0.05, 1e6)}

    def standard_moments(self) -> Moments:  # noqa: D102
        deviations = _weibull_deviations(self.c).moments
        mean = math.gamma(1.0 + 1.0 / self.c)
        return deviations._replace(mean=mean, variance=deviations.variance / self.c**2)

    def even_moments(self) -> Even:  # noqa: D102
        return _weibull_deviations(self.c).even

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_pivot(self) -> float:  # noqa: D102
        # For a small shape the mean and the sd are far beyond nearly all that is drawn.
        return math.exp(math.log(math.log(2.0)) / self.c)

    def standard_unit(self) -> float:  # noqa: D102
        return 1.0 / max(self.c, 1.0)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        y = np.maximum(x, 0.0) ** self.c
        return -np.expm1(-y), np.exp(-y)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return minus_log(upper, lower) ** (1.0 / self.c)


@functools.lru_cache(maxsize=256)
def _weibull_deviations(c: float) -> AllMoments:
    """Return the moments of c (X - 1): X itself is next to 1 for a large shape."""

    def quantile(lower: Floats, upper: Floats) -> Floats:
        return c * np.expm1(np.log(minus_log(upper, lower)) / c)

    return from_quantiles(quantile, LIGHT)


@dataclass(frozen=True, kw_only=True)
class Pareto(Distribution):
    """The Pareto law from 1 upward; moments of order `b` and above do not exist."""

    b: float = 3.0

    word: ClassVar[str] = "pareto"
    note: ClassVar[str] = "power tail, moments below order b only"
    # Fourth powers of draws stay within doubles.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"b": (0.25, 1e6)}

    def standard_moments(self) -> Moments:  # noqa: D102
        return _pareto_moments(self.b).moments

    def even_moments(self) -> Even:  # noqa: D102
        return _pareto_moments(self.b).even

    def tails(self) -> Tails:  # noqa: D102
        return Tails(INFINITE, self.b)

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (1.0, INFINITE)

    def standard_pivot(self) -> float:  # noqa: D102
        # The mean may be beyond nearly all that is drawn, or not exist.
        return math.exp(math.log(2.0) / self.b)

    def standard_unit(self) -> float:  # noqa: D102
        return 1.0 / max(self.b, 1.0)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        y = self.b * np.log(np.maximum(x, 1.0))
        return -np.expm1(-y), np.exp(-y)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        with np.errstate(all="ignore"):
            return np.exp(minus_log(upper, lower) / self.b)


@functools.lru_cache(maxsize=256)
def _pareto_moments(b: float) -> AllMoments:
    # E X^r = b / (b - r), of which moments about the mean lose all digits in doubles.
    return from_raw(Fraction(b) / (Fraction(b) - r) for r in range(1, ORDERS + 1) if r < b)


@dataclass(frozen=True, kw_only=True)
class GenNormal(Distribution):
    """The generalized normal law: a density like exp(-|x|^beta)."""

    beta: float = 1.5

    word: ClassVar[str] = "gennormal"
    note: ClassVar[str] = "density like exp(-|x|^beta)"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"beta": (0.1, 100.0)}

    def standard_moments(self) -> Moments:  # noqa: D102
        variance = math.exp(self._log_ratio(2))
        kurtosis = math.exp(self._log_ratio(4) - 2.0 * self._log_ratio(2))
        return Moments(0.0, variance, 0.0, kurtosis - 3.0)

    def even_moments(self) -> Even:  # noqa: D102
        sixth, eighth = (math.exp(self._log_ratio(r) - r / 2 * self._log_ratio(2)) for r in (6, 8))
        return (sixth, eighth)

    def _log_ratio(self, order: int) -> float:
        """Return log E |X|^order."""
        return math.lgamma((order + 1.0) / self.beta) - math.lgamma(1.0 / self.beta)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        from scipy.special import gammaincc

        return by_half(lambda z: 0.5 * gammaincc(1.0 / self.beta, z**self.beta), x)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return by_symmetry(lambda p: -self._distance(p), lower, upper)

    def _distance(self, p: Floats) -> Any:
        """Return |x| where both tails beyond hold 2p: a gamma variable to the power 1/beta."""
        from scipy.special import gammainccinv, gammaincinv

        shape = 1.0 / self.beta
        outer, inner = 2.0 * p, 1.0 - 2.0 * p
        far = gammainccinv(shape, np.where(outer < 0.5, outer, 0.5)) ** shape
        power = gammaincinv(shape, np.where(outer < 0.5, 0.5, inner))
        # Next to 0 the power may leave the doubles, and its root is proportional to `inner`.
        near = np.where(power < FIRST_TERM, inner * math.gamma(1.0 + shape), power**shape)
        return np.where(outer < 0.5, far, near)

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return (0.5,)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        # A gamma variable of shape a is one of shape a + 1 times U^(1/a).
        rng.standard_gamma(1.0 + 1.0 / self.beta, out=out)
        np.power(out, 1.0 / self.beta, out=out)
        out *= 2.0 * rng.random(size=out.shape) - 1.0
