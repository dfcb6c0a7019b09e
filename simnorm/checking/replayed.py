"""The check of replays: stored nodes are what their streams give, drawn again.

Unless all are, which nodes are drawn again depends on the content of the folder. That catches
accidents, not somebody who tries until a change is missed: against that all have to be drawn.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.api import check_memory
from simnorm.checking.completeness import words_of_source
from simnorm.checking.environment import TOLERANCE, differences, of_sessions
from simnorm.checking.finding import Failure, Finding, ImpossibleError
from simnorm.checking.folder import Folder
from simnorm.crews import Lost, computed, opened
from simnorm.database import blocks_words
from simnorm.design import Design
from simnorm.engine import Progress
from simnorm.errors import SimnormError
from simnorm.formatting import plural
from simnorm.options import STUDIES, SWEEP
from simnorm.store import DATABASE
from simnorm.studies import check_extra, study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tasks import Job, Node, Task, block_count
from simnorm.workers import worker_count

NAME = "replayed"

Floats = NDArray[np.float64]

# Beside the first, the last and one more of every source, as many as this time allows.
SECONDS = 5.0
TIMINGS = "times are measured: no clock shows the same again"
NOT_ALL = "some blocks were not drawn again: --all-blocks does all"
# Of numbers that are all rounding nothing is left to compare.
ROUNDING = 1e-12


class _Pair(NamedTuple):
    """A stored node, and its name for messages."""

    task: Task
    node: Node
    source: Source

    @property
    def words(self) -> str:
        blocks = blocks_words(self.task.level, self.task.position)
        return f"{words_of_source(self.source)}, {blocks}"


def check(
    folder: Folder,
    *,
    all_blocks: bool = False,
    workers: int | str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    seconds: float = SECONDS,
) -> Finding:
    """Draw nodes again and compare them with those that are stored.

    Parameters
    ----------
    folder
        The run folder.
    all_blocks
        Whether all nodes are drawn again.
    workers
        Number of threads.
    on_progress
        Called after every node, with the observations drawn and those to be drawn at least.
    seconds
        How long more nodes are drawn again than have to be.
    """
    design = folder.design
    usual = STUDIES[design.study]
    if usual.is_timed:
        return Finding.of(NAME, TIMINGS, [], note="timings are not repeated")
    threads = worker_count(workers)
    _check_possible(design, threads)
    first, more = _chosen(folder)
    total = len(first) + len(more)
    if all_blocks:
        first, more = first + more, []
    same, near, wrong = 0, [], []
    done, due = 0, sum(_draws(design, pair) for pair in first)
    for pair, again in _drawn(design, first, more, threads, time.monotonic() + seconds):
        done += _draws(design, pair)
        if _is_same(pair.node, again):
            same += 1
        elif fault := _fault(design, pair, again):
            wrong.append(fault)
        else:
            what = f"numbers that agree to {TOLERANCE:g} only"
            expected = "the same bits, as in other nodes"
            near.append(Failure(f"{DATABASE}, {pair.words}", what, expected))
        if on_progress is not None:
            on_progress(Progress(done, max(done, due)))
    others = _environment(folder)
    if usual.is_trial and others and (near or wrong):
        # What training makes of a last digit is no rounding any more.
        reason = f"another environment takes another path of training ({others[0]})"
        raise ImpossibleError(reason, "Check the run where it was made, or with these versions.")
    # Processors of one kind may still round differently; but one of them does so everywhere.
    folder.same_bits = not others and (same > 0 or not near)
    why = others[0] if others else "another kind of processor"
    how = "bit for bit" if folder.same_bits else f"to {TOLERANCE:g} ({why})"
    drawn = same + len(near) + len(wrong)
    part = f"{drawn:,} of {plural(total, 'node')} drawn again"
    looked = f"{part}, compared {how}"
    failures = wrong + (near if folder.same_bits else [])
    verb = "is" if len(failures) == 1 else "are"
    return Finding.of(
        NAME,
        looked,
        failures,
        f"{len(failures):,} of {plural(drawn, 'node')} drawn again {verb} not what is stored",
        f"{part}; {NOT_ALL}" if drawn < total else part,
    )


def _check_possible(design: Design, threads: int) -> None:
    """Refuse to draw again what this machine cannot."""
    try:
        check_memory(design, threads)
    except SimnormError as error:
        raise ImpossibleError(error.allowed, "Check the run on a larger machine.") from None
    try:
        check_extra(design)
    except SimnormError as error:
        raise ImpossibleError(error.allowed, error.hint) from None


def _draws(design: Design, pair: _Pair) -> int:
    """Return the observations of a node's replications; of a trial its units of work."""
    if STUDIES[design.study].is_trial:
        return pair.node.tally.count * study_of(design).draws(design, pair.source)
    each = study_of(design).draws(design, pair.source) * max(1, len(pair.source.columns))
    return pair.node.tally.count * each


def _environment(folder: Folder) -> list[str]:
    """Return in what this environment differs from those that have drawn what is stored."""
    study = folder.written.study
    try:
        found = differences(folder.provenance, study)
    except ImpossibleError:
        found = ["its provenance cannot be read"]
    return found or of_sessions(folder.contents.sessions, study)


def _chosen(folder: Folder) -> tuple[list[_Pair], list[_Pair]]:
    """Return the nodes to draw again at any rate, and the others, in an order by their content."""

    def rank(pair: _Pair) -> str:
        return hashlib.sha256(f"{folder.digest} {pair.task}".encode()).hexdigest()

    first: list[_Pair] = []
    more: list[_Pair] = []
    for number, source in enumerate(sources(folder.design)):
        last = block_count(folder.design, source)
        pairs = [
            _Pair(task, node, source)
            for task, node in folder.nodes[source]
            if task.source == number and task.position << task.level < last
        ]
        ends = {0, len(pairs) - 1} & set(range(len(pairs)))
        inner = sorted((p for i, p in enumerate(pairs) if i not in ends), key=rank)
        first += [pairs[i] for i in sorted(ends)] + inner[:1]
        more += inner[1:]
    return first, sorted(more, key=rank)


def _drawn(
    design: Design, first: list[_Pair], more: list[_Pair], workers: int, deadline: float
) -> Iterator[tuple[_Pair, Node]]:
    """Yield nodes with what their streams give, the second list as far as there is time."""
    pairs = {pair.task: pair for pair in [*first, *more]}
    due, others = iter(first), iter(more)

    def following() -> Job | None:
        pair = next(due, None)
        if pair is None and time.monotonic() < deadline:
            pair = next(others, None)
        return None if pair is None else Job(pair.task.source, 0, design, pair.task)

    with opened(workers) as crew:
        for job, node in computed(following, crew, ahead=1):
            if isinstance(node, Lost):  # threads end with the process
                raise AssertionError(node.message)
            yield pairs[job.task], node


def _arrays(node: Node) -> list[NDArray[np.float64]]:
    tally = node.tally
    return [tally.pivot, tally.offset, tally.scatter, node.kept]


def _is_same(one: Node, other: Node) -> bool:
    """Tell whether two nodes hold the same numbers, to the last bit."""
    if one.tally.count != other.tally.count or one.failures != other.failures:
        return False
    if not np.array_equal(_void(one), _void(other)):
        return False
    pairs = zip(_arrays(one), _arrays(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def _void(node: Node) -> NDArray[np.int64]:
    void = node.tally.void
    return np.zeros(node.tally.pivot.shape[1], dtype=np.int64) if void is None else void


def _fault(design: Design, pair: _Pair, again: Node) -> Failure | None:
    """Return the largest difference that is more than rounding; None if there is none."""
    node, where = pair.node, f"{DATABASE}, {pair.words}"
    shapes = [[a.shape for a in _arrays(n)] for n in (node, again)]
    if node.tally.count != again.tally.count or shapes[0] != shapes[1]:
        got, expected = (f"{n.tally.count} replications in {s}"
                         for n, s in zip((node, again), shapes, strict=True))  # fmt: skip
        return Failure(where, got, expected)
    if not np.array_equal(_void(node), _void(again)) or set(node.failures) != set(again.failures):
        return Failure(where, f"{int(_void(node).sum())} void replications",
                       f"{int(_void(again).sum())}, or of other cells")  # fmt: skip
    sizes = _sizes(design, pair.source, node.tally.pivot.shape[1])
    for name, one, other, limit in _compared(node, again, sizes):
        # Of what is no number, both must be none.
        with np.errstate(invalid="ignore"):
            off = np.where(np.isfinite(one) | np.isfinite(other), np.abs(one - other), 0.0)
            wrong = ~(off <= limit) & ~(one == other)
        wrong &= ~(np.isnan(one) & np.isnan(other))
        for cell in np.flatnonzero(wrong.any(axis=tuple(range(1, wrong.ndim)))):
            at = tuple(int(i[0]) for i in np.nonzero(wrong[cell])) if wrong.ndim > 1 else ()
            return Failure(
                f"{where}, {name} of {_cell_words(design, pair.source, int(cell))}",
                repr(float(one[(cell, *at)])),
                repr(float(other[(cell, *at)])),
            )
    return None


def _cell_words(design: Design, source: Source, place: int) -> str:
    cells = study_of(design).cells(design, source)
    if place >= len(cells):
        return f"curve number {place - len(cells)}"
    cell = cells[place]
    if STUDIES[design.study].is_trial:
        return " ".join(
            part for part in (cell.quantity, f"n={cell.batch_size}", cell.factors) if part
        )
    return " ".join(str(part) for part in (cell[0], f"n={cell[1]}", *cell[2:4]) if str(part))


class _Sizes(NamedTuple):
    """Which numbers of a source are of one size, and the size of what can be rounding alone.

    Parameters
    ----------
    groups
        The same number for all of one column and quantity; the numbers of curves have no unit.
    least
        The size of the data, in the unit of the quantity, for errors that are rounding by design:
        of a batch that is the whole full set, or of a constant column. Else 0.
    """

    groups: NDArray[np.intp]
    least: Floats

    def floor(self, sizes: Floats) -> Floats:
        """Return the size that each number's rounding has at least, by the sizes of all."""
        largest = np.zeros(self.groups.max(initial=-1) + 1)
        np.maximum.at(largest, self.groups, sizes)
        return np.asarray(ROUNDING / TOLERANCE * np.maximum(largest[self.groups], self.least))


@functools.lru_cache(maxsize=16)
def _sizes(design: Design, source: Source, width: int) -> _Sizes:
    cells = study_of(design).cells(design, source)
    names: dict[tuple[str, str], int] = {}
    groups = [
        names.setdefault((getattr(cell, "column", ""), str(cell[0])), len(names)) for cell in cells
    ]
    least = np.zeros(width)
    if design.study == SWEEP and design.dataset is not None:
        for name in source.columns:
            values = design.dataset.values([name])
            here = [i for i, cell in enumerate(cells) if cell.column == name and
                    (cell.batch_size == design.full_size or np.ptp(values) == 0.0)]  # fmt: skip
            least[here] = [np.abs(values).max() ** cells[i].estimator.power for i in here]
    return _Sizes(np.array(groups + [len(names)] * (width - len(cells)), dtype=np.intp), least)


def _compared(
    one: Node, other: Node, of_source: _Sizes
) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """Yield names, numbers of both nodes and what they may differ by, cells first."""
    count = other.tally.count
    with np.errstate(all="ignore"):
        means = other.tally.mean
        squares = other.tally.scatter[[0, 2]] / count
        rms = np.nan_to_num(np.sqrt(means**2 + squares), posinf=0.0)
        a = np.maximum(rms[0], np.sqrt(np.abs(np.nan_to_num(means[1], posinf=0.0, neginf=0.0))))
        a = np.maximum(a, of_source.floor(a))
        q = np.maximum(rms[1], a * a * ROUNDING)
        sizes = [a, q]
        for name, i in (("mean error", 0), ("mean squared error", 1)):
            yield name, one.tally.mean[i], means[i], TOLERANCE * sizes[i]
        for name, i, size in (("scatter of mean errors", 0, a * a),
                              ("scatter of mean errors by mean squared errors", 1, a * q),
                              ("scatter of mean squared errors", 2, q * q)):  # fmt: skip
            yield name, one.tally.scatter[i], other.tally.scatter[i], TOLERANCE * count * size
        cells = other.kept.shape[1]
        for name, i in (("mean error", 0), ("mean squared error", 1)):
            # A single replication may be larger than the mean of all.
            limit = np.maximum(sizes[i][:cells, np.newaxis], np.abs(other.kept[i]))
            yield f"a replication's {name}", one.kept[i], other.kept[i], TOLERANCE * limit
