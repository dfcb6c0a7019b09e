"""The same bits: whoever computes, in which order, wherever a run was cut, whatever has grown."""

from __future__ import annotations

import random
import shutil
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import pytest
from crew_tools import cluster
from proving import store as small

import simnorm as sn
from simnorm import streams
from simnorm.database import read_contents
from simnorm.errors import Interrupted

WORKERS = (1, 2, 3)
# Nodes after which a run is cut; the second session does the rest.
CUTS = (0, 1, 4)


class AnyOrder(Executor):
    """An executor whose one thread takes what waits in any order."""

    def __init__(self, workers, seed):
        self._max_workers = workers
        self._chance, self._waiting = random.Random(seed), []
        self._change, self._is_open = threading.Condition(), True
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self.order = []

    def submit(self, function, /, *args, **options):
        future = Future()
        with self._change:
            self._waiting.append((len(self.order) + len(self._waiting), future, function, args))
            self._change.notify()
        assert not options
        return future

    def _work(self):
        while True:
            with self._change:
                # A moment, so that there is more than one to choose from.
                self._change.wait_for(lambda: len(self._waiting) > 1 or not self._is_open, 0.02)
                if not self._waiting and not self._is_open:
                    return
                if not self._waiting:
                    continue
                at = self._chance.randrange(len(self._waiting))
                number, future, function, args = self._waiting.pop(at)
            if not future.set_running_or_notify_cancel():
                continue
            self.order.append(number)
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)

    def shutdown(self, wait=True, *, cancel_futures=False):  # noqa: ARG002 -- the standard's own
        with self._change:
            self._is_open = False
            self._change.notify()
        self._thread.join()


def processes(workers):
    """Return who makes a pool of processes that know of small blocks."""
    return lambda: ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=small.blocks_of_16
    )


@pytest.fixture(autouse=True)
def blocks_of_16(monkeypatch):
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """For every kind of run, the tables of its last design: one thread, in one go, on its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_DRAWS", 1)
        place = tmp_path_factory.mktemp("data")
        found = {}
        for kind, designs in small.kinds(place).items():
            folder = tmp_path_factory.mktemp("alone")
            sn.run(designs[-1], out=folder, workers=1)
            found[kind] = designs, small.tables_of(folder)
        return found


def run(design, folder, *, nodes=None, **crew):
    """Run a design in a folder; cut it once so many more nodes are stored."""
    before = len(read_contents(folder).rows) if (folder / "run.db").exists() else 0

    def is_enough():
        return len(read_contents(folder).rows) - before >= nodes

    try:
        sn.run(design, out=folder, stop=None if nodes is None else is_enough, **crew)
    except Interrupted:
        assert nodes is not None


def check(kind, alone, folder, first, second, cut):
    """One crew begins, another goes on where it was cut, and the tables are as in `alone`."""
    designs, tables = alone[kind]
    for design in designs[:-1]:
        run(design, folder, **first)
    if cut is not None:
        run(designs[-1], folder, nodes=cut, **first)
    run(designs[-1], folder, **second)
    assert small.tables_of(folder) == tables
    assert small.leftovers(folder) == []
    shutil.rmtree(folder)


def test_nodes_may_arrive_in_any_order(alone, tmp_path):
    """Twelve orders of arrival of all kinds of runs, cut somewhere, give the same bytes."""
    for i, kind in enumerate([*alone] * 2):
        with AnyOrder(3, i) as executor, AnyOrder(2, -i) as other:
            crews = {"executor": executor}, {"executor": other}
            check(kind, alone, tmp_path / "run", *crews, cut=3)
            assert executor.order != sorted(executor.order)


@pytest.mark.parametrize("kind", ["more sizes", "data"])
def test_threads_cuts_and_extensions_give_the_same_bytes(kind, alone, tmp_path):
    """One, two and three threads, cut after some nodes, go on with another number of them."""
    for workers, cut in zip(WORKERS, CUTS, strict=True):
        check(kind, alone, tmp_path / "run", {"workers": workers}, {"workers": 4 - workers}, cut)


def test_a_run_may_go_on_from_threads_to_processes(alone, tmp_path):
    """A run that threads began and processes go on with has the bytes of one thread alone."""
    check("laws", alone, tmp_path / "run", {"workers": 2}, {"executor": processes(2)}, 3)


@pytest.mark.slow
def test_every_kind_of_run_with_every_number_of_threads_and_every_cut(alone, tmp_path):
    """Six kinds of runs, one to three threads, then one to three, cut at three places or not."""
    for kind, workers, cut in product(alone, WORKERS, (*CUTS, None)):
        then = {"workers": 1 + workers % 3}
        check(kind, alone, tmp_path / "run", {"workers": workers}, then, cut)


@pytest.mark.slow
def test_every_kind_of_run_with_processes(alone, tmp_path):
    """Pools of one to three processes and threads take turns in all kinds of runs."""
    for i, kind in enumerate(alone):
        pools = [{"executor": processes(1 + i % 3)}, {"workers": 1 + (i + 1) % 3}]
        check(kind, alone, tmp_path / "run", *(pools if i % 2 else pools[::-1]), cut=2)


@pytest.mark.slow
@pytest.mark.parametrize("workers", WORKERS)
def test_every_kind_of_run_with_a_dask_cluster(workers, alone, tmp_path):
    """A cluster of one to three workers and threads take turns in all kinds of runs."""
    distributed = pytest.importorskip("distributed")

    def blocks_of_16():
        from simnorm import streams

        streams.BLOCK_DRAWS = 1

    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster", workers) as found:
        dask = {"scheduler": str(found.file)}
        with distributed.Client(scheduler_file=str(found.file), set_as_default=False) as client:
            client.wait_for_workers(workers)
            client.run(blocks_of_16)
        for i, kind in enumerate(alone):
            crews = (dask, {"workers": workers}) if i % 2 else ({"workers": workers}, dask)
            check(kind, alone, tmp_path / "run", *crews, cut=CUTS[i % 3])
