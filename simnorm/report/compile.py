"""From a result to a PDF file: data and figures into a folder, Typst over it, one rename."""

from __future__ import annotations

import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from simnorm.errors import RunError
from simnorm.report.content import Content, attachments
from simnorm.report.formats import A4, check_paper
from simnorm.report.places import check_place, write_whole
from simnorm.report.typeset import typeset

if TYPE_CHECKING:
    from simnorm.report import Reportable

ARTICLE = "article.typ"


def write(result: Reportable, path: str | Path, *, paper: str = A4) -> None:
    """Write the report of `result` to `path`; see `simnorm.report.write_report`."""
    path = Path(path)
    check_paper(paper)
    try:
        check_place(path)
        write_whole(compiled(result, paper=paper), path)
    except OSError as error:
        raise RunError(
            "report", os.fspath(path), f"the file cannot be written ({error.strerror or error})",
            "Name a place you may write to.",
        ) from None  # fmt: skip


def compiled(result: Reportable, *, paper: str = A4) -> bytes:
    """Return the report of `result` as the bytes of a PDF."""
    paper = check_paper(paper)
    content = Content.of(result)
    with tempfile.TemporaryDirectory(prefix="simnorm-report-") as folder:
        root = Path(folder)
        _write_parts(result, root)
        for name in content.article.figures():
            content.picture(name, root / f"{name}.svg")
        when = int(content.finished.timestamp())
        return typeset(root, ARTICLE, content.data(), timestamp=when, paper=paper)


def _write_parts(result: Reportable, root: Path) -> None:
    """Write templates and attachments to the folder that Typst sees."""
    for part in files("simnorm.report").iterdir():
        if part.name.endswith(".typ"):
            (root / part.name).write_bytes(part.read_bytes())
    for name, content in attachments(result).items():
        (root / name).write_bytes(content)
