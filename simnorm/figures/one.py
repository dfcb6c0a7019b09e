"""Any kind of figure on one pair of axes: what ``Result.plot`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from simnorm.errors import SimnormError
from simnorm.figures import check_options, module_of, tables_for
from simnorm.figures.kinds import Part, known_kind, missing, part_of, study_of
from simnorm.figures.single import draw as draw_measure
from simnorm.figures.style import look, say_nothing_to_show
from simnorm.figures.tables import estimators_of, reference_of
from simnorm.quantities import MEAN

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes

WIDTH = 5.2
# Height by width of a new figure.
SHAPE = 0.69


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
    measures = tuple(str(word) for word in frame["measure"].drop_duplicates())
    is_measure = known_kind(frame, kind, measures) in measures
    if is_measure:
        return _measure(kind, frame, curves, ax, part, reference)
    draw = _draw_of(kind, frame)
    options: dict[str, Any] = {"reference": reference} if reference else {}
    check_options(kind, draw, options)
    shown = part_of(frame, curves, part)
    why = missing(kind, *shown)

    def fill(ax: Axes) -> None:
        if why:
            say_nothing_to_show(ax, f"Nothing to show: {why}.")
            return
        tables, more = tables_for(kind, *shown)
        draw(ax, *tables, **more, **options)

    if ax is not None:  # The user's axes keep the user's look.
        fill(ax)
        return ax
    with look():
        width = width or WIDTH
        ax = Figure(figsize=(width, SHAPE * width), layout="constrained").add_subplot()
        fill(ax)
    return ax


def _draw_of(kind: str, frame: pd.DataFrame) -> Callable[..., object]:
    """Return the function that draws one panel of a kind."""
    draw: Callable[..., object] | None = getattr(module_of(kind, frame), "draw", None)
    if draw is None:
        raise SimnormError(
            "kind", kind, "it has several panels, which one pair of axes cannot hold",
            f"result.figure({kind!r}) draws them all.",
        )  # fmt: skip
    return draw


def _measure(
    kind: str,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    ax: Axes | None,
    part: Part,
    reference: str,
) -> Axes:
    """Draw a measure of one estimator against batch size."""
    frame, _ = part_of(frame, curves, part)
    rows = frame[frame["measure"] == kind]
    if study_of(frame) == "sweep":
        reference = reference or reference_of(rows)
        word = part.estimator or None
    else:
        # What is no error has no reference.
        reference = "" if kind == MEAN else reference or reference_of(rows)
        word = part.estimator or next(iter(estimators_of(rows)), None)
        mine = frame[frame["estimator"] == word]
        # One line for each source: of what the study varies, the first.
        frame = mine[mine["factors"] == mine["factors"].iloc[0]] if len(mine) else mine
    return draw_measure(frame, kind, ax=ax, estimator=word, reference=reference)
