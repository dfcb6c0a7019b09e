"""How far a batch-normalized value is from its z-score, against batch size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simnorm.figures.glyphs import boxed
from simnorm.figures.inputs.ends import name_ends, parted
from simnorm.figures.inputs.rows import LEVEL, Run
from simnorm.figures.narrow import make_room
from simnorm.figures.overview import BAND
from simnorm.figures.panels import (
    Shown,
    draw_cells,
    legend_entries,
    put_legend,
    put_note,
    silent_note,
    why_nothing,
    y_range,
)
from simnorm.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    marks_of,
    styled,
)
from simnorm.figures.tables import floats, known_values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HEIGHT = 2.7
LONGEST = 22
DOTTED = (0, (1.0, 1.4))
ALIKE = 1e-3
# What stands below the first two points, where no curve comes.
REMARKS = {1: "n = 1:\nall values\nare β", 2: "n = 2: the larger is 1,\nthe smaller −1"}
# Where along the x axis the level is named: at the left, or beside the remarks.
PLACES = (0.0, 0.30)


@styled
def figure(
    frame: pd.DataFrame,
    curves: pd.DataFrame,  # noqa: ARG001
    *,
    width: float = PAGE_WIDTH,
    height: float = HEIGHT,
) -> Figure:
    """Draw the RMSE of normalized values, in standard deviations, on log-log axes.

    Parameters
    ----------
    frame, curves
        The tables of a result.
    width, height
        In inches.
    """
    run = Run(frame)
    whole = run.shown_errors
    names = run.shown_names()
    rows = whole[whole["name"].isin(names)]
    if rows.empty or not (np.nan_to_num(floats(rows, "estimate")) > 0.0).any():
        return empty_figure(why_nothing(rows), width)
    drawn = Figure(figsize=(width, height), layout="constrained")
    ax = drawn.subplots()
    marks = marks_of(run.names)
    marks = {name: marks[name] for name in names}
    shown = Shown()
    drawable = rows if are_alike(rows) else without_ones(rows)
    draw_cells(ax, drawable, marks, shown)
    banded = run.of_data and len(run.alive_names()) > len(names)
    if banded:
        _band(ax, whole, shown)
    low, high, _ = y_range(rows, shown, 1.0, positive=True, include=[LEVEL])
    log_axis(ax, low, high)
    sizes = [int(n) for n in rows["batch_size"].drop_duplicates()]
    batch_size_axis(ax, sizes, width - 2.2)
    ax.set_ylabel("RMSE against the z-score,\nin standard deviations")
    remarked = _remarks(ax, rows, low)
    _level(ax, low, PLACES[remarked])
    handles, labels = legend_entries(marks, shown, curves_only=True)
    if rule_of_thumb(ax, run, sizes, low):
        handles.append((Line2D([], [], color=FAINT, linewidth=1.0, linestyle=DOTTED),))
        labels.append("first order for normal data")
    if banded:
        handles.append((Patch(facecolor=FAINT, alpha=BAND, linewidth=0),))
        labels.append(f"all {len(run.alive_names()):,} columns")
    _name_curves(ax, rows, marks, run)
    put_legend(drawn, handles, labels)
    make_room(drawn)
    notes = run.left_out(len(names))
    put_note(drawn, [*notes, *silent_note({"": whole}, run.names)])
    return drawn


def are_alike(rows: pd.DataFrame) -> bool:
    """Return whether several names have one and the same error at all batch sizes."""
    known = rows.assign(known=known_values(rows))
    known = known[np.isfinite(floats(known, "known")) & (floats(known, "known") > 0.0)]
    if known["name"].nunique() < 2:
        return False
    ends = known.groupby("batch_size")["known"].agg(["min", "max"])
    return bool((ends["max"] <= (1.0 + ALIKE) * ends["min"]).all())


def without_ones(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without theory for batches of one, where all names are alike."""
    several = rows["batch_size"] > 1
    if np.isfinite(floats(rows[several], "theory")).any():
        return rows
    return rows.assign(
        theory=rows["theory"].where(several), theory_kind=rows["theory_kind"].where(several, "")
    )


def _band(ax: Axes, rows: pd.DataFrame, shown: Shown) -> None:
    """Shade what lies between the smallest and the largest error of all columns."""
    rows = rows.assign(known=known_values(rows))
    rows = rows[np.isfinite(rows["known"]) & (rows["known"] > 0.0)]
    ends = rows.groupby("batch_size")["known"].agg(["min", "max"])
    ax.fill_between(
        ends.index.to_numpy(dtype=np.float64), ends["min"], ends["max"],
        color=FAINT, alpha=BAND, linewidth=0, zorder=1,
    )  # fmt: skip
    shown.stretch(ends.to_numpy(dtype=np.float64))


def rule_of_thumb(ax: Axes, run: Run, sizes: list[int], low: float) -> bool:
    """Draw sqrt(1.5/n), less what batch and full set share; return whether there is room."""
    ends = [n for n in sizes if n > 1]
    if len(ends) < 2:
        return False
    whole = int(run.rows["full_size"].max()) if run.reference == "full_set" else 0
    n = np.geomspace(ends[0], ends[-1], 200)
    squared = 1.5 * (1.0 / n - (1.0 / whole if whole else 0.0))
    keep = squared > low * low
    if not keep.any():
        return False
    ax.plot(
        n[keep], np.sqrt(squared[keep]), color=FAINT, linewidth=1.0, linestyle=DOTTED, zorder=1.6
    )
    return True


def _remarks(ax: Axes, rows: pd.DataFrame, low: float) -> bool:
    """Say what becomes of batches of one and two, above and below the level; whether anything."""
    sizes = sorted({int(n) for n in rows["batch_size"]})
    # Between a short axis and its first curves there is no room.
    if len(sizes) < 6 or low > 0.6 * LEVEL:
        return False
    said = False
    for n, text in REMARKS.items():
        at = rows[rows["batch_size"] == n]
        known = known_values(at)
        known = known[np.isfinite(known) & (known > 4.0 * LEVEL)]
        if not known.size:
            continue
        up = 1.0 if n == 1 else -1.0
        ax.annotate(
            text, (n, float(known.min())), xytext=(n, LEVEL * 1.12**up), ha="left",
            va="bottom" if n == 1 else "top", fontsize=7.0, color=FAINT, zorder=6,
            arrowprops={
                "arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkA": 0.0,
                "shrinkB": 4.0, "relpos": (0.0, 1.0),
            },
        )  # fmt: skip
        said = True
    return said


def _level(ax: Axes, low: float, place: float) -> None:
    """Draw the level that a good z-score does not exceed."""
    if low >= LEVEL:
        return
    ax.axhline(LEVEL, color=INK, linewidth=0.7, linestyle=(0, (1.2, 1.6)), zorder=1.5)
    ax.annotate(
        f"{LEVEL:g} sd", (place, LEVEL), xycoords=("axes fraction", "data"), xytext=(3, 1.5),
        textcoords="offset points", ha="left", va="bottom", fontsize=7.0, zorder=6,
    )  # fmt: skip


def _name_curves(ax: Axes, rows: pd.DataFrame, marks: Mapping[str, Mark], run: Run) -> None:
    """Write every name beside its curve, or one word for all where they are one curve."""
    ends: dict[str, tuple[float, float]] = {}
    labels = parted([boxed(name) for name in marks], LONGEST)
    colours = {}
    for name, mark in marks.items():
        mine = rows[rows["name"] == name]
        y = known_values(mine)
        keep = np.isfinite(y) & (y > 0.0)
        if keep.any():
            label = labels[boxed(name)]
            ends[label] = (float(floats(mine, "batch_size")[keep][-1]), float(y[keep][-1]))
            colours[label] = mark.colour
    if are_alike(rows) and len(ends) > 1:
        text = f"all {len(ends)} {run.thing}s alike"
        ax.text(0.97, 0.92, text, transform=ax.transAxes, ha="right", color=FAINT, fontsize=7.5)
        return
    name_ends(ax, ends, colours)
