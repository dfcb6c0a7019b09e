"""What figures and report of the study shift show of a run: nets, variants, measures, values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simnorm.figures.tables import floats

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NONE, BN, NOISY = "none", "bn", "noisy_bn"
FLOOR, BEST = "floor", "best"
LOSS, ACCURACY = "train_loss", "test_accuracy"
OUTCOMES = (LOSS, ACCURACY)
COSINE = "gradient_cosine"

# Named beforehand: ratios this near to 1, cosines and accuracies this near to each other, are
# taken as no difference.
MARGIN, MARGIN_COSINE, MARGIN_ACCURACY = 0.1, 0.05, 0.01

ACTIVATIONS, GRADIENTS, BATCHES = "activations", "gradients", "batches"


class Definition(NamedTuple):
    """One way to say how much the shift is.

    Parameters
    ----------
    word
        The quantity in the table.
    label
        A few words for an axis.
    phrase
        What a sentence calls it.
    family
        What it is measured on.
    """

    word: str
    label: str
    phrase: str
    family: str


DEFINITIONS = (
    Definition("moment_shift", "mean and spread", "by mean and spread", ACTIVATIONS),
    Definition("ks_shift", "KS distance", "by the KS distance", ACTIVATIONS),
    Definition("wasserstein_shift", "Wasserstein", "by the Wasserstein distance", ACTIVATIONS),
    Definition(
        "moment_drift", "mean and spread, from start", "by mean and spread since the start",
        ACTIVATIONS,
    ),
    Definition("ks_drift", "KS distance, from start", "by the KS distance since the start",
               ACTIVATIONS),
    Definition("raw_shift", "mean and spread, before BN", "by mean and spread before BN",
               ACTIVATIONS),
    Definition("gradient_shift", "gradient, relative", "by the gradient’s relative change",
               GRADIENTS),
    Definition(COSINE, "gradient, 1 − cosine", "by the gradient’s direction", GRADIENTS),
    Definition("gradient_change", "gradient, absolute", "by the gradient’s change", GRADIENTS),
    Definition("batch_shift", "batch-induced", "by what batches do at fixed weights", BATCHES),
)  # fmt: skip
# Behind batch normalization a probe’s mean is beta and its spread gamma, whatever the layers below
# do: beside a net without, these are small by construction.
BY_CONSTRUCTION = ("moment_shift", "moment_drift")
# What is counted: activations as whole distributions and both parts of the measure by gradients,
# from one step to the next. The other measures are told.
COUNTED = ("ks_shift", "wasserstein_shift", "gradient_shift", COSINE)
BY_WORD = {one.word: one for one in DEFINITIONS}

NET_NAMES = {"mlp": "ReLU net", "linear": "deep linear net"}
VARIANT_NAMES = {NONE: "without BN", BN: "with BN", NOISY: "BN with noise"}


class Value(NamedTuple):
    """One row of the table.

    Parameters
    ----------
    estimate, low, high, mcse
        The value with its interval and its standard error.
    measure
        ``mean``, ``ratio``; nothing where there is no row.
    status, reason
        Of the row.
    replications
        R.
    """

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    mcse: float = math.nan
    measure: str = ""
    status: str = ""
    reason: str = ""
    replications: int = 0

    @property
    def is_known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.estimate)

    @property
    def is_sure(self) -> bool:
        """Whether it has a valid interval, or is exact."""
        return self.is_known and math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def is_survivor(self) -> bool:
        """Whether it is of some replications only, as others diverged: no fair comparison."""
        return self.is_known and self.reason.startswith("diverged")

    @property
    def is_ratio(self) -> bool:
        """Whether it is a ratio."""
        return self.measure == "ratio"

    def turned(self) -> Value:
        """Return 1 less the value, as a cosine is shown where more is to mean more shift."""
        return self._replace(estimate=1.0 - self.estimate, low=1.0 - self.high, high=1.0 - self.low)


MISSING = Value()


def with_factors(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a column for every factor of this study.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"factors": ["net=mlp;variant=bn;rate=best;against=floor", ""]})
    >>> with_factors(table)[["net", "variant", "rate", "against", "layer"]].values.tolist()
    [['mlp', 'bn', 'best', 'floor', ''], ['', '', '', '', '']]
    """
    found = {
        text: dict(part.partition("=")[::2] for part in text.split(";"))
        for text in (str(word) for word in table["factors"].drop_duplicates())
    }
    made = {
        name: table["factors"].map({text: parts.get(name, "") for text, parts in found.items()})
        for name in ("net", "variant", "rate", "against", "layer")
    }
    return table.assign(**{name: column.astype(str) for name, column in made.items()})


@dataclass(frozen=True)
class Run:
    """A run's tables, of one data set, with what is in them.

    Parameters
    ----------
    frame, curves
        The tables, with a column for every factor.
    name
        The data set that is shown, the first of the run.
    names
        All of them.
    n, sizes
        The batch size of training that is shown, the first of the run, and all of them.
    """

    frame: pd.DataFrame
    curves: pd.DataFrame
    name: str
    names: list[str]
    n: int
    sizes: list[int]

    @cached_property
    def nets(self) -> list[str]:
        """The nets, in the order of the table."""
        return _held(self.frame, "net")

    @cached_property
    def variants(self) -> list[str]:
        """The variants, in the order of the table."""
        return _held(self.frame, "variant")

    @cached_property
    def rates(self) -> list[str]:
        """The learning rates from small to large, without the best one."""
        return sorted((r for r in _held(self.frame, "rate") if r != BEST), key=float)

    @cached_property
    def rate(self) -> str:
        """The rate that is shown where none is named: the best one, if the run knows of any."""
        held = set(self.frame["rate"])
        return BEST if BEST in held else next(iter(self.rates), "")

    @cached_property
    def definitions(self) -> list[Definition]:
        """The measures of shift that the run has."""
        held = set(self.frame["estimator"])
        return [one for one in DEFINITIONS if one.word in held]

    @cached_property
    def replications(self) -> int:
        """How many times every variant was trained."""
        return int(self.frame["replications"].max()) if len(self.frame) else 0

    @cached_property
    def steps(self) -> int:
        """The last step that there is a point of."""
        last = self.curves["x"].max() if len(self.curves) else 0
        return int(last) if math.isfinite(last) else 0

    @cached_property
    def _values(self) -> dict[tuple[str, str, str, str, str], Value]:
        rows = self.frame
        keys = zip(*(rows[word] for word in ("net", "variant", "estimator", "against", "rate")),
                   strict=True)  # fmt: skip
        numbers = [floats(rows, word).tolist() for word in ("estimate", "ci_low", "ci_high",
                   "mcse")]  # fmt: skip
        texts = [rows[word].fillna("").astype(str) for word in ("measure", "status", "reason")]
        made = zip(*numbers, *texts, rows["replications"], strict=True)
        return {key: Value(*one) for key, one in zip(keys, made, strict=True)}

    def value(
        self, net: str, variant: str, quantity: str, against: str = "", rate: str = ""
    ) -> Value:
        """Return a value, or what it is beside the floor or another variant, at a rate."""
        return self._values.get((net, variant, quantity, against, rate or self.rate), MISSING)

    def chosen(self, net: str, variant: str) -> dict[str, float]:
        """Return how often each rate was the best one, where the run knows."""
        rows = self.curves[(self.curves["kind"] == "chosen") & (self.curves["net"] == net)
                           & (self.curves["variant"] == variant)]  # fmt: skip
        shares = dict(zip(floats(rows, "x").tolist(), floats(rows, "y").tolist(), strict=True))
        return {rate: shares.get(float(rate), math.nan) for rate in self.rates}

    @cached_property
    def _floors(self) -> dict[tuple[str, str, str], float]:
        rows = self.curves[(self.curves["kind"] == FLOOR) & (self.curves["rate"] == self.rate)]
        means = rows.groupby(["net", "variant", "estimator"], sort=False)["y"].mean()
        return dict(zip(means.index.tolist(), floats(means.to_frame(), "y").tolist(), strict=True))

    def floor(self, net: str, variant: str, quantity: str) -> float:
        """Return the null floor of a measure: of the curves, else what the ratio to it tells."""
        known = self._floors.get((net, variant, quantity))
        if known is not None:
            return known
        here = self.value(net, variant, quantity).estimate
        beside = self.value(net, variant, quantity, FLOOR)
        if beside.is_ratio:
            return here / beside.estimate if beside.estimate > 0.0 else math.nan
        return here - beside.estimate

    def way_steps(self) -> list[float]:
        """Return the steps at which the shift was measured."""
        words = {one.word for one in self.definitions}
        rows = self.curves[self.curves["estimator"].isin(words)
                           & self.curves["kind"].isin(("trajectory", FLOOR))]  # fmt: skip
        return [float(x) for x in rows["x"].drop_duplicates()]

    def way(
        self, net: str, variant: str, quantity: str, kind: str = "trajectory"
    ) -> tuple[Floats, Floats, Floats]:
        """Return steps, values and their standard errors on the way, over all layers.

        A mean over layers has no standard error: layers of one net are not independent. Floors are
        of the kind `FLOOR`.
        """
        rows = self.curves[(self.curves["kind"] == kind)
                           & (self.curves["estimator"] == quantity)
                           & (self.curves["net"] == net)
                           & (self.curves["variant"] == variant)
                           & (self.curves["rate"] == self.rate)
                           & (self.curves["against"] == "")]  # fmt: skip
        if (rows["layer"] == "").any():
            whole = rows[rows["layer"] == ""].sort_values("x", kind="stable")
            return floats(whole, "x"), floats(whole, "y"), floats(whole, "mcse")
        means = rows.assign(y=floats(rows, "y")).groupby("x", sort=True)["y"].mean()
        x = means.index.to_numpy(dtype=np.float64)
        y = means.to_numpy(dtype=np.float64)
        return x, y, np.full(len(y), np.nan)


def _held(frame: pd.DataFrame, name: str) -> list[str]:
    return [str(word) for word in frame[name].drop_duplicates() if str(word)]


def run_of(frame: pd.DataFrame, curves: pd.DataFrame, name: str = "", n: int = 0) -> Run:
    """Return what is shown of a run: one data set and one batch size, the first unless told."""
    frame, curves = with_factors(frame), with_factors(curves)
    names = [str(word) for word in frame["distribution"].drop_duplicates()]
    sizes = [int(size) for size in frame["batch_size"].drop_duplicates()]
    name, n = name or next(iter(names), ""), n or next(iter(sizes), 0)
    here, there = (
        table[(table["distribution"] == name) & (table["batch_size"] == n)]
        for table in (frame, curves)
    )
    return Run(here, there, name, names, n, sizes)


def net_name(net: str) -> str:
    """Return what a net is called.

    Examples
    --------
    >>> net_name("mlp"), net_name("conv")
    ('ReLU net', 'conv')
    """
    return NET_NAMES.get(net, net)


def variant_name(variant: str) -> str:
    """Return what a variant is called in figures.

    Examples
    --------
    >>> variant_name("bn")
    'with BN'
    """
    return VARIANT_NAMES.get(variant, variant)


def rate_name(rate: str) -> str:
    """Return what a learning rate is called.

    Examples
    --------
    >>> rate_name("best"), rate_name("0.1")
    ('own best rate', 'rate 0.1')
    """
    return "own best rate" if rate == BEST else f"rate {rate}"


def notes(run: Run) -> list[str]:
    """Return what a figure leaves out, in sentences."""
    found = []
    if len(run.names) > 1:
        found.append(f"The first of {len(run.names):,} data sets: {run.name}.")
    if len(run.sizes) > 1:
        found.append(f"The first of {len(run.sizes):,} batch sizes: {run.n:,}.")
    return found
