"""The smallest whole number at which a falling error reaches a target.

The error is asked for at a few numbers at a time, because one run answers for all of them. Errors
that are estimated come from the same draws for every number asked, so that what is searched is one
function, and the search ends between two neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

# Standard errors that an interval reaches to either side: 95 %.
REACH = 1.96
# What the logarithm of an interval's end may be, so that it stays a number.
LARGEST_LOG = 40.0


class Point(NamedTuple):
    """An error at a number: its value, its standard error, and whether that can be trusted.

    `safe` is a less exact estimate of the same error whose standard error can be, if there is one.
    """

    value: float
    mcse: float = 0.0
    trusted: bool = True
    safe: tuple[float, float] | None = None


@dataclass
class Search:
    """What is known of one falling function.

    Parameters
    ----------
    target
        The error that is to be reached.
    most
        The largest number allowed.

    Examples
    --------
    >>> search = Search(0.1, most=1000)
    >>> while search.wanted():
    ...     search.take({n: Point(n**-0.5) for n in search.wanted()})
    >>> search.found, search.points[100].value
    (100, 0.1)
    """

    target: float
    most: int
    points: dict[int, Point] = field(default_factory=dict)

    @property
    def low(self) -> int:
        """The largest number that is known not to be enough; 0 if none is."""
        return max((n for n, p in self.points.items() if p.value > self.target), default=0)

    @property
    def high(self) -> int | None:
        """The smallest number above `low` that is known to be enough."""
        enough = [n for n, p in self.points.items() if p.value <= self.target and n > self.low]
        return min(enough, default=None)

    @property
    def found(self) -> int | None:
        """The answer; None where even the largest number is not enough, or nothing is known yet."""
        return None if self.wanted() else self.high

    def take(self, points: dict[int, Point]) -> None:
        """Take errors at more numbers."""
        self.points |= points

    def wanted(self) -> list[int]:
        """Return the numbers to ask for next, in rising order; none when the search has ended."""
        if not self.points:
            powers = [1 << j for j in range(self.most.bit_length())]
            return sorted({*powers, self.most})
        low, high = self.low, self.high
        if high is None:
            return [] if low >= self.most or self.most in self.points else [self.most]
        if high - low <= 1:
            return []
        guess = min(max(self._guess(low, high), low + 1), high - 1)
        # The number itself and its neighbours end the search if the guess is good; the middle
        # halves the interval if it is not.
        middle = math.isqrt(max(low, 1) * high)
        around = {guess - 1, guess, guess + 1, middle}
        return sorted(n for n in around if low < n < high and n not in self.points)

    def _guess(self, low: int, high: int) -> int:
        """Return where a power law through both ends meets the target."""
        above, below = self.points.get(low), self.points[high]
        if above is None or below.value <= 0.0 or not math.isfinite(above.value):
            return (low + high) // 2
        fall = math.log(above.value / below.value)
        share = math.log(above.value / self.target) / fall if fall > 0.0 else 0.5
        return round(math.exp(math.log(low) + share * math.log(high / low)))

    def interval(self) -> tuple[int, int | None] | None:
        """Return the numbers between which the answer lies by the errors' standard errors, 95 %.

        The second is None where it lies beyond what was looked at.
        """
        n = self.found
        if n is None:
            return None
        point = self.points[n]
        value, mcse = (point.value, point.mcse) if point.trusted else point.safe or (0.0, 0.0)
        if mcse == 0.0:
            return (n, n) if point.trusted else None
        # The local power of the fall, from the points about the answer that noise cannot turn.
        others = [m for m in self.points if m <= n // 2 and self.points[m].value > 0.0]
        if point.value <= 0.0 or value <= 0.0 or not others:
            return n, n
        m = max(others)
        power = max(math.log(self.points[m].value / point.value) / math.log(n / m), 0.05)
        width, shift = REACH * mcse / value / power, math.log(value / point.value) / power
        low = math.floor(n * math.exp(shift - width))
        high = math.ceil(n * math.exp(min(shift + width, LARGEST_LOG)))
        # The safe estimate may lie elsewhere; the answer given is part of what is possible.
        low, high = max(1, min(low, n)), max(high, n)
        ends = self.points[self.most].value <= 0.0 if self.most in self.points else False
        return low, high if high < self.most else self.most if ends else None


def confidence(point: Point, target: float) -> float:
    """Return how likely it is that an estimated error is at most the target.

    Examples
    --------
    >>> confidence(Point(0.1, 0.001), 0.1), confidence(Point(0.09), 0.1)
    (0.5, 1.0)
    """
    if point.mcse == 0.0:
        return float(point.value <= target)
    return 0.5 * math.erfc((point.value - target) / point.mcse / math.sqrt(2.0))


def run_searches(
    searches: dict[str, Search], ask: Callable[[Iterable[int]], dict[str, dict[int, Point]]]
) -> None:
    """Run searches side by side: `ask` answers for all of them at once.

    Parameters
    ----------
    searches
        By the name of what is searched.
    ask
        Returns points at the numbers given, by name and number.
    """
    while wanted := sorted({n for search in searches.values() for n in search.wanted()}):
        for name, points in ask(wanted).items():
            searches[name].take({n: p for n, p in points.items() if n <= searches[name].most})
