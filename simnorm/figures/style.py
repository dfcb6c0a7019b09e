"""What all figures share: the look, the colours, the ticks, and writing to a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib as mpl
import matplotlib.style
from matplotlib.figure import Figure

from simnorm.errors import SimnormError
from simnorm.figures.marks import MARKERS, PALETTE, Mark, marker_of, marks_of
from simnorm.figures.scales import (
    batch_size_axis,
    labelled_sizes,
    log_axis,
    log_ticks,
    number,
    symlog_axis,
)

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
# Below this a figure is for a column of a paper, and panels stand below each other.
NARROW = 4.6
# So many panels stand in two columns, more in three.
IN_TWO = (2, 4)

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5.0,
    # Nothing stands above the axes, so that no title need be moved.
    "axes.titley": 1.0,
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
    "svg.fonttype": "path",
    "svg.hashsalt": "simnorm",
    "pdf.fonttype": 42,
}


def beside(width: float, usual: int, least: float) -> int:
    """Return how many panels stand side by side: as usual on a page, fewer in a column of a paper.

    Parameters
    ----------
    width
        Of the figure, in inches.
    usual
        How many there are on a page.
    least
        The inches a panel needs where the figure is narrow.

    Examples
    --------
    >>> beside(6.7, 3, 1.6), beside(3.4, 3, 1.6), beside(3.4, 2, 2.6)
    (3, 2, 1)
    """
    return usual if width >= NARROW else max(1, min(usual, int(width / least)))


def columns_for(width: float, count: int) -> int:
    """Return how many of so many panels stand side by side: two or four in two, others in three.

    Examples
    --------
    >>> columns_for(6.7, 4), columns_for(6.7, 5), columns_for(3.4, 5)
    (2, 3, 1)
    """
    return beside(width, min(count, 2 if count in IN_TWO else 3), 2.6)


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
    """Write a figure as SVG whose text is text, for a report that has the font; same bytes."""
    with look(), mpl.rc_context({"svg.fonttype": "none"}):
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
