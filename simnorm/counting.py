"""How much of a design is stored: blocks are counted, and no number is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simnorm.database import Contents, Rows, stream_words
from simnorm.design import Design
from simnorm.labels import labels, stream_name
from simnorm.options import STUDIES
from simnorm.schedule import looks
from simnorm.strands import Group, Strand, strands_of
from simnorm.studies.drawing import Source, lanes_in_block, replications, sources
from simnorm.studies.labelled import Label, settings_digest
from simnorm.tasks import block_count, source_draws

# Blocks from the first on to the one before the second.
Span = tuple[int, int]


@dataclass(frozen=True)
class SourceStatus:
    """How much of a distribution, or of some columns of data, is stored under a sampling scheme.

    Parameters
    ----------
    name
        The distribution, the bundled data, or the columns: the first one and how many others.
    sampling
        The scheme.
    blocks, all_blocks
        How many blocks have all of their numbers, and how many there are to be, with a target at
        most.
    replications, all_replications
        The same in replications.
    share
        Which part of all the drawing is done, from 0 to 1; for numbers that are missing a block is
        drawn again, and counts in part.
    weight
        What there is to draw in all, to weigh sources by.
    parts
        Where cells differ in what is stored of them, as after another batch size was asked for: how
        many cells have how many replications, the most replications first. Empty elsewhere.
    """

    name: str
    sampling: str
    blocks: int
    all_blocks: int
    replications: int
    all_replications: int
    share: float
    weight: float
    parts: tuple[tuple[int, int], ...] = ()


def counted(design: Design, pool: Rows) -> tuple[SourceStatus, ...]:
    """Return how much is stored of every source of a design.

    Parameters
    ----------
    design
        What is run; its data need not be read.
    pool
        What is stored.

    Examples
    --------
    >>> design = Design.make("normal", full_size=64, replications=10_000)
    >>> [one.all_blocks for one in counted(design, Rows({}, {}, None))]
    [3]
    """
    return tuple(_source(design, number, pool) for number in range(len(sources(design))))


def _source(design: Design, number: int, pool: Rows) -> SourceStatus:
    source = sources(design)[number]
    blocks = block_count(design, source)
    if STUDIES[design.study].is_trial:
        # A replication is a block, with all of its numbers; what they are would take long imports.
        found, weight = [_trials(design, source, pool, blocks)], float(blocks)
        parts, cells = [1.0], [1]
    else:
        strands = strands_of(design, number, pool)
        found = [list(_held(strand, design, source, blocks)) for strand in strands]
        # Each of them draws all that it needs.
        parts = [source_draws(strand.design, strand.source) for strand in strands]
        weight = float(sum(parts))
        cells = [strand.cells for strand in strands]
    done = [sum(end - first for first, end in spans) for spans in found]
    whole = sum(part * many for part, many in zip(parts, done, strict=True)) / sum(parts)
    together = found[0]
    for spans in found[1:]:
        together = list(_common(together, spans))
    return SourceStatus(
        name=_name(source),
        sampling=source.sampling,
        blocks=sum(end - first for first, end in together),
        all_blocks=blocks,
        replications=_replications(design, source, together),
        all_replications=replications(design, source),
        share=whole / blocks,
        weight=weight,
        parts=_parts((_replications(design, source, spans) for spans in found), cells),
    )


def _replications(design: Design, source: Source, spans: Iterable[Span]) -> int:
    """Return how many replications there are in blocks."""
    lanes, wanted = lanes_in_block(design), replications(design, source)
    return sum(min(end * lanes, wanted) - min(first * lanes, wanted) for first, end in spans)


def _parts(counts: Iterable[int], cells: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return how many cells have how many replications, if not all have as many."""
    found: dict[int, int] = {}
    for count, many in zip(counts, cells, strict=True):
        if many:
            found[count] = found.get(count, 0) + many
    every = sorted(found.items(), reverse=True)
    return tuple((many, count) for count, many in every) if len(every) > 1 else ()


def _name(source: Source) -> str:
    if len(source.columns) < 2:
        return source.distribution or "".join(source.columns)
    more = len(source.columns) - 1
    return f"{source.columns[0]} and {more:,} other column{'s' * (more > 1)}"


def _held(strand: Strand, design: Design, source: Source, blocks: int) -> Iterator[Span]:
    """Yield the blocks of a strand that a run would not draw again."""
    at = 0
    for end in looks(design, source):
        for held, first, behind in strand.cover((design, source), at, end, blocks):
            if held is not None:
                yield first, behind
        at = end


def _common(one: Sequence[Span], other: Sequence[Span]) -> Iterator[Span]:
    """Yield the blocks that are in both of two rising lists."""
    i = j = 0
    while i < len(one) and j < len(other):
        first, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first < end:
            yield first, end
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1


def _trials(design: Design, source: Source, pool: Rows, blocks: int) -> list[Span]:
    groups = pool.groups(stream_name(design, source))
    at = {
        place.position
        for group in groups
        if _is_of(group, design)
        for place in group.nodes
        if place.position < blocks
    }
    return [(block, block + 1) for block in sorted(at)]


def _is_of(group: Group, design: Design) -> bool:
    """Tell whether a trial's numbers are those of a design's settings."""
    return bool(group.labels) and _read(group.labels[0]).what.startswith(settings_digest(design))


def _read(label: str) -> Label:
    """Return what a label says, without the fingerprint of a function."""
    return Label(*json.loads(label)[: len(Label._fields)])


def beside(design: Design, contents: Contents, pool: Rows) -> tuple[str, ...]:
    """Return what is stored that a design does not ask for, in words.

    Parameters
    ----------
    design
        What is run.
    contents, pool
        What is stored, as it was read and as a pool.
    """
    every = {stream_name(design, source): source for source in sources(design)}
    streams = {numbers.stream for numbers in contents.groups.values()}
    found = [stream_words(stream) for stream in sorted(streams - set(every))]
    extra: list[Label] = []
    for stream, source in _first_of(design).items():
        groups = pool.groups(stream)
        if STUDIES[design.study].is_trial:
            found += ["other settings"] * any(not _is_of(group, design) for group in groups)
            continue
        here = [one for one in sources(design) if stream_name(design, one) == stream]
        wanted = {label for one in here for label in labels(design, one)}
        others = dict.fromkeys(label for group in groups for label in group.labels)
        extra += [_read(label) for label in others if label not in wanted]
        found += _more_replications(design, source, groups)
    return tuple(dict.fromkeys([*_words(design, extra), *found]))


def _first_of(design: Design) -> dict[str, Source]:
    """Return a source of every stream: columns of data share one."""
    return {stream_name(design, source): source for source in reversed(sources(design))}


def _words(design: Design, extra: Iterable[Label]) -> Iterator[str]:
    """Yield what labels have that a design does not ask for."""
    of = {name: dict.fromkeys(getattr(one, name) for one in extra) for name in Label._fields}
    asked: dict[str, Iterable[object]] = {
        "column": ("", *design.columns),
        "kind": ("", *design.estimators, *design.presets),
        "batch_size": (0, *design.batch_sizes),
    }
    some = False
    for name, word in (("column", "columns"), ("kind", "estimators"), ("batch_size", "sizes")):
        others = [one for one in of[name] if one not in asked[name]]
        if others:
            some = True
            shown = [f"{one:,}" if isinstance(one, int) else str(one) for one in others]
            more = f" and {len(shown) - 3:,} more" if len(shown) > 3 else ""
            yield f"{word} {', '.join(shown[:3])}{more}"
    if of["what"] and not some:
        yield "other settings"


def _more_replications(design: Design, source: Source, groups: Sequence[Group]) -> list[str]:
    """Return that there are more replications than a design asks for, if there are."""
    lanes = lanes_in_block(design)
    ends = [
        lanes * (place.position << place.level) + place.replications
        for group in groups
        for place in group.nodes
    ]
    most = max(ends, default=0)
    return [f"R up to {most:,}"] if most > replications(design, source) else []
