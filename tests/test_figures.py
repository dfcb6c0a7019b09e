"""Figures are functions of tables: they show what is there, and say so when nothing is."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
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
from simnorm.figures.overview import spread
from simnorm.figures.panels import all_alike
from simnorm.figures.questions import independent_questions, sidak_bound
from simnorm.figures.style import labelled_sizes, log_ticks, marks_of, number
from simnorm.figures.tables import rows_of, with_exact_goals

HOSTILE = ("$x^2$ _a_ *b* #c @d", "\u5217\U0001f600 _")


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


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
    assert b"<text" not in (tmp_path / "one.svg").read_bytes()  # outlined, so fonts play no part


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
    bars = sum(len(lines.get_segments()) for lines in ax.collections)
    assert bars == 7  # two distributions, four sizes, one without
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
