"""The run folder: who may write where, atomic files, and the store of finished nodes.

``run.db`` is a SQLite database in WAL mode with ``synchronous=FULL``: one transaction per task,
so that nothing acknowledged is lost. Its payloads are plain arrays of doubles with a checksum;
pickles are neither written nor read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from simnorm.design import Design, grouping
from simnorm.engine import ENGINE_VERSION, Node, Task
from simnorm.errors import RunError, SimnormError
from simnorm.precision import target
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources

DESIGN, DATABASE, RESULTS = "design.toml", "run.db", "results.csv"
CURVES, PROVENANCE, REPORT = "curves.csv", "provenance.json", "report.pdf"
# Of a run on data only: what the columns are like.
COLUMNS = "columns.csv"

# Another value of these means other draws: such a run never shares a folder.
IDENTITY = ("study", "full_size", "seed", "steps", "target", "folds", "epochs")

# What another run in the same folder may add to, but not take from.
GROWING = (
    "distributions", "columns", "sampling", "estimators", "batch_sizes",
    "epsilon", "gamma", "beta", "presets", "drift",
    "datasets", "models", "scalers", "nets", "variants", "rates", "widths",
)  # fmt: skip

SCHEMA = """
create table meta (key text primary key, value text not null);
create table nodes (
    source text not null, level integer not null, position integer not null,
    replications integer not null, payload blob not null, sha256 text not null,
    primary key (source, level, position)
) without rowid;
create table failures (
    source text not null, cell integer not null, replication integer not null,
    message text not null
);
"""


def default_folder(design: Design) -> Path:
    """Return the folder a design's run goes to unless another is named."""
    return Path("runs") / f"{design.study}-{design.identity()}"


def check_folder(folder: Path, design: Design) -> None:
    """Refuse a folder that the run may not write to; create nothing.

    Raises
    ------
    SimnormError
        If it is a file, not writable, holds something that is no run, or a run of another seed,
        full size or study, or with more in it than the design asks for.
    """
    check_writable(folder, "out")
    if folder.exists() and not folder.is_dir():
        raise SimnormError("out", str(folder), "it is a file, a folder is needed")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not is_run(folder):
        raise SimnormError(
            "out", str(folder), "the folder holds files but no run", "Name a new or empty folder."
        )
    before = Design.from_file(folder / DESIGN, read=False)
    differs = [
        f"{key} {getattr(before, key)} there, {getattr(design, key)} here"
        for key in IDENTITY
        if getattr(before, key) != getattr(design, key)
    ]
    differs += _other_data(before, design)
    if not differs:
        differs = _left_out(before, design)
    if differs:
        raise SimnormError(
            "out",
            str(folder),
            f"it holds the run of another design ({'; '.join(differs)})",
            "Name another folder.",
        )


def _other_data(before: Design, design: Design) -> list[str]:
    """Return in which way a folder's run is of other data than the new design's."""
    if bool(before.data) != bool(design.data):
        kinds = [f"data {d.data!r}" if d.data else "distributions" for d in (before, design)]
        return [f"{kinds[0]} there, {kinds[1]} here"]
    shared = [name for name in before.columns if name in design.columns]
    if not design.data or design.dataset is None or len(shared) < len(before.columns):
        return []  # columns that are missing are told of elsewhere
    groups = grouping(before.sampling, before.target)
    if not set(groups) <= set(grouping(design.sampling, design.target)):
        return []
    same = design.dataset.digest(before.columns, groups) == before.data_sha256
    return [] if same else ["the numbers of the data have changed"]


def _left_out(before: Design, design: Design) -> list[str]:
    """Return what a folder's run holds and the new design would not: it would be lost."""
    left_out = []
    if coarser := _coarser(before, design):
        left_out.append(coarser)
    for key in GROWING:
        missing = [str(part) for part in getattr(before, key) if part not in getattr(design, key)]
        if missing:
            some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            left_out.append(f"{key} {some} not here")
    return left_out


def where_runs_are(folder: Path) -> str:
    """Return what to do where a folder with a run is needed, and this one holds none."""
    # os.path says no to names that are too long for the system, where pathlib raises.
    there = os.path.isdir(folder)
    inside = [path.parent.name for path in sorted(folder.glob(f"*/{DESIGN}"))] if there else []
    if inside:
        return f"There are runs inside: {folder / inside[0]} and others."
    return "`simnorm sweep` makes one."


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run."""
    return all((folder / name).is_file() for name in (DESIGN, DATABASE))


def _coarser(before: Design, design: Design) -> str:
    """Return in which way a design asks for less precision than a folder's run had."""
    if before.target_mcse:
        if not design.target_mcse:
            return f"target MCSE {before.target_mcse} there, R {design.replications:,} here"
        there, here = target(before.target_mcse), target(design.target_mcse)
        if there.is_share != here.is_share or there.value < here.value:
            return f"target MCSE {there} there, {here} here"
    if before.replications > design.replications:
        limits = ["at most " if d.target_mcse else "" for d in (before, design)]
        return (
            f"R {limits[0]}{before.replications:,} there, {limits[1]}{design.replications:,} here"
        )
    return ""


def replaced(folder: Path, design: Design) -> str:
    """Return what a run in the folder had asked for, if the new one asks for something else."""
    if not is_run(folder):
        return ""
    before = Design.from_file(folder / DESIGN, read=False)
    if (before.target_mcse, before.replications) == (design.target_mcse, design.replications):
        return ""
    if before.target_mcse:
        return f"target MCSE {before.target_mcse}, at most R = {before.replications:,}"
    return f"R = {before.replications:,}"


def check_writable(path: Path, parameter: str) -> None:
    """Refuse a path whose nearest existing parent cannot be written to.

    A file is made and removed again, because permission bits do not tell all (a read-only disk).
    """
    try:
        parent = path if path.is_dir() else path.parent
        while not parent.exists():
            parent = parent.parent
        path.exists()  # a name may be longer than the system allows
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise SimnormError(
            parameter,
            str(path),
            f"it cannot be written ({error.strerror})",
            "Name a place that you may write to.",
        ) from None


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path` that takes its place when the block ends well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a result should be as readable as any other file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step: either all of it is there or none."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def source_name(source: Source) -> str:
    """Return what a source is called in the database: JSON of what it has."""
    return json.dumps([part for part in source if part])


def cells_text(design: Design) -> str:
    """Return the cells of every source as JSON."""
    cells = {
        source_name(source): [[str(c[0]), *c[1:]] for c in study_of(design).cells(design, source)]
        for source in sources(design)
    }
    return json.dumps(cells)


class Store:
    """The database of one run. Use as a context manager.

    Parameters
    ----------
    folder
        The run folder, which exists. A database that is there is replaced: it is a cache.
    design
        The design that is run.
    """

    def __init__(self, folder: Path, design: Design) -> None:
        self.path = folder / DATABASE
        for old in (self.path, *(self.path.with_name(DATABASE + end) for end in ("-wal", "-shm"))):
            old.unlink(missing_ok=True)
        self._sources = [source_name(source) for source in sources(design)]
        self._database = sqlite3.connect(self.path, isolation_level=None)
        try:
            self._prepare(design)
        except BaseException:
            # A database without a run in it would keep the folder from being used again.
            self._database.close()
            self.path.unlink(missing_ok=True)
            raise

    def _prepare(self, design: Design) -> None:
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")
        self._database.executescript(SCHEMA)
        meta = {
            "engine_version": str(ENGINE_VERSION),
            "design": design.to_toml(),
            "cells": cells_text(design),
        }
        self._database.executemany("insert into meta values (?, ?)", meta.items())

    def add(self, task: Task, node: Node) -> None:
        """Keep a finished node in a transaction of its own."""
        tally = node.tally
        buffer = io.BytesIO()
        arrays = [np.concatenate([tally.pivot, tally.offset, tally.scatter]), node.kept]
        if tally.void is not None:
            arrays.append(tally.void)
        for array in arrays:
            np.lib.format.write_array(buffer, array, allow_pickle=False)
        payload = buffer.getvalue()
        row = (
            self._sources[task.source],
            task.level,
            task.position,
            tally.count,
            payload,
            hashlib.sha256(payload).hexdigest(),
        )
        failures = [(row[0], cell, *failure) for cell, failure in node.failures.items()]
        try:
            self._database.execute("begin")
            self._database.execute("insert into nodes values (?, ?, ?, ?, ?, ?)", row)
            self._database.executemany("insert into failures values (?, ?, ?, ?)", failures)
            self._database.execute("commit")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("rollback")
            raise RunError(
                "out", str(self.path), f"it cannot be written ({error})", "Is the disk full?"
            ) from None

    def __enter__(self) -> Store:
        """Return the store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the database; what was added is kept whatever happened."""
        self._database.close()
