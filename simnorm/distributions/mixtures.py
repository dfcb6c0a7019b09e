"""Mixtures: each observation comes from one of several laws, ``mixture(0.9*normal,0.1*cauchy)``."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnorm.distributions.base import Distribution, Floats, Moments, Origin, Tails
from simnorm.distributions.discrete import SMALLEST_STEP, power_of_two
from simnorm.distributions.moments import AllMoments, Even, from_expectation, quadrature
from simnorm.distributions.quantiles import bisect, find
from simnorm.errors import SimnormError, shown
from simnorm.grammar import LONGEST_SPEC, number_text, split_list

WORD = "mixture"
FORM = "weights and distributions are allowed, such as mixture(0.9*normal,0.1*normal(loc=5))"
# How far from 1 weights may add up, for 1/3 written with nine digits.
LARGEST_MISS = 1e-8
MOST_PARTS = 16
# A kink without an atom has the same probability on both sides, but for rounding.
SAME_PLACE = 1e-12
_PLACE = re.compile(r"\s*(loc|scale)\s*=\s*(\S+)\s*")


@dataclass(frozen=True, kw_only=True)
class Mixture(Distribution):
    """A mixture of laws; `loc` and `scale` are passed on to its parts.

    Parameters
    ----------
    parts
        Pairs of a weight and a law; the weights add up to 1.
    """

    parts: tuple[tuple[float, Distribution], ...] = ()

    word: ClassVar[str] = WORD
    note: ClassVar[str] = "each draw from one of several laws"
    origin: ClassVar[Origin] = "own"

    def __post_init__(self) -> None:
        loc, scale = self._checked("loc", self.loc), self._checked("scale", self.scale)
        parts = []
        for weight, law in self.parts:
            if isinstance(law, Mixture):
                allowed = "a mixture of mixtures is not: write all laws into one"
                raise SimnormError("distributions", str(law), allowed)
            if isinstance(weight, bool) or not isinstance(weight, int | float | np.number):
                raise SimnormError("distributions", weight, "a weight is a number above 0")
            if not 0.0 < float(weight) <= 1.0:
                allowed = "a weight is a number above 0 and at most 1"
                raise SimnormError("distributions", weight, allowed)
            moved = (loc, scale) != (0.0, 1.0)
            place = {"loc": loc + scale * law.loc, "scale": scale * law.scale} if moved else {}
            parts.append((float(weight), dataclasses.replace(law, **place)))
        if not 1 <= len(parts) <= MOST_PARTS:
            raise SimnormError("distributions", WORD, f"from 1 to {MOST_PARTS} laws are allowed")
        total = math.fsum(weight for weight, _ in parts)
        if abs(total - 1.0) > LARGEST_MISS:
            allowed = f"the weights of a mixture must add up to 1, these to {total:.10g}"
            raise SimnormError("distributions", _text(parts), allowed)
        for name, value in (("parts", tuple(parts)), ("loc", 0.0), ("scale", 1.0)):
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return _text(self.parts)

    @property
    def _shares(self) -> list[float]:
        total = math.fsum(weight for weight, _ in self.parts)
        return [weight / total for weight, _ in self.parts]

    @property
    def _laws(self) -> list[Distribution]:
        return [law for _, law in self.parts]

    @property
    def _has_atoms(self) -> bool:
        return any(law.largest_atom > 0.0 for law in self._laws)

    def standard_fill(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        # One uniform each says which law; every law fills all, which keeps streams simple.
        limits = np.cumsum(self._shares)[:-1]
        which = np.searchsorted(limits, rng.random(size=out.shape), side="right")
        other = np.empty(out.shape)
        for i, law in enumerate(self._laws):
            law.fill(rng, other)
            np.copyto(out, other, where=which == i)

    def standard_moments(self) -> Moments:  # noqa: D102
        return _moments(self).moments

    def even_moments(self) -> Even:  # noqa: D102
        return _moments(self).even

    def tails(self) -> Tails:  # noqa: D102
        tails = [law.tails() for law in self._laws]
        return Tails(min(t.lower for t in tails), min(t.upper for t in tails))

    def standard_support(self) -> tuple[float, float]:  # noqa: D102
        ends = [law.support for law in self._laws]
        return (min(lower for lower, _ in ends), max(upper for _, upper in ends))

    def standard_pivot(self) -> float:  # noqa: D102
        weight, law = max(self.parts, key=lambda part: part[0] * part[1].largest_atom)
        return law.pivot if weight * law.largest_atom > 0.0 else _median(self)

    def standard_unit(self) -> float:  # noqa: D102
        return power_of_two(max(law.unit for law in self._laws))

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        lower, upper = np.asarray(lower), np.asarray(upper)
        ends = np.array([law.quantile(lower, upper) for law in self._laws])

        def gap(x: Floats) -> Floats:
            # In logarithms tails are nearly straight.
            below, above = self.probabilities(x)
            return np.where(lower < upper, np.log(below / lower), np.log(upper / above))

        def enough(x: Floats) -> NDArray[np.bool_]:
            below, above = self.probabilities(x)
            return np.asarray(np.where(lower < upper, below >= lower, above <= upper))

        low, high = ends.min(axis=0), ends.max(axis=0)
        if self._has_atoms:
            return bisect(enough, np.nextafter(low, -math.inf), high)
        return find(gap, low, high)

    def probabilities(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """Return P(X <= x) and P(X > x), each with its digits however small it is."""
        pairs = [law.probabilities(x) for law in self._laws]
        shares = self._shares
        below = sum(share * pair[0] for share, pair in zip(shares, pairs, strict=True))
        above = sum(share * pair[1] for share, pair in zip(shares, pairs, strict=True))
        return np.asarray(below), np.asarray(above)

    def knots(self) -> tuple[float, ...]:  # noqa: D102
        return _knots(self)

    @property
    def largest_atom(self) -> float:  # noqa: D102
        return _largest_atom(self)


def mixture(parts: Iterable[tuple[float, object]]) -> Mixture:
    """Return the law that is each of several laws with a given probability.

    Parameters
    ----------
    parts
        Pairs of a weight and a law, or its spec. The weights add up to 1.

    Raises
    ------
    SimnormError
        If the weights do not add up to 1, or a law is unknown.

    Examples
    --------
    >>> law = mixture([(0.9, "normal"), (0.1, "normal(loc=5)")])
    >>> str(law), round(law.mean, 9)
    ('mixture(0.9*normal,0.1*normal(loc=5))', 0.5)
    """
    from simnorm.distributions import distribution

    try:
        pairs = [(weight, distribution(law)) for weight, law in parts]
    except (TypeError, ValueError) as error:
        if isinstance(error, SimnormError):
            raise
        hint = 'Write mixture([(0.9, "normal"), (0.1, "normal(loc=5)")]).'
        raise SimnormError(
            "distributions", parts, "pairs of a weight and a law are allowed", hint
        ) from None
    return Mixture(parts=tuple(pairs))


def read_mixture(text: str) -> Mixture:
    """Return the mixture that a text such as ``mixture(0.9*normal,0.1*t(df=3))`` names."""
    from simnorm.distributions import distribution

    match = re.fullmatch(rf"\s*{WORD}\s*\((.*)\)\s*", text, re.DOTALL)
    if match is None or len(text) > MOST_PARTS * LONGEST_SPEC:
        raise SimnormError("distributions", text, FORM)
    parts: list[tuple[float, Distribution]] = []
    place: dict[str, float] = {}
    for part in split_list(match.group(1)):
        if (named := _PLACE.fullmatch(part)) and named.group(1) not in place:
            place[named.group(1)] = _number(named.group(2), text)
            continue
        weight, star, spec = part.partition("*")
        if not star or spec.strip().startswith(WORD):
            raise SimnormError("distributions", text, f"{FORM}; {shown(part)} is no such part")
        parts.append((_number(weight.strip(), text), distribution(spec.strip())))
    return Mixture(parts=tuple(parts), **place)


def _number(word: str, text: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", word, re.ASCII):
        raise SimnormError("distributions", text, f"{FORM}; {shown(word)} is no number")
    return float(word)


def _text(parts: Iterable[tuple[float, Distribution]]) -> str:
    return f"{WORD}({','.join(f'{number_text(weight)}*{law}' for weight, law in parts)})"


@functools.lru_cache(maxsize=64)
def _moments(law: Mixture) -> AllMoments:
    """Return E (X - c)^r as the average over the parts, each by quadrature over its quantiles."""
    shares = law._shares
    parts: list[Callable[[float, float, int], float]] = [
        quadrature(part.quantile, part.tails(), part.knots()) for part in law._laws
    ]

    def expectation(centre: float, unit: float, order: int) -> float:
        return math.fsum(
            s * part(centre, unit, order) for s, part in zip(shares, parts, strict=True)
        )

    middles = [part.median for part in law._laws]
    return from_expectation(expectation, sum(middles) / len(middles), law.tails())


@functools.lru_cache(maxsize=64)
def _median(law: Mixture) -> float:
    return law.standard_median()


@functools.lru_cache(maxsize=64)
def _knots(law: Mixture) -> tuple[float, ...]:
    """Return the probabilities at the ends, kinks and atoms of the parts, on either side."""
    points: list[float] = []
    for part in law._laws:
        inside = np.array(part.knots())
        points += [end for end in part.support if math.isfinite(end)]
        points += part.quantile(inside).tolist() if inside.size else []
    if not points:
        return ()
    x = np.unique(points)
    here, before = law.probabilities(x)[0], law.probabilities(np.nextafter(x, -math.inf))[0]
    found = np.unique(np.concatenate([here, before[here - before > SAME_PLACE]]))
    return tuple(found[(found > SMALLEST_STEP) & (found < 1.0 - SMALLEST_STEP)].tolist())


@functools.lru_cache(maxsize=64)
def _largest_atom(law: Mixture) -> float:
    """Return the largest probability of a value, which may be one of several parts."""
    points: list[float] = []
    for part in law._laws:
        if part.largest_atom > 0.0:
            ends = np.array([0.0, *part.knots(), 1.0])
            points += part.quantile((ends[1:] + ends[:-1]) / 2.0).tolist()
    if not points:
        return 0.0
    x = np.unique(points)
    here, before = law.probabilities(x)[0], law.probabilities(np.nextafter(x, -math.inf))[0]
    return float((here - before).max())
