"""First-order theory of inference with running statistics: the error of (x - r_mean)/sqrt(r_var).

Over all values x of the reference, with mean M and variance S^2, the mean squared error of
(x - r_mean)/sqrt(r_var + epsilon) against the z-score (x - M)/S is exactly

    (S/sqrt(r_var + epsilon) - 1)^2 + (r_mean - M)^2/(r_var + epsilon).

Its expectation is expanded about the mean of r_var to second order, with the variances of both
running statistics and their covariance (`running`). It is asymptotic, and shown only where the
running variance is near enough to its mean.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.errors import SimnormError
from simnorm.sampling import SHUFFLE
from simnorm.theory.averages import (
    FULL_SET,
    Source,
    Stream,
    Sums,
    sums_by_step,
    sums_in_the_end,
    sums_of,
)
from simnorm.theory.epsilon import check_epsilon
from simnorm.theory.moments import LARGEST_DELTA_KURTOSIS
from simnorm.theory.splits import Model, model_of
from simnorm.theory.values import Value

Floats = NDArray[np.float64]

# Largest variance of r_var + epsilon relative to its squared mean: in simulations of four laws the
# mean squared error was above the first order by about this part of it, 12 % in pairs of normal
# draws with a momentum of 0.9 (0.105), and 2 % or less below a spread of 0.03.
LARGEST_SPREAD = 0.11
# Longest training that is looked through.
MOST_STEPS = 2**22
# The largest momentum, and number of batches, that are proposed.
LARGEST_MOMENTUM = 1.0 - 1e-9
MOST_BATCHES = 2**40


class Inference(NamedTuple):
    """A model with what the expansion needs beside it."""

    model: Model
    stream: Stream
    epsilon: float
    squares_kurtosis: float
    is_random: bool

    def mse(self, sums: Sums, steps: Floats | float) -> Floats:
        """Return the mean squared error, NaN where the expansion does not hold."""
        model, stream = self.model, self.stream
        reference = model.mean + stream.drift * np.asarray(steps, dtype=np.float64)
        lag = stream.drift * sums.lag if stream.drift else np.zeros_like(sums.lag)
        shift = sums.start * (stream.start_mean - reference) - lag
        # Not the reference plus the bias, of which nothing may be left: a batch of one has no
        # variance, and what is left of the start may be next to nothing beside the reference.
        root = sums.start * stream.start_variance + sums.total * model.batch_variance
        root = root + self.epsilon
        moments = model.of_mean(sums), model.of_variance(sums), model.of_both(sums)
        with np.errstate(all="ignore"):
            found = _second_order(model.variance, root, shift, *moments)
            return np.where(self._holds(root, moments[1], sums), found, math.nan)

    def _holds(self, root: Floats, variance: Floats, sums: Sums) -> NDArray[np.bool_]:
        small = variance <= LARGEST_SPREAD * root * root
        # A running variance of so many values is about as near to normal as one of a batch.
        size = self.stream.batch_size / sums.squares
        light = self.squares_kurtosis <= LARGEST_DELTA_KURTOSIS * size
        return np.asarray((root > 0.0) & ((variance == 0.0) | (small & light)))

    def kind(self, sums: Sums) -> str:
        """Return whether nothing was left out, as where the running variance is one number."""
        noise = float(self.model.of_variance(sums))
        return "exact" if noise == 0.0 and not self.is_random else "asymptotic"

    def value(self, sums: Sums, steps: float) -> Value | None:
        """Return the mean squared error for one number of steps."""
        mse = float(self.mse(sums, steps))
        return Value(mse, self.kind(sums)) if math.isfinite(mse) else None


def _second_order(
    square: float,
    root: Floats,
    shift: Floats,
    of_mean: Floats,
    of_variance: Floats,
    of_both: Floats,
) -> Floats:
    """Return the mean of (S/sqrt(r) - 1)^2 + d^2/r about the means of r and d."""
    ratio = np.sqrt(square / root)
    # Of f(r) = (S/sqrt(r) - 1)^2, half the second derivative, in units of 1/r^2.
    bend = 0.25 * ratio * ratio + 0.75 * (ratio - 1.0) * ratio
    scale = (ratio - 1.0) ** 2 + bend * of_variance / root**2
    away = (shift * shift + of_mean) / root
    # A shift that does not vanish feels the variance, too.
    cross = shift * shift * of_variance / root**3 - 2.0 * shift * of_both / root**2
    return np.asarray(scale + away + np.where(shift == 0.0, 0.0, cross))


def _inference(stream: Stream, source: Source, epsilon: float) -> Inference | None:
    check_epsilon(epsilon)
    model = model_of(stream, source)
    if model is None or math.isnan(model.batch_variance) or not model.variance > 0.0:
        return None
    full = stream.of(source)
    is_random = not isinstance(source, Column) and full.reference == FULL_SET
    kurtosis = source.squares_kurtosis
    # Of two values equally often, all squares are one number.
    return Inference(model, full, epsilon, kurtosis if kurtosis == kurtosis else -2.0, is_random)


def inference_mse(stream: Stream, source: Source, epsilon: float = 0.0) -> Value | None:
    """Return the mean squared error of inference after T steps.

    Parameters
    ----------
    stream, source
        As for `running_mean_split`.
    epsilon
        At least 0, in the squared unit of the data.

    Returns
    -------
    Value or None
        Asymptotic; exact where the running variance has no noise, as for batches of one. None where
        its relative standard deviation is above 0.33, or its law too far from normal.

    Examples
    --------
    Of 19 batches of four, about (1.5 + 0.5/4)/76 of a normal variance.

    >>> from simnorm.distributions import distribution
    >>> stream = Stream(4, 1000, momentum=0.9, ddof=1, sampling="iid")
    >>> round(inference_mse(stream, distribution("normal")) ** 0.5, 3)
    0.148
    """
    found = _inference(stream, source, epsilon)
    return None if found is None else found.value(sums_of(found.stream), stream.steps)


def inference_curve(stream: Stream, source: Source, epsilon: float = 0.0) -> Floats:
    """Return the mean squared error after each of the steps 1 to T, NaN where there is no theory.

    Parameters
    ----------
    stream, source, epsilon
        As for `inference_mse`.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> stream = Stream(64, 3, momentum=0.5, sampling="iid")
    >>> inference_curve(stream, distribution("normal")).round(3)
    array([0.006, 0.008, 0.008])
    """
    found = _inference(stream, source, epsilon)
    if found is None:
        return np.full(stream.steps, math.nan)
    return found.mse(sums_by_step(found.stream), np.arange(1.0, stream.steps + 1.0))


def inference_floor(stream: Stream, source: Source, epsilon: float = 0.0) -> Value | None:
    """Return the mean squared error of inference in the end, the start forgotten.

    Parameters
    ----------
    stream, source, epsilon
        As for `inference_mse`; steps do not matter. Of shuffled epochs it is the value after whole
        ones, in between it is larger.

    Returns
    -------
    Value or None
        None where there is no theory, and for a momentum of 1, which forgets nothing.

    Examples
    --------
    Keras: 1/199 of the noise, and the missing n/(n - 1) of the variance.

    >>> from simnorm.distributions import distribution
    >>> stream = Stream(2, 0, momentum=0.99, sampling="iid")
    >>> round(inference_floor(stream, distribution("normal")) ** 0.5, 3)
    0.431
    """
    found = _inference(stream, source, epsilon)
    if found is None or stream.momentum == 1.0 or (stream.momentum is None and stream.drift):
        return None
    return found.value(sums_in_the_end(found.stream), 0.0)


def steps_until(
    stream: Stream, source: Source, epsilon: float = 0.0, factor: float = 1.1
) -> int | None:
    """Return the first step from which the error stays within a factor of its floor.

    Parameters
    ----------
    stream, source, epsilon
        As for `inference_mse`; steps do not matter.
    factor
        Above 1, of the root mean squared error. Of shuffled epochs every step is compared with the
        floor at its own place in the epoch.

    Returns
    -------
    int or None
        None where there is no floor, or none above 0.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> stream = Stream(32, 0, momentum=0.99, ddof=1, sampling="iid")
    >>> steps_until(stream, distribution("normal(loc=5)"))
    653
    """
    if not factor > 1.0:
        raise SimnormError("factor", factor, "it is above 1")
    floor = inference_floor(stream, source, epsilon)
    found = _inference(stream, source, epsilon)
    if floor is None or found is None or not floor > 0.0:
        return None
    steps = 256
    while steps <= MOST_STEPS:
        t = np.arange(1.0, steps + 1.0)
        here = dataclasses.replace(found.stream, steps=steps)
        near = found.mse(sums_by_step(here), t) <= factor * factor * _floors(found, t)
        last = int(np.flatnonzero(~near)[-1]) + 1 if not near.all() else 0
        # From the start on the error only falls, or comes up to the floor from below.
        if last <= steps // 2:
            return last + 1
        steps *= 2
    return None


def _floors(found: Inference, t: Floats) -> Floats:
    """Return the floor at the place of each step in its epoch."""
    k = found.stream.per_epoch
    phases = np.unique(t % k) if k else np.zeros(1)
    floors = np.array(
        [float(found.mse(sums_in_the_end(found.stream, int(phase)), 0.0)) for phase in phases]
    )
    return floors[np.searchsorted(phases, t % k)] if k else np.broadcast_to(floors, t.shape)


# ---------------------------------------------------------------------------------------------
# Statistics of a few batches, pooled


def pooled(stream: Stream) -> Stream:
    """Return the stream whose one batch is all batches together.

    PreciseBN takes mean and variance of T batches by the law of total variance, the mean of their
    variances plus the variance of their means: those of all T n values at once, divisor T n.

    Parameters
    ----------
    stream
        T batches of n; what is said of an average does not matter.

    Examples
    --------
    >>> pooled(Stream(8, 100, sampling="iid")).batch_size
    800
    """
    n, T, N = stream.batch_size, stream.steps, stream.full_size
    if T < 1:
        raise SimnormError("steps", T, "at least one batch is needed")
    size = n * T
    if stream.sampling == SHUFFLE and N is not None and size > N:
        if size % N or N % n:
            allowed = f"{size:,} values are no part of one epoch of {N:,}, and no whole epochs"
            raise SimnormError("steps", T, allowed)
        size = N
    return dataclasses.replace(stream, batch_size=size, steps=1, momentum=0.0, ddof=0, drift=0.0)


def momentum_for(
    target_rmse: float, stream: Stream, source: Source, epsilon: float = 0.0
) -> float | None:
    """Return the smallest momentum whose error in the end is at most a target.

    Parameters
    ----------
    target_rmse
        Of the normalized value, in sd.
    stream, source, epsilon
        As for `inference_floor`; the momentum of the stream does not matter.

    Returns
    -------
    float or None
        To first order; None where no momentum does, as with divisor n and small batches.

    Examples
    --------
    Without bias it is (1 - q)/(1 + q) with q = target^2/(1/n + (g2/n + 2/(n - 1))/4).

    >>> from simnorm.distributions import distribution
    >>> stream = Stream(32, 0, ddof=1, sampling="iid")
    >>> round(momentum_for(0.05, stream, distribution("normal")), 6)
    0.899757
    """
    _check_target(target_rmse)

    def meets(x: float) -> bool:
        momentum = min(-math.expm1(-x), LARGEST_MOMENTUM)
        floor = inference_floor(dataclasses.replace(stream, momentum=momentum), source, epsilon)
        return floor is not None and floor <= target_rmse * target_rmse

    low, high = 0.0, -math.log1p(-LARGEST_MOMENTUM)
    if meets(low):
        return 0.0
    if not meets(high):
        return None
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if meets(middle) else (middle, high)
    return -math.expm1(-high)


def batches_for(
    target_rmse: float, stream: Stream, source: Source, epsilon: float = 0.0
) -> int | None:
    """Return the smallest number of pooled batches whose error is at most a target.

    Parameters
    ----------
    target_rmse
        Of the normalized value, in sd.
    stream, source, epsilon
        As for `inference_mse`; steps and momentum of the stream do not matter. Of a shuffled set
        there are N//n batches at most.

    Returns
    -------
    int or None
        To first order, where that holds; None if no number does.

    Examples
    --------
    About 1.5/0.01^2 normal values, in batches of 32.

    >>> from simnorm.distributions import distribution
    >>> batches_for(0.01, Stream(32, 0, sampling="iid"), distribution("normal"))
    469
    """
    _check_target(target_rmse)
    full = stream.of(source)

    def meets(k: int) -> bool:
        mse = inference_mse(pooled(dataclasses.replace(full, steps=k)), source, epsilon)
        return mse is not None and mse <= target_rmse * target_rmse

    high = full.per_epoch or MOST_BATCHES
    if not meets(high):
        return None
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if meets(middle) else (middle, high)
    return high


def _check_target(target_rmse: float) -> None:
    if not 0.0 < target_rmse < math.inf:
        raise SimnormError("target_rmse", target_rmse, "a finite number above 0 is needed")
