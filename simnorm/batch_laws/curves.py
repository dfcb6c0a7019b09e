"""Histograms of estimates as points of a run's curves."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.batch_laws.bins import (
    Lattice,
    Reach,
    column_reaches,
    edges_of,
    lattice_of_column,
    lattice_of_law,
    law_reaches,
    steps_of,
)
from simnorm.batch_laws.choice import bins_of, columns_of, kinds_of, sizes_of
from simnorm.batch_laws.draws import Estimates, law_estimates, row_estimates
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.estimators import Estimator, UserEstimator
from simnorm.quantities import curve_rows
from simnorm.sampling import IID, SHUFFLE
from simnorm.studies.drawing import Source
from simnorm.theory.laws import EstimateLaw, exact_law

Floats = NDArray[np.float64]
Points = list[dict[str, Any]]

KIND = "distribution"


class Shares(NamedTuple):
    """What part of the estimates is in every bin, and its standard error: shape (bins,)."""

    share: Floats
    mcse: Floats


def shares_of(values: Floats, edges: Floats) -> Shares:
    """Return the shares of estimates in bins, the outer ones without an end.

    The error is by replication, as everywhere: of a share x/f, x estimates of f in the bin, sd(x -
    share f) / (mean f sqrt(lanes)). Where nothing fell there is none.

    Parameters
    ----------
    values
        Estimates, shape (lanes, batches); what is not finite is left out.
    edges
        Evenly spaced, rising, shape (bins + 1,). A value on an edge is in the bin above.

    Returns
    -------
    Shares
        They add up to 1; NaN if no estimate is finite.

    Examples
    --------
    >>> found = shares_of(np.array([[0.0, 1.0], [2.0, 9.0]]), np.array([0.0, 1.0, 2.0]))
    >>> found.share, found.mcse
    (array([0.25, 0.75]), array([0.25, 0.25]))
    """
    lanes, bins = len(values), len(edges) - 1
    finite = np.isfinite(values)
    # Faster than a search, and the edges are evenly spaced.
    place = (np.where(finite, values, edges[0]) - edges[0]) * (bins / (edges[-1] - edges[0]))
    place = np.clip(place, 0.0, bins - 1.0).astype(np.int64)
    number = (place + bins * np.arange(lanes)[:, np.newaxis])[finite]
    hits = np.bincount(number, minlength=lanes * bins).reshape(lanes, bins).astype(np.float64)
    count = finite.sum(axis=-1).astype(np.float64)
    if not count.any():
        return Shares(np.full(bins, math.nan), np.full(bins, math.nan))
    share = hits.sum(axis=0) / count.sum()
    if lanes < 2:
        return Shares(share, np.full(bins, math.nan))
    rest = hits - share * count[:, np.newaxis]
    mcse = np.sqrt((rest * rest).sum(axis=0) / (lanes - 1) / lanes) / count.mean()
    return Shares(share, np.where(share > 0.0, mcse, math.nan))


def histogram_curves(design: Design, source: Source) -> dict[str, NDArray[Any]]:
    """Return the histograms of a source's estimates as columns of the table of curves.

    For every estimator, and column of data, that has any: a point for each bin, x its centre, y
    the share of batches, `mcse` by replication, and the exact share as theory where it is known.
    Evenly spaced, so that the bins can be told from their centres. A point with batch size 0 is
    the value that is estimated, the population's or the whole column's: x is that value, y is 1.

    Parameters
    ----------
    design, source
        What is run; nothing else enters, but that fewer replications than a block has cut it.

    Returns
    -------
    dict
        Columns of `simnorm.schema.CURVES_SCHEMA`, kind ``distribution``.
    """
    sizes = sizes_of(design)
    points: Points = []
    if sizes:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            points = _of_rows(design, source) if source.columns else _of_law(design, source)
    return curve_rows(design, source, points)


def _of_law(design: Design, source: Source) -> Points:
    law, kinds = distribution(source.distribution), kinds_of(design)
    lattice, points = lattice_of_law(law), []
    for kind in kinds:
        points += _value(kind, "", "population", kind.population(law))
    known = source.sampling in (SHUFFLE, IID)
    for n, estimates in law_estimates(design, source, sizes_of(design), kinds):
        reaches = law_reaches(kinds, n, law)
        laws = {kind: exact_law(kind, n, law) for kind in reaches} if known else {}
        bins = bins_of(design.full_size, n, source.sampling)
        points += _histograms(estimates, reaches, laws, lattice, law.pivot, n, bins)
    return points


def _of_rows(design: Design, source: Source) -> Points:
    columns, kinds = columns_of(design, source), kinds_of(design)
    if not columns:
        return []
    points: Points = []
    lattices = {column.name: lattice_of_column(column) for column in columns}
    for column in columns:
        for kind in kinds:
            points += _value(kind, column.name, "full_set", column.value_of(kind))
    found = row_estimates(design, source, sizes_of(design), kinds, columns)
    for column, n, estimates in found:
        reaches = column_reaches(kinds, n, column, design, source.sampling)
        bins = bins_of(design.full_size, n, source.sampling)
        made = _histograms(estimates, reaches, {}, lattices[column.name], column.pivot, n, bins)
        points += [point | {"column": column.name, "reference": "full_set"} for point in made]
    return points


def _value(kind: Estimator, column: str, reference: str, value: float) -> Points:
    if not math.isfinite(value):
        return []
    point = {"estimator": str(kind), "column": column, "reference": reference, "batch_size": 0}
    return [point | {"kind": KIND, "x": value, "y": 1.0}]


def _histograms(
    estimates: Estimates,
    reaches: dict[Estimator, Reach],
    laws: dict[Estimator, EstimateLaw | None],
    lattice: Lattice | None,
    pivot: float,
    n: int,
    bins: int,
) -> Points:
    """Return the histograms of one batch size."""
    points: Points = []
    for kind, reach in reaches.items():
        edges = edges_of(reach, bins, steps_of(kind, n, lattice))
        found = shares_of(estimates[kind], edges)
        if not np.isfinite(found.share).any():
            continue
        shift = pivot if kind.is_location and not isinstance(kind, UserEstimator) else 0.0
        law = laws.get(kind)
        exact = np.full(len(edges) - 1, math.nan) if law is None else law.shares(edges + shift)
        centres = 0.5 * (edges[1:] + edges[:-1]) + shift
        same = {"estimator": str(kind), "reference": "population", "batch_size": n, "kind": KIND}
        columns = (centres.tolist(), found.share.tolist(), found.mcse.tolist(), exact.tolist())
        points += [
            same | {"x": x, "y": y, "mcse": mcse, "theory": theory}
            for x, y, mcse, theory in zip(*columns, strict=True)
        ]
    return points
