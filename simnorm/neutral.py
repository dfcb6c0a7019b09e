"""Text in the cells of CSV files that spreadsheets do not take for a formula.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is run by some of
them as it is opened. An apostrophe before it makes it text; reading takes it off again. Numbers
are not touched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRAL = re.compile(r"''*[=+\-@\t\r]")


def neutral(text: str) -> str:
    """Return a text as it is written to a cell.

    Examples
    --------
    >>> neutral("=1+1"), neutral("t(df=5)"), neutral("'=x")
    ("'=1+1", 't(df=5)', "''=x")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def original(text: str) -> str:
    """Return the text that `neutral` has made a cell of.

    Examples
    --------
    >>> original("'=1+1"), original("t(df=5)"), original("''=x")
    ('=1+1', 't(df=5)', "'=x")
    """
    return text[1:] if _NEUTRAL.match(text) else text


def neutral_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts are written as `neutral` says."""
    found = {}
    for name in table:
        # Of many rows few are different.
        changed = {
            text: neutral(text)
            for text in table[name].unique()
            if isinstance(text, str) and neutral(text) != text
        }
        if changed:
            found[str(name)] = table[name].map(lambda text, new=changed: new.get(text, text))
    return table.assign(**found) if found else table
