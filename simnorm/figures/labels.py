"""Names beside the right ends of curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection

from simnorm.figures.cells import Cells, all_alike
from simnorm.figures.fitting import cut, text_width
from simnorm.figures.style import FAINT, plain
from simnorm.figures.tables import word_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.marks import Mark

TYPE = 7.0
# Where the names begin, in inches beside the axes, and how far lines of text are apart.
ASIDE = 0.11
LINE = 1.2
# Fewer letters of a cut name say too little.
LEAST = 9
# Names inside axes take at most this part of the width.
SHARE = 0.36
# Ends that differ by this share of the largest one hide each other.
NEAR = 0.2


def fitted(marks: Mapping[str, Mark], room: float, size: float, height: float) -> dict[str, str]:
    """Return a label for every name, at most `room` inches wide, or nothing if they do not fit.

    A distribution whose parameters find no room is named by its word, if no other has that word;
    other names are cut. Labels are all different and stand above each other in `height` inches.

    Examples
    --------
    >>> from simnorm.figures.marks import marks_of
    >>> marks = marks_of(["normal", "contaminated_normal(p=0.1,ratio=5)"])
    >>> list(fitted(marks, 1.2, 7.0, 1.2).values())
    ['normal', 'contaminated_normal']
    >>> fitted(marks, 0.4, 7.0, 1.2)
    {}
    """
    if len(marks) * LINE * size / 72.0 > 1.15 * height:
        return {}
    words = [word_of(name) for name in marks]
    labels: dict[str, str] = {}
    for name, mark in marks.items():
        label, word = mark.label_within(200), word_of(name)
        if text_width(label, size) > room:
            alone = words.count(word) == 1 and word != name
            fits = alone and text_width(word, size) <= room
            label = word if fits else cut(label, room, size)
            if not fits and len(label) < LEAST:
                return {}
        labels[name] = label
    return labels if len(set(labels.values())) == len(labels) else {}


def room_of(labels: Mapping[str, str], size: float) -> float:
    """Return how many inches labels take beside the axes, with the lines that lead to them."""
    return ASIDE + max((text_width(label, size) for label in labels.values()), default=0.0) + 0.1


def ends_of(
    rows: pd.DataFrame, marks: Mapping[str, Mark], factor: float, positive: bool = True
) -> dict[str, tuple[float, float]]:
    """Return the last drawn point of every name: the estimate, or theory without one."""
    ends: dict[str, tuple[float, float]] = {}
    cells = Cells.of(rows)
    y = factor * np.where(np.isfinite(cells.estimate), cells.estimate, cells.theory)
    keep = np.isfinite(y) & ((y > 0.0) | (not positive))
    for name in marks:
        mine = np.flatnonzero(keep & (cells.name == name))
        if mine.size:
            ends[name] = (float(cells.size[mine[-1]]), float(y[mine[-1]]))
    return ends


def one_label(rows: pd.DataFrame, ends: Mapping[str, tuple[float, float]]) -> bool:
    """Return whether one label does for all: theory is the same, and the ends lie together."""
    values = [y for _, y in ends.values()]
    if len(values) < 2 or not all_alike(rows):
        return False
    return max(values) - min(values) <= NEAR * max(abs(value) for value in values)


def name_curves(
    ax: Axes,
    rows: pd.DataFrame,
    marks: Mapping[str, Mark],
    labels: Mapping[str, str],
    inches: tuple[float, float],
    factor: float = 1.0,
    positive: bool = True,
    size: float = 7.0,
    level: bool = False,
) -> None:
    """Write every name beside the end of its curve; one label if theory says that all agree.

    Parameters
    ----------
    ax
        Axes whose limits and place are set.
    rows
        What was drawn.
    marks, labels
        The look and the label of every name.
    inches
        Width and height of the axes.
    factor, positive
        As in `simnorm.figures.cells.draw_cells`.
    size
        Of the type.
    level
        Whether all curves lie on one line: then the names stand in a list in the order of drawing.
    """
    ends = ends_of(rows, marks, factor, positive)
    if len(ends) < 1:
        return
    if one_label(rows, ends):
        _one_for_all(ax, list(ends.values()), inches, size)
        return
    gap = LINE * size / 72.0 / inches[1]
    heights = {name: _fraction(ax, end) for name, end in ends.items()}
    ordered = list(reversed(ends)) if level else sorted(ends, key=lambda name: heights[name][1])
    middle = _fraction(ax, (1.0, 0.0))[1] if level else 0.0
    places = spread([middle if level else heights[name][1] for name in ordered], gap)
    aside = ASIDE / inches[0]
    for name, place in zip(ordered, places, strict=True):
        text = ax.text(
            1.0 + aside, place, labels[name], transform=ax.transAxes, va="center", ha="left",
            color=marks[name].colour, fontsize=size,
        )  # fmt: skip
        plain(text)
    if not level:
        off = 0.045 / inches[0]
        lines = [
            [(heights[name][0] + off, heights[name][1]), (1.0 + 0.85 * aside, place)]
            for name, place in zip(ordered, places, strict=True)
        ]
        _lead(ax, lines, [marks[name].colour for name in ordered])


def name_inside(
    ax: Axes,
    rows: pd.DataFrame,
    marks: Mapping[str, Mark],
    inches: tuple[float, float],
    factor: float,
    positive: bool,
    size: float = 7.0,
) -> bool:
    """Make room at the right within axes, and write the names there; return whether they fit.

    Beside the axes of a user may be other axes, so that nothing may stand there.
    """
    wide = inches[0]
    labels = fitted(marks, SHARE * wide, size, inches[1])
    if not labels:
        return False
    part = 1.0 - room_of(labels, size) / wide
    low, high = (math.log(end) for end in ax.get_xlim())
    ax.set_xlim(math.exp(low), math.exp(low + (high - low) / part))
    gap = LINE * size / 72.0 / inches[1]
    ends = ends_of(rows, marks, factor, positive)
    points = {name: _fraction(ax, end) for name, end in ends.items()}
    ordered = sorted(points, key=lambda name: points[name][1])
    places = spread([points[name][1] for name in ordered], gap)
    off, aside = 0.045 / wide, ASIDE / wide
    for name, place in zip(ordered, places, strict=True):
        text = ax.text(
            part + aside, place, labels[name], transform=ax.transAxes, va="center", ha="left",
            color=marks[name].colour, fontsize=size,
        )  # fmt: skip
        plain(text)
    lines = [
        [(points[name][0] + off, points[name][1]), (part + 0.85 * aside, place)]
        for name, place in zip(ordered, places, strict=True)
    ]
    _lead(ax, lines, [marks[name].colour for name in ordered])
    return True


def _one_for_all(
    ax: Axes, ends: Sequence[tuple[float, float]], inches: tuple[float, float], size: float
) -> None:
    """Write one label for curves that hide each other."""
    _, y = _fraction(ax, ends[0])
    half = LINE * size / 72.0 / inches[1]
    text = ax.text(
        1.0 + ASIDE / inches[0], min(max(y, half), 1.0 - half), f"all {len(ends)}\nalike",
        transform=ax.transAxes, va="center", ha="left", color=FAINT, fontsize=size,
    )  # fmt: skip
    plain(text)


def say_alike(
    ax: Axes, rows: pd.DataFrame, marks: Mapping[str, Mark], factor: float, positive: bool
) -> None:
    """Write into a panel without names that all curves agree, in the corner that is left free."""
    ends = ends_of(rows, marks, factor, positive)
    if not one_label(rows, ends):
        return
    falls = _fraction(ax, next(iter(ends.values())))[1] < 0.5
    text = ax.text(
        0.97, 0.95 if falls else 0.05, f"all {len(ends)} alike", transform=ax.transAxes,
        va="top" if falls else "bottom", ha="right", color=FAINT, fontsize=TYPE,
    )  # fmt: skip
    plain(text)


def _lead(ax: Axes, lines: list[list[tuple[float, float]]], colours: list[str]) -> None:
    leaders = LineCollection(
        lines, colors=colours, linewidths=0.6, alpha=0.7, transform=ax.transAxes, clip_on=False
    )
    leaders.set_gid("leaders")
    ax.add_collection(leaders, autolim=False)


def _fraction(ax: Axes, point: tuple[float, float]) -> tuple[float, float]:
    """Return a point of the data in parts of the axes, kept inside them."""
    x, y = ax.transAxes.inverted().transform(ax.transData.transform(point))
    return float(np.clip(x, 0.0, 1.0)), float(np.clip(y, 0.0, 1.0))


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return ascending positions near the wanted ones, at least `gap` apart, from 0 to 1.

    Where they do not fit, they go on below 0.

    Examples
    --------
    >>> [round(p, 2) for p in spread([0.50, 0.51, 0.90], 0.1)]
    [0.46, 0.56, 0.9]
    >>> [round(p, 2) for p in spread([0.98, 0.99, 1.0], 0.1)]
    [0.8, 0.9, 1.0]
    """
    places = _pushed(wanted, gap)
    if places and places[-1] > 1.0:
        places = [
            1.0 - place for place in reversed(_pushed([1.0 - p for p in reversed(places)], gap))
        ]
    return places


def _pushed(wanted: Sequence[float], gap: float) -> list[float]:
    """Return ascending positions pushed apart, none of them below 0."""
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
