"""Which colour a distribution has, and which marker an estimator: the same in every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simnorm.figures.glyphs import boxed
from simnorm.figures.tables import LONGEST_NAME, short, word_of

# Seaborn's colour-blind-safe palette, ordered so that neighbours differ in lightness too. Its
# yellow and its pale pink are left out: as thin lines on white paper they cannot be seen.
PALETTE = (
    "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#56b4e9", "#ca9161", "#949494",
    "#4d4d4d",
)  # fmt: skip
BLUE, ORANGE, GREEN, VERMILLION, PINK, SKY, BROWN, GREY, DARK = PALETTE

# Nobody else is given a colour of the default five, unless their own is taken.
COLOURS = {
    "normal": BLUE, "uniform": ORANGE, "laplace": GREEN, "exponential": VERMILLION, "t": PINK,
    "lognormal": SKY, "pareto": BROWN, "cauchy": DARK, "gamma": GREY,
    "chi2": SKY, "weibull": BROWN, "gumbel": DARK, "logistic": GREY,
    "beta": SKY, "triangular": BROWN, "skewnormal": DARK, "gennormal": GREY,
    "halfnormal": SKY, "rectified_normal": BROWN, "contaminated_normal": DARK,
    "bernoulli": GREY, "poisson": SKY,
}  # fmt: skip

# One marker per estimator. Kin look akin: triangles are variances, flat ones are extremes.
MARKER = {
    "mean": "o", "biased_variance": "^", "unbiased_variance": "v", "std(ddof=0)": "s",
    "std(ddof=1)": "D", "min": "<", "max": ">", "range": "d", "median": "p", "quantile": "h",
    "mad": "P", "iqr": "X", "trimmed_mean": "8", "skewness": "*", "excess_kurtosis": "H",
}  # fmt: skip
# What is no estimator of the package: a user's function, a quantity of another study.
ANY_MARKER = "o"
# Of marks that stand for no estimator, by the order of their names.
MARKERS = ("o", "s", "D", "^", "v", "p", "h", "<", ">", "d", "8", "P", "X")
# Open shapes look smaller than discs of the same size.
SCALE = {"s": 0.9, "D": 0.84, "d": 1.05, "*": 1.3, "P": 1.05, "X": 1.05, "p": 1.08}

# Two names of one page of a figure, which shows eight, stand at most so far apart.
WINDOW = 7


@dataclass(frozen=True)
class Mark:
    """How one distribution or column looks in every figure of a run."""

    name: str
    colour: str
    shape: str
    size: float
    width: float
    edge: float = 0.5

    @property
    def label(self) -> str:
        """The name, shortened if it would not fit."""
        return self.label_within(LONGEST_NAME)

    def label_within(self, longest: int) -> str:
        """Return the name in at most so many characters, boxes where it has no glyph."""
        return short(boxed(self.name), longest)

    def of(self, spec: str) -> Mark:
        """Return the mark with the marker of an estimator."""
        shape = marker_of(spec)
        return replace(self, shape=shape, size=round(self.size * SCALE.get(shape, 1.0), 2))


def marker_of(spec: str) -> str:
    """Return the marker of an estimator's spec; a disc for what is no estimator of the package.

    Examples
    --------
    >>> marker_of("mean"), marker_of("std"), marker_of("quantile(q=0.1)"), marker_of("user.f")
    ('o', 's', 'h', 'o')
    """
    word = word_of(spec)
    if word == "std":
        return MARKER["std(ddof=1)" if "ddof=1" in spec else "std(ddof=0)"]
    return MARKER.get(word, ANY_MARKER)


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for every name: the fixed one of its distribution, if that is free.

    A colour is taken while one of the seven names before has it. What has no colour of its own, or
    finds it taken, is given the one that has been unused longest, but not one that a name soon to
    come has as its own.

    Examples
    --------
    >>> colours_of(["t(df=5)", "t(df=3)", "normal"]) == {
    ...     "t(df=5)": PINK, "t(df=3)": ORANGE, "normal": BLUE}
    True
    """
    given: list[str] = []
    wanted = [COLOURS.get(_law(name), "") for name in names]
    for place, colour in enumerate(wanted):
        recent = given[-WINDOW:]
        if not colour or colour in recent:
            ahead = set(wanted[place + 1 : place + 1 + WINDOW])
            free = [known for known in PALETTE if known not in recent]
            colour = min(free, key=lambda known: (known in ahead, _last_use(given, known)))
        given.append(colour)
    return dict(zip(names, given, strict=True))


def _law(name: str) -> str:
    """Return the word of a distribution, of a name such as ``"t(df=3), iid"``."""
    return word_of(name.partition(",")[0])


def _last_use(given: Sequence[str], colour: str) -> int:
    """Return where a colour was used last, -1 if it was not."""
    return max((place for place, used in enumerate(given) if used == colour), default=-1)


def marks_of(names: Sequence[str]) -> dict[str, Mark]:
    """Return the look of every name: colour, marker, marker size, line width.

    The marker is by the order of names, for figures of what is no estimator; figures of estimators
    take ``mark.of(spec)``. Sizes and widths fall with the order of drawing, so that where all
    distributions agree (the mean does not care about the shape) the earlier ones stay visible
    around the later ones.
    """
    depth = [i / max(len(names) - 1, 1) for i in range(len(names))]
    colours = colours_of(names)
    return {
        name: Mark(
            name,
            colours[name],
            MARKERS[i % len(MARKERS)],
            round(5.4 - 1.0 * depth[i], 2),
            round(1.6 - 0.6 * depth[i], 2),
        )
        for i, name in enumerate(names)
    }


def distinct(marks: Mapping[str, Mark]) -> dict[str, Mark]:
    """Return the marks of some of many names, those with a colour that one before has recoloured.

    Examples
    --------
    >>> marks = marks_of([f"x{i}" for i in range(20)])
    >>> [PALETTE.index(mark.colour) for mark in marks.values()][9:12]
    [0, 1, 2]
    >>> some = distinct({name: marks[name] for name in ("x0", "x1", "x9")})
    >>> [PALETTE.index(mark.colour) for mark in some.values()]
    [0, 1, 2]
    """
    held = [mark.colour for mark in marks.values()]
    made: dict[str, Mark] = {}
    for name, mark in marks.items():
        used = [other.colour for other in made.values()]
        colour = mark.colour
        if colour in used:
            colour = next((known for known in PALETTE if known not in [*used, *held]), colour)
        made[name] = replace(mark, colour=colour)
    return made
