"""Times of a training step and of inference as multiples of those without batch normalization."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simnorm.figures.legend import note_lines, put_legend, put_note
from simnorm.figures.overhead.looks import look_of
from simnorm.figures.overhead.shown import (
    MARGIN,
    QUANTITIES,
    QUANTITY_NAMES,
    VARIANT_NAMES,
    Run,
    Value,
    run_of,
)
from simnorm.figures.scales import batch_size_axis, linear_axis
from simnorm.figures.style import FAINT, PAGE_WIDTH, beside, empty_figure, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Inches: a line of panels, and legend and labels.
LINE, REST, MOST_ACROSS = 1.55, 0.75, 3
BAND = "#e4e4e4"
# All variants of a batch size stand within so much of the way to the next one.
SPREAD = 0.34
# Intervals may stretch an axis by so many times the range of the estimates.
STRETCH = 0.6


class Panel(NamedTuple):
    """What a pair of axes shows."""

    quantity: str
    width: int


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:  # noqa: ARG001
    """Draw ratios of times against batch size, a panel per width; training above inference.

    Parameters
    ----------
    frame, curves
        The tables of a run, the second of which has nothing here.
    width
        Width in inches.
    """
    run = run_of(frame)
    shown = {q: [Panel(q, w) for w in run.widths if _values(run, q, w)] for q in QUANTITIES}
    shown = {quantity: panels for quantity, panels in shown.items() if panels}
    if not shown:
        return empty_figure("Nothing to show: no ratio of times has a value.", width)
    most = max(len(panels) for panels in shown.values())
    # Four stand in two lines of two.
    across = beside(width, 2 if most == MOST_ACROSS + 1 else min(most, MOST_ACROSS), 1.6)
    lines = [
        panels[first : first + across]
        for panels in shown.values()
        for first in range(0, len(panels), across)
    ]
    drawn = Figure(figsize=(width, LINE * len(lines) + REST), layout="constrained")
    grid = drawn.subplots(len(lines), across, squeeze=False)
    cut = False
    ends = {
        q: ends_of([v for p in panels for v in _values(run, *p)]) for q, panels in shown.items()
    }
    for place, panels in enumerate(lines):
        for ax in grid[place][len(panels) :]:
            ax.set_axis_off()
        for ax, panel in zip(grid[place], panels, strict=False):
            cut |= draw_panel(ax, run, panel, ends[panel.quantity], (width - 0.6) / across - 0.3)
            if place + 1 < len(lines) and len(lines[place + 1]) == len(panels):
                ax.set_xlabel("")
        grid[place][0].set_ylabel(f"{QUANTITY_NAMES[panels[0].quantity]},\ntimes that without BN")
    _legend(drawn, run)
    notes = ["Intervals that reach beyond a panel are cut there."] if cut else []
    put_note(drawn, notes)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(notes, width)))
    return drawn


def _values(run: Run, quantity: str, width: int) -> list[Value]:
    """Return the ratios of a panel that are known."""
    found = (run.ratio(quantity, n, width, v) for n in run.sizes for v in run.variants)
    return [value for value in found if value.is_known]


def ends_of(values: Sequence[Value]) -> tuple[float, float]:
    """Return the ends of an axis: all estimates, the margin, and intervals as far as they go well.

    One interval that is many times as wide as all estimates are apart would leave nothing to see.

    Examples
    --------
    >>> low, high = ends_of([Value(1.1, 1.05, 1.15), Value(1.5, 0.2, 9.0)])
    >>> round(low, 2), round(high, 2)
    (0.66, 1.84)
    """
    estimates = [*(value.estimate for value in values), 1.0, 1.0 + MARGIN]
    low, high = min(estimates), max(estimates)
    far = STRETCH * max(high - low, 2.0 * MARGIN)
    lows = [max(value.low, low - far) for value in values if value.is_sure]
    highs = [min(value.high, high + far) for value in values if value.is_sure]
    low, high = min([*lows, low, 1.0 / (1.0 + MARGIN)]), max([*highs, high])
    air = 0.04 * (high - low)
    return low - air, high + air


def draw_panel(ax: Axes, run: Run, panel: Panel, ends: tuple[float, float], inches: float) -> bool:
    """Draw a panel; return whether an interval is cut.

    Parameters
    ----------
    ax
        Where to draw.
    run
        The run.
    panel
        What is shown.
    ends
        Of the y axis.
    inches
        Length of the x axis.
    """
    linear_axis(ax, *ends, percent=False)
    ax.axhspan(1.0 / (1.0 + MARGIN), 1.0 + MARGIN, color=BAND, linewidth=0.0, zorder=0.5)
    ax.axhline(1.0, color=FAINT, linewidth=0.7, zorder=1.5)
    logs = np.log(run.sizes)
    apart = float(np.diff(logs).min()) if len(logs) > 1 else math.log(2.0)
    cut = False
    for place, variant in enumerate(run.variants):
        share = place / (len(run.variants) - 1) - 0.5 if len(run.variants) > 1 else 0.0
        for n in run.sizes:
            value = run.ratio(panel.quantity, n, panel.width, variant)
            cut |= _mark(ax, value, n * math.exp(SPREAD * apart * share), variant, ends)
    ax.set_title(f"width {panel.width:,}")
    batch_size_axis(ax, run.sizes, inches)
    # Room for the outermost marks, which stand beside their batch size.
    low, high = run.sizes[0], run.sizes[-1]
    ax.set_xlim(low * math.exp(-0.35 * apart), high * math.exp(0.35 * apart))
    return cut


def _mark(ax: Axes, value: Value, x: float, variant: str, ends: tuple[float, float]) -> bool:
    if not value.is_known:
        return False
    look = look_of(variant)
    if value.is_sure and value.high > value.low:
        ax.vlines(x, value.low, value.high, color=look.colour, linewidth=1.0, zorder=3.5)
    ax.plot(
        x, value.estimate, marker=look.shape, markersize=look.size,
        color=look.colour if value.is_sure else "white", markeredgewidth=0.5,
        markeredgecolor="white" if value.is_sure else look.colour, linestyle="none", zorder=4,
    )  # fmt: skip
    return value.is_sure and (value.low < ends[0] or value.high > ends[1])


def _legend(drawn: Figure, run: Run) -> None:
    handles: list[tuple[Line2D | Patch, ...]] = []
    labels = []
    for variant in run.variants:
        look = look_of(variant)
        handles.append(
            (
                Line2D([], [], color=look.colour, linestyle="none", marker="|", markersize=9.0,
                       markeredgewidth=1.0),
                Line2D([], [], color=look.colour, linestyle="none", marker=look.shape,
                       markersize=look.size, markeredgecolor="white", markeredgewidth=0.5),
            )
        )  # fmt: skip
        labels.append(VARIANT_NAMES[variant])
    handles.append((Patch(facecolor=BAND),))
    labels.append(f"the same: within {100 * MARGIN:.0f} %")
    put_legend(drawn, handles, labels)
