"""What an interval says of a margin, and how many replications would make it say more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simnorm.errors import SimnormError
from simnorm.undecided import LESS, LUCK, MORE, MOST, SAME, UNDECIDED, decided, needed, needed_words


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.9, 0.9, SAME),
        (-1.0, 1.0, SAME),
        (0.1, 0.9, SAME),
        (0.0, 0.0, SAME),
        (0.1, 1.1, MORE),
        (-3.0, -1.1, LESS),
        (-1.1, 0.0, UNDECIDED),
        (0.0, 1.1, UNDECIDED),
        (-1.1, 0.9, UNDECIDED),
        (math.nan, math.nan, UNDECIDED),
        (-math.inf, math.inf, UNDECIDED),
    ],
)
def test_an_interval_inside_the_margin_is_no_difference_and_one_without_0_a_difference(
    low, high, word
):
    assert decided(low, high, 1.0) == word


def half_width(values, fixed=0.0):
    return float(stats.t.ppf(0.975, values - 1)) * math.sqrt(1.0 / values + fixed)


def interval(estimate, spread, replications, folds=1, fixed=0.0):
    half = spread * half_width(replications * folds, fixed)
    return estimate - half, estimate + half


@pytest.mark.parametrize("estimate", [0.0, 0.2, -0.2, 0.49, 0.51, -0.9, 1.0, 1.3, -2.5])
@pytest.mark.parametrize("spread", [0.5, 2.0, 8.0])
@pytest.mark.parametrize(("folds", "fixed"), [(1, 0.0), (5, 0.0), (5, 0.002)])
def test_the_number_is_the_smallest_that_decides_with_some_luck(estimate, spread, folds, fixed):
    """With the number, the estimate may move by 1.28 standard errors either way; with less not."""
    low, high = interval(estimate, spread, 3, folds, fixed)
    found = needed(estimate, low, high, 1.0, replications=3, folds=folds, fixed=fixed)

    def stays(count):
        luck = LUCK * spread / math.sqrt(count * folds)
        half = spread * half_width(count * folds, fixed)
        inside = abs(estimate) + luck + half <= 1.0 + 1e-9
        return inside or abs(estimate) - luck - half >= -1e-9 or half <= 0.5 + 1e-9

    if decided(low, high, 1.0) != UNDECIDED:
        assert found == 3
        return
    if math.isinf(found):
        assert not stays(MOST)
        return
    assert stays(int(found))
    assert found == 4 or not stays(int(found) - 1)


def test_five_folds_leave_an_interval_that_repetition_does_not_close():
    """s = 3 points leaves 1.96 * 3 * sqrt(1/4) = 2.9 points: 2 stay undecided, 3 do not."""
    for estimate, ends in ((2.0, False), (3.0, True)):
        low, high = interval(estimate, 3.0, 2, 5, 0.25)
        found = needed(estimate, low, high, 1.0, replications=2, folds=5, fixed=0.25)
        assert math.isfinite(found) is ends


def test_a_ratio_is_judged_by_its_logarithm():
    ratio, low, high = (math.exp(value) for value in (0.01, -0.07, 0.09))
    assert needed(ratio, low, high, 0.05, replications=30, ratio=True) == needed(
        0.01, -0.07, 0.09, math.log(1.05), replications=30
    )


def test_the_longer_side_of_an_uneven_interval_counts():
    """Intervals of order statistics are not even about their estimate."""
    even = needed(0.1, -1.3, 1.5, 1.0, replications=30)
    assert needed(0.1, -0.5, 1.5, 1.0, replications=30) == even
    assert needed(0.1, -1.3, 0.5, 1.0, replications=30) < even


def test_what_is_decided_takes_no_more_and_what_has_no_interval_is_unknown():
    assert needed(0.0, -0.5, 0.5, 1.0, replications=7) == 7.0
    assert needed(3.0, 0.5, 5.5, 1.0, replications=7) == 7.0
    assert math.isnan(needed(0.0, math.nan, math.nan, 1.0, replications=1))
    assert math.isnan(needed(-1.0, -2.0, 0.5, 0.05, replications=5, ratio=True))


def test_a_difference_of_0_in_a_wide_interval_takes_the_margin_alone():
    low, high = interval(0.0, 1e6, 4)
    assert math.isinf(needed(0.0, low, high, 1.0, replications=4)), MOST


@pytest.mark.parametrize("true", [0.0, 0.2, -0.6, 0.9])
def test_with_the_number_a_new_run_is_decided_with_a_chance_of_80_per_cent(true):
    """Of 4,000 new runs. A share of 0.8 has a standard error of 0.0063: 0.77 is 4.7 of them off."""
    rng = np.random.default_rng(8)
    spread = 2.5
    R = int(needed(true, *interval(true, spread, 10), 1.0, replications=10))
    draws = rng.normal(true, spread, (4000, R))
    half = stats.t.ppf(0.975, R - 1) * draws.std(axis=1, ddof=1) / math.sqrt(R)
    ends = zip(draws.mean(axis=1) - half, draws.mean(axis=1) + half, strict=True)
    share = np.mean([decided(low, high, 1.0) != UNDECIDED for low, high in ends])
    assert share > 0.77


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan, math.inf])
def test_a_margin_is_a_positive_number(margin):
    with pytest.raises(SimnormError, match="margin"):
        decided(0.0, 1.0, margin)
    with pytest.raises(SimnormError, match="margin"):
        needed(0.0, -1.0, 1.0, margin, replications=3)


def test_without_a_replication_nothing_can_be_said():
    with pytest.raises(SimnormError, match="replications: got 0"):
        needed(0.0, -1.0, 1.0, 1.0, replications=0)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (9.0, "about 9 seeds"),
        (33.0, "about 33 seeds"),
        (101.0, "about 110 seeds"),
        (999_999.0, "about 1,000,000 seeds"),
        (math.inf, "more than 1,000,000 seeds"),
        (math.nan, "at least two seeds"),
    ],
)
def test_the_number_in_words_is_rounded_up(number, words):
    assert needed_words(number, "seed") == words


def test_rows_that_are_split_again_are_told_of_by_the_rule_that_says_so():
    """Of a repeat unless told, and of a seed if told: the rule is named, and no fact is stated."""
    for found in (needed_words(math.inf, "repeat"), needed_words(math.inf, "seed", rows=True)):
        assert found.startswith("more rows: by the corrected resampled t, ")
        assert "alone do not narrow the interval enough" in found


@pytest.mark.parametrize("estimate", [0.0, 0.3, -0.6, 1.4, -3.0])
@pytest.mark.parametrize("spread", [2.0, 8.0])
@pytest.mark.parametrize("widening", [1.0, 1.4])
def test_what_holds_with_others_takes_more(estimate, spread, widening):
    """To be the same takes the plain interval, to differ the wide one; never fewer than alone."""
    low, high = interval(estimate, spread, 5)
    alone = needed(estimate, low, high, 1.0, replications=5)
    found = needed(estimate, low, high, 1.0, replications=5, widening=widening)
    assert found >= alone
    if found == 5 or math.isinf(found):
        return

    def stays(count):
        luck, half = LUCK * spread / math.sqrt(count), spread * half_width(count)
        apart = abs(estimate) - luck >= widening * half - 1e-9
        return (
            apart
            or abs(estimate) + luck + half <= 1.0 + 1e-9
            or (half <= 1.0 / (1.0 + widening) + 1e-9)
        )

    assert stays(int(found))
    assert found == 6 or not stays(int(found) - 1)
