"""Killed processes: what was acknowledged is there, nothing is corrupt, final bytes are equal."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from proving import kills

ROOT = Path(__file__).parents[1]


def proved(folder, *words):
    """Return the rows of a part of the proof, made by a process that may fork."""
    table = folder / "kills.csv"
    command = [sys.executable, ROOT / "scripts" / "prove.py", "kills", "-o", table, *words]
    said = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert table.exists(), said.stderr
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        wrong = {name: row[name] for name in kills.WRONG if row[name] != "0"}
        assert not wrong, f"{row['what']}, {row['kind']}: {wrong}, for example {row['example']}"
    return rows


def total(rows, name):
    return sum(int(row[name]) for row in rows)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are made in forked processes")
def test_a_few_kills_lose_nothing(tmp_path):
    """Six at random times, and some before single steps of runs and of mending."""
    rows = proved(tmp_path, "--sample")
    assert {row["what"] for row in rows} == {
        "random times", "before a step", "before a step of mending"
    }  # fmt: skip
    assert total(rows, "kills") >= 15
    assert total(rows, "acknowledged") >= 10


@pytest.mark.full_size  # every day there is the sample
@pytest.mark.parametrize("part", [*kills.ALL])
def test_kills_lose_nothing(part, tmp_path):
    """200 at random times in all, 50 of Dask workers, and one before every single step."""
    if part == "dask":
        pytest.importorskip("distributed")
    rows = proved(tmp_path, "--part", part)
    at_least = kills.ALL[part] if kills.ALL[part] > 1 else 40 * len(rows)
    assert total(rows, "kills") >= at_least
