"""How a full set is cut into batches."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def cut(full_sets: NDArray[Scalar], batch_size: int) -> NDArray[Scalar]:
    """Cut every full set, in drawing order, into its batches; the tail is dropped.

    Parameters
    ----------
    full_sets
        Observations, shape (..., N), contiguous along the last axis.
    batch_size
        n, at most N.

    Returns
    -------
    NDArray
        A view of shape (..., N // n, n).

    Examples
    --------
    >>> cut(np.arange(8), 3)
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    count = full_sets.shape[-1] // batch_size
    used = full_sets[..., : count * batch_size]
    return used.reshape(*full_sets.shape[:-1], count, batch_size)
