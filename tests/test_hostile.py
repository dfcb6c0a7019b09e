"""Hostile texts through every door: nothing runs, nothing is written elsewhere, one clear line.

What harms a program that trusts its input is in `hostile_strings`, the ways in are in
`hostile_doors`, and what must not happen is told by `hostile_watch`. Every day each text goes
through some doors and each door takes some texts; with --all every text goes through every door.
"""

from __future__ import annotations

import csv
import io
import os
import pickle
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hostile_doors import DOORS, SMALL, command, make_template
from hostile_strings import CANARY, STRINGS, TOUCH
from hostile_watch import place_for

import simnorm as sn
from simnorm.cli.plain import plain
from simnorm.database import read_contents, sealed
from simnorm.errors import SimnormError
from simnorm.neutral import neutral, original
from simnorm.results import csv_text

# Of the texts a door takes one in so many every day; of slow doors fewer.
STEP, SLOW_STEP = 17, 57
SLOW_DOORS = (
    "a column's name", "a column's name, shown", "a column's name in a frame", "a class",
    "a folder's name", "cells of results.csv", "cells of columns.csv", "files of a run",
    "provenance", "run.db", "values in a design", "what a scheduler says", "--report FILE.pdf",
    "--report FILE.md", "--scheduler", "a scheduler file", "run.db with checksums",
    "files of an answer",
)  # fmt: skip
NAMES = list(STRINGS)


def texts_of(door):
    """The texts that a door takes every day: another part of the list for every door."""
    place = list(DOORS).index(door)
    step = SLOW_STEP if door in SLOW_DOORS else STEP
    return [name for k, name in enumerate(NAMES) if (k - 7 * place) % step == 0]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with data and finished runs, copied for every text."""
    folder = tmp_path_factory.mktemp("hostile") / "template"
    make_template(folder)
    return folder


def is_whole(text):
    """Tell whether a text has no half of a pair: a file can hold it."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


def faults_of(door, names, folder, template):
    """What goes wrong as texts go through a door."""
    found = []
    for name in names:
        with place_for(folder, STRINGS[name], template) as place:
            DOORS[door](place, STRINGS[name])
            found += [f"{name!r}: {fault}" for fault in dict.fromkeys(place.faults)]
    return found


@pytest.mark.parametrize("door", DOORS)
def test_a_hostile_text_does_no_harm(door, template, tmp_path):
    """Through every door some of the texts: refused in one line, or taken for what it is."""
    faults = faults_of(door, texts_of(door), tmp_path, template)
    assert not faults, "\n".join(faults)


@pytest.mark.full_size  # every day there is a part of it
@pytest.mark.parametrize("door", DOORS)
def test_no_hostile_text_does_any_harm(door, template, tmp_path):
    """The same with all texts."""
    faults = faults_of(door, NAMES, tmp_path, template)
    assert not faults, "\n".join(faults)


def test_there_are_many_texts_and_doors():
    """Over 100 different texts and 90 doors; daily each text takes 3 doors, each door a text."""
    assert len(set(STRINGS.values())) == len(STRINGS) > 100
    assert len(DOORS) > 90
    daily = {door: texts_of(door) for door in DOORS}
    assert min(map(len, daily.values())) >= 1
    counts = Counter(name for names in daily.values() for name in names)
    assert min(counts[name] for name in NAMES) >= 3


# ---------------------------------------------------------------------- what is watched is noticed


def evaluated(place):
    place.python(lambda: eval(place.text))


def started(place):
    place.python(lambda: subprocess.run(["true"], check=True))


def written_outside(place):
    place.python(lambda: (place.root / "escaped").write_text("x"))


def written_inside(place):
    place.python(lambda: (place.cwd / "stray").write_text("x"))


def changed(place):
    place.python(lambda: (place.root / "watched").write_text("changed"))


def read(place):
    place.python(lambda: Path("/etc/passwd").read_text())


def unpickled(place):
    place.python(lambda: pickle.loads(b"cos\ngetcwd\n(tR."))


def raised(place):
    place.python(lambda: 1 // 0)


def refused_at_length(place):
    def refuse():
        raise SimnormError("x", 1, "a" * 10_000)

    place.python(refuse)


def turned_around(place):
    def refuse():
        raise SimnormError("x", 1, place.text)

    place.python(refuse)


def endless(place):
    place.patience = 0.2
    place.python(lambda: time.sleep(5))


@pytest.mark.parametrize(
    ("harm", "text", "said"),
    [
        (evaluated, "[1, 2, 3]", "was compiled"),
        (started, "", "subprocess.Popen"),
        (written_outside, "", "wrote"),
        (written_inside, "", "wrote"),
        (changed, "", "wrote"),
        (read, "", "read /etc/passwd"),
        (unpickled, "", "unpickled os.getcwd"),
        (raised, "", "ZeroDivisionError"),
        (refused_at_length, "", "letters"),
        (turned_around, "\u202ex", "has raw"),
        (endless, "", "no end"),
    ],
)
def test_harm_is_noticed(harm, text, said, tmp_path):
    """Each kind of harm, done on purpose, is told by the watch."""
    with place_for(tmp_path, text) as place:
        harm(place)
    assert any(said in fault for fault in place.faults), place.faults


def test_an_escape_on_stderr_is_noticed(template, tmp_path, monkeypatch):
    """A line that is printed as it came is told by the watch; printed plainly it is none."""
    text = "\x1b[31mx"
    door = command("sweep", *SMALL, "-o")
    for is_plain in (True, False):
        if not is_plain:
            monkeypatch.setattr("simnorm.cli.interrupts.plain", lambda text: text)
        with place_for(tmp_path, text, template) as place:
            place.names(text)
            door(place, text)
        assert bool(place.faults) != is_plain, place.faults


# ------------------------------------------------------------------------------------ single doors


def test_no_terminal_acts_on_what_is_printed():
    """Controls, halves of pairs and marks of direction are printed as their numbers."""
    assert plain("a\n\x1b[0m\x00\x7f\x9b\u202e\u2028\udcff\u2067") == (
        "a\n\\u001b[0m\\u0000\\u007f\\u009b\\u202e\\u2028\\udcff\\u2067"
    )
    kept = "t(df=5) ± 0.1 列 \U0001f4a5 שלום"
    assert plain(kept) == kept


@pytest.mark.parametrize("text", [*STRINGS.values(), "'=x", "''+x", "'a", "\t=x", "'"])
def test_a_cell_is_no_formula_and_is_read_back(text):
    """What is written begins with none of the letters that begin a formula; reading undoes it."""
    assert neutral(text)[:1] not in tuple("=+-@\t\r")
    assert original(neutral(text)) == text


def test_formulas_as_names_of_columns_are_neutral_in_files_and_nowhere_else(tmp_path):
    """In results.csv and columns.csv an apostrophe stands before it; the library has the name."""
    names = ["=cmd|' /C calc'!A0", "@SUM(1)", "plain"]
    frame = pd.DataFrame({name: [1.0, 2.5, 4.0, 8.0] for name in names})
    made = sn.sweep(data=frame, batch_sizes=[2], replications=16, out=tmp_path / "run")
    with (tmp_path / "run" / "results.csv").open(encoding="utf-8", newline="") as file:
        written = {row["column"] for row in csv.DictReader(file)}
    assert written == {f"'{names[0]}", "'@SUM(1)", "plain"}
    found = sn.load(tmp_path / "run")
    assert list(found.frame["column"].unique()) == names
    assert list(found.columns["column"]) == names
    assert csv_text(found.columns) == csv_text(made.columns)


def test_a_design_keeps_every_name():
    """Every text as the name of a column goes into a design's file and back; no key is added."""
    fit = (text for text in STRINGS.values() if text.strip() and "," not in text)
    for text in filter(is_whole, fit):
        frame = pd.DataFrame({text: [1.0, 2.5, 4.0, 8.0]})
        made = sn.Design.make(data=frame, batch_sizes=[2], replications=16)
        written = made.to_toml()
        assert tomllib.loads(written) == made.to_dict()
        assert sn.Design.from_toml(written, data=frame) == made


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("study", "../../../tmp/x"), ("study", "os"), ("study", "running"), ("column", "other"),
        ("sampling", "iid"), ("batch_size", "3"), ("estimator", "median"), ("reference", "x"),
        ("measure", "quantile(q=9)"), ("status", "fine"), ("stop_reason", "x"), ("source", "x"),
        ("factors", "a=1;b"), ("estimate", "inf"), ("mcse", "1e999"), ("replications", "-1"),
        ("estimate", ""), ("mcse", "nan"),
    ],
)  # fmt: skip
def test_a_table_holds_nothing_that_its_design_has_not(column, text, template, tmp_path):
    """A word, name or number that the design cannot have is refused with its column."""
    folder = tmp_path / "run"
    folder.symlink_to(template / "data")
    table = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)
    table.loc[0, column] = text
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in os.listdir(folder):
        (copy / name).write_bytes((folder / name).read_bytes())
    table.to_csv(copy / "results.csv", index=False)
    assert sn.load(folder).design.columns == ("a", "b")
    with pytest.raises(SimnormError, match=rf"results.csv: .*{column}"):
        sn.load(copy)


def test_a_design_without_an_end_is_refused(tmp_path, monkeypatch):
    """Of a file no more is read than a design may be long: a device has no end."""
    monkeypatch.setattr("simnorm.design.LARGEST_FILE", 1000)
    path = tmp_path / "design.toml"
    text = 'study = "sweep"\n#'
    path.write_text(text + "x" * (1000 - len(text)), encoding="utf-8")
    assert sn.Design.from_file(path) == sn.Design.make()
    path.write_text(text + "x" * 1000, encoding="utf-8")
    with pytest.raises(SimnormError, match="File too large"):
        sn.Design.from_file(path)
    with place_for(tmp_path, "") as place:  # where memory has an end
        assert place.python(sn.Design.from_file, "/dev/zero") is None
    assert not place.faults


def test_a_pickle_in_a_database_is_not_read(template, tmp_path):
    """An array of objects with a right checksum: no node, said so by check, and drawn again."""
    with place_for(tmp_path, "", template) as place:
        folder = place.cwd / "done"
        place.names("done")
        before = (folder / "results.csv").read_bytes()
        contents = read_contents(folder)
        array = io.BytesIO()
        np.save(array, np.array([Touching()], dtype=object), allow_pickle=True)
        assert b"posix" in array.getvalue()
        with sqlite3.connect(folder / "run.db") as base:
            for row in contents.rows:
                changed = (*row[:5], array.getvalue())
                seal = sealed(contents.identity, *changed)
                base.execute("delete from nodes where owner = ?", (row.owner,))
                base.execute("insert into nodes values (?,?,?,?,?,?,?)", (*changed, seal))
        base.close()
        assert place.command("check", "done").exit_code == 3
        assert place.command("sweep", *SMALL, "-o", "done").exit_code == 0
        assert (folder / "results.csv").read_bytes() == before
        assert not (place.cwd / CANARY).exists()
        assert not place.faults, "\n".join(place.faults)


class Touching:
    """An object that makes a file as it is unpickled."""

    def __reduce__(self):
        return os.system, (TOUCH,)


def test_all_names_in_one_file_make_one_report(template, tmp_path):
    """Every text as a column of one file: table, tables, PDF, Markdown, figures and checks."""
    fit = (text for text in STRINGS.values() if text.strip() and len(text) < 10_000)
    texts = list(filter(is_whole, fit))[:70]
    rows = [[f"{k % 7 + k / 8 + at}" for at in range(len(texts))] for k in range(12)]
    with place_for(tmp_path, "#read(", template) as place:
        place.names("run")
        place.may_read = False
        with (place.cwd / "x.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([texts, *rows])
        given = ("--data", "x.csv", "--batch-sizes", "2", "--replications", "16")
        made = place.command("sweep", *given, "--estimators", "mean,std", "-o", "run")
        assert made.exit_code == 0, made.output
        for what in (("report", "run"), ("report", "run", "-o", "run/r.md"), ("plot", "run"),
                     ("check", "run"), ("status", "run")):  # fmt: skip
            done = place.command(*what)
            assert done.exit_code == 0, done.output
        assert b"root:x:0:0" not in (place.cwd / "run" / "r.md").read_bytes()
        assert not place.faults, "\n".join(place.faults)


@pytest.mark.slow
def test_a_closed_port_and_a_strange_file_are_told_in_moments(tmp_path):
    """A real process: an address nobody answers at is one line within 30 seconds, no traceback."""
    for text in ("tcp://127.0.0.1:9", f"tcp://127.0.0.1:9;{TOUCH}", "/dev/null", "."):
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "simnorm", "sweep", *SMALL, "-o", "run", "--scheduler", text],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode in (1, 2), done.stderr
        assert "Traceback" not in done.stderr
        assert "scheduler" in done.stderr
        assert not (tmp_path / CANARY).exists()
        assert time.monotonic() - begin < 60
