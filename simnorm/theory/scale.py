"""How large a batch's standard deviation is on average, and how often a batch has any.

s_B is the sd of a batch of n with divisor n, which batch normalization divides by. Its mean over
the sd of the reference is all that the error of a normalized value depends on (`normalized`). It
is known exactly where a batch has one or two values, for the normal law, and where there are two
different values only: then s_B = d sqrt(j (n - j))/n with j of the one kind and d their distance,
and j is binomial, or hypergeometric. Elsewhere the delta method stands in, where n is large enough.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.distributions.discrete import Bernoulli, Poisson
from simnorm.errors import SimnormError
from simnorm.estimators import Maximum, Std
from simnorm.sampling import REPLACEMENT, SHUFFLE
from simnorm.theory import of_distribution, value_of
from simnorm.theory.enumeration import enumerated_values
from simnorm.theory.finite import finite_values
from simnorm.theory.values import Value

Floats = NDArray[np.float64]

EXACT, ASYMPTOTIC = "exact", "asymptotic"
# Counts that are less likely than the likeliest by this are left out.
NEGLIGIBLE = 1e-25


# ---------------------------------------------------------------------------------------------
# Counts of one of two values


class Counts(NamedTuple):
    """How many of some draws are of one kind, and how likely that is."""

    values: Floats
    chances: Floats


@functools.lru_cache(maxsize=64)
def hypergeometric(n: int, ones: int, size: int) -> Counts:
    """Return how many ones there are among n of a set that has so many, without replacement.

    Examples
    --------
    >>> hypergeometric(2, 1, 4)
    Counts(values=array([0., 1.]), chances=array([0.5, 0.5]))
    """
    share = n / size
    low, high = _window(ones * share, ones * share * (1.0 - share))
    low, high = max(low, 0, n + ones - size), min(high, n, ones)
    j = np.arange(low + 1.0, high + 1.0)
    ratios = np.log((ones - j + 1.0) * (n - j + 1.0)) - np.log(j * (size - ones - n + j))
    return _from_ratios(low, ratios)


@functools.lru_cache(maxsize=64)
def binomial(n: int, p: float) -> Counts:
    """Return how many of n independent draws are ones, each with probability p.

    Examples
    --------
    >>> binomial(1, 0.25)
    Counts(values=array([0., 1.]), chances=array([0.75, 0.25]))
    """
    low, high = _window(n * p, n * p * (1.0 - p))
    low, high = max(low, 0), min(high, n)
    j = np.arange(low + 1.0, high + 1.0)
    odds = math.log(p) - math.log1p(-p)
    return _from_ratios(low, np.log((n - j + 1.0) / j) + odds)


def _window(mean: float, variance: float) -> tuple[int, int]:
    """Return ends beyond which counts are negligible, by Bernstein's inequality."""
    # exp(-t^2/(2 variance + 2 t/3)) is below NEGLIGIBLE^1.2 from here on.
    reach = math.ceil(12.0 * math.sqrt(variance) + 60.0)
    return math.floor(mean) - reach, math.ceil(mean) + reach


def _from_ratios(low: int, ratios: Floats) -> Counts:
    """Return counts from the logarithms of the ratios of neighbours, without the negligible."""
    # Added up outward from the likeliest, so that what counts has few terms.
    peak = int(np.searchsorted(-ratios, 0.0))
    up, down = np.cumsum(ratios[peak:]), np.cumsum(-ratios[:peak][::-1])[::-1]
    logs = np.concatenate([down, [0.0], up])
    keep = logs > math.log(NEGLIGIBLE)
    chances = np.exp(logs[keep])
    return Counts(low + np.flatnonzero(keep).astype(np.float64), chances / chances.sum())


def coin_of(law: Distribution) -> float | None:
    """Return the probability of the larger of two values, None for a law of more."""
    return law.p if isinstance(law, Bernoulli) else None


def ones_of(column: Column) -> int | None:
    """Return how often a column has the larger of its two values, None if it has more."""
    return int(column.counts[1]) if column.counts.size == 2 else None


def counts_of_column(column: Column, n: int, sampling: str) -> Counts | None:
    """Return the counts of the larger of two values in a batch, None if there are more values."""
    ones = ones_of(column)
    if ones is None:
        return None
    if sampling == REPLACEMENT:
        return binomial(n, ones / column.size)
    return hypergeometric(n, ones, column.size)


# ---------------------------------------------------------------------------------------------
# Chances of a spread


class Atoms(NamedTuple):
    """The values that have a probability, and the probability of all others."""

    values: Floats
    chances: Floats
    rest: float


@functools.lru_cache(maxsize=64)
def atoms_of(law: Distribution) -> Atoms:
    """Return the atoms of a law, in rising order.

    Between two knots the quantile function is smooth: where it is flat, there is an atom.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> atoms_of(distribution("rectified_normal"))
    Atoms(values=array([0.]), chances=array([0.5]), rest=0.5)
    """
    if not law.largest_atom > 0.0:
        return Atoms(np.empty(0), np.empty(0), 1.0)
    if isinstance(law, Bernoulli):
        # From 1 - p there would be few digits of a small p.
        return Atoms(law.quantile([0.0, 1.0]), np.array([1.0 - law.p, law.p]), 0.0)
    if isinstance(law, Poisson):
        return _poisson_atoms(law)
    ends = np.array([0.0, *law.knots(), 1.0])
    widths = np.diff(ends)
    low, high = (law.quantile(ends[:-1] + part * widths) for part in (1.0 / 3.0, 2.0 / 3.0))
    flat = low == high
    rest = math.fsum(widths[~flat])
    return Atoms(low[flat], widths[flat], rest)


def _poisson_atoms(law: Poisson) -> Atoms:
    from scipy.special import gammaln

    # P(X >= mu + t) <= exp(-t^2/(2 mu + 2t/3)), and below the mean there is less.
    reach = math.ceil(math.sqrt(200.0 * law.mu) + 100.0)
    k = np.arange(max(0, math.floor(law.mu) - reach), math.floor(law.mu) + reach + 1.0)
    logs = k * math.log(law.mu) - law.mu - gammaln(k + 1.0)
    chances = np.exp(logs)
    return Atoms(law.loc + law.scale * k, chances / chances.sum(), 0.0)


def spread_chance(law: Distribution, n: int) -> Value:
    """Return the probability that the values of a batch are not all equal.

    Parameters
    ----------
    law, n
        Law and batch size.

    Returns
    -------
    Value
        Exact: 1 - sum p_i^n over the values that have a probability.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> spread_chance(distribution("normal"), 2), spread_chance(distribution("normal"), 1)
    (1.0, 0.0)
    >>> spread_chance(distribution("bernoulli(p=0.25)"), 2)
    0.375
    """
    if n <= 1:
        return Value(0.0, EXACT)
    atoms = atoms_of(law)
    if not atoms.chances.size:
        return Value(1.0, EXACT)
    largest = int(atoms.chances.argmax())
    others = np.delete(atoms.chances, largest)
    # Of a value that nearly always comes, what is left is a difference of nearly equal numbers.
    left = min(math.fsum([*others, atoms.rest]), 1.0)
    log = math.log1p(-left) if left < 0.5 else math.log(atoms.chances[largest])
    return Value(-math.expm1(n * log) - math.fsum(others**n), EXACT)


def spread_chance_of_column(column: Column, n: int, sampling: str = SHUFFLE) -> Value:
    """Return the probability that the values of a batch of rows are not all equal.

    Parameters
    ----------
    column, n
        Column and batch size.
    sampling
        ``shuffle`` or ``replacement``.

    Returns
    -------
    Value
        Exact: 1 - sum C(c, n)/C(N, n), or 1 - sum (c/N)^n, over the counts c of the values.

    Examples
    --------
    >>> column = Column("x", np.array([0.0, 0.0, 1.0]))
    >>> round(spread_chance_of_column(column, 2), 6)
    0.666667
    >>> round(spread_chance_of_column(column, 2, "replacement"), 6)
    0.444444
    """
    check_batch(column, n, sampling)
    if n == 1 or column.is_constant:
        return Value(0.0, EXACT)
    counts, often = np.unique(column.counts, return_counts=True)
    if sampling == REPLACEMENT:
        return Value(1.0 - math.fsum(often * (counts / column.size) ** n), EXACT)
    # Few values occur n times or more, so that this is at most about N terms.
    large = counts >= n
    drawn = np.arange(float(n))
    equal = [
        times * math.exp(np.log((count - drawn) / (column.size - drawn)).sum())
        for count, times in zip(counts[large], often[large], strict=True)
    ]
    return Value(1.0 - math.fsum(equal), EXACT)


def check_batch(column: Column, n: int, sampling: str) -> None:
    """Refuse batches that do not come from a column."""
    if sampling not in (SHUFFLE, REPLACEMENT):
        raise SimnormError("sampling", sampling, f"allowed are {SHUFFLE} and {REPLACEMENT}")
    if n < 1 or (sampling == SHUFFLE and n > column.size):
        raise SimnormError("n", n, f"a batch has from 1 to {column.size:,} of these rows")


# ---------------------------------------------------------------------------------------------
# Mean sds


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
