"""Continuous laws with textbook formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simnorm.distributions.base import (
    INFINITE,
    UNDEFINED,
    Distribution,
    Floats,
    Moments,
    Origin,
    Tails,
)
from simnorm.distributions.moments import ORDERS, Even, from_cumulants
from simnorm.distributions.quantiles import by_half, by_side, by_symmetry, minus_log


@dataclass(frozen=True, kw_only=True)
class Uniform(Distribution):
    """The uniform law on [loc, loc + scale)."""

    word: ClassVar[str] = "uniform"
    note: ClassVar[str] = "flat on [loc, loc + scale)"
    origin: ClassVar[Origin] = "uniform"

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.5, 1.0 / 12.0, 0.0, -1.2)

    def even_moments(self) -> Even:  # noqa: D102
        return (27.0 / 7.0, 9.0)

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, 1.0)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return np.clip(x, 0.0, 1.0), np.clip(1.0 - x, 0.0, 1.0)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: ARG002, D102
        return np.array(lower)


@dataclass(frozen=True, kw_only=True)
class Laplace(Distribution):
    """The double exponential law."""

    word: ClassVar[str] = "laplace"
    note: ClassVar[str] = "double exponential, excess kurtosis 3"

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.0, 2.0, 0.0, 3.0)

    def even_moments(self) -> Even:  # noqa: D102
        return (90.0, 2520.0)  # r!/2^(r/2)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return by_half(lambda z: 0.5 * np.exp(-z), x)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return by_symmetry(lambda p: np.log(2.0 * p), lower, upper)

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return (0.5,)


@dataclass(frozen=True, kw_only=True)
class Logistic(Distribution):
    """The logistic law."""

    word: ClassVar[str] = "logistic"
    note: ClassVar[str] = "excess kurtosis 1.2"

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.0, math.pi**2 / 3.0, 0.0, 1.2)

    def even_moments(self) -> Even:  # noqa: D102
        # The difference of two Gumbel laws: twice their even cumulants.
        return from_cumulants([2.0 * k if r % 2 else 0.0 for r, k in enumerate(GUMBEL)]).even

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        from scipy.special import expit

        return expit(x), expit(-x)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        # log(p / (1 - p)), which keeps its digits next to 1/2 as -2 artanh(1 - 2p).
        return by_symmetry(
            lambda p: np.where(
                p < 0.25, np.log(p) - np.log1p(-p), -2.0 * np.arctanh(1.0 - 2.0 * p)
            ),
            lower,
            upper,
        )


# Cumulants of order 1 to 8 of the Gumbel law: Euler's constant, then (r - 1)! zeta(r).
ZETA = (1.2020569031595942, 1.03692775514337, 1.00834927738192283)
GUMBEL = (
    0.5772156649015329,
    math.pi**2 / 6.0,
    2.0 * ZETA[0],
    6.0 * math.pi**4 / 90.0,
    24.0 * ZETA[1],
    120.0 * math.pi**6 / 945.0,
    720.0 * ZETA[2],
    5040.0 * math.pi**8 / 9450.0,
)


@dataclass(frozen=True, kw_only=True)
class Gumbel(Distribution):
    """The Gumbel law of largest values."""

    word: ClassVar[str] = "gumbel"
    note: ClassVar[str] = "largest values, excess kurtosis 2.4"

    def standard_moments(self) -> Moments:  # noqa: D102
        return from_cumulants(GUMBEL).moments

    def even_moments(self) -> Even:  # noqa: D102
        return from_cumulants(GUMBEL).even

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        with np.errstate(over="ignore"):
            y: Floats = np.exp(-x)
            return np.exp(-y), -np.expm1(-y)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        with np.errstate(all="ignore"):
            return -np.log(minus_log(lower, upper))


@dataclass(frozen=True, kw_only=True)
class Exponential(Distribution):
    """The exponential law with mean `scale`, starting at `loc`."""

    word: ClassVar[str] = "exponential"
    note: ClassVar[str] = "skewness 2, excess kurtosis 6"
    origin: ClassVar[Origin] = "exponential"

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(1.0, 1.0, 2.0, 6.0)

    def even_moments(self) -> Even:  # noqa: D102
        return (265.0, 14_833.0)

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        y = np.maximum(x, 0.0)
        return -np.expm1(-y), np.exp(-y)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return minus_log(upper, lower)


@dataclass(frozen=True, kw_only=True)
class Gamma(Distribution):
    """The gamma law of shape `a`."""

    a: float = 2.0

    word: ClassVar[str] = "gamma"
    note: ClassVar[str] = "shape a: skewness 2/sqrt(a)"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"a": (1e-6, 1e12)}

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(self.a, self.a, 2.0 / math.sqrt(self.a), 6.0 / self.a)

    def even_moments(self) -> Even:  # noqa: D102
        return from_cumulants([math.factorial(r) * self.a for r in range(ORDERS)]).even

    def standard_pivot(self) -> float:  # noqa: D102
        # For a small shape nearly all draws are next to nothing.
        return self.a if self.a >= 1.0 else 0.0

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        # For a small shape the quantiles fall too steeply, down to 0.
        rng.standard_gamma(self.a, out=out)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return gamma_probabilities(self.a, x)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return gamma_quantile(self.a, lower, upper)


def gamma_quantile(a: float, lower: Floats, upper: Floats) -> Floats:
    """Return the quantiles of the gamma law of shape `a`."""
    from scipy.special import gammainccinv, gammaincinv

    return by_side(lambda p: gammaincinv(a, p), lambda q: gammainccinv(a, q), lower, upper)


def gamma_probabilities(a: float, x: Floats) -> tuple[Floats, Floats]:
    """Return P(X <= x) and P(X > x) of the gamma law of shape `a`."""
    from scipy.special import gammainc, gammaincc

    y = np.maximum(x, 0.0)
    return np.asarray(gammainc(a, y)), np.asarray(gammaincc(a, y))


@dataclass(frozen=True, kw_only=True)
class ChiSquare(Distribution):
    """The chi-square law: the sum of `df` squares of independent standard normals."""

    df: float = 3.0

    word: ClassVar[str] = "chi2"
    note: ClassVar[str] = "chi-square, the sum of df squared normals"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"df": (1e-6, 1e12)}

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(self.df, 2.0 * self.df, math.sqrt(8.0 / self.df), 12.0 / self.df)

    def even_moments(self) -> Even:  # noqa: D102
        return from_cumulants([math.factorial(r) * self.df / 2.0 for r in range(ORDERS)]).even

    def standard_pivot(self) -> float:  # noqa: D102
        # For few degrees of freedom nearly all draws are next to nothing.
        return self.df if self.df >= 2.0 else 0.0

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        rng.standard_gamma(self.df / 2.0, out=out)
        out *= 2.0

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return gamma_probabilities(self.df / 2.0, x / 2.0)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return 2.0 * gamma_quantile(self.df / 2.0, lower, upper)


@dataclass(frozen=True, kw_only=True)
class StudentT(Distribution):
    """Student's t law; moments of order `df` and above do not exist."""

    df: float = 5.0

    word: ClassVar[str] = "t"
    note: ClassVar[str] = "Student's t, moments below order df only"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"df": (1e-6, INFINITE)}

    def standard_moments(self) -> Moments:  # noqa: D102
        df = self.df
        return Moments(
            0.0 if df > 1 else UNDEFINED,
            df / (df - 2) if df > 2 else INFINITE if df > 1 else UNDEFINED,
            0.0 if df > 3 else UNDEFINED,
            6.0 / (df - 4) if df > 4 else INFINITE if df > 2 else UNDEFINED,
        )

    def even_moments(self) -> Even:  # noqa: D102
        df = self.df
        if not df > 8.0:
            return (INFINITE, INFINITE)
        # Ratios, because the square of a huge df leaves the doubles.
        sixth = 15.0 * ((df - 2.0) / (df - 4.0)) * ((df - 2.0) / (df - 6.0))
        return (sixth, sixth * 7.0 * ((df - 2.0) / (df - 8.0)))

    def tails(self) -> Tails:  # noqa: D102
        return Tails(self.df, self.df)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        out[...] = rng.standard_t(self.df, size=out.shape)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        from scipy.special import stdtr

        return np.asarray(stdtr(self.df, x)), np.asarray(stdtr(self.df, -x))

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        from scipy.special import betaln, stdtrit

        df = self.df

        def quantile(p: Floats) -> Floats:
            # Far out the tail is a power to the last digit, and the square of x no double.
            log_far = -(np.log(p) + math.log(df) + betaln(df / 2.0, 0.5)) / df
            far = log_far > 30.0
            return np.where(
                far, -math.sqrt(df) * np.exp(log_far), stdtrit(df, np.where(far, 0.5, p))
            )

        return by_symmetry(quantile, lower, upper)


@dataclass(frozen=True, kw_only=True)
class Cauchy(Distribution):
    """The Cauchy law, which has no moments at all."""

    word: ClassVar[str] = "cauchy"
    note: ClassVar[str] = "no mean, no variance"

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED)

    def even_moments(self) -> Even:  # noqa: D102
        return (INFINITE, INFINITE)

    def tails(self) -> Tails:  # noqa: D102
        return Tails(1.0, 1.0)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return np.arctan2(1.0, -x) / np.pi, np.arctan2(1.0, x) / np.pi

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        # cot(pi p), the smaller p without the rounding of p - 1/2.
        return by_symmetry(lambda p: -1.0 / np.tan(np.pi * p), lower, upper)
