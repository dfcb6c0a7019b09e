"""What a first page can tell of a run: for which distributions there is an error, and how large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simnorm.figures.tables import names_of, reference_of
from simnorm.formatting import decimals_of, fixed
from simnorm.report.facts import (
    NOTHING,
    featured_size,
    measure_for,
    pick,
    quantity,
    told_estimators,
)
from simnorm.robust_table import PERCENT, SD, Cell, robust_cells

if TYPE_CHECKING:
    import pandas as pd

LOWER, UPPER, MIDDLE = "quantile(q=0.25)", "quantile(q=0.75)", "median"
# Of 95 % intervals: about so many standard errors from end to end.
WIDTH_OF_INTERVAL = 4.0


@dataclass(frozen=True)
class Told:
    """The RMSEs of one estimator at one batch size, and where there is none.

    Parameters
    ----------
    word, measure, batch_size
        Which error it is.
    errors
        The error by name: exact where that is known, otherwise an estimate to be trusted.
    doubtful
        The names whose estimate has no valid error bar.
    gone
        The names where the error does not exist.
    failed
        The names where the estimator failed in every replication.
    """

    word: str
    measure: str
    batch_size: int
    errors: dict[str, float] = field(default_factory=dict)
    doubtful: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def smallest(self) -> str:
        """The name with the smallest error."""
        return min(self.errors, key=self.errors.__getitem__)

    @property
    def largest(self) -> str:
        """The name with the largest error."""
        return max(self.errors, key=self.errors.__getitem__)

    @property
    def is_level(self) -> bool:
        """Whether all names have the same error, up to what rounding hides."""
        return self.errors[self.largest] <= 1.01 * self.errors[self.smallest]


def told(frame: pd.DataFrame) -> list[Told]:
    """Return what is known of the one or two estimators that the first page speaks of."""
    names, n = names_of(frame), featured_size(frame)
    return [_told(frame, names, word, n) for word in told_estimators(frame)]


def _told(frame: pd.DataFrame, names: Sequence[str], word: str, n: int) -> Told:
    measure = measure_for(frame, word)
    values: dict[str, float] = {}
    without: dict[str, list[str]] = {"doubtful": [], "gone": [], "failed": []}
    rows = pick(frame[frame["batch_size"] == n], word, measure)
    held = {str(row["name"]): quantity(row) for row in rows.to_dict("records")}
    for name in names:
        found = held.get(name, NOTHING)
        if math.isfinite(found.best):
            values[name] = found.best
        elif math.isfinite(found.estimate):
            without["doubtful"].append(name)
        else:
            without["failed" if found.status == "failed" else "gone"].append(name)
    return Told(
        word,
        measure,
        n,
        values,
        tuple(without["doubtful"]),
        tuple(without["gone"]),
        tuple(without["failed"]),
    )


@dataclass(frozen=True)
class Typical:
    """What half of the errors of a cell are as large as, or larger.

    Parameters
    ----------
    size
        The number, in the unit of the text.
    text
        The number as it is said, with its unit.
    unit
        Per cent, standard deviations, or nothing for the unit of the data.
    """

    size: float
    text: str
    unit: str


def typical_errors(frame: pd.DataFrame, word: str, n: int) -> dict[str, Typical]:
    """Return by name what half of the errors are as large as, where quantiles of them are known.

    Quantiles exist whatever the tails are like.
    """
    rows = frame[(frame["batch_size"] == n) & (frame["estimator"] == word)]
    cells = robust_cells(rows[rows["reference"] == reference_of(frame)])
    found = {cell.name: typical(cell) for cell in cells}
    return {name: one for name, one in found.items() if one is not None}


def typical(cell: Cell) -> Typical | None:
    """Return what half of the errors of a cell are as large as; None if it is not known.

    A quarter of the errors lie below the lower quartile and a quarter above the upper one, so half
    of them are as large as the nearer of the two where zero is between them. And half are as far
    out as the median.
    """
    low, high, middle = (cell.spans[key] for key in (LOWER, UPPER, MIDDLE))
    nearer = low if -low.value < high.value else high
    ends = [(min(-low.value, high.value), nearer), (abs(middle.value), middle)]
    size, span = max(ends, key=lambda end: end[0])
    # About the standard error of that quantile; NaN without both ends of its interval.
    error = (span.high - span.low) / WIDTH_OF_INTERVAL
    if not (math.isfinite(error) and size > error > 0.0):
        return None
    unit = {PERCENT: " %", SD: " standard deviations"}.get(cell.unit, "")
    return Typical(size, rounded(size, error) + unit, cell.unit)


def rounded(size: float, error: float, digits: int = 2) -> str:
    """Return a number with so many digits, or fewer if its standard error does not support them.

    Examples
    --------
    >>> rounded(1.784, 0.035), rounded(1.784, 1.2), rounded(2368.0, 40.0)
    ('1.8', '1.8', '2,400')
    >>> rounded(17.84, 12.0), rounded(0.0123, 0.2)
    ('18', '0.01')
    """
    decimals = min(digits - 1 - math.floor(math.log10(size)), decimals_of(error))
    return fixed(size, decimals) if decimals >= 0 else f"{round(size, decimals):,.0f}"


def shared_unit(found: Sequence[Typical]) -> bool:
    """Return whether errors have one unit, so that they can be compared."""
    return len({one.unit for one in found}) == 1 and (len(found) == 1 or bool(found[0].unit))
