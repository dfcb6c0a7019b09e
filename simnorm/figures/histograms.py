"""What the columns of data look like: a small histogram each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.figures.fitting import cut
from simnorm.figures.glyphs import boxed
from simnorm.figures.panels import put_note
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    PALETTE,
    beside,
    empty_figure,
    plain,
    styled,
)
from simnorm.figures.tables import floats
from simnorm.formatting import MINUS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_PANELS = 12
COLUMNS = 4
TYPE = 7.5


def shown(curves: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns that have a panel, in the order of `names`."""
    held = set(curves.loc[curves["kind"] == "histogram", "column"].astype(str))
    return [name for name in names if name in held][:MOST_PANELS]


@styled
def figure(curves: pd.DataFrame, names: Sequence[str] = (), width: float = PAGE_WIDTH) -> Figure:
    """Draw histograms of the columns, twelve at most, in the order of `names`."""
    rows = curves[curves["kind"] == "histogram"]
    names = list(names) or [str(name) for name in rows["column"].drop_duplicates()]
    columns = shown(rows, names)
    if not columns:
        return empty_figure("Nothing to show: the run has no histograms of data.", width)
    across = beside(width, min(COLUMNS, max(2, len(columns))), 1.6)
    down = math.ceil(len(columns) / across)
    drawn = Figure(figsize=(width, 1.08 * down + 0.25), layout="constrained")
    grid = drawn.subplots(down, across, squeeze=False)
    for position, ax in enumerate(grid.flat):
        if position >= len(columns):
            ax.set_axis_off()
            continue
        _panel(ax, rows[rows["column"] == columns[position]], columns[position], width / across)
    if len(columns) < len(names):
        put_note(
            drawn, [f"{len(columns)} of {len(names):,} columns, those with the largest errors."]
        )
    return drawn


def draw(ax: Axes, curves: pd.DataFrame, names: Sequence[str] = ()) -> None:
    """Draw the histogram of one column, the first of `names` that has one, on given axes."""
    rows = curves[curves["kind"] == "histogram"]
    name = shown(rows, list(names) or [str(name) for name in rows["column"].drop_duplicates()])[0]
    _panel(ax, rows[rows["column"] == name], name, 5.0)


def _panel(ax: Axes, rows: pd.DataFrame, name: str, width: float) -> None:
    title = cut(boxed(name), width - 0.12, TYPE, "bold")
    plain(ax.set_title(title, fontsize=TYPE))
    edges, counts = floats(rows, "x"), floats(rows, "y")[:-1]
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)
    if edges[-1] <= edges[0]:
        ax.set_xticks([])
        ax.text(
            0.5, 0.5, f"constant: {tick_texts([float(edges[0])])[0]}", ha="center", va="center",
            transform=ax.transAxes, color=FAINT, fontsize=7.5,
        )  # fmt: skip
        return
    ax.stairs(counts, edges, fill=True, color=PALETTE[0], alpha=0.75)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0.0, 1.06 * float(counts.max()))
    _ends(ax, float(edges[0]), float(edges[-1]))


def _ends(ax: Axes, low: float, high: float) -> None:
    """Label both ends of the axis, inwards: these are the smallest and the largest value."""
    texts = dict(zip((low, high), tick_texts([low, high]), strict=True))
    ax.xaxis.set_major_locator(FixedLocator([low, high]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: texts.get(value, "")))
    first, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def tick_texts(values: Sequence[float]) -> list[str]:
    """Return numbers with the fewest digits, four or more, that tell them apart.

    Examples
    --------
    >>> tick_texts([0.0, 2501.0]), tick_texts([1e9, 1e9 + 1.0])
    (['0', '2501'], ['1000000000', '1000000001'])
    """
    texts: list[str] = []
    for digits in range(4, 18):
        texts = [f"{value + 0.0:.{digits}g}" for value in np.asarray(values, dtype=np.float64)]
        if len(set(texts)) == len(texts):
            break
    return [text.replace("e-0", "e-").replace("e+0", "e").replace("-", MINUS) for text in texts]
