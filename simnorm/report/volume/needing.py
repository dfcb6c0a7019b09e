"""Of data, the columns that need more than the batch size asked for: they come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report.article import Block

if TYPE_CHECKING:
    from simnorm.answering import Answer


def needing(answer: Answer) -> list[Block]:
    """Return the table of columns that need more than the batch size asked for; none of laws."""
    return []
