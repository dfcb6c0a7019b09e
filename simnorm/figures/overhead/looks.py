"""How the variants look in every figure, in colour and in grey."""

from __future__ import annotations

from typing import NamedTuple

from simnorm.figures.overhead.shown import HIDDEN_BN, INPUT_BN, STANDARDIZED
from simnorm.figures.style import FAINT


class Look(NamedTuple):
    """Colour, marker and its size."""

    colour: str
    shape: str
    size: float


# Of different lightness, and each with a marker of its own: grey print keeps them apart.
LOOKS = {
    INPUT_BN: Look("#0173b2", "o", 4.6),
    HIDDEN_BN: Look("#7a2a00", "s", 4.3),
    STANDARDIZED: Look("#de8f05", "^", 5.0),
}
OTHER = Look(FAINT, "D", 4.2)


def look_of(variant: str) -> Look:
    """Return the look of a variant."""
    return LOOKS.get(variant, OTHER)
