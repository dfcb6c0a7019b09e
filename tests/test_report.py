"""The report: its sentences say what the table says, its PDF is whole and repeatable."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tomllib
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from tiny_tables import (
    NAN,
    TinyDesign,
    TinyResult,
    cell,
    curves_of,
    frame_of,
    row,
    tiny_frame,
    undefined_frame,
)

from simnorm.errors import RunError
from simnorm.estimators import ESTIMATORS
from simnorm.figures.choice import main_rows
from simnorm.figures.notes import why_nothing
from simnorm.report import text, write_report
from simnorm.report.chapters.sweep.first import opening
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.facts import Needed, featured_size, look_up, needed_size
from simnorm.report.names import escaped, shown_names
from simnorm.report.pieces import SYMBOLS
from simnorm.report.tables import (
    aligned,
    answer_table,
    estimate_words,
    performance_table,
    printed_sizes,
)

HOSTILE = ("$x^2$ *b* #evil() @r <a> [c] `d` \\e", "\u5217\U0001f600")


def has(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def written(result, path):
    write_report(result, path)
    return path


def words_of(path):
    out = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return re.sub(r"\s+", " ", out.stdout.decode())  # a protected space is a space too


# ---------------------------------------------------------------------------------- sentences


def test_the_answer_quotes_the_table():
    # Exact RMSE at n = 16: std 1/sqrt(32) = 17.7 %, mean 1/4. Between 16 and 64 the squared error
    # of std is 1/(2n), linear in 1/n: 10 % at n = 50. The other one is off by twice as much.
    assert text.answer(tiny_frame()) == (
        "A batch of 16 observations misses its full set’s standard deviation by 18 % (normal) to "
        "35 % (t(df=5)), and its mean by 0.25 standard deviations, in root mean square. It takes "
        "about 50 observations to bring the standard deviation within 10 % for normal, and more "
        "than the 64 simulated for t(df=5)."
    )


def test_the_answer_says_that_there_is_none():
    assert text.answer(undefined_frame()) == (
        "None of the errors asked for exists: every value is undefined. "
        "The reason: a reason for undefined."
    )
    assert text.tiles(undefined_frame()) == []


def test_the_shape_matters_for_one_and_not_for_the_other():
    assert text.shape_matters(tiny_frame()) == (
        "The shape of the distribution matters for the standard deviation, but not for the mean."
    )


def test_tiles_give_estimate_and_exact_value():
    first, second, third = text.tiles(tiny_frame())
    assert first["number"] == "18–35 %"  # As far as the box says, and as many digits.
    assert first["caption"].endswith("of a batch of 16, normal to t(df=5)")
    assert first["detail"] == "normal: simulated 17.5 ± 0.2 %, exact 17.7 %"
    assert second["number"] == "0.25 sd"
    assert (third["number"], third["detail"]) == ("≈ 50", "for 5 %: > 64")


def test_needed_size():
    frame = tiny_frame()
    assert needed_size(frame, "normal", "mean", 0.25) == Needed("between", 16)
    assert needed_size(frame, "normal", "mean", 0.2) == Needed("between", 25)
    assert needed_size(frame, "normal", "mean", 0.9) == Needed("smallest", 2)
    assert needed_size(frame, "normal", "mean", 0.01) == Needed("beyond", 64)
    assert needed_size(undefined_frame(), "cauchy", "mean", 0.1).text() == "–"
    # An error of zero at n = N does no harm.
    whole = frame_of(cell("a", "mean", 32, 0.2) + cell("a", "mean", 64, 0.0, status="exact"))
    assert needed_size(whole, "a", "mean", 0.1) == Needed("between", 52)


def test_the_featured_size_is_the_one_nearest_to_16():
    assert featured_size(tiny_frame()) == 16
    assert featured_size(undefined_frame()) in (2, 4)
    assert featured_size(tiny_frame().iloc[:0]) == 0


def test_bias_is_described_by_kind():
    rows = [row(name, "biased_variance", 16, "relative_bias", -0.0625) for name in ("a", "b")] + [
        row("a", "unbiased_variance", 16, "relative_bias", 0.0, off=1.5)
    ]
    rows += [row("a", "std(ddof=1)", 16, "relative_bias", value) for value in (-0.02,)]
    rows += [row("b", "std(ddof=1)", 16, "relative_bias", -0.03)]
    assert text.bias_finding(frame_of(rows)) == (
        "At batch size 16 biased_variance is too small by 6.2 %, whatever the distribution; "
        "std(ddof=1) is too small by 2.0 % (a) to 3.0 % (b). In theory unbiased_variance has "
        "no bias for a; the largest estimate is 1.5 ± 1.0 %."
    )


def biases(word, values, n=16, **how):
    """Relative biases of one estimator by name."""
    return [row(name, word, n, "relative_bias", value, **how) for name, value in values.items()]


def test_no_bias_in_theory_is_told_where_theory_says_so_of_every_batch_size():
    """A batch that is the whole full set has no error, which says nothing of other batches."""
    whole = biases("std(ddof=0)", {"a": 0.0}, 64, status="exact")
    rows = biases("std(ddof=0)", {"a": -0.05}, kind="") + whole
    assert text.bias_finding(frame_of(rows)) == (
        "At batch size 16 std(ddof=0) is too small by 5.0 %."
    )
    exact, other = (
        biases("std(ddof=0)", {"a": 0.0}, n, kind=k) for n, k in ((8, "exact"), (16, ""))
    )
    some = frame_of(exact + other)
    assert "In theory" not in text.bias_finding(some)
    gone = biases("std(ddof=0)", {"a": 0.0}, 2, status="undefined")
    assert text.bias_finding(frame_of(gone + whole)) == "No bias exists here."


def test_a_bias_says_whose_it_is_where_not_all_have_it():
    """Of three distributions two have the bias, or one."""
    gone = biases("std(ddof=0)", {"c": 0.0}, status="undefined")
    two = frame_of(biases("std(ddof=0)", {"a": -0.0625, "b": -0.0625}) + gone)
    assert "too small by 6.2 % for 2 of 3 distributions." in text.bias_finding(two)
    one = frame_of(biases("std(ddof=0)", {"a": -0.0625}) + gone)
    assert "too small by 6.2 % for a." in text.bias_finding(one)


def test_the_bias_of_a_location_is_in_standard_deviations():
    """1.68 of them are 168 % of one; of none and a little, only the little is told."""
    low = frame_of(biases("min", {"a": 1.68, "b": 0.5}))
    assert text.bias_finding(low).endswith(
        "min is too large by 50 % (b) to 168 % (a) of a standard deviation."
    )
    none = frame_of(biases("median", {"a": 0.0, "b": 0.032}))
    assert text.bias_finding(none).endswith(
        "median is too large by up to 3.2 % of a standard deviation (b)."
    )


def test_what_rounding_leaves_is_no_bias():
    """A billionth of a billionth of an RMSE of a quarter."""
    rows = biases("median", {"a": -1.1e-18, "b": 3.8e-18}, kind="exact")
    rows += [row(name, "median", 16, "relative_rmse", 0.25) for name in ("a", "b")]
    assert text.bias_finding(frame_of(rows)).startswith("In theory median has no bias;")
    estimated = frame_of(rows).assign(theory_kind="asymptotic")
    assert text.bias_finding(estimated) == "At batch size 16 median has no bias."


def test_variance_falls_with_the_power_one():
    """The table has 1/(2n) against a full set of 64: of n = 4 to 16 the power of 1/n - 1/64."""
    finding = text.variance_finding(tiny_frame())
    assert "(normal) to 0.125 (t(df=5))" in finding
    power = math.log(16 / 4) / math.log((1 / 4 - 1 / 64) / (1 / 16 - 1 / 64))
    assert round(power, 1) == 0.9
    assert "it goes with the power 0.9 of (1/n − 1/N)." in finding
    free = text.variance_finding(tiny_frame().assign(sampling="replacement"))
    assert "In the upper half of the batch sizes it falls like 1/n." in free
    assert "95 %" not in finding  # All from the same draws: the audit says what that means.


def test_the_verdict_of_the_audit_names_the_worst():
    frame = tiny_frame()
    assert text.trust(frame) == (
        "Checked against exact theory in 30 places: no disagreement. Hollow points have no valid "
        "error bar and are not checked."
    )
    assert text.audit_finding(frame).startswith("The run agrees with exact theory: of 30 questions")
    share = text.intervals_sentence(frame)
    assert share.startswith("Of 15 intervals of the RMSE (each 95 %) with exact theory 15 contain")
    assert "the same draws" in share
    worst = (frame["estimator"] == "mean") & (frame["batch_size"] == 4)
    worst &= (frame["measure"] == "variance") & (frame["distribution"] == "normal")
    off = frame.assign(z=frame["z"].where(~worst, -9.0))
    finding = text.audit_finding(off)
    assert "30 places: 1 of them disagrees by more than chance explains." in text.trust(off)
    assert "does not agree" in finding
    assert "9.00, above the bound" in finding
    assert "the variance of mean (normal, batch size 4)" in finding
    assert text.audit_finding(undefined_frame()).startswith("No row could be checked")
    assert text.intervals_sentence(undefined_frame()) == ""


def test_hollow_points_far_below_theory_are_explained():
    """Only where an estimate without a valid error bar has exact theory 1.5 times as large."""
    frame = tiny_frame()
    rare = (frame["status"] == "unreliable") & (frame["measure"] == "variance")
    assert rare.any()
    assert text.unmet(frame, "variance") == ""
    near, far = (
        frame.assign(
            theory=frame["estimate"].where(rare, frame["theory"]) * times,
            theory_kind="exact",
        )
        for times in (1.4, 1.6)
    )
    assert text.unmet(near, "variance") == ""
    assert "observations so rare" in text.unmet(far, "variance")
    assert text.unmet(far[far["status"] == "ok"], "variance") == ""


def test_convergence_counts_only_cells_with_exact_theory_and_error_bar():
    frame = tiny_frame()
    finding = text.convergence_finding(frame, curves_of(frame))
    assert "After 64 replications the RMSE of all 15 cells" in finding
    assert "no" in text.convergence_finding(undefined_frame(), curves_of(undefined_frame())).lower()
    assert text.convergence_finding(frame, curves_of(frame).assign(mcse=np.nan)) == (
        "No running RMSE that has an exact value to converge to has a valid error bar."
    )


def test_the_number_of_batches_is_that_of_the_measures():
    """Quantiles of errors take one batch of each full set, whatever k is."""
    frame = tiny_frame()
    assert text.cutting_sentence(frame).startswith("Here k is 32 (smallest n) to 1 (largest n).")
    four = frame[frame["batch_size"] < 64]
    one = four.iloc[:1].assign(measure="quantile(q=0.25)", batches=1)
    assert text.cutting_sentence(pd.concat([four, one])).startswith(
        "Here k is 32 (smallest n) to 4 (largest n)."
    )


def test_a_range_of_sizes_says_whom_it_leaves_out():
    """Up to the largest batch size is not for ever; without a valid error bar is not nobody."""
    lines = [line for n in (4, 16, 64) for line in cell("a", "mean", n, 0.4 * n**-0.5)]
    lines += [line for n in (4, 16, 64) for line in cell("b", "mean", n, n**-0.5)]
    how = {"status": "unreliable", "kind": ""}
    lines += [line for n in (4, 16, 64) for line in cell("c", "mean", n, 0.5 * n**-0.5, **how)]
    assert text.rmse_finding(frame_of(lines)).startswith(
        "The RMSE of mean is down to 10 % of a standard deviation at a batch size of about 16 (a), "
        "and not up to 64 for b; for c it is not known well enough."
    )
    assert text.answer(frame_of(lines)).endswith(
        "deviation for a, and more than the 64 simulated for b."
    )


def test_a_batch_of_all_is_told_as_such():
    """Of five rows four are not enough: it takes them all."""
    lines = cell("a", "mean", 4, 0.25) + cell("a", "mean", 5, 0.0, status="exact")
    frame = frame_of(lines).assign(full_size=5)
    assert "It takes all 5 observations to bring the mean" in text.answer(frame)
    assert "at a batch size of N = 5." in text.rmse_finding(frame)
    anew = frame.assign(sampling="replacement")
    assert "It takes about 5 observations" in text.answer(anew)


def test_where_only_the_full_set_has_an_error_of_zero_the_page_says_so():
    """Of a Cauchy law no batch has an RMSE but the one that is the full set, which has none."""
    lines = cell("cauchy", "mean", 16, 1.0, status="undefined")
    frame = frame_of(lines + cell("cauchy", "mean", 64, 0.0, status="exact"))
    assert text.answer(frame) == (
        "No batch smaller than its full set has an RMSE. The reason: a reason for undefined."
    )
    assert why_nothing(frame) == (
        "Nothing to show: every value is undefined (a reason for undefined), or zero."
    )
    run = Run(frame, main_rows(frame), curves_of(frame), pd.DataFrame(), TinyDesign(), {})
    assert not run.has("overview")


def test_failed_replications_are_told_on_the_first_page():
    """How many of how many, and that the numbers are of the others."""
    how = {"status": "failed", "kind": ""}
    lines = cell("a", "user.f", 16, 0.25, **how) + cell("b", "user.f", 16, 0.25, **how)
    frame = frame_of(lines).assign(theory=np.nan, replications=10, failed=54)
    assert text.shape_matters(frame) == (
        "The statistic f failed in 54 (a) to 54 (b) of 64 replications, and the numbers are of the "
        "others."
    )
    value = look_up(frame, "a", "user.f", 16, "rmse")
    assert "of the replications that did not fail" in estimate_words(value)


def test_page_one_says_that_there_are_other_schemes():
    """Figures and numbers are of one; what the others are is said before them."""
    whole = pd.concat([tiny_frame(), tiny_frame().assign(sampling="replacement")])
    run = Run(whole, main_rows(whole), curves_of(whole), pd.DataFrame(), TinyDesign(), {})
    assert opening(run)["setting"].endswith(
        "This page is about the sampling scheme shuffle; the section on sampling schemes compares "
        "it with replacement."
    )
    mine = main_rows(tiny_frame())
    alone = Run(tiny_frame(), mine, curves_of(mine), pd.DataFrame(), TinyDesign(), {})
    assert "scheme" not in opening(alone)["setting"]


def test_without_a_full_set_the_title_asks_for_the_population():
    """What there is not is not asked for."""
    frame = frame_of(cell("a", "mean", 16, 0.25, reference="population")).assign(sampling="iid")
    assert text.title(frame) == "How far is a batch from the population?"
    assert text.title(tiny_frame()) == text.TITLE
    assert "1 distribution: a. Sets of N" in text.data_sentence(frame)


def test_statuses_are_counted_and_explained():
    assert text.status_sentence(tiny_frame()) == (
        "Of 128 rows of the table, 120 are ok and 8 unreliable."
    )
    assert text.status_sentence(undefined_frame()) == "All 16 rows of the table are undefined."
    assert text.not_ok(tiny_frame()) == [
        ["unreliable", "t(df=5)", "std(ddof=0)", "8", "a reason for unreliable"]
    ]


def test_reasons_that_differ_in_a_number_or_a_name_are_one():
    rows = [row(name, "std(ddof=0)", 4, "rmse", 0.1, status="unreliable") for name in "abc"]
    frame = frame_of(rows).assign(
        reason=["a few (Pareto k-hat 0.57 > 0.5)", "a few (Pareto k-hat 0.61 > 0.5)", "max of c"]
    )
    assert [line[1:] for line in text.not_ok(frame)] == [
        ["a and b", "std(ddof=0)", "2", "a few (Pareto k-hat > 0.5)"],
        ["c", "std(ddof=0)", "1", "max of the distribution"],
    ]


def absolute_only(lines):
    """The same rows without relative values, as those of a range of an unbounded distribution."""
    nothing = dict.fromkeys(("estimate", "mcse", "theory", "ci_low", "ci_high", "z"), NAN)
    nothing |= {"theory_kind": "", "status": "undefined", "reason": "no population value"}
    return [line | nothing if line["measure"].startswith("relative_") else line for line in lines]


def test_without_relative_errors_the_answer_is_in_the_unit_of_the_data():
    frame = frame_of(absolute_only(cell("normal", "range", 16, 0.5)))
    assert text.answer(frame) == (
        "A batch of 16 observations (normal) misses its full set’s range by 0.50 in the unit of "
        "the data, in root mean square."
    )
    (tile,) = text.tiles(frame)
    assert tile["number"] == "0.50"
    assert tile["caption"] == "RMSE of the range of a batch of 16 in the unit of the data"
    assert text.variance_finding(frame).startswith(
        "At batch size 16 the variance of range is 0.250 in the squared unit of the data."
    )
    assert text.rmse_finding(frame).startswith(
        "At batch size 16 the RMSE of range is 0.500 in the unit of the data."
    )
    assert text.absolute_sentence(frame, "rmse") == "Absolute, not relative: range."
    assert text.figure_heads(frame) == {"bias": "Bias", "rmse": "RMSE"}
    assert text.figure_heads(tiny_frame())["rmse"] == "Relative RMSE"
    table = answer_table(frame)
    assert table["groups"][0]["head"] == "RMSE of the range, unit of data"
    assert (table["needs"], len(table["rows"][0])) == ("", 2)


def test_a_shape_has_no_unit():
    frame = frame_of(
        absolute_only(cell("normal", "skewness", 16, 0.5)) + cell("gumbel", "skewness", 16, 0.7)
    )
    assert "skewness by 0.50 (normal) to 0.70 (gumbel), in root mean square." in text.answer(frame)
    assert text.shape_matters(frame) == "The shape of the distribution matters for the skewness."
    assert answer_table(frame)["groups"][0]["head"] == "RMSE of the skewness, absolute"


def test_in_the_unit_of_the_data_shapes_are_not_compared():
    lines = cell("normal", "range", 16, 0.5) + cell("gumbel", "range", 16, 0.7)
    assert text.shape_matters(frame_of(absolute_only(lines))) == ""
    assert text.shape_matters(frame_of(lines)).endswith("matters for the range.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("iqr", "median"), "interquartile range by 50 %, and its median by 0.50 standard"),
        (("min", "max"), "minimum by 0.50 standard deviations, and its maximum by 0.50 standard"),
        (("user.f",), "full set’s statistic f by 50 %, in root"),
        (("trimmed_mean(proportion=0.1)",), "trimmed mean (proportion 0.1) by 0.50 standard"),
    ],
)
def test_the_answer_speaks_of_what_there_is(words, said):
    frame = frame_of([line for word in words for line in cell("a", word, 16, 0.5)])
    assert said in text.answer(frame)


def test_the_needed_size_says_of_what_it_is():
    lines = absolute_only(cell("a", "range", 16, 0.5)) + cell("a", "min", 16, 0.5)
    assert text.answer(frame_of(lines)).endswith(
        "Even the largest batch simulated, 16 observations, does not bring the minimum within 10 % "
        "of a standard deviation."
    )
    assert answer_table(frame_of(lines))["needs"] == "minimum"
    lines += absolute_only(cell("a", "range", 64, 0.3)) + cell("a", "min", 64, 0.05)
    # From 0.25 to 0.0025 the squared error falls by a power: 0.01 is at 16 25^(ln 4/ln 100) = 42.2.
    assert text.answer(frame_of(lines)).endswith(
        "It takes about 43 observations to bring the minimum within 10 % of a standard deviation."
    )


def test_estimators_say_what_their_relative_errors_divide_by():
    words = ("quantile(q=0.9)", "trimmed_mean(proportion=0.1)", "iqr", "user.f", "user.g")
    lines = [line for word in words[:-1] for line in cell("a", word, 16, 0.5)]
    lines += absolute_only(cell("a", "user.g", 16, 0.5))
    found = {line["spec"]: (line["word"], line["by"]) for line in text.remarks(frame_of(lines))}
    assert found == {
        "quantile(q=0.9)": ("quantile", "population sd"),
        "trimmed_mean(proportion=0.1)": ("trimmed_mean", "population sd"),
        "iqr": ("iqr", "its population value"),
        "user.f": ("user", "population value, or sd, as given"),
        "user.g": ("user", "nothing: there are none"),
    }


def test_every_estimator_has_a_definition_in_the_template():
    for word, kind in ESTIMATORS.items():
        assert word in SYMBOLS or str(kind()) in SYMBOLS, word


def failed_frame():
    lines = cell("a", "user.f", 16, 0.5, kind="") + cell("b", "user.f", 16, 0.7, kind="")
    frame = frame_of(lines)
    lost = frame["distribution"] == "b"
    reasons = [f"{i} of 100 replications failed; replication {i}: no luck" for i in range(1, 9)]
    frame.loc[lost, "status"] = "failed"
    frame.loc[lost, "failed"] = range(1, 9)
    frame.loc[lost, "reason"] = reasons
    return frame


def test_failed_rows_count_as_estimates_and_are_told_of():
    frame = failed_frame()
    assert text.status_sentence(frame) == (
        "Of 16 rows of the table, 8 are ok and 8 failed. In 8 rows 1 to 8 replications failed."
    )
    assert text.not_ok(frame) == [["failed", "b", "user.f", "8", "in some replications: no luck"]]
    assert "statistic f by 50 % (a) to 70 % (b)" in text.answer(frame)
    (fine,), (marked,) = (
        [row[0] for row in answer_table(frame)["rows"] if ("70" in row[0]) == last]
        for last in (False, True)
    )
    assert marked.startswith("70.00 ± 0.70\u2008‡")
    assert "‡" not in fine
    gone = frame.assign(estimate=NAN, mcse=NAN, theory=NAN, status="failed", failed=100)
    assert text.status_sentence(gone).endswith(
        "In 16 rows 100 replications failed. In 16 of these rows no replication was left."
    )
    (block,) = performance_table(gone)[0]["estimators"]
    assert block["undefined"].startswith("failed: ")


def many_laws(count):
    """Distributions with different stds, the last one the largest error, names longer than most."""
    names = [f"scipy.genextreme(c=-0.{i:02d})" for i in range(1, count + 1)]
    return names, frame_of(
        [
            line
            for i, name in enumerate(names)
            for n in (4, 16, 64)
            for line in cell(name, "mean", n, n**-0.5)
            + cell(name, "std(ddof=0)", n, (1 + i / 9) * n**-0.5)
        ]
    )


def test_page_one_shows_some_of_many_with_those_its_sentences_name():
    names, frame = many_laws(22)
    table = answer_table(frame)
    assert (len(table["names"]), table["of"]) == (6, 22)
    assert {names[0], names[-1]} <= set(table["names"])
    assert f"({names[0]}) to" in text.answer(frame)
    assert f"({names[-1]})" in text.answer(frame)
    every = answer_table(frame, every=True)
    assert every["names"] == names
    for name, row_shown in zip(table["names"], table["rows"], strict=True):
        whole = every["rows"][names.index(name)]
        # Padded for the rows they stand with, but the same numbers.
        assert [re.sub(r"\s+", "", part) for part in row_shown] == [
            re.sub(r"\s+", "", part) for part in whole
        ]


# -------------------------------------------------------------------------------------- tables


def test_numbers_are_aligned_at_the_point():
    space, point = "\u2007", "\u2008"
    assert aligned(["12.5 ± 0.3", "0.25 ± 0.11"]) == [
        f"12.5{space} ± 0.3{space}",
        "0.25 ± 0.11",
    ]
    assert aligned(["1", "0.5"]) == [f"1{point}{space}", "0.5"]
    assert aligned(["(7.0 ± 0.9)e−5", "1.25", "0.5"])[0] == "(7.0 ± 0.9)e−5"
    assert aligned([]) == []


def test_answer_table_has_a_row_per_distribution():
    table = answer_table(tiny_frame())
    assert table["names"] == ["normal", "t(df=5)"]
    plain = [[part.strip("\u2007\u2008") for part in line] for line in table["rows"]]
    assert plain[0] == ["17.50 ± 0.18", "17.68", "0.2512 ± 0.0025", "0.2500", "≈ 50", "> 64"]


def test_a_block_without_a_relative_scale_is_given_in_the_unit_of_the_data():
    frame = tiny_frame()
    lost = frame["measure"].str.startswith("relative_") & (frame["estimator"] == "mean")
    frame.loc[lost, ["estimate", "mcse", "theory"]] = NAN
    frame.loc[lost, "status"] = "undefined"
    mean, std = performance_table(frame)[0]["estimators"]
    assert (mean["unit"], std["unit"]) == ("in the unit of the data", "")
    (block,) = performance_table(undefined_frame())[0]["estimators"]
    assert block["undefined"] == "undefined: a reason for undefined"
    assert block["rows"] == []


def test_few_rows_are_printed_of_many():
    sizes = list(range(1, 101))
    rows = [row("a", "mean", n, "rmse", 1.0 / n) for n in sizes]
    frame = frame_of(rows)
    assert printed_sizes(frame, most=200) == sizes
    some = printed_sizes(frame, most=10)
    assert (len(some), some[0], some[-1]) == (10, 1, 100)
    frame.loc[frame["batch_size"] == 100, "status"] = "exact"
    assert printed_sizes(frame, most=10)[-1] == 99


def test_names_without_glyphs_are_numbered_and_long_ones_cut():
    frame = tiny_frame(HOSTILE)
    assert shown_names(frame) == {HOSTILE[1]: "distribution 2"}
    assert shown_names(tiny_frame(("a" * 50, "b"))) == {"a" * 50: "a" * 35 + "…"}
    assert shown_names(tiny_frame(("a" * 50, "a" * 51)))["a" * 51] == "distribution 2"


def test_an_escaped_design_is_the_same_design():
    design = 'name = "\u5217\U0001f600 é"\n'
    assert tomllib.loads(escaped(design)) == tomllib.loads(design)
    assert "\u5217" not in escaped(design)


# ----------------------------------------------------------------------------------------- PDF


@pytest.fixture(scope="module")
def result():
    """A run whose names and provenance would do harm if they were taken for markup."""
    run = TinyResult(tiny_frame(HOSTILE))
    run.provenance |= {"command": "simnorm \u5217 #panic()", "cpu": "x" * 300}
    return run


@pytest.fixture(scope="module")
def report(result, tmp_path_factory):
    return written(result, tmp_path_factory.mktemp("report") / "report.pdf")


def test_the_same_run_gives_the_same_bytes(result, report, tmp_path):
    again = written(result, tmp_path / "again.pdf")
    assert again.read_bytes() == report.read_bytes()
    assert again.read_bytes().startswith(b"%PDF-1.7")
    assert [path.name for path in report.parent.iterdir()] == ["report.pdf"]


@has("pdftotext")
def test_the_report_is_whole(report):
    words = words_of(report)
    for heading in (
        "1 Aims", "2 Data-generating mechanisms", "3 Estimands", "4 Methods", "5 Performance",
        "5.1 At a glance", "5.2 Variance", "5.3 Bias", "5.4 Root mean squared error",
        "Audit", "Convergence", "Tables", "A Provenance", "B Design",
    ):  # fmt: skip
        assert heading in words
    assert "and its mean by 0.25 standard deviations, in root mean square." in words
    assert "12,800" in words


@has("pdftotext")
def test_names_are_data_never_markup(report):
    words = words_of(report)
    assert HOSTILE[0] in words
    assert "Here distribution 2 stands for a name that cannot be shown" in words
    assert "simnorm \\u5217 #panic()" in words


@has("pdfdetach")
def test_table_and_design_are_attached_as_they_are(result, report, tmp_path):
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, report], check=True)
    table = pd.read_csv(tmp_path / "results.csv")
    assert len(table) == len(result.frame)
    assert list(table["distribution"].unique()) == list(HOSTILE)
    assert (tmp_path / "design.toml").read_text() == result.design.to_toml()


@pytest.mark.parametrize(
    "frame",
    [
        undefined_frame(),
        frame_of(cell("normal", "std(ddof=0)", 16, 0.2)),
        pd.concat(
            [frame_of(cell("normal", "median", 4, 0.3, kind="")), undefined_frame()],
            ignore_index=True,
        ),
    ],
    ids=["undefined", "one cell", "no theory"],
)
def test_odd_designs_have_a_report(frame, tmp_path):
    assert written(TinyResult(frame), tmp_path / "odd.pdf").stat().st_size > 10_000


@has("pdftotext")
def test_a_report_of_many_distributions_keeps_its_first_page_and_names_all(tmp_path):
    names, frame = many_laws(22)
    path = written(TinyResult(frame), tmp_path / "many.pdf")
    out = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    first, *others = out.stdout.decode().split("\f")
    assert "Contents" in first
    assert "6 of 22 distributions" in re.sub(r"\s+", " ", first)
    words = re.sub(r"\s+", " ", " ".join(others)).replace("\u200b", "")
    assert "a table at the end has all" in words
    assert all(name in words for name in names)
    # Of so many, figures show the choice that page one makes, on one part.
    assert "continued" not in words
    assert words.count("6 of 22 distributions") >= 2


@has("pdftotext")
def test_failed_rows_are_explained_in_the_report(tmp_path):
    words = words_of(written(TinyResult(failed_frame()), tmp_path / "failed.pdf"))
    assert "a function given by the user" in words
    assert "‡: some replications failed" in words
    assert "In 8 rows 1 to 8 replications failed." in words
    plain = words_of(written(TinyResult(tiny_frame()), tmp_path / "plain.pdf"))
    assert "‡" not in plain


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken.pdf").mkdir()
    for place in ("taken.pdf", "nowhere/report.pdf"):
        with pytest.raises(RunError, match="cannot be written"):
            write_report(TinyResult(undefined_frame()), tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.pdf"]


def test_a_fault_of_the_template_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr("simnorm.report.content.Content.data", lambda _: {})
    with pytest.raises(RunError, match="cannot be set") as caught:
        write_report(TinyResult(undefined_frame()), tmp_path / "report.pdf")
    assert "simnorm-report-" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_template_is_in_the_package():
    for name in ("article", "formulas", "look", "paging", "parts", "symbols", "tables"):
        assert files("simnorm.report").joinpath(f"{name}.typ").is_file()
