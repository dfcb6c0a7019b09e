"""The first page: the question, the answer in plain words, three numbers and one picture."""

from __future__ import annotations

import math
from typing import Any

from simnorm.figures.choice import schemes_of
from simnorm.figures.schemes import said
from simnorm.figures.tables import is_location, names_of, short
from simnorm.formatting import plural
from simnorm.report import data, schemes, text
from simnorm.report.article import Block, Rich, figure, ref
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.facts import measure_for, needed_sizes, told_estimators
from simnorm.report.findings.overview import overview_finding

# The axes of the picture in inches where the answer is short, and what a line of it takes.
TALLEST, LOWEST, LINE = 3.0, 1.9, 0.21
# The running head has the question beside it.
LONGEST_HEAD = 62
SHORT_ANSWER, LETTERS_PER_LINE = 4, 72


def about(run: Run) -> str:
    """Return what sets a report apart from others: the file, or the distributions."""
    if run.of_data:
        return short(data.file_name(run.path))
    names = names_of(run.frame)
    whose = text.listed(names)
    return whose if len(whose) <= LONGEST_HEAD else plural(len(names), "distribution")


def head(run: Run) -> str:
    """Return the words of the running head on what was run."""
    return f"Sweep of {short(about(run), LONGEST_HEAD)}"


def opening(run: Run) -> dict[str, Any]:
    """Return what the first page says before its picture, as parts of an article."""
    frame = run.frame
    if run.of_data:
        return {
            "subtitle": data.subtitle(frame, run.path),
            "setting": f"{data.setting(frame, run.path)} {_others(run)}".strip(),
            "answer": data.answer(frame, run.facts),
            "shape": schemes.cost(run.whole),
            "tiles": data.tiles(frame, run.facts),
            "tiles_note": data.error_bars(frame),
        }
    return {
        "subtitle": text.subtitle(frame),
        "setting": f"{text.setting(frame)} {_others(run)}".strip(),
        "answer": text.answer(frame),
        "shape": f"{text.shape_matters(frame)} {schemes.cost(run.whole)}".strip(),
        "tiles": text.tiles(frame),
        "tiles_note": text.tiles_note(frame),
    }


def _others(run: Run) -> str:
    """Return which other sampling schemes the run has, or nothing."""
    shown = schemes_of(run.frame)
    others = [said(word) for word in schemes_of(run.whole) if word not in shown]
    if not others:
        return ""
    mine = said(shown[0])
    return (
        f"This page is about the sampling scheme {mine}; the section on sampling schemes compares "
        f"it with {text.listed(others)}."
    )


def picture(run: Run, answer: str) -> list[Block]:
    """Return the figure that answers the question; none where every value is undefined."""
    if not run.has("overview"):
        return []
    what = f"RMSE of batch statistics against those of {run.against}, by batch size."
    caption = " ".join(part for part in (what, overview_finding(run.frame), _numbers(run)) if part)
    # Letters keep their size in a lower picture, which they do not in one that is made smaller.
    lines = math.ceil(len(answer) / LETTERS_PER_LINE) - SHORT_ANSWER + 5 * run.falls_short
    height = max(LOWEST, TALLEST - LINE * max(0, lines))
    alt = f"{text.overview_alt(run.frame)} {answer}"
    return [figure("overview", caption, alt, options={"height": height})]


def _numbers(run: Run) -> str:
    """Return what the bare numbers in the picture are, where there are such."""
    for word in told_estimators(run.frame):
        if is_location(word) or measure_for(run.frame, word) == "rmse":
            continue
        found = [at for target in text.TARGETS for at in
                 needed_sizes(run.frame, word, target).values()]  # fmt: skip
        if any(at.how == "between" and at.trusted for at in found):
            return "Numbers at dotted lines: the batch sizes at which an error is down to these."
    return ""


def trust(run: Run, *, answers: bool) -> Rich:
    """Return how far the numbers can be trusted, and where more of them stand.

    Parameters
    ----------
    run
        The run.
    answers
        Whether the report has a table of answers.
    """
    shown: list[Any] = [text.trust(run.whole)]
    if run.questions:
        shown += [" ", ref("checks"), " shows how."]
    if answers and len(run.names) > 1:
        shown += [" ", ref("answers"), f" has the numbers by {run.thing}."]
    return shown
