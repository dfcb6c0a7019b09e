"""The study `scaling` in a few pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Block, finding, formula, small
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.scaling import MOST_ACROSS, difference_figure, findings, first, tables
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
        paragraph(f"{first.setting(facts)} {_design(facts)}", "How it was measured."),
        finding(first.answer(facts)),
        paragraph(first.shape(facts)),
        difference_figure(facts, MOST_ACROSS),
    ]
    parts = (_needs, _which, _heavy, _batches)
    blocks += [block for part in parts for block in part(facts)]
    return [*blocks, *_trust(facts)]


def _design(facts: Facts) -> str:
    return (
        f"The data: {first.sets_words(facts)}. There are {first.runs_words(facts)}; intervals "
        "allow for training sets that overlap."
    )


def _needs(facts: Facts) -> list[Block]:
    words = [findings.needs_finding(facts, model) for model in facts.run.models]
    return [paragraph(said, "Is scaling needed?") for said in words[:1] if said] + [
        paragraph(said) for said in words[1:] if said
    ]


def _which(facts: Facts) -> list[Block]:
    words = [said for model in facts.run.models for said in findings.other_findings(facts, model)]
    return [paragraph(" ".join(words), "Which scaling?")] if words else []


def _heavy(facts: Facts) -> list[Block]:
    words = findings.heavy_finding(facts)
    if not words:
        return []
    said = (
        f"{words} Standardization subtracts a number and divides by another; it assumes no "
        "distribution."
    )
    return [paragraph(said, "Does standardization assume a Gaussian?")]


def _batches(facts: Facts) -> list[Block]:
    made = tables.batch_tables(facts)
    if not made:
        return []
    open_ = findings.needed_sentence(facts)
    return [*made, *([paragraph(open_, "What is undecided.")] if open_ else [])]


def _trust(facts: Facts) -> list[Block]:
    found = [
        paragraph(
            "Intervals are those of the corrected resampled t for J = R k values with mean d and "
            "variance s²:",
            "The error bars.",
        ),
        formula("corrected-t"),
    ]
    words = first.trust(facts)
    return [*found, small(words)] if words else found
