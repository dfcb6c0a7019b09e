"""What becomes of runs whose processes are killed, whenever that may be.

Runs of several kinds are killed again and again until one comes to its end: at random times, before
every single step that they take in their folder, as processes of the command line, as processes
with workers of their own, and with a Dask cluster whose workers are killed. Nothing that was
acknowledged may be lost, nothing may be corrupt, nothing may be left behind, and the tables must be
those of a run that nobody disturbed, byte for byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pandas as pd

import simnorm as sn
from proving import store as small
from simnorm import store, streams
from simnorm.database import read_contents
from simnorm.design import Design
from simnorm.errors import SimnormError

TABLE = small.PROOF / "kills.csv"
# How long workers of a process that was killed may stay, in seconds.
ORPHANS_END = 10.0
WORKERS, BLOCK_DRAWS = 2, streams.BLOCK_DRAWS
# How often a Dask worker is killed when a task has come in and all workers are there.
OFTEN = 0.5
# What is run by the command line: some seconds on one processor.
COMMAND = (
    "sweep", "--dist", "normal,exponential", "--estimators", "mean,std", "--batch-sizes", "2,4,8",
    "--full-size", "64", "--replications", "40960", "--workers", "2", "-q",
)  # fmt: skip


@dataclass
class Row:
    """What became of runs that were killed."""

    what: str
    kind: str
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    corrupt: int = 0
    different: int = 0
    left_behind: int = 0
    example: str = ""

    def wrong(self, name: str, count: int, example: object) -> None:
        """Count what is wrong, and keep the first example of it."""
        if count:
            setattr(self, name, getattr(self, name) + count)
            self.example = self.example or f"{name}: {example}"


class Trial:
    """A kind of run, its tables where nobody disturbs it, and its folder where it is killed."""

    def __init__(self, root: Path, what: str, kind: str, designs: list[Design]) -> None:
        self.row = Row(what, kind)
        self.root, self.designs = root, designs
        self.folder = root / "run"
        whole = root / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        begun = time.monotonic()
        small.finished(designs[-1:], whole)
        self.seconds = time.monotonic() - begun
        self.tables = small.tables_of(whole)
        self.again()

    def again(self) -> None:
        """Begin anew, up to the last design."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.added: set[tuple[Any, ...]] = set()
        if self.designs[:-1]:
            small.finished(self.designs[:-1], self.folder)

    def killed(self, ended: small.Ended) -> None:
        """Look at the folder of a process that was killed, before anything is mended."""
        self.row.kills += 1
        self.row.acknowledged += len(ended.added)
        self.added |= set(ended.added)
        self.look()

    def look(self) -> None:
        """See that all that was acknowledged is there, and sound, and can be shown."""
        path = self.folder / store.DATABASE
        if not path.exists():
            self.row.wrong("lost", len(self.added), "the database")
            return
        contents = read_contents(self.folder)
        self.row.wrong("corrupt", len(contents.faults), contents.faults)
        self.row.wrong("lost", small.lost(self.added, contents.rows), self.folder)
        try:
            sn.load(self.folder)
        except SimnormError as error:
            is_early = "before there was enough" in str(error) or not store.is_run(self.folder)
            self.row.wrong("corrupt", not is_early, error)

    def finished(self, ended: small.Ended) -> None:
        """Compare the folder of a run that has come to its end."""
        if ended.status:
            self.row.wrong("different", 1, ended.said)
            return
        self.row.wrong("corrupt", len(ended.notes), ended.notes)
        self.added |= set(ended.added)
        self.compare()

    def compare(self) -> None:
        """Compare the tables, and see what is left behind."""
        self.row.wrong(
            "lost", small.lost(self.added, read_contents(self.folder).rows), "at the end"
        )
        is_same = small.tables_of(self.folder) == self.tables
        self.row.wrong("different", not is_same, self.row.kills)
        left = small.leftovers(self.folder)
        self.row.wrong("left_behind", len(left), left)


def at_random(trial: Trial, kills: int, chance: random.Random) -> Row:
    """Kill a run at random times of its whole life, again and again, until it ends."""
    return _at_random(trial, kills, chance, trial.seconds)


def _at_random(
    trial: Trial,
    kills: int,
    chance: random.Random,
    seconds: float,
    on_end: Callable[[int], None] | None = None,
    **options: Any,
) -> Row:
    """Kill a run of so many seconds; `on_end` is called with the number of each that has ended."""
    while trial.row.kills < kills:
        child = small.worker(trial.designs[-1], trial.folder, **options)
        ended = child.ended(kill_after=chance.uniform(0.0, seconds))
        if on_end is not None:
            on_end(child.pid)
        if ended.was_killed:
            trial.killed(ended)
        else:
            trial.finished(ended)
            trial.again()
    trial.finished(small.worker(trial.designs[-1], trial.folder).ended())
    return trial.row


def at_every_step(trial: Trial, every: int) -> Row:
    """Kill a run before a step that it takes in its folder, each one, or every so many."""
    number = 1
    while True:

        def prepare(last: int = number) -> None:
            small.watch_steps(
                trial.folder, lambda n, _: n < last or os.kill(os.getpid(), signal.SIGKILL)
            )

        ended = small.worker(trial.designs[-1], trial.folder, prepare).ended()
        if not ended.was_killed:
            trial.finished(ended)
            return trial.row
        trial.killed(ended)
        trial.finished(small.worker(trial.designs[-1], trial.folder).ended())
        trial.again()
        number += every


def mending(trial: Trial, every: int) -> Row:
    """Kill a run before every step of mending a damaged store, whose sound nodes must stay."""
    small.finished(trial.designs, trial.folder)
    small.change_number(trial.folder)
    found = read_contents(trial.folder)
    trial.added = {(row.owner, *row.place) for row in found.rows}
    damaged = trial.root / "damaged"
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(trial.folder, damaged)
    sound, number = frozenset(trial.added), 1
    while True:

        def prepare(last: int = number) -> None:
            small.watch_steps(
                trial.folder, lambda n, _: n < last or os.kill(os.getpid(), signal.SIGKILL)
            )

        ended = small.worker(trial.designs[-1], trial.folder, prepare).ended()
        trial.added = set(sound) | set(ended.added)
        if not ended.was_killed:
            trial.compare()
            return trial.row
        trial.row.kills += 1
        rows = read_contents(trial.folder).rows if store.is_run(trial.folder) else []
        mended = trial.folder / store.MENDED
        if not mended.exists():
            trial.row.wrong("lost", small.lost(trial.added, rows), f"step {number}")
        again = small.worker(trial.designs[-1], trial.folder).ended()
        trial.row.wrong("different", again.status, again.said)
        trial.compare()
        shutil.rmtree(trial.folder)
        shutil.copytree(damaged, trial.folder)
        number += every


# Processes of the command line


def by_command(root: Path, kills: int, chance: random.Random) -> Row:
    """Kill processes of the command line at random times, and all that they have started."""
    row = Row("command line", "laws")
    whole, folder = root / "whole", root / "run"
    begun = time.monotonic()
    _command(whole).wait()
    seconds, tables = time.monotonic() - begun, small.tables_of(whole)
    while row.kills < kills:
        before: set[Any] = set()
        while row.kills < kills:
            process = _command(folder)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.0, 1.2 * seconds))
            if process.poll() is not None:
                break
            process.kill()
            process.wait()
            row.kills += 1
            row.wrong("left_behind", len(orphans(process.pid)), "processes")
            if store.is_run(folder):
                contents = read_contents(folder)
                row.wrong("corrupt", len(contents.faults), contents.faults)
                # What was there before this process must still be there.
                rows = set(contents.rows)
                row.wrong("lost", len(before - rows), "nodes")
                row.acknowledged += len(rows - before)
                before = rows
        process = _command(folder)
        row.wrong("different", process.wait(), "exit code")
        row.wrong("different", small.tables_of(folder) != tables, "tables")
        left = small.leftovers(folder)
        row.wrong("left_behind", len(left), left)
        shutil.rmtree(folder)
    return row


def _command(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "simnorm", *COMMAND, "-o", os.fspath(folder)]
    return subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def orphans(session: int) -> list[int]:
    """Return processes of a session that do not end by themselves soon."""
    end = time.monotonic() + ORPHANS_END
    while (left := _of_session(session)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def _of_session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name stands in parentheses, and may hold anything.
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(path.parent.name))
    return found


def with_processes(trial: Trial, kills: int, chance: random.Random) -> Row:
    """Kill runs that have processes for workers: these must end by themselves."""
    from concurrent.futures import ProcessPoolExecutor

    def pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            2, mp_context=get_context("spawn"), initializer=small.blocks_of_16
        )

    options: dict[str, Any] = {"workers": None, "executor": pool}
    begun = time.monotonic()
    small.finished(trial.designs, trial.folder, **options)
    seconds = time.monotonic() - begun
    trial.again()

    def look_for_orphans(session: int) -> None:
        left = orphans(session)
        trial.row.wrong("left_behind", len(left), f"processes {left}")

    return _at_random(trial, kills, chance, seconds, look_for_orphans, **options)


# A Dask cluster


def cluster_design() -> Design:
    """Return a design of blocks as they are, some seconds of work."""
    return Design.make(
        ["normal", "exponential"], estimators=["mean", "median"], batch_sizes=[4, 8],
        full_size=1024, replications=40_960,
    )  # fmt: skip


def of_dask_workers(root: Path, kills: int, chance: random.Random) -> Row:
    """Kill workers of a Dask cluster while they work; another one comes in place of each."""
    from distributed import Client, LocalCluster

    row, design = Row("Dask workers", "laws"), cluster_design()
    streams.BLOCK_DRAWS = BLOCK_DRAWS
    sn.run(design, out=root / "whole")
    tables, folder = small.tables_of(root / "whole"), root / "run"
    workers: list[BaseProcess] = []

    def kill_one(_: object) -> None:
        if row.kills < kills and len(client.nthreads()) == WORKERS and chance.random() < OFTEN:
            process = workers.pop(chance.randrange(WORKERS))
            process.kill()
            process.join()
            row.kills += 1
            workers.append(_dask_worker(root, client.scheduler.address))

    with (
        LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        try:
            workers += [_dask_worker(root, client.scheduler.address) for _ in range(WORKERS)]
            while row.kills < kills:
                client.wait_for_workers(WORKERS, timeout=small.PATIENCE)
                sn.run(design, out=folder, executor=client, on_progress=kill_one)
                contents = read_contents(folder)
                row.acknowledged += len(contents.rows)
                row.wrong("corrupt", len(contents.faults), contents.faults)
                given_up = sn.load(folder).provenance.get("tasks_given_up", [])
                row.wrong("lost", len(given_up), given_up)
                row.wrong("different", small.tables_of(folder) != tables, "tables")
                left = small.leftovers(folder)
                row.wrong("left_behind", len(left), left)
                shutil.rmtree(folder)
        finally:
            for process in workers:
                process.kill()
                process.join()
    return row


def _dask_worker(place: Path, address: str) -> BaseProcess:
    """Return a process that is a worker: forked from one that has imported all, so soon there."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["distributed", "simnorm.parcels", "simnorm.tasks"])
    process = context.Process(target=_work, args=(address, os.fspath(place)))
    process.start()
    return process


def _work(address: str, place: str) -> None:
    from distributed import Worker

    logging.getLogger("distributed").setLevel(logging.CRITICAL)

    async def work() -> None:
        options = {"dashboard": False, "memory_limit": 0, "local_directory": place}
        async with Worker(address, nthreads=1, **options) as worker:
            await worker.finished()

    asyncio.run(work())


# All of it


def random_times(root: Path, kills: int) -> Iterator[Row]:
    """Kill runs of all kinds at random times, so many in all."""
    chance, kinds = random.Random(9), small.kinds(root)
    for i, (kind, designs) in enumerate(kinds.items()):
        share = (kills + i) // len(kinds)
        yield at_random(Trial(root, "random times", kind, designs), share, chance)


def steps(root: Path, every: int) -> Iterator[Row]:
    """Kill runs before every so many steps that they take in their folder."""
    kinds = small.kinds(root)
    for kind in ("laws", "more sizes", "function"):
        yield at_every_step(Trial(root, "before a step", kind, kinds[kind]), every)


def mends(root: Path, every: int) -> Iterator[Row]:
    """Kill a run before every so many steps of mending its store, and of all that follows."""
    yield mending(Trial(root, "before a step of mending", "laws", [small.tiny()]), every)


def commands(root: Path, kills: int) -> Iterator[Row]:
    """Kill processes of the command line."""
    yield by_command(root, kills, random.Random(9))


def processes(root: Path, kills: int) -> Iterator[Row]:
    """Kill runs that have processes for workers."""
    designs = small.kinds(root)["laws"]
    trial = Trial(root, "a process with workers", "laws", designs)
    yield with_processes(trial, kills, random.Random(9))


def dask(root: Path, kills: int) -> Iterator[Row]:
    """Kill workers of a Dask cluster."""
    yield of_dask_workers(root, kills, random.Random(9))


Part = Callable[[Path, int], Iterator[Row]]
# Every part; the last one has threads, after which no process may fork.
PARTS: dict[str, Part] = {
    "random": random_times,
    "steps": steps,
    "mends": mends,
    "commands": commands,
    "processes": processes,
    "dask": dask,
}
# How many kills, or every how many steps.
SAMPLE = {"random": 6, "steps": 40, "mends": 11}
ALL = {"random": 170, "steps": 1, "mends": 1, "commands": 20, "processes": 10, "dask": 50}
WRONG = ["lost", "corrupt", "different", "left_behind"]


def main(arguments: list[str]) -> None:
    """Write the table, and say what is wrong."""
    given = small.wishes("kills", __doc__, TABLE, PARTS, arguments)
    numbers = SAMPLE if given.sample else ALL
    small.small_blocks()
    rows: list[Row] = []
    for name in [given.part] if given.part else numbers:
        with tempfile.TemporaryDirectory(prefix="simnorm-proof-") as root:
            for row in PARTS[name](Path(root), numbers[name]):
                rows.append(row)
                print(*asdict(row).values(), flush=True)
    found = pd.DataFrame([asdict(row) for row in rows])
    small.written(found, given.output, WRONG)
