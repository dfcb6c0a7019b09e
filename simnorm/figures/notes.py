"""What a figure says in words: what is missing, what is absolute, which part it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.glyphs import boxed
from simnorm.figures.tables import floats, power_of, short

if TYPE_CHECKING:
    import pandas as pd


def silent_note(found: Mapping[str, pd.DataFrame], names: Sequence[str]) -> list[str]:
    """Return a sentence naming what has no value among the rows of each estimator, or nothing."""
    alive = {
        spec: set(rows.loc[np.isfinite(floats(rows, "estimate")), "name"])
        for spec, rows in found.items()
    }
    silent: list[str] = []
    for name in names:
        dead = [spec for spec, living in alive.items() if name not in living]
        if len(dead) == len(alive):
            silent.append(boxed(short(name)))
        elif dead:
            silent.append(f"{boxed(short(name))} ({', '.join(dead)})")
    if not silent:
        return []
    if len(silent) > 5:
        silent = [*silent[:5], f"{len(silent) - 5} more"]
    failed = any((rows["status"] == "failed").any() for rows in found.values())
    why = "Undefined or failed" if failed else "Undefined"
    return [f"{why}, so not drawn: {'; '.join(silent)}."]


def why_nothing(rows: pd.DataFrame) -> str:
    """Return in words why no cell of `rows` can be drawn."""
    if rows.empty:
        return "Nothing to show: the table has no such rows."
    gone = rows[rows["status"] == "undefined"]
    reasons = [str(word) for word in gone["reason"].dropna().drop_duplicates() if str(word)]
    why = f" ({reasons[0]})" if len(reasons) == 1 else ""
    if len(gone) == len(rows):
        return f"Nothing to show: every value is undefined{why}."
    if not np.isfinite(floats(rows, "estimate")).any() and (rows["status"] == "failed").any():
        return "Nothing to show: no replication has a value."
    estimates = floats(rows, "estimate")
    if not estimates[np.isfinite(estimates)].any():
        if len(gone):
            return f"Nothing to show: every value is undefined{why}, or zero."
        return "Nothing to show: every error is zero."
    return "Nothing to show: no value can be drawn on these axes."


def page_note(
    pages: Sequence[tuple[list[str], list[str]]],
    page: int,
    names: Sequence[str],
    estimators: Sequence[str],
) -> str:
    """Return what a page of several shows."""
    here, some = pages[page - 1]
    parts = []
    for what, part, whole in (("distributions", here, names), ("estimators", some, estimators)):
        if len(part) < len(whole):
            first = list(whole).index(part[0]) + 1
            parts.append(f"{what} {first} to {first + len(part) - 1} of {len(whole)}")
    return f"Part {page} of {len(pages)}: {', '.join(parts)}."


def absolute_note(specs: Sequence[str], what: str) -> list[str]:
    """Return a sentence on the panels that are not in relative errors, or nothing."""
    if not specs:
        return []
    unit = " in the unit of the data" if any(power_of(spec) for spec in specs) else ""
    return [
        f"Absolute{unit}, not relative: {', '.join(specs)}; for some {what}s what these "
        "would be relative to is zero or does not exist."
    ]
