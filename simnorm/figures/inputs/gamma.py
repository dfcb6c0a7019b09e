"""What gamma can do: the error of gamma times a normalized value, and the gamma that is best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnorm.figures.glyphs import boxed
from simnorm.figures.inputs.ends import name_ends
from simnorm.figures.inputs.rows import BEST_GAMMA, Run, curves_of
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import DASHES, Handle, fit_title, put_legend, put_note
from simnorm.figures.style import FAINT, INK, PAGE_WIDTH, empty_figure, styled
from simnorm.figures.tables import best_values, floats, known_values, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

MOST_NAMES, MOST_SIZES = 2, 6
HEIGHT = 2.7
# From few observations to many.
SHADES = ("#7fb8dc", "#4f9fce", "#2a86bd", "#0f6ba3", "#0a4f7a", "#063450")


def shown(run: Run, held: set[str]) -> list[str]:
    """Return the one or two names that have a panel: those with the largest and smallest error."""
    values = {name: v for name, v in run.values(run.shown_errors).items() if name in held}
    if len(values) < MOST_NAMES:
        return list(values) or [name for name in run.names if name in held][:MOST_NAMES]
    worst, best = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    if run.of_data:
        return [worst, best] if worst != best else [worst]
    first = next(iter(values))
    other = worst if worst != first else best
    return [first, other] if other != first else [first]


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw the RMSE against gamma, a line for a batch size, the best gamma marked.

    Parameters
    ----------
    frame, curves
        The tables of a result.
    width
        Width in inches.
    """
    run = Run(frame)
    points = curves_of(run, curves, "gamma")
    points = points[np.isfinite(floats(points, "y")) | np.isfinite(floats(points, "theory"))]
    names = shown(run, set(points["name"]))
    if not names:
        return empty_figure("Nothing to show: no value has an error for any gamma.", width)
    sizes = sorted({int(n) for n in points["batch_size"]})
    shades = _shades(sizes)
    rows, across = shape_of(len(names), width)
    drawn = Figure(figsize=(width, HEIGHT + 1.8 * (rows - 1)), layout="constrained")
    grid = drawn.subplots(rows, across, squeeze=False, sharey=True).ravel()
    best = run.of(BEST_GAMMA)
    seen: set[str] = set()
    for ax, name in zip(grid, names, strict=False):
        _panel(ax, points[points["name"] == name], best[best["name"] == name], shades, seen)
        fit_title(ax, short(boxed(name), 40), width / across - 1.0)
        ax.set_xlabel("γ" if ax in grid[-across:] else "")
    for ax in grid[::across]:
        ax.set_ylabel("RMSE of γ times the output,\nin standard deviations")
    grid[0].set_ylim(bottom=0.0)
    for ax, name in zip(grid, names, strict=False):
        _name(ax, points[points["name"] == name], shades, rows)
    put_legend(drawn, *_legend(seen))
    make_room(drawn)
    left = len(run.alive_names()) - len(names)
    if left > 0:
        put_note(
            drawn, [f"{len(names)} of {left + len(names):,} {run.thing}s: {_which(run, names)}."]
        )
    return drawn


def _which(run: Run, names: Sequence[str]) -> str:
    """Return why these names are shown and not others."""
    if run.of_data:
        return "the largest and the smallest error"
    values = run.values(run.shown_errors)
    largest = len(names) > 1 and values and names[1] == max(values, key=values.__getitem__)
    return f"the first, and the one with the {'largest' if largest else 'smallest'} error"


def _shades(sizes: Sequence[int]) -> dict[int, str]:
    places = np.round(np.linspace(0, len(SHADES) - 1, max(len(sizes), 2))).astype(int)
    return {n: SHADES[places[i] if len(sizes) > 1 else 3] for i, n in enumerate(sizes)}


def _panel(
    ax: Axes, points: pd.DataFrame, best: pd.DataFrame, shades: dict[int, str], seen: set[str]
) -> None:
    sure_values = best_values(best)
    sizes = sorted({int(n) for n in points["batch_size"]})
    for n in sizes:
        mine = points[points["batch_size"] == n].sort_values("x", kind="stable")
        at = (best["batch_size"] == n).to_numpy()
        gamma = float(known_values(best)[at][0]) if at.any() else np.nan
        exact = at.any() and str(best["theory_kind"][at].iloc[0]) == "exact"
        sure = bool(at.any() and np.isfinite(sure_values[at][0]))
        x, y, mcse, theory = (floats(mine, word) for word in ("x", "y", "mcse", "theory"))
        colour = shades[n]
        known = np.isfinite(theory)
        if known.any():
            ax.plot(x[known], theory[known], color=colour, linewidth=1.2,
                    linestyle="-" if exact else DASHES, zorder=2)  # fmt: skip
            seen.add("exact" if exact else "asymptotic")
        else:
            ax.plot(x, y, color=colour, linewidth=0.7, alpha=0.8, zorder=2)
            seen.add("joined")
        dots = np.isfinite(y)
        dots[np.arange(dots.size) % 3 != 0] = False
        ax.plot(
            x[dots], y[dots], linestyle="none", marker="o", markersize=2.4, color=colour, zorder=3
        )
        bars = dots & (mcse > 0.0)
        if bars.any():
            ax.vlines(x[bars], y[bars] - 2 * mcse[bars], y[bars] + 2 * mcse[bars], color=colour,
                      linewidth=0.8, zorder=3)  # fmt: skip
            seen.add("interval")
        if np.isfinite(gamma) and x[0] <= gamma <= x[-1]:
            level = np.interp(gamma, x, np.where(known, theory, y))
            ax.plot([gamma], [level], linestyle="none", marker="*", markersize=8.5,
                    markerfacecolor=colour if sure else "white",
                    markeredgecolor="white" if sure else colour, markeredgewidth=0.5,
                    zorder=4)  # fmt: skip
            seen.add("best")
    ax.axvline(1.0, color=INK, linewidth=0.6, linestyle=(0, (1.2, 1.6)), zorder=1)


def _name(ax: Axes, points: pd.DataFrame, shades: dict[int, str], rows: int) -> None:
    ends: dict[str, tuple[float, float]] = {}
    colours = {}
    for n in sorted({int(n) for n in points["batch_size"]}):
        mine = points[points["batch_size"] == n].sort_values("x", kind="stable")
        y = np.where(np.isfinite(floats(mine, "theory")), floats(mine, "theory"), floats(mine, "y"))
        text = f"n = {n:,}"
        ends[text] = (float(floats(mine, "x")[-1]), float(y[-1]))
        colours[text] = shades[n]
    name_ends(ax, ends, colours, rows=rows)


def _legend(seen: set[str]) -> tuple[list[Handle], list[str]]:
    dot: dict[str, Any] = {"linestyle": "none", "color": FAINT}
    line: dict[str, Any] = {"linewidth": 1.2, "color": FAINT}
    looks: dict[str, tuple[str, dict[str, Any]]] = {
        "exact": ("exact theory", line),
        "asymptotic": ("asymptotic theory", line | {"linestyle": DASHES}),
        "joined": ("estimates joined", line | {"linewidth": 0.7}),
        "interval": ("estimate, 95 % interval", dot | {"marker": "o", "markersize": 2.8}),
        "best": ("best γ", dot | {"marker": "*", "markersize": 8.5, "markeredgecolor": "white"}),
    }
    kept = [looks[key] for key in looks if key in seen]
    return [(Line2D([], [], **look),) for _, look in kept], [label for label, _ in kept]
