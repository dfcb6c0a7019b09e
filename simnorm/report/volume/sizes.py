"""Which batch size, then: what each distribution or column takes to be good enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simnorm.answering.margins import ERROR
from simnorm.figures.tables import is_location, named
from simnorm.report.article import Block, code, finding, small, table
from simnorm.report.article import text as paragraph
from simnorm.report.facts import Needed, needed_sizes, told_estimators
from simnorm.report.tables import aligned
from simnorm.report.volume.needing import CONSTANT, Need, needs
from simnorm.report.words import TARGETS, in_words, listed

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.report.volume.tables import Tables

# More columns than these are counted.
MOST_ROWS = 16
# More reasons than these would be a list that nobody reads.
MOST_REASONS = 4
MARKS = {
    "(": "In brackets: the range of a size that was simulated.",
    "none": "none: no batch will do.",
    "≈": "≈: read off between two sizes that were run.",
    "≤": "≤: the smallest that was run is enough.",
    ">": ">: the largest that was run is not enough.",
    "†": "†: from errors without a valid error bar.",
    "–": "–: the error does not exist, or is not known well enough.",
}


def sizes(answer: Answer, tables: Mapping[str, Tables]) -> list[Block]:
    """Return the chapter on needed batch sizes; nothing where these were not looked for."""
    every = needs(answer, tables)
    if not every:
        return []
    shown = every[:MOST_ROWS]
    columns = [[need.name for need in shown], aligned([need.text() for need in shown])]
    heads = ["column" if answer.settings.data else "distribution", f"value, {ERROR:g} sd"]
    for head, found in _statistics(tables).items():
        nothing = Needed("unknown", 0)
        heads.append(head)
        columns.append(aligned([found.get(need.name, nothing).text() for need in shown]))
    rows = [list(row) for row in zip(*columns, strict=True)]
    left = len(every) - len(shown)
    which = f" The {len(shown)} of {len(every):,} that need most; needed.csv has all." * (left > 0)
    cells = " ".join(cell for row in rows for cell in row[1:])
    marks = " ".join(meaning for sign, meaning in MARKS.items() if sign in cells)
    caption = (
        "The smallest batches whose error is down to a target: that of a normalized value (exact, "
        "or simulated until its range is narrow), of the batch’s mean and of its standard "
        f"deviation.{which} {marks}"
    )
    return [
        paragraph(
            f"How large must a batch be for a normalized value to be off by no more than {ERROR:g} "
            "standard deviations from its z-score, in root mean square?"
        ),
        finding(enough(every, answer)),
        table(heads, rows, caption, label="needed"),
        *_reasons(every),
        paragraph(["For other targets, and for how many batches or steps running averages need: ",
                   code(_example(answer)), "."]),
        small(
            "The error falls as one over the root of n: half the error takes four times the batch. "
            "A z-score by all the data needs no batch at all."
        ),
    ]  # fmt: skip


def enough(every: list[Need], answer: Answer) -> str:
    """Return in a sentence which batch sizes are enough, and where none is."""
    reached = [need for need in every if need.size]
    none = [need for need in every if not need.size and CONSTANT not in need.reason]
    noun = "column" if answer.settings.data else "distribution"
    sentences = []
    if reached:
        low, high = reached[-1], reached[0]
        span = f"{high.size:,}" if low.size == high.size else (
            f"{low.size:,} ({low.name}) to {high.size:,} ({high.name})"
        )  # fmt: skip
        sentences.append(f"It takes batches of {span} to be within {ERROR:g} standard deviations.")
    if none:
        of = f"{len(none):,} of {len(every):,} {noun}s"
        sentences.append(f"In {of} no batch is large enough.")
    return " ".join(sentences) or "There is no spread to be relative to."


def _reasons(every: list[Need]) -> list[Block]:
    """Return why some needs are special, as far as that differs from name to name."""
    found: dict[str, list[str]] = {}
    for need in every:
        if need.reason:
            found.setdefault(need.reason, []).append(need.name)
    words = [f"{listed(names, 4)}: {reason}" for reason, names in found.items()]
    return [small(" ".join(words[:MOST_REASONS]))] if words else []


def _statistics(tables: Mapping[str, Tables]) -> dict[str, Mapping[str, Needed]]:
    """Return the batch sizes that mean and standard deviation need, by the head of a column."""
    if "sweep" not in tables:
        return {}
    frame = named(tables["sweep"].frame)
    target = TARGETS[0]
    found: dict[str, Mapping[str, Needed]] = {}
    for word in sorted(told_estimators(frame), key=is_location, reverse=True):
        unit = f"{target:g} sd" if is_location(word) else f"{100 * target:.0f} %"
        found[f"{in_words(word)}, {unit}"] = needed_sizes(frame, word, target)
    return found


def _example(answer: Answer) -> str:
    """Return a command that answers another target."""
    settings = answer.settings
    data = f"--data {settings.data.rsplit('/', 1)[-1]} " if settings.data else ""
    law = "" if data else f"--dist {settings.names[0]} "
    return f"simnorm solve {data or law}--target-rmse 0.05"
