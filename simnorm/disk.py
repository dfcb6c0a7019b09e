"""Room on the disk: what a run needs, what is free, and what is said where a write has failed."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from simnorm.errors import RunError


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


def check_room(folder: Path, needed: int) -> None:
    """Refuse a run for which there is no room, before anything is drawn.

    Parameters
    ----------
    folder, needed
        Where the run is to be, and how many bytes it may take there in all.

    Raises
    ------
    RunError
        With what it needs and what is free.
    """
    free = free_bytes(folder)
    if folder.is_dir():
        needed -= sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    if free is not None and needed > free:
        allowed = f"the run may need {size_text(needed)}, and {size_text(free)} are free there"
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
