"""Where the numbers of a report come from: provenance and design, as they are printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simnorm.report.text import listed

if TYPE_CHECKING:
    import pandas as pd

# A longer line of the design, as of very many columns, is cut, and so is a longer list.
LONGEST_LINE = 1500
MOST_PARTS = 24

# Shown in this order where present; what else the provenance has follows.
PROVENANCE_ORDER = (
    "command", "started", "finished", "seconds", "draws", "workers", "reducer", "simnorm",
    "python", "numpy", "scipy", "pandas", "numba", "platform", "cpu",
)  # fmt: skip


def design_text(toml: str) -> str:
    """Return a design as it is printed: of many columns the first; the attached file has all."""
    lines = []
    for line in toml.strip("\n").split("\n"):
        if len(line) > LONGEST_LINE:
            line = f"{line[:LONGEST_LINE]} …  # the rest is in the attached design.toml"
        lines.append(line)
    return "\n".join(lines)


def provenance_rows(
    provenance: dict[str, Any], frame: pd.DataFrame, stopping: str = ""
) -> list[list[str]]:
    """Return where the numbers come from, as pairs of word and text."""
    known = [key for key in PROVENANCE_ORDER if key in provenance]
    others = sorted(key for key in provenance if key not in PROVENANCE_ORDER)
    rows = [[key, _value_text(provenance[key])] for key in [*known, *others]]
    seeds = [str(seed) for seed in frame["seed"].drop_duplicates()]
    at = 1 if rows and rows[0][0] == "command" else 0
    rows += [["stopping", stopping]] if stopping else []
    return [*rows[:at], ["seed", listed(seeds)], *rows[at:]]


def _value_text(value: Any) -> str:
    if isinstance(value, list):
        return listed([_value_text(part) for part in value], MOST_PARTS)
    if isinstance(value, bool) or not isinstance(value, int | float | dict):
        return str(value)
    if isinstance(value, dict):
        parts = [f"{key} {_value_text(part)}" for key, part in sorted(value.items())]
        more = len(parts) - MOST_PARTS
        return ", ".join(parts[:MOST_PARTS]) + (f" and {more:,} more" if more > 0 else "")
    return f"{value:,}"


def moment(iso: str) -> datetime:
    """Return the time a run finished; the epoch if it does not say."""
    try:
        found = datetime.fromisoformat(iso)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
