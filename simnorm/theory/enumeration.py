"""Exact values by looking at every batch there can be, for sets that are small enough."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.estimators import Estimator, UserEstimator
from simnorm.sampling import REPLACEMENT, SHUFFLE
from simnorm.theory.moments import Pair
from simnorm.theory.values import Value, values_of_pair

Floats = NDArray[np.float64]

MOST_BATCHES = 100_000
# Numbers that are looked at together.
CHUNK = 1 << 20
# So many batches of a chunk are looked at in another order of their rows, too.
PERMUTED = 64


def enumerated_values(
    kind: Estimator,
    n: int,
    column: Column,
    sampling: str = SHUFFLE,
    most: int = MOST_BATCHES,
) -> dict[str, Value] | None:
    """Return the exact values of one batch's error, for any estimator.

    Parameters
    ----------
    kind, n
        Estimator, also a function of the user, and batch size.
    column
        The finite set of N numbers.
    sampling
        ``shuffle``: all C(N, n) subsets. ``replacement``: all C(N + n - 1, n) multisets, each as
        often as it comes.
    most
        The largest number of batches that is looked at.

    Returns
    -------
    dict or None
        Values by measure; empty if a batch has none, or if a function of the user depends on the
        order of the rows, since only one order of each batch is looked at. None if there are too
        many batches, or none of this size.

    Examples
    --------
    >>> from simnorm.estimators import Mean
    >>> column = Column("x", np.array([0.0, 1.0, 5.0]))
    >>> round(enumerated_values(Mean(), 2, column)["mse"], 6)
    1.166667
    """
    N = column.size
    if n < kind.smallest_batch or sampling not in (SHUFFLE, REPLACEMENT):
        return None
    replaced = sampling == REPLACEMENT
    if (not replaced and n > N) or math.comb(N + n - 1 if replaced else N, n) > most:
        return None
    user = kind if isinstance(kind, UserEstimator) else None
    if not column.is_symmetric(kind):
        return {}
    values = column.values if user else column.values - column.pivot
    whole = column.value_of(kind) if user else column.centred_value_of(kind)
    total = first = second = 0.0
    for rows, weights in _batches(N, n, replaced=replaced):
        if user is not None:
            found, said = user.attempt(values[rows])
            if said or _minds_order(user, values[rows[:PERMUTED]], found[:PERMUTED], column):
                return {}
        else:
            found = kind.along_last(values[rows])
        errors = found - whole
        if not np.isfinite(errors).all():
            return {}
        total += float(weights.sum())
        first += float(weights @ errors)
        second += float(weights @ (errors * errors))
    mean = first / total
    return values_of_pair(Pair(mean, max(second / total - mean * mean, 0.0)))


def _batches(N: int, n: int, *, replaced: bool) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """Yield the rows of some batches, in file order, and how often each comes."""
    choose = itertools.combinations_with_replacement if replaced else itertools.combinations
    every = choose(range(N), n)
    step = max(1, CHUNK // n)
    while some := list(itertools.islice(every, step)):
        rows = np.array(some, dtype=np.intp)
        weights = np.ones(len(rows))
        if replaced:
            weights = np.array([_orders(batch) for batch in some])
        yield rows, weights


def _minds_order(kind: UserEstimator, batches: Floats, found: Floats, column: Column) -> bool:
    """Return whether a function has other values on batches whose rows are permuted.

    What it does not do on the whole column it may still do on a part of it.
    """
    rng = np.random.Generator(np.random.PCG64DXSM(0))
    others, _ = kind.attempt(rng.permuted(batches, axis=-1))
    return not column.alike(found, others)


def _orders(batch: tuple[int, ...]) -> float:
    """Return in how many orders, over n!, a multiset can be drawn."""
    ways = 1.0
    for _, group in itertools.groupby(batch):
        ways /= math.factorial(len(list(group)))
    return ways
