"""The cells of one estimator: points with error bars, theory as thin lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.tables import TRUSTED, floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from simnorm.figures.marks import Mark

    Floats = NDArray[np.float64]

DASHES = (0, (3.2, 1.6))
# Points: the rim of a hollow marker, and the size of markers that stand side by side.
RIM, SMALL = 0.9, 3.4
# Up to so many side by side keep their size.
FEW = 2

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
    widest: float = 0.0

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
    alike, cells = all_alike(rows), Cells.of(rows)
    for depth, (name, mark) in enumerate(marks.items()):
        mine = cells.of_name(name)
        if not mine.size.size:
            continue
        if alike:
            mark = ring(mark, depth / max(len(marks) - 1, 1))
        if dodge and len(marks) > FEW:
            # So many bars stand side by side that markers would cover them.
            mark = replace(mark, size=min(mark.size, SMALL))
        _draw_theory(ax, mine, mark, shown, factor, positive)
        share = depth / (len(marks) - 1) - 0.5 if len(marks) > 1 else 0.0
        aside = math.exp(dodge * share)
        points += _draw_points(ax, mine, mark, shown, factor, positive, 3 + 0.1 * depth, aside)
    return points


@dataclass(frozen=True)
class Cells:
    """Columns of a table as arrays: taking rows of a wide table for every name costs more."""

    name: NDArray[np.object_]
    size: Floats
    estimate: Floats
    low: Floats
    high: Floats
    mcse: Floats
    theory: Floats
    kind: NDArray[np.object_]
    status: NDArray[np.object_]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Cells:
        """Return the columns of a table with names."""
        numbers = {
            "size": "batch_size", "estimate": "estimate", "low": "ci_low", "high": "ci_high",
            "mcse": "mcse", "theory": "theory",
        }  # fmt: skip
        words = {"name": "name", "kind": "theory_kind", "status": "status"}
        arrays: dict[str, Any] = {at: floats(rows, key) for at, key in numbers.items()}
        arrays |= {at: rows[key].to_numpy(dtype=object) for at, key in words.items()}
        return cls(**arrays)

    def where(self, keep: NDArray[np.bool_]) -> Cells:
        """Return some of the rows."""
        return Cells(*(getattr(self, part.name)[keep] for part in fields(self)))

    def of_name(self, name: str) -> Cells:
        """Return the rows of a name."""
        return self.where(np.asarray(self.name == name, dtype=np.bool_))

    @property
    def known(self) -> Floats:
        """Exact values where there are some, estimates elsewhere."""
        exact = (self.kind == "exact") & np.isfinite(self.theory)
        return np.where(exact, self.theory, self.estimate)

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Which values are exact or have a valid error bar, as `tables.trusted` has it."""
        exact = (self.kind == "exact") & np.isfinite(self.theory)
        part = (self.status == "failed") & np.isfinite(self.mcse)
        return np.asarray(exact | part | np.isin(self.status, TRUSTED), dtype=np.bool_)


def all_alike(rows: pd.DataFrame) -> bool:
    """Return whether theory says that all names (two or more) have the same values."""
    cells = Cells.of(rows)
    cells = cells.where(np.isfinite(cells.theory) & (cells.theory != 0.0))
    if len(set(cells.name)) < 2:
        return False
    for size in np.unique(cells.size):
        here = cells.theory[cells.size == size]
        if here.max() - here.min() > 1e-3 * abs(here.max()):
            return False
    return True


def ring(mark: Mark, depth: float) -> Mark:
    """Return `mark` the smaller the later it is drawn, so that all can be seen."""
    return replace(mark, size=7.0 - 4.4 * depth, width=2.0 - 1.4 * depth, edge=0.0)


def _usable(values: Floats, positive: bool) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.isfinite(values)
    return finite & (values > 0.0) if positive else finite


def _draw_theory(
    ax: Axes, mine: Cells, mark: Mark, shown: Shown, factor: float, positive: bool
) -> None:
    for kind, dashes in (("exact", "-"), ("asymptotic", DASHES)):
        rows = mine.where(np.asarray(mine.kind == kind, dtype=np.bool_))
        y = factor * rows.theory
        keep = _usable(y, positive)
        if not keep.any():
            continue
        x, y = rows.size[keep], y[keep]
        if x.size == 1:  # A curve through one point: a short level stroke.
            x, y = np.array([x[0] / 1.1, x[0] * 1.1]), np.repeat(y, 2)
        look: dict[str, Any] = {"linestyle": dashes, "color": mark.colour, "linewidth": mark.width}
        ax.plot(x, y, alpha=0.9, zorder=2, **look)
        shown.stretch(y)
        setattr(shown, kind, True)
        shown.names.add(mark.name)


def _draw_points(
    ax: Axes,
    mine: Cells,
    mark: Mark,
    shown: Shown,
    factor: float,
    positive: bool,
    zorder: float,
    aside: float,
) -> int:
    x, y = aside * mine.size, factor * mine.estimate
    low, high = factor * mine.low, factor * mine.high
    keep = _usable(y, positive)
    failed = np.asarray(mine.status == "failed", dtype=np.bool_)
    hollow = keep & np.asarray(mine.status == "unreliable", dtype=np.bool_)
    hollow |= keep & failed & ~np.isfinite(mine.mcse)
    failed &= keep & ~hollow
    sure = keep & ~hollow & ~failed
    look: dict[str, Any] = {"linestyle": "none", "marker": mark.shape, "zorder": zorder}
    if sure.any():
        ax.plot(
            x[sure], y[sure], markersize=mark.size, markerfacecolor=mark.colour,
            markeredgecolor="white", markeredgewidth=mark.edge, **look,
        )  # fmt: skip
    if failed.any():
        ax.plot(
            x[failed], y[failed], markersize=hollow_size(mark), markeredgecolor=mark.colour,
            markeredgewidth=RIM, markerfacecolor=mark.colour, **look, **HALF,
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
            x[hollow], y[hollow], markersize=hollow_size(mark), markerfacecolor="white",
            markeredgecolor=mark.colour, markeredgewidth=RIM, **look,
        )  # fmt: skip
        shown.hollow = True
    if keep.any():
        shown.stretch(y[keep])
        shown.names.add(mark.name)
    return int(keep.sum())


def hollow_size(mark: Mark) -> float:
    """Return the size of a hollow marker that looks as large as a filled one with a white edge."""
    return max(mark.size - mark.edge - RIM, 1.5)


def level_dodge(rows: pd.DataFrame) -> float:
    """Return how far to spread the names sideways: not at all unless theory is zero throughout."""
    theory = floats(rows, "theory")
    theory = theory[np.isfinite(theory)]
    sizes = np.unique(floats(rows, "batch_size"))
    if not theory.size or np.any(theory != 0.0) or sizes.size < 2:
        return 0.0
    logs = np.log(sizes)
    # On a coarse grid the outermost points must stay on the axes, which are that much longer.
    return min(0.7 * float(np.diff(logs).min()), 0.07 * float(logs[-1] - logs[0]))


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
