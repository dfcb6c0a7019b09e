"""The report of the study `inputs`: batch normalization at the input against a z-score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Article
from simnorm.report.chapters.inputs.about import About
from simnorm.report.chapters.inputs.audit import audit, trust
from simnorm.report.chapters.inputs.claims import claims
from simnorm.report.chapters.inputs.findings import findings
from simnorm.report.chapters.inputs.first import (
    TITLE,
    answer,
    first_blocks,
    head,
    scale_matters,
    setting,
    subtitle,
    tiles,
    tiles_note,
    whose,
)
from simnorm.report.chapters.inputs.method import aims, data, method

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

__all__ = ["article"]


def article(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> Article:
    """Return the report of a run, from tables whose names all have glyphs."""
    about = About(frame, curves, columns, result)
    chapters = (
        aims(about), data(about), method(about), findings(about), claims(about), audit(about),
    )  # fmt: skip
    return Article(
        title=TITLE,
        head=head(about),
        about=whose(about),
        subtitle=subtitle(about),
        setting=setting(about),
        answer=answer(about),
        shape=scale_matters(about),
        tiles=tiles(about),
        tiles_note=tiles_note(about),
        first=first_blocks(about),
        trust=trust(about),
        chapters=[part for part in chapters if part],
        floating=True,
    )
