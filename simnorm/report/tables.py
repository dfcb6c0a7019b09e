"""The printed tables of a report: numbers as text, rounded to their error and aligned."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.choice import chosen_names
from simnorm.figures.tables import (
    FIRST_NAMES,
    estimators_of,
    floats,
    is_data,
    is_location,
    named,
    names_of,
    reference_of,
    unit_of,
)
from simnorm.formatting import NOTHING, decimals_of, fixed, format_estimate, significant
from simnorm.questions import independent_questions
from simnorm.report.facts import (
    Quantity,
    featured_size,
    look_up,
    measure_for,
    needed_size,
    quantity,
    told_estimators,
)
from simnorm.report.words import TARGETS, in_words, unit_words, z_text

if TYPE_CHECKING:
    import pandas as pd

# More rows than this are not printed; the attached CSV has them all.
MOST_ROWS = 100
# Of columns of data so many are, the worst.
MOST_COLUMNS = 3
# Of distributions so many are, the smallest and the largest errors among them.
MOST_LAWS = 12
MEASURES = ("bias", "variance", "rmse")

# As wide as a digit, and as wide as a decimal point: they align numbers of unequal length.
FIGURE_SPACE, POINT_SPACE = "\u2007", "\u2008"
UNRELIABLE, FAILED, AMBER, ASYMPTOTIC = "†", "‡", "°", "≈ "
# Between a number and its mark: the thinnest space that the fonts of a report have.
THIN = POINT_SPACE
ROUNDING = 1e-9
MARKS = {"unreliable": UNRELIABLE, "failed": FAILED}


def estimate_text(value: Quantity, factor: float = 1.0, *, amber: bool = False) -> str:
    """Return an estimate with its standard error, marked if it has no valid one.

    Other marks say that some replications failed and, if wanted, that the error is amber.
    """
    if not math.isfinite(value.estimate):
        return NOTHING
    # A standard error of the size of rounding asks for no further digits.
    mcse = value.mcse if value.mcse > ROUNDING * abs(value.estimate) else 0.0
    text = format_estimate(factor * value.estimate, factor * mcse)
    return marked(text, AMBER if amber and value.is_amber else MARKS.get(value.status, ""))


def marked(number: str, mark: str) -> str:
    """Return a number with a mark behind it, a thin space between; as it is without a mark."""
    return f"{number}{THIN}{mark}" if mark else number


def theory_text(value: Quantity, factor: float = 1.0) -> str:
    """Return the theory value with as many decimals as the estimate beside it has."""
    if not math.isfinite(value.theory):
        return NOTHING
    theory, error = factor * value.theory, factor * value.mcse
    sign = ASYMPTOTIC if value.theory_kind == "asymptotic" else ""
    if theory == 0.0:
        return "0"
    plain = math.isfinite(error) and error > 0.0 and 1e-4 <= abs(theory) < 1e7
    if plain and decimals_of(error) <= 7:
        return sign + fixed(theory, decimals_of(error))
    return sign + significant(theory)


def estimate_words(value: Quantity, factor: float = 1.0, unit: str = "") -> str:
    """Return an estimate with its standard error, to one digit of it, and exact theory, in words.

    Examples
    --------
    >>> estimate_words(Quantity(0.18149, 0.00025, 0.18156, "exact", "ok", ""), 100.0, " %")
    'simulated 18.15 ± 0.03 %, exact 18.16 %'
    >>> estimate_words(Quantity(0.25, 0.01, math.nan, "", "unreliable", ""), 100.0, " %")
    'simulated 25 ± 1 % (error bar not to be trusted)'
    """
    error = factor * value.mcse
    has_error = math.isfinite(error) and value.mcse > ROUNDING * abs(value.estimate)
    # Of two digits of the standard error people read one.
    places = max(0, decimals_of(error) - 1) if has_error else 0
    has_digits = has_error and places <= 7

    def number(one: float) -> str:
        return fixed(factor * one, places) if has_digits else significant(factor * one)

    bar = f" ± {number(value.mcse)}" if has_error else ""
    doubt = ""
    if value.status == "unreliable":
        doubt = " (error bar not to be trusted)" if bar else " (no valid error bar)"
    if value.status == "failed":
        doubt = " (of the replications that did not fail)"
    text = f"simulated {number(value.estimate)}{bar}{unit}{doubt}"
    if value.theory_kind != "exact" or not math.isfinite(value.theory):
        return text
    return f"{text}, exact {number(value.theory)}{unit}"


def aligned(texts: Sequence[str]) -> list[str]:
    """Return numbers padded so that, set flush right, their decimal points are in line.

    The part after ``±`` is padded for itself, so the sign stands in line too.
    """
    if any("e" in text for text in texts):  # Powers of ten have no common decimal point.
        plain = iter(aligned([text for text in texts if "e" not in text]))
        return [text if "e" in text else next(plain) for text in texts]
    halves = [text.partition(" ± ") for text in texts]
    lefts = _padded([left for left, _, _ in halves], flush_left=False)
    if not any(sign for _, sign, _ in halves):
        return lefts
    rights = _padded([right for _, _, right in halves], flush_left=True)
    blank = "   "
    return [
        left + (sign or blank) + right
        for left, (_, sign, _), right in zip(lefts, halves, rights, strict=True)
    ]


def _padded(numbers: list[str], flush_left: bool) -> list[str]:
    """Pad numbers after the point to equal length, and before it too if `flush_left`."""
    parts = [_split(number) for number in numbers]
    most_after = max((len(after) for _, after, _ in parts), default=0)
    most_before = max((len(before) for before, _, _ in parts), default=0)
    marks = any(mark for _, _, mark in parts)
    out = []
    for before, after, mark in parts:
        lead = FIGURE_SPACE * (most_before - len(before)) if flush_left else ""
        point = "." if after else (POINT_SPACE if most_after else "")
        tail = FIGURE_SPACE * (most_after - len(after))
        dagger = THIN + (mark or FIGURE_SPACE) if marks else ""
        out.append(lead + before + point + after + tail + dagger)
    return out


def _split(number: str) -> tuple[str, str, str]:
    """Return the digits before and after the point, and the mark behind them."""
    mark = number[-1:] if number.endswith((UNRELIABLE, FAILED, AMBER)) else ""
    plain = number.removesuffix(mark).rstrip(THIN)
    before, _, after = plain.partition(".")
    return (before, after, mark) if after.isdigit() else (plain, "", mark)


def answer_table(
    frame: pd.DataFrame, every: bool = False, most: int = FIRST_NAMES
) -> dict[str, Any]:
    """Return the table of the first page: a row per distribution, or per one that stands for some.

    `every` gives all rows, however many these are; otherwise there are `most`.
    """
    n = featured_size(frame)
    words = told_estimators(frame)
    count = len(names_of(frame))
    names = names_of(frame) if every else chosen_names(frame, most)
    frame = named(frame)
    frame = frame[frame["name"].isin(names)]
    groups: list[dict[str, str]] = []
    columns: list[list[str]] = []
    for word in words:
        measure = measure_for(frame, word)
        unit = ("sd" if is_location(word) else "%") if measure != "rmse" else unit_of(word, "rmse")
        factor = 100.0 if unit == "%" else 1.0
        groups.append({"head": f"RMSE of the {in_words(word)}, {unit}", "word": word})
        values = [look_up(frame, name, word, n, measure) for name in names]
        columns.append(aligned([estimate_text(value, factor, amber=True) for value in values]))
        columns.append(aligned([theory_text(value, factor) for value in values]))
    target, needed = _needed_columns(frame, names, words)
    columns += needed
    return {
        "size": f"{n:,}",
        "groups": groups,
        "needs": in_words(target) if target else "",
        "needs_unit": " of a standard deviation" if is_location(target) else "",
        "names": names,
        "of": count,
        "rows": [list(row) for row in zip(*columns, strict=True)],
    }


def _needed_columns(
    frame: pd.DataFrame, names: Sequence[str], words: Sequence[str]
) -> tuple[str, list[list[str]]]:
    """Return the first estimator that has relative errors, and its batch sizes for each target."""
    for word in words:
        if not measure_for(frame, word).startswith("relative_"):
            continue
        found = [[needed_size(frame, name, word, target) for name in names] for target in TARGETS]
        if any(needed.how != "unknown" for needed in found[0]):
            return word, [[needed.text() for needed in column] for column in found]
    return "", []


def audit_table(frame: pd.DataFrame, most: int = 6) -> list[list[str]]:
    """Return the questions with the largest |z|."""
    asked = independent_questions(frame)
    if asked.empty:
        return []
    order = np.argsort(-np.abs(floats(asked, "z")), kind="stable")[:most]
    rows = asked.iloc[order]
    values = [quantity(row) for _, row in rows.iterrows()]
    columns = [
        [str(name) for name in rows["name"]],
        [str(word) for word in rows["estimator"]],
        [f"{int(n):,}" for n in rows["batch_size"]],
        [f"{m} against the {str(r).replace('_', ' ')}" for m, r in
         zip(rows["measure"], rows["reference"], strict=True)],
        [estimate_text(value) for value in values],
        [theory_text(value) for value in values],
        aligned([z_text(z) for z in floats(rows, "z")]),
    ]  # fmt: skip
    return [list(row) for row in zip(*columns, strict=True)]


def printed_names(frame: pd.DataFrame) -> list[str]:
    """Return the names whose rows are printed: all, or some that stand for them.

    Of columns these are the worst; of very many distributions, some between the extremes.
    """
    return chosen_names(frame, MOST_COLUMNS if is_data(frame) else MOST_LAWS)


def printed_sizes(frame: pd.DataFrame, most: int = MOST_ROWS) -> list[int]:
    """Return the batch sizes whose rows are printed: all, or an even choice that fits.

    A choice leaves out sizes that say little: those where most rows are exact or undefined (the
    full set itself, a batch of one).
    """
    sizes = sorted({int(n) for n in frame["batch_size"]})
    blocks = max(1, len(printed_names(frame)) * len(estimators_of(frame)))
    room = max(2, most // blocks)
    if len(sizes) <= room:
        return sizes
    estimated = ~frame["status"].isin(["exact", "undefined"])
    share = estimated.groupby(frame["batch_size"]).mean()
    telling = [n for n in sizes if share[n] >= 0.6] or sizes
    places = np.unique(np.round(np.linspace(0, len(telling) - 1, room)).astype(int))
    return [telling[place] for place in places]


def performance_table(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the long table: per distribution and estimator a block with a row per batch size."""
    sizes = printed_sizes(frame)
    names = printed_names(frame)
    rows = named(frame)
    rows = rows[rows["name"].isin(names) & rows["batch_size"].isin(sizes)]
    rows = rows[rows["reference"] == reference_of(frame)]
    found: dict[tuple[str, str, int, str], Quantity] = {
        (str(row["name"]), str(row["estimator"]), int(row["batch_size"]), str(row["measure"])):
        quantity(row)
        for _, row in rows.iterrows()
    }  # fmt: skip
    return [
        {
            "name": name,
            "estimators": [_block(found, name, word, sizes) for word in estimators_of(frame)],
        }
        for name in names
    ]


def _block(
    found: dict[tuple[str, str, int, str], Quantity], name: str, word: str, sizes: list[int]
) -> dict[str, Any]:
    """Return the rows of one distribution and estimator, relative if that exists."""
    prefix = "relative_"
    if not _any_value(found, name, word, sizes, prefix) and _any_value(
        found, name, word, sizes, ""
    ):
        prefix = ""
    columns: list[list[str]] = [[f"{n:,}" for n in sizes]]
    reasons, failures = [], []
    for measure in MEASURES:
        factor = 100.0 if prefix and measure != "variance" else 1.0
        empty = Quantity(math.nan, math.nan, math.nan, "", "undefined", "")
        values = [found.get((name, word, n, prefix + measure), empty) for n in sizes]
        columns.append(aligned([estimate_text(value, factor, amber=True) for value in values]))
        columns.append(aligned([theory_text(value, factor) for value in values]))
        reasons += [value.reason for value in values if value.status == "undefined"]
        lost = [value for value in values if not math.isfinite(value.estimate)]
        failures += [value.reason for value in lost if value.status == "failed"]
    undefined = all(cell == NOTHING for column in columns[1:] for cell in column)
    return {
        "word": word,
        "unit": "" if prefix else unit_words(word).strip() or "absolute",
        "undefined": _why_nothing(reasons, failures) if undefined else "",
        "rows": [] if undefined else [list(row) for row in zip(*columns, strict=True)],
    }


def _why_nothing(reasons: Sequence[str], failures: Sequence[str]) -> str:
    """Return in words why a block has no numbers."""
    if failures:
        return f"failed: {failures[0]}"
    # The reason of most batch sizes: the smallest may have one of their own.
    common = Counter(text for text in reasons if text).most_common(1)
    return f"undefined: {common[0][0] if common else 'no value'}"


def _any_value(
    found: dict[tuple[str, str, int, str], Quantity],
    name: str,
    word: str,
    sizes: list[int],
    prefix: str,
) -> bool:
    return any(
        math.isfinite(value.estimate)
        for n in sizes
        if (value := found.get((name, word, n, prefix + "rmse"))) is not None
    )
