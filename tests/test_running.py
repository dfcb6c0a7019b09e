"""The study running: streams, averages and errors by hand, by brute force and by theory."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit
from sklearn.preprocessing import StandardScaler

import simnorm as sn
from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.presets import Precise, average
from simnorm.quantities import split_factors
from simnorm.rows import choose_rows, shuffle_rows
from simnorm.streams import SLAB_DRAWS, block_stream, lanes_of
from simnorm.studies import drawing, running
from simnorm.studies.running import averages, batches, curves, expected, knowledge

EVERY_PRESET = [
    "keras3",
    "pytorch",
    "flax(momentum=0)",
    "cumulative",
    "cumulative(ddof=0)",
    "precise",
    "precise(ddof=1)",
]
DRIFTS = [0.0, 0.05, -0.2]
needs_numba = pytest.mark.skipif(compiled_kernels() is None, reason="needs numba")
either = pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_numba), False])


def table_of(rows=11):
    """Return a skewed column, one far from zero, a coin, a constant and the groups of rows."""
    rng = np.random.Generator(np.random.PCG64DXSM(3))
    return {
        "skewed": rng.standard_exponential(rows),
        "far": 1e6 + rng.standard_normal(rows),
        "coin": (np.arange(rows) % 3 == 0).astype(float),
        "constant": np.full(rows, 0.1),
        "group": np.arange(rows) * 4 // rows + 0.0,
    }


def design_of(given=None, **other):
    """Return a design of the study, small unless told."""
    settings = {"batch_sizes": [1, 2, 3, 5], "steps": 9, "replications": 2, "presets": EVERY_PRESET,
                "drift": DRIFTS, "study": "running", "sampling": "shuffle"}  # fmt: skip
    if isinstance(given, dict | pd.DataFrame):
        settings["data"] = given
    else:
        settings |= {"full_size": 11}
    names = given if isinstance(given, list | str) else None
    return Design.make(names, **(settings | other))


# ---------------------------------------------------------------------------------------------
# By hand


def brute(stream, kind, drift, references):
    """Return errors of one stream of batches, as the definition has it: in the data's unit.

    `references` are pairs of mean and standard deviation.
    """
    mean, variance = 0.0, 1.0
    moved = [batch + drift * t for t, batch in enumerate(stream, 1)]
    n, T = len(stream[0]), len(stream)
    for t, batch in enumerate(moved, 1):
        old = 1.0 - 1.0 / t if kind.momentum is None else kind.momentum
        mean = old * mean + (1.0 - old) * batch.mean()
        new = batch.var() * (n / (n - kind.ddof) if n > 1 or not kind.ddof else math.nan)
        variance = old * variance + (1.0 - old) * new
    if isinstance(kind, Precise):
        rows = np.concatenate(moved)
        mean, variance = rows.mean(), rows.var(ddof=int(kind.ddof)) if rows.size > 1 else math.nan
    found = []
    for at, sd in references:
        present, root = at + drift * T, math.sqrt(variance + kind.epsilon) or math.nan
        x = present + sd * np.array([-1.0, 1.0])  # any values with this mean and deviation
        away = (x - mean) / root - np.array([-1.0, 1.0])
        e, v = mean - present, variance - sd * sd
        found.append([(e, e * e), (v, v * v), (-away.mean() * -1.0, (away * away).mean())])
    return np.array(found)


def streams_of_rows(design, source, values, n, lane):
    """Return the batches of one lane of a column, from streams that are named here."""
    N, word, T = design.full_size, source.sampling.partition(":")[0], design.steps
    k = max(1, N // n)
    found = []
    for epoch in range(-(-T // k)):
        if word == "sequential":
            order = np.arange(N)
        elif word == "replacement":
            text = f"rows:epoch={epoch}" if epoch else "rows"
            rng = block_stream(design.seed, text, N, word, 0, n)
            order = choose_rows(rng, N, design.replications, k * n)[lane]
        elif word == "grouped":
            codes = design.dataset.group_codes("group")
            text = "rows:" + design.dataset.group_digest("group")
            rng = block_stream(design.seed, text, N, word, 0, epoch)
            groups = shuffle_rows(rng, design.replications, codes.max() + 1)[lane]
            order = np.concatenate([np.flatnonzero(codes == g) for g in groups])
        else:
            rng = block_stream(design.seed, "rows", N, word, 0, epoch)
            order = shuffle_rows(rng, design.replications, N)[lane]
        found += [values[order[i * n : (i + 1) * n]] for i in range(k)]
    return found[:T]


def streams_of_law(design, source, n, lane):
    """Return the batches of one lane of a law, and its full set, from streams named here."""
    law, N, word, T = (
        distribution(source.distribution), design.full_size, source.sampling, design.steps
    )  # fmt: skip
    text, lanes = source.distribution, lanes_of(N)
    if word == "iid":
        rng = block_stream(design.seed, text, N, word, 0, n)
        piece = np.empty((max(1, SLAB_DRAWS // (lanes * n)) * n, lanes))
        found = []
        while len(found) < T:
            law.fill(rng, piece)
            found += list(piece[:, lane].reshape(-1, n).copy())
        return found[:T], np.empty(0)
    rng = block_stream(design.seed, text, N, word, 0)
    whole = drawing.assembled(law, rng, N, lanes)[lane]
    k = max(1, N // n)
    found = []
    for epoch in range(-(-T // k)):
        order = np.arange(N)
        if word == "replacement":
            rng = block_stream(
                design.seed, f"{text}:epoch={epoch}" if epoch else text, N, word, 0, n
            )
            order = choose_rows(rng, N, lanes, k * n)[lane]
        elif epoch:
            rng = block_stream(design.seed, f"{text}:epochs", N, word, 0, epoch)
            order = shuffle_rows(rng, lanes, N)[lane]
        found += [whole[order[i * n : (i + 1) * n]] for i in range(k)]
    return found[:T], whole


def by_brute_force(design, source, lane):
    """Return A and Q of all cells of one lane, in their order."""
    found = {}
    for column in source.columns or ("",):
        for n in design.batch_sizes:
            if source.columns:
                values = design.dataset.values([column])[:, 0]
                stream = streams_of_rows(design, source, values, n, lane)
                pairs = [(values.mean(), values.std())]
                sd = values.std() if values.min() < values.max() else 0.0
                if not sd:
                    pairs = [(values[0], 0.0)]
            else:
                law = distribution(source.distribution)
                stream, whole = streams_of_law(design, source, n, lane)
                pairs = [(law.mean, law.std)]
                if whole.size:
                    pairs.insert(0, (whole.mean(), whole.std()))
                sd = law.std
            for preset, drift in itertools.product(design.presets, design.drift):
                errors = brute(stream, average(preset), drift * sd, pairs)
                for r, q in itertools.product(range(len(pairs)), range(3)):
                    found[column, q, n, preset, drift, r] = errors[r, q]
    order = itertools.product(
        source.columns or ("",), range(3), design.batch_sizes, design.presets, design.drift,
        range(len(drawing.references(source))),
    )  # fmt: skip
    return np.array([found[key] for key in order])


@either
@pytest.mark.parametrize("n", [1, 4, 7])
def test_all_quantities_are_those_of_the_definition_for_data(n, compiled):
    """Every scheme, preset, drift and column, several epochs, rows left over: batch by batch."""
    schemes = ["shuffle", "replacement", "sequential", "grouped:group"]
    design = design_of(table_of(), sampling=schemes, batch_sizes=[n, 2, 3], exclude="group")
    compare(design, compiled)


@either
@pytest.mark.parametrize("spec", ["exponential(scale=3,loc=20)", "bernoulli(p=0.3)", "t(df=5)"])
def test_all_quantities_are_those_of_the_definition_for_laws(spec, compiled):
    """Shuffled epochs, replacement and independent draws, full sets and population."""
    compare(design_of(spec, sampling=["shuffle", "replacement", "iid"]), compiled)


def compare(design, compiled):
    """Compare A and Q of every source and cell with those by brute force."""
    for source in drawing.sources(design):
        count = len(running.cells(design, source))
        found = np.stack(running.block_errors(design, source, 0, compiled=compiled))[:, :count]
        for lane in range(drawing.replications(design, source)):
            wanted = by_brute_force(design, source, lane)
            cells = running.cells(design, source)
            with np.errstate(invalid="ignore"):
                for i, cell in enumerate(cells):
                    if "far" in cell.column:  # doubles at 10^6 are 10^-10 apart
                        close = {"rel": 1e-4, "abs": 1e-7}
                    else:
                        close = {"rel": 1e-8, "abs": 1e-11}
                    for part in (0, 1):
                        here, there = found[part, i, lane], wanted[i, part]
                        if cell.quantity == "inference_value" and not math.isfinite(there):
                            assert not math.isfinite(here), cell  # 1/0
                        else:
                            assert here == pytest.approx(there, nan_ok=True, **close), cell


def frame_of(design, **options):
    """Return the rows of a run."""
    return sn.run(design, **options).frame


def test_one_batch_of_1_2_3_4_gives_what_the_frameworks_have():
    """Keras 3: 0.99 + 0.01 1.25; PyTorch: 0.9 + 0.1 5/3; less M2 = 1.25. Means: 0.025, 0.25."""
    data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    design = design_of(data, batch_sizes=[4], steps=1, drift=[0], sampling="sequential",
                       presets=["keras3", "pytorch", "cumulative", "precise"])  # fmt: skip
    rows = frame_of(design).query("measure == 'bias'").set_index(["estimator", "preset"])
    found = rows["estimate"]
    assert found["running_variance", "keras3"] + 1.25 == pytest.approx(1.0025, abs=1e-12)
    assert found["running_variance", "pytorch"] + 1.25 == pytest.approx(0.9 + 0.5 / 3, abs=1e-12)
    assert found["running_variance", "cumulative"] + 1.25 == pytest.approx(5 / 3, abs=1e-12)
    assert found["running_variance", "precise"] == pytest.approx(0.0, abs=1e-15)
    assert found["running_mean", "keras3"] + 2.5 == pytest.approx(0.025, abs=1e-12)
    assert found["running_mean", "pytorch"] + 2.5 == pytest.approx(0.25, abs=1e-12)
    assert (rows["status"] == "exact").all()
    assert (rows["mcse"] == 0.0).all()


def test_drift_by_hand():
    """Batches 0 0, 0 0 of a column with sd 1 moved by 1 a step: the mean lags m (1 - m^T)/(1 - m).

    With m = 0.5 and T = 2: r = 0.25 1 + 0.5 2 = 1.25, the present mean is 2, and PreciseBN sees
    1 1 2 2, or -1 1 2 4 with the column's own numbers.
    """
    data = pd.DataFrame({"x": [-1.0, 1.0, -1.0, 1.0]})
    design = design_of(data, batch_sizes=[2], steps=2, drift=[1], sampling="sequential",
                       presets=["keras3(momentum=0.5)", "precise"])  # fmt: skip
    rows = frame_of(design).query("measure == 'bias'").set_index(["estimator", "preset"])
    found = rows["estimate"]
    assert found["running_mean", "keras3(momentum=0.5)"] == pytest.approx(-0.75, abs=1e-15)
    assert found["running_mean", "precise"] == pytest.approx(-0.5, abs=1e-15)
    # 0 2 1 3 has the variance 1.25.
    assert found["running_variance", "precise"] == pytest.approx(0.25, abs=1e-15)


@pytest.mark.parametrize("preset", ["keras3", "pytorch", "flax", "cumulative"])
def test_a_transformer_fed_the_same_batches_learns_the_same(preset):
    """`BatchNormalizer` on one stream: mean, variance and the error of its transformed rows."""
    from simnorm.preprocessing import BatchNormalizer

    data = pd.DataFrame({k: v for k, v in table_of(12).items() if k in ("skewed", "coin")})
    design = design_of(data, batch_sizes=[5], steps=8, drift=[0], presets=[preset],
                       replications=1)  # fmt: skip
    [source] = drawing.sources(design)
    found = running.block_errors(design, source, 0)
    kind = average(preset)
    options = {"preset": preset} if preset != "cumulative" else {
        "momentum": None, "epsilon": kind.epsilon, "running_ddof": 1
    }  # fmt: skip
    layer = BatchNormalizer(5, **options)
    # Two batches an epoch; the two rows left over are dropped.
    for epoch in range(4):
        order = batches.epoch_orders(design, source, 0, epoch, slice(0, 1))[0]
        for i in (0, 5):
            layer.partial_fit(data.to_numpy()[order[i : i + 5]])
    scaler = StandardScaler().fit(data.to_numpy())
    away = layer.transform(data.to_numpy()) - scaler.transform(data.to_numpy())
    wanted = np.stack([
        layer.running_mean_ - scaler.mean_,
        layer.running_var_ - scaler.var_,
        away.mean(axis=0),
    ])  # fmt: skip
    count = len(running.cells(design, source))
    errors = found[0][:count, 0].reshape(2, 3).T
    assert errors == pytest.approx(wanted, abs=1e-12)
    assert found[1][:count, 0].reshape(2, 3)[:, 2] == pytest.approx((away**2).mean(axis=0))


def test_the_normalized_value_is_that_of_every_value_of_the_full_set():
    """A and Q of a full set from a law, value by value."""
    design = design_of("exponential", batch_sizes=[3], presets=["pytorch"], drift=[0.1],
                       full_size=11, replications=1)  # fmt: skip
    source = drawing.sources(design)[0]
    stream, whole = streams_of_law(design, source, 3, 0)
    mean, variance = 0.0, 1.0
    for t, batch in enumerate(stream, 1):
        mean = 0.9 * mean + 0.1 * (batch.mean() + 0.1 * t)
        variance = 0.9 * variance + 0.1 * batch.var(ddof=1)
    present = whole + 0.1 * design.steps
    away = (present - mean) / np.sqrt(variance + 1e-5) - (whole - whole.mean()) / whole.std()
    cells = running.cells(design, source)
    place = [c.quantity == "inference_value" and c.reference == "full_set" for c in cells].index(
        True
    )
    found = running.block_errors(design, source, 0)
    assert found[0][place, 0] == pytest.approx(away.mean(), abs=1e-12)
    assert found[1][place, 0] == pytest.approx((away**2).mean(), rel=1e-12)


# ---------------------------------------------------------------------------------------------
# Every order


def every_stream(values, n, steps):
    """Yield the batches of all pairs of orders of two epochs, each as likely."""
    orders = list(itertools.permutations(range(len(values))))
    k = len(values) // n
    for pair in itertools.product(orders, repeat=-(-steps // k)):
        rows = [values[list(order[i * n : (i + 1) * n])] for order in pair for i in range(k)]
        yield rows[:steps]


@pytest.mark.parametrize("preset", ["keras3(momentum=0.6)", "pytorch", "cumulative", "precise"])
def test_the_mean_over_many_replications_is_that_over_all_orders(preset):
    """N = 4, n = 2, two epochs of two batches, three of which are seen: 576 streams.

    Each z of bias and mse of three quantities below 4.5: a false alarm in 10,000 runs or so.
    """
    values = np.array([0.0, 1.0, 3.0, 7.0])
    design = design_of(pd.DataFrame({"x": values}), batch_sizes=[2], steps=3, drift=[0.1],
                       presets=[preset], replications=4000)  # fmt: skip
    every = np.array([
        brute(stream, average(preset), 0.1 * values.std(), [(values.mean(), values.std())])[0]
        for stream in every_stream(values, 2, 3)
    ])  # fmt: skip
    bias, mse = every.mean(axis=0).T
    rows = frame_of(design).set_index(["estimator", "measure"])
    for q, name in enumerate(running.QUANTITIES):
        for measure, exact in (("bias", bias[q]), ("mse", mse[q])):
            if (name, measure) not in rows.index:
                continue
            row = rows.loc[(name, measure)]
            assert abs(row["estimate"] - exact) < 4.5 * row["mcse"] + 1e-12
            if row["theory_kind"] == "exact":
                assert row["theory"] == pytest.approx(exact, abs=1e-12)


# ---------------------------------------------------------------------------------------------
# Findings


def test_precise_statistics_of_a_whole_epoch_are_those_of_a_standard_scaler():
    """N = 12 in batches of 3, one epoch and three: mean and variance to 1e-13, and exact rows."""
    data = pd.DataFrame({"x": table_of(12)["skewed"]})
    for steps in (4, 12):
        design = design_of(data, batch_sizes=[3], steps=steps, drift=[0], presets=["precise"])
        [source] = drawing.sources(design)
        found = running.block_errors(design, source, 0)
        assert np.abs(found[0][:2]).max() < 1e-13
        rows = frame_of(design).query("estimator != 'inference_value'")
        assert (rows["status"] == "exact").all()
        assert (rows["estimate"] == 0.0).all()
        assert set(rows["reason"]) == {knowledge.WHOLE_EPOCHS}


def test_sorted_data_are_forgotten():
    """In file order, the last group dominates PyTorch's mean; whole epochs of PreciseBN do not."""
    data = pd.DataFrame({"x": np.repeat([0.0, 1.0, 2.0, 3.0], 100) + np.arange(400) % 10 / 10})
    design = design_of(data, batch_sizes=[10], steps=40, drift=[0], sampling="sequential",
                       presets=["pytorch", "precise"])  # fmt: skip
    rows = frame_of(design).query("measure == 'bias'").set_index(["estimator", "preset"])
    bias = rows["estimate"]
    # 10 batches of the last group: 0.9^10 = 0.35 is left of what was before.
    # The last group is 1.5 above the mean.
    assert bias["running_mean", "pytorch"] > 0.9
    assert abs(bias["running_mean", "precise"]) < 1e-13
    # The variance between groups is in no batch.
    assert bias["running_variance", "pytorch"] < -0.9 * np.var([0, 1, 2, 3])
    assert abs(bias["running_variance", "precise"]) < 1e-13


def test_a_biased_variance_stays_biased_and_an_unbiased_one_does_not():
    """Batches of 4 after 2,000 steps: -1/4 for Keras for ever, nothing for PyTorch."""
    design = design_of("normal(scale=3)", batch_sizes=[4], steps=2000, drift=[0], sampling="iid",
                       presets=["keras3", "pytorch"], replications=100)  # fmt: skip
    rows = frame_of(design).query("measure == 'relative_bias' and estimator == 'running_variance'")
    keras, pytorch = (
        rows.set_index("preset")[["estimate", "mcse"]].loc[["keras3", "pytorch"]].to_numpy()
    )
    assert abs(keras[0] + 0.25) < 4.0 * keras[1]
    assert abs(pytorch[0]) < 4.0 * pytorch[1]
    assert 4.0 * pytorch[1] < 0.25


def test_batches_of_one_ruin_the_variance_and_pytorch_refuses_them():
    """Keras after 1,500 steps divides by sqrt(0.99^1500 + 0.001): some thirty times too much."""
    design = design_of("normal", batch_sizes=[1], steps=1500, drift=[0], sampling="iid",
                       presets=["keras3", "pytorch", "cumulative"], replications=60)  # fmt: skip
    rows = frame_of(design)
    value = rows.query(
        "preset == 'keras3' and estimator == 'inference_value' and measure == 'rmse'"
    )
    assert 29.0 < value["estimate"].item() < 33.0
    assert value["theory_kind"].item() == "exact"
    fixed = rows.query(
        "preset == 'keras3' and estimator == 'running_variance' and measure == 'bias'"
    )
    assert fixed["status"].item() == "exact"
    assert fixed["estimate"].item() == pytest.approx(0.99**1500 - 1.0, abs=1e-12)
    refused = rows.query("preset != 'keras3'")
    assert (refused["status"] == "undefined").all()
    assert (
        refused["reason"].str.startswith("PyTorch refuses batches of one value in training").all()
    )


# ---------------------------------------------------------------------------------------------
# The same numbers whatever else is asked


def numbers_of(design, **options):
    """Return estimates by what they are of, steps aside."""
    frame = frame_of(design, **options)
    keys = ["distribution", "column", "sampling", "estimator", "batch_size", "preset", "drift",
            "reference", "measure"]  # fmt: skip
    return frame.set_index(keys)["estimate"]


LAWS = {"given": ["exponential"], "sampling": ["shuffle", "replacement", "iid"]}
ROWS = {"given": table_of(), "sampling": ["shuffle", "replacement", "grouped:group"],
        "exclude": "group"}  # fmt: skip
both = pytest.mark.parametrize("what", [LAWS, ROWS], ids=["law", "rows"])


@both
def test_more_sizes_presets_and_drifts_change_no_number(what):
    """The same bits, alone and among others."""
    alone = numbers_of(design_of(**what, batch_sizes=[3], presets=["pytorch"], drift=[0.05]))
    among = numbers_of(design_of(**what))
    assert among.loc[alone.index].equals(alone)


@both
def test_more_steps_change_no_earlier_number(what):
    """Trajectories of 20 steps go on where those of 10 end, to the bit."""
    keys = ["column", "distribution", "sampling", "estimator", "batch_size", "preset", "x"]
    found = []
    for steps in (10, 20):
        curves_of = split_factors(sn.run(design_of(**what, steps=steps)).curves)
        found.append(curves_of.query("kind == 'trajectory'").set_index(keys)["y"])
    assert len(found[0]) > 100
    assert found[1].loc[found[0].index].equals(found[0])


@both
def test_workers_and_loops_change_nothing(what):
    """One thread and three: the same bits. Without compiled loops: the same but for rounding."""
    design = design_of(**what, replications=40)
    one, three = (numbers_of(design, workers=workers) for workers in (1, 3))
    assert one.equals(three)
    source = drawing.sources(design)[0]
    fast, plain = (
        np.stack(running.block_errors(design, source, 0, compiled=c)) for c in (True, False)
    )
    assert fast == pytest.approx(plain, rel=1e-7, abs=1e-7, nan_ok=True)


@both
def test_more_replications_continue_fewer(what):
    """The first lanes are the same, also over pieces of a block and beyond one."""
    few, many = (design_of(**what, replications=count) for count in (3, 50))
    for source in drawing.sources(few):
        short = np.stack(running.block_errors(few, source, 0))
        long = np.stack(running.block_errors(many, source, 0))
        assert np.array_equal(short, long[..., :3], equal_nan=True)


def test_lanes_are_the_same_however_they_are_cut(monkeypatch):
    """Orders of a few lanes at a time are those of all of them at once."""
    design = design_of(table_of(), sampling=["shuffle", "replacement"], replications=7)
    whole = [np.stack(running.block_errors(design, s, 0)) for s in drawing.sources(design)]
    monkeypatch.setattr(batches, "CHUNK_ROWS", 25)
    for source, before in zip(drawing.sources(design), whole, strict=True):
        after = np.stack(running.block_errors(design, source, 0))
        assert np.array_equal(before, after, equal_nan=True)


def test_the_first_epoch_is_that_of_the_sweep():
    """Rows and full sets come in the sweep's orders; later epochs come in others."""
    for given, scheme in ((table_of(), "shuffle"), (table_of(), "replacement"),
                          (["normal"], "replacement")):  # fmt: skip
        design = design_of(given, sampling=scheme, replications=5)
        source = drawing.sources(design)[0]
        found = batches.epoch_orders(design, source, 0, 0, slice(0, 5), 3)
        if source.columns:
            [wanted] = drawing.orders_of(design, source, 0, 5, 3)
        else:
            wanted = drawing.drawn_again(design, source, 0, 3, 5)
        assert np.array_equal(found, wanted)
        for epoch in (1, 2):
            assert not np.array_equal(
                batches.epoch_orders(design, source, 0, epoch, slice(0, 5), 3), found
            )


# ---------------------------------------------------------------------------------------------
# Theory, verdicts, curves


def asked(frame):
    """Return rows whose z belong to a question of their own: absolute biases and variances."""
    ok = (frame["status"] == "ok") & (frame["theory_kind"] == "exact")
    return frame[ok & frame["measure"].isin(["bias", "variance"])]


def sidak(questions, replications, alarms=1e-4):
    """Return the |z| that so many independent z all stay below, but for so many runs."""
    share = (1.0 - (1.0 - alarms) ** (1.0 / questions)) / 2.0
    return float(-stdtrit(replications - 1, share))


SMALL = {"batch_sizes": "1:32:x2", "steps": 100, "full_size": 512, "drift": [0, 0.01],
         "presets": ["keras3", "pytorch", "cumulative", "precise"]}  # fmt: skip


def test_errors_are_those_of_exact_theory():
    """Biases of five laws: none beyond Sidak's bound at 1e-4, and rms z between 0.8 and 1.25."""
    schemes = ["shuffle", "iid", "replacement"]
    design = design_of(None, **SMALL, sampling=schemes, replications=400)
    rows = asked(frame_of(design))
    assert len(rows) > 1500
    bias = rows.query("measure == 'bias'")["z"]
    assert bias.abs().max() < sidak(len(bias), 400)
    assert 0.8 < math.sqrt((rows["z"] ** 2).mean()) < 1.25


def test_errors_of_data_are_those_of_exact_theory():
    """The same for columns of data, several epochs of them."""
    data = pd.DataFrame({k: v for k, v in table_of(90).items() if k in ("skewed", "far")})
    design = design_of(data, **{k: v for k, v in SMALL.items() if k != "full_size"},
                       sampling=["shuffle", "replacement"], replications=400)  # fmt: skip
    rows = asked(frame_of(design))
    assert len(rows) > 400
    bias = rows.query("measure == 'bias'")["z"]
    assert bias.abs().max() < sidak(len(bias), 400)
    assert 0.8 < math.sqrt((rows["z"] ** 2).mean()) < 1.25


@pytest.mark.slow
def test_error_bars_are_honest_over_twenty_seeds():
    """All rows with status ok: intervals of 95 % miss 4 to 7 % of exact values, squares and biases.

    Squares of a single error cover less than biases with 256 replications; the bound allows for
    this, and would not for 8 %.
    """
    designs = [
        design_of(None, **SMALL, replications=256, seed=seed, sampling=["shuffle", "iid"])
        for seed in range(20)
    ]
    rows = pd.concat([asked(frame_of(design)) for design in designs])
    for measure, highest in (("bias", 0.06), ("variance", 0.075)):
        z = rows.loc[rows["measure"] == measure, "z"].abs()
        assert 0.04 < (z > -stdtrit(255, 0.025)).mean() < highest
    bias = rows.query("measure == 'bias'")["z"].abs()
    assert bias.max() < sidak(len(bias), 256)


def test_theory_holds_in_odd_corners():
    """One step and epochs by the dozen, momenta of 0 and 1, other divisors, no epsilon, few rows.

    What is exact is what theory says, to 1e-9; nothing that is tested is beyond Sidak's bound.
    """
    presets = ["keras3(momentum=1)", "keras3(momentum=0)", "pytorch", "cumulative",
               "precise(ddof=1)", "precise(epsilon=0)", "keras3(epsilon=0)"]  # fmt: skip
    laws = ["lognormal(s=2)", "poisson", "normal(loc=1e9)", "pareto(b=3)"]
    rows = {"a": np.arange(5) ** 2.0, "c": np.ones(5), "coin": np.arange(5) % 2.0}
    for steps, given in itertools.product((1, 7, 64), (laws, rows)):
        schemes = ["shuffle", "replacement", "iid" if given is laws else "sequential"]
        design = design_of(given, sampling=schemes, batch_sizes=[1, 2, 5], steps=steps,
                           presets=presets, drift=[0, -0.3], replications=300,
                           **({"full_size": 10} if given is laws else {}))  # fmt: skip
        found = frame_of(design)
        bias = found[found["measure"] == "bias"]
        assert bias["z"].abs().max() < sidak(int(bias["z"].notna().sum()), 300)
        value = found[found["estimator"] == "inference_value"]["z"].dropna()
        assert value.abs().max() < 8.0 or value.empty  # squares of few, by their left tail
        exact = found[(found["status"] == "exact") & found["theory"].notna()]
        assert len(exact) > 200
        close = {"rel": 1e-9, "abs": 1e-12}
        assert exact["estimate"].to_numpy() == pytest.approx(exact["theory"], **close)


def test_rows_without_moments_say_so():
    """Laws without a mean, a variance, a fourth moment; and what t(df=5) needs for an error bar."""
    laws = ["cauchy", "t(df=1.5)", "t(df=3)", "t(df=5)"]
    design = design_of(laws, batch_sizes=[4], drift=[0], presets=["pytorch"], replications=190)
    rows = frame_of(design).query("reference == 'population'")
    status = rows.set_index(["distribution", "estimator", "measure"])["status"]
    for law, quantity, measure, wanted in (
        ("cauchy", "running_mean", "bias", "undefined"),
        ("cauchy", "inference_value", "mse", "undefined"),
        ("t(df=1.5)", "running_mean", "bias", "unreliable"),
        ("t(df=1.5)", "running_mean", "mse", "undefined"),
        ("t(df=3)", "running_mean", "mse", "unreliable"),
        ("t(df=3)", "running_variance", "bias", "unreliable"),
        ("t(df=3)", "running_variance", "mse", "undefined"),
        ("t(df=3)", "inference_value", "mse", "ok"),
        ("t(df=5)", "running_mean", "mse", "ok"),
        ("t(df=5)", "running_variance", "bias", "ok"),
        ("t(df=5)", "running_variance", "mse", "unreliable"),
    ):
        assert status[law, quantity, measure] == wanted, (law, quantity, measure)
    bare = rows[rows["reason"].str.contains("its standard error does not exist")]
    assert len(bare)
    assert bare["mcse"].isna().all()


def test_a_constant_column_has_no_z_score():
    """Its mean is off by what is left of the start, exactly; a relative error has no unit."""
    design = design_of(table_of(), columns="constant", presets=["pytorch"], drift=[0, 0.1],
                       batch_sizes=[3])  # fmt: skip
    rows = frame_of(design)
    value = rows.query("estimator == 'inference_value'")
    assert set(value["status"]) == {"undefined"}
    assert set(value["reason"]) == {"the column is constant"}
    rest = rows.query("estimator != 'inference_value'")
    assert set(rest["status"]) == {"exact"}
    assert not rest["measure"].str.startswith("relative").any()
    bias = rest.query("measure == 'bias'").set_index(["estimator", "drift"])["estimate"]
    for drift in ("0", "0.1"):
        assert bias["running_mean", drift] == pytest.approx(-0.1 * 0.9**9, abs=1e-15)
        assert bias["running_variance", drift] == pytest.approx(0.9**9, abs=1e-15)
    assert not (sn.run(design).curves["kind"] == "trajectory").any()


@pytest.mark.parametrize(
    ("preset", "n", "steps", "status"),
    [
        ("cumulative(epsilon=0)", 2, 2, "undefined"),
        ("cumulative(epsilon=0)", 2, 4, "unreliable"),
        ("cumulative(epsilon=0)", 2, 9, "ok"),
        ("precise(epsilon=0)", 3, 1, "undefined"),
        ("keras3(momentum=0,epsilon=0)", 3, 9, "undefined"),
        ("keras3(epsilon=0)", 3, 9, "ok"),
    ],
)
def test_without_epsilon_few_values_have_no_mean_square(preset, n, steps, status):
    """1/variance of m values has a mean for m > 3 and an error bar for m > 5."""
    design = design_of(["normal"], sampling="iid", presets=[preset], batch_sizes=[n], steps=steps,
                       drift=[0], replications=150)  # fmt: skip
    rows = frame_of(design).query("estimator == 'inference_value'")
    assert set(rows["status"]) == {status}


def test_file_order_and_one_group_leave_nothing_to_chance():
    """One replication, or one group: exact, without error bars."""
    data = table_of() | {"group": np.zeros(11)}
    schemes = ["sequential", "grouped:group"]
    design = design_of(data, sampling=schemes, exclude=["group", "constant"],
                       presets=["keras3", "precise"], replications=30)  # fmt: skip
    rows = frame_of(design)
    assert set(rows["status"]) == {"exact"}
    assert (rows["mcse"] == 0.0).all()
    assert set(rows.query("sampling == 'sequential'")["replications"]) == {1}
    lines = sn.run(design).curves.query("kind == 'trajectory'")
    assert (lines["mcse"] == 0.0).all()


def test_grouped_epochs_want_two_hundred_replications():
    """Nothing foretells what rarely meets."""
    for count, status in ((100, "unreliable"), (200, "ok")):
        design = design_of(table_of(), sampling="grouped:group", columns="skewed", batch_sizes=[2],
                           presets=["pytorch"], drift=[0], replications=count)  # fmt: skip
        rows = frame_of(design).query("measure == 'bias'")
        assert status in set(rows["status"])


def test_trajectories_end_where_the_table_does():
    """The last point is the row's rmse with its error; theory is that of the row."""
    design = design_of(["halfnormal"], sampling=["shuffle", "iid"], replications=60,
                       drift=[0.02, 0], steps=40, full_size=30)  # fmt: skip
    result = sn.run(design)
    keys = ["sampling", "estimator", "batch_size", "factors", "reference"]
    rows = result.frame[result.frame["measure"] == "relative_rmse"]
    value = result.frame.query("measure == 'rmse' and estimator == 'inference_value'")
    rows = pd.concat([rows, value]).set_index(keys)
    ends = result.curves.query("kind == 'trajectory' and x == 40").set_index(keys)
    assert len(ends) > 50
    assert ends["y"].to_numpy() == pytest.approx(rows.loc[ends.index, "estimate"], rel=1e-9)
    here = rows.loc[ends.index]
    shown = here["mcse"].notna().to_numpy() & ends["mcse"].notna().to_numpy()
    moves = shown & (here["status"] != "exact").to_numpy()
    assert ends["mcse"][moves].to_numpy() == pytest.approx(here["mcse"][moves], rel=1e-6)
    both_known = (here["theory"].notna() & ends["theory"].notna()).to_numpy()
    assert both_known.sum() > 40
    theory = here["theory"].to_numpy()
    assert ends["theory"][both_known].to_numpy() == pytest.approx(theory[both_known], rel=1e-9)


def test_parts_of_the_error_are_those_of_the_formulas():
    """Start known, divisor and lag estimated, noise a variance: each against its formula."""
    design = design_of(["normal(loc=4,scale=2)"], sampling="iid", batch_sizes=[8], steps=60,
                       drift=[0, 0.05], presets=["keras3", "pytorch", "cumulative", "precise"],
                       replications=400)  # fmt: skip
    parts = split_factors(sn.run(design).curves.query("kind == 'split'"))
    assert len(parts) == 2 * 4 * 2 * 4
    start = parts.query("part == 'start'")
    assert start["y"].to_numpy() == pytest.approx(start["theory"], abs=1e-12)
    rest = parts.query("mcse > 0")
    z = (rest["y"] - rest["theory"]) / rest["mcse"]
    # Squares of what is nearly 0 are above it: by their error bars, squared.
    shown = rest["theory"] > 4 * rest["mcse"]
    assert shown.sum() > 15
    assert z[shown].abs().max() < sidak(int(shown.sum()), 400)
    lag = parts.query("part == 'drift' and estimator == 'running_mean' and drift == '0.05'")
    m = 0.9
    wanted = (0.05 * (m * (1 - m**60) / (1 - m) - 60 * m**60)) ** 2
    found = lag.set_index("preset")["theory"]
    assert found["pytorch"] == pytest.approx(wanted)
    assert found["cumulative"] == pytest.approx((0.05 * 29.5) ** 2)


def test_what_is_enough_is_told_by_theory_and_seen_in_simulation():
    """Keras at n = 32 and 4: settled or not, and what a z-score of 2,048 values would need."""
    design = design_of(["normal"], sampling="iid", batch_sizes=[4, 32], steps=1500, drift=[0],
                       presets=["keras3", "pytorch"], full_size=2048, replications=200)  # fmt: skip
    points = split_factors(sn.run(design).curves).set_index(["kind", "preset", "batch_size"])
    floor = points.loc["floor"]
    assert floor["y"].to_numpy() == pytest.approx(floor["theory"], rel=0.15)
    seen = points.loc["steps_to_floor"]
    near = seen.loc[[("keras3", 4), ("keras3", 32)]]
    assert near["y"].to_numpy() == pytest.approx(near["theory"], rel=0.5)
    target = points.loc["zscore_error"]["theory"].iloc[0]
    assert target == pytest.approx(math.sqrt(1.5 / 2048), rel=1e-3)
    # 1/n is lost for ever with Keras; with PyTorch's divisor a momentum near 1 will do.
    momenta = points.loc["momentum_needed"]["theory"]
    assert math.isnan(momenta["keras3", 4])
    assert momenta["pytorch", 4] > 0.995
    enough = points.loc["batches_needed"]["theory"]
    assert enough["pytorch", 32] * 32 == pytest.approx(2048, rel=0.05)


def test_steps_until_the_floor_are_those_of_theory():
    """Against the theory's own search, for independent batches and for data."""
    from simnorm.theory.running import Stream, inference_floor, steps_until

    law, kind = distribution("normal(loc=5)"), average("keras3(ddof=1)")
    stream = Stream(32, 10, momentum=0.99, ddof=1, sampling="iid")
    found = expected.settled(stream, law, kind)
    assert found.steps == steps_until(stream, law, kind.epsilon)
    assert found.floor == pytest.approx(math.sqrt(inference_floor(stream, law, kind.epsilon)))


def test_the_grid_of_a_trajectory_ends_with_the_last_step():
    """Six steps in a decade, T always, none twice."""
    assert averages.step_grid(1) == [1]
    assert averages.step_grid(100) == [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100]
    assert averages.step_grid(101)[-2:] == [100, 101]
    for steps in (2, 9, 1000, 12345):
        grid = averages.step_grid(steps)
        assert grid == sorted(set(grid))
        assert grid[-1] == steps


def test_a_first_step_near_the_end_is_read_between_points():
    """Ratio 2 at 10, 1 at 1,000: 1.1 at 10^(1 + 2 (1 - log2(1.1)))."""
    grid = np.array([1, 10, 1000])
    found = curves.first_near(grid, np.array([9.0, 2.0, 1.0]))
    assert found == pytest.approx(10 ** (1 + 2 * (1 - math.log2(1.1))))
    assert curves.first_near(grid, np.array([1.0, 1.05, 1.0])) == 1.0


def test_memory_is_no_less_than_what_a_run_takes():
    """Cells, streams and tables are counted: more of them need more."""
    small = running.memory_needed(design_of(["normal"]), 1)
    assert running.memory_needed(design_of(["normal"], replications=500), 2) > small
    assert running.memory_needed(design_of(["normal"], steps=10_000), 1) > small


# ---------------------------------------------------------------------------------------------
# Mutants: faults that these tests must notice


def swapped_momentum(monkeypatch):
    """Let momentum weigh the new value."""
    plan_of = averages.plan_of
    monkeypatch.setattr(
        running, "plan_of", lambda design: plan_of(design)._replace(
            momenta=1.0 - plan_of(design).momenta)
    )  # fmt: skip


def swapped_ddof(monkeypatch):
    """Give every average the other divisor."""
    true = averages.running

    def other(plan, records, kind, n, drift):
        class Other:
            momentum, ddof, epsilon = kind.momentum, 1 - kind.ddof, kind.epsilon

        return true(plan, records, Other, n, drift)

    monkeypatch.setattr(running, "running", other)


def variance_from_zero(monkeypatch):
    """Start the running variance from 0."""
    monkeypatch.setattr(averages, "FIRST_VARIANCE", 0.0)


def one_epoch_again(monkeypatch):
    """Do not shuffle anew."""
    true = batches.epoch_orders

    def orders(design, source, block, epoch, *rest):
        return true(design, source, block, min(epoch, 0), *rest)

    monkeypatch.setattr(batches, "epoch_orders", orders)


def drift_the_other_way(monkeypatch):
    """Turn the drift around."""
    true = averages.running
    monkeypatch.setattr(running, "running", lambda *given: true(*given[:-1], -given[-1]))


def reference_of_the_past(monkeypatch):
    """Compare with the mean before it moved."""
    true = averages.running

    def late(plan, records, kind, n, drift):
        found = true(plan, records, kind, n, drift)
        t = plan.grid.astype(float)[:, np.newaxis, np.newaxis]
        return found._replace(lag=found.lag + drift * t)

    monkeypatch.setattr(running, "running", late)


@pytest.mark.parametrize(
    "fault",
    [
        swapped_momentum,
        swapped_ddof,
        variance_from_zero,
        one_epoch_again,
        drift_the_other_way,
        reference_of_the_past,
    ],
    ids=lambda fault: fault.__name__,
)
def test_faults_are_noticed_by_theory(fault, monkeypatch):
    """Each makes some z exceed the bound that correct runs stay below but for 1 in 10,000."""
    data = pd.DataFrame({"x": table_of(40)["skewed"]})
    design = design_of(data, batch_sizes=[4], steps=35, presets=["keras3(momentum=0.8)", "pytorch"],
                       drift=[0.1], replications=2000)  # fmt: skip
    rows = asked(frame_of(design))
    assert rows["z"].abs().max() < sidak(len(rows), 2000)
    with monkeypatch.context() as patched:
        fault(patched)
        rows = asked(frame_of(design))
    assert rows["z"].abs().max() > sidak(len(rows), 2000)


@pytest.mark.parametrize(
    ("law", "size", "steps", "preset", "status"),
    [
        ("bernoulli(p=0.03)", 32, 8, "precise", "unreliable"),
        ("bernoulli(p=0.5)", 4, 3, "precise", "unreliable"),
        ("bernoulli(p=0.5)", 4, 3, "precise(epsilon=0)", "undefined"),
        ("normal", 1, 3, "precise", "unreliable"),
        ("normal", 32, 100, "precise", "ok"),
        ("bernoulli(p=0.5)", 32, 100, "precise", "ok"),
    ],
)
def test_values_that_may_all_be_equal_are_not_trusted(law, size, steps, preset, status):
    """Where a variance of nothing decides the error and is rarely met, there is no error bar."""
    frame = sn.study(
        "running", law, batch_sizes=[size], steps=steps, sampling="iid", presets=[preset],
        drift=[0], full_size=1024, replications=64,
    ).frame  # fmt: skip
    rows = frame[(frame["estimator"] == "inference_value") & (frame["measure"] == "rmse")]
    assert rows["status"].tolist() == [status]
    assert (status == "ok") == (rows["theory_kind"] != "").all()
