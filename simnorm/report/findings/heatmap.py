"""What the grid of all errors shows: how many of them are small enough, and from where on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import thing
from simnorm.figures.heat_grid import Grid, grids_of, row_pages
from simnorm.figures.tables import featured_size, floats, is_location, names_of
from simnorm.formatting import plural
from simnorm.report.facts import pick
from simnorm.report.words import all_of, off_by

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Per cent.
TARGET = 10.0
# Standard errors of a difference that chance exceeds in one of a thousand at most.
APART = 3.3


def heatmap_finding(frame: pd.DataFrame) -> str:
    """Return for how many names a batch is within 10 %, and where the errors are largest.

    Parameters
    ----------
    frame
        The tidy table, of one sampling scheme.
    """
    grids = grids_of(frame, names=names_of(frame))
    grids = sorted(grids, key=lambda grid: is_location(grid.estimator))
    noun = thing(frame)
    sentences = []
    for place, grid in enumerate(grids):
        sentences.append(_alike(grid, noun) or _within(grid, noun))
        if place == 0:
            sentences.append(_range(grid, frame, featured_size(frame)))
    sentences.append(_doubts(grids))
    return " ".join(text for text in sentences if text) or "No error here has a value to show."


def heatmap_alt(frame: pd.DataFrame) -> str:
    """Return what the grid is of, for readers who cannot see it."""
    grids = grids_of(frame)
    what = " and of ".join(grid.estimator for grid in grids)
    rows, columns = len(row_pages(frame)[0]), len(grids[0].sizes) if grids else 0
    return (
        f"Heat map of the error of {what}: {plural(rows, thing(frame))} down, "
        f"{plural(columns, 'batch size')} across; darker is larger."
    )


def _alike(grid: Grid, noun: str) -> str:
    """Return that all names have the same errors, if that is so."""
    known = grid.trusted[np.isfinite(grid.trusted).all(axis=1)]
    if len(known) < 2 or len(known) < len(grid.names) or grid.measure != "relative_rmse":
        return ""
    if np.any(np.ptp(known, axis=0) > 0.01 * known.max(axis=0)):
        return ""
    return f"The relative RMSE of {grid.estimator} is the same for {all_of(len(known), noun)}."


def _within(grid: Grid, noun: str) -> str:
    """Return for how many names the error is at most 10 %, at two batch sizes."""
    if grid.measure != "relative_rmse":
        return ""
    small = np.isfinite(grid.trusted) & (grid.trusted <= TARGET)
    counts = small.sum(axis=0)
    limit = "10 % of a standard deviation" if is_location(grid.estimator) else "10 %"
    what, every = f"The RMSE of {grid.estimator}", len(grid.names)
    if not counts.any():
        known = np.isfinite(grid.trusted).any()
        return f"{what} is above {limit} everywhere that it is known." if known else ""
    first = int(np.flatnonzero(counts)[0])
    if every == 1:
        return f"{what} is at most {limit} from batch size {grid.sizes[first]:,} on."
    # Where most of them are: the smallest batch size at which no more join.
    most = int(np.flatnonzero(counts == counts.max())[0])
    number = all_of(every).split()[0] if counts[most] == every else f"{counts[most]:,}"
    if most == first:
        count = f"{number} of {every:,} {noun}s"
        count = all_of(every, noun) if counts[most] == every else count
        return f"{what} is at most {limit} for {count} at batch size {grid.sizes[first]:,}."
    return (
        f"{what} is at most {limit} for {counts[first]:,} of {every:,} {noun}s at batch size "
        f"{grid.sizes[first]:,} and for {number} at {grid.sizes[most]:,}."
    )


def _range(grid: Grid, frame: pd.DataFrame, n: int) -> str:
    """Return the smallest and the largest error at one batch size, and whose they are."""
    if n not in grid.sizes:
        return ""
    values = grid.trusted[:, grid.sizes.index(n)]
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        return ""
    low, high = known[np.argmin(values[known])], known[np.argmax(values[known])]
    factor = 0.01 if grid.percent else 1.0
    small, large = (off_by(grid.estimator, factor * values[at], grid.measure) for at in (low, high))
    if small == large:
        return ""
    errors = _error_bars(grid, frame, n) / factor
    first, last = (_is_apart(values, errors, at) for at in (low, high))
    if not first and not last:
        return f"At batch size {n:,} it runs from about {small} to {large}."
    least = f"smallest for {grid.names[low]}, {small}" if first else f"about {small} at its least"
    most = f"largest for {grid.names[high]}, {large}" if last else f"about {large} at its most"
    return f"At batch size {n:,} it is {least}, and {most}."


def _error_bars(grid: Grid, frame: pd.DataFrame, n: int) -> NDArray[np.float64]:
    """Return the standard errors of a column of a grid, zero where values are exact; (names,)."""
    rows = pick(frame[frame["batch_size"] == n], grid.estimator, grid.measure)
    bars = dict(zip(rows["name"], np.nan_to_num(floats(rows, "mcse")), strict=True))
    errors = np.array([bars.get(name, 0.0) for name in grid.names])
    return np.where(grid.exact[:, grid.sizes.index(n)], 0.0, errors)


def _is_apart(values: NDArray[np.float64], errors: NDArray[np.float64], at: int) -> bool:
    """Return whether a value differs from all others by more than chance would have it."""
    distance = np.abs(values - values[at])
    close = distance <= APART * np.hypot(errors, errors[at])
    close[at] = False
    return not close.any()


def _doubts(grids: list[Grid]) -> str:
    cells = sum(int(grid.held.sum()) for grid in grids)
    doubtful = sum(int((np.isfinite(grid.numbers) & ~grid.sure).sum()) for grid in grids)
    blank = sum(int((grid.held & ~np.isfinite(grid.numbers)).sum()) for grid in grids)
    parts = []
    if doubtful:
        verb = "has" if doubtful == 1 else "have"
        parts.append(f"{doubtful:,} of {cells:,} cells {verb} no valid error bar")
    if blank:
        of = "" if parts else f" of {cells:,} cells"
        parts.append(f"{blank:,}{of} {'has' if blank == 1 else 'have'} no value")
    if doubtful + blank == 1:
        return f"One of {cells:,} cells has no {'valid error bar' if doubtful else 'value'}."
    return f"{' and '.join(parts)}." if parts else ""
