"""Chances of batches: how often one of two values comes, and how often all values are equal."""

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
from simnorm.sampling import REPLACEMENT, SHUFFLE
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
