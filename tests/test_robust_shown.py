"""What is shown of errors without an error bar to trust: terminal, report, `list ledger`."""

from __future__ import annotations

import math

import pytest
from typer.testing import CliRunner

import simnorm as sn
from simnorm.cli import app
from simnorm.cli.summary import robust_sentence
from simnorm.report import robust
from simnorm.report.facts import Quantity
from simnorm.report.tables import AMBER, UNRELIABLE, aligned, estimate_text
from simnorm.robust import QUANTILES
from simnorm.robust_table import Span, nearest_cell, robust_cells


@pytest.fixture(scope="module")
def frame():
    """A law whose variances have no error bar, one without moments, and one that is well."""
    return sn.sweep(
        ["normal", "t(df=5)", "cauchy"], batch_sizes=[4, 16, 64], full_size=256, replications=128
    ).frame


def test_cells_are_shown_in_the_unit_of_their_relative_measures(frame):
    """Per cent of the population value, sds, or the data's unit where a law has neither."""
    cells = {(c.name, c.estimator, c.batch_size, c.reference): c for c in robust_cells(frame)}
    variance = cells["t(df=5)", "biased_variance", 16, "full_set"]
    rows = frame[
        (frame["distribution"] == "t(df=5)")
        & (frame["estimator"] == "biased_variance")
        & (frame["batch_size"] == 16)
        & (frame["reference"] == "full_set")
    ].set_index("measure")
    assert variance.unit == "%"
    # The variance of t(df=5) is 5/3.
    for name in QUANTILES:
        assert variance.spans[name].value == pytest.approx(60.0 * rows.loc[name, "estimate"])
        assert variance.spans[name].low == pytest.approx(60.0 * rows.loc[name, "ci_low"])
    assert variance.reason == rows.loc["mse", "reason"]
    assert variance.has_no_rmse
    assert cells["cauchy", "mean", 16, "full_set"].unit == ""
    assert not any(name == "normal" for name, *_ in cells)
    # Where the mean square does not exist, what it would be divided by may.
    third = robust_cells(sn.sweep("t(df=3)", batch_sizes=[8], full_size=64).frame)
    units = {(cell.estimator, cell.unit) for cell in third}
    assert units >= {("mean", "sd"), ("biased_variance", "%"), ("std(ddof=0)", "%")}


def test_the_sentence_tells_of_the_first_estimator_that_lacks_an_error_bar(frame):
    """One at the batch size nearest to 16, with its quartiles and nine in ten; or no sentence."""
    cells = [c for c in robust_cells(frame) if c.name == "t(df=5)" and c.reference == "full_set"]
    text = robust_sentence(["mean", "biased_variance"], cells)
    start = "In place of the RMSE, right whatever the tails: half of the errors of the biased"
    assert text.startswith(start)
    assert "%, nine in ten from −" in text
    assert robust_sentence(["mean"], cells) == ""
    assert robust_sentence(["mean", "biased_variance"], []) == ""
    assert nearest_cell([]) is None


def test_a_missing_end_is_a_dash():
    """An interval whose end so few values do not have shows a dash."""
    assert Span(1.0, math.nan, 2.5).texts() == ("1.0", "[–, 2.5]")


def test_the_terminal_shows_it_under_the_table(tmp_path):
    """Under a table with parentheses, and not under one without."""
    sizes = ["--batch-sizes", "16", "--full-size", "64", "-q"]
    runner = CliRunner()
    for law, shown in (("t(df=3)", True), ("normal", False)):
        where = ["-o", str(tmp_path / law[0])]
        text = runner.invoke(app, ["sweep", "--dist", law, *sizes, *where]).stdout
        assert ("whatever the tails" in text) == shown
        assert max(map(len, text.splitlines())) <= 80


def test_the_section_names_cells_reasons_and_intervals(frame):
    """A row for every distribution and estimator in doubt, at the batch size nearest to 16."""
    found = robust.section(frame)
    rows = {(row[0], row[1]): row for row in found["rows"]}
    assert found["of"] == len(found["rows"]) == len(rows)
    row = rows["t(df=5)", "biased_variance"]
    assert row[2:6] == ["4–64", "16", "tail index 2.5 ≤ 4", "%"]
    assert all("[" in text for text in row[7::2])
    assert rows["cauchy", "mean"][4] == "tail index 1 ≤ 2"
    assert robust.section(frame[frame["distribution"] == "normal"]) is None


def test_reasons_in_a_few_words():
    """k-hats, replications and rare events are told shortly, other reasons as they are."""
    few = {
        "a few of the first 256 replications make the standard error (Pareto k-hat 0.57 > 0.5)": (
            "k-hat 0.57"
        ),
        "with these tails its standard error needs 1,400 replications or more": "R ≥ 1,400",
        "with these tails its standard error needs more replications than there can be": (
            "no run is long enough"
        ),
        "no replication differed from another": "no replication differed from another",
    }
    assert {reason: robust.short_reason(reason) for reason in few} == few


def test_amber_is_marked_and_counted(frame):
    """A k-hat above 0.3 and up to 0.5 is amber where the error bar is valid, and only there."""
    values = {0.3: False, 0.31: True, 0.5: True, 0.51: False, math.nan: False}
    for khat, is_amber in values.items():
        one = Quantity(1.0, 0.1, math.nan, "", "ok", "", khat)
        assert one.is_amber == is_amber
        assert estimate_text(one, amber=True).endswith(AMBER) == is_amber
        assert not estimate_text(one).endswith(AMBER)
    bad = Quantity(1.0, 0.1, math.nan, "", "unreliable", "", 0.4)
    assert estimate_text(bad, amber=True).endswith(UNRELIABLE)
    texts = aligned(["1.5 ± 0.1°", "10.25 ± 0.10"])
    daggers = aligned(["1.5 ± 0.1†", "10.25 ± 0.10"])
    assert texts == [text.replace("†", "°") for text in daggers]
    near = (frame["status"] == "ok") & frame["measure"].isin(["bias", "variance", "mse", "rmse"])
    assert robust.amber(frame.assign(khat=0.4)).startswith(f"{near.sum():,} rows of ")
    assert robust.amber(frame.assign(khat=0.1)) == ""


def test_the_ledger_is_listed_at_a_glance():
    """A row for every law, a mark for every estimator: t(df=5) has a bias of variances alone."""
    text = CliRunner().invoke(app, ["list", "ledger"]).stdout
    assert max(map(len, text.splitlines())) <= 80
    marks = {line.split()[0]: line.split()[1:] for line in text.splitlines()[7:]}
    assert all(len(row) == 13 for row in marks.values())
    assert set(marks["normal"]) == {"="}
    assert marks["t(df=5)"] == ["=", "b", *"=" * 11]
    assert marks["cauchy"] == [*"." * 6, *"=" * 7]
