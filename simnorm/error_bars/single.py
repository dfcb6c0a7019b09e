"""A measure of the errors of one method, with its error bar."""

from __future__ import annotations

import math

from simnorm.diagnostics import OK, UNRELIABLE, Verdict
from simnorm.error_bars import shares
from simnorm.error_bars.given import Errors, unit_of
from simnorm.error_bars.influence import Measure, part_of, t_count
from simnorm.error_bars.verdicts import Estimate, judged, judged_shares, t_interval
from simnorm.errors import SimnormError

# The measures that other toolkits have formulas for, and their quantile.
NORMAL = ("bias", "variance", "sd", "mse", "rmse", "coverage")
Z = 1.959963984540054


def estimated(measure: Measure, errors: Errors) -> Estimate:
    """Return a measure of errors with its error bar and status."""
    unit = unit_of(errors) if measure.power else 1.0
    scaled = errors.scaled(unit)
    part = part_of(measure, scaled)
    if measure.word == "coverage":
        low, high = shares.share_interval(part, scaled)
        found = Estimate(part.estimate, part.mcse, low, high, errors.replications)
        return found._told(judged_shares(scaled))
    if measure.word == "quantile":
        low, high = shares.quantile_interval(scaled, measure.q)
        # Between two errors at the end of a small sample the estimate may lie outside of both.
        low, high = min(low, part.estimate), max(high, part.estimate)
        found = Estimate(part.estimate, part.mcse, low, high, errors.replications)
        return found._told(_judged_ends(scaled, low, high))._times("errors", unit)
    low, high = t_interval(part.estimate, part.mcse, t_count(errors), measure.signed)
    verdict, khat = judged(part.psi, measure.word, errors)
    found = Estimate(part.estimate, part.mcse, low, high, errors.replications, khat, *verdict[:2])
    return found._times("errors", unit, measure.power)


def _judged_ends(errors: Errors, low: float, high: float) -> Verdict:
    """Return the status of a quantile, whose interval may lack an end."""
    verdict = judged_shares(errors)
    missing = [end for end, at in (("lower", low), ("upper", high)) if math.isinf(at)]
    if verdict.status != OK or not missing:
        return verdict
    reason = f"so few errors give its interval no {' and no '.join(missing)} end"
    return Verdict(UNRELIABLE, reason)


def by_normal_theory(measure: Measure, errors: Errors, name: str) -> Estimate:
    """Return what rsimsum and simsum would print, intervals as their users make them."""
    if measure.word not in NORMAL:
        allowed = f"normal_theory has formulas for {', '.join(NORMAL)}"
        raise SimnormError("measure", name, allowed)
    if errors.index is not None:
        allowed = "normal_theory takes every error for independent"
        raise SimnormError("cluster", "errors in replications", allowed, "Leave one of them out.")
    unit = unit_of(errors) if measure.power else 1.0
    e, n = errors.values / unit, errors.values.size
    bias, sd, mse = float(e.mean()), float(e.std(ddof=1)), float((e * e).mean())
    of_mse = float((e * e).std(ddof=1)) / math.sqrt(n)
    estimate, error = {
        "bias": (bias, sd / math.sqrt(n)),
        "variance": (sd * sd, sd * sd * math.sqrt(2.0 / (n - 1.0))),
        "sd": (sd, sd / math.sqrt(2.0 * (n - 1.0))),
        "mse": (mse, of_mse),
        "rmse": (math.sqrt(mse), of_mse / (2.0 * math.sqrt(mse)) if mse else 0.0),
        "coverage": (bias, math.sqrt(max(bias * (1.0 - bias), 0.0) / n)),
    }[measure.word]
    reason = "formulas of normal theory, to reproduce other toolkits"
    low, high = estimate - Z * error, estimate + Z * error
    found = Estimate(estimate, error, low, high, n, math.nan, UNRELIABLE, reason)
    return found._times("errors", unit, measure.power)
