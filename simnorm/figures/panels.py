"""Panels: the cells of one estimator against batch size, side by side, under one legend."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from simnorm.errors import SimnormError
from simnorm.figures.choice import left_out_note, page_names, thing
from simnorm.figures.glyphs import boxed
from simnorm.figures.style import (
    FAINT,
    INK,
    Mark,
    batch_size_axis,
    empty_figure,
    log_axis,
    marks_of,
    plain,
    symlog_axis,
)
from simnorm.figures.tables import (
    floats,
    is_absolute,
    named,
    pages_of,
    power_of,
    reference_of,
    rows_of,
    short,
    unit_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


# A key of the legend: artists drawn over each other.
Handle = tuple[Artist, ...]
DASHES = (0, (3.2, 1.6))

# The look of an estimate from which some replications are missing: half a marker.
HALF: dict[str, Any] = {"fillstyle": "bottom", "markerfacecoloralt": "white"}

# So many entries of a legend fit into an inch of an empty slot of a grid of panels.
ENTRIES_PER_INCH = 6.3


@dataclass
class Shown:
    """What has been drawn so far, so that the legend explains this and no more."""

    names: set[str] = field(default_factory=set)
    exact: bool = False
    asymptotic: bool = False
    interval: bool = False
    hollow: bool = False
    failed: bool = False
    low: float = math.inf
    high: float = -math.inf

    def stretch(self, values: Floats) -> None:
        """Let the y range include `values`."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))


def draw_cells(
    ax: Axes,
    rows: pd.DataFrame,
    marks: Mapping[str, Mark],
    shown: Shown,
    factor: float = 1.0,
    positive: bool = True,
    dodge: float = 0.0,
) -> int:
    """Draw estimates with intervals, and theory as curves; return how many points there are.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        Rows of one measure and estimator, with a column ``name``, by batch size.
    marks
        The look of every name.
    shown
        Takes note of what was drawn.
    factor
        All values are multiplied by it (100 for per cent).
    positive
        Whether y is logarithmic: values that are not positive are left out.
    dodge
        Spread the names over so many natural logarithms of x. Only where the curves are level:
        on a slope a point moved sideways would look like a point beside its curve.
    """
    points = 0
    alike = all_alike(rows)
    for depth, (name, mark) in enumerate(marks.items()):
        mine = rows[rows["name"] == name]
        if mine.empty:
            continue
        if alike:
            mark = ring(mark, depth / max(len(marks) - 1, 1))
        _draw_theory(ax, mine, mark, shown, factor, positive)
        share = depth / (len(marks) - 1) - 0.5 if len(marks) > 1 else 0.0
        aside = math.exp(dodge * share)
        points += _draw_points(ax, mine, mark, shown, factor, positive, 3 + 0.1 * depth, aside)
    return points


def all_alike(rows: pd.DataFrame) -> bool:
    """Return whether theory says that all names (two or more) have the same values."""
    theory = rows[np.isfinite(floats(rows, "theory")) & (floats(rows, "theory") != 0.0)]
    if theory.empty or theory["name"].nunique() < 2:
        return False
    by_size = theory.groupby("batch_size")["theory"]
    return bool(((by_size.max() - by_size.min()).abs() <= 1e-3 * by_size.max().abs()).all())


def ring(mark: Mark, depth: float) -> Mark:
    """Return `mark` as a disc, the smaller the later it is drawn, so that all can be seen."""
    return replace(mark, shape="o", size=7.0 - 4.4 * depth, width=2.0 - 1.4 * depth, edge=0.0)


def _usable(values: Floats, positive: bool) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.isfinite(values)
    return finite & (values > 0.0) if positive else finite


def _draw_theory(
    ax: Axes, mine: pd.DataFrame, mark: Mark, shown: Shown, factor: float, positive: bool
) -> None:
    for kind, dashes in (("exact", "-"), ("asymptotic", DASHES)):
        rows = mine[mine["theory_kind"] == kind]
        y = factor * floats(rows, "theory")
        keep = _usable(y, positive)
        if not keep.any():
            continue
        x, y = floats(rows, "batch_size")[keep], y[keep]
        if x.size == 1:  # A curve through one point: a short level stroke.
            x, y = np.array([x[0] / 1.1, x[0] * 1.1]), np.repeat(y, 2)
        look: dict[str, Any] = {"linestyle": dashes, "color": mark.colour, "linewidth": mark.width}
        ax.plot(x, y, alpha=0.9, zorder=2, **look)
        shown.stretch(y)
        setattr(shown, kind, True)
        shown.names.add(mark.name)


def _draw_points(
    ax: Axes,
    mine: pd.DataFrame,
    mark: Mark,
    shown: Shown,
    factor: float,
    positive: bool,
    zorder: float,
    aside: float,
) -> int:
    x, y = aside * floats(mine, "batch_size"), factor * floats(mine, "estimate")
    low, high = factor * floats(mine, "ci_low"), factor * floats(mine, "ci_high")
    keep = _usable(y, positive)
    status = mine["status"].to_numpy(dtype=object)
    hollow = keep & (status == "unreliable")
    hollow |= keep & (status == "failed") & ~np.isfinite(floats(mine, "mcse"))
    failed = keep & (status == "failed") & ~hollow
    sure = keep & ~hollow & ~failed
    look: dict[str, Any] = {"linestyle": "none", "marker": mark.shape, "zorder": zorder}
    if sure.any():
        ax.plot(
            x[sure], y[sure], markersize=mark.size, markerfacecolor=mark.colour,
            markeredgecolor="white", markeredgewidth=mark.edge, **look,
        )  # fmt: skip
    if failed.any():
        ax.plot(
            x[failed], y[failed], markersize=mark.size, markeredgecolor=mark.colour,
            markeredgewidth=0.9, markerfacecolor=mark.colour, **look, **HALF,
        )  # fmt: skip
        shown.failed = True
    barred = (sure | failed) & np.isfinite(low) & np.isfinite(high) & (high > low)
    if positive:
        barred &= low > 0.0
    if barred.any():
        ax.vlines(
            x[barred], low[barred], high[barred], color=mark.colour, linewidth=0.9, zorder=zorder
        )
        shown.interval = True
        shown.stretch(low[barred])
        shown.stretch(high[barred])
    if hollow.any():
        ax.plot(
            x[hollow], y[hollow], markersize=mark.size, markerfacecolor="white",
            markeredgecolor=mark.colour, markeredgewidth=0.9, **look,
        )  # fmt: skip
        shown.hollow = True
    if keep.any():
        shown.stretch(y[keep])
        shown.names.add(mark.name)
    return int(keep.sum())


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
    # The texts are set afterwards: a label with a leading underscore would be dropped.
    for text, label in zip(legend.get_texts(), labels, strict=True):
        plain(text).set_text(label)


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
    room = int(width * 72.0 / (0.56 * font_size))
    lines: list[str] = []
    for word in " ".join(sentences).split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def undefined_note(panels: Sequence[Panel], names: Sequence[str]) -> list[str]:
    """Return a sentence naming what has no value at all, or nothing."""
    return silent_note({panel.spec: panel.rows for panel in panels}, names)


def silent_note(found: Mapping[str, pd.DataFrame], names: Sequence[str]) -> list[str]:
    """Return a sentence naming what has no value among the rows of each estimator, or nothing."""
    alive = {
        spec: set(rows.loc[np.isfinite(floats(rows, "estimate")), "name"])
        for spec, rows in found.items()
    }
    silent: list[str] = []
    for name in names:
        dead = [spec for spec, living in alive.items() if name not in living]
        if len(dead) == len(alive):
            silent.append(boxed(short(name)))
        elif dead:
            silent.append(f"{boxed(short(name))} ({', '.join(dead)})")
    if not silent:
        return []
    if len(silent) > 5:
        silent = [*silent[:5], f"{len(silent) - 5} more"]
    failed = any((rows["status"] == "failed").any() for rows in found.values())
    why = "Undefined or failed" if failed else "Undefined"
    return [f"{why}, so not drawn: {'; '.join(silent)}."]


def why_nothing(rows: pd.DataFrame) -> str:
    """Return in words why no cell of `rows` can be drawn."""
    if rows.empty:
        return "Nothing to show: the table has no such rows."
    reasons = [str(word) for word in rows["reason"].dropna().drop_duplicates() if str(word)]
    if (rows["status"] == "undefined").all():
        return "Nothing to show: every value is undefined" + (
            f" ({reasons[0]})." if len(reasons) == 1 else "."
        )
    if not np.isfinite(floats(rows, "estimate")).any() and (rows["status"] == "failed").any():
        return "Nothing to show: no replication has a value."
    estimates = floats(rows, "estimate")
    if not estimates[np.isfinite(estimates)].any():
        return "Nothing to show: every error is zero."
    return "Nothing to show: no value can be drawn on these axes."


@dataclass(frozen=True)
class Panel:
    """One estimator's rows of one measure, relative or absolute."""

    spec: str
    rows: pd.DataFrame
    absolute: bool
    factor: float
    label: str


def _panels_of(
    frame: pd.DataFrame,
    measure: str,
    reference: str,
    estimators: Sequence[str],
    names: Sequence[str],
    factor: float,
) -> list[Panel]:
    """Return the panels of a page: first those in relative errors, which share their axes."""
    both = {
        absolute: rows_of(frame, measure if absolute else f"relative_{measure}", reference)
        for absolute in (False, True)
    }
    shown = measure if measure != "rmse" else "RMSE"
    panels = []
    for spec in estimators:
        absolute = is_absolute(frame, spec, measure, reference)
        rows = both[absolute]
        rows = rows[(rows["estimator"] == spec) & rows["name"].isin(names)]
        label = f"{shown},\n{unit_of(spec, measure)}" if absolute else f"relative {shown}"
        panels.append(Panel(spec, rows, absolute, 1.0 if absolute else factor, label))
    return sorted(panels, key=lambda panel: panel.absolute)


def small_multiples(
    frame: pd.DataFrame,
    measure: str,
    reference: str,
    estimators: Sequence[str],
    *,
    width: float,
    page: int = 1,
    factor: float = 1.0,
    positive: bool = True,
    levels: Sequence[tuple[float, str]] = (),
) -> Figure:
    """Draw one panel per estimator: relative errors on common axes, absolute ones on their own.

    Parameters
    ----------
    frame
        The tidy table.
    measure
        ``"bias"``, ``"variance"`` or ``"rmse"``; shown relative to the estimator's constant unless
        a distribution has an absolute value only.
    reference
        What the errors are about; nothing for the full set where the table has it.
    estimators
        One panel each.
    width
        Width of the figure in inches.
    page
        Which of the pages that many distributions or estimators take, from 1.
    factor
        Relative values are multiplied by it; 100 means that y is in per cent.
    positive
        A logarithmic y axis; otherwise linear around zero and logarithmic outside.
    levels
        Horizontal lines with a label, in units of y; in relative panels only.
    """
    frame = named(frame)
    reference = reference or reference_of(frame)
    every = page_names(frame)
    pages = pages_of(every, estimators)
    if not 1 <= page <= len(pages):
        raise SimnormError("page", page, f"allowed is 1 to {len(pages)}")
    names, some = pages[page - 1]
    panels = _panels_of(frame, measure, reference, some, names, factor)
    marks = marks_of(every)
    marks = {name: marks[name] for name in names}
    figure = _drawn(panels, marks, width, positive, levels)
    if figure is None:
        rows = rows_of(frame, f"relative_{measure}", reference)
        return empty_figure(why_nothing(rows), width)
    notes = [_page_note(pages, page, every, estimators)] if len(pages) > 1 else []
    notes += left_out_note(frame, len(every))
    notes += [*absolute_note(panels, thing(frame)), *undefined_note(panels, names)]
    put_note(figure, notes)
    # The small print beyond a first line must not be at the cost of the panels.
    more = len(note_lines(notes, width)) - 1
    figure.set_figheight(figure.get_figheight() + 0.14 * max(0, more))
    return figure


def _drawn(
    panels: Sequence[Panel],
    marks: Mapping[str, Mark],
    width: float,
    positive: bool,
    levels: Sequence[tuple[float, str]],
) -> Figure | None:
    """Return the figure of a page, None if there is nothing on it."""
    columns = min(len(panels), 2 if len(panels) in (2, 4) else 3)
    if not columns:
        return None
    count = math.ceil(len(panels) / columns)
    # A legend that finds no empty slot needs a strip of its own.
    strip = 0.3 if count * columns > len(panels) else 0.7
    height = (2.6, 1.75, 1.58 if count < 5 else 1.45)[columns - 1]
    figure = Figure(figsize=(width, height * count + strip), layout="constrained")
    grid = figure.subplots(count, columns, squeeze=False, sharex=True)
    flat = list(grid.flat)
    together, seen, alone = Shown(), [], []
    any_absolute = any(panel.absolute for panel in panels)
    for ax, panel in zip(flat, panels, strict=False):
        shown = Shown() if panel.absolute else together
        dodge = 0.0 if positive else level_dodge(panel.rows)
        drawn = draw_cells(ax, panel.rows, marks, shown, panel.factor, positive, dodge)
        fit_title(ax, panel.spec, width / columns - (0.72 if any_absolute else 0.45))
        seen.append(shown)
        alone.append(drawn == 0)
    if not any(math.isfinite(shown.low) for shown in seen):
        return None
    room = width / columns - 0.45
    sizes = sorted({int(n) for panel in panels for n in panel.rows["batch_size"]})
    relative = [ax for ax, panel in zip(flat, panels, strict=False) if not panel.absolute]
    first = next((panel for panel in panels if not panel.absolute), None)
    if first is not None and math.isfinite(together.low):
        rows = pd.concat([panel.rows for panel in panels if not panel.absolute])
        _share_axes(relative, rows, sizes, together, room, first.factor, positive, levels)
    for ax, panel, shown in zip(flat, panels, seen, strict=False):
        if panel.absolute and math.isfinite(shown.low):
            _share_axes([ax], panel.rows, sizes, shown, room, 1.0, positive, ())
    for position, ax in enumerate(flat):
        panel_here = panels[position] if position < len(panels) else None
        _finish_panel(ax, position, columns, len(panels), panel_here)
    for ax, panel, nothing in zip(flat, panels, alone, strict=False):
        if nothing:
            if panel.absolute or not math.isfinite(together.low):
                ax.set_yticks([])
            _say_inside(ax, why_nothing(panel.rows).removeprefix("Nothing to show: "))
    slot = flat[-1] if len(flat) > len(panels) else None
    put_legend(figure, *legend_entries(marks, merged(seen)), slot=slot)
    return figure


def merged(parts: Sequence[Shown]) -> Shown:
    """Return what has been drawn in any of several panels."""
    whole = Shown()
    for part in parts:
        whole.names |= part.names
        for flag in ("exact", "asymptotic", "interval", "hollow", "failed"):
            setattr(whole, flag, getattr(whole, flag) or getattr(part, flag))
    return whole


@lru_cache(maxsize=512)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return how many inches wide a line of text is."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    points, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(points) / 72.0


def fit_title(ax: Axes, title: str, room: float, size: float = 8.5, least: float = 7.0) -> None:
    """Title a panel in at most `room` inches: in smaller type, or in lines parted at a joint."""
    lines = [title]
    if text_width(title, least, "bold") > room:
        lines = _parted(title, room, least)
    widest = max(text_width(line, size, "bold") for line in lines)
    plain(ax.set_title("\n".join(lines), fontsize=min(size, size * room / widest)))


def _parted(title: str, room: float, size: float) -> list[str]:
    """Break a title at its joints, and where there are none anywhere."""
    lines = [""]
    for piece in re.split(r"(?<=[_,])|(?<=\.)(?=[A-Za-z])|(?=\()", title):
        if lines[-1] and text_width(lines[-1] + piece, size, "bold") > room:
            lines.append("")
        for char in piece:
            if lines[-1] and text_width(lines[-1] + char, size, "bold") > room:
                lines.append("")
            lines[-1] += char
    return lines


def _page_note(
    pages: Sequence[tuple[list[str], list[str]]],
    page: int,
    names: Sequence[str],
    estimators: Sequence[str],
) -> str:
    """Return what a page of several shows."""
    here, some = pages[page - 1]
    parts = []
    for what, part, whole in (("distributions", here, names), ("estimators", some, estimators)):
        if len(part) < len(whole):
            first = list(whole).index(part[0]) + 1
            parts.append(f"{what} {first} to {first + len(part) - 1} of {len(whole)}")
    return f"Part {page} of {len(pages)}: {', '.join(parts)}."


def absolute_note(panels: Sequence[Panel], what: str) -> list[str]:
    """Return a sentence on the panels that are not in relative errors, or nothing."""
    specs = [panel.spec for panel in panels if panel.absolute]
    if not specs:
        return []
    unit = " in the unit of the data" if any(power_of(spec) for spec in specs) else ""
    return [
        f"Absolute{unit}, not relative: {', '.join(specs)}; for some {what}s what these "
        "would be relative to is zero or does not exist."
    ]


def level_dodge(rows: pd.DataFrame) -> float:
    """Return how far to spread the names sideways: not at all unless theory is zero throughout."""
    theory = floats(rows, "theory")
    theory = theory[np.isfinite(theory)]
    sizes = np.unique(floats(rows, "batch_size"))
    if not theory.size or np.any(theory != 0.0) or sizes.size < 2:
        return 0.0
    logs = np.log(sizes)
    # On a coarse grid the outermost points must stay on the axes, which are that much longer.
    return min(0.5 * float(np.diff(logs).min()), 0.07 * float(logs[-1] - logs[0]))


def _share_axes(
    panels: Sequence[Axes],
    rows: pd.DataFrame,
    sizes: Sequence[int],
    shown: Shown,
    width: float,
    factor: float,
    positive: bool,
    levels: Sequence[tuple[float, str]],
) -> None:
    """Give panels the same axes, and the levels a line each."""
    low, high, threshold = y_range(rows, shown, factor, positive, [at for at, _ in levels])
    for ax in panels:
        batch_size_axis(ax, sizes, width, label=False)
        if positive:
            log_axis(ax, low, high, percent=factor == 100.0)
        else:
            symlog_axis(ax, low, high, threshold, percent=factor == 100.0)
            ax.axhline(0.0, color=FAINT, linewidth=0.6, zorder=1)
        draw_levels(ax, levels, low, high)


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


def y_range(
    rows: pd.DataFrame,
    shown: Shown,
    factor: float,
    positive: bool,
    include: Sequence[float] = (),
) -> tuple[float, float, float]:
    """Return the ends of the y axis, and where it stops being linear if it passes zero."""
    low, high = min([shown.low, *include]), max([shown.high, *include])
    if positive:
        air = max((high / low) ** 0.05, 1.15)
        return low / air, high * air, 0.0
    half = factor * (floats(rows, "ci_high") - floats(rows, "ci_low")) / 2.0
    half = half[np.isfinite(half) & (half > 0.0)]
    reach = max(-low, high) or 1.0
    noise = float(np.median(half)) if half.size else reach / 1000.0
    threshold = 10.0 ** math.ceil(math.log10(max(noise, 1e-9 * reach)))
    low, high = min(low, -threshold), max(high, threshold)
    # The more decades, the more of one a marker covers.
    air = max(1.3, (max(-low, high) / threshold) ** 0.06)
    return air * low, air * high, threshold


def _finish_panel(ax: Axes, position: int, columns: int, count: int, panel: Panel | None) -> None:
    """Hide a surplus panel; label the outer axes of the others, and those with their own y."""
    if panel is None:
        ax.set_axis_off()
        return
    if panel.absolute or position % columns == 0:
        ax.set_ylabel(panel.label)
    else:
        ax.tick_params(labelleft=False)
    if position + columns >= count:
        ax.set_xlabel("batch size n")
        # The axis is shared: without this a panel above a gap would have no labels.
        ax.tick_params(labelbottom=True)


def _say_inside(ax: Axes, words: str) -> None:
    text = ax.text(
        0.5, 0.5, _wrapped(words, 26), ha="center", va="center", transform=ax.transAxes,
        color=FAINT, fontsize=7.5, zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip
    plain(text)


def _wrapped(words: str, room: int) -> str:
    return "\n".join(textwrap.wrap(words, room))
