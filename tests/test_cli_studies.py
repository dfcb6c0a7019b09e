"""The study commands: from words to a folder, a table and a PDF; what they refuse; run again."""

# ruff: noqa: F811  # a fixture is imported and asked for by its name

from __future__ import annotations

import json

import numpy as np
import pytest
from test_cli import call, empty_cwd, files  # noqa: F401  # one is a fixture

import simnorm as sn
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.options import STUDIES

SMALL = {
    "inputs": ["--dist", "normal,exponential", "--batch-sizes", "1,2,8", "--full-size", "64"],
    "running": ["--dist", "normal", "--batch-sizes", "2,8", "--full-size", "64", "--steps", "20"],
}
STUDY_WORDS = sorted(SMALL)


@pytest.fixture
def csv(empty_cwd):  # noqa: ARG001
    """Return a file of two columns and some rows, in an empty folder."""
    rng = np.random.Generator(np.random.PCG64DXSM(3))
    rows = np.column_stack([rng.standard_normal(40), rng.standard_exponential(40)])
    np.savetxt("data.csv", rows, delimiter=",", header="a,b", comments="")
    return "data.csv"


def small(word, *more):
    """Run a small study in the current folder."""
    return call("study", word, *SMALL[word], "--replications", "64", "-o", "run", *more)


@pytest.mark.parametrize("word", STUDY_WORDS)
def test_a_study_leaves_a_folder_a_table_and_a_pdf(word, empty_cwd):
    """The folder has what a sweep's has and the report; the table fits 80 columns."""
    done = small(word)
    assert done.exit_code == 0, done.stderr
    folder = empty_cwd / "run"
    names = {"design.toml", "results.csv", "curves.csv", "provenance.json", "run.db", "report.pdf"}
    names |= {"run.lock"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "run: run" in done.stderr
    loaded = sn.load(folder)
    assert loaded.design.study == word
    assert set(loaded.frame["study"]) == {word}


@pytest.mark.parametrize("word", STUDY_WORDS)
def test_a_study_runs_again_from_its_design(word, empty_cwd):
    """`simnorm run` on the folder's design gives the same table, byte for byte."""
    small(word, "--no-report", "-q")
    done = call("run", "run/design.toml", "-o", "again", "-q")
    assert done.exit_code == 0, done.stderr
    with open("run/results.csv", "rb") as one, open("again/results.csv", "rb") as two:
        assert one.read() == two.read()
    assert not any(str(path).endswith(".pdf") for path in files(empty_cwd))
    done = call("report", "run", "-o", "late.pdf")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("word", STUDY_WORDS)
def test_a_study_of_a_file_answers_for_its_columns(word, csv):
    """Every column is in the results; the PDF can go elsewhere."""
    steps = ["--steps", "20"] if word == "running" else []
    done = call("study", word, "--data", csv, "--batch-sizes", "2,8", *steps, "--report", "x.pdf",
                "-o", "run", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert {row["column"] for row in document["results"]} == {"a", "b"}
    assert document["design"]["study"] == word
    with open("x.pdf", "rb") as file:
        assert file.read(5) == b"%PDF-"


@pytest.mark.parametrize("word", STUDY_WORDS)
def test_a_plan_draws_nothing(word, empty_cwd):
    """--dry-run says cells, draws, time and memory, and leaves nothing behind."""
    done = small(word, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "memory" in done.stdout
    assert list(empty_cwd.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["inputs", "--epsilon", "-1"], "--epsilon: got '-1'; a finite number from 0 is needed"),
        (["inputs", "--gamma", "x"], "--gamma: got 'x'; a finite number is needed"),
        (["inputs", "--epsilon", ""], "--epsilon: got ''; at least one value is needed"),
        (["running", "--preset", "kers3"], "Did you mean 'keras3'?"),
        (["running", "--preset", "keras3(momentum=1.5)"], "momentum is a number from 0 to 1"),
        (["running", "--preset", "keras3(momentm=0.5)"], "Did you mean 'momentum'?"),
        (["running", "--preset", "precise(momentum=0.5)"], "weighs all batches alike"),
        (["running", "--preset", "pytorch(ddof=2)"], "ddof is 0 or 1"),
        (["running", "--steps", "0"], "--steps: got '0'"),
        (["running", "--drift", "nan"], "--drift: got 'nan'"),
        (["inputs", "--batch-sizes", "99999"], "a batch cannot be larger than the full set"),
        (["inputs", "--report", "x.txt"], "a report is PDF or Markdown"),
        (["inputs", "--data", "missing.csv"], "missing.csv"),
    ],
)
def test_bad_words_are_refused_in_one_line(words, said, empty_cwd):
    """The option, what came, what is allowed; exit code 2 and nothing left behind."""
    done = call("study", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(empty_cwd.iterdir()) == []


def test_a_folder_of_another_study_is_refused(empty_cwd):  # noqa: ARG001
    """Two studies never share a folder, nor do two numbers of steps."""
    small("running", "-q", "--no-report")
    done = call("sweep", "-o", "run")
    assert done.exit_code == 2
    assert "study running there, sweep here" in done.stderr
    done = call("study", "running", *SMALL["running"][:-1], "30", "-o", "run",
                "--replications", "64")  # fmt: skip
    assert done.exit_code == 2
    assert "steps 20 there, 30 here" in done.stderr


@pytest.mark.parametrize("word", STUDY_WORDS)
def test_settings_are_those_of_the_study(word):
    """A setting of another study, or estimators, are refused; a design holds its own only."""
    others = {name for study in STUDIES.values() for name in study.settings}
    others -= set(STUDIES[word].settings)
    for name in others:
        with pytest.raises(SimnormError, match=f"^{name}: got"):
            Design.make("normal", study=word, **{name: "1"})
    with pytest.raises(SimnormError, match="quantities of its own"):
        Design.make("normal", study=word, estimators="mean")
    design = Design.make("normal", study=word)
    assert Design.from_toml(design.to_toml()) == design
    assert set(STUDIES[word].settings) <= set(design.to_dict())
    assert not others & set(design.to_dict())
    assert "estimators" not in design.to_dict()


def test_tables_and_plots_of_a_study():
    """What varies in a study is a level of the rows; one quantity can be drawn."""
    result = sn.study("inputs", "normal", batch_sizes=[2, 4], full_size=16, replications=64)
    wide = result.table("rmse")
    assert list(wide.index.names) == ["distribution", "batch_size", "epsilon", "gamma", "beta"]
    assert "normalized_value" in wide.columns
    assert wide["normalized_value"].notna().any()
    assert "output_skewness" in result.table("mean").columns
    assert result.plot("rmse", estimator="normalized_value").figure is not None
    assert "<table" in result._repr_html_()
    with pytest.raises(SimnormError, match="the run holds"):
        result.plot("rmse", estimator="mean")
    with pytest.raises(SimnormError, match="measure: got 'bias'"):
        result.table("bias")
