"""Compiled loops that compare two samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import loop

Floats = NDArray[np.float64]


@loop()
def largest_steps(first: Floats, second: Floats, out: NDArray[np.int64]) -> None:
    """Write by how many values the distribution functions of two rising samples differ at most.

    Parameters
    ----------
    first, second
        Shape (units, rows), rising in every unit.
    out
        Shape (units,).
    """
    rows = first.shape[1]
    for unit in range(first.shape[0]):
        i = j = most = 0
        while i < rows and j < rows:
            value = min(first[unit, i], second[unit, j])
            # Past all values that are equal: between them neither function has a value.
            while i < rows and first[unit, i] <= value:
                i += 1
            while j < rows and second[unit, j] <= value:
                j += 1
            most = max(most, abs(i - j))
        out[unit] = most
