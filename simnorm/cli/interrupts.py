"""Ctrl-C, SIGTERM and a closed terminal: what is under way ends well, and one message says so.

Outside a run the first signal raises `Stopped`. In a run it is a flag that the engine reads:
nothing new is handed out, and what has begun is finished and kept. A second signal leaves at once;
what was committed stays, as after a power cut.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from simnorm.cli.plain import plain

# Those of them that the system has. SIGBREAK is Windows' Ctrl-Break.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
# `timeout` sends its signal twice, and a terminal that closes often does, too: what follows the
# first one faster than a person would is the same wish. In seconds.
GRACE = 0.3
FINISHING = "finishing what has begun (once more leaves at once)"
STDERR = 2

Handler = Callable[[int, FrameType | None], None]


class Stopped(KeyboardInterrupt):
    """A command that a signal has ended, with what there is to say of it.

    Parameters
    ----------
    signum
        The signal.
    lines
        What is said on stderr, after the program's name.
    """

    def __init__(self, signum: int = signal.SIGINT, *lines: str) -> None:
        self.signum, self.lines = signum, lines or ("interrupted",)
        super().__init__(*self.lines)


def exit_code(signum: int) -> int:
    """Return the exit code of a command that a signal has ended, as shells count.

    Examples
    --------
    >>> exit_code(signal.SIGINT), exit_code(signal.SIGTERM)
    (130, 143)
    """
    return 128 + signum


class Stop:
    """Whether a run is to stop. Called without arguments, it tells; a signal sets it.

    Parameters
    ----------
    farewell
        Returns the lines to leave with at the second signal.
    shown
        Whether the first signal says on stderr what follows, where no terminal shows it.
    """

    def __init__(self, farewell: Callable[[], tuple[str, ...]], *, shown: bool = True) -> None:
        self.farewell, self.shown = farewell, shown
        self.signum = 0
        self._since = 0.0
        self._terminals = [fd for fd in range(3) if os.isatty(fd)]

    def __call__(self) -> bool:
        """Return whether a signal has come."""
        return self.signum != 0

    def handle(self, signum: int, _: FrameType | None) -> None:
        """Take a signal."""
        _let_go(signum, self._terminals)
        if self.signum:
            if time.monotonic() - self._since > GRACE:
                leave(self.signum, *self.farewell())
            return
        self.signum, self._since = signum, time.monotonic()
        if self.shown and STDERR not in self._terminals:
            _write(f"simnorm: {FINISHING}\n")


@contextlib.contextmanager
def heeded(stop: Stop) -> Iterator[Stop]:
    """Let signals set a flag while the block runs."""
    with _handled(stop.handle):
        yield stop


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Let the first signal raise `Stopped` in the block, and a later one leave at once."""
    terminals = [fd for fd in range(3) if os.isatty(fd)]
    first: list[float] = []

    def handle(signum: int, _: FrameType | None) -> None:
        _let_go(signum, terminals)
        if not first:
            first.append(time.monotonic())
            raise Stopped(signum)
        if time.monotonic() - first[0] > GRACE:
            leave(signum, "left at once")

    with _handled(handle):
        yield


@contextlib.contextmanager
def meanwhile(*lines: str) -> Iterator[None]:
    """Give the lines to what a signal raises in the block."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped(getattr(error, "signum", signal.SIGINT), *lines) from None


@contextlib.contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """Install a handler for every signal that would end us, and afterwards what was there."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may, and only it is interrupted
        return
    before: dict[int, signal.Handlers | Handler | int] = {}
    for name in NAMES:
        there = signal.getsignal(getattr(signal, name)) if hasattr(signal, name) else None
        # None: not ours to restore. Ignored: whoever started us, such as nohup, wants no end.
        if there not in (None, signal.SIG_IGN):
            before[getattr(signal, name)] = there
    try:
        for signum in before:
            signal.signal(signum, handler)
        yield
    finally:
        for signum, there in before.items():
            signal.signal(signum, there)


def leave(signum: int, *lines: str) -> None:
    """End this process now, with its children; the terminal gets its cursor back."""
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for child in multiprocessing.active_children():
            child.terminate()
    clear = "\r\x1b[2K\x1b[?25h" if os.isatty(STDERR) else ""
    first, *others = map(plain, lines)
    _write("\n".join([f"{clear}simnorm: {first}", *others, ""]))
    os._exit(exit_code(signum))


def _let_go(signum: int, terminals: list[int]) -> None:
    """Point what went to a terminal that is closed to nowhere: to write to it would fail."""
    if signum == getattr(signal, "SIGHUP", None):
        for fd in terminals:
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)


def _write(text: str) -> None:
    """Write to stderr past Python's buffers, which a signal may have caught in the middle."""
    with contextlib.suppress(OSError):
        os.write(STDERR, text.encode())


def say(text: str, end: str = "\n", before: str = "") -> None:
    """Write a line to stderr, above a bar if there is one; `before` is for the terminal to obey.

    If its reader has left, nothing more is written there.
    """
    try:
        print(before + plain(text), end=end, file=sys.stderr, flush=True)
    except OSError:
        silence(STDERR)


def silence(fd: int) -> None:
    """Point a stream whose reader has left to nowhere, so that the last flush stays silent."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), fd)
