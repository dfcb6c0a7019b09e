"""An estimate with its error bar, and what the error bar is worth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simnorm.diagnostics import (
    OK,
    UNDEFINED,
    UNRELIABLE,
    Verdict,
    enough,
)
from simnorm.error_bars.given import Errors, Floats
from simnorm.errors import SimnormError
from simnorm.formatting import format_estimate, format_like
from simnorm.khat import FEWEST_FOR_KHAT, LARGEST_KHAT, pareto_khat
from simnorm.rare import differing
from simnorm.tally import interval

# Fewer replications that differ from all the others are too few for a standard error.
FEWEST_DIFFERING = 30
# Measures whose standard error is that of a mean of errors, not of squares.
MEANS = ("bias", "mae", "coverage", "quantile")
ALIKE = "no replication differs from another, which is no proof that none ever does"
NO_ERROR = "no standard error can be had from values that are all equal; the interval holds"


class Estimate(NamedTuple):
    """A measure with its error bar, as `mcse` and `compare` return it.

    Parameters
    ----------
    estimate
        The measure, in the unit of the errors (variance and mse: its square; coverage: a share).
    mcse
        Monte Carlo standard error. NaN where the values cannot tell it.
    ci_low, ci_high
        95 % interval. Infinite where too few errors have no such end.
    replications
        Number of replications, R: rows, labels, or single errors.
    khat
        Pareto k-hat of the influence values: above 0.5 a few replications make the standard
        error. NaN below 200 replications, and for shares and quantiles, which need no moments.
    status
        ``ok``, ``unreliable`` or ``undefined``, by the rules of the results table.
    reason
        Why it is not ``ok``, or what else should be known.
    """

    estimate: float
    mcse: float
    ci_low: float
    ci_high: float
    replications: int
    khat: float = math.nan
    status: str = OK
    reason: str = ""

    def __str__(self) -> str:
        """Return the estimate as people should see it, to two digits of its error.

        Examples
        --------
        >>> print(Estimate(0.20245, 0.00340, 0.19588, 0.20924, 2000))
        0.2024 ± 0.0034 (95 %: 0.1959 to 0.2092; R = 2,000)
        """
        ends = [
            format_like(end, self.mcse) if math.isfinite(end) else str(end)
            for end in (self.ci_low, self.ci_high)
        ]
        told = "" if self.status == OK else f"; {self.status}: {self.reason}"
        shown = format_estimate(self.estimate, self.mcse)
        return f"{shown} (95 %: {ends[0]} to {ends[1]}; R = {self.replications:,}{told})"

    def _times(self, factor: float, power: int = 1, *, over: float = 1.0) -> Estimate:
        """Return the estimate in another unit, multiplied and divided so many times."""
        values = [self.estimate, self.mcse, self.ci_low, self.ci_high]
        for _ in range(power):
            values = [value * factor / over for value in values]
        estimate, error, low, high = values
        return self._replace(estimate=estimate, mcse=error, ci_low=low, ci_high=high)

    def _told(self, verdict: Verdict) -> Estimate:
        """Return the estimate with a status; a standard error of 0 counts as one not known."""
        error, reason = self.mcse, verdict.reason
        if error == 0.0:
            error, reason = math.nan, reason or NO_ERROR
        return self._replace(mcse=error, status=verdict.status, reason=reason)

    def _checked(self, parameter: str) -> Estimate:
        """Return the estimate, or say what makes it too large for a number."""
        if math.isfinite(self.estimate) or self.status == UNDEFINED:
            return self
        allowed = "the measure must be a number below 1e308"
        hint = "Use another unit: divide the errors, and any constant, by the same number."
        raise SimnormError(parameter, "a measure too large", allowed, hint)


def t_interval(estimate: float, error: float, count: float, symmetric: bool) -> tuple[float, float]:
    """Return a 95 % t interval, on the log scale unless symmetric."""
    found = interval(
        np.array([estimate]), np.array([error]), np.array([count]), logarithmic=not symmetric
    )
    return float(found.ci_low[0]), float(found.ci_high[0])


def judged(psi: Floats, word: str, single: bool) -> tuple[Verdict, float]:
    """Return what a standard error is worth, and the k-hat, by the rules of the results table."""
    R = psi.size
    khat = float(pareto_khat(psi)) if R >= FEWEST_FOR_KHAT else math.nan
    name = "bias" if word in MEANS else "mse"
    verdict = enough(name, 1, 1 if single else 2, R, 0)
    differ = int(differing(psi[np.newaxis])[0]) if psi.any() else 0
    if verdict.status == OK and differ < min(FEWEST_DIFFERING, (R + 1) // 2):
        reason = f"only {differ} of {R:,} replications differ from the others" if differ else ALIKE
        verdict = Verdict(UNRELIABLE, reason)
    if verdict.status == OK and khat > LARGEST_KHAT:
        reason = f"a few of {R:,} replications make the standard error (Pareto k-hat {khat:.2f}"
        verdict = Verdict(UNRELIABLE, f"{reason} > {LARGEST_KHAT})")
    return verdict, khat


def judged_shares(*sides: Errors) -> Verdict:
    """Return whether there are clusters enough for a share; single values need none."""
    clustered = [side.replications for side in sides if side.replications < side.values.size]
    return enough("bias", 1, 2, min(clustered), 0) if clustered else Verdict(OK)
