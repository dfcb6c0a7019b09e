"""What the sentences and tables of the study `inputs` look up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.errors import SimnormError
from simnorm.figures.inputs.epsilon import by_epsilon, losers
from simnorm.figures.inputs.rows import LEVEL, NORMALIZED, Run, Setting, off_text
from simnorm.figures.tables import floats
from simnorm.report.data import file_name
from simnorm.report.facts import NOTHING, Needed, Quantity, needed_sizes

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

# Layers whose default an epsilon is.
WHOSE_EPSILON = {0.001: "Keras", 1e-05: "PyTorch"}


@dataclass(frozen=True)
class Shape:
    """What a distribution or a column is like; NaN where it is not known."""

    sd: float
    skewness: float
    excess_kurtosis: float


UNKNOWN = Shape(math.nan, math.nan, math.nan)


class About:
    """A run of the study, and what is said of it.

    Parameters
    ----------
    frame, curves, columns
        The tables of a result, under names that have glyphs.
    result
        The result they are of.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        curves: pd.DataFrame,
        columns: pd.DataFrame,
        result: Reportable,
    ) -> None:
        self.run = Run(frame)
        self.frame, self.curves, self.columns = frame, curves, columns
        self.path = str(result.design.data)
        self.provenance = result.provenance
        self._cells: dict[tuple[Any, ...], dict[tuple[str, int], Quantity]] = {}

    @property
    def of_data(self) -> bool:
        """Whether the run is on a file."""
        return self.run.of_data

    @property
    def whose(self) -> str:
        """What the values are of, behind a noun: ``" of train.csv"``."""
        if self.of_data:
            return f" of {file_name(self.path)}"
        names = self.run.names
        return f" ({names[0]})" if len(names) == 1 else ""

    @property
    def rows(self) -> str:
        """What one value of a batch is called."""
        return "row" if self.of_data else "observation"

    @property
    def full_size(self) -> int:
        """N."""
        rows = self.run.rows
        return int(rows["full_size"].max()) if len(rows) else 0

    @property
    def reference(self) -> str:
        """What makes the z-score, in words."""
        if self.of_data:
            return "the whole column"
        return "the full set" if self.run.reference == "full_set" else "the population"

    @cached_property
    def errors(self) -> dict[str, float]:
        """Errors at the batch size that sentences speak of, of which one can be sure."""
        return self.run.values(self.run.shown_errors)

    @cached_property
    def by_epsilon(self) -> dict[Setting, dict[str, float]]:
        """The same for every epsilon."""
        return by_epsilon(self.run)

    @cached_property
    def losers(self) -> list[str]:
        """All names in the order of what the largest epsilon adds to their error."""
        return losers(self.by_epsilon, self.run.names)

    def harmed(self) -> list[str]:
        """Return the names to whose error the largest epsilon adds a level or more."""
        if len(self.by_epsilon) < 2:
            return []
        first, last = min(self.by_epsilon), max(self.by_epsilon)
        before, after = self.by_epsilon[first], self.by_epsilon[last]
        return [name for name in self.losers if after[name] - before[name] >= LEVEL]

    def cell(
        self,
        name_of_quantity: str,
        name: str,
        n: int,
        measure: str = "mean",
        reference: str | None = None,
        setting: Setting | None = None,
    ) -> Quantity:
        """Return one number of the table."""
        key = (name_of_quantity, measure, reference, setting)
        if key not in self._cells:
            rows = self.run.of(*key)
            numbers = zip(
                *(floats(rows, word).tolist() for word in ("estimate", "mcse", "theory")),
                *(rows[word].astype(str) for word in ("theory_kind", "status", "reason")),
                strict=True,
            )
            places = zip(rows["name"].astype(str), rows["batch_size"].tolist(), strict=True)
            self._cells[key] = {
                place: Quantity(*row) for place, row in zip(places, numbers, strict=True)
            }
        return self._cells[key].get((name, n), NOTHING)

    def error(self, name: str, n: int, setting: Setting | None = None) -> Quantity:
        """Return the error of a normalized value."""
        return self.cell(NORMALIZED, name, n, "rmse", None, setting or self.run.setting)

    @cached_property
    def needed(self) -> dict[str, Needed]:
        """From which batch size on the error of every name stays below the level."""
        # In standard deviations the error is relative.
        rows = self.run.shown_errors.assign(measure="relative_rmse")
        return needed_sizes(rows, NORMALIZED, LEVEL)

    @cached_property
    def sure_needed(self) -> dict[str, Needed]:
        """The same of those names where it is known."""
        found = self.needed
        alive = [name for name in self.run.names if name in found]
        return {
            name: found[name]
            for name in alive
            if found[name].how != "unknown" and found[name].trusted
        }

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """What the names are like: of a file its columns' own moments, else the population's."""
        if self.of_data:
            facts = self.columns
            if not len(facts) or "std" not in facts:
                return {}
            numbers = zip(
                *(floats(facts, word).tolist() for word in ("std", "skewness", "excess_kurtosis")),
                strict=True,
            )
            names = [str(name) for name in facts["column"]]
            return {name: Shape(*row) for name, row in zip(names, numbers, strict=True)}
        return {name: _law_shape(name) for name in self.run.names}

    def shape(self, name: str) -> Shape:
        """Return what a name is like."""
        return self.shapes.get(name, UNKNOWN)


def _law_shape(name: str) -> Shape:
    from simnorm.distributions import distribution

    try:
        law = distribution(name)
    except SimnormError:  # A name that stands for one that cannot be shown.
        return UNKNOWN
    return Shape(float(law.std), float(law.skewness), float(law.excess_kurtosis))


def ends(values: Mapping[str, float]) -> tuple[str, str]:
    """Return the names with the smallest and the largest value."""
    return min(values, key=values.__getitem__), max(values, key=values.__getitem__)


def range_words(values: Mapping[str, float]) -> str:
    """Return values to two digits: one, or from the smallest to the largest with their names.

    Examples
    --------
    >>> range_words({"a": 0.309, "b": 0.4213}), range_words({"a": 0.309})
    ('0.31 (a) to 0.42 (b)', '0.31')
    """
    low, high = ends(values)
    small, large = off_text(values[low]), off_text(values[high])
    return large if small == large else f"{small} ({low}) to {large} ({high})"


def middle(values: Mapping[str, float]) -> float:
    """Return the median of values."""
    return float(np.median(list(values.values())))


def whose_epsilon(epsilon: float) -> str:
    """Return whose default an epsilon is, or nothing.

    Examples
    --------
    >>> whose_epsilon(0.001), whose_epsilon(0.5)
    (', the default of Keras', '')
    """
    layer = WHOSE_EPSILON.get(epsilon, "")
    return f", the default of {layer}" if layer else ""
