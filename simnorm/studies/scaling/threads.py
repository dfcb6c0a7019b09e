"""One thread to a task: linear algebra must not start threads of its own under the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Users:
    """Who needs single threads: the first one in sets the limit, and the last one out lifts it.

    The limit is the process's, whoever sets it; a worker that lifted it at its own end would do so
    under the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._limit: Any = None

    def enter(self) -> None:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        with self._lock:
            if not self._count:
                self._limit = threadpool_limits(limits=1)
            self._count += 1

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            if not self._count:
                self._limit.restore_original_limits()
                self._limit = None


_USERS = _Users()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread while any block of this process runs.

    Sums are then made in one order, so that bits do not depend on the number of threads, and the
    workers do not fight for processors.
    """
    _USERS.enter()
    try:
        yield
    finally:
        _USERS.leave()
