"""Exact values for finite sets, against every subset, every tuple and direct sums."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from simnorm.columns import Column
from simnorm.distributions import distribution
from simnorm.estimators import UserEstimator, estimator
from simnorm.theory import finite_order, of_distribution
from simnorm.theory.enumeration import enumerated_values
from simnorm.theory.finite import finite_covariance, finite_pair, finite_values
from simnorm.theory.finite_order import order_kurtosis, rank_law
from simnorm.theory.replacement import replacement_pair

# Not dyadic, off zero, with ties and an outlier.
SETS = {
    "nine": [5.1, 5.3, 5.3, 4.7, 6.9, 11.3, 5.2, 4.1, 5.3],
    "seven": [-0.3, 0.1, 0.7, 0.2, 40.1, 0.6, -1.9],
    "binary": [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    "three": [0.1, 0.7, 2.3],
    "two": [0.3, 0.8],
}
EXACT = (
    "mean",
    "biased_variance",
    "unbiased_variance",
    "min",
    "max",
    "range",
    "median",
    "quantile(q=0.3)",
    "iqr",
)
OTHERS = ("std(ddof=0)", "std(ddof=1)", "mad", "trimmed_mean(proportion=0.2)", "skewness")


def batches(values, n, *, replaced):
    """Return all ordered tuples, or all subsets."""
    every = itertools.product(values, repeat=n) if replaced else itertools.combinations(values, n)
    return np.array(list(every))


def brute(kind, values, n, *, replaced):
    """Return bias and mse over all batches."""
    errors = kind(batches(values, n, replaced=replaced)) - kind(np.array(values))
    return errors.mean(), (errors**2).mean()


@pytest.mark.parametrize("spec", EXACT)
@pytest.mark.parametrize("name", SETS)
def test_values_are_those_of_all_subsets(spec, name):
    """Every estimator with exact theory, every set, every n: 1e-9 of the rmse."""
    kind, values = estimator(spec), SETS[name]
    column = Column(name, np.array(values))
    for n in range(kind.smallest_batch, len(values) + 1):
        found = finite_values(kind, n, column)
        bias, mse = brute(kind, values, n, replaced=False)
        scale = math.sqrt(mse) + 1e-12
        assert found["bias"] == pytest.approx(bias, abs=1e-9 * scale)
        assert found["mse"] == pytest.approx(mse, abs=1e-9 * scale * scale)
        assert found["mse"].kind == "exact"


@pytest.mark.parametrize("spec", EXACT)
@pytest.mark.parametrize("name", ["seven", "binary", "three", "two"])
def test_values_with_replacement_are_those_of_all_tuples(spec, name):
    """The same over N^n tuples; iqr has no theory where ranks stand between its two."""
    kind, values = estimator(spec), SETS[name]
    column = Column(name, np.array(values))
    for n in range(kind.smallest_batch, 6):
        found = finite_values(kind, n, column, "replacement")
        if spec == "iqr" and not found:
            assert n > 2
            continue
        bias, mse = brute(kind, values, n, replaced=True)
        scale = math.sqrt(mse) + 1e-12
        assert found["bias"] == pytest.approx(bias, abs=1e-9 * scale)
        assert found["mse"] == pytest.approx(mse, abs=1e-9 * scale * scale)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("name", ["nine", "seven", "binary"])
def test_standard_deviations_are_exact_for_pairs_and_for_all_but_one(ddof, name):
    """Pairs of rows with both schemes, and subsets that leave out one row."""
    kind, values = estimator(f"std(ddof={ddof})"), SETS[name]
    column = Column(name, np.array(values))
    for n, replaced in ((2, False), (2, True), (len(values) - 1, False)):
        found = finite_values(kind, n, column, "replacement" if replaced else "shuffle")
        bias, mse = brute(kind, values, n, replaced=replaced)
        assert found["bias"] == pytest.approx(bias, rel=1e-12)
        assert found["mse"] == pytest.approx(mse, rel=1e-12)
        assert found["mse"].kind == "exact"


def test_rational_arithmetic_agrees():
    """Mean and variance of the unbiased variance of all subsets, as fractions."""
    values = [Fraction(x) for x in (1, 2, 4, 8, 11, 3, 7, 21, 5)]
    column = Column("x", np.array([float(x) for x in values]))

    def variance(sample):
        mean = sum(sample) / len(sample)
        return sum((x - mean) ** 2 for x in sample) / (len(sample) - 1)

    for n in (2, 3, 5, 8):
        found = [variance(s) - variance(values) for s in itertools.combinations(values, n)]
        assert sum(found) == 0
        expected = sum(e * e for e in found) / len(found)
        value = finite_values(estimator("unbiased_variance"), n, column)["variance"]
        assert value == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("replaced", [False, True])
def test_covariance_of_mean_and_variance(replaced):
    """K3 (1/n - 1/N), or M3/n, over all batches of a skewed set."""
    values = SETS["seven"]
    column = Column("x", np.array(values))
    for n in (2, 3, 5):
        drawn = batches(values, n, replaced=replaced)
        means, variances = drawn.mean(axis=-1), drawn.var(axis=-1, ddof=1)
        expected = (means * variances).mean() - means.mean() * variances.mean()
        found = finite_covariance(n, column, "replacement" if replaced else "shuffle")
        assert found == pytest.approx(expected, rel=1e-10)
    assert finite_covariance(7, column) == 0.0


@pytest.mark.parametrize("spec", [*EXACT, *OTHERS])
@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_enumeration_is_that_of_all_batches(spec, sampling):
    """Subsets and multisets with their weights give what all tuples give."""
    kind, values = estimator(spec), SETS["seven"]
    column = Column("x", np.array(values))
    for n in (3, 5):
        bias, mse = brute(kind, values, n, replaced=sampling == "replacement")
        found = enumerated_values(kind, n, column, sampling)
        if not np.isfinite(mse):
            assert found == {}
            continue
        assert found["bias"] == pytest.approx(bias, rel=1e-9, abs=1e-12)
        assert found["mse"] == pytest.approx(mse, rel=1e-10)


def test_enumeration_takes_functions_and_stops_where_there_are_too_many():
    """A function of the user; one that fails has no value; C(N, n) above the limit is not tried."""
    column = Column("x", np.array(SETS["nine"]))
    own = enumerated_values(UserEstimator(np.ptp), 4, column)
    assert own["mse"] == pytest.approx(float(finite_values(estimator("range"), 4, column)["mse"]))

    def fails(sample, axis=-1):  # noqa: ARG001
        raise RuntimeError

    assert enumerated_values(UserEstimator(fails), 4, column) == {}
    assert enumerated_values(estimator("mean"), 4, column, most=125) is None
    assert enumerated_values(estimator("mean"), 4, column, most=126) is not None
    assert enumerated_values(estimator("mean"), 4, column, "replacement", most=494) is None


@pytest.mark.parametrize(("n", "size"), [(2, 9), (5, 9), (9, 9), (16, 300), (1024, 100_000)])
def test_laws_of_ranks_add_up_and_are_hypergeometric(n, size):
    """Against scipy's hypergeometric law, an independent way to the same number."""
    from scipy.stats import hypergeom

    for rank in {1, (n + 1) // 2, n}:
        law = rank_law(rank, n, size, replaced=False)
        assert law.sum() == pytest.approx(1.0, rel=1e-12)
        # At most the i-th: r or more of the batch are among the first i.
        for i in {size // 3, size // 2, size - 1}:
            expected = hypergeom.sf(rank - 1, size, i, n)
            assert law[:i].sum() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("spec", ["median", "range", "iqr", "quantile(q=0.9)", "max"])
def test_long_columns_against_sums_over_all_pairs(spec):
    """N = 240 with an outlier of 15 sd: the transform against the plain double sum."""
    rng = np.random.Generator(np.random.PCG64DXSM(1))
    values = rng.standard_exponential(240)
    values[7] = 40.0
    column = Column("x", values)
    kind = estimator(spec)
    z = np.sort(column.standardized)
    N = len(z)
    for n in (8, 16, 33, 200):
        weights = dict(kind.weights(n))
        whole = sum(w * z[rank - 1] for rank, w in kind.weights(N))
        square = 0.0
        singles = {r: rank_law(r, n, N, replaced=False) for r in weights}
        for r, s in itertools.product(weights, repeat=2):
            if r == s:
                square += weights[r] ** 2 * float(singles[r] @ z**2)
                continue
            low, high = min(r, s), max(r, s)
            total = 0
            for i in range(1, N + 1):
                first = math.comb(i - 1, low - 1)
                if first:
                    terms = (
                        math.comb(j - i - 1, high - low - 1) * math.comb(N - j, n - high)
                        for j in range(i + 1, N + 1)
                    )
                    gaps = [
                        float(Fraction(first * term, math.comb(N, n))) * z[j] * z[i - 1]
                        for j, term in zip(range(i, N), terms, strict=True)
                        if term
                    ]
                    total += math.fsum(gaps)
            square += weights[r] * weights[s] * total
        mean = sum(w * float(singles[r] @ z) for r, w in weights.items())
        expected = square - 2 * whole * mean + whole**2
        pair = finite_pair(kind, n, column, "shuffle")
        found = (pair.variance + pair.bias**2) / column.std**2
        assert found == pytest.approx(expected, rel=1e-9)


def test_a_large_set_is_like_its_law():
    """Quantiles of the uniform law as the set: variances are those of the law, 1/n + ... apart."""
    size = 200_000
    column = Column("x", (np.arange(size) + 0.5) / size)
    for n in (5, 101):
        # Of odd n, Var(median) = 1/(4 (n + 2)) and Var(max) = n/((n+1)^2 (n+2)).
        found = finite_values(estimator("median"), n, column)["variance"]
        assert found == pytest.approx(1 / (4 * (n + 2)), rel=2 * n / size)
        found = finite_values(estimator("max"), n, column)["variance"]
        assert found == pytest.approx(n / ((n + 1) ** 2 * (n + 2)), rel=5 * n / size)
        found = finite_values(estimator("range"), n, column)["variance"]
        expected = 2 * (n - 1) / ((n + 1) ** 2 * (n + 2))
        assert found == pytest.approx(expected, rel=5 * n / size)


@pytest.mark.parametrize("atoms", [[0, 1], [0, 1, 5]])
def test_laws_with_replacement_against_every_full_set_and_every_batch(atoms):
    """Rational: all full sets of four, all batches of two and three, a skewed law."""
    probabilities = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)][: len(atoms)]
    probabilities[-1] = 1 - sum(probabilities[:-1])
    law = dict(zip([Fraction(a) for a in atoms], probabilities, strict=True))
    mean = sum(x * p for x, p in law.items())
    variance = sum((x - mean) ** 2 * p for x, p in law.items())
    fourth = sum((x - mean) ** 4 * p for x, p in law.items())
    numbers = of_distribution(distribution("bernoulli"))._replace(
        sigma=math.sqrt(variance), excess_kurtosis=float(fourth / variance**2 - 3)
    )
    N = 4

    def variance_of(sample, ddof):
        m = Fraction(sum(sample), len(sample))
        return sum((x - m) ** 2 for x in sample) / (len(sample) - ddof)

    for spec, value, population in (
        ("mean", lambda s: Fraction(sum(s), len(s)), mean),
        ("biased_variance", lambda s: variance_of(s, 0), variance),
        ("unbiased_variance", lambda s: variance_of(s, 1), variance),
    ):
        for n, reference in itertools.product((2, 3), ("full_set", "population")):
            first = second = Fraction(0)
            for whole in itertools.product(law, repeat=N):
                chance = math.prod(law[x] for x in whole) / Fraction(N) ** n
                against = value(whole) if reference == "full_set" else population
                for batch in itertools.product(whole, repeat=n):
                    error = value(batch) - against
                    first += chance * error
                    second += chance * error * error
            pair = replacement_pair(estimator(spec), n, N, reference, numbers)
            assert pair.bias == pytest.approx(float(first), abs=1e-14)
            assert pair.variance == pytest.approx(float(second - first**2), rel=1e-12)


def test_kurtosis_of_rare_moves_is_one_over_their_chance():
    """The median of 5 from 3 ones and 97 zeros is 1 with the hypergeometric chance p: 1/p of it."""
    column = Column("x", np.repeat([0.0, 1.0], [97, 3]))
    p = math.comb(97, 2) / math.comb(100, 5)
    found = order_kurtosis(estimator("median"), 5, column, "shuffle")
    q = p * (1 - p)
    assert found.error == pytest.approx((1 - 3 * q) / q - 3, rel=1e-9)
    assert found.square == pytest.approx((1 - 3 * q) / q - 3, rel=1e-9)


def test_mutants_are_noticed(monkeypatch):
    """Wrong ranks and a wrong tilt give other numbers than all subsets do."""
    values = SETS["nine"]
    column = Column("x", np.array(values))
    bias, _ = brute(estimator("max"), values, 4, replaced=False)
    right = rank_law.__wrapped__
    monkeypatch.setattr(
        finite_order, "rank_law", lambda r, n, N, *, replaced: right(r - 1, n, N, replaced=replaced)
    )
    wrong = finite_values(estimator("max"), 4, column)["bias"]
    assert wrong != pytest.approx(bias, rel=1e-3)


@pytest.mark.parametrize("size", [49, 103, 178, 569])
def test_two_ranks_with_replacement_of_every_size(size):
    """Finite for sizes whose reciprocal rounds down, 49 * (1/49) < 1: against a sum over pairs."""
    values = np.arange(size) ** 1.5
    column = Column("x", values)
    found = finite_values(estimator("median"), 2, column, "replacement")
    pairs = (values[:, None] + values[None, :]) / 2.0 - np.median(values)
    assert found["bias"] == pytest.approx(pairs.mean(), rel=1e-9)
    assert found["mse"] == pytest.approx((pairs**2).mean(), rel=1e-9)


def far_columns():
    """Return columns of 800 values by name, most with values far away from all others."""
    rng = np.random.Generator(np.random.PCG64DXSM(2))
    normal = rng.normal(size=800)
    return {
        "normal": normal,
        "one": np.r_[normal[1:], 1e12],
        "both": np.r_[normal[2:], -1e10, 1e10],
        "sentinel": np.r_[normal[20:], [-999999999.0] * 20],
        "many": np.r_[normal[200:], [-999999999.0] * 200],
        "lognormal": np.exp(2.0 * rng.normal(size=800)),
        "ties": rng.poisson(0.7, size=800) + 0.1,
    }


def log_binomial(top, below):
    """Return log C(top, below), -inf where it is 0, with the digits of `math.comb`."""
    table = {t: math.comb(t, below) for t in map(int, np.unique(top)) if t >= 0}
    return np.array([math.log(table[t]) if table.get(t) else -np.inf for t in map(int, top)])


def direct(kind, values, n, *, replaced):
    """Return bias and mse by a plain sum over all pairs of places, and over single ranks.

    Only two ranks next to each other, or the first and the last, with replacement.
    """
    x = np.sort(values) - np.median(values)
    N, weights = len(x), kind.weights(n)
    whole = sum(w * x[rank - 1] for rank, w in kind.weights(N))
    i = np.arange(1, N + 1)
    gap = i[None, :] - i[:, None]
    squares = 0.0
    laws = {rank: rank_law(rank, n, N, replaced=replaced) for rank, _ in weights}
    if len(weights) == 1:
        law, e = laws[weights[0][0]], x - whole
        return law @ e, law @ e**2
    centre = whole if sum(w for _, w in weights) > 0.5 else 0.0
    y = x - centre
    firsts = sum(w * (laws[rank] @ y) for rank, w in weights)
    # The square of the whole sum where there are two ranks, so that no term is negative; with more
    # of them, squares and products.
    for (r, v), (s, w) in itertools.combinations(weights, 2):
        P = joint_law(r, s, n, N, gap, replaced=replaced)
        assert P.sum() == pytest.approx(1.0, rel=1e-9)
        if len(weights) == 2:
            ends = (centre, centre) if centre or v > 0.0 else (x[0], x[-1])
            e = v * (x - ends[0])[:, None] + w * (x - ends[1])[None, :]
            return float((P * e).sum()), float((P * e**2).sum())
        squares += 2.0 * v * w * float(y @ P @ y)
    squares += sum(w * w * (laws[rank] @ y**2) for rank, w in weights)
    return firsts - whole, squares - 2.0 * whole * firsts + whole**2


def joint_law(r, s, n, N, gap, *, replaced):
    """Return the probabilities of all pairs of places of two ranks."""
    i = np.arange(1, N + 1)
    if not replaced:
        between = log_binomial(np.arange(N), s - r - 1)
        logs = np.where(gap > 0, between[np.maximum(gap - 1, 0)], -np.inf)
        logs = logs + log_binomial(i - 1, r - 1)[:, None] + log_binomial(N - i, n - s)[None, :]
        return np.exp(logs - math.log(math.comb(N, n)))
    if s == r + 1:
        # r of the batch at most the i-th, with one the i-th, and the others from the j-th on.
        first = (i / N) ** r - ((i - 1) / N) ** r
        second = ((N + 1 - i) / N) ** (n - r) - ((N - i) / N) ** (n - r)
        found = np.where(gap > 0, math.comb(n, r) * first[:, None] * second[None, :], 0.0)
        at_one = laws_of_both(r, n, N)
        return found + np.diag(at_one)
    assert (r, s) == (1, n)
    d = np.maximum(gap, 0)
    found = ((d + 1) / N) ** n - 2 * (d / N) ** n + (np.maximum(d - 1, 0) / N) ** n
    return np.where(gap > 0, found, np.where(gap == 0, float(N) ** -n, 0.0))


def laws_of_both(r, n, N):
    """Return the probabilities that both the r-th and the next of a batch are the i-th."""
    from scipy.stats import binom

    i = np.arange(1, N + 1)
    below = np.arange(r)[:, None]
    # So many below the i-th, and more than r at most the i-th.
    among = binom.sf(r - below, n - below, 1 / (N + 1 - i))
    return (binom.pmf(below, n, (i - 1) / N) * among).sum(axis=0)


@pytest.mark.parametrize("spec", ["median", "iqr", "quantile(q=0.9)", "range"])
@pytest.mark.parametrize("name", far_columns())
@pytest.mark.parametrize("replaced", [False, True])
def test_values_far_away_do_not_take_the_digits(spec, name, replaced):
    """N = 800 with 1e12, with sentinels, with ties: the transform against plain sums."""
    kind, values = estimator(spec), far_columns()[name]
    column = Column(name, values)
    for n in (4, 16, 100):
        pair = finite_pair(kind, n, column, "replacement" if replaced else "shuffle")
        if pair is None:
            assert replaced
            assert spec == "iqr"
            continue
        bias, mse = direct(kind, values, n, replaced=replaced)
        assert pair.bias == pytest.approx(bias, rel=1e-7, abs=1e-9 * math.sqrt(mse))
        assert pair.variance + pair.bias**2 == pytest.approx(mse, rel=1e-7)


def test_few_far_values_of_a_long_column_are_taken_out_and_many_have_no_theory():
    """40 sentinels in 100,000 rows leave what clean rows have; with 3,000 there is no number."""
    rng = np.random.Generator(np.random.PCG64DXSM(3))
    normal = rng.normal(size=100_000)
    kind = estimator("iqr")
    clean = finite_values(kind, 100, Column("x", normal))["variance"]
    few = Column("x", np.r_[normal[40:], [-999999999.0] * 40])
    assert finite_values(kind, 100, few)["variance"] == pytest.approx(clean, rel=0.01)
    many = Column("x", np.r_[normal[3000:], [-999999999.0] * 3000])
    assert finite_values(kind, 100, many) == {}


@pytest.mark.parametrize("n", [1024, 1025, 5000])
@pytest.mark.parametrize("size", [2, 3, 10, 3000])
def test_range_of_long_batches_with_replacement(n, size):
    """n above 1024, where 2^n is no double: against the law of smallest and largest value.

    P(smallest >= i-th, largest <= j-th) = ((j - i + 1)/N)^n, and differences of this.
    """
    values = np.arange(size) ** 1.5
    found = finite_values(estimator("range"), n, Column("x", values), "replacement")
    inside = (np.arange(size + 1) / size) ** n
    P = np.zeros(size)  # of a gap of places, for each of its pairs
    P[0] = inside[1]
    P[1:] = inside[2:] - 2 * inside[1:-1] + inside[:-2]
    i = np.arange(size)
    gap = i[None, :] - i[:, None]
    law = np.where(gap >= 0, P[np.maximum(gap, 0)], 0.0)
    errors = values[None, :] - values[:, None] - np.ptp(values)
    bias, mse = (law * errors).sum(), (law * errors**2).sum()
    assert law.sum() == pytest.approx(1.0, rel=1e-12)
    assert found["bias"] == pytest.approx(bias, rel=1e-9)
    assert found["mse"] == pytest.approx(mse, rel=1e-9)


def test_theory_of_data_through_the_front_door():
    """`sn.theory.*_of` with data: formulas, enumeration, and one line for what does not fit."""
    import simnorm as sn

    values = SETS["seven"]
    bias, mse = brute(estimator("median"), values, 3, replaced=False)
    assert sn.theory.mse_of("median", n=3, data=values) == pytest.approx(mse)
    assert sn.theory.bias_of("median", n=3, data=np.array(values)) == pytest.approx(bias)
    _, mse = brute(estimator("skewness"), values, 4, replaced=False)
    assert sn.theory.mse_of("skewness", n=4, data=values, exact=True) == pytest.approx(mse)
    _, mse = brute(estimator("mean"), values, 3, replaced=True)
    assert sn.theory.mse_of("mean", n=3, data=values, sampling="replacement") == pytest.approx(mse)
    covariance = sn.theory.covariance_of_mean_and_variance(3, data=values)
    assert covariance == finite_covariance(3, Column("x", np.array(values)))
    for wrong, said in (
        ({"N": 7}, "it is about a law"),
        ({"distribution": "uniform"}, "it is about a law"),
        ({"sampling": "sequential"}, "allowed are shuffle and replacement"),
        ({"n": 8}, "these data have 7 rows"),
    ):
        with pytest.raises(sn.SimnormError, match=said):
            sn.theory.mse_of("mean", **({"n": 3, "data": values} | wrong))
    with pytest.raises(sn.SimnormError, match="exact=True"):
        sn.theory.mse_of("skewness", n=4, data=values)
    with pytest.raises(sn.SimnormError, match="more than 100,000"):
        sn.theory.mse_of("mean", n=50, data=np.arange(100.0), exact=True)
    with pytest.raises(sn.SimnormError, match="Give data too"):
        sn.theory.mse_of("mean", n=5, exact=True)
