"""What workers in other processes are sent: a design, packed once for all its tasks.

A *parcel* is a pickled design with the data of one source and no more. Those of laws are some
hundred bytes and go along with every task. One with data is named by its hash, so that a worker
unpacks it once; how it gets there is the affair of the crew.

Pickles are read by processes that the run itself has started or was told to use, from memory or
from a folder that only their user can open; none is kept.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import pickle
import platform
import signal
import socket
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm._version import __version__
from simnorm.errors import RunError, SimnormError, shown
from simnorm.fingerprint import visible

if TYPE_CHECKING:
    from simnorm.design import Design
    from simnorm.estimators.user import UserEstimator
    from simnorm.tasks import Node, Task

# A parcel up to this size is sent along with every task: that costs less than to look for it.
SMALL = 1 << 15
# Designs that are kept packed.
MOST_PARCELS = 16
# Whose versions decide the bits, whatever the study.
PACKAGES = ("numpy", "scipy", "numba")
SAME_VERSIONS = "the same bits need the same versions everywhere"
INSTALL = "Install the same requirements.lock on every machine."

# Names with their versions.
Versions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Parcel:
    """A pickled design: its hash, and its bytes or the file that has them.

    A pickle names the functions of a module and does not hold them: `looks` says what they look
    like where it was made.
    """

    key: str
    data: bytes = field(default=b"", compare=False, repr=False)
    path: str = field(default="", compare=False)
    looks: Versions = ()

    @property
    def is_small(self) -> bool:
        """Whether it may go along with every task."""
        return len(self.data) <= SMALL

    def filed(self, folder: Path) -> Parcel:
        """Return it with its bytes in a file, which is there as long as what is returned."""
        place = folder / self.key
        place.write_bytes(self.data)
        found = Parcel(self.key, path=str(place), looks=self.looks)
        weakref.finalize(found, _remove, place)
        return found

    def open(self) -> Design:
        """Return the design.

        Raises
        ------
        SimnormError
            If this process lacks what the design is made of, such as a module of the user's.
        RunError
            If a function of that module is another one here.
        """
        data = Path(self.path).read_bytes() if self.path else self.data
        if hashlib.sha256(data).hexdigest() != self.key:
            raise RunError("executor", self.key[:8], "a design has not reached a worker whole")
        try:
            design: Design = pickle.loads(data)
        except (ImportError, AttributeError) as error:
            allowed = f"a worker cannot load the functions of the design ({shown(str(error))})"
            hint = "Define them at the top of a module that the workers can import."
            raise SimnormError("estimators", _here(), allowed, hint) from None
        self._compare(design)
        return design

    def _compare(self, design: Design) -> None:
        here = _looks(design.functions) if self.looks else {}
        for name, look in self.looks:
            if here.get(name) != look:
                allowed = f"its {name} is another function than that of the run"
                hint = "Give every worker the same files, and start workers again that had others."
                raise RunError("workers", _here(), allowed, hint)


class Shelf:
    """The last few designs that a crew has packed, each as it is handed out.

    Parameters
    ----------
    made_ready
        Returns what goes along with a task for a parcel: itself, or where it has been put.
    """

    def __init__(self, made_ready: Callable[[Parcel], Any]) -> None:
        self._made_ready = made_ready
        self._there: OrderedDict[tuple[Design, int], Any] = OrderedDict()

    def of(self, design: Design, number: int) -> Any:
        """Return what goes along with the tasks of a design's source, by its number."""
        key = design, number
        if key not in self._there:
            self._there[key] = self._made_ready(packed(design, number))
            if len(self._there) > MOST_PARCELS:
                # What is in flight still holds it.
                self._there.popitem(last=False)
        self._there.move_to_end(key)
        return self._there[key]

    def clear(self) -> None:
        """Let go of all."""
        self._there.clear()


def _remove(place: Path) -> None:
    place.unlink(missing_ok=True)


def packed(design: Design, number: int) -> Parcel:
    """Return a design with the data of one of its sources alone, pickled.

    Raises
    ------
    SimnormError
        If one of its functions cannot be pickled.
    """
    if design.dataset is not None:
        design = replace(design, dataset=_data_of(design, number))
    try:
        data = _pickled(design)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        for kind in design.functions:
            _check_function(kind)
        raise SimnormError("design", design.study, f"it cannot be sent ({error})") from None
    return Parcel(hashlib.sha256(data).hexdigest(), data, looks=_comparable(design.functions))


def _looks(functions: tuple[UserEstimator, ...]) -> dict[str, str]:
    return {str(kind): visible(kind.function, kind.given) for kind in functions}


def _comparable(functions: tuple[UserEstimator, ...]) -> Versions:
    """Return what functions look like; without those of which a mere copy looks another way."""
    copied = _looks(pickle.loads(_pickled(functions))) if functions else {}
    return tuple((name, look) for name, look in _looks(functions).items() if copied[name] == look)


def _data_of(design: Design, number: int) -> Any:
    """Return the columns of one source, and what groups their rows, in memory."""
    from simnorm.dataset import Dataset
    from simnorm.design import grouping
    from simnorm.spool import Part
    from simnorm.studies.drawing import sources

    source, whole = sources(design)[number], design.dataset
    assert whole is not None
    places = {name: row for row, name in enumerate(source.columns)}
    part = Part(places, whole.values(source.columns).T)
    groups = {name: whole.group_codes(name) for name in grouping([source.sampling], design.target)}
    return Dataset(whole.name, source.columns, [part], groups, {}, 0, ())


def _pickled(value: object) -> bytes:
    """Return a pickle; with cloudpickle, where it is, of functions that are in no module too."""
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ImportError:
        return pickle.dumps(value, protocol=5)
    data: bytes = cloudpickle.dumps(value, protocol=5)
    return data


def _check_function(kind: object) -> None:
    try:
        _pickled(kind)
    except (pickle.PicklingError, AttributeError, TypeError):
        allowed = (
            "a function for workers in other processes must be defined at the top of a module that "
            "they can import"
        )
        hint = "Or use threads, which take any."
        raise SimnormError("estimators", str(kind), allowed, hint) from None


@functools.lru_cache(maxsize=4)
def _opened(parcel: Parcel) -> Design:
    """Return the design of a parcel, unpacked once for many tasks."""
    return parcel.open()


def work(parcel: Parcel, task: Task, compiled: bool, expected: Versions, sender: int) -> bytes:
    """Compute a task in a worker; return its node, pickled: arrays come out as they went in.

    Parameters
    ----------
    parcel, task, compiled
        As of `simnorm.tasks.compute`.
    expected
        The versions that the other workers have.
    sender
        The number of the process that sent it and has started this one; 0 if it has not.

    Raises
    ------
    RunError
        If other versions are installed here.
    """
    from simnorm import tasks

    _settle(sender)
    check_versions(expected)
    node = tasks.compute(_opened(parcel), task, compiled=compiled)
    return pickle.dumps(node, protocol=5)


def node_of(found: bytes) -> Node:
    """Return what a worker has made of a task."""
    node: Node = pickle.loads(found)
    return node


def same(parcel: Parcel) -> Parcel:
    """Return a parcel: so it becomes a result, which a cluster hands from worker to worker."""
    return parcel


def hello(expected: Versions, sender: int) -> None:
    """Do nothing in a worker but see whether it can work."""
    _settle(sender)
    check_versions(expected)


@functools.lru_cache(maxsize=8)
def versions(study: str = "") -> Versions:
    """Return the versions that decide the bits of a study, or of all of them."""
    from simnorm.machine import packages_of

    own = packages_of(study) if study else ()
    python = ".".join(platform.python_version_tuple()[:2])
    found = {"python": python, "simnorm": __version__}
    return tuple((found | {name: version_of(name) for name in (*PACKAGES, *own)}).items())


def version_of(package: str) -> str:
    """Return an installed package's version, or that there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def check_versions(expected: Versions) -> None:
    """Refuse to compute what would have other bits elsewhere.

    Raises
    ------
    RunError
        If a version differs.
    """
    if other := _others(expected):
        raise RunError("workers", _here(), f"it has {other}: {SAME_VERSIONS}", INSTALL)


@functools.lru_cache(maxsize=8)
def _others(expected: Versions) -> str:
    """Return which versions are others here, as "numpy 2.3.1, not 2.4.6"."""
    found = dict(versions()) | {name: version_of(name) for name, _ in expected[2 + len(PACKAGES) :]}
    return ", ".join(f"{k} {found[k]}, not {v}" for k, v in expected if found[k] != v)


def _here() -> str:
    return f"worker {socket.gethostname()}:{os.getpid()}"


@functools.lru_cache(maxsize=1)
def _settle(sender: int) -> None:
    """Make a process that was started for the run end with it, and leave Ctrl-C to it."""
    if sender in (0, os.getpid()):
        return
    if threading.current_thread() is threading.main_thread():
        # Ctrl-C goes to all processes of a terminal: the first one decides what is finished.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True)
        watch.start()


def _end_with(parent: Any) -> None:
    """Wait for the end of the process that has started this one, and end at once."""
    parent.join()
    os._exit(1)
