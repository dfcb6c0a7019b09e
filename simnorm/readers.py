"""What the user's data are in: files and objects, read as blocks of rows.

A reader only parses. Which columns are numbers, and what a cell may hold, is decided in `dataset`.
A block gives a column as doubles where nothing can be lost: no text, no whole number above 2^53,
no infinity. Otherwise it gives the cells as they are written, and `dataset` looks at each.

Fast readers of text shift columns, fill up short rows or rename columns without a word. So the
ends of all fields are found first; where they do not fit the header, or a quote stands in an odd
place, the standard library's csv takes the lines apart, and pandas gets what it cannot
misunderstand: one number per line.
"""

from __future__ import annotations

import ast
import csv
import difflib
import functools
import gzip
import io
import itertools
import math
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError, nearest, shown

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

# What stands for a missing value in text, in small letters.
MISSING = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "#na", "-nan", "+nan")
)  # fmt: skip
# Bytes of text, and cells of arrays, that are taken at a time, whatever the number of columns. The
# first text is short: it shows which columns are not numbers, so that they need not be read on.
CHUNK_BYTES, FIRST_BYTES = 1 << 21, 1 << 17
BLOCK_CELLS = 1 << 20
# A file without line ends should not be read into one line.
LONGEST_LINE = 1 << 26
# Names alone would fill the memory.
MOST_COLUMNS = 10**6
# The names of that many fields.
MOST_HEADER = 1 << 26
# What is left free on a disk that takes what memory does not.
SPARE_DISK = 1 << 28
# Doubles know every whole number up to this.
LARGEST_WHOLE = 2**53

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
KNOWN_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENDINGS = ".csv, .tsv (also .gz), .parquet, .npy and .npz"

_BOM = b"\xef\xbb\xbf"
_NEWLINE, _QUOTE = 10, 34
_NUMBER = re.compile(r"\s*[+-]?(\d+|(?=[\d.,])\d*[.,]\d*(?<=[\d.,]))([eE][+-]?\d+)?\s*")


@dataclass
class Wanted:
    """What is to be read of a table; columns are named by their numbers.

    Parameters
    ----------
    numbers
        Columns that may hold numbers; one that turns out not to is taken off while blocks are read.
    labels
        Columns whose cells are wanted as text.
    decimal
        The decimal point of a text file.
    """

    numbers: list[int]
    labels: Sequence[int] = ()
    decimal: str = "."


class Block(NamedTuple):
    """Some rows: numbers of shape (columns, rows), NaN where one is missing, and other cells."""

    places: Sequence[int]
    columns: Sequence[int]
    numbers: Floats
    texts: Mapping[int, Sequence[str]]
    labels: Mapping[int, Sequence[str]]


@dataclass(frozen=True)
class Table:
    """Columns that are about to be read.

    Parameters
    ----------
    source
        What messages call the data.
    names
        Headers in their order; an empty one has no name.
    read
        Yields the rows, some at a time; called once.
    unread
        What is known not to be numbers without a look at the cells, by the column's number.
    place
        What a row's number is of: ``line`` of a file, counted from 1, or ``row``, from 0.
    files
        What is to be closed at the end.
    """

    source: str
    names: Sequence[str]
    read: Callable[[Wanted], Iterator[Block]]
    unread: Mapping[int, str] = field(default_factory=dict)
    place: str = "row"
    files: ExitStack = field(default_factory=ExitStack)


def refuse(source: str, allowed: str, hint: str = "") -> NoReturn:
    """Refuse the data with one line."""
    raise SimnormError("data", source, allowed, hint)


def open_table(data: Any, separator: str | None = None) -> Table:
    """Return the columns of a file, an array, a table or a dict of arrays.

    Parameters
    ----------
    data
        A path, or the data themselves.
    separator
        What separates the fields of a text file; by its ending if None.

    Raises
    ------
    SimnormError
        If it is nothing that can be read.

    Examples
    --------
    >>> table = open_table({"a": [1.0, 2.0]})
    >>> table.names, [block.numbers.tolist() for block in table.read(Wanted([0]))]
    (['a'], [[[1.0, 2.0]]])
    """
    if not isinstance(data, str | os.PathLike):
        return _open_object(data)
    source = os.fsdecode(data)
    path = Path(source)
    _check_separator(separator)
    with readable(source):
        ending = _ending(path)
        is_text = separator is not None or ending in SEPARATORS
        _check_kind(source, path, is_text)
        if is_text:
            return _open_text(source, separator or SEPARATORS[ending])
        if ending in (".parquet", ".pq"):
            return _open_parquet(source)
        if ending == ".npy":
            return _open_npy(source)
        if ending == ".npz":
            return _open_npz(source)
    hint = "For a text file with another ending give separator, on the command line --sep."
    refuse(source, f"files that can be read end in {ENDINGS}", hint)


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one line."""
    try:
        yield
    except SimnormError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        refuse(source, f"the compressed file is damaged ({_line(error)})")
    except MemoryError:
        refuse(source, "it does not fit into memory", "Take fewer columns with columns=...")
    except OSError as error:
        refuse(source, f"it cannot be read ({error.strerror or _line(error)})")


def _line(error: BaseException) -> str:
    """Return what an exception says, as a part of one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.isprintable() and len(text) <= 120 else shown(text, 120)


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    return endings[-2] if len(endings) > 1 and endings[-1] == ".gz" else "".join(endings[-1:])


def _check_separator(separator: str | None) -> None:
    if separator is None:
        return
    # What numbers, names or lines are made of cannot separate them; pandas wants one byte.
    is_free = not (separator.isalnum() or separator in '"\r\n.+-_\0')
    if len(separator) != 1 or not separator.isascii() or not is_free:
        allowed = "one character is needed, and no letter, digit, quote, point, sign or line end"
        raise SimnormError("separator", separator, allowed, "For tabs write a real tab, or .tsv.")


def _check_kind(source: str, path: Path, is_text: bool) -> None:
    """Refuse what is no file: devices have no end."""
    if "\0" in source or not source:
        refuse(source, "the name of a file is needed")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = _similar_file(path)
        refuse(source, "there is no such file", hint)
    if stat.S_ISDIR(mode):
        refuse(source, "it is a folder", "Name one file.")
    if not stat.S_ISREG(mode) and not (is_text and stat.S_ISFIFO(mode)):
        refuse(source, "it is no regular file", "Write the data to a file.")


def _similar_file(path: Path) -> str:
    try:
        there = [one.name for one in itertools.islice(path.parent.iterdir(), 10_000)]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, there, n=1, cutoff=0.6)
    return nearest(path.name, near).strip()


# Text


class _Chunk(NamedTuple):
    """Whole lines of a text file, and the number of the first."""

    first: int
    data: bytes


@dataclass
class _Text:
    """A text file: its lines, some at a time, and what its rows have in common."""

    source: str
    separator: str
    chunks: Iterator[_Chunk] = field(init=False)
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
        self.chunks = _chunks(self.source)

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


def _open_text(source: str, separator: str) -> Table:
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
        text.chunks = itertools.chain([_Chunk(before + 1, rest.encode())], text.chunks)
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
    return ", ".join(cells[:3]) + ", ..." * (len(cells) > 3)


def _chunks(source: str) -> Iterator[_Chunk]:
    """Yield the lines of a text file, checked to be text."""
    first, carry, size = 1, b"", FIRST_BYTES
    with readable(source), Path(source).open("rb") as raw:
        file = _unpacked(source, raw)
        while data := file.read(size):
            if first == 1 and not carry:
                data = _without_mark(source, data, file)
            carry += data
            # A line end of two characters may be cut between them.
            cut = max(carry.rfind(b"\n"), carry.rfind(b"\r", 0, len(carry) - 1)) + 1
            if cut:
                yield _checked(source, first, carry[:cut])
                first += _line_ends(carry[:cut])
                carry, size = carry[cut:], CHUNK_BYTES
            if len(carry) > LONGEST_LINE:
                refuse(source, f"line {first:,} is longer than {LONGEST_LINE:,} bytes")
        if carry:
            yield _checked(source, first, carry)


def _unpacked(source: str, raw: io.BufferedReader) -> BinaryIO:
    # Looked at and not read: a pipe cannot be read twice.
    if raw.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), CHUNK_BYTES)
    if source.lower().endswith(".gz") and raw.peek(1):
        refuse(source, "it is no gzip file, as its ending says")
    return raw


def _without_mark(source: str, data: bytes, file: BinaryIO) -> bytes:
    """Return the first bytes without the mark that tells their order, and is no text."""
    if len(data) < len(_BOM):
        data += file.read(len(_BOM))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        refuse(source, "it is UTF-16 text", "Save it as UTF-8.")
    return data.removeprefix(_BOM)


def _line_ends(data: bytes) -> int:
    ends = data.count(b"\n")
    return ends if b"\r" not in data else ends + data.count(b"\r") - data.count(b"\r\n")


def _checked(source: str, first: int, data: bytes) -> _Chunk:
    if (at := data.find(b"\0")) >= 0:
        line = first + _line_ends(data[:at])
        refuse(source, f"line {line:,} holds a zero byte", "Is it a text file in UTF-8?")
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = first + _line_ends(data[: error.start])
            allowed = f"line {line:,} is no UTF-8 text (byte {data[error.start]:#04x})"
            refuse(source, allowed, "Save it as UTF-8.")
    return _Chunk(first, data)


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


# As pandas wants them; other mixtures of small and capital letters are seen cell by cell.
_SPELLINGS = sorted(
    {"NaN", "-NaN", "+NaN"}
    | {spelling for word in MISSING for spelling in (word, word.upper(), word.capitalize())}
)


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
    step = max(1, BLOCK_CELLS // text.width)
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
            what = _line(error)
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


# Parquet


@contextmanager
def _foreign(source: str, what: str) -> Iterator[None]:
    """Turn whatever another library raises on a damaged file into one line."""
    try:
        yield
    except (SimnormError, MemoryError):
        raise
    except Exception as error:
        refuse(source, f"{what} ({_line(error)})")


def _open_parquet(source: str) -> Table:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        refuse(source, "Parquet is read by pyarrow", "Install it: pip install 'simnorm[parquet]'.")
    with _foreign(source, "it is no Parquet file"):
        file = parquet.ParquetFile(source, page_checksum_verification=True)
        schema = file.schema_arrow
        names = list(schema.names)
        kinds = {i: _arrow_kind(pa, one.type) for i, one in enumerate(schema)}
    unread = {i: kind for i, kind in kinds.items() if kind}
    # pandas calls an index without a name so.
    called = ["" if re.fullmatch(r"__index_level_\d+__", name) else name for name in names]
    read = functools.partial(_parquet_blocks, source, file, names)
    return Table(source, called, read, unread)


def _arrow_kind(pa: Any, kind: Any) -> str:
    """Return what a column holds that is not numbers, or an empty string."""
    types = pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return ""
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_dictionary(kind):
        return "text" if _arrow_kind(pa, kind.value_type) == "text" else "category"
    return "nothing but gaps" if types.is_null(kind) else shown(kind, 40)


def _parquet_blocks(
    source: str, file: Any, names: Sequence[str], wanted: Wanted
) -> Iterator[Block]:
    import pyarrow as pa

    taken = [names[i] for i in dict.fromkeys([*wanted.numbers, *wanted.labels])]
    first = 0
    with _foreign(source, "it is damaged"):
        size = max(1, BLOCK_CELLS // len(taken))
        for batch in file.iter_batches(batch_size=size, columns=taken):
            yield _arrow_block(pa, names, batch, first, wanted)
            first += batch.num_rows
        if first != file.metadata.num_rows:
            refuse(source, f"it is damaged: of {file.metadata.num_rows:,} rows {first:,} are there")


def _arrow_block(pa: Any, names: Sequence[str], batch: Any, first: int, wanted: Wanted) -> Block:
    columns, rows = [], []
    texts = {}
    for i in wanted.numbers:
        column = batch.column(batch.schema.get_field_index(names[i]))
        values = _arrow_numbers(pa, column)
        if values is None:
            texts[i] = _arrow_texts(column)
        else:
            columns.append(i)
            rows.append(values)
    labels = {
        i: _arrow_texts(batch.column(batch.schema.get_field_index(names[i]))) for i in wanted.labels
    }
    numbers = np.stack(rows) if rows else np.empty((0, batch.num_rows))
    return Block(range(first, first + batch.num_rows), columns, numbers, texts, labels)


def _arrow_numbers(pa: Any, column: Any) -> Floats | None:
    """Return doubles, NaN for gaps; None where doubles might not be what the file says."""
    if pa.types.is_decimal(column.type):
        return None
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.float64)
    gaps = column.is_null().to_numpy(zero_copy_only=False)
    whole = column.fill_null(0).to_numpy(zero_copy_only=False)
    if _is_large(whole):
        return None
    return np.where(gaps, np.nan, whole.astype(np.float64))


def _arrow_texts(column: Any) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _is_large(whole: NDArray[Any]) -> bool:
    """Tell whether whole numbers may be too large for doubles."""
    if not whole.size or whole.dtype.itemsize < 8:
        return False
    return int(whole.max()) > LARGEST_WHOLE or int(whole.min()) < -LARGEST_WHOLE


# Arrays, and numpy's files


class _Rows(NamedTuple):
    """An array by its rows: shape (N,) or (N, columns), in memory or in a file."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    # Returns rows from the first up to the last; in files they are asked for one after the other.
    take: Callable[[int, int], NDArray[Any]]
    # What it holds that is not numbers; by the type if empty.
    kind: str = ""


class _Leaf(NamedTuple):
    """A column of an array: which array, the fields that lead to it, and its number there."""

    name: str
    dtype: np.dtype[Any]
    owner: int
    fields: tuple[str, ...] = ()
    number: int | None = None

    def of(self, owners: Sequence[NDArray[Any]]) -> NDArray[Any]:
        array = owners[self.owner]
        for name in self.fields:
            array = array[name]
        return array if self.number is None else array[:, self.number]


def _of_arrays(
    source: str,
    arrays: Sequence[_Rows],
) -> Table:
    leaves: list[_Leaf] = []
    for owner, rows in enumerate(arrays):
        if len(rows.shape) not in (1, 2):
            allowed = f"{shown(rows.name, 40)} has shape {rows.shape}, allowed are (N,) and "
            refuse(source, allowed + "(N, columns)")
        leaves += _leaves(source, _Leaf(rows.name, rows.dtype, owner), rows.shape[1:])
    for before, rows in itertools.pairwise(arrays):
        if rows.shape[0] != before.shape[0]:
            sizes = ", ".join(f"{shown(one.name, 40)} {one.shape[0]:,}" for one in (before, rows))
            refuse(source, f"its columns have unequal lengths ({sizes})")
    kinds = [arrays[leaf.owner].kind or _kind(leaf.dtype) for leaf in leaves]
    unread = {i: kind for i, kind in enumerate(kinds) if kind}
    read = functools.partial(_array_blocks, arrays, leaves)
    return Table(source, [leaf.name for leaf in leaves], read, unread)


def _leaves(source: str, leaf: _Leaf, shape: tuple[int, ...]) -> list[_Leaf]:
    """Return the columns of an array: numbered, or called as its fields."""
    count = math.prod(shape)
    if count > MOST_COLUMNS:
        refuse(
            source, f"{shown(leaf.name, 40)} has {count:,} columns, {MOST_COLUMNS:,} are allowed"
        )
    if leaf.dtype.names:
        if shape:
            refuse(source, f"{shown(leaf.name, 40)} has fields in more than one column")
        found = []
        for name in leaf.dtype.names:
            kind, inner = leaf.dtype[name].base, leaf.dtype[name].shape
            long = f"{leaf.name}.{name}" if leaf.fields else name
            if len(inner) > 1:
                refuse(source, f"its field {shown(long, 40)} has shape {inner}")
            found += _leaves(source, _Leaf(long, kind, leaf.owner, (*leaf.fields, name)), inner)
        return found
    if not shape:
        return [leaf]
    return [leaf._replace(name=f"{leaf.name}{i + 1}", number=i) for i in range(count)]


def _kind(dtype: np.dtype[Any]) -> str:
    """Return what an array holds that is not numbers, or an empty string; objects may be."""
    if dtype.kind in "iufO":
        return ""
    return "text" if dtype.kind in "UST" else str(dtype)


def _array_blocks(
    arrays: Sequence[_Rows],
    leaves: Sequence[_Leaf],
    wanted: Wanted,
) -> Iterator[Block]:
    row_bytes = sum(math.prod(one.shape[1:]) * one.dtype.itemsize for one in arrays)
    step = max(1, BLOCK_CELLS * 8 // max(row_bytes, 1))
    for first in range(0, arrays[0].shape[0], step):
        last = min(first + step, arrays[0].shape[0])
        owners = [one.take(first, last) for one in arrays]
        columns, found, texts = _leaf_cells(leaves, owners, wanted.numbers)
        labels = {i: _labels(leaves[i].of(owners)) for i in wanted.labels}
        yield Block(range(first, last), columns, found, texts, labels)


def _leaf_cells(
    leaves: Sequence[_Leaf], owners: Sequence[NDArray[Any]], wanted: Sequence[int]
) -> tuple[Sequence[int], Floats, dict[int, Sequence[str]]]:
    """Return which columns are numbers, these, and the cells of others."""
    table = owners[0]
    if len(owners) == 1 and table.ndim == 2 and table.dtype.kind == "f":
        # A wide table is taken as one.
        return wanted, _doubles(table)[:, wanted].T, {}
    found = np.empty((len(wanted), len(table)))
    texts: dict[int, Sequence[str]] = {}
    for row, i in zip(found, wanted, strict=True):
        cells = leaves[i].of(owners)
        if cells.dtype.kind == "O":
            texts[i] = [_spelled(cell) for cell in cells]
        elif cells.dtype.kind in "iu" and _is_large(cells):
            texts[i] = [str(cell) for cell in cells.tolist()]
        else:
            row[:] = _doubles(cells)
    if not texts:
        return list(wanted), found, texts
    plain = [i not in texts for i in wanted]
    return list(itertools.compress(wanted, plain)), found[plain], texts


def _doubles(values: NDArray[Any]) -> Floats:
    # Longer floats may be beyond doubles; they are refused as infinite.
    with np.errstate(over="ignore"):
        return values.astype(np.float64, copy=False)


def _spelled(value: object) -> str:
    """Return an object as the text of a number, as an empty text, or as what is no number.

    Examples
    --------
    >>> _spelled(Decimal("1.50")), _spelled(None), _spelled("1.5"), _spelled(True)
    ('1.50', '', "'1.5'", 'True')
    """
    if isinstance(value, str):
        return "" if value.strip().lower() in MISSING else repr(value)
    if isinstance(value, bool | np.bool_):
        return str(value)
    if _is_gap(value):
        return ""
    try:
        if isinstance(value, int | np.integer | Decimal):
            return str(value)
        if isinstance(value, Real):
            return repr(float(value))
    except (ValueError, OverflowError):  # of hundreds or thousands of digits: beyond doubles
        whole = int(value)  # type: ignore[call-overload]
        return f"{'-' * (whole < 0)}1e{int(whole.bit_length() * math.log10(2))}"
    return f"a {type(value).__name__}"


def _is_gap(value: object) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT


def _labels(cells: NDArray[Any]) -> list[str]:
    """Return what groups are called; nothing where it is not known."""
    import pandas as pd

    cells = cells + 0.0 if cells.dtype.kind == "f" else cells
    gaps = np.asarray(pd.isna(cells))
    return ["" if gap else str(cell) for cell, gap in zip(cells.tolist(), gaps, strict=True)]


def _open_npy(source: str) -> Table:
    with ExitStack() as files:
        file = files.enter_context(Path(source).open("rb"))
        array = _stored(source, "x", file, os.fstat(file.fileno()).st_size, files)
        table = _of_arrays(source, [array])
        return replace(table, files=files.pop_all())


def _open_npz(source: str) -> Table:
    with ExitStack() as files:
        archive = files.enter_context(zipfile.ZipFile(source))
        arrays = []
        for info in archive.infolist():
            with _foreign(source, f"its array {shown(info.filename, 40)} is damaged"):
                member = files.enter_context(archive.open(info))
                name = info.filename.removesuffix(".npy")
                # At the end of a member zipfile compares its checksum.
                arrays.append(_stored(source, name, member, info.file_size, files))
        table = _of_arrays(source, arrays)
        return replace(table, files=files.pop_all())


def _stored(source: str, name: str, file: Any, size: int, files: ExitStack) -> _Rows:
    """Return an array in a file of numpy's format, which is read block by block."""
    called = shown(name, 40)
    dtype, shape, by_columns = _header(source, called, file)
    if dtype.hasobject:
        hint = "Save numbers only, or columns as arrays of their own."
        refuse(source, f"{called} holds Python objects, which are not read", hint)
    start = file.tell()
    needed = math.prod(shape) * dtype.itemsize
    if size - start != needed or not dtype.itemsize:
        there = f"its head tells of {needed:,} bytes of data, {size - start:,} are there"
        refuse(source, f"{called} is damaged: {there}")
    if by_columns and len(shape) == 2:
        if isinstance(file, zipfile.ZipExtFile):
            file, start = files.enter_context(_unzipped(source, file, needed)), 0
        return _Rows(name, dtype, shape, _ByColumns(source, file, start, dtype, shape).take)
    row_bytes = math.prod(shape[1:]) * dtype.itemsize

    def take(first: int, last: int) -> NDArray[Any]:
        data = _exactly(source, file, (last - first) * row_bytes)
        return np.frombuffer(data, dtype).reshape(last - first, *shape[1:])

    return _Rows(name, dtype, shape, take)


@dataclass(frozen=True)
class _ByColumns:
    """A file that holds one column after the other."""

    source: str
    file: BinaryIO
    start: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def take(self, first: int, last: int) -> NDArray[Any]:
        """Return rows."""
        rows, columns = self.shape
        found = np.empty((columns, last - first), self.dtype)
        for i, column in enumerate(found):
            self.file.seek(self.start + (i * rows + first) * self.dtype.itemsize)
            column[:] = np.frombuffer(_exactly(self.source, self.file, column.nbytes), self.dtype)
        return found.T


def _exactly(source: str, file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        refuse(source, "it is damaged: it ends too early")
    return data


def _unzipped(source: str, file: Any, size: int) -> BinaryIO:
    """Return a member of an archive as a file in which one may go back and forth."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < size + SPARE_DISK:
        refuse_disk(source, size, free)
    found = tempfile.TemporaryFile(prefix="simnorm-")  # noqa: SIM115  # as long as it is read
    shutil.copyfileobj(file, found, CHUNK_BYTES)
    return found


def refuse_disk(source: str, size: int, free: int) -> NoReturn:
    """Refuse data that fit neither into memory nor on the disk."""
    place = tempfile.gettempdir()
    allowed = (
        f"its numbers take more than {size / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free "
        f"in {place}"
    )
    refuse(source, allowed, "Name fewer columns, or another place in TMPDIR.")


def _header(source: str, called: str, file: Any) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Return what an array in numpy's format is: type, shape, and whether column by column."""
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY" or len(magic) < 8 or magic[6] not in (1, 2, 3):
        refuse(source, f"{called} is no array in numpy's format")
    width = 2 if magic[6] == 1 else 4
    with _foreign(source, f"the head of {called} is damaged"):
        length = int.from_bytes(_exactly(source, file, width), "little")
        if length > MOST_HEADER:
            refuse(source, f"the head of {called} is longer than {MOST_HEADER:,} bytes")
        text = _exactly(source, file, length).decode("utf-8" if magic[6] == 3 else "latin-1")
        head = ast.literal_eval(text.strip())
        dtype = np.lib.format.descr_to_dtype(head["descr"])
        shape, by_columns = head["shape"], head["fortran_order"]
        if not all(type(size) is int and size >= 0 for size in shape) or len(head) != 3:
            raise ValueError(f"shape {shape}")
        return dtype, tuple(shape), bool(by_columns)


# Objects


def _open_object(data: Any) -> Table:
    import pandas as pd

    if isinstance(data, pd.Series):
        data = data.to_frame("x" if data.name is None else data.name)
    elif not isinstance(data, pd.DataFrame) and hasattr(data, "to_pandas"):
        with _foreign("a table", "it cannot be turned into a DataFrame"):
            data = data.to_pandas()
    if isinstance(data, pd.DataFrame):
        columns = [_of_column(str(name), data.iloc[:, i]) for i, name in enumerate(data.columns)]
        return _of_arrays("a DataFrame", columns)
    if isinstance(data, Mapping):
        source = "a dict of arrays"
        return _of_arrays(source, [_in_memory(source, str(k), v) for k, v in data.items()])
    return _of_arrays("an array", [_in_memory("an array", "x", data)])


def _of_column(name: str, column: pd.Series[Any]) -> _Rows:
    """Return a DataFrame's column; one of pandas' own types is turned block by block."""
    from pandas.api import types

    dtype, shape = np.dtype(object), (len(column),)
    if isinstance(column.dtype, np.dtype):
        array = column.to_numpy()
        return _Rows(name, array.dtype, shape, lambda a, b: array[a:b])
    is_number = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    if is_number and not types.is_complex_dtype(column):
        return _Rows(name, dtype, shape, lambda a, b: _numbers_of(column.iloc[a:b]))
    kind = "text" if types.is_string_dtype(column) else str(column.dtype)
    return _Rows(name, dtype, shape, lambda a, b: column.iloc[a:b].to_numpy(object), kind)


def _numbers_of(column: pd.Series[Any]) -> NDArray[Any]:
    """Return doubles with NaN for gaps, or objects where these might not be the same."""
    from pandas.api import types

    if types.is_float_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    if types.is_integer_dtype(column):
        there = column.dropna().to_numpy()
        if there.dtype.kind in "iu" and not _is_large(there):
            return column.to_numpy(np.float64, na_value=np.nan)
    return column.to_numpy(object)


def _in_memory(source: str, name: str, given: object) -> _Rows:
    array = _as_array(source, name, given)
    return _Rows(name, array.dtype, array.shape, lambda first, last: array[first:last])


def _as_array(source: str, name: str, given: Any) -> NDArray[Any]:
    """Return anything as an array, without a change of what its cells are."""
    if isinstance(given, np.ma.MaskedArray):
        return _unmasked(source, name, given)
    is_list = isinstance(given, list | tuple)
    try:
        array = np.asarray(given)
        text = is_list and array.dtype.kind in "USb"
        if text or (is_list and array.dtype.kind == "f" and bool((abs(array) > 2**53).any())):
            # numpy makes texts of numbers beside texts, and doubles of whole numbers.
            array = np.array(given, dtype=object)
    except Exception as error:
        what = f"{shown(name, 40)} cannot be made an array ({_line(error)})"
        if is_list and "inhomogeneous" in str(error):
            what = f"{shown(name, 40)} is no array: its rows have unequal lengths"
        refuse(source, what)
    if array.ndim == 0:
        kind = type(given).__name__
        refuse(source, f"{shown(name, 40)} is no array ({kind})", "Give a list or an array.")
    return array


def _unmasked(source: str, name: str, given: Any) -> NDArray[Any]:
    mask = np.ma.getmaskarray(given)
    if given.dtype.names or not mask.any():
        if given.dtype.names and any(mask[one].any() for one in given.dtype.names):
            refuse(source, f"{shown(name, 40)} has masked fields", "Give them as columns.")
        return np.asarray(given.data)
    found = np.asarray(given.data).astype(object)
    found[mask] = None
    return found
