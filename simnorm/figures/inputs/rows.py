"""Which rows, names and batch sizes of the study's table its figures and sentences show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import chosen_names, main_scheme, ranked_names, thing
from simnorm.figures.tables import (
    FIRST_NAMES,
    best_values,
    featured_size,
    floats,
    is_data,
    named,
    names_of,
    reference_of,
)
from simnorm.formatting import significant

if TYPE_CHECKING:
    import pandas as pd

NORMALIZED, DIRECT = "normalized_value", "normalized_value_direct"
CORRELATION, BEST_GAMMA = "correlation", "best_gamma"
WORST_IN_BATCH, WORST_IN_EPOCH = "worst_in_batch", "worst_in_epoch"
SKEWNESS, KURTOSIS = "output_skewness", "output_excess_kurtosis"
CONSTANT, UNSEEN = "constant_batches", "unseen_share"
SCALERS = {"min_max_value": "min-max", "robust_value": "robust", "quantile_value": "quantile"}

# A z-score that is off by more than this is not much of a z-score.
LEVEL = 0.1
# A letter and its value stay in one line.
EQUALS = "\u00a0=\u00a0"


@dataclass(frozen=True, order=True)
class Setting:
    """One choice of the layer's own numbers."""

    epsilon: float = 0.0
    gamma: float = 1.0
    beta: float = 0.0

    @classmethod
    def of(cls, factors: str) -> Setting:
        """Read the factors of a row; what they lack is at its usual value.

        Examples
        --------
        >>> Setting.of("epsilon=0.001;gamma=2;beta=0")
        Setting(epsilon=0.001, gamma=2.0, beta=0.0)
        """
        known = {"epsilon": 0.0, "gamma": 1.0, "beta": 0.0}
        found = dict(part.split("=", 1) for part in factors.split(";") if "=" in part)
        return cls(**known | {key: float(found[key]) for key in known if key in found})

    @property
    def is_affine(self) -> bool:
        """Whether the layer shifts or scales what it has normalized."""
        return (self.gamma, self.beta) != (1.0, 0.0)

    def words(self) -> str:
        """Return the setting as a sentence has it.

        Examples
        --------
        >>> Setting(0.0, 2.0).words().replace(EQUALS, " = ")
        'ε = 0, γ = 2, β = 0'
        """
        pairs = [("ε", self.epsilon)]
        if self.is_affine:
            pairs += [("γ", self.gamma), ("β", self.beta)]
        return ", ".join(f"{letter}{EQUALS}{plain_number(value)}" for letter, value in pairs)


def plain_number(value: float) -> str:
    """Return a setting as people write it.

    Examples
    --------
    >>> plain_number(0.001), plain_number(1e-05), plain_number(2.0), plain_number(-0.5)
    ('0.001', '0.00001', '2', '\u22120.5')
    """
    if value == 0.0:
        return "0"
    text = np.format_float_positional(value, trim="-") if 1e-6 <= abs(value) < 1e7 else f"{value:g}"
    return text.replace("-", "\N{MINUS SIGN}")


class Run:
    """A run's table, and what of it is shown.

    Parameters
    ----------
    frame
        The tidy table. Of several sampling schemes the main one is shown.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.every = frame
        rows = frame[frame["sampling"] == main_scheme(frame)] if len(frame) else frame
        self.rows = named(rows)
        self.of_data = is_data(frame)
        self.reference = reference_of(self.rows[self.rows["reference"].astype(str) != ""])

    @cached_property
    def settings(self) -> dict[Setting, str]:
        """The choices of epsilon, gamma and beta, and the text each has in the table."""
        held = self.rows.loc[self.rows["estimator"] == NORMALIZED, "factors"].drop_duplicates()
        return {Setting.of(str(text)): str(text) for text in held}

    @cached_property
    def setting(self) -> Setting:
        """The setting that is shown: neither gamma nor beta, and the smallest epsilon."""
        return min(self.settings, key=lambda s: (s.is_affine, s), default=Setting())

    @cached_property
    def epsilons(self) -> list[Setting]:
        """The settings that differ from the one that is shown in epsilon alone, it included."""
        same = (self.setting.gamma, self.setting.beta)
        return sorted(s for s in self.settings if (s.gamma, s.beta) == same)

    def of(
        self,
        quantity: str,
        measure: str = "mean",
        reference: str | None = None,
        setting: Setting | None = None,
    ) -> pd.DataFrame:
        """Return the rows of a quantity, by batch size; of errors, against the main reference."""
        rows = self._parts.get((quantity, measure), self.rows.iloc[:0])
        if reference is None:
            reference = self.reference
        # What is no error has no reference.
        rows = rows[rows["reference"].isin(["", reference])]
        if setting is not None:
            rows = rows[rows["factors"] == self.settings.get(setting, "-")]
        return rows

    @cached_property
    def _parts(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Rows by quantity and measure, and in these by batch size."""
        ordered = self.rows.sort_values("batch_size", kind="stable")
        return {
            (str(quantity), str(measure)): part
            for (quantity, measure), part in ordered.groupby(["estimator", "measure"], sort=False)
        }

    def errors(self, setting: Setting | None = None, reference: str | None = None) -> pd.DataFrame:
        """Return the RMSE of normalized values, of the setting that is shown unless told."""
        return self.of(NORMALIZED, "rmse", reference, setting or self.setting)

    @cached_property
    def shown_errors(self) -> pd.DataFrame:
        """The errors that everything is about."""
        return self.errors()

    @cached_property
    def names(self) -> list[str]:
        """All names: distributions as given, columns with the worst first."""
        errors = self.shown_errors
        every = names_of(self.rows)
        if not self.of_data or errors.empty:
            return every
        ranked = ranked_names(errors)
        return [*ranked, *(name for name in every if name not in set(ranked))]

    @cached_property
    def size(self) -> int:
        """The batch size that sentences speak of, the one nearest to 16; 0 without any."""
        errors = self.shown_errors
        # A batch of one is off by 1 whatever it holds.
        several = errors[errors["batch_size"] > 1]
        alive = several if np.isfinite(floats(several, "estimate")).any() else errors
        return featured_size(alive)

    @cached_property
    def sizes(self) -> list[int]:
        """All batch sizes."""
        return sorted({int(n) for n in self.rows["batch_size"]})

    @property
    def thing(self) -> str:
        """What a name stands for."""
        return thing(self.every)

    def shown_names(self, most: int = FIRST_NAMES) -> list[str]:
        """Return the names that a figure shows: the worst columns, or laws that stand for all."""
        alive = set(self.alive_names())
        names = [name for name in self.names if name in alive] or self.names
        if self.of_data or len(names) <= most:
            return names[:most]
        rows = self.shown_errors
        return chosen_names(rows[rows["name"].isin(names)], most)

    def alive_names(self) -> list[str]:
        """Return the names with an error at any batch size."""
        rows = self.shown_errors
        alive = set(rows.loc[np.isfinite(floats(rows, "estimate")), "name"])
        return [name for name in self.names if name in alive]

    def values(self, rows: pd.DataFrame, n: int | None = None) -> dict[str, float]:
        """Return the best value of every name at a batch size: exact, or with a valid error bar."""
        rows = rows[rows["batch_size"] == (self.size if n is None else n)]
        found = dict(zip(rows["name"].astype(str), best_values(rows).tolist(), strict=True))
        return {
            name: found[name] for name in self.names if name in found and math.isfinite(found[name])
        }

    def left_out(self, shown: int) -> list[str]:
        """Return a sentence on the names that a figure leaves out, or nothing."""
        every = len(self.alive_names())
        if shown >= every:
            return []
        if self.of_data:
            return [f"The {shown} of {every:,} columns with the largest errors."]
        return [f"{shown} of {every:,} distributions."]


def curves_of(run: Run, curves: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the named points of one kind of curve, of the scheme that is shown."""
    here = curves[curves["kind"] == kind]
    if len(run.rows):
        here = here[here["sampling"] == run.rows["sampling"].iloc[0]]
    return named(here)


def spread_sizes(sizes: list[int], most: int, near: int) -> list[int]:
    """Return a few batch sizes: the one nearest to `near`, and others evenly about it.

    Examples
    --------
    >>> spread_sizes([2, 8, 32, 64, 256, 1024], 3, 16)
    [2, 8, 1024]
    >>> spread_sizes([2, 8], 3, 16)
    [2, 8]
    """
    ordered = sorted(set(sizes))
    if len(ordered) <= most:
        return ordered
    places = np.round(np.linspace(0, len(ordered) - 1, most)).astype(int).tolist()
    middle = min(range(len(ordered)), key=lambda i: abs(math.log(ordered[i] / near)))
    inner = places[1:-1]
    if inner and middle not in places:
        nearest = min(inner, key=lambda place: abs(place - middle))
        places[places.index(nearest)] = middle
    return [ordered[place] for place in sorted(set(places))]


def off_text(value: float) -> str:
    """Return an error in standard deviations, to two digits.

    Examples
    --------
    >>> off_text(0.3092), off_text(1.0)
    ('0.31', '1.0')
    """
    return significant(value, 2)
