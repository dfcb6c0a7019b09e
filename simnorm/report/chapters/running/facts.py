"""What the sentences and tables on running averages look up."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simnorm.figures.running.shown import MEAN, VALUE, VARIANCE, Run, run_of, settings
from simnorm.figures.tables import floats
from simnorm.report.facts import NOTHING, Quantity

if TYPE_CHECKING:
    import pandas as pd

# A part that makes more than this of the squared error is its cause.
CAUSE = 0.5
NAMES = {
    "keras3": "Keras",
    "pytorch": "PyTorch",
    "flax": "Flax",
    "cumulative": "the plain mean of all batches",
    "precise": "PreciseBN",
}
MEASURES = {VALUE: ("rmse",), MEAN: ("relative_rmse", "relative_bias")}
MEASURES[VARIANCE] = MEASURES[MEAN]
SMALL_CURVES = (
    "floor", "steps_to_floor", "zscore_error", "momentum_needed", "batches_needed",
)  # fmt: skip


# Kind, name, preset, batch size and scheme of a point of a curve.
Place = tuple[str, str, str, int, str]


class Key(NamedTuple):
    """What a row is of."""

    name: str
    preset: str
    n: int
    quantity: str
    measure: str
    drift: str
    scheme: str
    reference: str


@dataclass(frozen=True)
class Start:
    """A source as a running average meets it, whose start is mean 0 and variance 1."""

    mean: float
    sd: float

    @property
    def away(self) -> float:
        """The mean in standard deviations, without its sign."""
        return abs(self.mean) / self.sd if self.sd > 0.0 else math.nan

    @property
    def variance(self) -> float:
        """The squared standard deviation."""
        return self.sd * self.sd

    def shrunk(self, epsilon: float) -> float:
        """Return the error that epsilon alone makes, in sd: by how much values come out small."""
        if not self.sd > 0.0:
            return math.nan
        return 1.0 - self.sd / math.sqrt(self.variance + epsilon)


class Facts:
    """A run with its rows and curves to look up.

    Parameters
    ----------
    run
        What is shown of the run.
    columns
        The table of columns, no rows for distributions.
    """

    def __init__(self, run: Run, columns: pd.DataFrame) -> None:
        self.run, self.columns = run, columns
        self.cells = _cells(run.frame)
        self.points = _points(run.curves)
        self.starts = _starts(run, columns)

    @property
    def names(self) -> list[str]:
        """All names, columns of data the worst first."""
        return self.run.names

    @functools.cached_property
    def told(self) -> str:
        """The name that sentences speak of: the first, or the middle one of columns."""
        return next(iter(self.run.panel_names), next(iter(self.names), ""))

    @property
    def presets(self) -> list[str]:
        """The presets."""
        return self.run.presets

    @property
    def averaging(self) -> list[str]:
        """The presets that have a momentum."""
        return [preset for preset in self.presets if settings(preset).momentum is not None]

    @property
    def equal(self) -> list[str]:
        """The presets that weigh all batches alike."""
        return [preset for preset in self.presets if settings(preset).momentum is None]

    def value(
        self,
        name: str,
        preset: str,
        n: int = 0,
        *,
        quantity: str = VALUE,
        measure: str = "rmse",
        drift: str = "",
        scheme: str = "",
        reference: str = "",
    ) -> Quantity:
        """Return one quantity, as the run shows it unless told; nothing where it has none."""
        run = self.run
        key = Key(
            name, preset, n or run.n, quantity, measure, drift or run.drift,
            scheme or run.scheme, reference or run.reference,
        )  # fmt: skip
        return self.cells.get(key, NOTHING)

    def point(self, kind: str, name: str, preset: str, n: int = 0) -> tuple[float, float, float]:
        """Return y, its standard error and theory of a point of a curve, NaN where there is none.

        A curve of no preset has an empty one.
        """
        key = (kind, name, preset, n or self.run.n, self.run.scheme)
        return self.points.get(key, (math.nan, math.nan, math.nan))

    def level(self, name: str) -> float:
        """Return the error of a z-score by the full set against the population."""
        found = (self.point("zscore_error", name, "", n)[2] for n in self.run.sizes)
        return next((value for value in found if math.isfinite(value)), math.nan)

    def good_sizes(self, name: str, preset: str) -> list[int]:
        """Return the batch sizes whose error is no larger than that of a z-score.

        Those whose error has no valid error bar are not among them.
        """
        level = self.level(name)
        return [n for n in self.run.sizes if self.value(name, preset, n).best <= level]

    def below_level(self, preset: str, n: int = 0) -> tuple[int, int]:
        """Return in how many sources an error is no larger than a z-score's, and of how many."""
        pairs = [(self.value(name, preset, n).best, self.level(name)) for name in self.names]
        pairs = [(best, level) for best, level in pairs if math.isfinite(best + level)]
        return sum(best <= level for best, level in pairs), len(pairs)

    def spread(self, preset: str, n: int = 0) -> dict[str, float]:
        """Return the errors that can be trusted, the largest first."""
        found = {name: self.value(name, preset, n).best for name in self.names}
        found = {name: best for name, best in found.items() if math.isfinite(best)}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def small(self, preset: str) -> list[str]:
        """Return the names where epsilon makes most of the squared error."""
        found = []
        for name in self.names:
            start, best = self.starts.get(name), self.value(name, preset).best
            if start is None or not best > 0.0:
                continue
            if start.shrunk(settings(preset).epsilon) ** 2 > CAUSE * best * best:
                found.append(name)
        return found

    def split(
        self, name: str, preset: str, n: int, quantity: str, drift: str = ""
    ) -> dict[str, float]:
        """Return the parts of a relative squared error, nothing where they are not known."""
        rows = self.run.points
        rows = rows[(rows["kind"] == "split") & (rows["estimator"] == quantity)]
        rows = rows[(rows["name"] == name) & (rows["preset"] == preset)]
        rows = rows[(rows["batch_size"] == n) & (rows["drift"] == (drift or self.run.drift))]
        theory, y, mcse = (floats(rows, word) for word in ("theory", "y", "mcse"))
        known = np.where(np.isfinite(theory), theory, np.where(np.isfinite(mcse), y, np.nan))
        found = dict(zip(rows["part"].astype(str), known.tolist(), strict=True))
        return found if found and all(math.isfinite(value) for value in found.values()) else {}


def facts_of(frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame) -> Facts:
    """Return what can be looked up of a run."""
    return Facts(run_of(frame, curves), columns)


def _cells(frame: pd.DataFrame) -> dict[Key, Quantity]:
    wanted = {name for names in MEASURES.values() for name in names}
    rows = frame[frame["measure"].isin(wanted)]
    rows = rows[(rows["estimator"] == VALUE) | (rows["measure"] != "rmse")]
    words = ("name", "preset", "batch_size", "estimator", "measure", "drift", "sampling",
             "reference")  # fmt: skip
    keys = [rows[word].tolist() for word in words]
    numbers = [floats(rows, word).tolist() for word in ("estimate", "mcse", "theory")]
    texts = [rows[word].fillna("").astype(str).tolist() for word in ("theory_kind", "status",
             "reason")]  # fmt: skip
    made = zip(zip(*keys, strict=True), zip(*numbers, *texts, strict=True), strict=True)
    return {Key(*key): Quantity(*row) for key, row in made}


def _points(curves: pd.DataFrame) -> dict[Place, tuple[float, float, float]]:
    rows = curves[curves["kind"].isin(SMALL_CURVES)]
    words = ("kind", "name", "preset", "batch_size", "sampling")
    keys = zip(*(rows[word].tolist() for word in words), strict=True)
    numbers = zip(*(floats(rows, word).tolist() for word in ("y", "mcse", "theory")), strict=True)
    return {key: (y, mcse, theory) for key, (y, mcse, theory) in zip(keys, numbers, strict=True)}


def _starts(run: Run, columns: pd.DataFrame) -> dict[str, Start]:
    """Return mean and sd of every source: from the table of columns, or from what is left of 0.

    Of a distribution the table of results has the sd, as the ratio of an absolute to a relative
    error, and the curves have what is left of the mean.
    """
    if run.of_data and len(columns):
        parts = (columns["column"].astype(str), floats(columns, "mean"), floats(columns, "std"))
        return {name: Start(mean, sd) for name, mean, sd in zip(*parts, strict=True)}
    rows = run.main[(run.main["estimator"] == MEAN) & np.isfinite(floats(run.main, "estimate"))]
    found = {}
    for name in run.names:
        mine = rows[(rows["name"] == name) & (floats(rows, "estimate") > 0.0)]
        sizes = {
            measure: dict(zip(part["factors"] + part["batch_size"].astype(str), part["estimate"],
                              strict=True))
            for measure, part in mine.groupby("measure")
        }  # fmt: skip
        absolute, relative = sizes.get("rmse", {}), sizes.get("relative_rmse", {})
        ratios = [absolute[key] / relative[key] for key in absolute if key in relative]
        if ratios:
            found[name] = Start(_mean_of(run, name) * ratios[0], ratios[0])
    return found


def _mean_of(run: Run, name: str) -> float:
    """Return the size of a mean in sd, from what is left of a start at 0."""
    rows = run.points[(run.points["kind"] == "split") & (run.points["estimator"] == MEAN)]
    rows = rows[(rows["name"] == name) & (rows["part"] == "start")]
    rows = rows[rows["drift"].map(lambda text: float(text or 0.0) == 0.0)]
    for preset, part in zip(rows["preset"], floats(rows, "y"), strict=True):
        momentum = settings(str(preset)).momentum
        left = 0.0 if momentum is None else momentum**run.steps
        if left > 1e-100 and math.isfinite(part):
            return math.sqrt(part) / left
    return math.nan


def who(preset: str) -> str:
    """Return what a preset is called in a sentence.

    Examples
    --------
    >>> who("precise"), who("cumulative"), who("keras3(momentum=0.9)")
    ('PreciseBN', 'the plain mean of all batches', 'keras3(momentum=0.9)')
    """
    return NAMES.get(preset, preset)


def whose(preset: str) -> str:
    """Return the possessive of a preset, or the preset where that would be odd.

    Examples
    --------
    >>> whose("pytorch"), whose("cumulative")
    ('PyTorch’s running averages', 'the plain mean of all batches')
    """
    if settings(preset).momentum is None:
        return who(preset)
    return f"{who(preset)}’s running averages"


def main_preset(facts: Facts) -> str:
    """Return the preset that is led with: the first one with a value to show."""
    told = facts.told
    for preset in facts.presets:
        if math.isfinite(facts.value(told, preset).best):
            return preset
    return facts.presets[0] if facts.presets else ""


def groups_alike(values: Sequence[float]) -> bool:
    """Return whether values are equal up to what rounding to two digits hides."""
    return bool(values) and max(values) <= 1.01 * min(values)
