"""Batch normalization with population statistics: batches pooled, as PreciseBN does."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from simnorm.errors import SimnormError
from simnorm.preprocessing.base import Normalizer, Rows
from simnorm.preprocessing.batches import Floats, centred, mean_square, stacks
from simnorm.preprocessing.checks import generator, number, whole_number


class PreciseBatchNormalizer(Normalizer):
    """Normalize features by the statistics of batches pooled into one sample.

    Parameters
    ----------
    batch_size
        Rows of a batch. The rows left over are a last, shorter batch, and fewer rows than
        `batch_size` are one short batch.
    batches
        Number of disjoint batches that are pooled; None for all, which is every row.
    epsilon
        Added to the variance, inside the root.
    gamma
        What normalized values are multiplied by: one number, or one for each feature.
    beta
        What is then added: one number, or one for each feature.
    shuffle
        Whether batches are cut from the rows in random order or as they come.
    random_state
        Seed or numpy generator of that order. None is a new order every time.

    Attributes
    ----------
    mean_
        Mean of every feature over the batches.
    var_
        Biased variance of every feature over the batches.
    n_batches_
        Batches that were pooled.
    n_samples_seen_
        Rows in these batches.
    n_features_in_
        Number of features.
    feature_names_in_
        Their names, if the rows came with names.

    See Also
    --------
    BatchNormalizer : Running statistics, as they are kept in training.
    sklearn.preprocessing.StandardScaler : The same from all rows at once.

    Notes
    -----
    Batches are pooled by the law of total variance: the mean of the biased batch variances plus
    the variance of the batch means, both weighted by batch size. So the batch size does not
    matter beyond the number of rows, and with all rows and ``epsilon=0`` the result is that of
    `StandardScaler`; k batches of n rows leave a bias of -1/(kn). Two other ways are not taken:
    the mean of the unbiased batch variances has no bias but scatters more, at n = 2 and for
    normal data as if half of the rows were missing; the mean of the biased ones keeps the bias
    -1/n, however many batches there are.

    Examples
    --------
    Batches (1, 2) and (3, 6): 3.5 = (0.25 + 2.25)/2 + 2.25.

    >>> rows = np.array([[1.0], [2.0], [3.0], [6.0]])
    >>> pooled = PreciseBatchNormalizer(batch_size=2, shuffle=False).fit(rows)
    >>> pooled.mean_, pooled.var_, float(rows.var())
    (array([3.]), array([3.5]), 3.5)
    >>> PreciseBatchNormalizer(batch_size=2, batches=1, shuffle=False).fit(rows).var_
    array([0.25])
    """

    mean_: Floats
    var_: Floats
    n_batches_: int
    n_samples_seen_: int

    def __init__(
        self,
        batch_size: int = 32,
        *,
        batches: int | None = None,
        epsilon: float = 1e-3,
        gamma: ArrayLike = 1.0,
        beta: ArrayLike = 0.0,
        shuffle: bool = True,
        random_state: Any = None,
    ) -> None:
        self.batch_size = batch_size
        self.batches = batches
        self.epsilon = epsilon
        self.gamma = gamma
        self.beta = beta
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 for scikit-learn
        """Pool the batches.

        Parameters
        ----------
        X
            Array or data frame, shape (rows, features).
        y
            Not used.

        Returns
        -------
        the transformer itself
        """
        self._epsilon()
        size = whole_number("batch_size", self.batch_size)
        rows = self._first_rows(X)
        wanted = self._wanted(rows, size)
        if self.shuffle:
            order = generator(self.random_state).permutation(len(rows))
            rows = rows[order[: wanted * size]]
        self.mean_, self.var_ = pooled(rows[: wanted * size], size)
        self.n_batches_ = wanted
        self.n_samples_seen_ = min(len(rows), wanted * size)
        return self

    def _wanted(self, rows: Rows, size: int) -> int:
        there = -(-len(rows) // size)
        if self.batches is None:
            return there
        wanted = whole_number("batches", self.batches)
        if wanted > there:
            allowed = f"{len(rows)} rows make {there} batches of {size}"
            raise SimnormError("batches", wanted, allowed, "None takes all.")
        return wanted

    def _learned(self) -> tuple[Floats, Floats, float]:
        return self.mean_, self.var_, self._epsilon()

    def _epsilon(self) -> float:
        return number("epsilon", self.epsilon, "allowed is a number from 0")


def pooled(rows: Rows, batch_size: int) -> tuple[Floats, Floats]:
    """Return mean and biased variance of all rows by way of those of their batches.

    All are taken from the first row, so that a column far from zero keeps its digits, and batch
    means of a constant column differ from their average by exact zeros.

    Examples
    --------
    A batch of two and one of one count two to one.

    >>> mean, variance = pooled(np.array([[0.0], [2.0], [4.0]]), batch_size=2)
    >>> mean.tolist(), variance.round(3).tolist()
    ([2.0], [2.667])
    """
    means, within, sizes = [], [], []
    first: Floats | None = None
    for stack in stacks(rows, batch_size):
        first = stack[0, 0].copy() if first is None else first
        of_stack, deviations = centred(stack - first)
        means.append(of_stack)
        within.append(mean_square(deviations))
        sizes += [stack.shape[1]] * len(stack)
    weights = np.array(sizes) / len(rows)
    offsets = np.concatenate(means)
    shift = weights @ offsets
    variance = weights @ np.concatenate(within) + weights @ np.square(offsets - shift)
    assert first is not None
    return first + shift, variance
