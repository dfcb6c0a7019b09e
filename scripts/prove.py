"""The proof behind "Can I trust it?", part by part: see `scripts/prove PART --help`."""

from __future__ import annotations

import importlib
import sys

# Every part is a module of `proving` with a `main` that takes its arguments.
PARTS = {
    "coverage": "how often 95 % intervals cover the truth, and those of other formulas",
    "digits": "how many digits of means and standard deviations are right, by every code path",
    "independence": "that streams of random numbers are distinct and uncorrelated",
    "kills": "that runs which are killed lose nothing, and come to the same bytes",
    "resume": "one run killed three times, on threads and a cluster, and one that nobody disturbs",
    "damage": "that runs which are damaged, or cannot be written, never come to a wrong number",
    "mutants": "faults put into the package on purpose, and the oracles that see them",
    "power": "the smallest error that every statistical test is sure to see",
    "figures": "the pictures in reports/, drawn from the tables in reports/proof/",
}


def main() -> None:
    """Run the part that is named first."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    if word not in PARTS:
        print(f"{__doc__}\n", *(f"  {name:<14}{what}" for name, what in PARTS.items()), sep="\n")
        raise SystemExit(0 if word in ("", "-h", "--help") else 2)
    importlib.import_module(f"proving.{word}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
