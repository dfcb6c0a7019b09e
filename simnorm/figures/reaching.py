"""The batch size at which an error has come down to a level: one rule for figures and texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simnorm.figures.tables import Floats

# Between simulated sizes further apart than this factor nothing is interpolated.
WIDEST_STEP = 4.0


def crossing(sizes: Floats, mse: Floats, level: float) -> float:
    """Return the batch size at which errors come down to a level for good; NaN if not seen.

    Between two batch sizes the mean squared error is taken as linear in 1/n, its leading term.

    Parameters
    ----------
    sizes, mse
        Ascending batch sizes and their mean squared errors; shape ``(sizes,)``.
    level
        A root mean square error.

    Returns
    -------
    float
        NaN where errors are never above the level, still above it at the end, or cross it between
        sizes that are more than four times apart.

    Examples
    --------
    >>> round(crossing(np.array([40.0, 128.0]), np.array([1 / 40, 1 / 128]), 0.1), 6)
    100.0
    """
    above = np.flatnonzero(mse > level**2)
    if not above.size or above[-1] + 1 >= mse.size:
        return math.nan
    i = above[-1]
    if sizes[i + 1] > WIDEST_STEP * sizes[i]:
        return math.nan
    share = (mse[i] - level**2) / (mse[i] - mse[i + 1])
    return float(1.0 / ((1.0 - share) / sizes[i] + share / sizes[i + 1]))


def told_size(sizes: Floats, mse: Floats, level: float) -> int:
    """Return `crossing` as texts and figures tell it, rounded up to two digits; 0 if not seen.

    It is never more than the next batch size of the run, which is known to be enough.

    Examples
    --------
    >>> told_size(np.array([64.0, 128.0]), np.array([1 / 64, 1 / 128]), 0.0885)
    128
    """
    found = crossing(sizes, mse, level)
    if math.isnan(found):
        return 0
    return min(rounded_up(found), int(sizes[sizes >= found * (1.0 - 1e-12)][0]))


def rounded_up(value: float, digits: int = 2) -> int:
    """Return a whole number, rounded up to so many digits.

    Examples
    --------
    >>> rounded_up(50.2), rounded_up(197.3), rounded_up(7.0)
    (51, 200, 7)
    """
    whole = math.ceil(value - 1e-9)
    step = int(10 ** max(0, len(str(whole)) - digits))
    return math.ceil(whole / step) * step
