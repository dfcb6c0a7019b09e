"""The two readers of a block agree; sizes, slabs and lanes do not change each other's bits.

Agreement is measured in the cell's own rmse: A to 1e-9 of the rmse, Q to 1e-9 of its square. That
is a thousand times finer than any Monte Carlo error, and a thousand times coarser than what sums
of some ten thousand doubles lose.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.diagnostics import UNDEFINED, ledger
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.reducers import (
    ArrayReducer,
    CompiledReducer,
    array_estimators,
    reducers_for,
)
from simnorm.streams import lanes_of, slab_rows
from simnorm.studies import drawing, sweep

pytestmark = pytest.mark.skipif(compiled_kernels() is None, reason="numba is not installed")

REFERENCES = ("full_set", "population")
MOMENTS = ["mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"]
KINDS = [estimator(spec) for spec in MOMENTS]
AGREE = 1e-9
EPSILON = np.finfo(float).eps
LANES = 16


def fresh(seed=1):
    return np.random.Generator(np.random.PCG64DXSM(seed))


def filled(law, full_size, lanes=LANES, seed=1):
    block = np.empty((full_size, lanes))
    law.fill(fresh(seed), block)
    return block


def read(reducer, law, block, sizes, kinds=KINDS, slab=512):
    """A and Q by (estimator, size, reference), the block handed over slab by slab."""
    full_size, lanes = block.shape
    reader = reducer(law, kinds, list(sizes), full_size, lanes)
    for first in range(0, full_size, slab):
        reader.add(block[first : first + slab], first)
    with np.errstate(over="ignore", invalid="ignore"):
        found = reader.errors()
    return {
        (kind, size, reference): (found[kind][0][i, j], found[kind][1][i, j])
        for kind in kinds
        for i, size in enumerate(sizes)
        for j, reference in enumerate(REFERENCES)
    }


def defined(law, kind, size, full_size, reference):
    """Whether the ledger lets any number of this cell be shown."""
    return ledger(kind, law, size, full_size, reference, "bias").status != UNDEFINED


def disagreement(law, block, sizes):
    """The largest difference of the two readers, in units of the cell's rmse, and its cell."""
    one = read(CompiledReducer, law, block, sizes)
    two = read(ArrayReducer, law, block, sizes)
    worst = (0.0, "")
    for (kind, size, reference), (a, q) in one.items():
        if not defined(law, kind, size, len(block), reference):
            continue
        other_a, other_q = two[kind, size, reference]
        assert np.isfinite(other_q).all()
        mse = other_q.mean()
        if mse == 0.0:
            assert not a.any(), (kind, size, reference)
            assert not q.any(), (kind, size, reference)
            continue
        # Values about a constant are known to the rounding of the unit, no better: seen where a
        # statistic hardly varies, as the standard deviation of a fair coin does.
        known, unit = 4.0 * EPSILON / AGREE, law.unit**kind.power
        differs = max(
            np.abs(a - other_a).max() / max(math.sqrt(mse), known * unit),
            np.abs(q - other_q).max() / max(mse, known * unit**2),
        )
        assert math.isfinite(differs), (kind, size, reference)
        worst = max(worst, (float(differs), f"{kind} n={size} {reference}"))
    return worst


LAWS = [
    *DISTRIBUTIONS,
    "t(df=3)",
    "t(df=2.5)",
    "lognormal(s=2)",
    "normal(loc=50,scale=20)",
    "gamma(a=0.3,scale=1e-6)",
    "uniform(loc=-1e3,scale=1e3)",
]

# Sizes that divide N and sizes that do not, one batch and many, n = 1, N - 1 and N.
GRIDS = {
    17: (1, 2, 3, 5, 8, 9, 16, 17),
    256: (1, 2, 4, 64, 128, 255, 256),
    1000: (1, 2, 3, 7, 16, 333, 499, 500, 501, 999, 1000),
    40_000: (2, 3, 1000, 16_384, 16_385, 19_999, 20_000, 39_999, 40_000),
}


@pytest.mark.parametrize("full_size", GRIDS)
@pytest.mark.parametrize("spec", LAWS)
def test_readers_agree_for_every_law(spec, full_size):
    """On the same block both readers give the same A and Q, whatever the law and the sizes.

    Beyond 1,024 observations the running sums are set back on the way, at 40,000 many times.
    """
    law = distribution(spec)
    worst, cell = disagreement(law, filled(law, full_size), GRIDS[full_size])
    assert worst < AGREE, cell


@pytest.mark.parametrize("seed", range(20))
def test_readers_agree_for_any_sizes(seed):
    """Random full sizes with random batch sizes agree too."""
    rng = np.random.default_rng(seed)
    full_size = int(rng.integers(2, 3000))
    sizes = sorted({int(size) for size in rng.integers(1, full_size + 1, size=6)})
    law = distribution(["normal", "exponential", "t(df=3)"][seed % 3])
    worst, cell = disagreement(law, filled(law, full_size, seed=seed), sizes)
    assert worst < AGREE, cell


def planted(spec, full_size, at):
    """Disagreement over a block whose fourth replication holds one value at 1e6 sd."""
    law = distribution(spec)
    block = filled(law, full_size)
    block[at, 3] = law.mean + 1e6 * law.std
    return disagreement(law, block, (2, 3, 16, 500))


PLANTED_LAWS = ["normal", "exponential", "t(df=3)", "lognormal(s=2)"]


@pytest.mark.parametrize("spec", PLANTED_LAWS)
def test_readers_agree_about_an_outlier_at_the_end(spec):
    """An observation at 1e6 sd in the last batch is read alike."""
    for full_size in (1000, 16_000):
        worst, cell = planted(spec, full_size, full_size - 1)
        assert worst < AGREE, cell


@pytest.mark.parametrize("spec", PLANTED_LAWS)
def test_readers_agree_about_batches_after_an_outlier(spec):
    """One observation at 1e6 sd leaves the batches after it within 1e-6 of the cell's rmse.

    Until the running sums are next set back they are 1e12, good to 1e-4, and a small batch's sd is
    the root of a difference of two of them: more than 1e-9 here, less than any error bar shows.
    """
    cases = ((1000, 0), (1000, 100), (16_384, 5), (40_000, 100))
    worst, cell = max(planted(spec, full_size, at) for full_size, at in cases)
    assert worst < 1e-6, cell


@pytest.mark.parametrize("spec", ["normal(loc=1e6)", "lognormal(s=1,loc=1e6)", "t(df=3,loc=-1e6)"])
def test_readers_agree_far_from_zero(spec):
    """Data about 1e6 with sd 1 lose nothing: both readers take them about the law's own centre."""
    law = distribution(spec)
    for full_size, sizes in GRIDS.items():
        worst, cell = disagreement(law, filled(law, full_size), sizes)
        assert worst < AGREE, (full_size, cell)


def test_an_atom_has_no_spread():
    """Batches of nothing but the rectified normal's zeros have sd 0, not the root of a rounding.

    A variance of 1e-16 instead of 0 would be an sd of 1e-8.
    """
    law = distribution("rectified_normal")
    block = filled(law, 64)
    block[8:40] = 0.0
    # Two errors of the unit of the data, and one more on the way to it, may be rounded.
    near = 8 * 2.0**-53
    for size in (2, 4, 8):
        found = read(CompiledReducer, law, block, [size])
        other = read(ArrayReducer, law, block, [size])
        for kind in KINDS[1:]:
            key = (kind, size, "population")
            assert found[key][0] == pytest.approx(other[key][0], rel=1e-13)
    block[:] = 0.0
    for kind in KINDS:
        for reference, error in (("full_set", 0.0), ("population", -kind.population(law))):
            a, q = read(CompiledReducer, law, block, [4])[kind, 4, reference]
            assert a == pytest.approx(error, rel=near, abs=near)
            assert q == pytest.approx(error**2, rel=near, abs=near)


def test_nearly_equal_observations_have_a_small_spread_not_nan():
    """Batches within a stretch of equal observations far from the centre have sd 0 or next to it.

    Differences of running sums leave them a variance of either sign, some 1e3 units of 2^-53.
    """
    law = distribution("normal")
    block = filled(law, 512)
    block[100:400] = 1.1 + 1e-12 * block[100:400]
    for size in (2, 3, 7):
        found = read(CompiledReducer, law, block, [size])
        other = read(ArrayReducer, law, block, [size])
        for key, (a, q) in found.items():
            assert np.isfinite(a).all(), key
            assert np.isfinite(q).all(), key
            # An sd of 0 may come out as the root of such a rounding, 3e-7.
            assert a == pytest.approx(other[key][0], abs=1e-6), key


def test_long_full_sets_lose_no_digits():
    """A batch's sums are as exact at observation 131,072 as at the first few hundred.

    Observations alternate between 0.8 and -0.6: every batch of two has mean 0.1, variance 0.49
    and sd 0.7. Set back every 1,024 observations, the running sums stay below 1,024 times 0.1,
    or 0.5 for the squares, and every addition errs by a 2^53rd of that; sums over everything
    would err by a hundred times as much. The sds of 65,536 batches, less 1, are added one by one.
    """
    law = distribution("normal")
    block = np.empty((2**17, 2))
    block[::2], block[1::2] = 0.8, -0.6
    found = read(CompiledReducer, law, block, [2])
    unit = 2.0**-53
    expected = {
        "mean": (0.1, 2 * 1024 * 0.1 * unit),
        "biased_variance": (0.49 - 1.0, 2 * 1024 * 0.5 * unit),
        "std(ddof=0)": (0.7 - 1.0, (2 * 1024 * 0.5 + 65_536 * 0.3) * unit),
    }
    for spec, (error, allowed) in expected.items():
        a, q = found[estimator(spec), 2, "population"]
        assert np.abs(a - error).max() < allowed, spec
        assert np.abs(q - error**2).max() < 2 * allowed, spec


# ---------------------------------------------------------------------------------------------
# Against arithmetic that is neither reader's


@pytest.mark.parametrize("reducer", [CompiledReducer, ArrayReducer])
def test_one_replication_by_hand(reducer):
    """1, 3, 2, 6, 100 in batches of two: the fifth observation belongs to the full set only.

    Batch means 2, 4 and full mean 112/5 = 22.4: errors -20.4, -18.4, A = -19.4. Unbiased
    variances 2, 8 against the population's 4: errors -2, 4, A = 1, Q = 10; sds (divisor 2) 1, 2
    against 2: A = -1/2, Q = 1/2.
    """
    law = distribution("normal(loc=3,scale=2)")
    block = np.array([[1.0], [3.0], [2.0], [6.0], [100.0]])
    found = read(reducer, law, block, [2])
    by_hand = {
        ("mean", "full_set"): (-19.4, (20.4**2 + 18.4**2) / 2),
        ("mean", "population"): (0.0, 1.0),
        ("unbiased_variance", "population"): (1.0, 10.0),
        ("biased_variance", "population"): (-1.5, (9.0 + 0.0) / 2),
        ("std(ddof=0)", "population"): (-0.5, 0.5),
    }
    for (spec, reference), (a, q) in by_hand.items():
        got = found[estimator(spec), 2, reference]
        assert (got[0][0], got[1][0]) == pytest.approx((a, q), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("spec", [*ESTIMATORS, "std(ddof=1)"])
@pytest.mark.parametrize("size", [2, 7, 30])
def test_a_and_q_are_means_over_batches(spec, size, rng):
    """A and Q of every estimator are mean and mean square over a plain loop's batches."""
    kind, law = estimator(spec), distribution("uniform")
    block = rng.random((60, 5))
    for reader in reducers_for(law, [kind], [size], 60, 5):
        reader.add(block, 0)
        a, q = reader.errors()[kind]
    for lane in range(5):
        own = block[:, lane].copy()
        values = [float(kind(own[i : i + size])) for i in range(0, 60 - size + 1, size)]
        for j, reference in enumerate((float(kind(own)), kind.population(law))):
            errors = np.array(values) - reference
            assert a[0, j, lane] == pytest.approx(errors.mean(), rel=1e-11, abs=1e-12)
            assert q[0, j, lane] == pytest.approx((errors**2).mean(), rel=1e-11, abs=1e-12)


def test_identities_that_hold_for_any_data():
    """A^2 <= Q; the biased variance's A is (n-1)/n of the unbiased one's up to the references."""
    law = distribution("exponential")
    block = filled(law, 1000)
    for reducer in (CompiledReducer, ArrayReducer):
        found = read(reducer, law, block, GRIDS[1000])
        for (kind, size, reference), (a, q) in found.items():
            if not defined(law, kind, size, 1000, reference):
                continue
            # Both sides are rounded once more when they are scaled back to the data's unit.
            assert (q >= a * a * (1 - 1e-15)).all(), (kind, size, reference)
        biased = found[estimator("biased_variance"), 16, "population"][0] + law.variance
        unbiased = found[estimator("unbiased_variance"), 16, "population"][0] + law.variance
        assert biased == pytest.approx(unbiased * 15 / 16, rel=1e-12)
        # The mean's mean error vanishes where the batches use every observation.
        a, q = found[estimator("mean"), 500, "full_set"]
        assert (np.abs(a) < 1e-12 * np.sqrt(q)).all()


def test_the_full_set_as_a_batch_has_no_error():
    """At n = N every A and Q against the full set is zero to the last bit, in both readers."""
    for spec in LAWS:
        law = distribution(spec)
        for full_size in (2, 17, 1000, 40_000):
            block = filled(law, full_size, lanes=2)
            for reducer in (CompiledReducer, ArrayReducer):
                found = read(reducer, law, block, [full_size])
                for kind in KINDS:
                    a, q = found[kind, full_size, "full_set"]
                    assert not a.any(), (spec, kind)
                    assert not q.any(), (spec, kind)


def test_batches_of_one():
    """At n = 1 the mean works in both readers, and no spread is made up by the compiled one."""
    law = distribution("normal")
    block = filled(law, 64)
    for reducer in (CompiledReducer, ArrayReducer):
        a, q = read(reducer, law, block, [1])[estimator("mean"), 1, "population"]
        assert a == pytest.approx(block.mean(axis=0), rel=1e-12)
        assert q == pytest.approx((block**2).mean(axis=0), rel=1e-12)
    found = read(CompiledReducer, law, block, [1])
    for kind in KINDS[1:]:
        assert np.isnan(found[kind, 1, "full_set"][0]).all()


# ---------------------------------------------------------------------------------------------
# Bits


def same_bits(one, two):
    """Whether every cell of `one` stands in `two` with the same bits, NaN included."""
    for key, (a, q) in one.items():
        assert np.array_equal(a, two[key][0], equal_nan=True), key
        assert np.array_equal(q, two[key][1], equal_nan=True), key


ALL = [estimator(spec) for spec in [*MOMENTS, "min", "max", "median"]]


@pytest.mark.parametrize(
    ("reducer", "kinds"), [(CompiledReducer, KINDS), (ArrayReducer, ALL)], ids=["compiled", "array"]
)
@pytest.mark.parametrize("full_size", [17, 1000, 40_000])
def test_other_sizes_change_no_bit(reducer, kinds, full_size):
    """Adding batch sizes to the grid, n = N among them, leaves every other cell's bits alone."""
    law = distribution("laplace")
    block = filled(law, full_size, lanes=8)
    alone = {}
    for size in (2, 5, 16):
        alone |= read(reducer, law, block, [size], kinds)
    more = sorted({1, 2, 3, 5, 7, 16, full_size // 2, full_size - 1, full_size})
    same_bits(alone, read(reducer, law, block, more, kinds))
    same_bits(alone, read(reducer, law, block, [16, 5, 2], kinds))


@pytest.mark.parametrize(
    ("reducer", "kinds"), [(CompiledReducer, KINDS), (ArrayReducer, ALL)], ids=["compiled", "array"]
)
def test_other_estimators_change_no_bit(reducer, kinds):
    """An estimator's bits are the same alone and among others."""
    law = distribution("gamma")
    block = filled(law, 1000, lanes=8)
    together = read(reducer, law, block, (2, 7, 1000), kinds)
    for kind in kinds:
        same_bits(read(reducer, law, block, (2, 7, 1000), [kind]), together)


@pytest.mark.parametrize("slab", [1, 2, 7, 16, 511, 999, 1000])
def test_slab_length_changes_no_bit(slab):
    """Rows handed over one by one, in odd slabs, or all at once give the same bits."""
    law = distribution("exponential")
    block = filled(law, 1000, lanes=8)
    sizes = (1, 2, 3, 16, 333, 999, 1000)
    whole = read(CompiledReducer, law, block, sizes, slab=1000)
    same_bits(whole, read(CompiledReducer, law, block, sizes, slab=slab))
    same_bits(
        read(ArrayReducer, law, block, sizes, ALL, slab=1000),
        read(ArrayReducer, law, block, sizes, ALL, slab=slab),
    )


def test_slabs_that_end_at_a_rebase_change_no_bit():
    """Slabs may end just before, at, or after the points where running sums are set back."""
    law = distribution("t(df=3)")
    block = filled(law, 40_000, lanes=2)
    sizes = (2, 3, 4096, 16_384, 16_385, 39_999)
    from simnorm.kernels import REBASE  # numba may be missing

    whole = read(CompiledReducer, law, block, sizes, slab=40_000)
    for slab in (REBASE - 1, REBASE, REBASE + 1, 16 * REBASE, 101):
        same_bits(whole, read(CompiledReducer, law, block, sizes, slab=slab))


@pytest.mark.parametrize("reducer", [CompiledReducer, ArrayReducer])
def test_a_replication_does_not_depend_on_its_neighbours(reducer):
    """A lane read alone, or among three or sixteen others, has the same bits."""
    law = distribution("normal")
    block = filled(law, 1000, lanes=LANES)
    whole = read(reducer, law, block, (2, 7, 500))
    for lanes in (slice(0, 1), slice(3, 6), slice(15, 16)):
        part = read(reducer, law, np.ascontiguousarray(block[:, lanes]), (2, 7, 500))
        same_bits(part, {key: (a[lanes], q[lanes]) for key, (a, q) in whole.items()})


def test_array_reader_chunks_change_no_bit(monkeypatch):
    """How many lanes the array reader takes at a time does not show in its results."""
    law = distribution("normal")
    block = filled(law, 1000, lanes=LANES)
    whole = read(ArrayReducer, law, block, (2, 7), ALL)
    for draws in (1, 3000, 16_000):
        monkeypatch.setattr("simnorm.reducers.CHUNK_DRAWS", draws)
        same_bits(whole, read(ArrayReducer, law, block, (2, 7), ALL))


# ---------------------------------------------------------------------------------------------
# In the study


def test_moment_estimators_are_compiled_and_the_others_are_not():
    """Each estimator has exactly one reader; without numba the array reader takes them all."""
    law = distribution("normal")
    readers = reducers_for(law, ALL, [2], 8, 1)
    assert [type(reader) for reader in readers] == [CompiledReducer, ArrayReducer]
    assert [*readers[0].estimators, *readers[1].estimators] == ALL
    (only,) = reducers_for(law, ALL, [2], 8, 1, compiled=False)
    assert isinstance(only, ArrayReducer)
    assert array_estimators(ALL, compiled=False) == ALL
    assert array_estimators(ALL) == ALL[5:]


@pytest.mark.parametrize("spec", ["normal", "rectified_normal", "t(df=3)", "uniform"])
@pytest.mark.parametrize("full_size", [17, 1000])
def test_both_readers_see_the_same_draws(spec, full_size):
    """Through the study's own function a block's A and Q agree with and without numba."""
    design = Design.make(
        spec,
        estimators=MOMENTS,
        batch_sizes=[2, 5, full_size],
        full_size=full_size,
        replications=64,
        seed=11,
    )
    (source,) = drawing.sources(design)
    one = sweep.block_errors(design, source, 1)
    two = sweep.block_errors(design, source, 1, compiled=False)
    for position, cell in enumerate(sweep.cells(design)):
        scale = np.sqrt(two[1][position].mean())
        assert np.abs(one[0][position] - two[0][position]).max() <= AGREE * scale, cell
        assert np.abs(one[1][position] - two[1][position]).max() <= AGREE * scale**2, cell
    assert one[0].shape == (len(sweep.cells(design)), lanes_of(full_size))


@pytest.mark.parametrize("spec", ["laplace", "cauchy"])
def test_a_block_is_drawn_slab_by_slab_whatever_is_asked_of_it(spec):
    """The draws behind a block are slabs of whole observations, their length from N alone."""
    full_size = 1000
    design = Design.make(
        spec, estimators=["median"], batch_sizes=[10], full_size=full_size, replications=1, seed=3
    )
    (source,) = drawing.sources(design)
    a, _ = sweep.block_errors(design, source, 0)
    rng = sweep.block_stream(3, spec, full_size, "shuffle", 0)
    lanes, rows = lanes_of(full_size), slab_rows(full_size)
    block = np.empty((full_size, lanes))
    assert full_size % rows != 0  # the last slab is shorter
    for first in range(0, full_size, rows):
        slab = np.empty((min(rows, full_size - first), lanes))
        distribution(spec).fill(rng, slab)
        block[first : first + len(slab)] = slab
    medians = np.median(block.T.reshape(lanes, 100, 10), axis=2)
    errors = medians - np.median(block, axis=0)[:, np.newaxis]
    position = sweep.cells(design).index((estimator("median"), 10, "full_set", ""))
    assert np.abs(a[position] - errors.mean(axis=1)).max() < 1e-13


@pytest.mark.parametrize(
    "spec", ["normal", "normal(loc=3,scale=0.1)", "uniform(loc=-7)", "exponential", "t(df=3)"]
)
@pytest.mark.parametrize("full_size", [1, 17, 5000])
def test_a_block_drawn_in_one_call_has_the_bits_of_slab_by_slab(spec, full_size):
    """The shortcut for compiled laws is the loop over slabs, to the last bit."""
    law, sizes = distribution(spec), sorted({1, min(3, full_size), full_size})
    found = []
    for shortcut in (True, False):
        rng = np.random.Generator(np.random.PCG64DXSM(11))
        reader = CompiledReducer(law, KINDS, sizes, full_size, 8)
        buffer = np.empty((512, 8))
        if shortcut:
            reader.add_block(rng, law, buffer)
        else:
            for first in range(0, full_size, len(buffer)):
                slab = buffer[: full_size - first]
                law.fill(rng, slab)
                reader.add(slab, first)
        found.append(reader.errors())
    for kind in KINDS:
        for one, other in zip(found[0][kind], found[1][kind], strict=True):
            assert one.tobytes() == other.tobytes()
