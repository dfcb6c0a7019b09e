"""Results small enough to know by hand, for tests of what an answer says of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
from tiny_overhead import overhead_frame
from tiny_scaling import scaling_frame
from tiny_shift import shift_frame
from tiny_tables import NAN, row

from simnorm.answering import Missing, Settings
from simnorm.answering.claims import Case
from simnorm.answering.needed import SCHEMA, nothing_needed
from simnorm.quantities import split_factors

NAMES = ("normal", "exponential")
N = 16_384
TORCH = Missing(
    "It needs torch, which is not installed.",
    "Get it: pip install torch; in a checkout scripts/quickstart --with-torch.",
)


def number(
    name: str, quantity: str, n: int, measure: str, value: float, half: float = 0.01, **more: Any
) -> dict[str, Any]:
    """One row; its 95 % interval is `half` on both sides."""
    made = row(name, quantity, n, measure, 1.0)
    made |= {"estimate": value, "mcse": half / 2, "ci_low": value - half, "ci_high": value + half}
    if half == 0.0:
        made["status"] = "exact"
    return made | {"full_size": N, "theory": NAN, "theory_kind": "", "z": NAN} | more


def result(rows: list[dict[str, Any]] | pd.DataFrame, columns: Any = None, **design: Any) -> Any:
    """A result with these rows and no more than claims look at."""
    frame = split_factors(pd.DataFrame(rows))
    table = pd.DataFrame(columns=["column"]) if columns is None else pd.DataFrame(columns)
    return SimpleNamespace(frame=frame, design=SimpleNamespace(**design), columns=table)


def sweep(spread: float = 0.1, mean: float = 0.2, **more: Any) -> Any:
    return result(
        [
            number(name, word, 32, "relative_rmse", value, **more)
            for name in NAMES
            for word, value in (("std(ddof=0)", spread), ("mean", mean))
        ]
    )


def inputs(error: float = 0.3, best: float = 0.95, **more: Any) -> Any:
    usual = {"factors": "epsilon=0;gamma=1;beta=0"}
    rows = [number(name, "normalized_value", 32, "rmse", error, **(usual | more)) for name in NAMES]
    rows += [
        number(name, "best_gamma", 32, "mean", best, 0.001, factors="epsilon=0") for name in NAMES
    ]
    rows += [
        number("exponential", "output_skewness", 32, "mean", 1.5, reference=""),
        number("exponential", "min_max_value", 32, "rmse", 4.0),
    ]
    return result(rows)


def running(
    keras: float = 0.02,
    precise: float = 0.002,
    one: float = 30.0,
    refuses: bool = True,
    **more: Any,
) -> Any:
    def factors(preset: str) -> dict[str, str]:
        return {"factors": f"preset={preset};steps=1000;drift=0"}

    rows = [
        number(name, "inference_value", 32, "rmse", value, **(factors(preset) | more))
        for name in NAMES
        for preset, value in (("keras3", keras), ("precise", precise))
    ]
    if one:
        rows += [
            number("normal", "inference_value", 1, "rmse", one, **(factors("keras3") | more)),
            number("normal", "running_variance", 1, "relative_bias", -1.0, 0.001,
                   **factors("keras3")),
        ]  # fmt: skip
    if refuses:
        rows.append(
            number("normal", "inference_value", 1, "rmse", NAN, **factors("pytorch"))
            | {"status": "undefined", "reason": "PyTorch refuses batches of one value in training"}
        )
    return result(
        rows, presets=("keras3", "precise"), steps=1000, batch_sizes=(1, 32), drift=(0.0,)
    )


def scaling(frame: pd.DataFrame | None = None, **how: Any) -> Any:
    return result(scaling_frame(**how) if frame is None else frame, folds=5)


def with_difference(result_: Any, value: float, half: float, **wanted: str) -> Any:
    """The result with every difference that is wanted set to a value, in points."""
    frame = result_.frame.copy()
    is_it = pd.Series(True, index=frame.index)
    for name, word in wanted.items():
        is_it &= frame[name] == word
    assert is_it.any()
    new = {"estimate": value, "mcse": half / 2, "ci_low": value - half, "ci_high": value + half}
    for name, points in new.items():
        frame.loc[is_it, name] = points / 100
    return SimpleNamespace(frame=frame, design=result_.design, columns=result_.columns)


def shift(**how: Any) -> Any:
    return result(shift_frame(**how))


def shift_of(
    rates: dict[str, tuple[float, float, float]], half: float = 0.02, moments: float = 0.1
) -> Any:
    """Two nets with normalization against none: by rate, activations, gradients and cosines.

    Ratios have an interval of `half` to both sides, as a factor; cosines are differences. With
    noise all is twice as large and the cosine smaller, and accuracy is the same.
    """
    rows = []
    for rate, (activations, gradients, cosine) in rates.items():
        ratios = {
            "moment_shift": moments, "ks_shift": activations, "wasserstein_shift": activations,
            "gradient_shift": gradients,
        }  # fmt: skip
        for net in ("mlp", "linear"):
            for variant in ("bn", "noisy_bn"):
                at = f";rate={rate}" if rate else ""
                factors = f"net={net};variant={variant}{at};against=none"
                is_noisy = variant == "noisy_bn"
                for quantity, ratio in ratios.items():
                    value = 4.0 if is_noisy else ratio
                    rows.append(
                        number("digits", quantity, 32, "ratio", value, half * value,
                               factors=factors, replications=10)
                    )  # fmt: skip
                value = -0.5 if is_noisy else cosine
                rows += [
                    number("digits", "gradient_cosine", 32, "mean", value, half, factors=factors,
                           replications=10),
                    number("digits", "test_accuracy", 32, "mean", 0.0, 0.005, factors=factors,
                           replications=10),
                ]  # fmt: skip
    return result(rows)


def overhead(**how: Any) -> Any:
    return result(overhead_frame(**how))


def needed(*rows: tuple[str, int, int, int]) -> pd.DataFrame:
    """The batch sizes that are needed: name, size, and the ends it lies between."""
    return pd.DataFrame(
        [[*one, "simulation", "" if one[1] else "At 64 it is 0.2."] for one in rows],
        columns=list(SCHEMA),
    ).astype(SCHEMA)


def case(
    n: int = 32, table: pd.DataFrame | None = None, names: Any = NAMES, **results: Any
) -> Case:
    """What claims look at; studies that are not named are missing."""
    settings = Settings("quick", n, N, names)
    every = dict.fromkeys(("sweep", "inputs", "running", "scaling", "shift", "overhead"), TORCH)
    return Case(settings, every | results, nothing_needed() if table is None else table)
