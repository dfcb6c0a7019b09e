"""The report of the study `inputs`: its sentences say what its table says, whatever that is."""

from __future__ import annotations

import re
import shutil
import subprocess

import pandas as pd
import pytest
from tiny_inputs import (
    columns_frame,
    errors,
    inputs_frame,
    line,
    of_data,
    run_on,
    undefined_inputs,
)
from tiny_tables import NAN, frame_of

from simnorm.cli.inputs_summary import print_inputs
from simnorm.report import write_report
from simnorm.report.chapters.inputs import article, layer
from simnorm.report.chapters.inputs.about import About, range_words, whose_epsilon
from simnorm.report.chapters.inputs.audit import asked, trust
from simnorm.report.chapters.inputs.claims import claims
from simnorm.report.chapters.inputs.findings import (
    findings,
    identity_check,
    one_sentence,
    size_table,
    two_sentence,
    value_caption,
)
from simnorm.report.chapters.inputs.first import (
    answer,
    error_text,
    first_table,
    scale_matters,
    setting,
    subtitle,
    tiles,
    tiles_note,
)
from simnorm.report.chapters.inputs.method import data
from simnorm.report.chapters.inputs.others import scalers_finding, schemes
from simnorm.report.facts import Quantity

HOSTILE = ("$x^2$ *b* #evil() @r <a> [c] `d` \\e", "列\U0001f600")


def about(frame, **facts):
    run = run_on(frame, **facts)
    return About(frame, run.curves, run.columns, run)


def article_of(frame, **facts):
    run = run_on(frame, **facts)
    return article(frame, run.curves, run.columns, run)


def every_text(made):
    """All words of an article."""
    parts = [made.title, made.subtitle, made.setting, made.answer, made.shape, made.trust]
    parts += [made.tiles_note, *(word for tile in made.tiles for word in tile.values())]
    blocks = [*made.first, *(b for chapter in made.chapters for b in chapter["blocks"])]
    for block in blocks:
        parts += [str(block.get(key, "")) for key in ("text", "caption", "claim", "word")]
        parts += [cell for row in block.get("rows", ()) for cell in row]
    return [part.replace("\u00a0", " ") for part in parts]


def plain(words):
    return words.replace("\u00a0", " ").replace("\u2007", "").replace("\u2008", "")


# ------------------------------------------------------------------------------ first page


def test_the_answer_for_a_file_names_the_columns_at_both_ends():
    # Squared error hard/n: at n = 16 0.1 and 0.4, so 0.32 and 0.63. It is 0.01 at n = 160 and 640,
    # beyond the largest batch of 64.
    made = about(columns_frame({"easy": 1.6, "hard": 6.4}))
    assert answer(made) == (
        "No, not at batch size 16: a batch-normalized value of train.csv is off by 0.32 (easy) to "
        "0.63 (hard) standard deviations, in root mean square. Even batches of 64, the largest "
        "tried, do not bring any of them down to 0.1."
    )


def test_the_answer_says_from_which_batch_size_on_it_is_near():
    sizes = (4, 16, 64, 256, 1024)
    assert answer(about(inputs_frame({"normal": 1.6}, sizes))) == (
        "No, not at batch size 16: a batch-normalized value (normal) is off by 0.32 standard "
        "deviations, in root mean square. About 160 observations a batch are needed for 0.1."
    )
    laws = about(inputs_frame({"normal": 1.6, "laplace": 2.4}, sizes))
    assert answer(laws).endswith(
        "About 160 (normal) to 240 (laplace) observations a batch are needed for 0.1."
    )
    many = about(columns_frame({f"c{i}": 1.6 + 0.4 * i for i in range(9)}, sizes=sizes))
    assert answer(many).endswith(
        "About 480 rows a batch are needed for 0.1 in all 9 columns, 320 in half of them."
    )
    some = about(columns_frame({"a": 1.6, "b": 40.0}, sizes=sizes))
    assert answer(some).endswith(
        "For 1 of 2 columns even batches of 1,024 rows are not enough for 0.1; half of the others "
        "need about 160 or fewer."
    )


def test_the_answer_may_be_nearly_or_depend_on_the_column():
    sizes = (8, 16)
    assert answer(about(inputs_frame({"a": 0.1}, sizes))).startswith("Nearly, at batch size 16: a")
    assert answer(about(columns_frame({"a": 0.1, "b": 9.0}, sizes=sizes))).startswith(
        "That depends on the column. At batch size 16, a batch-normalized value of train.csv"
    )


def test_the_answer_for_batches_of_one_is_no():
    made = about(inputs_frame(sizes=(1,)))
    assert answer(made) == (
        "No: in a batch of one every value comes out as β, whatever it was, so nothing is left of "
        "it. The error is 1.0 standard deviations."
    )
    assert len(tiles(made)) == 1


@pytest.mark.parametrize("data_too", [False, True])
def test_the_answer_says_that_there_is_none_and_why(data_too):
    made = about(undefined_inputs(data=data_too))
    assert answer(made) == (
        "This run cannot say: no value has an error. The reason: a reason for undefined."
    )
    assert tiles(made) == []
    assert first_table(made) is None
    assert scale_matters(made) == ""


def test_the_answer_does_not_speak_of_errors_without_a_valid_error_bar():
    frame = frame_of(errors("a", 16, 0.1, status="unreliable", kind=""))
    assert answer(about(frame)) == (
        "This run has no error that can be trusted. The reason: a reason for unreliable."
    )
    both = frame_of([*errors("a", 16, 0.1, status="unreliable", kind=""), *errors("b", 16, 0.2)])
    made = about(both)
    assert "0.32" not in answer(made)
    assert (
        "is off by 0.45 (b) standard deviations, in root mean square. 1 of 2 distributions has no "
        "valid error bar there."
    ) in answer(made)
    table = first_table(made)
    assert [plain(row[1]).strip() for row in table["rows"]] == ["0.316†", "0.4472 ± 0.0045"]
    assert "†: no valid error bar" in table["caption"]


def test_an_interpolated_batch_size_is_no_asymptotic_theory():
    table = first_table(about(inputs_frame({"normal": 1.6}, (16, 64, 256))))
    assert plain(table["rows"][0][3]) == "≈ 160"
    assert "theory for large batches" not in table["caption"]
    loose = inputs_frame({"normal": 1.6}).assign(theory_kind="asymptotic", z=NAN)
    assert "≈: theory for large batches, not exact" in first_table(about(loose))["caption"]


def test_epsilon_is_told_of_with_the_scale_of_the_column():
    frame = columns_frame({"a": 1.6, "b": 1.6}, {"b": 0.5})
    made = about(frame, std=[1.5, 0.01], skewness=[0.0, 0.0])
    assert plain(scale_matters(made)) == (
        "The unit matters too: with ε = 0.001, the default of Keras, 1 of 2 columns is off by 0.1 "
        "or more beyond that; b, whose standard deviation is 0.010, is off by 0.82 in all."
    )
    assert [tile["number"] for tile in tiles(made)] == ["0.32 sd", "> 64", "1 of 2"]
    # 1 - 0.01/sqrt(0.0001 + 0.001)
    assert tiles(made)[2]["detail"] == "b: 0.82 sd; 0.70 stay in any batch"
    lone = about(columns_frame({"b": 1.6}, {"b": 0.5}), std=[0.01])
    assert scale_matters(lone).endswith(
        "it is off by 0.82 in all, as its standard deviation is 0.010."
    )
    assert scale_matters(about(columns_frame({"a": 1.6}))) == ""
    assert whose_epsilon(0.01) == ""


def test_tiles_give_estimate_and_exact_value():
    first, second, third = tiles(about(inputs_frame()))
    assert first["number"] == "0.45 sd"
    assert first["detail"] == "exponential: simulated 0.447 ± 0.004, exact 0.447"
    assert second["detail"] == "0 of them reach it"
    assert third["caption"] == "RMSE at batch size 2, where all outputs are −1 or 1"


def test_a_file_says_what_its_error_bars_mean_and_laws_do_not():
    assert "given this file" in tiles_note(about(columns_frame({"a": 1.6})))
    assert "file" not in tiles_note(about(inputs_frame()))


def test_what_was_run_is_said_for_every_scheme():
    assert subtitle(about(columns_frame({"a": 1.6}))) == (
        "Batch-normalized values against z-scores, for column a of train.csv; N = 64 rows, "
        "100 replications"
    )
    assert "put the 64 rows of train.csv into 100 random orders" in setting(
        about(columns_frame({"a": 1.6}))
    )
    again = inputs_frame().assign(sampling="replacement")
    assert "drew batches from each with replacement" in setting(about(again))
    iid = inputs_frame()
    iid = iid.assign(sampling="iid", reference=iid["reference"].where(
        iid["reference"] == "", "population"))  # fmt: skip
    made = about(iid)
    assert "with its z-score by the population" in setting(made)
    assert made.errors["normal"] == pytest.approx(0.1**0.5)
    fixed = columns_frame({"a": 1.6}).assign(sampling="sequential")
    assert "replications" not in subtitle(about(fixed))


def test_errors_known_to_the_end_have_four_decimals():
    assert error_text(Quantity(0.99966850, 7.7e-7, NAN, "", "ok", "")) == "0.9997"
    assert error_text(Quantity(0.99966850, 7.7e-7, NAN, "", "unreliable", "")) == "0.9997\u2008†"
    assert error_text(Quantity(0.4472, 0.0045, NAN, "", "ok", "")) == "0.4472 ± 0.0045"
    assert range_words({"a": 0.2999, "b": 0.3001}) == "0.30"


# -------------------------------------------------------------------------------- findings


def test_batches_of_one_and_two_are_told_of_if_there_are_any():
    made = about(inputs_frame())
    assert "every output is β = 0, whatever went in. The RMSE is 1.0" in plain(one_sentence(made))
    # sqrt(1.6/2) and sqrt(3.2/2); the correlations 0.6 and 0.2.
    assert two_sentence(made).endswith(
        "The RMSE is 0.89 (normal) to 1.3 (exponential) standard deviations, the correlation with "
        "the z-score 0.20 (exponential) to 0.60 (normal)."
    )
    few = about(inputs_frame(sizes=(16,)))
    assert (one_sentence(few), two_sentence(few)) == ("", "")
    assert "Batches of one and two" not in [b.get("text") for b in findings(few)["blocks"]]


def test_equal_values_of_a_batch_of_two_are_told_of_but_not_those_of_constant_columns():
    rows = errors("a", 2, 0.8)
    rows.append(line("a", "constant_batches", 2, "mean", 0.25, reference=""))
    rows.append(line("flat", "constant_batches", 2, "mean", 1.0, reference="", status="exact"))
    assert "equal values come out as 0, which happens in 25 % of the batches of a." in two_sentence(
        about(of_data(frame_of(rows)))
    )


def test_the_table_by_size_has_estimates_theory_and_what_is_undefined():
    table = size_table(about(inputs_frame()), "normal")
    rows = [[plain(cell).strip() for cell in row] for row in table["rows"]]
    assert rows[0][:4] == ["1", "1.00", "1.00", "–"]
    assert rows[3][:4] == ["16", "0.3162 ± 0.0032", "0.3162", "0.9500 ± 0.0095"]


def test_the_identity_is_checked_against_errors_value_by_value():
    # Half a standard error apart, of the two together 0.5/sqrt(2).
    assert identity_check(about(inputs_frame({"a": 1.6}))).endswith(
        "by at most 0.35 of their common standard errors."
    )
    frame = inputs_frame({"a": 1.6})
    direct = frame["estimator"] == "normalized_value_direct"
    frame.loc[direct, "estimate"] = frame.loc[direct, "theory"]
    assert identity_check(about(frame)).endswith("by rounding alone.")
    assert identity_check(about(frame[~direct])) == ""


def test_the_best_gamma_shrinks_unless_batches_of_equal_values_are_many():
    made = about(inputs_frame({"a": 1.6}))
    assert layer.gamma_finding(made) == (
        "The γ with the smallest error is 0.60 at batch size 2 and 0.95 at batch size 16: it "
        "shrinks outputs by what is noise in them."
    )
    frame = inputs_frame({"a": 1.6})
    best = frame["estimator"] == "best_gamma"
    frame.loc[best, ["estimate", "theory"]] = 1.5
    assert "above 1 it makes up for batches of equal values" in layer.gamma_finding(about(frame))
    assert layer.gamma_finding(about(frame[~best])) == ""


def test_epsilon_that_does_nothing_is_told_of_too():
    finding = layer.epsilon_finding(about(inputs_frame()))
    assert plain(finding) == (
        "ε = 0.001, the default of Keras, changes no error here by more than rounding hides."
    )
    little = layer.epsilon_finding(about(columns_frame({"a": 1.6}, {"a": 0.05})))
    assert plain(little).endswith("does little here: it adds most to a, from 0.32 to 0.37 standard "
                                  "deviations.")  # fmt: skip
    # A table with one epsilon has no section on it.
    one = frame_of(errors("a", 16, 0.1))
    assert layer.epsilon(about(one)) == []


def test_the_table_by_epsilon_says_what_stays():
    made = about(columns_frame({"a": 1.6, "b": 1.6}, {"b": 0.5}), std=[2.0, 0.01])
    table = layer.epsilon_table(made)
    assert [plain(word) for word in table["head"]][-3:] == [
        "ε = 0",
        "ε = 0.001",
        "stays, ε = 0.001",
    ]
    assert [plain(cell).strip() for cell in table["rows"][0]] == [
        "b", "0.0100", "0.3162 ± 0.0032", "0.8162 ± 0.0082", "0.70",
    ]  # fmt: skip


def test_settings_with_gamma_and_beta_have_a_table():
    rows = [*errors("a", 16, 0.1), *errors("a", 16, 0.5, "epsilon=0;gamma=2;beta=0")]
    table = layer.settings_table(about(frame_of(rows)))
    assert [plain(row[0]) for row in table["rows"]] == ["ε = 0", "ε = 0, γ = 2, β = 0"]
    assert layer.settings_table(about(frame_of(errors("a", 16, 0.1)))) is None


def test_scalers_are_compared_and_the_share_outside_is_two_in_n_plus_one():
    finding = scalers_finding(about(inputs_frame({"normal": 1.6})))
    assert finding == (
        "At batch size 16, min-max scaling is off by 1.3, robust scaling by 0.47 and quantile "
        "scaling by 0.28 standard deviations. 12 % of all other values lie outside the range of "
        "such a batch, 2/(n + 1): there min-max leaves [0, 1]."
    )
    nothing = scalers_finding(about(undefined_inputs()))
    assert nothing == "No error of another scaler exists here, or none can be trusted."


def test_errors_by_value_are_quoted_with_their_error_bars():
    made = about(inputs_frame({"normal": 1.6}))
    points = made.curves[made.curves["kind"] == "by_value"].assign(name="normal")
    # 1/4 at the centre and sqrt(3)/4 at z = -2, each with an error bar of 1 %.
    assert value_caption(made, points).endswith(
        "those of normal near 0.0 are off by 0.2500 ± 0.0025 standard deviations, those near −2.0 "
        "by 0.4330 ± 0.0043."
    )


def test_schemes_are_compared_where_there_are_several():
    frame = columns_frame({"a": 1.6})
    grouped = columns_frame({"a": 6.4}).assign(sampling="grouped:g")
    made = about(pd.concat([frame, grouped], ignore_index=True))
    assert made.errors == {"a": pytest.approx(0.1**0.5)}
    table = schemes(made)[1]
    assert table["head"] == ["column", "shuffle", "groups of g"]
    assert [plain(c).strip() for c in table["rows"][0]] == [
        "a",
        "0.3162 ± 0.0032",
        "0.6325 ± 0.0063",
    ]
    assert schemes(about(frame)) == []


# ---------------------------------------------------------------------------------- claims


def test_every_claim_has_a_verdict_from_the_table():
    made = claims(about(inputs_frame()))
    words = [block["word"] for block in made["blocks"] if block["kind"] == "verdict"]
    assert words == [
        "True", "Good advice", "Not skew, but shift and stretch", "True", "False",
        "Not from a batch",
    ]  # fmt: skip
    whole = " ".join(block["text"] for block in made["blocks"])
    assert "At 64, the largest batch here, it is 0.16 (normal) to 0.22 (exponential)." in whole
    # sqrt((0 + 6)/(4 x 64)) and sqrt((6 + 6)/256)
    assert "0.15 (normal) to 0.22 (exponential) standard deviations" in whole
    # 2 - 4/16, of the exponential law's 2.
    assert "the skewness of exponential comes out as 1.8, not 2.0" in whole
    assert claims(about(undefined_inputs())) is None


def test_without_batches_of_one_nothing_is_said_of_them():
    blocks = claims(about(inputs_frame(sizes=(4, 16))))["blocks"]
    assert not any("batch size of 1" in block.get("claim", "") for block in blocks)


# ----------------------------------------------------------------------------------- audit


def test_the_audit_asks_every_question_once():
    frame = inputs_frame({"a": 1.6}, (16,))
    made = about(frame)
    # Two epsilons, excess kurtosis, share outside; not the correlation, gamma or value by value.
    assert sorted(asked(made)["estimator"]) == [
        "normalized_value", "normalized_value", "output_excess_kurtosis", "unseen_share",
    ]  # fmt: skip
    assert trust(made).startswith("Checked against exact theory in 4 places: no disagreement")
    frame.loc[frame["estimator"] == "unseen_share", "z"] = 9.0
    assert "disagree" in trust(about(frame))
    assert "No row could be checked" in trust(about(undefined_inputs()))


def test_the_data_are_told_of_with_what_is_constant():
    chapter = data(about(columns_frame({"a": 1.6, "b": 1.6}), kind=["", "constant"]))
    words = " ".join(str(block.get("text", "")) for block in chapter["blocks"])
    assert "2 columns of numbers" in words
    assert "Constant, so nothing about them is uncertain" in words


# ------------------------------------------------------------------------------- whole texts

ODD = {
    "laws": inputs_frame(),
    "one law, one size": inputs_frame({"normal": 1.6}, (16,)),
    "size one": inputs_frame(sizes=(1,)),
    "size two": columns_frame({"a": 1.6}, sizes=(2,)),
    "undefined": undefined_inputs(),
    "constant column": undefined_inputs("flat", data=True),
    "fifty laws": inputs_frame({f"gamma(a={i})": 1.0 + i / 50 for i in range(1, 51)}, (2, 16)),
    "300 columns": columns_frame({f"c{i}": 1.0 + i / 300 for i in range(300)}, sizes=(4, 16)),
    "no error bars": inputs_frame().assign(
        mcse=NAN, ci_low=NAN, ci_high=NAN, z=NAN, theory=NAN, theory_kind="", status="unreliable",
        reason="few",
    ),
    "part undefined": pd.concat([inputs_frame({"normal": 1.6}), undefined_inputs()]),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_no_text_has_a_number_that_is_none(odd):
    made = article_of(ODD[odd])
    for text in every_text(made):
        assert not re.search(r"\bnan\b|\binf\b|None|  +[a-z]|\.\.|Nothing|[{}]", text), text
        assert not text.endswith(" ")
    assert made.title.endswith("?")
    assert made.chapters[-1]["title"] == "Audit"
    assert made.figures()[0] == "error"


def test_without_valid_error_bars_no_estimate_is_put_into_words():
    made = article_of(ODD["no error bars"])
    blocks = [block for chapter in made.chapters for block in chapter["blocks"]]
    said = [block["text"] for block in blocks if block["kind"] in ("finding", "verdict")]
    sentences = [made.answer, made.shape, *said]
    assert not [text for text in sentences if re.search(r"0\.\d", text.replace("0.1", ""))]


def test_every_kind_of_figure_is_in_the_report_of_a_whole_run():
    made = article_of(inputs_frame())
    assert made.figures() == ["error", "outputs", "by_value", "epsilon", "gamma", "scalers"]


# ------------------------------------------------------------------------------------ the PDF


def has(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def words_of(path):
    out = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return re.sub(r"\s+", " ", out.stdout.decode())


@has("pdftotext")
def test_the_report_is_set_and_the_same_bytes_each_time(tmp_path):
    run = run_on(columns_frame(dict.fromkeys(HOSTILE, 1.6) | {"b": 3.2}, {"b": 0.5}))
    for name in ("one.pdf", "two.pdf"):
        write_report(run, tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    words = words_of(tmp_path / "one.pdf")
    for heading in (
        "1 Aims", "2 Data", "3 Estimands and methods", "4 Findings", "4.1 The error by batch size",
        "4.7 Other scalers, fitted to a batch", "5 What this says to what is often said",
        "6 Audit", "A Provenance", "B Design",
    ):  # fmt: skip
        assert heading in words
    assert "is off by 0.32" in words
    assert HOSTILE[0] in words
    assert "Here column 2 stands for a name" in words
    assert "\\u03" not in words  # every character has a glyph


@pytest.mark.parametrize("odd", ["size one", "constant column", "part undefined"])
def test_odd_runs_have_a_report(odd, tmp_path):
    write_report(run_on(ODD[odd]), tmp_path / "odd.pdf")
    assert (tmp_path / "odd.pdf").stat().st_size > 10_000


# ------------------------------------------------------------------------------ the terminal


class Design:
    """What the terminal needs of a design."""

    data, full_size, seed, replications = "", 64, 0, 100
    target_mcse, time_limit = "", 0.0


class Run:
    """A result with a table, and a design."""

    def __init__(self, frame):
        run = run_on(frame)
        self.frame, self.design = frame, Design()
        self.curves, self.columns, self.provenance = run.curves, run.columns, {}
        if (frame["source"] == "file").any():
            self.design.data = "train.csv"


def printed(frame, capsys):
    print_inputs(Run(frame))
    return capsys.readouterr().out.split("\n")


@pytest.mark.parametrize("odd", ODD)
def test_the_terminal_has_eighty_columns(odd, capsys):
    lines = printed(ODD[odd], capsys)
    assert max(map(len, lines)) <= 80
    assert len(lines) < 60 or odd == "fifty laws"


def test_the_terminal_says_what_the_table_says(capsys):
    lines = printed(inputs_frame(), capsys)
    (row,) = [line for line in lines if line.startswith("     16") and "0.3162" in line]
    assert row.split() == ["16", "0.3162", "±", "0.0032", "0.3162", "0.950", "0.632", "0.118"]
    text = " ".join(lines)
    assert (
        "No, not at batch size 16: a batch-normalized value is off by 0.32 (normal) to 0.45" in text
    )
    assert "At batch size 1 nothing is left of any value." in text
    assert "– is undefined" in text


def test_the_terminal_lists_many_columns_worst_first(capsys):
    frame = columns_frame({f"c{i:02d}": 1.0 + i / 10 for i in range(25)}, {"c03": 0.5})
    lines = printed(frame, capsys)
    at = next(i for i, line in enumerate(lines) if line.startswith("Batch size 16, worst"))
    assert [line.split()[0] for line in lines[at + 3 : at + 6]] == ["c24", "c23", "c22"]
    assert "... and 5 columns with smaller errors, in results.csv" in lines
    text = " ".join(lines)
    assert "With epsilon = 0.001, 1 of 25 columns is worse by 0.1 sd or more: c03 is" in text


def test_the_terminal_tells_of_other_schemes(capsys):
    other = columns_frame({"a": 6.4}).assign(sampling="sequential")
    lines = printed(pd.concat([columns_frame({"a": 1.6}), other]), capsys)
    assert "By sequential: 0.63 sd." in lines
