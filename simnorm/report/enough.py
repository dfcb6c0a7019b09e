"""Which batch size is enough, and in how many columns of a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simnorm.figures.tables import is_location
from simnorm.formatting import plural
from simnorm.report.facts import measure_for, needed_sizes, told_estimators
from simnorm.report.words import TARGETS, all_of, in_words, whole_size

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
    without: int = 0
    total: int = 0

    def words(self, size: int) -> str:
        """Return a batch size as it is meant: between two near ones, as a bound, or N itself."""
        if size == self.total:
            # Larger numbers are rounded up to two digits.
            return f"all {size:,}" if size < 100 else f"nearly all {size:,}"
        return f"about {size:,}" if self.is_near else f"no more than {size:,}"

    def number(self, size: int) -> str:
        """Return the same with a sign."""
        if size == self.total and size < 100:
            return f"{size:,}"
        return f"{'≈' if self.is_near else '≤'} {size:,}"

    @property
    def whose(self) -> str:
        """For which of the columns it is known, where that needs saying."""
        if self.unsure:
            every = self.count + self.unsure
            verb = "has" if self.count == 1 else "have"
            return f"the {self.count:,} of {every:,} columns that {verb} a valid error bar"
        if self.without:
            return f"{all_of(self.count, 'column')} that have one"
        return all_of(self.count, "column")


def enough(frame: pd.DataFrame, target: float = TARGETS[0]) -> Enough | None:
    """Return what batch size is enough for how many columns; None without relative errors."""
    for word in told_estimators(frame):
        if measure_for(frame, word) == "rmse":
            continue
        sizes_of = needed_sizes(frame, word, target)
        known = [at for at in sizes_of.values() if at.how != "unknown"]
        # Error bars that are not valid count where there are no others.
        found = [at for at in known if at.trusted] or known
        if not found:
            continue
        sizes = sorted(at.size for at in found if at.how != "beyond")
        half = sizes[math.ceil(len(found) / 2) - 1] if 2 * len(sizes) >= len(found) else 0
        every = sizes[-1] if len(sizes) == len(found) else 0
        largest = int(frame["batch_size"].max())
        is_near = all(at.how in ("between", "beyond") for at in found if at.size in (half, every))
        unsure, without = len(known) - len(found), len(sizes_of) - len(known)
        return Enough(
            word, len(sizes), len(found), half, every, largest, is_near, unsure, without,
            whole_size(frame),
        )  # fmt: skip
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
    largest = plural(found.largest, "row")
    if found.every:
        takes = f"It takes {found.words(found.every)} row{'s' if found.every > 1 else ''}"
        alone = found.count + found.unsure + found.without == 1
        half = f", {found.words(found.half)} in half of them" if found.half < found.every else ""
        return f"{takes} to bring {goal}" + ("." if alone else f" in {_columns(found)}{half}.")
    if not found.reached:
        where = " in any column." if found.count > 1 else "."
        return f"Even the largest batch simulated, {largest}, does not bring {goal}{where}"
    return (
        f"The largest batch simulated, {largest}, brings {goal} in {found.reached:,} of "
        f"{found.count:,} columns."
    )


def _columns(found: Enough) -> str:
    """Return in how many columns; those not known well enough are told of behind."""
    if found.unsure:
        return plural(found.count, "column")
    return found.whose.replace("that have one", "that have a relative error")


def enough_tile(found: Enough) -> dict[str, str]:
    """Return the batch size that is enough as a number of the first page."""
    noun = in_words(found.word)
    of = " of a standard deviation" if is_location(found.word) else ""
    alone = found.count == 1 and not found.unsure
    whose = "" if alone else f", {found.whose}"
    number = found.number(found.every) if found.every else f"> {found.largest:,}"
    detail = "interpolated" if found.is_near else "no batch size of the run is nearer"
    if not found.every and not found.reached:
        detail = "no column reaches it" if found.count > 1 else "the largest one of the run"
    elif found.count > 1:
        half = (
            f"half of them: {found.number(found.half)}"
            if found.half
            else "fewer than half reach it"
        )
        does = "does" if found.reached == 1 else "do"
        detail = half if found.every else f"{found.reached:,} of them {does}; {half}"
    return {
        "number": number,
        "caption": f"the batch size for an RMSE of the {noun} of 10 %{of}{whose}",
        "detail": detail,
    }
