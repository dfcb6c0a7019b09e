"""Laws that data are drawn from: parameters, filling an array, exact moments, tail indices.

A law is a frozen dataclass. Its own fields are scipy's shape parameters; `loc` and `scale`, always
applied last, come with the base class. A new law is one class of a dozen lines and its word in
`DISTRIBUTIONS`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, localcontext
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError
from simnorm.grammar import number_text, read_spec, spec_text

Floats = NDArray[np.float64]

INFINITE = math.inf
UNDEFINED = math.nan


class Moments(NamedTuple):
    """Mean, variance, skewness and excess kurtosis; NaN or infinity where there is none."""

    mean: float
    variance: float
    skewness: float
    excess_kurtosis: float


class Tails(NamedTuple):
    """Tail indices: P(X < -x) falls like x^-lower and P(X > x) like x^-upper."""

    lower: float
    upper: float


LIGHT = Tails(INFINITE, INFINITE)

# Beyond these, eighth powers of the data would leave the range of doubles.
SMALLEST, LARGEST = 1e-30, 1e30
# With a coarser grid of doubles about loc, rounding would be seen in the variances.
SPACINGS = 1000.0
PLACES = {"loc": (-LARGEST, LARGEST), "scale": (SMALLEST, LARGEST)}


def _fill_normal(rng: np.random.Generator, out: Floats) -> None:
    """Fill with standard normals; the compiled loop draws the very same bits as numpy."""
    compiled = compiled_kernels()
    if compiled is not None and out.flags.c_contiguous:
        compiled.fill_normal(rng, out)
    else:
        rng.standard_normal(out=out)


@functools.cache
def compiled_kernels():  # type: ignore[no-untyped-def]  # a module or None
    """Return the module of compiled loops, or None where numba cannot be imported."""
    try:
        from simnorm import kernels
    except ImportError:
        return None
    return kernels


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A law with known moments, placed by `loc` and `scale`.

    Parameters
    ----------
    loc, scale
        The law of ``loc + scale * X``, X being the standard form.

    Raises
    ------
    SimnormError
        If a parameter is not finite or out of range.

    Examples
    --------
    >>> law = distribution("gamma(a=2,scale=3)")
    >>> law.mean, law.variance, law.excess_kurtosis
    (6.0, 18.0, 3.0)
    >>> str(law)
    'gamma(a=2,scale=3)'
    """

    loc: float = field(default=0.0)
    scale: float = field(default=1.0)

    word: ClassVar[str]
    note: ClassVar[str]
    # Shape parameters must lie above the first of these and at most at the second.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def __post_init__(self) -> None:
        """Refuse parameters out of range before anything is drawn."""
        for name in (f.name for f in fields(self)):
            object.__setattr__(self, name, self._checked(name, getattr(self, name)))
        if self.unit < SPACINGS * math.ulp(self.loc):
            allowed = f"next to loc={number_text(self.loc)} doubles cannot tell such data apart"
            raise SimnormError("distributions", f"scale={self.scale}", allowed, "Shift the data.")

    def _checked(self, name: str, value: object) -> float:
        lowest, highest = {**PLACES, **self.limits}[name]
        limit = "" if highest == INFINITE else f" and at most {number_text(highest)}"
        where = f"{name} of {self.word} must be a number above {number_text(lowest)}{limit}"
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise SimnormError("distributions", value, where)
        number = float(value)
        if not (math.isfinite(number) and lowest < number <= highest):
            raise SimnormError("distributions", f"{name}={value}", where)
        return number + 0.0  # -0.0 becomes 0.0: one law, one name

    def __str__(self) -> str:
        """Return the canonical spec: shapes always, loc and scale where they differ."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        placed = {"loc": values.pop("loc"), "scale": values.pop("scale")}
        defaults = {"loc": 0.0, "scale": 1.0}
        values |= {key: value for key, value in placed.items() if value != defaults[key]}
        return spec_text(self.word, values)

    # What a law has to say of its standard form.

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:
        """Fill `out` with independent draws of the standard form."""
        raise NotImplementedError

    def standard_moments(self) -> Moments:
        """Return the moments of the standard form."""
        raise NotImplementedError

    def even_moments(self) -> tuple[float, float]:
        """Return the sixth and eighth central moment over sigma^6 and sigma^8."""
        raise NotImplementedError

    def standard_median(self) -> float:
        """Return the median of the standard form."""
        raise NotImplementedError

    def standard_support(self) -> tuple[float, float]:
        """Return the ends of the standard form's support."""
        return (-INFINITE, INFINITE)

    def standard_pivot(self) -> float:
        """Return the point about which sums are taken: the mean, or where an atom sits."""
        mean = self.standard_moments().mean
        return mean if math.isfinite(mean) else self.standard_median()

    def standard_unit(self) -> float:
        """Return the size of a typical deviation: the standard deviation, if there is one."""
        variance = self.standard_moments().variance
        return math.sqrt(variance) if math.isfinite(variance) else 1.0

    def tails(self) -> Tails:
        """Return the tail indices, infinite for light tails."""
        return LIGHT

    # What follows for every law.

    def fill(self, rng: np.random.Generator, out: Floats) -> None:
        """Fill the C-contiguous array `out` with independent draws from `rng`."""
        self.standard_fill(rng, out)
        if self.scale != 1.0:
            out *= self.scale
        if self.loc != 0.0:
            out += self.loc

    @property
    def mean(self) -> float:
        """Population mean, NaN where there is none."""
        return self.loc + self.scale * self.standard_moments().mean

    @property
    def variance(self) -> float:
        """Population variance, NaN or infinite where there is none."""
        return self.scale * self.scale * self.standard_moments().variance

    @property
    def std(self) -> float:
        """Population standard deviation."""
        return self.scale * math.sqrt(self.standard_moments().variance)

    @property
    def skewness(self) -> float:
        """Population skewness."""
        return self.standard_moments().skewness

    @property
    def excess_kurtosis(self) -> float:
        """Population excess kurtosis, 0 for the normal law."""
        return self.standard_moments().excess_kurtosis

    @functools.cached_property
    def squares_kurtosis(self) -> float:
        """Excess kurtosis of (X - mean)^2, infinite where the eighth moment is."""
        fourth, (sixth, eighth) = self.excess_kurtosis + 3.0, self.even_moments()
        if not math.isfinite(eighth):
            return INFINITE
        return (eighth - 4.0 * sixth + 6.0 * fourth - 3.0) / (fourth - 1.0) ** 2 - 3.0

    @property
    def median(self) -> float:
        """Population median."""
        return self.loc + self.scale * self.standard_median()

    @property
    def support(self) -> tuple[float, float]:
        """Ends of the support."""
        lower, upper = self.standard_support()
        return self.loc + self.scale * lower, self.loc + self.scale * upper

    @property
    def pivot(self) -> float:
        """Point about which sums of observations are taken."""
        return self.loc + self.scale * self.standard_pivot()

    @property
    def unit(self) -> float:
        """Size in which sums of observations are taken."""
        return self.scale * self.standard_unit()

    @property
    def is_normal(self) -> bool:
        """Whether the theory of the normal law holds."""
        return isinstance(self, Normal)


@dataclass(frozen=True, kw_only=True)
class Normal(Distribution):
    """The Gaussian law."""

    word: ClassVar[str] = "normal"
    note: ClassVar[str] = "Gaussian"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        _fill_normal(rng, out)

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.0, 1.0, 0.0, 0.0)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        return (15.0, 105.0)

    def standard_median(self) -> float:  # noqa: D102
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Uniform(Distribution):
    """The uniform law on [loc, loc + scale)."""

    word: ClassVar[str] = "uniform"
    note: ClassVar[str] = "flat on [loc, loc + scale)"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        rng.random(out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.5, 1.0 / 12.0, 0.0, -1.2)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        return (27.0 / 7.0, 9.0)

    def standard_median(self) -> float:  # noqa: D102
        return 0.5

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Laplace(Distribution):
    """The double exponential law."""

    word: ClassVar[str] = "laplace"
    note: ClassVar[str] = "double exponential, excess kurtosis 3"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        out[...] = rng.laplace(size=out.shape)

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(0.0, 2.0, 0.0, 3.0)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        return (90.0, 2520.0)  # r!/2^(r/2)

    def standard_median(self) -> float:  # noqa: D102
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Exponential(Distribution):
    """The exponential law with mean `scale`, starting at `loc`."""

    word: ClassVar[str] = "exponential"
    note: ClassVar[str] = "skewness 2, excess kurtosis 6"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        rng.standard_exponential(out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(1.0, 1.0, 2.0, 6.0)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        return (265.0, 14_833.0)

    def standard_median(self) -> float:  # noqa: D102
        return math.log(2.0)

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)


@dataclass(frozen=True, kw_only=True)
class StudentT(Distribution):
    """Student's t law; moments of order `df` and above do not exist."""

    df: float = 5.0

    word: ClassVar[str] = "t"
    note: ClassVar[str] = "Student's t, moments below order df only"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"df": (1e-6, INFINITE)}

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        out[...] = rng.standard_t(self.df, size=out.shape)

    def standard_moments(self) -> Moments:  # noqa: D102
        df = self.df
        return Moments(
            0.0 if df > 1 else UNDEFINED,
            df / (df - 2) if df > 2 else INFINITE if df > 1 else UNDEFINED,
            0.0 if df > 3 else UNDEFINED,
            6.0 / (df - 4) if df > 4 else INFINITE if df > 2 else UNDEFINED,
        )

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        df = self.df
        if not df > 8.0:
            return (INFINITE, INFINITE)
        # Ratios, because the square of a huge df leaves the doubles.
        sixth = 15.0 * ((df - 2.0) / (df - 4.0)) * ((df - 2.0) / (df - 6.0))
        return (sixth, sixth * 7.0 * ((df - 2.0) / (df - 8.0)))

    def standard_median(self) -> float:  # noqa: D102
        return 0.0

    def tails(self) -> Tails:  # noqa: D102
        return Tails(self.df, self.df)


@dataclass(frozen=True, kw_only=True)
class LogNormal(Distribution):
    """The law of ``exp(s * Z)``, Z standard normal."""

    s: float = 1.0

    word: ClassVar[str] = "lognormal"
    note: ClassVar[str] = "exp(s Z): every moment exists, most are huge"
    # Beyond 4 even the sample moments leave the range of doubles.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"s": (1e-6, 4.0)}

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        _fill_normal(rng, out)
        if self.s != 1.0:
            out *= self.s
        np.exp(out, out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        # With w = exp(s^2); expm1 keeps the digits of w - 1 for a small s.
        w, above = math.exp(self.s * self.s), math.expm1(self.s * self.s)
        return Moments(
            math.sqrt(w),
            w * above,
            (w + 2.0) * math.sqrt(above),
            above * (w * w * w + 3.0 * w * w + 6.0 * w + 6.0),
        )

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        # E (X - mean)^r from raw moments cancels for a small s: in doubles nothing would be left.
        with localcontext(prec=120):
            s = Decimal(self.s)
            raw = [(s * s * k * k / 2).exp() for k in range(9)]
            second, sixth, eighth = (
                sum(math.comb(r, k) * raw[k] * (-raw[1]) ** (r - k) for k in range(r + 1))
                for r in (2, 6, 8)
            )
            return (float(sixth / second**3), float(eighth / second**4))

    def standard_median(self) -> float:  # noqa: D102
        return 1.0

    def standard_pivot(self) -> float:  # noqa: D102
        # For a large s the mean and the sd are far beyond all that is ever drawn.
        return 1.0

    def standard_unit(self) -> float:  # noqa: D102
        return self.s

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)


@dataclass(frozen=True, kw_only=True)
class Gamma(Distribution):
    """The gamma law of shape `a`."""

    a: float = 2.0

    word: ClassVar[str] = "gamma"
    note: ClassVar[str] = "shape a: skewness 2/sqrt(a)"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"a": (1e-6, 1e12)}

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        rng.standard_gamma(self.a, out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(self.a, self.a, 2.0 / math.sqrt(self.a), 6.0 / self.a)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        # From the cumulants (r - 1)! a^(1 - r/2) of the standardized law.
        k3, k4, k5, k6, k8 = (
            math.factorial(r - 1) * self.a ** (1.0 - r / 2.0) for r in (3, 4, 5, 6, 8)
        )
        sixth = k6 + 15.0 * k4 + 10.0 * k3 * k3 + 15.0
        eighth = k8 + 28.0 * k6 + 56.0 * k5 * k3 + 35.0 * k4 * k4
        return (sixth, eighth + 210.0 * k4 + 280.0 * k3 * k3 + 105.0)

    def standard_median(self) -> float:  # noqa: D102
        from scipy.special import gammaincinv

        return float(gammaincinv(self.a, 0.5))

    def standard_pivot(self) -> float:  # noqa: D102
        # For a small shape nearly all draws are next to nothing.
        return self.a if self.a >= 1.0 else 0.0

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)


@dataclass(frozen=True, kw_only=True)
class Cauchy(Distribution):
    """The Cauchy law, which has no moments at all."""

    word: ClassVar[str] = "cauchy"
    note: ClassVar[str] = "no mean, no variance"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        out[...] = rng.standard_cauchy(size=out.shape)

    def standard_moments(self) -> Moments:  # noqa: D102
        return Moments(UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        return (INFINITE, INFINITE)

    def standard_median(self) -> float:  # noqa: D102
        return 0.0

    def tails(self) -> Tails:  # noqa: D102
        return Tails(1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class RectifiedNormal(Distribution):
    """The law of ``max(0, Z)``: what a ReLU makes of a Gaussian. Half of it is exactly zero."""

    word: ClassVar[str] = "rectified_normal"
    note: ClassVar[str] = "max(0, Z), a ReLU's output: half of it is exactly 0"

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        _fill_normal(rng, out)
        np.maximum(out, 0.0, out=out)

    def standard_moments(self) -> Moments:  # noqa: D102
        # E max(0, Z)^r = E|Z|^r / 2: raw moments m, 1/2, 2m, 3/2 with m = 1/sqrt(2 pi).
        m = 1.0 / math.sqrt(2.0 * math.pi)
        variance = 0.5 - m * m
        third = 2.0 * m - 3.0 * m * 0.5 + 2.0 * m**3
        fourth = 1.5 - 4.0 * m * 2.0 * m + 6.0 * m * m * 0.5 - 3.0 * m**4
        return Moments(m, variance, third / variance**1.5, fourth / variance**2 - 3.0)

    def even_moments(self) -> tuple[float, float]:  # noqa: D102
        # E max(0, Z)^r = E|Z|^r / 2, expanded about the mean; E|Z|^r from the gamma function.
        raw = [1.0] + [
            2.0 ** (r / 2.0 - 1.0) * math.gamma((r + 1.0) / 2.0) / math.sqrt(math.pi)
            for r in range(1, 9)
        ]
        variance = self.standard_moments().variance
        sixth, eighth = (
            sum(math.comb(r, k) * raw[k] * (-raw[1]) ** (r - k) for k in range(r + 1))
            for r in (6, 8)
        )
        return (sixth / variance**3, eighth / variance**4)

    def standard_median(self) -> float:  # noqa: D102
        return 0.0

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        return (0.0, INFINITE)

    def standard_pivot(self) -> float:  # noqa: D102
        # About the atom, a batch of nothing but zeros keeps a variance of exactly zero.
        return 0.0


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
