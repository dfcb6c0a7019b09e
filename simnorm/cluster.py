"""A Dask cluster as workers: found by its address or its scheduler file, checked, and kept quiet.

Dask runs the task of a lost worker again by itself, and gives up a task whose workers have ended
more often than its setting ``distributed.scheduler.allowed-failures`` (3). It counts all tasks that
a worker had been given, so the crew has such a task tried again alone.

A scheduler keeps nothing: with it goes what is in flight, and what the run has stored stays.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import re
import shlex
import socket
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm import parcels
from simnorm.crews import KEPT, MOMENT, WorkerLostError
from simnorm.errors import RunError, SimnormError, shown
from simnorm.formatting import plural

if TYPE_CHECKING:
    from simnorm.tasks import Job, Node

# Seconds: for the scheduler to answer; for a first worker to come, and for another one after the
# last has gone, which a nanny starts again; between two looks at the workers.
TO_CONNECT, TO_BEGIN, TO_COME_BACK, TO_LOOK = 10.0, 60.0, 60.0, 1.0
# A scheduler file is a few hundred bytes.
LARGEST_FILE = 1 << 20
ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.%]+\]|[\w.-]+):(\d{1,5})", re.ASCII)
FORMS = "tcp://HOST:8786, tls://HOST:8786 or a scheduler file is needed"
START = "Start one with: dask scheduler --host 127.0.0.1 --port 8786"
GET = "Get it: pip install distributed; in a checkout scripts/quickstart --with-dask."
INSTALL = "Run scripts/quickstart --with-dask in the same version of simnorm on every machine."
# Loggers that tell of every lost worker and every error, which the run tells itself.
TALKATIVE = ("distributed", "tornado", "asyncio")


def address_of(scheduler: str) -> str:
    """Return the address of a scheduler, given as such or as its scheduler file.

    Raises
    ------
    SimnormError
        If it is neither.

    Examples
    --------
    >>> address_of("tcp://10.0.0.7:8786")
    'tcp://10.0.0.7:8786'
    """
    if "://" not in scheduler:
        return _address_in(Path(scheduler), scheduler)
    return _checked(scheduler, scheduler)


def _checked(address: object, got: str) -> str:
    found = ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is None or not 0 < int(found[3]) < 1 << 16:
        raise SimnormError("scheduler", got, FORMS, START)
    return found[0]


def _address_in(path: Path, got: str) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE)
        found = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        if ADDRESS.fullmatch(full := f"tcp://{got}"):
            raise SimnormError("scheduler", got, FORMS, f"Did you mean {full}?") from None
        reason = getattr(error, "strerror", None)
        what = f"it cannot be read ({reason})" if reason else "it is no scheduler file"
        raise SimnormError("scheduler", got, f"{what}; {FORMS}") from None
    return _checked(found.get("address") if isinstance(found, dict) else None, got)


def is_here(address: str) -> bool:
    """Tell whether an address is this machine's.

    Examples
    --------
    >>> is_here("tcp://127.0.0.1:8786"), is_here("tcp://192.0.2.1:8786")
    (True, False)
    """
    host = address.partition("://")[2].rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(_is_own(str(one)) for one in found)


def _is_own(host: str) -> bool:
    """Tell whether a number is an interface's of this machine: only those can be bound."""
    number = ipaddress.ip_address(host.partition("%")[0])
    if number.is_loopback:
        return True
    family = socket.AF_INET if number.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def start_of(address: str) -> str:
    """Return how a scheduler is started that is missing at an address.

    Examples
    --------
    >>> start_of("tcp://127.0.0.1:8787")
    'Start one with: dask scheduler --host 127.0.0.1 --port 8787'
    >>> start_of("tcp://192.0.2.1:8786")
    'Look at the address, and whether a scheduler is at work there.'
    """
    if not is_here(address):
        return "Look at the address, and whether a scheduler is at work there."
    protocol, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    kind = "" if protocol == "tcp" else f" --protocol {protocol}"
    return f"Start one with: dask scheduler{kind} --host {shlex.quote(host)} --port {port}"


def dask(got: str = "Dask") -> Any:
    """Return the module `distributed`, which `got` needs.

    Raises
    ------
    SimnormError
        If it is not installed.
    """
    try:
        import distributed
    except ImportError:
        allowed = "it needs Dask, which is not installed"
        raise SimnormError("scheduler", got, allowed, GET) from None
    return distributed


class Cluster:
    """The workers of a Dask cluster.

    Parameters
    ----------
    scheduler
        Its address, its scheduler file, or a client that is connected.
    on_note
        Called with a sentence when workers are missed.
    is_own
        Whether to close a client that was given.
    """

    # With a task that is alone: Dask itself has let several workers end before it says so.
    most_deaths = 1
    name = "dask"

    def __init__(
        self,
        scheduler: Any,
        on_note: Callable[[str], None] | None = None,
        *,
        is_own: bool = False,
    ) -> None:
        is_named = isinstance(scheduler, str)
        self._dask = dask(scheduler) if is_named else dask()
        self._quiet = contextlib.ExitStack()
        self._is_own = is_own or is_named
        self.notes: list[str] = []
        self._note = on_note or self.notes.append
        self._workers, self._has_lost, self._is_empty = 0, False, False
        self._parcels = parcels.Shelf(self._ready)
        self._client: Any = None
        self._loop: Any = None
        self._looked, self._seen = 0.0, time.monotonic()
        self._quiet.enter_context(_quiet())
        try:
            if is_named:
                self.address = address_of(scheduler)
                # A loop of its own ends for certain: a client that closes by itself leaves its.
                self._loop = self._dask.utils.LoopRunner()
                self._loop.start()
                self._client = _connected(self._dask, self.address, self._loop.loop)
            else:
                self._client = getattr(scheduler, "_client", scheduler)
                self.address = _address_of_client(self._client)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Check what there is before anything is sent."""
        try:
            if not self._nthreads():
                wait = f"it waits for {TO_BEGIN:.0f} s"
                self._note(f"the scheduler has no workers yet; {wait}. {self._start_worker()}")
            self._client.wait_for_workers(1, timeout=TO_BEGIN)
            found = self._client.get_versions(packages=["simnorm", *parcels.PACKAGES])
        except TimeoutError:
            raise self._without_workers() from None
        except OSError as error:
            raise self._lost(error) from None
        check_cluster(found, self.address)
        if self.address.startswith("tcp:") and not is_here(self.address):
            self.notes.append(
                f"{self.address} is neither encrypted nor authenticated: whoever reaches it can "
                "read and run anything there; tls:// is both"
            )
        self._threads = self._nthreads()

    def _without_workers(self) -> RunError:
        allowed = "the scheduler has no workers"
        return RunError("scheduler", self.address, allowed, self._start_worker())

    def _start_worker(self) -> str:
        return f"Start one with: dask worker {shlex.quote(self.address)}"

    def _lost(self, error: object = "") -> RunError:
        reason = f" ({shown(str(error), 80)})" if str(error) else ""
        allowed = f"the connection to the scheduler is lost{reason}"
        return RunError("scheduler", self.address, allowed, KEPT)

    def _nthreads(self) -> int:
        try:
            found = self._client.nthreads()
        except OSError as error:
            raise self._lost(error) from None
        self._miss(len(found))
        return sum(found.values())

    def _miss(self, workers: int) -> None:
        """Say that the last worker has gone and that others came; of one among many, once."""
        before, self._workers = self._workers, workers
        if before and not workers:
            self._is_empty = True
            wait = f"it waits for {TO_COME_BACK:.0f} s"
            self._note(f"the cluster has lost its last worker; {wait}. {self._start_worker()}")
        elif workers and self._is_empty:
            self._is_empty = False
            self._note(f"the cluster has {plural(workers, 'worker')} again")
        elif workers < before and not self._has_lost:
            self._has_lost = True
            self._note(f"the cluster has lost a worker; {workers} of {before} are left")

    def _look(self) -> None:
        """See now and then which workers there are: they may come and go."""
        if self._client.status != "running":
            raise self._lost()
        now = time.monotonic()
        if now - self._looked < TO_LOOK:
            return
        self._looked, self._threads = now, self._nthreads()
        if self._threads:
            self._seen = now
        elif now - self._seen > TO_COME_BACK:
            raise self._without_workers()

    @property
    def workers(self) -> int:
        """How many threads the workers have together."""
        return max(1, self._threads)

    def submit(self, job: Job, compiled: bool) -> Any:
        """Hand a job out."""
        self._look()
        facts = parcels.versions(job.design.study), 0
        parcel = self._parcels.of(job.design, job.task.source)
        with warnings.catch_warnings():
            # It tells of large graphs; the data have to get there somehow.
            warnings.simplefilter("ignore", UserWarning)
            return self._client.submit(parcels.work, parcel, job.task, compiled, *facts, pure=False)

    def _ready(self, parcel: parcels.Parcel) -> Any:
        """Return a small design itself; a large one as a result that the cluster holds.

        Workers get such a result from each other. Of scattered data nothing would be left with the
        last worker that has them; a result is made again.
        """
        if parcel.is_small:
            return parcel
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return self._client.submit(parcels.same, parcel, pure=False)

    def wait(self, futures: Collection[Any]) -> Collection[Any]:
        """Return those that are done."""
        self._look()
        try:
            with self._client.as_current():
                found = self._dask.wait(list(futures), MOMENT, "FIRST_COMPLETED")
        except TimeoutError:
            return ()
        except self._dask.CancelledError:
            if self._client.status != "running":
                raise self._lost() from None
            return [future for future in futures if future.status != "pending"]
        done: Collection[Any] = found.done
        return done

    def result(self, future: Any) -> Node:
        """Return what a job came to."""
        try:
            node = parcels.node_of(future.result(timeout=TO_COME_BACK))
        except self._dask.KilledWorker as error:
            raise WorkerLostError(error.allowed_failures + 1) from None
        except (self._dask.CancelledError, OSError):
            if self._client.status != "running":
                raise self._lost() from None
            raise WorkerLostError from None
        return node

    def withdraw(self, futures: Collection[Any]) -> Collection[Any]:
        """Take back what no worker is at."""
        if not futures or self._client.status != "running":
            return list(futures)
        try:
            stacks = self._client.call_stack(list(futures))
        except Exception:
            # Whatever keeps them from telling: what they are at is computed again next time.
            stacks = {}
        at_work = {key for stack in stacks.values() for key in stack}
        found = [future for future in futures if future.key not in at_work]
        self._client.cancel(found)
        return found

    def mend(self) -> None:
        """Leave it to the cluster to have workers again."""

    def close(self) -> None:
        """Let go of what is in flight, and of the scheduler; a client that was given stays open."""
        self._parcels.clear()
        if self._client is not None and self._is_own:
            with contextlib.suppress(Exception):  # a scheduler that is gone takes no goodbye
                self._client.close(timeout=TO_CONNECT)
        if self._loop is not None:
            self._loop.stop()
        self._quiet.close()


def check_cluster(found: Mapping[str, Any], address: str) -> None:
    """Refuse a cluster whose versions would give other bits, or none.

    Parameters
    ----------
    found
        What `distributed.Client.get_versions` says.
    address
        What the scheduler is called.

    Raises
    ------
    RunError
        For the first difference: who has what.
    """
    here = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"]}
    others |= {f"worker {name}": one for name, one in found["workers"].items()}
    for who, one in others.items():
        there = (one or {}).get("packages") or {}
        if not there.get("simnorm"):
            raise RunError("scheduler", address, f"{who} lacks simnorm", INSTALL)
        # A scheduler computes nothing: it reads what it passes on.
        names = ("simnorm", "python") + (() if who == "the scheduler" else parcels.PACKAGES)
        for name in names:
            mine, other = _version(here, name), _version(there, name)
            if mine != other:
                allowed = f"{who} has {name} {other}, this machine {mine}: {parcels.SAME_VERSIONS}"
                raise RunError("scheduler", address, allowed, INSTALL)


def _version(packages: Mapping[str, Any], name: str) -> str:
    text = str(packages.get(name) or "absent")
    return ".".join(text.split(".")[:2]) if name == "python" else text


def _address_of_client(client: Any) -> str:
    is_connected = client.status == "running" and not client.asynchronous
    if not is_connected:
        got = f"a client that is {'asynchronous' if client.asynchronous else client.status}"
        raise SimnormError("executor", got, "one that is connected is needed")
    return str(client.scheduler.address)


def _connected(distributed: Any, address: str, loop: Any) -> Any:
    """Return a client.

    Raises
    ------
    RunError
        If no scheduler answers at the address.
    """
    if address.startswith("tls:"):
        secrets = distributed.security.Security().get_connection_args("client")
        if secrets.get("ssl_context") is None:
            allowed = "tls:// needs certificates, and Dask's configuration names none"
            hint = "They belong under distributed.comm.tls in ~/.config/dask/distributed.yaml."
            raise RunError("scheduler", address, allowed, hint)
    try:
        # A client would wait for ever for whatever else is at that port.
        kind = distributed.utils.sync(
            loop, _kind_of, distributed, address, callback_timeout=TO_CONNECT + 1.0
        )
        if kind != "Scheduler":
            allowed = f"a Dask {kind.lower()} is there, and the scheduler is needed"
            raise RunError("scheduler", address, allowed)
        with warnings.catch_warnings():
            # The versions are checked, and told of in one line.
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            return distributed.Client(
                address, timeout=TO_CONNECT, set_as_default=False, name="simnorm", loop=loop
            )
    except SimnormError:
        raise
    except Exception:
        # Whatever else listens there may answer anything.
        allowed = "no Dask scheduler answers there"
        raise RunError("scheduler", address, allowed, start_of(address)) from None


async def _kind_of(distributed: Any, address: str) -> str:
    """Return what a part of a cluster calls itself."""
    secrets = distributed.security.Security().get_connection_args("client")
    async with distributed.rpc(address, timeout=TO_CONNECT, connection_args=secrets) as server:
        found = await server.identity()
    return str(found["type"])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging what the run tells in its own words."""
    known = [name for name in logging.root.manager.loggerDict if name.startswith(TALKATIVE)]
    loggers = [logging.getLogger(name) for name in {*TALKATIVE, *known}]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
