"""Names and texts that the embedded fonts can show.

PDF/UA allows no character without a glyph, so such a name is shown as ``distribution 3`` (its
place in the table) and a note says so; the attached CSV has the true name.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simnorm.figures.choice import thing
from simnorm.figures.glyphs import covered
from simnorm.figures.schemes import by_source
from simnorm.figures.tables import names_of, short

if TYPE_CHECKING:
    import pandas as pd

# Longer names would push a table off the page.
LONGEST = 36
# So many numbered names are listed.
MOST_LISTED = 6


def can_show(text: str) -> bool:
    """Return whether every character of `text` has a glyph, and one of them can be seen."""
    return bool(text.strip()) and all(covered(char) for char in text)


def escaped(text: str) -> str:
    """Return `text` with every character that has no glyph written as its number.

    The form is that of a TOML string, so an escaped design is still the same design.

    Examples
    --------
    >>> escaped("café " + chr(0x5217)) == "café " + chr(92) + "u5217"
    True
    """
    return "".join(char if char == "\n" or covered(char) else _number(char) for char in text)


def _number(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown_names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the name to show in place of every name that has no glyphs or is too long."""
    names = names_of(by_source(frame))
    cut = Counter(short(name, LONGEST) for name in names)
    taken = set(names)
    shown: dict[str, str] = {}
    for place, name in enumerate(names, start=1):
        new = short(name, LONGEST)
        if not name:  # Of a file as a whole.
            continue
        if not can_show(name) or (new != name and cut[new] > 1):
            shown[name] = _numbered(thing(frame), place, taken)
        elif new != name:
            shown[name] = new
    return shown


def _numbered(kind: str, place: int, taken: set[str]) -> str:
    """Return a name by its place, unless something else is called so."""
    name = f"{kind} {place}"
    while name in taken:
        name = f"{name}’"
    return name


def renamed(table: pd.DataFrame, shown: dict[str, str]) -> pd.DataFrame:
    """Return the table with names that can be shown."""
    if not shown:
        return table
    held = [name for name in ("distribution", "column") if name in table]
    return table.assign(
        **{name: [shown.get(word, word) for word in table[name].astype(str)] for name in held}
    )


def renaming_note(shown: dict[str, str], *, of_data: bool = True) -> str:
    """Return a sentence on the names that were replaced, or nothing.

    Parameters
    ----------
    shown
        The names shown by the names that they stand for.
    of_data
        Whether they are names of columns, which an attached table lists in order.

    Examples
    --------
    >>> renaming_note({"n" * 40: "n" * 35 + "…"})
    'Names of more than 36 letters are cut.'
    """
    numbered = [new for old, new in shown.items() if new != short(old, LONGEST)]
    parts = []
    if numbered:
        few = numbered if len(numbered) <= MOST_LISTED else [*numbered[:MOST_LISTED], "…"]
        which = "columns.csv" if of_data else "results.csv"
        stand = "stands for a name" if len(numbered) == 1 else "stand for names"
        parts.append(
            f"Here {', '.join(few)} {stand} that cannot be shown: without letters in the fonts of "
            f"this document, or alike when cut. The number is the place in the attached {which}."
        )
    if len(numbered) < len(shown):
        parts.append(f"Names of more than {LONGEST} letters are cut.")
    return " ".join(parts)
