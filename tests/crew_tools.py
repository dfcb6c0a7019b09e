"""What the tests of crews share: small jobs, functions that end their worker, and clusters."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from simnorm import crews, tasks
from simnorm.design import Design
from simnorm.tasks import Job, Task

MARK = "SIMNORM_TEST_MARK"


def midrange(sample, axis=-1):
    """Return a statistic of the user's that every worker can import."""
    return (sample.min(axis=axis) + sample.max(axis=axis)) / 2


def poison(sample, axis=-1):
    """End the process when the value comes that the environment names."""
    if np.any(sample == float(os.environ.get(MARK, "nan"))):
        os.kill(os.getpid(), signal.SIGKILL)
    return sample.max(axis=axis)


def poisoned(block, replications=40_000):
    """Return a design with that function, and a value that only one of its blocks has."""
    seen = []

    def noted(sample, axis=-1):
        seen.append(float(sample.flat[0]))
        return sample.max(axis=axis)

    def made(function):
        return Design.make(
            "normal", estimators=function, batch_sizes=[8], full_size=64, replications=replications
        )

    tasks.compute(made(noted), Task(0, 0, block))
    return made(poison), seen[0]


def jobs(design, blocks):
    """Return the jobs of the first blocks of all sources, each a task of its own."""
    return [
        Job(number, 0, design, Task(number, 0, block))
        for number, source in enumerate(tasks.sources(design))
        for block in range(min(blocks, tasks.block_count(design, source)))
    ]


def asked(jobs):
    """Return what hands them out one after the other."""
    left = iter(jobs)
    return lambda: next(left, None)


def nodes(crew, jobs, **options):
    """Return the bytes of every job's node; what was lost as it is."""
    found = {}
    for job, node in crews.computed(asked(jobs), crew, **options):
        assert job.task not in found
        found[job.task] = node if isinstance(node, crews.Lost) else pickle.dumps(node)
    return found


def bits(jobs):
    """Return the bytes of every job's node by one thread."""
    with crews.opened(1) as crew:
        return nodes(crew, jobs)


def processes(workers=2):
    """Make a pool of processes that share nothing with this one."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def designs():
    """Return small designs: laws, several columns of data, groups, and a function."""
    rng = np.random.default_rng(3)
    table = {f"x{i}": rng.gamma(2.0, size=3000) for i in range(20)}
    names = list(table)
    table["part"] = np.repeat(np.arange(600.0), 5)
    common = {"batch_sizes": [2, 8], "seed": 5}
    return {
        "laws": Design.make(
            "normal,t(df=5)", estimators="mean,median", full_size=64, replications=9000, **common
        ),
        "data": Design.make(
            data=table, columns=names, sampling="shuffle,grouped:part",
            estimators="std,max", replications=700, **common,
        ),
        "function": Design.make(
            "laplace", estimators=["mean", midrange], full_size=64, replications=9000, **common
        ),
    }  # fmt: skip


# A cluster of real processes


class Cluster:
    """A scheduler and workers, each a process of its own, with nannies if wanted."""

    def __init__(self, folder: Path, workers: int, *, nanny: bool = False, mark=float("nan")):
        self.folder, self.nanny, self.started = folder, nanny, []
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())]),
            MARK: repr(mark),
            "PYTHONWARNINGS": "ignore",
            "OMP_NUM_THREADS": "1",
        }
        self.file = folder / "scheduler.json"
        self.scheduler = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file),
            "--dashboard-address", "127.0.0.1:0", "--no-show",
        )  # fmt: skip
        # Dask does not write it at once.
        until(lambda: self.file.exists() and self.file.read_text().endswith("}"))
        self.workers = [self.add_worker() for _ in range(workers)]

    def start(self, *arguments):
        with open(self.folder / f"{arguments[0]}.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments], env=self.environment,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def add_worker(self):
        return self.start(
            "worker", "--scheduler-file", str(self.file), "--nthreads", "1", "--host", "127.0.0.1",
            "--nanny" if self.nanny else "--no-nanny", "--no-dashboard", "--memory-limit", "0",
            "--local-directory", str(self.folder),
        )  # fmt: skip

    def close(self):
        for process in self.started[::-1]:
            # Each leads a group of its own: a nanny's worker goes with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def cluster(folder, workers, **options):
    made = Cluster(folder, workers, **options)
    try:
        yield made
    finally:
        made.close()


def until(condition, seconds=60.0):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
