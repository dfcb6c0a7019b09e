"""What the figure of variances shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simnorm.figures.tables import (
    estimators_of,
)
from simnorm.formatting import (
    fixed,
)
from simnorm.report.facts import (
    featured_size,
    measure_for,
    pick,
    slope,
    told_estimators,
)
from simnorm.report.words import (
    coverage,
    range_sentence,
    unit_words,
    values_by_name,
)

if TYPE_CHECKING:
    import pandas as pd


def variance_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of variances shows."""
    present = estimators_of(frame)
    usual = ("unbiased_variance", "biased_variance", "std(ddof=1)", "std(ddof=0)")
    order = (*usual, *told_estimators(frame), *present)
    for word in dict.fromkeys(word for word in order if word in present):
        found = _variance_sentences(frame, word)
        if found:
            return " ".join([*found, coverage(frame, "variance")]).strip()
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
    sentences = [range_sentence(what, values, n, unit)]
    powers = [slope(mine) for name, mine in rows.groupby("name", sort=False) if name in values]
    powers = [power for power in powers if math.isfinite(power)]
    if powers:
        low, high = fixed(min(powers), 2), fixed(max(powers), 2)
        power = low if low == high else f"{low} to {high}"
        sentences.append(
            f"In the upper half of the batch sizes it goes with the power {power} of n."
        )
    return sentences
