"""What the grid of all errors shows: how many of them are small enough, and from where on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import thing
from simnorm.figures.heat_grid import Grid, grids_of, row_pages
from simnorm.figures.tables import featured_size, is_location, names_of
from simnorm.formatting import plural
from simnorm.report.words import off_by

if TYPE_CHECKING:
    import pandas as pd

# Per cent.
TARGET = 10.0


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
            sentences.append(_range(grid, featured_size(frame)))
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
    return f"The relative RMSE of {grid.estimator} is the same for all {len(known):,} {noun}s."


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
    number = "all" if counts[most] == every else f"{counts[most]:,}"
    if most == first:
        count = f"all {every:,}" if number == "all" else f"{number} of {every:,}"
        return f"{what} is at most {limit} for {count} {noun}s at batch size {grid.sizes[first]:,}."
    return (
        f"{what} is at most {limit} for {counts[first]:,} of {every:,} {noun}s at batch size "
        f"{grid.sizes[first]:,} and for {number} at {grid.sizes[most]:,}."
    )


def _range(grid: Grid, n: int) -> str:
    """Return the smallest and the largest error at one batch size."""
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
    return (
        f"At batch size {n:,} it is smallest for {grid.names[low]}, {small}, and largest for "
        f"{grid.names[high]}, {large}."
    )


def _doubts(grids: list[Grid]) -> str:
    cells = sum(int(grid.held.sum()) for grid in grids)
    doubtful = sum(int((np.isfinite(grid.numbers) & ~grid.sure).sum()) for grid in grids)
    blank = sum(int((grid.held & ~np.isfinite(grid.numbers)).sum()) for grid in grids)
    parts = []
    if doubtful:
        parts.append(f"{doubtful:,} of {cells:,} cells have no valid error bar")
    if blank:
        parts.append(f"{blank:,}" + ("" if parts else f" of {cells:,} cells") + " have no value")
    if doubtful + blank == 1:
        return f"One of {cells:,} cells has no {'valid error bar' if doubtful else 'value'}."
    return f"{' and '.join(parts)}." if parts else ""
