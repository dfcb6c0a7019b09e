"""Which oracle sees which fault: every fault of tests/mutants against every oracle there.

    scripts/prove mutants               writes reports/proof/mutants.csv
    scripts/prove mutants NAME ...      asks about these faults again and keeps the other rows

Columns: the fault's name, what is wrong, its place in the package, the kinds of oracles that see
it (E exact, U uniqueness, B bits, Z theory, C coverage), those oracles, the first one in the order
in which they are asked, and the seconds that all of them took. An oracle that ended in another
exception than its own assertion is marked with ``!``.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "reports" / "proof" / "mutants.csv"
HEADER = ("name", "fault", "place", "killed_by", "oracles", "first", "seconds")

Row = dict[str, str]


def measure(names: Collection[str] = (), tell: Callable[[Row], None] = lambda _: None) -> list[Row]:
    """Ask all oracles about all faults, or about some; `tell` is called with every row."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.insert(0, str(ROOT / "tests"))
    from mutants import FAULTS, ORACLES, killers

    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for oracle in ORACLES:
            oracle.ask()
        for fault in FAULTS:
            if names and fault.name not in names:
                continue
            started = time.perf_counter()
            seen = [
                (oracle, f"{oracle.letter}:{oracle.name}", said) for oracle, said in killers(fault)
            ]
            said_by = [name + ("" if said.startswith("Assert") else "!") for _, name, said in seen]
            letters = dict.fromkeys(oracle.letter for oracle, _, _ in seen)
            rows.append(
                {
                    "name": fault.name,
                    "fault": fault.wrong,
                    "place": fault.place,
                    "killed_by": "".join(letters),
                    "oracles": " ".join(said_by),
                    "first": said_by[0] if said_by else "",
                    "seconds": f"{time.perf_counter() - started:.1f}",
                }
            )
            tell(rows[-1])
    return rows


def write(rows: Iterable[Row], path: Path) -> None:
    """Write the table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, HEADER, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read(path: Path) -> list[Row]:
    """Read the table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(arguments: list[str] | None = None) -> None:
    """Write reports/proof/mutants.csv; leave with 1 if a fault survives."""
    parser = argparse.ArgumentParser(prog="scripts/prove mutants", description=__doc__)
    parser.add_argument("--out", type=Path, default=TABLE, help="the table to write")
    parser.add_argument("names", nargs="*", help="faults to ask about again; all if none")
    given = parser.parse_args(arguments)
    path, names = given.out, given.names
    rows = measure(names, lambda row: print(f"{row['name']:26} {row['killed_by'] or 'survives'}"))
    if unknown := set(names) - {row["name"] for row in rows}:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    if names:
        from mutants import FAULTS

        known = {row["name"]: row for row in (*read(path), *rows)}
        rows = [known[fault.name] for fault in FAULTS]
    write(rows, path)
    killed = sum(bool(row["killed_by"]) for row in rows)
    print(f"{killed} of {len(rows)} faults are seen: {path}")
    if killed < len(rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
