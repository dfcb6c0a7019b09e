"""The first page of the report on running averages: the question, the answer, three numbers."""

from __future__ import annotations

import math

from simnorm.figures.choice import thing
from simnorm.figures.running.shown import settings
from simnorm.figures.schemes import said
from simnorm.figures.tables import short
from simnorm.formatting import percent, plural, significant
from simnorm.report.chapters.running.facts import (
    Facts,
    groups_alike,
    main_preset,
    who,
    whose,
)
from simnorm.report.data import file_name
from simnorm.report.facts import Quantity
from simnorm.report.tables import estimate_words
from simnorm.report.text import listed
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL, SHUFFLE
from simnorm.stopped import replications_range, replications_words

TITLE = "How good are running averages at test time?"
LONGEST = 60
# More presets than this make a sentence nobody reads.
MOST_TOLD = 4


def batches(count: int) -> str:
    """Return a number of batches.

    Examples
    --------
    >>> batches(1), batches(1000)
    ('1 batch', '1,000 batches')
    """
    return f"{count:,} batch" + ("" if count == 1 else "es")


def each(facts: Facts) -> str:
    """Return what a value is of: ``"row"`` or ``"draw"``."""
    return "row" if facts.run.of_data else "draw"


def stream_words(facts: Facts, scheme: str = "") -> str:
    """Return how the batches of a stream come one after the other."""
    scheme = scheme or facts.run.scheme
    known = {
        SHUFFLE: "in epochs, each in a new random order",
        REPLACEMENT: "each drawn from all of them with replacement",
        SEQUENTIAL: "in the order of the file, epoch after epoch the same",
        IID: "each of independent draws",
    }
    if scheme in known:
        return known[scheme]
    return f"in epochs, {said(scheme)} in random order and inside them the order of the file"


def subtitle(facts: Facts, data: str) -> str:
    """Return one line on what was run."""
    run = facts.run
    count = len(facts.names)
    if run.of_data:
        of = plural(count, "column") if count != 1 else f"column {short(facts.names[0], LONGEST)}"
        of = f"{of} of {file_name(data)}; N = {run.full_size:,} rows"
    else:
        of = listed(facts.names) if count <= 5 else plural(count, "distribution")
        of = f"{of}; full sets of {run.full_size:,} draws"
    sets = "" if run.scheme == SEQUENTIAL else f", {replications_words(run.frame)}"
    return f"{batches(run.steps)} of {of}{sets}".replace(" batches of", " batches from", 1)


def setting(facts: Facts, data: str) -> str:
    """Return what was averaged and compared with what, for the first paragraph."""
    run = facts.run
    if run.of_data:
        of = f"the {run.full_size:,} rows of {file_name(data)}"
    else:
        many = "every distribution" if len(facts.names) > 1 else facts.told
        of = f"{run.full_size:,} draws of {many}" if run.scheme != IID else many
    times = "" if run.scheme == SEQUENTIAL else f", {replications_range(run.frame)} times over"
    against = "population" if run.reference == "population" else "full set"
    return (
        "At test time batch normalization uses averages of the means and variances of the batches "
        "it was trained on. This run took "
        f"{batches(run.steps)} of {of}, {stream_words(facts)}{times}, averaged their "
        "means and variances the way frameworks do, and compared values normalized with these "
        f"with their z-scores by the {against}."
    )


def error_words(value: Quantity) -> str:
    """Return an error that can be trusted, in sd."""
    return f"{significant(value.best, 2)} sd"


def answer(facts: Facts) -> str:
    """Return the answer in plain words, as far as the run has numbers that can be trusted."""
    run, name = facts.run, facts.told
    found = {p: facts.value(name, p) for p in facts.presets[:MOST_TOLD]}
    found = {p: value for p, value in found.items() if math.isfinite(value.best)}
    if not found:
        return _no_answer(facts)
    parts = [
        f"{error_words(value)} {_with(preset, first=not place)}"
        for place, (preset, value) in enumerate(found.items())
    ]
    return (
        f"After {batches(run.steps)} of {run.n:,}, a normalized value is off from its z-score by "
        f"{listed(parts)} (root mean square{_of_what(facts)}). {level_sentence(facts)}"
    ).strip()


def _with(preset: str, *, first: bool = False) -> str:
    """Return a preset as what values are normalized with."""
    if first or settings(preset).momentum is None:
        return f"with {whose(preset)}"
    return f"with {who(preset)}’s"


def _of_what(facts: Facts) -> str:
    """Return whose numbers are told."""
    name = short(facts.told, LONGEST)
    if facts.run.of_data and len(facts.names) > 1:
        return f"; {name}, the middle one of {len(facts.run.ranked):,} columns"
    return f"; {name}"


def _no_answer(facts: Facts) -> str:
    """Return why there is no error to lead with."""
    cells = [value for key, value in facts.cells.items() if key.quantity == "inference_value"]
    kinds = {value.status for value in cells}
    reasons = list(dict.fromkeys(v.reason for v in cells if v.reason))
    why = f" The reason: {reasons[0]}." if len(reasons) == 1 else ""
    if "unreliable" in kinds:
        return f"This run has no error of a normalized value that can be trusted.{why}"
    return f"There is no error to speak of: every value is undefined.{why}"


def level_sentence(facts: Facts) -> str:
    """Return what a z-score by the full set is itself off by, as a yardstick."""
    run, level = facts.run, facts.level(facts.told)
    if not math.isfinite(level):
        return ""
    source = "their source" if run.of_data else "the population"
    what = "rows" if run.of_data else "draws"
    return (
        f"The yardstick: a z-score by all {run.full_size:,} {what} is itself off by about "
        f"{significant(level, 2)} sd from one by {source}."
    )


def shape(facts: Facts) -> str:
    """Return what goes on the answer: who is good enough where, and what is worst."""
    many = len(facts.names) > 1
    scope = _counts(facts) if many else enough_sentence(facts, facts.told)
    # Of columns the tiles and the table say which are worst.
    found = [scope, "" if facts.run.of_data else worst(facts), epsilon_sentence(facts)]
    return " ".join(sentence for sentence in found if sentence)


def _counts(facts: Facts) -> str:
    """Return in how many columns or distributions each preset is no worse than a z-score."""
    found = {preset: facts.below_level(preset) for preset in facts.presets[:MOST_TOLD]}
    found = {preset: pair for preset, pair in found.items() if pair[1]}
    if not found:
        return ""
    kind = thing(facts.run.frame)
    groups: dict[tuple[int, int], list[str]] = {}
    for preset, pair in found.items():
        groups.setdefault(pair, []).append(preset)
    parts: list[str] = []
    for (good, count), presets in groups.items():
        of = f"{good:,}" if 0 < good < count else "all" if good else "none"
        of += f" of {count:,}{f' {kind}s' if not parts else ''}"
        parts.append(f"in {of} {listed([_with(preset) for preset in presets])}")
    return f"At this batch size the error is within that {'; '.join(parts)}."


def enough_sentence(facts: Facts, name: str, than: str = "that") -> str:
    """Return from which batch size on each preset is no worse than a z-score by the full set."""
    if not math.isfinite(facts.level(name)):
        return ""
    groups: dict[str, list[str]] = {}
    for preset in facts.presets[:MOST_TOLD]:
        sizes = [n for n in facts.run.sizes if math.isfinite(facts.value(name, preset, n).best)]
        if sizes:
            when = _when(sizes, facts.good_sizes(name, preset))
            groups.setdefault(when, []).append(preset)
    if not groups:
        return ""
    parts = [f"{listed([_with(p) for p in ps])} {when}" for when, ps in groups.items()]
    return f"After {batches(facts.run.steps)} the error is within {than} {'; '.join(parts)}."


def _when(sizes: list[int], good: list[int]) -> str:
    """Return at which of some batch sizes an error is small enough.

    Examples
    --------
    >>> _when([2, 4, 8], [4, 8]), _when([2, 4, 8], [4]), _when([2, 4], [])
    ('from batches of 4 on', 'only with batches of 4', 'at no batch size simulated')
    """
    if not good:
        return "at no batch size simulated"
    if good == sizes:
        return "at every batch size" if len(sizes) > 1 else f"with batches of {good[0]:,}"
    if len(good) == 1:
        return f"only with batches of {good[0]:,}"
    if good == sizes[-len(good) :]:
        return f"from batches of {good[0]:,} on"
    first = sizes.index(good[0])
    if len(good) > 2 and good == sizes[first : first + len(good)]:
        return f"with batches of {good[0]:,} to {good[-1]:,}"
    return f"with batches of {listed([f'{n:,}' for n in good])}"


def worst(facts: Facts) -> str:
    """Return how much columns or distributions differ, with the preset led with."""
    preset = main_preset(facts)
    found = facts.spread(preset)
    if len(found) < 2:
        return ""
    names, values = list(found), list(found.values())
    kind = thing(facts.run.frame)
    if groups_alike(values):
        return f"The {kind} makes no difference to {whose(preset)}."
    return (
        f"Over all {kind}s the error of {whose(preset)} goes from {significant(values[-1], 2)} sd "
        f"({short(names[-1], LONGEST)}) to {significant(values[0], 2)} sd "
        f"({short(names[0], LONGEST)})."
    )


def epsilon_sentence(facts: Facts) -> str:
    """Return where epsilon makes most of the error, or nothing."""
    sentences = []
    for preset in facts.presets[:MOST_TOLD]:
        small = facts.small(preset)
        if not small:
            continue
        epsilon = number_words(settings(preset).epsilon)
        where = f"In {short(small[0], LONGEST)}"
        if len(small) > 1:
            where = f"In {len(small):,} of {len(facts.names):,} {thing(facts.run.frame)}s"
        sentences.append(
            f"{where} most of {who(preset)}’s error is its epsilon of {epsilon}, which is not "
            "small against the variance there."
        )
    # The first preset's says what there is to say; the chapter has all.
    return sentences[0] if sentences else ""


def number_words(value: float) -> str:
    """Return a setting as people write it.

    Examples
    --------
    >>> number_words(0.001), number_words(1e-05), number_words(0.99)
    ('0.001', '0.00001', '0.99')
    """
    text = f"{value:.12f}".rstrip("0").rstrip(".") if value < 1e6 else f"{value:g}"
    return text if float(text or 0) == value else f"{value:g}"


def tiles(facts: Facts) -> list[dict[str, str]]:
    """Return up to three numbers that matter, each with what stands beside it."""
    name, run = facts.told, facts.run
    found = [p for p in facts.presets if math.isfinite(facts.value(name, p).best)]
    level = facts.level(name)
    room = 2 if math.isfinite(level) else 3
    shown = [_tile(facts, preset) for preset in _different(found)[:room]]
    if shown and math.isfinite(level):
        shown.append(
            {
                "number": f"{significant(level, 2)} sd",
                "caption": f"what a z-score by all {run.full_size:,} {each(facts)}s is itself off",
                "detail": "computed, against the "
                + ("source of the file" if run.of_data else "population"),
            }
        )
    return shown


def _different(presets: list[str]) -> list[str]:
    """Return the presets with a momentum first, so that the frameworks are told of."""
    return sorted(presets, key=lambda preset: settings(preset).momentum is None)


def _tile(facts: Facts, preset: str) -> dict[str, str]:
    value = facts.value(facts.told, preset)
    spread = facts.spread(preset)
    detail = estimate_words(value, unit=" sd")
    if value.status == "exact":
        detail = "nothing is drawn: no error bar"
    if len(spread) > 1:
        first = next(iter(spread))
        detail += f"; worst {thing(facts.run.frame)} {significant(spread[first], 2)} sd"
    return {
        "number": error_words(value),
        "caption": f"RMSE at test time with {whose(preset)}, batches of {facts.run.n:,}",
        "detail": detail,
    }


def tiles_note(facts: Facts) -> str:
    """Return of what the numbers are, and what the error bar means."""
    name, run = short(facts.told, LONGEST), facts.run
    if run.of_data:
        of = name
        if len(facts.names) > 1:
            of += ", the middle one"
        drawn = "" if run.scheme == SEQUENTIAL else (
            " ±: Monte Carlo error given this file, not how another file would differ."
        )  # fmt: skip
        return f"These numbers are for {of}.{drawn}"
    if len(facts.names) < 2:
        return f"Distribution: {name}."
    return f"These numbers are for the distribution {name}, the first of {len(facts.names):,}."


def share_words(share: float) -> str:
    """Return a share of a squared error in per cent.

    Examples
    --------
    >>> share_words(0.99996), share_words(0.42), share_words(0.0004)
    ('nearly all', '42 %', 'next to nothing')
    """
    if share > 0.995:
        return "nearly all"
    return "next to nothing" if share < 0.005 else percent(share)
