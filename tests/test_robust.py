"""Quantiles of errors with exact intervals, for cells whose mean square has no error bar to trust.

Exact cases by hand and by enumeration first, then laws over all cells, then coverage: for a
continuous error the interval of a quantile covers with a probability that is a sum of binomial
ones, so hits over seeds are binomial too.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.errors import SimnormError
from simnorm.estimators import ESTIMATORS, UserEstimator, estimator
from simnorm.intervals import order_interval, order_ranks
from simnorm.robust import QUANTILES, REASON, robust
from simnorm.sampling import cut
from simnorm.streams import lanes_of
from simnorm.studies import sweep
from simnorm.studies.drawing import orders_of, sources
from simnorm.studies.single_errors import drawn_places, most_replications, single_errors
from simnorm.tables import ALL_MEASURES

NUMBERS = ["estimate", "ci_low", "ci_high"]


def quantiles(frame):
    """Return the rows of quantiles."""
    return frame[frame["measure"].isin(list(QUANTILES))]


# ---------------------------------------------------------------------------------------------
# By hand


def binomial(k, count, q):
    """Return the probability of k successes, from the definition."""
    return math.comb(count, k) * q**k * (1.0 - q) ** (count - k)


@pytest.mark.parametrize("q", [0.05, 0.25, 0.5, 0.75, 0.9, 0.95])
@pytest.mark.parametrize("count", [1, 5, 6, 10, 58, 59, 72, 73, 100, 255])
def test_ranks_enclose_what_they_promise_and_no_more(count, q):
    """Each end misses with at most 2.5 %, and the next rank inwards would miss with more."""
    low, high = order_ranks(count, q)
    below = [sum(binomial(k, count, q) for k in range(rank)) for rank in range(count + 2)]
    # The end at rank r is above the quantile if fewer than r values are below it.
    assert low == 0 or below[low] <= 0.025
    assert below[low + 1] > 0.025
    assert high == count + 1 or 1.0 - below[high] <= 0.025 + 1e-12
    assert 1.0 - below[high - 1] > 0.025


def test_ranks_of_small_samples_by_hand():
    """Six values enclose the median with 62/64, five do not; 0.05 needs 72 for a lower end."""
    assert order_ranks(5, 0.5) == (0, 6)
    assert order_ranks(6, 0.5) == (1, 6)
    assert 0.95**72 < 0.025 < 0.95**71
    assert order_ranks(71, 0.05)[0] == 0
    assert order_ranks(72, 0.05)[0] == 1
    assert order_ranks(72, 0.95)[1] == 72


def test_ranks_are_mirrored():
    """The ranks of 1 - q, counted from the other end, are those of q."""
    for count, q in itertools.product((7, 40, 333), (0.05, 0.25, 0.5)):
        low, high = order_ranks(count, q)
        assert order_ranks(count, 1.0 - q) == (count + 1 - high, count + 1 - low)


def test_a_wider_level_is_a_wider_interval():
    """99 % intervals hold 95 % ones, which hold 50 % ones."""
    found = [order_ranks(200, 0.3, level) for level in (0.99, 0.95, 0.5)]
    assert [low for low, _ in found] == sorted(low for low, _ in found)
    assert [high for _, high in found] == sorted((high for _, high in found), reverse=True)
    assert len(set(found)) == 3


def test_intervals_of_many_rows_at_once():
    """Along the last axis, as row by row."""
    x = np.sort(np.random.default_rng(0).normal(size=(2, 3, 30)), axis=-1)
    low, high = order_interval(x, 0.25)
    assert low.shape == high.shape == (2, 3)
    one = order_interval(x[1, 2], 0.25)
    assert (low[1, 2], high[1, 2]) == (float(one[0]), float(one[1]))


def test_five_errors_by_hand():
    """Of five errors quantiles are interpolated, and no interval has both ends."""
    found = robust(np.array([3.0, -1.0, 2.0, 9.0, 5.0]))
    # -1 2 3 5 9: a fifth of the first step, then the second to fourth value.
    np.testing.assert_allclose(found.estimate, [-0.4, 2.0, 3.0, 5.0, 8.2], rtol=1e-14)
    # P(no value below) is 0.95^5 = 0.77, 0.75^5 = 0.24, 0.5^5 = 0.031: never an end there; all
    # five below the first quantiles have 3e-7 and 0.001, four of five 3e-5 and 0.016.
    np.testing.assert_array_equal(found.ci_low, [math.nan, math.nan, math.nan, 2.0, 5.0])
    np.testing.assert_array_equal(found.ci_high, [2.0, 5.0, math.nan, math.nan, math.nan])
    assert found.replications == 5
    reasons = found.reasons()
    assert reasons[0].endswith("; too few for the interval's lower end")
    assert reasons[2].endswith("; too few for the interval's lower and upper end")
    assert all(reason.startswith(REASON) for reason in reasons)


# ---------------------------------------------------------------------------------------------
# By enumeration


def test_errors_of_a_coin_are_those_of_all_its_full_sets():
    """N = 4 tosses cut in two: the first batch's mean is off by 0, 1/4, 1/2 as enumeration says.

    The counts of 1,024 replications pass a chi-square test with a false-alarm rate of 1e-4.
    """
    chances: dict[float, float] = {}
    for tosses in itertools.product((0.0, 1.0), repeat=4):
        error = sum(tosses[:2]) / 2 - sum(tosses) / 4
        chances[error] = chances.get(error, 0.0) + 1 / 16
    assert chances == {-0.5: 1 / 16, -0.25: 4 / 16, 0.0: 6 / 16, 0.25: 4 / 16, 0.5: 1 / 16}
    design = Design.make("bernoulli", batch_sizes=[2], estimators="mean", full_size=4)
    source = sources(design)[0]
    (errors,) = single_errors(design, source, sweep.cells(design, source)[:1], 1024)
    values, counts = np.unique(errors, return_counts=True)
    assert values.tolist() == sorted(chances)
    expected = [1024 * chances[value] for value in sorted(chances)]
    assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_errors_of_four_rows_are_those_of_all_pairs():
    """Four shuffled rows: the six pairs make the first batch equally often (false alarm 1e-4)."""
    rows = np.array([0.0, 1.0, 3.0, 40.0])
    design = Design.make(data=rows[:, np.newaxis], batch_sizes=[2], estimators="biased_variance")
    source = sources(design)[0]
    (errors,) = single_errors(design, source, sweep.cells(design, source), 1024)
    found, counts = np.unique(np.round(errors, 9), return_counts=True)
    pairs = sorted(np.var(pair) - np.var(rows) for pair in itertools.combinations(rows, 2))
    np.testing.assert_allclose(found, pairs, rtol=1e-9)
    assert stats.chisquare(counts).pvalue > 1e-4


# ---------------------------------------------------------------------------------------------
# The same draws as the run's


def spread_of_ranks(sample, axis=-1):
    """Return a statistic that no estimator of simnorm is."""
    return np.mean(sample**2, axis=axis) - np.max(sample, axis=axis)


KINDS = [*(estimator(word) for word in ESTIMATORS), UserEstimator(spread_of_ranks, population=1.0)]


@pytest.mark.parametrize("scheme", ["shuffle", "replacement", "iid"])
@pytest.mark.parametrize("law", ["gumbel(loc=3)", "t(df=3)"])
def test_errors_are_those_of_the_first_batch_of_a_law(law, scheme):
    """They are what a replication drawn again says of its first batch, for every estimator."""
    design = Design.make(
        law, batch_sizes=[4, 7, 40], estimators=KINDS, full_size=40, sampling=scheme
    )
    source = sources(design)[0]
    cells = sweep.cells(design, source)
    errors = single_errors(design, source, cells, 20)
    for cell, mine in zip(cells, errors, strict=True):
        for replication in (0, 7, 19):
            batches, whole = sweep.batches_of(design, source, replication, cell.batch_size)
            value = float(cell.estimator(batches[0, 0]))
            against = float(cell.estimator(whole[0]))
            if cell.reference == "population":
                against = float(cell.estimator.population(distribution(law)))
            if math.isfinite(against):
                assert mine[replication] == pytest.approx(value - against, rel=1e-9, abs=1e-11)
            else:
                assert not math.isfinite(mine[replication])


def test_moments_alone_are_drawn_slab_by_slab():
    """Where no other estimator needs whole blocks, sums merged slab by slab give the same."""
    words = ["mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"]
    alone = Design.make("t(df=2)", batch_sizes=[4, 1000], estimators=words, full_size=3000)
    both = Design.make("t(df=2)", batch_sizes=[4, 1000], estimators=[*words, "max"], full_size=3000)
    source = sources(alone)[0]
    cells = sweep.cells(alone, source)
    count = lanes_of(3000) + 3
    np.testing.assert_allclose(
        single_errors(alone, source, cells, count),
        single_errors(both, source, sweep.cells(both, source), count)[: len(cells)],
        rtol=1e-9,
        atol=1e-10,
    )
    assert alone.full_size > 2**15 // lanes_of(3000), "more than one slab"


@pytest.fixture(scope="module")
def table():
    """A table of 60 rows in groups of 1, 2, ... whose columns have heavy tails."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(1, 11), np.arange(1, 11))
    return {
        "group": [f"g{i}" for i in groups],
        "x": rng.standard_cauchy(55),
        "y": rng.normal(size=55),
    }


@pytest.mark.parametrize("scheme", ["shuffle", "replacement", "grouped:group"])
def test_errors_are_those_of_one_batch_of_a_file(table, scheme):
    """They are what the rows of a replication, drawn again, say of one of its batches."""
    design = Design.make(
        data=table, columns=["x", "y"], batch_sizes=[4, 9], estimators=KINDS, sampling=scheme
    )
    source = sources(design)[0]
    cells = sweep.cells(design, source)
    errors = single_errors(design, source, cells, 12)
    for cell, mine in zip(cells, errors, strict=True):
        column = np.asarray(table[cell.column])
        orders = np.concatenate(list(orders_of(design, source, 0, 12, cell.batch_size)))
        batches = cut(column[orders], cell.batch_size)
        places = [0] * 12
        if scheme.startswith("grouped"):
            places = drawn_places(design, source, 0, cell.batch_size).tolist()
        for replication in (0, 5, 11):
            batch = batches[replication, places[replication]]
            expected = float(cell.estimator(batch)) - float(cell.estimator(column))
            assert mine[replication] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_batches_of_groups_come_from_every_place_by_chance(table):
    """Places are uniform and independent of what came before, and belong to seed and block.

    Pairs of following places pass a chi-square test with a false-alarm rate of 1e-4; places that
    move evenly, by the golden ratio, have a p-value of 0.
    """
    design, other = (
        Design.make(
            data=table,
            columns=["x"],
            batch_sizes=[9],
            estimators="mean",
            sampling="grouped:group",
            seed=seed,
        )
        for seed in (0, 1)
    )
    source = sources(design)[0]
    places = drawn_places(design, source, 0, 9)
    assert len(places) == lanes_of(55) == 4096
    pairs = np.histogram2d(places[:-1], places[1:], bins=[np.arange(7) - 0.5] * 2)[0]
    assert pairs.sum() == 4095
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4
    even = (6 * (np.arange(4096) * (5**0.5 - 1) / 2 % 1.0)).astype(int)
    pairs = np.histogram2d(even[:-1], even[1:], bins=[np.arange(7) - 0.5] * 2)[0]
    assert stats.chisquare(pairs.ravel()).pvalue < 1e-12
    np.testing.assert_array_equal(places, drawn_places(design, source, 0, 9))
    for them in (
        drawn_places(other, source, 0, 9),
        drawn_places(design, source, 1, 9),
        drawn_places(design, source, 0, 8),
    ):
        assert (them != places).mean() > 0.5


def test_an_estimate_lies_in_its_own_interval():
    """For each of these quantiles and every number of errors there may be, ends or none.

    Not so for all quantiles: of 12 errors the 0.99 quantile lies below the only end it has.
    """
    for count in range(5, 1025):
        found = robust(np.arange(count) ** 3.0)
        assert not (found.ci_low > found.estimate).any(), count
        assert not (found.ci_high < found.estimate).any(), count


# ---------------------------------------------------------------------------------------------
# Rows of a run


@pytest.fixture(scope="module")
def result():
    """Laws whose squares or biases have no error bar, and one that is well."""
    return sn.sweep(
        ["normal", "t(df=3)", "cauchy"],
        batch_sizes=[1, 2, 5, 64],
        estimators=[*ESTIMATORS, "std(ddof=1)"],
        full_size=64,
        replications=100,
    )


def test_the_cells_without_an_error_bar_have_quantiles(result):
    """A cell has all five or none: five where bias or squares are in doubt and errors exist."""
    frame = result.frame
    key = ["distribution", "estimator", "batch_size", "reference"]
    moments = frame[frame["measure"].isin(["bias", "mse"])]
    found = quantiles(frame).groupby(key, sort=False)["measure"].agg(list)
    assert (found.map(tuple) == tuple(QUANTILES)).all()
    assert {"t(df=3)", "cauchy"} <= set(found.index.get_level_values("distribution"))
    for cell, rows in moments.groupby(key, sort=False):
        law, word, n, reference = cell
        kind = estimator(word)
        exists = n >= kind.smallest_batch and (
            reference == "full_set" or math.isfinite(kind.population(distribution(law)))
        )
        doubted = rows["status"].isin(["unreliable", "undefined"]).any()
        equal = rows["reason"].str.contains("are equal").any()
        assert (cell in found.index) == (exists and doubted and not equal), cell


def test_rows_of_quantiles_hold_what_they_should(result):
    """Estimate and interval, and of what they are; no error bar of squares, no theory, no z."""
    rows = quantiles(result.frame)
    assert len(rows) > 200
    assert (rows["status"] == "ok").all()
    assert rows["reason"].str.startswith(REASON).all()
    assert rows[["mcse", "theory", "z", "khat"]].isna().all(axis=None)
    assert (rows["theory_kind"] == "").all()
    assert (rows["replications"] == 100).all()
    assert (rows["batches"] == 1).all()
    assert (rows["stop_reason"] == "replications").all()
    assert rows[NUMBERS].notna().all(axis=None)
    assert (rows["ci_low"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["ci_high"]).all()
    for _, cell in rows.groupby(["distribution", "estimator", "batch_size", "reference"]):
        for name in NUMBERS:
            assert cell[name].is_monotonic_increasing
    # They stand behind the other rows of their distribution, which are as they were.
    for _, source in result.frame.groupby("distribution", sort=False):
        is_moment = source["measure"].isin(ALL_MEASURES).to_numpy()
        assert (np.diff(is_moment.astype(int)) <= 0).all()


def test_the_wide_table_takes_quantiles(result):
    """``table`` shows the median errors that there are, and refuses what is not there."""
    wide = result.table("median")
    assert wide.loc[("cauchy", 5), "mean"] == pytest.approx(0.0, abs=1.0)
    with pytest.raises(SimnormError, match="median"):
        sn.sweep("uniform", batch_sizes=[4], full_size=64).table("median")


def test_a_short_run_of_a_light_law_is_only_short():
    """Where only replications are wanting there are no quantiles, and none of four errors."""
    assert quantiles(sn.sweep("normal", full_size=64, replications=16).frame).empty
    assert quantiles(sn.sweep("cauchy", full_size=8, replications=4).frame).empty
    rows = quantiles(sn.sweep("cauchy", full_size=8, replications=10).frame)
    assert len(rows) > 0
    outer = rows[rows["measure"] == "quantile(q=0.05)"]
    assert outer["ci_low"].isna().all()
    assert outer["ci_high"].notna().all()
    assert outer["reason"].str.contains("too few for the interval's lower end").all()


def test_what_fails_has_no_quantiles():
    """A function that fails now and then has no rows of quantiles, one with heavy tails has."""

    def largest(sample, axis=-1):
        return np.max(sample, axis=axis)

    def sometimes(sample, axis=-1):
        found = np.max(sample, axis=axis)
        return np.where(found > 20.0, np.nan, found)

    frame = sn.sweep(
        "cauchy", estimators=[largest, sometimes], batch_sizes=[4], full_size=16, replications=256
    ).frame
    assert set(quantiles(frame)["estimator"]) == {"user.largest"}
    assert set(frame[frame["estimator"] == "user.sometimes"]["status"]) >= {"failed"}


def test_quantiles_do_not_depend_on_workers_and_go_on_at_a_top_up(tmp_path):
    """The same bits for any number of workers; a top-up has the rows of a run at once."""
    settings = {"batch_sizes": [2, 5], "full_size": 512, "estimators": ["mean", "mad", "max"]}
    once = sn.sweep("cauchy", **settings, replications=300, workers=1)
    assert len(quantiles(once.frame)) == 40
    assert once.frame.equals(sn.sweep("cauchy", **settings, replications=300, workers=3).frame)
    sn.sweep("cauchy", **settings, replications=100, out=tmp_path / "run")
    topped = sn.sweep("cauchy", **settings, replications=300, out=tmp_path / "run")
    assert once.frame.equals(topped.frame)
    assert once.frame.equals(sn.load(tmp_path / "run").frame)


def test_errors_of_fewer_replications_are_the_first_ones():
    """More replications change none of the errors that were there, across ends of blocks."""
    design = Design.make("cauchy", batch_sizes=[3], estimators=["mean", "mad"], full_size=5000)
    source = sources(design)[0]
    cells = sweep.cells(design, source)
    few, many = (single_errors(design, source, cells, count) for count in (100, 600))
    assert lanes_of(5000) < 600
    np.testing.assert_array_equal(few, many[:, :100])


def test_large_full_sets_are_drawn_again_less_often():
    """Of N = 2^20 the first 128 replications count, of the default N the first 1,024."""
    assert most_replications(16_384) == 1024
    assert most_replications(2**20) == 128
    design = Design.make("cauchy", batch_sizes=[2], estimators="mean", full_size=2**17)
    frame = sn.run(design).frame
    assert set(quantiles(frame)["replications"]) == {128}


# ---------------------------------------------------------------------------------------------
# Coverage over seeds


def exact_coverage(count, q):
    """Return with what probability the interval covers, for continuous errors."""
    low, high = order_ranks(count, q)
    return sum(binomial(k, count, q) for k in range(low, high))


GROUPS = 2000


@pytest.mark.parametrize("law", ["cauchy", "t(df=2)"])
def test_intervals_cover_as_often_as_they_say(law):
    """Hits of 2,000 runs of 128 are binomial with the exact coverage: false alarm 1e-4 each.

    A coverage lower by three points would be found with a probability of 0.97. A batch of one has
    the errors of the law itself, whose quantiles are known; the median of a mean's error is 0 by
    symmetry. The runs are one long one, cut; that rows are made so is tested by itself.
    """
    count = 128
    design = Design.make(law, batch_sizes=[1, 4], estimators=["median", "mean"], full_size=16)
    source = sources(design)[0]
    own = sweep.Cell(estimator("median"), 1, "population")
    mean = sweep.Cell(estimator("mean"), 4, "full_set")
    errors = single_errors(design, source, [own, mean], GROUPS * count).reshape(2, GROUPS, count)
    truth = distribution(law).quantile(np.array(list(QUANTILES.values())))
    hits = np.zeros(len(QUANTILES) + 1)
    for of_own, of_mean in zip(*errors, strict=True):
        found, other = robust(of_own), robust(of_mean)
        hits[:-1] += (found.ci_low <= truth) & (truth <= found.ci_high)
        hits[-1] += other.ci_low[2] <= 0.0 <= other.ci_high[2]
    for q, covered in zip([*QUANTILES.values(), 0.5], hits, strict=True):
        exact = exact_coverage(count, q)
        assert 0.95 <= exact < 0.98
        low, high = stats.binom.interval(1.0 - 1e-4, GROUPS, exact)
        assert low <= covered <= high
        assert stats.binom.cdf(low - 1, GROUPS, exact - 0.03) > 0.97


def test_rows_are_made_of_these_errors():
    """A run's rows are the quantiles of the errors drawn again, cell by cell."""
    words = ["median", "mean", "mad"]
    frame = sn.sweep(
        "cauchy", batch_sizes=[2, 3], estimators=words, full_size=16, replications=90
    ).frame
    rows = quantiles(frame)
    design = Design.make("cauchy", batch_sizes=[2, 3], estimators=words, full_size=16)
    source = sources(design)[0]
    cells = sweep.cells(design, source)
    for cell, errors in zip(cells, single_errors(design, source, cells, 90), strict=True):
        mine = rows[
            (rows["estimator"] == str(cell.estimator))
            & (rows["batch_size"] == cell.batch_size)
            & (rows["reference"] == cell.reference)
        ]
        if len(mine):
            expected = robust(errors)
            for name in NUMBERS:
                np.testing.assert_array_equal(mine[name], getattr(expected, name))
    assert len(rows) == 5 * 10
