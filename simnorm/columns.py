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
        z = self.standardized
        power, found = z.copy(), {}
        for j in range(2, 9):
            power *= z
            found[j] = float(power.mean())
        return found

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
        """Excess kurtosis of (x - mean)^2; infinite where these are all equal."""
        m = self.moments
        spread = m[4] - 1.0
        if self.is_constant or spread <= 0.0:
            return math.nan
        return (m[8] - 4.0 * m[6] + 6.0 * m[4] - 3.0) / (spread * spread) - 3.0

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

    def _value(self, kind: Estimator, *, about_pivot: bool) -> float:
        key = kind, about_pivot
        if key not in self._known:
            values = self.values - self.pivot if about_pivot else self.values
            if isinstance(kind, UserEstimator):
                self._known[key] = float(kind.attempt(values[np.newaxis, np.newaxis])[0][0, 0])
            else:
                self._known[key] = float(kind(values))
        return self._known[key]
