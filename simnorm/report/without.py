"""What the first page says of distributions for which there is no RMSE to speak of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import featured_size, floats, names_of, reference_of
from simnorm.formatting import plural
from simnorm.report.facts import pick, told_estimators
from simnorm.report.told import Told, Typical, shared_unit, typical_errors
from simnorm.report.words import in_words, listed, unit_words

if TYPE_CHECKING:
    import pandas as pd

# So many names are listed, more are counted.
FEW = 3


def without_answer(frame: pd.DataFrame, found: Sequence[Told]) -> str:
    """Return for which distributions the answer does not hold and what is true of them.

    Nothing, if it holds for all; otherwise one or two sentences.
    """
    if not any(one.errors for one in found):
        return ""  # The answer has said so.
    names = names_of(frame)
    gone = [name for name in names if found and all(name in one.gone for one in found)]
    failed = [name for name in names if found and all(name in one.failed for one in found)]
    parts = [_doubtful(frame, one, len(names)) for one in found]
    parts += [_missing(frame, one, gone, len(names)) for one in found]
    parts = [part for part in parts if part][:1]
    if gone:
        parts.append(_gone(frame, found, gone, len(names)))
    if failed:
        parts.append(f"For {whose(failed, len(names))} the estimator failed in every replication.")
    return joined(parts)


def joined(parts: Sequence[str]) -> str:
    """Return sentences, of which the second is a part of the first where there are two."""
    if len(parts) < 2:
        return "".join(parts)
    second = parts[1][0].lower() + parts[1][1:]
    return " ".join([f"{parts[0].rstrip('.')}; {second}", *parts[2:]])


def whose(names: Sequence[str], count: int) -> str:
    """Return names in a sentence, or how many there are of so many.

    Examples
    --------
    >>> whose(["a", "b"], 5), whose(["a", "b", "c", "d"], 5), whose(["a"], 1)
    ('a and b', '4 of 5 distributions', 'a')
    """
    if len(names) <= FEW:
        return listed(names)
    return (
        f"all {count:,} distributions"
        if len(names) == count
        else (f"{len(names):,} of {count:,} distributions")
    )


def _doubtful(frame: pd.DataFrame, one: Told, count: int) -> str:
    """Return where estimates have no valid error bar, and what half of the errors are like."""
    if not one.doubtful:
        return ""
    return (
        f"The RMSE of the {in_words(one.word)} has no valid error bar for "
        f"{whose(one.doubtful, count)}" + _half(frame, one.word, one.doubtful)
    )


def _missing(frame: pd.DataFrame, one: Told, gone: Sequence[str], count: int) -> str:
    """Return where one of the estimators has no RMSE though another one has."""
    names = [name for name in one.gone if name not in gone]
    if not names:
        return ""
    return f"The {in_words(one.word)} has no RMSE for {whose(names, count)}" + _half(
        frame, one.word, names
    )


def _gone(frame: pd.DataFrame, found: Sequence[Told], gone: Sequence[str], count: int) -> str:
    """Return where no RMSE exists at all, and what half of the errors are like."""
    start = f"For {whose(gone, count)} no RMSE exists"
    words = [one.word for one in reversed(found)]
    texts = [_half(frame, word, gone, whole=True) for word in words]
    return start + next((text for text in texts if text != "."), ".")


def _half(frame: pd.DataFrame, word: str, names: Sequence[str], *, whole: bool = False) -> str:
    """Return as the end of a sentence how large half of the errors are at least."""
    n = featured_size(frame)
    every = typical_errors(frame, word, n)
    known = {name: every[name] for name in names if name in every}
    if not known or not shared_unit(list(known.values())):
        return "."
    what = f"miss the {in_words(word)}" if whole else "are off"
    batches = f"half of {'the' if len(names) == 1 else 'their'} batches of {n:,}"
    unit = "" if next(iter(known.values())).unit else unit_words(word).replace(" in ", ", in ", 1)
    return f": {batches} {what} by {_sizes(known)} or more{unit}."


def _sizes(known: dict[str, Typical]) -> str:
    """Return from where to where errors run."""
    low = min(known, key=lambda name: known[name].size)
    high = max(known, key=lambda name: known[name].size)
    if known[low].text == known[high].text:
        return known[low].text
    return f"{known[low].text} ({low}) to {known[high].text} ({high})"


def no_answer(frame: pd.DataFrame) -> str:
    """Return why there is no error to lead with, what is known all the same, and what to do."""
    if frame.empty:
        return "The run is empty: there is nothing to tell."
    rows = frame[frame["reference"] == reference_of(frame)]
    absolute, relative = (rows[rows["measure"] == name] for name in ("rmse", "relative_rmse"))
    if (absolute["status"] == "failed").all():
        return f"The estimator failed in every replication. {_why(absolute)}".strip()
    half = _half_of_one(frame)
    for kind, some in (("relative error", relative), ("error", absolute)):
        doubtful = some[some["status"] == "unreliable"]
        if len(doubtful):
            return f"This run has no {kind} with a valid error bar{half} " + _why(doubtful)
    values = floats(absolute, "estimate")
    if values[np.isfinite(values)].any():
        return "There is no error to lead with; those there are stand in the tables."
    start = f"None of the errors asked for exists: every value is undefined{half}"
    if np.isfinite(values).any():
        start = f"No batch smaller than its full set has an RMSE{half}"
    gone = absolute[absolute["status"] == "undefined"]
    return f"{start} {_why(gone)} {_what_to_do(gone)}".replace("  ", " ").strip()


def failures(frame: pd.DataFrame, found: Sequence[Told]) -> str:
    """Return in how many replications estimators failed of which an error is told, or nothing."""
    parts = []
    for one in found:
        rows = pick(frame[frame["batch_size"] == one.batch_size], one.word, one.measure)
        rows = rows[(rows["status"] == "failed") & np.isfinite(floats(rows, "estimate"))]
        if rows.empty:
            continue
        rows = rows.sort_values("failed", kind="stable")
        ends = [rows.iloc[place] for place in ((0, -1) if len(rows) > 1 else (0,))]
        times = " to ".join(f"{int(row['failed']):,} ({row['name']})" for row in ends)
        drawn = max(int(row["failed"] + row["replications"]) for row in ends)
        parts.append(f"the {in_words(one.word)} failed in {times} of {drawn:,} replications")
    if not parts:
        return ""
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]}, and the numbers are of the others."


def _half_of_one(frame: pd.DataFrame) -> str:
    """Return how large half of the errors are, of the first estimator of which that is known."""
    names = names_of(frame)
    texts = [_half(frame, word, names, whole=True) for word in reversed(told_estimators(frame))]
    return next((text for text in texts if text != "."), ".")


def _why(rows: pd.DataFrame) -> str:
    """Return the reason of rows, the most frequent one if they have several."""
    reasons = rows["reason"].fillna("").astype(str)
    counts = reasons[reasons != ""].value_counts(sort=True)
    if counts.empty:
        return ""
    others = len(counts) - 1
    more = f" ({plural(others, 'other reason')} in results.csv)" if others else ""
    return f"The reason: {counts.index[0]}{more}."


def _what_to_do(rows: pd.DataFrame) -> str:
    """Return what would have an error, where every value is undefined."""
    if (rows["batch_size"] == 1).all():
        return "Batches of 2 or more have one: --batch-sizes."
    if rows["reason"].astype(str).str.contains("does not exist|not finite").any():
        return "The median and the interquartile range have one: --estimators median,iqr."
    return ""
