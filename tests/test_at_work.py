"""Tables, reports and messages of a run that somebody is at work on."""

from __future__ import annotations

import contextlib
import re

import cut_short
import pytest
import typer
from typer.testing import CliRunner

import simnorm as sn
from simnorm import compiled, errors, schedule, stopped
from simnorm.cli import app, guard
from simnorm.design import Design
from simnorm.errors import Interrupted, SimnormError
from simnorm.locking import Lock

# N = 64 has blocks of 4,096 replications: two and a cut one.
DESIGN = Design.make(["normal", "uniform"], full_size=64, batch_sizes=[2], replications=10_000)


@pytest.fixture(autouse=True)
def _tasks_of_a_block(monkeypatch):
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)


def interrupted(folder, nodes, monkeypatch):
    """Leave a run after so many blocks."""
    return cut_short.interrupted(folder, DESIGN, nodes, monkeypatch, workers=1)


@contextlib.contextmanager
def at_work(folder):
    """Hold a folder's lock, as who works there does."""
    lock = Lock(folder)
    try:
        yield
    finally:
        lock.release()


def shown(text):
    return " ".join(text.split())


@pytest.mark.parametrize(("nodes", "some"), [(1, "4,096 of the 10,000"), (3, "")])
def test_a_run_that_is_at_work_is_not_said_to_be_interrupted(tmp_path, nodes, some, monkeypatch):
    """While somebody has the lock the tables say `running`, and all words with them."""
    folder = interrupted(tmp_path / "run", nodes, monkeypatch)
    with at_work(folder):
        result = sn.load(folder)
        made = CliRunner().invoke(app, ["report", str(folder), "-o", str(tmp_path / "r.md")])
    many = min(10_000, 4096 * nodes)
    assert result.is_partial
    so_far = f", with {many:,} of the 10,000 replications asked for so far" if many < 10_000 else ""
    said = f"This run is partial: it is still at work{so_far}; uniform has not begun."
    assert some in said
    assert stopped.notice_of(result) == said
    assert said.rstrip(".") in result._repr_html_()
    words = stopped.drawn_words(result.design, result.frame)
    assert ("so far: the run is still at work" in words) == bool(so_far)
    assert made.exit_code == 0
    assert said in shown(made.stderr)
    assert said.rstrip(".") in shown((tmp_path / "r.md").read_text(encoding="utf-8"))
    assert "was interrupted" in stopped.notice_of(sn.load(folder))


def test_a_report_of_an_interrupted_run_says_on_stderr_that_it_is_partial(tmp_path, monkeypatch):
    """Unless it is to be quiet; of a finished run there is nothing to say."""
    folder = interrupted(tmp_path / "run", 1, monkeypatch)
    out = ["-o", str(tmp_path / "r.md")]
    made = CliRunner().invoke(app, ["report", str(folder), *out])
    assert "note: This run is partial: it was interrupted" in made.stderr
    assert CliRunner().invoke(app, ["report", str(folder), *out, "-q"]).stderr == ""
    sn.run(DESIGN, out=folder)
    made = CliRunner().invoke(app, ["report", str(folder), *out])
    assert made.stderr == f"report: {tmp_path / 'r.md'}\n"


def test_a_run_at_work_that_has_no_block_yet_says_so(tmp_path):
    """Nothing was interrupted: the message names the command that tells how it stands."""
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        sn.run(DESIGN, out=folder, stop=lambda: True)
    with at_work(folder), pytest.raises(SimnormError, match=r"at work there.*See: simnorm status"):
        sn.load(folder)
    with pytest.raises(SimnormError, match="Go on: simnorm run"):
        sn.load(folder)


def call(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_a_busy_folder_is_called_as_it_was_named(tmp_path, monkeypatch):
    """By the option where there was one; its time is written as everywhere."""
    monkeypatch.chdir(tmp_path)
    folder = interrupted(tmp_path / "runs" / "x", 1, monkeypatch)
    words = ["sweep", "--dist", "normal,uniform", "--full-size", 64, "--batch-sizes", 2]
    with at_work(folder):
        again = call("run", "runs/x")
        named = call(*words, "--replications", 10_000, "-o", "runs/x")
    there = "got 'runs/x'; another process is at work there (process "
    assert again.stderr.startswith(f"simnorm: run folder: {there}")
    assert named.stderr.startswith(f"simnorm: --out: {there}")
    assert re.search(r", since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\. ", again.stderr)
    assert (again.exit_code, named.exit_code) == (2, 2)


def test_a_folder_of_runs_is_told_from_a_run(tmp_path, monkeypatch):
    """The message names a run in it, and how many there are is not made up."""
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "runs"
    interrupted(runs / "x", 1, monkeypatch)
    said = "simnorm: DESIGN: got 'runs'; a run folder is needed, or the file of a design. "
    found = call("run", "runs")
    assert (found.exit_code, found.stderr) == (2, f"{said}There is a run inside: runs/x.\n")
    interrupted(runs / "y", 1, monkeypatch)
    assert call("run", "runs").stderr == f"{said}There are runs inside: runs/x and others.\n"
    (tmp_path / "none").mkdir()
    assert call("run", "none").stderr.endswith("`simnorm sweep` makes one.\n")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_errors_are_folded_for_a_terminal_alone(is_terminal, monkeypatch, capsys):
    """Lines of 80 columns, with paths and words whole; a pipe gets one line."""
    path = f"/a/{'b' * 90}/c-d"

    @guard.guarded
    def command():
        raise SimnormError("run", path, "a run folder is needed, or a folder of them", "Name one.")

    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    monkeypatch.setattr("simnorm.errors.shown", repr)
    with pytest.raises(typer.Exit):
        command()
    lines = capsys.readouterr().err.splitlines()
    assert shown(" ".join(lines)) == (
        f"simnorm: RUN: got {errors.shown(path)}; a run folder is needed, or a folder of them. "
        "Name one."
    )
    assert (len(lines) > 1) == is_terminal
    if is_terminal:
        assert all(len(line) <= 80 or " " not in line for line in lines)


def test_loops_are_compiled_first_where_none_are_kept(tmp_path, monkeypatch):
    """Of a folder that numba was given, an index tells; without numba nothing is compiled."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compiled.compiles_first()
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "loops.nbi").touch()
    assert not compiled.compiles_first()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "none"))
    assert compiled.compiles_first()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not compiled.compiles_first()
