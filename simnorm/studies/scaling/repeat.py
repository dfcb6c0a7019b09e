"""One repeat of cross-validation: accuracies of all models and scalings in every fold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.studies.scaling.features import (
    BATCH,
    BatchScaling,
    Scaling,
    epochs_of,
    of_rows,
)
from simnorm.studies.scaling.models import DISTANCES, HIDDEN, TOGETHER, Nets, neighbours
from simnorm.studies.scaling.splits import Fold, Table, chance
from simnorm.studies.scaling.threads import one_thread

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Order = NDArray[np.intp]

KNN, MLP = "knn", "mlp"
# A net is trained so many epochs at least, and by so many updates.
FEWEST_EPOCHS, FEWEST_UPDATES = 40, 400


def accuracies(
    table: Table, folds: Iterable[Fold], models: Sequence[str], scalings: Sequence[Scaling]
) -> Floats:
    """Return the accuracies, shape (folds, models, scalings); NaN where a number got too large.

    Parameters
    ----------
    table
        All rows with their classes.
    folds
        How they are split.
    models, scalings
        What is compared.
    """
    # Numbers near the largest there are overflow in squares; these are told by what comes out.
    with one_thread(), np.errstate(all="ignore"):
        return np.stack([_fold(table, fold, models, scalings) for fold in folds])


def _fold(table: Table, fold: Fold, models: Sequence[str], scalings: Sequence[Scaling]) -> Floats:
    training, test = table.rows[fold.training], table.rows[fold.test]
    codes, truth = table.codes[fold.training], table.codes[fold.test]
    side = SideBySide(training, test, scalings, fold)
    nets = None
    if MLP in models:
        nets = Nets(len(scalings), training.shape[1], table.classes, chance(fold.of_nets))
    for _ in range(epochs_of(len(training), FEWEST_EPOCHS, FEWEST_UPDATES, TOGETHER)):
        side.begin_epoch()
        if nets is not None:
            nets.epoch(side.take, codes)
    scaled = side.test()
    found = {MLP: None if nets is None else nets.predict(scaled)}
    if KNN in models:
        found[KNN] = np.stack(
            [neighbours(rows, codes, seen, table.classes)
             for rows, seen in zip(side.training, scaled, strict=True)]
        )  # fmt: skip
    is_finite = np.isfinite(scaled).all(axis=(1, 2)) & np.isfinite(side.training).all(axis=(1, 2))
    right = np.stack([_accuracy(found[model], truth) for model in models])
    return np.where(is_finite, right, np.nan)


def _accuracy(predicted: Codes | None, truth: Codes) -> Floats:
    """Return the share of rows that are told rightly, NaN where a model has no answer."""
    assert predicted is not None  # models are of this study
    share = (predicted == truth).mean(axis=1)
    return np.where((predicted < 0).any(axis=1), np.nan, share)


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

    def begin_epoch(self) -> None:
        """Cut the training rows into new batches."""
        # Drawn with or without batches, so that nothing depends on them.
        order = self._rng.permutation(len(self._raw))
        ordered = self._raw[order] if self._batches else self._raw
        for place, batches in self._batches.items():
            self.training[place, order] = batches.epoch(ordered)

    def take(self, order: Order) -> Floats:
        """Return the training rows in an order; the array is used again."""
        for rows, out in zip(self.training, self._taken, strict=True):
            np.take(rows, order, axis=0, out=out)
        return self._taken

    def test(self) -> Floats:
        """Return the test rows as they are after the epochs there were."""
        for place, batches in self._batches.items():
            self._test[place] = batches.test(self._raw_test)
        return self._test


def cost(design: Design, table: Table, scalings: Sequence[Scaling]) -> int:
    """Return about how many microseconds a repeat takes."""
    used = table.used(design.folds)
    features, count, k = table.rows.shape[1], len(scalings), design.folds
    training = used - used // k
    epochs = epochs_of(training, FEWEST_EPOCHS, FEWEST_UPDATES, TOGETHER)
    updates = epochs * math.ceil(training / TOGETHER)
    micro = 0.0
    if MLP in design.models:
        micro += updates * (70.0 + count * (10.0 + 0.02 * HIDDEN * (features + table.classes)))
    if KNN in design.models:
        micro += count * training * (used / k) * (0.001 * features + 0.02)
    of_batches = sum(scaling.scaler == BATCH for scaling in scalings)
    micro += epochs * of_batches * training * features * 0.01
    return int(k * micro) + 1


def memory(design: Design, table: Table, scalings: Sequence[Scaling]) -> int:
    """Return the bytes that a repeat needs at most."""
    used = table.used(design.folds)
    features, count = table.rows.shape[1], len(scalings)
    # Training rows under every scaling, and in the order of an epoch; tests; what a scaling makes.
    rows = 8 * used * features * (3 * count + 8)
    hidden = 8 * count * (used + 6 * TOGETHER) * (HIDDEN + table.classes)
    weights = 8 * 8 * count * HIDDEN * (features + table.classes + 2)
    pairs = 8 * 4 * min(DISTANCES + used, used * -(-used // design.folds))
    return int(rows + hidden + weights + pairs)
