"""The chapter Methods: how batches come about, what is estimated how, what a status means."""

from __future__ import annotations

from typing import Any

from simnorm.report import data, text
from simnorm.report.article import RULE, Block, Rich, cell, chapter, code, formula, ref, sym, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep.run import Run
from simnorm.stopped import replications_range, stopping_rule


def methods(run: Run) -> dict[str, Any]:
    """Return the chapter."""
    stopping = stopping_rule(run.design)
    blocks = [
        paragraph(_cut(run), "Batches."),
        paragraph(_unit(run), "Unit of independence."),
        formula("sums"),
        paragraph(
            ["With ", sym("s"), " the standard deviation over replications (divisor ", sym("R-1"),
             "),"], "Measures and their standard errors."),
        formula("standard-errors"),
        paragraph(_intervals()),
        *([paragraph(stopping, "Replications.")] if stopping else []),
        *([paragraph(data.error_bars(run.frame), "Error bars.")] if run.of_data else []),
        paragraph(_theory(run), "Theory."),
        *statuses(run),
    ]  # fmt: skip
    return chapter("Methods", blocks)


def _cut(run: Run) -> Rich:
    """Return how batches come about."""
    told: list[Any] = [text.cutting_method(run.frame)]
    if not told[0]:
        told = [
            "One replication draws one full set of ", sym("N"), " observations and cuts it, in the "
            "order of drawing, into ", sym("batches"), " batches of ", sym("n"), ". All batch "
            "sizes and statistics use the same draws.",
        ]  # fmt: skip
    return [*told, " ", text.scheme_sentence(run.whole, run.frame)]


def _unit(run: Run) -> Rich:
    whose = "order of the rows" if run.of_data else "full set"
    if text.whole(run.frame) == "population":
        return [
            "Batch sizes and statistics share their draws. Each replication (", sym("R"),
            f" = {replications_range(run.frame)}) therefore enters through two numbers only, the "
            "mean error and the mean squared error over its batches,",
        ]  # fmt: skip
    return [
        f"The errors of one {whose} depend on each other: at ", sym("half"), " two batches of it "
        "have opposite errors of the mean. Each replication (", sym("R"),
        f" = {replications_range(run.frame)}) therefore enters through two numbers only, the mean "
        "error and the mean squared error over its batches,",
    ]  # fmt: skip


def _intervals() -> Rich:
    return [
        "Intervals are nominally 95 % and use quantiles of Student’s ", sym("t"), " with ",
        sym("R-1"), " degrees of freedom, for variance, MSE and RMSE on the logarithmic scale. "
        "Printed estimates are rounded to two digits of their MCSE.",
    ]  # fmt: skip


def _theory(run: Run) -> Rich:
    held = "for these very rows, as finite as they are" if run.of_data else "of finite full sets"
    if text.whole(run.frame) == "population":
        held = "of independent draws"
    return [
        f"Exact values hold {held}; ", sym("z"), " = (estimate − theory)/MCSE is computed from "
        "these only. Asymptotic values come from the delta method, are drawn dashed or marked ≈ "
        "and never tested.",
    ]  # fmt: skip


def statuses(run: Run) -> list[Block]:
    """Return what the statuses of the rows mean, with why some rows are not simply ok."""
    counts = {str(word): int(n) for word, n in run.whole["status"].value_counts().items()}
    said = (
        f"Every row of the table says what its number is worth. {text.status_sentence(run.whole)}"
    )
    if set(counts) <= {"ok"}:
        said_ok = f"That is: {text.MEANINGS['ok']}." if counts else ""
        return [paragraph(f"{said} {said_ok}", "Status.")]
    lines = text.not_ok(run.whole)
    rows: list[Any] = []
    for word in text.MEANINGS:
        if word in counts:
            mine = [line[1:] for line in lines if line[0] == word]
            meaning = cell(text.MEANINGS[word], columns=3)
            # Where reasons follow, these are counted.
            count = "" if mine else f"{counts[word]:,}"
            rows.append([cell([code(word)], rows=1 + len(mine)), count, meaning])
            rows += [[many, names, words, why] for names, words, many, why in mine]
            rows.append(RULE)
    rest = [line for line in lines if line[0] not in text.MEANINGS]
    rows += [["…", "", cell(line[-1], columns=3)] for line in rest]
    rows = rows[:-1] if rows[-1] == RULE else rows
    return [
        paragraph([said, " ", ref("statuses"), " says what that means, and why."], "Status."),
        table(
            ["status", "rows", run.things, "estimators", "meaning, and reasons"],
            rows, "All measures and references are counted.", "lrlll", gutter=6.0,
            shares=(0, 0, 1.0, 1.0, 1.8), title="What rows are worth", label="statuses",
        ),
    ]  # fmt: skip
