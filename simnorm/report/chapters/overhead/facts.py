"""What sentences and tables of the report on overhead look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simnorm.figures.overhead.shown import (
    HIDDEN_BN,
    INPUT_BN,
    STANDARDIZED,
    STEP,
    Run,
    Value,
    run_of,
)

if TYPE_CHECKING:
    import pandas as pd

# The sizes of the net that is timed, beside its width: see `simnorm.studies.overhead.nets`.
FEATURES, CLASSES = 64, 10

PHRASES = {
    INPUT_BN: "BN at the input",
    HIDDEN_BN: "BN between layers",
    STANDARDIZED: "inputs standardized once",
}


@dataclass(frozen=True)
class Facts:
    """What a run has found.

    Parameters
    ----------
    run
        Its table.
    epochs
        Those that share the time of standardizing once; 0 if unknown.
    machine
        Where it was run, as far as it is known.
    torch
        Version of PyTorch.
    """

    run: Run
    epochs: int = 0
    machine: str = ""
    torch: str = ""

    @property
    def n(self) -> int:
        """The batch size that is spoken of."""
        return self.run.featured_size

    @property
    def width(self) -> int:
        """The width that is spoken of."""
        return self.run.featured_width

    def told(self, quantity: str, variant: str) -> Value:
        """Return the ratio at the batch size and width that are spoken of."""
        return self.run.ratio(quantity, self.n, self.width, variant)

    def ratios(self, quantity: str, variant: str) -> dict[tuple[int, int], Value]:
        """Return all ratios of a variant that are known, by width and batch size."""
        found = {
            (w, n): self.run.ratio(quantity, n, w, variant)
            for w in self.run.widths
            for n in self.run.sizes
        }
        return {place: value for place, value in found.items() if value.is_known}

    def has(self, variant: str) -> bool:
        """Tell whether a step of the variant has a ratio."""
        return bool(self.ratios(STEP, variant))


def facts_of(frame: pd.DataFrame, design: Any, provenance: Mapping[str, Any]) -> Facts:
    """Return what a run has found.

    Parameters
    ----------
    frame
        The table of a run.
    design
        Its design, which knows the epochs.
    provenance
        Where and with what it was run.
    """
    return Facts(
        run_of(frame),
        int(getattr(design, "epochs", 0) or 0),
        str(provenance.get("processor", "") or ""),
        str(provenance.get("torch", "") or ""),
    )
