"""What the proofs of a run's store share: small runs of every kind, and processes that are ended.

A run is made in a child that this process forks: a fraction of a second each, so that hundreds can
be killed. A process that forks must have no threads, so none is started here.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simnorm import database, keeping, store, streams
from simnorm.api import run
from simnorm.database import Contents, Row, read_contents
from simnorm.design import Design
from simnorm.errors import SimnormError

PROOF = Path(__file__).resolve().parents[2] / "reports" / "proof"
# What a run comes to: the same bytes whatever has happened to it.
TABLES = (store.DESIGN, store.RESULTS, store.CURVES, store.COLUMNS)
# No child takes longer, in seconds, unless something is wrong.
PATIENCE = 120.0


def wishes(
    part: str, doc: str | None, table: Path, parts: Iterable[str], arguments: list[str]
) -> argparse.Namespace:
    """Return what is asked of a part of the proof: where to write, a sample, or one piece."""
    parser = argparse.ArgumentParser(prog=f"scripts/prove {part}", description=doc)
    parser.add_argument("-o", "--output", type=Path, default=table)
    parser.add_argument("--sample", action="store_true", help="a few of each, in seconds")
    parser.add_argument("--part", choices=[*parts], help="this one alone")
    return parser.parse_args(arguments)


def written(found: pd.DataFrame, path: Path, wrong: list[str]) -> None:
    """Write a table of the proof; end with an error if a column says that something is wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(path, index=False)
    if found[wrong].to_numpy().any():
        raise SystemExit(1)


def spread(sample: Any, axis: int = -1) -> Any:
    """Return the mean absolute deviation from zero: a function of a user's."""
    return np.abs(sample).mean(axis=axis)


def blocks_of_16() -> None:
    """Let blocks have 16 replications in this process."""
    streams.BLOCK_DRAWS = 1


def small_blocks() -> None:
    """Let blocks have 16 replications from now on, so that small runs have many.

    A small run is made too: children then begin with all imports and compiled code behind them.
    """
    blocks_of_16()
    with tempfile.TemporaryDirectory() as folder:
        for designs in kinds(Path(folder)).values():
            run(designs[-1], workers=1)
    if threading.active_count() > 1:
        raise RuntimeError("a process that forks must have one thread alone")


def _law(**changes: Any) -> Design:
    values: dict[str, Any] = {
        "distributions": ["normal", "exponential"],
        "estimators": ["mean", "std"],
        "batch_sizes": [2, 4],
        "full_size": 16,
        "replications": 16 * 7 + 3,
    }
    return Design.make(**(values | changes))


def _data(folder: Path) -> Design:
    path = folder / "data.csv"
    rows = (f"{i**1.5},{i % 7},{-i}" for i in range(20))
    path.write_text("\n".join(["a,b,c", *rows, ""]), encoding="utf-8")
    schemes = ["shuffle", "replacement"]
    return _law(distributions=None, data=path, full_size=None, sampling=schemes)


def kinds(folder: Path) -> dict[str, list[Design]]:
    """Return the designs that are run in one folder, one after the other, by the kind of run.

    The tables of the last one must be those of a run of its own.

    Parameters
    ----------
    folder
        Where the file with data is made.
    """
    return {
        "laws": [_law()],
        "data": [_data(folder)],
        "target": [
            _law(replications=None, target_mcse="6%", max_replications=2048, estimators=["mean"])
        ],
        "function": [_law(estimators=["mean", spread])],
        "more sizes": [_law(batch_sizes=[4]), _law(batch_sizes=[2, 4, 8])],
        "fewer laws, more replications": [_law(), _law(distributions=["normal"], replications=200)],
    }


def tiny() -> Design:
    """Return a design whose store is a few pages."""
    return _law(distributions="normal", estimators="mean", batch_sizes=[2], replications=16 * 3)


def tables_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of what a run comes to."""
    return {name: (folder / name).read_bytes() for name in TABLES if (folder / name).is_file()}


def leftovers(folder: Path) -> list[str]:
    """Return names of files that no run leaves."""
    known = {*store.OURS}
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.name not in known and not path.name.startswith(f"{database.DATABASE}.corrupt-")
    )


def change_number(folder: Path) -> None:
    """Change one bit of a number in a run's store."""
    path = folder / store.DATABASE
    (row, *_) = read_contents(folder).rows
    data = bytearray(path.read_bytes())
    data[data.index(row.payload[-32:]) + 16] ^= 1
    path.write_bytes(data)
    if not read_contents(folder).faults:
        raise RuntimeError(f"{path} is as sound as before")


def unbelieved(found: Contents, whole: Contents) -> list[str]:
    """Return what is believed of a damaged store though it was never written there."""
    if not found.identity:
        return [] if not found.rows else ["rows without an identity"]
    wrong = [] if found.identity == whole.identity else ["identity"]
    rows = set(whole.rows)
    wrong += [f"a row of {row.owner[:8]}" for row in found.rows if row not in rows]
    groups = whole.groups.items()
    wrong += [f"group {owner[:8]}" for owner in found.groups.items() if owner not in groups]
    return wrong


# Processes


@dataclass
class Ended:
    """How a child has ended.

    Parameters
    ----------
    status
        What it returned; minus the signal that has killed it.
    added
        Owner, level, position and replications of every node whose storing was acknowledged.
    said
        The error that it ended with, as one text; empty if none.
    is_own
        Whether the error is of simnorm's family.
    """

    status: int
    added: list[tuple[Any, ...]] = field(default_factory=list)
    said: str = ""
    is_own: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def was_killed(self) -> bool:
        """Whether it was killed before its end."""
        return self.status == -signal.SIGKILL


class Child:
    """A forked process that works on a run."""

    def __init__(self, action: Callable[[Callable[[object], None]], object]) -> None:
        self._reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid:
            os.close(writer)
            return
        status = 1
        try:
            os.close(self._reader)
            os.setsid()

            def tell(said: object) -> None:
                os.write(writer, json.dumps(said).encode() + b"\n")

            try:
                action(tell)
                status = 0
            except SimnormError as error:
                tell(["error", True, str(error)])
            except BaseException:
                tell(["error", False, traceback.format_exc()])
        finally:
            os._exit(status)

    def ended(self, kill_after: float | None = None) -> Ended:
        """Wait for its end; kill it after some seconds."""
        limit = PATIENCE if kill_after is None else kill_after
        end, heard = time.monotonic() + limit, b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self._reader], [], [], left)[0]:
                part = os.read(self._reader, 1 << 16)
                if not part:
                    break
                heard += part
        else:
            os.kill(self.pid, signal.SIGKILL)
            if kill_after is None:
                raise TimeoutError(f"a child has not ended within {PATIENCE:g} seconds")
        while part := os.read(self._reader, 1 << 16):
            heard += part
        os.close(self._reader)
        _, status = os.waitpid(self.pid, 0)
        found = Ended(os.waitstatus_to_exitcode(status))
        # What was cut off had not been told yet.
        for line in heard.split(b"\n")[:-1]:
            word, *rest = json.loads(line)
            if word == "added":
                found.added.append(tuple(rest))
            elif word == "note":
                found.notes.append(rest[0])
            else:
                found.is_own, found.said = rest
        return found


def worker(
    design: Design, folder: Path, prepare: Callable[[], object] | None = None, **options: Any
) -> Child:
    """Return a child that runs a design in a folder, and tells of every node it has stored."""

    def action(tell: Callable[[object], None]) -> None:
        add = keeping.Store.add

        def told(self: keeping.Store, job: Any, node: Any) -> None:
            add(self, job, node)
            owner, _ = self._group(job)
            tell(["added", owner, job.task.level, job.task.position, node.tally.count])

        keeping.Store.add = told  # type: ignore[method-assign]
        if prepare is not None:
            prepare()
        values: dict[str, Any] = {"workers": 2} | options
        run(design, out=folder, on_note=lambda said: tell(["note", said]), **values)

    return Child(action)


def finished(designs: list[Design], folder: Path, **options: Any) -> Ended:
    """Run designs in a folder to their ends, one after the other."""
    found = Ended(0)
    for design in designs:
        found = worker(design, folder, **options).ended()
        if found.status:
            raise RuntimeError(f"{folder} does not go on: {found.said}")
    return found


def lost(added: set[tuple[Any, ...]], rows: list[Row]) -> int:
    """Return how many acknowledged nodes are not there."""
    return len(added - {(row.owner, *row.place) for row in rows})


# What a run does to its folder, step by step

STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate", "sqlite3.connect")


def watch_steps(folder: Path, at_step: Callable[[int, str], None]) -> None:
    """Call a function before every step that this process takes in a folder, with its number.

    A step is a file opened, made, moved, removed or brought to the disk, and a statement to a
    database. What the function raises, the step raises. There is no way back: for a child.
    """
    place, count = os.fspath(folder), 0

    def step(what: str) -> None:
        nonlocal count
        count += 1
        at_step(count, what)

    def heard(event: str, args: tuple[Any, ...]) -> None:
        if event in STEPS and any(_is_in(place, one) for one in args[:2]):
            step(f"{event} {Path(os.fspath(args[0])).name}")

    class Watched(sqlite3.Connection):
        def execute(self, text: str, *values: Any) -> sqlite3.Cursor:
            step(f"sql {text.strip()[:40]}")
            return super().execute(text, *values)

        def executemany(self, text: str, *values: Any) -> sqlite3.Cursor:
            step(f"sql {text.strip()[:40]}")
            return super().executemany(text, *values)

    connect, fsync = sqlite3.connect, os.fsync

    def watched(*args: Any, **options: Any) -> sqlite3.Connection:
        return connect(*args, factory=Watched, **options)

    def synced(handle: int) -> None:
        step("fsync")
        fsync(handle)

    sys.addaudithook(heard)
    sqlite3.connect = watched  # type: ignore[assignment]
    os.fsync = synced


def _is_in(place: str, path: object) -> bool:
    return isinstance(path, str | os.PathLike) and place in os.fspath(path)


def steps_of(design: Design, folder: Path, before: Callable[[], object] | None = None) -> list[str]:
    """Return the steps that a run takes in a folder; `before` is done in its process first."""
    told: list[str] = []
    reader, writer = os.pipe()

    def prepare() -> None:
        if before is not None:
            before()
        watch_steps(folder, lambda _, what: void(os.write(writer, what.encode() + b"\0")))

    child = worker(design, folder, prepare)
    os.close(writer)
    with open(reader, "rb") as file:
        told = file.read().decode().split("\0")[:-1]
    child.ended()
    return told


def void(_: object) -> None:
    """Do nothing with a value."""
