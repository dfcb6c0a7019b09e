"""Inputs that once had a wrong answer, or none: each shows what is right, by an independent way."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from test_cli import call, empty_cwd  # noqa: F401  # the fixture is autouse

import simnorm as sn
from simnorm.cli.columns import cost_sentences
from simnorm.columns import Column
from simnorm.describe import fresh_size
from simnorm.errors import SimnormError
from simnorm.estimators import ESTIMATORS, UserEstimator, estimator
from simnorm.theory.enumeration import enumerated_values
from simnorm.theory.finite import finite_values

VALUES = np.array([0.3, 1.7, 2.2, 9.4, 3.1, 5.9])


def rng(seed):
    """Return a stream of its own."""
    return np.random.Generator(np.random.PCG64DXSM(seed))


FIRST = UserEstimator(lambda x, axis=-1: x.take(0, axis), "first")
LAG = UserEstimator(lambda x, axis=-1: np.square(np.diff(x, axis=axis)).sum(axis), "lag")
SPREAD = UserEstimator(np.ptp, "spread")


@pytest.mark.parametrize("kind", ["min", "max", "range"])
def test_extremes_of_batches_larger_than_their_full_set(kind):
    """With replacement n may exceed N: a replication is one batch, also to the ledger."""
    frame = sn.sweep(
        ["normal"],
        full_size=64,
        batch_sizes=[128],
        sampling="replacement",
        estimators=kind,
        replications=64,
    ).frame
    assert frame["estimate"].notna().any()


# ---------------------------------------------------------------------------------------------
# What not shuffling costs


def test_noise_is_no_bias_inside_batches():
    """Groups of one row are a shuffle: nothing is said of the variance, whatever the seed."""
    x = rng(7).standard_normal(160)
    data = {"x": x, "id": np.arange(160.0)}
    negative = 0
    for seed in range(6):
        result = sn.sweep(
            data=data,
            columns=["x"],
            sampling="grouped:id",
            batch_sizes=[16],
            estimators="mean,unbiased_variance",
            replications=64,
            seed=seed,
        )
        frame = result.frame
        of_variance = frame["estimator"] == "unbiased_variance"
        bias = frame[of_variance & (frame["measure"] == "relative_bias")]["estimate"]
        negative += float(bias.iloc[0]) < 0.0
        (text,) = cost_sentences(result)
        assert "no number of batches mends that" not in text
    assert negative > 0


def test_a_bias_inside_batches_is_said_from_a_hundredth_on():
    """In file order it is exact, so that its size alone decides."""
    for step, said in ((0.5114, False), (2.0, True)):
        x = np.tile([-1.0, 1.0], 80) + step * (np.arange(160) // 16 % 2)
        result = sn.sweep(data=x, sampling="sequential", batch_sizes=[16])
        batches = x.reshape(-1, 16).var(axis=1, ddof=1).mean()
        # The first is half a hundredth too small.
        bias = batches / x.var(ddof=1) - 1.0
        assert bias < 0.0
        assert (bias < -0.01) == said
        (text,) = cost_sentences(result)
        assert ("no number of batches mends that" in text) == said


def test_an_order_that_costs_nothing_is_not_said_to_cost():
    """Batches that alternate between low and high have better means than shuffled ones."""
    x = np.tile([-1.0, 1.0], 80) + 0.02 * rng(3).standard_normal(160)
    result = sn.sweep(data={"x": x}, sampling="sequential", batch_sizes=[16])
    (text,) = cost_sentences(result)
    square = np.square(x.reshape(-1, 16).mean(axis=1) - x.mean()).mean() / x.var()
    worth = 1.0 / (square * 159.0 / 160.0 + 1.0 / 160.0)
    assert worth > 16.0
    assert text == (
        f"In file order nothing is lost for the mean: 16 rows of x are worth {worth:.0f} "
        "shuffled ones."
    )


def test_an_order_that_costs_is_said_to_with_one_replication_too():
    """One replication has no standard error, and its estimate is taken as it is."""
    data = {"x": np.arange(64.0), "g": np.arange(64) // 16}
    result = sn.sweep(
        data=data, columns=["x"], sampling="grouped:g", batch_sizes=[16], replications=1
    )
    (text,) = cost_sentences(result)
    assert text.startswith("What not shuffling costs: by grouped:g the mean of 16 rows of x")


def test_the_key_of_a_doubtful_number_names_ties():
    """A column of whole numbers has no tail that a Pareto law could be fitted to."""
    np.save("x.npy", np.column_stack([rng(k).integers(0, 3, 300) for k in range(3)]))
    result = call("sweep", "--data", "x.npy", "--batch-sizes", "16")
    assert "? tails too heavy, too few rows or too many ties for that number" in result.stdout


# ---------------------------------------------------------------------------------------------
# Functions that depend on the order of the rows


@pytest.mark.parametrize("word", ESTIMATORS)
def test_estimators_are_symmetric(word):
    """All of the built-in ones, and a function of the user that gives the same in any order."""
    kind = estimator("quantile(q=0.9)" if word == "quantile" else word)
    column = Column("x", VALUES)
    assert column.is_symmetric(kind)
    assert column.is_symmetric(UserEstimator(kind, "same"))


def test_functions_of_the_order_are_told():
    """Also one that only a permutation gives away, and one that fails."""
    column = Column("x", VALUES)
    assert not column.is_symmetric(FIRST)
    # The same from behind.
    assert not column.is_symmetric(LAG)

    def fails(sample, axis=-1):  # noqa: ARG001
        raise RuntimeError("never")

    assert not column.is_symmetric(UserEstimator(fails))


def test_a_mean_of_z_scores_is_symmetric():
    """It is nothing but rounding, which is another one in every order."""
    for size in (1.0, 100.0):
        x = rng(5).standard_normal(1001)
        x = size * (x - x.mean()) / x.std()
        x -= x.mean()
        assert Column("x", x).is_symmetric(UserEstimator(np.mean))


def test_symmetry_is_looked_at_once():
    """A slow function on a long column is not called again."""
    calls = []

    def counted(sample, axis=-1):
        calls.append(sample.shape)
        return np.max(sample, axis=axis)

    column, kind = Column("x", VALUES), UserEstimator(counted)
    assert column.is_symmetric(kind)
    before = len(calls)
    assert column.is_symmetric(kind)
    assert len(calls) == before


def test_the_whole_in_another_order_is_another_value():
    """Only a function that does not mind the order has no error at n = N."""
    column = Column("x", VALUES)
    assert finite_values(FIRST, 6, column) == {}
    assert finite_values(SPREAD, 6, column)["rmse"] == 0.0
    assert finite_values(estimator("mad"), 6, column)["rmse"] == 0.0


def test_subsets_in_file_order_say_nothing_of_a_function_of_the_order():
    """The first row of all subsets in file order is no first row of a shuffled batch."""
    column = Column("x", VALUES)
    assert enumerated_values(FIRST, 3, column) == {}
    assert enumerated_values(LAG, 3, column, "replacement") == {}
    found = enumerated_values(SPREAD, 3, column)
    errors = [np.ptp(s) - np.ptp(VALUES) for s in itertools.combinations(VALUES, 3)]
    assert found["bias"] == pytest.approx(np.mean(errors), rel=1e-13)
    with pytest.raises(SimnormError, match="depends on the order of their rows"):
        sn.theory.bias_of(FIRST, n=3, data=VALUES, exact=True)


def test_a_function_that_minds_the_order_of_batches_only_is_told():
    """On the whole column it is the mean."""

    def partly(sample, axis=-1):
        return sample.mean(axis) if sample.shape[axis] == 6 else sample.take(0, axis)

    column, kind = Column("x", VALUES), UserEstimator(partly)
    assert column.is_symmetric(kind)
    assert enumerated_values(kind, 3, column) == {}


# ---------------------------------------------------------------------------------------------
# Numbers and texts


def test_fresh_size_of_two_values_equally_often():
    """The file's K4/K2^2 is below -2, which no law's kurtosis is: n (n-1) >= 2/r^2."""
    for rows in (4, 6, 100):
        column = Column("x", np.tile([0.0, 1.0], rows // 2))
        assert stats.kurtosis(column.values, bias=False) < -2.0
        for target in (0.1, 0.05):
            least = next(n for n in itertools.count(2) if 2 / (n * (n - 1)) <= target**2)
            assert fresh_size(column, target) == least


@pytest.mark.parametrize("word", ["skewness", "excess_kurtosis"])
def test_a_constant_column_has_no_shape_at_any_batch_size(word):
    """Neither of a part nor of the whole, which is 0/0; its mean and median are themselves."""
    data = [1.0, 1.0, 1.0, 1.0]
    assert finite_values(estimator(word), 4, Column("x", np.array(data))) == {}
    with pytest.raises(SimnormError, match="it does not exist"):
        sn.theory.bias_of(word, n=4, data=data)
    for kind in ("mean", "median", "mad", "trimmed_mean"):
        assert sn.theory.bias_of(kind, n=4, data=data) == 0.0
    assert finite_values(estimator("mean"), 5, Column("x", np.array(data))) == {}


@pytest.mark.parametrize("exact", [True, False])
def test_batches_that_are_too_small_are_said_to_be(exact):
    """Instead of that there are too many of them."""
    with pytest.raises(SimnormError, match="n: got 1; a batch of one observation has no spread"):
        sn.theory.bias_of("unbiased_variance", n=1, data=[1.0, 2.0, 4.0], exact=exact)


def test_constant_squares_have_no_kurtosis():
    """Two values equally often, with whatever rounding; not a constant column, which has none."""
    for values in ([0.1, 0.7], [1e9 + 0.1, 1e9 + 0.7], [1.0 / 3.0, -5.7]):
        column = Column("x", np.tile(values, 50))
        assert column.squares_are_constant
        assert math.isnan(column.squares_kurtosis)
    assert not Column("x", VALUES).squares_are_constant
    assert not Column("x", np.r_[np.zeros(50), np.ones(51)]).squares_are_constant
    assert not Column("x", np.full(5, 0.1)).squares_are_constant
    assert math.isnan(Column("x", np.full(5, 0.1)).squares_kurtosis)
