"""What each row is worth before anything is drawn: the moment ledger, and how many draws it takes.

The ledger knows the law and decides from the design alone which error bars exist. Others exist, but
not yet at a number of replications, as for batch variances of a lognormal law. What is found after
the run is the business of `simnorm.khat`.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import MOST_REPLICATIONS
from simnorm.distributions import Distribution, Tails
from simnorm.estimators import (
    Estimator,
    Maximum,
    Mean,
    Minimum,
    OrderStatistic,
    Range,
    RankSum,
    Shape,
    Spread,
    TrimmedMean,
    UnbiasedVariance,
    UserEstimator,
    relative_constant,
)
from simnorm.grammar import number_text
from simnorm.sampling import REPLACEMENT, SHUFFLE, batch_count
from simnorm.skewed import replications_for_bias, replications_for_squares

Floats = NDArray[np.float64]

# A Gauss-Legendre rule, good to the last digits on panels of a half in logit(u).
RULE = np.polynomial.legendre.leggauss(16)

OK, EXACT, UNRELIABLE, UNDEFINED = "ok", "exact", "unreliable", "undefined"
FAILED = "failed"
WHOLE = "the batch is the full set"
BALANCED = "the batch means average to the mean of the full set"

# What reasons begin with that ask for more replications, whatever the tails are like.
FEW, FEW_GROUPS = "its standard error needs", "batches by groups need"
SHORT = (FEW, FEW_GROUPS)
# Why it takes so many.
TAILS = "with these tails {few} {many}"
SKEWED = "{few} {many}: errors are skewed"

# A standard error of a mean square needs so many replications before its intervals cover what they
# say, and a t quantile does not help; more where each replication is a single batch.
FEWEST_FOR_BIAS = 10
FEWEST_FOR_SQUARES = 30
FEWEST_SINGLES = 50
# The largest relative variance that the tails may give to an estimate of a variance from all draws.
LARGEST_TAIL_SHARE = 0.04
# The same for squares of an extreme, which every full set has one of: with Gumbel's excess
# kurtosis of 2.4, 95 % intervals of the variance cover 90 % at R = 256 and 94 % at R = 512.
LARGEST_EXTREME_SHARE = 0.006
# So often an order statistic should have jumped off an atom of its law, or across a gap, for a
# standard error to know of it; otherwise the jump may be worth this part of the standard error.
# Quantiles are taken so close to a knot.
FEWEST_JUMPS = 30.0
LARGEST_JUMP_SHARE = 0.5
NEXT_TO = 1e-9
SMALLEST_GAP = 1e-6
# A batch of equal values has no skewness. Up to this probability of one, a run hardly meets any,
# and what it leaves out changes nothing that is seen.
LARGEST_EQUAL_SHARE = 1e-12


class Verdict(NamedTuple):
    """The status of a row and, unless it is ``ok``, the reason.

    Of what is ``exact``, `is_zero` says whether it is 0, or a number that is computed.
    """

    status: str
    reason: str = ""
    is_zero: bool = False


class _Known(NamedTuple):
    """What the ledger asks of a law for an estimator, once for all batch sizes."""

    population: float
    constant: float
    tails: Tails
    largest_atom: float


@functools.lru_cache(maxsize=4096)
def _known(kind: Estimator, law: Distribution) -> _Known:
    constant = relative_constant(kind, law)
    return _Known(kind.population(law), constant, law.tails(), law.largest_atom)


def error_index(
    kind: Estimator, law: Distribution, n: int, full_size: int, sampling: str = SHUFFLE
) -> float:
    """Return the tail index of the error of one batch: E|error|^p exists for p below it."""
    tails = _known(kind, law).tails
    if sampling == REPLACEMENT and isinstance(kind, OrderStatistic):
        # Every draw of a batch may be the full set's largest value.
        return min(tails)
    return min(kind.tail_index(tails, n), kind.tail_index(tails, full_size))


def mean_error_index(
    kind: Estimator,
    law: Distribution,
    n: int,
    full_size: int,
    reference: str,
    sampling: str = SHUFFLE,
) -> float:
    """Return the tail index of A, the mean error of the batches of one full set.

    Where all observations are used, one huge x enters the mean of the unbiased batch variances
    and the full set's in the same way, x^2/N, and cancels; what is left grows like x.
    """
    whole = reference == "full_set" and full_size % n == 0 and sampling == SHUFFLE
    if isinstance(kind, UnbiasedVariance) and whole:
        return min(_known(kind, law).tails)
    return error_index(kind, law, n, full_size, sampling)


def ledger(
    kind: Estimator, law: Distribution, n: int, full_size: int, reference: str, measure: str
) -> Verdict:
    """Return the status of one row of a sweep.

    Parameters
    ----------
    kind, law, n, full_size
        Estimator, law, batch size and full size of the cell, its sampling ``shuffle``.
    reference
        ``full_set`` or ``population``.
    measure
        A measure, relative or not.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import biased_variance
    >>> ledger(biased_variance, distribution("t(df=5)"), 8, 64, "full_set", "rmse").status
    'unreliable'
    """
    base = measure.removeprefix("relative_")
    place = (0 if base == "bias" else 1) + (0 if base == measure else 2)
    return verdicts(kind, law, n, full_size, reference)[place]


def verdicts(
    kind: Estimator,
    law: Distribution,
    n: int,
    full_size: int,
    reference: str,
    sampling: str = SHUFFLE,
) -> tuple[Verdict, Verdict, Verdict, Verdict]:
    """Return the statuses of a cell's rows: bias, squares, relative bias, relative squares.

    Squares are variance, mse and rmse, which need the same moments.
    """
    if n < kind.smallest_batch:
        return (Verdict(UNDEFINED, kind.too_small),) * 4
    known = _known(kind, law)
    atom = known.largest_atom
    if sampling == REPLACEMENT:
        atom = max(atom, 1.0 / full_size)
    if isinstance(kind, Shape) and atom ** (n - 1) > LARGEST_EQUAL_SHARE:
        reason = f"{kind.word} has no value where all {n} of a batch are equal"
        return (Verdict(UNDEFINED, reason),) * 4
    if reference == "population" and not math.isfinite(known.population):
        return (Verdict(UNDEFINED, _no_population(kind, law)),) * 4
    bias, squares = _of_moments(kind, law, n, full_size, reference, sampling)
    if math.isfinite(known.constant) and known.constant > 0.0:
        return bias, squares, bias, squares
    what = "standard deviation" if kind.is_location else kind.word
    reason = f"the population {what} of {law} is zero or not finite, no divisor"
    if isinstance(kind, UserEstimator) and not (kind.is_location or kind.has_population):
        reason = _no_population(kind, law)
    return bias, squares, Verdict(UNDEFINED, reason), Verdict(UNDEFINED, reason)


def _of_moments(
    kind: Estimator, law: Distribution, n: int, full_size: int, reference: str, sampling: str
) -> tuple[Verdict, Verdict]:
    """Return the statuses of bias and squares as far as the error's moments decide them."""
    cut = reference == "full_set" and sampling == SHUFFLE
    if cut and n == full_size:
        return (Verdict(EXACT, WHOLE, is_zero=True),) * 2
    index = error_index(kind, law, n, full_size, sampling)
    squares = _of_index(index, 2, "the mean squared error")
    bias = _of_index(index, 1, "the mean error")
    if bias.status == UNDEFINED:
        return bias, squares
    if isinstance(kind, Mean) and cut and full_size % n == 0:
        return Verdict(EXACT, BALANCED, is_zero=True), squares
    index = mean_error_index(kind, law, n, full_size, reference, sampling)
    return _of_index(index, 1, "the mean error"), squares


def _of_index(index: float, order: int, moment: str) -> Verdict:
    """Return what a mean of errors to the power `order` is worth, errors having a tail index."""
    if not index > order:
        return Verdict(UNDEFINED, f"{moment} does not exist: {_tail(index, order)}")
    if not index > 2 * order:
        return Verdict(UNRELIABLE, f"its standard error does not exist: {_tail(index, 2 * order)}")
    return Verdict(OK)


def draws_verdict(
    kind: Estimator,
    law: Distribution,
    n: int,
    full_size: int,
    measure: str,
    replications: int,
    reference: str = "full_set",
    sampling: str = SHUFFLE,
) -> Verdict:
    """Return whether so many replications are enough for a standard error, as the law has it.

    The sum behind a mean, or behind a variance or standard deviation, has an excess kurtosis of
    that of x, or of (x - mean)^2, over the number of draws. For lognormal(s=1) the latter is some
    10^7: such a variance is decided by values that a run of 10^6 draws hardly ever holds, and
    neither its standard error nor its k-hat can know. An extreme of the full set comes once in
    a replication: its own excess kurtosis counts, over the number of replications alone. Where
    tails skew the squares of the errors, `simnorm.skewed` says how many it takes.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import biased_variance
    >>> draws_verdict(biased_variance, distribution("lognormal"), 8, 1024, "variance", 256).status
    'unreliable'
    """
    base = measure.removeprefix("relative_")
    share = LARGEST_TAIL_SHARE if base == "bias" else LARGEST_EXTREME_SHARE
    needed = _needed(kind, law, n, full_size, share)
    cut = reference == "full_set" and sampling == SHUFFLE
    if base == "bias" and isinstance(kind, Mean) and cut and full_size % n:
        # All that does not cancel is the tail of the full set that no batch has.
        needed = replications_for(law.excess_kurtosis, full_size % n, LARGEST_TAIL_SHARE)
    verdict = enough(base, n, full_size, replications, needed)
    if verdict.status != OK:
        return verdict
    asked = replications_for_bias if base == "bias" else replications_for_squares
    # Draws with replacement leave none out for good: their error is as that of other draws.
    needed = asked(kind, law, n, full_size, replications, paired=cut)
    light = base == "bias" or law.excess_kurtosis < 0.0
    return enough(base, n, full_size, replications, needed, because=SKEWED if light else TAILS)


def enough(
    measure: str, n: int, full_size: int, replications: int, needed: int, *, because: str = TAILS
) -> Verdict:
    """Return whether so many replications are enough, if tails or skewness ask for `needed`."""
    fewest = FEWEST_FOR_BIAS if measure == "bias" else FEWEST_FOR_SQUARES
    if 2 * n > full_size:
        fewest = FEWEST_SINGLES
    if replications < fewest:
        return Verdict(UNRELIABLE, f"{FEW} {fewest} replications or more")
    if replications < needed:
        many = f"{needed:,} replications or more"
        if needed > MOST_REPLICATIONS:
            many = "more replications than there can be"
        return Verdict(UNRELIABLE, because.format(few=FEW, many=many))
    return Verdict(OK)


def _needed(
    kind: Estimator, law: Distribution, n: int, full_size: int, share_of_extremes: float
) -> int:
    """Return the replications that the tails ask for; 0 where nothing is known of them."""
    if isinstance(kind, Minimum | Maximum | Range):
        kurtosis = _difference_kurtosis(kind, law, n, full_size)
        return replications_for(kurtosis, 1, share_of_extremes)
    if isinstance(kind, Mean) or (isinstance(kind, TrimmedMean) and kind.cut(n) == 0):
        kurtosis, draws = law.excess_kurtosis, full_size
    elif isinstance(kind, Spread):
        kurtosis, draws = law.squares_kurtosis, full_size
    else:
        return 0
    return replications_for(kurtosis, draws, LARGEST_TAIL_SHARE)


def replications_for(kurtosis: float, draws: float, share: float) -> int:
    """Return the replications after which a kurtosis gives less than a share; 0 if infinite."""
    if not math.isfinite(kurtosis):
        return 0  # the ledger's business
    return math.ceil(kurtosis / share / draws)


def _difference_kurtosis(kind: RankSum, law: Distribution, n: int, full_size: int) -> float:
    """Return about the excess kurtosis of an error, less what averaging over batches takes.

    As if batch, full set and both ends of a range were independent.
    """
    parts = [
        (rank_spread(law, rank, size), size)
        for size in (n, full_size)
        for rank in set(kind.ranks(size))
    ]
    total = sum(part.variance for part, _ in parts)
    if not (math.isfinite(sum(part.fourth for part, _ in parts)) and total > 0.0):
        return math.inf if total > 0.0 else 0.0
    # Where an atom holds an end fast, its kurtosis is huge and its share next to nothing.
    return sum(
        (part.fourth / total / total - 3.0 * (part.variance / total) ** 2)
        / batch_count(full_size, size)
        for part, size in parts
    )


class Jumps(NamedTuple):
    """What jumps too rare for a run add to the absolute mean error and to the mean square."""

    bias: float
    squares: float


@functools.lru_cache(maxsize=4096)
def rare_jumps(kind: Estimator, law: Distribution, size: int, samples: int) -> Jumps:
    """Return what so many samples of `size` may miss of an order statistic of a law with atoms.

    An order statistic jumps off an atom of its law, or across a gap, and an average of two may lie
    inside the gap: the median of 16,384 tosses of a fair coin is 1/2 in one of 160 full sets, and a
    run of 256 that has met none of these does not know, nor does its standard error. A jump is
    rare where fewer than `FEWEST_JUMPS` are expected.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import median
    >>> rare_jumps(median, distribution("bernoulli"), 16_384, 256).squares > 0.001
    True
    >>> rare_jumps(median, distribution("bernoulli"), 16_384, 25_600).squares
    0.0
    """
    if law.largest_atom == 0.0 or not isinstance(kind, OrderStatistic):
        return Jumps(0.0, 0.0)
    from scipy.special import betainc

    plain = dict.fromkeys(kind.ranks(size), 1.0)
    weights = dict(kind.weights(size)) if isinstance(kind, RankSum) else plain
    bias, squares = 0.0, 0.0
    for share in law.knots():
        ends = np.array([share * (1.0 - NEXT_TO), share + (1.0 - share) * NEXT_TO])
        low, high = law.quantile(ends)
        for rank, weight in weights.items():
            below = float(betainc(rank, size - rank + 1, share))
            gap = abs(weight) * float(high - low)
            # Without a gap the atom ends there, and what follows it is about a unit wide.
            height = gap if gap > SMALLEST_GAP * law.unit else abs(weight) * law.unit
            chances = [(min(below, 1.0 - below), height)]
            if rank + 1 in weights:
                chances.append((below - float(betainc(rank + 1, size - rank, share)), gap))
            for chance, jump in chances:
                if chance * samples < FEWEST_JUMPS:
                    bias, squares = bias + chance * jump, squares + chance * jump * jump
    return Jumps(bias, squares)


class RankSpread(NamedTuple):
    """Variance and fourth central moment of an order statistic."""

    variance: float
    fourth: float

    @property
    def kurtosis(self) -> float:
        """Excess kurtosis."""
        return self.fourth / self.variance**2 - 3.0 if math.isfinite(self.fourth) else math.inf


@functools.lru_cache(maxsize=4096)
def rank_spread(law: Distribution, rank: int, size: int) -> RankSpread:
    """Return variance and fourth central moment of an order statistic of `size` draws.

    Infinite where there is no fourth moment.

    Parameters
    ----------
    law
        The law of the draws.
    rank
        Which one, from 1 for the smallest.
    size
        How many draws.

    Examples
    --------
    The largest of a hundred uniform numbers is one less an exponential number, or almost.

    >>> from simnorm.distributions import distribution
    >>> round(rank_spread(distribution("uniform"), 100, 100).kurtosis, 1)
    5.5
    """
    tails = law.tails()
    above = size - rank + 1
    fewest = 4.0 / min(rank * tails.lower, above * tails.upper)
    if not fewest < 1.0:
        return RankSpread(math.inf, math.inf)
    # In t = logit(u) the density is u^rank (1 - u)^above up to a constant, smooth and with light
    # tails; a fourth power of the law's own tail slows them by `fewest`.
    middle = math.log(rank) - math.log(above)
    span = min(40.0 / (1.0 - fewest), 600.0)
    edges = np.linspace(middle - span, middle + span, 4 * math.ceil(span) + 1)
    half = 0.5 * (edges[1] - edges[0])
    t = ((edges[:-1] + half)[:, np.newaxis] + half * RULE[0]).ravel()
    below, over = -np.logaddexp(0.0, -t), -np.logaddexp(0.0, t)
    density = rank * below + above * over
    weights = np.tile(RULE[1], len(edges) - 1) * np.exp(density - density.max())
    used = weights > 0.0
    x = law.quantile(np.exp(below[used]), np.exp(over[used]))
    weights = weights[used] / weights[used].sum()
    x = x - (weights * x).sum()
    second, fourth = ((weights * x**power).sum() for power in (2, 4))
    return RankSpread(float(second), float(fourth))


def _no_population(kind: Estimator, law: Distribution) -> str:
    if isinstance(kind, UserEstimator) and not kind.has_population:
        return f"no population value of {kind} was given"
    return f"the population {kind.word} of {law} is not finite"


def _tail(index: float, order: int) -> str:
    return f"the error's tail index {number_text(index)} is not above {order}"
