"""One thread to a task: linear algebra must not start threads of its own under the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Libraries of linear algebra, each with the number of threads that it had.
Before = list[tuple[Any, int]]


class _Users:
    """Who needs single threads: the first one in sets the limit, and the last one out lifts it.

    Most libraries have one limit for the whole process. A worker that lifted it at its own end
    would do so under the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._first: Before = []

    def enter(self) -> Before:
        """Set the limit; return what `leave` needs."""
        from threadpoolctl import ThreadpoolController

        with self._lock:
            libraries = ThreadpoolController().select(user_api="blas").lib_controllers
            before = [(library, library.get_num_threads()) for library in libraries]
            _set((library, 1) for library in libraries)
            if not self._count:
                self._first = before
            self._count += 1
        return before

    def leave(self, before: Before) -> None:
        """Lift the limits that are this thread's, and as the last one those of the process."""
        with self._lock:
            self._count -= 1
            _set(pair for pair in before if _is_of_thread(pair[0]))
            if not self._count:
                _set(pair for pair in self._first if not _is_of_thread(pair[0]))
                self._first = []


_USERS = _Users()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS to one thread while any block of this process runs.

    Sums are then made in one order, so that bits do not depend on the number of threads, and the
    workers do not fight for processors.
    """
    before = _USERS.enter()
    try:
        yield
    finally:
        _USERS.leave(before)


def _is_of_thread(library: Any) -> bool:
    """Return whether every thread has a limit of its own."""
    return getattr(library, "threading_layer", "") == "openmp"


def _set(pairs: Any) -> None:
    """Set numbers of threads, whichever thread set them last."""
    import threadpoolctl

    # From 3.7 on only the first thread that set OpenBLAS's number may set it again.
    forget = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    for library, number in pairs:
        if forget is not None:
            forget(force=True)
        library.set_num_threads(number)
    if forget is not None:
        forget(force=True)
