"""The check of tables: made again from the stored nodes, they are those of the folder.

Everything in a row but its draws is made again: estimates, error bars, theory, z, statuses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm import store
from simnorm.checking.completeness import AGAIN
from simnorm.checking.environment import TOLERANCE, differences
from simnorm.checking.finding import Failure, Finding, ImpossibleError
from simnorm.checking.folder import Folder
from simnorm.checking.keys import KEY, words_of
from simnorm.describe import COLUMNS_SCHEMA
from simnorm.formatting import plural
from simnorm.results import csv_text
from simnorm.schema import CURVES_SCHEMA, SCHEMA

NAME = "rebuilt"

NUMBER = r"\d[\d,]*(?:\.\d+)?"
# They are rounded, and in another environment may rarely fall to the other side.
IN_SENTENCES = 1e-6
# What is made of differences of numbers: fewer of its digits agree in another environment.
COARSE = {"z": 1e-6, "khat": 1e-6}
# Kinds of curves that the first runs did not keep, and what is said of such a run.
ADDED = ("distribution", "split")
NO_HISTOGRAMS = (
    "made before simnorm kept histograms of estimates, which simnorm run with its design.toml adds"
)
# What names a curve; its points stand in their order.
POINT = (*KEY[:-1], "kind")


def check(folder: Folder) -> Finding:
    """Make all tables again and compare them with the files."""
    frame, curves, columns = _made(folder)
    curves, note = _of_its_time(folder, curves)
    tables: list[tuple[str, pd.DataFrame, dict[str, type], tuple[str, ...]]] = [
        (store.RESULTS, frame[list(SCHEMA)], SCHEMA, KEY),
        (store.CURVES, curves, CURVES_SCHEMA, POINT),
    ]
    if folder.design.data:
        tables.append((store.COLUMNS, columns, COLUMNS_SCHEMA, ("column",)))
    exact = _is_exact(folder)
    failures: list[Failure] = []
    for name, table, schema, key in tables:
        text = csv_text(table).encode()
        there = folder.read(name)
        if there == text:
            continue
        read = {store.RESULTS: lambda: folder.frame, store.CURVES: lambda: folder.curves}
        got = read.get(name, lambda: folder.columns)()
        found = list(_different(name, got[list(schema)], table, schema, key, exact=exact))
        if exact and not found:
            found = [
                Failure(name, "another text of the same numbers", "the text that a run writes")
            ]
        failures += found
    how = "byte for byte" if exact else f"to {TOLERANCE:g} (another environment)"
    counts = ", ".join(f"{plural(len(table), 'row')} of {name}" for name, table, *_ in tables)
    places = len({failure.where.rpartition(", ")[0] for failure in failures})
    rows = sum(len(table) for _, table, *_ in tables)
    verb = "differs" if places == 1 else "differ"
    wrong = f"{places:,} of {plural(rows, 'row')} {verb} from what the stored numbers give"
    return Finding.of(NAME, f"{counts} made again, compared {how}", failures, wrong, note)


def _of_its_time(folder: Folder, curves: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the curves that a run of the folder's age has, and what to say of those it lacks.

    No number of an older run has changed, so it is no worse a run for lacking a kind as a whole; a
    part of a kind that is missing is a fault.
    """
    if not len(curves) or folder.curves["kind"].isin(ADDED).any():
        return curves, ""
    older = curves[~curves["kind"].isin(ADDED)]
    return older, NO_HISTOGRAMS if len(older) < len(curves) else ""


def _made(folder: Folder) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    if folder.given_up:
        raise ImpossibleError("tasks were given up, and their blocks are in no file", AGAIN)
    try:
        return folder.taken.maker.tables()
    except (KeyError, IndexError, ValueError):
        # Gaps, which are told of elsewhere.
        raise ImpossibleError("the stored nodes are not those of a finished run") from None


def _is_exact(folder: Folder) -> bool:
    """Tell whether the last bits have to agree."""
    try:
        return folder.same_bits is not False and not differences(
            folder.provenance, folder.written.study
        )
    except ImpossibleError:
        return False


def _different(
    name: str,
    got: pd.DataFrame,
    made: pd.DataFrame,
    schema: dict[str, type],
    key: Sequence[str],
    *,
    exact: bool,
) -> Iterator[Failure]:
    """Yield the values that differ, row by row."""
    one, other = (list(_keys(table, key)) for table in (got, made))
    if one != other:
        missing, foreign = set(other) - set(one), set(one) - set(other)
        for k in other:
            if k in missing:
                yield Failure(f"{name}, {_words(key, k)}", "no row", "a row")
        for k in one:
            if k in foreign:
                yield Failure(f"{name}, {_words(key, k)}", "a row", "none")
        if not missing and not foreign:
            yield Failure(name, f"{len(one):,} rows in another order or doubled", f"{len(other):,}")
        got = got[[k not in foreign for k in one]]
        made = made[[k not in missing for k in other]]
        if list(_keys(got, key)) != list(_keys(made, key)):
            return
    wrong = {word: _wrong(got, made, word, kind, exact=exact) for word, kind in schema.items()}
    every = np.any(list(wrong.values()), axis=0)
    for i in np.flatnonzero(every):
        here = _words(key, tuple(made.iloc[i][word] for word in key))
        for word, mask in wrong.items():
            if mask[i]:
                values = (_shown(table.iloc[i][word]) for table in (got, made))
                yield Failure(f"{name}, {here}, {word}", *values)


def _keys(table: pd.DataFrame, key: Sequence[str]) -> Iterator[tuple[object, ...]]:
    return zip(*(table[word].tolist() for word in key), strict=True)


def _words(key: Sequence[str], values: tuple[object, ...]) -> str:
    row = dict(zip(key, values, strict=True))
    if "kind" not in row:
        return words_of(row) if "measure" in row else str(row["column"])
    return f"{words_of(row)} {row['kind']}"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "empty" if np.isnan(value) else repr(float(value))
    return str(value) or "empty"


def _wrong(
    got: pd.DataFrame, made: pd.DataFrame, word: str, kind: type, *, exact: bool
) -> NDArray[np.bool_]:
    """Return the rows whose values differ."""
    one, other = got[word], made[word]
    if kind is not float:
        if word == "reason" and not exact:
            pairs = zip(one.tolist(), other.tolist(), strict=True)
            return np.array([not _is_near(*pair) for pair in pairs], dtype=np.bool_)
        return np.asarray(one.to_numpy(dtype=object) != other.to_numpy(dtype=object), dtype=bool)
    a, b = (part.to_numpy(dtype=np.float64) for part in (one, other))
    wrong: NDArray[np.bool_] = (a != b) & ~(np.isnan(a) & np.isnan(b))
    if exact:
        return wrong
    limit = TOLERANCE * np.maximum(np.abs(b), _sizes(made))
    if word in COARSE:
        limit = COARSE[word] * (1.0 + np.abs(b))
    with np.errstate(invalid="ignore"):
        near: NDArray[np.bool_] = np.abs(a - b) <= limit
    return wrong & ~near


def _is_near(one: str, other: str) -> bool:
    """Tell whether two sentences are the same but for the last digits of their numbers.

    Examples
    --------
    >>> _is_near("needs 1,261,076 of 0.5", "needs 1,261,077 of 0.5"), _is_near("needs 9", "needs 8")
    (True, False)
    """
    if one == other:
        return True
    if re.sub(NUMBER, "0", one) != re.sub(NUMBER, "0", other):
        return False
    pairs = zip(re.findall(NUMBER, one), re.findall(NUMBER, other), strict=True)
    numbers = ((float(text.replace(",", "")) for text in pair) for pair in pairs)
    return all(math.isclose(a, b, rel_tol=IN_SENTENCES) for a, b in numbers)


def _sizes(made: pd.DataFrame) -> NDArray[np.float64]:
    """Return how large the errors are that the numbers of every row are about."""
    if "measure" not in made:
        return np.zeros(len(made))
    found = np.nan_to_num(made[["estimate", "mcse"]].abs().max(axis=1).to_numpy(dtype=np.float64))
    cell = made.groupby(list(KEY[:-1]), sort=False).ngroup().to_numpy()
    for prefix in ("", "relative_"):
        rmse = np.zeros(cell.max(initial=-1) + 1)
        of_rmse = (made["measure"] == f"{prefix}rmse").to_numpy(dtype=bool)
        rmse[cell[of_rmse]] = found[of_rmse]
        of_bias = (made["measure"] == f"{prefix}bias").to_numpy(dtype=bool)
        found[of_bias] = np.maximum(found[of_bias], rmse[cell[of_bias]])
    return np.asarray(found)
