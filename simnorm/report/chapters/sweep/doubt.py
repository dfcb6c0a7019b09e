"""The section on cells whose mean square has no error bar to trust, and on those near it."""

from __future__ import annotations

from typing import Any

from simnorm.report import robust
from simnorm.report.article import Block, cell, code, heading, ref, sym, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.findings.khat import khat_finding

LABEL = "doubt"
HEAD = "Where the mean square fails"


def section(run: Run) -> list[Block]:
    """Return the section; nothing where every cell has an error bar to trust."""
    found, amber = robust.section(run.frame), robust.amber(run.frame)
    shown = run.has("khat")
    if not (found or amber or shown):
        return []
    blocks = [heading(HEAD, LABEL)]
    if found:
        blocks.append(paragraph([found["about"], " ", ref("quantiles"), " has them."]))
    if shown:
        words = (
            " shows the Pareto k-hat of cells; a cell is one statistic at one batch size of one "
            f"{run.thing}. k-hat is an estimate of how heavy the tail of its squared errors is: "
            "above 0.5 they have no variance, so that no error bar of their mean can be trusted, "
            "and from 0.3 on (amber) it settles slowly. What theory refuses stands above the "
            "points, whatever was drawn."
        )
        blocks.append(paragraph([ref("khat"), words]))
        alt = "Pareto k-hat against batch size, with bands."
        title = "How heavy the tails of the errors are"
        blocks += run.figures("khat", title, khat_finding(run.frame), alt)
    if found:
        blocks.append(_quantiles(run, found))
    return [*blocks, paragraph(amber, "Amber (marked °).")] if amber else blocks


def _quantiles(run: Run, found: dict[str, Any]) -> Block:
    """Return quantiles of the errors, with their intervals below."""
    rows = [
        [
            row[0],
            cell([code(row[1])], below=row[5]),
            row[2],
            row[3],
            row[4],
            *(cell(row[at], below=row[at + 1]) for at in (6, 8, 10)),
        ]
        for row in found["rows"]
    ]
    few = f"Shown are {len(rows)} of {found['of']}. " if len(rows) < found["of"] else ""
    caption = [
        f"Median, 5 % and 95 % quantiles of the error of a batch of n against {run.against}, with "
        "intervals of 95 % or more; –: so few replications have no such end. Below an estimator "
        f"stands its unit. {few}The attached ", code("results.csv"), " has all, and the quartiles.",
    ]  # fmt: skip
    head = [run.thing, "estimator", "sizes", [sym("n")], "why", "5 %", "median", "95 %"]
    return table(
        head, rows, caption, "lllrlrrr", gutter=4.0, shares=(0.9, 0, 0, 0, 1.1, 0, 0, 0),
        title="Errors that always exist", label="quantiles",
    )  # fmt: skip
