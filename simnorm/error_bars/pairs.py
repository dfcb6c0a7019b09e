"""Differences and ratios of measures of two methods, paired or not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simnorm.diagnostics import OK, UNDEFINED, Verdict
from simnorm.error_bars import shares
from simnorm.error_bars.given import ROUNDING, Errors, Floats, unit_of
from simnorm.error_bars.influence import Measure, Part, part_of, standard_error, t_count
from simnorm.error_bars.verdicts import Estimate, judged, judged_shares, t_interval

Sides = tuple[Errors, Errors]


def compared(measure: Measure, kind: str, sides: Sides, *, paired: bool) -> Estimate:
    """Return the difference or ratio of a measure of two methods."""
    unit = unit_of(*sides) if measure.power else 1.0
    a, b = (errors.scaled(unit) for errors in sides)
    parts = (part_of(measure, a), part_of(measure, b))
    if kind == "ratio":
        return _ratio(parts, measure, (a, b), paired)
    return _difference(parts, measure, (a, b), paired)._times("a", unit, measure.power)


def _difference(parts: tuple[Part, Part], measure: Measure, sides: Sides, paired: bool) -> Estimate:
    one, other = parts
    estimate = one.estimate - other.estimate
    psis = [one.psi, other.psi]
    if paired:
        psis = [_cancelled(psis, [_rounding(part, measure) for part in parts])]
    error, count = _joint(psis, sides)
    R = min(side.replications for side in sides)
    if measure.word == "coverage":
        interval = shares.paired_difference if paired else shares.unpaired_difference
        low, high = interval(parts, sides)
        return Estimate(estimate, error, low, high, R)._told(judged_shares(*sides))
    low, high = t_interval(estimate, error, count, symmetric=True)
    verdict, khat = _judged_all(psis, measure, sides)
    return Estimate(estimate, error, low, high, R, khat, *verdict[:2])


def _ratio(parts: tuple[Part, Part], measure: Measure, sides: Sides, paired: bool) -> Estimate:
    R = min(side.replications for side in sides)
    if not all(part.estimate > 0.0 for part in parts):
        nan, reason = math.nan, f"a ratio needs two values of {measure.word} above 0"
        return Estimate(nan, nan, nan, nan, R, nan, UNDEFINED, reason)
    logs = [part.psi / part.estimate for part in parts]
    psis = logs
    if paired:
        psis = [_cancelled(logs, [_rounding(part, measure) / part.estimate for part in parts])]
    error, count = _joint(psis, sides)
    ratio = parts[0].estimate / parts[1].estimate
    low, high = t_interval(ratio, ratio * error, count, symmetric=False)
    verdict, khat = _judged_all(psis, measure, sides)
    return Estimate(ratio, ratio * error, low, high, R, khat, *verdict[:2])


def _rounding(part: Part, measure: Measure) -> float:
    """Return the size of what rounding does to a measure whose largest error is about 1.

    It does to influence values what it does to a mean; squares of small deviations from a large
    bias are rounded as deviations times that bias.
    """
    size = math.sqrt(float(np.abs(part.psi).max())) if measure.power == 2 else 1.0
    return ROUNDING * size


def _cancelled(psis: Sequence[Floats], rounding: Sequence[float]) -> Floats:
    """Return the influence values of a paired difference, zero if they are made of rounding."""
    psi = psis[0] - psis[1]
    return np.zeros_like(psi) if standard_error(psi) <= max(rounding) else psi


def _joint(psis: Sequence[Floats], sides: Sides) -> tuple[float, float]:
    """Return the standard error of a sum of independent parts, and R for its t quantile.

    One more than Welch's degrees of freedom, which is R where there is one part.
    """
    counts = [t_count(side) for side in sides[: len(psis)]]
    errors = [standard_error(psi) for psi in psis]
    total = math.hypot(*errors)
    if len(psis) == 1 or total == 0.0:
        return total, min(counts)
    fourths = ((e / total) ** 4 / (R - 1.0) for e, R in zip(errors, counts, strict=True))
    return total, 1.0 / sum(fourths) + 1.0


def _judged_all(psis: Sequence[Floats], measure: Measure, sides: Sides) -> tuple[Verdict, float]:
    """Return the first bad verdict and the largest k-hat of independent parts."""
    found = [judged(psi, measure.word, side) for psi, side in zip(psis, sides, strict=False)]
    verdict = next((v for v, _ in found if v.status != OK), Verdict(OK))
    if measure.word == "quantile":
        return verdict, math.nan
    khats = [khat for _, khat in found if not math.isnan(khat)]
    return verdict, max(khats, default=math.nan)
