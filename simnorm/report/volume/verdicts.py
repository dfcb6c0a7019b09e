"""The verdicts: a table with a row for every claim, and a word before each chapter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from simnorm.answering.verdicts import (
    ENOUGH,
    FALSE,
    IMPRECISE,
    NOT_MEASURED,
    SAME,
    TOO_SMALL,
    TRUE,
    UNDECIDED,
)
from simnorm.formatting import NOTHING
from simnorm.report.article import Block, Rich, badge, ref, table, verdict

if TYPE_CHECKING:
    from simnorm.answering import Verdict

# How the plate of a word is coloured; see `simnorm.report.pieces.badge`.
TONE_OF = {
    TRUE: "yes", ENOUGH: "yes", FALSE: "no", TOO_SMALL: "no", IMPRECISE: "part",
    SAME: "same", UNDECIDED: "open", NOT_MEASURED: "none",
}  # fmt: skip
LABEL = "verdicts"


def plate(word: str) -> Rich:
    """Return the word of a verdict as a plate; a word that is not known is an open one."""
    return [badge(word, TONE_OF.get(word, "open"))]


def verdict_table(verdicts: Sequence[Verdict], known: Collection[str]) -> Block:
    """Return the table with a row for every claim.

    Parameters
    ----------
    verdicts
        In their order.
    known
        The names of the document's figures and chapters: a row refers to those alone.
    """
    rows = [[v.claim, plate(v.word), v.number or NOTHING, where(v, known)] for v in verdicts]
    return table(
        ["claim", "verdict", "the number behind it", "shown in"], rows,
        "Every claim with its verdict. What the words mean, and the margins named beforehand, is "
        "said in the appendix.",
        "llll", shares=(1.25, 0, 1, 0), gutter=5.0, label=LABEL, air=4.2,
    )  # fmt: skip


def where(verdict: Verdict, known: Collection[str]) -> Rich:
    """Return links to the figure and the chapter that show a number, as far as there are any."""
    figure, chapter = f"{verdict.chapter}-{verdict.figure}", chapter_label(verdict.chapter)
    found: list[Any] = [ref(name) for name in (figure, chapter) if name in known]
    return [found[0], ", ", found[1]] if len(found) == 2 else found or NOTHING


def chapter_label(study: str) -> str:
    """Return what references call the chapter of a study."""
    return f"chapter-{study}"


def verdict_blocks(verdicts: Sequence[Verdict], study: str) -> list[Block]:
    """Return the claims that a chapter is about, each with its verdict and why."""
    return [
        verdict(v.claim, v.word[:1].upper() + v.word[1:], _why(v))
        for v in verdicts
        if v.chapter == study
    ]


def _why(verdict: Verdict) -> str:
    """Return what was found, why it makes this verdict, and what it would take to decide."""
    needed = f"It would take {verdict.needed}." if verdict.needed else ""
    parts = (verdict.detail or verdict.number, verdict.why, needed)
    return " ".join(_sentence(part) for part in parts if part)


def _sentence(words: str) -> str:
    """Return words with a full stop and a capital, where they have none.

    Examples
    --------
    >>> _sentence("the interval leaves 0 out"), _sentence("Done.")
    ('The interval leaves 0 out.', 'Done.')
    """
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words[-1:] in ".!?" else ".")
