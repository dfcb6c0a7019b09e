"""Oracles of kind B: the same bits, however the work is done and whatever stands beside it."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd

from mutants.runs import ROWS, run, small_blocks, table
from simnorm import engine, schedule, settling, tasks
from simnorm.design import Design

GIVEN = {"full_size": 16, "estimators": "mean,unbiased_variance,median"}


def _same(one: schedule.Sums, other: schedule.Sums) -> bool:
    return all(
        np.array_equal(getattr(one.tally, name), getattr(other.tally, name))
        for name in ("count", "pivot", "offset", "scatter")
    ) and np.array_equal(one.kept, other.kept)


def workers_and_arrival() -> str:
    """One worker or seven, nodes in any order of arrival: the same sums to the last bit."""
    given = {"batch_sizes": [2, 5], "replications": 1500, "lanes": 16, **GIVEN}
    (_, first), *others = [run(["exponential"], workers=w, **given) for w in (1, 2, 7)]
    for _, other in others:
        for source, sums in first.items():
            assert _same(sums, other[source]), "workers"
    design = Design.make(["exponential"], **{k: v for k, v in given.items() if k != "lanes"})
    rng = random.Random(1)
    with small_blocks(16):
        nodes = [tasks.compute(design, tasks.Task(0, 0, b), compiled=False) for b in range(94)]
        for _ in range(3):
            tree, order = tasks.MergeTree(), list(range(94))
            rng.shuffle(order)
            for block in order:
                tree.add(0, block, nodes[block].tally)
            found = tree.root()
            whole = next(iter(first.values())).tally
            assert np.array_equal(found.offset, whole.offset), "arrival"
            assert np.array_equal(found.scatter, whole.scatter), "arrival"
    return "4 ways, 3 orders"


def extended_grid() -> str:
    """More sizes, estimators, laws, columns change no number; more replications keep the first."""
    columns = ["estimate", "mcse", "theory", "z", "khat"]
    keys = ["distribution", "column", "estimator", "batch_size", "reference", "measure"]
    small = {"batch_sizes": [2, 4], "replications": 120, "lanes": 32}
    first = table(["normal"], **small, **GIVEN).set_index(keys)[columns]
    more = GIVEN | {"estimators": "range,std(ddof=0),median,mean,unbiased_variance"}
    larger = table(["uniform", "normal"], **(small | {"batch_sizes": [2, 3, 4, 8]}), **more)
    again = larger.set_index(keys)[columns].reindex(first.index)
    assert np.array_equal(first.to_numpy(), again.to_numpy(), equal_nan=True)
    kept = [
        next(iter(run(["normal"], **(small | {"replications": R}), **GIVEN)[1].values())).kept
        for R in (120, 200)
    ]
    assert np.array_equal(kept[0], kept[1][..., :120])
    given = {"batch_sizes": [2, 5], "replications": 50, "compiled": True}
    words = "mean,unbiased_variance,std(ddof=0),std(ddof=1),quantile(q=0.1),quantile(q=0.9)"
    one = table(data={"x": ROWS}, estimators=words, **given).set_index(keys)[columns]
    two = table(data={"w": np.sqrt(ROWS), "x": ROWS}, estimators=words, **given)
    two = two.set_index(keys)[columns].reindex(one.index)
    assert np.array_equal(one.to_numpy(), two.to_numpy(), equal_nan=True)
    return f"{len(first) + len(one)} rows"


def looks_on_prefixes() -> str:
    """With a target every cell stops where plain runs say, and reports what such a run reports.

    Looks are at 256, 512, ... replications; a cell is done where the error of variance, mse and
    rmse is 6 % of them, and that of the bias 6 % of the rmse, at two looks running.
    """
    share, most = 0.06, 4096
    given = {"full_size": 16, "batch_sizes": [2, 4, 8], "estimators": "mean,unbiased_variance"}
    design = Design.make(
        ["uniform"], target_mcse=f"{100 * share:g}%", max_replications=most, **given
    )
    with small_blocks(64):
        made = settling.Maker(design)
        engine.run(design, workers=2, compiled=False, on_source=made.add, on_look=made.look)
    frame = made.tables()[0]
    keys = ["estimator", "batch_size", "reference", "measure"]
    plain, holds = {}, {}
    for R in (256, 512, 1024, 2048, most):
        plain[R] = table(["uniform"], replications=R, lanes=64, **given).set_index(keys)
        holds[R] = _precise(plain[R], share)
    asked = {key[:3]: row for key, row in frame.set_index(keys).iterrows() if key[3] == "mse"}
    ends = set()
    for cell, row in asked.items():
        looks = [R for R in holds if R > 256 and holds[R][cell] and holds[R // 2][cell]]
        end = min(looks, default=most)
        assert row["replications"] == end, (cell, int(row["replications"]), end)
        assert row["mcse"] == plain[end].loc[(*cell, "mse"), "mcse"], cell
        ends.add(end)
    assert len(ends) > 1, ends
    return f"{len(asked)} cells end at {sorted(ends)}"


def _precise(frame: pd.DataFrame, share: float) -> dict[tuple[object, ...], bool]:
    """Return by cell whether a plain run's errors are small enough."""
    found = {}
    for cell, part in frame.groupby(["estimator", "batch_size", "reference"]):
        rows = part.droplevel([0, 1, 2])
        size = rows["estimate"].abs()
        size["bias"] = size["rmse"]
        rows = rows.loc[["bias", "variance", "mse", "rmse"]]
        drawn = rows[rows["status"] != "exact"]
        small = drawn["mcse"] <= share * size[drawn.index]
        found[cell] = bool((small & (drawn["status"] == "ok")).all())
    return found
