"""The data sets with classes, and what is made of them."""

from __future__ import annotations

import numpy as np
import pytest

from simnorm.datasets import HEAVY, bundled, reshaped, spread
from simnorm.errors import SimnormError
from simnorm.options import DATASETS

SHAPES = {
    "wine": (178, 13, 3),
    "breast_cancer": (569, 30, 2),
    "digits": (1797, 64, 10),
    "spread_scales": (1797, 64, 10),
    "heavy_tails": (178, 13, 3),
    "normal_tails": (178, 13, 3),
}


@pytest.mark.parametrize("word", SHAPES)
def test_every_word_has_its_rows_features_and_classes(word: str) -> None:
    """A data set is of the size the table says, finite, and cannot be written to."""
    found = bundled(word)
    assert (*found.rows.shape, found.classes) == SHAPES[word]
    assert np.isfinite(found.rows).all()
    assert np.unique(found.codes).tolist() == list(range(found.classes))
    assert not found.rows.flags.writeable
    assert bundled(word) is found


def test_every_word_of_the_design_is_a_data_set() -> None:
    """What a design may name is there."""
    assert set(DATASETS) <= set(SHAPES)


def test_a_word_that_is_none_is_refused_in_one_line() -> None:
    """The nearest word is offered."""
    with pytest.raises(SimnormError, match="Did you mean 'wine'") as caught:
        bundled("wines")
    assert "\n" not in str(caught.value)


def test_scales_are_spread_from_one_to_a_million() -> None:
    """Divided by the powers of ten, the digits come back."""
    powers = 10.0 ** (6.0 * np.arange(64) / 63.0)
    np.testing.assert_allclose(bundled("spread_scales").rows / powers, bundled("digits").rows)
    assert spread(np.ones((2, 2)))[0].tolist() == [1.0, 1e6]


@pytest.mark.parametrize("word", ["heavy_tails", "normal_tails"])
def test_another_shape_keeps_order_median_and_iqr(word: str) -> None:
    """Every pair of values of a feature compares as before, in its class and of its scale.

    Values that are tied, as many of wine are, move median and IQR by less than 10 % of the IQR.
    """
    before, after = bundled("wine").rows, bundled(word).rows
    for old, new in zip(before.T, after.T, strict=True):
        assert (np.sign(old[:, None] - old) == np.sign(new[:, None] - new)).all()
    first, last = (np.quantile(rows, [0.25, 0.5, 0.75], axis=0) for rows in (before, after))
    iqr = first[2] - first[0]
    assert (np.abs(last[1] - first[1]) <= 0.1 * iqr).all()
    np.testing.assert_allclose(last[2] - last[0], iqr, rtol=0.1)
    assert (bundled(word).codes == bundled("wine").codes).all()


def test_without_ties_median_and_iqr_are_kept() -> None:
    """Of 1,001 values the middle stays where it was, and quartiles are a thousandth apart."""
    rows = np.exp(np.linspace(-2.0, 2.0, 1001))[:, None]
    for degrees in (1.0, 4.0, np.inf):
        low, middle, high = np.quantile(reshaped(rows, (degrees,)), [0.25, 0.5, 0.75])
        old_low, old_middle, old_high = np.quantile(rows, [0.25, 0.5, 0.75])
        assert middle == pytest.approx(old_middle, rel=1e-12)
        assert high - low == pytest.approx(old_high - old_low, rel=0.004)


def test_shapes_are_those_of_the_recipe() -> None:
    """The largest of N = 178 lies where a t with 1, 2 or 4 degrees of freedom has it, or a normal.

    Quantile 1 - 1/356 over the upper quartile, by hand: cot(pi/356) = 113.3 for Cauchy;
    (2p - 1)/sqrt(2 p (1 - p)) = 13.3 over 0.8165 for two; 2.77/0.6745 = 4.11 for a normal one.
    """
    untied = np.arange(178.0)[:, None] * np.ones(3)
    half = np.subtract(*np.quantile(untied[:, 0], [0.75, 0.25])) / 2.0
    cauchy, two, four = (reshaped(untied, HEAVY)[-1] - np.median(untied[:, 0])) / half
    assert cauchy == pytest.approx(1.0 / np.tan(np.pi / 356.0))
    p = 1.0 - 1.0 / 356.0
    assert two == pytest.approx((2 * p - 1) / np.sqrt(2 * p * (1 - p)) / np.sqrt(2.0 / 3.0))
    assert 4.11 < four < two
    (normal,) = (reshaped(untied[:, :1], (np.inf,))[-1] - np.median(untied[:, 0])) / half
    assert normal == pytest.approx(4.11, abs=0.01)


def test_shares_of_classes() -> None:
    """Guessing the most frequent class is right for 357 of 569 rows of breast_cancer."""
    assert bundled("breast_cancer").largest_share == 357 / 569
