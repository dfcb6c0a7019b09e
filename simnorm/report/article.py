"""A report made of chapters: what a study has to say, as plain values that one template sets.

A chapter is a list of blocks: paragraphs, findings, figures, tables, formulas and lists. Texts are
never markup. The studies' own texts are in `simnorm.report.chapters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

Block = dict[str, Any]


def text(words: str) -> Block:
    """Return a paragraph."""
    return {"kind": "text", "text": words}


def finding(words: str) -> Block:
    """Return a sentence that should be seen: what the numbers say."""
    return {"kind": "finding", "text": words}


def small(words: str) -> Block:
    """Return a paragraph in small print."""
    return {"kind": "small", "text": words}


def heading(words: str) -> Block:
    """Return the heading of a section inside a chapter."""
    return {"kind": "heading", "text": words}


def formula(name: str) -> Block:
    """Return a formula of ``formulas.typ`` by its name."""
    return {"kind": "formula", "name": name}


def figure(kind: str, caption: str, alt: str = "") -> Block:
    """Return a figure by its kind; `alt` is what a screen reader says before the caption."""
    return {"kind": "figure", "name": kind, "caption": caption, "alt": f"{alt} {caption}".strip()}


def verdict(claim: str, word: str, why: str) -> Block:
    """Return something that is often said, a verdict on it in a few words, and why."""
    return {"kind": "verdict", "claim": claim, "word": word, "text": why}


def bullets(items: Sequence[str]) -> Block:
    """Return a list."""
    return {"kind": "list", "items": list(items)}


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    sides: str = "",
    *,
    wide: int = 0,
    gutter: float = 10.0,
    shares: Sequence[float] = (),
) -> Block:
    """Return a table.

    Parameters
    ----------
    head, rows
        Texts.
    caption
        What it shows, and what was found.
    sides
        A letter l, c or r for the alignment of every column; left, then right unless told.
    wide
        The column that takes the room that is left; -1 for none.
    gutter
        Points between columns.
    shares
        Parts of the room that is left, one for every column, 0 for what it needs; in place of
        `wide` where several columns have long texts.
    """
    sides = sides or "l" + "r" * (len(head) - 1)
    rows = [list(row) for row in rows]
    return {"kind": "table", "head": list(head), "rows": rows, "caption": caption, "sides": sides,
            "wide": wide, "gutter": gutter, "shares": list(shares)}  # fmt: skip


def chapter(title: str, blocks: Sequence[Block]) -> dict[str, Any]:
    """Return a chapter."""
    return {"title": title, "blocks": list(blocks)}


@dataclass(frozen=True)
class Article:
    """A study's report.

    Parameters
    ----------
    title
        The question.
    head
        A few words for the running head.
    subtitle, setting
        One line on what was run, and the paragraph that begins the first page.
    answer, shape
        The answer in plain words, set large, and what goes on it.
    tiles
        Up to three numbers that matter, each with `number`, `caption` and `detail`.
    tiles_note
        What the tiles are, in small print.
    first
        Blocks on the first page behind the tiles: a figure, a small table.
    trust
        A sentence on how far the numbers can be trusted, from the run's own audit.
    chapters
        What follows.
    floating
        Whether figures of the chapters go to the head or foot of a page, so that none stays empty.
    """

    title: str
    head: str
    subtitle: str
    setting: str
    answer: str
    shape: str = ""
    tiles: Sequence[dict[str, str]] = ()
    tiles_note: str = ""
    first: Sequence[Block] = ()
    trust: str = ""
    chapters: Sequence[dict[str, Any]] = field(default_factory=tuple)
    floating: bool = False

    def figures(self) -> list[str]:
        """Return the kinds of all figures, in order."""
        blocks = [*self.first, *(block for part in self.chapters for block in part["blocks"])]
        return list(dict.fromkeys(b["name"] for b in blocks if b["kind"] == "figure"))


class Author(Protocol):
    """What a study's module in `simnorm.report.chapters` has."""

    def article(
        self, frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
    ) -> Article:
        """Return the report of a run, from tables whose names all have glyphs."""


def article_of(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> Article:
    """Return the report of a run of any study but the sweep."""
    study = str(frame["study"].iloc[0])
    author = cast(Author, import_module(f"simnorm.report.chapters.{study}"))
    return author.article(frame, curves, columns, result)
