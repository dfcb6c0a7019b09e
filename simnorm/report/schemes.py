"""What a report says of sampling schemes: what not shuffling costs, beside exact theory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.choice import thing
from simnorm.figures.schemes import (
    by_source,
    common_size,
    compared,
    mean_errors,
    panel_estimators,
    said,
)
from simnorm.figures.tables import floats, is_data, reference_of
from simnorm.formatting import NOTHING, percent, plural, significant
from simnorm.report.facts import Quantity, quantity
from simnorm.report.tables import aligned, estimate_text
from simnorm.report.text import full_size, in_words
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL, SHUFFLE, group_column
from simnorm.theory.worth import effective_size, shuffled_mse

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 8
INSIDE = ("unbiased_variance", "biased_variance", "std(ddof=1)", "std(ddof=0)")
# A batch worth so many of its rows is as good as a shuffled one.
AS_GOOD = 0.9
SHUFFLED = "shuffled"


def chapter(frame: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Any] | None:
    """Return the chapter on sampling, None where the run shuffles alone."""
    schemes = compared(frame)
    if frame.empty or not schemes:
        return None
    parts = [part(frame, curves, scheme) for scheme in schemes]
    found = " ".join(one["finding"] for one in parts if one["finding"])
    words = " and ".join(f"the {in_words(word)}" for word in panel_estimators(frame))
    return {
        "parts": parts,
        "finding": found or f"{words[0].upper()}{words[1:]}, scheme by scheme.",
        "alt": f"RMSE of {words} against batch size, by sampling scheme, log-log.",
        "shuffled": "shuffle" in set(frame["sampling"]),
        "thing": thing(frame),
    }


def part(frame: pd.DataFrame, curves: pd.DataFrame, scheme: str) -> dict[str, Any]:
    """Return what the chapter says of one scheme."""
    n = common_size(frame)
    errors = mean_errors(frame, scheme, n).sort_values("mse", ascending=False, kind="stable")
    return {
        "scheme": scheme,
        "head": head(scheme),
        "about": about(scheme),
        "finding": finding(frame, curves, scheme),
        "meaning": meaning(frame, curves, scheme),
        "size": f"{n:,}",
        "table": table(frame, curves, scheme, errors),
        "of": len(errors),
    }


def cost(frame: pd.DataFrame) -> str:
    """Return in one sentence what not shuffling costs where it costs most, for the first page.

    Nothing unless the run has shuffled batches too, and schemes that cost something.
    """
    schemes = compared(frame)
    n = common_size(frame) if schemes else 0
    if not schemes or SHUFFLE not in set(frame["sampling"]) or n >= full_size(frame):
        return ""
    of_data, N = is_data(frame), full_size(frame)
    found = []
    for scheme in schemes:
        errors = mean_errors(frame, scheme, n)
        if scheme == IID or errors.empty:
            continue
        worst = errors.iloc[int(floats(errors, "mse").argmax())]
        worth = effective_size(float(worst["mse"]), N, of_data=of_data)
        if worth < AS_GOOD * n:
            found.append((worth, scheme, str(worst["name"]), math.sqrt(float(worst["mse"]))))
    if not found:
        return ""
    found.sort()
    worth, scheme, name, off = found[0]
    shuffled = significant(math.sqrt(shuffled_mse(n, N, of_data=of_data)), 2)
    what = "row" if of_data else "draw"
    text = (
        f"Without shuffling it is worse: {_inside(scheme)} the mean of {plural(n, what)} of {name} "
        f"is off by {significant(off, 2)} standard deviations, shuffled by {shuffled}: such a "
        f"batch is worth {size_text(worth)} shuffled {what}s"
    )
    others = [f"{_inside(other)} {size_text(more)}" for more, other, *_ in found[1:]]
    return f"{'; '.join([text, *others])}."


def _inside(scheme: str) -> str:
    return _adverb(scheme)[0].lower() + _adverb(scheme)[1:]


def head(scheme: str) -> str:
    """Return the heading of a scheme."""
    words = "independent draws (iid)" if scheme == IID else said(scheme)
    return words[0].upper() + words[1:]


def about(scheme: str) -> str:
    """Return how a scheme makes its batches."""
    group = group_column(scheme)
    if group is not None:
        return (
            f"The rows are put together by their value of {group}; the groups come in random "
            "order, inside a group the rows are in the order of the file, and the long list is cut "
            "into batches."
        )
    return {
        SEQUENTIAL: "The file is cut as it stands. Nothing is random, so there is one replication "
        "and no error bar.",
        REPLACEMENT: "Every row of a batch is drawn from the full set anew, so a row may come "
        "twice, and a batch may be larger than the full set.",
        IID: "Draws without a full set: the errors are about the population.",
    }.get(scheme, "")


def inside_word(frame: pd.DataFrame) -> str:
    """Return the estimator that tells of the spread inside batches, or nothing."""
    held = set(frame["estimator"])
    return next((word for word in INSIDE if word in held), "")


def look(frame: pd.DataFrame, scheme: str, name: str, estimator: str, measure: str) -> Quantity:
    """Return one quantity under a scheme at the batch size of the chapter."""
    rows = frame[(frame["sampling"] == scheme) & (frame["batch_size"] == common_size(frame))]
    rows = by_source(rows[(rows["estimator"] == estimator) & (rows["measure"] == measure)])
    rows = rows[(rows["name"] == name) & (rows["reference"] == reference_of(rows))]
    empty = Quantity(math.nan, math.nan, math.nan, "", "undefined", "")
    return empty if rows.empty else quantity(rows.iloc[0])


def correlation(curves: pd.DataFrame, scheme: str, name: str, n: int) -> float:
    """Return a column's intraclass correlation, NaN where there is none.

    Of rows in file order it is that of batches of n, of groups that of the groups.
    """
    rows = curves[(curves["kind"] == "icc") & (curves["sampling"] == scheme)]
    rows = rows[rows["column"] == name]
    if scheme == SEQUENTIAL:
        rows = rows[rows["batch_size"] == n]
    return math.nan if rows.empty else float(rows["y"].iloc[0])


def finding(frame: pd.DataFrame, curves: pd.DataFrame, scheme: str) -> str:
    """Return what a scheme costs where it costs most, with the exact value of shuffled batches."""
    n, N, of_data = common_size(frame), full_size(frame), is_data(frame)
    errors = mean_errors(frame, scheme, n)
    if errors.empty:
        return ""
    worst = errors.iloc[int(floats(errors, "mse").argmax())]
    name, mse = str(worst["name"]), float(worst["mse"])
    off = significant(math.sqrt(mse), 2)
    rows = plural(n, "row" if of_data else "draw")
    if scheme == IID:
        return f"Of {rows} of {name} the mean is off the population’s by {off} sd."
    if n > N:
        return f"{_adverb(scheme)} the mean of {rows} of {name} is off by {off} sd."
    shuffled = significant(math.sqrt(shuffled_mse(n, N, of_data=of_data)), 2)
    start = f"{_adverb(scheme)} the mean of {rows} of {name} is off by {off} sd, shuffled exactly "
    sentence = start + f"by {shuffled} sd: such a batch is worth "
    sentence += f"{size_text(effective_size(mse, N, of_data=of_data))} shuffled "
    sentence += "rows." if of_data else "draws."
    rho = correlation(curves, scheme, name, n)
    if math.isfinite(rho):
        whose = "groups" if group_column(scheme) else f"batches of {n:,}"
        sentence += f" The intraclass correlation of {whose} is {significant(rho, 2)}."
    return sentence


def _adverb(scheme: str) -> str:
    if scheme == SEQUENTIAL:
        return "In file order"
    return "Drawn with replacement" if scheme == REPLACEMENT else f"By {said(scheme)}"


def size_text(size: float) -> str:
    """Return an effective batch size: no more digits than it takes to compare it with n.

    Examples
    --------
    >>> size_text(1.4567), size_text(15.63), size_text(1234.5)
    ('1.5', '15.6', '1,234')
    """
    return significant(size, 2) if size < 10.0 else significant(size, 3 if size < 1000.0 else 4)


def meaning(frame: pd.DataFrame, curves: pd.DataFrame, scheme: str) -> str:
    """Return in plain words what a scheme means for whoever uses it."""
    n, N, of_data = common_size(frame), full_size(frame), is_data(frame)
    errors = mean_errors(frame, scheme, n)
    if errors.empty or scheme == IID:
        return ""
    sizes = [effective_size(float(mse), N, of_data=of_data) for mse in errors["mse"]]
    low, high = min(sizes), max(sizes)
    what = "rows" if of_data else "draws"
    if scheme == REPLACEMENT:
        return (
            f"At batch size {n:,} this costs little: such a batch is worth {size_text(low)} or "
            f"more shuffled {what}."
            if low >= AS_GOOD * n
            else f"At batch size {n:,} such a batch is worth {size_text(low)} shuffled {what}: the "
            "nearer n is to N, the more is lost by drawing rows twice."
        )
    short = sum(size < AS_GOOD * n for size in sizes)
    if not short:
        return (
            f"At batch size {n:,} a batch is worth {size_text(low)} to {size_text(high)} shuffled "
            "rows in every column, so not shuffling costs next to nothing here."
        )
    span = size_text(low) if low == high else f"{size_text(low)} to {size_text(high)}"
    text = f"A batch of {n:,} is worth {span} shuffled rows. "
    if len(sizes) > 1:
        whose = "all" if short == len(sizes) else f"{short:,} of the"
        text = (
            f"In {whose} {len(sizes):,} columns a batch of {n:,} is worth clearly fewer shuffled "
            f"rows than it has: over all columns {span}. "
        )
    text += (
        "Rows that stand together are alike, so whoever does not shuffle standardizes a batch by "
        "the statistics of its own stretch of the file."
    )
    return f"{text} {_inside_sentence(frame, curves, scheme, errors)}".strip()


def _inside_sentence(
    frame: pd.DataFrame, curves: pd.DataFrame, scheme: str, errors: pd.DataFrame
) -> str:
    """Return how much too small the spread inside batches is, where the mean is worst."""
    word = inside_word(frame)
    if not word:
        return ""
    name = str(errors.iloc[int(floats(errors, "mse").argmax())]["name"])
    bias = look(frame, scheme, name, word, "relative_bias").estimate
    if not math.isfinite(bias) or bias == 0.0:
        return ""
    size = "small" if bias < 0.0 else "large"
    rho = correlation(curves, scheme, name, common_size(frame))
    near = ""
    if math.isfinite(rho) and scheme == SEQUENTIAL and word == "unbiased_variance":
        near = f" (about minus the intraclass correlation, {percent(-rho)})"
    return (
        f"And the {word} inside a batch of {name} is too {size} by {percent(abs(bias))}{near}, "
        "so what is divided by it comes out too " + ("large." if bias < 0.0 else "small.")
    )


def table(
    frame: pd.DataFrame, curves: pd.DataFrame, scheme: str, errors: pd.DataFrame
) -> dict[str, Any]:
    """Return the table of the costliest columns: errors of the mean, correlation, bias inside."""
    n, N, of_data = common_size(frame), full_size(frame), is_data(frame)
    names = [str(name) for name in errors["name"].iloc[:MOST_ROWS]]
    means = [look(frame, scheme, name, "mean", "relative_rmse") for name in names]
    word = inside_word(frame)
    inside = [look(frame, scheme, name, word, "relative_bias") for name in names]
    rho = [correlation(curves, scheme, name, n) for name in names]
    exact = math.sqrt(shuffled_mse(n, N, of_data=of_data))
    worth = [effective_size(float(mse), N, of_data=of_data) for mse in errors["mse"]][: len(names)]
    columns = {
        thing(frame): names,
        "RMSE of mean, sd": aligned([estimate_text(value) for value in means]),
        SHUFFLED: [significant(exact, 3) for _ in names],
        "worth": aligned([size_text(size) for size in worth]),
        "correlation": aligned([_two_digits(value) for value in rho]),
        f"bias of {word}, %": aligned([estimate_text(value, 100.0) for value in inside]),
    }
    # Draws of a distribution have no order, independent ones no full set to be shuffled.
    needless = {"correlation"} if not np.isfinite(rho).any() else set()
    needless |= {SHUFFLED, "worth"} if scheme == IID else set()
    needless |= set() if word else {f"bias of {word}, %"}
    shown = {key: column for key, column in columns.items() if key not in needless}
    rows = [list(row) for row in zip(*shown.values(), strict=True)]
    return {"heads": list(shown), "rows": rows, "correlated": "correlation" in shown,
            "worth": "worth" in shown}  # fmt: skip


def _two_digits(value: float) -> str:
    return NOTHING if math.isnan(value) else significant(value, 2)
