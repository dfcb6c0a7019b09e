"""The report of a sweep: how far batch statistics are from those of the full set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report import text
from simnorm.report.article import Article
from simnorm.report.chapters.sweep import tables
from simnorm.report.chapters.sweep.about import aims, mechanisms
from simnorm.report.chapters.sweep.estimands import estimands
from simnorm.report.chapters.sweep.first import about, head, opening, picture, trust
from simnorm.report.chapters.sweep.methods import methods
from simnorm.report.chapters.sweep.performance import performance
from simnorm.report.chapters.sweep.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

__all__ = ["article"]


def article(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> Article:
    """Return the report of a run, from tables whose names all have glyphs."""
    run = Run.of(frame, curves, columns, result)
    said = opening(run)
    answers = tables.answers(run)
    return Article(
        title=text.title(run.frame),
        head=head(run),
        about=about(run),
        **said,
        first=picture(run, f"{said['answer']} {said['shape']}".strip()),
        trust=trust(run, answers=bool(answers)),
        chapters=[
            aims(run),
            mechanisms(run),
            estimands(run),
            methods(run),
            performance(run, answers),
        ],
    )
