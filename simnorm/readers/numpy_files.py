"""NPY and NPZ, read block by block.

numpy's own reader takes a whole array, or maps it, which fills a limited memory too; and it runs
what pickled objects tell it to. Here the head is parsed, and rows are read as they are asked for.
"""

from __future__ import annotations

import ast
import math
import os
import shutil
import tempfile
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import shown
from simnorm.readers import base
from simnorm.readers.arrays import Rows, of_arrays
from simnorm.readers.base import Table, foreign, refuse, refuse_disk

# The names of that many fields.
MOST_HEADER = 1 << 26


def open_npy(source: str) -> Table:
    """Return the columns of one array."""
    with ExitStack() as files:
        file = files.enter_context(Path(source).open("rb"))
        array = _stored(source, "x", file, os.fstat(file.fileno()).st_size, files)
        table = of_arrays(source, [array])
        return replace(table, files=files.pop_all())


def open_npz(source: str) -> Table:
    """Return the columns of an archive of arrays."""
    with ExitStack() as files:
        archive = files.enter_context(zipfile.ZipFile(source))
        arrays = []
        for info in archive.infolist():
            with foreign(source, f"its array {shown(info.filename, 40)} is damaged"):
                member = files.enter_context(archive.open(info))
                name = info.filename.removesuffix(".npy")
                # At the end of a member zipfile compares its checksum.
                arrays.append(_stored(source, name, member, info.file_size, files))
        table = of_arrays(source, arrays)
        return replace(table, files=files.pop_all())


def _stored(source: str, name: str, file: Any, size: int, files: ExitStack) -> Rows:
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
        return Rows(name, dtype, shape, _ByColumns(source, file, start, dtype, shape).take)
    row_bytes = math.prod(shape[1:]) * dtype.itemsize

    def take(first: int, last: int) -> NDArray[Any]:
        data = _exactly(source, file, (last - first) * row_bytes)
        return np.frombuffer(data, dtype).reshape(last - first, *shape[1:])

    return Rows(name, dtype, shape, take)


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
    if free < size + base.SPARE_DISK:
        refuse_disk(source, size, free)
    found = tempfile.TemporaryFile(prefix="simnorm-")  # noqa: SIM115  # as long as it is read
    shutil.copyfileobj(file, found, base.CHUNK_BYTES)
    return found


def _header(source: str, called: str, file: Any) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Return what an array in numpy's format is: type, shape, and whether column by column."""
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY" or len(magic) < 8 or magic[6] not in (1, 2, 3):
        refuse(source, f"{called} is no array in numpy's format")
    width = 2 if magic[6] == 1 else 4
    with foreign(source, f"the head of {called} is damaged"):
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
