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

from simnorm.distributions import Distribution, compiled_kernels
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    OrderStatistic,
    Std,
    UnbiasedVariance,
)
from simnorm.sampling import cut

Floats = NDArray[np.float64]

# Estimator, batch size, reference -> (A, Q), both of shape (lanes,).
Key = tuple[Estimator, int, str]
Errors = dict[Key, tuple[Floats, Floats]]

# Observations that the array reader takes at a time, whole lanes.
CHUNK_DRAWS = 1 << 20


class Reducer(Protocol):
    """What reads a block slab by slab and then states its errors."""

    def add(self, slab: Floats, first: int) -> None:
        """Take the next observations of every lane, shape (rows, lanes)."""

    def errors(self) -> Errors:
        """Return A and Q of every estimator, batch size and reference."""


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


def array_estimators(
    estimators: Sequence[Estimator], *, compiled: bool = True
) -> list[Estimator]:
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
        self.population = {kind: kind.population(law) for kind in estimators}
        self.sizes = sizes
        self.block = np.empty((full_size, lanes))

    def add(self, slab: Floats, first: int) -> None:
        """Copy the slab to its place in the block."""
        self.block[first : first + len(slab)] = slab

    def errors(self) -> Errors:
        """Return A and Q of every estimator, batch size and reference."""
        full_size, lanes = self.block.shape
        step = max(1, CHUNK_DRAWS // full_size)
        chunks = [
            self._errors(np.ascontiguousarray(self.block[:, start : start + step].T))
            for start in range(0, lanes, step)
        ]
        return {
            key: (
                np.concatenate([chunk[key][0] for chunk in chunks]),
                np.concatenate([chunk[key][1] for chunk in chunks]),
            )
            for key in chunks[0]
        }

    def _errors(self, full_sets: Floats) -> Errors:
        found: Errors = {}
        whole = self._estimates(full_sets)
        for size in self.sizes:
            for kind, estimates in self._estimates(cut(full_sets, size)).items():
                against_full = estimates - whole[kind][:, np.newaxis]
                found[kind, size, "full_set"] = _mean_and_square(against_full)
                against_law = estimates - self.population[kind]
                found[kind, size, "population"] = _mean_and_square(against_law)
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


def _mean_and_square(errors: Floats) -> tuple[Floats, Floats]:
    return errors.mean(axis=-1), (errors * errors).mean(axis=-1)


class CompiledReducer:
    """Takes means, variances and standard deviations of all sizes in one pass over the slabs.

    Observations are standardized with the law's own mean and standard deviation. The full set is
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
        known = np.isfinite(law.variance)
        # Without a variance any unit will do: only errors of the data's own size are reported.
        self.unit = law.std if known else law.scale
        self.mean = (law.mean - self.centre) / self.unit
        self.population = 0.0 if known else np.nan  # of variance - 1 and std - 1
        # One entry more for the full set, unless it is among the sizes already.
        self.positions = {size: j for j, size in enumerate(sorted({*sizes, full_size}))}
        self._sizes = np.array(list(self.positions), dtype=np.int64)
        self._sums = np.zeros((2, lanes))
        self._past = np.zeros((2, lanes))
        self._snapshots = np.zeros((len(self.positions), 2, lanes))
        self._accumulators = np.zeros((len(self.positions), 3, lanes))

    def add(self, slab: Floats, first: int) -> None:
        """Take the next observations of every lane."""
        compiled_kernels().add_rows(
            slab,
            first,
            self.centre,
            self.unit,
            self._sizes,
            self._sums,
            self._past,
            self._snapshots,
            self._accumulators,
        )

    def errors(self) -> Errors:
        """Return A and Q of every estimator, batch size and reference."""
        found: Errors = {}
        for kind in self.estimators:
            power = self.unit**kind.power
            full, _ = self._deviations(kind, self.full_size)
            law = self.mean if isinstance(kind, Mean) else self.population
            for size in self.sizes:
                first, second = self._deviations(kind, size)
                for reference, value in (("full_set", full), ("population", law)):
                    mean_error = first - value
                    square = second - 2.0 * value * first + value * value
                    if reference == "full_set" and size == self.full_size:
                        square = np.zeros_like(square)  # the two sides are the same number
                    # Rounding may leave a square a hair below what its mean demands.
                    square = np.maximum(square, mean_error * mean_error)
                    found[kind, size, reference] = power * mean_error, power * power * square
        return found

    def _deviations(self, kind: Estimator, size: int) -> tuple[Floats, Floats]:
        """Return the mean over batches of d and of d^2, d = estimate about a constant.

        The constant is 0 for the mean, 1 for variances and standard deviations, in the unit of
        standardized data.
        """
        j = self.positions[size]
        count = self.full_size // size
        sums = (self._past + self._snapshots[j]) / (count * size)
        mean_squared, variance_squared, std = self._accumulators[j] / count
        if isinstance(kind, Mean):
            return sums[0], mean_squared
        # Batch variances add up to the mean square less the squares of the batch means.
        variance = (sums[1] - 1.0) - mean_squared
        if size == 1:
            return np.full_like(std, np.nan), np.full_like(std, np.nan)
        factor = size / (size - 1.0)
        if isinstance(kind, UnbiasedVariance):
            more = factor - 1.0
            return (
                factor * variance + more,
                factor * factor * variance_squared + more * (2.0 * factor * variance + more),
            )
        if isinstance(kind, BiasedVariance):
            return variance, variance_squared
        assert isinstance(kind, Std)
        # (s - 1)^2 = (s^2 - 1) - 2 (s - 1), and s^2 is the variance.
        if kind.ddof == 0:
            return std, variance - 2.0 * std
        root = np.sqrt(factor)
        stretched = root * std + (root - 1.0)
        return stretched, (factor * variance + (factor - 1.0)) - 2.0 * stretched
