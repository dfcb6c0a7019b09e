"""The facts of a column, checked against exact arithmetic, scipy and brute force."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from simnorm import describe
from simnorm.columns import Column
from simnorm.describe import (
    batch_correlations,
    column_facts,
    fresh_size,
    group_correlation,
    histogram,
    intraclass_correlation,
    own_size,
    tail_index,
)
from simnorm.estimators import ESTIMATORS, UserEstimator, estimator

VALUES = [0.1, 0.7, 0.7, 1.3, 2.9, 11.2, -3.3]


def test_moments_are_those_of_exact_arithmetic():
    """Mean, M2 and the standardized moments of rational numbers."""
    exact = [Fraction(x) for x in VALUES]
    N = len(exact)
    mean = sum(exact) / N
    central = {j: sum((x - mean) ** j for x in exact) / N for j in range(2, 9)}
    column = Column("x", np.array(VALUES))
    assert column.mean == pytest.approx(float(mean), rel=1e-15)
    assert column.variance == pytest.approx(float(central[2]), rel=1e-15)
    for j, value in central.items():
        # The power j/2 of M2, as a float only at the end.
        expected = float(value) / float(central[2]) ** (j / 2)
        assert column.moments[j] == pytest.approx(expected, rel=1e-13, abs=1e-14)
    assert column.skewness == pytest.approx(stats.skew(VALUES), rel=1e-13)
    assert column.excess_kurtosis == pytest.approx(stats.kurtosis(VALUES), rel=1e-13)
    squares = [(x - mean) ** 2 for x in exact]
    expected = stats.kurtosis([float(s) for s in squares])
    assert column.squares_kurtosis == pytest.approx(expected, rel=1e-12)


def test_digits_survive_far_from_zero():
    """A shift by 10^9 costs the data some digits, and the moments no more than these."""
    x = np.arange(1000.0) / 8.0  # a multiple of 1/8 keeps all its bits up there
    near, far = Column("x", x), Column("x", x + 1e9)
    assert far.variance == pytest.approx(near.variance, rel=1e-14)
    assert far.mean - 1e9 == pytest.approx(near.mean, abs=1e-6)
    assert far.moments[4] == pytest.approx(near.moments[4], rel=1e-13)


@pytest.mark.parametrize("value", [0.1, -7.0, 1e9 + 0.1, 0.0])
def test_a_constant_column_is_told_by_its_ends(value):
    """Not by a rounded standard deviation, which for 0.1 is not 0."""
    column = Column("x", np.full(1000, value))
    assert column.is_constant
    assert not column.is_nearly_constant
    assert (column.variance, column.mean, column.unit) == (0.0, value, 1.0)
    assert not column.standardized.any()
    assert math.isnan(column.skewness)
    facts = column_facts(column)
    assert (facts["kind"], facts["distinct"], facts["std"]) == ("constant", 1, 0.0)


def test_a_spread_within_rounding_is_said():
    """A column whose values differ in their last bits."""
    x = 1e9 + np.arange(100) * math.ulp(1e9)
    assert Column("x", x).is_nearly_constant
    assert column_facts(Column("x", x))["kind"] == "nearly constant"
    assert not Column("x", 1e9 + np.arange(100.0)).is_nearly_constant


@pytest.mark.parametrize("word", ESTIMATORS)
def test_the_reference_is_the_same_estimator_on_the_column(word):
    """For every estimator; about the pivot, locations move along."""
    kind = estimator("quantile(q=0.9)" if word == "quantile" else word)
    column = Column("x", np.array(VALUES) + 5.0)
    assert column.value_of(kind) == float(kind(column.values))
    shift = column.pivot if kind.is_location and word not in ("range", "mad", "iqr") else 0.0
    assert column.centred_value_of(kind) + shift == pytest.approx(column.value_of(kind), rel=1e-12)


def test_a_function_that_fails_on_the_column_has_no_value():
    """NaN, not an exception."""

    def fails(sample, axis=-1):  # noqa: ARG001
        raise RuntimeError("never")

    column = Column("x", np.array(VALUES))
    assert math.isnan(column.value_of(UserEstimator(fails)))
    assert column.value_of(UserEstimator(np.ptp)) == pytest.approx(14.5)


def test_counts_are_of_distinct_values():
    """As numpy's own."""
    column = Column("x", np.array([3.0, -0.0, 0.0, 3.0, 3.0]))
    assert column.counts.tolist() == [2, 3]
    assert column_facts(column)["ties"] == 1.0


def test_icc_of_one_way_anova_by_hand():
    """Two groups of two: MSB = 4, MSW = 1/2; unequal groups against a textbook's g0."""
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert intraclass_correlation(values, [2, 2]) == pytest.approx((4 - 0.5) / (4 + 0.5))
    values = np.array([1.0, 2.0, 6.0, 4.0, 5.0])
    groups = [values[:2], values[2:]]
    grand = values.mean()
    msb = sum(len(g) * (g.mean() - grand) ** 2 for g in groups)
    msw = sum(((g - g.mean()) ** 2).sum() for g in groups) / 3
    g0 = 5 - (4 + 9) / 5
    expected = (msb - msw) / (msb + (g0 - 1) * msw)
    assert intraclass_correlation(values, [2, 3]) == pytest.approx(expected, rel=1e-14)


def test_icc_of_shuffled_rows_is_none_and_of_sorted_rows_all():
    """Sorted batches are alike, shuffled ones are not: |rho| within 5 of its sd (2/(N n))^(1/2)."""
    x = np.random.Generator(np.random.PCG64DXSM(3)).permutation(10_000).astype(float)
    ((_, rho),) = batch_correlations(Column("x", x), [10])
    assert abs(rho) < 5 * math.sqrt(2.0 / (10_000 * 9))
    ((_, rho),) = batch_correlations(Column("x", np.sort(x)), [10])
    assert rho > 0.999
    codes = np.repeat([0, 1], 5_000)
    assert group_correlation(Column("x", np.repeat([1.0, 2.0], 5_000)), codes) == 1.0
    assert math.isnan(group_correlation(Column("x", x), np.zeros(10_000, dtype=int)))


def relative_rmse(values, n):
    """Return the relative RMSE of the unbiased variance over all subsets."""
    whole = np.var(values, ddof=1)
    errors = [np.var(s, ddof=1) - whole for s in itertools.combinations(values, n)]
    return math.sqrt(np.mean(np.square(errors))) / whole


def test_own_size_is_the_first_that_all_subsets_allow():
    """Enumerated for a column of eleven, for several targets."""
    values = [0.3, 1.7, 2.2, 2.2, 3.1, 5.9, 7.7, 8.1, 9.4, 12.6, 30.1]
    column = Column("x", np.array(values))
    for target in (0.9, 0.5, 0.3, 0.1, 0.01):
        found = int(own_size(column, target))
        assert relative_rmse(values, found) <= target + 1e-12
        assert found == 2 or relative_rmse(values, found - 1) > target


def test_fresh_size_solves_the_formula_for_independent_draws():
    """The smallest whole n with g2/n + 2/(n-1) <= r^2, g2 the unbiased kurtosis of the file."""
    x = np.random.Generator(np.random.PCG64DXSM(1)).exponential(size=500)
    column = Column("x", x)
    g2 = stats.kurtosis(x, bias=False)
    for target in (0.3, 0.1, 0.05):
        n = fresh_size(column, target)
        assert g2 / n + 2 / (n - 1) <= target**2
        assert g2 / (n - 1) + 2 / (n - 2) > target**2
    assert fresh_size(column, 0.05) > own_size(column, 0.05)


def test_tail_index_tells_heavy_tails_from_light_ones():
    """Within a third of the index of a Pareto law, infinite or large for the normal law."""
    rng = np.random.Generator(np.random.PCG64DXSM(2))
    assert 2.0 < tail_index(Column("x", rng.pareto(3.0, size=20_000))) < 4.0
    assert tail_index(Column("x", rng.standard_normal(20_000))) > 8.0
    assert math.isnan(tail_index(Column("x", np.arange(10.0))))
    facts = column_facts(Column("x", rng.pareto(3.0, size=5_000)))
    assert facts["fresh_reliable"] == 0


def test_a_histogram_counts_every_row():
    """Between the ends of the column, in the unit of the data."""
    x = np.random.Generator(np.random.PCG64DXSM(4)).standard_normal(1000) * 1e-9 + 5.0
    edges, counts = histogram(Column("x", x))
    assert (edges[0], edges[-1]) == (x.min(), pytest.approx(x.max(), rel=1e-15))
    assert np.nansum(counts) == 1000
    assert math.isnan(counts[-1])
    assert len(edges) == len(counts) == describe.BINS + 1
    edges, counts = histogram(Column("x", np.full(5, 2.0)))
    assert (edges.tolist(), counts[0]) == ([2.0, 2.0], 5.0)


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, 2.0, 4.0], [5.0, 5.0]])
def test_tiny_columns_have_what_facts_they_can(values):
    """Two or three rows: no kurtosis of a source, no error."""
    facts = column_facts(Column("x", np.array(values)))
    assert facts["rows"] == len(values)
    assert math.isnan(facts["n_own_5"])
