"""What the figure of RMSEs shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.tables import (
    is_data,
    is_location,
)
from simnorm.report.facts import (
    featured_size,
    measure_for,
    needed_sizes,
    pick,
    told_estimators,
)
from simnorm.report.words import (
    TARGETS,
    coverage,
    listed,
    range_sentence,
    unit_words,
    values_by_name,
)

if TYPE_CHECKING:
    import pandas as pd


def rmse_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of relative RMSE shows: where each kind crosses the 10 % line."""
    sentences = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        if measure.startswith("relative_"):
            sentences.append(_crossing(frame, word))
        else:
            n = featured_size(frame)
            values = values_by_name(pick(frame, word, measure), n)
            if values:
                unit = unit_words(word)
                sentences.append(range_sentence(f"the RMSE of {word}", values, n, unit))
    sentences.append(coverage(frame, "rmse"))
    return " ".join(sentence for sentence in sentences if sentence) or "No RMSE exists here."


def _crossing(frame: pd.DataFrame, word: str) -> str:
    found = needed_sizes(frame, word, TARGETS[0])
    reached = {name: at.size for name, at in found.items() if at.how not in ("beyond", "unknown")}
    beyond = [name for name, at in found.items() if at.how == "beyond"]
    if not reached and not beyond:
        return ""
    unit = "10 % of a standard deviation" if is_location(word) else "10 %"
    if not reached:
        return f"The RMSE of {word} stays above {unit} at every batch size."
    low, high = min(reached, key=reached.__getitem__), max(reached, key=reached.__getitem__)
    if reached[low] == reached[high]:
        about = "at most" if found[low].how in ("smallest", "within") else "about"
        text = f"The RMSE of {word} is down to {unit} at a batch size of {about} {reached[low]:,}"
    else:
        text = (
            f"The RMSE of {word} is down to {unit} at a batch size of about {reached[low]:,} "
            f"({low}) to {reached[high]:,} ({high})"
        )
    many = is_data(frame) and len(beyond) > 3
    never = f"{len(beyond):,} of {len(found):,} columns" if many else listed(beyond)
    return text + (f", and never for {never}." if beyond else ".")
