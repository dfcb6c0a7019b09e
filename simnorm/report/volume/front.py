"""Page one: the question, the answer in plain words, and a verdict for every claim."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simnorm.answering.settings import QUICK, THOROUGH
from simnorm.answering.verdicts import UNDECIDED
from simnorm.figures.tables import short
from simnorm.formatting import plural
from simnorm.report.article import Article, Block, Rich, bullets, ref
from simnorm.report.data import file_name
from simnorm.report.text import listed
from simnorm.report.volume.needing import needing
from simnorm.report.volume.verdicts import LABEL, verdict_table

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.report.volume.tables import Tables

TITLE = "Does batch normalization replace standardizing the inputs?"
LONGEST = 60
TRUST: Rich = [
    "Verdicts are computed from the numbers, not written in. ", ref(LABEL),
    " has no number without its error, unless it is exact.",
]  # fmt: skip


def article(
    answer: Answer,
    tables: Mapping[str, Tables],
    known: Collection[str],
    chapters: Sequence[dict[str, Any]],
) -> Article:
    """Return the article: what page one says, and the chapters.

    Parameters
    ----------
    answer
        The answer.
    tables
        The studies that have a result.
    known
        The names of figures, tables and chapters.
    chapters
        What follows page one.
    """
    # The advice is longer than the answer; what is said first is set large.
    said = list(answer.sentences)
    return Article(
        title=TITLE,
        head=f"{whose(answer)}, batches of {answer.settings.batch_size:,}",
        about=f"({whose(answer)})",
        subtitle=subtitle(answer),
        setting=setting(answer, tables),
        answer=said[0] if said else "",
        shape=" ".join(said[1:]),
        first=[
            *needing(answer, tables),
            *advice(answer),
            verdict_table(answer.verdicts, known),
        ],
        trust=TRUST,
        chapters=chapters,
    )


def whose(answer: Answer) -> str:
    """Return what sets an answer apart from others: the file, or the distributions."""
    settings = answer.settings
    if settings.data:
        return short(file_name(settings.data), LONGEST)
    words = listed(settings.names)
    return words if len(words) <= LONGEST else plural(len(settings.names), "distribution")


def subtitle(answer: Answer) -> str:
    """Return one line on what was run."""
    settings = answer.settings
    what = (
        f"{plural(len(settings.names), 'column')} of {file_name(settings.data)}, "
        f"N = {settings.full_size:,} rows"
        if settings.data
        else f"{whose(answer)}; full sets of N = {settings.full_size:,}"
    )
    level = {QUICK: "; a quick run", THOROUGH: "; a thorough run"}.get(settings.level, "")
    return f"For {what}; batches of {settings.batch_size:,}{level}"


def setting(answer: Answer, tables: Mapping[str, Tables]) -> str:
    """Return what this document is, for the first paragraph."""
    count = len(answer.results)
    done = len(tables)
    studies = "Six studies" if count == done == 6 else f"{done} of {count} studies"
    return (
        "It is often said that a batch normalization layer at the input does what a StandardScaler "
        f"does, and much is said against it, mostly without numbers. {studies} put numbers to "
        f"{plural(len(answer.verdicts), 'claim')}, each with its error, and judge "
        f"{'it' if len(answer.verdicts) == 1 else 'them'} by margins named beforehand."
    )


def notice(answer: Answer) -> str:
    """Return what stands between reader and numbers: a quick run, or studies that are missing."""
    parts = []
    if answer.settings.level == QUICK:
        count, every = sum(v.word == UNDECIDED for v in answer.verdicts), len(answer.verdicts)
        verb = "is" if count == 1 else "are"
        some = f": {count} of {every} claims {verb} undecided, and" if count else ":"
        parts.append(
            f"A quick run{some} few repeats leave wide intervals. Without --quick they are "
            "narrower."
        )
    missing = list(answer.missing)
    if missing:
        verb = "has" if len(missing) == 1 else "have"
        parts.append(f"{listed(missing).capitalize()} {verb} no result: the chapter says why.")
    return " ".join(parts)


def advice(answer: Answer) -> list[Block]:
    """Return what to do, sentence by sentence."""
    return [bullets(list(answer.advice))] if answer.advice else []
