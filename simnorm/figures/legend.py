"""Legends and small print, above and below the panels of a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from simnorm.figures.cells import DASHES, HALF, Shown
from simnorm.figures.style import FAINT, INK, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

    from simnorm.figures.marks import Mark

# A key of the legend: artists drawn over each other.
Handle = tuple[Artist, ...]

# So many entries of a legend fit into an inch of an empty slot of a grid of panels.
ENTRIES_PER_INCH = 6.3


def legend_entries(
    marks: Mapping[str, Mark], shown: Shown, curves_only: bool = False
) -> tuple[list[Handle], list[str]]:
    """Return handles and labels: the names drawn, then what lines and hollow markers mean."""
    handles: list[Handle] = []
    labels: list[str] = []

    def add(label: str, *looks: dict[str, Any]) -> None:
        handles.append(tuple(Line2D([], [], **look) for look in looks))
        labels.append(label)

    line = {"color": FAINT, "linewidth": 1.1}
    dot = {"linestyle": "none", "marker": "o", "markersize": 4.6, "color": FAINT}
    for name, mark in marks.items():
        if name in shown.names and not curves_only:
            point = {"marker": mark.shape, "markersize": mark.size, "markeredgecolor": "white"}
            add(
                mark.label,
                {"color": mark.colour, "linewidth": mark.width},
                {"color": mark.colour, "linestyle": "none", "markeredgewidth": 0.5} | point,
            )
    if shown.exact:
        add("exact theory", line)
    if shown.asymptotic:
        add("asymptotic theory", line | {"linestyle": DASHES})
    if shown.interval:
        bar = {"marker": "|", "markersize": 9.0, "markeredgewidth": 0.9}
        add("estimate, 95 % interval", dot | bar, dot | {"markeredgecolor": "white"})
    if shown.hollow:
        add("no valid error bar", dot | {"markerfacecolor": "white", "markeredgewidth": 0.9})
    if shown.failed:
        add("some replications failed", dot | {"markeredgewidth": 0.9} | HALF)
    return handles, labels


def put_legend(
    figure: Figure,
    handles: Sequence[Handle],
    labels: Sequence[str],
    font_size: float = 7.5,
    slot: Axes | None = None,
) -> None:
    """Put one legend into an empty slot of the grid, or above all panels in as few rows as fit."""
    if not handles:
        return
    blanks = ["." for _ in labels]
    # The stubs know single artists only; a tuple is drawn one over the other.
    keys: list[Any] = list(handles)
    if slot is not None:
        rows = slot.get_gridspec().nrows if slot.get_subplotspec() else 1  # type: ignore[union-attr]
        height = float(figure.get_figheight()) / rows
        if len(labels) > ENTRIES_PER_INCH * height * 7.5 / font_size:
            slot = None
    if slot is not None:
        legend = slot.legend(keys, blanks, loc="center left", fontsize=font_size)
    else:
        width = float(figure.get_figwidth())
        column = (0.60 * max(len(label) for label in labels) + 4.6) * font_size / 72.0
        columns = max(1, min(len(labels), int(width / column)))
        # Equal rows: seven entries in six columns would leave one alone in the second row.
        columns = math.ceil(len(labels) / math.ceil(len(labels) / columns))
        legend = figure.legend(
            keys, blanks, loc="outside upper center", ncols=columns, fontsize=font_size
        )
    _fill(legend, labels)


def _fill(legend: Legend, labels: Sequence[str]) -> None:
    """Set the texts of a legend afterwards: one with a leading underscore would be dropped."""
    for text, label in zip(legend.get_texts(), labels, strict=True):
        plain(text).set_text(label)


def row_legend(
    figure: Figure,
    handles: Sequence[Handle],
    labels: Sequence[str],
    top: tuple[float, float],
    columns: int,
    size: float,
) -> None:
    """Put a legend above all panels, its upper middle at `top` in parts of the figure."""
    keys: list[Any] = list(handles)
    legend = figure.legend(
        keys, ["." for _ in labels], loc="upper center", bbox_to_anchor=top, ncols=columns,
        fontsize=size, borderpad=0.0, borderaxespad=0.0,
    )  # fmt: skip
    _fill(legend, labels)


def slot_legend(
    figure: Figure,
    handles: Sequence[Handle],
    labels: Sequence[str],
    left: tuple[float, float],
    size: float,
) -> None:
    """Put a legend into an empty place of a grid, the middle of its left side at `left`."""
    keys: list[Any] = list(handles)
    legend = figure.legend(
        keys, ["." for _ in labels], loc="center left", bbox_to_anchor=left, fontsize=size,
        borderpad=0.0, borderaxespad=0.0,
    )  # fmt: skip
    _fill(legend, labels)


def inside_legend(
    ax: Axes,
    handles: Sequence[Handle],
    labels: Sequence[str],
    size: float = 7.5,
    **how: Any,
) -> None:
    """Put a legend inside axes, where most room is."""
    keys: list[Any] = list(handles)
    if keys:
        _fill(ax.legend(keys, ["." for _ in labels], fontsize=size, **how), labels)


def below_legend(
    ax: Axes,
    handles: Sequence[Handle],
    labels: Sequence[str],
    size: float = 7.0,
    columns: int = 1,
    title: str = "",
) -> None:
    """Put a legend below the label of the x axis, where neither data nor a title stand."""
    ticks = float(ax.xaxis.get_major_ticks(1)[0].label1.get_fontsize())
    points = 10.0 + 1.3 * (ticks + float(ax.xaxis.label.get_fontsize()))
    below = offset_copy(
        ax.transAxes, ax.figure.get_figure(root=True), y=-points, units="points"
    )  # fmt: skip
    inside_legend(
        ax, handles, labels, size, loc="upper center", bbox_to_anchor=(0.5, 0.0),
        bbox_transform=below, borderaxespad=0.0, ncols=min(columns, max(len(labels), 1)),
        frameon=False, title=title or None, title_fontsize=size,
    )  # fmt: skip


def put_note(figure: Figure, sentences: Sequence[str], font_size: float = 7.0) -> None:
    """Put small print below all panels, in as many lines as it needs."""
    if not sentences:
        return
    lines = note_lines(sentences, float(figure.get_figwidth()), font_size)
    note = figure.legend([], [], loc="outside lower left", title="\n".join(lines), borderpad=0.0)
    title = plain(note.get_title())
    title.set_fontsize(font_size)
    title.set_color(FAINT)
    title.set_multialignment("left")


def note_lines(sentences: Sequence[str], width: float, font_size: float = 7.0) -> list[str]:
    """Return small print in lines that fit into so many inches."""
    # A margin at both sides, and a screen's letters are wider than the font says.
    room = int((width - 0.15) * 72.0 / (0.56 * font_size))
    lines: list[str] = []
    for word in " ".join(sentences).split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def draw_levels(ax: Axes, levels: Sequence[tuple[float, str]], low: float, high: float) -> None:
    """Draw horizontal lines, ascending, labelled at the left, where no curve comes.

    The lowest label goes below its line if there is room, where the one above cannot meet it.
    """
    for place, (at, label) in enumerate(levels):
        if not low < at < high:
            continue
        room = math.log(at / low) > 0.12 * math.log(high / low)
        side, up = ("top", -1.5) if place == 0 and room else ("bottom", 1.5)
        ax.axhline(at, color=INK, linewidth=0.7, linestyle=(0, (1.2, 1.6)), zorder=1.5)
        ax.annotate(
            label, (0.0, at), xycoords=("axes fraction", "data"), xytext=(3, up),
            textcoords="offset points", ha="left", va=side, fontsize=7.0, color=INK, zorder=6,
        )  # fmt: skip
