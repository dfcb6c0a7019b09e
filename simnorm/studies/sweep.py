"""The sweep: errors of batch statistics against the full set and the population.

The study's cells are every estimator, batch size and reference of every source; a source is a law
with a sampling scheme. `block_errors` is the pure function that the engine runs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.distributions import Distribution, distribution
from simnorm.estimators import Estimator, UserEstimator, estimator
from simnorm.reducers import REFERENCES, CompiledReducer, Reducer, reducers_for
from simnorm.streams import block_stream, lanes_of, slab_rows

Floats = NDArray[np.float64]


class Source(NamedTuple):
    """What is drawn: a law and how its full sets are cut."""

    distribution: str
    sampling: str


class Cell(NamedTuple):
    """What is measured on a source's draws."""

    estimator: Estimator
    batch_size: int
    reference: str


def sources(design: Design) -> list[Source]:
    """Return the sources in the order of the design."""
    return [Source(law, scheme) for law in design.distributions for scheme in design.sampling]


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


def slabs(
    law: Distribution, rng: np.random.Generator, buffer: Floats, full_size: int
) -> Iterator[tuple[int, Floats]]:
    """Draw a block into the buffer, again and again; yield the first observation with each."""
    for first in range(0, full_size, len(buffer)):
        slab = buffer[: full_size - first]
        law.fill(rng, slab)
        yield first, slab


@functools.lru_cache(maxsize=16)
def estimators(design: Design) -> tuple[Estimator, ...]:
    """Return the design's estimators."""
    given = {str(kind): kind for kind in design.functions}
    return tuple(given.get(spec) or estimator(spec) for spec in design.estimators)


@functools.lru_cache(maxsize=16)
def cells(design: Design) -> tuple[Cell, ...]:
    """Return the cells of a source, in the order of the results."""
    return tuple(
        Cell(kind, size, reference)
        for kind in estimators(design)
        for size in design.batch_sizes
        for reference in REFERENCES
    )


def check_functions(design: Design) -> None:
    """Call every function of the user once; refuse one that is missing, or returns what it may not.

    Raises
    ------
    SimnormError
        If there is such a function.
    """
    for kind in estimators(design):
        if isinstance(kind, UserEstimator):
            for source in sources(design):
                kind.probe(distribution(source.distribution), min(design.batch_sizes))


def full_set(design: Design, source: Source, replication: int) -> Floats:
    """Return the full set of one replication, drawn again."""
    law = distribution(source.distribution)
    block, lane = divmod(replication, lanes_of(design.full_size))
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    found = np.empty(design.full_size)
    buffer = np.empty((slab_rows(design.full_size), lanes_of(design.full_size)))
    for first, slab in slabs(law, rng, buffer, design.full_size):
        found[first : first + len(slab)] = slab[:, lane]
    return found


@functools.lru_cache(maxsize=64)
def may_fail(design: Design, source: Source) -> NDArray[np.bool_] | None:
    """Return the cells where a NaN makes a replication void; None if there are no such cells."""
    law = distribution(source.distribution)
    mask = np.array(
        [
            kind.may_fail and (reference == "full_set" or math.isfinite(kind.population(law)))
            for kind, _, reference in cells(design)
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
    law = distribution(source.distribution)
    lanes = lanes_of(design.full_size)
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, block)
    kinds = estimators(design)
    readers = reducers_for(
        law, kinds, design.batch_sizes, design.full_size, lanes, compiled=compiled
    )
    # Undefined moments make NaN and overflow here; the ledger says so in their rows.
    with np.errstate(over="ignore", invalid="ignore"):
        buffer = np.empty((slab_rows(design.full_size), lanes))
        draw(law, rng, buffer, design.full_size, readers)
        found = {kind: pair for reader in readers for kind, pair in reader.errors().items()}
    # Cells are ordered as the arrays are: estimators, then sizes, then references.
    mean_errors, mean_squares = (
        np.concatenate([found[kind][part] for kind in kinds]).reshape(-1, lanes) for part in (0, 1)
    )
    if said is not None:
        shape = (len(kinds), len(design.batch_sizes), len(REFERENCES))
        for reader in readers:
            for (kind, size, reference), what in getattr(reader, "said", {}).items():
                cell = np.ravel_multi_index((kinds.index(kind), size, reference), shape)
                said[int(cell)] = what
    return mean_errors, mean_squares
