"""What figures and report of the study overhead show of a run: times, ratios, variants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from simnorm.figures.tables import FEATURED, floats
from simnorm.undecided import UNDECIDED, decided

if TYPE_CHECKING:
    import pandas as pd

NONE, INPUT_BN, HIDDEN_BN, STANDARDIZED = "none", "input_bn", "hidden_bn", "standardized"
STEP, INFERENCE = "training_step", "inference"
STANDARDIZING, REPAID = "standardizing", "repaid_per_step"
QUANTITIES = (STEP, INFERENCE)

# Named beforehand: times this near to each other are taken as the same.
MARGIN = 0.05
# The batch size that is spoken of unless another one is asked for.
USUAL = 32

VARIANT_NAMES = {
    NONE: "without BN",
    INPUT_BN: "BN at the input",
    HIDDEN_BN: "BN between layers",
    STANDARDIZED: "standardized once",
}
QUANTITY_NAMES = {STEP: "training step", INFERENCE: "inference"}


class Value(NamedTuple):
    """One row of the table.

    Parameters
    ----------
    estimate, low, high, mcse
        The value with its interval and its standard error.
    status, reason
        Of the row.
    """

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    mcse: float = math.nan
    status: str = ""
    reason: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.estimate)

    @property
    def is_sure(self) -> bool:
        """Whether it has a whole interval."""
        return self.is_known and math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def verdict(self) -> str:
        """What the interval of a ratio says of the margin: a word of `simnorm.undecided`."""
        if not (self.is_sure and self.low > 0.0):
            return UNDECIDED
        return decided(math.log(self.low), math.log(self.high), math.log1p(MARGIN))

    @property
    def turned(self) -> Value:
        """One over the value; of what is not above 0, infinity."""

        def over(x: float) -> float:
            return 1.0 / x if x > 0.0 else math.inf

        if not self.is_known:
            return MISSING
        low, high = (end if math.isfinite(end) else math.nan for end in (self.low, self.high))
        return Value(
            over(self.estimate),
            math.nan if math.isnan(high) else over(high),
            math.nan if math.isnan(low) else over(low),
            math.nan,
            self.status,
            self.reason,
        )


MISSING = Value()


def with_factors(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a column for every factor of this study.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"factors": ["width=64;variant=none", "variant=standardized"]})
    >>> with_factors(table)[["width", "variant", "against"]].values.tolist()
    [['64', 'none', ''], ['', 'standardized', '']]
    """
    found = {
        text: dict(part.partition("=")[::2] for part in text.split(";"))
        for text in (str(word) for word in table["factors"].drop_duplicates())
    }
    made = {
        name: table["factors"].map({text: parts.get(name, "") for text, parts in found.items()})
        for name in ("width", "variant", "against")
    }
    return table.assign(**{name: column.astype(str) for name, column in made.items()})


@dataclass(frozen=True)
class Run:
    """A run's table with what is in it; a column for every factor."""

    frame: pd.DataFrame

    @cached_property
    def widths(self) -> list[int]:
        """Widths of the hidden layers, rising."""
        return sorted({int(word) for word in self.frame["width"] if word.isdigit()})

    @cached_property
    def sizes(self) -> list[int]:
        """Batch sizes, rising."""
        return sorted({int(n) for n in self.frame["batch_size"] if n > 0})

    @cached_property
    def variants(self) -> list[str]:
        """The variants that are compared with the net without BN."""
        held = set(self.frame.loc[self.frame["against"] == NONE, "variant"])
        return [word for word in VARIANT_NAMES if word in held]

    @cached_property
    def rounds(self) -> int:
        """How many rounds there were."""
        return int(self.frame["replications"].max()) if len(self.frame) else 0

    @cached_property
    def rows(self) -> int:
        """N, the rows that are standardized once."""
        return int(self.frame["full_size"].max()) if len(self.frame) else 0

    @property
    def featured_size(self) -> int:
        """The batch size that is spoken of: the one nearest to what was asked for, or to 32."""
        wanted = self.frame.attrs.get(FEATURED, USUAL)
        return min(self.sizes, key=lambda n: (abs(math.log(n / wanted)), n), default=0)

    @property
    def featured_width(self) -> int:
        """The width that is spoken of: the one in the middle."""
        return self.widths[len(self.widths) // 2] if self.widths else 0

    @cached_property
    def _values(self) -> dict[tuple[str, int, str, str, str], Value]:
        keys = zip(*(self.frame[word] for word in ("estimator", "batch_size", "width", "variant",
                   "against")), strict=True)  # fmt: skip
        numbers = [floats(self.frame, word).tolist()
                   for word in ("estimate", "ci_low", "ci_high", "mcse")]  # fmt: skip
        texts = [self.frame[word].fillna("").astype(str) for word in ("status", "reason")]
        made = zip(*numbers, *texts, strict=True)
        return {
            (str(q), int(n), str(w), str(v), str(a)): Value(*one)
            for (q, n, w, v, a), one in zip(keys, made, strict=True)
        }

    def value(self, quantity: str, n: int, width: int, variant: str, against: str = "") -> Value:
        """Return a time in seconds, or against another variant what the quantity says."""
        return self._values.get((quantity, n, str(width), variant, against), MISSING)

    def ratio(self, quantity: str, n: int, width: int, variant: str) -> Value:
        """Return a time as a multiple of that without BN."""
        found = self.value(quantity, n, width, variant, NONE)
        return found if found.estimate > 0.0 else MISSING

    def break_even(self, n: int, width: int) -> Value:
        """Return the steps after which standardizing once has cost less than BN at the input."""
        return self.value(REPAID, n, width, INPUT_BN, STANDARDIZED).turned

    @property
    def standardizing(self) -> Value:
        """Seconds of standardizing all rows once."""
        return self._values.get((STANDARDIZING, 0, "", STANDARDIZED, ""), MISSING)


def run_of(frame: pd.DataFrame) -> Run:
    """Return what is shown of a run."""
    return Run(with_factors(frame))
