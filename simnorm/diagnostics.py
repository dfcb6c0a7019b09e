"""The moment ledger: what each row is worth, decided from the design before anything is drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

from simnorm.distributions import Distribution
from simnorm.estimators import Estimator, Mean, UnbiasedVariance, relative_constant
from simnorm.grammar import number_text

OK, EXACT, UNRELIABLE, UNDEFINED = "ok", "exact", "unreliable", "undefined"


class Verdict(NamedTuple):
    """The status of a row and, unless it is ``ok``, the reason."""

    status: str
    reason: str = ""


def error_index(kind: Estimator, law: Distribution, n: int, full_size: int) -> float:
    """Return the tail index of the error of one batch: E|error|^p exists for p below it."""
    tails = law.tails()
    return min(kind.tail_index(tails, n), kind.tail_index(tails, full_size))


def mean_error_index(
    kind: Estimator, law: Distribution, n: int, full_size: int, reference: str
) -> float:
    """Return the tail index of A, the mean error of the batches of one full set.

    Where all observations are used, one huge x enters the mean of the unbiased batch variances
    and the full set's in the same way, x^2/N, and cancels; what is left grows like x.
    """
    if isinstance(kind, UnbiasedVariance) and reference == "full_set" and full_size % n == 0:
        return min(law.tails())
    return error_index(kind, law, n, full_size)


def ledger(
    kind: Estimator, law: Distribution, n: int, full_size: int, reference: str, measure: str
) -> Verdict:
    """Return the status of one row of a sweep.

    Parameters
    ----------
    kind, law, n, full_size
        Estimator, law, batch size and full size of the cell; sampling is ``shuffle``.
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
    if n < kind.smallest_batch:
        return Verdict(UNDEFINED, "a batch of one observation has no spread")
    if reference == "population" and not math.isfinite(kind.population(law)):
        return Verdict(UNDEFINED, f"the population {kind.word} of {law} is not finite")
    if base != measure:
        constant = relative_constant(kind, law)
        if not (math.isfinite(constant) and constant > 0.0):
            what = "standard deviation" if kind.is_location else kind.word
            return Verdict(UNDEFINED, f"the population {what} of {law} is not a finite divisor")
    if reference == "full_set" and n == full_size:
        return Verdict(EXACT, "the batch is the full set")
    index = error_index(kind, law, n, full_size)
    order = 1 if base == "bias" else 2
    if not index > order:
        return Verdict(UNDEFINED, f"{_moment(base)} does not exist: {_tail(index, order)}")
    cancels = isinstance(kind, Mean) and reference == "full_set" and full_size % n == 0
    if cancels and base == "bias":
        return Verdict(EXACT, "the batch means average to the mean of the full set")
    if base == "bias":
        index = mean_error_index(kind, law, n, full_size, reference)
    if not index > 2 * order:
        return Verdict(UNRELIABLE, f"its standard error does not exist: {_tail(index, 2 * order)}")
    return Verdict(OK)


def _moment(base: str) -> str:
    return "the mean error" if base == "bias" else "the mean squared error"


def _tail(index: float, order: int) -> str:
    return f"the error's tail index {number_text(index)} is not above {order}"
