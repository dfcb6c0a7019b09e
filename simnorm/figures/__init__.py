"""Figures: functions of a run's tables that return a matplotlib figure and touch nothing else.

`FIGURES` maps the word a person uses to the function that draws it. Importing this package loads
no matplotlib: that happens inside the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES", "FROM_CURVES", "OF_STUDY", "draw", "figure", "kinds_of", "pages", "save", "save_svg",
]  # fmt: skip


def _lazy(kind: str) -> Callable[..., Figure]:
    """Return the function ``figure`` of the module named `kind`, imported when it is called."""

    def drawn(table: pd.DataFrame, **options: Any) -> Figure:
        module = import_module(f"simnorm.figures.{kind}")
        made: Figure = module.figure(table, **options)
        return made

    drawn.__name__ = drawn.__qualname__ = kind
    drawn.__doc__ = f"Draw the figure of kind {kind!r}; see `simnorm.figures.{kind}.figure`."
    return drawn


FIGURES: dict[str, Callable[..., Figure]] = {
    kind: _lazy(kind)
    for kind in (
        "overview", "variance", "bias", "rmse", "audit", "convergence", "histograms", "sampling",
    )
}  # fmt: skip

# The kinds that are drawn from `curves`; the others take `frame`.
FROM_CURVES = frozenset({"convergence", "histograms"})

# The kinds that show all sampling schemes of a run; the others show one.
OF_ALL_SCHEMES = frozenset({"audit", "sampling"})


# The kinds with a panel per estimator: with many distributions or estimators they go on over pages.
# Of many columns of data only the worst are drawn.
PAGED = frozenset({"variance", "bias", "rmse"})


# The kinds of the other studies: functions of the two tables, in modules of the study's folder.
OF_STUDY: dict[str, tuple[str, ...]] = {
    "inputs": ("error", "outputs", "by_value", "epsilon", "gamma", "scalers"),
    "running": ("trajectory", "floor", "split", "sampling"),
}


def kinds_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the kinds of figures that a run has."""
    study = str(frame["study"].iloc[0]) if len(frame) else "sweep"
    return OF_STUDY.get(study, tuple(FIGURES))


def pages(kind: str, frame: pd.DataFrame) -> int:
    """Return how many pages a figure of this kind has; draw one with ``figure(..., page=2)``."""
    if kind not in PAGED:
        return 1
    from simnorm.figures.choice import main_rows, page_names
    from simnorm.figures.tables import pages_of

    return len(pages_of(page_names(main_rows(frame)), panelled(kind, frame)))


def panelled(kind: str, frame: pd.DataFrame) -> list[str]:
    """Return the estimators that have a panel in a figure of a kind in `PAGED`."""
    shown: list[str] = import_module(f"simnorm.figures.{kind}").shown(frame)
    return shown


def figure(kind: str, frame: pd.DataFrame, curves: pd.DataFrame, **options: Any) -> Figure:
    """Draw the figure of a kind from a run's two tables.

    Parameters
    ----------
    kind
        A key of `FIGURES`.
    frame, curves
        The tables of a result.
    options
        Passed on, e.g. ``reference="population"``, ``width=9.0`` (inches) or ``page=2``.

    Returns
    -------
    matplotlib.figure.Figure
        A figure of its own, unknown to pyplot.

    Raises
    ------
    SimnormError
        If there is no such kind.
    """
    kinds = kinds_of(frame)
    if kind not in kinds:
        from simnorm.errors import SimnormError, nearest

        known = ", ".join(kinds)
        raise SimnormError("kind", kind, f"allowed are {known}", nearest(kind, kinds).strip())
    if kinds != tuple(FIGURES):
        module = import_module(f"simnorm.figures.{frame['study'].iloc[0]}.{kind}")
        made: Figure = module.figure(frame, curves, **options)
        return made
    from simnorm.figures.choice import main_rows
    from simnorm.figures.tables import names_of, with_exact_goals

    if kind in OF_ALL_SCHEMES:
        return FIGURES[kind](frame, **options)
    shown = main_rows(frame)
    if kind not in FROM_CURVES:
        return FIGURES[kind](shown, **options)
    # A distribution without a curve must not shift the colours of those that have one.
    options.setdefault("names", names_of(shown))
    if kind == "convergence":
        here = (curves["kind"] == kind) & curves["sampling"].isin(set(shown["sampling"]))
        curves = with_exact_goals(curves[here], shown)
    return FIGURES[kind](curves, **options)


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
