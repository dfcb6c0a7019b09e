"""Whether a table from a run folder can be that of the folder's design: words, names and numbers.

Files may be damaged, edited or made to harm. What has words of its own goes into figures, reports
and names of modules, so no word is taken on trust. `simnorm.checking` tells whether the numbers are
right; here it only matters that they are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.errors import shown
from simnorm.options import SWEEP
from simnorm.reducers import REFERENCES
from simnorm.tables import ALL_MEASURES

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.design import Design

WORDS: dict[str, Collection[str]] = {
    "source": ("law", "file", "bundled", "bench"),
    "reference": (*REFERENCES, ""),
    "measure": (*ALL_MEASURES, "mean", "median", "ratio"),
    "theory_kind": ("exact", "asymptotic", ""),
    "status": ("ok", "exact", "unreliable", "undefined", "failed"),
    "stop_reason": (
        "replications", "target", "max", "time", "undefined", "interrupted", "running", "",
    ),
}  # fmt: skip
QUANTILE = re.compile(r"quantile\(q=0\.\d{1,3}\)")
FACTOR = re.compile(r"[a-z_]+=[\w.,()=+ :-]{0,200}", re.ASCII)
# A row's own numbers; what tells of a law or a tail may be infinite.
FINITE = ("estimate", "mcse", "ci_low", "ci_high", "theory", "z")
# Of a run's making, what more is done with than to show it.
KINDS: dict[str, type] = {
    "rows_dropped": int, "columns_skipped": dict, "not_begun": list, "tasks_given_up": list,
}  # fmt: skip
COUNTS = ("full_size", "batch_size", "replications", "batches", "failed")


def check_table(design: Design, table: pd.DataFrame) -> None:
    """Refuse a table of results or curves that this design cannot have.

    Raises
    ------
    ValueError
        Naming the column and what stands there.
    """
    allowed = WORDS | _names(design)
    for column, words in allowed.items():
        if column not in table:
            continue
        for word in table[column].unique():
            is_quantile = column == "measure" and QUANTILE.fullmatch(word)
            if word not in words and not is_quantile:
                raise ValueError(f"its design has no {column} {shown(word)}")
    if "factors" in table:
        for text in table["factors"].unique():
            if text and not all(FACTOR.fullmatch(part) for part in text.split(";")):
                raise ValueError(f"factors cannot be {shown(text)}")
    for column in FINITE:
        if column in table and np.isinf(table[column]).any():
            raise ValueError(f"an infinite number in {column}")
    for column in COUNTS:
        if column in table and (table[column] < 0).any():
            raise ValueError(f"a negative number in {column}")
    if "status" in table:
        _check_whole(table)


def _check_whole(table: pd.DataFrame) -> None:
    """Refuse rows whose status says that there are numbers where there are none."""
    has_number = table["status"].isin(["ok", "exact", "unreliable"])
    # Quantiles of errors have an interval, which may be open, and no standard error.
    is_quantile = (table["measure"] == "median") | table["measure"].str.startswith("quantile")
    has_error = table["status"].isin(["ok", "exact"]) & ~is_quantile
    for column, is_there in (("estimate", has_number), ("mcse", has_error)):
        if (is_there & table[column].isna()).any():
            raise ValueError(f"no number in {column} where the status says that there is one")


def check_provenance(found: object) -> dict[str, Any]:
    """Return what a run says of its making, if it is made of names and values of the right kinds.

    Raises
    ------
    ValueError
        Naming what has another kind.
    """
    if not isinstance(found, dict):
        raise ValueError("names and values are needed")
    for name, kind in KINDS.items():
        value = found.get(name, kind())
        parts = list(value.items()) if isinstance(value, dict) else value
        is_sound = type(value) is kind and (kind is int or all(map(_are_texts, parts)))
        if not is_sound:
            raise ValueError(f"{name} cannot be {shown(value)}")
    return found


def _are_texts(part: object) -> bool:
    return all(isinstance(one, str) for one in (part if isinstance(part, tuple) else (part,)))


def _names(design: Design) -> dict[str, Collection[object]]:
    """Return what may stand in the columns that name what a row is of."""
    found: dict[str, Collection[object]] = {
        "study": (design.study,),
        "distribution": {*design.distributions, *design.datasets, ""},
        "column": {*design.columns, ""},
        "sampling": {*design.sampling, ""},
        # What is of no batch has a batch size of 0.
        "batch_size": {*design.batch_sizes, 0},
    }
    if design.study == SWEEP:
        found["estimator"] = {*design.estimators, ""}
    return found
