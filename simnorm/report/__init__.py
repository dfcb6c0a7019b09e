"""The PDF report of a run: tables, sentences and figures, set by one Typst template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

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


def write_report(result: Reportable, path: str | Path) -> None:
    """Write the report of a run as PDF; the same run gives the same bytes.

    Parameters
    ----------
    result
        A result: design, tables and provenance.
    path
        The file to write. It appears complete or not at all.

    Raises
    ------
    RunError
        If the report cannot be set or written.
    """
    from simnorm.report.compile import write

    write(result, path)
