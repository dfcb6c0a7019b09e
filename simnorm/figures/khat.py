"""Heavy tails: which error bars theory refuses, and the Pareto k-hat of what was drawn.

A run without outliers looks fine, so a small k-hat proves nothing where theory says no: what theory
says stands above the points, and points that it refuses are hollow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.errors import SimnormError, nearest
from simnorm.figures.cells import RIM
from simnorm.figures.choice import thing
from simnorm.figures.khat_cells import (
    DOUBT,
    NO_ERROR_BAR,
    NO_MOMENT,
    REFUSED,
    cells_of,
    doubtful_names,
    told_apart,
    wanted,
)
from simnorm.figures.khat_ledger import (
    MEANING,
    SMALL,
    Axis,
    draw_ledger,
    place_of,
    spans_of,
)
from simnorm.figures.panels import note_lines, text_width
from simnorm.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    empty_figure,
    marker_of,
    marks_of,
    number,
    plain,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import estimators_of, floats, names_of, short
from simnorm.khat import FEWEST_FOR_KHAT, LARGEST_AMBER_KHAT, LARGEST_KHAT

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw", "figure", "wanted"]

# Upper end, tint and word of each band of k-hat; the tints fall in lightness too.
BANDS = (
    (LARGEST_AMBER_KHAT, "#eef6ef", "fine"),
    (LARGEST_KHAT, "#fbeecb", "near the limit"),
    (math.inf, "#f3d3c4", "too heavy"),
)
# More rows of the ledger crowd a panel.
MOST_ESTIMATORS = 8
# Points of more batch sizes than this are small.
MANY_SIZES = 20
# Inches.
ROW, PANEL, HEAD, FOOT, GAP, RIGHT, LINE = 0.125, 1.15, 0.25, 0.36, 0.22, 0.82, 0.135


@dataclass(frozen=True)
class Layout:
    """Panels side by side; inches left of them, and of each."""

    columns: int
    left: float
    wide: float


@styled
def figure(
    frame: pd.DataFrame, estimator: str = "", reference: str = "", width: float = PAGE_WIDTH
) -> Figure:
    """Draw k-hat of the mean square against batch size, a panel for each of the worst six names.

    Parameters
    ----------
    frame
        The tidy table.
    estimator
        The only one; nothing for all, of more than eight those most in doubt.
    reference
        ``"full_set"`` or ``"population"``; nothing for the full set where the table has it.
    width
        Width in inches.
    """
    every = _chosen(frame, estimator, reference)
    why = _nothing(every)
    if why:
        return empty_figure(why, width)
    cells = every[every["estimator"].isin(told_apart(every))]
    names = doubtful_names(cells, frame)
    shown = cells[cells["name"].isin(names)]
    axis = _axis(shown, frame)
    layout = _layout(len(names), axis, width)
    notes = [*_stands_for(every, cells), *_notes(shown, names, axis, frame, layout.wide)]
    lines = note_lines(notes, width) if notes else []
    drawn, panels = _panels(len(names), axis, layout, width, lines)
    marks = marks_of(names_of(frame))
    for place, (ax, name) in enumerate(zip(panels, names, strict=True)):
        last = place % layout.columns == layout.columns - 1 or place == len(names) - 1
        mine = cells[cells["name"] == name]
        _panel(ax, mine, marks[name], axis, first=place % layout.columns == 0, last=last)
    return drawn


def draw(
    ax: Axes, frame: pd.DataFrame, name: str = "", estimator: str = "", reference: str = ""
) -> None:
    """Draw the panel of one distribution or column on given axes.

    Parameters
    ----------
    ax
        The axes; what theory says goes above them.
    frame, estimator, reference
        As in `figure`.
    name
        The distribution or column; nothing for the one most in doubt.

    Raises
    ------
    SimnormError
        If the table has no such estimator, name or reference.
    """
    cells = _chosen(frame, estimator, reference)
    cells = cells[cells["estimator"].isin(told_apart(cells))]
    why = _nothing(cells)
    if why:
        say_nothing_to_show(ax, why)
        return
    known = names_of(frame)
    if name and name not in known:
        raise SimnormError("name", name, "this table has " + ", ".join(known), nearest(name, known))
    name = name or doubtful_names(cells, frame, 1)[0]
    mine = cells[cells["name"] == name]
    _panel(ax, mine, marks_of(known)[name], _axis(mine, frame), first=True, last=True)


def _stands_for(every: pd.DataFrame, shown: pd.DataFrame) -> list[str]:
    """Return a sentence on the estimators that another one stands for, or nothing."""
    left = [spec for spec in estimators_of(every) if spec not in set(shown["estimator"])]
    if not left:
        return []
    verb = "looks like its kin" if len(left) == 1 else "look like their kin"
    return [f"{' and '.join(left)} {verb} with the other divisor."]


def _chosen(frame: pd.DataFrame, estimator: str, reference: str) -> pd.DataFrame:
    known = estimators_of(frame)
    if estimator and estimator not in known:
        hint = nearest(estimator, known).strip()
        raise SimnormError("estimator", estimator, "this table has " + ", ".join(known), hint)
    cells = cells_of(frame, reference)
    return cells[cells["estimator"] == estimator] if estimator else cells


def _nothing(cells: pd.DataFrame) -> str:
    """Return why there is nothing to show, or nothing."""
    if cells.empty:
        return "Nothing to show: no cell has a mean square that its tails could put in doubt."
    judged = np.isfinite(floats(cells, "khat")).any()
    if judged or cells["verdict"].isin([NO_MOMENT, NO_ERROR_BAR]).any():
        return ""
    return f"Nothing to show: {_no_khat(cells)}"


def _no_khat(cells: pd.DataFrame) -> str:
    most = int(cells["replications"].max())
    if most < FEWEST_FOR_KHAT:
        return f"no k-hat, which takes {FEWEST_FOR_KHAT} replications or more: this run has {most}."
    return "no k-hat, because the largest errors of every cell repeat."


def _axis(cells: pd.DataFrame, frame: pd.DataFrame) -> Axis:
    khat = floats(cells, "khat")
    khat = khat[np.isfinite(khat)]
    low = min(-0.05, float(khat.min()) - 0.05) if khat.size else -0.05
    high = max(0.75, 1.06 * float(khat.max())) if khat.size else 0.75
    sizes = tuple(sorted({int(n) for n in frame["batch_size"]}))
    return Axis(sizes, _estimators(cells), low, high)


def _estimators(cells: pd.DataFrame) -> tuple[str, ...]:
    """Return all estimators if they fit, otherwise those that most cells of are in doubt."""
    specs = estimators_of(cells)
    counts = cells[cells["verdict"] != "green"].groupby("estimator").size().to_dict()
    chosen = sorted(specs, key=lambda spec: -counts.get(spec, 0))[:MOST_ESTIMATORS]
    return tuple(spec for spec in specs if spec in chosen)


def _layout(count: int, axis: Axis, width: float) -> Layout:
    columns = 1 if width < 5.0 or count == 1 else 2 if count in (2, 4) else 3
    left = 0.34 + max(text_width(short(spec, 20), SMALL) for spec in axis.estimators)
    wide = min(3.4, (width - left - RIGHT - (columns - 1) * GAP) / columns)
    return Layout(columns, left, wide)


def _panels(
    count: int, axis: Axis, layout: Layout, width: float, lines: Sequence[str]
) -> tuple[Figure, list[Axes]]:
    """Return a figure of a fixed layout, measured in inches, and its panels."""
    each = HEAD + ROW * len(axis.estimators) + 0.05 + PANEL + FOOT
    small_print = LINE * len(lines) + 0.1 if lines else 0.0
    height = math.ceil(count / layout.columns) * each + small_print
    drawn = Figure(figsize=(width, height))
    if lines:
        note = drawn.text(
            0.1 / width, 0.04 / height, "\n".join(lines), fontsize=7.0, color=FAINT, va="bottom",
            linespacing=1.25,
        )  # fmt: skip
        plain(note)
    panels = []
    for place in range(count):
        x = layout.left + (place % layout.columns) * (layout.wide + GAP)
        y = height - (place // layout.columns + 1) * each + FOOT
        box = (x / width, y / height, layout.wide / width, PANEL / height)
        panels.append(drawn.add_axes(box))
    return drawn, panels


def _panel(
    ax: Axes, cells: pd.DataFrame, mark: Mark, axis: Axis, *, first: bool, last: bool
) -> None:
    """Draw one name: what was drawn, and above it what theory says."""
    box = ax.get_window_extent()
    dpi = float(ax.figure.get_figure(root=True).dpi)
    wide, high = box.width / dpi, box.height / dpi
    batch_size_axis(ax, axis.sizes, wide)
    ax.set_xlim(*axis.ends)
    ax.set_ylim(axis.low, axis.high)
    ax.grid(visible=False)
    _bands(ax, axis, words=last)
    _points(ax, cells, mark, axis)
    between = (LARGEST_KHAT - LARGEST_AMBER_KHAT) / (axis.high - axis.low) * high
    lower = [LARGEST_AMBER_KHAT] if between > 0.1 else []
    ticks = [0.0, *lower, LARGEST_KHAT, *_beyond(axis.high)]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    ax.tick_params(labelleft=first)
    if first:
        ax.set_ylabel("k-hat", labelpad=2.0)
    if not np.isfinite(floats(cells, "khat")).any():
        _say(ax, cells)
    strip = ax.inset_axes((0.0, 1.0 + 0.04 / high, 1.0, ROW * len(axis.estimators) / high))
    draw_ledger(strip, cells, axis, wide, named=first)
    longest = len(mark.name)
    while longest > 8 and text_width(mark.label_within(longest), 8.5, "bold") > wide:
        longest -= 1
    plain(strip.set_title(mark.label_within(longest), color=INK, fontsize=8.5, pad=3.0))


def _beyond(high: float) -> list[float]:
    """Return one or two round values of k-hat above the limit."""
    step = 0.5 if high < 2.2 else float(math.ceil(high / 3.0))
    return [tick for tick in (step * i for i in range(1, 5)) if LARGEST_KHAT + 0.2 < tick < high]


def _bands(ax: Axes, axis: Axis, *, words: bool) -> None:
    low = axis.low
    for limit, tint, word in BANDS:
        high = min(limit, axis.high)
        ax.axhspan(low, high, facecolor=tint, edgecolor="none", zorder=0)
        if limit < axis.high:
            ax.axhline(limit, color="white", linewidth=0.8, zorder=0.5)
        if words:
            ax.annotate(
                word, (1.0, (low + high) / 2.0), xycoords=("axes fraction", "data"), xytext=(4, 0),
                textcoords="offset points", ha="left", va="center", fontsize=6.5, color=FAINT,
                annotation_clip=False,
            )  # fmt: skip
        low = high


def _points(ax: Axes, cells: pd.DataFrame, mark: Mark, axis: Axis) -> None:
    """Draw k-hat, hollow where theory has refused the error bar already."""
    for place, spec in enumerate(axis.estimators):
        mine = cells[cells["estimator"] == spec]
        look = mark.of(spec)
        n, khat = floats(mine, "batch_size"), floats(mine, "khat")
        x = n * _aside(place, axis)
        size = look.size * (0.95 if len(axis.sizes) <= MANY_SIZES else 0.5)
        refused = mine["verdict"].isin(REFUSED).to_numpy(dtype=bool)
        for some, face, edge in ((refused, "white", mark.colour), (~refused, mark.colour, "white")):
            keep = some & np.isfinite(khat)
            if keep.any():
                ax.plot(
                    x[keep], khat[keep], linestyle="none", marker=marker_of(spec), zorder=3,
                    markersize=size - (RIM if face == "white" else 0.0), markerfacecolor=face,
                    markeredgecolor=edge,
                    markeredgewidth=RIM if face == "white" else 0.4,
                )  # fmt: skip


def _aside(place: int, axis: Axis) -> float:
    """Return the factor that moves an estimator's points aside of those of the others."""
    count = len(axis.estimators)
    return math.exp(0.7 * axis.step * ((place + 0.5) / count - 0.5))


def _say(ax: Axes, cells: pd.DataFrame) -> None:
    most = int(cells["replications"].max())
    refused = (cells["verdict"] == NO_MOMENT).all()
    words = "no k-hat:\nnothing to estimate" if refused else f"no k-hat\n(R = {most:,})"
    ax.text(
        0.5, 0.5, words, ha="center", va="center", transform=ax.transAxes, color=FAINT,
        fontsize=7.0,
    )  # fmt: skip


def _notes(
    cells: pd.DataFrame, names: Sequence[str], axis: Axis, frame: pd.DataFrame, wide: float
) -> list[str]:
    """Return what is left out, and what no words in the figure say."""
    notes = []
    every = len(names_of(frame))
    if len(names) < every:
        doubted = set(cells["verdict"]) & set(DOUBT)
        which = " most in doubt" if doubted else ""
        notes.append(f"The {len(names)} of {every:,} {thing(frame)}s{which}.")
    specs = estimators_of(cells)
    if len(axis.estimators) < len(specs):
        notes.append(f"{len(axis.estimators)} of {len(specs)} estimators.")
    silent = {
        spans[i][0]
        for name in names
        for spans in spans_of(cells[cells["name"] == name], axis).values()
        for i in range(len(spans))
        if place_of(spans, i, axis, wide) is None
    }
    notes += [MEANING[word] for word in REFUSED if word in silent]
    judged = np.isfinite(floats(cells, "khat"))
    if (cells["verdict"].isin(REFUSED) & judged).any():
        notes.append("Hollow: refused above, whatever k-hat says.")
    if not judged.any():
        notes.append(_no_khat(cells).replace("no", "No", 1))
    return notes
