"""Names of all the numbers that a run computes, and small designs that compute some of them.

A number's *label* says what it is: its column, estimator or preset, batch size and all else that it
follows from. Given study, seed, full size, data, stream (law or data, and sampling) and block, the
same label has the same bits, whatever else a design asks for. So what is stored under a label can
be taken for any design that has it, and what is missing is computed by a *box*: a design like the
given one, with fewer columns, estimators and batch sizes.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from simnorm.design import Design, canonical_json
from simnorm.fingerprint import fingerprint
from simnorm.options import STUDIES
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.studies.labelled import Label

# Every box draws all observations anew. With more of them, or where they have this share of the
# numbers of one that holds them all, that one is less work.
MOST_BOXES, LARGEST_SHARE = 4, 0.5
# The fields of a label that stay where a function is not there to be looked at.
PLAIN_FIELDS = len(Label._fields)

# The functions of a design and what they look like.
Versions = tuple[tuple[str, str], ...]


class Box(NamedTuple):
    """A design that computes some numbers, and the number of their source among its sources."""

    design: Design
    source: int


class Part(NamedTuple):
    """A rectangle of a source's numbers: all that these columns, kinds and batch sizes have."""

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    sizes: tuple[int, ...]


def labels(
    design: Design, source: Source, versions: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return a label for every number of a source, in the order of the study's `block_errors`.

    Parameters
    ----------
    design, source
        What computes the numbers.
    versions
        Fingerprints of its functions; as they are now if None. A function may change while it is
        called, and labels that are compared must have seen it at one time.

    A label is a JSON list of column, estimator or preset, batch size and what else there is to say,
    followed by a fingerprint for a function of the user. No two of a source are the same.

    Examples
    --------
    >>> design = Design.make("normal", estimators="mean", batch_sizes=[2, 4])
    >>> for label in labels(design, sources(design)[0]):
    ...     print(label)
    ["","mean",2,"full_set"]
    ["","mean",2,"population"]
    ["","mean",4,"full_set"]
    ["","mean",4,"population"]
    """
    return tuple(_labelled(design, source, _versions(design, versions)))


def plain(label: str) -> str:
    """Return a label without the fingerprint of a function.

    A design that is read without its functions has such labels, and cannot tell old from new.

    Examples
    --------
    >>> plain('["","user.middle",2,"full_set","1f0c"]')
    '["","user.middle",2,"full_set"]'
    """
    return canonical_json(json.loads(label)[:PLAIN_FIELDS])


@functools.lru_cache(maxsize=256)
def stream_name(design: Design, source: Source) -> str:  # noqa: ARG001
    """Return what a source's streams are drawn for: law or bundled data or nothing, and sampling.

    Examples
    --------
    >>> design = Design.make("t(df=3)")
    >>> stream_name(design, sources(design)[0])
    '["t(df=3)","shuffle"]'
    """
    return canonical_json([source.distribution, source.sampling])


def fingerprints(design: Design) -> dict[str, str]:
    """Return what functions of the user look like now, by their names."""
    return {str(kind): fingerprint(kind.function, kind.given) for kind in design.functions}


def _versions(design: Design, given: Mapping[str, str] | None = None) -> Versions:
    """Return what functions look like now, unless told: what they call may have changed since."""
    found = fingerprints(design) if given is None else given
    return tuple((str(kind), found[str(kind)]) for kind in design.functions)


@functools.lru_cache(maxsize=32)
def _labelled(design: Design, source: Source, versions: Versions) -> dict[str, Label]:
    """Return what stands behind every label of a source."""
    ends = {kind: f",{_quoted(version)}]" for kind, version in versions}
    found: dict[str, Label] = {}
    every = list(study_of(design).labels(design, source))
    for label in every:
        column, kind, size, what = label
        end = ends.get(kind, "]")
        text = f"[{_quoted(column)},{_quoted(kind)},{size},{_quoted(what)}{end}"
        found[text] = label
    if len(found) < len(every):
        raise AssertionError(f"two numbers of {source} have one label")
    return found


@functools.lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return json.dumps(text)


# ---------------------------------------------------------------------------------------- boxes


def boxes(
    design: Design,
    source: Source,
    missing: Iterable[str],
    versions: Mapping[str, str] | None = None,
) -> list[Box]:
    """Return designs whose numbers hold some of a source's.

    Parameters
    ----------
    design, source
        The whole, and one of its sources.
    missing
        Labels of the source.
    versions
        As in `labels`.

    Returns
    -------
    list
        Few and small designs, all of one source, with other numbers too where these come along. The
        design itself, where its whole source is wanted or nothing less will do.

    Raises
    ------
    KeyError
        For a label that the source does not have.

    Examples
    --------
    >>> design = Design.make("normal,uniform", estimators="mean,max", batch_sizes=[2, 4])
    >>> source = sources(design)[1]
    >>> [box] = boxes(design, source, ['["","max",4,"full_set"]'])
    >>> box.design.distributions, box.design.estimators, box.design.batch_sizes, box.source
    (('uniform',), ('max',), (4,), 0)
    """
    every = _labelled(design, source, _versions(design, versions))
    wanted = {label: every[label] for label in missing}
    if not wanted:
        return []
    itself = Box(design, sources(design).index(source))
    if STUDIES[design.study].is_trial or len(wanted) == len(every):
        return [itself]
    whole = _bounds(every.values())
    parts = _parts(wanted.values())
    around = _bounds(wanted.values())
    if len(parts) > MOST_BOXES or sum(map(_area, parts)) >= LARGEST_SHARE * _area(around):
        parts = [around]
    parts = [_sufficient(design, source, part, wanted, whole, versions) for part in parts]
    if any(set(part.columns) == set(whole.columns) and part[1:] == whole[1:] for part in parts):
        return [itself]
    return [_box(design, source, part) for part in _joined(parts)]


def _sufficient(
    design: Design,
    source: Source,
    part: Part,
    wanted: Mapping[str, Label],
    whole: Part,
    versions: Mapping[str, str] | None,
) -> Part:
    """Return a rectangle whose design has all the wanted numbers in it."""
    box = _box(design, source, part)
    having = set(labels(box.design, sources(box.design)[box.source], versions))
    if all(label in having for label, what in wanted.items() if _is_in(what, part)):
        return part
    # What curves are drawn for is chosen among all batch sizes.
    return part._replace(sizes=whole.sizes)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Return rectangles of which no two differ in their columns alone."""
    found: dict[tuple[tuple[str, ...], tuple[int, ...]], dict[str, None]] = {}
    for part in parts:
        found.setdefault(part[1:], {}).update(dict.fromkeys(part.columns))
    return [Part(tuple(columns), *rest) for rest, columns in found.items()]


def _parts(wanted: Iterable[Label]) -> list[Part]:
    """Return rectangles that hold these numbers and, but for what comes along, no others."""
    of_pairs: dict[tuple[str, str], dict[int, None]] = {}
    for label in wanted:
        of_pairs.setdefault((label.column, label.kind), {})[label.batch_size] = None
    of_columns: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for (column, kind), sizes in of_pairs.items():
        of_columns.setdefault((column, tuple(sorted(sizes))), []).append(kind)
    return _joined(
        Part((column,), tuple(sorted(kinds)), sizes_of)
        for (column, sizes_of), kinds in of_columns.items()
    )


def _bounds(wanted: Iterable[Label]) -> Part:
    """Return the smallest rectangle that holds these numbers."""
    columns, kinds, sizes = (set(part) for part in list(zip(*wanted, strict=True))[:3])
    return Part(tuple(sorted(columns)), tuple(sorted(kinds)), tuple(sorted(sizes)))


def _area(part: Part) -> int:
    return math.prod(map(len, part))


def _is_in(label: Label, part: Part) -> bool:
    return (
        label.column in part.columns and label.kind in part.kinds and label.batch_size in part.sizes
    )


def _box(design: Design, source: Source, part: Part) -> Box:
    """Return the design of a rectangle; everything stands in the order it had."""

    def kept(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(kind for kind in given if kind in part.kinds)

    small = dataclasses.replace(
        design,
        distributions=(source.distribution,) if source.distribution else (),
        sampling=(source.sampling,),
        columns=tuple(column for column in source.columns if column in part.columns),
        batch_sizes=tuple(n for n in design.batch_sizes if n in part.sizes),
        estimators=kept(design.estimators),
        presets=kept(design.presets),
        functions=tuple(kind for kind in design.functions if str(kind) in part.kinds),
    )
    return Box(small, 0)


__all__ = [
    "Box",
    "boxes",
    "fingerprints",
    "labels",
    "plain",
    "stream_name",
]
