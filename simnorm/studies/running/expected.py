"""What theory says of a cell and of a trajectory: all calls of `simnorm.theory.running`.

Quietly: a moment that does not exist makes NaN, and is left out.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.presets import FIRST_MEAN, FIRST_VARIANCE, Average, Precise
from simnorm.sampling import FROM_LAW, IID, SHUFFLE
from simnorm.tally import quietly
from simnorm.theory.moments import log_c4
from simnorm.theory.running import (
    Split,
    Stream,
    batches_for,
    inference_curve,
    inference_mse,
    momentum_for,
    pooled,
    running_mean_split,
    running_variance_split,
    sums_by_step,
)
from simnorm.theory.splits import model_of
from simnorm.theory.values import Value

Floats = NDArray[np.float64]
Kind = Distribution | Column

# The start is forgotten when e^-40 is left of it, if the steps until then can be looked at.
FORGOTTEN = 40.0
MOST_STEPS = 1 << 22
# How near to the floor is near.
NEAR = 1.1


def stream_of(
    kind: Average, n: int, steps: int, sampling: str, full_size: int, reference: str, drift: float
) -> Stream | None:
    """Return a stream as theory wants it, None for schemes that have none.

    Parameters
    ----------
    kind, n, steps
        The average, the batch size and T.
    sampling, full_size, reference
        As in the results.
    drift
        In the unit of the data.
    """
    if sampling not in FROM_LAW:
        return None
    return Stream(
        n,
        steps,
        momentum=kind.momentum,
        ddof=int(kind.ddof),
        sampling=sampling,
        full_size=None if sampling == IID else full_size,
        reference=reference,
        drift=drift,
        start_mean=FIRST_MEAN,
        start_variance=FIRST_VARIANCE,
    )


@quietly
def mean_split(stream: Stream, source: Kind) -> Split | None:
    """Return the parts of the error of a running mean."""
    return running_mean_split(stream, source)


@quietly
def variance_split(stream: Stream, source: Kind, kind: Average) -> Split | None:
    """Return the parts of the error of a running variance, None where there is no theory."""
    if not isinstance(kind, Precise):
        return running_variance_split(stream, source)
    found = _pooled_split(stream, source)
    return found if found is None or not stream.drift else _with_drift(found, stream, source)


def _pooled_split(stream: Stream, source: Kind) -> Split | None:
    if _has_other_divisor(stream, source):
        # Whole epochs of a column have its variance but for the divisor.
        rows = stream.steps * stream.batch_size
        if not isinstance(source, Column) or rows % source.size or source.size % stream.batch_size:
            return None
        return Split(0.0, source.variance / (rows - 1.0), 0.0, 0.0)
    whole = _pooled(stream, source)
    return None if whole is None else running_variance_split(whole, source)


def _has_other_divisor(stream: Stream, source: Kind) -> bool:
    """Return whether rows less 1 divide a variance of several epochs, which theory takes for one's.

    There N - 1 would.
    """
    rows, size = stream.steps * stream.batch_size, stream.of(source).full_size
    return bool(stream.ddof and stream.sampling == SHUFFLE and size and rows > size)


def _pooled(stream: Stream, source: Kind) -> Stream | None:
    """Return the stream whose one batch is all batches; None where some rows are in it twice."""
    try:
        whole = pooled(stream.of(source))
    except SimnormError:
        return None
    return dataclasses.replace(whole, ddof=stream.ddof)


def _with_drift(found: Split, stream: Stream, source: Kind) -> Split | None:
    """Add what a moving mean does to a pooled variance.

    Batch t moved by d t adds d^2 (T^2 - 1)/12 and (2 d/T) sum (t - (T + 1)/2) mean_t, which has no
    covariance with the variance of all values: given these, every order is as likely.
    """
    model, full, T = model_of(stream, source), stream.of(source), stream.steps
    if model is None:
        return None
    if stream.ddof:
        rows = T * stream.batch_size
        stretch = rows / (rows - 1.0)
    else:
        stretch = 1.0
    c = (np.arange(1.0, T + 1.0) - 0.5 * (T + 1.0)) / T
    epochs = 0.0
    if full.per_epoch:
        epochs = float((np.add.reduceat(c, np.arange(0, T, full.per_epoch)) ** 2).sum())
    spread = model.of_mean.of_squares * float((c * c).sum()) - model.of_mean.of_epochs * epochs
    spread = max(spread, 0.0)  # with one batch an epoch nothing but rounding is left
    d = stream.drift * stretch
    return found._replace(
        drift=stream.drift * d * (T * T - 1.0) / 12.0, noise=found.noise + 4.0 * d * d * spread
    )


@quietly
def inference_value(stream: Stream, source: Kind, kind: Average) -> Value | None:
    """Return the mean squared error of a normalized value, None where there is no theory."""
    if not isinstance(kind, Precise):
        return inference_mse(stream, source, kind.epsilon)
    if stream.drift or _has_other_divisor(stream, source):
        return None
    whole = _pooled(stream, source)
    return None if whole is None else inference_mse(whole, source, kind.epsilon)


@quietly
def trajectory(stream: Stream, source: Kind, kind: Average, grid: NDArray[np.int64]) -> Floats:
    """Return root mean squared errors after some steps, NaN where there is no theory.

    Returns
    -------
    NDArray
        Of running mean, running variance and normalized value, shape (3, steps), in the unit of the
        data, its square, and sd.
    """
    found = np.full((3, len(grid)), math.nan)
    model = model_of(stream, source)
    if model is None:
        return found
    t, places = grid.astype(np.float64), grid - 1
    sums = type(every := sums_by_step(stream.of(source)))(*(part[places] for part in every))
    shift = sums.start * (stream.start_mean - (model.mean + stream.drift * t))
    lag = stream.drift * sums.lag if stream.drift else 0.0
    found[0] = (shift - lag) ** 2 + model.of_mean(sums)
    if isinstance(kind, Precise):
        for place, step in enumerate(grid.tolist()):
            here = dataclasses.replace(stream, steps=step)
            split, value = variance_split(here, source, kind), inference_value(here, source, kind)
            found[1, place] = math.nan if split is None else split.mse
            found[2, place] = math.nan if value is None else value
    elif not math.isnan(model.batch_variance):
        rest = sums.start * (stream.start_variance - model.variance)
        rest = rest + sums.total * (model.batch_variance - model.variance)
        found[1] = rest * rest + model.of_variance(sums)
        found[2] = inference_curve(stream, source, kind.epsilon)[places]
    found[~np.isfinite(found)] = math.nan
    return np.asarray(np.sqrt(found))


class Settled(NamedTuple):
    """What a normalized value's error comes to, NaN where there is no theory.

    Parameters
    ----------
    floor
        Its rmse once the start is forgotten, at the place that step T has in its epoch.
    steps
        The first step from which it stays within 10 % of the floor at its own place.
    """

    floor: float
    steps: float


@quietly
def settled(stream: Stream, source: Kind, kind: Average) -> Settled:
    """Return the floor of a normalized value's error, and when it is reached."""
    m, each = stream.momentum, stream.of(source).per_epoch or 1
    if m is None or m == 1.0:
        return Settled(math.nan, math.nan)
    # Up to the end of an epoch, and one more, in which all places can be looked at.
    epochs = -(-math.ceil(FORGOTTEN / (1.0 - m)) // each) + 1
    if epochs * each > MOST_STEPS:
        return Settled(math.nan, math.nan)
    long = dataclasses.replace(stream, steps=epochs * each)
    curve = inference_curve(long, source, kind.epsilon)
    floors = curve[-each:]
    floor = math.sqrt(floors[(stream.steps - 1) % each])
    if not np.isfinite(floors).all():
        return Settled(floor, math.nan)
    far = np.flatnonzero(~(curve <= NEAR * NEAR * np.tile(floors, epochs)))
    return Settled(floor, float(far[-1] + 2) if far.size else 1.0)


def zscore_error(source: Kind, full_size: int) -> float:
    """Return the error that a z-score by N values has against the population, in sd.

    Exactly for a normal law, to first order elsewhere; NaN where there is no fourth moment.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> round(zscore_error(distribution("normal"), 150), 3)
    0.1
    """
    if isinstance(source, Distribution) and source.is_normal and full_size > 1:
        mean = 0.5 * math.log1p(-1.0 / full_size) + log_c4(full_size)
        return math.sqrt(-2.0 * math.expm1(mean))
    found = (source.excess_kurtosis + 6.0) / (4.0 * full_size)
    return math.sqrt(found) if math.isfinite(found) else math.nan


@quietly
def momentum_needed(target: float, stream: Stream, source: Kind, kind: Average) -> float:
    """Return the smallest momentum whose floor is as low as a target, NaN if none is."""
    found = momentum_for(target, stream, source, kind.epsilon)
    return math.nan if found is None else found


@quietly
def batches_needed(target: float, stream: Stream, source: Kind, kind: Average) -> float:
    """Return how many pooled batches are as near as a target, NaN if no number is."""
    found = batches_for(target, stream, source, kind.epsilon)
    return math.nan if found is None else float(found)
