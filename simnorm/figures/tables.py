"""Looking things up in a run's tidy table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.errors import SimnormError, nearest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LONGEST_NAME = 30

# Estimators measured in standard deviations, and those measured in their own value; the first
# one present stands for all of its kind.
LOCATIONS = ("mean", "median", "min", "max")
SCALES = ("std(ddof=0)", "std(ddof=1)", "biased_variance", "unbiased_variance")


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column ``name``: the distribution, or the file's column."""
    law = frame["distribution"].fillna("").astype(str)
    column = frame["column"].fillna("").astype(str)
    return frame.assign(name=law.where(law != "", column))


def names_of(frame: pd.DataFrame) -> list[str]:
    """Return the distributions (or columns) of a table in their order."""
    return [str(name) for name in named(frame)["name"].drop_duplicates()]


def rows_of(frame: pd.DataFrame, measure: str, reference: str) -> pd.DataFrame:
    """Return the named rows of one measure against one reference, by batch size."""
    for column, value in (("measure", measure), ("reference", reference)):
        known = [str(word) for word in frame[column].drop_duplicates()]
        if known and value not in known:
            raise SimnormError(
                column, value, "this table has " + ", ".join(known), nearest(value, known).strip()
            )
    chosen = frame[(frame["measure"] == measure) & (frame["reference"] == reference)]
    return named(chosen).sort_values("batch_size", kind="stable")


def estimators_of(frame: pd.DataFrame) -> list[str]:
    """Return the estimators of a table in their order."""
    return [str(word) for word in frame["estimator"].drop_duplicates()]


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """Return `name`, cut with an ellipsis if it is longer than `longest`."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def floats(rows: pd.DataFrame, column: str) -> Floats:
    """Return a column as float64, missing values as NaN."""
    return np.asarray(rows[column], dtype=np.float64)


def shown_estimators(frame: pd.DataFrame) -> list[str]:
    """Return the one or two estimators that stand for all: one of location, one of scale."""
    present = estimators_of(frame)
    location = [word for word in LOCATIONS if word in present][:1]
    scale = [word for word in SCALES if word in present][:1]
    return location + scale or present[:1]


def with_exact_goals(curves: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the curves with the RMSE that `frame` knows exactly as their theory, or none.

    A running RMSE need not come near an asymptotic value, so that is no goal for it.
    """
    import pandas as pd

    key = ["distribution", "column", "sampling", "estimator", "batch_size", "factors", "reference"]
    goals = frame[(frame["measure"] == "rmse") & (frame["theory_kind"] == "exact")]
    exact = dict(
        zip(goals[key].itertuples(index=False, name=None), floats(goals, "theory"), strict=True)
    )
    found = [exact.get(row, np.nan) for row in curves[key].itertuples(index=False, name=None)]
    return curves.assign(theory=pd.Series(found, index=curves.index, dtype=np.float64))
