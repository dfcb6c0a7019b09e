"""The audit: z of every question against exact theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnorm.figures.panels import DASHES, Handle, put_legend
from simnorm.figures.questions import MEASURES, independent_questions, sidak_bound
from simnorm.figures.style import FAINT, INK, PAGE_WIDTH, empty_figure, marks_of, plain, styled
from simnorm.figures.tables import floats, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.style import Mark
    from simnorm.figures.tables import Floats

SHAPES = {"bias": "o", "variance": "D"}


@styled
def figure(frame: pd.DataFrame, width: float = PAGE_WIDTH) -> Figure:
    """Draw z by distribution with Sidak's bound, and their normal quantile plot beside it."""
    asked = independent_questions(frame)
    if asked.empty:
        return empty_figure(
            "Nothing to audit: no row has both an error bar and exact theory.", width
        )
    marks = marks_of(names_of(frame))
    bound = sidak_bound(len(asked), int(asked["replications"].min()))
    present = [name for name in marks if (asked["name"] == name).any()]
    # At most as high as a page has room.
    height = min(max(2.2, 0.31 * len(present) + 1.05), 7.4)
    drawn = Figure(figsize=(width, height), layout="constrained")
    left, right = drawn.subplots(1, 2, width_ratios=[1.5, 1.0])
    _strips(left, asked, marks, present, bound)
    _quantiles(right, asked, marks, bound)
    put_legend(drawn, *_legend(asked, bound))
    return drawn


def _reach(asked: pd.DataFrame, bound: float) -> float:
    return 1.12 * max(bound, float(np.abs(floats(asked, "z")).max()))


def _strips(
    ax: Axes, asked: pd.DataFrame, marks: Mapping[str, Mark], present: list[str], bound: float
) -> None:
    """One strip per distribution; bias above its centre line, variance below."""
    for row, name in enumerate(present):
        ax.axhline(row, color="#e6e6e6", linewidth=0.6, zorder=0)
        for measure, side in zip(MEASURES, (-1.0, 1.0), strict=True):
            mine = asked[(asked["name"] == name) & (asked["measure"] == measure)]
            z = floats(mine, "z")
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
            marks[name].label, (0.0, row), xycoords=("axes fraction", "data"), xytext=(-5, 0),
            textcoords="offset points", ha="right", va="center", fontsize=8.0,
        )  # fmt: skip
        plain(label)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("z = (estimate − theory) / MCSE")
    ax.set_title("By distribution")


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
    z = floats(ordered, "z")
    expected = ndtri((np.arange(z.size) + 0.5) / z.size)
    reach = _reach(asked, bound)
    ax.plot([-reach, reach], [-reach, reach], color=FAINT, linewidth=0.8, zorder=1)
    _bounds(ax.axhline, bound)
    names = ordered["name"].to_numpy(dtype=object)
    measures = ordered["measure"].to_numpy(dtype=object)
    for name, mark in marks.items():
        for measure in MEASURES:
            mine = (names == name) & (measures == measure)
            ax.plot(
                expected[mine], z[mine], linestyle="none", marker=SHAPES[measure],
                markersize=3.4 if measure == "bias" else 2.9, markerfacecolor=mark.colour,
                markeredgecolor="white", markeredgewidth=0.3, zorder=3,
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
