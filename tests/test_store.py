"""The run folder: whose it is, files in one step, a database that anyone can read and check."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import sqlite3
import stat

import numpy as np
import pytest

import simnorm as sn
from simnorm import engine, store, streams
from simnorm.design import Design
from simnorm.tasks import MergeTree
from simnorm.errors import RunError, SimnormError
from simnorm.store import Store, atomic, check_folder, default_folder, is_run, write_text
from simnorm.studies import sweep
from simnorm.tally import Tally, measure

FILES = {"design.toml", "run.db", "results.csv", "curves.csv", "provenance.json"}


def small_design(**changes):
    values = {
        "distributions": ["normal", "exponential"],
        "estimators": ["mean", "std"],
        "batch_sizes": [2, 4],
        "full_size": 8,
        "replications": 16 * 5 + 3,
        "seed": 2**100,
    }
    return Design.make(**(values | changes))


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    """A folder with a run of six blocks, in tasks of two, of each of two laws."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)  # blocks of 16 replications
    monkeypatch.setattr(engine, "task_level", lambda *_: 1)
    folder = tmp_path / "run"
    sn.run(small_design(), out=folder, workers=2)
    return folder


def content(folder):
    """Return the bytes of every file below a folder."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nodes_of(folder):
    with contextlib.closing(
        sqlite3.connect(f"file:{folder / 'run.db'}?mode=ro", uri=True)
    ) as database:
        rows = database.execute("select * from nodes").fetchall()
    database.close()
    return rows


def arrays_of(payload):
    """Read the two arrays of a payload by numpy's documented format alone."""
    buffer = io.BytesIO(payload)
    arrays = [np.lib.format.read_array(buffer, allow_pickle=False) for _ in range(2)]
    assert buffer.read() == b""
    return arrays


# The database


def test_the_folder_holds_the_documented_files(run_folder):
    """Design, database, both tables and provenance, and no temporary file."""
    assert {path.name for path in run_folder.iterdir()} == FILES


def test_the_database_is_plain_sqlite(run_folder):
    """Any SQLite reads it: sound, in WAL mode, with the design and the engine version inside."""
    database = sqlite3.connect(run_folder / "run.db")
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert database.execute("pragma journal_mode").fetchone() == ("wal",)
    meta = dict(database.execute("select key, value from meta"))
    database.close()
    assert Design.from_toml(meta["design"]) == small_design()
    assert meta["engine_version"] == str(tasks.ENGINE_VERSION)
    cells = [[str(c.estimator), c.batch_size, c.reference, ""] for c in sweep.cells(small_design())]
    sources = ('["normal", "shuffle"]', '["exponential", "shuffle"]')
    assert json.loads(meta["cells"]) == dict.fromkeys(sources, cells)


def test_there_is_a_row_for_every_task(run_folder):
    """Three tasks of two blocks for each law, whose replications add up to R."""
    rows = nodes_of(run_folder)
    found = {}
    for source, level, position, replications, *_ in rows:
        found.setdefault(source, []).append((level, position, replications))
    assert {source: sorted(tasks) for source, tasks in found.items()} == {
        '["normal", "shuffle"]': [(1, 0, 32), (1, 1, 32), (1, 2, 19)],
        '["exponential", "shuffle"]': [(1, 0, 32), (1, 1, 32), (1, 2, 19)],
    }


def test_checksums_are_those_of_the_payloads(run_folder):
    """Every payload has its sha256 beside it."""
    for *_, payload, checksum in nodes_of(run_folder):
        assert hashlib.sha256(payload).hexdigest() == checksum


def test_the_stored_sums_are_the_results(run_folder):
    """Tallies rebuilt from the rows and merged up the tree give the estimates of the table."""
    with (run_folder / "results.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    trees = {}
    for source, level, position, count, payload, _ in nodes_of(run_folder):
        sums, kept = arrays_of(payload)
        assert kept.shape == (2, len(sweep.cells(small_design())), count)
        tally = Tally(count, sums[:2], sums[2:4], sums[4:])
        trees.setdefault(json.loads(source)[0], MergeTree()).add(level, position, tally)
    for law, tree in trees.items():
        for name in ("bias", "mse"):
            found = measure(tree.root(), name).estimate
            expected = [
                float(row["estimate"])
                for row in table
                if row["distribution"] == law and row["measure"] == name
            ]
            statuses = [
                row["status"]
                for row in table
                if row["distribution"] == law and row["measure"] == name
            ]
            # Exact rows say 0 where the sums hold rounding.
            for value, number, status in zip(found, expected, statuses, strict=True):
                assert value == number or (status == "exact" and abs(value) < 1e-15)


def test_no_pickle_is_written(run_folder):
    """Payloads are numpy arrays of doubles that load with allow_pickle=False."""
    for *_, payload, _ in nodes_of(run_folder):
        assert [array.dtype for array in arrays_of(payload)] == [np.float64, np.float64]
        assert payload.startswith(b"\x93NUMPY")


def test_every_task_is_a_transaction_of_its_own(tmp_path):
    """What was added is there for another reader before the store is closed."""
    design = small_design(distributions="normal", replications=4)
    (node,) = [tasks.compute(design, tasks.Task(0, 0, 0))]
    with Store(tmp_path, design) as kept:
        for position in range(3):
            kept.add(tasks.Task(0, 0, position), node)
            assert len(nodes_of(tmp_path)) == position + 1


def test_what_was_stored_survives_an_error(tmp_path, monkeypatch):
    """A run that dies keeps the nodes it has acknowledged, in a sound database."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    monkeypatch.setattr(engine, "task_level", lambda *_: 0)
    true = sweep.block_errors

    def broken(design, source, block, **options):
        if block == 4:
            raise RuntimeError("the power is gone")
        return true(design, source, block, **options)

    monkeypatch.setattr(sweep, "block_errors", broken)
    with pytest.raises(RuntimeError, match="power"):
        sn.run(small_design(), out=tmp_path / "run", workers=1)
    rows = nodes_of(tmp_path / "run")
    assert 1 <= len(rows) <= 5
    for *_, payload, checksum in rows:
        assert hashlib.sha256(payload).hexdigest() == checksum
    assert not (tmp_path / "run" / "results.csv").exists()
    with pytest.raises(SimnormError, match="finished run"):
        sn.load(tmp_path / "run")
    # The folder is a run's: the same design may be run again there.
    monkeypatch.setattr(sweep, "block_errors", true)
    sn.run(small_design(), out=tmp_path / "run", workers=1)
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES


def test_a_database_that_cannot_take_a_row_is_a_run_error(tmp_path):
    """An error of SQLite while a node is kept is told as the folder's, with exit code 1."""
    design = small_design(distributions="normal", replications=4)
    node = tasks.compute(design, tasks.Task(0, 0, 0))
    with Store(tmp_path, design) as kept:
        kept.add(tasks.Task(0, 0, 0), node)
        with pytest.raises(RunError, match="cannot be written") as caught:
            kept.add(tasks.Task(0, 0, 0), node)  # the row is there already
    assert caught.value.exit_code == 1


# Files in one step


def test_a_file_is_replaced_in_one_step(tmp_path):
    """The new text takes the place of the old one; nothing else stays behind."""
    path = tmp_path / "file.txt"
    write_text(path, "old")
    write_text(path, "new \u00b1")
    assert path.read_text(encoding="utf-8") == "new \u00b1"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path, end):
    with atomic(path) as temporary:
        temporary.write_bytes(b"half of")
        end()


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["fsync", "write", "chmod", "replace", "block"])
def test_a_failed_write_leaves_the_old_file(call, tmp_path, monkeypatch):
    """Whatever fails, the old file is untouched and no temporary one is left."""
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(store.os, "fsync", fail)
    elif call != "block":
        monkeypatch.setattr(store.Path, {"write": "write_text"}.get(call, call), fail)
    with pytest.raises(OSError, match="No space"):
        write_half(path, fail) if call == "block" else write_text(path, "new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    """Ctrl-C while a file is written leaves the old one and nothing else."""
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path, interrupt)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_results_are_as_readable_as_any_file(tmp_path):
    """Files written in one step have the permissions the umask gives, not private ones."""
    write_text(tmp_path / "ours", "")
    (tmp_path / "plain").write_text("", encoding="utf-8")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")]
    assert modes[0] == modes[1]


# Whose folder it is


@pytest.mark.parametrize(
    "names", [["notes.txt"], [".hidden"], ["design.toml"], ["run.db"], ["results.csv"], ["sub/x"]]
)
def test_a_foreign_folder_is_refused_and_untouched(names, tmp_path):
    """A folder that holds anything but a run is refused before a byte is written there."""
    folder = tmp_path / "mine"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine", encoding="utf-8")
    before = content(folder)
    with pytest.raises(SimnormError) as caught:
        sn.run(small_design(), out=folder)
    assert "holds files but no run" in str(caught.value) or names == ["design.toml"]
    assert content(folder) == before


def test_a_folder_with_a_design_of_the_users_own_is_untouched(tmp_path):
    """A design.toml that a person wrote, comments and all, does not make its folder a run."""
    path = tmp_path / "design.toml"
    path.write_text("# mine\n" + small_design().to_toml(), encoding="utf-8")
    before = content(tmp_path)
    with pytest.raises(SimnormError):
        sn.run(small_design(), out=tmp_path)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 7}, f"seed {2**100} there, 7 here"),
        ({"full_size": 16}, "full_size 8 there, 16 here"),
        ({"full_size": 16, "seed": 7}, "full_size 8 there, 16 here; seed"),
    ],
)
def test_the_folder_of_another_run_is_refused_by_field(change, said, run_folder):
    """Another seed or full size is refused, the field and both values named, all bytes kept."""
    before = content(run_folder)
    with pytest.raises(SimnormError) as caught:
        sn.run(small_design(**change), out=run_folder)
    assert said in str(caught.value)
    assert content(run_folder) == before


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"replications": 100},
        {"batch_sizes": [2, 3, 4, 8]},
        {"estimators": ["mean", "std", "max"], "distributions": ["normal", "exponential", "t"]},
    ],
)
def test_the_same_run_may_come_back_to_its_folder(change, run_folder):
    """The same design or more of it may use the folder: the tables are the new design's."""
    design = small_design(**change)
    again = sn.run(design, out=run_folder)
    assert {path.name for path in run_folder.iterdir()} == FILES
    loaded = sn.load(run_folder)
    assert loaded.design == design == again.design
    assert loaded.frame.equals(again.frame)


def test_the_same_design_gives_the_same_bytes(run_folder, tmp_path):
    """Run again, elsewhere or in place, with other workers: results and curves to the byte."""
    names = ("results.csv", "curves.csv", "design.toml")
    before = [(run_folder / name).read_bytes() for name in names]
    sn.run(small_design(), out=tmp_path / "other", workers=1)
    assert [(tmp_path / "other" / name).read_bytes() for name in names] == before
    sn.run(small_design(), out=run_folder, workers=3)
    assert [(run_folder / name).read_bytes() for name in names] == before


def test_an_empty_folder_and_a_missing_one_may_be_used(tmp_path):
    """A folder that is empty, or does not exist yet, is good; checking it creates nothing."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new", tmp_path / "a" / "b" / "c"):
        check_folder(folder, small_design())
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]
    sn.run(small_design(), out=str(tmp_path / "a" / "b" / "c"))
    assert is_run(tmp_path / "a" / "b" / "c")


def test_a_folder_may_be_used_again_after_a_full_disk(tmp_path, monkeypatch):
    """When space is there again, the run that failed may be repeated in its folder."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", fail)
    with pytest.raises(RunError):
        sn.run(small_design(), out=tmp_path / "run")
    monkeypatch.undo()
    sn.run(small_design(), out=tmp_path / "run")
    assert is_run(tmp_path / "run")


def test_a_file_is_no_folder(tmp_path):
    """A file where the folder or one of its parents should be is refused and kept."""
    path = tmp_path / "file"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(SimnormError, match="a folder is needed"):
        sn.run(small_design(), out=path)
    with pytest.raises(SimnormError, match="it cannot be written"):
        sn.run(small_design(), out=path / "below" / "it")
    assert content(tmp_path) == {"file": b"mine"}


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    """Where the system lets no file be made, that is said before anything is drawn."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", refuse)
    with pytest.raises(SimnormError, match="Permission denied") as caught:
        sn.run(small_design(), out=tmp_path / "run")
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_refused(tmp_path):
    """A folder without write permission is refused (the superuser may write anyway)."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        try:
            (folder / "probe").touch()
            (folder / "probe").unlink()
        except PermissionError:
            pass
        else:
            pytest.skip("permission bits do not bind this user")
        with pytest.raises(SimnormError, match="it cannot be written"):
            sn.run(small_design(), out=folder / "run")
        assert list(folder.iterdir()) == []
    finally:
        folder.chmod(0o755)


def test_a_name_too_long_for_the_system_is_refused(tmp_path):
    """A folder name that the system itself refuses is refused in our words."""
    with pytest.raises(SimnormError):
        sn.run(small_design(), out=tmp_path / ("a" * 300))


def test_the_default_folder_is_named_by_the_design():
    """runs/STUDY-xxxxxxxx, the same for every number of replications and for no other change."""
    design = small_design()
    assert default_folder(design).as_posix() == f"runs/sweep-{design.identity()}"
    assert default_folder(small_design(replications=9)) == default_folder(design)
    assert default_folder(small_design(batch_sizes=[2])) != default_folder(design)
