"""Running averages of batch statistics: how good they are at test time.

A replication is a training stream of T batches of every size. Means and variances of its batches
are averaged the way frameworks do, and what comes out is compared with the mean and variance of a
reference, and normalizes its values.

=================  =================================  ============================================
quantity           error                              A and Q
=================  =================================  ============================================
running_mean       less the present mean              the error, its square
running_variance   less the biased variance           the error, its square
inference_value    of (x - mean)/sqrt(variance + e)   mean and mean square over the reference's x
=================  =================================  ============================================

With mean M and standard deviation S of the reference at present, the last one's are exactly
A = (M - mean)/sqrt(variance + e) and Q = (S/sqrt(variance + e) - 1)^2 + A^2. Under drift the mean
moves from batch to batch, by `drift` standard deviations of the full set or the population.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.presets import Average
from simnorm.quantities import RELATIVE, Cell, factors_text, without_lost
from simnorm.resampling import CHUNK_ROWS
from simnorm.sampling import IID
from simnorm.streams import SLAB_DRAWS, lanes_of
from simnorm.studies.drawing import Source, chunk, references, sources, sources_open
from simnorm.studies.labelled import Label
from simnorm.studies.running.averages import Errors, Plan, errors_of, plan_of, running
from simnorm.studies.running.batches import Part, parts, scale_of, wanted_lanes
from simnorm.tally import MEASURES

if TYPE_CHECKING:
    from simnorm.schedule import Sums
    from simnorm.studies.running.knowledge import Knowledge

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

RUNNING_MEAN, RUNNING_VARIANCE, INFERENCE = "running_mean", "running_variance", "inference_value"
QUANTITIES = (RUNNING_MEAN, RUNNING_VARIANCE, INFERENCE)


def numbers_behind(plan: Plan) -> int:
    """Return how many mean squares a trajectory has: of every quantity, for every step.

    Behind the cells each two of them share one, as its A and Q; there may be a zero at the end.
    """
    count = len(QUANTITIES) * len(plan.grid)
    return count + count % 2


class Case(NamedTuple):
    """What a cell is of beside quantity, batch size and reference."""

    average: Average
    drift: float
    steps: int

    @property
    def factors(self) -> str:
        """The study's own part of the key."""
        return factors_text(preset=self.average, steps=self.steps, drift=self.drift)


@functools.lru_cache(maxsize=16)
def cases(design: Design) -> tuple[Case, ...]:
    """Return presets and drifts, in the order of the results."""
    return tuple(
        Case(kind, drift, design.steps)
        for kind in plan_of(design).averages
        for drift in design.drift
    )


@functools.lru_cache(maxsize=64)
def cells(design: Design, source: Source) -> tuple[Cell, ...]:
    """Return the cells of a source, in the order of the results."""
    return tuple(
        Cell(
            quantity,
            n,
            reference,
            column,
            case.factors,
            measures=_measures(quantity, unit),
            unit=unit if quantity == RUNNING_MEAN else unit * unit,
        )
        for column, unit in _deviations(design, source)
        for quantity in QUANTITIES
        for n in design.batch_sizes
        for case in cases(design)
        for reference in references(source)
    )


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is: cells, and trajectories under the first drift."""
    every, columns = cases(design), source.columns or ("",)
    for column in columns:
        for quantity in QUANTITIES:
            for n in design.batch_sizes:
                for case in every:
                    for reference in references(source):
                        what = f"{quantity} {case.factors} {reference}"
                        yield Label(column, str(case.average), n, what)
    rows = numbers_behind(plan_of(design)) // 2
    for column in columns:
        for n in design.batch_sizes:
            for case in every[:: len(design.drift)]:
                for i in range(rows):
                    what = f"trajectory {case.factors} row {i}"
                    yield Label(column, str(case.average), n, what)


def _deviations(design: Design, source: Source) -> list[tuple[str, float]]:
    """Return the columns of a source and their standard deviations."""
    if source.columns:
        return [(c.name, c.std) for c in chunk(design, source).columns]
    return [("", distribution(source.distribution).std)]


def _measures(quantity: str, unit: float) -> tuple[str, ...]:
    if quantity == INFERENCE:
        return ("mse", "rmse")
    if not (math.isfinite(unit) and unit > 0.0):
        return MEASURES
    return (*MEASURES, *(RELATIVE + name for name in MEASURES))


def cell_count(design: Design) -> int:
    """Return the number of cells of all sources."""
    each = len(QUANTITIES) * len(design.batch_sizes) * len(cases(design))
    return sum(
        each * len(references(source)) * max(1, len(source.columns)) for source in sources(design)
    )


def may_fail(design: Design, source: Source) -> None:
    """Return None: no function of the user is called."""


def check(design: Design) -> None:
    """Refuse nothing: whatever can be refused is when the design is made."""


def draws(design: Design, source: Source) -> int:
    """Return the observations that a replication draws."""
    streams = design.steps * sum(design.batch_sizes)
    return streams if source.sampling == IID else max(streams, design.full_size)


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    from simnorm.tasks import KEPT_REPLICATIONS

    plan, lanes = plan_of(design), lanes_of(design.full_size)
    sizes, every = design.batch_sizes, sources(design)
    width = max(1, len(every[0].columns))
    here = max(len(cells(design, source)) for source in every)
    behind = width * len(sizes) * len(plan.averages) * numbers_behind(plan) // 2
    count = min(lanes, design.replications) if design.data else lanes
    # A and Q as they come, joined, and about their means; then their products.
    tallied = 8 * 10 * (here + behind) * count
    together = count
    if design.sampling != (IID,):
        together = min(count, max(1, CHUNK_ROWS // design.full_size))
    # What is kept of the streams, and what errors are made of.
    kept = 8 * width * together * len(plan.grid) * (plan.slots * len(sizes) + 12)
    rows = max(CHUNK_ROWS, design.full_size, *sizes)
    pieces = 8 * (4 * max(SLAB_DRAWS, lanes * max(sizes)) + (4 * width + 4) * rows)
    full = 0 if design.data else 8 * lanes * design.full_size
    table = 4 * 8 * design.full_size * width if design.data else 0
    held = 16 * min(max(design.replications, lanes), KEPT_REPLICATIONS) * here
    rows_made = 8 * 6 * cell_count(design) * 400
    return (
        workers * (tallied + kept + pieces + full)
        + 2 * table
        + max(2, sources_open(design)) * held
        + rows_made
    )


def block_errors(
    design: Design,
    source: Source,
    block: int,
    *,
    compiled: bool = True,
    said: dict[int, tuple[int, str]] | None = None,  # noqa: ARG001
) -> tuple[Floats, Floats]:
    """Draw a block of training streams and return A and Q, both of shape (cells and more, lanes).

    A pure function of its arguments. Behind the cells stand trajectories, see `numbers_behind`.
    """
    plan, lanes = plan_of(design), wanted_lanes(design, source, block)
    width, sizes = max(1, len(source.columns)), len(design.batch_sizes)
    shape = (width, len(QUANTITIES), sizes, len(cases(design)), len(references(source)), lanes)
    ends = np.empty((2, *shape))
    ways = np.zeros((width, sizes, len(plan.averages), numbers_behind(plan), lanes))
    # Undefined moments make NaN and overflow here; the ledger says so in their rows.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for part in parts(design, source, block, plan, compiled=compiled):
            _fill(design, source, plan, part, ends[..., part.lanes], ways[..., part.lanes])
    way = ways.reshape(-1, 2, lanes)
    found = (np.concatenate([ends[i].reshape(-1, lanes), way[:, i]]) for i in (0, 1))
    return next(found), next(found)


def _fill(
    design: Design, source: Source, plan: Plan, part: Part, ends: Floats, ways: Floats
) -> None:
    """Fill in the errors of some lanes: at the end, and on the way."""
    scale = scale_of(design, source)
    units = scale.unit
    # Without a finite standard deviation nothing is told of what moves.
    deviations = np.array([sd for _, sd in _deviations(design, source)])
    moving = np.where(np.isfinite(deviations), deviations, 0.0) / units
    for j, (n, records) in enumerate(zip(design.batch_sizes, part.records, strict=True)):
        for place, case in enumerate(cases(design)):
            p, d = divmod(place, len(design.drift))
            # Only the first drift is followed all the way.
            seen = records if d == 0 else records[-1:]
            steps = plan if d == 0 else plan._replace(grid=plan.grid[-1:])
            found = running(steps, seen, case.average, n, case.drift * moving)
            for r, reference in enumerate(part.references):
                kept = found if r == 0 else found.last
                errors = errors_of(kept, scale, case.average, reference.mean, reference.variance)
                _put_ends(errors, units, ends[:, :, :, j, place, r])
                if d == 0 and r == 0:
                    _put_ways(errors, units / deviations, ways[:, j, p])


def _put_ends(errors: Errors, units: Floats, ends: Floats) -> None:
    """Put the last errors where they belong, shape (2, columns, quantities, lanes)."""
    mean, variance = errors.mean[-1] * units, errors.variance[-1] * units**2
    value, square = errors.value[-1], errors.square[-1]
    pairs = (mean, mean * mean), (variance, variance * variance), (value, square)
    for q, pair in enumerate(pairs):
        for i, values in enumerate(pair):
            ends[i, :, q] = values.T


def _put_ways(errors: Errors, relative: Floats, ways: Floats) -> None:
    """Put relative mean squares after every step, shape (columns, numbers, lanes)."""
    mean, variance = errors.mean * relative, errors.variance * relative**2
    steps = len(mean)
    for q, values in enumerate((mean * mean, variance * variance, errors.square)):
        ways[:, q * steps : (q + 1) * steps] = values.transpose(2, 0, 1)


def rows(design: Design, source: Source, sums: Sums) -> Columns:
    """Return the rows of a source's results as columns."""
    from simnorm.quantities import source_rows

    known = _known(design, source, without_lost(sums))
    return source_rows(design, source, cells(design, source), sums, known)


def curve_points(
    design: Design,
    source: Source,
    sums: Sums,
    rows: Columns,  # noqa: ARG001
) -> Columns:
    """Return the points of a source's curves as columns."""
    from simnorm.quantities import curve_rows
    from simnorm.studies.running.curves import Curves

    sums = without_lost(sums)
    here, known = cells(design, source), _known(design, source, sums)
    points = list(Curves(design, source, sums, here, known).points())
    return curve_rows(design, source, points)


def _known(design: Design, source: Source, sums: Sums) -> Knowledge:
    return _known_after(design, source, sums.tally.count)


@functools.lru_cache(maxsize=4)
def _known_after(design: Design, source: Source, replications: int) -> Knowledge:
    """Return what is known of a source's cells after so many replications."""
    from simnorm.studies.running.knowledge import Knowledge

    return Knowledge(design, source, {case.factors: case for case in cases(design)}, replications)
