"""Errors at batch sizes by simulation: one function of the batch size for each source."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from simnorm.api import run
from simnorm.columns import Column
from simnorm.dataset import Dataset
from simnorm.design import Design
from simnorm.distributions import Distribution
from simnorm.options import INPUTS, SWEEP
from simnorm.sampling import IID, SHUFFLE
from simnorm.solving.question import NORMALIZED, Question
from simnorm.solving.search import Point
from simnorm.theory.normalized import (
    spread_chance,
    spread_chance_of_column,
)

STD = "std(ddof=0)"


def asker(
    question: Question,
    size: int,
    *,
    law: Distribution | None = None,
    data: Dataset | None = None,
    columns: Mapping[str, Column] | None = None,
) -> Callable[[Iterable[int]], dict[str, dict[int, Point]]]:
    """Return the function that simulates errors at batch sizes, of a law or of all columns."""
    # The mean sd of a batch is all that the error depends on, where the reference is fixed.
    by_std = question.kind is None and question.epsilon == 0.0
    by_std = by_std and (data is not None or question.reference == "population")
    study = SWEEP if by_std or question.kind is not None else INPUTS
    common: dict[str, Any] = {
        "study": study, "replications": question.replications, "seed": question.seed,
    }  # fmt: skip
    if study == SWEEP:
        common["estimators"] = [STD if question.kind is None else question.kind]
    else:
        common["epsilon"] = [question.epsilon]
    if law is not None:
        scheme = IID if question.reference == "population" else SHUFFLE
        common |= {"distributions": [law], "full_size": size, "sampling": scheme}
    else:
        common |= {"data": data, "sampling": SHUFFLE}

    def ask(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
        design = Design.make(batch_sizes=list(numbers), **common)
        result = run(design, workers=question.workers, on_progress=question.on_progress)
        frame = result.frame
        frame = frame[frame["reference"] == question.reference]
        if by_std:
            return _points_from_std(frame, columns or law)
        if question.kind is not None:
            frame = frame[frame["measure"] == _told_measure(frame)]
        else:
            frame = frame[(frame["estimator"] == NORMALIZED) & (frame["measure"] == "rmse")]
        return points_of(frame)

    return ask


def _told_measure(frame: pd.DataFrame) -> str:
    relative = frame[frame["measure"] == "relative_rmse"]
    return "relative_rmse" if (relative["status"] != "undefined").any() else "rmse"


def points_of(frame: pd.DataFrame) -> dict[str, dict[int, Point]]:
    """Return points from rows of an rmse, by source and batch size."""
    found: dict[str, dict[int, Point]] = {}
    for row in frame.to_dict(orient="records"):
        if row["status"] == "undefined":
            # A batch of one has no variance: not enough, whatever the target.
            value, error = math.inf, 0.0
        else:
            value, error = float(row["estimate"]), float(row["mcse"])
        point = Point(value, 0.0 if math.isnan(error) else error, row["status"] != "unreliable")
        found.setdefault(str(row["column"] or row["distribution"]), {})[int(row["batch_size"])] = (
            point
        )
    return found


def _points_from_std(
    frame: pd.DataFrame, of: Mapping[str, Column] | Distribution | None
) -> dict[str, dict[int, Point]]:
    """Return the error of normalized values from the mean squared error of batch sds.

    1 + P(s > 0) - 2 E s/S is E (s/S - 1)^2 + P(s > 0) - E v/S^2, whose last term is known:
    (n - 1)/n, and for batches without replacement N/(N - 1) times that. What is left to estimate
    is of the second order.
    """
    found: dict[str, dict[int, Point]] = {}
    by_cell = frame.pivot(  # noqa: PD010  # one row each
        index=["column", "distribution", "batch_size"], columns="measure",
        values=["estimate", "mcse", "status"],
    )  # fmt: skip
    for (column, spec, n), row in zip(
        by_cell.index, by_cell.to_dict(orient="records"), strict=True
    ):
        name = str(column or spec)
        found.setdefault(name, {})[n] = Point(1.0) if n == 1 else _point(row, n, name, of)
    return found


def _point(
    row: dict[Any, Any], n: int, name: str, of: Mapping[str, Column] | Distribution | None
) -> Point:
    """Return the error of a normalized value from the measures of a batch's sd."""
    mean_square = (n - 1.0) / n
    if isinstance(of, Mapping):
        column = of[name]
        chance = float(spread_chance_of_column(column, n))
        mean_square *= column.size / (column.size - 1.0)
    else:
        assert of is not None
        chance = float(spread_chance(of, n))
    square = float(row["estimate", "relative_mse"]) + chance - mean_square
    value = math.sqrt(max(square, 0.0))
    if value == 0.0:
        return Point(0.0)
    error = float(row["mcse", "relative_mse"]) / (2.0 * value)
    trusted = row["status", "relative_mse"] in ("ok", "exact") and not math.isnan(error)
    safe = None
    if row["status", "relative_bias"] == "ok":
        plain = math.sqrt(max(chance - 1.0 - 2.0 * float(row["estimate", "relative_bias"]), 0.0))
        safe = (plain, float(row["mcse", "relative_bias"]) / plain) if plain > 0.0 else None
    return Point(value, 0.0 if math.isnan(error) else error, trusted, safe)


def column_of(data: Dataset, name: str) -> Column:
    """Return a column of the data."""
    return Column(name, np.ascontiguousarray(data.values([name])[:, 0]))
