"""The chapter Estimands: what is compared with what, and which statistics."""

from __future__ import annotations

from typing import Any

from simnorm.report import text
from simnorm.report.article import Block, Rich, chapter, code, formula, ref, strong, sym, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.pieces import SYMBOLS

NOTES: dict[str, Rich] = {
    "biased_variance": "what batch normalization divides by, squared",
    "unbiased_variance": "its mean over iid batches is the population’s",
    "std(ddof=0)": "what batch normalization divides by",
    "quantile": "a rank that is no whole number: linear interpolation",
    "mad": "without a factor for the normal distribution",
    "iqr": "interpolated as quantiles are",
    "trimmed_mean": [sym("p"), " is the proportion"],
    "skewness": [sym("moments")],
    "excess_kurtosis": [sym("moments")],
    "user": "may have no value: then the replication is void",
}
# Longer specs take a part of the room in place of what they need.
LONGEST_SPEC = 30


def estimands(run: Run) -> dict[str, Any]:
    """Return the chapter."""
    n, N = sym("n"), sym("N")
    error = "error"
    if run.of_data:
        words = [
            "A statistic ", sym("T"), " of a batch of ", n, " rows is compared with the same "
            "statistic of the ", strong("full set"), ", all ", N, " rows of the column. A file has "
            "no other reference: its population is not known. The error is",
        ]  # fmt: skip
    elif text.whole(run.frame) == "population":
        words = [
            "A statistic ", sym("T"), " of a batch of ", n, " observations is compared with the ",
            strong("population"), ", that is its value under the distribution. Batches are cut "
            "from sets of ", N, " independent observations. The error is",
        ]  # fmt: skip
        error = "error-population"
    else:
        words = [
            "A statistic ", sym("T"), " of a batch of ", n, " observations is compared with a "
            "reference: the ", strong("full set"), ", that is the same statistic of the ", N,
            " observations the batch was cut from, or the ", strong("population"), ", its value "
            "under the distribution. The error is paired, a batch with its own full set:",
        ]  # fmt: skip
    blocks = [
        paragraph(words),
        formula(error),
        formula("measures"),
        paragraph([ref("statistics"), " defines the statistics."]),
        _statistics(run),
    ]
    return chapter("Estimands", blocks)


def _statistics(run: Run) -> Block:
    """Return the table of statistics."""
    found = text.remarks(run.frame)
    rows = [[[code(it["spec"])], _defined(it), it["by"], _note(it)] for it in found]
    long = any(len(it["spec"]) > LONGEST_SPEC for it in found)
    caption = (
        "Relative bias and RMSE are divided by the constant shown, relative variance and MSE by "
        f"its square, so that {run.things} can be compared. Where that constant is zero or does "
        "not exist, only absolute errors do."
    )
    return table(
        ["estimator", "value in a batch", "relative measures divide by", "remark"],
        rows,
        caption,
        "llll",
        wide=3,
        gutter=12.0,
        shares=(1.2, 0, 0.9, 1.0) if long else (),
        title="The statistics",
        label="statistics",
        air=5.0,
    )


def _defined(it: dict[str, str]) -> Rich:
    """Return a statistic's definition."""
    if it["word"] == "user":
        return "a function given by the user"
    key = it["spec"] if it["spec"] in SYMBOLS else it["word"]
    return [sym(key)] if key in SYMBOLS else "–"


def _note(it: dict[str, str]) -> Rich:
    return NOTES.get(it["spec"], NOTES.get(it["word"], ""))
