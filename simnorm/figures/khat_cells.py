"""How far the error bar of every cell can be trusted: what theory says, and what k-hat found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import main_rows
from simnorm.figures.tables import FIRST_NAMES, floats, names_of, reference_of, rows_of
from simnorm.khat import LARGEST_AMBER_KHAT, LARGEST_KHAT

if TYPE_CHECKING:
    import pandas as pd

# The moment that error bars of variance, MSE and RMSE need is the fourth; bias needs the second.
MEASURE = "mse"

# What theory or the number of replications refuses, whatever was drawn.
NO_MOMENT, NO_ERROR_BAR, TOO_FEW = "no mean square", "no error bar", "too few"
# What was drawn.
RED, AMBER, GREEN, UNJUDGED = "red", "amber", "green", "no k-hat"
REFUSED = (NO_MOMENT, NO_ERROR_BAR, TOO_FEW)
# What is known of a cell, besides its verdict.
COLUMNS = ["name", "estimator", "batch_size", "replications", "khat"]
# How much a cell counts when the names most in doubt are looked for.
DOUBT = {NO_MOMENT: 4.0, NO_ERROR_BAR: 3.0, RED: 2.5, TOO_FEW: 2.0, AMBER: 1.0}


def verdict(status: str, reason: str, khat: float) -> str:
    """Return what a row of a mean square is worth, nothing if no tail has a say in it.

    Parameters
    ----------
    status, reason, khat
        Of the row; `khat` NaN where there is none.

    Examples
    --------
    >>> verdict("ok", "", 0.42)
    'amber'
    >>> verdict("unreliable", "its standard error does not exist: ...", 0.1)
    'no error bar'
    """
    missing = "does not exist" in reason
    if status == "undefined":
        return NO_MOMENT if missing or reason.endswith("is not finite") else ""
    if status == "exact" or (status == "failed" and not math.isfinite(khat)):
        return ""
    if status == "unreliable" and missing:
        return NO_ERROR_BAR
    if status == "unreliable" and "k-hat" not in reason:
        return TOO_FEW
    if not math.isfinite(khat):
        return UNJUDGED
    return RED if khat > LARGEST_KHAT else AMBER if khat > LARGEST_AMBER_KHAT else GREEN


def cells_of(frame: pd.DataFrame, reference: str = "") -> pd.DataFrame:
    """Return the cells that tails have a say in, with a column ``verdict``.

    Parameters
    ----------
    frame
        The tidy table.
    reference
        ``"full_set"`` or ``"population"``; nothing for the full set where the table has it.

    Returns
    -------
    pandas.DataFrame
        Of the rows of the mean square `COLUMNS` and the verdict, by batch size.
    """
    frame = main_rows(frame)
    rows = rows_of(frame, MEASURE, reference or reference_of(frame))
    reasons = rows["reason"].fillna("").astype(str)
    found = [
        verdict(str(status), reason, khat)
        for status, reason, khat in zip(rows["status"], reasons, floats(rows, "khat"), strict=True)
    ]
    rows = rows[COLUMNS].assign(verdict=np.array(found, dtype=object))
    return rows[rows["verdict"] != ""]


def wanted(frame: pd.DataFrame) -> bool:
    """Return whether tails put any error bar in doubt, so that a report shows the figure."""
    if MEASURE not in set(frame["measure"]):
        return False
    cells = cells_of(frame)
    # What theory refuses is told in words: without a k-hat there is nothing to be seen.
    judged = np.isfinite(floats(cells, "khat")).any()
    return bool(judged and cells["verdict"].isin(DOUBT).any())


def told_apart(cells: pd.DataFrame) -> list[str]:
    """Return the estimators of cells without those that a nearly proportional one stands for.

    Two divisors of one sum of squares have errors of one shape. Where theory thinks otherwise of
    any cell, both are kept.
    """
    specs = [str(spec) for spec in cells["estimator"].drop_duplicates()]
    refused = cells["verdict"].where(cells["verdict"].isin(REFUSED), "")
    key = zip(cells["estimator"], cells["name"], cells["batch_size"], strict=True)
    found = dict(zip(key, refused, strict=True))

    def alike(spec: str, other: str) -> bool:
        places = [(name, n) for one, name, n in found if one == spec and n > 1]
        return all(found.get((other, *at)) == found[(spec, *at)] for at in places)

    pairs = {"unbiased_variance": "biased_variance", "std(ddof=1)": "std(ddof=0)"}
    return [spec for spec in specs if pairs.get(spec) not in specs or not alike(spec, pairs[spec])]


def doubtful_names(cells: pd.DataFrame, frame: pd.DataFrame, most: int = FIRST_NAMES) -> list[str]:
    """Return the names most in doubt, in the order of the table; the first if none is in doubt."""
    held = set(cells["name"])
    names = [name for name in names_of(main_rows(frame)) if name in held]
    weights = cells["verdict"].map(DOUBT).fillna(0.0)
    doubt = weights.groupby(cells["name"]).mean().to_dict()
    largest = cells.groupby("name")["khat"].max().fillna(-math.inf).to_dict()
    ranked = sorted(names, key=lambda name: (-doubt[name], -largest[name]))[:most]
    chosen = [name for name in ranked if doubt[name] > 0.0] or ranked[:1]
    return [name for name in names if name in chosen]
