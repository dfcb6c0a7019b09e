"""Who computes: threads, any executor of processes, or a Dask cluster.

A *crew* takes jobs and gives nodes back. What a job comes to is the same whoever computes it, so
crews differ in how work gets there and in what may happen to a worker, and in nothing else.

A worker that ends while it has a task is no error: the task is tried again, alone, so that the
guilty one among those that shared the worker is found. It is given up when three workers have ended
with it.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from simnorm import parcels
from simnorm.errors import RunError, SimnormError
from simnorm.options import STUDIES
from simnorm.workers import worker_count

if TYPE_CHECKING:
    from simnorm.parcels import Parcel
    from simnorm.tasks import Job, Node

# How long a crew waits for its workers at a time, in seconds: after that it looks around.
MOMENT = 0.2
# How many workers may end with a task before it is given up.
MOST_DEATHS = 3

KEPT = "What was finished is kept."


class Lost(NamedTuple):
    """In place of the node of a task that was given up, why."""

    message: str


class WorkerLostError(Exception):
    """Workers have ended while they had a task, which may or may not be why."""

    def __init__(self, deaths: int = 1) -> None:
        super().__init__(deaths)
        self.deaths = deaths


class Crew(Protocol):
    """Workers, and how to have a job done by them.

    Parameters
    ----------
    name
        What the workers are, for the provenance: ``threads``, ``executor NAME`` or ``dask``.
    notes
        Sentences for the user.
    most_deaths
        How many workers may end with a task that is alone before it is given up.
    """

    name: str
    notes: list[str]
    most_deaths: int

    @property
    def workers(self) -> int:
        """How many tasks are computed at a time: at least one, and not always the same."""

    def submit(self, job: Job, compiled: bool) -> Any:
        """Hand a job out.

        Raises
        ------
        WorkerLostError
            If there are no workers until `mend`.
        """

    def wait(self, futures: Collection[Any]) -> Collection[Any]:
        """Return those that are done; after a moment none, perhaps.

        Raises
        ------
        RunError
            If nothing more can come of them.
        """

    def result(self, future: Any) -> Node:
        """Return what a job that is done came to; raise what it raised.

        Raises
        ------
        WorkerLostError
            If its worker has ended.
        """

    def withdraw(self, futures: Collection[Any]) -> Collection[Any]:
        """Take back what has not begun, and return it."""

    def mend(self) -> None:
        """See to it that there are workers again after some have ended.

        Raises
        ------
        RunError
            If that cannot be done.
        """

    def close(self) -> None:
        """Finish what runs, and let go of the workers."""


def computed(
    next_job: Callable[[], Job | None],
    crew: Crew,
    *,
    ahead: int = 2,
    compiled: bool = True,
    stop: Callable[[], bool] | None = None,
) -> Iterator[tuple[Job, Node | Lost]]:
    """Yield every job's node as it is done, with a bounded number in flight.

    Parameters
    ----------
    next_job
        Called whenever there is room for a job; None if there is none, or none before something is
        finished.
    crew
        Who computes.
    ahead
        How many tasks each worker has at the most, those that wait among them.
    compiled
        Whether the compiled reader may be used.
    stop
        Asked now and then: once it is true nothing more is handed out, what has not begun is taken
        back, and what runs is yielded.

    Raises
    ------
    RunError
        If the workers are gone for good.
    """
    running: dict[Any, Job] = {}
    suspects: deque[tuple[Job, int]] = deque()
    try:
        while True:
            if stop is not None and stop():
                suspects.clear()
                for future in crew.withdraw(running):
                    del running[future]
            elif not suspects:
                _hand_out(next_job, crew, ahead, compiled, running, suspects)
            if running:
                done = set(crew.wait(running))
                # In the order in which they were handed out, as far as several are done.
                for future in [future for future in running if future in done]:
                    job = running.pop(future)
                    try:
                        node = crew.result(future)
                    except WorkerLostError as lost:
                        suspects.append((job, lost.deaths))
                        continue
                    yield job, node
            elif suspects:
                # One of them may have ended the worker of all: each is tried alone.
                job, deaths = suspects.popleft()
                crew.mend()
                yield job, _tried_alone(job, deaths, crew, compiled)
            else:
                return
    finally:
        # On Ctrl-C or an error, what has not begun never does.
        crew.withdraw(running)


def _hand_out(
    next_job: Callable[[], Job | None],
    crew: Crew,
    ahead: int,
    compiled: bool,
    running: dict[Any, Job],
    suspects: deque[tuple[Job, int]],
) -> None:
    """Hand out jobs while there is room and workers."""
    while len(running) < ahead * crew.workers and (job := next_job()) is not None:
        try:
            running[crew.submit(job, compiled)] = job
        except WorkerLostError:
            suspects.append((job, 0))
            return


def _tried_alone(job: Job, deaths: int, crew: Crew, compiled: bool) -> Node | Lost:
    """Compute a job while nothing else runs, unless it ends too many workers."""
    for _ in range(crew.most_deaths):
        future = None
        try:
            future = crew.submit(job, compiled)
            while not crew.wait([future]):
                pass
            return crew.result(future)
        except WorkerLostError as lost:
            deaths += lost.deaths
            crew.mend()
        finally:
            if future is not None:
                crew.withdraw([future])
    return Lost(f"{deaths} workers have ended while they computed it")


class Threads:
    """Threads of this process: nothing is sent, and all that is lost is lost together."""

    most_deaths = 1

    def __init__(self, workers: int, executor: ThreadPoolExecutor | None = None) -> None:
        self.name = "threads" if executor is None else f"executor {type(executor).__name__}"
        self.notes: list[str] = []
        self.workers = workers
        self._is_own = executor is None
        self._executor = executor or ThreadPoolExecutor(workers, thread_name_prefix="simnorm")

    def submit(self, job: Job, compiled: bool) -> Future[Node]:
        """Hand a job out."""
        from simnorm import tasks

        with _open_executor(self._executor):
            return self._executor.submit(tasks.compute, job.design, job.task, compiled=compiled)

    def wait(self, futures: Collection[Future[Node]]) -> Collection[Future[Node]]:
        """Return those that are done."""
        return wait_for(futures, MOMENT, FIRST_COMPLETED).done

    def result(self, future: Future[Node]) -> Node:
        """Return what a job came to."""
        return future.result()

    def withdraw(self, futures: Collection[Future[Node]]) -> Collection[Future[Node]]:
        """Take back what has not begun."""
        # The last one first: what has begun is then never behind what has not.
        return [future for future in reversed(list(futures)) if future.cancel()]

    def mend(self) -> None:
        """Threads do not end."""

    def close(self) -> None:
        """Finish what runs."""
        if self._is_own:
            self._executor.shutdown(wait=True, cancel_futures=True)


class Processes:
    """Workers behind an executor: processes of this machine, or of others.

    Parameters
    ----------
    executor
        An executor.
    workers
        How many tasks it is given at a time; as many as it says, or as processors if None.
    make
        The function that has made it: another one is made if a worker ends and takes the executor
        with it, as those of the standard library do. What is made is shut at the end.
    """

    # One more has ended before, with other tasks in flight.
    most_deaths = MOST_DEATHS - 1

    def __init__(
        self,
        executor: Executor,
        workers: int | None,
        make: Callable[[], Any] | None = None,
    ) -> None:
        self._executor, self._make = executor, make
        self._is_broken = False
        self.name = f"executor {type(self._executor).__name__}"
        self.notes: list[str] = []
        self.workers = workers or workers_of(self._executor)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._parcels = parcels.Shelf(self._ready)
        # A file is there as long as a task in flight needs it.
        self._sent: dict[Future[bytes], Parcel] = {}
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Let one worker say that it can work, before it is given any."""
        try:
            with _open_executor(self._executor):
                said = self._executor.submit(parcels.hello, parcels.versions(), os.getpid())
            said.result()
        except BrokenExecutor as error:
            allowed = f"its workers end before they can work ({_kind(error)})"
            hint = 'A script that is run by processes needs `if __name__ == "__main__":`.'
            raise RunError("executor", type(self._executor).__name__, allowed, hint) from None
        except ImportError as error:
            raise _absent(type(self._executor).__name__, error) from None

    def submit(self, job: Job, compiled: bool) -> Future[bytes]:
        """Hand a job out."""
        parcel = self._parcels.of(job.design, job.task.source)
        facts = parcels.versions(job.design.study), os.getpid()
        try:
            with _open_executor(self._executor):
                future = self._executor.submit(parcels.work, parcel, job.task, compiled, *facts)
        except BrokenExecutor:
            self._is_broken = True
            raise WorkerLostError(0) from None
        self._sent[future] = parcel
        return future

    def _ready(self, parcel: Parcel) -> Parcel:
        """Put a large design into a file, where the workers see the files of this machine."""
        is_filed = not parcel.is_small and is_of_this_machine(self._executor)
        return parcel.filed(self._place()) if is_filed else parcel

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(
                prefix="simnorm-", ignore_cleanup_errors=True
            )
        return Path(self._folder.name)

    def wait(self, futures: Collection[Future[bytes]]) -> Collection[Future[bytes]]:
        """Return those that are done."""
        return wait_for(futures, MOMENT, FIRST_COMPLETED).done

    def result(self, future: Future[bytes]) -> Node:
        """Return what a job came to."""
        self._sent.pop(future, None)
        try:
            node = parcels.node_of(future.result())
        except BrokenExecutor:
            self._is_broken = True
            raise WorkerLostError from None
        return node

    def withdraw(self, futures: Collection[Future[bytes]]) -> Collection[Future[bytes]]:
        """Take back what has not begun."""
        found = [future for future in reversed(list(futures)) if future.cancel()]
        for future in found:
            self._sent.pop(future, None)
        return found

    def mend(self) -> None:
        """Make another executor if this one is broken."""
        if not self._is_broken:
            return
        name = type(self._executor).__name__
        if self._make is None:
            allowed = "a worker of it has ended, and it takes no more work"
            hint = f"{KEPT} Give a function that makes one: executor=lambda: {name}(...)."
            raise RunError("executor", name, allowed, hint)
        _shut(self._executor)
        self._executor = executor_by(self._make)
        self._is_broken = False
        self._begin()

    def close(self) -> None:
        """Finish what runs; an executor that was given stays open."""
        self.withdraw(list(self._sent))
        if self._make is not None:
            _shut(self._executor)
        else:
            wait_for(self._sent)
        self._sent.clear()
        self._parcels.clear()
        if self._folder is not None:
            self._folder.cleanup()


@contextlib.contextmanager
def _open_executor(executor: Executor) -> Iterator[None]:
    """Say in one line that an executor takes no more work; a broken one says so itself."""
    try:
        yield
    except BrokenExecutor:
        raise
    except RuntimeError as error:
        name = type(executor).__name__
        raise RunError("executor", name, f"it takes no work ({error})", KEPT) from None


def _shut(executor: Executor) -> None:
    try:
        executor.shutdown(wait=True, cancel_futures=True)
    except TypeError:  # of another library, whose shutdown knows no cancelling
        executor.shutdown(wait=True)


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _absent(name: str, error: ImportError) -> RunError:
    allowed = f"its workers cannot import simnorm ({error})"
    return RunError("executor", name, allowed, parcels.INSTALL)


def made_by(make: Callable[[], Any]) -> Any:
    """Return the executor, or Dask's client, that a function makes.

    Raises
    ------
    SimnormError
        If it makes something else, or cannot be called without arguments.
    """
    try:
        inspect.signature(make).bind()
    except TypeError:
        name = getattr(make, "__name__", type(make).__name__)
        allowed = "a function that makes an Executor is called without arguments"
        raise SimnormError("executor", name, allowed) from None
    except ValueError:
        pass  # one of C, which does not tell
    made = make()
    if isinstance(made, Executor) or _is_client(made):
        return made
    allowed = "the function must make an Executor or a Dask client"
    raise SimnormError("executor", _told(made), allowed)


def executor_by(make: Callable[[], Any]) -> Executor:
    """Return another executor by a function that has made one before.

    Raises
    ------
    SimnormError
        If it makes something else now.
    """
    made = made_by(make)
    if not isinstance(made, Executor):
        raise SimnormError("executor", _told(made), "the function has made an Executor before")
    return made


def _told(value: object) -> object:
    """Return a plain value as it is, and the kind of anything else."""
    is_plain = value is None or isinstance(value, str | int | float)
    return value if is_plain else type(value).__name__


def workers_of(executor: Executor) -> int:
    """Return how many tasks an executor says it computes at a time, or the processors here."""
    for name in ("_max_workers", "num_workers"):  # of the standard library and loky; of mpi4py
        found = getattr(executor, name, None)
        if isinstance(found, int) and found > 0:
            return found
    return worker_count(None)


def is_of_this_machine(executor: Executor) -> bool:
    """Tell whether an executor's workers surely see the files of this machine."""
    kind = type(executor)
    return any(base.__name__ == "ProcessPoolExecutor" for base in kind.__mro__)


@contextlib.contextmanager
def opened(
    workers: object = None,
    executor: object = None,
    scheduler: str | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Iterator[Crew]:
    """Yield who computes, and let go of them afterwards.

    Parameters
    ----------
    workers
        How many tasks are computed at a time: threads, unless an executor is given; as many as
        there are processors, or as the executor says, if None. A cluster has its own say.
    executor
        A `concurrent.futures.Executor` or a `distributed.Client`, or a function that makes one;
        what it makes is closed at the end.
    scheduler
        The address of a Dask scheduler, or its scheduler file.
    on_note
        Called with sentences about workers that are missed, as it happens.

    Raises
    ------
    SimnormError
        If these do not go together, or are none of those.
    RunError
        If the workers cannot be reached, or cannot work.

    Examples
    --------
    >>> with opened(workers=2) as crew:
    ...     crew.name, crew.workers
    ('threads', 2)
    """
    crew = _crew(workers, executor, scheduler, on_note)
    try:
        yield crew
    finally:
        crew.close()


def _crew(
    workers: object,
    executor: object,
    scheduler: str | None,
    on_note: Callable[[str], None] | None,
) -> Crew:
    if executor is not None and scheduler:
        raise SimnormError("scheduler", scheduler, "an executor is given too", "Drop one.")
    client = scheduler or (executor if _is_client(executor) else None)
    if client is not None:
        from simnorm.cluster import Cluster

        if workers is not None:
            raise _with_workers(workers)
        return Cluster(client, on_note)
    number = None if workers is None else worker_count(workers)
    if executor is None:
        return Threads(worker_count(None) if number is None else number)
    if isinstance(executor, ThreadPoolExecutor):
        return Threads(number or workers_of(executor), executor)
    if isinstance(executor, Executor):
        return Processes(executor, number)
    if callable(executor):
        return _crew_by(executor, workers, on_note)
    allowed = "an Executor, a function that makes one, or a Dask client is allowed"
    raise SimnormError("executor", _told(executor), allowed)


def _crew_by(
    make: Callable[[], Any], workers: object, on_note: Callable[[str], None] | None
) -> Crew:
    made = made_by(make)
    if not _is_client(made):
        return Processes(made, None if workers is None else worker_count(workers), make)
    from simnorm.cluster import Cluster

    crew = Cluster(made, on_note, is_own=True)
    if workers is not None:
        crew.close()
        raise _with_workers(workers)
    return crew


def _is_client(executor: object) -> bool:
    """Tell whether it is Dask's, which is not imported for it: whoever has one has done so."""
    module = sys.modules.get("distributed")
    return module is not None and isinstance(
        executor, module.Client | module.cfexecutor.ClientExecutor
    )


def check_scheduler(scheduler: str | None, workers: object = None, *, is_used: bool = True) -> None:
    """Refuse what is no address of a scheduler, before anything else is done.

    Without `is_used` it is only spoken of, and Dask is not needed.

    Raises
    ------
    SimnormError
        If it is none, Dask is not installed, or workers are counted too.
    """
    if scheduler is None:
        return
    from simnorm.cluster import address_of, dask

    address_of(scheduler)
    if workers is not None:
        raise _with_workers(workers)
    if is_used:
        dask(scheduler)


def _with_workers(workers: object) -> SimnormError:
    return SimnormError("workers", workers, "a cluster has workers of its own", "Leave it out.")


def check_timed(study: str, executor: object = None, scheduler: str | None = None) -> None:
    """Refuse workers elsewhere for what takes time: another machine would be timed.

    Raises
    ------
    SimnormError
        If a study of timings is given any.
    """
    for name, value in (("executor", executor), ("scheduler", scheduler)):
        if value and STUDIES[study].is_timed:
            got = value if isinstance(value, str) else type(value).__name__
            allowed = f"the study {study} takes the time of this machine, alone"
            raise SimnormError(name, got, allowed, "Leave it out.")
