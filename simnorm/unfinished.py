"""The result of a run that is not finished: what its stored nodes come to so far."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from simnorm import store
from simnorm.database import Rows, Session, read_contents
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.locking import is_held
from simnorm.provenance import provenance_of
from simnorm.results import Result
from simnorm.schedule import INTERRUPTED
from simnorm.settling import Maker
from simnorm.stopped import AT_WORK, NOT_BEGUN, RUNNING
from simnorm.studies.drawing import Source, sources


def so_far(folder: Path, functions: object = (), data: Any = None) -> Result:
    """Return the tables of what a run has come to so far; nothing is drawn, nothing is written.

    Parameters
    ----------
    folder
        The run folder.
    functions, data
        What its design does not hold, as in `simnorm.load`.

    Returns
    -------
    Result
        Of the distributions, or columns, that have come far enough to have rows. Where a source is
        not finished, its ``stop_reason`` is ``interrupted``, or ``running`` while a process is at
        work on it.

    Raises
    ------
    SimnormError
        If there is too little for a table, or the data cannot be read.
    """
    design = Design.from_file(folder / store.DESIGN, functions=functions, data=data)
    # Asked first: what was kept since then is there as well.
    at_work = is_held(folder)
    cut = RUNNING if at_work else INTERRUPTED
    contents = read_contents(folder)
    if differs := store.differences_of(contents, design):
        allowed = f"its design is not that of its numbers ({'; '.join(differs)})"
        raise SimnormError("run", str(folder), allowed)
    pool = Rows.of(contents, plainly=not design.functions)
    made = Maker.of_pool(design, pool, cut=cut)
    part = _part(design, made.sources)
    if part is None:
        if at_work:
            allowed = "a process is at work there, and there is not enough for a table yet"
            raise SimnormError("run", str(folder), allowed, f"See: simnorm status {folder}.")
        allowed = "it was interrupted before there was enough for a table"
        raise SimnormError("run", str(folder), allowed, f"Go on: simnorm run {folder}.")
    if part is not design:
        made = Maker.of_pool(part, pool, cut=cut)
    left_out = [name for name in design.names if name not in part.names]
    left_out += [scheme for scheme in design.sampling if scheme not in part.sampling]
    facts = _facts(contents.sessions, left_out, at_work=at_work)
    command = contents.sessions[-1].command if contents.sessions else ""
    frame, curves, columns = made.tables()
    return Result(part, frame, curves, provenance_of(part, command, facts), columns)


def _part(design: Design, there: list[Source]) -> Design | None:
    """Return the largest part of a design that has all of its sources; None if there is none."""
    every = sources(design)
    if len(there) == len(every):
        return design
    if design.columns:
        # Schemes come one after the other, with all columns each.
        schemes = tuple(
            scheme
            for scheme in design.sampling
            if all(source in there for source in every if source.sampling == scheme)
        )
        if schemes:
            return dataclasses.replace(design, sampling=schemes)
        first = [source for source in there if source.sampling == design.sampling[0]]
        columns = tuple(name for source in first for name in source.columns)
        if not columns:
            return None
        return dataclasses.replace(design, sampling=design.sampling[:1], columns=columns)
    names = [
        name
        for name in design.names
        if all(source in there for source in every if source.distribution == name)
    ]
    if not names:
        return None
    if design.datasets:
        return dataclasses.replace(design, datasets=tuple(names))
    return dataclasses.replace(design, distributions=tuple(names))


def _facts(sessions: list[Session], left_out: list[str], *, at_work: bool) -> dict[str, Any]:
    """Return what is known of how an unfinished run went."""
    found: dict[str, Any] = {
        "unfinished": True,
        "sessions": len(sessions),
        "seconds": round(sum(session.seconds for session in sessions), 3),
        "draws": sum(session.draws for session in sessions),
        "workers": sessions[-1].workers if sessions else 0,
        "backend": sessions[-1].backend if sessions else "",
        "started": sessions[0].started if sessions else "",
        "finished": sessions[-1].ended if sessions else "",
    }
    if at_work:
        found[AT_WORK] = True
    if left_out:
        found[NOT_BEGUN] = left_out
    return found
