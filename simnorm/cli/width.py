"""How wide texts are on a terminal: names may hold letters that take two cells, or none."""

from __future__ import annotations

from rich.cells import cell_len

__all__ = ["cell_len", "filled", "fitted", "shortened"]

WIDTH = 80
DOTS = " ..."


def _head(text: str, room: int) -> str:
    """Return as much of the beginning of a text as has room."""
    used = 0
    for place, char in enumerate(text):
        used += cell_len(char)
        if used > room:
            return text[:place]
    return text


def fitted(name: str, width: int) -> str:
    """Return a name in a column of exactly so many cells, the last one blank; cut if need be.

    Examples
    --------
    >>> fitted("abcdefgh", 6), fitted("中文列名", 6), fitted("中", 4)
    ('abc.. ', '中.. ', '中  ')
    """
    text = " ".join(name.split())
    if cell_len(text) >= width:
        text = f"{_head(text, width - 3)}.."
    return text + " " * max(width - cell_len(text), 0)


def shortened(text: str, width: int = WIDTH) -> str:
    """Return a text in one line of at most so many cells.

    Examples
    --------
    >>> shortened("a  b"), shortened("中文列名", 7)
    ('a b', '中 ...')
    """
    text = " ".join(text.split())
    if cell_len(text) <= width:
        return text
    return _head(text, width - len(DOTS)).rstrip() + DOTS


def filled(text: str, width: int = WIDTH) -> str:
    r"""Return a text in lines of at most so many cells, parted at blanks where there are some.

    Examples
    --------
    >>> filled("中文 列名 ab", 7)
    '中文\n列名 ab'
    >>> filled("中文列名", 5)
    '中文\n列名'
    """
    lines = [""]
    for word in text.split():
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        while cell_len(word) > width:
            part = _head(word, width)
            lines[-1:] = [part, ""]
            word = word[len(part) :]
        lines[-1] = word
    return "\n".join(lines)
