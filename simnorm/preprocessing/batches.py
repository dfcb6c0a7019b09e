"""Rows cut into batches, and what normalizing does to each of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Values that are centred at once: 8 MB, whatever the number of rows.
SLAB = 1 << 20


def stacks(rows: NDArray[np.floating], batch_size: int) -> Iterator[Floats]:
    """Yield all batches in order, as stacks of shape (batches, rows of a batch, features).

    The rows that are left over make a shorter batch, a stack of its own.

    Examples
    --------
    >>> [stack.shape for stack in stacks(np.zeros((7, 2)), batch_size=3)]
    [(2, 3, 2), (1, 1, 2)]
    """
    features = rows.shape[1]
    whole = len(rows) - len(rows) % batch_size
    step = batch_size * max(1, SLAB // (batch_size * features))
    for start in range(0, whole, step):
        slab = rows[start : min(start + step, whole)].astype(np.float64, copy=False)
        yield slab.reshape(-1, batch_size, features)
    if whole < len(rows):
        yield rows[np.newaxis, whole:].astype(np.float64, copy=False)


def centred(stack: Floats) -> tuple[Floats, Floats]:
    """Return the mean of every batch and what every row deviates from it.

    Deviations are taken from the first row before they are taken from the mean: so those of a
    constant column are exact zeros, which the rounded mean of 0.1, 0.1, 0.1 would not give.

    Examples
    --------
    >>> means, deviations = centred(np.array([[[1.0], [2.0], [6.0]]]))
    >>> means.tolist(), deviations.ravel().tolist()
    ([[3.0]], [-2.0, -1.0, 3.0])
    """
    pivot = stack[:, :1]
    deviations = stack - pivot
    offset = deviations.mean(axis=1, keepdims=True)
    deviations -= offset
    return (pivot + offset)[:, 0], deviations


def mean_square(deviations: Floats) -> Floats:
    """Return the biased variance of every batch from its deviations.

    Examples
    --------
    >>> mean_square(np.array([[[-1.0], [0.0], [1.0]]])).round(3).tolist()
    [[0.667]]
    """
    squares: Floats = np.square(deviations).mean(axis=1)
    return squares


def spread(variance: ArrayLike, epsilon: float) -> Floats:
    """Return sqrt(variance + epsilon), and infinity in place of 0: dividing by it gives 0.

    Examples
    --------
    >>> (np.array([3.0, 0.0]) / spread([9.0, 0.0], epsilon=0.0)).tolist()
    [1.0, 0.0]
    """
    root = np.sqrt(np.add(variance, epsilon))
    return np.where(root > 0.0, root, np.inf)
