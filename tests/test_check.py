"""Check: honest runs pass, doctored ones fail by the right check, and nothing is written."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import re
import shutil
import sqlite3

import numpy as np
import pytest
from doctored import (
    DOCTORED,
    database,
    edit_node,
    edit_text,
    nodes_of,
    read_csv,
    rebuild,
    row_of,
    write_csv,
)
from typer.testing import CliRunner

import simnorm as sn
from simnorm import engine, resampling, schedule, streams, tasks
from simnorm.checking import replayed
from simnorm.checking.finding import Failure, Finding
from simnorm.checking.fingerprints import Stream, fingerprint, streams_of
from simnorm.checking.folder import Folder
from simnorm.checking.identities import Equation, equations_of
from simnorm.cli import app
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.questions import questions_of
from simnorm.studies import drawing, single_errors, sweep
from simnorm.studies import inputs as inputs_study
from simnorm.studies.running import batches as running_batches

CHECKS = ["files", "completeness", "uniqueness", "replayed", "rebuilt", "identities", "theory"]
MOMENTS = ["mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"]
SMALL = {"batch_sizes": [2, 4, 8], "full_size": 64, "replications": 16 * 5 + 3, "seed": 5}


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Make blocks of 16 replications, in tasks of two, so that small runs have several of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_DRAWS", 1)
        patch.setattr(schedule, "task_level", lambda *_: 1)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_blocks):  # noqa: ARG001
    """Two finished runs that differ by their seed, which nobody may change."""
    place = tmp_path_factory.mktemp("made")
    for seed in (5, 7):
        wanted = SMALL | {"seed": seed}
        sn.sweep(["normal", "t(df=5)"], estimators=MOMENTS, **wanted, out=place / str(seed))
    return place


@pytest.fixture
def run(made, tmp_path):
    """A finished run that may be doctored."""
    return shutil.copytree(made / "5", tmp_path / "run")


def wide_data():
    rng = np.random.default_rng(8)
    return {
        "a": rng.normal(size=60),
        "b": rng.exponential(size=60) ** 2,
        "g": np.repeat(np.arange(12), 5),
    }


def spread(sample, axis=-1):
    return np.ptp(sample, axis=axis)


def fails_at_times(sample, axis=-1):
    value = sample.mean(axis=axis)
    return np.where(value > 1.0, np.nan, value)


# Finished runs pass


LAWS = {
    "default": {"full_size": 64},
    "moments": {"distributions": ["normal", "exponential"], "estimators": MOMENTS} | SMALL,
    "orders": {"distributions": ["normal", "poisson"], "estimators": ["median", "range"]} | SMALL,
    "one replication": {"distributions": "normal", "full_size": 64, "replications": 1},
    "few": {"distributions": ["laplace", "bernoulli(p=0.1)"], "replications": 30,
            "full_size": 64, "batch_sizes": [2, 32, 60], "seed": 50045},
    "one batch": {"distributions": "normal", "batch_sizes": [64], "full_size": 64},
    "replacement": {"distributions": "normal", "sampling": ["replacement", "shuffle"]} | SMALL,
    "iid": {"distributions": ["normal", "bernoulli"], "sampling": "iid"} | SMALL,
    "constants": {"distributions": "bernoulli", "full_size": 1, "batch_sizes": [1]},
    "heavy": {"distributions": ["cauchy", "lognormal(s=2)"], "estimators": [*MOMENTS, "mad"]}
    | SMALL,
    "target": {"distributions": ["normal", "t(df=5)"], "target_mcse": "5%", "batch_sizes": [2, 32],
               "full_size": 64, "seed": 1},
    "time": {"distributions": ["normal", "t(df=5)"], "time_limit": 0.05, "full_size": 4096,
             "replications": 10**6, "batch_sizes": [2, 32]},
}  # fmt: skip


SLOW_LAWS = ("target", "time", "heavy", "orders", "iid")


def marked(values, slow):
    """Return parameters, the slow ones marked."""
    return [pytest.param(one, marks=pytest.mark.slow) if one in slow else one for one in values]


@pytest.mark.parametrize("name", marked(LAWS, SLOW_LAWS))
def test_runs_of_laws_pass(name, tmp_path):
    """Every check of a finished run is made and passes, whatever was asked."""
    sn.sweep(out=tmp_path / "run", **LAWS[name])
    found = sn.check(tmp_path / "run")
    assert found.passed, told(found)
    assert [finding.name for finding in found.findings] == CHECKS


def told(found):
    return [(one.name, one.looked, [f.words for f in one.failures[:5]])
            for one in found.findings if not one.passed]  # fmt: skip


@pytest.mark.parametrize("study", ["inputs", "running"])
@pytest.mark.parametrize(
    "sampling", marked(["shuffle", "replacement", "iid"], ["replacement", "iid"])
)
def test_runs_of_studies_pass(study, sampling, tmp_path):
    """So do the other studies, under every sampling."""
    more = {"steps": 20, "drift": [0, 0.01]} if study == "running" else {}
    wanted = SMALL | {"batch_sizes": [1, 2, 16], "sampling": sampling} | more
    sn.study(study, ["normal", "exponential"], **wanted, out=tmp_path / "run")
    found = sn.check(tmp_path / "run")
    assert found.passed, told(found)


@pytest.mark.parametrize("study", marked(["sweep", "inputs", "running"], ["inputs", "running"]))
def test_runs_of_data_pass(study, tmp_path):
    """So do runs on a file, under every sampling; and without the file if it is given again."""
    path = tmp_path / "data.csv"
    lines = zip(*wide_data().values(), strict=True)
    write_csv(tmp_path, [dict(zip("abg", line, strict=True)) for line in lines], "data.csv")
    more = {"steps": 20} if study == "running" else {}
    more = {"estimators": [*MOMENTS, "median"]} if study == "sweep" else more
    wanted = {"columns": ["a", "b"], "batch_sizes": [2, 7, 20], "replications": 40}
    schemes = ["shuffle", "replacement", "sequential", "grouped:g"]
    sn.study(study, data=path, sampling=schemes, **wanted, **more, out=tmp_path / "run")
    found = sn.check(tmp_path / "run")
    assert found.passed, told(found)
    path.rename(tmp_path / "moved.csv")
    lacking = sn.check(tmp_path / "run")
    assert lacking.failed == ("completeness", "uniqueness", "replayed", "rebuilt")
    assert {lacking[name].status for name in lacking.failed} == {"not possible"}
    assert "--data FILE" in lacking["replayed"].hint
    assert sn.check(tmp_path / "run", data=tmp_path / "moved.csv").passed
    edit_text(tmp_path, "moved.csv", "0.", "1.")
    other = sn.check(tmp_path / "run", data=tmp_path / "moved.csv")
    assert "data" in other["replayed"].looked
    assert not other.passed


def test_data_that_are_in_no_file_must_be_given(tmp_path):
    """An array is asked for by name, and with it the run passes."""
    data = wide_data()
    sn.sweep(data=data, columns="b", batch_sizes=[4], replications=40, out=tmp_path / "run")
    lacking = sn.check(tmp_path / "run")
    assert "a dict of arrays" in lacking["rebuilt"].looked
    assert "data=..." in lacking["rebuilt"].hint
    assert sn.check(tmp_path / "run", data=data).passed


def test_functions_must_be_given(tmp_path):
    """A run with functions of the user passes with them, fails without and with another one."""
    run = tmp_path / "run"
    wanted = ["mean", spread, fails_at_times]
    sn.sweep(["normal", "exponential"], estimators=wanted, **SMALL, out=run)
    assert {row["status"] for row in read_csv(run)} >= {"ok", "failed"}
    found = sn.check(run, functions=[spread, fails_at_times])
    assert found.passed, told(found)
    lacking = sn.check(run)
    assert lacking["replayed"].status == "not possible"
    assert "user.spread" in lacking["replayed"].looked
    assert "functions=" in lacking["replayed"].hint
    others = {"spread": np.median, "fails_at_times": fails_at_times}
    assert "replayed" in sn.check(run, functions=others).failed


# Doctored runs fail

# Other checks than these see to it every day that such a run fails.
RARE = [
    doctor for doctor in DOCTORED
    if doctor.__name__ in (
        "stale_rows_with_their_seed", "wrong_size_everywhere", "wrong_seed_everywhere",
        "copied_block_in_tables_too", "deleted_node", "fewer_replications", "other_labels",
        "doubled_row", "foreign_row", "other_schema", "no_number", "lost_table", "no_database",
        "other_engine", "other_text",
    )
]  # fmt: skip


@pytest.mark.parametrize("doctor", marked(DOCTORED, RARE), ids=lambda doctor: doctor.__name__)
def test_doctored_runs_fail(doctor, run, made):
    """Every doctored run fails the check that is named for it."""
    doctor(run, made / "7")
    found = sn.check(run)
    assert DOCTORED[doctor] in found.failed, found
    assert found[DOCTORED[doctor]].status != "passed"


def test_the_run_passes_before_it_is_doctored(run):
    """It is the doctors' work that is found."""
    assert sn.check(run).passed


@pytest.mark.parametrize("name", ["design.toml", "run.db", "results.csv", "curves.csv"])
def test_a_missing_file_is_found(name, run):
    """A run without one of its files fails the check of files, which names it."""
    (run / name).unlink()
    found = sn.check(run)
    assert "files" in found.failed
    assert any(failure.where == name for failure in found["files"].failures)


def test_the_table_of_columns_belongs_to_a_run_on_data(tmp_path):
    """It is missed, and what is changed in it is found."""
    run, data = tmp_path / "run", wide_data()
    sn.sweep(data=data, columns=["a", "b"], batch_sizes=[4], replications=40, out=run)
    rows = read_csv(run, "columns.csv")
    rows[0]["mean"] = "0.5"
    write_csv(run, rows, "columns.csv")
    (failure,) = sn.check(run, data=data)["rebuilt"].failures
    assert failure.where == "columns.csv, a, mean"
    (run / "columns.csv").unlink()
    assert "files" in sn.check(run, data=data).failed


def test_failures_name_row_and_values(run):
    """What is told of an edited number is its row, what is there and what should be."""
    rows = read_csv(run)
    row = row_of(rows, distribution="normal", estimator="mean", batch_size="4", measure="variance",
                 reference="full_set")  # fmt: skip
    before, row["estimate"] = row["estimate"], "0.5"
    write_csv(run, rows)
    (failure,) = sn.check(run)["rebuilt"].failures
    where = "results.csv, normal shuffle mean n=4 full_set variance, estimate"
    assert failure == Failure(where, "0.5", before)


def test_the_row_of_an_edited_digit_is_named(run):
    """In the same environment no digit may differ, and the row is told."""
    doctors = {doctor.__name__: doctor for doctor in DOCTORED}
    doctors["edited_estimate"](run, None)
    (failure,) = sn.check(run)["rebuilt"].failures
    assert re.fullmatch(
        r"results\.csv, normal shuffle std\(ddof=1\) n=\d+ \w+ bias, estimate", failure.where
    )


def test_blocks_that_leave_a_gap_are_named(run):
    """A node that is missing is told by its first block."""
    doctors = {doctor.__name__: doctor for doctor in DOCTORED}
    doctors["deleted_node"](run, None)
    told = [failure.words for failure in sn.check(run)["completeness"].failures]
    assert any("block 2: got a gap, expected every block once" in words for words in told), told


@pytest.mark.slow
def test_any_edit_of_the_results_is_found(made, tmp_path):
    """Whatever field of whatever row is changed, check fails: 20 fields that chance chooses."""
    rng = np.random.default_rng(4)
    run = shutil.copytree(made / "5", tmp_path / "run")
    rows = read_csv(run)
    for _ in range(20):
        place, name = rng.integers(len(rows)), rng.choice(list(rows[0]))
        old = rows[place][name]
        edited = [*rows[:place], rows[place] | {name: old + "1"}, *rows[place + 1 :]]
        write_csv(run, edited)
        assert not sn.check(run).passed, (place, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["design.toml", "run.db", "curves.csv", "provenance.json"])
def test_damaged_files_never_end_in_an_error(name, made, tmp_path):
    """Six bytes that chance chooses are changed: findings come back, and none is an accident."""
    rng = np.random.default_rng(6)
    run = shutil.copytree(made / "5", tmp_path / "run")
    content = bytearray((run / name).read_bytes())
    for place in rng.integers(len(content), size=6):
        edited = bytearray(content)
        edited[place] ^= int(rng.integers(1, 256))
        (run / name).write_bytes(edited)
        found = sn.check(run)
        assert not any("no run writes" in one.looked for one in found.findings), told(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("batch_sizes = [2, 4, 8]", "batch_sizes = [2, 4, 8, 16]"),
        ("batch_sizes = [2, 4, 8]", "batch_sizes = [2, 4]"),
        pytest.param("replications = 83", "replications = 200", marks=pytest.mark.slow),
        ("replications = 83", "replications = 40"),
        ('sampling = ["shuffle"]', 'sampling = ["iid"]'),
        pytest.param('"t(df=5)"', '"t(df=6)"', marks=pytest.mark.slow),
    ],
)
def test_any_edit_of_the_design_is_found(old, new, run):
    """A design with more, less or something else than was run, in all places that have it."""
    edit_text(run, "design.toml", old, new)
    assert "completeness" in sn.check(run).failed


@pytest.mark.parametrize(
    ("old", "new"),
    [("full_size = 64", "full_size = 32"), ("seed = 5", "seed = 6")],
)
def test_what_a_run_is_of_stands_in_its_database(old, new, run):
    """Another seed or full size in design.toml is told by the check of files."""
    edit_text(run, "design.toml", old, new)
    (failure,) = sn.check(run)["files"].failures
    key, value = new.split(" = ")
    right = old.split(" = ")[1]
    assert failure.words == f"design.toml, {key}: got {value}, expected {right} as in run.db"


def test_a_theory_that_is_wrong_everywhere_is_found(run):
    """Where all theory is a half off, so that it agrees with itself, the z are too large."""
    rows = read_csv(run)
    for row in rows:
        if row["estimator"] == "mean" and row["measure"] in ("variance", "mse") and row["z"]:
            row["theory"] = repr(3.0 * float(row["theory"]))
            row["z"] = repr((float(row["estimate"]) - float(row["theory"])) / float(row["mcse"]))
    write_csv(run, rows)
    assert "theory" in sn.check(run).failed


def test_two_sources_may_not_share_streams(run, monkeypatch):
    """If the source did not enter the streams' key, the check of uniqueness would say so."""
    words = streams.stream_words
    monkeypatch.setattr(streams, "stream_words", lambda *_: words("normal", 64, "shuffle"))
    found = sn.check(run)["uniqueness"]
    assert not found.passed
    assert "stream of" in found.failures[0].where


def test_equal_replications_are_found(tmp_path, monkeypatch):
    """An engine that repeats half of every block is found by its kept replications."""
    true = sweep.block_errors

    def repeating(*args, **options):
        mean, square = true(*args, **options)
        mean[:, 8:], square[:, 8:] = mean[:, :8], square[:, :8]
        return mean, square

    monkeypatch.setattr(sweep, "block_errors", repeating)
    wanted = SMALL | {"replications": 32}
    sn.sweep("normal", **wanted, out=tmp_path / "run")
    found = sn.check(tmp_path / "run")
    assert found["replayed"].passed
    assert len(found["uniqueness"].failures) == 16


def test_values_that_repeat_are_no_copies(tmp_path):
    """Of a discrete law replications may be equal; blocks of many such may not."""
    run = tmp_path / "run"
    wanted = {"batch_sizes": [2], "full_size": 4, "replications": 96}
    sn.sweep("bernoulli", estimators="mean", **wanted, out=run)
    assert sn.check(run).passed
    doctors = {doctor.__name__: doctor for doctor in DOCTORED}
    doctors["copied_block"](run, None)
    assert "uniqueness" in sn.check(run).failed


# What is drawn again


@pytest.mark.slow
def test_an_edit_of_any_node_is_found(made, tmp_path):
    """Sums of any node that are a millionth off are found when all are drawn again."""
    for place in range(len(nodes_of(shutil.copytree(made / "5", tmp_path / "count")))):
        run = shutil.copytree(made / "5", tmp_path / str(place))

        def change(sums):
            sums[2:4, -1] *= 1.0 + 1e-6

        edit_node(run, place, change)
        rebuild(run)
        assert "replayed" in sn.check(run, all_blocks=True).failed


def test_first_last_and_one_more_are_drawn_at_least(run):
    """Without time, three nodes of every source that has as many are drawn again."""
    folder = Folder(run)
    found = replayed.check(folder, seconds=0.0)
    assert found.looked.startswith("6 of 6 nodes")
    sn.sweep("normal", **SMALL | {"replications": 320}, out=run.parent / "long")
    folder = Folder(run.parent / "long")
    assert replayed.check(folder, seconds=0.0).looked.startswith("3 of 10 nodes")
    assert replayed.check(folder, all_blocks=True, seconds=0.0).looked.startswith("10 of 10")


def test_progress_counts_observations(run):
    """Two laws of 83 replications with 64 observations each, node by node, up to all of them."""
    seen = []
    sn.check(run, all_blocks=True, on_progress=seen.append)
    assert [progress.total for progress in seen] == [2 * 83 * 64] * 6
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == 2 * 83 * 64


def test_which_nodes_are_drawn_depends_on_the_content(run):
    """The one more is chosen by what the folder holds, and is always the same for the same."""
    long = run.parent / "long"
    sn.sweep("normal", **SMALL | {"replications": 16 * 40}, out=long)
    chosen = set()
    for digit in range(8):
        folder = Folder(long)
        folder.__dict__["digest"] = str(digit)
        first, more = replayed._chosen(folder)
        assert [pair.task for pair in first[:2]] == [tasks.Task(0, 1, 0), tasks.Task(0, 1, 19)]
        assert (len(first), len(more)) == (3, 17)
        assert first == replayed._chosen(folder)[0]
        chosen.add(first[2].task)
    # Eight choices among 18 are all the same with a probability of 18^-7, 2e-9.
    assert len(chosen) > 1
    assert Folder(long).digest == Folder(long).digest


@pytest.mark.parametrize("part", [slice(2, 4), slice(4, 7)], ids=["means", "products"])
def test_another_environment_is_held_to_a_billionth(part, run):
    """With another numpy in the provenance the last digits may differ, and no others."""
    facts = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    (run / "provenance.json").write_text(json.dumps(facts | {"numpy": "1.0"}), encoding="utf-8")

    def change(size):
        def edit(sums):
            sums[part] *= 1.0 + size

        edit_node(run, 1, edit)
        rebuild(run)

    change(1e-13)
    found = sn.check(run)
    assert found.passed, told(found)
    assert "numpy 1.0" in found["replayed"].looked
    rows = read_csv(run)
    row = row_of(rows, measure="variance", status="ok")
    row["estimate"] = repr(float(row["estimate"]) * (1.0 + 1e-13))
    write_csv(run, rows)
    assert sn.check(run)["rebuilt"].passed
    row["estimate"] = repr(float(row["estimate"]) * (1.0 + 1e-7))
    write_csv(run, rows)
    assert not sn.check(run)["rebuilt"].passed
    change(1e-7)
    assert not sn.check(run)["replayed"].passed


def test_in_the_same_environment_every_bit_counts(run):
    """A node that is off in its last digits is found where others are not."""

    def change(sums):
        sums[3] *= 1.0 + 1e-14

    edit_node(run, 1, change)
    rebuild(run)
    (failure,) = sn.check(run)["replayed"].failures
    assert "only" in failure.got


# The streams of a run


@pytest.mark.parametrize("study", ["sweep", "inputs", "running"])
@pytest.mark.parametrize(
    ("of_data", "sampling"),
    [
        *((False, word) for word in ("shuffle", "replacement", "iid")),
        *((True, word) for word in ("shuffle", "replacement", "sequential", "grouped:g")),
    ],
)
def test_the_streams_looked_at_are_those_drawn_from(study, sampling, of_data, monkeypatch):
    """For every study, sampling and kind of source: exactly the keys that its blocks ask for."""
    given = {"data": wide_data(), "columns": ["a"]} if of_data else {"distributions": "normal"}
    given |= {} if of_data else {"full_size": 60}
    given |= {"steps": 50} if study == "running" else {}
    design = Design.make(
        study=study, sampling=sampling, batch_sizes=[2, 20], replications=20, **given
    )
    seen = set()
    true = streams.block_stream

    def spy(seed, source, full_size, word, block, batch_size=0):
        assert (seed, full_size) == (0, 60)
        seen.add(Stream(source, word, block, batch_size))
        return true(seed, source, full_size, word, block, batch_size)

    for module in (sweep, drawing, resampling, inputs_study, running_batches, single_errors):
        if hasattr(module, "block_stream"):
            monkeypatch.setattr(module, "block_stream", spy)
    engine.run(design, workers=1)
    (source,) = drawing.sources(design)
    listed = list(streams_of(design, source, tasks.block_count(design, source)))
    assert len(listed) == len(set(listed))
    assert set(listed) == seen


def test_a_fingerprint_is_the_first_128_bits():
    """Two 64-bit numbers, of the stream that has the key."""
    design = Design.make("normal", full_size=60, batch_sizes=[2], seed=9)
    rng = streams.block_stream(9, "normal", 60, "shuffle", 3)
    expected = rng.bit_generator.random_raw(2).tobytes()
    assert fingerprint(design, Stream("normal", "shuffle", 3)) == expected


# Identities


def test_an_equation_by_hand():
    """3 is not 2 to within 0.5, 2.4 is, and nothing is said of what is missing."""
    nan = float("nan")
    columns = ([3.0, 2.4, nan, 1.0], [2.0, 2.0, 1.0, nan], [0.5] * 4)
    one = Equation("twice", list("abcd"), *(np.array(column) for column in columns))
    assert list(one.failures()) == [Failure("a, twice", "3", "2")]
    assert one.asked.tolist() == [True, True, False, False]


NAMES = {
    "rmse^2 = mse": 20, "variance = mse - bias^2 + MCSE(bias)^2": 20,
    "bias = mse + 2 c bias of std(ddof=0)": 2, "bias = mse + 2 c bias of std(ddof=1)": 2,
    "bias by that of biased_variance": 2, "variance by that of biased_variance": 2,
    "bias by that of std(ddof=0)": 2, "variance by that of std(ddof=0)": 2,
    "bias less the bias about the full set, as at other batch sizes": 10,
    "bias = 0, as n divides N": 2,
    "ci_low by estimate and MCSE": 160, "ci_high by estimate and MCSE": 160,
}  # fmt: skip


def test_every_identity_is_asked():
    """Of one law, five estimators, two sizes and both references: so many of each, and all hold."""
    result = sn.sweep("normal", batch_sizes=[4, 8], full_size=64, replications=256)
    equations = list(equations_of(result.frame))
    asked = {one.name: int(one.asked.sum()) for one in equations}
    assert {name: asked[name] for name in NAMES} == NAMES
    # Exact rows have no z; against the full set theory of std is asymptotic.
    assert all(count > 0 for count in asked.values()), asked
    assert not [failure for one in equations for failure in one.failures()]


@pytest.mark.slow
def test_an_edit_of_any_row_breaks_an_identity():
    """A number that is a millionth off contradicts another one, in every row that is ok.

    Of each row one number is edited, its columns in turn.
    """
    wanted = {"batch_sizes": [4, 8], "full_size": 64, "replications": 1024}
    frame = sn.sweep("normal", estimators=["mean", "std"], **wanted).frame
    places = np.flatnonzero((frame["status"] == "ok") & frame["mcse"].notna() & frame["z"].notna())
    assert len(places) > 30
    columns = itertools.cycle(["estimate", "mcse", "ci_low", "ci_high", "z"])
    for place, column in zip(places, columns, strict=False):
        edited = frame.copy()
        value = edited[column].iloc[place]
        scale = edited["mcse"].iloc[place] if column == "estimate" else value
        edited.loc[place, column] = value + 1e-6 * scale
        found = [failure for one in equations_of(edited) for failure in one.failures()]
        assert found, (column, frame.iloc[place].to_dict())


def test_proportional_theory_is_compared():
    """A theory of rmse that is not the root of that of mse is found."""
    frame = sn.sweep("normal", batch_sizes=[4], full_size=64, replications=256).frame.copy()
    place = int(np.flatnonzero((frame["measure"] == "rmse") & frame["theory"].notna())[0])
    frame.loc[place, "theory"] *= 1.001
    names = [f.where for one in equations_of(frame) for f in one.failures()]
    assert any("theory: rmse^2 = mse" in name for name in names)


# What theory is asked


def test_a_study_of_inputs_asks_each_thing_once():
    """About the full set, for every epsilon, the first gamma and beta; an iid source about its own.

    Every quantity is asked by one measure, and of rows with a z alone.
    """
    wanted = SMALL | {"replications": 256, "batch_sizes": [8, 16]}
    frame = sn.study("inputs", "normal", sampling=["shuffle", "iid"], epsilon=[0, 0.1],
                     gamma=[1, 2], **wanted).frame  # fmt: skip
    asked = questions_of("inputs", frame)
    assert np.isfinite(asked["z"].astype(float)).all()
    errors = asked[asked["estimator"] == "normalized_value"]
    assert set(errors["factors"]) == {"epsilon=0;gamma=1;beta=0", "epsilon=0.1;gamma=1;beta=0"}
    assert set(errors["measure"]) == {"mse"}
    against = errors.groupby("sampling")["reference"].unique()
    assert against["shuffle"].tolist() == ["full_set"]
    assert against["iid"].tolist() == ["population"]
    assert "correlation" not in set(asked["estimator"])


def test_an_unknown_study_asks_nothing():
    """What theory says of it nobody knows."""
    frame = sn.sweep("normal", batch_sizes=[4], full_size=64, replications=64).frame
    with pytest.raises(SimnormError, match="allowed are sweep, inputs, running"):
        questions_of("shift", frame)


# Nothing is changed


def state(folder):
    """Return content, size, mode and time of every file of a folder, and of itself."""
    return {
        path.name: (path.read_bytes() if path.is_file() else None, path.stat().st_mode,
                    path.stat().st_mtime_ns, path.stat().st_ino)
        for path in [folder, *folder.rglob("*")]
    }  # fmt: skip


def test_check_only_reads(run):
    """Names, bytes, modes and times of the folder's files are as before, and no file is new."""
    before = state(run)
    assert sn.check(run).passed
    assert not sn.check(run, functions=[spread]).passed
    assert state(run) == before


def test_a_database_with_its_log_is_read_whole(made, tmp_path):
    """What a killed run has left in the log counts, and the log stays."""
    copy, run = shutil.copytree(made / "5", tmp_path / "copy"), tmp_path / "run"
    with contextlib.closing(sqlite3.connect(copy / "run.db")) as opened:
        opened.execute("pragma journal_mode = wal")
        opened.execute("delete from nodes where position = 1")
        opened.commit()
        shutil.copytree(copy, run)  # while the log is not yet in the database
    assert (run / "run.db-wal").stat().st_size > 0
    before = state(run)
    assert "completeness" in sn.check(run).failed
    assert state(run) == before


# The database


def test_stored_nodes_are_those_that_were_computed(made):
    """Every task's node comes back to the bit, with the draws that it took."""
    folder = Folder(made / "5")
    design = folder.design
    assert list(folder.nodes) == drawing.sources(design)
    for number, pairs in enumerate(folder.nodes.values()):
        assert [task for task, _ in pairs] == [tasks.Task(number, 1, p) for p in range(3)]
        for task, node in pairs:
            assert replayed._is_same(node, tasks.compute(design, task))
    assert folder.taken.draws == tasks.total_draws(design)


def test_stored_failures_belong_to_their_nodes(tmp_path):
    """Void replications come back with the node that they are among."""
    run = tmp_path / "run"
    wanted = SMALL | {"batch_sizes": [2]}
    sn.sweep("exponential", estimators=[fails_at_times], **wanted, out=run)
    folder = Folder(run, [fails_at_times])
    (pairs,) = folder.nodes.values()
    assert any(node.failures for _, node in pairs)
    for task, node in pairs:
        assert replayed._is_same(node, tasks.compute(folder.design, task))


def test_a_node_that_is_no_node_is_told_in_one_line(run):
    """A word in the place of numbers: the node is named, and what it leaves is a gap."""
    with database(run) as opened:
        opened.execute("update nodes set payload = 'text' where position = 1")
    found = sn.check(run)
    assert {failure.where for failure in found["files"].failures} == {
        f"run.db, {law}, shuffle, blocks 2 to 3" for law in ("normal", "t(df=5)")
    }
    assert "completeness" in found.failed


# Findings, and the command


def test_findings_are_frozen_and_found_by_name():
    """A finding passes if it was made and nothing is wrong; it cannot be changed."""
    good, bad = Finding.of("a", "1", []), Finding.of("b", "2", [Failure("x", "1", "2")])
    never = Finding("c", "not possible", "why", hint="how")
    assert [one.passed for one in (good, bad, never)] == [True, False, False]
    with pytest.raises(dataclasses.FrozenInstanceError):
        good.status = "failed"
    assert bad.failures[0].words == "x: got 1, expected 2"
    assert Failure("x", "cannot be read", "").words == "x: cannot be read"
    assert (good.line, bad.line) == ("1", "1 fault")
    assert Finding.of("b", "2 rows", bad.failures, "1 of 2 rows differs").line == (
        "1 of 2 rows differs"
    )


@pytest.mark.parametrize("names", [[], ["notes.txt"], ["design.toml"]])
def test_a_folder_that_is_no_run_is_refused(names, tmp_path):
    """A folder without a run, or none, is a user error, in one line with exit code 2."""
    folder = tmp_path / "folder"
    for name in names:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("seed = 1", encoding="utf-8")
    with pytest.raises(SimnormError, match="a folder with a run is needed"):
        sn.check(folder)
    found = CliRunner().invoke(app, ["check", str(folder)])
    assert found.exit_code == 2
    assert found.stderr.startswith("simnorm: RUN: got ")
    assert found.stderr.count("\n") == 1


def test_the_command_prints_a_line_for_every_check(run):
    """Exit code 0 and a verdict; nothing is wider than 80 columns."""
    found = CliRunner().invoke(app, ["check", str(run)])
    assert (found.exit_code, found.stderr) == (0, "")
    lines = found.stdout.splitlines()
    assert [line.split()[0] for line in lines if line[:1].strip() and "passed  " in line] == CHECKS
    assert lines[-1] == "passed: all 7 checks; 6 of 6 nodes drawn again"
    assert max(map(len, lines)) <= 80


def test_the_command_names_what_failed(run):
    """Exit code 3; a few of the failures, and how many more there are."""
    edit_text(run, "results.csv", ",5,1\n", ",6,1\n")
    found = CliRunner().invoke(app, ["check", str(run), "-q"])
    assert found.exit_code == 3
    lines = found.stdout.splitlines()
    assert lines[0].startswith("completeness  FAILED")
    assert "seed: got 6," in found.stdout
    left = len(read_csv(run)) - 5
    assert found.stdout.count(f"  ... and {left:,} more") == 2  # completeness and rebuilt
    assert f"FAILED       {left + 5} of " in found.stdout
    assert not any(line.startswith(("files", "theory")) for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_quiet_command_says_nothing_of_what_passed(run):
    """Nothing at all where all passed."""
    found = CliRunner().invoke(app, ["check", str(run), "-q", "--all-blocks", "--workers", "1"])
    assert (found.exit_code, found.output) == (0, "")


def test_the_command_prints_json(run):
    """All findings as one document."""
    (run / "curves.csv").unlink()
    found = CliRunner().invoke(app, ["check", str(run), "--json"])
    assert found.exit_code == 3
    document = json.loads(found.stdout)
    assert document["passed"] is False
    assert [one["check"] for one in document["checks"]] == CHECKS
    (failure,) = document["checks"][0]["failures"]
    assert failure == {"where": "curves.csv", "got": "no such file", "expected": "a file"}


def test_the_data_of_a_run_may_have_moved(tmp_path):
    """The command says what is missing once, and takes --data."""
    path, run = tmp_path / "data.csv", tmp_path / "run"
    path.write_text("a\n" + "\n".join(str(i * i) for i in range(40)) + "\n", encoding="utf-8")
    sn.sweep(data=path, batch_sizes=[4], replications=40, out=run)
    path.rename(tmp_path / "moved.csv")
    found = CliRunner().invoke(app, ["check", str(run)])
    assert found.exit_code == 3
    assert found.stdout.count("--data FILE") == 1
    assert "not possible" in found.stdout
    again = CliRunner().invoke(app, ["check", str(run), "--data", str(tmp_path / "moved.csv")])
    assert again.exit_code == 0
