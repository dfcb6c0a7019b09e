"""The batch size at which an error is small enough, between the sizes of a run."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from simnorm import theory
from simnorm.distributions import distribution
from simnorm.estimators import estimator
from simnorm.figures.reaching import crossing, told_size

GRIDS = {"by 2": [2, 4, 8, 16, 32, 64, 128], "by 4": [4, 16, 64]}
LAWS = ("normal", "uniform", "exponential", "beta(a=2,b=5)", "t(df=9)", "poisson(mu=3)")
SPECS = ("mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)", "median",
         "min", "max", "range")  # fmt: skip
LEAST = 4
# How far the size found is from the true one, as a share of it.
NEAR = 0.04


@functools.cache
def exact_mse(spec: str, law: str, full_size: int | None) -> dict[int, float]:
    """Exact mean squared errors at all batch sizes up to 64, of the median at even ones."""
    kind, moments = estimator(spec), theory.of_distribution(distribution(law))
    found = {}
    for n in [*range(2, 65, 2 if spec == "median" else 1), 128]:
        value = theory.value_of("mse", kind, n, full_size, moments)
        if value is not None and value.kind == "exact" and math.isfinite(float(value)):
            found[n] = float(value)
    return found


def test_a_smallest_of_uniform_draws_falls_by_a_square():
    """2/((n + 1)(n + 2)) of draws from 0 to 1, at 97; told is 98, the next whole number, or 97."""
    level = math.sqrt(2.0 / (98.0 * 99.0))
    for sizes in ([32, 64, 128, 256], [12, 48, 192], [48, 192]):
        n = np.array(sizes, dtype=float)
        mse = 2.0 / ((n + 1.0) * (n + 2.0))
        assert crossing(n, mse, level) == pytest.approx(97.0, rel=NEAR)
        if len(sizes) == 4:
            assert told_size(n, mse, level) in (97, 98)


@pytest.mark.parametrize("power", [0.0, -0.5, -1.0, 0.25])
@pytest.mark.parametrize("full_size", [math.inf, 80.0])
def test_powers_are_crossed_exactly(power, full_size):
    """(1/n - 1/N) n^s by hand at 33, whatever the sizes about it and however few."""

    def mse(n):
        return (1.0 / n - 1.0 / full_size) * n**power

    for sizes in ([20.0, 64.0], [8.0, 16.0, 32.0, 64.0], [5.0, 20.0, 64.0, 79.0]):
        n = np.array(sizes)
        assert crossing(n, mse(n), math.sqrt(mse(33.0)), full_size) == pytest.approx(33.0)


def test_the_full_set_itself_has_no_error():
    """With n = N in the grid: exact for a mean, and for a power that two slopes have told."""
    n = np.array([8.0, 16.0, 32.0, 64.0])
    for power in (0.0, -1.0):
        mse = (1.0 / n - 1.0 / 64.0) * n**power
        level = math.sqrt((1.0 / 45.0 - 1.0 / 64.0) * 45.0**power)
        assert crossing(n, mse, level, 64.0) == pytest.approx(45.0)
    # Errors that do not end at N, as of another statistic than the full set's, are no such curve.
    assert crossing(n, 1.0 / n, math.sqrt(1.0 / 45.0), 64.0) == pytest.approx(45.0)
    # Nor are errors that are suddenly 0.
    assert 16.0 < crossing(n, np.array([4.0, 1.0, 0.0, 0.0]), 0.5) < 32.0


def test_a_wild_neighbour_bends_little():
    """One estimate a million times too large moves a crossing by less than a tenth."""
    n = np.array([8.0, 16.0, 32.0, 64.0])
    mse = 1.0 / n
    level = math.sqrt(1.0 / 23.0)
    assert crossing(n, mse, level) == pytest.approx(23.0)
    assert crossing(n, mse * np.array([1e6, 1.0, 1.0, 1.0]), level) == pytest.approx(23.0, rel=0.1)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("full_size", [None, 256])
def test_crossings_are_near_exact_theory(spec, grid, full_size):
    """From n = 8 on within 4 % of the exact size, and rounded up to a whole number not below it.

    All even sizes that theory has, all laws with exact values on the way.
    """
    checked = 0
    for law in LAWS:
        known = exact_mse(spec, law, full_size)
        n = np.array([size for size in GRIDS[grid] if size in known], dtype=float)
        if n.size < 3:
            continue
        mse = np.array([known[int(size)] for size in n])
        for true in (size for size in known if 8 <= size < n[-1] and size not in n):
            level = math.sqrt(known[true] * (1.0 + 1e-12))
            found = crossing(n, mse, level, full_size or math.inf)
            assert found == pytest.approx(true, rel=NEAR), (law, true)
            assert math.ceil(found - 1e-6) >= true, (law, true)
            assert told_size(n, mse, level, full_size or math.inf) >= true
            checked += 1
    assert checked > 40 or spec.startswith("std") or full_size is None
