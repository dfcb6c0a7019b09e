"""Accuracy less that of z-scores, paired, with the margin that was named beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.scaling import dots
from simnorm.figures.scaling.rows import NONE, SCALER_WORDS, Z_SCORE, Run
from simnorm.figures.style import PAGE_WIDTH, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WHY = "the run has no two scalers to compare"


@styled
def figure(
    frame: pd.DataFrame,
    curves: pd.DataFrame,  # noqa: ARG001
    *,
    width: float = PAGE_WIDTH,
    across: int = 0,
) -> Figure:
    """Draw the difference from z-scores in points of accuracy, a panel per data set.

    Without z-scores in the run it is the difference from raw features.

    Parameters
    ----------
    frame, curves
        The tables of a run; the curves are not looked at.
    width
        Width in inches.
    across
        Panels side by side, where the figure is as wide as a page; two or three unless told.
    """
    run = Run(frame)
    return dots.drawn(run, _kind(run), width, across, WHY)


def draw(ax: Axes, frame: pd.DataFrame, curves: pd.DataFrame) -> None:  # noqa: ARG001
    """Draw the differences of one data set on a pair of axes."""
    run = Run(frame)
    dots.draw(ax, run, _kind(run), WHY)


def _kind(run: Run) -> dots.Kind:
    against = Z_SCORE if run.has(Z_SCORE) else NONE
    rows = [one for one in run.scalings if one.scaler != against]
    word = SCALER_WORDS[against] if against == Z_SCORE else "raw"
    return dots.Kind(
        lambda name, model, one: run.difference(name, model, one, against),
        rows, f"points above {word}", is_difference=True,
    )  # fmt: skip
