"""From the sums of a run's sources to its tables: when a cell is precise enough, and what it says.

With a target, every cell stops alone. It is looked at after so many blocks of its source, then at
every doubling, and it is done where the target held at two looks running. Its rows are those of
the blocks up to there. So they depend on the cell alone: not on what else the run measures, on
the workers, or on what was drawn later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm.batch_laws.curves import histogram_curves
from simnorm.design import Design
from simnorm.diagnostics import EXACT, FAILED, OK, UNDEFINED, UNRELIABLE
from simnorm.engine import rerun
from simnorm.khat import LARGEST_KHAT
from simnorm.options import SWEEP
from simnorm.precision import Target, target
from simnorm.quantities import MEAN, split_factors
from simnorm.robust import with_robust
from simnorm.sampling import SEQUENTIAL
from simnorm.schedule import REPLICATIONS, TARGET, TIME, OnNode, Sums
from simnorm.schema import CURVES_SCHEMA, SCHEMA, joined
from simnorm.strands import Pool
from simnorm.studies import drawing, study_of
from simnorm.studies.drawing import Source
from simnorm.tables import column_rows, columns_table, data_curves
from simnorm.tally import MEASURES
from simnorm.tasks import KEPT_REPLICATIONS

Columns = dict[str, NDArray[Any]]
Mask = NDArray[np.bool_]
Key = tuple[Any, ...]

# What names a cell of a source, in the table and among the curves.
CELL = ("column", "estimator", "batch_size", "factors", "reference")


class Judged(NamedTuple):
    """What a target says of rows: masks.

    Of `valid` rows the standard error exists, or would with a second replication: not where the law
    lacks its moment. Of these, rows of `asked` measures have to be precise, and some are: by their
    standard error, which must be one to trust as well, unless only a k-hat says that it is not.
    That is of the kept replications, of which there will not be more: the number alone decides.
    """

    valid: Mask
    asked: Mask
    precise: Mask


def judged(rows: Columns, wanted: Target) -> Judged:
    """Judge the rows of a source's table.

    Parameters
    ----------
    rows
        Columns of the table.
    wanted
        The target: a share of the estimate for variance, mse and rmse, of the rmse for a bias, of
        1 or more for a mean; or a number.
    """
    status = rows["status"]
    error, is_measure = achieved(rows, wanted)
    heavy = (rows["khat"] > LARGEST_KHAT) & (rows["replications"] >= KEPT_REPLICATIONS)
    valid = np.isin(status, [OK, FAILED, UNRELIABLE])
    valid &= np.isfinite(rows["mcse"]) | (rows["replications"] < 2)
    asked = valid & is_measure
    with np.errstate(invalid="ignore"):
        precise = asked & ((status != UNRELIABLE) | heavy) & (error <= wanted.value)
    return Judged(valid, asked, precise)


def achieved(rows: Columns, wanted: Target) -> tuple[NDArray[np.float64], Mask]:
    """Return the standard error of every row as the target counts it, and where it is asked for."""
    measure, size = rows["measure"], np.abs(rows["estimate"])
    cell = cells_of(rows, numbers_of(rows))
    rmse = np.full(cell.max(initial=-1) + 1, np.nan)
    rmse[cell[measure == "rmse"]] = size[measure == "rmse"]
    scale = np.where(measure == "bias", rmse[cell], size)
    scale = np.where(measure == MEAN, np.maximum(size, 1.0), scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = rows["mcse"] / (scale if wanted.is_share else 1.0)
    has_scale = (scale > 0.0) | (not wanted.is_share)
    return error, np.isin(measure, [*MEASURES, MEAN]) & has_scale


def numbers_of(rows: Columns) -> dict[Key, int]:
    """Return the cells of a table, numbered in the order in which they first appear."""
    return {key: number for number, key in enumerate(dict.fromkeys(_keys(rows)))}


def cells_of(rows: Columns, numbers: dict[Key, int]) -> NDArray[np.intp]:
    """Return the number of every row's cell; -1 for what belongs to none."""
    return np.array([numbers.get(key, -1) for key in _keys(rows)], dtype=np.intp)


def _keys(rows: Columns) -> Iterator[Key]:
    return zip(*(rows[name].tolist() for name in CELL), strict=True)


class Settling:
    """Looks at one source until all of its cells are done, and holds their rows and curves."""

    def __init__(self, design: Design, source: Source) -> None:
        self.design, self.source = design, source
        self.target = target(design.target_mcse) if design.target_mcse else None
        self._numbers: dict[Key, int] = {}
        self._open = self._held = np.zeros(0, np.bool_)
        self._rows: list[Columns] = []
        self._curves: list[Columns] = []

    def look(self, sums: Sums) -> int:
        """Settle the cells that are done by now; return how many are not."""
        assert self.target is not None
        rows = study_of(self.design).rows(self.design, self.source, sums)
        cell = self._cell(rows)
        found = judged(rows, self.target)
        asked = self._any(found.asked, cell)
        now = ~self._any(found.asked & ~found.precise, cell)
        ending = self._open & ((now & self._held) | ~asked)
        self._held = now
        if ending.any():
            self._take(sums, rows, ending, TARGET)
        return int(self._open.sum())

    def end(self, sums: Sums) -> None:
        """Settle what is left: there will be no more replications."""
        if not self._numbers or self._open.any():
            rows = study_of(self.design).rows(self.design, self.source, sums)
            self._take(sums, rows, None, sums.stop_reason)

    def tables(self) -> tuple[Columns, Columns]:
        """Return the rows and curves of all cells, in the order of the cells."""
        return self._sorted(self._rows, SCHEMA), self._sorted(self._curves, CURVES_SCHEMA)

    def _cell(self, rows: Columns) -> NDArray[np.intp]:
        if not self._numbers:
            self._numbers = numbers_of(rows)
            self._open = np.ones(len(self._numbers), np.bool_)
            self._held = np.zeros(len(self._numbers), np.bool_)
        return cells_of(rows, self._numbers)

    def _any(self, of_row: Mask, cell: NDArray[np.intp]) -> Mask:
        """Return the cells of which any row is in the mask."""
        return np.bincount(cell[of_row], minlength=len(self._numbers)) > 0

    def _take(self, sums: Sums, rows: Columns, ending: Mask | None, reason: str) -> None:
        """Keep the rows and curves of the cells that end here: of all that are open if None."""
        curves = study_of(self.design).curve_points(self.design, self.source, sums, rows)
        cell = self._cell(rows)
        ending = self._open.copy() if ending is None else ending
        self._open = self._open & ~ending
        rows["stop_reason"] = self._reasons(rows, cell, reason)
        self._rows.append(_chosen(rows, ending[cell]))
        # What belongs to no cell, such as the histogram of a column, comes with the last ones.
        of_curve = cells_of(curves, self._numbers)
        loose = (of_curve < 0) & (not self._open.any())
        self._curves.append(_chosen(curves, loose | ((of_curve >= 0) & ending[of_curve])))

    def _reasons(self, rows: Columns, cell: NDArray[np.intp], reason: str) -> NDArray[Any]:
        """Return why there are no more replications, for every row."""
        nothing = rows["status"] == UNDEFINED
        found = np.full(len(cell), reason, dtype=object)
        if self.target is not None:
            here = judged(rows, self.target)
            missed = self._any(here.asked & ~here.precise, cell)
            # What is precise where chance has not chosen the end has reached the target too.
            found[~missed[cell]] = TARGET
            nothing |= (rows["status"] == UNRELIABLE) & ~here.valid
            # Where nothing was waited for, but what is exact needs no waiting.
            nothing |= ~self._any(here.asked, cell)[cell] & (rows["status"] != EXACT)
        elif self.source.sampling == SEQUENTIAL:
            found[:] = REPLICATIONS
        found[nothing] = UNDEFINED
        return found

    def _sorted(self, parts: list[Columns], schema: dict[str, type]) -> Columns:
        if len(parts) == 1:
            return parts[0]
        whole = {name: np.concatenate([part[name] for part in parts]) for name in schema}
        order = np.argsort(cells_of(whole, self._numbers), kind="stable")
        return _chosen(whole, order)


def _chosen(columns: Columns, places: NDArray[Any]) -> Columns:
    return {name: values[places] for name, values in columns.items()}


class Maker:
    """Makes the tables of a run source by source, as these are finished.

    The sums of a source are not needed any more once its rows are there.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self._settling: dict[Source, Settling] = {}
        self._rows: dict[Source, Columns] = {}
        self._curves: dict[Source, list[Columns]] = {}
        self._columns: dict[Source, list[dict[str, Any]]] = {}

    def look(self, source: Source, sums: Sums) -> int:
        """Look at a source that may go on; return how many of its cells need that."""
        return self._of(source).look(sums)

    def add(self, source: Source, sums: Sums) -> None:
        """Take the sums of a source that does not go on."""
        design, settling = self.design, self._of(source)
        settling.end(sums)
        rows, curves = settling.tables()
        if design.study == SWEEP:
            rows = with_robust(design, source, rows, sums.stop_reason)
        del self._settling[source]
        self._rows[source], self._curves[source] = rows, [curves]
        if design.study == SWEEP:
            self._curves[source].append(histogram_curves(design, source))
        if source.columns:
            first = source.sampling == design.sampling[0]
            self._curves[source].append(data_curves(design, source, with_histogram=first))
            self._columns[source] = column_rows(design, source) if first else []

    @classmethod
    def of_pool(
        cls, design: Design, pool: Pool, *, cut: str = TIME, on_held: OnNode | None = None
    ) -> Maker:
        """Make what a run made, from the nodes that it left behind: see `simnorm.engine.rerun`."""
        made = cls(design)
        rerun(design, pool, cut=cut, on_held=on_held, on_source=made.add, on_look=made.look)
        return made

    @property
    def sources(self) -> list[Source]:
        """The sources that rows are there of, in the order of the design."""
        return [source for source in drawing.sources(self.design) if source in self._rows]

    def _of(self, source: Source) -> Settling:
        return self._settling.setdefault(source, Settling(self.design, source))

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return the tidy table, the curves, and what the columns of data are like."""
        order = self.sources
        frame = joined([self._rows[source] for source in order])
        curves = joined([part for source in order for part in self._curves[source]], CURVES_SCHEMA)
        columns = [row for source in order for row in self._columns.get(source, [])]
        if self.design.study != SWEEP:
            frame = split_factors(frame)
        return frame, curves, columns_table(columns)
