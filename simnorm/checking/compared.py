"""Equations between the rows of a trial: a difference is that of the levels it is made of.

Differences are taken inside a replication, so that their mean is the difference of the levels'
means. Ratios are geometric means and levels arithmetic ones: no equation joins them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from simnorm.checking.equation import TOLERANCE, Equation
from simnorm.checking.keys import KEY, words_of
from simnorm.options import OVERHEAD, SHIFT
from simnorm.tally import t_quantile
from simnorm.trials import AGAINST, MEAN, MEASURE_OF, RATIO

# What is compared within each study, in the column that it stands in.
VARIED = {"scaling": "scaler", "shift": "variant"}
NUMBERS = ("estimate", "mcse", "ci_low", "ci_high", "replications")
# The standard error of a median is the half width of its interval over that of a normal one.
OF_NORMAL = 1.959963984540054


def equations_of_trial(frame: pd.DataFrame) -> Iterator[Equation]:
    """Yield all equations for the rows of a trial's table, which has a column for every factor."""
    rows = frame.drop_duplicates(list(KEY))
    yield from _intervals(rows)
    yield from _differences(rows)


def _intervals(rows: pd.DataFrame) -> Iterator[Equation]:
    """Yield that intervals are those of estimate and MCSE, as far as the table alone can tell."""
    words = [words_of(row) for row in rows[list(KEY)].to_dict("records")]
    value, mcse, low, high, count = (rows[name].to_numpy(dtype=np.float64) for name in NUMBERS)
    is_ratio = (rows["measure"] == MEASURE_OF[RATIO]).to_numpy(dtype=bool)
    middle = np.where(is_ratio, np.log(value), value)
    low, high = (np.where(is_ratio, np.log(end), end) for end in (low, high))
    error = np.where(is_ratio, mcse / value, mcse)
    limit = TOLERANCE * (np.abs(low) + np.abs(high) + error + is_ratio)
    half = (high - low) / 2.0
    if str(rows["study"].iloc[0]) == OVERHEAD:
        yield Equation("MCSE by the interval of the median", words, error, half / OF_NORMAL, limit)
        return
    # An accuracy's interval ends at 0 and 1, which cuts it short on one side.
    is_cut = (rows["estimator"] == "accuracy").to_numpy(bool) & ((low == 0.0) | (high == 1.0))
    center = np.where(is_cut, middle, (low + high) / 2.0)
    yield Equation("middle of the interval", words, center, middle, limit)
    if str(rows["study"].iloc[0]) == SHIFT:
        reach = np.where(error == 0.0, 0.0, t_quantile(count.astype(np.int64)) * error)
        yield Equation("interval by MCSE", words, half, reach, limit)


def _differences(rows: pd.DataFrame) -> Iterator[Equation]:
    """Yield that the mean of differences is the difference of the means."""
    own = VARIED.get(str(rows["study"].iloc[0]), "")
    if own not in rows or AGAINST not in rows:
        return
    others = [
        name for name in ("distribution", "estimator", "model", "net", "rate") if name in rows
    ]
    means = rows[rows["measure"] == MEASURE_OF[MEAN]].to_dict("records")

    def place(row: dict[Any, Any], word: str, size: int) -> tuple[object, ...]:
        return (*(row[name] for name in others), word, size)

    levels = {place(r, r[own], r["batch_size"]): r for r in means if not r[AGAINST]}
    asked = []
    for row in means:
        size, base = row["batch_size"], row[AGAINST]
        one = levels.get(place(row, row[own], size))
        # What has no batches is the same for all of their sizes.
        other = levels.get(place(row, base, size)) or levels.get(place(row, base, 0))
        # A replication without a number may be missing from one alone.
        if base and one and other and not one["failed"] + other["failed"] + row["failed"]:
            asked.append((words_of(row), row["estimate"], one["estimate"], other["estimate"]))
    got, first, second = (np.array([part[i] for part in asked], dtype=float) for i in (1, 2, 3))
    limit = TOLERANCE * (np.abs(first) + np.abs(second))
    words = [part[0] for part in asked]
    yield Equation("difference of the levels", words, got, first - second, limit)
