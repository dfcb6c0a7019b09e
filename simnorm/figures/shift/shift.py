"""How much the shift is by every definition, a panel per net, beside what chance alone shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory

from simnorm.figures.legend import Handle, note_lines, put_legend, put_note
from simnorm.figures.narrow import shape_of
from simnorm.figures.scales import log_ticks, tick_text
from simnorm.figures.shift.looks import look_of
from simnorm.figures.shift.shown import (
    COSINE,
    Definition,
    Run,
    Value,
    net_name,
    notes,
    run_of,
    variant_name,
)
from simnorm.figures.style import FAINT, GRID, INK, PAGE_WIDTH, empty_figure, plain, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Inches: a row of a panel, and what stands above and below all rows.
ROW, REST = 0.26, 0.55
# How far apart the variants of a row stand, in rows.
APART = 0.24


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw every measure of shift of every variant, and the floor that it stands on.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    if not any(
        shown(run, net, variant, one)[0].estimate > 0.0
        for net in run.nets for variant in run.variants for one in run.definitions
    ):  # fmt: skip
        return empty_figure("Nothing to show: no measure of shift has a value.", width)
    rows, across = shape_of(len(run.nets), width)
    high = rows * (ROW * len(run.definitions) + REST) + 0.3
    drawn = Figure(figsize=(width, high), layout="constrained")
    panels = drawn.subplots(rows, across, squeeze=False, sharex=True)
    for place, (ax, net) in enumerate(zip(panels.ravel(), run.nets, strict=True)):
        draw_net(ax, run, net)
        row_labels(ax, run.definitions, shown_here=place % across == 0)
        plain(ax.set_title(net_name(net)))
    low, top = _ends(run)
    for ax in panels.ravel():
        value_axis(ax, low, top, (width - 1.5) / across)
    for ax in panels[-1]:
        ax.set_xlabel("shift")
    handles, labels = keys(run)
    put_legend(drawn, handles, labels)
    said = notes(run)
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def shown(run: Run, net: str, variant: str, one: Definition) -> tuple[Value, float]:
    """Return a value and its floor as they are drawn: of a cosine what it lacks of 1."""
    value = run.value(net, variant, one.word)
    floor = run.floor(net, variant, one.word)
    return (value.turned(), 1.0 - floor) if one.word == COSINE else (value, floor)


def draw_net(ax: Axes, run: Run, net: str) -> None:
    """Draw one panel: a row per measure, in it a point and a floor per variant."""
    for row, one in enumerate(run.definitions):
        for place, variant in enumerate(run.variants):
            at = -row - APART * (place - (len(run.variants) - 1) / 2)
            value, floor = shown(run, net, variant, one)
            _draw_value(ax, value, floor, at, variant)


def _draw_value(ax: Axes, value: Value, floor: float, at: float, variant: str) -> None:
    look = look_of(variant)
    if value.estimate == 0.0:
        # There is no zero on a logarithmic axis: it stands at the left end.
        inside = blended_transform_factory(ax.transAxes, ax.transData)
        ax.text(0.012, at, "0", transform=inside, color=look.colour, fontsize=6.5, va="center",
                fontweight="bold")  # fmt: skip
        return
    if not value.estimate > 0.0:
        return
    if floor > 0.0:
        ax.plot([floor, value.estimate], [at, at], color=look.colour, linewidth=0.7, alpha=0.45,
                zorder=2, solid_capstyle="butt")  # fmt: skip
        ax.plot(floor, at, marker="|", markersize=5.5, markeredgewidth=1.2, color=look.colour,
                linestyle="none", zorder=3)  # fmt: skip
    if value.is_sure and value.high > value.low > 0.0:
        ax.plot([value.low, value.high], [at, at], color=look.colour, linewidth=1.6, zorder=3.5)
    face = look.colour if value.is_sure else "white"
    ax.plot(value.estimate, at, marker=look.shape, markersize=look.size, color=face,
            markeredgecolor="white" if value.is_sure else look.colour, markeredgewidth=0.5,
            linestyle="none", zorder=4)  # fmt: skip


def row_labels(ax: Axes, definitions: Sequence[Definition], *, shown_here: bool) -> None:
    """Name the rows, with a line between families of measures."""
    ax.set_ylim(-len(definitions) + 0.45, 0.55)
    ax.set_yticks(
        [-float(row) for row in range(len(definitions))],
        [one.label for one in definitions] if shown_here else [""] * len(definitions),
    )
    ax.tick_params(axis="y", length=0.0, labelsize=7.0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    for row in range(1, len(definitions)):
        other = definitions[row].family != definitions[row - 1].family
        ax.axhline(0.5 - row, color=FAINT if other else GRID, linewidth=0.6, zorder=1)


def _ends(run: Run) -> tuple[float, float]:
    """Return where the axis begins and ends."""
    found: list[float] = []
    for net in run.nets:
        for variant in run.variants:
            for one in run.definitions:
                value, floor = shown(run, net, variant, one)
                found += [value.estimate, value.low, value.high, floor]
    positive = [value for value in found if math.isfinite(value) and value > 0.0]
    low, high = min(positive), max(positive)
    air = max((high / low) ** 0.06, 1.15)
    return low / air, high * air


def value_axis(ax: Axes, low: float, high: float, width: float) -> None:
    """Make x logarithmic, with labels that fit into so many inches."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = log_ticks(low, high)[0]
    room = max(2, int(width / 0.42))
    step = math.ceil(len(ticks) / room)
    if step > 1:
        tens = [tick for tick in ticks if math.log10(tick) % 1.0 < 1e-9]
        ticks = tens if len(tens) >= 2 else ticks[::step]
        ticks = ticks[:: math.ceil(len(ticks) / room)]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    ax.xaxis.set_minor_locator(NullLocator())


def variant_keys(variants: Sequence[str]) -> tuple[list[Handle], list[str]]:
    """Return what a legend says of variants."""
    handles: list[Handle] = []
    for variant in variants:
        look = look_of(variant)
        handles.append(
            (
                Line2D([], [], color=look.colour, linewidth=1.6),
                Line2D([], [], color=look.colour, marker=look.shape, markersize=look.size,
                       linestyle="none", markeredgecolor="white", markeredgewidth=0.5),
            )
        )  # fmt: skip
    return handles, [variant_name(variant) for variant in variants]


def keys(run: Run) -> tuple[list[Handle], list[str]]:
    """Return what the legend says: variants, and the floor where there is one."""
    handles, labels = variant_keys(run.variants)
    floors = [
        run.floor(net, variant, one.word)
        for net in run.nets for variant in run.variants for one in run.definitions
    ]  # fmt: skip
    if np.isfinite(floors).any():
        handles.append(
            (Line2D([], [], color=INK, marker="|", markersize=6.0, markeredgewidth=1.2,
                    linestyle="none"),)
        )  # fmt: skip
        labels.append("floor")
    return handles, labels
