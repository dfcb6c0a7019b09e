"""How the RMSE settles as replications are added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.figures.panels import fit_title, put_legend, put_note
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    empty_figure,
    labelled_sizes,
    marks_of,
    number,
    styled,
)
from simnorm.figures.tables import estimators_of, floats, named, names_of, reference_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.style import Mark

PREFERRED = ("unbiased_variance", "biased_variance", "std(ddof=1)", "std(ddof=0)")
MOST_PANELS = 6


def shown_cell(curves: pd.DataFrame) -> tuple[str, int] | None:
    """Return the estimator and batch size whose convergence stands for all.

    A variance, because its RMSE converges slowest, at the batch size in the middle of the grid.
    """
    if curves.empty:
        return None
    present = estimators_of(curves)
    word = next((word for word in PREFERRED if word in present), present[0])
    sizes = sorted({int(n) for n in curves.loc[curves["estimator"] == word, "batch_size"]})
    return word, sizes[(len(sizes) - 1) // 2]


@styled
def figure(
    curves: pd.DataFrame,
    names: Sequence[str] | None = None,
    reference: str = "",
    width: float = PAGE_WIDTH,
) -> Figure:
    """Draw the running RMSE with its 95 % band, one panel per distribution or column, at most six.

    In per cent of the exact value, or of the final estimate where there is none, so that the
    panels have one scale.
    """
    drawn = named(curves[curves["kind"] == "convergence"])
    drawn = drawn[drawn["reference"] == (reference or reference_of(drawn))]
    cell = shown_cell(drawn)
    if cell is None:
        return empty_figure("Nothing to show: no cell has a running RMSE.", width)
    rows = drawn[(drawn["estimator"] == cell[0]) & (drawn["batch_size"] == cell[1])]
    marks = marks_of(list(names) if names is not None else names_of(drawn))
    present = [name for name in marks if (rows["name"] == name).any()]
    return _panels(rows, [marks[name] for name in present], cell, width)


def _panels(rows: pd.DataFrame, marks: list[Mark], cell: tuple[str, int], width: float) -> Figure:
    shown = marks[:MOST_PANELS]
    columns = min(3, len(shown))
    count = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(width, 1.25 * count + 0.65), layout="constrained")
    grid = figure.subplots(count, columns, squeeze=False, sharex=True, sharey=True)
    exact = False
    steps = sorted({int(x) for x in rows["x"]})
    for position, ax in enumerate(grid.flat):
        if position >= len(shown):
            ax.set_axis_off()
            continue
        mark = shown[position]
        exact |= _panel(ax, rows[rows["name"] == mark.name], mark, width / columns - 0.45)
        _label(ax, position, columns, len(shown))
    _axes(grid[0, 0], steps, width / columns - 0.45)
    handles = [
        (Line2D([], [], color=FAINT, linewidth=1.2, marker="o", markersize=3),),
        (Patch(facecolor=FAINT, alpha=0.25, linewidth=0),),
        (Line2D([], [], color=FAINT, linewidth=0.8),),
    ]
    zero = "exact value" if exact else "final estimate"
    slot = grid.flat[-1] if grid.size > len(shown) else None
    put_legend(figure, handles, ["running RMSE", "± 1.96 MCSE", zero], slot=slot)
    notes = [f"RMSE of {cell[0]} at batch size {cell[1]:,}, against its {zero}."]
    if not np.isfinite(floats(rows, "mcse")).all():
        notes.append("No band where the error bar does not exist.")
    if len(marks) > len(shown):
        which = (
            "columns with the largest errors" if (rows["column"] != "").any() else "distributions"
        )
        notes.append(f"The first {len(shown)} of {len(marks):,} {which}.")
    put_note(figure, notes)
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, mark: Mark, room: float) -> bool:
    """Draw one running RMSE; return whether it is compared with an exact value."""
    fit_title(ax, mark.label, room)
    rows = rows.sort_values("x", kind="stable")
    x, y, mcse, theory = (floats(rows, column) for column in ("x", "y", "mcse", "theory"))
    exact = bool(np.isfinite(theory).any())
    goal = float(theory[np.isfinite(theory)][-1]) if exact else float(y[-1])
    goal = goal or 1.0
    away, band = 100.0 * (y / goal - 1.0), 196.0 * mcse / goal
    ax.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    ax.fill_between(
        x, away - band, away + band, color=mark.colour, alpha=0.2, linewidth=0, zorder=2
    )
    ax.plot(x, away, color=mark.colour, linewidth=1.2, marker="o", markersize=3, zorder=3)
    return exact


def _label(ax: Axes, position: int, columns: int, count: int) -> None:
    if position % columns == 0:
        ax.set_ylabel("RMSE, off by")
    if position + columns >= count:
        ax.set_xlabel("replications")
        ax.tick_params(labelbottom=True)


def _axes(ax: Axes, steps: Sequence[int], width: float) -> None:
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(labelled_sizes(steps, width)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{number(value)} %"))
