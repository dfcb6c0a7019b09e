"""Distances between activations and gradients of the study shift, which need no torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betaln, gammaln
from scipy.stats import ks_2samp
from scipy.stats import wasserstein_distance as scipy_wasserstein

from simnorm.compiled import compiled_kernels
from simnorm.studies.shift.distances import (
    Sample,
    batch_distance,
    gradient_change,
    ks_distance,
    middle,
    moment_distance,
    wasserstein_distance,
)

DISTANCES = (moment_distance, ks_distance, wasserstein_distance)


def log_choose(n, k):
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def expected_ks(rows: int) -> float:
    """E of the two-sample distance of equal sizes, without ties: paths that leave a strip.

    P(D >= h/m) = 2 sum over k >= 1 of (-1)^(k-1) C(2m, m - k h)/C(2m, m), the reflection principle
    (Gnedenko and Korolyuk 1951); E D is the sum of these over h, over m.
    """
    total = 0.0
    for h in range(1, rows + 1):
        k = np.arange(1, rows // h + 1)
        terms = np.exp(log_choose(2 * rows, rows - k * h) - log_choose(2 * rows, rows))
        total += 2.0 * float(np.sum(np.where(k % 2 == 1, terms, -terms)))
    return total / rows


def expected_wasserstein_of_uniforms(rows: int) -> float:
    """E of the integral of |F - G| over two uniform samples: binomial counts, integrated over x."""
    i = np.arange(rows + 1)
    counts = log_choose(rows, i)
    both = i[:, None] + i
    beta = betaln(both + 1, 2 * rows - both + 1)
    weights = np.exp(counts[:, None] + counts + beta)
    return float(np.sum(np.abs(i[:, None] - i) * weights) / rows)


def test_expectations_of_tiny_samples_by_hand():
    """One value each: they differ, so that D is 1; the mean distance of two uniforms is 1/3."""
    assert expected_ks(1) == pytest.approx(1.0, rel=1e-12)
    # Of the 6 orders of two and two, xxyy and yyxx give 1, the other four 1/2.
    assert expected_ks(2) == pytest.approx(2 / 3, rel=1e-12)
    assert expected_wasserstein_of_uniforms(1) == pytest.approx(1 / 3, rel=1e-12)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("move", [-2.0, 0.0, 0.7])
def test_moment_distance_of_an_affine_map(factor, move):
    """Of x and a x + c, with x of mean 0: sqrt(c^2 + (a - 1)^2 s^2)/s."""
    x = np.random.default_rng(1).standard_normal((4, 50))
    x -= x.mean(axis=1, keepdims=True)
    sd = x.std(axis=1)
    found = moment_distance(Sample.of(x), Sample.of(factor * x + move))
    np.testing.assert_allclose(found, np.hypot(move, (factor - 1.0) * sd) / sd, rtol=1e-12)


def test_wasserstein_distance_of_a_move():
    """Of x and x + c it is |c|/s, however the rows are ordered."""
    rng = np.random.default_rng(2)
    x = rng.exponential(size=(3, 40))
    there = rng.permuted(x, axis=1) - 0.25
    found = wasserstein_distance(Sample.of(x), Sample.of(there))
    np.testing.assert_allclose(found, 0.25 / x.std(axis=1), rtol=1e-12)


def test_ks_distance_by_hand():
    """Ties count once all equal values have been passed; the order of samples does not matter."""
    cases = [
        ([1, 2, 3, 4], [1, 2, 3, 4], 0.0),
        ([1, 2, 3, 4], [5, 6, 7, 8], 1.0),
        ([1, 1, 1, 2], [1, 2, 2, 2], 0.5),
        ([0, 0, 0, 0], [0, 0, 0, 1], 0.25),
        ([1, 3, 5, 7], [2, 4, 6, 8], 0.25),
    ]
    for first, second, expected in cases:
        pair = [Sample.of(np.array([part], float)) for part in (first, second)]
        for compiled in (True, False):
            assert ks_distance(*pair, compiled=compiled)[0] == expected
            assert ks_distance(*reversed(pair), compiled=compiled)[0] == expected


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_distances_are_scipys(decimals):
    """With many ties, some, and none."""
    rng = np.random.default_rng(3)
    a, b = (rng.standard_normal((20, 30)).round(decimals) + move for move in (0.0, 0.5))
    here, there = Sample.of(a), Sample.of(b)
    ks = [ks_2samp(x, y, method="asymp").statistic for x, y in zip(a, b, strict=True)]
    w = [scipy_wasserstein(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ks_distance(here, there), ks, rtol=1e-12)
    np.testing.assert_allclose(wasserstein_distance(here, there) * here.sd, w, rtol=1e-12)


@pytest.mark.skipif(compiled_kernels() is None, reason="without numba: one way")
@pytest.mark.parametrize("rows", [1, 2, 31, 400])
def test_compiled_and_plain_ks_are_the_same_bits(rows):
    """With and without ties, and where some units are not finite."""
    rng = np.random.default_rng(4)
    for decimals in (0, 2, 12):
        a, b = (rng.standard_normal((12, rows)).round(decimals) for _ in range(2))
        for broken in (False, True):
            if broken:
                a[3, 0] = np.nan
                b[7, 0] = np.inf
            pair = Sample.of(a), Sample.of(b)
            np.testing.assert_array_equal(
                ks_distance(*pair, compiled=True), ks_distance(*pair, compiled=False)
            )
    assert np.flatnonzero(np.isnan(ks_distance(Sample.of(a), Sample.of(b)))).tolist() == [3, 7]


@pytest.mark.parametrize("distance", DISTANCES)
def test_nothing_has_moved(distance):
    """The distance of a sample to itself is exactly 0, in any order of rows."""
    rng = np.random.default_rng(5)
    for scale in (1e-9, 1.0, 1e9):
        x = scale * (3.0 + rng.standard_normal((5, 100)))
        assert not distance(Sample.of(x), Sample.of(x)).any()
        mixed = Sample.of(rng.permuted(x, axis=1))
        assert np.abs(distance(Sample.of(x), mixed)).max() < 1e-12


@pytest.mark.parametrize("distance", DISTANCES)
def test_units_do_not_matter_to_each_other(distance):
    """Distances have no scale, and each unit's is its own."""
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((2, 6, 50))
    scales = 10.0 ** np.arange(6)[:, np.newaxis]
    plain = distance(Sample.of(a), Sample.of(b))
    np.testing.assert_allclose(
        distance(Sample.of(scales * a), Sample.of(scales * b)), plain, rtol=1e-9
    )
    for i in range(6):
        alone = distance(Sample.of(a[i : i + 1]), Sample.of(b[i : i + 1]))
        assert alone[0] == plain[i]


def test_a_unit_without_spread_is_left_out():
    """It has no standard deviation to measure by, and the median is over the others."""
    here = Sample.of(np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 2.0]]))
    there = Sample.of(np.array([[2.0, 2.0], [1.0, 3.0], [3.0, 5.0]]))
    found = moment_distance(here, there)
    assert math.isnan(found[0])
    assert found[1:].tolist() == [1.0, 3.0]
    assert middle(found) == 2.0
    assert math.isnan(middle(np.array([np.nan])))


@pytest.mark.parametrize("epsilon", [0.0, 1e-5, 0.5])
def test_batch_distance_is_a_root_mean_square_over_all_rows(epsilon):
    """Normalized twice and compared row by row, it is the same number."""
    rng = np.random.default_rng(7)
    z = 2.0 + 3.0 * rng.standard_normal((5, 200))
    part = z[:, :16]

    def normalized(values):
        mean, variance = values.mean(axis=1), values.var(axis=1)
        return (z - mean[:, np.newaxis]) / np.sqrt(variance + epsilon)[:, np.newaxis]

    whole, batch = normalized(z), normalized(part)
    expected = np.sqrt(np.mean((batch - whole) ** 2, axis=1)) / whole.std(axis=1)
    found = batch_distance(
        z.mean(axis=1), z.std(axis=1), part.mean(axis=1), part.std(axis=1), epsilon
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_gradient_change_by_hand():
    """Norm 5. Twice as long: off by 5, once itself, cosine 1; turned around: by 10, cosine -1."""
    g = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert gradient_change(g, g) == (0.0, 0.0, 1.0)
    assert gradient_change(g, 2.0 * g) == (5.0, 1.0, 1.0)
    assert gradient_change(g, -g) == (10.0, 2.0, -1.0)


def test_a_gradient_of_nothing():
    """Any change of it is infinitely many times as long, and has no angle to it."""
    found = gradient_change(np.zeros(3), np.ones(3))
    assert math.isinf(found.shift)
    assert math.isnan(found.cosine)


# Two-sided z beyond 4: a false alarm in 16,000 runs.
LIMIT = 4.0


@pytest.mark.parametrize("rows", [5, 50])
def test_floor_of_ks_is_that_of_random_halves_whatever_they_are_of(rows):
    """Halves of one fixed sample have the exact law of two samples: the mean is known.

    20,000 halves: the standard error is 0.2 % of the mean, so that 2 % off would be found.
    """
    rng = np.random.default_rng(8)
    values = np.exp(2.0 * rng.standard_normal(2 * rows))
    mixed = rng.permuted(np.tile(values, (20_000, 1)), axis=1)
    found = ks_distance(Sample.of(mixed[:, :rows]), Sample.of(mixed[:, rows:]))
    z = (found.mean() - expected_ks(rows)) / (found.std(ddof=1) / math.sqrt(found.size))
    assert abs(z) < LIMIT


@pytest.mark.parametrize("rows", [5, 50])
def test_floor_of_wasserstein_of_uniform_samples(rows):
    """20,000 pairs against the exact mean; 2 % off would be found."""
    rng = np.random.default_rng(9)
    here, there = (Sample.of(rng.random((20_000, rows))) for _ in range(2))
    found = wasserstein_distance(here, there) * here.sd
    expected = expected_wasserstein_of_uniforms(rows)
    z = (found.mean() - expected) / (found.std(ddof=1) / math.sqrt(found.size))
    assert abs(z) < LIMIT


def test_floors_near_their_limits():
    """E KS goes to 0.8687 sqrt(2/m) from below, within 0.5/sqrt(m) of it."""
    for rows in (100, 673):
        limit = math.sqrt(math.pi / 2) * math.log(2) * math.sqrt(2 / rows)
        assert limit * (1 - 0.5 / math.sqrt(rows)) < expected_ks(rows) < limit
