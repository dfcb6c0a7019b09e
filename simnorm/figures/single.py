"""One measure of one estimator on one pair of axes: what ``Result.plot`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from simnorm.errors import SimnormError, nearest
from simnorm.figures.cells import Shown, draw_cells, y_range
from simnorm.figures.choice import main_rows, page_names
from simnorm.figures.dots import dot_figure
from simnorm.figures.fitting import fit_title
from simnorm.figures.labels import name_inside
from simnorm.figures.legend import below_legend, legend_entries
from simnorm.figures.notes import why_nothing
from simnorm.figures.panels import Panel, curve_figure
from simnorm.figures.scales import batch_size_axis, log_axis, symlog_axis
from simnorm.figures.style import FAINT, empty_figure, look, marks_of, say_nothing_to_show
from simnorm.figures.tables import estimators_of, is_data, named, names_of, rows_of, unit_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.style import Mark

IN_PER_CENT = ("relative_bias", "relative_rmse")
# Inches: a figure of its own, and the axes in it.
WIDTH, HEIGHT = 5.6, 2.7
# Inches that a column of a legend takes.
LEGEND = 1.75


def draw(
    frame: pd.DataFrame,
    measure: str,
    ax: Axes | None = None,
    estimator: str | None = None,
    reference: str = "full_set",
    width: float = WIDTH,
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
    rows = rows_of(frame, measure, reference)
    rows = rows[rows["estimator"] == word]
    factor = 100.0 if measure in IN_PER_CENT else 1.0
    heading = f"{_words(measure)} of {word}" + (
        f" against the {reference.replace('_', ' ')}" if reference else ""
    )
    absolute = not measure.startswith("relative_")
    panel = Panel(word, rows, absolute, factor, _label(measure, word), heading)
    marks = marks_of(names_of(frame))
    if ax is not None:  # The user's axes keep the user's look.
        _draw(panel, measure, ax, marks, title)
        return ax
    with look():
        return _figure(panel, measure, marks, [title] if title else [], width).axes[0]


def _words(measure: str) -> str:
    return measure.replace("_", " ").replace("rmse", "RMSE").replace("mse", "MSE")


def _label(measure: str, word: str) -> str:
    label = _words(measure)
    unit = "" if measure.startswith("relative_") else unit_of(word, measure)
    return label + (f", {unit}" if unit.startswith("unit") else "")


def _figure(
    panel: Panel, measure: str, marks: dict[str, Mark], notes: list[str], width: float
) -> Figure:
    """Return a figure of one panel, with room for the names beside the curves."""
    positive = not measure.endswith("bias")
    if len(set(panel.rows["batch_size"])) == 1:
        notes = [f"Batch size {int(panel.rows['batch_size'].iloc[0]):,}.", *notes]
        figure = dot_figure([panel], marks, width, notes, positive)
    else:
        figure = curve_figure([panel], marks, width, notes, positive, height=HEIGHT)
    return figure or empty_figure(why_nothing(panel.rows), width)


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


def _draw(panel: Panel, measure: str, ax: Axes, marks: dict[str, Mark], title: str) -> None:
    """Draw on the axes of the user: names at the curves, the legend below, nothing on the data."""
    rows, shown, positive = panel.rows, Shown(), not measure.endswith("bias")
    marks = {name: mark.of(panel.spec) for name, mark in marks.items()}
    if rows.empty or draw_cells(ax, rows, marks, shown, panel.factor, positive) == 0:
        say_nothing_to_show(ax, why_nothing(rows))
        return
    figure_width = float(ax.figure.get_figwidth()) if isinstance(ax.figure, Figure) else 5.0
    width = figure_width * float(ax.get_position().width)
    height = ax.get_window_extent().height / float(ax.figure.get_figure(root=True).dpi)
    batch_size_axis(ax, [int(n) for n in rows["batch_size"].drop_duplicates()], width, 8.0)
    low, high, threshold = y_range(rows, shown, panel.factor, positive)
    if positive:
        log_axis(ax, low, high, percent=panel.factor == 100.0)
    else:
        symlog_axis(ax, low, high, threshold, percent=panel.factor == 100.0)
        ax.axhline(0.0, color=FAINT, linewidth=0.6, zorder=1)
    # What stands above and below takes its part of the height once the figure is laid out.
    inches = (width, 0.8 * height)
    named_inside = name_inside(ax, rows, marks, inches, panel.factor, positive)
    size = float(ax.title.get_fontsize())
    fit_title(ax, panel.title, max(width, 1.0), size)
    ax.set_ylabel(panel.label)
    handles, labels = legend_entries(marks, shown, curves_only=named_inside)
    below_legend(ax, handles, labels, columns=max(1, int(width / LEGEND)), title=title)
