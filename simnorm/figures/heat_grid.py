"""A table as grids of numbers: names down, batch sizes across, one grid per estimator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simnorm.errors import SimnormError, nearest
from simnorm.figures.choice import main_rows, ranked_names, thing
from simnorm.figures.tables import (
    MOST_NAMES,
    best_values,
    chunks,
    estimators_of,
    floats,
    is_data,
    is_location,
    known_values,
    measure_for,
    names_of,
    reference_of,
    rows_of,
    shown_estimators,
    trusted,
    unit_of,
)
from simnorm.formatting import MINUS, significant

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# More rows do not fit on a page in a readable height.
MOST_ROWS = 40
# From so many batch sizes, or panels times names, on the grid says more than curves do.
MANY_SIZES = 12
MANY_CURVES = 40
# Rows that are all alike become one, unless more others than this remain.
FEWEST_ALIKE, MOST_OTHERS = 3, 2
# Numbers from here on are told by their power of ten, and those below its inverse.
LARGE, SMALL = 99_500.0, 1e-3
# With a larger error bar the second digit is noise.
ONE_DIGIT = 0.1
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
IN_WORDS = {"rmse": "RMSE", "mse": "MSE", "bias": "bias", "variance": "variance"}
PERCENT = ("relative_rmse", "relative_bias")


@dataclass(frozen=True)
class Grid:
    """One measure of one estimator: arrays of shape (names, batch sizes).

    Attributes
    ----------
    numbers
        Exact values where there are some, estimates elsewhere; NaN where there is neither. In per
        cent where `percent`.
    sure
        Where a value is exact or has a valid error bar.
    exact
        Where it is known without simulation.
    held
        Where the table has a row at all.
    why_blank
        Why cells without a value have none.
    """

    estimator: str
    measure: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    numbers: Floats
    sure: NDArray[np.bool_]
    exact: NDArray[np.bool_]
    held: NDArray[np.bool_]
    texts: tuple[tuple[str, ...], ...]
    why_blank: str = ""

    @property
    def percent(self) -> bool:
        """Whether the values are in per cent."""
        return self.measure in PERCENT

    @property
    def unit(self) -> str:
        """What the values are in: grids in one unit share their colours."""
        if self.percent:
            return "%"
        return "" if self.measure.startswith("relative_") else self.estimator

    @property
    def trusted(self) -> Floats:
        """The values to be trusted, NaN elsewhere."""
        return np.where(self.sure, self.numbers, np.nan)

    @property
    def title(self) -> str:
        """What the numbers are."""
        measure = IN_WORDS.get(self.measure.removeprefix("relative_"), self.measure)
        if self.percent:
            return f"{measure} in % of " + (
                "the sd" if is_location(self.estimator) else "its value"
            )
        if self.measure.startswith("relative_"):
            return f"relative {measure}"
        return f"{measure}, {unit_of(self.estimator, self.measure)}"


def wanted(frame: pd.DataFrame) -> bool:
    """Return whether a run has so many cells that a report shows them as a grid too."""
    names = frame[["distribution", "column"]].drop_duplicates().shape[0]
    sizes = frame["batch_size"].nunique()
    curves = names * frame["estimator"].nunique()
    return bool(names > MOST_NAMES or sizes > MANY_SIZES or curves > MANY_CURVES)


def row_pages(frame: pd.DataFrame) -> list[list[str]]:
    """Return the names of every page, in the order of their rows.

    Columns of data stand worst first, and the worst are all there are; so do distributions where
    they are too many for curves. Otherwise they stand in the order of the design.
    """
    frame = main_rows(frame)
    names = names_of(frame)
    if is_data(frame):
        return [names[:MOST_ROWS]]
    if len(names) > MOST_NAMES:
        names = ranked_names(frame)
    return chunks(names, MOST_ROWS)


def pages(frame: pd.DataFrame) -> int:
    """Return how many pages the figure has."""
    return len(row_pages(frame))


def grids_of(
    frame: pd.DataFrame,
    estimator: str = "",
    measure: str = "rmse",
    reference: str = "",
    names: Sequence[str] = (),
) -> list[Grid]:
    """Return a grid for each of the one or two estimators that stand for all, or for one.

    Parameters
    ----------
    frame
        The tidy table.
    estimator
        The only one; nothing for one of location and one of scale.
    measure
        ``"rmse"``, ``"bias"``, ``"variance"`` or ``"mse"``, relative where the table has that; or
        a measure of the table, e.g. ``"relative_bias"``.
    reference
        ``"full_set"`` or ``"population"``; nothing for the full set where the table has it.
    names
        The rows; nothing for those of the first page.

    Raises
    ------
    SimnormError
        If the table has no such estimator, measure or reference.
    """
    frame = main_rows(frame)
    reference = reference or reference_of(frame)
    known = estimators_of(frame)
    if estimator and estimator not in known:
        hint = nearest(estimator, known).strip()
        raise SimnormError("estimator", estimator, "this table has " + ", ".join(known), hint)
    names = names or row_pages(frame)[0]
    specs = [estimator] if estimator else shown_estimators(frame)
    return [_grid(frame, spec, measure, reference, names) for spec in specs]


def page_grids(
    frame: pd.DataFrame, estimator: str, measure: str, reference: str, page: int
) -> list[Grid]:
    """Return the grids of a page, rows that are alike in the whole run as one; see `grids_of`.

    Such a grid is the same on every page, so that further pages need not show it again.
    """
    noun, parts = thing(frame), row_pages(frame)
    grids = grids_of(frame, estimator, measure, reference, parts[page - 1])
    every = names_of(main_rows(frame))
    if not grids or len(every) == len(grids[0].names):
        return [merged(grid, noun) for grid in grids]
    wholes = [merged(g, noun) for g in grids_of(frame, estimator, measure, reference, every)]
    alike = [len(whole.names) < len(every) for whole in wholes]
    found = [whole if one else grid for grid, whole, one in zip(grids, wholes, alike, strict=True)]
    if page == 1 or all(alike):
        return found
    return [grid for grid, one in zip(found, alike, strict=True) if not one]


def _grid(
    frame: pd.DataFrame, spec: str, measure: str, reference: str, names: Sequence[str]
) -> Grid:
    shown = measure_for(frame, spec, measure, reference) if measure in IN_WORDS else measure
    rows = rows_of(frame, shown, reference)
    sizes = tuple(sorted({int(n) for n in frame["batch_size"]}))
    rows = rows[(rows["estimator"] == spec) & rows["name"].isin(names)]
    row = {name: place for place, name in enumerate(names)}
    column = {n: place for place, n in enumerate(sizes)}
    at = (
        np.array([row[str(name)] for name in rows["name"]], dtype=np.int64),
        np.array([column[int(n)] for n in rows["batch_size"]], dtype=np.int64),
    )
    factor = 100.0 if shown in PERCENT else 1.0
    shape = (len(names), len(sizes))
    values, bars = np.full(shape, np.nan), np.full(shape, np.nan)
    sure, exact, held = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    values[at] = factor * known_values(rows)
    held[at] = True
    sure[at] = np.isfinite(best_values(rows)) & trusted(rows)
    by_theory = (rows["theory_kind"] == "exact").to_numpy(dtype=bool)
    by_theory = by_theory & np.isfinite(floats(rows, "theory"))
    exact[at] = by_theory | ((rows["status"] == "exact").to_numpy(dtype=bool) & sure[at])
    bars[at] = np.where(by_theory, 0.0, factor * floats(rows, "mcse"))
    texts = tuple(
        tuple(_text(v, bar, ok) for v, bar, ok in zip(*line, strict=True))
        for line in zip(values, bars, sure, strict=True)
    )
    why = _why_blank(frame, rows[~np.isfinite(known_values(rows))])
    return Grid(spec, shown, tuple(names), sizes, values, sure, exact, held, texts, why)


def _why_blank(frame: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return why rows have no value, in few words; the table may know it of the absolute value."""
    if rows.empty:
        return ""
    if (rows["status"] == "failed").any():
        return "undefined or failed"
    first = rows.iloc[0]
    alike = frame["measure"] == str(first["measure"]).removeprefix("relative_")
    alike &= (frame["estimator"] == first["estimator"]) & (frame["reference"] == first["reference"])
    absolute = frame[alike & frame["name"].isin(set(rows["name"]))]
    missing = absolute[absolute["status"] == "undefined"]
    reasons = {str(reason).partition(":")[0] for reason in missing["reason"].dropna()}
    if len(missing) < len(rows):
        reasons.add("nothing to be relative to")
    return "undefined" + (f", {reasons.pop()}" if len(reasons) == 1 else "")


def merged(grid: Grid, noun: str) -> Grid:
    """Return the grid with rows that are all alike as one, if few others are left.

    The relative error of a mean is the same for every distribution that has one.
    """
    lines = list(zip(grid.texts, map(tuple, grid.sure), strict=True))
    common = max(lines, key=lines.count)
    alike = [line == common and any(line[0]) for line in lines]
    others = [place for place, same in enumerate(alike) if not same]
    if sum(alike) < FEWEST_ALIKE or len(others) > MOST_OTHERS:
        return grid
    kept = [alike.index(True), *others]
    label = f"{sum(alike)} {noun}s" if others else f"all {sum(alike)} {noun}s"
    return replace(
        grid,
        names=(label, *(grid.names[place] for place in others)),
        texts=tuple(grid.texts[place] for place in kept),
        **{part: getattr(grid, part)[kept] for part in ("numbers", "sure", "exact", "held")},
    )


def _text(value: float, mcse: float, sure: bool) -> str:
    """Return the number of a cell, in parentheses without a valid error bar."""
    if not math.isfinite(value):
        return ""
    text = cell_number(value, 1 if mcse > ONE_DIGIT * abs(value) else 2)
    return text if sure else f"({text})"


def cell_number(value: float, digits: int = 2) -> str:
    """Return a number in at most about five characters.

    Examples
    --------
    >>> cell_number(12.345), cell_number(0.04567), cell_number(1834.0), cell_number(-3.2e7)
    ('12', '0.046', '1,800', '−3·10⁷')
    """
    size = abs(value)
    if size == 0.0:
        return "0"
    if SMALL <= size < LARGE:
        rounded = float(f"{value:.{digits - 1}e}")
        return significant(rounded, digits)
    mantissa, _, power = f"{size:.0e}".partition("e")
    lead = "" if mantissa == "1" else f"{mantissa}·"
    return (MINUS if value < 0 else "") + f"{lead}10{str(int(power)).translate(RAISED)}"
