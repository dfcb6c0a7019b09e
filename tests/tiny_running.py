"""Tables of the study running, small enough to check by hand, for tests of figures and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tiny_tables import CURVE_COLUMNS, NAN, TinyDesign, facts_of, row

MEAN, VARIANCE, VALUE = "running_mean", "running_variance", "inference_value"
PRESETS = ("keras3", "pytorch", "precise")
COLUMNS = [*row("", "", 1, "", 1.0)]
PARTS = ("start", "divisor", "drift", "noise")


def factors(preset: str, drift: str = "0", steps: int = 100) -> str:
    return f"preset={preset};steps={steps};drift={drift}"


def line(
    name: str, preset: str, n: int, measure: str, theory: float, *, quantity: str = VALUE,
    drift: str = "0", steps: int = 100, off: float = 0.0, kind: str = "asymptotic", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One row, made as those of a sweep are: MCSE 1 % of theory, estimate `off` MCSEs away."""
    how = {key: more.pop(key) for key in ("status", "reference") if key in more}
    made = row(name, quantity, n, measure, theory, off=off, kind=kind, **how)
    return made | {"study": "running", "factors": factors(preset, drift, steps)} | more


def cell(name: str, preset: str, n: int, error: float, **how: Any) -> list[dict[str, Any]]:
    """A preset's rows at one batch size: the error of a value; a mean and a variance half of it."""
    steps = {key: how[key] for key in ("drift", "steps", "sampling", "reference") if key in how}
    rows = [line(name, preset, n, measure, error**power, **how)
            for measure, power in (("mse", 2), ("rmse", 1))]  # fmt: skip
    half = error / 2
    parts = {"bias": 0.0, "variance": half**2, "mse": half**2, "rmse": half}
    status = how.get("status", "ok")
    return rows + [
        line(name, preset, n, prefix + word, value, quantity=quantity, kind="exact",
             status=status, **steps)
        for quantity in (MEAN, VARIANCE)
        for prefix in ("", "relative_")
        for word, value in parts.items()
    ]  # fmt: skip


def error_of(preset: str, n: int, shift: int = 0) -> float:
    """Errors that are easy to know again: 0.4/n, 0.8/n and 0.01/n, of the i-th name 1 + i times."""
    scale = {"keras3": 0.4, "pytorch": 0.8}.get(preset, 0.01)
    return scale * (1 + shift) / n


def running_frame(
    names: tuple[str, ...] = ("normal", "t(df=5)"),
    presets: tuple[str, ...] = PRESETS,
    sizes: tuple[int, ...] = (2, 16, 64),
    **how: Any,
) -> pd.DataFrame:
    rows = [
        part
        for place, name in enumerate(names)
        for n in sizes
        for preset in presets
        for part in cell(name, preset, n, error_of(preset, n, place), **how)
    ]
    return pd.DataFrame(rows or None, columns=COLUMNS)


def of_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows as those of columns of a file."""
    return frame.assign(source="file", column=frame["distribution"], distribution="")


def curves_of(
    frame: pd.DataFrame, level: float = 0.03, needed: float = 0.995, steps_needed: float = 60.0
) -> pd.DataFrame:
    """Trajectories that fall like 1/step, floors at their end, four parts of every error."""
    rows: list[dict[str, Any]] = []
    seen: set[tuple[Any, ...]] = set()
    for _, r in frame[frame["measure"].isin(["rmse", "relative_rmse"])].iterrows():
        base = {key: r[key] for key in CURVE_COLUMNS if key in r} | {"mcse": r["mcse"]}
        preset, drift = (r["factors"].split(";")[i].partition("=")[2] for i in (0, 2))
        if r["estimator"] == VALUE and drift == "0":
            rows += [base | {"kind": "trajectory", "x": x, "y": r["estimate"] * 100 / x,
                             "theory": r["theory"] * 100 / x} for x in (1, 10, 100)]  # fmt: skip
            none = base | {"x": r["batch_size"], "y": NAN, "mcse": NAN}
            key = (r["distribution"], r["column"], r["batch_size"], r["sampling"])
            if key not in seen and level:
                rows.append(none | {"kind": "zscore_error", "factors": "", "theory": level})
                seen.add(key)
            if not preset.startswith(("precise", "cumulative")) and pd.notna(r["estimate"]):
                ends = base | {"kind": "floor", "x": r["batch_size"], "y": r["estimate"]}
                rows += [ends | {"theory": r["theory"]}]
                rows += [none | {"kind": kind, "theory": value} for kind, value in (
                    ("steps_to_floor", steps_needed), ("momentum_needed", needed),
                    ("batches_needed", 40.0))]  # fmt: skip
        if r["measure"] == "relative_rmse":
            whole = r["theory"] ** 2
            shares = dict(zip(PARTS, (0.0, 0.75 * (preset == "keras3"), 0.0, 0.0), strict=True))
            shares["noise"] = 1.0 - shares["divisor"]
            rows += [base | {"kind": "split", "x": 100, "y": share * whole, "mcse": 0.0,
                             "theory": share * whole, "factors": f"{r['factors']};part={part}"}
                     for part, share in shares.items()]  # fmt: skip
    return pd.DataFrame(rows or None, columns=CURVE_COLUMNS)


@dataclass
class TinyRunning:
    """A run of the study, as the report wants it."""

    frame: pd.DataFrame
    data: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(
        default_factory=lambda: {"simnorm": "0.1.0", "finished": "2026-11-22T18:00:00+00:00"}
    )
    how: dict[str, Any] = field(default_factory=dict)

    @property
    def curves(self) -> pd.DataFrame:
        return curves_of(self.frame, **self.how)

    @property
    def columns(self) -> pd.DataFrame:
        return facts_of(self.frame, **self.facts) if self.data else pd.DataFrame(columns=["column"])

    @property
    def design(self) -> Any:
        design = TinyDesign(self.data)
        design.full_size, design.seed, design.replications = 64, 7, 100  # type: ignore[attr-defined]
        return design
