"""The database of a run: its tables, what a row says, and reading it without trusting it.

``run.db`` is SQLite. A row of the table of nodes holds plain arrays of doubles and a checksum over
all of its fields and over what identifies the run, so that a row is believed or is not there. That
its numbers are those of the design's draws only drawing them again can tell (`simnorm.checking`).
Pickles are neither written nor read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simnorm.design import canonical_json
from simnorm.labels import plain
from simnorm.locking import is_held
from simnorm.strands import Group, Place
from simnorm.tally import Tally
from simnorm.tasks import Failure, Node

DATABASE = "run.db"
# Raised whenever the tables change.
STORE_VERSION = 2
# What is said of numbers if nothing tells what they are of.
ORPHANS = "what is stored is of another design, or damaged too"
# What the first one is taken for: it did not say.
FIRST_STORE = '{"store":1}'

SCHEMA = """
create table meta (key text primary key, value text not null);
create table data (name text primary key, sha256 text not null);
create table groups (id text primary key, stream text not null, labels text not null);
create table nodes (
    owner text not null, level integer not null, position integer not null,
    replications integer not null, failures text not null, payload blob not null,
    sha256 text not null,
    primary key (owner, level, position, replications)
) without rowid;
create table sessions (
    number integer primary key, started text not null, ended text not null,
    seconds real not null, draws integer not null, workers integer not null,
    backend text not null, host text not null, pid integer not null,
    command text not null, versions text not null, outcome text not null
);
"""

# Where `meta` says how far the last session had come: `simnorm.engine.Progress`, as JSON.
PROGRESS = "progress"
MADE_OF = "made_of"
# Rows of the first array of a payload: pivots and offsets of A and Q, and three sums of products.
SUMS = 7
# Files beside a database: what is not in it yet, and what must be taken out of it again.
LOGS = ("-wal", "-journal")
# What SQLite says of the system, not of the file: no reason to call a database damaged.
OF_THE_SYSTEM = {
    sqlite3.SQLITE_AUTH, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY,
}  # fmt: skip
# How often a database is opened that another process opens and closes.
TRIES = 3
MOST_LEVEL = 62
PLACES = "select owner, level, position, replications from nodes"
NODES = "select owner, level, position, replications, failures, payload, sha256 from nodes"
SESSIONS = (
    "select number, started, ended, seconds, draws, workers, backend, host, pid, command, "
    "versions, outcome from sessions order by number"
)


class Row(NamedTuple):
    """A row of the table of nodes, as it stands there."""

    owner: str
    level: int
    position: int
    replications: int
    failures: str
    payload: bytes
    sha256: str

    @property
    def place(self) -> Place:
        """Where the node stands."""
        return Place(self.level, self.position, self.replications)


class Session(NamedTuple):
    """One process's work on a run; `ended` and `outcome` are empty while it lasts or if it died."""

    number: int
    started: str
    ended: str
    seconds: float
    draws: int
    workers: int
    backend: str
    host: str
    pid: int
    command: str
    versions: str
    outcome: str


# How a session has ended: `outcome` is one of the first two, or begins with the third, and goes on
# with why, and a bracket.
FINISHED, INTERRUPTED, FAILED = "finished", "interrupted", "failed ("


class Numbers(NamedTuple):
    """Whose numbers a group of nodes holds: a stream, and labels (see `simnorm.labels`)."""

    stream: str
    labels: tuple[str, ...]


class Contents(NamedTuple):
    """What is believed of a database, and what is not.

    Parameters
    ----------
    identity
        What the run is of: see `simnorm.store.identity_of`. Empty if nothing is there yet.
    data
        Hashes of columns, and of what groups the rows, by their names.
    groups
        Whose numbers nodes hold, by the group's id.
    rows
        The nodes.
    sessions
        The sessions, the last one last.
    functions
        Fingerprints of functions of the user as last given, by their names.
    faults
        A sentence for everything that is not believed.
    progress
        How far the last session had come when it last kept something, as `simnorm.engine.Progress`
        has it; empty if it has kept nothing.
    made_of
        Checksum of the design, and of its functions, that was last run.
    """

    identity: str
    data: dict[str, str]
    groups: dict[str, Numbers]
    rows: list[Row]
    sessions: list[Session]
    functions: dict[str, str]
    faults: list[str]
    progress: dict[str, int] = {}  # noqa: RUF012 -- a default, which nobody changes
    made_of: str = ""


NOTHING = Contents("", {}, {}, [], [], {}, [])


def blocks_words(level: int, position: int) -> str:
    """Return which blocks a node stands for.

    Examples
    --------
    >>> blocks_words(0, 5), blocks_words(2, 1)
    ('block 5', 'blocks 4 to 7')
    """
    first, end = position << level, (position + 1) << level
    return f"blocks {first} to {end - 1}" if level else f"block {first}"


def stream_words(stream: str) -> str:
    """Return what a stream is called in a message."""
    try:
        parts = list(json.loads(stream))
    except (ValueError, TypeError, RecursionError):
        return stream
    flat = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    return ", ".join(str(one) for one in flat if one)


def sealed(*parts: object) -> str:
    """Return the checksum of texts, numbers and bytes: no two lists of them have the same."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        found.update(f"{len(data)}:".encode())
        found.update(data)
    return found.hexdigest()


def group_id(identity: str, numbers: Numbers) -> str:
    """Return the id of a group: the checksum of all that it is."""
    return sealed(identity, numbers.stream, *numbers.labels)


def row_of(identity: str, owner: str, place: Place, node: Node) -> Row:
    """Return the row that a node is stored as."""
    tally, buffer = node.tally, io.BytesIO()
    arrays = [np.concatenate([tally.pivot, tally.offset, tally.scatter]), node.kept]
    if tally.void is not None:
        arrays.append(tally.void)
    for array in arrays:
        np.lib.format.write_array(buffer, array, allow_pickle=False)
    failures = canonical_json([[cell, *failure] for cell, failure in sorted(node.failures.items())])
    row = (owner, *place, failures, buffer.getvalue())
    return Row(*row, sealed(identity, *row))


def node_of(row: Row, width: int) -> Node:
    """Return the node of a row whose checksum is right.

    Parameters
    ----------
    row
        The row.
    width
        How many numbers its group has.

    Raises
    ------
    ValueError
        If there are not the arrays that there should be.
    """
    arrays = _arrays(row.payload)
    shapes, types = [array.shape for array in arrays], [array.dtype for array in arrays]
    is_sound = (
        len(arrays) in (2, 3)
        and shapes[0] == (SUMS, width)
        and len(shapes[1]) == 3
        and shapes[1][0] == 2
        and shapes[1][1] <= width
        and shapes[1][2] <= row.replications
        and types[:2] == [np.dtype(np.float64)] * 2
        and (len(arrays) == 2 or (shapes[2] == (width,) and types[2] == np.dtype(np.int64)))
    )
    if not is_sound:
        raise ValueError(f"its arrays have the shapes {shapes} and types {types}")
    sums, kept, *void = arrays
    tally = Tally(row.replications, sums[:2], sums[2:4], sums[4:], *void)
    failures = {cell: Failure(at, said) for cell, at, said in json.loads(row.failures)}
    return Node(tally, kept, 0, failures)


def _arrays(payload: bytes) -> list[np.ndarray]:
    buffer, arrays = io.BytesIO(payload), []
    while buffer.tell() < len(payload):
        try:
            arrays.append(np.lib.format.read_array(buffer, allow_pickle=False))
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"its arrays cannot be read ({error})") from None
    return arrays


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a run's database for reading; not even a lock is left in the folder.

    SQLite would make two files beside a database in WAL mode. Where a process is at work they are
    there, and both can read; where a log is there because one was killed, database and log are
    copied and the copy is opened. (Where a disk knows no WAL mode, the log is a journal.)
    """
    path = folder / DATABASE
    beside = [path.with_name(DATABASE + end) for end in LOGS]
    logs = [log for log in beside if log.is_file()]
    with contextlib.ExitStack() as stack:
        if logs and is_held(folder):
            # If the other one ends just now, SQLite makes its files anew, and who may only read
            # leaves them there. (Where the folder is not ours, SQLite opens for reading alone.)
            address = f"{path.resolve().as_uri()}?mode=rw"
        elif any(log.stat().st_size for log in logs):
            address = _copied(stack, path, logs)
        else:
            address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        database = stack.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))
        database.execute("pragma query_only = on")
        yield database


def _copied(stack: contextlib.ExitStack, path: Path, logs: Sequence[Path]) -> str:
    """Return the address of a copy of a database and its log; of themselves if there is no room."""
    try:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simnorm-")))
        for file in (path, *logs):
            shutil.copyfile(file, place / file.name)
    except OSError:
        return f"{path.resolve().as_uri()}?mode=rw"
    return (place / DATABASE).as_uri()


def read_contents(
    folder: Path, *, with_rows: bool = True, with_numbers: bool = True, expected: str = ""
) -> Contents:
    """Return what is believed of a run's database; nothing in the folder changes.

    Parameters
    ----------
    folder
        The run folder.
    with_rows
        Whether the nodes are read, and the whole file is looked at for damage.
    with_numbers
        Whether the nodes' numbers are kept once they have been looked at.
    expected
        What the run should be of: if that is damaged, and what is stored is of this, it is.

    Raises
    ------
    OSError
        If the file cannot be read at all.
    """
    for left in reversed(range(TRIES)):
        if not (folder / DATABASE).stat().st_size:
            return NOTHING
        try:
            with opened(folder) as database:
                return _contents(
                    database, with_rows=with_rows, with_numbers=with_numbers, expected=expected
                )
        except sqlite3.Error as error:
            if is_damage(error):
                return NOTHING._replace(faults=[f"{DATABASE} cannot be read ({error})"])
            if not left:
                raise OSError(errno.EIO, str(error), str(folder / DATABASE)) from None
        except OSError:
            if not left:
                raise
        # It may have been closed, or begun, while it was opened.
        time.sleep(0.02)
    return NOTHING


def read_places(folder: Path) -> Contents:
    """Return what is stored of a run and where, without the numbers: quickly, and beside a writer.

    Of the rows only the place is there, and no checksum is looked at.

    Parameters
    ----------
    folder
        The run folder.

    Raises
    ------
    OSError
        If the file cannot be read at all.
    """
    found = NOTHING
    for left in reversed(range(TRIES)):
        if not (folder / DATABASE).stat().st_size:
            return NOTHING
        try:
            with opened(folder) as database:
                found = _contents(database, with_rows=False)
                places = _all(database, PLACES, found.faults) if found.groups else []
        except (sqlite3.Error, OSError) as error:
            if not left and not is_damage(error):
                reason = getattr(error, "strerror", None) or str(error)
                raise OSError(errno.EIO, reason, str(folder / DATABASE)) from None
            found = NOTHING._replace(faults=[f"{DATABASE} cannot be read ({error})"])
        else:
            here = [place for place in places if place[0] in found.groups and _is_place(*place[1:])]
            if len(here) < len(places):
                found.faults.append("some nodes have no place")
            rows = [Row(owner, level, at, r, "", b"", "") for owner, level, at, r in here]
            found = found._replace(rows=rows)
        if not found.faults:
            break
        # It may have been closed, or begun, while it was opened.
        time.sleep(0.02)
    return found


def _is_place(level: object, position: object, replications: object) -> bool:
    """Tell whether there can be a node: SQLite keeps any type in any column."""
    return (
        type(level) is type(position) is type(replications) is int
        and 0 <= level <= MOST_LEVEL
        and position >= 0
        and replications > 0
    )


def _contents(
    database: sqlite3.Connection,
    *,
    with_rows: bool,
    with_numbers: bool = True,
    expected: str = "",
) -> Contents:
    faults: list[str] = []
    if not _all(database, "select name from sqlite_master", faults) and not faults:
        return NOTHING  # killed before there was a table
    if with_rows:
        said = [str(line) for (line,) in _all(database, "pragma integrity_check", faults)]
        faults += [line for line in said if line != "ok"]
    meta = dict(_all(database, "select key, value from meta", faults))
    identity = str(meta.get("identity", ""))
    if "engine_version" in meta:
        return NOTHING._replace(identity=FIRST_STORE)
    if meta.get("sha256") != sealed(identity) or not _is_object(identity):
        faults.append("what the run is of has another checksum")
        # Ids of groups hold it as well.
        if not expected or not _groups(database, expected, []):
            if _all(database, "select id from groups limit 1", []):
                faults.append(ORPHANS)
            return NOTHING._replace(faults=faults)
        identity = expected
    data = {
        str(name): str(sha256)
        for name, sha256 in _all(database, "select name, sha256 from data", faults)
    }
    groups = _groups(database, identity, faults)
    rows: dict[tuple[str, Place], Row] = {}
    for values in _each(database, NODES, faults) if with_rows else ():
        row = Row(*values)
        if fault := _fault(row, identity, groups):
            faults.append(fault)
        else:
            # A page that is damaged may be read twice.
            rows[row.owner, row.place] = row if with_numbers else row._replace(payload=b"")
    sessions = []
    for values in _all(database, SESSIONS, faults):
        session = Session(*values)
        kinds = (int, str, str, float, int, int, str, str, int, str, str, str)
        if all(type(v) is kind for v, kind in zip(session, kinds, strict=True)):
            sessions.append(session._replace(versions=_versions(session.versions, faults)))
        else:
            faults.append("a session has values of other types")
    functions, progress = _functions(meta, faults), _progress(meta)
    made_of = str(meta.get(MADE_OF, ""))
    return Contents(
        identity, data, groups, list(rows.values()), sessions, functions, faults, progress, made_of
    )


def _is_object(text: str) -> bool:
    """Tell whether a text is JSON with names and values."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _versions(text: str, faults: list[str]) -> str:
    """Return a session's versions if they are what they should be, and none otherwise."""
    if _is_object(text):
        return text
    faults.append("versions of a session cannot be read")
    return "{}"


def _progress(meta: Mapping[str, str]) -> dict[str, int]:
    """Return how far the last session had come; nothing if that cannot be read."""
    try:
        found = {str(name): int(value) for name, value in json.loads(meta[PROGRESS]).items()}
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return found if all(value >= 0 for value in found.values()) else {}


def _functions(meta: Mapping[str, str], faults: list[str]) -> dict[str, str]:
    try:
        found = json.loads(meta.get("functions", "{}"))
        return {str(name): str(version) for name, version in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        faults.append("fingerprints of functions cannot be read")
        return {}


def _all(database: sqlite3.Connection, question: str, faults: list[str]) -> list[tuple[Any, ...]]:
    """Return rows as far as they can be read; note what is in the way."""
    return list(_each(database, question, faults))


def _each(
    database: sqlite3.Connection, question: str, faults: list[str]
) -> Iterator[tuple[Any, ...]]:
    """Yield rows as far as they can be read; note what is in the way."""
    try:
        yield from database.execute(question)
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        if not is_damage(error):
            raise OSError(errno.EIO, str(error), DATABASE) from None
        faults.append(f"{DATABASE} cannot be read to its end ({error})")


def is_damage(error: Exception) -> bool:
    """Tell whether what SQLite says is of the file, not of the system around it."""
    if isinstance(error, OSError):
        return False
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF not in OF_THE_SYSTEM or code == sqlite3.SQLITE_IOERR_SHORT_READ


def _groups(database: sqlite3.Connection, identity: str, faults: list[str]) -> dict[str, Numbers]:
    found = {}
    for owner, stream, text in _all(database, "select id, stream, labels from groups", faults):
        try:
            labels = json.loads(text)
            numbers = Numbers(str(stream), tuple(labels))
        except (ValueError, TypeError, RecursionError):
            numbers = Numbers("", ())
        if group_id(identity, numbers) == owner:
            found[owner] = numbers
        else:
            faults.append("names of numbers have another checksum")
    return found


def _fault(row: Row, identity: str, groups: Mapping[str, Numbers]) -> str:
    """Return why a row is not believed; nothing if it is."""
    if row.owner not in groups:
        return "a node is of no group"
    numbers = groups[row.owner]
    where = stream_words(numbers.stream)
    try:
        if 0 <= row.level <= MOST_LEVEL:
            where += f", {blocks_words(row.level, row.position)}"
        if sealed(identity, *row[:-1]) != row.sha256:
            return f"{where}: its checksum is not that of its numbers"
        node_of(row, len(numbers.labels))
    except (ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        return f"{where}: {error}"
    return ""


class Rows:
    """Groups of stored nodes, by their stream: a pool (see `simnorm.strands.Pool`).

    Parameters
    ----------
    groups
        Whose numbers nodes hold, by the group's id.
    places
        Where there are nodes, by the same.
    fetch
        Returns the row of a group's id and place.
    """

    def __init__(
        self,
        groups: Mapping[str, Numbers],
        places: Mapping[str, Sequence[Place]],
        fetch: Callable[[str, Place], Row],
    ) -> None:
        self._of_stream: dict[str, list[Group]] = {}
        for owner, numbers in sorted(groups.items()):
            here = places.get(owner, ())
            if here:
                group = Group(numbers.labels, here, _reader(owner, len(numbers.labels), fetch))
                self._of_stream.setdefault(numbers.stream, []).append(group)

    @classmethod
    def of(cls, contents: Contents, *, plainly: bool = False) -> Rows:
        """Return the pool of what was read of a database.

        Parameters
        ----------
        contents
            What was read.
        plainly
            Whether functions of the user are taken for what they were when last given: for a design
            that has only their names.
        """
        rows = {(row.owner, row.place): row for row in contents.rows}
        groups = contents.groups
        if plainly and contents.functions:
            groups = {owner: _plain(numbers, contents) for owner, numbers in groups.items()}
        return cls(groups, places_of(contents), lambda *key: rows[key])

    def groups(self, stream: str) -> Sequence[Group]:
        """Return what is stored of a stream."""
        return self._of_stream.get(stream, ())


def _plain(numbers: Numbers, contents: Contents) -> Numbers:
    """Return labels without the fingerprints that functions had when last given."""
    last = {f",{json.dumps(version)}]" for version in contents.functions.values()}
    found = [
        plain(label) if any(label.endswith(end) for end in last) else label
        for label in numbers.labels
    ]
    return numbers._replace(labels=tuple(found))


def places_of(contents: Contents) -> dict[str, list[Place]]:
    """Return where there are nodes, by their group's id."""
    found: dict[str, list[Place]] = {}
    for row in contents.rows:
        found.setdefault(row.owner, []).append(row.place)
    return found


def _reader(owner: str, width: int, fetch: Callable[[str, Place], Row]) -> Callable[[Place], Node]:
    def read(place: Place) -> Node:
        return node_of(fetch(owner, place), width)

    return read
