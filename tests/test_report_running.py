"""The report on running averages: its sentences say what the tables say, on odd ones too."""

from __future__ import annotations

import math
import re
import shutil
import subprocess

import pandas as pd
import pytest
from tiny_running import (
    COLUMNS,
    TinyRunning,
    cell,
    curves_of,
    line,
    of_columns,
    running_frame,
)
from tiny_tables import NAN

from simnorm.cli.running_summary import cell as terminal_cell
from simnorm.cli.running_summary import print_running
from simnorm.report import write_report
from simnorm.report.chapters.running import article, circumstances, findings, first, tables
from simnorm.report.chapters.running.facts import Start, facts_of, who, whose
from simnorm.report.facts import Quantity

HOSTILE = ("$x^2$ *b* #evil() @r <a> [c] `d` \\e", "\u5217\U0001f600")
NO_COLUMNS = pd.DataFrame(columns=["column"])


def has(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def facts(frame, columns=NO_COLUMNS, **how):
    return facts_of(frame, curves_of(frame, **how), columns)


def data_facts(frame, **more):
    run = TinyRunning(of_columns(frame), "folder/train.csv", more)
    return facts_of(run.frame, run.curves, run.columns)


def made(frame, data="", **how):
    run = TinyRunning(of_columns(frame) if data else frame, data, how)
    return article(run.frame, run.curves, run.columns, run)


def nothing(frame):
    empty = dict.fromkeys(("estimate", "mcse", "ci_low", "ci_high", "theory", "z"), NAN)
    return frame.assign(**empty, theory_kind="", status="undefined", reason="no variance")


def with_scheme(frame, scheme="sequential", times=3.0):
    later = frame.assign(
        sampling=scheme, status="exact", mcse=0.0, theory=NAN, theory_kind="", z=NAN
    )
    return pd.concat([frame, later.assign(estimate=times * later["estimate"])], ignore_index=True)


def blocks_of(made):
    return [*made.first, *(block for part in made.chapters for block in part["blocks"])]


def words_of(made):
    """All words of an article."""
    found = [made.title, made.subtitle, made.setting, made.answer, made.shape, made.trust,
             made.tiles_note, *(text for tile in made.tiles for text in tile.values())]  # fmt: skip
    for block in blocks_of(made):
        found += [str(block.get(key, "")) for key in ("text", "caption", "alt")]
        found += list(block.get("items", ()))
        found += [cell for row in block.get("rows", ()) for cell in row]
    return "\n".join(found)


# ------------------------------------------------------------------------------ first page


def test_the_answer_quotes_the_table_and_the_yardstick():
    assert first.answer(facts(running_frame())) == (
        "After 100 batches of 16, a normalized value is off from its z-score by 0.025 sd with "
        "Keras’s running averages, 0.050 sd with PyTorch’s and 0.00063 sd with PreciseBN (root "
        "mean square; normal). The yardstick: a z-score by all 64 draws is itself off by about "
        "0.030 sd from one by the population."
    )


def test_of_columns_the_middle_one_is_told_of():
    found = data_facts(running_frame(("a", "b", "c")))
    assert found.told == "b"
    assert "(root mean square; b, the middle one of 3 columns)" in first.answer(found)
    assert "z-score by all 64 rows is itself off by about 0.030 sd from one by their source" in (
        first.answer(found)
    )


def test_no_estimate_without_an_error_bar_is_quoted():
    frame = running_frame(status="unreliable")
    found = facts(frame)
    assert first.answer(found) == (
        "This run has no error of a normalized value that can be trusted. The reason: a reason "
        "for unreliable."
    )
    assert first.tiles(found) == []
    assert first.shape(found) == ""
    found = made(frame)
    # Floors are computed; the estimates stand in tables, marked.
    assert not re.search(r"(?<!about )(?<!± )0\.0(25|50)\d* sd", words_of(found))
    assert not any(block["kind"] == "table" for block in found.first)
    shown = next(part["blocks"] for part in found.chapters if part["title"] == "Findings")
    first_table = next(block for block in shown if block["kind"] == "table")
    assert all("†" in cell for row in first_table["rows"] for cell in row[1:4])
    one = pd.concat([running_frame(presets=("keras3",)),
                     running_frame(presets=("pytorch",), status="unreliable")])  # fmt: skip
    assert "PyTorch" not in first.answer(facts(one))


def test_the_answer_says_that_there_is_none():
    assert first.answer(facts(nothing(running_frame()))) == (
        "There is no error to speak of: every value is undefined. The reason: no variance."
    )
    assert first.answer(data_facts(nothing(running_frame(("flat",))))).startswith("There is no")


def test_in_how_many_distributions_the_error_is_within_the_yardstick():
    # At n = 16 Keras is at 0.025 and 0.050, PyTorch at 0.05 and 0.1, PreciseBN far below.
    assert first.shape(facts(running_frame())) == (
        "At this batch size the error is within that in 1 of 2 distributions with Keras’s; in "
        "none of 2 with PyTorch’s; in all of 2 with PreciseBN. Over all distributions the error "
        "of Keras’s running averages goes from 0.025 sd (normal) to 0.050 sd (t(df=5))."
    )


@pytest.mark.parametrize(
    ("good", "words"),
    [
        ([], "at no batch size simulated"),
        ([2, 4, 8, 16], "at every batch size"),
        ([8, 16], "from batches of 8 on"),
        ([16], "only with batches of 16"),
        ([2, 4, 8], "with batches of 2 to 8"),
        ([2, 8], "with batches of 2 and 8"),
    ],
)
def test_at_which_batch_sizes_it_is_enough(good, words):
    assert first._when([2, 4, 8, 16], good) == words


def test_of_one_distribution_the_batch_sizes_are_told():
    assert first.shape(facts(running_frame(("normal",)))) == (
        "After 100 batches the error is within that with Keras’s from batches of 16 on; with "
        "PyTorch’s only with batches of 64; with PreciseBN at every batch size."
    )


def test_without_a_yardstick_nothing_is_compared_with_it():
    found = facts(running_frame(("normal",)), level=0.0)
    assert first.level_sentence(found) == ""
    assert first.shape(found) == ""
    assert findings.level_finding(found) == ""
    assert len(first.tiles(found)) == 3


def test_tiles_show_frameworks_and_the_yardstick():
    keras, torch, level = first.tiles(facts(running_frame()))
    assert keras["number"] == "0.025 sd"
    assert keras["detail"] == "simulated 0.0250 ± 0.0003 sd; worst distribution 0.050 sd"
    assert torch["caption"] == "RMSE at test time with PyTorch’s running averages, batches of 16"
    assert level["number"] == "0.030 sd"
    (alone, _) = first.tiles(facts(running_frame(presets=("precise",))))
    assert "PreciseBN" in alone["caption"]


def test_where_epsilon_is_the_cause_it_is_said():
    # Of sd 0.02 the variance is 0.0004, and epsilon 0.001 alone makes an error of 0.465 sd.
    rows = cell("small", "keras3", 16, 0.5) + cell("fine", "keras3", 16, 0.03)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    found = data_facts(frame, std=[0.02, 1.5])
    assert found.small("keras3") == ["small"]
    assert first.epsilon_sentence(found) == (
        "In small most of Keras’s error is its epsilon of 0.001, which is not small against the "
        "variance there."
    )
    assert Start(0.0, 0.02).shrunk(0.001) == pytest.approx(1 - 0.02 / math.sqrt(0.0014))
    assert first.epsilon_sentence(data_facts(frame, std=[1.0, 1.5])) == ""


def test_what_an_error_bar_means_is_said_of_data():
    note = first.tiles_note(data_facts(running_frame()))
    assert "Monte Carlo error given this file" in note
    fixed = running_frame(status="exact", kind="", sampling="sequential")
    assert "Monte Carlo" not in first.tiles_note(data_facts(fixed))
    assert first.tiles(data_facts(fixed))[0]["detail"].startswith("nothing is drawn")


# ------------------------------------------------------------------------------ findings


def test_floors_above_the_yardstick_are_never_as_good():
    found = findings.level_finding(facts(running_frame()))
    assert found == (
        "With batches of 16 (normal) Keras’s running averages end at about 0.025 sd, no more than "
        "the 0.030 sd that a z-score is itself off by. PyTorch’s running averages end at about "
        "0.050 sd and never come down to the 0.030 sd that a z-score is itself off by; a momentum "
        "of 0.9950 would do. "
        "PreciseBN needs 40 batches for it."
    )
    # A momentum that is no larger than PyTorch's own: enough when an epoch has been seen whole.
    ends = findings.level_finding(facts(running_frame(), needed=0.89))
    assert "0.050 sd, and only at the end of an epoch at the 0.030 sd" in ends
    none = findings.level_finding(facts(running_frame(), needed=NAN))
    assert "no momentum would do: what is left is bias, not noise" in none


def test_a_floor_that_was_only_simulated_needs_a_valid_error_bar():
    frame = running_frame(("a",), ("keras3",), (16,))
    curves = curves_of(frame)
    curves.loc[curves["kind"] == "floor", "theory"] = NAN
    sure = facts_of(frame, curves, NO_COLUMNS)
    assert findings.floor_text(sure, "a", "keras3", 16) == "0.02500 ± 0.00025"
    doubtful = frame.assign(status="unreliable")
    unsure = facts_of(doubtful, curves, NO_COLUMNS)
    assert findings.floor_text(unsure, "a", "keras3", 16) == ""
    assert math.isnan(findings.floor_value(unsure, "a", "keras3", 16))


def test_shares_of_the_error_are_told_together():
    assert findings.split_finding(facts(running_frame(("a",)))) == (
        "a, batches of 16. Squared error of a running mean: 75 % divisor and 25 % noise (Keras); "
        "nearly all noise (PyTorch, PreciseBN). Squared error of a running variance: 75 % divisor "
        "and 25 % noise (Keras); nearly all noise (PyTorch, PreciseBN)."
    )


def test_the_rules_name_the_presets_that_were_run():
    rules = findings.rules(facts(running_frame()))
    assert "Here: Keras 37 % and PyTorch less than 0.01 %." in rules[0]
    assert "Here: Keras 199 and PyTorch 19.0." in rules[2]
    assert "Here: Keras 99 steps and PyTorch 9.0 steps." in rules[3]
    alone = findings.rules(facts(running_frame(presets=("precise",))))
    assert not any("Here" in rule for rule in alone)


def test_momentum_has_the_digits_that_tell_it_from_one():
    assert findings.momentum_words(0.9) == "0.900"
    assert findings.momentum_words(0.9021) == "0.903"
    assert findings.momentum_words(1.0) == "1"


def test_steps_to_forget_a_start():
    # |mean| = 2 in sd 1.5: 1.33 sd, to 0.05; variance 2.25 away from 1 by 0.56 of it, to 0.1.
    found = data_facts(running_frame(("a", "b")))
    assert circumstances.steps_for_start(found, "a", "pytorch") == math.ceil(
        math.log((2 / 1.5) / 0.05) / -math.log(0.9)
    )
    near = data_facts(running_frame(("a",)), mean=[0.01], std=[1.0])
    assert circumstances.steps_for_start(near, "a", "keras3") == 1
    assert circumstances.start_finding(near) == "Every column is near where averages start."
    assert math.isnan(circumstances.steps_for_start(near, "a", "precise"))


def test_columns_far_from_zero_are_named():
    found = data_facts(running_frame(("a", "b")), mean=[300.0, 0.0], std=[1.5, 1.0])
    sentence = circumstances.start_finding(found)
    assert sentence.startswith("The mean is far from 0 in a (200 sd).")
    assert "need 826 steps to forget their start in a, more than the 100 of this run" in sentence
    far = data_facts(running_frame(tuple("abcdef")), mean=[3000.0] * 6)
    assert "and 3 more columns" in circumstances.start_finding(far)


def test_of_laws_the_start_is_read_from_the_tables():
    frame = running_frame(("a",))
    # All relative errors are a fourth of the absolute ones, so the sd is 4.
    absolute = frame["measure"].isin(["rmse"]) & frame["estimator"].eq("running_mean")
    frame.loc[absolute, ["estimate", "theory"]] *= 4.0
    assert facts(frame).starts["a"].sd == pytest.approx(4.0)


def test_drift_tells_who_does_best():
    frame = pd.concat([running_frame(("a",)), running_frame(("a",), ("keras3",), drift="0.01")])
    assert circumstances.drift_finding(facts(frame)).endswith("(a) are: Keras 0.025 sd.")
    two = pd.concat([running_frame(("a",)), running_frame(("a",), drift="0.01")])
    assert "PreciseBN does best here." in circumstances.drift_finding(facts(two))
    assert circumstances.drift_finding(facts(running_frame())) == ""
    assert tables.drift_table(facts(running_frame())) is None
    assert tables.drift_table(facts(two))["head"] == ["preset", "no drift", "0.01 sd a step"]


def test_batches_of_one():
    assert circumstances.single_finding(facts(running_frame())) == ""
    found = facts(running_frame(("a",), ("keras3", "pytorch", "precise"), (1, 16)))
    text = circumstances.single_finding(found)
    assert "PyTorch refuses batches of one value in training." in text
    assert "decays to 37 % of its start of 1, beside an epsilon of 0.001" in text
    assert "come out off by 0.4000 ± 0.0040 sd (a)" in text
    assert "PreciseBN needs no variance inside batches: its error is 0.010 sd." in text


def test_file_order_is_compared_with_shuffling():
    found = data_facts(with_scheme(running_frame(("a", "b"))))
    text = circumstances.order_sentence(found, "sequential")
    assert text.startswith(
        "In file order, at batch size 16, with Keras’s running averages the error is larger in 2 "
        "of 2 columns, most in"
    )
    assert "(0.15 sd, shuffled 0.050 sd)" in text or "(0.075 sd, shuffled 0.025 sd)" in text
    better = data_facts(with_scheme(running_frame(("a", "b")), times=1.0))
    assert "Keras’s running averages lose nothing clear" in circumstances.order_sentence(
        better, "sequential"
    )
    table = tables.order_table(found, "sequential")
    assert table["head"][1:3] == ["Keras\nshuffled", "Keras\nfile order"]


def test_independent_draws_are_compared_with_epochs():
    frame = running_frame(("a",))
    iid = frame.assign(sampling="iid", reference="population")
    iid["estimate"] *= 2.0
    text = circumstances.sampling_finding(facts(pd.concat([frame, iid], ignore_index=True)))
    assert "miss the population by 0.0013 sd" in text
    assert "their noise cancels" in text
    same = frame.assign(sampling="iid", reference="population")
    text = circumstances.sampling_finding(facts(pd.concat([frame, same], ignore_index=True)))
    assert "their noise cancels" not in text


def test_names_of_presets():
    assert (who("keras3"), whose("keras3")) == ("Keras", "Keras’s running averages")
    assert whose("precise") == "PreciseBN"
    assert whose("keras3(momentum=0.5)") == "keras3(momentum=0.5)’s running averages"


# ------------------------------------------------------------------------------ tables, audit


def test_the_first_table_has_a_row_per_name_and_says_what_is_left_out():
    table = tables.first_table(data_facts(running_frame(tuple(f"c{i}" for i in range(300)))))
    assert table["head"] == ["column", "Keras", "PyTorch", "PreciseBN", "z-score"]
    assert len(table["rows"]) == tables.FEW_ROWS
    assert table["rows"][0][0] == "c299"
    assert "The worst 5 of 300; results.csv has all." in table["caption"]
    laws = tables.first_table(facts(running_frame(tuple(f"l{i}" for i in range(50)))))
    assert "The first 6 of 50" in laws["caption"]


def test_an_error_bar_that_shows_in_no_digit_is_left_out():
    assert tables.cell_text(Quantity(0.918402, 6e-7, NAN, "", "ok", "")) == "0.9184"
    assert tables.cell_text(Quantity(0.0386, 0.0007, NAN, "", "ok", "")) == "0.03860 ± 0.00070"
    assert tables.cell_text(Quantity(0.0386, NAN, NAN, "", "unreliable", "")) == "0.0386\u2008†"


def test_the_way_table_says_never():
    rows = tables.way_table(facts(running_frame(("a",))))["rows"]
    assert [(row[0], row[1], row[5]) for row in rows] == [
        ("Keras", "2", "never"), ("Keras", "16", "yes"), ("Keras", "64", "yes"),
        ("PyTorch", "2", "never"), ("PyTorch", "16", "never"), ("PyTorch", "64", "yes"),
    ]  # fmt: skip
    assert tables.way_table(facts(running_frame(presets=("precise",)))) is None


def test_the_presets_table():
    rows = tables.preset_table(facts(running_frame(presets=("keras3", "pytorch", "cumulative"))))
    keras, torch, plain = rows["rows"]
    assert keras[1:5] == ["0.99", "n", "0.001", "37 %"]
    assert torch[1:4] == ["0.9", "n − 1", "0.00001"]
    assert plain[1] == "equal weights"
    assert plain[5:] == ["100", "50"]


def test_the_audit_asks_once():
    presets = ("keras3", "flax", "keras3(momentum=0.9)", "pytorch", "cumulative", "precise")
    frame = pd.concat([running_frame(("a",), presets, (16,)),
                       running_frame(("a",), presets, (16,), drift="0.01")])  # fmt: skip
    asked = tables.asked(facts(frame))
    means = asked[asked["estimator"] == "running_mean"]
    variances = asked[asked["estimator"] == "running_variance"]
    # Means of one momentum are equal, whatever the divisor; pooled variances stand apart.
    assert list(means["preset"].drop_duplicates()) == [
        "keras3", "keras3(momentum=0.9)", "cumulative",
    ]  # fmt: skip
    assert len(variances["preset"].drop_duplicates()) == 4
    assert set(asked["drift"]) == {"0"}
    assert set(asked["measure"]) == {"bias", "variance"}


def test_the_verdict_has_numbers():
    frame = running_frame(presets=("keras3", "precise"), sizes=(1, 2, 16))
    rows = tables.verdict_table(facts(frame))["rows"]
    found = {row[0]: row for row in rows}
    assert found["divisor n"][1] == "true, never fades"
    assert found["cannot be mended"] == ["cannot be mended", "false",
                                         "PreciseBN: 0.00063 sd after 100 batches"]  # fmt: skip
    assert "Keras: off by 0.40 sd" in found["batch size 1"][2]


def test_a_run_that_does_not_agree_says_so():
    frame = running_frame(("a",))
    asked = (frame["estimator"] == "running_mean") & (frame["measure"] == "bias")
    frame.loc[asked, "z"] = -9.0
    assert "9 of them disagree by more" in made(frame).trust


def test_variances_are_audited_by_their_logarithms():
    # Half of what is expected, of 100 replications: log(1/2)/sqrt(2/100), whatever the z was.
    frame = running_frame(("a",), ("keras3",), (16,))
    asked = (frame["estimator"] == "running_mean") & (frame["measure"] == "variance")
    frame.loc[asked, ["estimate", "z"]] = [float(frame.loc[asked, "theory"].iloc[0]) / 2, -50.0]
    found = tables.asked(facts(frame))
    z = found.loc[(found["estimator"] == "running_mean") & (found["measure"] == "variance"), "z"]
    assert list(z) == pytest.approx([math.log(0.5) / math.sqrt(0.02)])


# ------------------------------------------------------------------------------ the article


def odd_tables():
    return {
        "one law": running_frame(("normal",)),
        "one batch size": running_frame(sizes=(16,)),
        "batches of one": running_frame(("normal",), sizes=(1,)),
        "undefined": nothing(running_frame()),
        "fifty laws": running_frame(tuple(f"law{i}" for i in range(50)), sizes=(4, 16)),
        "one step": running_frame(steps=1),
        "one preset": running_frame(presets=("pytorch",)),
        "equal weights": running_frame(presets=("cumulative", "precise")),
        "changed presets": running_frame(presets=("keras3(momentum=1)", "keras3(momentum=0)")),
        "many presets": running_frame(
            ("a",), tuple(f"keras3(momentum=0.9{i})" for i in range(9)), (4, 16)
        ),
        "long names": running_frame(("x" * 200, *HOSTILE)),
        "population": running_frame(reference="population", sampling="iid"),
        "unreliable": running_frame(status="unreliable"),
        "file order": running_frame(sampling="sequential", status="exact", kind=""),
        "several schemes": with_scheme(with_scheme(running_frame()), "grouped:g"),
        "drifts": pd.concat([running_frame(drift=d) for d in ("0", "-0.01", "0.5")]),
        "drift alone": running_frame(drift="0.01"),
        "no theory": running_frame().assign(theory=NAN, theory_kind="", z=NAN),
    }


@pytest.mark.parametrize("data", ["", "folder/train.csv"])
@pytest.mark.parametrize("frame", odd_tables().values(), ids=odd_tables())
def test_an_article_is_whole_whatever_the_table(frame, data):
    found = made(frame, data)
    assert found.answer
    assert found.figures()[0] == "trajectory"
    assert [part["title"] for part in found.chapters][2:] == [
        "Estimands and method", "Findings", "Verdict and audit",
    ]  # fmt: skip
    text = words_of(found)
    assert not re.search(r"\bnan\b|\binf\b|(?<!=)\bNone\b|[{}]", text)
    assert "  " not in found.answer + found.shape + found.setting
    for block in blocks_of(found):
        if block["kind"] == "table":
            assert all(len(row) == len(block["head"]) for row in block["rows"])
            assert len(block["sides"]) == len(block["head"])
        if block["kind"] == "figure":
            assert block["alt"]


def test_the_chapters_show_what_the_run_has():
    kinds = made(with_scheme(running_frame()), "train.csv").figures()
    assert kinds == ["trajectory", "floor", "split", "sampling"]
    assert "sampling" not in made(running_frame()).figures()
    heads = [b["text"] for b in blocks_of(made(running_frame())) if b["kind"] == "heading"]
    assert "Batches of one" not in heads
    assert "While the weights still change" not in heads
    formulas = [b["name"] for b in blocks_of(made(running_frame())) if b["kind"] == "formula"]
    assert formulas == ["running", "running-split", "inference"]


def test_a_reason_is_one_whatever_number_is_in_it():
    frame = running_frame(status="unreliable").assign(
        reason=lambda t: [f"{300 + i % 7:,} replications or more are needed for a standard error"
                          for i in range(len(t))]
    )  # fmt: skip
    rows = next(
        b for b in blocks_of(made(frame)) if b["kind"] == "table" and b["head"][0] == "status"
    )
    assert len(rows["rows"]) == 1
    assert rows["rows"][0][-1] == "more replications are needed for a standard error"


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (running_frame(), ""),
        (with_scheme(running_frame((*HOSTILE, "x" * 200))), "t.csv"),
        (nothing(running_frame()), ""),
    ],
    ids=["laws", "hostile columns", "undefined"],
)
def test_the_pdf_can_be_set_and_is_the_same_each_time(frame, data, tmp_path):
    run = TinyRunning(of_columns(frame) if data else frame, data)
    for name in ("one.pdf", "two.pdf"):
        write_report(run, tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


@has("pdftotext")
def test_the_pdf_says_the_answer(tmp_path):
    run = TinyRunning(running_frame())
    write_report(run, tmp_path / "r.pdf")
    out = subprocess.run(["pdftotext", "-layout", tmp_path / "r.pdf", "-"], capture_output=True,
                         check=True)  # fmt: skip
    words = re.sub(r"\s+", " ", out.stdout.decode())
    assert "How good are running averages at test time?" in words
    assert "0.025 sd with Keras’s running averages" in words


# ------------------------------------------------------------------------------ the terminal


@pytest.mark.parametrize("data", ["", "folder/train.csv"])
@pytest.mark.parametrize("frame", odd_tables().values(), ids=odd_tables())
def test_the_terminal_has_80_columns(frame, data, capsys):
    print_running(TinyRunning(of_columns(frame) if data else frame, data))
    lines = capsys.readouterr().out.splitlines()
    assert lines
    # A word longer than a line cannot be broken: names of 200 characters are cut instead.
    assert max(len(text) for text in lines) <= 80


def test_the_terminal_says_what_the_table_says(capsys):
    print_running(TinyRunning(running_frame()))
    out = capsys.readouterr().out
    assert "Keras              0.2000 ± 0.0020 0.02500 ± 0.00025 0.00625 ± 0.00006    ≈0.025" in out
    assert "with PyTorch’s only with batches of 64" in out.replace("\n", " ")


def test_many_columns_have_a_line_each_the_worst_first(capsys):
    frame = running_frame(tuple(f"c{i}" for i in range(30)))
    print_running(TinyRunning(of_columns(frame), "train.csv"))
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("Batch size 16, worst column first.")
    assert lines[at + 2].startswith("c29 ")
    assert "... and 10 columns with smaller errors, in results.csv" in lines


def test_marks_of_the_terminal():
    used = set()
    doubtful = Quantity(0.5, NAN, NAN, "", "unreliable", "")
    assert terminal_cell(doubtful, 18, used) == "(0.500)"
    assert terminal_cell(Quantity(NAN, NAN, NAN, "", "undefined", ""), 18, used) == "–"
    assert used == {"unreliable", "undefined"}
    assert line("a", "keras3", 2, "rmse", 0.5)["factors"] == "preset=keras3;steps=100;drift=0"
