"""The study `overhead` in two pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Block, finding, small
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.overhead import first, limits, ratio_figure, tables
from simnorm.report.chapters.overhead.facts import facts_of

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


def digest(
    frame: pd.DataFrame,
    curves: pd.DataFrame,  # noqa: ARG001
    columns: pd.DataFrame,  # noqa: ARG001
    result: Reportable,
) -> list[Block]:
    """Return what a reader needs of the study: question, answer, figure, and its limits.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run.
    result
        The run.
    """
    facts = facts_of(frame, result.design, result.provenance)
    blocks = [
        paragraph(first.TITLE, "The question."),
        paragraph(f"{first.setting(facts)} {first.timed(facts)}", "How it was measured."),
        finding(first.answer(facts)),
        ratio_figure(facts),
    ]
    words = first.shape(facts)
    blocks += [paragraph(words, "By size.")] if words else []
    words = first.inference_sentence(facts)
    blocks += [paragraph(words, "Inference.")] if words else []
    words = first.standardizing_sentence(facts)
    blocks += [paragraph(words, "Standardizing once instead.")] if words else []
    table = tables.break_even_table(facts)
    blocks += [table] if words and table else []
    return [*blocks, paragraph(" ".join(limits(facts)), "Limits."), small(first.trust(facts))]
