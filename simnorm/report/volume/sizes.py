"""Which batch size, then: what each distribution or column takes to be good enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simnorm.figures.inputs.rows import LEVEL
from simnorm.figures.tables import named
from simnorm.report.article import Block, code, finding, small, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.inputs.about import About
from simnorm.report.chapters.inputs.first import enough_sentence
from simnorm.report.facts import Needed, needed_sizes, told_estimators
from simnorm.report.words import TARGETS, in_words, listed

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.report.volume.content import Tables

# More columns than these are counted.
MOST_ROWS = 16
MARKS = {
    "≈": "≈: interpolated between two batch sizes that were run, and rounded up.",
    "≤": "≤: the smallest that was run is enough already.",
    ">": ">: the largest that was run is not enough.",
    "†": "†: from errors without a valid error bar.",
    "–": "–: the error does not exist, or is not known well enough.",
}


def sizes(answer: Answer, tables: Mapping[str, Tables]) -> list[Block]:
    """Return the chapter on needed batch sizes; nothing without the runs it is read off from."""
    if "inputs" not in tables:
        return []
    held = tables["inputs"]
    about = About(held.frame, held.curves, held.columns, held.result)
    found = _columns(about, tables)
    rows = _rows(about, found)
    if not rows:
        return []
    goal = f"{LEVEL:g} standard deviations"
    blocks = [
        paragraph(
            f"How large must a batch be for a normalized value to be off by no more than {goal}, "
            "in root mean square? Read off from the chapters before, between the batch sizes that "
            "were run."
        ),
    ]
    sentence = enough_sentence(about)
    blocks += [finding(sentence)] if sentence else []
    shown = rows[:MOST_ROWS]
    left = len(rows) - len(shown)
    which = f" The {len(shown)} of {len(rows):,} that need most; needed.csv has all." * (left > 0)
    marks = " ".join(MARKS[sign] for sign in MARKS if any(sign in c for r in shown for c in r[1:]))
    n = answer.settings.batch_size
    return [
        *blocks,
        table(
            [about.run.thing, *found], shown,
            f"The batch sizes at which errors have come down to a target. A batch of {n:,} is what "
            f"this report was asked about.{which} {marks}".strip(), label="needed",
        ),
        paragraph(["Other targets, and how many batches or steps running averages need: ",
                   code("simnorm solve"), ", for example ",
                   code(_example(answer)), "."]),
        small(
            "The error falls as one over the root of n: half the error takes four times the batch. "
            "A z-score by all the data needs no batch at all."
        ),
    ]  # fmt: skip


def _columns(about: About, tables: Mapping[str, Tables]) -> dict[str, Mapping[str, Needed]]:
    """Return the needed batch sizes by name, for every head of the table."""
    found: dict[str, Mapping[str, Needed]] = {f"value, {LEVEL:g} sd": about.needed}
    if "sweep" not in tables:
        return found
    frame = named(tables["sweep"].frame)
    target = TARGETS[0]
    words = {word: in_words(word) for word in told_estimators(frame)}
    for word, said in reversed(words.items()):
        unit = f"{target:g} sd" if said in ("mean", "median") else f"{100 * target:.0f} %"
        found[f"{said}, {unit}"] = needed_sizes(frame, word, target)
    return found


def _rows(about: About, found: Mapping[str, Mapping[str, Needed]]) -> list[list[Any]]:
    """Return a row for every name; of columns the most demanding first."""
    names = about.run.alive_names()
    if about.of_data:
        names = sorted(names, key=lambda name: -_demand(about.needed.get(name)))
    nothing = Needed("unknown", 0)
    return [[name, *(part.get(name, nothing).text() for part in found.values())] for name in names]


def _demand(needed: Needed | None) -> float:
    if needed is None or needed.how == "unknown":
        return -1.0
    return math.inf if needed.how == "beyond" else float(needed.size)


def _example(answer: Answer) -> str:
    """Return a command that answers another target."""
    settings = answer.settings
    data = f"--data {settings.data.rsplit('/', 1)[-1]} " if settings.data else ""
    laws = "" if data else f"--dist {listed(settings.names[:1])} "
    return f"simnorm solve {data or laws}--target-rmse 0.05"
