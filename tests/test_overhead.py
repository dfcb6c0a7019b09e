"""What batch normalization costs in time: arithmetic, pairing and order, all by a false clock."""

from __future__ import annotations

import gc
import itertools
import math
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import simnorm as sn
from simnorm import trials
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.intervals import order_ranks
from simnorm.schedule import Sums
from simnorm.studies import overhead
from simnorm.studies.drawing import sources
from simnorm.studies.overhead.timing import (
    BUILT,
    HIDDEN_BN,
    INPUT_BN,
    NONE,
    STANDARDIZED,
    VARIANTS,
    Bench,
    Stand,
    by_turns,
    calls,
    no_collector,
    one_round,
    step_seconds,
    usual_clock,
)
from simnorm.studies.torch_thread import one_thread
from simnorm.tally import Tally

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")

# Seconds that every action of the false bench takes at width 64 and batch size 8.
TRAIN = {NONE: 1.0, INPUT_BN: 1.25, HIDDEN_BN: 1.5}
INFER = {NONE: 0.25, INPUT_BN: 0.375, HIDDEN_BN: 0.5}
SCALE, STANDARDIZING = 0.0625, 16.0


class FalseClock:
    """A clock that stands still unless an action moves it; notes what was called."""

    def __init__(self, noise: Callable[[], float] = lambda: 1.0) -> None:
        self.now, self.noise, self.called = 0.0, noise, []

    def __call__(self) -> float:
        return self.now

    def action(self, name: tuple[Any, ...], seconds: float) -> Callable[[], None]:
        def act() -> None:
            self.called.append(name)
            self.now += seconds * self.noise()

        return act


def stand(clock: FalseClock, width: int = 64, n: int = 8) -> Stand:
    """All variants, n/8 times as slow as at batch size 8."""
    slow = n / 8
    benches = {
        v: Bench(
            clock.action(("train", width, n, v), slow * TRAIN[v]),
            clock.action(("infer", width, n, v), slow * INFER[v]),
        )
        for v in BUILT
    }
    return Stand(benches, clock.action(("scale", width, n), slow * SCALE))


def false_round(
    clock: FalseClock, sizes: tuple[int, ...] = (8,), seed: int = 0, width: int = 64
) -> overhead.Round:
    """A round of the false bench; what is wide is timed less often."""
    stands = {(width, n): lambda n=n: stand(clock, width, n) for n in sizes}
    rng = np.random.default_rng(seed)
    return one_round(stands, clock.action(("rows",), STANDARDIZING), rng, clock)


def small(**more: Any) -> Design:
    settings = {"batch_sizes": [8], "widths": 64, "full_size": 32, "epochs": 4, "replications": 8}
    return Design.make(study="overhead", **settings | more)


def values(design: Design, found: overhead.Round) -> Mapping[tuple[str, int, str], float]:
    """Quantity, batch size and factors with what a round says of them."""
    here = overhead.cells(design, sources(design)[0])
    numbers = overhead.values_of(design, here, found)
    return {
        (c.quantity, c.batch_size, c.factors): float(v) for c, v in zip(here, numbers, strict=True)
    }


# Cells.


def test_the_cells_are_levels_ratios_and_what_standardizing_takes() -> None:
    """Two quantities, four variants, three of which are compared; one time; what a step repays."""
    design = small()
    here = overhead.cells(design, sources(design)[0])
    assert len(here) == overhead.cell_count(design) == 2 * 7 + 1 + 1
    assert [(c.quantity, c.batch_size, c.factors, c.summary) for c in here[:3]] == [
        ("training_step", 8, "width=64;variant=none", "median"),
        ("training_step", 8, "width=64;variant=input_bn", "median"),
        ("training_step", 8, "width=64;variant=input_bn;against=none", "median_ratio"),
    ]
    assert here[-2] == trials.Cell("standardizing", 0, "variant=standardized", "median")
    assert here[-1].factors == "width=64;variant=input_bn;against=standardized"


@pytest.mark.parametrize(("sizes", "widths"), [((8,), 64), ((2, 8, 32), (64, 128)), ((4, 8), 2)])
def test_the_count_of_cells_is_that_of_their_list(sizes: Any, widths: Any) -> None:
    """And no two cells have the same key."""
    design = small(batch_sizes=sizes, widths=widths)
    here = overhead.cells(design, sources(design)[0])
    assert len(here) == overhead.cell_count(design)
    assert len({(c.quantity, c.batch_size, c.factors) for c in here}) == len(here)


def test_a_batch_of_one_is_refused() -> None:
    """In one line, as PyTorch itself would refuse it in training."""
    with pytest.raises(SimnormError, match="PyTorch refuses to normalize a batch of one"):
        overhead.check(small(batch_sizes=[1, 8]))
    overhead.check(small(batch_sizes=[2, 8]))


# Arithmetic.


def test_a_round_by_hand() -> None:
    """Every number of a round whose actions take known seconds.

    32 rows make 4 batches of 8, and 4 epochs 16 steps, which share 16 seconds of standardizing.
    """
    found = values(small(), false_round(FalseClock()))
    expected = {
        ("training_step", "none"): 1.0,
        ("training_step", "input_bn"): 1.25,
        ("training_step", "hidden_bn"): 1.5,
        ("training_step", "standardized"): 2.0,
        ("inference", "none"): 0.25,
        ("inference", "input_bn"): 0.375,
        ("inference", "hidden_bn"): 0.5,
        ("inference", "standardized"): 0.3125,
    }
    for (quantity, variant), seconds in expected.items():
        key = f"width=64;variant={variant}"
        assert found[quantity, 8, key] == seconds
        if variant != NONE:
            ratio = math.log(seconds / expected[quantity, NONE])
            assert found[quantity, 8, f"{key};against=none"] == pytest.approx(ratio, abs=1e-15)
    assert found["standardizing", 0, "variant=standardized"] == 16.0
    repaid = found["repaid_per_step", 8, "width=64;variant=input_bn;against=standardized"]
    assert repaid == 0.25 / 16.0


def test_after_so_many_steps_standardizing_once_is_repaid() -> None:
    """1/repaid steps with batch normalization at the input cost what standardizing costs once."""
    found = false_round(FalseClock())
    numbers = values(small(), found)
    steps = 1 / numbers["repaid_per_step", 8, "width=64;variant=input_bn;against=standardized"]
    with_bn, without = (step_seconds(found, 64, 8, v, 1) for v in (INPUT_BN, NONE))
    assert steps * with_bn == steps * without + found.standardizing


def test_the_share_of_standardizing_is_that_of_all_steps() -> None:
    """The tail of the rows makes no batch: 35 rows make 4 batches of 8, and 11 of 3."""
    for n, batches in ((8, 4), (3, 11), (32, 1)):
        assert overhead.steps_of(small(batch_sizes=[n], full_size=35), n) == 4 * batches


def test_the_shortest_call_is_taken_and_the_first_of_a_turn_is_not_timed() -> None:
    """Turns of an untimed and a timed call; the untimed ones may take as long as they like."""
    seconds = iter([100.0, 3.0, 100.0, 2.0, 100.0, 5.0, 100.0, 2.5])
    clock = FalseClock(lambda: next(seconds))
    found = by_turns({"a": clock.action(("a",), 1.0)}, 4, np.random.default_rng(0), clock)
    assert found == {"a": 2.0}
    assert len(clock.called) == 8


def test_what_is_soon_done_is_called_several_times_for_one_time() -> None:
    """Nine times of three calls each, and of one call that is not timed."""
    clock = FalseClock()
    found = by_turns({"a": clock.action(("a",), 0.5)}, 9, np.random.default_rng(0), clock)
    assert found == {"a": 0.5}
    assert len(clock.called) == 9 * (1 + 3)


def test_larger_nets_and_batches_are_timed_less_often() -> None:
    """But never less than three times, nor more than nine."""
    sizes = (2, 8, 32, 128, 512, 4096)
    for width in (16, 64, 256, 1024, 4096):
        counts = [calls(width, n) for n in sizes]
        assert counts == sorted(counts, reverse=True)
        assert 3 <= min(counts) <= max(counts) <= 9


# Order.


def test_everything_is_timed_once_in_a_round() -> None:
    """Every width and batch size, every variant, and the standardizing of all rows."""
    clock = FalseClock()
    found = false_round(clock, (8, 16, 512))
    assert list(found.times) == [(64, 8), (64, 16), (64, 512)]
    each = {("rows",)}
    for n in (8, 16, 512):
        each |= {(word, 64, n, v) for word in ("train", "infer") for v in BUILT}
        each |= {("scale", 64, n)}
    assert set(clock.called) == each
    assert found.times[64, 16].train[NONE] == 2 * found.times[64, 8].train[NONE]


def test_what_is_compared_is_timed_together() -> None:
    """All calls of one width and batch size follow each other, and in each turn all variants."""
    clock = FalseClock()
    false_round(clock, (8, 16, 512))
    places = [name[1:3] for name in clock.called]
    changes = sum(a != b for a, b in itertools.pairwise(places))
    assert changes == 3
    trained = [name[3] for name in clock.called if name[:3] == ("train", 64, 512)]
    count = calls(64, 512)
    turn = len(trained) // count
    for first in range(0, len(trained), turn):
        here = trained[first : first + turn]
        assert set(here) == set(BUILT)
        # The calls of a variant follow each other.
        assert sum(a != b for a, b in itertools.pairwise(here)) == len(BUILT) - 1


def test_orders_are_drawn() -> None:
    """The same stream gives the same order; over 400 rounds every variant begins as often.

    Each begins in Binomial(400, 1/3); the chance that any is off by more than 4 standard errors is
    below 2e-4.
    """
    firsts, groups = [], set()
    for seed in range(400):
        clock, again = FalseClock(), FalseClock()
        false_round(clock, (8, 16), seed, 4096)
        if seed < 10:
            false_round(again, (8, 16), seed, 4096)
            assert again.called == clock.called
        firsts.append(next(name[3] for name in clock.called if name[0] == "train"))
        groups.add(tuple(dict.fromkeys(name[1:3] for name in clock.called)))
    assert len(groups) == 6
    for variant in BUILT:
        assert abs(firsts.count(variant) - 400 / 3) < 4 * math.sqrt(400 * 2 / 9)


def test_stands_are_made_when_their_turn_comes() -> None:
    """No two nets of different sizes are there at a time."""
    clock, made = FalseClock(), []

    def make(n: int) -> Stand:
        made.append((n, len(clock.called)))
        return stand(clock, 64, n)

    stands = {(64, n): lambda n=n: make(n) for n in (8, 16)}
    one_round(stands, clock.action(("rows",), 1.0), np.random.default_rng(1), clock)
    for n, before in made:
        assert clock.called[before][:3] == ("train", 64, n)


def test_a_drifting_machine_hits_all_alike() -> None:
    """Where every call is a thousandth slower than the one before, ratios hardly move.

    The shortest of each variant is from the first turn, at most 8 calls away from another's.
    """
    clock = FalseClock()
    clock.noise = lambda: 1.001 ** len(clock.called)
    found = values(small(), false_round(clock))
    for variant, seconds in TRAIN.items():
        if variant != NONE:
            ratio = found["training_step", 8, f"width=64;variant={variant};against=none"]
            assert abs(ratio - math.log(seconds)) <= 12 * math.log(1.001)


# Intervals.


def replicated(design: Design, clock: FalseClock, seed: int) -> dict[tuple[str, str], Any]:
    """Rows of several rounds by a false clock, by quantity and factors."""
    source = sources(design)[0]
    here = overhead.cells(design, source)
    a = np.array([
        overhead.values_of(design, here, false_round(clock, seed=seed + i))
        for i in range(design.replications)
    ]).T  # fmt: skip
    kept = np.stack([a, np.zeros_like(a)])
    rows = overhead.rows(design, source, Sums(Tally.of(*kept), kept))
    names = list(zip(rows["estimator"], rows["factors"], strict=True))
    return {name: {k: v[i] for k, v in rows.items()} for i, name in enumerate(names)}


def test_intervals_are_order_statistics_of_rounds() -> None:
    """Eight rounds: the median of the ratios between the smallest and the largest."""
    rng = np.random.default_rng(5)
    design, clock = small(), FalseClock(lambda: float(np.exp(rng.normal(0.0, 0.1))))
    assert order_ranks(8, 0.5) == (1, 8)
    rows = replicated(design, clock, 0)
    row = rows["training_step", "width=64;variant=input_bn;against=none"]
    assert row["measure"] == "ratio"
    assert row["status"] == "ok"
    assert row["source"] == "bench"
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert row["batches"] == 4
    assert row["replications"] == 8
    level = rows["standardizing", "variant=standardized"]
    assert level["measure"] == "median"
    assert level["batch_size"] == 0


def test_few_rounds_are_not_trusted() -> None:
    """Five rounds have no 95 % interval for a median."""
    rows = replicated(small(replications=5), FalseClock(lambda: 1.0), 0)
    assert {row["status"] for row in rows.values()} == {"unreliable"}


def test_a_net_against_itself_is_covered() -> None:
    """Nets that take the same time: intervals of 12 rounds hold 1 at least 95 times of 100.

    By a clock with heavy-tailed noise. Order statistics of 12 cover with 96.1 %; of 400 intervals
    fewer than 92 % would be 4.2 standard errors below (a false alarm in 10^4); at 80 % coverage
    such a fall is seen with a chance above 0.999.
    """
    rng = np.random.default_rng(11)
    # Wide, so that an action is timed three times only.
    design, held = small(replications=12, widths=4096), 0
    source = sources(design)[0]
    here = overhead.cells(design, source)
    place = [c.factors for c in here].index("width=4096;variant=input_bn;against=none")
    for _ in range(400):
        clock = FalseClock(lambda: 1.0 + float(rng.pareto(1.5)))
        same = {
            v: Bench(clock.action(("train", v), 1.0), clock.action(("infer", v), 1.0))
            for v in BUILT
        }
        stands = {(4096, 8): lambda same=same, c=clock: Stand(same, c.action(("scale",), 1.0))}
        a = [
            overhead.values_of(
                design, here, one_round(stands, clock.action(("rows",), 1.0), rng, clock)
            )[place]
            for _ in range(12)
        ]
        row = trials.row_of(here[place], np.array(a), np.zeros(12))
        held += row["ci_low"] <= 1.0 <= row["ci_high"]
    assert held >= 0.92 * 400


def test_the_collector_is_off_while_timing_and_as_before_after() -> None:
    """Also where it was off before, and after an error."""
    assert gc.isenabled()
    with no_collector():
        assert not gc.isenabled()
        with no_collector():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="stop"), no_collector():
        raise ValueError("stop")
    assert gc.isenabled()


def test_the_usual_clock_goes_forward() -> None:
    """And tells microseconds apart."""
    clock = usual_clock()
    first = clock()
    assert sum(range(10_000))
    assert clock() > first


# The bench itself; nothing here is measured.


@needs_torch
def test_all_variants_have_the_same_weights() -> None:
    """And batch normalization stands where its name says."""
    from torch import nn

    from simnorm.studies.overhead.nets import FEATURES, drawn_weights, net

    weights = drawn_weights(np.random.default_rng(0), 16)
    assert [w.shape for w in weights] == [(16, FEATURES), (16, 16), (10, 16)]
    kinds = {v: [type(layer).__name__ for layer in net(weights, v)] for v in BUILT}
    plain = ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert kinds[NONE] == plain
    assert kinds[INPUT_BN] == ["BatchNorm1d", *plain]
    hidden = ["Linear", "BatchNorm1d", "ReLU"]
    assert kinds[HIDDEN_BN] == [*hidden, *hidden, "Linear"]
    for variant in BUILT:
        linear = [layer for layer in net(weights, variant) if isinstance(layer, nn.Linear)]
        for layer, weight in zip(linear, weights, strict=True):
            assert np.array_equal(layer.weight.detach().numpy(), weight)
            assert not layer.bias.detach().numpy().any()


@needs_torch
def test_a_step_trains_and_inference_does_not() -> None:
    """Weights move by a step, by very little; inference leaves running averages as they are."""
    import torch

    from simnorm.studies.overhead import nets

    rng = np.random.default_rng(0)
    model = nets.net(nets.drawn_weights(rng, 16), INPUT_BN)
    x, y = torch.from_numpy(rng.standard_normal((8, 64), dtype=np.float32)), torch.arange(8)
    bench = nets._bench(model, x, y)
    before = model[1].weight.detach().clone()
    bench.infer()
    assert not model[0].running_mean.any()
    assert torch.equal(model[1].weight, before)
    # In training mode PyTorch refuses a batch of one.
    nets._bench(model, x[:1], y[:1]).infer()
    bench.train()
    assert model[0].running_mean.any()
    moved = (model[1].weight - before).abs().max()
    assert 0.0 < float(moved.detach()) < 1e-5


@needs_torch
def test_threads_and_generators_are_as_before() -> None:
    """One thread while timing; PyTorch's own generator is never asked."""
    import torch

    from simnorm.studies.overhead import nets

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with one_thread():
        assert torch.get_num_threads() == 1
        nets.stand_of(8, 4, np.random.default_rng(0)).benches[HIDDEN_BN].train()
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


@needs_torch
def test_a_block_asks_the_clock_alone_for_time() -> None:
    """By a clock that ticks once whenever it is read, every call takes a tick or its part."""
    ticks = iter(range(10**9))
    design = small(batch_sizes=[2, 8], widths=(4, 8))
    source = sources(design)[0]
    a, q = overhead.block_errors(design, source, 0, clock=lambda: float(next(ticks)))
    assert a.shape == q.shape == (overhead.cell_count(design), 1)
    assert not q.any()
    for cell, value in zip(overhead.cells(design, source), a[:, 0], strict=True):
        variant = cell.factors.split(";")[1] if "width" in cell.factors else ""
        if cell.quantity in ("training_step", "inference") and "standardized" not in variant:
            is_ratio = "against" in cell.factors
            assert value == (0.0 if is_ratio else pytest.approx(1 / 3))
        if cell.quantity == "repaid_per_step":
            assert value == 0.0


@needs_torch
def test_what_is_drawn_is_a_function_of_design_and_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, batches and order are the same again, and others in another block.

    Another batch size or width beside them changes none of the weights and batches.
    """
    from simnorm.studies.overhead import nets

    seen: dict[tuple[int, int], float] = {}
    order: list[tuple[int, int]] = []

    def stand_of(width: int, n: int, rng: np.random.Generator) -> Stand:
        seen[width, n] = float(rng.random())
        order.append((width, n))
        return stand(FalseClock(), width, n)

    monkeypatch.setattr(nets, "stand_of", stand_of)

    def run(block: int, **more: Any) -> tuple[dict[tuple[int, int], float], list[Any]]:
        seen.clear()
        order.clear()
        design = small(**{"batch_sizes": [2, 8, 16], "widths": (4, 8)} | more)
        clock = iter(range(10**9))
        overhead.block_errors(design, sources(design)[0], block, clock=lambda: float(next(clock)))
        return dict(seen), list(order)

    first, again, other = run(0), run(0), run(1)
    assert first == again
    assert len(set(first[0].values())) == 6
    assert not set(first[0].values()) & set(other[0].values())
    # Three blocks in the same order of six would be a chance of 2e-6.
    assert len({tuple(run(block)[1]) for block in range(3)}) > 1
    fewer = run(0, batch_sizes=[8], widths=8)[0]
    assert fewer.items() <= first[0].items()
    assert run(0, seed=1)[0] != first[0]


@needs_torch
def test_a_run_has_all_rows_and_is_kept(tmp_path: Any) -> None:
    """Statuses and keys, not times; the folder is loaded with the same tables."""
    result = sn.study(
        "overhead", batch_sizes=[2, 8], widths=8, full_size=64, epochs=2, replications=6,
        out=tmp_path / "run",
    )  # fmt: skip
    frame = result.frame
    assert len(frame) == overhead.cell_count(result.design)
    assert set(frame["status"]) == {"ok"}
    assert set(frame["source"]) == {"bench"}
    ratio = frame[frame["measure"] == "ratio"]
    assert set(ratio["against"]) == {"none"}
    assert set(ratio["variant"]) == set(VARIANTS) - {NONE}
    # By construction, whatever the machine does.
    assert (ratio.loc[ratio["variant"] == STANDARDIZED, "estimate"] > 1.0).all()
    assert result.curves.empty
    assert sn.load(tmp_path / "run").frame.equals(frame)


def test_without_torch_the_study_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, before anything is timed."""
    import simnorm.studies

    monkeypatch.setattr(simnorm.studies, "find_spec", lambda _: None)
    with pytest.raises(SimnormError, match="pip install torch"):
        sn.study("overhead", replications=6)
