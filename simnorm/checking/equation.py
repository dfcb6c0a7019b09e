"""An equation between numbers of a table, asked of many cells at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.checking.finding import Failure

# Numbers agree to this part of their size, or of that of the errors they are made of; what is made
# of a constant is off by that part of it more.
TOLERANCE, ROUNDING = 1e-9, 1e-12

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Equation(NamedTuple):
    """One equation for many cells: numbers, what they should be, and what they may be off.

    `cells` are words for each; where a number is missing the equation is not asked.
    """

    name: str
    cells: list[str]
    got: Floats
    expected: Floats
    limit: Floats

    @property
    def asked(self) -> Mask:
        """Where there are both sides."""
        return np.isfinite(self.got) & np.isfinite(self.expected) & np.isfinite(self.limit)

    def failures(self) -> Iterator[Failure]:
        """Yield the cells in which it does not hold."""
        with np.errstate(invalid="ignore"):
            wrong = self.asked & ~(np.abs(self.got - self.expected) <= self.limit)
        for i in np.flatnonzero(wrong):
            where = f"{self.cells[i]}, {self.name}"
            yield Failure(where, f"{self.got[i]:.12g}", f"{self.expected[i]:.12g}")
