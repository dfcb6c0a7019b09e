"""What the figure of tails shows: how many error bars can be trusted, and what would help."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import main_rows
from simnorm.figures.khat_cells import (
    AMBER,
    GREEN,
    MEASURE,
    NO_ERROR_BAR,
    NO_MOMENT,
    RED,
    REFUSED,
    TOO_FEW,
    UNJUDGED,
    cells_of,
)
from simnorm.figures.tables import floats, reference_of, rows_of
from simnorm.formatting import fixed
from simnorm.khat import FEWEST_FOR_KHAT, LARGEST_AMBER_KHAT, LARGEST_KHAT
from simnorm.report.words import listed

if TYPE_CHECKING:
    import pandas as pd

# What cells of a verdict have, or what they do.
HAVE = {
    NO_MOMENT: "no mean square",
    NO_ERROR_BAR: "a mean square whose standard error does not exist",
    TOO_FEW: "too few replications",
    RED: f"a k-hat above {LARGEST_KHAT}",
    AMBER: f"a k-hat between {LARGEST_AMBER_KHAT} and {LARGEST_KHAT}",
    GREEN: f"a k-hat of at most {LARGEST_AMBER_KHAT}",
    UNJUDGED: "no k-hat",
}
# More names than this are not listed.
MOST_LISTED = 4
# What a reason says that a cell needs; more than so many are not drawn on one machine in an hour.
NEEDS = re.compile(r"needs ([\d,]+) replications or more")
MOST_AFFORDED = 100_000


def khat_finding(frame: pd.DataFrame) -> str:
    """Return how many cells are in which band, the worst one, and what would help.

    Parameters
    ----------
    frame
        The tidy table, of one sampling scheme.
    """
    cells = cells_of(frame)
    if cells.empty:
        return "No mean square here has tails to judge."
    counts = Counter(str(word) for word in cells["verdict"])
    sentences = [_bands(counts, len(cells)), _refused(cells), _worst(cells), _help(frame, counts)]
    return " ".join(text for text in sentences if text)


def khat_alt() -> str:
    """Return what the figure is of, for readers who cannot see it."""
    return (
        "Pareto k-hat of the squared errors against batch size, in bands from fine to too heavy; "
        "bars above mark the cells whose error bars theory refuses."
    )


def _bands(counts: Mapping[str, int], every: int) -> str:
    """Return how many cells there are of each verdict."""
    held = [word for word in HAVE if counts.get(word)]
    if len(held) == 1:
        return ("The one cell has " if every == 1 else f"All {every:,} cells have ") + (
            f"{HAVE[held[0]]}."
        )
    parts: list[str] = []
    for word in held:
        # Whoever has heard of one k-hat knows what the next number is about.
        said = HAVE[word].replace("a k-hat", "one") if "k-hat" in "".join(parts) else HAVE[word]
        verb = "" if parts else "has " if counts[word] == 1 else "have "
        parts.append(f"{counts[word]:,} {verb}{said}")
    return f"Of {every:,} cells {listed(parts)}."


def _refused(cells: pd.DataFrame) -> str:
    """Return the names that theory refuses an error bar, if they are few."""
    rows = cells[cells["verdict"].isin([NO_MOMENT, NO_ERROR_BAR])]
    names = [str(name) for name in rows["name"].drop_duplicates()]
    if not names or len(names) > MOST_LISTED:
        return ""
    return f"Theory refuses cells of {listed(names)}, however they look."


def _worst(cells: pd.DataFrame) -> str:
    """Return the largest k-hat of the cells that it decides, or that there is none."""
    if not np.isfinite(floats(cells, "khat")).any():
        most = int(cells["replications"].max())
        if most >= FEWEST_FOR_KHAT:
            return ""
        return f"Nothing is known of what was drawn: k-hat takes {FEWEST_FOR_KHAT} replications."
    judged = cells[cells["verdict"].isin([RED, AMBER, GREEN])]
    if judged.empty:
        return ""
    worst = judged.iloc[int(floats(judged, "khat").argmax())]
    of_these = " of the others" if cells["verdict"].isin(REFUSED).any() else ""
    return (
        f"The largest k-hat{of_these} is {fixed(float(worst['khat']), 2)}, of "
        f"{worst['estimator']} of {worst['name']} at batch size {int(worst['batch_size']):,}."
    )


def _help(frame: pd.DataFrame, counts: Mapping[str, int]) -> str:
    never = counts.get(NO_MOMENT, 0) + counts.get(NO_ERROR_BAR, 0)
    more = counts.get(TOO_FEW, 0) + counts.get(RED, 0) + counts.get(AMBER, 0)
    exist = "Quantiles of the error always exist."
    needed = _most_needed(frame)
    count = f", though it takes up to {needed:,} of them" if needed > MOST_AFFORDED else ""
    if never:
        elsewhere = f"; elsewhere they do{count}" if more else ""
        return f"Where theory refuses, more replications do not help{elsewhere}. {exist}"
    return f"More replications help{count}. {exist}" if more else ""


def _most_needed(frame: pd.DataFrame) -> int:
    """Return the most replications that a cell is said to need, or 0."""
    rows = rows_of(main_rows(frame), MEASURE, reference_of(frame))
    found = (NEEDS.search(str(reason or "")) for reason in rows["reason"])
    return max((int(match[1].replace(",", "")) for match in found if match), default=0)
