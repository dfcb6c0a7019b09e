"""Reading a run's database: nothing in its folder changes, and nothing in it is believed unread.

A payload is believed if it has its checksum and holds arrays of the right kind; that these are the
numbers of the design's draws only drawing them again can tell (`simnorm.checking`).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.store import DATABASE, source_name
from simnorm.studies.drawing import Source, lanes_in_block, sources
from simnorm.tally import Tally
from simnorm.tasks import Failure, Failures, Node, Task

# Rows of the first array of a payload: pivots and offsets of A and Q, and three sums of products.
SUMS = 7
MOST_LEVEL = 62


class Row(NamedTuple):
    """A row of the table of nodes, as it stands there."""

    source: str
    level: int
    position: int
    replications: int
    payload: bytes
    sha256: str

    @property
    def words(self) -> str:
        """What the row is called in a message."""
        return f"{_source_words(self.source)}, {blocks_words(self.level, self.position)}"


def blocks_words(level: int, position: int) -> str:
    """Return which blocks a node stands for.

    Examples
    --------
    >>> blocks_words(0, 5), blocks_words(2, 1)
    ('block 5', 'blocks 4 to 7')
    """
    first, end = position << level, (position + 1) << level
    return f"blocks {first} to {end - 1}" if level else f"block {first}"


def _source_words(text: str) -> str:
    """Return what `store.source_name` has made of a source, without brackets and quotes."""
    try:
        parts = json.loads(text)
    except ValueError:
        return text
    if not isinstance(parts, list):
        return text
    flat = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    return ", ".join(str(one) for one in flat)


class Database(NamedTuple):
    """What a run's database holds.

    Parameters
    ----------
    meta
        Texts by their keys: ``engine_version``, ``design``, ``cells``.
    rows
        The nodes, ordered by source and place.
    failures
        Source, cell, replication and message of void replications.
    faults
        What SQLite itself says is wrong with the file.
    """

    meta: dict[str, str]
    rows: list[Row]
    failures: list[tuple[str, int, int, str]]
    faults: list[str]


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a run's database for reading; not even a lock is left in the folder.

    SQLite would make two files beside a database in WAL mode. Where a log is there, because the run
    goes on or has been killed, both are copied and the copy is opened.
    """
    path = folder / DATABASE
    log = path.with_name(f"{DATABASE}-wal")
    with contextlib.ExitStack() as stack:
        if log.is_file() and log.stat().st_size:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simnorm-")))
            for file in (path, log):
                shutil.copyfile(file, place / file.name)
            address = (place / DATABASE).as_uri()
        else:
            address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        database = stack.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))
        yield database


def read_database(folder: Path) -> Database:
    """Return all that a run's database holds.

    Raises
    ------
    sqlite3.Error
        If it is no database, is cut short, or lacks a table.
    ValueError
        If a value has another type than the schema says.
    """
    with opened(folder) as database:
        said = [str(line) for (line,) in database.execute("pragma integrity_check")]
        meta = database.execute("select key, value from meta").fetchall()
        rows = database.execute(
            "select source, level, position, replications, payload, sha256 from nodes"
        ).fetchall()
        failures = database.execute(
            "select source, cell, replication, message from failures"
        ).fetchall()
    kinds = (str, int, int, int, bytes, str)
    _check_types(rows, kinds, "nodes")
    _check_types(failures, (str, int, int, str), "failures")
    _check_types(meta, (str, str), "meta")
    found = [Row(*row) for row in rows]
    for row in found:
        if not (0 <= row.level <= MOST_LEVEL and row.position >= 0 and row.replications > 0):
            raise ValueError(f"there is no node {row.words} of {row.replications} replications")
    found.sort(key=lambda row: (row.source, row.position << row.level, row.level))
    return Database(dict(meta), found, failures, [line for line in said if line != "ok"])


def _check_types(rows: list[tuple[object, ...]], kinds: tuple[type, ...], table: str) -> None:
    for row in rows:
        for value, kind in zip(row, kinds, strict=True):
            if type(value) is not kind:
                raise ValueError(f"table {table} holds {value!r} where {kind.__name__} belongs")


def read_payload(row: Row) -> tuple[Tally, NDArray[np.float64]]:
    """Return the tally of a row and its kept replications, shape (2, cells, kept).

    Raises
    ------
    ValueError
        If the checksum is another one, or there are not the arrays that there should be.
    """
    if hashlib.sha256(row.payload).hexdigest() != row.sha256:
        raise ValueError("its checksum is not that of its numbers")
    buffer = io.BytesIO(row.payload)
    arrays = []
    while buffer.tell() < len(row.payload):
        try:
            arrays.append(np.lib.format.read_array(buffer, allow_pickle=False))
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"its arrays cannot be read ({error})") from None
    shapes = [array.shape for array in arrays]
    types = [array.dtype for array in arrays]
    width = shapes[0][-1] if shapes and len(shapes[0]) == 2 else -1
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
    return tally, kept


def stored(folder: Path, design: Design) -> dict[Source, list[tuple[Task, Node]]]:
    """Return the nodes that a run has left behind, in the order of their blocks.

    Parameters
    ----------
    folder
        The run folder.
    design
        The design of the run.

    Returns
    -------
    dict
        For every source the tasks and what they found; the draws of a node are 0, as nothing was
        drawn to get it.

    Raises
    ------
    SimnormError
        If a payload is not what its checksum says, or belongs to no source of the design.
    """
    try:
        return nodes_of(read_database(folder), design)
    except (sqlite3.Error, ValueError, OSError) as error:
        if isinstance(error, SimnormError):
            raise
        raise SimnormError("run", str(folder), f"{DATABASE} cannot be read ({error})") from None


def nodes_of(database: Database, design: Design) -> dict[Source, list[tuple[Task, Node]]]:
    """Return the nodes of a database that has been read; see `stored`.

    Raises
    ------
    ValueError
        If a row cannot be used.
    """
    every = sources(design)
    numbers = {source_name(source): number for number, source in enumerate(every)}
    found: dict[Source, list[tuple[Task, Node]]] = {source: [] for source in every}
    lanes = lanes_in_block(design)
    for row in database.rows:
        if row.source not in numbers:
            raise ValueError(f"the design has no source {row.source}")
        try:
            tally, kept = read_payload(row)
        except ValueError as error:
            raise ValueError(f"{row.words}: {error}") from None
        number = numbers[row.source]
        ends = tuple(lanes * (at << row.level) for at in (row.position, row.position + 1))
        failures = _failures(database, row.source, *ends)
        node = Node(tally, kept, 0, failures)
        found[every[number]].append((Task(number, row.level, row.position), node))
    return found


def _failures(database: Database, source: str, first: int, end: int) -> Failures:
    """Return the first void replication of every cell among those of a node."""
    found: Failures = {}
    for of, cell, replication, message in database.failures:
        if of == source and first <= replication < end:
            failure = Failure(replication, message)
            found[cell] = min(failure, found.get(cell, failure))
    return found


def stored_design(database: Database) -> Design:
    """Return the design that a database says it is of; the data are not read."""
    return Design.from_toml(database.meta.get("design", ""), read=False)
