"""Figures of the study scaling: what they draw is in the table, and they say so when it is not."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pandas as pd
import pytest
from tiny_scaling import (
    COLUMNS,
    NAMES,
    NO_CURVES,
    SIZES,
    accuracy,
    line,
    of_file,
    scaling_frame,
)

from simnorm import figures
from simnorm.errors import SimnormError
from simnorm.figures import Part
from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import Run, Scaling

KINDS = figures.OF_STUDY["scaling"]
LABELS = ["none", "min-max", "robust", *(f"batch of {n}" for n in SIZES), "z-score"]


def drawn(kind, frame, **how):
    return figures.figure(kind, frame, NO_CURVES, **how)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def panels_of(figure):
    return [ax for ax in figure.axes if ax.axison]


def dots_of(ax, colour):
    """Values of the marks of a model, from top to bottom."""
    marks = [(one.get_ydata()[0], one.get_xdata()[0]) for one in ax.lines
             if one.get_marker() not in ("None", "") and one.get_color() == colour]  # fmt: skip
    return [value for _, value in sorted(marks)]


def bars_of(ax, colour):
    """Intervals of a model, from top to bottom."""
    found = [(one.get_ydata()[0], tuple(one.get_xdata())) for one in ax.lines
             if one.get_marker() == "None" and one.get_color() == colour]  # fmt: skip
    return [ends for _, ends in sorted(found)]


BLUE = Run(scaling_frame()).marks()["knn"].colour


def test_accuracies_and_intervals_are_those_of_the_table_in_per_cent():
    ax = panels_of(drawn("accuracy", scaling_frame(half=0.5)))[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == LABELS
    wanted = [accuracy("wine", "knn", *key) for key in (
        ("none", 0), ("min_max", 0), ("robust", 0), *(("batch", n) for n in SIZES), ("z_score", 0)
    )]  # fmt: skip
    assert dots_of(ax, BLUE) == pytest.approx(wanted)
    np.testing.assert_allclose(bars_of(ax, BLUE), [(x - 0.5, x + 0.5) for x in wanted])


def test_differences_are_from_z_scores_in_points():
    ax = panels_of(drawn("difference", scaling_frame()))[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == LABELS[:-1]
    assert dots_of(ax, BLUE) == pytest.approx([-26.0, -1.0, -0.5, -8.0, -2.0, -0.5, -0.125])
    assert bars_of(ax, BLUE)[0] == pytest.approx((-27.0, -25.0))
    assert ax.get_xlabel() in ("", "points above z-score")


def test_without_z_scores_differences_are_from_raw_features():
    frame = scaling_frame(("wine",), scalers=("none", "min_max"))
    ax = panels_of(drawn("difference", frame))[0]
    assert dots_of(ax, BLUE) == pytest.approx([25.0])
    assert ax.get_xlabel() == "points above raw"


def test_a_difference_is_turned_round_where_the_table_has_the_other_one():
    frame = scaling_frame(("wine",), ("knn",), ("none", "z_score"))
    only = frame[~frame["factors"].str.contains("against=z_score")]
    point = Run(only).difference("wine", "knn", Scaling("none"))
    assert (point.value, point.low, point.high) == pytest.approx((-26.0, -27.0, -25.0))


def test_the_band_is_the_margin_and_its_panels_share_one_axis():
    panels = panels_of(drawn("difference", scaling_frame()))
    assert len(panels) == len(NAMES)
    assert len({ax.get_xlim() for ax in panels}) == 1
    band = panels[0].patches[0].get_extents().transformed(panels[0].transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-MARGIN, MARGIN))
    # Differences of a few points need no logarithms.
    near = drawn("difference", scaling_frame(("wine",), scalers=("min_max", "z_score")))
    assert panels_of(near)[0].get_xscale() == "linear"
    assert not any("logarithmic" in text for text in texts_of(near))


def test_what_has_no_error_bar_is_hollow_and_has_no_interval():
    made = drawn("difference", scaling_frame(status="unreliable"))
    assert not bars_of(panels_of(made)[0], BLUE)
    assert "no valid error bar" in texts_of(made)
    assert not any("interval" in text for text in texts_of(made))


def test_intervals_are_cut_at_100_per_cent_and_that_is_said():
    note = "Intervals are cut at 0 and 100 %."
    made = drawn("accuracy", scaling_frame(half=8.0))
    assert any(note in text for text in texts_of(made))
    assert any("* made by us" in text for text in texts_of(made))
    assert max(high for _, high in bars_of(panels_of(made)[0], BLUE)) == 100.0
    narrow = texts_of(drawn("accuracy", scaling_frame(("wine",), half=0.1)))
    assert not any(note in text or "made by us" in text for text in narrow)


def test_a_batch_of_one_has_no_row():
    frame = scaling_frame(("wine",), ("knn",))
    single = [line("wine", f"model=knn;scaler=batch{end}", 1, 0.0, 1.0, "undefined")
              for end in ("", ";against=z_score")]  # fmt: skip
    frame = pd.concat([frame, pd.DataFrame(single, columns=COLUMNS)], ignore_index=True)
    assert Run(frame).sizes == list(SIZES)
    assert "batch of 1" not in texts_of(drawn("accuracy", frame))


@pytest.mark.parametrize(("asked", "size"), [(None, 32), (1, 2), (20, 32), (5000, 128)])
def test_sentences_speak_of_the_batch_size_asked_for(asked, size):
    frame = scaling_frame(("wine",), ("knn",))
    if asked:
        frame.attrs["batch_size"] = asked
    assert Run(frame).n == size


ODD = {
    "one cell": scaling_frame(("wine",), ("knn",), ("z_score",)),
    "one batch size": scaling_frame(("wine",), ("mlp",), ("batch",), (8,)),
    "no error bars": scaling_frame(status="unreliable"),
    "alike": scaling_frame(status="unreliable", half=0.0),
    "exact": scaling_frame(status="exact", half=0.0),
    "huge": scaling_frame(half=300.0),
    "many batch sizes": scaling_frame(("wine",), sizes=tuple(range(2, 40))),
    "hostile names": scaling_frame().replace(
        {"distribution": {"wine": "$x^2$ _a_ #c", "digits": "列😀" * 40}}
    ),
    "a file": of_file(scaling_frame()),
    "unknown model": scaling_frame(("wine",)).replace({"factors": {"mlp": "svm"}}, regex=True),
}


@pytest.mark.parametrize("width", [6.7, 3.4])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frame", ODD.values(), ids=ODD)
def test_every_kind_survives_odd_tables(kind, frame, width, tmp_path):
    figures.save(drawn(kind, frame, width=width), tmp_path / "odd.png", dpi=40)


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_with_nothing_to_show_says_so(kind):
    made = drawn(kind, scaling_frame(status="undefined"))
    assert any(text.startswith("Nothing to show") for text in texts_of(made))
    with pytest.raises(SimnormError, match="nothing to show"):
        figures.plot(kind, scaling_frame(status="undefined"), NO_CURVES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_the_same_each_time_and_changes_no_settings(kind, tmp_path):
    before = dict(mpl.rcParams)
    for name in ("one.svg", "two.svg"):
        figures.save_svg(drawn(kind, scaling_frame()), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
def test_one_pair_of_axes_shows_the_data_set_asked_for(kind):
    ax = figures.plot(kind, scaling_frame(), NO_CURVES, part=Part(name="heavy_tails"))
    assert ax.get_title(loc="left") == "heavy tails*"
    assert figures.plot(kind, scaling_frame(), NO_CURVES).get_title(loc="left") == "wine"
    assert figures.plot(kind, of_file(scaling_frame()), NO_CURVES).get_title(loc="left") == ""


def overlaps(texts, canvas):
    boxes = [text.get_window_extent(canvas) for text in texts]
    return [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "across"), [(6.7, 0), (6.7, 6), (3.4, 0)])
def test_no_label_meets_another_one_or_leaves_the_figure(kind, width, across):
    made = drawn(kind, scaling_frame(), width=width, across=across)
    canvas = mpl.backends.backend_agg.FigureCanvasAgg(made)
    canvas.draw()
    texts = [text for text in made.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
    texts = [text for text in texts if text.get_window_extent().width > 0]
    ticks = [label for ax in made.axes for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]]
    hidden = {id(label) for ax in made.axes for axis in (ax.xaxis, ax.yaxis)
              for label in axis.get_ticklabels() if not ax.axison}  # fmt: skip
    shown = [text for text in texts if id(text) not in hidden]
    xlabels = [ax.xaxis.label for ax in panels_of(made) if ax.get_xlabel()]
    assert not overlaps(xlabels, canvas.get_renderer())
    for ax in panels_of(made):
        low, high = ax.get_xlim()
        mine = [
            t for t in ax.get_xticklabels() if t.get_text() and low <= t.get_position()[0] <= high
        ]
        assert not overlaps(mine, canvas.get_renderer())
    whole = made.bbox
    for text in [*xlabels, *(t for t in shown if t not in ticks)]:
        box = text.get_window_extent(canvas.get_renderer())
        assert box.x0 >= whole.x0 - 1, text
        assert box.x1 <= whole.x1 + 1, text
