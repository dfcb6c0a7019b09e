"""Oracles of kind U: nothing that should be new was there before."""

from __future__ import annotations

import itertools

import numpy as np

from mutants.runs import ROWS, run, small_blocks
from simnorm import engine, resampling, streams, tasks
from simnorm.design import Design


def streams_differ() -> str:
    """No two streams begin with the same 128 bits: seeds, laws, sizes, schemes, blocks.

    Chance would let two of some thousand agree with probability 1e-32.
    """
    seeds = (0, 1, 2, 7, 8, 2**32, 2**64)
    laws = ("normal", "normal(loc=1)", "t(df=5)", "t(df=5.000000000000001)", streams.rows_source())
    schemes = ("shuffle", "replacement")
    keys = [
        (seed, law, N, scheme, block, n)
        for seed, law, N, scheme in itertools.product(seeds, laws, (16, 17), schemes)
        for block in range(6)
        for n in ((0, 2, 4) if scheme == "replacement" else (0,))
    ]  # fmt: skip
    prints = {
        tuple(streams.block_stream(*key).bit_generator.random_raw(2).tolist()) for key in keys
    }
    assert len(prints) == len(keys), f"{len(keys) - len(prints)} of {len(keys)} streams repeat"
    return f"{len(keys)} streams differ"


def replications_differ() -> str:
    """No replication of a run comes twice, in one law or across laws: A and Q of all are new."""
    _, found = run(
        ["normal", "normal(loc=1)"], full_size=10, batch_sizes=[3], estimators="mean",
        replications=600, lanes=128, seed=5,
    )  # fmt: skip
    seen = []
    for sums in found.values():
        # Against the full set, where the law's mean is gone; two digits of rounding less.
        A, Q = sums.kept[:, 0]
        seen += zip(np.round(A, 12).tolist(), np.round(Q, 12).tolist(), strict=True)
    assert len(set(seen)) == len(seen) == 1200, f"{len(seen) - len(set(seen))} replications repeat"
    return f"{len(seen)} replications differ"


def orders_are_new() -> str:
    """Shuffled lanes hold every row once and none repeats; all rows come where they are chosen."""
    N, lanes = len(ROWS), 64
    seen = []
    for block in range(3):
        orders = np.concatenate([*resampling.row_orders(1, "shuffle", N, block, lanes, 2, None)])
        assert (np.sort(orders, axis=-1) == np.arange(N)).all(), "a row comes twice or never"
        seen += [tuple(order) for order in orders.tolist()]
    # 192 of 12! orders: two agree with probability 4e-5 for a new seed.
    assert len(set(seen)) == len(seen), "an order comes twice"
    chosen = np.concatenate([*resampling.row_orders(1, "replacement", N, 0, lanes, 2, None)])
    assert set(chosen.ravel().tolist()) == set(range(N)), "a row is never chosen"
    return f"{len(seen)} orders differ"


def blocks_once() -> str:
    """Every replication asked for is drawn and counted once, the blocks cut at R among them."""
    for replications in (1, 63, 64, 65, 300):
        design = Design.make(
            ["normal"], full_size=8, batch_sizes=[2], replications=replications, estimators="mean"
        )
        nodes: dict[tasks.Task, tasks.Node] = {}
        with small_blocks(64):
            found = engine.run(
                design,
                workers=2,
                compiled=False,
                on_node=lambda job, n, _: nodes.setdefault(job.task, n),  # noqa: B023
            )
            blocks = [
                block for task in nodes
                for block in range(task.position << task.level, (task.position + 1) << task.level)
            ]  # fmt: skip
        sums = next(iter(found.values()))
        assert sums.tally.count == replications, (sums.tally.count, replications)
        assert sums.kept.shape[-1] == replications
        assert len(set(blocks)) == len(blocks)
        assert set(range(-(-replications // 64))) <= set(blocks)
    return "five runs"
