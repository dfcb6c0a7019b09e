"""The study's curves: outputs, errors by value, and errors by gamma, for a few batch sizes.

========  =================  ===============================================  ==================
kind      x                  y                                                estimator
========  =================  ===============================================  ==================
output    middle of a bin    density of outputs, without epsilon              normalized_value
by_value  middle of a bin    RMSE of the values whose z-score is in the bin   normalized_value
gamma     gamma              RMSE of outputs with this gamma and beta = 0     normalized_value
epsilon   sd of the data     theory: what is left however large the batch     normalized_value
========  =================  ===============================================  ==================
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.diagnostics import UNDEFINED
from simnorm.distributions import distribution
from simnorm.quantities import MEAN, RATIO, VALUE, curve_rows, factors_text, measured, part_of
from simnorm.schedule import Sums
from simnorm.studies.drawing import Source, chunk, references
from simnorm.studies.inputs import expected, grid
from simnorm.studies.inputs.grid import Behind, output_bins
from simnorm.tally import Tally

Floats = NDArray[np.float64]
Point = dict[str, Any]

GAMMAS = np.linspace(0.0, 1.5, 31)


def curves(design: Design, source: Source, sums: Sums) -> dict[str, NDArray[Any]]:
    """Return the points of a source's curves, as columns."""
    known = expected.known_of(design, source)
    found: list[Point] = []
    for part in grid.behind(design, source):
        same = {"column": part.column, "batch_size": part.batch_size}
        same["estimator"] = grid.NORMALIZED
        if known(_cell(design, source, part)).verdict.status != UNDEFINED or not source.columns:
            found += (same | point for point in _outputs(source, sums, part))
        for point in itertools.chain(
            _by_value(design, source, sums, part), _by_gamma(design, source, sums, part)
        ):
            found.append(same | {"reference": references(source)[0]} | point)
    found += _by_epsilon(design, source)
    return curve_rows(design, source, found)


def _by_epsilon(design: Design, source: Source) -> Iterator[Point]:
    """Yield the error that an epsilon leaves at any batch size: 1 - sd/sqrt(sd^2 + epsilon)."""
    if source.columns:
        sds = {column.name: column.std for column in chunk(design, source).columns}
    else:
        sds = {"": distribution(source.distribution).std}
    for column, sd in sds.items():
        if not (math.isfinite(sd) and sd > 0.0):
            continue
        for epsilon in design.epsilon:
            yield {
                "kind": "epsilon",
                "column": column,
                "estimator": grid.NORMALIZED,
                "factors": factors_text(epsilon=epsilon),
                "reference": references(source)[0],
                "x": sd,
                "y": math.nan,
                "theory": 1.0 - sd / math.hypot(sd, math.sqrt(epsilon)),
            }


def _place(design: Design, source: Source, part: Behind) -> int:
    """Return where the best gamma of a column and batch size stands."""
    factors = factors_text(epsilon=design.epsilon[0])
    return grid.places(design, source)[
        part.column, part.batch_size, grid.BEST_GAMMA, factors, references(source)[0]
    ]


def _cell(design: Design, source: Source, part: Behind) -> Any:
    return grid.cells(design, source)[_place(design, source, part)]


def _points(kind: str, *columns: Floats) -> Iterator[Point]:
    """Yield points of which a y is known."""
    for x, y, mcse, theory in zip(*columns, strict=True):
        if math.isfinite(y):
            yield {"kind": kind, "x": float(x), "y": float(y)} | {
                "mcse": float(mcse),
                "theory": float(theory),
            }


def _outputs(source: Source, sums: Sums, part: Behind) -> Iterator[Point]:
    bins = output_bins(part.batch_size)
    found = measured(part_of(sums.tally, part.outputs), VALUE, MEAN)
    theory = expected.output_density(source, part.batch_size, bins)
    yield from _points("output", bins.centres, found.estimate, found.mcse, theory)


def _by_value(design: Design, source: Source, sums: Sums, part: Behind) -> Iterator[Point]:
    bins = part.value_bins
    if bins is None:
        return
    found = measured(part_of(sums.tally, part.by_value), RATIO, MEAN)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.sqrt(found.estimate)
        mcse = found.mcse / (2.0 * y)
    theory = expected.errors_by_value(design, source, part.column, part.batch_size, bins)
    yield from _points("by_value", bins.centres, y, mcse, theory)


def _by_gamma(design: Design, source: Source, sums: Sums, part: Behind) -> Iterator[Point]:
    place = _place(design, source, part)
    known = expected.known_of(design, source)(grid.cells(design, source)[place])
    if known.verdict.status == UNDEFINED:
        return
    y, mcse = errors_by_gamma(part_of(sums.tally, [place]))
    theory = expected.errors_by_gamma(
        design, source, part.column, part.batch_size, references(source)[0], GAMMAS
    )
    factors = factors_text(epsilon=design.epsilon[0], beta=0.0)
    for point in _points("gamma", GAMMAS, y, mcse, theory):
        yield point | {"factors": factors}


def errors_by_gamma(tally: Tally) -> tuple[Floats, Floats]:
    """Return RMSEs and their standard errors at every gamma, of one cell's C and P.

    The mean squared error is gamma^2 P + 1 - 2 gamma C.

    Examples
    --------
    >>> tally = Tally.of([[0.5, 0.7]], [[1.0, 1.0]])
    >>> y, mcse = errors_by_gamma(tally)
    >>> (y[20] ** 2).round(12), (2 * y[20] * mcse[20]).round(12)
    (np.float64(0.8), np.float64(0.2))
    """
    c, p = tally.mean[:, 0]
    count = tally.count
    cc, cp, pp = tally.scatter[:, 0] / (count * (count - 1.0) if count > 1 else math.nan)
    mse = GAMMAS**2 * p + 1.0 - 2.0 * GAMMAS * c
    squared = GAMMAS**4 * pp - 4.0 * GAMMAS**3 * cp + 4.0 * GAMMAS**2 * cc
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.sqrt(np.maximum(mse, 0.0))
        return y, np.sqrt(np.maximum(squared, 0.0)) / (2.0 * y)
