"""Bins for the estimates of batches, fixed by the law or the file, the estimator and n alone.

Never by the draws that are counted: then shares have no bias, and a longer run has the same bins.
The centre and the reach are those of theory where it has them. Where it has none, or where tails
are so heavy that a standard deviation says nothing of most estimates, they are quantiles of a
*pilot*: estimates from a stream that no run draws from, the same for every seed. So the pilot is a
number that belongs to the law as its moments do, only found by simulation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm import theory
from simnorm.batch_laws.draws import Estimates, statistics
from simnorm.columns import Column
from simnorm.design import Design
from simnorm.distributions import Distribution
from simnorm.distributions.discrete import Bernoulli, Poisson
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    RankSum,
    Std,
    UnbiasedVariance,
    UserEstimator,
)
from simnorm.resampling import row_orders
from simnorm.sampling import GROUPED, REPLACEMENT, SHUFFLE, cut, group_column
from simnorm.streams import block_stream
from simnorm.theory.finite import finite_pair, unbiased_moments

Floats = NDArray[np.float64]

# Bins reach so many standard deviations from the mean; what is beyond counts to the outermost.
REACH = 4.0
# The same in distances of the quartiles from the median, for a normal law.
QUARTILES = 6.0
# With heavier tails most estimates are a small part of a standard deviation from each other.
LARGEST_KURTOSIS = 10.0
PILOT_SEED, PILOT_BLOCK, PILOT_SCHEME = 0, 2**32 - 1, "pilot"
MOST_PILOT, FEWEST_PILOT, PILOT_DRAWS = 1024, 128, 1 << 17
# More steps than this between the smallest and the largest value are no lattice to see.
MOST_STEPS = 4096
MOST_PARTS = 20


class Lattice(NamedTuple):
    """Data that are whole numbers of steps from an origin, as the location estimators see them."""

    origin: float
    step: float


class Reach(NamedTuple):
    """Where bins begin and end."""

    low: float
    high: float


def lattice_of_law(law: Distribution) -> Lattice | None:
    """Return the lattice of a law on whole numbers, less its pivot."""
    if isinstance(law, Bernoulli | Poisson):
        return Lattice(law.loc - law.pivot, law.scale)
    return None


def lattice_of_column(column: Column) -> Lattice | None:
    """Return the lattice of a column whose values are evenly spaced, less its pivot.

    Examples
    --------
    >>> lattice_of_column(Column("x", np.array([1.0, 1.5, 4.0, 1.5]))).step
    0.5
    >>> lattice_of_column(Column("x", np.array([1.0, 1.5, 1.7]))) is None
    True
    """
    distinct = np.unique(column.rising)
    if not 2 <= len(distinct) <= MOST_STEPS:
        return None
    step = float(np.diff(distinct).min())
    steps = (distinct - distinct[0]) / step
    if steps[-1] > MOST_STEPS or np.abs(steps - np.round(steps)).max() > 1e-6:
        return None
    return Lattice(float(distinct[0]) - column.pivot, step)


def steps_of(kind: Estimator, n: int, lattice: Lattice | None) -> Lattice | None:
    """Return the lattice of an estimator's values; None where there is none to speak of.

    Examples
    --------
    >>> from simnorm.estimators import biased_variance, median
    >>> whole = Lattice(0.0, 1.0)
    >>> steps_of(median, 4, whole).step, steps_of(biased_variance, 4, whole).step
    (0.5, 0.0625)
    """
    if lattice is None:
        return None
    if isinstance(kind, Mean):
        return Lattice(lattice.origin, lattice.step / n)
    if isinstance(kind, BiasedVariance):
        divisor = n * (n - kind.ddof)
        return Lattice(0.0, lattice.step * lattice.step / divisor)
    if isinstance(kind, RankSum):
        parts = _parts([weight for _, weight in kind.weights(n)])
        if parts:
            origin = lattice.origin if kind.is_location else 0.0
            return Lattice(origin, lattice.step / parts)
    return None


def _parts(weights: Sequence[float]) -> int:
    """Return the smallest number that makes all weights whole, 0 if that is a large one."""
    for parts in range(1, MOST_PARTS + 1):
        if all(abs(parts * weight - round(parts * weight)) < 1e-9 for weight in weights):
            return parts
    return 0


def edges_of(reach: Reach, bins: int, lattice: Lattice | None) -> Floats:
    """Return evenly spaced edges, between the values of a lattice if there is one.

    Parameters
    ----------
    reach
        Where the first bin begins and the last one ends, about.
    bins
        How many are wanted; fewer where values are rarer, each in a bin of its own then.
    lattice
        Values that the estimates can have: a bin holds as many of them as any other.

    Examples
    --------
    >>> edges_of(Reach(0.0, 1.0), 4, None)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> edges_of(Reach(0.0, 1.0), 12, Lattice(0.0, 0.5))
    array([-0.25,  0.25,  0.75,  1.25])
    """
    if lattice is None:
        return np.linspace(reach.low, reach.high, bins + 1)
    origin, step = lattice
    each = max(1, round((reach.high - reach.low) / bins / step))
    first = math.floor((reach.low - origin) / step + 1e-9)
    last = math.ceil((reach.high - origin) / step - 1e-9)
    count = max(1, -(-(last - first + 1) // each))
    return np.asarray(origin + (first - 0.5 + each * np.arange(count + 1)) * step)


# ----------------------------------------------------------------------------------------- a law


def law_reaches(kinds: Sequence[Estimator], n: int, law: Distribution) -> dict[Estimator, Reach]:
    """Return where the bins of a law's estimates lie, of data less the law's pivot."""
    found = {kind: _reach_of_law(kind, n, law) for kind in kinds if n >= kind.smallest_batch}
    unknown = [kind for kind, reach in found.items() if reach is None]
    if unknown:
        pilot = _pilot_of_law(unknown, n, law)
        found |= {kind: quartile_reach(values) for kind, values in pilot.items()}
    low, high = (end - law.pivot for end in law.support)
    return _within(found, low, high)


def _reach_of_law(kind: Estimator, n: int, law: Distribution) -> Reach | None:
    if isinstance(kind, UserEstimator) or not law.excess_kurtosis <= LARGEST_KURTOSIS:
        return None
    if isinstance(kind, Std):
        variance = _reach_of_law(_variance(kind), n, law)
        return None if variance is None else _rooted(variance)
    values = theory.values_of(kind, n, None, theory.of_distribution(law))
    # Of some there is a formula for one of the two alone.
    if not {"bias", "variance"} <= values.keys():
        return None
    centre = kind.population(law) + values["bias"] - (law.pivot if kind.is_location else 0.0)
    return _about(centre, math.sqrt(values["variance"]))


def _variance(kind: Std) -> BiasedVariance:
    return UnbiasedVariance() if kind.ddof else BiasedVariance()


def _rooted(variance: Reach) -> Reach:
    """Return the roots: a standard deviation rises with its variance."""
    return Reach(math.sqrt(max(variance.low, 0.0)), math.sqrt(max(variance.high, 0.0)))


def _about(centre: float, spread: float) -> Reach | None:
    if not (math.isfinite(centre) and 0.0 < spread < math.inf):
        return None
    return Reach(centre - REACH * spread, centre + REACH * spread)


def quartile_reach(values: Floats) -> Reach | None:
    """Return where bins lie by the quartiles of a pilot, or None where it has one value.

    Examples
    --------
    >>> quartile_reach(np.array([1.0, 2.0, 3.0, 5.0, 6.0]))
    Reach(low=-3.0, high=15.0)
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0 or finite.min() == finite.max():
        return None
    first, middle, third = np.quantile(finite, [0.25, 0.5, 0.75])
    low, high = middle - QUARTILES * (middle - first), middle + QUARTILES * (third - middle)
    # Where half of the values are one, the others say how far it goes.
    low = low if first < middle else float(finite.min())
    high = high if third > middle else float(finite.max())
    return Reach(float(low), float(high)) if low < high else None


def _within(
    found: dict[Estimator, Reach | None], low: float, high: float
) -> dict[Estimator, Reach]:
    """Return the reaches within what an estimator's values can be, data from `low` to `high`."""
    kept = {}
    for kind, reach in found.items():
        if reach is None:
            continue
        ends = (-math.inf, math.inf)
        if not isinstance(kind, UserEstimator):
            ends = (low, high) if kind.is_location else (0.0, math.inf) if kind.power else ends
        inside = Reach(max(reach.low, ends[0]), min(reach.high, ends[1]))
        if inside.low < inside.high:
            kept[kind] = inside
    return kept


def _pilot_of_law(kinds: Sequence[Estimator], n: int, law: Distribution) -> Estimates:
    count = min(max(PILOT_DRAWS // n, FEWEST_PILOT), MOST_PILOT)
    rng = block_stream(PILOT_SEED, str(law), n, PILOT_SCHEME, PILOT_BLOCK)
    batches = np.empty((count, n))
    law.fill(rng, batches)
    with np.errstate(all="ignore"):
        # One lane each: a function that fails on one batch has the others.
        found = statistics(kinds, (batches - law.pivot)[:, np.newaxis], law.pivot)
    return {kind: values.ravel() for kind, values in found.items()}


# ----------------------------------------------------------------------------------- a column


def column_reaches(
    kinds: Sequence[Estimator], n: int, column: Column, design: Design, sampling: str
) -> dict[Estimator, Reach]:
    """Return where the bins of a column's estimates lie, of data less the column's pivot.

    None of a constant column, nor where a batch is all rows in whatever order.
    """
    if column.is_constant or (n == column.size and sampling != REPLACEMENT):
        return {}
    kinds = [kind for kind in kinds if n >= kind.smallest_batch]
    found = {kind: _reach_of_column(kind, n, column, sampling) for kind in kinds}
    unknown = [kind for kind, reach in found.items() if reach is None]
    if unknown:
        pilot = _pilot_of_column(unknown, n, column, design, sampling)
        found |= {kind: quartile_reach(values) for kind, values in pilot.items()}
    low, high = (float(column.rising[place]) - column.pivot for place in (0, -1))
    return _within(found, low, high)


def _reach_of_column(kind: Estimator, n: int, column: Column, sampling: str) -> Reach | None:
    if sampling not in (SHUFFLE, REPLACEMENT) or isinstance(kind, UserEstimator):
        return None
    if not column.excess_kurtosis <= LARGEST_KURTOSIS:
        return None
    if isinstance(kind, BiasedVariance | Std):
        variance = kind if isinstance(kind, BiasedVariance) else _variance(kind)
        mean, spread = unbiased_moments(n, column, replaced=sampling == REPLACEMENT)
        factor = column.variance * (1.0 if variance.ddof else (n - 1.0) / n)
        reach = _about(factor * mean, factor * math.sqrt(max(spread, 0.0)))
        if reach is None or variance is kind:
            return reach
        return _rooted(reach)
    pair = finite_pair(kind, n, column, sampling)
    if pair is None:
        return None
    return _about(column.centred_value_of(kind) + pair.bias, math.sqrt(pair.variance))


def _pilot_of_column(
    kinds: Sequence[Estimator], n: int, column: Column, design: Design, sampling: str
) -> Estimates:
    N, groups = column.size, None
    name = group_column(sampling)
    if name is not None and design.dataset is not None:
        groups = design.dataset.group_codes(name), design.dataset.group_digest(name)
    k = max(1, N // n)
    lanes = min(max(1, FEWEST_PILOT // k), 64)
    numbers = column.values - column.pivot
    parts = []
    most = max(1, MOST_PILOT // lanes)
    for orders in row_orders(PILOT_SEED, sampling, N, PILOT_BLOCK, lanes, n, groups):
        rows = cut(orders, n)
        if not sampling.startswith(GROUPED):
            rows = rows[:, :most]
        parts.append(statistics(kinds, numbers[rows], column.pivot))
    return {kind: np.concatenate([part[kind].ravel() for part in parts]) for kind in parts[0]}
