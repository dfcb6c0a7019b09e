"""Faults put into the package on purpose: some oracle sees each of them, and none sees any other.

Every run asks for the first oracle that sees a fault; the slow test asks all of them, as
``scripts/prove mutants`` does for reports/proof/mutants.csv.
"""

from __future__ import annotations

import inspect

import pytest
from mutants import FAULTS, KINDS, ORACLES, killers
from mutants.patching import edited, forget, load, replaced, snapshot
from proving import mutants as proof

import simnorm as sn
from simnorm import tally
from simnorm.estimators import estimator


@pytest.fixture(autouse=True)
def _loaded():
    load()


def named(things):
    return pytest.mark.parametrize("thing", things, ids=[thing.name for thing in things])


@named(ORACLES)
def test_no_oracle_sees_anything_in_the_package_as_it_is(thing):
    """Every oracle passes on the code without a fault."""
    thing.ask()


@named(FAULTS)
def test_every_fault_is_seen(thing):
    """At least one oracle fails while the fault is there."""
    seen = killers(thing)
    try:
        oracle, said = next(seen)
    except StopIteration:
        pytest.fail(f"{thing.name} survives: {thing.wrong}")
    finally:
        seen.close()
    assert oracle.letter in KINDS
    assert said


def test_leaving_a_fault_restores_everything():
    """Every name of every module and class stands for the same object as before."""
    before = snapshot()
    for fault in FAULTS:
        with fault.injected():
            inside = snapshot()
            assert inside != before, fault.name
        assert snapshot() == before, fault.name


def test_nothing_that_was_cached_outlives_a_fault():
    """Numbers before, within and after a fault in something cached are right, wrong, and right."""
    right = float(sn.theory.variance_of("mean", n=4, N=8))
    weights = estimator("quantile(q=0.9)").weights(7)
    faults = {fault.name: fault for fault in FAULTS}
    with faults["no_fpc"].injected():
        assert float(sn.theory.variance_of("mean", n=4, N=8)) == 0.25
    with faults["other_quantile"].injected():
        assert estimator("quantile(q=0.9)").weights(7) != weights
    assert float(sn.theory.variance_of("mean", n=4, N=8)) == right == 0.125
    assert estimator("quantile(q=0.9)").weights(7) == weights


def test_a_fault_leaves_when_something_fails():
    """An exception inside takes the fault with it."""
    right = tally.t_quantile
    with pytest.raises(TypeError), replaced("tally.t_quantile", lambda _: len):
        tally.t_quantile(2)  # len of a number
    assert tally.t_quantile is right


def test_a_function_is_replaced_wherever_it_is_known():
    """Modules that imported a function by name call the faulty one, too."""
    from simnorm import sampling
    from simnorm.studies import sweep

    with replaced("sampling.cut", lambda right: lambda *given: right(*given)):
        assert sweep.cut is sampling.cut
        assert inspect.unwrap(sampling.cut).__name__ == "<lambda>"
    assert sweep.cut is sampling.cut
    assert sampling.cut.__name__ == "cut"


def test_an_edit_that_does_not_fit_is_an_error():
    """A fault whose piece of source is gone, or there twice, is told; it is not skipped."""
    with pytest.raises(LookupError, match="0 times"):
        edited("tally.t_quantile", ("no such piece", ""))
    with pytest.raises(LookupError, match="times"):
        edited("tally.Tally.merge", ("other", "self"))
    with pytest.raises((LookupError, AttributeError)):
        edited("tally.no_such_function", ("a", "b"))
    forget()


def test_faults_are_many_named_and_told_of():
    """34 or more, each with a name of its own, what is wrong, and a place that exists."""
    assert len(FAULTS) >= 34
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.wrong for fault in FAULTS}) == len(FAULTS)
    assert all(len(fault.wrong.split()) >= 5 for fault in FAULTS)


def test_the_table_in_the_reports_is_of_these_faults():
    """reports/proof/mutants.csv has every fault, all killed, in the words that stand here."""
    rows = proof.read(proof.TABLE)
    assert [(row["name"], row["fault"], row["place"]) for row in rows] == [
        (fault.name, fault.wrong, fault.place) for fault in FAULTS
    ]
    every = {oracle.name for oracle in ORACLES}
    for row in rows:
        seen = row["oracles"].split()
        assert seen
        assert {name.split(":")[1].rstrip("!") for name in seen} <= every
        assert row["first"] == seen[0]


def test_every_kind_of_oracle_sees_what_no_other_does():
    """By the same table: some faults are seen by E alone, others by U, B, Z or C alone."""
    kinds = [row["killed_by"] for row in proof.read(proof.TABLE)]
    assert {*KINDS} <= set(kinds)
    # Nor does one oracle see them all.
    seen = [name for row in proof.read(proof.TABLE) for name in row["oracles"].split()]
    assert max(seen.count(name) for name in set(seen)) < 0.6 * len(kinds)


@pytest.mark.full_size
def test_all_faults_and_all_oracles(tmp_path):
    """The whole table, made anew: every fault is killed, by the same kinds as in the reports."""
    rows = proof.measure()
    proof.write(rows, tmp_path / "mutants.csv")
    assert all(row["killed_by"] for row in rows)
    before = {row["name"]: row["killed_by"] for row in proof.read(proof.TABLE)}
    assert {row["name"]: row["killed_by"] for row in rows} == before
