"""What the figure of biases shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import thing
from simnorm.figures.tables import estimators_of, featured_size, floats, is_scale
from simnorm.formatting import format_estimate, percent
from simnorm.report.facts import measure_for, pick
from simnorm.report.words import against, digits, unit_words, values_by_name

if TYPE_CHECKING:
    import pandas as pd

# So many estimators are told of.
MOST = 4


def bias_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of biases shows: who is off by how much, and who is not at all."""
    present = estimators_of(frame)
    words = [word for word in present if word != "mean"] or present
    scales = [word for word in words if is_scale(word)]
    n = featured_size(frame)
    found = [(_unbiased_words(frame, word), _off_words(frame, word, n)) for word in scales or words]
    if scales and not any(any(pair) for pair in found):
        found = [(_unbiased_words(frame, word), _off_words(frame, word, n)) for word in words]
    found = [pair for pair in found if any(pair)][:MOST]
    off = [text for right, text in found if text and not right]
    right = [text for text, _ in found if text]
    sentences = [f"At batch size {n:,} {'; '.join(off)}."] if off else []
    return " ".join([*sentences, *right[:2]]) or "No bias exists here."


def _unbiased_words(frame: pd.DataFrame, word: str) -> str:
    """Return that an estimator has no bias, exactly or in theory, or nothing."""
    measure = measure_for(frame, word, "bias")
    rows = pick(frame, word, measure)
    estimates = floats(rows, "estimate")
    finite = np.isfinite(estimates)
    if not finite.any():
        return ""
    if (rows["status"] == "exact").all() and not estimates.any():
        return f"Against {against(frame)} {word} has no bias at all."
    exact = (rows["theory_kind"] == "exact").to_numpy(dtype=bool) & finite
    if not exact.any() or floats(rows, "theory")[exact].any():
        return ""
    factor, unit = (100.0, " %") if measure.startswith("relative_") else (1.0, unit_words(word))
    worst = rows.iloc[int(np.nanargmax(np.where(exact, np.abs(estimates), np.nan)))]
    largest = format_estimate(factor * float(worst["estimate"]), factor * float(worst["mcse"]))
    return f"In theory {word} has no bias; the largest estimate is {largest}{unit}."


def _off_words(frame: pd.DataFrame, word: str, n: int) -> str:
    """Return by how much an estimator is off at a batch size, over all names, or nothing."""
    measure = measure_for(frame, word, "bias")
    values = values_by_name(pick(frame, word, measure), n)
    if not values:
        return ""
    relative = measure.startswith("relative_")

    def said(value: float) -> str:
        return percent(value) if relative else digits(value, 2)

    unit = "" if relative else unit_words(word)
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[low] * values[high] < 0.0:
        return (
            f"{word} is off by {said(values[low])} ({low}) to {said(values[high])} ({high}){unit}"
        )
    direction = "small" if values[low] < 0.0 else "large"
    near, far = sorted((low, high), key=lambda name: abs(values[name]))
    if values[far] == 0.0:
        return f"{word} has no bias"
    if abs(values[far]) <= 1.01 * abs(values[near]):
        whatever = f", whatever the {thing(frame)}" if len(values) > 1 else ""
        return f"{word} is too {direction} by {said(abs(values[far]))}{unit}{whatever}"
    return (
        f"{word} is too {direction} by {said(abs(values[near]))} ({near}) to "
        f"{said(abs(values[far]))} ({far}){unit}"
    )
