"""What is done to features before a model sees them, learned from the training rows alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.preprocessing.batches import centred, mean_square, spread
from simnorm.preprocessing.running import PRESETS

Floats = NDArray[np.float64]
Order = NDArray[np.intp]

NONE, MIN_MAX, Z_SCORE, ROBUST, BATCH = "none", "min_max", "z_score", "robust", "batch"
# Batch normalization is that of PyTorch with its defaults, gamma and beta left out.
PYTORCH = PRESETS["pytorch"]


class Scaling(NamedTuple):
    """A word of the study, with a batch size where it has one, otherwise 0."""

    scaler: str
    batch_size: int = 0


def of_rows(scaler: str, training: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Return training and test rows scaled by what the training rows say.

    Parameters
    ----------
    scaler
        ``none``, ``min_max``, ``z_score`` or ``robust``: nothing, or scikit-learn's `MinMaxScaler`,
        `StandardScaler` or `RobustScaler`, which divide by 1 where there is nothing to divide by.

    Examples
    --------
    >>> training, test = of_rows("min_max", np.array([[1.0], [3.0]]), np.array([[5.0]]))
    >>> training.ravel().tolist(), test.ravel().tolist()
    ([0.0, 1.0], [2.0])
    """
    if scaler == NONE:
        return training, test
    fitted = _sklearn(scaler).fit(training)
    return fitted.transform(training), fitted.transform(test)


def _sklearn(scaler: str) -> Any:
    from sklearn import preprocessing

    kinds = {
        MIN_MAX: preprocessing.MinMaxScaler,
        Z_SCORE: preprocessing.StandardScaler,
        ROBUST: preprocessing.RobustScaler,
    }
    return kinds[scaler]()


class BatchScaling:
    """Batch normalization at the input, in training: epoch after epoch in batches of n.

    What `BatchNormalizer(n, preset="pytorch")` does, but that a last batch of a single row, which
    PyTorch refuses, joins the batch before it.

    Parameters
    ----------
    batch_size
        n, from 2 on.
    features
        How many there are.

    Examples
    --------
    >>> batches = BatchScaling(2, features=1)
    >>> rows = np.array([[0.0], [2.0], [5.0], [9.0]])
    >>> batches.epoch(rows).ravel().round(3).tolist()
    [-1.0, 1.0, -1.0, 1.0]
    >>> batches.mean.round(2).tolist(), batches.variance.round(2).tolist()
    ([0.79], [1.79])
    """

    def __init__(self, batch_size: int, features: int) -> None:
        self.batch_size = batch_size
        self.mean, self.variance = np.zeros(features), np.ones(features)

    def epoch(self, rows: Floats) -> Floats:
        """Return rows normalized by their batches, in the order they came; average these."""
        n, N = self.batch_size, len(rows)
        whole = N // n * n
        if N - whole == 1 and whole:
            whole -= n
        done = np.empty_like(rows)
        for start, stop, size in ((0, whole, n), (whole, N, N - whole)):
            if start < stop:
                stack = rows[start:stop].reshape(-1, size, rows.shape[1])
                done[start:stop] = self._taken(stack).reshape(-1, rows.shape[1])
        return done

    def test(self, rows: Floats) -> Floats:
        """Return rows normalized by running averages, as at test time."""
        scaled: Floats = (rows - self.mean) / spread(self.variance, PYTORCH.epsilon)
        return scaled

    def _taken(self, stack: Floats) -> Floats:
        """Normalize batches of one size and move the running averages on."""
        batches, size, _ = stack.shape
        means, deviations = centred(stack)
        variances = mean_square(deviations)
        # After all of them the last one weighs 0.1, the one before 0.1 * 0.9, and so on.
        old = PYTORCH.momentum or 0.0
        weights = (1.0 - old) * old ** np.arange(batches - 1, -1, -1.0)
        start = old**batches
        self.mean = start * self.mean + weights @ means
        # A single row is all there is: its variance is taken for 0.
        unbiased = size / max(size - 1.0, 1.0)
        self.variance = start * self.variance + weights @ variances * unbiased
        deviations /= spread(variances, PYTORCH.epsilon)[:, np.newaxis]
        return deviations


def epochs_of(rows: int, fewest: int, updates: int, together: int) -> int:
    """Return how many epochs make enough updates.

    Parameters
    ----------
    rows
        Of training.
    fewest, updates
        Epochs, and updates, that there are at least.
    together
        Rows of an update.

    Examples
    --------
    >>> epochs_of(1437, 20, 200, 64), epochs_of(142, 20, 200, 64)
    (20, 67)
    """
    return max(fewest, math.ceil(updates / math.ceil(rows / together)))
