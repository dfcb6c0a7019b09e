"""Figures of data: the worst columns, histograms, and the cost of not shuffling."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from tiny_tables import (
    SHUFFLED,
    cell,
    curves_of,
    data_curves,
    data_frame,
    frame_of,
    of_file,
    row,
    schemes_frame,
    tiny_frame,
)

from simnorm import figures
from simnorm.figures import audit
from simnorm.figures.choice import chosen_names, main_rows, main_scheme, ranked_names
from simnorm.figures.histograms import tick_texts
from simnorm.figures.schemes import costliest, panel_rows
from simnorm.figures.style import PALETTE
from simnorm.figures.tables import is_absolute, named, names_of
from simnorm.questions import independent_questions
from simnorm.theory.worth import shuffled_mse

NAMES = tuple(f"x{i:02d}" for i in range(30))
NAN = float("nan")


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def drawn(kind, frame, **options):
    return figures.figure(kind, frame, data_curves(frame), **options)


def titles_of(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


# ------------------------------------------------------------------------------------ names


def test_names_are_unique_where_there_are_several_schemes():
    frame = schemes_frame()
    assert names_of(frame) == ["a, shuffle", "a, sequential", "b, shuffle", "b, sequential"]
    alone = frame[frame["sampling"] == "shuffle"]
    assert names_of(alone) == ["a", "b"]
    # A part of a table keeps the names of the whole.
    whole = named(frame)
    assert names_of(whole[whole["sampling"] == "shuffle"]) == ["a, shuffle", "b, shuffle"]


@pytest.mark.parametrize(
    ("schemes", "main"),
    [
        (("shuffle", "sequential"), "shuffle"),
        (("sequential", "grouped:who"), "grouped:who"),
        (("sequential",), "sequential"),
    ],
)
def test_the_main_scheme_is_the_first_random_one(schemes, main):
    lines = [
        line
        for scheme in schemes
        for line in of_file(cell("", "mean", 4, 0.5), "a", sampling=scheme)
    ]
    assert main_scheme(frame_of(lines)) == main


def test_draws_without_a_full_set_come_last():
    both = [row("normal", "mean", 4, "rmse", 0.5, reference="population") | {"sampling": "iid"}]
    both += [row("normal", "mean", 4, "rmse", 0.5) | {"sampling": "replacement"}]
    assert main_scheme(frame_of(both)) == "replacement"
    assert main_scheme(frame_of(both[:1])) == "iid"


def test_the_worst_columns_come_first_and_those_without_a_value_last():
    frame = data_frame(("low", "none", "high"))
    nothing = dict.fromkeys(("estimate", "theory", "mcse"), NAN) | {"status": "undefined"}
    lost = frame["column"] == "none"
    for key, value in nothing.items():
        frame[key] = frame[key].where(~lost, value)
    assert ranked_names(frame) == ["high", "low", "none"]
    assert names_of(main_rows(frame)) == ["high", "low", "none"]
    assert chosen_names(main_rows(data_frame(NAMES))) == list(NAMES[:-7:-1])


def test_one_constant_column_does_not_make_errors_absolute():
    frame = data_frame(("a", "b", "c"))
    relative = frame["measure"].str.startswith("relative_")
    without = frame.assign(estimate=frame["estimate"].where(~relative | (frame["column"] != "a")))
    assert not is_absolute(without, "std(ddof=0)")
    most = frame.assign(estimate=frame["estimate"].where(~relative | (frame["column"] == "a")))
    assert is_absolute(most, "std(ddof=0)")


# ------------------------------------------------------------------------------------- caps


@pytest.mark.parametrize("kind", ["overview", "variance", "bias", "rmse"])
def test_of_many_columns_the_six_worst_are_drawn_and_the_rest_is_told_of(kind):
    frame = data_frame(NAMES)
    figure = drawn(kind, frame)
    shown = {text for text in texts_of(figure) if text in NAMES}
    assert shown <= set(NAMES[-6:])
    note = "The 6 of 30 columns with the largest errors; results.csv has all."
    assert any(text.startswith(note) for text in texts_of(figure))
    assert figures.pages(kind, frame) == 1
    assert not any("distribution" in text for text in texts_of(figure))


def test_the_overview_shades_what_all_columns_do():
    frame = data_frame(NAMES)
    figure = drawn("overview", frame)
    assert "all 30 columns" in texts_of(figure)
    (band,) = next(
        made.get_paths() for made in figure.axes[1].collections
        if isinstance(made, mpl.collections.PolyCollection)
    )  # fmt: skip
    heights = band.vertices[:, 1]
    # From the smallest std's RMSE at n = 32 to the largest at n = 2, in per cent.
    assert heights.min() == pytest.approx(100 / 64**0.5)
    assert heights.max() == pytest.approx(100 * 30 / 4**0.5)
    assert figure.axes[1].get_ylim()[0] < heights.min()


def test_the_audit_has_strips_for_those_farthest_off():
    frame = data_frame(NAMES)
    far = (frame["column"] == "x03") & np.isfinite(frame["z"])
    frame = frame.assign(z=frame["z"].where(~far, 4.0))
    figure = drawn("audit", frame)
    shown = [text for text in texts_of(figure) if text in NAMES]
    assert shown[0] == "x03"
    assert len(shown) == audit.MOST_STRIPS
    assert "By column" in texts_of(figure)


def test_z_beyond_all_bounds_do_not_hide_the_others():
    frame = data_frame(("a", "b"))
    places = np.flatnonzero(np.isfinite(frame["z"]))
    z = frame["z"].to_numpy(copy=True)
    z[places[0]] = 1e19
    figure = drawn("audit", frame.assign(z=z))
    assert figure.axes[0].get_xlim()[1] < 100
    assert any("stands at the edge" in text for text in texts_of(figure))


def test_of_very_many_z_the_ends_are_all_drawn():
    ranks = audit._thinned(50_000)
    assert len(ranks) == len(set(ranks)) == audit.MOST_POINTS
    assert list(ranks[:500]) == list(range(500))
    assert list(ranks[-500:]) == list(range(49_500, 50_000))
    assert list(audit._thinned(3)) == [0, 1, 2]


def test_every_scheme_is_audited():
    frame = tiny_frame()
    both = frame_of([*frame.to_dict("records"), *(frame.assign(sampling="replacement")
                    .to_dict("records"))])  # fmt: skip
    assert len(independent_questions(both)) == 2 * len(independent_questions(frame))
    assert "normal, replacement" in texts_of(figures.figure("audit", both, curves_of(both)))


def test_plot_shows_the_worst_columns():
    ax = figures.draw(data_frame(NAMES), "relative_rmse", estimator="std(ddof=0)")
    assert "The worst 6 of 30 columns." in texts_of(ax.figure)
    assert "x29" in texts_of(ax.figure)
    assert "x00" not in texts_of(ax.figure)


# -------------------------------------------------------------------------------- histograms


def test_histograms_are_those_of_the_curves():
    frame = data_frame(NAMES)
    figure = drawn("histograms", frame)
    assert titles_of(figure) == list(NAMES[:-13:-1])
    (stairs,) = figure.axes[0].patches
    assert list(stairs.get_data().values) == [1.0, 3.0]
    assert list(stairs.get_data().edges) == [0.0, 1.0, 2.0]
    assert "12 of 30 columns, those with the largest errors." in texts_of(figure)


def test_a_constant_column_has_no_histogram_but_a_word():
    frame = data_frame(("a",))
    curves = data_curves(frame)
    curves = curves[(curves["kind"] != "histogram") | (curves["x"] < 2.0)]
    curves = curves.assign(x=curves["x"].where(curves["kind"] != "histogram", 7.5))
    assert "constant: 7.5" in texts_of(figures.figure("histograms", frame, curves))


def test_ends_of_an_axis_are_told_apart():
    assert tick_texts([1e9, 1e9 + 1]) == ["1000000000", "1000000001"]
    assert tick_texts([-0.5, 2e-7]) == ["−0.5", "2e−7"]


# ---------------------------------------------------------------------------------- sampling


def test_every_point_of_the_sampling_figure_is_a_value_of_the_table():
    frame = schemes_frame()
    figure = drawn("sampling", frame)
    assert titles_of(figure) == ["a", "b"] * 2
    for ax, name in zip(figure.axes[:2], ("a", "b"), strict=True):
        rows = frame[(frame["column"] == name) & (frame["measure"] == "relative_rmse")]
        rows = rows[rows["estimator"] == "mean"]
        for scheme, colour in (("shuffle", PALETTE[0]), ("sequential", PALETTE[1])):
            (points,) = (
                line for line in ax.lines
                if line.get_markerfacecolor() == colour and line.get_marker() != "None"
            )  # fmt: skip
            mine = rows[rows["sampling"] == scheme].sort_values("batch_size")
            assert list(points.get_ydata()) == pytest.approx(list(mine["estimate"]))
        (curve,) = (line for line in ax.lines if line.get_linestyle() == "-")
        assert list(curve.get_ydata()) == pytest.approx([SHUFFLED[n] ** 0.5 for n in (4, 16)])
    assert {"shuffle", "file order"} <= set(texts_of(figure))


def test_columns_where_it_costs_most_come_first():
    frame = schemes_frame()
    swapped = frame.assign(column=frame["column"].map({"a": "b", "b": "a"}))
    assert costliest(frame) == ["a", "b"]
    assert costliest(swapped) == ["b", "a"]
    assert costliest(frame, most=1) == ["a"]


def test_shuffled_means_are_known_without_being_run():
    frame = schemes_frame()
    alone = frame[frame["sampling"] == "sequential"]
    rows = panel_rows(alone, "a", "mean")
    shuffled = rows[rows["name"] == "shuffle"]
    assert list(shuffled["theory"]) == pytest.approx([SHUFFLED[n] ** 0.5 for n in (4, 16)])
    assert shuffled["estimate"].isna().all()
    assert "shuffle" in texts_of(drawn("sampling", alone))


def test_a_batch_of_more_than_n_is_no_shuffled_one():
    assert shuffled_mse(128, 64, of_data=True) == 0.0


def test_the_population_is_named_where_errors_are_about_it():
    lines = [line | {"sampling": "iid"} for line in cell("normal", "mean", 4, 0.5)]
    frame = frame_of(lines).assign(reference="population")
    assert "iid, against the population" in texts_of(
        figures.figure("sampling", frame, curves_of(frame))
    )
    for kind in ("overview", "variance", "rmse", "convergence"):
        figures.figure(kind, frame, curves_of(frame))
