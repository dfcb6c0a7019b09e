"""A tidy table small enough to check by hand, for the tests of figures and report."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

NAN = math.nan
MEASURES = ("bias", "variance", "mse", "rmse")
CELL = ["study", "distribution", "column", "sampling", "estimator", "batch_size", "factors"]
CURVE_COLUMNS = [*CELL, "reference", "kind", "x", "y", "mcse", "theory"]
# Rows are made with all columns of the table, in no particular order.


def row(
    distribution: str,
    estimator: str,
    n: int,
    measure: str,
    theory: float,
    *,
    off: float = 0.0,
    reference: str = "full_set",
    status: str = "ok",
    kind: str = "exact",
) -> dict[str, Any]:
    """One row: MCSE 1 % of theory (0.01 if that is zero), estimate `off` MCSEs away."""
    mcse = 0.01 * abs(theory) or 0.01
    estimate = theory + off * mcse
    values = {"estimate": estimate, "mcse": mcse, "theory": theory, "theory_kind": kind}
    values |= {"ci_low": estimate - 2 * mcse, "ci_high": estimate + 2 * mcse, "z": off}
    if status == "exact":
        values |= {"mcse": 0.0, "ci_low": theory, "ci_high": theory, "z": NAN}
    if status == "unreliable":
        values |= {"mcse": NAN, "ci_low": NAN, "ci_high": NAN, "z": NAN}
    if status == "undefined":
        values = dict.fromkeys(values, NAN) | {"theory_kind": ""}
    if kind != "exact":
        values["z"] = NAN
    reason = "" if status == "ok" else f"a reason for {status}"
    return {
        "study": "sweep", "source": "law", "distribution": distribution, "column": "",
        "full_size": 64, "sampling": "shuffle", "estimator": estimator, "batch_size": n,
        "factors": "", "reference": reference, "measure": measure, "replications": 100,
        "batches": 64 // n, "failed": 0, "khat": NAN, "status": status, "reason": reason,
        "stop_reason": "replications", "seed": 7, "schema_version": 1,
    } | values  # fmt: skip


def cell(
    distribution: str, estimator: str, n: int, rmse: float, **how: Any
) -> list[dict[str, Any]]:
    """All measures of a cell whose error has no bias and this RMSE, in units of a constant 1."""
    values = {"bias": 0.0, "variance": rmse**2, "mse": rmse**2, "rmse": rmse}
    return [
        row(distribution, estimator, n, prefix + measure, values[measure], **how)
        for prefix in ("", "relative_")
        for measure in MEASURES
    ]


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows or None, columns=list(row("", "", 1, "", 1.0)))


def tiny_frame(names: tuple[str, str] = ("normal", "t(df=5)")) -> pd.DataFrame:
    """Two distributions, mean and std; RMSE 1/sqrt(n) and 1/sqrt(2n), of the second twice that."""
    rows: list[dict[str, Any]] = []
    for position, name in enumerate(names):
        for n in (2, 4, 16, 64):
            rows += cell(name, "mean", n, n**-0.5, off=0.5)
            status = "unreliable" if position and n == 64 else "ok"
            rows += cell(
                name, "std(ddof=0)", n, (1 + position) * (2 * n) ** -0.5, off=-1.0, status=status
            )
    return frame_of(rows)


def undefined_frame() -> pd.DataFrame:
    return frame_of(
        [line for n in (2, 4) for line in cell("cauchy", "mean", n, 1.0, status="undefined")]
    )


def curves_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Running RMSEs that end at the estimate."""
    rmse = frame[(frame["measure"] == "rmse") & frame["estimate"].notna()]
    rows = [
        {key: line[key] for key in [*CELL, "reference"]}
        | {"kind": "convergence", "x": x, "y": line["estimate"] * (1 + 1 / x)}
        | {"mcse": line["mcse"], "theory": line["theory"]}
        for _, line in rmse.iterrows()
        for x in (16, 32, 64)
    ]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


@dataclass
class TinyDesign:
    data: str = ""

    def to_toml(self) -> str:
        return 'study = "sweep"\nseed = 7\n'


@dataclass
class TinyResult:
    frame: pd.DataFrame
    provenance: dict[str, Any] = field(
        default_factory=lambda: {
            "command": "simnorm sweep",
            "simnorm": "0.1.0",
            "seconds": 1.5,
            "draws": 12800,
            "finished": "2026-11-22T18:00:00+00:00",
        }
    )

    @property
    def curves(self) -> pd.DataFrame:
        return curves_of(self.frame)

    @property
    def columns(self) -> pd.DataFrame:
        return pd.DataFrame(columns=["column"])

    @property
    def design(self) -> TinyDesign:
        return TinyDesign()
