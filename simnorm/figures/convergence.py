"""How the RMSE settles as replications are added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnorm.figures.fitting import fit_title, fit_titles, say_inside
from simnorm.figures.legend import Handle, inside_legend
from simnorm.figures.marks import distinct
from simnorm.figures.scales import labelled_sizes, linear_axis, log_axis, number
from simnorm.figures.sheet import EDGE, Sheet
from simnorm.figures.style import (
    FAINT,
    PAGE_WIDTH,
    beside,
    empty_figure,
    marks_of,
    plain,
    say_nothing_to_show,
    styled,
)
from simnorm.figures.tables import estimators_of, floats, named, names_of, reference_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from simnorm.figures.style import Mark
    from simnorm.figures.tables import Floats

# Inches: axes of estimates, axes of their errors, labels beside both.
ABOVE, BELOW, LEFT = 1.05, 0.62, 0.66
PREFERRED = ("unbiased_variance", "biased_variance", "std(ddof=1)", "std(ddof=0)")
MOST_PANELS = 6


def shown_cell(curves: pd.DataFrame) -> tuple[str, int] | None:
    """Return the estimator and batch size whose convergence stands for all.

    A variance, because its RMSE converges slowest, at the batch size in the middle of the grid.
    """
    if curves.empty:
        return None
    present = estimators_of(curves)
    word = next((word for word in PREFERRED if word in present), present[0])
    sizes = sorted({int(n) for n in curves.loc[curves["estimator"] == word, "batch_size"]})
    return word, sizes[(len(sizes) - 1) // 2]


@styled
def figure(
    curves: pd.DataFrame,
    names: Sequence[str] | None = None,
    reference: str = "",
    width: float = PAGE_WIDTH,
) -> Figure:
    """Draw the running RMSE with its 95 % band, one panel per distribution or column, at most six.

    Below them the MCSE, which falls as one over the root of the replications if all is well. In
    per cent of the exact value, or of the final estimate where there is none, so that the panels
    have one scale.
    """
    rows, cell, marks = _of_cell(curves, names, reference)
    if cell is None:
        return empty_figure("Nothing to show: no cell has a running RMSE.", width)
    return _panels(rows, marks, cell, width)


def draw(
    ax: Axes, curves: pd.DataFrame, names: Sequence[str] | None = None, reference: str = ""
) -> None:
    """Draw the running RMSE of the first name that has an error bar, on given axes."""
    rows, cell, marks = _of_cell(curves, names, reference)
    if cell is None:
        say_nothing_to_show(ax, "Nothing to show: no cell has a running RMSE.")
        return
    every = [_Course.of(rows[rows["name"] == mark.name], mark) for mark in marks]
    course = next((course for course in every if course.barred), every[0])
    _estimates([ax], [course])
    _batch_axis(ax, sorted({int(x) for x in course.x}), 4.0)
    what = f"{course.mark.label}: {cell[0]} at batch size {cell[1]:,}"
    fit_title(ax, what, 4.6, float(ax.title.get_fontsize()))
    plain(ax.set_ylabel(f"RMSE, off the {_zero([course])} by"))
    ax.set_xlabel("replications")
    handles, labels = _legend([course])
    some = labels.index("MCSE") if course.barred else len(labels)
    inside_legend(ax, handles[:some], labels[:some])


def _of_cell(
    curves: pd.DataFrame, names: Sequence[str] | None, reference: str
) -> tuple[pd.DataFrame, tuple[str, int] | None, list[Mark]]:
    """Return the rows of the cell that stands for all, the cell, and the marks of its names."""
    drawn = named(curves[curves["kind"] == "convergence"])
    drawn = drawn[drawn["reference"] == (reference or reference_of(drawn))]
    cell = shown_cell(drawn)
    if cell is None:
        return drawn, None, []
    rows = drawn[(drawn["estimator"] == cell[0]) & (drawn["batch_size"] == cell[1])]
    marks = marks_of(list(names) if names is not None else names_of(drawn))
    return rows, cell, [mark for name, mark in marks.items() if (rows["name"] == name).any()]


def _panels(rows: pd.DataFrame, marks: list[Mark], cell: tuple[str, int], width: float) -> Figure:
    """Draw estimates above and their errors below; of one name side by side."""
    every = [_Course.of(rows[rows["name"] == mark.name], mark) for mark in marks]
    shown = _chosen(every, beside(width, MOST_PANELS, 1.1))
    barred = any(course.barred for course in shown)
    columns = 2 if len(shown) == 1 and barred else len(shown)
    heights = [ABOVE] if columns != len(shown) or not barred else [ABOVE, BELOW]
    sheet = Sheet.of(width, len(shown) * (1 + barred), columns, *heights)
    steps = sorted({int(x) for x in rows["x"]})
    upper, lower = sheet.axes[: len(shown)], sheet.axes[len(shown) :]
    sheet.legend = _legend(shown)
    sheet.notes = _notes(shown, every, cell)
    sheet.left = [0.1] * columns
    sheet.left[0], sheet.right = LEFT, [EDGE] * (columns - 1) + [0.12]
    if columns != len(shown):
        sheet.left[1] = LEFT
    fit_titles(upper, [course.mark.label_within(200) for course in shown], sheet.across)
    sheet.arrange()
    _estimates(upper, shown)
    if barred:
        _errors(lower, shown)
    for place, ax in enumerate(sheet.axes):
        _batch_axis(ax, steps, sheet.across)
        here = place in sheet.labelled
        first = place % columns == 0 or columns != len(shown)
        ax.tick_params(labelbottom=here, labelleft=first)
        label = "RMSE, off by" if place < len(shown) else "MCSE"
        sheet.label(ax, "replications" if here else "", label if first else "")
    sheet.furnish()
    return sheet.figure


@dataclass(frozen=True)
class _Course:
    """How the RMSE of one name went: in per cent of its goal."""

    mark: Mark
    x: Floats
    away: Floats
    mcse: Floats
    exact: bool

    @classmethod
    def of(cls, rows: pd.DataFrame, mark: Mark) -> _Course:
        """Return the course of a name's rows."""
        rows = rows.sort_values("x", kind="stable")
        x, y, mcse, theory = (floats(rows, column) for column in ("x", "y", "mcse", "theory"))
        exact = bool(np.isfinite(theory).any())
        goal = float(theory[np.isfinite(theory)][-1]) if exact else float(y[-1])
        goal = goal or 1.0
        return cls(mark, x, 100.0 * (y / goal - 1.0), 100.0 * mcse / goal, exact)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is an error bar."""
        found: NDArray[np.bool_] = np.isfinite(self.mcse) & (self.mcse > 0.0)
        return found

    @property
    def barred(self) -> bool:
        """Whether there is any error bar."""
        return bool(self.known.any())


def _chosen(every: Sequence[_Course], most: int) -> list[_Course]:
    """Return the courses that have a panel: the first ones, before others those with errors."""
    ranked = sorted(range(len(every)), key=lambda place: not every[place].barred)[:most]
    some = [every[place] for place in sorted(ranked)]
    marks = distinct({course.mark.name: course.mark for course in some})
    return [replace(course, mark=marks[course.mark.name]) for course in some]


def _estimates(axes: Sequence[Axes], shown: Sequence[_Course]) -> None:
    """Draw the estimates with their bands, on one scale."""
    ends = [0.0]
    for ax, course in zip(axes, shown, strict=True):
        band = 1.96 * np.nan_to_num(course.mcse)
        low, high, colour = course.away - band, course.away + band, course.mark.colour
        ax.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
        if course.barred:
            ax.fill_between(course.x, low, high, color=colour, alpha=0.2, linewidth=0, zorder=2)
        ax.plot(
            course.x, course.away, color=colour, linewidth=1.1, marker="o", markersize=3,
            markerfacecolor=colour if course.barred else "white", zorder=3,
        )  # fmt: skip
        ends += [float(low.min()), float(high.max())]
    air = 0.08 * (max(ends) - min(ends)) or 1.0
    for ax in axes:
        linear_axis(ax, min(ends) - air, max(ends) + air)


def _errors(axes: Sequence[Axes], shown: Sequence[_Course]) -> None:
    """Draw the standard errors, and how they fall if all is well, on one logarithmic scale."""
    ends = np.concatenate([course.mcse[course.known] for course in shown])
    for ax, course in zip(axes, shown, strict=True):
        log_axis(ax, 0.7 * float(ends.min()), 1.4 * float(ends.max()), percent=True)
        if not course.barred:
            say_inside(ax, "none exists", 12)
            continue
        x, mcse = course.x[course.known], course.mcse[course.known]
        line = mcse[-1] * np.sqrt(x[-1] / course.x)
        ax.plot(course.x, line, color=FAINT, linewidth=0.8, zorder=1)
        ax.plot(
            x, mcse, linestyle="none", marker="o", markersize=3, color=course.mark.colour, zorder=3
        )


def _batch_axis(ax: Axes, steps: Sequence[int], width: float) -> None:
    ax.set_xscale("log")
    air = (steps[-1] / steps[0]) ** 0.06 if steps[-1] > steps[0] else 1.3
    ax.set_xlim(steps[0] / air, steps[-1] * air)
    ax.xaxis.set_major_locator(FixedLocator(labelled_sizes(steps, width)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(visible=False, axis="x")


def _legend(shown: Sequence[_Course]) -> tuple[list[Handle], list[str]]:
    dot: dict[str, Any] = {"color": FAINT, "marker": "o", "markersize": 3}
    entries: list[tuple[str, Handle]] = [
        ("running RMSE", (Line2D([], [], linewidth=1.1, **dot),)),
        ("± 1.96 MCSE", (Patch(facecolor=FAINT, alpha=0.25, linewidth=0),)),
        (_zero(shown), (Line2D([], [], color=FAINT, linewidth=0.8),)),
        ("MCSE", (Line2D([], [], linestyle="none", **dot),)),
        ("falling as 1/√R", (Line2D([], [], color=FAINT, linewidth=0.8),)),
    ]
    if not any(course.barred for course in shown):
        entries = [entries[0], entries[2]]
    return [handle for _, handle in entries], [label for label, _ in entries]


def _zero(shown: Sequence[_Course]) -> str:
    return "exact value" if any(course.exact for course in shown) else "final estimate"


def _notes(shown: Sequence[_Course], every: Sequence[_Course], cell: tuple[str, int]) -> list[str]:
    """Return the small print: the cell, who has no error bar, who is left out."""
    notes = [f"RMSE of {cell[0]} at batch size {cell[1]:,}, against its {_zero(shown)}."]
    if len(every) > len(shown):
        notes.append(f"{len(shown)} of {len(every):,}, those that have an error bar first.")
    without = [course.mark.label for course in every if not course.known.all()]
    if len(without) == len(every):
        notes.append("No error bar exists.")
    elif without:
        few = without if len(without) < 6 else [*without[:5], f"{len(without) - 5} more"]
        notes.append(f"No error bar exists for {', '.join(few)}.")
    return notes
