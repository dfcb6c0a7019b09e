"""The cells of one estimator: points with error bars, theory as thin lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.tables import floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from simnorm.figures.marks import Mark

    Floats = NDArray[np.float64]

DASHES = (0, (3.2, 1.6))

# The look of an estimate from which some replications are missing: half a marker.
HALF: dict[str, Any] = {"fillstyle": "bottom", "markerfacecoloralt": "white"}


@dataclass
class Shown:
    """What has been drawn so far, so that the legend explains this and no more."""

    names: set[str] = field(default_factory=set)
    exact: bool = False
    asymptotic: bool = False
    interval: bool = False
    hollow: bool = False
    failed: bool = False
    low: float = math.inf
    high: float = -math.inf

    def stretch(self, values: Floats) -> None:
        """Let the y range include `values`."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))


def merged(parts: Sequence[Shown]) -> Shown:
    """Return what has been drawn in any of several panels."""
    whole = Shown()
    for part in parts:
        whole.names |= part.names
        for flag in ("exact", "asymptotic", "interval", "hollow", "failed"):
            setattr(whole, flag, getattr(whole, flag) or getattr(part, flag))
    return whole


def draw_cells(
    ax: Axes,
    rows: pd.DataFrame,
    marks: Mapping[str, Mark],
    shown: Shown,
    factor: float = 1.0,
    positive: bool = True,
    dodge: float = 0.0,
) -> int:
    """Draw estimates with intervals, and theory as curves; return how many points there are.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        Rows of one measure and estimator, with a column ``name``, by batch size.
    marks
        The look of every name.
    shown
        Takes note of what was drawn.
    factor
        All values are multiplied by it (100 for per cent).
    positive
        Whether y is logarithmic: values that are not positive are left out.
    dodge
        Spread the names over so many natural logarithms of x. Only where the curves are level:
        on a slope a point moved sideways would look like a point beside its curve.
    """
    points = 0
    alike = all_alike(rows)
    for depth, (name, mark) in enumerate(marks.items()):
        mine = rows[rows["name"] == name]
        if mine.empty:
            continue
        if alike:
            mark = ring(mark, depth / max(len(marks) - 1, 1))
        _draw_theory(ax, mine, mark, shown, factor, positive)
        share = depth / (len(marks) - 1) - 0.5 if len(marks) > 1 else 0.0
        aside = math.exp(dodge * share)
        points += _draw_points(ax, mine, mark, shown, factor, positive, 3 + 0.1 * depth, aside)
    return points


def all_alike(rows: pd.DataFrame) -> bool:
    """Return whether theory says that all names (two or more) have the same values."""
    theory = rows[np.isfinite(floats(rows, "theory")) & (floats(rows, "theory") != 0.0)]
    if theory.empty or theory["name"].nunique() < 2:
        return False
    by_size = theory.groupby("batch_size")["theory"]
    return bool(((by_size.max() - by_size.min()).abs() <= 1e-3 * by_size.max().abs()).all())


def ring(mark: Mark, depth: float) -> Mark:
    """Return `mark` the smaller the later it is drawn, so that all can be seen."""
    return replace(mark, size=7.0 - 4.4 * depth, width=2.0 - 1.4 * depth, edge=0.0)


def _usable(values: Floats, positive: bool) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.isfinite(values)
    return finite & (values > 0.0) if positive else finite


def _draw_theory(
    ax: Axes, mine: pd.DataFrame, mark: Mark, shown: Shown, factor: float, positive: bool
) -> None:
    for kind, dashes in (("exact", "-"), ("asymptotic", DASHES)):
        rows = mine[mine["theory_kind"] == kind]
        y = factor * floats(rows, "theory")
        keep = _usable(y, positive)
        if not keep.any():
            continue
        x, y = floats(rows, "batch_size")[keep], y[keep]
        if x.size == 1:  # A curve through one point: a short level stroke.
            x, y = np.array([x[0] / 1.1, x[0] * 1.1]), np.repeat(y, 2)
        look: dict[str, Any] = {"linestyle": dashes, "color": mark.colour, "linewidth": mark.width}
        ax.plot(x, y, alpha=0.9, zorder=2, **look)
        shown.stretch(y)
        setattr(shown, kind, True)
        shown.names.add(mark.name)


def _draw_points(
    ax: Axes,
    mine: pd.DataFrame,
    mark: Mark,
    shown: Shown,
    factor: float,
    positive: bool,
    zorder: float,
    aside: float,
) -> int:
    x, y = aside * floats(mine, "batch_size"), factor * floats(mine, "estimate")
    low, high = factor * floats(mine, "ci_low"), factor * floats(mine, "ci_high")
    keep = _usable(y, positive)
    status = mine["status"].to_numpy(dtype=object)
    hollow = keep & (status == "unreliable")
    hollow |= keep & (status == "failed") & ~np.isfinite(floats(mine, "mcse"))
    failed = keep & (status == "failed") & ~hollow
    sure = keep & ~hollow & ~failed
    look: dict[str, Any] = {"linestyle": "none", "marker": mark.shape, "zorder": zorder}
    if sure.any():
        ax.plot(
            x[sure], y[sure], markersize=mark.size, markerfacecolor=mark.colour,
            markeredgecolor="white", markeredgewidth=mark.edge, **look,
        )  # fmt: skip
    if failed.any():
        ax.plot(
            x[failed], y[failed], markersize=mark.size, markeredgecolor=mark.colour,
            markeredgewidth=0.9, markerfacecolor=mark.colour, **look, **HALF,
        )  # fmt: skip
        shown.failed = True
    barred = (sure | failed) & np.isfinite(low) & np.isfinite(high) & (high > low)
    if positive:
        barred &= low > 0.0
    if barred.any():
        ax.vlines(
            x[barred], low[barred], high[barred], color=mark.colour, linewidth=0.9, zorder=zorder
        )
        shown.interval = True
        shown.stretch(low[barred])
        shown.stretch(high[barred])
    if hollow.any():
        ax.plot(
            x[hollow], y[hollow], markersize=mark.size, markerfacecolor="white",
            markeredgecolor=mark.colour, markeredgewidth=0.9, **look,
        )  # fmt: skip
        shown.hollow = True
    if keep.any():
        shown.stretch(y[keep])
        shown.names.add(mark.name)
    return int(keep.sum())


def level_dodge(rows: pd.DataFrame) -> float:
    """Return how far to spread the names sideways: not at all unless theory is zero throughout."""
    theory = floats(rows, "theory")
    theory = theory[np.isfinite(theory)]
    sizes = np.unique(floats(rows, "batch_size"))
    if not theory.size or np.any(theory != 0.0) or sizes.size < 2:
        return 0.0
    logs = np.log(sizes)
    # On a coarse grid the outermost points must stay on the axes, which are that much longer.
    return min(0.5 * float(np.diff(logs).min()), 0.07 * float(logs[-1] - logs[0]))


def y_range(
    rows: pd.DataFrame,
    shown: Shown,
    factor: float,
    positive: bool,
    include: Sequence[float] = (),
) -> tuple[float, float, float]:
    """Return the ends of the y axis, and where it stops being linear if it passes zero."""
    low, high = min([shown.low, *include]), max([shown.high, *include])
    if positive:
        air = max((high / low) ** 0.05, 1.15)
        return low / air, high * air, 0.0
    half = factor * (floats(rows, "ci_high") - floats(rows, "ci_low")) / 2.0
    half = half[np.isfinite(half) & (half > 0.0)]
    reach = max(-low, high) or 1.0
    noise = float(np.median(half)) if half.size else reach / 1000.0
    threshold = 10.0 ** math.ceil(math.log10(max(noise, 1e-9 * reach)))
    low, high = min(low, -threshold), max(high, threshold)
    # The more decades, the more of one a marker covers.
    air = max(1.3, (max(-low, high) / threshold) ** 0.06)
    return air * low, air * high, threshold
