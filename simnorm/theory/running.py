"""Exact and first-order theory of running statistics, by batch size, momentum and steps.

Which weights batches have stands in `averages`, the parts of the error of a running mean and a
running variance in `splits`, what they do to a normalized value, and how many steps or batches are
enough, in `inference`. All of it can be had here.
"""

from __future__ import annotations

import dataclasses

from simnorm.theory.averages import (
    Source,
    Stream,
    Sums,
    effective_batches,
    sums_by_step,
    sums_in_the_end,
    sums_of,
    weights,
)
from simnorm.theory.inference import (
    batches_for,
    inference_curve,
    inference_floor,
    inference_mse,
    momentum_for,
    pooled,
    steps_until,
)
from simnorm.theory.splits import (
    Split,
    running_covariance,
    running_mean_split,
    running_variance_split,
)
from simnorm.theory.values import Value

__all__ = [
    "Source",
    "Split",
    "Stream",
    "Sums",
    "batches_for",
    "effective_batches",
    "inference_curve",
    "inference_floor",
    "inference_mse",
    "momentum_for",
    "pooled",
    "precise_inference_mse",
    "precise_mean_split",
    "precise_variance_split",
    "running_covariance",
    "running_mean_split",
    "running_variance_split",
    "steps_until",
    "sums_by_step",
    "sums_in_the_end",
    "sums_of",
    "weights",
]


def precise_mean_split(stream: Stream, source: Source) -> Split | None:
    """Return the parts of the error of the mean of T batches (PreciseBN).

    Parameters
    ----------
    stream
        T batches of n; momentum, divisor and start do not matter.
    source
        A law, or a column of data.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> stream = Stream(4, 25, sampling="iid")
    >>> precise_mean_split(stream, distribution("normal")).noise
    0.01
    """
    return running_mean_split(pooled(stream.of(source)), source)


def precise_variance_split(stream: Stream, source: Source) -> Split | None:
    """Return the parts of the error of the pooled variance of T batches (PreciseBN).

    Parameters
    ----------
    stream, source
        As for `precise_mean_split`.

    Returns
    -------
    Split or None
        Exact, of the biased variance of all T n values. The mean of the T variances, with divisor
        n - 1 or n, is what `running_variance_split` gives for a momentum of None.

    Examples
    --------
    In batches of two it is worth nearly twice the mean of unbiased variances.

    >>> from simnorm.distributions import distribution
    >>> law, stream = distribution("normal"), Stream(2, 500, momentum=None, ddof=1, sampling="iid")
    >>> round(precise_variance_split(stream, law).mse, 6)
    0.001999
    >>> running_variance_split(stream, law).mse
    0.004
    """
    return running_variance_split(pooled(stream.of(source)), source)


def precise_inference_mse(stream: Stream, source: Source, epsilon: float = 0.0) -> Value | None:
    """Return the mean squared error of inference with the pooled statistics of T batches.

    Parameters
    ----------
    stream, source
        As for `precise_mean_split`.
    epsilon
        At least 0, in the squared unit of the data.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> stream = Stream(32, 469, sampling="iid")
    >>> round(precise_inference_mse(stream, distribution("normal")) ** 0.5, 5)
    0.01
    """
    full = dataclasses.replace(stream.of(source), drift=0.0)
    return inference_mse(pooled(full), source, epsilon)
