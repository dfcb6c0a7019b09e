"""The section on cells whose mean square has no error bar to trust, and on those near it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simnorm.figures.tables import floats, reference_of
from simnorm.formatting import plural
from simnorm.khat import LARGEST_AMBER_KHAT, LARGEST_KHAT
from simnorm.robust_table import Cell, nearest_cell, robust_cells
from simnorm.tally import MEASURES

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 14
SHOWN = ("quantile(q=0.05)", "median", "quantile(q=0.95)")
# What a reason says in a few words.
SHORT = (
    (
        r".* does not exist: the error's tail index ([\d.]+) is not above (\d)",
        r"tail index \1 ≤ \2",
    ),
    (r".*needs ([\d,]+) replications or more", r"R ≥ \1"),
    (r".*needs more replications than there can be", "no run is long enough"),
    (r".*\(Pareto k-hat ([\d.]+) > 0\.5\)", r"k-hat \1"),
    (r"values repeat: .*", "rare jumps"),
    (r"a few rows with large values .*", "a few large rows"),
)


def section(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Return what the section shows; None where every cell has an error bar to trust.

    Parameters
    ----------
    frame
        The tidy table, of one sampling scheme.
    """
    reference = reference_of(frame)
    cells = [cell for cell in robust_cells(frame) if cell.reference == reference]
    if not cells:
        return None
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.name, cell.estimator), []).append(cell)
    rows = [_row(name, word, mine) for (name, word), mine in groups.items()]
    return {
        "about": _about(frame, cells, reference),
        "rows": rows[:MOST_ROWS],
        "of": len(rows),
    }


def _about(frame: pd.DataFrame, cells: Sequence[Cell], reference: str) -> str:
    here = frame[(frame["measure"] == "mse") & (frame["reference"] == reference)]
    most = max(cell.replications for cell in cells)
    return (
        f"In {len(cells):,} of {plural(len(here), 'cell')} the bias or the mean square has no "
        "standard error to trust. Quantiles of the error exist whatever the tails are like. They "
        f"are of one batch of each replication, {most:,} at most, because errors of one full set "
        "depend on each other. Their intervals lie between two order statistics and cover with "
        "95 % or more, without any assumption about tails."
    )


def _row(name: str, word: str, cells: Sequence[Cell]) -> list[str]:
    """Return the row of a name and an estimator, at the batch size nearest to 16."""
    cell = nearest_cell(cells)
    assert cell is not None
    unit = cell.unit or "data"
    return [
        name,
        word,
        _range([one.batch_size for one in cells]),
        f"{cell.batch_size:,}",
        short_reason(cell.reason),
        unit,
        *(part for measure in SHOWN for part in cell.spans[measure].texts()),
    ]


def _range(sizes: Sequence[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def short_reason(reason: str) -> str:
    """Return a reason in a few words.

    Examples
    --------
    >>> short_reason("its standard error does not exist: the error's tail index 2.5 is not above 4")
    'tail index 2.5 ≤ 4'
    >>> short_reason("no replication differed from another")
    'no replication differed from another'
    """
    for pattern, words in SHORT:
        found = re.fullmatch(pattern, reason)
        if found:
            return found.expand(words)
    return reason


def amber(frame: pd.DataFrame) -> str:
    """Return how many rows have an error bar that is near the limit; nothing if none has."""
    khat = floats(frame, "khat")
    near = (khat > LARGEST_AMBER_KHAT) & (khat <= LARGEST_KHAT)
    absolute = frame["measure"].isin(MEASURES).to_numpy()
    rows = frame[near & (frame["status"] == "ok").to_numpy() & absolute]
    if rows.empty:
        return ""
    largest = float(floats(rows, "khat").max())
    size = math.floor(100 * largest) / 100
    many = len(rows) > 1
    bars, are = ("Their error bars", "are") if many else ("Its error bar", "is")
    span = (
        f"between {LARGEST_AMBER_KHAT} and {LARGEST_KHAT}, {size:.2f} at most"
        if many
        else (f"{size:.2f}, between {LARGEST_AMBER_KHAT} and {LARGEST_KHAT}")
    )
    return (
        f"{plural(len(rows), 'row')} of {int(absolute.sum()):,} (relative ones not counted) "
        f"{are} amber: Pareto k-hat is {span}. {bars} {are} shown and counted as valid, but a few "
        "replications weigh heavily: more of them would make the number surer."
    )
