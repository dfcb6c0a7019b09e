"""What theory refuses, above a panel of k-hat: a row per estimator, a bar per stretch of sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullLocator
from matplotlib.transforms import offset_copy

from simnorm.figures.khat_cells import NO_ERROR_BAR, NO_MOMENT, REFUSED, TOO_FEW
from simnorm.figures.panels import text_width
from simnorm.figures.style import FAINT, INK, marker_of, plain
from simnorm.figures.tables import short

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SMALL = 6.0
# What the bars of the ledger look like, in grey too, and what is written into them.
BARS: dict[str, tuple[dict[str, Any], str, str]] = {
    NO_MOMENT: ({"facecolor": "#4d4d4d", "edgecolor": "#4d4d4d"}, "white", "no mean square"),
    NO_ERROR_BAR: ({"facecolor": "#c4c4c4", "edgecolor": "#c4c4c4"}, INK, "no error bar"),
    TOO_FEW: ({"facecolor": "white", "edgecolor": "#8c8c8c"}, INK, "R too small"),
}
MEANING = {
    NO_MOMENT: "Dark bar: the mean square does not exist.",
    NO_ERROR_BAR: "Grey bar: its error bar does not exist.",
    TOO_FEW: "White bar: R too small, more replications needed.",
}


@dataclass(frozen=True)
class Axis:
    """What all panels of a figure share: batch sizes, estimators, and the ends of k-hat."""

    sizes: tuple[int, ...]
    estimators: tuple[str, ...]
    low: float
    high: float

    @property
    def step(self) -> float:
        """The distance of neighbouring batch sizes in natural logarithms; 0.6 if there is one."""
        return float(np.diff(np.log(self.sizes)).min()) if len(self.sizes) > 1 else 0.6

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis of batch sizes begins and ends: points stand beside each other."""
        logs = np.log(self.sizes)
        air = max(0.5 * self.step, 0.04 * float(logs[-1] - logs[0]))
        return self.sizes[0] * math.exp(-air), self.sizes[-1] * math.exp(air)

    @property
    def edges(self) -> list[float]:
        """Where the columns of neighbouring batch sizes meet, with both ends."""
        pairs = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return [self.ends[0], *(math.sqrt(a * b) for a, b in pairs), self.ends[1]]


def draw_ledger(strip: Axes, cells: pd.DataFrame, axis: Axis, wide: float, *, named: bool) -> None:
    """Draw a row per estimator, with a bar over the batch sizes that are refused."""
    strip.set_xscale("log")
    strip.set_xlim(*axis.ends)
    strip.xaxis.set_major_locator(NullLocator())
    strip.xaxis.set_minor_locator(NullLocator())
    strip.set_ylim(len(axis.estimators), 0.0)
    strip.set_yticks([])
    strip.grid(visible=False)
    strip.set_facecolor("#f6f6f6")
    for side in strip.spines.values():
        side.set_visible(False)
    spans = spans_of(cells, axis)
    for place, spec in enumerate(axis.estimators):
        for i, (word, low, high) in enumerate(spans[spec]):
            look, colour, text = BARS[word]
            strip.fill_between([low, high], place + 0.1, place + 0.9, linewidth=0.5, **look)
            at = place_of(spans[spec], i, axis, wide)
            if at is not None:
                strip.text(
                    at[0], place + 0.53, text, ha=at[1], va="center", fontsize=SMALL,
                    color=colour if at[1] == "center" else INK,
                )  # fmt: skip
        if named:
            _name(strip, place, spec)
    if not cells["verdict"].isin(REFUSED).any():
        strip.text(
            0.5, 0.5, "nothing refused", ha="center", va="center", transform=strip.transAxes,
            fontsize=SMALL, color=FAINT,
        )  # fmt: skip


def spans_of(cells: pd.DataFrame, axis: Axis) -> dict[str, list[tuple[str, float, float]]]:
    """Return the bars of each estimator of a name: verdict, where they begin and where they end."""
    keys = zip(cells["estimator"], cells["batch_size"], strict=True)
    found: Mapping[tuple[str, int], str] = dict(zip(keys, cells["verdict"], strict=True))
    return {
        spec: [
            (word, axis.edges[i], axis.edges[j + 1])
            for word, i, j in runs([found.get((spec, n), "") for n in axis.sizes])
        ]
        for spec in axis.estimators
    }


def place_of(
    spans: Sequence[tuple[str, float, float]], i: int, axis: Axis, wide: float
) -> tuple[float, str] | None:
    """Return where the words of a bar stand and how they are aligned: in it, or beside it."""
    word, low, high = spans[i]
    text = BARS[word][2]
    if fits(text, low, high, axis, wide):
        return math.sqrt(low * high), "center"
    pad = math.exp(0.03 * math.log(axis.ends[1] / axis.ends[0]) / wide)
    before = spans[i - 1][2] if i else axis.ends[0]
    after = spans[i + 1][1] if i + 1 < len(spans) else axis.ends[1]
    # Of two neighbours the first takes the room between them.
    if high < after and fits(text, high, after, axis, wide):
        return high * pad, "left"
    taken = i and fits(BARS[spans[i - 1][0]][2], before, low, axis, wide)
    if before < low and not taken and fits(text, before, low, axis, wide):
        return low / pad, "right"
    return None


def fits(text: str, low: float, high: float, axis: Axis, wide: float) -> bool:
    """Return whether a bar in a panel of so many inches has room for words."""
    inches = wide * math.log(high / low) / math.log(axis.ends[1] / axis.ends[0])
    return text_width(text, SMALL) < inches - 0.04


def _name(strip: Axes, place: int, spec: str) -> None:
    """Write an estimator beside its row, with its marker, which makes a legend needless."""
    label = strip.annotate(
        short(spec, 20), (0.0, place + 0.53), xycoords=("axes fraction", "data"), xytext=(-10, 0),
        textcoords="offset points", ha="right", va="center", fontsize=SMALL, annotation_clip=False,
    )  # fmt: skip
    plain(label)
    beside = offset_copy(
        strip.get_yaxis_transform(), strip.figure.get_figure(root=True), x=-5.0, units="points"
    )
    strip.plot(
        [0.0], [place + 0.5], marker=marker_of(spec), markersize=3.6, color=FAINT,
        markeredgecolor="none", clip_on=False, transform=beside,
    )  # fmt: skip


def runs(verdicts: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the stretches of equal verdicts of the ledger: verdict, first and last place.

    Examples
    --------
    >>> runs(["too few", "too few", "green", "no error bar"])
    [('too few', 0, 1), ('no error bar', 3, 3)]
    """
    found: list[tuple[str, int, int]] = []
    for place, word in enumerate(verdicts):
        if word not in REFUSED:
            continue
        if found and found[-1][0] == word and found[-1][2] == place - 1:
            found[-1] = (word, found[-1][1], place)
        else:
            found.append((word, place, place))
    return found
