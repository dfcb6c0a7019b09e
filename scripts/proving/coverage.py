"""How often nominal 95 % intervals of the public API cover the truth, and what rivals' do.

Every cell is judged over all seeds, never over those alone whose row said `ok`. The truth is exact
theory where there is any, otherwise what all seeds have found together. A cell is green if the
ledger has nothing against it and the median of its k-hat lies below 0.3, amber from there to 0.5,
red above and wherever the ledger speaks.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from proving.coverage_runs import KEY, MEASURES, Kept, Plan, compute, load
from proving.rivals import RIVALS, coverages, kurtosis
from simnorm.diagnostics import EXACT, OK

Floats = NDArray[np.float64]

LAWS = (
    *("normal", "uniform", "laplace", "gumbel", "exponential", "gamma(a=2)", "beta(a=2,b=5)"),
    *("t(df=10)", "t(df=5)", "lognormal(s=0.5)", "lognormal(s=1)", "contaminated_normal"),
    *("bernoulli", "poisson"),
)
SIZES = (2, 4, 8, 16, 32)
# What green cells cover, at least and at most.
PROMISE = (0.935, 0.965)
AMBER, RED = 0.3, 0.5
# Of fewer runs that say `ok` a share says little.
FEWEST_OK = 500
# The ledger's verdict is what most of so many runs say: some of its doubts look at the draws.
JUDGES = 25

SCRATCH = Path("runs/coverage")
TABLE = Path(__file__).resolve().parents[2] / "reports" / "proof" / "coverage.csv"


def fixed(replications: int, seeds: int) -> Plan:
    """Return the run with so many replications: every size up to N/2."""
    return Plan(f"R={replications}", LAWS, SIZES, 64, replications, seeds, replications * 1_000_000)


# At N/2 the mean square of normal errors is known to 1/16 from 256 full sets on, or 512: there the
# looks are, so that chance decides which of them is the last.
TO_TARGET = Plan(
    "target_mcse=6.25%",
    ("normal", "uniform", "exponential", "t(df=10)"),
    (256, 1024, 2048),
    4096,
    4096,
    2_000,
    500_000_000,
    target="6.25%",
)
PLANS = {
    plan.name: plan
    for plan in (
        fixed(1000, 20_000),
        fixed(100, 4_000),
        fixed(256, 4_000),
        fixed(400, 4_000),
        TO_TARGET,
    )
}
# What looks decide is not for their mean to judge: there one run of so many replications does.
LONG_RUN = 1 << 16


def objections(plan: Plan, judges: int = JUDGES) -> tuple[list[str], NDArray[np.bool_]]:
    """Return what the ledger has against each row, and which rows are exact by design.

    A k-hat above the limit is no objection here: the median over all seeds says that.
    """
    tables = [plan.rows(plan.first_seed + i) for i in range(judges)]
    statuses = np.array([table["status"] for table in tables])
    reasons = np.array([table["reason"] for table in tables], dtype=object)
    against = (statuses != OK) & (statuses != EXACT)
    against &= ~np.char.find(reasons.astype(str), "k-hat") >= 0
    said = []
    for row in range(len(tables[0])):
        heard = Counter(reasons[against[:, row], row])
        said.append(heard.most_common(1)[0][0] if 2 * heard.total() > judges else "")
    return said, (statuses == EXACT).all(axis=0)


def grade(objection: str, khat: float) -> str:
    """Return green, amber or red.

    Examples
    --------
    >>> grade("", 0.1), grade("", 0.4), grade("no fourth moment", 0.1), grade("", float("nan"))
    ('green', 'amber', 'red', 'green')
    """
    if objection or khat > RED:
        return "red"
    return "amber" if khat >= AMBER else "green"


def true_values(plan: Plan, rows: pd.DataFrame, estimates: Floats) -> tuple[Floats, list[str]]:
    """Return the truth of every row and where it comes from: `exact` theory, `seeds`, `long run`.

    Bias, variance and mean square are estimated without bias, so that their means over all seeds
    converge to the truth; the rmse is the root of the last. Where a target decides when to stop,
    these means have a bias of their own, and one long run of fixed length takes their place.
    """
    exact = (rows["theory_kind"] == "exact").to_numpy()
    if plan.target:
        long = dataclasses.replace(
            plan, laws=(rows["distribution"].iloc[0],), target="", replications=LONG_RUN
        )
        found, source = long.rows(plan.first_seed - 1)["estimate"].to_numpy(float), "long run"
    else:
        squares = (estimates**2).mean(axis=-1)
        is_rmse = (rows["measure"] == "rmse").to_numpy()
        found, source = np.where(is_rmse, np.sqrt(squares), estimates.mean(axis=-1)), "seeds"
    truths = np.where(exact, rows["theory"].to_numpy(float), found)
    return truths, ["exact" if known else source for known in exact]


def share_covered(low: Floats, high: Floats, truth: float) -> float:
    """Return how many intervals hold the truth, NaN where no seed has one.

    Where some seeds have none, these do not hold it.
    """
    if np.isnan(low).all():
        return float("nan")
    return float(((low <= truth) & (truth <= high)).mean())


def share_of_ok(fields: dict[str, Floats], i: int, truth: float, objection: str) -> float:
    """Return what the intervals cover in the runs that said `ok`; NaN where few or none did.

    A user has one run, and its own k-hat alone. A run that has met no outlier has a small k-hat
    and a small standard error, so these cover less than all runs do.
    """
    # Of most seeds there are sums without a k-hat; a row of ties has none either, and says `ok`.
    whole = np.isfinite(fields["khat"]).any(axis=0)
    said_ok = whole & ~(fields["khat"][i] > RED)
    if objection or said_ok.sum() < FEWEST_OK:
        return float("nan")
    return share_covered(fields["ci_low"][i][said_ok], fields["ci_high"][i][said_ok], truth)


def table_of(plan: Plan, kept: Kept, judges: int = JUDGES) -> pd.DataFrame:
    """Return the coverage of every row of a run, with the rivals', k-hat and grade."""
    said, exact = objections(plan, judges)
    parts = []
    for law in kept.rows["distribution"].unique():
        rows, fields = kept.of(law)
        truths, sources = true_values(plan, rows, fields["estimate"])
        for i, (place, row) in enumerate(rows.iterrows()):
            if exact[place]:
                continue  # the same in every replication: no error bar to prove
            truth = float(truths[i])
            khats = fields["khat"][i]
            khat = float(np.nanmedian(khats)) if np.isfinite(khats).any() else float("nan")
            # The three measures of a cell stand in a row.
            first = i - MEASURES.index(row["measure"])
            cell = tuple(fields["estimate"][first : first + len(MEASURES)])
            replications = fields["replications"][i]
            found = kurtosis(
                law, row["estimator"], row["batch_size"], plan.full_size, row["reference"]
            )
            parts.append(
                {
                    "run": plan.name,
                    **row[KEY],
                    "R": int(np.median(replications)),
                    "seeds": kept.seeds,
                    "coverage": share_covered(fields["ci_low"][i], fields["ci_high"][i], truth),
                    **coverages(
                        row["measure"], truth, cell, replications, int(row["batches"]), found
                    ),
                    "of_ok": share_of_ok(fields, i, truth, said[place]),
                    "khat": khat,
                    "status": grade(said[place], khat),
                    "reason": said[place] or ("k-hat" if khat >= AMBER else ""),
                    "truth": sources[i],
                }
            )
    found = pd.DataFrame(parts)
    return found.rename(columns={"distribution": "law", "estimator": "statistic"})


def broken_promises(table: pd.DataFrame) -> pd.DataFrame:
    """Return the green rows whose intervals cover less or more than was promised."""
    kept = table["coverage"].between(*PROMISE)
    return table[(table["status"] == "green") & ~kept]


def summary(table: pd.DataFrame) -> str:
    """Return a few lines about each run of a table."""
    lines = []
    for name, run in table.groupby("run", sort=False):
        green = run[run["status"] == "green"]
        broken = broken_promises(run)
        counts = ", ".join(
            f"{count} {word}" for word, count in run["status"].value_counts().items()
        )
        lines.append(f"{name}: {run['seeds'].iloc[0]:,} seeds; {counts}")
        for what in ("coverage", *RIVALS):
            values = 100.0 * green[what]
            inside = green[what].between(*PROMISE).mean()
            lines.append(
                f"  green {what:<14} {values.min():5.1f} to {values.max():5.1f} %, median "
                f"{values.median():.1f}; within the promise {100.0 * inside:.1f} %"
            )
        told = run["of_ok"].dropna()
        if len(told):
            lines.append(f"  runs that say ok: {100.0 * told.min():.1f} % or more, in any row")
        for row in broken.itertuples():
            cell = f"{row.law} {row.statistic} n={row.batch_size} {row.reference} {row.measure}"
            lines.append(f"  BROKEN {cell}: {100.0 * row.coverage:.2f} %, k-hat {row.khat:.2f}")
    return "\n".join(lines)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the table with as many digits as are worth reading."""
    shares = ["coverage", *RIVALS]
    digits = dict.fromkeys([*shares, "of_ok"], 4) | {"khat": 2}
    path.parent.mkdir(parents=True, exist_ok=True)
    table.round(digits).to_csv(path, index=False, lineterminator="\n")


def main(arguments: list[str]) -> None:
    """Compute what is missing, then write the table of what there is."""
    parser = argparse.ArgumentParser(prog="scripts/prove coverage", description=__doc__)
    parser.add_argument(
        "--scratch",
        type=Path,
        default=SCRATCH,
        help="folder for the intervals; what is there is not computed again [default: %(default)s]",
    )
    parser.add_argument("--runs", default=",".join(PLANS), help="which, in this order")
    parser.add_argument("--seeds", type=int, help="no more seeds of a run than this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only-table", action="store_true", help="compute no more seeds")
    parser.add_argument("--no-table", action="store_true", help="compute, and write no table")
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args(arguments)
    tables = []
    for name in options.runs.split(","):
        plan = PLANS[name]
        if options.seeds is not None:
            plan = dataclasses.replace(plan, seeds=min(options.seeds, plan.seeds))
        if not options.only_table:
            compute(plan, options.scratch, options.processes)
        if not options.no_table:
            tables.append(table_of(plan, load(plan, options.scratch)))
    if not tables:
        return
    table = pd.concat(tables, ignore_index=True)
    write(table, options.out)
    print(summary(table))
