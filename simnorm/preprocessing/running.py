"""Batch normalization as trained: running statistics of the batches, in the order they come."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.errors import SimnormError, nearest
from simnorm.preprocessing.base import LEARNED, Normalizer, Rows
from simnorm.preprocessing.batches import Floats, centred, mean_square, spread, stacks
from simnorm.preprocessing.checks import generator, number, whole_number
from simnorm.presets import Average, Flax, Keras3, PyTorch


class Preset(NamedTuple):
    """What a framework fixes.

    Parameters
    ----------
    momentum
        Weight of the old value; None for the mean of all batches so far.
    epsilon
        Added to the variance, inside the root.
    running_ddof
        0 if the running variance is that of the biased batch variances, 1 of the unbiased ones.
    """

    momentum: float | None
    epsilon: float
    running_ddof: int


def _preset(kind: type[Average]) -> Preset:
    settings = kind()
    return Preset(settings.momentum, settings.epsilon, int(settings.ddof))


# PyTorch's own word for 0.9 is momentum=0.1: it weighs the new value, the others weigh the old one.
PRESETS = {kind.word: _preset(kind) for kind in (Keras3, PyTorch, Flax)}


class BatchNormalizer(Normalizer):
    """Normalize features by running statistics of batches, as batch normalization does.

    Parameters
    ----------
    batch_size
        Rows of a batch. `fit` uses the rows left over as a last, shorter batch, as the frameworks
        do; fewer rows than `batch_size` are one short batch.
    epsilon
        Added to the variance, inside the root.
    momentum
        Weight of the OLD running value, from 0 to 1, as in Keras and Flax. PyTorch's `momentum`
        is 1 minus this one. None weighs all batches so far equally.
    gamma
        What normalized values are multiplied by: one number, or one for each feature.
    beta
        What is then added: one number, or one for each feature.
    running_ddof
        0 if the running variance takes up the biased variance of a batch, 1 the unbiased one. A
        batch of one row has no unbiased variance and is then refused.
    epochs
        Passes of `fit` over the rows.
    shuffle
        Whether every pass takes the rows in a new random order.
    random_state
        Seed or numpy generator of these orders. None is a new order every time.
    preset
        ``"keras3"``, ``"pytorch"`` or ``"flax"``: takes the place of `epsilon`, `momentum` and
        `running_ddof`, whatever these are; the parameters themselves stay as they were given.

    Attributes
    ----------
    running_mean_
        Running mean of every feature. Starts at 0.
    running_var_
        Running variance of every feature. Starts at 1.
    n_batches_seen_
        Batches taken up, in all epochs and calls.
    n_samples_seen_
        Rows in these batches; a row counts once an epoch.
    n_features_in_
        Number of features.
    feature_names_in_
        Their names, if the rows came with names.

    See Also
    --------
    PreciseBatchNormalizer : Pools the batches instead of weighing late ones more.

    Notes
    -----
    Training output divides by the biased variance of the batch in all frameworks; they differ in
    what the running variance takes up, in `epsilon` and in the meaning of `momentum`. Variances
    are taken in two passes and float64, unlike Flax and some backends of Keras, which subtract
    the square of the mean from the mean of the squares in float32.

    A batch of one row comes out as `beta` and its variance is 0: with ``running_ddof=0`` the
    running variance then decays towards 0. A feature that is constant in a batch comes out as
    `beta` too, also with ``epsilon=0``, where nothing is divided by 0.

    Examples
    --------
    >>> rows = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> training = BatchNormalizer(batch_size=4).transform_batches(rows)
    >>> training.ravel().round(5).tolist()
    [-1.3411, -0.44703, 0.44703, 1.3411]

    One step of 0.99 has hardly moved the running statistics, by which inference normalizes:

    >>> normalizer = BatchNormalizer(batch_size=4).fit(rows)
    >>> normalizer.running_mean_.round(3), normalizer.running_var_
    (array([0.025]), array([1.0025]))
    >>> normalizer.transform(rows).ravel().round(2).tolist()
    [0.97, 1.97, 2.97, 3.97]
    """

    running_mean_: Floats
    running_var_: Floats
    n_batches_seen_: int
    n_samples_seen_: int

    def __init__(
        self,
        batch_size: int = 32,
        *,
        epsilon: float = 1e-3,
        momentum: float | None = 0.99,
        gamma: ArrayLike = 1.0,
        beta: ArrayLike = 0.0,
        running_ddof: int = 0,
        epochs: int = 1,
        shuffle: bool = False,
        random_state: Any = None,
        preset: str | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.epsilon = epsilon
        self.momentum = momentum
        self.gamma = gamma
        self.beta = beta
        self.running_ddof = running_ddof
        self.epochs = epochs
        self.shuffle = shuffle
        self.random_state = random_state
        self.preset = preset

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 for scikit-learn
        """Start anew and take up the batches of all rows, `epochs` times.

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
        settings = self._settings()
        epochs = whole_number("epochs", self.epochs)
        rng = generator(self.random_state)
        rows = self._first_rows(X)
        batch_size = self._batch_size(rows, settings)
        self._start(rows)
        for _ in range(epochs):
            ordered = rows[rng.permutation(len(rows))] if self.shuffle else rows
            for stack in stacks(ordered, batch_size):
                self._take_up(stack, settings)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Take up all rows of `X` as one batch, whatever `batch_size` says: one step of training.

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
        settings = self._settings()
        first = not hasattr(self, LEARNED)
        rows = self._first_rows(X, reset=first)
        if settings.running_ddof and len(rows) == 1:
            raise one_row("X", rows.shape, "Give it two rows or more.")
        if first:
            self._start(rows)
        self._take_up(rows[np.newaxis].astype(np.float64, copy=False), settings)
        return self

    def transform_batches(self, X: Any) -> NDArray[np.floating]:
        """Normalize every batch by its own mean and biased variance, as in training.

        The batches are cut as by `fit`, in order, and nothing is learned: neither is `fit` needed
        before, nor do running statistics change.

        Parameters
        ----------
        X
            Array or data frame, shape (rows, features).

        Returns
        -------
        array of the shape of `X`, float32 if `X` is, otherwise float64
        """
        rows = self._first_rows(X, reset=False)
        settings = self._settings()
        gamma, beta = self._affine(rows)
        done = np.empty(rows.shape, rows.dtype)
        start = 0
        for stack in stacks(rows, self._batch_size(rows, settings)):
            _, deviations = centred(stack)
            root = spread(mean_square(deviations), settings.epsilon)[:, np.newaxis]
            stop = start + stack.shape[0] * stack.shape[1]
            done[start:stop] = (gamma * (deviations / root) + beta).reshape(-1, rows.shape[1])
            start = stop
        return done

    def _start(self, rows: Rows) -> None:
        self.running_mean_ = np.zeros(rows.shape[1])
        self.running_var_ = np.ones(rows.shape[1])
        self.n_batches_seen_ = 0
        self.n_samples_seen_ = 0

    def _take_up(self, stack: Floats, settings: Preset) -> None:
        """Move the running statistics towards those of every batch, one after the other."""
        batches, size, _ = stack.shape
        means, deviations = centred(stack)
        variances = mean_square(deviations)
        if settings.running_ddof:
            variances *= size / (size - 1.0)
        for mean, variance in zip(means, variances, strict=True):
            self.n_batches_seen_ += 1
            old = settings.momentum
            if old is None:
                old = 1.0 - 1.0 / self.n_batches_seen_
            self.running_mean_ = old * self.running_mean_ + (1.0 - old) * mean
            self.running_var_ = old * self.running_var_ + (1.0 - old) * variance
        self.n_samples_seen_ += batches * size

    def _learned(self) -> tuple[Floats, Floats, float]:
        return self.running_mean_, self.running_var_, self._settings().epsilon

    def _settings(self) -> Preset:
        """Return the preset, or one made of the parameters it would replace."""
        if self.preset is not None:
            return known_preset(self.preset)
        momentum = self.momentum
        if momentum is not None:
            allowed = "allowed is a number from 0 to 1, the weight of the old value, or None"
            momentum = number("momentum", momentum, allowed, high=1.0)
        if self.running_ddof not in (0, 1):
            raise SimnormError("running_ddof", self.running_ddof, "allowed are 0 and 1")
        epsilon = number("epsilon", self.epsilon, "allowed is a number from 0")
        return Preset(momentum, epsilon, int(self.running_ddof))

    def _batch_size(self, rows: Rows, settings: Preset) -> int:
        """Return `batch_size`, if no batch of these rows is too short."""
        size = whole_number("batch_size", self.batch_size)
        last = len(rows) % size or size
        if last > 1 or not settings.running_ddof:
            return size
        hint = "Take two rows or more."
        if 1 < size < len(rows):
            hint = (
                f"{len(rows)} mod {size} = 1 leaves one row for the last batch: leave out a row or "
                "take another batch size."
            )
        raise one_row("batch_size", size, hint)


def one_row(parameter: str, got: object, hint: str) -> SimnormError:
    """Return the error of a batch of one row where the unbiased variance is wanted."""
    needed = "with running_ddof=1, as in PyTorch, a batch must be more than one sample"
    return SimnormError(parameter, got, needed, hint)


def known_preset(name: object) -> Preset:
    """Return the preset called `name`.

    Examples
    --------
    >>> known_preset("flax").epsilon
    1e-05
    """
    if not isinstance(name, str) or name not in PRESETS:
        known = f"allowed are {', '.join(PRESETS)} and None"
        raise SimnormError("preset", name, known, nearest(str(name), PRESETS).strip())
    return PRESETS[name]
