"""What every law has: parameters, drawing, moments, quantiles, tail indices.

A law is a frozen dataclass. Its own fields are scipy's shape parameters; `loc` and `scale`, always
applied last, come with the base class.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.compiled import compiled_kernels
from simnorm.errors import SimnormError
from simnorm.grammar import number_text, spec_text
from simnorm.inverse import InverseTable, fill_directly

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

# Where a law's draws come from: numpy's ziggurats, its uniforms, the table of the law's inverse
# distribution function, or a `standard_fill` of its own.
Origin = Literal["normal", "exponential", "uniform", "inverse", "own"]

# Beyond these, eighth powers of the data would leave the range of doubles.
SMALLEST, LARGEST = 1e-30, 1e30
# With a coarser grid of doubles about loc, rounding would be seen in the variances.
SPACINGS = 1000.0
PLACES = {"loc": (-LARGEST, LARGEST), "scale": (SMALLEST, LARGEST)}


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
    >>> from simnorm.distributions import distribution
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
    # Shape parameters must lie above the first of these and at most at the second. Those that are
    # `closed` may also be equal to the first.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    closed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Refuse parameters out of range before anything is drawn."""
        for name in (f.name for f in fields(self)):
            object.__setattr__(self, name, self._checked(name, getattr(self, name)))
        self._check_shapes()
        if self.unit < SPACINGS * math.ulp(self.loc):
            allowed = f"next to loc={number_text(self.loc)} doubles cannot tell such data apart"
            raise SimnormError("distributions", f"scale={self.scale}", allowed, "Shift the data.")

    def _check_shapes(self) -> None:
        """Refuse numbers that are in range but no law together."""

    def _checked(self, name: str, value: object) -> float:
        lowest, highest = {**PLACES, **self.limits}[name]
        where = f"{name} of {self.word} must be a number {self._range(name)}"
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise SimnormError("distributions", value, where)
        number = float(value)
        inside = lowest < number <= highest or (name in self.closed and number == lowest)
        if not (math.isfinite(number) and inside):
            raise SimnormError("distributions", f"{name}={value}", where)
        return number + 0.0  # -0.0 becomes 0.0: one law, one name

    def _range(self, name: str) -> str:
        lowest, highest = {**PLACES, **self.limits}[name]
        if name in self.closed:
            return f"from {number_text(lowest)} to {number_text(highest)}"
        limit = "" if highest == INFINITE else f" and at most {number_text(highest)}"
        return f"above {number_text(lowest)}{limit}"

    def __str__(self) -> str:
        """Return the canonical spec: shapes always, loc and scale where they differ."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        placed = {"loc": values.pop("loc"), "scale": values.pop("scale")}
        defaults = {"loc": 0.0, "scale": 1.0}
        values |= {key: value for key, value in placed.items() if value != defaults[key]}
        return spec_text(self.word, values)

    # What a law has to say of its standard form.

    origin: ClassVar[Origin] = "inverse"

    def standard_moments(self) -> Moments:
        """Return the moments of the standard form."""
        raise NotImplementedError

    def even_moments(self) -> tuple[float, float]:
        """Return the sixth and eighth central moment over sigma^6 and sigma^8."""
        raise NotImplementedError

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:
        """Return the quantiles of the standard form at probability `lower` = 1 - `upper`.

        Both are given, because next to 1 a double holds few digits of a tail's probability: the
        smaller of the two is to be used. Either may be as small as doubles go.
        """
        raise NotImplementedError

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:
        """Return P(X <= x) and P(X > x) of the standard form, each with its digits."""
        raise NotImplementedError

    def knots(self) -> tuple[float, ...]:
        """Return the probabilities, 0 and 1 aside, where the quantile function is not smooth."""
        return ()

    @property
    def largest_atom(self) -> float:
        """Largest probability of a single value; 0 for a continuous law."""
        return 0.0

    def standard_median(self) -> float:
        """Return the median of the standard form."""
        return float(self.standard_quantile(np.array([0.5]), np.array([0.5]))[0])

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

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:
        """Fill the C-contiguous `out` with independent draws of the standard form."""
        if self.origin == "normal":
            fill_normal(rng, out)
        elif self.origin == "exponential":
            rng.standard_exponential(out=out)
        elif self.origin == "uniform":
            rng.random(out=out)
        elif (table := inverse_table(self)).holds:
            table.fill(rng, out)
        else:
            self.fill_without_table(rng, out)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:
        """Fill `out` where no table follows the quantile function."""
        fill_directly(self.standard_quantile, rng, out)

    def fill(self, rng: np.random.Generator, out: Floats) -> None:
        """Fill the C-contiguous array `out` with independent draws from `rng`."""
        self.standard_fill(rng, out)
        if self.scale != 1.0:
            out *= self.scale
        if self.loc != 0.0:
            out += self.loc

    @functools.cached_property
    def mean(self) -> float:
        """Population mean, NaN where there is none."""
        return self.loc + self.scale * self.standard_moments().mean

    @functools.cached_property
    def variance(self) -> float:
        """Population variance, NaN or infinite where there is none."""
        return self.scale * self.scale * self.standard_moments().variance

    @functools.cached_property
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

    @functools.cached_property
    def median(self) -> float:
        """Population median."""
        return self.loc + self.scale * self.standard_median()

    def quantile(self, lower: ArrayLike, upper: ArrayLike | None = None) -> Floats:
        """Return the quantiles at probability `lower`; `upper` = 1 - `lower` adds digits."""
        below = np.asarray(lower, dtype=np.float64)
        above = 1.0 - below if upper is None else np.asarray(upper, dtype=np.float64)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(self.loc + self.scale * self.standard_quantile(below, above))

    def probabilities(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """Return P(X <= x) and P(X > x), each with its digits however small it is."""
        given = np.asarray(x, dtype=np.float64)
        z = (given - self.loc) / self.scale
        if self.largest_atom > 0.0:
            # An atom k is drawn as loc + scale * k, and rounded: there z must be k.
            k = np.round(z)
            z = np.where((z < k) & (self.loc + self.scale * k <= given), k, z)
            early = (z >= k) & (self.loc + self.scale * k > given)
            z = np.where(early, np.nextafter(k, -INFINITE), z)
        below, above = self.standard_probabilities(z)
        return np.asarray(below), np.asarray(above)

    @property
    def support(self) -> tuple[float, float]:
        """Ends of the support."""
        lower, upper = self.standard_support()
        return self.loc + self.scale * lower, self.loc + self.scale * upper

    @functools.cached_property
    def pivot(self) -> float:
        """Point about which sums of observations are taken."""
        return self.loc + self.scale * self.standard_pivot()

    @functools.cached_property
    def unit(self) -> float:
        """Size in which sums of observations are taken."""
        return self.scale * self.standard_unit()

    @functools.cached_property
    def standard(self) -> Distribution:
        """The law without loc and scale: laws of one shape share what is worked out for it."""
        if (self.loc, self.scale) == (0.0, 1.0):
            return self
        return dataclasses.replace(self, loc=0.0, scale=1.0)

    @functools.cached_property
    def is_compiled(self) -> bool:
        """Whether compiled code can draw the law without coming back for every slab."""
        return self.origin != "own" and (self.origin != "inverse" or inverse_table(self).holds)

    @property
    def is_normal(self) -> bool:
        """Whether the theory of the normal law holds."""
        return False


def fill_normal(rng: np.random.Generator, out: Floats) -> None:
    """Fill with standard normals; the compiled loop draws the very same bits as numpy."""
    compiled = compiled_kernels()
    if compiled is not None and out.flags.c_contiguous:
        compiled.fill_normal(rng, out)
    else:
        rng.standard_normal(out=out)


@functools.lru_cache(maxsize=256)
def standard_table(law: Distribution) -> InverseTable:
    """Return the table of a standard law's quantile function, built once."""
    return InverseTable.of(law.standard_quantile)


def inverse_table(law: Distribution) -> InverseTable:
    """Return the table that a law is drawn by; laws of one shape share it."""
    return standard_table(law.standard)
