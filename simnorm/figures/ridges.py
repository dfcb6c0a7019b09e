"""What a ridge of histograms shows: the law of an estimate, a row per batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simnorm.distributions import distribution
from simnorm.errors import SimnormError
from simnorm.estimators import estimator
from simnorm.figures.choice import chosen_names
from simnorm.figures.tables import (
    FULL_SET,
    best_values,
    estimators_of,
    floats,
    is_data,
    is_location,
    is_scale,
    known_values,
    named,
    names_of,
    power_of,
    shown_estimators,
)
from simnorm.theory.laws import EstimateLaw, exact_law

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KIND = "distribution"
MOST_RIDGES = 6
FEWEST_BINS = 4
# Points of a smooth curve for each bin.
FINE = 4


class Ridge(NamedTuple):
    """One histogram, in units of `unit`.

    `line` is the law beside it, as shares of bins of this width; `beside` says which: ``exact``,
    ``steps`` for an exact law of single values, ``normal``, or nothing. `mean` is that of the law.
    `closed` says of either end whether it is where values end: an outermost bin that is not closed
    holds all that is beyond, and is no part of the shape. `is_lattice` says that values are evenly
    spaced and lie in the middle of bins: then nothing is between two middles.
    """

    n: int
    edges: Floats
    share: Floats
    theory: Floats
    line: tuple[Floats, Floats]
    beside: str
    mean: float
    closed: tuple[bool, bool]
    is_lattice: bool = False

    @property
    def shape(self) -> slice:
        """The bins that are drawn."""
        count = len(self.share)
        if count < FEWEST_BINS:
            return slice(0, count)
        return slice(0 if self.closed[0] else 1, count if self.closed[1] else count - 1)

    @property
    def width(self) -> float:
        """Width of a bin."""
        return float(self.edges[1] - self.edges[0])

    @property
    def centre(self) -> float:
        """Where about half of the estimates are below."""
        return float(np.interp(0.5, np.cumsum(self.known), self.edges[1:]))

    @property
    def middles(self) -> Floats:
        """The middles of bins, shape (bins,)."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))

    @property
    def known(self) -> Floats:
        """Exact shares where they are known, those counted elsewhere."""
        return self.theory if np.isfinite(self.theory).all() else self.share

    def below(self, x: float) -> float:
        """Return about the share of batches below x, on straight lines inside bins."""
        if self.is_lattice:
            return float(self.known[self.middles < x - 1e-6 * self.width].sum())
        total = np.r_[0.0, np.cumsum(self.known)]
        return float(np.interp(x, self.edges, total))

    def within(self, low: float, high: float) -> float:
        """Return the share of batches from low to high, both included."""
        if not self.is_lattice:
            return self.below(high) - self.below(low)
        near = 1e-6 * self.width
        inside = (self.middles >= low - near) & (self.middles <= high + near)
        return float(self.known[inside].sum())

    def quantile(self, share: float) -> float:
        """Return about the value that a share of batches is below; NaN where that is unknown.

        Of a lattice the value at which so many are reached. Nothing is known of the inside of an
        outermost bin which also holds what is beyond, nor of one that is closed but no lattice.
        """
        total = np.cumsum(self.known)
        if self.is_lattice:
            place = min(int(np.searchsorted(total, share - 1e-12)), len(total) - 1)
            first, last = place == 0 and not self.closed[0], place == len(total) - 1
            return (
                math.nan if first or (last and not self.closed[1]) else float(self.middles[place])
            )
        if len(total) < 2 or not total[0] <= share <= total[-2]:
            return math.nan
        return float(np.interp(share, total, self.edges[1:]))

    def inside_first(self, share: float) -> float:
        """Return the same where the first bin is known to have an end; NaN elsewhere."""
        first = float(self.known[0])
        return float(self.edges[0] + self.width * share / first) if share <= first else math.nan


class Ridges(NamedTuple):
    """All rows of one name: batch sizes rise.

    `value` is what the estimates are estimates of, in units of `unit`; NaN if there is none.
    """

    name: str
    spec: str
    rows: tuple[Ridge, ...]
    value: float
    unit: float

    @property
    def is_scaled(self) -> bool:
        """Whether estimates are multiples of the value."""
        return is_scale(self.spec) and self.value == 1.0


def estimator_shown(frame: pd.DataFrame, curves: pd.DataFrame, wanted: str = "") -> str:
    """Return the estimator whose laws are shown: the one wanted, or the featured scale.

    Raises
    ------
    SimnormError
        If the wanted one has no histograms.
    """
    held = estimators_of(_shown(frame, curves))
    if wanted:
        spec = wanted if wanted in held else str(estimator(wanted)) if held else wanted
        if spec not in held:
            raise SimnormError("estimator", wanted, f"those with histograms are {', '.join(held)}")
        return spec
    # What batch normalization divides by, of data too: a law needs no exact error to be shown.
    ranked = [*(s for s in ("std(ddof=0)",) if s in held), *shown_estimators(frame), *held]
    scales = [spec for spec in ranked if spec in held and is_scale(spec)]
    return next(iter(scales or [spec for spec in ranked if spec in held]), "")


def ridge_names(frame: pd.DataFrame, curves: pd.DataFrame, spec: str) -> list[str]:
    """Return the names that have a panel, at most six: of columns of data the worst."""
    rows = _points(frame, curves, spec)
    held = set(rows["name"])
    ranked = names_of(frame) if is_data(frame) else chosen_names(frame, MOST_RIDGES)
    found = [name for name in ranked if name in held]
    return found[:MOST_RIDGES] or [str(name) for name in rows["name"].unique()[:MOST_RIDGES]]


def all_ridges(
    frame: pd.DataFrame, curves: pd.DataFrame, wanted: str = ""
) -> tuple[str, list[Ridges]]:
    """Return the estimator whose laws are shown, and the rows of every panel.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    wanted
        As in `estimator_shown`.
    """
    spec = estimator_shown(frame, curves, wanted)
    if not spec:
        return "", []
    names = ridge_names(frame, curves, spec)
    # Every look into a table takes as long as the table is.
    points, frame = _points(frame, curves, spec), named(frame)
    frame = frame[frame["estimator"] == spec]
    found = [ridges_of(frame, points, name, spec) for name in names]
    return spec, [ridges for ridges in found if ridges.rows]


def ridges_of(frame: pd.DataFrame, curves: pd.DataFrame, name: str, spec: str) -> Ridges:
    """Return the rows of a name's panel.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    name, spec
        A distribution or column, and an estimator.
    """
    points = _points(frame, curves, spec)
    points = points[points["name"] == name]
    values = floats(points[points["batch_size"] == 0], "x")
    value = float(values[0]) if values.size else math.nan
    scale = is_scale(spec) and 0.0 < value < math.inf
    unit = value if scale else 1.0
    rows = []
    moments = _moments(frame, name, spec, value)
    for n in sorted({int(n) for n in points["batch_size"]} - {0}):
        mine = points[points["batch_size"] == n].sort_values("x", kind="stable")
        if len(mine) > 1:
            rows.append(_ridge(mine, n, unit, moments.get(n, (math.nan, math.nan))))
    return Ridges(name, spec, tuple(rows), value / unit, unit if scale else 1.0)


def _shown(frame: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Return the histograms of the schemes of a table, whose names are then the table's."""
    return curves[(curves["kind"] == KIND) & curves["sampling"].isin(set(frame["sampling"]))]


def _points(frame: pd.DataFrame, curves: pd.DataFrame, spec: str) -> pd.DataFrame:
    rows = _shown(frame, curves)
    return named(rows[rows["estimator"] == spec])


def _moments(
    frame: pd.DataFrame, name: str, spec: str, value: float
) -> dict[int, tuple[float, float]]:
    """Return mean and standard deviation of the estimates by batch size, as the table has them.

    No standard deviation where none can be trusted: a law drawn with it would look like knowledge.
    """
    rows = named(frame)
    rows = rows[(rows["name"] == name) & (rows["estimator"] == spec)]
    wanted = FULL_SET if is_data(frame) else "population"
    rows = rows[rows["reference"] == wanted]
    sizes, measures = floats(rows, "batch_size"), rows["measure"].to_numpy(dtype=object)
    biases, variances = known_values(rows), best_values(rows)
    bias = dict(zip(sizes[measures == "bias"], biases[measures == "bias"], strict=True))
    squares = measures == "variance"
    variance = dict(zip(sizes[squares], variances[squares], strict=True))
    found = {}
    for n in dict.fromkeys(sizes):
        square = float(variance.get(n, math.nan))
        sd = math.sqrt(square) if square >= 0.0 else math.nan
        found[int(n)] = (value + float(bias.get(n, math.nan)), sd)
    return found


def _ridge(rows: pd.DataFrame, n: int, unit: float, moments: tuple[float, float]) -> Ridge:
    centres, share, theory = (floats(rows, column) for column in ("x", "y", "theory"))
    half = 0.5 * (centres[-1] - centres[0]) / (len(centres) - 1)
    edges = np.r_[centres[0] - half, centres + half]
    mean, sd = moments
    line, beside = (np.zeros(0), np.zeros(0)), ""
    if np.isfinite(theory).all():
        law = _law(str(rows["estimator"].iloc[0]), n, str(rows["distribution"].iloc[0]))
        line, beside = (centres, theory), "steps"
        if law is not None:
            line, beside = _smooth(law, edges), "exact"
    elif math.isfinite(mean) and 0.0 < sd < math.inf:
        x = np.linspace(max(edges[0], mean - 4.0 * sd), min(edges[-1], mean + 4.0 * sd), 161)
        height = 2.0 * half / (sd * math.sqrt(2.0 * math.pi))
        line, beside = (x, height * np.exp(-0.5 * ((x - mean) / sd) ** 2)), "normal"
    line = (line[0] / unit, line[1])
    spec, name = (str(rows[word].iloc[0]) for word in ("estimator", "distribution"))
    closed = (True, True) if beside == "steps" else _closed(edges, spec, name)
    # Bins of a scale begin at 0, those of a lattice in the middle of one.
    lattice = beside == "steps" or (is_scale(spec) and bool(edges[0] < -0.25 * half))
    shown = edges / unit
    return Ridge(n, shown, share, theory, line, beside, mean / unit, closed, lattice)


def _closed(edges: Floats, spec: str, name: str) -> tuple[bool, bool]:
    """Return whether values end at the ends of a histogram: at 0, or where the law ends."""
    near = 1e-9 * float(edges[-1] - edges[0])
    if is_scale(spec):
        return bool(edges[0] <= near), False
    try:
        low, high = (
            distribution(name).support if name and is_location(spec) else (-math.inf, -math.inf)
        )
    except SimnormError:
        return False, False
    return bool(edges[0] <= low + near), bool(low < high <= edges[-1] + near)


def _smooth(law: EstimateLaw, edges: Floats) -> tuple[Floats, Floats]:
    """Return a law's density, in shares of a bin, from probabilities of parts of bins."""
    fine = np.interp(np.arange(FINE * (len(edges) - 1) + 1) / FINE, np.arange(len(edges)), edges)
    parts = FINE * law.shares(np.r_[-math.inf, fine, math.inf])[1:-1]
    return 0.5 * (fine[1:] + fine[:-1]), parts


@lru_cache(maxsize=256)
def _law(spec: str, n: int, name: str) -> EstimateLaw | None:
    """Return the smooth law of an estimate by the words of a table, None if it has none."""
    try:
        law = distribution(name)
        return exact_law(estimator(spec), n, law) if law.largest_atom == 0.0 else None
    except SimnormError:
        return None


def window(found: Sequence[Ridges]) -> tuple[float, float]:
    """Return the ends of an axis that shows nearly all of all rows, and the value."""
    ends = []
    for ridges in found:
        for row in ridges.rows:
            bins = row.shape
            total = np.cumsum(row.known[bins])
            first, last = np.searchsorted(total / (total[-1] or 1.0), [0.003, 0.992])
            edges = row.edges[bins.start : bins.stop + 1]
            ends += [edges[first], edges[min(last + 1, len(edges) - 1)]]
            # Where values end, as at 0, the axis begins.
            ends += [max(edges[0], 0.0)] if is_scale(ridges.spec) and row.closed[0] else []
        ends += [ridges.value] if math.isfinite(ridges.value) else []
    low, high = min(ends), max(ends)
    if all(is_scale(ridges.spec) for ridges in found):
        low = max(low, 0.0)
    return low - 0.02 * (high - low), high + 0.02 * (high - low)


def unit_words(ridges: Ridges, of_data: bool) -> str:
    """Return what the axis shows, in a few words.

    Examples
    --------
    >>> unit_words(Ridges("normal", "std(ddof=0)", (), 1.0, 2.0), of_data=False)
    'std(ddof=0) ÷ population value'
    """
    if ridges.is_scaled:
        return f"{ridges.spec} ÷ {'whole column' if of_data else 'population value'}"
    unit = ", unit of data" if power_of(ridges.spec) == 1 else ""
    return f"{ridges.spec} of a batch{unit}"
