"""What every estimator has: a call along an axis, a population value, a tail index."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.distributions import Distribution, Tails
from simnorm.grammar import spec_text

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimator:
    """A statistic of a sample along one axis.

    Calling it maps an array to the statistic along `axis`, in float64 whatever came in.

    Examples
    --------
    >>> from simnorm.estimators import biased_variance, std
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
    too_small: ClassVar[str] = ""
    # Whether a sample may have no value; its replication is then void for the cell.
    may_fail: ClassVar[bool] = False

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
