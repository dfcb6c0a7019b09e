"""The study `inputs` in a few pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.inputs.rows import curves_of
from simnorm.report.article import Block, finding, formula, small, text
from simnorm.report.chapters.inputs import first, layer, others
from simnorm.report.chapters.inputs.about import About
from simnorm.report.chapters.inputs.claims import ELSEWHERE
from simnorm.report.chapters.inputs.findings import one_sentence, shape_table, two_sentence

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
    about = About(frame, curves, columns, result)
    blocks = [
        text(
            "How far is a value normalized by its batch from its z-score by all the data?",
            "The question.",
        ),
        text(first.setting(about), "How it was measured."),
        finding(f"{first.answer(about)} {first.scale_matters(about)}".strip()),
        *first.first_blocks(about),
    ]
    table = first.first_table(about)
    blocks += [table] if table else []
    parts = (_small, _shape, _gamma, _epsilon, _scalers)
    blocks += [block for part in parts for block in part(about)]
    return [*blocks, small(ELSEWHERE)]


def _small(about: About) -> list[Block]:
    """Return what batches of one and two leave of a value."""
    sentences = [one_sentence(about), two_sentence(about)]
    words = " ".join(sentence for sentence in sentences if sentence)
    return [text(words, "Batches of one and two.")] if words else []


def _shape(about: About) -> list[Block]:
    """Return what a batch does to the shape of the data."""
    if not about.errors or not any(n > 1 for n in about.run.sizes):
        return []
    made = shape_table(about)
    words = (
        "A z-score leaves skewness and kurtosis as they are. A batch does not: it pulls tails in, "
        "as no output is larger than √(n − 1)."
    )
    found = [text(words, "The shape of the data.")]
    return [*found, made] if made else found


def _gamma(about: About) -> list[Block]:
    """Return what gamma and beta do."""
    if not about.errors or not any(n > 1 for n in about.run.sizes):
        return []
    words = (
        "γ multiplies all outputs, β is added to all: that changes mean and standard deviation, "
        f"never skewness or kurtosis. {layer.gamma_finding(about)} Against the z-score"
    )
    found = [text(words, "γ and β."), formula("affine")]
    if not curves_of(about.run, about.curves, "gamma").empty:
        found.append(layer.gamma_figure())
    return found


def _epsilon(about: About) -> list[Block]:
    """Return what epsilon does to columns of small spread, where it does anything to speak of."""
    if len(about.by_epsilon) < 2 or not about.losers or about.run.size < 2:
        return []
    words = (
        "A layer divides by √(v + ε), with an ε that knows nothing of the unit of the data; a "
        f"z-score has no such constant. {layer.epsilon_finding(about)}"
    )
    found = [text(words, "ε and the unit of the data.")]
    made = layer.epsilon_table(about) if about.harmed() else None
    return [*found, made] if made else found


def _scalers(about: About) -> list[Block]:
    """Return what other scalers, fitted to a batch, are off by."""
    found = others.scalers(about)
    if not found:
        return []
    words = (
        "Scaling to [0, 1] by minimum and maximum, or by median and interquartile range, can be "
        f"fitted to a batch just as well. {others.scalers_finding(about)}"
    )
    shown = [block for block in found if block["kind"] == "figure"]
    return [text(words, "Other scalers."), *shown]
