"""What the sentences and tables on scaling look up: differences, and the verdicts on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import (
    BATCH,
    MADE_WORDS,
    MODEL_WORDS,
    NO_POINT,
    NONE,
    Z_SCORE,
    Point,
    Run,
    Scaling,
    head_words,
    name_words,
)
from simnorm.figures.tables import short
from simnorm.formatting import decimals_of, fixed
from simnorm.report.data import file_name
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED, decided, needed

if TYPE_CHECKING:
    import pandas as pd

# What has the same number in every fold has no error bar, and is no proof of anything.
ALIKE = "alike"
ABSENT = "absent"
# The order in which groups of data sets are told of.
ORDER = (LESS, MORE, SAME, UNDECIDED, ALIKE)

HEAVY, NORMAL, SPREAD, DIGITS = "heavy_tails", "normal_tails", "spread_scales", "digits"
# What undoes any factor of a feature: to it spread scales are the digits once more.
BLIND = ("min_max", BATCH, Z_SCORE)
RAW, WHOLE = Scaling(NONE), Scaling(Z_SCORE)
LONGEST = 28
MOST_LISTED = 6
# Of more rows a repeat draws so many.
MOST_ROWS = 4096
USUAL_FOLDS = 5


@dataclass(frozen=True)
class Facts:
    """A run and what is said of it.

    Parameters
    ----------
    run
        Its table.
    folds
        Folds k of a repeat of cross-validation.
    data
        Where the data come from; nothing for bundled data.
    target
        The column that holds the classes; nothing for bundled data.
    features
        How many columns of the file are features; 0 for bundled data.
    """

    run: Run
    folds: int
    data: str = ""
    target: str = ""
    features: int = 0

    @property
    def splits(self) -> int:
        """J, the number of values behind a mean: one for each fold of each repeat."""
        return self.run.repeats * self.folds

    @property
    def overlap(self) -> float:
        """The part of the variance that stays: test rows for each training row."""
        return 1.0 / (self.folds - 1.0)

    @property
    def lengthened(self) -> float:
        """By which factor intervals are longer than those of independent values."""
        return math.sqrt(1.0 + self.splits * self.overlap)

    def called(self, name: str) -> str:
        """Return what a data set is called in a sentence."""
        if self.run.is_file:
            return short(file_name(self.data), LONGEST) if self.data else "the data"
        return short(name_words(name), LONGEST)

    def head(self, name: str) -> str:
        """Return what a data set is called above a column, with a star if it is made."""
        return self.called(name) if self.run.is_file else short(head_words(name), LONGEST)

    @property
    def has_pairs(self) -> bool:
        """Tell whether there is something that others are compared with."""
        return self.run.has(Z_SCORE) or self.run.has(NONE)

    @property
    def has_made(self) -> bool:
        """Tell whether a data set is made of another one."""
        return any(name in MADE_WORDS for name in self.run.names)

    @property
    def is_drawn(self) -> bool:
        """Tell whether there are so many rows that every repeat draws some of them."""
        return max(self.run.rows_of.values(), default=0) > MOST_ROWS

    def distinct(self, scaling: Scaling, against: str = Z_SCORE) -> list[str]:
        """Return the data sets that are not the same as another one to both scalings."""
        is_blind = scaling.scaler in BLIND and against in BLIND
        twice = is_blind and DIGITS in self.run.names
        return [name for name in self.run.names if not (twice and name == SPREAD)]

    def batch(self, n: int = 0) -> Scaling:
        """Return scaling by batches of n, of the size that sentences speak of unless told."""
        return Scaling(BATCH, n or self.run.n)

    def difference(
        self, name: str, model: str, scaling: Scaling, against: str = Z_SCORE
    ) -> Point:  # fmt: skip
        """Return a difference in points."""
        return self.run.difference(name, model, scaling, against)

    def groups(
        self, model: str, scaling: Scaling, against: str = Z_SCORE
    ) -> dict[str, dict[str, Point]]:
        """Return the differences of distinct data sets that have one, by the verdict on them."""
        found: dict[str, dict[str, Point]] = {}
        for name in self.distinct(scaling, against):
            point = self.difference(name, model, scaling, against)
            word = verdict_on(point)
            if word != ABSENT:
                found.setdefault(word, {})[name] = point
        return {word: found[word] for word in ORDER if word in found}

    def needed(self, point: Point) -> float:
        """Return how many repeats would decide; infinity if no number would."""
        if not point.is_sure:
            return math.nan
        return needed(
            point.value, point.low, point.high, MARGIN, replications=self.run.repeats,
            folds=self.folds, fixed=self.overlap,
        )  # fmt: skip

    def largest(self, model: str, scaling: Scaling, against: str = Z_SCORE) -> tuple[str, Point]:
        """Return the data set with the largest loss that has an error bar, a made one at need."""
        found = [(name, self.difference(name, model, scaling, against)) for name in self.run.names]
        sure = [pair for pair in found if pair[1].is_sure]
        sure = [pair for pair in sure if pair[0] not in MADE_WORDS] or sure
        return min(sure, key=lambda pair: pair[1].value, default=("", NO_POINT))


def facts_of(frame: pd.DataFrame, design: Any) -> Facts:
    """Return what is said of a run.

    Parameters
    ----------
    frame
        The table of the run.
    design
        Its design, which knows the folds and the file.
    """
    columns = tuple(getattr(design, "columns", ()) or ())
    folds = int(getattr(design, "folds", 0) or USUAL_FOLDS)
    target = str(getattr(design, "target", "") or "")
    return Facts(Run(frame), folds, str(design.data or ""), target, len(columns))


def verdict_on(point: Point) -> str:
    """Return what a difference comes to: less, more, no difference, undecided, alike, absent."""
    if not point.is_there:
        return ABSENT
    if not point.is_sure:
        # The same in all folds: an interval of no length is no certainty.
        return ALIKE if point.error == 0.0 else UNDECIDED
    return decided(point.low, point.high, MARGIN)


def is_beyond(point: Point) -> bool:
    """Tell whether a difference is beyond the margin: its whole interval, on one side."""
    return point.is_sure and (point.low > MARGIN or point.high < -MARGIN)


def model_words(model: str) -> str:
    """Return what a model is called in a sentence.

    Examples
    --------
    >>> model_words("knn"), model_words("mlp")
    ('kNN', 'the MLP')
    """
    word = MODEL_WORDS.get(model, model)
    return f"the {word}" if model == "mlp" else word


def signed(value: float, decimals: int) -> str:
    """Return a difference with its sign.

    Examples
    --------
    >>> signed(1.25, 1), signed(-0.04, 1), signed(-3.0, 0)
    ('+1.2', '0.0', '−3')
    """
    text = fixed(value, decimals)
    is_zero = float(text.replace(",", "").replace("−", "-")) == 0.0
    return text if is_zero or value < 0.0 else f"+{text}"


def decimals(point: Point) -> int:
    """Return the decimals of a number that its error bar supports, a tenth of a point as a rule."""
    if not (point.error > 0.0 and math.isfinite(point.error)):
        return 1
    return min(1, decimals_of(point.error)) if point.error >= 0.1 else 2


def interval_text(point: Point) -> str:
    """Return a difference with its 95 % interval.

    Examples
    --------
    >>> interval_text(Point(-2.04, 0.61, -3.3, -0.8, "ok"))
    '−2.0 (−3.3 to −0.8)'
    """
    if not point.is_there:
        return "–"
    places = decimals(point)
    if not point.is_sure:
        return signed(point.value, places)
    low, high = (signed(end, places) for end in (point.low, point.high))
    return f"{signed(point.value, places)} ({low} to {high})"


def where(facts: Facts, points: dict[str, Point], unit: str = " points") -> str:
    """Return data sets with their differences: ``wine (−2.0 points, −3.3 to −0.8)``."""
    parts = []
    for place, (name, point) in enumerate(points.items()):
        said = interval_text(point).replace(" (", f"{unit if not place else ''}, ", 1).rstrip(")")
        parts.append(f"{facts.called(name)} ({said})")
    return listed(parts, MOST_LISTED)


def of_all(count: int, every: int) -> str:
    """Return so many of so many.

    Examples
    --------
    >>> of_all(3, 5), of_all(5, 5), of_all(0, 5), of_all(1, 1)
    ('3 of 5', 'all 5', 'none of 5', 'the one')
    """
    if every == 1:
        return "the one" if count else "none"
    return f"all {every}" if count == every else f"{count or 'none'} of {every}"


def of_sets(count: int, every: int, kind: str = "") -> str:
    """Return so many of so many data sets.

    Examples
    --------
    >>> of_sets(3, 5), of_sets(5, 5), of_sets(1, 1), of_sets(2, 3, "made ")
    ('3 of 5 data sets', 'all 5 data sets', 'the one data set', '2 of 3 made data sets')
    """
    return f"{of_all(count, every)} {kind}data set" + ("s" if every > 1 else "")


def count_of(groups: dict[str, dict[str, Point]]) -> int:
    """Return how many data sets have a difference."""
    return sum(len(points) for points in groups.values())


def differences(facts: Facts, one: Scaling) -> dict[tuple[str, str], Point]:
    """Return a scaling's differences from z-scores on distinct data, by data set and model."""
    return {
        (name, model): point
        for model in facts.run.models
        for name in facts.distinct(one)
        if (point := facts.difference(name, model, one)).is_there
    }


def all_differences(facts: Facts, scalings: Sequence[Scaling]) -> list[Point]:
    """Return the differences of all distinct data sets and models that are there."""
    return [point for one in scalings for point in differences(facts, one).values()]
