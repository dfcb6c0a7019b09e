"""Which rows of a trial are not simply ok, for the end of its report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simnorm.report.article import Block, heading, small, table

if TYPE_CHECKING:
    import pandas as pd


def statuses(frame: pd.DataFrame) -> list[Block]:
    """Return which rows are not simply ok, and why; nothing if all are."""
    odd = frame[frame["status"] != "ok"]
    if odd.empty:
        return []
    found = zip(odd["status"].astype(str), odd["reason"].astype(str), strict=True)
    rows = [[status, f"{count:,}", reason] for (status, reason), count in Counter(found).items()]
    return [
        heading("Status"),
        small("Rows whose error bar is not to be trusted, or that have no value, and why."),
        table(["status", "rows", "reason"], rows, f"Of {len(frame):,} rows.", "lrl", wide=2),
    ]
