"""The batch size that every column or distribution needs; of data, those that need more first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from simnorm.answering.margins import ERROR
from simnorm.formatting import plural
from simnorm.report.article import Block, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.inputs.about import About
from simnorm.report.chapters.inputs.first import error_text
from simnorm.report.tables import aligned

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.report.volume.tables import Tables

# So many columns are listed; the attached file has all.
MOST_ROWS = 10
CONSTANT = "constant"


class Need(NamedTuple):
    """What a column or distribution needs.

    Parameters
    ----------
    name
        As it is shown.
    size
        The smallest batch that is good enough; 0 if none is, or none is known.
    low, high
        The range of a size that was simulated; 0 for an end that is not known.
    reason
        Why there is none, or what is special about it.
    """

    name: str
    size: int
    low: int
    high: int
    reason: str

    def text(self) -> str:
        """Return the batch size as a table shows it, with its range if it has one.

        Examples
        --------
        >>> Need("a", 150, 150, 150, "").text(), Need("a", 150, 140, 160, "").text()
        ('150', '150 (140–160)')
        >>> Need("a", 150, 140, 0, "").text(), Need("a", 0, 0, 0, "").text()
        ('150 (140–?)', 'none')
        """
        if not self.size:
            return "none"
        if self.low == self.size == self.high:
            return f"{self.size:,}"
        return f"{self.size:,} ({self.low:,}–{f'{self.high:,}' if self.high else '?'})"


def needs(answer: Answer, tables: Mapping[str, Tables]) -> list[Need]:
    """Return what is needed, under names that have glyphs, the most demanding first."""
    shown = tables["inputs"].names if "inputs" in tables else {}
    rows = answer.needed.to_dict("records")
    found = [
        Need(
            shown.get(str(row["name"]), str(row["name"])), int(row["batch_size"]),
            int(row["low"]), int(row["high"]), str(row["reason"] or ""),
        )
        for row in rows
    ]  # fmt: skip
    # A constant column has no z-score to be off from: it comes last.
    return sorted(found, key=lambda need: (CONSTANT in need.reason, need.size > 0, -need.size))


def needing(answer: Answer, tables: Mapping[str, Tables]) -> list[Block]:
    """Return the columns of data that need more than the batch size asked for; none of laws."""
    every = needs(answer, tables)
    n = answer.settings.batch_size
    more = [need for need in every if need.size > n or not need.size]
    if not answer.settings.data or not every:
        return []
    if not more:
        return [
            paragraph(
                f"Batches of {n:,} keep normalized values within {ERROR:g} standard deviations "
                f"in {'the column' if len(every) == 1 else f'all {len(every):,} columns'}."
            )
        ]
    listed = more[:MOST_ROWS]
    columns = [[need.name for need in listed], aligned([need.text() for need in listed])]
    head = ["column", f"batch size for {ERROR:g} sd"]
    if "inputs" in tables:
        held = tables["inputs"]
        about = About(held.frame, held.curves, held.columns, held.result)
        head.append(f"off at n = {about.run.size:,}, sd")
        columns.append(aligned([error_text(about.error(x.name, about.run.size)) for x in listed]))
    rows: list[list[Any]] = [list(row) for row in zip(*columns, strict=True)]
    left = len(more) - len(listed)
    caption = f"{len(more):,} of {plural(len(every), 'column')} need more than batches of {n:,}"
    if left:
        caption += f"; the {len(listed)} that need most, and {left:,} more in needed.csv"
    notes = [f"N = {answer.settings.full_size:,}"]
    notes += ["in brackets the range"] if any("(" in row[1] for row in rows) else []
    notes += ["none: no batch will do"] if any(not need.size for need in listed) else []
    said = f"{caption}. {'; '.join(notes)}."
    return [table(head, rows, said, label="needing", air=2.6)]
