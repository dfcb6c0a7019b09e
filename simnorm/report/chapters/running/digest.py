"""The study `running` in a few pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report import text
from simnorm.report.article import Block, figure, finding, small
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.running import circumstances, findings, first, tables
from simnorm.report.chapters.running.facts import Facts, facts_of

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


def digest(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> list[Block]:
    """Return what a reader needs of the study: question, answer, figures, and its limits.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run, all names with glyphs; of `frame`, with the batch size to speak of.
    result
        The run.
    """
    facts = facts_of(frame, curves, columns)
    data = str(result.design.data)
    alt = "By training step, a panel per batch size, log-log."
    blocks = [
        paragraph(
            "How far is a value normalized at test time from its z-score by all the data?",
            "The question.",
        ),
        paragraph(first.setting(facts, data), "How it was measured."),
        finding(f"{first.answer(facts)} {first.shape(facts)}".strip()),
        figure("trajectory", findings.trajectory_finding(facts), alt, options={"height": 3.4}),
        tables.first_table(facts),
    ]
    parts = (_end, _parts, _start, _single, _order, _drift)
    blocks += [block for part in parts for block in part(facts)]
    return [*blocks, small(text.checked_words(tables.asked(facts)))]


def _end(facts: Facts) -> list[Block]:
    """Return where averages end, and what would be good enough."""
    words = findings.level_finding(facts)
    level = "what a z-score by the full set is itself off by:"
    caption = (
        f"RMSE of a normalized value after {first.batches(facts.run.steps)}, by batch size. "
        f"{first.enough_sentence(facts, facts.told, level)}"
    )
    shown = [figure("floor", caption.strip(), "Log-log.")]
    return [paragraph(words, "Where it ends."), *shown] if words else shown


def _parts(facts: Facts) -> list[Block]:
    """Return what the error is made of."""
    sentences = (findings.split_finding(facts), findings.divisor_finding(facts))
    words = " ".join(sentence for sentence in sentences if sentence)
    return [paragraph(words, "What it is made of.")] if words else []


def _start(facts: Facts) -> list[Block]:
    """Return how far the data are from where averages start; a table where it is far."""
    words = circumstances.start_finding(facts)
    if not words:
        return []
    found = [paragraph(words, "The start.")]
    far = any(start.away > circumstances.FAR for start in facts.starts.values())
    block = tables.start_table(facts) if far else None
    return [*found, block] if block else found


def _single(facts: Facts) -> list[Block]:
    """Return what batches of one do."""
    words = circumstances.single_finding(facts)
    return [paragraph(words, "Batches of one.")] if words else []


def _order(facts: Facts) -> list[Block]:
    """Return what the order of the rows does."""
    if len(facts.run.schemes) < 2:
        return []
    words = circumstances.sampling_finding(facts)
    return [paragraph(words, "The order of the rows.")] if words else []


def _drift(facts: Facts) -> list[Block]:
    """Return what a drift does."""
    words = circumstances.drift_finding(facts)
    return [paragraph(words, "While the weights still change.")] if words else []
