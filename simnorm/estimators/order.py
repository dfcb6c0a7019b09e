"""Statistics read off the sorted sample: extremes, quantiles, and what is made of them."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from simnorm.distributions import Distribution, Tails
from simnorm.errors import SimnormError
from simnorm.estimators.base import Estimator, Floats
from simnorm.grammar import number_text

# Ranks, counted from 1, with their weights in a sum of order statistics.
Weights = tuple[tuple[int, float], ...]

# A Gauss-Legendre rule on panels of this width in logit(u) is good to the last digits.
PANEL = 0.5
RULE = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True)
class OrderStatistic(Estimator):
    """What all of these share: a sample is sorted once, for as many of them as are wanted."""

    is_location: ClassVar[bool] = True

    def of_sorted(self, values: Floats) -> Floats:
        """Return the statistic of `values` that rise along the last axis."""
        raise NotImplementedError

    def ranks(self, size: int) -> tuple[int, ...]:
        """Return the ranks, counted from 1, that decide how heavy the tails are."""
        raise NotImplementedError

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return self.of_sorted(np.sort(values, axis=-1))

    def tail_index(self, tails: Tails, size: int) -> float:
        """Return the smaller of both sides: the r-th of n exceeds x only if n - r + 1 do."""
        upper = min((size - rank + 1) * tails.upper for rank in self.ranks(size))
        lower = min(rank * tails.lower for rank in self.ranks(size))
        return min(lower, upper)


@dataclass(frozen=True)
class RankSum(OrderStatistic):
    """A weighted sum of a few order statistics."""

    def weights(self, size: int) -> Weights:
        """Return the ranks, counted from 1, with the weight of each in a sample of `size`.

        Examples
        --------
        >>> Median().weights(4), Quantile(0.75).weights(4), Range().weights(4)
        (((2, 0.5), (3, 0.5)), ((3, 0.75), (4, 0.25)), ((1, -1.0), (4, 1.0)))
        """
        raise NotImplementedError

    def ranks(self, size: int) -> tuple[int, ...]:  # noqa: D102
        return tuple(rank for rank, _ in self.weights(size))


@dataclass(frozen=True)
class Minimum(RankSum):
    """The smallest value."""

    word: ClassVar[str] = "min"
    note: ClassVar[str] = "smallest value"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return values[..., 0]

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values.min(axis=-1))

    def weights(self, size: int) -> Weights:  # noqa: ARG002, D102
        return ((1, 1.0),)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.support[0]


@dataclass(frozen=True)
class Maximum(RankSum):
    """The largest value."""

    word: ClassVar[str] = "max"
    note: ClassVar[str] = "largest value"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return values[..., -1]

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values.max(axis=-1))

    def weights(self, size: int) -> Weights:  # noqa: D102
        return ((size, 1.0),)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.support[1]


@dataclass(frozen=True)
class Median(RankSum):
    """The median; of an even number of values, the mean of the middle two."""

    word: ClassVar[str] = "median"
    note: ClassVar[str] = "median; the mean of the middle two if n is even"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        size = values.shape[-1]
        upper = values[..., size // 2]
        return upper if size % 2 else 0.5 * (values[..., size // 2 - 1] + upper)

    def weights(self, size: int) -> Weights:  # noqa: D102
        middle = size // 2
        return ((middle + 1, 1.0),) if size % 2 else ((middle, 0.5), (middle + 1, 0.5))

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.median


@dataclass(frozen=True)
class Quantile(RankSum):
    """The q-quantile, between two order statistics on a straight line (numpy's ``linear``)."""

    q: float = 0.9

    word: ClassVar[str] = "quantile"
    note: ClassVar[str] = "q-quantile, numpy's linear interpolation"

    def __post_init__(self) -> None:
        """Refuse a q that is no probability."""
        object.__setattr__(self, "q", _number(self.q, "quantile", "q", largest=1.0))

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return _between(values, self.q)

    def weights(self, size: int) -> Weights:  # noqa: D102
        rank, share = _place(self.q, size)
        return ((rank, 1.0),) if share == 0.0 else ((rank, 1.0 - share), (rank + 1, share))

    def population(self, law: Distribution) -> float:  # noqa: D102
        if self.q in (0.0, 1.0):
            return law.support[int(self.q)]
        # Where a law has atoms, its median may be a convention of its own.
        return law.median if self.q == 0.5 else _law_quantile(law, self.q)


@dataclass(frozen=True)
class Range(RankSum):
    """The largest less the smallest value."""

    word: ClassVar[str] = "range"
    note: ClassVar[str] = "largest less smallest value"
    is_location: ClassVar[bool] = False
    smallest_batch: ClassVar[int] = 2
    too_small: ClassVar[str] = "a batch of one observation has no spread"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values[..., -1] - values[..., 0])

    def along_last(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(values.max(axis=-1) - values.min(axis=-1))

    def weights(self, size: int) -> Weights:  # noqa: D102
        return ((1, -1.0), (size, 1.0)) if size > 1 else ((1, 0.0),)

    def population(self, law: Distribution) -> float:  # noqa: D102
        lower, upper = law.standard.support
        return law.scale * (upper - lower)


@dataclass(frozen=True)
class InterquartileRange(RankSum):
    """The 0.75-quantile less the 0.25-quantile, not scaled to any law."""

    word: ClassVar[str] = "iqr"
    note: ClassVar[str] = "0.75- less 0.25-quantile (numpy's linear), unscaled"
    is_location: ClassVar[bool] = False
    smallest_batch: ClassVar[int] = 2
    too_small: ClassVar[str] = "a batch of one observation has no spread"

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        return np.asarray(_between(values, 0.75) - _between(values, 0.25))

    def weights(self, size: int) -> Weights:  # noqa: D102
        return _iqr_weights(size)

    def population(self, law: Distribution) -> float:  # noqa: D102
        plain = law.standard
        return law.scale * (_law_quantile(plain, 0.75) - _law_quantile(plain, 0.25))


@dataclass(frozen=True)
class MedianAbsoluteDeviation(OrderStatistic):
    """The median of the distances from the median, not scaled to any law."""

    word: ClassVar[str] = "mad"
    note: ClassVar[str] = "median distance from the median, unscaled"
    is_location: ClassVar[bool] = False
    smallest_batch: ClassVar[int] = 2
    too_small: ClassVar[str] = "a batch of one observation has no spread"

    def of_sorted(self, values: Floats) -> Floats:
        """Return the median of the distances.

        The k values nearest to the median m stand side by side, so that the k-th smallest
        distance is the smallest over j of max(m - x_j, x_(j+k-1) - m).
        """
        size = values.shape[-1]
        middle = median.of_sorted(values)[..., np.newaxis]
        below, above = middle - values, values - middle
        nearest = [
            np.maximum(below[..., : size - rank], above[..., rank:]).min(axis=-1)
            for rank in {(size - 1) // 2, size // 2}
        ]
        return np.asarray(nearest[0] if size % 2 else 0.5 * (nearest[0] + nearest[1]))

    def ranks(self, size: int) -> tuple[int, ...]:
        """Return the middle ranks: it is huge only if half of the values are far from the rest."""
        return median.ranks(size)

    def population(self, law: Distribution) -> float:  # noqa: D102
        return law.scale * _median_distance(law.standard)


@dataclass(frozen=True)
class TrimmedMean(OrderStatistic):
    """The mean without the floor(proportion n) smallest and as many largest values."""

    proportion: float = 0.1

    word: ClassVar[str] = "trimmed_mean"
    note: ClassVar[str] = "mean without a proportion of the values on each side"

    def __post_init__(self) -> None:
        """Refuse a proportion that leaves nothing, or is none."""
        proportion = _number(self.proportion, "trimmed_mean", "proportion", below=0.5)
        object.__setattr__(self, "proportion", proportion)

    def cut(self, size: int) -> int:
        """Return how many values go on each side."""
        return int(self.proportion * size)

    def of_sorted(self, values: Floats) -> Floats:  # noqa: D102
        size = values.shape[-1]
        cut = self.cut(size)
        return np.asarray(values[..., cut : size - cut].mean(axis=-1))

    def ranks(self, size: int) -> tuple[int, ...]:
        """Return the outermost ranks that are kept."""
        cut = self.cut(size)
        return (cut + 1, size - cut)

    def population(self, law: Distribution) -> float:  # noqa: D102
        if self.proportion == 0.0:
            return law.mean
        return law.loc + law.scale * _mean_quantile(law.standard, self.proportion)


def _number(
    value: object, word: str, name: str, *, largest: float = math.inf, below: float = math.inf
) -> float:
    """Return a parameter as a float from 0; refuse what is above `largest` or reaches `below`."""
    limit = f"to {number_text(largest)}" if largest < math.inf else f"to below {below}"
    plain = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if plain and 0.0 <= float(value) <= largest and float(value) < below:  # type: ignore[arg-type]
        return float(value) + 0.0  # type: ignore[arg-type]  # -0.0 becomes 0.0: one name
    allowed = f"{name} must be a number from 0 {limit}"
    raise SimnormError("estimators", f"{word}({name}={value})", allowed)


@functools.lru_cache(maxsize=4096)
def _place(q: float, size: int) -> tuple[int, float]:
    """Return the rank below the q-quantile of `size` values and the share of the next one.

    As q is written, in decimals: 0.29 of 101 values is at rank 30, not a rounding before it.
    """
    place = Fraction(repr(q)) * (size - 1)
    below = math.floor(place)
    return below + 1, float(place - below)


@functools.lru_cache(maxsize=4096)
def _iqr_weights(size: int) -> Weights:
    found: dict[int, float] = {}
    for q, sign in ((0.25, -1.0), (0.75, 1.0)):
        for rank, weight in Quantile(q).weights(size):
            found[rank] = found.get(rank, 0.0) + sign * weight
    return tuple(sorted(found.items()))


def _between(rising: Floats, q: float) -> Floats:
    """Return the q-quantile of values that rise along the last axis."""
    rank, share = _place(q, rising.shape[-1])
    lower = rising[..., rank - 1]
    return lower if share == 0.0 else lower + share * (rising[..., rank] - lower)


def _law_quantile(law: Distribution, q: float) -> float:
    upper = float(1 - Fraction(repr(q)))
    return float(law.quantile(np.array([q]), np.array([upper]))[0])


@functools.lru_cache(maxsize=512)
def _mean_quantile(law: Distribution, proportion: float) -> float:
    """Return the mean of the quantile function from `proportion` to 1 - `proportion`.

    Panels are even in t = logit(u), where du = u (1 - u) dt, and meet where the function is not
    smooth.
    """
    end = math.log1p(-proportion) - math.log(proportion)
    knots = [math.log(u) - math.log1p(-u) for u in law.knots()]
    inside = sorted(t for t in knots if -end < t < end)
    ends = [-end, *inside, end]
    edges = np.concatenate(
        [
            np.linspace(low, high, max(1, math.ceil((high - low) / PANEL)), endpoint=False)
            for low, high in itertools.pairwise(ends)
        ]
        + [np.array([end])]
    )
    half = 0.5 * np.diff(edges)
    t = (edges[:-1] + half)[:, np.newaxis] + half[:, np.newaxis] * RULE[0]
    lower, upper = 1.0 / (1.0 + np.exp(-t)), 1.0 / (1.0 + np.exp(t))
    values = law.quantile(lower.ravel(), upper.ravel()).reshape(t.shape)
    weights = half[:, np.newaxis] * RULE[1] * lower * upper
    # Divided by the sum of the weights: a constant keeps its last digit.
    return float((weights * values).sum() / weights.sum())


@functools.lru_cache(maxsize=512)
def _median_distance(law: Distribution) -> float:
    """Return the smallest d with half of the probability within d of the median m.

    That is the smallest value over u of max(m - Q(u), Q(u + 1/2) - m): of the half from u to
    u + 1/2, the farther end. The first falls with u and the second rises, so that the smallest is
    where they meet, whether they are continuous or not.
    """
    middle, support = law.median, law.support

    def ends(u: Floats) -> tuple[Floats, Floats]:
        below = np.clip(law.quantile(u, 1.0 - u), *support)
        above = np.clip(law.quantile(0.5 + u, 0.5 - u), *support)
        return middle - below, above - middle

    low, high = 0.0, 0.5
    while True:
        u = np.linspace(low, high, 33)
        below, above = ends(u)
        place = int(np.searchsorted(above >= below, 1))
        near = (u[max(place - 1, 0)], u[min(place, 32)])
        if near == (low, high) or near[0] == near[1]:
            return float(np.maximum(below, above).min())
        low, high = near


minimum = Minimum()
maximum = Maximum()
value_range = Range()
median = Median()
quantile = Quantile()
iqr = InterquartileRange()
mad = MedianAbsoluteDeviation()
trimmed_mean = TrimmedMean()
