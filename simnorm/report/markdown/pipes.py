"""Tables in Markdown: bars between cells, and no cell that spans others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simnorm.report.article import RULE

SIDES = {"l": ":--", "c": ":-:", "r": "--:"}
Said = Callable[[Any], str]


def pipe_table(
    said: Said,
    head: Sequence[Any],
    rows: Sequence[Any],
    sides: str,
    groups: Sequence[Sequence[Any]] = (),
) -> str:
    """Return a table of GitHub's Markdown.

    Parameters
    ----------
    said
        Writes the text of a cell.
    head, rows, sides, groups
        As in `simnorm.report.article.table`. A group's head stands before each of its columns'
        heads; a cell that spans others leaves them empty.
    """
    over = [words for words, count in groups for _ in range(count)] or [""] * len(head)
    heads = [_head(said, above, words) for above, words in zip(over, head, strict=True)]
    lines = [heads, [SIDES[side] for side in sides]]
    lines += [[_cell(said, it) for it in row] for row in full_rows(rows, len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _head(said: Said, above: Any, words: Any) -> str:
    return f"{said(above)}: {said(words)}" if above else said(words)


def _cell(said: Said, it: Any) -> str:
    if not isinstance(it, Mapping):
        return said(it)
    below = said(it["below"]) if it["below"] else ""
    return f"{said(it['text'])}<br>{below}" if below else said(it["text"])


def full_rows(rows: Sequence[Any], width: int) -> list[list[Any]]:
    """Return rows of `width` cells, with empty ones for those that others span.

    Examples
    --------
    >>> from simnorm.report.article import cell
    >>> full_rows([[cell("a", rows=2), "1"], ["2"]], 2)[1]
    ['', '2']
    """
    taken = [0] * width  # rows that a cell above still covers
    found = []
    for row in rows:
        if row == RULE:
            continue
        line, cells = [""] * width, iter(row)
        for at in range(width):
            if taken[at] > 0:
                taken[at] -= 1
                continue
            it = next(cells, "")
            line[at] = it
            columns, deep = (it["columns"], it["rows"]) if isinstance(it, Mapping) else (1, 1)
            # Those to the right are skipped by being taken in this row too.
            for beside in range(at, min(width, at + columns)):
                taken[beside] = deep - 1 + (beside > at)
        found.append(line)
    return found
