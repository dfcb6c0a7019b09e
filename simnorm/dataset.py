"""The user's data as full set: strict reading, numeric columns, content hash.

Every number of a column takes part in the answer, so nothing is guessed and nothing is left out
without a word: a column is numeric if its first value is a number, and then all of them must be.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import math
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError, nearest, shown
from simnorm.grammar import LARGEST_SIZE, split_list
from simnorm.readers import LARGEST_WHOLE, Cells, Table, open_table, readable, refuse

Floats = NDArray[np.float64]

# What stands for a missing value in text.
MISSING = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "#na", "-nan", "+nan")
)  # fmt: skip
# Beyond these the squares of values leave the range of doubles, or of their digits.
LARGEST_VALUE, SMALLEST_SPREAD = 1e150, 1e-150
# More than this is kept on disk, where the system reads what is wanted into memory it can spare.
MOST_IN_MEMORY = 1 << 28
SPARE_DISK = 1 << 28

_COMMA = re.compile(r"[+-]?\d+,\d+")


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
        named = [[name, self._column_digest(name)] for name in columns or self.columns]
        named += [[f"grouped:{name}", self.group_digest(name)] for name in groups]
        return hashlib.sha256(repr(named).encode()).hexdigest()

    @functools.cache  # noqa: B019  # lives as long as the data
    def _column_digest(self, name: str) -> str:
        values = self.values([name])[:, 0].astype("<f8", copy=False)
        return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()

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

    @functools.cache  # noqa: B019
    def group_digest(self, column: str) -> str:
        """Return the hash of the grouping, whatever its groups are called."""
        codes = self.group_codes(column).astype("<i8", copy=False)
        return hashlib.sha256(codes.data).hexdigest()[:32]


@dataclass
class Part:
    """Some rows of the candidate columns, and which of the rows are kept."""

    places: Mapping[str, int]
    table: Floats
    kept: NDArray[np.bool_] | None = None

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return self.table.shape[1] if self.kept is None else int(np.count_nonzero(self.kept))

    def column(self, name: str) -> Floats:
        """Return the kept numbers of a column."""
        values: Floats = self.table[self.places[name]]
        return values if self.kept is None else values[self.kept]


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
    names = _checked_names(table)
    chosen = _Choice.of(table.source, names, columns, exclude, groups)
    reading = _Reading(table, chosen, decimal)
    with readable(table.source):
        for block in table.blocks:
            reading.take(block.cells, block.places)
    return reading.finished(na)


def _checked_names(table: Table) -> list[str]:
    """Return the headers; refuse two that are alike."""
    names = list(table.names)
    if not names:
        refuse(table.source, "it has no columns")
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        if name and name in seen:
            both = f"columns {seen[name] + 1} and {i + 1}"
            refuse(table.source, f"{both} have the same name, {shown(name)}", "Rename one.")
        seen[name] = i
    return names


@dataclass(frozen=True)
class _Choice:
    """Which columns may be measured, by their numbers, and which group the rows."""

    candidates: tuple[int, ...]
    asked: frozenset[str]
    groups: dict[str, int]
    skipped: dict[str, str]

    @classmethod
    def of(
        cls, source: str, names: Sequence[str], columns: object, exclude: object,
        groups: Sequence[str],
    ) -> _Choice:  # fmt: skip
        asked = [] if columns is None else _names(columns, names, "columns")
        left_out = set(_names(exclude, names, "exclude"))
        for name in asked:
            if name in left_out:
                raise SimnormError("exclude", name, "it is among the columns asked for too")
        for name in groups:
            _known(name, names, "sampling", f"grouped:{name}")
        skipped = {}
        candidates = []
        for i, name in enumerate(names):
            if not name:
                skipped[f"column {i + 1}"] = "it has no name"
            elif name in groups and name not in asked:
                skipped[name] = "it groups the rows"
            elif name in left_out or (asked and name not in asked):
                continue
            else:
                candidates.append(i)
        if asked:  # in the order that was asked for
            candidates = [names.index(name) for name in dict.fromkeys(asked)]
        if not candidates:
            refuse(source, "no column is left to measure")
        where = {name: names.index(name) for name in groups}
        return cls(tuple(candidates), frozenset(asked), where, skipped)


def _names(given: object, known: Sequence[str], parameter: str) -> list[str]:
    """Return names of columns: a text is one name, or several with commas between."""
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, Iterable):
        raise SimnormError(parameter, given, "names of columns are needed")
    found: list[str] = []
    for part in parts:
        name = str(part)
        if name in known or not isinstance(part, str):
            found.append(name)
        else:
            found += [piece for piece in split_list(name) if piece]
    for name in found:
        _known(name, known, parameter, name)
    return found


def _known(name: str, known: Sequence[str], parameter: str, got: str) -> None:
    if name in known and name:
        return
    there = [word for word in known if word]
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.6)
    hint = nearest(name, there) if near else ""
    some = ", ".join(there[:6]) + (f", ... ({len(there):,})" if len(there) > 6 else "")
    raise SimnormError(parameter, got, "the data have no such column", f"{hint}They have {some}.")


@dataclass
class _Seen:
    """What the cells of a column have been so far."""

    is_number: bool = False
    why_not: str = ""
    missing: int = 0
    first_missing: int = -1
    rounded: bool = False
    low: float = math.inf
    high: float = -math.inf


@dataclass
class _Reading:
    """The columns of a table as they come in, block by block."""

    table: Table
    choice: _Choice
    decimal: str
    rows: int = 0
    parts: list[Part] = field(default_factory=list)
    seen: dict[int, _Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spool = _Spool(self.table.source)
        self.labels: dict[str, dict[str, int]] = {name: {} for name in self.choice.groups}
        self.codes: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self.choice.groups}
        self.gaps: dict[str, int] = {}
        for i in self.choice.candidates:
            self.seen[i] = _Seen(why_not=self.table.unread.get(i, ""))
            if self.seen[i].why_not:
                self._skip(i)

    def take(self, cells: Sequence[Cells], places: Sequence[int]) -> None:
        """Take the next rows."""
        found: dict[str, Floats] = {}
        for i, seen in self.seen.items():
            if not seen.why_not:
                values = self._numbers(i, seen, cells[i], places)
                if values is not None:
                    found[self.table.names[i]] = values
        for name, i in self.choice.groups.items():
            self._label(name, cells[i], places)
        self.rows += len(places)
        if self.rows > LARGEST_SIZE:
            refuse(self.table.source, f"more than {LARGEST_SIZE:,} rows cannot be taken")
        stacked = np.stack(list(found.values())) if found else np.empty((0, len(places)))
        rows = {name: row for row, name in enumerate(found)}
        self.parts.append(Part(rows, self.spool.keep(stacked)))

    def _at(self, i: int, place: int) -> str:
        return f"{self.table.place} {place:,}, column {shown(self.table.names[i], 40)}"

    def _skip(self, i: int, cell: str = "") -> None:
        """Leave out a column that is not numeric; refuse if it was asked for."""
        name, seen = self.table.names[i], self.seen[i]
        if name in self.choice.asked:
            raise SimnormError("columns", name, f"it holds {seen.why_not}, no numbers{cell}")
        self.choice.skipped[name] = seen.why_not

    def _numbers(self, i: int, seen: _Seen, cells: Cells, places: Sequence[int]) -> Floats | None:
        """Return a column's next numbers, NaN for gaps; None if it turns out to hold text."""
        if isinstance(cells, np.ndarray):
            if cells.dtype.kind in "iu":
                self._note_rounding(seen, cells)
            values = cells.astype(np.float64)
            seen.is_number = True
        else:
            values, bad = parsed(cells, self.decimal)
            if bad >= 0:
                cell, place = cells[bad], places[bad]
                before = bool(np.isfinite(values[:bad]).any()) or seen.is_number
                self._refuse_cell(i, cell, place, before)
                seen.why_not = "text"
                self._skip(i, f" ({self.table.place} {place:,}: {shown(cell, 30)})")
                return None
            seen.is_number |= bool((~np.isnan(values)).any())
            if seen.is_number:
                self._note_rounding(seen, cells, values)
        self._check(i, seen, values, cells, places)
        return values

    def _refuse_cell(self, i: int, cell: str, place: int, before: bool) -> None:
        """Refuse text where numbers came before, and numbers that are written otherwise."""
        source, at = self.table.source, self._at(i, place)
        text = cell.strip()
        if self.decimal == "." and _COMMA.fullmatch(text):
            hint = (
                "If it is a decimal comma, give decimal=',' (--decimal ,); thousands are not read."
            )
            refuse(source, f"{at}: {shown(cell, 30)} is written with a comma", hint)
        if before:
            hint = f"Mend it, or leave the column out: exclude (--exclude) {self.table.names[i]}."
            refuse(source, f"{at}: {shown(cell, 30)} is no number", hint)

    def _check(
        self, i: int, seen: _Seen, values: Floats, cells: Cells, places: Sequence[int]
    ) -> None:
        """Count gaps; refuse infinities and what squares would not survive."""
        gaps = np.isnan(values)
        if gaps.any():
            if not seen.missing:
                seen.first_missing = places[int(gaps.argmax())]
            seen.missing += int(np.count_nonzero(gaps))
        there = values[~gaps]
        if not there.size:
            return
        seen.low, seen.high = min(seen.low, there.min()), max(seen.high, there.max())
        if max(-seen.low, seen.high) > LARGEST_VALUE:
            large = np.abs(np.where(gaps, 0.0, values)) > LARGEST_VALUE
            first = int(large.argmax())
            cell = str(cells[first]).strip()
            what = "is infinite" if np.isinf(values[first]) else "is too large for its square"
            refuse(self.table.source, f"{self._at(i, places[first])}: {shown(cell, 30)} {what}")

    @staticmethod
    def _note_rounding(seen: _Seen, cells: Cells, values: Floats | None = None) -> None:
        """Notice whole numbers that doubles cannot hold."""
        if seen.rounded or not len(cells):
            return
        if isinstance(cells, np.ndarray):
            extremes = int(cells.max()), int(cells.min())
            seen.rounded = max(extremes[0], -extremes[1]) > LARGEST_WHOLE
            return
        large = np.flatnonzero(np.abs(np.asarray(values)) > LARGEST_WHOLE)
        seen.rounded = any(cells[int(k)].strip().lstrip("+-").isdigit() for k in large)

    def _label(self, name: str, cells: Cells, places: Sequence[int]) -> None:
        """Take the next labels of a group column; a gap has the number -1."""
        texts = [str(cell).strip() for cell in cells]
        known = self.labels[name]
        found = [
            -1 if text.lower() in MISSING else known.setdefault(text, len(known)) for text in texts
        ]
        if -1 in found:
            self.gaps.setdefault(name, places[found.index(-1)])
        self.codes[name].append(np.array(found, dtype=np.int64))

    def finished(self, na: str) -> Dataset:
        """Return the data, after a look at what only the whole shows."""
        table, names = self.table, self.table.names
        if not self.rows:
            refuse(table.source, "it has no rows")
        for i, seen in self.seen.items():
            if not seen.why_not and not seen.is_number:
                seen.why_not = "nothing but gaps"
                self._skip(i)
        measured = {names[i]: seen for i, seen in self.seen.items() if not seen.why_not}
        if not measured:
            some = [f"{name}: {why}" for name, why in self.choice.skipped.items()][:4]
            refuse(table.source, f"it has no numeric column ({'; '.join(some)})")
        if na == "refuse":
            self._refuse_gaps(measured)
        codes = {name: np.concatenate(parts) for name, parts in self.codes.items()}
        dropped = self._drop(list(measured), codes) if self._has_gaps(measured) else 0
        left = self.rows - dropped
        if left < 2:
            rows = f"{left} row{'s' * (left != 1)}" + (" without a gap" if dropped else "")
            refuse(table.source, f"it has {rows}, two are the least that can differ")
        self._check_spread(measured)
        columns = tuple(names[i] for i in self.choice.candidates if names[i] in measured)
        groups = {name: _by_appearance(found) for name, found in codes.items()}
        self.spool.close()
        notes = self._notes(measured, dropped)
        return Dataset(
            table.source, columns, self.parts, groups, self.choice.skipped, dropped, notes
        )

    def _has_gaps(self, measured: Mapping[str, _Seen]) -> bool:
        return bool(self.gaps) or any(seen.missing for seen in measured.values())

    def _refuse_gaps(self, measured: Mapping[str, _Seen]) -> None:
        gaps = {name: seen for name, seen in measured.items() if seen.missing}
        place = self.table.place
        hint = "Give na='drop' (--na drop) to leave out rows with a gap, or exclude the column."
        for name, seen in gaps.items():
            others = len(gaps) - 1
            more = f"; {others:,} more column{'s' * (others > 1)} with gaps" if others else ""
            many = f"{seen.missing:,} value{'s' * (seen.missing > 1)}"
            are = "are" if seen.missing > 1 else "is"
            first = f"the first in {place} {seen.first_missing:,}"
            if seen.missing == 1:
                first = f"in {place} {seen.first_missing:,}"
            refuse(
                self.table.source,
                f"{many} of column {shown(name, 40)} {are} missing, {first}{more}",
                hint,
            )
        for name, first_gap in self.gaps.items():
            refuse(
                self.table.source,
                f"the group column {shown(name, 40)} has a gap in {place} {first_gap:,}",
                "Give na='drop' (--na drop) to leave out such rows.",
            )

    def _drop(self, measured: Sequence[str], codes: dict[str, NDArray[np.int64]]) -> int:
        """Mark the rows that stay; return how many do not."""
        first = dropped = 0
        marks = []
        for part in self.parts:
            rows = part.table.shape[1]
            kept = np.ones(rows, dtype=np.bool_)
            for name in measured:
                # A column that has nothing but gaps so far is not stored as numbers.
                kept &= ~np.isnan(part.table[part.places[name]])
            for found in codes.values():
                kept &= found[first : first + rows] >= 0
            part.kept = kept
            marks.append(kept)
            dropped += rows - int(np.count_nonzero(kept))
            first += rows
        every = np.concatenate(marks)
        for name, found in codes.items():
            codes[name] = found[every]
        return dropped

    def _check_spread(self, measured: Mapping[str, _Seen]) -> None:
        for name, seen in measured.items():
            if 0.0 < seen.high - seen.low < SMALLEST_SPREAD:
                refuse(
                    self.table.source,
                    f"column {shown(name, 40)} varies by less than {SMALLEST_SPREAD:g}, whose "
                    "square is no double",
                    "Take another unit.",
                )

    def _notes(self, measured: Mapping[str, _Seen], dropped: int) -> list[str]:
        notes = []
        if self.choice.skipped:
            skipped = [f"{name} ({why})" for name, why in self.choice.skipped.items()]
            more = f" and {len(skipped) - 6:,} more" if len(skipped) > 6 else ""
            notes.append(f"columns not measured: {', '.join(skipped[:6])}{more}")
        if dropped:
            left = self.rows - dropped
            notes.append(
                f"{dropped:,} of {self.rows:,} rows dropped, in which a value is missing; "
                f"{left:,} remain"
            )
        notes += [
            f"column {name} has whole numbers above 2^53, which are rounded to doubles"
            for name, seen in measured.items()
            if seen.rounded
        ]
        return notes


def _by_appearance(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups numbered 0, 1, ... in the order in which they first appear."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return np.asarray(ranks[inverse], dtype=np.int64)


def parsed(cells: Sequence[str], decimal: str = ".") -> tuple[Floats, int]:
    """Return cells as numbers, NaN where one is missing, and the first that is no number, or -1.

    Examples
    --------
    >>> parsed(["1.5", " NA", "1e3"])
    (array([   1.5,    nan, 1000. ]), -1)
    >>> parsed(["1", "two", "3"])[1]
    1
    """
    joined = "\n".join(cells)
    # Python's own numbers may hold underscores, and a point that may mean thousands.
    plain = "_" not in joined and (decimal == "." or "." not in joined)
    if plain:
        texts = cells if decimal == "." else joined.replace(",", ".").split("\n")
        try:
            return np.fromiter(map(float, texts), np.float64, len(cells)), -1
        except ValueError:
            pass
    found = np.full(len(cells), np.nan)
    for k, cell in enumerate(cells):
        text = cell.strip()
        if text.lower() in MISSING:
            continue
        try:
            if "_" in text or (decimal == "," and "." in text):
                return found, k
            found[k] = float(text if decimal == "." else text.replace(",", "."))
        except ValueError:
            return found, k
    return found, -1


class _Spool:
    """Keeps blocks of numbers in memory, and beyond a size in a file without a name."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.bytes = 0
        self._file: Any = None

    def keep(self, block: Floats) -> Floats:
        """Return a block that holds the same numbers, and never changes."""
        self.bytes += block.nbytes
        if self.bytes <= MOST_IN_MEMORY or not block.size:
            return block
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="simnorm-")  # noqa: SIM115  # maps outlive it
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < block.nbytes + SPARE_DISK:
            refuse(
                self.source,
                f"its numbers take more than {self.bytes / 2**30:.1f} GiB, and {free / 2**30:.1f} "
                f"GiB are free in {tempfile.gettempdir()}",
                "Name fewer columns, or another place in TMPDIR.",
            )
        start = self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(block))
        self._file.flush()
        return np.memmap(self._file, np.float64, "r", start, block.shape)

    def close(self) -> None:
        """Close the file; its maps stay."""
        if self._file is not None:
            self._file.close()
