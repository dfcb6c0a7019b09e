"""The law of a batch's estimate: a histogram per batch size, above each other as a ridge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from simnorm.figures.choice import thing
from simnorm.figures.fitting import fit_title, text_width
from simnorm.figures.legend import below_legend
from simnorm.figures.ridges import (
    Ridge,
    Ridges,
    all_ridges,
    estimator_shown,
    ridge_names,
    ridges_of,
    unit_words,
    window,
)
from simnorm.figures.sheet import EDGE, Sheet, label_room, ticks_room
from simnorm.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    Mark,
    beside,
    empty_figure,
    marks_of,
    number,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import is_data, names_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A row of the ridge is this part of the way to the next one.
HEIGHT = 0.84
DASHES = (0, (3.0, 1.5))
# Inches: a row of a ridge, and what the last label of an axis needs beside it.
ROW, LAST = 0.29, 0.12
# The legend stands where the labels of a y axis would be.
OUTDENT = 0.25
SIZES = "batch size n"
# Type of the labels below the panels.
LABEL = 7.5
NO_HISTOGRAMS = "Nothing to show: the run has no histograms of estimates."


@styled
def figure(
    frame: pd.DataFrame, curves: pd.DataFrame, estimator: str = "", width: float = PAGE_WIDTH
) -> Figure:
    """Draw the laws of an estimate, one panel per distribution or column, at most six.

    Every row is a batch size: the histogram of the estimates, the exact law as a thin line, or the
    normal law of the same mean and standard deviation dashed where none is known; a dot is the mean
    of the estimates, the upright line the value that they estimate.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    estimator
        Whose estimates; the featured scale if left out, ``std(ddof=0)`` where the run has it.
    width
        In inches.
    """
    spec, found = all_ridges(frame, curves, estimator)
    if not found:
        return empty_figure(NO_HISTOGRAMS, width)
    of_data = is_data(frame)
    columns = beside(width, min(3, len(found)) if len(found) != 4 else 2, 1.7)
    rows = max(len(ridges.rows) for ridges in found)
    sheet = Sheet.of(width, len(found), columns, ROW * max(rows, 2))
    marks = marks_of(names_of(frame))
    # Estimates in multiples of what they estimate have one scale for all panels.
    together = all(ridges.is_scaled for ridges in found)
    ends = window(found) if together else None
    for ax, ridges in zip(sheet.axes, found, strict=True):
        _panel(ax, ridges, marks[ridges.name].of(spec), ends)
    if not together:
        sheet.labelled = frozenset(range(len(found)))
    sheet.left = [
        ticks_room(ax) + (label_room(SIZES) if place == 0 and rows > 1 else 0.0)
        for place, ax in enumerate(sheet.axes[:columns])
    ]
    sheet.right = [EDGE] * (columns - 1) + [LAST]
    for ax, ridges in zip(sheet.axes, found, strict=True):
        fit_title(ax, marks[ridges.name].label, sheet.across)
    sheet.legend = _legend(found, of_data, spec)
    sheet.outdent = OUTDENT
    sheet.notes = _notes(frame, found)
    _label(sheet, [unit_words(ridges, of_data) for ridges in found])
    sheet.furnish()
    return sheet.figure


def _label(sheet: Sheet, words: Sequence[str]) -> None:
    """Label the panels and give them their places; long words below them take two lines."""
    parted = any(text_width(word, LABEL) > sheet.across + 0.1 for word in words)
    if parted:
        words = [word.replace(" ÷ ", "\n÷ ").replace(", ", ",\n") for word in words]
    sheet.x_lines = 1 + any("\n" in word for word in words)
    sheet.arrange()
    for place, (ax, word) in enumerate(zip(sheet.axes, words, strict=True)):
        here, first = place in sheet.labelled, place % sheet.columns == 0
        ax.tick_params(labelbottom=here)
        many = len(ax.get_yticks()) > 1
        sheet.label(ax, word if here else "", SIZES if first and many else "")
        widest = max(text_width(line, LABEL) for line in word.split("\n"))
        ax.xaxis.label.set_fontsize(LABEL * min(1.0, (sheet.across + 0.1) / widest))


def draw(
    ax: Axes, frame: pd.DataFrame, curves: pd.DataFrame, name: str = "", estimator: str = ""
) -> None:
    """Draw the panel of one distribution or column on given axes.

    Parameters
    ----------
    ax
        The axes.
    frame, curves
        The tables of a run.
    name
        Which one; the first that the figure shows if left out.
    estimator
        As in `figure`.
    """
    spec = estimator_shown(frame, curves, estimator)
    names = ridge_names(frame, curves, spec) if spec and not name else []
    chosen = name or next(iter(names), "")
    ridges = ridges_of(frame, curves, chosen, spec) if spec else None
    if ridges is None or not ridges.rows:
        say_nothing_to_show(ax, NO_HISTOGRAMS)
        return
    marks = marks_of(names_of(frame))
    mark = marks[chosen].of(spec) if chosen in marks else marks_of([chosen])[chosen].of(spec)
    _panel(ax, ridges, mark, None)
    if len(ridges.rows) > 1:
        ax.set_ylabel(SIZES)
    ax.set_xlabel(unit_words(ridges, is_data(frame)))
    fit_title(ax, mark.label, 4.0)
    handles, labels = _legend([ridges], is_data(frame), spec)
    below_legend(ax, handles, labels)


def _panel(ax: Axes, ridges: Ridges, mark: Mark, ends: tuple[float, float] | None) -> None:
    """Draw one ridge, the smallest batches on top."""
    low, high = ends or window([ridges])
    count = len(ridges.rows)
    for place, row in enumerate(ridges.rows):
        _row(ax, row, mark, float(count - 1 - place))
    if math.isfinite(ridges.value):
        ax.axvline(ridges.value, color=INK, linewidth=0.7, zorder=1.2)
    ax.set_xlim(low, high)
    ax.set_ylim(-0.14, count - 1 + 1.06)
    ax.yaxis.set_major_locator(FixedLocator([float(count - 1 - i) for i in range(count)]))
    head = "n = " if count == 1 else ""
    sizes = {float(count - 1 - i): head + number(row.n) for i, row in enumerate(ridges.rows)}
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: sizes.get(round(value), "")))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", length=0.0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def _row(ax: Axes, row: Ridge, mark: Mark, base: float) -> None:
    """Draw one histogram on its base line, as high as all others."""
    bins = row.shape
    share, edges = row.share[bins], row.edges[bins.start : bins.stop + 1]
    x, y = row.line
    inside = (x >= edges[0]) & (x <= edges[-1])
    top = max(float(share.max()), float(y[inside].max()) if inside.any() else 0.0) or 1.0
    height = HEIGHT / top
    ax.stairs(
        base + height * share, edges, baseline=base, fill=True, color=mark.colour, alpha=0.38,
        linewidth=0.0, zorder=2,
    )  # fmt: skip
    ax.stairs(base + height * share, edges, baseline=base, color=mark.colour, lw=0.7, zorder=2.1)
    ax.axhline(base, color="#c9c9c9", linewidth=0.5, zorder=1)
    style: dict[str, Any] = {"color": INK, "linewidth": 0.8, "zorder": 3}
    if row.beside == "steps":
        ax.plot(x[inside], base + height * y[inside], linestyle="none", marker="_",
                markersize=4.0, color=INK, markeredgewidth=0.9, zorder=3)  # fmt: skip
    elif row.beside:
        dashes = "-" if row.beside == "exact" else DASHES
        ax.plot(x[inside], base + height * y[inside], linestyle=dashes, **style)
    if math.isfinite(row.mean):
        ax.plot(
            [row.mean], [base], marker=mark.shape, markersize=4.2, color=mark.colour,
            markeredgecolor="white", markeredgewidth=0.6, linestyle="none", zorder=4,
        )  # fmt: skip


def _legend(
    found: Sequence[Ridges], of_data: bool, spec: str
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return what the shapes and lines mean, those that are drawn."""
    every = [row for ridges in found for row in ridges.rows]
    beside = {row.beside for row in every}
    handles: list[tuple[Any, ...]] = [(Patch(facecolor=FAINT, alpha=0.45, linewidth=0),)]
    labels = ["estimates of batches"]

    def add(label: str, **style: Any) -> None:
        looks: dict[str, Any] = {"color": INK, "linewidth": 0.9, **style}
        handles.append((Line2D([], [], **looks),))
        labels.append(label)

    if "exact" in beside:
        add("exact law")
    if "steps" in beside:
        add("exact shares", marker="_", linestyle="none", markersize=6.0)
    if "normal" in beside:
        add("normal law, same mean and sd", linestyle=DASHES)
    if any(math.isfinite(row.mean) for row in every):
        shape = marks_of(["x"])["x"].of(spec).shape
        add("mean of the estimates", marker=shape, linestyle="none", markersize=4.6, color=FAINT)
    if any(math.isfinite(ridges.value) for ridges in found):
        words = "value of the whole column" if of_data else "population value"
        add(words, marker="|", linestyle="none", markersize=9.0)
    return handles, labels


def _notes(frame: pd.DataFrame, found: Sequence[Ridges]) -> list[str]:
    """Return what the figure does not show, in sentences."""
    notes = ["All rows are drawn to the same height."]
    every, shown = len(names_of(frame)), len(found)
    if shown < every:
        which = ", of those with the heaviest tails" if is_data(frame) else ""
        notes.append(f"{shown} of {every:,} {thing(frame)}s{which}.")
    silent = [ridges.name for ridges in found if not math.isfinite(ridges.value)]
    if silent:
        notes.append(f"No value to estimate: {', '.join(silent)}.")
    return notes
