"""All errors of a run at a glance: a grid of names by batch sizes, the darker the larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from simnorm.errors import SimnormError
from simnorm.figures.choice import thing
from simnorm.figures.glyphs import boxed
from simnorm.figures.heat_grid import (
    MOST_ROWS,
    Grid,
    grids_of,
    page_grids,
    pages,
    row_pages,
    wanted,
)
from simnorm.figures.heat_panel import LEVELS, borders, fill_panel, fitting_font, is_mixed
from simnorm.figures.heat_shades import Scale, draw_bar, scales_of, sizes_of
from simnorm.figures.panels import note_lines, text_width, why_nothing
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    empty_figure,
    plain,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import LONGEST_NAME, is_data, named, names_of, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw", "figure", "pages", "wanted"]

# A screen's letters are up to 4 % wider than the font says.
SCREEN = 1.04
LABEL_SHARE = 0.32  # of the width, at most
# Inches.
WIDEST_CELL, NARROW_CELL = 1.05, 0.12
GAP, LEFT_PAD, RIGHT_PAD = 0.16, 0.12, 0.10
TITLE, LEVEL_LABELS, TICKS, AXIS_LABEL, BAR, LINE = 0.20, 0.13, 0.16, 0.17, 0.38, 0.135


@dataclass(frozen=True)
class Layout:
    """Sizes in inches of the panels of a figure."""

    stacked: bool
    columns: float
    rows: float
    left: float
    font: float
    longest: int

    def rooms(self, grids: Sequence[Grid], width: float) -> list[float]:
        """Return how wide the titles of the panels may be."""
        wide = self.columns * len(grids[0].sizes)
        if self.stacked:
            return [width - RIGHT_PAD - self.left for _ in grids]
        last = width - RIGHT_PAD - self.left - (len(grids) - 1) * (wide + GAP)
        return [*(wide for _ in grids[:-1]), last]


@styled
def figure(
    frame: pd.DataFrame,
    estimator: str = "",
    measure: str = "rmse",
    reference: str = "",
    width: float = PAGE_WIDTH,
    page: int = 1,
) -> Figure:
    """Draw the relative RMSE of every name and batch size as a shade, with its number if it fits.

    Parameters
    ----------
    frame
        The tidy table.
    estimator
        One panel of it; nothing for two, one of a location and one of a scale.
    measure
        ``"rmse"``, ``"bias"``, ``"variance"`` or ``"mse"``, relative where the table has that.
    reference
        ``"full_set"`` or ``"population"``; nothing for the full set where the table has it.
    width
        Width in inches.
    page
        Which of the pages that more than 40 distributions take, from 1.
    """
    parts = row_pages(frame)
    if not 1 <= page <= len(parts):
        raise SimnormError("page", page, f"allowed is 1 to {len(parts)}")
    grids = page_grids(frame, estimator, measure, reference, page)
    if not any(sizes_of(grid.numbers).size for grid in grids):
        return empty_figure(_nothing(frame, grids), width)
    layout = _layout(grids, width)
    notes = [*_page_note(frame, parts, page), *_mark_notes(grids, bool(layout.font))]
    lines = note_lines(notes, width) if notes else []
    drawn, panels = _panels(grids, layout, width, lines)
    scales = scales_of(grids)
    rooms = layout.rooms(grids, width)
    raised = any(_crossed(grid) for grid in grids)
    for place, (ax, grid, room) in enumerate(zip(panels, grids, rooms, strict=True)):
        fill_panel(ax, grid, scales[grid.unit], layout.font, layout.columns * len(grid.sizes))
        first = place == 0 or layout.stacked
        _row_labels(ax, grid if first else None, layout.rows, layout.longest)
        if layout.stacked and place < len(grids) - 1:
            ax.set_xlabel("")
        _title(ax, grid, room, raised)
    if not layout.font:
        _bars(drawn, grids, scales, layout, width, len(lines))
    return drawn


def draw(
    ax: Axes,
    frame: pd.DataFrame,
    estimator: str = "",
    measure: str = "rmse",
    reference: str = "",
) -> None:
    """Draw the grid of one estimator on given axes.

    Parameters
    ----------
    ax
        The axes; their size decides whether numbers fit into the cells.
    frame, estimator, measure, reference
        As in `figure`; without an estimator the one of scale.
    """
    grid = grids_of(frame, estimator, measure, reference)[-1]
    if not sizes_of(grid.numbers).size:
        say_nothing_to_show(ax, _nothing(frame, [grid]))
        return
    box = ax.get_window_extent()
    dpi = float(ax.figure.get_figure(root=True).dpi)
    wide, high = box.width / dpi, box.height / dpi
    # The names take their part of the axes only once the figure is laid out.
    longest, names = _label_length(grid.names, LABEL_SHARE * wide)
    font = fitting_font([grid], (wide - names) / len(grid.sizes), high / len(grid.names))
    scale = scales_of([grid])[grid.unit]
    fill_panel(ax, grid, scale, font, wide - names)
    _row_labels(ax, grid, high / len(grid.names), longest)
    _title(ax, grid, wide - names, _crossed(grid))
    notes = _mark_notes([grid], bool(font))
    if notes:
        lines = note_lines(notes, max(wide, 2.0))
        plain(ax.set_xlabel("batch size n\n" + "\n".join(lines)))
    if not font:
        inset = ax.inset_axes((1.03, 0.0, 0.035, 1.0))
        draw_bar(inset, scale, grid, high, upright=True)


def _nothing(frame: pd.DataFrame, grids: Sequence[Grid]) -> str:
    measures = [grid.measure for grid in grids]
    specs = [grid.estimator for grid in grids]
    rows = frame[frame["measure"].isin(measures) & frame["estimator"].isin(specs)]
    return why_nothing(rows)


def _layout(grids: Sequence[Grid], width: float) -> Layout:
    """Return panels side by side if their numbers fit so, otherwise stacked if that helps."""
    count, columns = len(grids), len(grids[0].sizes)
    most = max(len(grid.names) for grid in grids)
    labels = [name for grid in grids for name in grid.names]
    longest, broad = _label_length(labels, LABEL_SHARE * width)
    left = LEFT_PAD + SCREEN * broad
    rows = 0.24 if most <= 3 else 0.195 if most <= 25 else 0.172
    room = width - left - RIGHT_PAD

    def cells(side_by_side: int) -> float:
        return min(WIDEST_CELL, (room - (side_by_side - 1) * GAP) / side_by_side / columns)

    beside, alone = (fitting_font(grids, cells(parts), rows) for parts in (count, 1))
    same = all(grid.names == grids[0].names for grid in grids)
    if same and (count == 1 or beside):
        return Layout(False, cells(count), rows, left, beside, longest)
    # Without numbers too, narrow cells gain from the whole width while the page has the height.
    deep = sum(len(grid.names) for grid in grids)
    if not same or (deep <= MOST_ROWS and (alone or cells(count) < NARROW_CELL)):
        return Layout(True, cells(1), rows, left, alone, longest)
    return Layout(False, cells(count), rows, left, beside, longest)


def _panels(
    grids: Sequence[Grid], layout: Layout, width: float, lines: Sequence[str]
) -> tuple[Figure, list[Axes]]:
    """Return a figure of a fixed layout: measured in inches, so it is drawn once only."""
    wide = len(grids[0].sizes) * layout.columns
    deep = [len(grid.names) * layout.rows for grid in grids]
    head = TITLE + LEVEL_LABELS
    two = any(
        len(_title_lines(g, r)) > 1 for g, r in zip(grids, layout.rooms(grids, width), strict=True)
    )
    head += 0.14 if two else 0.0
    small_print = LINE * len(lines) + (0.08 if lines else 0.0)
    bar = 0.0 if layout.font else BAR
    height = bar + small_print + AXIS_LABEL
    if layout.stacked:
        height += sum(deep) + len(deep) * (head + TICKS)
    else:
        height += max(deep) + head + TICKS
    drawn = Figure(figsize=(width, height))
    panels, y = [], height
    for place, down in enumerate(deep):
        if place == 0 or layout.stacked:
            y -= head + down
        x = layout.left + (0 if layout.stacked else place * (wide + GAP))
        panels.append(drawn.add_axes((x / width, y / height, wide / width, down / height)))
        y -= TICKS if layout.stacked else 0.0
    if lines:
        note = drawn.text(
            LEFT_PAD / width, 0.03 / height, "\n".join(lines), fontsize=7.0, color=FAINT,
            va="bottom", ha="left", linespacing=1.25,
        )  # fmt: skip
        plain(note)
    return drawn, panels


def _label_length(names: Sequence[str], room: float) -> tuple[int, float]:
    """Return how many characters of a name are written, and how many inches those take."""
    longest = min(max(len(name) for name in names), 2 * LONGEST_NAME)

    def broad() -> float:
        return max(text_width(short(boxed(name), longest), 7.0) for name in names)

    while longest > 8 and broad() > room:
        longest -= 1
    return longest, broad()


def _row_labels(ax: Axes, grid: Grid | None, high: float, longest: int) -> None:
    """Write the names at the left, or none where the panel beside has them."""
    ax.set_yticks([])
    if grid is None:
        return
    for i, name in enumerate(grid.names):
        label = ax.annotate(
            short(boxed(name), longest), (0.0, i + 0.5), xytext=(-3, 0), textcoords="offset points",
            ha="right", va="center", fontsize=min(7.0, 72.0 * high / 1.15), annotation_clip=False,
        )  # fmt: skip
        plain(label)


def _crossed(grid: Grid) -> bool:
    """Return whether a level passes between cells."""
    levels = [level for level, _, _ in LEVELS] if grid.measure == "relative_rmse" else []
    return any(borders(grid.trusted, level) for level in levels)


def _title_lines(grid: Grid, room: float) -> list[str]:
    lines = [f"{grid.estimator}: {grid.title}"]
    wide = text_width(lines[0], 7.0, "bold") > 0.96 * room
    return [f"{grid.estimator}:", grid.title] if wide else lines


def _title(ax: Axes, grid: Grid, room: float, raised: bool) -> None:
    """Write what the numbers are, if `raised` above the labels of the levels."""
    lines = _title_lines(grid, room)
    widest = SCREEN * max(text_width(line, 8.5, "bold") for line in lines)
    size = max(5.5, min(8.5, 8.5 * room / widest))
    plain(ax.set_title("\n".join(lines), fontsize=size, pad=12.0 if raised else 4.0))


def _page_note(frame: pd.DataFrame, parts: Sequence[Sequence[str]], page: int) -> list[str]:
    """Return which of the names a page shows, and in which order."""
    every = len(names_of(named(frame)))
    here = parts[page - 1]
    if is_data(frame):
        if len(here) < every:
            return [f"The {len(here)} of {every:,} columns with the largest errors."]
        return []
    if len(parts) == 1:
        return []
    first = sum(len(part) for part in parts[: page - 1]) + 1
    last = first + len(here) - 1
    return [f"Part {page} of {len(parts)}: {thing(frame)}s {first} to {last} of {every}."]


def _mark_notes(grids: Sequence[Grid], numbered: bool) -> list[str]:
    """Return what the marks in the cells mean, of those that there are."""
    notes = []
    if any((np.isfinite(grid.numbers) & ~grid.sure).any() for grid in grids):
        notes.append("(12): no valid error bar." if numbered else "Hatched: no valid error bar.")
    blank = [grid.why_blank for grid in grids if (grid.held & ~np.isfinite(grid.numbers)).any()]
    if blank:
        why = blank[0] if len(set(blank)) == 1 else "undefined"
        notes.append(f"{'–' if numbered else 'White'}: {why}.")
    if numbered and any(is_mixed(grid) for grid in grids):
        also = [grid.estimator for grid in grids if grid.exact[np.isfinite(grid.numbers)].all()]
        notes.append("Dot: exact theory" + (f", as all of {also[0]}." if also else "."))
    crossed = [
        f"{words} at {level:.0f} %"
        for (level, _, _), words in zip(LEVELS, ("solid", "dashed"), strict=True)
        if any(g.measure == "relative_rmse" and borders(g.trusted, level) for g in grids)
    ]
    return [*notes, f"Borders: {' and '.join(crossed)}."] if crossed else notes


def _bars(
    drawn: Figure,
    grids: Sequence[Grid],
    scales: dict[str, Scale],
    layout: Layout,
    width: float,
    lines: int,
) -> None:
    """Draw a bar of shades for every unit, below the panels."""
    height = float(drawn.get_figheight())
    y = LINE * lines + (0.05 if lines else 0.0) + 0.2
    units = list(dict.fromkeys(grid.unit for grid in grids))
    length = min(2.6, (width - layout.left - RIGHT_PAD) / len(units) - 0.3)
    for place, unit in enumerate(units):
        x = layout.left + place * (length + 0.3)
        ax = drawn.add_axes((x / width, y / height, length / width, 0.1 / height))
        grid = next(grid for grid in grids if grid.unit == unit)
        draw_bar(ax, scales[unit], grid, length, upright=False)
