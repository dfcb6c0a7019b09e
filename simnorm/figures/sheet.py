"""Grids of panels laid out by hand, in inches.

A layout that matplotlib finds by itself is found by drawing everything once more than needed, and
takes half of the time of a report's figures. Here sizes are known beforehand: those of texts are
measured one by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from simnorm.figures.fitting import text_width
from simnorm.figures.legend import Handle, note_lines, row_legend, slot_legend
from simnorm.figures.style import FAINT, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches: a line of a title, between a title and its axes, between rows, tick labels below axes,
# the label of the x axis, the edge of the page.
TITLE = 0.145
TITLE_PAD = 0.07
BETWEEN = 0.13
TICKS = 0.21
X_LABEL = 0.16
EDGE = 0.04
NOTE = 0.132
LEGEND = 0.165
KEY = 0.38


@dataclass
class Sheet:
    """A figure of `count` panels in `columns` columns, whose axes are `height` inches high.

    Parameters
    ----------
    figure
        The figure, without a layout of its own.
    axes
        The axes of the panels, row by row.
    columns
        How many panels are side by side.
    height, heights
        Of the axes, in inches: of all rows, and of each if they differ.
    left, right
        What lies beside the axes of each column, in inches.
    labelled
        The panels with tick labels and a label below; all others have none.
    legend, legend_size
        Handles and labels, and the size of their type.
    notes, note_size
        The small print below, and the size of its type.
    scale
        How much larger than usual the type of titles and axes is.
    x_lines
        How many lines the labels of the x axes have.
    outdent
        How far left of where axes would begin the legend stands in an empty place, in inches.
    taken
        Whether names stand in the empty place of the grid, so that the legend cannot.
    """

    figure: Figure
    axes: list[Axes]
    columns: int
    height: float
    heights: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    labelled: frozenset[int] = frozenset()
    legend: tuple[list[Handle], list[str]] = field(default_factory=lambda: ([], []))
    legend_size: float = 7.5
    notes: list[str] = field(default_factory=list)
    note_size: float = 7.0
    scale: float = 1.0
    x_lines: int = 1
    outdent: float = 0.0
    taken: bool = False

    @classmethod
    def of(cls, width: float, count: int, columns: int, *heights: float) -> Sheet:
        """Return a sheet so many inches wide, with one height for all rows or one for each."""
        each = list(heights) if len(heights) > 1 else [heights[0]] * math.ceil(count / columns)
        figure = Figure(figsize=(width, 1.0))
        axes = [figure.add_axes((0.0, 0.0, 1.0, 1.0), label=str(i)) for i in range(count)]
        below = frozenset(range(max(0, count - columns), count))
        return cls(
            figure, axes, columns, heights[0], each, [0.6] * columns, [EDGE] * columns, below
        )

    @property
    def rows(self) -> int:
        """How many rows of panels there are."""
        return math.ceil(len(self.axes) / self.columns)

    @property
    def across(self) -> float:
        """How wide the axes are: the same in all columns."""
        used = sum(self.left) + sum(self.right)
        return max(0.3, (float(self.figure.get_figwidth()) - used) / self.columns)

    @property
    def slot(self) -> bool:
        """Whether the legend fits into an empty place of the grid."""
        labels = self.legend[1]
        if self.taken or self.rows * self.columns == len(self.axes) or not labels:
            return False
        widest = max(text_width(label, self.legend_size) for label in labels)
        left = self._start(len(self.axes) % self.columns) - self.outdent
        narrow = left + widest + KEY > float(self.figure.get_figwidth())
        return not narrow and LEGEND * len(labels) <= self.height + BETWEEN

    def arrange(self) -> None:
        """Set the height of the figure and the places of all axes."""
        width = float(self.figure.get_figwidth())
        foot = NOTE * self.note_size / 7.0 * len(self._lines()) + (EDGE if self.notes else 0.0)
        strip = 0.0 if self.slot else self._legend_height()
        tops = [self._title(row) for row in range(self.rows)]
        last = self._below(self.rows - 1)
        gaps = [self._below(row) for row in range(self.rows - 1)]
        total = EDGE + strip + sum(tops) + sum(self.heights) + sum(gaps) + last + foot
        self.figure.set_size_inches(width, total)
        bottom = total - EDGE - strip
        for row in range(self.rows):
            bottom -= tops[row] + self.heights[row]
            for column in range(self.columns):
                place = row * self.columns + column
                if place < len(self.axes):
                    high = self.heights[row]
                    self._put(self.axes[place], self._start(column), bottom, high, total)
            bottom -= [*gaps, last][row]

    def _put(self, ax: Axes, left: float, bottom: float, high: float, total: float) -> None:
        width = float(self.figure.get_figwidth())
        ax.set_position((left / width, bottom / total, self.across / width, high / total))

    def _start(self, column: int) -> float:
        """Return where the axes of a column begin."""
        before = sum(self.left[: column + 1]) + sum(self.right[:column])
        return before + column * self.across

    def _title(self, row: int) -> float:
        some = self.axes[row * self.columns : (row + 1) * self.columns]
        titles = [ax.get_title(loc="left") for ax in some]
        lines = max((title.count("\n") + 1 for title in titles if title), default=0)
        return TITLE_PAD + lines * TITLE * self.scale if lines else 0.0

    def _below(self, row: int) -> float:
        """Return the space below a row: for labels, unless these fall into an empty place."""
        end = row == self.rows - 1
        first = row * self.columns
        inside = [
            place for place in range(first, min(first + self.columns, len(self.axes)))
            if place in self.labelled and (end or place + self.columns < len(self.axes))
        ]  # fmt: skip
        if not inside:
            return BETWEEN
        return self.scale * (TICKS + X_LABEL * self.x_lines) + (0.0 if end else BETWEEN)

    def _lines(self) -> list[str]:
        width = float(self.figure.get_figwidth())
        return note_lines(self.notes, width, self.note_size) if self.notes else []

    def _legend_height(self) -> float:
        handles, labels = self.legend
        if not handles:
            return 0.0
        columns = legend_columns(labels, float(self.figure.get_figwidth()), self.legend_size)
        rows = math.ceil(len(labels) / columns)
        return LEGEND * self.legend_size / 7.5 * rows + 0.1

    def furnish(self) -> None:
        """Put the legend and the small print in their places; the last thing to be done."""
        width, total = (float(inches) for inches in self.figure.get_size_inches())
        handles, labels = self.legend
        if handles and self.slot:
            column = len(self.axes) % self.columns
            left = (self._start(column) - self.outdent) / width
            middle = self.axes[-1].get_position()
            slot_legend(
                self.figure, handles, labels, (left, (middle.y0 + middle.y1) / 2), self.legend_size
            )
        elif handles:
            columns = legend_columns(labels, width, self.legend_size)
            row_legend(
                self.figure, handles, labels, (0.5, 1.0 - EDGE / total), columns, self.legend_size
            )
        if self.notes:
            note = self.figure.text(
                EDGE / width, EDGE / total, "\n".join(self._lines()), fontsize=self.note_size,
                color=FAINT, va="bottom", ha="left", linespacing=1.25,
            )  # fmt: skip
            plain(note)

    def label(self, ax: Axes, x: str, y: str) -> None:
        """Label axes at places that need no looking for."""
        size = 8.0 * self.scale
        if x:
            plain(ax.set_xlabel(x, fontsize=size))
            high = self.heights[self.axes.index(ax) // self.columns]
            ax.xaxis.set_label_coords(0.5, -TICKS * self.scale / high)
        if y:
            plain(ax.set_ylabel(y, fontsize=size))
            ax.yaxis.set_label_coords(-(ticks_room(ax) + 0.02) / self.across, 0.5)


def legend_columns(labels: Sequence[str], width: float, size: float) -> int:
    """Return how many columns a legend over a whole figure has: as many as fit, rows alike."""
    room = [text_width(label, size) + 4.4 * size / 72.0 for label in labels]
    for columns in range(len(labels), 1, -1):
        # Filled column by column, each as wide as its widest label.
        rows = math.ceil(len(labels) / columns)
        widths = [max(room[at : at + rows]) for at in range(0, len(labels), rows)]
        # Equal rows: seven entries in six columns would leave one alone in the second row.
        if sum(widths) <= width and len(widths) == columns:
            return columns
    return 1


def ticks_room(ax: Axes, size: float = 0.0) -> float:
    """Return how many inches the labels of the y axis take, with their ticks."""
    axis = ax.yaxis
    low, high = sorted(ax.get_ylim())
    values = [value for value in axis.get_major_locator()() if low <= value <= high]
    texts = axis.get_major_formatter().format_ticks(values)
    size = size or float(axis.get_major_ticks(1)[0].label1.get_fontsize())
    return max((text_width(text, size) for text in texts), default=0.0) + 0.11


def label_room(label: str, size: float = 8.0) -> float:
    """Return how many inches a label beside the y axis takes."""
    return 0.0 if not label else 0.04 + 1.3 * size / 72.0 * (label.count("\n") + 1)
