"""The error bar of repeated cross-validation: the corrected resampled t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simnorm.diagnostics import OK, UNRELIABLE
from simnorm.error_bars.verdicts import Estimate
from simnorm.errors import SimnormError
from simnorm.tally import t_quantile

SAME = "all splits gave the same number, which is no proof that others would"


def corrected_t(values: Any, *, test_share: float | None = None) -> Estimate:
    """Estimate a mean over repeated cross-validation, with the corrected resampled t interval.

    Training sets of different splits share most of their rows, so that accuracies of splits are not
    independent: their standard deviation over the root of their number is far too small, and the
    plain t test of two learners finds differences where there are none.

    Parameters
    ----------
    values
        One number of every split: an accuracy, or the difference between the accuracies of two
        learners on the same split. Shape (repeats, folds); or (splits,), with a `test_share`.
    test_share
        Test rows of a split as a share of all rows, above 0 and below 1. Left out, it is 1/folds.

    Returns
    -------
    Estimate
        ``(estimate, mcse, ci_low, ci_high, replications, khat, status, reason)``; `replications` is
        the number of splits. ``unreliable`` and without an interval where all splits gave the same.

    Raises
    ------
    SimnormError
        If there are fewer than two splits, a value is no finite number, or the shape leaves the
        share open.

    Notes
    -----
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52: with J
    splits, n1 training and n2 test rows and s the standard deviation of the values,

        variance of the mean = s^2 (1/J + n2/n1),

    and a t interval with J - 1 degrees of freedom. Bouckaert and Frank (2004), Evaluating the
    replicability of significance tests for comparing learning algorithms, take it for 10 times 10
    folds. The part s^2 n2/n1 does not shrink with repeats: these data alone cannot say more. It is
    a rule that works, and no theorem; the variance has no unbiased estimate (Bengio and Grandvalet
    2004).

    Examples
    --------
    Two learners, in two repeats of two folds; n2/n1 is 1, s^2 is 2/3 1e-4:

    >>> found = corrected_t([[0.01, 0.02], [0.02, 0.03]])
    >>> round(found.estimate, 4), round(found.mcse, 6)  # root of 2/3 1e-4 (1/4 + 1)
    (0.02, 0.009129)
    >>> round(found.ci_low, 4), round(found.ci_high, 4)  # 3.182 standard errors to both sides
    (-0.0091, 0.0491)

    As many splits that test on a tenth of the rows:

    >>> found = corrected_t([0.01, 0.02, 0.02, 0.03], test_share=0.1)
    >>> round(found.mcse, 6)
    0.004907
    """
    splits, share = _read(values, test_share)
    count = splits.size
    estimate = float(splits.mean())
    if np.ptp(splits) == 0.0:
        nothing = math.nan
        return Estimate(estimate, nothing, nothing, nothing, count, nothing, UNRELIABLE, SAME)
    error = float(splits.std(ddof=1)) * math.sqrt(1.0 / count + share / (1.0 - share))
    reach = float(t_quantile(count)) * error
    return Estimate(estimate, error, estimate - reach, estimate + reach, count, math.nan, OK, "")


def _read(values: Any, test_share: float | None) -> tuple[np.ndarray[Any, Any], float]:
    """Return the values of all splits, and the share of the rows that test."""
    try:
        splits = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SimnormError("values", values, "numbers are allowed") from None
    if splits.ndim not in (1, 2):
        allowed = "the shape (repeats, folds) or (splits,) is allowed"
        raise SimnormError("values", f"shape {splits.shape}", allowed)
    if splits.size < 2:
        raise SimnormError("values", f"{splits.size}", "two splits or more are needed")
    if not np.isfinite(splits).all():
        odd = splits[~np.isfinite(splits)][0]
        raise SimnormError("values", f"{odd}", "finite numbers are allowed")
    if test_share is None:
        if splits.ndim == 1 or splits.shape[1] < 2:
            allowed = "which share of the rows tests is not known from these values"
            hint = "Give values of shape (repeats, folds), or test_share."
            raise SimnormError("test_share", "nothing", allowed, hint)
        test_share = 1.0 / splits.shape[1]
    number = isinstance(test_share, int | float | np.number) and not isinstance(test_share, bool)
    if not (number and 0.0 < float(test_share) < 1.0):
        allowed = "a number above 0 and below 1 is allowed, such as 0.2 for five folds"
        raise SimnormError("test_share", test_share, allowed)
    return splits.ravel(), float(test_share)
