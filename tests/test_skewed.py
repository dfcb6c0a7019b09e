"""How skewed squares are, by the law alone: exact laws, simulation, and what a run makes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.diagnostics import draws_verdict, ledger
from simnorm.distributions import distribution
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.skewed import (
    LARGEST_OF_EXTREMES,
    LARGEST_SKEWNESS,
    Cumulants,
    _cumulants,
    _paired,
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
    found = _paired(Cumulants(1.0, 0.7, 3.0, 60.0), 2)
    assert found == pytest.approx((0.5, 0.0, 1.5, 15.0))


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
