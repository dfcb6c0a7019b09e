"""The tables a person reads at the end of a study of scaling, at 80 columns."""

from __future__ import annotations

from simnorm.cli.plain import echo
from simnorm.cli.summary import WIDTH, print_key
from simnorm.cli.width import cell_len, filled, fitted
from simnorm.figures.scaling.rows import MADE_NOTE, Point
from simnorm.formatting import NOTHING, fixed
from simnorm.report.chapters.scaling.facts import Facts, decimals, facts_of, model_words
from simnorm.report.chapters.scaling.findings import heavy_finding, needed_sentence
from simnorm.report.chapters.scaling.first import (
    answer,
    runs_words,
    sets_words,
    trust,
)
from simnorm.report.chapters.scaling.method import drawn_words, trained
from simnorm.results import Result

NAME, CELL = 13, 11
MOST_SETS = (WIDTH - NAME) // CELL


def print_scaling(result: Result) -> None:
    """Print accuracies by model, scaling and data set, and what they come to."""
    facts = facts_of(result.frame, result.design)
    used: set[str] = set()
    for line in (
        f"Scaling: {sets_words(facts)}; {runs_words(facts)}; seed {result.design.seed}.",
        "Accuracy in per cent ± its standard error, on rows not trained on.",
    ):
        echo(filled(line))
    for model in facts.run.models:
        for start in range(0, len(facts.run.names), MOST_SETS):
            echo("")
            for line in model_lines(facts, model, start, used):
                echo(line)
    echo("")
    if facts.has_made:
        echo(filled(MADE_NOTE))
    for sentence in (
        answer(facts), heavy_finding(facts), needed_sentence(facts), drawn_words(facts),
        trained(facts), trust(facts),
    ):  # fmt: skip
        if sentence:
            echo(filled(sentence))
    print_key(used)


def model_lines(facts: Facts, model: str, start: int, used: set[str]) -> list[str]:
    """Return the table of a model: a line per way of scaling, data sets across from a place on."""
    names = facts.run.names[start : start + MOST_SETS]
    called = ["accuracy"] if facts.run.is_file else [facts.head(name) for name in names]
    heads = [_head(name) for name in called]
    lines = [
        f"{first}{''.join(_right(head[place]) for head in heads)}"
        for place, first in enumerate((fitted(model_words(model), NAME), " " * NAME))
    ]
    lines = [line for line in lines if line.strip()]
    for one in facts.run.scalings:
        cells = "".join(
            _right(level_cell(facts.run.level(name, model, one), used)) for name in names
        )
        lines.append(f"{fitted(one.label, NAME)}{cells}".rstrip())
    return lines


def _right(text: str) -> str:
    return " " * max(CELL - cell_len(text), 1) + text


def _head(name: str) -> tuple[str, str]:
    """Return a name in two lines that fit into a column, the second one empty if it need not be."""
    first, _, second = name.partition(" ") if cell_len(name) >= CELL else (name, "", "")
    return tuple(part if cell_len(part) < CELL else fitted(part, CELL).rstrip()
                 for part in (first, second))  # type: ignore[return-value]  # fmt: skip


def level_cell(point: Point, used: set[str]) -> str:
    """Return an accuracy with its standard error; note what its mark means.

    Examples
    --------
    >>> level_cell(Point(95.512, 1.23, 93.0, 98.0, "ok"), set())
    '95.5 ± 1.2'
    """
    if not point.is_there:
        used.add("undefined")
        return NOTHING
    places = decimals(point)
    if not point.is_sure:
        used.add("unreliable")
        return f"({fixed(point.value, places)})"
    text = f"{fixed(point.value, places)} ± {fixed(point.error, places)}"
    # An error bar below the digit that there is room for.
    return text if len(text) < CELL else f"{fixed(point.value, 1)} ± {fixed(point.error, 1)}"
