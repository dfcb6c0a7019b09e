"""Page one: the question, the answer in plain words, and a verdict for every claim."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simnorm.answering.margins import COMPUTED, WITH_ERRORS
from simnorm.answering.settings import QUICK, THOROUGH
from simnorm.answering.verdicts import NOT_MEASURED, UNDECIDED
from simnorm.figures.tables import short
from simnorm.formatting import plural
from simnorm.report.article import Article, Block, Rich, bullets, ref
from simnorm.report.article import text as paragraph
from simnorm.report.data import file_name
from simnorm.report.text import listed
from simnorm.report.volume.needing import needing
from simnorm.report.volume.verdicts import LABEL, verdict_table

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.report.volume.tables import Tables

TITLE = "Does batch normalization replace standardizing the inputs?"
LONGEST = 60
# So many sentences of the answer stand in its box: more is no answer at a glance.
IN_BOX = 3
# Claims whose verdict is algebra or a formula, whatever a run comes to.
BY_THEORY = {
    "gamma_beta": "that γ and β leave the shape of the data as it is",
    "full_set_z": "the own error of a z-score",
}
KEY = (
    " z-score: a value less the mean of all the data, divided by their standard deviation (sd). "
    "±: standard error. Brackets: 95 % interval."
)


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
    # What is said first is set large; what to do comes next, before what else there is to say.
    said = list(answer.sentences)
    rest = " ".join(said[IN_BOX:])
    return Article(
        title=TITLE,
        head=f"{whose(answer)}, batches of {answer.settings.batch_size:,}",
        about=f"({whose(answer)})",
        subtitle=subtitle(answer),
        setting=setting(answer, tables),
        answer=said[0] if said else "",
        shape=" ".join(said[1:IN_BOX]),
        first=[
            *advice(answer),
            *([paragraph(rest)] if rest else []),
            *needing(answer, tables),
            verdict_table(answer.verdicts, known),
        ],
        trust=trust(answer),
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
        "A layer of batch normalization (BN) at the input is said to do what a StandardScaler "
        f"does. {studies} put numbers to {plural(len(answer.verdicts), 'claim')} about that."
    )


def trust(answer: Answer) -> Rich:
    """Return how verdicts come about, which rest on theory alone, and what the signs mean."""
    judged = {v.key for v in answer.verdicts if v.word != NOT_MEASURED}
    known = [words for key, words in BY_THEORY.items() if key in judged]
    theory = f" By theory, not from a run: {listed(known)}." if known else ""
    return [f"{COMPUTED}.{theory} ", ref(LABEL), f" {WITH_ERRORS}.", KEY]


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
    if not answer.advice:
        return []
    return [paragraph("", "What to do"), bullets(list(answer.advice))]
