"""Functions of the user: names, probes, void replications, and what is told about them."""

# ruff: noqa: ARG005  # functions that ignore their axis are what is tested

from __future__ import annotations

import functools
import math
import re

import numpy as np
import pytest

import simnorm as sn
from simnorm import calls, diagnostics, engine, schedule, streams
from simnorm.design import Design
from simnorm.distributions import distribution
from simnorm.errors import SimnormError
from simnorm.estimators import UserEstimator, estimator
from simnorm.estimators.user import word_of
from simnorm.studies import drawing, sweep
from simnorm.tables import ALL_MEASURES
from simnorm.tally import MEASURES, Tally, measure

LIMIT = 0.02


def midrange(x, axis=-1):
    return (x.min(axis) + x.max(axis)) / 2


def picky(x, axis=-1):
    """Raises where any observation is below a limit."""
    if (x < LIMIT).any():
        raise ValueError(f"an observation\nbelow {LIMIT}")
    return x.mean(axis)


def holey(x, axis=-1):
    """Has no value where any observation is below a limit; says NaN, or infinity for the lowest."""
    low = x.min(axis)
    return np.where(low < LIMIT, np.where(low < LIMIT / 2, np.inf, np.nan), x.mean(axis))


GRID = {"batch_sizes": [2, 5, 16], "full_size": 16, "replications": 300}


def lowest_of(replications, spec="exponential", seed=0, full_size=16):
    """The smallest observation of every full set, drawn here in the engine's blocks."""
    found = []
    lanes = streams.lanes_of(full_size)
    law = distribution(spec)
    for block in range(-(-replications // lanes)):
        rng = streams.block_stream(seed, spec, full_size, "shuffle", block)
        for_block = []
        for first in range(0, full_size, streams.slab_rows(full_size)):
            rows = min(streams.slab_rows(full_size), full_size - first)
            slab = np.empty((rows, lanes))
            law.fill(rng, slab)
            for_block.append(slab)
        found.append(np.concatenate(for_block))
    return np.concatenate(found, axis=1)[:, :replications]


def rows_of(result, spec, **where):
    frame = result.frame[result.frame["estimator"] == spec]
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame


# ---------------------------------------------------------------------------------------------
# A function that is one of ours


@pytest.mark.parametrize(
    ("ours", "theirs", "is_location"),
    [("mean", np.mean, True), ("median", np.median, True), ("range", np.ptp, False)],
)
def test_a_function_gives_what_the_estimator_gives(ours, theirs, is_location):
    """numpy's mean, median and ptp come out as ours: estimates, error bars, k-hats, curves."""
    given = UserEstimator(
        theirs, population=lambda law: estimator(ours).population(law), is_location=is_location
    )
    result = sn.sweep(["normal", "uniform"], estimators=[ours, given], **GRID)
    rows = [rows_of(result, spec) for spec in (ours, str(given))]
    a, b = (part[part["measure"].isin(ALL_MEASURES)].reset_index(drop=True) for part in rows)
    # The reader of functions does not take the data about the law's centre: rounding differs. An
    # exact zero of the mean's bias is known for the mean, and a rounding for a function.
    known = (a["status"] != "exact") | (a["batch_size"] == 16)
    assert known.sum() >= len(a) * 3 / 4
    for name in ("estimate", "mcse", "ci_low", "ci_high", "khat"):
        np.testing.assert_allclose(a[name][known], b[name][known], rtol=1e-9, atol=1e-13)
    # Nor does the ledger know of a function's tails, as it does of a range's.
    known &= ~a["reason"].str.contains("with these tails|errors are skewed")
    assert (a["status"][known] == b["status"][known]).all()
    assert (b["failed"] == 0).all()
    # No theory but that a batch which is the full set has no error.
    assert b["theory"].dropna().unique().tolist() == [0.0]
    assert (b["theory"].isna() | (b["batch_size"] == 16)).all()
    assert b["z"].isna().all()


def test_the_probe_and_the_run_hand_over_what_is_promised():
    """Read-only float64 arrays of shape (..., n), the last axis first in memory, axis=-1."""
    seen = set()

    def spy(x, axis=-1):
        assert axis == -1
        assert not x.flags.writeable
        assert x.flags.c_contiguous
        assert x.dtype == np.float64
        seen.add((x.ndim, x.shape[-1]))
        return x.mean(axis)

    sn.sweep("normal", estimators=spy, **GRID)
    assert seen == {(3, 2), (3, 5), (3, 16), (2, 16)}


def test_observations_are_those_that_were_drawn():
    """A function sees the observations to the last bit, not about some centre."""
    seen = []

    def spy(x, axis=-1):
        seen.append(np.array(x))
        return x.mean(axis)

    sn.sweep("normal(loc=1000)", estimators=spy, batch_sizes=[16], full_size=16, replications=8)
    drawn = lowest_of(8, "normal(loc=1000)")
    whole = next(x for x in seen if x.ndim == 2)
    assert (whole[:8] == drawn.T).all()


# ---------------------------------------------------------------------------------------------
# Void replications


@pytest.mark.parametrize("function", [picky, holey])
def test_a_failure_voids_its_replication_and_nothing_else(function):
    """What is left is the run of the replications that have no failure, by every column."""
    result = sn.sweep("exponential", estimators=["median", function], **GRID)
    data = lowest_of(300)
    means = UserEstimator(np.mean, population=1.0)
    clean = sn.sweep("exponential", estimators=["median", means], **GRID)
    assert rows_of(result, "median").equals(
        rows_of(clean, "median").set_index(rows_of(result, "median").index)
    )
    spec = f"user.{function.__name__}"
    for size, k in ((2, 8), (5, 3), (16, 1)):
        # Against the full set it counts too that the function fails there.
        bad = (data < LIMIT).any(axis=0)
        assert 30 < bad.sum() < 150
        rows = rows_of(result, spec, batch_size=size, reference="full_set").set_index("measure")
        assert (rows["failed"] == bad.sum()).all()
        assert (rows["replications"] == 300 - bad.sum()).all()
        errors = data[: size * k].reshape(k, size, -1).mean(axis=1) - data.mean(axis=0)
        left = errors[:, ~bad]
        expected = Tally.of([left.mean(axis=0)], [(left * left).mean(axis=0)])
        for name in MEASURES:
            found, row = measure(expected, name), rows.loc[name]
            assert row["status"] == "failed"
            for column, value in zip(("estimate", "mcse", "ci_low"), found, strict=False):
                assert row[column] == pytest.approx(float(value[0]), rel=1e-9, abs=1e-14)
            assert np.isnan(row["z"])


def test_a_failure_on_the_full_set_leaves_the_population_errors():
    """A function that fails for the full set alone has its errors against the population."""

    def no_sixteen(x, axis=-1):
        if x.shape[-1] == 16:
            raise OverflowError("too long")
        return x.mean(axis)

    given = UserEstimator(no_sixteen, population=1.0)
    result = sn.sweep("exponential", estimators=given, **GRID)
    against_full = rows_of(result, "user.no_sixteen", reference="full_set")
    assert set(against_full["status"]) == {"failed"}
    assert against_full["estimate"].isna().all()
    assert (against_full["failed"] == 300).all()
    reason = "300 of 300 replications failed; replication 0: OverflowError: too long"
    assert set(against_full["reason"]) == {reason}
    others = rows_of(result, "user.no_sixteen", reference="population")
    assert set(others["status"][others["batch_size"] < 16]) == {"ok"}
    assert set(others["status"][others["batch_size"] == 16]) == {"failed"}


def test_the_reason_names_count_error_and_the_first_replication():
    """One line: how many, which came first, what it raised or returned."""
    result = sn.sweep("exponential", estimators=[picky, holey], **GRID)
    bad = np.flatnonzero((lowest_of(300) < LIMIT).any(axis=0))
    found = set(rows_of(result, "user.picky", reference="full_set", measure="mse")["reason"])
    assert found == {
        f"{len(bad)} of 300 replications failed; replication {bad[0]}: "
        f"ValueError: an observation below {LIMIT}"
    }
    (said,) = set(rows_of(result, "user.holey", batch_size=16, measure="mse")["reason"]) - {
        "no population value of user.holey was given"
    }
    assert re.fullmatch(rf"{len(bad)} of 300 .*replication {bad[0]}: it returned (nan|inf)", said)


def test_the_reason_tells_of_the_replication_that_it_names():
    """Every failure has words of its own: those in the reason are of the replication in it."""

    def telling(x, axis=-1):
        low = x.min()
        if x.shape[-1] == 16:
            raise ValueError("the full set")
        if low < LIMIT:
            raise ValueError(f"lowest is {low:.17g}")
        return x.mean(axis)

    given = UserEstimator(telling, population=1.0)
    result = sn.sweep("exponential", estimators=given, **GRID)
    data = lowest_of(300)[:15]
    first = int(np.flatnonzero((data < LIMIT).any(axis=0))[0])
    where = {"batch_size": 5, "measure": "rmse"}
    (reason,) = rows_of(result, "user.telling", reference="population", **where)["reason"]
    assert reason.endswith(
        f"replication {first}: ValueError: lowest is {data[:, first].min():.17g}"
    )
    (reason,) = rows_of(result, "user.telling", reference="full_set", **where)["reason"]
    assert "replication 0: ValueError: the full set" in reason


def test_curves_count_the_replications_that_are_left():
    """Convergence curves stand at the numbers of replications used, and end at the table."""
    result = sn.sweep("exponential", estimators=picky, **GRID)
    bad = (lowest_of(300) < LIMIT).any(axis=0)
    running = result.curves[result.curves["kind"] == "convergence"]
    for size in (2, 5):
        curve = running[running["batch_size"] == size]
        drawn = [16, 32, 64, 128, 256, 300]
        assert curve["x"].tolist() == [count - bad[:count].sum() for count in drawn]
        row = rows_of(result, "user.picky", batch_size=size, measure="rmse").iloc[0]
        assert curve["y"].iloc[-1] == pytest.approx(row["estimate"], rel=1e-12)
        assert curve["mcse"].iloc[-1] == pytest.approx(row["mcse"], rel=1e-12)


def test_the_input_cannot_be_changed():
    """A function that changes its input in place fails, and the reason says why."""

    def standardize(x, axis=-1):
        x -= 1.0
        return x.mean(axis)

    rows = sn.sweep("normal", estimators=[standardize, "mean"], **GRID).frame
    said = rows[(rows["estimator"] == "user.standardize") & (rows["measure"] == "bias")]
    assert said["reason"].str.contains("read-only").sum() == 3
    assert (rows[rows["estimator"] == "mean"]["failed"] == 0).all()


def test_where_equal_batches_are_likely_skewness_is_undefined():
    """Where an atom is too large the row is undefined, and nothing counts as failed."""
    design = Design.make("rectified_normal", estimators="skewness", **GRID)
    assert sweep.may_fail(design, drawing.sources(design)[0]).all()
    frame = sn.run(design).frame
    assert set(frame["status"]) == {"undefined"}
    assert (frame["failed"] == 0).all()
    assert (frame["replications"] == 300).all()


def test_a_batch_of_equal_values_voids_its_replication(monkeypatch):
    """Let through by the ledger, batches of nothing but zeros are counted as failed."""
    monkeypatch.setattr(diagnostics, "LARGEST_EQUAL_SHARE", 1.0)
    frame = sn.sweep("rectified_normal", estimators="skewness", **GRID).frame
    data = lowest_of(300, "rectified_normal")
    equal = (data[:15].reshape(3, 5, -1) == 0.0).all(axis=1).any(axis=0)
    rows = frame[(frame["batch_size"] == 5) & (frame["measure"] == "rmse")]
    assert 10 < equal.sum() < 60  # 300 (1 - (31/32)^3) = 27
    assert (rows["failed"] == equal.sum()).all()
    assert (rows["replications"] == 300 - equal.sum()).all()
    said = f"{equal.sum()} of 300 replications failed; replication {equal.argmax()}: "
    assert set(rows["reason"]) == {said + "a batch has no value"}


def test_a_few_failures_do_not_move_the_others_bits(monkeypatch):
    """The bits of a run with failures depend on neither workers nor the size of its tasks."""
    monkeypatch.setattr(streams, "BLOCK_DRAWS", 1)  # blocks of 16 replications
    design = Design.make("exponential", estimators=["std", picky], **GRID)
    seen = []
    for workers, level in ((1, 0), (2, 1), (3, 2), (2, 4)):
        monkeypatch.setattr(schedule, "task_level", lambda *_, level=level: level)
        (sums,) = engine.run(design, workers=workers).values()
        t = sums.tally
        parts = (t.pivot, t.offset, t.scatter, t.void, sums.kept)
        seen.append((*(part.tobytes() for part in parts), repr(sorted(sums.failures.items()))))
    assert len(set(seen)) == 1
    plain = Design.make("exponential", estimators=["std"], **GRID)
    (alone,) = engine.run(plain).values()
    cells = len(sweep.cells(plain))
    # Cells without failures have the bits they have where nobody fails.
    assert alone.tally.void is None
    for name in ("pivot", "offset", "scatter"):
        mine = getattr(sums.tally, name)[:, :cells]
        assert (mine == getattr(alone.tally, name)).all() or np.isnan(mine).any()


def test_chunks_of_lanes_do_not_matter(monkeypatch):
    """Handed over all at once or lane by lane, the same replications fail with the same words."""
    design = Design.make("exponential", estimators=[picky, holey], **GRID)
    source = drawing.sources(design)[0]
    said_at_once, said_one_by_one = {}, {}
    at_once = sweep.block_errors(design, source, 0, said=said_at_once)
    monkeypatch.setattr(calls, "CHUNK_DRAWS", 1)
    one_by_one = sweep.block_errors(design, source, 0, said=said_one_by_one)
    assert said_at_once == said_one_by_one
    for a, b in zip(at_once, one_by_one, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15, equal_nan=True)


# ---------------------------------------------------------------------------------------------
# Replay


def test_replay_raises_what_the_run_saw():
    """The replication that a reason names fails again with its own error; another does not."""
    result = sn.sweep(["normal", "exponential"], estimators=["mean", picky], **GRID)
    rows = rows_of(result, "user.picky", distribution="exponential", batch_size=5, measure="mse")
    number = int(re.search(r"replication (\d+)", rows["reason"].iloc[0])[1])
    with pytest.raises(ValueError, match="an observation"):
        result.replay("user.picky", 5, number, "exponential")
    data = lowest_of(300)
    good = np.flatnonzero((data >= LIMIT).all(axis=0))[0]
    got = result.replay(picky, batch_size=5, replication=good, distribution="exponential")
    assert got == pytest.approx(data[:15, good].reshape(3, 5).mean(axis=1), rel=1e-15)
    assert (result.replay("mean", 5, good, "exponential") == got).all()


def test_replay_of_a_loaded_run_needs_the_function(tmp_path):
    """A folder holds names; with the functions given to `load` the replay is the same."""
    result = sn.sweep("exponential", estimators=picky, out=tmp_path / "run", **GRID)
    good = int(np.flatnonzero((lowest_of(300) >= LIMIT).all(axis=0))[0])
    with pytest.raises(SimnormError, match="must be given from Python"):
        sn.load(tmp_path / "run").replay("user.picky", 2, good)
    again = sn.load(tmp_path / "run", functions=[picky])
    assert (again.replay("user.picky", 2, good) == result.replay(picky, 2, good)).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user.other", 2, 0), "the run holds"),
        (("mean", 3, 0), "the run holds 2, 5, 16"),
        (("mean", 2, 300), "from 0 to 299"),
        (("mean", 2, -1), "from 0 to 299"),
        (("mean", 2, 0, "t"), "the run holds"),
        (("mean", 2, 0), "distribution: got 'nothing'"),
    ],
)
def test_replay_refuses_what_the_run_does_not_hold(arguments, said):
    """An estimator, size, replication or distribution that is not there is named."""
    result = sn.sweep(["normal", "exponential"], estimators="mean", **GRID)
    with pytest.raises(SimnormError, match=said):
        result.replay(*arguments)


# ---------------------------------------------------------------------------------------------
# Probes and refusals


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x, axis=-1: None, "returned None"),
        (lambda x, axis=-1: x, r"returned shape \(2, 3, 2\) for samples of shape \(2, 3, n\)"),
        (lambda x, axis=-1: x.mean(), r"returned shape \(\)"),
        (lambda x, axis=-1: 1.0, r"returned shape \(\)"),
        (lambda x, axis=-1: x.mean(0), r"returned shape \(3, 2\)"),
        (lambda x, axis=-1: x.mean(axis) * 1j, "returned complex128"),
        (lambda x, axis=-1: x.mean(axis).astype(str), "returned <U"),
        (lambda x, axis=-1: "text", "returned <U4"),
        (lambda x, axis=-1: x.mean(axis).astype(object), "returned object"),
        (lambda x, axis=-1: [[1, 2], [3]], "returned a ragged list"),
        (lambda x, axis=-1: {}, "returned object"),
    ],
)
def test_a_wrong_result_is_refused_before_the_run(function, said, tmp_path):
    """Shape and type are looked at once, before anything is drawn or written, in one line."""
    with pytest.raises(SimnormError, match=said) as caught:
        sn.sweep("normal", estimators=function, out=tmp_path / "run", **GRID)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("estimators: got 'user.lambda'")
    assert "a real number for each sample is needed" in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "function", [lambda x: x.mean(-1), lambda: 0.0, lambda x, axes=-1: 0.0, print]
)
def test_a_function_without_an_axis_is_refused(function):
    """What cannot be called as function(sample, axis=-1) is refused with the reason."""
    with pytest.raises(SimnormError, match=r"function\(sample, axis=-1\)"):
        sn.sweep("normal", estimators=function, **GRID)


@pytest.mark.parametrize("function", [lambda x, axis=-1: x.min(axis) < 0, np.count_nonzero])
def test_whole_numbers_and_truth_values_are_numbers(function):
    """A function that counts is welcome."""
    result = sn.sweep("normal", estimators=function, **GRID)
    assert (result.frame["failed"] == 0).all()
    assert result.frame["estimate"].notna().any()


@pytest.mark.parametrize("what", [7, None, 1.5, float, {"f": midrange}])
def test_what_is_no_function_is_refused(what):
    """Numbers, types and mappings are no estimators."""
    with pytest.raises(SimnormError, match="estimators"):
        sn.sweep("normal", estimators=[what], **GRID)


@pytest.mark.parametrize("name", ["two words", "", "a.b", "a,b", "x" * 41, "größe"])
def test_a_name_is_a_word(name):
    """A given name of other letters, or too long for a column, is refused."""
    with pytest.raises(SimnormError, match="letters"):
        UserEstimator(midrange, name)


@pytest.mark.parametrize("population", ["3", True, [1.0]])
def test_a_population_value_is_a_number_or_a_function(population):
    """Text, truth values and lists are refused."""
    with pytest.raises(SimnormError, match="population"):
        UserEstimator(midrange, population=population)


def test_a_population_function_that_fails_is_named_before_the_run():
    """What a population function raises, or returns instead of a number, is told at once."""
    for population in (lambda law: law.nothing, lambda law: "many"):
        given = UserEstimator(midrange, population=population)
        with pytest.raises(SimnormError, match="population value must be a number"):
            sn.sweep("normal", estimators=given, **GRID)


# ---------------------------------------------------------------------------------------------
# Names, designs, files


class Callable:
    def __call__(self, x, axis=-1):
        return x.mean(axis)

    def method(self, x, axis=-1):
        return x.mean(axis)


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (midrange, "midrange"),
        (lambda x, axis=-1: x, "lambda"),
        (functools.partial(np.quantile, q=0.3), "quantile"),
        (Callable(), "Callable"),
        (Callable().method, "method"),
        (np.ptp, "ptp"),
    ],
)
def test_names_are_made_of_the_functions(function, word):
    """The canonical text is user. and the function's name as a word."""
    assert word_of(function) == word
    assert str(estimator(function)) == f"user.{word}"
    assert Design.make(estimators=function).estimators == (f"user.{word}",)


def test_two_functions_of_one_name_are_refused():
    """Two lambdas, or two functions called alike, need names; the same one twice is used once."""
    first, second = (lambda x, axis=-1: x.min(axis)), (lambda x, axis=-1: x.max(axis))
    with pytest.raises(SimnormError, match=r"two different functions.*name=\.\.\."):
        Design.make(estimators=[first, second])
    named = [UserEstimator(first, "low"), UserEstimator(second, "high")]
    assert Design.make(estimators=named).estimators == ("user.low", "user.high")
    notes = []
    assert Design.make(estimators=[first, first], notes=notes).functions == (estimator(first),)
    assert notes == ["estimators: user.lambda given more than once, used once"]
    thing = Callable()
    assert len(Design.make(estimators=[thing.method, thing.method]).functions) == 1


def test_designs_tell_functions_of_one_name_apart():
    """Equal names do not make equal designs, nor share what is remembered of a design."""
    low = Design.make("normal", estimators=UserEstimator(np.min, "end"), **GRID)
    high = Design.make("normal", estimators=UserEstimator(np.max, "end"), **GRID)
    assert low != high
    assert low == Design.make("normal", estimators=UserEstimator(np.min, "end"), **GRID)
    assert low.to_toml() == high.to_toml()
    size = {"measure": "bias", "batch_size": 2, "reference": "full_set"}
    of_low, of_high = (rows_of(sn.run(d), "user.end", **size)["estimate"] for d in (low, high))
    assert of_low.item() > 0 > of_high.item()
    located = UserEstimator(np.min, "end", is_location=True)
    assert Design.make("normal", estimators=located, **GRID) != low


def test_a_file_holds_the_name_and_python_gives_the_function(tmp_path):
    """design.toml runs again with functions=, by list, mapping or in the design; not without."""
    result = sn.sweep("normal", estimators=["mean", midrange], out=tmp_path / "run", **GRID)
    text = (tmp_path / "run" / "design.toml").read_text()
    assert '"user.midrange"' in text
    assert "function" not in text
    for functions in ([midrange], {"midrange": midrange}, midrange, [UserEstimator(midrange)]):
        again = sn.run(tmp_path / "run" / "design.toml", functions=functions)
        assert again.frame.equals(result.frame)
    read = Design.from_file(tmp_path / "run")
    assert sn.run(read, functions=[midrange]).frame.equals(result.frame)
    with pytest.raises(SimnormError, match="must be given from Python") as caught:
        sn.run(tmp_path / "run" / "design.toml")
    assert "functions=[...]" in str(caught.value)
    with pytest.raises(SimnormError, match="the design has no such estimator"):
        sn.run(tmp_path / "run" / "design.toml", functions=[midrange, picky])
    with pytest.raises(SimnormError, match="two different functions"):
        sn.run(sn.Design.make(estimators=midrange, **GRID), functions={"midrange": np.mean})


def test_a_run_with_failures_is_loaded_as_it_was(tmp_path):
    """Tables, figures and the report of a loaded run with failed rows are there."""
    result = sn.sweep("exponential", estimators=["std", picky], out=tmp_path / "run", **GRID)
    loaded = sn.load(tmp_path / "run")
    assert loaded.frame.equals(result.frame)
    assert loaded.curves.equals(result.curves)
    assert loaded.table("rmse").equals(result.table("rmse"))
    assert "failed" in set(loaded.frame["status"])
    assert loaded.plot("rmse", estimator="user.picky") is not None


def test_the_store_keeps_counts_and_words(tmp_path):
    """run.db holds, per task, the numbers of void replications and the first failures."""
    import contextlib
    import io
    import json
    import sqlite3

    result = sn.sweep("exponential", estimators=["std", picky], out=tmp_path / "run", **GRID)
    with contextlib.closing(sqlite3.connect(tmp_path / "run" / "run.db")) as database:
        payload, said = database.execute("select payload, failures from nodes").fetchone()
    buffer = io.BytesIO(payload)
    *_, void = (np.lib.format.read_array(buffer, allow_pickle=False) for _ in range(3))
    cells = sweep.cells(result.design)
    lost = rows_of(result, "user.picky", reference="full_set", measure="mse")["failed"]
    assert void[[c.reference == "full_set" and c.estimator.may_fail for c in cells]].tolist() == (
        lost.tolist()
    )
    first = np.flatnonzero((lowest_of(300) < LIMIT).any(axis=0))[0]
    # Cell, replication and words of the first failure of every cell that has one.
    failures = json.loads(said)
    assert len(failures) == 3
    assert {number for _, number, _ in failures} == {first}
    assert {str(cells[cell].estimator) for cell, _, _ in failures} == {"user.picky"}


# ---------------------------------------------------------------------------------------------
# Reference values


def test_without_a_population_value_there_is_no_error_against_it():
    """Population rows and relative rows are undefined and say why; a location needs no value."""
    located = UserEstimator(midrange, "located", is_location=True)
    number = UserEstimator(midrange, "number", population=0.5)
    result = sn.sweep("uniform", estimators=[midrange, located, number], **GRID)
    reason = "no population value of user.midrange was given"
    bare = rows_of(result, "user.midrange")
    relative = bare["measure"].str.startswith("relative_")
    undefined = relative | (bare["reference"] == "population")
    assert set(bare["reason"][undefined]) == {reason}
    assert set(bare["status"][undefined]) == {"undefined"}
    assert "undefined" not in set(bare["status"][~undefined])
    of_located = rows_of(result, "user.located", reference="full_set").set_index(
        ["batch_size", "measure"]
    )
    ratio = (
        of_located.loc[(2, "rmse"), "estimate"] / of_located.loc[(2, "relative_rmse"), "estimate"]
    )
    assert ratio == pytest.approx(math.sqrt(1 / 12), rel=1e-12)
    rows = rows_of(result, "user.number", reference="population")
    assert set(rows["status"]) == {"ok"}


def test_the_population_value_may_depend_on_the_law():
    """A function of the law is called for each law, once."""
    asked = []

    def centre(law):
        asked.append(str(law))
        return sum(law.support) / 2

    given = UserEstimator(midrange, "centred", population=centre, is_location=True)
    result = sn.sweep(["uniform", "uniform(loc=5)"], estimators=given, **GRID)
    assert asked == ["uniform", "uniform(loc=5)"]
    bias = rows_of(result, "user.centred", reference="population", measure="bias")
    # Symmetric laws: no bias. 6 rows within 4.5 standard errors: a false alarm in 25,000 runs.
    assert (bias["estimate"].abs() < 4.5 * bias["mcse"]).all()


def test_an_unknown_tail_leaves_the_last_word_to_the_k_hat():
    """The square of a Cauchy mean is anything: from 200 replications on the k-hat says so."""
    result = sn.sweep("cauchy", estimators=lambda x, axis=-1: x.mean(axis), **GRID)
    rows = rows_of(result, "user.lambda", reference="full_set", measure="rmse")
    assert set(rows["status"][rows["batch_size"] < 16]) == {"unreliable"}
    assert rows["reason"][rows["batch_size"] < 16].str.contains("k-hat").all()


def test_unnamed_specs_and_parameters():
    """user.NAME has no parameters, and its call says that the function is missing."""
    assert str(estimator("user.anything")) == "user.anything"
    with pytest.raises(SimnormError, match="no parameters"):
        estimator("user.anything(q=1)")
    with pytest.raises(SimnormError, match="must be given from Python"):
        estimator("user.anything")([1.0, 2.0])
