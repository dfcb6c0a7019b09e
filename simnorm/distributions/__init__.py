"""Laws that data are drawn from.

A law is a frozen dataclass; a new one is one class of two dozen lines and its word in
`DISTRIBUTIONS`.
"""

from __future__ import annotations

from simnorm.distributions.base import PLACES, Distribution, Moments, Tails
from simnorm.distributions.bounded import Beta, Triangular
from simnorm.distributions.continuous import (
    Cauchy,
    ChiSquare,
    Exponential,
    Gamma,
    Gumbel,
    Laplace,
    Logistic,
    StudentT,
    Uniform,
)
from simnorm.distributions.discrete import Bernoulli, Poisson
from simnorm.distributions.normals import (
    ContaminatedNormal,
    HalfNormal,
    LogNormal,
    Normal,
    RectifiedNormal,
)
from simnorm.distributions.shaped import GenNormal, Pareto, Weibull
from simnorm.distributions.skewed import SkewNormal
from simnorm.grammar import read_spec

__all__ = ["DISTRIBUTIONS", "PLACES", "Distribution", "Moments", "Tails", "distribution"]

DISTRIBUTIONS: dict[str, type[Distribution]] = {
    law.word: law
    for law in (
        Normal,
        Uniform,
        Triangular,
        Laplace,
        Logistic,
        Gumbel,
        Exponential,
        Gamma,
        ChiSquare,
        Beta,
        Weibull,
        LogNormal,
        StudentT,
        Pareto,
        Cauchy,
        SkewNormal,
        GenNormal,
        HalfNormal,
        RectifiedNormal,
        ContaminatedNormal,
        Bernoulli,
        Poisson,
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
