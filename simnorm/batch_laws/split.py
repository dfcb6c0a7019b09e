"""The full set's own error about the population, from the kept replications of a run.

A batch's error about the population is its error about the full set and the full set's own. Of
every replication the mean errors about both are kept, and their difference is the full set's
estimate less the population value, to the last digits: nothing has to be drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm import theory
from simnorm.design import Design
from simnorm.diagnostics import FAILED, OK, UNRELIABLE
from simnorm.distributions import Distribution, distribution
from simnorm.estimators import Estimator
from simnorm.khat import LARGEST_KHAT, influence_khat
from simnorm.quantities import curve_rows
from simnorm.studies import sweep
from simnorm.studies.drawing import Source, references
from simnorm.studies.sweep import Cell
from simnorm.tally import Tally, measure

if TYPE_CHECKING:
    from simnorm.schedule import Sums

Floats = NDArray[np.float64]

KIND = "split"


def full_set_errors(kept: Floats, cells: Sequence[Cell]) -> dict[Estimator, tuple[int, Floats]]:
    """Return the errors of full sets about the population, by estimator.

    From the largest batch size, where the mean error about the full set has most digits.

    Parameters
    ----------
    kept
        A and Q of the kept replications, shape (2, cells, kept).
    cells
        The cells of a law.

    Returns
    -------
    dict
        The number of the cell about the population that they are from, and the errors, shape
        (kept,): mean error about the population less mean error about the full set. NaN where a
        replication failed.

    Examples
    --------
    >>> from simnorm.estimators import mean
    >>> cells = [Cell(mean, 2, "full_set"), Cell(mean, 2, "population")]
    >>> kept = np.array([[[0.5, -0.25], [0.75, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    >>> full_set_errors(kept, cells)[mean]
    (1, array([0.25, 0.25]))
    """
    numbers = {cell: number for number, cell in enumerate(cells)}
    found: dict[Estimator, tuple[int, Floats]] = {}
    for cell in sorted(cells, key=lambda cell: cell.batch_size):
        if cell.reference == "population":
            about = numbers[cell], numbers[cell._replace(reference="full_set")]
            found[cell.estimator] = about[0], kept[0, about[0]] - kept[0, about[1]]
    return found


def split_curves(
    design: Design, source: Source, sums: Sums, rows: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return one point per estimator: x is N, y the RMSE of the full set about the population.

    Parameters
    ----------
    design, source, sums
        A source of a sweep, and what its run came to.
    rows
        The rows of its table, whose statuses decide: no point where the error about the population
        is undefined, no standard error where it has none to trust.

    Returns
    -------
    dict
        Columns of `simnorm.schema.CURVES_SCHEMA`, kind ``split``. They name the cell whose
        replications they are from; theory is exact or empty. None for data, nor for iid draws,
        which have no full set.
    """
    points: list[dict[str, Any]] = []
    if not source.columns and len(references(source)) == 2:
        law, cells = distribution(source.distribution), sweep.cells(design, source)
        every = rows["measure"] == "rmse"
        status, error = (rows[name][every] for name in ("status", "mcse"))
        for kind, (cell, values) in full_set_errors(sums.kept, cells).items():
            if status[cell] in (OK, UNRELIABLE, FAILED):
                trusted = status[cell] == OK or (
                    status[cell] == FAILED and np.isfinite(error[cell])
                )
                point = _point(values, trusted=bool(trusted))
                theory_value = _exact(kind, design.full_size, law)
                points += [_named(cells[cell], design.full_size) | point | theory_value]
    return curve_rows(design, source, [point for point in points if np.isfinite(point["y"])])


def _named(cell: Cell, full_size: int) -> dict[str, Any]:
    same = {"estimator": str(cell.estimator), "batch_size": cell.batch_size}
    return same | {"reference": cell.reference, "kind": KIND, "x": float(full_size)}


def _point(values: Floats, *, trusted: bool) -> dict[str, float]:
    """Return the root mean square of full sets' errors, and its standard error if it has one."""
    errors = values[np.newaxis]
    with np.errstate(all="ignore"):
        squares = errors * errors
    may_fail = np.array([True])
    tally = Tally.of(errors, squares, may_fail)
    found = measure(tally, "rmse")
    khat = influence_khat(errors, squares, tally.void)["rmse"]
    sure = trusted and not khat[0] > LARGEST_KHAT
    return {"y": float(found.estimate[0]), "mcse": float(found.mcse[0]) if sure else np.nan}


def _exact(kind: Estimator, full_size: int, law: Distribution) -> dict[str, float]:
    value = theory.value_of("rmse", kind, full_size, None, theory.of_distribution(law))
    return {"theory": float(value)} if value is not None and value.kind == "exact" else {}
