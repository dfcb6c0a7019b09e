"""What a report says of methods: how batches come about, and what the status of a row means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import (
    schemes_of,
    thing,
)
from simnorm.figures.schemes import (
    by_source,
    said,
)
from simnorm.figures.tables import (
    estimators_of,
    floats,
    is_data,
    is_location,
    names_of,
    word_of,
)
from simnorm.formatting import (
    plural,
)
from simnorm.report.words import (
    full_size,
    listed,
    sizes_text,
    whole,
)
from simnorm.sampling import (
    GROUPED,
    IID,
    REPLACEMENT,
    SEQUENTIAL,
    SHUFFLE,
)

if TYPE_CHECKING:
    import pandas as pd


# How one replication makes its batches: of data, and of distributions where they are not cut.
METHODS = {
    SHUFFLE: "One replication puts the N rows in a random order and cuts it into k = N/n batches "
    "of n, rounded down, as an epoch of training does; the last rows are dropped where n does not "
    "divide N. All columns, batch sizes and statistics use the same orders.",
    REPLACEMENT: "One replication draws k batches of n rows, each row from all N anew. All columns "
    "and statistics use the same draws.",
    SEQUENTIAL: "The rows are cut, in the order of the file, into k = N/n batches of n, rounded "
    "down; the last rows are dropped where n does not divide N. Nothing is random, so there is "
    "one replication.",
    GROUPED: "One replication puts the groups in a random order, with the rows of a group in the "
    "order of the file, and cuts the long list into k = N/n batches of n, rounded down. All "
    "columns, batch sizes and statistics use the same orders.",
}


LAW_METHODS = {
    REPLACEMENT: "One replication draws one full set of N observations, and from it k batches of n "
    "with replacement, where k is N/n rounded down, but at least one.",
    IID: "One replication draws N observations and cuts them, in the order of drawing, into "
    "k = N/n batches of n, rounded down. There is no full set: errors are about the population.",
}


MEANINGS = {
    "ok": "estimate, standard error and interval are valid",
    "exact": "the error is the same in every replication, so there is no Monte Carlo error",
    "unreliable": "the standard error of the estimate does not exist or is not to be trusted",
    "undefined": "the quantity does not exist, so there is no number",
    "failed": "the estimator raised an error or returned no finite number in some replications; "
    "these count for nothing, and the numbers are those of the others",
}


# What has all k batches of a full set in it.
MEASURES = ("bias", "variance", "mse", "rmse")


def cutting_method(frame: pd.DataFrame) -> str:
    """Return how batches come about where they are not cut from draws of a distribution."""
    scheme = str(frame["sampling"].iloc[0]) if len(frame) else SHUFFLE
    of_data = is_data(frame)
    return METHODS.get(scheme, METHODS[GROUPED]) if of_data else LAW_METHODS.get(scheme, "")


def scheme_sentence(every: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return which of several sampling schemes figures and tables show, or nothing."""
    schemes = schemes_of(every)
    if len(schemes) < 2:
        return ""
    others = [said(word) for word in schemes if word not in schemes_of(shown)]
    return (
        f"Figures and tables show {said(schemes_of(shown)[0])}; the section on sampling schemes "
        f"compares it with {listed(others)}."
    )


def remarks(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the estimators: spec, word, and what their relative measures are divided by."""
    found = []
    for spec in estimators_of(frame):
        rows = frame[frame["estimator"] == spec]
        relative = rows[rows["measure"].str.startswith("relative_")]
        of_data = is_data(frame)
        by = "population sd" if is_location(spec) else "its population value"
        if of_data:
            by = "sd of the column" if is_location(spec) else "its value for the column"
        if spec.startswith("user."):
            exist = np.isfinite(floats(relative, "estimate")).any()
            value = "value for the column" if of_data else "population value"
            by = f"{value}, or sd, as given" if exist else "nothing: there are none"
        found.append(
            {"spec": spec, "word": "user" if spec[:5] == "user." else word_of(spec), "by": by}
        )
    return found


def status_sentence(frame: pd.DataFrame) -> str:
    """Return how many rows have which status."""
    counts = frame["status"].value_counts()
    if frame.empty:
        return "The table has no rows."
    words = [f"{int(counts[word]):,} {word}" for word in MEANINGS if word in counts]
    verb = "is" if words[0].startswith("1 ") else "are"
    if len(words) == 1:
        same = f"All {words[0].replace(' ', ' rows of the table are ', 1)}."
        if len(frame) == 1:
            same = f"The one row of the table is {frame['status'].iloc[0]}."
        return f"{same} {failed_sentence(frame)}".strip()
    words[0] = words[0].replace(" ", f" {verb} ", 1)
    return f"Of {len(frame):,} rows of the table, {listed(words)}. {failed_sentence(frame)}".strip()


def failed_sentence(frame: pd.DataFrame) -> str:
    """Return how many replications of how many rows have failed, or nothing."""
    rows = frame[frame["status"] == "failed"]
    if rows.empty:
        return ""
    low, high = int(rows["failed"].min()), int(rows["failed"].max())
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    lost = int((~np.isfinite(floats(rows, "estimate"))).sum())
    replications = "replication" if high == 1 else "replications"
    of = f"In {lost:,} of these rows" if len(rows) > 1 else "In this row"
    none = f" {of} no replication was left." if lost else ""
    return f"In {plural(len(rows), 'row')} {count} {replications} failed.{none}"


def data_sentence(frame: pd.DataFrame) -> str:
    """Return the data-generating mechanisms and factors of the run."""
    names = names_of(frame)
    sizes = sorted({int(n) for n in frame["batch_size"]})
    sets = "Full sets" if whole(frame) == "full set" else "Sets"
    return (
        f"{plural(len(names), 'distribution').capitalize()}: {listed(names, 24)}. {sets} of "
        f"N = {full_size(frame):,} independent observations; "
        f"{plural(len(sizes), 'batch size')}: {sizes_text(sizes)}."
    )


def cutting_sentence(frame: pd.DataFrame) -> str:
    """Return how a full set is cut, with the numbers of batches."""
    if frame.empty:
        return ""
    # Quantiles of errors take one batch of each full set, whatever k is.
    batches = floats(frame[frame["measure"].isin(MEASURES)], "batches")
    if not np.isfinite(batches).any():
        return ""
    low, high = int(np.nanmin(batches)), int(np.nanmax(batches))
    total, sizes = full_size(frame), sorted({int(n) for n in frame["batch_size"]})
    number = f"{high:,}" if low == high else f"{high:,} (smallest n) to {low:,} (largest n)"
    dropped = [n for n in sizes if total % n]
    what = "rows" if is_data(frame) else "observations"
    if REPLACEMENT in set(frame["sampling"]):
        return f"Here k is {number}."
    tail = f"the last N − kn {what} are dropped"
    if not dropped:
        every = f"The batch size {sizes[0]:,}" if len(sizes) == 1 else "Every n"
        return f"Here k is {number}. {every} divides N, so nothing is dropped."
    if len(sizes) == 1:
        return f"Here k is {number}. The batch size does not divide N: {tail}."
    where = (
        "No n divides N:"
        if dropped == sizes
        else (f"Where n does not divide N ({sizes_text(dropped)}),")
    )
    return f"Here k is {number}. {where} {tail}."


def not_ok(frame: pd.DataFrame, most: int = 12) -> list[list[str]]:
    """Return what is not simply ok: status, distributions, estimators, rows, reason."""
    several = len(schemes_of(frame)) > 1
    every = names_of(by_source(frame))
    rows = by_source(frame[frame["status"] != "ok"])
    reasons = [
        _kind_of_reason(str(reason or ""), str(name))
        for name, reason in zip(rows["name"], rows["reason"], strict=True)
    ]
    groups = rows.assign(reason=reasons).groupby(["status", "reason"], sort=False)
    lines = [
        [
            str(status),
            _all_or(every, _unique(part, "name"), f"{thing(frame)}s"),
            _all_or(estimators_of(frame), _unique(part, "estimator"), "estimators"),
            f"{len(part):,}",
            str(reason) + (f" ({listed([said(s) for s in schemes_of(part)])})" if several else ""),
        ]
        for (status, reason), part in groups
    ]
    order = list(MEANINGS)
    lines.sort(key=lambda line: order.index(line[0]) if line[0] in order else len(order))
    if len(lines) > most:
        rest = f"{len(lines) - most + 1} more reasons, in the attached table"
        lines = [*lines[: most - 1], ["…", "", "", "", rest]]
    return lines


def _kind_of_reason(reason: str, name: str) -> str:
    """Return a reason without what differs between rows that have it alike."""
    nameless = re.sub(rf"\bof {re.escape(name)}(?!\w)", "of the distribution", reason)
    nameless = re.sub(
        r"^[\d,]+ of [\d,]+ replications failed; replication [\d,]+: ",
        "in some replications: ",
        nameless,
    )
    nameless = re.sub(r"needs [\d,]+ replications or more", "needs more replications", nameless)
    nameless = re.sub(r"where all [\d,]+ of a batch", "where all of a batch", nameless)
    nameless = re.sub(r"the column's .* is zero or", "the column's value is zero or", nameless)
    return re.sub(r"(k-hat) -?[\d.]+", r"\1", nameless)


def _all_or(every: list[str], some: list[str], noun: str) -> str:
    """Return the words listed, or that it is all of them."""
    if len(some) == len(every) > 2:
        return f"all {len(every)} {noun}"
    return listed(some, 4)


def _unique(rows: pd.DataFrame, column: str) -> list[str]:
    return [str(word) for word in rows[column].drop_duplicates()]
