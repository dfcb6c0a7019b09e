"""The tables a person reads at the end of a study of overhead, at 80 columns."""

from __future__ import annotations

import math

from simnorm.cli.plain import echo
from simnorm.cli.summary import print_key
from simnorm.cli.width import filled
from simnorm.figures.overhead.shown import (
    HIDDEN_BN,
    INPUT_BN,
    NONE,
    QUANTITIES,
    QUANTITY_NAMES,
    STANDARDIZED,
    Value,
)
from simnorm.formatting import NOTHING, fixed, plural
from simnorm.report.chapters.overhead.facts import Facts, facts_of
from simnorm.report.chapters.overhead.first import (
    answer,
    shape,
    standardizing_sentence,
    timed,
)
from simnorm.report.chapters.overhead.words import seconds_text
from simnorm.results import Result

NAME, LEVEL, CELL = 20, 15, 15
HEADS = {INPUT_BN: "BN at input", HIDDEN_BN: "BN in between", STANDARDIZED: "standardized"}


def print_overhead(result: Result) -> None:
    """Print times without batch normalization, and ratios of the others to them."""
    facts = facts_of(result.frame, result.design, result.provenance)
    for line in (
        f"Overhead of batch normalization: {plural(facts.run.rounds, 'round')} of timings on one "
        f"thread; seed {result.design.seed}.",
        "Time without it, and the others as multiples of that; ± standard error by round.",
    ):
        echo(filled(line))
    used: set[str] = set()
    for quantity in QUANTITIES:
        echo("")
        for line in quantity_lines(facts, quantity, used):
            echo(line)
    echo("")
    for sentence in (
        answer(facts), shape(facts), standardizing_sentence(facts), timed(facts)
    ):  # fmt: skip
        if sentence:
            echo(filled(sentence))
    print_key(used)


def quantity_lines(facts: Facts, quantity: str, used: set[str]) -> list[str]:
    """Return the table of a quantity: a line per width and batch size."""
    run = facts.run
    heads = "".join(f"{HEADS[v]:>{CELL}}" for v in run.variants)
    lines = [f"{QUANTITY_NAMES[quantity]:<{NAME}}{'without BN':>{LEVEL}}{heads}".rstrip()]
    for width in run.widths:
        for n in run.sizes:
            name = f"width {width:,}"
            level = seconds_text(run.value(quantity, n, width, NONE))
            cells = "".join(
                f"{cell(run.ratio(quantity, n, width, v), used):>{CELL}}" for v in run.variants
            )
            lines.append(f"{f'{name:<12}n = {n:,}':<{NAME}}{level:>{LEVEL}}{cells}".rstrip())
    return lines


def cell(value: Value, used: set[str]) -> str:
    """Return a ratio with its standard error; note what its mark means.

    Examples
    --------
    >>> cell(Value(1.1603, 1.15, 1.194, 0.011, "ok"), set()), cell(Value(), set())
    ('1.16 ± 0.01', '–')
    """
    if not value.is_known:
        used.add("undefined")
        return NOTHING
    if not (value.is_sure and value.mcse > 0.0):
        used.add("unreliable")
        return f"({fixed(value.estimate, 2)})"
    # There is room for three decimals: a smaller error is given as one of the last.
    error = max(value.mcse, 0.001)
    decimals = min(max(-math.floor(math.log10(error)), 2), 3)
    return f"{fixed(value.estimate, decimals)} ± {fixed(error, decimals)}"
