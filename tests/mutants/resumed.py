"""Oracles of kind B for runs that go on in a folder: they end as a run of their own does."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import simnorm as sn
from mutants.exact import Floats
from mutants.runs import ROWS, small_blocks
from simnorm import engine, schedule, store
from simnorm.crews import Lost
from simnorm.errors import SimnormError
from simnorm.estimators import UserEstimator
from simnorm.results import csv_text

MADE = (store.RESULTS, store.CURVES)


def run_in(folder: Path, *, study: str = "sweep", **given: Any) -> int:
    """Run in a folder, and elsewhere, and compare; return the draws that were made there."""
    result = sn.study(study, out=folder, workers=1, **given)
    alone = sn.study(study, workers=1, **given)
    for name, table in zip(MADE, (alone.frame, alone.curves), strict=True):
        columns = list(table.columns) if name == store.CURVES else list(sn.results.SCHEMA)
        text = (folder / name).read_text(encoding="utf-8")
        assert text == csv_text(table[columns]), name
    return int(result.provenance["session_draws"])


@contextlib.contextmanager
def place(lanes: int = 16) -> Iterator[Path]:
    """Yield an empty folder; blocks are small, and tasks may hold several."""
    before, schedule.TASKS_PER_WORKER = schedule.TASKS_PER_WORKER, 2
    try:
        with tempfile.TemporaryDirectory() as name, small_blocks(lanes):
            yield Path(name) / "run"
    finally:
        schedule.TASKS_PER_WORKER = before


def resumed_runs() -> str:
    """Fewer, more, and other cells in one folder: the bytes of a run of its own, no draw too many.

    A block of 16 full sets of 8 is 128 draws.
    """
    small = {
        "distributions": ["exponential"],
        "full_size": 8,
        "batch_sizes": [2, 4],
        "estimators": "mean,biased_variance",
        "replications": 200,
    }
    with place() as folder:
        assert run_in(folder, **small) == 13 * 128
        assert run_in(folder, **small) == 0
        # The last node of 72 replications, of four blocks and a half, is hidden in a larger one.
        run_in(folder, **(small | {"replications": 72}))
        # Twelve whole blocks are there; the cut one is drawn again.
        run_in(folder, **(small | {"replications": 205}))
        assert run_in(folder, **(small | {"replications": 72})) == 0
        # Another order of the estimators, one more, one size more, beside those that are there.
        more = small | {"batch_sizes": [2, 3, 4], "estimators": "median,biased_variance,mean"}
        run_in(folder, **more)
        assert run_in(folder, **more) == 0
        assert run_in(folder, **(more | {"sampling": "replacement"})) > 0
        assert run_in(folder, **(more | {"distributions": ["exponential(scale=2)"]})) > 0
    return "8 runs"


def resumed_targets() -> str:
    """With a target, numbers that are there and numbers that are not come to a look together."""
    given = {
        "distributions": ["uniform"],
        "full_size": 8,
        "estimators": "mean",
        "max_replications": 4096,
    }
    with place(64) as folder:
        run_in(folder, batch_sizes=[2], target_mcse="10%", **given)
        run_in(folder, batch_sizes=[2, 4], target_mcse="10%", **given)
        assert run_in(folder, batch_sizes=[4, 2], target_mcse="12%", **given) == 0
        run_in(folder, batch_sizes=[2, 4], target_mcse="5%", **given)
    return "4 runs"


def resumed_labels() -> str:
    """Numbers that follow from something else are other numbers: epsilon, a function, the data."""
    small = {"full_size": 8, "batch_sizes": [2], "replications": 40}
    with place() as folder:
        run_in(folder, study="inputs", distributions=["normal"], epsilon=[0.001], **small)
        run_in(folder, study="inputs", distributions=["normal"], epsilon=[0.5], **small)
    with place() as folder:
        for function in (_lower, _upper):
            kind = UserEstimator(function, "mine", population=0.0)
            run_in(folder, distributions=["normal"], estimators=[kind], **small)
    small["replications"] = 20
    del small["full_size"]
    with place() as folder:
        run_in(folder, data={"x": ROWS, "y": np.sqrt(ROWS)}, **small)
        run_in(folder, data={"y": np.sqrt(ROWS)}, **small)
        for changed in ({"x": ROWS + 1.0}, {"y": np.sqrt(ROWS)[::-1].copy()}):
            assert _is_refused(folder, data=changed, **small), "other data are taken for the same"
    return "8 runs"


def _is_refused(folder: Path, **given: Any) -> bool:
    try:
        sn.sweep(out=folder, **given)
    except SimnormError as error:
        return "have changed" in str(error)
    return False


def _lower(sample: Floats, axis: int = -1) -> Floats:
    return np.min(sample, axis=axis) + 1.0


def _upper(sample: Floats, axis: int = -1) -> Floats:
    return np.max(sample, axis=axis) - 1.0


def damaged_runs() -> str:
    """What is damaged is drawn again: a number, whose it is, where it stands, how many it has."""
    given = {
        "distributions": ["normal"],
        "full_size": 8,
        "batch_sizes": [2, 4],
        "estimators": "mean,max",
        "replications": 200,
    }
    changes = (
        "update nodes set payload = turned(payload)",
        # The first two nodes change places; nodes have four more replications; and other names.
        "update nodes set position = position - 9; "
        "update nodes set position = case position when -9 then 1 when -8 then 0 "
        "else position + 9 end",
        "update nodes set replications = replications + 4",
        "update groups set labels = replace(replace(replace(labels, 'mean', '?'), 'max', 'mean'), "
        "'?', 'max')",
        "update groups set stream = replace(stream, 'shuffle', 'iid')",
    )
    for change in changes:
        with place() as folder:
            drawn = run_in(folder, **given)
            base = sqlite3.connect(folder / store.DATABASE)
            base.create_function("turned", 1, _turned)
            base.executescript(change)
            base.close()
            assert 0 < run_in(folder, **given) <= drawn, change
    return f"{len(changes)} ways"


def _turned(payload: bytes) -> bytes:
    """Return a payload with one bit of a number turned, the sign of the first offset."""
    found = bytearray(payload)
    found[128 + 8 * 2 * 4 * 2 + 7] ^= 128
    return bytes(found)


def lost_tasks() -> str:
    """A task that was given up has void replications, and the same command computes it."""
    given = {
        "distributions": ["normal"],
        "full_size": 8,
        "batch_sizes": [2],
        "estimators": "mean",
        "replications": 64,
    }
    true = engine.computed

    def losing(*args: Any, **options: Any) -> Iterator[tuple[Any, Any]]:
        for job, node in true(*args, **options):
            yield job, Lost("its workers died") if job.task.position == 1 else node

    with place() as folder:
        engine.computed = losing
        try:
            frame = sn.sweep(out=folder, workers=1, **given).frame
        finally:
            engine.computed = true
        rows = frame[(frame["reference"] == "population") & (frame["measure"] == "mse")]
        assert rows["status"].tolist() == ["failed"]
        assert (rows["replications"] + rows["failed"]).tolist() == [64]
        assert rows["failed"].tolist() == [16 * 2 ** _level(folder)]
        assert "its workers died" in rows["reason"].iloc[0]
        assert run_in(folder, **given) == 128 * 2 ** _level(folder)
    return "2 runs"


def _level(folder: Path) -> int:
    base = sqlite3.connect(folder / store.DATABASE)
    (level,) = base.execute("select max(level) from nodes").fetchone()
    base.close()
    return int(level)
