"""The commands of trials: from words to a folder, a table and a PDF; what they say and refuse."""

# ruff: noqa: F811  # a fixture is imported and asked for by its name

from __future__ import annotations

import json

import numpy as np
import pytest
from test_cli import call, empty_cwd, files  # noqa: F401  # one is a fixture

import simnorm as sn
from simnorm import studies
from simnorm.cli import plan, progress, trial_words
from simnorm.engine import Progress
from simnorm.errors import SimnormError
from simnorm.options import DATASETS, MODELS, NETS, SCALERS, STUDIES, VARIANTS

TRIALS = [word for word, study in STUDIES.items() if study.is_trial]
SCALING = ["--datasets", "wine", "--models", "knn", "--batch-sizes", "8", "--folds", "3"]
SMALL = {
    "scaling": [*SCALING, "--replications", "2"],
    "shift": ["--nets", "mlp", "--steps", "4", "--replications", "2"],
    "overhead": ["--widths", "8", "--batch-sizes", "8", "--full-size", "64", "--replications", "7"],
}
# Trials that train or take times need torch, and seconds.
EVERY = [
    pytest.param(word, marks=[pytest.mark.slow] if STUDIES[word].extra else []) for word in TRIALS
]


def small(word, *more):
    """Run a small trial in the current folder."""
    if STUDIES[word].extra:
        pytest.importorskip(STUDIES[word].extra)
    return call("study", word, *SMALL[word], "-o", "run", *more)


@pytest.fixture
def labelled(empty_cwd):  # noqa: ARG001
    """Return a file of two columns of numbers and one of classes, which are words."""
    rng = np.random.default_rng(6)
    rows = [f"{x:.3f},{y:.3f},{'ab'[i % 2]}" for i, (x, y) in enumerate(rng.normal(size=(60, 2)))]
    with open("file.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(["x,y,kind", *rows, ""]))
    return "file.csv"


@pytest.mark.parametrize("word", EVERY)
def test_a_trial_leaves_a_folder_a_table_and_a_pdf(word, empty_cwd):
    """The folder has what all have; the table fits 80 columns; a result shows itself."""
    done = small(word, "-v")
    assert done.exit_code == 0, done.stderr
    names = {"design.toml", "results.csv", "curves.csv", "provenance.json", "run.db", "report.pdf"}
    assert {path.name for path in (empty_cwd / "run").iterdir()} == names | {"run.lock"}
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "draws" not in done.stderr
    assert f", numpy {np.__version__}" in done.stderr
    result = sn.load("run")
    assert set(result.frame["study"]) == {word}
    assert f"<simnorm {word}:" in repr(result)
    assert "N = 0" not in repr(result)
    assert "R = 0" not in repr(result)
    card = result._repr_html_()
    assert "±" in card
    assert "N = 0" not in card
    assert "result.report()" in card
    assert sn.check("run").passed


@pytest.mark.parametrize("word", EVERY)
def test_a_trial_goes_through_all_doors(word, empty_cwd):  # noqa: ARG001
    """Its design runs again, with the same bytes unless it takes times; Markdown, figures, JSON."""
    small(word, "--no-report", "-q")
    done = call("run", "run/design.toml", "-o", "again", "--json", "-q")
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)["results"]) == len(sn.load("run").frame)
    with open("run/results.csv", "rb") as one, open("again/results.csv", "rb") as two:
        assert (one.read() == two.read()) == (word != "overhead")
    assert call("report", "run", "-o", "late.md").exit_code == 0
    listed = call("plot", "run").stdout.splitlines()
    kinds = [line.split()[0] for line in listed if line[:1].strip()]
    assert kinds
    for kind in kinds:
        assert call("plot", "run", "--kind", kind, "-o", f"{kind}.png").exit_code == 0
    done = call("plot", "run", "--kind", "rmse")
    assert done.exit_code == 2
    assert f"allowed are {', '.join(kinds)}." in done.stderr


def test_tables_of_a_trial(empty_cwd):  # noqa: ARG001
    """The first measure unless told; a level for every factor; nothing to replay."""
    small("scaling", "--no-report", "-q")
    result = sn.load("run")
    wide = result.table()
    assert list(wide.index.names) == ["distribution", "batch_size", "model", "scaler", "against"]
    assert wide.equals(result.table("mean"))
    assert float(wide.loc[("wine", 8, "knn", "batch", ""), "accuracy"]) > 0.5
    with pytest.raises(SimnormError, match=r"allowed are mean\."):
        result.table("rmse")
    with pytest.raises(SimnormError, match="estimates are those of a sweep"):
        result.replay("mean", 8, 0)
    assert result.plot().get_xlabel() == "accuracy"
    with pytest.raises(SimnormError, match=r"batch_size: got 5; the run holds 8\."):
        result.figure("accuracy", batch_size=5)


def test_classes_of_a_file_may_be_words(labelled):
    """They are no feature; the note calls them what they are; the file is named everywhere."""
    given = ["--data", labelled, "--target", "kind", "--models", "knn", "--batch-sizes", "4"]
    done = call("study", "scaling", *given, "--replications", "2", "-o", "run")
    assert done.exit_code == 0, done.stderr
    assert "note: columns not measured: kind (it holds the classes)" in done.stderr
    result = sn.load("run")
    assert result.design.columns == ("x", "y")
    assert "file.csv" in repr(result)
    assert "file.csv" in result._repr_html_()
    assert set(result.frame["source"]) == {"file"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--target", "kinds"], "--target: got 'kinds'; the data have no such column"),
        ([], "--target: got 'nothing'; the study scaling needs the column that holds"),
        (["--target", "kind", "--columns", "z"], "--columns: got 'z'; the data have no such"),
        (["--target", "kind", "--datasets", "wine"], "--datasets: got ['wine']; data are given"),
        (["--target", "x"], "--folds: got 5; a class of 'x' has only 1 row"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(given, said, labelled):
    """In words of what was asked for."""
    done = call("study", "scaling", "--data", labelled, *given, "-q")
    assert done.exit_code == 2
    assert f"simnorm: {said}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("word", "given", "said"),
    [
        ("scaling", ["--target", "x"], "--target: got 'x'; it names the column"),
        ("scaling", ["--datasets", "wins"], "Did you mean 'wine'?"),
        ("scaling", ["--columns", "a"], "--columns: got ['a']; it says how data are read"),
        ("scaling", ["--models", "svm"], "--models: got 'svm'; allowed are knn, mlp."),
        ("scaling", ["--folds", "1"], "--folds: got '1'; allowed is a whole number from 2 to 50."),
        ("scaling", ["--replications", "1025"], "a whole number from 1 to 1,024."),
        ("scaling", ["--batch-sizes", "1e9"], "--batch-sizes: got '1e9'"),
        ("shift", ["--nets", "cnn"], "--nets: got 'cnn'; allowed are mlp, linear."),
        ("shift", ["--steps", "0"], "--steps: got '0'"),
        ("overhead", ["--widths", "0"], "--widths: got '0'"),
        ("overhead", ["--full-size", "x"], "--full-size: got 'x'"),
        ("overhead", ["--no-report", "--paper", "a4"], "--no-report says to write none"),
    ],
)
def test_wrong_words_are_refused_in_one_line(word, given, said, empty_cwd):
    """Before anything is run or written."""
    done = call("study", word, *given)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert files(empty_cwd) == []


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize("word", ["shift", "overhead"])
def test_without_torch_one_line_says_how_to_get_it(word, more, empty_cwd, monkeypatch):
    """And nothing is written."""
    monkeypatch.setattr(studies, "find_spec", lambda _: None)
    done = call("study", word, *more)
    assert done.exit_code == 2
    assert done.stderr == (
        f"simnorm: study: got '{word}'; it needs torch, which is not installed. "
        "Get it: pip install torch; in a checkout scripts/quickstart --with-torch.\n"
    )
    assert files(empty_cwd) == []


def test_a_dry_run_tells_time_and_repeats_and_writes_nothing(empty_cwd):
    """No draws, no N of its own, nothing of sampling."""
    done = call("study", "scaling", *SCALING, "--replications", "4", "--dry-run", "--workers", "2")
    assert done.exit_code == 0, done.stderr
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    assert lines["replications R"].split() == ["4", "repeats", "of", "the", "cross-validation"]
    assert lines["datasets"].strip() == "wine"
    assert lines["time"].strip().startswith("about ")
    assert not {"draws", "sampling", "full size N", "target"} & set(lines)
    document = json.loads(call("study", "scaling", *SCALING, "--dry-run", "--json").stdout)
    assert "draws" not in document
    assert document["seconds"] > 0
    assert files(empty_cwd) == []


def test_the_time_of_a_trial_is_that_of_one_replication(monkeypatch):
    """Of each source, times R, shared by as many workers as there are tasks."""
    design = sn.design.Design.make(study="scaling", datasets="wine,digits", replications=3)
    calls = []
    ticks = iter([0.0, 10.0])
    monkeypatch.setattr(plan, "compute", lambda design, task: calls.append((design, task.source)))
    monkeypatch.setattr(plan.time, "perf_counter", lambda: next(ticks))
    assert plan.foretold_seconds(design, 100) == pytest.approx(10.0 * 3 / 6)
    # The first, for what is loaded when it is first used, is as small as can be.
    assert [source for _, source in calls] == [0, 0, 1]
    assert (calls[0][0].models, calls[0][0].scalers) == (("knn",), ("none",))


def test_a_run_that_time_cuts_short_says_so(empty_cwd):  # noqa: ARG001
    """Every data set has one repeat; exit code 3, and how much time would do."""
    given = ["--datasets", "wine", "--replications", "900", "--time-limit", "0.01", "--no-report"]
    done = call("study", "scaling", *given, "-o", "run")
    assert done.exit_code == 3
    assert "This run is partial: the time limit of 0.0 s was over after" in " ".join(
        done.stderr.split()
    )
    assert "of the 900 replications asked for" in " ".join(done.stderr.split())
    assert "would do: --time-limit" in " ".join(done.stderr.split())
    assert sn.load("run").is_partial


@pytest.mark.parametrize(("word", "doing"), progress.DOING.items())
def test_the_bar_of_a_trial_has_no_rate_of_draws(word, doing):
    """What is done, how far it is, and the time left; then tables."""
    state = progress.state_of(Progress(25, 100), 10.0, 25, word)
    assert state == (doing, 25, 100, "30 s left")
    assert progress.state_of(Progress(0, 100), 0.0, 0, word).rate == ""
    assert progress.state_of(Progress(100, 100), 10.0, 100, word)[::3] == ("tables", "")


def test_the_bar_of_draws_is_as_it_was():
    """A rate of draws; with a target, cells."""
    state = progress.state_of(Progress(10**7, 3 * 10**7), 1.0, 10**7)
    assert state == ("drawing", 10**7, 3 * 10**7, "10 M draws/s, 2.0 s left")
    state = progress.state_of(Progress(10**7, 3 * 10**7, 2, 5), 1.0, 10**7)
    assert state == ("3 of 5 cells precise", 3, 5, "10 M draws/s")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("scaling", [*DATASETS, *MODELS, *SCALERS]),
        ("shift", [*DATASETS, *NETS, *VARIANTS]),
        ("overhead", []),
    ],
)
def test_help_names_all_words_and_defaults(word, words):
    """And what is a replication there."""
    text = " ".join(call("study", word, "--help").stdout.split())
    for one in words:
        assert one in text
    study = STUDIES[word]
    assert f"[default: {study.batch_sizes}]" in text
    assert f"at most 1,024 [default: {study.replications}]" in text
    for name, value in study.settings.items():
        if isinstance(value, int):
            assert f"--{name}" in text
            assert f"[default: {value}]" in text


def test_words_of_trials_are_listed():
    """`simnorm list` has every data set, model, scaler, net and variant, and no other."""
    text = call("list", "studies").stdout
    for word in (*DATASETS, *MODELS, *SCALERS, *NETS, *VARIANTS):
        assert f"  {word} " in text
    held = (trial_words.DATASETS, trial_words.MODELS, trial_words.SCALERS, trial_words.NETS)
    assert [tuple(words) for words in held] == [DATASETS, MODELS, SCALERS, NETS]
    assert tuple(trial_words.VARIANTS) == VARIANTS
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text in call("list").stdout


def test_usual_batch_sizes_are_cut_at_what_is_trained_on(labelled):
    """Of 60 rows 48 are, in five parts; a size that is written out is refused beyond N."""
    given = ["--data", labelled, "--target", "kind", "--dry-run"]
    done = call("study", "scaling", *given)
    assert done.exit_code == 0, done.stderr
    assert "note: batch sizes without 128: 48 rows are trained on" in done.stderr
    assert "batch sizes:    2, 8, 32 (3)" in done.stdout
    assert call("study", "scaling", *given, "--batch-sizes", "64").exit_code == 2
