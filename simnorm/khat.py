"""The Pareto k-hat: how heavy the tail of what was drawn is, whatever is known of its law.

It finds what the ledger cannot: error bars that exist, but not yet at this number of replications.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# From so many replications on, a k-hat above the limit says that the standard error, an average of
# squares, is made by a few replications: the tail's variance would be infinite.
FEWEST_FOR_KHAT = 200
LARGEST_KHAT = 0.5
# Above this one it is near the limit, which reports show.
LARGEST_AMBER_KHAT = 0.3
# Of the largest of a tail, two values that differ by less are the same but for rounding.
SAME = 1e-12
# Rows fitted at a time, which stay in the cache.
KHAT_ROWS = 16


def pareto_khat(values: Floats) -> Floats:
    """Estimate the shape of the heavier tail: 1/k-hat is about the number of finite moments.

    Parameters
    ----------
    values
        Independent values along the last axis.

    Returns
    -------
    Floats
        The larger k-hat of both tails; NaN where a tail is constant, most of its largest values
        repeat, or they are not finite.

    Notes
    -----
    Zhang and Stephens' (2009) fit of a generalized Pareto law to the 3 sqrt(R) largest values,
    drawn towards 0.5 by a prior worth ten values (Vehtari et al., Pareto smoothed importance
    sampling).

    Examples
    --------
    >>> x = np.random.default_rng(0).pareto(1.0, size=20_000)
    >>> 0.9 < float(pareto_khat(x)) < 1.1
    True
    """
    values = np.asarray(values, dtype=np.float64)
    rows = np.sort(values.reshape(-1, values.shape[-1]), axis=-1)
    khats = np.empty(len(rows))
    for start in range(0, len(rows), KHAT_ROWS):
        rising = rows[start : start + KHAT_ROWS]
        khats[start : start + KHAT_ROWS] = np.fmax(
            _tail_khat(rising), _tail_khat(-rising[..., ::-1])
        )
    return khats.reshape(values.shape[:-1])


def _tail_khat(rising: Floats) -> Floats:
    """Return the k-hat of the upper tail of values that rise along the last axis."""
    count = rising.shape[-1]
    size = max(5, math.floor(3 * math.sqrt(count)) if count > 225 else count // 5)
    if count <= size:
        return np.full(rising.shape[:-1], np.nan)
    with np.errstate(all="ignore"):
        x = rising[..., -size:] - rising[..., -size - 1, np.newaxis]
        largest = x[..., -1:]
        quartile = x[..., math.floor(size / 4 + 0.5) - 1, np.newaxis]
        points = 30 + math.floor(math.sqrt(size))
        j = np.arange(1, points + 1)
        b = 1.0 / largest + (1.0 - np.sqrt(points / (j - 0.5))) / (3.0 * quartile)
        k = _mean_log(1.0 - b[..., np.newaxis] * x[..., np.newaxis, :])
        likelihood = size * (np.log(-b / k) - k - 1.0)
        weights = np.exp(likelihood - likelihood.max(axis=-1, keepdims=True))
        best = (b * weights).sum(axis=-1, keepdims=True) / weights.sum(axis=-1, keepdims=True)
        khat = (size * np.log1p(-best * x).mean(axis=-1) + 10.0 * 0.5) / (size + 10.0)
        # Ties reach into the tail of a discrete statistic, which has no Pareto shape; on a lattice,
        # as of rare counts, even most of the upper half of the tail repeat.
        upper = np.diff(x[..., size // 2 :], axis=-1)
        distinct = np.count_nonzero(upper > SAME * largest, axis=-1)
        judged = (quartile[..., 0] > 0.0) & (2 * distinct >= upper.shape[-1])
        return np.asarray(np.where(judged, khat, np.nan))


def _mean_log(values: Floats) -> Floats:
    """Return the mean logarithm along the last axis, by logarithms of products of four.

    The logarithms are most of the fit's time; the fourth powers of what is fitted are doubles.
    """
    size = values.shape[-1]
    part = size // 4
    fours = values[..., :part].copy()
    for i in (1, 2, 3):
        fours *= values[..., i * part : (i + 1) * part]
    rest = np.log(values[..., 4 * part :])
    return np.asarray((np.log(fours).sum(axis=-1) + rest.sum(axis=-1)) / size)


def influence_khat(
    mean_errors: Floats, mean_squares: Floats, void: NDArray[np.int64] | None = None
) -> dict[str, Floats]:
    """Return the k-hat of every measure's influence values, for all cells at once.

    Parameters
    ----------
    mean_errors, mean_squares
        A and Q of the kept replications, shape (cells, replications).
    void
        How many replications every cell has lost, whose A is NaN; None if none.
    """
    khats = _influence_khat(mean_errors, mean_squares)
    for cell in [] if void is None else np.flatnonzero(void):
        left = ~np.isnan(mean_errors[cell])
        part = _influence_khat(mean_errors[[cell]][:, left], mean_squares[[cell]][:, left])
        for name, values in part.items():
            khats[name][cell] = values[0]
    return khats


def _influence_khat(mean_errors: Floats, mean_squares: Floats) -> dict[str, Floats]:
    if mean_errors.shape[-1] < FEWEST_FOR_KHAT:
        cells = mean_errors.shape[0]
        return {name: np.full(cells, np.nan) for name in ("bias", "variance", "mse", "rmse")}
    with np.errstate(all="ignore"):
        bias = mean_errors.mean(axis=-1, keepdims=True)
        variance = pareto_khat(mean_squares - 2.0 * bias * mean_errors)
    mse = pareto_khat(mean_squares)
    bias_khat = pareto_khat(mean_errors)
    return {"bias": bias_khat, "variance": variance, "mse": mse, "rmse": mse.copy()}
