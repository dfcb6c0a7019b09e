"""The command line on the user's own data: the table, the notes, one line for every bad file."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from sklearn import datasets
from test_cli import call, empty_cwd, files  # noqa: F401  # the fixture is autouse


@pytest.fixture
def wine(empty_cwd):  # noqa: ARG001, F811
    """Return the wine set, whose rows are sorted by class, as a CSV."""
    datasets.load_wine(as_frame=True).frame.to_csv("wine.csv", index=False)
    return "wine.csv"


def test_a_file_gives_a_line_per_column_worst_first(wine, empty_cwd):  # noqa: F811
    """The worst column leads; all fit 80 columns; the run holds what the columns are like."""
    result = call("sweep", "--data", wine, "--exclude", "target", "--batch-sizes", "4,16")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Batches of wine.csv against its whole columns, N = 178 rows")
    assert max(map(len, lines)) <= 80
    assert "given this file" in " ".join(lines[:4])
    start = next(i for i, line in enumerate(lines) if line.startswith("column"))
    table = [line.split() for line in lines[start + 1 : start + 14]]
    exact = [float(words[-3]) for words in table]
    assert exact == sorted(exact, reverse=True)
    assert table[0][0] == "magnesium"
    (run,) = (empty_cwd / "runs").iterdir()
    assert {"columns.csv", "results.csv", "design.toml"} <= set(files(run))
    with (run / "columns.csv").open(encoding="utf-8") as file:
        facts = {row["column"]: row for row in csv.DictReader(file)}
    assert len(facts) == 13
    assert facts["magnesium"]["n_own_10"].rstrip("0").rstrip(".") == table[0][-2]


def test_what_not_shuffling_costs_is_said(wine):
    """For file order and for groups; the numbers are those of the table."""
    result = call(
        "sweep", "--data", wine, "--sampling", "shuffle,sequential,grouped:target",
        "--batch-sizes", "16",
    )  # fmt: skip
    text = " ".join(result.stdout.split())
    assert "rows in file order (sequential)" in text
    assert "groups of target in random order (grouped:target)" in text
    assert text.count("What not shuffling costs:") == 2
    assert "in file order the mean of 16 rows of flavanoids is off by 0.82 sd, shuffled" in text
    assert "worth 1.5 shuffled rows" in text
    assert "no number of batches mends that" in text
    assert "target (it groups the rows)" in result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_few_columns_have_a_line_per_batch_size(wine):
    """One or two columns: the table of a distribution."""
    result = call("sweep", "--data", wine, "--columns", "hue", "--batch-sizes", "2,8,32")
    lines = result.stdout.splitlines()
    assert "hue" in lines
    assert [line.split()[0] for line in lines if line[:6].strip().isdigit()] == ["2", "8", "32"]


def test_json_holds_the_columns_too(wine):
    """All rows and all facts; what is infinite or missing is null."""
    result = call("sweep", "--data", wine, "--columns", "hue,ash", "--batch-sizes", "8", "--json")
    document = json.loads(result.stdout)
    assert [facts["column"] for facts in document["columns"]] == ["hue", "ash"]
    assert document["design"]["data"] == wine
    assert len(document["results"]) == 2 * 5 * 8


def test_a_run_is_repeated_from_its_design(wine, empty_cwd):  # noqa: F811
    """`simnorm run` reads the file again, and refuses it where its numbers have changed."""
    call("sweep", "--data", wine, "--columns", "hue", "--batch-sizes", "8", "-o", "a")
    assert call("run", "a/design.toml", "-o", "b").exit_code == 0
    assert (empty_cwd / "a/results.csv").read_bytes() == (empty_cwd / "b/results.csv").read_bytes()
    text = (empty_cwd / wine).read_text()
    (empty_cwd / wine).write_text(text.replace("1.04", "1.05", 1))
    result = call("run", "a/design.toml", "-o", "c")
    assert result.exit_code == 2
    assert "the data are not those that the design was made with" in result.stderr
    assert not (empty_cwd / "c").exists()


def test_the_plan_names_columns_and_rows(wine):
    """--dry-run draws nothing and writes nothing."""
    result = call("sweep", "--data", wine, "--dry-run")
    assert "wine.csv" in result.stdout
    assert "alcohol, malic_acid" in result.stdout
    assert "178" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_constant_columns_are_named():
    """They are valid; the line says which they are."""
    data = np.column_stack([np.arange(20.0), np.full(20, 0.1), np.arange(20) ** 2.0])
    np.save("x.npy", data)
    result = call("sweep", "--data", "x.npy", "--batch-sizes", "4")
    assert result.exit_code == 0
    assert "Constant: x2." in result.stdout


BAD = {
    "ragged.csv": ("a,b\n1,2\n3,4,5\n", "line 3"),
    "short.csv": ("a,b\n1,2\n3\n", "line 3"),
    "twice.csv": ("a,a\n1,2\n", "same name"),
    "text.csv": ("a,b\n1,2\n3,four\n", "'four'"),
    "comma.csv": ('a,b\n"1,5",2\n"2,5",3\n', "decimal"),
    "semicolon.csv": ("a;b\n1,5;2\n", "--sep"),
    "gap.csv": ("a,b\n1,2\n,4\n5,6\n", "--na drop"),
    "infinite.csv": ("a\n1\n1e400\n", "1e400"),
    "empty.csv": ("", "empty"),
    "header.csv": ("a,b\n", "no rows"),
    "one.csv": ("a\n1\n", "1 row"),
    "words.csv": ("a,b\nx,y\nu,v\n", "no numeric column"),
    "numbers.csv": ("1,2\n3,4\n", "first line holds numbers"),
    "latin.csv": ("a\n1\n2\né\n".encode("latin-1"), "UTF-8"),
    "utf16.csv": ("a\n1\n2\n".encode("utf-16"), "UTF-16"),
    "zero.csv": (b"a\n1\n\x00\n", "zero byte"),
    "x.xlsx": ("a\n1\n2\n", "files that can be read end in"),
    "bad.csv.gz": ("a\n1\n2\n", "gzip"),
}


@pytest.mark.parametrize("name", BAD)
def test_every_faulty_file_has_its_one_line(name, empty_cwd):  # noqa: F811
    """Exit code 2, one line on stderr that names the file, nothing written."""
    content, said = BAD[name]
    data = content if isinstance(content, bytes) else content.encode()
    (empty_cwd / name).write_bytes(data)
    result = call("sweep", "--data", name)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("simnorm: --data: got ")
    assert name in line
    assert said in line
    assert files(empty_cwd) == [name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "missing.csv"], "there is no such file"),
        (["--data", "."], "folder"),
        (["--data", "wine.csv", "--columns", "hues"], "Did you mean 'hue'?"),
        (["--data", "wine.csv", "--exclude", "hues"], "Did you mean 'hue'?"),
        (["--data", "wine.csv", "--dist", "normal"], "data are given too"),
        (["--data", "wine.csv", "--sampling", "iid"], "no independent draws"),
        (["--data", "wine.csv", "--sampling", "grouped:klass"], "no such column"),
        (["--data", "wine.csv", "--batch-sizes", "179"], "--batch-sizes"),
        (["--data", "wine.csv", "--full-size", "100"], "their number of rows, 178"),
        (["--data", "wine.csv", "--na", "fill"], "allowed are refuse and drop"),
        (["--data", "wine.csv", "--decimal", ";"], "allowed are . and ,"),
        (["--columns", "hue"], "Give data too."),
        (["--exact"], "Give data too."),
        (["--na", "drop"], "Give data too."),
        (["--sampling", "sequential"], "no order"),
    ],
)
def test_wrong_options_of_data_have_one_line(arguments, said, wine):  # noqa: ARG001
    """What came, what is allowed, what to do."""
    result = call("sweep", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert said in line
    assert result.stdout == ""


def test_dropped_rows_are_counted(empty_cwd):  # noqa: F811
    """--na drop says how many rows remain."""
    (empty_cwd / "gaps.csv").write_text("a,b\n1,2\n,4\n5,6\n7,NA\n9,1\n")
    result = call("sweep", "--data", "gaps.csv", "--na", "drop", "--batch-sizes", "2")
    assert result.exit_code == 0
    assert "2 of 5 rows dropped" in result.stderr
    assert "3 remain" in result.stderr
    assert "N = 3 rows" in result.stdout
