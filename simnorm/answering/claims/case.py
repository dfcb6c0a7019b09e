"""What the claims look at: the results, and what they are about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from simnorm.answering.numbers import Family, Number, by_name, cells
from simnorm.figures.tables import short
from simnorm.options import INPUTS, OVERHEAD, RUNNING, SCALING, SHIFT, SWEEP

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.answering.settings import Settings
    from simnorm.answering.whole import Missing
    from simnorm.results import Result

__all__ = [
    "INPUTS",
    "OVERHEAD",
    "RUNNING",
    "SCALING",
    "SHIFT",
    "SWEEP",
    "Case",
    "left_by",
    "listed",
    "told",
]

LONGEST = 40
MOST_LISTED = 3
MODELS = {"knn": "kNN", "mlp": "MLP"}
# Data sets that are made, and of which real ones. Min-max, z-scores and batches see no scales:
# spread_scales is digits again to them. heavy_tails and normal_tails are wine with other tails.
MADE = {"spread_scales": "digits", "heavy_tails": "wine", "normal_tails": "wine"}


@dataclass(frozen=True)
class Case:
    """The results that a claim is judged by.

    Parameters
    ----------
    settings
        What was asked.
    results
        Results by study; those that are missing say why.
    needed
        The table of batch sizes that are needed, as in `simnorm.answering.needed`.
    """

    settings: Settings
    results: dict[str, Result | Missing]
    needed: pd.DataFrame

    @property
    def n(self) -> int:
        """The batch size that is asked about."""
        return self.settings.batch_size

    @property
    def thing(self) -> str:
        """What a name is the name of."""
        return "column" if self.settings.data else "distribution"

    def result(self, study: str) -> Result | None:
        """Return a study's result, None where it is missing."""
        from simnorm.answering.whole import Missing

        found = self.results.get(study)
        return None if found is None or isinstance(found, Missing) else found

    def missing_words(self, study: str) -> str:
        """Return why a study has no result, and what to do."""
        from simnorm.answering.whole import Missing

        found = self.results.get(study)
        if isinstance(found, Missing):
            return f"{found.reason} {found.what_to_do}".strip()
        return "It holds no number for this."

    @cached_property
    def errors(self) -> dict[str, Number]:
        """Errors of a value normalized by its batch of n, against the z-score, in sd."""
        result = self.result(INPUTS)
        if result is None:
            return {}
        return by_name(
            cells(
                result, "normalized_value", "rmse", batch_size=self.n, reference="full_set",
                epsilon="0", gamma="1", beta="0", sampling="shuffle",
            )
        )  # fmt: skip

    @cached_property
    def scaling_size(self) -> int:
        """The batch size that accuracies are of: n, or the next smaller one that was measured."""
        result = self.result(SCALING)
        if result is None:
            return 0
        sizes = sorted({int(n) for n in result.frame["batch_size"] if n > 0})
        return max((size for size in sizes if size <= self.n), default=min(sizes, default=0))

    def accuracy(
        self, scaler: str, against: str, *, names: tuple[str, ...] = ()
    ) -> dict[str, Number]:
        """Return differences in accuracy, by what they are of: ``"kNN on wine"``."""
        result = self.result(SCALING)
        if result is None:
            return {}
        n = self.scaling_size if scaler == "batch" else 0
        found = cells(result, "accuracy", "mean", batch_size=n, scaler=scaler, against=against)
        return {
            accuracy_of(name, factors): number
            for (name, factors), number in found.items()
            if number.is_there and (not names or name in names)
        }

    def accuracies(
        self,
        scaler: str,
        against: str,
        margin: float,
        *,
        names: tuple[str, ...] = (),
        model: str = "",
    ) -> Family:
        """Return differences in accuracy as a family, of one model if it is named."""
        result = self.result(SCALING)
        folds = 0 if result is None else result.design.folds
        found = self.accuracy(scaler, against, names=names)
        chosen = {name: number for name, number in found.items() if name.startswith(model)}
        return Family(chosen, margin, folds=folds)

    @property
    def real_names(self) -> tuple[str, ...]:
        """The data sets that are as they were found, none of them another one in disguise."""
        return tuple(name for name in self.accuracy_names() if name not in MADE)

    def accuracy_names(self) -> tuple[str, ...]:
        """Return the data sets that accuracies are of; one without a name for a file."""
        result = self.result(SCALING)
        if result is None:
            return ()
        return tuple(dict.fromkeys(result.frame["distribution"].astype(str)))

    @cached_property
    def kurtosis(self) -> dict[str, float]:
        """The excess kurtosis of every name, where it is known and finite."""
        return self._shapes("excess_kurtosis")

    @cached_property
    def skewness(self) -> dict[str, float]:
        """The skewness of every name, where it is known and finite."""
        return self._shapes("skewness")

    @cached_property
    def mean(self) -> dict[str, float]:
        """The mean of every name, where it is known and finite."""
        return self._shapes("mean")

    @cached_property
    def spread(self) -> dict[str, float]:
        """The standard deviation of every name, where it is known and finite."""
        return self._shapes("std")

    def _shapes(self, word: str) -> dict[str, float]:
        found: dict[str, float] = {}
        if not self.settings.data:
            from simnorm.distributions import distribution

            found = {name: float(getattr(distribution(name), word)) for name in self.settings.names}
        else:
            for study in (SWEEP, INPUTS, RUNNING):
                result = self.result(study)
                if result is not None:
                    table = result.columns
                    values = table[word].astype(float)
                    found = dict(zip(table["column"].astype(str), values, strict=True))
                    break
        return {name: value for name, value in found.items() if math.isfinite(value)}


def accuracy_of(name: str, factors: str) -> str:
    """Return what an accuracy is of.

    Examples
    --------
    >>> accuracy_of("wine", "model=knn;scaler=batch;against=z_score"), accuracy_of("", "model=mlp")
    ('kNN on wine', 'MLP')
    >>> accuracy_of("heavy_tails", "model=knn")
    'kNN on heavy_tails, made of wine'
    """
    parts = dict(part.split("=", 1) for part in factors.split(";") if "=" in part)
    model = MODELS.get(parts.get("model", ""), parts.get("model", ""))
    made = f", made of {MADE[name]}" if name in MADE else ""
    return f"{model} on {name}{made}" if name else model


def left_by(epsilon: float, sd: float) -> float:
    """Return the error that an epsilon alone leaves of a z-score, in standard deviations.

    Examples
    --------
    >>> round(left_by(0.001, 0.01), 3), round(left_by(0.001, 1.0), 4)
    (0.698, 0.0005)
    """
    if not sd > 0.0:
        return math.nan
    return 1.0 - sd / math.hypot(sd, math.sqrt(epsilon))


def told(name: str) -> str:
    """Return a name as it is told of."""
    return short(name, LONGEST)


def listed(names: list[str], most: int = MOST_LISTED) -> str:
    """Return some names, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more')
    """
    # Names that hold commas are parted by semicolons.
    comma = "; " if any(", " in name for name in names[:most]) else ", "
    shown = [told(name) for name in names[:most]]
    if len(names) > most:
        return f"{comma.join(shown)} and {len(names) - most:,} more"
    return " and ".join([comma.join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
