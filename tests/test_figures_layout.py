"""No text of a figure is clipped or meets another, whatever the run is like."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import matplotlib.backends.backend_agg
import pytest
from tiny_tables import cell, curves_of, data_curves, data_frame, frame_of, tiny_frame

from simnorm import figures
from simnorm.design import DEFAULT_DISTRIBUTIONS, DEFAULT_ESTIMATORS
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.figures.style import PAGE_WIDTH

KINDS = ("overview", "variance", "bias", "rmse", "audit", "convergence")
LONG = tuple(f"column {letter} " + "of a long name " * 12 + letter for letter in "abc")


def law_frame(names, words=DEFAULT_ESTIMATORS, sizes=(2, 8, 32, 128, 512), spread=0.15):
    """Errors that fall as 1/sqrt(n), the means' the same for all, the others' growing by name."""
    lines = []
    for place, name in enumerate(names):
        for word in words:
            scale = 1.0 if word == "mean" else 1.0 + spread * place
            for n in sizes:
                lines += cell(name, word, n, scale * n**-0.5, off=0.5)
    return frame_of(lines)


def canonical(words):
    return [str(distribution(word)) for word in words]


def boxes_of(figure):
    """Return text and extent of all that is written in a figure."""
    canvas = mpl.backends.backend_agg.FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [*figure.texts]
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        texts += [*legend.get_texts(), legend.get_title()]
    for ax in figure.axes:
        texts += [*ax.texts, ax._left_title]
        if not ax.axison:
            continue
        texts += [ax.xaxis.label, ax.yaxis.label]
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            # Ticks beyond the limits are not drawn, though their labels have an extent.
            low, high = sorted(limits)
            texts += [
                tick.label1
                for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high and tick.label1.get_visible()
            ]
    found = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in texts
        if text.get_text().strip() and text.get_visible()
    ]
    return [(text, box) for text, box in found if box.width > 0]


def check(figure):
    page, boxes = figure.bbox, boxes_of(figure)
    assert boxes
    for text, box in boxes:
        inside = box.x0 >= -1 and box.x1 <= page.x1 + 1 and box.y0 >= -1 and box.y1 <= page.y1 + 1
        assert inside, (text, box, page)
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
        assert apart, (one, two)


FRAMES = {
    "default": law_frame(canonical(DEFAULT_DISTRIBUTIONS)),
    "one law": law_frame(["normal"]),
    "one size": law_frame(canonical(DEFAULT_DISTRIBUTIONS), sizes=(16,)),
    "one cell": law_frame(["normal"], ["std(ddof=0)"], (16,)),
    "three sizes": law_frame(canonical(DEFAULT_DISTRIBUTIONS), sizes=(4, 16, 64)),
    "all laws": law_frame(canonical(DISTRIBUTIONS)),
    "50 laws": law_frame([f"normal(loc={i})" for i in range(50)], spread=0.5),
    "long names": law_frame(LONG),
    "wide": law_frame(["normal", "lognormal(s=2)"], spread=1e4),
    "31 columns": data_frame(tuple(f"worst fractal dimension {i}" for i in range(31))),
    "300 columns": data_frame(tuple(f"x{i}" for i in range(300))),
    "long columns": data_frame(LONG),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FRAMES)
def test_no_text_is_clipped_and_none_meets_another(kind, name):
    frame = FRAMES[name]
    curves = data_curves(frame) if "column" in name else curves_of(frame)
    for page in range(1, figures.pages(kind, frame) + 1):
        options = {"page": page} if figures.pages(kind, frame) > 1 else {}
        check(figures.figure(kind, frame, curves, width=PAGE_WIDTH, **options))


@pytest.mark.parametrize("width", [5.0, 6.5, 9.0])
def test_the_first_picture_fits_other_widths(width):
    frame = FRAMES["default"]
    check(figures.figure("overview", frame, curves_of(frame), width=width))


@pytest.mark.parametrize("measure", ["rmse", "relative_rmse", "relative_bias", "mse", "variance"])
@pytest.mark.parametrize("name", ["default", "one size", "all laws", "long names", "31 columns"])
def test_a_single_measure_fits(name, measure):
    check(figures.draw(FRAMES[name], measure, estimator="std(ddof=0)").figure)


def test_a_figure_of_many_estimators_is_not_higher_than_a_page():
    """Text of an A4 page is 24 cm high; a caption takes some of that."""
    words = [f"quantile(q=0.{i:02d})" for i in range(1, 16)]
    frame = law_frame(canonical(DEFAULT_DISTRIBUTIONS), words)
    for kind in ("variance", "bias", "rmse"):
        figure = figures.figure(kind, frame, curves_of(frame), width=PAGE_WIDTH)
        assert figure.get_figheight() < 8.9
        check(figure)


def test_what_is_measured_is_what_is_drawn():
    """Texts that do meet are seen: the check is not blind."""
    figure = figures.figure("variance", tiny_frame(), curves_of(tiny_frame()))
    check(figure)
    figure.axes[0].text(-0.2, 0.5, "over the ticks " * 3, transform=figure.axes[0].transAxes)
    with pytest.raises(AssertionError):
        check(figure)
