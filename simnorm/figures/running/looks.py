"""How the presets of running averages look in every figure, and what legends call things."""

from __future__ import annotations

from collections.abc import Sequence

from simnorm.figures.running.shown import LABELS
from simnorm.figures.style import Mark
from simnorm.presets import PRESETS

# Every framework has its colour in all runs; changed settings take those that are left.
COLOURS = {
    "keras3": "#0173b2",
    "pytorch": "#d55e00",
    "flax": "#de8f05",
    "cumulative": "#029e73",
    "precise": "#cc78bc",
}
SPARE = ("#56b4e9", "#ca9161", "#949494", "#4d4d4d")
SHAPES = dict(zip(PRESETS, ("o", "s", "^", "D", "v"), strict=True))
SPARE_SHAPES = ("p", "h", "<", ">", "d", "8", "P", "X")


def marks(presets: Sequence[str]) -> dict[str, Mark]:
    """Return the look of every preset, smaller the later it is drawn."""
    found: dict[str, Mark] = {}
    spare = 0
    for place, preset in enumerate(presets):
        colour, shape = COLOURS.get(preset), SHAPES.get(preset, "")
        if colour is None:
            colour = SPARE[spare % len(SPARE)]
            shape = SPARE_SHAPES[spare % len(SPARE_SHAPES)]
            spare += 1
        share = place / max(len(presets) - 1, 1)
        found[preset] = Mark(preset, colour, shape, 4.6 - 1.2 * share, 1.4 - 0.5 * share)
    return found


def in_words(labels: Sequence[str]) -> list[str]:
    """Return the labels of a legend as people say them."""
    known = LABELS | {
        "asymptotic theory": "first-order theory",
        "estimate, 95 % interval": "95 % interval",
    }
    return [known.get(word, word) for word in labels]
