"""The tables of the report on scaling, as texts."""

from __future__ import annotations

import math
from typing import NamedTuple

from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import MADE_NOTE, Z_SCORE, Point
from simnorm.formatting import NOTHING, fixed
from simnorm.report.article import RULE, Block, cell, table
from simnorm.report.chapters.scaling.facts import (
    ALIKE,
    Facts,
    decimals,
    interval_text,
    is_beyond,
    model_words,
    signed,
    verdict_on,
)
from simnorm.report.chapters.scaling.findings import needed_short
from simnorm.report.tables import aligned
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

# What a verdict adds where the whole interval lies beyond the margin.
BEYOND = f" by > {MARGIN:g}"
WORDS = {LESS: "less", MORE: "more", SAME: "no difference", UNDECIDED: "undecided", ALIKE: "alike"}
MARKS = "†: no valid error bar."
MOST_SETS = 8
# So few columns need not fill the page.
NARROW = 4


def level_text(point: Point) -> str:
    """Return an accuracy in per cent with its standard error.

    Examples
    --------
    >>> level_text(Point(95.512, 1.23, 93.0, 98.0, "ok"))
    '95.5 ± 1.2'
    """
    if not point.is_there:
        return NOTHING
    places = decimals(point)
    if not point.is_sure:
        return f"{fixed(point.value, places)}†"
    return f"{fixed(point.value, places)} ± {fixed(point.error, places)}"


class Column(NamedTuple):
    """A data set and a model that have a column of a table, and what its head says."""

    name: str
    model: str
    head: str


def grids(facts: Facts) -> list[tuple[str, list[Column]]]:
    """Return the columns of the tables: a table per model, of a single data set one of all models.

    With each stands whose table it is.
    """
    names, models = facts.run.names[:MOST_SETS], facts.run.models
    if len(names) == 1:
        columns = [Column(names[0], model, model_words(model)) for model in models]
        return [(f"on {facts.called(names[0])}", columns)] if columns else []
    return [
        (f"of {model_words(model)}", [Column(name, model, facts.head(name)) for name in names])
        for model in models
    ]


def level_tables(facts: Facts) -> list[Block]:
    """Return the accuracies: a row per way of scaling."""
    return [_level_table(facts, whose, columns) for whose, columns in grids(facts)]


def _level_table(facts: Facts, whose: str, columns: list[Column]) -> Block:
    cells = [
        aligned([level_text(facts.run.level(one.name, one.model, s)) for s in facts.run.scalings])
        for one in columns
    ]
    rows = [[s.label, *row] for s, *row in zip(facts.run.scalings, *cells, strict=True)]
    marked = any("†" in text for row in rows for text in row)
    return table(
        ["scaling", *(one.head for one in columns)], rows,
        f"Accuracy {whose} in per cent ± its standard error. {MARKS if marked else ''}",
        gutter=8.0, wide=-1 if len(columns) < NARROW else 0,
    )  # fmt: skip


def difference_table(facts: Facts, name: str) -> Block | None:
    """Return all differences from z-scores on a data set; None without any."""
    scalings = [one for one in facts.run.scalings if one.scaler != Z_SCORE]
    models = [
        model for model in facts.run.models
        if any(facts.difference(name, model, one).is_there for one in scalings)
    ]  # fmt: skip
    if not models:
        return None
    rows: list[list[str]] = []
    for one in scalings:
        row = [one.label]
        for model in models:
            point = facts.difference(name, model, one)
            row += [_difference_text(point), verdict_text(point)]
        rows.append(row)
    head = ["scaling", *["points (95 % interval)", "verdict"] * len(models)]
    groups = [("", 1), *((model_words(model), 2) for model in models)]
    counts = f"{facts.run.rows_of[name]:,} rows"
    marked = any("†" in text for row in rows for text in row)
    meaning = (
        "Accuracy less that of z-scores. less, more: beyond chance, the interval leaves 0 out; by "
        f"> {MARGIN:g}: all of it is beyond {MARGIN:g} point. no difference: all of it is within "
        f"{MARGIN:g} point of 0."
    )
    return table(
        head, rows,
        f"{counts}. {meaning if name == facts.run.names[0] else ''} {MARKS if marked else ''}",
        "l" + "rl" * len(models), wide=-1, groups=groups, tight=True,
        title=_capital(facts.called(name)) if not facts.run.is_file else facts.called(name),
    )  # fmt: skip


def verdict_text(point: Point) -> str:
    """Return the verdict on a difference, and whether it is beyond the margin."""
    return WORDS.get(verdict_on(point), NOTHING) + BEYOND * is_beyond(point)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _difference_text(point: Point) -> str:
    text = interval_text(point)
    return f"{text}†" if point.is_there and not point.is_sure else text


MARK = {SAME: " =", UNDECIDED: " ?", ALIKE: "†"}
BRIEF = (
    "Accuracy less that of z-scores by all training rows, in points ± half a 95 % interval. "
    f"Unmarked: beyond chance. =: within {MARGIN:g} point. ?: undecided."
)


def brief_tables(facts: Facts) -> list[Block]:
    """Return all differences from z-scores as one table; of one data set with their verdicts."""
    run = facts.run
    if len(run.names) == 1:
        made = difference_table(facts, run.names[0])
        return [made] if made else []
    scalings = [one for one in run.scalings if one.scaler != Z_SCORE]
    names = run.names[:MOST_SETS]
    if not run.has(Z_SCORE) or not scalings:
        return []
    rows: list[object] = []
    for model in run.models:
        rows += [RULE] if rows else []
        for place, one in enumerate(scalings):
            who = model_words(model).removeprefix("the ")
            begin = [] if place else [cell(who, rows=len(scalings))]
            texts = [_brief(facts.difference(name, model, one)) for name in names]
            rows.append([*begin, one.label, *texts])
    star = MADE_NOTE if facts.has_made else ""
    return [
        table(["model", "scaling", *(facts.head(name) for name in names)], rows,
              f"{BRIEF} {star}".rstrip(), "ll" + "r" * len(names), wide=-1, gutter=8.0, tight=True)
    ]  # fmt: skip


def _brief(point: Point) -> str:
    if not point.is_there:
        return NOTHING
    places = decimals(point)
    mark = MARK.get(verdict_on(point), "")
    if not point.is_sure:
        return f"{signed(point.value, places)}†"
    half = fixed((point.high - point.low) / 2.0, places)
    # Narrow columns must not break a number.
    return f"{signed(point.value, places)} ± {half}{mark}".replace(" ", "\u00a0")


def batch_tables(facts: Facts) -> list[Block]:
    """Return batches against all rows; none without batches or z-scores."""
    if not facts.run.sizes or not facts.run.has(Z_SCORE):
        return []
    found = enumerate(grids(facts))
    return [_batch_table(facts, whose, columns, not at) for at, (whose, columns) in found]


def _batch_table(facts: Facts, whose: str, columns: list[Column], is_first: bool) -> Block:
    """Return a row per batch size; the first table says what it shows."""
    rows = [
        [f"{n:,}", *(_batch_cell(facts, facts.difference(one.name, one.model, facts.batch(n)))
                     for one in columns)]
        for n in facts.run.sizes
    ]  # fmt: skip
    meaning = (
        "Batches of n against z-scores by all training rows, in points ± half a 95 % interval; "
        "below each number its verdict: less or more accurate beyond chance (by > "
        f"{MARGIN:g}: and beyond {MARGIN:g} point), no difference beyond {MARGIN:g} point, or "
        "undecided, and then the repeats of cross-validation that it would take. ∞: repeats alone "
        "do not narrow this interval enough."
    )
    return table(
        ["n", *(one.head for one in columns)], rows, meaning * is_first,
        "r" * (1 + len(columns)), gutter=9.0, wide=-1 if len(columns) < NARROW else 0,
        title=f"What batches cost, {whose.removeprefix('of ')}",
    )  # fmt: skip


def _batch_cell(facts: Facts, point: Point) -> object:
    word = verdict_on(point)
    if word not in WORDS:
        return NOTHING
    places = decimals(point)
    if not point.is_sure:
        return cell(f"{interval_text(point)}†", below=WORDS[word])
    half = (point.high - point.low) / 2.0
    said = f"{interval_text(point).partition(' (')[0]} ± {fixed(half, places)}"
    below = verdict_text(point)
    if word == UNDECIDED:
        count = facts.needed(point)
        below += f", {needed_short(count)}" if not math.isnan(count) else ""
    return cell(said, below=below)
