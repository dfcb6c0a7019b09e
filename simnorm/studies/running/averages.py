"""Running averages of batch statistics: what is kept of a stream, and the errors it makes.

All is in the unit of the source, about its pivot, and without the start, whose weight is known.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.presets import FIRST_MEAN, FIRST_VARIANCE, Average, Precise, average

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Sums that averages of equal weights are made of: of means, variances, squared means, and means
# times their step.
MEANS, VARIANCES, SQUARES, TIMES = range(4)
PLAIN = 4
# Steps of a trajectory in every decade.
MANTISSAS = (10, 15, 20, 30, 50, 70)


class Plan(NamedTuple):
    """What is averaged, and when it is looked at.

    Parameters
    ----------
    averages
        The presets.
    momenta
        Those that differ, rising; an average of equal weights has none.
    grid
        Rising steps, the last of which is T.
    drifts
        Of the mean in every step, in units of the source.
    """

    averages: tuple[Average, ...]
    momenta: Floats
    grid: Integers
    drifts: tuple[float, ...]

    @property
    def slots(self) -> int:
        """How many numbers are kept of a stream."""
        return 2 * len(self.momenta) + PLAIN


def step_grid(steps: int) -> list[int]:
    """Return the steps at which a trajectory is looked at.

    Examples
    --------
    >>> step_grid(25)
    [1, 2, 3, 5, 7, 10, 15, 20, 25]
    """
    found, power = [], 1
    while power <= 10 * steps:
        found += [m * power // 10 for m in MANTISSAS if m * power % 10 == 0]
        power *= 10
    return [t for t in found if t < steps] + [steps]


@functools.lru_cache(maxsize=16)
def plan_of(design: Design) -> Plan:
    """Return what a design averages."""
    averages = tuple(average(spec) for spec in design.presets)
    momenta = {kind.momentum for kind in averages if kind.momentum is not None}
    grid = np.array(step_grid(design.steps), dtype=np.int64)
    return Plan(averages, np.array(sorted(momenta)), grid, design.drift)


class Averager:
    """Takes up batch after batch of some streams, side by side.

    Parameters
    ----------
    plan
        What to average.
    width
        How many streams there are.
    compiled
        Whether compiled loops may be used.
    """

    def __init__(self, plan: Plan, width: int, *, compiled: bool) -> None:
        self.plan = plan
        self.state = np.zeros((plan.slots, width))
        self.records = np.empty((len(plan.grid), plan.slots, width))
        kernels = compiled_kernels() if compiled else None
        self._average = average_steps if kernels is None else kernels.average_steps

    def add(self, done: int, means: Floats, variances: Floats) -> None:
        """Take up batches after `done` others; both arrays have a row for each."""
        shape = len(means), self.state.shape[1]
        self._average(
            done,
            means.reshape(shape),
            variances.reshape(shape),
            self.plan.momenta,
            self.plan.grid,
            self.state,
            self.records,
        )


def average_steps(
    done: int,
    means: Floats,
    variances: Floats,
    momenta: Floats,
    grid: Integers,
    state: Floats,
    records: Floats,
) -> None:
    """Do what the compiled loop does, see `simnorm.kernels.running`."""
    exponential, plain = state[: 2 * len(momenta)], state[2 * len(momenta) :]
    old = np.repeat(momenta, 2)[:, np.newaxis]
    new = 1.0 - old
    places = {int(step): place for place, step in enumerate(grid)}
    for step, batch in enumerate(np.stack([means, variances], axis=1), done + 1):
        exponential *= old
        exponential += new * np.tile(batch, (len(momenta), 1))
        plain += [*batch, batch[0] * batch[0], step * batch[0]]
        if step in places:
            records[places[step]] = state


class Running(NamedTuple):
    """A running mean and variance after every step of the grid, shape (grid, lanes, columns).

    The weight of the start stands apart, shape (grid, 1, 1), and what drift adds to the error of
    the mean, shape (grid, 1, columns).
    """

    mean: Floats
    variance: Floats
    start: Floats
    lag: Floats

    @property
    def last(self) -> Running:
        """What there is in the end."""
        return Running(*(part[-1:] for part in self))


def running(plan: Plan, records: Floats, kind: Average, n: int, drift: Floats) -> Running:
    """Return running statistics from what was kept of the streams.

    Parameters
    ----------
    plan, records
        As in `Averager`, shape (grid, slots, lanes, columns).
    kind
        The average.
    n
        The batch size.
    drift
        What the means of the columns move by in every step.
    """
    t = plan.grid.astype(np.float64)[:, np.newaxis, np.newaxis]
    if kind.momentum is not None:
        j, m = int(np.searchsorted(plan.momenta, kind.momentum)), kind.momentum
        start = m**t
        mean, variance = records[:, 2 * j], records[:, 2 * j + 1]
        # The mean age of a batch, and T for what is left of the start.
        lag = m * (1.0 - start) / (1.0 - m) if m < 1.0 else t
    else:
        sums = np.moveaxis(records[:, -PLAIN:], 1, 0) / t
        mean, variance, start, lag = sums[MEANS], sums[VARIANCES], 0.0 * t, (t - 1.0) / 2.0
        if isinstance(kind, Precise):
            variance = _pooled(sums, t, drift)
    if kind.ddof:
        size = t * n if isinstance(kind, Precise) else n + 0.0 * t
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = variance * (size / (size - 1.0))
    return Running(mean, variance, start, -drift * lag)


def _pooled(sums: Floats, t: Floats, drift: Floats) -> Floats:
    """Return the variance of all values of all batches, by the law of total variance."""
    mean = sums[MEANS]
    between = sums[SQUARES] - mean * mean
    if drift.any():
        moved = sums[TIMES] - 0.5 * (t + 1.0) * mean
        between = between + drift * (2.0 * moved + drift * (t * t - 1.0) / 12.0)
    # Equal means leave rounding alone.
    return np.asarray(sums[VARIANCES] + np.maximum(between, 0.0))


class Scale(NamedTuple):
    """A source's unit and pivot, in the unit of the data: numbers, or one for each column."""

    pivot: Floats
    unit: Floats


class Errors(NamedTuple):
    """Errors in the unit of the source, or its square, and A and Q of a normalized value."""

    mean: Floats
    variance: Floats
    value: Floats
    square: Floats


def errors_of(
    found: Running, scale: Scale, kind: Average, mean: Floats | float, variance: Floats | float
) -> Errors:
    """Return the errors of running statistics against a reference's mean and biased variance.

    Parameters
    ----------
    found
        Shape (steps, lanes, columns).
    scale
        Of the columns.
    kind
        The average, whose epsilon is in the squared unit of the data.
    mean, variance
        Of the reference, in the unit of the source, about its pivot.
    """
    first = (FIRST_MEAN - scale.pivot) / scale.unit
    off = found.start * first + (found.mean - mean) + found.lag
    kept = found.start * (FIRST_VARIANCE / scale.unit**2) + found.variance
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = 1.0 / np.sqrt(kept + kind.epsilon / scale.unit**2)
        value = -off * inverse
        stretched = np.sqrt(variance) * inverse - 1.0
        square = stretched * stretched + value * value
    return Errors(off, kept - variance, value, square)
