"""What the blocks of a reader are judged by: which columns are measured, and what a cell may be.

Every number of a column takes part in the answer, so nothing is guessed and nothing is left out
without a word. A column is numeric if its first cell that is not missing is a number; then all
must be, and a text among them is refused with its place. A column whose first cell is something
else, whose type is declared to be something else (text, dates, truth values, categories), that
has nothing but gaps, or no name (an index that pandas wrote), is skipped and listed. Names lose
white space at their ends, and have single spaces inside. Lines of text files are counted from 1,
the first line of a field in quotes; rows of everything else from 0.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError, shown
from simnorm.grammar import LARGEST_SIZE
from simnorm.readers import base
from simnorm.readers.base import LARGEST_WHOLE, MISSING, Block, Floats, Table, Wanted, refuse
from simnorm.spool import Part, Spool

# Beyond these the squares of values leave the range of doubles, or of their digits.
LARGEST_VALUE, SMALLEST_SPREAD = 1e150, 1e-150

_COMMA = re.compile(r"[+-]?\d+,\d+")
_POINT = re.compile(r"[+-]?\d+\.\d+")


def _plain(name: object) -> str:
    """Return a name with single spaces."""
    return " ".join(str(name).split())


def _told(name: str, limit: int = 40) -> str:
    """Return a name for a sentence: as it is if it can be read there, else in quotes."""
    return name if name.isprintable() and len(name) <= limit else shown(name, limit)


def checked_names(table: Table) -> list[str]:
    """Return the headers; refuse two that are alike."""
    names = [_plain(name) for name in table.names]
    if not names:
        refuse(table.source, "it has no columns")
    if len(names) > base.MOST_COLUMNS:
        refuse(table.source, f"it has {len(names):,} columns, {base.MOST_COLUMNS:,} are allowed")
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        try:
            name.encode()
        except UnicodeEncodeError:
            # No file could hold it: only objects in memory may have it.
            allowed = f"column {i + 1} has a name that is no text, {shown(name, 40)}"
            refuse(table.source, allowed, "Rename it.")
        if name and name in seen:
            both = f"columns {seen[name] + 1} and {i + 1}"
            refuse(table.source, f"{both} have the same name, {shown(name, 40)}", "Rename one.")
        seen[name] = i
    return names


@dataclass(frozen=True)
class Choice:
    """Which columns may be measured, by their numbers, and which group the rows."""

    candidates: tuple[int, ...]
    asked: frozenset[str]
    groups: dict[str, int]
    skipped: dict[str, str]

    @classmethod
    def of(
        cls, source: str, names: Sequence[str], columns: object, exclude: object,
        groups: Sequence[str],
    ) -> Choice:  # fmt: skip
        """Return what columns were asked for and left out, by names the data have."""
        where = {name: i for i, name in enumerate(names) if name}
        asked = None if columns is None else _names(columns, where, "columns")
        if asked == []:
            raise SimnormError("columns", columns, "the name of one column at least is needed")
        left_out = frozenset(() if exclude is None else _names(exclude, where, "exclude"))
        for name in asked or ():
            if name in left_out:
                raise SimnormError("exclude", name, "it is among the columns asked for too")
        grouping = {name: _known(name, where, "sampling", f"grouped:{name}") for name in groups}
        taken = frozenset(asked or ())
        skipped = {}
        candidates = []
        for i, name in enumerate(names):
            if not name:
                skipped[f"column {i + 1}"] = "it has no name"
            elif i in grouping.values() and name not in taken:
                skipped[name] = "it groups the rows"
            elif name in left_out or (taken and name not in taken):
                continue
            else:
                candidates.append(i)
        if asked:  # in the order that was asked for
            candidates = [where[name] for name in dict.fromkeys(asked)]
        if not candidates:
            refuse(source, "no column is left to measure")
        return cls(tuple(candidates), taken, grouping, skipped)


def _names(given: object, known: Mapping[str, int], parameter: str) -> list[str]:
    """Return names of columns: a text is one name, or several with commas between."""
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, Iterable):
        raise SimnormError(parameter, given, "names of columns are needed")
    found: list[str] = []
    for part in parts:
        found += _split(part, known) if isinstance(part, str) else [_plain(part)]
    for name in found:
        _known(name, known, parameter, name)
    return found


def _split(text: str, known: Mapping[str, int]) -> list[str]:
    """Split at commas, but not those of a name that holds some: the longest that there is.

    Examples
    --------
    >>> _split("mean, worst,a", {"mean, worst": 0, "mean": 1, "a": 2})
    ['mean, worst', 'a']
    """
    pieces = text.split(",")
    most = 1 + max((name.count(",") for name in known), default=0)
    found, first = [], 0
    while first < len(pieces):
        for last in range(min(first + most, len(pieces)), first, -1):
            name = _plain(",".join(pieces[first:last]))
            if name in known or last == first + 1:
                break
        found.append(name)
        first = last
    return [name for name in found if name]


def _known(name: str, known: Mapping[str, int], parameter: str, got: str) -> int:
    """Return a column's number; refuse a name that the data do not have."""
    plain = _plain(name)
    if plain in known:
        return known[plain]
    there = list(itertools.islice(known, 50_000))
    short = [word for word in there if len(word) <= 200]
    near = difflib.get_close_matches(plain[:200], short, n=1, cutoff=0.6)
    hint = f"Did you mean {shown(near[0], 40)}? " if near else ""
    some = ", ".join(_told(word) for word in there[:6])
    more = f", ... ({len(known):,})" if len(known) > 6 else ""
    has = f"They have {some}{more}." if some else "Their columns have no names."
    raise SimnormError(parameter, got, "the data have no such column", hint + has)


class Content(NamedTuple):
    """What a `Dataset` is made of, in the order of its parameters."""

    name: str
    columns: tuple[str, ...]
    parts: Sequence[Part]
    groups: Mapping[str, NDArray[np.int64]]
    skipped: Mapping[str, str]
    dropped: int
    notes: Sequence[str]


class _Seen:
    """What the cells of candidates have been so far: an array over columns for each answer."""

    def __init__(self, count: int) -> None:
        self.missing = np.zeros(count, dtype=np.int64)
        self.first_missing = np.full(count, -1, dtype=np.int64)
        # The least and the largest number; infinite before the first.
        self.low, self.high = np.full(count, np.inf), np.full(count, -np.inf)

    def is_number(self, k: int) -> bool:
        """Tell whether a candidate has had a number."""
        return bool(self.low[k] <= self.high[k])


@dataclass
class Reading:
    """The columns of a table as they come in, block by block."""

    table: Table
    names: Sequence[str]
    choice: Choice
    decimal: str
    rows: int = 0
    # Whole numbers that doubles do not hold: how many, the first, and where.
    rounded: dict[str, tuple[int, str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        candidates = self.choice.candidates
        self.spool = Spool(self.table.source)
        self.seen = _Seen(len(candidates))
        self.ranks = {i: k for k, i in enumerate(candidates)}
        self.labels: dict[str, dict[str, int]] = {name: {} for name in self.choice.groups}
        self.codes: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self.choice.groups}
        self.gaps: dict[str, int] = {}
        labels = tuple(dict.fromkeys(self.choice.groups.values()))
        self.wanted = Wanted(list(candidates), labels, self.decimal)
        self._skip_all({i: why for i in candidates if (why := self.table.unread.get(i))})
        if not self.wanted.numbers:
            self._refuse_all()

    def take(self, block: Block) -> None:
        """Take the next rows."""
        parsed_rows = {i: self._parsed(i, cells, block) for i, cells in block.texts.items()}
        self._skip_all({i: "text" for i, values in parsed_rows.items() if values is None})
        order = self.wanted.numbers
        if block.texts:
            rows = {i: k for k, i in enumerate(block.columns)}
            table = np.empty((len(order), len(block.places)))
            for row, i in zip(table, order, strict=True):
                row[:] = block.numbers[rows[i]] if i in rows else parsed_rows[i]
        else:
            table = block.numbers
        self._check(table, block)
        for name, i in self.choice.groups.items():
            self._label(name, block.labels[i], block.places)
        self.rows += len(block.places)
        if self.rows > LARGEST_SIZE:
            refuse(self.table.source, f"more than {LARGEST_SIZE:,} rows cannot be taken")
        self.spool.add(tuple(order), table)

    def _at(self, i: int, place: int) -> str:
        return f"{self.table.place} {place:,}, column {shown(self.names[i], 40)}"

    def _skip_all(self, why: Mapping[int, str]) -> None:
        """Leave out columns that are not numeric; refuse what was asked for."""
        for i, reason in why.items():
            self._refuse_asked(i, reason)
            self.choice.skipped[self.names[i]] = reason
        if why:
            self.wanted.numbers = [i for i in self.wanted.numbers if i not in why]

    def _refuse_asked(self, i: int, why: str, cell: str = "") -> None:
        if self.names[i] in self.choice.asked:
            raise SimnormError("columns", self.names[i], f"it holds {why}, no numbers{cell}")

    def _parsed(self, i: int, cells: Sequence[str], block: Block) -> Floats | None:
        """Return cells as numbers, NaN for gaps; None if the column turns out to hold text."""
        values, bad = parsed(cells, self.decimal)
        places = block.places
        if bad >= 0:
            cell = cells[bad]
            before = bool((~np.isnan(values[:bad])).any()) or self.seen.is_number(self.ranks[i])
            self._refuse_cell(i, cell, places[bad], before)
            where = f" ({self.table.place} {places[bad]:,}: {shown(cell, 30)})"
            self._refuse_asked(i, "text", where)
            return None
        self._refuse_large(i, values, cells, places)
        large = np.flatnonzero(np.abs(values) >= LARGEST_WHOLE).tolist()
        for k in large:
            cell = cells[k].strip()
            if cell.lstrip("+-").isdecimal() and int(cell) != float(values[k]):
                count, first, place = self.rounded.get(self.names[i], (0, cell, places[k]))
                self.rounded[self.names[i]] = count + 1, first, place
        return values

    def _refuse_cell(self, i: int, cell: str, place: int, before: bool) -> None:
        """Refuse text where numbers came before, and numbers that are written otherwise."""
        at, text = f"{self._at(i, place)}: {shown(cell, 30)}", cell.strip()
        name = _told(self.names[i])
        leave_out = f"leave the column out: exclude (--exclude) {name}."
        if self.decimal == "." and _COMMA.fullmatch(text):
            hint = f"For decimal commas give decimal=',' (--decimal ,), or {leave_out}"
            refuse(self.table.source, f"{at} is written with a comma", hint)
        if self.decimal == "," and _POINT.fullmatch(text):
            hint = f"Leave decimal as it is for points, or {leave_out}"
            refuse(self.table.source, f"{at} is written with a point", hint)
        if before:
            refuse(self.table.source, f"{at} is no number", f"Mend it, or {leave_out}")

    def _check(self, table: Floats, block: Block) -> None:
        """Count gaps; refuse infinities and what squares would not survive."""
        if not table.size:
            return
        order = self.wanted.numbers
        ranks = np.array([self.ranks[i] for i in order])
        seen, places = self.seen, block.places
        gaps = np.isnan(table)
        if gaps.any():
            counts = np.count_nonzero(gaps, axis=1)
            for k in np.flatnonzero((counts > 0) & (seen.missing[ranks] == 0)).tolist():
                seen.first_missing[ranks[k]] = places[int(gaps[k].argmax())]
            seen.missing[ranks] += counts
        low, high = np.fmin.reduce(table, axis=1), np.fmax.reduce(table, axis=1)
        for k in np.flatnonzero(np.fmax(-low, high) > LARGEST_VALUE).tolist():
            self._refuse_large(order[k], table[k], None, places)
        seen.low[ranks] = np.fmin(seen.low[ranks], low)
        seen.high[ranks] = np.fmax(seen.high[ranks], high)

    def _refuse_large(
        self, i: int, values: Floats, cells: Sequence[str] | None, places: Sequence[int]
    ) -> None:
        large = np.flatnonzero(np.abs(values) > LARGEST_VALUE)
        if not large.size:
            return
        first = int(large[0])
        cell = f"{values[first]:.17g}" if cells is None else cells[first].strip()
        what, hint = "is too large for its square to be a double", "Take another unit."
        if np.isinf(values[first]):
            what, hint = "is infinite", "Finite numbers are allowed; leave it empty if unknown."
        refuse(self.table.source, f"{self._at(i, places[first])}: {shown(cell, 30)} {what}", hint)

    def _label(self, name: str, cells: Sequence[str], places: Sequence[int]) -> None:
        """Take the next labels of a group column; a gap has the number -1."""
        texts = [cell.strip() for cell in cells]
        known = self.labels[name]
        found = [
            -1 if text.lower() in MISSING else known.setdefault(text, len(known)) for text in texts
        ]
        if -1 in found:
            self.gaps.setdefault(name, places[found.index(-1)])
        self.codes[name].append(np.array(found, dtype=np.int64))

    def finished(self, na: str) -> Content:
        """Return the data, after a look at what only the whole shows."""
        if not self.rows:
            refuse(self.table.source, "it has no rows")
        empty = [i for i in self.wanted.numbers if not self.seen.is_number(self.ranks[i])]
        self._skip_all(dict.fromkeys(empty, "nothing but gaps"))
        if not self.wanted.numbers:
            self._refuse_all()
        self.parts = self.spool.finished(self.names)
        if na == "refuse":
            self._refuse_gaps()
        codes = {name: np.concatenate(parts) for name, parts in self.codes.items()}
        columns = tuple(self.names[i] for i in self.wanted.numbers)
        dropped = self._drop(codes) if self._has_gaps() else 0
        left = self.rows - dropped
        if left < 2:
            rows = f"{left} row{'s' * (left != 1)}" + (" without a gap" if dropped else "")
            refuse(self.table.source, f"it has {rows}, two are the least that can differ")
        self._check_spread()
        groups = {name: _by_appearance(found) for name, found in codes.items()}
        return Content(
            self.table.source, columns, self.parts, groups, self.choice.skipped, dropped,
            self._notes(dropped),
        )  # fmt: skip

    def _refuse_all(self) -> None:
        some = [f"{_told(name)}: {why}" for name, why in self.choice.skipped.items()]
        more = f"; {len(some) - 4:,} more" if len(some) > 4 else ""
        refuse(self.table.source, f"it has no numeric column ({'; '.join(some[:4])}{more})")

    def _measured(self) -> list[tuple[str, int]]:
        """Return the names of the numeric columns, and their numbers among the candidates."""
        return [(self.names[i], self.ranks[i]) for i in self.wanted.numbers]

    def _has_gaps(self) -> bool:
        return bool(self.gaps) or any(self.seen.missing[k] for _, k in self._measured())

    def _refuse_gaps(self) -> None:
        gaps = [(name, k) for name, k in self._measured() if self.seen.missing[k]]
        place = self.table.place
        if gaps:
            name, k = gaps[0]
            missing, others = int(self.seen.missing[k]), len(gaps) - 1
            more = f"; {others:,} more column{'s' * (others > 1)} with gaps" if others else ""
            first = f"{'the first ' * (missing > 1)}in {place} {self.seen.first_missing[k]:,}"
            many = f"{missing:,} value{'s' * (missing > 1)} of column {shown(name, 40)}"
            are = "are" if missing > 1 else "is"
            hint = "Give na='drop' (--na drop) to leave out rows with a gap, or exclude the column."
            refuse(self.table.source, f"{many} {are} missing, {first}{more}", hint)
        for name, first_gap in self.gaps.items():
            refuse(
                self.table.source,
                f"the group column {shown(name, 40)} has a gap in {place} {first_gap:,}",
                "Give na='drop' (--na drop) to leave out such rows.",
            )

    def _drop(self, codes: dict[str, NDArray[np.int64]]) -> int:
        """Mark the rows that stay; return how many do not."""
        gappy = [name for name, k in self._measured() if self.seen.missing[k]]
        marks = []
        first = 0
        for part in self.parts:
            rows = part.table.shape[1]
            part.kept = np.ones(rows, dtype=np.bool_)
            for name in gappy:
                part.kept &= ~np.isnan(part.table[part.places[name]])
            for found in codes.values():
                part.kept &= found[first : first + rows] >= 0
            marks.append(part.kept)
            first += rows
        every = np.concatenate(marks)
        for name, found in codes.items():
            codes[name] = found[every]
        return int(np.count_nonzero(~every))

    def _check_spread(self) -> None:
        for name, k in self._measured():
            if 0.0 < self.seen.high[k] - self.seen.low[k] < SMALLEST_SPREAD:
                allowed = (
                    f"column {shown(name, 40)} varies by less than {SMALLEST_SPREAD:g}, whose "
                    "square is no double"
                )
                refuse(self.table.source, allowed, "Take another unit.")

    def _notes(self, dropped: int) -> list[str]:
        notes = []
        if self.choice.skipped:
            skipped = [f"{_told(name)} ({why})" for name, why in self.choice.skipped.items()]
            more = f" and {len(skipped) - 6:,} more" if len(skipped) > 6 else ""
            notes.append(f"columns not measured: {', '.join(skipped[:6])}{more}")
        if dropped:
            notes.append(
                f"{dropped:,} of {self.rows:,} rows dropped, in which a value is missing; "
                f"{self.rows - dropped:,} remain"
            )
        for name, (count, cell, place) in self.rounded.items():
            if name in self.choice.skipped:
                continue
            many = f"{count:,} whole number{'s' * (count > 1)} above 2^53"
            first = f"{'the first is ' * (count > 1)}{shown(cell, 40)}"
            notes.append(
                f"column {_told(name)}: {many} rounded to doubles "
                f"({first}, {self.table.place} {place:,})"
            )
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
