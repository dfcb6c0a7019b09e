"""Whether models need scaled features: accuracy of nearest neighbours and of a small net.

A replication is one repeat of stratified k-fold cross-validation. Every model and scaling gets the
same folds, and every net the same initial weights and the same shuffles: what is compared is paired
fold by fold. Scaling is learned from the training rows of a fold alone.

=========  =======================================================================================
scaler     what is done
=========  =======================================================================================
none       nothing
min_max    to [0, 1] of the training rows (scikit-learn's `MinMaxScaler`)
z_score    mean 0 and standard deviation 1 of the training rows (`StandardScaler`)
robust     median 0 and interquartile range 1 of the training rows (`RobustScaler`), where that
           range is not 0
batch      batch normalization at the input, as PyTorch does it with its defaults, without gamma and
           beta: training rows by the mean and variance of their batch of n, test rows by running
           averages (momentum 0.1, unbiased variance); epsilon is 1e-5
=========  =======================================================================================

With ``batch`` every epoch of training has its own batches, of rows in an order that is drawn and
the same for all n; a last batch is shorter, and a single row left over joins the batch before it.
The net is trained on every epoch as it was normalized, nearest neighbours keep the rows of one
epoch (the first by which a net would have had 400 updates and 40 epochs), and both are tested by
the running averages of that time. Whatever n is, the net is updated by 64 rows at a time: n is the
size of what is normalized, and of nothing else.

A net is trained until its training loss falls no more, by at most 2,000 updates of Adam at a rate
of 0.01 (`training` has the rule, `models` the net). The rule is the same for all scalings, and each
net goes by its own loss. Nothing is tuned: with a learning rate of its own for every scaling, raw
features may come out better than here. With numbers of 10^6 a net still learns after 2,000 updates,
and twice as many gave other accuracies: those of `none` on `spread_scales` say that this net cannot
do with such features, and not how well another one could.

scikit-learn's scalers divide by 1 where they would divide by 0: `robust` does so with every feature
whose interquartile range is 0, as 20 of the 64 pixels of `digits` have. In `spread_scales` these
keep their scale, up to 10^6, and outweigh all others; what `robust` loses there is that.

`min_max`, `z_score` and `batch` undo any factor of a feature. For them `spread_scales` is `digits`
once more, on other folds: what they come to on both is one finding, not two. `heavy_tails` and
`normal_tails` are `wine` with its features reshaped. So the six data sets are three that were
collected, and three that are made of them.

Accuracies lie between 0 and 1, and so do their intervals: what the t interval has beyond is cut.

Of more than 4,096 rows every repeat draws so many, all classes in proportion. Its interval is then
wider than need be, for repeats do bring new rows, and the corrected resampled t takes them for the
same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm import trials
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.quantities import curve_rows, factors_text
from simnorm.studies.drawing import Source, sources
from simnorm.studies.labelled import Label, of_trial
from simnorm.studies.scaling import repeat
from simnorm.studies.scaling.features import BATCH, NONE, Z_SCORE, Scaling
from simnorm.studies.scaling.splits import check_table, folds, table, training_rows
from simnorm.trials import AGAINST, FOLDS, Cell

if TYPE_CHECKING:
    from simnorm.schedule import Sums

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

ACCURACY = "accuracy"
# What others are compared with, in the order of the results.
BASES = (Z_SCORE, NONE)
# Curves show so many repeats at most.
SHOWN_REPEATS = 100
ONE_ROW = "a batch of one row has no variance, and PyTorch refuses it in training"


@functools.lru_cache(maxsize=16)
def scalings(design: Design) -> tuple[Scaling, ...]:
    """Return what features may go through, in the order of the results."""
    return tuple(
        Scaling(scaler, n)
        for scaler in design.scalers
        for n in (design.batch_sizes if scaler == BATCH else (0,))
    )


def bases(design: Design) -> tuple[Scaling, ...]:
    """Return what the others are compared with."""
    return tuple(Scaling(word) for word in BASES if word in design.scalers)


@functools.lru_cache(maxsize=64)
def cells(design: Design, source: Source) -> tuple[Cell, ...]:
    """Return accuracies, and their differences from those of z-scores and of nothing."""
    rows = training_rows(design, source)
    pairs: list[tuple[Scaling, Scaling | None]] = [(each, None) for each in scalings(design)]
    pairs += [(each, base) for base in bases(design) for each in scalings(design) if each != base]
    return tuple(_cell(design, model, *pair, rows) for model in design.models for pair in pairs)


def _cell(design: Design, model: str, scaling: Scaling, base: Scaling | None, rows: int) -> Cell:
    against = {} if base is None else {AGAINST: base.scaler}
    factors = factors_text(model=model, scaler=scaling.scaler, **against)
    return Cell(
        ACCURACY, scaling.batch_size, factors, FOLDS, design.folds, _impossible(scaling, rows)
    )


def _impossible(scaling: Scaling, rows: int) -> str:
    """Return why there is no such scaling of so many training rows, or nothing."""
    if scaling.scaler != BATCH:
        return ""
    if scaling.batch_size == 1:
        return ONE_ROW
    if scaling.batch_size > rows:
        return f"a fold has only {rows:,} training rows"
    return ""


def cell_count(design: Design) -> int:
    """Return the number of cells of all sources."""
    every = len(scalings(design))
    each = every + sum(every - 1 for _ in bases(design))
    return len(sources(design)) * len(design.models) * each


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is: they are the cells."""
    return of_trial(design, cells(design, source))


def may_fail(design: Design, source: Source) -> None:
    """Return None: no function of the user is called."""


def check(design: Design) -> None:
    """Refuse classes that make no sense, and batches larger than all that they could come from.

    Raises
    ------
    SimnormError
        In one line.
    """
    every = sources(design)
    for source in every:
        if source.columns:
            check_table(design, table(design, source))
    if BATCH not in design.scalers:
        return
    most = max(training_rows(design, source) for source in every)
    if min(design.batch_sizes) > most:
        allowed = f"a fold has at most {most:,} training rows"
        raise SimnormError("batch_sizes", min(design.batch_sizes), allowed, "Take smaller ones.")
    if max(design.batch_sizes) == 1:
        raise SimnormError("batch_sizes", 1, ONE_ROW, "Take batch sizes from 2 on.")


def draws(design: Design, source: Source) -> int:
    """Return the units of work of a replication: about microseconds."""
    found = table(design, source)
    return repeat.cost(design, found, scalings(design))


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    every = [table(design, source) for source in sources(design)]
    held = sum(found.rows.nbytes + found.codes.nbytes for found in every)
    most = max(repeat.memory(design, found, scalings(design)) for found in every)
    kept = 4 * 16 * cell_count(design) * design.replications
    rows_made = 8 * cell_count(design) * 400
    return workers * most + 2 * held + kept + rows_made


def block_errors(
    design: Design,
    source: Source,
    block: int,
    *,
    compiled: bool = True,  # noqa: ARG001
    said: dict[int, tuple[int, str]] | None = None,  # noqa: ARG001
) -> tuple[Floats, Floats]:
    """Run one repeat of cross-validation; return A and Q, both of shape (cells, 1).

    A and Q are mean and mean square over the folds of the cell's accuracy or difference. A pure
    function of its arguments.
    """
    chosen = _possible(design, source)
    found = table(design, source)
    values = repeat.accuracies(found, folds(design, source, block), design.models, chosen)
    numbers = np.stack([_of_folds(cell, values, chosen, design) for cell in cells(design, source)])
    return (
        numbers.mean(axis=1, keepdims=True),
        np.square(numbers).mean(axis=1, keepdims=True),
    )


def _possible(design: Design, source: Source) -> tuple[Scaling, ...]:
    rows = training_rows(design, source)
    return tuple(each for each in scalings(design) if not _impossible(each, rows))


def _of_folds(cell: Cell, values: Floats, chosen: tuple[Scaling, ...], design: Design) -> Floats:
    """Return a cell's number in every fold; values have the shape (folds, models, scalings)."""
    if cell.undefined:
        return np.full(design.folds, np.nan)
    parts = dict(part.split("=", 1) for part in cell.factors.split(";"))
    model = design.models.index(parts["model"])
    level = values[:, model, chosen.index(Scaling(parts["scaler"], cell.batch_size))]
    if AGAINST not in parts:
        return level
    return np.asarray(level - values[:, model, chosen.index(Scaling(parts[AGAINST]))])


def rows(design: Design, source: Source, sums: Sums) -> Columns:
    """Return the rows of a source's results as columns; `batches` are the folds of a repeat."""
    size = len(table(design, source).rows)
    found = cells(design, source)
    made = trials.rows(design, source, found, sums, full_size=size, batches=design.folds)
    is_level = np.array([AGAINST not in cell.factors for cell in found])
    # A share of rows is nowhere below 0 or above 1; NaN stays.
    for end in ("ci_low", "ci_high"):
        made[end] = np.where(is_level, np.clip(made[end], 0.0, 1.0), made[end])
    return made


def curve_points(design: Design, source: Source, sums: Sums, rows: Columns) -> Columns:  # noqa: ARG001
    """Return what the first repeats came to: kind ``repeat``, x counts them from 1 on."""
    points = [
        {
            "estimator": cell.quantity,
            "batch_size": cell.batch_size,
            "factors": cell.factors,
            "kind": "repeat",
            "x": float(number),
            "y": float(value),
        }
        for cell, values in zip(cells(design, source), sums.kept[0], strict=True)
        if not cell.undefined
        for number, value in enumerate(values[:SHOWN_REPEATS], 1)
    ]
    return curve_rows(design, source, points)
