"""The default sweep against exact theory, all seeds pooled: are the error bars honest?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

import simnorm as sn

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
