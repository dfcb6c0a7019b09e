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
from simnorm import schedule, store, streams, tasks
from simnorm.design import Design
from simnorm.errors import RunError, SimnormError
from simnorm.keeping import Store
from simnorm.labels import labels
from simnorm.store import atomic, check_folder, default_folder, is_run, write_text
from simnorm.studies import sweep
from simnorm.studies.drawing import sources
from simnorm.tally import Tally, measure
from simnorm.tasks import Job, MergeTree, Task

FILES = {"design.toml", "run.db", "run.lock", "results.csv", "curves.csv", "provenance.json"}


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
    monkeypatch.setattr(schedule, "task_level", lambda *_: 1)
    folder = tmp_path / "run"
    sn.run(small_design(), out=folder, workers=2)
    return folder


def content(folder):
    """Return the bytes of every file below a folder."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nodes_of(folder):
    """Return the rows of the table of nodes, the name of its group in front of each."""
    with contextlib.closing(
        sqlite3.connect(f"file:{folder / 'run.db'}?mode=ro", uri=True)
    ) as database:
        return database.execute(
            "select stream, nodes.* from nodes join groups on nodes.owner = groups.id"
        ).fetchall()


def checksum(*parts):
    """Return the documented checksum: every part with its length in bytes before it."""
    said = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return hashlib.sha256(b"".join(b"%d:" % len(part) + part for part in said)).hexdigest()


def arrays_of(payload):
    """Read the two arrays of a payload by numpy's documented format alone."""
    buffer = io.BytesIO(payload)
    arrays = [np.lib.format.read_array(buffer, allow_pickle=False) for _ in range(2)]
    assert buffer.read() == b""
    return arrays


# The database


def test_the_folder_holds_the_documented_files(run_folder):
    """Design, database, lock, both tables and provenance, and no temporary file."""
    assert {path.name for path in run_folder.iterdir()} == FILES


def test_the_database_is_plain_sqlite(run_folder):
    """Any SQLite reads it: sound, in WAL mode, with what the run is of inside, and its checksum."""
    database = sqlite3.connect(run_folder / "run.db")
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert database.execute("pragma journal_mode").fetchone() == ("wal",)
    meta = dict(database.execute("select key, value from meta"))
    groups = database.execute("select stream, labels from groups").fetchall()
    database.close()
    identity = json.loads(meta["identity"])
    assert identity == {
        "engine": tasks.ENGINE_VERSION, "store": 2, "study": "sweep", "seed": 2**100,
        "full_size": 8, "steps": 0, "target": "", "folds": 0, "epochs": 0,
    }  # fmt: skip
    assert meta["sha256"] == checksum(meta["identity"])
    assert json.loads(meta["functions"]) == {}
    names = [
        ["", str(cell.estimator), cell.batch_size, cell.reference]
        for cell in sweep.cells(small_design())
    ]
    streams_there = ('["normal","shuffle"]', '["exponential","shuffle"]')
    found = {stream: [json.loads(label) for label in json.loads(text)] for stream, text in groups}
    assert found == dict.fromkeys(streams_there, names)


def test_there_is_a_row_for_every_task(run_folder):
    """Three tasks of two blocks for each law, whose replications add up to R."""
    found = {}
    for stream, _, level, position, replications, *_ in nodes_of(run_folder):
        found.setdefault(stream, []).append((level, position, replications))
    assert {stream: sorted(places) for stream, places in found.items()} == {
        '["normal","shuffle"]': [(1, 0, 32), (1, 1, 32), (1, 2, 19)],
        '["exponential","shuffle"]': [(1, 0, 32), (1, 1, 32), (1, 2, 19)],
    }


def test_checksums_are_over_what_the_run_is_of_and_every_field(run_folder):
    """Every row has the sha256 of identity and fields beside it; a group's id is its checksum."""
    database = sqlite3.connect(run_folder / "run.db")
    (identity,) = database.execute("select value from meta where key = 'identity'").fetchone()
    rows = database.execute("select * from nodes").fetchall()
    groups = database.execute("select * from groups").fetchall()
    database.close()
    assert len(rows) == 6
    for *fields, sha256 in rows:
        assert checksum(identity, *fields) == sha256
    for owner, stream, text in groups:
        assert checksum(identity, stream, *json.loads(text)) == owner


def test_the_stored_sums_are_the_results(run_folder):
    """Tallies rebuilt from the rows and merged up the tree give the estimates of the table."""
    with (run_folder / "results.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    trees = {}
    for stream, _, level, position, count, _, payload, _ in nodes_of(run_folder):
        sums, kept = arrays_of(payload)
        assert kept.shape == (2, len(sweep.cells(small_design())), count)
        tally = Tally(count, sums[:2], sums[2:4], sums[4:])
        trees.setdefault(json.loads(stream)[0], MergeTree()).add(level, position, tally)
    for law, tree in trees.items():
        for name in ("bias", "mse"):
            found = measure(tree.root(), name).estimate
            rows = [row for row in table if (row["distribution"], row["measure"]) == (law, name)]
            # Exact rows say 0 where the sums hold rounding.
            for value, row in zip(found, rows, strict=True):
                is_exact = row["status"] == "exact" and abs(value) < 1e-15
                assert value == float(row["estimate"]) or is_exact


def test_no_pickle_is_written(run_folder):
    """Payloads are numpy arrays of doubles that load with allow_pickle=False."""
    for *_, payload, _ in nodes_of(run_folder):
        assert [array.dtype for array in arrays_of(payload)] == [np.float64, np.float64]
        assert payload.startswith(b"\x93NUMPY")


def test_the_sessions_are_noted(run_folder):
    """Every process's work: when, how much, by whom, with what, and how it ended."""
    sn.run(small_design(replications=200), out=run_folder, workers=1, command="simnorm again")
    database = sqlite3.connect(run_folder / "run.db")
    database.row_factory = sqlite3.Row
    one, two = database.execute("select * from sessions order by number").fetchall()
    database.close()
    assert (one["number"], two["number"]) == (1, 2)
    assert one["started"] <= one["ended"] <= two["started"] <= two["ended"]
    assert (one["outcome"], two["outcome"]) == ("finished", "finished")
    assert (one["workers"], two["workers"], two["backend"]) == (2, 1, "threads")
    assert (one["command"], two["command"]) == ("", "simnorm again")
    # Six blocks of 16 full sets of 8, of two laws; then the cut one again and seven more.
    assert one["draws"] == 2 * 6 * 16 * 8
    assert two["draws"] == 2 * (2 + 7) * 16 * 8
    assert json.loads(two["versions"])["numpy"] == np.__version__
    assert one["pid"] == two["pid"] > 0


def one_node(design, position=0):
    """Return a job of one block, and what it finds."""
    job = Job(0, 0, design, Task(0, 0, position))
    return job, tasks.compute(design, job.task)


def test_every_task_is_a_transaction_of_its_own(tmp_path, monkeypatch):
    """What was added is there for another reader before the store is closed."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    design = small_design(distributions="normal", replications=48)
    with Store(tmp_path, design) as kept:
        for position in range(3):
            kept.add(*one_node(design, position))
            assert len(nodes_of(tmp_path)) == position + 1


def test_a_node_that_comes_twice_is_kept_once(tmp_path):
    """Two workers may have computed one task: its bits are the same."""
    design = small_design(distributions="normal", replications=4)
    with Store(tmp_path, design) as kept:
        for _ in range(2):
            kept.add(*one_node(design))
    assert len(nodes_of(tmp_path)) == 1


def test_a_store_gives_back_what_it_was_given(tmp_path):
    """Sums, kept replications and failures of a node come back to the last bit."""
    design = small_design(distributions="normal", replications=4)
    job, node = one_node(design)
    lost = tasks.void_node(design, job.task, node.tally.pivot.shape[1], "it said \u201cno\u201d\n")
    for here, one in (("a", node), ("b", lost)):
        (tmp_path / here).mkdir()
        with Store(tmp_path / here, design) as kept:
            kept.add(job, one)
        with Store(tmp_path / here, design) as kept:
            (group,) = kept.groups('["normal","shuffle"]')
            (place,) = group.nodes
            found = group.read(place)
        assert place == (0, 0, 4)
        assert group.labels == labels(design, sources(design)[0])
        for name in ("pivot", "offset", "scatter", "void"):
            old, new = getattr(one.tally, name), getattr(found.tally, name)
            assert old is new is None or old.tobytes() == new.tobytes()
        assert found.tally.count == one.tally.count
        assert found.kept.tobytes() == one.kept.tobytes()
        assert found.failures == one.failures


def test_what_was_stored_survives_an_error(tmp_path, monkeypatch):
    """A run that dies keeps the nodes it has acknowledged, and goes on from them."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    true = sweep.block_errors

    def broken(design, source, block, **options):
        if block == 4:
            raise RuntimeError("the power is gone")
        return true(design, source, block, **options)

    monkeypatch.setattr(sweep, "block_errors", broken)
    with pytest.raises(RuntimeError, match="power"):
        sn.run(small_design(), out=tmp_path / "run", workers=1)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"design.toml", "run.db", "run.lock"}
    before = nodes_of(tmp_path / "run")
    assert 1 <= len(before) <= 5
    monkeypatch.setattr(sweep, "block_errors", true)
    result = sn.run(small_design(), out=tmp_path / "run", workers=1)
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    assert set(before) < set(nodes_of(tmp_path / "run"))
    assert result.provenance["session_draws"] == (12 - len(before)) * 16 * 8
    assert result.provenance["sessions"] == 2


def test_a_database_that_cannot_take_a_row_is_a_run_error(tmp_path):
    """An error of SQLite while a node is kept is told as the folder's, with exit code 1."""
    design = small_design(distributions="normal", replications=4)
    with Store(tmp_path, design) as kept:
        kept._database.execute("pragma query_only = on")
        with pytest.raises(RunError, match="cannot be written") as caught:
            kept.add(*one_node(design))
        kept._database.execute("pragma query_only = off")
    assert caught.value.exit_code == 1
    assert nodes_of(tmp_path) == []


def test_a_folder_has_one_process_at_a_time(tmp_path):
    """The second is told who is there; when the first has gone, it may."""
    design = small_design(distributions="normal", replications=4)
    with Store(tmp_path, design):
        before = content(tmp_path)
        with pytest.raises(SimnormError, match=r"process is at work there \(process \d+ on"):
            sn.run(design, out=tmp_path)
        # SQLite's own marks of who reads are no content.
        marks = {"run.db-shm": b""}
        assert content(tmp_path) | marks == before | marks
    sn.run(design, out=tmp_path)


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
    "names",
    [
        ["notes.txt"], [".hidden"], ["design.toml"], ["run.db"], ["results.csv"], ["sub/x"],
        ["notes.txt", "run.lock"], ["results.csv", "run.lock"],
    ],
)  # fmt: skip
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
        {"replications": 20},
        {"batch_sizes": [2, 3, 4, 8]},
        {"batch_sizes": [8]},
        {"estimators": ["mean", "std", "max"], "distributions": ["normal", "exponential", "t"]},
        {"estimators": ["max"], "distributions": ["exponential"]},
        {"sampling": "replacement"},
    ],
)
def test_the_same_run_may_come_back_to_its_folder(change, run_folder):
    """More of a design, less, or other cells may use the folder: the tables are the last one's."""
    before = nodes_of(run_folder)
    design = small_design(**change)
    again = sn.run(design, out=run_folder)
    assert {path.name for path in run_folder.iterdir()} == FILES
    loaded = sn.load(run_folder)
    assert loaded.design == design == again.design
    assert loaded.frame.equals(again.frame)
    assert set(before) <= set(nodes_of(run_folder))


def test_tables_of_another_design_are_gone_before_its_own_are_there(run_folder, monkeypatch):
    """Whatever happens meanwhile, no table stands beside a design that it is not of."""

    def broken(*_, **__):
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(sweep, "block_errors", broken)
    with pytest.raises(RuntimeError, match="power"):
        sn.run(small_design(batch_sizes=[8]), out=run_folder)
    assert {path.name for path in run_folder.iterdir()} == {"design.toml", "run.db", "run.lock"}
    monkeypatch.undo()
    assert Design.from_file(run_folder / "design.toml") == small_design(batch_sizes=[8])


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
