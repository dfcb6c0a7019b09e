"""The first page of a report on distributions: the question, the answer, and its numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import (
    FIRST_NAMES,
    floats,
    is_location,
    names_of,
    power_of,
    reference_of,
)
from simnorm.formatting import (
    format_estimate,
    format_like,
    percent,
    plural,
    significant,
)
from simnorm.report.facts import (
    Needed,
    Quantity,
    featured_name,
    featured_size,
    known_values,
    look_up,
    measure_for,
    needed_size,
    pick,
    told_estimators,
)
from simnorm.report.words import (
    TARGETS,
    full_size,
    in_words,
    listed,
    off_by,
    unit_words,
    values_by_name,
    whole,
)
from simnorm.sampling import (
    REPLACEMENT,
)
from simnorm.stopped import (
    replications_range,
    replications_words,
)

if TYPE_CHECKING:
    import pandas as pd


def subtitle(frame: pd.DataFrame) -> str:
    """Return one line on what was run."""
    names, first = names_of(frame), frame.iloc[0] if len(frame) else None
    if first is None:
        return "An empty run"
    whose = listed(names) if len(names) <= 5 else plural(len(names), "distribution")
    return (
        f"Bias, variance and RMSE of batch statistics for {whose}; full sets of "
        f"{int(first['full_size']):,} observations, {replications_words(frame)}"
    )


def setting(frame: pd.DataFrame) -> str:
    """Return what was compared with what, for the first paragraph."""
    return (
        "Whoever standardizes batch by batch, as batch normalization does, uses the mean and the "
        "standard deviation of a batch in place of those of the full data. This run drew "
        f"{replications_range(frame)} full sets of {full_size(frame):,} observations from "
        + ("every distribution" if len(names_of(frame)) > 1 else "the distribution")
        + f", {_cut_in_words(frame)}."
    )


def _cut_in_words(frame: pd.DataFrame) -> str:
    """Return how the batches of a distribution's full sets come about, and what for."""
    if whole(frame) == "population":
        return "cut each into batches, and compared every batch with the population"
    how = (
        "drew batches from each with replacement"
        if REPLACEMENT in set(frame["sampling"])
        else "cut each into batches"
    )
    drawn = "drawn" if REPLACEMENT in set(frame["sampling"]) else "cut"
    return f"{how}, and compared every batch with the full set it was {drawn} from"


def answer(frame: pd.DataFrame) -> str:
    """Return the answer in one or two sentences: how far off, and which batch size is enough."""
    name, n = featured_name(frame), featured_size(frame)
    parts = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        value = look_up(frame, name, word, n, measure)
        if math.isfinite(value.best):
            parts.append(f"{in_words(word)} by {off_by(word, value.best, measure)}")
    if not parts:
        return _no_answer(frame)
    found = (
        f"A batch of {plural(n, 'observation')} ({name}) misses {_its(frame)}’s "
        + " and its ".join(parts)
        + ", in root mean square. "
    )
    return (found + needed_sentence(frame, name, needed_word(frame, name))).strip()


def _its(frame: pd.DataFrame) -> str:
    return "the population" if whole(frame) == "population" else "its full set"


def _no_answer(frame: pd.DataFrame) -> str:
    """Return why there is no error to lead with."""
    rows = frame[frame["reference"] == reference_of(frame)]
    relative = rows[rows["measure"] == "relative_rmse"]
    absolute = rows[rows["measure"] == "rmse"]
    for kind, some in (("relative error", relative), ("error", absolute)):
        doubtful = some[some["status"] == "unreliable"]
        if len(doubtful):
            return f"This run has no {kind} that can be trusted. " + _why(doubtful)
    if np.isfinite(floats(absolute, "estimate")).any():
        return "There is no error to lead with; those there are stand in the table."
    return "None of the errors asked for exists: every value is undefined. " + _why(absolute)


def _why(rows: pd.DataFrame) -> str:
    reasons = [str(word) for word in rows["reason"].drop_duplicates() if str(word or "")]
    return f"The reason: {reasons[0]}." if len(reasons) == 1 else ""


def needed_sentence(frame: pd.DataFrame, name: str, estimator: str) -> str:
    """Return which batch size brings the RMSE down to 10 % and to 5 %."""
    if not estimator:
        return ""
    unit = " of a standard deviation" if is_location(estimator) else ""
    ten, five = (needed_size(frame, name, estimator, target) for target in TARGETS)
    if ten.how == "unknown" or not (ten.trusted and five.trusted):
        return ""
    # The first one told of needs no name.
    first_told = estimator == told_estimators(frame)[0]
    it = "it" if first_told else f"the {in_words(estimator)}"
    of = "" if first_told else f" in the {in_words(estimator)}"
    if ten.how == "beyond":
        most = f"Even the largest batch simulated, {ten.size:,}"
        return f"{most}, does not bring {it} down to 10 %{unit}."
    first = _needed_clause(ten)
    if five.how == "beyond":
        more = f"more than the {five.size:,} simulated for 5 %"
        return f"It takes {first} for 10 %{unit}{of}, and {more}."
    return f"It takes {first} for 10 %{unit}{of}, and {_needed_clause(five)} for 5 %."


def needed_word(frame: pd.DataFrame, name: str) -> str:
    """Return the estimator whose needed batch size is told: the scale, unless it is not sure.

    Nothing, if none of those told of is in relative errors.
    """
    words = [word for word in told_estimators(frame) if measure_for(frame, word) != "rmse"]
    found = {word: needed_size(frame, name, word, TARGETS[0]) for word in words}
    known = [word for word in words if found[word].how != "unknown"]
    return next(iter([word for word in known if found[word].trusted] or known), "")


def _needed_clause(needed: Needed) -> str:
    if needed.how == "within":
        return f"a batch between {needed.above:,} and {needed.size:,}"
    about = "no more than" if needed.how == "smallest" else "about"
    return f"a batch of {about} {needed.size:,}"


def shape_matters(frame: pd.DataFrame) -> str:
    """Return how much the answer depends on the distribution."""
    n = featured_size(frame)
    sentences = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        if measure == "rmse" and (power_of(word) or word.startswith("user.")):
            continue  # In the unit of the data the scale matters too.
        rows = pick(frame, word, measure)
        values = values_by_name(rows, n)
        # A distribution whose value is not to be trusted might be the one that differs.
        left_out = np.isfinite(known_values(rows[rows["batch_size"] == n])).sum() > len(values)
        if len(values) < 2 or left_out:
            continue
        low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        noun = in_words(word)
        if values[high] <= 1.01 * values[low]:
            # For a Cauchy law it makes all the difference.
            exists = bool((rows["status"] != "undefined").all())
            where = "" if exists else ", where a mean square exists"
            sentences.append(
                f"For the {noun} the shape of the distribution makes no difference{where}."
            )
        else:
            small, large = (off_by(word, values[end], measure) for end in (low, high))
            sentences.append(
                f"For the {noun} the shape matters: at batch size {n:,} from {small} ({low}) "
                f"to {large} ({high})."
            )
    return " ".join(sentences)


def overview_alt(frame: pd.DataFrame) -> str:
    """Return what the first picture is of, for readers who cannot see it."""
    words = [f"the batch {in_words(word)}" for word in reversed(told_estimators(frame))]
    return f"RMSE of {' and of '.join(words)} against batch size, log-log."


def tiles(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the three numbers that matter, each with a caption and its error bar."""
    name, n = featured_name(frame), featured_size(frame)
    shown = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        value = look_up(frame, name, word, n, measure)
        if not math.isfinite(value.best):
            continue
        relative = measure.startswith("relative_")
        unit = (" sd" if is_location(word) else " %") if relative else ""
        number = f"{significant(value.best, 2)}{unit}" if unit != " %" else percent(value.best)
        of = "" if relative else unit_words(word)
        shown.append(
            {
                "number": number,
                "caption": f"RMSE of the {in_words(word)} of a batch of {n:,}{of}",
                "detail": _detail(value, unit),
            }
        )
    word = needed_word(frame, name)
    if shown and word:
        shown.append(_needed_tile(frame, name, word))
    return shown


def _detail(value: Quantity, unit: str) -> str:
    """Return the estimate with its standard error, and theory beside it."""
    factor = 100.0 if unit == " %" else 1.0
    estimate = format_estimate(factor * value.estimate, factor * value.mcse)
    if value.theory_kind not in ("exact", "asymptotic") or not math.isfinite(value.theory):
        return f"estimate {estimate}{unit}"
    theory = format_like(factor * value.theory, factor * value.mcse)
    word = "exactly" if value.theory_kind == "exact" else "asymptotically"
    return f"estimate {estimate}{unit}; {word} {theory}{unit}"


def _needed_tile(frame: pd.DataFrame, name: str, estimator: str) -> dict[str, str]:
    ten, five = (needed_size(frame, name, estimator, target) for target in TARGETS)
    return {
        "number": ten.text(),
        "caption": f"the batch size for 10 % RMSE of the {in_words(estimator)}",
        "detail": f"for 5 %: {five.text()}; interpolated",
    }


def tiles_note(frame: pd.DataFrame) -> str:
    """Return for which distribution the three numbers are."""
    name, names = featured_name(frame), names_of(frame)
    if len(names) < 2:
        return f"Distribution: {name}."
    if len(names) > FIRST_NAMES:
        return f"These numbers are for the distribution {name}, one of {len(names)}."
    return f"These numbers are for the distribution {name}; the table has all {len(names)}."
