"""Transformers and streaming moments: by hand, laws over all presets, z-tests, scikit-learn.

What torch and keras themselves answer is in test_frameworks.py. Flax is not installed for tests:
its preset is checked against the update rule it documents, written out in `running_of`.
"""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import simnorm as sn
from simnorm.errors import SimnormError
from simnorm.preprocessing import (
    PRESETS,
    BatchNormalizer,
    PreciseBatchNormalizer,
    StreamingMoments,
    batches,
)

ROUNDING = 1e-13
steady = settings(derandomize=True, deadline=None, max_examples=150)

# Four rows, one feature: mean 2.5, biased variance 5/4, unbiased 5/3.
FOUR = np.array([[1.0], [2.0], [3.0], [4.0]])

# The presets, the cumulative mean, and settings that no framework has.
KINDS = {
    **{name: {"preset": name} for name in PRESETS},
    "cumulative": {"momentum": None, "running_ddof": 1},
    "other": {"momentum": 0.3, "epsilon": 0.5, "running_ddof": 1},
    "forgetful": {"momentum": 0.0, "epsilon": 0.0},
    "frozen": {"momentum": 1.0},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def settings_of(kind):
    """Momentum, epsilon and ddof of a kind, from its own words."""
    given = KINDS[kind]
    if "preset" in given:
        return tuple(PRESETS[given["preset"]])
    default = {"momentum": 0.99, "epsilon": 1e-3, "running_ddof": 0}
    return tuple({**default, **given}.values())


def weights(momentum, steps):
    """Weight of the start and of every batch: m^T and (1-m) m^(T-t), or 0 and 1/T."""
    if momentum is None:
        return 0.0, np.full(steps, 1.0 / steps)
    return momentum**steps, (1.0 - momentum) * momentum ** np.arange(steps - 1, -1, -1.0)


def running_of(kind, parts):
    """Running mean and variance in closed form, from the batches."""
    momentum, _, ddof = settings_of(kind)
    start, weight = weights(momentum, len(parts))
    mean = sum(w * part.mean(axis=0) for w, part in zip(weight, parts, strict=True))
    variance = sum(w * part.var(axis=0, ddof=ddof) for w, part in zip(weight, parts, strict=True))
    return mean, start + variance


def cut(rows, size):
    return np.split(rows, range(size, len(rows), size))


def drawn(count, features=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(
        [0.0, 5.0, -200.0][:features], [1.0, 0.01, 30.0][:features], (count, features)
    )


# ---------------------------------------------------------------------------------------------
# By hand


@pytest.mark.parametrize(
    ("preset", "mean", "variance", "outputs"),
    [
        ("keras3", 0.025, 1.0025, (0.44703, 1.34110)),
        ("pytorch", 0.25, 0.9 + 0.1 * 5 / 3, (0.44721, 1.34164)),
        ("flax", 0.025, 1.0025, (0.44721, 1.34164)),
    ],
)
def test_one_step_on_four_rows(preset, mean, variance, outputs):
    """1, 2, 3, 4 in a fresh layer; in PyTorch the running variance is 1.06667."""
    normalizer = BatchNormalizer(4, preset=preset).fit(FOUR)
    assert normalizer.running_mean_ == pytest.approx([mean], rel=1e-15)
    assert normalizer.running_var_ == pytest.approx([variance], rel=1e-15)
    near, far = outputs
    assert normalizer.transform_batches(FOUR).ravel() == pytest.approx(
        [-far, -near, near, far], abs=5e-6
    )
    epsilon = PRESETS[preset].epsilon
    assert normalizer.transform([[7.0]]) == pytest.approx(
        (7.0 - mean) / math.sqrt(variance + epsilon), rel=1e-15
    )


def test_two_steps_weigh_the_old_value_by_momentum():
    """From 0 and 1, batches (1, 3) and (4, 8), m = 3/4: mean 15/8, variance 7/4."""
    normalizer = BatchNormalizer(2, momentum=0.75).fit([[1.0], [3.0], [4.0], [8.0]])
    # mean: 3/4 (1/4 x 2) + 1/4 x 6; variance: 3/4 (3/4 + 1/4 x 1) + 1/4 x 4.
    assert normalizer.running_mean_.tolist() == [1.875]
    assert normalizer.running_var_.tolist() == [1.75]


def test_without_momentum_batches_count_equally_the_short_one_too():
    """Batches (1, 2), (3, 6) and (9): the mean of 1.5, 4.5 and 9, of 1/4, 9/4 and 0."""
    normalizer = BatchNormalizer(2, momentum=None).fit([[1.0], [2.0], [3.0], [6.0], [9.0]])
    assert normalizer.running_mean_ == pytest.approx([5.0], rel=1e-15)
    assert normalizer.running_var_ == pytest.approx([2.5 / 3], rel=1e-15)
    assert (normalizer.n_batches_seen_, normalizer.n_samples_seen_) == (3, 5)


def test_fewer_rows_than_a_batch_are_one_short_batch():
    """Four rows at batch size 32 are what they are at batch size 4."""
    normalizer = BatchNormalizer(32).fit(FOUR)
    assert normalizer.running_var_ == pytest.approx([1.0025], rel=1e-15)
    assert normalizer.n_batches_seen_ == 1
    assert PreciseBatchNormalizer(32).fit(FOUR).var_.tolist() == [1.25]


def test_a_preset_decides_and_changes_no_parameter():
    """Other values beside a preset have no effect, and stay as they were given."""
    given = {"momentum": 0.5, "epsilon": 7.0, "running_ddof": 0}
    both = BatchNormalizer(4, preset="pytorch", **given).fit(FOUR)
    alone = BatchNormalizer(4, preset="pytorch").fit(FOUR)
    assert both.running_var_ == alone.running_var_
    assert (both.transform(FOUR) == alone.transform(FOUR)).all()
    assert {name: both.get_params()[name] for name in given} == given


def test_gamma_and_beta_of_every_feature():
    """Outputs are multiplied and shifted feature by feature, in training and inference."""
    rows = np.hstack([FOUR, FOUR, -FOUR])
    gamma, beta = [2.0, 1.0, 0.0], [0.0, 10.0, 5.0]
    plain, affine = BatchNormalizer(2).fit(rows), BatchNormalizer(2, gamma=gamma, beta=beta)
    affine.fit(rows)
    for output in ("transform", "transform_batches"):
        expected = getattr(plain, output)(rows) * gamma + beta
        assert (getattr(affine, output)(rows) == expected).all()


@pytest.mark.parametrize("preset", ["keras3", "flax"])
def test_a_batch_of_one_row_is_beta_and_the_running_variance_decays(preset):
    """One row in training mode carries no information; mean 0.01 x 7, variance 0.99."""
    normalizer = BatchNormalizer(1, preset=preset, beta=3.0).fit([[7.0]])
    assert normalizer.running_mean_ == pytest.approx([0.07], rel=1e-14)
    assert normalizer.running_var_.tolist() == [0.99]
    assert normalizer.transform_batches([[7.0], [8.0]]).tolist() == [[3.0], [3.0]]


def test_inference_after_1500_batches_of_one_row():
    """(x - mu)/sqrt(m^T + epsilon): one standard deviation comes out as more than 30."""
    rows = np.random.default_rng(3).normal(size=(1500, 1))
    normalizer = BatchNormalizer(1, preset="keras3").fit(rows)
    assert normalizer.running_var_ == pytest.approx(0.99**1500, rel=1e-12)
    mean = normalizer.running_mean_[0]
    expected = (1.0 - mean) / math.sqrt(0.99**1500 + 1e-3)
    assert normalizer.transform([[1.0]])[0, 0] == pytest.approx(expected, rel=1e-12)
    # 31.6 at mu = 0, where the running mean has a standard deviation of sqrt(1/199).
    assert 31.6 * (1 - 4 / math.sqrt(199)) < expected < 31.6 * (1 + 4 / math.sqrt(199))
    centred = BatchNormalizer(1, preset="keras3").fit(np.zeros((1500, 1)))
    assert centred.transform([[1.0]])[0, 0] == pytest.approx(31.618, abs=1e-3)


@pytest.mark.parametrize("epsilon", [0.0, 1e-3])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, -1e-300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_column_is_beta(epsilon, value, dtype):
    """No NaN, no warning, no rounding of the mean that epsilon=0 would blow up."""
    rows = np.full((7, 2), value, dtype)
    rows[:, 1] = np.arange(7.0)
    normalizer = BatchNormalizer(3, momentum=0.0, epsilon=epsilon, beta=0.5)
    assert (normalizer.transform_batches(rows)[:, 0] == 0.5).all()
    assert (normalizer.fit(rows).running_var_ == 0.0).all()
    assert (normalizer.transform(rows)[:, 0] == 0.5).all()
    pooled = PreciseBatchNormalizer(3, epsilon=epsilon, beta=0.5, random_state=1).fit(rows)
    assert pooled.mean_[0] == dtype(value)
    assert pooled.var_[0] == 0.0
    assert (pooled.transform(rows)[:, 0] == 0.5).all()


def test_what_is_lost_comes_back_as_the_mean():
    """inverse_transform of a feature with var + epsilon = 0."""
    pooled = PreciseBatchNormalizer(2, epsilon=0.0).fit(np.full((4, 1), 0.1))
    assert pooled.inverse_transform(pooled.transform([[0.1], [5.0]])).tolist() == [[0.1], [0.1]]


def test_precise_statistics_of_some_batches():
    """Batches (1, 2), (3, 6) and (9): the first two, then all, weighted 2 : 2 : 1."""
    rows = np.array([[1.0], [2.0], [3.0], [6.0], [9.0]])
    some = PreciseBatchNormalizer(2, batches=2, shuffle=False).fit(rows)
    assert (some.mean_.tolist(), some.var_.tolist()) == ([3.0], [3.5])
    assert (some.n_batches_, some.n_samples_seen_) == (2, 4)
    # (0.25 x 2 + 2.25 x 2)/5 = 1 within, (7.29 x 2 + 0.09 x 2 + 23.04)/5 = 7.56 between.
    whole = PreciseBatchNormalizer(2, shuffle=False).fit(rows)
    assert whole.mean_ == pytest.approx([4.2], rel=1e-15)
    assert whole.var_ == pytest.approx([8.56], rel=1e-15)
    assert (whole.n_batches_, whole.n_samples_seen_) == (3, 5)


# ---------------------------------------------------------------------------------------------
# Laws


@each_kind
@pytest.mark.parametrize(("count", "size"), [(96, 4), (95, 4), (3, 2 * 4), (200, 32)])
def test_fit_is_the_closed_form_and_partial_fit_of_every_batch(kind, count, size):
    """Weights m^T and (1-m) m^(T-t) on start and batches, however the steps are made."""
    rows, batchwise = drawn(count), BatchNormalizer(**KINDS[kind])
    normalizer = BatchNormalizer(size, **KINDS[kind]).fit(rows)
    for part in cut(rows, size):
        batchwise.partial_fit(part)
    mean, variance = running_of(kind, cut(rows, size))
    for fitted in (normalizer, batchwise):
        assert fitted.running_mean_ == pytest.approx(mean, rel=ROUNDING)
        assert fitted.running_var_ == pytest.approx(variance, rel=ROUNDING)
        assert (fitted.n_batches_seen_, fitted.n_samples_seen_) == (-(-count // size), count)


@each_kind
def test_inference_is_the_formula_and_has_an_inverse(kind):
    """gamma (x - mean)/sqrt(var + epsilon) + beta, and back."""
    rows, gamma, beta = drawn(96), [2.0, -1.0, 0.5], [0.0, 1.0, -3.0]
    normalizer = BatchNormalizer(8, gamma=gamma, beta=beta, **KINDS[kind]).fit(rows)
    mean, variance = running_of(kind, cut(rows, 8))
    expected = gamma * (rows - mean) / np.sqrt(variance + settings_of(kind)[1]) + beta
    output = normalizer.transform(rows)
    assert output == pytest.approx(expected, rel=1e-11, abs=1e-11)
    assert normalizer.inverse_transform(output) == pytest.approx(rows, rel=1e-12)


@each_kind
def test_training_output_has_the_moments_of_its_batch(kind):
    """Every batch has mean 0, mean square vB/(vB + epsilon) and no value beyond sqrt(n - 1)."""
    rows, epsilon = drawn(75), settings_of(kind)[1]
    output = BatchNormalizer(7, **KINDS[kind]).transform_batches(rows)
    for part, done in zip(cut(rows, 7), cut(output, 7), strict=True):
        variance = part.var(axis=0)
        assert done.mean(axis=0) == pytest.approx(0.0, abs=1e-11)
        assert np.square(done).mean(axis=0) == pytest.approx(variance / (variance + epsilon))
        assert np.abs(done).max() <= math.sqrt(len(part) - 1) * (1 + ROUNDING)


@each_kind
def test_fit_forgets_and_training_mode_learns_nothing(kind):
    """A second fit is like the first; transform and transform_batches leave no trace."""
    normalizer = BatchNormalizer(8, **KINDS[kind])
    first = normalizer.fit(drawn(96)).running_var_
    normalizer.fit(5.0 + 2.0 * drawn(40))
    normalizer.transform_batches(drawn(40))
    normalizer.fit(drawn(96)).transform(drawn(40))
    assert (normalizer.running_var_ == first).all()
    assert (normalizer.n_batches_seen_, normalizer.n_samples_seen_) == (12, 96)


@each_kind
def test_epochs_are_passes(kind):
    """Three epochs are three passes of batches; each row counts three times."""
    rows = drawn(90)
    normalizer = BatchNormalizer(8, epochs=3, **KINDS[kind]).fit(rows)
    mean, variance = running_of(kind, 3 * cut(rows, 8))
    assert normalizer.running_mean_ == pytest.approx(mean, rel=ROUNDING)
    assert normalizer.running_var_ == pytest.approx(variance, rel=ROUNDING)
    assert (normalizer.n_batches_seen_, normalizer.n_samples_seen_) == (36, 270)


def test_shuffling_visits_every_row_once_an_epoch_in_a_new_order():
    """With equal weights the mean over whole batches is that of all rows, epoch after epoch."""
    rows = drawn(96)
    shuffled = {"batch_size": 8, "momentum": None, "shuffle": True}
    one = BatchNormalizer(**shuffled, random_state=1).fit(rows)
    three = BatchNormalizer(**shuffled, random_state=1, epochs=3).fit(rows)
    for normalizer in (one, three):
        assert normalizer.running_mean_ == pytest.approx(rows.mean(axis=0), rel=ROUNDING)
    # The same three orders in a row would give the same mean of variances.
    assert (np.abs(one.running_var_ / three.running_var_ - 1.0) > 1e-6).all()
    in_order = BatchNormalizer(8, momentum=None).fit(rows)
    assert (np.abs(one.running_var_ / in_order.running_var_ - 1.0) > 1e-6).all()


def test_a_seed_decides_the_order_and_no_global_state_does():
    """The same seed twice is the same, None is not; numpy's global generator is never read."""
    rows = drawn(64)

    def variance(random_state):
        normalizer = BatchNormalizer(8, shuffle=True, random_state=random_state)
        return normalizer.fit(rows).running_var_.tolist()

    def of_numpy():
        _, key, place, *_ = np.random.get_state()  # noqa: NPY002 is what this test is about
        return place, key.tolist()

    before = of_numpy()
    assert variance(4) == variance(4) == variance(np.random.Generator(np.random.PCG64DXSM(4)))
    assert variance(np.random.RandomState(4)) == variance(np.random.RandomState(4))
    assert variance(4) != variance(5)
    assert variance(None) != variance(None)
    assert of_numpy() == before


@each_kind
def test_float32_comes_back_and_statistics_stay_float64(kind):
    """Output has the type of the rows; statistics are those of the same numbers in float64."""
    rows = drawn(96).astype(np.float32)
    normalizer = BatchNormalizer(8, **KINDS[kind]).fit(rows)
    wide = BatchNormalizer(8, **KINDS[kind]).fit(rows.astype(float))
    assert normalizer.running_var_.dtype == np.float64
    assert (normalizer.running_var_ == wide.running_var_).all()
    for output in ("transform", "transform_batches", "inverse_transform"):
        narrow = getattr(normalizer, output)(rows)
        assert narrow.dtype == np.float32
        assert (narrow == getattr(wide, output)(rows.astype(float)).astype(np.float32)).all()


def test_slabs_change_nothing(monkeypatch):
    """How many batches are centred at once does not show."""
    rows = drawn(95)
    normalizer = BatchNormalizer(4, preset="pytorch", gamma=[1.0, 2.0, 3.0])
    whole = normalizer.fit(rows).running_var_, normalizer.transform_batches(rows)
    pooled = PreciseBatchNormalizer(4, random_state=1)
    variance = pooled.fit(rows).var_
    monkeypatch.setattr(batches, "SLAB", 30)
    assert (normalizer.fit(rows).running_var_ == whole[0]).all()
    assert (normalizer.transform_batches(rows) == whole[1]).all()
    assert (pooled.fit(rows).var_ == variance).all()


@each_kind
def test_far_from_zero_no_digit_is_lost(kind):
    """A shift by 2^20 standard deviations changes no variance: two passes, not E[x^2] - E[x]^2."""
    rows = np.random.default_rng(2).integers(-100, 100, size=(96, 2)).astype(float)
    near = BatchNormalizer(8, **KINDS[kind]).fit(rows)
    far = BatchNormalizer(8, **KINDS[kind]).fit(rows + 2.0**26)
    assert far.running_var_ == pytest.approx(near.running_var_, rel=1e-14)


# ---------------------------------------------------------------------------------------------
# Population statistics


@pytest.mark.parametrize("size", [1, 2, 7, 32, 95, 500])
@pytest.mark.parametrize("shuffle", [True, False])
def test_all_batches_pooled_are_the_standard_scaler(size, shuffle):
    """Whatever the batch size and order, with a constant column among the features."""
    rows = np.column_stack([drawn(95), np.full(95, 0.1)])
    pooled = PreciseBatchNormalizer(size, epsilon=0.0, shuffle=shuffle).fit(rows)
    scaler = StandardScaler().fit(rows)
    assert pooled.mean_ == pytest.approx(scaler.mean_, rel=ROUNDING)
    assert pooled.var_[:3] == pytest.approx(scaler.var_[:3], rel=ROUNDING)
    # An output near 0 has the rounding of a mean 500 standard deviations away (0.01 at 5).
    assert pooled.transform(rows) == pytest.approx(scaler.transform(rows), rel=1e-12, abs=1e-12)


def test_some_batches_are_drawn_without_replacement():
    """A seed decides which, and every row is in one batch at most."""
    rows = np.arange(64.0)[:, np.newaxis]
    pooled = [PreciseBatchNormalizer(8, batches=3, random_state=s).fit(rows) for s in (1, 1, 2)]
    assert pooled[0].mean_ == pooled[1].mean_ != pooled[2].mean_
    order = np.random.Generator(np.random.PCG64DXSM(1)).permutation(64)[:24]
    assert pooled[0].mean_ == pytest.approx([order.mean()], rel=ROUNDING)
    assert pooled[0].var_ == pytest.approx([order.var()], rel=ROUNDING)
    assert pooled[0].n_samples_seen_ == 24


# ---------------------------------------------------------------------------------------------
# Bias and variance of running statistics, by z-tests

# One false alarm in 10,000 runs of each of these tests, were the seeds not fixed: Sidak.
FALSE_ALARM, MISS = 1e-4, 1e-3
STEPS, FEATURES = 40, 16384
FIXED = [kind for kind in KINDS if kind != "frozen"]


def cumulants(weight, freedom):
    """Cumulants 2 to 6 of a weighted sum of chi-squared values, up to a factor."""
    return [2 ** (r - 1) * math.factorial(r - 1) * freedom * (weight**r).sum() for r in range(2, 7)]


def skewness_of_squares(k2, k3, k4, _, k6):
    """Skewness of (x - mean)^2 where x has these cumulants."""
    fourth = k4 + 3 * k2**2
    sixth = k6 + 15 * k4 * k2 + 10 * k3**2 + 15 * k2**3
    return (sixth - 3 * k2 * fourth + 2 * k2**3) / (fourth - k2**2) ** 1.5


def z_values(kind, size, rng):
    """Four z of running mean and variance over independent normal features, and the resolution.

    Every feature is a replication. With weights w the running mean is normal with variance
    sum w^2/n; the running variance has mean w_0 + sum w E v and variance sum w^2 Var v, where
    v is chi-squared over its degrees of freedom (ddof 1) or over n (ddof 0). A sample variance
    over F features has standard error Var sqrt((g2 + 2)/F). That of the running variance is only
    tested where F is so large that skewness at most doubles the tail beyond 5 standard errors:
    F >= (skewness 5^3/(6 ln 2))^2.
    """
    momentum, _, ddof = settings_of(kind)
    start, weight = weights(momentum, STEPS)
    squares = (weight**2).sum()
    normalizer = BatchNormalizer(size, **KINDS[kind])
    normalizer.fit(rng.normal(size=(size * STEPS, FEATURES)))
    expected = (size - 1) / size if ddof == 0 else 1.0
    of_mean = squares / size
    of_variance = squares * 2 / (size - 1) * expected**2
    mean, variance = normalizer.running_mean_, normalizer.running_var_
    error = math.sqrt(of_variance / FEATURES)
    z = [
        mean.mean() / math.sqrt(of_mean / FEATURES),
        (mean.var(ddof=1) / of_mean - 1) / math.sqrt(2 / (FEATURES - 1)),
        (variance.mean() - start - (1 - start) * expected) / error,
    ]
    k = cumulants(weight, size - 1)
    if (skewness_of_squares(*k) * 5**3 / (6 * math.log(2))) ** 2 <= FEATURES:
        relative = math.sqrt((k[2] / k[0] ** 2 + 2) / FEATURES)
        z.append((variance.var(ddof=1) / of_variance - 1) / relative)
    return z, error / (1 - start)


def check_running_statistics(rng):
    z, resolutions = [], {}
    for kind in FIXED:
        for size in (2, 4, 16):
            values, resolutions[kind, size] = z_values(kind, size, rng)
            z += values
    bound = stats.norm.isf((1 - (1 - FALSE_ALARM) ** (1 / len(z))) / 2)
    # Three z of all six kinds and three sizes, and the fourth where many batches count.
    assert len(z) == 54 + 10
    assert np.abs(z).max() < bound < 5
    # Power: the other ddof moves the mean by 1/n of what is not start, and is missed less than
    # once in a thousand in every row on its own.
    for (_, size), resolution in resolutions.items():
        assert (bound + stats.norm.isf(MISS)) * resolution < 1 / size


def test_bias_and_variance_of_running_statistics(rng):
    """Mean m^T r0 + (1 - m^T) E v and variance (1-m)/(1+m) (1 - m^2T) Var v, for every kind."""
    check_running_statistics(rng)


@pytest.mark.random_seed
def test_bias_and_variance_of_running_statistics_with_a_fresh_seed(fresh_seed):
    """The same with a seed of its own in every run: one false alarm in 10,000."""
    check_running_statistics(np.random.default_rng(fresh_seed))


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("steps", [1, 5, 40])
def test_weights_have_their_closed_forms(momentum, steps):
    """They sum to one; their squares to (1-m)/(1+m) (1 - m^2T), 1/19 and 1/199 in the long run."""
    start, weight = weights(momentum, steps)
    assert start + weight.sum() == pytest.approx(1.0, rel=1e-14)
    closed = (1 - momentum) / (1 + momentum) * (1 - momentum ** (2 * steps))
    assert (weight**2).sum() == pytest.approx(closed, rel=1e-12)


def test_pooled_variance_has_the_bias_of_its_rows(rng):
    """k batches of n: -1/(kn), not -1/n. Two z below 4.42, one false alarm in 50,000 each."""
    size, count = 2, 16
    rows = rng.normal(size=(size * count, FEATURES))
    variance = PreciseBatchNormalizer(size, random_state=1).fit(rows).var_
    total = size * count
    expected = 1 - 1 / total
    of_variance = 2 / (total - 1) * expected**2
    z = (variance.mean() - expected) / math.sqrt(of_variance / FEATURES)
    spread = (variance.var(ddof=1) / of_variance - 1) / math.sqrt((2 + 12 / (total - 1)) / FEATURES)
    assert max(abs(z), abs(spread)) < 4.42
    # The mean of s^2 would have no bias: 1/32 is 16 standard errors. The mean of vB has -1/2.
    assert 1 / total > 15 * math.sqrt(of_variance / FEATURES)


# ---------------------------------------------------------------------------------------------
# Refusals


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 0}, "batch_size: got 0; allowed is a whole number from 1."),
        ({"batch_size": 2.5}, "batch_size: got 2.5; allowed is a whole number from 1."),
        ({"batch_size": True}, "batch_size: got True; allowed is a whole number from 1."),
        ({"epochs": 0}, "epochs: got 0; allowed is a whole number from 1."),
        (
            {"momentum": 1.5},
            "momentum: got 1.5; allowed is a number from 0 to 1, the weight of the old value, or "
            "None.",
        ),
        ({"epsilon": -1e-3}, "epsilon: got -0.001; allowed is a number from 0."),
        ({"epsilon": math.nan}, "epsilon: got nan; allowed is a number from 0."),
        ({"epsilon": math.inf}, "epsilon: got inf; allowed is a number from 0."),
        ({"running_ddof": 2}, "running_ddof: got 2; allowed are 0 and 1."),
        (
            {"preset": "pytroch"},
            "preset: got 'pytroch'; allowed are keras3, pytorch, flax and None. Did you mean "
            "'pytorch'?",
        ),
        (
            {"gamma": [1.0, 2.0]},
            "gamma: got [1.0, 2.0]; allowed is one finite number, or one for each of the 1 "
            "features.",
        ),
        (
            {"random_state": "dice", "shuffle": True},
            "random_state: got 'dice'; allowed is a whole number from 0, a numpy generator or "
            "None.",
        ),
    ],
)
def test_every_refusal_is_one_clear_line(given, message):
    """The parameter, what came, what is allowed."""
    with pytest.raises(SimnormError) as refusal:
        BatchNormalizer(**given).fit(FOUR).transform(FOUR)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": -1}, "batch_size: got -1; allowed is a whole number from 1."),
        ({"batches": 0}, "batches: got 0; allowed is a whole number from 1."),
        ({"batches": 3}, "batches: got 3; 4 rows make 2 batches of 2. None takes all."),
        ({"epsilon": -1}, "epsilon: got -1; allowed is a number from 0."),
    ],
)
def test_refusals_of_the_precise_one(given, message):
    """The same, for population statistics."""
    with pytest.raises(SimnormError) as refusal:
        PreciseBatchNormalizer(**{"batch_size": 2, **given}).fit(FOUR)
    assert str(refusal.value) == message


NEEDED = "with running_ddof=1, as in PyTorch, a batch must be more than one sample."


@pytest.mark.parametrize("given", [{"preset": "pytorch"}, {"running_ddof": 1}])
@pytest.mark.parametrize("method", ["fit", "transform_batches"])
@pytest.mark.parametrize(
    ("size", "count", "hint"),
    [
        (1, 4, "Take two rows or more."),
        (4, 1, "Take two rows or more."),
        (
            4,
            9,
            "9 mod 4 = 1 leaves one row for the last batch: leave out a row or take another batch "
            "size.",
        ),
    ],
)
def test_one_row_has_no_unbiased_variance(given, method, size, count, hint):
    """Refused before anything is learned, with what to do about it."""
    with pytest.raises(SimnormError) as refusal:
        getattr(BatchNormalizer(size, **given), method)(drawn(count))
    assert str(refusal.value) == f"batch_size: got {size}; {NEEDED} {hint}"


def test_one_row_is_no_step_either():
    """partial_fit refuses it and keeps what it had."""
    normalizer = BatchNormalizer(preset="pytorch").partial_fit(FOUR)
    with pytest.raises(SimnormError) as refusal:
        normalizer.partial_fit([[1.0]])
    assert str(refusal.value) == f"X: got (1, 1); {NEEDED} Give it two rows or more."
    assert normalizer.n_batches_seen_ == 1


def test_a_refused_fit_is_no_fit():
    """What was refused before anything was learned leaves the transformer unfitted."""
    for normalizer in (BatchNormalizer(1, preset="pytorch"), PreciseBatchNormalizer(2, batches=9)):
        with pytest.raises(SimnormError):
            normalizer.fit(FOUR)
        with pytest.raises(NotFittedError):
            normalizer.transform(FOUR)
        with pytest.raises(NotFittedError):
            normalizer.inverse_transform(FOUR)


def test_gamma_of_zero_cannot_be_undone():
    """inverse_transform says so instead of dividing by it."""
    normalizer = BatchNormalizer(2, gamma=[0.0]).fit(FOUR)
    with pytest.raises(SimnormError, match=r"gamma: got .*other than 0"):
        normalizer.inverse_transform(FOUR)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform", "transform_batches"])
def test_rows_that_are_no_numbers_are_refused(bad, method):
    """scikit-learn's own words."""
    rows = FOUR.copy()
    rows[1] = bad
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        getattr(BatchNormalizer(2).fit(FOUR), method)(rows)


# ---------------------------------------------------------------------------------------------
# scikit-learn

ESTIMATORS = [
    *(BatchNormalizer(preset=preset) for preset in (None, *PRESETS)),
    BatchNormalizer(batch_size=3, momentum=None, epochs=2, shuffle=True),
    PreciseBatchNormalizer(),
    PreciseBatchNormalizer(batch_size=3, shuffle=False),
]


# All of scikit-learn's checks, none expected to fail. The one for array API input skips itself
# unless SCIPY_ARRAY_API is set before scipy is imported, which other tests do not want.
@parametrize_with_checks(ESTIMATORS)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", [BatchNormalizer(8), PreciseBatchNormalizer(8)])
def test_names_of_features_go_in_and_come_out(transformer):
    """Frames keep names and index; other names are refused."""
    frame = pd.DataFrame(drawn(40), columns=["a", "b", "c"], index=np.arange(40) * 10)
    fitted = clone(transformer).set_output(transform="pandas").fit(frame)
    output = fitted.transform(frame)
    assert list(output.columns) == list(fitted.get_feature_names_out()) == ["a", "b", "c"]
    assert (output.index == frame.index).all()
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame.rename(columns={"a": "z"}))
    # What a transformer without set_output gives is an array without names: no warning.
    assert fitted.inverse_transform(output.to_numpy()) == pytest.approx(frame.to_numpy())


@pytest.mark.parametrize("transformer", [BatchNormalizer(8), PreciseBatchNormalizer(8)])
@pytest.mark.parametrize("features", [1, 4])
def test_other_numbers_of_features_are_refused(transformer, features):
    """In both directions; one column is not stretched over three."""
    fitted = clone(transformer).fit(drawn(40))
    with pytest.raises(ValueError, match=f"{features} features"):
        fitted.transform(np.ones((2, features)))
    with pytest.raises(SimnormError) as refusal:
        fitted.inverse_transform(np.ones((2, features)))
    assert str(refusal.value) == f"X: got (2, {features}); allowed are 3 features."


def test_training_mode_takes_frames_before_and_after_fit():
    """No warning about names, fitted or not, and the same numbers."""
    frame = pd.DataFrame(drawn(40), columns=["a", "b", "c"])
    normalizer = BatchNormalizer(8)
    before = normalizer.transform_batches(frame)
    assert not hasattr(normalizer, "n_features_in_")
    assert (normalizer.fit(frame).transform_batches(frame) == before).all()


@pytest.mark.parametrize(
    "transformer",
    [
        BatchNormalizer(8, preset="pytorch", gamma=np.array([1.0, 2.0, 3.0])),
        PreciseBatchNormalizer(8, random_state=1),
    ],
)
def test_clones_and_pickles(transformer):
    """A clone is unfitted with the same parameters, a pickle transforms to the same bits."""
    fitted = clone(transformer).fit(drawn(40))
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.transform(drawn(40)) == fitted.transform(drawn(40))).all()
    assert repr(clone(fitted)) == repr(transformer)
    assert not hasattr(clone(fitted), "n_features_in_")


@pytest.mark.parametrize("kind", ["running", "pooled"])
def test_a_grid_search_over_batch_sizes(kind):
    """In a pipeline, by the name of the step; every batch size gets its score."""
    transformer = {
        "running": BatchNormalizer(preset="keras3", epochs=5),
        "pooled": PreciseBatchNormalizer(random_state=1),
    }[kind]
    name = type(transformer).__name__.lower()
    rows, target = load_wine(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(transformer, Ridge()), {f"{name}__batch_size": [1, 4, 32]}, cv=3
    )
    search.fit(rows, target)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_[f"{name}__batch_size"] in {1, 4, 32}
    if kind == "pooled":
        # All rows pooled are the same for any batch size.
        assert np.ptp(search.cv_results_["mean_test_score"]) < 1e-9


def test_the_package_knows_the_module():
    """sn.preprocessing, loaded when it is asked for."""
    assert sn.preprocessing.BatchNormalizer is BatchNormalizer
    assert "preprocessing" in dir(sn)


# ---------------------------------------------------------------------------------------------
# Streaming moments


def powers(values):
    """Sums of centred powers 2, 3 and 4 as fractions: no rounding at all."""
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    return [float(sum((value - mean) ** power for value in exact)) for power in (2, 3, 4)]


def agree(moments, values, rel=ROUNDING):
    """Whether moments are those of values, sums in units of their absolute powers."""
    values = np.asarray(values, float)
    assert moments.count == len(values)
    deviations = np.abs(values - values.mean())
    unit = np.abs(values).max() + deviations.max()
    assert abs(float(moments.mean) - float(sum(map(Fraction, values)) / len(values))) <= rel * unit
    exact = powers(values)
    for power, sums in zip((2, 3, 4), (moments.m2, moments.m3, moments.m4), strict=True):
        allowed = rel * len(values) * np.ptp(values) ** power
        assert abs(float(sums) - exact[power - 2]) <= allowed


numbers = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 6))
samples = st.lists(numbers, min_size=1, max_size=60)


def fold(parts):
    whole = StreamingMoments.of(np.empty(0))
    for part in parts:
        whole = whole.update(part)
    return whole


def test_moments_by_hand():
    """1, 2, 3, 6: mean 3, squares 4+1+0+9, cubes -8-1+0+27, fourth powers 16+1+0+81."""
    moments = StreamingMoments.of([1.0, 2.0, 3.0, 6.0])
    assert (moments.count, float(moments.mean)) == (4, 3.0)
    assert (float(moments.m2), float(moments.m3), float(moments.m4)) == (14.0, 18.0, 98.0)
    assert float(moments.variance()) == 3.5
    assert float(moments.variance(ddof=1)) == pytest.approx(14 / 3, rel=1e-15)
    assert float(moments.skewness) == pytest.approx(4.5 / 3.5**1.5, rel=1e-15)
    assert float(moments.excess_kurtosis) == pytest.approx(2.0 - 3.0, rel=1e-15)


@steady
@given(samples, st.lists(st.integers(0, 60), max_size=8))
def test_any_chunking_is_the_whole(values, ends):
    """Cut anywhere, into empty parts too: exact sums up to rounding."""
    agree(fold(np.split(values, sorted(ends))), values)


@steady
@given(samples, samples, samples)
def test_any_order_and_any_brackets_are_the_same(a, b, c):
    """Merging is commutative and associative up to rounding."""
    x, y, z = (StreamingMoments.of(values) for values in (a, b, c))
    for whole in ((x + y) + z, x + (y + z), z + y + x, y.merge(x).merge(z)):
        agree(whole, a + b + c)


@steady
@given(samples)
def test_nothing_is_neutral(values):
    """Merging with no observations, on either side, changes not a bit."""
    moments, nothing = StreamingMoments.of(values), StreamingMoments.of([])
    for merged in (moments + nothing, nothing + moments, moments.update([])):
        for name in ("count", "pivot", "offset", "m2", "m3", "m4"):
            assert getattr(merged, name) == getattr(moments, name)


def test_shape_measures_are_those_of_scipy(rng):
    """Per feature; scipy's skew and kurtosis with their defaults."""
    values = rng.exponential(size=(200, 3)) * [1.0, 5.0, 100.0]
    moments = StreamingMoments.of(values[:1])
    for part in np.split(values[1:], [1, 50, 120]):
        moments = moments.update(part)
    assert moments.mean == pytest.approx(values.mean(axis=0), rel=ROUNDING)
    assert moments.variance(ddof=1) == pytest.approx(values.var(axis=0, ddof=1), rel=ROUNDING)
    assert moments.skewness == pytest.approx(stats.skew(values), rel=1e-12)
    assert moments.excess_kurtosis == pytest.approx(stats.kurtosis(values), rel=1e-12)


@pytest.mark.parametrize("ends", [[], [50], [1, 2, 3, 90], range(1, 95)])
def test_the_standard_scaler_streams_to_the_same(ends):
    """StandardScaler.partial_fit, its fit, and merged moments: mean and variance to 1e-13."""
    rows, scaler = drawn(95), StandardScaler()
    parts = np.split(rows, ends)
    moments = StreamingMoments.of(parts[0])
    scaler.partial_fit(parts[0])
    for part in parts[1:]:
        moments = moments.merge(StreamingMoments.of(part))
        scaler.partial_fit(part)
    for fitted in (scaler, StandardScaler().fit(rows)):
        assert moments.mean == pytest.approx(fitted.mean_, rel=ROUNDING)
        assert moments.variance() == pytest.approx(fitted.var_, rel=ROUNDING)


def test_far_from_zero_merged_moments_keep_their_digits(rng):
    """At mean 2^30 and standard deviation 58, one row at a time; the shift itself is exact."""
    values = rng.integers(-100, 100, size=300).astype(float)
    near, far = (fold(np.split(v, 300)[:-1]) for v in (values, values + 2.0**30))
    assert far.variance() == pytest.approx(near.variance(), rel=1e-12)
    assert far.skewness == pytest.approx(near.skewness, rel=1e-10)
    assert far.excess_kurtosis == pytest.approx(near.excess_kurtosis, rel=1e-10)


def test_what_does_not_exist_is_nan():
    """No observations, one, or equal ones: NaN without a warning, and a variance of exactly 0."""
    nothing, one = StreamingMoments.of([]), StreamingMoments.of([0.1])
    assert np.isnan([nothing.mean, nothing.variance(), nothing.skewness]).all()
    assert np.isnan([one.variance(ddof=1), one.skewness, one.excess_kurtosis]).all()
    constant = fold([[0.1], [0.1, 0.1], [0.1]])
    assert (float(constant.mean), float(constant.variance())) == (0.1, 0.0)
    assert np.isnan([constant.skewness, constant.excess_kurtosis]).all()


def test_merging_changes_neither_side():
    """Moments are values: what went in is still what it was."""
    values = np.array([[1.0], [2.0]])
    moments = StreamingMoments.of(values)
    values[:] = 9.0
    merged = moments + moments.update([[5.0]])
    assert (moments.mean.tolist(), moments.count, merged.count) == ([1.5], 2, 5)
    with pytest.raises(AttributeError):
        moments.count = 3


@pytest.mark.parametrize("values", [3.0, [1.0, math.nan], [[1.0, math.inf]]])
def test_moments_take_finite_arrays(values):
    """A lone number or NaN is refused in one line."""
    with pytest.raises(SimnormError, match=r"values: got .*; allowed are finite numbers"):
        StreamingMoments.of(values)


def test_moments_of_different_features_do_not_merge():
    """Broadcasting would be silent nonsense."""
    with pytest.raises(SimnormError, match=r"other: got \(3,\); .*same shape, \(2,\)"):
        StreamingMoments.of(np.ones((4, 2))).merge(StreamingMoments.of(np.ones((4, 3))))
