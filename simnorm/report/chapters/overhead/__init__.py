"""The report of the study `overhead`: what batch normalization costs in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.overhead.shown import INFERENCE, STEP
from simnorm.formatting import plural
from simnorm.report.article import (
    Article,
    Block,
    bullets,
    chapter,
    figure,
    finding,
    heading,
)
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.overhead import first, tables
from simnorm.report.chapters.overhead.facts import CLASSES, FEATURES, Facts, facts_of
from simnorm.report.statuses import statuses

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

ALT = "Points with intervals by batch size, a panel per width; training above inference."


def article(
    frame: pd.DataFrame,
    curves: pd.DataFrame,  # noqa: ARG001  # timings have none
    columns: pd.DataFrame,  # noqa: ARG001
    result: Reportable,
) -> Article:
    """Return the report of a run of the study.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run.
    result
        The run.
    """
    facts = facts_of(frame, result.design, result.provenance)
    return Article(
        title=first.TITLE,
        head="Overhead of batch normalization",
        about=facts.machine,
        subtitle=first.subtitle(facts),
        setting=first.setting(facts),
        answer=first.answer(facts),
        shape=first.shape(facts),
        tiles=first.tiles(facts),
        tiles_note=first.tiles_note(facts),
        first=[ratio_figure(facts)],
        trust=first.trust(facts),
        chapters=[
            chapter("Aims", _aims()),
            chapter("Bench", _bench(facts)),
            chapter("Estimands and method", _method(facts)),
            chapter("Findings", _findings(facts)),
            chapter("Limits", [bullets(limits(facts)), *statuses(facts.run.frame)]),
        ],
    )


def ratio_figure(facts: Facts) -> Block:
    """Return the figure of ratios; its caption says what is the same, and what is not."""
    return figure(
        "ratio",
        "Time as a multiple of that without BN, medians over "
        f"{plural(facts.run.rounds, 'round')} with 95 % intervals. Grey: the same {first.WITHIN}.",
        ALT,
    )


def _aims() -> list[Block]:
    return [
        paragraph(
            "“Computational overhead during training” is said against batch normalization, mostly "
            "without a number. Whether it matters depends on the rest of a step: this report asks "
            "how much longer a step takes, by batch size and width; what inference costs; and what "
            "the other way to scale inputs costs, standardizing them once before training."
        )
    ]


def _bench(facts: Facts) -> list[Block]:
    torch = f" ({facts.torch})" if facts.torch else ""
    return [
        paragraph(
            f"A perceptron in PyTorch{torch}: {FEATURES} features, two hidden layers of one width "
            f"with ReLU, {CLASSES} classes, float32. All variants have the same weights and see "
            "the same batch of normal values."
        ),
        bullets(
            [
                "Without BN: linear layers and ReLU alone.",
                "BN at the input: a layer of batch normalization before everything.",
                "BN between layers: one behind each of the two hidden linear layers.",
                f"Standardized once: the net without BN. Fitting and applying scikit-learn’s "
                f"StandardScaler to {facts.run.rows:,} rows is timed in every round, and each step "
                f"of {plural(facts.epochs, 'epoch')} bears its share; at test time the batch is "
                "standardized first, in two operations.",
            ]
        ),
    ]


def _method(facts: Facts) -> list[Block]:
    return [
        paragraph(
            "A training step is forward, cross-entropy, backward and a step of plain gradient "
            "descent, the cheapest optimizer: with another one a step takes longer, and the same "
            "overhead is a smaller part of it. Inference is forward alone, with running averages."
        ),
        paragraph(
            f"There were {plural(facts.run.rounds, 'round')}. In each, widths and batch sizes come "
            "in an order that is drawn, and the variants of one of them take turns: one call that "
            "is not timed, then one or a few that are, three to nine times over. The shortest "
            "counts, as whatever disturbs a call makes it longer. PyTorch has one thread, the "
            "garbage collector is off, and the clock is that of the thread where there is one."
        ),
        paragraph(
            "Ratios are taken inside a round, so that a slow minute of the machine slows both "
            "sides. Told is the median over rounds, with the order statistics that hold it with "
            f"95 % or more, whatever the noise is like. A ratio is called the same if the whole "
            f"interval lies {first.WITHIN}, a margin named before anything was timed."
        ),
    ]


def _findings(facts: Facts) -> list[Block]:
    found: list[Block] = [heading("A step of training"), finding(first.shape(facts))]
    found += _shown(tables.ratio_table(facts, STEP))
    words = first.inference_sentence(facts)
    found.append(heading("Inference"))
    found += [finding(words)] if words else []
    found += _shown(tables.ratio_table(facts, INFERENCE))
    words = first.standardizing_sentence(facts)
    if words:
        found += [heading("Standardizing once"), finding(words)]
        found += _shown(tables.break_even_table(facts))
    return found


def _shown(block: Block | None) -> list[Block]:
    return [block] if block else []


def limits(facts: Facts) -> list[str]:
    """Return what the run does not show, in sentences."""
    return [
        f"All times are of {first.on_machine(facts).removeprefix('on ')}. On a GPU small steps "
        "wait for their launches, and the shares differ.",
        "The nets are perceptrons with two hidden layers. In convolutional nets a layer of "
        "batch normalization has more to read and the layers beside it more to compute.",
        "Intervals say how well this run knows its own medians. Another day on the same machine, "
        "with other versions or in other company, may have medians further off than that.",
        "Time for a step is not time to a result: a net with batch normalization may need fewer "
        "steps, which is not asked here.",
    ]
