"""Exact theory of a batch-normalized value: its error against the z-score, its law, its range.

A value x of a batch becomes y = gamma (x - mean)/s_B + beta, with 0 for the quotient where all
values of the batch are equal. Its z-score is (x - mu)/sigma, by the population or the full set.
Inside every batch the squared outputs have the mean 1, or 0 if there is no spread, and the mean
product of output and z-score is s_B/sigma. So, for every law,

    E (y - z)^2 = gamma^2 P(s_B > 0) + beta^2 + 1 - 2 gamma E[s_B]/sigma,

the same by the full set, of which a shuffled batch is a simple random sample. What goes into this
stands in `scale` and `chances`, and in `epsilon` with an epsilon inside the root; the law of the
outputs of normal draws in `outputs`. All of it can be had here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.estimators import Std
from simnorm.sampling import REPLACEMENT, SHUFFLE
from simnorm.theory import log_c4, of_distribution, value_of
from simnorm.theory.chances import (
    ASYMPTOTIC,
    EXACT,
    atoms_of,
    check_batch,
    spread_chance,
    spread_chance_of_column,
)
from simnorm.theory.epsilon import Terms, epsilon_terms, epsilon_terms_of_column
from simnorm.theory.finite import unbiased_moments
from simnorm.theory.outputs import (
    conditional_moments,
    conditional_mse,
    fresh_variance,
    noise_parabola,
    output_bound,
    output_density,
    output_kurtosis,
    output_share,
)
from simnorm.theory.scale import scale_ratio, scale_ratio_of_column
from simnorm.theory.values import Value

__all__ = [
    "Terms",
    "best_gamma",
    "conditional_moments",
    "conditional_mse",
    "epsilon_terms",
    "epsilon_terms_of_column",
    "fresh_mse",
    "fresh_mse_of_column",
    "fresh_variance",
    "noise_parabola",
    "normalized_mse",
    "output_bound",
    "output_density",
    "output_kurtosis",
    "output_share",
    "scale_ratio",
    "scale_ratio_of_column",
    "spread_chance",
    "spread_chance_of_column",
    "unseen_share",
    "unseen_share_of_column",
]

Floats = NDArray[np.float64]

# The first order of a fresh value's error is shown where the variance of s^2/sigma^2 is at most
# this. The next order is some 6/n of it for the normal law.
LARGEST_FRESH_SPREAD = 0.02


def _worse(*values: float) -> str:
    """Return the kind of what is made of several values."""
    kinds = [value.kind for value in values if isinstance(value, Value)]
    return ASYMPTOTIC if ASYMPTOTIC in kinds else EXACT


def normalized_mse(
    ratio: Value, chance: Value, gamma: float = 1.0, beta: float = 0.0, full_chance: float = 1.0
) -> Value:
    """Return the mean squared error of a batch-normalized value against its z-score.

    Parameters
    ----------
    ratio
        E[s_B]/sigma, or against the full set E[s_B/S]; with an epsilon the second of
        `epsilon_terms`.
    chance
        P(s_B > 0), or the first of `epsilon_terms`.
    gamma, beta
        What the output is multiplied with, and what is added.
    full_chance
        The probability that the reference has a spread: below 1 for full sets of a law that may be
        constant, whose z-scores are 0.

    Examples
    --------
    A batch of two normal draws: 2 (1 - 0.56419).

    >>> from simnorm.distributions import distribution
    >>> law = distribution("normal")
    >>> round(normalized_mse(scale_ratio(law, 2), spread_chance(law, 2)) ** 0.5, 5)
    0.93361

    With Keras's epsilon, of values with a sd of 0.03:

    >>> terms = epsilon_terms(distribution("normal(scale=0.03)"), 64, None, 1e-3)
    >>> round(normalized_mse(terms.product, terms.square) ** 0.5, 3)
    0.335
    """
    # Rounding of a batch that is the full set must not leave a negative square.
    mse = max(gamma * gamma * chance + full_chance - 2.0 * gamma * ratio, 0.0) + beta * beta
    return Value(mse, _worse(ratio, chance, full_chance))


def best_gamma(ratio: Value, chance: Value) -> Value | None:
    """Return the gamma with the smallest mean squared error, E[s_B]/sigma where all batches vary.

    Parameters
    ----------
    ratio, chance
        As for `normalized_mse`.

    Returns
    -------
    Value or None
        Ratio over chance; None if no batch varies, where every gamma does.

    Examples
    --------
    >>> best_gamma(Value(0.8, "exact"), Value(1.0, "exact"))
    0.8
    """
    return Value(ratio / chance, _worse(ratio, chance)) if chance > 0.0 else None


# ---------------------------------------------------------------------------------------------
# Values that are not in the batch


def unseen_share(law: Distribution, n: int) -> Value:
    """Return the mean share of other values that lie outside a batch's [min, max].

    Parameters
    ----------
    law, n
        Law and batch size. The same holds for further draws and for the rest of the full set.

    Returns
    -------
    Value
        Exact: 2/(n + 1) for continuous laws, since any of n + 1 draws is as likely the smallest
        or the largest; with ties less, E[P(X > x)^n + P(X < x)^n].

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> round(unseen_share(distribution("normal"), 7), 12)
    0.25
    >>> unseen_share(distribution("bernoulli"), 3)
    0.125
    """
    if n < 1:
        raise SimnormError("n", n, "a batch of at least 1 is needed")
    atoms = atoms_of(law)
    if not atoms.chances.size:
        return Value(2.0 / (n + 1.0), EXACT)
    upto, above = law.probabilities(atoms.values)
    # With ties, u between the ends of an atom does not count by itself but by those ends.
    below, beyond = np.maximum(upto - atoms.chances, 0.0), np.maximum(1.0 - above, 0.0)
    tied = atoms.chances * (below**n + above**n)
    apart = (upto ** (n + 1) - below ** (n + 1)) + (
        (1.0 - below) ** (n + 1) - (1.0 - beyond) ** (n + 1)
    )
    return Value((2.0 - math.fsum(apart)) / (n + 1.0) + math.fsum(tied), EXACT)


def unseen_share_of_column(column: Column, n: int, sampling: str = SHUFFLE) -> Value | None:
    """Return the mean share of other rows that lie outside a batch's [min, max].

    Parameters
    ----------
    column, n
        Column and batch size.
    sampling
        ``shuffle``: of the N - n rows that are not in the batch; ``replacement``: of all rows.

    Returns
    -------
    Value or None
        Exact, with ties. None where the batch has all rows.

    Examples
    --------
    Without ties 2/(n + 1); of 0, 0, 1 a batch of one leaves out another value in two of three.

    >>> round(unseen_share_of_column(Column("x", np.arange(9.0)), 3), 12)
    0.5
    >>> round(unseen_share_of_column(Column("x", np.array([0.0, 0.0, 1.0])), 1), 6)
    0.666667
    """
    check_batch(column, n, sampling)
    N = column.size
    if sampling == SHUFFLE and n == N:
        return None
    counts = column.counts
    upto = np.cumsum(counts)
    below, above = upto - counts, N - upto
    if sampling == REPLACEMENT:
        shares = (below / N) ** n + (above / N) ** n
        return Value(float((counts * shares).sum()) / N, EXACT)
    # C(g, n)/C(N - 1, n), for a row with g others on one side, from the top: each step down
    # multiplies it by (g - n)/g.
    g = np.arange(N - 1.0, 0.0, -1.0)
    with np.errstate(divide="ignore"):
        logs = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(g - n, 0.0) / g))])
    shares = np.exp(logs[::-1])
    return Value(float((counts * (shares[below] + shares[above])).sum()) / N, EXACT)


def fresh_mse(law: Distribution, m: int, full_size: int | None = None) -> Value | None:
    """Return the mean squared error of a value scaled by m others, against its z-score.

    Parameters
    ----------
    law, m
        The law and the number of the values that mean and biased variance are taken from.
    full_size
        Size of the full set: the value is one of its other N - m, the z-score is by all of it.

    Returns
    -------
    Value or None
        Exact against the population of the normal law, from m = 4 on; it is infinite below. With
        t = sigma/s it is E (t - 1)^2 + E t^2/m, E t^2 = m/(m - 3), E t = sqrt(m/(m - 2))/c4(m - 1).
        Else (g2 + 6)/4 (1/m - 1/N), asymptotic, where m is large enough.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> law = distribution("normal")
    >>> round(fresh_mse(law, 4), 4), fresh_mse(law, 3)
    (2.8085, None)
    """
    if full_size is not None and full_size <= m:
        raise SimnormError("full_size", full_size, f"others than the {m} values are needed")
    if law.is_normal and full_size is None:
        if m < 4:
            return None
        lost = 0.5 * math.log1p(2.0 / (m - 2.0)) - log_c4(m - 1)
        return Value(4.0 / (m - 3.0) - 2.0 * math.expm1(lost), EXACT)
    g2 = law.excess_kurtosis
    bias = value_of("bias", Std(0), m, None, of_distribution(law))
    if bias is None or g2 / m + 2.0 / (m - 1.0) > LARGEST_FRESH_SPREAD:
        return None
    left = 1.0 / m - (0.0 if full_size is None else 1.0 / full_size)
    return Value(0.25 * (g2 + 6.0) * left, ASYMPTOTIC)


def fresh_mse_of_column(column: Column, m: int, sampling: str = SHUFFLE) -> Value | None:
    """Return the mean squared error of a row scaled by m others, against its z-score.

    Parameters
    ----------
    column, m
        The column, whose mean and biased variance make the z-score, and the size of the sample.
    sampling
        ``shuffle``: a row that is not in the sample; ``replacement``: any row.

    Returns
    -------
    Value or None
        Var(mean)/S^2 + Var(s^2)/(4 S^4), asymptotic, where m is large enough; None elsewhere, and
        where a sample has all rows.

    Examples
    --------
    >>> column = Column("x", np.random.default_rng(1).normal(size=2000))
    >>> fresh_mse_of_column(column, 500).kind, fresh_mse_of_column(column, 50)
    ('asymptotic', None)
    """
    check_batch(column, m, sampling)
    N, replaced = column.size, sampling == REPLACEMENT
    if column.is_constant or m < 2 or (not replaced and m == N):
        return None
    ratio = scale_ratio_of_column(column, m, sampling)
    _, spread = unbiased_moments(m, column, replaced=replaced)
    g2 = column.excess_kurtosis
    if ratio is None or g2 / m + 2.0 / (m - 1.0) > LARGEST_FRESH_SPREAD:
        return None
    of_mean = 1.0 / m if replaced else N / (N - 1.0) * (N - m) / (m * float(N))
    return Value(of_mean + 0.25 * spread, ASYMPTOTIC)
