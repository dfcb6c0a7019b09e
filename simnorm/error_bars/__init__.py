"""Error bars for any simulation: measures of errors with their Monte Carlo standard errors.

`mcse` takes the errors of one method, `compare` those of two. Both need no run of simnorm: a list
of errors is enough, with the label of the full set that every error comes from. `corrected_t` takes
what repeated cross-validation found.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from simnorm.error_bars.given import Errors, holds_booleans, read, read_pair
from simnorm.error_bars.influence import Measure, read_measure
from simnorm.error_bars.pairs import compared
from simnorm.error_bars.resampled import corrected_t
from simnorm.error_bars.single import by_normal_theory, estimated
from simnorm.error_bars.verdicts import Estimate
from simnorm.errors import SimnormError

__all__ = ["Estimate", "compare", "corrected_t", "mcse"]


def mcse(
    errors: Any,
    measure: str = "rmse",
    *,
    cluster: Any = None,
    relative_to: float | None = None,
    normal_theory: bool = False,
) -> Estimate:
    """Estimate a measure of errors with its Monte Carlo standard error.

    Parameters
    ----------
    errors
        Errors, estimate minus truth, the truth of each if truths differ: shape (errors,), or
        (replications, errors of each). A list, an array or a pandas column. For ``coverage``:
        True and False, or 1 and 0.
    measure
        ``bias``; ``variance``; ``sd``, its root, called empirical standard error (EmpSE) in the
        literature on simulation; ``mse``; ``rmse``; ``mae``, the mean absolute error;
        ``coverage``, the share of True, for rates of power, rejection and failure alike;
        ``median``; ``quantile(q=0.9)``.
    cluster
        Which replication every error belongs to, shape (errors,): numbers, text, dates or
        categories. Errors of one full set depend on each other, so they must share a label. Left
        out, every error (or every row of a two-dimensional array) is a replication of its own.
    relative_to
        A constant c, for relative measures: bias, sd, rmse, mae and quantiles are divided by
        abs(c), variance and mse by c^2. Where truths differ, divide the errors instead.
    normal_theory
        Use the formulas of rsimsum (R) and simsum (Stata), to reproduce their numbers. They take
        errors for independent, and variances for those of normal errors; intervals are 1.96
        standard errors to both sides.

    Returns
    -------
    Estimate
        ``(estimate, mcse, ci_low, ci_high, replications, khat, status, reason)``.

    Raises
    ------
    SimnormError
        If the errors are not finite numbers of two replications or more, the shapes do not match,
        or the measure is unknown.

    Notes
    -----
    Every measure has influence values psi, one for each replication, and MCSE = sd(psi)/sqrt(R):
    A - bias for the bias, Q - mse for the mse, (Q - mse)/(2 rmse) for the rmse, Q less the bias'
    share for the variance (A and Q are a replication's mean error and mean squared error; see
    `simnorm.tally.measure`, with which this agrees). Nothing is taken for normal. The sd has
    jackknife values below 200 replications. Replications with unequal numbers of errors are
    weighted by those numbers (ratio estimates), and the psi of one that holds the share h of all
    errors is multiplied by (1 - 1/R)/(1 - h), as the jackknife does.

    Intervals: t quantiles with R - 1 degrees of freedom, on the log scale for what cannot be
    negative. Where replications differ in size, as many count as they are worth of equal size,
    (sum n)^2/sum n^2 (Kish 1965): one that holds nearly all errors leaves no standard error.
    Coverage: Wilson's, where errors are clustered with the number of errors over their
    design effect, taken to be 1 or more, and with t quantiles. Quantiles: two order statistics,
    whose coverage of 95 % or more is exact for any law and number of independent errors; clustered:
    the errors at the ends of a t interval for the share below (Woodruff 1952).

    ``ok`` is no proof. What a run has not met it cannot know: of errors with heavy tails it is the
    runs without outliers that look well, and are too small. Where the law is known, the ledger of
    its moments has the last word (``simnorm list ledger``).

    Examples
    --------
    Two full sets, each cut in half: the errors of one set are each other's mirror image.

    >>> result = mcse([0.3, -0.3, 0.1, -0.1], "rmse", cluster=["a", "a", "b", "b"])
    >>> round(result.estimate, 4), round(result.mcse, 4), result.replications
    (0.2236, 0.0894, 2)
    >>> result.reason
    'its standard error needs 30 replications or more'

    How often 95 % intervals held the truth in 200 simulations, when all of them did:

    >>> result = mcse([True] * 200, "coverage")
    >>> result.estimate, round(result.ci_low, 3), result.ci_high
    (1.0, 0.981, 1.0)

    Heavy tails have a median, with an interval that needs no moments.

    >>> errors = np.random.default_rng(0).standard_cauchy(1000)
    >>> mcse(errors, "rmse").status
    'unreliable'
    >>> result = mcse(errors, "median")
    >>> result.status, result.ci_low < 0.0 < result.ci_high
    ('ok', True)
    """
    asked = read_measure(measure)
    divisor = _divisor(relative_to, asked)
    given = read(errors, cluster)
    _check_kind(asked, given, errors, "errors")
    found = by_normal_theory(asked, given, measure) if normal_theory else estimated(asked, given)
    return found._times("relative_to", 1.0, asked.power, over=divisor)


def compare(
    a: Any,
    b: Any,
    measure: str = "rmse",
    *,
    kind: Literal["difference", "ratio"] = "difference",
    cluster: Any = None,
    paired: bool = True,
) -> Estimate:
    """Compare a measure of the errors of two methods.

    Parameters
    ----------
    a, b
        Errors of the methods, as `mcse` takes them: of the same simulated data in the same order,
        so of the same shape.
    measure
        As in `mcse`.
    kind
        ``difference``, a less b, or ``ratio``, a over b, of measures that cannot be negative.
    cluster
        Which replication every pair of errors belongs to, as in `mcse`; with ``paired=False`` a
        pair of such labels, those of `a` and those of `b`.
    paired
        False if `a` and `b` come from different simulated data, and as many as you like of each.

    Returns
    -------
    Estimate
        The difference or ratio with its error bar; ``replications`` are those of the smaller side.

    Raises
    ------
    SimnormError
        As in `mcse`; and if a ratio is asked for of what may be negative.

    Notes
    -----
    The influence values of a difference are psi_a - psi_b, and those of the logarithm of a ratio
    psi_a/a - psi_b/b: what both methods have in common cancels. Intervals are t intervals, of
    ratios on the log scale; unpaired with Welch's degrees of freedom. Of paired quantiles they are
    somewhat too long, as the noise of two densities does not cancel. Differences of coverage:
    Bonett and Price (2012) for pairs, Agresti and Caffo (2000) otherwise, which have a width where
    no value differs.

    Examples
    --------
    Two methods that are wrong in nearly the same way: the pairs show which one is worse.

    >>> rng = np.random.default_rng(1)
    >>> b = rng.normal(size=400)
    >>> a = 1.1 * b + 0.1 * rng.normal(size=400)
    >>> pairs = compare(a, b, "rmse", kind="ratio")
    >>> round(pairs.estimate, 2), round(pairs.mcse, 3)
    (1.11, 0.006)
    >>> apart = compare(a, b, "rmse", kind="ratio", paired=False)
    >>> round(apart.estimate, 2), round(apart.mcse, 3)
    (1.11, 0.061)
    """
    asked = read_measure(measure)
    if kind not in ("difference", "ratio"):
        raise SimnormError("kind", kind, "allowed are difference and ratio")
    if kind == "ratio" and asked.signed:
        allowed = "a ratio needs a measure that cannot be negative, such as rmse or mae"
        raise SimnormError("measure", measure, allowed, "Or ask for kind='difference'.")
    sides = _read_sides(asked, a, b, cluster, paired)
    return compared(asked, kind, sides, paired=paired)


def _check_kind(measure: Measure, given: Errors, raw: Any, parameter: str) -> None:
    """Refuse errors for a share, and True and False for a measure of errors."""
    if measure.word == "coverage":
        values = given.values
        if not np.isin(values, (0.0, 1.0)).all():
            odd = values[~np.isin(values, (0.0, 1.0))]
            allowed = "coverage takes True and False, or 1 and 0"
            raise SimnormError(parameter, f"{odd[0]:g}, {odd.size:,} such", allowed)
    elif holds_booleans(raw):
        allowed = f"{measure.word} takes errors, which are numbers"
        raise SimnormError(parameter, "True and False", allowed, "Their share is 'coverage'.")


def _read_sides(
    measure: Measure, a: Any, b: Any, cluster: Any, paired: bool
) -> tuple[Errors, Errors]:
    if paired:
        sides = read_pair(a, b, cluster)
    else:
        labels = (None, None) if cluster is None else cluster
        if not (isinstance(labels, tuple | list) and len(labels) == 2):
            allowed = "unpaired errors need a pair, the labels of a and those of b"
            raise SimnormError("cluster", "labels", allowed)
        sides = read(a, labels[0], "a"), read(b, labels[1], "b")
    for side, raw, name in zip(sides, (a, b), "ab", strict=True):
        _check_kind(measure, side, raw, name)
    return sides


def _divisor(relative_to: float | None, measure: Measure) -> float:
    """Return what measures are divided by, squares twice."""
    if relative_to is None:
        return 1.0
    if measure.power == 0:
        raise SimnormError("relative_to", relative_to, "coverage is a share, relative to nothing")
    number = isinstance(relative_to, int | float | np.integer | np.floating)
    if not number or isinstance(relative_to, bool) or not math.isfinite(relative_to):
        hint = "Where truths differ, divide the errors by them instead."
        raise SimnormError("relative_to", relative_to, "allowed is one finite number", hint)
    if relative_to == 0.0:
        hint = "Leave it out for measures in the errors' own unit."
        raise SimnormError("relative_to", relative_to, "nothing can be divided by it", hint)
    return abs(float(relative_to))
