"""A report as Markdown, for pull requests: the same article as the PDF, pictures beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from simnorm.errors import RunError
from simnorm.report.article import Article, Block
from simnorm.report.content import Content
from simnorm.report.formats import check_pictures, pictures_of
from simnorm.report.markdown.latex import FORMULAS
from simnorm.report.markdown.marked import beginning, fenced, html, literal, rich
from simnorm.report.markdown.pipes import pipe_table
from simnorm.report.pieces import plain
from simnorm.report.places import check_place, write_whole

if TYPE_CHECKING:
    from simnorm.report import Reportable

# A chapter with more characters is folded, and so is a table with more rows.
LONG_CHAPTER = 2000
LONG_TABLE = 16

WITHOUT = "Pictures are left out here; with `-o report.md` they are written beside the file."
AGAIN = (
    "The same seed, design and versions give the same numbers, whatever the number of workers"
    "{limit}. To run it again, save the design below as `design.toml` and call "
    "`simnorm run design.toml`. Files that this report calls attached are in the run folder."
)
LIMIT = (
    ", but for where the time limit falls: the numbers of a cell are those of any run with as many "
    "replications"
)


class Drawable(Protocol):
    """What a writer needs: an article, what goes around it, and its pictures."""

    @property
    def article(self) -> Article:
        """The report."""

    @property
    def around(self) -> dict[str, Any]:
        """Author, notes and what else goes around it."""

    def picture(self, name: str, path: Path, *, outlined: bool = False) -> None:
        """Draw a figure of the article and write it as SVG."""


def write(result: Reportable, path: str | Path) -> None:
    """Write the report of `result` as Markdown; see `simnorm.report.write_report`."""
    path = Path(path)
    folder = pictures_of(path)
    check_pictures(path)
    try:
        check_place(path)
        content = Content.of(result)
        text = markdown(content, result, folder.name)
        write_pictures(content, folder)
        write_whole(text.encode(), path)
    except OSError as error:
        raise RunError(
            "report", os.fspath(path), f"the file cannot be written ({error.strerror or error})",
            "Name a place you may write to.",
        ) from None  # fmt: skip


def text_of(result: Reportable) -> str:
    """Return the report of `result` as Markdown without pictures."""
    return markdown(Content.of(result), result, "")


def write_pictures(content: Drawable, folder: Path) -> None:
    """Draw all pictures, then put them into the folder; what else is in it stays."""
    with tempfile.TemporaryDirectory(prefix="simnorm-report-") as scratch:
        drawn = [Path(scratch, f"{name}.svg") for name in content.article.figures()]
        for picture in drawn:
            content.picture(picture.stem, picture, outlined=True)
        folder.mkdir(exist_ok=True)
        for picture in drawn:
            write_whole(picture.read_bytes(), folder / picture.name)


def markdown(content: Content, result: Reportable, pictures: str) -> str:
    """Return a report as Markdown.

    Parameters
    ----------
    content
        What it says.
    result
        The run, for its design.
    pictures
        The folder of its pictures, as links name it; none if empty.
    """
    written = Writer(content, pictures)
    parts = [*written.front(), *written.chapters(), *written.appendix(result.design.to_toml())]
    return "\n\n".join(part for part in parts if part) + "\n"


class Writer:
    """Writes the blocks of one article.

    Parameters
    ----------
    content
        The article, and what goes around it.
    pictures
        The folder of its pictures; none if empty.
    """

    def __init__(self, content: Drawable, pictures: str) -> None:
        self.article, self.around = content.article, content.around
        self.pictures = pictures
        self.places = places_of(self.article.first, self.article.chapters)
        self.counts = {"figure": 0, "table": 0}

    def front(self) -> list[str]:
        """Return what the first page of the PDF has."""
        made, around = self.article, self.around
        notice = [f"**{literal(around['notice'])}**"] if around["notice"] else []
        notice += [self.said(line) for line in around["missed"]] if notice else []
        answer = f"**{literal(made.answer)}**" + (f" {literal(made.shape)}" if made.shape else "")
        return [
            f"# {literal(made.title)}",
            self.said(made.subtitle),
            self.said(made.setting),
            "\n".join(f"> {line}\n>" for line in notice).removesuffix("\n>"),
            answer,
            self.tiles(),
            self.small(made.tiles_note) if made.tiles else "",
            *self.blocks(made.first),
            self.said(made.trust),
            self.small(around["note"]),
            self.small(WITHOUT, ready=True) if made.figures() and not self.pictures else "",
        ]

    def tiles(self) -> str:
        """Return the numbers that matter, side by side."""
        tiles = self.article.tiles
        if not tiles:
            return ""
        rows = [[tile["caption"] for tile in tiles], [tile["detail"] for tile in tiles]]
        head = [tile["number"] for tile in tiles]
        return pipe_table(self.said_in_cell, head, rows, "c" * len(head))

    def chapters(self) -> list[str]:
        """Return the chapters, the long ones folded."""
        found = []
        for at, part in enumerate(self.article.chapters, start=1):
            written = self.blocks(part["blocks"])
            found.append(f"## {self.anchor(part)}{at} {literal(part['title'])}")
            if sum(map(len, written)) > LONG_CHAPTER:
                written = folded(_inside(part["blocks"]), written)
            found += written
        return found

    def blocks(self, blocks: Sequence[Block]) -> list[str]:
        """Return the blocks of a chapter."""
        return [self.block(it) for it in blocks]

    def block(self, it: Block) -> str:
        """Return one block."""
        write: dict[str, Callable[[Block], str]] = {
            "text": self.paragraph,
            "finding": lambda it: f"> {self.said(it['text'])}",
            "small": lambda it: self.small(it["text"]),
            "heading": self.heading,
            "formula": lambda it: fenced(FORMULAS[it["name"]], "math"),
            "figure": self.figure,
            "verdict": self.verdict,
            "list": lambda it: "\n".join(f"- {self.said(part)}" for part in it["items"]),
            "listing": lambda it: fenced(it["text"], it["language"]),
            "table": self.table,
        }
        return write[it["kind"]](it)

    def said(self, words: Any) -> str:
        """Return a text that begins a line."""
        return beginning(self.inside(words))

    def inside(self, words: Any) -> str:
        """Return a text that other words stand before."""
        return rich(words, self.places)

    def said_in_cell(self, words: Any) -> str:
        """Return a text in a cell of a table."""
        return rich(words, self.places, cell=True)

    def paragraph(self, it: Block) -> str:
        """Return a paragraph, its first words in bold type where it has some."""
        lead = it.get("lead", "")
        if not lead:
            return self.said(it["text"])
        return f"**{literal(lead)}** {self.inside(it['text'])}"

    def small(self, words: Any, *, ready: bool = False) -> str:
        """Return a paragraph in small print; `ready` if it is Markdown already."""
        made = words if ready else self.inside(words)
        return f"<sub>{made}</sub>" if made else ""

    def heading(self, it: Block) -> str:
        """Return the heading of a section."""
        return f"### {self.anchor(it)}{literal(it['text'])}"

    def anchor(self, it: Mapping[str, Any]) -> str:
        """Return the place that links to a heading, a chapter or a table lead to, if any do."""
        label = it.get("label", "")
        return f'<a id="{self.places[label][1]}"></a>' if label else ""

    def verdict(self, it: Block) -> str:
        """Return what is often said, and what to think of it."""
        why = self.inside(it["text"])
        return f"*“{literal(it['claim'])}”*\n\n**{literal(it['word'])}.** {why}"

    def caption(self, it: Block, word: str) -> str:
        """Return a caption with its number."""
        self.counts[it["kind"]] += 1
        title = f". {literal(it['title'])}." if it.get("title") else ""
        return f"**{word} {self.counts[it['kind']]}{title}** {self.inside(it['caption'])}".strip()

    def figure(self, it: Block) -> str:
        """Return a picture with its caption."""
        name, caption = it["name"], self.caption(it, "Figure")
        caption = f'<a id="{self.places[name][1]}"></a>{caption}'
        if not self.pictures:
            return caption
        place = quote(os.fsencode(f"{self.pictures}/{name}.svg"))
        return f"![{literal(it['alt'])}]({place})\n\n{caption}"

    def table(self, it: Block) -> str:
        """Return a table under its caption; a long one is folded under its title."""
        caption = self.caption(it, "Table")
        made = pipe_table(
            self.said_in_cell, it["head"], it["rows"], it["sides"], it.get("groups", ())
        )
        anchor = self.anchor(it)
        if len(it["rows"]) <= LONG_TABLE:
            return f"{anchor}{caption}\n\n{made}"
        title, words = it.get("title", ""), it["caption"]
        summary = f"Table {self.counts['table']}. {title or plain(words)}"
        inside = [self.said(words)] if title and words else []
        return "\n\n".join([*([anchor] if anchor else []), *folded(summary, [*inside, made])])

    def appendix(self, design: str) -> list[str]:
        """Return where the numbers come from, and how to have them again."""
        around = self.around
        rows = [[word, value] for word, value in around["provenance"]]
        table = pipe_table(self.said_in_cell, ["item", "value"], rows, "ll")
        again = AGAIN.format(limit=LIMIT if around["timed"] else "")
        return [
            "## Provenance",
            again,
            *folded("Where the numbers come from", [table]),
            *folded("The design", [fenced(design, "toml")]),
            self.small(around["author"]),
        ]


def folded(summary: str, parts: Sequence[str]) -> list[str]:
    """Return parts that are seen when somebody opens them."""
    return [f"<details>\n<summary>{html(summary)}</summary>", *parts, "</details>"]


def _inside(blocks: Sequence[Block]) -> str:
    """Return what a folded chapter holds, in words."""
    counts = [(sum(it["kind"] == kind for it in blocks), kind) for kind in ("figure", "table")]
    held = [f"{count} {kind}{'s' * (count > 1)}" for count, kind in counts if count]
    return f"Read the chapter ({', '.join(held)})" if held else "Read the chapter"


def places_of(first: Sequence[Block], chapters: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Return what references to figures, tables, sections and chapters are called, and lead to."""
    found: dict[str, tuple[str, str]] = {}
    counts = {"figure": 0, "table": 0}
    for at, part in enumerate([{"blocks": first}, *chapters]):
        section = 0
        if part.get("label"):
            found[part["label"]] = (f"Chapter {at}", quote(f"at-{part['label']}"))
        for it in part["blocks"]:
            kind = it["kind"]
            if kind == "heading":
                section += 1
                said, label = f"Section {at}.{section}", it.get("label", "")
            elif kind in counts:
                counts[kind] += 1
                said = f"{kind.capitalize()} {counts[kind]}"
                label = it["name"] if kind == "figure" else it.get("label", "")
            else:
                continue
            if label:
                found[label] = (said, quote(f"at-{label}"))
    return found
