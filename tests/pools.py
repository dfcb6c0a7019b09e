"""A pool of nodes in memory: what a run found, for another run to take from."""

from __future__ import annotations

from collections.abc import Sequence

from simnorm.labels import labels, stream_name
from simnorm.schedule import LOST
from simnorm.strands import Group, Place
from simnorm.studies.drawing import sources
from simnorm.tasks import Job, Node


class Memory:
    """Takes nodes as a store does (`add` is what `engine.run` calls on a node), and has them."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, tuple[str, ...]], dict[Place, Node]] = {}
        # What was given up is told of, and not kept.
        self.lost: list[Job] = []

    def add(self, job: Job, node: Node, origin: str) -> None:
        """Keep a node that was computed."""
        if origin == LOST:
            self.lost.append(job)
            return
        source = sources(job.design)[job.task.source]
        key = stream_name(job.design, source), labels(job.design, source)
        place = Place(job.task.level, job.task.position, node.tally.count)
        self.nodes.setdefault(key, {})[place] = node

    def groups(self, stream: str) -> Sequence[Group]:
        """Return what there is of a stream."""
        return [
            Group(names, list(nodes), nodes.__getitem__)
            for (of_stream, names), nodes in self.nodes.items()
            if of_stream == stream
        ]

    def upside_down(self) -> Memory:
        """Return the same nodes, the last one first."""
        found = Memory()
        found.nodes = {key: dict([*of.items()][::-1]) for key, of in [*self.nodes.items()][::-1]}
        return found
