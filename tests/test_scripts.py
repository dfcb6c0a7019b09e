"""The scripts and files around the package: there, executable, and as the README says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simnorm.cli import app

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock"]

pytestmark = pytest.mark.skipif(
    not (ROOT / "scripts").is_dir(), reason="the scripts are not part of an installed package"
)


def readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if not text.strip():
        pytest.skip("the README is not written yet")
    return text


def commands_of(text, program):
    """Return the argument lists of the commands that a README shows in code."""
    spans = re.findall(r"`([^`\n]+)`", text)
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = spans + [line for block in blocks for line in block.splitlines()]
    found = []
    for line in lines:
        stripped = line.removeprefix("$ ").strip()
        if re.match(rf"{re.escape(program)}( |$)", stripped):
            words = shlex.split(stripped, comments=True)
            ends = [i for i, word in enumerate(words) if word in {"|", ">", "&&", ";"}]
            found.append(words[1 : min(ends, default=len(words))])
    return found


@pytest.mark.parametrize("name", ["quickstart", "test"])
def test_the_scripts_are_there_and_can_be_run(name):
    """scripts/quickstart and scripts/test exist, are executable and say what runs them."""
    path = ROOT / "scripts" / name
    assert path.is_file()
    assert path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    if os.name != "nt":
        assert os.access(path, os.X_OK)


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@pytest.mark.parametrize("name", ["quickstart", "test", "install.sh", "lock"])
def test_the_scripts_are_clean_sh(name):
    """The shell reads every script without complaint."""
    path = ROOT / "scripts" / name
    done = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_hashed_packages_and_names_no_place(name):
    """Every requirement is one exact version with hashes; no URL, path or option is in the file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)
    joined = re.sub(r"\\\n", " ", text)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 20
    for line in lines:
        assert re.match(
            r"[A-Za-z0-9._-]+==[^\s;]+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$", line
        ), line[:80]


def test_the_lock_of_the_developer_holds_that_of_the_user():
    """Both lock files pin the same versions of what simnorm needs."""
    pins = [
        set(
            re.findall(
                r"^([A-Za-z0-9._-]+==[^\s;]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE
            )
        )
        for name in LOCKS
    ]
    assert pins[0] < pins[1]


def test_the_lock_covers_what_the_package_asks_for():
    """Every dependency of pyproject.toml is pinned."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / LOCKS[0]).read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement).group()
        assert re.search(rf"^{re.escape(name)}==", text, re.MULTILINE), name


def test_the_readme_names_scripts_that_exist():
    """Every scripts/NAME and every relative link of the README exists."""
    text = readme()
    names = set(re.findall(r"\bscripts/([\w.]+\w)", text))
    assert {"quickstart", "test"} <= names
    for name in names:
        assert (ROOT / "scripts" / name).exists(), name
    assert len(text.splitlines()) <= 150


def test_the_first_commands_of_the_readme_are_the_two_scripts():
    """The first code block of the README is the two commands that one needs."""
    block = re.search(r"^```\w*\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL).group(1)
    assert block.split() == ["scripts/quickstart", "scripts/test"]


def test_every_simnorm_command_of_the_readme_is_understood():
    """Every `simnorm ...` that the README shows has a command and options that exist."""
    commands = commands_of(readme(), "simnorm")
    commands += commands_of(readme(), "scripts/quickstart")
    assert len(commands) > 5
    for words in commands:
        result = CliRunner().invoke(app, [*words, "--help"])
        assert result.exit_code == 0, (words, result.stderr)
        assert result.stdout.startswith("Usage: simnorm")


def test_designs_of_the_readme_are_designs():
    """The specs and batch sizes of the README's sweeps are of the grammar."""
    from simnorm.design import Design

    names = {
        "--dist": "distributions",
        "--batch-sizes": "batch_sizes",
        "--estimators": "estimators",
        "--full-size": "full_size",
        "--replications": "replications",
        "--seed": "seed",
    }
    for words in commands_of(readme(), "simnorm"):
        values = {
            names[word]: words[i + 1]
            for i, word in enumerate(words)
            if word in names and i + 1 < len(words)
        }
        Design.make(**values)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    """Every name that the README's Python uses exists (nothing is computed)."""
    import simnorm as sn
    from simnorm.results import Result

    monkeypatch.chdir(tmp_path)
    text = readme()
    for name in set(re.findall(r"\bsn\.(\w+)", text)):
        assert hasattr(sn, name), name
    for name in set(re.findall(r"\bresult\.(\w+)", text)):
        assert hasattr(Result, name) or name in Result.__dataclass_fields__, name
