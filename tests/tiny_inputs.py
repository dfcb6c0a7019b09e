"""A table of the study `inputs` small enough to check by hand, for the tests of what is drawn and
said of it.

E[s]/S is 1 - hard/(2 n), so that the squared error is hard/n: of a name with `hard` = 1.6 it is 0.1
standard deviations squared at n = 16, and 0.01 at n = 160.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tiny_tables import CURVE_COLUMNS, NAN, TinyDesign, facts_of, frame_of, row

SIZES = (1, 2, 4, 16, 64)
PLAIN = "epsilon=0;gamma=1;beta=0"
KERAS = "epsilon=0.001;gamma=1;beta=0"
SCALERS = {"min_max_value": 4.0, "robust_value": 1.5, "quantile_value": 0.9}


def mse_of(n: int, hard: float) -> float:
    """Squared error of a normalized value."""
    return 1.0 if n == 1 else hard / n


def line(
    name: str, quantity: str, n: int, measure: str, value: float, factors: str = "", **how: Any
) -> dict[str, Any]:
    """One row of the study."""
    reference = how.pop("reference", "full_set")
    made = row(name, quantity, n, measure, value, reference=reference, **how)
    return made | {"study": "inputs", "factors": factors}


def errors(name: str, n: int, mse: float, factors: str = PLAIN, **how: Any) -> list[dict[str, Any]]:
    """Both measures of the error of a normalized value."""
    if n == 1:
        how |= {"status": "exact"}
    return [
        line(name, "normalized_value", n, "mse", mse, factors, **how),
        line(name, "normalized_value", n, "rmse", mse**0.5, factors, **how),
    ]


def lines(name: str, n: int, hard: float = 1.6, harm: float = 0.0) -> list[dict[str, Any]]:
    """All rows of a name at one batch size; `harm` is what Keras's epsilon adds to the RMSE."""
    mse = mse_of(n, hard)
    later = 1.0 if n == 1 else (mse**0.5 + harm) ** 2
    found = [*errors(name, n, mse), *errors(name, n, later, KERAS)]
    found += [
        line(name, "normalized_value_direct", n, word, value, PLAIN, off=0.5)
        for word, value in (("mse", mse), ("rmse", mse**0.5))
    ]
    alone = {"status": "undefined"} if n == 1 else {}
    ratio = 1.0 - hard / (2.0 * n)
    found += [
        line(name, "correlation", n, "mean", ratio, **alone),
        line(name, "best_gamma", n, "mean", ratio, "epsilon=0", **alone),
        line(name, "worst_in_batch", n, "mean", 2.0 * mse**0.5, kind=""),
        line(name, "worst_in_epoch", n, "mean", 5.0 * mse**0.5, kind=""),
        line(name, "unseen_share", n, "mean", 2.0 / (n + 1.0), reference=""),
        line(
            name, "constant_batches", n, "mean", float(n == 1), reference="", status="exact"
        ),
    ]  # fmt: skip
    if n > 1:
        found += [
            line(name, "output_skewness", n, "mean", 2.0 - 4.0 / n, reference="", kind=""),
            line(name, "output_excess_kurtosis", n, "mean", -6.0 / (n + 1.0), reference=""),
        ]
    found += [
        line(name, quantity, n, "rmse", factor * mse**0.5, kind="")
        for quantity, factor in SCALERS.items()
    ]
    return found


def inputs_frame(
    hard: dict[str, float] | None = None, sizes: tuple[int, ...] = SIZES
) -> pd.DataFrame:
    """A table of laws, by how hard each is."""
    hard = hard or {"normal": 1.6, "exponential": 3.2}
    return frame_of([row for name, h in hard.items() for n in sizes for row in lines(name, n, h)])


def of_data(frame: pd.DataFrame, full_size: int = 64) -> pd.DataFrame:
    """The same table as one of columns."""
    return frame.assign(
        source="file", column=frame["distribution"], distribution="", full_size=full_size
    )


def columns_frame(
    hard: dict[str, float], harm: dict[str, float] | None = None, sizes: tuple[int, ...] = SIZES
) -> pd.DataFrame:
    """A table of columns, by how hard each is and what epsilon adds."""
    harm = harm or {}
    return of_data(
        frame_of(
            [
                row
                for name, h in hard.items()
                for n in sizes
                for row in lines(name, n, h, harm.get(name, 0.0))
            ]
        )
    )


def undefined_inputs(name: str = "cauchy", data: bool = False) -> pd.DataFrame:
    """A table in which nothing exists."""
    rows = [
        line(name, quantity, n, measure, 1.0, factors, status="undefined")
        for n in (1, 2, 16)
        for quantity, measure, factors in (
            ("normalized_value", "mse", PLAIN),
            ("normalized_value", "rmse", PLAIN),
            ("correlation", "mean", ""),
            ("unseen_share", "mean", ""),
        )
    ]
    frame = frame_of(rows)
    return of_data(frame) if data else frame


def inputs_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Outputs, errors by value and by gamma, of all names with an error."""
    alive = frame[(frame["measure"] == "rmse") & frame["estimate"].notna()]
    cells = alive[alive["batch_size"] > 1].drop_duplicates(
        ["distribution", "column", "sampling", "batch_size"]
    )
    rows: list[dict[str, Any]] = []
    for _, cell in cells.iterrows():
        n = int(cell["batch_size"])
        same = {key: cell[key] for key in ("study", "distribution", "column", "sampling")}
        same |= {"estimator": "normalized_value", "batch_size": n, "factors": "", "reference": ""}
        end = min(math.sqrt(n - 1.0), 4.5)
        width = 2.0 * end / 5
        points = [("output", -end + (i + 0.5) * width, 0.2 / width, NAN) for i in range(5)]
        points += [
            ("by_value", z, (1.0 + z * z / 2.0) ** 0.5 / n**0.5, 1.0) for z in (-2.0, 0.0, 2.0)
        ]
        points += [("gamma", g, abs(1.0 - g) + n**-0.5, 1.0) for g in (0.0, 0.5, 1.0, 1.5)]
        rows += [
            same | {"kind": kind, "x": x, "y": y, "mcse": 0.01 * y, "theory": y * share}
            for kind, x, y, share in points
        ]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


@dataclass
class InputsResult:
    """What a report needs of a run of the study."""

    frame: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    provenance: dict[str, Any] = field(
        default_factory=lambda: {
            "command": "simnorm study inputs",
            "simnorm": "0.1.0",
            "finished": "2026-11-22T18:00:00+00:00",
        }
    )

    @property
    def curves(self) -> pd.DataFrame:
        return inputs_curves(self.frame)

    @property
    def columns(self) -> pd.DataFrame:
        if not (self.frame["source"] == "file").any():
            return pd.DataFrame(columns=["column"])
        return facts_of(self.frame, **self.facts)

    @property
    def design(self) -> TinyDesign:
        return TinyDesign(self.data)


def run_on(frame: pd.DataFrame, **facts: Any) -> InputsResult:
    """A run of a table, on a file if it has columns."""
    data = "folder/train.csv" if (frame["source"] == "file").any() else ""
    return InputsResult(frame, facts, data)
