"""The report of an answer: one document on all studies, as PDF or as Markdown.

Page one asks the question and has a verdict for every claim; then comes a chapter per study, from
its ``digest`` in `simnorm.report.chapters`; an appendix has margins, designs and provenance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.collector import uncollected
from simnorm.report.formats import MARKDOWN, check_paper, format_of

if TYPE_CHECKING:
    from pathlib import Path

    from simnorm.answering import Answer

__all__ = ["text_of", "write"]


def write(answer: Answer, path: str | Path, *, paper: str | None = None, format: str = "") -> None:
    """Write the report of an answer as PDF or Markdown; the same answer gives the same bytes.

    Parameters
    ----------
    answer
        The results of all studies, and a verdict for every claim.
    path, paper, format
        As in `simnorm.report.write_report`.

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
            from simnorm.report.volume.markdown import write as write_markdown

            write_markdown(answer, path)
            return
        from simnorm.report.volume.compile import write as write_pdf

        write_pdf(answer, path, paper=paper)


def text_of(answer: Answer) -> str:
    """Return the report of an answer as Markdown without pictures."""
    with uncollected():
        from simnorm.report.volume.markdown import text_of as text

        return text(answer)
