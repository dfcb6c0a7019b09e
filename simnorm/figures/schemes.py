"""What a sampling scheme costs: its errors beside the exact ones of shuffled batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simnorm.figures.choice import main_scheme, schemes_of, thing
from simnorm.figures.tables import (
    featured_size,
    floats,
    is_data,
    is_scale,
    known_values,
    measure_for,
    named,
    names_of,
    reference_of,
    shown_estimators,
)
from simnorm.sampling import SEQUENTIAL, SHUFFLE, group_column
from simnorm.theory.worth import shuffled_mse

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COLUMNS = 3


def said(scheme: str) -> str:
    """Return a scheme in a word or two.

    Examples
    --------
    >>> said("sequential"), said("grouped:target"), said("replacement")
    ('file order', 'groups of target', 'replacement')
    """
    group = group_column(scheme)
    if group is not None:
        return f"groups of {group}"
    return "file order" if scheme == SEQUENTIAL else scheme


def compared(frame: pd.DataFrame) -> list[str]:
    """Return the schemes of a run that are compared with shuffling; none if it only shuffles."""
    return [scheme for scheme in schemes_of(frame) if scheme != SHUFFLE]


def mean_errors(frame: pd.DataFrame, scheme: str, n: int) -> pd.DataFrame:
    """Return the relative MSE of the mean under a scheme at a batch size, by name."""
    rows = frame[(frame["sampling"] == scheme) & (frame["estimator"] == "mean")]
    rows = rows[(rows["measure"] == "relative_mse") & (rows["batch_size"] == n)]
    rows = rows[(rows["reference"] == reference_of(rows)) & np.isfinite(floats(rows, "estimate"))]
    return by_source(rows).assign(mse=known_values(rows))


def by_source(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the column or distribution alone as the name."""
    column, law = (frame[word].astype(str) for word in ("column", "distribution"))
    return frame.assign(name=column.where(column != "", law))


def costliest(frame: pd.DataFrame, most: int = MOST_COLUMNS) -> list[str]:
    """Return the columns whose means lose most by not shuffling, the worst first."""
    names = names_of(by_source(frame))
    n = common_size(frame)
    worst: dict[str, float] = dict.fromkeys(names, -math.inf)
    for scheme in compared(frame):
        rows = mean_errors(frame, scheme, n)
        for name, mse in zip(rows["name"], rows["mse"], strict=True):
            worst[str(name)] = max(worst[str(name)], float(mse))
    return sorted(names, key=lambda name: -worst[name])[:most]


def common_size(frame: pd.DataFrame) -> int:
    """Return the batch size that sentences on schemes speak of."""
    return featured_size(frame[frame["sampling"] == main_scheme(frame)])


def panel_rows(frame: pd.DataFrame, name: str, estimator: str) -> pd.DataFrame:
    """Return one column's RMSEs of an estimator, named by scheme, shuffled batches first.

    Of the mean, what shuffled batches do is known exactly, whether the run has them or not.
    """
    rows = by_source(frame[frame["estimator"] == estimator])
    rows = rows[rows["name"] == name]
    parts = []
    for scheme in dict.fromkeys([SHUFFLE, *schemes_of(frame)]):
        mine = rows[rows["sampling"] == scheme]
        if mine.empty:
            if scheme == SHUFFLE and estimator == "mean":
                parts.append(_known_shuffled(rows))
            continue
        mine = mine[mine["reference"] == reference_of(mine)]
        measure = measure_for(frame[frame["sampling"] == scheme], estimator)
        parts.append(mine[mine["measure"] == measure].assign(name=scheme))
    found = pd.concat(parts) if parts else rows.iloc[:0]
    return found.sort_values("batch_size", kind="stable")


def _known_shuffled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of exact values of shuffled means at the batch sizes of `rows`."""
    made = rows[rows["measure"] == "relative_rmse"].drop_duplicates("batch_size")
    made = made[made["batch_size"] < made["full_size"]]
    of_data = bool(len(made)) and is_data(made)
    theory = [
        math.sqrt(shuffled_mse(int(n), int(N), of_data=of_data))
        for n, N in zip(made["batch_size"], made["full_size"], strict=True)
    ]
    empty = dict.fromkeys(("estimate", "mcse", "ci_low", "ci_high", "z"), math.nan)
    return made.assign(
        **empty, theory=theory, theory_kind="exact", status="ok", sampling=SHUFFLE, name=SHUFFLE
    )


def panel_estimators(frame: pd.DataFrame) -> list[str]:
    """Return the mean and the scale that stand for all, as far as the run has them."""
    words = shown_estimators(named(frame[frame["sampling"] == main_scheme(frame)]))
    held = set(frame["estimator"])
    scales = [word for word in words if is_scale(word)]
    return (["mean"] if "mean" in held else []) + scales or words


def left_out(frame: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """Return a sentence on what a figure of schemes leaves out, or nothing."""
    every = len(names_of(by_source(frame)))
    if len(shown) >= every:
        return []
    return [f"The {len(shown)} of {every:,} {thing(frame)}s whose means lose most."]
