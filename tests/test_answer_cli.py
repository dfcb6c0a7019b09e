"""``simnorm answer`` as typed."""

from __future__ import annotations

import json

import pytest
from test_answer_running import TABLE, tiny
from typer.testing import CliRunner

from simnorm.answering import running as runs
from simnorm.cli import answering, app
from simnorm.errors import Interrupted


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Three small studies in place of all."""
    monkeypatch.setattr(answering, "make_plan", lambda **_: tiny())
    monkeypatch.setattr(runs, "needed_sizes", lambda *_: TABLE)


def typed(*words):
    return CliRunner().invoke(app, ["answer", *words])


def test_help_has_three_examples():
    """A stranger sees what it does and how to begin."""
    found = typed("--help")
    assert found.exit_code == 0
    assert found.output.count("  simnorm answer") == 3
    assert all(len(line) <= 80 for line in found.output.splitlines())


def test_the_table_of_verdicts(tmp_path):
    """Every claim in 80 columns on stdout; what is done and where it lies on stderr."""
    found = typed("--no-report", "-o", str(tmp_path / "a"))
    assert found.exit_code == 0, found.output
    assert all(len(line) <= 80 for line in found.stdout.splitlines())
    assert found.stdout.count("not measured") == 6
    assert "What to do" in found.stdout
    assert f"answer: {tmp_path / 'a'}" in found.stderr
    assert "✓ sweep" in found.stderr


def test_quiet_says_nothing_but_the_answer(tmp_path):
    """No progress, notes or paths."""
    found = typed("-q", "--no-report", "-o", str(tmp_path / "a"))
    assert found.stderr == ""
    assert "verdict" in found.stdout


def test_verbose_says_why(tmp_path):
    """The reason for each word stands below it."""
    found = typed("-v", "--no-report", "-o", str(tmp_path / "a"))
    assert "errors of means and spreads are above the margin." in found.stdout


def test_json_has_everything(tmp_path):
    """One document, no number that JSON does not know."""
    found = typed("--json", "-q", "--no-report", "-o", str(tmp_path / "a"))
    said = json.loads(found.stdout)
    assert len(said["verdicts"]) == 13
    assert said["settings"]["batch_size"] == 4
    assert said["words"]["no difference"]
    assert "shift" not in said["missing"]  # it was not planned


def test_a_second_time_nothing_is_run(tmp_path):
    """The same command finds all studies there."""
    typed("--no-report", "-o", str(tmp_path / "a"))
    found = typed("--no-report", "-o", str(tmp_path / "a"))
    assert found.stderr.count("there already") == 4


def test_a_dry_run_writes_nothing(tmp_path):
    """It names studies and times, and the folder it would make."""
    found = typed("--dry-run", "-o", str(tmp_path / "a"))
    assert found.exit_code == 0
    assert "folder:" in found.stdout
    assert not (tmp_path / "a").exists()
    plan = json.loads(typed("--dry-run", "--json", "-o", str(tmp_path / "a")).stdout)
    assert [line["study"] for line in plan["studies"]] == ["sweep", "inputs", "running"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--quick", "--thorough"], "--quick"),
        (["--no-report", "--paper", "a4"], "--paper"),
        (["--no-report", "--report", "x.pdf"], "--report"),
        (["--report", "x.docx"], "--report"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_mistakes_in_one_line(words, said, tmp_path, monkeypatch):
    """The option, what came, what is allowed; exit code 2."""
    monkeypatch.chdir(tmp_path)
    found = typed(*words)
    assert found.exit_code == 2
    assert found.stderr.startswith(f"simnorm: {said}: got ")
    assert found.stderr.count("\n") == 1


def test_interrupted(tmp_path, monkeypatch):
    """Exit code 130, and how it goes on."""

    def stop(*_, **__):
        raise Interrupted(0, 100)

    monkeypatch.setattr(answering, "carry_out", stop)
    found = typed("--no-report", "-o", str(tmp_path / "a"))
    assert found.exit_code == 130
    assert "to go on: " in found.stderr
