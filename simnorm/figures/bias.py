"""Relative bias against batch size."""

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
    """Draw the relative bias in per cent, one panel per estimator but the mean.

    The axis is logarithmic outside the size of the Monte Carlo noise and linear inside it: the
    bias of the biased variance falls over three decades, that of the unbiased one is noise about
    zero, and both must be seen. The mean has no bias to show; it appears only if nothing else does.
    """
    rows = rows_of(frame, "relative_bias", reference)
    estimators = estimators_of(frame)
    others = [word for word in estimators if word != "mean"]
    return small_multiples(
        rows, marks_of(names_of(frame)), others or estimators, "relative bias",
        width=width, factor=100.0, positive=False,
    )  # fmt: skip
