"""Check of folders that have a history: interrupted, extended, shrunk, mended, of two machines."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3

import numpy as np
import pytest
from doctored import database, edit_text, nodes_of, read_csv, replace_rows
from typer.testing import CliRunner

import simnorm as sn
from simnorm import engine, schedule, store, streams, tasks
from simnorm.checking import replayed
from simnorm.checking.folder import Folder
from simnorm.checking.taken import _exchanged
from simnorm.cli import app
from simnorm.crews import Lost
from simnorm.errors import Interrupted, SimnormError
from simnorm.locking import Lock

SMALL = {"batch_sizes": [2, 4], "full_size": 64, "replications": 83, "seed": 5}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 16 replications, in tasks of two."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    monkeypatch.setattr(schedule, "task_level", lambda *_: 1)


@pytest.fixture
def run(tmp_path):
    """A finished run of two laws, three nodes each."""
    sn.sweep(["normal", "t(df=5)"], estimators="mean,std", **SMALL, out=tmp_path / "run")
    return tmp_path / "run"


def told(found):
    return [(one.name, one.looked, [f.words for f in one.failures[:5]])
            for one in found.findings if not one.passed]  # fmt: skip


def check_all(folder, **given):
    """Check with all blocks drawn again; return the findings of what has passed."""
    found = sn.check(folder, all_blocks=True, **given)
    assert found.passed, told(found)
    assert "bit for bit" in found["replayed"].looked
    return found


def interrupted_run(out, after, **given):
    """Begin a run, and ask it to stop after so many tasks."""
    left = iter(range(after))
    with pytest.raises(Interrupted):
        sn.run(sn.Design.make(**given), out=out, workers=1, stop=lambda: next(left, None) is None)


# What is no finished run


def refused(folder, *words):
    """Say that check refuses a folder, in one line with exit code 2, and changes nothing there."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SimnormError) as caught:
        sn.check(folder)
    assert all(word in str(caught.value) for word in words), caught.value
    found = CliRunner().invoke(app, ["check", str(folder)])
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_unfinished_run_is_refused(tmp_path):
    """What was interrupted says how it goes on; gone on with, it passes."""
    run, given = tmp_path / "run", {"distributions": ["normal", "uniform"], **SMALL}
    interrupted_run(run, 3, **given)
    refused(run, "not finished", f"simnorm run {run}")
    sn.sweep(out=run, **given)
    found = check_all(run)
    assert "6 of 6 nodes" in found["replayed"].looked


def test_a_run_that_is_worked_on_is_refused(run):
    """Whoever has the lock; afterwards it can be checked."""
    lock = Lock(run)
    try:
        refused(run, "a process is at work there")
    finally:
        lock.release()
    assert sn.check(run).passed


def test_a_folder_of_the_first_store_is_refused(run):
    """Its tables had other columns, and its meta the version of the engine."""
    (run / "run.db").unlink()
    with database(run) as opened:
        opened.execute("create table meta (key text, value text)")
        opened.execute("create table nodes (source text, level integer, payload blob)")
        opened.execute("insert into meta values ('engine_version', '2')")
    refused(run, "made by an earlier simnorm")


# What has a history


def test_a_folder_that_was_extended_and_shrunk_passes(tmp_path):
    """Laws, sizes, estimators and replications come and go; what is not asked for is counted."""
    run = tmp_path / "run"
    steps = [
        ("normal", {}, ""),
        ("normal,uniform", {"batch_sizes": [2, 4, 8]}, ""),
        # The last node of every source had 19 replications: in one of them in two parts.
        ("normal,uniform", {"batch_sizes": [2, 4, 8], "replications": 200}, "3 nodes of other"),
        ("normal", {"batch_sizes": [8], "estimators": "mean,median", "replications": 40},
         "nodes of other"),
    ]  # fmt: skip
    for laws, more, words in steps:
        sn.sweep(laws, **SMALL | more, out=run)
        found = check_all(run)
        assert words in found["completeness"].looked
        assert bool(words) is ("other designs" in found["completeness"].looked)
        folder = Folder(run)
        for pairs in folder.nodes.values():
            for task, node in pairs:
                assert replayed._is_same(node, tasks.compute(folder.design, task))
        assert folder.taken.draws == tasks.total_draws(folder.design)


def test_a_file_whose_columns_and_schemes_change_passes(tmp_path):
    """The draws of the provenance are those of the design, whatever was there before."""
    rng = np.random.default_rng(1)
    data = {name: rng.normal(size=60) for name in "abc"}
    run = tmp_path / "run"
    for columns, sampling, sizes in (
        ("a", "shuffle", [4]),
        ("a,b", "shuffle,replacement", [4, 7]),
        ("b,c", "shuffle,sequential", [4, 7]),
    ):
        result = sn.sweep(data=data, columns=columns, sampling=sampling, batch_sizes=sizes,
                          replications=83, out=run)  # fmt: skip
        check_all(run, data=data)
        assert result.provenance["draws"] == tasks.total_draws(result.design)


def test_a_target_that_is_tightened_passes(tmp_path):
    """Cells that stop alone are those of a run of its own."""
    given = {"full_size": 64, "seed": 1, "estimators": "mean,std"}
    sn.sweep("normal", batch_sizes=[2, 32], target_mcse="10%", **given, out=tmp_path / "run")
    sn.sweep("normal", batch_sizes=[2, 16, 32], target_mcse="6%", **given, out=tmp_path / "run")
    check_all(tmp_path / "run")


def test_what_time_has_left_behind_a_gap_is_not_missed(run, monkeypatch):
    """A stored node behind a block that there was no time for is in no table, and no fault."""
    true, clock = engine.run, itertools.chain([0.0], itertools.repeat(1e9)).__next__
    monkeypatch.setattr(engine, "run", lambda design, **given: true(design, clock=clock, **given))
    rows = nodes_of(run)
    replace_rows(run, [row for row in rows if row.position == 1], [])
    sn.sweep(["normal", "t(df=5)"], estimators="mean,std", **SMALL, time_limit=1, out=run)
    assert {row["replications"] for row in read_csv(run)} == {"32"}
    found = check_all(run)
    assert "partial: time limit" in found["completeness"].note
    assert "4 blocks of 2 sources" in found["completeness"].looked


def test_a_gap_is_a_fault_where_there_was_time(run):
    """The same without a time limit."""
    replace_rows(run, [row for row in nodes_of(run) if row.position == 1], [])
    words = [failure.words for failure in sn.check(run)["completeness"].failures]
    assert any("block 2: got a gap" in one for one in words), words


def test_a_mended_run_passes_and_says_what_lies_beside(run):
    """A byte has changed: the node is told; drawn again, all is well, and the old file is named."""
    row, *_ = nodes_of(run)
    with database(run) as opened:
        opened.execute("update nodes set payload = ? where owner = ? and position = ?",
                       (row.payload[:-1] + b"x", row.owner, row.position))  # fmt: skip
    (failure,) = sn.check(run)["files"].failures
    assert failure.words == (
        "run.db, normal, shuffle, blocks 0 to 1: its checksum is not that of its numbers"
    )
    sn.sweep(["normal", "t(df=5)"], estimators="mean,std", **SMALL, out=run)
    found = check_all(run)
    (aside,) = (path.name for path in run.iterdir() if "corrupt" in path.name)
    assert f"{aside} put aside as damaged" in found["files"].looked


def test_repeats_are_added_to_a_trial(tmp_path):
    """A longer cross-validation takes what is there, and all of it can be repeated.

    Two repeats stand in the first node here, the third in the second.
    """
    for count in (2, 3):
        sn.study("scaling", datasets="wine", models="knn", batch_sizes=[8], folds=3, seed=5,
                 replications=count, out=tmp_path / "run")  # fmt: skip
    assert "2 of 2 nodes drawn again" in check_all(tmp_path / "run")["replayed"].looked


# Environments


def session(folder, **changed):
    """Change what is noted of the only session."""
    with database(folder) as opened:
        for name, value in changed.items():
            opened.execute(f"update sessions set {name} = ?", (value,))


@pytest.mark.parametrize(("draws", "ended"), [(100, "2026-01-01"), (0, "")])
def test_a_session_elsewhere_is_another_environment(draws, ended, run):
    """Also of a session that has died, and has counted nothing."""
    session(run, versions=json.dumps({"numpy": "1.0"}), draws=draws, ended=ended)
    found = sn.check(run)
    assert found.passed, told(found)
    assert "to 1e-09 (numpy 1.0 in session 1, here " in found["replayed"].looked


def test_a_session_that_has_drawn_nothing_decides_nothing(run):
    """It has come to its end, and has only made tables again."""
    session(run, versions=json.dumps({"numpy": "1.0"}), draws=0)
    check_all(run)


# Functions


def first(sample, axis=-1):
    return sample.take(0, axis=axis)


def middle(sample, axis=-1):
    return np.median(sample, axis=axis)


def test_a_function_that_looks_otherwise_is_drawn_again(tmp_path):
    """The same values: it passes. Others: the check of replays fails, and no check is an accident.

    What was stored of it before it changed is left alone.
    """

    def same(sample, axis=-1):
        return np.median(sample, axis=axis) + 0.0

    run = tmp_path / "run"
    for function in (first, middle):
        sn.sweep("normal", estimators=["mean", sn.estimators.UserEstimator(function, "mine")],
                 **SMALL, out=run)  # fmt: skip
    check_all(run, functions={"mine": middle})
    check_all(run, functions={"mine": same})
    found = sn.check(run, functions={"mine": first})
    assert "replayed" in found.failed
    assert found["completeness"].passed
    assert not any("no run writes" in one.looked for one in found.findings)


def test_fingerprints_are_exchanged_by_hand():
    """Old for new and new for old, of that function alone."""
    pair = {"user.f": ("old", "new")}
    for one, other in (("old", "new"), ("new", "old"), ("older", "older")):
        label = f'["","user.f",2,"full_set","{one}"]'
        assert _exchanged(label, pair) == f'["","user.f",2,"full_set","{other}"]'
    for label in ('["","mean",2,"full_set"]', '["","user.g",2,"full_set","old"]'):
        assert _exchanged(label, pair) == label


# Tasks that were given up


def test_what_was_given_up_is_missed_until_it_is_computed(tmp_path, monkeypatch):
    """Completeness names the task and the next step; tables cannot be made again until then."""
    true, run = engine.computed, tmp_path / "run"

    def losing(next_job, crew, **options):
        for job, node in true(next_job, crew, **options):
            yield job, Lost("3 workers have ended") if job.task.position == 1 else node

    monkeypatch.setattr(engine, "computed", losing)
    sn.sweep("normal", estimators="mean,std", **SMALL, out=run)
    found = sn.check(run)
    words = [failure.words for failure in found["completeness"].failures]
    assert any("blocks 2 to 3: 3 workers have ended" in one for one in words), words
    assert "run the same command again" in found["completeness"].hint
    assert found["rebuilt"].status == "not possible"
    monkeypatch.setattr(engine, "computed", true)
    sn.sweep("normal", estimators="mean,std", **SMALL, out=run)
    check_all(run)


# Data


def test_other_data_than_those_of_the_database_are_found(tmp_path):
    """Where the design's hash was changed with the file, that of the column in run.db is not."""
    path, run = tmp_path / "data.csv", tmp_path / "run"
    path.write_text("a\n" + "\n".join(str(i * i) for i in range(40)) + "\n", encoding="utf-8")
    result = sn.sweep(data=path, batch_sizes=[4], replications=40, out=run)
    edit_text(tmp_path, "data.csv", "\n1\n", "\n2\n")
    other = sn.Design.make(data=path, batch_sizes=[4], replications=40)
    edit_text(run, "design.toml", result.design.data_sha256, other.data_sha256)
    words = [failure.words for failure in sn.check(run)["files"].failures]
    assert words == ["design.toml: not what run.db is of: the numbers of column a have changed"]


def test_laws_in_the_place_of_data_are_found(run, tmp_path):
    """A database of laws beside the design of a file."""
    data = {"a": np.arange(64.0)}
    sn.sweep(data=data, batch_sizes=[2], seed=5, replications=83, out=tmp_path / "file")
    shutil.copy(run / "run.db", tmp_path / "file" / "run.db")
    found = sn.check(tmp_path / "file", data=data)
    assert "distributions there, data here" in found["files"].failures[0].words
    assert {"completeness", "rebuilt"} <= set(found.failed)


def test_an_empty_database_is_told(run):
    """A file of no bytes, and one without tables, as a run leaves that died at once."""
    (run / "run.db").write_bytes(b"")
    (failure,) = sn.check(run)["files"].failures
    assert failure.words == "run.db: cannot be used (it holds nothing)"
    sqlite3.connect(run / "run.db").execute("pragma user_version = 1").connection.close()
    assert "files" in sn.check(run).failed
    assert store.is_run(run)
