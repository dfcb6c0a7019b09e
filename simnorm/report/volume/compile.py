"""From an answer to a PDF file: data and figures into a folder, Typst over it, one rename."""

from __future__ import annotations

import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from simnorm.errors import RunError
from simnorm.report.formats import A4
from simnorm.report.places import check_place, write_whole
from simnorm.report.typeset import typeset
from simnorm.report.volume.content import Content, files_of

if TYPE_CHECKING:
    from simnorm.answering import Answer

TEMPLATE = "volume.typ"
PACKAGES = ("simnorm.report", "simnorm.report.volume")


def write(answer: Answer, path: str | Path, *, paper: str = A4) -> None:
    """Write the report of `answer` to `path`; see `simnorm.report.volume.write`."""
    path = Path(path)
    try:
        check_place(path)
        write_whole(compiled(answer, paper=paper), path)
    except OSError as error:
        raise RunError(
            "report", os.fspath(path), f"the file cannot be written ({error.strerror or error})",
            "Name a place you may write to.",
        ) from None  # fmt: skip


def compiled(answer: Answer, *, paper: str = A4) -> bytes:
    """Return the report of `answer` as the bytes of a PDF."""
    content = Content.of(answer)
    with tempfile.TemporaryDirectory(prefix="simnorm-report-") as folder:
        root = Path(folder)
        for package in PACKAGES:
            for part in files(package).iterdir():
                if part.name.endswith(".typ"):
                    (root / part.name).write_bytes(part.read_bytes())
        for name, inside in files_of(answer).items():
            (root / name).write_bytes(inside)
        for name in content.article.figures():
            content.picture(name, root / f"{name}.svg")
        when = int(content.finished.timestamp())
        return typeset(root, TEMPLATE, content.data(), timestamp=when, paper=paper)
