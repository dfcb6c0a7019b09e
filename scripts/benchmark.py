"""Speed and memory as ratios in one run: the rivals take turns, and medians are compared.

Absolute times swing by a factor of two on shared machines; ratios of things that ran in turn do
not. Nothing here is a test: a number that misses its target is printed, not failed. Rivals that
are not installed (torch, monaco, SimDesign in R) are left out, and their rows say so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarking import tables
from benchmarking.rows import GROUPS, Group, Row
from benchmarking.timing import Job, in_turn, median_ratio

README = Path(__file__).resolve().parent.parent / "README.md"
QUICK = 1 / 16


def chosen(pattern: str) -> list[Group]:
    """Return the groups with the rows whose name or line holds the pattern."""
    wanted = pattern.lower()
    groups = [
        Group([row for row in group.rows if wanted in f"{row.name} {row.what}".lower()], group.jobs)
        for group in GROUPS
    ]
    return [group for group in groups if group.rows]


def measured(group: Group, rounds: int, scale: float) -> tuple[list[tables.Finding], list[str]]:
    """Run a group's jobs in turn; return what its rows found and how its rivals are written."""
    there = group.jobs(scale)
    # No job runs for the sake of a row whose other job is missing.
    rows = [row for row in group.rows if not why_not(row, there)]
    used = {name for row in rows for name in (row.over, row.under)}
    jobs = {name: job for name, job in there.items() if name in used and isinstance(job, Job)}
    values = in_turn(jobs, rounds)
    hows = []
    for job in jobs.values():
        if job.how:
            scaled = "" if job.share == 1.0 else f" ({job.share:.2g} of the work, scaled up)"
            hows.append(job.how + scaled)
    return [finding(row, values, why_not(row, there)) for row in group.rows], hows


def why_not(row: Row, jobs: Any) -> str:
    """Return why a row cannot be measured; nothing if it can."""
    reasons = [jobs[name] for name in (row.over, row.under) if name]
    return next((reason for reason in reasons if isinstance(reason, str)), "")


def finding(row: Row, values: dict[str, list[float]], why: str) -> tables.Finding:
    """Return a row's value and whether it meets its target."""
    over, under = values.get(row.over, []), values.get(row.under, [])
    value = None if why else median_ratio(over, under if row.under else [1.0] * len(over))
    met = None
    if value is not None and row.limit is not None:
        met = value >= row.limit if row.at_least else value <= row.limit
    return {**vars(row), "value": value, "met": met, "why_not": why, "of": over, "by": under}


def versions() -> dict[str, str]:
    """Return the versions of what ran."""
    found = {"Python": platform.python_version()}
    for name in ("simnorm", "numpy", "scipy", "numba", "torch", "monaco"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all chosen rows."""
    scale = QUICK if options.quick else 1.0
    rounds = options.rounds or (1 if options.quick else 5)
    begin = time.perf_counter()
    rows: list[tables.Finding] = []
    hows: list[str] = []
    groups = chosen(options.only)
    if not groups:
        names = ", ".join(row.name for group in GROUPS for row in group.rows)
        raise SystemExit(f"benchmark: no row is like {options.only!r}; there are {names}")
    for i, group in enumerate(groups):
        print(f"[{i + 1}/{len(groups)}] {group.rows[0].what.strip()}", file=sys.stderr)
        found, written = measured(group, rounds, scale)
        rows += found
        hows += [how for how in written if how not in hows]
    return {
        "rows": rows,
        "hows": hows,
        "rounds": rounds,
        "scale": scale,
        "seconds": time.perf_counter() - begin,
        "versions": versions(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def main() -> None:
    """Measure and print, or put a finished report into the README."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("--only", default="", metavar="PATTERN", help="rows that hold this text")
    parser.add_argument("--rounds", type=int, default=0, help="turns of each rival [5]")
    parser.add_argument("--quick", action="store_true", help="a sixteenth of the work, one round")
    parser.add_argument("--json", action="store_true", help="print JSON with every single value")
    parser.add_argument(
        "--write-readme",
        nargs="?",
        const="",
        metavar="JSON",
        help="put the table into the README, from this run or a finished one's JSON",
    )
    options = parser.parse_args()
    if options.write_readme:
        report = json.loads(Path(options.write_readme).read_text(encoding="utf-8"))
    else:
        report = run(options)
        print(json.dumps(report, indent=1) if options.json else tables.text(report))
    if options.write_readme is not None:
        tables.write_readme(README, report)


if __name__ == "__main__":
    main()
