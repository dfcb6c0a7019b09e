"""Jobs that take turns, and fresh processes.

On a shared machine the same job takes twice as long from one second to the next. So the jobs of a
comparison run one after the other, round after round, in rising and falling order by turns, and a
ratio is the median of the rounds' own ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """Something to measure.

    Parameters
    ----------
    run
        Does the work. What it returns is dropped, unless that is a float: then it is the value,
        for jobs that measure themselves.
    share
        The part of the comparison's work that is done; the value is divided by it.
    warm
        Runs once before the first round, uncounted: compiles, loads, builds tables.
    how
        One line on how a rival is written.
    """

    run: Callable[[], object]
    share: float = 1.0
    warm: Callable[[], object] | None = None
    how: str = ""

    def measure(self) -> float:
        """Run once and return the seconds of the whole work, or what the job says."""
        begin = time.perf_counter()
        found = self.run()
        seconds = time.perf_counter() - begin
        return (found if isinstance(found, float) else seconds) / self.share


def in_turn(jobs: Mapping[str, Job], rounds: int) -> dict[str, list[float]]:
    """Return every job's values, a round after a round."""
    for job in jobs.values():
        if job.warm is not None:
            job.warm()
    values: dict[str, list[float]] = {name: [] for name in jobs}
    order = list(jobs)
    for _ in range(rounds):
        for name in order:
            values[name].append(jobs[name].measure())
        order.reverse()
    return values


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def python(*arguments: str, **environment: str) -> str:
    """Run a fresh Python process and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.stdout


# Not getrusage where it can be helped: there a process begins with the peak of its parent.
PEAK = """
import resource, sys
from pathlib import Path
status = Path("/proc/self/status")
if status.exists():
    lines = status.read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak /= 1024 if sys.platform == "darwin" else 1
print(peak / 1000)
"""


def peak_memory(code: str) -> float:
    """Return the megabytes that a fresh Python process holds at most while it runs `code`."""
    return float(python("-c", code + PEAK))
