"""Killed processes: what was acknowledged is there, nothing is corrupt, final bytes are equal."""

from __future__ import annotations

import os

import pytest
from proofs import proved
from proving import kills


def checked(folder, *words):
    """Return the rows of a part of the proof, in which nothing is wrong."""
    rows = proved("kills", folder, *words)
    for row in rows:
        wrong = {name: row[name] for name in kills.WRONG if row[name] != "0"}
        assert not wrong, f"{row['what']}, {row['kind']}: {wrong}, for example {row['example']}"
    return rows


def total(rows, name):
    return sum(int(row[name]) for row in rows)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are made in forked processes")
def test_a_few_kills_lose_nothing(tmp_path):
    """Six at random times, and some before single steps of runs and of mending."""
    rows = checked(tmp_path, "--sample")
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
    rows = checked(tmp_path, "--part", part)
    at_least = kills.ALL[part] if kills.ALL[part] > 1 else 40 * len(rows)
    assert total(rows, "kills") >= at_least
