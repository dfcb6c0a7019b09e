"""How times, ratios and their intervals are written."""

from __future__ import annotations

import math

from simnorm.figures.overhead.shown import Value
from simnorm.formatting import MINUS, NOTHING, fixed, significant

# A ratio is never written with fewer or more decimals.
FEWEST, MOST = 2, 4
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def places(value: Value) -> int:
    """Return the decimals of a ratio that its interval supports.

    Examples
    --------
    >>> places(Value(1.16, 1.15, 1.19)), places(Value(1.3686, 1.3681, 1.3692)), places(Value(1.2))
    (2, 4, 2)
    """
    half = (value.high - value.low) / 2.0
    if not (math.isfinite(half) and half > 0.0):
        return FEWEST
    return min(max(-math.floor(math.log10(half)), FEWEST), MOST)


def ratio_text(value: Value) -> str:
    """Return a ratio with its interval, in brackets alone where there is none.

    Examples
    --------
    >>> ratio_text(Value(1.1603, 1.1497, 1.194)), ratio_text(Value(1.25)), ratio_text(Value())
    ('1.16 (1.15 to 1.19)', '(1.25)', '–')
    """
    if not value.is_known:
        return NOTHING
    shown = places(value)
    if not value.is_sure:
        return f"({fixed(value.estimate, shown)})"
    ends = f"{fixed(value.low, shown)} to {fixed(value.high, shown)}"
    return f"{fixed(value.estimate, shown)} ({ends})"


def percent_text(ratio: float, decimals: int) -> str:
    """Return by how much a ratio is off from 1, in per cent without the sign of per cent.

    Examples
    --------
    >>> percent_text(1.1603, 0), percent_text(0.971, 1)
    ('16', '−2.9')
    """
    return fixed(100.0 * (ratio - 1.0), decimals)


def longer_text(value: Value) -> str:
    """Return how much longer or shorter something takes.

    Examples
    --------
    >>> longer_text(Value(1.1603, 1.1497, 1.194)), longer_text(Value(0.95, 0.93, 0.97))
    ('16 % longer', '5 % shorter')
    """
    decimals = max(places(value) - 2, 0)
    text = percent_text(value.estimate, decimals)
    if text.startswith(MINUS):
        return f"{text[1:]} % shorter"
    return f"{text} % longer"


def ends_text(value: Value) -> str:
    """Return the interval of a ratio as per cent more or less.

    Examples
    --------
    >>> ends_text(Value(1.1603, 1.1497, 1.194)), ends_text(Value(1.01, 0.97, 1.03))
    ('15 to 19 %', '−3 to 3 %')
    """
    decimals = max(places(value) - 2, 0)
    return f"{percent_text(value.low, decimals)} to {percent_text(value.high, decimals)} %"


def seconds_text(value: Value) -> str:
    """Return a time with its standard error, in the unit that suits it.

    Examples
    --------
    >>> seconds_text(Value(0.000261, 0.00025, 0.00027, 0.000005)), seconds_text(Value(0.012))
    ('261 ± 5 µs', '(12 ms)')
    """
    if not value.is_known:
        return NOTHING
    unit, word = next((u for u in UNITS if value.estimate >= u[0]), UNITS[-1])
    if not (math.isfinite(value.mcse) and value.mcse > 0.0):
        return f"({significant(value.estimate / unit, 2)} {word})"
    error = value.mcse / unit
    # One digit of the error is enough of a time that another machine has not.
    decimals = max(0, -math.floor(math.log10(error)))
    return f"{fixed(value.estimate / unit, decimals)} ± {fixed(error, decimals)} {word}"


def steps_text(value: Value) -> str:
    """Return a number of steps with its interval.

    Examples
    --------
    >>> steps_text(Value(69.2, 61.0, 88.4)), steps_text(Value(30.0, 18.8, math.inf))
    ('69 (61 to 88)', '30 (19 or more)')
    >>> steps_text(Value(math.inf, 40.0, math.inf)), steps_text(Value())
    ('40 or more', '–')
    """
    if math.isnan(value.estimate):
        return NOTHING
    low = "" if math.isnan(value.low) else whole(value.low)
    if math.isinf(value.estimate):
        return f"{low} or more" if low else NOTHING
    if not low or math.isnan(value.high):
        return f"({whole(value.estimate)})"
    ends = f"{low} or more" if math.isinf(value.high) else f"{low} to {whole(value.high)}"
    return f"{whole(value.estimate)} ({ends})"


def whole(steps: float) -> str:
    """Return a number of steps to two digits.

    Examples
    --------
    >>> whole(69.2), whole(1234.0), whole(0.4)
    ('69', '1,200', '1')
    """
    if steps < 1.0:
        return "1"
    digits = max(0, math.floor(math.log10(steps)) - 1)
    return f"{round(steps / 10**digits) * 10**digits:,}"
