"""Texts in Markdown as GitHub reads it: whatever is data comes out as it is, never as markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from simnorm.report.pieces import SYMBOLS, Piece, Rich, pieces, plain

# Nothing is seen of it; what it parts is no mention, no number of an issue, no address.
PART = "<!-- -->"
_PARTED = re.compile(
    r"(?P<before>@(?=\w)|\#(?=\d)|\bGH(?=-\d)|:(?=//)|:(?=[\w+-]*[a-z+-][\w+-]*:|100:|1234:)|\bwww(?=\.))",
    re.ASCII,
)
_MARKUP = re.compile(r"[\\`*\[\]~#]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What begins a list, a heading or a rule, where it begins a line.
_BEGINNING = re.compile(r"(?P<number>\d{1,9})(?P<point>[.)])(?=\s|$)|(?P<sign>[-+=])")
# A line break of any kind, and blanks of which Markdown keeps one.
_BLANKS = re.compile(r"[ \t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_TOKENS = re.compile(rf"{_PARTED.pattern}|(?P<dollar>\$)|(?P<entity>[&<>])|{_MARKUP.pattern}")


def literal(text: str) -> str:
    r"""Return a text so that Markdown shows it as it is, on one line.

    Examples
    --------
    >>> print(literal("a*b | <i> #1"))
    a\*b | &lt;i&gt; \#<!-- -->1
    """
    return _TOKENS.sub(_escaped, one_line(text))


def _escaped(found: re.Match[str]) -> str:
    text = found.group()
    if found["before"]:
        return ("\\#" if text == "#" else text) + PART
    if found["dollar"]:
        # GitHub takes an escaped dollar for the end of a formula all the same.
        return "<span>$</span>"
    return _ENTITIES.get(text) or f"\\{text}"


def one_line(text: str) -> str:
    """Return a text without line breaks, and with single blanks."""
    return _BLANKS.sub(" ", text).strip(" ")


def beginning(text: str) -> str:
    r"""Return a line of Markdown that begins with no sign of a list or heading.

    Examples
    --------
    >>> print(beginning("12. of May"))
    12\. of May
    """
    found = _BEGINNING.match(text)
    if not found:
        return text
    if found["sign"]:
        return f"\\{text}"
    return f"{found['number']}\\{text[found.start('point') :]}"


def in_code(text: str) -> str:
    """Return a text as a code span."""
    text = one_line(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}" if text else ""


def bold(text: str) -> str:
    """Return a text in bold type; stars next to a sign of the text might be no stars of Markdown.

    Examples
    --------
    >>> bold("Batches"), bold("Batches.")
    ('**Batches**', '<strong>Batches.</strong>')
    """
    made = literal(text)
    if not made:
        return ""
    plain_ends = made[0].isalnum() and made[-1].isalnum()
    return f"**{made}**" if plain_ends else f"<strong>{made}</strong>"


def fenced(text: str, language: str) -> str:
    """Return lines of code as a block."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def html(text: str) -> str:
    """Return a text for a line of HTML, where Markdown's own signs mean nothing.

    Examples
    --------
    >>> html("<b> of @user")
    '&lt;b&gt; of @<!-- -->user'
    """
    return _PARTED.sub(lambda found: found.group() + PART, escape(one_line(text), quote=False))


def rich(words: Rich, places: Mapping[str, tuple[str, str]], *, cell: bool = False) -> str:
    """Return a text with its symbols, words of code, stressed words and references.

    Parameters
    ----------
    words
        The text.
    places
        What references are called, ``Figure 3``, and where they lead, by their targets.
    cell
        Whether it stands in a cell of a table.
    """
    made = "".join(_piece(piece, places) for piece in pieces(words)).strip(" ")
    # A backslash before a bar is taken away before anything else is read, in code too.
    return made.replace("|", "\\|") if cell else made


def _piece(piece: Piece, places: Mapping[str, tuple[str, str]]) -> str:
    if isinstance(piece, str):
        # The blanks at its ends part it from its neighbours.
        left = " " * piece.startswith(" ")
        right = " " * (piece.endswith(" ") and len(piece) > 1)
        return f"{left}{literal(piece)}{right}"
    if "code" in piece:
        return in_code(piece["code"])
    if "strong" in piece or "badge" in piece:
        return bold(piece.get("strong") or piece["badge"])
    if "sym" in piece:
        shown = SYMBOLS[piece["sym"]]
        return f"*{shown}*" if len(shown) == 1 else literal(shown)
    said, place = places.get(piece["ref"], ("", ""))
    return f"[{literal(said)}](#{place})" if said else literal(plain([piece]))
