"""Batches of full sets: their outputs, the errors of these, and what other scalers make of them.

Nothing here depends on the order of the values in a batch, so a batch is the sorted *places* of its
values among the sorted full set: whole numbers are quickly sorted and never tie. Values are taken
in a unit that is a power of two next to their standard deviation, which changes no digit.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.compiled import compiled_kernels
from simnorm.distributions import Distribution
from simnorm.studies.inputs.grid import Bins, Settings

Floats = NDArray[np.float64]
Places = NDArray[np.int32]

# Below this a biased variance may have lost digits to the smallest doubles.
SMALLEST_VARIANCE = 1e-290
SMALLEST_ROOT = 1e-140
# An epsilon of so many variances is as good as a larger one.
LARGEST_RELATIVE = 1e200


def loops() -> Any:
    """Return the module of this study's compiled loops, or None where there is no numba."""
    if compiled_kernels() is None:
        return None
    from simnorm.kernels import inputs

    return inputs


class FullSets(NamedTuple):
    """Sorted full sets, and what batches of them are compared with.

    Parameters
    ----------
    rising
        Sorted values, shape (1 or lanes, N).
    starts, ends
        Of every value, how many are smaller, and how many are not larger; of that shape.
    middles
        Mean ranks less 1/2 over N, of that shape.
    pivot
        A number next to the means.
    means, stds
        Of the references, less the pivot and biased, shape (references, 1 or lanes).
    exponent
        The unit is 2 to this power.
    std, kurtosis
        Standard deviation and excess kurtosis of the law, or the column.
    """

    rising: Floats
    starts: Places
    ends: Places
    middles: Floats
    pivot: float
    means: Floats
    stds: Floats
    exponent: int
    std: float
    kurtosis: float

    @property
    def inverses(self) -> Floats:
        """1 over the standard deviations; 0 where there is none, as z-scores are 0 then."""
        return np.divide(1.0, self.stds, out=np.zeros_like(self.stds), where=self.stds > 0.0)

    def scaled_root(self, epsilon: float) -> float:
        """Return sqrt(epsilon), for an epsilon in the squared unit of the data."""
        return float(np.ldexp(math.sqrt(epsilon), -self.exponent))

    def look(self, table: NDArray[np.generic], at: Places) -> NDArray[np.generic]:
        """Return the entries of a table of sorted values, shape (1 or lanes, N), at places."""
        if len(table) == 1:
            return np.take(table[0], at)
        found = np.empty(at.shape, dtype=table.dtype)
        for lane, row in enumerate(table):
            # No place lies outside; to say so is faster than to have it checked.
            np.take(row, at[lane], out=found[lane], mode="clip")
        return found


def exponent_of(unit: float) -> int:
    """Return the power of two next to a unit.

    Examples
    --------
    >>> exponent_of(3.0), exponent_of(0.25)
    (2, -1)
    """
    return math.frexp(unit)[1]


def sets_of_column(column: Column) -> FullSets:
    """Return a column as the only full set; it must have z-scores."""
    exponent = exponent_of(column.unit)
    rising = np.ldexp(column.rising, -exponent)[np.newaxis]
    pivot = math.ldexp(column.pivot, -exponent)
    means, stds = _moments(rising, pivot)
    both = means[np.newaxis], stds[np.newaxis]
    return FullSets(
        rising, *_ranks(rising), pivot, *both, exponent, stds[0], column.excess_kurtosis
    )


def places_of_column(column: Column) -> Places:
    """Return the place of every row's value among the sorted values, shape (N,)."""
    places = np.empty(column.size, dtype=np.int32)
    places[np.argsort(column.values, kind="stable")] = np.arange(column.size, dtype=np.int32)
    return places


def sets_of_law(
    law: Distribution, drawn: Floats, *, with_own: bool, with_population: bool
) -> tuple[FullSets, Places]:
    """Return full sets that a law gave, and the places of their values in drawing order.

    Parameters
    ----------
    law
        The law.
    drawn
        Its draws, shape (lanes, N).
    with_own, with_population
        Which references there are, in this order.
    """
    exponent = exponent_of(law.unit)
    order = np.argsort(drawn, axis=-1)
    rising = np.ldexp(np.take_along_axis(drawn, order, axis=-1), -exponent)
    places = np.empty(drawn.shape, dtype=np.int32)
    every = np.arange(drawn.shape[1], dtype=np.int32)
    np.put_along_axis(places, order, every[np.newaxis], axis=-1)
    pivot = math.ldexp(law.pivot, -exponent)
    population = np.ldexp([law.mean - law.pivot, law.std], -exponent)
    both = [np.stack(_moments(rising, pivot))] if with_own else []
    if with_population:
        both.append(np.repeat(population[:, np.newaxis], len(drawn), axis=-1))
    means, stds = np.stack(both, axis=1)
    facts = exponent, population[1], law.excess_kurtosis
    return FullSets(rising, *_ranks(rising), pivot, means, stds, *facts), places


def _moments(rising: Floats, pivot: float) -> tuple[Floats, Floats]:
    """Return means less the pivot, and biased standard deviations, of sorted full sets."""
    centred = rising - pivot
    means = centred.mean(axis=-1)
    centred -= means[:, np.newaxis]
    stds = np.sqrt((centred * centred).mean(axis=-1))
    # Of equal values a rounded mean would leave a spread.
    stds[rising[:, 0] == rising[:, -1]] = 0.0
    return means, stds


def runs(rising: Floats) -> tuple[Places, Places]:
    """Return where the run of values equal to each begins and ends, along the last axis.

    Examples
    --------
    >>> starts, ends = runs(np.array([1.0, 2.0, 2.0, 5.0]))
    >>> starts, ends
    (array([0, 1, 1, 3], dtype=int32), array([1, 3, 3, 4], dtype=int32))
    """
    size = rising.shape[-1]
    index = np.arange(size, dtype=np.int32)
    new = rising[..., 1:] != rising[..., :-1]
    starts = np.broadcast_to(index, rising.shape).copy()
    ends = starts + np.int32(1)
    if not new.all():
        starts[..., 1:] *= new
        np.maximum.accumulate(starts, axis=-1, out=starts)
        ends[..., :-1][~new] = size
        ends = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1].copy()
    return starts, ends


def _ranks(rising: Floats) -> tuple[Places, Places, Floats]:
    starts, ends = runs(rising)
    return starts, ends, middles_of(starts, ends)


def middles_of(starts: Places, ends: Places) -> Floats:
    """Return mean ranks less 1/2, over how many values there are."""
    return np.asarray((starts + ends.astype(np.float64)) / (2.0 * starts.shape[-1]))


class Wanted(NamedTuple):
    """What is asked of batches.

    Parameters
    ----------
    epsilons
        Constants inside the root, in the squared unit of the data.
    direct
        The settings whose errors are taken value by value.
    replaced
        Whether batches are drawn with replacement: then all of the full set may be unseen.
    """

    epsilons: tuple[float, ...]
    direct: Settings
    replaced: bool


class Batches:
    """Batches of one size of some replications.

    Parameters
    ----------
    sets
        The full sets.
    places
        Sorted places, shape (lanes, k, n).
    compiled
        Whether compiled loops may be used.
    """

    def __init__(self, sets: FullSets, places: Places, *, compiled: bool) -> None:
        self.sets, self.places = sets, places
        self.lanes, self.count, self.size = places.shape
        self.kernels = loops() if compiled else None
        self.low = self._values(0)
        self.range = self._values(-1) - self.low
        # Means less the smallest value, and standard deviations, of all batches.
        self.means, self.stds = self._moments()

    def _values(self, rank: int) -> Floats:
        return np.asarray(self.sets.look(self.sets.rising, self.places[..., rank]))

    def distances(self) -> Floats:
        """Return all values less the smallest of their batch."""
        x = np.asarray(self.sets.look(self.sets.rising, self.places))
        return x - x[..., :1]

    def _moments(self) -> tuple[Floats, Floats]:
        means, variances = np.zeros((2, self.lanes, self.count))
        if self.size == 1:
            return means, variances
        if self.kernels is not None:
            self.kernels.batch_moments(self.places, self.sets.rising, means, variances)
        else:
            d = self.distances()
            means = d.mean(axis=-1)
            d -= means[..., np.newaxis]
            variances = (d * d).mean(axis=-1)
        # Equal values have no spread, though a rounded mean would leave them one.
        variances[self.range == 0.0] = 0.0
        stds = np.sqrt(variances)
        tiny = (variances < SMALLEST_VARIANCE) & (self.range > 0.0)
        if tiny.any():
            d = self.distances()[tiny] / self.range[tiny][:, np.newaxis]
            stds[tiny] = self.range[tiny] * d.std(axis=-1)
        return means, stds

    def over_std(self, values: Floats) -> Floats:
        """Return numbers over the batches' standard deviations, 0 where there is none."""
        return np.divide(values, self.stds, out=np.zeros_like(values), where=self.stds > 0.0)

    def root(self, epsilon: float) -> Floats:
        """Return sqrt(s^2 + epsilon) of every batch, for an epsilon in the unit of the data."""
        root = self.sets.scaled_root(epsilon)
        if root == 0.0:
            return self.stds
        if root < SMALLEST_ROOT:
            return np.hypot(self.stds, root)
        # The same, and faster, where no square is too small.
        return np.sqrt(self.stds * self.stds + root * root)

    def epsilon_terms(self, epsilon: float) -> tuple[Floats, Floats]:
        """Return the means of v/(v + epsilon), shape (lanes,), and of v/sqrt(v + epsilon) over S.

        The latter has the shape (references, lanes).
        """
        root = self.root(epsilon)
        share = np.divide(self.stds, root, out=np.zeros_like(root), where=root > 0.0)
        squares, products = (share * share).mean(axis=-1), (share * self.stds).mean(axis=-1)
        return squares, products * self.sets.inverses

    def response(self, epsilon: float) -> float:
        """Return what to expect of the product above where the mean square of z is larger by 1.

        To first order v/sqrt(v + epsilon) moves with v, and v with the mean square; where s^2 has a
        relative variance, (kurtosis + 2)/n, it does so less. No bias comes of it, whatever it is:
        a control variate has a known mean, and the best factor is only somewhere near.
        """
        spread = (self.sets.kurtosis + 2.0) / self.size
        if self.size == 1 or not math.isfinite(spread):
            return 0.0
        root = self.sets.scaled_root(epsilon) / float(self.sets.std)
        relative = min(root * root, LARGEST_RELATIVE)
        slope = (0.5 + relative) / ((1.0 + relative) * math.sqrt(1.0 + relative))
        return float(slope / (1.0 + 0.5 * spread))

    def score_moments(self) -> tuple[Floats, Floats]:
        """Return means of z-scores and of their squares, both of shape (references, lanes)."""
        mean, square = np.empty((2, len(self.sets.means), self.lanes))
        for r, (centre, inverse) in enumerate(self._references()):
            z = (self.means + centre) * inverse
            s = self.stds * inverse
            mean[r], square[r] = z.mean(axis=-1), (s * s + z * z).mean(axis=-1)
        return mean, square

    def worst(self) -> tuple[Floats, Floats]:
        """Return the mean over the batches of max |output - z|, and its maximum.

        Both of shape (references, lanes). Inside a batch the error is linear in x: it is largest
        at one of the ends.
        """
        mean, most = np.empty((2, len(self.sets.means), self.lanes))
        low, high = self.over_std(-self.means), self.over_std(self.range - self.means)
        for r, (centre, inverse) in enumerate(self._references()):
            ends = np.abs(low - centre * inverse), np.abs(high - (self.range + centre) * inverse)
            worst = np.maximum(*ends)
            mean[r], most[r] = worst.mean(axis=-1), worst.max(axis=-1)
        return mean, most

    def _references(self) -> list[tuple[Floats, Floats]]:
        """Return for each reference the smallest values less its mean, and 1 over its sd."""
        sets = self.sets
        base = self.low - sets.pivot
        return [
            (base - mean[:, np.newaxis], inverse[:, np.newaxis])
            for mean, inverse in zip(sets.means, sets.inverses, strict=True)
        ]

    def constant(self) -> Floats:
        """Return the share of batches whose values are all equal, shape (lanes,)."""
        return np.asarray((self.stds == 0.0).mean(axis=-1))

    def unseen(self, *, replaced: bool) -> Floats:
        """Return the mean share of other values of the full set outside [min, max]."""
        sets = self.sets
        size = sets.rising.shape[1]
        below = sets.look(sets.starts, self.places[..., 0])
        upto = sets.look(sets.ends, self.places[..., -1])
        others = size if replaced else size - self.size
        outside = (np.asarray(below, dtype=np.float64) + (size - np.asarray(upto))).mean(axis=-1)
        return outside / others if others else np.full(self.lanes, np.nan)

    def powers(self) -> tuple[Floats, Floats]:
        """Return means of outputs to the third and the fourth power, shape (lanes,)."""
        found = np.empty((2, self.lanes))
        if self.kernels is not None:
            self.kernels.output_powers(self.places, self.sets.rising, self.means, self.stds, found)
        else:
            t = self.outputs()
            found[0] = (t**3).mean(axis=(-2, -1))
            found[1] = (t**4).mean(axis=(-2, -1))
        return found[0], found[1]

    def outputs(self) -> Floats:
        """Return the normalized values, shape (lanes, k, n)."""
        d = self.distances() - self.means[..., np.newaxis]
        stds = np.broadcast_to(self.stds[..., np.newaxis], d.shape)
        return np.divide(d, stds, out=np.zeros_like(d), where=stds > 0.0)

    def direct(self, settings: Settings) -> tuple[Floats, Floats]:
        """Return mean errors and mean squared errors, value by value, shape (references, lanes)."""
        root = self.root(settings.epsilon)
        slope = np.divide(settings.gamma, root, out=np.zeros_like(root), where=root > 0.0)
        found = np.empty((2, len(self.sets.means), self.lanes))
        for r, (centre, inverse) in enumerate(self._references()):
            # Not by one slope and offset for the batch: these are the outputs and the z-scores.
            if self.kernels is not None:
                self.kernels.direct_errors(
                    self.places, self.sets.rising, self.means, slope, settings.beta,
                    centre, np.broadcast_to(inverse, (self.lanes, 1))[:, 0].copy(), found[:, r],
                )  # fmt: skip
                continue
            d = self.distances()
            errors = (d - self.means[..., np.newaxis]) * slope[..., np.newaxis] + settings.beta
            errors -= (d + centre[..., np.newaxis]) * inverse[..., np.newaxis]
            found[0, r] = errors.mean(axis=(-2, -1))
            found[1, r] = (errors * errors).mean(axis=(-2, -1))
        return found[0], found[1]

    # Other scalers, all in units of the sd of the values that the full set's own scaler gives.

    def min_max(self) -> tuple[Floats, Floats]:
        """Return mean error and mean squared error of (x - min)/(max - min), shape (lanes,)."""
        lowest, highest = self.sets.rising[:, :1], self.sets.rising[:, -1:]
        mean, std = (
            (highest - lowest)
            * np.divide(part, self.range, out=np.zeros_like(part), where=self.range > 0.0)
            for part in (self.means, self.stds)
        )
        return self._scaled(mean, std, lowest)

    def robust(self) -> tuple[Floats, Floats]:
        """Return the same of (x - median)/(interquartile range), which is 0 where that is."""
        low, middle, high = (self._quantile(q) for q in (0.25, 0.5, 0.75))
        wholes = (whole_quantile(self.sets.rising, q) for q in (0.25, 0.5, 0.75))
        first, centre, last = (whole[:, np.newaxis] for whole in wholes)
        iqr, whole = high - low, last - first
        ratio = np.divide(whole, iqr, out=np.zeros_like(iqr), where=iqr > 0.0)
        mean, square = self._scaled(
            (self.means - (middle - self.low)) * ratio, self.stds * ratio, centre
        )
        none = np.broadcast_to(whole[:, 0] <= 0.0, mean.shape)
        mean[none], square[none] = np.nan, np.nan
        return mean, square

    def _scaled(self, mean: Floats, std: Floats, centre: Floats) -> tuple[Floats, Floats]:
        """Return A and Q of a linear scaler, of the mean and sd of its values in every batch."""
        whole = self.sets.stds[0][:, np.newaxis]
        errors = mean - (self.means + (self.low - centre))
        slope = std - self.stds
        with np.errstate(divide="ignore", invalid="ignore"):
            a = errors.mean(axis=-1) / whole[:, 0]
            q = (errors * errors + slope * slope).mean(axis=-1) / (whole[:, 0] * whole[:, 0])
        none = np.broadcast_to(whole[:, 0] == 0.0, a.shape)
        a[none], q[none] = 0.0, 0.0
        return a, q

    def _quantile(self, q: float) -> Floats:
        position = q * (self.size - 1)
        below = math.floor(position)
        low = self._values(below)
        if below == position:
            return low
        return np.asarray(low + (position - below) * (self._values(below + 1) - low))

    def quantile(self) -> tuple[Floats, Floats]:
        """Return the same of mean ranks less 1/2 over their number, those of equal values alike."""
        middles = self.sets.middles
        found = np.empty((2, self.lanes))
        if self.kernels is not None:
            self.kernels.rank_errors(self.places, middles, found)
        else:
            x = np.asarray(self.sets.look(self.sets.rising, self.places))
            errors = middles_of(*runs(x)) - np.asarray(self.sets.look(middles, self.places))
            found[0] = errors.mean(axis=(-2, -1))
            found[1] = (errors * errors).mean(axis=(-2, -1))
        std = middles.std(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = np.where(std > 0.0, 1.0 / std, 0.0)
        return found[0] * unit, found[1] * unit * unit

    # Bins.

    def count_outputs(self, bins: Bins, *, closed: bool) -> Floats:
        """Return how many outputs lie in each bin, shape (bins, lanes).

        `closed` says that none can lie outside but by rounding.
        """
        counts = np.zeros((self.lanes, bins.number))
        if self.kernels is not None:
            self.kernels.count_outputs(
                self.places, self.sets.rising, self.means, self.stds, *bins[:2], closed, counts
            )
            return counts.T
        at = np.floor((self.outputs() - bins.low) / bins.width)
        if closed:
            at = np.clip(at, 0, bins.number - 1)
        for lane, here in enumerate(at.reshape(self.lanes, -1)):
            inside = here[(here >= 0) & (here < bins.number)].astype(np.intp)
            counts[lane] = np.bincount(inside, minlength=bins.number)
        return counts.T

    def errors_by_value(self, bins: Bins) -> tuple[Floats, Floats]:
        """Return sums of squared errors in bins of the z-score, and counts, shape (bins, lanes)."""
        found = np.zeros((2, self.lanes, bins.number))
        centre, inverse = self._references()[0]
        inverse = np.broadcast_to(inverse, (self.lanes, 1))
        if self.kernels is not None:
            self.kernels.errors_by_value(
                self.places, self.sets.rising, self.means, self.stds,
                centre, inverse[:, 0].copy(), *bins[:2], found,
            )  # fmt: skip
        else:
            z = (self.distances() + centre[..., np.newaxis]) * inverse[..., np.newaxis]
            squares = (self.outputs() - z) ** 2
            at = np.floor((z - bins.low) / bins.width).reshape(self.lanes, -1)
            for lane, (here, square) in enumerate(
                zip(at, squares.reshape(self.lanes, -1), strict=True)
            ):
                inside = (here >= 0) & (here < bins.number)
                found[:, lane] = [
                    np.bincount(here[inside].astype(np.intp), weights, bins.number)
                    for weights in (square[inside], None)
                ]
        return found[0].T, found[1].T


def whole_quantile(rising: Floats, q: float) -> Floats:
    """Return the linear quantile of sorted full sets, shape (1 or lanes,)."""
    position = q * (rising.shape[1] - 1)
    below = math.floor(position)
    low = rising[:, below]
    if below == position:
        return low
    return np.asarray(low + (position - below) * (rising[:, below + 1] - low))
