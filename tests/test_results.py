"""The results table: its columns, its identities cell by cell, and a folder that keeps it."""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import simnorm as sn
from simnorm import engine, results, store, tasks, theory
from simnorm.design import Design
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.errors import RunError, SimnormError
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.studies import drawing, sweep
from simnorm.tables import ALL_MEASURES

# As DESIGN.md, section 4, lists them.
# fmt: off
COLUMNS = [
    "study", "source", "distribution", "column", "full_size", "sampling", "estimator",
    "batch_size", "factors", "reference", "measure", "estimate", "mcse", "ci_low", "ci_high",
    "theory", "theory_kind", "z", "replications", "batches", "failed", "khat", "status", "reason",
    "stop_reason", "seed", "schema_version",
]
# fmt: on
# fmt: off
CURVES_COLUMNS = [
    "study", "distribution", "column", "sampling", "estimator", "batch_size", "factors",
    "reference", "kind", "x", "y", "mcse", "theory",
]
# fmt: on
KEY = COLUMNS[: COLUMNS.index("measure") + 1]
VALUES = ["estimate", "mcse", "ci_low", "ci_high", "theory", "z", "khat"]
STATUSES = {"ok", "exact", "unreliable", "undefined"}  # "failed" needs estimators of the user's

# A square root, a division and a sum of two: a few units in the last place, with room.
ROUNDING = 1e-13


@pytest.fixture(scope="module")
def whole():
    """Every law and every estimator at batches of one, a few, not dividing N, and N."""
    return sn.sweep(
        [*DISTRIBUTIONS, "normal(loc=3,scale=0.5)", "t(df=3)", "t(df=9)"],
        estimators=[*ESTIMATORS, "std(ddof=1)"],
        batch_sizes=[1, 2, 5, 16, 25, 48],
        full_size=48,
        replications=256,
        seed=2**128 - 1,
    )


@pytest.fixture(scope="module")
def rows(whole):
    """The rows of `whole` that have moments, with the base measure beside every one."""
    # Quantiles of errors are `test_robust`'s.
    frame = whole.frame[whole.frame["measure"].isin(ALL_MEASURES)].copy()
    frame["base"] = frame["measure"].str.removeprefix("relative_")
    frame["relative"] = frame["measure"].str.startswith("relative_")
    return frame


def wide(rows):
    """Return a table with a row per cell and the columns (value, measure)."""
    key = [name for name in KEY if name != "measure"]
    return rows.pivot(index=key, columns="measure", values=[*VALUES, "status"])  # noqa: PD010


def constant_of(row):
    """Return what relative measures divide by, straight from its definition."""
    law, kind = distribution(row.distribution), estimator(row.estimator)
    if row.estimator.split("(")[0] in LOCATIONS:
        return law.std
    return abs(kind.population(law))


LOCATIONS = ("mean", "median", "min", "max", "quantile", "trimmed_mean")


# The shape of the table


def test_the_columns_are_those_of_the_paper(whole):
    """All columns stand in the documented order, with the documented types."""
    assert list(whole.frame.columns) == COLUMNS
    for name in VALUES:
        assert whole.frame[name].dtype == np.float64
    for name in ("full_size", "batch_size", "replications", "batches", "failed"):
        assert whole.frame[name].dtype == np.int64
    for name in ("study", "distribution", "column", "theory_kind", "reason", "factors"):
        assert all(type(text) is str for text in whole.frame[name])


def test_there_is_a_row_for_every_cell_and_measure(whole):
    """Laws x estimators x batch sizes x references x measures, each exactly once."""
    design = whole.design
    measures = ["bias", "variance", "mse", "rmse"]
    measures += [f"relative_{name}" for name in measures]
    expected = [
        ("sweep", "law", law, "", 48, "shuffle", kind, size, "", reference, name)
        for law in design.distributions
        for kind in design.estimators
        for size in design.batch_sizes
        for reference in ("full_set", "population")
        for name in measures
    ]
    moments = whole.frame[whole.frame["measure"].isin(ALL_MEASURES)]
    assert [tuple(key) for key in moments[KEY].itertuples(index=False)] == expected
    assert not whole.frame.duplicated(KEY).any()


def test_the_default_sweep_has_four_thousand_rows():
    """Five laws, five estimators, ten sizes, two references, eight measures: 4,000 rows."""
    design = Design.make()
    assert len(drawing.sources(design)) * len(sweep.cells(design)) * 8 == 4000


def test_what_is_the_same_in_every_row(whole):
    """Study, source, seed, replications and version stand in every row; k is N // n."""
    frame = whole.frame[whole.frame["measure"].isin(ALL_MEASURES)]
    assert set(frame["replications"]) == {256}
    assert list(frame["seed"]) == [2**128 - 1] * len(frame)
    assert all(type(seed) is int for seed in frame["seed"])
    assert set(frame["schema_version"]) == {results.SCHEMA_VERSION}
    assert set(frame["failed"]) == {0}
    assert (frame["khat"].notna() <= frame["status"].isin(["ok", "unreliable"])).all()
    assert (frame["batches"] == 48 // frame["batch_size"]).all()


# Identities of every cell


def test_the_mean_square_is_never_below_the_square_of_the_mean(rows):
    """mse >= bias^2 and rmse^2 = mse, relative or not, wherever there are estimates."""
    table = wide(rows)["estimate"].astype(float)
    mse, bias, rmse = table["mse"], table["bias"], table["rmse"]
    both = mse.notna() & bias.notna()
    assert both.sum() > 500
    assert (mse[both] >= bias[both] ** 2 * (1.0 - ROUNDING)).all()
    np.testing.assert_allclose(rmse**2, mse, rtol=ROUNDING)


def test_relative_measures_obey_the_same_identities(rows):
    """relative_mse >= relative_bias^2 and relative_rmse^2 = relative_mse."""
    table = wide(rows)["estimate"].astype(float)
    mse, bias = table["relative_mse"], table["relative_bias"]
    both = mse.notna() & bias.notna()
    assert (mse[both] >= bias[both] ** 2 * (1.0 - ROUNDING)).all()
    np.testing.assert_allclose(table["relative_rmse"] ** 2, mse, rtol=ROUNDING)


def test_the_variance_is_what_bias_and_mse_leave(rows):
    """variance = mse - bias^2 + MCSE(bias)^2, which makes it unbiased, and never below 0."""
    table = wide(rows)
    estimate, mcse = table["estimate"].astype(float), table["mcse"].astype(float)
    ok = (table["status"]["bias"] == "ok") & table["status"]["variance"].isin(["ok", "unreliable"])
    assert ok.sum() > 500
    mse, bias = estimate["mse"][ok], estimate["bias"][ok]
    expected = np.maximum(mse - bias**2 + mcse["bias"][ok] ** 2, 0.0)
    # mse and bias^2 may cancel: what is left is good to a few ulp of the larger one.
    np.testing.assert_array_less(
        (estimate["variance"][ok] - expected).abs(), ROUNDING * (mse + bias**2) + 1e-300
    )


@pytest.mark.parametrize("base", ["bias", "variance", "mse", "rmse"])
def test_relative_measures_are_absolute_ones_by_the_constant(base, rows):
    """Bias and rmse are divided by |c|, variance and mse by c^2, error bars and theory too."""
    power = 2 if base in ("variance", "mse") else 1
    absolute = rows[~rows["relative"] & (rows["base"] == base)].reset_index(drop=True)
    relative = rows[rows["relative"] & (rows["base"] == base)].reset_index(drop=True)
    constants = np.array([constant_of(row) for row in absolute.itertuples()]) ** power
    known = (relative["status"] != "undefined").to_numpy()
    assert known.sum() > 300
    for name in ("estimate", "mcse", "ci_low", "ci_high", "theory"):
        np.testing.assert_allclose(
            relative[name][known],
            (absolute[name] / constants)[known],
            rtol=ROUNDING,
            err_msg=name,
        )
    # A z is a number without a unit.
    np.testing.assert_allclose(relative["z"][known], absolute["z"][known], rtol=1e-9, atol=1e-9)


def test_relative_measures_without_a_constant_are_undefined(rows):
    """Where c is 0, infinite or unknown, the relative rows are undefined and say so."""
    relative = rows[rows["relative"]]
    constants = np.array([constant_of(row) for row in relative.itertuples()])
    bad = ~(np.isfinite(constants) & (constants > 0.0))
    assert bad.any()
    assert set(relative["status"][bad]) == {"undefined"}
    assert (relative["reason"][bad].str.len() > 0).all()


def test_intervals_hold_their_estimates(rows):
    """ci_low <= estimate <= ci_high, with t quantiles, on the log scale where it must be."""
    with_ci = rows[rows["ci_low"].notna() & rows["ci_high"].notna() & (rows["mcse"] > 0)]
    assert (with_ci["ci_low"] <= with_ci["estimate"]).all()
    assert (with_ci["estimate"] <= with_ci["ci_high"]).all()
    half = stats.t.ppf(0.975, 255) * with_ci["mcse"]
    bias = with_ci["base"] == "bias"
    low, high = with_ci["estimate"] - half, with_ci["estimate"] + half
    # estimate - half may cancel: good to a few ulp of the larger of the two.
    room = ROUNDING * (with_ci["estimate"].abs() + half)
    assert ((with_ci["ci_low"] - low).abs() <= room)[bias].all()
    assert ((with_ci["ci_high"] - high).abs() <= room)[bias].all()
    factor = np.exp(half / with_ci["estimate"])[~bias]
    positive = with_ci[~bias]
    np.testing.assert_allclose(positive["ci_high"], positive["estimate"] * factor, rtol=1e-11)
    np.testing.assert_allclose(positive["ci_low"], positive["estimate"] / factor, rtol=1e-11)


def test_z_is_estimate_less_theory_by_error(rows):
    """z exists exactly where theory is exact, the status ok and the error above 0."""
    expected = (rows["theory_kind"] == "exact") & (rows["status"] == "ok") & (rows["mcse"] > 0)
    assert (rows["z"].notna() == expected).all()
    assert expected.sum() > 300
    z = ((rows["estimate"] - rows["theory"]) / rows["mcse"])[expected]
    np.testing.assert_allclose(rows["z"][expected], z, rtol=1e-12)


def test_theory_and_its_kind_come_together(rows):
    """There is a theory value exactly where its kind is named."""
    assert set(rows["theory_kind"]) <= {"exact", "asymptotic", ""}
    assert (rows["theory"].notna() == (rows["theory_kind"] != "")).all()


def test_the_theory_in_the_table_is_that_of_the_library(rows):
    """The table's values are those of `simnorm.theory`, for both references."""
    functions = {
        "bias": theory.bias_of,
        "variance": theory.variance_of,
        "mse": theory.mse_of,
        "rmse": theory.rmse_of,
    }
    some = rows[~rows["relative"] & rows["theory"].notna()].iloc[::17]
    assert len(some) > 20
    for row in some.itertuples():
        full = row.full_size if row.reference == "full_set" else None
        value = functions[row.base](
            row.estimator, n=row.batch_size, N=full, distribution=row.distribution
        )
        assert (float(value), value.kind) == (row.theory, row.theory_kind)


def test_what_belongs_to_every_status(rows):
    """Each status fills and leaves empty the columns that its definition says."""
    assert set(rows["status"]) == STATUSES
    ok, exact, unreliable, undefined = (
        rows[rows["status"] == name] for name in ("ok", "exact", "unreliable", "undefined")
    )
    assert ok[["estimate", "mcse", "ci_low"]].notna().all().all()
    assert (ok["reason"] == "").all()
    assert (exact[["estimate", "mcse", "ci_low", "ci_high"]] == 0.0).all().all()
    assert exact["z"].isna().all()
    assert unreliable["estimate"].notna().all()
    assert unreliable["z"].isna().all()
    # An error bar that does not exist is empty; one that is merely not to be trusted is shown.
    none = unreliable["reason"].str.contains("does not exist")
    assert none.any()
    assert not none.all()
    assert unreliable[["mcse", "ci_low", "ci_high"]][none].isna().all().all()
    assert unreliable[["mcse", "ci_low"]][~none].notna().all().all()
    assert undefined[["estimate", "mcse", "ci_low", "ci_high", "theory", "z"]].isna().all().all()
    others = rows[rows["status"] != "ok"]
    assert (others["reason"].str.len() > 10).all()
    assert not others["reason"].str.contains(r"\n|\.$").any()
    assert ((rows["stop_reason"] == "undefined") == (rows["status"] == "undefined")).all()
    assert set(rows["stop_reason"]) == {"replications", "undefined"}


def test_a_row_that_a_few_replications_make_is_shown_but_not_tested():
    """Where k-hat says that the error bar is a few replications' work, it is shown without z."""
    frame = sn.sweep(
        "lognormal(s=2),uniform",
        estimators="quantile(q=0.98)",
        batch_sizes=[2],
        full_size=64,
        replications=256,
    ).frame
    by_khat = frame[frame["reason"].str.contains("k-hat")]
    # Of the mean square the ledger knows as much by the law alone.
    assert len(by_khat) >= 2
    assert set(by_khat["distribution"]) == {"lognormal(s=2)"}
    assert set(by_khat["status"]) == {"unreliable"}
    assert (by_khat["khat"] > 0.5).all()
    assert by_khat[["estimate", "mcse"]].notna().all().all()
    assert by_khat["z"].isna().all()
    ok = frame[frame["status"] == "ok"]
    assert ok["khat"].notna().any()
    assert not (ok["khat"] > 0.5).any()


def test_few_replications_are_shown_but_not_tested():
    """Error bars of a handful of replications are shown, called unreliable, and have no z."""
    frame = sn.sweep("normal", batch_sizes=[2], full_size=8, replications=5).frame
    live = frame[~frame["status"].isin(["exact"])]
    assert set(live["status"]) == {"unreliable"}
    assert live["reason"].str.contains("replications or more").all()
    assert live["mcse"].notna().all()
    assert frame["z"].isna().all()


def test_rows_that_are_exact(rows):
    """Against the full set: everything at n = N, and the mean's bias where n divides N."""
    exact = rows["status"] == "exact"
    full = rows["reference"] == "full_set"
    at_n = full & (rows["batch_size"] == 48)
    divides = full & (48 % rows["batch_size"] == 0)
    mean_bias = divides & (rows["estimator"] == "mean") & (rows["base"] == "bias")
    assert not (exact & ~(at_n | mean_bias)).any()
    # What has no moment or no constant stays undefined; everything else there is exact.
    assert set(rows["status"][at_n | mean_bias]) == {"exact", "undefined"}
    normal = rows["distribution"] == "normal"
    assert set(rows["status"][normal & at_n & (rows["estimator"] != "min")]) <= {
        "exact",
        "undefined",
    }
    assert set(rows["status"][normal & mean_bias]) == {"exact"}


def test_a_batch_of_one_has_a_mean_and_no_spread(rows):
    """At n = 1 the mean works; variances and standard deviations say why they do not."""
    one = rows[(rows["batch_size"] == 1) & (rows["distribution"] == "normal")]
    spreads = one["estimator"].str.contains("variance|std")
    assert set(one["status"][spreads]) == {"undefined"}
    assert one["reason"][spreads].str.contains("batch of one").all()
    mean = one[one["estimator"] == "mean"].set_index(["reference", "measure"])
    assert mean.loc["population"]["status"].eq("ok").all()
    assert mean.loc[("full_set", "bias"), "status"] == "exact"
    assert mean.loc[("full_set", "variance"), "theory"] == pytest.approx(1 - 1 / 48, rel=1e-15)
    # At n = 1 Q is the variance of the full set and its distance: rmse near 1 in any case.
    assert 0.9 < mean.loc[("population", "rmse"), "estimate"] < 1.1


def test_every_row_of_t5_without_an_error_bar_says_so(rows):
    """A t(df=5) row whose error bar needs a moment beyond the fifth is unreliable, without z."""
    t = rows[(rows["distribution"] == "t(df=5)") & (rows["base"] != "bias")]
    variance = t[t["estimator"].str.contains("variance") & (t["batch_size"].between(2, 47))]
    assert set(variance["status"]) == {"unreliable"}
    assert variance["z"].isna().all()
    mean = t[(t["estimator"] == "mean") & (t["reference"] == "population")]
    assert "ok" in set(mean["status"])
    assert mean["reason"][mean["status"] != "ok"].str.contains("k-hat").all()


# Small cases by hand


@pytest.fixture
def two_values(monkeypatch):
    """A run of 60 replications, half with A = 1 and Q = 2, half with A = 3 and Q = 12."""

    def errors(design, source, block, *, compiled=True):  # noqa: ARG001
        cells = len(sweep.cells(design))
        a, q = np.tile([1.0, 3.0], (cells, 30)), np.tile([2.0, 12.0], (cells, 30))
        # What is beyond R in the last block must not count.
        return np.pad(a, ((0, 0), (0, 9)), constant_values=77), np.pad(q, ((0, 0), (0, 9)))

    monkeypatch.setattr(sweep, "block_errors", errors)
    frame = sn.sweep(
        "normal(scale=2)",
        estimators="biased_variance",
        batch_sizes=[2],
        full_size=8,
        replications=60,
    ).frame
    return frame[frame["reference"] == "population"].set_index("measure")


def test_two_values_by_hand(two_values):
    """A = 1, 3 and Q = 2, 12 in turn give the measures, errors, z and intervals of arithmetic."""
    frame = two_values
    # Deviations of +-1 from a mean of 60 values: sd^2 = 60/59, standard error sqrt(1/59).
    unit = 1 / math.sqrt(59)
    # bias: 2, +-1. mse: 7, +-5. rmse: sqrt(7), 5/(2 sqrt(7)). variance: 7 - 4 + sd(A)^2/R, and
    # Q - 2*2*A is -2 or 0: +-1.
    estimates = {"bias": 2.0, "mse": 7.0, "rmse": math.sqrt(7), "variance": 3 + unit**2}
    errors = {
        "bias": unit,
        "mse": 5 * unit,
        "rmse": 5 * unit / (2 * math.sqrt(7)),
        "variance": unit,
    }
    for name in estimates:
        assert frame.loc[name, "estimate"] == pytest.approx(estimates[name], rel=ROUNDING)
        assert frame.loc[name, "mcse"] == pytest.approx(errors[name], rel=ROUNDING)
    # sigma^2 = 4, n = 2: the biased variance has bias -sigma^2/n = -2, so z = (2 + 2)/unit.
    assert frame.loc["bias", "theory"] == -2.0
    assert frame.loc["bias", "z"] == pytest.approx(4.0 / unit, rel=ROUNDING)
    # The 97.5 % quantile of Student's t with 59 degrees of freedom, from a printed table.
    assert frame.loc["bias", "ci_high"] == pytest.approx(2 + 2.0010 * unit, abs=5e-5 * unit)
    assert frame.loc["mse", "ci_low"] == pytest.approx(
        7 * math.exp(-2.0010 * 5 * unit / 7), abs=1e-4
    )


def test_relative_values_by_hand(two_values):
    """With sigma^2 = 4, bias and rmse are divided by 4, mse and variance by 16."""
    frame = two_values
    assert frame.loc["relative_bias", "estimate"] == pytest.approx(2 / 4, rel=ROUNDING)
    assert frame.loc["relative_rmse", "estimate"] == pytest.approx(math.sqrt(7) / 4, rel=ROUNDING)
    assert frame.loc["relative_mse", "estimate"] == pytest.approx(7 / 16, rel=ROUNDING)
    assert frame.loc["relative_variance", "mcse"] == pytest.approx(
        1 / math.sqrt(59) / 16, rel=ROUNDING
    )


def test_two_replications_by_the_kept_errors():
    """R = 2: every estimate and error is that of the two (A, Q) by the textbook formulas."""
    design = Design.make("exponential", batch_sizes=[2, 3], full_size=7, replications=2)
    (sums,) = engine.run(design).values()
    frame = sn.run(design).frame
    for position, cell in enumerate(sweep.cells(design)):
        a, q = sums.kept[:, position]
        chosen = frame[
            (frame["estimator"] == str(cell.estimator))
            & (frame["batch_size"] == cell.batch_size)
            & (frame["reference"] == cell.reference)
        ].set_index("measure")
        assert chosen.loc["bias", "estimate"] == pytest.approx(np.mean(a), rel=1e-12)
        assert chosen.loc["bias", "mcse"] == pytest.approx(abs(a[0] - a[1]) / 2, rel=1e-9)
        assert chosen.loc["mse", "estimate"] == pytest.approx(np.mean(q), rel=1e-12)
        assert chosen.loc["mse", "mcse"] == pytest.approx(abs(q[0] - q[1]) / 2, rel=1e-9)


def test_one_replication_has_estimates_and_no_error_bars():
    """R = 1: bias and mse are shown without error, the variance needs two replications."""
    frame = sn.sweep("normal", batch_sizes=[2, 3, 8], full_size=8, replications=1).frame
    live = frame[~frame["status"].isin(["exact"])]
    variance = live["measure"].str.endswith("variance")
    assert set(live["status"][variance]) == {"undefined"}
    assert set(live["reason"][variance]) == {"a variance needs two replications"}
    assert set(live["status"][~variance]) == {"unreliable"}
    assert set(live["reason"][~variance]) == {"one replication has no standard error"}
    assert live["estimate"][~variance].notna().all()
    assert frame["z"].isna().all()
    assert "nan" not in results.csv_text(frame)


def test_a_full_set_of_one():
    """N = 1: the batch is the full set, its mean is the observation, spreads are undefined."""
    frame = sn.sweep(
        "normal", estimators=list(ESTIMATORS), batch_sizes=[1], full_size=1, replications=500
    ).frame.set_index(["estimator", "reference", "measure"])
    frame = frame.sort_index()
    assert frame.loc[("mean", "full_set"), "status"].eq("exact").all()
    assert frame.loc[("median", "population", "bias"), "status"] == "ok"
    assert frame.loc[("mean", "population", "rmse"), "theory"] == 1.0
    # The mean square of 500 standard normals: standard error sqrt(2/500) = 0.063; 5 of them.
    assert frame.loc[("mean", "population", "mse"), "estimate"] == pytest.approx(1, abs=0.32)
    assert frame.loc["biased_variance", "status"].eq("undefined").all()


def test_a_batch_that_is_the_full_set_has_no_error():
    """n = N: every law and estimator is exactly its own full set, in the sums themselves."""
    design = Design.make(
        list(DISTRIBUTIONS),
        estimators=[*ESTIMATORS, "std(ddof=1)"],
        batch_sizes=[100],
        full_size=100,
        replications=20,
    )
    for sums in engine.run(design).values():
        for position, cell in enumerate(sweep.cells(design)):
            if cell.reference == "full_set":
                assert not sums.kept[:, position].any(), cell


@pytest.mark.parametrize("scale", ["1e29", "1e-29"])
def test_extreme_scales_stay_within_the_doubles(scale):
    """At the ends of the scales that are allowed every number is there and finite."""
    frame = sn.sweep(
        f"normal(scale={scale})", batch_sizes=[2], full_size=64, replications=400
    ).frame
    live = frame[frame["status"] != "exact"]
    assert set(live["status"]) == {"ok"}
    assert np.isfinite(live[["estimate", "mcse", "ci_low", "ci_high", "theory", "z"]]).all().all()


# Curves


def test_convergence_curves_end_at_the_table(whole):
    """Running RMSEs stand at 16, 32, ..., R, and the last is the table's, exact theory too."""
    curves = whole.curves
    assert list(curves.columns) == CURVES_COLUMNS
    assert set(curves["kind"]) == {"convergence", "distribution", "split"}
    curves = curves[curves["kind"] == "convergence"]
    assert set(curves["reference"]) == {"full_set"}
    assert sorted(set(curves["x"])) == [16.0, 32.0, 64.0, 128.0, 256.0]
    frame = whole.frame
    rmse = frame[(frame["measure"] == "rmse") & (frame["reference"] == "full_set")]
    shown = rmse[~rmse["status"].isin(["exact", "undefined"])]
    key = ["distribution", "estimator", "batch_size"]
    last = curves[curves["x"] == 256].merge(shown, on=key, suffixes=("", "_table"))
    assert len(last) == len(shown) == len(curves) / 5
    # The table merges blocks, the curve sums once: a few ulp apart.
    np.testing.assert_allclose(last["y"], last["estimate"], rtol=1e-11)
    shown = last["mcse"].notna()
    assert shown[last["status"] == "ok"].all()
    np.testing.assert_allclose(last["mcse"][shown], last["mcse_table"][shown], rtol=1e-9)
    exact = last["theory_table"].where(last["theory_kind"] == "exact")
    np.testing.assert_array_equal(last["theory"], exact)


# Keeping and reading


def same_bits(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    for name in one.columns:
        if one[name].dtype == np.float64:
            empty = one[name].isna().to_numpy()
            bits = [frame[name].to_numpy()[~empty].tobytes() for frame in (one, other)]
            assert bits[0] == bits[1], name


def test_a_folder_gives_the_result_back_bit_for_bit(whole, tmp_path):
    """Saved and loaded, a result has the same design, tables to the last bit, and provenance."""
    whole.save(tmp_path)
    again = sn.load(tmp_path)
    assert again.design == whole.design
    assert again.design.seed == 2**128 - 1
    same_bits(again.frame, whole.frame)
    same_bits(again.curves, whole.curves)
    assert again.provenance == whole.provenance
    assert repr(again) == repr(whole)
    copy = tmp_path / "copy"
    copy.mkdir()
    again.save(copy)
    for name in ("results.csv", "curves.csv", "provenance.json", "design.toml"):
        assert (copy / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_csv_has_empty_cells_where_there_is_no_value(whole):
    """No cell of the text says nan, inf or None; every row has all 27 cells."""
    lines = list(csv.reader(io.StringIO(results.csv_text(whole.frame))))
    assert lines[0] == COLUMNS
    assert {len(line) for line in lines} == {27}
    assert len(lines) == len(whole.frame) + 1
    cells = {cell.lower() for line in lines for cell in line}
    assert not cells & {"nan", "inf", "-inf", "none", "na", "<na>", "null"}
    columns = [line[COLUMNS.index("column")] for line in lines[1:]]
    assert set(columns) == {""}


def test_the_csv_ends_its_lines_alike_everywhere(whole, tmp_path):
    """Lines end in a bare newline on every system."""
    whole.save(tmp_path)
    data = (tmp_path / "results.csv").read_bytes()
    assert b"\r" not in data
    assert data.endswith(b"\n")


def test_provenance_names_what_made_the_numbers(whole):
    """Command, versions, platform, times and draws are there and can be written as JSON."""
    provenance = json.loads(json.dumps(whole.provenance, allow_nan=False))
    wanted = "command simnorm python numpy scipy platform cpu started finished seconds draws"
    assert set(f"{wanted} workers reducer".split()) <= set(provenance)
    assert provenance["reducer"] in ("compiled", "array")
    assert provenance["draws"] == tasks.total_draws(whole.design)
    started, finished = (pd.Timestamp(provenance[name]) for name in ("started", "finished"))
    assert started <= finished
    assert started.utcoffset().total_seconds() == 0


@pytest.mark.parametrize("name", ["design.toml", "results.csv", "curves.csv", "provenance.json"])
def test_a_folder_that_lacks_a_file_is_refused(name, tmp_path):
    """Without any one of its files a folder is no finished run, and the file is named."""
    small().save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SimnormError, match=name):
        sn.load(tmp_path)


def small(**changes):
    values = {"batch_sizes": [2], "full_size": 8, "replications": 4, "estimators": "mean,std"}
    return sn.sweep("normal", **(values | changes))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("results.csv", "estimate", "estimation"),
        ("results.csv", "\nsweep,law,normal,,8", "\nsweep,law,normal,,eight"),
        ("results.csv", "\nsweep", "\n\x00sweep,,"),
        ("results.csv", ",law,", ",law,extra,more,cells,"),
        ("curves.csv", "theory", "theories"),
        ("provenance.json", "{", "["),
        ("design.toml", "seed = ", "seeds = "),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(name, old, new, tmp_path):
    """A changed header, a word for a number, extra cells or broken JSON give the one message."""
    small().save(tmp_path)
    path = tmp_path / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SimnormError) as caught:
        sn.load(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_no_folder_cannot_be_loaded(tmp_path):
    """A missing folder and a file give the one message with the path."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in (tmp_path / "missing", tmp_path / "file", tmp_path):
        with pytest.raises(SimnormError, match="finished run"):
            sn.load(path)
        with pytest.raises(SimnormError, match="finished run"):
            sn.load(str(path))


def test_a_name_too_long_for_the_system_cannot_be_loaded():
    """A path that the system itself refuses is refused in our words."""
    with pytest.raises(SimnormError):
        sn.load("a" * 300)


def full_disk(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "mkdir", "replace", "sqlite"])
def test_a_full_disk_is_told_in_one_line(call, tmp_path, monkeypatch):
    """Whichever write fails, the run ends with a RunError that names the folder and the reason."""
    if call == "fsync":
        monkeypatch.setattr(store.os, "fsync", full_disk)
    elif call == "sqlite":
        true = sqlite3.connect

        def read_only(path, **options):
            true(path).close()
            return true(f"file:{path}?mode=ro", uri=True, **options)

        monkeypatch.setattr(store.sqlite3, "connect", read_only)
    else:
        monkeypatch.setattr(Path, call, full_disk)
    with pytest.raises(RunError) as caught:
        small(out=tmp_path / "run")
    message = str(caught.value)
    assert caught.value.exit_code == 1
    assert "it cannot be written" in message
    assert call == "sqlite" or "No space left on device" in message
    assert message.startswith(f"out: got '{str(tmp_path)[:20]}")
    assert len(message.splitlines()) == 1


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    """The library writes nothing unless it is asked to."""
    monkeypatch.chdir(tmp_path)
    small()
    assert list(tmp_path.iterdir()) == []


# What a Result can do


def test_table_is_the_frame_made_wide(whole):
    """A row per law and batch size, a column per estimator, in the order of the design."""
    table = whole.table("variance", reference="population", value="mcse")
    assert list(table.columns) == list(whole.design.estimators)
    assert list(table.index) == [
        (law, size) for law in whole.design.distributions for size in whole.design.batch_sizes
    ]
    frame = whole.frame
    for law, size, kind in (("gamma(a=2)", 5, "mean"), ("normal", 16, "std(ddof=1)")):
        (row,) = frame[
            (frame["distribution"] == law)
            & (frame["batch_size"] == size)
            & (frame["estimator"] == kind)
            & (frame["reference"] == "population")
            & (frame["measure"] == "variance")
        ].itertuples()
        assert table.loc[(law, size), kind] == row.mcse
    assert set(whole.table("rmse", value="status").to_numpy().ravel()) <= STATUSES
    assert whole.table().equals(whole.table("rmse", reference="full_set", value="estimate"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"measure": "RMSE"}, "measure: got 'RMSE'; allowed are bias, variance, mse, rmse"),
        ({"measure": ""}, "measure: got ''"),
        ({"reference": "file"}, "reference: got 'file'; allowed are full_set, population"),
        ({"value": "nothing"}, "value: got 'nothing'"),
    ],
)
def test_unknown_words_for_a_table_are_refused(whole, arguments, said):
    """An unknown measure, reference or value brings a message with those allowed."""
    with pytest.raises(SimnormError) as caught:
        whole.table(**arguments)
    assert said in str(caught.value)


def test_plot_draws_on_the_axes_it_is_given(whole):
    """`plot` returns axes: those given, or those of a new figure that pyplot does not know."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert whole.plot("variance", ax=ax) is ax
    assert ax.has_data()
    other = whole.plot("rmse", estimator="std(ddof=1)", reference="population")
    assert isinstance(other, Axes)
    assert other is not ax


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "RMSE"}, "Did you mean 'rmse'"),
        ({"reference": "file"}, "reference: got 'file'"),
        ({"estimator": "variance"}, "'variance'"),
        ({"estimator": "9**9**9"}, "9**9**9"),
    ],
)
def test_unknown_words_for_a_plot_are_refused(whole, arguments, said):
    """An unknown measure, reference or estimator brings a message, not a broken figure."""
    pytest.importorskip("matplotlib").use("Agg")
    with pytest.raises(SimnormError) as caught:
        whole.plot(**arguments)
    assert said in str(caught.value)


def test_an_estimator_that_the_run_does_not_hold_cannot_be_plotted():
    """A known estimator that was not computed is refused with those that were."""
    pytest.importorskip("matplotlib").use("Agg")
    with pytest.raises(SimnormError, match=r"mean, std\(ddof=0\)"):
        small().plot("rmse", estimator="median")


def test_a_result_shows_itself():
    """The repr says what was computed in one line; notebooks get a table."""
    result = small(seed=5)
    text = repr(result)
    assert len(text.splitlines()) == 1
    for part in ("sweep", "normal", "N = 8", "R = 4", "seed 5", f"{len(result.frame)} rows"):
        assert part in text
    assert "<table" in result._repr_html_()


def test_the_library_and_a_design_give_the_same(tmp_path):
    """`sweep`, `run` of its design and the loaded folder hold the same numbers."""
    one = small(out=tmp_path / "run")
    same_bits(sn.run(one.design).frame, one.frame)
    same_bits(sn.load(tmp_path / "run").frame, one.frame)


@pytest.mark.parametrize("workers", [0, -1, 1.5, "two", True, 5000])
def test_a_wrong_number_of_workers_is_refused(workers):
    """Workers are a whole number from 1."""
    with pytest.raises(SimnormError, match="workers"):
        small(workers=workers)
