"""The user's data as full set: its numeric columns, what groups its rows, and its content hash.

How a file is parsed is the affair of `readers`, what counts as a number that of `reading`; here is
what remains once all of it has been accepted, and no longer changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnorm import spool
from simnorm.errors import SimnormError
from simnorm.readers import Floats, open_table, readable
from simnorm.reading import Choice, Reading, checked_names
from simnorm.spool import Part


class Dataset:
    """Columns of finite numbers, and what groups their rows.

    Made by `read_dataset`. Neither values nor codes change any more.

    Parameters
    ----------
    name
        What the data are called: the path as it was given, or what kind of object they were.
    columns
        Names of the numeric columns that are measured, in their order.
    parts
        The rows, some at a time.
    groups
        For every column that groups rows the number of each row's group, in order of appearance.
    skipped
        Why other columns are not measured, by their names.
    dropped
        How many rows with gaps were left out.
    notes
        Sentences on everything left out or not exact.
    """

    def __init__(
        self,
        name: str,
        columns: tuple[str, ...],
        parts: Sequence[Part],
        groups: Mapping[str, NDArray[np.int64]],
        skipped: Mapping[str, str],
        dropped: int,
        notes: Sequence[str],
    ) -> None:
        self.name, self.columns = name, columns
        self.skipped, self.dropped, self.notes = dict(skipped), dropped, tuple(notes)
        self._parts, self._groups = parts, dict(groups)
        self._digests: dict[str, str] = {}
        self.size = sum(part.rows for part in parts)

    def values(self, names: Sequence[str]) -> Floats:
        """Return columns by their names, shape (N, columns), each contiguous in memory."""
        found = np.empty((len(names), self.size))
        first = 0
        for part in self._parts:
            for row, name in zip(found, names, strict=True):
                row[first : first + part.rows] = part.column(name)
            first += part.rows
        # A zero has no sign here: -0.0 would be another content with the same numbers.
        found += 0.0
        return found.T

    def digest(self, columns: Sequence[str] | None = None, groups: Sequence[str] = ()) -> str:
        """Return the hash of columns, all of them unless told, and of what groups the rows."""
        chosen = list(self.columns if columns is None else columns)
        todo = [name for name in chosen if name not in self._digests]
        # Neighbours together: what is on disk is then read in few pieces.
        step = max(1, spool.PART_BYTES // 8 // self.size)
        for first in range(0, len(todo), step):
            some = todo[first : first + step]
            for name, values in zip(some, self.values(some).T, strict=True):
                data = np.ascontiguousarray(values, dtype="<f8").data
                self._digests[name] = hashlib.sha256(data).hexdigest()
        named = [[name, self._digests[name]] for name in chosen]
        named += [[f"grouped:{name}", self.group_digest(name)] for name in groups]
        return hashlib.sha256(repr(named).encode()).hexdigest()

    def group_codes(self, column: str) -> NDArray[np.int64]:
        """Return the number of every row's group, in order of appearance, shape (N,).

        Raises
        ------
        SimnormError
            If the data were read without that column as a group.
        """
        if column not in self._groups:
            allowed = "the data were read without this column as a group"
            raise SimnormError("sampling", f"grouped:{column}", allowed, "Read them again.")
        return self._groups[column]

    def group_digest(self, column: str) -> str:
        """Return the hash of the grouping, whatever its groups are called."""
        codes = self.group_codes(column).astype("<i8", copy=False)
        return hashlib.sha256(codes.data).hexdigest()[:32]


def read_dataset(
    data: Any,
    *,
    columns: object = None,
    exclude: object = (),
    na: str = "refuse",
    groups: Sequence[str] = (),
    separator: str | None = None,
    decimal: str = ".",
) -> Dataset:
    """Read data whose columns are full sets.

    Parameters
    ----------
    data
        A file (CSV or TSV, also .gz; Parquet; NPY, NPZ), an array of shape (N,) or (N, columns), a
        DataFrame, or a dict of arrays. Columns of arrays without names are x1, x2, ...
    columns, exclude
        Names of the columns that are measured, or are not: a list, or a text that joins them with
        commas. Every numeric column if None; what is not numeric is skipped.
    na
        ``refuse`` missing values, or ``drop`` every row that has one in a measured column or a
        group.
    groups
        Columns whose values group the rows; they are measured only if `columns` names them.
    separator, decimal
        Of a text file: what separates fields (by its ending if None), and the decimal point.

    Raises
    ------
    SimnormError
        If the data cannot be read, are ragged, or hold what is no finite number; in one line.

    Examples
    --------
    >>> found = read_dataset({"a": [1.0, 2.0, 3.5], "b": [0, 1, 1], "c": ["x", "y", "z"]})
    >>> found.columns, found.size, found.skipped
    (('a', 'b'), 3, {'c': 'text'})
    >>> found.values(["a"])[:, 0]
    array([1. , 2. , 3.5])
    """
    if na not in ("refuse", "drop"):
        raise SimnormError("na", na, "allowed are refuse and drop")
    if decimal not in (".", ","):
        raise SimnormError("decimal", decimal, "allowed are . and ,")
    table = open_table(data, separator)
    with table.files:
        names = checked_names(table)
        chosen = Choice.of(table.source, names, columns, exclude, groups)
        reading = Reading(table, names, chosen, decimal)
        with readable(table.source):
            for block in table.read(reading.wanted):
                reading.take(block)
            return Dataset(*reading.finished(na))
