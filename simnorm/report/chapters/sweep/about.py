"""The chapters Aims and Data: what is asked, and of which data or distributions."""

from __future__ import annotations

from typing import Any

from simnorm.formatting import plural
from simnorm.report import columns, data, text
from simnorm.report.article import Block, chapter, figure, heading, ref, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep.run import Run


def aims(run: Run) -> dict[str, Any]:
    """Return the chapter on what is asked."""
    whole = "the full set that the batch comes from"
    if text.whole(run.frame) == "population":
        whole = "the population that it is drawn from"
    words = (
        f"How far are statistics of a batch from those of {whole}? "
        "The question comes up wherever data are standardized batch by batch, in a normalization "
        "layer or in a stream, instead of once with the mean and the standard deviation of all "
        "training data. The report gives bias, variance and root mean squared error (RMSE) for "
        "every batch size, each with its Monte Carlo standard error (MCSE), and exact theory "
        "beside it wherever there is some."
    )
    return chapter("Aims", [paragraph(words)])


def mechanisms(run: Run) -> dict[str, Any]:
    """Return the chapter on the data, or on the distributions that stand for them."""
    cutting = text.cutting_sentence(run.frame)
    if not run.of_data:
        words = [text.data_sentence(run.frame), " ", cutting]
        return chapter("Data-generating mechanisms", [paragraph(words)])
    words = [data.data_sentence(run.frame, run.path, run.provenance), " ", cutting]
    blocks = [paragraph(words)]
    kinds = columns.kinds_sentence(run.facts)
    blocks += [paragraph(kinds)] if kinds else []
    return chapter("Data", [*blocks, *_columns(run), *_needs(run)])


def _columns(run: Run) -> list[Block]:
    """Return what the columns are like."""
    words: list[Any] = [ref("facts"), " says what the columns are like"]
    shown = run.has("histograms")
    words += [", ", ref("histograms"), " what they look like."] if shown else ["."]
    return [paragraph(words), *([histograms(run)] if shown else []), _facts_table(run)]


def histograms(run: Run) -> Block:
    """Return the figure of what the columns look like."""
    return figure(
        "histograms",
        f"Between smallest and largest value. {columns.facts_finding(run.facts)}",
        "Histograms of the columns with the largest errors.",
        title="What the columns look like",
    )


def _which(run: Run, count: int) -> str:
    """Return which columns a table has, and where the others are."""
    left = len(run.facts) - count
    which = f"The {count} columns with the largest errors, the worst first. " if count > 1 else ""
    return which + (f"{plural(left, 'more column')}: columns.csv. " if left > 0 else "")


def _facts_table(run: Run) -> Block:
    rows = columns.facts_table(run.facts)
    caption = (
        f"{_which(run, len(rows))}N = {text.full_size(run.frame):,}. sd: divisor N. Tail index: "
        "about the number of moments of the law behind a column, ∞ for light tails. Ties: the "
        "share of rows whose value is not theirs alone. –: not known."
    )
    return table(
        ["column", "mean", "sd", "skewness", "excess kurtosis", "tail index", "ties"],
        rows, caption, title="The columns", label="facts", gutter=7.0,
    )  # fmt: skip


def _needs(run: Run) -> list[Block]:
    """Return the two kinds of batch sizes that are enough."""
    rows = columns.needs_table(run.facts)
    caption = (
        f"{_which(run, len(rows))}N = {text.full_size(run.frame):,}: two questions, two answers. "
        f"{columns.needs_finding(run.facts)}"
    )
    return [
        heading("Which batch size is enough, for what"),
        paragraph(columns.OWN_MEANING),
        paragraph([columns.FRESH_MEANING, " ", ref("needs"), " has both."]),
        table(
            ["column", "10 %", "5 %", "10 %", "5 %"],
            rows,
            caption,
            title="Batch sizes whose unbiased variance is near enough",
            label="needs",
            gutter=12.0,
            groups=[
                ("", 1),
                ("this file’s own variance, n (share of N)", 2),
                ("fresh data, n", 2),
            ],
        ),
    ]
