"""Which batch size is enough, and in how many columns of a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simnorm.figures.tables import is_location
from simnorm.formatting import plural
from simnorm.report.facts import measure_for, needed_sizes, told_estimators
from simnorm.report.words import TARGETS, in_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Enough:
    """How many columns come down to an RMSE of 10 %, and at which batch sizes."""

    word: str
    reached: int
    count: int
    half: int
    every: int
    largest: int
    is_near: bool = True
    unsure: int = 0

    @property
    def about(self) -> str:
        """How the sizes are meant: found between two near ones of the run, or as a bound."""
        return "About" if self.is_near else "No more than"

    @property
    def sign(self) -> str:
        """The same as a sign."""
        return "≈" if self.is_near else "≤"


def enough(frame: pd.DataFrame, target: float = TARGETS[0]) -> Enough | None:
    """Return what batch size is enough for how many columns; None without relative errors."""
    for word in told_estimators(frame):
        if measure_for(frame, word) == "rmse":
            continue
        known = [at for at in needed_sizes(frame, word, target).values() if at.how != "unknown"]
        # Error bars that are not valid count where there are no others.
        found = [at for at in known if at.trusted] or known
        if not found:
            continue
        sizes = sorted(at.size for at in found if at.how != "beyond")
        half = sizes[math.ceil(len(found) / 2) - 1] if 2 * len(sizes) >= len(found) else 0
        every = sizes[-1] if len(sizes) == len(found) else 0
        largest = int(frame["batch_size"].max())
        is_near = all(at.how in ("between", "beyond") for at in found if at.size in (half, every))
        return Enough(
            word, len(sizes), len(found), half, every, largest, is_near, len(known) - len(found)
        )
    return None


def enough_sentence(frame: pd.DataFrame) -> str:
    """Return which batch size brings the RMSE down to 10 %, and in how many of the columns."""
    found = enough(frame)
    if found is None:
        return ""
    text = _enough_words(found)
    if not found.unsure:
        return text
    return f"{text.removesuffix('.')}; of {found.unsure:,} more it is not known well enough."


def _enough_words(found: Enough) -> str:
    goal = f"the {in_words(found.word)} within 10 %" + (
        " of a standard deviation" if is_location(found.word) else ""
    )
    about, largest = found.about.lower(), plural(found.largest, "row")
    if found.every and found.count == 1:
        return f"It takes {about} {plural(found.every, 'row')} to bring {goal}."
    if found.every:
        half = f", {about} {found.half:,} in half of them" if found.half < found.every else ""
        return (
            f"It takes {about} {plural(found.every, 'row')} to bring {goal} in all "
            f"{found.count:,} columns{half}."
        )
    if not found.reached:
        where = " in any column." if found.count > 1 else "."
        return f"Even the largest batch simulated, {largest}, does not bring {goal}{where}"
    return (
        f"The largest batch simulated, {largest}, brings {goal} in {found.reached:,} of "
        f"{found.count:,} columns."
    )


def enough_tile(found: Enough) -> dict[str, str]:
    """Return the batch size that is enough as a number of the first page."""
    noun = in_words(found.word)
    of = " of a standard deviation" if is_location(found.word) else ""
    whose = "" if found.count == 1 else f", all {found.count:,} columns"
    number = f"{found.sign} {found.every:,}" if found.every else f"> {found.largest:,}"
    detail = "interpolated" if found.is_near else "no batch size of the run is nearer"
    if found.count > 1:
        half = (
            f"half of them: {found.sign} {found.half:,}"
            if found.half
            else "fewer than half reach it"
        )
        detail = half if found.every else f"{found.reached:,} of them do; {half}"
    return {
        "number": number,
        "caption": f"the batch size for an RMSE of the {noun} of 10 %{of}{whose}",
        "detail": detail,
    }
