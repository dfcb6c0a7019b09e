"""Points of the curves: trajectories, parts of the error, and when enough is enough.

==================  =======================================================================
kind                x, y, theory
==================  =======================================================================
trajectory          step; rmse, relative but for the normalized value's; the same
split               T; what a part (factor `part`) adds to the relative mse; the same
floor               n; rmse of the normalized value once it has settled; its floor
steps_to_floor      n; first step within 10 % of the floor, as simulated; the same
zscore_error        n; nothing; error of a z-score by N values against the population
momentum_needed     n; nothing; smallest momentum whose floor is no higher than that error
batches_needed      n; nothing; fewest batches that PreciseBN needs for an error as small
==================  =======================================================================

Squared parts of the bias and the noise do not add up to the mse where two parts of the bias meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.diagnostics import EXACT, OK, UNDEFINED
from simnorm.presets import FIRST_MEAN, FIRST_VARIANCE, Precise
from simnorm.quantities import RELATIVE, Cell, part_of
from simnorm.studies.drawing import Source, references
from simnorm.studies.running import expected
from simnorm.studies.running.averages import plan_of
from simnorm.studies.running.knowledge import (
    INFERENCE,
    RUNNING_MEAN,
    RUNNING_VARIANCE,
    Knowledge,
)
from simnorm.tally import Tally, measure

if TYPE_CHECKING:
    from simnorm.schedule import Sums
    from simnorm.studies.running import Case

Floats = NDArray[np.float64]
Point = dict[str, Any]

# Where a quantity stands among the others.
ROWS = {RUNNING_MEAN: 0, RUNNING_VARIANCE: 1, INFERENCE: 2}
# Where there is no theory, so much of the start may be left in a value that has settled, in sd.
LEFT = 0.01


class Curves:
    """Makes the points of a source.

    Parameters
    ----------
    design, source, sums
        What was run, and what it came to.
    cells
        The cells, before what is behind them.
    knowledge
        What is known of them.
    """

    def __init__(
        self,
        design: Design,
        source: Source,
        sums: Sums,
        cells: tuple[Cell, ...],
        knowledge: Knowledge,
    ) -> None:
        self.design, self.source, self.knowledge = design, source, knowledge
        self.cells, self.tally = cells, sums.tally
        self.plan = plan_of(design)
        self.trajectories: dict[tuple[Any, ...], Floats] = {}
        behind = part_of(self.tally, slice(len(cells), None))
        width = max(1, len(source.columns))
        shape = (width, len(design.batch_sizes), len(self.plan.averages))
        self.squares = _squares(behind, shape, len(self.plan.grid))
        self.places = {cell: place for place, cell in enumerate(cells)}

    def points(self) -> Iterator[Point]:
        """Yield all points."""
        first = references(self.source)[0]
        for cell in self.cells:
            if cell.reference != first:
                continue
            case = self.knowledge.cases[cell.factors]
            if case.drift == self.design.drift[0]:
                yield from self._trajectory(cell, case)
            if cell.quantity != INFERENCE:
                yield from self._split(cell, case)
            elif case.drift == self.design.drift[0]:
                yield from self._enough(cell, case)

    def _point(self, cell: Cell, kind: str, x: float, y: float, **more: Any) -> Point:
        return {
            "kind": kind,
            "column": cell.column,
            "estimator": cell.quantity,
            "batch_size": cell.batch_size,
            "factors": cell.factors,
            "reference": cell.reference,
            "x": x,
            "y": y,
        } | more

    # -----------------------------------------------------------------------------------------
    # On the way

    def way(self, cell: Cell, case: Case) -> tuple[Floats, Floats]:
        """Return a quantity's rmse after every step of the grid, and its standard errors."""
        column = max(0, list(self.knowledge.kinds).index(cell.column))
        at = (
            column,
            self.design.batch_sizes.index(cell.batch_size),
            self.plan.averages.index(case.average),
        )
        mse, error = (part[at][ROWS[cell.quantity]] for part in self.squares)
        verdict = self.knowledge(cell).verdict_on("mse")
        with np.errstate(all="ignore"):
            rmse = np.sqrt(mse)
            error = np.where(rmse > 0.0, error / (2.0 * rmse), error)
        if self.knowledge.is_fixed:
            error = np.zeros_like(error)
        elif verdict.status not in (OK, EXACT):
            error = np.full_like(error, math.nan)
        return rmse, error

    def _has_curve(self, cell: Cell) -> bool:
        relative = cell.quantity == INFERENCE or RELATIVE + "rmse" in cell.measures
        return relative and self.knowledge(cell).verdict_on("mse").status != UNDEFINED

    def _trajectory(self, cell: Cell, case: Case) -> Iterator[Point]:
        if not self._has_curve(cell):
            return
        rmse, error = self.way(cell, case)
        theory = self._expected(cell, case)
        for i, step in enumerate(self.plan.grid.tolist()):
            if np.isfinite(rmse[i]):
                yield self._point(
                    cell, "trajectory", step, rmse[i], mcse=error[i], theory=theory[i]
                )

    def _expected(self, cell: Cell, case: Case) -> Floats:
        about = self.knowledge.about(cell)
        stream = self.knowledge.stream(about)
        if stream is None:
            return np.full(len(self.plan.grid), math.nan)
        # Of all quantities at once.
        key = cell.column, cell.batch_size, case
        if key not in self.trajectories:
            self.trajectories[key] = expected.trajectory(
                stream, about.source, case.average, self.plan.grid
            )
        found = self.trajectories[key]
        unit = 1.0 if cell.quantity == INFERENCE else cell.unit
        return np.asarray(found[ROWS[cell.quantity]] / unit)

    # -----------------------------------------------------------------------------------------
    # In the end

    def _split(self, cell: Cell, case: Case) -> Iterator[Point]:
        """Yield the squared parts of the bias, and the noise."""
        if not self._has_curve(cell):
            return
        here = part_of(self.tally, [self.places[cell]])
        bias, noise = (measure(here, name) for name in ("bias", "variance"))
        parts = self._parts(cell, case, float(bias.estimate[0]))
        split, steps = self.knowledge.split(cell), self.design.steps
        verdict = self.knowledge(cell)
        for name in ("start", "divisor", "drift", "noise"):
            if name == "noise":
                value, error, judged = float(noise.estimate[0]), float(noise.mcse[0]), "variance"
            else:
                part, is_known = parts[name]
                error = 0.0 if is_known else 2.0 * abs(part) * float(bias.mcse[0])
                value, judged = part * part, "bias"
            if verdict.verdict_on(judged).status == EXACT:
                value, error = (0.0 if name == "noise" else value), 0.0
            elif verdict.verdict_on(judged).status != OK:
                error = math.nan
            theory = math.nan if split is None else float(getattr(split, name))
            theory = theory if name == "noise" else theory * theory
            power = cell.unit**2
            yield self._point(
                cell, "split", steps, value / power,
                factors=f"{cell.factors};part={name}", mcse=error / power, theory=theory / power,
            )  # fmt: skip

    def _parts(self, cell: Cell, case: Case, bias: float) -> dict[str, tuple[float, bool]]:
        """Return the parts of a bias, each with whether it is known rather than estimated.

        What is left of the start is, and so is what a drift adds to a pooled variance. The rest
        is the lag of a mean, and the divisor of a variance.
        """
        source, steps = self.knowledge.kinds[cell.column], self.design.steps
        m = case.average.momentum
        left = 0.0 if m is None else m**steps
        moved = case.drift * source.std
        if cell.quantity == RUNNING_MEAN:
            start = left * (FIRST_MEAN - source.mean - moved * steps)
            return {
                "start": (start, True),
                "divisor": (0.0, True),
                "drift": (bias - start if moved else 0.0, not moved),
            }
        start = left * (FIRST_VARIANCE - source.variance)
        drift = 0.0
        if isinstance(case.average, Precise):
            drift = moved * moved * (steps * steps - 1.0) / 12.0
        return {
            "start": (start, True),
            "divisor": (bias - start - drift, False),
            "drift": (drift, True),
        }

    # -----------------------------------------------------------------------------------------
    # Enough

    def _enough(self, cell: Cell, case: Case) -> Iterator[Point]:
        """Yield floors, and what it takes to be as good as a z-score of the full set."""
        about = self.knowledge.about(cell)
        stream, n = self.knowledge.stream(about), float(cell.batch_size)
        target = expected.zscore_error(about.source, self.design.full_size)
        if case.average is self.plan.averages[0] and math.isfinite(target):
            yield self._point(cell, "zscore_error", n, math.nan, theory=target, factors="")
        undefined = self.knowledge(cell).verdict_on("mse").status == UNDEFINED
        if stream is None or case.average.momentum is None or undefined:
            return
        floor, needed = expected.settled(stream, about.source, case.average)
        rmse, error = self.way(cell, case)
        has_settled = self._has_settled(cell, case, needed)
        y, mcse = (rmse[-1], error[-1]) if has_settled else (math.nan, math.nan)
        yield self._point(cell, "floor", n, y, mcse=mcse, theory=floor)
        seen = first_near(self.plan.grid, rmse) if has_settled else math.nan
        yield self._point(cell, "steps_to_floor", n, seen, theory=needed)
        if not math.isfinite(target):
            return
        for kind, found in (
            ("momentum_needed", expected.momentum_needed),
            ("batches_needed", expected.batches_needed),
        ):
            theory = found(target, stream, about.source, case.average)
            yield self._point(cell, kind, n, math.nan, theory=theory)

    def _has_settled(self, cell: Cell, case: Case, needed: float) -> bool:
        """Return whether the start is forgotten at the last step."""
        if math.isfinite(needed):
            return needed <= self.design.steps
        source, m = self.knowledge.kinds[cell.column], case.average.momentum
        assert m is not None
        if cell.batch_size == 1:
            # The variance goes to 0, and epsilon alone stops it.
            return bool(m**self.design.steps <= LEFT * case.average.epsilon)
        off = abs(source.mean / source.std) + abs(FIRST_VARIANCE / source.variance - 1.0)
        return bool(m**self.design.steps * off <= LEFT)


def _squares(behind: Tally, shape: tuple[int, ...], steps: int) -> tuple[Floats, Floats]:
    """Return mean squares and their standard errors, shape (*shape, quantities, steps).

    Two of them share a cell, as A and Q: see `simnorm.studies.running.numbers_behind`.
    """
    count = behind.count
    aa, _, qq = behind.scatter
    with np.errstate(all="ignore"):
        errors = np.sqrt(np.stack([aa, qq]) / (count * (count - 1.0) if count > 1 else math.nan))
    wanted = len(ROWS) * steps
    squares, errors = (
        part.T.reshape(*shape, -1)[..., :wanted].reshape(*shape, len(ROWS), steps)
        for part in (behind.mean, errors)
    )
    return squares, errors


def first_near(grid: NDArray[np.int64], rmse: Floats) -> float:
    """Return the first step from which an error stays near its last value, between grid points.

    Examples
    --------
    >>> first_near(np.array([1, 10, 100, 1000]), np.array([4.0, 1.1, 1.0, 1.0]))
    10.0
    """
    ratio = rmse / rmse[-1]
    far = np.flatnonzero(~(ratio <= expected.NEAR))
    if not far.size:
        return float(grid[0])
    last = int(far[-1])
    if last + 1 >= len(grid) or not math.isfinite(ratio[last]):
        return math.nan
    x, y = np.log(grid[last : last + 2]), np.log(ratio[last : last + 2])
    share = (y[0] - math.log(expected.NEAR)) / (y[0] - y[1])
    return float(np.exp(x[0] + share * (x[1] - x[0])).round(9))
