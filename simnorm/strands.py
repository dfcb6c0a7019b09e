"""What of a source's numbers is stored already, and what has to be computed.

The numbers of a source are computed together, and where nothing is stored they are one *strand*. A
run that goes on in a folder may ask for more: for another batch size all blocks are missing, for
the others none. So a source falls into strands, each with a design that asks for its numbers alone,
and the nodes of them that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from simnorm.design import Design
from simnorm.labels import boxes, fingerprints, labels, stream_name
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tally import Tally
from simnorm.tasks import Floats, Node, Task, replications_of

Places = NDArray[np.intp]


class Place(NamedTuple):
    """Where a node stands, and how many replications it has."""

    level: int
    position: int
    replications: int


class Group(NamedTuple):
    """Stored nodes of the same numbers.

    Parameters
    ----------
    labels
        Names of the numbers, in their order: see `simnorm.labels`.
    nodes
        Where there are nodes.
    read
        Returns the node of a place.
    """

    labels: tuple[str, ...]
    nodes: Sequence[Place]
    read: Callable[[Place], Node]


class Pool(Protocol):
    """Where nodes of other designs may be found: see `simnorm.pool`."""

    def groups(self, stream: str) -> Sequence[Group]:
        """Return what is stored of a stream: see `simnorm.labels.stream_name`."""


class Held(NamedTuple):
    """A stored node of a strand, and what reads it."""

    place: Place
    read: Callable[[], Node]


@dataclass
class Strand:
    """Numbers of a source that are stored and computed together.

    Parameters
    ----------
    design, source
        What computes them: the source is numbered in this design.
    places
        Where they stand among the numbers of the whole source, rising, shape (numbers,).
    rows
        Where they stand among those of the design; None if they are all of them, in order.
    cells
        How many of them are cells.
    held
        Stored nodes, by their first block; of one block the largest first.
    """

    design: Design
    source: int
    places: Places
    rows: Places | None
    cells: int
    held: Mapping[int, list[Held]] = field(default_factory=dict)

    def part(self, node: Node) -> Node:
        """Return the strand's numbers of a node that its design came to."""
        return node if self.rows is None else restricted(node, self.rows, self.cells)

    def cover(
        self, whole: tuple[Design, Source], first: int, end: int, blocks: int
    ) -> Iterator[tuple[Held | None, int, int]]:
        """Yield stored nodes and gaps, from block to block, of a part of a source.

        Parameters
        ----------
        whole
            The run's design and source, which say how many replications a node must have.
        first, end
            The part: its first block, and the one behind its last.
        blocks
            How many the source has in all.
        """
        starts = sorted(at for at in self.held if first <= at < end)
        at = first
        for start in starts:
            if start < at:
                continue  # inside a node that was taken
            found = next((h for h in self.held[start] if _fits(h, whole, end, blocks)), None)
            if found is None:
                continue
            if at < start:
                yield None, at, start
            at = min((found.place.position + 1) << found.place.level, blocks)
            yield found, start, at
        if at < end:
            yield None, at, end


def _fits(held: Held, whole: tuple[Design, Source], end: int, blocks: int) -> bool:
    """Tell whether a stored node is the one that a design asks for at its place."""
    level, position, count = held.place
    return (
        min((position + 1) << level, blocks) <= end
        and replications_of(*whole, level, position) == count
    )


def restricted(node: Node, rows: Places, cells: int) -> Node:
    """Return some numbers of a node, the first of which are cells."""
    tally, kept = node.tally, node.kept
    of = {int(row): at for at, row in enumerate(rows[:cells])}
    failures = {of[cell]: failure for cell, failure in node.failures.items() if cell in of}
    return Node(
        Tally(
            tally.count,
            tally.pivot[:, rows],
            tally.offset[:, rows],
            tally.scatter[:, rows],
            _some_void(tally, rows),
        ),
        kept[:, rows[:cells]],
        node.draws,
        failures,
    )


def _some_void(tally: Tally, rows: Places) -> NDArray[np.int64] | None:
    """Return the void replications of some numbers, None if there are none as everywhere else."""
    if tally.void is None or not tally.void[rows].any():
        return None
    return tally.void[rows]


def strands_of(design: Design, number: int, pool: Pool | None) -> list[Strand]:
    """Return the strands of a source, by its number, with what a pool has of them."""
    source = sources(design)[number]
    if pool is None:
        return [_whole(design, number)]
    # Looked at once: workers may be calling the functions just now.
    versions = fingerprints(design)
    wanted = labels(design, source, versions)
    groups = pool.groups(stream_name(design, source))
    rows = [{label: row for row, label in enumerate(group.labels)} for group in groups]
    cells = len(study_of(design).cells(design, source))
    found = []
    for having, places in _alike(wanted, rows).items():
        here = [wanted[place] for place in places]
        left = dict(zip(here, places, strict=True))
        for box in boxes(design, source, here, versions):
            its_own = labels(box.design, sources(box.design)[box.source], versions)
            made = {label: row for row, label in enumerate(its_own)}
            mine = sorted(left.pop(label) for label in here if label in left and label in made)
            if not mine:
                continue
            names = [wanted[place] for place in mine]
            found.append(
                Strand(
                    box.design,
                    box.source,
                    np.array(mine, dtype=np.intp),
                    _rows(names, made),
                    sum(place < cells for place in mine),
                    _held(names, cells, mine, [(groups[i], rows[i]) for i in having]),
                )
            )
        if left:
            raise AssertionError(f"no design has the numbers {list(left)[:3]}")
    return sorted(found, key=lambda strand: int(strand.places[0]))


def _whole(design: Design, number: int) -> Strand:
    source = sources(design)[number]
    width = len(labels(design, source))
    cells = len(study_of(design).cells(design, source))
    return Strand(design, number, np.arange(width), None, cells)


def _alike(
    wanted: Sequence[str], rows: Sequence[Mapping[str, int]]
) -> dict[tuple[int, ...], list[int]]:
    """Return the places of numbers, by the groups that have them."""
    found: dict[tuple[int, ...], list[int]] = {}
    for place, label in enumerate(wanted):
        having = tuple(i for i, of_group in enumerate(rows) if label in of_group)
        found.setdefault(having, []).append(place)
    return found


def _rows(names: Sequence[str], among: Mapping[str, int]) -> Places | None:
    """Return the rows of numbers; None if they are all that there are, in their order."""
    found = np.array([among[name] for name in names], dtype=np.intp)
    is_all = len(found) == len(among) and bool((found == np.arange(len(found))).all())
    return None if is_all else found


def _held(
    names: Sequence[str],
    cells: int,
    places: Sequence[int],
    groups: Iterable[tuple[Group, Mapping[str, int]]],
) -> dict[int, list[Held]]:
    """Return the stored nodes of numbers, by their first block, the largest first."""
    found: dict[int, list[Held]] = {}
    count = sum(place < cells for place in places)
    for group, among in groups:
        rows = _rows(names, among)
        for place in group.nodes:
            held = Held(place, _reader(group, place, rows, count))
            found.setdefault(place.position << place.level, []).append(held)
    for here in found.values():
        here.sort(key=lambda held: held.place, reverse=True)
    return found


def _reader(group: Group, place: Place, rows: Places | None, cells: int) -> Callable[[], Node]:
    def read() -> Node:
        node = group.read(place)
        return node if rows is None else restricted(node, rows, cells)

    return read


def pieces(first: int, end: int, level: int, blocks: int) -> Iterator[tuple[int, int]]:
    """Yield the nodes, by level and position, that blocks are computed in.

    Parameters
    ----------
    first, end
        The first block, and the one behind the last.
    level
        The highest level of a node.
    blocks
        How many blocks the source has; the last node may reach beyond them.
    """
    at = first
    while at < end:
        here = level
        while here and (at & ((1 << here) - 1) or (at + (1 << here) > end < blocks)):
            here -= 1
        yield here, at >> here
        at += 1 << here


def joined(
    parts: Sequence[tuple[Strand, Tally, Floats]], width: int, cells: int
) -> tuple[Tally, Floats]:
    """Return tally and kept replications of a whole source, from those of its strands.

    Parameters
    ----------
    parts
        Strands with what is known of the same replications.
    width, cells
        How many numbers the source has, and how many of them are cells.
    """
    first, *_ = parts
    count = first[1].count
    pivot, offset = np.empty((2, width)), np.empty((2, width))
    scatter = np.empty((3, width))
    kept = np.empty((2, cells, first[2].shape[-1]))
    void = np.zeros(width, dtype=np.int64)
    for strand, tally, some in parts:
        if tally.count != count:
            raise AssertionError(f"strands of {count} and {tally.count} replications")
        at = strand.places
        pivot[:, at], offset[:, at] = tally.pivot, tally.offset
        scatter[:, at], kept[:, at[: strand.cells]] = tally.scatter, some
        void[at] = 0 if tally.void is None else tally.void
    has_void = any(tally.void is not None for _, tally, _ in parts)
    return Tally(count, pivot, offset, scatter, void if has_void else None), kept


def task_of(strand: Strand, place: Place) -> Task:
    """Return the task that a stored node is of."""
    return Task(strand.source, place.level, place.position)
