"""The engine: the same bits whatever the workers, the order, the grid; honest about faults."""

from __future__ import annotations

import dataclasses
import itertools
import random
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from simnorm import schedule, streams, tasks
from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.diagnostics import UNDEFINED, ledger
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.engine import run
from simnorm.estimators import ESTIMATORS
from simnorm.reducers import array_estimators
from simnorm.streams import lanes_of
from simnorm.studies import drawing, sweep
from simnorm.tally import Tally, measure
from simnorm.tasks import KEPT_REPLICATIONS, MergeTree, Node, Task, compute, total_draws

EVERY_KIND = ["mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"]
EVERY_KIND += [word for word in ESTIMATORS if word not in ("std", *EVERY_KIND)]
needs_numba = pytest.mark.skipif(compiled_kernels() is None, reason="without numba: one reducer")


@pytest.fixture
def small_blocks(monkeypatch):
    """Make blocks of 16 replications whatever N, so that small studies have many of them."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    assert lanes_of(8) == 16


def at_level(monkeypatch, level):
    """Hand out tasks of 2^level blocks, whatever timing would choose."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: level)


def small_design(**changes):
    values = {
        "distributions": ["normal", "t(df=5)"],
        "estimators": ["mean", "std(ddof=1)", "median"],
        "batch_sizes": [2, 3, 8],
        "full_size": 8,
        "replications": 16 * 13 + 5,
        "seed": 11,
    }
    return Design.make(**(values | changes))


def bits(tally):
    return (tally.count, tally.pivot.tobytes(), tally.offset.tobytes(), tally.scatter.tobytes())


def run_bits(design, **options):
    """Return every bit of a run: its sums and the replications kept."""
    return {
        source: (*bits(sums.tally), sums.kept.tobytes())
        for source, sums in run(design, **options).items()
    }


def cell_bits(design, **options):
    """Return the bits of every cell by its name, for runs with different grids."""
    found = {}
    for source, sums in run(design, **options).items():
        tally = sums.tally
        for position, cell in enumerate(sweep.cells(design)):
            found[source, cell] = (
                tally.count,
                tally.mean[:, position].tobytes(),
                tally.scatter[:, position].tobytes(),
                sums.kept[:, position].tobytes(),
            )
    return found


# The same bits


def test_the_bits_do_not_depend_on_the_number_of_workers():
    """One, two, three or eight threads give the same bits, over whole and cut blocks."""
    design = Design.make(
        ["normal", "exponential"],
        estimators=["mean", "unbiased_variance", "max"],
        batch_sizes=[2, 7, 100],
        full_size=600,
        replications=4 * lanes_of(600) + 77,
    )
    assert lanes_of(600) == 2048
    expected = run_bits(design, workers=1)
    for workers in (2, 3, 8):
        assert run_bits(design, workers=workers) == expected


@pytest.mark.parametrize("level", [1, 2, 3, 4, 7])
@pytest.mark.usefixtures("small_blocks")
def test_the_bits_do_not_depend_on_the_size_of_the_tasks(level, monkeypatch):
    """Tasks of 1, 2, 4, ... blocks give the same bits: timing may choose them."""
    design = small_design()
    at_level(monkeypatch, 0)
    expected = run_bits(design, workers=1)
    at_level(monkeypatch, level)
    assert run_bits(design, workers=2) == expected


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 6, 7, 8, 9, 15])
@pytest.mark.usefixtures("small_blocks")
def test_a_run_equals_the_tree_by_recursion(blocks, monkeypatch):
    """The sums are those of a binary tree over block indices, its left half a full one."""

    def tree(leaves):
        if len(leaves) == 1:
            return leaves[0]
        half = 1 << ((len(leaves) - 1).bit_length() - 1)
        return tree(leaves[:half]).merge(tree(leaves[half:]))

    design = small_design(distributions="laplace", replications=16 * blocks)
    source = drawing.sources(design)[0]
    leaves = [Tally.of(*sweep.block_errors(design, source, block)) for block in range(blocks)]
    for level in range(4):
        at_level(monkeypatch, level)
        assert bits(run(design, workers=2)[source].tally) == bits(tree(leaves))


def leaf(seed):
    """Return the tally of three replications of two cells with a large common mean."""
    a = np.random.Generator(np.random.PCG64DXSM(seed)).normal(1e9, 1.0, (2, 3))
    return Tally.of(a, a * a)


def test_the_merge_tree_gives_the_same_bits_in_any_order_of_arrival():
    """All 720 orders in which six nodes may arrive give the same bits."""
    leaves = [leaf(i) for i in range(6)]
    found = set()
    for order in itertools.permutations(range(6)):
        tree = MergeTree()
        for index in order:
            tree.add(0, index, leaves[index])
        found.add(bits(tree.root()))
    assert len(found) == 1


def test_the_order_of_merging_matters_to_the_bits():
    """Merged in another order the sums do differ: the test above is not empty."""
    leaves = [leaf(i) for i in range(6)]
    found = set()
    for order in itertools.permutations(range(6)):
        whole = leaves[order[0]]
        for index in order[1:]:
            whole = whole.merge(leaves[index])
        found.add(bits(whole))
    assert len(found) > 10


def test_the_merge_tree_takes_nodes_of_many_levels_in_any_order():
    """Many leaves, grouped into nodes of random levels, arriving shuffled: the same bits."""
    shuffle = random.Random(3)  # the order of arrival only
    leaves = [leaf(i) for i in range(37)]
    expected = MergeTree()
    for index, tally in enumerate(leaves):
        expected.add(0, index, tally)
    for level in (0, 1, 2, 3, 4, 5, 6):
        nodes = []
        for index in range(-(-37 >> level)):
            part = MergeTree()
            for block in range(index << level, min((index + 1) << level, 37)):
                part.add(0, block, leaves[block])
            nodes.append((level, index, part.root()))
        for _ in range(5):
            shuffle.shuffle(nodes)
            tree = MergeTree()
            for node in nodes:
                tree.add(*node)
            assert bits(tree.root()) == bits(expected.root())


def test_the_root_of_a_tree_leaves_it_whole():
    """Asking for the root twice gives the same; the tree goes on growing afterwards."""
    tree = MergeTree()
    for index in range(3):
        tree.add(0, index, leaf(index))
    assert bits(tree.root()) == bits(tree.root())
    tree.add(0, 3, leaf(3))
    assert tree.root().count == 12


@pytest.mark.parametrize(
    "change",
    [
        {"batch_sizes": [1, 2, 3, 4, 5, 6, 7, 8]},
        {"estimators": EVERY_KIND},
        {"distributions": list(DISTRIBUTIONS)},
        {"distributions": ["t(df=5)", "cauchy", "normal"]},
        {"batch_sizes": [1, 2, 3, 7, 8], "estimators": EVERY_KIND[::-1]},
    ],
    ids=["batch sizes", "estimators", "laws", "other order", "sizes and estimators"],
)
@pytest.mark.usefixtures("small_blocks")
def test_adding_to_the_grid_changes_no_number(change):
    """Every cell of the small design has the same bits in every larger one."""
    design = small_design()
    before, after = cell_bits(design), cell_bits(small_design(**change))
    assert len(after) > len(before) or set(after) == set(before)
    for cell, expected in before.items():
        assert after[cell] == expected, cell


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_adding_to_a_large_grid_changes_no_number(kind):
    """The same at a full size whose slabs, chunks and rebased sums are the real ones."""
    values = {"distributions": "lognormal(s=2)", "full_size": 20_000, "replications": 20}
    before = Design.make(estimators=kind, batch_sizes=[2, 1000, 19_999], **values)
    after = Design.make(estimators=EVERY_KIND, batch_sizes=[2, 3, 1000, 8191, 19_999], **values)
    expected = cell_bits(before)
    found = cell_bits(after)
    assert {cell: found[cell] for cell in expected} == expected


@pytest.mark.parametrize("smaller", [1, 15, 16, 17, 100, 208])
@pytest.mark.usefixtures("small_blocks")
def test_a_larger_run_begins_with_the_replications_of_a_smaller_one(smaller):
    """Replication r is the same whatever R: a smaller run is a prefix of a larger one."""
    large = run(small_design(replications=213))
    small = run(small_design(replications=smaller))
    for source, sums in small.items():
        assert sums.tally.count == smaller
        assert sums.kept.shape[-1] == smaller
        assert sums.kept.tobytes() == large[source].kept[..., :smaller].tobytes()


@pytest.mark.usefixtures("small_blocks")
def test_the_cut_block_keeps_the_asked_replications_only():
    """With R = 21 and blocks of 16 the second block counts 5, and R = 32 continues it."""
    cut = run(small_design(replications=21))
    whole = run(small_design(replications=32))
    for source, sums in cut.items():
        first = Tally.of(*whole[source].kept[..., :16])
        second = Tally.of(*whole[source].kept[..., 16:21])
        assert second.count == 5
        assert bits(sums.tally) == bits(first.merge(second))


@pytest.mark.usefixtures("small_blocks")
def test_merged_blocks_are_all_replications_at_once():
    """The sums merged from 14 blocks are those of the 213 replications taken together."""
    for sums in run(small_design(), workers=2).values():
        assert sums.kept.shape[-1] == 213
        at_once = Tally.of(*sums.kept)
        # Centred sums are good to a few ulp of the largest of them, whatever the order.
        np.testing.assert_allclose(sums.tally.mean, at_once.mean, rtol=1e-12, atol=1e-16)
        scale = np.sqrt(at_once.scatter[0] * at_once.scatter[2])
        limits = np.stack([at_once.scatter[0], scale, at_once.scatter[2]])
        assert (np.abs(sums.tally.scatter - at_once.scatter) <= 1e-12 * limits).all()


def test_the_first_replications_are_kept_and_no_more():
    """Of 4,500 replications in two blocks the first 1,024 are kept, in order."""
    few = run(small_design(replications=KEPT_REPLICATIONS))
    many = run(small_design(replications=4500))
    assert KEPT_REPLICATIONS == 1024
    for source, sums in many.items():
        assert sums.tally.count == 4500
        assert sums.kept.shape[-1] == KEPT_REPLICATIONS
        assert sums.kept.tobytes() == few[source].kept.tobytes()


@pytest.mark.usefixtures("small_blocks")
def test_replications_are_kept_across_blocks_and_tasks(monkeypatch):
    """The kept replications are in block order whichever task found them, cut at 1,024."""
    monkeypatch.setattr(tasks, "KEPT_REPLICATIONS", 40)
    expected = {}
    for level in (0, 1, 3, 6):
        at_level(monkeypatch, level)
        for source, sums in run(small_design(), workers=3).items():
            assert sums.kept.shape[-1] == 40
            assert expected.setdefault(source, sums.kept.tobytes()) == sums.kept.tobytes()
    first = sweep.block_errors(small_design(), source, 0)
    assert expected[source].startswith(np.stack(first)[..., :1].tobytes()[:8])


@pytest.mark.parametrize("word", DISTRIBUTIONS)
@pytest.mark.usefixtures("small_blocks")
def test_no_replication_comes_twice(word):
    """All A of a continuous law are distinct: no block, lane or stream is used twice."""
    probe = np.empty(4096)
    distribution(word).fill(np.random.Generator(np.random.PCG64DXSM(1)), probe)
    if len(np.unique(probe)) < 1000:
        pytest.skip("a discrete law repeats itself by nature")
    # 213 numbers of more than 40 random bits agree by chance with probability 2e-8.
    design = Design.make(word, estimators="std", batch_sizes=[2], full_size=64, replications=213)
    (sums,) = run(design).values()
    assert len(np.unique(sums.kept[0, 0])) == 213


@pytest.mark.usefixtures("small_blocks")
def test_no_two_laws_share_their_draws():
    """Laws that are made from the same normals do not share them: every A is distinct."""
    laws = ["normal", "normal(loc=5)", "normal(scale=2)", "normal(scale=4)", "rectified_normal"]
    design = Design.make(laws, estimators="std", batch_sizes=[2], full_size=64, replications=213)
    # Scales that are powers of two divide out to the last bit; a location rounds, hence 9 digits.
    scaled = [
        sums.kept[0, 0] / distribution(source.distribution).scale
        for source, sums in run(design).items()
    ]
    together = np.round(np.concatenate(scaled), 9)
    # 1,065 numbers of 9 digits agree by chance somewhere with probability 6e-4: the seed is fixed.
    assert len(np.unique(together)) == together.size


# The two readers


@needs_numba
@pytest.mark.parametrize(
    "spec",
    [
        *DISTRIBUTIONS,
        "t(df=3)",
        "t(df=2.1)",
        "lognormal(s=2)",
        "normal(loc=1e6)",
        "normal(scale=1e-29)",
        "laplace(scale=1e29)",
        "lognormal(s=4)",
        "gamma(a=0.01)",
    ],
)
def test_the_readers_agree(spec):
    """Per replication, A and Q of both readers differ by at most 1e-9 of the cell's rmse.

    A hundred times that for the two laws most of whose batches are nothing beside their outliers.
    """
    share = 1e-7 if spec in ("lognormal(s=4)", "gamma(a=0.01)") else 1e-9
    design = Design.make(
        spec,
        estimators=EVERY_KIND[:5],
        batch_sizes=[2, 3, 16, 1000, 2048, 2049, 4095, 4096],
        full_size=4096,
    )
    source = drawing.sources(design)[0]
    a, q = sweep.block_errors(design, source, 0)
    plain_a, plain_q = sweep.block_errors(design, source, 0, compiled=False)
    assert np.array_equal(np.isnan(a), np.isnan(plain_a))
    # What has no rmse has no row either: those cells are refused before anything is drawn.
    law = distribution(spec)
    known = [
        ledger(kind, law, n, design.full_size, reference, "rmse").status != UNDEFINED
        for kind, n, reference, _ in sweep.cells(design)
    ]
    a, q, plain_a, plain_q = a[known], q[known], plain_a[known], plain_q[known]
    rmse = np.sqrt(plain_q.mean(axis=-1, keepdims=True))
    # numpy's mean of doubles near loc cannot be better than the spacing of doubles there.
    spacing = 4.0 * np.spacing(abs(law.loc)) if law.loc else 0.0
    # Nor are the squares of a statistic that hardly varies, as the spread of a fair coin, known to
    # better than the rounding of its squared unit.
    rounding = 4.0 * np.finfo(float).eps * law.unit**2
    assert (np.abs(a - plain_a) <= share * rmse + spacing).all()
    # One replication's square may be far above the mean square: it is given its own share.
    limit = np.maximum(rmse, np.sqrt(plain_q))
    allowed = share * limit**2 + 2.0 * spacing * limit + rounding * max(1.0, law.unit**2)
    assert (np.abs(q - plain_q) <= allowed).all()


@needs_numba
def test_the_readers_agree_on_batches_of_one():
    """The mean of batches of one is the same to 1e-9 of the rmse by both readers."""
    design = Design.make("exponential", estimators="mean", batch_sizes=[1], full_size=500)
    source = drawing.sources(design)[0]
    fast, plain = (
        np.stack(sweep.block_errors(design, source, 0, compiled=compiled))
        for compiled in (True, False)
    )
    assert np.abs(fast - plain).max() <= 1e-9


@needs_numba
def test_the_readers_agree_about_a_planted_outlier():
    """One observation of 10^4 sd among 5,000 leaves both readers within 1e-9 of the rmse."""
    from simnorm.estimators import estimator
    from simnorm.reducers import reducers_for

    law, kinds = distribution("normal"), [estimator(word) for word in EVERY_KIND[:5]]
    block = np.random.Generator(np.random.PCG64DXSM(5)).standard_normal((5000, 4))
    block[17] = 1e4
    found = []
    for compiled in (True, False):
        readers = reducers_for(law, kinds, [2, 3, 16, 1000], 5000, 4, compiled=compiled)
        for reader in readers:
            reader.add(block, 0)
        found.append({kind: pair for reader in readers for kind, pair in reader.errors().items()})
    for kind in kinds:
        (a, q), (plain_a, plain_q) = (part[kind] for part in found)
        rmse = np.sqrt(plain_q.mean(axis=-1, keepdims=True))
        assert (np.abs(a - plain_a) <= 1e-9 * rmse).all(), str(kind)
        assert (np.abs(q - plain_q) <= 1e-9 * rmse**2).all(), str(kind)


@needs_numba
def test_whole_runs_of_the_readers_agree():
    """A run without the compiled reader has the same measures to 1e-9 of the rmse."""
    design = Design.make(
        ["t(df=3)", "lognormal(s=2)"],
        estimators=EVERY_KIND[:5],
        batch_sizes=[2, 3, 500, 999],
        full_size=1000,
        replications=100,
    )
    fast, plain = run(design), run(design, compiled=False)
    for source in fast:
        rmse = measure(plain[source].tally, "rmse").estimate
        for name, power in (("bias", 1), ("mse", 2), ("rmse", 1), ("variance", 2)):
            one = measure(fast[source].tally, name).estimate
            other = measure(plain[source].tally, name).estimate
            known = np.isfinite(rmse)
            assert (np.abs(one - other)[known] <= 1e-9 * rmse[known] ** power).all(), name


def test_estimators_without_a_compiled_loop_use_the_array_reader():
    """With compiled=False everything is the array reader's, and both give every cell."""
    design = small_design(estimators=EVERY_KIND)
    assert len(array_estimators(sweep.estimators(design), compiled=False)) == len(EVERY_KIND)
    a, q = sweep.block_errors(design, drawing.sources(design)[0], 0, compiled=False)
    assert a.shape == q.shape == (len(sweep.cells(design)), lanes_of(8))


@needs_numba
@pytest.mark.parametrize("spec", ["normal", "lognormal(s=2)"])
def test_what_is_read_does_not_depend_on_the_slabs(spec):
    """Cut into slabs of 1, 2, 7 or all rows, the same block gives the same bits."""
    from simnorm.estimators import estimator
    from simnorm.reducers import reducers_for

    law, kinds = distribution(spec), [estimator(word) for word in EVERY_KIND]
    full_size, lanes, sizes = 20_000, 4, [2, 3, 100, 16_384, 20_000]
    block = np.empty((full_size, lanes))
    law.fill(np.random.Generator(np.random.PCG64DXSM(5)), block)
    found = set()
    for rows in (1, 2, 7, 16_384, full_size):
        readers = reducers_for(law, kinds, sizes, full_size, lanes)
        for first in range(0, full_size, rows):
            for reader in readers:
                reader.add(np.ascontiguousarray(block[first : first + rows]), first)
        parts = [pair for reader in readers for pair in reader.errors().items()]
        found.add(tuple((str(kind), a.tobytes(), q.tobytes()) for kind, (a, q) in parts))
    assert len(found) == 1


# How a run proceeds


@pytest.mark.usefixtures("small_blocks")
def test_progress_rises_to_the_total():
    """Progress is told after every node and at the end, rises, and ends at all that is drawn."""
    design = small_design()
    told = []
    nodes = []
    run(
        design,
        workers=2,
        on_node=lambda *found: nodes.append(found),
        on_progress=told.append,
    )
    assert told[-1] == told[-2]
    assert [step.done for step in told[:-1]] == sorted({step.done for step in told})
    assert {step.total for step in told} == {total_draws(design)}
    assert {step.stored for step in told} == {0}
    assert all(step.drawn == step.done for step in told)
    assert told[-1].done == total_draws(design) == 2 * 14 * 16 * 8
    assert len(nodes) == len(told) - 1
    assert {origin for _, _, origin in nodes} == {schedule.COMPUTED}
    assert sum(node.draws for _, node, _ in nodes) == total_draws(design)
    for place in range(2):
        of_source = [node for job, node, _ in nodes if job.number == place]
        assert all(job.task.source == job.number for job, _, _ in nodes)
        assert sum(node.tally.count for node in of_source) == design.replications


@pytest.mark.usefixtures("small_blocks")
def test_a_node_is_a_pure_function_of_its_task():
    """Computed twice, in another order, in other company: a node has the same bits."""
    design = small_design()
    tasks = [Task(source, 1, index) for source in (0, 1) for index in (0, 3, 6)]
    once = [compute(design, task) for task in tasks]
    again = [compute(design, task) for task in reversed(tasks)][::-1]
    for one, other in zip(once, again, strict=True):
        assert bits(one.tally) == bits(other.tally)
        assert one.kept.tobytes() == other.kept.tobytes()
        assert isinstance(one, Node)


class BrokenError(Exception):
    """Something a law or an estimator might raise."""


def raise_at(block_of_failure, monkeypatch):
    true, calls = sweep.block_errors, []

    def broken(design, source, block, **options):
        calls.append(block)
        if block == block_of_failure:
            raise BrokenError(f"block {block}")
        return true(design, source, block, **options)

    monkeypatch.setattr(sweep, "block_errors", broken)
    return calls


def simnorm_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("simnorm")]


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.usefixtures("small_blocks")
def test_an_error_in_a_worker_comes_out_and_nothing_hangs(workers, monkeypatch):
    """What a worker raises is raised by the run, at once; no thread stays behind."""
    design = small_design(replications=16 * 2000)
    calls = raise_at(3, monkeypatch)
    at_level(monkeypatch, 0)
    begin = time.monotonic()
    with pytest.raises(BrokenError, match="block 3"):
        run(design, workers=workers)
    # 4,000 blocks would take about 2 s; the error comes after four of them.
    assert time.monotonic() - begin < 10
    assert simnorm_threads() == []
    assert len(calls) < 200  # what had not begun never did


@pytest.mark.parametrize("error", [BrokenError, KeyboardInterrupt, BrokenPipeError])
@pytest.mark.parametrize("callback", ["on_node", "on_progress"])
@pytest.mark.usefixtures("small_blocks")
def test_an_error_in_a_callback_stops_the_run(callback, error, monkeypatch):
    """An error or Ctrl-C while a node is stored or shown ends the run and its threads."""
    design = small_design(replications=16 * 2000)
    calls = raise_at(-1, monkeypatch)
    at_level(monkeypatch, 0)

    def broken(*_):
        raise error

    with pytest.raises(error):
        run(design, workers=2, **{callback: broken})
    assert simnorm_threads() == []
    assert len(calls) < 200


@pytest.mark.usefixtures("small_blocks")
def test_a_run_warns_of_nothing(monkeypatch):
    """Cells whose errors are infinite or undefined bring no warning at any shape of the tree."""
    design = small_design(distributions="normal,cauchy", estimators=EVERY_KIND, replications=16 * 7)
    for level in range(4):
        at_level(monkeypatch, level)
        run(design, workers=2)  # pytest turns a warning of either thread into an error


@pytest.mark.usefixtures("small_blocks")
def test_a_slow_store_is_not_run_away_from(monkeypatch):
    """While a node is being stored, at most two tasks for each worker are under way or done."""
    calls = raise_at(-1, monkeypatch)
    at_level(monkeypatch, 0)
    seen = []

    def slow(*_):
        if not seen:
            time.sleep(0.3)  # hundreds of blocks, if nothing held them back
            seen.append(len(calls))

    run(small_design(replications=16 * 400), workers=2, on_node=slow)
    assert seen[0] <= 2 * 2


@pytest.mark.usefixtures("small_blocks")
def test_nodes_come_to_the_thread_that_asked():
    """Callbacks run in the caller's thread: a store need not be safe for threads."""
    seen = set()
    run(
        small_design(),
        workers=3,
        on_node=lambda *_: seen.add(threading.get_ident()),
        on_progress=lambda *_: seen.add(threading.get_ident()),
    )
    assert seen == {threading.get_ident()}


def test_draws_are_counted_by_whole_blocks():
    """The number of observations counts the last block whole, for every source."""
    design = Design.make(["normal", "t"], full_size=16_384, replications=65)
    source = drawing.sources(design)[0]
    assert tasks.block_count(design, source) == 2
    assert total_draws(design) == 2 * 2 * 64 * 16_384
    assert tasks.block_count(dataclasses.replace(design, replications=64), source) == 1


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_tasks_are_powers_of_two_blocks_and_enough_for_all(workers):
    """A task holds at most 2^24 draws, and there are four for each worker where blocks allow."""
    for full_size, replications in ((16_384, 256), (16_384, 10**6), (8, 10**7), (10**7, 16)):
        design = Design.make(
            ["normal", "t"], full_size=full_size, replications=replications, batch_sizes=[2]
        )
        level = schedule.task_level(design, workers)
        assert level >= 0
        assert level == 0 or (lanes_of(full_size) * full_size) << level <= schedule.TASK_DRAWS
        count = 2 * -(-tasks.block_count(design, drawing.sources(design)[0]) >> level)
        assert level == 0 or count >= schedule.TASKS_PER_WORKER * workers


def test_memory_does_not_grow_with_the_replications():
    """Ten times the replications take no more memory."""
    peaks = []
    for blocks in (4, 4, 40):
        design = Design.make(
            ["normal", "laplace"],
            estimators="mean,median",
            batch_sizes=[2],
            full_size=64,
            replications=blocks * lanes_of(64),
        )
        tracemalloc.start()
        try:
            # One thread: with two, chance decides how often both hold a block.
            run(design, workers=1)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # The first run pays for caches. Keeping one double for every replication and cell would add
    # 9 MB and so double the peak; which arrays of two blocks meet moves it by a tenth.
    assert peaks[2] < 1.25 * peaks[1]


@pytest.mark.slow
def test_the_process_does_not_grow_with_the_replications():
    """The peak memory of a whole process at 160 times the draws is within 10 %."""
    pytest.importorskip("resource")
    program = (
        "import resource, sys, simnorm as sn\n"
        "sn.sweep('normal', batch_sizes=[2, 16], full_size=64, replications=int(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", program, str(replications)],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
        for replications in (4 * 4096, 640 * 4096)
    ]
    assert peaks[1] < 1.1 * peaks[0]
