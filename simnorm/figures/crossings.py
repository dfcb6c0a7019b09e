"""Where curves cross a level: the batch size from which an error is small enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection

from simnorm.figures.cells import Cells
from simnorm.figures.fitting import text_width
from simnorm.figures.reaching import crossing, size_without_error, told_size
from simnorm.figures.style import INK, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.marks import Mark

# Crossings that differ by less than this factor have one number.
NEAR = 1.3


def draw_crossings(
    ax: Axes,
    rows: pd.DataFrame,
    marks: Mapping[str, Mark],
    levels: Sequence[float],
    factor: float,
    inches: tuple[float, float],
    size: float = 6.5,
) -> None:
    """Draw levels as dotted lines, a tick where a curve crosses, and the smallest and largest size.

    The smallest number stands below its line and left of all curves, the largest one above and
    right of them: falling curves leave room there.

    Parameters
    ----------
    ax
        Axes whose limits and place are set.
    rows, marks
        What was drawn.
    levels
        In the unit of the axis.
    factor
        Of the values of `rows`.
    inches
        Width and height of the axes.
    size
        Of the type.
    """
    low, high = ax.get_ylim()
    line = 1.15 * size / 72.0 / inches[1]
    heights: dict[float, float] = {}
    for at in sorted(levels, reverse=True):
        height = float(np.log(at / low) / np.log(high / low))
        # Of two lines whose labels would meet, the lower one says less.
        if 0.0 < height < 1.0 and all(other - height >= line for other in heights.values()):
            heights[at] = height
    ticks: list[list[tuple[float, float]]] = []
    colours: list[str] = []
    cells, full_size = Cells.of(rows), size_without_error(rows)
    for at, height in heights.items():
        ax.axhline(at, color=INK, linewidth=0.7, linestyle=(0, (1.2, 1.6)), zorder=1.5)
        found, first, last = crossings(cells, marks, at / factor, full_size)
        half = 0.035 / inches[1]
        for name, crossed in found.items():
            x = _across(ax, crossed.size)
            ticks.append([(x, height - half), (x, height + half)])
            colours.append(marks[name].colour)
        _write(ax, first, last, at, (height, line), inches[0], size)
    drawn = LineCollection(ticks, colors=colours, linewidths=1.1, transform=ax.transAxes, zorder=5)
    drawn.set_gid("crossings")
    ax.add_collection(drawn, autolim=False)


@dataclass(frozen=True)
class Crossing:
    """Where a curve crosses a level: on the axis, and as it is told."""

    size: float
    told: int


def crossings(
    cells: Cells, marks: Mapping[str, Mark], level: float, full_size: float = math.inf
) -> tuple[dict[str, Crossing], Crossing | None, Crossing | None]:
    """Return where curves cross, and the smallest and largest of these if they are those of all.

    Where a curve starts below the level the smallest is not seen, where one ends above it the
    largest is not: these are None. A curve that crosses between values without valid error bars
    says nothing.
    """
    found: dict[str, Crossing] = {}
    seen = [True, True]
    for name in marks:
        mine = cells.of_name(name)
        mine = mine.where(np.isfinite(mine.known) & (mine.known > 0.0))
        above = np.flatnonzero(mine.known > level)
        last = int(above[-1]) if above.size else -1
        if not mine.size.size or not mine.sure[max(last, 0) : last + 2].all():
            continue
        curve = mine.size, mine.known**2, level, full_size
        size_at = crossing(*curve)
        if np.isfinite(size_at):
            found[name] = Crossing(size_at, told_size(*curve))
        else:
            seen[0] &= last + 1 == mine.size.size
            seen[1] &= not above.size
    if not found:
        return found, None, None
    ordered = sorted(found.values(), key=lambda at: at.size)
    return found, ordered[0] if seen[0] else None, ordered[-1] if seen[1] else None


def _write(
    ax: Axes,
    first: Crossing | None,
    last: Crossing | None,
    at: float,
    place: tuple[float, float],
    width: float,
    font: float,
) -> None:
    """Write the numbers of one level where they have room inside the axes; one for near ones."""
    height, line = place
    look: dict[str, Any] = {
        "textcoords": "offset points", "fontsize": font, "color": INK, "zorder": 6,
    }  # fmt: skip
    right = last is not None and height < 1.0 - line
    if last is None or _across(ax, last.size) * width + _room(last, font) > width:
        right = False
    left = first is not None and height > line
    if first is None or _across(ax, first.size) * width <= _room(first, font):
        left = False
    if first is not None and last is not None and right and last.size <= NEAR * first.size:
        left = False
    if left and first is not None:
        ax.annotate(
            number(first.told), (first.size, at), xytext=(-2.5, -1.5), ha="right", va="top", **look
        )
    if right and last is not None:
        ax.annotate(
            number(last.told), (last.size, at), xytext=(2.5, 1.0), ha="left", va="bottom", **look
        )


def _room(found: Crossing, font: float) -> float:
    return text_width(number(found.told), font) + 0.06


def _across(ax: Axes, size: float) -> float:
    low, high = ax.get_xlim()
    return float(np.log(size / low) / np.log(high / low))
