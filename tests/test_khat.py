"""The Pareto k-hat: an independent fit, known tails, and what it does to a sweep's rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

import simnorm as sn
from simnorm.khat import FEWEST_FOR_KHAT, influence_khat, pareto_khat


def khat_in_plain_loops(values: np.ndarray) -> float:
    """Zhang and Stephens' fit of the upper tail, written out term by term."""
    ordered = sorted(float(v) for v in values)
    count = len(ordered)
    size = int(3 * math.sqrt(count)) if count > 225 else count // 5
    threshold = ordered[-size - 1]
    x = [v - threshold for v in ordered[-size:]]
    quartile = x[int(size / 4 + 0.5) - 1]
    points = 30 + int(math.sqrt(size))
    grid, likelihoods = [], []
    for j in range(1, points + 1):
        b = 1 / x[-1] + (1 - math.sqrt(points / (j - 0.5))) / (3 * quartile)
        k = sum(math.log(1 - b * v) for v in x) / size
        grid.append(b)
        likelihoods.append(size * (math.log(-b / k) - k - 1))
    weights = [1 / sum(math.exp(other - own) for other in likelihoods) for own in likelihoods]
    best = sum(b * w for b, w in zip(grid, weights, strict=True))
    k = sum(math.log(1 - best * v) for v in x) / size
    return (size * k + 10 * 0.5) / (size + 10)


@pytest.mark.parametrize("count", [200, 256, 1024])
def test_agrees_with_a_fit_in_plain_loops(count: int, rng: np.random.Generator) -> None:
    """Both tails are fitted as written out, and the larger k-hat is returned."""
    values = rng.standard_t(3, size=count)
    expected = max(khat_in_plain_loops(values), khat_in_plain_loops(-values))
    assert float(pareto_khat(values)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("index", [0.5, 1.0, 2.0])
def test_finds_the_tail_index_of_pareto_draws(index: float, rng: np.random.Generator) -> None:
    """The mean k-hat of 400 samples of 1,000 is near 1/index; the prior pulls it towards 0.5.

    With a tail of 94 the pull is 10/104 of the distance; one k-hat varies by (1 + k)/sqrt(94), its
    mean over 400 by a twentieth of that, and the fit's own small bias stays below 0.03.
    """
    k = 1 / index
    found = pareto_khat(rng.pareto(index, size=(400, 1000)))
    pulled = (94 * k + 5) / 104
    assert float(found.mean()) == pytest.approx(
        pulled, abs=6 * (1 + k) / math.sqrt(94 * 400) + 0.03
    )


def test_ties_and_missing_values_get_no_verdict() -> None:
    """A constant tail or a value that is no number gives NaN, not a number or an exception."""
    assert np.isnan(pareto_khat(np.ones(300)))
    assert np.isnan(pareto_khat(np.full(300, np.nan)))
    assert np.isnan(pareto_khat(np.arange(3.0)))


def test_counts_of_something_rare_are_not_judged(rng: np.random.Generator) -> None:
    """A tail of four or five counts has no Pareto shape; heavy numbers rounded to integers have."""
    counts = rng.binomial(16_384, 1e-4, (20, 256)) / 16_384
    assert np.isnan(pareto_khat(counts)).all()
    # Rounding of sums, as in a run, is no difference.
    assert np.isnan(pareto_khat(counts * (1.0 + 1e-15 * rng.random(counts.shape)))).all()
    heavy = np.round(rng.pareto(1.0, (20, 1000)))
    assert (pareto_khat(heavy) > 0.3).all()


def test_rows_are_fitted_each_for_itself(rng: np.random.Generator) -> None:
    """What stands in other rows, and how many, changes no bit of a row."""
    values = rng.standard_normal((600, 256))
    together = pareto_khat(values)
    assert all(together[i] == pareto_khat(values[i]) for i in (0, 255, 256, 599))


def test_few_replications_get_no_verdict(rng: np.random.Generator) -> None:
    """Below 200 replications there is no k-hat."""
    few = rng.standard_normal((3, FEWEST_FOR_KHAT - 1))
    assert all(np.isnan(khat).all() for khat in influence_khat(few, few * few).values())


def test_rows_made_by_a_handful_of_full_sets_are_unreliable_and_keep_their_error_bar() -> None:
    """A function of the user is unknown to the ledger; here it is the max of lognormal(s=2)."""

    def largest(sample: np.ndarray, axis: int = -1) -> np.ndarray:
        return sample.max(axis=axis)

    frame = sn.sweep("lognormal(s=2)", batch_sizes=[16], estimators=largest).frame
    rows = frame[(frame["measure"] == "variance") & (frame["reference"] == "full_set")]
    assert (rows["status"] == "unreliable").all()
    assert rows["reason"].str.contains("k-hat").all()
    assert rows["mcse"].notna().all()
    assert rows["z"].isna().all()
    assert (rows["khat"] > 0.5).all()


def test_light_tails_raise_few_false_alarms() -> None:
    """Of the normal law's rows over 20 seeds, at most one in fifty is called unreliable.

    With k about 0 the k-hat of 256 replications varies by 0.12 about 0.1, so that 0.5 is over
    three standard deviations away; cells share draws, which makes alarms come in clusters.
    """
    alarms = [
        (sn.sweep("normal", seed=seed).frame["status"] == "unreliable").mean() for seed in range(20)
    ]
    assert np.mean(alarms) <= 0.02
