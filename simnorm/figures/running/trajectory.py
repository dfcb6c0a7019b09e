"""The error of a value normalized at inference against training steps: the first picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.figures.glyphs import boxed
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import (
    DASHES,
    Handle,
    Shown,
    legend_entries,
    note_lines,
    put_legend,
    put_note,
    text_width,
    why_nothing,
)
from simnorm.figures.running.looks import in_words, marks
from simnorm.figures.running.shown import (
    VALUE,
    Run,
    few_sizes,
    level,
    level_label,
    notes,
    run_of,
)
from simnorm.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    Mark,
    empty_figure,
    log_axis,
    number,
    plain,
    styled,
)
from simnorm.figures.tables import floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FLOOR: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (1.0, 1.4))}
LEVEL: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (4.0, 1.2, 1.0, 1.2)), "color": INK}

# Inches with one row of panels.
HEIGHT = 2.5


@styled
def figure(
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    width: float = PAGE_WIDTH,
    height: float = HEIGHT,
) -> Figure:
    """Draw the RMSE of an inference value against steps, a panel per batch size.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width, height
        In inches; further rows of panels, as narrow figures have them, come on top.
    """
    run = run_of(frame, curves)
    names, sizes = run.panel_names, few_sizes(run)
    points = run.curves[
        (run.curves["kind"] == "trajectory")
        & (run.curves["estimator"] == VALUE)
        & (run.curves["sampling"] == run.scheme)
        & (run.curves["reference"] == run.reference)
    ]
    points = points[points["name"].isin(names) & points["batch_size"].isin([*sizes, run.n])]
    if points.empty or not (np.nan_to_num(floats(points, "y")) > 0.0).any():
        return empty_figure(why_nothing(run.main[run.main["estimator"] == VALUE]), width)
    looks = marks(run.shown_presets)
    # The last panel is another name's, at the batch size that is spoken of.
    cells = [(names[0], n) for n in sizes] + [(name, run.n) for name in names[1:]]
    rows, across = shape_of(len(cells), width, 2)
    drawn = Figure(figsize=(width, height + 1.8 * (rows - 1)), layout="constrained")
    seen = Shown()
    line = drawn.subplots(rows, across, squeeze=False, sharey=True).ravel()
    for ax in line[len(cells) :]:
        ax.set_axis_off()
    line = line[: len(cells)]
    floors = _draw(line, run, points, cells, looks, seen)
    for ax in line[::across]:
        ax.set_ylabel("RMSE, in sd")
    for ax in line[:-across]:
        ax.set_xlabel("")
    if rows > 1:
        spaced(drawn)
        for ax, (name, _) in zip(line, cells, strict=True):
            head_row(ax, name, width / across + 0.3)
    else:
        head_row(line[0], names[0], width * len(sizes) / len(cells))
        for ax, (name, _) in zip(line[len(sizes) :], cells[len(sizes) :], strict=True):
            head_row(ax, name, width / len(cells) + 0.5)
    handles, labels = legend_entries(looks, seen)
    labels = in_words(labels)
    explain_levels(handles, labels, run, floors)
    put_legend(drawn, handles, labels)
    make_room(drawn)
    said = notes(run, names)
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def explain_levels(handles: list[Handle], labels: list[str], run: Run, floors: bool) -> None:
    """Add what the level lines are to a legend."""
    if floors:
        handles.append((Line2D([], [], color=FAINT, **FLOOR),))
        labels.append("floor")
    if any(math.isfinite(level(run, name)) for name in run.panel_names):
        handles.append((Line2D([], [], **LEVEL),))
        labels.append(level_label(run))


def _draw(
    line: Any,
    run: Run,
    points: pd.DataFrame,
    cells: list[tuple[str, int]],
    looks: Mapping[str, Mark],
    seen: Shown,
) -> bool:
    """Draw a panel for every name and batch size on one scale; return whether there are floors."""
    levels: list[float] = []
    floors = False
    for ax, (name, n) in zip(line, cells, strict=True):
        mine = points[(points["batch_size"] == n) & (points["name"] == name)]
        for depth, (preset, mark) in enumerate(looks.items()):
            draw_way(ax, mine[mine["preset"] == preset], mark, seen, 3 + 0.1 * depth)
            found = floor_of(run, name, preset, n)
            if math.isfinite(found):
                ax.axhline(found, color=mark.colour, zorder=1.6, **FLOOR)
                levels.append(found)
                floors = True
        at = level(run, name)
        if math.isfinite(at):
            ax.axhline(at, zorder=1.7, **LEVEL)
            levels.append(at)
        ax.set_title(f"\nn = {n:,}", fontweight="normal")
        ax.set_xlabel("training step")
    seen.stretch(np.array([value for value in levels if value > 0.0]))
    air = max((seen.high / seen.low) ** 0.05, 1.15)
    for ax in line:
        log_axis(ax, seen.low / air, seen.high * air)
        steps_axis(ax, run.steps)
    return floors


def spaced(figure: Figure) -> None:
    """Leave room between rows, where the next one has its head."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(h_pad=0.065)


def head_row(ax: Axes, name: str, width: float) -> None:
    """Write a name above the title of the first panel of a row, for all of the row.

    The title needs an empty first line; the name takes no part in the layout.
    """
    name = boxed(name)
    # Smaller type helps a little; what is longer still is cut.
    while len(name) > 8 and text_width(name, 7.0, "bold") > width - 0.8:
        name = f"{name[:-2]}…"
    size = 8.5 * min(1.0, (width - 0.8) / text_width(name, 8.5, "bold"))
    head = ax.annotate(
        name, (0.0, 1.0), xycoords="axes fraction", xytext=(0.0, 17.5),
        textcoords="offset points", ha="left", va="bottom", fontsize=size, fontweight="bold",
        annotation_clip=False,
    )  # fmt: skip
    plain(head).set_in_layout(False)


def floor_of(run: Run, name: str, preset: str, n: int) -> float:
    """Return the floor of a preset's error, in theory or else as simulated, NaN without."""
    rows = run.points[(run.points["kind"] == "floor") & (run.points["name"] == name)]
    rows = rows[(rows["preset"] == preset) & (rows["batch_size"] == n)]
    for column in ("theory", "y"):
        values = floats(rows, column)
        values = values[np.isfinite(values)]
        if values.size:
            return float(values[0])
    return math.nan


def draw_way(ax: Axes, rows: pd.DataFrame, mark: Mark, shown: Shown, zorder: float) -> None:
    """Draw one preset's errors against steps: points with intervals, theory as a dashed line."""
    if rows.empty:
        return
    rows = rows.sort_values("x", kind="stable")
    x, y, mcse, theory = (floats(rows, word) for word in ("x", "y", "mcse", "theory"))
    known = np.isfinite(theory) & (theory > 0.0)
    if known.any():
        ax.plot(x, np.where(known, theory, np.nan), color=mark.colour, linewidth=0.9,
                linestyle=DASHES, alpha=0.9, zorder=2)  # fmt: skip
        shown.asymptotic = True
        shown.stretch(theory[known])
    keep = np.isfinite(y) & (y > 0.0)
    if keep.any() and not known.all():
        # Where theory leaves a gap, the eye needs something to go along.
        ax.plot(x[keep], y[keep], color=mark.colour, linewidth=0.6, alpha=0.45, zorder=2)
    sure = keep & np.isfinite(mcse)
    size = 0.62 * mark.size
    look: dict[str, Any] = {"linestyle": "none", "marker": mark.shape, "markersize": size}
    ax.plot(x[sure], y[sure], color=mark.colour, markeredgewidth=0.0, zorder=zorder, **look)
    hollow = keep & ~sure
    if hollow.any():
        ax.plot(x[hollow], y[hollow], markerfacecolor="white", markeredgecolor=mark.colour,
                markeredgewidth=0.7, zorder=zorder, **look)  # fmt: skip
        shown.hollow = True
    low, high = y - 1.96 * mcse, y + 1.96 * mcse
    barred = sure & (mcse > 0.0) & (low > 0.0)
    if barred.any():
        ax.vlines(x[barred], low[barred], high[barred], color=mark.colour, linewidth=0.8,
                  zorder=zorder)  # fmt: skip
        shown.interval = True
        shown.stretch(low[barred])
        shown.stretch(high[barred])
    if keep.any():
        shown.stretch(y[keep])
        shown.names.add(mark.name)


def steps_axis(ax: Axes, steps: int) -> None:
    """Make x logarithmic from the first step to the last, with a label at every power of ten."""
    ax.set_xscale("log")
    factor = steps**0.04 if steps > 1 else 1.35
    ax.set_xlim(1.0 / factor, steps * factor)
    powers = [10.0**e for e in range(math.floor(math.log10(max(steps, 1))) + 1)]
    thin = math.ceil(len(powers) / 5)
    ax.xaxis.set_major_locator(FixedLocator(powers[::thin]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(visible=False, axis="x")
