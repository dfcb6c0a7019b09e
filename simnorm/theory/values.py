"""Values that say whether they are exact, and what two moments of an error make of them."""

from __future__ import annotations

import math

from simnorm.theory.moments import Pair

MEASURES = ("bias", "variance", "mse", "rmse")


class Value(float):
    """A theoretical value: a float that knows its `kind`, ``exact`` or ``asymptotic``.

    Examples
    --------
    >>> value = Value(0.25, "exact")
    >>> float(value), value.kind
    (0.25, 'exact')
    """

    kind: str

    def __new__(cls, value: float, kind: str) -> Value:
        """Make a float with a kind."""
        made = super().__new__(cls, value)
        made.kind = kind
        return made


def values_of_pair(pair: Pair) -> dict[str, Value]:
    """Return the values of all measures that a bias and a variance give.

    Examples
    --------
    >>> values_of_pair(Pair(3.0, 16.0))["rmse"]
    5.0
    """
    # A moment that does not exist is not finite: there may be a bias, but no variance. Where no
    # bias is known it is of a lower order.
    mse = pair.variance + (0.0 if math.isnan(pair.bias) else pair.bias * pair.bias)
    numbers = (pair.bias, pair.variance, mse, math.sqrt(mse) if mse >= 0.0 else math.nan)
    return {
        measure: Value(number, pair.kind)
        for measure, number in zip(MEASURES, numbers, strict=True)
        if math.isfinite(number)
    }
