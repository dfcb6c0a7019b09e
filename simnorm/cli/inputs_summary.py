"""The table a person reads at the end of the study `inputs`, at 80 columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from simnorm.cli.plain import echo
from simnorm.cli.summary import print_key, texts_of
from simnorm.cli.width import filled, fitted, shortened
from simnorm.figures.choice import schemes_of
from simnorm.figures.inputs.rows import (
    CONSTANT,
    CORRELATION,
    EQUALS,
    LEVEL,
    NORMALIZED,
    UNSEEN,
    WORST_IN_BATCH,
    Run,
    off_text,
)
from simnorm.formatting import NOTHING, percent, significant
from simnorm.sampling import SEQUENTIAL, SHUFFLE
from simnorm.stopped import drawn_words

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.results import Result

# Up to so many columns have a table of their own, with a line per batch size.
FEW = 2
MOST_LINES, MOST_SIZES = 20, 14
NAME_WIDTH = 20
LEAST_SHARE = 1e-4


class Column(NamedTuple):
    """A column of the table: its head in two lines, its width, and what stands in it."""

    heads: tuple[str, str]
    width: int
    quantity: str


# Theory stands beside the error; of the others the estimate is enough.
ERROR, EXACT = 20, 10
SHARED = (
    Column(("corre-", "lation"), 10, CORRELATION),
    Column(("worst of", "a batch"), 10, WORST_IN_BATCH),
)
OTHERS = (*SHARED, Column(("not in", "range"), 9, UNSEEN))


def print_inputs(result: Result) -> None:
    """Print how far normalized values are from z-scores, and what that means."""
    run = Run(result.frame)
    for line in (*opening(result, run), ""):
        echo(filled(line))
    used: set[str] = set()
    names = run.names
    if run.of_data and len(names) > FEW:
        for line in lines_by_name(run, used):
            echo(line)
    else:
        for name in names:
            echo(shortened(name))
            for line in lines_by_size(run, name, used):
                echo(line)
            echo("")
    for sentence in (verdict(result), *sentences(run)):
        echo(filled(sentence))
    echo(filled(key_text(run)))
    print_key(used)


def key_text(run: Run) -> str:
    """Return what the heads of the columns mean."""
    parts = [
        "RMSE against the z-score, in standard deviations",
        "worst of a batch: the mean over batches of the largest error",
    ]
    if run.of_data and len(run.names) > FEW and len(run.epsilons) > 1:
        parts.append("epsilon: the RMSE if the layer adds that to the variance")
    else:
        parts.append("not in range: the share of other values outside [min, max] of a batch")
    return "; ".join(parts)


def opening(result: Result, run: Run) -> list[str]:
    """Return what was compared with what."""
    design = result.design
    what = "the full set" if run.reference == "full_set" else "the population"
    whose = f"{design.data}, " if run.of_data else ""
    first = (
        f"Batch-normalized values against z-scores by {what}: {whose}N = {design.full_size:,}; "
        f"{run.setting.words().replace(EQUALS, '=')}; seed {design.seed}."
    )
    scheme = str(run.rows["sampling"].iloc[0]) if len(run.rows) else SHUFFLE
    if scheme not in (SHUFFLE, SEQUENTIAL):
        first = f"{first[:-1]}; sampling {scheme}."
    if scheme == SEQUENTIAL:
        return [first, "File order: nothing is drawn, so the numbers have no error bars."]
    given = ", given this file" if run.of_data else ""
    return [
        first,
        f"Estimates ± their standard error, from {drawn_words(design, result.frame)}{given}.",
    ]


def _thinned(sizes: list[int]) -> list[int]:
    if len(sizes) <= MOST_SIZES:
        return sizes
    step = (len(sizes) - 1) / (MOST_SIZES - 1)
    return [sizes[round(i * step)] for i in range(MOST_SIZES)]


def _cells(rows: pd.DataFrame, key: str) -> dict[Any, Any]:
    return {getattr(row, key): row for row in rows.itertuples(index=False)}


def lines_by_size(run: Run, name: str, used: set[str]) -> list[str]:
    """Return the table of one name, a line for every batch size; marks go into `used`."""
    mine = run.shown_errors[run.shown_errors["name"] == name]
    errors = _cells(mine, "batch_size")
    others = [_cells(_of_name(run, column.quantity, name), "batch_size") for column in OTHERS]
    sizes = _thinned(sorted(errors))
    left = 7
    lines = [_heads(("batch", "size"), left, run, OTHERS)]
    for size in sizes:
        text = f"{size:>{left},}" + _error(errors.get(size), used)
        for column, cells in zip(OTHERS, others, strict=True):
            text += f"{_other(cells.get(size), column.width, used):>{column.width}}"
        lines.append(text.rstrip())
    if len(sizes) < len(errors):
        lines.append(f"   ... {len(errors) - len(sizes)} more batch sizes in results.csv")
    return "\n".join(lines).split("\n")


def _of_name(run: Run, quantity: str, name: str) -> pd.DataFrame:
    rows = run.of(quantity)
    return rows[rows["name"] == name]


def _heads(firsts: tuple[str, str], left: int, run: Run, others: tuple[Column, ...]) -> str:
    kinds = set(run.shown_errors["theory_kind"])
    theory = "theory" if "asymptotic" in kinds else "exact" if "exact" in kinds else ""
    lines = [("RMSE", theory), ("in sd", "")]
    return "\n".join(
        f"{firsts[i]:{'>' if left < NAME_WIDTH else '<'}{left}}"
        f"{lines[i][0]:>{ERROR}}{lines[i][1]:>{EXACT}}"
        + "".join(f"{column.heads[i]:>{column.width}}" for column in others)
        for i in (0, 1)
    )


def _error(row: Any, used: set[str]) -> str:
    if row is None:
        return f"{NOTHING:>{ERROR}}"
    estimate, exact = texts_of(row, 1.0, used)
    return f"{estimate:>{ERROR}}{exact:>{EXACT}}"


def _other(row: Any, width: int, used: set[str]) -> str:
    """Return an estimate without its error bar: three digits, or two where that is not valid."""
    if row is None or math.isnan(row.estimate):
        if row is not None:
            used.add("undefined")
        return NOTHING
    value = row.theory if row.theory_kind == "exact" else row.estimate
    if row.status == "unreliable" and row.theory_kind != "exact":
        used.add("unreliable")
        return f"({significant(value, 2)})"[:width]
    return significant(value, 3)


def lines_by_name(run: Run, used: set[str]) -> list[str]:
    """Return the table of many columns at the batch size nearest to 16, the worst first."""
    n = run.size
    errors = _cells(run.shown_errors[run.shown_errors["batch_size"] == n], "name")
    columns: tuple[Column, ...] = OTHERS
    parts = [run.of(column.quantity) for column in SHARED]
    if len(run.epsilons) > 1:
        last = run.epsilons[-1]
        text = f"{last.epsilon:g}"
        columns = (*SHARED, Column(("epsilon", text), 9, NORMALIZED))
        parts.append(run.errors(last))
    else:
        parts.append(run.of(UNSEEN))
    others = [_cells(rows[rows["batch_size"] == n], "name") for rows in parts]
    names = run.names
    lines = [
        f"Batch size {n:,}, worst column first.",
        _heads(("column", ""), NAME_WIDTH, run, columns),
    ]
    for name in names[:MOST_LINES]:
        text = fitted(name, NAME_WIDTH) + _error(errors.get(name), used)
        for column, cells in zip(columns, others, strict=True):
            text += f"{_other(cells.get(name), column.width, used):>{column.width}}"
        lines.append(text.rstrip())
    if len(names) > MOST_LINES:
        more = len(names) - MOST_LINES
        lines.append(f"... and {more:,} columns with smaller errors, in results.csv")
    return [*"\n".join(lines).split("\n"), ""]


def _said(name: str) -> str:
    """Return a name as a sentence has it: as short as in the table."""
    return fitted(name, NAME_WIDTH).rstrip()


def verdict(result: Result) -> str:
    """Return the answer that the report begins with."""
    from simnorm.report.chapters.inputs.about import About
    from simnorm.report.chapters.inputs.first import answer

    return answer(About(result.frame, result.curves, result.columns, result))


def sentences(run: Run) -> list[str]:
    """Return what else the table says, of numbers that are exact or have an error bar."""
    values = run.values(run.shown_errors)
    if not values:
        return ["No value has an error that can be trusted."]
    n, found = run.size, []
    if 1 in run.sizes:
        found.append("At batch size 1 nothing is left of any value.")
    found.append(epsilon_sentence(run))
    constant = {name: v for name, v in run.values(run.of(CONSTANT)).items() if name in values}
    if n > 1 and constant and max(constant.values()) >= LEAST_SHARE:
        worst = max(constant, key=constant.__getitem__)
        found.append(
            f"{percent(constant[worst])} of the batches of {n:,} of {_said(worst)} have equal "
            "values only."
        )
    return [" ".join(text for text in found if text), *scheme_sentences(run)]


def scheme_sentences(run: Run) -> list[str]:
    """Return the errors under the other sampling schemes of the run, a sentence each."""
    shown = set(run.rows["sampling"])
    found = []
    for scheme in schemes_of(run.every):
        if scheme in shown:
            continue
        other = Run(run.every[run.every["sampling"] == scheme])
        values = other.values(other.errors(run.setting), run.size)
        if values:
            low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
            span = off_text(values[high])
            if off_text(values[low]) != span:
                span = f"{off_text(values[low])} ({_said(low)}) to {span} ({_said(high)})"
            found.append(f"By {scheme}: {span} sd.")
    return found


def epsilon_sentence(run: Run) -> str:
    """Return how many names the largest epsilon harms, or nothing."""
    if len(run.epsilons) < 2:
        return ""
    last = run.epsilons[-1]
    before, after = run.values(run.shown_errors), run.values(run.errors(last))
    harmed = [name for name in after if name in before and after[name] - before[name] >= LEVEL]
    if not harmed:
        return ""
    worst = max(harmed, key=lambda name: after[name] - before[name])
    verb = "is" if len(harmed) == 1 else "are"
    words = last.words().replace("ε", "epsilon").replace(EQUALS, " = ")
    return (
        f"With {words}, {len(harmed)} of {len(after)} "
        f"{run.thing}s {verb} worse by {LEVEL:g} sd or more: {_said(worst)} is off by "
        f"{off_text(after[worst])}."
    )
