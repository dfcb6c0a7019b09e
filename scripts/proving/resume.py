"""One run in four pieces: killed three times, on threads, then on a Dask cluster.

The same command as another one that nobody disturbs, in another folder: both must come to the same
`results.csv`, byte for byte.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from proving import store as small
from simnorm import store
from simnorm.database import read_contents, read_places

TABLE = small.PROOF / "resume.csv"
# Two minutes or so of a machine with two processors.
REPLICATIONS = 1 << 18


def command(folder: Path, replications: int, *words: str) -> subprocess.Popen[bytes]:
    """Return the process of a sweep of the default distributions."""
    given = ["sweep", "--replications", str(replications), "-q", "-o", os.fspath(folder), *words]
    return subprocess.Popen([sys.executable, "-m", "simnorm", *given], stdout=subprocess.DEVNULL)


def nodes_in(folder: Path) -> int:
    """Return how many nodes are stored in a folder, while a process is at work there."""
    return len(read_places(folder).rows) if (folder / store.DATABASE).exists() else 0


def piece(folder: Path, replications: int, nodes: float, *words: str) -> dict[str, Any]:
    """Return what became of a process that was killed as so many nodes were stored."""
    begun = time.monotonic()
    process = command(folder, replications, *words)
    while process.poll() is None and nodes_in(folder) < nodes:
        time.sleep(0.2)
    was_killed = process.poll() is None
    if was_killed:
        process.kill()
    found = {
        "workers": "Dask cluster" if "--scheduler" in words else "threads",
        "ended": "kill -9" if was_killed else f"exit {process.wait()}",
        "seconds": round(time.monotonic() - begun, 1),
    }
    process.wait()
    is_there = (folder / store.DATABASE).exists()
    contents = read_contents(folder) if is_there else None
    return found | {
        "nodes": len(contents.rows) if contents else 0,
        "corrupt": len(contents.faults) if contents else 0,
    }


def demonstration(root: Path, replications: int) -> pd.DataFrame:
    """Return a row for every process; the last column tells whether the bytes are equal.

    Parameters
    ----------
    root
        An empty folder.
    replications
        Of the sweep.
    """
    from distributed import LocalCluster

    whole, folder = root / "whole", root / "run"
    rows = [{"run": "uninterrupted", **piece(whole, replications, math.inf)}]
    quarter = rows[0]["nodes"] / 4

    def go_on(nodes: float, *words: str) -> None:
        rows.append({"run": "killed three times", **piece(folder, replications, nodes, *words)})
        print(pd.DataFrame(rows[-1:]).to_string(index=False, header=len(rows) == 1), flush=True)

    go_on(quarter)
    go_on(2 * quarter)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        scheduler = ["--scheduler", cluster.scheduler_address]
        go_on(3 * quarter, *scheduler)
        go_on(math.inf, *scheduler)
    is_same = small.tables_of(whole) == small.tables_of(folder)
    rows[-1]["same bytes as"] = "uninterrupted" if is_same else ""
    return pd.DataFrame(rows)


def main(arguments: list[str]) -> None:
    """Write the table, and say whether the bytes are equal."""
    parser = argparse.ArgumentParser(prog="scripts/prove resume", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=TABLE)
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="simnorm-proof-") as root:
        found = demonstration(Path(root), given.replications)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(given.output, index=False)
    print(found.to_string(index=False, na_rep=""))
    if found["same bytes as"].iloc[-1] != "uninterrupted" or found["corrupt"].any():
        raise SystemExit(1)
