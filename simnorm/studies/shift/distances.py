"""Distances between the distributions of activations, unit by unit, and between gradients.

A sample of a layer is an array of shape (units, rows). All distances but Kolmogorov-Smirnov's are
in standard deviations of the first sample. A unit without any is left out of medians.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels
from simnorm.tally import quietly

Floats = NDArray[np.float64]


class Sample(NamedTuple):
    """A layer's activations with what distances are made of.

    Parameters
    ----------
    values
        Shape (units, rows), rising in every unit.
    mean, sd
        Of every unit; the standard deviation has divisor m.
    """

    values: Floats
    mean: Floats
    sd: Floats

    @classmethod
    @quietly
    def of(cls, values: Floats) -> Sample:
        """Sort activations of shape (units, rows) and take their moments."""
        values = np.ascontiguousarray(values, float)
        return cls(np.sort(values, axis=-1), values.mean(axis=-1), values.std(axis=-1))


class Moments(NamedTuple):
    """Mean and standard deviation of every unit of a layer, where no more is asked for."""

    mean: Floats
    sd: Floats

    @classmethod
    @quietly
    def of(cls, values: Floats) -> Moments:
        """Take the moments of values of shape (units, rows)."""
        values = np.ascontiguousarray(values, float)
        return cls(values.mean(axis=-1), values.std(axis=-1))


@quietly
def moment_distance(first: Sample | Moments, second: Sample | Moments) -> Floats:
    """Return the Wasserstein-2 distance of normal laws with both samples' moments, unit by unit.

    This is sqrt((m2 - m1)^2 + (s2 - s1)^2), over s1.

    Examples
    --------
    >>> here, there = Sample.of(np.array([[-1.0, 1.0]])), Sample.of(np.array([[1.0, 7.0]]))
    >>> moment_distance(here, there).round(3).tolist()  # means 0 and 4, deviations 1 and 3
    [4.472]
    """
    return _over(np.hypot(second.mean - first.mean, second.sd - first.sd), first.sd)


@quietly
def wasserstein_distance(first: Sample, second: Sample) -> Floats:
    """Return the Wasserstein-1 distance of two samples of the same size, over s1.

    Of sorted samples it is the mean distance between values of the same rank.

    Examples
    --------
    >>> here, there = Sample.of(np.array([[-1.0, 1.0]])), Sample.of(np.array([[1.0, 7.0]]))
    >>> wasserstein_distance(here, there).tolist()
    [4.0]
    """
    return _over(np.abs(second.values - first.values).mean(axis=-1), first.sd)


def ks_distance(first: Sample, second: Sample, *, compiled: bool = True) -> Floats:
    """Return the largest difference of the distribution functions of two samples of one size.

    Parameters
    ----------
    first, second
        Samples of the same units.
    compiled
        Whether the compiled loop may be used; the bits are the same.

    Examples
    --------
    >>> here, there = Sample.of(np.array([[1.0, 2.0, 3.0]])), Sample.of(np.array([[2.5, 3.0, 4.0]]))
    >>> ks_distance(here, there).round(3).tolist()
    [0.667]
    """
    units, rows = first.values.shape
    is_known = np.isfinite(first.mean) & np.isfinite(second.mean)
    found = np.zeros(units, dtype=np.int64)
    kernels = compiled_kernels() if compiled else None
    if not is_known.all():
        # What is not finite has no rank.
        found[is_known] = _most(first.values[is_known], second.values[is_known])
    elif kernels is None:
        found = _most(first.values, second.values)
    else:
        kernels.largest_steps(first.values, second.values, found)
    return np.where(is_known, found / rows, np.nan)


def _most(first: Floats, second: Floats) -> NDArray[np.int64]:
    """Return by how many values the distribution functions of rising samples differ at most."""
    both = np.concatenate([first, second], axis=-1)
    # Two rising runs, which a stable sort merges.
    order = np.argsort(both, axis=-1, kind="stable")
    heights = np.cumsum(np.where(order < first.shape[-1], 1, -1), axis=-1)
    rising = np.take_along_axis(both, order, axis=-1)
    # Between equal values neither function has a value.
    is_last = np.ones(rising.shape, dtype=bool)
    is_last[..., :-1] = rising[..., 1:] > rising[..., :-1]
    most = np.where(is_last, np.abs(heights), 0).max(axis=-1)
    return np.asarray(most, dtype=np.int64)


@quietly
def batch_distance(
    mean: Floats, sd: Floats, part_mean: Floats, part_sd: Floats, epsilon: float
) -> Floats:
    """Return how far values normalized by a batch are from those by all rows: root mean square.

    It is taken over all rows and in standard deviations of the values normalized by all rows, and
    is as well the Wasserstein distance of the two: one is an affine function of the other.

    Parameters
    ----------
    mean, sd
        Of all rows.
    part_mean, part_sd
        Of the batch.
    epsilon
        What is added to the variances.

    Examples
    --------
    >>> one = np.ones(1)
    >>> float(batch_distance(0.0 * one, one, 0.5 * one, one, epsilon=0.0)[0])
    0.5
    """
    whole, part = np.sqrt(sd * sd + epsilon), np.sqrt(part_sd * part_sd + epsilon)
    off = np.hypot((mean - part_mean) / part, sd / part - sd / whole)
    return _over(off * whole, sd)


@quietly
def _over(distance: Floats, sd: Floats) -> Floats:
    return np.where(sd > 0.0, distance / sd, np.nan)


def middle(values: Floats) -> float:
    """Return the median over the units that have a value.

    Examples
    --------
    >>> middle(np.array([3.0, np.nan, 1.0]))
    2.0
    """
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


class Change(NamedTuple):
    """From one gradient to another.

    Parameters
    ----------
    size
        Norm of the difference, Definition 2.1 of Santurkar et al.
    shift
        The same over the norm of the first.
    cosine
        Of the angle between them.
    """

    size: float
    shift: float
    cosine: float


@quietly
def gradient_change(first: Floats, second: Floats) -> Change:
    """Return how a gradient has changed (Santurkar et al. 2018, Definition 2.1 and figure 3).

    Their definition is the norm of the difference; as gradients shrink while a net learns, it is
    given over the norm of the first as well, a relative form that is ours.

    Examples
    --------
    >>> gradient_change(np.array([3.0, 4.0]), np.array([-4.0, 3.0]))
    Change(size=7.0710678118654755, shift=1.4142135623730951, cosine=0.0)
    """
    here, there = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    size = float(np.linalg.norm(second - first))
    cosine = np.vdot(first, second) / np.float64(here * there)
    return Change(size, float(size / np.float64(here)), float(cosine))
