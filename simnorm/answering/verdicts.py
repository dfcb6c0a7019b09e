"""What is said of a claim: one word, the number behind it, and where it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

TRUE, FALSE, IMPRECISE = "true", "false", "imprecise"
SAME, UNDECIDED, NOT_MEASURED = "no difference", "undecided", "not measured"
ENOUGH, TOO_SMALL = "enough", "too small"

# What each word means, for the appendix and for whoever reads the table alone.
WORDS = {
    TRUE: "the numbers bear the claim out",
    FALSE: "the numbers say otherwise",
    IMPRECISE: "something is true of it, but not what it says",
    SAME: "the whole 95 % interval lies inside the margin named beforehand",
    UNDECIDED: "the interval allows both; beside it stands what it would take",
    NOT_MEASURED: "the study that it needs has no result",
    ENOUGH: "the batch size asked for reaches the target",
    TOO_SMALL: "the batch size asked for does not reach the target",
}


class Verdict(NamedTuple):
    """What the results say to one claim.

    Parameters
    ----------
    key
        A short name, the same in every run.
    claim
        What is claimed, in a sentence.
    word
        One of `WORDS`.
    number
        The number that decides, with its error; empty where nothing was measured.
    detail
        What was found, in one to three sentences.
    figure
        The kind of figure that shows it.
    chapter
        The study that it is from.
    why
        Why it is this word and no other.
    margin
        What was said beforehand to be too small to matter; empty where nothing is compared.
    needed
        What it would take to decide; empty where it is decided.
    """

    key: str
    claim: str
    word: str
    number: str = ""
    detail: str = ""
    figure: str = ""
    chapter: str = ""
    why: str = ""
    margin: str = ""
    needed: str = ""


def table_of(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return verdicts as a table, a row for each, all columns text.

    Examples
    --------
    >>> table_of([Verdict("overhead", "It costs time.", "undecided")]).loc[0, "word"]
    'undecided'
    """
    return pd.DataFrame([list(v) for v in verdicts], columns=list(Verdict._fields), dtype="str")
