"""The tables of one run among several, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from simnorm.figures.tables import featuring
from simnorm.report.content import tables_of
from simnorm.report.names import renaming_note

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from simnorm.report import Reportable
    from simnorm.report.article import Block


class Digester(Protocol):
    """What a study's module ``digest`` in `simnorm.report.chapters` has."""

    def digest(
        self, frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
    ) -> list[Block]:
        """Return what a reader needs of a run, from tables whose names all have glyphs."""


@dataclass(frozen=True)
class Tables:
    """The tables of a run under names that have glyphs, the run, and which names are shown how."""

    frame: pd.DataFrame
    curves: pd.DataFrame
    columns: pd.DataFrame
    result: Reportable
    names: Mapping[str, str]

    @classmethod
    def of(cls, result: Reportable, batch_size: int) -> Tables:
        """Return the tables of a result, told of one batch size."""
        frame, curves, columns, names = tables_of(result)
        return cls(featuring(frame, batch_size), curves, columns, result, names)

    @property
    def note(self) -> str:
        """A sentence on names that have no glyphs, or nothing."""
        return renaming_note(dict(self.names), of_data=bool(self.result.design.data))

    def blocks(self, study: str) -> list[Block]:
        """Return the digest of the run."""
        module = cast(Digester, import_module(f"simnorm.report.chapters.{study}.digest"))
        return module.digest(self.frame, self.curves, self.columns, self.result)
