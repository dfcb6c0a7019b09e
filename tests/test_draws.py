"""How many draws a standard error needs: even moments of every law, and the rule made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

import simnorm as sn
from simnorm import diagnostics
from simnorm.diagnostics import draws_verdict
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.estimators import biased_variance, estimator, mean, std

# The same laws as scipy has them, beside the rectified normal, which it lacks.
SCIPY = {
    "normal": stats.norm(),
    "uniform": stats.uniform(),
    "laplace": stats.laplace(),
    "exponential": stats.expon(),
    "gamma(a=2)": stats.gamma(2),
    "gamma(a=0.3)": stats.gamma(0.3),
    "lognormal(s=1)": stats.lognorm(1),
    "lognormal(s=0.2)": stats.lognorm(0.2),
    "t(df=9)": stats.t(9),
    "t(df=30)": stats.t(30),
}


@pytest.mark.parametrize("spec", SCIPY)
def test_even_moments_are_those_of_quadrature(spec: str) -> None:
    """E (X - mean)^6 and ^8 over powers of the variance, integrated over scipy's density."""
    law, other = distribution(spec), SCIPY[spec]
    center, sd = other.mean(), other.std()
    lower, upper = other.ppf(0.0), other.ppf(1.0)
    for order, declared in zip((6, 8), law.even_moments(), strict=True):

        def term(x: float, order: int = order) -> float:
            return float(((x - center) / sd) ** order * other.pdf(x))

        found = sum(
            integrate.quad(term, a, b, limit=500, epsrel=1e-10)[0]
            for a, b in ((lower, center), (center, center + 50 * sd), (center + 50 * sd, upper))
            if a < b
        )
        assert declared == pytest.approx(found, rel=1e-6)


def test_even_moments_of_the_rectified_normal() -> None:
    """Half of the law is at 0; the other half is integrated over the normal density."""
    law = distribution("rectified_normal")
    for order, declared in zip((6, 8), law.even_moments(), strict=True):
        above = integrate.quad(lambda z, r=order: (z - law.mean) ** r * stats.norm.pdf(z), 0, 40)[0]
        found = (0.5 * (-law.mean) ** order + above) / law.variance ** (order / 2)
        assert declared == pytest.approx(found, rel=1e-9)


def test_even_moments_exist_where_the_tail_lets_them() -> None:
    """Without an eighth moment the kurtosis of squares is infinite, never a number."""
    for word in DISTRIBUTIONS:
        law = distribution(word)
        assert math.isfinite(law.squares_kurtosis) == (min(law.tails()) > 8.0)
    assert distribution("t(df=8)").squares_kurtosis == math.inf
    assert math.isfinite(distribution("t(df=8.01)").squares_kurtosis)


def test_the_square_of_a_normal_is_chi_square() -> None:
    """Its excess kurtosis is 12; a normal variance needs next to no draws."""
    assert distribution("normal(loc=3,scale=7)").squares_kurtosis == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("kind", "law", "n", "full", "measure", "replications", "status"),
    [
        # Ten replications for a bias, thirty for a mean square, fifty where n > N/2.
        (mean, "normal", 8, 64, "bias", 9, "unreliable"),
        (mean, "normal", 8, 64, "bias", 10, "ok"),
        (mean, "normal", 8, 64, "rmse", 29, "unreliable"),
        (mean, "normal", 8, 64, "relative_variance", 30, "ok"),
        (mean, "normal", 33, 64, "variance", 49, "unreliable"),
        (mean, "normal", 33, 64, "variance", 50, "ok"),
        (mean, "normal", 32, 64, "variance", 49, "ok"),
        # Exponential: 213 over R N is at most 0.04 from R N = 5,325 on, R = 84 at N = 64.
        (biased_variance, "exponential", 8, 64, "bias", 83, "unreliable"),
        (biased_variance, "exponential", 8, 64, "bias", 84, "ok"),
        (std, "exponential", 8, 64, "bias", 83, "unreliable"),
        # The mean asks for the kurtosis of x itself, 6.
        (mean, "exponential", 8, 64, "variance", 83, "ok"),
        # lognormal(s=1): 1.29e7 / 0.04 / 16,384 = 19,705 replications.
        (biased_variance, "lognormal", 8, 16_384, "bias", 19_704, "unreliable"),
        (biased_variance, "lognormal", 8, 16_384, "bias", 19_705, "ok"),
        # What the ledger refuses for want of a moment is not this rule's business.
        (biased_variance, "t(df=5)", 8, 64, "bias", 100, "ok"),
        # The largest of 16,384 exponential numbers is a Gumbel number, kurtosis 12/5, beside which
        # the largest of 2, variance 5/4 to pi^2/6, counts once in 8,192: (0.568^2 12/5)/0.006
        # is 129 and a bit for squares, 20 for the bias. Skewed as the squares are, 1,100 it is.
        (estimator("max"), "exponential", 2, 16_384, "variance", 129, "unreliable"),
        (estimator("max"), "exponential", 2, 16_384, "variance", 1100, "ok"),
        (estimator("max"), "exponential", 2, 16_384, "bias", 20, "ok"),
        # That of lognormal numbers is far heavier, and nearly all of the error.
        (estimator("max"), "lognormal", 8, 16_384, "variance", 256, "unreliable"),
        (estimator("median"), "lognormal", 8, 16_384, "variance", 30, "ok"),
        (estimator("min"), "lognormal", 8, 16_384, "variance", 256, "ok"),
        # A trimmed mean of nine cuts nothing and is the mean; of ten it cuts what is heavy.
        (estimator("trimmed_mean"), "lognormal", 9, 32, "bias", 86, "unreliable"),
        (estimator("trimmed_mean"), "lognormal", 9, 32, "bias", 87, "ok"),
        (estimator("trimmed_mean"), "lognormal", 10, 32, "variance", 50, "ok"),
    ],
)
def test_enough_draws_by_hand(kind, law, n, full, measure, replications, status) -> None:
    """The rule's verdict for a table of cases, worked out by hand."""
    verdict = draws_verdict(kind, distribution(law), n, full, measure, replications)
    assert verdict.status == status


@pytest.mark.parametrize(("rank", "size"), [(1, 1), (1, 7), (3, 9), (50, 100), (16_384, 16_384)])
def test_spread_of_order_statistics(rank: int, size: int) -> None:
    """Uniform order statistics are Beta numbers; the smallest exponential one is exponential."""
    found = diagnostics.rank_spread(distribution("uniform"), rank, size)
    variance, kurtosis = stats.beta(rank, size + 1 - rank).stats("vk")
    expected = (float(variance), float(kurtosis))
    assert (found.variance, found.kurtosis) == pytest.approx(expected, rel=1e-9, abs=1e-10)
    lowest = diagnostics.rank_spread(distribution("exponential"), 1, size)
    assert (lowest.variance, lowest.kurtosis) == pytest.approx((1.0 / size**2, 6.0), rel=1e-9)
    # A single draw of t(df=5) has kurtosis 6, and 5 moments; the middle of three has 10.
    assert diagnostics.rank_spread(distribution("t(df=5)"), 1, 1).kurtosis == pytest.approx(6.0)
    assert diagnostics.rank_spread(distribution("t(df=4)"), 1, 1).kurtosis == math.inf
    assert math.isfinite(diagnostics.rank_spread(distribution("t(df=4)"), 2, 3).kurtosis)


def test_what_is_left_of_a_mean_is_the_tail_that_no_batch_has() -> None:
    """With 64 draws of a rare event in batches of 7 one seed gave a bias with z = 14.

    A = (mean of the first 63 - the 64th) / 64, and the 64th is 0 in all 256 replications in one
    run of 13. Its excess kurtosis of 95 asks for 95 / 0.04 of them.
    """
    law = distribution("bernoulli(p=0.01)")
    for replications, status in ((2000, "unreliable"), (2400, "ok")):
        assert draws_verdict(mean, law, 7, 64, "bias", replications).status == status
    assert draws_verdict(mean, law, 7, 64, "bias", 256, "population").status == "ok"
    assert draws_verdict(mean, law, 8, 64, "bias", 256).status == "ok"


def test_a_variance_whose_error_vanishes_to_first_order_is_not_trusted() -> None:
    """A range of two coins is 0 or 1 alike: one seed gave 0.25 +- 5e-8 with z = 9.6."""
    frame = sn.sweep("bernoulli", estimators="range", batch_sizes=[2], full_size=4096, seed=1).frame
    rows = frame[(frame["measure"] == "variance") & (frame["reference"] == "population")]
    assert rows["status"].item() == "unreliable"
    assert rows["reason"].item() == "its standard error vanishes to first order"


def test_a_median_that_jumps_rarely_is_not_trusted() -> None:
    """A full set of 16,384 coins has the median 1/2 in one of 160: without it z was 8.7."""
    frame = sn.sweep("bernoulli", estimators="median", batch_sizes=[2, 1024]).frame
    rows = frame[(frame["measure"] == "mse") & (frame["reference"] == "full_set")]
    smallest = rows[rows["batch_size"] == 2]
    assert smallest["status"].item() == "unreliable"
    assert smallest["reason"].item().startswith("values repeat: the median may jump")


def test_lognormal_variances_are_never_taken_for_good() -> None:
    """At N = 1,024 and R = 256 one seed in eight once gave status ok with z below -6."""
    for seed in range(12):
        frame = sn.sweep(
            "lognormal",
            estimators="unbiased_variance",
            batch_sizes=[2, 32],
            full_size=1024,
            replications=256,
            seed=seed,
        ).frame
        rows = frame[frame["measure"].isin(["variance", "mse", "rmse"])]
        assert (rows["status"] == "unreliable").all()
        assert rows["z"].isna().all()
        assert rows["mcse"].notna().all()


def test_few_replications_keep_their_error_bar_but_get_no_z() -> None:
    """R = 2 once gave a variance of 0.0063 +- 3e-10 with z = -1e7."""
    frame = sn.sweep("normal", batch_sizes=[48], full_size=64, replications=2).frame
    rows = frame[frame["status"] != "exact"]
    assert (rows["status"] == "unreliable").all()
    assert rows["z"].isna().all()


def test_what_never_differed_is_no_proof() -> None:
    """A rare error that no replication held is not called exact, nor ok."""
    frame = sn.sweep(
        "rectified_normal", estimators="min", batch_sizes=[32], full_size=64, replications=64
    ).frame
    rows = frame[(frame["reference"] == "full_set") & (frame["measure"] == "rmse")]
    assert rows["estimate"].item() == 0.0
    assert rows["status"].item() == "unreliable"
    assert rows["reason"].item() == "no replication differed from another"


def test_the_delta_method_is_shown_only_where_it_holds() -> None:
    """Where it is given, simulation agrees within 10 %; it is not given for heavy tails."""
    for law in ("t(df=5)", "t(df=8)", "lognormal"):
        with pytest.raises(sn.SimnormError):
            sn.theory.rmse_of("std", n=4096, distribution=law)
    with pytest.raises(sn.SimnormError):
        sn.theory.rmse_of("std", n=16, distribution="exponential")
    frame = sn.sweep(
        "exponential,laplace,uniform,gamma", estimators="std(ddof=1)", batch_sizes=[16, 128, 512]
    ).frame
    rows = frame[(frame["theory_kind"] == "asymptotic") & (frame["measure"] == "rmse")]
    assert len(rows) >= 16
    ratio = rows["theory"] / rows["estimate"]
    # The estimates' own errors are below 2 %.
    assert np.abs(ratio - 1.0).max() < 0.1


def test_a_smaller_run_shows_less_and_loses_nothing(tmp_path) -> None:
    """Fewer replications, sizes or estimators have their own table; what is stored stays."""
    folder = tmp_path / "run"
    small = {"full_size": 16, "replications": 64, "out": folder}
    sn.sweep("normal", batch_sizes=[2, 4], **small)
    before = (folder / "results.csv").read_bytes()
    for change in ({"replications": 63}, {"batch_sizes": [2]}, {"estimators": "mean"}):
        sn.sweep("normal", **{"batch_sizes": [2, 4], **small, **change})
        assert (folder / "results.csv").read_bytes() != before
    again = sn.sweep("normal", batch_sizes=[2, 4], **small)
    assert again.provenance["session_draws"] == 0
    assert (folder / "results.csv").read_bytes() == before
    sn.sweep("normal", batch_sizes=[2, 4, 8], **{**small, "replications": 65})
