"""The example notebook is a script that runs as it is."""

from __future__ import annotations

import re
import runpy
import tempfile
from pathlib import Path

import matplotlib as mpl
import pytest

NOTEBOOK = Path(__file__).resolve().parent.parent / "scripts" / "notebook.py"


@pytest.fixture
def ran(tmp_path, monkeypatch, capsys):
    """What the notebook prints, and the folder it may write to."""
    mpl.use("Agg")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    runpy.run_path(str(NOTEBOOK))
    return capsys.readouterr().out, tmp_path


def test_the_notebook_runs_and_says_what_is_true(ran):
    """Simulation agrees with theory, and nothing is left behind: the report goes with its folder.

    The seed is fixed, so that z-values are the same each time; 5 standard errors would be a fault.
    """
    said, folder = ran
    z = [float(value) for value in re.findall(r"z = ([+-]\d+\.\d)", said)]
    assert len(z) == 3
    assert max(map(abs, z)) < 5.0
    assert list((folder / "here").iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["here"]
    assert float(re.search(r"wine\.pdf: (\d+) kB", said).group(1)) > 50.0


def test_editors_see_cells():
    """Every cell begins with the marker of the percent format, the first one with a title."""
    lines = NOTEBOOK.read_text(encoding="utf-8").splitlines()
    cells = [line for line in lines if line.startswith("# %%")]
    assert set(cells) == {"# %%", "# %% [markdown]"}
    assert lines[0] == "# %% [markdown]"
    assert lines[1].startswith("# # ")
