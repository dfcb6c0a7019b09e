"""Rows of trials: every summary by hand, and what a design of a trial takes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.schedule import Sums
from simnorm.studies.drawing import Source, lanes_in_block, sources
from simnorm.tally import Tally
from simnorm.trials import Cell, corrected_t, row_of, rows

ZERO = np.zeros


def told(summary, a, q=None, **given):
    a = np.asarray(a, dtype=float)
    return row_of(Cell("x", 0, summary=summary, **given), a, ZERO(a.size) if q is None else q)


def test_a_mean_has_the_t_interval_of_its_replications():
    """As scipy's one-sample t."""
    a = [0.9, 0.7, 0.8, 1.0]
    row = told("mean", a)
    want = stats.ttest_1samp(a, 0.0).confidence_interval(0.95)
    assert row["estimate"] == pytest.approx(0.85)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(want))
    assert row["mcse"] == pytest.approx(stats.sem(a))
    assert row["status"] == "ok"


def test_a_ratio_is_the_geometric_mean():
    """Estimate and ends are exponentials of those of the logarithms; the error is the delta's."""
    logs = np.log([1.0, 2.0, 4.0])
    row, of_logs = told("ratio", logs), told("mean", logs)
    assert row["estimate"] == pytest.approx(2.0)
    assert row["ci_low"] == pytest.approx(math.exp(of_logs["ci_low"]))
    assert row["ci_high"] == pytest.approx(math.exp(of_logs["ci_high"]))
    assert row["mcse"] == pytest.approx(2.0 * of_logs["mcse"])


@pytest.mark.parametrize("summary", ["median", "median_ratio"])
def test_a_median_lies_between_order_statistics(summary):
    """Of six, the smallest and the largest: each misses the median with a chance of 1/64."""
    a = np.array([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    row = told(summary, a if summary == "median" else np.log(a))
    middle = 3.5 if summary == "median" else math.sqrt(3.0 * 4.0)
    assert row["estimate"] == pytest.approx(middle)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((1.0, 6.0))
    assert row["status"] == "ok"


def test_five_have_no_interval_for_their_median():
    """An end is missing, and the row says so."""
    row = told("median", [1.0, 2.0, 3.0, 4.0, 5.0])
    assert row["status"] == "unreliable"
    assert math.isnan(row["ci_low"])


def test_the_corrected_t_is_that_of_nadeau_and_bengio():
    """The variance of J = R k values times (1/J + n_test/n_train), J - 1 degrees of freedom."""
    values = np.random.default_rng(5).normal(0.02, 0.03, (10, 5))
    found = corrected_t(values.mean(axis=1), (values**2).mean(axis=1), folds=5)
    error = math.sqrt(values.var(ddof=1) * (1 / 50 + 1 / 4))
    assert found.estimate == pytest.approx(values.mean())
    assert found.mcse == pytest.approx(error)
    assert found.high - found.estimate == pytest.approx(stats.t.ppf(0.975, 49) * error)


def test_one_repeat_has_an_error_from_its_folds():
    """J is k then."""
    values = np.array([[0.1, 0.2, 0.3, 0.2]])
    found = corrected_t(values.mean(axis=1), (values**2).mean(axis=1), folds=4)
    assert found.mcse == pytest.approx(math.sqrt(values.var(ddof=1) * (1 / 4 + 1 / 3)))


def test_random_splits_have_one_value_each():
    """As the function for analysts says; the share of the test rows is told."""
    values = np.random.default_rng(6).normal(0.9, 0.02, 12)
    row = told("folds", values, values**2, folds=1, share=1 / 3)
    want = sn.corrected_t(values, test_share=0.25)
    assert row["mcse"] == pytest.approx(want.mcse)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((want.ci_low, want.ci_high))


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3])
def test_equal_folds_have_no_error_and_are_not_trusted(value):
    """What never differs has no standard error: rounding does not make one."""
    row = told("folds", np.full(7, value), np.full(7, value * value), folds=5)
    assert row["mcse"] == 0.0
    assert row["status"] == "unreliable"
    assert "no fold differed from another" in row["reason"]


def test_one_replication_has_no_error():
    """Nor has a ratio."""
    for summary in ("mean", "ratio"):
        row = told(summary, [0.5])
        assert row["status"] == "unreliable"
        assert math.isnan(row["mcse"])


def test_what_is_known_before_is_said():
    """Undefined and exact cells, and replications without a number."""
    assert told("mean", [1.0, 2.0], undefined="no batches")["status"] == "undefined"
    row = told("mean", [0.0, 0.0], exact="nothing is normalized")
    assert (row["status"], row["mcse"], row["ci_low"]) == ("exact", 0.0, 0.0)
    row = told("mean", [1.0, math.nan, 3.0])
    assert (row["status"], row["failed"], row["estimate"]) == ("failed", 1, 2.0)
    assert told("mean", [math.nan, math.nan])["status"] == "undefined"


def test_a_heavy_tail_is_noticed():
    """A few replications make the standard error."""
    a = np.random.default_rng(1).pareto(1.1, 400)
    assert told("mean", a)["status"] == "unreliable"
    assert told("median", a)["status"] == "ok"


def test_rows_have_the_columns_of_all_results():
    """Bundled data are named where distributions are."""
    design = Design.make(study="scaling", datasets="wine", replications=2)
    (source,) = sources(design)
    a, q = np.array([[0.5, 0.7]]), np.array([[0.3, 0.5]])
    sums = Sums(Tally.of(a, q), np.stack([a, q]))
    cell = Cell("accuracy", 0, "model=knn;scaler=none", "folds", folds=5)
    found = rows(design, source, [cell], sums, full_size=178, batches=5)
    assert found["source"][0] == "bundled"
    assert found["distribution"][0] == "wine"
    assert found["measure"][0] == "mean"
    assert found["estimate"][0] == pytest.approx(0.6)
    assert found["replications"][0] == 2


@pytest.mark.parametrize("word", ["scaling", "shift", "overhead"])
def test_a_block_of_a_trial_is_one_replication(word):
    """And its design is read back as it was written."""
    design = Design.make(study=word)
    assert lanes_in_block(design) == 1
    assert Design.from_toml(design.to_toml()) == design


def test_sources_of_trials():
    """Each of the bundled data, all columns of a file together, or one bench."""
    design = Design.make(study="scaling", datasets=["digits", "wine"])
    assert sources(design) == [Source("wine", "shuffle"), Source("digits", "shuffle")]
    data = {"a": [1.0, 2.0, 4.0, 3.0], "b": [0.0, 1.0, 5.0, 2.0], "c": ["x", "y", "x", "y"]}
    design = Design.make(study="scaling", data=data, target="c", batch_sizes=[2])
    assert sources(design) == [Source("", "shuffle", ("a", "b"))]
    assert design.dataset.group_codes("c").tolist() == [0, 1, 0, 1]
    assert sources(Design.make(study="overhead")) == [Source("", "shuffle")]


@pytest.mark.parametrize(
    ("word", "given", "said"),
    [
        ("scaling", {"target": "x"}, "target: got 'x'; it names the column"),
        ("scaling", {"data": {"a": [1.0, 2.0]}}, "target: got 'nothing'"),
        ("scaling", {"data": {"a": [1.0, 2.0], "b": [0, 1]}, "target": "b", "columns": "a,b"},
         "columns: got 'b'; it holds the classes"),
        ("scaling", {"data": {"a": [1.0]}, "target": "a", "datasets": "wine"}, "datasets: got"),
        ("scaling", {"datasets": "wins"}, "Did you mean 'wine'"),
        ("scaling", {"full_size": 10}, "full_size: got 10"),
        ("scaling", {"folds": 1}, "folds: got 1"),
        ("shift", {"data": {"a": [1.0]}}, "data: got 'dict'"),
        ("shift", {"distributions": "normal"}, "distributions: got 'normal'"),
        ("shift", {"sampling": "iid"}, "sampling: got 'iid'"),
        ("shift", {"target_mcse": "1%"}, "target_mcse: got '1%'"),
        ("overhead", {"replications": 1025}, "a whole number from 1 to 1,024"),
        ("overhead", {"widths": "0"}, "widths: got '0'"),
    ],
)  # fmt: skip
def test_what_a_trial_does_not_take_is_refused_in_one_line(word, given, said):
    """With the parameter, what came and what is allowed."""
    with pytest.raises(SimnormError, match=".*".join(said.split("; "))) as caught:
        Design.make(study=word, **given)
    assert "\n" not in str(caught.value)


def test_a_run_of_data_names_them_once_alike():
    """Provenance and design have the same hash, and the classes are called so."""
    data = {"a": np.arange(20.0), "b": np.arange(20.0) ** 2, "c": ["x", "y"] * 10}
    given = {"data": data, "target": "c", "batch_sizes": [4], "replications": 1, "folds": 2}
    result = sn.study("scaling", models="knn", **given)
    assert result.provenance["data_sha256"] == result.design.data_sha256
    assert result.provenance["columns_skipped"] == {"c": "it holds the classes"}


def test_batches_to_time_come_from_the_full_set():
    """None is larger than N, which an epoch has."""
    with pytest.raises(SimnormError, match="a batch cannot be larger than the full set"):
        Design.make(study="overhead", batch_sizes=[20_000])
    assert Design.make(study="scaling", batch_sizes=[20_000]).batch_sizes == (20_000,)
