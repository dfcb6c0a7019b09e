"""Check of trials: honest runs pass, doctored ones fail by the right check; what cannot be said."""

from __future__ import annotations

import shutil

import doctored
import numpy as np
import pandas as pd
import pytest
from doctored import edit_text, read_csv, row_of, write_csv

import simnorm as sn
from simnorm import studies
from simnorm.checking import compared
from simnorm.checking.environment import present
from simnorm.checking.folder import Folder
from simnorm.checking.identities import equations_of

SMALL = {"models": "knn", "batch_sizes": [8], "folds": 3, "replications": 3, "seed": 5}
CHECKS = ["files", "completeness", "uniqueness", "replayed", "rebuilt", "identities", "theory"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run of cross-validations, which nobody may change."""
    folder = tmp_path_factory.mktemp("made") / "run"
    sn.study("scaling", datasets="wine,breast_cancer", **SMALL, out=folder)
    return folder


@pytest.fixture
def run(made, tmp_path):
    """The same, which may be doctored."""
    return shutil.copytree(made, tmp_path / "run")


def failed(folder, **options):
    """Return the checks that did not pass, with their status."""
    return {f.name: f.status for f in sn.check(folder, **options).findings if not f.passed}


def finding(folder, name):
    return next(f for f in sn.check(folder).findings if f.name == name)


def test_an_honest_run_passes(made):
    """All replications are drawn again, bit for bit, and the equations are asked."""
    found = sn.check(made)
    assert [f.name for f in found.findings] == CHECKS
    assert found.passed
    line = {f.name: f.line for f in found.findings}
    assert "6 of 6 nodes drawn again, compared bit for bit" in line["replayed"]
    assert "byte for byte" in line["rebuilt"]
    assert "nothing to compare" in line["theory"]


def test_a_run_of_a_file_passes(tmp_path):
    """With classes that are text; other numbers in the file are noticed."""
    rng = np.random.default_rng(4)
    rows = [f"{x:.4f},{y:.4f},{'ab'[i % 2]}" for i, (x, y) in enumerate(rng.normal(size=(40, 2)))]
    path = tmp_path / "file.csv"
    path.write_text("\n".join(["x,y,kind", *rows, ""]), encoding="utf-8")
    sn.study("scaling", data=path, target="kind", **SMALL, out=tmp_path / "run")
    assert failed(tmp_path / "run") == {}
    # One label more: the rows are the same, their classes are not.
    path.write_text(path.read_text("utf-8").replace(",b\n", ",c\n", 1), encoding="utf-8")
    assert "replayed" in failed(tmp_path / "run")
    assert failed(tmp_path / "run")["replayed"] == "not possible"


def test_a_run_that_time_has_cut_short_is_complete_as_far_as_it_goes(tmp_path):
    """Every source has its first replication, and the check says that there could be more."""
    given = SMALL | {"replications": 500}
    result = sn.study("scaling", datasets="wine", **given, time_limit=0.01, out=tmp_path / "run")
    assert result.is_partial
    assert failed(tmp_path / "run") == {}
    assert "time limit" in finding(tmp_path / "run", "completeness").note


def test_one_replication_is_enough(tmp_path):
    """Its rows have no error bar, and that is no fault."""
    sn.study("scaling", datasets="wine", **(SMALL | {"replications": 1}), out=tmp_path / "run")
    assert failed(tmp_path / "run") == {}


# What somebody may do


def edited_estimate(folder, _):
    """One accuracy is a point better."""
    rows = read_csv(folder)
    row = row_of(rows, estimator="accuracy", factors="model=knn;scaler=batch")
    row["estimate"] = repr(float(row["estimate"]) + 0.01)
    write_csv(folder, rows)


def narrow_interval(folder, _):
    """An interval of independent folds, from its middle on half as wide."""
    rows = read_csv(folder)
    row = row_of(rows, status="ok")
    middle = float(row["estimate"])
    row["ci_low"] = repr(middle - (middle - float(row["ci_low"])) / 2.0)
    write_csv(folder, rows)


def better_status(folder, _):
    """What is not ok says that it is."""
    rows = read_csv(folder)
    for row in rows:
        row["status"], row["reason"] = "ok", ""
    rows[0]["status"] = "exact"
    write_csv(folder, rows)


def wrong_rows(folder, _):
    """More rows of data than there are."""
    write_csv(folder, [row | {"full_size": "2000"} for row in read_csv(folder)])


def wrong_source(folder, _):
    """Bundled data are called a file's."""
    write_csv(folder, [row | {"source": "file"} for row in read_csv(folder)])


def deleted_rows(folder, _):
    """The rows of one data set are gone."""
    write_csv(folder, [row for row in read_csv(folder) if row["distribution"] != "wine"])


def foreign_row(folder, _):
    """A row of a model that the design does not have."""
    rows = read_csv(folder)
    write_csv(folder, [*rows, rows[0] | {"factors": "model=mlp;scaler=none"}])


def wrong_seed_everywhere(folder, _):
    """Another seed in the design, in run.db and in every row."""
    doctored.wrong_seed_everywhere(folder, _)


def edited_replication(folder, _):
    """The accuracies of one repeat are better, its checksum right, and all tables made of it."""

    def change(node):
        kept = node.kept.copy()
        better = np.minimum(kept[0] + 0.01, 1.0)
        kept[1] += better**2 - kept[0] ** 2
        kept[0] = better
        return node._replace(kept=kept)

    doctored.edit_stored(folder, doctored.nodes_of(folder)[1], change)
    doctored.rebuild(folder)


DOCTORED = {
    edited_estimate: {"rebuilt", "identities"},
    narrow_interval: {"rebuilt", "identities"},
    better_status: {"rebuilt"},
    wrong_rows: {"rebuilt"},
    wrong_source: {"completeness", "rebuilt"},
    deleted_rows: {"completeness", "rebuilt"},
    foreign_row: {"completeness", "rebuilt"},
    wrong_seed_everywhere: {"replayed"},
    # Differences that have grown as well are not those of the levels any more.
    edited_replication: {"replayed", "identities"},
    doctored.copied_block: {"replayed", "rebuilt"},
    doctored.copied_block_in_tables_too: {"replayed"},
    doctored.deleted_node: {"completeness"},
    doctored.wrong_checksum: {"files"},
    doctored.fewer_replications: {"completeness", "rebuilt"},
    doctored.edited_curve: {"rebuilt"},
    doctored.other_engine: {"files"},
}


@pytest.mark.parametrize("change", DOCTORED, ids=lambda change: change.__name__)
def test_a_doctored_run_fails(change, run):
    """By the checks that are there for it, at least."""
    change(run, run)
    assert DOCTORED[change] <= set(failed(run)), failed(run)


def test_training_elsewhere_is_another_path_and_no_fault(run):
    """With another processor in the provenance, numbers that differ cannot be judged; equal can."""
    edit_text(run, "provenance.json", '"processor": "', '"processor": "some other ')
    assert failed(run) == {}
    doctored.copied_block_in_tables_too(run, run)
    assert failed(run) == {"replayed": "not possible"}
    assert "another path of training (processor some other" in finding(run, "replayed").looked


def test_the_environment_of_a_trial_has_what_decides_its_bits():
    """Its packages and the processor; of a sweep neither."""
    assert {"scikit-learn", "processor"} <= set(present("scaling"))
    assert {"torch", "processor"} <= set(present("shift"))
    assert not {"scikit-learn", "torch", "processor"} & set(present())


def test_equations_of_a_trial_are_asked_of_every_difference(made):
    """Every difference from levels that are there, and every interval with a standard error."""
    frame = sn.load(made).frame
    asked = {e.name: int(e.asked.sum()) for e in equations_of(frame)}
    against = frame["against"] != ""
    assert asked["difference of the levels"] == against.sum() > 0
    assert asked["middle of the interval"] == np.isfinite(frame["mcse"]).sum() > 0


def test_intervals_of_medians_and_of_ratios_by_hand():
    """A ratio's middle is geometric; a median's standard error is its interval's half width."""
    given = {"distribution": "", "column": "", "sampling": "shuffle", "estimator": "x",
             "batch_size": 8, "reference": "", "against": "none", "variant": "bn",
             "replications": 2, "failed": 0}  # fmt: skip
    t = 12.706204736174694  # of one degree of freedom
    error = 0.25
    ratio = {"study": "shift", "measure": "ratio", "factors": "a=1", "estimate": 2.0,
             "mcse": 2.0 * error, "ci_low": 2.0 * np.exp(-t * error),
             "ci_high": 2.0 * np.exp(t * error)}  # fmt: skip
    half = error / 2.0 * (2.0 * compared.OF_NORMAL)
    median = {"study": "overhead", "measure": "median", "factors": "a=1", "estimate": 3.0,
              "mcse": error, "ci_low": 2.9, "ci_high": 2.9 + 2.0 * half}  # fmt: skip
    for right in (ratio, median):
        frame = pd.DataFrame([given | right])
        assert [f for e in equations_of(frame) for f in e.failures()] == []
        for name in ("mcse", "ci_high"):
            wrong = frame.assign(**{name: frame[name] * 1.001})
            assert [f for e in equations_of(wrong) for f in e.failures()]


# With torch


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run of trainings."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("trained") / "run"
    sn.study("shift", nets="mlp", steps=4, replications=3, out=folder)
    return folder


@pytest.mark.slow
def test_a_training_is_repeated_bit_for_bit(trained):
    """And a run with a changed number is found."""
    found = sn.check(trained)
    assert found.passed
    assert "3 of 3 nodes drawn again, compared bit for bit" in str(found.findings[3].line)


@pytest.mark.slow
def test_without_torch_trainings_cannot_be_repeated(trained, monkeypatch):
    """All else is checked; one line says what is missing and how to get it."""
    monkeypatch.setattr(studies, "find_spec", lambda _: None)
    assert failed(trained) == {"replayed": "not possible"}
    found = finding(trained, "replayed")
    assert "it needs torch, which is not installed" in found.looked
    assert "pip install torch" in found.hint


@pytest.mark.slow
def test_a_copied_training_is_found_twice(trained, tmp_path):
    """Its numbers are continuous: they come once."""
    run = shutil.copytree(trained, tmp_path / "run")
    doctored.copied_block_in_tables_too(run, run)
    assert {"uniqueness", "replayed"} <= set(failed(run))


@pytest.mark.slow
def test_timings_are_not_repeated(tmp_path):
    """The check says so and passes; what is stored is checked all the same."""
    pytest.importorskip("torch")
    given = {"widths": 8, "batch_sizes": [8], "full_size": 64, "epochs": 2}
    sn.study("overhead", **given, replications=7, out=tmp_path / "run")
    found = sn.check(tmp_path / "run")
    assert found.passed
    assert "no clock shows the same again" in found.findings[3].line
    assert found.findings[3].note == "timings are not repeated"
    rows = read_csv(tmp_path / "run")
    row = row_of(rows, measure="ratio")
    row["estimate"] = repr(1.01 * float(row["estimate"]))
    write_csv(tmp_path / "run", rows)
    assert {"rebuilt", "identities"} <= set(failed(tmp_path / "run"))


def test_stored_nodes_of_a_trial_are_single_replications(made):
    """One node each, in the order of the repeats."""
    nodes = Folder(made).nodes
    counts = [[node.tally.count for _, node in part] for part in nodes.values()]
    assert counts == [[1, 1, 1], [1, 1, 1]]
