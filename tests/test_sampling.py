"""Sampling schemes as words, and what they mean for a block of rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simnorm.errors import SimnormError
from simnorm.resampling import passes, row_orders
from simnorm.sampling import batch_count, group_column, parse_sampling

SEED = 5


@pytest.mark.parametrize(
    ("given", "from_file", "schemes"),
    [
        ("shuffle", False, ("shuffle",)),
        (" replacement , iid", False, ("replacement", "iid")),
        (["shuffle", "shuffle"], True, ("shuffle",)),
        ("sequential,grouped: the class ", True, ("sequential", "grouped:the class")),
        (("grouped:a:b",), True, ("grouped:a:b",)),
    ],
)
def test_schemes_are_read(given, from_file, schemes):
    """Texts and lists give the same words, once each, in their order."""
    assert parse_sampling(given, from_file=from_file) == schemes


@pytest.mark.parametrize(
    ("given", "from_file", "said"),
    [
        ("shufle", False, "Did you mean 'shuffle'?"),
        ("sequential", False, "draws of a distribution have no order"),
        ("grouped:x", False, "draws of a distribution have no groups"),
        ("iid", True, "no independent draws"),
        ("grouped", True, "the column that groups the rows is missing"),
        ("grouped:", True, "the column that groups the rows is missing"),
        ("shuffle:x", True, "allowed with data are"),
        ([], True, "at least one scheme is needed"),
        ([3], True, "allowed with data are"),
        (3, False, "a scheme such as shuffle"),
        ("", False, "allowed without data are"),
    ],
)
def test_what_is_no_scheme_is_refused(given, from_file, said):
    """One line names the scheme and what is allowed for this kind of full set."""
    with pytest.raises(SimnormError) as caught:
        parse_sampling(given, from_file=from_file)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_words_of_schemes():
    """The group's column and the number of batches."""
    assert [group_column(s) for s in ("shuffle", "grouped:a:b", "grouped")] == [None, "a:b", None]
    assert [batch_count(10, n) for n in (1, 3, 10, 11)] == [10, 3, 1, 1]


def orders(scheme, size, lanes, *, block=0, batch_size=2, codes=None, digest="d", seed=SEED):
    """Return all lanes of a block."""
    groups = None if codes is None else (np.asarray(codes), digest)
    return np.concatenate(
        list(row_orders(seed, scheme, size, block, lanes, batch_size, groups)), axis=0
    )


def test_a_shuffled_lane_has_every_row_once():
    """Every lane is a permutation, and no two of them are the same."""
    found = orders("shuffle", 50, 300)
    assert (np.sort(found, axis=-1) == np.arange(50)).all()
    assert len({lane.tobytes() for lane in found}) == 300


def test_more_lanes_begin_with_the_fewer():
    """A lane does not depend on how many follow it, nor on how many are drawn at a time."""
    for scheme, size in (("shuffle", 40_000), ("replacement", 40_000), ("shuffle", 7)):
        many = orders(scheme, size, 9)
        assert (orders(scheme, size, 4) == many[:4]).all()


def test_streams_differ_by_all_that_names_them():
    """Seed, block, size, scheme, groups and, with replacement, n; otherwise n changes nothing."""
    first = orders("shuffle", 64, 1)
    others = [
        orders("shuffle", 64, 1, block=1),
        orders("shuffle", 64, 1, seed=SEED + 1),
        orders("replacement", 64, 1),
        orders("replacement", 64, 1, batch_size=4),
        orders("grouped:g", 64, 1, codes=np.arange(64)),
        orders("grouped:g", 64, 1, codes=np.arange(64), digest="e"),
    ]
    assert (orders("shuffle", 64, 1, batch_size=4) == first).all()
    for a, b in itertools.combinations([first, *others], 2):
        assert (a != b).any()


def test_every_row_is_as_likely_at_every_place():
    """Chi-square over places and rows; 10^-6 of honest seeds fail, 1 % of one cell moved would."""
    size, lanes = 6, 60_000
    found = orders("shuffle", size, lanes)
    counts = np.array([np.bincount(found[:, place], minlength=size) for place in range(size)])
    statistic = ((counts - lanes / size) ** 2 / (lanes / size)).sum()
    # Places and rows: 25 degrees of freedom, times 6/5 less than for independent cells.
    from scipy.stats import chi2

    assert statistic * (size - 1) / size < chi2.isf(1e-6, (size - 1) ** 2)


def test_drawn_with_replacement_every_row_is_as_likely():
    """Chi-square of the rows drawn, at 10^-6; k n of them in a lane, n where n > N."""
    size, lanes = 7, 20_000
    found = orders("replacement", size, lanes, batch_size=3)
    assert found.shape == (lanes, 6)
    assert orders("replacement", size, 2, batch_size=20).shape == (2, 20)
    counts = np.bincount(found.ravel(), minlength=size)
    expected = found.size / size
    from scipy.stats import chi2

    assert ((counts - expected) ** 2 / expected).sum() < chi2.isf(1e-6, size - 1)


def test_groups_stay_together_in_file_order():
    """Rows of a group follow each other as in the file; groups come in every order alike."""
    codes = np.array([2, 0, 2, 1, 0, 2])
    found = orders("grouped:g", 6, 6_000, codes=codes)
    blocks = {0: (1, 4), 1: (3,), 2: (0, 2, 5)}
    expected = {
        tuple(row for group in order for row in blocks[group])
        for order in itertools.permutations(range(3))
    }
    lanes, counts = np.unique(found, axis=0, return_counts=True)
    assert {tuple(lane) for lane in lanes.tolist()} == expected
    # 1,000 of each; a binomial sd is 29, and 10^-6 of honest seeds leave 5.2 of them.
    assert np.abs(counts - 1_000).max() < 5.2 * 29


def test_file_order_is_the_files():
    """Nothing is drawn."""
    assert (orders("sequential", 9, 1) == np.arange(9)).all()


def test_sizes_share_orders_unless_drawn_with_replacement():
    """One pass for all sizes, or one for each."""
    assert list(passes([2, 4], "shuffle")) == [([0, 1], [2, 4])]
    assert list(passes([2, 4], "replacement")) == [([0], [2]), ([1], [4])]
