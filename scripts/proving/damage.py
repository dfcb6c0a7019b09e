"""What becomes of a run whose folder is damaged, or cannot be written to.

Bytes of a small store are changed, files cut off at every length, and writes fail at every step. A
damaged run must be refused in one line, or mended with a note, or be none the worse; what it then
comes to must be, byte for byte, what it was. A write that fails must say so in one line, and the
same command must go on once there is room.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import simnorm as sn
from proving import store as small
from simnorm import disk, store
from simnorm.database import read_contents
from simnorm.design import Design
from simnorm.errors import SimnormError

TABLE = small.PROOF / "damage.csv"
DATABASE, LOG = store.DATABASE, f"{store.DATABASE}-wal"
# What may happen to a damaged run: all but the last.
OUTCOMES = ("harmless", "mended", "refused", "wrong")
# Room on a disk of its own, in bytes: from too little for a design to nearly enough.
DISKS = tuple(size << 10 for size in (16, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512))


class Base:
    """A small run to damage: as it is when it has finished, and when it was killed at its end.

    Parameters
    ----------
    root
        Where its folders are.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.design = root, small.tiny()
        self.finished, self.killed = root / "finished", root / "killed"
        small.finished([self.design], self.finished)
        self.tables = small.tables_of(self.finished)
        steps = small.steps_of(self.design, root / "steps")
        last = 1 + max(i for i, what in enumerate(steps) if what == "sql commit")

        def prepare() -> None:
            # As its last node is there, before the log is taken over into the database.
            small.watch_steps(
                self.killed, lambda n, _: n <= last or os.kill(os.getpid(), signal.SIGKILL)
            )

        if not small.worker(self.design, self.killed, prepare, workers=1).ended().was_killed:
            raise RuntimeError("it was to be killed")
        self.whole = read_contents(self.killed)
        self._number = 0

    def copy(self, folder: Path) -> Path:
        """Return a new copy of a folder."""
        self._number += 1
        place = self.root / f"copy{self._number}"
        shutil.copytree(folder, place)
        return place

    def outcome(self, folder: Path) -> str:
        """Return what becomes of a damaged folder; what is wrong with it behind ``wrong``."""
        before = _loaded(folder)
        if before.startswith("wrong"):
            return before
        notes: list[str] = []
        try:
            sn.run(self.design, out=folder, workers=1, on_note=notes.append)
        except SimnormError as error:
            return "refused" if "\n" not in str(error) else f"wrong: two lines: {error}"
        except Exception as error:
            return f"wrong: {type(error).__name__}: {error}"
        if small.tables_of(folder) != self.tables:
            return "wrong: other tables"
        if left := small.leftovers(folder):
            return f"wrong: {left} left behind"
        return "mended" if notes else "harmless"


def _loaded(folder: Path) -> str:
    """Return whether a folder can be looked at, or is refused, before it is mended."""
    try:
        sn.load(folder)
    except SimnormError:
        return "refused"
    except Exception as error:
        return f"wrong: loading: {type(error).__name__}: {error}"
    return "harmless"


def flipped(base: Base, source: Path, name: str, rng: np.random.Generator) -> str:
    """Change one byte of a file, and return what becomes of the run."""
    folder = base.copy(source)
    path = folder / name
    data = bytearray(path.read_bytes() or b"\0")  # a lock has none
    data[rng.integers(len(data))] ^= int(rng.integers(1, 256))
    path.write_bytes(data)
    found = _of_design(base, folder) if name == store.DESIGN else base.outcome(folder)
    shutil.rmtree(folder)
    return found


def _of_design(base: Base, folder: Path) -> str:
    """Return what becomes of a run whose design file was changed: it may be another design now."""
    notes: list[str] = []
    try:
        result = sn.load(folder)
        sn.run(folder, out=folder, workers=1, on_note=notes.append)
    except SimnormError:
        return "refused"
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"
    design = Design.from_file(folder)
    alone = base.root / "alone"
    shutil.rmtree(alone, ignore_errors=True)
    sn.run(design, out=alone, workers=1)
    if small.tables_of(folder) != small.tables_of(alone):
        return "wrong: not the tables of its design"
    if result.design == design and not result.provenance.get("unfinished"):
        is_same = result.frame.equals(sn.load(alone).frame)
        return "harmless" if is_same else "wrong: loaded the tables of another design"
    return "harmless"


def flips(base: Base, count: int, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Yield what was changed, and what became of the run."""
    places = [
        (base.finished, DATABASE), (base.killed, DATABASE), (base.killed, LOG),
        (base.killed, LOG), (base.finished, DATABASE), (base.finished, store.DESIGN),
        (base.finished, DATABASE), (base.killed, LOG), (base.finished, store.LOCK),
        (base.killed, store.DESIGN),
    ]  # fmt: skip
    for i in range(count):
        source, name = places[i % len(places)]
        yield f"byte of {name} changed", flipped(base, source, name, rng)


def truncations(base: Base, every: int, runs: int) -> Iterator[tuple[str, str]]:
    """Yield what becomes of a store whose files are cut off, at every so many lengths.

    Of the log, which is read as a copy, every seventh of them: seven divides no page.
    What is believed of it must be part of what was written; a share of the lengths is run too.
    """
    for source, name, step in ((base.finished, DATABASE, every), (base.killed, LOG, 7 * every)):
        folder = base.copy(source)
        data = (folder / name).read_bytes()
        lengths = range(0, len(data), step)
        run_too = set(lengths[:: max(1, len(lengths) // runs)])
        for length in reversed(lengths):
            os.truncate(folder / name, length)
            found = _believed(base, folder)
            if length in run_too and not found.startswith("wrong"):
                copy = base.copy(folder)
                found = base.outcome(copy)
                shutil.rmtree(copy)
            yield f"{name} cut off", found
        shutil.rmtree(folder)


def _believed(base: Base, folder: Path) -> str:
    """Return what is made of a damaged store, as far as reading it tells."""
    try:
        found = read_contents(folder)
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"
    if wrong := small.unbelieved(found, base.whole):
        return f"wrong: believed {', '.join(wrong)}"
    return "mended" if found.faults else "harmless"


# Writes that fail


def failing(
    base: Base, what: str, prepare: Callable[[Path], None], source: Path | None = None
) -> tuple[str, str]:
    """Run in a process whose writes fail, and then without; return what became of the run."""
    folder = base.root / "failing" if source is None else base.copy(source)
    shutil.rmtree(base.root / "failing", ignore_errors=True)
    ended = small.worker(base.design, folder, lambda: prepare(folder), workers=1).ended()
    found = "refused" if ended.status else "harmless"
    if ended.status and not (ended.is_own and "\n" not in ended.said):
        found = f"wrong: {ended.said}"
    elif (folder / DATABASE).exists() and small.lost(set(ended.added), read_contents(folder).rows):
        found = "wrong: what was kept is lost"
    else:
        again = base.outcome(folder) if folder.exists() else "harmless"
        if again != "harmless":
            found = f"wrong: afterwards {again}"
    shutil.rmtree(folder, ignore_errors=True)
    return what, found


def no_more_than(size: int) -> Callable[[Path], None]:
    """Return what keeps a process from writing files larger than a size."""

    def prepare(_: Path) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return prepare


def failing_step(number: int, *, stays: bool) -> Callable[[Path], None]:
    """Return what makes a step fail, and all that follow if the disk stays full."""

    def prepare(folder: Path) -> None:
        def at_step(n: int, what: str) -> None:
            if n == number or (stays and n > number and _writes(what)):
                if what.startswith("sql"):
                    raise sqlite3.OperationalError("database or disk is full")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), what)

        small.watch_steps(folder, at_step)

    return prepare


def _writes(what: str) -> bool:
    """Tell whether a step needs room."""
    return not what.startswith(("os.remove", "sql rollback", "sql pragma", "sql select"))


def small_files(base: Base, every: int) -> Iterator[tuple[str, str]]:
    """Yield what becomes of runs whose files may not grow beyond a size, from nothing on."""
    largest = max(path.stat().st_size for path in base.killed.iterdir())
    for size in range(0, largest + every, every):
        yield failing(base, "files may not grow", no_more_than(size))


def failing_steps(base: Base, every: int) -> Iterator[tuple[str, str]]:
    """Yield what becomes of runs in which a step fails: each one, or every so many."""
    count = len(small.steps_of(base.design, base.root / "counted"))
    for number in range(1, count + 1, every):
        for stays in (False, True):
            what = "a step fails, and all after it" if stays else "a step fails"
            yield failing(base, what, failing_step(number, stays=stays))


def any_room() -> None:
    """Let a run begin though it has been told how little room there is."""
    disk.free_bytes = lambda _: None


def full_disks(base: Base, every: int) -> Iterator[tuple[str, str]]:
    """Yield what becomes of runs on small disks that are full, where one may be mounted."""
    place = base.root / "disk"
    for size in DISKS[::every]:
        place.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", os.fspath(place)]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
            return
        try:
            ended = small.worker(base.design, place / "run", any_room, workers=1).ended()
            found = "refused" if ended.status else "harmless"
            if ended.status and not (ended.is_own and "\n" not in ended.said):
                found = f"wrong: {ended.said}"
            elif (place / "run").exists():
                kept = base.copy(place / "run")
                if (again := base.outcome(kept)) != "harmless":
                    found = f"wrong: afterwards {again}"
        finally:
            subprocess.run(["umount", os.fspath(place)], check=True)
        yield "a disk is full", found


# All of it


def _flips(base: Base, count: int) -> Iterator[tuple[str, str]]:
    return flips(base, count, np.random.default_rng(9))


def _cuts(base: Base, every: int) -> Iterator[tuple[str, str]]:
    return truncations(base, every, CUT_AND_RUN)


# Every part, and how often: how many bytes, or every how many lengths, sizes, steps and disks.
PARTS: dict[str, Callable[[Base, int], Iterator[tuple[str, str]]]] = {
    "bytes": _flips,
    "lengths": _cuts,
    "sizes": small_files,
    "steps": failing_steps,
    "disks": full_disks,
}
SAMPLE = {"bytes": 10, "lengths": 1999, "sizes": 60_000, "steps": 27, "disks": 4}
ALL = {"bytes": 500, "lengths": 1, "sizes": 2048, "steps": 1, "disks": 1}
# Of the files that were cut off, so many are run.
CUT_AND_RUN = 60


def _row(what: str, counts: Counter[str]) -> dict[str, Any]:
    wrong = {text: n for text, n in counts.items() if text.startswith("wrong")}
    return {
        "what": what,
        "tries": counts.total(),
        **{name: counts[name] for name in OUTCOMES[:-1]},
        "wrong": sum(wrong.values()),
        "example": next(iter(wrong), ""),
    }


def main(arguments: list[str]) -> None:
    """Write the table, and say what is wrong."""
    given = small.wishes("damage", __doc__, TABLE, PARTS, arguments)
    numbers = SAMPLE if given.sample else ALL
    small.small_blocks()
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="simnorm-proof-") as root:
        base = Base(Path(root))
        for name in [given.part] if given.part else numbers:
            for what, outcome in PARTS[name](base, numbers[name]):
                counts.setdefault(what, Counter())[outcome] += 1
    found = pd.DataFrame([_row(what, number) for what, number in counts.items()])
    print(found.to_string(index=False))
    small.written(found, given.output, ["wrong"])
