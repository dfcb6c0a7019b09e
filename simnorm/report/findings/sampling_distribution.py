"""How the estimates of single batches are spread, by batch size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from simnorm.figures.ridges import Ridge, Ridges, all_ridges
from simnorm.figures.tables import is_data, power_of
from simnorm.formatting import percent, significant
from simnorm.report.words import in_words

if TYPE_CHECKING:
    import pandas as pd

# The middle parts of a law that a sentence may speak of, the largest first.
MIDDLES = ((0.95, "95 %"), (0.8, "80 %"), (0.5, "half"))
NOTHING = "The run has no histograms of the estimates of batches."


class Middle(NamedTuple):
    """The ends of the middle part of a law, and what part it is."""

    part: str
    low: float
    high: float


def sampling_distribution_finding(
    frame: pd.DataFrame, curves: pd.DataFrame, estimator: str = ""
) -> str:
    """Return where most estimates of the smallest and of the largest batches are.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    estimator
        As in `simnorm.figures.sampling_distribution.figure`.
    """
    _, found = all_ridges(frame, curves, estimator)
    if not found:
        return NOTHING
    of_data = is_data(frame)
    first = found[0]
    sentences = [_of_one(first, of_data)]
    others = [ridges for ridges in found[1:] if ridges.rows[0].n == first.rows[0].n]
    sentences += _widest(first, others) if first.is_scaled else []
    return " ".join(sentence for sentence in sentences if sentence)


def middle_of(row: Ridge) -> Middle | None:
    """Return the largest middle part whose ends are inside the histogram, or None."""
    for part, words in MIDDLES:
        low, high = (row.quantile(0.5 + side * part / 2.0) for side in (-1.0, 1.0))
        # The first bin of a scale begins at 0, where values end.
        if math.isnan(low) and row.closed[0] and not row.is_lattice:
            low = row.inside_first(0.5 - part / 2.0)
        if math.isfinite(low) and math.isfinite(high):
            part_words = _part(row.within(low, high)) if row.is_lattice else words
            return Middle(part_words, low, high)
    return None


def _part(share: float) -> str:
    """Return a share of batches in words, none of them more than the truth.

    Examples
    --------
    >>> _part(1.0), _part(0.9997), _part(0.5833)
    ('all', 'over 99 %', '58 %')
    """
    return "all" if share > 1.0 - 1e-9 else "over 99 %" if share > 0.99 else percent(share)


def _largest(row: Ridge) -> str:
    """Return where most of the estimates are of which no middle part is known."""
    place = int(row.known.argmax())
    share, last = float(row.known[place]), len(row.known) - 1
    value = significant(float(row.middles[place])).replace("-", "−")
    if row.is_lattice and (row.closed[0] or place) and (row.closed[1] or place < last):
        return f"{_part(share)} of the batches {{source}} have {{what}} of {value}{{unit}}"
    edge = row.edges[1] if place == 0 else row.edges[-2] if place == last else math.nan
    side = "below" if place == 0 else "above"
    if math.isnan(edge):
        return ""
    end = significant(float(edge)).replace("-", "−")
    return f"{_part(share)} of the batches {{source}} have {{what}} {side} {end}{{unit}}"


def _of_one(ridges: Ridges, of_data: bool) -> str:
    """Return the sentence on the smallest and the largest batches of one name."""
    small, large = ridges.rows[0], ridges.rows[-1]
    middle, what = middle_of(small), in_words(ridges.spec)
    article = "an" if what[0] in "aeiou" else "a"
    source = f"of the column {ridges.name}" if of_data else f"from {ridges.name}"
    whose = "that of the whole column" if of_data else "the population value"
    unit = f" times {whose}" if ridges.is_scaled else _unit(ridges.spec)
    if middle is None:
        words = _largest(small).format(source=source, what=f"{article} {what}", unit=unit)
        return f"At n = {small.n:,}, {words}." if words else ""
    text = (
        f"At n = {small.n:,}, {middle.part} of the batches {source} have {article} {what} "
        f"{_between(middle)}{unit}"
    )
    if ridges.is_scaled:
        text += f", and {_part(small.below(ridges.value))} have one below it"
    last = middle_of(large)
    if large.n == small.n or last is None:
        return text + "."
    part = "" if last.part == middle.part else f"{last.part} have one "
    times = " times" if ridges.is_scaled else ""
    return f"{text}; at n = {large.n:,}, {part}{_between(last)}{times}."


def _widest(first: Ridges, others: list[Ridges]) -> list[str]:
    """Return a sentence on the name whose smallest batches are spread furthest."""
    spans = {}
    for ridges in (first, *others):
        middle = middle_of(ridges.rows[0])
        wide = middle is not None and middle.part not in {words for _, words in MIDDLES[1:]}
        if middle is not None and wide and ridges.is_scaled:
            spans[ridges.name] = middle
    if len(spans) < 2 or first.name not in spans:
        return []
    widest = max(spans, key=lambda name: spans[name].high - spans[name].low)
    if widest == first.name:
        return [f"Of the {len(spans)} shown this is the widest."] if len(spans) > 2 else []
    n = first.rows[0].n
    return [f"At n = {n:,} the widest is {widest}: {_between(spans[widest])} times."]


def _between(middle: Middle) -> str:
    """Return where a middle part is, which may be one value.

    Examples
    --------
    >>> _between(Middle("all", 1.0, 1.0)), _between(Middle("half", 0.0, 0.5))
    ('of 1', 'between 0 and 0.50')
    """
    if middle.low == middle.high:
        return f"of {middle.low:.3g}".replace("-", "−")
    return f"between {_ends(middle)}"


def _ends(middle: Middle) -> str:
    """Return both ends with two digits of the distance between them.

    Examples
    --------
    >>> _ends(Middle("95 %", 0.9567, 1.0432)), _ends(Middle("half", 0.0, 1234.0))
    ('0.957 and 1.043', '0 and 1,234')
    """
    size = middle.high - middle.low
    decimals = max(0, 1 - math.floor(math.log10(size))) if size > 0.0 else 2
    if decimals > 6 or max(abs(middle.low), abs(middle.high)) >= 1e6:
        return f"{significant(middle.low)} and {significant(middle.high)}"
    texts = (f"{value:,.{decimals}f}".replace("-", "−") for value in (middle.low, middle.high))
    return " and ".join(
        text if float(text.replace(",", "").replace("−", "-")) else "0" for text in texts
    )


def _unit(spec: str) -> str:
    return " in the unit of the data" if power_of(spec) == 1 else ""
