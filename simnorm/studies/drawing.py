"""What all studies share of drawing: sources, full sets of a law, and rows of data in their orders.

A source is a law, or some columns of the user's data, with a sampling scheme.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.options import STUDIES
from simnorm.reducers import REFERENCES
from simnorm.resampling import Chunk, columns_together, row_orders
from simnorm.rows import choose_rows
from simnorm.sampling import IID, SEQUENTIAL, SHUFFLE, batch_count, group_column
from simnorm.streams import block_stream, lanes_of, slab_rows

Floats = NDArray[np.float64]
Orders = NDArray[np.int32]


class Source(NamedTuple):
    """What is drawn: a law, or rows of the data for some columns, and how batches come from it.

    Of a trial, the bundled data stand in the place of the law, or nothing where it has none.
    """

    distribution: str
    sampling: str
    columns: tuple[str, ...] = ()


@functools.lru_cache(maxsize=16)
def sources(design: Design) -> list[Source]:
    """Return the sources in the order of the design."""
    if STUDIES[design.study].is_trial:
        if design.data:
            return [Source("", SHUFFLE, design.columns)]
        return [Source(word, SHUFFLE) for word in design.datasets or ("",)]
    if not design.data:
        return [Source(law, scheme) for law in design.distributions for scheme in design.sampling]
    width = columns_together(design.full_size)
    return [
        Source("", scheme, design.columns[first : first + width])
        for scheme in design.sampling
        for first in range(0, len(design.columns), width)
    ]


def lanes_in_block(design: Design) -> int:
    """Return the replications in a block: one of a trial, otherwise a function of N alone."""
    return 1 if STUDIES[design.study].is_trial else lanes_of(design.full_size)


def sources_open(design: Design) -> int:
    """Return how many sources' sums are held at a time: with a time limit they advance together."""
    every = len(sources(design))
    return every if design.time_limit else min(2, every)


def references(source: Source) -> tuple[str, ...]:
    """Return what the errors of a source are taken against."""
    if source.columns:
        return REFERENCES[:1]
    return REFERENCES[1:] if source.sampling == IID else REFERENCES


def replications(design: Design, source: Source) -> int:
    """Return R; file order has nothing to repeat."""
    return 1 if source.sampling == SEQUENTIAL else design.replications


def drawn_lanes(design: Design, source: Source, block: int) -> int:
    """Return how many replications of a block are drawn.

    A block of a law is drawn observation by observation across all of them; orders of rows are
    drawn one after the other, and only those that are wanted.
    """
    whole = lanes_in_block(design)
    if not source.columns:
        return whole
    return min(whole, replications(design, source) - block * whole)


def slabs(
    law: Distribution, rng: np.random.Generator, buffer: Floats, full_size: int
) -> Iterator[tuple[int, Floats]]:
    """Draw a block into the buffer, again and again; yield the first observation with each."""
    for first in range(0, full_size, len(buffer)):
        slab = buffer[: full_size - first]
        law.fill(rng, slab)
        yield first, slab


def assembled(law: Distribution, rng: np.random.Generator, full_size: int, lanes: int) -> Floats:
    """Return a whole block of a law, shape (lanes, N)."""
    found = np.empty((lanes, full_size))
    buffer = np.empty((slab_rows(full_size), lanes))
    for first, slab in slabs(law, rng, buffer, full_size):
        found[:, first : first + len(slab)] = slab.T
    return found


def drawn_again(design: Design, source: Source, block: int, batch_size: int, lanes: int) -> Orders:
    """Return which observations of a law's full sets are drawn with replacement."""
    width = batch_count(design.full_size, batch_size) * batch_size
    rng = block_stream(
        design.seed, source.distribution, design.full_size, source.sampling, block, batch_size
    )
    return choose_rows(rng, design.full_size, lanes, width)


@functools.lru_cache(maxsize=4)
def chunk(design: Design, source: Source) -> Chunk:
    """Return the columns of a source.

    Raises
    ------
    SimnormError
        If the design's data have not been read.
    """
    if design.dataset is None:
        allowed = "the data are needed, and only their name is there"
        raise SimnormError("data", design.data, allowed, "Give them as data=...")
    return Chunk.of(design.dataset, source.columns)


def orders_of(
    design: Design, source: Source, block: int, lanes: int, batch_size: int
) -> Iterator[Orders]:
    """Yield the orders of rows of a block's replications: see `simnorm.resampling.row_orders`."""
    column = group_column(source.sampling)
    groups = None
    if column is not None and design.dataset is not None:
        groups = design.dataset.group_codes(column), design.dataset.group_digest(column)
    return row_orders(
        design.seed, source.sampling, design.full_size, block, lanes, batch_size, groups
    )
