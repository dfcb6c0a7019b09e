"""The shades of a grid: their colours, their scale, and a bar that explains them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.figures.heat_grid import Grid
from simnorm.figures.panels import text_width
from simnorm.figures.style import log_ticks, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# One hue from light to dark, its CIELAB lightness falling in equal steps from 97 to 25: equal
# ratios of errors look equally far apart, in colour and in grey.
HEAT = (
    "#eff8fa", "#bee3ed", "#8dcde2", "#60b6d5", "#369ec5", "#1485b0", "#116c96", "#1f5477",
    "#253d55",
)  # fmt: skip
SHADES = 64
# Errors below this part of the largest one are all equally light.
WIDEST = 1e3


@dataclass(frozen=True)
class Scale:
    """The smallest and the largest error that shades tell apart."""

    low: float
    high: float

    def shades(self, values: Floats) -> Floats:
        """Return the shade of every error, from 0 to `SHADES`; NaN stays."""
        # Errors of zero, as of a batch that is the full set, are as light as can be.
        sizes = np.maximum(np.abs(values), self.low)
        depth = np.log(sizes / self.low) / math.log(self.high / self.low)
        return np.asarray(np.round(SHADES * np.clip(depth, 0.0, 1.0)))


@lru_cache(maxsize=1)
def colours() -> tuple[str, ...]:
    """Return the colours of the shades from 0 to `SHADES`."""
    every = LinearSegmentedColormap.from_list("heat", HEAT)(np.linspace(0.0, 1.0, SHADES + 1))
    return tuple(to_hex(colour) for colour in every)


def sizes_of(values: Floats) -> Floats:
    """Return the sizes of the values that have a place on a logarithmic scale."""
    sizes = np.abs(values[np.isfinite(values)])
    return np.asarray(sizes[sizes > 0.0])


def scales_of(grids: Sequence[Grid]) -> dict[str, Scale]:
    """Return the scale of each unit, from the errors to be trusted if there are any."""
    scales = {}
    for unit in dict.fromkeys(grid.unit for grid in grids):
        mine = [grid for grid in grids if grid.unit == unit]
        sizes = np.concatenate([sizes_of(grid.trusted) for grid in mine])
        if not sizes.size:
            sizes = np.concatenate([sizes_of(grid.numbers) for grid in mine])
        high = float(sizes.max(initial=0.0)) or 1.0
        low = max(float(sizes.min(initial=high)), high / WIDEST)
        # One cell, or cells alike: neither the lightest nor the darkest.
        scales[unit] = Scale(low, high) if high > 1.5 * low else Scale(low / 3.0, 3.0 * high)
    return scales


def draw_bar(ax: Axes, scale: Scale, grid: Grid, length: float, *, upright: bool) -> None:
    """Fill axes, so many inches long, with the shades from the smallest to the largest error."""
    edges = np.geomspace(scale.low, scale.high, SHADES + 1)
    boxes = [
        [(low, 0.0), (high, 0.0), (high, 1.0), (low, 1.0)]
        for low, high in itertools.pairwise(edges.tolist())
    ]
    if upright:
        boxes = [[(y, x) for x, y in box] for box in boxes]
    shades = colours()[:SHADES]
    ax.add_collection(PolyCollection(boxes, facecolors=shades, edgecolors=shades, linewidths=0.2))
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    _ticks(ax, scale, grid, length, upright=upright)


def _ticks(ax: Axes, scale: Scale, grid: Grid, length: float, *, upright: bool) -> None:
    ticks, _ = log_ticks(scale.low, scale.high)
    suffix = " %" if grid.percent else ""
    room = 0.12 if upright else max(text_width(number(tick) + suffix, 7.0) for tick in ticks) + 0.06
    step = math.ceil(room * len(ticks) / length)
    axis, other = (ax.yaxis, ax.xaxis) if upright else (ax.xaxis, ax.yaxis)
    (ax.set_yscale if upright else ax.set_xscale)("log")
    (ax.set_ylim if upright else ax.set_xlim)(scale.low, scale.high)
    (ax.set_xlim if upright else ax.set_ylim)(0.0, 1.0)
    axis.set_major_locator(FixedLocator(ticks[::step]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value) + suffix))
    other.set_major_locator(NullLocator())
    other.set_minor_locator(NullLocator())
    ax.tick_params(length=2.0, pad=2.0)
    if upright:
        ax.yaxis.tick_right()
