"""The audit: which z may be looked at together, and how large the largest of them may be.

A run asks theory some hundreds of questions, but many are the same question twice. Kept are

- the measures bias and variance; mse and rmse are made of these two, the relative measures
  differ from them by a constant;
- one of each pair of proportional estimators. Against the population both variances (and both
  standard deviations) of a batch differ by the factor (n - 1)/n alone, so their z are equal.
  Against the full set they are not, but where n divides N the mean error of the biased variances
  is minus the mean squared error of the means, which is asked already;
- the full set as reference. Against the population only the bias is asked as well, at one batch
  size: the error of a batch about the population is its error about its full set plus the full
  set's own, and the latter, the same for every batch size, is all that is new.

What remains shares draws, so it is far from independent: for large n even the bias of the unbiased
variance is nearly the variance of the mean, asked again. Sidak's bound is conservative for
correlated normal variables, and holds as far as the estimates are near normal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import estimators_of, floats, named

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("bias", "variance")
PROPORTIONAL = (("unbiased_variance", "biased_variance"), ("std(ddof=1)", "std(ddof=0)"))

# One honest run in a hundred is called suspicious.
FAMILY_LEVEL = 0.01


def independent_questions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a z that ask theory something no other row asks."""
    present = estimators_of(frame)
    spare = {second for first, second in PROPORTIONAL if first in present}
    asked = frame[
        frame["measure"].isin(MEASURES)
        & np.isfinite(floats(frame, "z"))
        & ~frame["estimator"].isin(spare)
    ]
    asked = named(asked)
    # A scheme with nothing to ask about a full set is asked about the population.
    whole = asked.loc[asked["reference"] == "full_set", "sampling"].drop_duplicates()
    about_full_set = (asked["reference"] == "full_set") | ~asked["sampling"].isin(whole)
    about_population = asked[~about_full_set & (asked["measure"] == "bias")]
    once = about_population.drop_duplicates(["name", "sampling", "estimator"])
    return asked.loc[asked.index[about_full_set].append(once.index).sort_values()]


def sidak_bound(questions: int, replications: int, level: float = FAMILY_LEVEL) -> float:
    """Return what the largest of so many z exceeds in size with probability `level` or less.

    A quantile of t with replications - 1 degrees of freedom, because the standard error in z is
    estimated from so many replications.

    Examples
    --------
    >>> round(sidak_bound(1, 10**9, level=0.05), 3)
    1.96
    """
    # scipy.special, because scipy.stats takes over a second to import.
    from scipy.special import stdtrit

    each = -np.expm1(np.log1p(-level) / max(questions, 1))
    return -float(stdtrit(max(replications - 1, 1), each / 2.0))
