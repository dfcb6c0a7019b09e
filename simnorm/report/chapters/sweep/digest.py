"""A sweep in a few pages: what a report on all studies says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report import columns as of_columns
from simnorm.report import data, robust, text
from simnorm.report.article import Block, finding, ref, small
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep import tables
from simnorm.report.chapters.sweep.about import histograms
from simnorm.report.chapters.sweep.first import picture
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.findings.sampling_distribution import sampling_distribution_finding

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


def digest(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> list[Block]:
    """Return what a reader needs of a sweep: question, answer, figures, and what to beware of.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run, all names with glyphs; of `frame`, with the batch size to speak of.
    result
        The run.
    """
    run = Run.of(frame, curves, columns, result)
    setting = data.setting(run.frame, run.path) if run.of_data else text.setting(run.frame)
    answer = data.answer(run.frame, run.facts) if run.of_data else text.answer(run.frame)
    blocks = [
        paragraph(
            "A batch is a small sample: how far are its mean and its standard deviation from "
            "those of all the data?",
            "The question.",
        ),
        paragraph(setting, "How it was measured."),
        finding(answer),
        *picture(run, answer),
    ]
    parts = (_shape, _answers, _columns, _single_batches, _too_small, _doubt)
    return [*blocks, *(block for part in parts for block in part(run))]


def _shape(run: Run) -> list[Block]:
    """Return whether the shape of a distribution matters."""
    words = "" if run.of_data else text.shape_matters(run.frame)
    return [paragraph(words)] if words else []


def _answers(run: Run) -> list[Block]:
    """Return the errors of all names at the batch size that is spoken of."""
    found = tables.answers(run)
    if not found:
        return []
    words = [ref("answers"), " has the numbers. ", text.glance(run.frame)]
    return [paragraph(words), found["table"]]


def _columns(run: Run) -> list[Block]:
    """Return what columns of data look like."""
    if not (run.of_data and run.has("histograms")):
        return []
    words = of_columns.kinds_sentence(run.facts)
    found = [paragraph(words)] if words else []
    return [*found, histograms(run)]


def _single_batches(run: Run) -> list[Block]:
    """Return what the estimates of single batches are distributed like."""
    kind = "sampling_distribution"
    if run.of_data or not run.has(kind):
        return []
    caption = sampling_distribution_finding(run.frame, run.curves)
    alt = "Histograms of estimates, a row per batch size, beside theory."
    return [
        paragraph(
            [ref(kind), " shows the standard deviations of single batches themselves: how wide, "
             "how skewed and how far off centre they are."]
        ),
        *run.figures(kind, "The estimates of single batches", caption, alt)[:1],
    ]  # fmt: skip


def _too_small(run: Run) -> list[Block]:
    """Return what no number of batches averages away."""
    if not run.has("bias"):
        return []
    return [paragraph(text.bias_finding(run.frame), "What does not average out.")]


def _doubt(run: Run) -> list[Block]:
    """Return which numbers have no error bar to trust, and what error bars mean of a file."""
    found = [f"{data.error_bars(run.frame)}"] if run.of_data else []
    doubtful = robust.section(run.frame)
    if doubtful:
        found.append(f"{doubtful['about']} The report of this study alone has them.")
    return [paragraph(" ".join(found), "Beware.")] if found else [small(text.trust(run.whole))]
