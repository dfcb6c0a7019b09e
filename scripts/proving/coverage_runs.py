"""Runs of many seeds through the public API, their intervals kept in files of a scratch folder.

A folder of a run holds `plan.json`, `rows.csv` (which row of the table is which) and chunks: arrays
of shape (seeds, rows, fields). A second call takes up what the first has left.

A table is four fifths of a small run's time, and most of a table is not its intervals. So the first
chunks of a run come from whole tables of the public API. In the others this is only the first seed;
the intervals of its table are compared, bit for bit, with those that the package's sums give
directly, and the other seeds' are these sums' alone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import simnorm as sn
from simnorm import engine
from simnorm.design import Design
from simnorm.diagnostics import EXACT
from simnorm.tally import measure

Floats = NDArray[np.float64]

FIELDS = ("estimate", "ci_low", "ci_high", "khat", "replications")
KEY = ["distribution", "estimator", "batch_size", "reference", "measure"]
# The interval of the mse is the rmse's squared, and the relative ones are multiples.
MEASURES = ("bias", "variance", "rmse")
CHUNK = 50
# So many chunks are whole tables of the public API.
WHOLE_CHUNKS = 40
STATISTICS = ("mean", "unbiased_variance", "std(ddof=0)")


@dataclass(frozen=True)
class Plan:
    """One run of the proof: a design, to be repeated with many seeds.

    Parameters
    ----------
    name
        Its folder, and its word in the table.
    laws, batch_sizes, full_size, replications
        As in `simnorm.sweep`; with a target, `replications` is the most.
    seeds
        How many seeds the whole run has.
    first_seed
        Seeds count up from here: no two runs share any.
    target
        What `target_mcse` is, nothing where the number of replications is fixed.
    """

    name: str
    laws: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    full_size: int
    replications: int
    seeds: int
    first_seed: int
    target: str = ""

    def rows(self, seed: int) -> pd.DataFrame:
        """Return the rows of one seed's table that are counted, those of `MEASURES`."""
        frame = sn.sweep(self.laws, workers=1, **self._factors(seed)).frame
        return frame[frame["measure"].isin(MEASURES)].reset_index(drop=True)

    def intervals(self, seed: int) -> NDArray[np.float32]:
        """Return the same rows' estimates and ends without making a table, shape (rows, 3)."""
        design = Design.make(self.laws, **self._factors(seed))
        parts = []
        for sums in engine.run(design, workers=1).values():
            found = [measure(sums.tally, name) for name in MEASURES]
            ends = np.array([(one.estimate, one.ci_low, one.ci_high) for one in found])
            parts.append(np.moveaxis(ends, -1, 0).reshape(-1, 3))
        return np.concatenate(parts).astype(np.float32)

    def _factors(self, seed: int) -> dict[str, Any]:
        precision: dict[str, Any] = {"replications": self.replications}
        if self.target:
            precision = {"target_mcse": self.target, "max_replications": self.replications}
        return {
            "batch_sizes": self.batch_sizes,
            "estimators": STATISTICS,
            "full_size": self.full_size,
            "seed": seed,
            **precision,
        }


def chunk_path(folder: Path, number: int) -> Path:
    """Return the file of a chunk, counted from 0."""
    return folder / f"chunk-{number:05d}.npy"


def write_array(path: Path, values: NDArray[np.float32]) -> None:
    """Write a file that is there whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, values)
    os.replace(part, path)


def compute_chunk(plan: Plan, folder: Path, number: int) -> int:
    """Run the seeds of one chunk and keep their fields; return how many there are."""
    first, end = number * CHUNK, min((number + 1) * CHUNK, plan.seeds)
    seeds = range(plan.first_seed + first, plan.first_seed + end)
    if plan.target or number < WHOLE_CHUNKS:
        values = np.array([fields_of(plan.rows(seed)) for seed in seeds])
    else:
        values = from_sums(plan, seeds)
    write_array(chunk_path(folder, number), values)
    return len(seeds)


def fields_of(rows: pd.DataFrame) -> NDArray[np.float32]:
    """Return the fields of a seed's rows."""
    return rows[list(FIELDS)].to_numpy(np.float32)


def from_sums(plan: Plan, seeds: Sequence[int]) -> NDArray[np.float32]:
    """Return the fields of many seeds, all but the first without k-hats, from sums."""
    table = plan.rows(seeds[0])
    first = fields_of(table)
    ends = np.array([plan.intervals(seed) for seed in seeds])
    shown = np.isfinite(first[:, :3])
    varies = (table["status"] != EXACT).to_numpy()
    same = (ends[0] == first[:, :3]) | ~shown
    if not same[varies].all():
        raise RuntimeError(f"{plan.name}, seed {seeds[0]}: the table shows other intervals")
    values = np.repeat(first[np.newaxis], len(seeds), axis=0)
    # What the ledger leaves empty stays empty: that is the design's, not a seed's.
    values[:, :, :3] = np.where(shown, ends, np.nan)
    values[1:, :, FIELDS.index("khat")] = np.nan
    return values


def open_folder(plan: Plan, scratch: Path) -> Path:
    """Return the run's folder, made if it is not there; refuse that of another design."""
    folder = scratch / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    # More seeds are more of the same run.
    said = {key: value for key, value in asdict(plan).items() if key != "seeds"}
    said = json.loads(json.dumps({**said, "chunk": CHUNK}))
    file = folder / "plan.json"
    if file.exists():
        if json.loads(file.read_text(encoding="utf-8")) != said:
            raise SystemExit(f"coverage: {folder} holds a run of another design; remove it")
        return folder
    rows = plan.rows(plan.first_seed)
    rows[[*KEY, "batches", "theory", "theory_kind"]].to_csv(folder / "rows.csv", index=False)
    file.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return folder


def compute(plan: Plan, scratch: Path, processes: int = 2) -> None:
    """Run what is missing of a plan, and say now and then how far it is."""
    folder = open_folder(plan, scratch)
    chunks = range(-(-plan.seeds // CHUNK))
    missing = [number for number in chunks if not chunk_path(folder, number).exists()]
    if not missing:
        return
    # Workers read how many threads they may start from the environment.
    os.environ |= dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = [pool.submit(compute_chunk, plan, folder, number) for number in missing]
        for done, future in enumerate(as_completed(waiting), len(chunks) - len(missing) + 1):
            future.result()
            if done % 20 == 0 or done == len(chunks):
                print(f"{plan.name}: {done} of {len(chunks)} chunks", flush=True)


@dataclass(frozen=True)
class Kept:
    """What the seeds of a run have left behind.

    Parameters
    ----------
    rows
        What every row is: `KEY`, batches, theory and its kind.
    chunks
        Arrays of shape (seeds, rows, fields).
    """

    rows: pd.DataFrame
    chunks: Sequence[NDArray[np.float32]]

    @property
    def seeds(self) -> int:
        """How many there are."""
        return sum(len(chunk) for chunk in self.chunks)

    def of(self, law: str) -> tuple[pd.DataFrame, dict[str, Floats]]:
        """Return one law's rows and its fields, each of shape (rows, seeds)."""
        here = np.flatnonzero(self.rows["distribution"] == law)
        values = np.concatenate([chunk[:, here] for chunk in self.chunks])
        fields = np.moveaxis(values, (2, 1), (0, 1)).astype(np.float64)
        return self.rows.iloc[here], dict(zip(FIELDS, fields, strict=True))


def load(plan: Plan, scratch: Path) -> Kept:
    """Return what there is of a run, finished or not."""
    folder = scratch / plan.name
    rows = pd.read_csv(folder / "rows.csv", keep_default_na=False)
    rows["theory"] = pd.to_numeric(rows["theory"], errors="coerce")
    chunks = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("chunk-*.npy"))]
    return Kept(rows, chunks)


def in_memory(plan: Plan) -> Kept:
    """Run a small plan at once and keep it in memory."""
    tables = [plan.rows(plan.first_seed + i) for i in range(plan.seeds)]
    values = np.array([fields_of(table) for table in tables])
    return Kept(tables[0][[*KEY, "batches", "theory", "theory_kind"]], [values])
