"""Figures are functions of tables: they show what is there, and say so when nothing is."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pandas as pd
import pytest
from tiny_tables import (
    NAN,
    cell,
    curves_of,
    frame_of,
    row,
    tiny_frame,
    undefined_frame,
)

from simnorm import figures
from simnorm.errors import SimnormError
from simnorm.estimators import ESTIMATORS
from simnorm.figures.choice import chosen_names
from simnorm.figures.overview import spread
from simnorm.figures.panels import all_alike, fit_title
from simnorm.figures.style import labelled_sizes, log_ticks, look, marks_of, number
from simnorm.figures.tables import (
    LOCATIONS,
    is_location,
    rows_of,
    shown_estimators,
    with_exact_goals,
)
from simnorm.questions import independent_questions, sidak_bound

HOSTILE = ("$x^2$ _a_ *b* #c @d", "\u5217\U0001f600 _")


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def count_of_bars(ax):
    """Return how many intervals are drawn; lines to names and ticks at crossings are none."""
    return sum(
        len(lines.get_segments())
        for lines in ax.collections
        if lines.get_gid() not in ("leaders", "crossings")
    )


def drawn(kind, frame):
    return figures.figure(kind, frame, curves_of(frame))


def test_the_package_loads_no_matplotlib():
    code = "import sys, simnorm.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", figures.FIGURES)
def test_every_kind_is_drawn_the_same_each_time_and_changes_no_settings(kind, tmp_path):
    before = dict(mpl.rcParams)
    for name in ("one.svg", "two.svg"):
        figures.save_svg(drawn(kind, tiny_frame()), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert dict(mpl.rcParams) == before
    # A report embeds the font and is searched; a user's file must look the same without it.
    assert b"<text" in (tmp_path / "one.svg").read_bytes()
    figures.save(drawn(kind, tiny_frame()), tmp_path / "own.svg")
    assert b"<text" not in (tmp_path / "own.svg").read_bytes()


@pytest.mark.parametrize("kind", figures.FIGURES)
def test_a_figure_with_nothing_to_show_says_so(kind, tmp_path):
    figure = drawn(kind, undefined_frame())
    assert any(text.startswith("Nothing to") for text in texts_of(figure))
    figures.save(figure, tmp_path / "nothing.png", dpi=40)


@pytest.mark.parametrize("kind", figures.FIGURES)
@pytest.mark.parametrize(
    "frame",
    [
        frame_of(cell("normal", "std(ddof=0)", 16, 0.2)),
        frame_of(cell("normal", "mean", 64, 0.0, status="exact")),
        frame_of(cell("normal", "median", 4, 0.3, kind="") + cell("x", "max", 9, 3.0, kind="")),
        tiny_frame().assign(ci_low=NAN, ci_high=NAN, theory=NAN, theory_kind="", z=NAN),
        tiny_frame(HOSTILE),
        tiny_frame().iloc[:0],
    ],
    ids=["one cell", "all exact", "no theory", "no error bars", "hostile names", "no rows"],
)
def test_every_kind_survives_odd_tables(kind, frame, tmp_path):
    figures.save(drawn(kind, frame), tmp_path / "odd.svg")


def test_many_laws_estimators_and_sizes_are_drawn(tmp_path):
    rows = [
        line
        for name in "abcdefghi"
        for word in ("mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "min")
        for n in (1, 2, 3, 5, 8, 16, 33, 64)
        for line in cell(name, word, n, n**-0.5)
    ]
    for kind in ("overview", "variance"):
        figures.save(drawn(kind, frame_of(rows)), tmp_path / "many.png", dpi=40)


def test_names_are_shown_as_they_are():
    figure = drawn("variance", tiny_frame(("$x^2$ _a_", "_b")))
    assert {"$x^2$ _a_", "_b"} <= set(texts_of(figure))


def test_unreliable_estimates_are_hollow_and_have_no_error_bar():
    ax = figures.draw(tiny_frame(), "rmse", estimator="std(ddof=0)")
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[64.0]]
    assert count_of_bars(ax) == 7  # two distributions, four sizes, one without
    assert "no valid error bar" in texts_of(ax.figure)


def test_draw_shows_per_cent_and_uses_the_axes_it_is_given():
    own = mpl.figure.Figure().add_subplot()
    ax = figures.draw(tiny_frame(), "relative_rmse", ax=own, estimator="mean")
    assert ax is own
    points = next(line for line in ax.lines if line.get_linestyle() == "None")
    assert points.get_ydata()[2] == pytest.approx(100 * 0.25 * 1.005)  # half an MCSE of 1 % off


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"measure": "rsme"}, "rmse"),
        ({"measure": "rmse", "estimator": "maen"}, "mean"),
        ({"measure": "rmse", "reference": "fullset"}, "full_set"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(how, word):
    with pytest.raises(SimnormError, match=f"Did you mean '{word}'"):
        figures.draw(tiny_frame(), **how)


def test_unknown_kinds_and_endings_are_refused(tmp_path):
    with pytest.raises(SimnormError, match="variance"):
        figures.figure("varience", tiny_frame(), curves_of(tiny_frame()))
    with pytest.raises(SimnormError, match=r"\.svg"):
        figures.save(drawn("rmse", tiny_frame()), tmp_path / "figure.doc")


def test_colours_do_not_depend_on_who_has_a_curve():
    frame = pd.concat([undefined_frame(), tiny_frame()])
    figure = drawn("convergence", frame)
    expected = marks_of(["cauchy", "normal", "t(df=5)"])["normal"].colour
    panel = next(ax for ax in figure.axes if ax.get_title(loc="left") == "normal")
    assert expected in [line.get_color() for line in panel.lines]


def test_only_an_exact_rmse_is_a_goal_of_convergence():
    frame = frame_of(cell("a", "mean", 4, 0.5) + cell("b", "mean", 4, 0.5, kind="asymptotic"))
    goals = with_exact_goals(curves_of(frame), frame)
    assert set(goals.loc[goals["distribution"] == "a", "theory"]) == {0.5}
    assert goals.loc[goals["distribution"] == "b", "theory"].isna().all()


def test_sidak_bound_by_hand():
    # 1 - (1 - p)^10 = 0.05 gives p = 0.005116, whose two-sided normal quantile is 2.800.
    assert sidak_bound(10, 10**9, level=0.05) == pytest.approx(2.800, abs=5e-4)
    assert sidak_bound(10, 20, level=0.05) > 3.1  # the tails of t are wider


def test_questions_are_not_asked_twice():
    words = ("biased_variance", "unbiased_variance", "std(ddof=0)")
    rows = [
        row("normal", word, n, measure, 0.1, reference=reference)
        for word in words
        for n in (2, 4)
        for measure in ("bias", "variance", "mse", "relative_bias")
        for reference in ("full_set", "population")
    ]
    asked = independent_questions(frame_of(rows))
    assert set(asked["estimator"]) == {"unbiased_variance", "std(ddof=0)"}
    assert set(asked["measure"]) == {"bias", "variance"}
    about_population = asked[asked["reference"] == "population"]
    assert list(about_population["measure"]) == ["bias", "bias"]
    assert len(asked) == 2 * (2 * 2 + 1)


def test_labels_of_batch_sizes_fit_and_keep_the_ends():
    powers = [2**i for i in range(1, 11)]
    assert labelled_sizes(powers, 4.0) == powers
    assert labelled_sizes(powers, 1.8) == powers[::2]
    dense = [*range(2, 70, 2), 1024]
    some = labelled_sizes(dense, 1.8)
    assert some[0] == 2
    assert some[-1] == 1024
    assert set(some) < set(dense)
    assert labelled_sizes([16], 1.0) == [16]


def test_ticks_are_round_and_enough():
    assert log_ticks(0.9, 60.0) == ([1.0, 2.0, 5.0, 10.0, 20.0, 50.0], False)
    ticks, decimal = log_ticks(1e-6, 10.0)
    assert decimal
    assert ticks[0] == pytest.approx(1e-6)
    assert len(log_ticks(0.31, 0.36)[0]) >= 2
    assert number(-0.5) == "−0.5"
    assert number(16384) == "16,384"


def test_labels_are_spread_without_meeting():
    places = spread([0.0, 0.0, 0.01, 0.9], 0.1)
    assert places[0] >= 0.0
    assert np.diff(places).min() >= 0.1 - 1e-12
    assert places[-1] == pytest.approx(0.9)


def test_agreement_of_distributions_is_seen():
    rows = rows_of(tiny_frame(), "rmse", "full_set")
    assert all_alike(rows[rows["estimator"] == "mean"])
    assert not all_alike(rows[rows["estimator"] == "std(ddof=0)"])


# ------------------------------------------- many distributions, absolute errors, failed rows


WORDS = ("mean", "trimmed_mean(proportion=0.1)", "range", "skewness", "user.a_long_name_of_a_user")


def mixed_frame(names, words=WORDS, absolute=("range", "skewness")):
    """Errors of some estimators are absolute only, for the first distribution."""
    lines = []
    for place, name in enumerate(names):
        for rank, word in enumerate(words):
            for n in (2, 8, 32):
                made = cell(name, word, n, (1 + place / 7) * (1 + rank) * n**-0.5, off=0.5)
                for line in made:
                    if place == 0 and word in absolute and line["measure"].startswith("relative_"):
                        line |= dict.fromkeys(("estimate", "mcse", "theory", "z"), NAN)
                        line |= {"ci_low": NAN, "ci_high": NAN, "theory_kind": ""}
                        line |= {"status": "undefined", "reason": "no population value"}
                lines += made
    return frame_of(lines)


def laid_out(figure):
    """Lay a figure out and return its canvas's renderer, so that extents can be measured."""
    canvas = mpl.backends.backend_agg.FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def panel_of(figure, word):
    """Return the panel of an estimator; a long title may be parted into lines."""
    titles = {ax.get_title(loc="left").replace("\n", ""): ax for ax in figure.axes}
    return titles[word]


@pytest.mark.parametrize("kind", ["variance", "bias", "rmse"])
@pytest.mark.parametrize("count", [1, 5, 8, 22])
def test_no_text_is_clipped_and_none_meets_another(kind, count):
    names = [f"contaminated_normal(p=0.{i}1)" for i in range(count)]
    figure = drawn(kind, mixed_frame(names))
    renderer = laid_out(figure)
    page = figure.bbox
    texts = [*(ax._left_title for ax in figure.axes), *(ax.yaxis.label for ax in figure.axes)]
    texts += [ax.xaxis.label for ax in figure.axes]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    texts += [legend.get_title() for legend in figure.legends]
    texts += [text for ax in figure.axes if ax.get_legend() for text in ax.get_legend().get_texts()]
    for ax in figure.axes:
        if ax.axison:
            # Ticks beyond the limits are not drawn, though their labels have an extent.
            low, high = ax.get_ylim()
            ticks = [tick for tick in ax.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
            texts += [tick.label1 for tick in ticks if tick.label1.get_visible()]
    boxes = [
        (text.get_text(), text.get_window_extent(renderer)) for text in texts if text.get_text()
    ]
    boxes = [box for box in boxes if box[1].width > 0]
    for text, box in boxes:
        inside = box.x0 >= -1 and box.x1 <= page.x1 + 1 and box.y0 >= -1 and box.y1 <= page.y1 + 1
        assert inside, text
    for i, (one, a) in enumerate(boxes):
        for two, b in boxes[:i]:
            apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0
            assert apart, (one, two)


@pytest.mark.parametrize("kind", ["variance", "bias", "rmse"])
def test_every_point_is_a_value_of_the_table_in_the_unit_of_its_axis(kind):
    frame = mixed_frame(["normal", "exponential"])
    figure = drawn(kind, frame)
    for word in WORDS[1:]:
        ax = panel_of(figure, word)
        absolute = word in ("range", "skewness")
        factor = 1.0 if absolute or kind == "variance" else 100.0
        measure = kind if absolute else f"relative_{kind}"
        rows = frame[(frame["estimator"] == word) & (frame["measure"] == measure)]
        points = [y for line in ax.lines if line.get_marker() != "None" for y in line.get_ydata()]
        assert sorted(points) == pytest.approx(sorted(factor * rows["estimate"]))
        assert ("absolute" in ax.get_ylabel() or "unit of data" in ax.get_ylabel()) == absolute
    squared = "²" if kind == "variance" else ""
    assert panel_of(figure, "range").get_ylabel().endswith(f"unit of data{squared}")
    assert panel_of(figure, "skewness").get_ylabel().endswith("absolute")
    note = " ".join(texts_of(figure)).replace("\n", " ")
    assert "not relative: range, skewness;" in note
    assert "Undefined" not in note


@pytest.mark.parametrize("count", [1, 2, 8])
def test_points_spread_sideways_stay_on_the_axes_and_near_their_batch_size(count):
    lines = [
        line
        for i in range(count)
        for n in (2, 8, 32)
        for line in cell(f"law{i}", "unbiased_variance", n, 0.1)
    ]
    ax = drawn("bias", frame_of(lines)).axes[0]
    low, high = ax.get_xlim()
    points = [line for line in ax.lines if line.get_marker() not in ("None", "")]
    assert len(points) == count
    for line in points:
        x = np.asarray(line.get_xdata())
        assert low < x.min()
        assert x.max() < high
        # Less than half way, on the logarithmic axis, to the next one.
        assert np.abs(np.log(x / [2, 8, 32])).max() < np.log(2)
    if count == 1:
        assert list(points[0].get_xdata()) == [2, 8, 32]


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("median", ["median"]),
        ("quantile(q=0.1234567)", ["quantile(q=0.1234567)"]),
        ("trimmed_mean(proportion=0.1)", ["trimmed_mean", "(proportion=0.1)"]),
        ("mixture(0.5*normal,0.3*normal…", ["mixture(0.5*normal,", "0.3*normal…"]),
        ("user." + 40 * "w", None),
    ],
)
def test_titles_are_shrunk_or_parted_at_joints_to_fit(title, lines):
    room = 1.5
    figure = mpl.figure.Figure(figsize=(4, 3))
    ax = figure.add_subplot()
    with look():
        fit_title(ax, title, room)
    shown = ax.get_title(loc="left")
    assert shown.replace("\n", "") == title
    if lines is not None:
        assert shown.split("\n") == lines
    width = ax._left_title.get_window_extent(laid_out(figure)).width
    assert width / figure.dpi <= 1.03 * room  # hinting rounds to whole dots
    assert 7.0 <= ax._left_title.get_fontsize() <= 8.5


def test_relative_panels_have_one_scale_and_absolute_ones_their_own():
    figure = drawn("rmse", mixed_frame(["normal", "exponential"]))
    one, two, three = (panel_of(figure, word) for word in ("mean", WORDS[4], "range"))
    assert one.get_ylim() == two.get_ylim() != three.get_ylim()


@pytest.mark.parametrize("kind", ["variance", "bias", "rmse"])
def test_of_many_distributions_some_stand_for_all(kind):
    """22 laws take one page: those that `chosen_names` finds, and a note says how many."""
    names = [f"law{i:02d}" for i in range(22)]
    frame = mixed_frame(names)
    assert figures.pages(kind, frame) == figures.pages("audit", frame) == 1
    figure = drawn(kind, frame)
    here = {text for text in texts_of(figure) if text in names}
    assert here == set(chosen_names(frame))
    note = "6 of 22 distributions, from the smallest to the largest error; the heat map and"
    assert note in " ".join(texts_of(figure))
    with pytest.raises(SimnormError, match="1 to 1"):
        figures.figure(kind, frame, curves_of(frame), page=2)
    few = mixed_frame(names[:8])
    assert {text for text in texts_of(drawn(kind, few)) if text in names} == set(names[:8])


def test_many_estimators_go_on_over_pages():
    words = [f"quantile(q=0.{i:02d})" for i in range(1, 21)]
    frame = frame_of([line for word in words for line in cell("normal", word, 4, 0.5)])
    assert figures.pages("rmse", frame) == 2
    both = [figures.figure("rmse", frame, curves_of(frame), page=page) for page in (1, 2)]
    titles = [ax.get_title(loc="left") for figure in both for ax in figure.axes]
    assert [title for title in titles if title] == words


def test_those_that_stand_for_many_include_the_extremes():
    names = [f"law{i:02d}" for i in range(22)]
    lines = []
    # In no order: the smallest where 5 + 7 i = 0 modulo 22, at 15, the largest at 18.
    for i, name in enumerate(names):
        lines += cell(name, "mean", 16, 0.25) + cell(
            name, "std(ddof=0)", 16, 0.1 + (5 + 7 * i) % 22
        )
    chosen = chosen_names(frame_of(lines))
    assert len(chosen) == 6
    assert chosen == sorted(chosen)
    assert {"law00", "law15", "law18"} <= set(chosen)
    note = texts_of(drawn("overview", frame_of(lines)))
    assert "Batch size 16. 6 of 22 distributions." in note


def test_failed_rows_are_drawn_as_estimates_with_a_mark_of_their_own():
    rows = cell("normal", "user.f", 4, 0.5, kind="") + cell(
        "normal", "user.f", 8, 0.4, kind="", status="failed"
    )
    frame = frame_of(rows)
    ax = figures.draw(frame, "rmse", estimator="user.f")
    half = [line for line in ax.lines if line.get_fillstyle() == "bottom"]
    assert [list(line.get_xdata()) for line in half] == [[8.0]]
    assert count_of_bars(ax) == 2  # both have intervals
    assert "some replications failed" in texts_of(ax.figure)
    # Without a standard error it is as hollow as any other.
    lost = frame.assign(mcse=frame["mcse"].where(frame["status"] == "ok"))
    ax = figures.draw(lost, "rmse", estimator="user.f")
    assert not [line for line in ax.lines if line.get_fillstyle() == "bottom"]
    assert "no valid error bar" in texts_of(ax.figure)


def test_who_stands_for_all():
    def shown(*words, dead=()):
        lines = [
            line
            for word in words
            for line in cell("a", word, 4, 0.5, status="undefined" if word in dead else "ok")
        ]
        return shown_estimators(frame_of(lines))

    assert shown("std(ddof=1)", "mean", "std(ddof=0)") == ["mean", "std(ddof=0)"]
    assert shown("iqr", "median") == ["median", "iqr"]
    assert shown("min", "max", "range") == ["min", "range"]
    assert shown("min", "max") == ["min", "max"]
    assert shown("user.f", "user.g") == ["user.f", "user.g"]
    assert shown("mean", "median", "std(ddof=0)", "mad", dead=("mean", "std(ddof=0)")) == [
        "median", "mad",
    ]  # fmt: skip
    assert shown("mean", dead=("mean",)) == ["mean"]
    # The mean has a value for one distribution of three, which is less than half.
    few = [
        line
        for name in "abc"
        for word in ("mean", "median")
        for line in cell(
            name, word, 4, 0.5, status="undefined" if word == "mean" and name != "a" else "ok"
        )
    ]
    assert shown_estimators(frame_of(few)) == ["median"]


def test_which_estimators_are_locations_is_what_estimators_say():
    for word, kind in ESTIMATORS.items():
        assert is_location(str(kind())) == kind.is_location, word
        stands = kind.is_location and word in LOCATIONS
        assert stands == kind.is_location, word  # a new location needs a rank
