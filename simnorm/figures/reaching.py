"""The batch size at which an error has come down to a level: one rule for figures and texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.sampling import REPLACEMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from simnorm.figures.tables import Floats

FULL_SET = "full_set"
# Between simulated sizes further apart than this factor nothing is interpolated.
WIDEST_STEP = 4.0
# The power of n changes by no more than this from one size to the next: more would be noise.
MOST_BEND = 0.5
HALVINGS = 50
# How much of a slope goes on as far as N where there is no other to tell: powers die out.
ONE_SLOPE = 0.5


def crossing(sizes: Floats, mse: Floats, level: float, full_size: float = math.inf) -> float:
    """Return the batch size at which errors come down to a level for good; NaN if not seen.

    Between two batch sizes the mean squared error is taken as (1/n - 1/N) n^s, with a power s that
    may change along the way as the sizes on either side have it: s = 0 for a mean, -1 for the
    smallest of draws that cannot be below 0.

    Parameters
    ----------
    sizes, mse
        Ascending batch sizes and their mean squared errors; shape ``(sizes,)``.
    level
        A root mean square error.
    full_size
        N, of errors about a full set that batches are cut from: they are 0 there.

    Returns
    -------
    float
        NaN where errors are never above the level, still above it at the end, or cross it between
        sizes that are more than four times apart.

    Examples
    --------
    >>> round(crossing(np.array([40.0, 128.0]), np.array([1 / 40, 1 / 128]), 0.1), 6)
    100.0
    >>> n = np.array([20.0, 40.0])
    >>> round(crossing(n, 1 / n - 1 / 50, 0.1, full_size=50), 6)
    33.333333
    """
    above = np.flatnonzero(mse > level**2)
    if not above.size or above[-1] + 1 >= mse.size:
        return math.nan
    i = int(above[-1])
    if sizes[i + 1] > WIDEST_STEP * sizes[i]:
        return math.nan
    if (mse[sizes >= full_size] > 1e-12 * mse[i]).any():
        full_size = math.inf
    curve = _curve(sizes, mse, full_size, i)
    if curve is None:
        # Errors that are suddenly 0 follow no power.
        share = (mse[i] - level**2) / (mse[i] - mse[i + 1])
        return float(1.0 / ((1.0 - share) / sizes[i] + share / sizes[i + 1]))
    first, last = math.log(sizes[i]), math.log(sizes[i + 1])
    for _ in range(HALVINGS):
        middle = 0.5 * (first + last)
        n = math.exp(middle)
        is_above = math.exp(curve(middle)) * (1.0 / n - 1.0 / full_size) > level**2
        first, last = (middle, last) if is_above else (first, middle)
    return math.exp(last)


def _curve(sizes: Floats, mse: Floats, full_size: float, i: int) -> Callable[[float], float] | None:
    """Return ln(mse / (1/n - 1/N)) between two sizes as a function of ln n, a cubic; or None.

    Its slopes at both ends are those of parabolas through the sizes on either side.
    """
    x = np.log(sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(mse / (1.0 / sizes - 1.0 / full_size))
    if sizes[i + 1] == full_size:
        y[i + 1] = _at_the_end(x[: i + 2], y[: i + 1])
    if not np.isfinite(y[i : i + 2]).all():
        return None
    step = x[i + 1] - x[i]
    slope = (y[i + 1] - y[i]) / step
    ends: list[float | None] = []
    for inner, outer in ((i, i - 1), (i + 1, i + 2)):
        known = 0 <= outer < len(y) and bool(np.isfinite(y[outer]))
        if known:
            gap = abs(x[outer] - x[inner])
            beyond = (y[outer] - y[inner]) / (x[outer] - x[inner])
            ends.append((beyond * step + slope * gap) / (step + gap))
        else:
            ends.append(None)
    left, right = ends
    # One parabola has both slopes, as far from the chord's on either side.
    left = left if left is not None else slope if right is None else 2.0 * slope - right
    right = right if right is not None else 2.0 * slope - left
    bends = [min(max(end - slope, -MOST_BEND), MOST_BEND) for end in (left, right)]

    def value(at: float) -> float:
        t = (at - x[i]) / step
        bend = bends[0] * (1.0 - t) - bends[1] * t
        return float(y[i] + slope * step * t + step * t * (1.0 - t) * bend)

    return value


def _at_the_end(x: Floats, y: Floats) -> float:
    """Return the value at N, where an error of 0 has none: slopes go on to change as they did."""
    slopes = np.diff(y) / np.diff(x[:-1])
    if not slopes.size or not np.isfinite(slopes[-1]):
        return float(y[-1])
    ratio = slopes[-1] / slopes[-2] if slopes.size > 1 and slopes[-2] != 0.0 else math.nan
    ratio = min(max(ratio, 0.0), 1.0) if math.isfinite(ratio) else ONE_SLOPE
    return float(y[-1] + ratio * slopes[-1] * (x[-1] - x[-2]))


def size_without_error(rows: pd.DataFrame) -> float:
    """Return the batch size at which there is no error left: N, or infinity.

    Examples
    --------
    >>> import pandas as pd
    >>> from simnorm.sampling import SHUFFLE
    >>> same = {"full_size": [64], "reference": ["full_set"]}
    >>> [size_without_error(pd.DataFrame(same | {"sampling": [s]})) for s in (SHUFFLE, REPLACEMENT)]
    [64.0, inf]
    """
    if rows.empty or rows["reference"].iloc[0] != FULL_SET:
        return math.inf
    return math.inf if rows["sampling"].iloc[0] == REPLACEMENT else float(rows["full_size"].iloc[0])


def told_size(sizes: Floats, mse: Floats, level: float, full_size: float = math.inf) -> int:
    """Return `crossing` as texts and figures tell it, rounded up to two digits; 0 if not seen.

    It is never more than the next batch size of the run, which is known to be enough.

    Examples
    --------
    >>> told_size(np.array([64.0, 128.0]), np.array([1 / 64, 1 / 128]), 0.0885)
    128
    """
    found = crossing(sizes, mse, level, full_size)
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
