"""The models: nearest neighbours, and nets of one hidden layer that are trained side by side.

The nets are those of scikit-learn's ``MLPClassifier`` and come out as they do, but for rounding:
same initial weights, shuffles, loss and optimizer. All scalings of a fold are trained together,
which is several times as fast, and none of them touches another one's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

NEIGHBOURS = 5
HIDDEN = 32
TOGETHER = 64
LEARNING_RATE = 0.01
# As scikit-learn has them: weight decay, and what Adam remembers and adds.
ALPHA = 1e-4
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
# Distances held at a time: 32 MB.
DISTANCES = 1 << 22


def neighbours(training: Floats, codes: Codes, test: Floats, classes: int) -> Codes:
    """Return the class that most of the five nearest training rows have, by Euclidean distance.

    Rows that are equally far share what is left of the five votes, so that no order of rows counts;
    classes with equally many votes: the first.

    Examples
    --------
    >>> training, codes = np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0]]), np.arange(6) // 3
    >>> neighbours(training, codes, np.array([[0.5], [8.5]]), 2).tolist()
    [0, 1]
    """
    found = np.empty(len(test), np.int64)
    step = max(1, DISTANCES // len(training))
    wanted = min(NEIGHBOURS, len(training))
    member = (codes[:, np.newaxis] == np.arange(classes)).astype(np.float64)
    for first in range(0, len(test), step):
        part = slice(first, first + step)
        found[part] = _voted(training, test[part], member, wanted)
    return found


def _voted(training: Floats, test: Floats, member: Floats, wanted: int) -> Codes:
    from scipy.spatial.distance import cdist

    distances = cdist(test, training, "sqeuclidean")
    last = np.partition(distances, wanted - 1, axis=1)[:, wanted - 1 : wanted]
    nearer, equal = distances < last, distances == last
    left = wanted - nearer.sum(axis=1, keepdims=True)
    votes = (nearer + equal * (left / equal.sum(axis=1, keepdims=True))) @ member
    # Thirds of votes make a whole one only up to rounding.
    voted: Codes = votes.round(9).argmax(axis=1)
    return voted


class Nets:
    """Nets of one hidden layer that start from the same weights, one for each scaling.

    Parameters
    ----------
    count
        How many nets.
    features, classes
        Numbers of inputs and of classes; two classes have one output, as in scikit-learn.
    chance
        Draws the weights, and the order of rows in every epoch.

    Notes
    -----
    ReLU, cross-entropy, Adam with a learning rate of 0.01, updates by 64 rows, weight decay 1e-4,
    32 hidden units. Nothing is tuned for any scaling: who does tune the learning rate may get more
    out of features that are not scaled. `training` says when a net has learned enough.
    """

    def __init__(self, count: int, features: int, classes: int, chance: Any) -> None:
        self.chance, self.classes = chance, classes
        outputs = 1 if classes == 2 else classes
        self._shapes = ((features, HIDDEN), (1, HIDDEN), (HIDDEN, outputs), (1, outputs))
        size = sum(math.prod(shape) for shape in self._shapes)
        self.updates = 0
        self._hold(np.empty((count, size)), *np.zeros((2, count, size)))
        for layer, (fan_in, fan_out) in enumerate(self._shapes[::2]):
            bound = math.sqrt(6.0 / (fan_in + fan_out))
            self._weights[2 * layer][:] = chance.uniform(-bound, bound, (fan_in, fan_out))
            self._weights[2 * layer + 1][:] = chance.uniform(-bound, bound, fan_out)

    def _hold(self, parameters: Floats, first: Floats, second: Floats) -> None:
        """Take weights, and what Adam remembers of their gradients."""
        self.parameters, self._first, self._second = parameters, first, second
        self._gradient, self._spare = np.empty((2, *parameters.shape))
        self._weights = _views(parameters, self._shapes)
        self._slopes = _views(self._gradient, self._shapes)

    def keep(self, places: NDArray[Any]) -> None:
        """Go on with some of the nets, by their places or a mask."""
        self._hold(self.parameters[places], self._first[places], self._second[places])

    def epoch(self, take: Callable[[NDArray[np.intp]], Floats], codes: Codes) -> Floats:
        """Show every row once, in an order that is drawn and the same for all nets.

        Returns the loss of every net, the mean over the rows as each was shown.

        Parameters
        ----------
        take
            Returns the training rows in an order, for every net, shape (nets, rows, features).
        codes
            The classes of the training rows.
        """
        order = np.arange(len(codes))
        self.chance.shuffle(order)
        rows, target = take(order), self._targets(codes[order])
        losses = np.zeros(len(self.parameters))
        for first in range(0, len(order), TOGETHER):
            part = slice(first, first + TOGETHER)
            losses += self._update(rows[:, part], target[part])
        return losses / len(order)

    def predict(self, rows: Floats, parameters: Floats) -> Codes:
        """Return the class of every row, shape (nets, rows); -1 where a net has no finite output.

        Parameters
        ----------
        rows
            Shape (nets, rows, features).
        parameters
            Of the nets, shape (nets, weights).
        """
        _, output = _forward(rows, _views(parameters, self._shapes))
        found = output[..., 0] > 0.0 if self.classes == 2 else output.argmax(axis=-1)
        return np.asarray(np.where(np.isfinite(output).all(axis=-1), found, -1), np.int64)

    def _targets(self, codes: Codes) -> Floats:
        column = codes[:, np.newaxis]
        return np.asarray(
            column if self.classes == 2 else column == np.arange(self.classes), np.float64
        )

    def _update(self, rows: Floats, target: Floats) -> Floats:
        """Move the weights by some rows; return the sums of the losses that they had before."""
        hidden, output = _forward(rows, self._weights)
        error, losses = _probabilities(output, target)
        error -= target
        w1, _, w2, _ = self._weights
        g1, c1, g2, c2 = self._slopes
        np.matmul(hidden.swapaxes(1, 2), error, out=g2)
        np.sum(error, axis=1, keepdims=True, out=c2)
        back = error @ w2.swapaxes(1, 2)
        back *= hidden > 0.0
        np.matmul(rows.swapaxes(1, 2), back, out=g1)
        np.sum(back, axis=1, keepdims=True, out=c1)
        g1 += ALPHA * w1
        g2 += ALPHA * w2
        self._gradient /= rows.shape[1]
        self._adam()
        return losses

    def _adam(self) -> None:
        """Move the weights (Kingma and Ba 2015; epsilon is not corrected for the start)."""
        self.updates += 1
        t, spare, gradient = self.updates, self._spare, self._gradient
        self._first *= BETA_1
        np.multiply(gradient, 1.0 - BETA_1, out=spare)
        self._first += spare
        self._second *= BETA_2
        np.square(gradient, out=spare)
        spare *= 1.0 - BETA_2
        self._second += spare
        np.sqrt(self._second, out=spare)
        spare += EPSILON
        np.divide(self._first, spare, out=spare)
        spare *= LEARNING_RATE * math.sqrt(1.0 - BETA_2**t) / (1.0 - BETA_1**t)
        self.parameters -= spare


def _views(flat: Floats, shapes: tuple[tuple[int, int], ...]) -> list[Floats]:
    """Return the parts of flat parameters as matrices, which write through."""
    found, first = [], 0
    for shape in shapes:
        last = first + math.prod(shape)
        found.append(flat[:, first:last].reshape(len(flat), *shape))
        first = last
    return found


def _forward(rows: Floats, weights: list[Floats]) -> tuple[Floats, Floats]:
    """Return hidden values, and what goes into softmax or the logistic function."""
    w1, b1, w2, b2 = weights
    hidden = rows @ w1
    hidden += b1
    np.maximum(hidden, 0.0, out=hidden)
    output = hidden @ w2
    output += b2
    return hidden, output


def _probabilities(output: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Return probabilities of classes, or of the second one of two, in place; and summed losses.

    Losses are made from the outputs: a probability that is 0 in floating point has one too.
    """
    if output.shape[-1] == 1:
        from scipy.special import expit

        losses = np.logaddexp(0.0, output) - target * output
        probable: Floats = expit(output, out=output)
        return probable, losses.sum(axis=(1, 2))
    output -= output.max(axis=-1, keepdims=True)
    right = np.einsum("ijk,jk->i", output, target)
    np.exp(output, out=output)
    whole = output.sum(axis=-1, keepdims=True)
    output /= whole
    return output, np.log(whole).sum(axis=(1, 2)) - right
