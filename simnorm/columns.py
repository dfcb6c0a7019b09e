"""One column of the user's data as a full set: the facts that theory and judgement ask for."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from simnorm.estimators import Estimator, UserEstimator

Floats = NDArray[np.float64]

# A spread below so many spacings of doubles at the column's size has lost its digits.
SPACINGS = 1000.0
# Two values of a function are one number up to this part of it: sums in another order differ by
# rounding, which a function of the user may enlarge.
ALIKE = 1e-9
# The same for numbers that should be 0 and are made of rounding alone, of data of size 1.
NEXT_TO_ZERO = 64.0 * np.finfo(np.float64).eps
# The largest spread of (x - mean)^2, relative to M2^2, that rounding makes of equal squares.
EQUAL_SQUARES = 1e-12


def power_means(values: Floats) -> dict[int, float]:
    """Return the means of the second to the eighth power.

    Examples
    --------
    >>> power_means(np.array([-1.0, 2.0]))[3]
    3.5
    """
    power, found = values.copy(), {}
    for j in range(2, 9):
        power *= values
        found[j] = float(power.mean())
    return found


class Column:
    """A column of N finite numbers, which never changes.

    Parameters
    ----------
    name
        Its header.
    values
        The numbers in file order, shape (N,), N at least 2.

    Examples
    --------
    >>> column = Column("x", np.array([1.0, 2.0, 3.0, 6.0]))
    >>> column.mean, column.variance, column.size
    (3.0, 3.5, 4)
    """

    def __init__(self, name: str, values: Floats) -> None:
        self.name = name
        self.values = np.ascontiguousarray(values, dtype=np.float64)
        self.values.flags.writeable = False
        self._known: dict[tuple[Estimator, bool], float] = {}
        self._symmetric: dict[UserEstimator, bool] = {}

    @property
    def size(self) -> int:
        """Number of rows, N."""
        return self.values.size

    @functools.cached_property
    def rising(self) -> Floats:
        """The values in rising order."""
        return np.sort(self.values)

    @functools.cached_property
    def is_constant(self) -> bool:
        """Whether all values are equal; that of a rounded variance would not say."""
        return bool(self.values.min() == self.values.max())

    @functools.cached_property
    def is_nearly_constant(self) -> bool:
        """Whether the spread is so small next to the values that doubles have few digits of it."""
        largest = float(np.abs(self.values).max())
        return not self.is_constant and self.std < SPACINGS * math.ulp(largest)

    @functools.cached_property
    def mean(self) -> float:
        """Mean of the column."""
        return self.pivot + float((self.values - self.pivot).mean())

    @functools.cached_property
    def pivot(self) -> float:
        """A number next to the mean, about which sums keep their digits."""
        if self.is_constant:
            return float(self.values[0])
        return float(self.values.mean())

    @functools.cached_property
    def variance(self) -> float:
        """Biased variance M2, whatever the estimator that is asked for."""
        if self.is_constant:
            return 0.0
        centred = self.values - self.pivot
        centred -= centred.mean()
        return float((centred * centred).mean())

    @functools.cached_property
    def std(self) -> float:
        """Square root of the biased variance."""
        return math.sqrt(self.variance)

    @property
    def unit(self) -> float:
        """Size in which sums are taken: the standard deviation, or 1 for a constant column."""
        return self.std or 1.0

    @functools.cached_property
    def standardized(self) -> Floats:
        """The z-scores, with mean 0 and biased variance 1; zeros for a constant column."""
        centred = self.values - self.pivot
        centred -= centred.mean()
        return centred / self.unit

    @functools.cached_property
    def scores(self) -> Floats:
        """The z-scores in rising order."""
        return np.sort(self.standardized)

    def outermost(self, most: int) -> Floats:
        """Return so many z-scores at most, those of the largest size, in no order."""
        scores = self.scores
        ends = scores if scores.size <= 2 * most else np.r_[scores[:most], scores[-most:]]
        return ends[np.argsort(np.abs(ends))[-most:]]

    @functools.cached_property
    def moments(self) -> dict[int, float]:
        """Standardized central moments: the mean of z^j for j = 2, ..., 8."""
        return power_means(self.standardized)

    @functools.cached_property
    def square_moments(self) -> dict[int, float]:
        """Central moments of z^2: the mean of (z^2 - 1)^j for j = 2, ..., 8."""
        return power_means(self.standardized * self.standardized - 1.0)

    @property
    def skewness(self) -> float:
        """Third central moment over the standard deviation cubed; NaN for a constant column."""
        return math.nan if self.is_constant else self.moments[3]

    @property
    def excess_kurtosis(self) -> float:
        """Fourth central moment over the squared variance, less 3; NaN for a constant column."""
        return math.nan if self.is_constant else self.moments[4] - 3.0

    @property
    def squares_kurtosis(self) -> float:
        """Excess kurtosis of (x - mean)^2; NaN where these are all equal."""
        if self.is_constant or self.squares_are_constant:
            return math.nan
        m = self.moments
        spread = m[4] - 1.0
        return (m[8] - 4.0 * m[6] + 6.0 * m[4] - 3.0) / (spread * spread) - 3.0

    @property
    def squares_are_constant(self) -> bool:
        """Whether (x - mean)^2 is one number up to rounding, as of two values equally often.

        False for a constant column, which has no unit for them.
        """
        return not self.is_constant and self.moments[4] - 1.0 <= EQUAL_SQUARES

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each distinct value occurs, in rising order of the values."""
        ends = np.flatnonzero(np.diff(self.rising, prepend=np.nan, append=np.nan))
        return np.diff(ends)

    def value_of(self, kind: Estimator) -> float:
        """Return the estimator's value on the whole column, its full-set reference.

        NaN where a function of the user has none.
        """
        return self._value(kind, about_pivot=False)

    def centred_value_of(self, kind: Estimator) -> float:
        """Return the estimator's value on the column less its pivot."""
        return self._value(kind, about_pivot=True)

    def is_symmetric(self, kind: Estimator) -> bool:
        """Return whether the order of the rows does not matter to an estimator.

        It matters to none of the built-in ones. A function of the user is called on the column in
        three orders; where it fails, nothing is known, and it counts as one that minds.

        Examples
        --------
        >>> column = Column("x", np.array([1.0, 2.0, 3.0, 6.0]))
        >>> column.is_symmetric(UserEstimator(np.ptp))
        True
        >>> column.is_symmetric(UserEstimator(lambda x, axis=-1: x[..., 0], "first"))
        False
        """
        if not isinstance(kind, UserEstimator):
            return True
        if kind not in self._symmetric:
            self._symmetric[kind] = self._is_symmetric(kind)
        return self._symmetric[kind]

    def _is_symmetric(self, kind: UserEstimator) -> bool:
        here = self.value_of(kind)
        if not math.isfinite(here):
            return False
        shuffled = np.random.Generator(np.random.PCG64DXSM(0)).permutation(self.values)
        # One at a time: a function may do otherwise with several samples than with one.
        for values in (self.values[::-1], shuffled):
            other = kind.attempt(np.ascontiguousarray(values)[np.newaxis, np.newaxis])[0]
            if not self.alike(np.array(here), other):
                return False
        return True

    def alike(self, values: Floats, others: Floats) -> bool:
        """Return whether values of a function are the same numbers but for rounding."""
        # The mean of z-scores is nothing but rounding, about the unit of what it is made of. For
        # small numbers their square: also a function in that unit has values far above this.
        nothing = NEXT_TO_ZERO * min(1.0, self.std) ** 2
        size = np.maximum(np.abs(values), np.abs(others))
        # NaN, of a function that fails, is like nothing.
        return bool((np.abs(values - others) <= np.maximum(ALIKE * size, nothing)).all())

    def _value(self, kind: Estimator, *, about_pivot: bool) -> float:
        key = kind, about_pivot
        if key not in self._known:
            values = self.values - self.pivot if about_pivot else self.values
            if isinstance(kind, UserEstimator):
                self._known[key] = float(kind.attempt(values[np.newaxis, np.newaxis])[0][0, 0])
            else:
                self._known[key] = float(kind(values))
        return self._known[key]
