"""How it was measured: once for all chapters, so that none has to say it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Block, bullets, code, sym
from simnorm.report.article import text as paragraph

if TYPE_CHECKING:
    from simnorm.answering import Answer


def measured(answer: Answer) -> list[Block]:
    """Return what words, errors and error bars mean in all chapters."""
    of_data = bool(answer.settings.data)
    whole = "the file" if of_data else "the full set, a sample of a known distribution"
    given = (
        " The error bars of chapters on the file say how exactly a number was computed given this "
        "file, not how another file would differ."
        if of_data
        else ""
    )
    return [
        paragraph(
            ["A batch has ", sym("n"), " of the ", sym("N"), f" values of {whole}. What is "
             "computed from a batch is compared with the same computed from all ", sym("N"),
             " values, a batch with its own full set. RMSE is the root of the mean squared "
             "difference; sd is the standard deviation of the data, the unit in which values can "
             "be compared whatever they measure."]
        ),
        paragraph(
            "Every number is an estimate from independent replications, and comes with its Monte "
            "Carlo standard error (±) or a 95 % interval. What one replication is differs:"
        ),
        bullets(
            [
                ["Chapters on ", code("sweep"), ", ", code("inputs"), " and ", code("running"),
                 ": ", "a new order of the rows, cut into batches. " if of_data else
                 "a new full set, cut into batches. ", "Exact theory stands beside it wherever "
                 "there is some."],
                ["Chapter on ", code("scaling"), ": a repeat of cross-validation. Its folds share "
                 "training rows, so intervals are wider than naive ones (the corrected t of Nadeau "
                 "and Bengio)."],
                ["Chapter on ", code("shift"), ": a training run of all variants with one seed, so "
                 "that they are compared in pairs."],
                ["Chapter on ", code("overhead"), ": a round of timings of all variants in turn; "
                 "ratios are taken within a round."],
            ]
        ),
        paragraph(
            "A claim is called true or false only if the interval of its number says so. No "
            "difference means that the whole interval lies inside a margin named beforehand; an "
            "interval that merely holds 0 proves nothing, and is called undecided."
            + given
        ),
    ]  # fmt: skip
