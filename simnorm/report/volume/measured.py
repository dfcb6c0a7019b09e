"""How it was measured: once for all chapters, so that none has to say it again."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from simnorm.answering import margins
from simnorm.report.article import Block, Rich, bullets, code, ref, sym
from simnorm.report.article import text as paragraph
from simnorm.report.volume.verdicts import chapter_label

if TYPE_CHECKING:
    from simnorm.answering import Answer

BATCHES = ("sweep", "inputs", "running")
OF_DATA = "a new order of the rows, cut into batches"
OF_LAWS = "a new full set of draws, cut into batches"
REPLICATIONS = {
    "scaling": "a repeat of cross-validation. Folds share training rows, so the intervals are "
    "wider than naive ones (the corrected resampled t of Nadeau and Bengio)",
    "shift": "a training run of all variants from one seed, so that they are compared in pairs",
    "overhead": "a round of timings of all variants in turn; ratios are taken within a round",
}
WORDS = (
    "A z-score is a value less the mean, divided by the standard deviation, both of all the data: "
    "what StandardScaler makes. A layer of batch normalization (BN) does it by mean and standard "
    "deviation of the batch, adds ε to the variance, then multiplies by γ and adds β, which are "
    "learned; at test time it uses running averages of what it saw while training. PreciseBN pools "
    "all batches instead, each weighing the same, with the weights of the net held fixed. kNN: k "
    "nearest neighbours. MLP: multilayer perceptron, a small neural network. A point of accuracy "
    "is 1 % of the test rows."
)
GIVEN = (
    " Error bars of numbers on the file say how exactly they were computed given this file, not "
    "how another file would differ."
)


def measured(answer: Answer, present: Collection[str]) -> list[Block]:
    """Return what words, errors and error bars mean in all chapters.

    Parameters
    ----------
    answer
        The answer.
    present
        The studies that have a result.
    """
    of_data = bool(answer.settings.data)
    whole = "the file" if of_data else "a full set, a sample of a known distribution"
    first: Rich = [
        "A batch has ", sym("n"), " of the ", sym("N"), f" values of {whole}. What is computed "
        "from a batch is compared with the same computed from all ", sym("N"), " values. RMSE is "
        "the root of the mean squared difference; sd is the standard deviation of the data, a unit "
        "in which values can be compared whatever they measure.",
    ]  # fmt: skip
    return [
        paragraph(first),
        paragraph(
            "Every number is an estimate from independent replications, with its Monte Carlo "
            "standard error (±) or a 95 % interval, unless it is exact or by theory, and then says "
            "so. What a replication is:"
        ),
        bullets(_replications(present, OF_DATA if of_data else OF_LAWS)),
        paragraph(
            "A margin says beforehand what is too small to matter, such as an error of "
            f"{margins.ERROR:g} sd; the appendix lists them. Where a claim hangs on numbers with "
            "errors, their intervals decide, widened so that all comparisons of the claim hold "
            "together. No difference means that the whole interval lies inside the margin; one "
            "that merely holds 0 proves nothing, and the claim is called undecided. Not all is "
            "numbers: what a formula makes so, or a program refuses, is said as that."
            + GIVEN
            * of_data,
            "Verdicts.",
        ),
        paragraph(WORDS, "Words."),
    ]


def _replications(present: Collection[str], cut: str) -> list[Rich]:
    """Return what a replication is, study by study."""
    found: list[Rich] = []
    of_batches: list[Any] = []
    for study in BATCHES:
        if study in present:
            of_batches += [", " * bool(of_batches), *_named(study)]
    if of_batches:
        found.append([*of_batches, f": {cut}. Exact theory stands beside it where there is some."])
    found += [[*_named(study), f": {words}."] for study, words in REPLICATIONS.items()
              if study in present]  # fmt: skip
    return found


def _named(study: str) -> list[Any]:
    """Return a link to the chapter of a study, and its word."""
    return [ref(chapter_label(study)), " (", code(study), ")"]
