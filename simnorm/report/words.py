"""The vocabulary of a report: how its sentences name statistics, units, lists and numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from simnorm.figures.tables import (
    is_data,
    is_location,
    power_of,
    reference_of,
)
from simnorm.formatting import (
    NOTHING,
    fixed,
    percent,
    significant,
)
from simnorm.report.facts import (
    FULL_SET,
    Needed,
    best_values,
)
from simnorm.sampling import REPLACEMENT

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report.told import Told


IN_WORDS = {
    "std(ddof=0)": "standard deviation",
    "std(ddof=1)": "standard deviation",
    "biased_variance": "variance",
    "unbiased_variance": "variance",
    "min": "minimum",
    "max": "maximum",
    "iqr": "interquartile range",
    "mad": "median absolute deviation",
    "excess_kurtosis": "excess kurtosis",
}


TARGETS = (0.10, 0.05)
# More names than these are counted.
FEW = 3


TITLE = "How far is a batch from its full set?"


def in_words(estimator: str) -> str:
    """Return what a person calls an estimator.

    Examples
    --------
    >>> in_words("std(ddof=0)"), in_words("median"), in_words("trimmed_mean(proportion=0.1)")
    ('standard deviation', 'median', 'trimmed mean (proportion 0.1)')
    """
    if estimator in IN_WORDS:
        return IN_WORDS[estimator]
    if estimator.startswith("user."):
        return f"statistic {estimator.removeprefix('user.')}"
    word, _, values = estimator.replace("_", " ").partition("(")
    return word + (f" ({values[:-1].replace('=', ' ').replace(',', ', ')})" if values else "")


def unit_words(estimator: str, measure: str = "rmse") -> str:
    """Return the unit of an absolute measure in a sentence, or nothing for a pure number.

    Examples
    --------
    >>> unit_words("range"), unit_words("range", "variance"), unit_words("skewness")
    (' in the unit of the data', ' in the squared unit of the data', '')
    """
    power = power_of(estimator) * (2 if measure in ("variance", "mse") else 1)
    named_powers = {0: "", 1: " in the unit of the data", 2: " in the squared unit of the data"}
    return named_powers.get(power, f" in the unit of the data to the power {power}")


def listed(words: Sequence[str], most: int = 12) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', 'nothing')
    """
    if len(words) > most:
        return ", ".join(words[:most]) + f" and {len(words) - most} more"
    if len(words) < 2:
        return words[0] if words else "nothing"
    return ", ".join(words[:-1]) + " and " + words[-1]


def sizes_text(sizes: Sequence[int]) -> str:
    """Return batch sizes for a sentence, the middle of a long list left out.

    Examples
    --------
    >>> sizes_text([2, 4, 8]), sizes_text(range(1, 31))
    ('2, 4 and 8', '1, 2, 3, 4, …, 29, 30')
    """
    words = [f"{n:,}" for n in sizes]
    if len(words) <= 12:
        return listed(words)
    return ", ".join([*words[:4], "…", *words[-2:]])


def full_size(frame: pd.DataFrame) -> int:
    """Return N."""
    return int(frame["full_size"].max()) if len(frame) else 0


def whole_size(frame: pd.DataFrame) -> int:
    """Return N where a batch of N is the full set that it is compared with, otherwise 0."""
    cut = reference_of(frame) == FULL_SET and REPLACEMENT not in set(frame["sampling"])
    return full_size(frame) if cut else 0


def whole(frame: pd.DataFrame) -> str:
    """Return what a batch is compared with, in a word."""
    if is_data(frame):
        return "column"
    return "full set" if reference_of(frame) == FULL_SET else "population"


def against(frame: pd.DataFrame) -> str:
    """Return what errors are about, for captions."""
    return "the whole column" if is_data(frame) else f"the {whole(frame)}"


def title(frame: pd.DataFrame) -> str:
    """Return the question that the report of a sweep answers."""
    return f"How far is a batch from {its(frame)}?"


def its(frame: pd.DataFrame) -> str:
    """Return what a batch misses the statistics of."""
    return "the population" if whole(frame) == "population" else "its full set"


def off_by(estimator: str, value: float, measure: str) -> str:
    """Return an RMSE as people say it."""
    if not measure.startswith("relative_"):
        return significant(value, 2) + unit_words(estimator)
    if is_location(estimator):
        return f"{significant(value, 2)} standard deviations"
    return percent(value)


def span_words(one: Told) -> str:
    """Return the RMSEs of all names as people say them: one number, or from where to where."""
    low, high = one.smallest, one.largest
    largest = one.errors[high]
    if len(one.errors) == 1 or one.is_level:
        return off_by(one.word, largest, one.measure)
    return from_to(one.word, one.measure, {low: one.errors[low], high: largest})


def from_to(word: str, measure: str, ends: Mapping[str, float]) -> str:
    """Return from where to where an RMSE runs, each end with its name and the unit once.

    Parameters
    ----------
    word, measure
        Which RMSE.
    ends
        The smallest and the largest error by name, in this order.

    Examples
    --------
    >>> from_to("mean", "relative_rmse", {"a": 0.2, "b": 0.25})
    '0.20 (a) to 0.25 (b) standard deviations'
    >>> from_to("range", "rmse", {"a": 2.0, "b": 2.5})
    '2.0 (a) to 2.5 (b) in the unit of the data'
    """
    (low, smallest), (high, largest) = ends.items()
    first, last = (off_by(word, value, measure) for value in (smallest, largest))
    number, _, unit = last.partition(" ")
    if unit == "%":
        return f"{first} ({low}) to {last} ({high})"
    return f"{first.partition(' ')[0]} ({low}) to {number} ({high})" + (f" {unit}" if unit else "")


def z_text(value: float) -> str:
    """Return a z with two decimals and a true minus sign, a hopeless one with two digits."""
    if not math.isfinite(value):
        return NOTHING
    return fixed(value, 2) if abs(value) < 1000.0 else significant(value, 2)


def values_by_name(rows: pd.DataFrame, n: int) -> dict[str, float]:
    """Return the best value of every name at one batch size, where there is one."""
    rows = rows[rows["batch_size"] == n]
    values = best_values(rows)
    return {
        str(name): float(value)
        for name, value in zip(rows["name"], values, strict=True)
        if math.isfinite(value)
    }


def digits(value: float, count: int = 3) -> str:
    """Return a number to so many significant digits, zeros in place of the others.

    Examples
    --------
    >>> digits(575_722.0), digits(0.0583), digits(3.2e9)
    ('576,000', '0.0583', '3.20e9')
    """
    if abs(value) < 1000.0 or abs(value) >= 1e7:
        return significant(value, count)
    places = math.floor(math.log10(abs(value))) + 1 - count
    return fixed(round(value, -places), 0)


def for_whom(names: Collection[str], count: int, noun: str) -> str:
    """Return for which of so many distributions or columns something holds; nothing for all.

    Parameters
    ----------
    names
        Those for which it holds.
    count
        How many there are.
    noun
        What one of them is.

    Examples
    --------
    >>> for_whom(["a"], 5, "column"), for_whom(["a", "b"], 5, "column"), for_whom(["a"], 1, "")
    (' for a', ' for 2 of 5 columns', '')
    """
    if len(names) >= count:
        return ""
    if len(names) == 1:
        return f" for {next(iter(names))}"
    return f" for {len(names):,} of {count:,} {noun}s"


def all_of(count: int, noun: str = "") -> str:
    """Return all of so many, as people say it.

    Examples
    --------
    >>> all_of(2, "column"), all_of(3, "column"), all_of(1200)
    ('both columns', 'all 3 columns', 'all 1,200')
    """
    number = "both" if count == 2 else f"all {count:,}"
    return f"{number} {noun}s" if noun else number


def range_sentence(
    what: str, values: dict[str, float], n: int, unit: str = "", count: int = 1, noun: str = ""
) -> str:
    """Return from where to where the values of all names run at a batch size.

    Parameters
    ----------
    what, n, unit
        What the values are, at which batch size, and their unit with a blank before it.
    values
        The values by name, at least one.
    count, noun
        How many names there are, also without a value, and what one of them is.

    Examples
    --------
    >>> range_sentence("the variance", {"a": 0.25}, 8, count=2, noun="column")
    'At batch size 8 the variance is 0.250 for a.'
    """
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    whom = for_whom(values, count, noun)
    if len(values) == 1 or values[high] <= 1.01 * values[low]:
        return f"At batch size {n:,} {what} is {digits(values[low])}{unit}{whom}."
    return (
        f"At batch size {n:,} {what} runs from {digits(values[low])} ({low}) to "
        f"{digits(values[high])} ({high}){unit}{whom}."
    )


def size_words(at: Needed, total: int = 0) -> str:
    """Return a batch size that was found, in words.

    Parameters
    ----------
    at
        The batch size.
    total
        N, which is no batch size like others; 0 where there is no full set to compare with.

    Examples
    --------
    >>> size_words(Needed("between", 51)), size_words(Needed("smallest", 2))
    ('about 51', 'no more than 2')
    >>> size_words(Needed("within", 1024, 256))
    'between 256 and 1,024'
    >>> size_words(Needed("between", 5), 5), size_words(Needed("between", 2048), 2048)
    ('all 5', 'nearly all 2,048')
    """
    if at.how == "within":
        return f"between {at.above:,} and {at.size:,}"
    if at.how == "between" and at.size == total:
        # Larger numbers are rounded up to two digits.
        return f"all {at.size:,}" if total < 100 else f"nearly all {at.size:,}"
    return f"no more than {at.size:,}" if at.how == "smallest" else f"about {at.size:,}"


def needed_words(reached: Mapping[str, Needed], total: int = 0) -> str:
    """Return from where to where the batch sizes of several names run.

    Parameters
    ----------
    reached
        Batch sizes by name, none of them beyond the largest one; at least one.
    total
        As in `size_words`.

    Examples
    --------
    >>> needed_words({"a": Needed("between", 51), "b": Needed("between", 24)})
    'about 24 (b) to 51 (a)'
    """
    low = min(reached, key=lambda name: (reached[name].size, reached[name].above))
    high = max(reached, key=lambda name: (reached[name].size, reached[name].above))
    first, last = size_words(reached[low], total), size_words(reached[high], total)
    if first == last:
        return first
    if reached[low].how == reached[high].how == "between":
        last = last.removeprefix("about ")
    return f"{first} ({low}) to {last} ({high})"


def unsure_words(names: Sequence[str], noun: str) -> str:
    """Return as the end of a sentence for whom a batch size is not known; nothing for nobody.

    Examples
    --------
    >>> unsure_words(["t(df=5)"], "distribution")
    '; for t(df=5) it is not known well enough'
    """
    if not names:
        return ""
    whom = listed(names) if len(names) <= FEW else f"{len(names):,} more {noun}s"
    return f"; for {whom} it is not known well enough"
