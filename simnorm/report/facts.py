"""What the sentences and tables of a report look up: single cells, ranges, batch sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.reaching import WIDEST_STEP, rounded_up, size_without_error, told_size
from simnorm.figures.tables import (
    FULL_SET,
    TRUSTED,
    best_values,
    featured_size,
    floats,
    is_scale,
    known_values,
    measure_for,
    named,
    names_of,
    reference_of,
    shown_estimators,
    trusted,
)
from simnorm.khat import LARGEST_AMBER_KHAT, LARGEST_KHAT

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]

__all__ = [
    "FULL_SET", "NOTHING", "Needed", "Quantity", "best_values", "covered", "decline",
    "featured_name", "featured_size", "known_values", "look_up", "measure_for", "needed_size",
    "needed_sizes", "pick", "quantity", "rounded_up", "slope", "told_estimators", "trusted",
]  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """One row of the table, as numbers."""

    estimate: float
    mcse: float
    theory: float
    theory_kind: str
    status: str
    reason: str
    khat: float = math.nan

    @property
    def is_amber(self) -> bool:
        """Whether the error bar is valid but near the limit."""
        return self.status == "ok" and LARGEST_AMBER_KHAT < self.khat <= LARGEST_KHAT

    @property
    def best(self) -> float:
        """The exact value where there is one, otherwise the estimate if it can be trusted."""
        if self.theory_kind == "exact" and math.isfinite(self.theory):
            return self.theory
        part = self.status == "failed" and math.isfinite(self.mcse)
        return self.estimate if self.status in TRUSTED or part else math.nan


NOTHING = Quantity(math.nan, math.nan, math.nan, "", "undefined", "")


def quantity(row: Mapping[Any, Any] | pd.Series) -> Quantity:
    """Return a row of the tidy table as numbers."""
    return Quantity(
        float(row["estimate"]),
        float(row["mcse"]),
        float(row["theory"]),
        str(row["theory_kind"] or ""),
        str(row["status"]),
        str(row["reason"] or ""),
        float(row["khat"]),
    )


def look_up(
    frame: pd.DataFrame,
    name: str,
    estimator: str,
    batch_size: int,
    measure: str,
    reference: str = "",
) -> Quantity:
    """Return one quantity; NaN throughout if the table has no such row."""
    rows = pick(frame[frame["batch_size"] == batch_size], estimator, measure, reference)
    rows = rows[rows["name"] == name]
    return NOTHING if rows.empty else quantity(rows.iloc[0])


def pick(frame: pd.DataFrame, estimator: str, measure: str, reference: str = "") -> pd.DataFrame:
    """Return the named rows of one estimator, measure and reference, by batch size."""
    reference = reference or reference_of(frame)
    here = (frame["estimator"] == estimator) & (frame["measure"] == measure)
    rows = frame[here & (frame["reference"] == reference)]
    return named(rows).sort_values("batch_size", kind="stable")


def told_estimators(frame: pd.DataFrame) -> list[str]:
    """Return the one or two estimators that the first page speaks of, the scale first."""
    return sorted(shown_estimators(frame), key=lambda spec: not is_scale(spec))


def featured_name(frame: pd.DataFrame) -> str:
    """Return the distribution the first page leads with: the first with a value to show."""
    names = names_of(frame)
    n = featured_size(frame)
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        for name in names:
            if math.isfinite(look_up(frame, name, word, n, measure).best):
                return name
    return names[0] if names else ""


@dataclass(frozen=True)
class Needed:
    """The batch size from which on a relative RMSE stays at or below a target.

    Parameters
    ----------
    how
        ``"between"`` two simulated sizes, ``"within"`` two that are far apart, ``"smallest"``
        (already the smallest one is enough), ``"beyond"`` the largest one, or ``"unknown"``.
    size
        The batch size; the largest simulated one if beyond, the larger one of two far apart.
    above
        The smaller one of two far apart.
    trusted
        Whether the values it was found from have valid error bars.
    """

    how: str
    size: int
    above: int = 0
    trusted: bool = True

    def text(self) -> str:
        """Return the batch size as a table shows it."""
        if self.how == "unknown":
            return "–"
        mark = "" if self.trusted else " †"
        if self.how == "within":
            return f"{self.above:,}–{self.size:,}{mark}"
        sign = {"between": "≈ ", "smallest": "≤ ", "beyond": "> "}[self.how]
        return f"{sign}{self.size:,}{mark}"


def needed_size(frame: pd.DataFrame, name: str, estimator: str, target: float) -> Needed:
    """Return the batch size at which the relative RMSE has come down to `target` for good.

    Between two simulated sizes `simnorm.figures.reaching` finds it, rounded up to two digits.
    """
    rows = pick(frame, estimator, "relative_rmse")
    return _needed(_curve(rows[rows["name"] == name]), target, size_without_error(rows))


def needed_sizes(frame: pd.DataFrame, estimator: str, target: float) -> dict[str, Needed]:
    """Return `needed_size` of every name in the table."""
    found = dict.fromkeys(names_of(frame), Needed("unknown", 0))
    rows = pick(frame, estimator, "relative_rmse")
    mse, sizes, sure = _curve(rows)
    places = rows.groupby("name").indices
    return found | {
        str(name): _needed((mse[at], sizes[at], sure[at]), target, size_without_error(rows))
        for name, at in places.items()
    }


def _curve(rows: pd.DataFrame) -> Curve:
    """Return squared errors, batch sizes and whether each error can be trusted."""
    return known_values(rows) ** 2, floats(rows, "batch_size"), trusted(rows)


def _needed(curve: Curve, target: float, full_size: float) -> Needed:
    keep = np.isfinite(curve[0])
    mse, sizes, sure = (part[keep] for part in curve)
    if not mse.size:
        return Needed("unknown", 0)
    too_large = np.flatnonzero(mse > target**2)
    if not too_large.size:
        return Needed("smallest", int(sizes[0]), trusted=bool(sure[0]))
    last = int(too_large[-1])
    if last == mse.size - 1:
        return Needed("beyond", int(sizes[-1]), trusted=bool(sure[-1]))
    both = bool(sure[last] and sure[last + 1])
    if sizes[last + 1] > WIDEST_STEP * sizes[last]:
        return Needed("within", int(sizes[last + 1]), int(sizes[last]), trusted=both)
    found = told_size(curve[1][keep], curve[0][keep], target, full_size)
    return Needed("between", found, trusted=both)


def slope(rows: pd.DataFrame) -> float:
    """Return the exponent of n in the upper half of a log-log curve, NaN without two points."""
    return -decline(rows)


def decline(rows: pd.DataFrame, less: float = 0.0) -> float:
    """Return the exponent of 1/n - `less` in the upper half of a log-log curve, or NaN."""
    y, x = best_values(rows), 1.0 / floats(rows, "batch_size") - less
    keep = np.isfinite(y) & (y > 0.0) & (x > 1e-12)
    x, y = x[keep], y[keep]
    x, y = x[x.size // 2 :], y[y.size // 2 :]
    if x.size < 2:
        return math.nan
    return float(math.log(y[-1] / y[0]) / math.log(x[-1] / x[0]))


def covered(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many 95 % intervals contain the exact value, and how many there are."""
    low, high, theory = (floats(rows, word) for word in ("ci_low", "ci_high", "theory"))
    tested = np.isfinite(floats(rows, "z")) & np.isfinite(low) & np.isfinite(high)
    inside = tested & (low <= theory) & (theory <= high)
    return int(inside.sum()), int(tested.sum())
