"""Errors against batch size for every sampling scheme, beside those of shuffled batches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from simnorm.figures.legend import inside_legend
from simnorm.figures.panels import (
    Shown,
    draw_cells,
    draw_levels,
    fit_title,
    legend_entries,
    merged,
    put_legend,
    put_note,
    why_nothing,
    y_range,
)
from simnorm.figures.schemes import (
    MOST_COLUMNS,
    compared,
    costliest,
    left_out,
    panel_estimators,
    panel_rows,
    said,
)
from simnorm.figures.style import (
    PAGE_WIDTH,
    batch_size_axis,
    beside,
    empty_figure,
    log_axis,
    marks_of,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import floats, is_location, short, unit_of, word_of
from simnorm.sampling import SHUFFLE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.style import Mark

LEVELS = ((10.0, "10 %"),)
# How far points of schemes without theory are spread, in parts of the step of batch sizes.
BESIDE = 0.3
COLOURS = "Here colours are sampling schemes."


@styled
def figure(frame: pd.DataFrame, width: float = PAGE_WIDTH) -> Figure:
    """Draw the RMSE of the mean and of a scale, a row each, for the columns where it costs most."""
    schemes = compared(frame)
    if frame.empty or not schemes:
        return empty_figure("Nothing to show: the run has shuffled batches alone.", width)
    names = costliest(frame, beside(width, MOST_COLUMNS, 1.6))
    words = panel_estimators(frame)
    marks = _nested(marks_of(list(dict.fromkeys([SHUFFLE, *schemes]))))
    across = max(2, len(names))
    drawn = Figure(figsize=(width, 1.75 * len(words) + 0.5), layout="constrained")
    grid = drawn.subplots(len(words), across, squeeze=False, sharex=True)
    seen: list[Shown] = []
    for line, word in zip(grid, words, strict=True):
        found = {name: panel_rows(frame, name, word) for name in names}
        seen.append(_line(line, found, word, marks, width / across))
    if not any(np.isfinite(shown.low) for shown in seen):
        return empty_figure(why_nothing(frame[frame["measure"] == "rmse"]), width)
    for ax in grid[-1, : len(names)]:
        ax.set_xlabel("batch size n")
    handles, labels = legend_entries(marks, merged(seen))
    in_words = {mark.label: _label(name, frame) for name, mark in marks.items()}
    put_legend(drawn, handles, [in_words.get(label, label) for label in labels])
    put_note(drawn, [COLOURS, *left_out(frame, names)])
    return drawn


def draw(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw the errors of a scale for the column where not shuffling costs most, on given axes."""
    name, word = costliest(frame, 1)[0], panel_estimators(frame)[-1]
    marks = _nested(marks_of(list(dict.fromkeys([SHUFFLE, *compared(frame)]))))
    rows = panel_rows(frame, name, word)
    shown = _line(np.array([ax]), {name: rows}, word, marks, 5.0)
    if not np.isfinite(shown.low):
        say_nothing_to_show(ax, why_nothing(rows))
        return
    ax.set_xlabel("batch size n")
    handles, labels = legend_entries(marks, shown)
    in_words = {mark.label: _label(scheme, frame) for scheme, mark in marks.items()}
    inside_legend(ax, handles, [in_words.get(label, label) for label in labels])


def _nested(marks: dict[str, Mark]) -> dict[str, Mark]:
    """Return markers that are the smaller the later they are drawn, so that none hides another."""
    step = 3.6 / max(len(marks) - 1, 1)
    return {
        name: replace(mark, size=6.8 - step * place)
        for place, (name, mark) in enumerate(marks.items())
    }


def _label(scheme: str, frame: pd.DataFrame) -> str:
    """Return a scheme for the legend, with what its errors are about if that is the population."""
    about = set(frame.loc[frame["sampling"] == scheme, "reference"])
    return short(said(scheme), 30) + (", against the population" if about == {"population"} else "")


def _line(
    line: np.ndarray[tuple[int], np.dtype[np.object_]],
    found: dict[str, pd.DataFrame],
    word: str,
    marks: dict[str, Mark],
    width: float,
) -> Shown:
    """Draw the panels of one estimator, on one scale."""
    import pandas as pd

    shown, rows = Shown(), pd.concat(found.values())
    relative = (rows["measure"] == "relative_rmse").all()
    factor = 100.0 if relative and not is_location(word) else 1.0
    looks = {name: mark.of(word) for name, mark in marks.items()}
    for ax, (name, mine) in zip(line, found.items(), strict=False):
        _draw(ax, mine, looks, shown, factor)
        fit_title(ax, name, width - 0.5)
    for ax in line[len(found) :]:
        ax.set_axis_off()
    if not np.isfinite(shown.low):
        return shown
    low, high, _ = y_range(rows, shown, factor, positive=True)
    sizes = sorted({int(n) for n in rows["batch_size"][np.isfinite(floats(rows, "estimate"))]})
    for place, ax in enumerate(line[: len(found)]):
        _axes(ax, sizes, (low, high), factor, width)
        if place:
            ax.tick_params(labelleft=False)
    unit = "in sd" if is_location(word) else "in %"
    line[0].set_ylabel(f"RMSE of the\n{_noun(word)}, {unit if relative else unit_of(word, 'rmse')}")
    return shown


def _draw(
    ax: Axes, rows: pd.DataFrame, marks: dict[str, Mark], shown: Shown, factor: float
) -> None:
    """Draw schemes with theory where they belong, the others side by side: they often agree."""
    curves = set(rows.loc[np.isfinite(floats(rows, "theory")), "name"])
    alone = [name for name in marks if name not in curves and (rows["name"] == name).any()]
    draw_cells(ax, rows[rows["name"].isin(curves)], marks, shown, factor)
    if not alone:
        return
    sizes = np.unique(floats(rows, "batch_size"))
    step = float(np.diff(np.log(sizes)).min()) if len(sizes) > 1 else 0.0
    looks = {name: replace(marks[name], size=4.2) for name in alone}
    aside = BESIDE * step * (len(alone) > 1)
    draw_cells(ax, rows[rows["name"].isin(alone)], looks, shown, factor, dodge=aside)


def _noun(word: str) -> str:
    return {"std(ddof=0)": "std", "std(ddof=1)": "std"}.get(word, word_of(word).replace("_", " "))


def _axes(
    ax: Axes, sizes: list[int], limits: tuple[float, float], factor: float, width: float
) -> None:
    log_axis(ax, *limits, percent=factor == 100.0)
    batch_size_axis(ax, sizes, width - 0.6, label=False)
    if factor == 100.0:
        draw_levels(ax, LEVELS, *limits)
