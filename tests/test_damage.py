"""Damaged stores, writes that fail: refused in a line, mended or harmless, never a wrong number."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from proofs import proved
from proving import damage
from proving import store as small

import simnorm as sn
from simnorm import database, keeping, store, streams
from simnorm.database import read_contents
from simnorm.design import Design


@pytest.fixture(autouse=True)
def blocks_of_16(monkeypatch):
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)


@pytest.fixture
def run(tmp_path):
    """A finished run of a few pages."""
    folder = tmp_path / "run"
    sn.run(small.tiny(), out=folder, workers=1)
    return folder


def again(folder, design=None, **options):
    """Run the folder's design again; return what was said."""
    notes = []
    sn.run(design or small.tiny(), out=folder, workers=1, on_note=notes.append, **options)
    return notes


def asides(folder):
    return sorted(path.name for path in folder.glob("run.db.corrupt-*"))


# Mending


def test_a_changed_number_is_drawn_again_and_the_damaged_store_is_kept(run):
    """One byte of a payload: its node alone is drawn again, a note says so, all bytes are equal."""
    tables, path = small.tables_of(run), run / "run.db"
    small.change_number(run)
    data, rows = path.read_bytes(), read_contents(run).rows
    (note,) = again(run)
    assert "its checksum is not that of its numbers" in note
    assert f"{len(rows)} sound nodes" in note
    assert small.tables_of(run) == tables
    (aside,) = asides(run)
    assert (run / aside).read_bytes() == data
    assert len(read_contents(run).rows) == len(rows) + 1
    assert again(run) == []


@pytest.mark.parametrize("text", [b"", b"no database at all", b"SQLite format 3\0" + bytes(5000)])
def test_a_store_that_is_none_is_put_aside(text, run):
    """An empty file is a store with nothing in it; another one is kept beside; the run goes on."""
    tables = small.tables_of(run)
    (run / "run.db").write_bytes(text)
    notes = again(run)
    assert small.tables_of(run) == tables
    assert len(notes) == len(asides(run)) == bool(text)


def test_a_mended_store_takes_the_damaged_one_s_place_at_the_next_start(run):
    """Where mending was cut off the new store is there whole: it is taken, without the old log."""
    tables, contents = small.tables_of(run), read_contents(run)
    keeping.fill(run / store.MENDED, contents)
    (run / "run.db").write_bytes(b"damaged")
    (run / "run.db-wal").write_bytes(b"a log that belongs to it")
    assert again(run) == []
    assert small.tables_of(run) == tables
    assert small.leftovers(run) == asides(run) == []


def test_what_is_no_damage_is_none(run, monkeypatch):
    """A disk that does not answer, a file that cannot be opened: refused, and nothing is moved."""
    before = {path.name: path.read_bytes() for path in run.iterdir()}

    def refuse(*_args, **_options):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    monkeypatch.setattr(database, "_contents", refuse)
    with pytest.raises((sn.errors.SimnormError, OSError), match="disk I/O error"):
        again(run)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_page_that_is_read_twice_gives_its_rows_once(run):
    """A new store is filled from what an index without uniqueness has twice."""
    contents = read_contents(run)
    path = run / "run.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as there:
        there.execute("create table twice as select * from nodes union all select * from nodes")
        there.execute("drop table nodes")
        there.execute("alter table twice rename to nodes")
    assert read_contents(run).rows == contents.rows


def test_a_lock_that_holds_something_is_emptied(run):
    """What was copied into the lock keeps nobody out."""
    (run / "run.lock").write_bytes(b"something")
    assert again(run) == []
    assert (run / "run.lock").read_bytes() == b""


def test_versions_of_a_session_may_be_damaged(run):
    """They only tell of another environment: a note, and the same bytes."""
    tables = small.tables_of(run)
    with closing(sqlite3.connect(run / "run.db", isolation_level=None)) as there:
        there.execute("update sessions set versions = '{'")
    (note,) = again(run)
    assert "versions of a session cannot be read" in note
    assert small.tables_of(run) == tables


def test_where_a_disk_knows_no_wal_mode_a_journal_is_taken_back(run, tmp_path):
    """A process killed in a commit leaves a journal: SQLite undoes it, and nothing is put aside."""
    tables, path = small.tables_of(run), run / "run.db"
    killed = tmp_path / "killed"
    with closing(sqlite3.connect(path, isolation_level=None)) as there:
        there.execute("pragma journal_mode = delete")
        there.execute("pragma cache_size = 1")
        there.execute("begin immediate")
        there.execute("update nodes set payload = zeroblob(9000)")
        shutil.copytree(run, killed)
        there.execute("rollback")
    assert (killed / "run.db-journal").stat().st_size
    assert len(read_contents(killed).rows) == len(read_contents(run).rows)
    assert again(killed) == []
    assert small.tables_of(killed) == tables
    assert small.leftovers(killed) == []


# Tables and their design


def test_tables_are_of_the_design_that_is_there(run):
    """A design file that was changed: its own numbers are loaded, and old tables go at once."""
    old = sn.load(run).frame
    other = Design.from_file(run)
    text = other.to_toml().replace("replications = 48", "replications = 32")
    assert text != other.to_toml()
    (run / "design.toml").write_text(text, encoding="utf-8")
    loaded = sn.load(run)
    assert loaded.provenance["unfinished"]
    assert set(loaded.frame["replications"]) == {32}
    assert set(old["replications"]) == {48}

    seen = []

    def stop():
        seen.append(sorted(path.name for path in run.iterdir() if path.suffix == ".csv"))
        return False

    again(run, Design.from_file(run), stop=stop)
    assert seen[0] == []
    assert set(sn.load(run).frame["replications"]) == {32}


def test_a_function_that_has_changed_has_other_tables(tmp_path):
    """The design's file only has its name: the old one's tables go when the new one begins."""

    def largest(sample, axis=-1):
        return sample.max(axis=axis)

    def design(function):
        function.__name__ = function.__qualname__ = "largest"
        return Design.make(
            "normal", estimators=function, batch_sizes=[2], full_size=16, replications=32
        )

    folder = tmp_path / "run"
    sn.run(design(largest), out=folder)

    def another(sample, axis=-1):
        return 2 * sample.max(axis=axis)

    seen = []

    def stop():
        seen.append((folder / "results.csv").exists())
        return False

    result = sn.run(design(another), out=folder, stop=stop)
    assert not any(seen)
    assert result.frame.equals(sn.load(folder).frame)


def test_the_same_tables_are_not_written_again(run):
    """A run that has all it needs leaves its tables alone, on a full disk too."""
    before = {name: (run / name).stat().st_mtime_ns for name in ("results.csv", "curves.csv")}
    again(run)
    assert {name: (run / name).stat().st_mtime_ns for name in before} == before


def test_tables_of_two_runs_are_not_finished(run, monkeypatch):
    """Where only one of two tables could be written, nothing says that they belong together."""
    result = sn.load(run)
    frame = result.frame.assign(estimate=0.0)
    changed = sn.Result(result.design, frame, result.curves.iloc[:1], result.provenance)
    write = store.write_text

    def full(path, text):
        if path.name == "curves.csv":
            raise OSError("full")
        write(path, text)

    monkeypatch.setattr(store, "write_text", full)
    with pytest.raises(OSError, match="full"):
        changed.save(run)
    assert not store.is_finished(run)
    assert sn.load(run).frame["estimate"].any()


# Samples and all of the proof


def checked(folder, *words):
    """Return the rows of a part of the proof, in which nothing is wrong, by what was done."""
    rows = proved("damage", folder, *words)
    for row in rows:
        assert row["wrong"] == "0", f"{row['what']}: {row['example']}"
    return {row["what"]: row for row in rows}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are made in forked processes")
def test_a_sample_of_damage_is_never_a_wrong_number(tmp_path):
    """Bytes, lengths, sizes of files and failing steps: some of each."""
    rows = checked(tmp_path, "--sample")
    assert sum(int(row["tries"]) for row in rows.values()) >= 50
    assert int(rows["run.db cut off"]["mended"])
    assert int(rows["a step fails"]["refused"])


@pytest.mark.full_size  # every day there is the sample
@pytest.mark.parametrize("part", [*damage.ALL])
def test_damage_is_never_a_wrong_number(part, tmp_path):
    """500 changed bytes, every length of both files, every size, every step of a run."""
    rows = checked(tmp_path, "--part", part)
    if part != "disks":  # they need a right to mount
        assert rows
