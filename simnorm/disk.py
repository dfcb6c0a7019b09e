"""Room on the disk: what a run needs, what is free, and what is said where a write has failed."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from simnorm.design import Design
from simnorm.errors import RunError
from simnorm.labels import labels
from simnorm.schedule import looks, task_level
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, replications, sources
from simnorm.tasks import KEPT_REPLICATIONS

# Bytes of a number's sums in a node: the doubles of `simnorm.tally.Tally`.
OF_NUMBER = 8 * 7
# Of a kept replication of a cell: A and Q.
OF_KEPT = 8 * 2
# Of a node beside its numbers: headers of arrays, a checksum, the rest of a page.
OF_NODE = 2_048
# Of a cell in the tables, which are written beside the old ones before they take their place.
OF_CELL = 8_192
# An empty database with its log, which is cut back at a thousand pages.
LEAST = 6_000_000
# What is asked for is a guess and some more.
MARGIN = 1.5


def bytes_needed(design: Design, workers: int) -> int:
    """Return about how many bytes a run folder may take; with a target, at the most.

    Parameters
    ----------
    design, workers
        What is run and by how many, who share out the nodes.
    """
    every = sources(design)
    # Columns of data and laws are much the same: the largest stands for all.
    most = max(_bytes_of(design, source, workers) for source in every[:: max(1, len(every) // 8)])
    tables = study_of(design).cell_count(design) * OF_CELL
    return LEAST + int(MARGIN * (most * len(every) + tables))


def _bytes_of(design: Design, source: Source, workers: int) -> int:
    """Return about how many bytes the nodes of a source take."""
    ends = looks(design, source)
    nodes = first = 0
    for end in ends:
        level = task_level(design, workers, None if len(ends) == 1 else end - first)
        nodes += -(-end >> level) - (first >> level)
        first = end
    kept = min(replications(design, source), KEPT_REPLICATIONS)
    cells = len(study_of(design).cells(design, source))
    numbers = len(labels(design, source))
    return nodes * (OF_NODE + OF_NUMBER * numbers) + OF_KEPT * kept * cells


def free_bytes(folder: Path) -> int | None:
    """Return how many bytes are free where a folder is or would be; None if nobody says."""
    place = folder.absolute()
    try:
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free
    except OSError:
        return None


def size_text(size: float) -> str:
    """Return a number of bytes as a person would say it.

    Examples
    --------
    >>> size_text(0), size_text(54_321), size_text(2_460_000), size_text(1.25e10)
    ('0 bytes', '54 kB', '2.5 MB', '12 GB')
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            found = size / factor
            return f"{found:.1f} {unit}" if found < 10 else f"{found:,.0f} {unit}"
    return f"{size:.0f} bytes"


def check_room(folder: Path, design: Design, workers: int) -> None:
    """Refuse a run for which there is no room, before anything is drawn.

    Raises
    ------
    RunError
        With what it needs and what is free.
    """
    free, needed = free_bytes(folder), bytes_needed(design, workers)
    there = sum(path.stat().st_size for path in folder.glob("run.db*")) if folder.is_dir() else 0
    if free is not None and needed - there > free:
        allowed = (
            f"the run may need {size_text(needed - there)}, and {size_text(free)} are free there"
        )
        raise RunError("out", str(folder), allowed, "Make room, or name another folder.")


def refused(path: Path, error: Exception, needed: int = 0) -> RunError:
    """Return what to raise where a run's file could not be written.

    Parameters
    ----------
    path
        The file or the folder.
    error
        What the system or SQLite said.
    needed
        Bytes that were to be written; 0 if nobody knows.

    Examples
    --------
    >>> print(refused(Path("runs/x"), OSError(errno.EROFS, "Read-only file system")))
    out: got 'runs/x'; it cannot be written (Read-only file system). What was kept before stays.
    """
    reason = str(getattr(error, "strerror", None) or error)
    code = getattr(error, "errno", None)
    is_full = code in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)) or "is full" in reason
    hint = "What was kept before stays."
    if is_full:
        free = free_bytes(path.parent)
        needs = f"{size_text(needed)} were to be written" if needed else ""
        there = "" if free is None else f"{size_text(free)} are free"
        if facts := " and ".join(filter(None, [needs, there])):
            reason += f"; {facts}"
        hint = f"Make room. {hint}"
    return RunError("out", str(path), f"it cannot be written ({reason})", hint)
