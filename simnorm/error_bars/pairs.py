"""Differences and ratios of measures of two methods, paired or not."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simnorm.diagnostics import OK, UNDEFINED, Verdict
from simnorm.error_bars import shares
from simnorm.error_bars.given import Errors, Floats, unit_of
from simnorm.error_bars.influence import Measure, Part, part_of, standard_error
from simnorm.error_bars.verdicts import Estimate, judged, judged_shares, t_interval

Sides = tuple[Errors, Errors]


def compared(measure: Measure, kind: str, sides: Sides, *, paired: bool) -> Estimate:
    """Return the difference or ratio of a measure of two methods."""
    unit = unit_of(*sides) if measure.power else 1.0
    a, b = (errors.scaled(unit) for errors in sides)
    parts = (part_of(measure, a), part_of(measure, b))
    if kind == "ratio":
        return _ratio(parts, measure, (a, b), paired)
    return _difference(parts, measure, (a, b), paired)._times(unit, measure.power)


def _difference(parts: tuple[Part, Part], measure: Measure, sides: Sides, paired: bool) -> Estimate:
    one, other = parts
    estimate = one.estimate - other.estimate
    psis = [one.psi - other.psi] if paired else [one.psi, other.psi]
    error, count = _joint(psis)
    R = min(side.replications for side in sides)
    if measure.word == "coverage":
        a, b = (side.values for side in sides)
        if paired:
            low, high = shares.paired_difference(one, other, a, b)
        else:
            low, high = shares.unpaired_difference(parts, (a.size, b.size))
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
    psis = [logs[0] - logs[1]] if paired else logs
    error, count = _joint(psis)
    ratio = parts[0].estimate / parts[1].estimate
    low, high = t_interval(ratio, ratio * error, count, symmetric=False)
    verdict, khat = _judged_all(psis, measure, sides)
    return Estimate(ratio, ratio * error, low, high, R, khat, *verdict[:2])


def _joint(psis: Sequence[Floats]) -> tuple[float, float]:
    """Return the standard error of a sum of independent parts, and R for its t quantile.

    One more than Welch's degrees of freedom, which is R where there is one part.
    """
    errors = [standard_error(psi) for psi in psis]
    total = math.hypot(*errors)
    if len(psis) == 1 or total == 0.0:
        return total, float(min(psi.size for psi in psis))
    fourths = ((e / total) ** 4 / (psi.size - 1.0) for e, psi in zip(errors, psis, strict=True))
    return total, 1.0 / sum(fourths) + 1.0


def _judged_all(psis: Sequence[Floats], measure: Measure, sides: Sides) -> tuple[Verdict, float]:
    """Return the first bad verdict and the largest k-hat of independent parts."""
    found = [judged(psi, measure.word, side.single) for psi, side in zip(psis, sides, strict=False)]
    verdict = next((v for v, _ in found if v.status != OK), Verdict(OK))
    if measure.word == "quantile":
        return verdict, math.nan
    khats = [khat for _, khat in found if not math.isnan(khat)]
    return verdict, max(khats, default=math.nan)
