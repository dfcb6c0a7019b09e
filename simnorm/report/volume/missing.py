"""The chapter of a study without a result: why, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.answering import Missing
from simnorm.report.article import Block, finding
from simnorm.report.article import text as paragraph

if TYPE_CHECKING:
    from simnorm.answering import Answer

AGAIN = "run the same command again"
WOULD_SHOW = {
    "sweep": "how far mean and standard deviation of a batch are from those of all the data",
    "inputs": "how far a value normalized by its batch is from its z-score",
    "running": "how far running averages are off at test time",
    "scaling": "how accurate k nearest neighbours and a neural network are with and without "
    "scaling",
    "shift": "how much the distribution of activations moves while a network is trained, with "
    "batch normalization, without it, and with noise after it",
    "overhead": "how long a training step and inference take with batch normalization, beside "
    "none, and beside standardizing once",
}


def missing_blocks(answer: Answer, study: str) -> list[Block]:
    """Return what a chapter without a result says; nothing if the study was never asked for."""
    found = answer.results.get(study)
    if not isinstance(found, Missing):
        return []
    again = "" if AGAIN in found.what_to_do.lower() else "Then run the same command again: w"
    kept = f"{again or 'W'}hat is finished is kept, and this report is made anew."
    return [
        finding(f"Not measured here. {found.reason}".strip()),
        paragraph(
            f"This chapter would show {WOULD_SHOW[study]}. {found.what_to_do} {kept}".replace(
                "  ", " "
            )
        ),
    ]
