"""Oracles of kind Z: estimates against exact values, in standard errors from an engine of our own.

The other engine is twenty lines of plain numpy and shares nothing with the package. It gives the
standard errors, so that a package whose own ones are too large cannot hide behind them, and so
that these can be tested too. One false alarm in a million runs of each oracle, were the seeds not
fixed: Sidak over its cells. Standard errors from 40,000 replications are good to some per cent.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from mutants.exact import Floats, own_value
from mutants.runs import ROWS, table
from simnorm import rows as row_orders
from simnorm import streams

ALARM = 1e-6
OWN = 40_000
REPLICATIONS = 16_384
WORDS = ("mean", "biased_variance", "unbiased_variance", "std(ddof=1)", "median")
N, SIZES = 16, (2, 4, 5, 8)
LAWS: dict[str, tuple[Callable[..., Floats], float, float, float]] = {
    # How numpy draws it, mean, sd, excess kurtosis.
    "normal": (np.random.Generator.standard_normal, 0.0, 1.0, 0.0),
    "exponential": (np.random.Generator.standard_exponential, 1.0, 1.0, 6.0),
    "uniform": (np.random.Generator.random, 0.5, math.sqrt(1 / 12), -1.2),
}
OF_ROWS = ("mean", "biased_variance", "unbiased_variance", "std(ddof=1)", "quantile(q=0.1)",
           "quantile(q=0.9)", "median")  # fmt: skip
ROW_SIZES = (2, 5, 6)


class Moments(NamedTuple):
    """Of one replication: sd of A, Q and Q - 2 b A, and the truth as the other engine has it."""

    sd: dict[str, float]
    kurtosis: dict[str, float]
    bias: float
    mse: float


def bound(questions: int) -> float:
    """Return the |z| that so many independent z all stay below, but for ALARM."""
    each = 1.0 - (1.0 - ALARM) ** (1.0 / questions)
    return -float(ndtri(each / 2.0))


def _moments(errors: Floats) -> Moments:
    """Return what errors, shape (replications, batches), come to."""
    A, Q = errors.mean(axis=-1), (errors**2).mean(axis=-1)
    influence = {"bias": A, "mse": Q, "variance": Q - 2.0 * A.mean() * A}
    sd = {name: float(values.std()) for name, values in influence.items()}
    kurtosis = {}
    for name, values in influence.items():
        centred = (values - values.mean()) ** 2
        kurtosis[name] = float((centred**2).mean() / max(centred.mean() ** 2, 1e-300))
    return Moments(sd, kurtosis, float(A.mean()), float(Q.mean()))


def _cut(drawn: Floats, n: int) -> Floats:
    k = drawn.shape[1] // n
    return np.stack([drawn[:, i * n : (i + 1) * n] for i in range(k)], axis=1)


@functools.cache
def own_moments(law: str, word: str, n: int, reference: str) -> Moments:
    """Return what the other engine finds for a cell of a law."""
    drawn = LAWS[law][0](_generator(law), (OWN, N))
    if reference == "full_set":
        whole = own_value(word, drawn)[:, np.newaxis]
    else:
        whole = own_population(law, word)
    return _moments(own_value(word, _cut(drawn, n)) - whole)


@functools.cache
def own_rows(word: str, n: int, scheme: str) -> Moments:
    """Return the same for the rows of the data."""
    rng = _generator(scheme)
    if scheme == "replacement":
        order = rng.integers(len(ROWS), size=(OWN, len(ROWS)))
    else:
        order = rng.random((OWN, len(ROWS))).argsort(axis=-1)
    return _moments(own_value(word, _cut(ROWS[order], n)) - own_value(word, ROWS))


def _generator(word: str) -> np.random.Generator:
    return np.random.default_rng([len(word), *word.encode()])


def own_population(law: str, word: str) -> float:
    _, mean, sd, _ = LAWS[law]
    medians = {"normal": 0.0, "exponential": math.log(2.0), "uniform": 0.5}
    values = {"mean": mean, "std(ddof=1)": sd, "median": medians[law]}
    return values.get(word, sd * sd)


def own_theory(law: str, word: str, n: int, reference: str) -> tuple[float, float] | None:
    """Return bias and variance by the formulas on paper, where there are any."""
    _, _, sd, g = LAWS[law]
    full = reference == "full_set"

    def spread(m: int) -> float:
        return sd**4 * (g / m + 2.0 / (m - 1.0))

    if word == "mean":
        return 0.0, sd * sd * (1.0 / n - (1.0 / N if full else 0.0))
    if word == "unbiased_variance":
        return 0.0, spread(n) - (spread(N) if full else 0.0)
    if word == "biased_variance":
        a, c = (n - 1.0) / n, (N - 1.0) / N
        if not full:
            return -sd * sd / n, a * a * spread(n)
        between = a - c
        return between * sd * sd, a * a * (spread(n) - spread(N)) + between**2 * spread(N)
    return None


def _asked(frame: pd.DataFrame) -> Iterator[tuple[tuple[str, str, int, str], pd.DataFrame]]:
    keys = ["distribution", "estimator", "batch_size", "reference"]
    for key, part in frame.groupby(keys):
        yield key, part.set_index("measure")  # type: ignore[misc]


@functools.cache
def row_truth(word: str, n: int, scheme: str) -> tuple[float, float]:
    """Return bias and mean square over all batches of the rows."""
    choose = itertools.combinations if scheme == "shuffle" else itertools.product
    places = range(len(ROWS))
    if scheme == "replacement":
        if n > 2:
            found = own_rows(word, n, scheme)
            return found.bias, found.mse
        batches = np.array(list(choose(places, repeat=n)))  # type: ignore[call-arg]
    else:
        batches = np.array(list(choose(places, n)))
    errors = own_value(word, ROWS[batches]) - own_value(word, ROWS)
    return float(errors.mean()), float((errors**2).mean())


def against_laws() -> str:
    """Bias, variance and mean square of batches of 16 draws of three laws are what theory says.

    Where paper has no formula, the other engine's own estimate stands in, with its error.
    """
    frame = table(
        [*LAWS], full_size=N, batch_sizes=SIZES, estimators=WORDS, replications=REPLICATIONS, seed=3
    )
    found = []
    for (law, word, n, reference), part in _asked(frame):
        own, exact = own_moments(law, word, n, reference), own_theory(law, word, n, reference)
        bias, variance = exact or (own.bias, own.mse - own.bias**2)
        values = {"bias": bias, "variance": variance, "mse": variance + bias * bias}
        for name, value in values.items():
            squared = own.sd[name] ** 2 * (1.0 / REPLICATIONS + (0.0 if exact else 1.0 / OWN))
            gap = float(part.loc[name, "estimate"]) - value
            # Mean errors that vanish identically are no question of chance.
            if own.sd[name] > 1e-9:
                found.append((abs(gap) / math.sqrt(squared), law, word, n, reference, name))
    return _worst(found)


def against_rows() -> str:
    """The same of batches of twelve rows, against all batches there are, in two schemes."""
    frame = table(
        data={"x": ROWS}, batch_sizes=ROW_SIZES, estimators=OF_ROWS, replications=REPLICATIONS,
        sampling="shuffle,replacement", compiled=True, seed=4,
    )  # fmt: skip
    found = []
    for (scheme, word, n), part in frame.groupby(["sampling", "estimator", "batch_size"]):
        own, (bias, mse) = own_rows(word, n, scheme), row_truth(word, n, scheme)
        counted = scheme == "shuffle" or n == 2
        estimates = part.set_index("measure")["estimate"]
        for name, value in (("bias", bias), ("variance", mse - bias * bias), ("mse", mse)):
            squared = own.sd[name] ** 2 * (1.0 / REPLICATIONS + (0.0 if counted else 1.0 / OWN))
            gap = float(estimates[name]) - value
            if own.sd[name] > 1e-9:
                found.append((abs(gap) / math.sqrt(squared), scheme, word, n, name))
    return _worst(found)


def _worst(found: list[tuple[object, ...]]) -> str:
    worst = max(found, key=lambda one: one[0])  # type: ignore[arg-type,return-value]
    limit = bound(len(found))
    assert worst[0] < limit, f"{worst} is above {limit:.2f}"  # type: ignore[operator]
    return f"{len(found)} z, the largest {worst[0]:.1f} below {limit:.1f}"


def reported_z() -> str:
    """The z of the table stay below their bound, and are neither too small nor too large.

    They share draws: their root mean square is that of a hundred independent ones or so, 1 +- 7 %.
    """
    frame = pd.concat(
        table(
            [*LAWS], full_size=N, batch_sizes=SIZES, replications=2048, seed=seed,
            estimators="mean,biased_variance,unbiased_variance,std(ddof=1)",
        )
        for seed in range(4)
    )  # fmt: skip
    rows = table(data={"x": ROWS}, batch_sizes=ROW_SIZES, replications=4096, compiled=True,
                 estimators="mean,biased_variance,unbiased_variance,median", seed=6)  # fmt: skip
    again = table(["exponential"], full_size=N, batch_sizes=[2, 8, 20], replications=16_384,
                  sampling="replacement", estimators="mean,biased_variance,unbiased_variance",
                  seed=5)  # fmt: skip
    z = pd.concat([frame, rows, again])["z"].dropna()
    assert len(z) > 700
    rms = math.sqrt(float((z**2).mean()))
    assert 0.7 < rms < 1.35, rms
    assert float(z.abs().max()) < bound(len(z)), float(z.abs().max())
    return f"{len(z)} z, rms {rms:.2f}"


def reported_errors() -> str:
    """Standard errors in the table are those of the other engine, up to the noise of both.

    The relative error of a standard error is sqrt((kurtosis - 1)/R)/2 of the influence values.
    """
    frame = table(
        [*LAWS], full_size=N, batch_sizes=SIZES, replications=REPLICATIONS, seed=7,
        estimators="mean,unbiased_variance,biased_variance",
    )  # fmt: skip
    found = []
    for (law, word, n, reference), part in _asked(frame):
        own = own_moments(law, word, n, reference)
        for name in ("bias", "variance", "mse"):
            exact = own.sd[name] / math.sqrt(REPLICATIONS)
            if exact < 1e-9 or not np.isfinite(part.loc[name, "mcse"]):
                continue
            noise = 0.5 * math.sqrt((own.kurtosis[name] - 1.0) * (1 / REPLICATIONS + 1 / OWN))
            ratio = float(part.loc[name, "mcse"]) / exact
            found.append((abs(ratio - 1.0) / noise, law, word, n, reference, name))
    return _worst(found)


def fair_orders() -> str:
    """Every one of the 24 orders of four rows is as likely, and every row of five drawn again.

    Chi-square with 23 degrees stays below 81, and with 4 below 34, but for one run in a million.
    """
    lanes = 48_000
    orders = row_orders.shuffle_rows(streams.block_stream(0, "rows", 4, "shuffle", 0), lanes, 4)
    _, counts = np.unique(orders @ np.array([64, 16, 4, 1]), return_counts=True)
    assert len(counts) == 24, len(counts)
    chi = float(((counts - lanes / 24) ** 2).sum() / (lanes / 24))
    assert chi < 81.0, chi
    drawn = row_orders.choose_rows(
        streams.block_stream(0, "rows", 5, "replacement", 0, 3), 5, lanes, 3
    )
    counts = np.bincount(drawn.ravel(), minlength=5)
    expected = 3 * lanes / 5
    again = float(((counts - expected) ** 2).sum() / expected)
    assert again < 34.0, again
    return f"chi-square {chi:.1f} and {again:.1f}"
