"""The heat map: the right number in the right cell, doubt shown as doubt, and nothing clipped."""

from __future__ import annotations

import itertools
import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from tiny_tables import (
    NAN,
    cell,
    curves_of,
    data_frame,
    frame_of,
    of_file,
    row,
    tiny_frame,
    undefined_frame,
)

from simnorm import figures
from simnorm.errors import SimnormError
from simnorm.figures import heatmap
from simnorm.figures.heat_grid import cell_number, grids_of, merged, pages, row_pages
from simnorm.figures.heat_panel import borders, labelled_columns
from simnorm.figures.heat_shades import HEAT, SHADES, Scale, colours, scales_of
from simnorm.report.findings.heatmap import heatmap_alt, heatmap_finding


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def laws(count, sizes=(2, 8, 32), **how):
    """Mean and sd of so many distributions; the RMSE of the i-th sd is (1 + i/10)/sqrt(2n)."""
    rows = []
    for i in range(count):
        for n in sizes:
            rows += cell(f"gamma(a={i + 1})", "mean", n, n**-0.5)
            rows += cell(
                f"gamma(a={i + 1})", "std(ddof=0)", n, (1 + i / 10) * (2 * n) ** -0.5, **how
            )
    return frame_of(rows)


def columns(count, sizes=(2, 8, 32)):
    rows = []
    for i in range(count):
        for n in sizes:
            rows += of_file(cell("", "mean", n, n**-0.5), f"column {i}")
            rows += of_file(
                cell("", "std(ddof=0)", n, (1 + i / 10) * (2 * n) ** -0.5), f"column {i}"
            )
    return frame_of(rows)


def outside(figure, slack=1.0):
    """Return the texts that reach over the edge of a figure, in pixels of a 100 dpi screen."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.bbox
    found = []
    for text in figure.findobj(mpl.text.Text):
        if not text.get_text() or not text.get_visible():
            continue
        here = text.get_window_extent(canvas.get_renderer())
        across = here.x0 < box.x0 - slack or here.x1 > box.x1 + slack
        if across or here.y0 < box.y0 - slack or here.y1 > box.y1 + slack:
            found.append(text.get_text())
    return found


def test_every_cell_holds_its_own_number_in_per_cent():
    """RMSE 1/sqrt(n) and (1 + i)/sqrt(2n) of two laws at 2, 4, 16 and 64, by hand."""
    mean, deviation = grids_of(tiny_frame())
    assert (mean.estimator, deviation.estimator) == ("mean", "std(ddof=0)")
    assert mean.sizes == (2, 4, 16, 64)
    np.testing.assert_allclose(mean.numbers[0], [100 / math.sqrt(2), 50.0, 25.0, 12.5])
    np.testing.assert_allclose(deviation.numbers[0], [50.0, 35.3553391, 17.6776695, 8.8388348])
    np.testing.assert_allclose(deviation.numbers[1], 2 * deviation.numbers[0])
    assert deviation.texts[0] == ("50", "35", "18", "8.8")


def test_exact_theory_stands_in_place_of_an_estimate():
    """Where theory is exact its value is shown, and it is to be trusted without an error bar."""
    lines = cell("normal", "std(ddof=0)", 4, 0.2, off=9.0, status="ok")
    lines += cell("normal", "std(ddof=0)", 8, 0.1, off=9.0, kind="")
    for line in lines[8:]:
        line["theory"] = NAN
    (grid,) = grids_of(frame_of(lines), "std(ddof=0)")
    assert grid.numbers[0, 0] == pytest.approx(20.0)
    assert grid.numbers[0, 1] == pytest.approx(10.9)  # nine MCSEs of 1 %
    assert grid.exact.tolist() == [[True, False]]
    assert grid.sure.all()


def test_an_estimate_without_an_error_bar_stands_in_parentheses():
    """Unreliable and without exact theory: the number is shown, marked, and in no border."""
    lines = cell("t(df=3)", "std(ddof=0)", 4, 0.2, kind="asymptotic", status="unreliable")
    lines += cell("t(df=3)", "std(ddof=0)", 16, 0.08, kind="asymptotic", status="ok")
    frame = frame_of(lines)
    (grid,) = grids_of(frame, "std(ddof=0)")
    assert grid.texts == (("(20)", "8.0"),)
    assert np.isnan(grid.trusted[0, 0])
    texts = texts_of(heatmap.figure(frame))
    assert "(20)" in texts
    assert any("(12): no valid error bar." in text for text in texts)
    assert not any("Borders" in text for text in texts)


def test_an_undefined_cell_has_a_dash_and_a_reason():
    """A cell without a value is blank, and the small print says why."""
    lines = cell("normal", "mean", 4, 0.5) + cell("cauchy", "mean", 4, 1.0, status="undefined")
    for line in lines[8:]:
        line["reason"] = "the mean squared error does not exist: its index is too small"
    figure = heatmap.figure(frame_of(lines))
    texts = texts_of(figure)
    assert "–" in texts
    assert any("–: undefined, the mean squared error does not exist." in text for text in texts)


def test_a_cell_that_the_table_does_not_have_is_no_undefined_one():
    """A batch size that only another law has leaves the paper white and says nothing."""
    lines = cell("normal", "mean", 4, 0.5) + cell("x", "mean", 4, 0.5) + cell("x", "mean", 8, 0.3)
    (grid,) = grids_of(frame_of(lines), "mean")
    assert grid.held.tolist() == [[True, False], [True, True]]
    texts = texts_of(heatmap.figure(frame_of(lines)))
    assert "–" not in texts
    assert not any("undefined" in text for text in texts)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (12.345, 2, "12"), (0.04567, 2, "0.046"), (99.6, 2, "100"), (12.345, 1, "10"),
        (0.0, 2, "0"), (1834.0, 2, "1,800"), (99_499.0, 2, "99,000"), (1.2e6, 2, "10⁶"),
        (3.4e7, 2, "3·10⁷"), (2e-5, 2, "2·10⁻⁵"), (-0.5, 2, "−0.50"), (-3e9, 2, "−3·10⁹"),
    ],
)  # fmt: skip
def test_numbers_of_cells_are_short(value, digits, text):
    """Two digits, one where the error bar knows no more; powers of ten without mathtext."""
    assert cell_number(value, digits) == text


def test_a_wide_error_bar_leaves_one_digit():
    """With an MCSE of 20 % of the estimate the second digit is noise."""
    line = row("normal", "std(ddof=0)", 4, "relative_rmse", 0.234, kind="")
    frame = frame_of([line | {"mcse": 0.05, "theory": NAN}])
    (grid,) = grids_of(frame, "std(ddof=0)", "relative_rmse")
    assert grid.texts == (("20",),)


def test_borders_part_every_pair_of_neighbours_on_two_sides_of_a_level():
    """Enumerated: an edge for each pair of known neighbours of which exactly one is above."""
    values = np.random.default_rng(3).uniform(5.0, 15.0, size=(7, 9))
    values[2, 3] = values[5, 0] = NAN
    wanted = set()
    for i in range(7):
        for j in range(9):
            # The edge between a cell and the next below, or the next at the right.
            for a, b, edge in (
                (i + 1, j, ((j, i + 1), (j + 1, i + 1))),
                (i, j + 1, ((j + 1, i), (j + 1, i + 1))),
            ):
                known = a < 7 and b < 9 and np.isfinite(values[i, j] + values[a, b])
                if known and (values[i, j] > 10.0) != (values[a, b] > 10.0):
                    wanted.add(edge)
    found = borders(values, 10.0)
    assert len(found) == len(wanted) > 0
    assert set(found) == wanted


def test_the_border_of_ten_per_cent_is_labelled_at_the_top():
    """Where the first row crosses 10 % the label stands, at the column's edge."""
    figure = heatmap.figure(tiny_frame(), estimator="std(ddof=0)")
    (label,) = [text for text in figure.findobj(mpl.text.Annotation) if text.get_text() == "10 %"]
    assert label.xy == (3, 0.0)  # 18 % at n = 16, 8.8 % at n = 64
    assert figure.findobj(LineCollection)


def test_shades_are_evenly_spaced_in_grey():
    """CIELAB lightness of the stops falls in equal steps: equal ratios of errors look equal."""
    linear = np.array([mpl.colors.to_rgb(colour) for colour in HEAT])
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(luminance) - 16
    np.testing.assert_allclose(np.diff(lightness), -9.0, atol=0.35)
    assert len(colours()) == SHADES + 1


def test_a_shade_is_the_logarithm_of_an_error():
    """Halfway between 1 and 100 is 10; zero is the lightest, what lies beyond the darkest."""
    scale = Scale(1.0, 100.0)
    shades = scale.shades(np.array([1.0, 10.0, -10.0, 100.0, 1e9, 0.0, NAN]))
    np.testing.assert_array_equal(shades, [0, 32, 32, 64, 64, 0, NAN])


def test_panels_in_one_unit_share_their_shades():
    """Mean and sd are both in per cent; a range in the unit of the data is on its own."""
    scales = scales_of(grids_of(tiny_frame()))
    assert list(scales) == ["%"]
    assert scales["%"].low == pytest.approx(8.8388, abs=1e-3)
    assert scales["%"].high == pytest.approx(100.0)  # the second sd at n = 2
    lines = [line for line in cell("x", "range", 4, 2.0) if "relative" not in line["measure"]]
    lines += cell("x", "mean", 4, 0.5)
    lines += [line | {"estimate": NAN, "theory": NAN, "theory_kind": "", "status": "undefined"}
              for line in cell("x", "range", 4, 2.0) if "relative" in line["measure"]]  # fmt: skip
    grids = grids_of(frame_of(lines))
    assert [grid.unit for grid in grids] == ["%", "range"]
    assert grids[1].title == "RMSE, unit of data"


def test_rows_that_are_all_alike_become_one():
    """The mean's relative errors are the same for every law: one row says so."""
    frame = laws(5)
    mean, deviation = (merged(grid, "distribution") for grid in grids_of(frame))
    assert mean.names == ("all 5 distributions",)
    assert mean.numbers.shape == (1, 3)
    assert len(deviation.names) == 5
    cauchy = [
        line for n in (2, 8, 32) for line in cell("cauchy", "mean", n, 1.0, status="undefined")
    ]
    (mean, *_) = grids_of(frame_of([*laws(4).to_dict("records"), *cauchy]), "mean")
    assert merged(mean, "distribution").names == ("4 distributions", "cauchy")


def test_columns_stand_worst_first_and_many_laws_too():
    """Few laws keep the order of the design; more than eight are sorted, as columns always are."""
    assert row_pages(laws(3))[0] == ["gamma(a=1)", "gamma(a=2)", "gamma(a=3)"]
    assert row_pages(laws(12))[0][0] == "gamma(a=12)"
    assert row_pages(data_frame())[0] == ["flat", "high", "low"]


def test_fifty_laws_take_two_pages_and_columns_one():
    """Every law is on one page; of 60 columns the worst 40, and a sentence says so."""
    frame = laws(50)
    assert pages(frame) == figures.pages("heatmap", frame) == 2
    shown = [name for page in row_pages(frame) for name in page]
    assert sorted(shown) == sorted({str(name) for name in frame["distribution"]})
    second = texts_of(heatmap.figure(frame, page=2))
    assert any("Part 2 of 2: distributions 26 to 50 of 50." in text for text in second)
    with pytest.raises(SimnormError, match="page"):
        heatmap.figure(frame, page=3)
    # What is the same for all 50 is shown once, with its true number.
    assert "all 50 distributions" in texts_of(heatmap.figure(frame))
    assert not any(text.startswith(("all ", "mean")) for text in second)
    assert any(text.startswith("std(ddof=0)") for text in second)
    frame = columns(60)
    assert pages(frame) == 1
    texts = texts_of(heatmap.figure(frame))
    assert any("The 40 of 60 columns with the largest errors." in text for text in texts)
    assert "column 59" in texts
    assert "column 19" not in texts


def test_many_batch_sizes_have_no_numbers_but_a_bar():
    """At 60 batch sizes shades alone are left, doubt is hatched, and the bar has plain labels."""
    rows = []
    for n in range(2, 122, 2):
        status = "unreliable" if n > 60 else "ok"
        rows += cell("x", "std(ddof=0)", n, n**-0.5, kind="", status=status)
    frame = frame_of(rows).assign(theory=NAN)
    figure = heatmap.figure(frame)
    assert not outside(figure)  # which draws it, and labels its ticks
    texts = texts_of(figure)
    assert {"20 %", "50 %"} <= set(texts)
    assert any("Hatched: no valid error bar." in text for text in texts)
    assert not any(text.startswith("(") for text in texts if "Hatched" not in text)
    assert any(patch.get_hatch() for patch in figure.findobj(mpl.patches.PathPatch))


def test_round_batch_sizes_are_labelled():
    """Of 2, 4, ..., 120 the tens or twenties; of powers of two all that fit."""
    sizes = range(2, 121, 2)
    assert {sizes[place] for place in labelled_columns(sizes, 2.4)} >= set(range(20, 121, 20))
    powers = [2**k for k in range(1, 11)]
    assert labelled_columns(powers, 5.0) == list(range(10))
    assert labelled_columns([7], 0.5) == [0]


LONG = "a name of two hundred characters, " * 6
HOSTILE = ("$x^2$ _a_ *b* #c @d", "列😀 _", LONG)


@pytest.mark.parametrize(
    "frame",
    [
        tiny_frame(), laws(1), laws(22), laws(50), columns(31), columns(300), data_frame(HOSTILE),
        frame_of(cell("normal", "std(ddof=0)", 16, 0.2)), laws(5, sizes=tuple(range(2, 122, 2))),
        tiny_frame().assign(ci_low=NAN, ci_high=NAN, theory=NAN, theory_kind="", z=NAN),
        laws(3, status="unreliable", kind=""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("width", [3.4, 6.7])
def test_nothing_is_outside_the_figure(frame, width):
    """At a column's and a page's width all texts lie inside, and it is not higher than a page."""
    figure = figures.figure("heatmap", frame, curves_of(frame), width=width)
    assert not outside(figure)
    assert figure.get_figheight() < 9.6


@pytest.mark.parametrize(
    "frame", [tiny_frame(), laws(22), columns(31), laws(5, tuple(range(2, 122, 2)))]
)
def test_names_do_not_overlap(frame):
    """Labels of neighbouring rows keep apart."""
    figure = heatmap.figure(frame)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for ax in figure.axes:
        labels = [text for text in ax.texts if text.get_ha() == "right"]
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in labels]
        boxes = sorted(boxes, key=lambda box: box.y0)
        assert all(a.y1 <= b.y0 + 0.5 for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize("measure", ["rmse", "bias", "variance", "mse", "relative_variance"])
def test_every_measure_can_be_shown(measure):
    """Values of any sign; zeros are the lightest."""
    figure = heatmap.figure(tiny_frame(), measure=measure)
    assert not outside(figure) or measure == "bias"
    if measure == "bias":
        assert any(text.startswith("Nothing to show") for text in texts_of(figure))


def test_one_panel_on_given_axes_keeps_them():
    """`draw` uses the axes it is given, and shows the scale unless told otherwise."""
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    ax = figure.add_subplot()
    heatmap.draw(ax, tiny_frame())
    assert "std(ddof=0): RMSE in % of its value" in texts_of(figure)
    assert {"normal", "t(df=5)", "50", "8.8"} <= set(texts_of(figure))
    assert not outside(figure)
    heatmap.draw(figure.add_subplot(), undefined_frame())
    assert any(text.startswith("Nothing to show") for text in texts_of(figure))


def test_an_unknown_estimator_is_refused_with_those_there_are():
    """One clear line."""
    with pytest.raises(SimnormError, match="mean"):
        heatmap.figure(tiny_frame(), estimator="meen")


def test_a_heat_map_is_wanted_where_curves_are_too_many():
    """More than 8 names, 12 batch sizes, or 40 curves."""
    assert not heatmap.wanted(laws(8))
    assert heatmap.wanted(laws(9))
    assert not heatmap.wanted(laws(1, sizes=tuple(range(2, 14))))
    assert heatmap.wanted(laws(1, sizes=tuple(range(2, 15))))


def test_the_finding_counts_what_the_cells_say():
    """By hand: sd (1 + i/10)/sqrt(2n) is at most 10 % from n = 50 (1 + i/10)^2 on."""
    text = heatmap_finding(laws(3, sizes=(32, 64, 128)))
    # 50, 60.5 and 72: two of three at 64, all at 128
    assert "at most 10 % for 2 of 3 distributions at batch size 64 and for all at 128." in text
    assert "smallest for gamma(a=1), 12 %, and largest for gamma(a=3), 15 %." in text
    assert "The relative RMSE of mean is the same for all 3 distributions." in text
    assert heatmap_alt(laws(3)).startswith("Heat map of the error of mean and of std(ddof=0)")


def test_names_within_the_error_bars_of_others_are_not_told():
    """Of three estimates with error bars of 1 % the two small ones are 1 % apart."""
    errors = {"a": 0.2, "b": 0.202, "c": 0.4}
    lines = [
        line
        for name, error in errors.items()
        for n in (16, 64)
        for line in cell(name, "std(ddof=0)", n, error, kind="")
    ]
    said = "At batch size 16 it is about 20 % at its least, and largest for c, 40 %."
    assert said in heatmap_finding(frame_of(lines))
    exact = frame_of(lines).assign(theory_kind="exact")
    assert "smallest for a, 20 %, and largest for c, 40 %." in heatmap_finding(exact)


def test_one_cell_has_and_two_cells_have():
    """Of six cells two have no valid error bar and one has no value."""
    lines = [line for n in (2, 8, 32) for line in cell("a", "mean", n, 0.2)]
    how = {"status": "unreliable", "kind": ""}
    lines += [line for n in (2, 8) for line in cell("b", "mean", n, 0.2, **how)]
    lines += cell("b", "mean", 32, 0.2, status="undefined")
    assert heatmap_finding(frame_of(lines)).endswith(
        "2 of 6 cells have no valid error bar and 1 has no value."
    )


@pytest.mark.parametrize("frame", [undefined_frame(), laws(1), laws(50), columns(60)])
def test_findings_are_sentences(frame):
    """No nan, no plural of one, a full stop."""
    text = heatmap_finding(frame)
    assert text.endswith(".")
    assert not any(bad in text for bad in ("nan", "inf", "None", "  ", "1 distributions"))
