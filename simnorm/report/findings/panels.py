"""What the figures with a panel per estimator show: which errors, of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simnorm.figures.choice import (
    page_names,
)
from simnorm.figures.tables import (
    estimators_of,
    is_absolute,
    pages_of,
)
from simnorm.report.words import (
    listed,
)

if TYPE_CHECKING:
    import pandas as pd


def absolute_sentence(frame: pd.DataFrame, measure: str) -> str:
    """Return which estimators the figure of a measure shows in absolute errors, or nothing."""
    words = [word for word in estimators_of(frame) if is_absolute(frame, word, measure)]
    words = [word for word in words if not (measure == "bias" and word == "mean")]
    if not words:
        return ""
    return f"Absolute, not relative: {listed(words)}."


def figure_heads(frame: pd.DataFrame) -> dict[str, str]:
    """Return what the figure of each measure shows, relative or not."""
    heads = {}
    for measure in ("bias", "rmse"):
        words = [word for word in estimators_of(frame) if measure != "bias" or word != "mean"]
        words = words or estimators_of(frame)
        every = bool(words) and all(is_absolute(frame, word, measure) for word in words)
        noun = "bias" if measure == "bias" else "RMSE"
        heads[measure] = noun[0].upper() + noun[1:] if every else f"Relative {noun}"
    return heads


def parts(frame: pd.DataFrame, estimators: Sequence[str]) -> list[str]:
    """Return what each part of a figure with a panel per estimator shows."""
    found = []
    for names, panels in pages_of(page_names(frame), estimators):
        some = [] if len(panels) == len(estimators) else [f"panels {panels[0]} to {panels[-1]}"]
        found.append("; ".join([listed(names), *some]))
    return found
