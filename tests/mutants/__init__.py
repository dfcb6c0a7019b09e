"""Faults in the package on purpose, and the oracles that see them.

An oracle is a function that raises AssertionError, or returns what it found. Its letter says what
kind it is: E exact, U uniqueness, B bits, Z estimates against theory, C coverage of intervals.
They stand in the order in which they are asked: what is exact first, what takes longest last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mutants import bits, coverage, exact, exact_runs, resumed, uniqueness, zscores
from mutants.faults import FAULTS, Fault

KINDS = {
    "E": "exact: hand values, enumeration, identities",
    "U": "uniqueness of streams, replications, blocks",
    "B": "the same bits however the work is done",
    "Z": "estimates and standard errors against theory",
    "C": "coverage of intervals over many runs",
}


class Oracle(NamedTuple):
    """A check of the package, with the letter of its kind."""

    letter: str
    ask: Callable[[], str | None]

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.ask.__name__


ORACLES = [
    *(
        Oracle("E", ask)
        for ask in (
            exact.hand_values, exact.merged_blocks, exact.own_clusters, exact.searches,
            exact.normal_std, exact.coins, exact.running_averages, exact.definitions,
            exact_runs.file_order, exact.enumeration, exact_runs.identities, exact_runs.two_readers,
            exact_runs.stored_nodes, exact_runs.moved_data, exact.table_theory, exact_runs.statuses,
            exact_runs.checked_runs,
        )
    ),
    *(
        Oracle("U", ask)
        for ask in (
            uniqueness.orders_are_new, uniqueness.blocks_once, uniqueness.replications_differ,
            uniqueness.streams_differ,
        )
    ),
    *(
        Oracle("B", ask)
        for ask in (
            bits.workers_and_arrival, bits.extended_grid, bits.looks_on_prefixes,
            resumed.resumed_runs, resumed.resumed_targets, resumed.resumed_labels,
            resumed.damaged_runs, resumed.lost_tasks,
        )
    ),
    *(
        Oracle("Z", ask)
        for ask in (
            zscores.fair_orders, zscores.reported_errors, zscores.against_rows,
            zscores.reported_z, zscores.against_laws,
        )
    ),
    *(Oracle("C", ask) for ask in (coverage.cluster_intervals, coverage.table_intervals)),
]  # fmt: skip


def killers(fault: Fault) -> Iterator[tuple[Oracle, str]]:
    """Yield the oracles that see a fault, in their order, with what they said.

    An exception of another kind counts too: a test that ends in one fails.
    """
    with fault.injected():
        for oracle in ORACLES:
            try:
                oracle.ask()
            except Exception as error:
                yield oracle, f"{type(error).__name__}: {error}"


__all__ = ["FAULTS", "KINDS", "ORACLES", "Fault", "Oracle", "killers"]
