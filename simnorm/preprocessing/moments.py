"""Moments of a stream that comes in parts: merged, they are those of the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from simnorm.errors import SimnormError
from simnorm.preprocessing.batches import Floats


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class StreamingMoments:
    """Count, mean and centred sums of powers of every feature.

    Values are immutable: `update` and `merge` return new ones. Parts may come in any order and of
    any size, single rows and no rows at all among them; what differs is the last digits.

    Parameters
    ----------
    count
        Number of observations.
    pivot
        A constant of every feature that its mean is an offset from.
    offset
        Mean less pivot.
    m2
        Sum of squared deviations from the mean.
    m3
        Sum of their cubes.
    m4
        Sum of their fourth powers.

    Notes
    -----
    Sums are merged as Chan, Golub and LeVeque do for squares and Pébay for higher powers. Means
    are offsets from a pivot, because the difference of two large means would carry their rounding
    errors into the sums: variances keep their digits at mean 1e9.

    Examples
    --------
    >>> first = StreamingMoments.of([1.0, 2.0])
    >>> both = first + StreamingMoments.of([3.0, 6.0])
    >>> both.count, float(both.mean), float(both.variance())
    (4, 3.0, 3.5)
    >>> float(first.update([3.0, 6.0]).excess_kurtosis) == float(both.excess_kurtosis)
    True
    """

    count: int
    pivot: Floats
    offset: Floats
    m2: Floats
    m3: Floats
    m4: Floats

    @classmethod
    def of(cls, values: ArrayLike) -> StreamingMoments:
        """Return the moments of `values`, observations along the first axis.

        Parameters
        ----------
        values
            Finite numbers, shape (observations,) or (observations, features). No observations
            are allowed: they change nothing they are merged with.

        Returns
        -------
        StreamingMoments

        Examples
        --------
        >>> StreamingMoments.of([[1.0, 10.0], [3.0, 10.0]]).variance().tolist()
        [1.0, 0.0]
        """
        observations = np.asarray(values, dtype=np.float64)
        if observations.ndim == 0 or not np.isfinite(observations).all():
            allowed = "allowed are finite numbers, observations along the first axis"
            raise SimnormError("values", values, allowed)
        if len(observations) == 0:
            nothing = np.zeros(observations.shape[1:])
            return cls(0, nothing, nothing, nothing, nothing, nothing)
        pivot = observations[0].copy()
        shifted = observations - pivot
        offset = shifted.mean(axis=0)
        deviations = shifted - offset
        squares = deviations * deviations
        return cls(
            len(observations),
            pivot,
            offset,
            squares.sum(axis=0),
            (squares * deviations).sum(axis=0),
            (squares * squares).sum(axis=0),
        )

    def update(self, values: ArrayLike) -> StreamingMoments:
        """Return the moments with more observations, as `of` takes them."""
        return self.merge(StreamingMoments.of(values))

    def merge(self, other: StreamingMoments) -> StreamingMoments:
        """Return the moments of both samples together; `+` does the same."""
        if self.pivot.shape != other.pivot.shape:
            allowed = f"allowed are moments of the same shape, {self.pivot.shape}"
            raise SimnormError("other", other.pivot.shape, allowed)
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        mine, theirs = self.count / count, other.count / count
        weight = self.count * theirs
        delta = (other.pivot - self.pivot) + (other.offset - self.offset)
        square = delta * delta
        return StreamingMoments(
            count,
            self.pivot,
            self.offset + theirs * delta,
            self.m2 + other.m2 + weight * square,
            self.m3
            + other.m3
            + weight * (mine - theirs) * square * delta
            + 3.0 * delta * (mine * other.m2 - theirs * self.m2),
            self.m4
            + other.m4
            + weight * (mine * mine - mine * theirs + theirs * theirs) * square * square
            + 6.0 * square * (mine * mine * other.m2 + theirs * theirs * self.m2)
            + 4.0 * delta * (mine * other.m3 - theirs * self.m3),
        )

    __add__ = merge

    @property
    def mean(self) -> Floats:
        """Mean of every feature; NaN without observations."""
        return np.asarray(self.pivot + self.offset if self.count else self.pivot + math.nan)

    def variance(self, ddof: int = 0) -> Floats:
        """Return the variance of every feature, with divisor count - ddof; NaN if that is not > 0.

        Examples
        --------
        >>> moments = StreamingMoments.of([1.0, 2.0, 3.0, 4.0])
        >>> float(moments.variance()), float(moments.variance(ddof=1).round(3))
        (1.25, 1.667)
        """
        divisor = self.count - ddof
        return np.asarray(self.m2 / (divisor if divisor > 0 else math.nan))

    @property
    def skewness(self) -> Floats:
        """Third central moment over the biased variance to the power 1.5; NaN if that is 0."""
        return self._standardized(self.m3, 1.5)

    @property
    def excess_kurtosis(self) -> Floats:
        """Fourth central moment over the squared biased variance, less 3; NaN if that is 0."""
        return self._standardized(self.m4, 2.0) - 3.0

    def _standardized(self, sums: Floats, power: float) -> Floats:
        variance = self.variance()
        divisor = np.where(variance > 0.0, variance, math.nan) ** power * (self.count or math.nan)
        return np.asarray(sums / divisor)
