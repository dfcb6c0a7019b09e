"""The error bars of other toolkits for the same numbers, all batches taken for independent.

From a run's bias, variance and mean square alone:

- `normal_theory`: s^2 (1 +- z sqrt(2/(m - 1))) and s (1 +- z/sqrt(2(m - 1))), right for m
  independent normal errors;
- `unclustered`: the same with the errors' true kurtosis in place of the normal law's;
- `normal_by_set`: normal theory again, with the number of full sets for m: the batches of a set
  count as one.

The bias has bias +- z s/sqrt(m) in all of them.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.distributions import distribution
from simnorm.estimators import estimator

Floats = NDArray[np.float64]

RIVALS = ("normal_theory", "unclustered", "normal_by_set")
# The normal law's quantile, which these formulas are printed with.
Z = 1.96
# Observations, and at least so many full sets, of the one simulation that the kurtosis of errors is
# taken from.
DRAWS, FEWEST_SETS = 1 << 21, 1 << 12
SEED = 4_711


class Kurtosis(NamedTuple):
    """Fourth moment of errors over the square of their second."""

    about_mean: float
    about_zero: float


@functools.lru_cache(maxsize=1)
def full_sets(law: str, full_size: int) -> Floats:
    """Return the full sets of the simulation, shape (sets, N)."""
    rng = np.random.default_rng(SEED)
    out = np.empty((full_size, max(FEWEST_SETS, DRAWS // full_size)))
    distribution(law).fill(rng, out)
    return np.ascontiguousarray(out.T)


@functools.lru_cache(maxsize=4096)
def kurtosis(law: str, statistic: str, n: int, full_size: int, reference: str) -> Kurtosis:
    """Return the kurtosis of the errors of single batches, by simulation.

    Examples
    --------
    The mean of a batch has that of a normal law, 3.

    >>> round(kurtosis("normal", "mean", 8, 64, "population").about_mean, 1)
    3.0
    """
    kind = estimator(statistic)
    sets = full_sets(law, full_size)
    batches = sets[:, : full_size // n * n].reshape(len(sets), -1, n)
    right = kind(sets)[:, np.newaxis]
    if reference == "population":
        right = np.float64(kind.population(distribution(law)))
    errors = (kind(batches) - right).ravel()
    centred = errors - errors.mean()
    return Kurtosis(*(float((e**4).mean() / (e**2).mean() ** 2) for e in (centred, errors)))


def half_width(
    measure: str, bias: Floats, variance: Floats, rmse: Floats, relative_variance: Floats
) -> tuple[Floats, Floats]:
    """Return an estimate and the half-width of its interval.

    Parameters
    ----------
    measure
        ``bias``, ``variance`` or ``rmse``.
    bias, variance, rmse
        The estimates of a cell, of shape (seeds,).
    relative_variance
        For the bias 1/m, otherwise that of an estimate of a variance, as 2/(m - 1).

    Examples
    --------
    >>> one = np.array([1.0])
    >>> estimate, half = half_width("rmse", 0.0 * one, one, one, 0.04 * one)
    >>> round(float(half[0]), 3)
    0.196
    """
    scale = Z * np.sqrt(relative_variance)
    if measure == "bias":
        return bias, scale * np.sqrt(variance)
    if measure == "variance":
        return variance, scale * variance
    return rmse, 0.5 * scale * rmse


def coverages(
    measure: str,
    truth: float,
    estimates: tuple[Floats, Floats, Floats],
    replications: Floats,
    batches: int,
    found: Kurtosis,
) -> dict[str, float]:
    """Return how often each rival's interval holds the truth.

    Parameters
    ----------
    measure, truth
        What is estimated, and its true value.
    estimates
        Bias, variance and rmse of every seed.
    replications, batches
        R of every seed, and the batches in each.
    found
        Of the errors of the cell.
    """
    all_errors = replications * batches
    fourth = found.about_mean if measure == "variance" else found.about_zero
    relative = {
        "normal_theory": 2.0 / (all_errors - 1.0),
        "unclustered": (fourth - 1.0) / all_errors,
        "normal_by_set": 2.0 / (replications - 1.0),
    }
    if measure == "bias":
        relative = dict.fromkeys(RIVALS, 1.0 / all_errors) | {"normal_by_set": 1.0 / replications}
    shares = {}
    for name in RIVALS:
        estimate, half = half_width(measure, *estimates, relative[name])
        shares[name] = float((np.abs(estimate - truth) <= half).mean())
    return shares
