"""The readers of the same filled block: from observations to A and Q per replication and cell.

A *lane* is one replication; a block is an array of shape (N, lanes), filled observation by
observation. For every cell, A is the mean and Q the mean square of the errors of a lane's batches.
The compiled reader takes the moment estimators of all batch sizes in one pass over each slab; the
array reader takes any estimator, on the assembled block; users' functions have a reader of their
own in `calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simnorm.calls import CallReducer
from simnorm.compiled import compiled_kernels
from simnorm.distributions import Distribution
from simnorm.distributions.base import inverse_table
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    ExcessKurtosis,
    Mean,
    MedianAbsoluteDeviation,
    OrderStatistic,
    RankSum,
    Shape,
    Skewness,
    Std,
    TrimmedMean,
    UserEstimator,
)
from simnorm.inverse import DEGREE
from simnorm.sampling import cut
from simnorm.sorting import SortedBatches

Floats = NDArray[np.float64]

# Every estimator's A and Q, each of shape (batch sizes, references, lanes).
Errors = dict[Estimator, tuple[Floats, Floats]]

REFERENCES = ("full_set", "population")

# What stands in for the table of a law that is not drawn by one.
NO_TABLE = np.empty((0, DEGREE + 1))

# Observations that the array reader takes at a time, whole lanes: what fits the cache.
CHUNK_DRAWS = 1 << 17


class Reducer(Protocol):
    """What reads a block slab by slab and then states its errors."""

    def add(self, slab: Floats, first: int) -> None:
        """Take the next observations of every lane, shape (rows, lanes)."""

    def errors(self) -> Errors:
        """Return every estimator's A and Q."""


def reducers_for(
    law: Distribution,
    estimators: Sequence[Estimator],
    sizes: Sequence[int],
    full_size: int,
    lanes: int,
    *,
    compiled: bool = True,
) -> list[Reducer]:
    """Return the readers that together cover `estimators`."""
    users = [kind for kind in estimators if isinstance(kind, UserEstimator)]
    others = array_estimators(estimators, compiled=compiled)
    moments = [kind for kind in estimators if kind not in (*others, *users)]
    found: list[Reducer] = []
    if users:
        found.append(CallReducer(law, users, sizes, full_size, lanes))
    if moments:
        found.append(CompiledReducer(law, moments, sizes, full_size, lanes))
    if others:
        found.append(ArrayReducer(law, others, sizes, full_size, lanes, compiled=compiled))
    return found


def array_estimators(estimators: Sequence[Estimator], *, compiled: bool = True) -> list[Estimator]:
    """Return the estimators that only the array reader can take."""
    known = [kind for kind in estimators if not isinstance(kind, UserEstimator)]
    if not compiled or compiled_kernels() is None:
        return known
    return [kind for kind in known if not isinstance(kind, Mean | BiasedVariance | Std)]


class ArrayReducer:
    """Applies any estimator to batches cut from the assembled block."""

    def __init__(
        self,
        law: Distribution,
        estimators: Sequence[Estimator],
        sizes: Sequence[int],
        full_size: int,
        lanes: int,
        *,
        compiled: bool = True,
    ) -> None:
        self.estimators = estimators
        # Taken about the law's pivot, data far from zero keep their digits. A location moves
        # along, a spread does not notice.
        self.centre = law.pivot
        self.population = {
            kind: float(kind.population(law)) - (self.centre if kind.is_location else 0.0)
            for kind in estimators
        }
        self.sizes = sizes
        self.compiled = compiled and compiled_kernels() is not None
        self.block = np.empty((lanes, full_size))

    def add(self, slab: Floats, first: int) -> None:
        """Copy the slab to its place in the block."""
        np.subtract(slab.T, self.centre, out=self.block[:, first : first + len(slab)])

    def errors(self) -> Errors:
        """Return every estimator's A and Q."""
        lanes, full_size = self.block.shape
        shape = (2, len(self.sizes), len(REFERENCES), lanes)
        found = {kind: np.empty(shape) for kind in self.estimators}
        step = max(1, CHUNK_DRAWS // full_size)
        for start in range(0, lanes, step):
            for kind, part in self._errors(self.block[start : start + step]).items():
                found[kind][..., start : start + step] = part
        return {kind: (mean, square) for kind, (mean, square) in found.items()}

    def _errors(self, full_sets: Floats) -> dict[Estimator, Floats]:
        """Return A and Q of some lanes, shape (2, sizes, references, lanes)."""
        batches = SortedBatches(full_sets, compiled=self.compiled)
        # The full set comes last, because it is sorted from sorted batches.
        *estimates, wholes = [
            estimates_of(self.estimators, full_sets, size, batches, compiled=self.compiled)
            for size in (*self.sizes, full_sets.shape[1])
        ]
        shape = (2, len(self.sizes), len(REFERENCES), len(full_sets))
        found = {kind: np.empty(shape) for kind in self.estimators}
        for kind, whole in wholes.items():
            for j, of_size in enumerate(estimates):
                mean, square = found[kind][:, j]
                pair(
                    of_size[kind],
                    whole[:, 0],
                    self.population[kind],
                    mean,
                    square,
                    compiled=self.compiled,
                )
        return found


def estimates_of(
    kinds: Sequence[Estimator],
    full_sets: Floats,
    size: int,
    batches: SortedBatches,
    *,
    compiled: bool,
) -> dict[Estimator, Floats]:
    """Apply every estimator to the batches of a size; sort once for all order statistics.

    Parameters
    ----------
    kinds
        The estimators.
    full_sets
        Observations, shape (lanes, N).
    size
        Batch size n.
    batches
        The same observations, sorted batch by batch.
    compiled
        Whether compiled loops may be used.

    Returns
    -------
    dict
        Estimates of every kind, shape (lanes, N // n).
    """
    samples = cut(full_sets, size)
    order = [kind for kind in kinds if isinstance(kind, OrderStatistic)]
    rising = batches.of(size) if order else samples
    found = read_compiled(kinds, samples, rising) if compiled else {}
    for kind in kinds:
        if kind not in found:
            # A copy, because the sorted batches are sorted on in place.
            found[kind] = np.array(
                kind.of_sorted(rising)
                if isinstance(kind, OrderStatistic)
                else kind.along_last(samples)
            )
    return found


def pair(
    estimates: Floats,
    whole: Floats,
    population: float,
    mean: Floats,
    square: Floats,
    *,
    compiled: bool,
) -> None:
    """Put A and Q of estimates, shape (lanes, k), against both references into two arrays.

    Parameters
    ----------
    estimates, whole, population
        Of the batches, of every lane's full set, and of the population.
    mean, square
        Receive A and Q, shape (references, lanes).
    compiled
        Whether the compiled loop may be used.
    """
    if compiled:
        compiled_kernels().paired_errors(estimates, whole, population, mean, square)
        return
    constant = np.full_like(whole, population)
    for r, reference in enumerate((whole, constant)):
        errors = estimates - reference[:, np.newaxis]
        mean[r] = errors.mean(axis=-1)
        square[r] = (errors * errors).mean(axis=-1)


def read_compiled(
    kinds: Sequence[Estimator], samples: Floats, rising: Floats
) -> dict[Estimator, Floats]:
    """Return the estimates of those kinds that have a compiled loop, each of shape (lanes, k).

    Parameters
    ----------
    kinds
        The estimators that are wanted.
    samples, rising
        The batches as they were drawn and sorted, shape (lanes, k, n).
    """
    kernels = compiled_kernels()
    lanes, count, size = samples.shape
    sums = [kind for kind in kinds if isinstance(kind, RankSum)]
    found: dict[Estimator, Floats] = {}
    if sums:
        terms = [kind.weights(size) for kind in sums]
        estimates = np.empty((len(sums), lanes, count))
        kernels.rank_sums(
            rising,
            np.cumsum([0, *map(len, terms)]),
            np.array([rank - 1 for parts in terms for rank, _ in parts]),
            np.array([weight for parts in terms for _, weight in parts]),
            estimates,
        )
        found.update(zip(sums, estimates, strict=True))
    for kind in kinds:
        if isinstance(kind, MedianAbsoluteDeviation):
            found[kind] = np.empty((lanes, count))
            kernels.median_distances(rising, found[kind])
        if isinstance(kind, TrimmedMean):
            found[kind] = np.empty((lanes, count))
            kernels.trimmed_means(rising, kind.cut(size), found[kind])
    if any(isinstance(kind, Shape) for kind in kinds):
        skewness, kurtosis = np.empty((2, lanes, count))
        kernels.shapes(samples, skewness, kurtosis)
        found |= {k: skewness for k in kinds if isinstance(k, Skewness)}
        found |= {k: kurtosis for k in kinds if isinstance(k, ExcessKurtosis)}
    return found


class CompiledReducer:
    """Takes means, variances and standard deviations of all sizes in one pass over the slabs.

    Observations are standardized with constants of the law, its pivot and unit. The full set is
    treated as one more batch size, so that an error at n = N is zero to the last bit.
    """

    def __init__(
        self,
        law: Distribution,
        estimators: Sequence[Estimator],
        sizes: Sequence[int],
        full_size: int,
        lanes: int,
    ) -> None:
        self.estimators = estimators
        self.sizes = sizes
        self.full_size = full_size
        self.centre = law.pivot
        self.unit = law.unit
        # Population values about the constants that the kernels' `deviation` names, in that unit.
        std = law.std / self.unit
        self.population = {Std.power: std - 1.0, BiasedVariance.power: std * std - 1.0}
        self.mean = (law.mean - self.centre) / self.unit
        # The last entry is the full set, which may be among the sizes too.
        self._sizes = np.array([*sizes, full_size], dtype=np.int64)
        self._sums = np.zeros((2, lanes))
        self._past = np.zeros((2, lanes))
        self._snapshots = np.zeros((len(self._sizes), 2, lanes))
        self._accumulators = np.zeros((len(self._sizes), 3, lanes))
        self._pending = np.zeros(lanes)

    def add(self, slab: Floats, first: int) -> None:
        """Take the next observations of every lane."""
        compiled_kernels().add_rows(slab, first, *self._state())

    def add_block(self, rng: np.random.Generator, law: Distribution, buffer: Floats) -> None:
        """Draw and take a whole block of a law, as filling and adding every slab would."""
        kernels = compiled_kernels()
        table = inverse_table(law).coefficients if law.origin == "inverse" else NO_TABLE
        kernels.add_block(
            rng,
            kernels.ORIGINS.index(law.origin),
            table,
            buffer,
            self.full_size,
            (law.loc, law.scale),
            *self._state(),
        )

    def _state(self) -> tuple[object, ...]:
        return (
            self.centre,
            self.unit,
            self._sizes,
            self._sums,
            self._past,
            self._snapshots,
            self._accumulators,
            self._pending,
        )

    def errors(self) -> Errors:
        """Return every estimator's A and Q."""
        codes = np.array([moment_code(kind) for kind in self.estimators])
        units = np.array([self.unit**kind.power for kind in self.estimators])
        population = np.array([self.population[kind.power] for kind in self.estimators])
        shape = (2, len(codes), len(self.sizes), len(REFERENCES), self._sums.shape[1])
        found = np.empty(shape)
        # Means are about 0 and spreads about 1, both in units of the law.
        population[codes == MEAN] = self.mean
        compiled_kernels().moment_errors(
            codes,
            population,
            units,
            self._sizes,
            self._past[np.newaxis] + self._snapshots,
            self._accumulators,
            found,
        )
        return {kind: (found[0, k], found[1, k]) for k, kind in enumerate(self.estimators)}


MEAN = 0


def moment_code(kind: Estimator) -> int:
    """Return the code by which the compiled loops know a moment estimator."""
    if isinstance(kind, Mean):
        return MEAN
    if isinstance(kind, BiasedVariance):
        return 1 + kind.ddof
    assert isinstance(kind, Std)
    return 3 + kind.ddof
