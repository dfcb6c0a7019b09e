"""Runs that go on in a folder: whatever was there before, they end as a run of their own does."""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
from pathlib import Path

import cut_short
import numpy as np
import pytest
from cut_short import PowerIsGoneError
from hypothesis import given, settings
from hypothesis import strategies as st
from pools import Memory

import simnorm as sn
from simnorm import engine, keeping, schedule, settling, stopped, store, streams
from simnorm.crews import Lost
from simnorm.design import Design
from simnorm.errors import Interrupted, SimnormError
from simnorm.estimators import UserEstimator
from simnorm.studies.drawing import sources

MADE = ("results.csv", "curves.csv", "columns.csv")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make blocks of 16 replications, and tasks of several of them where there are many."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    monkeypatch.setattr(schedule, "TASKS_PER_WORKER", 2)


def lowest(sample, axis=-1):
    """Return the smallest value."""
    return sample.min(axis)


def highest(sample, axis=-1):
    """Return the largest value."""
    return sample.max(axis)


def shaky(sample, axis=-1):
    """Return the largest value, unless it is large: then nothing."""
    most = sample.max(axis)
    return np.where(most > 2.0, np.nan, most)


def columns_of(rows=24):
    rng = np.random.default_rng(3)
    made = {f"x{i}": rng.standard_exponential(rows) * 10.0**i for i in range(3)}
    return made | {"kind": [f"g{i % 5}" for i in range(rows)]}


DATA = columns_of()
LAWS = {
    "distributions": "normal,exponential",
    "estimators": "mean,std(ddof=0),median",
    "batch_sizes": [2, 4],
    "full_size": 8,
    "replications": 16 * 9 + 3,
    "seed": 2**100,
}
ROWS = {
    "data": DATA,
    "columns": "x0,x1",
    "estimators": "mean,std(ddof=0),median",
    "batch_sizes": [2, 5],
    "replications": 50,
    "sampling": "shuffle,replacement",
}
INPUTS = {
    "study": "inputs",
    "distributions": "normal",
    "batch_sizes": [2, 4],
    "full_size": 16,
    "replications": 40,
    "epsilon": "0.001",
}
# More of their blocks.
MANY = {"replications": 150}
RUNNING = {
    "study": "running",
    "distributions": "normal",
    "batch_sizes": [2, 4],
    "full_size": 32,
    "replications": 40,
    "steps": 20,
    "presets": "keras3,pytorch",
}
SCALING = {
    "study": "scaling",
    "datasets": "wine",
    "models": "knn",
    "batch_sizes": [16],
    "replications": 3,
    "folds": 2,
}
SHIFT = {"study": "shift", "datasets": "wine", "replications": 1, "steps": 4, "batch_sizes": [16]}
MINE = {"estimators": [UserEstimator(lowest, "mine"), "mean"]}

# What is run first, and what is then changed: every change is also undone.
CHANGES = {
    "more replications": (LAWS, {"replications": 300}),
    "fewer replications, cut": (LAWS, {"replications": 70}),
    "fewer replications, at a block": (LAWS, {"replications": 64}),
    "one block": (LAWS, {"replications": 5}),
    "one size more": (LAWS, {"batch_sizes": [2, 3, 4]}),
    "another size": (LAWS, {"batch_sizes": [8]}),
    "other estimators": (LAWS, {"estimators": "range,biased_variance"}),
    "another order": (LAWS, {"estimators": "median,mean,std(ddof=0)"}),
    "one of everything more": (
        LAWS,
        {
            "estimators": "max,median,mean,std(ddof=0)",
            "batch_sizes": [2, 4, 8],
            "distributions": "uniform,exponential,normal",
            "replications": 200,
        },
    ),
    "another law": (LAWS, {"distributions": "uniform"}),
    "another shape": (LAWS | {"distributions": "t(df=5)"}, {"distributions": "t(df=4)"}),
    "another scheme": (LAWS, {"sampling": "replacement,iid"}),
    "a target": (LAWS, {"replications": None, "target_mcse": "20%", "max_replications": 900}),
    "a tighter target": (
        LAWS | {"replications": None, "target_mcse": "20%", "max_replications": 3000},
        {"target_mcse": "10%"},
    ),
    "a target and another size": (
        LAWS | {"replications": None, "target_mcse": "15%", "max_replications": 3000},
        {"batch_sizes": [2, 4, 8], "estimators": "mean,max"},
    ),
    "a limit": (LAWS, {"time_limit": "1h", "replications": 600}),
    "a function": (LAWS, MINE),
    "another function of the name": (
        LAWS | MINE,
        {"estimators": ["mean", UserEstimator(highest, "mine")]},
    ),
    "a function that fails": (
        LAWS | {"estimators": [UserEstimator(shaky, "shaky"), "mean"]},
        {"estimators": [UserEstimator(shaky, "shaky"), "max"], "replications": 90},
    ),
    "another column": (ROWS, {"columns": "x1,x2"}),
    "another scheme of rows": (ROWS, {"sampling": "sequential,grouped:kind,shuffle"}),
    "more rounds of rows": (ROWS, {"replications": 90, "estimators": "mean,max"}),
    "a target of rows": (ROWS, {"replications": None, "target_mcse": "20%", "batch_sizes": [5]}),
    "another epsilon": (INPUTS, {"epsilon": "0.1,0.001"}),
    "other outputs": (INPUTS, {"gamma": "0.5", "beta": "1", "batch_sizes": [4, 8]}),
    "inputs of rows": (
        INPUTS | {"distributions": None, "full_size": None, "data": DATA, "columns": "x0"},
        {"columns": "x0,x1", "sampling": "replacement,shuffle"},
    ),
    "another preset": (RUNNING, {"presets": "pytorch(ddof=0),keras3"}),
    "another drift": (RUNNING, {"drift": "0.001,0"}),
    "running of rows": (
        RUNNING | {"distributions": None, "full_size": None, "data": DATA, "columns": "x0"},
        {"columns": "x1,x0", "batch_sizes": [4]},
    ),
    "more repeats": (SCALING, {"replications": 4}),
    "another scaler": (SCALING, {"scalers": "none,z_score"}),
    "more seeds": (SHIFT, {"replications": 2}),
}


def design_of(values):
    if values.get("study") == "shift":
        pytest.importorskip("torch")
    return Design.make(**values)


def made(folder):
    """Return the bytes of the tables in a folder."""
    return {name: (folder / name).read_bytes() for name in MADE if (folder / name).is_file()}


REMEMBERED: dict[str, dict[str, bytes]] = {}


def alone(values):
    """Return the tables of one uninterrupted run in a folder of its own."""
    columns = {name: np.asarray(part).tolist() for name, part in values.get("data", {}).items()}
    key = repr([sorted(values.items(), key=lambda item: item[0]), columns])
    if key not in REMEMBERED:
        with tempfile.TemporaryDirectory() as name:
            sn.run(design_of(values), out=Path(name) / "run", workers=1)
            REMEMBERED[key] = made(Path(name) / "run")
    return REMEMBERED[key]


def go_on(folder, values, **options):
    """Run in a folder, and compare with a run elsewhere; return the draws made here."""
    result = sn.run(design_of(values), out=folder, **{"workers": 2, **options})
    assert made(folder) == alone(values)
    return result.provenance["session_draws"]


# ------------------------------------------------------------------------------- one after another


@pytest.mark.parametrize("name", CHANGES)
def test_a_folder_ends_as_a_run_of_its_own(name, tmp_path):
    """A, B, A, B in one folder: the bytes of A and B each time, nothing drawn the second time."""
    first, change = CHANGES[name]
    second = {k: v for k, v in (first | change).items() if v is not None}
    assert go_on(tmp_path / "run", first) > 0
    go_on(tmp_path / "run", second)
    assert go_on(tmp_path / "run", first) == 0
    assert go_on(tmp_path / "run", second) == 0
    # And the other way round.
    go_on(tmp_path / "other", second)
    go_on(tmp_path / "other", first)


BLOCK = 16 * 8


@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ({}, 0),
        # The cut block is drawn again, and 9 more come, of two laws each.
        ({"replications": 300}, 2 * (19 - 9)),
        ({"replications": 147 + 16}, 2 * 2),
        ({"replications": 144}, 0),
        ({"replications": 135}, 2),
        ({"replications": 70, "distributions": "normal"}, 1),
        ({"estimators": "median"}, 0),
        ({"estimators": "median,mean,std(ddof=0)", "batch_sizes": [4]}, 0),
        ({"distributions": "exponential"}, 0),
        ({"distributions": "exponential,uniform"}, 10),
        ({"batch_sizes": [2, 4, 8]}, 2 * 10),
        ({"estimators": "mean,max"}, 2 * 10),
        ({"sampling": "iid"}, 2 * 10),
        ({"sampling": "shuffle,iid", "distributions": "normal"}, 10),
    ],
)
def test_what_is_missing_is_drawn_and_nothing_else(change, blocks, tmp_path, monkeypatch):
    """By hand: what of ten blocks, the last one cut, another design finds of two laws.

    Every block is a task of its own.
    """
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    assert go_on(tmp_path / "run", LAWS) == 2 * 10 * BLOCK
    assert go_on(tmp_path / "run", LAWS | change) == blocks * BLOCK


def test_what_is_hidden_in_a_larger_node_is_drawn_again(tmp_path, monkeypatch):
    """Of nodes of four blocks, 70 replications find the first; the two blocks behind it they lack.

    The fifth block, whole, is inside the second node; the sixth would be, and is cut.
    """
    monkeypatch.setattr(schedule, "task_level", lambda *_: 2)
    normal = LAWS | {"distributions": "normal"}
    assert go_on(tmp_path / "run", normal) == 10 * BLOCK
    assert go_on(tmp_path / "run", normal | {"replications": 96}) == 2 * BLOCK
    assert go_on(tmp_path / "run", normal | {"replications": 70}) == BLOCK
    assert go_on(tmp_path / "run", normal) == 0


def test_a_new_size_draws_the_same_observations_once_more(tmp_path):
    """Numbers of a size that is there stay what they are, bit for bit, in the database too."""
    go_on(tmp_path / "run", LAWS)
    before = rows_of(tmp_path / "run")
    go_on(tmp_path / "run", LAWS | {"batch_sizes": [2, 3, 4]})
    after = rows_of(tmp_path / "run")
    assert before < after
    labels = {
        tuple(json.loads(label)[2] for label in json.loads(text)) for _, text, *_ in after - before
    }
    assert labels == {(3,) * 6}


def rows_of(folder):
    database = sqlite3.connect(f"file:{folder / 'run.db'}?mode=ro&immutable=1", uri=True)
    try:
        return set(
            database.execute(
                "select stream, labels, level, position, replications, payload "
                "from nodes join groups on nodes.owner = groups.id"
            )
        )
    finally:
        database.close()


def test_nodes_of_all_levels_may_stand_beside_each_other(monkeypatch):
    """Blocks that are there twice, in a node and in a larger one, are taken once."""
    design = Design.make(**(LAWS | {"distributions": "normal", "replications": 16 * 16}))
    pool, rng = Memory(), np.random.default_rng(5)
    for level in (0, 1, 2, 3):
        monkeypatch.setattr(schedule, "task_level", lambda *_, level=level: level)
        engine.run(design, workers=1, on_node=pool.add)
    (key,) = pool.nodes
    every = pool.nodes[key]
    assert len(every) == 16 + 8 + 4 + 2
    expected = next(iter(engine.run(design, workers=1).values()))
    for _ in range(40):
        keep = rng.permutation(len(every))[: rng.integers(1, len(every) + 1)]
        pool.nodes = {key: {place: every[place] for i, place in enumerate(every) if i in keep}}
        there = {
            block
            for level, position, _ in pool.nodes[key]
            for block in range(position << level, (position + 1) << level)
        }
        new = Memory()
        monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
        found = next(iter(engine.run(design, workers=1, pool=pool, on_node=new.add).values()))
        assert found.tally.offset.tobytes() == expected.tally.offset.tobytes()
        assert found.tally.scatter.tobytes() == expected.tally.scatter.tobytes()
        assert found.kept.tobytes() == expected.kept.tobytes()
        assert {place.position for place in new.nodes.get(key, ())} == {*range(16)} - there


def test_tables_of_an_old_function_do_not_stand_beside_a_new_one(tmp_path, monkeypatch):
    """A design names a function, no more: if a run of a new one breaks off, the old tables go."""
    folder = tmp_path / "run"
    go_on(folder, LAWS | MINE)

    def broken(*_):
        raise PowerIsGoneError

    changed = LAWS | {"estimators": [UserEstimator(highest, "mine"), "mean"]}
    with monkeypatch.context() as patched:
        patched.setattr(keeping.Store, "add", broken)
        with pytest.raises(PowerIsGoneError):
            sn.run(design_of(changed), out=folder)
    assert {path.name for path in folder.iterdir()} == {"design.toml", "run.db", "run.lock"}
    assert (folder / "design.toml").read_text(encoding="utf-8") == design_of(LAWS | MINE).to_toml()
    go_on(folder, changed)


# ------------------------------------------------------------------------------------ cut short

CUT = {
    "laws": LAWS,
    "rows": ROWS | MANY,
    "target": LAWS | {"replications": None, "target_mcse": "15%", "max_replications": 2000},
    "limit": LAWS | {"time_limit": "1h", "replications": 600},
    "inputs": INPUTS | MANY,
    "running": RUNNING | MANY,
    "scaling": SCALING | {"replications": 8},
    "functions": LAWS | {"estimators": [UserEstimator(shaky, "shaky"), "mean"]},
}
CUT = {name: {k: v for k, v in of.items() if v is not None} for name, of in CUT.items()}


def session(folder, values, asks, **options):
    """Run until `stop` has been asked so often; return the result, None if it was interrupted."""
    count = itertools.count()
    try:
        return sn.run(
            design_of(values), out=folder, workers=1, stop=lambda: next(count) >= asks, **options
        )
    except Interrupted:
        return None


@pytest.mark.parametrize("asks", [1, 2, 5])
@pytest.mark.parametrize("name", CUT)
def test_stopped_again_and_again_a_run_ends_the_same(name, asks, tmp_path, monkeypatch):
    """Every session draws a little; the last one's tables are those of one run, drawn once."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    folder, drawn, sessions = tmp_path / "run", 0, 0
    result = None
    while result is None:
        before = done(folder)
        # Not even the most impatient one goes nowhere.
        result = session(folder, CUT[name], asks + (asks == 1 and sessions > 0))
        sessions += 1
        assert sessions < 500
        if result is None:
            assert not (folder / "provenance.json").exists()
            assert sessions == 1 or done(folder) > before
    drawn = done(folder)
    assert sessions > 1
    assert result.provenance["sessions"] == sessions
    assert made(folder) == alone(CUT[name])
    with tempfile.TemporaryDirectory() as other:
        whole = sn.run(design_of(CUT[name]), out=Path(other) / "run", workers=1)
        assert drawn == whole.provenance["session_draws"]


def done(folder):
    """Return the observations that all sessions have drawn."""
    if not (folder / "run.db").exists():
        return 0
    database = sqlite3.connect(f"file:{folder / 'run.db'}?mode=ro&immutable=1", uri=True)
    try:
        return database.execute("select sum(draws) from sessions").fetchone()[0]
    finally:
        database.close()


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("name", ["laws", "rows", "target", "inputs"])
def test_an_error_at_any_node_loses_nothing(name, is_kept, tmp_path, monkeypatch):
    """Before a node is kept or after it, at every n-th of them: the end is the same."""
    undisturbed = alone(CUT[name])
    monkeypatch.setattr(schedule, "task_level", lambda *_: 1)
    true, left = keeping.Store.add, [0]

    def add(self, job, node):
        if left[0] == 0 and not is_kept:
            raise PowerIsGoneError
        true(self, job, node)
        if left[0] == 0:
            raise PowerIsGoneError
        left[0] -= 1

    folder, before = tmp_path / "run", 0
    monkeypatch.setattr(keeping.Store, "add", add)
    for count in itertools.count(0):
        left[0] = count % 3 + (not is_kept)
        try:
            sn.run(design_of(CUT[name]), out=folder, workers=2)
        except PowerIsGoneError:
            assert len(rows_of(folder)) == before + count % 3 + 1
            before = len(rows_of(folder))
        else:
            break
    assert count > 0
    assert made(folder) == undisturbed


# -------------------------------------------------------------------------------- the time limit


def timed(design, ticks, pool):
    """Run with a clock that has been read so often when time is over; return maker and pool."""
    read = itertools.count()
    maker, found = settling.Maker(design), Memory()
    found.nodes = {key: dict(nodes) for key, nodes in pool.nodes.items()}
    engine.run(
        design, workers=1, pool=pool, on_node=found.add, on_source=maker.add, on_look=maker.look,
        clock=lambda: 0.0 if next(read) <= ticks else 1e9,
    )  # fmt: skip
    return maker, found


@pytest.mark.parametrize("ticks", [0, 1, 3, 8, 20, 60])
@pytest.mark.parametrize(
    ("blocks", "levels"), [(1, (0, 0)), (40, (0, 0)), (40, (2, 0)), (9, (1, 2))]
)
def test_strands_end_at_one_block_when_time_is_over(ticks, blocks, levels, monkeypatch):
    """Sizes that are there and a size that is not: all rows of a law are of as many replications.

    They are those of a run of so many, and the nodes alone make the same table again, whatever the
    levels of the nodes that are there and of those that come.
    """
    monkeypatch.setattr(schedule, "task_level", lambda *_: levels[0])
    base = {k: v for k, v in LAWS.items() if k not in ("replications", "batch_sizes")}
    pool = Memory()
    first = Design.make(batch_sizes=[2], replications=16 * blocks, **base)
    engine.run(first, workers=1, on_node=pool.add)
    monkeypatch.setattr(schedule, "task_level", lambda *_: levels[1])
    design = Design.make(batch_sizes=[2, 4], replications=960, time_limit="1h", **base)
    maker, found = timed(design, ticks, pool)
    frame = maker.tables()[0]
    counts = frame.groupby("distribution", observed=True)["replications"].unique()
    assert set(counts.map(len)) == {1}
    assert len(counts) == 2
    for law, (count,) in counts.items():
        assert count >= 16
        plain = sn.sweep(
            law, replications=int(count), batch_sizes=[2, 4],
            **{k: v for k, v in base.items() if k != "distributions"},
        ).frame  # fmt: skip
        rows = frame[frame["distribution"] == law].reset_index(drop=True)
        assert rows.drop(columns="stop_reason").equals(plain.drop(columns="stop_reason"))
    again = settling.Maker.of_pool(design, found)
    for one, other in zip(maker.tables(), again.tables(), strict=True):
        assert one.equals(other)


# ------------------------------------------------------------------------------------- refusals


def refusal(folder, values):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SimnormError) as caught:
        sn.run(design_of(values), out=folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("first", "change", "said"),
    [
        (LAWS, {"seed": 7}, f"seed {2**100} there, 7 here"),
        (LAWS, {"full_size": 16}, "full_size 8 there, 16 here"),
        (LAWS, {"seed": 7, "full_size": 9}, f"full_size 8 there, 9 here; seed {2**100} there, 7"),
        (
            INPUTS | {"full_size": 32},
            {"study": "running", "epsilon": None},
            "study inputs there, running here",
        ),
        (RUNNING, {"steps": 21}, "steps 20 there, 21 here"),
        (SCALING, {"folds": 3}, "folds 2 there, 3 here"),
        (
            LAWS | {"full_size": 24},
            {"data": DATA, "distributions": None, "full_size": None},
            "distributions there, data here",
        ),
        (
            ROWS | {"sampling": "shuffle"},
            {"data": None, "columns": None, "distributions": "normal", "full_size": 24},
            "data there, distributions here",
        ),
        (ROWS, {"data": "changed"}, "the numbers of column x1 have changed"),
        (
            ROWS | {"sampling": "grouped:kind"},
            {"data": "regrouped"},
            "the numbers of groups of kind have changed",
        ),
    ],
)
def test_other_numbers_are_refused_by_field(first, change, said, tmp_path):
    """What every number follows from cannot change in a folder; both values are named."""
    columns = columns_of()
    if change.get("data") == "changed":
        change = {"data": columns | {"x1": columns["x1"] + 1.0}}
    if change.get("data") == "regrouped":
        change = {"data": columns | {"kind": sorted(columns["kind"])}}
    sn.run(design_of(first), out=tmp_path)
    values = {k: v for k, v in (first | change).items() if v is not None}
    assert said in refusal(tmp_path, values)


def test_every_field_of_the_identity_is_named():
    """A run whose identity differs in one field, whichever it is, is refused by that field."""
    design = design_of(LAWS)
    identity = json.loads(store.identity_of(design))
    assert set(identity) == {"store", "engine", *store.IDENTITY}
    for field in ("engine", *store.IDENTITY):
        other = identity | {field: "other"}
        contents = keeping.database.NOTHING._replace(identity=json.dumps(other))
        (said,) = store.differences_of(contents, design)
        assert said.startswith("engine version other" if field == "engine" else f"{field} other")
    contents = keeping.database.NOTHING._replace(identity=json.dumps(identity))
    assert store.differences_of(contents, design) == []


def test_a_column_that_is_not_asked_for_may_change(tmp_path):
    """Only columns that the folder has numbers of are compared; a new one may come."""
    go_on(tmp_path / "run", ROWS)
    columns = columns_of()
    columns["x2"] = columns["x2"] * 2.0
    other = ROWS | {"data": columns, "columns": "x1,x2"}
    assert go_on(tmp_path / "run", other) > 0


def test_a_run_that_time_had_ended_goes_on_and_is_unfinished_meanwhile(tmp_path, monkeypatch):
    """Tables of fewer numbers than are stored are gone with the first that is added.

    Then the folder is an unfinished run like any other, until it has tables of all that is there.
    """
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    folder, values = tmp_path / "run", LAWS | {"replications": 100_000, "time_limit": 1}
    first = sn.run(design_of(values), out=folder, workers=1).frame["replications"].max()
    interrupted(folder, values, 3, monkeypatch)
    assert made(folder) == {}
    assert sn.load(folder).frame["replications"].max() >= first
    with pytest.raises(SimnormError, match="it is not finished"):
        sn.check(folder)
    again = sn.run(design_of(values), out=folder, workers=1)
    assert again.frame["replications"].max() > first
    assert made(folder)
    assert sn.check(folder).passed


# ------------------------------------------------------------------------------------ lost tasks


def test_a_task_that_was_given_up_is_tried_again(tmp_path, monkeypatch):
    """Its replications are void in every cell, the reason is told; the same command mends it."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 1)
    true, notes = engine.computed, []

    def losing(*args, **options):
        for job, node in true(*args, **options):
            is_lost = job.number == 1 and job.task.position == 2
            yield job, Lost("3 workers have ended") if is_lost else node

    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(engine, "computed", losing)
        result = sn.run(design_of(LAWS), out=folder, workers=2, on_note=notes.append)
    (words,) = result.provenance["tasks_given_up"]
    assert notes == [words]
    assert "exponential, shuffle, blocks 4 to 5: 3 workers have ended" in words
    rows = result.frame[result.frame["distribution"] == "exponential"]
    drawn = rows[rows["status"] == "failed"]
    assert set(rows["status"]) <= {"failed", "exact"}
    assert len(drawn) > 0.8 * len(rows)
    assert set(drawn["failed"]) == {32}
    assert set(drawn["replications"]) == {147 - 32}
    assert drawn["reason"].str.contains("3 workers have ended").all()
    fine = result.frame[result.frame["distribution"] == "normal"]
    assert set(fine["failed"]) == {0}
    assert len(rows_of(folder)) == 2 * 5 - 1
    assert sn.load(folder).frame.equals(result.frame)
    assert go_on(folder, LAWS) == 2 * BLOCK
    assert "tasks_given_up" not in sn.load(folder).provenance


def losing(lost, level, monkeypatch):
    """Give up the tasks at some positions."""
    true = engine.computed
    monkeypatch.setattr(schedule, "task_level", lambda *_: level)

    def computed(*args, **options):
        for job, node in true(*args, **options):
            yield job, Lost("3 workers have ended") if job.task.position in lost else node

    monkeypatch.setattr(engine, "computed", computed)


STUDIES_LOST = {
    "inputs": (INPUTS | MANY, 16),
    "running": (RUNNING | MANY, 16),
    "scaling": (SCALING, 1),
    "shift": (SHIFT | {"replications": 3}, 1),
}


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("study", STUDIES_LOST)
def test_every_study_tells_of_lost_replications(study, lost, tmp_path, monkeypatch):
    """Rows say failed and are of the others alone; curves go on; the same command mends it.

    The first task has the replications that are kept: then the others have to do.
    """
    values, block = STUDIES_LOST[study]
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        losing({lost}, 0, patched)
        result = sn.run(design_of(values), out=folder, workers=2)
    assert len(result.provenance["tasks_given_up"]) == len(sources(design_of(values)))
    frame, whole = result.frame, values["replications"]
    asked = frame[~frame["status"].isin(["exact", "undefined"])]
    assert len(asked) > 0.5 * len(frame)
    assert set(asked["status"]) == {"failed"}
    assert asked["reason"].str.contains("3 workers have ended").all()
    # Nets may have diverged beside.
    assert asked["failed"].min() == block
    assert study == "shift" or asked["failed"].max() == block
    assert (asked["replications"] + asked["failed"] == whole).all()
    assert np.isfinite(asked.loc[asked["measure"] == "bias", "estimate"]).all()
    curves = result.curves
    assert np.isfinite(curves["y"]).mean() > 0.5
    assert len(curves)
    monkeypatch.undo()
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)
    monkeypatch.setattr(schedule, "TASKS_PER_WORKER", 2)
    go_on(folder, values)


@pytest.mark.parametrize("study", ["inputs", "running"])
def test_without_lost_replications_rows_are_of_the_others(study, monkeypatch):
    """With the last block lost, moments are those of a run that ends before it."""
    values, block = STUDIES_LOST[study]
    values = values | {"replications": 4 * block}
    fewer = sn.run(design_of(values | {"replications": 3 * block}), workers=1).frame
    losing({3}, 0, monkeypatch)
    frame = sn.run(design_of(values), workers=1).frame
    key = ["estimator", "batch_size", "reference", "measure", "factors"]
    key = [name for name in key if name in frame]
    one, other = (part.set_index(key)["estimate"] for part in (frame, fewer))
    assert one.index.equals(other.index)
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert set(frame["replications"]) == {3 * block}


def test_a_function_that_changes_while_it_is_called_is_noted(tmp_path):
    """What it has noted of its calls is a part of it, so that nobody can tell it from a new one."""
    seen, notes = [], []

    def noting(sample, axis=-1):
        seen.append(sample.shape)
        return sample.max(axis)

    design = Design.make(**LAWS | {"estimators": ["mean", noting]})
    sn.run(design, out=tmp_path / "run", workers=1, on_note=notes.append)
    assert len(notes) == 1
    assert notes[0].startswith("user.noting has changed while it was called")
    again = sn.run(design, out=tmp_path / "run", workers=1)
    assert again.provenance["session_draws"] > 0


def test_a_function_with_something_hidden_is_noted(tmp_path):
    """What cannot be seen into is told of once: another process draws its numbers anew."""
    hidden = (number for number in range(3))

    def odd(sample, axis=-1):
        return sample.max(axis) + 0 * (hidden is None)

    notes = []
    design = Design.make(**LAWS | {"estimators": ["mean", odd]})
    sn.run(design, out=tmp_path / "run", on_note=notes.append)
    assert len(notes) == 1
    assert notes[0].startswith("user.odd uses what cannot be seen into (generator): another")
    again = sn.run(design, out=tmp_path / "run")
    assert again.provenance["session_draws"] == 0


# --------------------------------------------------------------------------------- unfinished runs


def interrupted(folder, values, nodes, monkeypatch):
    """Leave a run after so many of its nodes."""
    return cut_short.interrupted(folder, design_of(values), nodes, monkeypatch)


@pytest.mark.parametrize("nodes", [1, 4, 10, 11, 19])
def test_tables_of_an_unfinished_run_are_those_of_its_first_blocks(nodes, tmp_path, monkeypatch):
    """The rows are those of a run of as many replications; laws not begun are left out."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    folder = tmp_path / "run"
    interrupted(folder, LAWS, nodes, monkeypatch)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = sn.load(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    done_ = {"normal": min(147, 16 * nodes), "exponential": min(147, 16 * max(0, nodes - 10))}
    begun = [law for law in done_ if done_[law]]
    assert list(result.design.distributions) == begun
    for law in begun:
        rows = result.frame[result.frame["distribution"] == law].reset_index(drop=True)
        plain = LAWS | {"distributions": law, "replications": done_[law]}
        whole = sn.run(design_of(plain)).frame
        assert rows.drop(columns="stop_reason").equals(whole.drop(columns="stop_reason"))
        word = "replications" if done_[law] == 147 else "interrupted"
        assert set(rows["stop_reason"]) == {word}
    left_out = [law for law in done_ if not done_[law]]
    assert result.provenance.get("not_begun", []) == left_out
    assert result.is_partial
    notice = stopped.notice(result.design, result.frame, left_out)
    assert notice.startswith("This run is partial: it was interrupted")
    assert ("exponential was not begun" in notice) == bool(left_out)
    if done_[begun[-1]] < 147:
        assert f"after {done_[begun[-1]]} of the 147 replications asked for" in notice
    assert stopped.next_step(result.design, result.frame, left_out) == "The same command goes on."
    assert "partial: it was interrupted" in result._repr_html_()
    # The rest is drawn as if nobody had looked.
    assert go_on(folder, LAWS) == (20 - nodes) * BLOCK
    again = sn.load(folder)
    assert not again.is_partial
    assert stopped.notice(again.design, again.frame, stopped.not_begun(again.provenance)) == ""


def test_an_unfinished_run_on_data_leaves_out_schemes(tmp_path, monkeypatch):
    """All columns are drawn together: a scheme has all of them or none."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    interrupted(tmp_path / "run", ROWS, 2, monkeypatch)
    result = sn.load(tmp_path / "run", data=DATA)
    assert result.design.sampling == ("shuffle",)
    assert set(result.frame["replications"]) == {32}
    assert result.provenance["not_begun"] == ["replacement"]
    assert result.columns["column"].tolist() == ["x0", "x1"]
    notice = stopped.notice(result.design, result.frame, stopped.not_begun(result.provenance))
    assert notice == (
        "This run is partial: it was interrupted after 32 of the 50 replications asked for; "
        "replacement was not begun."
    )


def test_an_unfinished_run_with_a_target_says_which_cells_wait(tmp_path, monkeypatch):
    """Cells that have reached it say so; the others were interrupted, and are told of."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    values = {k: v for k, v in CUT["target"].items() if k != "estimators"}
    interrupted(tmp_path / "run", values, 10, monkeypatch)
    result = sn.load(tmp_path / "run")
    assert set(result.frame["stop_reason"]) >= {"interrupted"}
    short = result.missed()
    assert len(short)
    assert set(short["stop_reason"]) == {"interrupted"}
    notice = stopped.notice(result.design, result.frame, stopped.not_begun(result.provenance))
    assert notice.startswith(f"This run is partial: it was interrupted, and {len(short)} of")
    assert notice.endswith("; exponential was not begun.")
    assert "before the run was interrupted" in stopped.drawn_words(result.design, result.frame)


def test_before_there_is_a_block_there_is_nothing_to_show(tmp_path):
    """The folder is a run's, and the message says how it goes on."""
    with pytest.raises(Interrupted, match="is drawn and kept in") as caught:
        sn.run(design_of(LAWS), out=tmp_path / "run", stop=lambda: True)
    assert caught.value.folder == str(tmp_path / "run")
    with pytest.raises(SimnormError, match="Go on: simnorm run"):
        sn.load(tmp_path / "run")
    assert go_on(tmp_path / "run", LAWS) == 20 * BLOCK


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c", "d"], [*"abcdef"]])
def test_what_was_not_begun_is_told_by_name(names):
    """Up to four names, then how many more."""
    frame = sn.sweep("normal", batch_sizes=[2], full_size=4, replications=2)
    said = stopped.notice(frame.design, frame.frame, names)
    words = {
        1: "a was", 2: "a and b were", 4: "a, b, c and d were", 6: "a, b, c, d and 2 more were"
    }  # fmt: skip
    assert said == f"This run is partial: it was interrupted; {words[len(names)]} not begun."


def test_a_report_is_made_of_an_unfinished_run(tmp_path, monkeypatch):
    """Page one says that it is partial, and what is left out; nothing in the folder changes."""
    monkeypatch.setattr(schedule, "task_level", lambda *_: 0)
    interrupted(tmp_path / "run", LAWS, 4, monkeypatch)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    text = sn.load(tmp_path / "run").report(tmp_path / "report.md").read_text(encoding="utf-8")
    head = text[: text.index("## ")]
    assert "it was interrupted after 64 of the 147 replications asked for" in head
    assert "exponential was not begun" in head
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


# --------------------------------------------------------------------------------- a random walk

WORDS = ["mean", "biased_variance", "std(ddof=1)", "median", "max", "quantile(q=0.9)"]


def some(values, most):
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


PLACES = st.fixed_dictionaries(
    {
        "distributions": some(["normal", "exponential", "t(df=5)"], 2),
        "estimators": some(WORDS, 3),
        "batch_sizes": some([1, 2, 3, 8], 3).map(sorted),
        "sampling": some(["shuffle", "replacement", "iid"], 2),
        "precision": st.one_of(
            st.builds(dict, replications=st.integers(1, 150)),
            st.builds(
                dict,
                target_mcse=st.sampled_from(["9%", "15%", "0.05"]),
                max_replications=st.integers(20, 600),
            ),
        ),
        # How often the run may ask whether it is to stop.
        "asks": st.one_of(st.just(10**6), st.integers(1, 12)),
        "level": st.integers(0, 3),
        "workers": st.integers(1, 3),
    }
)


@pytest.mark.usefixtures("small_blocks")
@given(st.lists(PLACES, min_size=2, max_size=5))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_a_random_walk_of_designs_in_one_folder(steps):
    """Whatever was run there and how it ended: what is run last ends as on its own."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        patched.setattr(schedule, "task_level", lambda *_: level)
        for at, step in enumerate(steps):
            values = {k: v for k, v in step.items() if k not in ("asks", "level", "workers")}
            values |= values.pop("precision") | {"full_size": 8, "seed": 3}
            level, is_last = step["level"], at == len(steps) - 1
            if not is_last and session(Path(name) / "run", values, step["asks"]) is None:
                continue
            go_on(Path(name) / "run", values, workers=step["workers"])
            assert go_on(Path(name) / "run", values, workers=1) == 0
