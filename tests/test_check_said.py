"""Check: what it forgives an honest run, what it forgives nobody, and the words it says it in."""

from __future__ import annotations

import importlib
import io
import itertools
import json
import re
import threading

import numpy as np
import pandas as pd
import pytest
from doctored import DOCTORED, edit_node, edit_text, rebuild
from typer.testing import CliRunner

import simnorm as sn
from simnorm import engine, schedule, streams, tasks
from simnorm.checking import FEW, replayed, theory, uniqueness
from simnorm.checking.finding import Checked, Failure, Finding
from simnorm.checking.folder import Folder
from simnorm.checking.rebuilt import _is_near
from simnorm.cli import app
from simnorm.design import Design
from simnorm.questions import inputs_questions, questions_of, sidak_bound
from simnorm.studies import drawing

# The package has a function of this name.
command = importlib.import_module("simnorm.cli.check")

SMALL = {"batch_sizes": [4, 8], "full_size": 64, "replications": 83, "seed": 5}


@pytest.fixture
def run(tmp_path):
    """A finished run of two laws, one node each, that may be doctored."""
    sn.sweep(["normal", "t(df=5)"], estimators="mean,std", **SMALL, out=tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 16 replications, in tasks of two."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    monkeypatch.setattr(schedule, "task_level", lambda *_: 1)


def told(found):
    return [(one.name, one.looked, [f.words for f in one.failures[:5]])
            for one in found.findings if not one.passed]  # fmt: skip


def elsewhere(folder):
    """Say that a run was made with another numpy."""
    path = folder / "provenance.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(facts | {"numpy": "1.0"}), encoding="utf-8")


# Theory


def question(**changed):
    row = {
        "study": "sweep", "distribution": "laplace", "column": "", "sampling": "shuffle",
        "estimator": "unbiased_variance", "batch_size": 60, "reference": "full_set",
        "factors": "", "measure": "variance", "estimate": 0.5, "mcse": 0.05, "theory": 1.0,
        "z": -10.0, "replications": 50, "batches": 1, "status": "ok",
    }  # fmt: skip
    return row | changed


def test_variances_are_judged_by_logarithms():
    """log(1/2) over the largest of mcse/estimate = 0.1 and sqrt(2/(R k)); a bias as it is.

    The z of the table, which reports and figures show, stay what they are.
    """
    rows = [question(), question(batches=16), question(measure="bias", z=-3.0)]
    frame = pd.DataFrame(rows)
    before = frame.copy()
    found = theory.judged("sweep", frame)["z"].to_numpy()
    np.testing.assert_allclose(found, [np.log(0.5) / 0.2, np.log(0.5) / 0.1, -3.0], rtol=1e-14)
    pd.testing.assert_frame_equal(frame, before)
    assert questions_of("sweep", frame)["z"].tolist() == [-10.0, -10.0, -3.0]


def test_a_small_estimate_with_a_small_error_bar_is_no_alarm():
    """Of chi-square estimates that come with error bars in proportion, none in 2,000 runs.

    One question, 50 errors: z itself is beyond the bound in some runs in a hundred. Of logarithms
    the chance is 1e-4 about, so that more than two in 2,000 have a probability of 0.1 %.
    """
    rng = np.random.default_rng(50045)
    estimate = rng.chisquare(49, size=2000) / 49.0
    rows = [question(estimate=e, mcse=0.2 * e, z=(e - 1.0) / (0.2 * e)) for e in estimate]
    frame = pd.DataFrame(rows)
    bound = sidak_bound(1, 50, 1e-4)
    assert (np.abs(frame["z"]) > bound).sum() > 0
    judged = theory.judged("sweep", frame)["z"].abs()
    assert (judged > bound).sum() <= 2


def test_the_line_says_how_variances_are_judged(run):
    """Nobody has to guess why z differ from those of the table."""
    assert "(variances by logarithms)" in sn.check(run)["theory"].looked


def test_a_study_without_questions_is_not_an_accident(tmp_path):
    """A run of a single replication has no error bar, and passes."""
    out = tmp_path / "run"
    result = sn.study("inputs", "normal", batch_sizes=[4, 32], full_size=256, replications=1,
                      out=out)  # fmt: skip
    assert inputs_questions(result.frame).empty
    found = sn.check(out)
    assert found.passed, told(found)


# Another environment


def test_rounding_is_judged_by_column(tmp_path):
    """Errors of a column in thousandths may be off by their own rounding, not by a large one's."""
    rng = np.random.default_rng(0)
    data = {"bytes": 1e12 * rng.exponential(size=60), "share": 1e-3 * rng.exponential(size=60)}
    out = tmp_path / "run"
    sn.sweep(data=data, batch_sizes=[8], estimators=["mad"], replications=100, out=out)
    elsewhere(out)

    def change(sums):
        sums[[0, 2], 1] *= 1.5  # mean errors of the second cell

    edit_node(out, 0, change)
    (failure,) = sn.check(out, data=data, all_blocks=True)["replayed"].failures
    assert "mean error of mad n=8 full_set share" in failure.where


def test_rounding_is_judged_by_estimator(tmp_path):
    """Errors of a mean are not held to those of a variance, which has another unit."""
    rng = np.random.default_rng(1)
    data = {"a": 1e14 * rng.normal(size=60)}
    out = tmp_path / "run"
    sn.sweep(data=data, batch_sizes=[8], estimators=["mean", "biased_variance"],
             replications=100, out=out)  # fmt: skip
    elsewhere(out)

    def change(sums):
        sums[[0, 2], 0] *= 1.5

    edit_node(out, 0, change)
    assert "replayed" in sn.check(out, data=data).failed


def test_what_is_rounding_by_design_may_differ(tmp_path):
    """Errors of a whole full set and of a constant column are nothing but rounding.

    Elsewhere they may be others, of a millionth of a millionth of the values; not more.
    """
    rng = np.random.default_rng(2)
    data = {"a": 5.0 + rng.normal(size=60), "c": np.full(60, 7.0)}
    out = tmp_path / "run"
    sn.sweep(data=data, batch_sizes=[60], estimators=["mean"], replications=40, out=out)
    elsewhere(out)

    def shifted(by):
        def change(sums):
            sums[2] += by

        edit_node(out, 0, change)
        return "replayed" not in sn.check(out, data=data).failed

    assert shifted(1e-15)
    assert not shifted(1e-6)


def test_numbers_in_reasons_count(tmp_path):
    """A reason that asks for fewer replications is found, wherever it was written."""
    out = tmp_path / "run"
    sn.sweep("lognormal(s=1)", batch_sizes=[8], full_size=256, replications=300,
             estimators=["unbiased_variance"], out=out)  # fmt: skip
    elsewhere(out)
    assert sn.check(out)["rebuilt"].passed
    number = re.search(r"needs [\d,]+ replications", (out / "results.csv").read_text("utf-8"))
    edit_text(out, "results.csv", number.group(0), "needs 31 replications")
    assert "reason" in sn.check(out)["rebuilt"].failures[0].where


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        ("needs 1,261,076 or more", "needs 1,261,077 or more", True),
        ("needs 1,261,076 or more", "needs 1,261,087 or more", False),
        ("k-hat 0.53.", "k-hat 0.54.", False),
        ("k-hat 0.53.", "k-hut 0.53.", False),
        ("of 3, 4", "of 3, 4", True),
        ("of 3, 4", "of 3", False),
    ],
)
def test_sentences_are_near_by_their_numbers(one, other, is_near):
    """Words are the same, and numbers to a millionth."""
    assert _is_near(one, other) is is_near


# Draws


@pytest.mark.parametrize("study", ["sweep", "running"])
@pytest.mark.parametrize("of_data", [False, True])
def test_the_draws_of_a_run_are_counted(study, of_data, tmp_path, small_blocks):  # noqa: ARG001
    """Provenance has as many as the nodes took; another number is found."""
    data = {"a": np.arange(60.0) ** 2, "b": np.arange(60.0)}
    given = {"data": data} if of_data else {"distributions": "normal", "full_size": 60}
    given |= {"steps": 20} if study == "running" else {}
    out = tmp_path / "run"
    result = sn.study(study, batch_sizes=[4], replications=83, out=out, **given)
    checked = {"data": data} if of_data else {}
    found = sn.check(out, **checked)
    assert found.passed, told(found)
    draws = result.provenance["draws"]
    edit_text(out, "provenance.json", f'"draws": {draws}', f'"draws": {draws - 1}')
    (failure,) = sn.check(out, **checked)["completeness"].failures
    assert failure.where == "provenance.json, draws"
    assert failure.got == str(draws - 1)
    assert failure.expected.startswith(str(draws))


# A run that is less than was asked for


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"time_limit": 0.05, "full_size": 4096, "replications": 10**6}, "partial: time limit"),
        ({"target_mcse": "0.1%", "max_replications": 256}, "cells missed the target"),
        ({}, ""),
    ],
)
def test_a_run_that_fell_short_passes_and_says_so(given, words, tmp_path):
    """It is what it says; the line of completeness and the verdict have it."""
    out = tmp_path / "run"
    given = {"full_size": 64} | given
    result = sn.sweep("normal", batch_sizes=[4, 8], estimators="mean", out=out, **given)
    found = sn.check(out)
    assert found.passed, told(found)
    note = found["completeness"].note
    assert words in note
    assert bool(note) is bool(words)
    assert found["completeness"].looked.endswith(note)
    if "target" in words:
        assert note == f"{len(result.missed())} cells missed the target"
        assert note in CliRunner().invoke(app, ["check", str(out)]).stdout


# Not all is drawn again


def test_what_was_not_drawn_again_is_said(tmp_path, small_blocks):  # noqa: ARG001
    """So many nodes of all, and that there are more; nothing of the kind where all were."""
    out = tmp_path / "run"
    sn.sweep("normal", **SMALL | {"replications": 320}, out=out)
    some = replayed.check(Folder(out), seconds=0.0)
    assert some.note == f"3 of 10 nodes drawn again; {replayed.NOT_ALL}"
    every = replayed.check(Folder(out), all_blocks=True)
    assert every.note == "10 of 10 nodes drawn again"


def test_the_verdict_has_the_notes_of_what_passed(capsys):
    """After the count of checks; a run that failed has other things to say."""
    noted = Finding.of("a", "1 node", [], note="1 of 2 nodes drawn again")
    bad = Finding.of("b", "1 row", [Failure("x", "1", "2")])
    command.print_findings(Checked("run", (noted,)), quiet=False)
    assert capsys.readouterr().out.endswith("\npassed: all 1 checks; 1 of 2 nodes drawn again\n")
    command.print_findings(Checked("run", (noted, bad)), quiet=False)
    assert capsys.readouterr().out.endswith("\nFAILED: b\n")


# Words


def test_what_cannot_be_read_is_said_once(run):
    """A file by its name, and what is wrong with it."""
    doctors = {doctor.__name__: doctor for doctor in DOCTORED}
    doctors["truncated_database"](run, None)
    (failure,) = sn.check(run)["files"].failures
    assert failure.words.startswith("run.db: cannot be read ")
    edit_text(run, "results.csv", ",mcse,", ",error,")
    words = [failure.words for failure in sn.check(run)["files"].failures]
    assert sum(one.count("results.csv") for one in words) == 1


def test_nodes_are_called_by_their_blocks(tmp_path, small_blocks):  # noqa: ARG001
    """No JSON, no levels and positions, in no check."""
    out = tmp_path / "long"
    sn.sweep("normal", **SMALL, out=out)
    doctors = {doctor.__name__: doctor for doctor in DOCTORED}
    doctors["copied_block"](out, None)
    rebuild(out)
    found = " ".join(CliRunner().invoke(app, ["check", str(out)]).stdout.split())
    first, second = (f"normal, shuffle, blocks {words}" for words in ("0 to 1", "2 to 3"))
    assert f"run.db, {second}: got the numbers of {first}, expected" in found
    assert f"run.db, {second}, mean error of mean n=4" in found
    assert not re.search(r"level \d|position \d|\[\"", found)


def test_a_line_that_failed_says_first_how_many(run):
    """So many of so many, in every check; one is not plural."""
    frame = Folder(run).frame
    edit_text(run, "results.csv", ",5,1\n", ",6,1\n")
    found = sn.check(run)
    rows = len(frame) + len(Folder(run).curves)
    assert found["rebuilt"].line.startswith(f"{len(frame)} of {rows:,} rows differ")
    assert found["completeness"].line.startswith(f"{len(frame)} faults in {len(frame)} rows")
    assert found["files"].line == found["files"].looked
    assert found.to_dict()["checks"][4]["wrong"] == found["rebuilt"].wrong


def test_one_is_not_plural(tmp_path):
    """Of a run with one of everything."""
    sn.sweep("normal", batch_sizes=[64], full_size=64, estimators="mean", out=tmp_path / "run")
    lines = [one.looked for one in sn.check(tmp_path / "run").findings]
    assert "1 stored node with its checksum," in lines[0]
    assert "1 block of 1 source" in lines[1]
    assert lines[2].startswith("1 stream, 1 stored node, ")
    assert lines[3].startswith("1 of 1 node drawn again")


def test_a_changed_design_is_said_once(run):
    """What follows from it is listed a few times, with what it means."""
    edit_text(run, "design.toml", "full_size = 64", "full_size = 48")
    found = sn.check(run)
    (failure,) = found["files"].failures
    assert failure.words == "design.toml, full_size: got 48, expected 64 as in run.db"
    for name in ("completeness", "rebuilt"):
        assert len(found[name].failures) == FEW
        assert found[name].wrong.endswith("design.toml has another full_size than run.db")
        assert "put back" in found[name].hint
    printed = CliRunner().invoke(app, ["check", str(run)]).stdout
    assert printed.count("put back") == 1
    assert "more\n" not in printed


def test_help_says_what_quiet_and_all_blocks_do():
    """And what is not checked."""
    text = " ".join(CliRunner().invoke(app, ["check", "--help"]).stdout.split())
    assert "nothing for a good run" in text
    assert "provenance.json says of command, times and workers is not checked" in text


# The line of progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_when_it_takes_long(monkeypatch):
    """On a terminal, after a while, what is checked and how far; wiped out in the end."""
    monkeypatch.setattr(command, "FIRST_SHOWN", 0.0)
    written = threading.Event()

    class Noted(Terminal):
        def write(self, text):
            written.set()
            return super().write(text)

    monkeypatch.setattr(command.sys, "stderr", Noted())
    with command._progress(shown=True) as shown:
        shown.on_check("replayed")
        shown.on_progress(engine.Progress(1, 4))
        written.clear()
        assert written.wait(5.0)
    text = command.sys.stderr.getvalue()
    assert "\rchecking: replayed 25%, 0." in text
    assert text.endswith(" \r")


@pytest.mark.parametrize(("file", "shown"), [(io.StringIO, True), (Terminal, False)])
def test_progress_is_for_terminals_that_want_it(file, shown, monkeypatch):
    """Nothing is written elsewhere, or when it is to be quiet."""
    monkeypatch.setattr(command, "FIRST_SHOWN", 0.0)
    monkeypatch.setattr(command.sys, "stderr", file())
    with command._progress(shown=shown) as found:
        found.on_check("files")
    assert command.sys.stderr.getvalue() == ""


def test_a_check_that_is_quick_shows_no_progress(monkeypatch):
    """Two seconds are no time."""
    monkeypatch.setattr(command.sys, "stderr", Terminal())
    with command._progress(shown=True) as found:
        found.on_check("files")
    assert command.sys.stderr.getvalue() == ""


def test_every_check_is_announced(run):
    """By its name, in their order."""
    names = []
    found = sn.check(run, on_check=names.append)
    assert names == [one.name for one in found.findings]


# Streams


def test_streams_are_listed_no_further_than_they_are_looked_at(monkeypatch):
    """Of a node of 2^29 blocks for each of two laws, five streams each, and all are counted."""
    monkeypatch.setattr(uniqueness, "MOST_STREAMS", 10)
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    design = Design.make(
        ["normal", "laplace"], full_size=64, batch_sizes=[2], replications=16 << 29
    )
    nodes = {
        source: [(tasks.Task(i, 29, 0), None)] for i, source in enumerate(drawing.sources(design))
    }
    found, every = uniqueness._streams(design, nodes)
    assert every == 2 << 29
    assert [(one.source, one.block) for one in found] == list(
        itertools.product(["normal", "laplace"], range(5))
    )


def test_sources_of_a_file_share_their_streams():
    """They are counted once, as far as the one that has the most blocks."""
    data = {"a": np.arange(60.0), "b": np.arange(60.0) ** 2}
    design = Design.make(data=data, sampling=["shuffle", "replacement", "sequential"],
                         batch_sizes=[2, 4], replications=10)  # fmt: skip
    sources = drawing.sources(design)
    nodes = {source: [(tasks.Task(i, 0, 0), None)] for i, source in enumerate(sources)}
    found, every = uniqueness._streams(design, nodes)
    assert every == len(found) == len(set(found)) == 3  # of the orders, and of both sizes


def test_the_source_of_a_file_that_went_farthest_counts(monkeypatch):
    """Of two parts of its columns, which share their streams, one has stopped after a block."""
    monkeypatch.setattr(drawing, "columns_together", lambda *_: 1)
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    data = {"a": np.arange(60.0), "b": np.arange(60.0) ** 2}
    design = Design.make(data=data, batch_sizes=[2], replications=64)
    first, second = drawing.sources(design)
    for levels in ((2, 0), (0, 2)):
        nodes = {
            source: [(tasks.Task(i, level, 0), None)]
            for i, (source, level) in enumerate(zip((first, second), levels, strict=True))
        }
        found, every = uniqueness._streams(design, nodes)
        assert every == len(found) == 4
