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
    """What a report needs of a design; `data` as the path was given."""

    data: str = ""
    replications: int = 256
    target_mcse: str = ""
    time_limit: float = 0.0
    sampling: tuple[str, ...] = ("shuffle",)

    def to_toml(self) -> str:
        return 'study = "sweep"\nseed = 7\n'


def of_file(
    lines: list[dict[str, Any]], column: str, full_size: int = 64, sampling: str = "shuffle"
) -> list[dict[str, Any]]:
    """The same rows as those of a column of data."""
    same = {"source": "file", "distribution": "", "column": column, "full_size": full_size}
    same |= {"sampling": sampling}
    return [line | same | {"batches": max(1, full_size // line["batch_size"])} for line in lines]


def data_frame(names: tuple[str, ...] = ("low", "high", "flat")) -> pd.DataFrame:
    """Mean and std of columns of 64 rows: RMSE 1/sqrt(n), and of the i-th std (1 + i)/sqrt(2n)."""
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        for n in (2, 4, 16, 32):
            rows += of_file(cell("", "mean", n, n**-0.5, off=0.5), name)
            rows += of_file(cell("", "std(ddof=0)", n, (1 + place) * (2 * n) ** -0.5), name)
    return frame_of(rows)


# Exact mean squared errors of a shuffled mean, in units of the variance with divisor N = 64.
SHUFFLED = {n: 64 / 63 * (1 / n - 1 / 64) for n in (4, 16)}


def schemes_frame() -> pd.DataFrame:
    """Two columns, shuffled and in file order; in file order a mean of n is as one of n/4."""
    rows: list[dict[str, Any]] = []
    for name, loss in (("a", 4), ("b", 2)):
        for n in (4, 16):
            worse = (64 / 63 * (loss / n - 1 / 64)) ** 0.5
            rows += of_file(cell("", "mean", n, SHUFFLED[n] ** 0.5), name)
            rows += of_file(cell("", "unbiased_variance", n, n**-0.5), name)
            fixed = {"status": "exact", "kind": ""}
            rows += of_file(cell("", "mean", n, worse, **fixed), name, sampling="sequential")
            inside = cell("", "unbiased_variance", n, 0.7, **fixed)
            for line in inside:
                if line["measure"].endswith("bias"):
                    line["estimate"] = -0.6
            rows += of_file(inside, name, sampling="sequential")
    frame = frame_of(rows)
    in_order = frame["sampling"] == "sequential"
    return frame.assign(theory=frame["theory"].where(~in_order))


def facts_of(frame: pd.DataFrame, **facts: Any) -> pd.DataFrame:
    """The table of columns for a frame, all columns alike but for `facts` (a list each)."""
    names = list(dict.fromkeys(frame["column"]))
    usual = {
        "rows": 64, "distinct": 60, "ties": 0.125, "kind": "", "mean": 2.0, "std": 1.5,
        "min": -1.0, "median": 2.0, "max": 5.0, "skewness": 0.25, "excess_kurtosis": 0.5,
        "tail_index": 9.0, "n_own_10": 30.0, "n_own_5": 50.0, "n_fresh_10": 60.0,
        "n_fresh_5": 240.0, "fresh_reliable": 1,
    }  # fmt: skip
    return pd.DataFrame({"column": names} | usual | facts, columns=["column", *usual])


def data_curves(frame: pd.DataFrame, correlations: dict[str, float] | None = None) -> pd.DataFrame:
    """Running RMSEs, a histogram per column, and intraclass correlations in file order."""
    rows: list[dict[str, Any]] = []
    cells = dict.fromkeys(CURVE_COLUMNS, "") | {"study": "sweep", "mcse": NAN, "theory": NAN}
    for name in dict.fromkeys(frame["column"]):
        same = cells | {"column": name, "sampling": "shuffle", "reference": "full_set"}
        bins = [(0.0, 1.0), (1.0, 3.0), (2.0, NAN)]
        rows += [same | {"kind": "histogram", "batch_size": 0, "x": x, "y": y} for x, y in bins]
    for name, rho in (correlations or {}).items():
        same = cells | {"column": name, "sampling": "sequential", "reference": "full_set"}
        rows += [same | {"kind": "icc", "batch_size": n, "x": n, "y": rho} for n in (4, 16)]
    made = pd.DataFrame(rows, columns=CURVE_COLUMNS)
    return pd.concat([curves_of(frame), made], ignore_index=True)


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


@dataclass
class TinyData(TinyResult):
    """A run on a file."""

    correlations: dict[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> pd.DataFrame:
        return facts_of(self.frame)

    @property
    def curves(self) -> pd.DataFrame:
        return data_curves(self.frame, self.correlations)

    @property
    def design(self) -> TinyDesign:
        return TinyDesign("folder/train.csv")
