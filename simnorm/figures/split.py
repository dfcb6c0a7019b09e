"""The error about the population, split: a batch about its full set, the full set itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simnorm.figures.cells import Shown, draw_cells, merged
from simnorm.figures.fitting import fit_title, text_width
from simnorm.figures.legend import legend_entries
from simnorm.figures.sheet import EDGE, Sheet, label_room, ticks_room
from simnorm.figures.split_parts import Parts, all_parts, simulated
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    beside,
    empty_figure,
    log_axis,
    marks_of,
    number,
    plain,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import floats, is_data, names_of, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABOUT_POPULATION, ABOUT_FULL_SET = "about the population", "about the full set"
OF_DATA = "Nothing to show: a file has no population, so all of the error is the batch’s."
NOTHING = "Nothing to show: the run does not have the error of its full sets."
ALL_ZERO = "Nothing to show: every error is zero."
# How far below the full set's own error the axis goes, where a batch's part ends at 0.
BELOW = 2.2
# Errors about the population are below if by more than this; above this part of the axes is no
# room for a label.
ALIKE, HIGHEST = 0.99, 0.84
# Of the axes, in inches.
HEIGHT = 1.4


@styled
def figure(
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    estimator: str = "",
    name: str = "",
    width: float = PAGE_WIDTH,
) -> Figure:
    """Draw RMSEs about the population and about the full set, and the full set's own.

    One panel for each of the two estimators that stand for all, for the first distribution and the
    one with the largest errors. Small batches have all of the error; near n = N the full set does.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    estimator
        One alone, if given.
    name
        One distribution alone, if given.
    width
        In inches.
    """
    found = all_parts(frame, curves, estimator, name)
    if not found:
        return empty_figure(OF_DATA if is_data(frame) else NOTHING, width)
    columns = beside(width, min(2, len(found)), 2.6)
    sheet = Sheet.of(width, len(found), columns, HEIGHT)
    every = names_of(frame)
    marks = marks_of(every)
    for ax, parts in zip(sheet.axes, found, strict=True):
        fit_title(ax, f"{marks[parts.name].label}: {parts.spec}", sheet.across)
    sheet.arrange()
    shown = [
        _panel(ax, parts, marks[parts.name])
        for ax, parts in zip(sheet.axes, found, strict=True)
    ]  # fmt: skip
    sheet.legend = legend_entries({}, merged(shown))
    sheet.notes = [] if name else _notes(found, len(every))
    _arrange(sheet, found)
    sheet.furnish()
    return sheet.figure


def _arrange(sheet: Sheet, found: Sequence[Parts]) -> None:
    """Give every panel the room that its labels need, and the batch sizes of all."""
    sheet.left = [0.1] * sheet.columns
    for place, (ax, parts) in enumerate(zip(sheet.axes, found, strict=True)):
        if ax.axison:
            room = ticks_room(ax) + label_room(_what(parts))
            column = place % sheet.columns
            sheet.left[column] = max(sheet.left[column], room)
    sizes = sorted({n for parts in found for n in _sizes(parts)})
    # The label of the largest size stands over the end of the axis.
    half = 0.5 * text_width(number(sizes[-1]), 7.0) + 0.5 * EDGE
    sheet.right = [max(EDGE, half - 0.03 * sheet.across)] * sheet.columns
    sheet.arrange()
    for place, (ax, parts) in enumerate(zip(sheet.axes, found, strict=True)):
        if ax.axison:
            here = place in sheet.labelled
            batch_size_axis(ax, sizes, sheet.across, label=False)
            ax.tick_params(labelbottom=here)
            sheet.label(ax, "batch size n" if here else "", _what(parts))


def _notes(found: Sequence[Parts], every: int) -> list[str]:
    """Return which distributions are shown, if not all."""
    some = len({parts.name for parts in found})
    others = ", and of the others the one whose full sets are off furthest" if some == 2 else ""
    return [f"{some} of {every} distributions: the first{others}."] if some < every else []


def draw(
    ax: Axes, frame: pd.DataFrame, curves: pd.DataFrame, name: str = "", estimator: str = ""
) -> None:
    """Draw the split of one distribution and estimator on given axes.

    Parameters
    ----------
    ax
        The axes.
    frame, curves
        The tables of a run.
    name
        Which distribution; the first if left out.
    estimator
        Which estimator; the featured scale if left out.
    """
    found = all_parts(frame, curves, estimator, name)
    if not found:
        say_nothing_to_show(ax, OF_DATA if is_data(frame) else NOTHING)
        return
    # The scale of the first.
    parts = [parts for parts in found if parts.name == found[0].name][-1]
    marks = marks_of(names_of(frame))
    mark = marks[parts.name] if parts.name in marks else marks_of([parts.name])[parts.name]
    _panel(ax, parts, mark)
    if ax.axison:
        batch_size_axis(ax, _sizes(parts), 4.2)
        ax.set_ylabel(_what(parts))
    fit_title(ax, f"{mark.label}: {parts.spec}", 4.2)


def _panel(ax: Axes, parts: Parts, mark: Mark) -> Shown:
    """Draw one panel; return what has been drawn."""
    mark = mark.of(parts.spec)
    marks = {
        ABOUT_FULL_SET: replace(mark, name=ABOUT_FULL_SET, colour=FAINT, size=0.8 * mark.size),
        ABOUT_POPULATION: replace(mark, name=ABOUT_POPULATION),
    }
    rows = pd.concat(
        [
            parts.population.assign(name=ABOUT_POPULATION),
            parts.full_set.assign(name=ABOUT_FULL_SET),
        ]
    )
    factor = 1.0 if parts.absolute else 100.0
    shown = Shown()
    draw_cells(ax, rows, marks, shown, factor)
    level = factor * parts.level
    # No full set that was drawn may be off: then there is no line, and the batches' errors decide.
    low, high = (level, max(level, shown.high)) if level > 0.0 else (shown.low, shown.high)
    if not 0.0 < low < math.inf:
        say_nothing_to_show(ax, ALL_ZERO)
        return shown
    log_axis(ax, low / BELOW, high * 1.25, percent=not parts.absolute)
    if level > 0.0:
        line: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (1.2, 1.6)), "zorder": 1.5}
        ax.axhline(level, color=mark.colour, **line)
    _labels(ax, parts, marks, level, factor)
    return shown


def _what(parts: Parts) -> str:
    """Return what the y axis shows."""
    return f"RMSE, {unit_of(parts.spec, 'rmse')}" if parts.absolute else "relative RMSE"


def _sizes(parts: Parts) -> list[int]:
    """Return the batch sizes that were simulated, which have a tick."""
    both = (parts.population, parts.full_set)
    return sorted({int(n) for rows in both for n in simulated(rows)["batch_size"]})


def _labels(ax: Axes, parts: Parts, marks: dict[str, Mark], level: float, factor: float) -> None:
    """Write beside the curves what they are: one on either side of the slope, one on the line."""
    style: dict[str, Any] = {"fontsize": 7.0, "zorder": 6, "textcoords": "offset points"}
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    own = f"the full set’s own, N = {parts.full_size:,}"
    where: dict[str, Any] = {"xy": (0.0, level), "xytext": (3.0, -2.5), "va": "top"}
    if not level > 0.0:
        own += ": 0 in every replication"
        where = {"xy": (0.0, ax.get_ylim()[0]), "xytext": (3.0, 2.5), "va": "bottom"}
    ax.annotate(
        own, xycoords=("axes fraction", "data"), ha="left", color=marks[ABOUT_POPULATION].colour,
        **where, **style,
    )  # fmt: skip
    curves = {ABOUT_POPULATION: parts.population, ABOUT_FULL_SET: parts.full_set}
    upper, lower = (ABOUT_POPULATION, ABOUT_FULL_SET)[:: -1 if _is_below(parts) else 1]
    for name, part, side in ((upper, 0.36, 1.0), (lower, 0.60, -1.0)):
        at = _place(curves[name], part * math.log(parts.full_size), factor)
        if at is None:
            continue
        if side > 0.0:
            _raise(ax, at[1])
        # A curve of one point has no slope to stand below.
        alone = side < 0.0 and at[0] <= min(simulated(parts.population)["batch_size"], default=0)
        text = ax.annotate(
            name, at, xytext=(6.0, -9.0) if alone else (6.0 * side, 4.0 * side),
            ha="left" if side > 0.0 or alone else "right", va="bottom" if side > 0.0 else "top",
            color=marks[name].colour, **style,
        )  # fmt: skip
        plain(text)


def _is_below(parts: Parts) -> bool:
    """Return whether errors about the population are the smaller ones, at most batch sizes."""
    whole, about = (
        dict(zip(rows["batch_size"], rows["estimate"].fillna(rows["theory"]), strict=True))
        for rows in (parts.full_set, parts.population)
    )
    ratios = [about[n] / whole[n] for n in about if whole.get(n, 0.0) > 0.0]
    smaller = sum(ratio < ALIKE for ratio in ratios)
    larger = sum(ratio > 1.0 / ALIKE for ratio in ratios)
    return bool(smaller > larger)


def _raise(ax: Axes, value: float) -> None:
    """Let the axes end so far above a value that a label fits there."""
    low, high = np.log(ax.get_ylim())
    least = low + (math.log(value) - low) / HIGHEST
    ax.set_ylim(top=math.exp(max(high, least)))


def _place(rows: pd.DataFrame, log_size: float, factor: float) -> tuple[float, float] | None:
    """Return the point of a curve that is nearest to a size, of estimates or of theory."""
    y = np.where(np.isfinite(floats(rows, "estimate")), rows["estimate"], rows["theory"])
    x = floats(rows, "batch_size")
    keep = np.isfinite(y) & (y > 0.0)
    if not keep.any():
        return None
    nearest = int(np.argmin(np.abs(np.log(x[keep]) - log_size)))
    return float(x[keep][nearest]), factor * float(y[keep][nearest])
