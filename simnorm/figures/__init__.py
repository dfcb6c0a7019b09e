"""Figures: functions of a run's tables that return a matplotlib figure and touch nothing else.

`figure` draws a whole figure of a kind, `plot` the same on one pair of axes. `FIGURES` maps the
word a person uses to the function that draws it. Importing this package loads no matplotlib: that
happens inside the first call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from simnorm.figures.kinds import (
    FROM_BOTH,
    FROM_CURVES,
    OF_ALL_SCHEMES,
    PAGED,
    STUDY_KINDS,
    SWEEP_KINDS,
    Part,
    about,
    kinds_of,
    known_kind,
    missing,
    part_of,
    study_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES", "FROM_BOTH", "FROM_CURVES", "OF_ALL_SCHEMES", "OF_STUDY", "PAGED", "Part", "about",
    "draw", "figure", "kinds_of", "missing", "pages", "part_of", "plot", "save", "save_svg",
]  # fmt: skip


def _lazy(kind: str) -> Callable[..., Figure]:
    """Return the function ``figure`` of the module named `kind`, imported when it is called."""

    def drawn(*tables: pd.DataFrame, **options: Any) -> Figure:
        made: Figure = import_module(f"simnorm.figures.{kind}").figure(*tables, **options)
        return made

    drawn.__name__ = drawn.__qualname__ = kind
    drawn.__doc__ = f"Draw the figure of kind {kind!r}; see `simnorm.figures.{kind}.figure`."
    return drawn


FIGURES: dict[str, Callable[..., Figure]] = {kind: _lazy(kind) for kind in SWEEP_KINDS}

# The kinds of the other studies: functions of the two tables, in modules of the study's folder.
OF_STUDY: dict[str, tuple[str, ...]] = {study: tuple(kinds) for study, kinds in STUDY_KINDS.items()}


def module_of(kind: str, frame: pd.DataFrame) -> ModuleType:
    """Return the module that draws a kind of a run's figures."""
    study = study_of(frame)
    folder = f"{study}." if study in STUDY_KINDS else ""
    return import_module(f"simnorm.figures.{folder}{kind}")


def pages(kind: str, frame: pd.DataFrame) -> int:
    """Return how many pages a figure of this kind has; draw one with ``figure(..., page=2)``."""
    from simnorm.figures.choice import main_rows, page_names
    from simnorm.figures.tables import pages_of

    if kind in PAGED and kind in kinds_of(frame):
        return len(pages_of(page_names(main_rows(frame)), panelled(kind, frame)))
    if kind == "heatmap":
        many: int = import_module("simnorm.figures.heat_grid").pages(main_rows(frame))
        return many
    return 1


def panelled(kind: str, frame: pd.DataFrame) -> list[str]:
    """Return the estimators that have a panel in a figure of a kind in `PAGED`."""
    shown: list[str] = import_module(f"simnorm.figures.{kind}").shown(frame)
    return shown


def figure(
    kind: str,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    part: Part = Part(),  # noqa: B008  # it cannot change
    **options: Any,
) -> Figure:
    """Draw the figure of a kind from a run's two tables.

    Parameters
    ----------
    kind
        A key of `FIGURES`, or of another study a kind of `kinds_of`.
    frame, curves
        The tables of a result.
    part
        One estimator, distribution (or column) or batch size; all if left out.
    options
        Passed on, e.g. ``reference="population"``, ``width=9.0`` (inches) or ``page=2``.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own, unknown to pyplot.

    Raises
    ------
    SimnormError
        If there is no such kind, part or option.
    """
    module = module_of(known_kind(frame, kind), frame)
    check_options(kind, module.figure, options)
    if part.estimator and study_of(frame) in STUDY_KINDS:
        from simnorm.errors import SimnormError

        has = f"the figure {kind!r} of a study has quantities of its own"
        raise SimnormError("estimator", part.estimator, has, "A measure such as rmse can be drawn.")
    frame, curves = part_of(frame, curves, part)
    tables, more = tables_for(kind, frame, curves)
    made: Figure = module.figure(*tables, **more, **options)
    return made


def tables_for(
    kind: str, frame: pd.DataFrame, curves: pd.DataFrame
) -> tuple[tuple[pd.DataFrame, ...], dict[str, Any]]:
    """Return the tables that a kind is drawn from, and the names that fix its colours."""
    if study_of(frame) in STUDY_KINDS:
        return (frame, curves), {}
    if kind in OF_ALL_SCHEMES:
        return (frame,), {}
    from simnorm.figures.choice import main_rows
    from simnorm.figures.tables import names_of, with_exact_goals

    shown = main_rows(frame)
    here = curves["sampling"].isin(set(shown["sampling"]))
    if kind in FROM_BOTH:
        return (shown, curves[here]), {}
    if kind not in FROM_CURVES:
        return (shown,), {}
    if kind == "convergence":
        curves = with_exact_goals(curves[here & (curves["kind"] == kind)], shown)
    # A distribution without a curve must not shift the colours of those that have one.
    return (curves,), {"names": names_of(shown)}


def check_options(kind: str, function: Callable[..., Any], options: dict[str, Any]) -> None:
    """Refuse an option that the function of a kind does not take.

    Raises
    ------
    SimnormError
        If there is one.
    """
    from simnorm.errors import SimnormError

    tables = ("ax", "frame", "curves", "names")
    held = [name for name in inspect.signature(function).parameters if name not in tables]
    for name, value in options.items():
        if name not in held:
            raise SimnormError(name, value, f"a figure {kind!r} has no {name} to choose")


def plot(
    kind: str,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    ax: Axes | None = None,
    *,
    part: Part = Part(),  # noqa: B008  # it cannot change
    **options: Any,
) -> Axes:
    """Draw a kind, or a measure of the table, on one pair of axes.

    Parameters
    ----------
    kind
        A measure of the table such as ``"rmse"`` or ``"relative_bias"``, or a key of `FIGURES`.
    frame, curves
        The tables of a result.
    ax
        The axes to draw on, which keep the user's style; without them a new figure is made.
    part
        One estimator, distribution (or column) or batch size. What is left out the kind chooses:
        all distributions where they fit, otherwise the first.
    options
        ``reference`` where the kind has one; ``width`` in inches of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    SimnormError
        If there is no such kind, part or option, or the kind needs several panels.
    """
    from simnorm.figures.one import drawn

    return drawn(kind, frame, curves, ax, part=part, **options)


def draw(
    frame: pd.DataFrame,
    measure: str,
    ax: Axes | None = None,
    estimator: str | None = None,
    reference: str = "full_set",
) -> Axes:
    """Draw one measure of one estimator against batch size, every distribution in its colour.

    Of many columns of data, the six with the largest errors.

    Parameters
    ----------
    frame
        The tidy table.
    measure
        A measure of the table, e.g. ``"rmse"`` or ``"relative_bias"``.
    ax
        The axes to draw on; without it a new figure is made.
    estimator
        The estimator; without it ``std(ddof=0)`` if the table has it, otherwise the first one.
    reference
        ``"full_set"`` or ``"population"``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on; its figure is ``ax.figure``.
    """
    from simnorm.figures.single import draw as drawn

    return drawn(frame, measure, ax=ax, estimator=estimator, reference=reference)


def save(figure: Figure, path: str | Path, dpi: float = 200) -> None:
    """Write a figure as SVG, PDF or PNG, by the ending of `path`; the same bytes each time."""
    from simnorm.figures.style import save as saved

    saved(figure, path, dpi)


def save_svg(figure: Figure, path: str | Path) -> None:
    """Write a figure as SVG with outlined text; the same bytes each time."""
    from simnorm.figures.style import save_svg as saved

    saved(figure, path)
