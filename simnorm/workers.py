"""How many workers there are to be, unless a cluster says so."""

from __future__ import annotations

import os

from simnorm.grammar import whole_number

MOST_WORKERS = 1024


def available_workers() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def worker_count(wanted: object = None) -> int:
    """Return the number of threads: the number given, text or not, or one for each processor.

    Raises
    ------
    SimnormError
        If what is given is no such number.
    """
    if wanted is None:
        return available_workers()
    return whole_number(wanted, "workers", 1, MOST_WORKERS)
