"""Where the numbers of a file stay while it is read: in memory, and beyond a size on disk.

A file larger than memory can be a full set, too. Its columns are needed a few at a time only, and
are read again from a file without a name, which is gone with the last who holds it.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnorm.readers import base
from simnorm.readers.base import Floats, refuse_disk

# More than this is kept on disk, and what is wanted of it is read again.
MOST_IN_MEMORY = 1 << 28
# Blocks are put together up to this, so that a column is not in too many pieces.
PART_BYTES = 1 << 25


class Spool:
    """Keeps blocks of numbers in memory, and beyond a size in a file without a name."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.bytes = 0
        self._parts: list[tuple[tuple[int, ...], Floats | _OnDisk]] = []
        self._order: tuple[int, ...] = ()
        self._waiting: list[Floats] = []
        self._disk: _Disk | None = None

    def add(self, order: tuple[int, ...], block: Floats) -> None:
        """Take rows of columns in an order, shape (columns, rows)."""
        waiting = sum(one.nbytes for one in self._waiting)
        if self._order != order or waiting + block.nbytes > PART_BYTES:
            self._flush()
        self._order = order
        self._waiting.append(block)

    def finished(self, names: Sequence[str]) -> list[Part]:
        """Return all that was taken."""
        self._flush()
        places: dict[tuple[int, ...], dict[str, int]] = {}
        for order, _ in self._parts:
            if order not in places:
                places[order] = {names[i]: row for row, i in enumerate(order)}
        return [Part(places[order], table) for order, table in self._parts]

    def _flush(self) -> None:
        if self._waiting:
            block = np.concatenate(self._waiting, axis=1)
            self._waiting = []
            self._parts.append((self._order, self._kept(block)))

    def _kept(self, block: Floats) -> Floats | _OnDisk:
        """Return numbers that are read like the block, and never change."""
        self.bytes += block.nbytes
        if self.bytes <= MOST_IN_MEMORY or not block.size:
            return block
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < block.nbytes + base.SPARE_DISK:
            refuse_disk(self.source, self.bytes, free)
        if self._disk is None:
            self._disk = _Disk()
        try:
            return self._disk.write(block)
        except OSError:
            refuse_disk(self.source, self.bytes, shutil.disk_usage(tempfile.gettempdir()).free)


@dataclass
class Part:
    """Some rows of the candidate columns, and which of the rows are kept."""

    places: Mapping[str, int]
    table: Floats | _OnDisk
    kept: NDArray[np.bool_] | None = None

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return self.table.shape[1] if self.kept is None else int(np.count_nonzero(self.kept))

    def column(self, name: str) -> Floats:
        """Return the kept numbers of a column."""
        values: Floats = self.table[self.places[name]]
        return values if self.kept is None else values[self.kept]


class _Disk:
    """A file without a name. It is read and not mapped, which would fill a limited memory too."""

    def __init__(self) -> None:
        self._file: Any = tempfile.TemporaryFile(prefix="simnorm-", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()

    def __del__(self) -> None:
        self._file.close()

    def write(self, block: Floats) -> _OnDisk:
        """Return numbers that are read like the block, shape (columns, rows)."""
        start = self._file.seek(0, 2)
        left = np.ascontiguousarray(block).data.cast("B")
        while left:
            left = left[self._file.write(left) :]
        return _OnDisk(self, start, (block.shape[0], block.shape[1]))

    def read(self, start: int, count: int) -> Floats:
        """Return numbers from a place on."""
        found = np.empty(count)
        with self._lock:
            self._file.seek(start)
            if self._file.readinto(found.data) != found.nbytes:
                raise OSError("a temporary file has lost its data")
        return found


@dataclass(frozen=True)
class _OnDisk:
    """An array of shape (columns, rows) in a file, read row by row."""

    disk: _Disk
    start: int
    shape: tuple[int, int]

    def __getitem__(self, row: int) -> Floats:
        count = self.shape[1]
        return self.disk.read(self.start + row * count * 8, count)
