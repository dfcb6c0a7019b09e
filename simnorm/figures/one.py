"""Any kind of figure on one pair of axes: what ``Result.plot`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from simnorm.errors import SimnormError
from simnorm.figures import check_options, module_of, tables_for
from simnorm.figures.choice import chosen_names, main_rows
from simnorm.figures.kinds import (
    Part,
    known_kind,
    measures_of,
    missing,
    part_of,
    study_of,
)
from simnorm.figures.single import draw as draw_measure
from simnorm.figures.style import look
from simnorm.figures.tables import (
    estimators_of,
    measure_for,
    names_of,
    reference_of,
    shown_estimators,
)
from simnorm.quantities import MEAN

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

WIDTH = 5.2
# Height by width of a new figure.
SHAPE = 0.69
# The kinds with a row for every name, and how many these are at most.
ROWS = {"heatmap": 40, "audit": 24}


def drawn(
    kind: str,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    ax: Axes | None = None,
    *,
    part: Part = Part(),  # noqa: B008  # it cannot change
    reference: str = "",
    width: float = 0.0,
) -> Axes:
    """Draw a kind or a measure on one pair of axes; see `simnorm.figures.plot`."""
    measures = measures_of(frame)
    if known_kind(frame, kind, measures) in measures:
        rows, _ = part_of(frame, curves, part)
        return _measure(kind, rows, ax, part.estimator, reference, width)
    if kind == "overview":
        return _overview(part_of(frame, curves, part)[0], ax, reference, width)
    draw = _draw_of(kind, frame)
    options: dict[str, Any] = {"reference": reference} if reference else {}
    check_options(kind, draw, options)
    shown = part_of(frame, curves, part)
    why = missing(kind, *shown)
    if why:
        # Axes of the user must not become blank without a word.
        raise SimnormError("kind", kind, f"there is nothing to show: {why}")

    def fill(ax: Axes) -> None:
        tables, more = tables_for(kind, *shown)
        draw(ax, *tables, **more, **options)

    if ax is not None:  # The user's axes keep the user's look.
        fill(ax)
        return ax
    with look():
        ax = _new_axes(width or WIDTH, _height(kind, shown[0], width or WIDTH))
        fill(ax)
    return ax


def _new_axes(width: float, height: float) -> Axes:
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def _height(kind: str, frame: pd.DataFrame, width: float) -> float:
    """Return how high a new figure is, in inches: where every name has a row, by their number."""
    if kind not in ROWS:
        return SHAPE * width
    names = len(names_of(main_rows(frame)))
    return 1.2 + 0.27 * min(max(names, 2), ROWS[kind])


def _draw_of(kind: str, frame: pd.DataFrame) -> Callable[..., object]:
    """Return the function that draws one panel of a kind."""
    draw: Callable[..., object] | None = getattr(module_of(kind, frame), "draw", None)
    if draw is None:
        raise SimnormError(
            "kind", kind, "it has several panels, which one pair of axes cannot hold",
            f"result.figure({kind!r}) draws them all.",
        )  # fmt: skip
    return draw


def _overview(frame: pd.DataFrame, ax: Axes | None, reference: str, width: float) -> Axes:
    """Draw the second panel of the overview: the relative RMSE of a spread."""
    shown = main_rows(frame)
    word = shown_estimators(shown)[-1] if len(shown) else ""
    shown = shown[shown["name"].isin(chosen_names(shown))]
    measure = measure_for(shown, word)
    return _measure(measure, shown, ax, word, reference, width)


def _measure(
    measure: str,
    frame: pd.DataFrame,
    ax: Axes | None,
    estimator: str,
    reference: str,
    width: float,
) -> Axes:
    """Draw a measure of one estimator against batch size."""
    rows = frame[frame["measure"] == measure]
    word = estimator or None
    if study_of(frame) == "sweep":
        reference = reference or reference_of(rows)
    else:
        # What is no error has no reference.
        reference = "" if measure == MEAN else reference or reference_of(rows)
        word = word or next(iter(estimators_of(rows)), None)
        mine = frame[frame["estimator"] == word]
        # One line for each source: of what the study varies, the first.
        frame = mine[mine["factors"] == mine["factors"].iloc[0]] if len(mine) else mine
    how = {"width": width} if width else {}
    return draw_measure(frame, measure, ax=ax, estimator=word, reference=reference, **how)
