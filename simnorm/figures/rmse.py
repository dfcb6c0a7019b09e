"""Relative RMSE against batch size, with the lines people ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.panels import small_multiples
from simnorm.figures.style import PAGE_WIDTH, marks_of, styled
from simnorm.figures.tables import estimators_of, names_of, rows_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LEVELS = ((5.0, "5 %"), (10.0, "10 %"))


@styled
def figure(frame: pd.DataFrame, reference: str = "full_set", width: float = PAGE_WIDTH) -> Figure:
    """Draw the relative RMSE in per cent, one panel per estimator, with lines at 5 % and 10 %."""
    rows = rows_of(frame, "relative_rmse", reference)
    return small_multiples(
        rows, marks_of(names_of(frame)), estimators_of(frame), "relative RMSE",
        width=width, factor=100.0, levels=LEVELS,
    )  # fmt: skip
