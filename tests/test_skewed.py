"""How skewed squares are, by the law alone: exact laws, simulation, and what a run makes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.columns import Column
from simnorm.diagnostics import draws_verdict, ledger
from simnorm.distributions import distribution
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.known import KnownColumn
from simnorm.quadratic import LARGEST_SKEWNESS, Spreading, quadratic_skewness
from simnorm.skewed import (
    LARGEST_OF_EXTREMES,
    Cumulants,
    _cumulants,
    _left_out,
    _paired,
    mean_error_skewness,
    replications_for_squares,
    squares_skewness,
)

EXTREMES = ("min", "max", "range")
# So many that next to nothing is left out of a law.
ALL = 10**9


def test_cumulants_by_hand():
    """Of a fair coin: variance 1/4, cumulants 0, -2 and 16 in units of its sd."""
    found = _cumulants(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    assert found == pytest.approx((0.25, 0.0, -2.0, 16.0), abs=1e-12)
    assert _cumulants(np.array([3.0]), np.array([1.0])) == (0.0, 0.0, 0.0, 0.0)


def test_the_square_of_a_coin_about_its_mean_is_constant():
    """k4 = -2 and k6 = 16: variance 0, and the third cumulant is 0 with the normal's 8."""
    coin = Cumulants(0.25, 0.0, -2.0, 16.0)
    assert coin.square_variance == 0.0
    assert coin.square_third + 8.0 == 0.0


@pytest.mark.parametrize("law", ["exponential", "laplace", "gamma(a=2)"])
def test_the_mean_of_one_observation_has_the_moments_of_the_law(law):
    """The skewness of the square of x itself, from its moments, less what a normal square has.

    These are integrated over scipy's density, as far as a run of 10^9 holds values.
    """
    other = {"exponential": stats.expon(), "laplace": stats.laplace(), "gamma(a=2)": stats.gamma(2)}
    mu, sd = other[law].mean(), other[law].std()
    m3, m4, m6 = (other[law].expect(lambda x, j=j: ((x - mu) / sd) ** j) for j in (3, 4, 6))
    third = m6 - 3.0 * m4 + 2.0 - 8.0
    expected = third**2 / (m4 - 1.0) ** 3
    found = squares_skewness(estimator("mean"), distribution(law), 1, 1, ALL, paired=False)
    assert found == pytest.approx(expected, rel=0.01)
    assert m3 == pytest.approx(other[law].stats("s"), abs=1e-9)


def test_averages_over_batches_divide_the_skewness():
    """Of k independent batches the square of the skewness is a k-th of one's."""
    kind, law = estimator("mean"), distribution("exponential")
    one = squares_skewness(kind, law, 4, 4, ALL * 16, paired=False)
    many = squares_skewness(kind, law, 4, 64, ALL, paired=False)
    assert many == pytest.approx(one / 16.0, rel=1e-6)


def test_two_halves_of_a_full_set_have_opposite_errors():
    """At n = N/2 an observation counts half, and twice as often: k4 is halved, k6 quartered."""
    found = _paired(Cumulants(1.0, 0.7, 3.0, 60.0), 32, 64)
    assert found == pytest.approx((0.5, 0.0, 1.5, 15.0))


def test_the_few_left_out_decide_what_the_error_is_like():
    """With n = 60 of 64, 4 are left out: an error about as of a sum of 4, not one of 60.

    A sum of m exponential numbers has the cumulants 2/sqrt(m), 6/m and 120/m^2.
    """
    one = Cumulants(1.0, 2.0, 6.0, 120.0)
    of_60 = Cumulants(1 / 60, 2.0 / math.sqrt(60), 6.0 / 60, 120.0 / 60**2)
    of_4 = (1 / 4, -2.0 / math.sqrt(4), 6.0 / 4, 120.0 / 4**2)
    found = _paired(of_60, 60, 64)
    # In units of the mean of those left out, by (N - n)/N.
    assert found.variance == pytest.approx(1 / 60 - 1 / 64)
    # All but what 60 share of it, a sixteenth.
    assert found.third == pytest.approx(of_4[1], rel=0.1)
    assert found.fourth == pytest.approx(of_4[2], rel=0.13)
    assert found.sixth == pytest.approx(of_4[3], rel=0.2)
    assert _paired(one, 64, 64) == (0.0, 0.0, 0.0, 0.0)


def simulated(draw, error, n, N, many=200_000):
    """Return coverage of intervals of R = 50 for mse and bias, of one batch of n from N."""
    rng = np.random.default_rng(11)
    x = draw(rng, (many, N))
    e = error(x[:, :n]) - error(x)
    found = []
    for values, truth in ((e * e, (e * e).mean()), (e, e.mean())):
        runs = values.reshape(-1, 50)
        centre, spread = runs.mean(axis=1), runs.std(axis=1, ddof=1) / math.sqrt(50)
        half = stats.t.ppf(0.975, 49) * spread
        inside = np.abs(centre - truth) <= half
        if values is not e:
            inside = np.abs(np.log(centre / truth)) <= half / centre
        found.append(float(inside.mean()))
    return found


@pytest.mark.parametrize(
    ("law", "word", "n", "needed"),
    [
        ("normal", "unbiased_variance", 60, 500),
        ("laplace", "unbiased_variance", 60, 2000),
        ("laplace", "std(ddof=0)", 60, 2000),
        ("laplace", "unbiased_variance", 48, 500),
        ("exponential", "mean", 60, 200),
        ("exponential", "excess_kurtosis", 60, 200),
    ],
)
def test_a_single_large_batch_asks_for_what_the_left_out_ask(law, word, n, needed):
    """Cells of one batch with n > N/2 that cover 77 to 90 % at R = 50 ask for many more."""
    kind, law = estimator(word), distribution(law)
    found = draws_verdict(kind, law, n, 64, "mse", 50)
    assert found.status == "unreliable"
    assert replications_for_squares(kind, law, n, 64, 50, paired=True) > needed
    # Other draws, as those of a population or of draws with replacement are, have no left out.
    free = replications_for_squares(kind, law, n, 64, 50, paired=False)
    assert free < replications_for_squares(kind, law, n, 64, 50, paired=True)


def test_what_is_asked_of_single_batches_is_what_they_lack():
    """At R = 50 squares of normal variances cover 85 % with n = 60, and means of uniform 93 %."""
    squares, bias = simulated(
        lambda rng, s: rng.standard_normal(s), lambda x: x.var(axis=-1, ddof=1), 60, 64
    )
    assert squares < 0.90
    assert bias > 0.93
    squares, _ = simulated(lambda rng, s: rng.random(s), lambda x: x.mean(axis=-1), 60, 64)
    assert squares > 0.92
    for law, word, status in (
        ("normal", "unbiased_variance", "unreliable"),
        ("uniform", "mean", "ok"),
    ):
        found = draws_verdict(estimator(word), distribution(law), 60, 64, "mse", 64)
        assert found.status == status


# ---------------------------------------------------------------------------------------------
# Errors that are squares


def test_a_fair_coin_asks_for_what_squared_squares_ask():
    """Variances of a coin with p = 1/2 cover 93.4 % at n = N/2 and R = 1,000: refused there."""
    coin, other = distribution("bernoulli"), distribution("bernoulli(p=0.2)")
    for word in ("biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"):
        kind = estimator(word)
        assert draws_verdict(kind, coin, 32, 64, "mse", 1000).status == "unreliable"
        assert draws_verdict(kind, coin, 32, 64, "mse", 10_000).status == "ok"
        assert draws_verdict(kind, coin, 16, 1024, "mse", 256).status == "ok"
        assert draws_verdict(kind, other, 32, 64, "mse", 1000).status == "ok"
    assert draws_verdict(estimator("mean"), coin, 32, 64, "mse", 256).status == "ok"


def test_the_square_of_a_chi_square_error_by_hand():
    """Errors u^2 - 1: their square has mean 2, variance 56 and third cumulant 12,160 - 64.

    E u^2k = (2k - 1)!!: 1, 3, 15, 105, 945, 10,395. E (u^2 - 1)^4 = 105 - 60 + 18 - 4 + 1 = 60 and
    E (u^2 - 1)^6 = 10,395 - 6*945 + 15*105 - 20*15 + 15*3 - 6 + 1 = 6,040.
    """
    spread = Spreading(0.0, -2.0, 0.01, 0.0, is_root=False)
    third = 6040 - 3 * 60 * 2 + 2 * 8 - 8 * 8
    found = quadratic_skewness(spread, 1, 10**12, biased=False)
    assert found == pytest.approx(third**2 / 56.0**3, rel=0.01)
    # Of eight of them an eighth, and less where nothing rare is met.
    assert quadratic_skewness(spread, 8, 10**12, biased=False) == pytest.approx(found / 8, rel=0.01)
    assert quadratic_skewness(spread, 1, 200, biased=False) < 0.5 * found


def test_normal_errors_are_not_skewed_by_what_is_squared_in_them():
    """Where the linear part is all, as of many observations, squares are those of normal errors."""
    spread = Spreading(0.0, 0.0, 1e-9, 0.0, is_root=False)
    assert quadratic_skewness(spread, 1, 10**6, biased=False) < 1e-3
    assert quadratic_skewness(spread._replace(skewness=math.nan), 1, 99, biased=True) == 0.0
    assert quadratic_skewness(spread._replace(own=0.0), 1, 99, biased=True) == 0.0


def test_one_value_of_two_has_a_square_that_is_a_line():
    """Of two values the rest of z^2 is nothing: kurtosis + 2 is the squared skewness."""
    for p in (0.1, 0.37, 0.5):
        law = distribution(f"bernoulli(p={p})")
        assert law.excess_kurtosis + 2.0 == pytest.approx(law.skewness**2, abs=1e-9)


# ---------------------------------------------------------------------------------------------
# Bias


@pytest.mark.parametrize("k", [2, 4, 16])
def test_mean_errors_of_variances_are_chi_square(k):
    """Variances of k parts of a normal full set: A is chi-square, k - 1 degrees: 8/(k - 1)."""
    kind, law = estimator("unbiased_variance"), distribution("normal")
    found = mean_error_skewness(kind, law, 2048 // k, 2048, 99, paired=True)
    assert found == pytest.approx(8.0 / (k - 1), rel=0.02)
    assert draws_verdict(kind, law, 2048 // k, 2048, "bias", 150 // (k - 1)).status == "unreliable"
    assert draws_verdict(kind, law, 2048 // k, 2048, "bias", 200 // (k - 1)).status == "ok"


def test_mean_errors_of_means_have_the_skewness_of_what_is_left_out():
    """Exponential numbers: 4/m of the mean of m, and of m left out where n does not divide N."""
    kind, law = estimator("mean"), distribution("exponential")
    many = 10**9
    assert mean_error_skewness(kind, law, 4, 64, many, paired=False) == pytest.approx(
        4.0 / 64, rel=0.01
    )
    assert mean_error_skewness(kind, law, 7, 1000, many, paired=True) == pytest.approx(
        4.0 / 6, rel=0.02
    )
    assert mean_error_skewness(kind, law, 8, 64, many, paired=True) == 0.0


@pytest.mark.parametrize("law", ["t(df=5)", "poisson", "normal"])
def test_biases_of_spreads_at_half_of_the_full_set_ask_for_more_than_a_hundred(law):
    """Their t intervals cover 91 to 93 % at R = 100, because A is one squared number."""
    kind, law = estimator("unbiased_variance"), distribution(law)
    assert draws_verdict(kind, law, 32, 64, "bias", 100).status == "unreliable"
    assert draws_verdict(kind, law, 32, 64, "bias", 256).status == "ok"


# ---------------------------------------------------------------------------------------------
# Columns of data


def test_rows_left_out_of_a_single_batch():
    """Of rows in a batch with n/N = 1/2 by themselves: k3 = 0, k4 = -m4/(N/2), k6 = ...

    An event of probability 1/2 has the cumulants 1/4, 0, -1/8 and 1/4.
    """
    moments = {2: 1.0, 3: 0.5, 4: 3.0, 6: 15.0}
    found = _left_out(moments, 0.5, 100)
    assert found.variance == 25.0
    assert found[1:] == pytest.approx((0.0, -1 / 8 * 300 / 625, 1 / 4 * 1500 / 15625))
    assert _left_out({**moments, 2: 0.0}, 0.5, 100) == (0.0, 0.0, 0.0, 0.0)


def test_columns_ask_for_what_their_left_out_rows_ask():
    """Normal rows as their law: n = 60 of 64 is refused at R = 64, n = 32 and the mean are not."""
    column = Column("x", np.random.default_rng(5).normal(size=64))
    known = KnownColumn(column, "shuffle")
    for word, n, status in (
        ("unbiased_variance", 60, "unreliable"),
        ("unbiased_variance", 32, "ok"),
        ("mean", 60, "ok"),
    ):
        found = known.draws_verdict(estimator(word), n, "full_set", "mse", 100)
        assert found.status == status, (word, n)
    coin = KnownColumn(Column("x", np.repeat([0.0, 1.0], 32)), "shuffle")
    kind = estimator("unbiased_variance")
    assert coin.draws_verdict(kind, 40, "full_set", "mse", 256).status == "unreliable"
    assert coin.draws_verdict(kind, 40, "full_set", "mse", 100_000).status == "ok"


@pytest.mark.parametrize("kind", [*ESTIMATORS, "std(ddof=1)"])
def test_place_and_unit_of_the_data_do_not_matter(kind):
    """The skewness of squares is a pure number."""
    kind = estimator(kind)
    plain, moved = (distribution(f"gumbel{place}") for place in ("", "(loc=1000,scale=0.001)"))
    found = [squares_skewness(kind, law, 8, 64, 256, paired=True) for law in (plain, moved)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    flipped = squares_skewness(kind, distribution("gumbel(scale=1e29)"), 8, 64, 256, paired=True)
    assert found[0] == pytest.approx(flipped, rel=1e-6)


@pytest.mark.parametrize("law", ["uniform", "normal", "laplace", "exponential", "t(df=5)"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_more_replications_come_to_suffice(law, kind):
    """What is asked for suffices, and half of it does not; heavier tails ask for more."""
    kind, law = estimator(kind), distribution(law)
    for n in (4, 16):
        if ledger(kind, law, n, 64, "full_set", "mse").status == "unreliable":
            continue
        needed = replications_for_squares(kind, law, n, 64, 60, paired=True)
        if needed:
            assert needed > 60
            limit = LARGEST_OF_EXTREMES if kind.word in EXTREMES else LARGEST_SKEWNESS
            enough = squares_skewness(kind, law, n, 64, needed, paired=True) / needed
            assert enough <= limit
            fewer = max(60, needed // 2)
            assert squares_skewness(kind, law, n, 64, fewer, paired=True) / fewer > limit
            assert draws_verdict(kind, law, n, 64, "mse", 60).status == "unreliable"


def test_what_is_known_of_the_coverage_of_intervals():
    """Cells that cover too little over all seeds are refused, others are not.

    Coverage of 95 % intervals over 1,500 seeds at N = 64, R = 256 against the full set: kurtosis of
    gumbel, n = 32: 0.897; of t(df=9), n = 8: 0.867; unbiased variances of gumbel, n = 8: 0.921, of
    exponential, n = 8: 0.927; means of exponential, n = 32: 0.944, of lognormal(s=0.5), n = 8:
    0.957; standard deviations of gumbel, n = 8: 0.941; quantiles of t(df=9), n = 8: 0.949.
    """
    table = [
        ("excess_kurtosis", "gumbel", 32, "unreliable"),
        ("excess_kurtosis", "t(df=9)", 8, "unreliable"),
        ("unbiased_variance", "gumbel", 8, "unreliable"),
        ("unbiased_variance", "exponential", 8, "unreliable"),
        ("mean", "exponential", 32, "ok"),
        ("mean", "lognormal(s=0.5)", 8, "ok"),
        ("std(ddof=0)", "gumbel", 8, "ok"),
        ("quantile(q=0.9)", "t(df=9)", 8, "ok"),
    ]
    for kind, law, n, status in table:
        found = draws_verdict(estimator(kind), distribution(law), n, 64, "mse", 256)
        assert found.status == status, (kind, law, n)


def test_the_kurtosis_of_gumbel_is_never_taken_for_good():
    """Rows whose k-hat was small by luck had intervals that cover 60 to 82 %; none is ok now."""
    for seed in range(8):
        frame = sn.sweep(
            "gumbel", estimators="excess_kurtosis", batch_sizes=[32], full_size=64, seed=seed
        ).frame
        rows = frame[(frame["measure"] == "rmse") & (frame["reference"] == "full_set")]
        assert rows["status"].item() == "unreliable"
        assert rows["reason"].str.contains("with these tails|k-hat").all()
        assert math.isfinite(rows["mcse"].item())


def test_both_parts_of_a_mean_error_lean_to_the_same_side():
    """Normal variances with 2 of 64 left out, k = 2: the squared skewness of A as simulated.

    Of 400,000 full sets it is known to about 2 %; parts of opposite signs give 0.15, not 2.3.
    """
    x = np.random.default_rng(3).standard_normal((400_000, 64))
    halves = x[:, :62].reshape(-1, 2, 31).var(axis=-1, ddof=1).mean(axis=-1)
    errors = halves - x.var(axis=-1, ddof=1)
    kind, law = estimator("unbiased_variance"), distribution("normal")
    found = mean_error_skewness(kind, law, 31, 64, 10**6, paired=True)
    assert found == pytest.approx(stats.skew(errors) ** 2, rel=0.15)
