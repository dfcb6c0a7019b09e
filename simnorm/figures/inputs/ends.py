"""Names beside the right ends of curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from simnorm.figures.overview import spread
from simnorm.figures.style import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What part of a figure's height its axes have, about.
PART = 0.72


def name_ends(
    ax: Axes,
    ends: Mapping[str, tuple[float, float]],
    colours: Mapping[str, str],
    size: float = 7.5,
    rows: int = 1,
) -> None:
    """Write a text beside the right end of every curve, pushed apart where they would meet.

    Parameters
    ----------
    ax
        Axes whose scales and limits are set.
    ends
        The last point of every curve, by the text that is written.
    colours
        The colour of every text.
    size
        Of the type.
    rows
        How many rows of panels the figure has.
    """
    if not ends:
        return
    levels = {text: _level(ax, y) for text, (_, y) in ends.items()}
    ordered = sorted(ends, key=lambda text: levels[text])
    height = float(ax.figure.get_figheight() if isinstance(ax.figure, Figure) else 3.0)
    places = spread([levels[text] for text in ordered], 1.25 * size / 72.0 / (PART * height / rows))
    for text, place in zip(ordered, places, strict=True):
        label = ax.annotate(
            text, ends[text], xycoords="data", xytext=(1.03, place), textcoords="axes fraction",
            va="center", ha="left", color=colours[text], fontsize=size,
            arrowprops={
                "arrowstyle": "-", "color": colours[text], "linewidth": 0.6, "alpha": 0.7,
                "shrinkA": 1.0, "shrinkB": 3.0, "relpos": (0.0, 0.5),
            },
        )  # fmt: skip
        plain(label)


def _level(ax: Axes, y: float) -> float:
    """Return where a value is on the y axis, between 0 and 1."""
    low, high = ax.get_ylim()
    if ax.get_yscale() == "log":
        return math.log(y / low) / math.log(high / low)
    return (y - low) / (high - low)


def parted(names: Sequence[str], longest: int) -> dict[str, str]:
    """Return labels of names, cut where they are too long, all of them different.

    Examples
    --------
    >>> parted(["a long name", "a long one"], 7)
    {'a long name': 'a long…', 'a long one': 'a lon…2'}
    """
    labels: dict[str, str] = {}
    for place, name in enumerate(names, start=1):
        label = name if len(name) <= longest else f"{name[: longest - 1]}…"
        if label in labels.values():
            label = f"{name[: longest - 1 - len(str(place))]}…{place}"
        labels[name] = label
    return labels
