"""Variance of the batch statistic about the full set's, against batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.panels import small_multiples
from simnorm.figures.style import PAGE_WIDTH, marks_of, styled
from simnorm.figures.tables import estimators_of, names_of, rows_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@styled
def figure(frame: pd.DataFrame, reference: str = "full_set", width: float = PAGE_WIDTH) -> Figure:
    """Draw the relative variance on log-log axes, one panel per estimator.

    Relative, because then panels and distributions can be compared: a variance of 0.01 is a
    standard deviation of 10 % of the population value, in every panel.
    """
    rows = rows_of(frame, "relative_variance", reference)
    return small_multiples(
        rows, marks_of(names_of(frame)), estimators_of(frame), "relative variance", width=width
    )
