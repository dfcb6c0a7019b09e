"""Internal covariate shift by three definitions, with and without batch normalization.

A replication is a training run of every net in every variant at every learning rate, with the same
split of the rows, first weights and order of batches. Step t takes the layers from W(t-1) to W(t).

=================  ============================================  ===============================
quantity           what it is                                    floor
=================  ============================================  ===============================
moment_shift       moments of activations at W(t) against        the same distance between two
ks_shift           W(t-1); Kolmogorov-Smirnov; Wasserstein-1     random halves of the probe,
wasserstein_shift                                                both at W(t)
moment_drift       the same against W(0)                         as of the shift
ks_drift
raw_shift          moments of a layer's linear map before        as of the shift
                   anything is done to it, W(t) against W(t-1)
gradient_change    norm(G - G'), Santurkar's Def. 2.1            G' by the next batch, with no
gradient_shift     the relative form of it, over norm(G)         layer moved on
gradient_cosine    cosine of G and G'
batch_shift        activations normalized by a batch against     none
                   those normalized by the probe, at W(t)
train_loss         mean cross-entropy of the training rows       none
test_accuracy      share of test rows that are right             none
=================  ============================================  ===============================

- Shift grows with the learning rate, so a rate is a factor. ``rate=best`` is, in every replication,
  net, variant and batch size, the rate of the design with the smallest training loss after the last
  step, a rule named before anything was measured; it is the one factor that a further rate may
  change. A run has diverged, and is void, if its loss is no number, or in the end more than twice
  that of the first weights.
- Activations are what a hidden layer gives its rectifier, and through it the next layer: behind
  bias, or behind batch normalization and its noise (`nets`). They are taken for a fixed probe, up
  to 512 of the training rows at once, so that no chance of sampling is in a shift: without a step
  it is 0, but for noise, whose rows are drawn anew. Batch normalization takes the probe's
  statistics; what those of batches add is `batch_shift`. Distances are medians over units.
- Behind batch normalization the probe's mean is beta and its deviation gamma. There moment_shift
  and moment_drift are the change of these two alone: small by construction, whatever the layers
  below do. What they do is raw_shift.
- A floor says how large a step is: how far two samples of half the probe are apart, or the
  gradients of two batches. It is no test: a fixed probe has no chance in it.
- G is the gradient of a layer's weight that step t follows; G' is that of the same batch with the
  layers before it already moved on. The first layer has none, and no shift.
- A level is the mean over layers and up to six steps, evenly spread from the first to the last;
  loss and accuracy are those after the last step. With ``against=none`` or ``against=bn`` a cell is
  the ratio to another variant at the same rate (or each at its own best one) in the same
  replication, of the cosine and the accuracy the difference; with ``against=floor`` it is the same
  to its floor.
- Rows are split at random, three quarters to train; columns are standardized by these. As splits
  share most of their rows, accuracies have the corrected resampled t of Nadeau and Bengio (2003)
  with n_test/n_train = 1/3; all other intervals are given these data.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.datasets import bundled
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.grammar import number_text
from simnorm.quantities import curve_rows, factors_text, part_of, without_lost
from simnorm.studies import check_extra
from simnorm.studies.drawing import Source, sources
from simnorm.studies.labelled import Label, of_trial
from simnorm.studies.shift.nets import BN, NETS, NONE
from simnorm.studies.shift.training import (
    BATCH_SHIFT,
    GRADIENT_CHANGE,
    GRADIENT_COSINE,
    GRADIENT_SHIFT,
    KS_DRIFT,
    KS_SHIFT,
    MOMENT_DRIFT,
    MOMENT_SHIFT,
    RAW_SHIFT,
    TEST_ACCURACY,
    TEST_SHARE,
    TRAIN_LOSS,
    TRAINING_SHARE,
    WASSERSTEIN_SHIFT,
    Found,
    Run,
    Split,
    chance_of,
    looks,
    outcome_steps,
    weights_of,
)
from simnorm.studies.torch_thread import one_thread
from simnorm.tally import measure
from simnorm.trials import AGAINST, FOLDS, MEAN, RATIO, Cell
from simnorm.trials import rows as trial_rows

if TYPE_CHECKING:
    from simnorm.schedule import Sums

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

SHIFTS = (MOMENT_SHIFT, KS_SHIFT, WASSERSTEIN_SHIFT, MOMENT_DRIFT, KS_DRIFT, RAW_SHIFT)
GRADIENTS = (GRADIENT_CHANGE, GRADIENT_SHIFT, GRADIENT_COSINE)
OUTCOMES = (TRAIN_LOSS, TEST_ACCURACY)
QUANTITIES = (*SHIFTS, *GRADIENTS, BATCH_SHIFT, *OUTCOMES)
# What is told of by differences; of all others ratios are.
DIFFERENT = (GRADIENT_COSINE, TEST_ACCURACY)
WITH_FLOOR = (*SHIFTS, *GRADIENTS)
FLOOR = "floor"
# Of a net and variant, the rate with the smallest training loss in the end of a replication; and
# the kind of curve that says how often a rate was it.
BEST, CHOSEN = "best", "chosen"

EXACT_REASON = "without batch normalization no row's activations depend on the others of its batch"


class Place(NamedTuple):
    """What a cell is of: a level, or how it compares with another variant or its floor."""

    quantity: str
    batch_size: int
    net: str
    variant: str
    rate: str
    against: str = ""

    @property
    def cell(self) -> Cell:
        """Return the cell."""
        factors = {"net": self.net, "variant": self.variant, "rate": self.rate}
        factors |= {AGAINST: self.against} if self.against else {}
        is_ratio = bool(self.against) and self.quantity not in DIFFERENT
        is_sure = self.quantity == BATCH_SHIFT and self.variant == NONE
        # A split at random is one fold, of which splits share most rows.
        is_split = self.quantity == TEST_ACCURACY
        return Cell(
            self.quantity,
            self.batch_size,
            factors_text(**factors),
            RATIO if is_ratio else FOLDS if is_split else MEAN,
            folds=1 if is_split else 0,
            share=TEST_SHARE if is_split else 0.0,
            exact=EXACT_REASON if is_sure else "",
        )


def rates_of(design: Design) -> tuple[str, ...]:
    """Return the learning rates as factors, the best one last."""
    return (*(number_text(rate) for rate in design.rates), BEST)


@functools.lru_cache(maxsize=16)
def places(design: Design) -> tuple[Place, ...]:
    """Return what is measured, in the order of the results."""
    return tuple(
        Place(quantity, n, net, variant, rate, against)
        for quantity in QUANTITIES
        for n in design.batch_sizes
        for net in design.nets
        for variant in design.variants
        for rate in rates_of(design)
        for against in ("", *_others(design, quantity, variant))
    )


def _others(design: Design, quantity: str, variant: str) -> list[str]:
    """Return what a level is compared with: its floor, and the variants before it."""
    found = [FLOOR] if quantity in WITH_FLOOR else []
    before = design.variants[: design.variants.index(variant)]
    # Nothing is a multiple of the 0 that it is without.
    found += [v for v in before if v in (NONE, BN) and not (quantity == BATCH_SHIFT and v == NONE)]
    return found


def cells(design: Design, source: Source) -> tuple[Cell, ...]:  # noqa: ARG001
    """Return the cells of a source, in the order of the results."""
    return tuple(place.cell for place in places(design))


def cell_count(design: Design) -> int:
    """Return the number of cells of all sources."""
    return len(places(design)) * len(sources(design))


class Point(NamedTuple):
    """What stands behind the cells: a value after a step, and its floor."""

    quantity: str
    batch_size: int
    net: str
    variant: str
    rate: str
    # From 1 on; 0 for what is of the whole net.
    layer: int
    step: int


@functools.lru_cache(maxsize=16)
def points_of(design: Design) -> tuple[Point, ...]:
    """Return the points of all trajectories, in the order in which they are tallied."""
    return tuple(
        Point(quantity, n, net, variant, rate, layer, step)
        for quantity in QUANTITIES
        for n in design.batch_sizes
        for net in design.nets
        for variant in design.variants
        for rate in rates_of(design)
        for layer in _layers(quantity, net)
        for step in (outcome_steps if quantity in OUTCOMES else looks)(design.steps)
    )


def _layers(quantity: str, net: str) -> range:
    """Return the layers that have a value; the last one is behind all hidden ones."""
    hidden = len(NETS[net].hidden)
    if quantity in OUTCOMES:
        return range(1)
    return range(2, hidden + 2) if quantity in GRADIENTS else range(1, hidden + 1)


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is: cells, trajectories, and whether a rate was the best one."""
    points = (f"{p.quantity} {list(p[1:])}" for p in points_of(design))
    chosen = (f"chosen {[*key, rate]}" for key, rate in choices(design))
    return of_trial(design, cells(design, source), (*points, *chosen))


def may_fail(design: Design, source: Source) -> None:
    """Return None: no function of the user is called."""


def check(design: Design) -> None:
    """Refuse to run without torch, and batch sizes that no step can be taken with.

    Raises
    ------
    SimnormError
        If torch is not installed, or if a batch is larger than what there is to train on or too
        small to be normalized.
    """
    check_extra(design)
    for word in design.datasets:
        rows_there = round(TRAINING_SHARE * len(bundled(word).rows))
        for n in design.batch_sizes:
            if n > rows_there:
                allowed = f"{word} has {rows_there:,} rows to train on"
                raise SimnormError("batch_sizes", n, allowed, "Take smaller batches.")
            if n == 1 and set(design.variants) != {NONE}:
                allowed = "a batch of one row has no variance to normalize by"
                raise SimnormError("batch_sizes", n, allowed, "Take 2 or more.")


def draws(design: Design, source: Source) -> int:  # noqa: ARG001
    """Return the units of work of a replication: steps of training."""
    runs = len(design.nets) * len(design.variants) * len(design.rates) * len(design.batch_sizes)
    return design.steps * runs


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    largest = max(len(bundled(word).rows) for word in design.datasets)
    units = max(sum(NETS[net].hidden) for net in design.nets)
    # Activations before, after and at first, sorted and not, noise, and what a pass makes of them.
    return workers * 8 * (20 * units + 200) * (largest + max(design.batch_sizes))


def block_errors(
    design: Design,
    source: Source,
    block: int,
    *,
    compiled: bool = True,  # noqa: ARG001
    said: dict[int, tuple[int, str]] | None = None,  # noqa: ARG001
) -> tuple[Floats, Floats]:
    """Train all nets in all variants; return A and Q, both of shape (cells and more, 1).

    A pure function of its arguments. Q of a cell is the square of A. Behind the cells stand
    trajectories, see `points_of`: A is a value, Q its floor; and last whether a rate was the best
    one, see `choices`.
    """
    found = _trained(design, source.distribution, block)
    best = {key: best_rate(found, design, *key) for key in _choosing(design)}
    for key, rate in best.items():
        found[*key, BEST] = found[*key, rate]
    levels = [_level(place, found) for place in places(design)]
    steps = {name: looks(design.steps) for name in QUANTITIES}
    steps |= dict.fromkeys(OUTCOMES, outcome_steps(design.steps))
    values, floors = [], []
    for p in points_of(design):
        here = found[p.batch_size, p.net, p.variant, p.rate]
        at = p.layer - _layers(p.quantity, p.net)[0], steps[p.quantity].index(p.step)
        values.append(here.values[p.quantity][at])
        floors.append(here.floors[p.quantity][at] if p.quantity in here.floors else 0.0)
    chosen = [
        float(best[key] == rate and math.isfinite(found[*key, rate].loss))
        for key, rate in choices(design)
    ]
    a = np.array([*levels, *values, *chosen])[:, np.newaxis]
    q = np.array([*np.square(levels), *floors, *chosen])[:, np.newaxis]
    return a, q


# Batch size, net, variant; and the same with a rate.
Key = tuple[int, str, str]
Trained = dict[tuple[int, str, str, str], Found]


def _choosing(design: Design) -> list[Key]:
    return list(itertools.product(design.batch_sizes, design.nets, design.variants))


def choices(design: Design) -> list[tuple[Key, str]]:
    """Return what a best rate is chosen for, with every rate it is chosen from."""
    return [(key, rate) for key in _choosing(design) for rate in rates_of(design)[:-1]]


def best_rate(found: Trained, design: Design, size: int, net: str, variant: str) -> str:
    """Return the rate with the smallest training loss after the last step, the first of equals.

    Runs that have diverged are the last choice: of a variant that has at every rate all is void.
    """
    losses = {rate: found[size, net, variant, rate].loss for rate in rates_of(design)[:-1]}
    return min(losses, key=lambda rate: math.inf if math.isnan(losses[rate]) else losses[rate])


def _trained(design: Design, word: str, block: int) -> Trained:
    """Return what all training runs of a replication have come to."""
    data = bundled(word)
    chance = chance_of(design.seed, word, len(data.rows), block)
    found = {}
    with one_thread():
        split = Split.of(data.rows, data.codes, chance("split"))
        for name in design.nets:
            net = NETS[name]
            weights = weights_of(net, name, data.rows.shape[1], data.classes, chance)
            for n in design.batch_sizes:
                for variant, rate in itertools.product(design.variants, design.rates):
                    run = Run(net, name, variant, n, split, weights, chance, rate)
                    found[n, name, variant, number_text(rate)] = run.train(design.steps)
    return found


def _level(place: Place, found: Trained) -> float:
    """Return A of a cell: a level, the logarithm of a ratio, or a difference."""
    here = found[place.batch_size, place.net, place.variant, place.rate]
    value = _mean(here.values[place.quantity], place.quantity)
    if not place.against:
        return value
    if place.against == FLOOR:
        other = _mean(here.floors[place.quantity], place.quantity)
    else:
        there = found[place.batch_size, place.net, place.against, place.rate]
        other = _mean(there.values[place.quantity], place.quantity)
    if place.quantity in DIFFERENT:
        return value - other
    return math.log(value / other) if value > 0.0 and other > 0.0 else math.nan


def _mean(values: Floats, quantity: str) -> float:
    """Return the mean over layers and steps; of outcomes the last."""
    return float(values[0, -1] if quantity in OUTCOMES else values.mean())


def rows(design: Design, source: Source, sums: Sums) -> Columns:
    """Return the rows of a source's results as columns."""
    found = trial_rows(
        design,
        source,
        cells(design, source),
        sums,
        full_size=len(bundled(source.distribution).rows),
        batches=design.steps,
    )
    found["reason"] = np.array(_reasons(design, sums, found["reason"]), dtype=object)
    return found


def _reasons(design: Design, sums: Sums, reasons: NDArray[Any]) -> list[str]:
    """Return why rows are not ok, where that is because a net has diverged.

    Replications of a task that was given up have no number either, and say why themselves.
    """
    if sums.failures:
        return [str(reason) for reason in reasons]
    kept = sums.kept[0]
    lost = {
        place[1:5]: ~np.isfinite(a)
        for place, a in zip(places(design), kept, strict=False)
        if place.quantity == TRAIN_LOSS and not place.against
    }
    found = []
    for place, a, reason in zip(places(design), kept, reasons, strict=False):
        void = ~np.isfinite(a)
        beside = lost.get(place._replace(variant=place.against)[1:5], np.zeros(a.size, dtype=bool))
        gone = lost[place[1:5]] | beside
        if void.any() and gone[void].all():
            reason = f"diverged in {void.sum()} of {a.size} replications"
        found.append(str(reason))
    return found


def curve_points(
    design: Design,
    source: Source,
    sums: Sums,
    rows: Columns,  # noqa: ARG001
) -> Columns:
    """Return the points of a source's curves as columns.

    ==========  =====================================
    kind        x, y
    ==========  =====================================
    trajectory  step t; the value after it
    floor       step t; the floor of the value
    chosen      learning rate; how often it was best
    ==========  =====================================
    """
    sums = without_lost(sums)
    behind = part_of(sums.tally, slice(len(cells(design, source)), None))
    value, floor = measure(behind, "bias"), measure(behind, "mse")
    # The standard error of a mean of Q is what an mse has; of splits that share rows it is larger.
    wider = math.sqrt(1.0 + TEST_SHARE * sums.tally.count)
    found = []
    for i, point in enumerate(points_of(design)):
        factors: dict[str, object] = {
            "net": point.net, "variant": point.variant, "rate": point.rate,
        }  # fmt: skip
        factors |= {"layer": point.layer} if point.layer else {}
        base = {
            "estimator": point.quantity,
            "batch_size": point.batch_size,
            "factors": factors_text(**factors),
            "x": float(point.step),
        }
        error = float(value.mcse[i]) * (wider if point.quantity == TEST_ACCURACY else 1.0)
        found.append(base | {"kind": "trajectory", "y": float(value.estimate[i]), "mcse": error})
        if point.quantity in WITH_FLOOR:
            floored = {"y": float(floor.estimate[i]), "mcse": float(floor.mcse[i])}
            found.append(base | {"kind": FLOOR} | floored)
    first = len(points_of(design))
    for i, ((n, net, variant), rate) in enumerate(choices(design), first):
        found.append(
            {
                "estimator": TRAIN_LOSS,
                "batch_size": n,
                "factors": factors_text(net=net, variant=variant, rate=BEST),
                "kind": CHOSEN,
                "x": float(rate),
                "y": float(value.estimate[i]),
                "mcse": float(value.mcse[i]),
            }
        )
    return curve_rows(design, source, found)
