"""Colours stand for distributions and columns, markers for estimators, in every figure alike."""

from __future__ import annotations

import itertools

import pytest

from simnorm.design import DEFAULT_DISTRIBUTIONS, DEFAULT_ESTIMATORS
from simnorm.distributions import DISTRIBUTIONS
from simnorm.estimators import ESTIMATORS
from simnorm.figures.marks import COLOURS, PALETTE
from simnorm.figures.style import marker_of, marks_of

FIVE = {
    "normal": "#0173b2", "uniform": "#de8f05", "laplace": "#029e73", "exponential": "#d55e00",
    "t(df=5)": "#cc78bc",
}  # fmt: skip


def colours(*names):
    return [mark.colour for mark in marks_of(names).values()]


def test_the_default_five_have_their_colours_in_whatever_company():
    """Whoever of the five is in a run has the same colour, alone, together, in any order."""
    assert set(FIVE) == set(DEFAULT_DISTRIBUTIONS)
    for count in range(1, 6):
        for names in itertools.permutations(FIVE, count):
            assert colours(*names) == [FIVE[name] for name in names]


def test_every_distribution_alone_has_the_colour_of_its_word():
    assert set(COLOURS) == set(DISTRIBUTIONS)
    for word in DISTRIBUTIONS:
        for name in (word, f"{word}(loc=3)", f"{word}, iid"):
            assert colours(name) == [COLOURS[word]]


def test_none_takes_a_colour_of_the_five_as_its_own():
    others = {COLOURS[word] for word in COLOURS if word not in ("t", *FIVE)}
    assert not others & set(FIVE.values())


def test_a_name_without_a_colour_leaves_those_of_the_next_alone():
    """Two laws of one word: the second steps aside for those that come after it."""
    names = ["t(df=5)", "t(df=3)", "normal", "uniform", "scipy.burr(c=2)", "laplace"]
    found = dict(zip(names, colours(*names), strict=True))
    assert {name: found[name] for name in names if name in FIVE} == {
        name: FIVE[name] for name in names if name in FIVE
    }
    assert len(set(found.values())) == len(names)


@pytest.mark.parametrize(
    "names",
    [
        list(DISTRIBUTIONS),
        [f"t(df={i})" for i in range(50)],
        [f"column {i}" for i in range(300)],
        ["normal", "x"] * 1 + [f"normal(loc={i})" for i in range(20)],
    ],
    ids=["laws", "one word", "columns", "normals"],
)
def test_no_two_of_eight_in_a_row_look_alike(names):
    found = colours(*names)
    for at in range(len(names)):
        some = found[at : at + 8]
        assert len(set(some)) == len(some), names[at : at + 8]


def test_columns_are_coloured_by_rank():
    assert colours(*(f"x{i}" for i in range(20))) == [PALETTE[i % 9] for i in range(20)]


def test_every_estimator_has_a_marker_of_its_own():
    """The two standard deviations apart, there is one word for each."""
    specs = [str(kind()) for kind in ESTIMATORS.values()] + ["std(ddof=1)"]
    assert len({marker_of(spec) for spec in specs}) == len(specs) == 15
    assert set(DEFAULT_ESTIMATORS) < set(specs)
    assert marker_of("std") == marker_of("std(ddof=0)")
    assert marker_of("quantile(q=0.1)") == marker_of("quantile")
    assert marker_of("user.my_mean") == marker_of("normalized_value") == "o"


def test_a_mark_of_an_estimator_keeps_its_colour_and_name():
    mark = marks_of(["normal"])["normal"].of("median")
    assert (mark.name, mark.colour, mark.shape) == ("normal", FIVE["normal"], marker_of("median"))
