"""Keeps the finished nodes of a run, and finds them again.

The store is a pool: it holds every node that was ever finished in its folder, and a design takes
from it what it asks for. One transaction a task, in WAL mode with ``synchronous=FULL``: nothing
that was acknowledged is lost. What is damaged is put aside, and drawn again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simnorm import database, store
from simnorm.database import (
    DATABASE,
    NODES,
    PROGRESS,
    SESSIONS,
    Contents,
    Numbers,
    Row,
    Rows,
    Session,
    group_id,
    places_of,
    read_contents,
    row_of,
    sealed,
)
from simnorm.design import Design, canonical_json
from simnorm.disk import refused
from simnorm.errors import Interrupted, RunError, SimnormError
from simnorm.fingerprint import hidden_in
from simnorm.formatting import plural, utc_text
from simnorm.labels import fingerprints, labels, stream_name
from simnorm.locking import HeldError, Lock
from simnorm.strands import Group, Place
from simnorm.studies.drawing import sources
from simnorm.tasks import Job, Node

if TYPE_CHECKING:
    from simnorm.engine import Progress

# Letters of what a session is noted to have failed by.
LONGEST_OUTCOME = 300


def _locked(folder: Path) -> Lock:
    try:
        return Lock(folder)
    except HeldError:
        raise SimnormError(
            "out",
            str(folder),
            f"another process is at work there{_holder(folder)}",
            "Wait for it, stop it, or name another folder.",
        ) from None


def _holder(folder: Path) -> str:
    """Return who is at work in a folder, as far as that can be told."""
    try:
        with database.opened(folder) as reader:
            session = Session(*reader.execute(SESSIONS).fetchall()[-1])
    except (sqlite3.Error, IndexError, OSError):
        return ""
    return f" (process {session.pid} on {session.host}, since {utc_text(session.started)})"


class Store:
    """The database of one run. Use as a context manager.

    Parameters
    ----------
    folder
        The run folder, which exists. What it holds is kept, and used as far as it is sound.
    design
        The design that is run.
    session
        What to note of this process's work: ``workers``, ``backend``, ``command``, ``versions``.

    Attributes
    ----------
    notes
        Sentences about what was found: damage, another environment.

    Raises
    ------
    SimnormError
        If another process is at work in the folder, or its numbers are of another design.
    """

    def __init__(self, folder: Path, design: Design, session: dict[str, Any] | None = None) -> None:
        self.folder, self.path = folder, folder / DATABASE
        self.notes: list[str] = []
        self._identity = store.identity_of(design)
        self._known: set[str] = set()
        self._of_strand: dict[tuple[int, int], tuple[str, Numbers]] = {}
        self._drawn = 0
        self._progress: Progress | None = None
        self._lock = _locked(folder)
        try:
            contents = self._found()
            self._functions = fingerprints(design)
            made_of = sealed(design.to_toml(), canonical_json(self._functions))
            if differs := store.differences_of(contents, design):
                raise SimnormError(
                    "out", str(folder), f"it holds another run ({'; '.join(differs)})",
                    "Name another folder.",
                )  # fmt: skip
            self._take_over(design, contents.made_of == made_of)
            self._database = connected(self.path)
            try:
                self._prepare(design, contents, made_of)
                self._begin(session or {}, contents)
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self._note_hidden(design)
        self._groups, self._places = contents.groups, places_of(contents)
        self._pool = Rows(self._groups, self._places, self._fetch)

    def _note_hidden(self, design: Design) -> None:
        """Note which functions are another process's for certain, whatever they are."""
        for kind in design.functions:
            if hidden := hidden_in(kind.function, kind.given):
                self.notes.append(
                    f"{kind} uses what cannot be seen into ({', '.join(hidden)}): another process "
                    "that goes on draws its numbers anew"
                )

    def changed(self, design: Design) -> list[str]:
        """Return a sentence for every function that is not what it was when the run began."""
        now = fingerprints(design)
        return [
            f"{name} has changed while it was called, as with a table of what it was called with: "
            "a run that goes on draws its numbers anew"
            for name, before in self._functions.items()
            if now[name] != before
        ]

    def _found(self) -> Contents:
        """Return what is there and sound; put aside what is not."""
        for path in self.folder.iterdir():
            if store.is_temporary(path.name):
                path.unlink(missing_ok=True)
        finish_mending(self.folder)
        if not self.path.exists():
            return database.NOTHING
        if self.path.with_name(f"{DATABASE}-journal").exists():
            # Where a disk knows no WAL mode: what was cut off is taken back, by SQLite itself.
            with contextlib.suppress(sqlite3.Error), contextlib.closing(connected(self.path)):
                pass
        contents = read_contents(self.folder, with_numbers=False, expected=self._identity)
        if database.ORPHANS in contents.faults:
            hint = "Give the command it was made with, or name another folder."
            raise SimnormError("out", str(self.folder), "; ".join(contents.faults), hint)
        if contents.faults:
            contents = read_contents(self.folder, expected=self._identity)
            aside = put_aside(self.folder, contents)
            some = "; ".join(contents.faults[:2]) + ("; ..." if len(contents.faults) > 2 else "")
            sound = plural(len(contents.rows), "sound node")
            self.notes.append(
                f"{self.path} is damaged ({some}): kept as {aside.name}; {sound} of it "
                "taken over, what is missing is drawn again"
            )
        return contents

    def _take_over(self, design: Design, is_its_own: bool) -> None:
        """Make the folder one of this design: what was made of another one is gone first.

        Its file does not tell: somebody may have changed it, and of functions it has only names.
        """
        text = design.to_toml()
        path = self.folder / store.DESIGN
        if is_its_own and path.exists() and path.read_bytes() == text.encode():
            return
        self._unmake()
        store.write_text(path, text)

    def _unmake(self) -> None:
        """Take away what was made of other numbers than those that are there now."""
        for name in store.MADE:
            (self.folder / name).unlink(missing_ok=True)

    def _prepare(self, design: Design, contents: Contents, made_of: str) -> None:
        execute = self._database.execute
        execute("begin immediate")
        if not contents.identity:
            create(self._database, self._identity)
        for pair in store.data_of(design).items():
            execute("insert or ignore into data values (?, ?)", pair)
        execute("delete from meta where key = ?", (PROGRESS,))
        functions = canonical_json(self._functions)
        execute("insert or replace into meta values ('functions', ?)", (functions,))
        execute("insert or replace into meta values (?, ?)", (database.MADE_OF, made_of))
        execute("commit")

    def _begin(self, session: dict[str, Any], contents: Contents) -> None:
        versions = session.get("versions", {})
        if contents.sessions and versions and contents.rows:
            before = json.loads(contents.sessions[-1].versions)
            changed = [
                f"{name} {before[name]} then, {value} now"
                for name, value in versions.items()
                if before.get(name, value) != value
            ]
            if changed:
                self.notes.append(
                    f"{self.folder} goes on in another environment ({'; '.join(changed)}): its "
                    "numbers are as good, but last digits may differ from those of a single run"
                )
        self._started = time.perf_counter()
        self._number = 1 + max((session.number for session in contents.sessions), default=0)
        row = Session(
            self._number, _now(), "", 0.0, 0, session.get("workers", 0),
            session.get("backend", ""), socket.gethostname(), os.getpid(),
            session.get("command", ""), canonical_json(versions), "",
        )  # fmt: skip
        marks = ", ".join("?" * len(row))
        self._database.execute(f"insert into sessions values ({marks})", row)
        self._before = sum(session.seconds for session in contents.sessions)

    def groups(self, stream: str) -> Sequence[Group]:
        """Return what is stored of a stream: the store is a pool."""
        return self._pool.groups(stream)

    def _fetch(self, owner: str, place: Place) -> Row:
        where = " where owner = ? and level = ? and position = ? and replications = ?"
        row = Row(*self._database.execute(NODES + where, (owner, *place)).fetchone())
        if sealed(self._identity, *row[:-1]) != row.sha256:
            raise RunError(
                "out", str(self.path), "a number in it has changed while it was in use",
                "Run the same command again.",
            )  # fmt: skip
        return row

    def add(self, job: Job, node: Node) -> None:
        """Keep a finished node in a transaction of its own."""
        owner, numbers = self._group(job)
        place = Place(job.task.level, job.task.position, node.tally.count)
        row = row_of(self._identity, owner, place, node)
        execute = self._database.execute
        try:
            if not self._known:
                # A run that time had ended goes on: its tables are of fewer numbers than these.
                self._unmake()
            execute("begin immediate")
            if owner not in self._known:
                text = canonical_json(list(numbers.labels))
                execute("insert or ignore into groups values (?, ?, ?)", (owner, numbers[0], text))
            execute("insert or ignore into nodes values (?, ?, ?, ?, ?, ?, ?)", row)
            self._note_session(self._drawn + node.draws)
            execute("commit")
        except (OSError, sqlite3.Error) as error:
            with contextlib.suppress(sqlite3.Error):
                execute("rollback")
            raise refused(self.path, error, len(row.payload)) from None
        self._known.add(owner)
        self._drawn += node.draws

    def note(self, progress: Progress) -> None:
        """Take how far the run is: noted with the next node, for who asks (`simnorm status`)."""
        self._progress = progress

    def _note_session(self, drawn: int, ended: str = "", outcome: str = "") -> None:
        """Write what the session has done so far, so that it is known even if it is killed."""
        self._database.execute(
            "update sessions set ended = ?, seconds = ?, draws = ?, outcome = ? where number = ?",
            (ended, self.seconds - self._before, drawn, outcome, self._number),
        )
        if self._progress is not None:
            said = canonical_json(self._progress._asdict())
            self._database.execute("insert or replace into meta values (?, ?)", (PROGRESS, said))

    def _group(self, job: Job) -> tuple[str, Numbers]:
        """Return whose numbers a job computes: the same for all jobs of a strand."""
        key = job.number, job.strand
        if key not in self._of_strand:
            source = sources(job.design)[job.task.source]
            numbers = Numbers(stream_name(job.design, source), labels(job.design, source))
            self._of_strand[key] = group_id(self._identity, numbers), numbers
        return self._of_strand[key]

    @property
    def sessions(self) -> int:
        """How many sessions the run has had, this one among them."""
        return self._number

    @property
    def seconds(self) -> float:
        """How long all sessions have worked on the run so far."""
        return self._before + time.perf_counter() - self._started

    def close(self, outcome: str) -> None:
        """Note how the session has ended, and let others have the folder."""
        try:
            with contextlib.suppress(sqlite3.Error):
                self._note_session(self._drawn, _now(), outcome)
                # A reader that is there just now would keep SQLite from emptying the log.
                self._database.execute("pragma wal_checkpoint(truncate)")
            self._database.close()
            self._tidy()
        finally:
            self._lock.release()

    def _tidy(self) -> None:
        """Let SQLite take its log away, which it leaves where somebody was reading at the end."""
        for _ in range(database.TRIES):
            if not self.path.with_name(f"{DATABASE}-wal").exists():
                return
            time.sleep(0.05)
            with contextlib.suppress(sqlite3.Error), contextlib.closing(connected(self.path)):
                pass

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
        outcome = database.FINISHED if kind is None else f"{database.FAILED}{_words(error)})"
        if kind is not None and issubclass(kind, KeyboardInterrupt | Interrupted):
            outcome = database.INTERRUPTED
        self.close(outcome)


def _words(error: BaseException | None) -> str:
    """Return what a run has failed by: of our own errors what they say, of others their kind."""
    said = error.allowed if isinstance(error, SimnormError) else type(error).__name__
    return " ".join(said.split())[:LONGEST_OUTCOME]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def connected(path: Path) -> sqlite3.Connection:
    """Return a connection that writes so that nothing acknowledged is lost."""
    found = sqlite3.connect(path, isolation_level=None)
    try:
        found.execute("pragma journal_mode = wal")
        found.execute("pragma synchronous = full")
    except BaseException:
        found.close()
        raise
    return found


def create(connection: sqlite3.Connection, identity: str) -> None:
    """Make the tables of a database, and note what its run is of; inside a transaction."""
    for statement in database.SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)
    meta = {"identity": identity, "sha256": sealed(identity)}
    connection.executemany("insert into meta values (?, ?)", meta.items())


def put_aside(folder: Path, contents: Contents) -> Path:
    """Put a damaged database aside, and what is sound of it into a new one in its place.

    At no time is anything lost if the process ends: first all is copied, then the new one is
    there, and only then does it take the old one's place.

    Returns
    -------
    Path
        Where the damaged one is now.
    """
    path = folder / DATABASE
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{store.ASIDE}{stamp}")
    for end in ("", *database.LOGS):
        if path.with_name(DATABASE + end).exists():
            shutil.copyfile(path.with_name(DATABASE + end), aside.with_name(aside.name + end))
    with store.atomic(folder / store.MENDED) as fresh:
        if contents.identity:
            fill(fresh, contents)
    finish_mending(folder)
    return aside


def finish_mending(folder: Path) -> None:
    """Let a mended database that is there take the damaged one's place."""
    mended = folder / store.MENDED
    if mended.exists():
        # A log that stays behind would be taken for the new database's.
        for end in (*database.LOGS, "-shm"):
            (folder / f"{DATABASE}{end}").unlink(missing_ok=True)
        mended.replace(folder / DATABASE)


def fill(path: Path, contents: Contents) -> None:
    """Write a database that holds what is believed of another one."""
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as fresh:
        # It is given its name when it is whole, so that it needs no journal.
        fresh.execute("pragma journal_mode = off")
        fresh.execute("pragma synchronous = full")
        fresh.execute("begin immediate")
        create(fresh, contents.identity)
        fresh.executemany("insert into data values (?, ?)", contents.data.items())
        for owner, (stream, names) in contents.groups.items():
            text = canonical_json(list(names))
            fresh.execute("insert into groups values (?, ?, ?)", (owner, stream, text))
        fresh.executemany("insert into nodes values (?, ?, ?, ?, ?, ?, ?)", contents.rows)
        marks = ", ".join("?" * len(Session._fields))
        fresh.executemany(f"insert or ignore into sessions values ({marks})", contents.sessions)
        fresh.execute("commit")
