"""The law of what comes out of a batch normalization, by batch size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simnorm.figures.glyphs import boxed
from simnorm.figures.inputs.rows import SKEWNESS, Run, curves_of, spread_sizes
from simnorm.figures.narrow import NARROW, make_room
from simnorm.figures.panels import fit_title, put_legend, put_note
from simnorm.figures.style import FAINT, INK, PAGE_WIDTH, empty_figure, marks_of, styled
from simnorm.figures.tables import floats, known_values, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

ROW_HEIGHT = 1.22
# Outputs beyond are few: the panels show this much on both sides.
WIDEST = 4.0
# A histogram of two atoms shows how many there are, not how narrow the bins are.
HIGHEST = 2.6
LEAST_SHARE = 0.005
NORMAL: dict[str, Any] = {"color": FAINT, "linewidth": 0.8, "linestyle": (0, (1.0, 1.2))}
BOUND: dict[str, Any] = {"color": INK, "linewidth": 0.7, "linestyle": (0, (4.0, 2.0))}


def shown(run: Run, points: pd.DataFrame) -> list[str]:
    """Return the one or two names that have panels: a normal law, and the most skewed."""
    held = set(points["name"])
    alive = [name for name in run.names if name in held]
    if len(alive) < 2:
        return alive
    rows = run.of(SKEWNESS)
    rows = rows[rows["name"].isin(alive)]
    first = next((name for name in alive if name.partition("(")[0] == "normal"), alive[0])
    skewed: dict[str, float] = {}
    for name, mine in rows.groupby("name", sort=False):
        values = np.abs(known_values(mine))
        values = values[np.isfinite(values)]
        skewed[str(name)] = float(values[-1]) if values.size else 0.0
    others = sorted((n for n in alive if n != first), key=lambda name: -skewed.get(name, 0.0))
    if run.of_data:
        # Of data the most skewed column, and the least skewed one to compare.
        by_skew = sorted(alive, key=lambda name: skewed.get(name, 0.0))
        return [by_skew[-1], by_skew[0]]
    return [first, others[0]]


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw histograms of the outputs: a row for a name, a column for a batch size.

    Parameters
    ----------
    frame, curves
        The tables of a result.
    width
        Width in inches.
    """
    run = Run(frame)
    points = curves_of(run, curves, "output")
    names = shown(run, points)
    if not names:
        return empty_figure(_why(run), width)
    points = points[points["name"].isin(names)]
    sizes = sorted({int(n) for n in points["batch_size"]})
    if width < NARROW:
        sizes = spread_sizes(sizes, 3, run.size or 16)
    drawn = Figure(figsize=(width, ROW_HEIGHT * len(names) + 0.55), layout="constrained")
    # A lone panel would be as wide as the page.
    across = max(len(sizes), 3)
    grid = drawn.subplots(len(names), across, squeeze=False)
    marks = marks_of(run.names)
    exact = False
    for row, name in enumerate(names):
        for column in range(across):
            ax = grid[row][column]
            if column >= len(sizes):
                ax.set_axis_off()
                continue
            here = points[(points["name"] == name) & (points["batch_size"] == sizes[column])]
            exact |= _panel(ax, here, sizes[column], marks[name].colour)
            title = f"n = {sizes[column]:,}"
            if column == 0:
                title = f"{short(boxed(name), 34)}\n{title}"
            _title(ax, title, width / across, first=column == 0)
            if row < len(names) - 1:
                ax.tick_params(labelbottom=False)
    for column in range(len(sizes)):
        grid[len(names) - 1][column].set_xlabel("output")
    put_legend(drawn, *_legend(exact))
    make_room(drawn)
    put_note(drawn, _notes(run, names, sizes))
    return drawn


def _why(run: Run) -> str:
    if run.sizes and max(run.sizes) < 2:
        return "Nothing to show: a batch of one has the output 0, whatever the value."
    return "Nothing to show: no output has a law."


def _title(ax: Axes, title: str, room: float, *, first: bool) -> None:
    name, _, size = title.rpartition("\n")
    fit_title(ax, size, room - 0.1, 7.5, 6.5)
    if first and name:
        label = ax.annotate(
            name, (0.0, 1.0), xycoords="axes fraction", xytext=(0, 15),
            textcoords="offset points", fontsize=8.5, fontweight="bold", va="bottom",
        )  # fmt: skip
        label.set_parse_math(False)


def _panel(ax: Axes, points: pd.DataFrame, n: int, colour: str) -> bool:
    """Draw one histogram; return whether the exact law stands beside it."""
    end = min(math.sqrt(n - 1.0), WIDEST)
    ax.set_xlim(-WIDEST - 0.1, WIDEST + 0.1)
    ax.set_xticks([-3, 0, 3])
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)
    grid = np.linspace(-WIDEST, WIDEST, 161)
    ax.plot(grid, np.exp(-0.5 * grid * grid) / math.sqrt(2.0 * math.pi), **NORMAL, zorder=1)
    if points.empty:
        return False
    x, y, theory = (floats(points, word) for word in ("x", "y", "theory"))
    width = float(np.diff(x).min()) if x.size > 1 else 2.0 * end
    edges = np.append(x - 0.5 * width, x[-1] + 0.5 * width)
    known = np.isfinite(theory)
    if n == 2:
        atoms = y > 0.0
        heights = y * width
        ax.vlines(x[atoms], 0.0, heights[atoms], color=colour, linewidth=3.0, alpha=0.8)
        for place, share in zip(x[atoms].tolist(), heights[atoms].tolist(), strict=True):
            if share >= LEAST_SHARE:
                side = "center" if abs(place) < 0.5 else "right" if place < 0.0 else "left"
                ax.text(place, share + 0.03, f"{share:.2f}", ha=side, va="bottom", fontsize=6.5)
        ax.set_ylim(0.0, 1.3 * max(0.5, float(heights.max(initial=0.0))))
    else:
        ax.stairs(y, edges, fill=True, color=colour, alpha=0.55, linewidth=0)
        if known.any():
            ax.stairs(
                np.where(known, theory, 0.0), edges, color=colour, linewidth=1.1, baseline=None
            )
        top = max(float(np.nanmax(y)), 0.4)
        ax.set_ylim(0.0, 1.08 * min(top, HIGHEST))
    if n > 2 and math.sqrt(n - 1.0) <= WIDEST:
        for sign in (-1.0, 1.0):
            ax.axvline(sign * math.sqrt(n - 1.0), **BOUND, zorder=1.5)
    return bool(known.any()) and n > 2


def _legend(exact: bool) -> tuple[list[tuple[Line2D | Patch, ...]], list[str]]:
    handles: list[tuple[Line2D | Patch, ...]] = [(Patch(facecolor=FAINT, alpha=0.55, linewidth=0),)]
    labels = ["outputs"]
    if exact:
        handles.append((Line2D([], [], color=INK, linewidth=1.1),))
        labels.append("exact law")
    handles += [(Line2D([], [], **NORMAL),), (Line2D([], [], **BOUND),)]
    return handles, [*labels, "standard normal law", "largest output possible, ±√(n − 1)"]


def _notes(run: Run, names: Sequence[str], sizes: Sequence[int]) -> list[str]:
    notes = ["Numbers above n = 2 are shares."] if 2 in sizes else []
    left = len(run.alive_names()) - len(names)
    if left > 0:
        which = "the most and the least skewed" if run.of_data else "a normal law first"
        if not run.of_data and names[0].partition("(")[0] != "normal":
            which = "the first and the most skewed"
        notes.append(f"{len(names)} of {left + len(names):,} {run.thing}s, {which}.")
    return notes
