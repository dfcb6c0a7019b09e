"""Which estimates have a histogram: a function of the design and of facts of the file."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.design import Design
from simnorm.estimators import Estimator
from simnorm.resampling import columns_together
from simnorm.sampling import GROUPED, SEQUENTIAL, batch_count
from simnorm.streams import lanes_of
from simnorm.studies import drawing, sweep
from simnorm.studies.drawing import Source

MOST_SIZES = 5
MOST_COLUMNS = 12
# Observations that are held of a block: at most a whole one.
MOST_DRAWS = 1 << 21
# Of these, so many are read for every batch size: large batches have fewer estimates.
DRAWS_READ = 1 << 19
# A histogram is of so many estimates, more only where there are many lanes to draw anyway.
MOST_ESTIMATES = 1 << 13
USUAL_LANES = 256
FEWEST_BINS, MOST_BINS = 12, 48
# Points of all histograms of a run.
MOST_POINTS = 40_000
# Whose histograms come first where not all can be had.
FEATURED = ("std(ddof=0)", "mean", "biased_variance", "unbiased_variance", "std(ddof=1)")


def sizes_of(design: Design) -> tuple[int, ...]:
    """Return the batch sizes that have histograms: five at most, spread evenly over the grid.

    Not those of which a block holds too much to keep.
    """
    most = MOST_DRAWS // lanes_of(design.full_size)
    held = sorted(n for n in set(design.batch_sizes) if n <= most)
    places = np.round(np.linspace(0, len(held) - 1, min(MOST_SIZES, len(held)))).astype(int)
    return tuple(held[place] for place in places)


def batches_of_lane(full_size: int, n: int, sampling: str) -> int:
    """Return how many batches of every replication count, from N, n and the scheme alone.

    All where batches are not exchangeable: in file order, and where groups stay together.

    Examples
    --------
    >>> batches_of_lane(16_384, 2, "shuffle"), batches_of_lane(16_384, 1024, "shuffle")
    (128, 8)
    """
    every = batch_count(full_size, n)
    if sampling == SEQUENTIAL or sampling.startswith(GROUPED):
        return every
    lanes = lanes_of(full_size)
    wanted = min(MOST_ESTIMATES // min(lanes, USUAL_LANES), DRAWS_READ // (lanes * n))
    return min(every, max(1, wanted))


def bins_of(full_size: int, n: int, sampling: str) -> int:
    """Return the number of bins, an even one: about twice the cube root of how many estimates.

    Examples
    --------
    >>> bins_of(16_384, 2, "shuffle"), bins_of(16_384, 1024, "shuffle")
    (40, 16)
    """
    count = min(lanes_of(full_size), USUAL_LANES) * batches_of_lane(full_size, n, sampling)
    return min(max(2 * round(math.cbrt(count)), FEWEST_BINS), MOST_BINS)


@functools.lru_cache(maxsize=16)
def kinds_of(design: Design) -> tuple[Estimator, ...]:
    """Return the estimators that have histograms, as many as there is room for, one at least."""
    kinds = sweep.estimators(design)
    names = min(MOST_COLUMNS, len(design.columns)) if design.data else len(design.distributions)
    each = sum(
        bins_of(design.full_size, n, scheme) for n in sizes_of(design) for scheme in design.sampling
    )
    most = max(1, MOST_POINTS // max(1, names * each))
    ranked = sorted(kinds, key=lambda kind: _rank(str(kind)))[:most]
    return tuple(kind for kind in kinds if kind in ranked)


def _rank(spec: str) -> int:
    return FEATURED.index(spec) if spec in FEATURED else len(FEATURED)


def columns_of(design: Design, source: Source) -> tuple[Column, ...]:
    """Return the columns of a source that have histograms."""
    wanted = _heaviest(design)
    return tuple(c for c in drawing.chunk(design, source).columns if c.name in wanted)


@functools.lru_cache(maxsize=4)
def _heaviest(design: Design) -> frozenset[str]:
    """Return the columns of the largest excess kurtosis, a fact of the file."""
    dataset, names = design.dataset, design.columns
    if len(names) <= MOST_COLUMNS or dataset is None:
        return frozenset(names)
    width = columns_together(design.full_size)
    found: dict[str, float] = {}
    for first in range(0, len(names), width):
        some = names[first : first + width]
        found |= dict(zip(some, map(_kurtosis, dataset.values(some).T), strict=True))
    ranked = sorted(names, key=lambda name: -found[name])
    return frozenset(ranked[:MOST_COLUMNS])


def _kurtosis(values: NDArray[np.float64]) -> float:
    """Return the excess kurtosis of a column; -infinity if it has none."""
    kurtosis = Column("", values).excess_kurtosis
    return kurtosis if math.isfinite(kurtosis) else -math.inf
