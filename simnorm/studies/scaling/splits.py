"""The rows and classes that a source is of, and how they are split into training and test rows."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.datasets import bundled
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.options import SCALING
from simnorm.streams import block_stream, rows_source
from simnorm.studies.drawing import Source

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Order = NDArray[np.intp]

# So many rows take part in a repeat at most: nearest neighbours look at every pair of them.
MOST_ROWS = 4096
# From here on a column of classes is more likely one of numbers.
MOST_CLASSES = 100


class Table(NamedTuple):
    """Rows with classes: features of shape (N, features), and codes of shape (N,)."""

    rows: Floats
    codes: Codes

    @property
    def classes(self) -> int:
        """The number of classes."""
        return int(self.codes.max()) + 1

    def used(self, folds: int) -> int:
        """Return how many rows take part in a repeat."""
        return int(_shares(np.bincount(self.codes), folds).sum())


class Fold(NamedTuple):
    """A split: which rows train and which test, and the seeds of what is drawn for it."""

    training: Order
    test: Order
    of_batches: np.random.SeedSequence
    of_nets: np.random.SeedSequence


@functools.lru_cache(maxsize=8)
def table(design: Design, source: Source) -> Table:
    """Return the table of a source.

    Raises
    ------
    SimnormError
        If the design's data have not been read.
    """
    if not source.columns:
        found = bundled(source.distribution)
        return Table(found.rows, found.codes)
    if design.dataset is None:
        allowed = "the data are needed, and only their name is there"
        raise SimnormError("data", design.data, allowed, "Give them as data=...")
    rows = np.ascontiguousarray(design.dataset.values(source.columns))
    return Table(rows, design.dataset.group_codes(design.target))


def check_table(design: Design, found: Table) -> None:
    """Refuse classes that cross-validation makes no sense of.

    Raises
    ------
    SimnormError
        If there is one class, or too many of them, or one has fewer rows than there are folds.
    """
    counts = np.bincount(found.codes)
    if len(counts) < 2:
        raise SimnormError("target", design.target, "all rows are of one class", "Take another.")
    if len(counts) > MOST_CLASSES:
        allowed = f"it has {len(counts):,} values, and classes are at most {MOST_CLASSES}"
        hint = "A column of numbers is no target of a classification."
        raise SimnormError("target", design.target, allowed, hint)
    if counts.min() < design.folds:
        few = int(counts.min())
        allowed = f"a class of {design.target!r} has only {few} row{'s' if few > 1 else ''}"
        hint = "Leave out the rows of rare classes."
        hint = f"Take at most {few} folds." if few > 1 else hint
        raise SimnormError("folds", design.folds, allowed, hint)


def training_rows(design: Design, source: Source) -> int:
    """Return the training rows of the smallest split."""
    used = table(design, source).used(design.folds)
    return used - -(-used // design.folds)


def folds(design: Design, source: Source, block: int) -> Iterator[Fold]:
    """Yield the splits of one repeat of stratified cross-validation.

    Neither models nor scalings enter what is drawn: all of them get the same.
    """
    from sklearn.model_selection import StratifiedKFold

    found = table(design, source)
    word = source.distribution or rows_source()
    rng = block_stream(design.seed, word, len(found.rows), SCALING, block)
    seeds = rng.integers(1 << 32, size=(1 + design.folds, 2, 4)).tolist()
    chosen = _chosen(found.codes, design.folds, rng)
    splits = StratifiedKFold(design.folds, shuffle=True, random_state=chance(seed_of(seeds[0][0])))
    codes = found.codes[chosen]
    for (training, test), (first, second) in zip(
        splits.split(codes, codes), seeds[1:], strict=True
    ):
        yield Fold(chosen[training], chosen[test], seed_of(first), seed_of(second))


def seed_of(words: list[int]) -> np.random.SeedSequence:
    """Return the seed that words make."""
    return np.random.SeedSequence(words)


def chance(seed: np.random.SeedSequence) -> Any:
    """Return what scikit-learn draws from, a RandomState: newer generators it does not take."""
    return np.random.RandomState(np.random.PCG64DXSM(seed))


def _shares(counts: NDArray[np.integer], fewest: int) -> NDArray[np.int64]:
    """Return how many rows of every class take part: all, or the most there may be in proportion.

    Examples
    --------
    >>> _shares(np.array([50, 50]), 5).tolist(), _shares(np.array([90_000, 10_000]), 5).tolist()
    ([50, 50], [3686, 410])
    """
    total = int(counts.sum())
    if total <= MOST_ROWS:
        return counts.astype(np.int64)
    wanted = np.rint(counts * (MOST_ROWS / total)).astype(np.int64)
    return np.asarray(np.minimum(np.maximum(wanted, fewest), counts))


def _chosen(codes: Codes, fewest: int, rng: np.random.Generator) -> Order:
    """Return the rows that take part, in rising order: all, or some of every class by chance."""
    counts = np.bincount(codes)
    wanted = _shares(counts, fewest)
    if (wanted == counts).all():
        return np.arange(len(codes))
    parts = [
        rng.permutation(np.flatnonzero(codes == code))[:count] for code, count in enumerate(wanted)
    ]
    return np.sort(np.concatenate(parts))
