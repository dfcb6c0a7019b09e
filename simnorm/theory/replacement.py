"""Exact values for batches drawn with replacement from full sets that a law gave.

A full set of N independent draws has the variance M2, whose mean is c sigma^2, c = (N - 1)/N.
Given the full set, the formulas for independent draws hold with its moments; their means over full
sets need E[M2^2] = c^2 (sigma^4 + V(N)), V(N) = kappa4/N + 2 sigma^4/(N - 1) the variance of the
unbiased variance, and E[M4] = (N-1)/N^3 ((N^2 - 3N + 3) mu4 + 3 (2N - 3) sigma^4), both found by
expanding the powers and counting which draws are the same.
"""

from __future__ import annotations

import math

from simnorm.estimators import BiasedVariance, Estimator, Mean
from simnorm.theory.moments import Law, Pair


def replacement_pair(
    kind: Estimator, n: int, full_size: int, reference: str, law: Law
) -> Pair | None:
    """Return bias and variance of the error, None where there is no formula.

    Parameters
    ----------
    kind, n
        Estimator and batch size.
    full_size
        N.
    reference
        ``full_set`` or ``population``.
    law
        The law of the full set.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.theory import of_distribution
    >>> normal = of_distribution(distribution("normal"))
    >>> replacement_pair(Mean(), 2, 10, "full_set", normal).variance
    0.45
    """
    if n < kind.smallest_batch or not math.isfinite(law.sigma):
        return None
    N, against_full = full_size, reference == "full_set"
    c = (N - 1.0) / N
    if isinstance(kind, Mean):
        variance = c / n + (0.0 if against_full else 1.0 / N)
        return Pair(0.0, variance * law.sigma**2)
    if not isinstance(kind, BiasedVariance) or N < 2:
        return None
    g2 = law.excess_kurtosis
    V = g2 / N + 2.0 / (N - 1.0)
    squared = c * c * (1.0 + V)
    fourth = (N - 1.0) / N**3 * ((N * N - 3.0 * N + 3.0) * (g2 + 3.0) + 3.0 * (2.0 * N - 3.0))
    # Given the full set, the unbiased variance of the batch has the mean M2 and this variance.
    inside = fourth / n - squared * (n - 3.0) / (n * (n - 1.0))
    a = 1.0 if kind.ddof else (n - 1.0) / n
    whole = (1.0 / c if kind.ddof else 1.0) if against_full else 0.0
    # The batch's mean less the reference is (a - whole) M2, and Var(M2) = c^2 V.
    bias = (a - whole) * c - (0.0 if against_full else 1.0)
    variance = a * a * inside + (a - whole) ** 2 * c * c * V
    square = law.sigma**2
    return Pair(bias * square, variance * square * square)
