"""Which values suffer: the error of a normalized value by its z-score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from simnorm.figures.inputs.rows import Run, curves_of, spread_sizes
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import DASHES, Shown, fit_title, legend_entries, put_legend, put_note
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    Mark,
    empty_figure,
    log_axis,
    marks_of,
    styled,
)
from simnorm.figures.tables import floats
from simnorm.sampling import SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_NAMES, MOST_SIZES = 4, 3
HEIGHT = 2.75
# A point whose error bar is as large as this part of it says nothing.
LARGEST_BAR = 0.5
# Errors so small are those of rounding, of batches that are the full set.
ROUNDING = 1e-9


def sizes_of(run: Run, points: pd.DataFrame) -> list[int]:
    """Return the batch sizes that have a panel: those above 2 where there are enough."""
    held = sorted({int(n) for n in points["batch_size"]})
    several = [n for n in held if n > 2] or held
    return spread_sizes(several, MOST_SIZES, run.size or 16)


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw the RMSE of the values whose z-score lies in a bin, a panel for a batch size.

    Parameters
    ----------
    frame, curves
        The tables of a result.
    width
        Width in inches.
    """
    run = Run(frame)
    points = curves_of(run, curves, "by_value")
    points = points[points["name"].isin(run.shown_names(MOST_NAMES))]
    points = points[floats(points, "y") > ROUNDING]
    names = [name for name in run.names if name in set(points["name"])]
    if not names:
        return empty_figure("Nothing to show: no values have a z-score and an error.", width)
    sizes = sizes_of(run, points)
    marks = marks_of(run.names)
    marks = {name: marks[name] for name in names}
    rows, across = shape_of(max(len(sizes), 2), width)
    drawn = Figure(figsize=(width, HEIGHT + 1.6 * (rows - 1)), layout="constrained")
    grid = drawn.subplots(rows, across, squeeze=False, sharey=True).ravel()
    shown = Shown()
    for ax, n in zip(grid, sizes, strict=False):
        _panel(ax, points[points["batch_size"] == n], marks, shown, fixed=is_fixed(run))
        fit_title(ax, f"Batch size {n:,}", width / across - 0.5)
        ax.set_xlabel("z-score of the value" if ax in grid[-across:] else "")
    for ax in grid[len(sizes) :]:
        ax.set_axis_off()
    low, high = shown.low, shown.high
    air = max((high / low) ** 0.05, 1.15)
    log_axis(grid[0], low / air, high * air)
    for ax in grid[::across]:
        ax.set_ylabel("RMSE of such values,\nin standard deviations")
    put_legend(drawn, *legend_entries(marks, shown))
    make_room(drawn)
    left = run.left_out(len(names))
    put_note(drawn, left)
    return drawn


def _panel(
    ax: Axes, points: pd.DataFrame, marks: Mapping[str, Mark], shown: Shown, *, fixed: bool
) -> None:
    for depth, (name, mark) in enumerate(marks.items()):
        mine = points[points["name"] == name].sort_values("x", kind="stable")
        if mine.empty:
            continue
        x, y, mcse, theory = (floats(mine, word) for word in ("x", "y", "mcse", "theory"))
        known = np.isfinite(theory) & (theory > 0.0)
        exact = is_exact(name)
        if known.any():
            ax.plot(
                x[known], theory[known], color=mark.colour, linewidth=mark.width,
                linestyle="-" if exact else DASHES, alpha=0.9, zorder=2,
            )  # fmt: skip
            shown.exact |= exact
            shown.asymptotic |= not exact
            shown.stretch(theory[known])
        sure = (mcse < LARGEST_BAR * y) | fixed
        ax.plot(
            x[sure], y[sure], linestyle="none", marker=mark.shape, markersize=0.62 * mark.size,
            markerfacecolor=mark.colour, markeredgecolor="white", markeredgewidth=0.3,
            zorder=3 + 0.1 * depth,
        )  # fmt: skip
        shown.names.add(name)
        low = y[sure] - 2.0 * mcse[sure]
        barred = (mcse[sure] > 0.0) & (low > 0.0)
        ax.vlines(
            x[sure][barred], low[barred], (y + 2.0 * mcse)[sure][barred], color=mark.colour,
            linewidth=0.8, zorder=3,
        )  # fmt: skip
        shown.interval |= bool(barred.any())
        shown.stretch(y[sure])
        loose = ~sure
        if loose.any():
            ax.plot(
                x[loose], y[loose], linestyle="none", marker=mark.shape,
                markersize=0.62 * mark.size, markerfacecolor="white",
                markeredgecolor=mark.colour, markeredgewidth=0.7, zorder=3,
            )  # fmt: skip
            shown.hollow = True
            shown.stretch(y[loose])
    ax.axvline(0.0, color=FAINT, linewidth=0.5, zorder=1)


def is_fixed(run: Run) -> bool:
    """Return whether nothing is drawn at random, so that numbers need no error bars."""
    return set(run.rows["sampling"]) == {SEQUENTIAL}


def is_exact(name: str) -> bool:
    """Return whether the theory of a name's errors by value is no approximation.

    Examples
    --------
    >>> is_exact("normal(loc=2)"), is_exact("uniform"), is_exact("mean radius")
    (True, False, False)
    """
    return name == "normal" or name.startswith("normal(")
