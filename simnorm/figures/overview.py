"""The two pictures that answer the question, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from simnorm.figures.choice import chosen_names, left_out_note, thing
from simnorm.figures.panels import (
    Shown,
    all_alike,
    draw_cells,
    draw_levels,
    fit_title,
    legend_entries,
    merged,
    put_legend,
    put_note,
    silent_note,
    why_nothing,
    y_range,
)
from simnorm.figures.style import (
    BANNER_WIDTH,
    FAINT,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    marks_of,
    plain,
    styled,
)
from simnorm.figures.tables import (
    floats,
    is_data,
    is_location,
    known_values,
    measure_for,
    named,
    names_of,
    reference_of,
    rows_of,
    shown_estimators,
    unit_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = 0.13
LEVELS = ((5.0, "5 %"), (10.0, "10 %"))
IN_WORDS = {
    "std(ddof=0)": "standard deviation",
    "std(ddof=1)": "standard deviation (ddof=1)",
    "biased_variance": "biased variance",
    "unbiased_variance": "unbiased variance",
    "min": "minimum",
    "max": "maximum",
    "trimmed_mean(proportion=0.1)": "trimmed mean",
    "excess_kurtosis": "excess kurtosis",
}


@styled
def figure(frame: pd.DataFrame, reference: str = "", width: float = BANNER_WIDTH) -> Figure:
    """Draw the RMSE of the batch mean, in sd, and the relative RMSE of the batch sd.

    Of many distributions or columns those are drawn that `chosen_names` finds; the others of the
    columns lie in a grey band.

    Parameters
    ----------
    frame
        The tidy table.
    reference
        ``"full_set"`` or ``"population"``; nothing for the full set where the table has it.
    width
        Width in inches; from 8 inches on the type is larger, to be read on a screen.
    """
    frame = named(frame)
    reference = reference or reference_of(frame)
    words = shown_estimators(frame)
    every = names_of(frame)
    names = chosen_names(frame)
    whole = {word: _rows(frame, word, reference) for word in words}
    found = {word: rows[rows["name"].isin(names)] for word, rows in whole.items()}
    rows = pd.concat(found.values()) if found else frame.iloc[:0]
    # Errors of zero, as of constant columns, have no place on a logarithmic axis.
    if rows.empty or not (np.nan_to_num(floats(rows, "estimate")) > 0.0).any():
        return empty_figure(why_nothing(rows), width)
    size = 10.0 if width >= 8.0 else 8.0
    drawn = Figure(figsize=(width, 0.32 * width + 0.55), layout="constrained")
    panels = list(np.atleast_1d(drawn.subplots(1, len(words))))
    marks = marks_of(every)
    marks = {name: marks[name] for name in names}
    shown = [
        _panel(ax, whole[word], names, word, reference, marks, size, width / len(words))
        for ax, word in zip(panels, words, strict=True)
    ]
    handles, labels = legend_entries(marks, merged(shown), curves_only=True)
    few = left_out_note(frame, len(names)) if is_data(frame) else []
    if few:
        handles.append((Patch(facecolor=FAINT, alpha=BAND, linewidth=0),))
        labels.append(f"all {len(every):,} columns")
    elif len(names) < len(every):
        few = [f"{len(names)} of {len(every)} distributions."]
    put_legend(drawn, handles, labels, 0.9 * size)
    put_note(drawn, [*few, *silent_note(found, names)], max(7.0, 0.8 * size))
    return drawn


def _band(ax: Axes, rows: pd.DataFrame, factor: float, here: Shown) -> None:
    """Shade what lies between the smallest and the largest error of all columns."""
    rows = rows.assign(known=factor * known_values(rows))
    rows = rows[np.isfinite(rows["known"]) & (rows["known"] > 0.0)]
    if rows.empty:
        return
    ends = rows.groupby("batch_size")["known"].agg(["min", "max"])
    ax.fill_between(
        ends.index.to_numpy(dtype=np.float64), ends["min"], ends["max"],
        color=FAINT, alpha=BAND, linewidth=0, zorder=1,
    )  # fmt: skip
    here.stretch(ends.to_numpy(dtype=np.float64))


def _rows(frame: pd.DataFrame, word: str, reference: str) -> pd.DataFrame:
    """Return the rows of an estimator's RMSE, relative where every distribution has that."""
    rows = rows_of(frame, measure_for(frame, word, "rmse", reference), reference)
    return rows[rows["estimator"] == word]


def _factor(rows: pd.DataFrame, word: str) -> float:
    """Return 100 for errors shown in per cent, otherwise 1."""
    relative = (rows["measure"] == "relative_rmse").all()
    return 100.0 if relative and not is_location(word) else 1.0


def _panel(
    ax: Axes,
    whole: pd.DataFrame,
    names: list[str],
    word: str,
    reference: str,
    marks: Mapping[str, Mark],
    size: float,
    width: float,
) -> Shown:
    rows = whole[whole["name"].isin(names)]
    absolute = not (rows["measure"] == "relative_rmse").all()
    factor = _factor(rows, word)
    in_per_cent = factor == 100.0
    here = Shown()
    points = draw_cells(ax, rows, marks, here, factor)
    fit_title(ax, f"A batch’s {IN_WORDS.get(word, word)}", width - 1.6, 1.1 * size, 0.8 * size)
    ax.tick_params(labelsize=0.86 * size)
    if points == 0:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "Undefined.", ha="center", color=FAINT, transform=ax.transAxes)
        return here
    if is_data(whole) and len(rows) < len(whole):
        _band(ax, whole, factor, here)
    low, high, _ = y_range(rows, here, factor, positive=True)
    log_axis(ax, low, high, percent=in_per_cent)
    # Room for the names at the end of the curves.
    sizes = [int(n) for n in rows["batch_size"].drop_duplicates()]
    batch_size_axis(ax, sizes, width - 1.15, 0.86 * size)
    ax.xaxis.label.set_fontsize(size)
    against = "column" if is_data(rows) else reference.replace("_", " ")
    unit = "in sd" if is_location(word) else "of its value" if "variance" in word else ""
    unit = unit_of(word, "rmse") if absolute else unit
    # The longer unit stands in a line of its own: the axis is not high enough for one line.
    joint = ",\n" if "value" in unit else ", "
    ax.set_ylabel(f"RMSE against the {against}" + (joint + unit if unit else ""), fontsize=size)
    if in_per_cent:
        draw_levels(ax, LEVELS, low, high)
    _name_ends(ax, rows, marks, factor, (low, high), size)
    return here


def _name_ends(
    ax: Axes,
    rows: pd.DataFrame,
    marks: Mapping[str, Mark],
    factor: float,
    limits: tuple[float, float],
    size: float,
) -> None:
    """Write every name beside the right end of its curve, pushed apart where they would meet."""
    ends = _ends(rows, marks, factor)
    if not ends:
        return
    low, high = (math.log(limit) for limit in limits)
    levels = {name: (math.log(y) - low) / (high - low) for name, (_, y) in ends.items()}
    if all_alike(rows):
        # One curve hides the others: one label for all of them.
        text = f"all {len(ends)} {thing(rows)}s alike"
        ax.text(
            0.97, 0.92, text, transform=ax.transAxes, ha="right", fontsize=0.95 * size,
            color=FAINT, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
        return
    ordered = sorted(ends, key=lambda name: levels[name])
    axes_height = 0.72 * float(ax.figure.get_figheight() if isinstance(ax.figure, Figure) else 3)
    gap = 1.22 * size / 72.0 / axes_height
    places = spread([levels[name] for name in ordered], gap)
    for name, place in zip(ordered, places, strict=True):
        _name(ax, marks[name].label_within(18), ends[name], place, marks[name].colour, size)


def _ends(
    rows: pd.DataFrame, marks: Mapping[str, Mark], factor: float
) -> dict[str, tuple[float, float]]:
    """Return the last drawn point of every name: the estimate, or theory without one."""
    ends: dict[str, tuple[float, float]] = {}
    for name in marks:
        mine = rows[rows["name"] == name]
        theory, estimate = floats(mine, "theory"), floats(mine, "estimate")
        y = factor * np.where(np.isfinite(estimate), estimate, theory)
        keep = np.isfinite(y) & (y > 0.0)
        if keep.any():
            ends[name] = (float(floats(mine, "batch_size")[keep][-1]), float(y[keep][-1]))
    return ends


def _name(
    ax: Axes, name: str, end: tuple[float, float], place: float, colour: str, size: float
) -> None:
    label = ax.annotate(
        name, end, xycoords="data", xytext=(1.035, place), textcoords="axes fraction",
        va="center", ha="left", color=colour, fontsize=0.95 * size,
        arrowprops={
            "arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.7,
            "shrinkA": 1.0, "shrinkB": 3.0, "relpos": (0.0, 0.5),
        },
    )  # fmt: skip
    plain(label)


def spread(wanted: list[float], gap: float) -> list[float]:
    """Return ascending positions near the wanted ones, at least `gap` apart, within 0 and 1.

    Examples
    --------
    >>> [round(p, 2) for p in spread([0.50, 0.51, 0.90], 0.1)]
    [0.46, 0.56, 0.9]
    """
    merged: list[tuple[float, int]] = []  # centre, members
    for place in wanted:
        centre, count = place, 1
        while merged and centre - (count - 1) * gap / 2 < (
            merged[-1][0] + (merged[-1][1] - 1) * gap / 2 + gap
        ):
            before, many = merged.pop()
            centre = (centre * count + before * many) / (count + many)
            count += many
        half = (count - 1) * gap / 2
        merged.append((max(centre, half), count))
    return [centre + (i - (count - 1) / 2) * gap for centre, count in merged for i in range(count)]
