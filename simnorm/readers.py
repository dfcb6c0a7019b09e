"""What the user's data are in: files and objects, read as blocks of cells, column by column.

A reader only parses. Which columns are numbers, and what a cell may hold, is decided in `dataset`.
Fast readers of text shift columns, fill up short rows or rename columns without a word. So lines
are counted first: those that hold quotes, or not as many separators as the header, go to the
standard library's csv in strict mode, and pandas gets what it cannot misunderstand.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError

if TYPE_CHECKING:
    import pandas as pd

# Cells that are taken at a time: some megabytes of text, whatever the number of columns.
BLOCK_CELLS = 1 << 18
# A file without line ends should not be read into one line.
LONGEST_LINE = 1 << 24
# Doubles know every whole number up to this.
LARGEST_WHOLE = 2**53

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
ENDINGS = ".csv, .tsv (also .gz), .parquet, .npy and .npz"
ASK_SEPARATOR = "Give separator and decimal, on the command line --sep ';' --decimal ','."

# A column's cells: text, or numbers with NaN where one is missing, or what is not read at all.
Cells = Sequence[str] | NDArray[Any]


class Block(NamedTuple):
    """Some rows: the cells of every column, and the number of each row as its place is told."""

    cells: Sequence[Cells]
    places: Sequence[int]


@dataclass(frozen=True)
class Table:
    """Columns that are about to be read.

    Parameters
    ----------
    source
        What messages call the data.
    names
        Headers in their order; an empty one has no name.
    blocks
        The rows, some at a time; read once.
    unread
        What is known not to be numbers without a look at the cells, by the column's number.
    place
        What a row's number is of: ``line`` of a file, or ``row``.
    """

    source: str
    names: Sequence[str]
    blocks: Iterator[Block]
    unread: Mapping[int, str]
    place: str = "row"


def refuse(source: str, allowed: str, hint: str = "") -> NoReturn:
    """Refuse the data with one line."""
    raise SimnormError("data", source, allowed, hint)


def open_table(data: Any, separator: str | None) -> Table:
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
    >>> table = open_table({"a": [1.0, 2.0]}, None)
    >>> table.names, [block.cells[0].tolist() for block in table.blocks]
    (['a'], [[1.0, 2.0]])
    """
    if not isinstance(data, str | Path):
        return _open_object(data)
    path = Path(data)
    ending = _ending(path)
    if separator is not None and (len(separator) != 1 or separator in '"\r\n.'):
        allowed = "one character is needed, and no quote, point or line end"
        raise SimnormError("separator", separator, allowed, "For tabs write a real tab, or .tsv.")
    with readable(str(path)):
        if path.is_dir():
            refuse(str(path), "it is a folder", "Name one file.")
        path.stat()
        if ending in SEPARATORS or separator is not None:
            return _open_text(path, separator or SEPARATORS[ending])
        if ending in (".parquet", ".pq"):
            return _open_parquet(path)
        if ending in (".npy", ".npz"):
            return _open_numpy(path, ending)
    hint = "For a text file with another ending give separator, on the command line --sep."
    refuse(str(path), f"files that can be read end in {ENDINGS}", hint)


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one line."""
    try:
        yield
    except SimnormError:
        raise
    except UnicodeDecodeError as error:
        allowed = f"it is no UTF-8 text (byte {error.object[error.start]:#04x}: {error.reason})"
        refuse(source, allowed, "Save it as UTF-8.")
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        refuse(source, f"the compressed file is damaged ({error})")
    except csv.Error as error:
        refuse(source, f"its text cannot be taken apart ({error})")
    except MemoryError:
        refuse(source, "it does not fit into memory", "Take fewer columns with columns=...")
    except OSError as error:
        refuse(source, f"it cannot be read ({error.strerror or error})")


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    return endings[-2] if len(endings) > 1 and endings[-1] == ".gz" else "".join(endings[-1:])


# Text


def _open_text(path: Path, separator: str) -> Table:
    lines = _lines(path)
    reader = _careful(lines, separator)
    with readable(str(path)):
        first = next((row for row in reader if row), None)
    if first is None:
        refuse(str(path), "the file is empty")
    header = [" ".join(name.split()) for name in first]
    _check_header(str(path), header, separator)
    shape = _Shape(str(path), len(header), separator)
    return Table(str(path), header, _text_blocks(shape, lines, reader.line_num), {}, "line")


def _careful(lines: Iterable[str], separator: str) -> Any:
    # Strict: a quote inside a field or none at its end is an error, not a guess.
    return csv.reader(lines, delimiter=separator, strict=True)


def _check_header(source: str, header: Sequence[str], separator: str) -> None:
    if len(header) == 1 and separator == ",":
        for other, name in ((";", "semicolons"), ("\t", "tabs")):
            if other in header[0]:
                refuse(source, f"its first line is separated by {name}, not commas", ASK_SEPARATOR)
    if header and all(_is_number(name) for name in header):
        hint = "Put a line with the names of the columns first."
        refuse(source, f"its first line holds numbers ({', '.join(header[:3])}), no names", hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, none of them too long, with their ends."""
    number = 0
    with readable(str(path)), _opened(path) as file:
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE and not line.endswith("\n"):
                refuse(str(path), f"line {number:,} is longer than {LONGEST_LINE:,} characters")
            if "\0" in line:
                refuse(str(path), f"line {number:,} holds a zero byte", "Is it a text file?")
            yield line


def _opened(path: Path) -> TextIO:
    with path.open("rb") as file:
        magic = file.read(2)
    if magic in (b"\xff\xfe", b"\xfe\xff"):
        refuse(str(path), "it is UTF-16 text", "Save it as UTF-8.")
    # A byte order mark of UTF-8 is no part of the first name.
    if magic == b"\x1f\x8b":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    if path.suffix.lower() == ".gz":
        refuse(str(path), "it is no gzip file, as its ending says")
    return path.open(encoding="utf-8-sig", newline="")


class _Shape(NamedTuple):
    """What all rows of a text file have in common."""

    source: str
    width: int
    separator: str


def _text_blocks(shape: _Shape, lines: Iterator[str], before: int) -> Iterator[Block]:
    """Yield the rows after the header, which took so many lines."""
    step = max(1, BLOCK_CELLS // shape.width)
    while some := list(itertools.islice(lines, step)):
        if any('"' in line for line in some):
            # A quoted field may hold separators and line ends: from here on with care.
            yield from _careful_blocks(shape, itertools.chain(some, lines), before, step)
            return
        if {line.count(shape.separator) for line in some} == {shape.width - 1} and not any(
            line.isspace() for line in some
        ):
            yield Block(_quick_cells(shape, some), range(before + 1, before + 1 + len(some)))
        else:
            yield from _careful_blocks(shape, iter(some), before, step)
        before += len(some)


def _careful_blocks(shape: _Shape, lines: Iterator[str], before: int, step: int) -> Iterator[Block]:
    """Take lines apart by the standard library's rules; refuse rows of another width."""
    reader = _careful(lines, shape.separator)
    rows: list[list[str]] = []
    places: list[int] = []
    with readable(shape.source):
        for row in reader:
            if not row:
                continue
            if len(row) != shape.width:
                line = f"line {before + reader.line_num:,}"
                many = f"{len(row):,} field{'s' * (len(row) != 1)}"
                refuse(shape.source, f"{line} has {many}, the header has {shape.width:,}")
            rows.append(row)
            places.append(before + reader.line_num)
            if len(rows) == step:
                yield Block(list(zip(*rows, strict=True)), places)
                rows, places = [], []
    if rows:
        yield Block(list(zip(*rows, strict=True)), places)


def _quick_cells(shape: _Shape, lines: Sequence[str]) -> Sequence[Cells]:
    """Return the columns of lines that have no quotes and as many separators as they should.

    What pandas reads as plain numbers is taken; of all else, and of whole numbers that doubles
    cannot hold, the text itself.
    """
    import pandas as pd

    frame = pd.read_csv(
        io.StringIO("".join(lines)),
        sep=shape.separator,
        header=None,
        names=range(shape.width),
        index_col=False,
        quoting=csv.QUOTE_NONE,
        low_memory=False,
    )
    found: list[Cells] = [column.to_numpy() for _, column in frame.items()]
    texts: list[list[str]] | None = None
    for i, column in enumerate(found):
        if _is_plain(column):
            continue
        if texts is None:
            texts = [line.rstrip("\r\n").split(shape.separator) for line in lines]
        found[i] = [row[i] for row in texts]
    return found


def _is_plain(column: Cells) -> bool:
    column = np.asarray(column)
    # A column without a single number is not known to hold numbers.
    if column.dtype.kind not in "if" or bool(np.isnan(column).all()):
        return False
    return bool(max(-np.nanmin(column), np.nanmax(column)) <= LARGEST_WHOLE)


# Parquet


def _open_parquet(path: Path) -> Table:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        refuse(
            str(path), "Parquet is read by pyarrow", "Install it: pip install 'simnorm[parquet]'."
        )
    try:
        file = parquet.ParquetFile(path, page_checksum_verification=True)
        names = list(file.schema_arrow.names)
        kinds = {
            i: _arrow_kind(pa, one.type)
            for i, one in enumerate(file.schema_arrow)
            if not _is_arrow_number(pa, one.type)
        }
    except pa.ArrowException as error:
        refuse(str(path), f"it is no Parquet file ({str(error).splitlines()[0]})")
    return Table(str(path), names, _parquet_blocks(path, file, names), kinds)


def _is_arrow_number(pa: Any, kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _arrow_kind(pa: Any, kind: Any) -> str:
    return "text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else str(kind)


def _parquet_blocks(path: Path, file: Any, names: Sequence[str]) -> Iterator[Block]:
    import pyarrow as pa

    first = 0
    try:
        for batch in file.iter_batches(batch_size=max(1, BLOCK_CELLS // max(len(names), 1))):
            cells = [_arrow_cells(pa, column) for column in batch.columns]
            yield Block(cells, range(first, first + batch.num_rows))
            first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        refuse(str(path), f"it is damaged ({str(error).splitlines()[0]})")


def _arrow_cells(pa: Any, column: Any) -> Cells:
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_integer(column.type) and column.null_count == 0:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        found = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(found, dtype=np.float64)
    return ["" if value is None else str(value) for value in column.to_pylist()]


# numpy's files


def _open_numpy(path: Path, ending: str) -> Table:
    try:
        loaded = np.load(path, mmap_mode="r" if ending == ".npy" else None, allow_pickle=False)
        if ending == ".npy":
            return _of_arrays({"x": loaded}, str(path))
        with loaded as archive:
            return _of_arrays({name: archive[name] for name in archive.files}, str(path))
    except (ValueError, EOFError) as error:
        if isinstance(error, SimnormError):
            raise
        refuse(str(path), f"it is no plain numpy file ({str(error).splitlines()[0]})")


# Objects


def _open_object(data: Any) -> Table:
    import pandas as pd

    if isinstance(data, pd.Series):
        data = data.to_frame("x" if data.name is None else data.name)
    if isinstance(data, pd.DataFrame):
        return _of_frame(data)
    if isinstance(data, Mapping):
        return _of_arrays({str(name): values for name, values in data.items()}, "a dict of arrays")
    return _of_arrays({"x": data}, "an array")


def _of_frame(frame: pd.DataFrame) -> Table:
    from pandas.api import types

    kinds = {}
    columns: list[Cells] = []
    for i in range(frame.shape[1]):
        column = frame.iloc[:, i]
        plain = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
        if plain and not types.is_complex_dtype(column):
            whole = types.is_integer_dtype(column) and not column.hasnans
            columns.append(column.to_numpy() if whole else column.to_numpy(float, na_value=np.nan))
            continue
        text = types.is_string_dtype(column) or types.is_object_dtype(column)
        kinds[i] = "text" if text else str(column.dtype)
        columns.append(
            ["" if gone else str(v) for v, gone in zip(column, column.isna(), strict=True)]
        )
    names = [str(name) for name in frame.columns]
    return Table("a DataFrame", names, _array_blocks(columns), kinds)


def _of_arrays(arrays: Mapping[str, Any], source: str) -> Table:
    """Return arrays as columns: of shape (N,), (N, columns), or with named fields."""
    columns: dict[str, NDArray[Any]] = {}
    for name, given in arrays.items():
        try:
            array = np.asarray(given)
        except ValueError:
            refuse(source, f"{name} is no array: its rows have unequal lengths")
        if array.dtype.names:
            columns |= {field: array[field] for field in array.dtype.names}
        elif array.ndim == 1:
            columns[name] = array
        elif array.ndim == 2:
            columns |= {f"{name}{i + 1}": array[:, i] for i in range(array.shape[1])}
        else:
            refuse(source, f"{name} has shape {array.shape}, allowed are (N,) and (N, columns)")
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        (a, m), (b, n) = next(
            pair
            for pair in zip(sizes.items(), list(sizes.items())[1:], strict=False)
            if pair[0][1] != pair[1][1]
        )
        refuse(source, f"its columns have unequal lengths ({a} {m:,}, {b} {n:,})")
    kinds = {
        i: "text" if column.dtype.kind in "UST" else str(column.dtype)
        for i, column in enumerate(columns.values())
        if column.dtype.kind not in "iuf"
    }
    cells: list[Cells] = [
        [str(value) for value in column] if i in kinds else column
        for i, column in enumerate(columns.values())
    ]
    return Table(source, list(columns), _array_blocks(cells), kinds)


def _array_blocks(columns: Sequence[Cells]) -> Iterator[Block]:
    rows = len(columns[0]) if columns else 0
    step = max(1, BLOCK_CELLS // max(len(columns), 1))
    for first in range(0, rows, step):
        last = min(first + step, rows)
        yield Block([column[first:last] for column in columns], range(first, last))
