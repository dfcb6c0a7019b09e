"""One grid on one pair of axes: cells, numbers, the borders at 10 % and 5 %, batch sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.figures.heat_grid import Grid
from simnorm.figures.heat_shades import SHADES, Scale, colours
from simnorm.figures.panels import text_width
from simnorm.figures.style import FAINT, INK, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Segment = tuple[tuple[float, float], tuple[float, float]]

# On shades from this part of the scale on white numbers read better; black ones below it.
DARK = 0.62
BLACK = "#0d0d0d"
# Per cent, with the width of their line and its dashes.
LEVELS = ((10.0, 1.2, "solid"), (5.0, 0.9, (0, (2.0, 1.2))))
FONTS = (7.5, 7.0, 6.5, 6.0, 5.5)
HATCH = "//////"


def fitting_font(grids: Sequence[Grid], wide: float, high: float) -> float:
    """Return the largest type in which all numbers fit into their cells, 0 if none does."""
    texts = {text for grid in grids for line in grid.texts for text in line if text}
    for size in FONTS:
        if size * 1.25 / 72.0 <= high and all(
            text_width(text, size) <= wide - 0.035 for text in texts
        ):
            return size
    return 0.0


def fill_panel(ax: Axes, grid: Grid, scale: Scale, font: float, width: float) -> None:
    """Draw cells, numbers, levels and the axis of batch sizes.

    Parameters
    ----------
    ax
        Where to draw.
    grid, scale
        What to draw, and its shades.
    font
        The size of the numbers; 0 for none.
    width
        Inches that all columns take together.
    """
    rows, columns = grid.numbers.shape
    ax.set_xlim(0, columns)
    ax.set_ylim(rows, 0)
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    shades = scale.shades(grid.numbers)
    _cells(ax, grid, shades, framed=bool(font))
    if font:
        _numbers(ax, grid, shades / SHADES, font)
    _doubts(ax, grid, shades / SHADES, numbered=bool(font))
    if grid.measure == "relative_rmse":
        _levels(ax, grid, width)
    chosen = labelled_columns(grid.sizes, width)
    ax.xaxis.set_major_locator(FixedLocator([place + 0.5 for place in chosen]))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: number(grid.sizes[min(int(x), columns - 1)]))
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="x", length=2.0 if len(chosen) < columns else 0.0, pad=2.0)
    ax.tick_params(axis="y", length=0.0, pad=3.0)
    ax.set_xlabel("batch size n", labelpad=2.0)


def _cells(ax: Axes, grid: Grid, shades: Floats, *, framed: bool) -> None:
    """Fill the cells, all of one shade as one shape, which keeps files small."""
    for shade in np.unique(shades[np.isfinite(shades)]):
        colour = colours()[int(shade)]
        ax.add_patch(
            PathPatch(
                _boxes(np.argwhere(shades == shade)), facecolor=colour, zorder=1,
                edgecolor="white" if framed else colour, linewidth=0.8 if framed else 0.2,
            )
        )  # fmt: skip
    blank = np.argwhere(grid.held & ~np.isfinite(grid.numbers))
    if len(blank):
        ax.add_patch(
            PathPatch(_boxes(blank, 0.04), facecolor="white", edgecolor="#d0d0d0", linewidth=0.4)
        )


def _boxes(places: Iterable[Sequence[int]], inset: float = 0.0) -> Path:
    """Return the outlines of cells as one path."""
    steps = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], dtype=np.float64)
    steps = inset + (1.0 - 2.0 * inset) * steps
    corners = [steps + np.array([j, i], dtype=np.float64) for i, j in places]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(corners)
    return Path(np.concatenate(corners), codes)


def _numbers(ax: Axes, grid: Grid, depth: Floats, font: float) -> None:
    mixed = is_mixed(grid)
    for (i, j), value in np.ndenumerate(grid.numbers):
        if not math.isfinite(value):
            continue
        colour = "white" if depth[i, j] > DARK else BLACK
        ax.text(
            j + 0.5, i + 0.52, grid.texts[i][j], ha="center", va="center", fontsize=font,
            color=colour, zorder=4,
        )  # fmt: skip
        if mixed and grid.exact[i, j]:
            ax.plot(j + 0.9, i + 0.17, ".", color=colour, markersize=1.6, zorder=4)


def is_mixed(grid: Grid) -> bool:
    """Return whether some numbers are exact and some are estimates."""
    known = np.isfinite(grid.numbers)
    return bool((grid.exact & known).any() and (~grid.exact & known).any())


def _doubts(ax: Axes, grid: Grid, depth: Floats, *, numbered: bool) -> None:
    """Mark the cells without a value, and where no number says it those without an error bar."""
    if numbered:
        for i, j in np.argwhere(grid.held & ~np.isfinite(grid.numbers)):
            ax.text(j + 0.5, i + 0.5, "–", ha="center", va="center", fontsize=7.0, color=FAINT)
        return
    doubtful = np.isfinite(grid.numbers) & ~grid.sure
    for some, colour in ((doubtful & (depth > DARK), "white"), (doubtful & (depth <= DARK), INK)):
        if some.any():
            outline = _boxes(np.argwhere(some))
            look = {"facecolor": "none", "edgecolor": colour, "linewidth": 0.0, "hatch": HATCH}
            ax.add_patch(PathPatch(outline, zorder=2, **look))


def _levels(ax: Axes, grid: Grid, width: float) -> None:
    """Draw the borders of 10 % and 5 %; label those that reach the top."""
    labels: dict[int, list[str]] = {}
    for level, line, dashes in LEVELS:
        segments = borders(grid.trusted, level)
        if not segments:
            continue
        above = LineCollection(segments, colors=INK, linewidths=line, linestyles=[dashes])
        for lines in (LineCollection(segments, colors="white", linewidths=line + 1.2), above):
            ax.add_collection(lines)
            lines.set_zorder(3)
        top = [int(x) for (x, y), (_, end) in segments if y == 0.0 and end == 1.0]
        if top:
            labels.setdefault(max(top), []).append(f"{level:.0f} %")
    # Labels that would meet lean away from each other.
    close = len(labels) == 2 and max(labels) - min(labels) < 0.34 / width * len(grid.sizes)
    for x, texts in labels.items():
        side = "center" if not close else "right" if x == min(labels) else "left"
        ax.annotate(
            ", ".join(texts), (x, 0.0), xytext=(0, 1.5), textcoords="offset points", ha=side,
            va="bottom", fontsize=6.5, color=INK,
        )  # fmt: skip


def borders(values: Floats, level: float) -> list[Segment]:
    """Return the edges between cells above and below a level, of unit length.

    Examples
    --------
    >>> borders(np.array([[20.0, 8.0], [30.0, 12.0]]), 10.0)
    [((1.0, 0.0), (1.0, 1.0)), ((1.0, 1.0), (2.0, 1.0))]
    """
    above, known = values > level, np.isfinite(values)
    segments: list[Segment] = []
    across = known[:, 1:] & known[:, :-1] & (above[:, 1:] != above[:, :-1])
    for i, j in np.argwhere(across):
        segments.append(((j + 1.0, float(i)), (j + 1.0, i + 1.0)))
    down = known[1:] & known[:-1] & (above[1:] != above[:-1])
    for i, j in np.argwhere(down):
        segments.append(((float(j), i + 1.0), (j + 1.0, i + 1.0)))
    return [((float(a), float(b)), (float(c), float(d))) for (a, b), (c, d) in segments]


def labelled_columns(sizes: Sequence[int], width: float, font: float = 7.0) -> list[int]:
    """Return the columns whose batch size is written: every first, second ..., the round ones.

    Examples
    --------
    >>> sizes = range(2, 121, 2)
    >>> [sizes[place] for place in labelled_columns(sizes, 2.4)]
    [2, 20, 40, 60, 80, 100, 120]
    """
    cell = width / len(sizes)
    fitting: list[list[int]] = []
    steps: list[int] = []
    for step in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 100):
        start = max(range(min(step, len(sizes))), key=lambda at: _roundness(sizes[at::step]))
        chosen = list(range(start, len(sizes), step))
        widest = max(text_width(number(sizes[place]), font) for place in chosen)
        if len(chosen) == 1 or widest + 0.06 <= step * cell:
            fitting.append(chosen)
            steps.append(step)
    near = [chosen for chosen, step in zip(fitting, steps, strict=True) if step <= 2.5 * steps[0]]
    rounds = [chosen for chosen in near if all(sizes[place] % 10 == 0 for place in chosen)]
    best = [*rounds, near[0]][0]
    first = text_width(number(sizes[best[0]]), font) + 0.06
    return [0, *best] if best[0] * cell >= first else best


def _roundness(sizes: Sequence[int]) -> float:
    """Return how many zeros the numbers end with on average."""
    texts = [str(n) for n in sizes]
    return sum(len(text) - len(text.rstrip("0")) for text in texts) / len(texts)
