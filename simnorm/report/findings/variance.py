"""What the figure of variances shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simnorm.figures.choice import thing
from simnorm.figures.tables import (
    FULL_SET,
    estimators_of,
    names_of,
    reference_of,
)
from simnorm.formatting import (
    fixed,
)
from simnorm.report.facts import (
    decline,
    featured_size,
    measure_for,
    pick,
    told_estimators,
)
from simnorm.report.words import (
    full_size,
    range_sentence,
    unit_words,
    values_by_name,
)
from simnorm.sampling import REPLACEMENT

if TYPE_CHECKING:
    import pandas as pd


# Powers that are told as 1.
NEAR_ONE = (0.95, 1.05)


def variance_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of variances shows."""
    present = estimators_of(frame)
    usual = ("unbiased_variance", "biased_variance", "std(ddof=1)", "std(ddof=0)")
    order = (*usual, *told_estimators(frame), *present)
    for word in dict.fromkeys(word for word in order if word in present):
        found = _variance_sentences(frame, word)
        if found:
            return " ".join(text for text in found if text)
    return "No variance exists here."


def _variance_sentences(frame: pd.DataFrame, word: str) -> list[str]:
    """Return how large the variances of one estimator are, and how they fall with n."""
    measure = measure_for(frame, word, "variance")
    rows = pick(frame, word, measure)
    n = featured_size(frame)
    values = values_by_name(rows, n)
    if not values:
        return []
    relative = measure.startswith("relative_")
    what = f"the {'relative ' if relative else ''}variance of {word}"
    unit = "" if relative else unit_words(word, "variance")
    sentences = [range_sentence(what, values, n, unit, len(names_of(frame)), thing(frame))]
    return [*sentences, _decline(frame, rows[rows["name"].isin(list(values))])]


def _decline(frame: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return how the variance falls with n in the upper half of the batch sizes, or nothing."""
    total = full_size(frame)
    cut = reference_of(frame) == FULL_SET and REPLACEMENT not in set(frame["sampling"])
    less, law = (1.0 / total, "1/n − 1/N") if cut else (0.0, "1/n")
    powers = [decline(mine, less) for _, mine in rows.groupby("name", sort=False)]
    powers = [power for power in powers if math.isfinite(power)]
    if not powers:
        return ""
    low, high = min(powers), max(powers)
    if NEAR_ONE[0] <= low <= high <= NEAR_ONE[1]:
        return f"In the upper half of the batch sizes it falls like {law}."
    first, last = fixed(low, 1), fixed(high, 1)
    power = first if first == last else f"{first} to {last}"
    of = f"({law})" if cut else law
    return f"In the upper half of the batch sizes it goes with the power {power} of {of}."
