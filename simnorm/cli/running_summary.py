"""The table a person reads at the end of a study of running averages, at 80 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simnorm.cli.plain import echo
from simnorm.cli.summary import WIDTH, print_key
from simnorm.cli.width import filled, fitted, shortened
from simnorm.figures.running.shown import few_sizes, label
from simnorm.formatting import NOTHING, decimals_of, fixed, format_estimate, significant
from simnorm.report.chapters.running.circumstances import sampling_finding
from simnorm.report.chapters.running.facts import Facts, facts_of
from simnorm.report.chapters.running.findings import floor_value
from simnorm.report.chapters.running.first import answer, batches, enough_sentence, shape
from simnorm.report.facts import Quantity
from simnorm.results import Result
from simnorm.sampling import SEQUENTIAL
from simnorm.stopped import drawn_words

# Of columns up to so many have a table of their own; of more there is a line each.
FEW = 2
MOST_LINES, MOST_LAWS = 20, 12
MOST_PRESETS, PRESETS_ACROSS = 8, 4
NAME, CELL, FLOOR = 16, 18, 10
UNSURE = "({})"


def print_running(result: Result) -> None:
    """Print how far values normalized with running averages are off, and what is enough."""
    facts = facts_of(result.frame, result.curves, result.columns)
    design = result.design
    of = design.data or "distributions"
    drawn = "file order, no error bars"
    if facts.run.scheme != SEQUENTIAL:
        drawn = f"± its standard error, {drawn_words(design, result.frame)}"
    used: set[str] = set()
    for line in (
        f"Running averages after {batches(facts.run.steps)}: {of}, N = {design.full_size:,}; "
        f"seed {design.seed}.",
        f"RMSE of a value normalized at inference, in sd ({drawn}).",
        "",
    ):
        echo(filled(line))
    many = bool(design.data) and len(facts.names) > FEW
    for line in columns_lines(facts, used) if many else all_lines(facts, used):
        echo(line)
    said = [answer(facts), shape(facts)] if many else []
    for sentence in (*said, sampling_finding(facts)):
        if sentence:
            echo(filled(sentence))
    print_key(used)


def all_lines(facts: Facts, used: set[str]) -> list[str]:
    """Return a table and a sentence for every distribution or column, as far as they are few."""
    lines: list[str] = []
    for name in facts.names[:MOST_LAWS]:
        lines += [*name_lines(facts, name, used), ""]
    if len(facts.names) > MOST_LAWS:
        lines += [f"... and {len(facts.names) - MOST_LAWS:,} more, in results.csv", ""]
    return lines


def name_lines(facts: Facts, name: str, used: set[str]) -> list[str]:
    """Return the table of one name: a line per preset, a few batch sizes across."""
    run = facts.run
    sizes = few_sizes(run) or run.sizes[:1]
    lines = [shortened(name)]
    heads = "".join(f"{f'n = {n:,}':>{CELL}}" for n in sizes)
    floors = [floor_value(facts, name, preset, run.n) for preset in facts.presets]
    last = f"{'floor':>{FLOOR}}" if any(math.isfinite(floor) for floor in floors) else ""
    lines.append(f"{'':<{NAME}}{heads}{last}".rstrip())
    for preset, floor in list(zip(facts.presets, floors, strict=True))[:MOST_PRESETS]:
        cells = [cell(facts.value(name, preset, n), CELL, used) for n in sizes]
        line = fitted(label(preset), NAME) + "".join(f"{text:>{CELL}}" for text in cells)
        if last and math.isfinite(floor):
            used.add("asymptotic")
            line += f"{'≈' + significant(floor, 2):>{FLOOR}}"
        lines.append(line.rstrip())
    if len(facts.presets) > MOST_PRESETS:
        lines.append(f"... and {len(facts.presets) - MOST_PRESETS} more presets in results.csv")
    if last:
        lines.append(f"floor: at n = {run.n:,}, once the start is forgotten")
    level = facts.level(name)
    if math.isfinite(level):
        text = f"A z-score by all {run.full_size:,} is itself off by {significant(level, 2)} sd. "
        lines += filled(text + enough_sentence(facts, name)).split("\n")
    return lines


def columns_lines(facts: Facts, used: set[str]) -> list[str]:
    """Return a line per column at one batch size, the worst first."""
    presets = facts.presets[:PRESETS_ACROSS]
    width = (WIDTH - NAME) // max(len(presets), 1)
    width = min(width, CELL + 2)
    lines = [
        f"Batch size {facts.run.n:,}, worst column first.",
        f"{'column':<{NAME}}{_across([label(preset) for preset in presets], width)}".rstrip(),
    ]
    for name in facts.names[:MOST_LINES]:
        cells = [cell(facts.value(name, preset), width, used) for preset in presets]
        lines.append(f"{fitted(name, NAME)}{_across(cells, width)}".rstrip())
    if len(facts.names) > MOST_LINES:
        lines.append(
            f"... and {len(facts.names) - MOST_LINES:,} columns with smaller errors, in results.csv"
        )
    return [*lines, ""]


def _across(texts: Sequence[str], width: int) -> str:
    return "".join(f"{text[: width - 1]:>{width}}" for text in texts)


def cell(value: Quantity, width: int, used: set[str]) -> str:
    """Return an estimate with its error bar in less than so many characters; note its mark.

    Examples
    --------
    >>> cell(Quantity(0.0385862, 0.00072, 0.038, "asymptotic", "ok", ""), 16, set())
    '0.0386 ± 0.0007'
    """
    if not math.isfinite(value.estimate):
        used.add("undefined")
        return NOTHING
    mark = "{}"
    if value.status == "unreliable":
        used.add("unreliable")
        mark = UNSURE
    room = width - len(mark) + 1
    text = format_estimate(value.estimate, value.mcse)
    if "±" not in text or len(text) <= room:
        return mark.format(text)
    decimals = max(decimals_of(value.mcse) - 1, 0)
    shorter = f"{fixed(value.estimate, decimals)} ± {fixed(value.mcse, decimals)}"
    if len(shorter) <= room:
        return mark.format(shorter)
    # The error bar shows in no digit that there is room for.
    return mark.format(significant(value.estimate, 4))
