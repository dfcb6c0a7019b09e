"""Parity of the presets with torch.nn.BatchNorm1d and keras.layers.BatchNormalization.

Differences are relative to scale: output to its largest absolute value, a running mean to the root
mean square of its column, a running variance to itself. How large they may be is said by
`PROMISED`, where batches are of moderate size and few, and by `bound` everywhere else.

    pip install "simnorm[frameworks]"
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from simnorm.errors import SimnormError
from simnorm.preprocessing import PRESETS, BatchNormalizer

MISSING = [name for name in ("torch", "keras") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING),
    reason=f'no {" and ".join(MISSING)} here: pip install "simnorm[frameworks]"',
)

DTYPES = [np.float32, np.float64]
# After ten steps with batches of 32. Measured over 40 seeds: at most 6.9e-7 and 1.4e-15.
PROMISED = {np.float32: 1e-6, np.float64: 1e-12}

# Means no further than one standard deviation from 0, but scales from 0.1 to 30.
LOCATIONS = np.array([0.0, 0.1, -2.0, 30.0])
SCALES = np.array([1.0, 0.1, 3.0, 30.0])
RMS = np.hypot(LOCATIONS, SCALES)
GAMMA = np.array([1.0, -0.5, 2.0, 0.25])
BETA = np.array([0.0, 3.0, -1.0, 0.5])


@pytest.fixture(scope="module", autouse=True)
def keras(tmp_path_factory):
    """Keras on torch, with no trace in the environment or the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        import keras
    if keras.backend.backend() != "torch":
        pytest.skip(f"keras was imported before, on {keras.backend.backend()}")
    return keras


@pytest.fixture
def wide_keras(monkeypatch):
    """Lift what turns float64 into float32: Keras's rule that two 64-bit types promote to 32.

    On torch the layer casts what it is given to that type, so that one of dtype float64 keeps its
    variables in float64 and takes all statistics in float32. Only on TensorFlow it does not.
    """
    from keras.src.layers.normalization import batch_normalization

    monkeypatch.setattr(batch_normalization.backend, "result_type", lambda *_: "float64")


class Torch:
    """BatchNorm1d, driven like a `BatchNormalizer`."""

    preset = "pytorch"
    # Its variance is that of deviations, which carry the rounding of their mean.
    lost = 0.5

    def __init__(self, dtype, affine=None, **settings):
        import torch

        self.dtype = getattr(torch, np.dtype(dtype).name)
        self.layer = torch.nn.BatchNorm1d(4, dtype=self.dtype, **settings)
        if affine is not None:
            with torch.no_grad():
                self.layer.weight.copy_(torch.tensor(affine[0]))
                self.layer.bias.copy_(torch.tensor(affine[1]))

    def train(self, rows):
        return self._output(self.layer.train(), rows)

    def infer(self, rows):
        return self._output(self.layer.eval(), rows)

    def _output(self, layer, rows):
        import torch

        return layer(torch.tensor(rows, dtype=self.dtype)).detach().numpy()

    @property
    def running(self):
        return self.layer.running_mean.numpy().copy(), self.layer.running_var.numpy().copy()


class Keras:
    """BatchNormalization, driven like a `BatchNormalizer`."""

    preset = "keras3"
    # On torch its variance is the mean of the squares less the square of the mean.
    lost = 1.0

    def __init__(self, dtype, affine=None, **settings):
        import keras

        self.dtype = np.dtype(dtype)
        self.layer = keras.layers.BatchNormalization(dtype=self.dtype.name, **settings)
        self.layer.build((None, 4))
        if affine is not None:
            self.layer.gamma.assign(affine[0])
            self.layer.beta.assign(affine[1])

    def train(self, rows):
        return self.layer(rows.astype(self.dtype), training=True).detach().numpy()

    def infer(self, rows):
        return self.layer(rows.astype(self.dtype), training=False).detach().numpy()

    @property
    def running(self):
        moving = self.layer.moving_mean, self.layer.moving_variance
        return tuple(variable.value.detach().numpy().copy() for variable in moving)


FRAMEWORKS = [Torch, Keras]


def bound(framework, rows, size, steps, dtype):
    """What rounding may make, in units of scale.

    A variance relative to itself loses as many roundings as the mean square of a batch is larger
    than variance + epsilon (or the root of that, see `lost`), times some four for the sums. Every
    step of a running value adds at most four halves: two products, a sum, and a momentum that is
    itself rounded; those of old steps have faded with the value, 1/(1 - m) of them are left.
    """
    preset = PRESETS[framework.preset]
    batches = rows[: len(rows) // size * size].reshape(-1, size, 4).astype(float)
    ratio = np.square(batches).mean(axis=1) / (batches.var(axis=1) + preset.epsilon)
    left = min(steps, 1 / (1 - preset.momentum))
    return 4 * np.finfo(dtype).eps * ((1 + ratio.max()) ** framework.lost + left / 2)


def rows_of(count, dtype, seed=1):
    drawn = np.random.default_rng(seed).normal(LOCATIONS, SCALES, size=(count, 4))
    return drawn.astype(dtype)


def near(ours, theirs, within, unit=None):
    """Whether two arrays differ by no more than `within` times their scale."""
    unit = np.abs(theirs).max() if unit is None else unit
    assert ours.shape == theirs.shape
    assert np.isfinite(theirs).all()
    assert (np.abs(np.subtract(ours, theirs, dtype=float)) / unit).max() <= within


def same_running(normalizer, framework, within):
    mean, variance = framework.running
    near(normalizer.running_mean_, mean, within, RMS)
    near(normalizer.running_var_, variance, within, variance)


def train(framework, rows, size):
    """Train on all batches in order, the last one short if need be; return the outputs."""
    cuts = range(size, len(rows), size)
    return np.concatenate([framework.train(batch) for batch in np.split(rows, cuts)])


def compare(layer, normalizer, rows, within):
    """Training output, running statistics and inference output are the same."""
    # The frameworks' own rows, and float64 from there on: their rounding is what is measured.
    wide = rows.astype(float)
    outputs = train(layer, rows, normalizer.batch_size)
    normalizer.fit(wide)
    near(normalizer.transform_batches(wide), outputs, within)
    same_running(normalizer, layer, within)
    near(normalizer.transform(wide), layer.infer(rows), within)


# ---------------------------------------------------------------------------------------------
# All of it, in both precisions


CASES = [(Torch, np.float32), (Torch, np.float64), (Keras, np.float32), (Keras, np.float64)]


@pytest.fixture
def case(request):
    """Return framework and dtype; Keras gets float64 where that is asked for."""
    if request.param == (Keras, np.float64):
        request.getfixturevalue("wide_keras")
    return request.param


each_case = pytest.mark.parametrize(
    "case", CASES, indirect=True, ids=lambda c: f"{c[0].preset}-{np.dtype(c[1]).name}"
)


@each_case
def test_ten_steps_agree_to_what_is_promised(case):
    """Training output, running statistics and inference: 1e-6 in float32, 1e-12 in float64."""
    framework, dtype = case
    ours = BatchNormalizer(32, preset=framework.preset, gamma=GAMMA, beta=BETA)
    compare(framework(dtype, affine=(GAMMA, BETA)), ours, rows_of(320, dtype), PROMISED[dtype])


@each_case
@pytest.mark.parametrize("size", [2, 7, 32])
@pytest.mark.parametrize("steps", [1, 200])
def test_any_batches_agree_to_rounding(case, size, steps):
    """The same for batches of two, one step and many, to what rounding may make of these rows."""
    framework, dtype = case
    rows = rows_of(size * steps, dtype)
    ours = BatchNormalizer(size, preset=framework.preset, gamma=GAMMA, beta=BETA)
    within = bound(framework, rows, size, steps, dtype)
    compare(framework(dtype, affine=(GAMMA, BETA)), ours, rows, within)


@each_case
def test_the_last_batch_is_short(case):
    """Rows left over are a batch of their own."""
    framework, dtype = case
    ours = BatchNormalizer(32, preset=framework.preset)
    compare(framework(dtype), ours, rows_of(200, dtype), PROMISED[dtype])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_epochs_in_random_order(framework):
    """Two passes over shuffled rows are the framework's on rows in these orders."""
    rows = rows_of(96, np.float32)
    ours = BatchNormalizer(
        32, preset=framework.preset, shuffle=True, epochs=2, random_state=np.random.default_rng(5)
    ).fit(rows)
    layer, order = framework(np.float32), np.random.default_rng(5)
    for _ in range(2):
        train(layer, rows[order.permutation(96)], 32)
    same_running(ours, layer, PROMISED[np.float32])


def test_steps_are_counted_as_by_torch():
    """`n_batches_seen_` is num_batches_tracked."""
    layer, rows = Torch(np.float32), rows_of(200, np.float32)
    train(layer, rows, 32)
    assert BatchNormalizer(32).fit(rows).n_batches_seen_ == layer.layer.num_batches_tracked == 7


# ---------------------------------------------------------------------------------------------
# Settings other than the presets'


def test_the_momentum_of_torch_is_one_minus_ours():
    """momentum=0.3 in torch weighs the new value by 0.3."""
    ours = BatchNormalizer(32, momentum=0.7, epsilon=0.1, running_ddof=1)
    layer = Torch(np.float64, momentum=0.3, eps=0.1)
    compare(layer, ours, rows_of(320, np.float64), PROMISED[np.float64])


def test_the_momentum_of_keras_is_ours():
    """momentum=0.7 in Keras weighs the old value by 0.7."""
    ours = BatchNormalizer(32, momentum=0.7, epsilon=0.1)
    layer = Keras(np.float32, momentum=0.7, epsilon=0.1)
    compare(layer, ours, rows_of(320, np.float32), PROMISED[np.float32])


@pytest.mark.parametrize("count", [320, 200])
def test_no_momentum_is_the_mean_of_all_batches(count):
    """momentum=None weighs batches equally, in torch a short last one too."""
    ours = BatchNormalizer(32, momentum=None, epsilon=1e-5, running_ddof=1)
    layer = Torch(np.float64, momentum=None)
    compare(layer, ours, rows_of(count, np.float64), PROMISED[np.float64])


def test_no_momentum_is_what_update_bn_does():
    """torch.optim.swa_utils.update_bn forgets what a layer has seen, and averages batches."""
    import torch

    rows, layer = rows_of(200, np.float64), Torch(np.float64)
    train(layer, 5 * rows, 32)
    batches = [torch.tensor(batch) for batch in np.split(rows, range(32, 200, 32))]
    torch.optim.swa_utils.update_bn(batches, layer.layer)
    ours = BatchNormalizer(32, momentum=None, running_ddof=1).fit(rows)
    same_running(ours, layer, PROMISED[np.float64])


# ---------------------------------------------------------------------------------------------
# The edges


def test_batches_of_one_row_in_keras():
    """Output is beta, the running variance decays, and inference then multiplies by up to 31.6."""
    rows, layer = rows_of(1500, np.float32), Keras(np.float32)
    ours = BatchNormalizer(1, preset="keras3").fit(rows.astype(float))
    assert (train(layer, rows, 1) == 0.0).all()
    assert (ours.transform_batches(rows) == 0.0).all()
    # A hundred steps back an error has faded, so that 1/(1 - m) of two units each are left; the
    # running variance has nothing but its own product, 1500 of them with a rounded 0.99.
    eps = np.finfo(np.float32).eps
    mean, variance = layer.running
    near(ours.running_mean_, mean, 4 * eps * 100 / 2, RMS)
    near(ours.running_var_, variance, 1500 * eps, variance)
    near(ours.transform(rows.astype(float)), layer.infer(rows), 4 * eps * 100 / 2)


def test_batches_of_one_row_in_torch():
    """Refused by both, as the whole and as what is left for the last batch."""
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        Torch(np.float32).train(rows_of(1, np.float32))
    for size, count in [(1, 3), (4, 1), (4, 9)]:
        with pytest.raises(SimnormError, match="more than one sample"):
            BatchNormalizer(size, preset="pytorch").fit(rows_of(count, np.float32))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_constant_column(framework):
    """It comes out as beta, and its running variance decays."""
    rows = rows_of(96, np.float32)
    rows[:, 1] = 0.5
    ours = BatchNormalizer(32, preset=framework.preset, gamma=GAMMA, beta=BETA)
    layer = framework(np.float32, affine=(GAMMA, BETA))
    assert (train(layer, rows, 32)[:, 1] == BETA[1]).all()
    assert (ours.transform_batches(rows)[:, 1] == BETA[1]).all()
    same_running(ours.fit(rows.astype(float)), layer, PROMISED[np.float32])


def test_a_float64_layer_of_keras_agrees_like_a_float32_one():
    """Without `wide_keras` it answers in float64 what it has found in float32."""
    rows, layer = rows_of(320, np.float64), Keras(np.float64)
    ours = BatchNormalizer(32, preset="keras3")
    compare(layer, ours, rows, PROMISED[np.float32])
    assert layer.train(rows).dtype == np.float64


def test_far_from_zero_keras_loses_digits_and_simnorm_does_not():
    """At 100 standard deviations from 0, Keras in float32 is off by what E[x^2] - E[x]^2 loses.

    simnorm takes float32 rows in float64 and is off by nothing; the rows as rounded to float32
    are what both are given.
    """
    rows = (rows_of(320, np.float64) + 100 * SCALES).astype(np.float32)
    batches = rows.astype(float).reshape(10, 32, 4)
    ours = BatchNormalizer(32, preset="keras3").fit(rows)
    expected, layer = np.ones(4), Keras(np.float32)
    for variance in batches.var(axis=1):
        expected = 0.99 * expected + 0.01 * variance
    assert ours.running_var_ == pytest.approx(expected, rel=1e-12)
    train(layer, rows, 32)
    same_running(ours, layer, bound(Keras, rows, 32, 10, np.float32))
