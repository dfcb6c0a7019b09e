"""What a run of the study scaling has found, a short finding for each question."""

from __future__ import annotations

from collections import Counter

from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import BATCH, MADE_WORDS, NONE, Z_SCORE, Point, Scaling
from simnorm.formatting import plural
from simnorm.report.chapters.scaling.facts import (
    ALIKE,
    HEAVY,
    NORMAL,
    RAW,
    SPREAD,
    Facts,
    differences,
    interval_text,
    is_beyond,
    model_words,
    of_sets,
    verdict_on,
)
from simnorm.report.chapters.scaling.findings import WITHIN, needs_finding, single
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

Points = dict[tuple[str, str], Point]

ROBUST = Scaling("robust")
ASSUMES = "Standardization assumes no distribution: it subtracts one number and divides by another."
HOW = {
    LESS: "worse beyond chance", MORE: "better beyond chance", SAME: WITHIN,
    UNDECIDED: "undecided", ALIKE: "the same in every fold",
}  # fmt: skip


def needs(facts: Facts, model: str) -> str:
    """Return where a model needs scaling, with the largest loss on data that are not made."""
    found = {
        name: facts.difference(name, model, RAW)
        for name in facts.run.names
        if name not in MADE_WORDS
    }
    found = {name: point for name, point in found.items() if point.is_there}
    if len(found) < 2:
        return needs_finding(facts, model)
    worse = [name for name, point in found.items() if verdict_on(point) == LESS]
    who = model_words(model)
    said = (
        f"Raw features in place of z-scores cost {who} accuracy beyond chance on "
        f"{of_sets(len(worse), len(found), 'real ')}"
    )
    if not worse:
        return f"{said}."
    name = min(worse, key=lambda one: found[one].value)
    return f"{said}, most on {facts.called(name)}: {_points(found[name])}."


def scaler(facts: Facts, scaling: Scaling) -> str:
    """Return how a scaling compares with z-scores; nothing without a comparison."""
    points = differences(facts, scaling)
    if not points:
        return ""
    said = f"{scaling.label.capitalize()} scaling against z-scores{tally(points)}."
    said += _largest(facts, points)
    if scaling == ROBUST and any(name == SPREAD for name, _ in points):
        said += (
            " On digits with scales spread it divides pixels whose interquartile range is 0 by 1, "
            "so that they keep their scale; it fails there for that."
        )
    return said


def tally(points: Points) -> str:
    """Return how many comparisons came to what; of a single one its number."""
    if len(points) == 1:
        (point,) = points.values()
        return f": {single(verdict_on(point), point)}"
    counts = Counter(verdict_on(point) for point in points.values())
    said = []
    for word, how in HOW.items():
        if not counts[word]:
            continue
        beyond = sum(is_beyond(p) for p in points.values() if verdict_on(p) == word)
        more = f" ({beyond} by more than {MARGIN:g} point)" if beyond else ""
        said.append(f"{counts[word]} {how}{more}")
    return f", {plural(len(points), 'comparison')}: {listed(said)}"


def _largest(facts: Facts, points: Points) -> str:
    """Return the largest difference beyond chance, one on spread scales at need."""
    sure = {key: p for key, p in points.items() if verdict_on(p) in (LESS, MORE)}
    sure = {key: p for key, p in sure.items() if key[0] != SPREAD} or sure
    if not sure or len(points) == 1:
        return ""
    name, model = max(sure, key=lambda key: abs(sure[key].value))
    who = f"{model_words(model)} on {facts.called(name)}"
    return f" The largest difference: {_points(sure[name, model])}, {who}."


def heavy(facts: Facts) -> str:
    """Return what heavy tails cost z-scores, beside a scaling that they do not touch."""
    if HEAVY not in facts.run.names:
        return ""
    found = {model: facts.difference(HEAVY, model, ROBUST) for model in facts.run.models}
    found = {model: point for model, point in found.items() if point.is_there}
    if not found:
        return ASSUMES
    model = max(found, key=lambda one: (verdict_on(found[one]) == MORE, found[one].value))
    point, normal = found[model], facts.difference(NORMAL, model, ROBUST)
    where = f"on {facts.called(HEAVY)}"
    beside = f"; with normal tails the difference is {_points(normal)}" * normal.is_there
    if verdict_on(point) == MORE:
        return (
            f"{ASSUMES} But {where} robust scaling beats it for {model_words(model)} by "
            f"{_points(point)}{beside}."
        )
    return (
        f"{ASSUMES} Whether robust scaling is better {where} does not show: for "
        f"{model_words(model)} it is {_points(point)} against z-scores{beside}."
    )


def batches(facts: Facts) -> str:
    """Return whether the statistics of batches will do; nothing without them."""
    run = facts.run
    if not run.sizes or not run.has(Z_SCORE):
        return ""
    said = []
    for n in dict.fromkeys([run.n, run.sizes[0]]):
        points = differences(facts, facts.batch(n))
        if points:
            said.append(
                f"Batches of {n:,} in place of all training rows{tally(points)}."
                + _largest(facts, points) * (n == run.sizes[0])
            )
    return " ".join(said)


def others(facts: Facts) -> list[Scaling]:
    """Return the scalings that are compared with z-scores, but nothing and batches."""
    return [one for one in facts.run.scalings if one.scaler not in (NONE, BATCH, Z_SCORE)]


def _points(point: Point) -> str:
    """Return a difference with its interval: ``−2.0 points (−3.3 to −0.8)``."""
    value, _, ends = interval_text(point).partition(" (")
    return f"{value} points" + (f" ({ends}" if ends else "")
