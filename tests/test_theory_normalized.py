"""Theory of a normalized value against every batch, quadrature of other kinds, and simulation."""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, stats

from simnorm.columns import Column
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.errors import SimnormError
from simnorm.theory import chances, epsilon, outputs, scale
from simnorm.theory.normalized import (
    best_gamma,
    conditional_moments,
    conditional_mse,
    epsilon_terms,
    epsilon_terms_of_column,
    fresh_mse,
    fresh_mse_of_column,
    fresh_variance,
    noise_parabola,
    normalized_mse,
    output_bound,
    output_density,
    output_kurtosis,
    output_share,
    scale_ratio,
    scale_ratio_of_column,
    spread_chance,
    spread_chance_of_column,
    unseen_share,
    unseen_share_of_column,
)
from simnorm.theory.values import Value

FALSE_ALARM, MISS = 1e-4, 1e-3
NORMAL = distribution("normal")
SETS = {
    "nine": [5.1, 5.3, 5.3, 4.7, 6.9, 11.3, 5.2, 4.1, 5.3],
    "seven": [-0.3, 0.1, 0.7, 0.2, 40.1, 0.6, -1.9],
    "binary": [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    "three": [0.1, 0.7, 2.3],
    "two": [0.3, 0.8],
}


def rows_of(values, n, *, replaced):
    """Return the rows of all ordered tuples, or of all subsets."""
    rows = range(len(values))
    every = itertools.product(rows, repeat=n) if replaced else itertools.combinations(rows, n)
    return np.array(list(every))


def normalize(batches, eps=0.0):
    """Return what batch normalization makes of batches, 0 where all values are equal."""
    centred = batches - batches.mean(axis=-1, keepdims=True)
    equal = batches.min(axis=-1, keepdims=True) == batches.max(axis=-1, keepdims=True)
    root = np.sqrt(batches.var(axis=-1, keepdims=True) + eps)
    return np.where(equal, 0.0, centred / np.where(root > 0.0, root, 1.0))


def rmse_of(law, n, full=None, gamma=1.0):
    """Return the root mean squared error of a normalized value by the module."""
    return math.sqrt(normalized_mse(scale_ratio(law, n, full), spread_chance(law, n), gamma))


# ---------------------------------------------------------------------------------------------
# The identity


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("replaced", [False, True])
def test_the_error_of_a_file_is_that_of_all_batches(name, replaced):
    """Every set, every n, gamma and beta: the identity against squared errors, one by one."""
    values = np.array(SETS[name])
    column = Column(name, values)
    z = column.standardized
    sampling = "replacement" if replaced else "shuffle"
    for n in range(1, 5 if replaced else len(values) + 1):
        rows = rows_of(values, n, replaced=replaced)
        ratio = scale_ratio_of_column(column, n, sampling, exact=True)
        chance = spread_chance_of_column(column, n, sampling)
        assert (ratio.kind, chance.kind) == ("exact", "exact")
        assert chance == pytest.approx((np.ptp(values[rows], axis=-1) > 0).mean(), abs=1e-14)
        assert ratio == pytest.approx((values[rows].std(axis=-1) / column.std).mean(), abs=1e-12)
        for gamma, beta in ((1.0, 0.0), (0.7, 0.3), (-2.0, 1.0)):
            error = gamma * normalize(values[rows]) + beta - z[rows]
            found = normalized_mse(ratio, chance, gamma, beta)
            assert found == pytest.approx((error**2).mean(), rel=1e-12, abs=1e-14)
            assert found.kind == "exact"


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("full", [None, 5])
def test_the_error_of_a_coin_is_that_of_all_draws(n, full):
    """A coin of 0.3: all batches, or all full sets of five, where constant ones have z = 0."""
    law = distribution("bernoulli(p=0.3,loc=4,scale=2)")
    total = of_ratio = 0.0
    for draws in itertools.product([0, 1], repeat=full or n):
        chance = float(Fraction(3, 10) ** sum(draws) * Fraction(7, 10) ** (len(draws) - sum(draws)))
        x = np.array(draws, dtype=float)
        batch = x[:n]
        mean, std = (x.mean(), x.std()) if full else (0.3, math.sqrt(0.21))
        z = (batch - mean) / std if std > 0.0 else 0.0 * batch
        total += chance * ((normalize(batch) - z) ** 2).mean()
        of_ratio += chance * (batch.std() / std if std > 0.0 else 0.0)
    ratio, chance = scale_ratio(law, n, full), spread_chance(law, n)
    assert ratio == pytest.approx(of_ratio, rel=1e-13)
    whole = spread_chance(law, full) if full else 1.0
    assert normalized_mse(ratio, chance, full_chance=whole) == pytest.approx(total, rel=1e-12)


def test_a_rare_coin_by_hand():
    """Bernoulli(0.03), n = 8: 1 + P(s_B > 0) - 2 E[s_B]/sigma by a plain sum over counts."""
    p, n = 0.03, 8
    pmf = [math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(n + 1)]
    mean = sum(c * math.sqrt(j * (n - j)) / n for j, c in enumerate(pmf))
    chance = 1 - pmf[0] - pmf[n]
    expected = 1 + chance - 2 * mean / math.sqrt(p * (1 - p))
    law = distribution("bernoulli(p=0.03)")
    found = normalized_mse(scale_ratio(law, n), spread_chance(law, n))
    assert found == pytest.approx(expected, rel=1e-12)
    assert round(found, 3) == 0.350
    assert round(2 * (1 - scale_ratio(law, n)), 3) == 1.134  # without the constant batches


# ---------------------------------------------------------------------------------------------
# Mean sds


def test_the_table_of_the_normal_law():
    """E[s_B]/sigma, the rmse and the bound, as printed in THEORY to five digits or four."""
    table = {
        2: (0.56419, 0.93361, 1.0),
        3: (0.72360, 0.74350, 1.414),
        4: (0.79788, 0.63579, 1.732),
        5: (0.84075, 0.56436, 2.0),
        8: (0.90270, 0.44113, 2.646),
        16: (0.95225, 0.30902, 3.873),
        32: (0.97635, 0.21750, 5.568),
        64: (0.98823, 0.15344, 7.937),
        128: (0.99413, 0.10838, 11.27),
        256: (0.99707, 0.07659, 15.97),
        1024: (0.99927, 0.03828, 31.98),
    }
    for n, (ratio, rmse, bound) in table.items():
        assert round(scale_ratio(NORMAL, n), 5) == ratio
        assert round(rmse_of(NORMAL, n), 5) == rmse
        assert output_bound(n) == pytest.approx(bound, rel=5e-4)
    assert rmse_of(NORMAL, 1) == 1.0


def test_the_smallest_batch_for_a_tenth():
    """151 against the population, 149 against a full set of 16,384 (normal law)."""
    for full, expected in ((None, 151), (16384, 149)):
        assert next(n for n in range(2, 999) if rmse_of(NORMAL, n, full) <= 0.1) == expected


@pytest.mark.parametrize(("n", "full"), [(2, 3), (2, 9), (5, 9), (8, 9), (40, 90)])
def test_normal_ratios_by_the_beta_law(n, full):
    """(s_B/S)^2 is N/n times a Beta((n-1)/2, (N-n)/2): its mean root by quadrature."""
    law = stats.beta((n - 1) / 2, (full - n) / 2)
    # With x = sin^2, where the density has no ends to speak of.
    value, _ = integrate.quad(
        lambda a: math.sin(a) * law.pdf(math.sin(a) ** 2) * math.sin(2 * a),
        1e-9,
        math.pi / 2 - 1e-9,
    )
    found = scale_ratio(distribution("normal(loc=3,scale=7)"), n, full)
    assert found == pytest.approx(math.sqrt(full / n) * value, rel=1e-7)
    assert found.kind == "exact"


def test_pairs_of_draws():
    """Half the mean distance: 1/6 for the uniform law, 1/2 for the exponential, 3/8 for Laplace."""
    for spec, distance in (("uniform", 1 / 3), ("exponential", 1.0), ("laplace", 1.5)):
        law = distribution(f"{spec}(loc=-1,scale=5)")
        found = scale_ratio(law, 2)
        assert found == pytest.approx(0.5 * distance / law.standard.std, rel=1e-9)
        assert found.kind == "exact"
    k = np.arange(60)
    p = stats.poisson(3).pmf(k)
    expected = 0.5 * (np.abs(k[:, None] - k) * np.outer(p, p)).sum() / math.sqrt(3)
    assert scale_ratio(distribution("poisson(scale=2)"), 2) == pytest.approx(expected, rel=1e-12)
    # max(0, Z): by E min = 2 int_0^inf x phi(x) Phi(-x).
    law = distribution("rectified_normal")
    x, w = np.polynomial.legendre.leggauss(200)
    x, w = 6 * (x + 1), 6 * w
    least = 2 * (w * x * stats.norm.pdf(x) * stats.norm.sf(x)).sum()
    assert scale_ratio(law, 2) == pytest.approx((law.mean - least) / law.std, rel=1e-10)


@pytest.mark.parametrize("spec", DISTRIBUTIONS)
def test_every_law_at_its_ends(spec):
    """n = 1 is 0, n = N the chance of a spread; never above 1; None where there is no variance."""
    law = distribution(spec)
    if not math.isfinite(law.std):
        assert scale_ratio(law, 2) is None
        assert scale_ratio(law, 64, 64) is None
        return
    assert scale_ratio(law, 1) == scale_ratio(law, 1, 8) == 0.0
    assert scale_ratio(law, 64, 64) == spread_chance(law, 64)
    previous = 0.0
    for n in (2, 200, 2000, 20_000):
        found = scale_ratio(law, n)
        if found is not None:
            assert previous < found < 1.0
            previous = found
            full = scale_ratio(law, n, 10**7)
            assert full is None or full == pytest.approx(found, rel=1e-4)


def test_asymptotic_ratios_are_the_delta_methods():
    """1 - (g2 + 6)/(8n) to first order, with its limits; against the full set (1/n - 1/N)."""
    law = distribution("exponential")
    assert scale_ratio(law, 16) is None
    for n, full in ((500, None), (500, 2000), (1999, 2000)):
        left = 1 / n - (1 / full if full else 0.0)
        found = scale_ratio(law, n, full)
        assert found.kind == "asymptotic"
        assert 1 - found == pytest.approx(12 / 8 * left, rel=0.02)
    column = Column("x", -np.log((np.arange(2000) + 0.5) / 2000))
    found = scale_ratio_of_column(column, 500)
    assert found.kind == "asymptotic"
    g2 = column.excess_kurtosis
    assert 1 - found == pytest.approx((g2 + 6) / 8 * (1 / 500 - 1 / 2000), rel=0.02)


def test_columns_of_two_values_of_any_size():
    """Counts in logarithms against math.comb, N = 2,000 and n up to N; and with replacement."""
    N, ones = 2000, 60
    column = Column("x", np.repeat([3.0, 4.0], [N - ones, ones]))
    unit = math.sqrt(ones * (N - ones)) / N
    for n in (2, 8, 500, 1999, 2000):
        chances = [
            Fraction(math.comb(ones, j) * math.comb(N - ones, n - j), math.comb(N, n))
            for j in range(min(n, ones) + 1)
        ]
        expected = sum(float(c) * math.sqrt(j * (n - j)) / n for j, c in enumerate(chances))
        found = scale_ratio_of_column(column, n)
        assert found == pytest.approx(expected / unit, rel=1e-12)
        constant = chances[0] + (chances[n] if n <= ones else 0)
        assert spread_chance_of_column(column, n) == pytest.approx(float(1 - constant), rel=1e-12)
        pmf = stats.binom(n, ones / N).pmf(np.arange(n + 1))
        expected = (pmf * np.sqrt(np.arange(n + 1.0) * (n - np.arange(n + 1.0))) / n).sum()
        found = scale_ratio_of_column(column, n, "replacement")
        assert found == pytest.approx(expected / unit, rel=1e-10)


def test_chances_of_a_spread():
    """1 - sum p^n by hand, also where nearly all values are equal, and for mixtures."""
    third = distribution("mixture(0.5*bernoulli(p=0.5),0.5*normal)")
    assert spread_chance(third, 3) == pytest.approx(1 - 2 * 0.25**3)
    assert spread_chance(distribution("rectified_normal(loc=1,scale=3)"), 5) == 1 - 0.5**5
    pmf = stats.poisson(3).pmf(np.arange(80))
    assert spread_chance(distribution("poisson"), 4) == pytest.approx(1 - (pmf**4).sum())
    large = stats.poisson(1e5).pmf(np.arange(90_000, 110_000))
    assert spread_chance(distribution("poisson(mu=100000)"), 2) == pytest.approx(
        1 - (large**2).sum(), rel=1e-9
    )
    # n p to first order: 1 - (1 - p)^n would have no more than seven digits.
    rare = spread_chance(distribution("bernoulli(p=2e-9)"), 8)
    assert rare == pytest.approx(16e-9 - 112e-18, rel=1e-14)


def test_best_gamma():
    """E[s_B]/sigma over the chance of a spread is where the error is least."""
    for law in (NORMAL, distribution("bernoulli(p=0.1)")):
        ratio, chance = scale_ratio(law, 4), spread_chance(law, 4)
        best = best_gamma(ratio, chance)
        least = normalized_mse(ratio, chance, best)
        for other in (0.99 * best, 1.01 * best):
            assert normalized_mse(ratio, chance, other) > least
    assert best_gamma(scale_ratio(NORMAL, 4), spread_chance(NORMAL, 4)) == pytest.approx(
        0.79788, abs=1e-5
    )
    assert best_gamma(Value(0.0, "exact"), Value(0.0, "exact")) is None
    assert normalized_mse(Value(0.9, "asymptotic"), Value(1.0, "exact")).kind == "asymptotic"


# ---------------------------------------------------------------------------------------------
# Epsilon


@pytest.mark.parametrize("name", ["nine", "seven", "binary", "three"])
@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("eps", [0.0, 1e-3, 0.5])
def test_epsilon_of_a_file_is_that_of_all_batches(name, replaced, eps):
    """E output^2, E output z and the error, against every value of every batch, n = 1 included."""
    values = np.array(SETS[name])
    column = Column(name, values)
    sampling = "replacement" if replaced else "shuffle"
    for n in range(1, 5 if replaced else len(values) + 1):
        rows = rows_of(values, n, replaced=replaced)
        y, z = normalize(values[rows], eps), column.standardized[rows]
        terms = epsilon_terms_of_column(column, n, sampling, eps, exact=True)
        assert terms.square == pytest.approx((y * y).mean(), rel=1e-11, abs=1e-14)
        assert terms.product == pytest.approx((y * z).mean(), rel=1e-11, abs=1e-14)
        assert terms.square.kind == terms.product.kind == "exact"
        mse = normalized_mse(terms.product, terms.square)
        assert mse == pytest.approx(((y - z) ** 2).mean(), rel=1e-10, abs=1e-14)
        if n == 1:
            assert mse == 1.0


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("full", [None, 3, 5])
def test_epsilon_of_a_coin_is_that_of_all_draws(n, full):
    """A coin of 0.3 with scale 2: all batches, or all full sets."""
    law, eps = distribution("bernoulli(p=0.3,scale=2)"), 0.1
    square = product = 0.0
    for draws in itertools.product([0, 1], repeat=full or n):
        chance = 0.3 ** sum(draws) * 0.7 ** (len(draws) - sum(draws))
        x = 2.0 * np.array(draws)
        v, S = x[:n].var(), x.std() if full else 2 * math.sqrt(0.21)
        square += chance * v / (v + eps)
        product += chance * (v / math.sqrt(v + eps) / S if S > 0.0 else 0.0)
    terms = epsilon_terms(law, n, full, eps)
    assert terms == (pytest.approx(square, rel=1e-12), pytest.approx(product, rel=1e-12))


@pytest.mark.parametrize("n", [2, 3, 8, 64, 1000])
@pytest.mark.parametrize("relative", [1e-7, 1e-3, 1.0, 100.0])
def test_epsilon_of_the_normal_law_by_another_rule(n, relative):
    """Adaptive quadrature over chi against trapezoidal sums in its logarithm."""
    chi = stats.chi(n - 1)
    low, high = max(0.0, math.sqrt(n - 1) - 12), math.sqrt(n - 1) + 12
    knee = math.sqrt(n * relative)
    points = sorted(min(max(x * knee, low), high) for x in (0.1, 1.0, 10.0, 100.0))

    def mean(function):
        edges = [low, *points, math.sqrt(n - 1), high]
        return math.fsum(
            integrate.quad(lambda u: function(u * u / n) * chi.pdf(u), a, b, epsabs=1e-14)[0]
            for a, b in itertools.pairwise(sorted(edges))
            if b > a
        )

    terms = epsilon_terms(distribution("normal(scale=3)"), n, None, 9 * relative)
    assert terms.square == pytest.approx(mean(lambda v: v / (v + relative)), rel=1e-10)
    assert terms.product == pytest.approx(mean(lambda v: v / math.sqrt(v + relative)), rel=1e-10)


@pytest.mark.parametrize(("n", "full"), [(2, 3), (2, 16), (5, 16), (15, 16), (16, 16), (64, 16384)])
@pytest.mark.parametrize("relative", [1e-7, 1e-3, 1.0])
def test_epsilon_of_the_normal_law_against_the_full_set(n, full, relative, monkeypatch):
    """Two rules of other steps agree to 1e-10, an epsilon of nothing gives the ratio."""
    terms = epsilon_terms(NORMAL, n, full, relative)
    monkeypatch.setattr(epsilon, "LARGEST_STEP", 0.061)
    monkeypatch.setattr(epsilon, "PART_OF_WIDTH", 0.33)
    other = epsilon._normal_terms.__wrapped__(n, full, relative)
    assert terms == (
        pytest.approx(other.square, rel=1e-10),
        pytest.approx(other.product, rel=1e-10),
    )
    tiny = epsilon_terms(NORMAL, n, full, 1e-30)
    assert tiny.product == pytest.approx(scale_ratio(NORMAL, n, full), rel=1e-10)
    assert tiny.square == pytest.approx(1.0, rel=1e-10)


def test_epsilon_asymptotically():
    """To second order, for a kurtosis of 0, near the exact normal values; nothing for small n."""
    for n, full in ((200, None), (200, 1000), (1000, 1000)):
        for relative in (1e-6, 0.1, 3.0):
            exact = epsilon_terms(NORMAL, n, full, relative)
            found = epsilon._delta_terms(n, full, relative, 0.0)
            assert found == (
                pytest.approx(exact.square, rel=1e-4),
                pytest.approx(exact.product, rel=1e-4),
            )
    law = distribution("laplace(scale=2)")
    found = epsilon_terms(law, 1000, None, 1e-9)
    assert found.product == pytest.approx(scale_ratio(law, 1000), rel=1e-4)
    assert found.product.kind == "asymptotic"
    assert epsilon_terms(law, 4, None, 1e-3) is None
    assert epsilon_terms(law, 2, None, 0.0) == (1.0, scale_ratio(law, 2))
    column = Column("x", stats.norm.ppf((np.arange(2000) + 0.5) / 2000))
    pairs = epsilon_terms_of_column(column, 2, "shuffle", 0.1)
    assert pairs.square.kind == "exact"
    assert pairs.product == pytest.approx(epsilon_terms(NORMAL, 2, 2000, 0.1).product, rel=2e-3)
    whole = epsilon_terms_of_column(column, 500, "shuffle", 0.1)
    assert whole.square.kind == "asymptotic"
    assert whole.product == pytest.approx(epsilon_terms(NORMAL, 500, 2000, 0.1).product, rel=1e-3)


def test_small_units():
    """The sd of outputs for sigma = 0.1, ..., 0.001 with Keras's 1e-3 and PyTorch's 1e-5."""
    table = {
        0.1: (0.953, 0.9995),
        0.03: (0.688, 0.9945),
        0.01: (0.302, 0.953),
        0.001: (0.032, 0.302),
    }
    for sigma, expected in table.items():
        law = distribution(f"normal(scale={sigma})")
        for eps, sd in zip((1e-3, 1e-5), expected, strict=True):
            terms = epsilon_terms(law, 100_000, None, eps)
            assert math.sqrt(terms.square) == pytest.approx(sd, abs=6e-4)


# ---------------------------------------------------------------------------------------------
# The law of outputs


@pytest.mark.parametrize("n", [3, 4, 5, 8, 64, 1024])
def test_densities_shares_and_moments(n):
    """Against Beta(1/2, (n-2)/2) of scipy; the moments are 0, 1, 0 and 3 (n-1)/(n+1)."""
    law = stats.beta(0.5, (n - 2) / 2)
    t = np.array([-0.9, -0.3, 0.0001, 0.5, 0.99]) * math.sqrt(n - 1)
    expected = law.pdf(t * t / (n - 1)) * np.abs(t) / (n - 1)
    assert output_density(t, n) == pytest.approx(expected, rel=1e-9)
    share = output_share(-np.abs(t), np.abs(t), n)
    assert share == pytest.approx(law.cdf(t * t / (n - 1)), rel=1e-9)
    edges = np.linspace(-1.2, 1.2, 41) * math.sqrt(n - 1)
    shares = output_share(edges[:-1], edges[1:], n)
    assert shares.sum() == pytest.approx(1.0, rel=1e-14)
    assert shares == pytest.approx(shares[::-1], abs=1e-14)
    assert output_density(1.01 * math.sqrt(n - 1), n) == 0.0
    assert output_kurtosis(n) + 3 == pytest.approx(law.moment(2) * (n - 1) ** 2, rel=1e-9)


def test_shares_keep_the_digits_of_the_tails():
    """Far out next to the normal law, on both sides alike."""
    n = 10**7
    for low, high in ((5.0, 6.0), (9.0, math.inf)):
        expected = stats.norm.sf(low) - stats.norm.sf(high)
        assert output_share(low, high, n) == pytest.approx(expected, rel=1e-3)
        assert output_share(-high, -low, n) == pytest.approx(expected, rel=1e-3)


def test_small_batches_have_points():
    """One output of 0; -1 and 1, of any continuous law; and bins are closed below."""
    assert output_share([-1.0, 0.0, 1.0], [0.0, 1.0, 2.0], 1).tolist() == [0.0, 1.0, 0.0]
    assert output_share([-1.0, 0.0, 1.0], [0.0, 1.0, 2.0], 2).tolist() == [0.5, 0.0, 0.5]
    x = np.random.Generator(np.random.PCG64DXSM(1)).standard_cauchy((1000, 2))
    assert np.abs(normalize(x)) == pytest.approx(1.0)
    assert output_kurtosis(2) == -2.0
    for function in (output_density, output_share):
        with pytest.raises(SimnormError, match="at least"):
            function(*(0.0,) * (1 if function is output_density else 2), 0)
    with pytest.raises(SimnormError, match="at least 3"):
        output_density(0.0, 2)


def test_outputs_of_any_law_stay_within_the_bound():
    """Cauchy, n = 16: the largest is below sqrt(15), and comes near; variance 1, correlation."""
    x = np.random.Generator(np.random.PCG64DXSM(2)).standard_cauchy((20_000, 16))
    y = normalize(x)
    assert 3.87 < np.abs(y).max() < output_bound(16) * (1 + 1e-12)
    assert (y * y).mean() == pytest.approx(1.0)


def test_a_value_that_is_not_in_the_batch():
    """Variance (n + 1)/(n - 3), and the error: 1 + E (sigma/s)^2 (1 + 1/m) - 2 E sigma/s."""
    printed = {4: 5.0, 5: 3.0, 8: 1.8, 16: 1.308, 32: 1.138, 64: 1.066, 1024: 1.004}
    for n, variance in printed.items():
        assert fresh_variance(n) == pytest.approx(variance, abs=6e-4)
    assert fresh_variance(3) is None
    for m in (5, 6, 20, 500):
        u, weight = (np.polynomial.legendre.leggauss(400)[i] for i in (0, 1))
        u = (math.sqrt(m) + 14) * (u + 1) / 2
        density = weight * (math.sqrt(m) + 14) / 2 * stats.chi(m - 1).pdf(u)
        first, second = (density * math.sqrt(m) / u).sum(), m / (m - 3)
        expected = 1 + second * (1 + 1 / m) - 2 * first
        assert fresh_mse(NORMAL, m) == pytest.approx(expected, rel=1e-9)
        assert fresh_mse(NORMAL, m).kind == "exact"
    # E[sigma/s_B] as printed.
    for m, inverse in ((4, 1.596), (5, 1.401), (8, 1.204), (16, 1.088), (64, 1.020)):
        found = (1 + (m + 1) / (m - 3) - fresh_mse(NORMAL, m)) / 2
        assert found == pytest.approx(inverse, abs=6e-4)
    assert fresh_mse(NORMAL, 3) is None
    # No digits are lost for large samples: 1.5/m + 9.5/m^2 or so.
    assert fresh_mse(NORMAL, 10**7) == pytest.approx(1.5e-7, rel=1e-5)
    with pytest.raises(SimnormError, match="others"):
        fresh_mse(NORMAL, 8, 8)


def test_a_fresh_value_asymptotically():
    """(g2 + 6)/4 (1/m - 1/N), from where it is within 7 % for the normal law."""
    assert fresh_mse(NORMAL, 90, 1000) is None
    for m in (102, 1000):
        found = fresh_mse(NORMAL, m, 10**9)
        assert found.kind == "asymptotic"
        assert found == pytest.approx(fresh_mse(NORMAL, m), rel=0.07)
    law = distribution("laplace")
    assert fresh_mse(law, 1000, 4000) == pytest.approx(9 / 4 * (1 / 1000 - 1 / 4000))
    assert fresh_mse(distribution("t(df=5)"), 10_000) is None  # no eighth moment
    rng = np.random.Generator(np.random.PCG64DXSM(3))
    column = Column("x", rng.laplace(size=1500))
    m, g2 = 600, column.excess_kurtosis
    found = fresh_mse_of_column(column, m)
    assert found == pytest.approx((g2 + 6) / 4 * (1 / m - 1 / 1500), rel=0.01)
    errors = []
    for _ in range(400):
        order = rng.permutation(column.standardized)
        inside, outside = order[:m], order[m:]
        errors.append((((outside - inside.mean()) / inside.std() - outside) ** 2).mean())
    # 5 % of Monte Carlo error and as much of the next order.
    assert found == pytest.approx(np.mean(errors), rel=0.2)
    assert fresh_mse_of_column(column, 20) is None
    assert fresh_mse_of_column(column, 1500) is None
    assert fresh_mse_of_column(column, 600, "replacement") > found
    assert fresh_mse_of_column(Column("x", np.ones(9)), 4) is None


# ---------------------------------------------------------------------------------------------
# Given the value


@pytest.mark.parametrize("n", [2, 3, 4, 8, 64, 1024])
def test_conditional_errors_average_to_the_error(n):
    """The mean over z is 2 (1 - E[s_B]/sigma), that of squares 1: an integral over 120 nodes."""
    x, w = np.polynomial.legendre.leggauss(120)
    z, weight = 12 * x, 12 * w * stats.norm.pdf(12 * x)
    _, square = conditional_moments(z, n)
    assert weight @ square == pytest.approx(1.0, rel=1e-12)
    expected = 2 * (1 - scale_ratio(NORMAL, n))
    assert weight @ conditional_mse(z, n) == pytest.approx(expected, rel=1e-10)


def test_conditional_moments_by_hand_and_by_limits():
    """n = 2: 2 Phi(z) - 1. Far out the output is the bound; large batches meet the parabola."""
    z = np.array([[-1.3, 0.0], [0.4, 2.0]])
    mean, square = conditional_moments(z, 2)
    assert mean == pytest.approx(2 * stats.norm.cdf(z) - 1, rel=1e-12, abs=1e-15)
    assert square == pytest.approx(np.ones((2, 2)))
    mean, square = conditional_moments(1e4, 6)
    assert (mean, square) == (pytest.approx(math.sqrt(5), rel=1e-4), pytest.approx(5, rel=1e-4))
    z = np.array([0.0, 1.0, 3.0])
    for n in (10**3, 10**5):
        assert conditional_mse(z, n) == pytest.approx(noise_parabola(z, n), rel=60 / n)
    assert noise_parabola(2.0, 10, 2.0, 6.0) == pytest.approx((1 + 4 + 8) / 10)


@pytest.mark.parametrize(("z", "n"), [(0.0, 3), (1.5, 3), (-0.7, 5), (3.0, 16)])
def test_conditional_errors_agree_with_a_simulation(z, n):
    """200,000 batches with one value fixed: mean, square and error within 4.4 standard errors.

    Four by three questions: one false alarm in 10,000 (Sidak). Errors of 2 % are seen.
    """
    rng = np.random.Generator(np.random.PCG64DXSM(4))
    x = rng.standard_normal((200_000, n))
    x[:, 0] = z
    y = normalize(x)[:, 0]
    mean, square = conditional_moments(z, n)
    bound = stats.norm.isf((1 - (1 - FALSE_ALARM) ** (1 / 12)) / 2)
    for found, expected in ((y, mean), (y * y, square), ((y - z) ** 2, conditional_mse(z, n))):
        error = found.std() / math.sqrt(found.size)
        assert abs(found.mean() - expected) < bound * error
        assert (bound + stats.norm.isf(MISS)) * error < 0.02 * max(abs(float(expected)), 1.0)


# ---------------------------------------------------------------------------------------------
# Values outside of a batch


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("replaced", [False, True])
def test_unseen_shares_are_those_of_all_batches(name, replaced):
    """With ties: all subsets and the rows they leave, or all tuples and all rows."""
    values = np.array(SETS[name])
    column = Column(name, values)
    for n in range(1, 5 if replaced else len(values)):
        rows = rows_of(values, n, replaced=replaced)
        low, high = values[rows].min(axis=1)[:, None], values[rows].max(axis=1)[:, None]
        beyond = (values < low) | (values > high)
        left = len(values) - (0 if replaced else n)
        found = unseen_share_of_column(column, n, "replacement" if replaced else "shuffle")
        # What is in a batch is never beyond it.
        assert found == pytest.approx(beyond.sum(axis=1).mean() / left, rel=1e-12, abs=1e-15)
        assert found.kind == "exact"
    assert unseen_share_of_column(column, len(values)) is None


def test_unseen_shares_of_laws():
    """2/(n + 1) for every continuous law; with atoms by a sum over them."""
    for n in (1, 2, 9, 1000):
        for spec in ("normal", "cauchy", "mixture(0.5*normal,0.5*exponential)"):
            assert unseen_share(distribution(spec), n) == pytest.approx(2 / (n + 1))
        p = stats.poisson(3)
        k = np.arange(80)
        expected = (p.pmf(k) * (p.sf(k) ** n + p.cdf(k - 1) ** n)).sum()
        assert unseen_share(distribution("poisson(loc=2)"), n) == pytest.approx(expected, rel=1e-9)
        # max(0, Z): below 0 nothing, at 0 all above, and above 0 the uniform part of u.
        expected = 0.5 * 0.5**n + (1 - 0.5 ** (n + 1) + 0.5 ** (n + 1)) / (n + 1)
        found = unseen_share(distribution("rectified_normal"), n)
        assert found == pytest.approx(expected, rel=1e-12)
    column = Column("x", np.arange(100_000.0))
    assert unseen_share_of_column(column, 999) == pytest.approx(0.002, rel=1e-9)
    with pytest.raises(SimnormError, match="at least 1"):
        unseen_share(NORMAL, 0)


# ---------------------------------------------------------------------------------------------
# Refusals, simulation, mutants


def test_what_has_no_value_and_what_is_refused():
    """Constant columns have no z-scores; batches and epsilons that are none are refused."""
    constant, column = Column("x", np.ones(5)), Column("x", np.arange(5.0))
    assert scale_ratio_of_column(constant, 2) is None
    assert epsilon_terms_of_column(constant, 2, "shuffle", 0.1) is None
    assert spread_chance_of_column(constant, 2) == 0.0
    for function in (scale_ratio_of_column, spread_chance_of_column, unseen_share_of_column):
        with pytest.raises(SimnormError, match="from 1 to 5"):
            function(column, 6)
        with pytest.raises(SimnormError, match="allowed are"):
            function(column, 2, "sequential")
        assert function(column, 6, "replacement") is not None or function is scale_ratio_of_column
    with pytest.raises(SimnormError, match="cut from it"):
        scale_ratio(NORMAL, 8, 7)
    for eps in (-1.0, math.nan, math.inf):
        with pytest.raises(SimnormError, match="from 0"):
            epsilon_terms(NORMAL, 8, None, eps)


@pytest.mark.parametrize("spec", ["normal", "uniform", "exponential", "bernoulli(p=0.2)"])
@pytest.mark.parametrize("n", [2, 200])
def test_simulated_errors_of_a_normalized_value(spec, n):
    """Errors of single values, with eps = 0, over 4e6/n batches: z below a Sidak bound at 1e-4.

    Eight questions. The first order at n = 200 is within 3 standard errors of exact.
    """
    law = distribution(spec)
    rng = np.random.Generator(np.random.PCG64DXSM(5))
    x = np.empty((4_000_000 // n, n))
    law.fill(rng, x)
    error = ((normalize(x) - (x - law.mean) / law.std) ** 2).mean(axis=1)
    ratio, chance = scale_ratio(law, n), spread_chance(law, n)
    mcse = error.std() / math.sqrt(len(error))
    bound = stats.norm.isf((1 - (1 - FALSE_ALARM) ** (1 / 8)) / 2)
    expected = normalized_mse(ratio, chance)
    room = 0.0 if expected.kind == "exact" else 3 * mcse
    assert abs(error.mean() - expected) < bound * mcse + room
    # Power: 10 % of the error is missed once in a thousand.
    assert (bound + stats.norm.isf(MISS)) * mcse + room < 0.1 * expected


def noticed(check):
    """Return whether a check fails."""
    try:
        check()
    except AssertionError:
        return True
    return False


def beyond_of_a_larger_batch(t, n, right=outputs._beyond):
    return right(t, n + 1)


def counts_with_replacement(column, n, sampling):  # noqa: ARG001
    return chances.binomial(n, column.counts[1] / column.size)


def grid_of_another_law(df, finer=1.0, right=epsilon.log_chi_grid):
    return right(df + 1, finer)


def atoms_without_the_rest(law, right=chances.atoms_of):
    return right(law)._replace(rest=0.0)


BINARY = functools.partial(test_the_error_of_a_file_is_that_of_all_batches, "binary", False)


@pytest.mark.parametrize(
    ("check", "where", "name", "mutant"),
    [
        (
            functools.partial(test_densities_shares_and_moments, 8),
            outputs,
            "_beyond",
            beyond_of_a_larger_batch,
        ),
        (BINARY, scale, "counts_of_column", counts_with_replacement),
        (
            functools.partial(test_conditional_errors_average_to_the_error, 8),
            outputs,
            "log_chi_grid",
            grid_of_another_law,
        ),
        (test_chances_of_a_spread, chances, "atoms_of", atoms_without_the_rest),
    ],
)
def test_mutants_are_noticed(check, where, name, mutant, monkeypatch):
    """A wrong beta law, another scheme, a degree of freedom, a lost probability: tests fail."""
    assert not noticed(check)
    monkeypatch.setattr(where, name, mutant)
    assert noticed(check)
