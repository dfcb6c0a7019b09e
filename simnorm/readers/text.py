"""Text with separators, whose fields stay in the columns they were written in.

Fast readers of text shift columns, fill up short rows or rename columns without a word. So the
ends of all fields are found first; where they do not fit the header, or a quote stands in an odd
place, the standard library's csv takes the lines apart, and pandas gets what it cannot
misunderstand: one number per line.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import shown
from simnorm.readers import base
from simnorm.readers.base import (
    LARGEST_WHOLE,
    MISSING,
    Block,
    Floats,
    Table,
    Wanted,
    one_line,
    refuse,
)
from simnorm.readers.lines import Chunk, chunks_of

KNOWN_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NEWLINE, _QUOTE = 10, 34
_NUMBER = re.compile(r"\s*[+-]?(\d+|(?=[\d.,])\d*[.,]\d*(?<=[\d.,]))([eE][+-]?\d+)?\s*")
# As pandas wants them; other mixtures of small and capital letters are seen cell by cell.
_SPELLINGS = sorted(
    {"NaN", "-NaN", "+NaN"}
    | {spelling for word in MISSING for spelling in (word, word.upper(), word.capitalize())}
)


@dataclass
class _Text:
    """A text file: its lines, some at a time, and what its rows have in common."""

    source: str
    separator: str
    chunks: Iterator[Chunk] = field(init=False)
    width: int = 0
    header: Sequence[str] = ()
    # How many rows there have been.
    rows: int = 0
    # Empty lines of a file of one column: gaps if anything follows.
    blank: list[int] = field(default_factory=list)
    # The chunk that csv takes apart now.
    _lines: io.StringIO = field(default_factory=io.StringIO)
    _end: int = 0

    def __post_init__(self) -> None:
        self.chunks = chunks_of(self.source)

    def feed(self) -> Iterator[str]:
        """Yield lines to csv; when it asks for no more, `rest` is what it has not seen."""
        for chunk in self.chunks:
            text = chunk.data.decode()
            self._lines = io.StringIO(text, newline="")
            self._end = len(text)
            yield from self._lines

    def rest(self) -> str:
        """Return what of the chunk has not been fed."""
        return self._lines.read()

    def is_between(self) -> bool:
        """Tell whether all of a chunk has been fed."""
        return self._lines.tell() == self._end

    def careful(self, lines: Iterator[str]) -> Any:
        """Return the standard library's reader."""
        # Strict: text after a closing quote, or none at the end, is an error and not a guess.
        return csv.reader(lines, delimiter=self.separator, strict=True)


def open_text(source: str, separator: str) -> Table:
    """Return the columns of a text file, after a look at its header."""
    text = _Text(source, separator)
    fed: list[str] = []
    reader = text.careful(_kept(text.feed(), fed))
    first = next((row for _, row in _records(text, reader, 0) if row), None)
    if first is None:
        refuse(source, "the file is empty")
    text.header = first
    text.width = len(text.header)
    _check_header(text, "".join(fed))
    before = reader.line_num
    if rest := text.rest():
        text.chunks = itertools.chain([Chunk(before + 1, rest.encode())], text.chunks)
    read = functools.partial(_text_blocks, text)
    return Table(source, text.header, read, {}, "line")


def _kept(lines: Iterator[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def _check_header(text: _Text, written: str) -> None:
    """Refuse a first line that is not made of names, as far as that can be seen."""
    source, names = text.source, text.header
    if '"' in written:
        return
    if len(names) == 1:
        for other, called in KNOWN_SEPARATORS.items():
            if other in names[0].strip():
                allowed = (
                    f"its first line is separated by {called}, not "
                    f"{KNOWN_SEPARATORS.get(text.separator, repr(text.separator))}"
                )
                hint = f"{_ask(other)} If it is one name, put it in quotes."
                refuse(source, allowed, hint)
    numeric = [name for name in names if _NUMBER.fullmatch(name)]
    # Whole numbers may be the names of some columns (years); others hardly are names.
    if len(numeric) == len(names) or any(not name.strip().isdecimal() for name in numeric):
        hint = "Put a line with the names of the columns first, or put such names in quotes."
        refuse(source, f"its first line holds numbers ({_some(numeric)}), no names", hint)


def _ask(separator: str) -> str:
    """Return how a separator is given."""
    if separator == "\t":
        return "Call the file .tsv, or give separator='\\t'."
    comma = " and for decimal commas decimal=',' (--decimal ,)" * (separator == ";")
    return f"Give separator='{separator}' (--sep '{separator}'){comma}."


def _some(cells: Sequence[str]) -> str:
    few = [cell if len(cell) <= 40 else f"{cell[:36]}..." for cell in cells[:3]]
    return ", ".join(few) + ", ..." * (len(cells) > 3)


def _text_blocks(text: _Text, wanted: Wanted) -> Iterator[Block]:
    """Yield the rows after the header."""
    while (chunk := next(text.chunks, None)) is not None:
        data = chunk.data
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        data += b"\n" * (not data.endswith(b"\n"))
        ends = None if text.blank else _field_ends(data, text.separator, text.width)
        if ends is None:
            text.chunks = itertools.chain([chunk], text.chunks)
            yield from _careful_blocks(text, wanted, chunk.first - 1)
        else:
            text.rows += len(ends)
            yield _quick_block(text, wanted, data, ends, chunk.first)


def _field_ends(data: bytes, separator: str, width: int) -> NDArray[np.intp] | None:
    r"""Return where each field ends, shape (rows, columns); None if that takes a closer look.

    Examples
    --------
    >>> _field_ends(b'1,2\n3,"4,5"\n', ",", 2).tolist()
    [[1, 3], [5, 11]]
    >>> _field_ends(b"1,2\n3\n4,5,6\n", ",", 2)
    """
    letters = np.frombuffer(data, np.uint8)
    is_line = letters == _NEWLINE
    is_end = (letters == ord(separator)) | is_line
    if b'"' in data:
        is_quote = letters == _QUOTE
        # From an opening quote up to the closing one; two in a row leave and enter again.
        inside = np.bitwise_xor.accumulate(is_quote)
        if not _are_whole(is_quote, is_end | is_quote):
            return None
        is_end &= ~inside
    ends = np.flatnonzero(is_end)
    # Line ends inside quotes count here, so that with them no number fits.
    lines = int(np.count_nonzero(is_line))
    if len(ends) != lines * width:
        return None
    table = ends.reshape(lines, width)
    if not is_line[table[:, -1]].all():
        return None
    # An empty line is no row, except perhaps in a file of one column.
    return None if width == 1 and (np.diff(ends, prepend=-1) == 1).any() else table


def _are_whole(is_quote: NDArray[np.bool_], is_edge: NDArray[np.bool_]) -> bool:
    """Tell whether every quote opens or closes a whole field, or is one of two in a row."""
    quotes = np.flatnonzero(is_quote)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    # What comes before the first letter is a line end, and so is the last letter.
    before = np.concatenate(([True], is_edge))
    return bool(before[opening].all() and is_edge[closing + 1].all())


def _quick_block(
    text: _Text, wanted: Wanted, data: bytes, ends: NDArray[np.intp], first: int
) -> Block:
    """Return rows whose fields end where they should."""
    columns = list(wanted.numbers)
    numbers, unsure = _plain_numbers(text, wanted, data, ends)
    texts = {columns[k]: _field_texts(data, ends, columns[k]) for k in np.flatnonzero(unsure)}
    labels = {i: _field_texts(data, ends, i) for i in wanted.labels}
    if texts:
        numbers = numbers[~unsure]
        columns = [i for i in columns if i not in texts]
    return Block(range(first, first + len(ends)), columns, numbers, texts, labels)


def _plain_numbers(
    text: _Text, wanted: Wanted, data: bytes, ends: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return columns as numbers, and which of them have to be looked at cell by cell."""
    import pandas as pd

    count = len(wanted.numbers)
    nothing: tuple[Floats, NDArray[np.bool_]]
    nothing = np.empty((count, len(ends))), np.ones(count, dtype=np.bool_)
    if not count or wanted.decimal == text.separator:
        return nothing
    # Each field gets a line of its own: pandas cannot put it into another column.
    letters = np.frombuffer(data, np.uint8).copy()
    letters[ends] = _NEWLINE
    if count < text.width:
        is_wanted = np.zeros(text.width, dtype=np.bool_)
        is_wanted[wanted.numbers] = True
        lengths = np.diff(ends.ravel(), prepend=-1)
        letters = letters[np.repeat(np.tile(is_wanted, len(ends)), lengths)]
    column = pd.read_csv(
        io.BytesIO(letters.tobytes()),
        sep=text.separator,
        header=None,
        names=["x"],
        index_col=False,
        decimal=wanted.decimal,
        keep_default_na=False,
        na_values=_SPELLINGS,
        skip_blank_lines=False,
        quoting=csv.QUOTE_MINIMAL if b'"' in data else csv.QUOTE_NONE,
        low_memory=False,
    )["x"].to_numpy()
    if column.dtype.kind not in "iuf" or len(column) != len(ends) * count:
        return nothing
    values = column.reshape(len(ends), count).T
    # The order of the fields is the file's.
    values = values[np.argsort(np.argsort(wanted.numbers))]
    floats = values.astype(np.float64)
    return floats, np.asarray((np.abs(floats) >= LARGEST_WHOLE).any(axis=1))


def _field_texts(data: bytes, ends: NDArray[np.intp], i: int) -> list[str]:
    """Return a column's cells as they are written, without their quotes."""
    flat = ends.ravel()
    starts = np.concatenate(([0], flat[:-1] + 1)).reshape(ends.shape)[:, i]
    cells = [data[a:b] for a, b in zip(starts.tolist(), ends[:, i].tolist(), strict=True)]
    if b'"' in data:
        cells = [c[1:-1].replace(b'""', b'"') if c[:1] == b'"' else c for c in cells]
    return [cell.decode() for cell in cells]


def _careful_blocks(text: _Text, wanted: Wanted, before: int) -> Iterator[Block]:
    """Take lines apart by the standard library's rules, up to a row that ends with a chunk."""
    reader = text.careful(text.feed())
    step = max(1, base.BLOCK_CELLS // text.width)
    rows: list[Sequence[str]] = []
    places: list[int] = []
    for place, row in _records(text, reader, before):
        if row:
            rows += [("",)] * len(text.blank)
            places += text.blank
            text.blank.clear()
            if len(row) != text.width:
                _refuse_width(text, place, row)
            text.rows += 1
            rows.append(row)
            places.append(place)
        elif text.width == 1:
            text.blank.append(place)
        is_between = text.is_between()
        if is_between or len(rows) >= step:
            yield _text_block(wanted, rows, places)
            rows, places = [], []
        if is_between:
            return
    yield _text_block(wanted, rows, places)


def _text_block(wanted: Wanted, rows: Sequence[Sequence[str]], places: Sequence[int]) -> Block:
    columns = list(zip(*rows, strict=True)) if rows else []
    texts = {i: columns[i] if rows else () for i in wanted.numbers}
    labels = {i: columns[i] if rows else () for i in wanted.labels}
    return Block(places, [], np.empty((0, len(rows))), texts, labels)


def _records(text: _Text, reader: Any, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the numbers of the lines they begin in; refuse what is no CSV."""
    while True:
        start = before + reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            what = one_line(error)
            if "end of data" in what:
                what = "a quote is opened and not closed"
            elif "field limit" in what:
                limit = f"{csv.field_size_limit():,}"
                what = f"a field has more than {limit} characters; perhaps a quote is not closed"
            refuse(text.source, f"line {start:,}: {what}", "Mend the line.")
        if row is None:
            return
        yield start, row


def _refuse_width(text: _Text, place: int, row: Sequence[str]) -> NoReturn:
    many = f"{len(row):,} field{'s' * (len(row) != 1)}"
    allowed = f"line {place:,} has {many}, the header has {text.width:,}"
    called = KNOWN_SEPARATORS.get(text.separator, "separators")
    hint = f"A field that holds {called} must be in quotes."
    if len(row) < text.width:
        hint = "Every line needs all fields, also those that are empty."
    if not text.rows:  # the first row: perhaps it is the header that is not as it should be
        hint = f"Line 1 must name every column; it holds {shown(_some(text.header))}."
        lines = [text.separator.join(fields) for fields in (text.header, row)]
        for other in KNOWN_SEPARATORS:
            if other != text.separator and lines[0].count(other) == lines[1].count(other) > 0:
                hint = _ask(other)
    refuse(text.source, allowed, hint)
