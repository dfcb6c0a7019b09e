"""How the variants of a net look in every figure, in colour and in grey."""

from __future__ import annotations

from typing import NamedTuple

from simnorm.figures.shift.shown import BN, NOISY, NONE
from simnorm.figures.style import FAINT


class Look(NamedTuple):
    """Colour, marker, its size, and dashes of a line."""

    colour: str
    shape: str
    size: float
    dashes: tuple[float, tuple[float, ...]] | str


# Each lighter than the one before, with a marker of its own: grey print keeps them apart.
LOOKS = {
    NONE: Look("#333333", "o", 4.6, "-"),
    BN: Look("#0173b2", "s", 4.3, "-"),
    NOISY: Look("#de8f05", "^", 5.0, (0.0, (3.5, 1.2))),
}
OTHER = Look(FAINT, "D", 4.2, (0.0, (1.0, 1.2)))


def look_of(variant: str) -> Look:
    """Return the look of a variant."""
    return LOOKS.get(variant, OTHER)
