"""Numbers as people should see them: no digit beyond what their error bar supports."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def decimals_of(error: float) -> int:
    """Return how many decimals show two digits of `error`.

    Examples
    --------
    >>> decimals_of(0.0123), decimals_of(12.3), decimals_of(0.0996)
    (3, 0, 2)
    """
    exponent = math.floor(math.log10(error))
    # 0.0996 rounds to 0.10, whose two digits are one decimal further left.
    if round(error / 10.0**exponent, 1) >= 10.0:
        exponent += 1
    return max(0, 1 - exponent)


def fixed(value: float, decimals: int) -> str:
    """Return `value` with so many decimals, thousands separators and a true minus sign.

    Examples
    --------
    >>> fixed(-1234.5, 1)
    '\u22121,234.5'
    """
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def format_estimate(value: float | None, mcse: float | None = None, digits: int = 3) -> str:
    """Return an estimate with its Monte Carlo standard error, rounded to two digits of it.

    Parameters
    ----------
    value
        The estimate. NaN or None gives an en dash.
    mcse
        Its standard error. Zero means exact; NaN or None, that there is no valid one.
    digits
        Significant digits where there is no error bar to round by.

    Examples
    --------
    >>> format_estimate(0.123456, 0.000612)
    '0.12346 ± 0.00061'
    >>> format_estimate(0.123456)
    '0.123'
    >>> format_estimate(2.5e-7, 1.2e-8)
    '(2.50 ± 0.12)e\u22127'
    """
    if value is None or math.isnan(value):
        return NOTHING
    if mcse is None or math.isnan(mcse) or mcse == 0.0:
        return significant(value, digits)
    size = max(abs(value), mcse)
    if 1e-4 <= size < 1e7 and decimals_of(mcse) <= 7:
        decimals = decimals_of(mcse)
        return f"{fixed(value, decimals)} ± {fixed(mcse, decimals)}"
    exponent = math.floor(math.log10(size))
    shift = 10.0**exponent
    decimals = decimals_of(mcse / shift)
    power = str(exponent).replace("-", MINUS)
    return f"({fixed(value / shift, decimals)} ± {fixed(mcse / shift, decimals)})e{power}"


def format_like(value: float | None, mcse: float | None, digits: int = 4) -> str:
    """Return an exact value with the decimals that an estimate beside it has.

    Examples
    --------
    >>> format_like(0.707106, 0.00061), format_like(0.707106, None)
    ('0.70711', '0.7071')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if mcse is None or math.isnan(mcse) or mcse == 0.0 or decimals_of(mcse) > 7:
        return significant(value, digits)
    if not 1e-4 <= max(abs(value), mcse) < 1e7:
        return significant(value, digits)
    return fixed(value, decimals_of(mcse))


def significant(value: float, digits: int = 3) -> str:
    """Return `value` to so many significant digits.

    Examples
    --------
    >>> significant(0.0456789), significant(1234.5), significant(0.0), significant(3.2e21)
    ('0.0457', '1,234', '0', '3.20e21')
    """
    if value == 0.0:
        return "0"
    # Of the rounded value: 0.9997 to two digits is 1.0, not 1.00.
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -5 <= exponent < 7:
        return fixed(value, max(0, digits - 1 - exponent))
    power = f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return power.replace("-", MINUS)


def percent(share: float, digits: int = 2) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.1804), percent(0.0042), percent(1.5)
    ('18 %', '0.42 %', '150 %')
    """
    return f"{significant(100.0 * share, digits)} %"


def seconds_text(seconds: float) -> str:
    """Return a duration as a person would say it.

    Examples
    --------
    >>> seconds_text(0.42), seconds_text(75.0), seconds_text(7300.0), seconds_text(9e5)
    ('0.4 s', '1 min 15 s', '2 h 1 min', '10 days')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min"
    return f"{hours // 24} days"


def utc_text(moment: str) -> str:
    """Return a time of ISO 8601 as a person reads it, in UTC; what is none as it is.

    Examples
    --------
    >>> utc_text("2026-11-27T23:48:38+01:00")
    '2026-11-27 22:48:38 UTC'
    """
    try:
        return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return moment


def plural(count: int, word: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "batch size"), plural(1200, "batch size")
    ('1 batch size', '1,200 batch sizes')
    """
    return f"{count:,} {word}" + ("" if count == 1 else "s")
