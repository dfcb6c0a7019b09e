"""The default sweep against exact theory, all seeds pooled: are the error bars honest?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

import simnorm as sn
from simnorm.distributions import DISTRIBUTIONS

SEEDS = range(20)
# One chance in ten thousand that any of the independent questions is off by so much.
FALSE_ALARMS = 1e-4
# Proportional to another estimator that is kept, up to a constant: asked once.
PROPORTIONAL = ("biased_variance", "std(ddof=0)")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """The rows of the default sweep over twenty seeds that have exact theory."""
    frames = [sn.sweep(seed=seed).frame for seed in SEEDS]
    frame = pd.concat(frames)
    return frame[frame["theory_kind"] == "exact"]


def sidak(questions: int) -> float:
    """Return the |z| that so many independent z all stay below, but for FALSE_ALARMS.

    Their standard errors come from 256 replications, which makes them t with 255 degrees.
    """
    return float(-stdtrit(255, (1.0 - (1.0 - FALSE_ALARMS) ** (1.0 / questions)) / 2.0))


def test_pooled_z_values_have_the_spread_of_a_standard_normal(rows: pd.DataFrame) -> None:
    """Over all rows with status ok, rms z lies between 0.8 and 1.2."""
    z = rows.loc[rows["status"] == "ok", "z"]
    assert z.notna().all()
    assert 0.8 < np.sqrt((z**2).mean()) < 1.2


def test_no_independent_question_is_further_off_than_chance_allows(rows: pd.DataFrame) -> None:
    """The largest |z| over independent questions stays below the Sidak bound at 1e-4."""
    asked = rows[
        (rows["status"] == "ok")
        & rows["measure"].isin(["bias", "variance"])
        & ~rows["estimator"].isin(PROPORTIONAL)
    ]
    assert len(asked) > 5_000
    assert asked["z"].abs().max() < sidak(len(asked))


def test_rows_without_a_valid_error_bar_have_no_z(rows: pd.DataFrame) -> None:
    """Every variance, mse and rmse of a variance under t(df=5) says unreliable, without z."""
    heavy = rows[
        (rows["distribution"] == "t(df=5)")
        & rows["estimator"].isin(["biased_variance", "unbiased_variance"])
        & ~rows["measure"].str.contains("bias")
    ]
    assert len(heavy) == 20 * 2 * 10 * 2 * 6
    assert (heavy["status"] == "unreliable").all()
    assert heavy[["z", "mcse", "ci_low", "ci_high"]].isna().all(axis=None)


def test_a_wrong_error_bar_would_be_seen(rows: pd.DataFrame) -> None:
    """Error bars of 0.7 of their size, as from batches taken for independent, break the rms."""
    z = rows.loc[rows["status"] == "ok", "z"]
    assert np.sqrt(((z / 0.7) ** 2).mean()) > 1.2


@pytest.fixture(scope="module")
def order_rows() -> pd.DataFrame:
    """Rows with exact theory of order statistics, all distributions, over four seeds."""
    kinds = "min,max,range,median,quantile,iqr"
    frames = [
        sn.sweep(
            [*DISTRIBUTIONS],
            estimators=kinds,
            batch_sizes="2,9,32,256",
            full_size=2048,
            replications=512,
            seed=seed,
        ).frame
        for seed in range(4)
    ]
    frame = pd.concat(frames, ignore_index=True)
    return frame[(frame["theory_kind"] == "exact") & (frame["status"] == "ok")]


def test_order_statistics_have_honest_error_bars_too(order_rows: pd.DataFrame) -> None:
    """The same for extremes, range, median, quantile and iqr of every distribution.

    For 5,000 questions at 512 replications the bound is 5.8; rows of one distribution share their
    draws, so that its own rms is given more room.
    """
    assert set(order_rows["distribution"].str.partition("(")[0]) == set(DISTRIBUTIONS) - {"poisson"}
    assert 0.8 < np.sqrt((order_rows["z"] ** 2).mean()) < 1.2
    asked = order_rows[order_rows["measure"].isin(["bias", "variance"])]
    assert len(asked) > 5_000
    assert asked["z"].abs().max() < sidak(len(asked))
    for law, z in asked.groupby("distribution")["z"]:
        assert 0.5 < np.sqrt((z**2).mean()) < 1.7, law


def test_an_exact_bias_off_by_a_fiftieth_of_the_rmse_would_be_seen(
    order_rows: pd.DataFrame,
) -> None:
    """Biases of medians moved by 2 % of their rmse break the bound: the test has power."""
    medians = order_rows[(order_rows["estimator"] == "median") & (order_rows["measure"] == "bias")]
    spread = order_rows[
        (order_rows["estimator"] == "median") & (order_rows["measure"] == "rmse")
    ].set_index(["distribution", "batch_size", "reference", "seed"])["theory"]
    keys = pd.MultiIndex.from_frame(medians[["distribution", "batch_size", "reference", "seed"]])
    moved = medians["z"].to_numpy() + 0.02 * spread.reindex(keys).to_numpy() / medians["mcse"]
    assert moved.abs().max() > sidak(len(order_rows))
