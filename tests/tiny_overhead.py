"""Tables of the study overhead, small enough to check by hand, for tests of figures and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tiny_tables import CURVE_COLUMNS, NAN, TinyDesign, row

WIDTHS, SIZES = (64, 256), (8, 32, 128)
# Ratios at width 64 and any batch size; at 256 what is above 1 is a quarter of it.
RATIOS = {"input_bn": 1.2, "hidden_bn": 1.4, "standardized": 1.004}
QUANTITIES = ("training_step", "inference")
COLUMNS = [*row("", "", 1, "", 1.0)]
ROWS, ROUNDS = 16_384, 30


def ratio(variant: str, width: int) -> float:
    return 1.0 + (RATIOS[variant] - 1.0) * (1.0 if width == 64 else 0.25)


def seconds(quantity: str, width: int, n: int) -> float:
    """A step without BN: 200 microseconds at width 64 and n = 8; inference a tenth of that."""
    return 2e-4 * (width / 64) * (n / 8) * (1.0 if quantity == "training_step" else 0.1)


def line(quantity: str, n: int, factors: str, measure: str, value: float, half: float, **more: Any):
    """One row; `half` is half its interval."""
    made = row("", quantity, n or 1, measure, 1.0, reference="")
    made |= {
        "estimate": value,
        "mcse": half / 1.96,
        "ci_low": value - half,
        "ci_high": value + half,
    }
    return made | {
        "study": "overhead", "source": "bench", "full_size": ROWS, "factors": factors,
        "batch_size": n, "theory": NAN, "theory_kind": "", "z": NAN, "replications": ROUNDS,
        "batches": ROWS // n if n else 1,
    } | more  # fmt: skip


def overhead_frame(
    widths: tuple[int, ...] = WIDTHS,
    sizes: tuple[int, ...] = SIZES,
    half: float = 0.02,
    repaid: float = 0.01,
    **more: Any,
) -> pd.DataFrame:
    """All rows of a run; ratios to +- half, and what a step repays to +- half of itself."""
    rows = []
    for quantity in QUANTITIES:
        for n in sizes:
            for width in widths:
                level, name = seconds(quantity, width, n), f"width={width};variant="
                rows.append(line(quantity, n, f"{name}none", "median", level, 0.05 * level, **more))
                for variant in RATIOS:
                    times = ratio(variant, width)
                    rows.append(line(quantity, n, name + variant, "median", times * level,
                                     0.05 * level, **more))  # fmt: skip
                    # What is computed from one ratio is known far better than it.
                    reach = half / 100 if variant == "standardized" else half
                    factors = f"{name}{variant};against=none"
                    rows.append(line(quantity, n, factors, "ratio", times, reach, **more))
    factors = "variant=standardized"
    rows.append(line("standardizing", 0, factors, "median", 6e-3, 3e-4, **more))
    for n in sizes:
        for width in widths:
            factors = f"width={width};variant=input_bn;against=standardized"
            rows.append(line("repaid_per_step", n, factors, "median", repaid, repaid / 2, **more))
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass
class OverheadDesign(TinyDesign):
    """What a report needs of a design, and what this study adds."""

    epochs: int = 10
    seed: int = 0


@dataclass
class OverheadRun:
    """A run with tables made by hand."""

    frame: pd.DataFrame
    curves: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=CURVE_COLUMNS))
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)
    design: OverheadDesign = field(default_factory=OverheadDesign)
    provenance: dict[str, Any] = field(
        default_factory=lambda: {"processor": "Abacus 9", "torch": "2.9"}
    )
