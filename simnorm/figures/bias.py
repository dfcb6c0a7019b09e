"""Relative bias against batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.panels import small_multiples
from simnorm.figures.style import PAGE_WIDTH, styled
from simnorm.figures.tables import estimators_of, known_values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def shown(frame: pd.DataFrame) -> list[str]:
    """Return the estimators that have a panel."""
    estimators = estimators_of(frame)
    return [spec for spec in estimators if spec != "mean"] or estimators


def _on_the_mean(frame: pd.DataFrame) -> list[str]:
    """Return a sentence on the mean, if it is the one without a panel."""
    rows = frame[(frame["estimator"] == "mean") & (frame["measure"] == "bias")]
    if rows.empty or "mean" in shown(frame):
        return []
    unbiased = known_values(rows) == 0.0
    dead = (rows["status"] == "undefined").to_numpy(dtype=bool)
    if (unbiased | dead).all():
        return ["The mean has no panel: it is unbiased."]
    return ["The mean has no panel; results.csv has its bias."]


@styled
def figure(
    frame: pd.DataFrame, reference: str = "", width: float = PAGE_WIDTH, page: int = 1
) -> Figure:
    """Draw the relative bias in per cent, one panel per estimator but the mean.

    The axis is logarithmic outside the size of the Monte Carlo noise and linear inside it: the
    bias of the biased variance falls over three decades, that of the unbiased one is noise about
    zero, and both must be seen. The mean has no bias to show; it appears only if nothing else does.
    """
    return small_multiples(
        frame, "bias", reference, shown(frame), width=width, page=page,
        factor=100.0, positive=False, more=_on_the_mean(frame),
    )  # fmt: skip
