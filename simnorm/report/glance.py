"""What the table of answers shows: for whom the largest batch of a run is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.choice import thing
from simnorm.figures.tables import is_data, is_location
from simnorm.formatting import plural
from simnorm.report.facts import Needed, measure_for, needed_sizes, told_estimators
from simnorm.report.words import TARGETS, in_words, listed, needed_words, unsure_words, whole_size

if TYPE_CHECKING:
    import pandas as pd

# More names than these are counted.
FEW = 3


def glance(frame: pd.DataFrame) -> str:
    """Return who needs more than the largest batch simulated, and what 5 % takes of the others.

    Nothing, if the estimators that the first page speaks of have no relative errors whose error
    bars are valid.
    """
    for word in told_estimators(frame):
        if measure_for(frame, word) == "rmse":
            continue
        ten, five = (_sure(frame, word, target) for target in TARGETS)
        if ten and five:
            return _told(frame, word, ten, five)
    return ""


def _sure(frame: pd.DataFrame, word: str, target: float) -> dict[str, Needed]:
    """Return the batch sizes that are known well, by name."""
    found = needed_sizes(frame, word, target)
    return {name: at for name, at in found.items() if at.how != "unknown" and at.trusted}


def _told(frame: pd.DataFrame, word: str, ten: dict[str, Needed], five: dict[str, Needed]) -> str:
    of = " of a standard deviation" if is_location(word) else ""
    largest = plural(int(frame["batch_size"].max()), "row" if is_data(frame) else "observation")
    at_ten, at_five = (
        [name for name in part if part[name].how == "beyond"] for part in (ten, five)
    )
    goals = [f"within 10 %{of}{_whose(frame, at_ten, ten)}"] if at_ten else []
    if at_five and at_five != at_ten:
        goals.append(f"within 5 %{of}{_whose(frame, at_five, five)}")
    sentences = []
    if goals:
        sentences.append(
            f"The largest batch simulated, {largest}, does not bring the {in_words(word)} "
            f"{' and not '.join(goals)}."
        )
    reached = {name: at for name, at in five.items() if at.how != "beyond"}
    every = needed_sizes(frame, word, TARGETS[1])
    unsure = [name for name, at in every.items() if at.how != "unknown" and not at.trusted]
    if reached:
        noun = "row" if is_data(frame) else "observation"
        alone = f"{next(iter(reached))} takes" if len(reached) == 1 < len(every) else ""
        others = alone or ("the others take" if at_five and not unsure else "it takes")
        sizes = needed_words(reached, whole_size(frame))
        doubt = unsure_words(unsure, thing(frame))
        sentences.append(f"For 5 %{of} {others} {sizes} {noun}s{doubt}.")
    return " ".join(sentences)


def _whose(frame: pd.DataFrame, names: list[str], every: dict[str, Needed]) -> str:
    """Return for whom, or for how many of so many; nothing where there is one alone."""
    if len(every) == 1:
        return ""
    if len(names) == len(every):
        return f" for any {thing(frame)}"
    few = len(names) <= FEW
    return f" for {listed(names) if few else f'{len(names):,} of {len(every):,} {thing(frame)}s'}"
