"""How wide texts are, and titles that fit."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from simnorm.figures.style import FAINT, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Where a title may be parted.
JOINT = r"(?<=[_, ])|(?<=\.)(?=[A-Za-z])|(?=\()"
# The smallest type of a title, in points.
LEAST = 6.5


@lru_cache(maxsize=512)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return how many inches wide a line of text is."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    points, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(points) / 72.0


def fit_title(ax: Axes, title: str, room: float, size: float = 8.5, least: float = 7.0) -> None:
    """Title a panel in at most `room` inches: in smaller type, or in lines parted at a joint."""
    lines = [title]
    if text_width(title, least, "bold") > room:
        lines = _parted(title, room, least)
    widest = max(text_width(line, size, "bold") for line in lines)
    plain(ax.set_title("\n".join(lines), fontsize=min(size, size * room / widest)))


def _parted(title: str, room: float, size: float) -> list[str]:
    """Break a title at its joints, and where there are none anywhere."""
    lines = [""]
    for piece in re.split(JOINT, title):
        if lines[-1] and text_width(lines[-1] + piece, size, "bold") > room:
            lines.append("")
        for char in piece:
            if lines[-1] and text_width(lines[-1] + char, size, "bold") > room:
                lines.append("")
            lines[-1] += char
    return lines


def fit_titles(axes: Sequence[Axes], titles: Sequence[str], room: float, size: float = 8.5) -> None:
    """Title panels side by side in type of one size, in at most two lines of `room` inches each.

    A title is parted at a joint; what has none that helps is cut.
    """
    for points in np.arange(size, LEAST - 0.25, -0.5):
        parted = [_in_two(title, room, float(points)) for title in titles]
        if all(parted):
            break
    else:
        points = LEAST
    for ax, title, lines in zip(axes, titles, parted, strict=True):
        text = lines or cut(title, room, LEAST, "bold")
        plain(ax.set_title(text, fontsize=float(points)))


def _in_two(title: str, room: float, size: float) -> str:
    """Return a title in one or two lines that fit, the first as long as can be, or nothing."""
    pieces = re.split(JOINT, title)
    for count in range(len(pieces), 0, -1):
        lines = ["".join(pieces[:count]), "".join(pieces[count:])]
        if all(text_width(line, size, "bold") <= room for line in lines):
            return "\n".join(line for line in lines if line)
    return ""


def say_inside(ax: Axes, words: str, width: int = 26) -> None:
    """Write words into the middle of axes, in lines of so many letters."""
    text = ax.text(
        0.5, 0.5, "\n".join(textwrap.wrap(words, width)), ha="center", va="center",
        transform=ax.transAxes, color=FAINT, fontsize=7.5, zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip
    plain(text)


def cut(text: str, room: float, size: float, weight: str = "normal") -> str:
    """Return a text that is at most `room` inches wide, cut with an ellipsis if need be."""
    if text_width(text, size, weight) <= room:
        return text
    for length in range(len(text) - 1, 0, -1):
        shorter = text[:length].rstrip() + "…"
        if text_width(shorter, size, weight) <= room:
            return shorter
    return "…"
