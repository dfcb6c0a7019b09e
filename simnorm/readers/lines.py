"""The bytes of a text file, unpacked and checked to be text, as whole lines.

Whoever takes lines apart should not have to ask about encodings, zero bytes, a line that never
ends, or where a chunk was cut.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from simnorm.readers import base
from simnorm.readers.base import readable, refuse

# A file without line ends should not be read into one line.
LONGEST_LINE = 1 << 26
_BOM = b"\xef\xbb\xbf"


class Chunk(NamedTuple):
    """Whole lines of a text file, and the number of the first."""

    first: int
    data: bytes


def chunks_of(source: str) -> Iterator[Chunk]:
    """Yield the lines of a text file, checked to be text."""
    first, carry, size = 1, b"", base.FIRST_BYTES
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
                carry, size = carry[cut:], base.CHUNK_BYTES
            if len(carry) > LONGEST_LINE:
                refuse(source, f"line {first:,} is longer than {LONGEST_LINE:,} bytes")
        if carry:
            yield _checked(source, first, carry)


def _unpacked(source: str, raw: io.BufferedReader) -> BinaryIO:
    # Looked at and not read: a pipe cannot be read twice.
    if raw.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), base.CHUNK_BYTES)
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


def _checked(source: str, first: int, data: bytes) -> Chunk:
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
    return Chunk(first, data)
