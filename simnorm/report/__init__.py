"""The report of a run: tables, sentences and figures, as PDF set by Typst, or as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from simnorm.report.collector import uncollected
from simnorm.report.formats import MARKDOWN, check_paper, format_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["Reportable", "write_report"]


class Design(Protocol):
    """What a report needs of a design."""

    @property
    def data(self) -> str:
        """Where the data come from; nothing for distributions."""

    @property
    def replications(self) -> int:
        """How many replications were asked for, or the most that a target may take."""

    @property
    def target_mcse(self) -> str:
        """The target, or nothing."""

    @property
    def time_limit(self) -> float:
        """When to stop drawing, in seconds; 0 if there is no limit."""

    @property
    def sampling(self) -> tuple[str, ...]:
        """How batches come from the full set."""

    def to_toml(self) -> str:
        """Return the design as the text of a TOML file."""


class Reportable(Protocol):
    """What a report needs of a result."""

    @property
    def design(self) -> Design:
        """The design that was run."""

    @property
    def frame(self) -> pd.DataFrame:
        """The tidy table."""

    @property
    def curves(self) -> pd.DataFrame:
        """The long table of curves."""

    @property
    def columns(self) -> pd.DataFrame:
        """What every column of data is like; no rows for distributions."""

    @property
    def provenance(self) -> dict[str, Any]:
        """Command, versions, times."""


def write_report(
    result: Reportable, path: str | Path, *, paper: str | None = None, format: str = ""
) -> None:
    """Write the report of a run as PDF or Markdown; the same run gives the same bytes.

    Parameters
    ----------
    result
        A result: design, tables and provenance.
    path
        The file to write. It appears complete or not at all. Pictures of a Markdown report go to
        a folder beside it, called like it with ``_files`` in place of its ending.
    paper
        Of a PDF, ``a4`` or ``letter``; A4 if None.
    format
        ``pdf`` or ``md``; by the ending of `path` unless told.

    Raises
    ------
    SimnormError
        If there is no such paper or format, the format is not that of the ending, or Markdown is
        to have a paper.
    RunError
        If the report cannot be set or written.
    """
    found = format_of(path, format)
    paper = check_paper(paper, found)
    with uncollected():
        if found == MARKDOWN:
            from simnorm.report.markdown import write as write_markdown

            write_markdown(result, path)
            return
        from simnorm.report.compile import write

        write(result, path, paper=paper)
