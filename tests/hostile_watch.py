"""A place where hostile texts are tried, and what must not happen there.

Python's own audit events tell what a call opens, starts, connects to and compiles; a look at all
files before and after tells what it has written.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from simnorm.cli import app
from simnorm.errors import SimnormError

CODES = {0, 1, 2, 3}
# Seconds and bytes that no call may take: what is refused takes milliseconds, a small run a second.
PATIENCE = 120.0
MOST_MEMORY, MOST_MAPPED = 1 << 30, 1 << 33
# Of what is refused: usage, a hint to help and one line take four.
MOST_LINES, MOST_LETTERS = 12, 3000
# How deep a command stands in its root, so that a few ../ stay inside.
DEPTH = "a/b/c"
DEFAULT_FOLDER = re.compile(r"runs(/[a-z]+-[0-9a-f]{8}(/.*)?)?")
# Characters that a terminal acts on, or that turn text around.
TURNS = set("\u200e\u200f\u061c\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
STARTED = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "os.forkpty",
    "pty.spawn", "subprocess.Popen", "webbrowser.open", "urllib.Request",
    "shutil.unpack_archive", "sqlite3.load_extension", "sqlite3.enable_load_extension",
)  # fmt: skip
# What our libraries unpickle of their own: numba keeps compiled functions so.
UNPICKLED = ("numba", "numpy", "copyreg", "_codecs", "dask", "distributed", "tornado")
USUAL = ("builtins", "object")
CONNECTED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind")
CHANGED = ("os.mkdir", "os.rename", "os.symlink", "os.link", "os.chmod", "os.truncate", "os.chown")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SECRETS = ("/etc/passwd", "/etc/shadow", "/proc/self/mem", "/proc/self/environ")

_watching: list[Place] = []


class Hang(BaseException):
    """A call took longer than any may."""


class Place:
    """An empty folder for commands, inside a root where everything is watched.

    Parameters
    ----------
    root
        The watched folder.
    text
        The hostile text that is tried.
    patience
        Seconds that a call may take.
    """

    def __init__(self, root: Path, text: str, patience: float = PATIENCE) -> None:
        self.root, self.text = root.resolve(), text
        self.cwd = self.root / DEPTH
        self.patience = patience
        self.faults: list[str] = []
        self.named: list[Path] = []
        self.calls = 0
        self.may_connect = False
        self.may_read = False

    def names(self, path: str) -> None:
        """Let the call write to a path, and below it: the user has named it."""
        with contextlib.suppress(ValueError, OSError):
            self.named.append(Path(os.path.normpath(self.cwd / path)))
        self.may_read = True

    def command(self, *arguments: object) -> Any:
        """Run a command, and note what it does wrong."""
        said = [str(argument) for argument in arguments]
        # A run keeps the command that has made it.
        with self._watched(said), pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["simnorm", *said])
            result = CliRunner().invoke(app, said)
            error = result.exception
            if error is not None and not isinstance(error, SystemExit):
                self._raised(error)
            elif result.exit_code not in CODES:
                self.faults.append(f"exit code {result.exit_code}")
            self._check_output("stdout", result.stdout)
            self._check_output("stderr", result.stderr)
            lines = [line for line in result.stderr.splitlines() if line.strip()]
            if result.exit_code in (1, 2) and (
                not lines or len(lines) > MOST_LINES or len(result.stderr) > MOST_LETTERS
            ):
                self.faults.append(f"{len(lines)} lines of {len(result.stderr)} letters on stderr")
        return result

    def python(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a function of the library: what it returns, or None where it has refused."""
        with self._watched([getattr(function, "__name__", "?")]):
            try:
                return function(*arguments, **named)
            except SimnormError as error:
                self._check_output("message", str(error))
                if len(str(error)) > MOST_LETTERS or "\n" in str(error):
                    self.faults.append(f"a message of {len(str(error))} letters")
            except Hang:
                raise
            except Exception as error:
                self._raised(error)
        return None

    def _raised(self, error: BaseException) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = ascii(str(error))[:160]
        place = f"{Path(last.filename).name}:{last.lineno}"
        self.faults.append(f"{type(error).__name__}: {said} at {place}")

    def _check_output(self, where: str, text: str) -> None:
        if found := sorted({ascii(letter) for letter in text if is_raw(letter)}):
            self.faults.append(f"{where} has raw {', '.join(found)}")
        if "Traceback (most recent call last)" in text:
            self.faults.append(f"a traceback on {where}")
        if "root:x:0:0" in text and not self.may_read:
            self.faults.append(f"{where} shows a forbidden file")

    @contextlib.contextmanager
    def _watched(self, said: list[str]) -> Iterator[None]:
        self.calls += 1
        before, memory = self._files(), _memory()
        first = len(self.faults)
        here, usual = Path.cwd(), tempfile.tempdir
        os.chdir(self.cwd)
        tempfile.tempdir = str(self.root / "tmp")
        limits = resource.getrlimit(resource.RLIMIT_AS)
        # What grows without an end is stopped before it takes the machine with it.
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + MOST_MAPPED, limits[1]))
        alarm = signal.signal(signal.SIGALRM, _hang)
        signal.setitimer(signal.ITIMER_REAL, self.patience)
        _watching.append(self)
        try:
            yield
        except Hang:
            self.faults.append(f"no end after {self.patience:g} s")
        finally:
            _watching.remove(self)
            resource.setrlimit(resource.RLIMIT_AS, limits)
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, alarm)
            tempfile.tempdir = usual
            os.chdir(here)
        if _memory() - memory > MOST_MEMORY:
            self.faults.append(f"{(_memory() - memory) / 1e6:,.0f} MB more memory")
        after = self._files()
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path) and not self._may_write(path):
                self.faults.append(f"wrote {path!a}")
        line = ascii(" ".join(said))[:160]
        self.faults[first:] = [f"{fault} <- {line}" for fault in self.faults[first:]]

    def _files(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                facts = os.lstat(path)
                is_file = name in files
                found[path] = (facts.st_mode, facts.st_size * is_file, facts.st_mtime_ns * is_file)
        return found

    def _may_write(self, path: str) -> bool:
        whole = Path(path)
        if any(whole == one or one in whole.parents or whole in one.parents for one in self.named):
            return True
        inside = os.path.relpath(path, self.cwd)
        return bool(DEFAULT_FOLDER.fullmatch(inside))

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event that must not be."""
        if event in STARTED or (event in CONNECTED and not self.may_connect):
            self.faults.append(f"event {event} {ascii(arguments)[:100]}")
        elif event == "pickle.find_class":
            module, name = map(str, arguments)
            if module.partition(".")[0] not in UNPICKLED and (module, name) != (
                "builtins",
                "object",
            ):
                self.faults.append(f"unpickled {module}.{name}")
        elif event == "compile":
            source = arguments[0]
            source = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
            if isinstance(source, str) and len(self.text.strip()) > 4 and self.text in source:
                self.faults.append("the text was compiled")
        elif event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and isinstance(flags, int):
                self._opened(os.fsdecode(path), bool(flags & WRITES))
        elif event in CHANGED and isinstance(arguments[0], str | bytes):
            self._opened(os.fsdecode(arguments[0]), is_written=True)

    def _opened(self, path: str, is_written: bool) -> None:
        whole = os.path.abspath(path)
        if not is_written:
            if whole in SECRETS and not self.may_read:
                self.faults.append(f"read {whole}")
            return
        # Nothing can be made below /proc: to try is no harm.
        is_ours = whole == os.devnull or "__pycache__" in whole or whole.startswith("/proc/")
        is_inside = whole == str(self.root) or whole.startswith(f"{self.root}{os.sep}")
        if not is_ours and not is_inside and not self._may_write(whole):
            self.faults.append(f"opened {ascii(whole)[:100]} for writing")


def is_raw(letter: str) -> bool:
    """Tell whether a terminal acts on a character, or it turns the text around."""
    return (unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n") or letter in TURNS


def _hang(*_: object) -> None:
    raise Hang


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _mapped() -> int:
    """Return how much memory is mapped, in use or not."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    for place in tuple(_watching):
        place.heard(event, arguments)


sys.addaudithook(_audit)


@contextlib.contextmanager
def place_for(folder: Path, text: str, template: Path | None = None) -> Iterator[Place]:
    """Make a place for a text, with copies of the files of a template, and take it away again."""
    root = folder / "root"
    place = Place(root, text)
    if template is not None:
        shutil.copytree(template, place.cwd)
    else:
        place.cwd.mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "watched").write_text("as it was", encoding="utf-8")
    try:
        yield place
    finally:
        shutil.rmtree(root, ignore_errors=True)
