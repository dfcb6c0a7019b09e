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

The studies have quantities of their own, of which `inputs_questions` and `running_questions` keep
one of those that ask the same.

What remains shares draws, so it is far from independent: for large n even the bias of the unbiased
variance is nearly the variance of the mean, asked again. Sidak's bound is conservative for
correlated normal variables, and holds as far as the estimates are near normal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simnorm.errors import SimnormError
from simnorm.figures.tables import FULL_SET, estimators_of, floats, named
from simnorm.presets import Precise, average

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

MEASURES = ("bias", "variance")
PROPORTIONAL = (("unbiased_variance", "biased_variance"), ("std(ddof=1)", "std(ddof=0)"))

# What is asked of every quantity of the study inputs. Correlation, best gamma and errors value by
# value ask again what the error by the identity has asked; gamma and beta ask nothing new of it,
# and an RMSE nothing that its square has not.
INPUTS_ASKED = {
    "normalized_value": "mse", "output_skewness": "mean", "output_excess_kurtosis": "mean",
    "constant_batches": "mean", "unseen_share": "mean", "worst_in_batch": "mean",
    "worst_in_epoch": "mean", "min_max_value": "mse", "robust_value": "mse",
    "quantile_value": "mse",
}  # fmt: skip

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


def inputs_questions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a study `inputs` with a z that ask something no other row asks.

    Errors are asked about the full set, about the population where a source has no other reference,
    for every epsilon and the first gamma and beta.
    """
    asked = frame["measure"] == frame["estimator"].map(INPUTS_ASKED)
    frame = frame[asked & np.isfinite(floats(frame, "z"))]
    whole = frame.loc[frame["reference"] == FULL_SET, "sampling"].drop_duplicates()
    frame = frame[frame["reference"].isin(["", FULL_SET]) | ~frame["sampling"].isin(whole)]
    # Of no rows `str.partition` would make no columns.
    found = frame["factors"].astype(str).str.split(";").str[0]
    first = frame.assign(epsilon=found).drop_duplicates("epsilon")["factors"]
    return named(frame[frame["factors"].isin(first)])


def running_questions(frame: pd.DataFrame, presets: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of a study `running` with a z that ask something no other row asks.

    A drift moves errors by a number that is known, and the divisor stretches them, so that one
    preset of each momentum is asked, and pooled variances apart.

    Parameters
    ----------
    frame
        The table, with the columns `preset` and `drift`.
    presets
        The presets in their order; as they appear in the table if left out.
    """
    presets = presets or [str(word) for word in frame["preset"].drop_duplicates()]
    means: dict[float | None, str] = {}
    variances: dict[tuple[float | None, bool], str] = {}
    for preset in presets:
        kind = average(preset)
        means.setdefault(kind.momentum, preset)
        variances.setdefault((kind.momentum, isinstance(kind, Precise)), preset)
    keep = (frame["estimator"] == "running_mean") & frame["preset"].isin(set(means.values()))
    keep |= (frame["estimator"] == "running_variance") & frame["preset"].isin(
        set(variances.values())
    )
    found = independent_questions(frame[keep & (frame["drift"] == frame["drift"].iloc[0])])
    # A replication is a single error here.
    return found.assign(z=z_by_logarithms(found, floats(found, "replications")))


def z_by_logarithms(rows: pd.DataFrame, errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return z of biases as they are, of variances by logarithms.

    An estimated variance is skew, and small together with its own standard error. Logarithms, of
    which its interval is made too, are nearer to normal; of m independent normal errors the
    variance is about chi-square with m - 1 degrees of freedom, and its logarithm has a standard
    error of sqrt(2/m). A smaller one is not believed.

    Parameters
    ----------
    rows
        Rows of a table, each with estimate, MCSE and theory.
    errors
        How many errors m each row is made of.

    Examples
    --------
    >>> import pandas as pd
    >>> values = {"measure": "variance", "estimate": 0.5, "mcse": 0.1, "theory": 1.0, "z": -5.0}
    >>> z_by_logarithms(pd.DataFrame([values]), np.array([200.0])).round(2)  # log(1/2) / 0.2
    array([-3.47])
    """
    estimate, mcse, theory = (floats(rows, word) for word in ("estimate", "mcse", "theory"))
    with np.errstate(all="ignore"):
        least = np.sqrt(2.0 / errors)
        logs = np.log(estimate / theory) / np.maximum(mcse / estimate, least)
    is_variance = (rows["measure"] == "variance").to_numpy(dtype=bool) & np.isfinite(logs)
    return np.where(is_variance, logs, floats(rows, "z"))


def questions_of(study: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a study's table that ask theory something no other row asks.

    Raises
    ------
    SimnormError
        If nothing is known of such a study.
    """
    known = {
        "sweep": independent_questions,
        "inputs": inputs_questions,
        "running": running_questions,
    }
    if study not in known:
        raise SimnormError("study", study, f"allowed are {', '.join(known)}")
    return known[study](frame)


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
