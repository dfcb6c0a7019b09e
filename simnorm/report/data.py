"""What a report says of the user's data: its first page and its chapter on the columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.tables import floats, is_location, names_of
from simnorm.formatting import percent, plural, significant
from simnorm.report.columns import (
    FRESH_MEANING,
    MOST_ROWS,
    OWN_MEANING,
    UNSURE,
    facts_finding,
    facts_table,
    fresh_text,
    kinds_sentence,
    needs_finding,
    needs_table,
    number_text,
    own_text,
    ranked,
    ties_text,
)
from simnorm.report.enough import (
    Enough,
    enough,
    enough_sentence,
    enough_tile,
)
from simnorm.report.facts import (
    Quantity,
    featured_size,
    known_values,
    measure_for,
    pick,
    quantity,
    told_estimators,
)
from simnorm.report.tables import estimate_words
from simnorm.report.told import told
from simnorm.report.without import failures, joined, no_answer
from simnorm.report.words import (
    from_to,
    full_size,
    in_words,
    listed,
    off_by,
    sizes_text,
    unit_words,
)
from simnorm.sampling import REPLACEMENT, SEQUENTIAL, group_column
from simnorm.stopped import replications_range, replications_words

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FIRST_ROWS",
    "FRESH_MEANING",
    "MOST_ROWS",
    "OWN_MEANING",
    "UNSURE",
    "Enough",
    "Spread",
    "answer",
    "cut_in_words",
    "data_sentence",
    "enough",
    "enough_sentence",
    "enough_tile",
    "error_bars",
    "facts_finding",
    "facts_table",
    "file_name",
    "first_page",
    "fresh_text",
    "kinds_sentence",
    "known",
    "needs_finding",
    "needs_table",
    "number_text",
    "own_text",
    "ranked",
    "said_error",
    "setting",
    "spreads",
    "subtitle",
    "ties_text",
    "tiles",
]

# So many columns stand in the table of answers; results.csv has all.
FIRST_ROWS = 8


def file_name(data: str) -> str:
    """Return what the data are called in a sentence: the file without its folders.

    Examples
    --------
    >>> file_name("a/b/train.csv"), file_name("")
    ('train.csv', 'the data')
    """
    return data.replace("\\", "/").rstrip("/").rpartition("/")[2] or "the data"


def subtitle(frame: pd.DataFrame, data: str) -> str:
    """Return one line on what was run."""
    count = len(names_of(frame))
    whose = plural(count, "column") if count != 1 else f"column {names_of(frame)[0]}"
    drawn = ""
    if not _is_fixed(frame):
        drawn = f", {replications_words(frame)}"
    return (
        f"Bias, variance and RMSE of batch statistics for {whose} of {file_name(data)}; "
        f"N = {full_size(frame):,} rows{drawn}"
    )


def _is_fixed(frame: pd.DataFrame) -> bool:
    """Return whether the run draws nothing: file order alone."""
    return set(frame["sampling"]) <= {SEQUENTIAL}


def cut_in_words(frame: pd.DataFrame, data: str) -> str:
    """Return how batches come from the file."""
    scheme = str(frame["sampling"].iloc[0])
    rows, times = f"the {full_size(frame):,} rows of {file_name(data)}", replications_range(frame)
    group = group_column(scheme)
    if scheme == SEQUENTIAL:
        return f"This run cut {rows}, in the order of the file, into batches"
    if scheme == REPLACEMENT:
        return f"This run drew batches from {rows} with replacement, {times} times over"
    if group is not None:
        return (
            f"This run put the groups of {group} in {rows} into {times} random orders, with the "
            "rows of a group in the order of the file, and cut each into batches"
        )
    return f"This run put {rows} into {times} random orders and cut each into batches"


def setting(frame: pd.DataFrame, data: str) -> str:
    """Return what was compared with what, for the first paragraph."""
    return (
        "Whoever standardizes batch by batch, as batch normalization does, uses the mean and the "
        "standard deviation of a batch in place of those of the full data. "
        f"{cut_in_words(frame, data)}, and compared every batch of every column with the whole "
        "column."
    )


@dataclass(frozen=True)
class Spread:
    """One estimator's RMSEs over all columns at one batch size: the largest and the smallest."""

    word: str
    measure: str
    worst: Quantity
    best: Quantity
    worst_name: str
    best_name: str
    count: int

    @property
    def largest(self) -> float:
        """The largest RMSE, exact where that is known."""
        return known(self.worst)

    @property
    def is_level(self) -> bool:
        """Whether all columns have the same RMSE, up to what rounding hides."""
        return self.largest <= 1.01 * known(self.best)


def known(value: Quantity) -> float:
    """Return the exact value where there is one, otherwise the estimate."""
    exact = value.theory_kind == "exact" and math.isfinite(value.theory)
    return value.theory if exact else value.estimate


def spreads(frame: pd.DataFrame) -> list[Spread]:
    """Return the spread over the columns of the estimators that the first page speaks of."""
    n, found = featured_size(frame), []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        rows = pick(frame[frame["batch_size"] == n], word, measure)
        rows = rows.assign(known=known_values(rows))
        rows = rows[np.isfinite(floats(rows, "known"))].sort_values(
            "known", ascending=False, kind="stable"
        )
        if len(rows):
            first, last = rows.iloc[0], rows.iloc[-1]
            ends = quantity(first), quantity(last)
            names = str(first["name"]), str(last["name"])
            found.append(Spread(word, measure, *ends, *names, len(rows)))
    return found


def said_error(word: str, value: float, measure: str) -> str:
    """Return an RMSE as people say it."""
    if not measure.startswith("relative_"):
        return significant(value, 2) + unit_words(word)
    return f"{significant(value, 2)} sd" if is_location(word) else percent(value)


def answer(frame: pd.DataFrame, facts: pd.DataFrame) -> str:
    """Return the answer in plain words: how far off, in which column, and what is enough."""
    found = spreads(frame)
    nothing = _nothing(facts, found)
    if nothing:
        return nothing if found or _is_constant(facts) else no_answer(frame)
    n = featured_size(frame)
    parts = [_spread_words(one) for one in found]
    whose = "its column" if found[0].count > 1 else found[0].worst_name
    sentence = f"A batch of {plural(n, 'row')} misses {whose}’s " + ", and its ".join(parts)
    doubt = _doubt(found, failures(frame, told(frame)))
    return f"{sentence}, in root mean square. {doubt}{enough_sentence(frame)}".strip()


def _nothing(facts: pd.DataFrame, found: Sequence[Spread]) -> str:
    """Return why there is no error to speak of, or nothing."""
    if not found:
        return (
            "Every column is constant: there is no spread to be relative to."
            if _is_constant(facts)
            else "None of the errors asked for exists: every value is undefined."
        )
    if all(one.largest == 0.0 for one in found):
        if _is_constant(facts):
            return "Every column is constant, so every batch has the statistics of the whole file."
        return "There is no error: a batch is the whole file, so it has the file’s own statistics."
    return ""


def _is_constant(facts: pd.DataFrame) -> bool:
    """Return whether no column has any spread."""
    return bool(len(facts)) and bool((facts["kind"] == "constant").all())


def _spread_words(one: Spread) -> str:
    noun = in_words(one.word)
    if one.count == 1 or one.is_level:
        return f"{noun} by {off_by(one.word, one.largest, one.measure)}"
    ends = {one.best_name: known(one.best), one.worst_name: one.largest}
    return f"{noun} by {from_to(one.word, one.measure, ends)}"


def _doubt(found: Sequence[Spread], failed: str = "") -> str:
    """Return in brackets where a number told of has no valid error bar, or replications failed."""
    parts = []
    doubtful = [one for one in found if one.worst.status == "unreliable" and not _has_exact(one)]
    if doubtful:
        words = listed([f"the {in_words(one.word)}" for one in doubtful])
        several = len(doubtful) > 1
        have = "s of {} have no valid error bars." if several else " of {} has no valid error bar."
        parts.append(f"The largest error{have.format(words)}")
    parts += [failed] if failed else []
    return f"({joined(parts)}) " if parts else ""


def _has_exact(one: Spread) -> bool:
    return one.worst.theory_kind == "exact" and math.isfinite(one.worst.theory)


def tiles(frame: pd.DataFrame, facts: pd.DataFrame) -> list[dict[str, str]]:
    """Return the three numbers that matter, each with a caption and its error bar."""
    found = spreads(frame)
    if _nothing(facts, found):
        return []
    n = featured_size(frame)
    shown = []
    for one in found:
        where = "" if one.count == 1 or one.is_level else ", worst column"
        shown.append(
            {
                "number": said_error(one.word, one.largest, one.measure)
                if one.measure != "rmse"
                else significant(one.largest, 2),
                "caption": f"RMSE of the {in_words(one.word)} of a batch of {n:,}{where}"
                + (unit_words(one.word) if one.measure == "rmse" else ""),
                "detail": _detail(one, f"{one.worst_name}: " if where else ""),
            }
        )
    reached = enough(frame)
    return [*shown, enough_tile(reached)] if reached is not None else shown


def _detail(one: Spread, lead: str) -> str:
    """Return the estimate with its standard error, and theory beside it."""
    percents = one.measure != "rmse" and not is_location(one.word)
    factor, unit = (100.0, " %") if percents else (1.0, "")
    return lead + estimate_words(one.worst, factor, unit)


def error_bars(frame: pd.DataFrame) -> str:
    """Return what the error bars of a run on data mean."""
    if _is_fixed(frame):
        return (
            "Nothing is drawn at random in file order, so these numbers have no error bar: they "
            "are facts of this file, not of another one."
        )
    return (
        "Error bars (±, MCSE) are Monte Carlo error given this file: they say how exactly simnorm "
        "computed a number, not how another file would differ. The reference is the full set, the "
        "whole column: a file has no other."
    )


def data_sentence(frame: pd.DataFrame, data: str, provenance: dict[str, Any]) -> str:
    """Return what the file holds and what of it was used."""
    count = len(names_of(frame))
    sentences = [
        f"The file {file_name(data) if data else ''}".strip()
        + f" gives N = {full_size(frame):,} rows and "
        f"{plural(count, 'column')} of numbers, {'each a' if count > 1 else 'the'} full set"
        + (" of its own." if count > 1 else " of this run.")
    ]
    dropped = int(provenance.get("rows_dropped", 0) or 0)
    if dropped:
        verb = "was" if dropped == 1 else "were"
        sentences.append(f"{plural(dropped, 'row')} with gaps {verb} left out.")
    skipped = provenance.get("columns_skipped") or {}
    if isinstance(skipped, dict) and skipped:
        by_reason: dict[str, list[str]] = {}
        for name, reason in skipped.items():
            by_reason.setdefault(str(reason), []).append(_cut(str(name)))
        parts = [f"{listed(names, 6)} ({reason})" for reason, names in by_reason.items()]
        sentences.append(f"Not measured: {'; '.join(parts[:6])}.")
    sizes = sorted({int(n) for n in frame["batch_size"]})
    sentences.append(f"{plural(len(sizes), 'batch size').capitalize()}: {sizes_text(sizes)}.")
    return " ".join(sentences)


def _cut(name: str, longest: int = 36) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def first_page(
    frame: pd.DataFrame, facts: pd.DataFrame, data: str, provenance: dict[str, Any]
) -> dict[str, Any]:
    """Return what a report on data says in place of one on distributions."""
    facts = ranked(facts, names_of(frame))
    left = max(0, len(facts) - MOST_ROWS)
    return {
        "subtitle": subtitle(frame, data),
        "setting": setting(frame, data),
        "answer": answer(frame, facts),
        "shape": "",
        "tiles": tiles(frame, facts),
        "tiles_note": error_bars(frame),
        "data": data_sentence(frame, data, provenance),
        "columns": {
            "kinds": kinds_sentence(facts),
            "facts": facts_table(facts),
            "facts_finding": facts_finding(facts),
            "needs": needs_table(facts),
            "needs_finding": needs_finding(facts),
            "own": OWN_MEANING,
            "fresh": FRESH_MEANING,
            "left": f"{plural(left, 'more column')}: columns.csv" if left else "",
            "full_size": f"{full_size(frame):,}",
        },
    }
