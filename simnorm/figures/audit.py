"""The audit: z of every question against exact theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnorm.figures.choice import thing
from simnorm.figures.legend import below_legend
from simnorm.figures.panels import DASHES, Handle, put_legend, put_note
from simnorm.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    beside,
    empty_figure,
    marks_of,
    plain,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import LONGEST_NAME, floats, is_data, named, names_of, short
from simnorm.questions import MEASURES, independent_questions, sidak_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from simnorm.figures.style import Mark
    from simnorm.figures.tables import Floats

# More strips than these do not fit beside their names, more points slow every viewer down.
MOST_STRIPS = 8
MOST_POINTS = 2000
FARTHEST = 10.0
# Inches: beside more strips the quantiles stay square, at the top.
HIGH = 3.4
OTHERS = "#b5b5b5"
NOTHING = "Nothing to audit: no row has both an error bar and exact theory."
SHAPES = {"bias": "o", "variance": "D"}


@styled
def figure(frame: pd.DataFrame, width: float = PAGE_WIDTH) -> Figure:
    """Draw z by distribution with Sidak's bound, and their normal quantile plot beside it.

    Of many columns of data, those with the largest |z| have a strip.
    """
    asked, every, present = _asked(frame)
    if asked.empty:
        return empty_figure(NOTHING, width)
    bound = sidak_bound(len(asked), int(asked["replications"].min()))
    few = len(present) < len(names_of(asked))
    marks = marks_of(present if few else every)
    # At most as high as a page has room.
    height = min(max(2.2, 0.31 * len(present) + 1.05), 7.4)
    stacked = beside(width, 2, 2.6) == 1
    drawn = Figure(figsize=(width, height + 2.0 * stacked), layout="constrained")
    if stacked:
        left, right = drawn.subplots(2, 1, height_ratios=[height - 0.6, 1.6])
    else:
        left, right = drawn.subplots(1, 2, width_ratios=[1.5, 1.0])
    _strips(left, asked, marks, present, bound)
    left.set_title(f"By {thing(frame)}")
    _quantiles(right, asked, marks, bound)
    if height > HIGH and not stacked:
        right.set_box_aspect(1.0)
        right.set_anchor("N")
    put_legend(drawn, *_legend(asked, bound))
    notes = []
    if few:
        count = len(names_of(asked))
        notes.append(
            f"At the left the {len(present)} of {count:,} columns with the largest |z|; "
            "at the right all, these in their colours."
        )
    if len(asked) > MOST_POINTS:
        notes.append("Of the z in the middle only some are drawn.")
    if float(np.abs(floats(asked, "z")).max()) > FARTHEST * bound:
        notes.append("What lies farther out stands at the edge.")
    put_note(drawn, notes)
    return drawn


def draw(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw z by distribution, or of the columns with the largest |z|, on given axes."""
    asked, every, present = _asked(frame)
    if asked.empty:
        say_nothing_to_show(ax, NOTHING)
        return
    bound = sidak_bound(len(asked), int(asked["replications"].min()))
    few = len(present) < len(names_of(asked))
    _strips(ax, asked, marks_of(present if few else every), present, bound)
    handles, labels = _legend(asked, bound)
    # What chance gives is a line of the quantile plot.
    below_legend(ax, handles[:-1], labels[:-1])


def _asked(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Return the questions, all names, and those that have a strip: of many columns the worst."""
    asked = independent_questions(named(frame))
    if asked.empty:
        return asked, [], []
    # Where one scheme alone is asked, its word beside every name would say nothing.
    frame = named(frame[frame["sampling"].isin(set(asked["sampling"]))])
    asked = named(asked.drop(columns="name"))
    present = names_of(asked)
    few = is_data(frame) and len(present) > MOST_STRIPS
    return asked, names_of(frame), _worst(asked) if few else present


def _worst(asked: pd.DataFrame) -> list[str]:
    """Return the names with the largest |z|, the largest first."""
    largest = asked.assign(size=np.abs(floats(asked, "z"))).groupby("name", sort=False)["size"]
    return [str(name) for name in largest.max().sort_values(ascending=False).index[:MOST_STRIPS]]


def _thinned(count: int) -> NDArray[np.intp]:
    """Return the ranks of a quantile plot that are drawn: both ends, and of the middle some."""
    if count <= MOST_POINTS:
        return np.arange(count)
    end = MOST_POINTS // 4
    middle = np.linspace(end, count - end, MOST_POINTS - 2 * end, endpoint=False)
    return np.concatenate([np.arange(end), middle.astype(np.intp), np.arange(count - end, count)])


def _reach(asked: pd.DataFrame, bound: float) -> float:
    # What lies farther out stands at the edge: one z in the millions would hide all others.
    return 1.12 * min(max(bound, float(np.abs(floats(asked, "z")).max())), FARTHEST * bound)


def _at_the_edge(z: Floats, bound: float) -> Floats:
    return np.clip(z, -FARTHEST * bound, FARTHEST * bound)


def _strips(
    ax: Axes, asked: pd.DataFrame, marks: Mapping[str, Mark], present: list[str], bound: float
) -> None:
    """One strip per distribution; bias above its centre line, variance below."""
    for row, name in enumerate(present):
        ax.axhline(row, color="#e6e6e6", linewidth=0.6, zorder=0)
        for measure, side in zip(MEASURES, (-1.0, 1.0), strict=True):
            mine = asked[(asked["name"] == name) & (asked["measure"] == measure)]
            z = _at_the_edge(floats(mine, "z"), bound)
            ax.plot(
                z, row + side * (0.10 + 0.10 * _stacked(z)), linestyle="none",
                marker=SHAPES[measure], markersize=3.6 if measure == "bias" else 3.1,
                markerfacecolor=marks[name].colour, markeredgecolor="white",
                markeredgewidth=0.4, zorder=3,
            )  # fmt: skip
    _bounds(ax.axvline, bound)
    reach = _reach(asked, bound)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(len(present) - 0.45, -0.55)
    ax.set_yticks([])
    for row, name in enumerate(present):
        label = ax.annotate(
            _row_label(marks[name]), (0.0, row), xycoords=("axes fraction", "data"), xytext=(-5, 0),
            textcoords="offset points", ha="right", va="center", fontsize=8.0,
        )  # fmt: skip
        plain(label)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("z = (estimate − theory) / MCSE")


def _row_label(mark: Mark) -> str:
    """Return a name for its row: if it is cut, then not the sampling scheme at its end."""
    whole = mark.label_within(200)
    front, comma, scheme = whole.rpartition(", ")
    if len(whole) <= LONGEST_NAME or not comma or len(scheme) > LONGEST_NAME // 2:
        return mark.label
    return f"{short(front, LONGEST_NAME - len(scheme) - 2)}, {scheme}"


def _stacked(z: Floats) -> Floats:
    """Return 0, 1, 2, ... for points that would hide each other, so that all can be seen."""
    level = np.zeros(z.size)
    taken: dict[int, int] = {}
    for i in np.argsort(z, kind="stable"):
        slot = int(np.floor(z[i] / 0.22))
        level[i] = taken.get(slot, 0) % 4
        taken[slot] = taken.get(slot, 0) + 1
    return level


def _bounds(line: Callable[..., object], bound: float) -> None:
    line(0.0, color=FAINT, linewidth=0.6, zorder=1)
    for at in (-bound, bound):
        line(at, color=INK, linewidth=0.9, linestyle=DASHES, zorder=2)


def _quantiles(ax: Axes, asked: pd.DataFrame, marks: Mapping[str, Mark], bound: float) -> None:
    """Ordered z against the quantiles of a standard normal."""
    from scipy.special import ndtri

    ordered = asked.sort_values("z", kind="stable")
    z = _at_the_edge(floats(ordered, "z"), bound)
    expected = ndtri((np.arange(z.size) + 0.5) / z.size)
    reach = _reach(asked, bound)
    ax.plot([-reach, reach], [-reach, reach], color=FAINT, linewidth=0.8, zorder=1)
    _bounds(ax.axhline, bound)
    names = ordered["name"].to_numpy(dtype=object)
    measures = ordered["measure"].to_numpy(dtype=object)
    drawn = np.zeros(z.size, dtype=np.bool_)
    drawn[_thinned(z.size)] = True
    grey = ~np.isin(names, list(marks))
    looks = [(grey, OTHERS, 2.5)]
    looks += [(names == name, mark.colour, 3.0) for name, mark in marks.items()]
    for of_name, colour, zorder in looks:
        for measure in MEASURES:
            mine = of_name & (measures == measure) & drawn
            ax.plot(
                expected[mine], z[mine], linestyle="none", marker=SHAPES[measure],
                markersize=3.4 if measure == "bias" else 2.9, markerfacecolor=colour,
                markeredgecolor="white", markeredgewidth=0.3, zorder=zorder,
            )  # fmt: skip
    ax.set_ylim(-reach, reach)
    side = max(1.15 * float(np.abs(expected).max()), 1.0)
    ax.set_xlim(-side, side)
    ax.set_xlabel("quantile of a standard normal")
    ax.set_ylabel("z")
    ax.grid(visible=False, axis="x")
    ax.set_title("All together")


def _legend(asked: pd.DataFrame, bound: float) -> tuple[list[Handle], list[str]]:
    handles: list[Handle] = []
    labels: list[str] = []
    for measure, place in zip(MEASURES, ("above", "below"), strict=True):
        if (asked["measure"] == measure).any():
            point = Line2D(
                [], [], linestyle="none", marker=SHAPES[measure], markersize=4.0,
                markerfacecolor=FAINT, markeredgecolor="white",
            )  # fmt: skip
            handles.append((point,))
            labels.append(f"z of a {measure} ({place} the line)")
    handles.append((Line2D([], [], color=INK, linewidth=0.9, linestyle=DASHES),))
    labels.append(f"Šidák bound ±{bound:.2f} for {len(asked)} questions")
    handles.append((Line2D([], [], color=FAINT, linewidth=0.8),))
    labels.append("what chance alone gives")
    return handles, labels
