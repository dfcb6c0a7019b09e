"""Order statistics of batches from a finite set: exact laws of ranks, one or two at a time.

With x_(1) <= ... <= x_(N) the values of the set, a batch of n drawn without replacement has

    P(r-th of the batch is the i-th of the set) = C(i-1, r-1) C(N-i, n-r) / C(N, n)
    P(r-th is the i-th, s-th is the j-th)
        = C(i-1, r-1) C(j-i-1, s-r-1) C(N-j, n-s) / C(N, n),   i < j,  r < s,

by counting (e.g. David and Nagaraja, Order Statistics, ch. 2). An error is a sum of order
statistics with weights w, each less a value c_r of the whole set. With e_r = x_r - c_r and W the
sum of the weights, 1 for a location and 0 for a spread, its mean square is

    W sum_r w_r E e_r^2 - sum_{r<s} w_r w_s E (e_s - e_r)^2,

so that single ranks and squared gaps between two are all that is needed. The joint law of two
ranks is a product of three factors, of i, of j - i and of j: the sum over all pairs is a
correlation, by fast Fourier transform. Each factor is tilted by a power of t = 1 - n/N, with the
powers adding up to none, which puts all three of their peaks where the product has its own.

A transform rounds to the size of its largest terms, which a sentinel of -999999999 makes larger
than all that is asked for. Pairs with one of the outermost values are then added up one by one;
what has still lost its digits has no theory.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import betainc, gammaln

from simnorm.columns import Column
from simnorm.estimators import RankSum

Floats = NDArray[np.float64]

# So much of a mean squared gap may be lost in transforms, by an estimate from norms.
LARGEST_LOSS = 1e-8
# So many values on each side, or so many pairs where that is more, are added up one by one.
OUTERMOST = 64
OUTER_PAIRS = 6_400_000


def order_moments(
    kind: RankSum, n: int, column: Column, *, replaced: bool
) -> tuple[float, float] | None:
    """Return mean and mean square of a batch's error against the column, in its sd.

    None where the joint law of two ranks has no such form: two ranks with others between them, but
    not the first and the last, of a batch drawn with replacement. None too where outliers leave
    too few digits of a mean squared gap.
    """
    # Of the values themselves: z-scores have the digits of the mean, which an outlier takes along.
    x = (column.rising - column.rising[column.size // 2]) / column.unit
    ranks = [rank for rank, _ in kind.weights(n)]
    weights = np.array([weight for _, weight in kind.weights(n)])
    # About the full-set value, what is left are the digits of the errors.
    wholes = np.array([_whole_of(kind, x, weight) for weight in weights])
    is_location = bool(abs(weights.sum() - 1.0) < 0.5)
    if not is_location:
        # Of three, both quartiles have a part of the middle one, which cancels: what is left over
        # of the full-set spread goes half to either end.
        spread = sum(w * x[rank - 1] for rank, w in kind.weights(len(x)))
        missing = (spread - weights @ wholes) / np.abs(weights).sum()
        wholes += np.where(weights > 0.0, missing, -missing)
    gaps = 0.0
    for a, b in itertools.combinations(range(len(ranks)), 2):
        lower, upper = x - wholes[a], x - wholes[b]
        gap = _mean_gap(lower, upper, (ranks[a], ranks[b]), n, replaced=replaced)
        if gap is None:
            return None
        gaps += weights[a] * weights[b] * gap
    mean = square = 0.0
    for rank, weight, whole in zip(ranks, weights, wholes, strict=True):
        law, error = rank_law(rank, n, len(x), replaced=replaced), x - whole
        mean += float(weight * (law * error).sum())
        square += float(weight * (law * error * error).sum())
    return mean, float((square if is_location else 0.0) - gaps)


@functools.lru_cache(maxsize=64)
def rank_law(rank: int, n: int, size: int, *, replaced: bool) -> Floats:
    """Return the probabilities that the r-th of a batch is the 1st, 2nd, ... of the set.

    Examples
    --------
    The smaller of two of three: the first in two of three pairs.

    >>> rank_law(1, 2, 3, replaced=False).round(4)
    array([0.6667, 0.3333, 0.    ])
    """
    if replaced:
        return _replaced_law(rank, n, size)
    first, last = rank, size - n + rank
    places = np.arange(first, last, dtype=np.float64)
    ratios = np.log(places) - np.log(places - rank + 1.0)
    ratios += np.log(size - places - n + rank) - np.log(size - places)
    # Added up outward from the largest, so that what counts has few terms.
    peak = int(np.searchsorted(-ratios, 0.0))
    up = np.cumsum(ratios[peak:])
    down = np.cumsum(-ratios[:peak][::-1])[::-1]
    law = np.exp(np.concatenate([down, [0.0], up]))
    found = np.zeros(size)
    found[first - 1 : last] = law / law.sum()
    return found


def _replaced_law(rank: int, n: int, size: int) -> Floats:
    """Return the law for draws with replacement: P(r-th <= i-th) is a binomial tail."""
    steps = np.arange(size + 1) / size
    below = betainc(rank, n - rank + 1.0, steps)
    above = betainc(n - rank + 1.0, rank, 1.0 - steps)
    # Differences of the smaller of the two tails keep their digits.
    lower, upper = np.diff(below), -np.diff(above)
    return np.where(below[1:] < 0.5, lower, upper)


class _Joint(NamedTuple):
    """The joint law of two ranks: factors of i, j - i and j, the middle one transformed too."""

    of_first: Floats
    of_gap: Floats
    gap_norm: float
    of_second: Floats
    transformed: NDArray[np.complex128]
    total: float
    length: int


def _mean_gap(
    lower: Floats, upper: Floats, ranks: tuple[int, int], n: int, *, replaced: bool
) -> float | None:
    """Return the mean squared gap of the s-th among ``upper`` from the r-th among ``lower``.

    Both are the rising values of the set, about two numbers of one's own choice.
    """
    (r, s), N = ranks, len(lower)
    joint = _joint(r, s, n, N, replaced=replaced)
    are_two = bool(np.any(lower != upper))
    # With replacement one row can be both ranks, which is a gap where the two numbers differ.
    if joint is None or (replaced and are_two and (r, s) != (1, n)):
        return None
    low, high = (0, N - 1) if replaced else (r - 1, N - n + s - 1)
    if lower[low] == lower[high] and not are_two:
        return 0.0  # whichever ranks they are, and no rounding of a transform
    # A batch that is one row n times: N of N^n.
    single = float(((upper - lower) ** 2).mean()) * float(N) ** (1 - n) if replaced else 0.0
    for outer in (0, min(N // 2, max(OUTERMOST, OUTER_PAIRS // N))):
        found, lost = _inner_sum(joint, lower, upper, outer)
        found += _outer_sum(joint, lower, upper, outer)
        if lost <= LARGEST_LOSS * found:
            return found / joint.total + single
    return None


def _inner_sum(joint: _Joint, lower: Floats, upper: Floats, outer: int) -> tuple[float, float]:
    """Return the sum over pairs without the outermost, and about what rounding may add to it."""
    N = len(lower)
    if N - 2 * outer < 2:
        return 0.0, 0.0
    inner = slice(outer, N - outer)
    a, c = joint.of_first[inner], joint.of_second[inner]
    v, u = lower[inner], upper[inner]
    # Plain sums, here and below: a dot product of so few terms waits for its threads.
    found = lost = 0.0
    # (u - v)^2 in three terms, and every transform rounds to the norms of what it multiplies.
    for first, second in ((a, c * u * u), (-2.0 * a * v, c * u), (a * v * v, c)):
        # The gap is one of places: it does not ask where the inner ones begin.
        product = fft.rfft(second, joint.length) * joint.transformed
        found += float((first * fft.irfft(product, joint.length)[: len(second)]).sum())
        lost += float(np.abs(first).sum()) * math.sqrt((second * second).sum())
    return found, lost * joint.gap_norm * float(np.finfo(np.float64).eps)


def _outer_sum(joint: _Joint, lower: Floats, upper: Floats, outer: int) -> float:
    """Return the sum over pairs with one of so many outermost on each side: no term is negative."""
    a, b, c = joint.of_first, joint.of_gap, joint.of_second
    N = len(lower)
    end = N - outer
    found = 0.0
    for i in (*range(outer), *range(end, N)):
        if a[i] > 0.0:
            gaps = upper[i + 1 :] - lower[i]
            found += float(a[i] * (b[: N - i - 1] * c[i + 1 :] * gaps * gaps).sum())
        if i >= end and c[i] > 0.0:
            # With those before it that are not outermost: these have had their turn.
            gaps = upper[i] - lower[outer:end]
            found += float(c[i] * (a[outer:end] * b[i - end : i - outer][::-1] * gaps * gaps).sum())
    return found


@functools.lru_cache(maxsize=16)
def _joint(r: int, s: int, n: int, size: int, *, replaced: bool) -> _Joint | None:
    i = np.arange(1.0, size + 1.0)
    if not replaced:
        # Of the i-th: C(i-1, r-1); of the gap d: C(d-1, s-r-1); of the j-th: C(N-j, n-s).
        first, gap = _log_choose(i - 1.0, r - 1), _log_choose(i - 1.0, s - r - 1)
        second, norm = _log_choose(size - i, n - s), math.nan
    elif s == r + 1:
        first, gap = _log_step(i, r, size), np.zeros(size)
        second = _log_step(size - i + 1.0, n - r, size)
        norm = float(gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0))
    elif (r, s) == (1, n):
        first, second, norm = np.zeros(size), np.zeros(size), 0.0
        gap = _log_ends(i, n, size)
    else:
        return None
    slope = n / size if replaced else -math.log1p(-n / size)
    factors = (first - slope * i, gap - slope * i, second + slope * i)
    tops = [float(factor.max()) for factor in factors]
    a, b, c = (np.exp(factor - top) for factor, top in zip(factors, tops, strict=True))
    length = int(fft.next_fast_len(2 * size, real=True))
    # Correlation with the gap: the sum over j > i of b(j - i) c(j).
    shifted = np.zeros(length)
    shifted[(-np.arange(1, size)) % length] = b[: size - 1]
    transformed = fft.rfft(shifted)
    total = math.exp(-sum(tops) - norm) if not math.isnan(norm) else math.nan
    joint = _Joint(a, b, math.sqrt((b * b).sum()), c, transformed, total, length)
    if math.isnan(norm):
        sums = fft.irfft(fft.rfft(c, length) * transformed, length)[:size]
        joint = joint._replace(total=float(a @ sums))
    return joint


def _log_choose(top: Floats, below: int) -> Floats:
    """Return log C(top, below) for whole numbers, -inf where it is 0."""
    found = np.full(top.shape, -np.inf)
    some = top >= below
    t = top[some]
    found[some] = gammaln(t + 1.0) - gammaln(t - below + 1.0) - gammaln(below + 1.0)
    return found


def _log_step(i: Floats, power: int, size: int) -> Floats:
    """Return log((i/N)^p - ((i - 1)/N)^p) for i from 1."""
    with np.errstate(divide="ignore"):
        left = np.log(-np.expm1(power * np.log1p(-1.0 / i)))
    return np.asarray(power * np.log(i / size) + left)


def _log_ends(d: Floats, n: int, size: int) -> Floats:
    """Return log(((d + 1)^n - 2 d^n + (d - 1)^n) / N^n) for d from 1."""
    steps = n * np.log1p(1.0 / d)
    found = np.empty(d.shape)
    # The first of the powers is far above the others, and above all doubles in units of the second.
    far, k = steps > 1.0, d[steps > 1.0]
    with np.errstate(divide="ignore"):
        rest = np.exp(n * (np.log(k - 1.0) - np.log(k + 1.0))) - 2.0 * np.exp(-steps[far])
        found[far] = n * np.log((k + 1.0) / size) + np.log1p(rest)
    # In a difference of near powers, digits are left in units of the second.
    near, k = ~far, d[~far]
    second = np.expm1(steps[near]) + np.expm1(n * np.log1p(-1.0 / k))
    found[near] = n * np.log(k / size) + np.log(second)
    return found


class OrderKurtosis(NamedTuple):
    """About the excess kurtosis of a batch's error, and of its square."""

    error: float
    square: float


def order_kurtosis(kind: RankSum, n: int, column: Column, sampling: str) -> OrderKurtosis:
    """Return how heavy the tails of a batch's error are, as if ranks were independent.

    Where an order statistic seldom moves, as the median of a column of few distinct values, these
    are large: a run that has met few of its moves does not know how large its error is.

    Examples
    --------
    >>> from simnorm.estimators import Median
    >>> often = Column("x", np.repeat([0.0, 1.0], [45, 55]))
    >>> seldom = Column("x", np.repeat([0.0, 1.0], [5, 95]))
    >>> order_kurtosis(Median(), 9, often, "shuffle").error
    -1.7...
    >>> order_kurtosis(Median(), 9, seldom, "shuffle").error > 1e4
    True
    """
    z = column.scores
    replaced = sampling != "shuffle"
    parts = []
    for rank, weight in kind.weights(n):
        law = rank_law(rank, n, len(z), replaced=replaced)
        whole = _whole_of(kind, z, weight)
        error = weight * (z - whole)
        parts.append((_even_moments(law, error), _even_moments(law, error - law @ error)))
    spread = sum(centred[0] for _, centred in parts)
    if not spread * spread > 0.0:
        return OrderKurtosis(0.0, 0.0)
    plain = sum(centred[1] - 3.0 * centred[0] ** 2 for _, centred in parts) / spread**2
    # Of squared errors for the mse, and of centred ones for the variance: two equally likely values
    # have hardly any spread in the latter, so that rare third ones decide.
    squared = max(
        _kurtosis_of_squares(moments, sum(part[k][0] for part in parts))
        for k in (0, 1)
        for moments in (part[k] for part in parts)
    )
    return OrderKurtosis(float(plain), float(squared))


def _even_moments(law: Floats, error: Floats) -> Floats:
    squares = error * error
    return np.asarray(law @ np.stack([squares**k for k in (1, 2, 3, 4)], axis=-1))


def _kurtosis_of_squares(moments: Floats, total: float) -> float:
    """Return the excess kurtosis of a squared error that is a part of a total."""
    m2, m4, m6, m8 = moments
    variance = m4 - m2 * m2
    if not variance * variance > 0.0:
        return 0.0
    fourth = m8 - 4.0 * m6 * m2 + 6.0 * m4 * m2 * m2 - 3.0 * m2**4
    share = m2 / total
    return float((fourth / variance**2 - 3.0) * share * share)


def _whole_of(kind: RankSum, z: Floats, weight: float) -> float:
    """Return the full-set value that a rank's own is near: of its end, where there are two."""
    whole = kind.weights(len(z))
    if abs(sum(w for _, w in whole) - 1.0) < 0.5:
        return float(sum(w * z[rank - 1] for rank, w in whole))
    same = [(rank, w) for rank, w in whole if (w > 0.0) == (weight > 0.0)]
    return float(sum(abs(w) * z[rank - 1] for rank, w in same) / sum(abs(w) for _, w in same))
