"""Sorted batches of one size after another: runs that are sorted already are merged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels
from simnorm.sampling import cut

Floats = NDArray[np.float64]

# Between these sizes numpy's vectorized sort beats a merge of two halves, outside it does not.
MERGE_UP_TO, MERGE_ABOVE = 8, 256


class SortedBatches:
    """Sorts the batches of rising sizes that are cut from the same full sets.

    A batch of n is made of batches of half its size, and of a quarter: where these were sorted
    before, it takes one merge or two. The values come out the same whichever way they went.

    Parameters
    ----------
    full_sets
        Observations, shape (lanes, N), which are left as they are.
    compiled
        Whether compiled loops may be used.

    Examples
    --------
    >>> batches = SortedBatches(np.array([[4.0, 3.0, 2.0, 1.0, 0.0]]))
    >>> batches.of(2), batches.of(4)
    (array([[[3., 4.],
            [1., 2.]]]), array([[[1., 2., 3., 4.]]]))
    """

    def __init__(self, full_sets: Floats, *, compiled: bool = True) -> None:
        self._kernels = compiled_kernels() if compiled else None
        self._full_sets = full_sets
        self._values = full_sets.copy()
        self._spare = np.empty_like(self._values)
        # Runs of so many values are sorted, as far as whole runs go.
        self._sorted = 1

    def of(self, size: int) -> Floats:
        """Return the sorted batches, shape (lanes, N // size, size), valid until the next call."""
        if size % self._sorted:
            # The runs of before lie across the ends of these batches.
            np.copyto(self._values, self._full_sets)
            self._sorted = 1
        used = self._values.shape[1] // size * size
        steps = (size // self._sorted).bit_length() - 1
        kernels = self._kernels
        if self._sorted << steps == size and kernels and not MERGE_UP_TO < size <= MERGE_ABOVE:
            for step in range(steps):
                half = self._sorted << step
                if half == 1:
                    kernels.sort_pairs(self._values, used)
                else:
                    kernels.merge_halves(self._values, self._spare, half, used)
                    self._values, self._spare = self._spare, self._values
        else:
            cut(self._values, size).sort(axis=-1)
        self._sorted = size
        return cut(self._values, size)
