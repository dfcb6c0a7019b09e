"""Every way in which a text gets into simnorm: each door is a function of a place and a text."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hostile_watch import Place
from typer.testing import CliRunner

import simnorm as sn
from simnorm import cluster
from simnorm.answering.settings import Settings
from simnorm.cli import app
from simnorm.database import Numbers, group_id, read_contents, sealed
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.estimators import estimator
from simnorm.figures import kinds_of

Door = Callable[[Place, str], None]

SIZES = ("--full-size", "16", "--batch-sizes", "2,4")
FEW = ("--replications", "16")
ONE = ("--dist", "normal", "--estimators", "mean")
SMALL = (*SIZES, *FEW, *ONE)
DATA = ("--data", "data.csv", "--batch-sizes", "2,4", "--estimators", "mean")
OF_DATA = (*DATA, *FEW)
DESIGN = {
    "study": "sweep",
    "distributions": ["normal"],
    "estimators": ["mean"],
    "batch_sizes": [2, 4],
    "full_size": 16,
    "sampling": ["shuffle"],
    "replications": 16,
    "seed": 0,
}
# Other keys that a design may have.
FURTHER = {
    "target_mcse": "1%", "max_replications": 16, "time_limit": 1.0, "data": "data.csv",
    "data_sha256": "0", "columns": ["a"], "na": "drop", "separator": ",", "decimal": ".",
    "exact": True, "epsilon": [0.0], "gamma": [1.0], "beta": [0.0], "presets": ["keras3"],
    "steps": 4, "drift": [0.0], "datasets": ["wine"], "target": "label", "models": ["knn"],
    "scalers": ["none"], "folds": 2, "nets": ["mlp"], "variants": ["bn"], "rates": [0.1],
    "widths": [8], "epochs": 1,
}  # fmt: skip


def make_template(folder: Path) -> None:
    """Write what commands find: data, and a finished run of a law and one of data."""
    folder.mkdir()
    rows = [f"{k % 7 + k / 8},{(3 * k) % 5},{'xyz'[k % 3]}" for k in range(24)]
    (folder / "data.csv").write_text("\n".join(["a,b,label", *rows, ""]), encoding="utf-8")
    here = Path.cwd()
    os.chdir(folder)
    try:
        for given in ((*SMALL, "-o", "done"), (*OF_DATA, "-o", "data")):
            made = CliRunner().invoke(app, ["sweep", *given])
            assert made.exit_code == 0, made.output
        # What is loaded for the first time may write to folders of its own.
        for given in (("plot", "done", "-o", "x.svg", "--kind", "variance"), ("report", "done")):
            CliRunner().invoke(app, list(given))
        with contextlib.suppress(ImportError):
            cluster.dask()
        Path("x.svg").unlink()
    finally:
        os.chdir(here)


def command(*before: str, after: tuple[str, ...] = ()) -> Door:
    """Return the door of a command's last option or argument."""

    def door(place: Place, text: str) -> None:
        place.command(*before, text, *after)

    return door


def inside(form: str, *before: str, after: tuple[str, ...] = ()) -> Door:
    """Return the door of a part of an option, such as the column in ``grouped:COLUMN``."""

    def door(place: Place, text: str) -> None:
        place.command(*before, form.format(text), *after)

    return door


def is_name(text: str) -> bool:
    """Tell whether a file may be called so."""
    return not ({"/", "\0"} & set(text) or text in ("", ".", "..")) and _length(text) < 200


def _length(text: str) -> int:
    try:
        return len(os.fsencode(text))
    except UnicodeEncodeError:
        return 10**6


# ------------------------------------------------------------------------------- files and folders


def out(place: Place, text: str) -> None:
    """A run folder."""
    place.names(text)
    place.command("sweep", *SMALL, "-o", text)


def report_path(*before: str, ending: str = "") -> Door:
    """Return the door of a path that a command writes a report or a figure to."""

    def door(place: Place, text: str) -> None:
        # Only where it stays inside: what a user names outside is theirs, but not our test's.
        whole = os.path.normpath(os.path.join(place.cwd, text + ending))
        if ending and not whole.startswith(f"{place.root}{os.sep}"):
            return
        place.names(text + ending)
        place.names(f"{(text + ending).removesuffix('.md')}_files")
        place.command(*before, text + ending)

    return door


def file_named(ending: str) -> Door:
    """Return the door of a file's name; where none can be called so, the file is not there."""

    def door(place: Place, text: str) -> None:
        if is_name(text + ending):
            (place.cwd / (text + ending)).write_bytes((place.cwd / "data.csv").read_bytes())
        place.may_read = True
        place.command("sweep", *_of(text + ending), *FEW, "-o", "run", "-v")
        place.command("sweep", *_of(text + ending), "--dry-run")

    return door_in("run", door)


def _of(name: str) -> tuple[str, ...]:
    return ("--data", name, "--batch-sizes", "2,4", "--estimators", "mean")


def door_in(folder: str, door: Door) -> Door:
    """Return a door whose commands may write to a folder."""

    def named(place: Place, text: str) -> None:
        may_read = place.may_read
        place.names(folder)
        place.may_read = may_read
        door(place, text)

    return named


def run_named(*before: str) -> Door:
    """Return the door of a folder that is not there, or is no run."""

    def door(place: Place, text: str) -> None:
        place.may_read = True
        place.command(*before, text)

    return door


def folder_named(place: Place, text: str) -> None:
    """A finished run in a folder of that name, through every command that takes one."""
    place.names(text)
    place.named.append(place.cwd)
    if is_name(text):
        os.rename(place.cwd / "done", place.cwd / text)
    for what in (
        ("report", "-o", "r.md"),
        ("plot",),
        ("check",),
        ("status",),
        ("run", "--dry-run"),
    ):
        place.command(what[0], *what[1:], "--", text)
    place.command("sweep", *SMALL, "--report", "x.md", "-v", "-o", text)


# ---------------------------------------------------------------------------------- inside of files


def named_column(text: str) -> str:
    """Return a CSV file with a column of that name."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([text, "other", "label"])
    writer.writerows([k % 7 + k / 8, (3 * k) % 5, "xyz"[k % 3]] for k in range(24))
    return file.getvalue()


def write_text(path: Path, text: str) -> None:
    """Write text, also what is no UTF-8."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def everything(place: Place, *given: str) -> None:
    """A study and everything that shows its names: table, JSON, report, figures, check."""
    if place.command(*given, "-o", "run", "-v").exit_code not in (0, 3):
        return
    place.command(*given, "-o", "run", "--json")
    place.command("report", "run", "-o", "-")
    place.command("report", "run", "-o", "run/r.md", "-q")
    place.command("report", "run", "-q")
    place.command("plot", "run")
    place.command("plot", "run", "--kind", "overview")
    place.command("check", "run")
    place.command("check", "run", "--json")
    place.command("status", "run")
    place.command("status", "run", "--json")


def column_name(place: Place, text: str) -> None:
    """The name of a column in a CSV file."""
    write_text(place.cwd / "x.csv", named_column(text))
    everything(place, "sweep", "--data", "x.csv", "--batch-sizes", "2,4", *FEW)


def column_name_shown(place: Place, text: str) -> None:
    """The same in a table, and in what would be done."""
    write_text(place.cwd / "x.csv", named_column(text))
    place.command("sweep", "--data", "x.csv", "--batch-sizes", "2,4", *FEW, "-o", "run")
    for given in (("sweep",), ("study", "inputs"), ("study", "running"), ("answer",)):
        place.command(*given, "--data", "x.csv", "--dry-run")
    place.command("solve", "--target-rmse", "0.5", "--data", "x.csv")
    place.command("sweep", "--data", "x.csv", "--columns", "nothing", "--dry-run")
    place.command("sweep", "--data", "x.csv", "--sampling", "grouped:nothing", "--dry-run")


def column_name_in_a_frame(place: Place, text: str) -> None:
    """The name of a column of a DataFrame, of a dict and of a Parquet file."""
    values = np.arange(24.0) % 7
    (place.cwd / "run").mkdir()
    few = {"batch_sizes": [2], "replications": 16, "estimators": "mean"}
    forms: list[Any] = [{text: values}]
    with contextlib.suppress(UnicodeEncodeError):  # pandas itself refuses it
        forms.append(pd.DataFrame({text: values, "other": values[::-1]}))
    for data in forms:
        result = place.python(sn.sweep, data=data, **few)
        if result is not None:
            place.python(repr, result)
            place.python(result._repr_html_)
            place.python(result.plot)
            place.python(result.save, place.cwd / "run")
    try:
        pd.DataFrame({text: values}).to_parquet(place.cwd / "x.parquet")
    except (ImportError, ValueError):
        return  # without pyarrow, or with a name that no file holds
    place.command("sweep", "--data", "x.parquet", "--batch-sizes", "2", *FEW, "-o", "run/x")


def cell(column: int, *given: str) -> Door:
    """Return the door of a cell of a CSV file, among numbers or words."""

    def door(place: Place, text: str) -> None:
        rows = [[k % 7 + k / 8, k % 5, "xyz"[k % 3]] for k in range(24)]
        rows[5][column] = text
        rows[11][column] = text
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator="\n").writerows([["a", "b", "label"], *rows])
        write_text(place.cwd / "x.csv", file.getvalue())
        place.command(*given, "--data", "x.csv", "--batch-sizes", "2", *FEW, "-o", "run")

    return door_in("run", door)


def class_label(place: Place, text: str) -> None:
    """What a class is called, in a study that classifies."""
    rows = [[k % 7 + k / 8, k % 5, text if k % 2 else "x"] for k in range(24)]
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([["a", "b", "label"], *rows])
    write_text(place.cwd / "x.csv", file.getvalue())
    for given in (("study", "scaling"), ("answer",)):
        place.command(*given, "--data", "x.csv", "--target", "label", "--dry-run")


def whole_file(name: str) -> Door:
    """Return the door of a data file that is nothing but the text."""

    def door(place: Place, text: str) -> None:
        write_text(place.cwd / name, text)
        place.command("sweep", "--data", name, "--batch-sizes", "1", *FEW, "-o", "run")

    return door_in("run", door)


# ---------------------------------------------------------------------------------------- designs


def _toml(value: object) -> str:
    """Return a value as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def run_design(place: Place, text: str) -> None:
    """Run a design of that text, from a file and from memory."""
    write_text(place.cwd / "x.toml", text)
    place.may_read = True
    place.command("run", "x.toml", "--dry-run")
    place.python(Design.from_toml, text)


def design_text(place: Place, text: str) -> None:
    """A design of nothing but the text."""
    run_design(place, text)


def design_values(place: Place, text: str) -> None:
    """A design with the text as the value of each key, alone and in a list."""
    for key in (*DESIGN, *FURTHER):
        for value in (text, [text]):
            changed = DESIGN | {key: value}
            run_design(place, "".join(f"{k} = {_toml(v)}\n" for k, v in changed.items()))


def design_raw_values(place: Place, text: str) -> None:
    """A design with the text after the equals sign."""
    for key in DESIGN:
        changed = "".join(f"{k} = {_toml(v)}\n" for k, v in DESIGN.items() if k != key)
        run_design(place, f"{changed}{key} = {text}\n")


def design_keys(place: Place, text: str) -> None:
    """A design with the text as a key, in quotes and without, and as a table."""
    good = "".join(f"{key} = {_toml(value)}\n" for key, value in DESIGN.items())
    for line in (f"{_toml(text)} = 1", f"{text} = 1", f"[{text}]", f"[{_toml(text)}]\na = 1"):
        run_design(place, f"{good}{line}\n")
    place.python(Design.from_dict, DESIGN | {text: 1})


# ------------------------------------------------------------------------------------- run folders


def read_run(place: Place, folder: str) -> None:
    """Every command that reads a run."""
    place.command("report", folder, "-o", "-")
    place.command("plot", folder)
    place.command("plot", folder, "--kind", "overview", "-o", f"{folder}/x.png")
    place.command("check", folder)
    place.command("status", folder)
    place.command("run", folder, "--dry-run")


def table_cells(name: str) -> Door:
    """Return the door of the cells of a table in a run folder, a column at a time."""

    def door(place: Place, text: str) -> None:
        path = place.cwd / "data" / name
        kept = path.read_bytes()
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file))
        for column in range(len(head)):
            changed = [[*row[:column], text, *row[column + 1 :]] for row in rows]
            lines = io.StringIO(newline="")
            csv.writer(lines, lineterminator="\n").writerows([head, *changed])
            write_text(path, lines.getvalue())
            result = place.python(sn.load, place.cwd / "data")
            if result is not None:
                place.python(repr, result)
                place.command("report", "data", "-o", "-")
                place.command("plot", "data")
        path.write_bytes(kept)

    return door


def run_files(place: Place, text: str) -> None:
    """A run folder one of whose files is nothing but the text."""
    names = ("design.toml", "results.csv", "curves.csv", "columns.csv", "provenance.json", "run.db")
    for name in names:
        kept = (place.cwd / "data" / name).read_bytes()
        write_text(place.cwd / "data" / name, text)
        place.names("data/x.png")
        read_run(place, "data")
        (place.cwd / "data" / name).write_bytes(kept)


def provenance(place: Place, text: str) -> None:
    """A run folder with the text as values of its provenance, as a name, and in lists."""
    path = place.cwd / "data" / "provenance.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    place.names("data/x.png")
    further = ("rows_dropped", "columns_skipped", "not_begun", "tasks_given_up")
    for changed in (
        dict.fromkeys(facts, text),
        {**facts, text: text},
        {**facts, "command": text},
        {**facts, "columns_skipped": {text: text}, "not_begun": [text], "tasks_given_up": [text]},
        *({**facts, key: text} for key in further),
        [text],
        text,
    ):
        path.write_text(json.dumps(changed), encoding="utf-8")
        read_run(place, "data")


def answer_files(place: Place, text: str) -> None:
    """The folder of an answer with the text in what it says of itself."""
    folder = place.cwd / "answer"
    folder.mkdir()
    place.names("answer")
    place.may_read = False
    good = Settings("quick", 32, 16_384, ("normal",)).to_json()
    outcome = {"studies": [text], "missing": {text: [text, text]}, "provenance": {text: text}}
    missing = outcome | {"studies": ["sweep"], "missing": {"sweep": [text, text]}}
    for settings, said in (
        (text, "{}"), (json.dumps({**json.loads(good), "level": text}), "{}"), (good, text),
        (json.dumps({**json.loads(good), "names": [text]}), "{}"), (good, json.dumps(outcome)),
        (good, json.dumps(missing)),
    ):  # fmt: skip
        write_text(folder / "answer.json", settings)
        write_text(folder / "outcome.json", said)
        write_text(folder / "needed.csv", text)
        place.command("report", "answer", "-o", "-")
        place.command("status", "answer")
        place.command("answer", "--quick", "--dry-run", "-o", "answer")


def database(place: Place, text: str) -> None:
    """A run's database with the text in every field of every table that takes one, and as bytes."""
    path = place.cwd / "done" / "run.db"
    kept = path.read_bytes()
    raw = text.encode("utf-8", "surrogatepass")
    with sqlite3.connect(path) as base:
        found = base.execute("select name from sqlite_master where type = 'table'").fetchall()
        tables = [name for (name,) in found]
        facts = {table: base.execute(f"pragma table_info({table})").fetchall() for table in tables}
        fields = [(table, row[1]) for table in tables for row in facts[table]]
    base.close()
    place.names("done")
    place.may_read = False
    for table, name in fields:
        for value in (raw, raw.decode("utf-8", "replace")):
            for end in ("-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            path.write_bytes(kept)
            base = sqlite3.connect(path)
            try:
                base.execute(f"update or ignore {table} set {name} = ?", (value,))
                base.commit()
            except sqlite3.Error:
                continue  # the schema itself refuses it
            finally:
                base.close()
            place.command("check", "done")
            place.command("status", "done")
        place.command("sweep", *SMALL, "-o", "done")


def sealed_database(place: Place, text: str) -> None:
    """A run's database whose checksums fit the text: made on purpose, by one who knows how."""
    path = place.cwd / "done" / "run.db"
    kept = path.read_bytes()
    raw = text.encode("utf-8", "surrogatepass")
    plain = raw.decode("utf-8", "replace")
    place.names("done")
    place.may_read = False
    identity = read_contents(place.cwd / "done").identity
    for identified in (plain, json.dumps({text: text}), json.dumps([text]), identity):
        for labels in ([plain], json.loads(identity)):
            for stream in (plain, json.dumps([text, 1])):
                path.write_bytes(kept)
                _seal(path, identified, Numbers(stream, tuple(labels)), raw)
                place.command("check", "done")
                place.command("status", "done")
            place.command("sweep", *SMALL, "-o", "done")


def _seal(path: Path, identity: str, numbers: Numbers, payload: bytes) -> None:
    """Write an identity, a group and nodes of any payload, all with their checksums."""
    owner = group_id(identity, numbers)
    with sqlite3.connect(path) as base:
        base.execute("update meta set value = ? where key = 'identity'", (identity,))
        base.execute("update meta set value = ? where key = 'sha256'", (sealed(identity),))
        labels = json.dumps(list(numbers.labels))
        base.execute("insert into groups values (?, ?, ?)", (owner, numbers.stream, labels))
        for position, failures in enumerate(("[]", "[" * 5000, payload.decode("utf-8", "replace"))):
            row = (owner, 0, position, 16, failures, payload)
            seal = sealed(identity, *row)
            base.execute("insert or replace into nodes values (?,?,?,?,?,?,?)", (*row, seal))
    base.close()


# ------------------------------------------------------------------------------------- a cluster


def scheduler(place: Place, text: str) -> None:
    """The address of a cluster, or the file that holds it."""
    place.may_read = True
    with connecting(place):
        place.command("sweep", *SMALL, "-o", "run", "--scheduler", text)
        place.command("answer", "--quick", "--dry-run", "--scheduler", text)


def scheduler_file(place: Place, text: str) -> None:
    """A scheduler file of nothing but the text, and one with it as the address."""
    with connecting(place):
        for content in (text, json.dumps({"address": text, "type": "Scheduler", text: 1})):
            write_text(place.cwd / "x.json", content)
            place.command("sweep", *SMALL, "-o", "run", "--scheduler", "x.json")


def scheduler_that_says(place: Place, text: str) -> None:
    """What is at the port answers with the text, as it is and as a message of its length."""
    raw = text.encode("utf-8", "surrogatepass")
    for answer in (raw, len(raw).to_bytes(8, "little") + raw):
        with connecting(place), served(answer) as port:
            address = f"tcp://127.0.0.1:{port}"
            place.command("sweep", *SMALL, "-o", "run", "--scheduler", address)


@contextlib.contextmanager
def connecting(place: Place) -> Iterator[None]:
    """Let a place connect, and do not wait long."""
    usual = cluster.TO_CONNECT
    cluster.TO_CONNECT, place.may_connect = 1.0, True
    try:
        yield
    finally:
        cluster.TO_CONNECT, place.may_connect = usual, False


@contextlib.contextmanager
def served(answer: bytes) -> Iterator[int]:
    """Listen at a port, and say the same to everyone who comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    came, _ = server.accept()
                except OSError:
                    return
                with came, contextlib.suppress(OSError):
                    came.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


# ------------------------------------------------------------------------------------- the library


def library(place: Place, text: str) -> None:
    """Functions of the library that take a word."""
    few = {"batch_sizes": [2], "replications": 16, "full_size": 16}
    place.python(sn.sweep, text, **few)
    place.python(sn.sweep, "normal", estimators=text, **few)
    place.python(distribution, text)
    place.python(estimator, text)
    place.python(sn.study, text, **few)
    place.python(sn.solve, text)
    place.python(sn.solve, 0.5, quantity=text)
    place.python(sn.theory.variance_of, text, n=4, sigma=1.0)
    place.python(sn.mcse, np.arange(8.0), text)
    place.may_read = True
    place.python(sn.load, text)
    place.python(sn.check, text)


def words_of_a_result(place: Place, text: str) -> None:
    """Words that the methods of a result take."""
    result = sn.load(place.cwd / "done")
    for method, name in (
        (result.table, "measure"), (result.table, "reference"), (result.table, "value"),
        (result.plot, "kind"), (result.plot, "estimator"), (result.plot, "name"),
        (result.plot, "reference"), (result.figure, "kind"), (result.figure, "name"),
    ):  # fmt: skip
        place.python(method, **{name: text})


def kinds(place: Place, text: str) -> None:
    """A kind of figure; the file is then called after it."""
    assert kinds_of(sn.load(place.cwd / "done").frame)
    place.command("plot", "done", "--kind", text)
    place.command("plot", "done", "--single", "--kind", text)


OPTIONS = {
    "--dist": ("sweep", *SIZES, *FEW, "--estimators", "mean"),
    "--estimators": ("sweep", *SIZES, *FEW, "--dist", "normal"),
    "--batch-sizes": ("sweep", "--full-size", "16", *FEW, *ONE),
    "--full-size": ("sweep", "--batch-sizes", "2", *ONE, "--dry-run"),
    "--sampling": ("sweep", *SMALL),
    "--replications": ("sweep", *SIZES, *ONE, "--dry-run"),
    "--target-mcse": ("sweep", *SIZES, *ONE, "--max-replications", "16"),
    "--max-replications": ("sweep", *SIZES, *ONE, "--target-mcse", "50%", "--dry-run"),
    "--time-limit": ("sweep", *SMALL),
    "--seed": ("sweep", *SMALL),
    "--workers": ("sweep", *SMALL),
    "--columns": ("sweep", *OF_DATA),
    "--exclude": ("sweep", *OF_DATA),
    "--na": ("sweep", *OF_DATA),
    "--sep": ("sweep", *OF_DATA),
    "--decimal": ("sweep", *OF_DATA),
    "--paper": ("sweep", *SMALL, "--report", "r.pdf"),
    "--preset": ("study", "running", *SIZES, *FEW, "--dry-run"),
    "--steps": ("study", "running", *SIZES, *FEW, "--dry-run"),
    "--drift": ("study", "running", *SIZES, *FEW, "--dry-run"),
    "--epsilon": ("study", "inputs", *SIZES, *FEW, "--dry-run"),
    "--gamma": ("study", "inputs", *SIZES, *FEW, "--dry-run"),
    "--beta": ("study", "inputs", *SIZES, *FEW, "--dry-run"),
    "--datasets": ("study", "scaling", "--dry-run"),
    "--models": ("study", "scaling", "--dry-run"),
    "--scalers": ("study", "scaling", "--dry-run"),
    "--folds": ("study", "scaling", "--dry-run"),
    "--target": ("study", "scaling", "--data", "data.csv", "--dry-run"),
    "--nets": ("study", "shift", "--dry-run"),
    "--variants": ("study", "shift", "--dry-run"),
    "--rates": ("study", "shift", "--dry-run"),
    "--widths": ("study", "overhead", "--dry-run"),
    "--epochs": ("study", "overhead", "--dry-run"),
    "--target-rmse": ("solve", "--dist", "normal"),
    "--quantity": ("solve", "--target-rmse", "0.5"),
    "--for": ("solve", "--target-rmse", "0.5"),
    "--batch-size": ("answer", "--dry-run"),
    "--estimator": ("plot", "done", "--kind", "variance"),
    "--name": ("plot", "done", "--kind", "variance"),
    "--page": ("plot", "done", "--kind", "variance"),
    "--width": ("plot", "done", "--kind", "variance"),
    "--dpi": ("plot", "done", "--kind", "variance", "-o", "x.png"),
    "--reference": ("plot", "done", "--kind", "variance"),
    "--format": ("report", "done", "-o", "-"),
}  # fmt: skip

# What they write if a text is taken for what it is: a figure in the run's folder, or beside it.
FIGURES = ("--estimator", "--name", "--page", "--width", "--dpi", "--reference")
DOORS: dict[str, Door] = {name: command(*before, name) for name, before in OPTIONS.items()}
DOORS |= {name: door_in("x.png", door_in("done", DOORS[name])) for name in FIGURES}
DOORS |= {
    "answer --target": command("answer", "--data", "data.csv", "--dry-run", "--target"),
    "answer --columns": command("answer", "--data", "data.csv", "--dry-run", "--columns"),
    "grouped:": inside("grouped:{}", "sweep", *OF_DATA, "--sampling"),
    "a parameter of a law": inside("t(df={})", "sweep", *SIZES, *FEW, "--dist"),
    "a parameter's name": inside("normal({}=1)", "sweep", *SIZES, *FEW, "--dist"),
    "scipy.": inside("scipy.{}(a=2)", "sweep", *SIZES, *FEW, "--dist"),
    "mixture": inside("mixture(0.5*normal,0.5*{})", "sweep", *SIZES, *FEW, "--dist"),
    "list WHAT": command("list"),
    "a command": command(),
    "a study": command("study"),
    "one argument too many": command("list", "presets"),
    "run DESIGN": run_named("run"),
    "report RUN": run_named("report"),
    "plot RUN": run_named("plot"),
    "check RUN": run_named("check"),
    "status RUN": run_named("status"),
    "check --data": run_named("check", "data", "--data"),
    "--data": run_named("sweep", "--dry-run", "--data"),
    "solve --data": run_named("solve", "--target-rmse", "0.5", "--data"),
    "-o FOLDER": out,
    "--report": report_path("sweep", *SMALL, "-o", "run", "--report"),
    "--report FILE.pdf": report_path("report", "done", "-o", ending=".pdf"),
    "--report FILE.md": report_path("report", "done", "-o", ending=".md"),
    "plot -o": report_path("plot", "done", "--kind", "variance", "-o"),
    "plot -o FILE.svg": report_path("plot", "done", "--kind", "variance", "-o", ending=".svg"),
    "plot --kind": kinds,
    "a file's name": file_named(".csv"),
    "a folder's name": folder_named,
    "a column's name": door_in("run", column_name),
    "a column's name, shown": door_in("run", column_name_shown),
    "a column's name in a frame": door_in("run", column_name_in_a_frame),
    "a cell among numbers": cell(0, "sweep", "--columns", "a"),
    "a cell among words": cell(2, "sweep", "--sampling", "grouped:label"),
    "a class": class_label,
    "a file of text": whole_file("x.csv"),
    "a Parquet file": whole_file("x.parquet"),
    "an NPY file": whole_file("x.npy"),
    "an NPZ file": whole_file("x.npz"),
    "a design": design_text,
    "values in a design": design_values,
    "raw values in a design": design_raw_values,
    "keys in a design": design_keys,
    "cells of results.csv": table_cells("results.csv"),
    "cells of columns.csv": table_cells("columns.csv"),
    "files of a run": run_files,
    "provenance": provenance,
    "run.db": database,
    "run.db with checksums": sealed_database,
    "files of an answer": answer_files,
    "--scheduler": scheduler,
    "a scheduler file": scheduler_file,
    "what a scheduler says": scheduler_that_says,
    "the library": library,
    "words of a result": words_of_a_result,
}
