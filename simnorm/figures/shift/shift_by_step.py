"""How the shift goes on while a net is trained: one line per variant, down the measures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from simnorm.figures.legend import note_lines, put_legend, put_note
from simnorm.figures.scales import log_axis
from simnorm.figures.shift.looks import look_of
from simnorm.figures.shift.shift import variant_keys
from simnorm.figures.shift.shown import (
    ACTIVATIONS,
    BATCHES,
    COSINE,
    FLOOR,
    GRADIENTS,
    Definition,
    Run,
    net_name,
    notes,
    run_of,
)
from simnorm.figures.style import INK, PAGE_WIDTH, empty_figure, plain, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Inches: a row of panels, and what stands around all of them.
ROW, REST = 1.1, 0.75
MOST_ROWS = 3
DOTTED: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0.0, (1.0, 1.4))}


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw measures of shift against training steps, a row per measure and a column per net.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    rows = [one for one in rows_of(run) if _has_line(run, one)]
    if not rows:
        return empty_figure("Nothing to show: the run has no measure of shift by step.", width)
    drawn = Figure(figsize=(width, ROW * len(rows) + REST), layout="constrained")
    panels = drawn.subplots(len(rows), len(run.nets), squeeze=False, sharex=True)
    floors = False
    for line, one in zip(panels, rows, strict=True):
        floors |= _draw_row(line, run, one)
    for ax, net in zip(panels[0], run.nets, strict=True):
        plain(ax.set_title(net_name(net)))
    for ax in panels[-1]:
        ax.set_xlabel("training step")
    handles, labels = variant_keys(run.variants)
    if floors:
        handles.append((Line2D([], [], color=INK, **DOTTED),))
        labels.append("floor")
    put_legend(drawn, handles, labels)
    said = notes(run)
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def rows_of(run: Run) -> list[Definition]:
    """Return the measures that are drawn: one of activations, of gradients, of batches."""
    found = []
    for family in (ACTIVATIONS, GRADIENTS, BATCHES):
        mine = [one for one in run.definitions if one.family == family and one.word != COSINE]
        # Rather what is not small by construction, and is in standard deviations.
        found += sorted(mine, key=lambda one: one.word != "wasserstein_shift")[:1]
    return found[:MOST_ROWS]


def _has_line(run: Run, one: Definition) -> bool:
    return any(
        (run.way(net, variant, one.word)[1] > 0.0).any()
        for net in run.nets for variant in run.variants
    )  # fmt: skip


def _draw_row(line: Any, run: Run, one: Definition) -> bool:
    """Draw one measure of all nets on one scale; return whether it has a floor."""
    seen: list[float] = []
    has_floor = False
    for place, (ax, net) in enumerate(zip(line, run.nets, strict=True)):
        for variant in run.variants:
            x, y, mcse = run.way(net, variant, one.word)
            seen += draw_line(ax, x, y, mcse, variant)
            x, y, _ = run.way(net, variant, one.word, FLOOR)
            keep = np.isfinite(y) & (y > 0.0)
            if keep.any():
                ax.plot(x[keep], y[keep], color=look_of(variant).colour, zorder=1.6, **DOTTED)
                seen += [float(y[keep].min()), float(y[keep].max())]
                has_floor = True
        steps_axis(ax)
        if place:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel(one.label.replace(", ", ",\n"))
    if seen:
        air = max((max(seen) / min(seen)) ** 0.06, 1.1)
        for ax in line:
            log_axis(ax, min(seen) / air, max(seen) * air)
    return has_floor


def draw_line(ax: Axes, x: Floats, y: Floats, mcse: Floats, variant: str) -> list[float]:
    """Draw one way with its 95 % band; return what the axis must hold."""
    keep = np.isfinite(y) & (y > 0.0)
    if not keep.any():
        return []
    look = look_of(variant)
    ax.plot(x[keep], y[keep], color=look.colour, linewidth=1.2, linestyle=look.dashes, zorder=3)
    at = np.flatnonzero(keep)
    some = at[:: max(1, math.ceil(len(at) / 8))]
    ax.plot(x[some], y[some], color=look.colour, marker=look.shape, markersize=0.75 * look.size,
            linestyle="none", markeredgecolor="white", markeredgewidth=0.4, zorder=3.2)  # fmt: skip
    held = [float(y[keep].min()), float(y[keep].max())]
    low, high = y - 1.96 * mcse, y + 1.96 * mcse
    band = keep & np.isfinite(mcse) & (low > 0.0)
    if band.any():
        ax.fill_between(x, low, high, where=band, color=look.colour, alpha=0.2, linewidth=0.0,
                        zorder=2)  # fmt: skip
        held += [float(low[band].min()), float(high[band].max())]
    return held


def steps_axis(ax: Axes) -> None:
    """Label a few whole steps."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    ax.grid(visible=False, axis="x")
