"""One repeat of cross-validation: accuracies of all models and scalings in every fold."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.studies.scaling.features import BATCH, Scaling, epochs_of
from simnorm.studies.scaling.models import DISTANCES, HIDDEN, TOGETHER, Nets, neighbours
from simnorm.studies.scaling.sides import SideBySide
from simnorm.studies.scaling.splits import Fold, Table, chance
from simnorm.studies.scaling.threads import one_thread
from simnorm.studies.scaling.training import MOST_UPDATES, Training

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

KNN, MLP = "knn", "mlp"
# Nearest neighbours keep the rows of the batches of the epoch in which a net would have had so many
# updates, and 40 epochs: by then the running averages have forgotten where they started.
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
    found: dict[str, Codes] = {}
    net = None
    if MLP in models:
        size = training.shape[1], table.classes
        net = Training(Nets(len(scalings), *size, chance(fold.of_nets)), codes, len(test))
    last = epochs_of(len(training), FEWEST_EPOCHS, FEWEST_UPDATES, TOGETHER)
    every = np.arange(len(scalings))
    for epoch in itertools.count(1):
        side.begin_epoch(every if net is None or epoch <= last else net.going)
        if net is not None:
            net.epoch(side)
        # Nearest neighbours see the same epoch with and without nets beside them.
        if epoch == last and KNN in models:
            found[KNN] = np.stack(
                [neighbours(rows, codes, seen, table.classes)
                 for rows, seen in zip(side.training, side.test(), strict=True)]
            )  # fmt: skip
        if epoch >= last and (net is None or net.is_done):
            break
    if net is not None:
        found[MLP] = net.predicted
    scaled = side.test()
    is_finite = np.isfinite(scaled).all(axis=(1, 2)) & np.isfinite(side.training).all(axis=(1, 2))
    right = np.stack([_accuracy(found[model], truth) for model in models])
    return np.where(is_finite, right, np.nan)


def _accuracy(predicted: Codes, truth: Codes) -> Floats:
    """Return the share of rows that are told rightly, NaN where a model has no answer."""
    share = (predicted == truth).mean(axis=1)
    return np.where((predicted < 0).any(axis=1), np.nan, share)


def cost(design: Design, table: Table, scalings: Sequence[Scaling]) -> int:
    """Return about how many microseconds a repeat takes."""
    used = table.used(design.folds)
    features, count, k = table.rows.shape[1], len(scalings), design.folds
    training = used - used // k
    each = math.ceil(training / TOGETHER)
    epochs = epochs_of(training, FEWEST_EPOCHS, FEWEST_UPDATES, TOGETHER)
    micro = 0.0
    if MLP in design.models:
        # Most stop before the last update.
        updates = 0.7 * MOST_UPDATES
        epochs = max(epochs, math.ceil(updates / each))
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
    weights = 8 * 13 * count * HIDDEN * (features + table.classes + 2)
    pairs = 8 * 4 * min(DISTANCES + used, used * -(-used // design.folds))
    return int(rows + hidden + weights + pairs)
