"""The moment ledger against a table written by hand from the rules for tails.

A power tail of index nu has moments below nu only. A statistic's error has index nu for the mean
and the sd, nu/2 for variances, and j nu for order statistics that j huge observations must make.
The bias exists above index 1, its standard error above 2; variance, mse and rmse exist above 2,
their standard errors above 4. Against the full set, with n dividing N, the mean's mean error is
zero and that of the unbiased variance has index nu instead of nu/2.
"""

from __future__ import annotations

import math
import re

import pytest

import simnorm as sn
from simnorm.design import DEFAULT_DISTRIBUTIONS
from simnorm.diagnostics import EXACT, OK, UNDEFINED, UNRELIABLE, ledger
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.tables import ALL_MEASURES

FULL, POP = "full_set", "population"

TABLE = [
    # law, estimator, n, N, reference, measure, status
    # --- light tails
    ("normal", "mean", 4, 64, FULL, "bias", EXACT),
    ("normal", "mean", 4, 64, FULL, "relative_bias", EXACT),
    ("normal", "mean", 5, 64, FULL, "bias", OK),
    ("normal", "mean", 4, 64, POP, "bias", OK),
    ("normal", "mean", 4, 64, FULL, "rmse", OK),
    ("normal", "biased_variance", 4, 64, FULL, "bias", OK),
    ("normal", "unbiased_variance", 4, 64, FULL, "bias", OK),
    ("lognormal", "biased_variance", 4, 64, FULL, "relative_rmse", OK),
    # --- n = 1
    ("normal", "mean", 1, 64, FULL, "bias", EXACT),
    ("normal", "mean", 1, 64, FULL, "variance", OK),
    ("normal", "biased_variance", 1, 64, FULL, "bias", UNDEFINED),
    ("normal", "unbiased_variance", 1, 64, POP, "mse", UNDEFINED),
    ("normal", "std(ddof=0)", 1, 64, FULL, "rmse", UNDEFINED),
    ("normal", "std(ddof=1)", 1, 1, FULL, "bias", UNDEFINED),
    ("normal", "median", 1, 64, POP, "bias", OK),
    ("normal", "mean", 1, 1, FULL, "rmse", EXACT),
    # --- n = N
    ("normal", "mean", 64, 64, FULL, "rmse", EXACT),
    ("normal", "std", 64, 64, FULL, "relative_variance", EXACT),
    ("normal", "unbiased_variance", 64, 64, FULL, "bias", EXACT),
    ("normal", "unbiased_variance", 64, 64, POP, "bias", OK),
    ("normal", "mean", 64, 64, POP, "mse", OK),
    ("t(df=3)", "biased_variance", 64, 64, FULL, "rmse", EXACT),
    ("exponential", "max", 64, 64, FULL, "bias", EXACT),
    # --- t(df=3): mean and sd have index 3, variances 1.5
    ("t(df=3)", "mean", 8, 64, FULL, "bias", EXACT),
    ("t(df=3)", "mean", 7, 64, FULL, "bias", OK),
    ("t(df=3)", "mean", 8, 64, POP, "bias", OK),
    ("t(df=3)", "mean", 8, 64, FULL, "variance", UNRELIABLE),
    ("t(df=3)", "mean", 8, 64, POP, "rmse", UNRELIABLE),
    ("t(df=3)", "std", 8, 64, FULL, "bias", OK),
    ("t(df=3)", "std", 8, 64, FULL, "mse", UNRELIABLE),
    ("t(df=3)", "biased_variance", 8, 64, FULL, "bias", UNRELIABLE),
    ("t(df=3)", "biased_variance", 8, 64, FULL, "variance", UNDEFINED),
    ("t(df=3)", "unbiased_variance", 8, 64, FULL, "bias", OK),
    ("t(df=3)", "unbiased_variance", 7, 64, FULL, "bias", UNRELIABLE),
    ("t(df=3)", "unbiased_variance", 8, 64, POP, "bias", UNRELIABLE),
    ("t(df=3)", "unbiased_variance", 8, 64, POP, "rmse", UNDEFINED),
    # --- t(df=5): 5 and 2.5
    ("t(df=5)", "mean", 8, 64, FULL, "rmse", OK),
    ("t(df=5)", "std(ddof=1)", 8, 64, POP, "relative_mse", OK),
    ("t(df=5)", "biased_variance", 8, 64, FULL, "bias", OK),
    ("t(df=5)", "biased_variance", 8, 64, FULL, "rmse", UNRELIABLE),
    ("t(df=5)", "unbiased_variance", 8, 64, POP, "relative_variance", UNRELIABLE),
    ("t(df=5)", "unbiased_variance", 8, 64, POP, "relative_bias", OK),
    # --- t(df=9): 9 and 4.5; t(df=8): 4 is not above 4
    ("t(df=9)", "biased_variance", 8, 64, FULL, "rmse", OK),
    ("t(df=9)", "unbiased_variance", 8, 64, POP, "variance", OK),
    ("t(df=8)", "unbiased_variance", 8, 64, POP, "variance", UNRELIABLE),
    ("t(df=4)", "unbiased_variance", 8, 64, FULL, "variance", UNDEFINED),
    ("t(df=4)", "unbiased_variance", 8, 64, POP, "bias", UNRELIABLE),
    ("t(df=4)", "mean", 8, 64, FULL, "rmse", UNRELIABLE),
    ("t(df=2)", "unbiased_variance", 8, 64, FULL, "bias", UNDEFINED),
    ("t(df=2)", "mean", 7, 64, FULL, "bias", UNRELIABLE),
    ("t(df=2)", "mean", 8, 64, POP, "mse", UNDEFINED),
    ("t(df=2)", "mean", 8, 64, POP, "relative_bias", UNDEFINED),
    # --- Cauchy: index m + 1 for the median of 2m + 1, m for that of 2m
    ("cauchy", "mean", 8, 64, FULL, "bias", UNDEFINED),
    ("cauchy", "mean", 8, 64, POP, "bias", UNDEFINED),
    ("cauchy", "std", 8, 64, FULL, "bias", UNDEFINED),
    ("cauchy", "median", 2, 64, POP, "bias", UNDEFINED),
    ("cauchy", "median", 3, 64, POP, "bias", UNRELIABLE),
    ("cauchy", "median", 3, 64, POP, "variance", UNDEFINED),
    ("cauchy", "median", 4, 64, FULL, "bias", UNRELIABLE),
    ("cauchy", "median", 4, 64, FULL, "rmse", UNDEFINED),
    ("cauchy", "median", 5, 64, POP, "bias", OK),
    ("cauchy", "median", 5, 64, POP, "rmse", UNRELIABLE),
    ("cauchy", "median", 7, 64, POP, "rmse", UNRELIABLE),
    ("cauchy", "median", 8, 64, POP, "rmse", UNRELIABLE),
    ("cauchy", "median", 9, 64, POP, "rmse", OK),
    ("cauchy", "median", 10, 64, FULL, "rmse", OK),
    ("cauchy", "median", 10, 64, FULL, "relative_rmse", UNDEFINED),
    ("cauchy", "min", 8, 64, FULL, "bias", UNDEFINED),
    # --- extremes against the ends of the support
    ("exponential", "min", 8, 64, POP, "bias", OK),
    ("exponential", "min", 8, 64, POP, "relative_rmse", OK),
    ("exponential", "max", 8, 64, POP, "bias", UNDEFINED),
    ("exponential", "max", 8, 64, FULL, "rmse", OK),
    ("normal", "min", 8, 64, POP, "rmse", UNDEFINED),
    ("uniform", "max", 8, 64, POP, "rmse", OK),
    ("t(df=5)", "max", 8, 64, FULL, "rmse", OK),
    ("t(df=3)", "max", 8, 64, FULL, "rmse", UNRELIABLE),
    ("t(df=3)", "min", 8, 64, FULL, "bias", OK),
    # --- range, quantile, iqr, mad: the outermost rank decides
    ("normal", "range", 8, 64, POP, "bias", UNDEFINED),
    ("uniform", "range", 8, 64, POP, "relative_rmse", OK),
    ("normal", "range", 1, 64, FULL, "bias", UNDEFINED),
    ("t(df=3)", "range", 8, 64, FULL, "rmse", UNRELIABLE),
    ("cauchy", "quantile(q=0.9)", 11, 64, FULL, "bias", UNRELIABLE),
    ("cauchy", "quantile(q=0.9)", 11, 64, FULL, "rmse", UNDEFINED),
    ("cauchy", "quantile(q=0.75)", 21, 64, POP, "rmse", OK),
    ("cauchy", "iqr", 10, 64, POP, "bias", OK),
    ("cauchy", "iqr", 10, 64, POP, "rmse", UNRELIABLE),
    ("cauchy", "iqr", 21, 64, POP, "relative_rmse", OK),
    ("cauchy", "mad", 4, 64, POP, "bias", UNRELIABLE),
    ("cauchy", "mad", 9, 64, POP, "relative_rmse", OK),
    ("normal", "mad", 1, 64, POP, "bias", UNDEFINED),
    ("rectified_normal", "mad", 8, 64, POP, "rmse", OK),
    ("rectified_normal", "mad", 8, 64, POP, "relative_rmse", UNDEFINED),
    # --- a trimmed mean keeps rank 1 of 9, rank 2 of 10, rank 5 of 40
    ("cauchy", "trimmed_mean", 9, 64, FULL, "bias", UNDEFINED),
    ("cauchy", "trimmed_mean", 10, 64, FULL, "bias", UNRELIABLE),
    ("cauchy", "trimmed_mean", 40, 64, POP, "rmse", OK),
    ("normal", "trimmed_mean", 2, 64, FULL, "bias", OK),
    # --- skewness and kurtosis of a sample are bounded, of equal values they are nothing
    ("cauchy", "skewness", 8, 64, FULL, "rmse", OK),
    ("cauchy", "skewness", 8, 64, POP, "rmse", UNDEFINED),
    ("normal", "skewness", 2, 64, FULL, "rmse", UNDEFINED),
    ("normal", "skewness", 3, 64, FULL, "rmse", OK),
    ("normal", "skewness", 8, 64, POP, "relative_rmse", UNDEFINED),
    ("exponential", "skewness", 8, 64, POP, "relative_rmse", OK),
    ("normal", "excess_kurtosis", 3, 64, FULL, "rmse", UNDEFINED),
    ("normal", "excess_kurtosis", 4, 64, POP, "rmse", OK),
    ("normal", "excess_kurtosis", 64, 64, FULL, "rmse", EXACT),
    ("t(df=4)", "excess_kurtosis", 8, 64, POP, "bias", UNDEFINED),
    # A half of a rectified normal is 0: all of 40 are with 2^-39 = 1.8e-12, of 41 with 0.9e-12.
    ("rectified_normal", "skewness", 40, 64, FULL, "bias", UNDEFINED),
    ("rectified_normal", "skewness", 41, 64, FULL, "bias", OK),
    ("rectified_normal", "excess_kurtosis", 8, 64, FULL, "rmse", UNDEFINED),
    # --- a population value of zero divides nothing, but a median is measured in sds
    ("rectified_normal", "median", 8, 64, POP, "relative_bias", OK),
    ("rectified_normal", "min", 8, 64, FULL, "relative_rmse", OK),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: "-".join(map(str, row)))
def test_ledger_by_hand(row):
    """The status of every row of the table is the one worked out by hand, and has its reason."""
    law, kind, n, N, reference, measure, status = row
    verdict = ledger(estimator(kind), distribution(law), n, N, reference, measure)
    assert verdict.status == status
    assert bool(verdict.reason) == (status != OK)


def test_the_table_is_long_enough_and_uses_every_status():
    """The table holds every status many times, and every estimator."""
    assert len({row[:6] for row in TABLE}) == len(TABLE) >= 75
    statuses = [row[6] for row in TABLE]
    assert min(statuses.count(status) for status in (OK, EXACT, UNDEFINED, UNRELIABLE)) >= 10
    assert {estimator(row[1]).word for row in TABLE} == set(ESTIMATORS)


@pytest.mark.parametrize("law", [*DISTRIBUTIONS, "t(df=3)", "t(df=9)"])
@pytest.mark.parametrize("kind", [*ESTIMATORS, "std(ddof=1)"])
def test_a_measure_is_worth_no_more_than_a_lower_moment(law, kind):
    """Where the bias is undefined so is the rmse, and variance, mse and rmse share a status."""
    rank = [UNDEFINED, UNRELIABLE, OK, EXACT]
    for n, reference in ((1, FULL), (2, POP), (5, FULL), (8, FULL), (8, POP), (64, FULL)):
        status = {
            name: ledger(estimator(kind), distribution(law), n, 64, reference, name).status
            for name in ("bias", "variance", "mse", "rmse")
        }
        assert status["variance"] == status["mse"] == status["rmse"]
        assert rank.index(status["rmse"]) <= rank.index(status["bias"])
        for name in status:
            relative = ledger(
                estimator(kind), distribution(law), n, 64, reference, f"relative_{name}"
            )
            assert relative.status in (status[name], UNDEFINED)


# ---------------------------------------------------------------------------------------------
# The ledger in the tables of a run


@pytest.fixture(scope="module")
def frame():
    """Rows of light, heavy and hopeless laws, by the public front door."""
    result = sn.sweep(
        ["normal", "exponential", "t(df=3)", "t(df=5)", "cauchy"],
        batch_sizes=[1, 2, 5, 9, 16, 64],
        estimators=[*ESTIMATORS, "std(ddof=1)"],
        full_size=64,
        replications=64,
    )
    # Quantiles of errors are `test_robust`'s.
    return result.frame[result.frame["measure"].isin(ALL_MEASURES)]


def test_rows_carry_what_their_status_allows(frame):
    """Only ok rows have z; rows whose error bar does not exist have none; exact rows are 0."""
    undefined = frame[frame["status"] == UNDEFINED]
    numbers = ["estimate", "mcse", "ci_low", "ci_high", "theory", "z"]
    assert undefined[numbers].isna().all(axis=None)
    assert (undefined["stop_reason"] == "undefined").all()
    unreliable = frame[frame["status"] == UNRELIABLE]
    assert unreliable["estimate"].notna().all()
    missing = unreliable["reason"].str.contains("does not exist")
    assert missing.any()
    assert unreliable[["mcse", "ci_low", "ci_high"]][missing].isna().all(axis=None)
    assert unreliable["mcse"][~missing].notna().all()
    assert unreliable["z"].isna().all()
    exact = frame[frame["status"] == EXACT]
    assert (exact[["estimate", "mcse"]] == 0.0).all(axis=None)
    assert exact["z"].isna().all()
    fine = frame[frame["status"] == OK]
    assert fine[["estimate", "mcse", "ci_low", "ci_high"]].notna().all(axis=None)
    tested = (fine["theory_kind"] == "exact") & (fine["mcse"] > 0)
    assert (fine["z"].notna() == tested).all()
    assert ((frame["reason"] == "") == (frame["status"] == OK)).all()
    assert {UNDEFINED, UNRELIABLE, EXACT, OK} == set(frame["status"])


def test_rows_agree_with_the_ledger(frame):
    """The status in the table is the ledger's, unless this run is too short for an ok row."""
    for row in frame.itertuples():
        kind, law = estimator(row.estimator), distribution(row.distribution)
        verdict = ledger(kind, law, row.batch_size, row.full_size, row.reference, row.measure)
        if verdict.status == OK and row.status == UNRELIABLE:
            short = "replications or more|more replications than|no replication differed"
            assert re.search(f"k-hat|{short}", row.reason)
            continue
        assert row.status == verdict.status
        assert row.reason == verdict.reason


def test_exact_biases_are_decided_by_the_design_not_by_the_draws(frame):
    """The mean's bias against the full set is exact where n divides N = 64, and only there."""
    means = frame[
        (frame["estimator"] == "mean")
        & (frame["reference"] == FULL)
        & (frame["measure"] == "bias")
        & (frame["distribution"] != "cauchy")
    ]
    exact = means["status"] == EXACT
    assert (exact == (64 % means["batch_size"] == 0)).all()
    assert (means["estimate"][~exact] != 0.0).all()


def test_every_t5_row_that_needs_a_missing_moment_is_unreliable():
    """Of t(df=5), 2.5 moments of a variance exist: its bias is ok, all else unreliable, no z.

    What else is in doubt wants replications only: squares of standard deviations, and the biases
    of both halves, whose errors are squares. This is the default sweep but for the number of
    replications and the full size.
    """
    assert "t(df=5)" in DEFAULT_DISTRIBUTIONS
    frame = sn.sweep("t(df=5)", full_size=2048, replications=128).frame
    frame = frame[frame["measure"].isin(ALL_MEASURES)]
    spread = frame["estimator"].isin(["biased_variance", "unbiased_variance"])
    second_order = ~frame["measure"].isin(["bias", "relative_bias"])
    missing = spread & second_order
    # Ten sizes, two estimators, two references, six measures.
    assert missing.sum() == 240
    assert (frame["status"][missing] == UNRELIABLE).all()
    assert frame[["z", "mcse", "ci_low", "ci_high"]][missing].isna().all(axis=None)
    assert frame["estimate"][missing].notna().all()
    assert frame["reason"][missing].str.contains("not above 4").all()
    rest = frame[~missing]
    short = rest["reason"].str.contains("replications or more")
    assert rest["status"][~short].isin([OK, EXACT]).all()
    assert rest["mcse"][short].notna().all()
    biases = frame["measure"].isin(["bias", "relative_bias"])
    assert set(frame["batch_size"][biases & (frame["status"] == UNRELIABLE)]) <= {1024}
    # The theory stands beside the estimate all the same: the kurtosis exists.
    assert frame["theory"][missing].notna().all()


def test_one_replication_has_no_standard_error():
    """R = 1 shows a bias without error bar, and no variance at all."""
    frame = sn.sweep("normal", batch_sizes=[5], full_size=64, replications=1).frame
    bias = frame[frame["measure"] == "bias"]
    assert bias["estimate"].notna().all()
    assert (bias["status"] == UNRELIABLE).all()
    assert frame["mcse"].isna().all()
    assert (frame[frame["measure"] == "variance"]["status"] == UNDEFINED).all()
    assert frame["z"].isna().all()
    assert all(math.isnan(x) for x in bias["ci_low"])


def test_a_khat_that_is_final_is_not_called_a_want_of_replications():
    """From 1,024 replications on a k-hat above 0.5 stands: more of them would not change it."""
    settings = {"estimators": "unbiased_variance", "batch_sizes": [60], "full_size": 64}
    for replications, reason in ((1024, "of the first 1,024"), (512, "replications or more")):
        frame = sn.sweep("laplace", replications=replications, **settings).frame
        rows = frame[(frame["measure"] == "mse") & (frame["reference"] == "full_set")]
        assert rows["khat"].item() > 0.5
        assert rows["status"].item() == UNRELIABLE
        assert reason in rows["reason"].item()
        # What has a k-hat below says that it needs more.
        other = sn.sweep("laplace", replications=replications, **settings | {"batch_sizes": [56]})
        mse = other.frame[other.frame["measure"].eq("mse") & other.frame["reference"].eq(FULL)]
        assert ("k-hat" in mse["reason"].item()) == (
            mse["khat"].item() > 0.5 and replications >= 1024
        )
