"""Runs that end before their time: signals, full disks, time; what is kept and how it goes on."""

import contextlib
import csv
import errno
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import simnorm as sn
from simnorm import disk
from simnorm.cli import going_on, interrupts
from simnorm.cli import progress as bar_module
from simnorm.cli.going_on import Told, interrupted_lines
from simnorm.cli.interrupts import GRACE, Stop, Stopped
from simnorm.cli.progress import state_of
from simnorm.engine import Progress
from simnorm.errors import Interrupted, RunError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")

# Small blocks of many replications: 80 of them, sixteen to a task.
SMALL = ["--dist", "normal", "--full-size", 64, "--batch-sizes", "4,8", "--replications", 4096 * 80]
SWEEP = ["sweep", *SMALL, "--workers", 1]

# What a program is told before it runs. Where tests run in the background, a shell has told all of
# them to ignore Ctrl-C; the file `ready` says that signals are heeded from now on.
PRELUDE = """
import contextlib, os, pathlib, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from simnorm.cli import interrupts, main
raised = interrupts.raised
@contextlib.contextmanager
def ready():
    with raised():
        pathlib.Path("ready").touch()
        yield
interrupts.raised = ready
"""
# A block that takes a while: a task is sixteen of them.
SLOW = """
from simnorm.studies import sweep
right = sweep.block_errors
def slow(*args, **kwargs):
    time.sleep({0})
    return right(*args, **kwargs)
sweep.block_errors = slow
"""


@contextlib.contextmanager
def program(*words, before="", **options):
    """Run a command in a process of its own, which does not outlive the block."""
    code = f"{PRELUDE}\n{before}\nmain()"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    command = [sys.executable, "-c", code, *map(str, words)]
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def run_to_end(*words, **options):
    """Return exit code, stdout and stderr of a command."""
    with program(*words, **options) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_for(path, seconds=60):
    """Wait until a file is there."""
    for _ in range(round(seconds / 0.02)):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} has not come")


def wait_for_nodes(folder, seconds=60):
    """Wait until a run has committed something: its database's log is longer than its tables."""
    log = folder / "run.db-wal"
    for _ in range(round(seconds / 0.02)):
        with contextlib.suppress(OSError):
            if log.stat().st_size > 60_000:
                return
        time.sleep(0.02)
    raise AssertionError("nothing was committed")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Every test has an empty folder of its own to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of the table of `SWEEP`, run without a break."""
    folder = tmp_path_factory.mktemp("whole")
    given = {"full_size": 64, "batch_sizes": [4, 8], "replications": 4096 * 80}
    sn.sweep(["normal"], **given, out=folder / "run")
    return (folder / "run" / "results.csv").read_bytes()


# What a signal does


def test_the_first_signal_is_a_flag_and_a_later_one_leaves(monkeypatch):
    """The first sets the flag; what follows at once is the same wish; after that it is the end."""
    left, now = [], [100.0]
    monkeypatch.setattr(interrupts, "leave", lambda *given: left.append(given))
    monkeypatch.setattr(interrupts.time, "monotonic", lambda: now[0])
    stop = Stop(lambda: ("bye", "more"), shown=False)
    assert not stop()
    stop.handle(signal.SIGTERM, None)
    assert stop()
    assert stop.signum == signal.SIGTERM
    now[0] += 0.9 * GRACE
    stop.handle(signal.SIGTERM, None)
    assert left == []
    now[0] += 0.2 * GRACE
    stop.handle(signal.SIGINT, None)
    # The exit code is that of what came first.
    assert left == [(signal.SIGTERM, "bye", "more")]


def test_outside_a_run_the_first_signal_raises(monkeypatch):
    """Once; what follows at once is the same wish."""
    left = []
    monkeypatch.setattr(interrupts, "leave", lambda *given: left.append(given))
    monkeypatch.setattr(interrupts, "GRACE", 1e9)
    with interrupts.raised():
        with pytest.raises(Stopped) as caught:
            signal.raise_signal(signal.SIGTERM)
        assert caught.value.signum == signal.SIGTERM
        signal.raise_signal(signal.SIGTERM)
        monkeypatch.setattr(interrupts, "GRACE", -1.0)
        signal.raise_signal(signal.SIGTERM)
    assert left == [(signal.SIGTERM, "left at once")]


@pytest.mark.parametrize("context", [interrupts.raised, lambda: interrupts.heeded(Stop(tuple))])
def test_handlers_are_those_from_before_afterwards(context):
    """What was installed is there again; who ignored a signal, as under nohup, goes on to."""

    def mine(*_):
        pass

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    before = {name: signal.getsignal(getattr(signal, name)) for name in names}
    try:
        signal.signal(signal.SIGTERM, mine)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with context():
            assert signal.getsignal(signal.SIGTERM) not in (mine, signal.SIG_DFL)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is mine
        with pytest.raises(ZeroDivisionError), context():
            1 / 0  # noqa: B018
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def test_a_thread_installs_nothing():
    """Only the main thread may, and a command in another one works all the same."""
    found = []

    def work():
        with interrupts.raised(), interrupts.heeded(Stop(tuple)) as stop:
            found.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]


def test_the_library_installs_none(monkeypatch):
    """A run from Python leaves signals alone."""
    monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("a handler was installed"))
    sn.sweep(["normal"], full_size=64, batch_sizes=[4], replications=4, out="run")


def test_what_is_said_belongs_to_where_it_happened():
    """The innermost words are kept; Python's own Ctrl-C gets them, too."""
    with pytest.raises(Stopped) as caught, interrupts.meanwhile("a", "b"):
        raise KeyboardInterrupt
    assert (caught.value.signum, caught.value.lines) == (signal.SIGINT, ("a", "b"))
    with pytest.raises(Stopped) as caught, interrupts.meanwhile("a"):
        raise Stopped(signal.SIGTERM)
    assert (caught.value.signum, caught.value.lines) == (signal.SIGTERM, ("a",))


# What is said


def words_of(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["simnorm", *words])


@pytest.mark.parametrize("folder", ["runs/sweep-0123abcd", "runs/" + "x" * 60, "a b"])
def test_messages_fit_80_columns(folder, monkeypatch):
    """All but the commands and paths that are too long themselves, which are never broken."""
    words_of(monkeypatch, "sweep", "--dist", "t(df=5)", "-o", folder)
    there = Path(folder)
    there.mkdir(parents=True)
    for lines in (
        interrupted_lines(there, Interrupted(62, 100, there), None),
        interrupted_lines(there, Interrupted(62, 100), Progress(62, 100, 123, 1234)),
        going_on.left_lines(there),
        going_on.finished_lines(there),
    ):
        text = "simnorm: " + "\n".join(lines)
        assert folder in text.replace("\n", " ")
        for line in text.splitlines():
            assert len(line) <= 80 or not line.replace(folder, "").startswith("simnorm:")


def test_what_is_said_of_an_interrupted_run(monkeypatch):
    """The share, rounded down; the command, quoted for a shell; how to get a report."""
    words_of(monkeypatch, "sweep", "--dist", "t(df=5)", "-o", "my run")
    assert interrupted_lines(Path("my run"), Interrupted(629, 1000), Progress(629, 1000)) == (
        "interrupted; 62 % is done and kept in my run",
        "to go on: simnorm sweep --dist 't(df=5)' -o 'my run'",
        "for a PDF: simnorm report 'my run'",
    )
    # With a target nobody knows how much there is to draw.
    said = interrupted_lines(Path("r"), Interrupted(5, 1000), Progress(5, 1000, 30, 40))[0]
    assert said == "interrupted; 10 of 40 cells are precise; what is drawn is kept in r"
    said = interrupted_lines(Path("r"), Interrupted(0, 1000), None)
    assert said == ("interrupted before anything new was drawn", going_on.go_on_line())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([Progress(50, 80, stored=40, drawn=10)], "goes on: 50 % of it was in r"),
        ([Progress(80, 80, stored=80, drawn=0)], "all of it was in r: nothing is drawn"),
        ([Progress(5, 80, 3, 4, stored=4, drawn=1)], "goes on: what is in r is not drawn again"),
        # What is there of a later source is counted when its turn comes.
        (
            [Progress(9, 80, stored=0, drawn=9), Progress(20, 80, stored=2, drawn=18)],
            "goes on: what is in r is not drawn again",
        ),
        ([Progress(9, 80, stored=0, drawn=9)], ""),
    ],
)
def test_a_run_that_goes_on_says_so_once(given, said, capsys):
    """How much was there, where that is known."""
    passed = []
    told = Told(Path("r"), shown=True).through(passed.append)
    for progress in [*given, given[-1]]:
        told(progress)
    assert passed == [*given, given[-1]]
    assert capsys.readouterr().err == (f"{said}\n" if said else "")
    Told(Path("r"), shown=False).through(None)(given[-1])
    assert capsys.readouterr().err == ""


def test_the_rate_is_of_what_is_drawn_now():
    """Half was there; a quarter took ten seconds, and another one is left."""
    state = state_of(Progress(75 * 10**6, 100 * 10**6, stored=50 * 10**6), 10.0, 25 * 10**6)
    assert (state.completed, state.total) == (75 * 10**6, 100 * 10**6)
    assert state.rate == "2 M draws/s, 10 s left"


def test_the_bar_of_a_run_that_goes_on(monkeypatch):
    """It begins where the run is; its clock begins with the first node that is drawn."""
    shown, now = [], [0.0]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(bar_module.time, "perf_counter", lambda: now[0])

    def noting(*given):
        shown.append(given)
        return state_of(*given)

    monkeypatch.setattr(bar_module, "state_of", noting)
    with bar_module.progress_bar(shown=True) as tell:
        for seconds, done, stored in ((1.0, 40, 40), (9.0, 50, 40), (11.0, 60, 40), (12.0, 75, 45)):
            now[0] = seconds
            tell(Progress(done, 100, stored=stored))
    # Seconds, and what was drawn in them.
    assert [given[1:3] for given in shown] == [(0.0, 0), (0.0, 0), (2.0, 10), (3.0, 20)]


# Signals and real processes


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_a_run_well(name, code, own_folder, whole):
    """What has begun is finished and kept; the same command goes on to the same bytes."""
    with program(*SWEEP, "-o", "run", before=SLOW.format(0.03)) as process:
        wait_for_nodes(own_folder / "run")
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    command = " ".join(map(str, [*SWEEP, "-o", "run"]))
    assert re.fullmatch(
        "simnorm: finishing what has begun .once more leaves at once.\n"
        r"simnorm: interrupted; \d\d % is done and kept in run\n"
        f"to go on: simnorm {re.escape(command)}\n"
        "for a PDF: simnorm report run\n",
        err,
    )
    share = re.search(r"\d+ %", err)[0]
    assert not (own_folder / "run" / "provenance.json").exists()
    # There is something to look at before it goes on.
    assert set(sn.load("run").frame["stop_reason"]) == {"interrupted"}
    code, _, err = run_to_end(*SWEEP, "-o", "run")
    assert (code, err.splitlines()[0]) == (0, f"goes on: {share} of it was in run")
    assert (own_folder / "run" / "results.csv").read_bytes() == whole


def test_quiet_runs_say_no_more_than_the_message(own_folder):
    """-q leaves out what is no error; how it goes on is said all the same."""
    with program(*SWEEP, "-o", "run", "-q", before=SLOW.format(0.03)) as process:
        wait_for_nodes(own_folder / "run")
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=30)[1]
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "simnorm",
        "to go on",
        "for a PDF",
    ]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_second_signal_leaves_at_once(name, code, own_folder, whole):
    """A task may take a minute: nobody waits for it, and nothing committed is lost."""
    slow = SLOW.format("60 if pathlib.Path('stuck').exists() else 0.01")
    with program(*SWEEP, "-o", "run", before=slow) as process:
        wait_for_nodes(own_folder / "run")
        (own_folder / "stuck").touch()
        time.sleep(0.5)
        process.send_signal(getattr(signal, name))
        time.sleep(2 * GRACE)
        assert process.poll() is None
        process.send_signal(getattr(signal, name))
        err = process.communicate(timeout=5)[1]
    assert process.returncode == code
    said = err.splitlines()
    assert said[1] == "simnorm: left at once; what was finished before is kept in run"
    assert said[2].startswith("to go on: simnorm sweep ")
    code, _, err = run_to_end(*SWEEP, "-o", "run")
    assert (code, err[:9]) == (0, "goes on: ")
    assert (own_folder / "run" / "results.csv").read_bytes() == whole


def test_a_signal_that_comes_twice_at_once_is_one(own_folder):
    """As `timeout` and closing terminals send it."""
    with program(*SWEEP, "-o", "run", before=SLOW.format(0.03)) as process:
        wait_for_nodes(own_folder / "run")
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        err = process.communicate(timeout=30)[1]
    assert process.returncode == 143
    assert "interrupted; " in err


def test_whoever_ignores_hang_ups_goes_on(own_folder):
    """Under nohup a run survives its terminal."""
    before = SLOW.format(0.01) + "\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)"
    with program(*SWEEP, "-o", "run", before=before) as process:
        wait_for_nodes(own_folder / "run")
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    assert process.returncode == 0


def pause(place):
    """Return what makes a program stand still at a place, and say so by a file."""
    module, _, name = place.rpartition(".")
    return f"""
import importlib
holder = importlib.import_module({module.partition(":")[0]!r})
for part in {module.partition(":")[2]!r}.split("."):
    holder = getattr(holder, part) if part else holder
def still(*args, **kwargs):
    pathlib.Path("still").touch()
    while True:
        time.sleep(0.02)
        if interrupts.stopping:
            return right_one(*args, **kwargs)
right_one = getattr(holder, {name!r})
setattr(holder, {name!r}, still)
"""


# Whether a signal has come, for what stands still where it only sets a flag.
NOTICED = """
interrupts.stopping = False
handle = interrupts.Stop.handle
def noticing(self, *given):
    interrupts.stopping = True
    handle(self, *given)
interrupts.Stop.handle = noticing
"""


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("simnorm.design:Design.make", "interrupted; nothing was begun"),
        ("simnorm.settling:Maker.tables", "interrupted; the run is finished and kept in run"),
        ("simnorm.cli.summary:print_summary", "interrupted; the run is finished and kept in run"),
        ("simnorm.results:Result.report", "interrupted; the run is finished and kept in run"),
    ],
)
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_what_is_said_before_and_after_a_run_is_true(place, said, name, code, own_folder):
    """Nothing was begun, or all is kept: the folder agrees."""
    words = ["sweep", "--full-size", 64, "--batch-sizes", 4, "--replications", 8, "-o", "run"]
    module, _, function = place.partition(":")
    still = NOTICED + pause(f"{module}:{function}" if "." in function else f"{module}.{function}")
    with program(*words, "--report", "x.pdf", before=still) as process:
        wait_for(own_folder / "still")
        process.send_signal(getattr(signal, name))
        err = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert f"simnorm: {said}\n" in err
    finished = (own_folder / "run" / "provenance.json").exists()
    assert finished == ("finished" in said)
    for line in ("for its table: simnorm run run\n", "for a PDF: simnorm report run\n"):
        assert (line in err) == finished
    assert not (own_folder / "x.pdf").exists()


def test_nothing_of_a_search_is_kept(own_folder):
    """`solve` says so."""
    words = ["solve", "--target-rmse", "0.1", "--dist", "gamma", "--for", "steps"]
    still = NOTICED + pause("simnorm.solving.solve")
    with program(*words, before=still) as process:
        wait_for(own_folder / "still")
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=60)[1]
    assert (process.returncode, err) == (143, "simnorm: interrupted; nothing of a search is kept\n")


def random_times(draws, slow):
    """Yield moments from a run's begin to beyond its end, in seconds."""
    rng = np.random.default_rng(20)
    yield from rng.uniform(0.0, slow, size=draws)


def hit(folder, moment, *, twice, name):
    """Send a signal at a moment, or two; return the exit code and what was said."""
    with program(*SWEEP, "-o", "run", before=SLOW.format(0.02), cwd=folder) as process:
        wait_for(folder / "ready")
        time.sleep(moment)
        process.send_signal(name)
        if twice:
            time.sleep(1.1 * GRACE)
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(name)
        err = process.communicate(timeout=60)[1]
    return process.returncode, err


@pytest.mark.parametrize(
    "draws", [4, pytest.param(40, marks=pytest.mark.full_size)], ids=["few", "many"]
)
def test_signals_at_random_times(draws, own_folder, whole):
    """Once or twice, whenever: no traceback, a true message, and the same bytes in the end."""
    for at, moment in enumerate(random_times(draws, 4.0)):
        folder = own_folder / str(at)
        folder.mkdir()
        name = (signal.SIGINT, signal.SIGTERM)[at % 2]
        code, err = hit(folder, moment, twice=at % 4 > 1, name=name)
        assert "Traceback" not in err
        # What comes while the program leaves, all said, may still end it the hard way.
        assert code in (0, 128 + name, -name), err
        if code:
            assert "simnorm: interrupted" in err or "simnorm: left at once" in err
        if "the run is finished" in err or code == 0:
            assert (folder / "run" / "results.csv").read_bytes() == whole
        assert run_to_end(*SWEEP, "-o", "run", cwd=folder)[0] == 0
        assert (folder / "run" / "results.csv").read_bytes() == whole
        assert [path.name for path in (folder / "run").iterdir() if ".tmp" in path.name] == []


# Terminals


def test_the_cursor_comes_back(own_folder):
    """On a terminal the bar says that it ends; leaving at once shows the cursor again."""
    reader, terminal = pty.openpty()
    slow = SLOW.format("60 if pathlib.Path('stuck').exists() else 0.01")
    options = {"stdout": terminal, "stderr": terminal, "text": False, "start_new_session": True}
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    with program(*SWEEP, "-o", "run", before=slow, env=environment, **options) as process:
        os.close(terminal)
        wait_for_nodes(own_folder / "run")
        (own_folder / "stuck").touch()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        shown = read_all(reader).decode()
        assert process.wait(10) == 130
    assert "finishing what has begun" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0
    assert "simnorm: left at once" in shown[shown.rfind("\x1b[?25h") :]


def read_all(reader):
    """Return what a terminal's program writes until it ends."""
    found = b""
    with contextlib.suppress(OSError):  # as Linux says that there is no more
        while part := os.read(reader, 4096):
            found += part
    os.close(reader)
    return found


def test_a_terminal_that_closes_ends_a_run_well(own_folder, whole):
    """Nobody reads what is written, and what has begun is finished and kept."""
    reader, terminal = pty.openpty()
    options = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "text": False}
    # The terminal is the program's own, so that closing it hangs up.
    own = "import fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    with program(*SWEEP, "-o", "run", before=own + SLOW.format(0.03), **options) as process:
        os.close(terminal)
        drain = threading.Thread(target=drained, args=(reader, own_folder / "closed"), daemon=True)
        drain.start()
        wait_for_nodes(own_folder / "run")
        (own_folder / "closed").touch()
        drain.join(10)
        assert process.wait(30) == 129
    code, _, err = run_to_end(*SWEEP, "-o", "run")
    assert code == 0, err
    assert (own_folder / "run" / "results.csv").read_bytes() == whole


def drained(reader, until):
    """Read what comes until a file is there; then close."""
    os.set_blocking(reader, False)
    while not until.exists():
        with contextlib.suppress(OSError):
            os.read(reader, 4096)
        time.sleep(0.01)
    os.close(reader)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_ends_no_run(stream, own_folder):
    """`| head` takes what it wants; the run is finished and in its folder all the same."""
    # A note comes before the run: sizes beyond the full set are cut.
    words = ["sweep", "--full-size", 64, "--batch-sizes", "8:128:x2"]
    words += ["--replications", 8, "-o", "run"]
    reader, writer = os.pipe()
    os.close(reader)
    other = "stderr" if stream == "stdout" else "stdout"
    with program(*words, "-v", **{stream: writer}) as process:
        os.close(writer)
        said = getattr(process, other).read()
        assert process.wait(60) == 0
    assert (own_folder / "run" / "provenance.json").exists()
    assert "Traceback" not in said
    assert said != ""


# Disks


def test_a_full_disk_says_what_is_needed_and_free(monkeypatch):
    """In one line; what was kept before stays."""
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1_234)
    error = OSError(errno.ENOSPC, "No space left on device")
    assert str(disk.refused(Path("r/run.db"), error, 54_321)) == (
        "out: got 'r/run.db'; it cannot be written (No space left on device; 54 kB were to be "
        "written and 1.2 kB are free). Make room. What was kept before stays."
    )
    assert disk.refused(Path("r"), error).exit_code == 1


def test_room_is_asked_for_before_anything_is_drawn(monkeypatch, own_folder):
    """What is there already need not be there again; where nobody knows, nothing is refused."""
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1_000)
    with pytest.raises(RunError, match=r"may need 3\.0 kB, and 1\.0 kB are free") as caught:
        disk.check_room(own_folder / "run", 3_000)
    assert caught.value.exit_code == 1
    (own_folder / "run").mkdir()
    (own_folder / "run" / "run.db").write_bytes(bytes(2_000))
    disk.check_room(own_folder / "run", 3_000)
    monkeypatch.setattr(disk, "free_bytes", lambda _: None)
    disk.check_room(own_folder, 10**18)


def test_free_space_is_that_of_the_nearest_folder(own_folder):
    """The run's own folder need not be there."""
    found = disk.free_bytes(own_folder / "not" / "there")
    assert found is not None
    assert abs(found - disk.free_bytes(own_folder)) < 1e9


@contextlib.contextmanager
def small_disk(place, size="8m"):
    """Mount a small disk at a place, where that is allowed."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)]
    try:
        done = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        done = False
    if not done:
        pytest.skip("no disk may be mounted here")
    try:
        yield place
    finally:
        # A disk may have been mounted upon itself.
        words = ["umount", "-l", str(place)]
        while subprocess.run(words, capture_output=True, check=False).returncode == 0:
            pass


def test_a_disk_that_is_too_small_is_refused(own_folder):
    """Before anything is drawn, with exit code 1."""
    with small_disk(own_folder / "disk", "1m"):
        code, out, err = run_to_end(*SWEEP, "-o", "disk/run")
        assert list((own_folder / "disk").iterdir()) == []
    assert (code, out) == (1, "")
    assert re.search(
        r"the run may need \d.* MB, and \d.* [kM]B are free there", " ".join(err.split())
    )


def fill(place):
    """Fill a disk to its last byte."""
    with contextlib.suppress(OSError), (place / "filler").open("wb", buffering=0) as file:
        for size in (65_536, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def test_a_disk_that_gets_full(own_folder, whole):
    """One message with exit code 1; what is committed stays, and the run goes on with room."""
    with small_disk(own_folder / "disk", "20m") as place:
        with program(*SWEEP, "-o", "disk/run", before=SLOW.format(0.03)) as process:
            wait_for_nodes(place / "run")
            fill(place)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (1, "")
        assert "Traceback" not in err
        text = " ".join(err.split())
        assert "full" in text
        assert "are free" in text
        assert "What was kept before stays." in text
        assert err.splitlines()[-1].startswith("to go on: simnorm sweep ")
        assert max(map(len, err.splitlines()[:-1])) <= 80
        (place / "filler").unlink()
        code, _, err = run_to_end(*SWEEP, "-o", "disk/run")
        assert (code, err[:9]) == (0, "goes on: ")
        assert (place / "run" / "results.csv").read_bytes() == whole


def test_a_disk_that_becomes_read_only(own_folder, whole):
    """The tables cannot be written any more: one message, and all that was drawn is there."""
    with small_disk(own_folder / "disk", "20m") as place:
        with program(*SWEEP, "-o", "disk/run", before=SLOW.format(0.03)) as process:
            wait_for_nodes(place / "run")
            # What is open stays so; nothing new can be opened for writing.
            mount("--bind", place, place)
            mount("-o", "remount,bind,ro", place)
            out, err = process.communicate(timeout=60)
        mount("-o", "remount,bind,rw", place)
        assert (process.returncode, out) == (1, "")
        assert "Read-only file system" in " ".join(err.split())
        assert err.splitlines()[-1].startswith("to go on: ")
        code, _, err = run_to_end(*SWEEP, "-o", "disk/run")
        assert (code, err.splitlines()[0]) == (0, "all of it was in disk/run: nothing is drawn")
        assert (place / "run" / "results.csv").read_bytes() == whole


def mount(*words):
    """Mount something, or skip the test."""
    if subprocess.run(["mount", *map(str, words)], capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here")


@pytest.mark.parametrize("size", [70_000, 120_000, 300_000])
def test_files_that_may_not_grow(size, own_folder, whole):
    """A limit on the size of files stops a run as a full disk does, at whatever write."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    ignore = "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code, out, err = run_to_end(*SWEEP, "-o", "run", before=limit + ignore)
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert "cannot be written" in " ".join(err.split())
    assert err.splitlines()[-1].startswith("to go on: ")
    code, _, err = run_to_end(*SWEEP, "-o", "run")
    assert code == 0, err
    assert (own_folder / "run" / "results.csv").read_bytes() == whole


def test_a_folder_that_goes_away(own_folder):
    """A folder that is replaced by a file in the middle: one message, no traceback."""
    with program(*SWEEP, "-o", "run", before=SLOW.format(0.03)) as process:
        wait_for_nodes(own_folder / "run")
        (own_folder / "run").rename(own_folder / "elsewhere")
        (own_folder / "run").write_text("a file")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "cannot be written" in " ".join(err.split())


# Time


def test_time_that_is_over_says_how_it_goes_on(own_folder):
    """Exit code 3, and the same command draws on from there."""
    limited = [*SWEEP, "--time-limit", "0.5s", "-o", "run"]
    counts = []
    for _ in range(2):
        code, _, err = run_to_end(*limited, before=SLOW.format(0.03))
        assert code == 3
        command = " ".join(map(str, limited))
        assert f"to go on for as long again: simnorm {command}\n" in err
        with (own_folder / "run" / "results.csv").open(encoding="utf-8", newline="") as file:
            counts.append(int(next(csv.DictReader(file))["replications"]))
    assert 0 < counts[0] < counts[1]


# Where a run goes on


def test_run_goes_on_in_the_folder_it_is_given(own_folder, whole):
    """`simnorm run FOLDER` finishes what an interruption left there."""
    with program(*SWEEP, "-o", "mine", before=SLOW.format(0.03)) as process:
        wait_for_nodes(own_folder / "mine")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    code, _, err = run_to_end("run", "mine", "--workers", 1)
    assert code == 0
    assert re.match(r"goes on: \d\d % of it was in mine\n", err)
    assert "run: mine\n" in err
    assert not (own_folder / "runs").exists()
    assert (own_folder / "mine" / "results.csv").read_bytes() == whole
    assert "all of it was in mine: nothing is drawn\n" in run_to_end("run", "mine")[2]


def test_a_larger_design_goes_on_where_a_smaller_one_was(own_folder):
    """Without -o: the note says where, and how much is there."""
    words = ["sweep", "--dist", "normal", "--full-size", 64, "--replications", 8]
    small, large = ([*words, "--batch-sizes", sizes] for sizes in ("4", "4,8"))
    assert run_to_end(*small)[0] == 0
    (folder,) = (own_folder / "runs").iterdir()
    code, _, err = run_to_end(*large)
    assert code == 0
    note = f"note: goes on in runs/{folder.name}, which has "
    rest = r"10 of the 20 cells; its tables become those of this design\n"
    assert re.match(re.escape(note) + rest, err.replace("\n  ", " "))
    assert f"run: runs/{folder.name}\n" in err
    assert len(list((own_folder / "runs").iterdir())) == 1


def sessions(folder):
    """Return how many processes have worked on a run."""
    with contextlib.closing(sqlite3.connect(folder / "run.db")) as database:
        return database.execute("select count(*) from sessions").fetchone()[0]


def test_an_answer_that_is_interrupted_goes_on(own_folder):
    """The message names the answer's own command; what is there of a study is not drawn again."""
    words = ["answer", "--quick", "--batch-size", 8, "-o", "a", "--no-report"]
    with program(*words, "--workers", 1, before=SLOW.format(0.4)) as process:
        wait_for_nodes(own_folder / "a" / "sweep")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    command = " ".join(map(str, [*words, "--workers", 1]))
    said = err.splitlines()
    assert re.fullmatch(r"simnorm: interrupted; kept in a: \d+ % of sweep", said[-2]), err
    assert said[-1] == f"to go on: simnorm {command}"
    before = sessions(own_folder / "a" / "sweep")
    with program(*words) as process:
        wait_for(own_folder / "a" / "sweep" / "provenance.json")
    facts = json.loads((own_folder / "a" / "sweep" / "provenance.json").read_text("utf-8"))
    assert facts["sessions"] == before + 1
    assert 0 < facts["session_draws"] < facts["draws"]
