"""Weights of batches in a running value: exponential and cumulative averages, epoch by epoch.

After batch t the running value is r_t = m r_(t-1) + (1 - m) v_t, m being the `momentum`, the
weight of the old value; without one it is the plain mean of all batches. So r_T = start r_0 +
sum w_t v_t, and its error depends on the weights through a few sums only.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.sampling import FROM_LAW, IID, NOT_FOR, SHUFFLE

Floats = NDArray[np.float64]
Source = Distribution | Column

FULL_SET, POPULATION = "full_set", "population"


@dataclass(frozen=True)
class Stream:
    """Batches that running statistics see, and how these are kept.

    Parameters
    ----------
    batch_size, steps
        n, and the number T of batches.
    momentum
        Weight of the old value, from 0 to 1 (0.99 in Keras, 0.9 for PyTorch's 0.1). None is the
        cumulative mean, every batch with the weight 1/T.
    ddof
        1 where batch variances have the divisor n - 1 (PyTorch), 0 for n (Keras, Flax).
    sampling
        ``iid``: batches of independent draws of a law; ``shuffle``: epochs of N//n batches, each
        in a new random order, the rest dropped; ``replacement``: rows drawn with replacement.
    full_size
        N, of a law with a full set.
    reference
        ``full_set`` or ``population``; left out, the only one there is, or the full set.
    drift
        Batch t has the mean mu + drift t, the reference mu + drift T.
    start_mean, start_variance
        Values before the first batch.
    debiased
        Whether the start is taken out and the weights made up for it (Haiku).
    """

    batch_size: int
    steps: int
    momentum: float | None = 0.99
    ddof: int = 0
    sampling: str = SHUFFLE
    full_size: int | None = None
    reference: str | None = None
    drift: float = 0.0
    start_mean: float = 0.0
    start_variance: float = 1.0
    debiased: bool = False

    def __post_init__(self) -> None:
        """Refuse what no layer does."""
        if self.batch_size < 1 or self.steps < 0:
            what, got = ("n", self.batch_size) if self.batch_size < 1 else ("steps", self.steps)
            raise SimnormError(what, got, "it is at least 1, and the steps at least 0")
        if self.momentum is not None and not 0.0 <= self.momentum <= 1.0:
            allowed = "the weight of the old value is from 0 to 1"
            raise SimnormError("momentum", self.momentum, allowed)
        if self.ddof not in (0, 1):
            raise SimnormError("ddof", self.ddof, "it is 0 or 1")
        if self.sampling not in FROM_LAW:
            raise SimnormError("sampling", self.sampling, f"allowed are {', '.join(FROM_LAW)}")

    def of(self, source: Source) -> Stream:
        """Return the stream with full size and reference of a source; refuse what it has not."""
        size: int | None
        allowed: tuple[str, ...]
        if isinstance(source, Column):
            size, allowed = source.size, (FULL_SET,)
            if self.sampling == IID:
                raise SimnormError("sampling", IID, NOT_FOR[IID])
        elif self.sampling == IID:
            size, allowed = None, (POPULATION,)
        else:
            size, allowed = self.full_size, (FULL_SET, POPULATION)
            if size is None:
                raise SimnormError("full_size", None, "batches are cut from a full set")
        reference = self.reference or allowed[0]
        if reference not in allowed:
            raise SimnormError("reference", reference, f"allowed is {' or '.join(allowed)}")
        if self.sampling == SHUFFLE and size is not None and self.batch_size > size:
            raise SimnormError("n", self.batch_size, f"the full set has {size:,} values")
        return dataclasses.replace(self, full_size=size, reference=reference)

    @property
    def per_epoch(self) -> int | None:
        """Batches in an epoch, None where there are no epochs."""
        if self.sampling != SHUFFLE or self.full_size is None:
            return None
        return self.full_size // self.batch_size


def weights(momentum: float | None, steps: int, *, debiased: bool = False) -> tuple[Floats, float]:
    """Return the weights of batches 1 to T in a running value, and that of its start.

    Parameters
    ----------
    momentum, steps, debiased
        As in `Stream`.

    Examples
    --------
    >>> weights(0.5, 3)
    (array([0.125, 0.25 , 0.5  ]), 0.125)
    >>> weights(None, 4)
    (array([0.25, 0.25, 0.25, 0.25]), 0.0)
    """
    if steps == 0:
        return np.empty(0), 1.0
    if momentum is None:
        return np.full(steps, 1.0 / steps), 0.0
    found = (1.0 - momentum) * momentum ** np.arange(steps - 1.0, -1.0, -1.0)
    start = momentum**steps
    if debiased and start < 1.0:
        return found / (1.0 - start), 0.0
    return found, start


def effective_batches(momentum: float | None) -> float:
    """Return how many batches of equal weight a running value is worth in the end.

    Examples
    --------
    >>> round(effective_batches(0.9)), round(effective_batches(0.99)), effective_batches(None)
    (19, 199, inf)
    """
    if momentum is None or momentum == 1.0:
        return math.inf
    return (1.0 + momentum) / (1.0 - momentum)


class Sums(NamedTuple):
    """What the parts of an error need of the weights, for one number of steps or several.

    Parameters
    ----------
    start
        Weight of the start.
    total, squares
        Sum of the weights, and of their squares.
    epochs
        Sum over epochs of the squared sum of an epoch's weights.
    lag
        Mean age of a batch, sum of w_t (T - t).
    """

    start: Floats
    total: Floats
    squares: Floats
    epochs: Floats
    lag: Floats


def sums_of(stream: Stream) -> Sums:
    """Return the sums of the weights after a stream's last step."""
    w, start = weights(stream.momentum, stream.steps, debiased=stream.debiased)
    epochs = 0.0
    if stream.per_epoch and w.size:
        first = np.arange(0, w.size, stream.per_epoch)
        epochs = float((np.add.reduceat(w, first) ** 2).sum())
    lag = float((w * np.arange(w.size - 1.0, -1.0, -1.0)).sum())
    numbers = (start, float(w.sum()), float((w * w).sum()), epochs, lag)
    return Sums(*(np.asarray(number) for number in numbers))


def sums_by_step(stream: Stream) -> Sums:
    """Return the sums of the weights after each of the steps 1 to T.

    Examples
    --------
    >>> sums_by_step(Stream(2, 3, momentum=0.5, sampling="iid")).squares
    array([0.25    , 0.3125  , 0.328125])
    """
    t = np.arange(1.0, stream.steps + 1.0)
    m, k = stream.momentum, stream.per_epoch
    if m is None:
        done = np.floor((t - 1.0) / k) if k else 0.0 * t
        last = t - done * k if k else t
        epochs = (done * k * k + last * last) / (t * t) if k else 0.0 * t
        return Sums(0.0 * t, 0.0 * t + 1.0, 1.0 / t, epochs, (t - 1.0) / 2.0)
    start, new = m**t, 1.0 - m
    total = 1.0 - start
    squares = new / (1.0 + m) * (1.0 - start * start)
    # The mean age solves lag = m (lag + total) from step to step.
    lag = m * total / new - t * start if new else 0.0 * t
    found = Sums(start, total, squares, _epochs_by_step(m, k, t), lag)
    if not stream.debiased or not new:
        return found
    whole = 1.0 / total
    return Sums(0.0 * t, 0.0 * t + 1.0, squares * whole**2, found.epochs * whole**2, lag * whole)


def _epochs_by_step(m: float, k: int | None, t: Floats) -> Floats:
    """Return the sum over epochs of their squared weights after each of some steps."""
    if not k or m == 1.0:
        return 0.0 * t
    finished = np.floor((t - 1.0) / k)
    present = t - finished * k
    before = m ** (2.0 * present) * (1.0 - m ** (2.0 * k * finished))
    return np.asarray((1.0 - m**present) ** 2 + before * _finished(m, k))


def _finished(m: float, k: int) -> float:
    """Return the sum over all finished epochs there can be, a geometric series."""
    return (1.0 - m**k) / (1.0 + m**k)


def sums_in_the_end(stream: Stream, phase: int = 0) -> Sums:
    """Return the sums of the weights after so many steps that the start is forgotten.

    Parameters
    ----------
    stream
        The stream, whatever its steps.
    phase
        Batches since the last whole epoch.

    Examples
    --------
    >>> sums_in_the_end(Stream(2, 0, momentum=0.5, sampling="iid")).lag
    array(1.)
    """
    m, k = stream.momentum, stream.per_epoch
    if m is None or m == 1.0:
        forgotten = m is None
        lag = math.inf if forgotten else 0.0
        numbers = (float(not forgotten), float(forgotten), 0.0, 0.0, lag)
    else:
        epochs = 0.0
        if k:
            epochs = (1.0 - m**phase) ** 2 + m ** (2.0 * phase) * _finished(m, k)
        numbers = (0.0, 1.0, (1.0 - m) / (1.0 + m), epochs, m / (1.0 - m))
    return Sums(*(np.asarray(number) for number in numbers))
