"""Numbers with their intervals, out of results, and what several of them say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from simnorm.formatting import MINUS, decimals_of, fixed, format_estimate, significant
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED, decided, needed, needed_words

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.results import Result

# Of all rows with an error bar.
TRUSTED = ("ok", "exact", "failed")
LEVEL = 0.95
# More digits than this nobody reads, however small the error.
MOST_DIGITS = 4


@dataclass(frozen=True)
class Number:
    """An estimate with its standard error and 95 % interval; NaN where there is none.

    Parameters
    ----------
    estimate, error, low, high
        The number, its standard error, and the ends of its interval.
    status, reason
        As in the table.
    replications
        R behind it; 0 where it is not told.
    batch_size
        n.
    values
        Values of one replication: 1, or the folds of a repeat of cross-validation.
    """

    estimate: float
    error: float
    low: float
    high: float
    status: str = "ok"
    reason: str = ""
    replications: int = 0
    batch_size: int = 0
    values: int = 1

    @property
    def degrees(self) -> float:
        """Degrees of freedom of its interval; infinite where R is not told."""
        return self.replications * self.values - 1.0 if self.replications else math.inf

    @property
    def is_there(self) -> bool:
        """Whether there is a number at all."""
        return math.isfinite(self.estimate)

    @property
    def is_sure(self) -> bool:
        """Whether its interval can be trusted."""
        return self.status in TRUSTED and math.isfinite(self.low) and math.isfinite(self.high)

    def text(self, unit: str = "") -> str:
        """Return the number with its standard error.

        Examples
        --------
        >>> Number(0.21742, 0.0031, 0.2112, 0.2236).text(" sd")
        '0.2174 ± 0.0031 sd'

        No more than four digits: an error below the last is rounded up to it.

        >>> Number(17640.3, 2.7, 17635.0, 17645.6).text(), Number(0.2, 1e-6, 0.2, 0.2).text()
        ('17,640 ± 10', '0.2000 ± 0.0001')
        """
        if not self.is_there:
            return "no number"
        if not math.isfinite(self.error):
            return f"about {significant(self.estimate, 2)}{unit} (no error bar)"
        if self.error == 0.0:
            return f"{significant(self.estimate, 3)}{unit} (exact)"
        return f"{_with_error(self.estimate, self.error)}{unit}"


def _with_error(value: float, error: float) -> str:
    """Return a number with its standard error, of four digits at the most."""
    size = abs(value)
    if not 1e-4 <= size < 1e7:
        return format_estimate(value, error)
    most = MOST_DIGITS - 1 - math.floor(math.log10(size))
    if decimals_of(error) <= max(most, 0) and error >= 10.0**-most:
        return format_estimate(value, error)
    step = 10.0**-most
    error = step * math.ceil(error / step * (1.0 - 1e-9))
    return f"{fixed(step * round(value / step), max(most, 0))} ± {fixed(error, max(most, 0))}"


def cells(
    result: Result,
    estimator: str,
    measure: str,
    *,
    batch_size: int | None = None,
    **wanted: str,
) -> dict[tuple[str, str], Number]:
    """Return numbers by name and factors.

    Parameters
    ----------
    result
        A result.
    estimator, measure
        The quantity, and its measure.
    batch_size
        n; every one if None.
    wanted
        Columns of the frame, such as ``reference`` or a factor, and what they are to hold; a
        factor that the run does not have is empty.

    Examples
    --------
    >>> import simnorm as sn
    >>> found = sn.sweep("normal", batch_sizes=[4], full_size=64, replications=64)
    >>> list(cells(found, "mean", "rmse", batch_size=4, reference="full_set"))
    [('normal', '')]
    """
    rows = result.frame
    is_it = (rows["estimator"] == estimator) & (rows["measure"] == measure)
    if batch_size is not None:
        is_it &= rows["batch_size"] == batch_size
    for name, value in wanted.items():
        if name in rows.columns:
            is_it &= rows[name] == value
        elif value:
            return {}
    found = rows[is_it]
    names = _names(found)
    return {
        (name, str(row.factors)): _number(row)
        for name, row in zip(names, found.itertuples(index=False), strict=True)
    }


def by_name(found: Mapping[tuple[str, str], Number]) -> dict[str, Number]:
    """Return numbers by their names alone, those without a value left out."""
    return {name: number for (name, _), number in found.items() if number.is_there}


def _names(rows: pd.DataFrame) -> list[str]:
    law, column = (rows[word].fillna("").astype(str) for word in ("distribution", "column"))
    return law.where(law != "", column).tolist()


def _number(row: Any) -> Number:
    return Number(
        float(row.estimate), float(row.mcse), float(row.ci_low), float(row.ci_high),
        str(row.status), str(row.reason), int(row.replications), int(row.batch_size),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Errors, which are never negative, against a margin


def above(numbers: Mapping[str, Number], margin: float) -> list[str]:
    """Return the names whose whole interval lies above a margin, all of them at 95 % together."""
    count = len(numbers)
    return [name for name, x in numbers.items() if x.is_sure and widened(x, count).low > margin]


def below(numbers: Mapping[str, Number], margin: float) -> list[str]:
    """Return the names whose whole interval lies at or below a margin."""
    return [name for name, x in numbers.items() if x.is_sure and x.high <= margin]


def widened(number: Number, count: int, *, ratio: bool = False) -> Number:
    """Return the number with the interval that holds for `count` of them together (Bonferroni).

    The half width grows by the ratio of Student's quantiles at 1 - 0.05/count and at 0.95, with the
    number's degrees of freedom. That is exact for t intervals, and about right for the intervals
    of medians, which are order statistics. Those of ratios grow on the log scale.

    Examples
    --------
    >>> found = widened(Number(0.0, 1.0, -1.96, 1.96), 10)
    >>> round(found.high, 2)
    2.81
    >>> eight = widened(Number(0.0, 1.0, -2.365, 2.365, replications=8), 8)
    >>> round(eight.high, 2)  # t of 7 degrees at 1 - 0.05/8
    3.86
    """
    if count < 2 or not number.is_sure or number.error == 0.0:
        return number
    factor = _widening(count, number.degrees)
    if ratio:
        low = number.estimate * (number.low / number.estimate) ** factor
        high = number.estimate * (number.high / number.estimate) ** factor
    else:
        low = number.estimate - factor * (number.estimate - number.low)
        high = number.estimate + factor * (number.high - number.estimate)
    return replace(number, low=low, high=high)


def _widening(count: int, degrees: float) -> float:
    """Return how much longer an interval is that holds at 1 - 0.05/count in place of 0.95."""
    from scipy.special import ndtri, stdtrit

    def quantile(level: float) -> float:
        upper = 0.5 + level / 2.0
        return float(stdtrit(degrees, upper) if math.isfinite(degrees) else ndtri(upper))

    if count < 2:
        return 1.0
    if degrees < 1.0:
        return math.inf
    return quantile(1.0 - (1.0 - LEVEL) / count) / quantile(LEVEL)


def largest(numbers: Mapping[str, Number]) -> str:
    """Return the name of the largest number."""
    return max(numbers, key=lambda name: numbers[name].estimate)


def smallest(numbers: Mapping[str, Number]) -> str:
    """Return the name of the smallest number."""
    return min(numbers, key=lambda name: numbers[name].estimate)


# ---------------------------------------------------------------------------------------------
# Differences and ratios, which may lie on either side


class Family:
    """Comparisons that are judged together.

    To say of one of them that it is more or less, its interval is widened so that all hold at 95 %
    together; to say of all that there is no difference, every interval must lie inside the margin,
    which needs no widening.

    Parameters
    ----------
    numbers
        Differences, or ratios.
    margin
        Differences up to so much do not matter; of ratios the share.
    ratio
        Whether they are ratios.
    folds
        Values of one replication, k of cross-validation; 0 for what splits no rows.
    share
        Test rows over training rows of a split; 1/(k - 1) unless told.
    together
        So many comparisons hold together, where there are others beside these.
    """

    def __init__(
        self,
        numbers: Mapping[str, Number],
        margin: float,
        *,
        ratio: bool = False,
        folds: int = 0,
        share: float = 0.0,
        together: int = 0,
    ) -> None:
        values = max(1, folds)
        self.numbers = {
            name: replace(x, values=values) for name, x in numbers.items() if x.is_there
        }
        self.margin, self.ratio, self.folds = margin, ratio, values
        self.together = max(together, len(self.numbers))
        # The part of the variance that repeats leave as it is.
        self.fixed = share or (1.0 / (folds - 1.0) if folds > 1 else 0.0)
        self.words = {name: self._word(x) for name, x in self.numbers.items()}

    def _word(self, number: Number) -> str:
        if number.status == "exact":
            low = high = number.estimate
        elif number.is_sure:
            low, high = number.low, number.high
        else:
            return UNDECIDED
        if self._decided(low, high) == SAME:
            return SAME
        low, high = self._together(number)
        word = self._decided(low, high)
        return word if word in (MORE, LESS) else UNDECIDED

    def _together(self, number: Number) -> tuple[float, float]:
        """Return the ends of the interval that holds together with those of all others."""
        if number.status == "exact":
            return number.estimate, number.estimate
        wide = widened(number, self.together, ratio=self.ratio)
        return wide.low, wide.high

    def _decided(self, low: float, high: float) -> str:
        if not self.ratio:
            return decided(low, high, self.margin)
        if not (low > 0.0 and high > 0.0):
            return UNDECIDED
        return decided(math.log(low), math.log(high), math.log1p(self.margin))

    def named(self, word: str) -> list[str]:
        """Return the names that have a word."""
        return [name for name, found in self.words.items() if found == word]

    def beyond(self, word: str) -> list[str]:
        """Return the names that are more, or less, by more than the margin: all of the interval."""
        found = []
        for name in self.named(word):
            low, high = self._together(self.numbers[name])
            if self.ratio:
                low, high = math.log(low), math.log(high)
            margin = math.log1p(self.margin) if self.ratio else self.margin
            if low > margin or high < -margin:
                found.append(name)
        return found

    @property
    def is_same(self) -> bool:
        """Whether there is no difference in any of them."""
        return bool(self.words) and all(word == SAME for word in self.words.values())

    def farthest(self, names: list[str] | None = None) -> str:
        """Return the name of the number that is farthest from no difference."""
        chosen = names if names else list(self.numbers)

        def far(name: str) -> float:
            value = self.numbers[name].estimate
            if self.ratio:
                return abs(math.log(value)) if value > 0.0 else math.inf
            return abs(value)

        return max(chosen, key=far)

    def not_less(self) -> bool:
        """Return whether no difference is less by more than the margin, by all its interval."""
        return self._inside(lambda x: x.low >= -self.margin)

    def not_more(self) -> bool:
        """Return whether no difference is more by more than the margin, by all its interval."""
        return self._inside(lambda x: x.high <= self.margin)

    def _inside(self, is_inside: Callable[[Number], bool]) -> bool:
        exact = [replace(x, low=x.estimate, high=x.estimate) if x.status == "exact" else x
                 for x in self.numbers.values()]  # fmt: skip
        return bool(exact) and all(x.is_sure and is_inside(x) for x in exact)

    def needed(self, names: Sequence[str] = ()) -> float:
        """Return how many replications would decide all that are undecided; infinite if none.

        Parameters
        ----------
        names
            Look at these alone.
        """
        chosen = names or list(self.words)
        found = [
            needed(
                x.estimate, x.low, x.high, self.margin, replications=max(1, x.replications),
                folds=self.folds, fixed=self.fixed, ratio=self.ratio,
                widening=_widening(self.together, x.degrees),
            )
            for name, x in self.numbers.items()
            if self.words[name] == UNDECIDED and x.status in TRUSTED and name in chosen
        ]  # fmt: skip
        return max(found, default=math.nan, key=lambda x: -1.0 if math.isnan(x) else x)

    def fewest(self, names: Sequence[str]) -> float:
        """Return how many replications would decide one of those that are undecided, the easiest.

        NaN where none is undecided, or none has an interval.
        """
        found = [self.needed([name]) for name in names if self.words[name] == UNDECIDED]
        return min((count for count in found if not math.isnan(count)), default=math.nan)

    def needed_text(self, unit: str, names: Sequence[str] = ()) -> str:
        """Return what would decide all that are undecided, or the names given; empty if nothing."""
        found = self.needed(names)
        if math.isnan(found) and not self.named(UNDECIDED):
            return ""
        return needed_words(found, unit, rows=self.fixed > 0.0)


def points(number: Number) -> str:
    """Return a difference in accuracy with its standard error, in points.

    Examples
    --------
    >>> points(Number(-0.0123, 0.0045, -0.02, -0.003))
    '−1.23 ± 0.45 points'
    """
    return Number(100.0 * number.estimate, 100.0 * number.error, 0.0, 0.0, number.status).text(
        " points"
    )


def points_within(number: Number) -> str:
    """Return a difference in accuracy in points, with its interval.

    Examples
    --------
    >>> points_within(Number(-0.151, 0.03, -0.2114, -0.0908))
    '−15 points (−21 to −9)'
    """
    if not number.is_sure:
        return points(number)
    scaled = replace(
        number, estimate=100.0 * number.estimate, low=100.0 * number.low, high=100.0 * number.high
    )
    text = within(scaled, " points")
    is_one = text.startswith(("1 points", f"{MINUS}1 points"))
    return text.replace("points", "point", 1) if is_one else text


def ratio_text(number: Number) -> str:
    """Return a ratio with its interval.

    Examples
    --------
    >>> ratio_text(Number(1.2349, 0.01, 1.212, 1.259))
    '×1.23 (1.21 to 1.26)'
    >>> ratio_text(Number(1.04, 0.01, 1.002, 1.081))  # which leaves 1 out
    '×1.040 (1.002 to 1.081)'
    """
    return f"×{within(number, neutral=1.0)}" if number.is_sure else f"×{number.text()}"


def within(number: Number, unit: str = "", neutral: float = 0.0) -> str:
    """Return a number with its interval, all three with as many digits as its width supports.

    The width has 4 to 40 units of the last digit; more, where an end would pass for no difference.

    Examples
    --------
    >>> within(Number(0.0814, 0.006, 0.0712, 0.0943), " sd")
    '0.081 sd (0.071 to 0.094)'
    >>> within(Number(6.4, 3.4, -0.4, 13.2), " points")
    '6.4 points (−0.4 to 13.2)'
    """
    width = number.high - number.low
    if width <= 0.0:
        return f"{significant(number.estimate, 3)}{unit} (exact)"
    decimals = max(0, math.floor(1.6 - math.log10(width)))
    most = decimals + 2
    while decimals < most and any(
        round(end, decimals) == neutral != end for end in (number.low, number.high)
    ):
        decimals += 1
    estimate, low, high = (fixed(x, decimals) for x in (number.estimate, number.low, number.high))
    return f"{estimate}{unit} ({low} to {high})"


def interval_text(number: Number, *, factor: float = 1.0) -> str:
    """Return a number's 95 % interval with as many digits as its width supports.

    Examples
    --------
    >>> interval_text(Number(1.08, 0.01, 1.0612, 1.0989))
    '1.061 to 1.099'
    """
    width = factor * (number.high - number.low)
    if not math.isfinite(width):
        return "no interval"
    if width <= 0.0:
        return significant(factor * number.estimate, 3)
    decimals = max(0, 1 - math.floor(math.log10(width)))
    return " to ".join(fixed(factor * end, decimals) for end in (number.low, number.high))


__all__ = [
    "LESS", "MINUS", "MORE", "SAME", "UNDECIDED", "Family", "Number", "above", "below", "by_name",
    "cells", "interval_text", "largest", "points", "points_within", "ratio_text", "smallest",
    "widened", "within",
]  # fmt: skip
