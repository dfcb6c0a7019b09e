"""``scipy.NAME(...)``: specs, frozen laws, tails, moments and draws against scipy and formulas."""

from __future__ import annotations

import dataclasses
import math
import pickle
import subprocess
import sys
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.distributions import distribution
from simnorm.distributions.base import inverse_table
from simnorm.distributions.from_scipy import _panels
from simnorm.errors import SimnormError

INFINITE = math.inf

# Tail indices known from the densities: (spec, lower, upper).
KNOWN_TAILS = [
    ("scipy.genpareto(c=0.25)", INFINITE, 4.0),
    ("scipy.genpareto(c=-0.5)", INFINITE, INFINITE),
    ("scipy.genpareto(c=0)", INFINITE, INFINITE),
    ("scipy.genextreme(c=-0.2)", INFINITE, 5.0),
    ("scipy.genextreme(c=0.2)", INFINITE, INFINITE),
    ("scipy.genextreme(c=0)", INFINITE, INFINITE),
    ("scipy.burr12(c=2,d=1.5)", INFINITE, 3.0),
    ("scipy.burr(c=2.5,d=4)", INFINITE, 2.5),
    ("scipy.fisk(c=3)", INFINITE, 3.0),
    ("scipy.invgamma(a=4.5)", INFINITE, 4.5),
    ("scipy.f(dfn=3,dfd=10)", INFINITE, 5.0),
    ("scipy.betaprime(a=5,b=6)", INFINITE, 6.0),
    ("scipy.lomax(c=2)", INFINITE, 2.0),
    ("scipy.levy", INFINITE, 0.5),
    ("scipy.levy_l", 0.5, INFINITE),
    ("scipy.halfcauchy", INFINITE, 1.0),
    ("scipy.foldcauchy(c=3)", INFINITE, 1.0),
    ("scipy.skewcauchy(a=0.5)", 1.0, 1.0),
    ("scipy.invweibull(c=2.5)", INFINITE, 2.5),
    ("scipy.loglaplace(c=3.5)", INFINITE, 3.5),
    ("scipy.mielke(k=2,s=4.5)", INFINITE, 4.5),
    ("scipy.nct(df=7,nc=1)", 7.0, 7.0),
    ("scipy.jf_skew_t(a=4,b=2)", 8.0, 4.0),
    ("scipy.crystalball(beta=2,m=4)", 3.0, INFINITE),
    ("scipy.rel_breitwigner(rho=36)", INFINITE, 3.0),
    ("scipy.loggamma(c=0.5)", INFINITE, INFINITE),
    ("scipy.johnsonsu(a=2.5,b=2.2)", INFINITE, INFINITE),
    ("scipy.gibrat", INFINITE, INFINITE),
    ("scipy.invgauss(mu=0.5)", INFINITE, INFINITE),
    ("scipy.arcsine", INFINITE, INFINITE),
    ("scipy.exponnorm(K=1.5)", INFINITE, INFINITE),
    ("scipy.dweibull(c=2)", INFINITE, INFINITE),
]


@pytest.mark.parametrize(("spec", "lower", "upper"), KNOWN_TAILS)
def test_tail_indices_are_the_known_ones(spec, lower, upper):
    """Found from the density alone, to six digits, and moments exist exactly below them."""
    law = distribution(spec)
    assert law.tails() == pytest.approx((lower, upper), rel=1e-6)
    declared = (law.mean, law.variance, law.skewness, law.excess_kurtosis)
    for order, value in enumerate(declared, start=1):
        assert math.isfinite(value) == (order < min(lower, upper)), order
    assert math.isfinite(law.squares_kurtosis) == (min(lower, upper) > 8)


def gamma_ratio(a, b, r):
    """E X^r of the beta prime law of shapes a and b."""
    return math.exp(math.lgamma(a + r) + math.lgamma(b - r) - math.lgamma(a) - math.lgamma(b))


def central(raw):
    """Central moments of order 0 to 8 from raw ones, of laws that are skewed enough."""
    return [
        sum(math.comb(r, i) * raw[i] * (-raw[1]) ** (r - i) for i in range(r + 1)) for r in range(9)
    ]


# Raw moments of order 0 to 8 in closed form.
CLOSED = {
    "scipy.betaprime(a=5,b=12)": [gamma_ratio(5, 12, r) for r in range(9)],
    "scipy.fisk(c=9)": [1.0] + [(r * math.pi / 9) / math.sin(r * math.pi / 9) for r in range(1, 9)],
    "scipy.invgamma(a=10)": [math.gamma(10 - r) / math.gamma(10) for r in range(9)],
    "scipy.genpareto(c=0.1)": [
        math.factorial(r) / math.prod(1 - 0.1 * i for i in range(1, r + 1)) for r in range(9)
    ],
    "scipy.maxwell": [2 ** (r / 2) * math.gamma((3 + r) / 2) / math.gamma(1.5) for r in range(9)],
    "scipy.arcsine": [math.comb(2 * r, r) / 4.0**r for r in range(9)],
    "scipy.powerlaw(a=0.7)": [0.7 / (0.7 + r) for r in range(9)],
    "scipy.halfcauchy": None,
}


@pytest.mark.parametrize("spec", [spec for spec, raw in CLOSED.items() if raw])
def test_moments_are_those_of_closed_forms(spec):
    """All orders to the eighth, which the quadrature alone provides; 1e-7 is what cancels here."""
    law, moments = distribution(spec), central(CLOSED[spec])
    near = lambda value: pytest.approx(value, rel=1e-7)  # noqa: E731
    assert law.mean == near(CLOSED[spec][1])
    assert law.variance == near(moments[2])
    assert law.skewness == pytest.approx(moments[3] / moments[2] ** 1.5, rel=1e-7, abs=1e-12)
    assert law.excess_kurtosis == near(moments[4] / moments[2] ** 2 - 3)
    assert law.even_moments() == near((moments[6] / moments[2] ** 3, moments[8] / moments[2] ** 4))


def test_a_variance_that_hardly_exists_is_complete():
    """lomax(c=2.02): a sixth of the variance lies beyond 1e39, where the tail is a power."""
    law, c = distribution("scipy.lomax(c=2.02)"), 2.02
    panels = _panels("lomax", (c,)).moments().moments
    exact = c / ((c - 1) ** 2 * (c - 2))
    assert panels.variance == pytest.approx(exact, rel=1e-6)
    assert law.variance == pytest.approx(exact, rel=1e-6)


def test_a_formula_that_cancels_is_replaced():
    """The kurtosis of chi(df=78), of which scipy has four digits, from exact Gamma(39.5)."""
    with localcontext(prec=60):
        root_pi = Decimal("1.772453850905516027298167483341145182797549456122387128213807790")
        half = Fraction(math.prod(range(1, 78, 2)), 2**39 * math.factorial(38))
        mean = Decimal(2).sqrt() * root_pi * half.numerator / half.denominator
        # E X^2 = 78, E X^3 = 79 E X, E X^4 = 78 * 80.
        m2 = 78 - mean**2
        m4 = 78 * 80 - 4 * 79 * mean**2 + 6 * 78 * mean**2 - 3 * mean**4
        exact = float(m4 / m2**2 - 3)
    assert distribution("scipy.chi(df=78)").excess_kurtosis == pytest.approx(exact, abs=1e-11)
    assert stats.chi(78).stats("k") != pytest.approx(exact, abs=1e-11)


SPECS = [
    "scipy.genextreme(c=0.1)",
    "scipy.genextreme(c=-0.1,loc=1,scale=2)",
    "scipy.arcsine",
    "scipy.crystalball(beta=2,m=3)",
    "scipy.levy",
    "scipy.johnsonsu(a=2.5,b=2.2,loc=-3)",
    "scipy.exponnorm(K=1.5)",
    "scipy.loggamma(c=0.4)",
    "scipy.truncnorm(a=-1,b=2.5)",
    "scipy.laplace_asymmetric(kappa=2)",
    "scipy.wald",
    "scipy.pearson3(skew=-2)",
]
DRAWS = 200_000


@pytest.mark.parametrize("spec", SPECS)
def test_draws_follow_scipys_distribution_function(spec):
    """DKW bound at a false-alarm rate of 1e-6; moved by a twentieth of the iqr, it fails."""
    law = distribution(spec)
    x = np.empty(DRAWS)
    law.fill(np.random.Generator(np.random.PCG64DXSM(11)), x)
    x.sort()
    values = {k: v for k, v in vars(law).items() if isinstance(v, float) and k in names_of(law)}
    frozen = getattr(stats, law.name)(**values)
    bound = math.sqrt(math.log(2 / 1e-6) / (2 * DRAWS))
    empirical = (np.arange(DRAWS) + 1) / DRAWS
    assert np.abs(empirical - frozen.cdf(x)).max() < bound
    iqr = frozen.ppf(0.75) - frozen.ppf(0.25)
    assert np.abs(empirical - frozen.cdf(x + iqr / 20)).max() > bound


def names_of(law):
    return {f.name for f in dataclasses.fields(law)}


@pytest.mark.parametrize(
    "spec", [*SPECS, "scipy.kstwobign", "scipy.cosine", "scipy.burr12(c=2,d=3)"]
)
def test_quantiles_are_scipys(spec):
    """Where scipy's own cdf has digits, it reads our quantiles back."""
    law = distribution(spec)
    values = {name: getattr(law, name) for name in names_of(law)}
    frozen = getattr(stats, law.name)(**values)
    p = np.array([1e-9, 1e-5, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-5])
    assert frozen.cdf(law.quantile(p)) == pytest.approx(p, rel=1e-6, abs=1e-9)
    assert law.support == pytest.approx(frozen.support(), rel=1e-12)
    x = law.quantile([1e-300, 1e-30], [1.0, 1.0])
    assert (np.diff(x) >= 0).all()
    # Next to an end that is not 0, quantiles round, where the density may be infinite.
    for side in ((p, 1 - p), (1 - p, p)) if law.support != (0.0, 1.0) else ():
        found = law.probabilities(law.quantile(*side))
        assert found[0] == pytest.approx(side[0], rel=1e-7, abs=1e-14)
        assert found[1] == pytest.approx(side[1], rel=1e-7, abs=1e-14)


def test_far_quantiles_of_a_light_and_a_heavy_law():
    """Where scipy takes 1 - q, the density still gives digits: closed forms at 1e-300."""
    q = np.array([1e-300, 1e-100, 1e-20])
    lomax = distribution("scipy.lomax(c=2)")
    assert lomax.quantile(1 - q, q) == pytest.approx(q**-0.5, rel=1e-7)
    rayleigh = distribution("scipy.rayleigh")
    assert rayleigh.quantile(1 - q, q) == pytest.approx(np.sqrt(-2 * np.log(q)), rel=1e-12)
    assert rayleigh.quantile(q, 1 - q) == pytest.approx(np.sqrt(2 * q), rel=1e-7)


@pytest.mark.parametrize("spec", SPECS)
def test_specs_read_back(spec):
    """The printed name names the same law, which is a value and can be sent to other processes."""
    law = distribution(spec)
    assert str(law) == spec
    assert distribution(str(law)) == law
    assert hash(distribution(f" {spec} ")) == hash(law)
    assert pickle.loads(pickle.dumps(law)) == law
    placed = dataclasses.replace(law, loc=5.0, scale=0.5)
    assert distribution(str(placed)) == placed
    assert inverse_table(placed) is inverse_table(law)


@pytest.mark.parametrize(
    ("frozen", "spec"),
    [
        (stats.norm(loc=2), "normal(loc=2)"),
        (stats.norm(2, 3), "normal(loc=2,scale=3)"),
        (stats.expon(scale=4), "exponential(scale=4)"),
        (stats.t(5), "t(df=5)"),
        (stats.t(df=5, loc=1), "t(df=5,loc=1)"),
        (stats.lognorm(0.5), "lognormal(s=0.5)"),
        (stats.triang(0.25), "triangular(c=0.25)"),
        (stats.weibull_min(c=2), "weibull(c=2)"),
        (stats.gumbel_r(), "gumbel"),
        (stats.skewnorm(-3), "skewnormal(a=-3)"),
        (stats.beta(2, 3, loc=1), "beta(a=2,b=3,loc=1)"),
        (stats.poisson(4), "poisson(mu=4)"),
        (stats.bernoulli(0.25, loc=1), "bernoulli(p=0.25,loc=1)"),
        (stats.genextreme(c=0.1), "scipy.genextreme(c=0.1)"),
        (stats.burr12(2, 3, 1, 4), "scipy.burr12(c=2,d=3,loc=1,scale=4)"),
    ],
)
def test_frozen_laws_are_taken_for_their_words(frozen, spec):
    """A frozen law becomes the word that means it, or ``scipy.NAME``, and its moments agree."""
    law = distribution(frozen)
    assert str(law) == spec
    assert law == distribution(spec)
    assert law.mean == pytest.approx(frozen.mean())
    assert law.variance == pytest.approx(frozen.var())


def test_every_word_of_scipys_has_the_same_shapes():
    """``scipy.gamma(a=3)`` is gamma(a=3), for all words that both have."""
    for spec in ("gamma(a=3)", "pareto(b=2,loc=1)", "chi2(df=4)", "logistic", "cauchy(scale=2)"):
        assert distribution(f"scipy.{spec}") == distribution(spec)
    assert str(distribution("scipy.norm(loc=2)")) == "normal(loc=2)"


def test_a_sweep_takes_frozen_laws():
    """Wherever a law is accepted, and its numbers are those of its spec."""
    make = {"batch_sizes": [4], "full_size": 16, "replications": 64, "estimators": "mean"}
    one = sn.sweep([stats.genextreme(c=0.1)], **make).frame
    two = sn.sweep("scipy.genextreme(c=0.1)", **make).frame
    assert one["estimate"].equals(two["estimate"])
    assert (one["distribution"] == "scipy.genextreme(c=0.1)").all()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("scipy.genextrme(c=0.1)", "Did you mean 'genextreme'"),
        ("scipy.binom(n=3,p=0.5)", "only bernoulli and poisson are allowed"),
        ("scipy.genextreme", "needs its shape c"),
        ("scipy.burr12(c=2)", "needs its shape d.*c=...,d=..."),
        ("scipy.genextreme(d=1)", "has no parameter 'd'"),
        ("scipy.burr12(c=2,d=-1)", "does not allow these shapes"),
        ("scipy.genextreme(c=0.1,scale=0)", "scale of scipy.genextreme"),
        ("scipy.genextreme(c=nan)", "finite"),
        ("scipy.vonmises(kappa=1)", "does not integrate to 1"),
        ("scipy.studentized_range(k=3,df=10)", "too slow"),
        ("scipy.levy_stable(alpha=1.5,beta=0)", "too slow"),
        ("scipy.", "no continuous distribution"),
        ("scipy.__init__", "no continuous distribution"),
        (stats.geom(0.5), "only bernoulli and poisson"),
        (stats.norm([0, 1], 1), "one number for each parameter"),
        (stats.norm(0, -1), "scale"),
        (stats.t(-1), "df"),
        (stats.multivariate_normal(), "distributions"),
        (stats.norm, "distributions"),
    ],
    ids=str,
)
def test_what_is_no_law_is_refused_in_one_line(spec, words):
    """Unknown names, missing and impossible shapes, other kinds of laws: one message each."""
    with pytest.raises(SimnormError, match=words) as caught:
        distribution(spec)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("distributions: got ")


def test_simnorm_does_not_load_scipy_stats_unasked():
    """Neither the import nor a normal sweep, nor the named laws, pay for scipy.stats."""
    code = (
        "import sys, numpy as np, simnorm as sn; "
        "from simnorm.distributions import DISTRIBUTIONS, distribution; "
        "[distribution(w).fill(np.random.default_rng(1), np.empty(10)) for w in DISTRIBUTIONS]; "
        "assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_all_continuous_laws_of_scipy_hold_or_are_refused():
    """Each with its documented shapes: in range, mass 1, mean within 5 standard errors (6e-7)."""
    from scipy.stats._distr_params import distcont

    refused = set()
    for name, shapes in distcont:
        dist = getattr(stats, name) if isinstance(name, str) else name
        try:
            law = distribution(dist(*shapes))
        except SimnormError:
            refused.add(dist.name)
            continue
        x = np.empty(2000)
        law.fill(np.random.Generator(np.random.PCG64DXSM(1)), x)
        assert np.isfinite(x).all(), name
        if min(law.tails()) > 4:
            assert abs(x.mean() - law.mean) < 5 * law.std / math.sqrt(2000), name
    assert refused == {"kstwo", "levy_stable", "studentized_range", "vonmises"}
