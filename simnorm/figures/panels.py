"""Panels: the cells of one estimator against batch size, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from simnorm.errors import SimnormError
from simnorm.figures.cells import (
    DASHES,
    HALF,
    Shown,
    all_alike,
    draw_cells,
    level_dodge,
    merged,
    y_range,
)
from simnorm.figures.choice import left_out_note, page_names, thing
from simnorm.figures.crossings import draw_crossings
from simnorm.figures.dots import dot_figure
from simnorm.figures.fitting import fit_title, say_inside, text_width
from simnorm.figures.formulas import law_note, law_of, write_law
from simnorm.figures.labels import TYPE, fitted, name_curves, room_of, say_alike
from simnorm.figures.legend import (
    Handle,
    draw_levels,
    legend_entries,
    note_lines,
    put_legend,
    put_note,
)
from simnorm.figures.marks import distinct
from simnorm.figures.notes import absolute_note, page_note, silent_note, why_nothing
from simnorm.figures.scales import batch_size_axis, linear_axis, log_axis, symlog_axis
from simnorm.figures.sheet import Sheet, label_room, ticks_room
from simnorm.figures.style import FAINT, IN_TWO, beside, columns_for, empty_figure, marks_of
from simnorm.figures.tables import (
    floats,
    is_absolute,
    named,
    names_of,
    pages_of,
    reference_of,
    rows_of,
    unit_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simnorm.figures.marks import Mark

# What other figures take from here.
__all__ = [
    "DASHES", "HALF", "Handle", "Panel", "Shown", "all_alike", "draw_cells", "draw_levels",
    "fit_title", "legend_entries", "merged", "note_lines", "put_legend", "put_note", "silent_note",
    "small_multiples", "text_width", "why_nothing", "y_range",
]  # fmt: skip

# Inches: the most that names beside the curves take, and how high the axes are by columns.
NAME_ROOM = {1: 1.6, 2: 1.3, 3: 1.2}
HEIGHTS = {1: 2.1, 2: 1.22, 3: 1.22}
# On a common axis of more powers of ten every panel would be a flat line; twice that of squares.
MOST_DECADES = 4.0


@dataclass(frozen=True)
class Panel:
    """One estimator's rows of one measure, relative or absolute."""

    spec: str
    rows: pd.DataFrame
    absolute: bool
    factor: float
    label: str
    title: str = ""

    @property
    def level(self) -> bool:
        """Whether theory is zero throughout: then the panel shows nothing but noise."""
        theory = floats(self.rows, "theory")
        theory = theory[np.isfinite(theory)]
        return bool(theory.size) and not np.any(theory != 0.0)


def _panels_of(
    frame: pd.DataFrame,
    measure: str,
    reference: str,
    estimators: Sequence[str],
    names: Sequence[str],
    factor: float,
) -> list[Panel]:
    """Return the panels of a page: first those in relative errors, which share their axes."""
    both = {
        absolute: rows_of(frame, measure if absolute else f"relative_{measure}", reference)
        for absolute in (False, True)
    }
    shown = measure if measure != "rmse" else "RMSE"
    panels = []
    for spec in estimators:
        absolute = is_absolute(frame, spec, measure, reference)
        rows = both[absolute]
        rows = rows[(rows["estimator"] == spec) & rows["name"].isin(names)]
        label = f"{shown},\n{unit_of(spec, measure)}" if absolute else f"relative {shown}"
        panels.append(Panel(spec, rows, absolute, 1.0 if absolute else factor, label))
    return sorted(panels, key=lambda panel: panel.absolute)


def small_multiples(
    frame: pd.DataFrame,
    measure: str,
    reference: str,
    estimators: Sequence[str],
    *,
    width: float,
    page: int = 1,
    factor: float = 1.0,
    positive: bool = True,
    levels: Sequence[float] = (),
    laws: bool = False,
    more: Sequence[str] = (),
) -> Figure:
    """Draw one panel per estimator: relative errors on common axes, absolute ones on their own.

    A single batch size has no curves: then a row per name, with the value along x.

    Parameters
    ----------
    frame
        The tidy table.
    measure
        ``"bias"``, ``"variance"`` or ``"rmse"``; shown relative to the estimator's constant unless
        a distribution has an absolute value only.
    reference
        What the errors are about; nothing for the full set where the table has it.
    estimators
        One panel each.
    width
        Width of the figure in inches.
    page
        Which of the pages that many distributions or estimators take, from 1.
    factor
        Relative values are multiplied by it; 100 means that y is in per cent.
    positive
        A logarithmic y axis; otherwise linear around zero and logarithmic outside.
    levels
        Horizontal lines, in units of y, in relative panels only, with the batch sizes at which
        curves cross them.
    laws
        Whether the law that all curves of a panel follow is written into it.
    more
        Further small print.
    """
    frame = named(frame)
    reference = reference or reference_of(frame)
    every = page_names(frame)
    pages = pages_of(every, estimators)
    if not 1 <= page <= len(pages):
        raise SimnormError("page", page, f"allowed is 1 to {len(pages)}")
    names, some = pages[page - 1]
    panels = _panels_of(frame, measure, reference, some, names, factor)
    marks = marks_of(names_of(frame))
    marks = distinct({name: marks[name] for name in names})
    texts = {panel.spec: law_of(panel.rows, panel.spec) for panel in panels if laws}
    notes = [page_note(pages, page, every, estimators)] if len(pages) > 1 else []
    notes += left_out_note(frame, len(every))
    notes += absolute_note([panel.spec for panel in panels if panel.absolute], thing(frame))
    notes += silent_note({panel.spec: panel.rows for panel in panels}, names)
    notes += law_note(texts)
    notes += more
    sizes = {int(n) for panel in panels for n in panel.rows["batch_size"]}
    if len(sizes) == 1:
        at = f"Batch size {next(iter(sizes)):,}."
        figure = dot_figure(panels, marks, width, [at, *notes], positive)
    else:
        figure = curve_figure(panels, marks, width, notes, positive, levels, texts)
    if figure is None:
        rows = rows_of(frame, f"relative_{measure}", reference)
        return empty_figure(why_nothing(rows), width)
    return figure


def curve_figure(
    panels: Sequence[Panel],
    marks: Mapping[str, Mark],
    width: float,
    notes: Sequence[str],
    positive: bool,
    levels: Sequence[float] = (),
    texts: Mapping[str, str] | None = None,
    height: float = 0.0,
) -> Figure | None:
    """Return a figure of panels against batch size, None if there is nothing to be drawn.

    Parameters
    ----------
    panels
        What is drawn.
    marks
        The look of every name.
    width
        Of the figure, in inches.
    notes
        The small print.
    positive, levels
        As in `small_multiples`.
    texts
        What is written into the panel of an estimator.
    height
        Of the axes, in inches; without it a usual one.
    """
    if not panels:
        return None
    texts = texts or {}
    columns = columns_for(width, len(panels))
    # Panels below each other in a narrow figure are like those of two columns.
    usual = 2 if columns == 1 < len(panels) else columns
    height = height or HEIGHTS[usual]
    labels = fitted(marks, NAME_ROOM[usual], TYPE, height)
    if not labels and len(panels) not in IN_TWO:
        columns = beside(width, min(len(panels), 3), 1.6)
    sheet = Sheet.of(width, len(panels), columns, height)
    told = named_places(len(panels), columns) if labels else ()
    if labels:
        # One label may stand for all, and be longer than any of them.
        alike = {"": "alike"} if any(all_alike(panel.rows) for panel in panels) else {}
        room = room_of({**labels, **alike}, TYPE)
        sheet.right = [room if columns < 3 else 0.1] * (columns - 1) + [room]
        sheet.taken = columns > 2
    seen = []
    for ax, panel in zip(sheet.axes, panels, strict=True):
        shown = Shown()
        dodge = 0.0 if positive else level_dodge(panel.rows)
        looks = {name: mark.of(panel.spec) for name, mark in marks.items()}
        drawn = draw_cells(ax, panel.rows, looks, shown, panel.factor, positive, dodge)
        seen.append((shown, drawn))
    if not any(math.isfinite(shown.low) for shown, _ in seen):
        return None
    shared = _sharing(panels, [shown for shown, _ in seen], positive)
    sheet.legend = legend_entries(marks, merged([shown for shown, _ in seen]), bool(labels))
    sheet.notes = list(notes)
    titles = [panel.title or panel.spec for panel in panels]
    for ax, title in zip(sheet.axes, titles, strict=True):
        fit_title(ax, title, sheet.across + (0.3 if labels and columns < 3 else 0.0))
    sheet.arrange()
    _scales(sheet, panels, seen, shared, positive, levels)
    sheet.arrange()
    sizes = sorted({int(n) for panel in panels for n in panel.rows["batch_size"]})
    inches = (sheet.across, sheet.height)
    for place, (ax, panel, (shown, drawn)) in enumerate(zip(sheet.axes, panels, seen, strict=True)):
        batch_size_axis(ax, sizes, sheet.across, label=False)
        ax.tick_params(labelbottom=place in sheet.labelled)
        own = place not in shared or place % columns == 0
        sheet.label(
            ax, "batch size n" if place in sheet.labelled else "", panel.label if own else ""
        )
        if not drawn:
            say_inside(ax, why_nothing(panel.rows).removeprefix("Nothing to show: "))
        elif labels and place not in told:
            say_alike(ax, panel.rows, marks, panel.factor, positive)
        elif labels:
            level = panel.level and not positive
            name_curves(ax, panel.rows, marks, labels, inches, panel.factor, positive, TYPE, level)
        if levels and not panel.absolute and math.isfinite(shown.low):
            draw_crossings(ax, panel.rows, marks, levels, panel.factor, inches)
        law = texts.get(panel.spec, "")
        if law and drawn and "κ" not in law:
            write_law(ax, panel.rows, law, inches)
    sheet.furnish()
    return sheet.figure


def named_places(count: int, columns: int) -> frozenset[int]:
    """Return the panels with names at their curves: all, of three columns the last of every row.

    Examples
    --------
    >>> sorted(named_places(4, 2)), sorted(named_places(5, 3))
    ([0, 1, 2, 3], [2, 4])
    """
    ends = {place for place in range(count) if place % columns == columns - 1} | {count - 1}
    return frozenset(ends if columns > 2 else range(count))


def _sharing(panels: Sequence[Panel], seen: Sequence[Shown], positive: bool) -> frozenset[int]:
    """Return the panels that share their y axis: relative ones, unless that flattens them."""
    places = [
        place for place, panel in enumerate(panels)
        if not panel.absolute and (positive or not panel.level)
    ]  # fmt: skip
    ends = [(seen[place].low, seen[place].high) for place in places]
    low, high = min((low for low, _ in ends), default=1.0), max((top for _, top in ends), default=1)
    squares = any(panel.rows["measure"].str.endswith("variance").any() for panel in panels)
    most = 10.0 ** (MOST_DECADES * (2.0 if squares else 1.0))
    if positive and math.isfinite(low) and high > most * low:
        return frozenset()
    return frozenset(places)


def _scales(
    sheet: Sheet,
    panels: Sequence[Panel],
    seen: Sequence[tuple[Shown, int]],
    shared: frozenset[int],
    positive: bool,
    levels: Sequence[float],
) -> None:
    """Set the y axes, and the room that their labels need."""
    together = Shown()
    for place in shared:
        together.stretch(np.array([seen[place][0].low, seen[place][0].high]))
    ends = (1.0, 2.0, 0.0)
    if math.isfinite(together.low):
        some = [panels[place] for place in sorted(shared)]
        rows = pd.concat([panel.rows for panel in some])
        ends = y_range(rows, together, some[0].factor, positive, levels)
    left = [0.1] * sheet.columns
    for place, (ax, panel, (shown, _)) in enumerate(zip(sheet.axes, panels, seen, strict=True)):
        column, own = place % sheet.columns, place not in shared
        if not math.isfinite(together.low if place in shared else shown.low):
            ax.set_yticks([])
            continue
        if own:
            _own_scale(ax, panel, shown, positive, levels)
        elif positive:
            log_axis(ax, *ends[:2], percent=panel.factor == 100.0, first=levels)
        else:
            symlog_axis(ax, *ends, percent=panel.factor == 100.0)
        if not positive:
            ax.axhline(0.0, color=FAINT, linewidth=0.6, zorder=1)
        if own or column == 0:
            left[column] = max(left[column], ticks_room(ax) + label_room(panel.label))
        elif levels:
            only_levels(ax, levels)
            left[column] = max(left[column], ticks_room(ax) + 0.04)
        else:
            ax.tick_params(labelleft=False)
    sheet.left = left


def only_levels(ax: Axes, levels: Sequence[float]) -> None:
    """Label nothing but the levels on a y axis whose labels stand beside another panel."""
    text = ax.yaxis.get_major_formatter()
    ax.yaxis.set_major_formatter(
        FuncFormatter(lambda value, place: text(value, place) if value in levels else "")
    )


def _own_scale(
    ax: Axes, panel: Panel, shown: Shown, positive: bool, levels: Sequence[float]
) -> None:
    """Set the y axis of a panel that shares none."""
    levels = () if panel.absolute else levels
    low, high, threshold = y_range(panel.rows, shown, panel.factor, positive, levels)
    percent = panel.factor == 100.0
    if positive:
        log_axis(ax, low, high, percent, first=levels)
    elif panel.level:
        reach = 1.1 * (max(-shown.low, shown.high) or 1.0)
        linear_axis(ax, -reach, reach, percent)
    else:
        symlog_axis(ax, low, high, threshold, percent)
