"""The study of normalized inputs: by hand, by enumeration, by brute force, by theory."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit
from sklearn.preprocessing import MinMaxScaler, RobustScaler

import simnorm as sn
from simnorm import api, engine, schedule, streams
from simnorm.columns import Column
from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.diagnostics import EXACT, OK, UNDEFINED, UNRELIABLE
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.sampling import batch_count, cut
from simnorm.studies import drawing, inputs
from simnorm.studies.inputs import batches as batches_of
from simnorm.studies.inputs import curves, expected, grid
from simnorm.studies.inputs.batches import Batches, FullSets, runs, sets_of_column
from simnorm.theory import normalized as theory

needs_numba = pytest.mark.skipif(compiled_kernels() is None, reason="needs numba")
BOTH = [pytest.param(True, marks=needs_numba), False]
PLAIN, OTHER = "epsilon=0;gamma=1;beta=0", "epsilon=0.1;gamma=1;beta=0"
# One chance in ten thousand that any of the independent questions is off by so much.
FALSE_ALARMS = 1e-4
# Far from zero, and yet exact: what is less by so much has the same outputs and scores.
FAR = 2.0**20


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Make blocks of 16 replications whatever N: small studies draw less, and have many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_DRAWS", 1)
        yield


def generator(seed=1):
    return np.random.Generator(np.random.PCG64DXSM(seed))


def table_of(rows=31):
    """Return a skewed column, one of few values, one far from zero, a coin, and a constant."""
    rng = generator()
    return {
        "skewed": rng.standard_exponential(rows),
        "few": rng.integers(0, 4, rows).astype(float),
        "far": FAR + np.round(3000.0 * rng.standard_normal(rows)) / 1024.0,
        "coin": (np.arange(rows) % 5 < 2).astype(float),
    }


def design_of(**other):
    given = {"study": "inputs", "epsilon": "0,0.1", "replications": 40}
    if "distributions" not in other:
        given |= {"data": table_of(), "batch_sizes": [1, 2, 3, 8, 31]}
    return Design.make(**(given | other))


def given_orders(monkeypatch, orders):
    """Let the study see these orders of rows, a replication each."""
    orders = np.asarray(orders, dtype=np.int32)
    monkeypatch.setattr(inputs, "drawn_lanes", lambda *_: len(orders))
    monkeypatch.setattr(inputs, "orders_of", lambda *_: iter([orders]))


def given_draws(monkeypatch, full_sets):
    """Let the study see these draws of a law, shape (lanes, N)."""
    monkeypatch.setattr(inputs, "drawn_lanes", lambda *_: len(full_sets))
    monkeypatch.setattr(inputs, "assembled", lambda *_: np.array(full_sets))


def numbers(design, number=0, *, compiled=True):
    """Return A and Q of a source's cells by column, size, quantity, factors and reference."""
    source = drawing.sources(design)[number]
    found = np.stack(inputs.block_errors(design, source, 0, compiled=compiled))
    return {key: found[:, at] for key, at in grid.places(design, source).items()}


def sidak(questions, replications):
    """Return the |z| that so many independent z all stay below, but for FALSE_ALARMS."""
    chance = (1.0 - (1.0 - FALSE_ALARMS) ** (1.0 / questions)) / 2.0
    return float(-stdtrit(replications - 1, chance))


# ---------------------------------------------------------------------------------------------
# By hand


def scaled(x, name, n, *, iqr_of_zero=math.inf):
    """Return the values of a scaler that was fitted to x, as functions of one's own would."""
    if name == grid.MIN_MAX:
        return lambda y: (y - x.min()) / (np.ptp(x) or math.inf)
    if name == grid.ROBUST:
        low, high = np.quantile(x, [0.25, 0.75])
        return lambda y: (y - np.median(x)) / (high - low or iqr_of_zero)
    return lambda y: np.array([((x < value).sum() + (x <= value).sum()) / (2.0 * n) for value in y])


def outputs_of(x, epsilon=0.0):
    if x.min() == x.max():
        return np.zeros(len(x))
    return (x - x.mean()) / math.sqrt(x.var() + epsilon)


def by_hand(key, batches, whole, other, mean, std, facts):
    """Return A and Q of a cell from the values of a replication's batches, as defined.

    `other` has the values of the full set that each batch might not have seen, `facts` variance
    and excess kurtosis of what is drawn, None where not all values are as likely.
    """
    _, n, name, factors, _ = key
    parts = dict(part.split("=") for part in factors.split(";") if part)
    epsilon, gamma, beta = (
        float(parts.get(k, v)) for k, v in (("epsilon", 0), ("gamma", 1), ("beta", 0))
    )
    out = [outputs_of(x, epsilon) for x in batches]
    plain = np.array([outputs_of(x) for x in batches])
    z = [(x - mean) / std for x in batches]
    worst = [np.abs(a - b).max() for a, b in zip(plain, z, strict=True)]
    share = np.mean([np.ptp(x) > 0.0 for x in batches])
    if name in grid.SCALERS:
        fitted = scaled(whole, name, len(whole))
        unit = fitted(whole).std()
        errors = np.array([scaled(x, name, n)(x) - fitted(x) for x in batches]) / unit
        return errors.mean(), (errors**2).mean()
    errors = np.array([gamma * a + beta - b for a, b in zip(out, z, strict=True)])
    p = np.mean([(a * a).mean() for a in out])
    c = np.mean([(a * b).mean() for a, b in zip(out, z, strict=True)])
    square = np.mean([(b * b).mean() for b in z])
    if facts is not None and n > 1:
        e = epsilon / facts[0]
        slope = (1.0 + 2.0 * e) / (2.0 * (1.0 + e) ** 1.5)
        c = c - slope / (1.0 + (facts[1] + 2.0) / (2.0 * n)) * (square - 1.0)
    identity = gamma**2 * p + beta**2 + 1.0 - 2.0 * gamma * c
    if facts is None:
        identity += square - 1.0 - 2.0 * beta * np.mean(z)
    unseen = [np.mean((o < x.min()) | (o > x.max())) for x, o in zip(batches, other, strict=True)
              if len(o)]  # fmt: skip
    return {
        grid.NORMALIZED: (beta - np.mean(z), identity),
        grid.DIRECT: (errors.mean(), (errors**2).mean()),
        # A correlation of those values that are there, where not all are as likely.
        grid.CORRELATION: (c, p if facts is not None else p * np.var(z)),
        grid.BEST_GAMMA: (c, p),
        grid.WORST_IN_BATCH: (np.mean(worst), 0.0),
        grid.WORST_IN_EPOCH: (max(worst), 0.0),
        grid.SKEWNESS: ((plain**3).mean(), share),
        grid.KURTOSIS: ((plain**4).mean() - 3.0 * share, share),
        grid.CONSTANT: (1.0 - share, 0.0),
        grid.UNSEEN: (np.mean(unseen) if unseen else math.nan, 0.0),
    }[name]


SCHEMES = ["shuffle", "replacement", "sequential", "grouped:few"]


@pytest.mark.parametrize("compiled", BOTH)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_number_of_rows_is_what_its_definition_says(scheme, compiled, monkeypatch):
    """All quantities, columns and sizes, with ties, a dropped tail and batches of N or more."""
    sizes = [1, 2, 3, 5, 8, 30, 31] + [40] * (scheme == "replacement")
    design = design_of(
        sampling=scheme, epsilon="0.1,0", gamma="1.5,1", beta="0.2,0", batch_sizes=sizes
    )
    for n in sizes:
        width = batch_count(31, n) * n if scheme == "replacement" else 31
        orders = [generator(s).permutation(31)[:width] for s in range(3)]
        if scheme == "replacement":
            orders = [generator(s).integers(0, 31, width) for s in range(3)]
        given_orders(monkeypatch, orders)
        one = design_of(
            sampling=scheme, epsilon=design.epsilon, gamma=design.gamma, beta=design.beta,
            batch_sizes=[n],
        )  # fmt: skip
        found = numbers(one, compiled=compiled)
        for lane, order in enumerate(orders):
            _compare_lane(found, lane, order, n, scheme)


def _compare_lane(found, lane, order, n, scheme):
    for name, x in table_of().items():
        x = x - FAR if name == "far" else x
        rows = cut(np.asarray(order), n)
        other = [x if scheme == "replacement" else np.delete(x, row) for row in rows]
        kurtosis = ((x - x.mean()) ** 4).mean() / x.var() ** 2 - 3.0
        facts = (x.var(), kurtosis) if scheme in ("shuffle", "replacement") else None
        for key, (a, q) in found.items():
            if key[0] != name:
                continue
            expected_a, expected_q = by_hand(key, x[rows], x, other, x.mean(), x.std(), facts)
            assert a[lane] == pytest.approx(expected_a, abs=1e-10, nan_ok=True), key
            assert q[lane] == pytest.approx(expected_q, rel=1e-9, abs=1e-10), key


@pytest.mark.parametrize("compiled", BOTH)
@pytest.mark.parametrize("scheme", ["shuffle", "replacement", "iid"])
@pytest.mark.parametrize("spec", ["exponential(loc=3,scale=2)", "poisson(mu=3)"])
def test_every_number_of_draws_is_what_its_definition_says(spec, scheme, compiled, monkeypatch):
    """Against the full set and the population; with ties, and sizes that do not divide N."""
    law, rng = distribution(spec), generator(3)
    full_sets = np.empty((3, 24))
    law.fill(rng, full_sets)
    given_draws(monkeypatch, full_sets)
    design = design_of(
        distributions=[spec], sampling=scheme, full_size=24, batch_sizes=[1, 2, 5, 8, 24],
        gamma="0.8,1", beta="-0.1,0", epsilon="0.5,0",
    )  # fmt: skip
    found = numbers(design, compiled=compiled)
    for key, (a, q) in found.items():
        n, reference = key[1], key[4]
        for lane, whole in enumerate(full_sets):
            rows = cut(np.arange(24), n)
            if scheme == "replacement":
                # Three lanes of as many numbers as a whole block has in its first three.
                again = drawing.drawn_again(design, drawing.sources(design)[0], 0, n, 3)
                rows = cut(again[lane], n)
            other = [whole if scheme == "replacement" else np.delete(whole, row) for row in rows]
            mean, std = whole.mean(), whole.std()
            if reference == "population":
                mean, std = law.mean, law.std
            facts = law.variance, law.excess_kurtosis
            expected_a, expected_q = by_hand(key, whole[rows], whole, other, mean, std, facts)
            assert a[lane] == pytest.approx(expected_a, abs=1e-11, nan_ok=True), key
            assert q[lane] == pytest.approx(expected_q, abs=1e-11), key


def test_four_values_in_pairs_by_all_their_orders(monkeypatch):
    """2 (1 - E s/S) for 0, 1, 5, 7 in batches of two: |differences|/2 over sqrt(8.1875)."""
    x = np.array([0.0, 1.0, 5.0, 7.0])
    given_orders(monkeypatch, list(itertools.permutations(range(4))))
    found = numbers(design_of(data={"x": x}, epsilon=[0.0], batch_sizes=[2]))
    ratio = np.mean([1, 5, 7, 4, 6, 2]) / 2.0 / math.sqrt(8.1875)
    for name in (grid.NORMALIZED, grid.DIRECT):
        _, q = found["x", 2, name, PLAIN, "full_set"]
        assert q.mean() == pytest.approx(2.0 * (1.0 - ratio), abs=1e-14)
    a, q = found["x", 2, grid.CORRELATION, "", "full_set"]
    assert a.mean() / math.sqrt(q.mean()) == pytest.approx(ratio, abs=1e-14)
    a, _ = found["x", 2, grid.UNSEEN, "", ""]
    assert a.mean() == pytest.approx(2.0 / 3.0, abs=1e-14)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("values", [(0.0, 1.0, 5.0, 7.0, 30.0), (0.0, 0.0, 0.0, 1.0, 1.0)])
@pytest.mark.parametrize("settings", [(0.0, 1.0, 0.0), (2.0, 0.7, 0.4), (0.5, -1.0, -0.3)])
def test_the_control_variate_has_no_bias_shuffled(n, values, settings, monkeypatch):
    """Over all 120 orders of five rows with a tail: the same mean as value by value, and theory."""
    epsilon, gamma, beta = settings
    design = design_of(
        data={"x": np.array(values)}, batch_sizes=[n], epsilon=epsilon, gamma=gamma, beta=beta,
        exact=True,
    )  # fmt: skip
    given_orders(monkeypatch, list(itertools.permutations(range(5))))
    found = numbers(design)
    (key,) = (k for k in found if k[2] == grid.NORMALIZED)
    (other,) = (k for k in found if k[2] == grid.DIRECT)
    known = expected.known_of(design, drawing.sources(design)[0])
    (cell,) = (c for c in inputs.cells(design, drawing.sources(design)[0])
               if c.quantity == grid.NORMALIZED)  # fmt: skip
    theoretical = known(cell).theory["mse"]
    assert theoretical.kind == "exact"
    assert found[key][1].mean() == pytest.approx(found[other][1].mean(), abs=1e-12)
    assert found[key][1].mean() == pytest.approx(theoretical, abs=1e-12)


def test_the_control_variate_has_no_bias_with_replacement(monkeypatch):
    """Over all 256 ways to draw four of four rows again, in batches of 2, 3 and 4."""
    orders = list(itertools.product(range(4), repeat=4))
    for n, epsilon in itertools.product((2, 3, 4), (0.0, 0.5)):
        design = design_of(
            data={"x": np.array([0.0, 1.0, 5.0, 7.0])}, sampling="replacement", batch_sizes=[n],
            epsilon=epsilon,
        )  # fmt: skip
        given_orders(monkeypatch, np.array(orders)[:, : 4 // n * n])
        found = numbers(design)
        by_name = {key[2]: q.mean() for key, (_, q) in found.items()}
        assert by_name[grid.NORMALIZED] == pytest.approx(by_name[grid.DIRECT], abs=1e-12)


@pytest.mark.parametrize("spec", ["normal", "t(df=3)", "bernoulli(p=0.3)", "lognormal(s=2)"])
def test_the_identity_holds_in_every_replication(spec):
    """Where n divides N, against the full set: value by value the same to 1e-12."""
    for epsilon, gamma, beta in [(0.0, 1.0, 0.0), (0.3, 0.5, -2.0)]:
        design = design_of(
            distributions=[spec], full_size=128, batch_sizes=[1, 2, 8, 64, 128],
            epsilon=epsilon, gamma=gamma, beta=beta,
        )  # fmt: skip
        found = numbers(design)
        for (_, n, name, _, reference), (_, q) in found.items():
            if name == grid.DIRECT and reference == "full_set":
                key = next(k for k in found if k[1:3] == (n, grid.NORMALIZED)
                           and k[4] == reference)  # fmt: skip
                assert np.abs(found[key][1] - q).max() <= 1e-12 * (1.0 + beta**2)


def test_a_batch_of_one_has_a_root_mean_squared_error_of_one():
    """For laws and data, whatever epsilon and gamma; of sqrt(1 + beta^2) with a beta."""
    design = design_of(
        distributions=["normal", "cauchy"], full_size=64, batch_sizes=[1], gamma="1,3",
        beta="0,0.75", replications=50,
    )  # fmt: skip
    for one in (design, design_of(batch_sizes=[1], gamma="1,3", beta="0,0.75")):
        frame = api.run(one).frame
        rows = frame[(frame["estimator"] == grid.NORMALIZED) & (frame["measure"] == "rmse")]
        rows = rows[rows["status"] != UNDEFINED]
        assert set(rows["status"]) == {EXACT}
        assert len(rows) >= 24
        for beta, value in (("0", 1.0), ("0.75", 1.25)):
            found = rows.loc[rows["beta"] == beta]
            assert (found["estimate"] == value).all()
            assert (found["theory"] == value).all()


def batches_from(values, n, *, compiled=True):
    """Return the batches of n of one full set in its order."""
    column = Column("x", np.asarray(values, dtype=float))
    places = np.sort(cut(batches_of.places_of_column(column), n), axis=-1)[np.newaxis]
    return Batches(sets_of_column(column), places, compiled=compiled)


def test_two_values_come_out_as_minus_one_and_one():
    """Exactly, also of pairs that are 10^-200 apart, next to the smallest doubles, or huge."""
    for values in ([1e-200, 2e-200, 1.0, 3.0], [5.0, 5.0 + 2**-50, 1.0, 3.0], [1e140, 3e140, 0, 1]):
        out = batches_from(values, 2).outputs()
        assert np.array_equal(out, [[[-1.0, 1.0], [-1.0, 1.0]]]), values
    assert np.array_equal(batches_from([4.0, 4.0, 1.0, 3.0], 2).outputs()[0, 0], [0.0, 0.0])


@pytest.mark.parametrize("n", [3, 5, 17, 100])
def test_no_output_exceeds_the_bound(n):
    """sqrt(n - 1) in size, reached by one value apart from equal others; in bins all the same."""
    rng = generator(n)
    draws = [
        rng.standard_cauchy(20 * n),
        np.arange(20.0 * n) % n == 0,
        rng.normal(size=20 * n) ** 9,
    ]
    for values in draws:
        batches = batches_from(values, n)
        out = batches.outputs()
        assert np.abs(out).max() <= math.sqrt(n - 1.0) * (1.0 + 1e-12)
        counts = batches.count_outputs(grid.output_bins(n), closed=grid.holds_all(n))
        inside = np.abs(out) < grid.WIDEST_OUTPUT
        assert counts.sum() == (20 * n if grid.holds_all(n) else inside.sum())
    assert np.abs(batches_from(draws[1], n).outputs()).max() == pytest.approx(math.sqrt(n - 1.0))


def test_a_rare_coin_needs_the_share_of_batches_with_a_spread():
    """bernoulli(p=0.03), n = 8: 0.350 by theory; value by value within 5 errors; 1.134 without."""
    design = design_of(
        distributions=["bernoulli(p=0.03)"], full_size=1024, batch_sizes=[8], epsilon=0.0,
        replications=1000,
    )  # fmt: skip
    frame = api.run(design).frame
    rows = frame[(frame["measure"] == "mse") & (frame["reference"] == "population")]
    rows = rows.set_index("estimator")
    assert rows.loc[grid.NORMALIZED, "theory"] == pytest.approx(0.350, abs=5e-4)
    assert (rows.loc[[grid.NORMALIZED, grid.DIRECT], "z"].abs() < 5).all()
    assert rows.loc[grid.NORMALIZED, "mcse"] < rows.loc[grid.DIRECT, "mcse"]
    law = distribution("bernoulli(p=0.03)")
    uncorrected = 2.0 * (1.0 - theory.scale_ratio(law, 8))
    assert uncorrected == pytest.approx(1.134, abs=1e-3)
    row = rows.loc[grid.DIRECT]
    assert abs(row["estimate"] - uncorrected) > 5 * row["mcse"]


def test_gamma_and_beta_enter_by_their_algebra():
    """Every combination from P and C of best_gamma's cells: gamma^2 P + beta^2 + 1 - 2 gamma C."""
    design = design_of(
        distributions=["laplace"], full_size=64, batch_sizes=[1, 4, 5], epsilon="0.2,0",
        gamma="0,1,-2", beta="0,3",
    )  # fmt: skip
    found = numbers(design)
    for key in found:
        if key[2] != grid.NORMALIZED or "epsilon=0.2;" not in key[3]:
            continue
        _, gamma, beta = (float(part.split("=")[1]) for part in key[3].split(";"))
        c, p = found["", key[1], grid.BEST_GAMMA, "epsilon=0.2", key[4]]
        q = gamma**2 * p + beta**2 + 1.0 - 2.0 * gamma * c
        assert found[key][1] == pytest.approx(q, abs=1e-13)


def test_a_large_epsilon_leaves_nothing_and_a_small_one_everything():
    """sd 1e-3 under epsilon = 1e6: outputs 0, error 1; under 1e-30 as without an epsilon."""
    data = {"x": 1e-3 * generator().standard_normal(64)}
    found = numbers(design_of(data=data, epsilon="1e6,1e-30,0", batch_sizes=[8]))
    q = {key[3]: q for key, (_, q) in found.items() if key[2] == grid.NORMALIZED}
    assert np.abs(q["epsilon=1000000;gamma=1;beta=0"] - 1.0).max() < 3e-6
    assert np.abs(q["epsilon=1e-30;gamma=1;beta=0"] - q[PLAIN]).max() < 1e-12


def test_units_do_not_matter_but_for_epsilon():
    """Data 2^40, 2^-400 or 2^400 their size, with epsilon of that squared size: the same bits."""
    base = numbers(design_of(epsilon="0,0.25"))
    for power in (40, -400, 400):
        data = {name: np.ldexp(x, power) for name, x in table_of().items()}
        other = numbers(design_of(data=data, epsilon=[0.0, math.ldexp(0.25, 2 * power)]))
        for (key, value), found in zip(base.items(), other.values(), strict=True):
            assert np.array_equal(value, found, equal_nan=True), (power, key)


def test_values_far_from_zero_keep_their_digits():
    """10^9 with sd 1: as the same column moved to zero, to 1e-6."""
    x = np.round(generator(5).standard_normal(60) * 2**20) / 2**20
    near = numbers(design_of(data={"x": x}, batch_sizes=[2, 7, 60]))
    far = numbers(design_of(data={"x": x + 2.0**30}, batch_sizes=[2, 7, 60]))
    for key, value in near.items():
        assert far[key] == pytest.approx(value, abs=1e-6, nan_ok=True), key


# ---------------------------------------------------------------------------------------------
# Other scalers


@pytest.mark.parametrize("compiled", BOTH)
@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_scalers_are_those_of_scikit_learn(n, compiled):
    """MinMaxScaler and RobustScaler, fitted to every batch and to the full set."""
    x = np.round(generator(7).standard_exponential(32), 1)
    x[16:20] = x[16]
    batches = batches_from(x, n, compiled=compiled)
    for scaler, found in ((MinMaxScaler, batches.min_max()), (RobustScaler, batches.robust())):
        whole = scaler().fit_transform(x[:, np.newaxis])[:, 0]
        errors = []
        for i in range(0, 32 // n * n, n):
            part = x[i : i + n, np.newaxis]
            own = scaler().fit_transform(part)[:, 0]
            if scaler is RobustScaler and not np.ptp(np.quantile(part, [0.25, 0.75])):
                # It divides by 1 there, whatever the unit; here the value is 0.
                own = np.zeros(n)
            errors.append((own - whole[i : i + n]) / whole.std())
        a, q = found
        assert a[0] == pytest.approx(np.mean(errors), abs=1e-12)
        assert q[0] == pytest.approx(np.mean(np.square(errors)), abs=1e-12)


@pytest.mark.parametrize("spec", ["normal", "cauchy", "pareto(b=0.5)"])
def test_no_range_of_other_values_depends_on_the_law(spec):
    """2/(n + 1) of all other values lie outside a batch's ends, for every continuous law."""
    design = design_of(distributions=[spec], full_size=512, batch_sizes=[1, 2, 7, 64, 511],
                       replications=400)  # fmt: skip
    frame = api.run(design).frame
    rows = frame[frame["estimator"] == grid.UNSEEN].set_index("batch_size")
    assert rows["theory"].to_numpy() == pytest.approx([1.0, 2 / 3, 0.25, 2 / 65, 2 / 512])
    assert (rows["z"].dropna().abs() < sidak(4, 400)).all()


@pytest.mark.parametrize("scheme", ["shuffle", "replacement"])
def test_unseen_shares_with_ties_by_all_batches(scheme, monkeypatch):
    """Against theory over all orders of six rows of three values."""
    x = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 4.0])
    for n in (1, 2, 3):
        if scheme == "shuffle":
            orders = list(itertools.permutations(range(6)))
        else:
            orders = list(itertools.product(range(6), repeat=n))
        given_orders(monkeypatch, orders)
        design = design_of(data={"x": x}, sampling=scheme, batch_sizes=[n])
        a, _ = numbers(design)["x", n, grid.UNSEEN, "", ""]
        known = theory.unseen_share_of_column(Column("x", x), n, scheme)
        assert a.mean() == pytest.approx(known, abs=1e-12)


def test_runs_of_equal_values():
    """Where they begin and end, along the last axis, by counting."""
    values = np.sort(generator(2).integers(0, 5, (3, 4, 9)).astype(float), axis=-1)
    starts, ends = runs(values)
    for at in np.ndindex(3, 4):
        row = values[at]
        assert starts[at].tolist() == [(row < x).sum() for x in row]
        assert ends[at].tolist() == [(row <= x).sum() for x in row]


# ---------------------------------------------------------------------------------------------
# The same bits


def cell_bits(design, **options):
    """Return the bits of every cell, and of every point of a curve, by its name."""
    found = {}
    for source, sums in engine.run(design, **options).items():
        tally = sums.tally
        parts = dict(enumerate(inputs.cells(design, source)))
        for part in grid.behind(design, source):
            for name, where in (("output", part.outputs), ("value", part.by_value)):
                for i, at in enumerate(range(where.start, where.stop)):
                    parts[at] = (part.column, part.batch_size, name, i)
        for at, cell in parts.items():
            kept = sums.kept[:, at].tobytes() if at < sums.kept.shape[1] else b""
            found[source.distribution, source.sampling, cell] = (
                tally.count, tally.mean[:, at].tobytes(), tally.scatter[:, at].tobytes(), kept,
            )  # fmt: skip
    return found


LAWS = {"distributions": ["exponential", "poisson"], "sampling": "shuffle,replacement,iid",
        "full_size": 60, "batch_sizes": [2, 3, 60], "replications": 16 * 5 + 3}  # fmt: skip
ROWS = {"sampling": SCHEMES, "batch_sizes": [2, 3, 31], "replications": 16 * 5 + 3}


@pytest.mark.parametrize("given", [LAWS, ROWS], ids=["laws", "rows"])
def test_the_bits_do_not_depend_on_workers_or_tasks(given, monkeypatch):
    """One, two or five threads, tasks of one block or of several."""
    design = design_of(**given)
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    base = cell_bits(design, workers=1)
    assert cell_bits(design, workers=2) == base
    monkeypatch.setattr(schedule, "task_level", lambda *_: 2)
    assert cell_bits(design, workers=5) == base


@pytest.mark.parametrize("given", [LAWS, ROWS], ids=["laws", "rows"])
@pytest.mark.parametrize(
    "more",
    [
        {"batch_sizes": [1, 2, 3, 4, 6, 12, 31]},
        {"epsilon": "0,0.1,0.5,3"},
        {"epsilon": "0,0.5,0.1", "gamma": "1,2", "beta": "0,1"},
    ],
)
def test_an_extension_changes_no_number_that_was_there(given, more):
    """More sizes, epsilons, gammas and betas; the curves may be drawn for other sizes."""
    if "full_size" in given and "batch_sizes" in more:
        more = {"batch_sizes": [1, *more["batch_sizes"], 60]}
    base, other = cell_bits(design_of(**given)), cell_bits(design_of(**(given | more)))
    shared = {k: v for k, v in base.items() if k in other}
    assert {k: other[k] for k in shared} == shared
    cells = {k for k in base if isinstance(k[2], inputs.grid.Cell)}
    assert cells <= set(shared)


def test_more_replications_begin_with_the_fewer():
    """The kept A and Q of 40 replications are the first of those of 90, columns keep theirs."""
    few, many = (engine.run(design_of(**(LAWS | {"replications": R}))) for R in (40, 90))
    for source, sums in few.items():
        assert np.array_equal(sums.kept, many[source].kept[..., :40], equal_nan=True)
    base = cell_bits(design_of(**ROWS))
    part = cell_bits(design_of(**(ROWS | {"columns": "coin,far"})))
    keyed = {(k[1], k[2]): v for k, v in base.items() if isinstance(k[2], grid.Cell)}
    assert all(keyed[k[1], k[2]] == v for k, v in part.items() if isinstance(k[2], grid.Cell))


@needs_numba
@pytest.mark.parametrize("spec", [*DISTRIBUTIONS])
def test_both_paths_agree_for_every_law(spec):
    """Compiled loops and numpy, to 1e-9 of each cell's size, bins but for what lies on an edge."""
    design = design_of(distributions=[spec], full_size=200, batch_sizes=[1, 2, 7, 64, 200])
    source = drawing.sources(design)[0]
    fast, plain = (
        np.stack(inputs.block_errors(design, source, 0, compiled=way))[..., :300]
        for way in (True, False)
    )
    cells = len(inputs.cells(design, source))
    assert (np.isnan(fast) == np.isnan(plain)).all()
    a, b = fast[:, :cells], plain[:, :cells]
    size = np.nanmax(np.abs(b), axis=-1, keepdims=True, initial=1e-3)
    assert np.nanmax(np.abs(a - b) / size, initial=0.0) <= 1e-9
    moved = np.abs(fast[0, cells:] - plain[0, cells:]) > 1e-9
    if distribution(spec).largest_atom == 0.0:
        assert moved.mean() < 1e-3


def test_a_law_is_drawn_as_the_sweep_draws_it():
    """The sd of the batches and full sets of a sweep's replay give the same C and P."""
    from simnorm.studies import sweep

    for scheme in ("shuffle", "replacement"):
        design = design_of(distributions=["laplace"], sampling=scheme, full_size=96,
                           batch_sizes=[8, 7], replications=20, epsilon=0.0)  # fmt: skip
        source = drawing.sources(design)[0]
        found = numbers(design)
        for n, r in itertools.product((8, 7), (0, 5)):
            batches, whole = sweep.batches_of(design, source, r, n)
            a, q = found["", n, grid.DIRECT, PLAIN, "full_set"]
            z = (batches[0] - whole.mean()) / whole.std()
            errors = np.array([outputs_of(x) for x in batches[0]]) - z
            assert q[r] == pytest.approx((errors**2).mean(), abs=1e-12)
            assert a[r] == pytest.approx(errors.mean(), abs=1e-12)


# ---------------------------------------------------------------------------------------------
# Rows of the table


@pytest.fixture(scope="module")
def normal_rows():
    """Laws with exact theory under all schemes, and data."""
    laws = ["normal", "exponential", "bernoulli(p=0.3)", "rectified_normal"]
    design = Design.make(
        laws, study="inputs", full_size=1024, sampling="shuffle,iid,replacement",
        batch_sizes="1:1024:x4,3,100", gamma="1,0.5", beta="0,0.3", epsilon="0,0.01",
    )  # fmt: skip
    data = Design.make(
        data=table_of(300), study="inputs", sampling="shuffle,replacement",
        batch_sizes="1:256:x2,3,299,300",
    )  # fmt: skip
    return pd.concat([api.run(design).frame, api.run(data).frame], ignore_index=True)


def independent(frame):
    """Return the rows of questions that are not the same as another's."""
    asked = frame[(frame["theory_kind"] == "exact") & (frame["status"] == OK)]
    return asked[asked["measure"] != "rmse"]


def test_rows_with_exact_theory_are_as_far_off_as_chance_allows(normal_rows):
    """All exact rows below the Sidak bound at 1e-4; all quantities with theory are among them."""
    asked = independent(normal_rows)
    assert len(asked) > 600
    assert asked["z"].abs().max() < sidak(len(asked), 256)
    known = {*asked["estimator"]}
    assert known == {
        grid.NORMALIZED, grid.DIRECT, grid.CORRELATION, grid.BEST_GAMMA, grid.SKEWNESS,
        grid.KURTOSIS, grid.CONSTANT, grid.UNSEEN,
    }  # fmt: skip


def test_exact_rows_are_at_their_theory(normal_rows):
    """Where status and theory are exact both, estimate and theory are one number."""
    rows = normal_rows[(normal_rows["status"] == EXACT) & (normal_rows["theory_kind"] == "exact")]
    assert len(rows) > 150
    assert rows["estimate"].to_numpy() == pytest.approx(rows["theory"].to_numpy(), abs=1e-7)
    assert (rows["mcse"] == 0.0).all()


@pytest.mark.slow
def test_error_bars_are_honest_over_twenty_seeds():
    """The default laws, twenty seeds: rms z in 0.9 to 1.1, none beyond the Sidak bound."""
    frames = [
        api.run(Design.make(study="inputs", seed=seed, full_size=4096)).frame for seed in range(20)
    ]
    asked = independent(pd.concat(frames))
    assert len(asked) > 4000
    assert 0.9 < np.sqrt((asked["z"] ** 2).mean()) < 1.1
    assert asked["z"].abs().max() < sidak(len(asked), 256)


def largest_z(design):
    rows = independent(api.run(design).frame)
    return rows["z"].abs().max(), sidak(len(rows), design.replications)


@pytest.mark.parametrize("fault", ["ddof", "sigma", "chance", "sample"])
def test_a_fault_is_noticed(fault, monkeypatch):
    """Divisor n - 1; sigma for S; no P(s > 0); batches that are no random sample.

    Each takes rows beyond the bound that they stay below without the fault.
    """
    design = design_of(
        distributions=["normal", "bernoulli(p=0.2)"], full_size=66, batch_sizes=[4, 8],
        replications=2000, epsilon=0.0,
    )  # fmt: skip
    z, bound = largest_z(design)
    assert z < bound
    if fault == "ddof":
        own = Batches._moments

        def unbiased(self):
            means, stds = own(self)
            return means, stds * math.sqrt(self.size / (self.size - 1.0))

        monkeypatch.setattr(Batches, "_moments", unbiased)
    if fault == "sigma":
        sets = batches_of.sets_of_law

        def by_population(*args, **kwargs):
            found, places = sets(*args, **kwargs)
            stds = np.broadcast_to(found.stds[1:], found.stds.shape)
            return found._replace(stds=stds), places

        monkeypatch.setattr(inputs, "sets_of_law", by_population)
    if fault == "chance":
        mse = theory.normalized_mse
        one = theory.Value(1.0, "exact")
        monkeypatch.setattr(theory, "normalized_mse", lambda *a: mse(a[0], one, *a[2:]))
    if fault == "sample":
        draw = inputs.assembled

        def partly_sorted(*args):
            found = draw(*args)
            found[:, :8].sort(axis=-1)
            return found

        monkeypatch.setattr(inputs, "assembled", partly_sorted)
    z, bound = largest_z(design)
    assert z > bound


def test_file_order_drops_the_tail():
    """31 rows in batches of 4 are the first 28: as by numpy, and not as with the tail."""
    x = table_of()["skewed"]
    frame = api.run(design_of(sampling="sequential", batch_sizes=[4], epsilon=0.0)).frame
    frame = frame[(frame["column"] == "skewed") & (frame["measure"] == "mse")]
    found = frame.set_index("estimator")["estimate"]
    z = (x - x.mean()) / x.std()
    errors = np.concatenate([outputs_of(x[i : i + 4]) for i in range(0, 28, 4)]) - z[:28]
    for name in (grid.NORMALIZED, grid.DIRECT):
        assert found[name] == pytest.approx((errors**2).mean(), abs=1e-12)
    with_tail = np.append(errors, outputs_of(x[28:]) - z[28:])
    assert abs((with_tail**2).mean() - found[grid.NORMALIZED]) > 1e-3
    assert set(frame["status"]) == {EXACT}
    assert set(frame["replications"]) == {1}


def statuses(design):
    frame = api.run(design).frame
    keys = ["distribution", "column", "estimator", "factors", "batch_size", "reference"]
    return frame.groupby(keys)[["status", "reason", "estimate"]].last()


def test_what_the_design_decides_is_exact_or_undefined():
    """Batches of one, of two and of N; no variance; quartiles that meet; a constant column."""
    laws = ["normal", "cauchy", "t(df=3)", "bernoulli(p=0.03)"]
    found = statuses(design_of(
        distributions=laws, full_size=256, batch_sizes=[1, 2, 4, 5, 6, 8, 9, 10, 256],
        replications=64, epsilon="0,0.1",
    ))  # fmt: skip

    def status(law, name, n, reference="full_set", factors=""):
        row = found.loc[(law, "", name, factors, n, reference)]
        return row["status"], row["estimate"]

    for law in ("normal", "t(df=3)"):
        assert status(law, grid.NORMALIZED, 256, factors=PLAIN) == (EXACT, 0.0)
        assert status(law, grid.NORMALIZED, 256, factors=OTHER)[0] != EXACT
        assert status(law, grid.NORMALIZED, 256, "population", PLAIN)[0] != EXACT
        assert status(law, grid.CORRELATION, 1)[0] == UNDEFINED
        assert status(law, grid.WORST_IN_EPOCH, 256) == (EXACT, 0.0)
        assert status(law, grid.MIN_MAX, 256) == (EXACT, 0.0)
        assert status(law, grid.UNSEEN, 256, "")[0] == UNDEFINED
        assert status(law, grid.UNSEEN, 1, "") == (EXACT, 1.0)
        assert status(law, grid.QUANTILE, 1) == (EXACT, 1.0)
        assert status(law, grid.CONSTANT, 8, "") == (EXACT, 0.0)
        assert status(law, grid.SKEWNESS, 2, "") == (EXACT, 0.0)
        assert status(law, grid.KURTOSIS, 2, "") == (EXACT, -2.0)
        assert status(law, grid.ROBUST, 5)[0] == UNDEFINED
        assert status(law, grid.ROBUST, 6)[0] == status(law, grid.ROBUST, 9)[0] == UNRELIABLE
        assert status(law, grid.ROBUST, 4)[0] != UNDEFINED
    assert status("cauchy", grid.NORMALIZED, 8, "population", PLAIN)[0] == UNDEFINED
    assert status("cauchy", grid.NORMALIZED, 8, factors=PLAIN)[0] == OK
    assert status("cauchy", grid.WORST_IN_BATCH, 8, "population")[0] == UNDEFINED
    assert status("t(df=3)", grid.DIRECT, 8, "population", PLAIN)[0] == UNRELIABLE
    assert status("t(df=3)", grid.NORMALIZED, 8, "population", PLAIN)[0] == OK
    assert status("bernoulli(p=0.03)", grid.ROBUST, 8)[0] == UNDEFINED
    assert status("bernoulli(p=0.03)", grid.CONSTANT, 8, "")[0] == OK


def test_columns_without_a_spread_have_no_rows_but_one():
    """A constant column: every batch is constant; nothing else is defined. Curves leave it out."""
    data = {"x": generator().standard_normal(32), "same": np.full(32, 0.1)}
    result = api.run(design_of(data=data, batch_sizes=[1, 2, 32], replications=50))
    rows = result.frame[result.frame["column"] == "same"].set_index(["estimator", "batch_size"])
    constant = rows.loc[grid.CONSTANT]
    assert (constant["estimate"] == 1.0).all()
    assert (constant["status"] == EXACT).all()
    assert set(rows.drop(index=grid.CONSTANT)["status"]) == {UNDEFINED}
    assert rows.drop(index=grid.CONSTANT)["estimate"].isna().all()
    drawn = result.curves[result.curves["kind"].isin(["output", "by_value", "gamma"])]
    assert set(drawn["column"]) == {"x"}


def test_groups_that_batches_never_leave_are_exact():
    """Groups of 4 and 8 rows: batches of 4 are the same in every order, those of 5 are not."""
    x = generator(9).standard_normal(20)
    data = {"x": x, "g": np.repeat([0, 1, 2], [4, 8, 8])}
    found = statuses(design_of(data=data, sampling="grouped:g", batch_sizes=[1, 4, 5, 20]))
    by_size = found["status"].groupby("batch_size").agg(set)
    assert by_size[4] == {EXACT}
    assert EXACT not in by_size[5] - {EXACT} | {OK}
    assert by_size[20] == {EXACT, UNDEFINED}


def test_the_table_has_every_cell_once():
    """Keys are unique, factors a column each, quantities in their order."""
    result = api.run(design_of(gamma="1,2", replications=16))
    frame = result.frame
    key = ["column", "sampling", "estimator", "batch_size", "factors", "reference", "measure"]
    assert not frame.duplicated(key).any()
    assert {"epsilon", "gamma", "beta"} <= set(frame.columns)
    source = drawing.sources(result.design)[0]
    assert inputs.cell_count(result.design) == len(inputs.cells(result.design, source))
    assert set(frame["study"]) == {"inputs"}
    assert inputs.may_fail(result.design, source) is None
    assert inputs.draws(result.design, source) == 31


# ---------------------------------------------------------------------------------------------
# Curves


@pytest.fixture(scope="module")
def normal():
    return api.run(Design.make(
        ["normal"], study="inputs", full_size=1024, batch_sizes="1:1024:x2,3", epsilon="0.01,0",
    ))  # fmt: skip


def points(result, kind):
    found = result.curves[result.curves["kind"] == kind]
    return dict(iter(found.groupby("batch_size")))


def test_densities_of_outputs_are_whole_and_at_their_theory(normal):
    """Sum 1 where all outputs have a bin; every bin within the Sidak bound of the exact value."""
    found = points(normal, "output")
    assert tuple(found) == grid.shown_sizes(normal.design.batch_sizes)
    everything = pd.concat(found.values())
    z = (everything["y"] - everything["theory"]) / everything["mcse"]
    asked = everything["mcse"] > 0.0
    assert z[asked].abs().max() < sidak(asked.sum(), 256)
    assert asked.sum() > 190
    assert (everything["y"] - everything["theory"])[~asked].abs().max() < 1e-4
    for n, rows in found.items():
        width = np.diff(rows["x"])[0]
        share = 1.0 if grid.holds_all(n) else theory.output_share(-4.5, 4.5, n)
        assert rows["y"].sum() * width == pytest.approx(share, abs=1e-4)
        assert rows["theory"].sum() * width == pytest.approx(share, abs=1e-12)
    assert found[2]["y"].iloc[[0, -1]].sum() * np.diff(found[2]["x"])[0] == pytest.approx(1.0)


def test_errors_by_value_average_to_the_error(normal):
    """Weighted by the values in each bin, less what lies beyond the outermost."""
    sums = engine.run(normal.design)
    ((source, sums),) = sums.items()
    for part in grid.behind(normal.design, source):
        squares, share = sums.tally.mean[:, part.by_value]
        assert share.sum() == pytest.approx(0.998, abs=3e-3)
        place = grid.places(normal.design, source)[
            "", part.batch_size, grid.CORRELATION, "", "full_set"
        ]
        c, p = sums.tally.mean[:, place]
        assert squares.sum() < 1.0 + p - 2.0 * c + 1e-9
        assert squares.sum() > 0.9 * (1.0 + p - 2.0 * c) - 1e-9
    for n, rows in points(normal, "by_value").items():
        if n < 1024:
            # The share of the full set in a batch is taken off to first order only.
            room = sidak(150, 256) * rows["mcse"] + 0.03 * rows["theory"]
            assert ((rows["y"] - rows["theory"]).abs() < room).all(), n


def test_errors_by_value_are_exact_for_normal_draws():
    """iid, so that theory is exact: every bin within the Sidak bound."""
    result = api.run(Design.make(
        ["normal"], study="inputs", sampling="iid", full_size=1024, batch_sizes=[2, 5, 32],
        replications=1024,
    ))  # fmt: skip
    rows = pd.concat(points(result, "by_value").values())
    z = (rows["y"] - rows["theory"]) / rows["mcse"]
    assert len(rows) == 75
    assert z.abs().max() < sidak(75, 1024)
    assert set(rows["reference"]) == {"population"}


def test_the_curve_of_gamma_goes_through_the_table(normal):
    """At gamma = 1 it is the table's RMSE for the first epsilon, with its error; lowest at best."""
    frame = normal.frame[(normal.frame["reference"] == "full_set")]
    first = frame[frame["factors"] == "epsilon=0.01;gamma=1;beta=0"]
    first = first[(first["estimator"] == grid.NORMALIZED) & (first["measure"] == "rmse")]
    first = first.set_index("batch_size")
    best = frame[frame["estimator"] == grid.BEST_GAMMA].set_index("batch_size")["estimate"]
    for n, rows in points(normal, "gamma").items():
        at = rows[np.isclose(rows["x"], 1.0)].iloc[0]
        assert at["y"] == pytest.approx(first.loc[n, "estimate"], rel=1e-9)
        assert at["mcse"] == pytest.approx(first.loc[n, "mcse"], rel=1e-6)
        assert at["theory"] == pytest.approx(first.loc[n, "theory"], rel=1e-9)
        assert abs(rows["x"].iloc[rows["y"].argmin()] - best[n]) <= 0.05
        assert set(rows["factors"]) == {"epsilon=0.01;beta=0"}


def test_bins_hold_what_they_should():
    """Edges on no atom: n = 2 in the outermost bins, 0 in the middle; z of both ends of a coin."""
    bins = grid.output_bins(2)
    assert bins.edges[[0, -1]].tolist() == [-1.0, 1.0]
    assert bins.centres[20] == pytest.approx(0.0, abs=1e-15)
    coin = grid.law_bins(distribution("bernoulli"))
    assert coin.centres[[0, -1]] == pytest.approx([-1.0, 1.0])
    assert grid.law_bins(distribution("cauchy")) is None
    assert grid.law_bins(distribution("bernoulli(p=0.0001)")) is None
    assert abs(grid.law_bins(distribution("lognormal(s=2)")).centres[-1]) <= 8.0
    assert grid.column_bins(Column("x", np.full(4, 2.0))) is None


def test_one_replication_has_curves_without_errors():
    """File order: y is there, its error is not."""
    result = api.run(design_of(sampling="sequential", batch_sizes=[2, 8]))
    found = result.curves[result.curves["kind"].isin(["output", "by_value", "gamma"])]
    assert found["y"].notna().all()
    assert found["mcse"].isna().all()
    assert curves.GAMMAS[20] == 1.0


# ---------------------------------------------------------------------------------------------
# Memory


@pytest.mark.parametrize(
    ("given", "compiled"),
    [
        ({"distributions": ["normal"], "full_size": 1 << 14}, True),
        ({"distributions": ["normal"], "full_size": 1 << 14}, False),
        ({"distributions": ["normal"], "full_size": 100, "sampling": "replacement"}, True),
        ({"distributions": ["normal"], "full_size": 1 << 18}, True),
        ({"data": {f"c{i}": generator(i).normal(size=5000) for i in range(20)}}, False),
    ],
)
def test_no_more_memory_than_was_said(given, compiled, monkeypatch):
    """Peak of a block by tracemalloc, which sees numpy's arrays, below what is said for a run."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1 << 20)
    design = Design.make(study="inputs", batch_sizes=[1, 2, 64], replications=16, **given)
    source = drawing.sources(design)[0]
    inputs.block_errors(design, source, 0, compiled=compiled)
    tracemalloc.start()
    inputs.block_errors(design, source, 0, compiled=compiled)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = inputs.memory_needed(design, 1)
    assert peak < said
    assert said < 8 * peak + 50e6


def test_full_sets_of_a_law_may_be_constant():
    """Two tosses of a rare coin: where S is 0, z is 0, and theory says the same."""
    design = design_of(
        distributions=["bernoulli(p=0.1)"], full_size=4, batch_sizes=[1, 2, 4], epsilon="0,0.1",
        replications=4000,
    )  # fmt: skip
    rows = independent(api.run(design).frame)
    assert len(rows) > 10
    assert rows["z"].abs().max() < sidak(len(rows), 4000)
    assert FullSets._fields[:2] == ("rising", "starts")


def test_a_batch_that_is_the_full_set_has_no_error_whatever_the_law():
    """Of a coin too, whose full sets may all be equal; its outputs are its z-scores."""
    frame = sn.study(
        "inputs", "bernoulli(p=0.03)", batch_sizes=[64], full_size=64, replications=256, epsilon=[0]
    ).frame
    rows = frame[(frame["reference"] == "full_set") & (frame["batch_size"] == 64)]
    errors = rows[rows["estimator"].isin(["normalized_value", "normalized_value_direct"])]
    assert set(errors["status"]) == {"exact"}
    assert (errors["estimate"] == 0.0).all()
    correlation = rows[rows["estimator"] == "correlation"]
    assert correlation["theory"].to_list() == [pytest.approx(1.0, abs=1e-12)]
