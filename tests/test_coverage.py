"""How often the 95 % intervals of the public API cover the truth: a sample of the proof.

The whole of it, as the README shows it, is `scripts/prove coverage`.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from proving import coverage, coverage_runs, rivals
from proving.coverage import PROMISE, Floats
from proving.coverage_runs import Kept, Plan
from scipy.stats import binom, norm

from simnorm import tally

# One chance in ten thousand that a test finds fault where every green cell keeps the promise.
FALSE_ALARMS = 1e-4
QUESTION = ["statistic", "batch_size", "reference", "measure"]
SAMPLE = Plan("sample", ("normal", "uniform", "exponential"), (2, 8, 32), 64, 400, 250, 9_000_000)
LARGER = dataclasses.replace(
    SAMPLE, laws=(*SAMPLE.laws, "laplace", "t(df=10)", "poisson"), replications=1000, seeds=700
)


@dataclasses.dataclass(frozen=True)
class Found:
    """A sample of the proof: what the seeds left, and the table made from them."""

    plan: Plan
    kept: Kept
    table: pd.DataFrame

    def hits(self, law: str, shrink: float = 1.0) -> NDArray[np.bool_]:
        """Return which intervals of green rows hold the truth, shape (rows, seeds).

        With `shrink`, as if their standard errors were that much smaller.
        """
        rows, fields = self.kept.of(law)
        truths = coverage.true_values(self.plan, rows, fields["estimate"])[0]
        keys = self.table.loc[self.table["law"] == law].set_index(QUESTION)["status"]
        green = [
            keys.get(tuple(row), "") == "green"
            for row in rows[["estimator", *QUESTION[1:]]].itertuples(index=False)
        ]
        estimate, low, high = (fields[name] for name in ("estimate", "ci_low", "ci_high"))
        logarithmic = (rows["measure"] != "bias").to_numpy()[:, np.newaxis]
        with np.errstate(all="ignore"):
            low, high = (
                np.where(
                    logarithmic,
                    estimate * (end / estimate) ** shrink,
                    estimate + shrink * (end - estimate),
                )
                for end in (low, high)
            )
            inside = (low <= truths[:, np.newaxis]) & (truths[:, np.newaxis] <= high)
        return np.asarray(inside[green])


def find(plan: Plan) -> Found:
    kept = coverage_runs.in_memory(plan)
    return Found(plan, kept, coverage.table_of(plan, kept, judges=9))


@pytest.fixture(scope="module")
def found() -> Found:
    """Three laws, 250 seeds, R = 400."""
    return find(SAMPLE)


def questions_off(table: pd.DataFrame, what: str = "coverage") -> pd.DataFrame:
    """Return the questions whose green cells, of all laws together, cover too little or too much.

    Laws share no draws, so that the hits are sums of independent binomials, each with a chance
    within the promise: no more extreme than one binomial at the end of it.
    """
    green = table[table["status"] == "green"]
    green = green.assign(hits=(green[what] * green["seeds"]).round())
    asked = green.groupby(QUESTION).agg(hits=("hits", "sum"), tried=("seeds", "sum"))
    alpha = FALSE_ALARMS / (2 * len(asked))
    low = binom.ppf(alpha, asked["tried"], PROMISE[0])
    high = binom.isf(alpha, asked["tried"], PROMISE[1])
    return asked[(asked["hits"] < low) | (asked["hits"] > high)]


def overall(found: Found, shrink: float = 1.0) -> tuple[float, float]:
    """Return the mean coverage of all green rows and its standard error, by law and seed."""
    shares = [
        found.hits(law, shrink).mean(axis=0) for law in found.kept.rows["distribution"].unique()
    ]
    units = np.concatenate(shares)
    # Laws differ in their means, which the scatter within each does not hold.
    within = np.concatenate([share - share.mean() for share in shares])
    return float(units.mean()), float(within.std() / np.sqrt(len(units)))


def is_off(mean: float, error: float) -> bool:
    room = norm.isf(FALSE_ALARMS / 2) * error
    return not PROMISE[0] - room <= mean <= PROMISE[1] + room


# By hand.


def test_an_interval_covers_what_lies_between_its_ends_and_none_covers_nothing() -> None:
    """Two of four intervals hold 1, an end counts as inside, and one that is missing does not."""
    low = np.array([0.0, 1.0, 1.5, np.nan])
    high = np.array([2.0, 3.0, 2.0, np.nan])
    assert coverage.share_covered(low, high, 1.0) == 0.5
    assert np.isnan(coverage.share_covered(low[3:], high[3:], 1.0))


@pytest.mark.parametrize(
    ("objection", "khat", "colour"),
    [
        ("", 0.29, "green"),
        ("", 0.3, "amber"),
        ("", 0.5, "amber"),
        ("", 0.51, "red"),
        ("no fourth moment", 0.1, "red"),
        ("", float("nan"), "green"),
    ],
)
def test_a_cell_is_graded_by_the_ledger_and_the_median_khat(
    objection: str, khat: float, colour: str
) -> None:
    """Below 0.3 is green, to 0.5 amber, above it red, as is all that the ledger objects to."""
    assert coverage.grade(objection, khat) == colour


def test_other_toolkits_intervals_by_hand() -> None:
    """50 sets of two batches: m = 100 for those that count batches, 50 for the one by set.

    With a variance of 1, and errors of kurtosis 5: 1 +- 1.96 sqrt(2/99) = 1 +- 0.2786,
    1 +- 1.96 sqrt(4/100) = 1 +- 0.392, 1 +- 1.96 sqrt(2/49) = 1 +- 0.396; half of that for the
    root, and a bias of 0 +- 0.196, 0 +- 0.196, 0 +- 0.277.
    """
    zero, one = np.array([0.0]), np.array([1.0])

    def covers(measure: str, truth: float) -> list[float]:
        shares = rivals.coverages(
            measure, truth, (zero, one, one), np.array([50.0]), 2, rivals.Kurtosis(5.0, 5.0)
        )
        return [shares[name] for name in rivals.RIVALS]

    assert rivals.RIVALS == ("normal_theory", "unclustered", "normal_by_set")
    assert covers("variance", 1.278) == [1.0, 1.0, 1.0]
    assert covers("variance", 1.28) == [0.0, 1.0, 1.0]
    assert covers("variance", 1.394) == [0.0, 0.0, 1.0]
    assert covers("variance", 0.6) == [0.0, 0.0, 0.0]
    assert covers("rmse", 1.139) == [1.0, 1.0, 1.0]
    assert covers("rmse", 1.14) == [0.0, 1.0, 1.0]
    assert covers("rmse", 1.197) == [0.0, 0.0, 1.0]
    assert covers("bias", -0.195) == [1.0, 1.0, 1.0]
    assert covers("bias", -0.197) == [0.0, 0.0, 1.0]
    assert covers("bias", -0.28) == [0.0, 0.0, 0.0]


def test_kurtosis_of_errors_by_hand() -> None:
    """A mean of two uniforms has 3 - 1.2/2 = 2.4, and a normal s^2 of n = 2 is chi2(1): 15."""
    two = rivals.kurtosis("uniform", "mean", 2, 64, "population")
    assert two.about_mean == pytest.approx(2.4, rel=0.01)
    spread = rivals.kurtosis("normal", "unbiased_variance", 2, 64, "population")
    assert spread.about_mean == pytest.approx(15.0, rel=0.03)


def test_chunks_are_taken_up_where_they_were_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run in two chunks of files holds what one in memory does; another design is refused.

    The second chunk, from sums, has a k-hat for its first seed alone.
    """
    monkeypatch.setattr(coverage_runs, "CHUNK", 3)
    monkeypatch.setattr(coverage_runs, "WHOLE_CHUNKS", 1)
    plan = dataclasses.replace(SAMPLE, laws=("normal",), seeds=5)
    folder = coverage_runs.open_folder(plan, tmp_path)
    assert coverage_runs.compute_chunk(plan, folder, 1) == 2
    assert coverage_runs.load(plan, tmp_path).seeds == 2
    assert coverage_runs.compute_chunk(plan, folder, 0) == 3
    kept, whole = coverage_runs.load(plan, tmp_path), coverage_runs.in_memory(plan)
    assert kept.seeds == whole.seeds == plan.seeds
    varies = whole.of("normal")[0]["theory"] != 0.0
    for name, values in whole.of("normal")[1].items():
        if name == "khat":
            values[:, 4] = np.nan
        np.testing.assert_array_equal(kept.of("normal")[1][name][varies], values[varies])
    pd.testing.assert_frame_equal(kept.rows, whole.rows, check_dtype=False)
    assert coverage_runs.open_folder(dataclasses.replace(plan, seeds=9), tmp_path) == folder
    with pytest.raises(SystemExit, match="another design"):
        coverage_runs.open_folder(dataclasses.replace(plan, full_size=32), tmp_path)


def test_sums_that_give_other_intervals_than_the_table_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first seed of a chunk from sums is compared with its table in every digit kept."""
    plan = dataclasses.replace(SAMPLE, laws=("normal",))
    coverage_runs.from_sums(plan, range(2))
    right = Plan.intervals
    monkeypatch.setattr(Plan, "intervals", lambda plan, seed: right(plan, seed) * np.float32(1.001))
    with pytest.raises(RuntimeError, match="other intervals"):
        coverage_runs.from_sums(plan, range(2))


# By chance.


def check(found: Found) -> None:
    """Raise unless the green cells cover what is promised, as far as so many seeds can tell."""
    assert not len(off := questions_off(found.table)), off
    assert not is_off(*overall(found)), overall(found)


def test_green_cells_cover_what_is_promised(found: Found) -> None:
    """No question of the sample, nor all together, covers less than 93.5 or more than 96.5 %."""
    assert (found.table["status"] == "green").sum() > 120
    check(found)


def test_all_seeds_count_whatever_their_rows_said(found: Found) -> None:
    """The coverage of a cell is a share of all 250 seeds."""
    hits = found.table["coverage"].dropna() * SAMPLE.seeds
    np.testing.assert_allclose(hits, hits.round(), atol=1e-9)


def test_standard_errors_too_small_by_15_per_cent_would_be_seen(found: Found) -> None:
    """They cover 90.4 %: with so many seeds one chance in a thousand, at most, to miss it."""
    mean, error = overall(found, shrink=0.85)
    assert is_off(mean, error)
    bound = PROMISE[0] - norm.isf(FALSE_ALARMS / 2) * error
    covered = 2.0 * norm.cdf(0.85 * 1.96) - 1.0
    assert norm.sf((bound - covered) / error) < 1e-3


def test_batches_taken_for_independent_would_be_seen(found: Found) -> None:
    """Even with the right kurtosis: half the set mirrors the other half, and biases cancel."""
    off = questions_off(found.table, "unclustered")
    assert len(off) > 10
    assert (off["hits"] < 0.9 * off["tried"]).any()
    assert (off["hits"] == off["tried"]).any()


def test_the_normal_theory_formula_would_be_seen(found: Found) -> None:
    """It does not know the kurtosis either."""
    assert len(questions_off(found.table, "normal_theory")) > 10


@pytest.mark.slow
def test_green_cells_of_a_larger_sample_cover_what_is_promised() -> None:
    """Six laws, 700 seeds, R = 1,000."""
    larger = find(LARGER)
    check(larger)
    assert not coverage.broken_promises(larger.table)["coverage"].lt(0.92).any()


@pytest.mark.full_size
def test_a_quantile_15_per_cent_too_small_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With this fault put into the package the check fails."""
    right = tally.t_quantile

    def wrong(count: int | NDArray[np.int64]) -> Floats:
        return np.asarray(0.85 * right(count))

    monkeypatch.setattr(tally, "t_quantile", wrong)
    with pytest.raises(AssertionError):
        check(find(SAMPLE))


@pytest.mark.full_size
def test_every_green_cell_keeps_the_promise(tmp_path: Path) -> None:
    """Fourteen laws, 20,000 seeds, R = 1,000: all green cells cover 93.5 to 96.5 %.

    `SIMNORM_SCRATCH` names a folder in which an earlier call, or `scripts/prove coverage`, has left
    its intervals; they are used, and what is missing is computed.
    """
    scratch = Path(os.environ.get("SIMNORM_SCRATCH", tmp_path))
    plan = coverage.PLANS["R=1000"]
    coverage_runs.compute(plan, scratch)
    table = coverage.table_of(plan, coverage_runs.load(plan, scratch))
    assert len(table["law"].unique()) >= 14
    assert (table["status"] == "green").sum() > 800
    broken = coverage.broken_promises(table)
    assert not len(broken), broken.to_string()
