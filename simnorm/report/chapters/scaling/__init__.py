"""The report of the study `scaling`: who needs scaled features, and which scaling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simnorm.figures.scaling.rows import Z_SCORE
from simnorm.report import text
from simnorm.report.article import (
    Article,
    Block,
    chapter,
    figure,
    finding,
    heading,
)
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.scaling import findings, first, method, tables
from simnorm.report.chapters.scaling.facts import Facts, facts_of, model_words
from simnorm.report.statuses import statuses

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

# So many panels of a strip are wide enough.
MOST_ACROSS = 6
ALT = "Dots with intervals, a row for every way of scaling, a panel per data set."


def article(
    frame: pd.DataFrame,
    curves: pd.DataFrame,  # noqa: ARG001
    columns: pd.DataFrame,  # noqa: ARG001
    result: Reportable,
) -> Article:
    """Return the report of a run of the study.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run, all names with glyphs.
    result
        The run.
    """
    facts = facts_of(frame, result.design)
    return Article(
        title=first.title(facts),
        head="Scaling" + f" of {facts.called('')}" * facts.run.is_file,
        about=_about(facts),
        subtitle=first.subtitle(facts),
        setting=first.setting(facts),
        answer=first.answer(facts),
        shape=first.shape(facts),
        tiles=first.tiles(facts),
        tiles_note=first.tiles_note(facts),
        first=[difference_figure(facts, MOST_ACROSS)]
        if facts.has_pairs
        else [accuracy_figure(facts)],
        trust=first.trust(facts),
        chapters=[
            chapter("Aims", method.aims()),
            chapter("Data", method.data_blocks(facts)),
            chapter("Estimands", method.estimands()),
            chapter("Methods", method.methods(facts)),
            chapter("Performance", _performance(facts)),
            chapter("Limits", [*method.limits(facts), *statuses(facts.run.frame)]),
        ],
    )


def _about(facts: Facts) -> str:
    return text.listed([facts.called(name) for name in facts.run.names], 3)


def difference_figure(facts: Facts, across: int = 0) -> Block:
    """Return the figure of differences, its caption what was found of batches.

    A few panels stand side by side, so many at most.
    """
    base = "z-scores" if facts.run.has(Z_SCORE) else "raw features"
    lead = (
        f"Accuracy above that of {base}, in points, with paired 95 % intervals. "
        "Grey: too small to matter. "
    )
    count = len(facts.run.names)
    across = across and math.ceil(count / math.ceil(count / across))
    return figure(
        "difference", lead + findings.best_finding(facts), ALT,
        options={"across": across} if across else {},
    )  # fmt: skip


def accuracy_figure(facts: Facts) -> Block:
    """Return the figure of accuracies."""
    models = text.listed([model_words(model) for model in facts.run.models])
    return figure(
        "accuracy",
        f"Accuracy of {models} on rows not trained on. Intervals of two ways of scaling may "
        "overlap although their difference is clear: that one is paired.",
        ALT,
    )


def _performance(facts: Facts) -> list[Block]:
    parts = (_needs, _which, _heavy, _batches, _every)
    return [block for part in parts for block in part(facts)]


def _needs(facts: Facts) -> list[Block]:
    words = [findings.needs_finding(facts, model) for model in facts.run.models]
    found = [heading("Is scaling needed?"), *(finding(said) for said in words if said)]
    if facts.has_pairs:
        found.append(accuracy_figure(facts))
    return [*found, *tables.level_tables(facts)]


def _which(facts: Facts) -> list[Block]:
    words = [said for model in facts.run.models for said in findings.other_findings(facts, model)]
    if not words:
        return []
    return [heading("Which scaling?"), *(paragraph(said) for said in words)]


def _heavy(facts: Facts) -> list[Block]:
    words = findings.heavy_finding(facts)
    if not words:
        return []
    return [
        heading("Does standardization assume a Gaussian?"),
        finding(words),
        paragraph(
            "Standardization subtracts a number and divides by another. It needs a mean and a "
            "standard deviation, and no distribution; the shape of the data stays what it is. "
            "Only reading a z-score as a probability takes a Gaussian. Whether another scaling "
            "is better on heavy tails is another question, and the numbers above are on that."
        ),
    ]


def _batches(facts: Facts) -> list[Block]:
    made = tables.batch_tables(facts)
    if not made:
        return []
    sizes = list(dict.fromkeys([facts.run.sizes[0], facts.run.n]))
    words = [findings.batch_finding(facts, m, n) for n in sizes for m in facts.run.models]
    found = [
        heading("Will the statistics of a batch do?"), *(finding(said) for said in words if said)
    ]  # fmt: skip
    open_ = findings.needed_sentence(facts)
    return [*found, *made, *([paragraph(open_)] if open_ else [])]


def _every(facts: Facts) -> list[Block]:
    made = [tables.difference_table(facts, name) for name in facts.run.names]
    blocks = [block for block in made if block]
    return [heading("All differences"), *blocks] if blocks else []
