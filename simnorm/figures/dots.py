"""Errors at one batch size: a row per name, the value along x, theory as a tick across."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from simnorm.figures.cells import DASHES, HALF, RIM, Shown, hollow_size
from simnorm.figures.fitting import cut, fit_title, say_inside, text_width
from simnorm.figures.legend import legend_entries
from simnorm.figures.notes import why_nothing
from simnorm.figures.scales import log_ticks, number, tick_text
from simnorm.figures.sheet import EDGE, Sheet
from simnorm.figures.style import FAINT, GRID, INK, columns_for, plain
from simnorm.figures.tables import floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simnorm.figures.marks import Mark
    from simnorm.figures.panels import Panel

# Inches: a row, and what is above the first and below the last one.
ROW = 0.25
AIR = 0.16
# Where values differ by more than this factor, x is logarithmic.
WIDE = 15.0
# A linear axis reaches so far about the middle at least, in parts of the value, and in widths of
# the widest interval up to `ROOM` of the value: what agrees well must not look far apart.
NEAR, INTERVALS, ROOM = 0.02, 4.0, 0.05
NO_TICK = "Rows without an upright stroke: no theory is known there."


def dot_figure(
    panels: Sequence[Panel],
    marks: Mapping[str, Mark],
    width: float,
    notes: Sequence[str],
    positive: bool,
    size: float = 8.0,
) -> Figure | None:
    """Return the panels of one batch size side by side, None if there is nothing to be drawn.

    Parameters
    ----------
    panels
        What is drawn; a title of its own is taken from the panel.
    marks
        The look of every name.
    width
        Of the figure, in inches.
    notes
        The small print.
    positive
        Whether a value of zero has no place.
    size
        Of the type.
    """
    columns = columns_for(width, len(panels))
    if not columns:
        return None
    height = ROW * size / 8.0 * len(marks) + AIR
    sheet = Sheet.of(width, len(panels), columns, height)
    # Every panel has a scale of its own, so every one has labels below it.
    sheet.labelled = frozenset(range(len(panels)))
    labels = {name: cut(mark.label_within(200), 1.6, size) for name, mark in marks.items()}
    sheet.scale = size / 8.0
    sheet.left = [0.16] * columns
    sheet.left[0] = max(text_width(label, size) for label in labels.values()) + 0.12 + EDGE
    sheet.right = [0.14] * (columns - 1) + [0.3]
    shown = Shown()
    for place, (ax, panel) in enumerate(zip(sheet.axes, panels, strict=True)):
        _panel(ax, panel, marks, shown, positive, sheet.across)
        fit_title(ax, panel.title or panel.spec, sheet.across + 0.05, 1.06 * size)
        _rows(ax, labels if place % columns == 0 else {}, len(marks), size)
    if not math.isfinite(shown.low):
        return None
    sheet.legend = legend_entries(marks, shown, curves_only=True)
    sheet.notes = [*notes, *_without_theory(panels)]
    sheet.legend_size = 0.94 * size
    sheet.arrange()
    for ax, panel in zip(sheet.axes, panels, strict=True):
        ax.tick_params(axis="x", labelsize=0.88 * size)
        sheet.label(ax, panel.label.replace("\n", " "), "")
    sheet.furnish()
    return sheet.figure


def _without_theory(panels: Sequence[Panel]) -> list[str]:
    """Return a sentence on rows without theory, where others have some."""
    known: set[bool] = set()
    for panel in panels:
        theory = np.isfinite(floats(panel.rows, "theory"))
        known |= set(theory[theory | np.isfinite(floats(panel.rows, "estimate"))].tolist())
    return [NO_TICK] if len(known) == 2 else []


def _panel(
    ax: Axes, panel: Panel, marks: Mapping[str, Mark], shown: Shown, positive: bool, width: float
) -> None:
    here = Shown()
    for row, (name, mark) in enumerate(marks.items()):
        mine = panel.rows[panel.rows["name"] == name]
        if not mine.empty:
            _dot(ax, mine.iloc[:1], row, mark.of(panel.spec), here, panel.factor)
    shown.low, shown.high = min(shown.low, here.low), max(shown.high, here.high)
    for flag in ("exact", "asymptotic", "interval", "hollow", "failed"):
        setattr(shown, flag, getattr(shown, flag) or getattr(here, flag))
    if not math.isfinite(here.low):
        ax.set_xticks([])
        say_inside(ax, why_nothing(panel.rows).removeprefix("Nothing to show: "))
        return
    _scale(ax, here, panel.factor == 100.0, positive, width)


def _dot(ax: Axes, mine: pd.DataFrame, row: int, mark: Mark, shown: Shown, factor: float) -> None:
    """Draw one value with its interval, and theory."""
    theory = factor * floats(mine, "theory")[0]
    if np.isfinite(theory):
        exact = mine["theory_kind"].iloc[0] == "exact"
        ax.plot(
            [theory, theory], [row - 0.36, row + 0.36], color=mark.colour, linewidth=1.4,
            linestyle="-" if exact else DASHES, zorder=2,
        )  # fmt: skip
        setattr(shown, "exact" if exact else "asymptotic", True)
        shown.stretch(np.array([theory]))
    value = factor * floats(mine, "estimate")[0]
    if not np.isfinite(value):
        return
    low, high, mcse = (factor * floats(mine, key)[0] for key in ("ci_low", "ci_high", "mcse"))
    status = str(mine["status"].iloc[0])
    hollow = status == "unreliable" or (status == "failed" and not np.isfinite(mcse))
    size = mark.size
    look: dict[str, Any] = {"markerfacecolor": mark.colour, "markeredgecolor": "white"}
    if hollow:
        look = {"markerfacecolor": "white", "markeredgecolor": mark.colour}
        size = hollow_size(mark)
        shown.hollow = True
    elif status == "failed":
        look = {"markerfacecolor": mark.colour, "markeredgecolor": mark.colour, **HALF}
        shown.failed = True
    if not hollow and np.isfinite(low) and np.isfinite(high) and high > low:
        ax.hlines(row, low, high, color=mark.colour, linewidth=1.3, zorder=3)
        shown.interval = True
        shown.widest = max(shown.widest, high - low)
        shown.stretch(np.array([low, high]))
    ax.plot(
        [value], [row], linestyle="none", marker=mark.shape, markersize=size,
        markeredgewidth=RIM if hollow else 0.6, zorder=4, **look,
    )  # fmt: skip
    shown.stretch(np.array([value]))


def _scale(ax: Axes, shown: Shown, percent: bool, positive: bool, width: float) -> None:
    """Make x linear about the values, or logarithmic where they differ much."""
    low, high = shown.low, shown.high
    suffix = " %" if percent else ""
    ax.xaxis.set_minor_locator(NullLocator())
    if positive and low > 0.0 and high > WIDE * low:
        air = (high / low) ** 0.06
        ax.set_xscale("log")
        ax.set_xlim(low / air, high * air)
        ticks = log_ticks(low / air, high * air)[0]
        wide = max(text_width(tick_text(tick) + suffix, 7.0) for tick in ticks) + 0.1
        ax.xaxis.set_major_locator(
            FixedLocator(ticks[:: max(1, math.ceil(len(ticks) * wide / width))])
        )
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value) + suffix))
        return
    if not positive:
        low, high = min(low, 0.0), max(high, 0.0)
        ax.axvline(0.0, color=FAINT, linewidth=0.6, zorder=1)
    air = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
    if positive:
        middle = 0.5 * (low + high)
        least = max(NEAR * middle, min(INTERVALS * shown.widest, ROOM * middle))
        air = max(air, least - 0.5 * (high - low))
    ax.set_xlim(low - air, high + air)
    few = max(2, min(5, int(width / 0.55)))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=few, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value) + suffix))


def _rows(ax: Axes, labels: Mapping[str, str], count: int, size: float) -> None:
    """Draw a faint line per name, with its name at the left."""
    ax.set_ylim(count - 0.5 + 0.25, -0.5 - 0.25)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")
    for row in range(count):
        ax.axhline(row, color=GRID, linewidth=0.6, zorder=0)
    for row, label in enumerate(labels.values()):
        text = ax.annotate(
            label, (0.0, row), xycoords=("axes fraction", "data"), xytext=(-6, 0),
            textcoords="offset points", ha="right", va="center", fontsize=size, color=INK,
        )  # fmt: skip
        plain(text)
