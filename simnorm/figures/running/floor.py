"""The error of an inference value against batch size, beside its floor and that of a z-score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnorm.figures.glyphs import boxed
from simnorm.figures.labels import fitted, name_curves
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import (
    Shown,
    draw_cells,
    fit_title,
    legend_entries,
    merged,
    note_lines,
    put_legend,
    put_note,
    why_nothing,
)
from simnorm.figures.running.looks import in_words, marks
from simnorm.figures.running.shown import (
    VALUE,
    Run,
    label,
    level,
    level_label,
    notes,
    run_of,
)
from simnorm.figures.running.trajectory import LEVEL, floor_of
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    styled,
)
from simnorm.figures.tables import floats, short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Inches: of the figure without small print, and those that a name may take beside its curve.
HEIGHT, BESIDE = 2.75, 0.8


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw the RMSE of an inference value after all steps, a panel per name.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    rows = run.main[(run.main["estimator"] == VALUE) & (run.main["measure"] == "rmse")]
    rows = rows[(rows["drift"] == run.drift) & rows["preset"].isin(run.shown_presets)]
    names = run.panel_names
    shown = rows[rows["name"].isin(names)]
    if shown.empty or not (np.nan_to_num(floats(shown, "estimate")) > 0.0).any():
        return empty_figure(why_nothing(rows), width)
    looks = marks(run.shown_presets)
    lines, across = shape_of(len(names), width)
    drawn = Figure(figsize=(width, HEIGHT + 1.75 * (lines - 1)), layout="constrained")
    panels = list(drawn.subplots(lines, across, squeeze=False).ravel())
    seen = []
    for ax, name in zip(panels, names, strict=True):
        mine = shown[shown["name"] == name]
        seen.append(_panel(ax, run, mine, name, looks, width / across))
    named = _name(panels, shown, names, looks, width / across)
    for ax in panels[::across]:
        ax.set_ylabel(f"RMSE after {run.steps:,} steps, in sd")
    for ax in panels[:-across]:
        ax.set_xlabel("")
    handles, labels = legend_entries(looks, merged(seen), curves_only=named)
    labels = in_words(labels)
    if any(math.isfinite(floor_of(run, name, p, n)) for name in names for p in looks
           for n in run.sizes):  # fmt: skip
        handles.append((Line2D([], [], color=FAINT, linestyle="none", **TICK),))
        labels.append("floor")
    if any(math.isfinite(level(run, name)) for name in names):
        handles.append((Line2D([], [], **LEVEL),))
        labels.append(level_label(run))
    put_legend(drawn, handles, labels)
    make_room(drawn)
    said = notes(run, names)
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def _name(
    panels: Sequence[Axes],
    rows: pd.DataFrame,
    names: Sequence[str],
    looks: Mapping[str, Mark],
    width: float,
) -> bool:
    """Write the presets beside the ends of their curves; return whether they fit there."""
    inches = (width - 0.7 - BESIDE, HEIGHT - 1.3)
    called = {preset: replace(mark, name=label(preset)) for preset, mark in looks.items()}
    labels = fitted(called, BESIDE, 7.0, inches[1])
    if not labels:
        return False
    for ax, name in zip(panels, names, strict=True):
        mine = rows[rows["name"] == name].sort_values("batch_size", kind="stable")
        name_curves(ax, mine.assign(name=mine["preset"]), looks, labels, inches)
    return True


TICK: dict[str, Any] = {"marker": "_", "markersize": 9.0, "markeredgewidth": 1.3}


def _panel(
    ax: Axes, run: Run, rows: pd.DataFrame, name: str, looks: Mapping[str, Mark], width: float
) -> Shown:
    """Draw the presets of one name."""
    here = Shown()
    named = rows.assign(name=rows["preset"]).sort_values("batch_size", kind="stable")
    draw_cells(ax, named, looks, here)
    for preset, mark in looks.items():
        found = {n: floor_of(run, name, preset, n) for n in run.sizes}
        found = {n: value for n, value in found.items() if math.isfinite(value) and value > 0.0}
        if found:
            ax.plot(list(found), list(found.values()), color=mark.colour, linestyle="none",
                    zorder=2.5, **TICK)  # fmt: skip
            here.stretch(np.array(list(found.values())))
    at = level(run, name)
    if math.isfinite(at):
        ax.axhline(at, zorder=1.7, **LEVEL)
        here.stretch(np.array([at]))
    fit_title(ax, boxed(short(name)), width - 0.6 - BESIDE)
    if not math.isfinite(here.low):
        return here
    air = max((here.high / here.low) ** 0.05, 1.15)
    log_axis(ax, here.low / air, here.high * air)
    sizes = sorted({int(n) for n in named["batch_size"][np.isfinite(floats(named, "estimate"))]})
    batch_size_axis(ax, sizes or run.sizes, width - 0.7 - BESIDE)
    return here
