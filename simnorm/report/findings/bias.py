"""What the figure of biases shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import thing
from simnorm.figures.tables import (
    estimators_of,
    featured_size,
    floats,
    is_location,
    is_scale,
    names_of,
)
from simnorm.formatting import format_estimate, percent
from simnorm.report.facts import measure_for, pick
from simnorm.report.words import against, digits, for_whom, full_size, unit_words, values_by_name

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# So many estimators are told of.
MOST = 4
# A smaller part of the RMSE is what rounding leaves of a bias of zero.
ROUNDING = 1e-9


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
    if not np.isfinite(estimates).any():
        return ""
    if (rows["status"] == "exact").all() and not estimates.any():
        return f"Against {against(frame)} {word} has no bias at all."
    errors = floats(pick(frame, word, measure.replace("bias", "rmse")), "estimate")
    errors = errors[errors > 0.0]
    noise = ROUNDING * float(errors.min()) if errors.size else 0.0
    # A batch that is the whole full set has no error, which says nothing of the others.
    rows = rows[np.isfinite(estimates) & ~_is_whole(rows)]
    exact = (rows["theory_kind"] == "exact").to_numpy(dtype=bool)
    if rows.empty or not exact.all() or np.any(np.abs(floats(rows, "theory")) > noise):
        return ""
    unit = unit_words(word)
    factor = 1.0
    if measure.startswith("relative_"):
        factor, unit = 100.0, f" %{_of_sd(word)}"
    worst = rows.iloc[int(np.abs(floats(rows, "estimate")).argmax())]
    largest = format_estimate(factor * float(worst["estimate"]), factor * float(worst["mcse"]))
    whom = for_whom(set(rows["name"]), len(names_of(frame)), thing(frame))
    return f"In theory {word} has no bias{whom}; the largest estimate is {largest}{unit}."


def _is_whole(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return where a batch is all of its full set."""
    whole = (rows["status"] == "exact") & (rows["batch_size"] == rows["full_size"])
    return np.asarray(whole, dtype=np.bool_)


def _of_sd(word: str) -> str:
    return " of a standard deviation" if is_location(word) else ""


def _biases(frame: pd.DataFrame, word: str, measure: str, n: int) -> dict[str, float]:
    """Return the biases by name, what rounding leaves of zero as zero."""
    values = values_by_name(pick(frame, word, measure), n)
    errors = values_by_name(pick(frame, word, measure.replace("bias", "rmse")), n)
    return {
        name: 0.0 if abs(value) <= ROUNDING * errors.get(name, 0.0) else value
        for name, value in values.items()
    }


def _off_words(frame: pd.DataFrame, word: str, n: int) -> str:
    """Return by how much an estimator is off at a batch size, over all names, or nothing."""
    measure = measure_for(frame, word, "bias")
    values = _biases(frame, word, measure, n)
    if not values or (n == full_size(frame) and not any(values.values())):
        return ""
    relative = measure.startswith("relative_")

    def said(value: float) -> str:
        return percent(value) if relative else digits(value, 2)

    unit = _of_sd(word) if relative else unit_words(word)
    whom = for_whom(values, len(names_of(frame)), thing(frame))
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[low] * values[high] < 0.0:
        ends = f"{said(values[low])} ({low}) to {said(values[high])} ({high})"
        return f"{word} is off by {ends}{unit}{whom}"
    near, far = sorted((low, high), key=lambda name: abs(values[name]))
    if values[far] == 0.0:
        return f"{word} has no bias{whom}"
    direction = f"{word} is too {'small' if values[far] < 0.0 else 'large'} by"
    if abs(values[far]) <= 1.01 * abs(values[near]):
        whatever = f", whatever the {thing(frame)}" if len(values) > 1 and not whom else ""
        return f"{direction} {said(abs(values[far]))}{unit}{whom}{whatever}"
    if values[near] == 0.0:
        return f"{direction} up to {said(abs(values[far]))}{unit} ({far}){whom}"
    return (
        f"{direction} {said(abs(values[near]))} ({near}) to "
        f"{said(abs(values[far]))} ({far}){unit}{whom}"
    )
