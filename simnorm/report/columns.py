"""What a report says of the columns of a file: what they are like, and which rows are enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simnorm.describe import FEWEST_FOR_TAIL, LIGHT_TAIL
from simnorm.figures.tables import floats
from simnorm.formatting import NOTHING, plural, significant
from simnorm.report.tables import aligned
from simnorm.report.words import listed

if TYPE_CHECKING:
    import pandas as pd

# So many columns stand in a table; columns.csv and results.csv have all.
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
