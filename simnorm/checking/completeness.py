"""The check of completeness: all rows and blocks that the design asks for, each of them once.

A run that time has cut short is complete if it holds what it says it holds; that it is partial, or
has missed its target, is said beside.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

from simnorm import stopped
from simnorm.checking.finding import Failure, Finding, ImpossibleError
from simnorm.checking.folder import Folder
from simnorm.checking.keys import Key, held, wanted
from simnorm.checking.taken import Pairs
from simnorm.design import Design
from simnorm.formatting import plural, seconds_text
from simnorm.options import STUDIES, SWEEP
from simnorm.robust import QUANTILES
from simnorm.sampling import batch_count
from simnorm.schedule import looks
from simnorm.store import DATABASE, PROVENANCE, RESULTS
from simnorm.studies.drawing import Source, lanes_in_block, replications, sources
from simnorm.studies.single_errors import most_replications
from simnorm.tally import MEASURES
from simnorm.tasks import block_count
from simnorm.trials import source_word

NAME = "completeness"
AGAIN = "Tasks were given up: run the same command again, which computes them."


def check(folder: Folder) -> Finding:
    """Compare the rows and nodes that are there with those that the design asks for."""
    design, nodes = folder.design, folder.nodes
    keys = {key: source for source, key in wanted(design)}
    robust = _robust(keys) if design.study == SWEEP else {}
    failures = list(_rows(keys, robust, held(folder.frame)))
    failures += [f for source in sources(design) for f in _blocks(design, source, nodes[source])]
    failures += _values(folder, keys, robust)
    failures += _draws(folder)
    failures += [Failure(PROVENANCE, words, "") for words in folder.given_up]
    blocks = sum(_count(task.level, node.tally.count, design) for part in nodes.values()
                 for task, node in part)  # fmt: skip
    looked = (
        f"{plural(len(folder.frame), 'row')} of {plural(len({key[:-1] for key in keys}), 'cell')}, "
        f"{plural(blocks, 'block')} of {plural(len(nodes), 'source')}"
    )
    if others := folder.taken.others:
        looked += f", and {plural(others, 'node')} of other designs"
    wrong = (
        f"{plural(len(failures), 'fault')} in {plural(len(folder.frame), 'row')} and "
        f"{plural(blocks, 'block')}"
    )
    if failures:
        found = Finding.of(NAME, looked, failures, wrong)
        return dataclasses.replace(found, hint=AGAIN) if folder.given_up else found
    short = _fell_short(folder)
    return Finding.of(NAME, f"{looked}; {short}" if short else looked, [], note=short)


def _fell_short(folder: Folder) -> str:
    """Return in which way a run that is what it says is less than was asked for."""
    design, frame = folder.design, folder.frame
    found = []
    if stopped.is_partial(frame):
        found.append(f"partial: time limit of {seconds_text(design.time_limit)}")
    if design.target_mcse and (short := len(stopped.missed(design, frame))):
        found.append(f"{plural(short, 'cell')} missed the target")
    return ", ".join(found)


def _draws(folder: Folder) -> Iterator[Failure]:
    """Yield that the provenance counts other draws than the stored nodes took."""
    try:
        said = folder.provenance.get("draws")
    except ImpossibleError:
        return  # which the check of files tells
    right = folder.taken.draws
    if said != right:
        yield Failure(f"{PROVENANCE}, draws", f"{said}", f"{right}, as the stored nodes took")


def _rows(
    keys: dict[Key, Source], robust: dict[Key, Source], there: list[Key]
) -> Iterator[Failure]:
    """Yield the rows that are missing, doubled, or foreign."""
    counts = Counter(there)
    # Quantiles of errors stand behind cells that need them, which the numbers decide: all or none.
    cells = {key[:-1] for key in robust if key in counts}
    asked = [*keys, *(key for key in robust if key[:-1] in cells)]
    for key in asked:
        if counts[key] != 1:
            yield Failure(key.words, f"{counts[key] or 'no'} rows", "one row")
    for key in counts.keys() - set(asked):
        yield Failure(key.words, "a row", f"none: the design does not ask for it ({RESULTS})")


def _robust(keys: dict[Key, Source]) -> dict[Key, Source]:
    """Return the keys of quantiles that cells of a sweep may have beside their measures."""
    return {
        key._replace(measure=name): source
        for key, source in keys.items()
        if key.measure == MEASURES[0]
        for name in QUANTILES
    }


def _values(
    folder: Folder, keys: dict[Key, Source], robust: dict[Key, Source]
) -> Iterator[Failure]:
    """Yield the rows that say of the design what it does not."""
    frame, design, nodes = folder.frame, folder.design, folder.nodes
    numbers = {source: _numbers(design, source, nodes[source]) for source in sources(design)}
    for key, row in zip(held(frame), frame.to_dict("records"), strict=True):
        source = keys.get(key, robust.get(key))
        if source is None:
            continue
        of_quantile = key in robust
        for name, value in _expected(design, source, key, of_quantile=of_quantile).items():
            if row[name] != value:
                yield Failure(f"{key.words}, {name}", str(row[name]), str(value))
        used, failed, allowed = row["replications"], row["failed"], numbers[source]
        if of_quantile:
            most = most_replications(design.full_size)
            allowed = sorted({min(number, most) for number in allowed})
        if failed < 0 or used + failed not in allowed:
            some = " or ".join(f"{number:,}" for number in allowed) or "none"
            yield Failure(f"{key.words}, replications and failed", f"{used} and {failed}",
                          f"{some} together, as the stored nodes have")  # fmt: skip


def _expected(design: Design, source: Source, key: Key, *, of_quantile: bool) -> dict[str, object]:
    """Return what the design alone says of a row.

    How many rows and batches a trial's data have, the check of tables finds.
    """
    found: dict[str, object] = {"study": design.study, "seed": design.seed}
    if STUDIES[design.study].is_trial:
        found["source"] = source_word(source)
        return found | ({"full_size": design.full_size} if design.full_size else {})
    batches = 1 if of_quantile else batch_count(design.full_size, key.batch_size)
    found["source"] = "file" if design.data else "law"
    return found | {"full_size": design.full_size, "batches": batches}


def _numbers(design: Design, source: Source, nodes: Pairs) -> list[int]:
    """Return the numbers of replications that the rows of a source may have."""
    lanes, whole = lanes_in_block(design), replications(design, source)
    there = min(_covered(design, source, nodes) * lanes, whole)
    found = {there}
    if design.target_mcse:
        found |= {blocks * lanes for blocks in looks(design, source) if blocks * lanes < there}
    return sorted(found)


def _count(level: int, replications: int, design: Design) -> int:
    """Return the blocks of a node."""
    return min(1 << level, -(-replications // lanes_in_block(design)))


def _covered(design: Design, source: Source, nodes: Pairs) -> int:
    """Return how many blocks there are without a gap from the first on."""
    end = 0
    for task, _ in nodes:
        first = task.position << task.level
        if first > end:
            break
        end = max(end, first + (1 << task.level))
    return min(end, block_count(design, source))


def _blocks(design: Design, source: Source, nodes: Pairs) -> Iterator[Failure]:
    """Yield where the nodes of a source leave a gap, overlap, or hold too few or too many."""
    lanes, whole = lanes_in_block(design), replications(design, source)
    every, end = block_count(design, source), 0
    name = f"{DATABASE}, {words_of_source(source)}"
    for task, node in nodes:
        first = task.position << task.level
        last = min(first + (1 << task.level), every)
        if first != end:
            what = "gap" if first > end else "overlap"
            yield Failure(f"{name}, block {min(first, end)}", f"a {what}", "every block once")
        if first >= every:
            yield Failure(f"{name}, block {first}", "a node", f"blocks below {every:,}")
            continue
        end = max(end, last)
        right = min(last * lanes, whole) - first * lanes
        if node.tally.count != right:
            yield Failure(f"{name}, block {first}", f"{node.tally.count} replications", f"{right}")
    # Precise cells need no more blocks, and time may cut a source short.
    allowed = {every}
    if design.target_mcse:
        allowed |= set(looks(design, source))
    if end not in allowed and not (design.time_limit and end):
        some = " or ".join(str(number) for number in sorted(allowed))
        yield Failure(name, f"{end} blocks", some)


def words_of_source(source: Source) -> str:
    """Return what a source is called."""
    columns = source.columns
    some = f"{columns[0]} and {len(columns) - 1} more" if len(columns) > 1 else "".join(columns)
    return f"{source.distribution or some}, {source.sampling}"
