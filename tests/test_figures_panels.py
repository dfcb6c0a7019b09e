"""What panels say beside their points: names, laws, crossings, one batch size, convergence."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pytest
from tiny_tables import NAN, cell, curves_of, frame_of, tiny_frame

from simnorm import figures
from simnorm.figures.cells import Cells
from simnorm.figures.crossings import crossings
from simnorm.figures.formulas import MARGIN, law_of
from simnorm.figures.labels import fitted, spread
from simnorm.figures.reaching import crossing, told_size
from simnorm.figures.style import marker_of, marks_of
from simnorm.figures.tables import named

SIZES = (2, 8, 32, 128, 512)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def drawn(kind, frame, **options):
    return figures.figure(kind, frame, curves_of(frame), **options)


def falling(scales, word="std(ddof=0)", sizes=SIZES, **how):
    """RMSE scale/sqrt(n) of every name."""
    return frame_of(
        [
            line
            for name, scale in scales.items()
            for n in sizes
            for line in cell(name, word, n, scale * n**-0.5, **how)
        ]
    )


def panel_of(figure, title):
    return next(ax for ax in figure.axes if ax.get_title(loc="left") == title)


# -------------------------------------------------------------------------------- crossings


def test_a_power_law_is_crossed_where_it_is_by_hand():
    """1/sqrt(n) is 10 % at 100, between any two sizes about it."""
    for sizes in ([40.0, 160.0], [64.0, 128.0], [99.0, 101.0]):
        n = np.array(sizes)
        assert crossing(n, 1.0 / n, 0.1) == pytest.approx(100.0)
    assert np.isnan(
        crossing(np.array([4.0, 400.0]), 1.0 / np.array([4.0, 400.0]), 0.1)
    )  # far apart
    n = np.array([2.0, 4.0, 8.0])
    assert np.isnan(crossing(n, 1.0 / n, 0.1))  # never below
    assert np.isnan(crossing(n, 1.0 / n, 0.9))  # never above


def test_of_several_crossings_the_last_one_counts():
    n, mse = np.array([1.0, 2.0, 4.0, 8.0]), np.array([9.0, 1.0, 7.0, 1.0])
    # From 7 to 1 by a power at both ends: 7 (n/4)^-2.8, down to 4 at 4 1.75^(1/2.8).
    power = np.log2(7.0)
    assert crossing(n, mse, 2.0) == pytest.approx(4.0 * 1.75 ** (1.0 / power), rel=0.05)
    assert crossing(n[2:], mse[2:], 2.0) == pytest.approx(4.0 * 1.75 ** (1.0 / power))


def test_the_ends_are_told_only_if_all_names_cross():
    """A curve that ends above the level would cross beyond the largest, one below before all."""
    frame = named(falling({"a": 1.0, "b": 2.0, "late": 9.0, "early": 0.01}))
    rows = frame[frame["measure"] == "rmse"]
    marks = marks_of(["a", "b", "late", "early"])

    def ends(*names):
        return crossings(Cells.of(rows), {name: marks[name] for name in names}, 0.1)

    found, first, last = ends("a", "b")
    assert {name: at.size for name, at in found.items()} == pytest.approx({"a": 100.0, "b": 400.0})
    assert (first, last) == (found["a"], found["b"])
    found, first, last = ends("a", "late")
    assert (first, last) == (found["a"], None)
    found, first, last = ends("a", "early")
    assert (first, last) == (None, found["a"])
    assert ends("late", "early") == ({}, None, None)


def test_a_crossing_between_values_without_error_bars_is_not_told():
    """As in the texts: only what is known well has a number, and counts among the ends."""
    lines = falling({"a": 1.0}).to_dict("records")
    lines += falling({"wild": 2.0}, status="unreliable", kind="").to_dict("records")
    # Exact theory makes up for a missing error bar.
    lines += falling({"known": 3.0}, status="unreliable").to_dict("records")
    frame = named(frame_of(lines))
    cells = Cells.of(frame[frame["measure"] == "rmse"])
    found, first, last = crossings(cells, marks_of(["a", "wild", "known"]), 0.15)
    assert set(found) == {"a", "known"}
    assert (first, last) == (found["a"], found["known"])


@pytest.mark.parametrize("kind", ["overview", "rmse"])
def test_both_levels_have_their_smallest_and_largest_batch_size(kind):
    """10 % at 9 and 36, 5 % at 36 and 144."""
    ax = drawn(kind, falling({"normal": 0.3, "laplace": 0.6})).axes[0]
    numbers = [text.get_text() for text in ax.texts]
    assert {"9", "36", "150"} <= set(numbers)
    assert numbers.count("36") == 2
    (ticks,) = (made for made in ax.collections if made.get_gid() == "crossings")
    low, high = np.log(ax.get_xlim())
    found = [np.exp(low + (high - low) * line[0][0]) for line in ticks.get_segments()]
    assert sorted(found) == pytest.approx([9.0, 36.0, 36.0, 144.0])


def test_near_crossings_have_one_number():
    ax = drawn("rmse", falling({"normal": 0.25, "laplace": 0.26})).axes[0]
    numbers = [text.get_text() for text in ax.texts if text.get_text()[0].isdigit()]
    assert numbers == ["7", "28"]  # the larger ones: (0.26 / 0.1)^2 and (0.26 / 0.05)^2


def test_levels_too_near_for_their_labels_are_one():
    """Over many powers of ten the line at 5 % would touch the one at 10 %."""
    ax = drawn("rmse", falling({"normal": 1e5, "laplace": 0.1})).axes[0]
    dotted = {line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 2}
    assert 10.0 in dotted
    assert 5.0 not in dotted


def test_a_crossing_is_rounded_up_to_two_digits():
    n = np.array([64.0, 160.0])
    assert [told_size(n, 1.0 / n, level) for level in (0.1, 0.0953, 0.08, 0.07)] == [
        100,
        120,
        160,
        0,
    ]
    # And never beyond the next batch size that was run.
    n = np.array([64.0, 128.0])
    assert told_size(n, 1.0 / n, 0.0885) == 128


# ------------------------------------------------------------------------- names and markers


def test_every_panel_has_the_marker_of_its_estimator_and_the_colours_of_its_names():
    words = ("mean", "std(ddof=0)", "median")
    frame = frame_of(
        [
            line
            for place, name in enumerate(("normal", "laplace"))
            for word in words
            for n in SIZES
            for line in cell(name, word, n, (1 + place) * n**-0.5)
        ]
    )
    figure = drawn("rmse", frame)
    for word in words:
        points = [line for line in panel_of(figure, word).lines if line.get_linestyle() == "None"]
        assert {line.get_marker() for line in points} == {marker_of(word)}
        assert {line.get_markerfacecolor() for line in points} == {"#0173b2", "#029e73"}


def test_names_stand_beside_their_curves_in_their_colours_and_order():
    figure = drawn("rmse", falling({"normal": 1.0, "laplace": 3.0, "uniform": 0.3}))
    ax = figure.axes[0]
    names = {text.get_text(): text for text in ax.texts if text.get_text()[0].isalpha()}
    heights = {name: text.get_position()[1] for name, text in names.items()}
    assert sorted(heights, key=heights.get) == ["uniform", "normal", "laplace"]
    assert {name: text.get_color() for name, text in names.items()} == {
        name: mark.colour for name, mark in marks_of(["normal", "laplace", "uniform"]).items()
    }
    # And in no legend besides.
    assert sum(text == "normal" for text in texts_of(figure)) == 1


def test_curves_that_agree_have_one_label():
    ax = drawn("variance", falling(dict.fromkeys("abc", 1.0), "mean")).axes[0]
    assert next(text.get_text() for text in ax.texts) == "all 3\nalike"


def test_names_that_do_not_fit_are_in_a_legend():
    """Cut to the width beside a panel these would be the same."""
    names = [f"a_long_and_winding_name_that_ends_in{i}" for i in range(3)]
    frame = falling(dict(zip(names, (1.0, 2.0, 4.0), strict=True)))
    figure = drawn("rmse", frame)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert len([label for label in labels if label.startswith("a_long")]) == 3
    assert not any(text.get_text().startswith("a_long") for text in figure.axes[0].texts)


def test_a_word_stands_for_a_law_whose_parameters_do_not_fit():
    one, two = "contaminated_normal(p=0.1,ratio=5)", "contaminated_normal(p=0.2,ratio=5)"
    assert fitted(marks_of([one]), 1.2, 7.0, 2.0) == {one: "contaminated_normal"}
    both = fitted(marks_of([one, two]), 1.2, 7.0, 2.0)
    assert not both  # cut, they would be alike


def test_labels_stay_between_the_ends_of_the_axis():
    rng = np.random.default_rng(7)
    for _ in range(200):
        count = int(rng.integers(1, 9))
        wanted = sorted(rng.choice([0.0, 0.97, 1.0, *rng.random(4)], count))
        places = spread(wanted, 0.1)
        assert len(places) == count
        assert np.diff(places).min(initial=1.0) >= 0.1 - 1e-9
        assert min(places) >= -1e-9
        assert max(places) <= 1.0 + 1e-9


# ------------------------------------------------------------------------------------- laws


def rows_with(theory, word="unbiased_variance", names=("a",), sizes=SIZES, whole=1024):
    lines = [
        line | {"theory": theory(n, whole, place), "full_size": whole}
        for place, name in enumerate(names)
        for n in sizes
        for line in cell(name, word, n, 0.5)
    ]
    frame = named(frame_of(lines))
    return frame[frame["measure"] == "relative_variance"]


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (lambda n, N, _: 1 / n - 1 / N, "1/n − 1/N"),
        (lambda n, *_: 1 / n, "1/n"),
        (lambda n, N, _: (1 - 1 / N) / n, "(1 − 1/N)/n"),
        (lambda n, N, _: (1 / n - 1 / N) * N / (N - 1), "(1/n − 1/N) · N/(N − 1)"),
        (lambda n, N, _: 1.001 * (1 / n - 1 / N), ""),
    ],
)
def test_the_law_of_a_mean_is_named_if_it_is_followed(law, text):
    assert law_of(rows_with(law, "mean"), "mean") == text


def test_the_law_of_a_variance_is_named_whatever_the_kurtosis():
    """Of a normal law the first part is zero; any other kurtosis has the same form."""

    def law(n, whole, place):
        kurtosis = (0.0, -1.2, 6.0)[place]
        return kurtosis * (1 / n - 1 / whole) + 2 / (n - 1) - 2 / (whole - 1)

    rows = rows_with(law, names=("normal", "uniform", "exponential"))
    assert law_of(rows, "unbiased_variance").startswith("κ·(1/n − 1/N)")
    spoiled = rows.assign(theory=rows["theory"].where(rows["batch_size"] != 8, 0.3))
    assert law_of(spoiled, "unbiased_variance") == ""
    assert law_of(rows, "biased_variance") == ""
    # Two points lie on any such law.
    assert law_of(rows[rows["batch_size"] < 32], "unbiased_variance") == ""


def test_a_law_is_written_where_nothing_is_drawn():
    """Falling curves leave the lower left free; curves that start there do not."""
    frame = falling({"normal": (1 - 1 / 64) ** 0.5}, "mean", (2, 4, 8, 16))
    relative = frame["measure"] == "relative_variance"
    law = 1 / frame["batch_size"] - 1 / 64
    frame = frame.assign(theory=frame["theory"].where(~relative, law))
    for low, place in ((0.4, (MARGIN, MARGIN)), (2e-3, (1 - MARGIN, 1 - MARGIN))):
        made = frame.assign(estimate=frame["estimate"].where(~relative, low))
        made = made.assign(ci_low=NAN, ci_high=NAN)
        (ax,) = drawn("variance", made).axes
        assert {t.get_position() for t in ax.texts if t.get_text() == "1/n − 1/N"} == {place}


def test_asymptotic_values_are_no_law():
    rows = rows_with(lambda n, N, _: 1 / n - 1 / N, "mean").assign(theory_kind="asymptotic")
    assert law_of(rows, "mean") == ""


# --------------------------------------------------------------------------- one batch size


def test_one_batch_size_is_a_row_per_name():
    frame = falling({"normal": 1.0, "laplace": 2.0}, sizes=(16,), off=1.0)
    figure = drawn("rmse", frame)
    (ax,) = figure.axes
    assert {"normal", "laplace", "Batch size 16."} <= set(texts_of(figure))
    points = [line for line in ax.lines if line.get_marker() == marker_of("std(ddof=0)")]
    assert [list(line.get_xdata()) for line in points] == [
        pytest.approx([25.25]),
        pytest.approx([50.5]),
    ]
    ticks = [line for line in ax.lines if np.ptp(line.get_ydata()) == pytest.approx(0.72)]
    assert [line.get_xdata()[0] for line in ticks] == pytest.approx([25.0, 50.0])
    bars = [line for made in ax.collections for line in made.get_segments()]
    assert [(bar[0][0], bar[1][0]) for bar in bars] == [
        pytest.approx((24.75, 25.75)),
        pytest.approx((49.5, 51.5)),
    ]
    assert ax.yaxis_inverted()  # in the order of the table, from above
    assert figure.get_figheight() < 2.0


def test_one_batch_size_marks_what_cannot_be_trusted():
    frame = frame_of(
        cell("sure", "std(ddof=0)", 8, 0.5)
        + cell("wild", "std(ddof=0)", 8, 0.5, status="unreliable")
        + cell("part", "std(ddof=0)", 8, 0.5, status="failed")
        + cell("none", "std(ddof=0)", 8, 0.5, status="undefined")
    )
    figure = drawn("variance", frame)
    (ax,) = figure.axes
    faces = {
        float(line.get_ydata()[0]): line
        for line in ax.lines
        if line.get_marker() == marker_of("std(ddof=0)")
    }
    assert sorted(faces) == [0.0, 1.0, 2.0]
    assert faces[1.0].get_markerfacecolor() == "white"
    assert faces[2.0].get_fillstyle() == "bottom"
    assert len([line for made in ax.collections for line in made.get_segments()]) == 2
    assert any("Undefined or failed, so not drawn: none." in text for text in texts_of(figure))
    assert {"no valid error bar", "some replications failed"} <= set(texts_of(figure))


def test_a_bias_at_one_batch_size_shows_zero():
    (ax,) = drawn("bias", falling({"normal": 1.0}, sizes=(16,), off=1.0)).axes
    low, high = ax.get_xlim()
    assert low < 0.0 < high


# ------------------------------------------------------------------------------------ axes


def test_panels_that_a_common_axis_would_flatten_have_their_own():
    frame = frame_of(
        [
            line
            for word, scale in (("mean", 1.0), ("biased_variance", 1e6))
            for n in SIZES
            for line in cell("normal", word, n, scale * n**-0.5)
        ]
    )
    for word, shared in (("mean", True), ("biased_variance", False)):
        some = frame[(frame["estimator"] == "mean") | (frame["estimator"] == word)]
        limits = [ax.get_ylim() for ax in drawn("rmse", some).axes]
        assert (len(set(limits)) == 1) == shared
    one, two = drawn("rmse", frame).axes
    assert one.get_ylim()[1] < two.get_ylim()[0] * 1e3
    for ax in (one, two):
        low, high = ax.get_ylim()
        assert high / low < 1e8


def test_no_tick_is_a_formula_and_few_are_minor():
    figure = drawn("variance", falling({"normal": 1e-4, "laplace": 1.0}))
    mpl.backends.backend_agg.FigureCanvasAgg(figure).draw()
    labels = [text.get_text() for ax in figure.axes for text in ax.get_yticklabels()]
    assert "10⁻⁶" in labels
    assert not any("$" in label for label in labels)
    assert not any(len(ax.yaxis.get_minorticklocs()) for ax in figure.axes)


def test_noise_about_zero_has_a_linear_axis_of_its_own():
    """Theory is zero throughout: the bias is noise, in its own unit."""
    lines = [line for n in SIZES for line in cell("normal", "unbiased_variance", n, 0.5, off=1.0)]
    lines += [
        line | ({"theory": -1 / n, "estimate": -1 / n} if "bias" in line["measure"] else {})
        for n in SIZES
        for line in cell("normal", "biased_variance", n, 0.5)
    ]
    figure = drawn("bias", frame_of(lines))
    assert panel_of(figure, "unbiased_variance").get_yscale() == "linear"
    high = panel_of(figure, "unbiased_variance").get_ylim()[1]
    assert high == pytest.approx(1.1 * 3.0)  # one MCSE off and two on: per cent
    assert panel_of(figure, "biased_variance").get_ylim()[0] < -50.0


# ---------------------------------------------------------------------------- convergence


def test_standard_errors_stand_below_their_estimates():
    frame = falling({"normal": 1.0, "laplace": 2.0}, "unbiased_variance")
    curves = curves_of(frame)
    figure = figures.figure("convergence", frame, curves)
    assert len(figure.axes) == 4
    for ax, scale in zip(figure.axes[2:], (1.0, 2.0), strict=True):
        (points,) = (line for line in ax.lines if line.get_linestyle() == "None")
        mine = curves[(curves["batch_size"] == 32) & (curves["theory"] == scale * 32**-0.5)]
        assert list(points.get_xdata()) == [16.0, 32.0, 64.0]
        assert list(points.get_ydata()) == pytest.approx(
            list(100.0 * mine["mcse"] / mine["theory"])
        )
        (line,) = (line for line in ax.lines if line.get_linestyle() == "-")
        y = np.asarray(line.get_ydata())
        # A quarter of the replications, twice the error; it ends at the last one.
        assert y[0] / y[2] == pytest.approx(2.0)
        assert y[-1] == pytest.approx(points.get_ydata()[-1])


def test_who_has_no_error_bar_is_named_and_comes_last():
    frame = falling({f"law{i}": 1.0 for i in range(8)}, "unbiased_variance")
    curves = curves_of(frame)
    lost = curves["distribution"].isin(["law0", "law5"])
    curves = curves.assign(mcse=curves["mcse"].where(~lost))
    figure = figures.figure("convergence", frame, curves)
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert titles == ["law1", "law2", "law3", "law4", "law6", "law7"]
    note = " ".join(texts_of(figure)).replace("\n", " ")
    assert "No error bar exists for law0, law5." in note
    assert "6 of 8, those that have an error bar first." in note


def test_without_any_error_bar_there_is_no_empty_row():
    frame = tiny_frame()
    curves = curves_of(frame).assign(mcse=np.nan)
    figure = figures.figure("convergence", frame, curves)
    assert len(figure.axes) == 2
    assert any("No error bar exists." in text for text in texts_of(figure))
