"""What the study measures: its cells, and the bins of what stands behind them.

A source's numbers come in this order: the cells, and then for every column the shares of its
outputs in bins, and for every bin of its z-scores the squared errors and the share of values.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.design import Design
from simnorm.distributions import Distribution, distribution
from simnorm.quantities import MEAN, RATIO, ROOT_RATIO, VALUE, Cell, factors_text
from simnorm.sampling import IID
from simnorm.studies.drawing import Source, chunk, references
from simnorm.studies.labelled import Label

Floats = NDArray[np.float64]

NORMALIZED, DIRECT = "normalized_value", "normalized_value_direct"
CORRELATION, BEST_GAMMA = "correlation", "best_gamma"
WORST_IN_BATCH, WORST_IN_EPOCH = "worst_in_batch", "worst_in_epoch"
SKEWNESS, KURTOSIS = "output_skewness", "output_excess_kurtosis"
CONSTANT, UNSEEN = "constant_batches", "unseen_share"
MIN_MAX, ROBUST, QUANTILE = "min_max_value", "robust_value", "quantile_value"
SCALERS = (MIN_MAX, ROBUST, QUANTILE)

FULL_SET = "full_set"

# Curves are drawn for so many batch sizes at most.
MOST_SIZES = 6
# The batch size that sentences speak of is one of them.
USUAL = 16
# Outputs are counted between the largest that a batch has, or this; an odd number of bins keeps 0,
# and equal steps about it, off their edges.
WIDEST_OUTPUT, OUTPUT_BINS = 4.5, 41
# z-scores are told apart between these quantiles, which are the centres of the outermost bins.
VALUE_BINS, LOWEST_SHARE, LARGEST_SCORE = 25, 0.001, 8.0


class Key(NamedTuple):
    """What is measured, whatever the column and batch size."""

    quantity: str
    factors: str = ""
    reference: str = ""
    pair: str = VALUE
    measures: tuple[str, ...] = (MEAN,)
    smallest: int = 1


class Settings(NamedTuple):
    """One choice of the study's own factors."""

    epsilon: float
    gamma: float
    beta: float


def settings_of(design: Design) -> list[Settings]:
    """Return every combination of epsilon, gamma and beta."""
    return [Settings(*v) for v in itertools.product(design.epsilon, design.gamma, design.beta)]


@functools.lru_cache(maxsize=64)
def keys(design: Design, source: Source) -> tuple[Key, ...]:
    """Return what is measured of every column and batch size."""
    against = references(source)
    every = settings_of(design)
    first = every[0]
    error = ("errors", ("mse", "rmse"))
    about: list[tuple[str, str, str, tuple[str, ...]]]
    about = [(NORMALIZED, factors_text(**s._asdict()), *error) for s in every]
    about += [
        (DIRECT, factors_text(**first._asdict()), *error),
        (CORRELATION, "", ROOT_RATIO, (MEAN,)),
        (BEST_GAMMA, factors_text(epsilon=first.epsilon), RATIO, (MEAN,)),
        (WORST_IN_BATCH, "", VALUE, (MEAN,)),
        (WORST_IN_EPOCH, "", VALUE, (MEAN,)),
    ]
    found = [
        Key(name, factors, reference, pair, measures)
        for name, factors, pair, measures in about
        for reference in against
    ]
    found += [Key(name, pair=RATIO, smallest=2) for name in (SKEWNESS, KURTOSIS)]
    found += [Key(CONSTANT), Key(UNSEEN)]
    if source.sampling != IID:
        found += [Key(name, "", FULL_SET, *error) for name in SCALERS]
    return tuple(found)


@functools.lru_cache(maxsize=64)
def cells(design: Design, source: Source) -> tuple[Cell, ...]:
    """Return what is measured on a source, in the order of the results."""
    return tuple(
        Cell(key.quantity, size, key.reference, column, key.factors, key.pair, key.measures)
        for column in source.columns or ("",)
        for quantity in dict.fromkeys((k.quantity, k.factors) for k in keys(design, source))
        for size in design.batch_sizes
        for key in keys(design, source)
        if (key.quantity, key.factors) == quantity and size >= key.smallest
    )


@functools.lru_cache(maxsize=64)
def places(design: Design, source: Source) -> dict[tuple[str, int, str, str, str], int]:
    """Return where cells stand: by column, batch size, quantity, factors and reference."""
    return {
        (c.column, c.batch_size, c.quantity, c.factors, c.reference): i
        for i, c in enumerate(cells(design, source))
    }


def shown_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the batch sizes that curves are drawn for: the smallest from 2 on, and some others.

    Examples
    --------
    >>> shown_sizes([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
    (2, 16, 32, 64, 256, 1024)
    >>> shown_sizes([1, 3]), shown_sizes([1])
    ((3,), ())
    """
    able = sorted(size for size in sizes if size > 1)
    if len(able) <= MOST_SIZES:
        return tuple(able)
    logs = np.log(able)
    wanted = np.linspace(logs[0], logs[-1], MOST_SIZES)
    nearest = np.abs(logs - wanted[:, np.newaxis]).argmin(axis=-1)
    chosen = [able[i] for i in dict.fromkeys(nearest.tolist())]
    if USUAL in able and USUAL not in chosen:
        next_to = min(chosen[1:-1], key=lambda n: abs(math.log(n / USUAL)))
        chosen[chosen.index(next_to)] = USUAL
    return tuple(sorted(chosen))


class Bins(NamedTuple):
    """Bins of one width, so many of them from `low` on."""

    low: float
    width: float
    number: int

    @property
    def centres(self) -> Floats:
        """Middles of the bins."""
        return np.asarray(self.low + self.width * (np.arange(self.number) + 0.5))

    @property
    def edges(self) -> Floats:
        """Ends of the bins, one more than there are bins."""
        return np.asarray(self.low + self.width * np.arange(self.number + 1.0))


def output_bins(size: int) -> Bins:
    """Return the bins of the outputs of batches of `size`, at least 2.

    Examples
    --------
    >>> output_bins(5).edges[[0, -1]], output_bins(1024).edges[[0, -1]]
    (array([-2.,  2.]), array([-4.5,  4.5]))
    """
    end = min(math.sqrt(size - 1.0), WIDEST_OUTPUT)
    return Bins(-end, 2.0 * end / OUTPUT_BINS, OUTPUT_BINS)


def holds_all(size: int) -> bool:
    """Return whether no output can lie outside the bins: the outermost take their ends as well."""
    return math.sqrt(size - 1.0) <= WIDEST_OUTPUT


@functools.lru_cache(maxsize=64)
def law_bins(law: Distribution) -> Bins | None:
    """Return the bins of a law's z-scores, None if it has none."""
    if not (math.isfinite(law.std) and law.std > 0.0):
        return None
    return _between((law.quantile([LOWEST_SHARE, 1.0 - LOWEST_SHARE]) - law.mean) / law.std)


def column_bins(column: Column) -> Bins | None:
    """Return the bins of a column's z-scores, None if it has none."""
    if not has_scores(column):
        return None
    return _between(np.quantile(column.scores, [LOWEST_SHARE, 1.0 - LOWEST_SHARE]))


def has_scores(column: Column) -> bool:
    """Return whether a column has z-scores."""
    return not column.is_constant and 0.0 < column.std < math.inf


def _between(ends: Floats) -> Bins | None:
    low, high = np.clip(ends, -LARGEST_SCORE, LARGEST_SCORE).tolist()
    if not low < high:
        return None
    width = (high - low) / (VALUE_BINS - 1)
    return Bins(low - 0.5 * width, width, VALUE_BINS)


class Behind(NamedTuple):
    """Where the numbers of a column's bins for one batch size stand, behind the cells."""

    column: str
    batch_size: int
    outputs: slice
    by_value: slice
    value_bins: Bins | None


@functools.lru_cache(maxsize=64)
def behind(design: Design, source: Source) -> tuple[Behind, ...]:
    """Return what stands behind a source's cells."""
    at = len(cells(design, source))
    found = []
    for column, bins in zip(source.columns or ("",), _value_bins(design, source), strict=True):
        for size in shown_sizes(design.batch_sizes):
            middle = at + OUTPUT_BINS
            end = middle + (0 if bins is None else bins.number)
            found.append(Behind(column, size, slice(at, middle), slice(middle, end), bins))
            at = end
    return tuple(found)


def _value_bins(design: Design, source: Source) -> list[Bins | None]:
    if not source.columns:
        return [law_bins(distribution(source.distribution))]
    return [column_bins(column) for column in chunk(design, source).columns]


def labels(design: Design, source: Source) -> Iterator[Label]:
    """Yield what each number is.

    Bins of outputs are fixed by the batch size, those of z-scores by the law or column.
    """
    for c in cells(design, source):
        yield Label(c.column, "", c.batch_size, f"{c.quantity} {c.factors} {c.reference}")
    for part in behind(design, source):
        for name, where in (("output", part.outputs), ("by_value", part.by_value)):
            for i in range(where.stop - where.start):
                yield Label(part.column, "", part.batch_size, f"{name} bin {i}")


def width(design: Design, source: Source) -> int:
    """Return how many numbers a source has for every replication: cells and what is behind."""
    parts = behind(design, source)
    return parts[-1].by_value.stop if parts else len(cells(design, source))
