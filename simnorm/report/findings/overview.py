"""What the picture of the first page shows: what a larger batch is worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simnorm.formatting import fixed
from simnorm.report.facts import measure_for, pick, slope, told_estimators
from simnorm.report.words import in_words

if TYPE_CHECKING:
    import pandas as pd

TIMES = 4.0


def overview_finding(frame: pd.DataFrame) -> str:
    """Return by what four times the batch divides an error, or nothing.

    Taken from the upper half of the batch sizes, where known well: exact values, or estimates with
    a valid error bar.
    """
    parts = []
    for spec in told_estimators(frame):
        factors = _factors(frame, spec)
        if not factors:
            continue
        low, high = (fixed(end, 1) for end in (min(factors), max(factors)))
        by = low if low == high else f"{low} to {high}"
        parts.append(f"that of the {in_words(spec)} by {by}")
    if not parts:
        return ""
    parts[0] = parts[0].replace("that", "the error", 1)
    return f"Among the larger batches, four times the size divides {' and '.join(parts)}."


def _factors(frame: pd.DataFrame, spec: str) -> list[float]:
    rows = pick(frame, spec, measure_for(frame, spec))
    slopes = (slope(mine) for _, mine in rows.groupby("name", sort=False))
    return [TIMES**-found for found in slopes if math.isfinite(found)]
