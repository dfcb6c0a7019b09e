"""Tables of the study scaling, small enough to check by hand, for tests of figures and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tiny_tables import CURVE_COLUMNS, NAN, TinyDesign, row

NAMES = ("wine", "breast_cancer", "digits", "spread_scales", "heavy_tails", "normal_tails")
ROWS = {
    "wine": 178,
    "breast_cancer": 569,
    "digits": 1797,
    "spread_scales": 569,
    "heavy_tails": 178,
    "normal_tails": 178,
}
MODELS = ("knn", "mlp")
SCALERS = ("none", "min_max", "z_score", "robust", "batch")
SIZES = (2, 8, 32, 128)
COLUMNS = [*row("", "", 1, "", 1.0)]

# Per cent; of batches the loss against the z-score is 16/n points, of heavy tails twice that.
KNN = {
    "wine": {"none": 70.0, "min_max": 95.0, "z_score": 96.0, "robust": 95.5},
    "breast_cancer": {"none": 93.0, "min_max": 96.9, "z_score": 96.7, "robust": 96.5},
    "digits": {"none": 96.7, "min_max": 96.8, "z_score": 95.6, "robust": 88.0},
    "spread_scales": {"none": 60.0, "min_max": 96.9, "z_score": 96.7, "robust": 96.5},
    "heavy_tails": {"none": 55.0, "min_max": 62.0, "z_score": 80.0, "robust": 90.0},
    "normal_tails": {"none": 69.0, "min_max": 94.0, "z_score": 95.0, "robust": 94.5},
}
# Half a 95 % interval, in points.
HALF = 2.0


def accuracy(name: str, model: str, scaler: str, n: int) -> float:
    """In per cent; the net is two points better than kNN, and five worse on raw features."""
    shift = {"knn": 0.0, "mlp": -5.0 if scaler == "none" else 2.0}[model]
    if scaler == "batch":
        return KNN[name]["z_score"] + shift - 16.0 / n * (2 if name == "heavy_tails" else 1)
    return KNN[name][scaler] + shift


def line(
    name: str, factors: str, n: int, value: float, half: float, status: str = "ok", **more: Any
) -> dict[str, Any]:
    """One row, its numbers given in per cent or points."""
    made = row(name, "accuracy", n or 1, "mean", 1.0, reference="", status=status)
    numbers = {"estimate": value, "mcse": half / 2, "ci_low": value - half, "ci_high": value + half}
    if status == "undefined":
        numbers = dict.fromkeys(numbers, NAN)
    made |= {key: number / 100 for key, number in numbers.items()}
    return made | {
        "study": "scaling", "source": "bundled", "full_size": ROWS.get(name, 150),
        "factors": factors, "batch_size": n, "theory": NAN, "theory_kind": "", "z": NAN,
        "replications": 10, "batches": 5,
    } | more  # fmt: skip


def scaling_frame(
    names: tuple[str, ...] = NAMES,
    models: tuple[str, ...] = MODELS,
    scalers: tuple[str, ...] = SCALERS,
    sizes: tuple[int, ...] = SIZES,
    half: float = HALF,
    status: str = "ok",
    **more: Any,
) -> pd.DataFrame:
    """Accuracies and paired differences; `half` in points, of differences half of that."""
    rows = []
    for name in names:
        for model in models:
            for scaler in scalers:
                for n in sizes if scaler == "batch" else (0,):
                    value = accuracy(name, model, scaler, n)
                    text = f"model={model};scaler={scaler}"
                    rows.append(line(name, text, n, value, half, status, **more))
                    for other in ("none", "z_score"):
                        if other in scalers and other != scaler:
                            less = value - accuracy(name, model, other, 0)
                            against = f"{text};against={other}"
                            rows.append(line(name, against, n, less, half / 2, status, **more))
    return pd.DataFrame(rows or None, columns=COLUMNS)


def of_file(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first data set, as those of a file."""
    first = frame[frame["distribution"] == frame["distribution"].iloc[0]]
    return first.assign(source="file", distribution="", column="")


NO_CURVES = pd.DataFrame(columns=CURVE_COLUMNS)


@dataclass
class TinyScaling:
    """A run of the study, as the report wants it."""

    frame: pd.DataFrame
    data: str = ""
    folds: int = 5
    provenance: dict[str, Any] = field(
        default_factory=lambda: {"simnorm": "0.1.0", "finished": "2026-11-22T18:00:00+00:00"}
    )
    curves: pd.DataFrame = field(default_factory=NO_CURVES.copy)
    columns: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["column"]))

    @property
    def design(self) -> Any:
        design: Any = TinyDesign(self.data)
        design.study, design.folds, design.seed = "scaling", self.folds, 7
        design.target, design.full_size, design.replications = "kind" * bool(self.data), 0, 10
        design.columns = ("a", "b", "c") if self.data else ()
        return design
