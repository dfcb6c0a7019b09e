"""From a run's sums to its tidy tables: one row per number, with status, theory and z."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from simnorm import theory
from simnorm.design import Design
from simnorm.diagnostics import (
    EXACT,
    LARGEST_KHAT,
    OK,
    UNDEFINED,
    UNRELIABLE,
    Verdict,
    draws_verdict,
    influence_khat,
    ledger,
)
from simnorm.distributions import Distribution, distribution
from simnorm.engine import KEPT_REPLICATIONS, Sums
from simnorm.estimators import relative_constant
from simnorm.studies import sweep
from simnorm.studies.sweep import Cell, Source
from simnorm.tally import MEASURES, Measured, Tally, measure

SCHEMA_VERSION = 1

ALL_MEASURES = (*MEASURES, *(f"relative_{name}" for name in MEASURES))

# Columns in their order, with the type each is read back as.
SCHEMA: dict[str, type] = {
    "study": str,
    "source": str,
    "distribution": str,
    "column": str,
    "full_size": int,
    "sampling": str,
    "estimator": str,
    "batch_size": int,
    "factors": str,
    "reference": str,
    "measure": str,
    "estimate": float,
    "mcse": float,
    "ci_low": float,
    "ci_high": float,
    "theory": float,
    "theory_kind": str,
    "z": float,
    "replications": int,
    "batches": int,
    "failed": int,
    "khat": float,
    "status": str,
    "reason": str,
    "stop_reason": str,
    "seed": object,
    "schema_version": int,
}
CURVES_SCHEMA: dict[str, type] = {
    "study": str,
    "distribution": str,
    "column": str,
    "sampling": str,
    "estimator": str,
    "batch_size": int,
    "factors": str,
    "reference": str,
    "kind": str,
    "x": float,
    "y": float,
    "mcse": float,
    "theory": float,
}
FIRST_CONVERGENCE_POINT = 16


def typed(columns: dict[str, Any], schema: dict[str, type]) -> pd.DataFrame:
    """Return a table with the schema's columns and types."""
    types = {float: np.dtype(float), int: np.dtype(np.int64), object: np.dtype(object)}
    return pd.DataFrame(
        {
            name: pd.Series(columns[name], dtype=types.get(kind, "str"))
            for name, kind in schema.items()
        }
    )


def build_frame(design: Design, found: dict[Source, Sums]) -> pd.DataFrame:
    """Return the tidy table of a sweep's sums."""
    rows: list[dict[str, Any]] = []
    for source, sums in found.items():
        measured = {name: measure(sums.tally, name) for name in MEASURES}
        khats = influence_khat(*sums.kept)
        law = distribution(source.distribution)
        numbers = theory.of_distribution(law)
        for position, cell in enumerate(sweep.cells(design)):
            for name in ALL_MEASURES:
                part = measured[name.removeprefix("relative_")]
                values = tuple(float(column[position]) for column in part)
                khat = float(khats[name.removeprefix("relative_")][position])
                rows.append(
                    _row(design, source, law, numbers, cell, name, values, khat, sums.tally.count)
                )
    return typed({name: [row[name] for row in rows] for name in SCHEMA}, SCHEMA)


def _row(
    design: Design,
    source: Source,
    law: Distribution,
    numbers: theory.Law | None,
    cell: Cell,
    name: str,
    values: tuple[float, ...],
    khat: float,
    replications: int,
) -> dict[str, Any]:
    kind, n, reference = cell
    verdict = ledger(kind, law, n, design.full_size, reference, name)
    base = name.removeprefix("relative_")
    expected = None
    if numbers is not None and verdict.status != UNDEFINED:
        against = design.full_size if reference == "full_set" else None
        expected = theory.value_of(base, kind, n, against, numbers)
    if name != base:
        constant = relative_constant(kind, law) ** theory.measure_power(name)
        values = tuple(value / constant for value in values)
        expected = theory.relative(expected, name, kind, law)
    enough = draws_verdict(kind, law, n, design.full_size, name, replications)
    verdict, (estimate, mcse, low, high) = _settle(verdict, enough, values, khat, replications)
    z = math.nan
    if verdict.status == OK and expected is not None and expected.kind == "exact" and mcse > 0.0:
        z = (estimate - expected) / mcse
    return {
        "study": design.study,
        "source": "law",
        "distribution": source.distribution,
        "column": "",
        "full_size": design.full_size,
        "sampling": source.sampling,
        "estimator": str(kind),
        "batch_size": n,
        "factors": "",
        "reference": reference,
        "measure": name,
        "estimate": estimate,
        "mcse": mcse,
        "ci_low": low,
        "ci_high": high,
        "theory": math.nan if expected is None else float(expected),
        "theory_kind": "" if expected is None else expected.kind,
        "z": z,
        "replications": replications,
        "batches": design.full_size // n,
        "failed": 0,
        "khat": khat if verdict.status in (OK, UNRELIABLE) else math.nan,
        "status": verdict.status,
        "reason": verdict.reason,
        "stop_reason": "undefined" if verdict.status == UNDEFINED else "replications",
        "seed": design.seed,
        "schema_version": SCHEMA_VERSION,
    }


def _settle(
    verdict: Verdict,
    enough: Verdict,
    values: tuple[float, ...],
    khat: float,
    replications: int,
) -> tuple[Verdict, tuple[float, ...]]:
    """Return the final status and estimate, mcse and interval; NaN where they do not apply."""
    none = math.nan
    if verdict.status == UNDEFINED:
        return verdict, (none, none, none, none)
    if verdict.status == EXACT:
        # The same in every replication by construction; what was summed is 0 but for rounding.
        return verdict, (0.0, 0.0, 0.0, 0.0)
    estimate, mcse, low, high = values
    if not math.isfinite(estimate):
        reason = (
            "a variance needs two replications"
            if replications == 1
            else "the sums left the range of doubles"
        )
        return Verdict(UNDEFINED, reason), (none, none, none, none)
    if not math.isfinite(mcse) and verdict.status == OK:
        reason = (
            "one replication has no standard error"
            if replications == 1
            else "the sums of its standard error left the range of doubles"
        )
        verdict = Verdict(UNRELIABLE, reason)
    if verdict.status == UNRELIABLE:
        return verdict, (estimate, none, none, none)
    if mcse == 0.0:
        verdict = Verdict(UNRELIABLE, "no replication differed from another")
    if khat > LARGEST_KHAT:
        kept = min(replications, KEPT_REPLICATIONS)
        reason = (
            f"a few of the first {kept:,} replications make the standard error "
            f"(Pareto k-hat {khat:.2f} > 0.5)"
        )
        verdict = Verdict(UNRELIABLE, reason)
    if enough.status != OK:
        verdict = enough
    return verdict, (estimate, mcse, low, high if math.isfinite(high) else none)


def build_curves(design: Design, found: dict[Source, Sums], frame: pd.DataFrame) -> pd.DataFrame:
    """Return running RMSEs against the full set, at doubling numbers of replications."""
    rmse = frame[(frame["measure"] == "rmse") & (frame["reference"] == "full_set")]
    keys = ["distribution", "sampling", "estimator", "batch_size"]
    known = {
        tuple(key): (status, value if kind == "exact" else math.nan)
        for *key, status, value, kind in rmse[
            [*keys, "status", "theory", "theory_kind"]
        ].itertuples(index=False)
    }
    rows: list[dict[str, Any]] = []
    for source, sums in found.items():
        points = _convergence(sums.kept)
        for position, cell in enumerate(sweep.cells(design)):
            kind, n, reference = cell
            key = (source.distribution, source.sampling, str(kind), n)
            if reference != "full_set" or known[key][0] in (UNDEFINED, EXACT):
                continue
            for count, part in points:
                valid = known[key][0] == OK
                rows.append(
                    {
                        "study": design.study,
                        "distribution": source.distribution,
                        "column": "",
                        "sampling": source.sampling,
                        "estimator": str(kind),
                        "batch_size": n,
                        "factors": "",
                        "reference": reference,
                        "kind": "convergence",
                        "x": count,
                        "y": part.estimate[position],
                        "mcse": part.mcse[position] if valid else math.nan,
                        "theory": known[key][1],
                    }
                )
    return typed({name: [row[name] for row in rows] for name in CURVES_SCHEMA}, CURVES_SCHEMA)


def _convergence(kept: Any) -> list[tuple[int, Measured]]:
    """Return the RMSE of the first 16, 32, ... kept replications, and of all of them."""
    most = kept.shape[-1]
    counts = []
    count = FIRST_CONVERGENCE_POINT
    while count < most:
        counts.append(count)
        count *= 2
    return [
        (count, measure(Tally.of(kept[0, :, :count], kept[1, :, :count]), "rmse"))
        for count in (*counts, most)
    ]
