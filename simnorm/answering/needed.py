"""The batch size that every column or distribution needs, and how it is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from simnorm.answering.margins import ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from simnorm.answering.plan import Plan
    from simnorm.engine import Progress

NEEDED = "needed.csv"
# What is known of a name; a batch size of 0 is none, or not known.
SCHEMA: dict[str, type] = {
    "name": str,
    "batch_size": int,
    "low": int,
    "high": int,
    "method": str,
    "reason": str,
}


class Needed(NamedTuple):
    """What is known of a name: the smallest batch size, and between which ends it lies, 95 %.

    A batch size of 0 is none; an upper end of 0 is not known.
    """

    batch_size: int
    low: int
    high: int
    reason: str = ""

    @property
    def is_constant(self) -> bool:
        """Whether it has no z-score, because all its values are the same."""
        return not self.batch_size and "constant" in self.reason

    def text(self) -> str:
        """Return the batch size with the range that it is known to.

        Examples
        --------
        >>> Needed(149, 149, 149).text(), Needed(289, 283, 295).text(), Needed(267, 267, 0).text()
        ('149 (exact)', '289 (283 to 295)', '267 or more')
        """
        if self.low == self.high == self.batch_size:
            return f"{self.batch_size:,} (exact)"
        if self.high == 0:
            return f"{self.low:,} or more"
        return f"{self.batch_size:,} ({self.low:,} to {self.high:,})"


def sizes_of(table: pd.DataFrame) -> dict[str, Needed]:
    """Return what a table says of every name."""
    words = ("batch_size", "low", "high")
    numbers = zip(*(table[word].tolist() for word in words), table["reason"].tolist(), strict=True)
    return {
        str(name): Needed(*row) for name, row in zip(table["name"].tolist(), numbers, strict=True)
    }


def needed_sizes(
    plan: Plan, on_progress: Callable[[Progress], None] | None = None, workers: int | None = None
) -> pd.DataFrame:
    """Return for every name the smallest batch whose normalized values are good enough.

    Parameters
    ----------
    plan
        What is asked; its data, or the distributions.
    on_progress, workers
        As in `simnorm.solve`.
    """
    from simnorm.solving import solve

    settings = plan.settings
    given: dict[str, Any] = {"seed": settings.seed, "workers": workers, "on_progress": on_progress}
    if plan.dataset is None:
        given |= {"distributions": list(settings.names), "full_size": settings.full_size}
    else:
        given |= {"data": plan.dataset}
    answers = solve(ERROR, reference="full_set", **given)
    rows = [
        {
            "name": one.source,
            "batch_size": one.number or 0,
            "low": one.low or (one.number or 0),
            # Exact numbers need no range; a simulated one without an upper end has none.
            "high": one.high or ((one.number or 0) if one.low is None else 0),
            "method": one.method,
            "reason": one.reason,
        }
        for one in answers
    ]
    return pd.DataFrame(rows, columns=list(SCHEMA)).astype(SCHEMA)


def nothing_needed() -> pd.DataFrame:
    """Return the table without rows."""
    return pd.DataFrame(columns=list(SCHEMA)).astype(SCHEMA)


def read_needed(folder: Path) -> pd.DataFrame | None:
    """Return the table that a folder holds, None if it holds none that can be read."""
    from simnorm.results import read_table

    try:
        return read_table(folder / NEEDED, SCHEMA)
    except (OSError, ValueError):
        return None


def write_needed(folder: Path, table: pd.DataFrame) -> None:
    """Write the table to a folder."""
    from simnorm.results import csv_text
    from simnorm.store import write_text

    write_text(folder / NEEDED, csv_text(table))
