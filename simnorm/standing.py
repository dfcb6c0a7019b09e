"""How a run stands: what is done of it, whether somebody is at work on it, and how it goes on.

Reads only: nothing in a folder is made or changed, and a process at work there does not notice.
Nodes are counted, not read: what is inside them, `simnorm.checking` tells.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import shlex
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simnorm import database, store
from simnorm.counting import SourceStatus, beside, counted
from simnorm.database import FIRST_STORE, NOTHING, TRIES, Contents, Rows, Session, read_places
from simnorm.design import Design
from simnorm.disk import free_bytes
from simnorm.errors import SimnormError
from simnorm.estimators.user import PREFIX
from simnorm.formatting import plural
from simnorm.locking import is_held
from simnorm.readers.base import IN_MEMORY
from simnorm.schedule import MAX, TIME
from simnorm.tally import MEASURES

RUNNING, FINISHED, PARTIAL, MISSED = "running", "finished", "partial", "missed"
INTERRUPTED, KILLED, FAILED, INCOMPLETE = "interrupted", "killed", "failed", "incomplete"
EMPTY, DAMAGED, UNREADABLE, OLDER = "empty", "damaged", "unreadable", "older"
STATES = (
    RUNNING, FINISHED, PARTIAL, MISSED, INTERRUPTED, KILLED, FAILED, INCOMPLETE, EMPTY, DAMAGED,
    UNREADABLE, OLDER,
)  # fmt: skip
CURRENT = "current"
# The workers of this machine, which every command has: see `simnorm.crews`.
THREADS = "threads"
RUN, ANSWER, RUNS = "run", "answer", "runs"
UNFINISHED = "unfinished"
# The measures that a target asks for; a study that has errors has the first four.
ASKED = (*MEASURES, "mean")
# What names a cell in a table of results.
CELL = (
    "distribution", "column", "sampling", "estimator", "batch_size", "factors", "reference",
)  # fmt: skip


@dataclass(frozen=True)
class Status:
    """How a run stands. Its fields are the keys of ``simnorm status RUN --json``.

    Parameters
    ----------
    folder
        The run folder, as it was named.
    state
        ``running``; ``finished``; ``partial``: the time limit was over first; ``missed``: cells
        have not reached the target; ``interrupted``; ``killed``: nobody is at work and nobody has
        said goodbye; ``failed``: it has ended with an error; ``incomplete``: it was finished, but
        the tables of its design are not there, or lack what tasks would have given that were given
        up; ``empty``: nothing is kept yet; ``damaged``;
        ``unreadable``: the system does not let us read it; ``older``: kept by an earlier version.
    reason
        More on the state, as a clause; may be empty.
    design
        What is run, as `Design.to_dict` has it; empty if it cannot be read.
    share
        Which part of all observations is drawn, from 0 to 1; with a target, which part of the
        cells is precise. None if nobody knows.
    sources
        What is stored of every distribution or block of columns, under every sampling scheme.
    precise_cells, cells
        With a target, how many cells are precise, and how many there are; None if nobody knows.
        Once it is finished `precise_cells` are those that have not missed it.
    seconds_left
        About how long a run at work still takes, in seconds; None if nobody knows.
    committed
        When something was kept last, in UTC, as ISO 8601; empty if never.
    sessions
        What processes have worked on it, one after the other: ``started``, ``ended`` (empty if it
        lasts, or was killed), ``seconds`` up to what it kept last, ``draws``, ``workers``,
        ``backend``, ``host``, ``pid``, ``outcome``.
    seconds
        How long they have worked, all together.
    bytes, free_bytes
        What the folder takes on the disk, and what is free there; None if nobody knows.
    results, report
        ``current``, ``older``, or empty if it is not there. Older tables are of another design;
        an older report was made before the tables, or before the design.
    beside
        What is stored that the design does not ask for, in words.
    aside
        Files that were damaged and have been put aside.
    command
        The command that goes on with it; empty if none would.
    """

    folder: str
    state: str
    reason: str = ""
    design: dict[str, Any] = dataclasses.field(default_factory=dict)
    share: float | None = None
    sources: tuple[SourceStatus, ...] = ()
    precise_cells: int | None = None
    cells: int | None = None
    seconds_left: float | None = None
    committed: str = ""
    sessions: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    bytes: int = 0
    free_bytes: int | None = None
    results: str = ""
    report: str = ""
    beside: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    command: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists, texts and numbers, and what kind of document it is."""
        return {"kind": RUN, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Overview:
    """How the runs in a folder stand.

    Parameters
    ----------
    folder
        The folder, as it was named.
    kind
        ``runs``, or ``answer`` for the studies of an answer.
    state
        Of an answer ``finished`` or ``unfinished``; empty for others.
    runs
        How each one stands.
    """

    folder: str
    kind: str
    state: str
    runs: tuple[Status | Overview, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists, texts and numbers."""
        runs = [one.to_dict() for one in self.runs]
        return {"kind": self.kind, "folder": self.folder, "state": self.state, "runs": runs}


def status(folder: str | Path) -> Status:
    """Return how a run stands; nothing in its folder changes, whoever is at work there.

    Parameters
    ----------
    folder
        A run folder, finished or not, damaged or not.

    Raises
    ------
    SimnormError
        If it is none.

    Examples
    --------
    >>> import tempfile
    >>> import simnorm as sn
    >>> place = tempfile.mkdtemp()
    >>> _ = sn.sweep("normal", batch_sizes=[2], full_size=64, replications=4096, out=place)
    >>> found = sn.status(place)
    >>> found.state, found.share, [source.blocks for source in found.sources]
    ('finished', 1.0, [1])
    """
    place = Path(folder)
    if not _is_run(place):
        # A design alone, under a lock, is a run that begins.
        raise SimnormError(
            "run", str(folder), "a run folder is needed", store.where_runs_are(place)
        )
    return _status(place)


def overview(folder: str | Path) -> Status | Overview:
    """Return how a run stands, or all the runs in a folder, or the studies of an answer.

    Raises
    ------
    SimnormError
        If the folder is no run and there are none in it.
    """
    place = Path(folder)
    if _is_run(place):
        return _status(place)
    inside = _inside(place)
    if os.path.isfile(place / store.ANSWER):
        state = "finished" if os.path.isfile(place / store.OUTCOME) else UNFINISHED
        return Overview(str(folder), ANSWER, state, tuple(inside))
    if not inside:
        allowed = "a run folder is needed, or a folder of them"
        raise SimnormError("run", str(folder), allowed, store.where_runs_are(place))
    return Overview(str(folder), RUNS, "", tuple(inside))


def _inside(folder: Path) -> list[Status | Overview]:
    try:
        places = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
    every = (place for place in places if _is_run(place) or os.path.isfile(place / store.ANSWER))
    return [overview(place) for place in every]


def _is_run(folder: Path) -> bool:
    """Tell whether a folder holds a run, or one that begins."""
    # os.path says no to names that are too long for the system, where pathlib raises.
    there = [os.path.isfile(folder / name) for name in (store.DATABASE, store.DESIGN)]
    return all(there) or (any(there) and os.path.isfile(folder / store.LOCK))


def _status(folder: Path) -> Status:
    """Return how the run of a folder stands that holds one."""
    facts: dict[str, Any] = {
        "folder": str(folder),
        "bytes": _bytes(folder),
        "free_bytes": free_bytes(folder),
        "committed": _committed(folder),
        "aside": tuple(path.name for path in sorted(folder.glob(f"{store.ASIDE}*"))),
    }
    try:
        held, contents = _read(folder)
    except OSError as error:
        return Status(**facts, state=UNREADABLE, reason=f"run.db: {error.strerror}")
    if contents.identity == FIRST_STORE:
        reason = "an earlier version of simnorm has kept it; this one does not go on with it"
        return Status(**facts, state=OLDER, reason=reason)
    sessions = contents.sessions
    facts["sessions"] = tuple(_session(one) for one in sessions)
    facts["seconds"] = round(sum(one.seconds for one in sessions), 3)
    try:
        design = Design.from_file(folder / store.DESIGN, read=False)
    except SimnormError as error:
        state = RUNNING if held else DAMAGED
        return Status(**facts, state=state, reason=error.sentence(error.parameter).rstrip("."))
    facts["design"] = design.to_dict()
    facts["command"] = _command(folder, design, sessions)
    facts["results"] = _results(folder)
    facts["report"] = _report(folder)
    if differs := _differences(contents, design):
        reason = f"its design is not that of its numbers ({'; '.join(differs)})"
        return Status(**facts, state=DAMAGED, reason=reason)
    pool = Rows.of(contents, plainly=True)
    facts["sources"] = sources = counted(design, pool)
    facts["beside"] = beside(design, contents, pool)
    facts |= _far(design, sources, contents.progress)
    missed = _missed(folder) if facts["results"] == CURRENT and not held else {}
    state, reason = _state(held, contents, facts, missed)
    if state in (FINISHED, PARTIAL, MISSED):
        facts["share"] = 1.0
        if design.target_mcse and missed:
            facts["cells"] = missed["cells"]
            facts["precise_cells"] = missed["cells"] - missed[MAX] - missed[TIME]
            facts["share"] = facts["precise_cells"] / max(1, facts["cells"])
        elif state == PARTIAL:
            facts["share"] = _share(design, sources)
    if state == RUNNING:
        facts["seconds_left"] = _left(design, contents)
    if state == MISSED:
        facts["command"] = ""  # the same again draws nothing
    return Status(**facts, state=state, reason=reason)


def _read(folder: Path) -> tuple[bool, Contents]:
    """Return whether somebody is at work in a folder, and what is stored at that time."""
    held = is_held(folder)
    for _ in range(TRIES):
        before, contents = held, _contents(folder)
        held = is_held(folder)
        if held == before:
            break  # otherwise somebody has begun or ended in between
    return held, contents


def _contents(folder: Path) -> Contents:
    """Return what is stored; of a run that is about to begin, nothing is."""
    try:
        return read_places(folder)
    except FileNotFoundError:
        return NOTHING


def _differences(contents: Contents, design: Design) -> list[str]:
    """Return in what the stored numbers are of another design; columns are not looked at."""
    return store.differences_of(contents._replace(data={}, groups={}, sessions=[]), design)


def _state(
    held: bool, contents: Contents, facts: dict[str, Any], missed: dict[str, int]
) -> tuple[str, str]:
    """Return the state of a run in a word, and a clause on it."""
    last = contents.sessions[-1] if contents.sessions else None
    if held:
        return RUNNING, ""
    if contents.faults:
        more = "; ..." if len(contents.faults) > 1 else ""
        return DAMAGED, f"{contents.faults[0]}{more}; what is not sound will be drawn again"
    if facts["results"] and not contents.rows:
        return DAMAGED, f"{store.DATABASE} holds nothing; the same command draws all again"
    if facts["results"] == CURRENT:
        if lost := _given_up(Path(facts["folder"])):
            return INCOMPLETE, f"{plural(lost, 'task')} given up: the same command tries again"
        return _ended(facts["design"], missed)
    if not contents.rows:
        return EMPTY, f"nothing has been kept yet{_last_words(last)}"
    if last is None or not last.outcome:
        return KILLED, "the process was ended, or left at once; what it kept is there"
    if last.outcome == database.FINISHED:
        there = "are of another design" if facts["results"] else "are not all there"
        return INCOMPLETE, f"its tables {there}"
    if last.outcome == database.INTERRUPTED:
        return INTERRUPTED, ""
    return FAILED, _failure(last)


def _failure(session: Session) -> str:
    """Return by what a session has failed."""
    return session.outcome.removeprefix(database.FAILED).removesuffix(")")


def _last_words(session: Session | None) -> str:
    """Return how the last session of a run has ended that has kept nothing."""
    if session is None:
        return ""
    if not session.outcome:
        return "; the process was ended, or left at once"
    if session.outcome == database.FINISHED:
        return ""
    if session.outcome == database.INTERRUPTED:
        return f"; it was {INTERRUPTED}"
    return f"; it has failed: {_failure(session)}"


def _given_up(folder: Path) -> int:
    """Return how many tasks of a finished run were given up."""
    try:
        found = json.loads((folder / store.PROVENANCE).read_bytes()).get("tasks_given_up")
    except (OSError, ValueError, AttributeError, RecursionError):
        return 0  # who reads it says what is wrong with it
    return len(found) if isinstance(found, list) else 0


def _ended(design: dict[str, Any], missed: dict[str, int]) -> tuple[str, str]:
    """Return how a run has ended that has its tables."""
    if missed.get(TIME):
        return PARTIAL, "the time limit was over before all was drawn"
    if "target_mcse" in design and missed.get(MAX):
        return MISSED, f"{missed[MAX]:,} of {missed['cells']:,} cells have not reached the target"
    return FINISHED, ""


def _missed(folder: Path) -> dict[str, int]:
    """Return how many cells the limits have cut short, and how many there are.

    Nothing if the table cannot be read. The same as `simnorm.stopped.missed`, without pandas, which
    takes longer to load than all else.
    """
    cells: dict[tuple[str, ...], list[dict[str, str]]] = {}
    try:
        with (folder / store.RESULTS).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                cells.setdefault(tuple(row[name] for name in CELL), []).append(row)
        measures = {row["measure"] for rows in cells.values() for row in rows}
        # Medians of a sweep's errors are of the first replications alone; times are nothing else.
        asked = measures & set(ASKED) or measures
        reasons = [_cut(rows, asked) for rows in cells.values()]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}
    return {"cells": len(cells), MAX: reasons.count(MAX), TIME: reasons.count(TIME)}


def _cut(rows: Sequence[dict[str, str]], asked: Set[str]) -> str:
    """Return which limit has cut a cell short; nothing if none has."""
    reasons = [row["stop_reason"] for row in rows if row["measure"] in asked]
    return next((reason for reason in reasons if reason in (MAX, TIME)), "")


def _far(
    design: Design, sources: Iterable[SourceStatus], progress: dict[str, int]
) -> dict[str, Any]:
    """Return how far a run is that has not ended."""
    if not design.target_mcse:
        return {"share": _share(design, sources)}
    cells = progress.get("cells")
    if not cells:
        return {"share": None}
    precise = cells - progress.get("open_cells", cells)
    return {"share": precise / cells, "precise_cells": precise, "cells": cells}


def _share(design: Design, sources: Iterable[SourceStatus]) -> float | None:
    """Return which part of all that is to be drawn is stored."""
    total = sum(source.weight for source in sources)
    done = sum(source.weight * source.share for source in sources)
    return min(1.0, done / total) if total and not design.target_mcse else None


def _left(design: Design, contents: Contents) -> float | None:
    """Return about how long a run at work still takes, by what its session has done so far."""
    session, progress = contents.sessions[-1:], contents.progress
    if not session or not progress:
        return None
    done = progress.get("done", 0) - progress.get("stored", 0)
    left = progress.get("total", 0) - progress.get("done", 0)
    seconds = session[0].seconds
    found = left * seconds / done if done > 0 and not progress.get("cells") else None
    if not design.time_limit:
        return found
    limit = max(0.0, design.time_limit - seconds)
    return limit if found is None else min(found, limit)


def _session(session: Session) -> dict[str, Any]:
    names = (
        "started", "ended", "seconds", "draws", "workers", "backend", "host", "pid", "outcome",
    )  # fmt: skip
    return {name: getattr(session, name) for name in names}


def _command(folder: Path, design: Design, sessions: Sequence[Session]) -> str:
    """Return what goes on with a run: the folder's own command where that is enough."""
    last = sessions[-1] if sessions else None
    if last is not None and last.command and (last.backend != THREADS or _is_of_answer(folder)):
        return last.command
    # Neither a function of the user nor an array is in any file.
    if design.data in IN_MEMORY or any(kind.startswith(PREFIX) for kind in design.estimators):
        return "the same call in Python"
    return f"simnorm run {shlex.quote(str(folder))}"


def _is_of_answer(folder: Path) -> bool:
    return os.path.isfile(folder.absolute().parent / store.ANSWER)


def _results(folder: Path) -> str:
    """Return whether there are tables, and whether they are of the design that is there."""
    if store.is_finished(folder):
        return CURRENT
    return OLDER if all(os.path.isfile(folder / name) for name in store.MADE[:3]) else ""


def _report(folder: Path) -> str:
    """Return whether there is a report, and whether it was made last."""
    made = _changed(folder / store.REPORT)
    if made is None:
        return ""
    # The design is not written again unless it is another one.
    names = (store.DESIGN, store.RESULTS)
    others = [_changed(folder / name) for name in names]
    return OLDER if any(at is not None and at > made for at in others) else CURRENT


def _changed(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _committed(folder: Path) -> str:
    """Return when the database was last written to."""
    names = (store.DATABASE, f"{store.DATABASE}-wal")
    times = [at for name in names if (at := _changed(folder / name)) is not None]
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="seconds") if times else ""


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # gone in between
    return total


__all__ = ["Overview", "SourceStatus", "Status", "overview", "status"]
