"""The stored nodes that a design takes, as a run of it would, and what that comes to.

What is stored may be more than the design asks for, and of a folder that was extended the numbers
of a source may stand in several nodes: they are joined to whole ones, so that every block of a
source has one node with all of its numbers, which can be drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from simnorm.database import Contents, Numbers, Row, Rows, places_of
from simnorm.design import Design, canonical_json
from simnorm.labels import PLAIN_FIELDS, fingerprints, labels
from simnorm.schedule import TIME
from simnorm.settling import Maker
from simnorm.strands import Place, Strand, joined, strands_of
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tasks import Failures, Job, MergeTree, Node, Task, block_count, draws_of

Pairs = list[tuple[Task, Node]]
Nodes = dict[Source, Pairs]


class Taken(NamedTuple):
    """What a design takes of a database.

    Parameters
    ----------
    maker
        The tables that it comes to.
    nodes
        Whole nodes of every source, in the order of their blocks; the task's source is numbered in
        the design.
    draws
        The observations of all nodes, as a run counts them.
    others
        How many stored nodes it does not need.
    """

    maker: Maker
    nodes: Nodes
    draws: int
    others: int


def taken(design: Design, contents: Contents) -> Taken:
    """Return what a design takes of a database, and what that comes to.

    Raises
    ------
    ValueError
        If a node has not the cells of its source.
    """
    rows = {(row.owner, row.place): row for row in contents.rows}
    used: set[tuple[str, Place]] = set()

    def fetch(owner: str, place: Place) -> Row:
        used.add((owner, place))
        return rows[owner, place]

    pool = Rows(_as_given(design, contents), places_of(contents), fetch)
    strands = [strands_of(design, number, pool) for number in range(len(sources(design)))]
    held: list[list[Pairs]] = [[[] for _ in of_source] for of_source in strands]
    draws = 0.0

    def hold(job: Job, node: Node, origin: str) -> None:  # noqa: ARG001
        nonlocal draws
        strand = strands[job.number][job.strand]
        if node.kept.shape[1] != strand.cells:
            raise ValueError(
                f"a node has {node.kept.shape[1]:,} cells where its source has {strand.cells:,}"
            )
        task = Task(job.number, job.task.level, job.task.position)
        held[job.number][job.strand].append((task, node))
        every = sum(len(one.places) for one in strands[job.number])
        draws += draws_of(design, task) * len(strand.places) / every

    maker = Maker.of_pool(design, pool, cut=TIME, on_held=hold)
    nodes = {
        source: _whole(design, source, strands[number], held[number])
        for number, source in enumerate(sources(design))
    }
    return Taken(maker, nodes, round(draws), len(rows) - len(used))


def _as_given(design: Design, contents: Contents) -> dict[str, Numbers]:
    """Return whose numbers nodes hold, functions taken for those that the check was given.

    Another look need not mean other numbers, as under another Python: drawing them again tells.
    """
    here = fingerprints(design)
    changed = {
        name: (old, here[name])
        for name, old in contents.functions.items()
        if here.get(name, old) != old
    }
    if not changed:
        return contents.groups
    return {
        owner: numbers._replace(labels=tuple(_exchanged(label, changed) for label in numbers[1]))
        for owner, numbers in contents.groups.items()
    }


def _exchanged(label: str, changed: dict[str, tuple[str, str]]) -> str:
    """Return a label with the other one of a function's two fingerprints, if it has either."""
    fields = json.loads(label)
    pair = changed.get(fields[1]) if len(fields) > PLAIN_FIELDS else None
    if pair is None or fields[-1] not in pair:
        return label
    return canonical_json([*fields[:-1], pair[1 - pair.index(fields[-1])]])


def _whole(
    design: Design, source: Source, strands: Sequence[Strand], held: Sequence[Pairs]
) -> Pairs:
    """Return whole nodes of a source, from those of its strands."""
    pairs = sorted(held[0], key=_first) if len(strands) == 1 else []
    if len(strands) > 1:
        pairs = list(_joined(design, source, strands, held))
    # What lies behind a gap that time has left is not in the tables.
    return list(_without_gap(pairs)) if design.time_limit else pairs


def _first(pair: tuple[Task, Node]) -> int:
    return pair[0].first


def _without_gap(pairs: Pairs) -> Iterator[tuple[Task, Node]]:
    end = 0
    for task, node in pairs:
        if task.first > end:
            return
        end = max(end, task.end)
        yield task, node


def _joined(
    design: Design, source: Source, strands: Sequence[Strand], held: Sequence[Pairs]
) -> Iterator[tuple[Task, Node]]:
    """Yield a node at every place where any strand has its largest, if all strands have that."""
    blocks = block_count(design, source)
    width, cells = len(labels(design, source)), len(study_of(design).cells(design, source))
    for tile in _tiles(task for pairs in held for task, _ in pairs):
        parts = []
        failures: Failures = {}
        for strand, pairs in zip(strands, held, strict=True):
            inner = [p for p in sorted(pairs, key=_first) if tile.first <= p[0].first < tile.end]
            covered = sum(min(task.end, blocks) - task.first for task, _ in inner)
            if covered != min(tile.end, blocks) - tile.first:
                break
            tree = MergeTree()
            for task, node in inner:
                tree.add(task.level, task.position, node.tally)
                for cell, failure in node.failures.items():
                    failures.setdefault(int(strand.places[cell]), failure)
            kept = np.concatenate([node.kept for _, node in inner], axis=-1)
            parts.append((strand, tree.root(), kept))
        else:
            yield tile, Node(*joined(parts, width, cells), 0, failures)


def _tiles(tasks: Iterable[Task]) -> Iterator[Task]:
    """Yield the largest of nodes that lie inside each other, from block to block.

    Examples
    --------
    >>> list(_tiles([Task(0, 0, 3), Task(0, 1, 0), Task(0, 0, 0), Task(0, 0, 1)]))
    [Task(source=0, level=1, position=0), Task(source=0, level=0, position=3)]
    """
    end = 0
    for task in sorted(set(tasks), key=lambda task: (task.first, -task.level)):
        if task.first >= end:
            yield task
            end = task.end
