"""Laws that data are drawn from.

A law is a frozen dataclass; a new one is one class of two dozen lines and its word in
`DISTRIBUTIONS`.
"""

from __future__ import annotations

import functools

import numpy as np

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
from simnorm.distributions.from_scipy import (
    PREFIX,
    frozen_spec,
    is_frozen,
    own_word,
    scipy_law,
)
from simnorm.distributions.mixtures import WORD, Mixture, mixture, read_mixture
from simnorm.distributions.normals import (
    ContaminatedNormal,
    HalfNormal,
    LogNormal,
    Normal,
    RectifiedNormal,
)
from simnorm.distributions.shaped import GenNormal, Pareto, Weibull
from simnorm.distributions.skewed import SkewNormal
from simnorm.errors import SimnormError
from simnorm.grammar import parse_spec, read_spec, spec_text

__all__ = [
    "DISTRIBUTIONS",
    "PLACES",
    "Distribution",
    "Mixture",
    "Moments",
    "Tails",
    "distribution",
    "mixture",
]

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


def distribution(spec: object) -> Distribution:
    """Return the law that a spec such as ``t(df=5)`` names.

    Parameters
    ----------
    spec
        A word of `DISTRIBUTIONS` with named numbers, or ``scipy.NAME`` with them for any other
        continuous law of scipy; a scipy law with its shapes, such as ``scipy.stats.norm(loc=2)``;
        or a law, which is returned as it is.

    Raises
    ------
    SimnormError
        If the word or a parameter is unknown, or a parameter is out of range.

    Examples
    --------
    >>> distribution("t").variance
    1.6666666666666667
    >>> str(distribution("scipy.norm(loc=2)")), str(distribution("scipy.genextreme(c=0.1)"))
    ('normal(loc=2)', 'scipy.genextreme(c=0.1)')
    """
    if isinstance(spec, Distribution):
        return spec
    if isinstance(spec, str):
        return _read(spec)
    if is_frozen(spec):
        word, values = frozen_spec(spec)
        return _kinds(word)[word](**values)
    if hasattr(spec, "rvs") and hasattr(spec, "shapes"):
        allowed = "a scipy law comes with its shapes, as scipy.stats.gamma(3)"
        raise SimnormError("distributions", getattr(spec, "name", spec), allowed)
    if isinstance(spec, np.ndarray):
        allowed = "a law is needed, data as the full set are not supported yet"
        raise SimnormError("distributions", f"an array of shape {spec.shape}", allowed)
    return read_spec(spec, DISTRIBUTIONS, "distributions")


@functools.lru_cache(maxsize=1024)
def _read(spec: str) -> Distribution:
    if spec.strip().startswith(WORD):
        return read_mixture(spec)
    word, values = parse_spec(spec, "distributions")
    if own_word(word) != word:
        return _read(spec_text(own_word(word), values))
    return read_spec(spec, _kinds(word), "distributions")


def _kinds(word: str) -> dict[str, type[Distribution]]:
    """Return the laws that a word may name; those of scipy are made when they are asked for."""
    return {word: scipy_law(word)} if word.startswith(PREFIX) else DISTRIBUTIONS
