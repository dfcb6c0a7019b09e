"""Mixtures: cases by hand, quantiles against the parts' cdfs, draws, atoms, texts, refusals."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.distributions import DISTRIBUTIONS, Mixture, distribution, mixture
from simnorm.distributions.quantiles import bisect, find
from simnorm.errors import SimnormError

# Each with the weights, the parts' laws in scipy's words, and their place.
MIXTURES = {
    "mixture(0.9*normal,0.1*normal(loc=5,scale=2))": [(0.9, stats.norm()), (0.1, stats.norm(5, 2))],
    "mixture(0.3*exponential,0.7*pareto(b=3))": [(0.3, stats.expon()), (0.7, stats.pareto(3))],
    "mixture(0.4*normal(loc=-50),0.6*normal(loc=50))": [
        (0.4, stats.norm(-50)),
        (0.6, stats.norm(50)),
    ],
    "mixture(0.25*uniform,0.25*t(df=12),0.5*gamma(a=3,loc=-1))": [
        (0.25, stats.uniform()),
        (0.25, stats.t(12)),
        (0.5, stats.gamma(3, -1)),
    ],
    "mixture(0.5*normal,0.5*bernoulli(p=0.5))": [(0.5, stats.norm()), (0.5, stats.bernoulli(0.5))],
    "mixture(0.2*bernoulli(p=0.25),0.8*poisson(mu=2))": [
        (0.2, stats.bernoulli(0.25)),
        (0.8, stats.poisson(2)),
    ],
}
everywhere = pytest.mark.parametrize("spec", MIXTURES)


def total(spec, function):
    return sum(weight * function(part) for weight, part in MIXTURES[spec])


def test_a_mixture_of_normals_by_hand():
    """0.9 N(0, 1) + 0.1 N(0, 25): fourth moment 3 (0.9 + 0.1 * 625) = 190.2, and so on up."""
    law = mixture([(0.9, "normal"), (0.1, "normal(scale=5)")])
    assert law.mean == pytest.approx(0.0, abs=1e-13)
    assert law.variance == pytest.approx(3.4, rel=1e-13)
    assert law.skewness == pytest.approx(0.0, abs=1e-12)
    assert law.excess_kurtosis == pytest.approx(190.2 / 3.4**2 - 3, rel=1e-13)
    sixth, eighth = 15 * (0.9 + 0.1 * 5**6), 105 * (0.9 + 0.1 * 5**8)
    assert law.even_moments() == pytest.approx((sixth / 3.4**3, eighth / 3.4**4), rel=1e-12)
    other = distribution("contaminated_normal")
    assert law.excess_kurtosis == pytest.approx(other.excess_kurtosis, rel=1e-12)
    p = np.array([1e-200, 1e-9, 0.2, 0.5])
    assert law.quantile(p, 1 - p) == pytest.approx(other.quantile(p, 1 - p), rel=1e-12, abs=1e-12)


def test_a_mixture_of_coins_by_hand():
    """0 and 1 from one coin, 1 and 2 from another: a law of three values, enumerated."""
    law = mixture([(0.5, "bernoulli(p=0.5)"), (0.5, "bernoulli(p=0.5,loc=1)")])
    values, weights = np.array([0.0, 1.0, 2.0]), np.array([0.25, 0.5, 0.25])
    mean = float(weights @ values)
    moment = {r: float(weights @ (values - mean) ** r) for r in (2, 3, 4, 6, 8)}
    assert law.mean == pytest.approx(mean, rel=1e-14)
    assert law.variance == pytest.approx(moment[2], rel=1e-13)
    assert law.skewness == pytest.approx(0.0, abs=1e-12)
    assert law.excess_kurtosis == pytest.approx(moment[4] / moment[2] ** 2 - 3, rel=1e-12)
    even = (moment[6] / moment[2] ** 3, moment[8] / moment[2] ** 4)
    assert law.even_moments() == pytest.approx(even, rel=1e-12)
    assert law.largest_atom == pytest.approx(0.5)
    assert law.knots() == pytest.approx((0.25, 0.75))
    assert law.quantile([0.1, 0.3, 0.7, 0.8]).tolist() == [0.0, 1.0, 1.0, 2.0]
    assert law.support == (0.0, 2.0)


@everywhere
def test_moments_are_those_of_total_moments(spec):
    """Raw moments are weighted sums of the parts'; the central ones follow from them."""
    law = distribution(spec)
    orders = [r for r in (1, 2, 3, 4) if r < min(law.tails())]
    raw = [1.0, *(total(spec, lambda part, r=r: part.moment(r)) for r in orders)]
    variance = raw[2] - raw[1] ** 2
    assert law.mean == pytest.approx(raw[1], rel=1e-12)
    assert law.variance == pytest.approx(variance, rel=1e-11)
    if min(law.tails()) <= 3:
        assert math.isinf(law.skewness)
        assert math.isinf(law.excess_kurtosis)
        return
    third = raw[3] - 3 * raw[1] * raw[2] + 2 * raw[1] ** 3
    fourth = raw[4] - 4 * raw[1] * raw[3] + 6 * raw[1] ** 2 * raw[2] - 3 * raw[1] ** 4
    assert law.skewness == pytest.approx(third / variance**1.5, rel=1e-9)
    assert law.excess_kurtosis == pytest.approx(fourth / variance**2 - 3, rel=1e-9)


P = np.array([1e-200, 1e-30, 1e-9, 0.001, 0.1, 0.24, 0.3, 0.45, 0.51, 0.62])


@everywhere
def test_quantiles_are_the_smallest_values_with_enough_below(spec):
    """F(q) >= p > F(q-), in either tail, F being the weighted sum of scipy's."""
    law = distribution(spec)
    for side, cdf in (("lower", "cdf"), ("upper", "sf")):
        q = law.quantile(P, 1 - P) if side == "lower" else law.quantile(1 - P, P)
        here = total(spec, lambda part, q=q, cdf=cdf: getattr(part, cdf)(q))
        step = np.maximum(np.abs(q), 1e-300) * 1e-12
        before = total(spec, lambda part, q=q, s=step, cdf=cdf: getattr(part, cdf)(q - s))
        if side == "lower":
            assert (here >= P * (1 - 1e-9)).all()
            assert (before <= P * (1 + 1e-9)).all()
        else:
            assert (here <= P * (1 + 1e-9)).all()
            assert (before >= P * (1 - 1e-9)).all()


@everywhere
def test_draws_follow_the_weighted_distribution_functions(spec):
    """DKW at a false-alarm rate of 1e-6; with the last two weights exchanged by 0.02 it fails."""
    law, count = distribution(spec), 500_000
    x = np.empty((500, 1000))
    law.fill(np.random.Generator(np.random.PCG64DXSM(4)), x)
    x = np.sort(x.ravel())
    bound = math.sqrt(math.log(2 / 1e-6) / (2 * count))
    empirical = np.searchsorted(x, x, side="right") / count
    parts = MIXTURES[spec]
    cdfs = [part.cdf(x) for _, part in parts]
    weights = np.array([weight for weight, _ in parts])
    assert np.abs(empirical - weights @ cdfs).max() < bound
    weights[-2:] += [-0.02, 0.02]
    assert np.abs(empirical - weights @ cdfs).max() > bound or "bernoulli" in spec
    lower, upper = law.support
    assert x[0] >= lower
    assert x[-1] <= upper


@everywhere
def test_texts_read_back(spec):
    """The canonical text names the same law, which is a value, and can be placed."""
    law = distribution(spec)
    assert str(law) == spec
    assert distribution(f" {spec} ") == law
    assert hash(distribution(str(law))) == hash(law)
    assert pickle.loads(pickle.dumps(law)) == law
    moved = dataclasses.replace(law, loc=3.0, scale=2.0)
    assert moved.mean == pytest.approx(3.0 + 2.0 * law.mean)
    assert moved.variance == pytest.approx(4.0 * law.variance)
    assert distribution(str(moved)) == moved
    assert distribution(f"{spec[:-1]},loc=3,scale=2)") == moved


def test_every_word_and_scipys_laws_may_be_parts():
    """Two halves of one law are that law: its median and mean, for every word."""
    for word in [*DISTRIBUTIONS, "scipy.genextreme(c=0.1)"]:
        law = distribution(word)
        both = mixture([(0.5, law), (0.5, word)])
        assert both.tails() == law.tails()
        assert both.support == law.support
        assert both.median == pytest.approx(law.median, rel=1e-9, abs=1e-9)
        assert both.largest_atom == pytest.approx(law.largest_atom, rel=1e-9)
        if math.isfinite(law.variance):
            assert both.mean == pytest.approx(law.mean, rel=1e-9, abs=1e-9)
            assert both.variance == pytest.approx(law.variance, rel=1e-9)
    assert str(mixture([(1, stats.norm(2))])) == "mixture(1*normal(loc=2))"


def test_a_variance_that_hardly_exists_is_complete():
    """Of pareto(b=2.01), some 3 % lies where probabilities are below 2^-1020."""
    law, part = distribution("mixture(1*pareto(b=2.01))"), distribution("pareto(b=2.01)")
    assert law.variance == pytest.approx(part.variance, rel=1e-9)


def test_atoms_of_parts_add_up():
    """Half of a rectified normal and a coin share the value 0: 0.5 * 0.5 + 0.5 * 0.7."""
    law = distribution("mixture(0.5*rectified_normal,0.5*bernoulli(p=0.3))")
    assert law.largest_atom == pytest.approx(0.6, rel=1e-12)
    assert law.pivot == 0.0
    assert law.median == 0.0
    x = np.empty(100_000)
    law.fill(np.random.Generator(np.random.PCG64DXSM(8)), x)
    # A binomial count, within 5 standard errors (6e-7).
    assert abs((x == 0).sum() - 60_000) < 5 * math.sqrt(100_000 * 0.24)


def test_knots_are_both_sides_of_an_atom_and_ends():
    """A coin within a normal law jumps at 0 and 1; an end of a support is a kink, once."""
    law = distribution("mixture(0.5*normal,0.5*bernoulli(p=0.5))")
    at_one = 0.5 * stats.norm.cdf(1.0)
    assert law.knots() == pytest.approx((0.25, 0.5, 0.25 + at_one, 0.5 + at_one), rel=1e-12)
    law = distribution("mixture(0.3*exponential,0.7*pareto(b=3))")
    assert law.knots() == pytest.approx((0.3 * stats.expon.cdf(1.0),), rel=1e-12)


def test_a_sweep_of_a_mixture_agrees_with_theory(tmp_path):
    """In --dist and design.toml alike; |z| below 5 (6e-7 a cell) where z is given."""
    spec = "mixture(0.8*normal,0.2*normal(loc=3))"
    result = sn.sweep(
        [spec, "normal"], batch_sizes=[2, 8], full_size=64, replications=2000, out=tmp_path / "run"
    )
    frame = result.frame[result.frame["distribution"] == spec]
    z = frame["z"].dropna()
    assert len(z) > 4
    assert z.abs().max() < 5
    again = sn.run(tmp_path / "run" / "design.toml", out=tmp_path / "again").frame
    assert again["estimate"].equals(result.frame["estimate"])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("mixture", "weights and distributions"),
        ("mixture()", "no such part"),
        ("mixture(0.5*normal)", "add up to 1, these to 0.5"),
        ("mixture(0.5*normal,0.6*t)", "add up to 1, these to 1.1"),
        ("mixture(0.5*normal,0.5*nrmal)", "Did you mean 'normal'"),
        ("mixture(normal,t)", "no such part"),
        ("mixture(x*normal)", "no number"),
        ("mixture(-0.5*normal,1.5*t)", "above 0"),
        ("mixture(0.5*mixture(1*normal),0.5*t)", "no such part"),
        ("mixture(0.5*normal,0.5*t(df=0))", "df of t"),
        ("mixture(0.5*normal,0.5*t", "weights and distributions"),
        ("mixture(1*normal,loc=1,loc=2)", "no such part"),
        ("mixture(1*normal,scale=0)", "scale"),
    ],
)
def test_what_is_no_mixture_is_refused_in_one_line(spec, words):
    """Wrong weights, wrong parts, nesting: one message each."""
    with pytest.raises(SimnormError, match=words) as caught:
        distribution(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [[], [("a", "normal")], [(True, "normal")], [(1.0,)], 5, [(1.0, 5)], [(math.nan, "normal")],
     [(1.0, Mixture(parts=((1.0, distribution("normal")),)))]],
    ids=repr,
)  # fmt: skip
def test_wrong_parts_are_refused(parts):
    """Anything but pairs of a weight and a law."""
    with pytest.raises(SimnormError):
        mixture(parts)


@pytest.mark.parametrize("word", DISTRIBUTIONS)
def test_probabilities_invert_quantiles(word):
    """P(X <= Q(p)) is p, and P(X > Q(p)) its rest; at atoms at least p."""
    law = distribution(word)
    p = np.array([1e-250, 1e-12, 0.01, 0.3, 0.5])
    for lower, upper in ((p, 1 - p), (1 - p, p)):
        below, above = law.probabilities(law.quantile(lower, upper))
        if law.largest_atom:
            assert (below >= lower * (1 - 1e-9)).all()
            assert (above <= upper * (1 + 1e-9)).all()
        else:
            assert below == pytest.approx(lower, rel=1e-9)
            # Next to a finite upper end quantiles round.
            assert above == pytest.approx(upper, rel=1e-9, abs=1e-9 * math.isfinite(law.support[1]))
    lower, upper = law.support
    if math.isfinite(lower):
        assert law.probabilities([lower - 1.0])[0] == 0.0
    if math.isfinite(upper):
        assert law.probabilities([upper + 1.0])[1] == 0.0


def test_bisection_finds_the_very_double():
    """Between any two doubles, of either sign, the smallest one that is enough."""
    targets = np.array([-1e300, -1.0, -1e-310, 0.0, 5e-324, 1e-20, 1.0, 1e308])
    ends = np.full(targets.shape, -1.7e308), np.full(targets.shape, 1.7e308)
    assert bisect(lambda x: x >= targets, *ends).tolist() == targets.tolist()


def test_roots_are_found_to_the_last_digits():
    """Of rising functions that are straight, flat in places, or steep."""
    targets = np.array([-3.0, -1e-5, 0.0, 2e-9, 0.7, 40.0])
    low, high = np.full(6, -50.0), np.full(6, 50.0)
    for rising in (lambda x: x, np.arctan, lambda x: x**3, np.cbrt, np.sinh):
        found = find(lambda x, f=rising: f(x) - f(targets), low, high)
        assert found == pytest.approx(targets, rel=1e-12, abs=1e-5 if rising(0.1) < 0.01 else 1e-14)
    assert find(lambda x: x - 3.0, np.array([3.0]), np.array([3.0])).tolist() == [3.0]
