"""The rows of a fold under all scalings, epoch after epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.studies.scaling.features import BATCH, BatchScaling, Scaling, of_rows
from simnorm.studies.scaling.splits import Fold

Floats = NDArray[np.float64]
Order = NDArray[np.intp]


class SideBySide:
    """A fold's rows under all scalings.

    Attributes
    ----------
    training
        Training rows as they are in this epoch, shape (scalings, rows, features).
    """

    def __init__(
        self, training: Floats, test: Floats, scalings: Sequence[Scaling], fold: Fold
    ) -> None:
        self._raw, self._raw_test = training, test
        self.training = np.empty((len(scalings), *training.shape))
        self._test = np.empty((len(scalings), *test.shape))
        self._taken = np.empty_like(self.training)
        self._rng = np.random.Generator(np.random.PCG64DXSM(fold.of_batches))
        self._batches: dict[int, BatchScaling] = {}
        for place, scaling in enumerate(scalings):
            if scaling.scaler == BATCH:
                self._batches[place] = BatchScaling(scaling.batch_size, training.shape[1])
            else:
                self.training[place], self._test[place] = of_rows(scaling.scaler, training, test)

    def begin_epoch(self, places: Order) -> None:
        """Cut the training rows into new batches, for some scalings: the others stay as they are.

        Parameters
        ----------
        places
            Of the scalings that anyone still looks at.
        """
        # Drawn with or without batches, so that nothing depends on them.
        order = self._rng.permutation(len(self._raw))
        wanted = [place for place in places.tolist() if place in self._batches]
        ordered = self._raw[order] if wanted else self._raw
        for place in wanted:
            self.training[place, order] = self._batches[place].epoch(ordered)

    def take(self, order: Order, places: Order) -> Floats:
        """Return the training rows of some scalings in an order; the array is used again."""
        for place, out in zip(places, self._taken, strict=False):
            np.take(self.training[place], order, axis=0, out=out)
        return self._taken[: len(places)]

    def test(self) -> Floats:
        """Return the test rows as they are after the epochs there were."""
        for place, batches in self._batches.items():
            self._test[place] = batches.test(self._raw_test)
        return self._test
