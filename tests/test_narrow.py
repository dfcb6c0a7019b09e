"""Figures of studies in the column of a journal: nothing outside, nothing squeezed to a strip."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import tiny_inputs
import tiny_running
from matplotlib.backends.backend_agg import FigureCanvasAgg

from simnorm import figures
from simnorm.figures.narrow import shape_of
from simnorm.figures.running.split import COLOURS

DRAWN = [("inputs", kind) for kind in figures.OF_STUDY["inputs"]]
DRAWN += [("running", kind) for kind in figures.OF_STUDY["running"]]


def at_width(study, kind, width):
    if study == "inputs":
        frame = tiny_inputs.inputs_frame()
        return figures.figure(kind, frame, tiny_inputs.inputs_curves(frame), width=width)
    frame = tiny_running.running_frame()
    return figures.figure(kind, frame, tiny_running.curves_of(frame), width=width)


def lightness(colour):
    """CIELAB lightness, which is what is left of a colour in grey print."""
    linear = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    return 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16


@pytest.mark.parametrize(("study", "kind"), DRAWN)
@pytest.mark.parametrize("width", [3.4, 6.7])
def test_texts_lie_inside_and_panels_are_large_enough(study, kind, width):
    """At both widths every text but numbers of an axis is inside, and panels are an inch wide."""
    figure = at_width(study, kind, width)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.bbox
    numbers = {
        text for ax in figure.axes for text in (*ax.get_xticklabels(), *ax.get_yticklabels())
    }
    for text in figure.findobj(mpl.text.Text):
        if text.get_text().strip() and text.get_visible() and text not in numbers:
            here = text.get_window_extent(canvas.get_renderer())
            assert box.x0 - 1.5 <= here.x0, text.get_text()
            assert here.x1 <= box.x1 + 1.5, text.get_text()
            assert box.y0 - 1.5 <= here.y0, text.get_text()
            assert here.y1 <= box.y1 + 1.5, text.get_text()
    for ax in figure.axes:
        if ax.axison:
            here = ax.get_window_extent()
            assert here.width / figure.dpi > 0.8
            assert here.height / figure.dpi > 0.3


def test_panels_stand_below_each_other_where_it_is_narrow():
    """One row on a page; in a column of a journal one or two columns of panels."""
    assert shape_of(3, 6.7) == (1, 3)
    assert shape_of(3, 3.4) == (3, 1)
    assert shape_of(5, 3.4, 2) == (3, 2)


def test_parts_of_an_error_differ_in_grey():
    """Any two of the four parts are 15 steps of lightness apart."""
    found = sorted(lightness(colour) for colour in COLOURS.values())
    assert np.diff(found).min() > 15.0
