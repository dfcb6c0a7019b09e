"""Laws that data are drawn from.

A law is a frozen dataclass; a new one is one class of two dozen lines and its word in
`DISTRIBUTIONS`.
"""

from __future__ import annotations

from simnorm.distributions.base import PLACES, Distribution, Moments, Tails
from simnorm.distributions.continuous import (
    Cauchy,
    Exponential,
    Gamma,
    Laplace,
    StudentT,
    Uniform,
)
from simnorm.distributions.normals import LogNormal, Normal, RectifiedNormal
from simnorm.grammar import read_spec

__all__ = ["DISTRIBUTIONS", "PLACES", "Distribution", "Moments", "Tails", "distribution"]

DISTRIBUTIONS: dict[str, type[Distribution]] = {
    law.word: law
    for law in (
        Normal,
        Uniform,
        Laplace,
        Exponential,
        Gamma,
        LogNormal,
        StudentT,
        Cauchy,
        RectifiedNormal,
    )
}


def distribution(spec: str | Distribution) -> Distribution:
    """Return the law that a spec such as ``t(df=5)`` names.

    Parameters
    ----------
    spec
        A word of `DISTRIBUTIONS` with named numbers, or a law, which is returned as it is.

    Raises
    ------
    SimnormError
        If the word or a parameter is unknown, or a parameter is out of range.

    Examples
    --------
    >>> distribution("t").variance
    1.6666666666666667
    """
    if isinstance(spec, Distribution):
        return spec
    return read_spec(spec, DISTRIBUTIONS, "distributions")
