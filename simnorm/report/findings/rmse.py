"""What the figure of RMSEs shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.choice import thing
from simnorm.figures.tables import featured_size, is_location, names_of
from simnorm.report.facts import measure_for, needed_sizes, pick, told_estimators
from simnorm.report.words import (
    FEW,
    TARGETS,
    for_whom,
    listed,
    needed_words,
    range_sentence,
    unit_words,
    unsure_words,
    values_by_name,
    whole_size,
)

if TYPE_CHECKING:
    import pandas as pd


def rmse_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of RMSEs shows: where each estimator told of crosses the 10 % line."""
    sentences = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        if measure.startswith("relative_"):
            sentences.append(_crossing(frame, word))
        else:
            n = featured_size(frame)
            values = values_by_name(pick(frame, word, measure), n)
            if values:
                unit, count = unit_words(word), len(names_of(frame))
                sentences.append(
                    range_sentence(f"the RMSE of {word}", values, n, unit, count, thing(frame))
                )
    return " ".join(sentence for sentence in sentences if sentence) or "No RMSE exists here."


def _crossing(frame: pd.DataFrame, word: str) -> str:
    """Return at which batch sizes an estimator is within 10 %, where that is known well."""
    every = needed_sizes(frame, word, TARGETS[0])
    found = {name: at for name, at in every.items() if at.how != "unknown"}
    if not found:
        return ""
    sure = {name: at for name, at in found.items() if at.trusted}
    if not sure:
        where = "" if len(found) == len(every) else " where it exists"
        return f"The RMSE of {word} has no valid error bar{where}."
    unit = "10 % of a standard deviation" if is_location(word) else "10 %"
    reached = {name: at for name, at in sure.items() if at.how != "beyond"}
    whom = for_whom(sure, len(every), thing(frame))
    if not reached:
        return f"The RMSE of {word} stays above {unit} at every batch size of the run{whom}."
    if all(at.how == "smallest" for at in sure.values()):
        return f"The RMSE of {word} is below {unit} at every batch size of the run{whom}."
    # A batch of all 5 has a batch size of N = 5.
    sizes = needed_words(reached, whole_size(frame)).replace("all ", "N = ")
    text = f"The RMSE of {word} is down to {unit} at a batch size of {sizes}"
    if len(reached) == 1 < len(every):
        text += f" ({next(iter(reached))})"
    beyond = [name for name in sure if name not in reached]
    if beyond:
        count = f"{len(beyond):,} of {len(sure):,} {thing(frame)}s"
        whom = count if len(beyond) > FEW else listed(beyond)
        text += f", and not up to {int(frame['batch_size'].max()):,} for {whom}"
    return f"{text}{unsure_words([name for name in found if name not in sure], thing(frame))}."
