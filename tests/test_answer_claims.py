"""Every claim of an answer gets every word that it can, from tables made to bear it."""

from __future__ import annotations

import math

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
    sweep,
    with_difference,
)
from tiny_shift import LEVELS

from simnorm.answering import WORDS, margins
from simnorm.answering.claims import CLAIMS, accuracy, inference, judge, training, values
from simnorm.answering.numbers import Family, Number, above, below, cells, interval_text, widened

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
    assert (found.chapter, found.number) == ("scaling", "−9.00 ± 0.25 points of accuracy")
    assert "9.00" not in values.replaces(case(inputs=inputs(), scaling=same_accuracy())).number


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
        (sweep(0.01, half=0.02), "undecided"),
        (sweep(0.1, status="unreliable", ci_low=math.nan, ci_high=math.nan), "undecided"),
    ],
)
def test_sampling_error_is_there_unless_the_batch_is_all(made, word):
    """An error above 0 beyond its interval is sampling error."""
    assert values.sampling_error(case(sweep=made)).word == word


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
    """With E yz = 0.98, a gamma of 2 leaves sqrt(1 + 4 - 3.92) = 1.0392; one of 1 leaves 0.2."""
    found = values.gamma_beta(case(inputs=inputs(best=0.98)))
    assert found.word == "imprecise"
    assert "1.039 ± 0.001 sd" in found.number
    assert "0.2000 ± 0.0025 with a gamma of 1" in found.detail


def test_gamma_that_does_no_harm():
    """Where the best gamma is 2 or more, setting it to 2 is no distortion: the claim is false."""
    assert values.gamma_beta(case(inputs=inputs(best=2.0))).word == "false"
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
    assert "0.014 sd" in values.full_set_z(case(inputs=made)).number


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
    """A mean off by 0.03 sd and a variance by 8 % make sqrt(0.0009 + 0.0064/4) = 0.05.

    With a standard deviation of 0.01 the epsilon of Keras alone leaves 0.7: it is told apart.
    """
    name = "normal(scale=0.01)"
    usual = {"factors": "preset=keras3;steps=1000;drift=0"}
    made = result(
        [
            number(name, "running_mean", 32, "relative_rmse", 0.03, 0.003, **usual),
            number(name, "running_variance", 32, "relative_rmse", 0.08, 0.008, **usual),
            number(name, "inference_value", 32, "rmse", 0.71, 0.001, **usual),
        ],
        presets=("keras3",), steps=1000, batch_sizes=(32,),
    )  # fmt: skip
    tiny = case(running=made, names=(name,))
    found = inference.estimation(tiny, "keras3")[name]
    assert found.estimate == pytest.approx(0.05)
    # Both a tenth too large: so is the root.
    assert (found.low, found.high) == (pytest.approx(0.045), pytest.approx(0.055))
    assert found.error == pytest.approx(0.0025)
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


# ---------------------------------------------------------------------------------------------
# Accuracy


def test_who_needs_scaling():
    """Both models lose without it: true. One alone: imprecise. None: false. Unknown: undecided."""
    made = scaling()

    def word(knn: tuple[float, float], mlp: tuple[float, float]) -> str:
        changed = with_difference(made, *knn, model="knn", **NONE)
        changed = with_difference(changed, *mlp, model="mlp", **NONE)
        return accuracy.needs_scaling(case(scaling=changed)).word

    assert word((-9.0, 1.0), (-9.0, 1.0)) == "true"
    assert word((-9.0, 1.0), (0.0, 0.5)) == "imprecise"
    assert word((0.0, 0.5), (3.0, 0.5)) == "false"
    assert word((-9.0, 1.0), (0.0, 5.0)) == "undecided"
    assert accuracy.needs_scaling(case()).word == "not measured"


def test_data_of_one_scale_do_not_count():
    """A loss on digits, whose features have one scale, is no answer where scales vary."""
    made = with_difference(scaling(), 0.0, 0.5, **NONE)
    made = with_difference(made, -9.0, 0.5, distribution="digits", **NONE)
    found = accuracy.needs_scaling(case(scaling=made))
    assert found.word == "false"
    assert "−9.00" in found.detail


@pytest.mark.parametrize(
    ("value", "half", "word"),
    [(5.0, 1.0, "false"), (0.0, 0.5, "false"), (5.0, 5.9, "false"), (-9.0, 1.0, "imprecise")],
)
def test_standardization_assumes_no_gaussian(value, half, word):
    """It is false unless it costs accuracy on heavy tails beyond chance."""
    made = with_difference(scaling(), value, half, **Z_SCORE)
    assert accuracy.assumes_gaussian(case(scaling=made)).word == word


def test_standardization_with_nothing_but_an_open_interval():
    """With no distribution far from normal, an interval on both sides decides nothing."""
    made = with_difference(scaling(), 0.0, 9.0, **Z_SCORE)
    alone = case(scaling=made, names=("normal",))
    assert accuracy.assumes_gaussian(alone).word == "undecided"
    assert accuracy.assumes_gaussian(case(scaling=made, inputs=inputs())).word == "false"
    assert accuracy.assumes_gaussian(case(names=("normal",))).word == "not measured"
    assert accuracy.assumes_gaussian(case(inputs=inputs())).word == "false"


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
    assert found.needed == "more data: no number of repeats would do"


# ---------------------------------------------------------------------------------------------
# Training


def shifts(moments: float, gradients: float, wide: float = 0.02):
    """A net without normalization has shift 1 by every definition, with it these."""
    levels = {
        name: (parts[0], parts[0] * (gradients if name.startswith("gradient") else moments),
               *parts[2:])
        for name, parts in LEVELS.items()
        if name in ("moment_shift", "ks_shift", "wasserstein_shift", "gradient_shift")
    }  # fmt: skip
    return shift(levels=levels, wide=wide)


@pytest.mark.parametrize(
    ("moments", "gradients", "wide", "word"),
    [
        (2.0, 2.0, 0.02, "true"),
        (1.0, 1.0, 0.02, "true"),  # no smaller: nothing is solved
        (0.05, 0.05, 0.02, "false"),
        (0.5, 0.5, 0.02, "imprecise"),  # smaller, not gone
        (0.05, 0.5, 0.02, "imprecise"),
        (0.5, 2.0, 0.02, "imprecise"),
        (1.0, 1.0, 0.2, "undecided"),
    ],
)
def test_covariate_shift_by_every_definition(moments, gradients, wide, word):
    """Not solved if the shift is smaller by no definition, solved if it is gone by all."""
    assert training.covariate_shift(case(shift=shifts(moments, gradients, wide))).word == word


def test_noise_behind_the_layer_is_told_of():
    """The sentence counts ratios that are larger, and nets that are less accurate."""
    found = training.covariate_shift(case(shift=shift()))
    assert "larger than without the layer in 8 of 8 ratios" in found.detail
    assert "lower in 0 of 2 nets" in found.detail


@pytest.mark.parametrize(
    ("ratio", "half", "word"),
    [
        (1.20, 0.02, "true"),
        (0.80, 0.02, "false"),
        (1.01, 0.02, "no difference"),
        (1.05, 0.20, "undecided"),
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
    assert len(found) == len(CLAIMS) == len({verdict.key for verdict in found}) == 12
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
    assert f"within {100 * margins.SHIFT:g} % of 1" in told["shift"]
    assert f"at {100 * margins.GONE:g} % or less" in told["shift"]


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


def test_what_one_alone_would_say_several_do_not():
    """An interval that just leaves 0 out decides alone, and not as one of ten."""
    clear, rest = Number(0.0201, 0.01, 0.0005, 0.0397), Number(0.0, 0.01, -0.0196, 0.0196)
    assert Family({"a": clear}, 0.01).words == {"a": "more"}
    many = {"a": clear} | {str(i): rest for i in range(9)}
    assert Family(many, 0.01).words["a"] == "undecided"


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


def test_an_interval_is_as_exact_as_it_is_narrow():
    """Two digits of its width."""
    assert interval_text(Number(1.08, 0.01, 1.0612, 1.0989)) == "1.061 to 1.099"
    assert interval_text(Number(12.3, 5.0, 2.3, 22.3)) == "2 to 22"
