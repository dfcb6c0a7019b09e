"""The tables of the report on overhead."""

from __future__ import annotations

import math

from simnorm.figures.overhead.shown import NONE, QUANTITY_NAMES, STEP, VARIANT_NAMES
from simnorm.report.article import RULE, Block, table
from simnorm.report.chapters.overhead.facts import Facts
from simnorm.report.chapters.overhead.words import ratio_text, seconds_text, steps_text


def ratio_table(facts: Facts, quantity: str) -> Block | None:
    """Return times and ratios, a row for every width and batch size; None if there are none."""
    run = facts.run
    if not any(facts.ratios(quantity, variant) for variant in run.variants):
        return None
    rows: list[object] = []
    for width in run.widths:
        rows += [RULE] if rows else []
        for n in run.sizes:
            level = seconds_text(run.value(quantity, n, width, NONE))
            ratios = [ratio_text(run.ratio(quantity, n, width, v)) for v in run.variants]
            rows.append([f"{width:,}", f"{n:,}", level, *ratios])
    what = QUANTITY_NAMES[quantity]
    return table(
        ["width", "n", "without BN", *(VARIANT_NAMES[v] for v in run.variants)],
        rows,
        f"Time of {'a training step' if quantity == STEP else 'inference of a batch'} without BN "
        "(median ± standard error), and with its 95 % interval the multiple that others take.",
        "rrr" + "r" * len(run.variants),
        wide=-1, gutter=12.0, tight=True, title=f"{what.capitalize()}",
    )  # fmt: skip


def break_even_table(facts: Facts) -> Block | None:
    """Return the steps after which standardizing once has paid off; None if there are none."""
    run = facts.run
    found = [[run.break_even(n, w) for n in run.sizes] for w in run.widths]
    if all(math.isnan(value.estimate) for row in found for value in row):
        return None
    once = seconds_text(run.standardizing)
    return table(
        ["width", *(f"n = {n:,}" for n in run.sizes)],
        [
            [f"{w:,}", *map(steps_text, row)] for w, row in zip(run.widths, found, strict=True)
        ],
        f"Training steps after which standardizing {run.rows:,} rows once ({once}) has cost less "
        "than BN at the input, with 95 % intervals.",
        "r" * (1 + len(run.sizes)),
        wide=-1, title="Break-even",
    )  # fmt: skip
