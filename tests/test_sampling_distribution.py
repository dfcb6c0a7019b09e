"""Laws of estimates: exact ones, histograms of batches, and the figure of both."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import simnorm as sn
from simnorm import checking, theory
from simnorm.batch_laws import bins, choice, histogram_curves
from simnorm.batch_laws.curves import shares_of
from simnorm.batch_laws.draws import law_estimates, row_estimates
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.errors import SimnormError
from simnorm.estimators import UserEstimator, estimator
from simnorm.figures import sampling_distribution
from simnorm.figures.choice import main_rows
from simnorm.figures.ridges import Ridge, Ridges, estimator_shown, ridges_of
from simnorm.report.findings.sampling_distribution import _of_one, sampling_distribution_finding
from simnorm.sampling import cut
from simnorm.studies import sweep
from simnorm.studies.drawing import chunk, sources
from simnorm.theory.laws import exact_law, irwin_hall, law_of

# Of a test of many histograms, one in a million runs of true code would fail.
FALSE_ALARM = 1e-6
KEY = ["distribution", "column", "sampling", "estimator", "batch_size"]


def points_of(result: sn.Result) -> pd.DataFrame:
    curves = result.curves
    return curves[curves["kind"] == "distribution"]


def histograms(result: sn.Result) -> pd.DataFrame:
    points = points_of(result)
    return points[points["batch_size"] > 0]


# ------------------------------------------------------------------------------------- exact laws


@pytest.mark.parametrize(
    ("spec", "law", "n", "frozen"),
    [
        ("mean", "normal(loc=3,scale=2)", 5, stats.norm(3.0, 2.0 / math.sqrt(5.0))),
        ("biased_variance", "normal(loc=3,scale=2)", 5, stats.chi2(4, scale=4.0 / 5.0)),
        ("unbiased_variance", "normal(scale=2)", 5, stats.chi2(4, scale=4.0 / 4.0)),
        ("std(ddof=0)", "normal(scale=2)", 5, stats.chi(4, scale=2.0 / math.sqrt(5.0))),
        ("std(ddof=1)", "normal", 5, stats.chi(4, scale=1.0 / math.sqrt(4.0))),
        ("mean", "exponential(loc=1,scale=2)", 3, stats.gamma(3, loc=1.0, scale=2.0 / 3.0)),
        ("mean", "gamma(a=2.5,scale=3)", 4, stats.gamma(10.0, scale=3.0 / 4.0)),
        ("mean", "chi2(df=3,loc=-1)", 2, stats.gamma(3.0, loc=-1.0, scale=1.0)),
        ("mean", "cauchy(loc=1,scale=2)", 9, stats.cauchy(1.0, 2.0)),
        ("mean", "t(df=1)", 9, stats.cauchy()),
        ("mean", "uniform(loc=-1,scale=2)", 2, stats.triang(0.5, loc=-1.0, scale=2.0)),
        ("min", "exponential(scale=2)", 4, stats.expon(scale=0.5)),
        ("max", "uniform", 4, stats.beta(4, 1)),
        ("median", "uniform", 5, stats.beta(3, 3)),
        ("quantile(q=0.25)", "uniform", 5, stats.beta(2, 4)),
        ("mean", "laplace(loc=2)", 1, stats.laplace(2.0)),
        ("max", "laplace(loc=2)", 1, stats.laplace(2.0)),
    ],
)
def test_an_exact_law_is_that_of_textbooks(spec, law, n, frozen):
    """Both tails agree with scipy's law, `loc` and `scale` in place."""
    x = frozen.ppf([1e-9, 0.01, 0.3, 0.5, 0.9, 1.0 - 1e-9])
    below, above = law_of(spec, n, law).probabilities(x)
    np.testing.assert_allclose(below, frozen.cdf(x), rtol=1e-9)
    np.testing.assert_allclose(above, frozen.sf(x), rtol=2e-6)


@pytest.mark.parametrize("spec", ["mean", "biased_variance", "unbiased_variance", "min", "max"])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_laws_of_coins_are_those_of_all_samples(spec, n):
    """Of all 2^n samples of 0 and 1 with their probabilities, at every value and between."""
    p, kind = 0.3, estimator(spec)
    samples = np.array(list(itertools.product([0.0, 1.0], repeat=n)))
    weights = np.prod(np.where(samples == 1.0, p, 1.0 - p), axis=1)
    values = 10.0 + 4.0 * samples
    found = kind(values)
    law = exact_law(kind, n, distribution(f"bernoulli(p={p},loc=10,scale=4)"))
    assert law is not None
    for x in np.unique(np.r_[found, found + 0.01, found - 0.01]):
        below, above = law.probabilities(x)
        expected = float(weights[found <= x + 1e-12].sum())
        assert float(below) == pytest.approx(expected, abs=1e-12)
        assert float(above) == pytest.approx(1.0 - expected, abs=1e-12)


def test_the_mean_of_poisson_draws_is_a_count_over_n():
    """P(mean <= x) is that of Poisson(n mu) at n x, with loc and scale."""
    law = law_of("mean", 4, "poisson(mu=3,loc=1,scale=2)")
    k = np.arange(0, 30)
    below, above = law.probabilities(1.0 + 2.0 * k / 4.0)
    np.testing.assert_allclose(below, stats.poisson(12.0).cdf(k), rtol=1e-12)
    np.testing.assert_allclose(above, stats.poisson(12.0).sf(k), rtol=1e-9)
    assert float(law.probabilities(0.99)[0]) == 0.0


@pytest.mark.parametrize("n", [1, 2, 3, 8, 16])
def test_irwin_hall_has_its_digits(n):
    """Against fractions, which lose none: 12 digits at n = 16."""
    for x in (0.01, 0.5, n / 3.0, n / 2.0, 0.9 * n):
        given = Fraction(x)
        total = Fraction(0)
        for k in range(math.floor(given) + 1):
            total += (-1) ** k * math.comb(n, k) * (given - k) ** n
        exact = float(total / math.factorial(n))
        below, above = irwin_hall(n, x)
        assert float(below) == pytest.approx(exact, abs=1e-12)
        assert float(above) == pytest.approx(1.0 - exact, abs=1e-12)


LAWS = (
    "normal(loc=1,scale=3)", "uniform(loc=2)", "triangular", "laplace", "logistic", "gumbel",
    "exponential", "gamma", "chi2", "beta", "weibull", "lognormal", "t(df=5)", "skewnormal",
    "gennormal", "halfnormal", "contaminated_normal", "pareto(b=9)", "rectified_normal",
    "bernoulli(p=0.3)", "poisson",
)  # fmt: skip
SPECS = ("mean", "biased_variance", "unbiased_variance", "std", "std(ddof=1)", "min", "max",
         "median", "quantile(q=0.25)")  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_a_law_has_the_moments_that_theory_has(law):
    """Mean and variance, integrated from both tails, are those of the formulas for errors.

    Two codes that share nothing: a wrong divisor, rank, loc or scale is seen.
    """
    read, seen = distribution(law), 0
    for spec, n in itertools.product(SPECS, (1, 3)):
        kind = estimator(spec)
        found = exact_law(kind, n, read)
        population = kind.population(read)
        values = theory.values_of(kind, n, None, theory.of_distribution(read))
        if found is None or not values or values["bias"].kind != "exact":
            continue
        if not math.isfinite(population):
            continue
        centre, unit = population + values["bias"], math.sqrt(values["variance"]) or 1.0
        t = np.r_[0.0, np.geomspace(1e-5, 3e3, 20_001)] * unit
        below, above = found.probabilities(centre - t)[0], found.probabilities(centre + t)[1]
        mean = np.trapezoid(above - below, t)
        square = np.trapezoid(2.0 * t * (above + below), t)
        assert abs(mean) < 2e-3 * unit, (spec, n)
        assert square == pytest.approx(values["variance"], rel=4e-3, abs=1e-12), (spec, n)
        seen += 1
    # The mean of one draw at least.
    assert seen >= 1


def test_what_is_not_known_is_refused():
    """No law of an even median, of a standard deviation of others, or of a spread of one."""
    for spec, n, law in (("median", 4, "normal"), ("std", 4, "laplace"), ("std", 1, "normal")):
        with pytest.raises(SimnormError, match="not known exactly"):
            law_of(spec, n, law)
    assert exact_law(estimator("mean"), 17, distribution("uniform")) is None


def test_shares_add_up_and_keep_small_digits():
    """The outer bins have no end; a bin far out has its digits on both sides."""
    law = law_of("mean", 1, "normal")
    shares = law.shares([-50.0, -40.0, -30.0, 0.0, 30.0, 40.0, 50.0])
    assert shares.sum() == pytest.approx(1.0, abs=1e-15)
    assert shares[1] == pytest.approx(stats.norm.sf(30.0), rel=1e-9)
    assert shares[4] == pytest.approx(shares[1], rel=1e-12)


# ---------------------------------------------------------------------------------------- counting


def test_shares_by_hand():
    """Open ends, what is not finite left out, errors by replication as of a ratio."""
    values = np.array([[-9.0, 0.5], [1.5, 99.0], [np.nan, 1.0]])
    found = shares_of(values, np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(found.share, [0.4, 0.6])
    # Per lane, hits less the share of what is finite: 2 - 0.8, 0 - 0.8, 0 - 0.4; mean of f 5/3.
    expected = math.sqrt((1.2**2 + 0.8**2 + 0.4**2) / 2.0 / 3.0) / (5.0 / 3.0)
    np.testing.assert_allclose(found.mcse, [expected, expected])
    assert np.isnan(shares_of(np.full((2, 2), np.nan), np.array([0.0, 1.0, 2.0])).share).all()
    assert np.isnan(shares_of(values[:1], np.array([0.0, 1.0, 2.0])).mcse).all()
    empty = shares_of(np.zeros((3, 2)), np.array([-1.0, 1.0, 2.0]))
    assert empty.share.tolist() == [1.0, 0.0]
    assert np.isnan(empty.mcse[1])


def test_edges_stand_between_the_values_of_a_lattice():
    """Every bin holds as many values as any other, and no value is next to an edge."""
    steps = {("mean", 7): 0.5 / 7, ("unbiased_variance", 6): 0.25 / 30, ("median", 4): 0.25,
             ("range", 4): 0.5, ("quantile(q=0.9)", 2): 0.05}  # fmt: skip
    for (kind, n), step in steps.items():
        lattice = bins.steps_of(estimator(kind), n, bins.Lattice(-1.25, 0.5))
        assert lattice is not None
        assert lattice.step == pytest.approx(step)
        edges = bins.edges_of(bins.Reach(-1.0, 3.0), 12, lattice)
        places = (edges - lattice.origin) / lattice.step
        np.testing.assert_allclose(places - np.floor(places), 0.5, atol=1e-6)
        np.testing.assert_allclose(np.diff(places), np.diff(places)[0], atol=1e-6)
        assert edges[0] <= -1.0
        assert edges[-1] >= 3.0


# ----------------------------------------------------------------------------------------- a sweep


@pytest.fixture(scope="module")
def whole():
    laws = ["normal(loc=2,scale=3)", "exponential", "uniform", "cauchy", "poisson",
            "bernoulli(p=0.3)", "t(df=3)"]  # fmt: skip
    specs = "mean,biased_variance,unbiased_variance,std(ddof=0),std(ddof=1),min,max,median"
    return sn.sweep(laws, estimators=specs, batch_sizes="2,3,4,8,512", full_size=16384,
                    replications=64)  # fmt: skip


@pytest.fixture(scope="module")
def default():
    return sn.sweep(replications=64)


def test_every_histogram_adds_up(whole):
    """Shares add up to 1, exact ones too; 12 to 48 bins of one width, fewer on a lattice."""
    for key, rows in histograms(whole).groupby(KEY):
        assert rows["y"].sum() == pytest.approx(1.0, abs=1e-12), key
        known = rows["theory"].notna()
        assert known.all() or not known.any()
        if known.all():
            assert rows["theory"].sum() == pytest.approx(1.0, abs=1e-9), key
        steps = np.diff(rows["x"])
        if len(steps):
            np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
        assert len(rows) <= choice.MOST_BINS + 1
        if key[0] not in ("poisson(mu=3)", "bernoulli(p=0.3)"):
            assert len(rows) >= choice.FEWEST_BINS


def pearson(rows: pd.DataFrame, expected: np.ndarray, count: int) -> float:
    """The p-value of a histogram of independent estimates, rare bins joined."""
    hits, wanted = rows["y"].to_numpy() * count, expected * count
    few = wanted < 5.0
    hits = np.r_[hits[~few], hits[few].sum()]
    wanted = np.r_[wanted[~few], wanted[few].sum()]
    keep = wanted > 0.5
    if keep.sum() < 2:
        return 1.0
    return float(stats.chi2.sf(((hits - wanted)[keep] ** 2 / wanted[keep]).sum(), keep.sum() - 1))


def test_counted_shares_are_the_exact_ones(whole):
    """Batches are independent draws, so that Pearson's test holds; 1e-6 over all histograms."""
    tested = 0
    for (law, _, _, spec, n), rows in histograms(whole).groupby(KEY):
        if rows["theory"].notna().all() and len(rows) > 1:
            count = 64 * choice.batches_of_lane(16384, n, "shuffle")
            p = pearson(rows, rows["theory"].to_numpy(), count)
            assert p > FALSE_ALARM / 200.0, (law, spec, n, p)
            tested += 1
    assert 100 < tested < 200


@pytest.mark.parametrize(
    ("spec", "n", "wrong", "other"),
    [
        ("std(ddof=0)", 8, "std(ddof=1)", 8),
        ("unbiased_variance", 4, "biased_variance", 4),
        ("mean", 4, "mean", 5),
        ("std(ddof=0)", 4, "std(ddof=0)", 5),
        ("max", 3, "max", 4),
        ("median", 3, "min", 3),
    ],
)
def test_the_test_sees_what_could_be_mixed_up(whole, spec, n, wrong, other):
    """A wrong ddof, an n that is off by one, or another rank has a p-value below the limit."""
    law = "normal(loc=2,scale=3)"
    rows = histograms(whole)
    rows = rows[(rows["distribution"] == law) & (rows["estimator"] == spec)]
    rows = rows[rows["batch_size"] == n]
    half = 0.5 * (rows["x"].iloc[1] - rows["x"].iloc[0])
    edges = np.r_[rows["x"].iloc[0] - half, rows["x"] + half]
    expected = law_of(wrong, other, law).shares(edges)
    assert pearson(rows, expected, 64 * 128) < FALSE_ALARM / 200.0


def test_errors_by_replication_are_those_of_independent_draws(whole):
    """The mean of mcse^2 over p (1 - p)/M is 1 within 5 of its standard errors (about 0.02).

    An error bar without the root of the lanes, or of single batches, would be off by 8 and more.
    """
    rows = histograms(whole)
    rows = rows[rows["theory"].between(0.02, 0.98) & (rows["batch_size"] < 512)]
    binomial = rows["theory"] * (1.0 - rows["theory"]) / (64 * 128)
    ratio = rows["mcse"] ** 2 / binomial
    assert len(rows) > 300
    assert ratio.mean() == pytest.approx(1.0, abs=0.1)


def test_estimates_are_those_of_the_run(whole):
    """The first batches of every replication, as `batches_of` draws them again."""
    design = whole.design
    for source in sources(design)[:2]:
        law = distribution(source.distribution)
        kinds = [estimator(spec) for spec in ("mean", "std(ddof=1)", "median")]
        for n, found in law_estimates(design, source, (3, 512), kinds):
            for lane in (0, 63):
                batches, _ = sweep.batches_of(design, source, lane, n)
                for kind in kinds:
                    values = found[kind][lane] + (law.pivot if kind.is_location else 0.0)
                    expected = kind(batches)[0, : len(values)]
                    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scheme", ["shuffle", "replacement", "iid"])
def test_histograms_of_all_schemes_are_of_their_batches(scheme):
    """With replacement too, of the observations that are drawn again; n may be N."""
    design = Design.make("exponential", batch_sizes=[2, 50], full_size=50, replications=20,
                         sampling=scheme)  # fmt: skip
    (source,) = sources(design)
    kind = estimator("biased_variance")
    for n, found in law_estimates(design, source, (2, 50), [kind]):
        for lane in (0, 19):
            batches, _ = sweep.batches_of(design, source, lane, n)
            np.testing.assert_allclose(found[kind][lane], kind(batches)[0, : found[kind].shape[1]])


def test_a_histogram_depends_on_its_own_cell_alone():
    """Not on other sizes, estimators or laws; bins not on the seed or R either."""
    given = {"full_size": 512, "replications": 40}
    one = sn.sweep("laplace", estimators="std", batch_sizes=[4], **given)
    more = sn.sweep(["laplace", "normal"], estimators="mean,std", batch_sizes=[2, 4, 8], **given)
    other = sn.sweep("laplace", estimators="std", batch_sizes=[4], full_size=512, seed=5,
                     replications=80)  # fmt: skip
    mine, same, seed = (
        rows[(rows["distribution"] == "laplace") & (rows["estimator"] == "std(ddof=0)")
             & (rows["batch_size"] == 4)].reset_index(drop=True)
        for rows in map(histograms, (one, more, other))
    )  # fmt: skip
    pd.testing.assert_frame_equal(mine, same, check_exact=True)
    assert mine["x"].equals(seed["x"])
    assert not mine["y"].equals(seed["y"])


def test_fewer_replications_cut_the_block():
    """The estimates of R = 10 are the first lanes of those of R = 200."""
    kind = estimator("mean")
    found = []
    for R in (10, 200):
        design = Design.make("normal", batch_sizes=[4], full_size=512, replications=R)
        ((_, estimates),) = law_estimates(design, sources(design)[0], (4,), [kind])
        found.append(estimates[kind])
    assert len(found[0]) == 10
    np.testing.assert_array_equal(found[0], found[1][:10])


def test_five_sizes_at_most_first_and_last_among_them():
    """Spread evenly over the grid, and none of which a block would hold too much."""
    assert choice.sizes_of(Design.make("normal")) == (2, 8, 32, 256, 1024)
    assert choice.sizes_of(Design.make("normal", batch_sizes=[3])) == (3,)
    large = Design.make("normal", batch_sizes=[2, 1 << 20], full_size=1 << 24)
    assert choice.sizes_of(large) == (2,)


def test_the_table_stays_small():
    """With many laws, fewer estimators have histograms, featured ones first; never none."""
    specs = "median,mad,mean,std,biased_variance,min,max,range,iqr,skewness"
    laws = [f"t(df={df})" for df in range(3, 73)]
    few = choice.kinds_of(Design.make(laws, estimators=specs))
    assert [str(kind) for kind in few] == ["mean", "std(ddof=0)", "biased_variance"]
    assert len(choice.kinds_of(Design.make(laws[:4], estimators=specs))) == 10
    many = Design.make([f"t(df={3 + i / 100})" for i in range(500)])
    assert [str(kind) for kind in choice.kinds_of(many)] == ["std(ddof=0)"]


def test_heavy_tails_have_bins_for_most_estimates(whole):
    """Where no standard deviation says how far bins reach, few estimates are beyond them."""
    rows = histograms(whole)
    for key, mine in rows[rows["distribution"].isin(["cauchy", "t(df=3)"])].groupby(KEY):
        # Scales end at 0, in the first bin; a Cauchy law has a tenth beyond six quartiles.
        first = 0 if key[3] in ("min", "max", "mean", "median") else 1
        beyond = 1.0 - mine["y"].iloc[1 - first : -1].sum()
        assert beyond < 0.2, key
        assert (mine["y"] > 0.0).sum() > 6, key


def test_the_value_that_is_estimated_is_a_point(whole):
    """Batch size 0: the population value, where there is one."""
    points = points_of(whole)
    values = points[points["batch_size"] == 0]
    found = {(r.distribution, r.estimator): r.x for r in values.itertuples()}
    assert found["normal(loc=2,scale=3)", "mean"] == 2.0
    assert found["normal(loc=2,scale=3)", "std(ddof=1)"] == 3.0
    assert ("cauchy", "mean") not in found
    assert found["cauchy", "median"] == pytest.approx(0.0, abs=1e-15)
    assert (values["y"] == 1.0).all()


def test_functions_of_the_user_that_fail_are_left_out():
    """A replication without a value is not counted; the rest adds up to 1."""

    def odd(x, axis=-1):
        found = x.max(axis)
        return np.where(found > 3.0, np.nan, found)

    result = sn.sweep("normal", estimators=["mean", UserEstimator(odd, "odd")], batch_sizes=[4],
                      full_size=128, replications=64)  # fmt: skip
    rows = histograms(result)
    rows = rows[rows["estimator"] == "user.odd"]
    assert rows["y"].sum() == pytest.approx(1.0)
    assert rows["theory"].isna().all()


# ------------------------------------------------------------------------------------ data


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(7)
    table = {f"c{i:02}": rng.standard_normal(300) for i in range(13)}
    table |= {"heavy": rng.standard_t(1.5, 300), "flat": np.full(300, 2.0)}
    table |= {"counts": rng.poisson(2.0, 300) + 0.5, "g": np.repeat(np.arange(30), 10)}
    return pd.DataFrame(table)


@pytest.fixture(scope="module")
def of_data(data):
    return sn.sweep(data=data, sampling="shuffle,replacement,sequential,grouped:g",
                    batch_sizes=[2, 30, 300], estimators="mean,std,median,mad",
                    replications=64)  # fmt: skip


def test_columns_with_the_heaviest_tails_have_histograms(of_data):
    """Twelve, by excess kurtosis; a constant column has none."""
    held = set(histograms(of_data)["column"])
    columns = of_data.columns.set_index("column")["excess_kurtosis"].dropna()
    assert held == set(columns.nlargest(12).index)
    assert "heavy" in held
    assert "flat" not in held


def test_histograms_of_data_add_up(of_data):
    """Under every scheme; a batch of all rows in any order has no law, only a value."""
    rows = histograms(of_data)
    assert np.allclose(rows.groupby(KEY)["y"].sum(), 1.0)
    shuffled = rows[rows["sampling"] == "shuffle"]
    assert set(shuffled["batch_size"]) == {2, 30}
    assert rows.loc[rows["sampling"] == "sequential", "mcse"].isna().all()
    assert set(rows["sampling"]) == {"shuffle", "replacement", "sequential", "grouped:g"}
    points = points_of(of_data)
    values = points[(points["batch_size"] == 0) & (points["column"] == "heavy")]
    whole = of_data.columns.set_index("column").loc["heavy"]
    found = values.drop_duplicates("estimator").set_index("estimator")["x"]
    assert found["mean"] == pytest.approx(whole["mean"])
    assert found["std(ddof=0)"] == pytest.approx(whole["std"])


@pytest.mark.parametrize("place", range(4))
def test_estimates_of_rows_are_those_of_the_run(of_data, place):
    """As `batches_of` draws them again, under every scheme."""
    design = of_data.design
    source = next(s for s in sources(design) if s.sampling == design.sampling[place]
                  and "c00" in s.columns)  # fmt: skip
    columns = [c for c in chunk(design, source).columns if c.name == "c00"]
    kinds = [estimator("mean"), estimator("std"), estimator("median")]
    lanes = (0,) if source.sampling == "sequential" else (0, 63)
    for column, n, found in row_estimates(design, source, (2, 30), kinds, columns):
        for lane in lanes:
            batches, _ = sweep.batches_of(design, source, lane, n, column.name)
            for kind in kinds:
                values = found[kind][lane] + (column.pivot if kind.is_location else 0.0)
                expected = kind(batches)[0, : len(values)]
                np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)


def test_all_batches_count_where_they_are_not_exchangeable(of_data):
    """In file order and by groups, every batch of a replication; that of n = 2 too."""
    for scheme in ("sequential", "grouped:g"):
        assert choice.batches_of_lane(300, 2, scheme) == 150
    rows = histograms(of_data)
    rows = rows[(rows["sampling"] == "sequential") & (rows["estimator"] == "mean")]
    for column, mine in rows[rows["batch_size"] == 30].groupby("column"):
        hits = mine["y"] * 10
        np.testing.assert_allclose(hits, hits.round(), atol=1e-9, err_msg=str(column))


def test_counts_in_a_column_do_not_beat_against_the_bins(of_data, data):
    """Means of counts lie amid the lattice: none within a quarter of a step from an edge."""
    rows = histograms(of_data)
    rows = rows[(rows["column"] == "counts") & (rows["estimator"] == "mean")]
    mine = rows[(rows["sampling"] == "shuffle") & (rows["batch_size"] == 2)]
    half = 0.5 * (mine["x"].iloc[1] - mine["x"].iloc[0])
    edges = np.r_[mine["x"].iloc[0] - half, mine["x"] + half]
    means = cut(data["counts"].to_numpy()[np.newaxis], 2).mean(axis=-1)
    assert np.abs(means.ravel()[:, np.newaxis] - edges).min() > 0.125


# ------------------------------------------------------------------------- checks of older runs


def test_a_run_made_before_passes_its_check_and_says_so(tmp_path):
    """Without any histogram it is of its time; with a part of them missing it is at fault."""
    folder = tmp_path / "run"
    sn.sweep("normal", batch_sizes=[4], full_size=64, replications=32, out=folder)
    assert checking.check(folder).passed
    path = folder / "curves.csv"
    lines = path.read_text().splitlines(keepends=True)
    old = [line for line in lines[1:] if ",distribution," not in line and ",split," not in line]
    old = [lines[0], *old]
    path.write_text("".join(old))
    done = checking.check(folder)
    assert done.passed
    assert "before" in done["rebuilt"].note
    assert len(sn.load(folder).curves) == len(old) - 1
    path.write_text("".join(lines[:-1]))
    assert not checking.check(folder)["rebuilt"].passed


# ------------------------------------------------------------------------------------- the figure


def test_a_panel_for_each_law_and_a_row_for_each_size(default):
    """Titles are the laws, ticks the batch sizes; the exact law is drawn where it is known."""
    figure = sampling_distribution.figure(main_rows(default.frame), default.curves)
    panels = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert [ax.get_title(loc="left") for ax in panels] == list(default.design.distributions)
    figure.draw_without_rendering()
    for ax in panels:
        assert [text.get_text() for text in ax.get_yticklabels()] == ["2", "8", "32", "256", "1024"]
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[:3] == ["estimates of batches", "exact law", "normal law, same mean and sd"]


def test_rows_are_the_histograms_in_population_values(default):
    """Shares are those of the curves, edges between centres over the population value."""
    frame = main_rows(default.frame)
    ridges = ridges_of(frame, default.curves, "laplace", "std(ddof=0)")
    assert [row.n for row in ridges.rows] == [2, 8, 32, 256, 1024]
    rows = histograms(default)
    rows = rows[(rows["distribution"] == "laplace") & (rows["estimator"] == "std(ddof=0)")]
    mine = rows[rows["batch_size"] == 32]
    row = ridges.rows[2]
    np.testing.assert_array_equal(row.share, mine["y"])
    centres = 0.5 * (row.edges[1:] + row.edges[:-1]) * math.sqrt(2.0)
    np.testing.assert_allclose(centres, mine["x"])
    assert ridges.is_scaled
    # Where no law is known, the normal one of the table's mean and sd; it has its mean at the top.
    assert row.beside == "normal"
    x, y = row.line
    assert x[y.argmax()] == pytest.approx(row.mean, abs=row.width)


def test_a_smooth_law_is_a_density_in_shares(default):
    """The line over a histogram adds up, part by part, to the exact shares of its bins."""
    ridges = ridges_of(main_rows(default.frame), default.curves, "normal", "std(ddof=0)")
    for row in ridges.rows:
        assert row.beside == "exact"
        parts = row.line[1].reshape(-1, 4).mean(axis=1)
        np.testing.assert_allclose(parts[1:-1], row.theory[1:-1], rtol=1e-9, atol=1e-14)


def test_the_finding_is_that_of_the_exact_law(default):
    """Of two normal draws |x - y|/2 is below 1.58 with probability 0.975, below 1 with 0.84."""
    text = sampling_distribution_finding(main_rows(default.frame), default.curves)
    assert "95 % of the batches from normal have a standard deviation between 0 and 1.6" in text
    assert "84 % have one below it" in text
    assert "n = 1,024" in text
    below = float(law_of("std", 2).probabilities(1.0)[0])
    assert round(100 * below) == 84
    assert float(law_of("std", 2).probabilities(1.585)[0]) == pytest.approx(0.975, abs=1e-3)


def test_one_size_one_law_and_none():
    """A single histogram has its size at its side; a run without any says so in words."""
    result = sn.sweep("normal", estimators="mean", batch_sizes=[8], full_size=64, replications=32)
    frame = main_rows(result.frame)
    figure = sampling_distribution.figure(frame, result.curves)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["n = 8"]
    none = result.curves[result.curves["kind"] == "convergence"]
    said = sampling_distribution.figure(frame, none).axes[0].texts[0].get_text()
    assert "no histograms" in said
    assert "no histograms" in sampling_distribution_finding(frame, none)
    with pytest.raises(SimnormError, match="estimator"):
        estimator_shown(frame, result.curves, "median")


def test_laws_of_single_values_have_exact_shares_as_steps():
    """A coin's mean: bins are its values, and the exact shares stand on them."""
    result = sn.sweep("bernoulli", estimators="mean", batch_sizes=[4], full_size=64,
                      replications=32)  # fmt: skip
    ridges = ridges_of(main_rows(result.frame), result.curves, "bernoulli(p=0.5)", "mean")
    (row,) = ridges.rows
    assert row.beside == "steps"
    np.testing.assert_allclose(row.line[0], [0.0, 0.25, 0.5, 0.75, 1.0], atol=1e-12)
    np.testing.assert_allclose(row.theory, [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16])


@pytest.mark.parametrize("known", [{"bias": 0.0}, {"variance": 1.0}, {}])
def test_half_a_theory_is_none(known, monkeypatch):
    """Of some statistics there is a bias or a variance alone: bins are then those of a pilot."""
    kind, law = estimator("mean"), distribution("normal")
    whole = bins.law_reaches([kind], 16, law)[kind]
    assert whole == pytest.approx((-1.0, 1.0))
    monkeypatch.setattr(bins.theory, "values_of", lambda *_: known)
    assert bins._reach_of_law(kind, 16, law) is None
    found = bins.law_reaches([kind], 16, law)[kind]
    # Six quartiles of 0.6745/4 on either side.
    assert found == pytest.approx((-1.01, 1.01), abs=0.25)
    assert found != whole


def test_no_law_has_half_a_theory_that_fails():
    """Every estimator of every law has a reach or none, at the smallest sizes too."""
    kinds = [estimator(spec) for spec in ("mean", "std", "median", "max", "iqr", "mad",
                                          "trimmed_mean(proportion=0.1)", "skewness")]  # fmt: skip
    for name in ("normal", "bernoulli(p=0.01)", "t(df=3)", "cauchy", "lognormal(s=2)"):
        for kind in kinds:
            for n in (1, 2, 3, 16):
                if n >= kind.smallest_batch:
                    with np.errstate(all="ignore"):
                        reach = bins._reach_of_law(kind, n, distribution(name))
                    assert reach is None or reach.low < reach.high


def test_a_lattice_has_no_values_between_its_own():
    """Two coins of 0.3: a variance of 0 in 58 % of pairs, of 1/2 in all others; means 0, 1/2, 1.

    Enumerated: 0.49 + 0.09 = 0.58. Nothing is said of -1.1 or 3.4 times.
    """
    coins = sn.sweep("bernoulli(p=0.3)", estimators="mean,unbiased_variance,max", batch_sizes=[2],
                     full_size=64, replications=64)  # fmt: skip
    frame = main_rows(coins.frame)

    def row(spec):
        return ridges_of(frame, coins.curves, "bernoulli(p=0.3)", spec).rows[0]

    variance = row("unbiased_variance")
    assert variance.is_lattice
    assert variance.below(1.0) == pytest.approx(0.58)
    assert variance.quantile(0.5) == pytest.approx(0.0, abs=1e-12)
    assert variance.quantile(0.6) == pytest.approx(0.5 / 0.21)
    assert row("mean").below(0.5) == pytest.approx(0.49)
    assert row("mean").within(0.0, 0.5) == pytest.approx(0.91)
    said = sampling_distribution_finding(frame, coins.curves, "unbiased_variance")
    assert "all of the batches" in said
    assert "between 0 and 2.4 times" in said
    assert "58 % have one below it" in said
    said = sampling_distribution_finding(frame, coins.curves, "max")
    assert "all of the batches from bernoulli(p=0.3) have a maximum between 0 and 1" in said


@pytest.mark.parametrize(
    ("shares", "closed", "said"),
    [
        ([0.99, 0.004, 0.003, 0.003], (True, True), "99 % of the batches of the column x"),
        ([0.992, 0.004, 0.002, 0.002], (False, False), "over 99 % of the batches of the column x"),
        ([0.002, 0.002, 0.004, 0.992], (False, False), "have a mean above 3"),
    ],
)
def test_where_most_are_in_one_bin_this_is_said(shares, closed, said):
    """No middle part is inside the histogram: the largest bin is told, never an empty sentence."""
    share, none = np.array(shares), np.full(4, np.nan)
    line = (np.zeros(0), np.zeros(0))
    row = Ridge(2, np.arange(5.0), share, none, line, "", np.nan, closed)
    text = _of_one(Ridges("x", "mean", (row,), 0.5, 1.0), of_data=True)
    assert said in text
    assert text.endswith(".")


def test_curves_are_a_function_of_design_and_source(whole):
    """Made again from the design alone, they are those of the run, bit for bit."""
    source = sources(whole.design)[1]
    again = histogram_curves(whole.design, source)
    rows = points_of(whole)
    rows = rows[rows["distribution"] == source.distribution]
    for name in ("x", "y", "mcse", "theory"):
        np.testing.assert_array_equal(again[name], rows[name])
