"""What is rare when the rows of a column are shuffled: large values that meet, or are left out.

Every order of the rows holds every value, so a run on data has none of the surprises that draws of
a law with heavy tails have. What chance decides is which values share a batch, and which ones are
left over at the end where n does not divide N. For most values there are many of these events in a
run. For two extreme ones it is a single event in N/n replications, and a run that has not met it
does not know of it, nor does its standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Maximum,
    Mean,
    Minimum,
    Range,
    Std,
    TrimmedMean,
)
from simnorm.theory.finite_order import rank_law

Floats = NDArray[np.float64]

# Fourth powers leave nothing of all but the largest values.
LARGEST = 64
# Relative to the largest, what is next to nothing.
ROUNDING = 1e-10


class Fourth(NamedTuple):
    """Fourth cumulants of A and of Q that rare events of one replication give."""

    mean_error: float
    mean_square: float


def differing(values: Floats) -> NDArray[np.int64]:
    """Return how many numbers of every row differ from the one that more than half of them are.

    Parameters
    ----------
    values
        Of every replication, shape (cells, replications).

    Returns
    -------
    NDArray
        One count for every cell; at least half of the numbers where no number is so common.

    Examples
    --------
    >>> differing(np.array([[2.0, 2.0, 7.0, 2.0], [1.0, 2.0, 3.0, 4.0]]))
    array([1, 4])
    """
    # Undefined moments make NaN and overflow here; their rows say so for themselves.
    with np.errstate(invalid="ignore", over="ignore"):
        common = np.median(values, axis=-1, keepdims=True)
        size = np.abs(values).max(axis=-1, keepdims=True)
        # What is the same but for rounding.
        alike = np.abs(values - common) <= ROUNDING * size
    return np.asarray(np.count_nonzero(~alike, axis=-1))


def fourth_cumulants(kind: Estimator, n: int, column: Column) -> Fourth | None:
    """Return the fourth cumulants of A and Q under ``shuffle`` that large values give.

    A value i changes the variance of its batch by about a_i = z_i^2 (1 - 1/n)/n, in units of the
    column's own. Events are taken as independent, of chance (n - 1)/(N - 1) for a pair to meet and
    (N mod n)/N for a value to be left out; a fourth cumulant is the sum of their chances times the
    fourth powers of what they change.

    Parameters
    ----------
    kind, n
        Estimator and batch size.
    column
        The column, not constant.

    Returns
    -------
    Fourth or None
        In units of the data; None for estimators that are neither made of moments nor extremes.
    """
    if isinstance(kind, Maximum | Minimum | Range) and n > 1:
        return _of_extremes(kind, n, column)
    is_mean = isinstance(kind, Mean) or (isinstance(kind, TrimmedMean) and kind.cut(n) == 0)
    if not (is_mean or isinstance(kind, BiasedVariance | Std)) or n < 2:
        return None
    z = column.outermost(LARGEST)
    N = column.size
    batches = N // n
    meeting, leaving = (n - 1.0) / (N - 1.0), (N % n) / N
    products = _pairs(z, np.multiply) * (2.0 / (n * n * batches))
    if is_mean:
        error = leaving * _fourth(z / (n * batches))
        square = meeting * _fourth(products) + leaving * _fourth(z * z / (n * n * batches))
        return _in_units(error, square, column.unit)
    changes = z * z * ((1.0 - 1.0 / n) / n)
    value: Callable[[Floats], Floats] = np.sqrt if isinstance(kind, Std) else np.asarray
    error = _of_events(value, changes, meeting, leaving, batches)
    if not isinstance(kind, Std):
        # Variances add up; what meets is a part of the squared means that are taken off.
        error += meeting * _fourth(products)
    square = _of_events(lambda v: (value(v) - 1.0) ** 2, changes, meeting, leaving, batches)
    return _in_units(error, square, column.unit**kind.power)


def _of_events(
    g: Callable[[Floats], Floats], changes: Floats, meeting: float, leaving: float, batches: int
) -> float:
    """Return the fourth cumulant of the mean of g(variance of a batch)."""
    alone = g(1.0 + changes)
    one = g(np.ones(1))[0]
    i, j = np.triu_indices(len(changes), 1)
    together = g(1.0 + changes[i] + changes[j]) - alone[i] - alone[j] + one
    return meeting * _fourth(together / batches) + leaving * _fourth((alone - one) / batches)


def _of_extremes(kind: Maximum | Minimum | Range, n: int, column: Column) -> Fourth:
    """Return what the outermost values give: the smaller of two that meet is not the extreme."""
    N = column.size
    batches = N // n
    meeting, leaving = (n - 1.0) / (N - 1.0), (N % n) / N
    z = column.scores
    ends = {Maximum: [z], Minimum: [-z[::-1]]}.get(type(kind), [z, -z[::-1]])
    # Of each end the largest values, what a batch without them has there, and the whole's.
    law = rank_law(n, n, N, replaced=False)
    typical = [float(law @ end) for end in ends]
    found = np.zeros(2)
    for k, end in enumerate(ends):
        # The error where this end is at v and the other, if any, is where it mostly is.
        rest = sum(typical) - typical[k] - sum(float(other[-1]) for other in ends)
        base = typical[k] + rest
        alone = np.maximum(end[-LARGEST:], typical[k]) + rest
        i, j = np.triu_indices(len(alone), 1)
        for power in (1, 2):
            g = alone**power
            together = np.minimum(alone[i], alone[j]) ** power - base**power
            found[power - 1] += meeting * _fourth(together / batches)
            found[power - 1] += leaving * _fourth((g - base**power) / batches)
    return _in_units(float(found[0]), float(found[1]), column.unit)


def _pairs(values: Floats, combine: Callable[[Floats, Floats], Floats]) -> Floats:
    i, j = np.triu_indices(len(values), 1)
    return combine(values[i], values[j])


def _fourth(values: Floats) -> float:
    squares = values * values
    return float((squares * squares).sum())


def _in_units(error: float, square: float, unit: float) -> Fourth:
    return Fourth(error * unit**4, square * unit**8)
