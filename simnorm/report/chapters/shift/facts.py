"""What the sentences and tables on internal covariate shift look up, and what they judge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from simnorm.figures.shift.shown import (
    ACCURACY,
    BEST,
    BN,
    BY_CONSTRUCTION,
    COSINE,
    COUNTED,
    LOSS,
    MARGIN,
    MARGIN_ACCURACY,
    MARGIN_COSINE,
    NONE,
    Definition,
    Run,
    Value,
    run_of,
)
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED, decided, needed

if TYPE_CHECKING:
    import pandas as pd

# In the order in which sentences tell them.
WORDS = (LESS, SAME, MORE, UNDECIDED)


class Judged(NamedTuple):
    """A comparison, and what its interval says: whether there is less, the same, or more.

    Parameters
    ----------
    value
        The ratio or the difference.
    word
        One of `WORDS`; of a cosine, more stands for more shift.
    needed
        So many seeds would decide it; infinity if none would, NaN if nobody knows.
    """

    value: Value
    word: str
    needed: float = math.nan


def margin_of(quantity: str) -> float:
    """Return what was said beforehand to be too small a difference to matter.

    Examples
    --------
    >>> margin_of("ks_shift"), margin_of("gradient_cosine"), margin_of("test_accuracy")
    (0.1, 0.05, 0.01)
    """
    return {COSINE: MARGIN_COSINE, ACCURACY: MARGIN_ACCURACY}.get(quantity, MARGIN)


def judged(value: Value, quantity: str) -> Judged:
    """Return what a comparison says: less, no difference, more, or undecided.

    Examples
    --------
    >>> from simnorm.figures.shift.shown import Value
    >>> judged(Value(0.5, 0.4, 0.6, 0.05, "ratio", "ok", "", 10), "ks_shift").word
    'less'
    >>> judged(Value(-0.2, -0.3, -0.1, 0.05, "mean", "ok", "", 10), "gradient_cosine").word
    'more'
    """
    margin = margin_of(quantity)
    low, high = value.low, value.high
    if not value.is_sure or value.is_survivor:
        return Judged(value, UNDECIDED)
    if value.is_ratio:
        if not low > 0.0:
            return Judged(value, UNDECIDED)
        # Judged by logarithms, so that twice and half are as far from 1.
        word = decided(math.log(low), math.log(high), math.log1p(margin))
    elif quantity == COSINE:
        word = decided(-high, -low, margin)
    else:
        word = decided(low, high, margin)
    count = math.nan
    if word == UNDECIDED and value.replications > 0:
        count = needed(value.estimate, low, high, margin, replications=value.replications,
                       ratio=value.is_ratio)  # fmt: skip
    return Judged(value, word, count)


class Facts:
    """A run with its values to look up.

    Parameters
    ----------
    run
        What is shown of the run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    def judge(self, net: str, variant: str, quantity: str, against: str, rate: str = "") -> Judged:
        """Return what the comparison of a variant with another, or with its floor, says."""
        return judged(self.run.value(net, variant, quantity, against, rate), quantity)

    def by_word(
        self, net: str, variant: str, against: str, rate: str = ""
    ) -> dict[str, list[Definition]]:
        """Return the measures that count by what they say; those without a value are left out."""
        found: dict[str, list[Definition]] = {word: [] for word in WORDS}
        for one in self.run.definitions:
            here = self.judge(net, variant, one.word, against, rate)
            if here.value.is_known and one.word in COUNTED:
                found[here.word].append(one)
        return found

    def depends_on_rate(self) -> bool:
        """Whether by some measure there is less shift with BN at one rate, and more at another."""
        rates = (*self.run.rates, self.run.rate)
        for net in self.run.nets:
            for word in COUNTED:
                said = {self.judge(net, BN, word, NONE, rate).word for rate in rates}
                if {LESS, MORE} <= said:
                    return True
        return False

    def has_best(self) -> bool:
        """Whether each variant has its own best rate, out of several."""
        return self.run.rate == BEST and len(self.run.rates) > 1

    def lost(self, net: str, variant: str) -> dict[str, str]:
        """Return the rates at which a variant diverged, with how often where not always."""
        found = {}
        for rate in self.run.rates:
            value = self.run.value(net, variant, LOSS, rate=rate)
            if value.is_survivor and value.reason.startswith("diverged in "):
                often = value.reason.removeprefix("diverged in ").removesuffix(" replications")
                found[rate] = f"{often} seeds"
            elif not value.is_known:
                found[rate] = ""
        return found

    def compared(self, net: str, variant: str = BN, against: str = NONE) -> int:
        """Return how many measures compare two variants."""
        return sum(len(part) for part in self.by_word(net, variant, against).values())

    @property
    def has_pair(self) -> bool:
        """Whether nets with and without normalization are compared."""
        return any(self.compared(net) for net in self.run.nets)

    def zeros(self, variant: str) -> list[Definition]:
        """Return the measures that are exactly 0 of a variant, in all nets."""
        return [
            one
            for one in self.run.definitions
            if all(self.run.value(net, variant, one.word).estimate == 0.0 for net in self.run.nets)
        ]


def is_constructed(quantity: str, variant: str, against: str) -> bool:
    """Return whether a comparison is small by construction, and so says nothing."""
    return quantity in BY_CONSTRUCTION and variant == BN and against == NONE


def facts_of(frame: pd.DataFrame, curves: pd.DataFrame) -> Facts:
    """Return what can be looked up of a run."""
    return Facts(run_of(frame, curves))


def others_of(frame: pd.DataFrame, curves: pd.DataFrame) -> list[Facts]:
    """Return the same of its other data sets and batch sizes."""
    first = run_of(frame, curves)
    cases = [(name, n) for name in first.names for n in first.sizes]
    return [
        Facts(run_of(frame, curves, name, n))
        for name, n in cases
        if (name, n) != (first.name, first.n)
    ]


def phrases(definitions: Sequence[Definition]) -> list[str]:
    """Return what sentences call measures."""
    return [one.phrase for one in definitions]
