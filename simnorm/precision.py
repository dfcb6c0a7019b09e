"""How precise a run is to be, and how long it may take: the words for it, and the rule.

A target is a share of the number whose error it limits, ``1%``, or a number in its unit, ``0.01``.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from simnorm.errors import SimnormError
from simnorm.grammar import number_text
from simnorm.options import number

# A tenth of a percent takes some million replications, a millionth would take 10^12.
SMALLEST_SHARE, LARGEST_SHARE = 1e-6, 0.5
# The default's largest number of replications: the ninth doubling of the first look.
DEFAULT_MOST = 131_072
# No standard error is looked at before: it must be known well itself.
FIRST_LOOK = 256

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST = 3.2e7  # a year
_TIME = re.compile(r"\s*(\d{1,9}(?:\.\d{0,6})?)\s*(s|min|m|h|d|)\s*", re.ASCII)


class Target(NamedTuple):
    """The largest Monte Carlo standard error that is wanted: a share, or a number in the unit."""

    value: float
    is_share: bool

    def __str__(self) -> str:
        """Return the text that reads back as the target."""
        if self.is_share:
            return f"{number_text(float(f'{100.0 * self.value:.12g}'))}%"
        return number_text(self.value)

    @property
    def words(self) -> str:
        """Return the target for a sentence.

        Examples
        --------
        >>> target("1%").words, target(0.5).words
        ('1 %', '0.5')
        """
        return str(self).replace("%", " %")


def target(given: object) -> Target:
    """Read a target.

    Raises
    ------
    SimnormError
        If it is neither a percentage nor a number above 0.

    Examples
    --------
    >>> target("1%"), str(target("0.50 %")), str(target(0.01))
    (Target(value=0.01, is_share=True), '0.5%', '0.01')
    """
    if isinstance(given, Target):
        return given
    text = str(given).strip()
    is_share = isinstance(given, str) and text.endswith("%")
    allowed = (
        "a percentage such as 1% (MCSE against the estimate), or a number above 0 in the unit of "
        "the estimate, is allowed"
    )
    try:
        value = number(text[:-1] if is_share else given, "target_mcse")
    except SimnormError:
        raise SimnormError("target_mcse", given, allowed) from None
    if not value > 0.0:
        raise SimnormError("target_mcse", given, allowed)
    if is_share:
        value /= 100.0
        if not SMALLEST_SHARE <= value <= LARGEST_SHARE:
            raise SimnormError("target_mcse", given, "from 0.0001% to 50% is allowed")
    return Target(value, is_share)


def time_limit(given: object) -> float:
    """Read a time, and return its seconds.

    Raises
    ------
    SimnormError
        If it is no time above 0.

    Examples
    --------
    >>> time_limit("90"), time_limit("1.5h"), time_limit("10 min"), time_limit(2)
    (90.0, 5400.0, 600.0, 2.0)
    """
    found = _TIME.fullmatch(str(given)) if not isinstance(given, bool) else None
    seconds = float(found[1]) * UNITS[found[2]] if found else math.nan
    if not 0.0 < seconds <= LONGEST:
        allowed = "a time above 0 is allowed, such as 90s, 10m or 2h"
        raise SimnormError("time_limit", given, allowed)
    return seconds


def looks(first: int, last: int) -> tuple[int, ...]:
    """Return the numbers of blocks at which a run is looked at: doublings, and the last.

    Examples
    --------
    >>> looks(4, 20), looks(1, 1), looks(8, 3)
    ((4, 8, 16, 20), (1,), (3,))
    """
    found = []
    while first < last:
        found.append(first)
        first *= 2
    return (*found, last)
