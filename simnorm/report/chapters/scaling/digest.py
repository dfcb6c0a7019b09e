"""The study `scaling` in a few pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Block, finding, formula, small
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.scaling import (
    MOST_ACROSS,
    brief,
    difference_figure,
    findings,
    first,
    method,
    tables,
)
from simnorm.report.chapters.scaling.facts import Facts, facts_of

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
        The tables of a run, all names with glyphs; of `frame`, with the batch size to speak of.
    result
        The run.
    """
    facts = facts_of(frame, result.design)
    blocks = [
        paragraph(first.title(facts), "The question."),
        paragraph(_measured(facts), "How it was measured."),
        finding(first.answer(facts)),
        *([difference_figure(facts, MOST_ACROSS)] if facts.has_pairs else []),
        *_findings(facts),
    ]
    if facts.has_pairs:
        blocks += tables.brief_tables(facts)
    if open_ := findings.needed_sentence(facts):
        blocks.append(paragraph(open_, "What is undecided."))
    return [*blocks, *_trust(facts)]


def _measured(facts: Facts) -> str:
    """Return data, design and training."""
    parts = [
        f"{first.runs_words(facts)} on {first.sets_words(facts)}.",
        "Scalers saw the training rows alone, and all ways of scaling had the same folds, so that "
        "differences are paired.",
        method.trained(facts),
        method.drawn_words(facts),
    ]
    return " ".join(part for part in parts if part)


def _findings(facts: Facts) -> list[Block]:
    """Return a short finding for each question."""
    found = [
        ("Who needs scaling?", [brief.needs(facts, model) for model in facts.run.models]),
        ("Which scaling?", [brief.scaler(facts, one) for one in brief.others(facts)]),
        ("Does standardization assume a Gaussian?", [brief.heavy(facts)]),
        ("Will the statistics of a batch do?", [brief.batches(facts)]),
    ]
    said = [(lead, [words for words in parts if words]) for lead, parts in found]
    return [
        paragraph(words, lead if not place else "")
        for lead, parts in said
        for place, words in enumerate(parts)
    ]


def _trust(facts: Facts) -> list[Block]:
    found = [
        paragraph(
            "Intervals are those of the corrected resampled t for J = R k values with mean d and "
            "variance s²:",
            "The error bars.",
        ),
        formula("corrected-t"),
    ]
    words = f"{first.shape(facts)} {first.trust(facts)}".strip()
    return [*found, small(words)] if words else found
