"""`simnorm status` and `sn.status`: how a run stands, and that nobody notices the question."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

import simnorm as sn
from simnorm import engine, schedule, standing
from simnorm.cli import app
from simnorm.database import NOTHING, PROGRESS, Rows, Session, read_places
from simnorm.design import Design
from simnorm.errors import Interrupted, RunError, SimnormError
from simnorm.keeping import Store
from simnorm.locking import Lock, is_held
from simnorm.schedule import COMPUTED
from simnorm.standing import STATES, overview, status

# N = 64 has blocks of 4,096 replications: five blocks and a cut one.
DESIGN = Design.make(["normal", "uniform"], full_size=64, batch_sizes=[2, 8], replications=22_000)
SMALL = Design.make("normal", full_size=64, batch_sizes=[2], replications=64)
THE_LAST = "update sessions set ended = '', outcome = ''"


def said(*words):
    """Return exit code and output of ``simnorm status``."""
    result = CliRunner().invoke(app, ["status", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def changed(folder, statement, *values):
    """Change a database behind everybody's back."""
    with sqlite3.connect(folder / "run.db") as database:
        database.execute(statement, values)
    database.close()


def snapshot(folder):
    """Return all that a folder holds, and when it was changed."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())
    }


def killed(folder, design=DESIGN, nodes=3):
    """Leave a run as a kill does, after so many nodes: its log and no farewell."""
    seen = []
    stop = lambda: len(seen) >= nodes  # noqa: E731
    with pytest.raises(Interrupted):
        sn.run(design, out=folder, workers=1, stop=stop, on_progress=seen.append)
    changed(folder, THE_LAST)
    for name in ("run.db-wal", "run.db-shm"):
        (folder / name).unlink(missing_ok=True)


@pytest.fixture
def finished(tmp_path):
    """A finished run."""
    folder = tmp_path / "run"
    sn.run(DESIGN, out=folder, workers=2)
    return folder


# States


def test_a_finished_run_is_told_as_it_is(finished):
    """All blocks, the settings, one session: the cut block counts as one."""
    found = sn.status(finished)
    assert (found.state, found.reason, found.share) == ("finished", "", 1.0)
    assert found.design == DESIGN.to_dict()
    assert [dataclasses.astuple(one)[:6] for one in found.sources] == [
        ("normal", "shuffle", 6, 6, 22_000, 22_000),
        ("uniform", "shuffle", 6, 6, 22_000, 22_000),
    ]
    assert (found.results, found.report, found.beside, found.aside) == ("current", "", (), ())
    (session,) = found.sessions
    assert (session["workers"], session["backend"], session["pid"]) == (2, "threads", os.getpid())
    # Of a law blocks are drawn whole: 2 laws, 6 blocks of 2^12 sets of 2^6.
    assert session["draws"] == 2 * 6 * 2**18
    assert found.seconds > 0
    assert found.bytes == sum(path.stat().st_size for path in finished.iterdir())


def test_a_killed_run_has_what_it_had_kept(tmp_path):
    """The blocks of 4,096 that are there, with time and draws up to the last of them."""
    killed(tmp_path / "run", nodes=3)
    found = status(tmp_path / "run")
    many = sum(-(-row.replications // 4096) for row in read_places(tmp_path / "run").rows)
    assert 3 <= many < 12
    assert (found.state, found.results) == ("killed", "")
    assert [one.blocks for one in found.sources] == [min(6, many), max(0, many - 6)]
    assert found.share == pytest.approx(many / 12)
    assert found.sessions[0]["draws"] == many * 2**18
    assert found.seconds > 0


def test_a_session_is_noted_with_every_node(tmp_path):
    """What it has drawn so far, and for how long, is known before it ends."""
    folder, seen = tmp_path / "run", []

    def look(progress):
        (session,) = read_places(folder).sessions
        seen.append((progress.drawn, session.draws, session.seconds))

    sn.run(DESIGN, out=folder, workers=1, on_progress=look)
    assert len(seen) > 3
    assert all(drawn == kept and seconds > 0 for drawn, kept, seconds in seen)
    assert [seconds for *_, seconds in seen] == sorted(seconds for *_, seconds in seen)


def test_an_interrupted_run_says_so(tmp_path):
    """A run that was asked to stop is interrupted; one that has failed says by what."""
    seen = []
    with pytest.raises(Interrupted):
        sn.run(DESIGN, out=tmp_path / "run", workers=1, stop=lambda: seen, on_progress=seen.append)
    assert status(tmp_path / "run").state == "interrupted"
    with pytest.raises(RunError), Store(tmp_path / "run", DESIGN):
        raise RunError("out", "x", "the disk is full")
    found = status(tmp_path / "run")
    assert (found.state, found.reason) == ("failed", "the disk is full")


def test_whoever_is_at_work_is_named(tmp_path):
    """While the lock is held the run is running, with the process that holds it."""
    killed(tmp_path / "run")
    assert read_places(tmp_path / "run").progress["done"] > 0
    with Store(tmp_path / "run", DESIGN, {"workers": 3, "backend": "threads"}):
        # What the session before had done is not this one's.
        assert read_places(tmp_path / "run").progress == {}
        found = status(tmp_path / "run")
        assert found.state == "running"
        assert found.sessions[-1]["pid"] == os.getpid()
        assert found.sessions[-1]["ended"] == ""
        assert f"process {os.getpid()} on " in said(tmp_path / "run")[1]


def test_a_run_that_begins_is_running_and_one_without_a_node_is_empty(tmp_path):
    """From the first moment on there is something to say."""
    folder = tmp_path / "run"
    folder.mkdir()
    lock = Lock(folder)
    (folder / "run.db").touch()
    assert status(folder).state == "running"
    lock.release()
    (folder / "design.toml").write_text(SMALL.to_toml())
    assert status(folder).state == "empty"
    with Store(folder, SMALL):
        assert status(folder).state == "running"
    assert status(folder).state == "empty"


def test_a_time_limit_that_was_over_is_partial(tmp_path):
    """Every source has its first blocks, and the share is theirs."""
    design = dataclasses.replace(DESIGN, time_limit=0.001)
    sn.run(design, out=tmp_path / "run", workers=1)
    found = status(tmp_path / "run")
    assert found.state == "partial"
    assert 0 < found.share < 1
    assert found.share == pytest.approx(sum(one.blocks for one in found.sources) / 12)


def test_cells_that_miss_their_target_are_counted_as_the_result_does(tmp_path):
    """`missed` cells are `Result.missed`'s, and nothing is said to go on."""
    design = Design.make(
        ["normal", "t(df=3)"], full_size=64, batch_sizes=[2, 64], target_mcse="0.9%",
        max_replications=5000,
    )  # fmt: skip
    result = sn.run(design, out=tmp_path / "run")
    found = status(tmp_path / "run")
    assert (found.state, found.command) == ("missed", "")
    assert 0 < len(result.missed()) == found.cells - found.precise_cells < found.cells
    assert found.share == pytest.approx(found.precise_cells / found.cells)


def test_a_target_is_followed_by_its_precise_cells(tmp_path):
    """A killed run says how many cells were precise when it last kept something."""
    design = Design.make(["normal", "uniform"], full_size=64, target_mcse="0.3%")
    killed(tmp_path / "run", design, nodes=6)
    found = status(tmp_path / "run")
    assert found.cells == 2 * 6 * 5 * 2
    progress = read_places(tmp_path / "run").progress
    assert found.precise_cells == found.cells - progress["open_cells"]
    assert f"{found.precise_cells} of 120 cells precise" in " ".join(
        said(tmp_path / "run")[1].split()
    )


def test_tables_that_are_gone_or_of_another_design_are_incomplete(finished):
    """A finished run without its tables is not finished."""
    text = (finished / "design.toml").read_text()
    (finished / "design.toml").write_text(text.replace("[2, 8]", "[2]"))
    found = status(finished)
    assert (found.state, found.results) == ("incomplete", "older")
    assert found.beside == ("sizes 8",)
    (finished / "design.toml").write_text(text)
    (finished / "results.csv").unlink()
    assert (status(finished).state, status(finished).results) == ("incomplete", "")


def test_a_report_is_older_than_what_was_made_after_it(finished):
    """Older than its tables, or than the design."""
    report = finished / "report.pdf"
    report.write_bytes(b"%PDF")
    assert status(finished).report == "current"
    os.utime(report, (0, 0))
    assert status(finished).report == "older"
    assert "report.pdf (older)" in said(finished)[1]


@pytest.mark.parametrize("length", [0, 1, 99, 100, 4096, 5000, 8192, 20_000])
def test_a_truncated_store_is_told_in_one_line(finished, length):
    """Whatever is left of the file: no traceback, exit code 0, and what to do."""
    os.truncate(finished / "run.db", length)
    code, out, err = said(finished)
    assert (code, err) == (0, "")
    found = status(finished)
    assert found.state == "damaged"
    assert out.split()[:2] == [f"{finished}:", "damaged"]
    assert "  why         run.db " in out


def test_an_older_store_and_another_run_s_numbers_are_told(finished):
    """A database of the first version, and a design of another seed."""
    text = (finished / "design.toml").read_text()
    (finished / "design.toml").write_text(text.replace("seed = 0", "seed = 1"))
    found = status(finished)
    assert found.state == "damaged"
    assert "seed 0 there, 1 here" in found.reason
    changed(finished, "insert into meta values ('engine_version', '1')")
    assert status(finished).state == "older"
    (finished / "design.toml").write_text("no design")
    changed(finished, "delete from meta where key = 'engine_version'")
    assert status(finished).state == "damaged"


def test_what_cannot_be_read_is_unreadable(finished, monkeypatch):
    """The system's no is not damage."""

    def refused(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(standing, "read_places", refused)
    found = status(finished)
    assert (found.state, found.reason) == ("unreadable", "run.db: Permission denied")


@pytest.mark.parametrize("place", ["", "nothing", "file"])
def test_no_run_is_exit_2(tmp_path, place):
    """A folder without a run, no folder, a file: one line, and nothing is made."""
    (tmp_path / "file").write_text("x")
    code, out, err = said(tmp_path / place)
    assert (code, out) == (2, "")
    assert err.startswith("simnorm: RUN: got ")
    assert err.count("\n") == 1
    with pytest.raises(SimnormError, match="a run folder is needed"):
        status(tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# Counting


def drawn_blocks(design, folder):
    """Return how many blocks of every source a run in a folder draws, in all of its strands."""
    found = [0] * len(status(folder).sources)

    def on_node(job, node, origin):  # noqa: ARG001
        assert origin == COMPUTED
        count = sn.status(folder).sources[job.number].all_blocks
        found[job.number] += min(job.task.end, count) - job.task.first

    pool = Rows.of(read_contents_of(folder))
    engine.run(design, workers=1, pool=pool, on_node=on_node)
    return found


def read_contents_of(folder):
    from simnorm.database import read_contents

    return read_contents(folder)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_counted_is_what_a_run_draws(finished, seed):
    """Of a store with holes, blocks counted and blocks that a run draws are all there are."""
    nodes = [(row.level, row.position, row.owner) for row in read_places(finished).rows]
    holes = [node for at, node in enumerate(nodes) if (at * 7 + seed) % 3 == 0]
    for level, position, owner in holes:
        where = "level = ? and position = ? and owner = ?"
        changed(finished, f"delete from nodes where {where}", level, position, owner)
    counted = [one.blocks for one in status(finished).sources]
    assert 0 < sum(counted) < 12
    assert [
        here + new for here, new in zip(counted, drawn_blocks(DESIGN, finished), strict=True)
    ] == [6, 6]


def test_a_block_of_which_some_numbers_are_missing_counts_in_part(finished):
    """Two sizes of three are there: for the third all is drawn again, and no block is whole."""
    text = (finished / "design.toml").read_text()
    (finished / "design.toml").write_text(text.replace("[2, 8]", "[2, 4, 8]"))
    found = status(finished)
    assert [(one.blocks, one.share) for one in found.sources] == [(0, 0.5)] * 2
    assert drawn_blocks(dataclasses.replace(DESIGN, batch_sizes=(2, 4, 8)), finished) == [6, 6]
    (finished / "design.toml").write_text(text.replace("22000", "30000"))
    # The cut block is drawn again, and two new ones: 30,000 are eight blocks.
    assert [one.blocks for one in status(finished).sources] == [5, 5]


def test_what_is_there_is_not_said_to_be_none_of_it(finished, monkeypatch):
    """One more size: the cells of the others keep what they have, in words and in numbers."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    owners = {row.owner for row in read_places(finished).rows}
    more = dataclasses.replace(DESIGN, batch_sizes=(2, 4, 8))
    sn.run(more, out=finished)
    new = dict.fromkeys(row.owner for row in read_places(finished).rows if row.owner not in owners)
    assert len(new) == 2
    for owner in new:
        changed(finished, "delete from nodes where owner = ? and position >= 2", owner)
    # Five estimators, two references; two blocks of 4,096 of the third size.
    for one in status(finished).sources:
        assert (one.blocks, one.replications) == (2, 8192)
        assert one.parts == ((20, 22_000), (10, 8192))
    (finished / "results.csv").unlink()
    text = " ".join(said(finished)[1].split())
    for law in ("normal", "uniform"):
        assert f"{law}: R = 22,000 in 20 of 30 cells, 8,192 in the others (of 22,000)" in text
    sn.run(more, out=finished)
    assert [one.parts for one in status(finished).sources] == [(), ()]


def test_a_run_that_lacks_what_was_given_up_is_not_finished(finished):
    """It has its tables, and the same command tries again."""
    path = finished / "provenance.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"tasks_given_up": ["normal, block 1: it ended"]}))
    found = status(finished)
    assert (found.state, found.results) == ("incomplete", "current")
    assert found.reason == "1 task given up: the same command tries again"
    assert f"to go on simnorm run {finished}" in " ".join(said(finished)[1].split())
    for nonsense in ("[]", '{"tasks_given_up": 3}', "{"):
        path.write_text(nonsense)
        assert status(finished).state == "finished"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RunError("out", "x", "it cannot be written (disk is full)", "Make room."),
         "; it has failed: it cannot be written (disk is full)"),
        (MemoryError("x"), "; it has failed: MemoryError"),
        (Interrupted(0, 1), "; it was interrupted"),
    ],
)  # fmt: skip
def test_a_run_that_has_kept_nothing_says_how_it_ended(tmp_path, error, words):
    """The last session's end is all that there is to say."""
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(type(error)), Store(folder, SMALL):
        raise error
    found = status(folder)
    assert (found.state, found.reason) == ("empty", f"nothing has been kept yet{words}")
    changed(folder, THE_LAST)
    assert status(folder).reason.endswith("; the process was ended, or left at once")


def test_what_is_stored_beside_the_design_is_named(finished):
    """Another law, estimator, size, and more replications."""
    small = Design.make(
        "normal", full_size=64, batch_sizes=[2], estimators="mean", replications=4096
    )
    (finished / "design.toml").write_text(small.to_toml())
    assert status(finished).beside == (
        "estimators biased_variance, unbiased_variance, std(ddof=0) and 1 more",
        "sizes 8",
        "uniform, shuffle",
        "R up to 22,000",
    )


def test_trials_are_counted_without_what_they_import(tmp_path):
    """Repeats of a study that trains: no scikit-learn is loaded to count them."""
    given = {"datasets": ["wine"], "models": ["knn"], "scalers": ["none", "z_score"]}
    sn.study("scaling", replications=2, out=tmp_path / "run", **given)
    code = (
        "import sys, simnorm as sn; found = sn.status(sys.argv[1]); "
        "print(found.state, [s.blocks for s in found.sources], "
        "[m for m in ('pandas', 'scipy', 'sklearn', 'numba', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True, check=True
    )
    assert out.stdout == "finished [2] []\n"
    text = (tmp_path / "run" / "design.toml").read_text()
    (tmp_path / "run" / "design.toml").write_text(text.replace("folds = 5", "folds = 4"))
    assert status(tmp_path / "run").state == "damaged"
    (tmp_path / "run" / "design.toml").write_text(text.replace('"none", ', ""))
    found = status(tmp_path / "run")
    assert ([s.blocks for s in found.sources], found.beside) == ([0], ("other settings",))


@pytest.mark.parametrize("study", ["sweep", "inputs", "running"])
def test_runs_on_data_and_of_all_studies_are_counted_unread(tmp_path, study):
    """The file may be gone: what is stored of its columns is counted all the same."""
    (tmp_path / "x.csv").write_text("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(32)))
    sn.study(
        study, data=tmp_path / "x.csv", batch_sizes=[2], replications=8, out=tmp_path / "run",
        **({"steps": 8} if study == "running" else {}),
    )  # fmt: skip
    (tmp_path / "x.csv").unlink()
    found = status(tmp_path / "run")
    assert (found.state, found.share) == ("finished", 1.0)
    assert {one.name for one in found.sources} == {"a and 1 other column"}
    assert all(one.share == 1.0 for one in found.sources)


def test_the_time_left_is_what_the_session_has_done_so_far():
    """A fifth drawn in 20 s beside a fifth that was there: three fifths take 60 s."""
    session = Session(1, "", "", 20.0, 0, 1, "threads", "", 1, "", "{}", "")
    progress = {"done": 40, "total": 100, "stored": 20, "cells": 0, "open_cells": 0}
    contents = NOTHING._replace(sessions=[session], progress=progress)
    assert standing._left(DESIGN, contents) == pytest.approx(60.0)
    limited = dataclasses.replace(DESIGN, time_limit=50.0)
    assert standing._left(limited, contents) == pytest.approx(30.0)
    assert standing._left(DESIGN, contents._replace(progress={})) is None
    with_target = progress | {"cells": 10, "open_cells": 4}
    assert standing._left(DESIGN, contents._replace(progress=with_target)) is None


# Reading only


def test_nothing_in_a_folder_changes(tmp_path, finished):
    """Not a byte, not a time, no file: of a finished run, and of a killed one with its log."""
    before = snapshot(finished)
    said(finished)
    assert snapshot(finished) == before
    # The log of a process that is gone: taken while it lived.
    with Store(finished, DESIGN):
        shutil.copytree(finished, tmp_path / "log")
    assert (tmp_path / "log" / "run.db-wal").stat().st_size
    (tmp_path / "log" / "run.db-shm").unlink()
    before = snapshot(tmp_path / "log")
    assert len(status(tmp_path / "log").sessions) == 2
    assert snapshot(tmp_path / "log") == before


def test_a_run_does_not_notice_that_it_is_watched(tmp_path):
    """Asked all the time, it ends with the same tables, no log is left, and the share only rises.

    That a state is running is seen, too, unless the machine is very fast.
    """
    sn.run(DESIGN, out=tmp_path / "alone", workers=1)
    over = threading.Event()

    def work():
        try:
            sn.run(DESIGN, out=tmp_path / "watched", workers=1)
        finally:
            over.set()

    worker = threading.Thread(target=work)
    worker.start()
    seen = []
    while not over.is_set():
        try:
            seen.append(status(tmp_path / "watched"))
        except SimnormError:
            continue  # it has not begun
    worker.join()
    ran = [found for found in seen if found.state == "running"]
    assert {found.state for found in seen} <= {"running", "finished", "empty", "incomplete"}
    shares = [found.share for found in ran if found.share is not None]
    assert shares == sorted(shares)
    names = [{path.name for path in (tmp_path / run).iterdir()} for run in ("alone", "watched")]
    assert names[0] <= names[1] <= names[0] | {"run.db-wal", "run.db-shm"}
    if "run.db-wal" in names[1]:
        # Who is never gone keeps SQLite from taking its log away, but not from emptying it.
        assert not (tmp_path / "watched" / "run.db-wal").stat().st_size
    for name in ("results.csv", "curves.csv", "design.toml"):
        one, other = (tmp_path / run / name for run in ("alone", "watched"))
        assert one.read_bytes() == other.read_bytes()


def test_who_asks_for_the_lock_refuses_nobody(tmp_path):
    """A hundred questions at a time, and the lock is taken all the same; held, it is seen."""
    Lock(tmp_path).release()
    over = threading.Event()

    def ask():
        while not over.is_set():
            is_held(tmp_path)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(30):
            lock = Lock(tmp_path)
            assert is_held(tmp_path)
            lock.release()
    finally:
        over.set()
        for asker in askers:
            asker.join()
    assert not is_held(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_progress_that_is_no_progress_is_not_taken(finished):
    """Who writes nonsense where it is kept gets none back."""
    for text in ("", "[]", '{"done": -1}', '{"done": "x"}', '{"done": NaN}', "\0"):
        changed(finished, "insert or replace into meta values (?, ?)", PROGRESS, text)
        assert read_places(finished).progress == {}
        assert status(finished).state == "finished"


# What is printed


def test_json_is_one_document_with_the_fields_of_status(finished):
    """Its keys are the documented ones."""
    code, out, err = said(finished, "--json")
    document = json.loads(out)
    fields = [field.name for field in dataclasses.fields(standing.Status)]
    assert (code, err, list(document)) == (0, "", ["kind", *fields])
    assert document["kind"] == "run"
    assert document["state"] in STATES
    text = standing.Status.__doc__
    assert all(field in text for field in fields)
    assert all(f"``{state}``" in text for state in STATES)


def test_a_folder_of_runs_has_a_line_for_each(tmp_path, finished):
    """Also an answer among them, with its studies; files beside them do not matter."""
    killed(tmp_path / "killed")
    (tmp_path / "beside").mkdir()
    (tmp_path / "answer").mkdir()
    (tmp_path / "answer" / "answer.json").write_text("{}")
    shutil.copytree(finished, tmp_path / "answer" / "sweep")
    code, out, _ = said(tmp_path)
    lines = [line.split()[:2] for line in out.splitlines()[1:]]
    assert code == 0
    assert lines == [
        ["answer:", "unfinished"], ["sweep", "finished"], ["killed", "killed"], ["run", "finished"],
    ]  # fmt: skip
    document = json.loads(said(tmp_path, "--json")[1])
    assert [one["kind"] for one in document["runs"]] == ["answer", "run", "run"]
    assert overview(tmp_path / "answer").kind == "answer"


def test_lines_of_a_folder_fit_80_columns_a_hundred_days_later():
    """The longest state, share and time left, and the longest name."""
    longest = standing.Status(
        "runs/" + "sweep-" * 20, "interrupted", share=0.001, seconds_left=59 * 60 + 59.0,
        committed="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    for indent in ("  ", "    "):
        line = importlib.import_module("simnorm.cli.status")._line(longest, indent)
        assert len(line) <= 80
        assert " interrupted less than 1 %, 59 min left " in re.sub(" +", " ", line)
        assert line.endswith(" days ago")


def test_an_unfinished_answer_says_how_it_goes_on(tmp_path, finished):
    """By its own command, which its runs have; `simnorm run` of its folder says what it is."""
    (tmp_path / "answer").mkdir()
    (tmp_path / "answer" / "answer.json").write_text("{}")
    shutil.copytree(finished, tmp_path / "answer" / "sweep")
    command = "simnorm answer --level quick -o a"
    changed(tmp_path / "answer" / "sweep", "update sessions set command = ?", command)
    lines = said(tmp_path / "answer")[1].splitlines()
    assert lines[-1].split(maxsplit=3) == ["to", "go", "on", command]
    (tmp_path / "answer" / "outcome.json").write_text("{}")
    assert "to go on" not in said(tmp_path / "answer")[1]
    result = CliRunner().invoke(app, ["run", str(tmp_path / "answer")])
    assert result.exit_code == 2
    assert "It is an answer's: type that `simnorm answer` again." in result.stderr


def test_lines_fit_80_columns_whatever_the_names(tmp_path):
    """Long laws, thirty columns, long folders: only a path may be longer, in one piece."""
    names = [f"a very long name of a column, number {i} \x1b[31m" for i in range(30)]
    data = {name: [float(i * j % 7) for i in range(40)] for j, name in enumerate(names, 2)}
    folder = tmp_path / ("long-" * 30)
    sn.sweep(data=data, batch_sizes=list(range(2, 20)), replications=4, out=folder)
    laws = [f"scipy.genextreme(c=-0.{i}23456789012345)" for i in range(1, 8)]
    design = Design.make(laws, full_size=64, replications=9000)
    killed(tmp_path / "laws", design)
    for words in ([folder], [tmp_path / "laws"], [tmp_path]):
        code, out, _ = said(*words)
        assert code == 0
        assert "\x1b" not in out
        for line in out.splitlines():
            assert len(line) <= 80 or str(tmp_path) in line, line
    assert "sweep of 30 columns of a dict of arrays" in said(folder)[1]


def test_a_command_of_a_cluster_or_an_answer_is_the_one_that_goes_on(tmp_path):
    """Elsewhere the folder's own is enough, wherever it has been copied to."""
    folder = tmp_path / "run"
    killed(folder)
    assert status(folder).command == f"simnorm run {folder}"
    changed(folder, "update sessions set backend = 'dask', command = 'simnorm sweep --x'")
    assert status(folder).command == "simnorm sweep --x"
    changed(folder, "update sessions set backend = 'threads'")
    (tmp_path / "answer.json").write_text("{}")
    assert status(folder).command == "simnorm sweep --x"


def test_a_run_with_functions_goes_on_in_python(tmp_path):
    """No file holds a function."""

    def middle(sample, axis=-1):
        return sample.mean(axis=axis)

    design = Design.make("normal", full_size=64, estimators=[middle], replications=22_000)
    killed(tmp_path / "run", design, nodes=2)
    found = status(tmp_path / "run")
    assert found.command == "the same call in Python"
    assert [one.blocks for one in found.sources] == [len(read_places(tmp_path / "run").rows)]
