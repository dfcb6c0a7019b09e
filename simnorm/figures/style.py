"""What all figures share: the look, the colours, the ticks, and writing to a file."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from simnorm.errors import SimnormError
from simnorm.figures.marks import MARKERS, PALETTE, Mark, marker_of, marks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

__all__ = [
    "BANNER_WIDTH", "FAINT", "GRID", "INK", "MARKERS", "PAGE_WIDTH", "PALETTE", "STYLE", "Mark",
    "batch_size_axis", "empty_figure", "labelled_sizes", "log_axis", "log_ticks", "look",
    "marker_of", "marks_of", "number", "plain", "save", "save_svg", "say_nothing_to_show",
    "styled", "symlog_axis",
]  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")

INK = "#262626"
FAINT = "#6b6b6b"
GRID = "#e6e6e6"

# Widths in inches: text width of an A4 page, and the top of a web page at 100 dots per inch.
PAGE_WIDTH = 6.7
BANNER_WIDTH = 9.0

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5.0,
    "axes.labelsize": 8.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8c8c8c",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.color": "#8c8c8c",
    "ytick.color": "#8c8c8c",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "legend.columnspacing": 1.6,
    "legend.handletextpad": 0.6,
    "figure.facecolor": "white",
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "path",
    "svg.hashsalt": "simnorm",
    "pdf.fonttype": 42,
}


@contextmanager
def look() -> Iterator[None]:
    """Use simnorm's look, whatever the user's own settings are, and give those back after."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run `function` inside `look`."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with look():
            return function(*args, **kwargs)

    return inside


def plain(text: Text) -> Text:
    """Show a text as it is: no dollar sign in a name may start a formula."""
    text.set_parse_math(False)
    return text


def number(value: float) -> str:
    """Return a tick label: no needless zeros, a true minus sign, thousands separated."""
    text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return text.replace("-", "−")


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
    """Make x logarithmic, with a tick at every batch size and labels where they fit."""
    ax.set_xscale("log")
    lowest, highest = min(sizes), max(sizes)
    # A little air on both sides; a single size needs an axis of its own making.
    factor = (highest / lowest) ** 0.04 if highest > lowest else 1.35
    ax.set_xlim(lowest / factor, highest * factor)
    ax.xaxis.set_major_locator(FixedLocator(labelled_sizes(sizes, width, font_size)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value))))
    ax.xaxis.set_minor_locator(FixedLocator(sorted(set(sizes))))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(visible=False, axis="x")
    if label:
        ax.set_xlabel("batch size n")


def log_axis(ax: Axes, low: float, high: float, percent: bool = False) -> None:
    """Make y logarithmic from `low` to `high`, labelled 1-2-5 or by decades as fits."""
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    decades = math.log10(high / low)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks, decimal = log_ticks(low, high)
    minor = [s * 10.0**e for e in exponents for s in range(1, 10)]
    ticks = _apart(ax, ticks)
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(FixedLocator(minor) if decades < 7 else NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    small = min(ticks, default=1.0) < 0.9e-3 or max(ticks, default=1.0) > 1.1e5

    def text(value: float, _: object) -> str:
        if percent:
            return f"{number(value)} %"
        if small and decimal:
            return f"$\\mathdefault{{10^{{{round(math.log10(value))}}}}}$"
        return number(value)

    ax.yaxis.set_major_formatter(FuncFormatter(text))


def log_ticks(low: float, high: float) -> tuple[list[float], bool]:
    """Return round values between `low` and `high`, and whether they are all powers of ten.

    Steps of 1-2-5 in every decade; only the powers of ten where those would crowd; finer steps
    where fewer than three would be left.
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
        if len(ticks) > 2:
            return ticks, steps == tens
    even = MaxNLocator(nbins=4).tick_values(low, high)
    return [float(tick) for tick in even if low <= tick <= high], False


def symlog_axis(ax: Axes, low: float, high: float, threshold: float, percent: bool = True) -> None:
    """Make y logarithmic outside +-`threshold` and linear inside; linear if little lies outside."""
    reach = max(-low, high)
    suffix = " %" if percent else ""
    if reach <= 10.0 * threshold:
        ax.set_ylim(low, high)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value) + suffix))
        return
    ax.set_yscale("symlog", linthresh=threshold, linscale=0.6)
    ax.set_ylim(low, high)
    powers = range(round(math.log10(threshold)), math.floor(math.log10(reach)) + 1)
    # The far ones first: near the threshold they crowd.
    ticks = [sign * 10.0**power for power in reversed(powers) for sign in (1, -1)]
    ticks = [tick for tick in [0.0, *ticks] if low <= tick <= high]
    ax.yaxis.set_major_locator(FixedLocator(_apart(ax, ticks)))
    minor = [sign * s * 10.0**p for p in powers for s in range(2, 10) for sign in (1, -1)]
    ax.yaxis.set_minor_locator(FixedLocator([m for m in sorted(minor) if low <= m <= high]))
    ax.yaxis.set_minor_formatter(NullFormatter())
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


def say_nothing_to_show(ax: Axes, why: str) -> None:
    """Turn axes into one sentence: why there is nothing in them."""
    ax.set_axis_off()
    text = ax.text(
        0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, color=FAINT, wrap=True
    )
    plain(text)


def empty_figure(why: str, width: float = PAGE_WIDTH) -> Figure:
    """Return a figure that says in words why it shows nothing."""
    figure = Figure(figsize=(width, 0.7), layout="constrained")
    say_nothing_to_show(figure.add_subplot(), why)
    return figure


def save_svg(figure: Figure, path: str | Path) -> None:
    """Write a figure as SVG with outlined text; the same bytes each time."""
    with look():
        figure.savefig(path, format="svg", metadata={"Date": None})


def save(figure: Figure, path: str | Path, dpi: float = 200) -> None:
    """Write a figure as SVG, PDF or PNG, by the ending of `path`; the same bytes each time."""
    ending = Path(path).suffix.lower()
    # A date in the file would make two drawings of one run differ.
    undated: dict[str, dict[str, Any]] = {
        ".svg": {"Date": None},
        ".pdf": {"CreationDate": None},
        ".png": {"Software": None},
    }
    if ending not in undated:
        raise SimnormError(
            "figure file", os.fspath(path), "its ending must be .svg, .pdf or .png",
            "Write for example variance.svg.",
        )  # fmt: skip
    with look():
        figure.savefig(path, format=ending[1:], metadata=undated[ending], dpi=dpi)
