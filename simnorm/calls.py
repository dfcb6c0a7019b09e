"""The reader that calls users' functions, on the observations as they were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from simnorm.distributions import Distribution
from simnorm.estimators import Estimator, Reference, UserEstimator
from simnorm.sampling import cut

Floats = NDArray[np.float64]

# Of an estimator, batch size and reference (by their numbers): the first lane that is void, why.
Said = dict[tuple[Estimator, int, int], tuple[int, str]]

# Observations handed to a function at a time, whole lanes.
CHUNK_DRAWS = 1 << 20
REFERENCES = len(get_args(Reference))


class CallReducer:
    """Calls functions with the batches cut from the assembled block.

    A lane where a function fails has A = Q = NaN in that cell, and `said` tells why.
    """

    def __init__(
        self,
        law: Distribution,
        estimators: Sequence[UserEstimator],
        sizes: Sequence[int],
        full_size: int,
        lanes: int,
    ) -> None:
        for kind in estimators:
            if kind.function is None:
                raise kind.missing()
        self.estimators = estimators
        self.population = {kind: kind.population(law) for kind in estimators}
        self.sizes = sizes
        self.block = np.empty((full_size, lanes))
        self.said: Said = {}

    def add(self, slab: Floats, first: int) -> None:
        """Copy the slab to its place in the block."""
        self.block[first : first + len(slab)] = slab

    def errors(self) -> dict[Estimator, tuple[Floats, Floats]]:
        """Return every estimator's A and Q, each of shape (batch sizes, references, lanes)."""
        full_size, lanes = self.block.shape
        step = max(1, CHUNK_DRAWS // full_size)
        shape = (len(self.sizes), REFERENCES, lanes)
        found: dict[Estimator, tuple[Floats, Floats]] = {}
        for kind in self.estimators:
            found[kind] = (np.empty(shape), np.empty(shape))
        for start in range(0, lanes, step):
            full_sets = np.ascontiguousarray(self.block[:, start : start + step].T)
            for kind in self.estimators:
                means, squares = (part[..., start : start + step] for part in found[kind])
                self._read(kind, full_sets, start, means, squares)
        return found

    def _read(
        self, kind: UserEstimator, full_sets: Floats, first: int, means: Floats, squares: Floats
    ) -> None:
        whole, said_of_whole = kind.attempt(full_sets)
        references = (whole, np.full_like(whole, self.population[kind]))
        for j, size in enumerate(self.sizes):
            estimates, said = kind.attempt(cut(full_sets, size))
            for r, reference in enumerate(references):
                errors = estimates - reference[:, np.newaxis]
                means[j, r] = errors.mean(axis=-1)
                squares[j, r] = (errors * errors).mean(axis=-1)
                # Only the full set's own failure spares the errors against the population.
                reasons = said | ({} if r else said_of_whole)
                if reasons and (kind, j, r) not in self.said:
                    lane = min(reasons)
                    self.said[kind, j, r] = (first + lane, reasons[lane])
