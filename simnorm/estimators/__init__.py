"""Batch statistics: functions of ``(sample, axis=-1)`` that know their population value.

Every estimator is a frozen dataclass that is called like a function; the plain names below
(`mean`, `biased_variance`, ...) are such values. A new one is one class and its word in
`ESTIMATORS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.estimators.base import Estimator
from simnorm.estimators.moments import (
    BiasedVariance,
    ExcessKurtosis,
    Mean,
    Shape,
    Skewness,
    Spread,
    Std,
    UnbiasedVariance,
)
from simnorm.estimators.order import (
    InterquartileRange,
    Maximum,
    Median,
    MedianAbsoluteDeviation,
    Minimum,
    OrderStatistic,
    Quantile,
    Range,
    RankSum,
    TrimmedMean,
    iqr,
    mad,
    maximum,
    median,
    minimum,
    quantile,
    trimmed_mean,
    value_range,
)
from simnorm.estimators.user import PREFIX, UserEstimator
from simnorm.grammar import parse_spec, read_spec

__all__ = [
    "ESTIMATORS",
    "BiasedVariance",
    "Estimator",
    "ExcessKurtosis",
    "InterquartileRange",
    "Maximum",
    "Mean",
    "Median",
    "MedianAbsoluteDeviation",
    "Minimum",
    "OrderStatistic",
    "Quantile",
    "Range",
    "RankSum",
    "Reference",
    "Shape",
    "Skewness",
    "Spread",
    "Std",
    "TrimmedMean",
    "UnbiasedVariance",
    "UserEstimator",
    "biased_variance",
    "estimator",
    "excess_kurtosis",
    "iqr",
    "mad",
    "maximum",
    "mean",
    "median",
    "minimum",
    "quantile",
    "relative_constant",
    "skewness",
    "std",
    "trimmed_mean",
    "unbiased_variance",
    "value_range",
]

mean = Mean()
biased_variance = BiasedVariance()
unbiased_variance = UnbiasedVariance()
std = Std()
skewness = Skewness()
excess_kurtosis = ExcessKurtosis()

ESTIMATORS: dict[str, type[Estimator]] = {
    kind.word: kind
    for kind in (
        Mean,
        BiasedVariance,
        UnbiasedVariance,
        Std,
        Minimum,
        Maximum,
        Range,
        Median,
        Quantile,
        MedianAbsoluteDeviation,
        InterquartileRange,
        TrimmedMean,
        Skewness,
        ExcessKurtosis,
    )
}

Reference = Literal["full_set", "population"]


def estimator(spec: str | Estimator | Callable[..., Any]) -> Estimator:
    """Return the estimator that a spec such as ``std(ddof=1)`` names, or that a function is.

    A spec ``user.NAME`` tells no function: what it returns cannot be called.

    Raises
    ------
    SimnormError
        If the word or a parameter is unknown, or the function takes no ``(sample, axis=-1)``.

    Examples
    --------
    >>> estimator("std(ddof=1)")([1.0, 3.0])
    array(1.41421356)
    >>> import numpy as np
    >>> str(estimator(np.ptp))
    'user.ptp'
    """
    if isinstance(spec, Estimator):
        return spec
    if isinstance(spec, str) and spec.strip().startswith(PREFIX):
        word, values = parse_spec(spec, "estimators")
        if values:
            raise SimnormError("estimators", spec, f"{word} has no parameters")
        return UserEstimator.absent(word.removeprefix(PREFIX))
    if callable(spec) and not isinstance(spec, type):
        return UserEstimator(spec)
    return read_spec(spec, ESTIMATORS, "estimators")


def relative_constant(kind: Estimator, law: Distribution) -> float:
    """Return what relative measures divide by: the population sd, or the population value.

    NaN or infinite where there is none. It is a constant of the law, never a full set's value.
    """
    value = law.std if kind.is_location else kind.population(law)
    return abs(value) if not math.isnan(value) else value
