"""Exact finite-population results by enumeration: no randomness, no tolerance but rounding.

The data are non-dyadic numbers with an offset, so that a sloppy sum shows; the oracle works in
fractions of the stored doubles.
"""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from simnorm.distributions import distribution
from simnorm.estimators import BiasedVariance, Mean, UnbiasedVariance, estimator
from simnorm.reducers import ArrayReducer, CompiledReducer
from simnorm.sampling import cut
from simnorm.tally import Tally, measure

N, SIZE = 8, 3
DATA = np.array([10.1, 12.7, 10.3, 17.9, 13.1, 14.7, 27.3, 11.9])
EXACT = [Fraction(x) for x in DATA]

# A dozen roundings of numbers of the size of the data (27) against results of the size 1 to 1000.
ROUNDING = 1e-12


def moment(values, order):
    """Central moment with divisor N, a fraction."""
    centre = sum(values) / len(values)
    return sum((x - centre) ** order for x in values) / len(values)


M2, M3, M4 = (moment(EXACT, order) for order in (2, 3, 4))
K2 = Fraction(N, N - 1) * M2
K4 = Fraction(N**2, (N - 1) * (N - 2) * (N - 3)) * ((N + 1) * M4 - 3 * (N - 1) * M2**2)
K22 = (K2**2 - K4 / N) * Fraction(N - 1, N + 1)


def root(value):
    """Square root of a fraction to 40 digits, as a fraction again."""
    with localcontext() as context:
        context.prec = 50
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def statistic(word, values):
    """The definition of an estimator, on fractions."""
    n, rising = len(values), sorted(values)
    m2 = moment(values, 2)
    return {
        "mean": lambda: sum(values) / n,
        "biased_variance": lambda: m2,
        "unbiased_variance": lambda: m2 * n / (n - 1),
        "std(ddof=0)": lambda: root(m2),
        "std(ddof=1)": lambda: root(m2 * n / (n - 1)),
        "min": lambda: rising[0],
        "max": lambda: rising[-1],
        "median": lambda: (rising[(n - 1) // 2] + rising[n // 2]) / 2,
    }[word]()


WORDS = (
    "mean",
    "biased_variance",
    "unbiased_variance",
    "std(ddof=0)",
    "std(ddof=1)",
    "min",
    "max",
    "median",
)


def close(got, expected, scale=1.0):
    return math.isclose(got, expected, rel_tol=ROUNDING, abs_tol=ROUNDING * scale)


def tally_of(batches, word):
    """Every batch is a replication of its own, through the real estimator and the real tally."""
    kind = estimator(word)
    errors = kind(batches) - kind(DATA)
    return Tally.of([errors], [errors**2])


def errors_of_all(samples, word):
    """Errors of a statistic over all samples of indices, as fractions."""
    target = statistic(word, EXACT)
    return [statistic(word, [EXACT[i] for i in sample]) - target for sample in samples]


SUBSETS = list(itertools.combinations(range(N), SIZE))
TUPLES = list(itertools.product(range(N), repeat=SIZE))


def test_finite_population_formulas_hold_over_all_subsets():
    """The oracle itself obeys the formulas of sampling without replacement, as fractions."""
    fpc, fpc1 = Fraction(1, SIZE) - Fraction(1, N), Fraction(1, SIZE - 1) - Fraction(1, N - 1)
    mean = errors_of_all(SUBSETS, "mean")
    assert sum(mean) == 0
    assert sum(e * e for e in mean) / len(mean) == K2 * fpc
    unbiased = errors_of_all(SUBSETS, "unbiased_variance")
    spread = K4 * fpc + 2 * K22 * fpc1
    assert sum(unbiased) == 0
    assert sum(e * e for e in unbiased) / len(unbiased) == spread
    biased = errors_of_all(SUBSETS, "biased_variance")
    bias = sum(biased) / len(biased)
    assert bias == -M2 * Fraction(N - SIZE, SIZE * (N - 1))
    a = Fraction(SIZE - 1, SIZE)
    assert sum((e - bias) ** 2 for e in biased) / len(biased) == a * a * spread


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("samples", [SUBSETS, TUPLES], ids=["without", "with"])
def test_measures_of_all_samples_are_those_of_the_population(word, samples):
    """Fed all C(8,3) subsets, or all 8^3 tuples, the tally returns the exact moments.

    Over a complete enumeration of R samples the unbiased variance is R/(R - 1) times the
    population's: a divisor R instead of R - 1 shows at once.
    """
    errors = errors_of_all(samples, word)
    R = len(errors)
    bias = sum(errors) / R
    squares = [e * e for e in errors]
    mse = sum(squares) / R
    scatter = {
        "bias": sum((e - bias) ** 2 for e in errors),
        "mse": sum((q - mse) ** 2 for q in squares),
        "variance": sum(
            (q - 2 * bias * e - mse + 2 * bias**2) ** 2
            for e, q in zip(errors, squares, strict=True)
        ),
    }
    mcse = {name: math.sqrt(s / (R * (R - 1))) for name, s in scatter.items()}
    rmse = math.sqrt(mse)
    expected = {
        "bias": (float(bias), mcse["bias"]),
        "mse": (float(mse), mcse["mse"]),
        "rmse": (rmse, mcse["mse"] / (2 * rmse)),
        "variance": (float((mse - bias**2) * R / (R - 1)), mcse["variance"]),
    }
    tally = tally_of(DATA[np.array(samples)], word)
    assert tally.count == R
    for name, (estimate, error) in expected.items():
        got = measure(tally, name)
        assert close(got.estimate[0], estimate, rmse), name
        assert close(got.mcse[0], error, rmse), name


@pytest.mark.parametrize(
    ("word", "ranks"), [("min", (1,)), ("max", (SIZE,)), ("median", ((SIZE + 1) // 2,))]
)
def test_order_statistics_follow_the_hypergeometric_law(word, ranks):
    """P(x_(r:n) = X_(j)) = C(j-1, r-1) C(N-j, n-r) / C(N, n), through the real estimators."""
    (rank,) = ranks
    rising = sorted(EXACT)
    law = [
        (Fraction(math.comb(j - 1, rank - 1) * math.comb(N - j, SIZE - rank), math.comb(N, SIZE)))
        for j in range(1, N + 1)
    ]
    assert sum(law) == 1
    target = statistic(word, EXACT)
    bias = sum(p * (x - target) for p, x in zip(law, rising, strict=True))
    mse = sum(p * (x - target) ** 2 for p, x in zip(law, rising, strict=True))
    tally = tally_of(DATA[np.array(SUBSETS)], word)
    assert close(measure(tally, "bias").estimate[0], float(bias))
    assert close(measure(tally, "mse").estimate[0], float(mse))
    assert estimator(word).ranks(SIZE) == ranks


def test_with_replacement_the_unbiased_variance_estimates_the_divisor_n_variance():
    """Over all tuples E s^2 = M2, not S^2, for all four combinations of batch and full divisor."""
    batches = DATA[np.array(TUPLES)]
    a, c = Fraction(SIZE - 1, SIZE), Fraction(N - 1, N)
    expected = {(1, 1): M2 - K2, (1, 0): Fraction(0), (0, 1): a * M2 - K2, (0, 0): a * M2 - M2}
    kinds = (BiasedVariance(), UnbiasedVariance())
    for (batch, full), bias in expected.items():
        errors = kinds[batch](batches) - kinds[full](DATA)
        got = measure(Tally.of([errors], [errors**2]), "bias").estimate[0]
        assert close(got, float(bias), float(M2))
    assert expected[1, 1] == -K2 / N
    assert a * c != 1


def test_with_replacement_variances_follow_the_iid_formulas():
    """Over all tuples Var(mean) = M2/n and Var(s^2) = M4/n - M2^2 (n - 3)/(n (n - 1))."""
    R = len(TUPLES)
    n = SIZE
    spread = M4 / n - M2**2 * Fraction(n - 3, n * (n - 1))
    expected = {"mean": M2 / n, "unbiased_variance": spread}
    for word, value in expected.items():
        got = measure(tally_of(DATA[np.array(TUPLES)], word), "variance").estimate[0]
        assert close(got * (R - 1) / R, float(value))


# ---------------------------------------------------------------------------------------------
# Hand-worked standard errors


def test_three_replications_by_hand():
    """A = 0, 0, 3 and Q = 0, 4, 11: divisors R - 1 and R are told apart by every number.

    mean A = 1, sd^2 = (1 + 1 + 4)/2 = 3, MCSE(bias) = sqrt(3/3) = 1.
    mean Q = 5, deviations -5, -1, 6, sd^2 = 62/2 = 31, MCSE(mse) = sqrt(31/3).
    variance = 5 - 1 + 3/3 = 5; Q - 2 A = 0, 4, 5, sd^2 = (9 + 1 + 4)/2 = 7, MCSE = sqrt(7/3).
    The t quantile with 2 degrees of freedom is 0.95 sqrt(2/(4 * 0.975 * 0.025)) = 4.3027.
    """
    tally = Tally.of([[0.0, 0.0, 3.0]], [[0.0, 4.0, 11.0]])
    t = 0.95 * math.sqrt(2.0 / (4 * 0.975 * 0.025))
    by_hand = {
        "bias": (1.0, 1.0),
        "mse": (5.0, math.sqrt(31 / 3)),
        "rmse": (math.sqrt(5), math.sqrt(31 / 3) / (2 * math.sqrt(5))),
        "variance": (5.0, math.sqrt(7 / 3)),
    }
    for name, (estimate, error) in by_hand.items():
        got = measure(tally, name)
        assert close(got.estimate[0], estimate)
        assert close(got.mcse[0], error)
        low, high = (estimate - t * error, estimate + t * error)
        if name != "bias":
            factor = math.exp(t * error / estimate)
            low, high = estimate / factor, estimate * factor
        assert close(got.ci_low[0], low)
        # scipy's t quantile is good to about ten digits more than needed here.
        assert math.isclose(got.ci_high[0], high, rel_tol=1e-10)


def test_two_replications_by_hand():
    """A = -1, 2 and Q = 1, 6: MCSE(bias) is |2 - (-1)|/2, MCSE(mse) is |6 - 1|/2.

    bias = 1/2 with sd^2/2 = 9/4; mse = 7/2 with 25/4; variance = 7/2 - 1/4 + 9/4 = 11/2, and
    Q - A = 2, 4 gives MCSE 1. The t quantile with one degree of freedom is tan(0.475 pi).
    """
    tally = Tally.of([[-1.0, 2.0]], [[1.0, 6.0]])
    by_hand = {
        "bias": (0.5, 1.5),
        "mse": (3.5, 2.5),
        "rmse": (math.sqrt(3.5), 2.5 / (2 * math.sqrt(3.5))),
        "variance": (5.5, 1.0),
    }
    for name, (estimate, error) in by_hand.items():
        got = measure(tally, name)
        assert close(got.estimate[0], estimate)
        assert close(got.mcse[0], error)
    t = math.tan(0.475 * math.pi)
    assert math.isclose(measure(tally, "bias").ci_high[0], 0.5 + 1.5 * t, rel_tol=1e-10)


# ---------------------------------------------------------------------------------------------
# Splits


PERMUTATIONS = np.array(list(itertools.permutations(range(N))))


def ordered_splits():
    """All 560 ways to put 8 values into a first batch of 3, a second of 3 and a dropped pair."""
    found = []
    for first in itertools.combinations(range(N), SIZE):
        rest = [i for i in range(N) if i not in first]
        for second in itertools.combinations(rest, SIZE):
            dropped = [i for i in rest if i not in second]
            found.append((*first, *second, *dropped))
    return np.array(found)


SPLITS = ordered_splits()


def test_cut_makes_every_ordered_split_equally_often():
    """Over all 8! orders every split into 3 + 3 + dropped 2 appears 3! 3! 2! = 72 times."""
    batches = cut(PERMUTATIONS, SIZE)
    assert batches.shape == (math.factorial(N), 2, SIZE)
    # A set of indices as a bit mask: the order inside a batch does not matter.
    masks = (1 << batches).sum(axis=-1)
    split, counts = np.unique(masks[:, 0] * 256 + masks[:, 1], return_counts=True)
    assert len(split) == len(SPLITS) == 560
    assert (counts == 72).all()
    assert not (masks[:, 0] & masks[:, 1]).any()


def test_cut_keeps_the_drawing_order_and_drops_the_tail():
    """For every batch size the batches laid end to end are the first kn observations."""
    sets = np.arange(3 * N).reshape(3, N)
    for size in range(1, N + 1):
        batches = cut(sets, size)
        count = N // size
        assert batches.shape == (3, count, size)
        assert (batches.reshape(3, -1) == sets[:, : count * size]).all()


def test_covariance_of_two_batch_means_is_minus_k2_over_n():
    """Over all orders Cov(mean_1, mean_2) = -K2/N and Cov(s_1^2, s_2^2) = -K4/N - 2 K22/(N-1)."""
    batches = cut(DATA[PERMUTATIONS], SIZE)
    means = Mean()(batches) - float(sum(EXACT) / N)
    spreads = UnbiasedVariance()(batches) - float(K2)
    assert close(float((means[:, 0] * means[:, 1]).mean()), float(-K2 / N))
    covariance = float((spreads[:, 0] * spreads[:, 1]).mean())
    assert close(covariance, float(-K4 / N - 2 * K22 / (N - 1)), float(K2**2))


def reduced(reducer, full_sets, size, word):
    """A and Q of every full set against itself, shape (2, full sets), through a real reducer."""
    kind = estimator(word)
    law = distribution("normal(loc=14,scale=5)")
    reader = reducer(law, [kind], [size], full_sets.shape[1], len(full_sets))
    reader.add(np.ascontiguousarray(full_sets.T), 0)
    found = reader.errors()[kind]
    return np.stack([part[0, 0] for part in found])


READERS = [(ArrayReducer, word) for word in WORDS]
READERS += [(CompiledReducer, word) for word in WORDS if word not in ("min", "max", "median")]


@pytest.mark.parametrize(("reducer", "word"), READERS)
def test_reducers_give_the_exact_moments_over_all_splits(reducer, word):
    """A and Q of all 560 splits, cut by the real reducers, have the exact moments.

    They are two batches of one full set: A averages both, so its scatter is that of clusters.
    """
    target = statistic(word, EXACT)
    oracle = []
    for split in SPLITS:
        pair = [statistic(word, [EXACT[i] for i in split[j : j + SIZE]]) - target for j in (0, 3)]
        oracle.append((sum(pair) / 2, sum(e * e for e in pair) / 2))
    got = reduced(reducer, DATA[SPLITS], SIZE, word)
    assert np.allclose(got, np.array(oracle, dtype=float).T, rtol=1e-11, atol=1e-11)
    R = len(SPLITS)
    bias = sum(a for a, _ in oracle) / R
    mse = sum(q for _, q in oracle) / R
    variance_of_a = sum((a - bias) ** 2 for a, _ in oracle) / R
    tally = Tally.of(got[:1], got[1:])
    assert close(measure(tally, "bias").estimate[0], float(bias), 10)
    assert close(measure(tally, "mse").estimate[0], float(mse), 10)
    assert close(measure(tally, "bias").mcse[0], math.sqrt(variance_of_a / (R - 1)), 10)
    m, k = 6, 2
    closed = {
        "mean": (K2 * (Fraction(1, SIZE) - Fraction(1, N)), K2 * (Fraction(1, m) - Fraction(1, N))),
        "unbiased_variance": (
            K4 * (Fraction(1, SIZE) - Fraction(1, N))
            + 2 * K22 * (Fraction(1, SIZE - 1) - Fraction(1, N - 1)),
            K4 * (Fraction(1, m) - Fraction(1, N))
            + 2 * K22 * (Fraction(1, k * (SIZE - 1)) - Fraction(1, N - 1)),
        ),
    }
    if word in closed:
        assert (mse, variance_of_a) == closed[word]


@pytest.mark.parametrize("reducer", [ArrayReducer, CompiledReducer])
def test_halves_of_a_full_set_are_mirror_images(reducer):
    """Cut in half, the errors of the two batch means cancel: A = 0 and Q = e^2 for all 70 sets."""
    halves = np.array(
        [
            (*half, *(i for i in range(N) if i not in half))
            for half in itertools.combinations(range(N), N // 2)
        ]
    )
    a, q = reduced(reducer, DATA[halves], N // 2, "mean")
    error = DATA[halves][:, : N // 2].mean(axis=1) - DATA.mean()
    assert len(halves) == 70
    assert np.abs(a).max() < ROUNDING
    assert np.allclose(q, error**2, rtol=1e-11, atol=1e-13)
    assert close(float(q.mean()), float(K2 * (Fraction(2, N) - Fraction(1, N))))


@pytest.mark.parametrize(("reducer", "word"), READERS)
def test_the_whole_set_as_one_batch_has_no_error(reducer, word):
    """At n = N both reducers report A = Q = 0 to the last bit, for every order of the data."""
    assert not reduced(reducer, DATA[PERMUTATIONS[::97]], N, word).any()
