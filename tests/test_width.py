"""Names with wide letters in tables of the terminal: counted in cells, not in letters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from simnorm.cli import app
from simnorm.cli.width import filled, fitted, shortened

NAMES = (
    "plain",
    "中文列名中文列名中文",
    "😀😀😀😀😀😀😀😀😀",
    "e\u0301\u0301 accent",
    "",
    "x" * 200,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [4, 5, 17, 20, 80])
def test_a_name_fills_its_column_exactly(name, width):
    """So many cells, the last one blank; shortened and filled lines have no more than that."""
    assert cell_len(fitted(name, width)) == width
    assert fitted(name, width).endswith(" ")
    assert cell_len(shortened(name, width)) <= max(width, 4)
    assert max(map(cell_len, filled(name, width).split("\n"))) <= width


def test_filling_loses_no_letter():
    """Of words that fit none is parted, and none of the others is lost."""
    text = " ".join(NAMES)
    assert filled(text, 9).replace("\n", "").replace(" ", "") == text.replace(" ", "")
    assert filled("aa bb cc", 5) == "aa bb\ncc"


def test_tables_of_wide_names_have_80_cells(tmp_path, monkeypatch):
    """Chinese and emoji names: a line of the table is as wide as with plain ones."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    names = ["a", "中文列名中文列名中文列名", "😀😀😀😀😀😀😀😀😀😀😀"]
    pd.DataFrame(rng.exponential(size=(64, 3)), columns=names).to_csv("wide.csv", index=False)
    for command in (["sweep"], ["study", "inputs", "--no-report"]):
        given = [*command, "--data", "wide.csv", "--replications", "64", "--batch-sizes", "4,16"]
        done = CliRunner().invoke(app, [*given, "-q", "-o", command[-1]])
        assert done.exit_code == 0, done.stderr
        lines = done.stdout.splitlines()
        assert max(map(cell_len, lines)) <= 80
        rows = [line for line in lines if line[:1] in ("a", "中", "😀") and "±" in line]
        assert len(rows) == 3
        places = {cell_len(line[: line.index("±")]) for line in rows}
        assert max(places) - min(places) <= 2
