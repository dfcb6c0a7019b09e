"""Tables, reports and messages of a run that somebody is at work on."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from typer.testing import CliRunner

import simnorm as sn
from simnorm import keeping, schedule, stopped
from simnorm.cli import app
from simnorm.design import Design
from simnorm.errors import Interrupted, SimnormError
from simnorm.locking import Lock

# N = 64 has blocks of 4,096 replications: two and a cut one.
DESIGN = Design.make(["normal", "uniform"], full_size=64, batch_sizes=[2], replications=10_000)


@pytest.fixture(autouse=True)
def _tasks_of_a_block(monkeypatch):
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)


class PowerIsGoneError(Exception):
    """Nothing more is kept."""


def interrupted(folder, nodes, monkeypatch):
    """Leave a run after so many blocks."""
    true, count = keeping.Store.add, itertools.count(1)

    def add(self, job, node):
        true(self, job, node)
        if next(count) == nodes:
            raise PowerIsGoneError

    with monkeypatch.context() as patched:
        patched.setattr(keeping.Store, "add", add)
        with pytest.raises(PowerIsGoneError):
            sn.run(DESIGN, out=folder, workers=1)
    return folder


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
