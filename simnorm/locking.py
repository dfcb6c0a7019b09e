"""A run folder's lock: one process at a time works on a run."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

LOCK = "run.lock"
# Who asks whether the lock is held reads its file, for less time than that: in seconds.
PATIENCE = 0.5


class HeldError(Exception):
    """Another process has the lock."""


class Lock:
    """A folder's lock, held until the process that took it lets go of it, or is no more.

    SQLite's own, on a file that holds nothing: it goes away with the process however that ends, is
    the same on all systems, and does not pass to children.

    Raises
    ------
    HeldError
        If another process has it.
    sqlite3.Error
        If there can be none in the folder.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK
        if os.path.isfile(path) and os.path.getsize(path):
            # It never holds anything: this is damage, or was copied there.
            os.truncate(path, 0)
        self._database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        try:
            self._take()
        except sqlite3.Error as error:
            self._database.close()
            if "locked" in str(error):
                raise HeldError(str(folder)) from None
            raise

    def _take(self) -> None:
        # A journal would be another file, left behind by who is killed.
        self._database.execute("pragma journal_mode = memory")
        self._database.execute("begin exclusive")

    def release(self) -> None:
        """Let others have the folder."""
        self._database.close()


def is_held(folder: Path) -> bool:
    """Tell whether a process is at work in a folder.

    It only reads: no file is made or changed for it, and nobody is refused because of it.
    """
    path = folder / LOCK
    if not os.path.isfile(path):
        return False
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0.0)) as reader:
            reader.execute("select count(*) from sqlite_master").fetchall()
    except sqlite3.Error as error:
        return "locked" in str(error)
    return False
