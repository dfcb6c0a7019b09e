"""Printing names and texts of others: no terminal acts on them, and none turns the line around."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

# Control characters but the line end, halves of pairs, and what sets the direction of writing.
_RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff"
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)

# Letters of a message about a word that is no command, option or argument.
LONGEST = 400


def plain(text: str) -> str:
    r"""Return a text with every character that is more than a letter written as its number.

    The form is that of JSON and TOML, so that such a text still means the same.

    Examples
    --------
    >>> print(plain("a\x1b[31m" + chr(0x202e)))
    a\u001b[31m\u202e
    """
    return _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def echo(text: str = "", *, nl: bool = True) -> None:
    """Print a text to stdout, as `plain` has it."""
    typer.echo(plain(text), nl=nl)


class PlainGroup(TyperGroup):
    """Commands whose wrong words are shown as `plain` has them, and not at any length."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the words before a command."""
        with _plainly():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Read the words of a command, and run it."""
        with _plainly():
            return super().invoke(ctx)


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        said = getattr(error, "message", None)
        # A command without words has its help as its message.
        if isinstance(said, str) and "Usage: " not in said:
            said = plain(said)
            error.message = said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
        raise
