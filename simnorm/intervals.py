"""Intervals for quantiles from order statistics: right whatever the tails are like."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95


@functools.lru_cache(maxsize=1024)
def order_ranks(count: int, q: float, level: float = CONFIDENCE) -> tuple[int, int]:
    """Return the ranks of the order statistics that enclose a quantile.

    How many of `count` independent values lie below the quantile is binomial, whatever their law,
    so that each end misses it with a chance of at most (1 - level)/2 (David and Nagaraja, Order
    Statistics, 7.1).

    Parameters
    ----------
    count
        How many independent values, at least one.
    q
        Which quantile, from 0 to 1.
    level
        Confidence of both sides together.

    Returns
    -------
    tuple
        Ranks from 1 for the smallest; 0 and `count` + 1 where so few values have no such end.

    Examples
    --------
    The median of six lies outside all of them with a chance of 2/64, and of five with 2/32.

    >>> order_ranks(6, 0.5), order_ranks(5, 0.5)
    ((1, 6), (0, 6))
    >>> order_ranks(100, 0.05)
    (1, 11)
    """
    from scipy.special import bdtr, bdtrc

    tail = (1.0 - level) / 2.0
    k = np.arange(count + 1, dtype=np.float64)
    low = int(np.count_nonzero(bdtr(k, count, q) <= tail))
    high = int(np.argmax(bdtrc(k, count, q) <= tail)) + 1
    return low, high


def order_interval(rising: Floats, q: float, level: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Return the interval for a quantile that two order statistics make.

    It covers the quantile with at least the probability `level`, in samples of every size and for
    every law: nothing is asked of moments. Where the law has atoms it covers more.

    Parameters
    ----------
    rising
        Independent values that rise along the last axis.
    q
        Which quantile, from 0 to 1.
    level
        Confidence of both sides together.

    Returns
    -------
    tuple
        Lower and upper ends, of the shape of `rising` without its last axis; NaN for a side that
        so few values do not have.

    Examples
    --------
    >>> low, high = order_interval(np.arange(1.0, 7.0), 0.5)
    >>> float(low), float(high)
    (1.0, 6.0)
    >>> low, high = order_interval(np.arange(1.0, 11.0), 0.05)
    >>> float(low), float(high)
    (nan, 3.0)
    """
    rising = np.asarray(rising, dtype=np.float64)
    count = rising.shape[-1]
    low, high = order_ranks(count, q, level)
    none = np.full(rising.shape[:-1], np.nan)
    lower = rising[..., low - 1] if low >= 1 else none
    upper = rising[..., high - 1] if high <= count else none
    return np.asarray(lower), np.asarray(upper)
