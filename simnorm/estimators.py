"""Batch statistics: functions of ``(sample, axis=-1)`` that know their population value.

Every estimator is a frozen dataclass that is called like a function; the plain names below
(`mean`, `biased_variance`, ...) are such values. A new one is one class and its word in
`ESTIMATORS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.distributions import Distribution, Tails
from simnorm.errors import SimnormError
from simnorm.grammar import number_text, read_spec, spec_text

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimator:
    """A statistic of a sample along one axis.

    Calling it maps an array to the statistic along `axis`, in float64 whatever came in.

    Examples
    --------
    >>> biased_variance([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 4.0, 4.0]])
    array([1.25, 4.  ])
    >>> str(std)
    'std(ddof=0)'
    """

    word: ClassVar[str]
    note: ClassVar[str]
    # Location estimators are measured in standard deviations, the others in their own value.
    is_location: ClassVar[bool] = False
    # A shift of the data by b and a stretch by a change the value to a^power * value (+ b).
    power: ClassVar[int] = 1
    # The smallest batch that has a value worth a name, and what is said of smaller ones.
    smallest_batch: ClassVar[int] = 1

    def __call__(self, sample: ArrayLike, axis: int = -1) -> Floats:
        """Return the statistic of `sample` along `axis`."""
        values = np.asarray(sample, dtype=np.float64)
        # The last axis of a contiguous array: memory layout alone would change the last bits.
        return self.along_last(np.ascontiguousarray(np.moveaxis(values, axis, -1)))

    def along_last(self, values: Floats) -> Floats:
        """Return the statistic of float64 `values` along the last, contiguous axis."""
        raise NotImplementedError

    def population(self, law: Distribution) -> float:
        """Return the population value, NaN or infinite where there is none."""
        raise NotImplementedError

    def tail_index(self, tails: Tails, size: int) -> float:  # noqa: ARG002
        """Return the tail index of the statistic of a sample of `size` from a law."""
        return min(tails)

    def __str__(self) -> str:
        """Return the canonical spec."""
        return spec_text(self.word, {f.name: getattr(self, f.name) for f in fields(self)})


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
class OrderStatistic(Estimator):
    """What minimum, maximum and median share: they are read off the sorted sample."""

    is_location: ClassVar[bool] = True

    def of_sorted(self, values: Floats) -> Floats:
        """Return the statistic of `values` that rise along the last axis."""
        raise NotImplementedError

    def ranks(self, size: int) -> tuple[int, ...]:
        """Return the ranks, counted from 1, that the statistic averages."""
        raise NotImplementedError

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return self.of_sorted(np.sort(values, axis=-1))

    def tail_index(self, tails: Tails, size: int) -> float:
        """Return the smaller of both sides: the r-th of n exceeds x only if n - r + 1 do."""
        upper = min((size - rank + 1) * tails.upper for rank in self.ranks(size))
        lower = min(rank * tails.lower for rank in self.ranks(size))
        return min(lower, upper)


@dataclass(frozen=True)
class Minimum(OrderStatistic):
    """The smallest value."""

    word: ClassVar[str] = "min"
    note: ClassVar[str] = "smallest value"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return values[..., 0]

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values.min(axis=-1))

    def ranks(self, size: int) -> tuple[int, ...]:  # noqa: ARG002, D102
        return (1,)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.support[0]


@dataclass(frozen=True)
class Maximum(OrderStatistic):
    """The largest value."""

    word: ClassVar[str] = "max"
    note: ClassVar[str] = "largest value"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return values[..., -1]

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values.max(axis=-1))

    def ranks(self, size: int) -> tuple[int, ...]:  # noqa: D102
        return (size,)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.support[1]


@dataclass(frozen=True)
class Median(OrderStatistic):
    """The median; of an even number of values, the mean of the middle two."""

    word: ClassVar[str] = "median"
    note: ClassVar[str] = "median; the mean of the middle two if n is even"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        size = values.shape[-1]
        upper = values[..., size // 2]
        return upper if size % 2 else 0.5 * (values[..., size // 2 - 1] + upper)

    def ranks(self, size: int) -> tuple[int, ...]:  # noqa: D102
        middle = size // 2
        return (middle + 1,) if size % 2 else (middle, middle + 1)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.median


mean = Mean()
biased_variance = BiasedVariance()
unbiased_variance = UnbiasedVariance()
std = Std()
minimum = Minimum()
maximum = Maximum()
median = Median()

ESTIMATORS: dict[str, type[Estimator]] = {
    kind.word: kind
    for kind in (Mean, BiasedVariance, UnbiasedVariance, Std, Minimum, Maximum, Median)
}

Reference = Literal["full_set", "population"]


def estimator(spec: str | Estimator) -> Estimator:
    """Return the estimator that a spec such as ``std(ddof=1)`` names.

    Raises
    ------
    SimnormError
        If the word or a parameter is unknown.

    Examples
    --------
    >>> estimator("std(ddof=1)")([1.0, 3.0])
    array(1.41421356)
    """
    if isinstance(spec, Estimator):
        return spec
    return read_spec(spec, ESTIMATORS, "estimators")


def relative_constant(kind: Estimator, law: Distribution) -> float:
    """Return what relative measures divide by: the population sd, or the population value.

    NaN or infinite where there is none. It is a constant of the law, never a full set's value.
    """
    value = law.std if kind.is_location else kind.population(law)
    return abs(value) if not math.isnan(value) else value
