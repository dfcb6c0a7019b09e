"""What the figure of tails shows: how many error bars can be trusted, and what would help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.khat_cells import (
    AMBER,
    GREEN,
    NO_ERROR_BAR,
    NO_MOMENT,
    RED,
    TOO_FEW,
    UNJUDGED,
    cells_of,
)
from simnorm.figures.tables import floats
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
    sentences = [_bands(counts, len(cells)), _refused(cells), _worst(cells), _help(counts)]
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
    khat = floats(cells, "khat")
    if not np.isfinite(khat).any():
        most = int(cells["replications"].max())
        if most >= FEWEST_FOR_KHAT:
            return ""
        return f"Nothing is known of what was drawn: k-hat takes {FEWEST_FOR_KHAT} replications."
    worst = cells.iloc[int(np.nanargmax(khat))]
    return (
        f"The largest k-hat is {fixed(float(np.nanmax(khat)), 2)}, of {worst['estimator']} of "
        f"{worst['name']} at batch size {int(worst['batch_size']):,}."
    )


def _help(counts: Mapping[str, int]) -> str:
    never = counts.get(NO_MOMENT, 0) + counts.get(NO_ERROR_BAR, 0)
    more = counts.get(TOO_FEW, 0) + counts.get(RED, 0) + counts.get(AMBER, 0)
    exist = "Quantiles of the error always exist."
    if never:
        elsewhere = "; elsewhere they do" if more else ""
        return f"Where theory refuses, more replications do not help{elsewhere}. {exist}"
    return f"More replications help. {exist}" if more else ""
