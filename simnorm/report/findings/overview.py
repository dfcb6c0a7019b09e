"""What the picture of the first page shows: what a larger batch is worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import FULL_SET, floats, reference_of
from simnorm.formatting import fixed
from simnorm.report.facts import best_values, measure_for, pick, told_estimators
from simnorm.report.words import in_words
from simnorm.sampling import REPLACEMENT

if TYPE_CHECKING:
    import pandas as pd

TIMES = 4.0
# The powers of n between neighbouring sizes may differ by so much.
SPREAD = 0.25


def overview_finding(frame: pd.DataFrame) -> str:
    """Return by what four times the batch divides an error, or nothing.

    Taken from the upper half of the batch sizes up to N/4, where known well: exact values, or
    estimates with a valid error bar.
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
    """Return by what four times the batch divides the error, of every name of which it is known.

    Nothing, if any name has no such factor: where its batches reach over less than four times the
    size, or its error falls by no one power.
    """
    rows = pick(frame, spec, measure_for(frame, spec))
    if reference_of(frame) == FULL_SET and REPLACEMENT not in set(frame["sampling"]):
        # Near N errors fall to zero because the batch becomes the full set.
        rows = rows[rows["batch_size"] <= rows["full_size"] / TIMES]
    found = [_factor(mine) for _, mine in rows.groupby("name", sort=False)]
    known = [factor for factor in found if factor is not None]
    return known if all(math.isfinite(factor) for factor in known) else []


def _factor(rows: pd.DataFrame) -> float | None:
    """Return by what four times the batch divides an error; None without any, NaN if by no one."""
    sizes, errors = floats(rows, "batch_size"), best_values(rows)
    keep = np.isfinite(errors)
    sizes, errors = sizes[keep], errors[keep]
    if not sizes.size:
        return None
    sizes, errors = sizes[sizes.size // 2 :], errors[errors.size // 2 :]
    if sizes[-1] < TIMES * sizes[0] or not (errors > 0.0).all():
        return math.nan
    powers = -np.diff(np.log(errors)) / np.diff(np.log(sizes))
    if np.ptp(powers) > SPREAD:
        return math.nan
    return float(TIMES ** (math.log(errors[0] / errors[-1]) / math.log(sizes[-1] / sizes[0])))
