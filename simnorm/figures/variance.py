"""Variance of the batch statistic about the full set's, against batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.panels import small_multiples
from simnorm.figures.style import PAGE_WIDTH, styled
from simnorm.figures.tables import estimators_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def shown(frame: pd.DataFrame) -> list[str]:
    """Return the estimators that have a panel."""
    return estimators_of(frame)


@styled
def figure(
    frame: pd.DataFrame, reference: str = "", width: float = PAGE_WIDTH, page: int = 1
) -> Figure:
    """Draw the relative variance on log-log axes, one panel per estimator.

    Relative, because then panels and distributions can be compared: a variance of 0.01 is a
    standard deviation of 10 % of the population value, in every panel.
    """
    return small_multiples(
        frame, "variance", reference, shown(frame), width=width, page=page, laws=True
    )
