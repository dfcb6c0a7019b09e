"""What the error about the population is made of: a batch's own part, and the full set's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simnorm import theory
from simnorm.distributions import distribution
from simnorm.errors import SimnormError
from simnorm.estimators import UserEstimator, estimator
from simnorm.figures.tables import (
    FULL_SET,
    best_values,
    estimators_of,
    floats,
    is_absolute,
    named,
    names_of,
    shown_estimators,
)
from simnorm.sampling import SHUFFLE
from simnorm.tally import t_quantile

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KIND = "split"
POPULATION = "population"
MOST_NAMES = 2
# As many replications as are kept, which the full set's own error is from.
KEPT = 1024
# Sizes between the last of the grid and N, where exact curves go on.
BETWEEN = 16


class Parts(NamedTuple):
    """The errors of one name and estimator, by batch size, in units that `absolute` tells.

    `population` and `full_set` are rows of the table, the first with the full set itself as its
    last batch; `level` is the RMSE of the full set about the population, in the same unit.
    """

    name: str
    spec: str
    full_size: int
    absolute: bool
    population: pd.DataFrame
    full_set: pd.DataFrame
    level: float


class Shares(NamedTuple):
    """Parts of the mean squared error about the population, which add up to 1.

    `rest` is twice the covariance of the batch's error about the full set with the full set's own;
    `is_exact` says whether all three are known, so that a small one is no noise.
    """

    n: int
    batch: float
    full_set: float
    rest: float
    is_exact: bool


def split_estimators(frame: pd.DataFrame, curves: pd.DataFrame, wanted: str = "") -> list[str]:
    """Return the estimators that have panels: one of location and one of scale, or the one wanted.

    Raises
    ------
    SimnormError
        If the wanted one is not split.
    """
    held = estimators_of(_shown(frame, curves))
    if wanted:
        spec = wanted if wanted in held or not held else str(estimator(wanted))
        if held and spec not in held:
            raise SimnormError("estimator", wanted, f"those with a split are {', '.join(held)}")
        return [spec] if held else []
    return [spec for spec in shown_estimators(frame) if spec in held] or held[:1]


def split_names(frame: pd.DataFrame, curves: pd.DataFrame, specs: list[str]) -> list[str]:
    """Return the names that have panels: the first, and that whose full sets are off furthest."""
    points = _shown(frame, curves)
    points = named(points[points["estimator"].isin(specs)])
    held = [name for name in names_of(frame) if name in set(points["name"])]
    if len(held) <= MOST_NAMES:
        return held
    levels = {}
    for name in held[1:]:
        parts = parts_of(frame, curves, name, specs[-1])
        levels[name] = -math.inf if parts is None else parts.level
    worst = max(levels, key=lambda name: np.nan_to_num(levels[name], nan=-math.inf))
    return [held[0], worst]


def all_parts(
    frame: pd.DataFrame, curves: pd.DataFrame, wanted: str = "", name: str = ""
) -> list[Parts]:
    """Return the errors of every name and estimator that has a panel, a name's own side by side.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    wanted, name
        One estimator, one name; those that stand for all if left out.
    """
    specs = split_estimators(frame, curves, wanted)
    if not specs:
        return []
    # Every look into a table takes as long as the table is.
    frame = named(frame)
    errors = frame["measure"].isin(["rmse", "relative_rmse"]) & frame["estimator"].isin(specs)
    frame, curves = frame[errors], _shown(frame, curves)
    names = [name] if name else split_names(frame, curves, specs)
    every = (parts_of(frame, curves, one, spec) for one in names for spec in specs)
    return [parts for parts in every if parts is not None]


def _shown(frame: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the schemes of a table, whose names are then the table's."""
    return curves[(curves["kind"] == KIND) & curves["sampling"].isin(set(frame["sampling"]))]


def parts_of(frame: pd.DataFrame, curves: pd.DataFrame, name: str, spec: str) -> Parts | None:
    """Return the errors of one name and estimator, or None where they are not split.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    name, spec
        A distribution and an estimator.
    """
    import pandas as pd

    points = _shown(frame, curves)
    points = named(points[points["estimator"] == spec])
    points = points[points["name"] == name]
    if points.empty:
        return None
    point = points.iloc[0]
    absolute = is_absolute(frame, spec, "rmse", POPULATION)
    rows = named(frame)
    rows = rows[(rows["name"] == name) & (rows["estimator"] == spec)]
    measure = "rmse" if absolute else "relative_rmse"
    constant = 1.0 if absolute else _constant(rows)
    both = {
        reference: rows[(rows["reference"] == reference) & (rows["measure"] == measure)]
        for reference in (POPULATION, FULL_SET)
    }
    if not math.isfinite(constant) or any(part.empty for part in both.values()):
        return None
    y, mcse, exact = (float(point[word]) / constant for word in ("y", "mcse", "theory"))
    N = int(point["x"])
    cell = both[POPULATION][both[POPULATION]["batch_size"] == int(point["batch_size"])]
    kept = min(int(cell["replications"].max()), KEPT) if len(cell) else 0
    own = _estimate(y, mcse, exact, kept)
    last = both[POPULATION].iloc[-1:].assign(batch_size=N, **own)
    population = both[POPULATION][both[POPULATION]["batch_size"] < N]
    population = pd.concat([population, _further(both[POPULATION], spec, N, None, constant), last])
    whole = pd.concat([both[FULL_SET], _further(both[FULL_SET], spec, N, N, constant)])
    level = exact if math.isfinite(exact) else y
    return Parts(name, spec, N, absolute, population, whole, level)


def _constant(rows: pd.DataFrame) -> float:
    """Return what relative errors are divided by."""
    about = rows[rows["reference"] == POPULATION].set_index("batch_size")
    plain, relative = (about[about["measure"] == m] for m in ("rmse", "relative_rmse"))
    for column in ("theory", "estimate"):
        # An error of 0, as that of a statistic that is the same in every batch, tells nothing.
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = floats(plain, column) / floats(relative, column)
        ratio = ratio[np.isfinite(ratio)]
        if ratio.size:
            return float(ratio[0])
    # Where no batch is off at all every unit does.
    seen = floats(plain, "estimate")
    return 1.0 if seen.size and (seen == 0.0).all() else math.nan


def _estimate(y: float, mcse: float, exact: float, count: int = 0) -> dict[str, Any]:
    """Return the values of a row, with an interval on the log scale as the table has them."""
    half = float(t_quantile(count)) * mcse / y if y > 0.0 and count > 1 else math.nan
    sure = math.isfinite(half)
    ends = (y * math.exp(-half), y * math.exp(half)) if sure else (math.nan, math.nan)
    return {
        "estimate": y, "mcse": mcse, "ci_low": ends[0], "ci_high": ends[1], "theory": exact,
        "theory_kind": "exact" if math.isfinite(exact) else "",
        "status": "ok" if sure else "unreliable",
    }  # fmt: skip


def _further(
    rows: pd.DataFrame, spec: str, full_size: int, against: int | None, constant: float
) -> pd.DataFrame:
    """Return rows of exact theory alone, for sizes between the last of the grid and N."""
    last = rows.iloc[-1]
    n = int(last["batch_size"])
    if not (last["theory_kind"] == "exact" and n < full_size and last["sampling"] == SHUFFLE):
        return rows.iloc[:0]
    between = {int(size) for size in np.geomspace(n, full_size, BETWEEN + 2)[1:-1]}
    # A batch's own error ends at 0, steeply.
    sizes = sorted(between | {int(part * full_size) for part in (0.9, 0.97, 0.99)})
    sizes = [size for size in sizes if n < size < full_size]
    values = {size: _exact(str(last["distribution"]), spec, size, against) for size in sizes}
    known = {size: value / constant for size, value in values.items() if value is not None}
    if not known:
        return rows.iloc[:0]
    empty = _estimate(math.nan, math.nan, math.nan) | {"theory_kind": "exact"}
    found = rows.iloc[[-1] * len(known)].assign(**empty)
    return found.assign(batch_size=list(known), theory=list(known.values()))


def _exact(name: str, spec: str, n: int, against: int | None) -> float | None:
    try:
        kind, law = estimator(spec), distribution(name)
    except SimnormError:
        return None
    if isinstance(kind, UserEstimator):
        return None
    value = theory.value_of("rmse", kind, n, against, theory.of_distribution(law))
    return None if value is None or value.kind != "exact" else float(value)


def simulated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have an estimate, not theory alone."""
    return rows[np.isfinite(floats(rows, "estimate"))]


def _measured(rows: pd.DataFrame) -> dict[int, float]:
    """Return exact values, or estimates to be trusted, of the batch sizes that were simulated."""
    rows = simulated(rows)
    return {
        int(n): float(value) for n, value in zip(rows["batch_size"], best_values(rows), strict=True)
    }


def _known_sizes(rows: pd.DataFrame) -> set[int]:
    """Return the batch sizes with exact theory."""
    return {int(n) for n in rows.loc[rows["theory_kind"] == "exact", "batch_size"]}


def shares_of(parts: Parts) -> list[Shares]:
    """Return what the squared error is made of, by batch size.

    E (T_batch - c)^2 = E (T_batch - T_full)^2 + E (T_full - c)^2 + 2 E (T_batch - T_full)(T_full -
    c). The last term is 0 for means and unbiased variances, whose batches and full sets are
    uncorrelated in this way; with a bias it is not.
    """
    whole, about = (_measured(part) for part in (parts.full_set, parts.population))
    known = _known_sizes(parts.full_set) & _known_sizes(parts.population)
    # The last point of the curve is the full set; it has a theory if the level is exact.
    exact_level = math.isfinite(floats(parts.population, "theory")[-1])
    found = []
    for n, rmse in about.items():
        batch = whole.get(n, math.nan)
        if math.isfinite(rmse) and math.isfinite(batch) and rmse > 0.0:
            one, other = (batch / rmse) ** 2, (parts.level / rmse) ** 2
            exact = exact_level and n in known
            found.append(Shares(n, one, other, 1.0 - one - other, exact))
    return found
