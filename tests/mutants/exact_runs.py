"""Oracles of kind E that need a run: identities of its table, its files, and what it says."""

from __future__ import annotations

import hashlib
import io
import math
import sqlite3
import tempfile
from pathlib import Path

import numpy as np

import simnorm as sn
from mutants.exact import MEASURES, Floats, close
from mutants.runs import ROWS, run, small_blocks, table
from simnorm import engine, keeping, khat, sampling, store, tables, tally, tasks
from simnorm.design import Design
from simnorm.estimators import UserEstimator, estimator


def identities() -> None:
    """What holds between the rows of a table whatever was drawn.

    rmse^2 = mse; mse = bias^2 + variance - mcse(bias)^2; relative rows are the others over a power
    of a constant; errors at n = N are 0; against the population the variances are proportional;
    the mean's mean error is 0 where n divides N.
    """
    frame = table(
        ["exponential(scale=3)"], full_size=16, batch_sizes=[2, 4, 16], replications=200, lanes=64
    )
    keys = ["estimator", "batch_size", "reference"]
    wide = frame.pivot(index=keys, columns="measure", values="estimate")
    errors = frame.pivot(index=keys, columns="measure", values="mcse")
    size = wide["rmse"].max()
    assert close(wide["rmse"] ** 2, wide["mse"])
    made = wide["bias"] ** 2 + wide["variance"] - errors["bias"] ** 2
    assert close(made, wide["mse"])
    for (word, _, _), row in wide.iterrows():
        constant = 9.0 if "variance" in word else 3.0
        for name in MEASURES:
            power = 2 if name in ("variance", "mse") else 1
            assert close(row[f"relative_{name}"], row[name] / constant**power), (word, name)
    whole = wide.xs((16, "full_set"), level=("batch_size", "reference"))
    assert (whole.abs() == 0.0).all(axis=None)
    for n in (2, 4, 16):
        raw = [wide.loc[(f"{word}_variance", n, "population"), "bias"] + 9.0
               for word in ("biased", "unbiased")]  # fmt: skip
        assert close(raw[0], raw[1] * (n - 1) / n), n
    assert (frame["replications"] == 200).all()
    assert (frame["batches"] == 16 // frame["batch_size"]).all()
    _, found = run(
        ["exponential(scale=3)"], full_size=16, batch_sizes=[2, 4], replications=64,
        estimators="mean", sampling="shuffle",
    )  # fmt: skip
    kept = next(iter(found.values())).kept
    assert np.abs(kept[0, ::2]).max() < 1e-12 * size


def moved_data() -> None:
    """Of a column a + b x every error is b times the other's, or b^2: the same rows were drawn."""
    given = {"batch_sizes": [2, 5, 12], "replications": 40, "compiled": True}
    words = ["mean", "unbiased_variance", "std(ddof=1)", "quantile(q=0.1)", "quantile(q=0.9)"]
    # A column in between that is neither.
    other = np.sqrt(ROWS)[::-1]
    frame = table(
        data={"x": ROWS, "between": other, "moved": 7.0 - 3.0 * ROWS}, estimators=words, **given
    )
    keys = ["estimator", "batch_size", "measure"]
    wide = frame.pivot(index=keys, columns="column", values="estimate")
    mirror = {"quantile(q=0.1)": "quantile(q=0.9)", "quantile(q=0.9)": "quantile(q=0.1)"}
    for (word, n, measure), row in wide.iterrows():
        power = estimator(word).power * (2 if measure in ("variance", "mse") else 1)
        factor = 1.0 if measure.startswith("relative_") else 3.0**power
        image = wide.loc[(mirror.get(word, word), n, measure), "moved"]
        scale = float(wide.loc[(word, n, "mse" if power != 1 else "rmse"), "x"]) or 1.0
        sign = -1.0 if measure.endswith("bias") and estimator(word).is_location else 1.0
        assert close(image, sign * factor * row["x"], unit=scale), (word, n, measure)
    alone = table(data={"moved": 7.0 - 3.0 * ROWS}, estimators=words, **given)
    alone = alone.set_index(keys)["estimate"].reindex(wide.index)
    assert close(alone, wide["moved"])


def two_readers() -> None:
    """The compiled loops and plain numpy take the same errors from the same draws."""
    for given in (
        {"distributions": ["exponential"], "full_size": 16, "batch_sizes": [2, 3, 8, 16]},
        {"data": {"x": ROWS, "y": np.sqrt(ROWS)[::-1]}, "batch_sizes": [2, 5, 12]},
    ):
        words = ["mean", "unbiased_variance", "std(ddof=0)", "median", "quantile(q=0.9)"]
        both = [
            run(estimators=words, replications=64, lanes=64, compiled=compiled, **given)[1]
            for compiled in (True, False)
        ]
        for one, other in zip(both[0].values(), both[1].values(), strict=True):
            # At n = N errors are 0, but for rounding.
            size = np.maximum(np.sqrt(np.abs(one.kept[1]).mean(axis=-1, keepdims=True)), 1e-3)
            assert close(one.kept[0] / size, other.kept[0] / size)
            assert close(one.kept[1] / size**2, other.kept[1] / size**2)


def file_order() -> None:
    """Batches stand one behind the other: of 1, 2, 9 and a tail, (1, 2) and (9, 4)."""
    assert sampling.cut(np.arange(7), 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    frame = table(
        data={"x": np.array([1.0, 2.0, 9.0, 4.0, 14.0])}, sampling="sequential", batch_sizes=[2],
        estimators="mean,max",
    )  # fmt: skip
    at = frame.set_index(["estimator", "measure"])["estimate"]
    # The means 1.5 and 6.5 against 6; the largest 2 and 9 against 14.
    assert close(at["mean"][["bias", "mse"]], [-2.0, (4.5**2 + 0.5**2) / 2])
    assert close(at["max"][["bias", "mse"]], [-8.5, (12.0**2 + 5.0**2) / 2])


def statuses() -> None:
    """Rows say what they are worth: the ledger's verdicts, the k-hat's, and the failures counted.

    t(df=5): a batch variance has two moments and a half, its square no error bar. The k-hat looks
    at both tails. A function that fails where the first value of a batch is above 1.5 fails in as
    many replications as a count by hand finds.
    """
    frame = table(["t(df=5)", "normal", "exponential"], full_size=16, batch_sizes=[1, 4, 8, 16],
                  replications=400, estimators="mean,unbiased_variance,std(ddof=0)")  # fmt: skip
    keys = ["distribution", "estimator", "batch_size", "reference", "measure"]
    at = frame.set_index(keys).sort_index()
    heavy = at.loc[("t(df=5)", "unbiased_variance", 4, "population")]
    assert heavy.loc["bias", "status"] == "ok"
    assert (heavy.loc[["variance", "mse", "rmse"], "status"] == "unreliable").all()
    assert heavy.loc[["variance", "mse", "rmse"], ["mcse", "z"]].isna().all(axis=None)
    one = at.loc[("normal", "unbiased_variance", 1, "full_set")]
    assert (one["status"] == "undefined").all()
    assert one["estimate"].isna().all()
    assert (at.loc[("normal", "mean", 16, "full_set"), "status"] == "exact").all()
    assert at.loc[("normal", "mean", 4, "full_set", "bias"), "status"] == "exact"
    has_z = at["z"].notna()
    assert (at["status"][has_z] == "ok").all()
    assert (at["theory_kind"][has_z] == "exact").all()
    x = np.random.default_rng(2).pareto(1.5, size=(2, 2000))
    found = khat.pareto_khat(x)
    assert (np.abs(found - 1 / 1.5) < 0.15).all()
    assert close(khat.pareto_khat(-x), found)
    failures()


def failures() -> None:
    """A void replication counts neither in R nor in any mean, and is told of."""

    def picky(sample: Floats, axis: int = -1) -> Floats:
        first = np.take(sample, 0, axis=axis)
        if np.max(first) > 2.5:
            raise ValueError("too large")
        return first

    design, found = run(
        ["normal"], full_size=4, batch_sizes=[4], replications=300,
        estimators=[UserEstimator(picky, "picky")], lanes=64, sampling="shuffle",
    )  # fmt: skip
    sums = next(iter(found.values()))
    lost = int(np.isnan(sums.kept[0, 0]).sum())
    assert 0 < lost < 20
    frame = tables.build_frame(design, found)
    row = frame[(frame["measure"] == "mse") & (frame["reference"] == "full_set")].iloc[0]
    assert row["failed"] == lost
    assert row["replications"] == 300 - lost
    parts = [tally.Tally.of([[0.0, math.nan, 2.0]], [[1.0, math.nan, 4.0]], np.array([True]))]
    parts.append(tally.Tally.of([[4.0]], [[16.0]], np.array([True])))
    found_ = tally.measure(parts[0].merge(parts[1]), "mse")
    # Q = 1, 4, 16: mean 7, sd sqrt(63), R = 3.
    assert close([found_.estimate[0], found_.mcse[0]], [7.0, math.sqrt(63.0 / 3.0)])


def stored_nodes() -> None:
    """A run folder holds every block once, with the checksums of what it holds, and these sums."""
    with tempfile.TemporaryDirectory() as folder:
        design = Design.make(["normal"], full_size=8, batch_sizes=[2], replications=1000)
        nodes: dict[tuple[int, int], tasks.Node] = {}
        with small_blocks(16):
            with keeping.Store(Path(folder), design) as opened:

                def keep(job: tasks.Job, node: tasks.Node, _: str) -> None:
                    nodes[job.task[1:]] = node
                    opened.add(job, node)

                engine.run(design, workers=2, compiled=False, on_node=keep)
            base = sqlite3.connect(Path(folder) / store.DATABASE)
            (identity,) = base.execute("select value from meta where key = 'identity'").fetchone()
            rows = list(
                base.execute(
                    "select owner, level, position, replications, failures, payload, sha256 "
                    "from nodes"
                )
            )
            base.close()
        assert sum(row[3] for row in rows) == 1000
        blocks = sorted(b for _, lev, at, *_ in rows for b in range(at << lev, (at + 1) << lev))
        assert {row[1] for row in rows} == {2}
        assert blocks == list(range(64))
        for owner, level, position, *rest, payload, digest in rows:
            parts = (identity, owner, level, position, *rest, payload)
            assert _checksum(parts) == digest
            buffer = io.BytesIO(payload)
            arrays = [np.load(buffer, allow_pickle=False) for _ in range(2)]
            node = nodes[level, position]
            sums = np.concatenate([node.tally.pivot, node.tally.offset, node.tally.scatter])
            assert np.array_equal(arrays[0], sums)
            assert np.array_equal(arrays[1], node.kept)


def _checksum(parts: tuple[object, ...]) -> str:
    """Return the sha256 of parts, each with its length in bytes before it."""
    said = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return hashlib.sha256(b"".join(b"%d:" % len(part) + part for part in said)).hexdigest()


def checked_runs() -> None:
    """`check` passes a run that is whole; a doubled row and a turned byte fail by their checks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        sn.sweep("normal", full_size=8, batch_sizes=[2, 4], replications=64, out=folder)
        assert sn.check(folder).passed
        table_of_run = folder / store.RESULTS
        text = table_of_run.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        table_of_run.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
        assert "completeness" in _failed(folder), "a doubled row passes"
        table_of_run.write_text(text, encoding="utf-8")
        base = sqlite3.connect(folder / store.DATABASE)
        payload = bytearray(base.execute("select payload from nodes").fetchone()[0])
        # In the last number of the kept replications.
        payload[-2] ^= 1
        with base:
            base.execute("update nodes set payload = ?", (bytes(payload),))
        base.close()
        assert "files" in _failed(folder), "a turned byte passes"


def _failed(folder: Path) -> set[str]:
    return {finding.name for finding in sn.check(folder).findings if not finding.passed}
