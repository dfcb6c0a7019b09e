"""What the figure of biases shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import (
    thing,
)
from simnorm.figures.tables import (
    estimators_of,
    floats,
    is_scale,
)
from simnorm.formatting import (
    format_estimate,
    percent,
    significant,
)
from simnorm.report.facts import (
    featured_size,
    measure_for,
    pick,
)
from simnorm.report.words import (
    against,
    unit_words,
    values_by_name,
)

if TYPE_CHECKING:
    import pandas as pd


def bias_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of biases shows, a sentence per estimator, at most four."""
    present = estimators_of(frame)
    words = [word for word in present if word != "mean"] or present
    chosen = sorted(words, key=lambda word: not is_scale(word))
    n = featured_size(frame)
    found = [_bias_sentence(frame, word, n) for word in chosen]
    scales = [text for word, text in zip(chosen, found, strict=True) if text and is_scale(word)]
    sentences = (scales or [text for text in found if text])[:4]
    return " ".join(sentences) or "No bias exists here."


def _bias_sentence(frame: pd.DataFrame, word: str, n: int) -> str:
    measure = measure_for(frame, word, "bias")
    rows = pick(frame, word, measure)
    estimates = floats(rows, "estimate")
    if not np.isfinite(estimates).any():
        return ""
    if (rows["status"] == "exact").all():
        return f"{word} has no bias at all against {against(frame)}."
    exact = (rows["theory_kind"] == "exact").to_numpy(dtype=bool) & np.isfinite(estimates)
    relative = measure.startswith("relative_")
    factor, unit = (100.0, " %") if relative else (1.0, unit_words(word))
    if exact.any() and not floats(rows, "theory")[exact].any():
        worst = rows.iloc[int(np.nanargmax(np.where(exact, np.abs(estimates), np.nan)))]
        largest = format_estimate(factor * float(worst["estimate"]), factor * float(worst["mcse"]))
        return f"{word} has no bias in theory; the largest estimate is {largest}{unit}."
    return _bias_range(word, values_by_name(rows, n), n, thing(frame), relative)


def _bias_range(
    word: str, values: dict[str, float], n: int, what: str, relative: bool = True
) -> str:
    if not values:
        return ""

    def said(value: float) -> str:
        return percent(value) if relative else significant(value, 2)

    unit = "" if relative else unit_words(word)
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[low] * values[high] < 0.0:
        return (
            f"{word} is off by {said(values[low])} ({low}) to {said(values[high])} "
            f"({high}){unit} at batch size {n:,}."
        )
    direction = "small" if values[low] < 0.0 else "large"
    near, far = sorted((low, high), key=lambda name: abs(values[name]))
    if values[far] == 0.0:
        return f"{word} has no bias at batch size {n:,}."
    if abs(values[far]) <= 1.01 * abs(values[near]):
        extent = said(abs(values[far]))
        whatever = f", whatever the {what}" if len(values) > 1 else ""
        return f"{word} is too {direction} by {extent}{unit} at batch size {n:,}{whatever}."
    return (
        f"{word} is too {direction} by {said(abs(values[near]))} ({near}) to "
        f"{said(abs(values[far]))} ({far}){unit} at batch size {n:,}."
    )
