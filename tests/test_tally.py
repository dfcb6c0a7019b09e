"""Tallies: merging equals fitting all, measures by hand, honest standard errors.

Calibration tests state how many seeds they use, what they would let pass, and what they would
catch; all seeds are fixed, so the false-alarm rates are those of a change of the code.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import simnorm as sn
from simnorm.errors import SimnormError
from simnorm.tally import MEASURES, Tally, interval, measure, t_quantile

# Two or three roundings of each of some hundred numbers, as sums of squares lose them.
ROUNDING = 1e-13


def pairs(rng, cells, replications, at=0.0):
    """A and Q as a study makes them: Q is at least A^2."""
    a = rng.normal(size=(cells, replications)) + at
    return a, a * a + rng.exponential(size=(cells, replications))


def fold(parts):
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merge(part)
    return whole


def same(left, right, rel=ROUNDING):
    """Whether two tallies hold the same sums up to rounding, scatter in units of its diagonal."""
    assert left.count == right.count
    assert left.mean == pytest.approx(right.mean, rel=rel, abs=rel)
    aa, _, qq = np.abs(right.scatter)
    unit = np.stack([aa, np.sqrt(aa * qq), qq])
    assert (np.abs(left.scatter - right.scatter) <= rel * unit).all()


# ---------------------------------------------------------------------------------------------
# Merging


@pytest.mark.parametrize("round_", range(20))
def test_merging_any_split_equals_fitting_all(round_):
    """Cut anywhere, into parts of one or of hundreds, merged sums are those of the whole."""
    rng = np.random.default_rng(round_)
    a, q = pairs(rng, cells=5, replications=300)
    ends = np.unique(rng.integers(1, 300, size=rng.integers(1, 60)))
    parts = [
        Tally.of(x, y)
        for x, y in zip(np.split(a, ends, axis=1), np.split(q, ends, axis=1), strict=True)
    ]
    same(fold(parts), Tally.of(a, q))
    assert fold(parts).count == 300


def test_sums_are_those_of_numpy(rng):
    """Count, means, sums of squares and of products are numpy's."""
    a, q = pairs(rng, cells=4, replications=200)
    tally = Tally.of(a, q)
    assert tally.mean == pytest.approx(np.stack([a.mean(axis=1), q.mean(axis=1)]), rel=ROUNDING)
    for cell in range(4):
        covariance = np.cov(a[cell], q[cell], ddof=0) * 200
        expected = [covariance[0, 0], covariance[0, 1], covariance[1, 1]]
        assert tally.scatter[:, cell] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("at", [0.0, 1e3, 1e6, 1e9])
def test_merging_far_from_zero(at):
    """At mean 1e9 with sd 1, one hundred merges still give the scatter of the stored numbers.

    The oracle shifts the stored numbers by a whole number near their mean, which is exact. A
    block's mean less its pivot carries a rounding of the size of the deviations, not of 1e9:
    differences of plain block means would be off by 1e-7.
    """
    rng = np.random.default_rng(9)
    a = rng.normal(size=(3, 6400)) + at
    q = rng.normal(size=(3, 6400)) * 2.0 - at
    near_a, near_q = a - at, q + at
    parts = [Tally.of(a[:, i : i + 64], q[:, i : i + 64]) for i in range(0, 6400, 64)]
    expected = Tally.of(near_a, near_q)
    whole = fold(parts)
    aa, _, qq = expected.scatter
    unit = np.stack([aa, np.sqrt(aa * qq), qq])
    # A hundred merges of rounded sums: 100 units of 2^-53, and as many again for the sums.
    assert (np.abs(whole.scatter - expected.scatter) <= 200 * 2.0**-53 * unit).all()
    assert np.abs(whole.mean[0] - at - expected.mean[0]).max() <= 2.0**-53 * (at + 8) * 2
    naive = sum(_naive(parts))
    if at == 1e9:
        # The same with block means stored as they are is visibly worse: the test has power.
        assert np.abs(naive - aa).max() / aa.max() > 1e-10


def _naive(parts):
    """Chan's update of the scatter of A on block means that are stored without a pivot."""
    count, mean = 0, np.zeros(3)
    for part in parts:
        block, scatter = part.mean[0], part.scatter[0]
        delta = block - mean if count else np.zeros(3)
        yield scatter + delta**2 * count * part.count / (count + part.count)
        mean = block if not count else mean + delta * part.count / (count + part.count)
        count += part.count


def test_merging_is_associative_and_commutative_up_to_rounding(rng):
    """Which neighbours merge first, and which stands left, changes nothing but last bits."""
    one, two, three = (Tally.of(*pairs(rng, 6, n, at=5.0)) for n in (1, 17, 400))
    same(one.merge(two).merge(three), one.merge(two.merge(three)))
    same(one.merge(two), two.merge(one))
    same(three.merge(one.merge(two)), one.merge(two).merge(three))


def test_merging_leaves_the_parts_alone(rng):
    """Tallies are values: merging changes neither part."""
    left, right = Tally.of(*pairs(rng, 2, 10)), Tally.of(*pairs(rng, 2, 20))
    before = [np.array(x) for x in (left.pivot, left.offset, left.scatter, right.scatter)]
    left.merge(right)
    after = (left.pivot, left.offset, left.scatter, right.scatter)
    assert all((x == y).all() for x, y in zip(before, after, strict=True))


def test_equal_numbers_have_no_scatter():
    """A constant, however large, has scatter zero to the last bit, merged or not."""
    for value in (0.1, 1e9 + 0.1, -3e-7):
        a = np.full((1, 50), value)
        whole = fold([Tally.of(a[:, :n], a[:, :n]) for n in (1, 2, 3, 44)])
        assert not whole.scatter.any()
        assert (whole.mean == value).all()


# ---------------------------------------------------------------------------------------------
# Measures


def test_measures_of_four_replications_by_hand():
    """A = 1, 3, -1, 1 and Q = 2, 10, 2, 6.

    mean A = 1, sum of squares 0 + 4 + 4 + 0 = 8, sd^2/R = 8/12. mean Q = 5, deviations -3, 5,
    -3, 1 with squares 44, so 44/12. variance = 5 - 1 + 8/12 = 14/3; Q - 2 A = 0, 4, 4, 4 with
    mean 3 and squares 9 + 1 + 1 + 1 = 12, so MCSE^2 = 12/12 = 1.
    """
    tally = Tally.of([[1.0, 3.0, -1.0, 1.0]], [[2.0, 10.0, 2.0, 6.0]])
    by_hand = {
        "bias": (1.0, math.sqrt(8 / 12)),
        "variance": (14 / 3, 1.0),
        "mse": (5.0, math.sqrt(44 / 12)),
        "rmse": (math.sqrt(5), math.sqrt(44 / 12) / (2 * math.sqrt(5))),
    }
    assert set(by_hand) == set(MEASURES)
    for name, (estimate, error) in by_hand.items():
        got = measure(tally, name)
        assert (got.estimate[0], got.mcse[0]) == pytest.approx((estimate, error), rel=1e-15)


def test_no_error_at_all():
    """Where every error is zero all measures are 0 with MCSE 0 and an interval of no length."""
    tally = Tally.of(np.zeros((1, 9)), np.zeros((1, 9)))
    for name in MEASURES:
        assert [float(part[0]) for part in measure(tally, name)] == [0.0] * 4


def test_one_replication_has_no_error_bar():
    """With R = 1 bias, mse and rmse are shown without error bar, and the variance is NaN."""
    tally = Tally.of([[0.5]], [[1.0]])
    for name in MEASURES:
        got = measure(tally, name)
        assert np.isnan([got.mcse[0], got.ci_low[0], got.ci_high[0]]).all()
        assert np.isnan(got.estimate[0]) == (name == "variance")


def test_variance_is_never_negative():
    """Rounding cannot push a variance of equal errors below zero."""
    a = np.full((1, 64), 0.1 + 1e-9)
    got = measure(Tally.of(a, a * a), "variance")
    assert got.estimate[0] >= 0.0
    assert got.estimate[0] <= 1e-17


def test_variance_is_unbiased_over_all_pairs_of_replications():
    """Over all 36 ordered pairs from 6 replications the variance averages to mse - bias^2.

    Without the term sd(A)^2/R it would average to less by Var(A)/2.
    """
    a, q = np.array([0.0, 1.0, 1.5, -2.0, 3.0, 0.5]), np.array([1.0, 2.0, 9.0, 4.0, 9.5, 7.0])
    first, second = (index.ravel() for index in np.meshgrid(range(6), range(6)))
    tally = Tally.of(
        np.stack([a[first], a[second]], axis=1), np.stack([q[first], q[second]], axis=1)
    )
    aa = tally.scatter[0] / 2
    bias, mse = tally.mean
    assert (mse - bias**2 + aa).mean() == pytest.approx(q.mean() - a.mean() ** 2, rel=1e-14)
    got = measure(tally, "variance").estimate
    # What came out negative is cut at zero; nothing else differs.
    assert got == pytest.approx(np.maximum(mse - bias**2 + aa, 0.0), abs=1e-14)


def test_an_unknown_measure_is_refused(rng):
    """A wrong name is answered with those that are allowed."""
    with pytest.raises(SimnormError, match="bias, variance, mse, rmse"):
        measure(Tally.of(*pairs(rng, 1, 5)), "sd")


# ---------------------------------------------------------------------------------------------
# Intervals


def test_intervals_of_what_cannot_be_negative_are_multiplicative(rng):
    """Variance, mse and rmse: the ends are estimate divided and multiplied by one factor."""
    tally = Tally.of(*pairs(rng, 50, 12))
    for name in ("variance", "mse", "rmse"):
        got = measure(tally, name)
        assert (got.ci_low > 0.0).all()
        assert (got.ci_low <= got.estimate).all()
        assert got.ci_low * got.ci_high == pytest.approx(got.estimate**2, rel=1e-12)
        expected = got.estimate * np.exp(stats.t(11).ppf(0.975) * got.mcse / got.estimate)
        assert got.ci_high == pytest.approx(expected, rel=1e-10)
    rmse, mse = measure(tally, "rmse"), measure(tally, "mse")
    # The delta method and the logarithm commute: both intervals are the same statement.
    assert rmse.ci_high**2 == pytest.approx(mse.ci_high, rel=1e-12)
    assert rmse.ci_low**2 == pytest.approx(mse.ci_low, rel=1e-12)


def test_intervals_of_the_bias_are_symmetric(rng):
    """The bias: estimate plus and minus t times MCSE."""
    got = measure(Tally.of(*pairs(rng, 50, 12)), "bias")
    half = stats.t(11).ppf(0.975) * got.mcse
    assert got.ci_low == pytest.approx(got.estimate - half, rel=1e-10)
    assert got.ci_high == pytest.approx(got.estimate + half, rel=1e-10)


def test_interval_by_hand():
    """Estimate 2 with MCSE 0.5 and R = 2: t = tan(0.475 pi), a factor exp(t/4)."""
    t = math.tan(0.475 * math.pi)
    assert t_quantile(2) == pytest.approx(t, rel=1e-10)
    got = interval(np.array([2.0]), np.array([0.5]), 2)
    assert got.ci_low[0] == pytest.approx(2.0 * math.exp(-t / 4), rel=1e-9)
    assert got.ci_high[0] == pytest.approx(2.0 * math.exp(t / 4), rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 10, 256, 10**6])
def test_t_quantiles_are_scipys(count):
    """R replications leave R - 1 degrees of freedom; R = 1 leaves none."""
    assert t_quantile(count) == pytest.approx(stats.t(count - 1).ppf(0.975), rel=1e-10)
    assert math.isnan(t_quantile(1))


# ---------------------------------------------------------------------------------------------
# Calibration


def covered(name, a, q, truth):
    """Share of the seeds whose interval holds the truth; a and q have a seed per row."""
    got = measure(Tally.of(a, q), name)
    return float(((got.ci_low <= truth) & (truth <= got.ci_high)).mean())


# Binomial standard error of a coverage of 95 % over S seeds, times 4.9: two-sided 1e-6.
SEEDS = 20_000
BINOMIAL = 4.9 * math.sqrt(0.95 * 0.05 / SEEDS)


def halves(seed, R):
    """Errors of both halves of a full set of 2 n normals with n = 8: e1 = -e2, A = 0, Q = e^2.

    e is normal with variance 1/8 - 1/16 = 1/16.
    """
    e = np.random.Generator(np.random.PCG64DXSM(seed)).normal(scale=0.25, size=(SEEDS, R))
    return np.zeros_like(e), e * e


def test_coverage_of_the_bias_is_exact():
    """Normal errors make the bias interval exact: 95 % over 20,000 seeds within 0.76 points."""
    a = np.random.Generator(np.random.PCG64DXSM(1)).normal(size=(SEEDS, 20))
    assert abs(covered("bias", a + 2.0, (a + 2.0) ** 2, 2.0) - 0.95) < BINOMIAL
    # Power: a divisor R instead of R - 1 would cover 94.3 % at R = 20, an MCSE without its
    # sqrt(R) always, and one that is 10 % too small 93 %.
    short = math.sqrt(0.9) * t_quantile(20)
    assert 0.95 - 2 * stats.t(19).cdf(short) + 1 > BINOMIAL


@pytest.mark.parametrize("name", ["variance", "mse", "rmse"])
def test_coverage_of_clustered_errors(name):
    """At n = N/2 the log-scale intervals cover 95 % within a point, counting full sets.

    The point is what the normal approximation may cost at R = 200; 0.76 points more are the
    binomial noise of 20,000 seeds at a false-alarm rate of 1e-6. Counting both halves as
    replications of their own shortens the intervals by sqrt(2): they cover 83 %, as asserted.
    """
    a, q = halves(2, 200)
    truth = 1 / 16 if name != "rmse" else 1 / 4
    assert abs(covered(name, a, q, truth) - 0.95) < 0.01 + BINOMIAL
    e = np.sqrt(q[:, :200])
    both = np.concatenate([e, -e], axis=1)
    unclustered = covered(name, both, both**2, truth)
    assert abs(unclustered - 0.83) < 0.02


@pytest.mark.parametrize("name", MEASURES)
def test_coverage_of_biased_dependent_errors(name):
    """Batches that share their full set's error keep 95 % coverage within a point at R = 500."""
    rng = np.random.Generator(np.random.PCG64DXSM(3))
    common = rng.normal(size=(4000, 500, 1))
    errors = 0.5 + 0.6 * common + 0.8 * rng.normal(size=(4000, 500, 4))
    a, q = errors.mean(axis=2), (errors**2).mean(axis=2)
    truth = {"bias": 0.5, "variance": 1.0, "mse": 1.25, "rmse": math.sqrt(1.25)}[name]
    noise = 4.9 * math.sqrt(0.95 * 0.05 / 4000)
    assert abs(covered(name, a, q, truth) - 0.95) < 0.01 + noise


@pytest.mark.parametrize("name", ["bias", "variance", "mse"])
def test_estimates_and_their_errors_are_right_on_average(name):
    """Over 20,000 seeds the estimates centre on the truth and scatter as their MCSE says.

    A = e and Q = e^2 with e normal, R = 20. The MCSE^2 of bias and mse is unbiased; that of the
    variance, which is then s^2, has by hand the mean (2R - 4)/R^2 instead of 2/(R - 1), a ratio
    of (R - 1)(R - 2)/R^2. Five standard errors everywhere: 6e-7.
    """
    R = 20
    a = np.random.Generator(np.random.PCG64DXSM(4)).normal(size=(SEEDS, R))
    got = measure(Tally.of(a, a * a), name)
    truth, spread, ratio = {
        "bias": (0.0, 1 / R, 1.0),
        "mse": (1.0, 2 / R, 1.0),
        "variance": (1.0, 2 / (R - 1), (R - 1) * (R - 2) / R**2),
    }[name]
    assert abs(got.estimate.mean() - truth) < 5 * math.sqrt(spread / SEEDS)
    squares = got.mcse**2 / spread
    assert abs(squares.mean() - ratio) < 5 * squares.std() / math.sqrt(SEEDS)
    # Power: a divisor R instead of R - 1 moves the mean by 5 %, and would be seen.
    assert 5 * squares.std() / math.sqrt(SEEDS) < 0.05 * ratio


HALF_SEEDS = 400


@pytest.fixture(scope="module")
def sweeps_at_half():
    """Rows of 400 small sweeps with n = N/2, by the public front door."""
    found = []
    for seed in range(HALF_SEEDS):
        frame = sn.sweep(
            "normal",
            batch_sizes=[32],
            estimators=["mean", "std"],
            full_size=64,
            replications=128,
            seed=seed,
            workers=1,
        ).frame
        chosen = frame[(frame["reference"] == "full_set") & ~frame["measure"].str.contains("_")]
        found.append(chosen.set_index(["estimator", "measure"])[["estimate", "mcse"]])
    return found


@pytest.mark.parametrize("kind", ["mean", "std(ddof=0)"])
@pytest.mark.parametrize("name", ["variance", "mse", "rmse"])
def test_mcse_at_half_the_full_set_is_the_sd_over_seeds(sweeps_at_half, kind, name):
    """Both halves of a full set err alike: the MCSE counts full sets, not batches.

    The sd of 400 nearly normal estimates is known to 1/sqrt(800) = 3.5 %. The bound of 4.4 such
    errors has a false-alarm rate of 1e-5; an MCSE that counted batches, 0.707 of the truth for
    the mean, lies 8.3 of them away and passes with a chance below 1e-4.
    """
    rows = [table.loc[(kind, name)] for table in sweeps_at_half]
    truth = np.std([row["estimate"] for row in rows], ddof=1)
    ratio = np.mean([row["mcse"] for row in rows]) / truth
    error = 1 / math.sqrt(2 * HALF_SEEDS)
    bound = stats.norm.isf(0.5e-5)
    assert abs(ratio - 1.0) < bound * error
    assert (1.0 - math.sqrt(0.5)) / error > bound + stats.norm.isf(1e-4) - 0.01


def test_bias_at_half_the_full_set_is_exactly_zero(sweeps_at_half):
    """The two halves' means err by the same amount to either side, in every sweep."""
    for table in sweeps_at_half:
        assert (table.loc[("mean", "bias")] == 0.0).all()


# Void replications


def void_data(rng, cells=5, count=40):
    """A and Q with a large common mean, and void replications in cells 1 (some) and 3 (all)."""
    a = rng.normal(size=(cells, count)) + 1e6
    q = a * a + rng.exponential(size=(cells, count))
    lost = np.zeros((cells, count), dtype=bool)
    lost[1] = rng.random(count) < 0.3
    lost[1, 0] = True
    lost[3] = True
    return np.where(lost, np.nan, a), np.where(lost, np.nan, q), lost


def test_void_replications_are_left_out(rng):
    """A cell with void replications has the sums of the others; its neighbours keep their bits."""
    a, q, lost = void_data(rng)
    may_fail = np.array([False, True, True, True, True])
    tally = Tally.of(a, q, may_fail)
    assert tally.count == 40
    assert tally.used.tolist() == (40 - lost.sum(axis=1)).tolist()
    plain = Tally.of(a, q)
    for name in MEASURES:
        found = measure(tally, name)
        for cell in (0, 2, 4):
            assert [part[cell] for part in found] == [part[cell] for part in measure(plain, name)]
        left = Tally.of(a[1:2, ~lost[1]], q[1:2, ~lost[1]])
        assert [part[1] for part in found] == [part[0] for part in measure(left, name)]
        assert all(np.isnan(part[3]) for part in found)


def test_what_may_not_fail_is_never_left_out(rng):
    """Outside the mask a NaN stays one: such cells have no moments, and the ledger says so."""
    a, q, _ = void_data(rng)
    tally = Tally.of(a, q, np.zeros(5, dtype=bool))
    assert tally.void is None
    assert np.isnan(measure(tally, "bias").estimate[[1, 3]]).all()


@pytest.mark.parametrize("cuts", [(20,), (1, 2, 3), (1, 39), (7, 30)])
def test_tallies_with_void_replications_merge(cuts, rng):
    """Merged from parts, some of them empty in a cell, the sums are those of the whole."""
    a, q, _ = void_data(rng)
    q = q - 1e12  # Q about 1e6, so that its scatter keeps digits to compare
    may_fail = np.ones(5, dtype=bool)
    whole = Tally.of(a, q, may_fail)
    parts = [
        Tally.of(x, y, may_fail)
        for x, y in zip(np.split(a, cuts, axis=1), np.split(q, cuts, axis=1), strict=True)
    ]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    assert merged.used.tolist() == whole.used.tolist()
    sure = np.array([0, 1, 2, 4])
    assert np.allclose(merged.mean[:, sure], whole.mean[:, sure], rtol=1e-13)
    assert np.allclose(merged.scatter[:, sure], whole.scatter[:, sure], rtol=1e-9)
    assert merged.used[3] == 0
    # Cells without void replications have the bits of tallies that know of none.
    known = [
        Tally.of(x, y)
        for x, y in zip(
            np.split(a[[0, 2]], cuts, axis=1), np.split(q[[0, 2]], cuts, axis=1), strict=True
        )
    ]
    plain = known[0]
    for part in known[1:]:
        plain = plain.merge(part)
    assert (merged.scatter[:, [0, 2]] == plain.scatter).all()
    assert (merged.mean[:, [0, 2]] == plain.mean).all()
