"""How large a batch's standard deviation is on average, against that of the reference.

s_B is the sd of a batch of n with divisor n, which batch normalization divides by. Its mean over
the sd of the reference is all that the error of a normalized value depends on (`normalized`). It
is known exactly where a batch has one or two values, for the normal law, and where there are two
different values only: then s_B = d sqrt(j (n - j))/n with j of the one kind and d their distance,
and j is binomial, or hypergeometric. Elsewhere the delta method stands in, where n is large enough.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.estimators import Maximum, Std
from simnorm.sampling import SHUFFLE
from simnorm.theory import of_distribution, value_of
from simnorm.theory.chances import (
    ASYMPTOTIC,
    EXACT,
    atoms_of,
    binomial,
    check_batch,
    coin_of,
    counts_of_column,
    spread_chance,
)
from simnorm.theory.enumeration import enumerated_values
from simnorm.theory.finite import finite_values
from simnorm.theory.values import Value

Floats = NDArray[np.float64]


def scale_ratio(law: Distribution, n: int, full_size: int | None = None) -> Value | None:
    """Return the mean of a batch's sd over that of the reference.

    Parameters
    ----------
    law, n
        Law and batch size.
    full_size
        Size N of the full set that the batch is cut from and whose sd S it is compared with: the
        value is E[s_B/S], with 0 where S is. Left out, it is E[s_B]/sigma.

    Returns
    -------
    Value or None
        Exact for n = 1 and n = N, for the normal law, for a coin, and for n = 2 against the
        population, where E s_B is half the mean distance of two draws. Against the full set of
        the normal law, s_B/S is independent of S (Basu), so E[s_B/S] = E[s_B]/E[S]; for other
        laws this quotient is off by a part of 1/N and asymptotic. None where nothing is known, or
        the law has no variance.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> normal = distribution("normal")
    >>> round(scale_ratio(normal, 4), 5), round(scale_ratio(normal, 4, 16), 5)
    (0.79788, 0.83789)
    >>> scale_ratio(distribution("uniform"), 2).kind, scale_ratio(distribution("uniform"), 3)
    ('exact', None)
    """
    if full_size is not None and full_size < n:
        raise SimnormError("full_size", full_size, f"a batch of {n} is cut from it")
    if not math.isfinite(law.std):
        return None
    if n == 1:
        return Value(0.0, EXACT)
    if n == full_size:
        return spread_chance(law, n)
    p = coin_of(law)
    if p is not None:
        return Value(_coin_ratio(p, n, full_size), EXACT)
    batch = _mean_std(law, n)
    if batch is None or full_size is None:
        return batch
    whole = _mean_std(law, full_size)
    if whole is None:
        return None
    return Value(batch / whole, EXACT if law.is_normal else ASYMPTOTIC)


def _mean_std(law: Distribution, n: int) -> Value | None:
    """Return E[s_B]/sigma of n draws, n at least 2."""
    if n == 2 and not law.is_normal:
        distance = mean_distance(law)
        return None if distance is None else Value(0.5 * distance / law.std, EXACT)
    standard = law.standard
    bias = value_of("bias", Std(0), n, None, of_distribution(standard))
    return None if bias is None else Value(1.0 + bias / standard.std, bias.kind)


def mean_distance(law: Distribution) -> float | None:
    """Return the mean distance of two draws, Gini's mean difference; None where it is not known.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> round(mean_distance(distribution("exponential(scale=2)")), 9)
    2.0
    """
    atoms = atoms_of(law)
    if atoms.chances.size and atoms.rest <= 0.0:
        below, above = np.cumsum(atoms.chances)[:-1], np.cumsum(atoms.chances[::-1])[::-1][1:]
        return float(2.0 * (below * above * np.diff(atoms.values)).sum())
    # One draw is below the larger of two by half their distance.
    bias = value_of("bias", Maximum(), 1, 2, of_distribution(law))
    return None if bias is None else -2.0 * float(bias)


def _coin_ratio(p: float, n: int, full: int | None) -> float:
    batch = binomial(n, p)
    own = np.sqrt(batch.values * (n - batch.values)) / n
    if full is None:
        return float((batch.chances * own).sum()) / math.sqrt(p * (1.0 - p))
    inverse = inverse_full_std(p, n, full)
    return float((batch.chances * own * inverse).sum())


def inverse_full_std(p: float, n: int, full: int) -> Floats:
    """Return E[1/S] given the counts of a batch of coins, S of their full set and not 0."""
    others, found = binomial(full - n, p), []
    for ones in binomial(n, p).values:
        whole = ones + others.values
        spread = np.sqrt(whole * (full - whole)) / full
        inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0.0)
        found.append(float((inverse * others.chances).sum()))
    return np.array(found)


def scale_ratio_of_column(
    column: Column, n: int, sampling: str = SHUFFLE, *, exact: bool = False
) -> Value | None:
    """Return the mean of a batch's sd over that of the column, both with divisors n and N.

    Parameters
    ----------
    column, n, sampling
        Column, batch size, and ``shuffle`` or ``replacement``.
    exact
        Whether all batches are looked at, where there are 100,000 or fewer.

    Returns
    -------
    Value or None
        Exact for n = 1, 2, N - 1 (``shuffle``) and N, and for two different values; else
        asymptotic where n is large enough. None for a constant column.

    Examples
    --------
    The pairs of 0, 1 and 5 have the sds 0.5, 2 and 2.5; the column's is sqrt(14/3).

    >>> column = Column("x", np.array([0.0, 1.0, 5.0]))
    >>> round(scale_ratio_of_column(column, 2) * math.sqrt(14 / 3), 9)
    1.666666667
    """
    check_batch(column, n, sampling)
    if column.is_constant:
        return None
    if n == 1:
        return Value(0.0, EXACT)
    counts = counts_of_column(column, n, sampling)
    if counts is not None:
        q = column.counts / column.size
        own = np.sqrt(counts.values * (n - counts.values)) / n
        return Value(float((counts.chances * own).sum()) / math.sqrt(q[0] * q[1]), EXACT)
    found = finite_values(Std(0), n, column, sampling)
    if exact and not (found and found["bias"].kind == EXACT):
        found = enumerated_values(Std(0), n, column, sampling) or found
    bias = found.get("bias")
    return None if bias is None else Value(1.0 + bias / column.std, bias.kind)
