"""The figure of heavy tails: theory has the last word, and a k-hat is where it was measured."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tiny_tables import NAN, cell, curves_of, frame_of, of_file, tiny_frame, undefined_frame

from simnorm import figures
from simnorm.errors import SimnormError
from simnorm.figures import khat
from simnorm.figures.khat_cells import (
    AMBER,
    GREEN,
    NO_ERROR_BAR,
    NO_MOMENT,
    RED,
    TOO_FEW,
    UNJUDGED,
    cells_of,
    doubtful_names,
    told_apart,
    verdict,
    wanted,
)
from simnorm.figures.khat_ledger import Axis, place_of, spans_of
from simnorm.report.findings.khat import khat_alt, khat_finding

MISSING = "the mean squared error does not exist: the error's tail index 1 is not above 2"
NO_BAR = "its standard error does not exist: the error's tail index 3 is not above 4"
FEW = "with these tails its standard error needs 14,070 replications or more"
FOUND = "a few of the first 1,024 replications make the standard error (Pareto k-hat 0.91 > 0.5)"


def judged(name, spec, n, k, status="ok", reason="", replications=1000, column=""):
    """All measures of a cell with a k-hat, a status and a reason."""
    lines = cell(name, spec, n, n**-0.5, status=status)
    about = {"khat": k, "status": status, "reason": reason, "replications": replications}
    lines = [line | about for line in lines]
    return of_file(lines, column) if column else lines


def mixed_frame():
    """One cell of each verdict, all of the sd: of five laws at batch sizes 2 and 8."""
    return frame_of(
        judged("normal", "std(ddof=0)", 2, 0.1)
        + judged("normal", "std(ddof=0)", 8, NAN)
        + judged("laplace", "std(ddof=0)", 2, 0.31)
        + judged("laplace", "std(ddof=0)", 8, 0.91, "unreliable", FOUND)
        + judged("lognormal(s=1)", "std(ddof=0)", 2, 0.45, "unreliable", FEW)
        + judged("t(df=3)", "std(ddof=0)", 8, -0.2, "unreliable", NO_BAR)
        + judged("cauchy", "std(ddof=0)", 8, NAN, "undefined", MISSING)
    )


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def outside(figure, slack=1.0):
    """Return the texts that reach over the edge of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    found = []
    for text in figure.findobj(mpl.text.Text):
        if text.get_text() and text.get_visible():
            here = text.get_window_extent(canvas.get_renderer())
            box = figure.bbox
            across = here.x0 < box.x0 - slack or here.x1 > box.x1 + slack
            if across or here.y0 < box.y0 - slack or here.y1 > box.y1 + slack:
                found.append(text.get_text())
    return found


def points_of(figure):
    """Return (name of the panel, n, k-hat, whether hollow) of every point, n as drawn aside."""
    found = []
    for ax in figure.axes:
        title = next((child.get_title(loc="left") for child in ax.child_axes), "")
        for line in ax.lines:
            if line.get_marker() in ("None", "") or line.get_linestyle() != "None":
                continue
            hollow = line.get_markerfacecolor() == "white"
            found += [(title, x, y, hollow) for x, y in zip(*line.get_data(), strict=True)]
    return found


@pytest.mark.parametrize(
    ("status", "reason", "k", "found"),
    [
        ("ok", "", 0.3, GREEN), ("ok", "", 0.3001, AMBER), ("ok", "", 0.5, AMBER),
        ("ok", "", NAN, UNJUDGED), ("unreliable", FOUND, 0.91, RED),
        # Theory is asked first, whatever was drawn.
        ("unreliable", NO_BAR, 0.1, NO_ERROR_BAR), ("unreliable", NO_BAR, NAN, NO_ERROR_BAR),
        ("unreliable", FEW, 0.1, TOO_FEW), ("unreliable", FEW, 0.9, TOO_FEW),
        ("undefined", MISSING, NAN, NO_MOMENT),
        ("undefined", "the population mean of cauchy is not finite", NAN, NO_MOMENT),
        # What has nothing to do with tails.
        ("undefined", "a batch of one has no unbiased variance", NAN, ""),
        ("exact", "the batch is the full set", NAN, ""), ("failed", "", NAN, ""),
        ("failed", "", 0.2, GREEN),
    ],
)  # fmt: skip
def test_theory_is_asked_before_what_was_drawn(status, reason, k, found):
    """The limits are those of `simnorm.khat`; a refusal stands whatever k-hat says."""
    assert verdict(status, reason, k) == found


def test_every_cell_of_a_table_has_its_verdict():
    """One of each, from the rows of the mean square alone."""
    cells = cells_of(mixed_frame())
    found = [(row.name, row.batch_size, row.verdict) for row in cells.itertuples(index=False)]
    assert sorted(found) == sorted([
        ("normal", 2, GREEN), ("normal", 8, UNJUDGED), ("laplace", 2, AMBER), ("laplace", 8, RED),
        ("lognormal(s=1)", 2, TOO_FEW), ("t(df=3)", 8, NO_ERROR_BAR), ("cauchy", 8, NO_MOMENT),
    ])  # fmt: skip


def test_a_point_is_hollow_where_theory_refuses():
    """Every k-hat of a law in doubt is drawn once, at its height, hollow if and only if refused.

    The normal law, which is in no doubt, has no panel.
    """
    figure = khat.figure(mixed_frame())
    found = [(name, round(y, 6), hollow) for name, _, y, hollow in points_of(figure)]
    assert sorted(found) == sorted([
        ("laplace", 0.31, False), ("laplace", 0.91, False),
        ("lognormal(s=1)", 0.45, True), ("t(df=3)", -0.2, True),
    ])  # fmt: skip
    assert any("Hollow: refused above" in text for text in texts_of(figure))


def test_what_theory_refuses_is_written_above_its_batch_sizes():
    """A bar over each stretch of refused sizes, with words where they fit."""
    frame = mixed_frame()
    texts = texts_of(khat.figure(frame))
    assert texts.count("nothing refused") == 1  # laplace; normal is in no doubt
    cells = cells_of(frame)
    axis = khat._axis(cells, frame)
    (span,) = spans_of(cells[cells["name"] == "cauchy"], axis)["std(ddof=0)"]
    # From the middle between 2 and 8, which is 4, to the end.
    assert span == (NO_MOMENT, pytest.approx(4.0), pytest.approx(16.0))


def test_estimators_stand_beside_each_other_and_keep_their_column():
    """Points of one batch size are moved aside by less than half a step, and none is lost."""
    rows = []
    for spec in ("mean", "biased_variance", "range", "std(ddof=0)", "max"):
        for n in (2, 4, 8):
            rows += judged("t(df=5)", spec, n, 0.4)
    figure = khat.figure(frame_of(rows))
    places = np.array([x for _, x, _, _ in points_of(figure)])
    assert len(places) == 15
    nearest = np.round(np.log2(places))
    assert np.all(np.abs(np.log2(places) - nearest) < 0.5)
    assert len(set(np.round(places, 9))) == 15
    low, high = figure.axes[0].get_xlim()
    assert low < places.min()
    assert places.max() < high
    markers = {line.get_marker() for line in figure.axes[0].lines if len(line.get_xdata()) == 3}
    assert len(markers) == 5


def test_of_many_names_the_six_most_in_doubt_are_shown():
    """A law that theory refuses is never pushed out by one that it does not."""
    rows = []
    for i in range(9):
        rows += judged(f"gamma(a={i + 1})", "mean", 4, 0.2 + 0.04 * i)
    rows += judged("cauchy", "mean", 4, NAN, "undefined", MISSING)
    frame = frame_of(rows)
    names = doubtful_names(cells_of(frame), frame)
    assert len(names) == 6
    assert "cauchy" in names
    assert {"gamma(a=7)", "gamma(a=8)", "gamma(a=9)"} <= set(names)  # 0.44, 0.48, 0.52
    texts = texts_of(khat.figure(frame))
    assert any("The 6 of 10 distributions most in doubt." in text for text in texts)


def test_divisors_of_one_sum_of_squares_share_a_row():
    """Both stand alone where the other is missing, or where theory tells them apart."""
    kin = ("biased_variance", "unbiased_variance")
    both = [line for spec in kin for line in judged("t(df=5)", spec, 4, 0.9)]
    frame = frame_of(both)
    assert told_apart(cells_of(frame)) == ["biased_variance"]
    assert len(points_of(khat.figure(frame))) == 1
    note = "unbiased_variance looks like its kin with the other divisor."
    assert note in " ".join(texts_of(khat.figure(frame)))
    assert told_apart(cells_of(frame_of(both[len(both) // 2 :]))) == ["unbiased_variance"]
    other = judged("t(df=5)", kin[1], 4, 0.9, "unreliable", NO_BAR)
    assert told_apart(cells_of(frame_of(both[: len(both) // 2] + other))) == list(kin)
    assert len(points_of(khat.figure(frame, kin[1]))) == 1


def test_words_of_a_bar_stand_in_it_or_beside_it():
    """In a panel of two inches a bar over one of eleven sizes has its words at its free side."""
    axis = Axis(tuple(2**i for i in range(1, 12)), ("mean",), 0.0, 1.0)
    e = axis.edges
    whole, first, last = (TOO_FEW, e[0], e[11]), (TOO_FEW, e[0], e[1]), (TOO_FEW, e[10], e[11])
    assert place_of([whole], 0, axis, 2.0)[1] == "center"
    x, side = place_of([first], 0, axis, 2.0)
    assert (side, x > e[1]) == ("left", True)
    x, side = place_of([last], 0, axis, 2.0)
    assert (side, x < e[10]) == ("right", True)
    pair = [first, last]
    assert [place_of(pair, i, axis, 2.0) is None for i in (0, 1)] == [False, True]
    assert place_of([first, (NO_MOMENT, e[1], e[11])], 0, axis, 2.0) is None


def test_too_few_replications_for_a_k_hat_are_said_to_be():
    """Below 200 there is none; theory's refusals are shown all the same."""
    rows = judged("normal", "mean", 4, NAN, replications=64)
    (text,) = texts_of(khat.figure(frame_of(rows)))
    assert text == (
        "Nothing to show: no k-hat, which takes 200 replications or more: this run has 64."
    )
    rows += judged("cauchy", "mean", 4, NAN, "undefined", MISSING, replications=64)
    texts = texts_of(khat.figure(frame_of(rows)))
    assert any("No k-hat, which takes 200 replications or more" in text for text in texts)
    assert "no mean square" in texts


def test_where_nothing_has_tails_the_figure_says_so():
    """Undefined for another reason: no cell takes part."""
    (text,) = texts_of(khat.figure(undefined_frame()))
    assert text.startswith("Nothing to show")


def test_the_page_is_wanted_if_any_error_bar_is_in_doubt():
    """Amber is enough, and so is a k-hat that theory refuses; green alone is not, nor no k-hat."""
    assert not wanted(frame_of(judged("normal", "mean", 4, 0.3)))
    assert wanted(frame_of(judged("normal", "mean", 4, 0.31)))
    assert wanted(frame_of(judged("x", "mean", 4, 0.1, "unreliable", NO_BAR)))
    assert not wanted(frame_of(judged("x", "mean", 4, NAN, "undefined", MISSING)))
    assert wanted(frame_of(judged("x", "mean", 4, 0.1, "unreliable", FEW)))
    assert not wanted(frame_of(judged("x", "mean", 4, NAN, "unreliable", FEW, replications=20)))
    assert not wanted(tiny_frame())  # has no k-hat, and reasons of no kind


LONG = "a name of two hundred characters, " * 6


def many(count, sizes=(2, 8, 32), specs=("mean", "std(ddof=0)"), of_data=False):
    rng = np.random.default_rng(5)
    rows = []
    for i in range(count):
        for spec in specs:
            for n in sizes:
                k = float(rng.uniform(-0.3, 1.2))
                status, reason = ("unreliable", FOUND) if k > 0.5 else ("ok", "")
                column = f"column {i}" if of_data else ""
                rows += judged(f"gamma(a={i})", spec, n, k, status, reason, column=column)
    return frame_of(rows)


@pytest.mark.parametrize(
    "frame",
    [
        mixed_frame(), many(1), many(2), many(5), many(22), many(300, of_data=True),
        many(1, sizes=(16,)), many(4, sizes=tuple(range(2, 122, 2))),
        many(3, specs=("mean", "median", "min", "max", "range", "mad", "iqr", "skewness",
                       "excess_kurtosis", "std(ddof=0)")),
        frame_of(
            judged("", "mean", 4, 0.4, column=LONG) + judged("", "mean", 4, 0.4, column="$x$_")
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("width", [3.4, 6.7])
def test_nothing_is_outside_the_figure(frame, width):
    """At a column's and a page's width all texts lie inside."""
    figure = figures.figure("khat", frame, curves_of(frame), width=width)
    assert not outside(figure)


def test_limits_lie_at_three_and_five_tenths():
    """The bands meet at the limits that the verdicts have, and the axis labels both."""
    figure = khat.figure(mixed_frame())
    FigureCanvasAgg(figure).draw()
    ax = figure.axes[0]
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert {"0.3", "0.5"} <= set(labels)
    edges = sorted({round(patch.get_y(), 6) for patch in ax.patches})
    assert edges[1:] == [0.3, 0.5]


def test_one_panel_on_given_axes():
    """The name most in doubt unless told otherwise; what theory says stands above the axes."""
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    ax = figure.add_subplot()
    khat.draw(ax, mixed_frame())
    assert "cauchy" in texts_of(figure)
    assert not outside(figure)
    other = figure.add_subplot()
    khat.draw(other, mixed_frame(), name="laplace")
    assert "laplace" in texts_of(figure)
    with pytest.raises(SimnormError, match="laplace"):
        khat.draw(ax, mixed_frame(), name="laplac")
    with pytest.raises(SimnormError, match="estimator"):
        khat.figure(mixed_frame(), estimator="meen")


def test_the_finding_counts_every_verdict():
    """By hand: seven cells, one of each verdict."""
    text = khat_finding(mixed_frame())
    assert text == (
        "Of 7 cells 1 has no mean square, 1 a mean square whose standard error does not exist, 1 "
        "too few replications, 1 a k-hat above 0.5, 1 one between 0.3 and 0.5, 1 one of at most "
        "0.3 and 1 no k-hat. Theory refuses cells of t(df=3) and cauchy, however they look. The "
        "largest k-hat of the others is 0.91, of std(ddof=0) of laplace at batch size 8. Where "
        "theory refuses, more replications do not help; elsewhere they do. Quantiles of the error "
        "always exist."
    )


def test_a_k_hat_that_decides_nothing_is_not_the_largest():
    """Of 1.29 where replications are too few nothing is counted, so nothing is told."""
    reason = "needs 320,000,000 replications or more"
    few = judged("a", "mean", 8, 1.29, "unreliable", reason)
    fine = judged("b", "mean", 8, 0.2)
    assert khat_finding(frame_of(few + fine)) == (
        "Of 2 cells 1 has too few replications and 1 a k-hat of at most 0.3. The largest k-hat of "
        "the others is 0.20, of mean of b at batch size 8. More replications help, though it takes "
        "up to 320,000,000 of them. Quantiles of the error always exist."
    )


@pytest.mark.parametrize(
    "frame", [undefined_frame(), many(1), many(50), many(1, sizes=(8,), specs=("mean",))]
)
def test_findings_are_sentences(frame):
    """No nan, a full stop, and a singular for one."""
    text = khat_finding(frame)
    assert text.endswith(".")
    assert not any(bad in text for bad in ("nan", "inf", "None", "  ", "All 1 cells"))
    assert khat_alt().endswith(".")
