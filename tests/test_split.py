"""The error about the population, split into a batch's own and the full set's."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import simnorm as sn
from simnorm.batch_laws.split import full_set_errors
from simnorm.engine import run
from simnorm.errors import SimnormError
from simnorm.estimators import UserEstimator, estimator
from simnorm.figures import split
from simnorm.figures.choice import main_rows
from simnorm.figures.split_parts import KEPT, parts_of, shares_of, split_estimators
from simnorm.figures.style import marks_of
from simnorm.report.findings.split import split_finding
from simnorm.studies import sweep
from simnorm.studies.drawing import sources
from simnorm.tally import Tally, measure
from simnorm.tasks import KEPT_REPLICATIONS


def splits(result: sn.Result) -> pd.DataFrame:
    curves = result.curves
    return curves[curves["kind"] == "split"]


def sums_of(result: sn.Result, number: int = 0):
    source = sources(result.design)[number]
    return source, run(result.design)[source]


@pytest.fixture(scope="module")
def whole():
    return sn.sweep(["normal(loc=2,scale=3)", "exponential", "t(df=5)", "t(df=3)", "cauchy"],
                    estimators="mean,biased_variance,unbiased_variance,std,median",
                    batch_sizes=[2, 8, 64], full_size=256, replications=400)  # fmt: skip


# -------------------------------------------------------------------------------------- exact cases


@pytest.mark.parametrize("scheme", ["shuffle", "replacement"])
def test_the_difference_of_both_errors_is_the_full_sets_own(scheme):
    """T_full - c of full sets drawn again, for every estimator, to 1e-10 of its size."""
    specs = "mean,biased_variance,std"
    result = sn.sweep("normal(loc=2,scale=3)", estimators=specs, batch_sizes=[3, 8], full_size=32,
                      replications=20, sampling=scheme)  # fmt: skip
    source, sums = sums_of(result)
    found = full_set_errors(sums.kept, sweep.cells(result.design, source))
    for spec, population in (("mean", 2.0), ("biased_variance", 9.0), ("std", 3.0)):
        kind = estimator(spec)
        for replication in (0, 7, 19):
            _, full = sweep.batches_of(result.design, source, replication, 3)
            expected = float(kind(full)[0]) - population
            assert found[kind][1][replication] == pytest.approx(expected, abs=1e-10)


def test_the_identity_holds_in_every_replication(whole):
    """Q about the population = Q about the full set + d^2 + 2 d A, d the full set's own error."""
    source, sums = sums_of(whole)
    cells = sweep.cells(whole.design, source)
    errors = full_set_errors(sums.kept, cells)
    for i, cell in enumerate(cells):
        if cell.reference == "population":
            other = cells.index(cell._replace(reference="full_set"))
            d, (a, q) = errors[cell.estimator][1], sums.kept[:, other]
            np.testing.assert_allclose(sums.kept[1, i], q + d * d + 2.0 * d * a, rtol=1e-9)


def test_a_point_is_the_root_mean_square_with_its_error(whole):
    """x is N, y and mcse are those of the differences of the kept replications."""
    source, sums = sums_of(whole)
    found = full_set_errors(sums.kept, sweep.cells(whole.design, source))
    rows = splits(whole)
    rows = rows[rows["distribution"] == source.distribution].set_index("estimator")
    assert (rows["x"] == 256.0).all()
    assert (rows["batch_size"] == 64).all()
    for kind, (_, d) in found.items():
        assert rows.loc[str(kind), "y"] == pytest.approx(math.sqrt((d * d).mean()), rel=1e-12)
        error = np.std(d * d, ddof=1) / math.sqrt(400) / (2.0 * rows.loc[str(kind), "y"])
        assert rows.loc[str(kind), "mcse"] == pytest.approx(error, rel=1e-9)


# ------------------------------------------------------------------------------------------- theory


def test_exact_theory_is_that_of_n_equal_to_the_full_size(whole):
    """3/16 for the mean of 256 with sd 3; of others the formulas with n = 256."""
    rows = splits(whole).set_index(["distribution", "estimator"])["theory"]
    assert rows["normal(loc=2,scale=3)", "mean"] == pytest.approx(3.0 / 16.0)
    assert rows["exponential", "mean"] == pytest.approx(1.0 / 16.0)
    # 9 sqrt(2 n - 1)/n of the biased variance of normal draws.
    expected = 9.0 * math.sqrt(511.0) / 256.0
    assert rows["normal(loc=2,scale=3)", "biased_variance"] == pytest.approx(expected)
    assert math.isnan(rows["exponential", "std(ddof=0)"])


def test_estimates_are_near_exact_theory(whole):
    """|z| < 4.5 for all of about a dozen, of which one in 10,000 runs would fail.

    A full set of N - 1 for N would not be seen here, but in the exact cases above; a batch for
    the full set is off by more than 20 standard errors.
    """
    rows = splits(whole)
    rows = rows[np.isfinite(rows["mcse"]) & np.isfinite(rows["theory"])]
    z = (rows["y"] - rows["theory"]) / rows["mcse"]
    assert 8 <= len(z) <= 16
    assert z.abs().max() < 4.5


def test_statuses_decide_what_is_there(whole):
    """Nothing for what has no mean square, no standard error where a fourth moment is missing."""
    rows = splits(whole)
    held = set(zip(rows["distribution"], rows["estimator"], strict=True))
    assert ("cauchy", "mean") not in held
    assert ("cauchy", "median") in held
    assert ("t(df=3)", "biased_variance") not in held
    by_cell = rows.set_index(["distribution", "estimator"])
    assert math.isnan(by_cell.loc[("t(df=5)", "biased_variance"), "mcse"])
    assert math.isnan(by_cell.loc[("t(df=3)", "mean"), "mcse"])
    assert by_cell.loc[("normal(loc=2,scale=3)", "std(ddof=0)"), "mcse"] > 0.0


def test_where_there_is_no_full_set_or_no_population_there_is_no_split():
    """Neither of iid draws nor of a file."""
    iid = sn.sweep("normal", batch_sizes=[2], full_size=32, replications=16, sampling="iid")
    assert splits(iid).empty
    file = sn.sweep(data=pd.DataFrame({"x": np.arange(32.0) ** 2}), batch_sizes=[2],
                    replications=16)  # fmt: skip
    assert splits(file).empty
    for result, word in ((iid, "full set"), (file, "file")):
        frame = main_rows(result.frame)
        figure = split.figure(frame, result.curves)
        assert word in figure.axes[0].texts[0].get_text()
        assert word in split_finding(frame, result.curves)


def test_replications_that_failed_are_left_out():
    """A function that fails in some replications has the split of the others."""

    def odd(x, axis=-1):
        found = x.mean(axis)
        return np.where(np.abs(found) > 1.9, np.nan, found)

    kind = UserEstimator(odd, "odd", population=0.0)
    result = sn.sweep("normal", estimators=[kind, "mean"], batch_sizes=[2], full_size=16,
                      replications=200)  # fmt: skip
    source, sums = sums_of(result)
    found = full_set_errors(sums.kept, sweep.cells(result.design, source))
    left = np.isfinite(found[kind][1])
    assert 0 < left.sum() < 200
    point = splits(result).set_index("estimator")
    expected = math.sqrt((found[estimator("mean")][1][left] ** 2).mean())
    assert point.loc["user.odd", "y"] == pytest.approx(expected)


def test_with_a_target_the_point_is_of_its_cell():
    """It is of the replications of the cell that it names, whenever others stop."""
    given = {"batch_sizes": [4, 16], "full_size": 64, "estimators": ["mean", "biased_variance"]}
    result = sn.sweep("normal", target_mcse="4%", **given)
    key = ["estimator", "batch_size", "reference"]
    counts = result.frame.groupby(key)["replications"].first()
    for row in splits(result).itertuples():
        R = counts[row.estimator, row.batch_size, row.reference]
        alone = sn.sweep("normal", replications=int(R), **given)
        point = splits(alone).set_index("estimator").loc[row.estimator]
        assert (row.y, row.mcse) == (point["y"], point["mcse"])


# ------------------------------------------------------------------------- figure and finding


def test_shares_of_a_mean_are_n_over_the_full_size(whole):
    """(1/n - 1/N) and 1/N of 1/n: the full set has n/N, nothing is common."""
    parts = parts_of(main_rows(whole.frame), whole.curves, "exponential", "mean")
    for share in shares_of(parts):
        assert share.full_set == pytest.approx(share.n / 256.0)
        assert share.batch == pytest.approx(1.0 - share.n / 256.0)
        assert share.rest == pytest.approx(0.0, abs=1e-12)


def test_a_biased_variance_has_a_covariance(whole):
    """E (batch - full)(full - c) = (1/N - 1/n)(Var S^2 - 1/N) for sd 1: twice that is the rest.

    With S^2 unbiased the batch's error is a (s^2 - S^2) + (a - b) S^2, a = 1 - 1/n, b = 1 - 1/N;
    the first is uncorrelated with S^2, and the full set's error is b S^2 - 1.
    """
    parts = parts_of(main_rows(whole.frame), whole.curves, "normal(loc=2,scale=3)",
                     "biased_variance")  # fmt: skip
    N = 256.0
    for share in shares_of(parts):
        n = float(share.n)
        a, b, spread = 1.0 - 1.0 / n, 1.0 - 1.0 / N, 2.0 / (N - 1.0)
        common = (a - b) * (b * (1.0 + spread) - 1.0)
        mse = (2.0 * n - 1.0) / n**2
        assert share.rest == pytest.approx(2.0 * common / mse, abs=1e-12)


def test_panels_of_a_location_and_a_scale(whole):
    """Titles name law and estimator; three labels say what the curves are; N is on the axis."""
    figure = split.figure(main_rows(whole.frame), whole.curves)
    figure.draw_without_rendering()
    titles = [ax.get_title(loc="left").replace("\n", "") for ax in figure.axes]
    assert titles[:2] == ["normal(loc=2,scale=3): mean", "normal(loc=2,scale=3): std(ddof=0)"]
    words = {text.get_text() for text in figure.axes[0].texts}
    assert words == {"about the population", "about the full set",
                     "the full set’s own, N = 256"}  # fmt: skip
    assert "256" in [text.get_text() for text in figure.axes[-1].get_xticklabels()]


def test_the_last_point_of_the_curve_is_the_full_set(whole):
    """About the population a batch of N is the full set: theory goes there without a step."""
    parts = parts_of(main_rows(whole.frame), whole.curves, "exponential", "mean")
    n = parts.population["batch_size"].to_numpy(dtype=float)
    theory = parts.population["theory"].to_numpy(dtype=float)
    np.testing.assert_allclose(theory, 1.0 / np.sqrt(n))
    assert n[-1] == 256.0
    inside = parts.full_set["theory"].to_numpy(dtype=float)
    m = parts.full_set["batch_size"].to_numpy(dtype=float)
    np.testing.assert_allclose(inside, np.sqrt(1.0 / m - 1.0 / 256.0))


def test_intervals_are_those_of_students_t():
    """Of 64 replications 1.998 standard errors, on the log scale, not 1.96."""
    few = sn.sweep("normal", estimators="mean", batch_sizes=[4], full_size=64, replications=64)
    row = parts_of(main_rows(few.frame), few.curves, "normal", "mean").population.iloc[-1]
    assert row["batch_size"] == 64
    share = 1.998341 * row["mcse"] / row["estimate"]
    assert math.log(row["ci_high"] / row["estimate"]) == pytest.approx(share, rel=1e-6)
    assert math.log(row["estimate"] / row["ci_low"]) == pytest.approx(share, rel=1e-6)
    assert KEPT == KEPT_REPLICATIONS


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_labels_stand_on_the_sides_of_their_curves(factor, whole):
    """The label of the larger errors is above its curve and near its start, that of the others not.

    Of heavy tails errors about the full set can be the larger ones.
    """
    parts = parts_of(main_rows(whole.frame), whole.curves, "exponential", "std(ddof=0)")
    moved = parts.full_set.assign(estimate=factor * parts.full_set["estimate"])
    ax = Figure().subplots()
    split._panel(ax, parts._replace(full_set=moved), marks_of(["exponential"])["exponential"])
    sides = {text.get_text(): text.get_verticalalignment() for text in ax.texts[1:]}
    upper, lower = (split.ABOUT_POPULATION, split.ABOUT_FULL_SET)[:: 1 if factor < 1.0 else -1]
    assert sides == {upper: "bottom", lower: "top"}
    first, second = (text.xy[0] for text in ax.texts[1:])
    assert ax.texts[1].get_text() == upper
    assert first <= second


def test_the_note_is_right_when_the_first_is_furthest():
    """Of three names the first is off furthest: the second panel is of the others."""
    three = sn.sweep(["exponential", "uniform", "normal"], estimators="std", batch_sizes=[2, 8],
                     full_size=64, replications=64)  # fmt: skip
    figure = split.figure(main_rows(three.frame), three.curves)
    said = " ".join(text.get_text() for text in figure.texts)
    assert "the first, and of the others the one whose full sets are off furthest" in said


def test_the_finding_says_whose_error_it_is(whole):
    """Of a mean at n = 2 and 64 of 256: 0.78 % and 25 %."""
    text = split_finding(main_rows(whole.frame), whole.curves, "mean")
    assert "0.78 % of the mean squared error" in text
    assert "25 % at n = 64" in text
    assert "covariance" not in text


def test_one_size_and_wrong_words(whole):
    """A single size can be drawn; an estimator that is not split is refused."""
    one = sn.sweep("normal", estimators="std", batch_sizes=[8], full_size=64, replications=64)
    figure = split.figure(main_rows(one.frame), one.curves)
    figure.draw_without_rendering()
    assert "at n = 8;" in split_finding(main_rows(one.frame), one.curves)
    with pytest.raises(SimnormError, match="estimator"):
        split_estimators(main_rows(whole.frame), whole.curves, "max")


def test_full_sets_that_are_never_off_have_no_line():
    """The median of rare ones is 0 in every full set of 1,024: said in words, on axis and page."""
    rare = sn.sweep("bernoulli(p=0.02)", estimators="median", batch_sizes=[2, 8, 32],
                    full_size=1024, replications=64)  # fmt: skip
    frame = main_rows(rare.frame)
    parts = parts_of(frame, rare.curves, "bernoulli(p=0.02)", "median")
    assert parts.level == 0.0
    for figure in (split.figure(frame, rare.curves), rare.plot("split").figure):
        figure.draw_without_rendering()
        low, high = figure.axes[0].get_ylim()
        assert 0.0 < low < 0.72 < high or 0.0 < low < 72.0 < high
        words = [text.get_text() for text in figure.axes[0].texts]
        assert "the full set’s own, N = 1,024: 0 in every replication" in words
    text = split_finding(frame, rare.curves)
    assert "no full set that was drawn (N = 1,024) is off" in text


def test_errors_that_are_all_zero_have_no_axis():
    """Where batches are never off either there is a sentence for a panel."""
    rare = sn.sweep("bernoulli(p=0.000001)", estimators="median", batch_sizes=[8, 32],
                    full_size=64, replications=16)  # fmt: skip
    figure = split.figure(main_rows(rare.frame), rare.curves)
    figure.draw_without_rendering()
    assert "zero" in figure.axes[0].texts[0].get_text()
    assert "no batch that was drawn is off" in split_finding(main_rows(rare.frame), rare.curves)


def test_the_measure_is_that_of_the_tally():
    """A root mean square by hand: of 3 and 4, sqrt(12.5)."""
    errors = np.array([[3.0, -4.0]])
    found = measure(Tally.of(errors, errors**2), "rmse")
    assert float(found.estimate[0]) == pytest.approx(math.sqrt(12.5))
