"""What the statistical tests of the suite can see: the smallest error that each is sure to notice.

Every test declares its questions, its rate of false alarms and its number of replications here,
by the constants of its own module where it has them. A smallest error follows from these:

    smallest = (bound + z_{1 - beta}) sqrt(relative variance / R)

with the bound that |z| is held against. Where a test reads standard errors from a table of the
package, the relative variance is R (mcse/estimate)^2 of that table, by the test's own design.

    scripts/prove power         writes reports/proof/power.csv
"""

from __future__ import annotations

import argparse
import csv
import importlib
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
from scipy import stats

import simnorm as sn
from simnorm.design import Design
from simnorm.distributions import DISTRIBUTIONS, distribution

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "reports" / "proof" / "power.csv"
HEADER = (
    "test", "quantity", "law", "R", "alpha", "questions", "beta", "bound", "smallest_error_percent",
    "how",
)  # fmt: skip

# A miss rate that is used wherever a test names none.
MISS = 1e-3


@dataclass(frozen=True)
class Declared:
    """What a test asks, and how often it may be wrong.

    Parameters
    ----------
    test
        ``file::function``.
    quantity, law
        What is estimated, and of which draws.
    replications
        R, what is independent: full sets, draws, or seeds.
    alpha
        Chance that the whole test fails with a new seed and a right program.
    relative_variance
        Variance of one replication's share in the estimate, over the quantity squared.
    questions
        How many questions share alpha (Sidak).
    beta
        Chance that an error of the smallest size is missed.
    by_t
        Whether the bound is a quantile of Student's t with R - 1 degrees.
    how
        Where the relative variance is from.
    own_bound, own_smallest
        In place of what follows from the others, where a test has a bound of another kind.
    """

    test: str
    quantity: str
    law: str
    replications: int
    alpha: float
    relative_variance: float
    questions: int = 1
    beta: float = MISS
    by_t: bool = False
    how: str = "exact moments"
    own_bound: float | None = None
    own_smallest: float | None = None

    @property
    def bound(self) -> float:
        """The |z| that right programs stay below in every question, but for alpha."""
        if self.own_bound is not None:
            return self.own_bound
        each = -math.expm1(math.log1p(-self.alpha) / self.questions)
        law = stats.t(self.replications - 1) if self.by_t else stats.norm()
        return float(law.isf(each / 2.0))

    @property
    def smallest(self) -> float:
        """The smallest relative error that is missed with probability beta."""
        if self.own_smallest is not None:
            return self.own_smallest
        reach = self.bound + float(stats.norm.isf(self.beta))
        return reach * math.sqrt(self.relative_variance / self.replications)


def replications_needed(alpha: float, beta: float, relative_variance: float, delta: float) -> int:
    """Return R = (z_{1 - alpha/2} + z_{1 - beta})^2 relative variance / delta^2, rounded up.

    Parameters
    ----------
    alpha, beta
        Chances of a false alarm, and of a miss.
    relative_variance
        As in `Declared`.
    delta
        The relative error that is to be seen.

    Examples
    --------
    1 % in the variance of normal numbers takes more than a million of them.

    >>> replications_needed(1e-6, 1e-3, 2.0, 0.01)
    1274206
    """
    reach = float(stats.norm.isf(alpha / 2.0) + stats.norm.isf(beta))
    return math.ceil(reach * reach * relative_variance / (delta * delta))


def assert_power(declared: Declared, delta: float) -> None:
    """Fail a test that would miss an error of relative size delta more often than it declares."""
    smallest = declared.smallest
    assert smallest <= delta, f"{declared.test} sees {smallest:.2%} of error, not {delta:.2%}"


def batch_means(law: str, n: int, full_size: int) -> float:
    """Return the relative variance of one full set's mean squared error of batch means.

    Q is the variance, divisor k, of k independent batch means with excess kurtosis g/n; a variance
    of k draws with excess kurtosis G has the relative variance G/k + 2/(k - 1).

    Examples
    --------
    >>> batch_means("normal", 2, 64) == 2 / 31
    True
    """
    k = full_size // n
    return distribution(law).excess_kurtosis / n / k + 2.0 / (k - 1.0)


# ---------------------------------------------------------------------------------------------
# What the tests declare


def tests(name: str) -> ModuleType:
    """Import a module of tests."""
    folder = str(ROOT / "tests")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def of_rows(
    frame: pd.DataFrame,
    test: str,
    *,
    alpha: float,
    questions: int,
    quantities: Iterable[tuple[str, str]],
    sizes: Iterable[int] | None = None,
    by_t: bool = True,
    by: str = "distribution",
    reference: str = "full_set",
) -> Iterator[Declared]:
    """Yield what rows of a table can tell, by law or column: of variances, in the middle of them.

    Biases are in units of the root mean squared error of one batch, variances of themselves.
    """
    keys = [by, "estimator", "batch_size", "reference"]
    rmse = frame[frame["measure"] == "rmse"].drop_duplicates(keys).set_index(keys)["estimate"]
    for estimator, measure in quantities:
        rows = frame[
            (frame["estimator"] == estimator)
            & (frame["measure"] == measure)
            & (frame["reference"] == reference)
            & (frame["status"] == "ok")
            & frame["z"].notna()
        ]
        if sizes is not None:
            rows = rows[rows["batch_size"].isin(list(sizes))]
        for (name, n), part in rows.groupby([by, "batch_size"], sort=False):
            size = part["estimate"]
            if measure == "bias":
                size = rmse.reindex(pd.MultiIndex.from_frame(part[keys])).to_numpy()
            ratio = float(np.median(part["mcse"] / size))
            R = int(part["replications"].iloc[0])
            unit = " in RMSEs" if measure == "bias" else ""
            yield Declared(
                test, f"{measure} of {estimator}{unit}, n = {n}", str(name), R, alpha,
                R * ratio * ratio, questions, by_t=by_t, how="MCSE of the test's design",
            )  # fmt: skip


def default_sweep() -> Iterator[Declared]:
    """Every |z| of twenty default sweeps."""
    module = tests("test_calibration")
    frame = sn.sweep().frame
    asked = frame[
        (frame["theory_kind"] == "exact")
        & (frame["status"] == "ok")
        & frame["measure"].isin(["bias", "variance"])
        & ~frame["estimator"].isin(module.PROPORTIONAL)
    ]
    yield from of_rows(
        frame,
        "test_calibration::test_no_independent_question_is_further_off_than_chance_allows",
        alpha=module.FALSE_ALARMS, questions=len(asked) * len(module.SEEDS),
        quantities=[("mean", "variance"), ("unbiased_variance", "variance"),
                    ("unbiased_variance", "bias")],
        sizes=(2, 64, 1024),
    )  # fmt: skip


def order_statistics() -> Iterator[Declared]:
    """Extremes, median and quantiles of every law, over four seeds."""
    module = tests("test_calibration")
    frame = sn.sweep(
        [*DISTRIBUTIONS], estimators="min,max,range,median,quantile,iqr", batch_sizes="2,9,32,256",
        full_size=2048, replications=512, seed=0,
    ).frame  # fmt: skip
    exact = frame[(frame["theory_kind"] == "exact") & (frame["status"] == "ok")]
    asked = exact[exact["measure"].isin(["bias", "variance"])]
    yield from of_rows(
        exact[exact["distribution"].isin(["normal", "exponential", "uniform"])],
        "test_calibration::test_order_statistics_have_honest_error_bars_too",
        alpha=module.FALSE_ALARMS, questions=4 * len(asked),
        quantities=[("median", "variance"), ("median", "bias"), ("max", "variance")],
        sizes=(2, 32),
    )  # fmt: skip


def real_data() -> Iterator[Declared]:
    """Columns of real tables against exact theory of their rows."""
    module = tests("test_real_data")
    for name in ("breast_cancer", "wine"):
        frame = sn.sweep(
            data=module.columns_of(name), estimators=f"{module.MOMENTS},{module.ORDER}",
            batch_sizes=module.SIZES if name == "breast_cancer" else "2:128:x2,3,10,100", seed=1,
        ).frame  # fmt: skip
        questions = len(module.asked(frame))
        frame["all"] = f"{name}, the middle column"
        yield from of_rows(
            frame,
            "test_real_data::test_every_ok_row_agrees_with_exact_theory",
            alpha=module.FALSE_ALARM, questions=questions, by="all", sizes=(2, 32),
            quantities=[("mean", "variance"), ("unbiased_variance", "variance")],
        )  # fmt: skip


def exact_biases() -> Iterator[Declared]:
    """Biases over their exact standard errors."""
    module = tests("test_theory")
    questions = 2 * len(module.LAWS) * len(module.SIZES)
    for law in ("normal", "uniform", "exponential"):
        g2 = distribution(law).excess_kurtosis
        for word, unit in (("mean", "sigma"), ("unbiased_variance", "sigma^2")):
            worst = max(module.exact_variance_of_a(word, n, "population", g2) for n in module.SIZES)
            yield Declared(
                "test_theory::test_sweep_agrees_with_theory_over_all_laws",
                f"bias of {word} in {unit}, every n", law, module.REPLICATIONS, module.FALSE_ALARM,
                worst, questions, module.MISS,
            )  # fmt: skip


def variances_of_laws() -> Iterator[Declared]:
    """Variances of the sweep over their own MCSE."""
    module = tests("test_theory")
    frame = sn.sweep(
        ["normal", "uniform", "laplace", "rectified_normal"], batch_sizes=module.SIZES,
        estimators=[*module.MOMENTS, *module.STDS], full_size=module.FULL_SIZE,
        replications=module.REPLICATIONS, seed=3,
    ).frame  # fmt: skip
    questions = int(((frame["measure"] == "variance") & frame["z"].notna()).sum())
    yield from of_rows(
        frame, "test_theory::test_variances_of_the_sweep_agree_with_theory",
        alpha=module.FALSE_ALARM, questions=questions, by_t=False, sizes=module.SIZES[:1],
        quantities=[("mean", "variance"), ("unbiased_variance", "variance")],
    )  # fmt: skip


def moments_of_draws() -> Iterator[Declared]:
    """Means and variances of a million draws of every law."""
    module = tests("test_distributions")
    cells = list(module.moment_cells())
    for spec in ("normal", "uniform", "laplace", "exponential", "gamma(a=2)", "t(df=10)"):
        if (spec, 2) not in cells:
            continue
        for order, quantity in ((1, "mean in sds"), (2, "variance")):
            _, sd, _ = module.standardized_power(spec, order)
            yield Declared(
                "test_distributions::test_sample_moments_of_a_million_draws", quantity, spec,
                module.DRAWS, module.FALSE_ALARM, sd * sd, len(cells), module.MISS,
            )  # fmt: skip


def fixed(
    test: str, quantity: str, law: str, R: int, alpha: float, limit: float, size: float, how: str
) -> Declared:
    """Return what a test with a bound of its own declares, and the error that it then sees."""
    return Declared(
        test, quantity, law, R, alpha, math.nan, own_bound=limit, own_smallest=size, how=how
    )


def distances() -> Iterator[Declared]:
    """Distribution functions of a million and of ten million draws."""
    module = tests("test_distributions")
    for test, draws in (
        ("test_a_million_draws_follow_the_distribution_function", module.DRAWS),
        ("test_ten_million_draws_follow_the_distribution_function", 10 * module.DRAWS),
    ):
        limit = module.DKW / math.sqrt(draws / module.DRAWS)
        yield fixed(
            f"test_distributions::{test}", "distribution function", "every law", draws,
            module.DKW_ALARM, limit, 2.0 * limit,
            "Dvoretzky-Kiefer-Wolfowitz: beyond twice the bound missed at most as often as alarmed",
        )  # fmt: skip


def streams() -> Iterator[Declared]:
    """Correlations across blocks' streams: 300 streams of 2,048 normals."""
    miss = float(stats.norm.isf(MISS))
    pairs, length = 300 * 299 // 2, 2048
    excess = (5.0 + miss) * math.sqrt(2.0 / pairs)
    test = "test_streams::test_the_streams_of_many_blocks_are_uncorrelated"
    yield fixed(
        test, "correlation of all pairs of streams", "normal", pairs, 6e-7, 5.0,
        math.sqrt(excess / length), "mean z^2 of all pairs",
    )  # fmt: skip
    alpha = -math.expm1(pairs * math.log1p(-2.0 * float(stats.norm.sf(6.0))))
    size = (6.0 + miss) / math.sqrt(length)
    yield fixed(
        test, "correlation of one pair of streams", "normal", pairs, alpha, 6.0, size,
        "largest z of all pairs",
    )  # fmt: skip


def coverage_of_tallies() -> Iterator[Declared]:
    """Coverage of intervals, counted over 20,000 seeds."""
    module = tests("test_tally")
    sd = math.sqrt(0.95 * 0.05 / module.SEEDS)
    limit = module.BINOMIAL / sd
    size = module.BINOMIAL + float(stats.norm.isf(MISS)) * sd
    yield fixed(
        "test_tally::test_coverage_of_the_bias_is_exact", "coverage of 95 % intervals, in points",
        "normal", module.SEEDS, 1e-6, limit, size, "binomial",
    )  # fmt: skip


def with_replacement() -> Iterator[Declared]:
    """Batches drawn with replacement from full sets of a law."""
    frame = sn.sweep(
        "exponential", sampling="replacement", full_size=20, batch_sizes=[2, 5, 50],
        estimators="mean,biased_variance,unbiased_variance", replications=8192,
    ).frame  # fmt: skip
    asked = frame[frame["measure"].isin(["bias", "variance"]) & frame["z"].notna()]
    each = 2.0 * float(stats.norm.sf(5.0))
    alpha = -math.expm1(len(asked) * math.log1p(-each))
    yield from of_rows(
        frame, "test_resampling::test_orders_of_laws_with_replacement_match_their_theory",
        alpha=alpha, questions=len(asked), by_t=False, sizes=(2, 50),
        quantities=[("mean", "variance"), ("unbiased_variance", "variance")],
    )  # fmt: skip


def running() -> Iterator[Declared]:
    """Running averages after 100 steps, whose start alone may be many of their own sds away."""
    module = tests("test_running")
    design = module.design_of(
        None, **module.SMALL, sampling=["shuffle", "iid", "replacement"], replications=400
    )
    frame = module.frame_of(design)
    questions = len(module.asked(frame).query("measure == 'bias'"))
    at = (frame["sampling"] == "iid") & (frame["preset"] == "keras3") & (frame["drift"] == "0")
    at &= (frame["measure"] == "bias") & (frame["reference"] == "population")
    for word, power, unit in (("running_mean", 1, "sigma"), ("running_variance", 2, "sigma^2")):
        for law in ("normal", "exponential"):
            here = at & (frame["estimator"] == word) & (frame["batch_size"] == 8)
            row = frame[here & (frame["distribution"] == law)].iloc[0]
            size = row["mcse"] / distribution(law).std ** power
            yield Declared(
                "test_running::test_errors_are_those_of_exact_theory",
                f"bias of {word} in {unit}, n = 8", law, 400, 1e-4, 400 * size * size, questions,
                by_t=True, how="MCSE of the test's design",
            )  # fmt: skip


def inputs() -> Iterator[Declared]:
    """Errors of normalized values, by the laws of the test's fixture."""
    module = tests("test_inputs")
    design = Design.make(
        ["normal", "exponential", "bernoulli(p=0.3)", "rectified_normal"], study="inputs",
        full_size=1024, sampling="shuffle,iid,replacement", batch_sizes="1:1024:x4,3,100",
        gamma="1,0.5", beta="0,0.3", epsilon="0,0.01",
    )  # fmt: skip
    frame = sn.run(design).frame
    questions = len(module.independent(frame))
    at = (frame["sampling"] == "iid") & (frame["epsilon"] == "0")
    at &= ~frame["gamma"].isin(["0.5"]) & ~frame["beta"].isin(["0.3"])
    yield from of_rows(
        frame[at], "test_inputs::test_rows_with_exact_theory_are_as_far_off_as_chance_allows",
        alpha=module.FALSE_ALARMS, questions=questions, sizes=(4, 16, 64),
        reference="population", quantities=[(module.grid.NORMALIZED, "mse")],
    )  # fmt: skip


def coverage_sample() -> Iterator[Declared]:
    """Coverage of the intervals of the public API, questions of three laws together."""
    module = tests("test_coverage")
    plan = module.SAMPLE
    # Three statistics, two references, three measures, less what is exact.
    questions = 3 * 3 * 2 * 3 - 3
    tried = plan.seeds * len(plan.laws)
    low = stats.binom.ppf(module.FALSE_ALARMS / (2 * questions), tried, module.PROMISE[0])
    shares = np.linspace(0.5, 0.95, 4501)
    seen = shares[stats.binom.cdf(low - 1, tried, shares) >= 1.0 - MISS]
    yield fixed(
        "test_coverage, a sample of every run", "coverage of 95 % intervals, in points",
        "three laws together", tried, module.FALSE_ALARMS, float(low) / tried,
        0.95 - float(seen.max()), "binomial, beside the promise of 93.5 %",
    )  # fmt: skip


def oracles() -> Iterator[Declared]:
    """The oracle of the faults that compares with the formulas on paper."""
    z = importlib.import_module(tests("mutants").__name__ + ".zscores")
    questions = 3 * len(z.LAWS) * len(z.WORDS) * len(z.SIZES) * 2 - 3 * len(z.LAWS)
    for law in z.LAWS:
        for word in ("mean", "unbiased_variance"):
            own = z.own_moments(law, word, 4, "full_set")
            variance = own.mse - own.bias**2
            yield Declared(
                "test_mutants, oracle against_laws", f"variance of {word}, n = 4", law,
                z.REPLICATIONS, z.ALARM, (own.sd["variance"] / variance) ** 2, questions,
                how="an engine of its own",
            )  # fmt: skip


def one_per_cent() -> Iterator[Declared]:
    """The test that sees 1 % in a variance."""
    yield from tests("test_power").declared()


GROUPS = (
    one_per_cent, default_sweep, order_statistics, real_data, exact_biases, variances_of_laws,
    moments_of_draws, distances, streams, coverage_of_tallies, coverage_sample, with_replacement,
    running, inputs, oracles,
)  # fmt: skip


def all_declared() -> list[Declared]:
    """Return what all tests declare."""
    return [declared for group in GROUPS for declared in group()]


def write(declared: Iterable[Declared], path: Path) -> None:
    """Write the table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADER)
        for one in declared:
            rows.writerow(
                (
                    one.test,
                    one.quantity,
                    one.law,
                    one.replications,
                    f"{one.alpha:.0e}",
                    one.questions,
                    f"{one.beta:.0e}",
                    f"{one.bound:.3g}",
                    f"{100.0 * one.smallest:.3g}",
                    one.how,
                )
            )


def main(arguments: list[str] | None = None) -> None:
    """Write reports/proof/power.csv."""
    parser = argparse.ArgumentParser(prog="scripts/prove power", description=__doc__)
    parser.add_argument("--out", type=Path, default=TABLE, help="the table to write")
    path = parser.parse_args(arguments).out
    declared = all_declared()
    write(declared, path)
    best = [one for one in declared if one.quantity.startswith("variance")]
    print(f"{len(declared)} questions of {len({one.test for one in declared})} tests: {path}")
    print(f"smallest error of a variance: {100 * min(one.smallest for one in best):.2f} %")


if __name__ == "__main__":
    main()
