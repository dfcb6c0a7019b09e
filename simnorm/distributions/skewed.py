"""The skew-normal law, with a quantile function that keeps its digits in both tails."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from simnorm.distributions.base import Distribution, Floats, Moments, fill_normal
from simnorm.distributions.moments import HALF_NORMAL, AllMoments, Even, from_cumulants

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
MOST_STEPS = 64


@dataclass(frozen=True, kw_only=True)
class SkewNormal(Distribution):
    """The skew-normal law: density 2 phi(x) Phi(a x)."""

    a: float = 4.0

    word: ClassVar[str] = "skewnormal"
    note: ClassVar[str] = "normal density, skewed by a"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"a": (-1000.0, 1000.0)}
    closed: ClassVar[tuple[str, ...]] = ("a",)

    def standard_moments(self) -> Moments:  # noqa: D102
        return self._all_moments().moments

    def even_moments(self) -> Even:  # noqa: D102
        return self._all_moments().even

    def _all_moments(self) -> AllMoments:
        # X = delta |Z| + sqrt(1 - delta^2) Z', whose cumulants add.
        delta = self.a / math.hypot(1.0, self.a)
        cumulants = [delta**r * k for r, k in enumerate(HALF_NORMAL, start=1)]
        cumulants[1] += 1.0 / (1.0 + self.a * self.a)
        return from_cumulants(cumulants)

    def standard_probabilities(self, x: Floats) -> tuple[Floats, Floats]:  # noqa: D102
        if self.a < 0.0:
            above, below = replace(self, a=-self.a).standard_probabilities(-x)
            return below, above
        flat = np.ravel(x)
        with np.errstate(all="ignore"):
            below, above = np.exp(_log_below(self.a, flat)), np.exp(_log_above(self.a, flat))
        return below.reshape(np.shape(x)), above.reshape(np.shape(x))

    def standard_quantile(self, lower: Floats, upper: Floats) -> Floats:  # noqa: D102
        if self.a < 0.0:
            return -_quantile(-self.a, upper, lower)
        return _quantile(self.a, lower, upper)

    def fill_without_table(self, rng: np.random.Generator, out: Floats) -> None:  # noqa: D102
        fill_normal(rng, out)
        other = np.empty(out.shape)
        fill_normal(rng, other)
        np.abs(out, out=out)
        out *= self.a / math.hypot(1.0, self.a)
        out += other / math.hypot(1.0, self.a)


def _quantile(a: float, lower: Floats, upper: Floats) -> Floats:
    """Return the quantiles for a >= 0.

    Both log cdf and log(1 - cdf) are concave, so that Newton's method, begun beyond the quantile,
    runs straight to it. Such a beginning is the quantile of Z, for the lower side, and of |Z|.
    """
    from scipy.special import ndtri

    shape = np.shape(lower)
    lower, upper = np.ravel(lower), np.ravel(upper)
    below = lower < upper
    found = np.empty(lower.shape)
    p, q = lower[below], upper[~below]
    with np.errstate(all="ignore"):
        found[below] = _newton(lambda x: _log_below(a, x), a, 1.0, np.log(p), ndtri(p))
        found[~below] = _newton(lambda x: _log_above(a, x), a, -1.0, np.log(q), -ndtri(q / 2.0))
    return found.reshape(shape)


def _newton(
    log_probability: Callable[[Floats], Floats],
    a: float,
    sign: float,
    target: Floats,
    start: Floats,
) -> Floats:
    """Return where the logarithm of a tail's probability is the target."""
    from scipy.special import log_ndtr

    x = np.array(start)
    active = np.flatnonzero(np.isfinite(x))
    for _ in range(MOST_STEPS):
        here = x[active]
        log = log_probability(here)
        log_density = log_ndtr(a * here) - here * here / 2.0 + 0.5 * math.log(2.0 / math.pi)
        step = sign * (target[active] - log) * np.exp(log - log_density)
        x[active] += step
        active = active[np.abs(step) > 1e-15 * np.abs(x[active])]
        if active.size == 0:
            break
    return x


def _log_above(a: float, x: Floats) -> Floats:
    from scipy.special import ndtr, owens_t

    return np.log(ndtr(-x) + 2.0 * owens_t(x, a))


def _log_below(a: float, x: Floats) -> Floats:
    """Return log P(X <= x): left of 0 an integral, as the difference that it is loses its digits.

    With y = -x sqrt(1 + a^2) it is that of exp(-t^2/2) erfcx(delta t / sqrt 2) over t > y.
    """
    from scipy.special import erfcx, ndtr, owens_t

    width = math.hypot(1.0, a)
    y = np.maximum(-x, 0.0) * width
    reach = 40.0 / (y + 4.0)
    s = np.multiply.outer(reach, (NODES + 1.0) / 2.0)
    t = y[:, np.newaxis] + s
    terms = np.exp(-s * (t - s / 2.0)) * erfcx((a / width) * t / math.sqrt(2.0))
    integral = (terms * WEIGHTS).sum(axis=1) * reach / 2.0
    left = np.log(integral / (width * math.sqrt(2.0 * math.pi))) - y * y / 2.0
    return np.asarray(np.where(x < 0.0, left, np.log(ndtr(x) - 2.0 * owens_t(x, a))))
