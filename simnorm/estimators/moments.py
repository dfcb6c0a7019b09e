"""Statistics made of moments: mean, variances, standard deviations, skewness, excess kurtosis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simnorm.distributions import Distribution, Tails
from simnorm.errors import SimnormError
from simnorm.estimators.base import Estimator, Floats
from simnorm.grammar import number_text

# A population skewness or kurtosis below this is the rounding of a zero, and divides nothing.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Mean(Estimator):
    """The arithmetic mean."""

    word: ClassVar[str] = "mean"
    note: ClassVar[str] = "arithmetic mean"
    is_location: ClassVar[bool] = True

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values.mean(axis=-1))

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.mean


@dataclass(frozen=True)
class Spread(Estimator):
    """What variances and standard deviations share: the divisor n - ddof."""

    smallest_batch: ClassVar[int] = 2
    too_small: ClassVar[str] = "a batch of one observation has no spread"

    def variance(self, values: Floats, ddof: int) -> Floats:
        """Return the variance of `values` along the last axis; NaN where n is at most ddof."""
        if values.shape[-1] <= ddof:
            return np.full(values.shape[:-1], np.nan)
        return np.asarray(values.var(axis=-1, ddof=ddof))


@dataclass(frozen=True)
class BiasedVariance(Spread):
    """The variance with divisor n, what batch normalization divides by (squared)."""

    word: ClassVar[str] = "biased_variance"
    note: ClassVar[str] = "variance with divisor n, as batch normalization uses"
    power: ClassVar[int] = 2
    ddof: ClassVar[int] = 0

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return self.variance(values, self.ddof)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.variance

    def tail_index(self, tails: Tails, size: int) -> float:  # noqa: ARG002, D102
        return min(tails) / 2.0


@dataclass(frozen=True)
class UnbiasedVariance(BiasedVariance):
    """The variance with divisor n - 1."""

    word: ClassVar[str] = "unbiased_variance"
    note: ClassVar[str] = "variance with divisor n - 1"
    ddof: ClassVar[int] = 1


@dataclass(frozen=True)
class Std(Spread):
    """The standard deviation with divisor n - ddof."""

    ddof: int = 0

    word: ClassVar[str] = "std"
    note: ClassVar[str] = "sd with divisor n - ddof; batch normalization uses 0"

    def __post_init__(self) -> None:
        """Refuse any ddof but 0 and 1."""
        if self.ddof not in (0, 1):
            got = f"std(ddof={number_text(self.ddof)})"
            raise SimnormError("estimators", got, "ddof must be 0 or 1")
        object.__setattr__(self, "ddof", int(self.ddof))

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(np.sqrt(self.variance(values, self.ddof)))

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.std


@dataclass(frozen=True)
class Shape(Estimator):
    """What skewness and excess kurtosis share: a mean power of standardized values.

    Of a sample of n they are bounded, by powers of n, so that all their moments exist. A sample of
    equal values has none.
    """

    power: ClassVar[int] = 0
    may_fail: ClassVar[bool] = True

    def of_standardized(self, values: Floats) -> Floats:
        """Return the statistic of `values` with mean 0 and biased variance 1."""
        raise NotImplementedError

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        if values.shape[-1] == 0:
            return np.full(values.shape[:-1], np.nan)
        # Centred twice: the first mean is rounded to the size of the data, the second to their
        # spread. Equal values, which may differ from their rounded mean, are 0 then.
        centred = values - values.mean(axis=-1, keepdims=True)
        centred -= centred.mean(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            centred /= np.sqrt((centred * centred).mean(axis=-1, keepdims=True))
            return self.of_standardized(centred)

    def tail_index(self, tails: Tails, size: int) -> float:  # noqa: ARG002, D102
        return math.inf


@dataclass(frozen=True)
class Skewness(Shape):
    """The third central moment over the biased variance to the power 3/2."""

    word: ClassVar[str] = "skewness"
    note: ClassVar[str] = "m3 / m2^1.5, moments with divisor n"
    smallest_batch: ClassVar[int] = 3
    too_small: ClassVar[str] = "the skewness of fewer than 3 observations is 0 whatever they are"

    def of_standardized(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray((values * values * values).mean(axis=-1))

    def population(self, law: Distribution) -> float:  # noqa: D102
        return _unless_rounding(law.skewness)


@dataclass(frozen=True)
class ExcessKurtosis(Shape):
    """The fourth central moment over the squared biased variance, less 3."""

    word: ClassVar[str] = "excess_kurtosis"
    note: ClassVar[str] = "m4 / m2^2 - 3, moments with divisor n"
    smallest_batch: ClassVar[int] = 4
    too_small: ClassVar[str] = (
        "the kurtosis of fewer than 4 observations is the same whatever they are"
    )

    def of_standardized(self, values: Floats) -> Floats:  # noqa: D102
        squares = values * values
        return np.asarray((squares * squares).mean(axis=-1) - 3.0)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return _unless_rounding(law.excess_kurtosis)


def _unless_rounding(value: float) -> float:
    return 0.0 if abs(value) < ROUNDING else value
