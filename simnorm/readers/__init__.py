"""What the user's data are in: files and objects, read as blocks of rows.

A reader only parses. Which columns are numbers, and what a cell may hold, is decided in `reading`.
A block gives a column as doubles where nothing can be lost: no text, no whole number above 2^53,
no infinity. Otherwise it gives the cells as they are written, and `reading` looks at each. Here
it is settled which reader a path or an object is for.
"""

from __future__ import annotations

import difflib
import itertools
import os
import stat
from pathlib import Path
from typing import Any

from simnorm.errors import SimnormError, nearest
from simnorm.readers.base import Block, Floats, Table, Wanted, readable, refuse
from simnorm.readers.numpy_files import open_npy, open_npz
from simnorm.readers.objects import open_object
from simnorm.readers.parquet import open_parquet
from simnorm.readers.text import open_text

__all__ = ["Block", "Floats", "Table", "Wanted", "open_table", "readable", "refuse"]

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
ENDINGS = ".csv, .tsv (also .gz), .parquet, .npy and .npz"


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
        return open_object(data)
    source = os.fsdecode(data)
    path = Path(source)
    _check_separator(separator)
    with readable(source):
        ending = _ending(path)
        is_text = separator is not None or ending in SEPARATORS
        _check_kind(source, path, is_text)
        if is_text:
            return open_text(source, separator or SEPARATORS[ending])
        if ending in (".parquet", ".pq"):
            return open_parquet(source)
        if ending == ".npy":
            return open_npy(source)
        if ending == ".npz":
            return open_npz(source)
    hint = "For a text file with another ending give separator, on the command line --sep."
    refuse(source, f"files that can be read end in {ENDINGS}", hint)


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
        source.encode()
    except UnicodeEncodeError:
        # The design of a run, and its report, could not say where the data are from.
        refuse(source, "its name is no UTF-8 text", "Rename the file.")
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
