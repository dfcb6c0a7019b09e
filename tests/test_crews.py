"""Crews: the same bits by whom they may be computed; workers that end; what cannot be sent."""

from __future__ import annotations

import functools
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import crew_tools
import numpy as np
import pytest
from crew_tools import (
    MARK,
    asked,
    bits,
    designs,
    jobs,
    midrange,
    nodes,
    poison,
    poisoned,
    processes,
    until,
)

from simnorm import crews, parcels, tasks
from simnorm.crews import Lost
from simnorm.design import Design
from simnorm.errors import RunError, SimnormError
from simnorm.estimators import UserEstimator
from simnorm.tasks import Task

KINDS = ("laws", "data", "function")


def small_jobs(blocks=6):
    design = Design.make("normal", batch_sizes=[2], full_size=64, replications=4096 * blocks)
    return jobs(design, blocks)


def crew_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("simnorm")]


class Inline(Executor):
    """An executor of another library: computes at once, and knows nothing of cancelling."""

    def __init__(self):
        self.sent = []

    def submit(self, fn, /, *args, **kwargs):
        self.sent.append(pickle.dumps((fn, args, kwargs)))
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait=True):
        pass


# The same bits


@pytest.mark.parametrize("kind", KINDS)
def test_nodes_are_the_same_byte_for_byte(kind):
    """Threads, an executor of threads and one that sends everything give the same nodes."""
    todo = jobs(designs()[kind], 3)
    expected = bits(todo)
    assert len(expected) == len(todo)
    with crews.opened(3) as crew:
        assert nodes(crew, todo) == expected
    with ThreadPoolExecutor(2) as pool, crews.opened(executor=pool) as crew:
        assert nodes(crew, todo[::-1]) == expected
    with crews.opened(executor=Inline) as crew:
        assert nodes(crew, todo) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_processes_give_the_same_bytes(kind):
    """Processes of a pool, made here or given, give the nodes that a thread does."""
    todo = jobs(designs()[kind], 3)
    expected = bits(todo)
    with crews.opened(executor=processes) as crew:
        assert crew.name == "executor ProcessPoolExecutor"
        assert nodes(crew, todo) == expected
        # Only data are worth a file.
        assert (crew._folder is not None) == (kind == "data")
    with processes(1) as pool, crews.opened(executor=pool) as crew:
        assert crew.workers == 1
        assert nodes(crew, todo[::-1]) == expected


def test_the_array_reader_can_be_asked_for_everywhere():
    """Without the compiled reader the same other bits come by every crew."""
    todo = small_jobs(2)
    with crews.opened(1) as crew:
        expected = nodes(crew, todo, compiled=False)
    with crews.opened(executor=Inline) as crew:
        assert nodes(crew, todo, compiled=False) == expected


# Order and bounds


def test_no_more_is_in_flight_than_asked_for():
    """With one worker and two ahead, the third job is asked for when one is done."""
    todo, given = small_jobs(), []
    with crews.opened(1) as crew:
        next_job = asked(todo)

        def counted():
            job = next_job()
            if job is not None:
                given.append(job)
            return job

        for count, _ in enumerate(crews.computed(counted, crew), 1):
            assert len(given) <= count + 1
    assert given == todo


def test_a_job_may_come_late():
    """A source of jobs that has none until something is finished is asked again."""
    first, *others = small_jobs()
    left = [first]
    seen = []
    with crews.opened(2) as crew:
        for job, _ in crews.computed(lambda: left.pop(0) if left else None, crew):
            seen.append(job)
            if job == first:
                left.extend(others)
    assert sorted(seen) == sorted([first, *others])


@pytest.mark.parametrize("executor", [None, Inline], ids=["threads", "executor"])
def test_a_stop_hands_out_nothing_more(executor):
    """Once it is asked to stop a crew finishes what runs, and ends."""
    todo, stopped = small_jobs(), []
    with crews.opened(executor=executor) if executor else crews.opened(1) as crew:
        found = []
        for job, _ in crews.computed(asked(todo), crew, stop=lambda: bool(stopped)):
            found.append(job)
            stopped.append(True)
    # What had begun is yielded; of six jobs at most those in flight.
    assert 1 <= len(found) <= 2 * crew.workers
    assert len(found) < len(todo) or crew.workers > 2


def test_a_stop_before_the_beginning_computes_nothing(monkeypatch):
    """A crew that is stopped already asks for no job."""
    monkeypatch.setattr(tasks, "compute", lambda *_, **__: pytest.fail("computed"))
    with crews.opened(1) as crew:
        assert list(crews.computed(lambda: pytest.fail("asked"), crew, stop=lambda: True)) == []


def test_what_has_not_begun_is_taken_back_at_a_stop(monkeypatch):
    """A job that waits behind another one when a stop comes is never computed."""
    begun, go = [], threading.Event()

    def slow(_, task, **__):
        begun.append(task)
        assert go.wait(30)
        return task

    monkeypatch.setattr(tasks, "compute", slow)
    todo, flag = small_jobs(), threading.Event()
    with crews.opened(1) as crew:
        threading.Timer(0.3, flag.set).start()
        threading.Timer(1.0, go.set).start()
        found = [node for _, node in crews.computed(asked(todo), crew, stop=flag.is_set)]
    assert found == begun == [todo[0].task]


def test_an_error_comes_out_and_what_waits_is_dropped(monkeypatch):
    """What a task raises is raised; jobs behind it never begin, and no thread stays."""
    calls = []

    def broken(_, task, **__):
        calls.append(task)
        if task.position == 1:
            raise ZeroDivisionError("block 1")
        return task

    monkeypatch.setattr(tasks, "compute", broken)
    with pytest.raises(ZeroDivisionError, match="block 1"), crews.opened(1) as crew:
        nodes(crew, small_jobs())
    assert len(calls) <= 4
    assert crew_threads() == []


def test_leaving_early_takes_back_what_has_not_begun():
    """Whoever stops listening stops the crew."""
    with crews.opened(1) as crew:
        for _ in crews.computed(asked(small_jobs(400)), crew):
            break
    assert crew_threads() == []


def test_leaving_early_frees_an_executor_that_was_given(monkeypatch):
    """What waits in somebody else's executor is taken back when the run ends early."""
    calls = []
    monkeypatch.setattr(tasks, "compute", lambda *_, **__: calls.append(1) or time.sleep(0.2))
    with ThreadPoolExecutor(1) as pool, crews.opened(workers=20, executor=pool) as crew:
        for _ in crews.computed(asked(small_jobs(40)), crew):
            break
    assert len(calls) <= 3


def test_one_crew_serves_several_runs():
    """A crew that has finished one list of jobs takes the next."""
    todo = small_jobs(2)
    with crews.opened(2) as crew:
        assert nodes(crew, todo) == nodes(crew, todo)


# Workers that end


class Breaking(Inline):
    """An executor whose workers end with some jobs, and which is then broken for good."""

    made = 0
    guilty: frozenset[int] = frozenset()

    def __init__(self):
        super().__init__()
        type(self).made += 1
        self.is_broken = False

    def submit(self, fn, /, *args, **kwargs):
        if self.is_broken:
            raise BrokenProcessPool("it was broken before")
        if fn is parcels.work and args[1].position in self.guilty:
            self.is_broken = True
            future = Future()
            future.set_exception(BrokenProcessPool("a worker has ended"))
            return future
        return super().submit(fn, *args, **kwargs)


def breaking(*guilty):
    return type("Breaking", (Breaking,), {"guilty": frozenset(guilty), "made": 0})


def test_a_task_that_ends_three_workers_is_given_up_and_the_rest_goes_on():
    """Of six jobs the guilty one is lost, after three executors; the others are all there."""
    todo, kind = small_jobs(), breaking(2)
    with crews.opened(executor=kind) as crew:
        found = nodes(crew, todo)
    expected = bits(todo)
    lost = found.pop(todo[2].task)
    expected.pop(todo[2].task)
    assert lost == Lost("3 workers have ended while they computed it")
    assert found == expected
    assert kind.made == 4  # the first one, and one after each end


def test_a_task_that_was_alone_has_three_workers_too():
    """Where one job is in flight at a time the guilty one still ends three, and no more."""
    todo, kind = small_jobs(3), breaking(1)
    with crews.opened(workers=1, executor=kind) as crew:
        found = nodes(crew, todo, ahead=1)
    assert found[todo[1].task] == Lost("3 workers have ended while they computed it")
    assert kind.made == 4


def test_nothing_is_handed_out_while_a_task_is_under_suspicion():
    """Between the end of a worker and the verdict no further job is asked for."""
    todo, given = small_jobs(12), []
    next_job = asked(todo)

    def counted():
        job = next_job()
        given.append(job)
        return job

    with crews.opened(workers=1, executor=breaking(0)) as crew:
        for _, node in crews.computed(counted, crew):
            if isinstance(node, Lost):
                assert given == todo[:2]
    assert given == [*todo, None, *given[len(todo) + 1 :]]


def test_two_guilty_tasks_are_both_found():
    """Jobs that end their workers one after the other are given up each; no innocent one is."""
    todo = small_jobs(8)
    with crews.opened(executor=breaking(1, 2)) as crew:
        found = nodes(crew, todo)
    assert [job.task.position for job in todo if isinstance(found[job.task], Lost)] == [1, 2]
    assert len(found) == 8


def test_an_executor_that_was_given_is_not_replaced():
    """Whoever gives an executor is told that it is broken, and what would help."""
    with (
        pytest.raises(RunError, match=r"What was finished is kept\. Give a function") as caught,
        crews.opened(executor=breaking(1)()) as crew,
    ):
        nodes(crew, small_jobs())
    assert "executor=lambda: Breaking(...)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_executor_whose_workers_never_begin_is_refused():
    """A pool that breaks before its first task is an error at once, with the usual reason."""

    class Stillborn(Inline):
        def submit(self, *_, **__):
            future = Future()
            future.set_exception(BrokenProcessPool("it has ended"))
            return future

    with pytest.raises(RunError, match='needs `if __name__ == "__main__":`'):
        crews.opened(executor=Stillborn).__enter__()


def test_an_executor_that_is_shut_is_refused():
    """A pool that takes no work says so in one line."""
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with (
        pytest.raises(RunError, match="ThreadPoolExecutor'; it takes no work"),
        crews.opened(executor=pool) as crew,
    ):
        nodes(crew, small_jobs(1))


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_tasks_a_second_try():
    """After kill -9 of a worker of a pool that a function makes, all nodes are there."""
    todo = small_jobs(30)
    found, workers = {}, []
    with crews.opened(executor=processes) as crew:
        for job, node in crews.computed(asked(todo), crew):
            found[job.task] = pickle.dumps(node)
            if not workers:
                workers.extend(crew._executor._processes)
                os.kill(workers[-1], signal.SIGKILL)
    assert found == bits(todo)
    assert not any(map(is_running, workers))


@pytest.mark.slow
def test_a_poisoned_task_is_given_up_by_real_processes(monkeypatch):
    """A function that kills its process on one value loses its task and no other."""
    design, mark = poisoned(block=4)
    monkeypatch.setenv(MARK, repr(mark))
    todo = jobs(design, 9)
    with crews.opened(executor=processes) as crew:
        found = nodes(crew, todo)
    assert [k.position for k, node in found.items() if isinstance(node, Lost)] == [4]
    monkeypatch.delenv(MARK)
    expected = bits(todo)
    assert {k: v for k, v in found.items() if k.position != 4} == {
        k: v for k, v in expected.items() if k.position != 4
    }


@pytest.mark.slow
def test_workers_end_with_the_process_that_made_them(tmp_path):
    """After kill -9 of the main process no worker of its pool stays behind."""
    script = tmp_path / "main.py"
    script.write_text(
        "import os, sys, time\n"
        "import crew_tools\n"
        "from simnorm import crews\n"
        "if __name__ == '__main__':\n"
        "    todo = crew_tools.jobs(crew_tools.designs()['laws'], 2) * 10000\n"
        "    with crews.opened(executor=crew_tools.processes) as crew:\n"
        "        for i, _ in enumerate(crews.computed(crew_tools.asked(todo), crew)):\n"
        "            if i == 10: print('here', flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    main = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment)
    try:
        assert main.stdout.readline() == b"here\n"
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(main.pid)], capture_output=True, text=True
        )
        workers = [int(pid) for pid in listed.stdout.split()]
        assert len(workers) >= 2
        main.kill()
        until(lambda: not any(is_running(pid) for pid in workers), seconds=5.0)
    finally:
        main.kill()
        main.wait()
        main.stdout.close()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# What is sent


def test_a_design_without_data_is_small():
    """What every task of a law carries along is below a kilobyte or two."""
    pool = Inline()
    with crews.opened(executor=pool) as crew:
        nodes(crew, small_jobs(3))
    assert len(pool.sent) == 4  # the first asks whether the worker can work
    assert max(map(len, pool.sent)) < 3000


def test_only_the_columns_of_a_source_are_sent():
    """Of a table of twenty columns a source's worker gets its own, and its groups."""
    design = designs()["data"]
    every = tasks.sources(design)
    assert len(every) > 2
    for number, source in enumerate(every):
        found = parcels.packed(design, number).open()
        assert found == design
        assert found.dataset.columns == source.columns
        expected = design.dataset.values(source.columns)
        assert found.dataset.values(source.columns).tobytes() == expected.tobytes()
        if source.sampling == "shuffle":
            with pytest.raises(SimnormError):
                found.dataset.group_codes("part")
        else:
            assert (found.dataset.group_codes("part") == design.dataset.group_codes("part")).all()


@pytest.mark.slow
def test_data_go_to_processes_once_by_a_file_that_is_gone_afterwards(tmp_path, monkeypatch):
    """A pool's tasks name a file with the data; the folder of such files does not stay."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    todo = jobs(designs()["data"], 2)
    with crews.opened(executor=processes) as crew:
        assert nodes(crew, todo) == bits(todo)
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert len(list(folder.iterdir())) == len(tasks.sources(designs()["data"]))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_gone_with_the_last_who_needs_it(tmp_path):
    """A parcel in a file can be opened as long as it is held; what came wrong is refused."""
    parcel = parcels.packed(designs()["data"], 0)
    assert not parcel.is_small
    filed = parcel.filed(tmp_path)
    assert filed == parcel
    assert filed.open() == parcel.open()
    place = tmp_path / parcel.key
    place.write_bytes(parcel.data[:-1])
    with pytest.raises(RunError, match="not reached a worker whole"):
        filed.open()
    del filed
    assert not place.exists()


def test_a_function_that_cannot_be_pickled_is_named(monkeypatch):
    """Without cloudpickle a function that is in no module is refused in one line."""
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    design = Design.make("normal", estimators=[midrange, lambda x, axis=-1: x.max(axis=axis)])
    with pytest.raises(SimnormError, match=r"estimators: got 'user\.lambda'; .* top of a module"):
        parcels.packed(design, 0)
    assert parcels.packed(Design.make("normal", estimators=[midrange]), 0).is_small


def test_a_function_that_a_worker_lacks_is_named(monkeypatch):
    """A worker that cannot import the module of a function says so, in one line."""
    parcel = parcels.packed(Design.make("normal", estimators=[midrange]), 0)
    monkeypatch.setitem(sys.modules, "crew_tools", None)
    with pytest.raises(SimnormError, match="a worker cannot load the functions"):
        parcel.open()


def test_a_function_that_is_another_on_a_worker_is_named(monkeypatch):
    """A pickle has its name alone: an older file on the worker would give other numbers."""
    design = Design.make("normal", estimators=[midrange, poison], batch_sizes=[4], full_size=64)
    parcel = parcels.packed(design, 0)
    assert [name for name, _ in parcel.looks] == ["user.midrange", "user.poison"]
    assert parcel.open().functions == design.functions
    task, versions = Task(0, 0, 0), parcels.versions()
    assert parcels.work(parcel, task, True, versions, 0)
    space = {"__name__": crew_tools.__name__}
    exec("def midrange(sample, axis=-1): return sample.min(axis=axis)", space)
    # As in a worker that has the older file; this one does not know the design by its hash yet.
    monkeypatch.setattr(crew_tools, "midrange", space["midrange"])
    parcels._opened.cache_clear()
    said = (
        r"workers: got 'worker .*:\d+'; its user\.midrange is another function than that of the run"
    )
    with pytest.raises(RunError, match=said):
        parcels.work(parcel, task, True, versions, 0)
    # And one that knows it looks again when the sender has a new one.
    newer = Design.make("normal", estimators=[crew_tools.midrange, poison], batch_sizes=[4])
    assert parcels.packed(newer, 0).looks != parcel.looks


class Addressed:
    """A statistic whose pickle says where it lies."""

    def __reduce__(self):
        return Addressed, (), {"address": id(self)}

    def __call__(self, sample, axis=-1):
        return sample.max(axis=axis)


def test_what_a_copy_does_not_have_is_not_compared():
    """States of chance and addresses are others in every process, and no fault."""
    rng = np.random.default_rng()
    chancy = functools.partial(_with, rng)
    kinds = [UserEstimator(chancy, "chancy"), UserEstimator(Addressed(), "addressed")]
    design = Design.make("normal", estimators=[midrange, *kinds], batch_sizes=[4], full_size=64)
    parcel = parcels.packed(design, 0)
    assert [name for name, _ in parcel.looks] == ["user.midrange", "user.chancy"]
    rng.normal()
    assert parcels.packed(design, 0).looks == parcel.looks
    assert parcel.open().estimators == design.estimators


def _with(rng, sample, axis=-1):
    return sample.max(axis=axis) + 0 * rng.normal()


def test_functions_in_no_module_go_along_with_cloudpickle():
    """With cloudpickle, which comes with Dask, any function can be sent."""
    pytest.importorskip("cloudpickle")
    design = Design.make("normal", estimators=lambda x, axis=-1: x.max(axis=axis))
    assert parcels.packed(design, 0).open().estimators == ("user.lambda",)


# Versions


def test_a_worker_with_another_version_computes_nothing():
    """A worker compares its versions with the sender's and says who has what."""
    expected = parcels.versions()
    assert [name for name, _ in expected] == ["python", "simnorm", "numpy", "scipy", "numba"]
    parcels.check_versions(expected)
    other = tuple((name, "9.9" if name == "numpy" else value) for name, value in expected)
    with pytest.raises(RunError, match=rf"it has numpy {np.__version__}, not 9\.9: the same bits"):
        parcels.check_versions(other)
    job = small_jobs(1)[0]
    with pytest.raises(RunError, match="it has numpy"):
        parcels.work(parcels.packed(job.design, 0), job.task, True, other, 0)


def test_a_study_with_packages_of_its_own_compares_them_too():
    """The versions of a study name what decides its bits, and a package that is absent."""
    assert dict(parcels.versions("scaling"))["scikit-learn"] == parcels.version_of("scikit-learn")
    assert parcels.version_of("no-such-package-as-this") == "absent"
    missing = (*parcels.versions(), ("no-such-package-as-this", "1.0"))
    with pytest.raises(RunError, match=r"no-such-package-as-this absent, not 1\.0"):
        parcels.check_versions(missing)


# What is asked for


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"executor": 3}, "executor: got 3; an Executor, a function"),
        ({"executor": [3]}, "executor: got 'list'; an Executor, a function"),
        ({"executor": lambda: 3}, "executor: got 3; the function must make an Executor"),
        ({"executor": lambda n: n}, "executor: got '<lambda>'; a function that makes an Executor "),
        ({"executor": "tcp://a:1"}, "executor: got 'tcp://a:1'; an Executor, a function"),
        ({"executor": Inline, "scheduler": "tcp://a:1"}, "an executor is given too"),
        ({"workers": 0}, "workers: got 0"),
        ({"workers": 2, "scheduler": "tcp://a:1"}, "a cluster has workers of its own"),
    ],
)
def test_what_does_not_go_together_is_refused(options, said):
    """Wrong executors, and two kinds of workers at once, are one clear line."""
    with pytest.raises(SimnormError) as caught:
        crews.opened(**options).__enter__()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_timings_are_of_this_machine():
    """A study of timings takes neither executor nor scheduler; the others do."""
    for options in ({"executor": Inline}, {"scheduler": "tcp://a:1"}):
        with pytest.raises(SimnormError, match="the time of this machine"):
            crews.check_timed("overhead", **options)
        crews.check_timed("sweep", **options)
    crews.check_timed("overhead")


def test_threads_import_nothing_of_a_cluster():
    """Neither `import simnorm.crews` nor a crew of threads loads Dask."""
    code = (
        "import sys; from simnorm import crews\n"
        "with crews.opened(1): pass\n"
        "assert not {'dask', 'distributed', 'cloudpickle', 'multiprocessing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_given_executor_stays_open():
    """What was given can be used afterwards; what was made is shut."""
    with ThreadPoolExecutor(1) as pool:
        with crews.opened(executor=pool) as crew:
            nodes(crew, small_jobs(1))
        assert pool.submit(int, 3).result() == 3
    made = []

    def make():
        made.append(ProcessPoolExecutor(1, mp_context=processes(1)._mp_context))
        return made[0]

    with crews.opened(executor=make):
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0].submit(int, 3)


def test_a_moment_is_short():
    """A stop is noticed within a fraction of a second even where no task ends."""
    with crews.opened(1) as crew:
        begin = time.monotonic()
        assert not crew.wait([Future()])
        assert 0.1 < time.monotonic() - begin < 5.0
