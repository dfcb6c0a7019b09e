"""The rows of a run of the study `scaling`: accuracy by data set, model and scaling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from simnorm.figures.marks import BLUE, VERMILLION, Mark
from simnorm.figures.tables import FEATURED

if TYPE_CHECKING:
    import pandas as pd

ACCURACY, MEAN = "accuracy", "mean"
NONE, Z_SCORE, BATCH = "none", "z_score", "batch"
# The order of all figures and tables: from doing nothing to the z-score by all rows.
SCALER_ORDER = (NONE, "min_max", "robust", BATCH, Z_SCORE)
SCALER_WORDS = {NONE: "none", "min_max": "min-max", "robust": "robust", Z_SCORE: "z-score"}
MODEL_WORDS = {"knn": "kNN", "mlp": "MLP"}
# A file has no other name in its table.
OF_FILE = "your data"
USUAL_BATCH_SIZE = 32

LOOKS = {
    "knn": Mark("kNN", BLUE, "o", 5.2, 1.3),
    "mlp": Mark("MLP", VERMILLION, "s", 4.6, 1.3),
}

# What has an interval to go by; of `failed` rows that of the replications that came to a number.
SURE = ("ok", "exact", "failed")


class Scaling(NamedTuple):
    """A way of scaling: a scaler, and its batch size where it has batches, else 0."""

    scaler: str
    batch_size: int = 0

    @property
    def label(self) -> str:
        """Return what figures and tables call it."""
        if self.scaler == BATCH:
            return f"batch of {self.batch_size:,}"
        return SCALER_WORDS.get(self.scaler, self.scaler)


class Point(NamedTuple):
    """A number with its 95 % interval, all in per cent or in points; NaN where there is none."""

    value: float
    error: float
    low: float
    high: float
    status: str
    reason: str = ""

    @property
    def is_there(self) -> bool:
        """Tell whether there is a value."""
        return math.isfinite(self.value)

    @property
    def is_sure(self) -> bool:
        """Tell whether there is a value with an interval that can be trusted."""
        return self.is_there and self.status in SURE and math.isfinite(self.low + self.high)


NO_POINT = Point(math.nan, math.nan, math.nan, math.nan, "undefined", "it is not in the run")


# Data sets that are made of others, as sentences call them; in heads they have a star.
MADE_WORDS = {
    "spread_scales": "digits with scales spread",
    "heavy_tails": "wine given heavy tails",
    "normal_tails": "wine given normal tails",
}
STAR = "*"
MADE_NOTE = f"{STAR} made by us: digits with scales spread from 1 to 1,000,000; wine reshaped."


def name_words(name: str) -> str:
    """Return what a data set is called in a sentence.

    Examples
    --------
    >>> name_words("breast_cancer"), name_words("spread_scales"), name_words("")
    ('breast cancer', 'digits with scales spread', 'your data')
    """
    return MADE_WORDS.get(name) or name.replace("_", " ") or OF_FILE


def head_words(name: str) -> str:
    """Return what a data set is called above a panel or a column, made ones with a star.

    Examples
    --------
    >>> head_words("breast_cancer"), head_words("spread_scales")
    ('breast cancer', 'spread scales*')
    """
    return (name.replace("_", " ") or OF_FILE) + STAR * (name in MADE_WORDS)


class Run:
    """The table of a run, by what a row is about.

    Parameters
    ----------
    frame
        The tidy table.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        rows = frame[(frame["estimator"] == ACCURACY) & (frame["measure"] == MEAN)]
        self.frame = rows
        self.is_file = bool((rows["source"] == "file").any())
        self._points: dict[tuple[str, str, Scaling, str], Point] = {}
        self.rows_of: dict[str, int] = {}
        numbers = ("estimate", "mcse", "ci_low", "ci_high")
        columns = [rows[name].tolist() for name in numbers]
        for place, (name, factors, n, size, status, reason) in enumerate(
            zip(*(rows[word].tolist() for word in
                  ("distribution", "factors", "batch_size", "full_size", "status", "reason")),
                strict=True)
        ):  # fmt: skip
            parts = dict(part.partition("=")[::2] for part in str(factors).split(";"))
            name = "" if self.is_file else str(name)
            key = name, parts.get("model", ""), Scaling(parts.get("scaler", ""), int(n))
            value, error, low, high = (100.0 * float(column[place]) for column in columns)
            found = Point(value, error, low, high, str(status), str(reason or ""))
            self._points[*key, parts.get("against", "")] = found
            self.rows_of.setdefault(name, int(size))
        self.names = list(self.rows_of)
        models = {key[1] for key in self._points}
        self.models = [word for word in MODEL_WORDS if word in models]
        # A batch of one has no variance: such rows are undefined everywhere.
        alive = {key[2] for key, point in self._points.items() if point.is_there}
        self.scalings = sorted(
            (one for one in alive if one.scaler in SCALER_ORDER),
            key=lambda one: (SCALER_ORDER.index(one.scaler), one.batch_size),
        )
        self.sizes = [one.batch_size for one in self.scalings if one.scaler == BATCH]
        wanted = math.log(frame.attrs.get(FEATURED, USUAL_BATCH_SIZE))
        self.n = min(self.sizes, key=lambda n: abs(math.log(n) - wanted), default=0)
        counts = rows["replications"] + rows["failed"]
        self.repeats = int(counts.max()) if len(counts) else 0

    def has(self, scaler: str) -> bool:
        """Tell whether the run has a scaler."""
        return any(one.scaler == scaler for one in self.scalings)

    def level(self, name: str, model: str, scaling: Scaling) -> Point:
        """Return an accuracy in per cent."""
        return self._points.get((name, model, scaling, ""), NO_POINT)

    def difference(
        self, name: str, model: str, scaling: Scaling, against: str = Z_SCORE
    ) -> Point:  # fmt: skip
        """Return an accuracy less that of another scaler, paired, in points."""
        found = self._points.get((name, model, scaling, against))
        if found is not None:
            return found
        other = self._points.get((name, model, Scaling(against), scaling.scaler))
        if other is None or scaling.batch_size:
            return NO_POINT
        return Point(-other.value, other.error, -other.high, -other.low, other.status, other.reason)

    def marks(self) -> Mapping[str, Mark]:
        """Return how the models of the run look."""
        return {model: LOOKS[model] for model in self.models}
