"""The study `inputs`: what a batch-normalized input is worth against the z-score by the full set.

A value x of a batch becomes gamma (x - mean)/sqrt(s^2 + epsilon) + beta, with mean and biased
variance s^2 of its batch, and 0 in place of the quotient where s and epsilon are 0. Its error is
taken against the z-score, by mean and biased sd of the full set, or of the population. Epsilon is
in the squared unit of the data.

===========================  ===================  ==================================================
quantity                     factors              what it is
===========================  ===================  ==================================================
normalized_value             epsilon;gamma;beta   error against the z-score, by the identity below
normalized_value_direct      the first of each    the same, value by value: a check
correlation                                       of output and z-score, without epsilon
best_gamma                   the first epsilon    gamma with the smallest mean squared error
worst_in_batch                                    mean over batches of max |output - z|
worst_in_epoch                                    the maximum over a replication
output_skewness                                   of all outputs, without epsilon
output_excess_kurtosis                            of all outputs, without epsilon
constant_batches                                  share of batches whose values are all equal
unseen_share                                      share of other values outside a batch's [min, max]
min_max_value                                     error of (x - min)/(max - min)
robust_value                                      error of (x - median)/IQR, 0 where the IQR is 0
quantile_value                                    error of (mean rank - 1/2)/n
===========================  ===================  ==================================================

The errors of the last three are those of the value that the batch's scaler gives against the one
that the full set's scaler gives, in units of the sd of the latter's values over the full set. The
sd of z-scores is 1, so that all scalers can be compared. Equal values, or one alone, come out as 0,
and by their ranks as 1/2.

With P = E s^2/(s^2 + epsilon) and C = E s^2/sqrt(s^2 + epsilon)/S, the mean squared error is

    gamma^2 P + beta^2 + 1 - 2 gamma C,

for inside a batch outputs have the mean 0, and the mean product of output and z-score is C. The sum
over values has the mean of z^2 in place of 1, and twice beta times that of z is taken off. Where
every value is as likely to be in a batch (in drawing order, shuffled, or drawn again) these are 1
and 0 on average, by the full set and by the population. There the mean of z^2 is a control variate:
C less a fixed part of (mean z^2 - 1) has the same mean, and less noise than either C or the sum
over values (see `Batches.response`). In file order, or by groups, what no batch has is always the
same or the end of a group, and z has the mean and mean square it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.quantities import factors_text, source_rows, without_lost
from simnorm.reducers import CHUNK_DRAWS
from simnorm.resampling import passes
from simnorm.rows import choose_rows
from simnorm.sampling import IID, REPLACEMENT, SHUFFLE, batch_count
from simnorm.sorting import SortedBatches
from simnorm.streams import block_stream, lanes_of, slab_rows
from simnorm.studies.drawing import (
    Source,
    assembled,
    chunk,
    drawn_lanes,
    orders_of,
    references,
    sources,
    sources_open,
)
from simnorm.studies.inputs import grid
from simnorm.studies.inputs.batches import (
    Batches,
    FullSets,
    Places,
    places_of_column,
    sets_of_column,
    sets_of_law,
)
from simnorm.studies.labelled import Label
from simnorm.theory.normalized import spread_chance

if TYPE_CHECKING:
    from simnorm.schedule import Sums

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

# Of every value that is looked at together: itself, its places and ranks, and what is made of them.
BYTES_PER_VALUE = 200


def cells(design: Design, source: Source) -> tuple[Any, ...]:
    """Return what is measured on a source, in the order of the results."""
    return grid.cells(design, source)


def cell_count(design: Design) -> int:
    """Return the number of cells of all sources."""
    return sum(len(grid.cells(design, source)) for source in sources(design))


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is: cells, and bins of outputs and of z-scores."""
    yield from grid.labels(design, source)


def may_fail(design: Design, source: Source) -> NDArray[np.bool_] | None:  # noqa: ARG001
    """Return None: there is no function of the user that could fail."""
    return None


def draws(design: Design, source: Source) -> int:  # noqa: ARG001
    """Return the observations that a replication draws: a full set, for all batch sizes."""
    return design.full_size


def check(design: Design) -> None:
    """Refuse nothing: all that can be wrong shows when the design is made."""


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    from simnorm.tasks import KEPT_REPLICATIONS

    first = sources(design)[0]
    lanes, size = lanes_of(design.full_size), design.full_size
    # Orders of rows are drawn one by one, and only those that are wanted.
    lanes = min(lanes, design.replications) if design.data else lanes
    widest = max(size, *design.batch_sizes)
    numbers = grid.width(design, first) if not design.data else _widest(design, first)
    kept = min(max(design.replications, lanes), KEPT_REPLICATIONS)
    tables = 16 * kept * numbers * sources_open(design) + 8_000 * cell_count(design)
    per_worker = BYTES_PER_VALUE * max(CHUNK_DRAWS, widest) + 8 * 8 * lanes * numbers
    if design.data:
        # Two chunks of columns: as they came, sorted, and with their ranks.
        return workers * per_worker + tables + 2 * 8 * 8 * size * len(first.columns)
    return workers * (per_worker + 8 * lanes * (size + 2 * slab_rows(size))) + tables


def _widest(design: Design, source: Source) -> int:
    """Return about how many numbers a source of data has, whatever is in the columns."""
    each = grid.OUTPUT_BINS + grid.VALUE_BINS
    behind = len(source.columns) * len(grid.shown_sizes(design.batch_sizes)) * each
    return len(grid.cells(design, source)) + behind


def block_errors(
    design: Design,
    source: Source,
    block: int,
    *,
    compiled: bool = True,
    said: dict[int, tuple[int, str]] | None = None,  # noqa: ARG001
) -> tuple[Floats, Floats]:
    """Draw a block of full sets and return A and Q, both of shape (cells and bins, lanes).

    A pure function of its arguments: the block's stream is found from its content.
    """
    lanes = drawn_lanes(design, source, block)
    found = np.zeros((2, grid.width(design, source), lanes))
    _put_constant_columns(design, source, found)
    read = _of_rows if source.columns else _of_draws
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        for first, column, sets, places, sizes in read(design, source, block, lanes):
            here = found[..., first : first + len(places)]
            rising = SortedBatches(places, compiled=compiled)  # type: ignore[arg-type]
            for size in sizes:
                batches = Batches(sets, rising.of(size), compiled=compiled)  # type: ignore[arg-type]
                _put(design, source, column, batches, here)
    mean_errors, mean_squares = found
    return mean_errors, mean_squares


# The first lane, the column, full sets, places of values in them, and which batch sizes to cut.
Part = tuple[int, str, FullSets, Places, Any]


def _of_draws(design: Design, source: Source, block: int, lanes: int) -> Iterator[Part]:
    """Yield full sets of a law, some lanes at a time."""
    law, size = distribution(source.distribution), design.full_size

    def stream(*key: int) -> np.random.Generator:
        return block_stream(design.seed, source.distribution, size, source.sampling, block, *key)

    drawn = assembled(law, stream(), size, lanes)
    # What `drawing.drawn_again` draws at once, drawn on and on.
    again = {n: stream(n) for n in design.batch_sizes} if source.sampling == REPLACEMENT else {}
    step = max(1, CHUNK_DRAWS // max(size, *again, 1))
    against = references(source)
    for first in range(0, lanes, step):
        sets, places = sets_of_law(
            law,
            drawn[first : first + step],
            with_own=grid.FULL_SET in against,
            with_population="population" in against,
        )
        if not again:
            yield first, "", sets, places, design.batch_sizes
        for n, rng in again.items():
            order = choose_rows(rng, size, len(places), batch_count(size, n) * n)
            yield first, "", sets, np.take_along_axis(places, order, axis=-1), [n]


def _of_rows(design: Design, source: Source, block: int, lanes: int) -> Iterator[Part]:
    """Yield rows of the data in their orders, column by column."""
    columns = [column for column in _columns(design, source) if grid.has_scores(column)]
    known = [(c.name, sets_of_column(c), places_of_column(c)) for c in columns]
    for _, sizes in passes(design.batch_sizes, source.sampling):
        first = 0
        for orders in orders_of(design, source, block, lanes, sizes[0]):
            for name, sets, places in known:
                yield first, name, sets, places[orders], sizes
            first += len(orders)


def _put_constant_columns(design: Design, source: Source, found: Floats) -> None:
    """Put what is known of columns that are not read: all their batches are constant."""
    constant = {column.name for column in _columns(design, source) if column.is_constant}
    for place, cell in enumerate(grid.cells(design, source)):
        if cell.column in constant and cell.quantity == grid.CONSTANT:
            found[0, place] = 1.0


def _columns(design: Design, source: Source) -> tuple[Column, ...]:
    return chunk(design, source).columns if source.columns else ()


def _put(design: Design, source: Source, column: str, batches: Batches, found: Floats) -> None:
    """Put A and Q of batches of one size, shape (2, cells and bins, lanes), to their places."""
    places = grid.places(design, source)
    against = references(source)

    def put(name: str, factors: str, reference: str, a: Any, q: Any = 0.0) -> None:
        place = places.get((column, batches.size, name, factors, reference))
        if place is not None:
            found[0, place], found[1, place] = a, q

    def put_each(name: str, factors: str, a: Any, q: Any = 0.0) -> None:
        for r, reference in enumerate(against):
            put(name, factors, reference, a[r], np.broadcast_to(q, np.shape(a))[r])

    _put_errors(design, source, batches, put_each)
    in_batch, in_epoch = batches.worst()
    put_each(grid.WORST_IN_BATCH, "", in_batch)
    put_each(grid.WORST_IN_EPOCH, "", in_epoch)
    equal = batches.constant()
    put(grid.CONSTANT, "", "", equal)
    put(grid.UNSEEN, "", "", batches.unseen(replaced=source.sampling == REPLACEMENT))
    if batches.size > 1:
        cubes, fourths = batches.powers()
        put(grid.SKEWNESS, "", "", cubes, 1.0 - equal)
        put(grid.KURTOSIS, "", "", fourths - 3.0 * (1.0 - equal), 1.0 - equal)
    if source.sampling != IID:
        for name, scaled in zip(
            grid.SCALERS, (batches.min_max(), batches.robust(), batches.quantile()), strict=True
        ):
            put(name, "", grid.FULL_SET, *scaled)
    _put_bins(design, source, column, batches, found)


def _put_errors(design: Design, source: Source, batches: Batches, put_each: Any) -> None:
    """Put the errors against z-scores, and what they are made of."""
    terms = {epsilon: batches.epsilon_terms(epsilon) for epsilon in {0.0, *design.epsilon}}
    score, square = batches.score_moments()
    mean, one = score, square
    if source.sampling in (SHUFFLE, REPLACEMENT, IID):
        # See the module: what is known on average of z and z^2 is not taken from the values. Of
        # equal values z is 0.
        mean, one = np.zeros_like(score), (batches.sets.inverses > 0.0) * np.ones_like(score)
        terms = {
            epsilon: (p, c - batches.response(epsilon) * (square - one))
            for epsilon, (p, c) in terms.items()
        }
    for settings in grid.settings_of(design):
        epsilon, gamma, beta = settings
        p, c = terms[epsilon]
        q = gamma * gamma * p + beta * beta + one - 2.0 * gamma * c - 2.0 * beta * mean
        put_each(grid.NORMALIZED, factors_text(**settings._asdict()), beta - score, q)
    first = grid.settings_of(design)[0]
    put_each(grid.DIRECT, factors_text(**first._asdict()), *batches.direct(first))
    p, c = terms[0.0]
    # In file order the rows that are left out, at the end, may be unlike the others.
    put_each(grid.CORRELATION, "", c, p * (one - mean * mean) * _full_chances(design, source))
    p, c = terms[first.epsilon]
    put_each(grid.BEST_GAMMA, factors_text(epsilon=first.epsilon), c, p)


def _full_chances(design: Design, source: Source) -> Floats:
    """Return how likely the references have a spread, shape (references, 1): the mean of z^2."""
    if source.columns:
        return np.ones((1, 1))
    chance = float(spread_chance(distribution(source.distribution), design.full_size))
    return np.array([[chance if r == grid.FULL_SET else 1.0] for r in references(source)])


def _put_bins(design: Design, source: Source, column: str, batches: Batches, found: Floats) -> None:
    """Put what stands behind the cells."""
    values = batches.count * batches.size
    for part in grid.behind(design, source):
        if (part.column, part.batch_size) != (column, batches.size):
            continue
        bins = grid.output_bins(batches.size)
        counts = batches.count_outputs(bins, closed=grid.holds_all(batches.size))
        found[0, part.outputs] = counts / (values * bins.width)
        if part.value_bins is not None:
            squares, counts = batches.errors_by_value(part.value_bins)
            found[0, part.by_value], found[1, part.by_value] = squares / values, counts / values


def rows(design: Design, source: Source, sums: Sums) -> Columns:
    """Return the rows of a source's results as columns."""
    from simnorm.studies.inputs import expected

    known = expected.known_of(design, source)
    return source_rows(design, source, grid.cells(design, source), sums, known)


def curve_points(
    design: Design,
    source: Source,
    sums: Sums,
    rows: Columns,  # noqa: ARG001
) -> Columns:
    """Return the points of a source's curves as columns."""
    from simnorm.studies.inputs import curves

    return curves.curves(design, source, without_lost(sums))


__all__ = [
    "block_errors",
    "cell_count",
    "cells",
    "check",
    "curve_points",
    "draws",
    "labels",
    "may_fail",
    "memory_needed",
    "rows",
]
