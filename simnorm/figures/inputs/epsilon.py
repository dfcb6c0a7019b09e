"""What epsilon does to values in a small unit: the error by the standard deviation of the data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.errors import SimnormError
from simnorm.figures.glyphs import boxed
from simnorm.figures.inputs.rows import LEVEL, Run, Setting, curves_of, plain_number
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import (
    Handle,
    Shown,
    draw_cells,
    fit_title,
    put_legend,
    put_note,
)
from simnorm.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    log_ticks,
    number,
    plain,
    styled,
)
from simnorm.figures.tables import floats, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_NAMES = 8
LONGEST = 22
FEW, SMALLEST = 2, 1e-3
# Epsilons from small to large: colours that no distribution has first.
COLOURS = (INK, "#56b4e9", "#cc78bc", "#ca9161", "#949494", "#4d4d4d")
SHAPES = ("o", "s", "D", "^", "v", "p")


def remaining(sd: float, epsilon: float) -> float:
    """Return the error that stays however large the batch: 1 - sd/sqrt(sd^2 + epsilon).

    Examples
    --------
    >>> round(remaining(0.03, 0.001), 4), remaining(1.0, 0.0)
    (0.3118, 0.0)
    """
    root = math.hypot(sd, math.sqrt(epsilon))
    return 1.0 - sd / root if root > 0.0 else 0.0


def law_sd(name: str) -> float:
    """Return the standard deviation of a distribution, NaN where there is none.

    Examples
    --------
    >>> law_sd("normal(scale=2)"), law_sd("cauchy"), law_sd("distribution 3")
    (2.0, nan, nan)
    """
    from simnorm.distributions import distribution

    try:
        sd = float(distribution(name).std)
    except SimnormError:
        return math.nan
    return sd if math.isfinite(sd) and sd > 0.0 else math.nan


def scales(run: Run, curves: pd.DataFrame) -> dict[str, float]:
    """Return the standard deviation of every name of which it is known."""
    points = curves_of(run, curves, "epsilon")
    if len(points):
        return {str(n): float(x) for n, x in zip(points["name"], points["x"], strict=True)}
    if run.of_data:
        return {}
    found = {name: law_sd(name) for name in run.names}
    return {name: sd for name, sd in found.items() if math.isfinite(sd)}


def by_epsilon(run: Run) -> dict[Setting, dict[str, float]]:
    """Return the error of every name at the batch size shown, for every epsilon."""
    return {setting: run.values(run.errors(setting)) for setting in run.epsilons}


def losers(found: Mapping[Setting, Mapping[str, float]], names: Sequence[str]) -> list[str]:
    """Return the names in the order of what the largest epsilon adds to their error."""
    if not found:
        return []
    first, last = min(found), max(found)
    both = [name for name in names if name in found[first] and name in found[last]]
    return sorted(both, key=lambda name: found[first][name] - found[last][name])


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw the error by the sd of the data, and the names that epsilon harms most.

    Parameters
    ----------
    frame, curves
        The tables of a result.
    width
        Width in inches.
    """
    run = Run(frame)
    found = by_epsilon(run)
    names = losers(found, run.names)
    sds = scales(run, curves)
    if not names:
        return empty_figure("Nothing to show: no value has an error that can be trusted.", width)
    shown = names[:MOST_NAMES]
    looks = {
        setting: (COLOURS[i % len(COLOURS)], SHAPES[i % len(SHAPES)])
        for i, setting in enumerate(found)
    }
    few = len(names) <= FEW
    height = 2.5 if few else max(2.2, 0.9 + 0.19 * len(shown))
    count = 2 if sds or not few else len(shown)
    rows, across = shape_of(count, width)
    drawn = Figure(figsize=(width, height + 1.7 * (rows - 1)), layout="constrained")
    notes = []
    if few:
        # A line for one or two names says nothing; how their errors fall does.
        panels = list(drawn.subplots(rows, across, squeeze=False).ravel())
        if sds:
            _by_sd(panels[0], found, sds, looks, width / across, run.size)
        for ax, name in zip(panels[1:] if sds else panels, shown, strict=False):
            _by_size(ax, run, name, looks, width / across - 0.6)
    elif sds:
        ratios = (1.0, 0.9)[:across]
        left, right = drawn.subplots(rows, across, width_ratios=ratios)
        _by_sd(left, found, sds, looks, width / across, run.size)
        _by_name(right, found, shown, looks)
        fit_title(right, f"At batch size {run.size:,}", width / across - 1.0)
    else:
        ax = drawn.subplots()
        _by_name(ax, found, shown, looks)
        fit_title(ax, f"At batch size {run.size:,}", width / 2 - 1.0)
    if len(shown) < len(names):
        where = "In the last panel the" if sds else "The"
        notes.append(f"{where} {len(shown)} of {len(names):,} {run.thing}s that lose most.")
    put_legend(drawn, *_legend(looks, curves=bool(sds)))
    make_room(drawn)
    put_note(drawn, notes)
    return drawn


def _legend(
    looks: Mapping[Setting, tuple[str, str]], *, curves: bool
) -> tuple[list[Handle], list[str]]:
    common: dict[str, Any] = {"markersize": 4.4, "linewidth": 1.1, "markeredgecolor": "white"}
    handles: list[Handle] = [
        (Line2D([], [], color=colour, marker=shape, markeredgewidth=0.4, **common),)
        for colour, shape in looks.values()
    ]
    labels = [f"ε = {plain_number(setting.epsilon)}" for setting in looks]
    if curves:
        handles.append((Line2D([], [], color=FAINT, linewidth=1.1),))
        labels.append("what stays, however large the batch")
    return handles, labels


def _by_size(
    ax: Axes,
    run: Run,
    name: str,
    looks: Mapping[Setting, tuple[str, str]],
    room: float,
) -> None:
    """Draw the error of one name against batch size, for every epsilon."""
    shown = Shown()
    for depth, (setting, (colour, shape)) in enumerate(looks.items()):
        rows = run.errors(setting)
        # What stays in a batch that is the full set would take all of the axis.
        rows = rows[floats(rows, "estimate") > SMALLEST]
        word = plain_number(setting.epsilon)
        mark = Mark(word, colour, shape, max(5.6 - 1.2 * depth, 2.6), 1.2)
        draw_cells(ax, rows[rows["name"] == name].assign(name=word), {word: mark}, shown)
    if math.isfinite(shown.low):
        air = max((shown.high / shown.low) ** 0.05, 1.15)
        log_axis(ax, shown.low / air, shown.high * air)
    batch_size_axis(ax, run.sizes, room)
    ax.set_ylabel("RMSE, in standard deviations")
    fit_title(ax, short(boxed(name), 40), room)


def _by_sd(
    ax: Axes,
    found: Mapping[Setting, Mapping[str, float]],
    sds: Mapping[str, float],
    looks: Mapping[Setting, tuple[str, str]],
    room: float,
    n: int,
) -> None:
    ends = [min(sds.values()), max(sds.values())]
    positive = [math.sqrt(s.epsilon) for s in found if s.epsilon > 0.0]
    low = min([ends[0], *positive]) / 3.0
    high = max([ends[1], *positive]) * 3.0
    grid = np.geomspace(low, high, 240)
    for depth, (setting, values) in enumerate(found.items()):
        colour, shape = looks[setting]
        if setting.epsilon > 0.0:
            curve = [remaining(sd, setting.epsilon) for sd in grid]
            ax.plot(grid, curve, color=colour, linewidth=1.1, zorder=2)
        both = [name for name in sds if name in values]
        ax.plot(
            [sds[name] for name in both], [values[name] for name in both], linestyle="none",
            marker=shape, markersize=max(5.4 - 1.2 * depth, 2.4), markerfacecolor=colour,
            markeredgecolor="white", markeredgewidth=0.4, zorder=3 + 0.1 * depth,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = _thinned(log_ticks(low, high)[0], low, high, room - 0.8)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0.0, None)
    ax.set_xlabel("standard deviation, in the unit of the data")
    ax.set_ylabel("RMSE against the z-score,\nin standard deviations")
    fit_title(ax, f"By the scale of the data, n = {n:,}", room - 0.6)


def _thinned(ticks: Sequence[float], low: float, high: float, width: float) -> list[float]:
    """Return as many of the ticks as have room for their numbers."""
    for step in range(1, len(ticks) + 1):
        kept = list(ticks)[::step]
        texts = [number(tick) for tick in kept]
        gaps = [width * math.log(b / a) / math.log(high / low) for a, b in itertools.pairwise(kept)]
        wide = [0.0325 * len(a + b) + 0.06 for a, b in itertools.pairwise(texts)]
        if all(gap >= need for gap, need in zip(gaps, wide, strict=True)):
            return kept
    return list(ticks)[:1]


def _by_name(
    ax: Axes,
    found: Mapping[Setting, Mapping[str, float]],
    names: Sequence[str],
    looks: Mapping[Setting, tuple[str, str]],
) -> None:
    places = range(len(names))
    for place, name in zip(places, names, strict=True):
        held = [of_names[name] for of_names in found.values() if name in of_names]
        ax.plot([min(held), max(held)], [place, place], color="#c4c4c4", linewidth=1.4, zorder=1)
    # The first epsilon lies behind: where nothing changes all are one point.
    for depth, (setting, values) in enumerate(found.items()):
        colour, shape = looks[setting]
        here = [place for place in places if names[place] in values]
        ax.plot(
            [values[names[place]] for place in here], here, linestyle="none", marker=shape,
            markersize=max(6.4 - 1.6 * depth, 2.4), markerfacecolor=colour, markeredgecolor="white",
            markeredgewidth=0.4, zorder=2 + 0.1 * depth,
        )  # fmt: skip
    ax.set_yticks(list(places))
    for label in ax.set_yticklabels([short(boxed(name), LONGEST) for name in names]):
        plain(label)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0.0, None)
    ax.margins(x=0.06)
    ax.autoscale(axis="x")
    ax.set_xlim(left=0.0)
    ax.axvline(LEVEL, color=INK, linewidth=0.7, linestyle=(0, (1.2, 1.6)), zorder=0.5)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("RMSE, in standard deviations")
