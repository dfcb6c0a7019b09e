"""An answer under way: what is finished is kept, what is missing says why."""

from __future__ import annotations

import dataclasses
import json

import pytest
from tiny_answer import needed

from simnorm import RunError, SimnormError, api, store
from simnorm.answering import load_answer
from simnorm.answering import running as runs
from simnorm.answering.plan import make_plan
from simnorm.answering.whole import Missing

TABLE = needed(("normal", 149, 149, 149))


@pytest.fixture(autouse=True)
def no_search(monkeypatch):
    """The search for batch sizes takes its time, and has tests of its own."""
    monkeypatch.setattr(runs, "needed_sizes", lambda *_: TABLE)


def tiny(batch_size=4, **more):
    """A plan of three small studies; the others are left out."""
    plan = make_plan(level="quick", batch_size=batch_size)
    small = {"distributions": ("normal",), "full_size": 64, "replications": 64}
    designs = {
        word: dataclasses.replace(plan.designs[word], **(small | more), batch_sizes=(1, 4))
        for word in ("sweep", "inputs", "running")
    }
    designs["running"] = dataclasses.replace(designs["running"], steps=20)
    settings = dataclasses.replace(plan.settings, names=("normal",), full_size=64)
    return plan._replace(settings=settings, designs=designs)


class Told(runs.Watcher):
    """Keeps what it is told."""

    def __init__(self):
        self.lines = []

    def begin(self, study):
        self.lines.append(f"begin {study}")

    def end(self, study, _seconds, *, loaded):
        self.lines.append(f"{'loaded' if loaded else 'end'} {study}")

    def left_out(self, study, _missing):
        self.lines.append(f"left out {study}")


def test_an_answer_without_a_folder_writes_nothing(tmp_path, monkeypatch):
    """Everything is in memory."""
    monkeypatch.chdir(tmp_path)
    found = runs.carry_out(tiny())
    assert list(tmp_path.iterdir()) == []
    assert found.verdict("sampling_error").word == "true"
    assert found.verdict("overhead").word == "not measured"


def test_a_folder_gives_the_answer_back(tmp_path):
    """The verdicts are made again from the tables, and are the same."""
    found = runs.carry_out(tiny(), tmp_path / "a")
    again = load_answer(tmp_path / "a")
    assert again.table.equals(found.table)
    assert again.needed.equals(found.needed)
    assert (again.sentences, again.advice) == (found.sentences, found.advice)
    assert (tmp_path / "a" / "verdicts.csv").read_text().startswith("key,claim,word,number")


def test_what_is_finished_is_loaded(tmp_path, monkeypatch):
    """The second time nothing is run."""
    runs.carry_out(tiny(), tmp_path / "a")
    monkeypatch.setattr(api, "run", lambda *_, **__: pytest.fail("it was run again"))
    monkeypatch.setattr(runs, "needed_sizes", lambda *_: pytest.fail("searched again"))
    told = Told()
    runs.carry_out(tiny(), tmp_path / "a", watcher=told)
    assert told.lines == ["loaded sweep", "loaded inputs", "loaded running", "loaded solve"]


def test_an_interrupted_answer_goes_on(tmp_path, monkeypatch):
    """What was finished before is loaded, the rest is run, and the verdicts are the same."""
    whole = runs.carry_out(tiny())
    real = api.run

    def stopped(design, **given):
        if design.study == "inputs":
            raise KeyboardInterrupt
        return real(design, **given)

    monkeypatch.setattr(api, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        runs.carry_out(tiny(), tmp_path / "a")
    half = load_answer(tmp_path / "a")
    assert half.result("sweep") is not None
    assert half.missing["inputs"] == runs.UNFINISHED
    monkeypatch.setattr(api, "run", real)
    told = Told()
    found = runs.carry_out(tiny(), tmp_path / "a", watcher=told)
    assert told.lines[:3] == ["loaded sweep", "begin inputs", "end inputs"]
    assert found.table.equals(whole.table)


def test_an_unfinished_study_without_its_package_says_so(tmp_path, monkeypatch):
    """Running the same command again would not help: torch would."""
    folder = tmp_path / "a"
    runs.carry_out(tiny(), folder)
    (folder / "outcome.json").unlink()
    monkeypatch.setattr("simnorm.studies.find_spec", lambda _: None)
    found = load_answer(folder).missing
    assert "torch" in found["shift"].reason
    assert "pip install" in found["overhead"].what_to_do
    assert found["scaling"] == runs.UNFINISHED


def test_a_study_cut_off_while_it_wrote_is_run_again(tmp_path):
    """A folder without all of its files is no finished run."""
    folder = tmp_path / "a"
    whole = runs.carry_out(tiny(), folder)
    (folder / "inputs" / store.PROVENANCE).unlink()
    told = Told()
    found = runs.carry_out(tiny(), folder, watcher=told)
    assert "begin inputs" in told.lines
    assert "loaded running" in told.lines
    assert found.table.equals(whole.table)


def test_another_design_in_a_study_folder_makes_room(tmp_path):
    """An earlier version may have planned otherwise: its run is replaced."""
    folder = tmp_path / "a"
    runs.carry_out(tiny(replications=128), folder)
    found = runs.carry_out(tiny(), folder)
    assert found.result("sweep").design.replications == 64


def test_a_study_folder_with_other_files_is_left_alone(tmp_path):
    """Nobody's files are taken away: that study is missing and says why."""
    folder = tmp_path / "a"
    plan = tiny()
    runs._open(folder, plan.settings)
    (folder / "sweep").mkdir()
    for name in ("mine.txt", store.RESULTS):
        (folder / "sweep" / name).write_text("mine")
    found = runs.carry_out(plan, folder)
    assert "holds files but no run" in found.missing["sweep"].reason
    for name in ("mine.txt", store.RESULTS):
        assert (folder / "sweep" / name).read_text() == "mine"


def test_a_folder_of_another_answer_is_refused(tmp_path):
    """The message says what differs."""
    runs.carry_out(tiny(), tmp_path / "a")
    with pytest.raises(SimnormError, match="batch size 4 there, 1 here"):
        runs.carry_out(tiny(batch_size=1), tmp_path / "a")


def test_folders_that_are_no_answer(tmp_path):
    """Files, and folders with files of somebody else."""
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for name, why in (("file", "a folder is needed"), ("full", "holds files but no answer")):
        with pytest.raises(SimnormError, match=why):
            runs.carry_out(tiny(), tmp_path / name)
    with pytest.raises(SimnormError, match="a folder with an answer is needed"):
        load_answer(tmp_path)


def test_a_study_that_cannot_run_leaves_the_rest(tmp_path, monkeypatch):
    """Its reason and the next step are kept, and come back from the folder."""
    real = api.run

    def refuses(design, **given):
        if design.study == "running":
            raise SimnormError("study", "running", "it needs torch", "Get it: pip.")
        return real(design, **given)

    monkeypatch.setattr(api, "run", refuses)
    told = Told()
    found = runs.carry_out(tiny(), tmp_path / "a", watcher=told)
    assert found.missing == {"running": Missing("It needs torch.", "Get it: pip.")}
    assert "left out running" in told.lines
    assert found.verdict("test_time").why == "It needs torch. Get it: pip."
    assert found.verdict("sampling_error").word == "true"
    assert load_answer(tmp_path / "a").missing["running"] == found.missing["running"]


def test_a_full_disk_ends_everything(tmp_path, monkeypatch):
    """It would not get better with the next study."""

    def full(*_, **__):
        raise RunError("out", "a", "it cannot be written (No space left on device)")

    monkeypatch.setattr(api, "run", full)
    with pytest.raises(RunError):
        runs.carry_out(tiny(), tmp_path / "a")


def test_a_changed_table_changes_the_verdict(tmp_path):
    """Verdicts are computed from what the folders hold: none is written in."""
    folder = tmp_path / "a"
    found = runs.carry_out(tiny(), folder)
    assert found.verdict("replaces").word == "false"
    path = folder / "inputs" / store.RESULTS
    lines = path.read_text().splitlines()
    head = lines[0].split(",")
    at = {
        name: head.index(name) for name in ("estimator", "measure", "estimate", "ci_low", "ci_high")
    }
    changed = [lines[0]]
    for line in lines[1:]:
        parts = line.split(",")
        if parts[at["estimator"]] == "normalized_value" and parts[at["measure"]] == "rmse":
            for name, value in (("estimate", "0.01"), ("ci_low", "0.009"), ("ci_high", "0.011")):
                parts[at[name]] = value
        changed.append(",".join(parts))
    path.write_text("\n".join(changed) + "\n")
    assert load_answer(folder).verdict("replaces").word == "true"


def test_what_an_answer_shows_of_itself():
    """Its text names every claim with its word, its card has a row for each."""
    found = runs.carry_out(tiny())
    assert "sampling_error: true" in repr(found)
    assert found._repr_html_().count("<tr>") == 1 + len(found.verdicts)
    assert list(found.table["key"]) == [verdict.key for verdict in found.verdicts]
    with pytest.raises(SimnormError, match="Did you mean 'overhead'"):
        found.verdict("overheads")


def test_outcome_is_json_that_reads_back(tmp_path):
    """Without an outcome, which a killed answer lacks, missing studies are called unfinished."""
    folder = tmp_path / "a"
    runs.carry_out(tiny(), folder)
    assert json.loads((folder / "outcome.json").read_text())["provenance"]["simnorm"]
    (folder / "outcome.json").unlink()
    assert load_answer(folder).missing["scaling"] == runs.UNFINISHED
