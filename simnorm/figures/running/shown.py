"""What figures and report of running averages show of a run: presets, sizes, names, schemes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from simnorm.errors import SimnormError
from simnorm.figures.choice import main_scheme, schemes_of
from simnorm.figures.schemes import by_source
from simnorm.figures.tables import (
    featured_size,
    floats,
    is_data,
    known_values,
    names_of,
    reference_of,
)
from simnorm.presets import Average, average
from simnorm.sampling import SHUFFLE

if TYPE_CHECKING:
    import pandas as pd

MEAN, VARIANCE, VALUE = "running_mean", "running_variance", "inference_value"
PARTS = ("start", "divisor", "drift", "noise")

LABELS = {
    "keras3": "Keras",
    "pytorch": "PyTorch",
    "flax": "Flax",
    "cumulative": "plain mean",
    "precise": "PreciseBN",
}
# More lines than this in a panel cannot be told apart.
MOST_PRESETS = 6
FEW_SIZES = (2, 16, 128)


def with_factors(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the source's name and a column for every factor of this study.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"factors": ["preset=keras3(momentum=0.9);drift=0"], "column": "a",
    ...                       "distribution": ""})
    >>> with_factors(table)[["name", "preset", "part"]].values.tolist()
    [['a', 'keras3(momentum=0.9)', '']]
    """
    found = {
        text: dict(part.partition("=")[::2] for part in text.split(";"))
        for text in (str(word) for word in table["factors"].drop_duplicates())
    }
    made = {
        name: table["factors"].map({text: parts.get(name, "") for text, parts in found.items()})
        for name in ("preset", "steps", "drift", "part")
    }
    return by_source(table).assign(**{name: column.astype(str) for name, column in made.items()})


def settings(preset: str) -> Average:
    """Return the settings of a preset; those of the plain mean for a word nobody knows."""
    try:
        return average(preset)
    except SimnormError:
        return average("cumulative")


def label(preset: str) -> str:
    """Return what a preset is called in figures.

    Examples
    --------
    >>> label("precise"), label("keras3(momentum=0.9)")
    ('PreciseBN', 'keras3(momentum=0.9)')
    """
    return LABELS.get(preset, preset)


@dataclass(frozen=True)
class Run:
    """A run's tables with what is shown of them.

    Parameters
    ----------
    frame, curves
        The tables, with names and factors.
    presets, drifts, sizes, schemes
        In the order of the table.
    steps
        T.
    scheme, reference
        Those that are shown.
    n
        The batch size that is spoken of.
    names
        Of distributions in their order, of columns the worst first.
    """

    frame: pd.DataFrame
    curves: pd.DataFrame
    presets: list[str]
    drifts: list[str]
    sizes: list[int]
    schemes: list[str]
    steps: int
    scheme: str
    reference: str
    n: int
    names: list[str]

    @cached_property
    def of_data(self) -> bool:
        """Whether the run is on a file."""
        return is_data(self.frame)

    @cached_property
    def full_size(self) -> int:
        """N."""
        return int(self.frame["full_size"].max()) if len(self.frame) else 0

    @property
    def drift(self) -> str:
        """The drift that is shown: the first."""
        return self.drifts[0] if self.drifts else "0"

    @cached_property
    def points(self) -> pd.DataFrame:
        """The curves of the scheme and reference that are shown, without those along steps."""
        rows = self.curves[~self.curves["kind"].isin(("trajectory", "histogram", "icc"))]
        rows = rows[rows["sampling"] == self.scheme]
        return rows[rows["reference"] == self.reference]

    @cached_property
    def main(self) -> pd.DataFrame:
        """Rows of the scheme and reference that are shown."""
        rows = self.frame[self.frame["scheme_shown"]]
        return rows[rows["reference"] == self.reference]

    @property
    def shown_presets(self) -> list[str]:
        """The presets that have room in a figure."""
        return self.presets[:MOST_PRESETS]

    @property
    def worst(self) -> str:
        """The name with the largest error, nothing without any."""
        ranked = self.ranked
        return ranked[0] if ranked else ""

    @property
    def middle(self) -> str:
        """The name whose error has as many above it as below, nothing without any."""
        ranked = self.ranked
        return ranked[len(ranked) // 2] if ranked else ""

    @cached_property
    def ranked(self) -> list[str]:
        """The names with an error to rank them by, the worst first."""
        return list(_errors(self.main, self.presets, self.drift, self.n))

    @property
    def panel_names(self) -> list[str]:
        """One or two names that stand for all: the first or middle one, and the worst."""
        first = self.middle if self.of_data else next(iter(self.told), "")
        return list(dict.fromkeys(name for name in (first, self.worst) if name))

    @property
    def told(self) -> list[str]:
        """The names with any error, in their order."""
        ranked = set(self.ranked)
        return [name for name in self.names if name in ranked]


def run_of(frame: pd.DataFrame, curves: pd.DataFrame) -> Run:
    """Return what is shown of a run's tables."""
    frame, curves = with_factors(frame), with_factors(curves)
    # What all others are compared with, if the run has it.
    scheme = SHUFFLE if SHUFFLE in set(frame["sampling"]) else main_scheme(frame)
    frame = frame.assign(scheme_shown=frame["sampling"] == scheme)
    rows = frame[frame["scheme_shown"]]
    reference = reference_of(rows)
    rows = rows[rows["reference"] == reference]
    presets, drifts = (list(frame[word].drop_duplicates()) for word in ("preset", "drift"))
    values = rows[(rows["estimator"] == VALUE) & (rows["drift"] == (drifts or ["0"])[0])]
    n = featured_size(values)
    names = names_of(by_source(frame))
    if is_data(frame):
        ranked = list(_errors(rows, presets, (drifts or ["0"])[0], n))
        names = [*ranked, *(name for name in names if name not in set(ranked))]
    steps = [int(word) for word in frame["steps"].drop_duplicates() if word.isdigit()]
    return Run(
        frame, curves, presets, drifts, sorted({int(n) for n in frame["batch_size"]}),
        schemes_of(frame), max(steps, default=0), scheme, reference, n, names,
    )  # fmt: skip


def _errors(rows: pd.DataFrame, presets: Sequence[str], drift: str, n: int) -> dict[str, float]:
    """Return the error of an inference value by name, the largest first.

    That of the first preset which has any.
    """
    rows = rows[(rows["estimator"] == VALUE) & (rows["measure"] == "rmse")]
    rows = rows[(rows["batch_size"] == n) & (rows["drift"] == drift)]
    for preset in presets:
        mine = rows[rows["preset"] == preset]
        known = dict(zip(mine["name"].astype(str), known_values(mine), strict=True))
        found = {name: float(value) for name, value in known.items() if math.isfinite(value)}
        if found:
            return dict(sorted(found.items(), key=lambda item: -item[1]))
    return {}


def few_sizes(run: Run, wanted: Sequence[int] = FEW_SIZES) -> list[int]:
    """Return a few batch sizes with values: those nearest to some that are wanted."""
    rows = run.main[(run.main["estimator"] == VALUE) & (run.main["measure"] == "rmse")]
    alive = sorted({int(n) for n in rows.loc[np.isfinite(floats(rows, "estimate")), "batch_size"]})
    # A batch of one is told of apart, unless there is nothing else.
    alive = [n for n in alive if n > 1] or alive
    if not alive:
        return []
    near = {min(alive, key=lambda n: abs(math.log(n / goal))) for goal in wanted}
    return sorted(near)


def level(run: Run, name: str) -> float:
    """Return the error of a z-score by the full set against the population, NaN if unknown."""
    rows = run.points[(run.points["kind"] == "zscore_error") & (run.points["name"] == name)]
    values = floats(rows, "theory")
    values = values[np.isfinite(values)]
    return float(values[0]) if values.size else math.nan


def level_label(run: Run) -> str:
    """Return what the level line is, for a legend."""
    return "z-score by full set" if run.full_size else ""


def notes(run: Run, names: Sequence[str]) -> list[str]:
    """Return what a figure leaves out, in sentences."""
    found = []
    every = len(run.names)
    if run.of_data and every > len(names) > 0:
        named = "The middle and the worst" if len(names) == 2 else "One"
        found.append(f"{named} of {every:,} columns by the error at batch size {run.n:,}.")
    elif every > len(names) > 0:
        rest = " and the one with the largest error" if len(names) == 2 else ""
        found.append(f"The first of {every:,} distributions{rest}.")
    if len(run.presets) > len(run.shown_presets):
        found.append(f"{len(run.shown_presets)} of {len(run.presets)} presets.")
    return found
