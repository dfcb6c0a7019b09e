"""Where curves cross a level: the batch size from which an error is small enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection

from simnorm.figures.cells import Cells
from simnorm.figures.fitting import text_width
from simnorm.figures.style import INK, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.marks import Mark
    from simnorm.figures.tables import Floats

# Crossings that differ by less than this factor have one number.
NEAR = 1.3


def crossing(sizes: Floats, errors: Floats, level: float) -> float:
    """Return the batch size at which errors fall below a level for good; NaN if that is not seen.

    Between two batch sizes errors are taken as straight on logarithmic axes.

    Parameters
    ----------
    sizes, errors
        Ascending batch sizes and their errors, above zero; shape ``(sizes,)``.
    level
        In the unit of the errors.

    Examples
    --------
    >>> round(crossing(np.array([4.0, 64.0]), np.array([0.5, 0.125]), 0.25), 6)
    16.0
    """
    logs, above = np.log(sizes), np.log(errors / level)
    over = np.flatnonzero(above > 0.0)
    if not over.size or over[-1] + 1 >= above.size:
        return float("nan")
    i = over[-1]
    share = above[i] / (above[i] - above[i + 1])
    return float(np.exp(logs[i] + share * (logs[i + 1] - logs[i])))


def rounded(size: float) -> str:
    """Return a batch size between two that were run, to two digits.

    Examples
    --------
    >>> rounded(4.26), rounded(48.7), rounded(652.0), rounded(10432.0)
    ('4.3', '49', '650', '10,000')
    """
    value = float(f"{size:.2g}")
    return number(value if value < 10.0 else round(value))


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
    cells = Cells.of(rows)
    for at, height in heights.items():
        ax.axhline(at, color=INK, linewidth=0.7, linestyle=(0, (1.2, 1.6)), zorder=1.5)
        found, first, last = crossings(cells, marks, at / factor)
        half = 0.035 / inches[1]
        for name, size_at in found.items():
            x = _across(ax, size_at)
            ticks.append([(x, height - half), (x, height + half)])
            colours.append(marks[name].colour)
        _write(ax, first, last, at, (height, line), inches[0], size)
    drawn = LineCollection(ticks, colors=colours, linewidths=1.1, transform=ax.transAxes, zorder=5)
    drawn.set_gid("crossings")
    ax.add_collection(drawn, autolim=False)


def crossings(
    cells: Cells, marks: Mapping[str, Mark], level: float
) -> tuple[dict[str, float], float, float]:
    """Return where curves cross, and the smallest and largest of these if they are those of all.

    Where a curve starts below the level the smallest is not seen, where one ends above it the
    largest is not: these are NaN.
    """
    found: dict[str, float] = {}
    seen = [True, True]
    for name in marks:
        mine = cells.of_name(name)
        keep = np.isfinite(mine.known) & (mine.known > 0.0)
        y = mine.known[keep]
        size_at = crossing(mine.size[keep], y, level)
        if np.isfinite(size_at):
            found[name] = size_at
        elif y.size:
            seen[0] &= bool(y[-1] > level)
            seen[1] &= bool(y[-1] <= level)
    ends = [min(found.values(), default=np.nan), max(found.values(), default=np.nan)]
    first, last = (end if here else np.nan for end, here in zip(ends, seen, strict=True))
    return found, float(first), float(last)


def _write(
    ax: Axes,
    first: float,
    last: float,
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
    near = last <= NEAR * first
    right = np.isfinite(last) and height < 1.0 - line
    right = right and _across(ax, last) * width + _room(last, font) <= width
    left = np.isfinite(first) and height > line and _across(ax, first) * width > _room(first, font)
    if left and not (near and right):
        ax.annotate(rounded(first), (first, at), xytext=(-2.5, -1.5), ha="right", va="top", **look)
    if right:
        ax.annotate(rounded(last), (last, at), xytext=(2.5, 1.0), ha="left", va="bottom", **look)


def _room(size: float, font: float) -> float:
    return text_width(rounded(size), font) + 0.06


def _across(ax: Axes, size: float) -> float:
    low, high = ax.get_xlim()
    return float(np.log(size / low) / np.log(high / low))
