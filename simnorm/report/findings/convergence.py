"""How near running values have come to the exact ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import (
    floats,
    reference_of,
    with_exact_goals,
)
from simnorm.formatting import (
    percent,
    plural,
)

if TYPE_CHECKING:
    import pandas as pd


def convergence_finding(frame: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Return how near the running RMSE has come to its exact value."""
    rows = curves[(curves["kind"] == "convergence") & (curves["reference"] == reference_of(frame))]
    rows = rows[rows["sampling"].isin(set(frame["sampling"]))]
    rows = with_exact_goals(rows, frame)
    rows = rows[floats(rows, "theory") > 0.0]
    if rows.empty:
        return "No running RMSE has an exact value to converge to."
    rows = rows[np.isfinite(floats(rows, "mcse"))]
    if rows.empty:
        return "No running RMSE that has an exact value to converge to has a valid error bar."
    key = ["distribution", "column", "sampling", "estimator", "batch_size", "factors"]
    last = rows.sort_values("x", kind="stable").drop_duplicates(key, keep="last")
    theory = floats(last, "theory")
    away = np.abs(floats(last, "y") / theory - 1.0)
    fewest, most = int(last["x"].min()), int(last["x"].max())
    after = (
        plural(most, "replication") if fewest == most else f"{fewest:,} to {most:,} replications"
    )
    if len(last) == 1:
        return (
            f"After {after} the RMSE of the one cell with exact theory and a valid error bar is "
            f"within {percent(float(away.max()))} of its exact value."
        )
    return (
        f"After {after} the RMSE of all {len(last):,} cells with exact theory and a valid error "
        f"bar is within {percent(float(away.max()))} of its exact value; half of them are within "
        f"{percent(float(np.median(away)))}."
    )
