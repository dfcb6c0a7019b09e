"""A Dask cluster: the same bits, what gets lost, and what is said of wrong addresses."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from crew_tools import asked, bits, cluster, designs, jobs, nodes, poisoned, processes, until

import simnorm as sn
from simnorm import cluster as clusters
from simnorm import crews, parcels, schedule
from simnorm.crews import Lost
from simnorm.design import Design
from simnorm.errors import Interrupted, RunError, SimnormError

distributed = pytest.importorskip("distributed")


@pytest.fixture(autouse=True)
def nothing_stays():
    """No thread of a client stays behind, and loggers are as they were."""
    before = {thread.ident for thread in threading.enumerate()}
    levels = logging.getLogger("distributed.client").level
    yield
    assert logging.getLogger("distributed.client").level == levels
    # Dask has one that unpacks what is large; it is a daemon of the library, made once.
    until(
        lambda: all(
            thread.ident in before or thread.name.startswith("Dask-Offload")
            for thread in threading.enumerate()
        )
    )


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Workers that have just been started may take long on a busy machine."""
    monkeypatch.setattr(clusters, "TO_BEGIN", 60.0)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """Two workers of one thread each, without nannies, that no test harms."""
    with cluster(tmp_path_factory.mktemp("cluster"), 2) as found:
        wait_for_workers(found, 2)
        yield found


def wait_for_workers(made, number):
    """Wait until so many workers are there: before that they are missed, which is said."""
    address = json.loads(made.file.read_text())["address"]
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


def refused(scheduler):
    """Return the one line that refuses a scheduler."""
    with pytest.raises(SimnormError) as caught, crews.opened(scheduler=str(scheduler)):
        pass
    said = str(caught.value)
    assert said.startswith("scheduler: got ")
    assert "\n" not in said
    return said


# The same bits


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["laws", "data", "function"])
def test_a_cluster_gives_the_same_bytes(two_workers, kind):
    """Workers that share nothing with this process give the nodes that a thread does."""
    todo = jobs(designs()[kind], 3)
    with crews.opened(scheduler=str(two_workers.file)) as crew:
        assert crew.name == "dask"
        assert nodes(crew, todo) == bits(todo)
        assert crew.notes == []


@pytest.mark.slow
def test_a_client_serves_as_executor(two_workers):
    """A client, or the executor that it makes, is used and stays open; nothing becomes default."""
    todo = jobs(designs()["laws"], 2)
    address = json.loads(two_workers.file.read_text())["address"]
    with distributed.Client(address, set_as_default=False) as client:
        for executor in (client, client.get_executor()):
            with crews.opened(executor=executor) as crew:
                assert crew.name == "dask"
                assert nodes(crew, todo) == bits(todo)
        assert client.submit(int, 3).result() == 3
    with pytest.raises(SimnormError, match="a client that is closed"):
        crews.opened(executor=client).__enter__()


@pytest.mark.slow
def test_a_function_may_make_a_client_which_is_closed_at_the_end(two_workers):
    """What a function makes is the crew's to close, also where workers are refused."""
    todo, made = jobs(designs()["laws"], 2), []
    address = json.loads(two_workers.file.read_text())["address"]

    def make():
        made.append(distributed.Client(address, set_as_default=False))
        return made[-1]

    with crews.opened(executor=make) as crew:
        assert crew.name == "dask"
        assert nodes(crew, todo) == bits(todo)
        assert made[0].status == "running"
    with pytest.raises(SimnormError, match="a cluster has workers of its own"):
        crews.opened(2, make).__enter__()
    assert [client.status for client in made] == ["closed", "closed"]


@pytest.mark.slow
def test_functions_that_are_in_no_module_go_along(two_workers):
    """A function that was made here is sent as it is."""
    design = Design.make(
        "normal", estimators=lambda x, axis=-1: x.max(axis=axis), batch_sizes=[2], full_size=64,
        replications=5000,
    )  # fmt: skip
    todo = jobs(design, 2)
    with crews.opened(scheduler=str(two_workers.file)) as crew:
        assert nodes(crew, todo) == bits(todo)


@pytest.mark.slow
def test_a_stop_ends_within_what_runs(two_workers):
    """After a stop what runs is yielded, and of many jobs only a few were computed."""
    todo, flag = jobs(designs()["laws"], 3) * 200, []
    with crews.opened(scheduler=str(two_workers.file)) as crew:
        found = []
        for job, _ in crews.computed(asked(todo), crew, stop=lambda: bool(flag)):
            found.append(job)
            flag.append(True)
    assert 1 <= len(found) <= 2 * 2


@pytest.mark.slow
def test_what_a_task_raises_comes_out(two_workers, monkeypatch, capfd):
    """An error in a worker is raised here, with no word of Dask's."""
    other = tuple((k, "0.1" if k == "numpy" else v) for k, v in parcels.versions())
    monkeypatch.setattr(parcels, "versions", lambda *_: other)
    with (
        crews.opened(scheduler=str(two_workers.file)) as crew,
        pytest.raises(RunError, match=r"it has numpy [\d.]+, not 0\.1: the same bits need"),
    ):
        nodes(crew, jobs(designs()["laws"], 1))
    assert capfd.readouterr() == ("", "")


# Whole runs


def changing_hands(made, folder):
    """Run a design: threads, the cluster, a pool, the cluster again, which is lost, threads."""
    design = Design.make(
        "normal,laplace", estimators="mean,median", batch_sizes=[2, 8], full_size=64,
        replications=4096 * 40,
    )  # fmt: skip
    drawn = []

    def part(count, then=None, **options):
        """Go on for so many nodes; then stop, or do what ends the run."""
        seen = []

        def on_progress(progress):
            seen.append(progress)
            if len(seen) == count and then is not None:
                then()

        stop = None if then or not count else lambda: len(seen) >= count
        try:
            return sn.run(design, out=folder, on_progress=on_progress, stop=stop, **options)
        finally:
            drawn.append(seen[-1].done if seen else 0)

    with pytest.raises(Interrupted):
        part(2, workers=1)
    with pytest.raises(Interrupted):
        part(3, scheduler=str(made.file))
    with pytest.raises(Interrupted):
        part(2, executor=processes)
    with pytest.raises(RunError, match="connection to the scheduler is lost"):
        part(2, then=lambda: made.scheduler.kill() or time.sleep(1), scheduler=str(made.file))
    result = part(0, workers=2)
    assert drawn == sorted(set(drawn))  # each went on where the last one was
    return result


@pytest.mark.slow
def test_a_run_that_changes_hands_ends_with_the_same_bytes(tmp_path, monkeypatch):
    """Threads, a cluster, processes and a lost cluster in turn: the bytes of one whole run."""
    # A task is a block: eighty of them.
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    with cluster(tmp_path, 2) as made:
        changing_hands(made, tmp_path / "many")
    sn.run(tmp_path / "many", out=tmp_path / "one")
    for name in ("results.csv", "curves.csv"):
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


@pytest.mark.slow
def test_the_command_line_takes_a_scheduler_file(two_workers, tmp_path):
    """`--scheduler FILE` gives the same table and files as threads, and no word of Dask's."""
    command = [
        sys.executable, "-m", "simnorm", "sweep", "--dist", "normal", "--full-size", "64",
        "--batch-sizes", "2,8", "--replications", "9000", "--seed", "3",
    ]  # fmt: skip
    said = [
        subprocess.run([*command, *more, "-o", name], cwd=tmp_path, capture_output=True, text=True)
        for name, more in (("here", ()), ("there", ("--scheduler", str(two_workers.file))))
    ]
    assert [one.returncode for one in said] == [0, 0]
    assert said[0].stdout == said[1].stdout
    assert said[0].stderr.replace("here", "there") == said[1].stderr
    bytes_of = [(tmp_path / name / "results.csv").read_bytes() for name in ("here", "there")]
    assert bytes_of[0] == bytes_of[1]
    facts = json.loads((tmp_path / "there" / "provenance.json").read_text())
    assert (facts["backend"], facts["workers"]) == ("dask", 2)


# What gets lost


def after_three(crew, todo, kill):
    """Compute jobs, and after the third of them kill what the others need."""
    for number, _ in enumerate(crews.computed(asked(todo), crew)):
        if number == 3:
            kill()


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_task_at_most(tmp_path):
    """After kill -9 of one of two workers all nodes are there; one that comes later is used."""
    todo = jobs(designs()["laws"], 3)
    with cluster(tmp_path, 2) as made, crews.opened(scheduler=str(made.file)) as crew:
        until(lambda: crew.wait([]) is not None and crew.workers == 2)
        found = {}
        for number, (job, node) in enumerate(crews.computed(asked(todo * 40), crew)):
            if number == 5:
                made.workers[0].kill()
            if number == 20:
                made.add_worker()
            found.setdefault(job.task, set()).add(pickle.dumps(node))
        until(lambda: crew.wait([]) is not None and crew.workers == 2)
    assert found == {task: {node} for task, node in bits(todo).items()}


@pytest.mark.slow
def test_workers_with_nannies_come_back(tmp_path):
    """A worker's process that is killed below its nanny is started again, and nothing is lost."""
    todo = jobs(designs()["data"], 2)
    with cluster(tmp_path, 2, nanny=True) as made, crews.opened(scheduler=str(made.file)) as crew:
        found = {}
        for number, (job, node) in enumerate(crews.computed(asked(todo * 3), crew)):
            if number == 5:
                for nanny in made.workers:
                    kill_children(nanny.pid)
            found.setdefault(job.task, set()).add(pickle.dumps(node))
    assert found == {task: {node} for task, node in bits(todo).items()}


@pytest.mark.slow
def test_a_poisoned_task_is_given_up_and_the_rest_goes_on(tmp_path, capfd):
    """A function that kills its worker on one value loses its task and no other."""
    design, mark = poisoned(block=4)
    todo = jobs(design, 9)
    with (
        cluster(tmp_path, 2, nanny=True, mark=mark) as made,
        crews.opened(scheduler=str(made.file)) as crew,
    ):
        found = nodes(crew, todo)
    lost = {task: node for task, node in found.items() if isinstance(node, Lost)}
    assert [task.position for task in lost] == [4]
    # Dask lets four workers end before it says so, with others and alone.
    assert lost[todo[4].task].message == "8 workers have ended while they computed it"
    assert {task: node for task, node in found.items() if task not in lost} == {
        task: node for task, node in bits(todo).items() if task not in lost
    }
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_lost_scheduler_is_told_within_seconds(tmp_path, capfd):
    """When the scheduler is killed the run ends with one line, and nothing hangs."""
    todo, killed = jobs(designs()["laws"], 3) * 500, []
    with cluster(tmp_path, 1) as made:
        with pytest.raises(RunError) as caught, crews.opened(scheduler=str(made.file)) as crew:
            after_three(
                crew, todo, lambda: killed.append(time.monotonic()) or made.scheduler.kill()
            )
        assert time.monotonic() - killed[0] < 10
    assert "the connection to the scheduler is lost" in str(caught.value)
    assert str(caught.value).endswith("What was finished is kept.")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_without_workers_it_is_said_how_to_start_one(tmp_path, monkeypatch):
    """A scheduler without workers is waited for a little, then the command is named."""
    monkeypatch.setattr(clusters, "TO_BEGIN", 0.5)
    with cluster(tmp_path, 0) as made:
        said = refused(made.file)
        address = json.loads(made.file.read_text())["address"]
    assert said.endswith(f"the scheduler has no workers. Start one with: dask worker {address}")


def missed(counts):
    """Return what a cluster says whose number of workers goes through these values."""
    made = clusters.Cluster.__new__(clusters.Cluster)
    said, made.address = [], "tcp://a:1"
    made._note, made._workers, made._has_lost, made._is_empty = said.append, 0, False, False
    for count in counts:
        made._miss(count)
    return said


def test_workers_that_are_missed_are_told_of():
    """One of many that goes is told of once, the last one whenever it goes, and who comes then."""
    lost = "the cluster has lost a worker; 2 of 3 are left"
    last = "the cluster has lost its last worker; it waits for 60 s. "
    last += "Start one with: dask worker tcp://a:1"
    assert missed([0, 0, 1, 3, 3]) == []
    assert missed([3, 2, 1, 3, 2]) == [lost]
    assert missed([3, 2, 0, 0, 2, 3]) == [lost, last, "the cluster has 2 workers again"]
    assert missed([1, 0, 1, 0]) == [last, "the cluster has 1 worker again", last]


@pytest.mark.slow
def test_that_a_cluster_has_no_workers_yet_is_told_at_once(tmp_path):
    """A run that waits for its first worker says so, and how one is started; it is then used."""
    todo, said = jobs(designs()["laws"], 1), []
    with cluster(tmp_path, 0) as made:

        def note(sentence):
            said.append(sentence)
            made.add_worker()

        with crews.opened(scheduler=str(made.file), on_note=note) as crew:
            assert nodes(crew, todo) == bits(todo)
            assert crew.notes == []
    address = crew.address
    start = f"Start one with: dask worker {address}"
    assert said == [f"the scheduler has no workers yet; it waits for 60 s. {start}"]


@pytest.mark.slow
def test_workers_that_have_all_gone_are_missed(tmp_path, monkeypatch):
    """When the last worker ends and none comes the run ends with one line."""
    monkeypatch.setattr(clusters, "TO_COME_BACK", 1.0)
    todo = jobs(designs()["laws"], 3) * 500
    with (
        cluster(tmp_path, 1) as made,
        crews.opened(scheduler=str(made.file)) as crew,
        pytest.raises(RunError, match="the scheduler has no workers"),
    ):
        after_three(crew, todo, made.workers[0].kill)
    assert any("lost its last worker; it waits for 1 s" in note for note in crew.notes)


@pytest.mark.slow
def test_the_cluster_is_left_alone_by_a_client_that_is_killed(tmp_path):
    """After kill -9 of the main process the cluster has none of its tasks left."""
    script = tmp_path / "main.py"
    script.write_text(
        "import sys, crew_tools\n"
        "from simnorm import crews\n"
        "todo = crew_tools.jobs(crew_tools.designs()['laws'], 2) * 10000\n"
        "with crews.opened(scheduler=sys.argv[1]) as crew:\n"
        "    for i, _ in enumerate(crews.computed(crew_tools.asked(todo), crew)):\n"
        "        if i == 10: print('here', flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    with cluster(tmp_path, 1) as made:
        command = [sys.executable, script, str(made.file)]
        main = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        try:
            assert main.stdout.readline() == b"here\n"
        finally:
            main.kill()
            main.wait()
            main.stdout.close()
        with distributed.Client(json.loads(made.file.read_text())["address"]) as client:
            until(lambda: not any(client.processing().values()), seconds=15.0)
            until(lambda: not any(client.has_what().values()), seconds=15.0)


def kill_children(pid):
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True
    )
    for line in listed.stdout.splitlines():
        if "spawn_main" in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)


# Addresses


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tls://a-b.example:1", "tcp://[::1]:65535", "tcp://x:08786"]
)
def test_addresses_are_what_they_are(address):
    """Addresses of both kinds, with names and numbers, are taken as they stand."""
    assert clusters.address_of(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://a:1", "tcp://a", "tcp://a:", "tcp://:8786", "tcp://a:0", "tcp://a:65536",
        "tcp://a:8786/x", "tcp://a b:1", "tcp://u:p@a:1", "tcp://a:1\n", "inproc://1/2", "://",
        "TCP://a:1", "tcp://a:१", "ucx://a:1", "tcp://$(x):1", "tcp://" + "a" * 10 + ":123456",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    """Other protocols, missing or wrong ports and stray signs are one clear line."""
    assert "tcp://HOST:8786, tls://HOST:8786 or a scheduler file is needed" in refused(address)


def test_a_scheduler_file_names_the_address(tmp_path):
    """A file is read for its address; whatever is no scheduler file is refused in one line."""
    file = tmp_path / "scheduler.json"
    file.write_text('{"type": "Scheduler", "address": "tcp://127.0.0.1:1234", "workers": {}}')
    assert clusters.address_of(str(file)) == "tcp://127.0.0.1:1234"
    for text in ("", "[]", "{}", '{"address": 3}', '{"address": "inproc://1"}', "\x00", "[" * 9999):
        file.write_text(text)
        assert "a scheduler file is needed" in refused(file)
    file.write_bytes(b'{"address": "\xff"}')
    assert "it is no scheduler file" in refused(file)
    # However large a file is, a part of it is read.
    file.write_text(" " * (1 << 20) + '{"address": "tcp://127.0.0.1:1"}')
    assert "it is no scheduler file" in refused(file)
    assert "(No such file or directory)" in refused(tmp_path / "none")
    assert "(Is a directory)" in refused(tmp_path)


def test_an_address_without_its_protocol_is_completed():
    """`localhost:8786` is no file: the address that was meant is named."""
    assert refused("localhost:8786").endswith("Did you mean tcp://localhost:8786?")
    assert "Did you mean" not in refused("localhost")


@pytest.mark.parametrize("answer", [None, b"SSH-2.0-x\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_another_service_at_the_port_is_no_scheduler(answer, monkeypatch, capfd):
    """A port where nothing, or something else, answers is told within the time to connect."""
    monkeypatch.setattr(clusters, "TO_CONNECT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve():
            try:
                while True:
                    other, _ = server.accept()
                    if answer is not None:
                        other.sendall(answer)
                        other.close()
                    else:
                        kept.append(other)
            except OSError:
                return

        kept = []
        thread = threading.Thread(target=serve)
        thread.start()
        begin = time.monotonic()
        said = refused(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert time.monotonic() - begin < 8
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for other in kept:
            other.close()
    assert "no Dask scheduler answers there" in said
    assert capfd.readouterr() == ("", "")


def test_a_port_where_nobody_is_is_told(monkeypatch):
    """A wrong port is one line, within the time to connect."""
    monkeypatch.setattr(clusters, "TO_CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = refused(f"tcp://127.0.0.1:{port}")
    start = f"Start one with: dask scheduler --host 127.0.0.1 --port {port}"
    assert said.endswith(f"no Dask scheduler answers there. {start}")


def test_what_is_to_be_done_fits_the_address():
    """The command that starts a scheduler is named for this machine, with host and port."""
    begin = "Start one with: dask scheduler"
    assert clusters.start_of("tcp://[::1]:99") == f"{begin} --host '[::1]' --port 99"
    assert clusters.start_of("tls://localhost:1") == (
        f"{begin} --protocol tls --host localhost --port 1"
    )
    assert clusters.start_of("tcp://192.0.2.1:8786").startswith("Look at the address")


def test_tls_without_certificates_is_told():
    """An encrypted address without certificates says where they belong."""
    assert "distributed.comm.tls" in refused("tls://127.0.0.1:1")


@pytest.mark.slow
def test_a_worker_is_no_scheduler(two_workers):
    """The address of a worker is told apart from the scheduler's."""
    address = json.loads(two_workers.file.read_text())["address"]
    with distributed.Client(address, set_as_default=False) as client:
        worker = next(iter(client.nthreads()))
    assert "a Dask worker is there, and the scheduler is needed" in refused(worker)


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    """Without Dask the message names the address, and what works in a checkout and elsewhere."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refused("tcp://127.0.0.1:1") == (
        "scheduler: got 'tcp://127.0.0.1:1'; it needs Dask, which is not installed. "
        "Get it: pip install distributed; in a checkout scripts/quickstart --with-dask."
    )
    crews.check_scheduler("tcp://127.0.0.1:1", is_used=False)
    with pytest.raises(SimnormError, match="it needs Dask"):
        crews.check_scheduler("tcp://127.0.0.1:1")


def test_other_machines_are_told_from_this_one():
    """Loopback and the machine's own numbers are here; a documentation address is not."""
    for here in ("tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:1", "tcp://0.0.0.0:1"):
        assert clusters.is_here(here)
    for there in ("tcp://192.0.2.1:1", "tcp://no-such-name.invalid:1", "tcp://[2001:db8::1]:1"):
        assert not clusters.is_here(there)


@pytest.mark.slow
def test_a_cluster_elsewhere_is_noted(two_workers, monkeypatch):
    """An open connection to another machine is noted once; one to this machine is not."""
    monkeypatch.setattr(clusters, "is_here", lambda _: False)
    with crews.opened(scheduler=str(two_workers.file)) as crew:
        (note,) = crew.notes
    assert "neither encrypted nor authenticated" in note


# Versions


def versions(**changes):
    """Return what a cluster of one worker says of its versions."""
    same = dict.fromkeys(("simnorm", "numpy", "scipy", "numba"), "1.2.3") | {"python": "3.11.7.x"}
    found = {"client": same, "scheduler": same, "workers": {"tcp://10.0.0.2:9": same}}
    found = {k: copy.deepcopy(v) for k, v in found.items()}
    for key, value in changes.items():
        who, name = key.split("_")
        target = found["workers"]["tcp://10.0.0.2:9"] if who == "worker" else found[who]
        target[name] = value
    wrapped = {name: {"packages": value} for name, value in found["workers"].items()}
    return {k: {"packages": found[k]} for k in ("client", "scheduler")} | {"workers": wrapped}


def test_the_same_versions_are_accepted():
    """Equal versions pass, another last digit of Python's and a scheduler without numba too."""
    clusters.check_cluster(versions(), "tcp://a:1")
    clusters.check_cluster(versions(worker_python="3.11.9.x", scheduler_numba=None), "tcp://a:1")
    clusters.check_cluster(versions(worker_numba=None, client_numba=None), "tcp://a:1")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"worker_numpy": "1.2.4"}, "worker tcp://10.0.0.2:9 has numpy 1.2.4, this machine 1.2.3"),
        ({"worker_numba": None}, "worker tcp://10.0.0.2:9 has numba absent, this machine 1.2.3"),
        ({"worker_python": "3.12.7.x"}, "has python 3.12, this machine 3.11"),
        ({"worker_simnorm": None}, "worker tcp://10.0.0.2:9 lacks simnorm"),
        ({"scheduler_simnorm": None}, "the scheduler lacks simnorm"),
        ({"scheduler_simnorm": "9"}, "the scheduler has simnorm 9, this machine 1.2.3"),
        ({"scheduler_python": "3.9.7.x"}, "the scheduler has python 3.9, this machine 3.11"),
        ({"worker_scipy": "2"}, "has scipy 2, this machine 1.2.3"),
    ],
)
def test_another_version_is_told_with_who_has_what(change, said):
    """A difference that could change a bit, or a package that is missing, is one clear line."""
    with pytest.raises(RunError) as caught:
        clusters.check_cluster(versions(**change), "tcp://a:1")
    assert said in str(caught.value)
    assert "Run scripts/quickstart --with-dask in the same version" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_worker_that_did_not_answer_counts_as_without():
    """A worker whose versions nobody knows is not trusted with anything."""
    found = versions()
    found["workers"]["tcp://10.0.0.3:9"] = None
    with pytest.raises(RunError, match=r"worker tcp://10\.0\.0\.3:9 lacks simnorm"):
        clusters.check_cluster(found, "tcp://a:1")
