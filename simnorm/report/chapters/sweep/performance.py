"""The chapter Performance: what was found, measure by measure."""

from __future__ import annotations

from typing import Any

from simnorm.report import text
from simnorm.report.article import Block, Rich, chapter, code, heading, ref, sym
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep import doubt, sampling, tables
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.findings.heatmap import heatmap_finding
from simnorm.report.findings.sampling_distribution import sampling_distribution_finding
from simnorm.report.findings.split import split_finding
from simnorm.sampling import SHUFFLE


def performance(run: Run, answers: dict[str, Any]) -> dict[str, Any]:
    """Return the chapter; `answers` are those of `tables.answers`."""
    parts = (
        variance, bias, rmse, laws, split, doubt.section, audit, convergence,
        sampling.section, tables.section,
    )  # fmt: skip
    blocks = [block for part in parts for block in part(run)]
    return chapter("Performance", [*glance(run, answers), *blocks])


def caption_of(run: Run, measure: str, found: str) -> str:
    """Return a finding with what has another unit, and what lies far off theory and why."""
    more = (text.absolute_sentence(run.frame, measure), text.unmet(run.frame, measure))
    return " ".join(part for part in (found, *more) if part)


def glance(run: Run, answers: dict[str, Any]) -> list[Block]:
    """Return the answers of all distributions or columns, and the whole grid where it is large."""
    blocks = []
    if answers:
        words = [ref("answers"), " has the errors at the batch size that page one speaks of"]
        needed = ", and the batch sizes that are enough" if answers["needs"] else ""
        blocks += [
            paragraph([*words, f"{needed}. ", text.glance(run.frame)]),
            answers["table"],
        ]
    if run.has("heatmap"):
        blocks += [
            paragraph([ref("heatmap"), f" has all {run.things} and batch sizes in one picture."]),
            *run.figures(
                "heatmap", "All errors", heatmap_finding(run.frame), "Heat map of errors."
            ),
        ]
    return [heading("At a glance"), *blocks] if blocks else []


def variance(run: Run) -> list[Block]:
    """Return the section on variances."""
    if not run.has("variance"):
        where = "in every row"
        if (run.frame["status"] == "exact").any():
            where = f"wherever a batch is less than {run.against}"
        why = f"Variance, bias and mean squared error are undefined {where}."
        return [paragraph([why, " ", ref("statuses"), " has the reasons."])]
    shuffled = set(run.frame["sampling"]) == {SHUFFLE} and "mean" in set(run.frame["estimator"])
    law = f", for a mean as 1/n − 1/N whatever the {run.thing}" if shuffled else ""
    words = [
        ref("variance"), f" shows how widely the error scatters from batch to batch. It falls as "
        f"batches grow{law}.",
    ]  # fmt: skip
    caption = caption_of(run, "variance", text.variance_finding(run.frame))
    title = f"Variance of the error against {run.against}"
    alt = "Small multiples: relative variance against batch size, one panel per estimator, log-log."
    return [
        heading("Variance"),
        paragraph(words),
        *run.figures("variance", title, caption, alt, "Variance of the error"),
    ]


def bias(run: Run) -> list[Block]:
    """Return the section on biases."""
    if not run.has("bias"):
        return []
    said = text.figure_heads(run.frame)["bias"]
    words = [
        ref("bias"), " shows what is left of the error on average over very many batches: what no "
        "number of batches averages away. Its axis is linear near zero and logarithmic beyond.",
    ]  # fmt: skip
    caption = caption_of(run, "bias", text.bias_finding(run.frame))
    alt = f"Small multiples: {said} against batch size, one panel per estimator."
    return [
        heading("Bias"),
        paragraph(words),
        *run.figures("bias", f"{said} against {run.against}", caption, alt, said),
    ]


def rmse(run: Run) -> list[Block]:
    """Return the section on root mean squared errors."""
    if not run.has("rmse"):
        return []
    said = text.figure_heads(run.frame)["rmse"]
    lines = ", with lines at 5 % and 10 %" if said != "RMSE" else ""
    words = [
        ref("rmse"), " shows bias and variance together, as the root mean squared error: how far "
        f"off a batch is{lines}.",
    ]  # fmt: skip
    caption = caption_of(run, "rmse", text.rmse_finding(run.frame))
    alt = f"Small multiples: {said} against batch size, one panel per estimator."
    return [
        heading("Root mean squared error"),
        paragraph(words),
        *run.figures("rmse", f"{said} against {run.against}", caption, alt, said),
    ]


def laws(run: Run) -> list[Block]:
    """Return the section on how estimates of single batches are distributed."""
    kind = "sampling_distribution"
    if not run.has(kind):
        return []
    words = [
        ref(kind), " shows the estimates of single batches themselves, by batch size: how wide, "
        "how skewed and how far off centre they are.",
    ]  # fmt: skip
    title = "The estimates of single batches"
    alt = "Histograms of estimates, a row per batch size, beside theory."
    return [
        heading("Sampling distribution"),
        paragraph(words),
        *run.figures(kind, title, sampling_distribution_finding(run.frame, run.curves), alt),
    ]


def split(run: Run) -> list[Block]:
    """Return the section on the two parts of the error about the population."""
    if not run.has("split"):
        return []
    words = [
        "Whoever wants the population has two errors at once: that of a batch about its full set, "
        "and that of the full set about the population, which no batch can be rid of. ",
        ref("split"), " shows both.",
    ]  # fmt: skip
    alt = "RMSE about the population and about the full set, against batch size, log-log."
    return [
        heading("Split of the error"),
        paragraph(words),
        *run.figures(
            "split", "Batch, full set and population", split_finding(run.frame, run.curves), alt
        ),
    ]


def audit(run: Run) -> list[Block]:
    """Return the section on the comparison with exact theory."""
    each = "" if run.of_data else ", and one bias each against the population"
    words: list[Any] = [
        "If code and theory are both right, ", sym("z"), " is about standard normal. Looked at are "
        "bias and variance of one of each pair of proportional estimators against the full set"
        f"{each}: other rows ask the same questions again. The largest of so many ", sym("abs-z"),
        " is judged by Šidák’s bound at 1 %; ", code("simnorm check"), ", which fails a run, by a "
        "larger one that chance exceeds in 1 of 10,000 runs.",
    ]  # fmt: skip
    table = tables.audit(run)
    if not table:
        return [heading("Audit", "checks"), paragraph(text.trust(run.whole))]
    share = [paragraph(one)] if (one := text.intervals_sentence(run.frame)) else []
    if not run.has("audit"):
        said = [text.audit_finding(run.whole), " ", ref("questions"), " has all."]
        return [heading("Audit", "checks"), paragraph([*words, " ", *said]), *table, *share]
    shown: Rich = [*words, " ", ref("audit"), " has all, ", ref("questions"), " the largest."]
    alt = f"Dot plot of z by {run.thing} with the Šidák bound, and a normal quantile plot of all z."
    return [
        heading("Audit", "checks"),
        paragraph(shown),
        *run.figures(
            "audit", "Bias and variance against exact theory", text.audit_finding(run.whole), alt
        ),
        *table,
        *share,
    ]


def convergence(run: Run) -> list[Block]:
    """Return the section on how the numbers have settled."""
    if not run.has("convergence"):
        return []
    words = [
        ref("convergence"), " shows the RMSE as replications are added, off its exact value or, "
        "without one, off the final estimate.",
    ]  # fmt: skip
    alt = f"Running RMSE against the number of replications, one panel per {run.thing}."
    return [
        heading("Convergence"),
        paragraph(words),
        *run.figures(
            "convergence", "The running RMSE", text.convergence_finding(run.frame, run.curves), alt
        ),
    ]
