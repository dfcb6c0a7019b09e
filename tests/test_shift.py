"""The study shift: nets, training runs, what is measured on the way, and its rows.

Most of it needs torch:

    pip install "simnorm[torch]"
"""

from __future__ import annotations

import contextlib
import itertools
import math

import numpy as np
import pytest

import simnorm as sn
from simnorm import studies
from simnorm.datasets import bundled
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.studies import shift
from simnorm.studies.drawing import sources
from simnorm.studies.shift import distances, nets, training
from simnorm.studies.shift.nets import BN, NETS, NOISE, NOISY_BN, NONE, SILENCE, Net, Noise
from simnorm.studies.shift.training import Run, Split, chance_of, looks, outcome_steps
from simnorm.studies.torch_thread import one_thread

ALL = (NONE, BN, NOISY_BN)
SMALL = {"steps": 3, "datasets": "wine", "replications": 2, "rates": "0.05,0.2"}
# A false alarm in 16,000 runs.
LIMIT = 4.0


needs_torch = pytest.mark.usefixtures("torch")


@pytest.fixture(scope="module")
def torch():
    """PyTorch on one thread, without which a test is skipped."""
    torch = pytest.importorskip("torch", reason='no torch here: pip install "simnorm[torch]"')
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


def make(**how):
    return Design.make(study="shift", **(SMALL | how))


def wine_run(variant, net=None, *, size=16, block=0, noise=NOISE, word="mlp", rate=0.05):
    net = NETS[word] if net is None else net
    data = bundled("wine")
    chance = chance_of(5, "wine", len(data.rows), block)
    split = Split.of(data.rows, data.codes, chance("split"))
    weights = training.weights_of(net, word, data.rows.shape[1], data.classes, chance)
    return Run(net, word, variant, size, split, weights, chance, rate, noise)


# --------------------------------------------------------------------------------------------------
# By hand


def softmax(scores):
    parts = np.exp(scores - scores.max(axis=1, keepdims=True))
    return parts / parts.sum(axis=1, keepdims=True)


@needs_torch
def test_a_step_of_a_linear_net_by_hand():
    """All measures of the first step of a net of two layers, with numpy alone.

    Of scores S = (X W1' + b1) W2' + b2 and R = (softmax(S) - Y)/n the gradients are R' H by W2,
    (R W2)' X by W1, and sums of R and R W2 by the biases.
    """
    net, size = Net((5,), is_rectified=False), 16
    data = bundled("wine")
    chance = chance_of(5, "wine", len(data.rows), 0)
    order = chance("split").permutation(178)
    train, test = order[:134], order[134:]
    x = (data.rows - data.rows[train].mean(axis=0)) / data.rows[train].std(axis=0)
    y = np.eye(3)[data.codes]
    rng = chance("weights mlp")
    w1, w2 = (
        rng.standard_normal((5, 13)) / math.sqrt(13),
        rng.standard_normal((3, 5)) / math.sqrt(5),
    )
    epoch = train[chance("batches", size).permutation(134)]
    batch, next_batch = epoch[:size], epoch[size : 2 * size]

    def by_w2(rows, w1, b1):
        hidden = x[rows] @ w1.T + b1
        rest = (softmax(hidden @ w2.T) - y[rows]) / size
        return rest, rest.T @ hidden

    rest, g = by_w2(batch, w1, 0.0)
    back = rest @ w2
    moved, bias = w1 - 0.05 * back.T @ x[batch], -0.05 * back.sum(axis=0)
    _, there = by_w2(batch, moved, bias)
    _, other = by_w2(next_batch, w1, 0.0)

    before, after = x[train] @ w1.T, x[train] @ moved.T + bias
    sd = before.std(axis=0)
    # Before the bias is added.
    bare = after - bias
    raw = np.hypot(bare.mean(axis=0) - before.mean(axis=0), bare.std(axis=0) - sd) / sd
    moments = np.hypot(after.mean(axis=0) - before.mean(axis=0), after.std(axis=0) - sd) / sd
    between = np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0) / sd
    halves = chance("halves").permutation(134).reshape(2, -1)
    one, two = (after[part] for part in halves)
    floor = np.hypot(one.mean(axis=0) - two.mean(axis=0), one.std(axis=0) - two.std(axis=0))

    w2_moved, b2_moved = w2 - 0.05 * g, -0.05 * rest.sum(axis=0)
    chances = softmax((x @ moved.T + bias) @ w2_moved.T + b2_moved)
    loss = -np.log(chances[train, data.codes[train]]).mean()
    right = (chances[test].argmax(axis=1) == data.codes[test]).mean()

    expected = {
        "gradient_change": np.linalg.norm(there - g),
        "gradient_shift": np.linalg.norm(there - g) / np.linalg.norm(g),
        "gradient_cosine": np.vdot(g, there) / np.linalg.norm(g) / np.linalg.norm(there),
        "moment_shift": np.median(moments),
        "moment_drift": np.median(moments),
        "raw_shift": np.median(raw),
        "wasserstein_shift": np.median(between),
        "batch_shift": 0.0,
        "train_loss": loss,
        "test_accuracy": right,
    }
    floors = {
        "gradient_change": np.linalg.norm(other - g),
        "gradient_shift": np.linalg.norm(other - g) / np.linalg.norm(g),
        "gradient_cosine": np.vdot(g, other) / np.linalg.norm(g) / np.linalg.norm(other),
        "moment_shift": np.median(floor / one.std(axis=0)),
        "moment_drift": np.median(floor / one.std(axis=0)),
        "raw_shift": np.median(floor / one.std(axis=0)),
    }
    found = wine_run(NONE, net, size=size).train(1)
    for name, value in expected.items():
        assert found.values[name][0, -1] == pytest.approx(value, rel=1e-9), name
    for name, value in floors.items():
        assert found.floors[name][0, 0] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("word", ["mlp", "linear"])
@pytest.mark.parametrize("variant", [NONE, BN])
def test_nets_are_those_of_torchs_modules(torch, word, variant):
    """Scores, loss and every gradient, to 1e-12: Linear, BatchNorm1d in training, ReLU."""
    net = NETS[word]
    run = wine_run(variant, word=word)
    batch = next(run.batches)
    parts = []
    for layer in run.first[:-1]:
        linear = torch.nn.Linear(*reversed(layer.weight.shape), dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(layer.weight)
            linear.bias.zero_()
        parts.append(linear)
        if variant == BN:
            parts.append(torch.nn.BatchNorm1d(len(layer.weight), dtype=torch.float64))
        if net.is_rectified:
            parts.append(torch.nn.ReLU())
    last = torch.nn.Linear(*reversed(run.first[-1].weight.shape), dtype=torch.float64)
    with torch.no_grad():
        last.weight.copy_(run.first[-1].weight)
        last.bias.zero_()
    model = torch.nn.Sequential(*parts, last)
    scores = model(batch.rows)
    ours = nets.forward(net, run.first, batch.rows).scores
    torch.testing.assert_close(ours, scores, rtol=1e-12, atol=1e-12)

    torch.nn.functional.cross_entropy(scores, batch.classes).backward()
    found = nets.gradients(net, run.first, batch, None)
    normal = [m for m in model if isinstance(m, torch.nn.BatchNorm1d)]
    plain = [m for m in model if isinstance(m, torch.nn.Linear)]
    for i, slopes in enumerate(found):
        wanted = [plain[i].weight.grad, plain[i].bias.grad]
        if variant == BN and i < len(normal):
            wanted = [plain[i].weight.grad, normal[i].bias.grad, normal[i].weight.grad]
        for ours, theirs in zip(slopes, wanted, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-14)
        again = nets.gradient_of(net, run.first, i, batch, None)
        torch.testing.assert_close(again, slopes[0], rtol=1e-12, atol=1e-15)


def test_statistics_of_the_first_rows(torch):
    """Rows behind the counted ones change nothing before them, and are normalized by them."""
    run = wine_run(BN)
    probe, test = run.split.probe.rows, run.split.test.rows
    alone = nets.forward(run.net, run.first, probe)
    both = nets.forward(run.net, run.first, torch.cat([probe, test]), counted=len(probe))
    for here, there in zip(alone.given, both.given, strict=True):
        torch.testing.assert_close(there[: len(probe)], here, rtol=1e-10, atol=1e-12)
    raw = both.raw[0]
    mean, sd = raw[: len(probe)].mean(0), (raw[: len(probe)].var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(both.given[0], (raw - mean) / sd, rtol=1e-10, atol=1e-12)


def test_noise_comes_behind_normalization(torch):
    """What the next layer is given is s times what is normalized, plus m, row by row."""
    run, rng = wine_run(BN), np.random.default_rng(13)
    rows = run.split.probe.rows
    units = nets.draw_units(NOISE, run.net, rng)
    noise = nets.disturbances(NOISE, units, len(rows), rng)
    passed = nets.forward(run.net, run.first, rows, noise)
    below = rows
    for raw, given, layer, (scale, move) in zip(
        passed.raw, passed.given, run.first, noise, strict=False
    ):
        torch.testing.assert_close(raw, below @ layer.weight.T, rtol=1e-12, atol=1e-12)
        expected = scale * (raw - raw.mean(0)) / (raw.var(0, correction=0) + 1e-5).sqrt() + move
        torch.testing.assert_close(given, expected, rtol=1e-10, atol=1e-12)
        below = given.clamp(min=0.0)


@pytest.mark.parametrize("variant", [BN, NOISY_BN])
@needs_torch
def test_outcomes_take_statistics_of_rows_to_train_on_and_no_chance(variant):
    """Before the first step: by hand, with scales of 1.125 in place of the noise."""
    run = wine_run(variant)
    factor = 1.125 if variant == NOISY_BN else 1.0
    below, (rows, classes), test = run.split.probe.rows, run.split.probe, run.split.test
    beside = test.rows
    for layer in run.first[:-1]:
        here, there = below @ layer.weight.T, beside @ layer.weight.T
        mean, sd = here.mean(0), (here.var(0, correction=0) + 1e-5).sqrt()
        below, beside = (factor * ((z - mean) / sd).clamp(min=0.0) for z in (here, there))
    scores, others = (z @ run.first[-1].weight.T for z in (below, beside))
    chances = softmax(scores.numpy())
    loss = -np.log(chances[np.arange(len(rows)), classes.numpy()]).mean()
    found = run.train(1).values
    assert found["train_loss"][0, 0] == pytest.approx(loss, rel=1e-9)
    right = (others.argmax(1) == test.classes).double().mean()
    assert found["test_accuracy"][0, 0] == pytest.approx(float(right), rel=1e-12)


def test_batches_are_epochs_without_their_tails(torch):
    """Of 11 rows by 3: every epoch has three batches of rows that differ; rows keep classes."""
    rows = torch.arange(11, dtype=torch.float64)[:, None]
    stream = nets.batches(rows, torch.arange(11), 3, np.random.default_rng(1))
    for _ in range(4):
        epoch = [next(stream) for _ in range(3)]
        seen = torch.cat([batch.classes for batch in epoch])
        assert len(set(seen.tolist())) == 9
        assert torch.cat([batch.rows for batch in epoch])[:, 0].long().equal(seen)


@needs_torch
def test_the_split():
    """Three quarters to train, every row once; columns standardized by these, flat ones 0.

    The probe is the first 512 of them.
    """
    data = bundled("digits")
    split = Split.of(data.rows, data.codes, np.random.default_rng(1))
    assert len(split.train.rows) == 1348
    assert split.probe.rows.equal(split.train.rows[:512])
    assert split.probe.classes.equal(split.train.classes[:512])
    assert len(split.test.rows) == 449
    rows = split.train.rows.numpy()
    sd = rows.std(axis=0)
    np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(sd[sd > 0.0], 1.0, rtol=1e-12)
    assert not rows[:, 0].any()  # the first pixel is dark in all images
    classes = np.concatenate([split.train.classes.numpy(), split.test.classes.numpy()])
    assert np.array_equal(np.bincount(classes), np.bincount(data.codes))


def test_steps_that_are_looked_at():
    """The first and the last always; six at most; every one of few."""
    for steps in range(1, 200):
        found = looks(steps)
        assert found[0] == 1
        assert found[-1] == steps
        assert len(found) == min(steps, 6)
        told = outcome_steps(steps)
        assert told[0] == 0
        assert set(found) <= set(told)
        assert list(told) == sorted(set(told))


@needs_torch
@pytest.mark.parametrize("variant", [NONE, BN])
def test_every_step_goes_from_the_weights_before_it(variant):
    """Four steps taken again: shift from W(t-1), drift from W(0), gradients of the step's batch."""
    run, again = wine_run(variant), wine_run(variant)
    found, net, layers = run.train(4), again.net, again.first

    def probed(weights):
        passed = nets.forward(net, weights, again.split.probe.rows)
        return [distances.Sample.of(given.numpy().T) for given in passed.given]

    start = probed(layers)
    for t in range(4):
        batch = next(again.batches)
        slopes = nets.gradients(net, layers, batch, None)
        after = nets.moved(layers, slopes, 0.05)
        here, there = probed(layers), probed(after)
        for name, measured, before in (
            ("moment_shift", distances.moment_distance, here),
            ("ks_shift", distances.ks_distance, here),
            ("wasserstein_shift", distances.wasserstein_distance, here),
            ("moment_drift", distances.moment_distance, start),
            ("ks_drift", distances.ks_distance, start),
        ):
            expected = [np.median(measured(*p)) for p in zip(before, there, strict=True)]
            np.testing.assert_allclose(found.values[name][:, t], expected, rtol=1e-9)
        for place in range(1, len(layers)):
            ahead = (*after[:place], *layers[place:])
            g = slopes[place][0].numpy()
            other = nets.gradient_of(net, ahead, place, batch, None).numpy()
            off = np.linalg.norm(g - other) / np.linalg.norm(g)
            assert found.values["gradient_shift"][place - 1, t] == pytest.approx(off, rel=1e-9)
        layers = after


# --------------------------------------------------------------------------------------------------
# Laws


def same(first, second):
    """Whether two runs have come to the same bits."""
    for one, two in zip(first, second, strict=True):
        assert one.keys() == two.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@pytest.mark.parametrize("word", ["mlp", "linear"])
@needs_torch
def test_noise_that_is_off_is_batch_normalization(word):
    """Of noise without any strength every measure has the bits of bn."""
    same(
        wine_run(NOISY_BN, noise=SILENCE, word=word).train(6), wine_run(BN, word=word).train(6)
    )  # fmt: skip


@pytest.mark.parametrize("variant", ALL)
@needs_torch
def test_weights_that_do_not_move_shift_nothing(variant, monkeypatch):
    """Shift and drift are exactly 0 and the cosine 1, floors are not; noise moves by itself."""
    monkeypatch.setattr(training, "moved", lambda layers, slopes, rate: layers)  # noqa: ARG005
    found = wine_run(variant).train(4)
    for name in shift.SHIFTS:
        assert (found.floors[name] > 0.0).all()
        # No noise is before the first layer.
        moved = found.values[name][1:] if name == "raw_shift" else found.values[name]
        assert (moved > 0.0).all() if variant == NOISY_BN else not found.values[name].any()
    if variant != NOISY_BN:
        assert not found.values["gradient_shift"].any()
        np.testing.assert_allclose(found.values["gradient_cosine"], 1.0, rtol=1e-12)
    assert np.ptp(found.values["train_loss"]) == 0.0


@needs_torch
def test_the_noise_of_every_step_is_another_by_hand(monkeypatch):
    """Noise of units alone, with weights that stay: step t goes from its noise to the next one's.

    The first layer's units have mean m and deviation s sd, with m and s of step 1, 2, 3 and 4.
    """
    monkeypatch.setattr(training, "moved", lambda layers, slopes, rate: layers)  # noqa: ARG005
    noise, net = Noise(mean_spread=0.0, scale_spread=0.0), NETS["mlp"]
    run = wine_run(NOISY_BN, noise=noise)
    raw = nets.forward(net, run.first, run.split.probe.rows).raw[0].numpy()
    sd = raw.std(axis=0) / np.sqrt(raw.var(axis=0) + 1e-5)
    rng = chance_of(5, "wine", 178, 0)("noise mlp", 16)
    steps = [nets.draw_units(noise, net, rng)[0] for _ in range(4)]

    def distance(one, two):
        off = np.hypot(two.mean - one.mean, (two.scale - one.scale) * sd)
        return np.median(off / (one.scale * sd))

    found = run.train(3).values
    shifts = [distance(*pair) for pair in itertools.pairwise(steps)]
    np.testing.assert_allclose(found["moment_shift"][0], shifts, rtol=1e-9)
    drifts = [distance(steps[0], step) for step in steps[1:]]
    np.testing.assert_allclose(found["moment_drift"][0], drifts, rtol=1e-9)


@needs_torch
def test_only_noise_moves_noisy_nets_by_more_than_normalized_ones():
    """What the noise is there for: its shift is many times that of bn, at every step and layer."""
    noisy, plain = (wine_run(variant).train(5).values for variant in (NOISY_BN, BN))
    for name in shift.SHIFTS:
        # No noise is before the first layer.
        first = 1 if name == "raw_shift" else 0
        assert (noisy[name] > plain[name])[first:].all(), name
    assert (noisy["gradient_shift"] > plain["gradient_shift"]).all()


@needs_torch
def test_bn_moves_the_moments_of_a_fixed_probe_by_gamma_and_beta_alone():
    """After a step, the probe's units have mean beta and standard deviation gamma, but for 1e-5."""
    run = wine_run(BN)
    slopes = nets.gradients(run.net, run.first, next(run.batches), None)
    after = nets.moved(run.first, slopes, 0.05)
    passed = nets.forward(run.net, after, run.split.probe.rows)
    expected = [
        np.median(
            np.hypot(layer.shift.numpy(), np.abs(layer.scale.numpy()) - 1.0)
        )
        for layer in after[:-1]
    ]  # fmt: skip
    for layer, given in zip(after, passed.given, strict=False):
        np.testing.assert_allclose(given.numpy().mean(axis=0), layer.shift.numpy(), atol=1e-12)
    found = wine_run(BN).train(1).values["moment_shift"][:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("variant", ALL)
@needs_torch
def test_batches_have_a_say_only_where_there_is_normalization(variant):
    """batch_shift is exactly 0 without; with it, larger batches have less of it."""
    levels = [
        wine_run(variant, size=n).train(2).values["batch_shift"].mean() for n in (4, 16, 64)
    ]  # fmt: skip
    if variant == NONE:
        assert levels == [0.0, 0.0, 0.0]
    else:
        assert levels[0] > 1.5 * levels[1] > 2.0 * levels[2] > 0.0


@needs_torch
def test_every_variant_learns():
    """After 150 steps the loss is below a third of ln 3, that of guessing among three classes."""
    for word in NETS:
        for variant in ALL:
            found = wine_run(variant, word=word).train(150).values
            assert found["train_loss"][0, -1] < math.log(3) / 3
            assert found["test_accuracy"][0, -1] > 0.8


@needs_torch
def test_noise_has_the_law_it_says():
    """Means and variances of what is multiplied and added, over 400 steps of 64 units.

    Shift: 0 and (0.5^2 + 0.1^2)/3; scale: 1.125 and 0.25^2/12 + 0.1^2. Units are shared by the rows
    of a step, so that errors are by unit. A mean of 0 that was off by 0.01, or a variance off by
    4 %, would be found.
    """
    net, rng = Net((64,), is_rectified=True), np.random.default_rng(10)
    drawn = []
    for _ in range(400):
        ((scale, shift_),) = nets.disturbances(NOISE, nets.draw_units(NOISE, net, rng), 20, rng)
        drawn.append((scale.numpy(), shift_.numpy()))
    scales, shifts = (np.concatenate(part, axis=1) for part in zip(*drawn, strict=True))
    for values, mean, variance in (
        (shifts, 0.0, 0.26 / 3),
        (scales, 1.125, 0.25**2 / 12 + 0.1**2),
    ):
        for by_unit, expected in (
            (values.mean(axis=0), mean),
            (((values - mean) ** 2).mean(axis=0), variance),
        ):
            error = by_unit.std(ddof=1) / math.sqrt(by_unit.size)
            assert abs(by_unit.mean() - expected) / error < LIMIT
    # Within a step and unit, only the rows' own part is left.
    assert shifts.std(axis=0, ddof=1).mean() == pytest.approx(0.1 / math.sqrt(3), rel=0.01)
    assert scales.std(axis=0, ddof=1).mean() == pytest.approx(0.1, rel=0.02)


@needs_torch
def test_batch_shift_of_normal_values():
    """Of normal values it is near sqrt(3/(2n)): errors of mean and deviation, 1/n and 1/(2n).

    At n = 200 of 40,000 rows, in 400 units of 8 batches; the median over units of a root of two
    squares is smaller by a factor that 10,000 such draws give.
    """
    rng = np.random.default_rng(11)
    n, values = 200, np.random.default_rng(12).standard_normal((400, 40_000))
    found = training.by_batches(values, rng.permutation(40_000)[: 8 * n].reshape(8, n))
    draws = np.hypot(
        rng.standard_normal(200_000) / math.sqrt(n), rng.standard_normal(200_000) / math.sqrt(2 * n)
    )
    assert found == pytest.approx(np.median(draws), rel=0.05)


def test_batch_shift_is_a_mean_over_batches_of_a_median_over_units():
    """Three batches of five rows, four units: normalized twice and compared row by row."""
    rng = np.random.default_rng(14)
    values = rng.standard_normal((4, 40)) * np.array([[0.1], [1.0], [3.0], [10.0]]) + 2.0
    order = rng.permutation(40)[:15].reshape(3, 5)

    def normalized(part):
        mean, variance = part.mean(axis=1, keepdims=True), part.var(axis=1, keepdims=True)
        return (values - mean) / np.sqrt(variance + 1e-5)

    whole, medians = normalized(values), []
    for chosen in order:
        off = np.sqrt(((normalized(values[:, chosen]) - whole) ** 2).mean(axis=1))
        medians.append(np.median(off / whole.std(axis=1)))
    assert training.by_batches(values, order) == pytest.approx(np.mean(medians), rel=1e-12)


@pytest.mark.parametrize(("word", "gain"), [("mlp", 2.0), ("linear", 1.0)])
def test_first_weights_keep_the_scale_of_activations(word, gain):
    """Weights have variance 2/inputs before rectifiers, which halve squares, and 1/inputs without.

    Of 4,096 and 1,024 weights and more, each layer's variance within 4 standard errors of it.
    """
    weights = nets.first_weights(NETS[word], 64, 10, np.random.default_rng(15))
    sizes = [64, *NETS[word].hidden, 10]
    assert [w.shape for w in weights] == [(b, a) for a, b in itertools.pairwise(sizes)]
    for weight in weights:
        ratio = (weight**2).mean() * weight.shape[1] / gain
        assert abs(ratio - 1.0) < LIMIT * math.sqrt(2.0 / weight.size)


# --------------------------------------------------------------------------------------------------
# The study


def test_a_replication_is_a_function_of_the_design_alone(torch):
    """The same bits again, whatever the threads, and nothing global is changed or read."""
    design = make()
    source = sources(design)[0]
    torch.manual_seed(1)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    first = shift.block_errors(design, source, 0)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    try:
        torch.set_num_threads(2)
        again = shift.block_errors(design, source, 0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(first, again)
    other = shift.block_errors(design, source, 1)
    assert not np.array_equal(first, other)


def test_threads_are_put_back_after_an_error(torch):
    """Whatever is raised meanwhile."""
    torch.set_num_threads(2)
    try:
        with contextlib.suppress(ZeroDivisionError), one_thread():
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def keyed(result):
    """Return rows and points of curves by their keys."""
    rows = result.frame.set_index(["distribution", "estimator", "batch_size", "factors"])
    curves = result.curves.set_index(
        ["distribution", "estimator", "batch_size", "factors", "kind", "x"]
    )
    return rows[["estimate", "mcse", "ci_low", "ci_high", "status"]], curves[["y", "mcse"]]


LARGE = {"batch_sizes": "8,16", "datasets": "wine,breast_cancer"}


@pytest.fixture(scope="module")
def large(torch):  # noqa: ARG001
    """Two batch sizes, data sets and nets, and all variants."""
    return keyed(sn.run(make(**LARGE)))


@pytest.mark.parametrize(
    "less",
    [
        {"variants": "none,noisy_bn"}, {"nets": "linear"},
        {"batch_sizes": "16"}, {"datasets": "wine"}, {"rates": "0.2"},
    ],
    ids=["variant", "net", "batch size", "data set", "rate"],
)  # fmt: skip
def test_what_is_added_changes_no_number(large, less):
    """Rows and curves of the smaller design stand in the larger one, bit for bit.

    But for the best of the rates, which may be another if there are more of them.
    """
    for many, few in zip(large, keyed(sn.run(make(**(LARGE | less)))), strict=True):
        if "rates" in less:
            few = few[~few.index.get_level_values("factors").str.contains("rate=best")]
        assert len(few) < len(many)
        assert many.loc[few.index].equals(few)


@needs_torch
def test_workers_and_replications_change_no_number(tmp_path):
    """Two workers or one; two replications and then a third, or three at once."""
    plain = sn.run(make(replications=3), workers=1)
    both = sn.run(make(replications=3), workers=2)
    sn.run(make(), out=tmp_path / "run")
    topped = sn.run(make(replications=3), out=tmp_path / "run")
    for other in (both, topped, sn.load(tmp_path / "run")):
        for mine, theirs in zip(keyed(plain), keyed(other), strict=True):
            assert mine.equals(theirs)


@needs_torch
def test_rows_are_made_of_levels_in_the_same_replication():
    """Every comparison, from the levels of its two sides."""
    design = make(replications=3)
    source = sources(design)[0]
    kept = np.stack([shift.block_errors(design, source, b)[0][:, 0] for b in range(3)])
    places = shift.places(design)
    level = {p: kept[:, i] for i, p in enumerate(places) if not p.against}
    frame = sn.run(design).frame
    assert len(frame) == len(places)
    for i, place in enumerate(places):
        row = frame.iloc[i]
        assert row["estimator"] == place.quantity
        here = level[place._replace(against="")]
        if place.against in ("none", "bn"):
            there = level[place._replace(variant=place.against, against="")]
            if place.quantity in ("gradient_cosine", "test_accuracy"):
                assert row["measure"] == "mean"
                assert row["estimate"] == pytest.approx((here - there).mean(), abs=1e-12)
                spread = (1 / 3 + (1 / 3 if place.quantity == "test_accuracy" else 0)) ** 0.5
                error = (here - there).std(ddof=1) * spread
                assert row["mcse"] == pytest.approx(error, rel=1e-9, abs=1e-15)
            else:
                assert row["measure"] == "ratio"
                expected = math.exp(np.log(here / there).mean())
                assert row["estimate"] == pytest.approx(expected, rel=1e-12)
        elif not place.against:
            assert row["measure"] == "mean"
            assert row["estimate"] == pytest.approx(here.mean(), rel=1e-12)
            # Splits of the same rows: n_test/n_train = 1/3 more, whatever R is.
            more = 1 / 3 if place.quantity == "test_accuracy" else 0.0
            error = here.std(ddof=1) * math.sqrt(1 / 3 + more)
            assert row["mcse"] == pytest.approx(error, rel=1e-9, abs=1e-15)


@needs_torch
def test_the_table():
    """What is told of, in which words: exact where no batch has a say, never undefined."""
    result = sn.run(make())
    frame = result.frame
    assert set(frame["source"]) == {"bundled"}
    assert set(frame["full_size"]) == {178}
    assert set(frame["estimator"]) == set(shift.QUANTITIES)
    alone = frame[(frame["estimator"] == "batch_shift") & (frame["variant"] == "none")]
    # Of two nets, at two rates and the best.
    assert alone["status"].tolist() == ["exact"] * 6
    assert not alone["estimate"].any()
    assert not "".join(alone["against"])
    rest = frame.drop(alone.index)
    few = rest[rest["status"] != "ok"]
    # Of 44 rows to test with, two replications may well say the same.
    assert set(few["estimator"]) <= {"test_accuracy"}
    against = frame.groupby("estimator")["against"].agg(set)
    for name, found in against.items():
        floor = {"floor"} if name in shift.WITH_FLOOR else set()
        assert found == {"", "bn"} | ({"none"} if name != "batch_shift" else set()) | floor


@needs_torch
def test_curves_come_to_the_levels():
    """A level is the mean of its trajectory over layers and steps; an outcome is its last value."""
    result = sn.run(make(steps=12))
    curves, frame = result.curves, result.frame
    levels = frame[frame["against"] == ""]
    assert set(curves["kind"]) == {"trajectory", "floor", "chosen"}
    for _, row in levels.iterrows():
        if row["status"] == "undefined":
            continue
        name, factors = row["estimator"], row["factors"]
        of = curves["factors"]
        mine = curves[
            (curves["estimator"] == name)
            & (curves["kind"] == "trajectory")
            & ((of == factors) | of.str.startswith(f"{factors};layer="))
        ]
        if name in shift.OUTCOMES:
            assert mine["x"].tolist() == list(outcome_steps(12))
            assert mine["y"].iloc[-1] == pytest.approx(row["estimate"], rel=1e-12)
            assert mine["mcse"].iloc[-1] == pytest.approx(row["mcse"], rel=1e-9, abs=1e-15)
        else:
            assert sorted(set(mine["x"])) == list(looks(12))
            assert mine["y"].mean() == pytest.approx(row["estimate"], rel=1e-12, abs=1e-15)


def test_layers_are_called_by_their_places():
    """Hidden layers from 1 on; gradients from the second to the last one, behind all hidden."""
    of = {}
    for point in shift.points_of(make()):
        of.setdefault((point.net, point.quantity), set()).add(point.layer)
    for (net, quantity), found in of.items():
        hidden = len(NETS[net].hidden)
        first, last = (2, hidden + 1) if quantity in shift.GRADIENTS else (1, hidden)
        assert found == ({0} if quantity in shift.OUTCOMES else set(range(first, last + 1)))


@needs_torch
def test_floors_come_to_the_comparisons():
    """Cosines, whose comparison is a difference: level less floor, in points of the curves."""
    result = sn.run(make())
    frame, curves = result.frame, result.curves
    mine = curves[curves["estimator"] == "gradient_cosine"]
    for _, row in frame[
        (frame["estimator"] == "gradient_cosine") & (frame["against"] == "floor")
    ].iterrows():  # fmt: skip
        start = row["factors"].removesuffix("against=floor") + "layer="
        here = mine[mine["factors"].str.startswith(start)].groupby("kind")["y"].mean()
        assert row["estimate"] == pytest.approx(here["trajectory"] - here["floor"], rel=1e-9)


# --------------------------------------------------------------------------------------------------
# What is refused


def test_without_torch_it_says_how_to_get_it(monkeypatch):
    """One line, before anything is trained."""
    monkeypatch.setattr(studies, "find_spec", lambda name: None)  # noqa: ARG005
    for call in (shift.check, sn.run):
        with pytest.raises(SimnormError, match=r"needs torch, .*Get it: pip install") as caught:
            call(make())
        assert "\n" not in str(caught.value)


@needs_torch
def test_batches_that_no_step_can_be_taken_with():
    """One row has no variance; there are 134 rows of wine to train on."""
    with pytest.raises(SimnormError, match=r"batch_sizes: got 1; .*no variance"):
        shift.check(make(batch_sizes="1"))
    with pytest.raises(SimnormError, match="batch_sizes: got 135; wine has 134 rows"):
        shift.check(make(batch_sizes="135"))
    shift.check(make(batch_sizes="134"))
    shift.check(make(batch_sizes="1", variants="none"))


@needs_torch
def test_a_batch_of_one_without_normalization():
    """It trains, and every level is a number."""
    frame = sn.run(make(batch_sizes="1", variants="none", nets="mlp")).frame
    assert np.isfinite(frame["estimate"]).all()


@needs_torch
def test_a_net_that_diverges_is_told_of():
    """All its cells are void, those beside it too, no warning; the best rate is another."""
    design = make(variants="none,bn", nets="linear", steps=40, rates="0.05,100")
    result = sn.run(design)
    frame = result.frame.set_index(["estimator", "variant", "rate", "against"])
    lost = frame.loc[(slice(None), "none", "100"), :]
    assert set(lost["status"]) == {"undefined"}
    assert set(lost["reason"]) == {"diverged in 2 of 2 replications"}
    assert set(lost["failed"]) == {2}
    beside = frame.loc[("train_loss", "bn", "100", "none")]
    assert beside["reason"] == "diverged in 2 of 2 replications"
    best, slow = (frame.loc[("ks_shift", "none", rate, "")] for rate in ("best", "0.05"))
    assert best["estimate"] == slow["estimate"]
    chosen = result.curves[result.curves["kind"] == "chosen"].set_index(["factors", "x"])["y"]
    assert chosen["net=linear;variant=none;rate=best", 0.05] == 1.0
    assert chosen["net=linear;variant=none;rate=best", 100.0] == 0.0


@needs_torch
def test_a_variant_that_diverges_at_every_rate_has_no_best_one():
    """Then no rate was chosen, and the best is void as well."""
    result = sn.run(make(variants="none", nets="linear", steps=40, rates="100,200"))
    assert set(result.frame["status"]) == {"undefined"}
    chosen = result.curves[result.curves["kind"] == "chosen"]
    assert chosen["y"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("losses", "best"),
    [((3.0, 1.0, 2.0), "0.1"), ((1.0, 1.0, 2.0), "0.05"), ((math.nan, 5.0, 4.0), "0.2"),
     ((4.0, math.nan, math.nan), "0.05"), ((math.nan,) * 3, "0.05")],
)  # fmt: skip
def test_the_best_rate_has_the_smallest_loss_in_the_end(losses, best):
    """The first of equals; a run that has diverged only where there is nothing else."""
    design = make(rates="0.05,0.1,0.2", nets="mlp", variants="bn", batch_sizes="16")
    found = {
        (16, "mlp", "bn", rate): training.Found({"train_loss": np.array([[9.0, loss]])}, {})
        for rate, loss in zip(("0.05", "0.1", "0.2"), losses, strict=True)
    }
    assert shift.best_rate(found, design, 16, "mlp", "bn") == best


@needs_torch
def test_cells_of_the_best_rate_are_those_of_the_chosen_ones():
    """In every replication, of every net and variant: levels, floors and both comparisons."""
    design = make(steps=12)
    source = sources(design)[0]
    places = shift.places(design)
    for block in range(3):
        a = shift.block_errors(design, source, block)[0][:, 0]
        level = {p: a[i] for i, p in enumerate(places)}
        best = {}
        for p in places:
            if p.quantity == "train_loss" and not p.against and p.rate != "best":
                best.setdefault(p[1:4], []).append((level[p], p.rate))
        best = {key: min(found)[1] for key, found in best.items()}
        for p in places:
            if p.rate != "best":
                continue
            here = level[p._replace(rate=best[p[1:4]], against="")]
            if p.against not in ("none", "bn"):
                assert level[p] == level[p._replace(rate=best[p[1:4]])]
                continue
            there = p._replace(variant=p.against, against="")
            there = level[there._replace(rate=best[there[1:4]])]
            is_ratio = p.quantity not in shift.DIFFERENT
            expected = math.log(here / there) if is_ratio else here - there
            assert level[p] == pytest.approx(expected, abs=1e-12), p


@needs_torch
def test_a_rate_scales_the_first_step():
    """At twice the rate a linear layer's moments before BN move about twice as far."""
    slow, fast = (
        wine_run(NONE, rate=rate).train(1).values["raw_shift"][0, 0] for rate in (1e-4, 2e-4)
    )
    assert fast / slow == pytest.approx(2.0, rel=1e-2)


@needs_torch
def test_behind_bn_moments_are_of_beta_and_gamma_and_before_it_of_the_layer_below():
    """Weights of the first layer that double move the moments before BN by 1, behind it by 0."""
    run = wine_run(BN)
    twice = tuple(layer._replace(weight=2.0 * layer.weight) for layer in run.first)
    rows = run.split.probe.rows
    one, two = (nets.forward(run.net, layers, rows) for layers in (run.first, twice))
    here, there = (distances.Moments.of(p.raw[0].numpy().T) for p in (one, two))
    mean = here.mean / here.sd
    expected = np.hypot(mean, 1.0)
    np.testing.assert_allclose(distances.moment_distance(here, there), expected, rtol=1e-9)
    here, there = (distances.Sample.of(p.given[0].numpy().T) for p in (one, two))
    assert distances.moment_distance(here, there).max() < 1e-4


def test_rates_are_positive_numbers_from_small_to_large():
    """The same ones in any order are the same design; 0, text and infinity are refused."""
    assert make(rates="0.2,0.05,0.2").rates == (0.05, 0.2)
    assert make(rates="0.2,0.05") == make(rates=[0.05, 0.2])
    assert Design.from_toml(make(rates="0.3").to_toml()).rates == (0.3,)
    assert Design.make(study="shift").rates == (0.05, 0.1, 0.2, 0.5)
    for bad in ("0", "-1", "fast", "inf", "1e9"):
        with pytest.raises(SimnormError, match="rates: got") as caught:
            make(rates=bad)
        assert "\n" not in str(caught.value)


def test_a_noise_of_ones_own():
    """The middle of the noise is its mean: what stands in for it where the outcomes are taken."""
    assert NOISE.middle == (1.125, 0.0)
    assert SILENCE.middle == (1.0, 0.0)
    assert Noise(scale=2.0).middle == (1.5, 0.0)
