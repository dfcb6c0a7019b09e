"""Every claim of an answer gets every word that it can, from tables made to bear it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from tiny_answer import (
    TORCH,
    case,
    inputs,
    needed,
    number,
    overhead,
    result,
    running,
    scaling,
    shift,
    shift_of,
    sweep,
    with_difference,
)

from simnorm.answering import WORDS, margins
from simnorm.answering.claims import CLAIMS, accuracy, inference, judge, training, values
from simnorm.answering.numbers import (
    Family,
    Number,
    above,
    below,
    cells,
    interval_text,
    points_within,
    widened,
)
from simnorm.studies.scaling.models import LEARNING_RATE
from simnorm.studies.scaling.training import MOST_UPDATES

BATCH = {"scaler": "batch", "against": "z_score"}
NONE = {"scaler": "none", "against": "z_score"}
MIN_MAX = {"scaler": "min_max", "against": "z_score"}
Z_SCORE = {"scaler": "z_score", "against": "none", "distribution": "heavy_tails"}


# ---------------------------------------------------------------------------------------------
# The question itself


def same_accuracy(value: float = 0.0, half: float = 0.5):
    return with_difference(scaling(), value, half, **BATCH)


@pytest.mark.parametrize(
    ("error", "value", "half", "word"),
    [
        (0.30, 0.0, 0.5, "imprecise"),  # off, but as accurate
        (0.30, 0.0, 5.0, "false"),  # off, accuracy unknown
        (0.30, -9.0, 0.5, "false"),
        (0.02, 0.0, 0.5, "true"),
        (0.02, -9.0, 0.5, "false"),
        (0.02, 0.0, 5.0, "undecided"),
        (0.10, 0.0, 0.5, "undecided"),  # on the margin
    ],
)
def test_the_question_is_judged_by_values_and_accuracy(error, value, half, word):
    """Both must be inside their margins; off values with the same accuracy are called so."""
    found = values.replaces(case(inputs=inputs(error), scaling=same_accuracy(value, half)))
    assert found.word == word


def test_the_question_names_the_accuracy_that_is_lost():
    """Where accuracy falls the number is that fall, and the figure the one that shows it."""
    found = values.replaces(case(inputs=inputs(), scaling=same_accuracy(-9.0)))
    assert found.chapter == "scaling"
    assert found.number.startswith("−9.0 points (−9.5 to −8.5) of accuracy, ")
    assert "points" not in values.replaces(case(inputs=inputs(), scaling=same_accuracy())).number


def test_the_question_counts_no_data_twice():
    """spread_scales is digits to batches, heavy_tails is wine: six comparisons of three sets."""
    assert "of 6 comparisons" in values.replaces(case(scaling=same_accuracy())).detail
    lost = scaling()
    for name in ("spread_scales", "heavy_tails", "normal_tails"):
        lost = with_difference(lost, -9.0, 0.5, distribution=name, **BATCH)
    for name in ("wine", "breast_cancer", "digits"):
        lost = with_difference(lost, 0.0, 0.5, distribution=name, **BATCH)
    assert values.replaces(case(inputs=inputs(0.02), scaling=lost)).word == "true"


def test_accuracy_at_another_batch_size_decides_nothing():
    """Scaling measured 2, 8, 32 and 128: a loss with 32 says nothing of batches of 64."""
    errors = inputs(0.02, batch_size=64)
    lost = same_accuracy(-9.0)
    assert values.replaces(case(64, inputs=errors, scaling=lost)).word == "true"
    assert "batches of 32" in values.replaces(case(64, inputs=errors, scaling=lost)).detail


def test_the_question_can_be_judged_by_either_study_alone():
    """Values alone say yes or no; with accuracy alone nothing is known of them."""
    assert values.replaces(case(inputs=inputs(0.3))).word == "false"
    assert values.replaces(case(inputs=inputs(0.02))).word == "true"
    assert values.replaces(case(scaling=same_accuracy())).word == "undecided"
    assert values.replaces(case()).word == "not measured"


# ---------------------------------------------------------------------------------------------
# Values


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (sweep(0.1), "true"),
        (sweep(0.0, 0.0, half=0.0), "false"),  # the batch is the full set
        (sweep(0.005, 0.005, half=0.001), "false"),  # n close to N: inside 1 %
        (sweep(0.005, 0.2, half=0.001), "imprecise"),
        (sweep(0.01, 0.01, half=0.02), "undecided"),
        (sweep(0.01, 0.2, half=0.02), "true"),  # of the mean it is sure
        (sweep(0.1, status="unreliable", ci_low=math.nan, ci_high=math.nan), "undecided"),
    ],
)
def test_sampling_error_is_there_unless_the_batch_is_all(made, word):
    """An error above 1 % beyond its interval is sampling error; below it there is none."""
    assert values.sampling_error(case(sweep=made)).word == word


def test_numbers_without_an_error_bar_are_told_of():
    """Not that intervals lie on both sides, where there is none."""
    made = sweep(0.1, status="unreliable", ci_low=math.nan, ci_high=math.nan)
    assert "4 of 4 have no error bar" in values.sampling_error(case(sweep=made)).why


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([("normal", 20, 20, 20), ("exponential", 30, 28, 32)], "enough"),
        ([("normal", 20, 20, 20), ("exponential", 30, 28, 33)], "undecided"),
        ([("normal", 20, 20, 20), ("exponential", 40, 32, 45)], "undecided"),
        ([("normal", 20, 20, 20), ("exponential", 40, 33, 45)], "too small"),
        ([("normal", 20, 20, 20), ("exponential", 0, 0, 0)], "too small"),
        ([("normal", 0, 0, 0)], "too small"),
        ([], "not measured"),
    ],
)
def test_the_batch_size_is_enough_if_the_whole_range_says_so(rows, word):
    """With n = 32, the range that an answer lies in decides; none at all is too small."""
    assert values.which_batch_size(case(table=needed(*rows))).word == word


def test_a_constant_column_needs_no_batch_size():
    """It has no z-score to be off from."""
    table = needed(("normal", 20, 20, 20), ("flat", 0, 0, 0))
    table.loc[1, "reason"] = "The column is constant and has no z-score."
    assert values.which_batch_size(case(table=table)).word == "enough"


def test_gamma_beta_number_by_hand():
    """With E yz = 0.98, gamma 1.5 leaves sqrt(3.25 - 2.94) = 0.5568; one of 1 leaves 0.2."""
    found = values.gamma_beta(case(inputs=inputs(best=0.98)))
    assert found.word == "imprecise"
    assert found.number.startswith("skewness as it was, by theory; ")
    assert "0.5568 ± 0.0013 sd off at γ = 1.5" in found.number
    assert "0.2000 ± 0.0025 with a gamma of 1" in found.detail


@pytest.mark.parametrize("best", [0.3, 0.95, 1.0])
def test_gamma_is_judged_by_theory(best):
    """Whatever the products are, they shift and stretch: no other word, and it says so."""
    found = values.gamma_beta(case(inputs=inputs(best=best)))
    assert found.word == "imprecise"
    assert found.why.startswith("By theory")
    assert "a gamma below 0 turns the sign" in found.detail


def test_gamma_without_a_run_or_a_spread():
    assert values.gamma_beta(case()).word == "not measured"
    assert values.gamma_beta(case(n=1, inputs=inputs())).word == "not measured"


@pytest.mark.parametrize(
    ("error", "word"),
    [(0.3, "true"), (0.001, "false"), (0.012, "imprecise"), (0.0138, "imprecise")],
)
def test_the_z_score_of_all_against_the_batch(error, word):
    """Own errors are sqrt(6/65536) = 0.0096 (normal) and sqrt(12/65536) = 0.0135 (exponential)."""
    half = 0.0001
    made = inputs(error, mcse=half / 2, ci_low=error - half, ci_high=error + half)
    if word == "imprecise" and error > 0.0135:
        # Above both: better everywhere.
        word = "true"
    assert values.full_set_z(case(inputs=made)).word == word


def test_the_z_score_of_all_within_the_error_of_the_batch():
    """Intervals that hold both own errors decide nothing."""
    made = inputs(0.012, ci_low=0.005, ci_high=0.02)
    assert values.full_set_z(case(inputs=made)).word == "undecided"
    assert values.full_set_z(case(inputs=made)).number == "0.014 sd off, to first order, by theory"


def test_a_name_without_kurtosis_is_no_part_of_everywhere():
    """t(df=3) has no fourth moment: two of three have an own error, and that is told."""
    made = inputs(0.3)
    more = made.frame[made.frame["distribution"] == "normal"].assign(distribution="t(df=3)")
    made.frame = pd.concat([made.frame, more], ignore_index=True)
    found = values.full_set_z(case(inputs=made, names=("normal", "exponential", "t(df=3)")))
    assert (found.word, found.why) == (
        "true", "Its error is below that of the batch in all 2 distributions."
    )  # fmt: skip
    assert "Of 1 other distributions no kurtosis is known" in found.detail


# ---------------------------------------------------------------------------------------------
# Test time


@pytest.mark.parametrize(
    ("keras", "precise", "word"),
    [
        (0.02, 0.002, "false"),
        (0.5, 0.002, "imprecise"),
        (0.5, 0.4, "true"),
        (0.1, 0.002, "undecided"),
    ],
)
def test_test_time_depends_on_how_one_averages(keras, precise, word):
    """Hard if every way is off by more than 0.1 sd, not at all if none is."""
    assert inference.test_time(case(running=running(keras, precise))).word == word


def test_estimation_by_hand():
    """A mean off by 0.03 sd and a variance by 8 %, 0 on average, make sqrt(0.0009 + 0.0064/4).

    That is 0.05. With a standard deviation of 0.01 the epsilon of Keras alone leaves 0.7: it is
    told apart.
    """
    name = "normal(scale=0.01)"
    usual = {"factors": "preset=keras3;steps=1000;drift=0"}
    made = result(
        [
            number(name, "running_mean", 32, "relative_rmse", 0.03, 0.003, **usual),
            number(name, "running_variance", 32, "relative_rmse", 0.08, 0.008, **usual),
            number(name, "running_variance", 32, "relative_bias", 0.0, 0.0, **usual),
            number(name, "inference_value", 32, "rmse", 0.71, 0.001, **usual),
        ],
        presets=("keras3",), steps=1000, batch_sizes=(32,), drift=(0.0,),
    )  # fmt: skip
    tiny = case(running=made, names=(name,))
    found = inference.estimation(tiny, "keras3")[name]
    assert found.estimate == pytest.approx(0.05)
    # Both a tenth too large: so is the root.
    assert (found.low, found.high) == (pytest.approx(0.045), pytest.approx(0.055))
    assert found.error == pytest.approx(0.005 / 1.959963985)
    assert inference.test_time(tiny).word == "false"
    assert "With its epsilon of 0.001, Keras" in inference.test_time(tiny).detail


@pytest.mark.parametrize(
    ("one", "refuses", "word"),
    [
        (30.0, True, "imprecise"),  # PyTorch refuses, Keras breaks without a word
        (30.0, False, "imprecise"),
        (0.01, True, "false"),
        (0.1, True, "undecided"),
        (0.0, True, "true"),  # nobody lets it pass
        (0.0, False, "not measured"),
    ],
)
def test_a_batch_of_one(one, refuses, word):
    """What Keras makes of it decides, and whether it is refused."""
    assert inference.batch_size_one(case(running=running(one=one, refuses=refuses))).word == word


def test_keras_breaks_with_its_number():
    """The number is the error at inference; of the running variance nothing is left."""
    found = inference.batch_size_one(case(running=running()))
    assert found.number == "30.00 ± 0.01 sd off (Keras)"
    assert "running variance falls to next to nothing" in found.detail


def test_pytorch_refuses_where_the_run_says_so_alone():
    """Without such a row nothing is said of PyTorch."""
    told = inference.batch_size_one(case(running=running(refuses=True)))
    silent = inference.batch_size_one(case(running=running(refuses=False)))
    assert told.why == "PyTorch refuses it. Keras lets it pass, and its values are wrong."
    assert silent.why == "Keras lets it pass, and its values are wrong."
    assert "PyTorch" not in silent.detail


def test_drift_and_order_are_told_of_columns_that_epsilon_leaves_alone():
    """Keras is off by 0.92 in a small column whatever drifts: 0.3 in the other one is of drift."""
    names = ("normal", "normal(scale=0.01)")
    rows = []
    for name, off in zip(names, (0.3, 0.92), strict=True):
        for drift in ("0", "0.001"):
            usual = {"factors": f"preset=keras3;steps=1000;drift={drift}"}
            rows += [
                number(name, "inference_value", 32, "rmse", off, 0.001, **usual),
                number(name, "running_mean", 32, "relative_rmse", 0.03, 0.003, **usual),
                number(name, "running_variance", 32, "relative_rmse", 0.08, 0.008, **usual),
                number(name, "running_variance", 32, "relative_bias", 0.0, 0.0, **usual),
            ]
    made = result(
        rows, presets=("keras3",), steps=1000, batch_sizes=(32,), drift=(0.0, 0.001)
    )  # fmt: skip
    found = inference.test_time(case(running=made, names=names))
    assert "drifts by 0.001 sd from batch to batch, it is up to 0.300" in found.detail
    assert "Keras has values off by up to 0.92" in found.detail
    assert found.number == "0.3000 ± 0.0005 sd (Keras, epsilon apart)"


@pytest.mark.parametrize(
    ("m", "b"), [(0.0, 3.0), (0.6, 3.0), (0.03, 0.0), (0.2, -0.75), (0.0, 142857.0), (0.1, 5.7)]
)
def test_a_variance_far_too_large_takes_the_whole_spread_and_no_more(m, b):
    """Values are s z - s m with s = 1/sqrt(1 + b): hypot(m s, 1 - s), which is 1 at most for m = 0.

    By numbers: of z = -1, 1 (mean 0, mean square 1), the root mean square of the difference.
    """
    found = inference._together(*(Number(x, 0.0, x, x) for x in (m, abs(b), b)))
    s = 1.0 / math.sqrt(1.0 + b)
    direct = math.sqrt(sum((s * (z - m) - z) ** 2 for z in (-1.0, 1.0)) / 2.0)
    assert found.estimate == pytest.approx(math.hypot(m * s, 1.0 - s), abs=1e-12)
    assert found.estimate == pytest.approx(direct, abs=1e-12)
    if m == 0.0:
        assert found.estimate < 1.0


def test_a_running_variance_by_simulation():
    """Of 200,000 draws of v about 4 +- 0.5 and m about 0.3: first order in the spread is 0.1 % off.

    The root mean square has a relative standard error below 0.0005.
    """
    rng = np.random.default_rng(5)
    v, m = rng.normal(4.0, 0.5, 200_000), rng.normal(0.0, 0.3, 200_000)
    s = 1.0 / np.sqrt(1.0 + v)
    direct = math.sqrt(float(np.mean((s * m) ** 2 + (1.0 - s) ** 2)))
    parts = (0.3, math.sqrt(16.25), 4.0)
    found = inference._together(*(Number(x, 0.0, x, x) for x in parts)).estimate
    assert found == pytest.approx(direct, rel=0.003)


def test_time_of_numbers_without_error_bars_is_not_of_both_sides():
    """The report's case: 3.07 +- 0.002 by first order, unreliable; told as having no error bar."""
    made = running(3.07, 3.07, status="unreliable", ci_low=math.nan, ci_high=math.nan)
    found = inference.test_time(case(running=made))
    assert found.word == "undecided"
    assert found.why == "4 of 4 numbers have no error bar that can be trusted."


def test_one_way_to_average_is_not_decided():
    """Keras is off, PreciseBN open: not a difference between ways, and so undecided."""
    found = inference.test_time(case(running=running(0.5, 0.1)))
    assert (found.word, found.needed) == ("undecided", "more replications")
    assert found.why.startswith("Keras off by more than the margin")


def test_for_which_inputs_a_running_average_is_good():
    """The sentence names means and spreads of the laws, and what drift does to each."""
    made = running()
    made.design.drift = (0.0, 0.001)
    drifted = made.frame[made.frame["factors"].str.endswith("drift=0")].copy()
    drifted["factors"] = drifted["factors"].str.replace("drift=0", "drift=0.001")
    drifted["drift"] = "0.001"
    drifted.loc[drifted["estimator"] == "inference_value", "estimate"] = 0.4
    made.frame = pd.concat([made.frame, drifted], ignore_index=True)
    found = inference.test_time(case(running=made))
    assert found.word == "false"
    assert "inputs that stay as they are, with means of 0 to 1.0" in found.why
    assert "drifts by 0.001 sd from batch to batch, it is up to 0.400" in found.detail


# ---------------------------------------------------------------------------------------------
# Accuracy


@pytest.mark.parametrize(
    ("judge_one", "model", "other"),
    [
        (accuracy.neighbours_need_scaling, "knn", "mlp"),
        (accuracy.nets_need_scaling, "mlp", "knn"),
    ],
)
def test_who_needs_scaling(judge_one, model, other):
    """A loss beyond chance: true. None: false. Unknown: undecided. The other model has no say."""
    made = scaling()

    def word(points: float, half: float, others: float = 0.0) -> str:
        changed = with_difference(made, points, half, model=model, **NONE)
        changed = with_difference(changed, others, 0.5, model=other, **NONE)
        return judge_one(case(scaling=changed)).word

    assert word(-9.0, 1.0) == "true"
    assert word(0.0, 0.5) == "false"
    assert word(3.0, 0.5, others=-9.0) == "false"
    assert word(0.0, 5.0, others=-9.0) == "undecided"
    assert judge_one(case()).word == "not measured"


def test_data_of_one_scale_do_not_count():
    """A loss on digits, whose features have one scale, is no answer where scales vary."""
    made = with_difference(scaling(), 0.0, 0.5, **NONE)
    made = with_difference(made, -9.0, 0.5, distribution="digits", **NONE)
    found = accuracy.neighbours_need_scaling(case(scaling=made))
    assert found.word == "false"
    assert "−9.0 points" in found.detail


def test_scales_that_are_made_make_no_model_need_scaling():
    """The report's case: the MLP open on wine and breast_cancer, -51 points on spread_scales."""
    made = with_difference(scaling(), -9.0, 1.0, model="knn", **NONE)
    made = with_difference(made, -9.0, 12.0, model="mlp", **NONE)
    made = with_difference(made, -51.0, 14.0, distribution="spread_scales", **NONE)
    assert accuracy.neighbours_need_scaling(case(scaling=made)).word == "true"
    found = accuracy.nets_need_scaling(case(scaling=made))
    assert found.word == "undecided"
    assert found.number.startswith("−9")
    assert "on scales that are made it loses" in found.why
    assert "On digits with scales made by us: −51 points" in found.detail


def test_scales_that_are_made_alone_are_called_so():
    """Nothing lost on real data, and much on made ones: imprecise."""
    made = with_difference(scaling(), 0.0, 0.5, **NONE)
    made = with_difference(made, -51.0, 14.0, distribution="spread_scales", model="mlp", **NONE)
    found = accuracy.nets_need_scaling(case(scaling=made))
    assert found.word == "imprecise"
    assert "On real data nothing is lost" in found.why
    assert accuracy.neighbours_need_scaling(case(scaling=made)).word == "false"


def test_how_the_net_was_trained_is_said():
    """Another net may lose less: rate and updates stand beside every word."""
    for half in (0.5, 20.0):
        made = with_difference(scaling(), -9.0, half, **NONE)
        why = accuracy.nets_need_scaling(case(scaling=made)).why
        assert f"at most {MOST_UPDATES:,} updates of Adam at a rate of {LEARNING_RATE:g}" in why


def test_what_scaling_takes_is_of_those_that_are_undecided():
    """Wine the same, breast_cancer open: not 'at least two repeats', where ten are done."""
    made = with_difference(scaling(), 0.0, 0.5, **NONE)
    made = with_difference(made, -1.0, 3.0, distribution="breast_cancer", model="mlp", **NONE)
    found = accuracy.nets_need_scaling(case(scaling=made))
    assert found.word == "undecided"
    assert found.needed.startswith("more rows: by the corrected resampled t")


def test_the_fewest_are_of_undecided_names_alone():
    """In any order: of a decided name there is no number, and of an undecided one there is."""
    same, open_ = Number(0.0, 0.002, -0.004, 0.004), Number(-0.01, 0.01, -0.03, 0.01)
    family = Family({"a": same, "b": open_}, 0.01, folds=5)
    assert math.isinf(family.fewest(["a", "b"]))
    assert math.isinf(family.fewest(["b", "a"]))
    assert math.isnan(family.fewest(["a"]))


def tails(robust, normal=(0.0, 0.5), nothing=(5.0, 1.0), model="knn"):
    """Scaling with robust against z-scores on heavy and normal tails, and z-scores on none."""
    made = scaling()
    for scaler in ("robust", "min_max"):
        made = with_difference(made, 0.0, 0.5, scaler=scaler, against="z_score")
    at = {"scaler": "robust", "against": "z_score", "model": model}
    made = with_difference(made, *robust, distribution="heavy_tails", **at)
    made = with_difference(made, *normal, distribution="normal_tails", **at)
    return with_difference(made, *nothing, **Z_SCORE)


@pytest.mark.parametrize(
    ("robust", "nothing", "word"),
    [
        ((0.0, 0.5), (5.0, 1.0), "false"),
        ((-9.0, 1.0), (0.0, 0.5), "false"),
        ((9.0, 1.0), (5.0, 1.0), "imprecise"),
        ((0.0, 0.5), (-9.0, 1.0), "imprecise"),
        ((5.0, 9.0), (5.0, 1.0), "undecided"),
        ((0.0, 0.5), (5.0, 9.0), "undecided"),
    ],
)
def test_what_heavy_tails_cost_z_scores(robust, nothing, word):
    """By another scaling that minds them less, not by none alone."""
    made = tails(robust, nothing=nothing)
    assert accuracy.assumes_gaussian(case(scaling=made)).word == word


def test_the_report_s_heavy_tails():
    """Robust 10.2 points better on heavy tails, 0.2 on normal ones: it costs, and tails do it."""
    found = accuracy.assumes_gaussian(case(scaling=tails((10.2, 6.05), (0.2, 1.6))))
    assert found.word == "imprecise"
    assert found.number == "10 points (4 to 16) by robust scaling, kNN on heavy_tails (made)"
    assert "heavy tails cost it 10 points (4 to 16) beside robust scaling" in found.why
    assert "in normal shape: 0.2 points (−1.4 to 1.8)" in found.why


def test_that_a_z_score_is_defined_decides_where_nothing_else_was_measured():
    """With accuracies, even undecided ones, they decide."""
    open_ = tails((5.0, 9.0))
    assert accuracy.assumes_gaussian(case(scaling=open_, inputs=inputs())).word == "undecided"
    assert accuracy.assumes_gaussian(case(inputs=inputs())).word == "false"
    assert accuracy.assumes_gaussian(case(names=("normal",))).word == "not measured"


def test_min_max():
    """One comparison that is worse is a counterexample; being better needs to be nowhere worse."""
    same = with_difference(scaling(), 0.0, 0.5, **MIN_MAX)

    def word(**changes: tuple[float, float]) -> str:
        made = same
        for name, (value, half) in changes.items():
            made = with_difference(made, value, half, distribution=name, **MIN_MAX)
        return accuracy.min_max(case(scaling=made)).word

    assert word() == "no difference"
    assert word(wine=(3.0, 0.5)) == "true"
    assert word(wine=(-3.0, 0.5)) == "false"
    assert word(wine=(-3.0, 0.5), digits=(3.0, 0.5)) == "imprecise"
    assert word(wine=(3.0, 0.5), digits=(0.0, 5.0)) == "undecided"
    assert word(wine=(0.0, 5.0)) == "undecided"
    assert accuracy.min_max(case()).word == "not measured"


def test_what_no_number_of_repeats_decides():
    """With 5 folds a quarter of the variance stays: half a margin's doubt is never taken away."""
    made = with_difference(scaling(), 0.0, 5.0, **MIN_MAX)
    found = accuracy.min_max(case(scaling=made))
    assert found.needed.startswith("more rows: by the corrected resampled t, repeats alone")


def test_min_max_counts_no_data_twice():
    """spread_scales is digits to it, normal_tails wine; heavy tails are in question: 4 x 2."""
    found = accuracy.min_max(case(scaling=scaling()))
    assert "of 8 comparisons" in found.detail
    made = with_difference(scaling(), 0.0, 0.5, **MIN_MAX)
    assert accuracy.min_max(
        case(scaling=with_difference(made, 9.0, 0.5, distribution="spread_scales", **MIN_MAX))
    ).word == "no difference"  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Training


@pytest.mark.parametrize(
    ("activations", "gradients", "cosine", "half", "word"),
    [
        (2.0, 2.0, -0.2, 0.02, "true"),
        (1.0, 1.0, 0.0, 0.02, "true"),
        (0.5, 0.5, 0.2, 0.02, "false"),
        (0.5, 0.5, 0.0, 0.02, "imprecise"),  # the direction of gradients is the same
        (0.5, 2.0, -0.2, 0.02, "imprecise"),
        (1.0, 1.0, 0.0, 0.2, "undecided"),
        (0.5, 1.0, 0.2, 0.2, "undecided"),  # smaller or undecided: false may come
        (2.0, 1.0, -0.2, 0.2, "undecided"),
    ],
)
def test_covariate_shift_by_every_definition(activations, gradients, cosine, half, word):
    """False if smaller by all, true if by none; a larger cosine is less shift."""
    made = shift_of({"best": (activations, gradients, cosine)}, half)
    assert training.covariate_shift(case(shift=made)).word == word


def test_the_chapter_counts_the_same_measures():
    """Verdict and chapter have one list, and the same margins."""
    from simnorm.figures.shift import shown

    assert set(training.VOTES) == set(shown.COUNTED)
    assert training.BY_CONSTRUCTION in shown.BY_CONSTRUCTION
    assert (margins.SHIFT, margins.COSINE) == (shown.MARGIN, shown.MARGIN_COSINE)


def test_moments_have_no_vote():
    """Behind the layer they are beta and gamma: told as small by construction, counted nowhere."""
    made = shift_of({"best": (2.0, 2.0, -0.2)}, moments=0.04)
    found = training.covariate_shift(case(shift=made))
    assert found.word == "true"
    assert "by none of 8 measures" in found.why
    assert "Moments are not counted" in found.detail
    assert "×0.040" in found.detail


def test_the_best_rates_decide_and_the_others_are_told():
    """The report's table: gradients 0.77 at 0.05 and 2.39 at 0.2; each at its best, 2.39."""
    made = shift_of(
        {"0.05": (0.5, 0.77, 0.2), "0.2": (0.9, 2.39, 0.0), "best": (0.9, 2.39, 0.0)}, half=0.02
    )
    found = training.covariate_shift(case(shift=made))
    assert found.word == "imprecise"
    assert found.number.startswith("×2.39 (2.34 to 2.44), gradients")
    assert "smaller by 4 and not by 4 of 8 measures" in found.why
    assert (
        "It depends on the learning rate too: in the ReLU net gradients turn with it." in found.why
    )
    assert "×0.770 (0.755 to 0.785) at 0.05 and ×2.39 (2.34 to 2.44) at 0.2" in found.detail
    assert "of 0.05 and 0.2, by training loss" in found.detail
    assert found.claim.endswith("in 2 small nets on digits.")


def test_without_a_best_rate_all_rates_vote():
    """Two rates that part make it imprecise; one alone says that another may be otherwise."""
    part = shift_of({"0.05": (0.5, 0.5, 0.2), "0.2": (2.0, 2.0, -0.2)})
    assert training.covariate_shift(case(shift=part)).word == "imprecise"
    one = shift_of({"": (0.5, 0.5, 0.2)})
    found = training.covariate_shift(case(shift=one))
    assert "At another learning rate it may be otherwise." in found.why


def test_noise_behind_the_layer_is_told_of():
    """It counts measures that are larger, and accuracy by the corrected t's interval."""
    found = training.covariate_shift(case(shift=shift_of({"best": (0.5, 0.5, 0.2)})))
    assert "larger by 8 of 8 measures than without the layer" in found.detail
    assert "test accuracy is the same in 2 of 2 nets" in found.detail


@pytest.mark.parametrize(
    ("ratio", "half", "word"),
    [
        (1.20, 0.02, "true"),
        (0.80, 0.02, "false"),
        (1.01, 0.02, "no difference"),
        (1.05, 0.20, "undecided"),
        (1.05, 0.02, "true"),  # beyond chance, and not by more than 5 %
    ],
)
def test_overhead(ratio, half, word):
    """A step takes longer in every net, or less, or as long within 5 %, or nobody knows."""
    made = overhead()
    is_it = made.frame["measure"] == "ratio"
    for name, value in (("estimate", ratio), ("ci_low", ratio - half), ("ci_high", ratio + half)):
        made.frame.loc[is_it, name] = value
    assert training.overhead(case(overhead=made)).word == word


def test_overhead_in_some_nets_alone():
    """Where one width shows it and another does not, it depends."""
    made = overhead()
    is_it = (made.frame["measure"] == "ratio") & (made.frame["width"] == "256")
    for name, value in (("estimate", 1.0), ("ci_low", 0.99), ("ci_high", 1.01)):
        made.frame.loc[is_it, name] = value
    assert training.overhead(case(overhead=made)).word == "imprecise"


def test_overhead_in_some_and_undecided_in_others_is_no_difference_between_nets():
    """4 of 6 longer, the others 0.97 to 1.35: it costs, and nothing says that it hangs on nets."""
    made = overhead()
    is_it = (made.frame["measure"] == "ratio") & (made.frame["width"] == "256")
    for name, value in (("estimate", 1.15), ("ci_low", 0.97), ("ci_high", 1.35)):
        made.frame.loc[is_it, name] = value
    found = training.overhead(case(overhead=made))
    assert found.word == "true"
    assert found.why.endswith("Not decided: 2.")


def test_beyond_chance_is_not_beyond_the_margin():
    """1.05 (1.022 to 1.077) is longer, and not by more than 5 %."""
    made = overhead()
    is_it = made.frame["measure"] == "ratio"
    for name, value in (("estimate", 1.05), ("ci_low", 1.022), ("ci_high", 1.077)):
        made.frame.loc[is_it, name] = value
    found = training.overhead(case(overhead=made))
    assert found.word == "true"
    assert found.why.endswith("by more than 5 % in 0.")
    assert found.number.startswith("×1.05 (1.02 to 1.08)")


# ---------------------------------------------------------------------------------------------
# All of them


def whole(**more):
    every = {
        "sweep": sweep(), "inputs": inputs(), "running": running(), "scaling": scaling(),
        "shift": shift(), "overhead": overhead(),
    }  # fmt: skip
    return case(table=needed(("normal", 149, 149, 149), ("exponential", 289, 283, 295)),
                **(every | more))  # fmt: skip


def test_every_claim_has_a_row():
    """Twelve claims, each with a known word, and, as all studies are there, with a number."""
    found = judge(whole())
    assert len(found) == len(CLAIMS) == len({verdict.key for verdict in found}) == 13
    assert {verdict.word for verdict in found} <= set(WORDS)
    assert all(v.number and v.detail and v.figure and v.chapter and v.why for v in found)


def test_a_missing_study_says_how_to_get_it():
    """What needs torch is not measured and says so; the other claims are as they were."""
    every = {v.key: v for v in judge(whole())}
    found = {v.key: v for v in judge(whole(shift=TORCH, overhead=TORCH))}
    gone = {key for key, verdict in found.items() if verdict.word == "not measured"}
    assert gone == {"covariate_shift", "overhead"}
    assert all("pip install" in found[key].why for key in gone)
    assert all(found[key] == every[key] for key in found if key not in gone)


def test_nothing_at_all_is_told_without_an_error():
    """With no study there is no word but that nothing was measured."""
    assert {verdict.word for verdict in judge(case())} == {"not measured"}


def test_margins_in_words_are_the_margins():
    """What is told is what is used."""
    told = margins.TOLD
    assert told["error"].startswith(f"{margins.ERROR:g} standard deviations")
    assert told["accuracy"].startswith(f"{100 * margins.ACCURACY:g} point")
    assert told["time"].startswith(f"{100 * margins.TIME:g} %")
    assert told["sampling"].startswith(f"{100 * margins.SAMPLING:g} %")
    assert f"within {100 * margins.SHIFT:g} % of 1" in told["shift"]
    assert f"cosines within {margins.COSINE:g}" in told["shift"]


def test_numbers_of_the_table_have_their_errors():
    """What page one says: an error, an interval, or the word that there is none to have."""
    for found in judge(whole()):
        words = ("±", " to ", "exact", "by theory")
        assert any(word in found.number for word in words), found.number


# ---------------------------------------------------------------------------------------------
# Numbers


def test_several_intervals_are_widened_to_hold_together():
    """Ten at 95 % together take 2.807/1.960 of one alone; of a ratio on the log scale."""
    found = widened(Number(0.5, 1.0, -1.46, 2.46), 10)
    assert found.low == pytest.approx(0.5 - 2.80703, abs=1e-4)
    assert found.high == pytest.approx(0.5 + 2.80703, abs=1e-4)
    ratio = widened(Number(2.0, 0.1, 1.0, 4.0), 10, ratio=True)
    assert ratio.low * ratio.high == pytest.approx(4.0)
    assert ratio.high == pytest.approx(2.0 * 2.0 ** (2.80703 / 1.95996), rel=1e-4)


@pytest.mark.parametrize(
    ("count", "R", "values_", "t"), [(8, 8, 1, 3.8552), (8, 3, 1, 12.5897), (6, 10, 5, 2.7497)]
)
def test_few_degrees_of_freedom_widen_more(count, R, values_, t):
    """Student's t at 1 - 0.05/m: 3.855/2.365 = 1.63 for eight of R = 8, where normal says 1.40."""
    from scipy import stats

    degrees = R * values_ - 1
    assert t == pytest.approx(stats.t.ppf(1.0 - 0.025 / count, degrees), abs=2e-4)
    half = stats.t.ppf(0.975, degrees)
    found = widened(Number(0.0, 1.0, -half, half, replications=R, values=values_), count)
    assert found.high == pytest.approx(t, abs=2e-4)


def test_eight_ratios_of_eight_runs_hold_together():
    """4,000 families of no difference: 5 % have one beside 1, with a standard error of 0.34 %.

    Of widening by normal quantiles 10 % would; 6.4 % is 4 standard errors above 5 %.
    """
    rng = np.random.default_rng(88)
    draws = rng.normal(0.0, 1.0, (4000, 8, 8))
    mean, error = draws.mean(axis=2), draws.std(axis=2, ddof=1) / math.sqrt(8)
    half = 2.364624 * error
    missed = 0
    for means, halves in zip(mean, half, strict=True):
        numbers = {
            str(i): Number(math.exp(m), 1.0, math.exp(m - h), math.exp(m + h), replications=8)
            for i, (m, h) in enumerate(zip(means, halves, strict=True))
        }
        words = Family(numbers, 1e-9, ratio=True).words.values()
        missed += any(word != "undecided" for word in words)
    assert missed / 4000 < 0.064


def test_what_one_alone_would_say_several_do_not():
    """An interval that just leaves 0 out decides alone, and not as one of ten."""
    clear, rest = Number(0.0201, 0.01, 0.0005, 0.0397), Number(0.0, 0.01, -0.0196, 0.0196)
    assert Family({"a": clear}, 0.01).words == {"a": "more"}
    many = {"a": clear} | {str(i): rest for i in range(9)}
    assert Family(many, 0.01).words["a"] == "undecided"
    # So are those that are judged with others elsewhere.
    assert Family({"a": clear}, 0.01, together=10).words == {"a": "undecided"}


def test_folds_count_among_the_degrees_of_freedom():
    """Two repeats of five folds have 9: 0.05 +- 0.03 becomes +- 0.036 for two; with 1, +- 0.06."""
    pair = {name: Number(0.05, 0.01, 0.02, 0.08, replications=2) for name in "ab"}
    assert Family(pair, 0.01, folds=5).words == {"a": "more", "b": "more"}
    assert Family(pair, 0.01).words == {"a": "undecided", "b": "undecided"}


def test_no_difference_needs_no_widening():
    """Every interval inside the margin is enough, however many there are."""
    inside = Number(0.0, 0.004, -0.009, 0.009)
    assert Family({str(i): inside for i in range(50)}, 0.01).is_same


def test_numbers_without_an_interval_decide_nothing():
    """An unreliable number is neither above nor below, nor the same."""
    nothing = Number(0.5, math.nan, math.nan, math.nan, "unreliable")
    assert above({"a": nothing}, 0.1) == below({"a": nothing}, 0.9) == []
    assert Family({"a": nothing}, 1.0).words == {"a": "undecided"}
    assert nothing.text(" sd") == "about 0.50 sd (no error bar)"


def test_exact_numbers_decide_alone():
    """A number without error is what it is."""
    exact = Number(0.0, 0.0, 0.0, 0.0, "exact")
    assert Family({"a": exact}, 0.01).is_same
    assert Family({"a": Number(-0.5, 0.0, -0.5, -0.5, "exact")}, 0.01).words == {"a": "less"}


def test_cells_are_found_by_their_factors():
    """A factor that no row has is no cell; a reference is asked for by its word."""
    made = result([number("normal", "mean", 8, "rmse", 0.3)])
    assert len(cells(made, "mean", "rmse", batch_size=8, reference="full_set")) == 1
    assert cells(made, "mean", "rmse", batch_size=8, reference="population") == {}
    assert cells(made, "mean", "rmse", batch_size=8, preset="keras3") == {}
    assert cells(made, "mean", "rmse", batch_size=9) == {}


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-0.0316, 0.0116, "−1 point (−3 to 1)"),
        (0.0043, 0.0157, "1.0 points (0.4 to 1.6)"),
        (-0.004, 0.132, "6.4 points (−0.4 to 13.2)"),  # not "0 to 13"
        (-0.4, -0.2, "−30 points (−40 to −20)"),
    ],
)
def test_points_with_their_interval(low, high, text):
    """Estimate and ends have the same digits; no end that leaves 0 out is printed as 0."""
    assert points_within(Number((low + high) / 2, 0.01, low, high)) == text


def test_an_interval_is_as_exact_as_it_is_narrow():
    """Two digits of its width."""
    assert interval_text(Number(1.08, 0.01, 1.0612, 1.0989)) == "1.061 to 1.099"
    assert interval_text(Number(12.3, 5.0, 2.3, 22.3)) == "2 to 22"
