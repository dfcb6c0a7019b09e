"""What the errors of a running mean and a running variance are made of, as shares of bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from simnorm.figures.glyphs import boxed
from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import note_lines, put_legend, put_note
from simnorm.figures.running.shown import (
    MEAN,
    PARTS,
    VARIANCE,
    Run,
    few_sizes,
    label,
    notes,
    run_of,
)
from simnorm.figures.running.trajectory import head_row, spaced
from simnorm.figures.style import FAINT, INK, PAGE_WIDTH, empty_figure, plain, styled
from simnorm.figures.tables import floats, known_values, short
from simnorm.formatting import significant

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

IN_WORDS = {
    "start": "start: what is left of 0 and 1",
    "divisor": "divisor n",
    "drift": "lag behind the drift",
    "noise": "noise",
}
# Each about 20 steps of lightness from the next, so that grey print keeps them apart.
COLOURS = {"start": "#333333", "divisor": "#8c5a2b", "drift": "#949494", "noise": "#b9dff5"}
QUANTITIES = {MEAN: "running mean", VARIANCE: "running variance"}
MOST_BARS = 4
# A smaller share of a bar cannot be seen.
SEEN = 0.003
HEIGHT = 0.13


class Bar(NamedTuple):
    """One bar: what it is of, the parts of its squared error, and the error."""

    preset: str
    n: int
    parts: dict[str, float]
    rmse: float

    @property
    def total(self) -> float:
        """The sum of the parts; NaN if there are none."""
        return sum(self.parts.values()) if self.parts else math.nan


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw shares of the relative squared error, rows for quantities, columns for drifts.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    names = run.panel_names if run.of_data else run.panel_names[:1]
    # In sd all running means are alike but for the start; so are most variances but the worst.
    shown = [(name, quantity) for name in names[:1] for quantity in QUANTITIES]
    shown += [(name, VARIANCE) for name in names[1:]]
    sizes = few_sizes(run) if len(names) == 1 else [run.n]
    presets = run.shown_presets[:MOST_BARS]
    drifts = list(dict.fromkeys([run.drifts[0], run.drifts[-1]])) if run.drifts else []
    rows = {
        (name, quantity): {
            drift: bars(run, name, quantity, drift, presets, sizes) for drift in drifts
        }
        for name, quantity in shown
    }
    found = [bar for cells in rows.values() for cell in cells.values() for bar in cell]
    if not any(bar.total > 0.0 for bar in found):
        return empty_figure("Nothing to show: there are no parts of an error.", width)
    count = len(sizes) * len(presets) + 0.6 * (len(sizes) - 1)
    parts, across = shape_of(len(drifts), width)
    high = parts * len(rows) * (HEIGHT * count + 0.53) + 0.5
    drawn = Figure(figsize=(width, high), layout="constrained")
    panels = drawn.subplots(parts * len(rows), across, squeeze=False, sharex=True)
    grid = panels.reshape(len(rows), len(drifts))
    spaced(drawn)
    for line, ((name, quantity), cells) in zip(grid, rows.items(), strict=True):
        for place, (ax, (drift, cell)) in enumerate(zip(line, cells.items(), strict=True)):
            draw_bars(ax, cell, sizes, labelled=place % across == 0)
            ax.set_title("\n" + _drift_words(drift, several=len(drifts) > 1), fontweight="normal")
        head_row(line[0], f"{name}: {QUANTITIES[quantity]}", width)
    for ax in panels[-1]:
        ax.set_xlabel("share of the squared error, in %")
    used = [p for p in PARTS if any(b.parts.get(p, 0.0) > SEEN * b.total for b in found)]
    handles: list[Any] = [(Patch(facecolor=COLOURS[part]),) for part in used]
    put_legend(drawn, handles, [IN_WORDS[part] for part in used])
    make_room(drawn)
    said = ["At the end of a bar: the RMSE; of the mean in sd, of the variance in parts of its "
            "value.", *notes(run, names)]  # fmt: skip
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def _drift_words(drift: str, *, several: bool) -> str:
    if float(drift or 0.0) == 0.0:
        return "no drift" if several else ""
    return f"drift of {drift.replace('-', '−')} sd per step"


def bars(
    run: Run, name: str, quantity: str, drift: str, presets: Sequence[str], sizes: Sequence[int]
) -> list[Bar]:
    """Return the bars of a panel: exact parts where they are known, else those estimated."""
    rows = run.points[(run.points["kind"] == "split") & (run.points["estimator"] == quantity)]
    rows = rows[(rows["name"] == name) & (rows["drift"] == drift)]
    theory, y = floats(rows, "theory"), floats(rows, "y")
    known = np.where(np.isfinite(theory), theory, y)
    keys = zip(rows["preset"], rows["batch_size"], rows["part"], strict=True)
    found = {
        (str(preset), int(n), str(part)): float(value)
        for (preset, n, part), value in zip(keys, known, strict=True)
    }
    errors = run.main[(run.main["estimator"] == quantity) & (run.main["name"] == name)]
    errors = errors[(errors["drift"] == drift) & (errors["measure"] == "relative_rmse")]
    cells = zip(errors["preset"], errors["batch_size"], known_values(errors), strict=True)
    rmse = {(str(preset), int(n)): float(value) for preset, n, value in cells}
    made = []
    for n in sizes:
        for preset in presets:
            parts = {part: found.get((preset, n, part), math.nan) for part in PARTS}
            whole = all(math.isfinite(value) for value in parts.values())
            made.append(Bar(preset, n, parts if whole else {}, rmse.get((preset, n), math.nan)))
    return made


def draw_bars(ax: Axes, cell: Sequence[Bar], sizes: Sequence[int], *, labelled: bool) -> None:
    """Draw one panel, the first bar on top, batch sizes apart."""
    places, ticks = [], []
    for place, bar in enumerate(cell):
        at = -(place + 0.6 * sizes.index(bar.n))
        places.append(at)
        ticks.append(f"{short(boxed(label(bar.preset)), 22)}, n = {bar.n:,}")
        if not bar.total > 0.0:
            why = "no error" if bar.total == 0.0 else "undefined"
            ax.text(1.0, at, why, va="center", fontsize=6.5, color=FAINT)
            continue
        left = 0.0
        for part in PARTS:
            share = 100.0 * bar.parts[part] / bar.total
            ax.barh(at, share, left=left, height=0.78, color=COLOURS[part], linewidth=0.0, zorder=2)
            left += share
        ax.text(101.5, at, _error_text(bar.rmse), va="center", fontsize=6.5, color=INK)
    ax.set_xlim(0.0, 118.0)
    ax.set_ylim(min(places) - 0.6, 0.6)
    ax.set_xticks([0, 25, 50, 75, 100])
    ax.set_yticks(places, ticks if labelled else [""] * len(places))
    ax.tick_params(axis="y", length=0.0, labelsize=6.5)
    for text in ax.get_yticklabels():
        plain(text)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)


def _error_text(rmse: float) -> str:
    return significant(rmse, 2) if math.isfinite(rmse) else ""
