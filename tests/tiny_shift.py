"""Tables of the study shift, small enough to check by hand, for tests of figures and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tiny_tables import CURVE_COLUMNS, NAN, TinyDesign, row

COLUMNS = [*row("", "", 1, "", 1.0)]
NETS, VARIANTS = ("mlp", "linear"), ("none", "bn", "noisy_bn")
STEPS = 40

# Level without normalization, the same with it, with noise; and the floor, the same for all.
LEVELS: dict[str, tuple[float, float, float, float]] = {
    "moment_shift": (0.20, 0.10, 0.80, 0.05),
    "ks_shift": (0.08, 0.04, 0.32, 0.02),
    "wasserstein_shift": (0.20, 0.10, 0.80, 0.05),
    "moment_drift": (0.50, 0.50, 1.00, 0.05),
    "ks_drift": (0.20, 0.20, 0.40, 0.02),
    "raw_shift": (0.20, 0.10, 0.40, 0.05),
    "gradient_shift": (0.40, 0.80, 0.90, 0.30),
    "gradient_change": (0.60, 0.60, 0.70, 0.50),
    "gradient_cosine": (0.90, 0.70, 0.60, 0.95),
    "batch_shift": (0.0, 0.25, 0.50, NAN),
    "train_loss": (0.60, 0.30, 0.33, NAN),
    "test_accuracy": (0.90, 0.95, 0.95, NAN),
}
DIFFERENT = ("gradient_cosine", "test_accuracy")


def line(
    quantity: str, factors: str, estimate: float, *, measure: str = "mean", wide: float = 0.02,
    status: str = "ok", reason: str = "", **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One row; its interval is `wide` on both sides, of a ratio as a factor."""
    made = row("digits", quantity, 32, measure, estimate, reference="", kind="")
    low, high = estimate - wide, estimate + wide
    if measure == "ratio":
        low, high = estimate / (1.0 + wide), estimate * (1.0 + wide)
    values: dict[str, Any] = {"estimate": estimate, "mcse": wide / 2, "ci_low": low,
                              "ci_high": high}  # fmt: skip
    if status == "exact":
        values |= {"mcse": 0.0, "ci_low": estimate, "ci_high": estimate}
    if status == "undefined":
        values = dict.fromkeys(values, NAN)
    if status == "unreliable":
        values |= {"mcse": NAN, "ci_low": NAN, "ci_high": NAN}
    return made | values | {
        "study": "shift", "source": "bundled", "full_size": 1797, "batches": 0, "factors": factors,
        "theory": NAN, "z": NAN, "replications": 10, "status": status, "reason": reason,
    } | more  # fmt: skip


def shift_frame(
    nets: tuple[str, ...] = NETS,
    variants: tuple[str, ...] = VARIANTS,
    levels: dict[str, tuple[float, float, float, float]] = LEVELS,
    by_rate: dict[str, dict[str, tuple[float, float, float, float]]] | None = None,
    **how: Any,
) -> pd.DataFrame:
    """All rows of a run: levels, against their floors, and against other variants.

    With `by_rate` those of several learning rates, of ``best`` too, each with its levels.
    """
    if by_rate is not None:
        parts = [
            shift_frame(nets, variants, here, **how).assign(
                factors=lambda t, r=rate: t["factors"].str.replace(
                    r"(variant=\w+)", rf"\1;rate={r}", regex=True
                )
            )
            for rate, here in by_rate.items()
        ]
        return pd.concat(parts, ignore_index=True)
    rows = []
    for net in nets:
        for quantity, parts in levels.items():
            of = dict(zip(VARIANTS, parts, strict=False))
            for variant in variants:
                here, key = of[variant], f"net={net};variant={variant}"
                same = {"status": "exact"} if quantity == "batch_shift" and not here else {}
                rows.append(line(quantity, key, here, **(how | same)))
                others = {"floor": parts[3], "none": of["none"], "bn": of["bn"]}
                for other, there in others.items():
                    if (
                        other == variant
                        or there != there
                        or (other not in ("floor", *variants))
                        or (other == "bn" and variant == "none")
                    ):
                        continue
                    rows.append(against(quantity, f"{key};against={other}", here, there, how))
    return pd.DataFrame(rows or None, columns=COLUMNS)


def against(
    quantity: str, key: str, here: float, there: float, how: dict[str, Any]
) -> dict[str, Any]:
    if quantity in DIFFERENT:
        return line(quantity, key, here - there, **how)
    if not here * there > 0.0:
        return line(quantity, key, NAN, measure="ratio", status="undefined", reason="one is 0")
    return line(quantity, key, here / there, measure="ratio", **how)


def curves_of(frame: pd.DataFrame, layers: int = 2) -> pd.DataFrame:
    """Trajectories at four steps around the level, of every layer; of the outcomes one."""
    rows = []
    for _, here in frame.iterrows():
        quantity = str(here["estimator"])
        if "against=" in str(here["factors"]):
            continue
        outcome = quantity in ("train_loss", "test_accuracy")
        base = {key: here[key] for key in CURVE_COLUMNS if key in here} | {"theory": NAN}
        for layer in range(1, (1 if outcome else layers) + 1):
            factors = str(here["factors"]) + ("" if outcome else f";layer={layer}")
            for x in (1, 10, 20, STEPS):
                scale = (1.0 + (STEPS - x) / STEPS) * (0.5 + 0.5 * layer)
                point = base | {"factors": factors, "x": float(x)}
                rows.append(point | {"kind": "trajectory", "y": here["estimate"] * scale})
                floor = LEVELS.get(quantity, (NAN,) * 4)[3]
                if not outcome and quantity != "batch_shift":
                    rows.append(point | {"kind": "floor", "y": floor})
    return pd.DataFrame(rows or None, columns=CURVE_COLUMNS)


@dataclass
class TinyShift:
    """A run of the study, as the report wants it."""

    frame: pd.DataFrame
    provenance: dict[str, Any] = field(
        default_factory=lambda: {"simnorm": "0.1.0", "finished": "2026-11-27T18:00:00+00:00"}
    )

    @property
    def curves(self) -> pd.DataFrame:
        return curves_of(self.frame)

    @property
    def columns(self) -> pd.DataFrame:
        return pd.DataFrame(columns=["column"])

    @property
    def design(self) -> Any:
        design = TinyDesign()
        design.full_size, design.seed, design.replications = 1797, 7, 10  # type: ignore[attr-defined]
        design.steps = STEPS  # type: ignore[attr-defined]
        return design
