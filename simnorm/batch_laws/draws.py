"""Estimates of batches of the first block of a source, drawn again.

The same draws as the run's: batches are the first ones of every replication. Locations are taken
less a pivot of the source, so that data far from zero keep their digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simnorm.batch_laws.choice import MOST_DRAWS, batches_of_lane
from simnorm.columns import Column
from simnorm.design import Design
from simnorm.distributions import Distribution, distribution
from simnorm.estimators import BiasedVariance, Estimator, Mean, Std, UserEstimator
from simnorm.estimators.order import OrderStatistic
from simnorm.resampling import passes
from simnorm.sampling import GROUPED, REPLACEMENT, cut
from simnorm.streams import block_stream, lanes_of, slab_rows
from simnorm.studies.drawing import (
    Source,
    assembled,
    drawn_again,
    drawn_lanes,
    orders_of,
    replications,
    slabs,
)

Floats = NDArray[np.float64]
Estimates = dict[Estimator, Floats]

BLOCK = 0
# Observations that are worked on at a time, which stay in the cache.
CACHED_DRAWS = 1 << 15
# Fewer replications than this say little of how shares vary.
FEWEST_LANES = 4


def statistics(kinds: Sequence[Estimator], batches: Floats, pivot: float) -> Estimates:
    """Return the statistics of batches, shape (..., n), of data less a pivot.

    Moments are taken once for all that are made of them, and so are sorted batches. A function of
    the user sees the data as they are; its value is NaN where it fails, for all of its lane.

    Examples
    --------
    >>> from simnorm.estimators import biased_variance, mean
    >>> found = statistics([mean, biased_variance], np.array([[0.0, 2.0]]), 100.0)
    >>> float(found[mean][0]), float(found[biased_variance][0])
    (1.0, 1.0)
    """
    found: Estimates = {}
    n = batches.shape[-1]
    mean = squares = rising = None
    for kind in kinds:
        if n < kind.smallest_batch:
            continue
        if isinstance(kind, Mean | BiasedVariance | Std):
            if mean is None or squares is None:
                mean, squares = _moments(batches)
            found[kind] = mean if isinstance(kind, Mean) else _spread(kind, squares, n)
        elif isinstance(kind, UserEstimator):
            found[kind] = kind.attempt(np.ascontiguousarray(batches + pivot))[0]
        elif isinstance(kind, OrderStatistic):
            rising = np.sort(batches, axis=-1) if rising is None else rising
            found[kind] = kind.of_sorted(rising)
        else:
            found[kind] = kind.along_last(np.ascontiguousarray(batches))
    return found


def _moments(batches: Floats) -> tuple[Floats, Floats]:
    """Return means of batches and sums of squares about them, a few lanes at a time."""
    mean, squares = np.empty((2, *batches.shape[:-1]))
    step = max(1, CACHED_DRAWS * len(batches) // max(1, batches.size))
    for first in range(0, len(batches), step):
        some = slice(first, first + step)
        mean[some] = batches[some].mean(axis=-1)
        centred = batches[some] - mean[some, ..., np.newaxis]
        squares[some] = np.einsum("...n,...n->...", centred, centred)
    return mean, squares


def _spread(kind: BiasedVariance | Std, squares: Floats, n: int) -> Floats:
    variance = squares / (n - kind.ddof)
    return np.sqrt(variance) if isinstance(kind, Std) else variance


def law_estimates(
    design: Design, source: Source, sizes: Sequence[int], kinds: Sequence[Estimator]
) -> Iterator[tuple[int, Estimates]]:
    """Yield batch sizes with the estimates of a law's batches, shape (lanes, batches)."""
    law, lanes = distribution(source.distribution), lanes_of(design.full_size)
    used = min(lanes, replications(design, source))
    rng = block_stream(design.seed, source.distribution, design.full_size, source.sampling, BLOCK)
    counts = {n: batches_of_lane(design.full_size, n, source.sampling) for n in sizes}
    if source.sampling == REPLACEMENT:
        head = assembled(law, rng, design.full_size, lanes)
    else:
        head = _head(law, rng, design.full_size, max(n * counts[n] for n in sizes))
    head -= law.pivot
    for n in sizes:
        width = n * counts[n]
        batches = head[:used, :width]
        if source.sampling == REPLACEMENT:
            order = drawn_again(design, source, BLOCK, n, lanes)[:used, :width]
            batches = np.take_along_axis(head[:used], order, axis=-1)
        yield n, statistics(kinds, batches.reshape(used, -1, n), law.pivot)


def _head(law: Distribution, rng: np.random.Generator, full_size: int, width: int) -> Floats:
    """Return the first observations of every lane of a block, shape (lanes, width)."""
    lanes = lanes_of(full_size)
    head = np.empty((lanes, width))
    buffer = np.empty((slab_rows(full_size), lanes))
    for first, slab in slabs(law, rng, buffer, full_size):
        part = slab[: width - first]
        head[:, first : first + len(part)] = part.T
        if first + len(slab) >= width:
            break
    return head


def row_estimates(
    design: Design,
    source: Source,
    sizes: Sequence[int],
    kinds: Sequence[Estimator],
    columns: Sequence[Column],
) -> Iterator[tuple[Column, int, Estimates]]:
    """Yield columns and sizes with the estimates of batches of rows, shape (lanes, batches)."""
    lanes = drawn_lanes(design, source, BLOCK)
    if source.sampling.startswith(GROUPED):
        lanes = min(lanes, max(FEWEST_LANES, MOST_DRAWS // design.full_size))
    numbers = [column.values - column.pivot for column in columns]
    for _, some in passes(sizes, source.sampling):
        parts: dict[tuple[int, int], list[Estimates]] = {}
        for orders in orders_of(design, source, BLOCK, lanes, some[0]):
            for n in some:
                rows = cut(orders, n)[:, : batches_of_lane(design.full_size, n, source.sampling)]
                for place, column in enumerate(columns):
                    found = statistics(kinds, numbers[place][rows], column.pivot)
                    parts.setdefault((place, n), []).append(found)
        for (place, n), found_in in parts.items():
            joined = {
                kind: np.concatenate([part[kind] for part in found_in]) for kind in found_in[0]
            }
            yield columns[place], n, joined
