"""The study `shift` in two or three pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Block, figure, finding, formula, small
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.shift import about, by_rate, findings, first, levels_figure, tables
from simnorm.report.chapters.shift import ratios_figure as ratios
from simnorm.report.chapters.shift.facts import Facts, facts_of

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


def digest(
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    columns: pd.DataFrame,  # noqa: ARG001  # trials have no columns
    result: Reportable,  # noqa: ARG001  # the tables say it all
) -> list[Block]:
    """Return what a reader needs of the study: question, answer, figures, and its limits.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run, all names with glyphs.
    result
        The run.
    """
    facts = facts_of(frame, curves)
    found = [
        paragraph(findings.study_words(), "The claim."),
        paragraph(about.short(facts), "How it was measured."),
        finding(first.answer(facts)),
        *_said(by_rate(facts), "By rate."),
        *_tables(tables.rate_table(facts)),
        *_said(findings.construction_sentence(facts), "Not counted."),
        *_said(first.shape(facts), "Noise."),
    ]
    # Texts first: a figure that fits on no rest of a page leaves it empty.
    if facts.has_pair:
        found.append(paragraph(findings.ratios_finding(facts), "By measure."))
        found += _said(findings.undecided_finding(facts), "Undecided.")
    found += _gradients(facts)
    if facts.has_pair:
        found.append(ratios(facts))
    levels = f"{findings.levels_finding(facts)} {findings.FLOORS}".strip()
    found += _said(levels, "How much.")
    found.append(levels_figure(facts))
    found += _said(findings.zero_sentence(facts), "By batches.")
    found += _said(findings.training_finding(facts), "How they train.")
    found.append(figure("training", findings.training_caption(facts), "Loss by step, log y."))
    block = tables.pair_table(facts)
    found += [block] if block else []
    return [*found, small(" ".join(findings.limits(facts)[:2]))]


def _said(words: str, lead: str) -> list[Block]:
    return [paragraph(words, lead)] if words else []


def _tables(block: Block | None) -> list[Block]:
    return [block] if block else []


def _gradients(facts: Facts) -> list[Block]:
    """Return the definition of Santurkar et al., the one that is not plain from its name."""
    if "gradient_shift" not in {one.word for one in facts.run.definitions}:
        return []
    return [
        paragraph(
            "The study’s own measure, here in relative form, is how the gradient G of a layer’s "
            "weights changes once the layers before it have taken their step, for the same batch "
            "B:",
            "By gradients.",
        ),
        formula("shift-gradient"),
    ]
