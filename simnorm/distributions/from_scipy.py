"""Continuous laws of scipy.stats that have no word of their own: ``scipy.genextreme(c=0.1)``."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from simnorm.distributions.base import INFINITE, PLACES, Distribution, Floats, Moments, Tails
from simnorm.distributions.density import Panels
from simnorm.distributions.moments import AllMoments, Even
from simnorm.errors import SimnormError, nearest

Kept = TypeVar("Kept")

PREFIX = "scipy."
# What scipy calls the laws that have a word here; shapes have the same names.
WORDS = {
    "norm": "normal",
    "uniform": "uniform",
    "triang": "triangular",
    "laplace": "laplace",
    "logistic": "logistic",
    "gumbel_r": "gumbel",
    "expon": "exponential",
    "gamma": "gamma",
    "chi2": "chi2",
    "beta": "beta",
    "weibull_min": "weibull",
    "lognorm": "lognormal",
    "t": "t",
    "pareto": "pareto",
    "cauchy": "cauchy",
    "skewnorm": "skewnormal",
    "gennorm": "gennormal",
    "halfnorm": "halfnormal",
    "bernoulli": "bernoulli",
    "poisson": "poisson",
}
# Milliseconds for a single value: a table would take minutes.
TOO_SLOW = ("kstwo", "levy_stable", "studentized_range")
# Where a power tail shows its index: the first four places whose log densities are all finite.
FAR = (
    (1e20, 1e22, 1e38, 1e40),
    (1e10, 1e11, 1e19, 1e20),
    (1e5, 1e6, 1e9, 1e10),
    (1e3, 2e3, 5e3, 1e4),
)
SAME_SLOPE = 1e-4
# Total mass and scipy's own distribution function must agree with the density to this.
LARGEST_GAP = 1e-7
# Formulas are taken where quadrature confirms them to this.
SAME_MOMENT = 1e-6
MARKS = (1e-3, 0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99, 0.999)


@dataclass(frozen=True, kw_only=True)
class ScipyLaw(Distribution):
    """A continuous law of scipy, with scipy's shapes; a subclass for each is made when needed."""

    name: ClassVar[str]
    word: ClassVar[str]
    note: ClassVar[str] = "of scipy.stats"
    shapes: ClassVar[tuple[str, ...]]

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        from simnorm.distributions import distribution

        return distribution, (str(self),)

    def _checked(self, name: str, value: object) -> float:
        if value is None:
            missing = f"{self.word} needs its shape {name}"
            named = ",".join(f"{shape}=..." for shape in self.shapes)
            raise SimnormError("distributions", self.word, missing, f"Write {self.word}({named}).")
        return super()._checked(name, value)

    def _range(self, name: str) -> str:
        return super()._range(name) if name in PLACES else "that is finite"

    def _check_shapes(self) -> None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if not np.all(self._dist._argcheck(*self._values)):
                allowed = f"scipy does not allow these shapes of {self.name}{self._domains()}"
                raise SimnormError("distributions", str(self), allowed)
            trouble = _trouble(self.name, self._values)
        if trouble:
            raise SimnormError("distributions", str(self), trouble)

    def _domains(self) -> str:
        """Return what scipy says of the shapes, if it does."""
        told = [
            f"{shape.name} from {shape.domain[0]:g} to {shape.domain[1]:g}"
            for shape in getattr(self._dist, "_shape_info", list)()
        ]
        return f": {', '.join(told)}" if told else ""

    @property
    def _dist(self) -> Any:
        return _scipy(self.name)

    @property
    def _values(self) -> tuple[float, ...]:
        return tuple(getattr(self, shape) for shape in self.shapes)

    def standard_moments(self) -> Moments:  # noqa: D102
        return _moments(self.name, self._values).moments

    def even_moments(self) -> Even:  # noqa: D102
        return _moments(self.name, self._values).even

    def tails(self) -> Tails:  # noqa: D102
        return _tails(self.name, self._values)

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return _support(self.name, self._values)

    def standard_pivot(self) -> float:  # noqa: D102
        return self.standard_median()

    def standard_unit(self) -> float:  # noqa: D102
        quarter = np.array([0.25, 0.75])
        low, high = self.standard_quantile(quarter, 1.0 - quarter)
        return float(high - low)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        return _panels(self.name, self._values).probabilities(x)

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        return _panels(self.name, self._values).quantile(lower, upper)


@functools.cache
def scipy_law(word: str) -> type[ScipyLaw]:
    """Return the class of a scipy law, from its word such as ``scipy.genextreme``."""
    from scipy import stats

    name = word.removeprefix(PREFIX)
    dist = getattr(stats, name, None)
    if not isinstance(dist, stats.rv_continuous):
        names = [n for n in dir(stats) if isinstance(getattr(stats, n), stats.rv_continuous)]
        allowed = "scipy.stats has no continuous distribution of that name"
        if isinstance(dist, stats.rv_discrete):
            allowed = "of scipy's discrete distributions only bernoulli and poisson are allowed"
            names = []
        raise SimnormError("distributions", word, allowed, nearest(name, names).strip())
    if name in TOO_SLOW:
        raise SimnormError("distributions", word, "scipy's functions of it are too slow to use")
    shapes = tuple(dist.shapes.replace(",", " ").split()) if dist.shapes else ()
    spec: list[Any] = [(shape, float, field(default=None)) for shape in shapes]
    limits = dict.fromkeys(shapes, (-INFINITE, INFINITE))
    said = {"name": name, "word": word, "shapes": shapes, "limits": limits}
    return make_dataclass(
        f"Scipy_{name}", spec, bases=(ScipyLaw,), namespace=said, frozen=True, kw_only=True
    )


def own_word(word: str) -> str:
    """Return our word of a scipy law that has one, else the word itself."""
    return WORDS.get(word.removeprefix(PREFIX), word) if word.startswith(PREFIX) else word


def is_frozen(law: object) -> bool:
    """Whether this is a scipy law with its shapes, without importing scipy to know."""
    return type(law).__module__.startswith("scipy.stats") and hasattr(law, "dist")


def frozen_spec(law: Any) -> tuple[str, dict[str, float]]:
    """Return the word and the numbers of a frozen scipy law."""
    dist: Any = law.dist
    name, shaped = dist.name, dist.shapes
    word = own_word(PREFIX + name)
    if not _is_scipys(dist):
        raise SimnormError("distributions", law, "only scipy's own distributions are allowed")
    if word.startswith(PREFIX) and not _is_continuous(dist):
        allowed = "of scipy's discrete distributions only bernoulli and poisson are allowed"
        raise SimnormError("distributions", name, allowed)
    shapes, loc, scale = dist._parse_args(*law.args, **law.kwds)
    names = shaped.replace(",", " ").split() if shaped else []
    values = dict(zip([*names, "loc", "scale"], [*shapes, loc, scale], strict=True))
    if any(np.ndim(value) for value in values.values()):
        raise SimnormError("distributions", name, "one number for each parameter is allowed")
    return word, {key: float(value) for key, value in values.items()}


def _is_scipys(dist: Any) -> bool:
    from scipy import stats

    return type(getattr(stats, dist.name, None)) is type(dist)


def _is_continuous(dist: Any) -> bool:
    from scipy import stats

    return isinstance(dist, stats.rv_continuous)


def _scipy(name: str) -> Any:
    from scipy import stats

    return getattr(stats, name)


def _quietly(function: Callable[[str, tuple[float, ...]], Kept]) -> Callable[..., Kept]:
    """Keep scipy's warnings about its own numbers to itself: results are checked here."""

    @functools.lru_cache(maxsize=256)
    @functools.wraps(function)
    def quiet(name: str, shapes: tuple[float, ...]) -> Kept:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(name, shapes)

    return quiet


@_quietly
def _support(name: str, shapes: tuple[float, ...]) -> tuple[float, float]:
    lower, upper = _scipy(name).support(*shapes)
    return float(lower), float(upper)


@_quietly
def _tails(name: str, shapes: tuple[float, ...]) -> Tails:
    dist, ends = _scipy(name), _support(name, shapes)
    indices = []
    for sign, end in zip((-1.0, 1.0), ends, strict=True):
        indices.append(INFINITE if math.isfinite(end) else _index(dist, shapes, sign))
    return Tails(*indices)


def _index(dist: Any, shapes: tuple[float, ...], sign: float) -> float:
    """Return the tail index nu of a density like x^-(nu + 1), infinite for a lighter one."""
    for places in FAR:
        log = dist.logpdf(sign * np.array(places), *shapes)
        if not np.isfinite(log).all():
            continue
        steps = np.diff(log)[[0, 2]] / np.diff(np.log(places))[[0, 2]]
        if abs(steps[1] - steps[0]) <= SAME_SLOPE * abs(steps[1]):
            # The last digits of a slope are rounding, and 3 must not read as 3.0000000001.
            digits = 9 if places[-1] > 1e15 else 6
            return float(f"{-steps[1] - 1.0:.{digits}g}")
        return INFINITE
    return INFINITE


@_quietly
def _panels(name: str, shapes: tuple[float, ...]) -> Panels:
    dist, support = _scipy(name), _support(name, shapes)
    marks = np.array([float(dist.ppf(p, *shapes)) for p in MARKS])
    inside = np.isfinite(marks) & (marks > support[0]) & (marks < support[1])
    return Panels(
        lambda x: np.asarray(dist.pdf(x, *shapes), dtype=np.float64),
        support,
        np.unique(marks[inside]).tolist(),
        _tails(name, shapes),
    )


@_quietly
def _trouble(name: str, shapes: tuple[float, ...]) -> str:
    """Return why a law cannot be used, or an empty text."""
    panels = _panels(name, shapes)
    if not abs(panels.total - 1.0) <= LARGEST_GAP:
        return "scipy's density of it does not integrate to 1"
    p = np.array([0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
    x = panels.quantile(p, 1.0 - p)
    if not (np.abs(_scipy(name).cdf(x, *shapes) - p) <= LARGEST_GAP).all():
        return "scipy's density and distribution function of it do not agree"
    return ""


@_quietly
def _moments(name: str, shapes: tuple[float, ...]) -> AllMoments:
    """Return scipy's formulas where quadrature confirms them, else the quadrature."""
    found = _panels(name, shapes).moments()
    dist = _scipy(name)
    if not _has_formulas(dist):
        return found
    try:
        stated = [float(value) for value in dist.stats(*shapes, moments="mvsk")]
    except (ArithmeticError, ValueError, TypeError, NotImplementedError):
        return found
    # The skewness of a symmetric law is 0, and the quadrature's is rounding.
    chosen = [
        other
        if abs(own - other) <= SAME_MOMENT * max(abs(own), 1e-3 if order > 2 else 0.0)
        else own
        for order, (own, other) in enumerate(zip(found.moments, stated, strict=True), start=1)
    ]
    return AllMoments(Moments(*chosen), found.even)


def _has_formulas(dist: Any) -> bool:
    from scipy import stats

    return type(dist)._stats is not stats.rv_continuous._stats
