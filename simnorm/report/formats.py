"""The two forms of a report, and which one a file's name means."""

from __future__ import annotations

import os
from pathlib import Path

from simnorm.errors import SimnormError, nearest

PDF, MARKDOWN = "pdf", "md"
ENDINGS = {".pdf": PDF, ".md": MARKDOWN}
FORMATS = (PDF, MARKDOWN)


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
            allowed, hint = f"of format {wanted}", f"Name a file ending in {endings[wanted]}."
        else:
            allowed, hint = "PDF or Markdown", "Name a file ending in .pdf or .md."
        raise SimnormError(parameter, os.fspath(path), f"a report is {allowed}", hint)
    if wanted and wanted != found:
        allowed = f"its ending says {found}, the format says {wanted}"
        raise SimnormError(parameter, os.fspath(path), allowed, "Drop one or change it.")
    return found
