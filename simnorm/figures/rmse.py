"""Relative RMSE against batch size, with the lines people ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.panels import small_multiples
from simnorm.figures.style import PAGE_WIDTH, styled
from simnorm.figures.tables import estimators_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LEVELS = (10.0, 5.0)


def shown(frame: pd.DataFrame) -> list[str]:
    """Return the estimators that have a panel."""
    return estimators_of(frame)


@styled
def figure(
    frame: pd.DataFrame, reference: str = "", width: float = PAGE_WIDTH, page: int = 1
) -> Figure:
    """Draw the relative RMSE in per cent, one panel per estimator.

    Where curves cross 5 % and 10 % the batch size is written: the smallest and the largest one.
    """
    return small_multiples(
        frame, "rmse", reference, shown(frame), width=width, page=page,
        factor=100.0, levels=LEVELS,
    )  # fmt: skip
