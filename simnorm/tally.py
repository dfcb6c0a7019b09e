"""Mergeable sums of (A, Q), and the measures, standard errors and intervals made from them.

One replication contributes, for every cell, the mean error A and the mean squared error Q of its
batches. A tally holds count, means and centred second moments of (A, Q). Merging two tallies is
Chan, Golub and LeVeque's update; each keeps its means as offsets from a pivot of its own, because
the difference of two large block means would carry their rounding errors into the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.errors import SimnormError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MEASURES = ("bias", "variance", "mse", "rmse")
CONFIDENCE = 0.95

# Cells without moments hold NaN or infinities all the way; the ledger speaks in their rows. Used
# as a decorator, which makes a context of its own for every call and thread.
quietly = np.errstate(all="ignore")


@dataclass(frozen=True)
class Tally:
    """Sums over replications, for every cell at once.

    Parameters
    ----------
    count
        Number of replications, R, void ones among them.
    pivot
        Constants that the means are offsets from, shape (2, cells): of A and of Q.
    offset
        Means of A and Q less their pivots, shape (2, cells).
    scatter
        Centred sums of A A, A Q and Q Q, shape (3, cells).
    void
        Number of replications left out of every cell, shape (cells,); None if there are none.

    Examples
    --------
    >>> whole = Tally.of([[1.0, 2.0, 4.0]], [[1.0, 5.0, 17.0]])
    >>> parts = Tally.of([[1.0]], [[1.0]]).merge(Tally.of([[2.0, 4.0]], [[5.0, 17.0]]))
    >>> whole.mean[0], parts.mean[0]
    (array([2.33333333]), array([2.33333333]))
    """

    count: int
    pivot: Floats
    offset: Floats
    scatter: Floats
    void: Counts | None = None

    @classmethod
    @quietly
    def of(
        cls,
        mean_errors: ArrayLike,
        mean_squares: ArrayLike,
        may_fail: NDArray[np.bool_] | None = None,
    ) -> Tally:
        """Sum up replications, both arrays of shape (cells, replications).

        In the cells of the mask `may_fail` a replication whose A is NaN is void.
        """
        pairs = np.stack([np.asarray(mean_errors, float), np.asarray(mean_squares, float)])
        pivot = pairs[..., 0]
        shifted = pairs - pivot[..., np.newaxis]
        offset = shifted.mean(axis=-1)
        a, q = shifted - offset[..., np.newaxis]
        scatter = np.stack([(a * a).sum(axis=-1), (a * q).sum(axis=-1), (q * q).sum(axis=-1)])
        whole = cls(pairs.shape[-1], pivot, offset, scatter)
        if may_fail is None:
            return whole
        lost = np.isnan(pairs[0]) & may_fail[:, np.newaxis]
        return whole._without(pairs, lost) if lost.any() else whole

    def _without(self, pairs: Floats, lost: NDArray[np.bool_]) -> Tally:
        """Sum up again, of the replications that are left, the cells that have lost some."""
        pivot, offset, scatter = self.pivot.copy(), self.offset.copy(), self.scatter.copy()
        for cell in np.flatnonzero(lost.any(axis=-1)):
            pivot[:, cell], offset[:, cell], scatter[:, cell] = 0.0, 0.0, 0.0
            left = pairs[:, cell, ~lost[cell]]
            if left.size:
                part = Tally.of(left[:1], left[1:])
                pivot[:, cell], offset[:, cell] = part.pivot[:, 0], part.offset[:, 0]
                scatter[:, cell] = part.scatter[:, 0]
        return Tally(self.count, pivot, offset, scatter, lost.sum(axis=-1))

    @quietly
    def merge(self, other: Tally) -> Tally:
        """Return the tally of both sets of replications."""
        if self.void is not None or other.void is not None:
            return self._merge_each(other)
        count = self.count + other.count
        share = other.count / count
        delta = (other.pivot - self.pivot) + (other.offset - self.offset)
        a, q = delta
        between = np.stack([a * a, a * q, q * q]) * (self.count * share)
        return Tally(
            count,
            self.pivot,
            self.offset + delta * share,
            self.scatter + other.scatter + between,
        )

    def _merge_each(self, other: Tally) -> Tally:
        """Merge with numbers of replications that differ from cell to cell; otherwise the same."""
        mine, theirs = (t.used * np.ones(self.pivot.shape[1]) for t in (self, other))
        count = mine + theirs
        # A side without replications adds nothing, and lends nothing to lean on.
        share = theirs / np.maximum(count, 1.0)
        pivot, offset = (
            np.where(mine > 0.0, a, b)
            for a, b in ((self.pivot, other.pivot), (self.offset, other.offset))
        )
        delta = np.where(theirs > 0.0, (other.pivot - pivot) + (other.offset - offset), 0.0)
        a, q = delta
        between = np.stack([a * a, a * q, q * q]) * (mine * share)
        void = sum(0 if t.void is None else t.void for t in (self, other))
        return Tally(
            self.count + other.count,
            pivot,
            np.where(mine > 0.0, offset + delta * share, offset),
            self.scatter + other.scatter + between,
            np.asarray(void),
        )

    @property
    def used(self) -> int | Counts:
        """Replications that were summed up: one number, or one for every cell."""
        return self.count if self.void is None else self.count - self.void

    @property
    def mean(self) -> Floats:
        """Means of A and Q, shape (2, cells)."""
        return self.pivot + self.offset


class Measured(NamedTuple):
    """A measure of every cell with its Monte Carlo standard error and interval.

    All NaN where R is too small: one replication has no standard error, nor a variance.
    """

    estimate: Floats
    mcse: Floats
    ci_low: Floats
    ci_high: Floats


@quietly
def measure(tally: Tally, name: str) -> Measured:
    """Return bias, variance, mse or rmse of every cell.

    Notes
    -----
    bias = mean A with standard error sd(A)/sqrt(R); mse = mean Q with sd(Q)/sqrt(R); variance =
    mse - bias^2 + sd(A)^2/R, which is unbiased, with sd(Q - 2 bias A)/sqrt(R); rmse = sqrt(mse)
    with MCSE(mse)/(2 rmse). The influence values behind these are those of the delta method, by
    replication, because the errors of batches of one full set depend on each other.

    Examples
    --------
    Two replications by hand: A = 1, 3 and Q = 2, 10. The bias is 2 with error sd/sqrt(2) = 1; the
    variance is 6 - 4 + 2/2 = 3 with error sd(Q - 4 A)/sqrt(2) = sd(-2, -2)/sqrt(2) = 0.

    >>> tally = Tally.of([[1.0, 3.0]], [[2.0, 10.0]])
    >>> float(measure(tally, "bias").estimate[0]), float(measure(tally, "bias").mcse[0])
    (2.0, 1.0)
    >>> float(measure(tally, "variance").estimate[0]), float(measure(tally, "variance").mcse[0])
    (3.0, 0.0)
    """
    count = tally.used
    bias, mse = np.where(np.greater(count, 0), tally.mean, np.nan)
    # The squared standard errors of mean A, mean Q, and their covariance.
    divisor = np.where(np.greater(count, 1), count * (count - 1.0), np.nan)
    aa, aq, qq = tally.scatter / divisor
    if name == "bias":
        return interval(bias, np.sqrt(aa), count, logarithmic=False)
    if name == "mse":
        return interval(mse, np.sqrt(qq), count)
    if name == "rmse":
        rmse = np.sqrt(mse)
        mcse = np.where(rmse > 0.0, np.sqrt(qq) / (2.0 * rmse), np.sqrt(qq))
        return interval(rmse, mcse, count)
    if name == "variance":
        variance = np.maximum(mse - bias * bias + aa, 0.0)
        squared = qq - 4.0 * bias * aq + 4.0 * bias * bias * aa
        return interval(variance, np.sqrt(np.maximum(squared, 0.0)), count)
    raise SimnormError("measure", name, f"allowed are {', '.join(MEASURES)}")


def without_error(tally: Tally, name: str) -> Measured:
    """Return a measure of cells whose A and Q are the same in every replication.

    Examples
    --------
    >>> tally = Tally.of([[2.0]], [[5.0]])
    >>> float(without_error(tally, "variance").estimate[0])
    1.0
    """
    bias, mse = tally.mean
    variance = np.maximum(mse - bias * bias, 0.0)
    values = {"bias": bias, "mse": mse, "variance": variance, "rmse": np.sqrt(np.maximum(mse, 0.0))}
    return Measured(values[name], np.zeros_like(bias), values[name], values[name])


@quietly
def interval(
    estimate: Floats, mcse: Floats, count: int | Counts, *, logarithmic: bool = True
) -> Measured:
    """Add 95 % intervals by t quantiles; on the log scale for what cannot be negative."""
    half = t_quantile(count) * mcse
    if not logarithmic:
        return Measured(estimate, mcse, estimate - half, estimate + half)
    factor = np.where(half > 0.0, np.exp(half / estimate), 1.0)
    factor = np.where(np.isnan(half), np.nan, factor)
    return Measured(estimate, mcse, estimate / factor, estimate * factor)


def t_quantile(count: int | Counts) -> Floats:
    """Return the two-sided 95 % quantile of Student's t with R - 1 degrees of freedom."""
    from scipy.special import stdtrit

    degrees = np.where(np.greater(count, 1), count - 1.0, np.nan)
    return np.asarray(stdtrit(degrees, 0.5 + CONFIDENCE / 2.0))
