"""Errors of inference values for every sampling scheme of a run, a panel per preset."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from simnorm.figures.narrow import make_room, shape_of
from simnorm.figures.panels import (
    Shown,
    draw_cells,
    legend_entries,
    merged,
    note_lines,
    put_legend,
    put_note,
    why_nothing,
)
from simnorm.figures.running.looks import in_words
from simnorm.figures.running.shown import VALUE, Run, label, notes, run_of
from simnorm.figures.running.trajectory import head_row, spaced
from simnorm.figures.schemes import said
from simnorm.figures.style import (
    PAGE_WIDTH,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    plain,
    styled,
)
from simnorm.figures.tables import FULL_SET, floats, short
from simnorm.sampling import IID, SHUFFLE

COLOURS = ("#0173b2", "#d55e00", "#029e73", "#de8f05", "#cc78bc", "#4d4d4d")
SHAPES = ("o", "s", "D", "^", "v", "p")
MOST_PANELS = 4


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw the RMSE of an inference value against batch size, a line per scheme.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    series = lines_of(run)
    if len(series) < 2:
        return empty_figure("Nothing to show: the run has one sampling scheme.", width)
    presets = run.shown_presets[:MOST_PANELS]
    names = run.panel_names if run.of_data else run.panel_names[:1]
    step = 1.0 / max(len(series) - 1, 1)
    looks = {
        word: Mark(word, COLOURS[i % 6], SHAPES[i % 6], 5.4 - 2.2 * step * i, 1.4 - 0.5 * step * i)
        for i, word in enumerate(series)
    }
    found = {name: _rows(run, name, series) for name in names}
    if not any((np.nan_to_num(floats(rows, "estimate")) > 0.0).any() for rows in found.values()):
        return empty_figure(why_nothing(run.main[run.main["estimator"] == VALUE]), width)
    parts, across = shape_of(len(presets), width, 2)
    rows = parts * len(names)
    drawn = Figure(figsize=(width, 1.55 * rows + 0.75), layout="constrained")
    panels = drawn.subplots(rows, across, squeeze=False)
    # A row for a name, in a narrow figure several.
    grid = panels.reshape(len(names), -1)
    for ax in grid[:, len(presets) :].ravel():
        ax.set_axis_off()
    spaced(drawn)
    seen = [
        _line(line[: len(presets)], name, found[name], presets, looks, (width, across))
        for line, name in zip(grid, names, strict=True)
    ]
    for ax in panels[-1]:
        ax.set_xlabel("batch size n")
    handles, labels = legend_entries(looks, merged(seen))
    put_legend(drawn, handles, in_words(labels))
    make_room(drawn)
    words = notes(run, names)
    put_note(drawn, words)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(words, width)))
    return drawn


def lines_of(run: Run) -> dict[str, tuple[str, str]]:
    """Return what is drawn: scheme and reference, by what a legend calls them.

    Independent draws have no full set, so beside them shuffled draws are shown about both.
    """
    found = {}
    for scheme in run.schemes:
        held = set(run.frame.loc[run.frame["sampling"] == scheme, "reference"])
        both = held if IID in run.schemes else held & {FULL_SET} or held
        for reference in sorted(both):
            about = "" if run.of_data else f", about {reference.replace('_', ' ')}"
            word = "shuffled" if scheme == SHUFFLE else short(said(scheme), 30)
            found[word + about] = scheme, reference
    return found


def _rows(run: Run, name: str, series: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Return one name's errors after all steps, with the line they belong to as their name."""
    rows = run.frame[(run.frame["estimator"] == VALUE) & (run.frame["measure"] == "rmse")]
    rows = rows[(rows["name"] == name) & (rows["drift"] == run.drift)]
    parts = [
        rows[(rows["sampling"] == scheme) & (rows["reference"] == reference)].assign(name=word)
        for word, (scheme, reference) in series.items()
    ]
    return pd.concat(parts).sort_values("batch_size", kind="stable")


def _line(
    line: np.ndarray[tuple[int], np.dtype[np.object_]],
    name: str,
    rows: pd.DataFrame,
    presets: list[str],
    looks: dict[str, Mark],
    inches: tuple[float, int],
) -> Shown:
    """Draw the panels of one name on one scale, in a figure so wide with so many columns."""
    width, across = inches
    here = Shown()
    # One batch of one is off by so much that nothing else could be seen.
    alive = rows[np.isfinite(floats(rows, "estimate"))]
    rows = rows[rows["batch_size"] > 1] if (alive["batch_size"] > 1).any() else rows
    for ax, preset in zip(line, presets, strict=True):
        mine = rows[rows["preset"] == preset]
        draw_cells(ax, mine, looks, here)
        for word, mark in looks.items():
            _join(ax, mine[mine["name"] == word], mark)
        plain(ax.set_title("\n" + short(label(preset), 24), fontweight="normal"))
    head_row(line[0], name, width)
    if not math.isfinite(here.low):
        return here
    air = max((here.high / here.low) ** 0.05, 1.15)
    sizes = sorted({int(n) for n in rows["batch_size"][np.isfinite(floats(rows, "estimate"))]})
    for place, ax in enumerate(line):
        log_axis(ax, here.low / air, here.high * air)
        batch_size_axis(ax, sizes, width / across - 0.4, label=False)
        if place % across:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel("RMSE, in sd")
    return here


def _join(ax: object, rows: pd.DataFrame, mark: Mark) -> None:
    """Join points that no theory joins."""
    y, theory = floats(rows, "estimate"), floats(rows, "theory")
    if np.isfinite(theory).any() or not (np.nan_to_num(y) > 0.0).any():
        return
    ax.plot(  # type: ignore[attr-defined]
        floats(rows, "batch_size"), np.where(y > 0.0, y, np.nan), color=mark.colour,
        linewidth=0.6, alpha=0.5, zorder=2,
    )  # fmt: skip
