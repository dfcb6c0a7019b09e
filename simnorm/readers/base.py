"""What all readers share: what they are asked for, what they give, how they refuse.

It knows no format, and nothing above it. How much is taken at a time stands here once, and
is read as `base.BLOCK_CELLS` and the like, so that it can be changed in one place.
"""

from __future__ import annotations

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError, shown

Floats = NDArray[np.float64]

# What data are called that came as objects and are in no file.
IN_MEMORY = ARRAY, DICT, FRAME = "an array", "a dict of arrays", "a DataFrame"

# What stands for a missing value in text, in small letters.
MISSING = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "#na", "-nan", "+nan")
)  # fmt: skip
# Bytes of text, and cells of arrays, that are taken at a time, whatever the number of columns. The
# first text is short: it shows which columns are not numbers, so that they need not be read on.
CHUNK_BYTES, FIRST_BYTES = 1 << 21, 1 << 17
BLOCK_CELLS = 1 << 20
# Names alone would fill the memory.
MOST_COLUMNS = 10**6
# What is left free on a disk that takes what memory does not.
SPARE_DISK = 1 << 28
# Doubles know every whole number up to this.
LARGEST_WHOLE = 2**53


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


def refuse_disk(source: str, size: int, free: int) -> NoReturn:
    """Refuse data that fit neither into memory nor on the disk."""
    place = tempfile.gettempdir()
    allowed = (
        f"its numbers take more than {size / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free "
        f"in {place}"
    )
    refuse(source, allowed, "Name fewer columns, or another place in TMPDIR.")


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one line."""
    try:
        yield
    except SimnormError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        refuse(source, f"the compressed file is damaged ({one_line(error)})")
    except MemoryError:
        refuse(source, "it does not fit into memory", "Take fewer columns with columns=...")
    except OSError as error:
        refuse(source, f"it cannot be read ({error.strerror or one_line(error)})")


@contextmanager
def foreign(source: str, what: str) -> Iterator[None]:
    """Turn whatever another library raises on a damaged file into one line."""
    try:
        yield
    except (SimnormError, MemoryError):
        raise
    except Exception as error:
        refuse(source, f"{what} ({one_line(error)})")


def one_line(error: BaseException) -> str:
    """Return what an exception says, as a part of one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.isprintable() and len(text) <= 120 else shown(text, 120)


def is_large(whole: NDArray[Any]) -> bool:
    """Tell whether whole numbers may be too large for doubles."""
    if not whole.size or whole.dtype.itemsize < 8:
        return False
    return int(whole.max()) > LARGEST_WHOLE or int(whole.min()) < -LARGEST_WHOLE
