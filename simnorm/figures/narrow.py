"""Figures of studies in the column of a journal: panels below each other, and room for legends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches: narrower figures have no room for panels side by side.
NARROW = 5.0
# So many rows of a legend are part of a figure's height.
ROWS, ROW = 2, 0.16


def shape_of(count: int, width: float, most: int = 1) -> tuple[int, int]:
    """Return rows and columns of so many panels: one row, in a narrow figure `most` columns.

    Examples
    --------
    >>> shape_of(4, 6.7), shape_of(4, 3.4), shape_of(4, 3.4, 2), shape_of(1, 3.4, 2)
    ((1, 4), (4, 1), (2, 2), (1, 1))
    """
    columns = count if width >= NARROW else min(count, most)
    return math.ceil(count / columns), columns


def make_room(figure: Figure) -> None:
    """Make a figure higher for the rows of its legend beyond the second."""
    for legend in figure.legends:
        texts = [text for text in legend.get_texts() if text.get_text()]
        columns = getattr(legend, "_ncols", 1)
        more = math.ceil(len(texts) / columns) - ROWS
        if texts and more > 0:
            figure.set_figheight(figure.get_figheight() + ROW * more)
