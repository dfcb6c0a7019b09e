"""The law of a batch's estimate: a histogram per batch size, above each other as a ridge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from simnorm.figures.choice import thing
from simnorm.figures.fitting import fit_title
from simnorm.figures.legend import inside_legend, note_lines, put_legend, put_note
from simnorm.figures.ridges import (
    Ridge,
    Ridges,
    estimator_shown,
    ridge_names,
    ridges_of,
    unit_words,
    window,
)
from simnorm.figures.style import (
    FAINT,
    INK,
    NARROW,
    PAGE_WIDTH,
    Mark,
    beside,
    empty_figure,
    marks_of,
    number,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import is_data, names_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# A row of the ridge is this part of the way to the next one.
HEIGHT = 0.84
DASHES = (0, (3.0, 1.5))
NO_HISTOGRAMS = "Nothing to show: the run has no histograms of estimates."


@styled
def figure(
    frame: pd.DataFrame, curves: pd.DataFrame, estimator: str = "", width: float = PAGE_WIDTH
) -> Figure:
    """Draw the laws of an estimate, one panel per distribution or column, at most six.

    Every row is a batch size: the histogram of the estimates, the exact law as a thin line, or the
    normal law of the same mean and standard deviation dashed where none is known; a dot is the mean
    of the estimates, the upright line the value that they estimate.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    estimator
        Whose estimates; the featured scale if left out, ``std(ddof=0)`` where the run has it.
    width
        In inches.
    """
    spec, of_data = estimator_shown(frame, curves, estimator), is_data(frame)
    names = ridge_names(frame, curves, spec) if spec else []
    found = [ridges_of(frame, curves, name, spec) for name in names]
    found = [ridges for ridges in found if ridges.rows]
    if not found:
        return empty_figure(NO_HISTOGRAMS, width)
    columns = beside(width, min(3, len(found)) if len(found) != 4 else 2, 1.7)
    count = math.ceil(len(found) / columns)
    rows = max(len(ridges.rows) for ridges in found)
    notes = _notes(frame, found)
    lines = len(note_lines(notes, width)) if notes else 0
    height = count * (0.52 + 0.29 * max(rows, 2)) + 0.42 + 0.14 * lines
    # In a narrow figure the legend has a row for every entry, the label of the x axis two lines.
    height += 0.7 * (width < NARROW)
    drawn = Figure(figsize=(width, height), layout="constrained")
    grid = drawn.subplots(count, columns, squeeze=False)
    marks = marks_of(names_of(frame))
    together = all(ridges.is_scaled for ridges in found)
    ends = window(found) if together else None
    for place, ax in enumerate(grid.flat):
        if place >= len(found):
            ax.set_axis_off()
            continue
        ridges = found[place]
        mark = marks[ridges.name].of(spec)
        _panel(ax, ridges, mark, ends, label=place % columns == 0)
        fit_title(ax, mark.label, width / columns - 0.45)
        if not together or place + columns >= len(found):
            words = unit_words(ridges, of_data)
            ax.set_xlabel(words if width >= NARROW else words.replace(" ÷ ", "\n÷ "), fontsize=7.5)
    slot = grid.flat[-1] if grid.size > len(found) and width >= NARROW else None
    put_legend(drawn, *_legend(found, of_data, spec), slot=slot)
    put_note(drawn, notes)
    return drawn


def draw(
    ax: Axes, frame: pd.DataFrame, curves: pd.DataFrame, name: str = "", estimator: str = ""
) -> None:
    """Draw the panel of one distribution or column on given axes.

    Parameters
    ----------
    ax
        The axes.
    frame, curves
        The tables of a run.
    name
        Which one; the first that the figure shows if left out.
    estimator
        As in `figure`.
    """
    spec = estimator_shown(frame, curves, estimator)
    names = ridge_names(frame, curves, spec) if spec else []
    chosen = name or next(iter(names), "")
    ridges = ridges_of(frame, curves, chosen, spec) if spec else None
    if ridges is None or not ridges.rows:
        say_nothing_to_show(ax, NO_HISTOGRAMS)
        return
    marks = marks_of(names_of(frame))
    mark = marks[chosen].of(spec) if chosen in marks else marks_of([chosen])[chosen].of(spec)
    _panel(ax, ridges, mark, None, label=True)
    ax.set_xlabel(unit_words(ridges, is_data(frame)))
    fit_title(ax, mark.label, 4.0)
    handles, labels = _legend([ridges], is_data(frame), spec)
    # Beside the narrow rows of the largest batches, where there is most room.
    low, high = ax.get_xlim()
    right = ridges.rows[-1].centre < 0.5 * (low + high)
    loc = "lower right" if right else "lower left"
    inside_legend(ax, handles, labels, 7.0, loc=loc)


def _panel(
    ax: Axes, ridges: Ridges, mark: Mark, ends: tuple[float, float] | None, *, label: bool
) -> None:
    """Draw one ridge, the smallest batches on top."""
    low, high = ends or window([ridges])
    count = len(ridges.rows)
    for place, row in enumerate(ridges.rows):
        _row(ax, row, mark, float(count - 1 - place))
    if math.isfinite(ridges.value):
        ax.axvline(ridges.value, color=INK, linewidth=0.7, zorder=1.2)
    ax.set_xlim(low, high)
    ax.set_ylim(-0.14, count - 1 + 1.06)
    ax.yaxis.set_major_locator(FixedLocator([float(count - 1 - i) for i in range(count)]))
    head = "n = " if count == 1 else ""
    sizes = {float(count - 1 - i): head + number(row.n) for i, row in enumerate(ridges.rows)}
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: sizes.get(round(value), "")))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", length=0.0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    if label and count > 1:
        ax.set_ylabel("batch size n")


def _row(ax: Axes, row: Ridge, mark: Mark, base: float) -> None:
    """Draw one histogram on its base line, as high as all others."""
    bins = row.shape
    share, edges = row.share[bins], row.edges[bins.start : bins.stop + 1]
    x, y = row.line
    inside = (x >= edges[0]) & (x <= edges[-1])
    top = max(float(share.max()), float(y[inside].max()) if inside.any() else 0.0) or 1.0
    height = HEIGHT / top
    ax.stairs(
        base + height * share, edges, baseline=base, fill=True, color=mark.colour, alpha=0.38,
        linewidth=0.0, zorder=2,
    )  # fmt: skip
    ax.stairs(base + height * share, edges, baseline=base, color=mark.colour, lw=0.7, zorder=2.1)
    ax.axhline(base, color="#c9c9c9", linewidth=0.5, zorder=1)
    style: dict[str, Any] = {"color": INK, "linewidth": 0.8, "zorder": 3}
    if row.beside == "steps":
        ax.plot(x[inside], base + height * y[inside], linestyle="none", marker="_",
                markersize=4.0, color=INK, markeredgewidth=0.9, zorder=3)  # fmt: skip
    elif row.beside:
        dashes = "-" if row.beside == "exact" else DASHES
        ax.plot(x[inside], base + height * y[inside], linestyle=dashes, **style)
    if math.isfinite(row.mean):
        ax.plot(
            [row.mean], [base], marker=mark.shape, markersize=4.2, color=mark.colour,
            markeredgecolor="white", markeredgewidth=0.6, linestyle="none", zorder=4,
        )  # fmt: skip


def _legend(
    found: Sequence[Ridges], of_data: bool, spec: str
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return what the shapes and lines mean, those that are drawn."""
    every = [row for ridges in found for row in ridges.rows]
    beside = {row.beside for row in every}
    handles: list[tuple[Any, ...]] = [(Patch(facecolor=FAINT, alpha=0.45, linewidth=0),)]
    labels = ["estimates of batches"]

    def add(label: str, **style: Any) -> None:
        looks: dict[str, Any] = {"color": INK, "linewidth": 0.9, **style}
        handles.append((Line2D([], [], **looks),))
        labels.append(label)

    if "exact" in beside:
        add("exact law")
    if "steps" in beside:
        add("exact shares", marker="_", linestyle="none", markersize=6.0)
    if "normal" in beside:
        add("normal law, same mean and sd", linestyle=DASHES)
    if any(math.isfinite(row.mean) for row in every):
        shape = marks_of(["x"])["x"].of(spec).shape
        add("mean of the estimates", marker=shape, linestyle="none", markersize=4.6, color=FAINT)
    if any(math.isfinite(ridges.value) for ridges in found):
        words = "value of the whole column" if of_data else "population value"
        add(words, marker="|", linestyle="none", markersize=9.0)
    return handles, labels


def _notes(frame: pd.DataFrame, found: Sequence[Ridges]) -> list[str]:
    """Return what the figure does not show, in sentences."""
    notes = ["All rows are drawn to the same height."]
    every, shown = len(names_of(frame)), len(found)
    if shown < every:
        which = ", of those with the heaviest tails" if is_data(frame) else ""
        notes.append(f"{shown} of {every:,} {thing(frame)}s{which}.")
    silent = [ridges.name for ridges in found if not math.isfinite(ridges.value)]
    if silent:
        notes.append(f"No value to estimate: {', '.join(silent)}.")
    return notes
