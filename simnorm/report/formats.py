"""The forms of a report, which one a file's name means, and the papers there are."""

from __future__ import annotations

import os
from pathlib import Path

from simnorm.errors import SimnormError, nearest

PDF, MARKDOWN = "pdf", "md"
ENDINGS = {".pdf": PDF, ".md": MARKDOWN}
FORMATS = (PDF, MARKDOWN)

A4, LETTER = "a4", "letter"
# As Typst calls them.
PAPERS = {A4: "a4", LETTER: "us-letter"}


def check_format(format: str, parameter: str = "format") -> str:
    """Return the form's word in small letters; refuse one that there is not.

    Examples
    --------
    >>> check_format("MD")
    'md'
    """
    word = str(format).strip().lower()
    if word not in FORMATS:
        allowed = f"allowed are {' and '.join(FORMATS)}"
        raise SimnormError(parameter, format, allowed, nearest(word, FORMATS).strip())
    return word


def format_of(path: str | Path, format: str = "", parameter: str = "report") -> str:
    """Return the form of a report by the ending of its file, and check it against `format`.

    Parameters
    ----------
    path
        The file's name.
    format
        ``pdf``, ``md``, or nothing.
    parameter
        What an error calls the path.

    Raises
    ------
    SimnormError
        If the ending is neither, there is no such format, or the two contradict each other.

    Examples
    --------
    >>> format_of("notes/report.md")
    'md'
    """
    wanted = check_format(format) if format else ""
    found = ENDINGS.get(Path(path).suffix.lower(), "")
    endings = {kind: ending for ending, kind in ENDINGS.items()}
    if not found:
        if wanted:
            allowed, hint = f"the format is {wanted}", f"Name a file ending in {endings[wanted]}."
        else:
            allowed, hint = "a report is PDF or Markdown", "Name a file ending in .pdf or .md."
        raise SimnormError(parameter, os.fspath(path), allowed, hint)
    if wanted and wanted != found:
        allowed = f"its ending says {found}, the format says {wanted}"
        raise SimnormError(parameter, os.fspath(path), allowed, "Drop one or change it.")
    return found


def check_paper(paper: str | None, format: str = PDF) -> str:
    """Return a paper's word in small letters, A4 for none; refuse one that reports do not know.

    Parameters
    ----------
    paper
        ``a4``, ``letter``, or None for what there is without asking.
    format
        The form of the report: Markdown has no paper.

    Raises
    ------
    SimnormError
        If there is no such paper, or the report has none.

    Examples
    --------
    >>> check_paper("Letter")
    'letter'
    """
    if paper is None:
        return A4
    word = str(paper).strip().lower()
    if word not in PAPERS:
        allowed = f"allowed are {' and '.join(PAPERS)}"
        raise SimnormError("paper", paper, allowed, nearest(word, PAPERS).strip())
    if format == MARKDOWN:
        raise SimnormError("paper", paper, "a report in Markdown has none", "Leave it out.")
    return word


def pictures_of(path: str | Path) -> Path:
    """Return the folder for the pictures of a report in Markdown.

    Examples
    --------
    >>> pictures_of("notes/report.md").name
    'report_files'
    """
    path = Path(path)
    return path.with_name(f"{path.stem}_files")


def check_pictures(path: str | Path, parameter: str = "report") -> None:
    """Refuse a report in Markdown whose pictures have no place."""
    folder = pictures_of(path)
    is_markdown = ENDINGS.get(Path(path).suffix.lower()) == MARKDOWN
    if is_markdown and os.path.lexists(folder) and not folder.is_dir():
        allowed = f"its pictures go to {folder.name}, which is a file"
        raise SimnormError(parameter, os.fspath(path), allowed, "Name another file.")
