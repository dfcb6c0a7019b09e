"""Which rows and names of a table are shown where all of them would be too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import (
    FIRST_NAMES,
    FULL_SET,
    MOST_NAMES,
    best_values,
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
from simnorm.sampling import SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd


def thing(frame: pd.DataFrame) -> str:
    """Return what a name of the table stands for: ``"column"`` or ``"distribution"``."""
    return "column" if is_data(frame) else "distribution"


def schemes_of(frame: pd.DataFrame) -> list[str]:
    """Return the sampling schemes of a table in their order."""
    return [str(word) for word in frame["sampling"].drop_duplicates()]


def main_scheme(frame: pd.DataFrame) -> str:
    """Return the scheme that figures and tables show: the first random one with a full set.

    The others are compared with it in a figure of their own.
    """
    schemes = schemes_of(frame)
    whole = frame.loc[frame["reference"] == FULL_SET, "sampling"].drop_duplicates()
    random = [word for word in schemes if word != SEQUENTIAL]
    return next((word for word in random if word in set(whole)), (random or schemes or [""])[0])


def main_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the named rows of the main scheme; columns of data stand worst first.

    A table that has names has come out of here.
    """
    if "name" in frame:
        return frame
    frame = named(frame[frame["sampling"] == main_scheme(frame)])
    if not is_data(frame):
        return frame
    rank = {name: place for place, name in enumerate(ranked_names(frame))}
    order = np.argsort(frame["name"].map(rank).to_numpy(dtype=np.int64), kind="stable")
    return frame.iloc[order]


def ranked_names(frame: pd.DataFrame) -> list[str]:
    """Return all names, the largest error first, those without one last.

    The error is the RMSE that the first page speaks of, of the scale where the table has one.
    """
    names = names_of(frame)
    words = sorted(shown_estimators(frame), key=lambda spec: not is_scale(spec))
    if not words:
        return names
    measure = measure_for(frame, words[0])
    rows = frame[frame["estimator"] == words[0]]
    rows = rows[(rows["measure"] == measure) & (rows["batch_size"] == featured_size(frame))]
    rows = named(rows[rows["reference"] == reference_of(frame)])
    errors = dict(zip(rows["name"], known_values(rows), strict=True))
    # A sort is stable: names alike stay in the order of the file.
    return sorted(names, key=lambda name: -np.nan_to_num(errors.get(name, np.nan), nan=-1.0))


def page_names(frame: pd.DataFrame) -> list[str]:
    """Return the names that figures show: all distributions that fit, of columns the worst.

    Of more distributions than fit those are shown that stand for all: part after part of them would
    show one family after the other.
    """
    names = names_of(frame)
    if is_data(frame):
        return names[:FIRST_NAMES]
    return names if len(names) <= MOST_NAMES else chosen_names(frame)


def left_out_note(frame: pd.DataFrame, shown: int) -> list[str]:
    """Return a sentence on the columns or distributions that a figure leaves out, or nothing."""
    every = len(names_of(frame))
    if shown >= every:
        return []
    if not is_data(frame):
        return [
            f"{shown} of {every:,} distributions, from the smallest to the largest error; the heat "
            "map and results.csv have all."
        ]
    return [f"The {shown} of {every:,} columns with the largest errors; results.csv has all."]


def chosen_names(frame: pd.DataFrame, most: int = FIRST_NAMES) -> list[str]:
    """Return the names that stand for all where all would be too many, in their order.

    The first one, those with the smallest and largest errors that can be trusted, and others
    evenly between; of columns of data, the first ones, which are the worst.
    """
    names = names_of(frame)
    if len(names) <= most or is_data(frame):
        return names[:most]
    at = frame[frame["batch_size"] == featured_size(frame)]
    at = at[at["reference"] == reference_of(frame)]
    chosen: list[str] = []
    ranked = names
    for spec in shown_estimators(frame):
        rows = at[(at["estimator"] == spec) & (at["measure"] == measure_for(frame, spec))]
        rows = named(rows).assign(known=known_values(rows), best=best_values(rows))
        best = rows[np.isfinite(floats(rows, "best"))].sort_values("best", kind="stable")
        chosen += [str(name) for name in best["name"].iloc[[0, -1][: len(best)]]]
        known = rows[np.isfinite(floats(rows, "known"))].sort_values("known", kind="stable")
        # The last one, the scale, is where the shape matters.
        ranked = [str(name) for name in known["name"]] or ranked
        chosen += [name for name in names if name in set(known["name"])][:1]
    chosen = found = list(dict.fromkeys(chosen))[:most]
    for count in range(1, len(ranked) + 1):
        places = np.round(np.linspace(0, len(ranked) - 1, count)).astype(int)
        more = list(dict.fromkeys([*chosen, *(ranked[place] for place in places)]))
        if len(more) > most:
            break
        found = more
    return [name for name in names if name in found]
