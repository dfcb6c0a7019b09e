"""What batch normalization costs in time: a step of training, and inference, on this machine.

A replication is a round: everything is timed once, in an order that is drawn. Times are compared
inside a round, as ratios to the time of the net without batch normalization.

=================  ==================================================  ======================
quantity           what it is                                          measures
=================  ==================================================  ======================
training_step      seconds of forward, loss, backward and update       median; ratio to none
inference          seconds of forward with running averages            median; ratio to none
standardizing      seconds of fitting and applying a scaler once       median
repaid_per_step    (step with BN at the input less step without) /     median
                   standardizing: what a step saves of that time
=================  ==================================================  ======================

``variant=standardized`` is the net without batch normalization and its share of standardizing all N
rows once: at every step of training the part that one of all steps of `epochs` epochs has, at
inference the standardizing of its own batch. After 1/repaid_per_step steps standardizing once has
cost less than batch normalization at the input.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm import trials
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.quantities import curve_rows, factors_text
from simnorm.sampling import batch_count
from simnorm.streams import block_stream
from simnorm.studies.drawing import Source
from simnorm.studies.labelled import Label, of_trial
from simnorm.studies.overhead.timing import (
    INPUT_BN,
    NONE,
    STANDARDIZED,
    VARIANTS,
    Action,
    Clock,
    Round,
    inference_seconds,
    no_collector,
    one_round,
    step_seconds,
    usual_clock,
)
from simnorm.studies.torch_thread import one_thread
from simnorm.trials import MEDIAN, MEDIAN_RATIO, Cell

if TYPE_CHECKING:
    from simnorm.schedule import Sums

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

WORD = "overhead"
STEP, INFERENCE = "training_step", "inference"
STANDARDIZING, REPAID = "standardizing", "repaid_per_step"


@functools.lru_cache(maxsize=16)
def cells(design: Design, source: Source) -> tuple[Cell, ...]:  # noqa: ARG001
    """Return the cells, in the order of the results."""
    found = [
        cell
        for quantity in (STEP, INFERENCE)
        for n in design.batch_sizes
        for width in design.widths
        for variant in VARIANTS
        for cell in _level_and_ratio(quantity, n, width, variant)
    ]
    found.append(Cell(STANDARDIZING, 0, factors_text(variant=STANDARDIZED), MEDIAN))
    found += [
        Cell(REPAID, n, _factors(width, INPUT_BN, STANDARDIZED), MEDIAN)
        for n in design.batch_sizes
        for width in design.widths
    ]
    return tuple(found)


def _factors(width: int, variant: str, against: str = "") -> str:
    compared = {"against": against} if against else {}
    return factors_text(width=width, variant=variant, **compared)


def _level_and_ratio(quantity: str, n: int, width: int, variant: str) -> list[Cell]:
    level = Cell(quantity, n, _factors(width, variant), MEDIAN)
    if variant == NONE:
        return [level]
    return [level, Cell(quantity, n, _factors(width, variant, NONE), MEDIAN_RATIO)]


def cell_count(design: Design) -> int:
    """Return the number of cells."""
    pairs = len(design.batch_sizes) * len(design.widths)
    return pairs * (2 * (2 * len(VARIANTS) - 1) + 1) + 1


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is: they are the cells."""
    return of_trial(design, cells(design, source))


def may_fail(design: Design, source: Source) -> None:
    """Return None: no function of the user is called."""


def check(design: Design) -> None:
    """Refuse batches of one.

    Raises
    ------
    SimnormError
        If there is one.
    """
    if min(design.batch_sizes) < 2:
        raise SimnormError(
            "batch_sizes", 1, "PyTorch refuses to normalize a batch of one in training",
            "Take batch sizes from 2 on.",
        )  # fmt: skip


def draws(design: Design, source: Source) -> int:  # noqa: ARG001
    """Return the units of work of a round: the things that are timed."""
    return len(design.batch_sizes) * len(design.widths) + 1


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    from simnorm.studies.overhead.nets import FEATURES

    width, n = max(design.widths), max(design.batch_sizes)
    # Weights, gradients and a copy of three nets, and the draws they start from; activations.
    nets = 4 * 12 * (width * width + 2 * FEATURES * width)
    values = 4 * 16 * n * (width + FEATURES)
    # All rows, standardized, and copies of both in float64.
    table = 4 * 8 * design.full_size * FEATURES
    kept = 16 * 2 * cell_count(design) * design.replications
    return workers * (nets + values + table) + kept


def block_errors(
    design: Design,
    source: Source,
    block: int,
    *,
    compiled: bool = True,  # noqa: ARG001
    said: dict[int, tuple[int, str]] | None = None,  # noqa: ARG001
    clock: Clock | None = None,
) -> tuple[Floats, Floats]:
    """Time a round and return A and Q, both of shape (cells, 1); Q is 0.

    Order, weights and batches are a pure function of design and block; the times are what the
    clock says.
    """
    from simnorm.studies.overhead.nets import stand_of

    clock = usual_clock() if clock is None else clock
    stands = {
        (width, n): functools.partial(stand_of, width, n, _stream(design, block, f"w{width}", n))
        for width in design.widths
        for n in design.batch_sizes
    }
    standardize = _standardizing(design, block)
    with one_thread(), no_collector():
        found = one_round(stands, standardize, _stream(design, block, "order"), clock)
    a = values_of(design, cells(design, source), found)
    return a[:, np.newaxis], np.zeros((len(a), 1))


def _stream(design: Design, block: int, what: str, batch_size: int = 0) -> np.random.Generator:
    return block_stream(design.seed, what, design.full_size, WORD, block, batch_size)


def _standardizing(design: Design, block: int) -> Action:
    """Return what standardizes as many rows as the design has, by a scaler that is fitted anew."""
    from sklearn.preprocessing import StandardScaler

    from simnorm.studies.overhead.nets import FEATURES

    rng = _stream(design, block, "rows")
    rows = rng.standard_normal((design.full_size, FEATURES), dtype=np.float32)
    return lambda: StandardScaler().fit_transform(rows)


def values_of(design: Design, cells: tuple[Cell, ...], found: Round) -> Floats:
    """Return the number that a round gives for every cell.

    Seconds for a level, the logarithm of a ratio of seconds for what is compared with ``none``.
    """
    return np.array([_value(design, cell, found) for cell in cells])


def _value(design: Design, cell: Cell, found: Round) -> float:
    parts = dict(part.split("=", 1) for part in cell.factors.split(";"))
    if cell.quantity == STANDARDIZING:
        return found.standardizing
    width, n = int(parts["width"]), cell.batch_size
    steps = steps_of(design, n)
    if cell.quantity == REPAID:
        with_bn, without = (step_seconds(found, width, n, v, steps) for v in (INPUT_BN, NONE))
        return (with_bn - without) / found.standardizing

    def taken(variant: str) -> float:
        if cell.quantity == STEP:
            return step_seconds(found, width, n, variant, steps)
        return inference_seconds(found, width, n, variant)

    if "against" in parts:
        return math.log(taken(parts["variant"]) / taken(parts["against"]))
    return taken(parts["variant"])


def steps_of(design: Design, batch_size: int) -> int:
    """Return the steps of all epochs, which share the time of standardizing once."""
    return design.epochs * batch_count(design.full_size, batch_size)


def rows(design: Design, source: Source, sums: Sums) -> Columns:
    """Return the rows of the results as columns."""
    return trials.rows(
        design, source, cells(design, source), sums, full_size=design.full_size,
        batches=functools.partial(_batches, design),
    )  # fmt: skip


def _batches(design: Design, cell: Cell) -> int:
    """Return how many batches all rows make."""
    return batch_count(design.full_size, cell.batch_size) if cell.batch_size else 1


def curve_points(
    design: Design,
    source: Source,
    sums: Sums,  # noqa: ARG001
    rows: Columns,  # noqa: ARG001
) -> Columns:
    """Return no points: there are no curves."""
    return curve_rows(design, source, [])
