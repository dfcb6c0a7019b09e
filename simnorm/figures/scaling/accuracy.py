"""Accuracy on rows that were not seen, by way of scaling: a panel per data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.scaling import dots
from simnorm.figures.scaling.rows import Run
from simnorm.figures.style import PAGE_WIDTH, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WHY = "the run has no accuracy"


@styled
def figure(
    frame: pd.DataFrame,
    curves: pd.DataFrame,  # noqa: ARG001
    *,
    width: float = PAGE_WIDTH,
    across: int = 0,
) -> Figure:
    """Draw the accuracy of every model with every way of scaling, a panel per data set.

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
    """Draw the accuracies of one data set on a pair of axes."""
    run = Run(frame)
    dots.draw(ax, run, _kind(run), WHY)


def _kind(run: Run) -> dots.Kind:
    return dots.Kind(run.level, run.scalings, "accuracy")
