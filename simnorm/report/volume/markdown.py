"""The report of an answer as Markdown: the same article as the PDF, pictures beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from simnorm.errors import RunError
from simnorm.report.formats import check_pictures, pictures_of
from simnorm.report.markdown import Writer, folded, places_of, write_pictures
from simnorm.report.markdown.marked import literal
from simnorm.report.places import check_place, write_whole
from simnorm.report.volume.content import Content

if TYPE_CHECKING:
    from simnorm.answering import Answer

ATTACHED = "Files that this report calls attached are in the folders of the runs."
LETTERS = "ABCDEFGHIJ"


def write(answer: Answer, path: str | Path) -> None:
    """Write the report of `answer` as Markdown; see `simnorm.report.volume.write`."""
    path = Path(path)
    folder = pictures_of(path)
    check_pictures(path)
    try:
        check_place(path)
        content = Content.of(answer)
        text = markdown(content, folder.name)
        write_pictures(content, folder)
        write_whole(text.encode(), path)
    except OSError as error:
        raise RunError(
            "report", os.fspath(path), f"the file cannot be written ({error.strerror or error})",
            "Name a place you may write to.",
        ) from None  # fmt: skip


def text_of(answer: Answer) -> str:
    """Return the report of `answer` as Markdown without pictures."""
    return markdown(Content.of(answer), "")


def markdown(content: Content, pictures: str) -> str:
    """Return the report as Markdown; `pictures` is the folder of its pictures, if it has any."""
    written = AnswerWriter(content, pictures)
    parts = [*written.front(), *written.chapters(), *written.appendices()]
    return "\n\n".join(part for part in parts if part) + "\n"


class AnswerWriter(Writer):
    """Writes the blocks of an article on several studies.

    Parameters
    ----------
    content
        The article, and what goes around it.
    pictures
        The folder of its pictures; none if empty.
    """

    def __init__(self, content: Content, pictures: str) -> None:
        super().__init__(content, pictures)
        self.last = content.appendix
        whole = [*self.article.chapters, *content.appendix]
        self.places = places_of(self.article.first, whole)

    def appendices(self) -> list[str]:
        """Return the chapters of the appendix, folded."""
        found = []
        for letter, part in zip(LETTERS, self.last, strict=False):
            found.append(f"## {letter} {literal(part['title'])}")
            found += folded(part["title"], self.blocks(part["blocks"]))
        return [*found, self.small(f"{ATTACHED} {self.around['author']}.", ready=True)]
