"""The two pictures that answer the question, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from simnorm.figures.cells import Shown, draw_cells, merged, y_range
from simnorm.figures.choice import chosen_names, left_out_note
from simnorm.figures.crossings import draw_crossings
from simnorm.figures.dots import dot_figure
from simnorm.figures.fitting import fit_title, say_inside
from simnorm.figures.labels import ends_of, fitted, name_curves, one_label, room_of
from simnorm.figures.labels import spread as spread
from simnorm.figures.legend import Handle, legend_entries
from simnorm.figures.marks import Mark, distinct, marks_of
from simnorm.figures.notes import silent_note, why_nothing
from simnorm.figures.panels import Panel
from simnorm.figures.scales import batch_size_axis, log_axis
from simnorm.figures.sheet import Sheet, label_room, ticks_room
from simnorm.figures.style import BANNER_WIDTH, FAINT, beside, empty_figure, styled
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
    from matplotlib.figure import Figure

BAND = 0.13
LEVELS = (10.0, 5.0)
# The axes are so high, in parts of the width of the figure.
HEIGHT = 0.3
# Inches: for the label of the y axis.
LOWEST = 1.9
NAME_ROOM = 1.25
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
def figure(
    frame: pd.DataFrame, reference: str = "", width: float = BANNER_WIDTH, height: float = 0.0
) -> Figure:
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
    height
        Height of the axes in inches; in proportion to the width unless given.
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
    marks = marks_of(every)
    marks = distinct({name: marks[name] for name in names})
    panels = [_panel_of(found[word], word, reference) for word in words]
    notes = _left_out(frame, names) + silent_note(found, names)
    if len(set(rows["batch_size"])) == 1:
        at = f"Batch size {int(rows['batch_size'].iloc[0]):,}."
        drawn = dot_figure(panels, marks, width, [at, *notes], positive=True, size=size)
        return drawn or empty_figure(why_nothing(rows), width)
    return _curves(panels, [whole[word] for word in words], marks, width, notes, size, height)


def _left_out(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    every = names_of(frame)
    if is_data(frame):
        return left_out_note(frame, len(names))
    return [f"{len(names)} of {len(every)} distributions."] if len(names) < len(every) else []


def _panel_of(rows: pd.DataFrame, word: str, reference: str) -> Panel:
    """Return the panel of an estimator: its unit, its label, its title."""
    absolute = not (rows["measure"] == "relative_rmse").all()
    against = "column" if is_data(rows) else reference.replace("_", " ")
    unit = "in sd" if is_location(word) else "of its value" if "variance" in word else ""
    unit = unit_of(word, "rmse") if absolute else unit
    # The longer unit stands in a line of its own: the axis is not high enough for one line.
    joint = ",\n" if "value" in unit else ", "
    label = f"RMSE against the {against}" + (joint + unit if unit else "")
    title = f"A batch’s {IN_WORDS.get(word, word)}"
    return Panel(word, rows, absolute, _factor(rows, word), label, title)


def _curves(
    panels: Sequence[Panel],
    whole: Sequence[pd.DataFrame],
    marks: Mapping[str, Mark],
    width: float,
    notes: list[str],
    size: float,
    height: float,
) -> Figure:
    """Draw the panels against batch size, names beside the curves."""
    columns = beside(width, len(panels), 2.6)
    height = height or max(HEIGHT * width, LOWEST)
    sheet = Sheet.of(width, len(panels), columns, height)
    sheet.scale, sheet.legend_size, sheet.notes = size / 8.0, 0.92 * size, notes
    sheet.note_size = max(7.0, 0.8 * size)
    type_size = 0.95 * size
    labels = fitted(marks, NAME_ROOM * size / 8.0, type_size, sheet.height)
    seen = [
        _draw(ax, panel, rows, marks)
        for ax, panel, rows in zip(sheet.axes, panels, whole, strict=True)
    ]
    sheet.legend = _legend(marks, merged(seen), panels, whole, named_here=bool(labels))
    for place, (ax, panel) in enumerate(zip(sheet.axes, panels, strict=True)):
        alike = one_label(panel.rows, ends_of(panel.rows, marks, panel.factor))
        column = place % columns
        room = room_of({"": "alike"} if alike else labels, type_size)
        sheet.right[column] = room if column == place else max(room, sheet.right[column])
        fit_title(ax, panel.title, width / columns - 0.8, 1.1 * size, 0.8 * size)
        ax.tick_params(labelsize=0.86 * size)
        sheet.left[column] = 0.1
    sheet.arrange()
    for place, (ax, panel, shown) in enumerate(zip(sheet.axes, panels, seen, strict=True)):
        if math.isfinite(shown.low):
            percent = panel.factor == 100.0
            low, high, _ = y_range(panel.rows, shown, panel.factor, positive=True)
            log_axis(ax, low, high, percent, first=LEVELS if percent else ())
            column = place % columns
            room = ticks_room(ax) + label_room(panel.label, size) + 0.06 * column
            sheet.left[column] = max(room, sheet.left[column])
    sheet.arrange()
    for ax, panel, shown in zip(sheet.axes, panels, seen, strict=True):
        _finish(ax, panel, shown, marks, labels, sheet, size)
    sheet.furnish()
    return sheet.figure


def _legend(
    marks: Mapping[str, Mark],
    shown: Shown,
    panels: Sequence[Panel],
    whole: Sequence[pd.DataFrame],
    *,
    named_here: bool,
) -> tuple[list[Handle], list[str]]:
    handles, labels = legend_entries(marks, shown, curves_only=named_here)
    if any(_banded(panel.rows, rows) for panel, rows in zip(panels, whole, strict=True)):
        handles.append((Patch(facecolor=FAINT, alpha=BAND, linewidth=0),))
        labels.append(f"all {whole[0]['name'].nunique():,} columns")
    return handles, labels


def _banded(rows: pd.DataFrame, whole: pd.DataFrame) -> bool:
    return is_data(whole) and len(rows) < len(whole)


def _draw(ax: Axes, panel: Panel, whole: pd.DataFrame, marks: Mapping[str, Mark]) -> Shown:
    """Draw points, curves and the band of all columns; return what was drawn."""
    here = Shown()
    looks = {name: mark.of(panel.spec) for name, mark in marks.items()}
    if draw_cells(ax, panel.rows, looks, here, panel.factor) and _banded(panel.rows, whole):
        _band(ax, whole, panel.factor, here)
    return here


def _finish(
    ax: Axes,
    panel: Panel,
    shown: Shown,
    marks: Mapping[str, Mark],
    labels: Mapping[str, str],
    sheet: Sheet,
    size: float,
) -> None:
    """Set the axis of batch sizes, the levels, and the names at the ends of curves."""
    if not math.isfinite(shown.low):
        ax.set_axis_off()
        say_inside(ax, "Undefined.")
        return
    inches = (sheet.across, sheet.height)
    sizes = [int(n) for n in panel.rows["batch_size"].drop_duplicates()]
    batch_size_axis(ax, sizes, sheet.across, 0.86 * size, label=False)
    below = sheet.axes.index(ax) in sheet.labelled
    ax.tick_params(labelbottom=below)
    sheet.label(ax, "batch size n" if below else "", panel.label)
    if labels:
        name_curves(ax, panel.rows, marks, labels, inches, panel.factor, size=0.95 * size)
    if panel.factor == 100.0:
        draw_crossings(ax, panel.rows, marks, LEVELS, 100.0, inches, 0.86 * size)


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
