"""What a report says of the user's data: its first page and its chapter on the columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.describe import FEWEST_FOR_TAIL, LIGHT_TAIL
from simnorm.figures.tables import floats, is_location, names_of
from simnorm.formatting import NOTHING, percent, plural, significant
from simnorm.report.facts import (
    Quantity,
    featured_size,
    known_values,
    measure_for,
    needed_sizes,
    pick,
    quantity,
    told_estimators,
)
from simnorm.report.tables import THIN, aligned, estimate_text, theory_text
from simnorm.report.text import (
    TARGETS,
    full_size,
    in_words,
    listed,
    sizes_text,
    unit_words,
)
from simnorm.sampling import REPLACEMENT, SEQUENTIAL, group_column
from simnorm.stopped import replications_range, replications_words

if TYPE_CHECKING:
    import pandas as pd

# So many columns stand in a table; columns.csv and results.csv have all.
FIRST_ROWS = 8
MOST_ROWS = 12
UNSURE = "*"

OWN_MEANING = (
    "For this file’s own variance: the batch size from which on the unbiased variance of a batch, "
    "drawn from these very rows without replacement, is within 10 % (5 %) of the file’s own in "
    "root mean square. What counts is the full set, so it is never more than N."
)
FRESH_MEANING = (
    "For fresh data from the same source: how many new, independent rows have a variance within "
    "10 % (5 %) of the source’s, by the formula for independent draws with the file’s k-statistics "
    f"in place of the unknown moments. It may be more than N. {UNSURE}: not reliable, the tail "
    f"index is below {LIGHT_TAIL:.0f} or unknown."
)


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
        return nothing
    n = featured_size(frame)
    parts = [_spread_words(one) for one in found]
    whose = "its column" if found[0].count > 1 else found[0].worst_name
    sentence = f"A batch of {plural(n, 'row')} misses {whose}’s " + ", and its ".join(parts)
    return f"{sentence}, in root mean square. {_doubt(found)}{enough_sentence(frame)}".strip()


def _nothing(facts: pd.DataFrame, found: Sequence[Spread]) -> str:
    """Return why there is no error to speak of, or nothing."""
    if not found:
        return (
            "Every column is constant: there is no spread to be relative to."
            if len(facts) and (facts["kind"] == "constant").all()
            else "None of the errors asked for exists: every value is undefined."
        )
    if all(one.largest == 0.0 for one in found):
        if len(facts) and (facts["kind"] == "constant").all():
            return "Every column is constant, so every batch has the statistics of the whole file."
        return "There is no error: a batch is the whole file, so it has the file’s own statistics."
    return ""


def _spread_words(one: Spread) -> str:
    noun = in_words(one.word)
    worst = said_error(one.word, one.largest, one.measure)
    if one.count == 1 or one.is_level:
        return f"{noun} by {worst}"
    best = said_error(one.word, known(one.best), one.measure)
    return f"{noun} by {best} ({one.best_name}) to {worst} ({one.worst_name})"


def _doubt(found: Sequence[Spread]) -> str:
    """Return that an error bar is missing, where a number told of has no valid one."""
    doubtful = [one for one in found if one.worst.status == "unreliable" and not _has_exact(one)]
    if not doubtful:
        return ""
    words = listed([in_words(one.word) for one in doubtful])
    return f"(The largest error of the {words} has no valid error bar.) "


def _has_exact(one: Spread) -> bool:
    return one.worst.theory_kind == "exact" and math.isfinite(one.worst.theory)


@dataclass(frozen=True)
class Enough:
    """How many columns come down to an RMSE of 10 %, and at which batch sizes."""

    word: str
    reached: int
    count: int
    half: int
    every: int
    largest: int
    is_near: bool = True

    @property
    def about(self) -> str:
        """How the sizes are meant: found between two near ones of the run, or as a bound."""
        return "About" if self.is_near else "No more than"

    @property
    def sign(self) -> str:
        """The same as a sign."""
        return "≈" if self.is_near else "≤"


def enough(frame: pd.DataFrame, target: float = TARGETS[0]) -> Enough | None:
    """Return what batch size is enough for how many columns; None without relative errors."""
    for word in told_estimators(frame):
        if measure_for(frame, word) == "rmse":
            continue
        found = [at for at in needed_sizes(frame, word, target).values() if at.how != "unknown"]
        if not found:
            continue
        sizes = sorted(at.size for at in found if at.how != "beyond")
        half = sizes[math.ceil(len(found) / 2) - 1] if 2 * len(sizes) >= len(found) else 0
        every = sizes[-1] if len(sizes) == len(found) else 0
        largest = int(frame["batch_size"].max())
        is_near = all(at.how in ("between", "beyond") for at in found if at.size in (half, every))
        return Enough(word, len(sizes), len(found), half, every, largest, is_near)
    return None


def enough_sentence(frame: pd.DataFrame) -> str:
    """Return which batch size brings the RMSE down to 10 %, and in how many of the columns."""
    found = enough(frame)
    if found is None:
        return ""
    noun = in_words(found.word)
    unit = "10 % of an sd" if is_location(found.word) else "10 %"
    if found.every and found.count == 1:
        return f"{found.about} {plural(found.every, 'row')} bring the {noun} within {unit}."
    if found.every:
        half = f", {found.about.lower()} {found.half:,} in half of them"
        half = half if found.half < found.every else ""
        return (
            f"{found.about} {plural(found.every, 'row')} bring the {noun} within {unit} in all "
            f"{found.count:,} columns{half}."
        )
    if not found.reached:
        return (
            f"Even the largest batch simulated, {found.largest:,} rows, does not bring the {noun} "
            f"within {unit}" + (" in any column." if found.count > 1 else ".")
        )
    return (
        f"The largest batch simulated, {found.largest:,} rows, brings the {noun} within {unit} in "
        f"{found.reached:,} of {found.count:,} columns."
    )


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
    return [*shown, _enough_tile(reached)] if reached is not None else shown


def _detail(one: Spread, lead: str) -> str:
    """Return the estimate with its standard error, and theory beside it."""
    percents = one.measure != "rmse" and not is_location(one.word)
    factor, unit = (100.0, " %") if percents else (1.0, "")
    estimate, _, mark = estimate_text(one.worst, factor).partition(THIN)
    text = f"{lead}estimate {estimate}{unit}" + (f"{THIN}{mark}" if mark else "")
    if one.worst.theory_kind not in ("exact", "asymptotic"):
        return text
    word = "exactly" if one.worst.theory_kind == "exact" else "asymptotically"
    return f"{text}; {word} {theory_text(one.worst, factor).removeprefix('≈ ')}{unit}"


def _enough_tile(found: Enough) -> dict[str, str]:
    noun = in_words(found.word)
    whose = "" if found.count == 1 else f", all {found.count:,} columns"
    number = f"{found.sign} {found.every:,}" if found.every else f"> {found.largest:,}"
    detail = "interpolated" if found.is_near else "no batch size of the run is nearer"
    if found.count > 1:
        half = (
            f"half of them: {found.sign} {found.half:,}"
            if found.half
            else "fewer than half reach it"
        )
        detail = half if found.every else f"{found.reached:,} of them do; {half}"
    return {
        "number": number,
        "caption": f"the batch size for 10 % RMSE of the {noun}{whose}",
        "detail": detail,
    }


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
        f"{file_name(data)} gives N = {full_size(frame):,} rows and "
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


def kinds_sentence(facts: pd.DataFrame) -> str:
    """Return which columns have no spread, or next to none, or nothing."""
    sentences = []
    for kind, what in (
        ("constant", "so nothing about them is uncertain and no error is relative"),
        ("nearly constant", "their spread is lost in the rounding of their values"),
    ):
        names = [str(name) for name in facts.loc[facts["kind"] == kind, "column"]]
        if names:
            sentences.append(f"{kind.capitalize()}, {what}: {listed(names)}.")
    return " ".join(sentences)


def ranked(facts: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the facts in the order of `names`."""
    place = {name: at for at, name in enumerate(names)}
    order = [place.get(str(name), len(place)) for name in facts["column"]]
    return facts.iloc[np.argsort(order, kind="stable")]


def facts_table(facts: pd.DataFrame) -> list[list[str]]:
    """Return what the first of the columns are like, a row of texts each."""
    rows = facts.iloc[:MOST_ROWS]
    numbers = ("mean", "std", "skewness", "excess_kurtosis", "tail_index")
    columns = [[str(name) for name in rows["column"]]]
    columns += [aligned([number_text(value) for value in floats(rows, word)]) for word in numbers]
    columns.append([ties_text(value) for value in floats(rows, "ties")])
    return [list(row) for row in zip(*columns, strict=True)]


def number_text(value: float) -> str:
    """Return a fact to three digits: a file's own number needs no more to be recognized.

    Examples
    --------
    >>> number_text(0.0), number_text(12.3456), number_text(float("inf"))
    ('0', '12.3', '∞')
    """
    if math.isnan(value):
        return NOTHING
    return "∞" if math.isinf(value) else significant(value, 3)


def ties_text(share: float) -> str:
    """Return a share of ties.

    Examples
    --------
    >>> ties_text(0.0), ties_text(0.494), ties_text(0.001), ties_text(0.9999)
    ('0 %', '49 %', '< 1 %', '> 99 %')
    """
    if math.isnan(share):
        return NOTHING
    if 0.0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1.0 else f"{100.0 * share:.0f} %"


def needs_table(facts: pd.DataFrame) -> list[list[str]]:
    """Return the two kinds of needed batch sizes of the first columns, never merged."""
    rows = facts.iloc[:MOST_ROWS]
    columns = [[str(name) for name in rows["column"]]]
    sizes = floats(rows, "rows")
    sure = rows["fresh_reliable"].to_numpy(dtype=bool)
    for key in ("10", "5"):
        own = zip(floats(rows, f"n_own_{key}"), sizes, strict=True)
        columns.append([own_text(n, N) for n, N in own])
    for key in ("10", "5"):
        fresh = zip(floats(rows, f"n_fresh_{key}"), sizes, sure, strict=True)
        columns.append([fresh_text(n, N, reliable=bool(good)) for n, N, good in fresh])
    return [list(row) for row in zip(*columns, strict=True)]


def own_text(n: float, full: float) -> str:
    """Return a batch size for the file's own variance, and its share of N.

    Examples
    --------
    >>> own_text(71.0, 178.0)
    '71 (40 %)'
    """
    return NOTHING if math.isnan(n) else f"{n:,.0f} ({ties_text(n / full)})"


def fresh_text(n: float, full: float, *, reliable: bool) -> str:
    """Return a batch size for fresh data, and whether it is more than the file has.

    Examples
    --------
    >>> fresh_text(461.0, 178.0, reliable=False), fresh_text(117.0, 178.0, reliable=True)
    ('461, more than N*', '117')
    """
    if math.isnan(n):
        return NOTHING
    return f"{n:,.0f}" + (", more than N" if n > full else "") + ("" if reliable else UNSURE)


def facts_finding(facts: pd.DataFrame) -> str:
    """Return what the facts of all columns say of how far batches can be trusted."""
    alive = facts[facts["kind"] == ""]
    if alive.empty:
        return ""
    count = len(alive)
    index = floats(alive, "tail_index")
    heavy, unknown = int((index < LIGHT_TAIL).sum()), int(np.isnan(index).sum())
    most = alive.iloc[int(np.nan_to_num(floats(alive, "excess_kurtosis"), nan=-9.0).argmax())]
    sentences = []
    kurtosis = float(most["excess_kurtosis"])
    if math.isfinite(kurtosis):
        whose = f" ({most['column']})" if count > 1 else ""
        sentences.append(
            f"The largest excess kurtosis is {significant(kurtosis, 2)}{whose}; the larger it is, "
            "the more the variance of a batch varies."
        )
    if unknown == count:
        sentences.append(
            f"The tail index is unknown: it takes {FEWEST_FOR_TAIL} rows and a tail without ties."
        )
    elif count > 1:
        rest = f", of {unknown:,} it is unknown" if unknown else ""
        sentences.append(
            f"The tail index of {heavy:,} of {count:,} columns is below {LIGHT_TAIL:.0f}{rest}."
        )
    return " ".join(sentences)


def needs_finding(facts: pd.DataFrame) -> str:
    """Return what the needed batch sizes of all columns come to."""
    own, fresh = floats(facts, "n_own_10"), floats(facts, "n_fresh_10")
    keep = np.isfinite(own) & np.isfinite(fresh)
    if not keep.any():
        return ""
    N = float(floats(facts, "rows").max())
    own, fresh = own[keep], fresh[keep]
    low, high = float(own.min()), float(own.max())
    span = f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
    beyond = int((fresh > N).sum())
    of = f"{beyond:,} of {plural(own.size, 'column')}" if own.size > 1 else ""
    more = f"for {of} fresh data would have to have more than N" if beyond and of else ""
    if beyond and not of:
        more = "fresh data would have to have more than N"
    return f"For 10 % of the file’s own variance it takes {span} of its {N:,.0f} rows" + (
        f"; {more}." if more else "."
    )


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
