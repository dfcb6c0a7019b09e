"""Opening a database: damage in what the run is of, no room for a copy, numbers not held."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

import pytest

import simnorm as sn
from simnorm import database, streams
from simnorm.api import run
from simnorm.design import Design
from simnorm.errors import SimnormError


def design_of(**changes):
    values = {
        "distributions": "normal",
        "estimators": "mean",
        "batch_sizes": [2, 4],
        "full_size": 8,
        "replications": 83,
    }
    return Design.make(**(values | changes))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a finished run of six blocks."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    run(design_of(), out=tmp_path / "run", workers=1)
    return tmp_path / "run"


def change(folder, statement, *values):
    with contextlib.closing(sqlite3.connect(folder / "run.db")) as connection:
        connection.execute(statement, values)
        connection.commit()


@pytest.mark.parametrize("key", ["identity", "sha256"])
def test_what_a_damaged_run_is_of_is_told_by_its_numbers(folder, key):
    """The design that they are of takes them all over, and nothing is drawn."""
    before, notes = (folder / "results.csv").read_bytes(), []
    change(folder, "update meta set value = 'x' where key = ?", key)
    result = run(design_of(), out=folder, on_note=notes.append)
    assert result.provenance["session_draws"] == 0
    assert "damaged" in notes[0]
    assert (folder / "results.csv").read_bytes() == before


def test_a_damaged_run_is_not_begun_anew_by_another_design(folder):
    """Nobody knows what is in it: it stays as it is."""
    change(folder, "update meta set value = 'x' where key = 'identity'")
    before = (folder / "run.db").read_bytes()
    with pytest.raises(SimnormError, match="of another design, or damaged too"):
        run(design_of(seed=1), out=folder)
    assert (folder / "run.db").read_bytes() == before
    assert sorted(p.name for p in folder.iterdir() if "corrupt" in p.name) == []


def test_a_killed_run_goes_on_where_there_is_no_room_for_a_copy(folder, tmp_path, monkeypatch):
    """What is in the log is read in its place."""
    killed = tmp_path / "killed"
    killed.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "run.db")) as connection:
        connection.execute("pragma wal_autocheckpoint = 0")
        connection.execute("update sessions set command = 'in the log'")
        connection.commit()
        for path in folder.iterdir():
            shutil.copyfile(path, killed / path.name)
    assert (killed / "run.db-wal").stat().st_size

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(database.shutil, "copyfile", full)
    assert database.read_contents(killed).sessions[-1].command == "in the log"
    assert run(design_of(), out=killed).provenance["session_draws"] == 0


def test_numbers_are_looked_at_and_not_held(folder):
    """A large database takes little memory to open; what is wrong in it is seen all the same."""
    contents = database.read_contents(folder, with_numbers=False)
    whole = database.read_contents(folder)
    assert [row.place for row in contents.rows] == [row.place for row in whole.rows]
    assert {row.payload for row in contents.rows} == {b""}
    assert all(row.payload for row in whole.rows)
    change(folder, "update nodes set payload = zeroblob(length(payload)) where position = 1")
    found = database.read_contents(folder, with_numbers=False)
    assert len(found.faults) == 1
    assert "checksum" in found.faults[0]
    assert len(found.rows) == len(whole.rows) - 1


def test_another_size_is_half_of_the_work(folder):
    """All observations are drawn once more for it, and progress says so from the beginning on."""
    told = []
    sn.run(design_of(batch_sizes=[2, 4, 8]), out=folder, on_progress=told.append)
    assert {progress.total for progress in told} == {2 * told[-1].draws}
    assert told[0].stored == told[-1].stored == told[-1].drawn == told[-1].draws
    assert told[-1].done == told[-1].total
