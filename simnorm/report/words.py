"""The vocabulary of a report: how its sentences name statistics, units, lists and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simnorm.figures.tables import (
    is_data,
    is_location,
    power_of,
    reference_of,
)
from simnorm.formatting import (
    NOTHING,
    fixed,
    percent,
    significant,
)
from simnorm.report.facts import (
    FULL_SET,
    best_values,
    covered,
)

if TYPE_CHECKING:
    import pandas as pd


IN_WORDS = {
    "std(ddof=0)": "standard deviation",
    "std(ddof=1)": "standard deviation",
    "biased_variance": "variance",
    "unbiased_variance": "variance",
    "min": "minimum",
    "max": "maximum",
    "iqr": "interquartile range",
    "mad": "median absolute deviation",
    "excess_kurtosis": "excess kurtosis",
}


TARGETS = (0.10, 0.05)


TITLE = "How far is a batch from its full set?"


def in_words(estimator: str) -> str:
    """Return what a person calls an estimator.

    Examples
    --------
    >>> in_words("std(ddof=0)"), in_words("median"), in_words("trimmed_mean(proportion=0.1)")
    ('standard deviation', 'median', 'trimmed mean (proportion 0.1)')
    """
    if estimator in IN_WORDS or estimator.startswith("user."):
        return IN_WORDS.get(estimator, estimator)
    word, _, values = estimator.replace("_", " ").partition("(")
    return word + (f" ({values[:-1].replace('=', ' ').replace(',', ', ')})" if values else "")


def unit_words(estimator: str, measure: str = "rmse") -> str:
    """Return the unit of an absolute measure in a sentence, or nothing for a pure number.

    Examples
    --------
    >>> unit_words("range"), unit_words("range", "variance"), unit_words("skewness")
    (' in the unit of the data', ' in the squared unit of the data', '')
    """
    power = power_of(estimator) * (2 if measure in ("variance", "mse") else 1)
    named_powers = {0: "", 1: " in the unit of the data", 2: " in the squared unit of the data"}
    return named_powers.get(power, f" in the unit of the data to the power {power}")


def listed(words: Sequence[str], most: int = 12) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', 'nothing')
    """
    if len(words) > most:
        return ", ".join(words[:most]) + f" and {len(words) - most} more"
    if len(words) < 2:
        return words[0] if words else "nothing"
    return ", ".join(words[:-1]) + " and " + words[-1]


def sizes_text(sizes: Sequence[int]) -> str:
    """Return batch sizes for a sentence, the middle of a long list left out.

    Examples
    --------
    >>> sizes_text([2, 4, 8]), sizes_text(range(1, 31))
    ('2, 4 and 8', '1, 2, 3, 4, …, 29, 30')
    """
    words = [f"{n:,}" for n in sizes]
    if len(words) <= 12:
        return listed(words)
    return ", ".join([*words[:4], "…", *words[-2:]])


def full_size(frame: pd.DataFrame) -> int:
    """Return N."""
    return int(frame["full_size"].max()) if len(frame) else 0


def whole(frame: pd.DataFrame) -> str:
    """Return what a batch is compared with, in a word."""
    if is_data(frame):
        return "column"
    return "full set" if reference_of(frame) == FULL_SET else "population"


def against(frame: pd.DataFrame) -> str:
    """Return what errors are about, for captions."""
    return "the whole column" if is_data(frame) else f"the {whole(frame)}"


def off_by(estimator: str, value: float, measure: str) -> str:
    """Return an RMSE as people say it."""
    if not measure.startswith("relative_"):
        return significant(value, 2) + unit_words(estimator)
    if is_location(estimator):
        return f"{significant(value, 2)} standard deviations"
    return percent(value)


def z_text(value: float) -> str:
    """Return a z with two decimals and a true minus sign, a hopeless one with two digits."""
    if not math.isfinite(value):
        return NOTHING
    return fixed(value, 2) if abs(value) < 1000.0 else significant(value, 2)


def values_by_name(rows: pd.DataFrame, n: int) -> dict[str, float]:
    """Return the best value of every name at one batch size, where there is one."""
    rows = rows[rows["batch_size"] == n]
    values = best_values(rows)
    return {
        str(name): float(value)
        for name, value in zip(rows["name"], values, strict=True)
        if math.isfinite(value)
    }


def range_sentence(what: str, values: dict[str, float], n: int, unit: str = "") -> str:
    """Return from where to where the values of all names run at a batch size."""
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if len(values) == 1 or values[high] <= 1.01 * values[low]:
        return f"At batch size {n:,} {what} is {significant(values[low])}{unit}."
    return (
        f"At batch size {n:,} {what} runs from {significant(values[low])} ({low}) to "
        f"{significant(values[high])} ({high}){unit}."
    )


def coverage(frame: pd.DataFrame, measure: str) -> str:
    """Return how many intervals with exact theory contain the exact value, or nothing."""
    # Relative or absolute: a constant factor keeps a value inside its interval or outside.
    rows = frame[(frame["measure"] == measure) & (frame["reference"] == reference_of(frame))]
    inside, tested = covered(rows)
    if not tested:
        return ""
    return (
        f"Of {tested:,} intervals (nominally 95 %) with exact theory, all from the same draws, "
        f"{inside:,} contain the exact value ({percent(inside / tested)})."
    )
