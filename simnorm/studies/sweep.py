"""The sweep: errors of batch statistics against the full set and the population.

The study's cells are every estimator, batch size and reference of every source; a source is a law,
or some columns of the user's data, with a sampling scheme. `block_errors` is the pure function that
the engine runs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.distributions import Distribution, distribution
from simnorm.estimators import Estimator, UserEstimator, estimator
from simnorm.reducers import (
    CHUNK_DRAWS,
    REFERENCES,
    CompiledReducer,
    Reducer,
    array_estimators,
    reducers_for,
)
from simnorm.resampling import ColumnReader, DrawReader, passes
from simnorm.sampling import REPLACEMENT, cut
from simnorm.streams import block_stream, lanes_of, slab_rows
from simnorm.studies.drawing import (
    Source,
    assembled,
    chunk,
    drawn_again,
    drawn_lanes,
    orders_of,
    references,
    slabs,
    sources,
    sources_open,
)
from simnorm.studies.labelled import Label

if TYPE_CHECKING:
    from simnorm.schedule import Sums

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]


class Cell(NamedTuple):
    """What is measured on a source's draws."""

    estimator: Estimator
    batch_size: int
    reference: str
    column: str = ""


def draw(
    law: Distribution,
    rng: np.random.Generator,
    buffer: Floats,
    full_size: int,
    readers: Sequence[Reducer],
) -> None:
    """Draw a block of full sets, a buffer of observations at a time, and show it to the readers."""
    # A law with a draw of its own, or another reader, needs the interpreter between slabs.
    if law.is_compiled and len(readers) == 1 and isinstance(readers[0], CompiledReducer):
        readers[0].add_block(rng, law, buffer)
        return
    for first, slab in slabs(law, rng, buffer, full_size):
        for reader in readers:
            reader.add(slab, first)


@functools.lru_cache(maxsize=16)
def estimators(design: Design) -> tuple[Estimator, ...]:
    """Return the design's estimators."""
    given = {str(kind): kind for kind in design.functions}
    return tuple(given.get(spec) or estimator(spec) for spec in design.estimators)


@functools.lru_cache(maxsize=64)
def cells(design: Design, source: Source | None = None) -> tuple[Cell, ...]:
    """Return the cells of a source, the first one unless told, in the order of the results."""
    source = sources(design)[0] if source is None else source
    return tuple(
        Cell(kind, size, reference, column)
        for column in source.columns or ("",)
        for kind in estimators(design)
        for size in design.batch_sizes
        for reference in references(source)
    )


def cell_count(design: Design) -> int:
    """Return the number of cells of all sources."""
    each = len(design.estimators) * len(design.batch_sizes)
    return sum(
        each * len(references(source)) * max(1, len(source.columns)) for source in sources(design)
    )


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is: they are the cells."""
    against = references(source)
    for column in source.columns or ("",):
        for spec in design.estimators:
            for size in design.batch_sizes:
                for reference in against:
                    yield Label(column, spec, size, reference)


def check(design: Design) -> None:
    """Call every function of the user once; refuse one that is missing, or returns what it may not.

    Raises
    ------
    SimnormError
        If there is such a function.
    """
    size = min(design.batch_sizes)
    for kind in estimators(design):
        if not isinstance(kind, UserEstimator):
            continue
        for law in design.distributions:
            kind.probe(distribution(law), size)
        if design.data:
            values = chunk(design, sources(design)[0]).columns[0].values
            kind.probe_samples(np.resize(values, (2, 3, size)))


def draws(design: Design, source: Source) -> int:  # noqa: ARG001
    """Return the observations that a replication draws: a full set, for all batch sizes."""
    return design.full_size


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    from simnorm.batch_laws.choice import MOST_DRAWS
    from simnorm.tasks import KEPT_REPLICATIONS

    lanes = lanes_of(design.full_size)
    count = len(cells(design))
    kept = min(max(design.replications, lanes), KEPT_REPLICATIONS)
    rows = 8 * cell_count(design) * 1_500
    # Batches of a block drawn again, for histograms of estimates, and a copy of a part of them.
    rows += 2 * 8 * min(lanes * design.full_size, MOST_DRAWS)
    # The sums of a source are held until it is finished.
    tables = 16 * kept * count * sources_open(design)
    kinds = estimators(design)
    users = any(isinstance(kind, UserEstimator) for kind in kinds)
    if design.data:
        width = len(sources(design)[0].columns)
        # Numbers of two chunks: as they came, standardized, and in groups; orders and their rows.
        chunks = 2 * 8 * design.full_size * width * 4
        per_worker = 8 * 4 * max(CHUNK_DRAWS, design.full_size) + 16 * lanes * count
        per_worker += 8 * 4 * max(CHUNK_DRAWS, design.full_size) * (1 + users)
        return workers * per_worker + chunks + tables + rows
    per_worker = 8 * lanes * (slab_rows(design.full_size) + 8 * count)
    # The assembled block, and a few copies of the lanes that are read at a time.
    assembled = 8 * (lanes * design.full_size + 4 * max(CHUNK_DRAWS, design.full_size))
    per_worker += assembled * (bool(array_estimators(kinds)) + users)
    if REPLACEMENT in design.sampling:
        per_worker += 8 * 8 * lanes * max(design.full_size, *design.batch_sizes)
    return workers * per_worker + tables + rows


def batches_of(
    design: Design, source: Source, replication: int, batch_size: int, column: str = ""
) -> tuple[Floats, Floats]:
    """Return the batches of one replication, drawn again, and the full set they are from.

    Returns
    -------
    tuple
        Batches, shape (1, k, n), and the full set, shape (1, N).
    """
    lanes = lanes_of(design.full_size)
    block, lane = divmod(replication, lanes)
    if source.columns:
        values = chunk(design, source).columns[source.columns.index(column)].values
        orders = orders_of(design, source, block, lane + 1, batch_size)
        *_, last = orders
        return cut(values[last[-1:]], batch_size), values[np.newaxis]
    law = distribution(source.distribution)
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    whole = assembled(law, rng, design.full_size, lanes)[lane : lane + 1]
    if source.sampling != REPLACEMENT:
        return cut(whole, batch_size), whole
    order = drawn_again(design, source, block, batch_size, lanes)[lane]
    return cut(whole[:, order], batch_size), whole


@functools.lru_cache(maxsize=64)
def may_fail(design: Design, source: Source) -> NDArray[np.bool_] | None:
    """Return the cells where a NaN makes a replication void; None if there are no such cells."""
    law = None if source.columns else distribution(source.distribution)
    mask = np.array(
        [
            kind.may_fail
            and (reference == "full_set" or law is None or math.isfinite(kind.population(law)))
            for kind, _, reference, _ in cells(design, source)
        ]
    )
    return mask if mask.any() else None


def block_errors(
    design: Design,
    source: Source,
    block: int,
    *,
    compiled: bool = True,
    said: dict[int, tuple[int, str]] | None = None,
) -> tuple[Floats, Floats]:
    """Draw a block of full sets and return A and Q, both of shape (cells, lanes).

    A pure function of its arguments: the block's stream is found from its content. `said` receives
    the first lane in which a function of the user failed, and how, by the number of the cell.
    """
    # Undefined moments make NaN and overflow here; the ledger says so in their rows.
    with np.errstate(over="ignore", invalid="ignore"):
        if source.columns:
            found, heard = _errors_of_rows(design, source, block, compiled=compiled)
        elif source.sampling == REPLACEMENT:
            found, heard = _errors_with_replacement(design, source, block, compiled=compiled)
        else:
            found, heard = _errors_of_draws(design, source, block, compiled=compiled)
    # Cells are ordered as the arrays are: columns, estimators, then sizes, then references.
    shape = found.shape[1:-1]
    if said is not None:
        said |= {int(np.ravel_multi_index(at, shape)): what for at, what in heard.items()}
    mean_errors, mean_squares = found.reshape(2, -1, found.shape[-1])
    return mean_errors, mean_squares


# What a function of the user said, by the indices of a cell.
Heard = dict[tuple[int, ...], tuple[int, str]]


def _errors_of_draws(
    design: Design, source: Source, block: int, *, compiled: bool
) -> tuple[Floats, Heard]:
    """Return A and Q of full sets cut in drawing order, and what functions said of failures."""
    law = distribution(source.distribution)
    lanes = lanes_of(design.full_size)
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    kinds = estimators(design)
    readers = reducers_for(
        law, kinds, design.batch_sizes, design.full_size, lanes, compiled=compiled
    )
    buffer = np.empty((slab_rows(design.full_size), lanes))
    draw(law, rng, buffer, design.full_size, readers)
    found = {kind: pair for reader in readers for kind, pair in reader.errors().items()}
    kept = [REFERENCES.index(word) for word in references(source)]
    heard: Heard = {
        (kinds.index(kind), size, kept.index(reference)): what
        for reader in readers
        for (kind, size, reference), what in getattr(reader, "said", {}).items()
        if reference in kept
    }
    both = (np.stack([found[kind][part][:, kept] for kind in kinds]) for part in (0, 1))
    return np.stack(list(both)), heard


def _errors_with_replacement(
    design: Design, source: Source, block: int, *, compiled: bool
) -> tuple[Floats, Heard]:
    """Return A and Q of batches drawn with replacement from full sets of a law."""
    law = distribution(source.distribution)
    lanes = lanes_of(design.full_size)
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    whole = assembled(law, rng, design.full_size, lanes)
    reader = DrawReader(estimators(design), law, whole, compiled=compiled)
    parts = [
        reader.read(drawn_again(design, source, block, size, lanes), size, place)
        for place, size in enumerate(design.batch_sizes)
    ]
    return np.stack(parts, axis=2), reader.said


def _errors_of_rows(
    design: Design, source: Source, block: int, *, compiled: bool
) -> tuple[Floats, Heard]:
    """Return A and Q of the rows of the data in their orders."""
    lanes = drawn_lanes(design, source, block)
    kinds = estimators(design)
    reader = ColumnReader(chunk(design, source), kinds, design.full_size, compiled=compiled)
    shape = (2, len(source.columns), len(kinds), len(design.batch_sizes), lanes)
    found = np.empty(shape)
    for places, sizes in passes(design.batch_sizes, source.sampling):
        first = 0
        for orders in orders_of(design, source, block, lanes, sizes[0]):
            last = first + len(orders)
            found[..., places, first:last] = reader.read(orders, sizes, places, first)
            first = last
    heard: Heard = {(*at, 0): what for at, what in reader.said.items()}
    return found[..., np.newaxis, :], heard


def rows(design: Design, source: Source, sums: Sums) -> Columns:
    """Return the rows of a source's results as columns."""
    from simnorm import tables as made

    return made.source_rows(design, source, sums)


def curve_points(design: Design, source: Source, sums: Sums, rows: Columns) -> Columns:
    """Return the points of a source's curves as columns."""
    from simnorm import tables as made

    return made.source_curves(design, source, sums, rows)
