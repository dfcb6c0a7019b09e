"""Panels of dots: a row for every way of scaling, a mark for every model, a bar its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from simnorm.answering.margins import ACCURACY
from simnorm.figures.fitting import fit_title, text_width
from simnorm.figures.glyphs import boxed
from simnorm.figures.legend import Handle, below_legend, note_lines, put_legend, put_note
from simnorm.figures.scales import number
from simnorm.figures.scaling.rows import MADE_NOTE, MADE_WORDS, Point, Run, Scaling, head_words
from simnorm.figures.style import FAINT, INK, beside, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simnorm.figures.marks import Mark

Values = Callable[[str, str, Scaling], Point]

# Points of accuracy that are too few to matter.
MARGIN = 100.0 * ACCURACY
BAND = "#e2e2e2"
# Inches: a row, what a panel takes beside its rows, the widest name of a row.
ROW, REST, NAMES = 0.185, 0.62, 0.85
# More panels side by side share the label of their x axes.
MOST_LABELS = 3
# How far the marks of two models stand apart, in rows.
APART = 0.32
# From so many margins on the axis of differences is logarithmic outside the margin.
FAR = 8.0


class Kind(NamedTuple):
    """What a kind of figure shows.

    Parameters
    ----------
    values
        The number of a data set, model and way of scaling.
    scalings
        The rows, from top to bottom.
    label
        Of the x axis.
    is_difference
        Whether there is a 0 with its margin.
    """

    values: Values
    scalings: Sequence[Scaling]
    label: str
    is_difference: bool = False


def drawn(run: Run, kind: Kind, width: float, across: int, why: str) -> Figure:
    """Draw a panel for every data set, so many side by side; a sentence where none has a number."""
    names = [name for name in run.names if _points(run, kind, name)]
    if not names:
        return empty_figure(f"Nothing to show: {why}.", width)
    usual = min(len(names), across or (2 if len(names) in (2, 4) else 3))
    columns = beside(width, usual, 1.5)
    lines = math.ceil(len(names) / columns)
    row = ROW if columns <= MOST_LABELS else 1.2 * ROW
    height = lines * (row * len(kind.scalings) + REST) + 0.25
    made = Figure(figsize=(width, height), layout="constrained")
    grid = made.subplots(lines, columns, squeeze=False)
    panels = list(grid.ravel())
    room = (width - NAMES) / columns - 0.25
    limits = _limits(run, kind, names) if kind.is_difference else None
    seen: set[str] = set()
    for place, (ax, name) in enumerate(zip(panels, names, strict=False)):
        seen |= _panel(ax, run, kind, name, limits or _limits(run, kind, [name]), room)
        if place % columns:
            ax.tick_params(labelleft=False)
        if place + columns < len(names):
            ax.set_xlabel("")
        # Under narrow panels there is room for one label alone, in the middle.
        if columns > MOST_LABELS and place % columns != (columns - 1) // 2:
            ax.set_xlabel("")
        if not run.is_file:
            fit_title(ax, boxed(head_words(name)), room)
    for ax in panels[len(names) :]:
        ax.set_axis_off()
    handles, labels = _legend(run.marks(), seen)
    slot = panels[-1] if len(panels) > len(names) and width > 5.0 else None
    put_legend(made, handles, labels, slot=slot)
    words = _notes(seen | ({"made"} if any(name in MADE_WORDS for name in names) else set()))
    put_note(made, words)
    made.set_figheight(made.get_figheight() + 0.14 * len(note_lines(words, width)))
    return made


def draw(ax: Axes, run: Run, kind: Kind, why: str) -> None:
    """Draw one data set, the run's first that has a number, on a pair of axes."""
    from simnorm.errors import SimnormError

    name = next((name for name in run.names if _points(run, kind, name)), None)
    if name is None:
        raise SimnormError("kind", "scaling", f"there is nothing to show: {why}")
    width = float(ax.figure.get_figwidth()) if isinstance(ax.figure, Figure) else 5.0
    room = width * float(ax.get_position().width)
    seen = _panel(ax, run, kind, name, _limits(run, kind, [name]), room)
    if not run.is_file:
        fit_title(ax, boxed(head_words(name)), room, float(ax.title.get_fontsize()))
    below_legend(ax, *_legend(run.marks(), seen), columns=max(1, int(room / 1.6)))


def _points(run: Run, kind: Kind, name: str) -> list[Point]:
    """Return the numbers of a data set that are there."""
    found = (kind.values(name, model, one) for model in run.models for one in kind.scalings)
    return [point for point in found if point.is_there]


def _limits(run: Run, kind: Kind, names: Sequence[str]) -> tuple[float, float]:
    """Return the ends of the x axis, with some air."""
    points = [point for name in names for point in _points(run, kind, name)]
    lows = [_ends(point)[0] for point in points]
    highs = [_ends(point)[1] for point in points]
    low, high = min(lows), max(highs)
    if kind.is_difference:
        low, high = min(low, -1.5 * MARGIN), max(high, 1.5 * MARGIN)
        air = 1.0 + 0.25 * (max(-low, high) > FAR * MARGIN)
        return low * air - 0.1 * MARGIN, high * air + 0.1 * MARGIN
    air = 0.05 * max(high - low, 2.0)
    return max(low - air, 0.0 - air), min(high, 100.0) + air


def _ends(point: Point) -> tuple[float, float]:
    return (point.low, point.high) if point.is_sure else (point.value, point.value)


def _panel(
    ax: Axes, run: Run, kind: Kind, name: str, limits: tuple[float, float], room: float
) -> set[str]:
    """Draw one data set; return what the legend has to tell."""
    seen: set[str] = set()
    marks = run.marks()
    count = len(kind.scalings)
    if kind.is_difference:
        ax.axvspan(-MARGIN, MARGIN, zorder=0.5, color=BAND, linewidth=0.0)
        ax.axvline(0.0, color=INK, linewidth=0.7, zorder=1.5)
        seen.add("band")
    for place, (model, mark) in enumerate(marks.items()):
        offset = APART * (place - (len(marks) - 1) / 2.0)
        for at, one in enumerate(kind.scalings):
            point = kind.values(name, model, one)
            if point.is_there:
                seen |= {model} | _dot(
                    ax, point, at + offset, mark, is_share=not kind.is_difference
                )
    ax.set_ylim(count - 0.5, -0.5)
    ax.yaxis.set_major_locator(FixedLocator(range(count)))
    ax.set_yticklabels([one.label for one in kind.scalings])
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    _x_axis(ax, limits, room, kind)
    ax.set_xlabel(kind.label)
    if ax.get_xscale() != "linear":
        seen.add("log")
    return seen


def _dot(ax: Axes, point: Point, at: float, mark: Mark, *, is_share: bool) -> set[str]:
    """Draw one number; return what is special about it."""
    look: dict[str, Any] = {"marker": mark.shape, "markersize": mark.size, "linestyle": "none"}
    if not point.is_sure:
        ax.plot([point.value], [at], color=mark.colour, markerfacecolor="white",
                markeredgewidth=0.9, zorder=3, **look)  # fmt: skip
        return {"hollow"}
    low, high = point.low, point.high
    seen = {"interval"}
    if is_share and (low <= 0.0 or high >= 100.0):
        low, high = max(low, 0.0), min(high, 100.0)
        seen.add("cut")
    ax.plot([low, high], [at, at], color=mark.colour, linewidth=mark.width, zorder=2.5,
            solid_capstyle="butt")  # fmt: skip
    ax.plot([point.value], [at], color=mark.colour, markeredgecolor="white", markeredgewidth=0.5,
            zorder=3, **look)  # fmt: skip
    return seen


def _x_axis(ax: Axes, limits: tuple[float, float], room: float, kind: Kind) -> None:
    """Scale the x axis: of large differences logarithmic outside the margin."""
    low, high = limits
    suffix = "" if kind.is_difference else " %"
    reach = max(-low, high)
    if kind.is_difference and reach > FAR * MARGIN:
        ax.set_xscale("symlog", linthresh=MARGIN, linscale=0.8)
        ax.set_xlim(low, high)
        ax.xaxis.set_major_locator(FixedLocator(_ticks(ax, low, high, room)))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.set_xlim(low, high)
        bins = max(2, min(6, int(room / 0.4)))
        ax.xaxis.set_major_locator(MaxNLocator(nbins=bins, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value) + suffix))


def _ticks(ax: Axes, low: float, high: float, room: float) -> list[float]:
    """Return the ticks of a logarithmic axis of differences whose labels do not meet."""
    powers = [MARGIN * 10.0**power for power in range(3)]
    wanted = [0.0, *(sign * part for part in powers for sign in (-1, 1))]
    wanted += [sign * 3.0 * part for part in powers for sign in (-1, 1)]
    ends = ax.transScale.transform([(low, 1.0), (high, 1.0)])[:, 0]
    chosen: dict[float, tuple[float, float]] = {}
    for tick in wanted:
        if not low <= tick <= high:
            continue
        at = room * (ax.transScale.transform((tick, 1.0))[0] - ends[0]) / (ends[1] - ends[0])
        half = text_width(number(tick), 7.0) / 2.0 + 0.03
        if all(abs(at - other) >= half + wide for other, wide in chosen.values()):
            chosen[tick] = float(at), half
    return sorted(chosen)


def _legend(marks: Mapping[str, Mark], seen: set[str]) -> tuple[list[Handle], list[str]]:
    handles: list[Handle] = []
    labels: list[str] = []
    for model, mark in marks.items():
        if model in seen:
            point: dict[str, Any] = {
                "marker": mark.shape,
                "markersize": mark.size,
                "markeredgecolor": "white",
            }
            handles.append((Line2D([], [], color=mark.colour, linewidth=mark.width, **point),))
            labels.append(f"{mark.name}, 95 % interval" if "interval" in seen else mark.name)
    if "hollow" in seen:
        open_dot: dict[str, Any] = {"marker": "o", "markersize": 4.6, "markerfacecolor": "white"}
        handles.append((Line2D([], [], color=FAINT, linestyle="none", **open_dot),))
        labels.append("no valid error bar")
    if "band" in seen:
        handles.append((Patch(facecolor=BAND),))
        labels.append(f"margin: {MARGIN:g} point")
    return handles, labels


def _notes(seen: set[str]) -> list[str]:
    found = []
    if "log" in seen:
        found.append("The axis is linear inside the margin and logarithmic outside.")
    if "cut" in seen:
        found.append("Intervals are cut at 0 and 100 %.")
    if "made" in seen:
        found.append(MADE_NOTE)
    return found
