"""The first page of the report on scaling: the answer, and the numbers that matter."""

from __future__ import annotations

from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import MADE_WORDS, NONE, Z_SCORE, Point
from simnorm.formatting import plural
from simnorm.report.chapters.scaling.facts import (
    ALIKE,
    HEAVY,
    RAW,
    WHOLE,
    Facts,
    all_differences,
    count_of,
    decimals,
    interval_text,
    is_beyond,
    model_words,
    of_all,
    of_sets,
    signed,
    verdict_on,
)
from simnorm.report.chapters.scaling.findings import WITHIN
from simnorm.report.chapters.scaling.method import drawn_words
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED


def title(facts: Facts) -> str:
    """Return the question."""
    who: dict[tuple[str, ...], str] = {("knn",): "Does kNN", ("mlp",): "Does a neural network"}
    begin = who.get(tuple(facts.run.models), "Do kNN and neural networks")
    return f"{begin} need scaled features, and which scaling?"


def subtitle(facts: Facts) -> str:
    """Return one line on what was run."""
    models = listed([model_words(model) for model in facts.run.models])
    return f"Accuracy of {models} on {sets_words(facts)}, {runs_words(facts)}"


def sets_words(facts: Facts) -> str:
    """Return what the run is of: a file, a data set, or how many."""
    names = facts.run.names
    if facts.run.is_file:
        return f"{facts.called('')}, {plural(facts.run.rows_of[''], 'row')}"
    if len(names) == 1:
        return f"{facts.called(names[0])}, {plural(facts.run.rows_of[names[0]], 'row')}"
    made = sum(name in MADE_WORDS for name in names)
    return plural(len(names), "bundled data set") + (f" ({made} made by us)" if made else "")


def runs_words(facts: Facts) -> str:
    """Return repeats and folds in words."""
    return f"{plural(facts.run.repeats, 'repeat')} of {facts.folds}-fold cross-validation"


def setting(facts: Facts) -> str:
    """Return what was asked and done, for the first paragraph."""
    ways = "on raw features and on features scaled in several ways"
    if facts.run.sizes:
        ways = (
            "on raw features, on features scaled in several ways and, as batch normalization at "
            "the input does it, by the statistics of batches"
        )
    return (
        "“Normalization is useful for k-nearest neighbours and neural networks, standardization "
        f"assumes a Gaussian”: so it is often said. This run measured it, {ways}. Scalers saw the "
        "training rows alone, and all ways of scaling had the same folds, so that differences are "
        "paired."
    )


def answer(facts: Facts) -> str:
    """Return the answer in plain words: who needs scaling, and whether batches will do."""
    parts = [_needs_words(facts), _batch_words(facts)]
    said = " ".join(part for part in parts if part)
    if said:
        return said
    if facts.run.names:
        return "This run has no two scalers to compare; its accuracies are in the tables."
    return "This run has no accuracy."


def _needs_words(facts: Facts) -> str:
    """Return on how many data sets raw features are worse than z-scores."""
    found = {model: facts.groups(model, RAW) for model in facts.run.models}
    found = {model: groups for model, groups in found.items() if groups}
    if not found:
        return ""
    if len(facts.run.names) == 1:
        name = facts.called(facts.run.names[0])
        return f"On {name}, with raw features in place of z-scores, {_models_words(found)}."
    parts = []
    for model, groups in found.items():
        real, made = (_of_kind(groups, is_made) for is_made in (False, True))
        said = [
            f"{_lost(facts, part, kind)}"
            for part, kind in ((real, "real " if made else ""), (made, "made "))
            if part
        ]
        parts.append(f"{model_words(model)} accuracy on {' and on '.join(said)}")
    text = f"Beyond chance, raw features in place of z-scores cost {'; '.join(parts)}."
    return text + "".join(f" {words}" for words in _exceptions(facts, found) if words)


def _of_kind(
    groups: dict[str, dict[str, Point]], is_made: bool
) -> dict[str, dict[str, Point]]:  # fmt: skip
    """Return the part of the groups that is of made data sets, or of the others."""
    found = {
        word: {name: point for name, point in points.items() if (name in MADE_WORDS) == is_made}
        for word, points in groups.items()
    }
    return {word: points for word, points in found.items() if points}


def _lost(facts: Facts, groups: dict[str, dict[str, Point]], kind: str) -> str:
    """Return on how many data sets accuracy is lost, and where most."""
    worse = groups.get(LESS, {})
    words = of_sets(len(worse), count_of(groups), kind)
    if not worse:
        return words
    name = min(worse, key=lambda key: worse[key].value)
    most = "by" if len(worse) == 1 else "by up to"
    return f"{words}, {most} {size(worse[name])} points ({facts.called(name)})"


def _exceptions(facts: Facts, found: dict[str, dict[str, dict[str, Point]]]) -> list[str]:
    """Return where raw features are better, in a sentence per model."""
    said = []
    for model, groups in found.items():
        better = groups.get(MORE, {})
        if better:
            names = listed([f"{facts.called(n)} by {size(p)}" for n, p in better.items()])
            said.append(f"Unscaled, {model_words(model)} is better on {names}.")
    return said


def _models_words(found: dict[str, dict[str, dict[str, Point]]]) -> str:
    """Return the verdicts on the only data set, model by model."""
    parts: list[str] = []
    for model, groups in found.items():
        word, points = next(iter(groups.items()))
        point = next(iter(points.values()))
        first = not parts
        unit, lead = (" points of accuracy", "95 % interval ") if first else ("", "")
        said, _, ends = interval_text(point).partition(" (")
        ends = f" ({lead}{ends}" if ends else ""
        how = {
            LESS: f"loses {size(point)}{unit}", MORE: f"gains {size(point)}{unit}",
            SAME: f"stays {WITHIN}: {said}", UNDECIDED: f"is undecided: {said}{unit}",
            ALIKE: f"has the same difference in every fold, {said}{unit}, and no error bar",
        }  # fmt: skip
        parts.append(f"{model_words(model)} {how[word]}{ends}")
    return "; ".join(parts)


def _batch_words(facts: Facts) -> str:
    """Return whether batches of the size that sentences speak of will do."""
    n = facts.run.n
    found = {m: facts.groups(m, facts.batch()) for m in facts.run.models} if n else {}
    found = {model: groups for model, groups in found.items() if groups}
    if not found:
        return ""
    if len(facts.run.names) == 1:
        return (
            f"With the statistics of batches of {n:,} in place of those of all training rows, "
            f"{_models_words(found)}."
        )
    words = [_batch_counts(model, found[model], not place) for place, model in enumerate(found)]
    return (
        f"With the statistics of batches of {n:,} in place of those of all training rows, "
        f"{'; '.join(words)}."
    )


def _batch_counts(model: str, groups: dict[str, dict[str, Point]], in_full: bool) -> str:
    """Return on how many data sets a model is less accurate, undecided and so on."""
    every = count_of(groups)
    how = {
        LESS: "less accurate on {}", SAME: f"{WITHIN} on {{}}", MORE: "more accurate on {}",
        UNDECIDED: "undecided on {}", ALIKE: "the same in every fold on {}",
    }  # fmt: skip
    said: list[str] = []
    for word, text in how.items():
        if word in groups:
            count = len(groups[word])
            many = (
                f"{count}" if said else of_sets(count, every) if in_full else of_all(count, every)
            )
            said.append(text.format(many))
    return f"{model_words(model)} is {listed(said)}"


def shape(facts: Facts) -> str:
    """Return what else to know: heavy tails, and how far this reaches."""
    found = []
    if HEAVY in facts.run.names and len(facts.run.names) > 1:
        found.append(_heavy_words(facts))
    count = len(facts.run.names)
    made = sum(name in MADE_WORDS for name in facts.run.names)
    of_them = f", {made} of them made by us," if made else ""
    found.append(
        "All of this holds for these rows and these small models alone."
        if count == 1
        else f"These are {count} small data sets{of_them} and small models: nothing here is about "
        "deep networks, or about other data."
    )
    found.append(drawn_words(facts))
    return " ".join(words for words in found if words)


def _heavy_words(facts: Facts) -> str:
    parts = []
    for model in facts.run.models:
        gain = facts.difference(HEAVY, model, WHOLE, NONE)
        if verdict_on(gain) == MORE:
            parts.append(f"help {model_words(model)} by {size(gain)} points")
        elif verdict_on(gain) == LESS:
            parts.append(f"cost {model_words(model)} {size(gain)} points")
    if not parts:
        return ""
    return f"On features with heavy tails z-scores {' and '.join(parts)} against raw features."


def size(point: Point) -> str:
    """Return the size of a difference, without its sign."""
    return signed(abs(point.value), decimals(point)).lstrip("+")


def tiles(facts: Facts) -> list[dict[str, str]]:
    """Return up to three numbers that matter, each with its interval."""
    found = [_needs_tile(facts, model) for model in facts.run.models]
    if facts.run.n:
        models = facts.run.models
        found.append(_batch_tile(facts, models[0]) if models else None)
        if len(models) == 1 and facts.run.sizes[0] != facts.run.n:
            found.append(_batch_tile(facts, models[0], facts.run.sizes[0]))
    return [tile for tile in found if tile][:3]


def _needs_tile(facts: Facts, model: str) -> dict[str, str] | None:
    name, point = facts.largest(model, RAW)
    if not point.is_sure:
        return None
    several = ", the largest loss" if len(facts.run.names) > 1 else ""
    return {
        "number": signed(point.value, decimals(point)),
        "caption": f"points: {model_words(model)} on raw features, against z-scores{several}",
        "detail": _detail(facts, name, point),
    }


def _batch_tile(facts: Facts, model: str, n: int = 0) -> dict[str, str] | None:
    name, point = facts.largest(model, facts.batch(n))
    if not point.is_sure:
        return None
    several = ", the largest loss" if len(facts.run.names) > 1 else ""
    return {
        "number": signed(point.value, decimals(point)),
        "caption": f"points: {model_words(model)} with batches of {n or facts.run.n:,}, against "
        f"all training rows{several}",
        "detail": _detail(facts, name, point),
    }


def _detail(facts: Facts, name: str, point: Point) -> str:
    ends = interval_text(point).partition(" (")[2].rstrip(")")
    lead = "" if len(facts.run.names) == 1 else f"{facts.called(name)}: "
    return f"{lead}95 % interval {ends}"


def tiles_note(facts: Facts) -> str:
    """Return what the intervals are."""
    if not tiles(facts):
        return ""
    return (
        "A point is 1 % of the rows. Intervals are those of the corrected resampled t: they allow "
        "for other rows of the same source and for training sets that overlap, "
        f"and are {facts.lengthened:.1f} times as long as if all {facts.splits} folds were "
        "independent."
    )


def trust(facts: Facts) -> str:
    """Return how far the numbers can be trusted."""
    run = facts.run
    points = all_differences(facts, [one for one in run.scalings if one.scaler != Z_SCORE])
    if not points:
        return ""
    sure = sum(verdict_on(point) in (LESS, MORE) for point in points)
    same = sum(verdict_on(point) == SAME for point in points)
    beyond = sum(is_beyond(point) for point in points)
    return (
        f"Of {plural(len(points), 'difference')} from z-scores {sure} "
        f"{'is' if sure == 1 else 'are'} beyond chance (the interval leaves 0 out), {beyond} of "
        f"these wholly beyond the margin of {MARGIN:g} point; {same} "
        f"{'lies' if same == 1 else 'lie'} wholly within it, and the "
        "rest is undecided. Every interval is at 95 % by itself, so that of many some miss. There "
        "is no theory to check accuracies by."
    )
