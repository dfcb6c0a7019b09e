"""Figures of the study `inputs`: they show the tables' numbers, and say what they leave out."""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pandas as pd
import pytest
from tiny_inputs import (
    columns_frame,
    inputs_curves,
    inputs_frame,
    line,
    undefined_inputs,
)
from tiny_tables import NAN, frame_of

from simnorm import figures
from simnorm.figures.inputs.by_value import is_exact
from simnorm.figures.inputs.epsilon import law_sd, losers, remaining, scales
from simnorm.figures.inputs.error import are_alike
from simnorm.figures.inputs.error import figure as error_figure
from simnorm.figures.inputs.outputs import shown as shown_outputs
from simnorm.figures.inputs.rows import Run, Setting, curves_of, plain_number, spread_sizes

KINDS = figures.OF_STUDY["inputs"]
HOSTILE = ("$x^2$ _a_ *b* #c @d", "列\U0001f600 _")


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def drawn(kind, frame):
    return figures.figure(kind, frame, inputs_curves(frame))


def points_of(ax):
    """x and y of all markers."""
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    return [(np.asarray(d.get_xdata()), np.asarray(d.get_ydata())) for d in dots]


# --------------------------------------------------------------------------- what is shown


def test_the_usual_layer_is_shown_whatever_the_order():
    rows = [
        row
        for factors in ("epsilon=1e-05;gamma=2;beta=0", "epsilon=0.001;gamma=1;beta=0",
                        "epsilon=1e-05;gamma=1;beta=0")
        for row in [line("a", "normalized_value", 4, "rmse", 0.5, factors)]
    ]  # fmt: skip
    run = Run(frame_of(rows))
    assert run.setting == Setting(1e-05)
    assert run.epsilons == [Setting(1e-05), Setting(0.001)]
    assert len(run.errors()) == 1


def test_columns_stand_worst_first_and_laws_as_given():
    hard = {"a": 1.0, "b": 3.0, "c": 2.0}
    assert Run(columns_frame(hard)).names == ["b", "c", "a"]
    assert Run(inputs_frame(hard)).names == ["a", "b", "c"]


def test_sentences_speak_of_a_batch_near_16_and_never_of_one_alone_unless_it_is_all():
    assert Run(inputs_frame()).size == 16
    assert Run(inputs_frame(sizes=(1, 1024))).size == 1024
    assert Run(inputs_frame(sizes=(1,))).size == 1
    assert Run(undefined_inputs()).alive_names() == []


def test_only_numbers_to_be_trusted_are_spoken_of():
    frame = inputs_frame({"a": 1.6, "b": 1.6})
    doubtful = (frame["distribution"] == "b") & (frame["batch_size"] == 16)
    frame.loc[doubtful, "status"] = "unreliable"
    frame.loc[doubtful, ["theory_kind", "theory"]] = ["", NAN]
    run = Run(frame)
    assert run.values(run.shown_errors) == {"a": pytest.approx(0.1**0.5)}


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (1e-05, "0.00001"), (0.25, "0.25"), (1e-9, "1e−09")]
)
def test_settings_are_written_plainly(value, text):
    assert plain_number(value) == text


def test_few_sizes_are_spread_about_the_one_spoken_of():
    assert spread_sizes([4, 8, 16, 32, 64, 128, 1024], 3, 16) == [4, 16, 1024]
    assert spread_sizes([16], 3, 16) == [16]
    assert spread_sizes([], 3, 16) == []


# ------------------------------------------------------------------------------- every kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_the_same_each_time_and_changes_no_settings(kind, tmp_path):
    before = dict(mpl.rcParams)
    for name in ("one.svg", "two.svg"):
        figures.save_svg(drawn(kind, inputs_frame()), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [False, True], ids=["law", "column"])
def test_a_figure_with_nothing_to_show_says_so(kind, data, tmp_path):
    figure = drawn(kind, undefined_inputs(data=data))
    assert any(text.startswith("Nothing to show") for text in texts_of(figure))
    figures.save(figure, tmp_path / "nothing.png", dpi=40)


ODD = {
    "one law, one size": inputs_frame({"normal": 1.6}, (16,)),
    "size one": inputs_frame(sizes=(1,)),
    "fifty laws": inputs_frame({f"gamma(a={i})": 1.0 + i / 50 for i in range(1, 51)}, (2, 16)),
    "300 columns": columns_frame({f"c{i}": 1.0 + i / 300 for i in range(300)}, sizes=(4, 16)),
    "names": columns_frame(dict.fromkeys(HOSTILE, 1.6) | {"a" * 200: 1.6, "a" * 201: 1.7}),
    "no error bars, no theory": inputs_frame().assign(
        mcse=NAN, ci_low=NAN, ci_high=NAN, z=NAN, theory=NAN, theory_kind=""
    ),
    "part undefined": pd.concat([inputs_frame({"normal": 1.6}), undefined_inputs()]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", ODD)
def test_every_kind_survives_odd_tables(kind, odd, tmp_path):
    figure = drawn(kind, ODD[odd])
    figures.save(figure, tmp_path / "odd.svg")
    assert figure.get_figwidth() == pytest.approx(6.7)


def test_names_are_shown_as_they_are():
    figure = drawn("error", columns_frame({"$x^2$ _a_": 1.6, "_b": 1.7}))
    assert {"$x^2$ _a_", "_b"} <= set(texts_of(figure))


# ----------------------------------------------------------------------------- their numbers


def test_the_error_is_drawn_with_its_level_and_what_becomes_of_one_and_two():
    # Six sizes and an axis that goes far below the level: then there is room for remarks.
    frame = inputs_frame({"normal": 1.6}, (1, 2, 4, 16, 64, 1024))
    figure = drawn("error", frame)
    ax = figure.axes[0]
    ((x, y),) = points_of(ax)
    assert list(x) == [1, 2, 4, 16, 64, 1024]
    np.testing.assert_allclose(y, [1.0, *(np.sqrt(1.6 / n) for n in x[1:])])
    words = " ".join(texts_of(figure))
    assert "0.1 sd" in words
    assert "n = 1:" in words
    assert "n = 2: the larger is 1," in words


def test_names_are_alike_only_if_their_errors_are():
    def rows(frame):
        return Run(frame).shown_errors

    # Batches of one are alike whatever the law.
    assert are_alike(rows(inputs_frame({"a": 1.6, "b": 1.6})))
    assert are_alike(rows(inputs_frame({"a": 1.6, "b": 3.2}, (1,))))
    far = inputs_frame({"a": 1.6, "b": 3.2})
    far.loc[far["batch_size"] > 1, ["theory", "theory_kind"]] = [NAN, ""]
    assert not are_alike(rows(far))
    texts = texts_of(drawn("error", far))
    assert {"a", "b"} <= set(texts)
    assert not any("alike" in text for text in texts)


def test_in_file_order_numbers_need_no_error_bars():
    frame = columns_frame({"a": 1.6}).assign(sampling="sequential")
    curves = inputs_curves(frame).assign(mcse=NAN)
    figure = figures.figure("by_value", frame, curves)
    assert "no valid error bar" not in texts_of(figure)


def test_of_many_columns_the_worst_are_drawn_over_a_band_of_all():
    frame = columns_frame({f"c{i:02d}": 1.0 + i / 10 for i in range(20)})
    figure = drawn("error", frame)
    texts = texts_of(figure)
    assert "The 6 of 20 columns with the largest errors." in texts
    assert {"c19", "c14"} <= set(texts)
    assert "c13" not in texts
    (band,) = [c for c in figure.axes[0].collections if c.get_paths() and len(c.get_facecolor())
               and c.get_facecolor()[0][3] < 0.5]  # fmt: skip
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(math.sqrt(1.0 / 64))


def test_a_rule_for_normal_data_keeps_clear_of_what_the_batch_is_of_the_full_set():
    figure = drawn("error", inputs_frame({"normal": 1.6}, (2, 16, 32, 64)))
    dotted = max(figure.axes[0].lines, key=lambda line: len(line.get_xdata()))
    x, y = dotted.get_data()
    np.testing.assert_allclose(np.square(y), 1.5 * (1.0 / np.asarray(x) - 1.0 / 64))


def test_outputs_show_a_normal_law_and_the_most_skewed():
    frame = inputs_frame({"uniform": 1.2, "normal": 1.6, "exponential": 3.2})
    skew = (frame["estimator"] == "output_skewness") & (frame["distribution"] == "uniform")
    frame.loc[skew, "estimate"] = 0.0
    run = Run(frame)
    points = curves_of(run, inputs_curves(frame), "output")
    assert shown_outputs(run, points) == ["normal", "exponential"]
    figure = drawn("outputs", frame)
    assert {"normal", "exponential", "n = 2", "n = 64"} <= set(texts_of(figure))


def test_the_coin_of_a_batch_of_two_has_its_shares():
    frame = inputs_frame({"normal": 1.6}, (2,))
    curves = inputs_curves(frame)
    outputs = curves["kind"] == "output"
    # Five bins from -1 to 1, 0.4 wide: a quarter of the batches has equal values.
    curves.loc[outputs, "y"] = [0.375 / 0.4, 0.0, 0.25 / 0.4, 0.0, 0.375 / 0.4]
    figure = figures.figure("outputs", frame, curves)
    shares = [text for text in texts_of(figure) if text.startswith("0.")]
    assert shares == ["0.38", "0.25", "0.38"] or shares == ["0.37", "0.25", "0.37"]


def test_what_epsilon_leaves_is_a_matter_of_the_scale():
    assert remaining(0.03, 0.001) == pytest.approx(1.0 - 0.03 / math.sqrt(0.0009 + 0.001))
    assert remaining(1.0, 0.0) == 0.0
    assert remaining(0.0, 0.0) == 0.0
    assert law_sd("normal(scale=2)") == 2.0
    assert math.isnan(law_sd("distribution 3"))


def test_those_that_epsilon_harms_most_stand_first():
    frame = columns_frame(dict.fromkeys("abc", 1.6), {"b": 0.5, "c": 0.2})
    run = Run(frame)
    found = {s: run.values(run.errors(s)) for s in run.epsilons}
    assert losers(found, run.names) == ["b", "c", "a"]
    figure = drawn("epsilon", frame)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == ["b", "c", "a"]
    first, last = points_of(figure.axes[0])[:2]
    assert first[0][0] == pytest.approx(0.1**0.5)
    assert last[0][0] == pytest.approx(0.1**0.5 + 0.5)


def test_epsilon_is_drawn_by_scale_where_scales_are_known():
    figure = drawn(
        "epsilon", inputs_frame({"normal(scale=0.01)": 1.6, "uniform": 1.2, "gumbel": 2.0})
    )
    by_sd = figure.axes[0]
    assert by_sd.get_xscale() == "log"
    x, y = points_of(by_sd)[0]
    assert x[0] == pytest.approx(0.01)
    assert y[0] == pytest.approx(0.1**0.5)
    curve = next(line for line in by_sd.lines if line.get_linestyle() == "-")
    at = np.interp(math.log(0.01), np.log(curve.get_xdata()), curve.get_ydata())
    assert at == pytest.approx(remaining(0.01, 0.001), abs=1e-3)


def test_scales_of_columns_are_taken_from_the_curves_where_these_have_them():
    frame = columns_frame(dict.fromkeys("abc", 1.6), {"b": 0.5})
    curves = inputs_curves(frame)
    points = curves[curves["kind"] == "by_value"].drop_duplicates("column")
    points = points.assign(kind="epsilon", x=[2.0, 0.01, 3.0])
    with_scales = pd.concat([curves, points], ignore_index=True)
    assert scales(Run(frame), with_scales) == {"a": 2.0, "b": 0.01, "c": 3.0}
    assert scales(Run(frame), curves) == {}
    assert len(figures.figure("epsilon", frame, with_scales).axes) == 2
    assert len(figures.figure("epsilon", frame, curves).axes) == 1


def test_of_one_or_two_names_errors_by_epsilon_are_drawn_by_batch_size():
    figure = drawn("epsilon", columns_frame({"a": 1.6, "b": 3.2}))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert sorted(titles) == ["a", "b"]
    assert all(ax.get_xscale() == "log" for ax in figure.axes)


def test_the_best_gamma_has_a_star():
    figure = drawn("gamma", inputs_frame({"normal": 1.6}, (4, 16)))
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    np.testing.assert_allclose([float(s.get_xdata()[0]) for s in stars], [0.8, 0.95])
    assert {"n = 4", "n = 16", "best γ"} <= set(texts_of(figure))


def test_scalers_share_their_axes_and_the_share_outside_is_beside_them():
    figure = drawn("scalers", inputs_frame())
    first, second, outside = figure.axes[:3]
    assert first.get_ylim() == second.get_ylim()
    ((x, y),) = points_of(outside)
    np.testing.assert_allclose(y, 2.0 / (x + 1.0))
    assert {"z-score", "min-max", "robust", "quantile"} <= set(texts_of(figure))


def test_theory_by_value_is_exact_for_normal_laws_alone():
    assert is_exact("normal")
    assert is_exact("normal(scale=3)")
    assert not is_exact("normalish")
    assert not is_exact("area error")


def test_values_of_batches_that_are_the_full_set_are_left_out():
    frame = inputs_frame({"normal": 1.6}, (4, 64))
    curves = inputs_curves(frame)
    whole = (curves["kind"] == "by_value") & (curves["batch_size"] == 64)
    curves.loc[whole, "y"] = 1e-15
    figure = figures.figure("by_value", frame, curves)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert "Batch size 64" not in titles
    assert "Batch size 4" in titles


def test_unreliable_estimates_are_hollow():
    frame = inputs_frame({"a": 1.6})
    frame.loc[frame["batch_size"] == 64, ["status", "mcse", "ci_low", "ci_high"]] = [
        "unreliable", NAN, NAN, NAN,
    ]  # fmt: skip
    ax = error_figure(frame, inputs_curves(frame)).axes[0]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[64.0]]
