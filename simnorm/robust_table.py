"""The quantiles of a run's errors as tables and sentences show them: a cell each, in a unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from simnorm.distributions import distribution
from simnorm.errors import SimnormError
from simnorm.estimators import Estimator, UserEstimator, estimator, relative_constant
from simnorm.formatting import MINUS, significant
from simnorm.robust import MEDIAN, QUANTILES

# What a cell is known by.
KEY = ["sampling", "distribution", "column", "estimator", "batch_size", "reference"]
Key = tuple[Any, ...]
PERCENT, SD, PLAIN = "%", "sd", ""
DOUBTED = ("undefined", "unreliable")
# Larger numbers are told by their power of ten.
LARGE = 1e4
# Nearest to this batch size, as other sentences do.
USUAL = 16


@dataclass(frozen=True)
class Span:
    """A quantile with its interval, NaN for an end that there is not."""

    value: float
    low: float
    high: float

    def texts(self) -> tuple[str, str]:
        """Return the quantile and, in brackets, its interval.

        Examples
        --------
        >>> Span(0.2, 0.151, math.nan).texts()
        ('0.20', '[0.15, –]')
        >>> Span(-5_701_202.0, -3e7, -1.0).texts()[0]
        '−5.7e6'
        """
        value, low, high = (_short(x) for x in (self.value, self.low, self.high))
        return value, f"[{low}, {high}]"


@dataclass(frozen=True)
class Cell:
    """The quantiles of one cell's errors by measure, in a unit."""

    name: str
    estimator: str
    batch_size: int
    reference: str
    sampling: str
    replications: int
    unit: str
    spans: dict[str, Span]
    reason: str
    has_no_rmse: bool

    def sentence(self, noun: str) -> str:
        """Return what the errors are like: the middle, half of them, nine in ten."""
        low, first, middle, third, high = (_short(span.value) for span in self.spans.values())
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"In place of the RMSE, right whatever the tails: half of the errors of the {noun} at "
            f"batch size {self.batch_size:,} lie from {first} to {third}{unit}, nine in ten from "
            f"{low} to {high}{unit}; their median is {middle}{unit}."
        )


def _short(value: float) -> str:
    """Return two digits of a number, however large."""
    if not math.isfinite(value):
        return "–"
    if abs(value) < LARGE:
        return significant(value, 2)
    return f"{value:.1e}".replace("e+0", "e").replace("e+", "e").replace("-", MINUS)


def has_quantiles(frame: pd.DataFrame) -> bool:
    """Return whether any cell of a table has quantiles of its errors."""
    return bool(frame["measure"].isin(list(QUANTILES)).any())


def robust_cells(frame: pd.DataFrame) -> list[Cell]:
    """Return the cells of a sweep that have quantiles, in the order of the table."""
    rows = frame[frame["measure"].isin(list(QUANTILES))]
    if rows.empty:
        return []
    keys = set(rows[KEY].itertuples(index=False, name=None))
    others = frame[frame["measure"].isin(["bias", "mse", "rmse", "relative_rmse"])]
    about: dict[Key, dict[str, Any]] = {}
    for key, row in zip(_keys(others), others.itertuples(index=False), strict=True):
        if key in keys:
            about.setdefault(key, {})[str(row.measure)] = row
    cells: dict[Key, list[Any]] = {}
    for key, row in zip(_keys(rows), rows.itertuples(index=False), strict=True):
        cells.setdefault(key, []).append(row)
    return [_cell(cells[key], about[key]) for key in cells]


def _keys(rows: pd.DataFrame) -> Iterator[Key]:
    return rows[KEY].itertuples(index=False, name=None)


def _cell(rows: Sequence[Any], about: Mapping[str, Any]) -> Cell:
    """Return a cell from the rows of its quantiles, and the others by measure."""
    first = rows[0]
    factor, unit = _unit(first, about)
    return Cell(
        name=str(first.column or first.distribution),
        estimator=str(first.estimator),
        batch_size=int(first.batch_size),
        reference=str(first.reference),
        sampling=str(first.sampling),
        replications=int(first.replications),
        unit=unit,
        spans={
            str(row.measure): Span(row.estimate * factor, row.ci_low * factor, row.ci_high * factor)
            for row in rows
        },
        reason=_why(about),
        has_no_rmse=about["mse"].status in DOUBTED,
    )


def _unit(row: Any, about: Mapping[str, Any]) -> tuple[float, str]:
    """Return by what errors are multiplied, and their unit then."""
    kind = estimator(str(row.estimator))
    rmse, relative = (float(about[name].estimate) for name in ("rmse", "relative_rmse"))
    ratio = relative / rmse if rmse > 0.0 else math.nan
    if not math.isfinite(ratio) and row.distribution and not isinstance(kind, UserEstimator):
        # The mean square may not exist where what it is divided by does.
        constant = _constant(kind, str(row.distribution))
        ratio = 1.0 / constant if constant > 0.0 else math.nan
    if not (math.isfinite(ratio) and ratio > 0.0):
        return 1.0, PLAIN
    return (ratio, SD) if kind.is_location else (100.0 * ratio, PERCENT)


def _constant(kind: Estimator, name: str) -> float:
    """Return what relative errors are divided by; NaN where a report calls the law otherwise."""
    try:
        return relative_constant(kind, distribution(name))
    except SimnormError:
        return math.nan


def _why(about: Mapping[str, Any]) -> str:
    """Return why the squares have no error bar to trust or, where these have one, the bias."""
    doubted = (about[name] for name in ("mse", "bias"))
    return next((str(r.reason) for r in doubted if r.status in DOUBTED), "")


def nearest_cell(cells: Iterable[Cell]) -> Cell | None:
    """Return the cell whose batch size is nearest to 16, None if there are no cells."""
    return min(cells, key=lambda cell: abs(math.log(cell.batch_size / USUAL)), default=None)


__all__ = ["MEDIAN", "Cell", "Span", "has_quantiles", "nearest_cell", "robust_cells"]
