"""A report as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simnorm.report import Reportable


def write(result: Reportable, path: str | Path) -> None:
    """Write the report of `result` as Markdown; see `simnorm.report.write_report`."""
    raise NotImplementedError
