"""A report made of chapters: what a study has to say, as plain values that one template sets.

A chapter is a list of blocks: paragraphs, findings, figures, tables, formulas and lists. Texts are
never markup. A text is a string or a list of pieces: strings, and symbols, words of code, stressed
words and references, each made by a function of its name. The studies' own texts are in
`simnorm.report.chapters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from simnorm.options import SWEEP
from simnorm.report.pieces import (
    Piece,
    Rich,
    badge,
    code,
    plain,
    ref,
    strong,
    sym,
    without_nothing,
)

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

__all__ = [
    "Article", "Block", "Piece", "Rich", "article_of", "badge", "bullets", "cell", "chapter",
    "code", "figure", "finding", "formula", "heading", "listing", "plain", "ref", "small", "strong",
    "sym", "table", "text", "verdict",
]  # fmt: skip

Block = dict[str, Any]
# A rule between rows of a table.
RULE = "rule"


def text(words: Rich, lead: str = "") -> Block:
    """Return a paragraph; `lead` is a word or two in bold type that tell what it is about."""
    return {"kind": "text", "text": without_nothing(words), "lead": lead}


def finding(words: Rich) -> Block:
    """Return a sentence that should be seen: what the numbers say."""
    return {"kind": "finding", "text": without_nothing(words)}


def small(words: Rich) -> Block:
    """Return a paragraph in small print."""
    return {"kind": "small", "text": without_nothing(words)}


def heading(words: str, label: str = "") -> Block:
    """Return the heading of a section inside a chapter; `label` is a name to refer to it."""
    return {"kind": "heading", "text": words, "label": label}


def formula(name: str) -> Block:
    """Return a formula of ``formulas.typ`` by its name."""
    return {"kind": "formula", "name": name}


def figure(
    kind: str,
    caption: Rich,
    alt: str = "",
    *,
    title: str = "",
    name: str = "",
    options: Mapping[str, Any] | None = None,
) -> Block:
    """Return a figure.

    Parameters
    ----------
    kind
        A word of `simnorm.figures.kinds_of`.
    caption
        What was found, and what is drawn how as far as that is not plain.
    alt
        What a screen reader says before the caption.
    title
        A few words that begin the caption, in bold type.
    name
        What references and files call it, where a report has several of a kind; its kind unless
        told.
    options
        Passed on to `simnorm.figures.figure`, e.g. ``{"page": 2}``.
    """
    caption = without_nothing(caption)
    said = f"{title}. {plain(caption)}" if title else plain(caption)
    return {"kind": "figure", "name": name or kind, "of": kind, "options": dict(options or {}),
            "title": title, "caption": caption,
            "alt": f"{alt} {said}".strip()}  # fmt: skip


def verdict(claim: str, word: str, why: Rich) -> Block:
    """Return something that is often said, a verdict on it in a few words, and why."""
    return {"kind": "verdict", "claim": claim, "word": word, "text": why}


def listing(words: str, language: str) -> Block:
    """Return lines of code as they are typed."""
    return {"kind": "listing", "text": words, "language": language}


def bullets(items: Sequence[Rich]) -> Block:
    """Return a list."""
    return {"kind": "list", "items": list(items)}


def cell(words: Rich, *, rows: int = 1, columns: int = 1, below: str = "") -> dict[str, Any]:
    """Return a cell of a table that spans rows or columns, or has a second line in small print."""
    return {"text": words, "rows": rows, "columns": columns, "below": below}


def table(
    head: Sequence[Rich],
    rows: Sequence[Any],
    caption: Rich,
    sides: str = "",
    *,
    wide: int = 0,
    gutter: float = 10.0,
    shares: Sequence[float] = (),
    title: str = "",
    label: str = "",
    groups: Sequence[tuple[str, int]] = (),
    tight: bool = False,
    air: float = 3.1,
) -> Block:
    """Return a table.

    Parameters
    ----------
    head, rows
        Texts, or cells made by `cell`. Where one spans rows, those after it have a cell less.
        `RULE` in place of a row is a line across the table.
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
    title
        A few words that begin the caption, in bold type.
    label
        A name to refer to it.
    groups
        Heads above the heads, each with the number of columns it spans; nothing over a column that
        belongs to none. With groups and no `wide` the room that is left goes between groups.
    tight
        Whether rows stand close, as in long tables.
    air
        Points above and below the words of a row, unless it is tight.
    """
    sides = sides or "l" + "r" * (len(head) - 1)
    return {"kind": "table", "head": list(head), "rows": [_row(row) for row in rows],
            "caption": without_nothing(caption), "sides": sides, "wide": wide, "gutter": gutter,
            "shares": list(shares), "title": title, "label": label,
            "groups": [[words, count] for words, count in groups], "tight": tight,
            "air": air}  # fmt: skip


def _row(row: Any) -> Any:
    return row if row == RULE else list(row)


def chapter(title: str, blocks: Sequence[Block], label: str = "") -> dict[str, Any]:
    """Return a chapter; `label` is a name to refer to it."""
    return {"title": title, "blocks": list(blocks), "label": label}


@dataclass(frozen=True)
class Article:
    """A study's report.

    Parameters
    ----------
    title
        The question.
    head
        A few words for the running head.
    about
        What sets it apart from reports of other runs: the file, or the distributions.
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
    trust: Rich = ""
    chapters: Sequence[dict[str, Any]] = field(default_factory=tuple)
    floating: bool = False
    about: str = ""

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks in order, those of the first page first."""
        yield from self.first
        for part in self.chapters:
            yield from part["blocks"]

    def pictures(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return kind and options of every figure by its name, in order."""
        return {b["name"]: (b["of"], b["options"]) for b in self.blocks() if b["kind"] == "figure"}

    def figures(self) -> list[str]:
        """Return the names of all figures, in order."""
        return list(self.pictures())


class Author(Protocol):
    """What a study's module in `simnorm.report.chapters` has."""

    def article(
        self, frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
    ) -> Article:
        """Return the report of a run, from tables whose names all have glyphs."""


def article_of(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> Article:
    """Return the report of a run of any study."""
    study = str(frame["study"].iloc[0]) if len(frame) else SWEEP
    author = cast(Author, import_module(f"simnorm.report.chapters.{study}"))
    return author.article(frame, curves, columns, result)
