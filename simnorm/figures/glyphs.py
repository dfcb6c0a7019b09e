"""Which characters the embedded fonts of figures and reports have a glyph for."""

from __future__ import annotations

import unicodedata

# Ranges that both the report's and the figures' fonts cover: Latin, Greek, Cyrillic, usual signs.
COVERED = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x386, 0x3CE), (0x400, 0x45F), (0x2007, 0x2008),
    (0x2010, 0x2027),
    (0x2030, 0x203A), (0x2074, 0x208E), (0x20AC, 0x20AC), (0x2190, 0x2193), (0x2200, 0x22FF),
)  # fmt: skip
NO_GLYPH = ("Cc", "Cf", "Cn", "Cs", "Co")
EMPTY_BOX = "\u25a1"


def covered(char: str) -> bool:
    """Return whether a character has a glyph in every font that is used."""
    inside = any(low <= ord(char) <= high for low, high in COVERED)
    return inside and unicodedata.category(char) not in NO_GLYPH


def boxed(text: str) -> str:
    """Return `text` with an empty box for every character that has no glyph."""
    return "".join(char if covered(char) else EMPTY_BOX for char in text)
