"""Figures of covariate shift: what they draw is in the tables, and they say so when it is not."""

from __future__ import annotations

import itertools
import math

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pandas as pd
import pytest
from tiny_shift import COLUMNS, LEVELS, NETS, STEPS, VARIANTS, curves_of, line, shift_frame
from tiny_tables import CURVE_COLUMNS, NAN

from simnorm import figures
from simnorm.answering import margins
from simnorm.figures.shift import ratios, shift, shift_by_step, training
from simnorm.figures.shift.looks import LOOKS, look_of
from simnorm.figures.shift.shown import (
    DEFINITIONS,
    MARGIN,
    MARGIN_ACCURACY,
    MARGIN_COSINE,
    run_of,
)

KINDS = figures.OF_STUDY["shift"]
RATES = {
    rate: LEVELS | {"ks_shift": (0.1, shift_, 0.3, 0.02), "train_loss": (0.3, loss, 0.3, NAN)}
    for rate, shift_, loss in (("0.05", 0.05, 0.6), ("0.5", 0.2, 0.15), ("best", 0.15, 0.27))
}


def run(frame=None):
    frame = shift_frame() if frame is None else frame
    return run_of(frame, curves_of(frame))


def drawn(kind, frame=None, **how):
    frame = shift_frame() if frame is None else frame
    return figures.figure(kind, frame, curves_of(frame), **how)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def points_of(ax, variant):
    """The points of a variant in a panel, from the top: (x, y)."""
    look = look_of(variant)
    found = [
        (float(artist.get_xdata()[0]), float(artist.get_ydata()[0]))
        for artist in ax.lines
        if artist.get_marker() == look.shape and len(artist.get_xdata()) == 1
    ]
    return sorted(found, key=lambda point: -point[1])


def odd_tables():
    one = shift_frame(("mlp",), ("bn",))
    return {
        "one net, two variants": shift_frame(("mlp",), ("none", "bn")),
        "one variant": one,
        "no net without": shift_frame(variants=("bn", "noisy_bn")),
        "one seed": shift_frame(status="unreliable"),
        "undefined": shift_frame(status="undefined"),
        "unknown net": shift_frame(("conv",)),
        "two rates": shift_frame(by_rate=RATES),
        "two rates, one variant": shift_frame(("mlp",), ("bn",), by_rate=RATES),
        "loss alone": shift_frame(levels={"train_loss": LEVELS["train_loss"]}),
        "accuracy alone": shift_frame(levels={"test_accuracy": LEVELS["test_accuracy"]}),
        "all right": shift_frame(levels={"test_accuracy": (1.0, 1.0, 1.0, NAN)}, wide=0.0),
        "cosine alone": shift_frame(levels={"gradient_cosine": LEVELS["gradient_cosine"]}),
        "no rows": one.iloc[:0],
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frame", odd_tables().values(), ids=odd_tables())
def test_every_kind_survives_odd_tables(kind, frame, tmp_path):
    """Nothing raises, nothing warns, and a figure without content is a sentence."""
    if frame.empty:
        frame, curves = pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=CURVE_COLUMNS)
        modules = {"shift": shift, "ratios": ratios, "shift_by_step": shift_by_step}
        figure = (modules | {"training": training})[kind].figure(frame, curves)
    else:
        figure = drawn(kind, frame)
    figures.save(figure, tmp_path / "one.svg")
    if not any(ax.axison for ax in figure.axes):
        assert texts_of(figure)[0].startswith("Nothing to show")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_tables_give_the_same_bytes(kind, tmp_path):
    """Two drawings of one run are one file."""
    for name in ("one.svg", "two.svg"):
        figures.save(drawn(kind), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [6.7, 3.4])
def test_no_words_are_cut_and_no_two_overlap(kind, width):
    """Every text lies inside the figure, and tick labels of one axis do not meet."""
    figure = drawn(kind, width=width)
    canvas = mpl.backends.backend_agg.FigureCanvasAgg(figure)
    canvas.draw()
    ticks = set()
    for ax in figure.axes:
        ticks |= {id(label) for label in ax.get_xticklabels()}
        low, high = sorted(ax.get_xlim())
        shown = [t for t in ax.get_xticklabels() if low <= t.get_position()[0] <= high]
        boxes = [t.get_window_extent() for t in shown if t.get_text()]
        for left, right in itertools.pairwise(boxes):
            assert left.x1 <= right.x0
    for text in figure.findobj(mpl.text.Text):
        box = text.get_window_extent()
        if text.get_text() and text.get_visible() and box.width and id(text) not in ticks:
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()


# ------------------------------------------------------------------------------------- levels


def test_levels_are_those_of_the_table_in_its_order():
    """A panel has, from the top, the level of every measure; a cosine is what it lacks of 1."""
    ax = drawn("shift").axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == [one.label for one in DEFINITIONS]
    found = [x for x, _ in points_of(ax, "bn")]
    assert found == pytest.approx([0.1, 0.04, 0.1, 0.5, 0.2, 0.1, 0.8, 0.3, 0.6, 0.25])
    # None shifts by batches: there is one point less, and a zero in its place.
    assert len(points_of(ax, "none")) == 9
    assert [t.get_text() for t in ax.texts] == ["0"]


def test_a_floor_stands_beside_every_level_that_has_one():
    """Floors are those of the curves, of a cosine what they lack of 1."""
    ax = drawn("shift").axes[0]
    found = sorted(
        float(artist.get_xdata()[0]) for artist in ax.lines if artist.get_marker() == "|"
    )
    wanted = [parts[3] for name, parts in LEVELS.items() if name not in ("gradient_cosine",)]
    wanted = sorted([f for f in wanted if f == f] + [1.0 - 0.95])
    assert found == pytest.approx(sorted(3 * wanted))


def test_a_floor_follows_from_the_ratio_where_curves_have_none():
    """Level over ratio, or for cosines level less difference."""
    held = shift_frame()
    bare = run_of(held, pd.DataFrame(columns=CURVE_COLUMNS))
    for net in NETS:
        for variant in VARIANTS:
            for name, parts in LEVELS.items():
                found = bare.floor(net, variant, name)
                if math.isfinite(parts[3]) and name != "batch_shift":
                    assert found == pytest.approx(parts[3])
                else:
                    assert math.isnan(found)


def test_an_interval_of_a_cosine_is_turned_with_it():
    """1 less a value has 1 less the other end as its lower end."""
    value = run().value("mlp", "bn", "gradient_cosine")
    turned = value.turned()
    assert (turned.low, turned.estimate, turned.high) == pytest.approx((0.28, 0.30, 0.32))


def test_what_has_no_error_bar_is_hollow():
    """With one seed no point is filled, and no interval is drawn."""
    ax = drawn("shift", shift_frame(status="unreliable")).axes[0]
    marks = [a for a in ax.lines if a.get_marker() == look_of("bn").shape]
    assert marks
    assert all(a.get_markerfacecolor() == "white" for a in marks)
    assert not [a for a in ax.lines if a.get_linewidth() == 1.6]


# ------------------------------------------------------------------------------------- ratios


def test_ratios_are_those_of_the_table_and_the_loss_is_last():
    """A row for every measure that has a ratio, the loss below; differences have no place here."""
    ax = drawn("ratios").axes[0]
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels[-1] == "training loss"
    assert not {"gradient, 1 − cosine", "batch-induced"} & set(labels)
    assert [x for x, _ in points_of(ax, "bn")] == pytest.approx(
        [0.5, 0.5, 0.5, 1, 1, 0.5, 2, 1, 0.5]
    )
    assert [x for x, _ in points_of(ax, "noisy_bn")] == pytest.approx(
        [4, 4, 4, 2, 2, 2, 0.9 / 0.4, 7 / 6, 0.55]
    )


def test_ratios_at_one_rate_are_open_and_those_at_the_best_filled():
    """By hand: 0.5 and 2 times at the rates, 1.5 times each at its own; a legend names them."""
    figure = drawn("ratios", shift_frame(by_rate=RATES))
    ax = figure.axes[0]
    assert points_of(ax, "bn")[1][0] == pytest.approx(1.5)
    at = -1 + 0.33
    opened = [
        (a.get_marker(), float(a.get_xdata()[0]))
        for a in ax.lines
        if len(a.get_xdata()) == 1 and float(a.get_ydata()[0]) == pytest.approx(at)
    ]
    assert opened == [("v", pytest.approx(0.5)), ("D", pytest.approx(2.0))]
    assert {"with BN, rate 0.05", "with BN, rate 0.5"} <= set(texts_of(figure))


def test_what_is_small_by_construction_has_a_dagger():
    """Beside a net without normalization; beside plain BN it is as good as any other measure."""
    labels = [t.get_text() for t in drawn("ratios").axes[0].get_yticklabels()]
    assert [text for text in labels if "†" in text] == [
        "mean and spread †", "mean and spread, from start †",
    ]  # fmt: skip
    figure = drawn("ratios", shift_frame(variants=("bn", "noisy_bn")))
    assert not any("†" in text for text in texts_of(figure))


@pytest.mark.parametrize("kind", KINDS)
def test_lines_and_levels_are_of_the_best_rate(kind):
    """With one rate that is the best one every figure but that of ratios is the same again."""
    frame = shift_frame(by_rate=RATES)
    best = frame[frame["factors"].str.contains("rate=best")].reset_index(drop=True)
    here, there = drawn(kind, frame), drawn(kind, best)
    if kind == "ratios":
        return
    for one, two in zip(here.axes, there.axes, strict=True):
        found = [[line.get_xydata().tolist() for line in ax.lines] for ax in (one, two)]
        assert found[0] == found[1]


def test_the_band_is_the_margin():
    """From 1/1.1 to 1.1, on both sides of 1 as far on a log axis."""
    ax = drawn("ratios").axes[0]
    ends = sorted(ax.patches[0].get_extents().transformed(ax.transData.inverted()).intervalx)
    assert ends == pytest.approx([1 / 1.1, 1.1])


def test_margins_are_those_of_the_answer():
    """The report of the study and the answer judge by the same margins."""
    assert (MARGIN, MARGIN_COSINE, MARGIN_ACCURACY) == (
        margins.SHIFT, margins.COSINE, margins.ACCURACY,
    )  # fmt: skip


def test_without_a_net_without_normalization_ratios_are_to_the_plain_one():
    """Noise is compared with plain BN then."""
    figure = drawn("ratios", shift_frame(variants=("bn", "noisy_bn")))
    assert "times that with BN" in texts_of(figure)
    assert [x for x, _ in points_of(figure.axes[0], "noisy_bn")][:3] == pytest.approx([8, 8, 8])


# ---------------------------------------------------------------------------------- on the way


def test_the_way_is_the_mean_over_layers():
    """Two layers, at 1 and 1.5 times a value, have the mean 1.25; no error bar belongs to it."""
    x, y, mcse = run().way("mlp", "bn", "moment_shift")
    assert x.tolist() == [1.0, 10.0, 20.0, STEPS]
    level = 0.1 * 1.25
    assert y == pytest.approx(level * np.array([1.975, 1.75, 1.5, 1.0]))
    assert np.isnan(mcse).all()


def test_a_way_without_layers_keeps_its_error_bar():
    """The loss is of the whole net."""
    _, y, mcse = run().way("mlp", "none", "train_loss")
    assert y[-1] == pytest.approx(0.6)
    assert mcse == pytest.approx(0.01)


def test_lines_by_step_are_those_of_the_table():
    """The first row is the first measure of activations, a line per variant and its floor."""
    ax = drawn("shift_by_step").axes[0]
    ends = {
        variant: [
            float(a.get_ydata()[-1])
            for a in ax.lines
            if a.get_color() == look.colour and a.get_linewidth() == 1.2 and len(a.get_xdata()) > 1
        ]
        for variant, look in LOOKS.items()
    }
    assert [ends[v][0] for v in VARIANTS] == pytest.approx([0.25, 0.125, 1.0])
    floors = [a for a in ax.lines if a.get_linewidth() == 0.9]
    assert len(floors) == 3
    assert all(a.get_ydata() == pytest.approx(0.05) for a in floors)


def test_accuracy_is_in_per_cent_and_never_beyond_100():
    """The last panel of the figure of training ends at 100, whatever an interval is."""
    figure = drawn("training")
    assert [x for x, _ in points_of(figure.axes[-1], "bn")] == pytest.approx([95, 95])
    high = {"test_accuracy": (0.99, 1.0, 1.0, NAN)}
    figure = drawn("training", shift_frame(levels=high, wide=0.05))
    assert figure.axes[-1].get_xlim()[1] <= 100.5


def test_variants_differ_in_lightness_and_marker():
    """In grey print they are apart: luminance by at least 0.1, markers by shape."""
    rgb = [mpl.colors.to_rgb(look.colour) for look in LOOKS.values()]
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in rgb)
    assert min(np.diff(light)) > 0.1
    assert len({look.shape for look in LOOKS.values()}) == len(LOOKS)


# ----------------------------------------------------------------------- more than one of a kind


def test_figures_show_the_first_data_set_and_say_so():
    """Rows of another data set change no point, and a note says what is left out."""
    frame = shift_frame()
    other = shift_frame(levels={"moment_shift": (9.0, 9.0, 9.0, 1.0)}).assign(distribution="wine")
    both = pd.concat([frame, other], ignore_index=True)
    figure = drawn("shift", both)
    assert points_of(figure.axes[0], "bn")[0][0] == pytest.approx(0.1)
    assert any("The first of 2 data sets: digits." in text for text in texts_of(figure))


def test_figures_show_the_first_batch_size_and_say_so():
    """The same of batch sizes."""
    frame = shift_frame()
    both = pd.concat([frame, frame.assign(batch_size=8, estimate=9.0)], ignore_index=True)
    figure = drawn("shift", both)
    assert points_of(figure.axes[0], "bn")[0][0] == pytest.approx(0.1)
    assert any("The first of 2 batch sizes: 32." in text for text in texts_of(figure))


def test_rows_that_are_unknown_are_left_out():
    """A quantity of another version of the study is no measure of shift."""
    frame = pd.concat(
        [shift_frame(), pd.DataFrame([line("other", "net=mlp;variant=bn", 0.5)])],
        ignore_index=True,
    )
    assert [one.word for one in run(frame).definitions] == [one.word for one in DEFINITIONS]
