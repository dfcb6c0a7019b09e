"""Other scalers fitted to a batch: min-max, robust and quantile, beside the z-score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from simnorm.figures.glyphs import boxed
from simnorm.figures.inputs.rows import SCALERS, UNSEEN, Run
from simnorm.figures.labels import fitted, name_curves
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import (
    Shown,
    draw_cells,
    fit_title,
    legend_entries,
    put_legend,
    put_note,
    why_nothing,
)
from simnorm.figures.style import (
    INK,
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    styled,
)
from simnorm.figures.tables import floats, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches; what the words of the scalers take beside their curves.
HEIGHT, BESIDE = 2.75, 0.55
# Not the colours of the first distributions and columns.
LOOKS = {
    "z-score": Mark("z-score", INK, "o", 4.8, 1.4),
    "min-max": Mark("min-max", "#cc78bc", "s", 4.4, 1.2),
    "robust": Mark("robust", "#56b4e9", "D", 4.2, 1.2),
    "quantile": Mark("quantile", "#ca9161", "^", 4.6, 1.2),
    UNSEEN: Mark("share of values outside", INK, "v", 4.8, 1.4),
}


def scaled(run: Run) -> pd.DataFrame:
    """Return the RMSE of every scaler, its word in the column `scaler`."""
    parts = [run.errors(reference="full_set").assign(scaler="z-score")]
    parts += [
        run.of(quantity, "rmse", "full_set").assign(scaler=word)
        for quantity, word in SCALERS.items()
    ]
    return pd.concat(parts, ignore_index=True)


def shown(run: Run) -> list[str]:
    """Return the one or two names that have a panel: the first, and the worst for min-max."""
    names = run.alive_names()
    if len(names) < 2:
        return names
    rows = run.of("min_max_value", "rmse", "full_set")
    values = run.values(rows[rows["name"] != names[0]])
    return [names[0], max(values, key=values.__getitem__) if values else names[1]]


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:  # noqa: ARG001
    """Draw the RMSE of scalers that are fitted to a batch, and what a batch has not seen.

    Parameters
    ----------
    frame, curves
        The tables of a result.
    width
        Width in inches.
    """
    run = Run(frame)
    rows = scaled(run)
    names = shown(run)
    rows = rows[rows["name"].isin(names)]
    unseen = run.of(UNSEEN)
    unseen = unseen[unseen["name"].isin(names[:1])]
    alive = (np.nan_to_num(floats(rows, "estimate")) > 0.0).any()
    if not alive and not (np.nan_to_num(floats(unseen, "estimate")) > 0.0).any():
        return empty_figure(why_nothing(rows), width)
    lines, across = shape_of(len(names) + 1, width)
    drawn = Figure(figsize=(width, HEIGHT + 1.7 * (lines - 1)), layout="constrained")
    grid = drawn.subplots(lines, across, squeeze=False).ravel()
    for ax in grid[1 : len(names)]:
        ax.sharey(grid[0])
    together = Shown()
    used: set[str] = set()
    for ax, name in zip(grid, names, strict=False):
        mine = rows[rows["name"] == name]
        for word, mark in LOOKS.items():
            of_scaler = mine[mine["scaler"] == word]
            drawn_now = draw_cells(ax, of_scaler.assign(name=word), {word: mark}, together)
            used |= {word} if drawn_now else set()
        fit_title(ax, short(boxed(name), 40), width / across - 0.55)
    sizes = run.sizes
    # Below each other all panels are as narrow as the one with the words.
    room = width / across - 0.6 - (BESIDE + 0.2 if across == 1 else 0.0)
    _axes(list(grid[: len(names)]), sizes, room, together)
    for ax in grid[: len(names) : across]:
        ax.set_ylabel("RMSE against the scaler\nof the full set, in its sd")
    last = Shown()
    draw_cells(grid[-1], unseen.assign(name=UNSEEN), {UNSEEN: LOOKS[UNSEEN]}, last)
    _axes([grid[-1]], sizes, room, last)
    fit_title(grid[-1], "Outside the batch’s range", width / across - 0.7)
    grid[-1].set_ylabel("share of other values")
    named = bool(names) and _name(grid[len(names) - 1], rows, names[-1], room)
    merged = Shown(used, *(getattr(together, f) or getattr(last, f) for f in FLAGS))
    put_legend(drawn, *legend_entries(LOOKS, merged, curves_only=named))
    make_room(drawn)
    put_note(drawn, _notes(run, names))
    return drawn


FLAGS = ("exact", "asymptotic", "interval", "hollow", "failed")


def _name(ax: Axes, rows: pd.DataFrame, name: str, room: float) -> bool:
    """Write the scalers beside the ends of their curves in the last panel; return if they fit."""
    inches = (max(room - BESIDE, 1.0), HEIGHT - 1.3)
    looks = {word: mark for word, mark in LOOKS.items() if word != UNSEEN}
    labels = fitted(looks, BESIDE, 7.0, inches[1])
    mine = rows[rows["name"] == name].sort_values("batch_size", kind="stable")
    if not labels or not np.isfinite(floats(mine, "estimate")).any():
        return False
    name_curves(ax, mine.assign(name=mine["scaler"]), looks, labels, inches)
    return True


def _axes(axes: list[Axes], sizes: list[int], room: float, shown: Shown) -> None:
    for place, ax in enumerate(axes):
        batch_size_axis(ax, sizes, room)
        if math.isfinite(shown.low):
            air = max((shown.high / shown.low) ** 0.05, 1.15)
            log_axis(ax, shown.low / air, shown.high * air)
        else:
            ax.set_yticks([])
            ax.text(0.5, 0.5, "Undefined.", ha="center", transform=ax.transAxes, fontsize=7.5)
        if place and ax.get_subplotspec().get_gridspec().ncols > 1:  # type: ignore[union-attr]
            ax.tick_params(labelleft=False)


def _notes(run: Run, names: list[str]) -> list[str]:
    notes = []
    left = len(run.alive_names()) - len(names)
    if left > 0:
        which = "the first two by error of the z-score and of min-max"
        if not run.of_data:
            which = "the first, and the one with the largest error of min-max"
        notes.append(f"{len(names)} of {left + len(names):,} {run.thing}s: {which}.")
    if len(names) > 1:
        notes.append(f"In the last panel: {short(boxed(names[0]), 30)}.")
    return notes
