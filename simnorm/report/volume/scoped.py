"""Blocks of one study among those of others: names and references say whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simnorm.report.article import Block

# What a block is called by.
NAMES = ("name", "label")


def scoped(blocks: Sequence[Block], study: str) -> list[Block]:
    """Return blocks whose names, and the references to them, begin with the study.

    Figures of a kind, such as ``error``, may be in several studies; a document needs one name each.

    Examples
    --------
    >>> from simnorm.report.article import figure, ref, text
    >>> shown = scoped([text([ref("error"), " shows it."]), figure("error", "It.")], "inputs")
    >>> shown[0]["text"][0], shown[1]["name"], shown[1]["of"]
    ({'ref': 'inputs-error'}, 'inputs-error', 'error')
    """
    return [_block(block, study) for block in blocks]


def _block(block: Block, study: str) -> Block:
    """Return a block with its own name, and all references in it, of the study.

    A formula's name is that of ``formulas.typ``, and no formula is referred to.
    """
    found = {key: _inside(value, study) for key, value in block.items()}
    if block["kind"] == "formula":
        return found
    return found | {key: f"{study}-{block[key]}" for key in NAMES if block.get(key)}


def _inside(value: Any, study: str) -> Any:
    if isinstance(value, Mapping):
        if "ref" in value:
            return {**value, "ref": f"{study}-{value['ref']}"}
        return {key: _inside(part, study) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_inside(part, study) for part in value]
    return value


def references(value: Any) -> Iterator[str]:
    """Yield the targets of all references in blocks, or in a part of one."""
    if isinstance(value, Mapping):
        if "ref" in value:
            yield str(value["ref"])
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from references(part)


def targets(blocks: Sequence[Block]) -> set[str]:
    """Return what can be referred to in blocks: figures, and labelled tables and sections."""
    kinds = {"figure": "name", "table": "label", "heading": "label"}
    return {str(b[kinds[b["kind"]]]) for b in blocks if b["kind"] in kinds} - {""}
