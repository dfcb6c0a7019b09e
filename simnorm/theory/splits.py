"""Parts of a running statistic's error, exact: its start, its divisor, its lag, and its noise.

Batches of one shuffled epoch are parts of a simple random sample of the full set. For weights w on
them, with Q = sum w^2 and P = (sum w)^2,

    Var(sum w mean)     = K2 (Q/n - P/N)
    Var(sum w s^2)      = K4 (Q/n - P/N) + 2 K22 (Q/(n - 1) - P/(N - 1))
    Cov of both         = K3 (Q/n - P/N)

since Cov(mean_i, mean_j) = -K2/N and likewise for s^2 (`finite` has the K). Epochs are independent
given the full set, so that Q and P are summed over epochs. For a law the K become its cumulants,
K22 sigma^4, and the full set's own error comes in addition. The variance is compared with the
biased variance of the full set, which a standard scaler divides by, or with that of the population.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.estimators import UnbiasedVariance
from simnorm.sampling import IID, REPLACEMENT
from simnorm.theory import of_distribution
from simnorm.theory.averages import (
    FULL_SET,
    POPULATION,
    Source,
    Stream,
    Sums,
    sums_of,
)
from simnorm.theory.finite import finite_covariance, unbiased_moments
from simnorm.theory.moments import Pair
from simnorm.theory.replacement import replacement_pair
from simnorm.theory.values import Value, values_of_pair

Floats = NDArray[np.float64]

# What is left of whole epochs, where all noise cancels, is rounding below this part of the terms.
ROUNDING = 1e-14


class Split(NamedTuple):
    """A running value's error in its parts: three biases and a variance.

    Parameters
    ----------
    start, divisor, drift
        Bias by what is left of the start, by the divisor of batch variances, and by the lag.
    noise
        Variance of the error.
    kind
        ``exact``.
    """

    start: float
    divisor: float
    drift: float
    noise: float
    kind: str = "exact"

    @property
    def bias(self) -> float:
        """The mean error."""
        return self.start + self.divisor + self.drift

    @property
    def mse(self) -> float:
        """The mean squared error."""
        return self.bias * self.bias + self.noise

    @property
    def rmse(self) -> float:
        """Its root."""
        return math.sqrt(self.mse)

    @property
    def values(self) -> dict[str, Value]:
        """Values of all measures, without those that are infinite or do not exist."""
        return values_of_pair(Pair(self.bias, self.noise, self.kind))


class Noise(NamedTuple):
    """Second moments of an error as a form in the sums of the weights.

    It is of_squares Q - of_epochs P + of_whole (a W - b)(c W - d): within epochs, and of the full
    set itself, W being the sum of the weights.
    """

    of_squares: float
    of_epochs: float
    of_whole: float
    first: tuple[float, float]
    second: tuple[float, float]

    def __call__(self, sums: Sums) -> Floats:
        """Return the second moment, without what is left of it by rounding."""
        if not math.isfinite(self.of_squares):
            return np.full_like(sums.squares, self.of_squares)
        positive = self.of_squares * sums.squares
        inside = positive - self.of_epochs * sums.epochs
        inside = np.where(np.abs(inside) > ROUNDING * np.abs(positive), inside, 0.0 * inside)
        (a, b), (c, d) = self.first, self.second
        return np.asarray(inside + self.of_whole * (a * sums.total - b) * (c * sums.total - d))


class Model(NamedTuple):
    """What is known of the batches of a source before the weights.

    Parameters
    ----------
    mean, variance
        Means of the reference's mean and variance.
    batch_variance
        Mean of a batch's variance, with the divisor that is kept.
    of_mean, of_variance, of_both
        Variances of the errors, and their covariance; None where there is none.
    """

    mean: float
    variance: float
    batch_variance: float
    of_mean: Noise
    of_variance: Noise
    of_both: Noise


def model_of(stream: Stream, source: Source) -> Model | None:
    """Return what is known of the batches, None where they have no mean or no variance."""
    stream = stream.of(source)
    if isinstance(source, Column):
        return _column_model(stream, source)
    if not math.isfinite(source.std):
        return None
    return _iid_model(stream, source) if stream.sampling == IID else _full_model(stream, source)


def _shrunk(stream: Stream) -> float:
    """Return what the kept variance is of the unbiased one; NaN for one value without any."""
    n = stream.batch_size
    if stream.ddof:
        return 1.0 if n > 1 else math.nan
    return (n - 1.0) / n


def _spread(n: float, fourth: float, square: float) -> float:
    """Return K4/n + 2 K22/(n - 1), 0 for n = 1, where the variance is one number."""
    return fourth / n + 2.0 * square / (n - 1.0) if n > 1 else 0.0


def _iid_model(stream: Stream, law: Distribution) -> Model:
    n, a, square = stream.batch_size, _shrunk(stream), law.variance
    none = (0.0, 0.0)
    fourth = law.excess_kurtosis * square * square
    third = law.skewness * law.std**3
    return Model(
        law.mean,
        square,
        a * square,
        Noise(square / n, 0.0, 0.0, none, none),
        Noise(a * a * _spread(n, fourth, square * square), 0.0, 0.0, none, none),
        Noise(a * third / n, 0.0, 0.0, none, none),
    )


def _full_model(stream: Stream, law: Distribution) -> Model:
    """Return the model of batches from a full set that a law gave.

    Given the full set the means are linear in its mean and in its unbiased variance S^2, so that
    its own error comes in with Var(mean) = sigma^2/N, Var(S^2) = V(N) and Cov = kappa3/N.
    """
    assert stream.full_size is not None
    n, N, a, square = stream.batch_size, stream.full_size, _shrunk(stream), law.variance
    c = (N - 1.0) / N
    against = 1.0 if stream.reference == FULL_SET else 0.0
    fourth = law.excess_kurtosis * square * square
    third = law.skewness * law.std**3
    whole = _spread(N, fourth, square * square)
    replaced = stream.sampling == REPLACEMENT
    # Coefficient of S^2 in the mean of a batch's variance: with replacement that of M2.
    part = a * c if replaced else a
    if replaced:
        of_mean, of_variance, of_both = (
            (c * square / n, 0.0),
            (_replaced_spread(n, N, law) - c * c * whole if n > 1 else 0.0, 0.0),
            (c * (1.0 - 2.0 / N) * third / n, 0.0),
        )
    else:
        of_mean = square / n, square / N
        of_variance = _spread(n, fourth, square * square), whole
        of_both = third / n, third / N
    own, other = (1.0, against), (part, c * against)
    return Model(
        law.mean,
        c * square if against else square,
        part * square,
        Noise(*of_mean, square / N, own, own),
        Noise(a * a * of_variance[0], a * a * of_variance[1], whole, other, other),
        Noise(a * of_both[0], a * of_both[1], third / N, own, other),
    )


def _replaced_spread(n: int, N: int, law: Distribution) -> float:
    """Return the variance of a batch's unbiased variance, full set included."""
    pair = replacement_pair(UnbiasedVariance(), n, N, POPULATION, of_distribution(law))
    return math.nan if pair is None else pair.variance


def _column_model(stream: Stream, column: Column) -> Model:
    n, N, a, square = stream.batch_size, column.size, _shrunk(stream), column.variance
    replaced, one = stream.sampling == REPLACEMENT, stream.per_epoch == 1
    K2 = square if replaced else square * N / (N - 1.0)
    of_variance = _column_spread(n, column, replaced=replaced, one=one)
    third = finite_covariance(1, column, REPLACEMENT) if replaced else _third(column)
    none, last = (0.0, 0.0), 0.0 if replaced else 1.0 / N
    return Model(
        column.mean,
        square,
        a * K2,
        Noise(K2 / n, K2 * last, 0.0, none, none),
        Noise(a * a * of_variance[0], a * a * of_variance[1], 0.0, none, none),
        Noise(a * third / n, a * third * last, 0.0, none, none),
    )


def _third(column: Column) -> float:
    """Return K3, from its part in the covariance of a single row."""
    return finite_covariance(1, column) / (1.0 - 1.0 / column.size)


def _column_spread(n: int, column: Column, *, replaced: bool, one: bool) -> tuple[float, float]:
    """Return what Q and P are multiplied with in the variance of s^2, in the unit of the data."""
    N, unit = column.size, column.variance**2
    if n == 1:
        return 0.0, 0.0  # no variance, or one that is always 0
    if replaced or one:
        # With one batch an epoch Q and P are the same; so it is with fewer rows than four.
        whole = n == N and not replaced
        return 0.0 if whole else unbiased_moments(n, column, replaced=replaced)[1] * unit, 0.0
    # Var of the unbiased variance of m rows is K4/m + 2 K22/(m - 1) less that of all N.
    K4, K22 = polykays(column)
    return _spread(n, K4, K22) * unit, _spread(N, K4, K22) * unit


def polykays(column: Column) -> tuple[float, float]:
    """Return K4 and K22 for a column of at least four rows, with M2 = 1.

    Examples
    --------
    >>> polykays(Column("x", np.array([-1.0, -1.0, 1.0, 1.0])))
    (-10.6..., 2.6...)
    """
    N, m4 = column.size, column.moments[4]
    below = (N - 1.0) * (N - 2.0) * (N - 3.0)
    K4 = N * N * ((N + 1.0) * m4 - 3.0 * (N - 1.0)) / below
    return K4, N * ((N * N - 3.0 * N + 3.0) - (N - 1.0) * m4) / below


def running_mean_split(stream: Stream, source: Source) -> Split | None:
    """Return the parts of the error of a running mean.

    Parameters
    ----------
    stream
        Batches, weights, reference.
    source
        A law, or a column of data.

    Returns
    -------
    Split or None
        Exact; None where the law has no variance.

    Examples
    --------
    Batches of four, PyTorch's momentum, in the end: 1/19 of sigma^2/4.

    >>> from simnorm.distributions import distribution
    >>> stream = Stream(4, 1000, momentum=0.9, sampling="iid")
    >>> round(1 / running_mean_split(stream, distribution("normal")).noise, 6)
    76.0
    """
    model = model_of(stream, source)
    return None if model is None else _mean_split(model, stream, sums_of(stream.of(source)))


def _mean_split(model: Model, stream: Stream, sums: Sums) -> Split:
    reference = model.mean + stream.drift * stream.steps
    return Split(
        float(sums.start) * (stream.start_mean - reference),
        0.0,
        -stream.drift * float(sums.lag),
        float(model.of_mean(sums)),
    )


def running_variance_split(stream: Stream, source: Source) -> Split | None:
    """Return the parts of the error of a running variance, against a biased variance.

    Parameters
    ----------
    stream, source
        As for `running_mean_split`.

    Returns
    -------
    Split or None
        Exact; the noise is infinite or NaN where the law has no fourth moment. None where it has no
        variance, and for batches of one with the divisor n - 1.

    Examples
    --------
    Keras keeps variances with divisor n: for batches of four a quarter is lost for ever.

    >>> from simnorm.distributions import distribution
    >>> stream = Stream(4, 5000, momentum=0.99, sampling="iid")
    >>> split = running_variance_split(stream, distribution("normal(scale=2)"))
    >>> round(split.divisor, 9), round(split.noise * 199, 6)
    (-1.0, 6.0)
    """
    model = model_of(stream, source)
    if model is None or math.isnan(model.batch_variance):
        return None
    return _variance_split(model, stream, sums_of(stream.of(source)))


def _variance_split(model: Model, stream: Stream, sums: Sums) -> Split:
    return Split(
        float(sums.start) * (stream.start_variance - model.variance),
        float(sums.total) * (model.batch_variance - model.variance),
        0.0,
        float(model.of_variance(sums)),
    )


def running_covariance(stream: Stream, source: Source) -> float | None:
    """Return the covariance of the errors of running mean and running variance.

    Parameters
    ----------
    stream, source
        As for `running_mean_split`.

    Returns
    -------
    float or None
        Exact; None where there is no third moment or no running variance.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> stream = Stream(2, 1, momentum=0.0, ddof=1, sampling="iid")
    >>> running_covariance(stream, distribution("exponential"))
    1.0
    """
    model = model_of(stream, source)
    if model is None:
        return None
    found = float(model.of_both(sums_of(stream.of(source))))
    return found if math.isfinite(found) else None
