"""Axes in plain numbers: batch sizes along x; logarithmic y, some of them through zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullLocator,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Powers of ten outside are written with an exponent.
PLAIN = (0.9e-3, 1.1e4)


def number(value: float) -> str:
    """Return a tick label: no needless zeros, a true minus sign, thousands separated."""
    text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return text.replace("-", "−")


def tick_text(value: float) -> str:
    """Return a tick label of a logarithmic axis: a plain number, or a far power of ten as such.

    Examples
    --------
    >>> tick_text(0.002), tick_text(1e-5), tick_text(2e-5), tick_text(-10.0)
    ('0.002', '10⁻⁵', '2·10⁻⁵', '−10')
    """
    if value == 0.0 or PLAIN[0] <= abs(value) <= PLAIN[1]:
        return number(value)
    power = math.floor(math.log10(abs(value)) + 1e-9)
    ten = "10" + str(power).translate(SUPERSCRIPTS)
    front = number(value / 10.0**power)
    return {"1": ten, "−1": f"−{ten}"}.get(front, f"{front}·{ten}")


def labelled_sizes(sizes: Sequence[int], width: float, font_size: float = 7.0) -> list[int]:
    """Choose the batch sizes that get a label on a logarithmic axis `width` inches long.

    All of them if they fit; otherwise every second, third or fourth; otherwise as many as fit,
    powers of two first.
    """
    ordered = sorted(set(sizes))
    for step in (1, 2, 3, 4):
        chosen = ordered[::step]
        if _labels_fit(chosen, ordered, width, font_size):
            return chosen
    ends = [ordered[0], ordered[-1]]
    powers = [n for n in ordered if n & (n - 1) == 0]
    chosen = []
    for n in [*ends, *powers, *ordered]:
        if n not in chosen and _labels_fit([*chosen, n], ordered, width, font_size):
            chosen.append(n)
    return sorted(chosen)


def _labels_fit(chosen: list[int], all_sizes: list[int], width: float, font_size: float) -> bool:
    """Return whether the labels keep a blank of one digit between them."""
    span = math.log(all_sizes[-1] / all_sizes[0]) or 1.0
    digit = 0.64 * font_size / 72.0
    right = -math.inf
    for n in sorted(chosen):
        centre = width * math.log(n / all_sizes[0]) / span
        half = 0.5 * digit * len(number(n))
        if centre - half < right + digit:
            return False
        right = centre + half
    return True


def batch_size_axis(
    ax: Axes, sizes: Sequence[int], width: float, font_size: float = 7.0, label: bool = True
) -> None:
    """Make x logarithmic, with ticks at the batch sizes whose labels fit."""
    ax.set_xscale("log")
    lowest, highest = min(sizes), max(sizes)
    # A little air on both sides; a single size needs an axis of its own making.
    factor = (highest / lowest) ** 0.04 if highest > lowest else 1.35
    ax.set_xlim(lowest / factor, highest * factor)
    ax.xaxis.set_major_locator(FixedLocator(labelled_sizes(sizes, width, font_size)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value))))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(visible=False, axis="x")
    if label:
        ax.set_xlabel("batch size n")


def log_axis(
    ax: Axes, low: float, high: float, percent: bool = False, first: Sequence[float] = ()
) -> None:
    """Make y logarithmic from `low` to `high`, labelled 1-2-5 or by decades as fits.

    Parameters
    ----------
    ax
        Where y is set.
    low, high
        The ends, above zero.
    percent
        Whether labels have a per cent sign.
    first
        Values that have a label before all others.
    """
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    first = [value for value in first if low <= value <= high]
    ticks = _apart(ax, [*first, *log_ticks(low, high)[0]])
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    _label_y(ax, percent)


def _label_y(ax: Axes, percent: bool) -> None:
    suffix = " %" if percent else ""
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value) + suffix))


def log_ticks(low: float, high: float) -> tuple[list[float], bool]:
    """Return round values between `low` and `high`, and whether they are all powers of ten.

    Steps of 1-2-5 in every decade; only the powers of ten where those would crowd; finer steps
    where hardly any would be left.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    # Every second or third power where they would crowd.
    thin = max(1, math.ceil((last - first) / 8))
    tens = (1.0,)
    choices = (tens,) if last - first > 3 else ((1.0, 2.0, 5.0), (1.0, 1.5, *range(2, 10)))
    for steps in choices:
        every = thin if steps == tens else 1
        ticks = [s * 10.0**e for e in range(first, last + 1) if e % every == 0 for s in steps]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) > (1 if len(steps) == 3 else 2):
            return ticks, steps == tens
    even = MaxNLocator(nbins=4).tick_values(low, high)
    return [float(tick) for tick in even if low <= tick <= high], False


def symlog_axis(ax: Axes, low: float, high: float, threshold: float, percent: bool = True) -> None:
    """Make y logarithmic outside +-`threshold` and linear inside; linear if little lies outside."""
    reach = max(-low, high)
    if reach <= 10.0 * threshold:
        linear_axis(ax, low, high, percent)
        return
    ax.set_yscale("symlog", linthresh=threshold, linscale=0.6)
    ax.set_ylim(low, high)
    powers = range(round(math.log10(threshold)), math.floor(math.log10(reach)) + 1)
    # The far ones first: near the threshold they crowd.
    ticks = [sign * 10.0**power for power in reversed(powers) for sign in (1, -1)]
    ticks = [tick for tick in [0.0, *ticks] if low <= tick <= high]
    ax.yaxis.set_major_locator(FixedLocator(_apart(ax, ticks)))
    ax.yaxis.set_minor_locator(NullLocator())
    _label_y(ax, percent)


def linear_axis(ax: Axes, low: float, high: float, percent: bool = True) -> None:
    """Make y linear from `low` to `high`, with few labels."""
    ax.set_ylim(low, high)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    suffix = " %" if percent else ""
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value) + suffix))


def _apart(ax: Axes, ticks: Sequence[float], font_size: float = 7.0) -> list[float]:
    """Return the ticks, the earlier ones first, whose labels do not meet on a y axis."""
    figure = ax.figure
    inches = float(ax.get_position().height) * (
        float(figure.get_figheight()) if isinstance(figure, Figure) else 3.0
    )
    ends = ax.transScale.transform([(1.0, limit) for limit in ax.get_ylim()])[:, 1]
    chosen: dict[float, float] = {}
    for tick in ticks:
        at = inches * (ax.transScale.transform((1.0, tick))[1] - ends[0]) / (ends[1] - ends[0])
        if all(abs(at - other) >= 1.2 * font_size / 72.0 for other in chosen.values()):
            chosen[tick] = at
    return sorted(chosen)
