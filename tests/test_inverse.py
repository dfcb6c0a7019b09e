"""Quantile functions in both tails, and the tables made of them, against independent cdfs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from simnorm import inverse
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.distributions.base import inverse_table
from simnorm.inverse import LARGEST_ERROR, LARGEST_TAIL_ERROR

# cdf and 1 - cdf of the standard forms, from scipy: digits in both tails.
SCIPY = {
    "normal": stats.norm(),
    "uniform": stats.uniform(),
    "laplace": stats.laplace(),
    "logistic": stats.logistic(),
    "gumbel": stats.gumbel_r(),
    "exponential": stats.expon(),
    "gamma(a=2)": stats.gamma(2),
    "gamma(a=30)": stats.gamma(30),
    "chi2(df=3)": stats.chi2(3),
    "chi2(df=1)": stats.chi2(1),
    "beta(a=2,b=5)": stats.beta(2, 5),
    "beta(a=0.5,b=0.5)": stats.beta(0.5, 0.5),
    "beta(a=8,b=1)": stats.beta(8, 1),
    "weibull(c=1.5)": stats.weibull_min(1.5),
    "weibull(c=0.3)": stats.weibull_min(0.3),
    "weibull(c=50)": stats.weibull_min(50),
    "lognormal(s=1)": stats.lognorm(1),
    "lognormal(s=3)": stats.lognorm(3),
    "t(df=5)": stats.t(5),
    "t(df=1.5)": stats.t(1.5),
    "pareto(b=3)": stats.pareto(3),
    "pareto(b=100)": stats.pareto(100),
    "cauchy": stats.cauchy(),
    "gennormal(beta=1.5)": stats.gennorm(1.5),
    "gennormal(beta=0.5)": stats.gennorm(0.5),
    "gennormal(beta=30)": stats.gennorm(30),
    "halfnormal": stats.halfnorm(),
}


def skew_tails(a):
    """P(X <= x) and P(X > x) of the skew-normal law, integrated over its density."""

    def density(x):
        return math.exp(special.log_ndtr(a * x) - x * x / 2) * math.sqrt(2 / math.pi)

    def tail(x, sign):
        # Decay lengths of the density beyond x, and of its step at 0.
        length = 1.0 / (1.0 + abs(x) * (1.0 + a * a * (a * x < 0 < sign * x)))
        marks = {x + sign * k * length for k in (0, 0.3, 1, 3, 8, 20, 60)}
        marks |= {m for m in (-3 / abs(a), 0.0, 3 / abs(a)) if (m - x) * sign > 0}
        ends = sorted(marks)
        return sum(
            integrate.quad(density, *pair, epsabs=0, epsrel=1e-12)[0]
            for pair in itertools.pairwise(ends)
        )

    def both(x):
        below = np.array([tail(v, -1.0) for v in np.ravel(x)])
        above = np.array([tail(v, 1.0) for v in np.ravel(x)])
        # Looked at from the far side, the bulk may lie between the marks.
        return np.where(below < above, below, 1 - above), np.where(below < above, 1 - below, above)

    return both


def mixed_tails(p, ratio):
    """The same of the contaminated normal law."""

    def both(x):
        below = (1 - p) * special.ndtr(x) + p * special.ndtr(x / ratio)
        above = (1 - p) * special.ndtr(-x) + p * special.ndtr(-x / ratio)
        return below, above

    return both


def triangular_tails(c):
    """The same of the triangular law: scipy takes 1 - cdf, which has no digits there."""

    def both(x):
        rising, falling = x * x / max(c, 1e-300), (1 - x) ** 2 / max(1 - c, 1e-300)
        left = (x < c) | (c == 1)
        return np.where(left, rising, 1 - falling if c else x * (2 - x)), np.where(
            left, (1 - rising if c < 1 else (1 - x) * (1 + x)), falling
        )

    return both


OWN = {
    "triangular(c=0)": triangular_tails(0.0),
    "triangular(c=0.3)": triangular_tails(0.3),
    "triangular(c=0.5)": triangular_tails(0.5),
    "triangular(c=1)": triangular_tails(1.0),
    "skewnormal(a=4)": skew_tails(4.0),
    "skewnormal(a=-1)": skew_tails(-1.0),
    "skewnormal(a=50)": skew_tails(50.0),
    "contaminated_normal(p=0.1,ratio=5)": mixed_tails(0.1, 5.0),
    "contaminated_normal(p=0.5,ratio=0.1)": mixed_tails(0.5, 0.1),
}
CONTINUOUS = [*SCIPY, *OWN]


def tails_of(spec, x):
    if spec in OWN:
        return OWN[spec](x)
    return SCIPY[spec].cdf(x), SCIPY[spec].sf(x)


def test_every_continuous_law_is_here():
    """Laws without a quantile function in this file are those with atoms."""
    here = {spec.partition("(")[0] for spec in CONTINUOUS}
    assert set(DISTRIBUTIONS) - here == {"rectified_normal", "bernoulli", "poisson"}


PROBABILITIES = np.array([1e-300, 1e-200, 1e-100, 1e-30, 1e-12, 1e-5, 1e-3, 0.03, 0.2, 0.4, 0.499])


@pytest.mark.parametrize("spec", CONTINUOUS)
def test_quantiles_read_back_in_both_tails(spec):
    """P(X <= quantile) is p, to nine digits of p, and the same from above.

    A quantile next to a finite end, or far out, is a double: moving it to the next one changes p
    by more than nine digits where that is said.
    """
    law, p = distribution(spec), PROBABILITIES
    for side in ("below", "above"):
        ends = (p, 1.0 - p) if side == "below" else (1.0 - p, p)
        x = law.quantile(*ends)
        # What rounding the quantile alone does to p: nothing finer can be asked for.
        steps = np.abs([tails_of(spec, np.nextafter(x, to))[side == "above"] for to in (-9, 9e99)])
        found = tails_of(spec, x)[side == "above"]
        blur = np.abs(steps - found).max(axis=0)
        inside = (found > 0) & np.isfinite(x)
        assert inside[3:].all() or law.support[side == "above"] in (1.0,)
        gap = np.abs(found - p)[inside]
        assert (gap <= 1e-9 * p[inside] + 16 * blur[inside]).all(), side


@pytest.mark.parametrize("spec", CONTINUOUS)
def test_probabilities_are_those_of_the_oracle(spec):
    """P(X <= x) and P(X > x), each to eleven digits where it is small."""
    law = distribution(spec)
    p = np.array([1e-200, 1e-30, 1e-8, 0.01, 0.3, 0.5])
    x = np.concatenate([law.quantile(p), law.quantile(1.0 - p, p)])
    far = {"weibull(c=0.3)": 1e-9}.get(spec, 1e-11)
    for ours, theirs in zip(law.probabilities(x), tails_of(spec, x), strict=True):
        inside = theirs > 1e-290
        assert ours[inside] == pytest.approx(theirs[inside], rel=far)
    lower, upper = law.support
    outside = np.array([x for x in (lower - 1.0, upper + 1.0) if math.isfinite(x)])
    below, above = law.probabilities(outside)
    assert set(below) <= {0.0, 1.0}
    assert (below + above == 1.0).all()


@pytest.mark.parametrize("spec", CONTINUOUS)
def test_quantiles_rise(spec):
    """From one tail through the median to the other, quantiles never fall."""
    p = np.concatenate([PROBABILITIES, [0.5]])
    lower, upper = np.concatenate([p, 1.0 - p[-2::-1]]), np.concatenate([1.0 - p, p[-2::-1]])
    x = distribution(spec).quantile(lower, upper)
    assert (np.diff(x) >= 0.0).all()
    assert distribution(spec).median == x[len(p) - 1]


# Not followed by a table: a peak inside a cell, roots next to the centre, too quick a bend.
WITHOUT = {
    "triangular(c=0.3)",
    "gennormal(beta=1.5)",
    "gennormal(beta=0.5)",
    "contaminated_normal(p=0.5,ratio=0.1)",
}
TABLES = [spec for spec in CONTINUOUS if distribution(spec).origin == "inverse"]


@pytest.mark.parametrize("spec", TABLES)
def test_tables_are_as_close_as_they_say(spec):
    """At random places of random cells, |F(table) - u| stays below the limits.

    Both F and the table round; where that alone is more than the limits allow, it is let pass.
    """
    law = distribution(spec)
    table = inverse_table(law)
    assert table.holds == (spec not in WITHOUT)
    if not table.holds:
        return
    assert table.error <= LARGEST_ERROR
    assert table.tail_error <= LARGEST_TAIL_ERROR
    rng = np.random.default_rng(5)
    places = 60 if spec.startswith("skewnormal") else 4000
    u = np.concatenate([rng.random(places), 2.0 ** -rng.uniform(1, 50, places)])
    for side in (0, 1):
        x = at_uniforms(table, 1.0 - u if side else u)
        v = 1.0 - (1.0 - u) if side else u
        found = tails_of(spec, x)[side]
        steps = [tails_of(spec, np.nextafter(x, to))[side] for to in (-9, 9e99)]
        blur = 16 * np.abs(np.array(steps) - found).max(axis=0)
        half = 2.0**-53
        gap = np.maximum(np.abs(found - v) - blur - half, 0.0)
        assert gap.max() <= 2 * LARGEST_ERROR
        assert (gap / v).max() <= 2 * LARGEST_TAIL_ERROR


class Fixed:
    """A generator that draws given uniforms."""

    def __init__(self, u):
        self.u = u

    def random(self, out):
        out[...] = self.u


def at_uniforms(table, u):
    """The table's values at given uniforms, by the numpy path."""
    out = np.empty(len(u))
    compiled = inverse.compiled_kernels
    inverse.compiled_kernels = lambda: None
    try:
        table.fill(Fixed(u), out)
    finally:
        inverse.compiled_kernels = compiled
    return out


@pytest.mark.parametrize("spec", [str(law()) for law in DISTRIBUTIONS.values()])
def test_compiled_and_numpy_fills_agree_to_the_bit(spec, monkeypatch):
    """Without numba the very same numbers are drawn."""
    law = distribution(spec)
    first, second = np.empty((300, 64)), np.empty((300, 64))
    law.fill(np.random.Generator(np.random.PCG64DXSM(3)), first)
    for module in ("simnorm.inverse", "simnorm.distributions.base"):
        monkeypatch.setattr(f"{module}.compiled_kernels", lambda: None)
    law.fill(np.random.Generator(np.random.PCG64DXSM(3)), second)
    assert (first == second).all()


@pytest.mark.parametrize(
    "spec",
    [
        "bernoulli(p=0.3)",
        "bernoulli(p=0.5)",
        "poisson(mu=3)",
        "poisson(mu=0.01)",
        "poisson(mu=5000)",
    ],
)
def test_discrete_quantiles_are_the_smallest_with_enough_below(spec):
    """Q(p) is the smallest k with F(k) >= p; atoms and knots are those of scipy's law."""
    law = distribution(spec)
    other = stats.bernoulli(law.p) if law.word == "bernoulli" else stats.poisson(law.mu)
    p = np.concatenate([PROBABILITIES, [0.5]])
    low = law.quantile(p)
    assert (other.cdf(low) >= p * (1 - 1e-12)).all()
    assert (other.cdf(low - 1) < p * (1 + 1e-12)).all()
    high = law.quantile(1.0 - p, p)
    assert (other.sf(high) <= p * (1 + 1e-9)).all()
    assert ((other.sf(high - 1) > p * (1 - 1e-9)) | (high == 0)).all()
    k = np.arange(12_000)
    assert law.largest_atom == pytest.approx(other.pmf(k).max(), rel=1e-9)
    steps = other.cdf(k)
    inside = np.unique(steps[(steps > 2.0**-54) & (steps < 1 - 2.0**-54)])
    assert law.knots() == pytest.approx(inside.tolist(), rel=1e-9)


def test_probabilities_at_atoms_are_those_of_the_draws():
    """P(X <= x) at x = loc + scale * k, rounded as a draw is, counts the atom; just below, not."""
    places = [(0.1, 0.3), (-7.7, 1.1), (0.0, 0.7), (3.0, 1e-3), (1e6, 1.7), (-0.9, 49.0)]
    specs = [
        f"{law},loc={a},scale={b})"
        for a, b in places
        for law in ("poisson(mu=3", "bernoulli(p=0.3")
    ]
    early, late = 0, 0
    for spec in specs:
        law, other = distribution(spec), SCIPY_DISCRETE[spec.partition("(")[0]]
        k = np.arange(0.0, 30.0)
        x = law.loc + law.scale * k
        below, above = law.probabilities(x)
        assert below == pytest.approx(other.cdf(k), rel=1e-12)
        assert above == pytest.approx(other.sf(k), rel=1e-9, abs=1e-300)
        z = (x - law.loc) / law.scale
        early, late = early + (z < k).sum(), late + (z > k).sum()
        just = law.probabilities(np.nextafter(x, -9e9))[0]
        assert just == pytest.approx(other.cdf(k - 1.0), rel=1e-12)
        drawn = np.empty(20_000)
        law.fill(np.random.Generator(np.random.PCG64DXSM(2)), drawn)
        assert set(drawn) <= set(x)
    # Both roundings came up.
    assert early > 3
    assert late > 3
    rectified = distribution("rectified_normal(loc=0.7,scale=3)")
    assert rectified.probabilities([0.7, np.nextafter(0.7, 0.0)])[0].tolist() == [0.5, 0.0]


SCIPY_DISCRETE = {"poisson": stats.poisson(3), "bernoulli": stats.bernoulli(0.3)}


def test_the_bits_of_sums_of_equal_counts():
    """Pivot and unit leave whole numbers exact: n equal values have a variance of exactly 0."""
    for spec in ("bernoulli(p=0.3)", "poisson(mu=3)", "poisson(mu=1e5)"):
        law = distribution(spec)
        assert law.pivot == round(law.pivot)
        assert math.frexp(law.unit)[0] == 0.5
        z = np.full(7, (law.pivot + 3.0 - law.pivot) * (1.0 / law.unit))
        assert np.cumsum(z * z)[-1] / 7 * 7 == 7 * z[0] ** 2
