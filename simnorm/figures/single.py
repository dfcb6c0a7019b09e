"""One measure of one estimator on one pair of axes: what ``Result.plot`` shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from simnorm.errors import SimnormError, nearest
from simnorm.figures.choice import main_rows, page_names
from simnorm.figures.panels import (
    Shown,
    draw_cells,
    fit_title,
    legend_entries,
    put_legend,
    put_note,
    why_nothing,
    y_range,
)
from simnorm.figures.style import (
    batch_size_axis,
    log_axis,
    look,
    marks_of,
    plain,
    say_nothing_to_show,
    symlog_axis,
)
from simnorm.figures.tables import (
    MOST_NAMES,
    estimators_of,
    is_data,
    named,
    names_of,
    rows_of,
    unit_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

IN_PER_CENT = ("relative_bias", "relative_rmse")


def draw(
    frame: pd.DataFrame,
    measure: str,
    ax: Axes | None = None,
    estimator: str | None = None,
    reference: str = "full_set",
) -> Axes:
    """Draw one measure of one estimator against batch size; see `simnorm.figures.draw`."""
    word = _estimator(frame, estimator)
    title = ""
    if is_data(frame):
        every, frame = names_of(main_rows(frame)), main_rows(frame)
        frame = frame[frame["name"].isin(page_names(frame))]
        left_out = len(every) > len(names_of(frame))
        title = f"The worst {len(names_of(frame))} of {len(every):,} columns." if left_out else ""
    else:
        frame = named(frame)
    if ax is not None:  # The user's axes keep the user's look.
        _draw(frame, measure, ax, word, reference, title=title)
        return ax
    with look():
        # Many names need a legend beside the axes, not inside.
        rows = 0.6 + 0.19 * math.ceil(len(names_of(frame)) / 2)
        many = len(names_of(frame)) > MOST_NAMES or bool(title)
        figure = Figure(figsize=(5.2, 3.6 + rows if many else 3.6), layout="constrained")
        ax = figure.add_subplot()
        _draw(frame, measure, ax, word, reference, figure if many else None, title)
    return ax


def _estimator(frame: pd.DataFrame, wanted: str | None) -> str:
    known = estimators_of(frame)
    if wanted is None:
        return "std(ddof=0)" if "std(ddof=0)" in known else (known or [""])[0]
    if wanted not in known:
        raise SimnormError(
            "estimator", wanted, "this table has " + ", ".join(known),
            nearest(wanted, known).strip(),
        )  # fmt: skip
    return wanted


def _draw(
    frame: pd.DataFrame,
    measure: str,
    ax: Axes,
    word: str,
    reference: str,
    around: Figure | None = None,
    title: str = "",
) -> None:
    """Draw on `ax`; the legend goes inside, or above the axes of the figure `around` it."""
    rows = rows_of(frame, measure, reference)
    rows = rows[rows["estimator"] == word]
    marks = {name: mark.of(word) for name, mark in marks_of(names_of(frame)).items()}
    shown = Shown()
    positive = not measure.endswith("bias")
    factor = 100.0 if measure in IN_PER_CENT else 1.0
    if rows.empty or draw_cells(ax, rows, marks, shown, factor, positive) == 0:
        say_nothing_to_show(ax, why_nothing(rows))
        return
    figure_width = float(ax.figure.get_figwidth()) if isinstance(ax.figure, Figure) else 5.0
    width = figure_width * float(ax.get_position().width)
    batch_size_axis(ax, [int(n) for n in rows["batch_size"].drop_duplicates()], width, 8.0)
    low, high, threshold = y_range(rows, shown, factor, positive)
    if positive:
        log_axis(ax, low, high, percent=factor == 100.0)
    else:
        symlog_axis(ax, low, high, threshold, percent=factor == 100.0)
        ax.axhline(0.0, color="#6b6b6b", linewidth=0.6, zorder=1)
    size = float(ax.title.get_fontsize())
    fit_title(ax, f"{word} against the {reference.replace('_', ' ')}", max(width, 1.0), size)
    label = measure.replace("_", " ").replace("rmse", "RMSE").replace("mse", "MSE")
    unit = "" if measure.startswith("relative_") else unit_of(word, measure)
    ax.set_ylabel(label + (f", {unit}" if unit.startswith("unit") else ""))
    handles, labels = legend_entries(marks, shown)
    if around is not None:
        put_legend(around, handles, labels)
        put_note(around, [title] if title else [])
        return
    keys: list[Any] = list(handles)
    legend = ax.legend(keys, ["." for _ in labels], fontsize=7.5, title=title or None)
    legend.get_title().set_fontsize(7.5)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        plain(text).set_text(label)
