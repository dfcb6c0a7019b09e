"""Two readers of the same filled block: from observations to A and Q per replication and cell.

A *lane* is one replication; a block is an array of shape (N, lanes), filled observation by
observation. For every cell, A is the mean and Q the mean square of the errors of a lane's batches.
The compiled reader takes the moment estimators of all batch sizes in one pass over each slab; the
array reader takes any estimator, on the assembled block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simnorm.compiled import compiled_kernels
from simnorm.distributions import Distribution
from simnorm.distributions.base import inverse_table
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    OrderStatistic,
    Std,
)
from simnorm.inverse import DEGREE
from simnorm.sampling import cut

Floats = NDArray[np.float64]

# Every estimator's A and Q, each of shape (batch sizes, references, lanes).
Errors = dict[Estimator, tuple[Floats, Floats]]

REFERENCES = ("full_set", "population")

# What stands in for the table of a law that is not drawn by one.
NO_TABLE = np.empty((0, DEGREE + 1))

# Observations that the array reader takes at a time, whole lanes.
CHUNK_DRAWS = 1 << 20


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
    others = array_estimators(estimators, compiled=compiled)
    moments = [kind for kind in estimators if kind not in others]
    found: list[Reducer] = []
    if moments:
        found.append(CompiledReducer(law, moments, sizes, full_size, lanes))
    if others:
        found.append(ArrayReducer(law, others, sizes, full_size, lanes))
    return found


def array_estimators(estimators: Sequence[Estimator], *, compiled: bool = True) -> list[Estimator]:
    """Return the estimators that only the array reader can take."""
    if not compiled or compiled_kernels() is None:
        return list(estimators)
    return [kind for kind in estimators if not isinstance(kind, Mean | BiasedVariance | Std)]


class ArrayReducer:
    """Applies any estimator to batches cut from the assembled block."""

    def __init__(
        self,
        law: Distribution,
        estimators: Sequence[Estimator],
        sizes: Sequence[int],
        full_size: int,
        lanes: int,
    ) -> None:
        self.estimators = estimators
        # Taken about the law's pivot, data far from zero keep their digits. A location moves
        # along, a spread does not notice.
        self.centre = law.pivot
        self.population = {
            kind: kind.population(law) - (self.centre if kind.is_location else 0.0)
            for kind in estimators
        }
        self.sizes = sizes
        self.block = np.empty((full_size, lanes))

    def add(self, slab: Floats, first: int) -> None:
        """Copy the slab to its place in the block."""
        np.subtract(slab, self.centre, out=self.block[first : first + len(slab)])

    def errors(self) -> Errors:
        """Return every estimator's A and Q."""
        full_size, lanes = self.block.shape
        step = max(1, CHUNK_DRAWS // full_size)
        chunks = [
            self._errors(np.ascontiguousarray(self.block[:, start : start + step].T))
            for start in range(0, lanes, step)
        ]
        return {
            kind: (
                np.concatenate([chunk[kind][0] for chunk in chunks], axis=-1),
                np.concatenate([chunk[kind][1] for chunk in chunks], axis=-1),
            )
            for kind in self.estimators
        }

    def _errors(self, full_sets: Floats) -> Errors:
        whole = self._estimates(full_sets)
        shape = (len(self.sizes), len(REFERENCES), len(full_sets))
        found = {kind: (np.empty(shape), np.empty(shape)) for kind in self.estimators}
        for j, size in enumerate(self.sizes):
            for kind, estimates in self._estimates(cut(full_sets, size)).items():
                population = np.full_like(whole[kind], self.population[kind])
                for r, reference in enumerate((whole[kind], population)):
                    errors = estimates - reference[:, np.newaxis]
                    found[kind][0][j, r] = errors.mean(axis=-1)
                    found[kind][1][j, r] = (errors * errors).mean(axis=-1)
        return found

    def _estimates(self, samples: Floats) -> dict[Estimator, Floats]:
        """Apply every estimator along the last axis; sort once for all order statistics."""
        order = [kind for kind in self.estimators if isinstance(kind, OrderStatistic)]
        found: dict[Estimator, Floats] = {}
        if order:
            rising = np.sort(samples, axis=-1)
            found = {kind: kind.of_sorted(rising) for kind in order}
        for kind in self.estimators:
            if kind not in found:
                found[kind] = kind.along_last(samples)
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
        # Population values about the constants that `deviations` names, in that unit.
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
