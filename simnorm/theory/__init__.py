"""Exact and asymptotic values of the measures, each saying which it is.

Means, variances and standard deviations have formulas (`moments`), sums of a few order statistics
are integrated numerically (`order`), the others have first-order approximations (`asymptotic`).
Of data, every one of these is a sum over the rows (`finite`, `finite_order`), or over all batches
there are (`enumeration`). Of some statistics the whole law is known (`laws`).
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.distributions import distribution as read_distribution
from simnorm.errors import SimnormError
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    Mean,
    MedianAbsoluteDeviation,
    RankSum,
    Shape,
    Std,
    TrimmedMean,
    relative_constant,
)
from simnorm.estimators import estimator as read_estimator
from simnorm.grammar import LARGEST_SIZE, whole_number
from simnorm.sampling import REPLACEMENT, SHUFFLE
from simnorm.theory.asymptotic import FEWEST_CUT, FEWEST_FOR_MAD, asymptotic_pair
from simnorm.theory.laws import law_of
from simnorm.theory.moments import Law, Pair, log_c4, moment_pair
from simnorm.theory.order import order_pair
from simnorm.theory.values import MEASURES, Value, values_of_pair

__all__ = [
    "MEASURES",
    "Law",
    "Value",
    "bias_of",
    "covariance_of_mean_and_variance",
    "coverage",
    "law_of",
    "log_c4",
    "measure_power",
    "mse_of",
    "of_distribution",
    "relative",
    "rmse_of",
    "value_of",
    "values_of",
    "values_of_pair",
    "variance_of",
]

Given = ParamSpec("Given")


def of_distribution(law: Distribution) -> Law:
    """Return what the formulas need of a law."""
    return Law(law.std, law.excess_kurtosis, law.is_normal, law.squares_kurtosis, law)


@functools.lru_cache(maxsize=2**15)
def _pair(kind: Estimator, n: int, full: int | None, law: Law) -> Pair | None:
    """Return bias and variance of the error, or None where there is no theory."""
    if n < kind.smallest_batch:
        return None
    if full is not None and n == full:
        return Pair(0.0, 0.0)
    pair, unit = _unit_pair(kind, n, full, law)
    if pair is None:
        return None
    return Pair(pair.bias * unit, pair.variance * unit * unit, pair.kind)


def _unit_pair(kind: Estimator, n: int, full: int | None, law: Law) -> tuple[Pair | None, float]:
    """Return bias and variance in a unit, and the unit."""
    scale = 1.0
    if law.distribution is not None:
        scale = law.distribution.scale
        if math.isfinite(law.sigma):
            scale *= law.sigma / law.distribution.std
    if isinstance(kind, RankSum):
        if law.distribution is None:
            return None, 1.0
        return order_pair(kind, n, full, law.distribution), scale
    pair = moment_pair(kind, n, full, law) if math.isfinite(law.sigma) else None
    if pair is not None:
        return pair, law.sigma**kind.power
    if isinstance(kind, TrimmedMean | MedianAbsoluteDeviation | Shape) and law.distribution:
        return asymptotic_pair(kind, n, full, law.distribution), scale**kind.power
    return None, 1.0


def values_of(kind: Estimator, n: int, full_size: int | None, law: Law) -> dict[str, Value]:
    """Return the theoretical values of all measures, without those that have none.

    Examples
    --------
    >>> from simnorm.estimators import biased_variance
    >>> values_of(biased_variance, 4, None, of_distribution(read_distribution("normal")))["bias"]
    -0.25
    """
    pair = _pair(kind, n, full_size, law)
    return {} if pair is None else values_of_pair(pair)


def value_of(
    measure: str, kind: Estimator, n: int, full_size: int | None, law: Law
) -> Value | None:
    """Return a measure's theoretical value, or None where there is none."""
    return values_of(kind, n, full_size, law).get(measure)


def _value(
    measure: str,
    estimator: str | Estimator,
    *,
    n: int,
    N: int | None = None,
    distribution: str | Distribution = "normal",
    sigma: float | None = None,
    excess_kurtosis: float | None = None,
    data: Any = None,
    sampling: str = SHUFFLE,
    exact: bool = False,
) -> Value:
    size = whole_number(n, "n", 1, LARGEST_SIZE)
    if data is not None:
        of_law: dict[str, object] = {"N": N, "sigma": sigma, "excess_kurtosis": excess_kurtosis}
        of_law |= {"distribution": None if distribution == "normal" else distribution}
        return _value_of_data(
            measure, read_estimator(estimator), size, data, sampling, exact, of_law
        )
    if sampling != SHUFFLE or exact:
        got, name = (sampling, "sampling") if sampling != SHUFFLE else (exact, "exact")
        raise SimnormError(name, got, "it says how batches come from data", "Give data too.")
    full = None if N is None else whole_number(N, "N", size, LARGEST_SIZE)
    statistic = read_estimator(estimator)
    law = of_distribution(read_distribution(distribution))
    if excess_kurtosis is not None:
        if not excess_kurtosis >= -2.0:
            raise SimnormError("excess_kurtosis", excess_kurtosis, "it is never below -2")
        # Moments alone do not make a law normal, whatever their values.
        law = Law(1.0, float(excess_kurtosis), is_normal=False)
    if sigma is not None:
        if not 0.0 < sigma < math.inf:
            raise SimnormError("sigma", sigma, "a finite number above 0 is needed")
        if not math.isfinite(law.sigma):
            raise SimnormError("sigma", sigma, f"{distribution} has no standard deviation to set")
        law = law._replace(sigma=float(sigma))
    value = value_of(measure, statistic, size, full, law)
    if value is None:
        whose = "these moments" if law.distribution is None else str(law.distribution)
        what = f"the {measure} of {statistic} at n = {size} for {whose}"
        raise SimnormError("theory", what, "no formula is known, or it does not exist")
    return value


def _value_of_data(
    measure: str,
    kind: Estimator,
    n: int,
    data: Any,
    sampling: str,
    exact: bool,
    of_law: Mapping[str, object],
) -> Value:
    from simnorm.theory.enumeration import enumerated_values
    from simnorm.theory.finite import finite_values

    for name, got in of_law.items():
        if got is not None:
            raise SimnormError(name, got, "it is about a law, and data are given", "Leave it out.")
    column = _column_of(data, n, sampling)
    if n < kind.smallest_batch:
        raise SimnormError("n", n, kind.too_small)
    found = finite_values(kind, n, column, sampling)
    if exact:
        every = enumerated_values(kind, n, column, sampling)
        if every is None:
            what = f"batches of {n} from {column.size:,} rows"
            raise SimnormError("exact", what, "there are more than 100,000 of them")
        found = every
    if measure not in found and not column.is_symmetric(kind):
        allowed = "it fails on these data, or depends on the order of their rows"
        raise SimnormError("theory", str(kind), allowed)
    if measure not in found:
        what = f"the {measure} of {kind} at n = {n} for these data"
        hint = "For few rows exact=True looks at all batches."
        raise SimnormError("theory", what, "no formula is known, or it does not exist", hint)
    return found[measure]


def _column_of(data: Any, n: int, sampling: str) -> Column:
    """Return one column of data; refuse batches that it does not have."""
    from simnorm.dataset import read_dataset

    found = read_dataset(data)
    if len(found.columns) != 1:
        raise SimnormError("data", f"{len(found.columns)} columns", "one column is needed")
    if sampling not in (SHUFFLE, REPLACEMENT):
        raise SimnormError("sampling", sampling, f"allowed are {SHUFFLE} and {REPLACEMENT}")
    if sampling == SHUFFLE and n > found.size:
        allowed = f"these data have {found.size:,} rows"
        raise SimnormError("n", n, allowed, "sampling='replacement' takes larger batches.")
    return Column(found.columns[0], found.values(found.columns)[:, 0])


def covariance_of_mean_and_variance(
    n: int,
    *,
    N: int | None = None,
    distribution: str | Distribution = "normal",
    data: Any = None,
    sampling: str = SHUFFLE,
) -> Value:
    """Return the covariance of the errors of a batch's mean and of its unbiased variance.

    Parameters
    ----------
    n, N, distribution, data, sampling
        As for `variance_of`.

    Returns
    -------
    Value
        Exact: kappa3/n for a law, kappa3 (1/n - 1/N) against a full set of it; K3 (1/n - 1/N) for
        data, K3 = N^2 M3/((N-1)(N-2)), and M3/n with replacement (kappa3 = E (x - mu)^3).

    Examples
    --------
    >>> covariance_of_mean_and_variance(4, distribution="exponential")
    0.5
    >>> covariance_of_mean_and_variance(4, N=8, distribution="exponential")
    0.25
    >>> round(covariance_of_mean_and_variance(2, data=[0.0, 1.0, 5.0]), 6)
    4.5
    """
    from simnorm.theory.finite import finite_covariance

    size = whole_number(n, "n", 2, LARGEST_SIZE)
    if data is not None:
        if N is not None or distribution != "normal":
            raise SimnormError("data", "data and a law", "one of them is needed")
        return Value(finite_covariance(size, _column_of(data, size, sampling), sampling), "exact")
    full = None if N is None else whole_number(N, "N", size, LARGEST_SIZE)
    law = read_distribution(distribution)
    third = law.skewness * law.std**3
    if not math.isfinite(third):
        raise SimnormError("distribution", str(law), "it has no third moment")
    return Value(third * (1.0 / size - (0.0 if full is None else 1.0 / full)), "exact")


def _of(
    value: Callable[Concatenate[str, Given], Value], measure: str, text: str
) -> Callable[Given, Value]:
    """Return `value` for one measure, as a function with a name, a signature and a text."""

    def of(*args: Given.args, **given: Given.kwargs) -> Value:
        return value(measure, *args, **given)

    signature = inspect.signature(value)
    parameters = list(signature.parameters.values())[1:]
    of.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    of.__annotations__ = {k: v for k, v in value.__annotations__.items() if k != "measure"}
    of.__name__ = of.__qualname__ = f"{measure}_of"
    summary, _, examples = text.partition("\n")
    of.__doc__ = f"{summary}\n{_PARAMETERS}{examples}"
    return of


_PARAMETERS = """
    Parameters
    ----------
    estimator
        Any estimator, e.g. ``mean``, ``std(ddof=1)`` or ``quantile(q=0.9)``.
    n
        Batch size.
    N
        Size of the full set that the batch is cut from and compared with. Left out, the
        comparison is with the population.
    distribution
        The law that the full set is drawn from.
    sigma
        Another standard deviation, in the unit of the data.
    excess_kurtosis
        Another excess kurtosis, of a law that need not be known (sigma = 1 unless given); for
        means, variances and standard deviations only.
    data
        Numbers of your own, shape (N,): the finite set that batches are drawn from, without a law.
    sampling
        Of data: ``shuffle``, without replacement, or ``replacement``.
    exact
        Of data: whether all batches are looked at, where there are 100,000 or fewer.

    Returns
    -------
    Value
        A float with a `kind`: ``exact``, or ``asymptotic`` where only a first-order approximation
        is known, which is given only where n is large enough.

    Raises
    ------
    SimnormError
        Where there is no formula or no such moment.
"""

bias_of = _of(
    _value,
    "bias",
    """Return the bias of a batch statistic.

    Examples
    --------
    >>> float(bias_of("biased_variance", n=4))
    -0.25
    """,
)
variance_of = _of(
    _value,
    "variance",
    """Return the variance of a batch statistic's error.

    Examples
    --------
    >>> round(variance_of("unbiased_variance", n=8, N=569, excess_kurtosis=3.1), 4)
    0.6642

    Of all pairs of one's own numbers:

    >>> round(variance_of("mean", n=2, data=[0.0, 1.0, 5.0]), 6)
    1.166667
    >>> round(variance_of("median", n=3, data=[3, 1, 4, 1, 5, 9], exact=True), 6)
    1.81
    """,
)
mse_of = _of(
    _value,
    "mse",
    """Return the mean squared error of a batch statistic.

    Examples
    --------
    For the normal law and n = 4, (2n - 1)/n^2.

    >>> float(mse_of("biased_variance", n=4))
    0.4375
    """,
)
rmse_of = _of(
    _value,
    "rmse",
    """Return the root mean squared error of a batch statistic.

    Examples
    --------
    >>> rmse_of("mean", n=16), rmse_of("mean", n=16).kind
    (0.25, 'exact')
    """,
)


def coverage(kind: Estimator) -> str:
    """Return in a few words what is known of an estimator's error.

    Examples
    --------
    >>> from simnorm.estimators import mad, median
    >>> coverage(median), coverage(mad)
    ('exact', 'asymptotic, from n = 64')
    """
    if isinstance(kind, Mean | BiasedVariance | RankSum):
        return "exact"
    if isinstance(kind, Std | Shape):
        return "exact for the normal law, else asymptotic for large n"
    if isinstance(kind, MedianAbsoluteDeviation):
        return f"asymptotic, from n = {FEWEST_FOR_MAD}"
    if isinstance(kind, TrimmedMean):
        return f"asymptotic, where {FEWEST_CUT} values or more are cut on each side"
    return "none"


def relative(value: Value | None, measure: str, kind: Estimator, law: Distribution) -> Value | None:
    """Return a measure's value divided by the relative constant, squared where the measure is."""
    if value is None:
        return None
    constant = relative_constant(kind, law)
    if not (math.isfinite(constant) and constant > 0.0):
        return None
    return Value(value / constant ** measure_power(measure), value.kind)


def measure_power(measure: str) -> int:
    """Return the power of the estimator's unit that a measure is in.

    Examples
    --------
    >>> measure_power("rmse"), measure_power("relative_variance")
    (1, 2)
    """
    return 2 if measure.removeprefix("relative_") in ("variance", "mse") else 1
