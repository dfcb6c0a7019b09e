"""Every estimator: what it computes, along which axis, from which input, and how accurately."""

from __future__ import annotations

import itertools
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from simnorm.distributions import DISTRIBUTIONS, Tails, distribution
from simnorm.errors import SimnormError
from simnorm.estimators import (
    ESTIMATORS,
    Quantile,
    RankSum,
    Shape,
    TrimmedMean,
    biased_variance,
    estimator,
    excess_kurtosis,
    iqr,
    mad,
    maximum,
    mean,
    median,
    minimum,
    quantile,
    relative_constant,
    skewness,
    std,
    trimmed_mean,
    unbiased_variance,
    value_range,
)


def fractions(x):
    return sorted(Fraction(value) for value in x)


def linear(x, q):
    """The q-quantile on the straight line through (k/(n - 1), x_(k+1)), as a fraction."""
    rising = fractions(x)
    place = Fraction(q) * (len(x) - 1)
    below = min(math.floor(place), len(x) - 2) if len(x) > 1 else 0
    above = rising[min(below + 1, len(x) - 1)]
    return rising[below] + (place - below) * (above - rising[below])


def mean_distance(x):
    """Median distance from the median, as a fraction."""
    middle = statistics.median(fractions(x))
    return statistics.median(abs(value - middle) for value in fractions(x))


def standard_moment(x, order):
    """Central moment over the sd to the same power; a double made of fractions."""
    values = fractions(x)
    centre = sum(values) / len(values)
    second, other = (sum((v - centre) ** k for v in values) / len(values) for k in (2, order))
    return float(other) / float(second) ** (order / 2)


# Exact rational definitions from the standard library, on the doubles as they are stored.
ORACLES = {
    "mean": statistics.fmean,
    "biased_variance": lambda x: float(statistics.pvariance(map(Fraction, x))),
    "unbiased_variance": lambda x: float(statistics.variance(map(Fraction, x))),
    "std(ddof=0)": statistics.pstdev,
    "std(ddof=1)": statistics.stdev,
    "min": min,
    "max": max,
    "range": lambda x: float(max(fractions(x)) - min(fractions(x))),
    "median": statistics.median,
    "quantile(q=0.9)": lambda x: float(linear(x, "0.9")),
    "quantile(q=0.25)": lambda x: float(linear(x, "0.25")),
    "mad": lambda x: float(mean_distance(x)),
    "iqr": lambda x: float(linear(x, "0.75") - linear(x, "0.25")),
    "trimmed_mean(proportion=0.1)": lambda x: float(
        statistics.mean(fractions(x)[len(x) // 10 : len(x) - len(x) // 10])
    ),
    "trimmed_mean(proportion=0.25)": lambda x: float(
        statistics.mean(fractions(x)[len(x) // 4 : len(x) - len(x) // 4])
    ),
    "skewness": lambda x: standard_moment(x, 3),
    "excess_kurtosis": lambda x: standard_moment(x, 4) - 3.0,
}
SPECS = [*ESTIMATORS, "std(ddof=1)", "quantile(q=0.25)", "trimmed_mean(proportion=0.25)"]
everyone = pytest.mark.parametrize("spec", SPECS)

# What two-pass sums of a hundred numbers may lose: pairwise sums err by a few units of 2^-53.
ROUNDING = 1e-14


def test_every_estimator_has_an_oracle():
    """A new estimator joins all tests below as soon as its definition stands in `ORACLES`."""
    assert {str(estimator(spec)) for spec in SPECS} == set(ORACLES)


@everyone
@pytest.mark.parametrize("size", [2, 3, 4, 5, 17, 100])
def test_agrees_with_its_definition_in_fractions(spec, size, rng):
    """The statistic of any sample is that of the definition, evaluated without rounding."""
    kind = estimator(spec)
    for sample in (rng.normal(size=size), rng.exponential(size=size) + 3.3, rng.random(size)):
        expected = ORACLES[str(kind)](sample.tolist())
        assert float(kind(sample)) == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING)


def test_agrees_with_numpy_and_scipy(rng):
    """The names mean what they mean in numpy and scipy."""
    x = rng.gamma(2.0, size=(7, 33))
    theirs = {
        "mean": np.mean(x, axis=1),
        "biased_variance": stats.moment(x, 2, axis=1),
        "unbiased_variance": stats.tvar(x, axis=1),
        "std(ddof=0)": np.std(x, axis=1),
        "std(ddof=1)": stats.tstd(x, axis=1),
        "min": stats.tmin(x, axis=1),
        "max": stats.tmax(x, axis=1),
        "median": np.quantile(x, 0.5, axis=1),
        "range": np.ptp(x, axis=1),
        "quantile(q=0.9)": np.quantile(x, 0.9, axis=1),
        "quantile(q=0.25)": np.quantile(x, 0.25, axis=1),
        "mad": stats.median_abs_deviation(x, axis=1),
        "iqr": stats.iqr(x, axis=1),
        "trimmed_mean(proportion=0.1)": stats.trim_mean(x, 0.1, axis=1),
        "trimmed_mean(proportion=0.25)": stats.trim_mean(x, 0.25, axis=1),
        "skewness": stats.skew(x, axis=1),
        "excess_kurtosis": stats.kurtosis(x, axis=1),
    }
    assert set(theirs) == set(ORACLES)
    for spec, expected in theirs.items():
        # Of values about 1; the kurtosis is what 3 leaves of them.
        assert estimator(spec)(x) == pytest.approx(expected, rel=ROUNDING, abs=3 * ROUNDING)


@pytest.mark.parametrize("size", range(1, 42))
def test_order_statistics_agree_with_numpy_and_scipy_at_every_size(size, rng):
    """Odd or even, whatever is left over: quantiles, mad, iqr and trimmed means are theirs."""
    x = rng.exponential(size=(3, size, 2))
    for q in (0.0, 0.07, 0.25, 1 / 3, 0.5, 0.9, 1.0):
        assert Quantile(q)(x, axis=1) == pytest.approx(np.quantile(x, q, axis=1), rel=1e-13)
    for proportion in (0.0, 0.05, 0.2, 0.3, 0.49):
        theirs = stats.trim_mean(x, proportion, axis=1)
        assert TrimmedMean(proportion)(x, axis=1) == pytest.approx(theirs, rel=1e-13)
    # Distances are differences of the same two doubles, however the middle one is found.
    assert (mad(x, axis=1) == stats.median_abs_deviation(x, axis=1)).all()
    assert iqr(x, axis=1) == pytest.approx(stats.iqr(x, axis=1), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("size", [*range(1, 24), 64, 101])
@pytest.mark.parametrize(
    "kind", [minimum, maximum, value_range, median, quantile, Quantile(0.29), iqr], ids=str
)
def test_weights_make_the_statistic(kind, size, rng):
    """A sum of order statistics with these weights is the statistic; locations weigh 1 in all."""
    assert isinstance(kind, RankSum)
    weights = kind.weights(size)
    ranks = [rank for rank, _ in weights]
    assert ranks == sorted(set(ranks))
    assert 1 <= ranks[0] <= ranks[-1] <= size
    assert kind.ranks(size) == tuple(ranks)
    total = sum(weight for _, weight in weights)
    assert total == pytest.approx(1.0 if kind.is_location else 0.0, abs=1e-15)
    rising = np.sort(rng.normal(size=size))
    expected = sum(weight * rising[rank - 1] for rank, weight in weights)
    assert float(kind(rising)) == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_every_rank_sum_is_one_of_those_above():
    """All estimators that offer weights are tested for them."""
    found = {word for word, kind in ESTIMATORS.items() if issubclass(kind, RankSum)}
    assert found == {"min", "max", "range", "median", "quantile", "iqr"}


def test_quantiles_are_at_the_place_that_is_written():
    """0.29 of 101 values is at rank 30, though 0.29 * 100 is a rounding below 29 in doubles."""
    assert 0.29 * 100 < 29
    assert Quantile(0.29).weights(101) == ((30, 1.0),)
    assert Quantile(0.9).weights(11) == ((10, 1.0),)


@everyone
def test_any_axis(spec, rng):
    """Along every axis, counted from either end, each line gives what it gives alone."""
    kind = estimator(spec)
    x = rng.normal(size=(3, 4, 5))
    for axis in (-3, -2, -1, 0, 1, 2):
        got = kind(x, axis=axis)
        assert (got == np.apply_along_axis(lambda line: float(kind(line)), axis, x)).all()
    assert (kind(x) == kind(x, axis=2)).all()
    assert kind(x[0, 0]).shape == ()


@everyone
@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "int64", "uint64", "bool", "float16", "float32", "float64"]
)
def test_any_number_type(spec, dtype, rng):
    """Narrow types are widened before anything is added: int8 does not wrap, float16 not round."""
    kind = estimator(spec)
    x = rng.integers(-120, 120, size=(50, 40)).astype(dtype)
    got = kind(x)
    assert got.dtype == np.float64
    # Equal values have no skewness, and bool makes many of them.
    assert np.array_equal(got, kind(x.astype(np.float64)), equal_nan=True)


def test_extreme_integers_do_not_overflow():
    """Two int8 at 127 have mean 127, and 2^62 three times has mean 2^62."""
    assert mean(np.array([127, 127], dtype=np.int8)) == 127.0
    assert mean(np.array([2**62] * 3)) == 2.0**62
    assert biased_variance(np.array([-128, 127], dtype=np.int8)) == 127.5**2
    assert maximum(np.array([200, 250], dtype=np.uint8)) == 250.0
    assert median(np.array([126, 127], dtype=np.int8)) == 126.5


@everyone
def test_memory_layout_does_not_change_a_bit(spec, rng):
    """Transposed, strided, reversed and Fortran-ordered views give the bits of a plain copy."""
    kind = estimator(spec)
    x = rng.normal(size=(64, 64)) + 10.0
    views = (x.T, x[::2, ::3], x[:, ::-1], np.asfortranarray(x), x[5:40, 7:])
    for view in views:
        assert (kind(view) == kind(np.array(view, order="C"))).all()
        assert (kind(view, axis=0) == kind(np.array(view.T, order="C"))).all()


@everyone
def test_input_is_left_alone(spec, rng):
    """A read-only sample will do, and a writable one comes back unchanged."""
    x = rng.normal(size=(6, 7))
    before = x.copy()
    estimator(spec)(x)
    assert (x == before).all()
    x.flags.writeable = False
    estimator(spec)(x)


@everyone
def test_lists_are_samples(spec):
    """Nested lists are taken as arrays."""
    assert estimator(spec)([[1, 2, 4], [5, 5, 5]]).shape == (2,)


@everyone
def test_shift_and_stretch(spec, rng):
    """T(a x + b) = a^power T(x), plus b for a location: exactly, as all numbers are dyadic."""
    kind = estimator(spec)
    # Of 18 and 32 values, 16 are left by the trimmed means: a power of two divides without error.
    size = {"trimmed_mean": 18, "trimmed_mean(proportion=0.25)": 32}.get(spec, 16)
    x = rng.integers(-64, 64, size=(200, size)) / 8.0
    for a, b in itertools.product((0.25, 1.0, 4.0), (-3.0, 0.0, 8.5)):
        moved = kind(a * x + b)
        assert (moved == a**kind.power * kind(x) + (b if kind.is_location else 0.0)).all()


@everyone
def test_shift_and_stretch_of_any_numbers(spec, rng):
    """The same to rounding for arbitrary numbers, where the size of the shift sets the rounding."""
    kind = estimator(spec)
    x = rng.normal(size=(20, 31))
    a, b = 0.37, 12.3
    expected = a**kind.power * kind(x) + (b if kind.is_location else 0.0)
    # Skewness and excess kurtosis may be next to 0, and then are good to the digits of 1.
    small = ROUNDING * b / a if isinstance(kind, Shape) else 0.0
    assert kind(a * x + b) == pytest.approx(expected, rel=ROUNDING * b / a, abs=small)


@everyone
def test_order_of_observations_does_not_matter(spec, rng):
    """Any permutation of a sample has the same statistic, but for the rounding of sums."""
    kind = estimator(spec)
    x = rng.exponential(size=41)
    for _ in range(20):
        assert float(kind(rng.permutation(x))) == pytest.approx(float(kind(x)), rel=ROUNDING)


@everyone
def test_equal_observations(spec):
    """A constant sample is its own location and has no spread, and no skewness or kurtosis."""
    kind = estimator(spec)
    if isinstance(kind, Shape):
        # 0.1 is not the mean of three of them in doubles; they are equal all the same.
        for size in (*range(3, 40), 1000):
            assert np.isnan(kind(np.full((2, size), 0.1))).all()
        assert np.isnan(kind(np.full(6, 2.0**40)))
        return
    for value in (0.0, -2.5, 2.0**40):
        assert kind(np.full(6, value)) == (value if kind.is_location else 0.0)


def test_one_observation():
    """A single observation is its own location; a divisor of n - 1 = 0 gives NaN, silently."""
    for kind in (mean, minimum, maximum, median, quantile, trimmed_mean):
        assert kind([[3.5], [4.5]]).tolist() == [3.5, 4.5]
        assert kind.smallest_batch == 1
    for kind in (value_range, mad, iqr):
        assert kind([[3.5], [4.5]]).tolist() == [0.0, 0.0]
        assert kind.smallest_batch == 2
    assert np.isnan(skewness([3.5]))
    assert np.isnan(excess_kurtosis([3.5]))
    for kind in (unbiased_variance, estimator("std(ddof=1)")):
        assert np.isnan(kind([[3.5], [4.5]])).all()
        assert kind.smallest_batch == 2
    assert biased_variance([3.5]) == 0.0
    assert biased_variance.smallest_batch == std.smallest_batch == 2


def test_by_hand():
    """1, 2, 4, 9: mean 4, squares 9 + 4 + 0 + 25 = 38, median 3."""
    x = [4.0, 1.0, 9.0, 2.0]
    assert mean(x) == 4.0
    assert biased_variance(x) == 9.5
    assert unbiased_variance(x) == 38 / 3
    assert std(x) == math.sqrt(9.5)
    assert estimator("std(ddof=1)")(x) == math.sqrt(38 / 3)
    assert (minimum(x), maximum(x), median(x)) == (1.0, 9.0, 3.0)
    assert median(x[:3]) == 4.0
    # Sorted 1, 2, 4, 9: three quarters of the way is at 4 + (9 - 4)/4, a quarter at 1 + 3/4.
    assert value_range(x) == 8.0
    assert iqr(x) == 5.25 - 1.75
    assert Quantile(0.5)(x) == 3.0
    # Distances from 3 are 1, 1, 2, 6.
    assert mad(x) == 1.5
    assert TrimmedMean(0.25)(x) == 3.0
    # Deviations -3, -2, 0, 5: m2 = 38/4, m3 = (-27 - 8 + 125)/4, m4 = (81 + 16 + 625)/4.
    assert skewness(x) == pytest.approx(22.5 / 9.5**1.5, rel=1e-15)
    assert excess_kurtosis(x) == pytest.approx(180.5 / 9.5**2 - 3.0, rel=1e-14)


def test_three_values_have_one_kurtosis_and_two_one_skewness(rng):
    """b2 of any three values is 3/2, and any two are symmetric: such batches are too small."""
    assert excess_kurtosis(rng.normal(size=(99, 3))) == pytest.approx(-1.5, rel=1e-13)
    assert skewness(rng.normal(size=(99, 2))) == pytest.approx(0.0, abs=1e-13)
    assert (skewness.smallest_batch, excess_kurtosis.smallest_batch) == (3, 4)


@pytest.mark.parametrize("kind", [skewness, excess_kurtosis], ids=str)
def test_far_from_zero_the_shape_keeps_its_digits(kind):
    """At 1e6 with sd 1 the values themselves are rounded by 1e-10, the statistic adds 1e-13."""
    x = np.random.default_rng(3).gamma(2.0, size=1000) + 1e6
    exact = ORACLES[str(kind)](x)
    assert float(kind(x)) == pytest.approx(exact, rel=1e-13)
    # A single centring would be 1e-10 off in its mean; the test sees it in a clumsy formula.
    clumsy = (x**3).mean() - 3 * x.mean() * (x * x).mean() + 2 * x.mean() ** 3
    assert abs(clumsy / x.std() ** 3 - float(skewness(x))) > 1e-3


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("quantile(q=1.5)", "from 0 to 1"),
        ("quantile(q=-0.1)", "from 0 to 1"),
        ("trimmed_mean(proportion=0.5)", "from 0 to below 0.5"),
        ("trimmed_mean(proportion=-0.2)", "from 0 to below 0.5"),
        ("quantile(p=0.5)", "no parameter"),
        ("range(q=0.5)", "no parameter"),
    ],
)
def test_parameters_out_of_range_are_refused(spec, said):
    """A quantile needs a probability, a trimmed mean must leave something."""
    with pytest.raises(SimnormError, match=said) as caught:
        estimator(spec)
    assert repr(spec) in str(caught.value)


@pytest.mark.parametrize("q", [True, "0.5", None, math.nan, 2])
def test_a_quantile_made_in_python_is_checked_too(q):
    """What is no number from 0 to 1 is refused."""
    with pytest.raises(SimnormError, match="from 0 to 1"):
        Quantile(q)


# ---------------------------------------------------------------------------------------------
# Accuracy

UNIT = 2.0**-53


def digits(got, exact):
    """Correct decimal digits of `got`, at most 17."""
    if Fraction(got) == exact:
        return 17.0
    return -math.log10(abs((Fraction(got) - exact) / exact))


def exact_root(value):
    """Square root of a fraction to 40 digits."""
    scale = 10**80
    return Fraction(math.isqrt(value.numerator * scale // value.denominator), 10**40)


# The data sets NumAcc1 to NumAcc4 of NIST's statistical reference data, and their certified
# mean and standard deviation (divisor n - 1), which hold for the decimal numbers.
NUMACC = {
    "NumAcc1": ([10000001.0, 10000003.0, 10000002.0], "10000002", "1"),
    "NumAcc2": ([1.2, *[1.1, 1.3] * 500], "1.2", "0.1"),
    "NumAcc3": ([1000000.2, *[1000000.1, 1000000.3] * 500], "1000000.2", "0.1"),
    "NumAcc4": ([10000000.2, *[10000000.1, 10000000.3] * 500], "10000000.2", "0.1"),
}


@pytest.mark.parametrize("name", NUMACC)
def test_numacc_to_fifteen_digits(name):
    """Mean, variance and sd of the stored doubles are right to 15 digits, the textbook's are not.

    The certified values belong to the decimal numbers; storing these as doubles moves the sd by
    up to 1e-8, so the certified values are met to the digits that storage leaves.
    """
    data, certified_mean, certified_std = NUMACC[name]
    exact = [Fraction(x) for x in data]
    n = len(exact)
    centre = sum(exact) / n
    squares = sum((x - centre) ** 2 for x in exact)
    assert digits(float(mean(data)), centre) >= 15.0
    assert digits(float(biased_variance(data)), squares / n) >= 15.0
    assert digits(float(unbiased_variance(data)), squares / (n - 1)) >= 15.0
    assert digits(float(std(data)), exact_root(squares / n)) >= 15.0
    got = float(estimator("std(ddof=1)")(data))
    assert digits(got, exact_root(squares / (n - 1))) >= 15.0
    ceiling = {"NumAcc1": 15.9, "NumAcc2": 15.7, "NumAcc3": 9.5, "NumAcc4": 8.3}[name]
    assert digits(got, Fraction(certified_std)) >= ceiling - 0.3
    assert digits(float(mean(data)), Fraction(certified_mean)) >= 15.0
    if name in ("NumAcc3", "NumAcc4"):
        # The test can see a bad algorithm: E x^2 - (E x)^2 keeps one digit at best.
        x = np.array(data)
        assert abs((x * x).mean() - x.mean() ** 2 - 0.01) > 1e-4


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9])
def test_offsets_cost_few_digits(offset):
    """With sd 1 at 1e9 the variance of 10,000 numbers keeps 11 digits; updating formulas keep 8.

    Pairwise sums of 10,000 numbers pass each through at most 26 additions (16 within a run of
    128 by eight accumulators, 3 to join these, 7 to pair the runs), so that the mean is good to
    27 units of 2^-53 of the offset. Two-pass sums err by the square of that error, and by 30
    units of their own.
    """
    x = np.random.default_rng(1).normal(size=10_000) + offset
    exact = [Fraction(value) for value in x.tolist()]
    centre = sum(exact) / len(exact)
    variance = sum((value - centre) ** 2 for value in exact) / len(exact)
    allowed = 30 * UNIT + (27 * offset * UNIT) ** 2
    for kind, value in ((biased_variance, variance), (std, exact_root(variance))):
        assert digits(float(kind(x)), value) >= -math.log10(allowed)
    assert abs(float(mean(x)) - centre) <= 27 * UNIT * max(offset, 1.0)
    assert float(minimum(x)) == float(min(exact))
    assert float(maximum(x)) == float(max(exact))
    assert -math.log10(allowed) > 11.0


# ---------------------------------------------------------------------------------------------
# Population values, tails, names


@pytest.mark.parametrize("word", DISTRIBUTIONS)
def test_population_values(word):
    """The population value is the limit of the statistic: mean, variance, sd, ends, median."""
    law = distribution(word)
    placed = type(law)(loc=2.0, scale=3.0)
    for other in (law, placed):
        old = ("mean", "median", "min", "max")
        values = {
            spec: estimator(spec).population(other)
            for spec in ORACLES
            if spec in old or "variance" in spec or "std" in spec
        }
        expected = {
            "mean": other.mean,
            "biased_variance": other.variance,
            "unbiased_variance": other.variance,
            "std(ddof=0)": math.sqrt(other.variance),
            "std(ddof=1)": math.sqrt(other.variance),
            "min": other.support[0],
            "max": other.support[1],
            "median": other.median,
        }
        assert values == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_population_values_by_hand():
    """For the exponential law of mean 2 from 1 on: 3, 4, 2, 1, infinity, 1 + 2 log 2."""
    law = distribution("exponential(loc=1,scale=2)")
    expected = {
        "mean": 3.0,
        "biased_variance": 4.0,
        "unbiased_variance": 4.0,
        "std(ddof=0)": 2.0,
        "std(ddof=1)": 2.0,
        "min": 1.0,
        "max": math.inf,
        "range": math.inf,
        "median": 1 + 2 * math.log(2),
        "quantile(q=0.9)": 1 + 2 * math.log(10),
        "quantile(q=0.25)": 1 + 2 * math.log(4 / 3),
        # exp(-(m - d)) - exp(-(m + d)) = 1/2 with exp(-m) = 1/2: sinh d = 1/2.
        "mad": 2 * math.asinh(0.5),
        "iqr": 2 * math.log(3),
        # The integral of -log(1 - u) from p to 1 - p is that of -log v: v - v log v.
        **{
            f"trimmed_mean(proportion={p})": 1
            + 2 * ((1 - p) - (1 - p) * math.log(1 - p) - p + p * math.log(p)) / (1 - 2 * p)
            for p in (0.1, 0.25)
        },
        "skewness": 2.0,
        "excess_kurtosis": 6.0,
    }
    found = {spec: estimator(spec).population(law) for spec in ORACLES}
    assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("word", DISTRIBUTIONS)
def test_population_values_are_placed_and_scaled(word):
    """loc moves locations alone, scale stretches by its power: no digit is lost a million off."""
    law = distribution(word)
    placed = type(law)(loc=1e6, scale=2.0)
    for spec in ORACLES:
        kind = estimator(spec)
        plain, far = kind.population(law), kind.population(placed)
        expected = 2.0**kind.power * plain + (1e6 if kind.is_location else 0.0)
        # A location keeps the digits of 1e6, the others all of theirs.
        rel = 1e-15 if kind.is_location else 1e-13
        assert far == pytest.approx(expected, rel=rel, abs=0.0, nan_ok=True)


@pytest.mark.parametrize("word", DISTRIBUTIONS)
def test_population_values_of_order_statistics_halve_the_law(word):
    """Half of a continuous law is within one mad of its median, and half within the quartiles."""
    law = distribution(word)
    if law.largest_atom:
        pytest.skip("an atom may hold more than the half")
    distance = mad.population(law)
    u = np.linspace(0.0005, 0.9995, 1000)
    x = law.quantile(u)
    inside = np.abs(x - law.median) <= distance
    # A grid of 1,000 even probabilities holds half of them, or one more or less at either end.
    assert abs(inside.sum() - 500) <= 2
    assert iqr.population(law) == pytest.approx(
        float(law.quantile(0.75) - law.quantile(0.25)), rel=1e-12
    )
    # The middle rule with 200,000 points is good to some 1e-6 inside the tenth and the rest.
    v = 0.1 + 0.8 * (np.arange(200_000) + 0.5) / 200_000
    assert trimmed_mean.population(law) == pytest.approx(
        float(law.quantile(v).mean()), rel=1e-5, abs=1e-7
    )


def test_population_values_of_laws_with_atoms():
    """The mad of a law with atoms is the smallest distance that holds half of it."""
    # P(X = 0) = 1/2 for a rectified normal, whose median is 0: half of it is within 0.
    assert mad.population(distribution("rectified_normal")) == 0.0
    # With p = 0.3, 0 alone is more than half.
    assert mad.population(distribution("bernoulli(p=0.3)")) == 0.0
    # Poisson(3): median 3, P(3) = 0.224, P(2 to 4) = 0.616.
    assert mad.population(distribution("poisson(mu=3)")) == 1.0
    # P(X <= 1) = 0.199, P(X <= 2) = 0.423, P(X <= 4) = 0.815.
    assert iqr.population(distribution("poisson(mu=3)")) == 2.0
    # Of the middle 80 %, bernoulli(0.3) has 0.2 at 1.
    found = TrimmedMean(0.1).population(distribution("bernoulli(p=0.3)"))
    assert found == pytest.approx(0.25, rel=1e-13)


@everyone
@pytest.mark.parametrize("spec_of_law", ["uniform", "gamma", "rectified_normal", "laplace"])
def test_large_samples_approach_the_population_value(spec, spec_of_law):
    """A million draws come within 1 % of a population sd of a finite population value."""
    kind, law = estimator(spec), distribution(spec_of_law)
    target = kind.population(law)
    if not math.isfinite(target):
        return
    sample = np.empty(10**6)
    law.fill(np.random.Generator(np.random.PCG64DXSM(5)), sample)
    # 5 standard errors of the variance of laplace or gamma: 5 sqrt(5/10^6) = 0.011 sigma^2. Those
    # of laplace's kurtosis are 5 sqrt(1188/10^6) = 0.17, of its skewness 5 sqrt(63/10^6) = 0.04.
    room = {"skewness": 0.04, "excess_kurtosis": 0.18}.get(spec, 0.012)
    assert abs(float(kind(sample)) - target) < room * law.std**kind.power


def test_relative_constants():
    """Locations are measured in population sds, the others in their own population value."""
    law = distribution("exponential(loc=-7,scale=2)")
    expected = {"mean": 2, "min": 2, "max": 2, "median": 2, "biased_variance": 4}
    expected |= {"unbiased_variance": 4, "std(ddof=0)": 2, "std(ddof=1)": 2}
    expected |= {"quantile(q=0.9)": 2, "trimmed_mean": 2, "skewness": 2, "excess_kurtosis": 6}
    assert {s: relative_constant(estimator(s), law) for s in expected} == expected
    assert relative_constant(iqr, law) == pytest.approx(2 * math.log(3), rel=1e-14)
    cauchy = distribution("cauchy")
    finite = {s for s in ORACLES if math.isfinite(relative_constant(estimator(s), cauchy))}
    assert finite == {"mad", "iqr"}
    assert relative_constant(mad, cauchy) == pytest.approx(1.0, rel=1e-14)


NU = Tails(3.0, 3.0)
ONE_SIDED = Tails(math.inf, 3.0)
SKEWED = Tails(7.0, 3.0)


@pytest.mark.parametrize(
    ("spec", "tails", "size", "index"),
    [
        ("mean", NU, 5, 3.0),
        ("mean", SKEWED, 5, 3.0),
        ("std", NU, 5, 3.0),
        ("std(ddof=1)", NU, 2, 3.0),
        ("biased_variance", NU, 5, 1.5),
        ("unbiased_variance", NU, 2, 1.5),
        # The largest of five is huge as soon as one is; the smallest, on that side, if all are.
        ("max", NU, 5, 3.0),
        ("max", ONE_SIDED, 5, 3.0),
        ("min", NU, 5, 3.0),
        ("min", ONE_SIDED, 5, 15.0),
        ("max", Tails(3.0, math.inf), 5, 15.0),
        ("min", SKEWED, 5, 7.0),
        ("min", SKEWED, 2, 6.0),
        # A median of 2m + 1 needs m + 1 huge values, one of 2m needs m.
        ("median", NU, 1, 3.0),
        ("median", NU, 2, 3.0),
        ("median", NU, 3, 6.0),
        ("median", NU, 4, 6.0),
        ("median", NU, 5, 9.0),
        ("median", NU, 9, 15.0),
        ("median", NU, 10, 15.0),
        ("median", SKEWED, 4, 6.0),
        ("median", ONE_SIDED, 4, 6.0),
        ("median", Tails(3.0, math.inf), 4, 6.0),
        ("median", Tails(1.0, 1.0), 9, 5.0),
        ("range", NU, 5, 3.0),
        ("range", ONE_SIDED, 9, 3.0),
        # Ranks 4 and 5 of 5, 9 and 10 of 10 hold the 0.9-quantile: one value, or two, from the top.
        ("quantile", NU, 5, 3.0),
        ("quantile", NU, 11, 6.0),
        ("quantile", Tails(0.1, 3.0), 11, 1.0),
        ("quantile(q=0.25)", SKEWED, 5, 12.0),
        # Ranks 3 and 4, 7 and 8 of 10 hold the quartiles.
        ("iqr", Tails(1.0, 1.0), 10, 3.0),
        ("mad", NU, 5, 9.0),
        ("mad", NU, 4, 6.0),
        ("trimmed_mean", NU, 9, 3.0),
        ("trimmed_mean", NU, 10, 6.0),
        ("trimmed_mean(proportion=0.25)", SKEWED, 8, 9.0),
        ("skewness", NU, 5, math.inf),
        ("excess_kurtosis", Tails(1.0, 1.0), 5, math.inf),
        ("mean", Tails(math.inf, math.inf), 5, math.inf),
        ("median", Tails(math.inf, math.inf), 5, math.inf),
    ],
)
def test_tail_index_by_hand(spec, tails, size, index):
    """How many observations must be huge for the statistic to be, times the law's tail index."""
    assert estimator(spec).tail_index(tails, size) == index


def test_tail_index_of_the_median_is_seen_in_the_draws():
    """P(|median of 3 Cauchy| > x) falls like x^-2: at four times x there are 16 times fewer."""
    draws = np.random.Generator(np.random.PCG64DXSM(3)).standard_cauchy((10**6, 3))
    medians = np.abs(median(draws))
    near, far = (int((medians > x).sum()) for x in (25.0, 100.0))
    # P = 6/(pi x)^2 at each side's pair: about 1,950 and 122 expected; 5 sd of the ratio's log.
    assert abs(math.log(near / far) - math.log(16)) < 5 * math.sqrt(1 / 1950 + 1 / 122)


@everyone
def test_names_read_back(spec):
    """The printed name of an estimator names the same estimator."""
    kind = estimator(spec)
    assert estimator(str(kind)) == kind
    assert hash(estimator(str(kind))) == hash(kind)
    assert estimator(kind) is kind


def test_bare_std_is_what_batch_normalization_divides_by():
    """`std` means divisor n."""
    assert str(estimator("std")) == "std(ddof=0)"
    assert estimator("std(ddof=1.0)") == estimator("std(ddof=1)") != estimator("std")


@pytest.mark.parametrize(
    "spec", ["meen", "", "mean(ddof=1)", "std(ddof=2)", "std(ddof=0.5)", "std(1)", "std(dof=1)", 3]
)
def test_bad_specs_are_refused(spec):
    """What names no estimator raises the one error family, whose message names the parameter."""
    with pytest.raises(SimnormError, match="estimators"):
        estimator(spec)
