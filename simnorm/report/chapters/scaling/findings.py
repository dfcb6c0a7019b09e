"""What a run of the study scaling has found, in sentences made from its table."""

from __future__ import annotations

import math

from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import BATCH, NONE, Z_SCORE, Point, Scaling
from simnorm.formatting import plural
from simnorm.report.chapters.scaling.facts import (
    ALIKE,
    HEAVY,
    NORMAL,
    RAW,
    WHOLE,
    Facts,
    count_of,
    interval_text,
    is_beyond,
    model_words,
    of_all,
    verdict_on,
    where,
)
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED, needed_words

WITHIN = f"within {MARGIN:g} point"


def comparison(facts: Facts, model: str, scaling: Scaling, against: str, subject: str) -> str:
    """Return how a scaling compares with another one on all data sets; nothing without any.

    Parameters
    ----------
    facts
        The run.
    model, scaling, against
        What is compared: the second scaling by its word.
    subject
        What is compared, as the sentence begins: "Raw features, against z-scores".
    """
    groups = facts.groups(model, scaling, against)
    every = count_of(groups)
    if not every:
        return ""
    if every == 1:
        word, points = next(iter(groups.items()))
        return f"{subject}: {single(word, next(iter(points.values())))}."
    said = []
    for word, points in groups.items():
        words = f"{HOW[word]} on {of_all(len(points), every)}"
        if word in (LESS, MORE):
            words += f"{_beyond(points)}, {where(facts, points)}"
        elif len(points) < every:
            words += f", {listed([facts.called(name) for name in points])}"
        else:
            words += " data sets"
        said.append(words)
    return f"{subject}: {'; '.join(said)}."


HOW = {
    LESS: "less accurate beyond chance",
    MORE: "more accurate beyond chance",
    SAME: WITHIN,
    UNDECIDED: "undecided",
    ALIKE: "the same in every fold, so without an error bar,",
}


def _beyond(points: dict[str, Point]) -> str:
    """Return on how many of the data sets the difference is beyond the margin, too."""
    count, every = sum(is_beyond(point) for point in points.values()), len(points)
    if not count:
        return ""
    whose = f"{count} of them " if count < every else "all " if every > 1 else ""
    return f" ({whose}by more than {MARGIN:g} point)"


def single(word: str, point: Point) -> str:
    """Return the verdict on the only data set."""
    said = interval_text(point).replace(" (", " points (95 % interval ", 1)
    if word == ALIKE:
        return f"the same difference in every fold ({said}), so without an error bar"
    by = f", and by more than {MARGIN:g} point" * is_beyond(point)
    return {
        LESS: f"less accurate beyond chance{by}, {said}",
        MORE: f"more accurate beyond chance{by}, {said}",
        SAME: f"{WITHIN}, {said}", UNDECIDED: f"undecided, {said}",
    }[word]  # fmt: skip


def needs_finding(facts: Facts, model: str) -> str:
    """Return where a model needs scaling: raw features against z-scores."""
    subject = f"{_begin(model)} on raw features, against z-scores"
    return comparison(facts, model, RAW, Z_SCORE, subject)


def other_findings(facts: Facts, model: str) -> list[str]:
    """Return how min-max and robust scaling compare with z-scores."""
    found = []
    for scaling in facts.run.scalings:
        if scaling.scaler in (NONE, BATCH, Z_SCORE):
            continue
        subject = f"{_begin(model)} with {scaling.label} scaling, against z-scores"
        found.append(comparison(facts, model, scaling, Z_SCORE, subject))
    return [words for words in found if words]


def batch_finding(facts: Facts, model: str, n: int) -> str:
    """Return how scaling by batches compares with scaling by all training rows."""
    subject = f"{_begin(model)} with batches of {n:,}, against z-scores by all training rows"
    return comparison(facts, model, facts.batch(n), Z_SCORE, subject)


def _begin(model: str) -> str:
    words = model_words(model)
    return words[0].upper() + words[1:] if words.startswith("the ") else words


def heavy_finding(facts: Facts) -> str:
    """Return whether z-scores are beaten where features have heavy tails; nothing without them."""
    if HEAVY not in facts.run.names:
        return ""
    parts = []
    for model in facts.run.models:
        gain = facts.difference(HEAVY, model, WHOLE, NONE)
        said = _of_gain(gain, model)
        beaten = _beaten(facts, model)
        if said or beaten:
            parts.append(f"{said}{' ' if said and beaten else ''}{beaten}")
    if not parts:
        return ""
    return f"Heavy tails, where nothing is Gaussian. {' '.join([*parts, *_of_shape(facts)])}"


def _of_shape(facts: Facts) -> list[str]:
    """Return what z-scores give the same features in a normal shape, which no tail disturbs."""
    said = []
    for model in facts.run.models if NORMAL in facts.run.names else ():
        gain = facts.difference(NORMAL, model, WHOLE, NONE)
        if gain.is_there:
            said.append(f"{model_words(model)} by {interval_text(gain)}")
    if not said:
        return []
    return [f"With the same features in a normal shape, z-scores move {listed(said)}."]


def _of_gain(gain: Point, model: str) -> str:
    """Return what z-scores do to heavy tails, against raw features."""
    if not gain.is_there:
        return ""
    said = interval_text(gain).replace(" (", " points, ", 1).rstrip(")")
    words = {
        MORE: f"z-scores help {model_words(model)} over raw features ({said})",
        LESS: f"z-scores harm {model_words(model)} against raw features ({said})",
        SAME: f"z-scores and raw features are {WITHIN} for {model_words(model)} ({said})",
        UNDECIDED: f"whether z-scores help {model_words(model)} is undecided ({said})",
        ALIKE: f"every fold has the same difference for {model_words(model)} ({said})",
    }[verdict_on(gain)]
    return f"{words[0].upper()}{words[1:]}."


def _beaten(facts: Facts, model: str) -> str:
    """Return which other scalers beat z-scores there, are beaten, or neither."""
    found: dict[str, list[str]] = {}
    for scaling in facts.run.scalings:
        if scaling.scaler in (NONE, BATCH, Z_SCORE):
            continue
        point = facts.difference(HEAVY, model, scaling)
        if point.is_there:
            said = interval_text(point).replace(" (", " points, ", 1).rstrip(")")
            found.setdefault(verdict_on(point), []).append(f"{scaling.label} scaling ({said})")
    how = {
        MORE: "z-scores are beaten by", LESS: "z-scores beat", SAME: f"{WITHIN} of z-scores:",
        UNDECIDED: "undecided:", ALIKE: "the same in every fold:",
    }  # fmt: skip
    parts = [f"{how[word]} {listed(found[word])}" for word in how if word in found]
    if not parts:
        return ""
    text = "; ".join(parts)
    return f"For {model_words(model)}, {text}."


def undecided_points(facts: Facts, scaling: Scaling) -> dict[tuple[str, str], Point]:
    """Return the undecided differences of a scaling from z-scores, by data set and model."""
    return {
        (name, model): point
        for model in facts.run.models
        for name, point in facts.groups(model, scaling).get(UNDECIDED, {}).items()
    }


def needed_sentence(facts: Facts) -> str:
    """Return what it would take to decide what is undecided of batches; nothing if nothing is."""
    open_ = [
        point
        for n in facts.run.sizes
        for point in undecided_points(facts, facts.batch(n)).values()
    ]  # fmt: skip
    counts = [facts.needed(point) for point in open_]
    counts = [count for count in counts if not math.isnan(count)]
    if not counts:
        return ""
    never = sum(math.isinf(count) for count in counts)
    ends = [count for count in counts if math.isfinite(count)]
    if len(counts) == 1:
        start = "Of the undecided difference between batches and all rows: "
        return start + (
            f"{_never(facts)}." if never else f"it would take {_repeats(ends[0])}."
        )  # fmt: skip
    said = f"{plural(len(counts), 'undecided difference')} between batches and all rows"
    if not ends:
        return f"For all {said}, {_never(facts)}."
    each = f"up to {_repeats(max(ends))} of cross-validation"
    words = f"Of {said}, {len(ends)} would take {each}"
    return f"{words}; for the other {never}, {_never(facts)}." if never else f"{words}."


def _repeats(count: float) -> str:
    return needed_words(count, "repeat")


def needed_short(count: float) -> str:
    """Return a number of repeats for a table.

    Examples
    --------
    >>> needed_short(math.inf), needed_short(123.0)
    ('∞', '130')
    """
    if math.isinf(count):
        return "∞"
    return needed_words(count, "repeat").removeprefix("about ").partition(" ")[0]


def _never(facts: Facts) -> str:
    part = f"1/{facts.folds - 1}"
    return (
        "repeats alone do not narrow the interval enough: by the corrected resampled t, whose part "
        f"n_test/n_train = {part} stays, it takes more rows"
    )


def best_finding(facts: Facts) -> str:
    """Return from which batch size on nothing is lost that shows, per model."""
    sizes = facts.run.sizes
    where_ = "" if len(facts.run.names) == 1 else ", on one data set or more,"
    parts = []
    for model in facts.run.models:
        found = {n: facts.groups(model, facts.batch(n)) for n in sizes}
        if not any(found.values()):
            continue
        worse = [n for n, groups in found.items() if LESS in groups]
        who = model_words(model)
        if not worse:
            parts.append(f"{who} nothing at any n")
        elif max(worse) == max(sizes):
            parts.append(f"{who} accuracy{where_} up to n = {max(worse):,}".rstrip(","))
        else:
            more = min(n for n in sizes if n > max(worse))
            parts.append(
                f"{who} accuracy{where_} up to n = {max(worse):,}, and from n = {more:,} on nothing"
            )
    if not parts:
        return ""
    return f"Beyond chance, batches of n in place of all rows cost {'; '.join(parts)}."
