"""Median and quantiles of a batch's error, where the mean square has no error bar to trust.

Quantiles exist for every law, and the interval between two order statistics covers them whatever
the tails are like: no moment is needed, only independent errors, so one batch of each replication.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.diagnostics import FAILED, OK, SHORT, UNDEFINED, UNRELIABLE
from simnorm.distributions import distribution
from simnorm.estimators import Shape
from simnorm.intervals import order_interval
from simnorm.studies.drawing import Source
from simnorm.studies.single_errors import most_replications, single_errors
from simnorm.studies.sweep import Cell, estimators
from simnorm.tally import MEASURES

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

MEDIAN = "median"
# The measures of these rows, and which quantile of the error each is.
QUANTILES = {
    "quantile(q=0.05)": 0.05,
    "quantile(q=0.25)": 0.25,
    MEDIAN: 0.5,
    "quantile(q=0.75)": 0.75,
    "quantile(q=0.95)": 0.95,
}
REASON = "errors of one batch of each replication"
FIRST_MEASURE = MEASURES[0]
# Fewer errors have no quantiles to speak of.
FEWEST = 5


class Robust(NamedTuple):
    """Quantiles of a cell's error with their 95 % intervals, in the order of `QUANTILES`."""

    estimate: Floats
    ci_low: Floats
    ci_high: Floats
    replications: int

    def reasons(self) -> list[str]:
        """Return what the numbers are, and which end of an interval so few errors do not have."""
        found = []
        for low, high in zip(self.ci_low, self.ci_high, strict=True):
            ends = [word for word, end in (("lower", low), ("upper", high)) if np.isnan(end)]
            lacking = f"; too few for the interval's {' and '.join(ends)} end" if ends else ""
            found.append(REASON + lacking)
        return found


def robust(errors: Floats) -> Robust:
    """Return the quantiles of independent errors.

    Parameters
    ----------
    errors
        One of each replication, all finite.

    Notes
    -----
    Quantiles between two errors are interpolated (Hyndman and Fan's type 7). The intervals are
    exact: see `simnorm.intervals.order_interval`.

    Examples
    --------
    >>> found = robust(np.arange(101.0))
    >>> found.estimate.tolist()
    [5.0, 25.0, 50.0, 75.0, 95.0]
    >>> float(found.ci_low[2]), float(found.ci_high[2])
    (40.0, 60.0)
    """
    rising = np.sort(errors)
    levels = list(QUANTILES.values())
    ends = [order_interval(rising, q) for q in levels]
    low, high = (np.array([float(end[side]) for end in ends]) for side in (0, 1))
    return Robust(np.quantile(rising, levels), low, high, len(rising))


def with_robust(design: Design, source: Source, rows: Columns, stop_reason: str) -> Columns:
    """Return the rows of a sweep's source, and behind them those of the quantiles.

    A pure function of the rows, whose statuses and replications say for which cells, and how many.

    Parameters
    ----------
    design, source
        What was drawn.
    rows
        The source's rows in the columns of the results, those of a cell together.
    stop_reason
        Why the source has no more replications.
    """
    places = [place for place in _cells_of(rows) if _is_flagged(design, source, rows, place)]
    if not places:
        return rows
    cells = [_cell(design, rows, place) for place in places]
    most = most_replications(design.full_size)
    counts = [min(int(rows["replications"][place]), most) for place in places]
    errors = single_errors(design, source, cells, max(counts))
    found = {
        place: robust(mine[:count])
        for place, mine, count in zip(places, errors, counts, strict=True)
        if np.isfinite(mine[:count]).all()
    }
    if not found:
        return rows
    added = _columns(rows, list(found), list(found.values()))
    # Cells of undefined moments did not stop for themselves: they go on while the source does.
    added["stop_reason"][added["stop_reason"] == UNDEFINED] = stop_reason
    return {name: np.concatenate([values, added[name]]) for name, values in rows.items()}


def _cells_of(rows: Columns) -> list[int]:
    """Return where the rows of every cell begin."""
    return np.flatnonzero(rows["measure"] == FIRST_MEASURE).tolist()


def _cell(design: Design, rows: Columns, place: int) -> Cell:
    kinds = {str(kind): kind for kind in estimators(design)}
    size, reference = int(rows["batch_size"][place]), str(rows["reference"][place])
    return Cell(kinds[rows["estimator"][place]], size, reference, str(rows["column"][place]))


def _is_flagged(design: Design, source: Source, rows: Columns, place: int) -> bool:
    """Return whether bias or squares of a cell have no error bar, though its errors are numbers."""
    # Variance and rmse need the moments of the mse.
    pair = [place + MEASURES.index(name) for name in ("bias", "mse")]
    status = rows["status"][pair].tolist()
    used = int(rows["replications"][place])
    if FAILED in status or not {UNRELIABLE, UNDEFINED} & set(status) or used < FEWEST:
        return False
    cell = _cell(design, rows, place)
    if cell.batch_size < cell.estimator.smallest_batch:
        return False
    if cell.reference == "population":
        law = distribution(source.distribution)
        if not math.isfinite(cell.estimator.population(law)):
            return False
    if UNDEFINED in status:
        # All moments of a skewness exist: what has none is a batch of equal values.
        return not isinstance(cell.estimator, Shape)
    # What is wanting may be replications alone, no robust number.
    reasons = [rows["reason"][at] for at in pair if rows["status"][at] == UNRELIABLE]
    return not all(reason.startswith(SHORT) for reason in reasons)


def _columns(rows: Columns, places: Sequence[int], found: Sequence[Robust]) -> Columns:
    """Return the rows of some cells' quantiles.

    Parameters
    ----------
    rows
        The source's rows.
    places
        Where the rows of each cell begin; what is the cell's is taken from there.
    found
        The quantiles of each.
    """
    many = len(QUANTILES)
    size = many * len(found)
    made = {name: np.repeat(values[list(places)], many) for name, values in rows.items()}
    made["measure"] = np.tile(np.array(list(QUANTILES), dtype=object), len(found))
    for name in ("mcse", "theory", "z", "khat"):
        made[name] = np.full(size, np.nan)
    made["theory_kind"] = np.full(size, "", dtype=object)
    made["status"] = np.full(size, OK, dtype=object)
    for name in ("estimate", "ci_low", "ci_high"):
        made[name] = np.concatenate([getattr(one, name) for one in found])
    made["reason"] = np.array([text for one in found for text in one.reasons()], dtype=object)
    made["replications"] = np.repeat([one.replications for one in found], many)
    # One batch of each replication.
    made["batches"] = np.ones(size, dtype=np.int64)
    return made
