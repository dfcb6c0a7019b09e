"""How skewed the mean squared error of a replication is, from the law alone.

An interval from R replications covers less than it says where these are skewed: by about what
skewness^2/R tells (Edgeworth's expansion; Hall, The Bootstrap and Edgeworth Expansion, 2.6). What a
run has not met shows neither in its standard error nor in its k-hat, so the law is asked.

One observation after the other takes its quantiles while the rest of its batch is typical; the
cumulants of an error are the sums over what each of them changes. Values rarer than a typical run
holds are left out: they skew few runs, and for power tails no moment would be finite.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    InterquartileRange,
    Maximum,
    Mean,
    MedianAbsoluteDeviation,
    Minimum,
    Range,
    RankSum,
    Shape,
    Skewness,
    Spread,
    Std,
    TrimmedMean,
)
from simnorm.quadratic import LARGEST_SKEWNESS, TYPICAL, Spreading, quadratic_skewness
from simnorm.sampling import batch_count

Floats = NDArray[np.float64]

# An extreme of the full set comes once in a replication, and errors of extremes are biased, which
# skews what a variance is made of once more.
LARGEST_OF_EXTREMES = 0.025
# So many replications are never asked for: "more than there can be".
MOST = 1 << 40
# A Gauss-Legendre rule on panels of one in logit(u).
RULE = np.polynomial.legendre.leggauss(8)
LARGEST_SPAN = 600.0


class Cumulants(NamedTuple):
    """Variance, and the third, fourth and sixth cumulants of an error over powers of its sd."""

    variance: float
    third: float
    fourth: float
    sixth: float

    @property
    def square_variance(self) -> float:
        """Variance of the squared error, over the variance of the error squared."""
        return 2.0 + self.fourth

    @property
    def square_third(self) -> float:
        """Third cumulant of the squared error, less that of the square of a normal error."""
        return 12.0 * self.fourth + self.sixth + 10.0 * self.third * self.third

    @property
    def square_skewness(self) -> float:
        """Square of the skewness of a squared error, less what that of a normal one has."""
        variance = self.square_variance
        return self.square_third**2 / variance**3 if variance > 0.0 else 0.0


def squares_skewness(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> float:
    """Return the square of the skewness of Q that tails give, 0 where nothing is known.

    The skewness that squares of normal errors have too is left out.

    Parameters
    ----------
    kind, law, n, full_size
        Estimator, law, batch size and full size.
    replications
        Of how many replications a typical run is meant.
    paired
        Whether errors are against the full set that the batch is cut from.

    Notes
    -----
    For an error g with cumulants k2 = 1, k3, k4, k6 the square has the variance 2 + k4 and the
    third cumulant 8 + 12 k4 + k6 + 10 k3^2 (Kendall, ch. 3); the mean of k batches divides them by
    k and k^2.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import estimator
    >>> kurtosis = estimator("excess_kurtosis")
    >>> squares_skewness(kurtosis, distribution("gumbel"), 32, 64, 256, paired=True) > 25.0
    True
    >>> squares_skewness(kurtosis, distribution("uniform"), 32, 64, 256, paired=True) < 5.0
    True
    """
    return max(
        _tail_skewness(kind, law, n, full_size, replications, paired=paired),
        _quadratic(kind, law, n, full_size, replications, paired=paired),
    )


def _tail_skewness(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> float:
    """Return what observations that change an error one at a time give."""
    parts = _parts(kind, law, n, full_size, replications, paired=paired)
    # As shares of all of it, which are in the range of doubles.
    whole = sum(p.variance for p, _ in parts)
    if not (whole > 0.0 and math.isfinite(whole)):
        return 0.0
    shares = [(p.variance / whole, p, k) for p, k in parts]
    variance = sum(share**2 * p.square_variance / k for share, p, k in shares)
    third = sum(share**3 * p.square_third / k**2 for share, p, k in shares)
    # Errors of one size, as of a single value of two, have squares that do not vary.
    return third * third / variance**3 if variance > 0.0 else 0.0


@functools.lru_cache(maxsize=4096)
def replications_for_squares(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> int:
    """Return how many replications squares need, 0 if those there are suffice.

    Parameters
    ----------
    kind, law, n, full_size, paired
        As for `squares_skewness`.
    replications
        How many there are.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import estimator
    >>> kurtosis = estimator("excess_kurtosis")
    >>> replications_for_squares(kurtosis, distribution("gumbel"), 32, 64, 256, paired=True) > 1000
    True
    """
    limit = LARGEST_OF_EXTREMES if isinstance(kind, Minimum | Maximum | Range) else LARGEST_SKEWNESS

    def suffice(count: int) -> bool:
        found = squares_skewness(kind, law, n, full_size, count, paired=paired)
        return found <= limit * count

    return _fewest(suffice, replications)


@functools.lru_cache(maxsize=4096)
def replications_for_bias(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> int:
    """Return how many replications the bias needs, 0 if those there are suffice.

    As many as make the skewness of A small, for a t interval covers too little where it is not.

    Parameters
    ----------
    kind, law, n, full_size, replications, paired
        As for `replications_for_squares`.

    Examples
    --------
    Against the full set, the mean error of variances of both halves is a squared normal number.

    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import estimator
    >>> kind = estimator("unbiased_variance")
    >>> replications_for_bias(kind, distribution("normal"), 32, 64, 64, paired=True)
    160
    """

    def suffice(count: int) -> bool:
        found = mean_error_skewness(kind, law, n, full_size, count, paired=paired)
        return found <= LARGEST_SKEWNESS * count

    return _fewest(suffice, replications)


def mean_error_skewness(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> float:
    """Return the square of the skewness of A, the mean error; 0 where nothing is known.

    Parameters
    ----------
    kind, law, n, full_size, replications, paired
        As for `squares_skewness`.

    Notes
    -----
    Of variances mean(z^2) - d^2 the linear part is that of all observations used: against the full
    set what remains is due to those left out. The mean of the batches' d^2, squared means less
    that of the full set, is a mean of squares.

    Examples
    --------
    Squared means of four batches about their own mean are chi-square with 3 degrees: 8/3.

    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import estimator
    >>> kind = estimator("biased_variance")
    >>> 2.6 < mean_error_skewness(kind, distribution("normal"), 256, 1024, 99, paired=True) < 2.7
    True
    """
    if not _is_sum(kind, n):
        return 0.0
    parts = _parts_of_mean(kind, law, n, full_size, replications, paired=paired)
    variance = sum(variance for variance, _ in parts)
    third = sum(third for _, third in parts)
    # Next to nothing varies where all squares are as large.
    return third**2 / variance**3 if variance > 1e-60 else 0.0


def _parts_of_mean(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> list[tuple[float, float]]:
    """Return variances and third cumulants of the independent parts of A."""
    batches = batch_count(full_size, n)
    share = TYPICAL / (2.0 * replications * full_size)
    x, weights = _draws(law, share)
    one = _moved(kind, law, n, share) / batches
    whole = _moved(kind, law, full_size, share) if paired else np.zeros_like(one)
    used = batches * n
    parts = []
    # Whoever is left out changes the full set alone.
    for values, number in ((one - whole, used), (whole, full_size - used)):
        found = _cumulants(values, weights)
        sign = 1.0 if number == used else -1.0
        parts.append((number * found.variance, sign * number * found.third * found.variance**1.5))
    if isinstance(kind, Spread):
        own = 1.0 / n - 1.0 / full_size if paired else 1.0 / n
        number = max(batches - 1, 1) if paired else batches
        parts += [
            (2.0 * size**2 / number, -8.0 * size**3 / number**2)
            for size in (own * weight for weight in _bends(kind, x, weights))
        ]
    return parts


def _moved(kind: Estimator, law: Distribution, n: int, share: float) -> Floats:
    """Return the statistic of n observations one of which is x, in units of the sd."""
    x, weights = _draws(law, share)
    values = _with_one(kind, x, weights, x, weights, n)
    if not isinstance(kind, Spread):
        return values
    assert isinstance(kind, BiasedVariance | Std)
    inflated = n / (n - kind.ddof)
    return values * (math.sqrt(inflated) if isinstance(kind, Std) else inflated)


def _bends(kind: Spread, x: Floats, weights: Floats) -> list[float]:
    """Return the weights of squares that a spread takes away, of normal numbers.

    Of the squared mean, and for a root an eighth of the squared error of its square.
    """
    if not isinstance(kind, Std):
        return [1.0]
    z = x - (weights * x).sum()
    squares = z * z / (weights * z * z).sum()
    return [0.5, 0.125 * _cumulants(squares, weights).variance]


def _quadratic(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> float:
    """Return what the quadratic part of a variance gives."""
    if not isinstance(kind, BiasedVariance | Std) or n < kind.smallest_batch:
        return 0.0
    batches = batch_count(full_size, n)
    own, shared = (1.0 / n - 1.0 / full_size, 1.0 / full_size) if paired else (1.0 / n, 0.0)
    number = max(batches - 1, 1) if paired else batches
    spreading = Spreading(law.skewness, law.excess_kurtosis, own, shared, isinstance(kind, Std))
    return quadratic_skewness(spreading, number, replications, biased=kind.ddof == 0)


def replications_for_rows(
    kind: Estimator, column: Column, n: int, replications: int, *, is_bias: bool
) -> int:
    """Return how many replications a single batch of shuffled rows needs, 0 if those suffice.

    Parameters
    ----------
    kind
        A mean or a spread; nothing is asked for others.
    column
        The rows' column, not constant.
    n
        Batch size, above half of the rows.
    replications
        How many there are.
    is_bias
        Whether of the bias; otherwise of squares.

    Notes
    -----
    Every row is in the batch with probability f = n/N, about as if by itself: the error has the
    cumulants of such an event times the sums of powers of what the rows add.

    Examples
    --------
    >>> import numpy as np
    >>> from simnorm.estimators import estimator
    >>> column = Column("x", np.array([0.0] * 63 + [1.0]))
    >>> replications_for_rows(estimator("mean"), column, 60, 64, is_bias=False)
    240
    """
    if not _is_sum(kind, n):
        return 0
    spread = isinstance(kind, BiasedVariance | Std)
    moments = column.square_moments if spread else column.moments
    found = _left_out(moments, n / column.size, column.size)
    skewness = found.third**2 if is_bias else found.square_skewness
    if isinstance(kind, BiasedVariance | Std) and not is_bias:
        skewness = max(skewness, _quadratic_of_rows(kind, column, n, replications))
    needed = math.ceil(skewness / LARGEST_SKEWNESS)
    return _two_digits(needed) if needed > replications else 0


def _quadratic_of_rows(
    kind: BiasedVariance | Std, column: Column, n: int, replications: int
) -> float:
    own = 1.0 / n - 1.0 / column.size
    skewness, kurtosis = column.skewness, column.excess_kurtosis
    spreading = Spreading(skewness, kurtosis, own, 0.0, isinstance(kind, Std))
    return quadratic_skewness(spreading, 1, replications, biased=kind.ddof == 0)


def _left_out(moments: Mapping[int, float], share: float, size: int) -> Cumulants:
    """Return the cumulants of a sum over rows that are each in a batch with a probability."""
    spread = share * (1.0 - share)
    second = size * moments[2] * spread
    if not second > 1e-24 * size:
        return Cumulants(0.0, 0.0, 0.0, 0.0)
    # Of an event: f g, f g (g - f), f g (1 - 6 f g), f g (1 - 30 f g + 120 f^2 g^2).
    third = size * moments[3] * spread * (1.0 - 2.0 * share)
    fourth = size * moments[4] * spread * (1.0 - 6.0 * spread)
    sixth = size * moments[6] * spread * (1.0 - 30.0 * spread + 120.0 * spread**2)
    return Cumulants(second, third / second**1.5, fourth / second**2, sixth / second**3)


def _two_digits(number: int) -> int:
    step = int(10 ** max(0, len(str(number)) - 2))
    return step * math.ceil(number / step)


def _fewest(suffice: Callable[[int], bool], replications: int) -> int:
    """Return about the fewest replications that suffice, 0 if those there are do."""
    if suffice(replications):
        return 0
    few, many = replications, 2 * replications
    while not suffice(many) and many < MOST:
        few, many = many, 2 * many
    while many > 1.05 * few + 1.0:
        middle = math.ceil(math.sqrt(few * many))
        few, many = (few, middle) if suffice(middle) else (middle, many)
    return _two_digits(many)


def _parts(
    kind: Estimator, law: Distribution, n: int, full_size: int, replications: int, *, paired: bool
) -> list[tuple[Cumulants, int]]:
    """Return the independent parts of an error, each with how many of it a replication averages."""
    batches = batch_count(full_size, n)
    share = TYPICAL / (2.0 * replications * full_size)
    if _is_sum(kind, n):
        found = _of_jumps(kind, law, n, share)
        if not paired:
            return [(found, batches)]
        return [(_paired(found, n, full_size), max(batches - 1, 1))]
    if isinstance(kind, Shape):
        if paired and batches == 1:
            return [(_paired(_of_jumps(kind, law, n, share), n, full_size), 1)]
        # The full set's value differs from the mean of those of its batches.
        sizes = [(n, batches), (full_size, 1)] if paired else [(n, batches)]
        return [(_of_jumps(kind, law, size, share), count) for size, count in sizes]
    if isinstance(kind, MedianAbsoluteDeviation):
        # About half of the distance between the quartiles.
        kind = InterquartileRange()
    if not isinstance(kind, RankSum):
        return []
    # Beside an extreme of the full set, its other quantiles hardly move.
    is_extreme = isinstance(kind, Minimum | Maximum | Range)
    sizes = [(n, batches), (full_size, 1)] if paired and is_extreme else [(n, batches)]
    return [
        (_of_ranks(kind, law, size, TYPICAL / (2.0 * replications * count)), count)
        for size, count in sizes
    ]


def _is_sum(kind: Estimator, n: int) -> bool:
    """Return whether every observation has its own part in the estimate, whatever its rank."""
    untrimmed = isinstance(kind, TrimmedMean) and kind.cut(n) == 0
    return untrimmed or isinstance(kind, Mean | Spread)


def _paired(found: Cumulants, n: int, full_size: int) -> Cumulants:
    """Return the cumulants of the error of n observations less that of the full set with them.

    One of them counts 1/n - 1/N, and one left out -1/N. Where few are left out these decide.
    """
    if n == full_size:
        return Cumulants(0.0, 0.0, 0.0, 0.0)
    own, others, left = 1.0 - n / full_size, -n / full_size, full_size / n - 1.0
    scale = [own**j + left * others**j for j in (2, 3, 4, 6)]
    third, fourth, sixth = (
        c * s / scale[0] ** (j / 2) for c, s, j in zip(found[1:], scale[1:], (3, 4, 6), strict=True)
    )
    return Cumulants(found.variance * scale[0], third, fourth, sixth)


@functools.lru_cache(maxsize=64)
def _draws(law: Distribution, share: float) -> tuple[Floats, Floats]:
    """Return values of a law without its outermost shares, and their probabilities."""
    end = min(math.log((1.0 - share) / share), LARGEST_SPAN)
    t, weights = _panels(-end, end)
    below, above = -np.logaddexp(0.0, -t), -np.logaddexp(0.0, t)
    weights = weights * np.exp(below + above)
    return _standard(law, below, above), weights / weights.sum()


def _standard(law: Distribution, below: Floats, above: Floats) -> Floats:
    """Return quantiles by the logarithms of what is below and above them, in the law's unit."""
    x = law.quantile(np.exp(below), np.exp(above))
    return np.asarray((x - law.pivot) / law.unit)


def _panels(low: float, high: float) -> tuple[Floats, Floats]:
    edges = np.linspace(low, high, math.ceil(high - low) + 1)
    half = 0.5 * (edges[1] - edges[0])
    t = ((edges[:-1] + half)[:, np.newaxis] + half * RULE[0]).ravel()
    return t, np.tile(RULE[1], len(edges) - 1)


@functools.lru_cache(maxsize=1024)
def _of_jumps(kind: Estimator, law: Distribution, n: int, share: float) -> Cumulants:
    """Return the cumulants of a statistic that its observations change one at a time."""
    x, weights = _draws(law, share)
    # The others of a batch: without what is too rare for it.
    others, their = _draws(law, min(0.25, 0.5 / n))
    found = _cumulants(_with_one(kind, x, weights, others, their, n), weights)
    return Cumulants(
        n * found.variance,
        found.third / math.sqrt(n),
        found.fourth / n,
        found.sixth / n**2,
    )


def _with_one(
    kind: Estimator, x: Floats, weights: Floats, others: Floats, their: Floats, n: int
) -> Floats:
    """Return the statistic of n observations one of which is x, the others being typical."""
    if not isinstance(kind, Spread | Shape):
        return x / n
    if isinstance(kind, Spread):
        z = x - (weights * x).sum()
        z = z / math.sqrt((weights * z * z).sum())
        # In units of the sd; ddof would be the same for all.
        variance = ((n - 1.0) / n) ** 2 + z * z * ((n - 1.0) / n / n)
        return np.asarray(np.sqrt(variance) if isinstance(kind, Std) else variance)
    centre = (their * others).sum()
    a2, a3, a4 = ((their * (others - centre) ** j).sum() for j in (2, 3, 4))
    # The mean moves by m towards x; the others' central moments move with it.
    z, m = x - centre, (x - centre) / n
    m2 = ((n - 1) * (a2 + m**2) + (z - m) ** 2) / n
    if isinstance(kind, Skewness):
        m3 = ((n - 1) * (a3 - 3 * m * a2 - m**3) + (z - m) ** 3) / n
        return np.asarray(m3 / m2**1.5)
    m4 = ((n - 1) * (a4 - 4 * m * a3 + 6 * m**2 * a2 + m**4) + (z - m) ** 4) / n
    return np.asarray(m4 / m2**2)


@functools.lru_cache(maxsize=1024)
def _of_ranks(kind: RankSum, law: Distribution, n: int, share: float) -> Cumulants:
    """Return the cumulants of a sum of order statistics, as if these were independent."""
    from scipy.special import betaincinv

    sums = np.zeros(4)
    for rank, weight in kind.weights(n):
        above = n - rank + 1
        low, high = float(betaincinv(rank, above, share)), float(betaincinv(above, rank, share))
        ends = [math.log(max(end, 1e-250)) - math.log1p(-end) for end in (low, high)]
        t, weights = _panels(ends[0], -ends[1])
        below, over = -np.logaddexp(0.0, -t), -np.logaddexp(0.0, t)
        density = rank * below + above * over
        weights = weights * np.exp(density - density.max())
        x = _standard(law, below, over)
        one = _cumulants(weight * x, weights / weights.sum())
        powers = one.variance ** np.array([1.0, 1.5, 2.0, 3.0])
        sums += powers * np.array([1.0, *one[1:]])
    if not sums[0] > 0.0:
        return Cumulants(0.0, 0.0, 0.0, 0.0)
    third, fourth, sixth = (sums[1:] / sums[0] ** np.array([1.5, 2.0, 3.0])).tolist()
    return Cumulants(float(sums[0]), third, fourth, sixth)


def _cumulants(values: Floats, weights: Floats) -> Cumulants:
    """Return the cumulants of a discrete law."""
    centred = values - (weights * values).sum()
    squares = centred * centred
    m2 = float((weights * squares).sum())
    if not m2 > 0.0:
        return Cumulants(0.0, 0.0, 0.0, 0.0)
    squares /= m2
    term = weights * squares
    m3 = float((term * centred).sum()) / math.sqrt(m2)
    term *= squares
    m4 = float(term.sum())
    term *= squares
    m6 = float(term.sum())
    return Cumulants(m2, m3, m4 - 3.0, m6 - 15.0 * m4 - 10.0 * m3 * m3 + 30.0)
