"""The normal law and what is made from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simnorm.distributions.base import (
    INFINITE,
    Distribution,
    Floats,
    Moments,
    Origin,
    fill_normal,
)
from simnorm.distributions.moments import HALF_NORMAL, Even, from_cumulants
from simnorm.distributions.quantiles import bisect, by_side, by_symmetry


def _ndtr(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _ndtri(p: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(p))


@dataclass(frozen=True, kw_only=True)
class Normal(Distribution):
    """The Gaussian law."""

    word: ClassVar[str] = "normal"
    note: ClassVar[str] = "Gaussian"
    origin: ClassVar[Origin] = "normal"

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.0, 1.0, 0.0, 0.0)

    def even_moments(self) -> Even:  # noqa: D102
        return (15.0, 105.0)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return _ndtr(x), _ndtr(-x)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return by_symmetry(_ndtri, lower, upper)

    @property
    def is_normal(self) -> bool:  # noqa: D102
        return True


@dataclass(frozen=True, kw_only=True)
class LogNormal(Distribution):
    """The law of ``exp(s * Z)``, Z standard normal."""

    s: float = 1.0

    word: ClassVar[str] = "lognormal"
    note: ClassVar[str] = "exp(s Z): moments exist, most are huge"
    # Beyond 4 even the sample moments leave the range of doubles.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"s": (1e-6, 4.0)}

    def standard_moments(self) -> Moments:  # noqa: D102
        # With w = exp(s^2); expm1 keeps the digits of w - 1 for a small s.
        w, above = math.exp(self.s * self.s), math.expm1(self.s * self.s)
        return Moments(
            math.sqrt(w),
            w * above,
            (w + 2.0) * math.sqrt(above),
            above * (w * w * w + 3.0 * w * w + 6.0 * w + 6.0),
        )

    def even_moments(self) -> Even:  # noqa: D102
        # E (X - mean)^r from raw moments cancels for a small s: in doubles nothing would be left.
        with localcontext(prec=120):
            s = Decimal(self.s)
            raw = [(s * s * k * k / 2).exp() for k in range(9)]
            second, sixth, eighth = (
                sum(math.comb(r, k) * raw[k] * (-raw[1]) ** (r - k) for k in range(r + 1))
                for r in (2, 6, 8)
            )
            return (float(sixth / second**3), float(eighth / second**4))

    def standard_pivot(self) -> float:  # noqa: D102
        # For a large s the mean and the sd are far beyond all that is ever drawn.
        return 1.0

    def standard_unit(self) -> float:  # noqa: D102
        return self.s

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        with np.errstate(divide="ignore"):
            z = np.log(np.maximum(x, 0.0)) / self.s
        return _ndtr(z), _ndtr(-z)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return np.asarray(np.exp(self.s * by_symmetry(_ndtri, lower, upper)))


@dataclass(frozen=True, kw_only=True)
class RectifiedNormal(Distribution):
    """The law of ``max(0, Z)``: what a ReLU makes of a Gaussian. Half of it is exactly zero."""

    word: ClassVar[str] = "rectified_normal"
    note: ClassVar[str] = "max(0, Z), a ReLU's output: half is 0"
    origin: ClassVar[Origin] = "own"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        fill_normal(rng, out)
        np.maximum(out, 0.0, out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        # E max(0, Z)^r = E|Z|^r / 2: raw moments m, 1/2, 2m, 3/2 with m = 1/sqrt(2 pi).
        m = 1.0 / math.sqrt(2.0 * math.pi)
        variance = 0.5 - m * m
        third = 2.0 * m - 3.0 * m * 0.5 + 2.0 * m**3
        fourth = 1.5 - 4.0 * m * 2.0 * m + 6.0 * m * m * 0.5 - 3.0 * m**4
        return Moments(m, variance, third / variance**1.5, fourth / variance**2 - 3.0)

    def even_moments(self) -> Even:  # noqa: D102
        # E max(0, Z)^r = E|Z|^r / 2, expanded about the mean; E|Z|^r from the gamma function.
        raw = [1.0] + [
            2.0 ** (r / 2.0 - 1.0) * math.gamma((r + 1.0) / 2.0) / math.sqrt(math.pi)
            for r in range(1, 9)
        ]
        variance = self.standard_moments().variance
        sixth, eighth = (
            sum(math.comb(r, k) * raw[k] * (-raw[1]) ** (r - k) for k in range(r + 1))
            for r in (6, 8)
        )
        return (sixth / variance**3, eighth / variance**4)

    def standard_median(self) -> float:  # noqa: D102
        return 0.0

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_pivot(self) -> float:  # noqa: D102
        # About the atom, a batch of nothing but zeros keeps a variance of exactly zero.
        return 0.0

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return np.where(x < 0.0, 0.0, _ndtr(x)), np.where(x < 0.0, 1.0, _ndtr(-x))

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return np.maximum(by_symmetry(_ndtri, lower, upper), 0.0)

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return (0.5,)

    @property
    def largest_atom(self) -> float:  # noqa: D102
        return 0.5


@dataclass(frozen=True, kw_only=True)
class HalfNormal(Distribution):
    """The law of ``|Z|``."""

    word: ClassVar[str] = "halfnormal"
    note: ClassVar[str] = "|Z|, Z standard normal"

    def standard_moments(self) -> Moments:  # noqa: D102
        return from_cumulants(HALF_NORMAL).moments

    def even_moments(self) -> Even:  # noqa: D102
        return from_cumulants(HALF_NORMAL).even

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        from scipy.special import erf, erfc

        z = np.maximum(x, 0.0) / math.sqrt(2.0)
        return erf(z), erfc(z)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        from scipy.special import erfinv

        return by_side(
            lambda p: math.sqrt(2.0) * erfinv(p), lambda q: -_ndtri(q / 2.0), lower, upper
        )


@dataclass(frozen=True, kw_only=True)
class ContaminatedNormal(Distribution):
    """Tukey's contaminated normal law: with probability `p`, Z is multiplied by `ratio`."""

    p: float = 0.1
    ratio: float = 5.0

    word: ClassVar[str] = "contaminated_normal"
    note: ClassVar[str] = "Z, with probability p times ratio"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"p": (0.0, 1.0), "ratio": (1e-6, 1e6)}

    def _power(self, order: int) -> float:
        """Return E X^order over that of Z, for an even order."""
        return (1.0 - self.p) + self.p * self.ratio**order

    def standard_moments(self) -> Moments:  # noqa: D102
        variance = self._power(2)
        # 3 E s^4 / (E s^2)^2 - 3 for the random scale s: its variance, without a difference.
        spread = self.p * (1.0 - self.p) * (self.ratio**2 - 1.0) ** 2
        return Moments(0.0, variance, 0.0, 3.0 * spread / variance**2)

    def even_moments(self) -> Even:  # noqa: D102
        variance = self._power(2)
        return (15.0 * self._power(6) / variance**3, 105.0 * self._power(8) / variance**4)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        wide = x / self.ratio
        q = 1.0 - self.p
        return q * _ndtr(x) + self.p * _ndtr(wide), q * _ndtr(-x) + self.p * _ndtr(-wide)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return by_symmetry(self._lower_quantile, lower, upper)

    def _lower_quantile(self, p: Floats) -> Floats:
        from scipy.special import ndtr

        def enough(x: Floats) -> NDArray[np.bool_]:
            mixed = (1.0 - self.p) * ndtr(x) + self.p * ndtr(x / self.ratio)
            return np.asarray(mixed >= p)

        z = _ndtri(p)
        wide = z * self.ratio
        return bisect(enough, np.minimum(z, wide), np.maximum(z, wide))

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        fill_normal(rng, out)
        out[rng.random(size=out.shape) < self.p] *= self.ratio
