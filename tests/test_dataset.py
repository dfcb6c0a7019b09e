"""The user's data: what is read is what is there, and every fault gets one line."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import textwrap
import threading
import warnings
import zipfile
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simnorm import spool
from simnorm.dataset import Dataset, read_dataset
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.readers import base, lines
from simnorm.readers.base import MISSING
from simnorm.reading import parsed

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402  # after the question whether it is there

# The same examples in every run: a red test is a changed program, never an unlucky day.
steady = settings(derandomize=True, deadline=None, max_examples=150)
fuzz = settings(steady, max_examples=250)

VALUES = {
    "a": np.array([0.1, -2.5, 1e-300 + 3.0, 123456.789, 5e-324, -0.0]),
    "b c": np.array([1.0, 2.0, -3.0, 2.0**53 - 1, 0.0, 7.0]),
}
HEAD = ("a", "b c")
ROWS = [tuple(float(VALUES[name][row]) for name in HEAD) for row in range(6)]


@pytest.fixture
def small_blocks(monkeypatch):
    """Files are read a few bytes, arrays a few cells at a time."""
    monkeypatch.setattr(base, "CHUNK_BYTES", 64)
    monkeypatch.setattr(base, "FIRST_BYTES", 16)
    monkeypatch.setattr(base, "BLOCK_CELLS", 8)
    monkeypatch.setattr(spool, "PART_BYTES", 64)


def cells(rows=ROWS, decimal="."):
    return [[repr(value).replace(".", decimal) for value in row] for row in rows]


def csv_text(rows=ROWS, head=HEAD, sep=",", end="\n", decimal=".", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sep, lineterminator=end, quoting=quoting)
    writer.writerow(head)
    writer.writerows(cells(rows, decimal))
    return out.getvalue()


def packed():
    return gzip.compress(csv_text().encode())


def frame(**columns):
    return pd.DataFrame(columns or {name: VALUES[name] for name in HEAD})


def write_parquet(path, table=None, **options):
    parquet.write_table(pa.table(VALUES if table is None else table), path, **options)
    return path


def write_npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def write_npy(path, array):
    np.save(path, array)
    return path


def put(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_quietly(data: Any, **how: Any) -> Dataset:
    """Read; whatever warning leaks is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_dataset(data, **how)


def outcome(data: Any, **how: Any) -> Dataset | str:
    """Return what was read, or the line that refuses it; any other exception is a red test."""
    try:
        return read_quietly(data, **how)
    except SimnormError as error:
        line = str(error)
    assert len(line) < 600
    assert line.isprintable()
    return line


def refusal(data: Any, **how: Any) -> str:
    """Return the line that refuses the data."""
    line = outcome(data, **how)
    assert isinstance(line, str)
    return line


def bits(found: Dataset) -> dict[str, bytes]:
    return {name: found.values([name])[:, 0].tobytes() for name in found.columns}


def expected_bits(values=VALUES):
    return {name: (np.asarray(column, float) + 0.0).tobytes() for name, column in values.items()}


# 1. Every kind of source gives the same numbers.

STRUCTURED = np.array(ROWS, dtype=[("a", "f8"), ("b c", ">f8")])
SOURCES: dict[str, Callable[[Path], Any]] = {
    "csv": lambda d: put(d / "t.csv", csv_text()),
    "csv as text path": lambda d: str(put(d / "t.csv", csv_text())),
    "capital ending": lambda d: put(d / "T.CSV", csv_text()),
    "csv.gz": lambda d: put(d / "t.csv.gz", gzip.compress(csv_text().encode())),
    "csv.gz of two parts": lambda d: put(
        d / "t.csv.gz",
        gzip.compress(csv_text().encode()[:30]) + gzip.compress(csv_text().encode()[30:]),
    ),
    "gzip that is called csv": lambda d: put(d / "t.csv", gzip.compress(csv_text().encode())),
    "tsv": lambda d: put(d / "t.tsv", csv_text(sep="\t")),
    "tsv.gz": lambda d: put(d / "t.tsv.gz", gzip.compress(csv_text(sep="\t").encode())),
    "quoted csv": lambda d: put(d / "t.csv", csv_text(quoting=csv.QUOTE_ALL)),
    "quoted names": lambda d: put(d / "t.csv", '"a","b c"\n' + csv_text().split("\n", 1)[1]),
    "crlf": lambda d: put(d / "t.csv", csv_text(end="\r\n")),
    "quoted crlf": lambda d: put(d / "t.csv", csv_text(end="\r\n", quoting=csv.QUOTE_ALL)),
    "byte order mark": lambda d: put(d / "t.csv", b"\xef\xbb\xbf" + csv_text().encode()),
    "byte order mark, quoted": lambda d: put(
        d / "t.csv", b"\xef\xbb\xbf" + csv_text(quoting=csv.QUOTE_ALL).encode()
    ),
    "old mac": lambda d: put(d / "t.csv", csv_text(end="\r")),
    "no last line end": lambda d: put(d / "t.csv", csv_text().rstrip("\n")),
    "empty lines": lambda d: put(d / "t.csv", "\n\n" + csv_text().replace("\n", "\n\n")),
    "spaces": lambda d: put(d / "t.csv", csv_text().replace(",", " ,  ")),
    "parquet": lambda d: write_parquet(d / "t.parquet"),
    "parquet, small groups": lambda d: write_parquet(d / "t.parquet", row_group_size=2),
    "parquet of pandas": lambda d: (frame().to_parquet(d / "t.pq"), d / "t.pq")[1],
    "npz": lambda d: write_npz(d / "t.npz", **VALUES),
    "npz, compressed": lambda d: (np.savez_compressed(d / "t.npz", **VALUES), d / "t.npz")[1],
    "structured npy": lambda d: write_npy(d / "t.npy", STRUCTURED),
    "structured array": lambda _: STRUCTURED,
    "dict of arrays": lambda _: VALUES,
    "dict of lists": lambda _: {name: column.tolist() for name, column in VALUES.items()},
    "dict of series": lambda _: {name: pd.Series(column) for name, column in VALUES.items()},
    "dict of objects": lambda _: {name: column.astype(object) for name, column in VALUES.items()},
    "frame": lambda _: frame(),
    "frame, other index": lambda _: frame().set_index(pd.Index(list("uvwxyz"))),
    "nullable frame": lambda _: frame().astype("Float64"),
    "arrow frame": lambda _: frame().convert_dtypes(dtype_backend="pyarrow"),
    "frame of objects": lambda _: frame().astype(object),
    "frame of decimals": lambda _: frame().map(lambda value: Decimal(repr(value))),
    "sparse frame": lambda _: frame().astype(pd.SparseDtype(float)),
    "arrow table": lambda _: pa.table(VALUES),
    "masked arrays": lambda _: {name: np.ma.array(column) for name, column in VALUES.items()},
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("blocks", ["whole", "small"])
def test_every_source_gives_the_same_numbers(kind, blocks, tmp_path, request):
    """Bit for bit, in the order of the columns, also when it is read in small blocks."""
    if blocks == "small":
        request.getfixturevalue("small_blocks")
    found = read_quietly(SOURCES[kind](tmp_path))
    assert bits(found) == expected_bits()
    assert found.size == 6
    assert not found.dropped
    assert not found.notes
    assert not found.skipped
    assert found.digest() == read_dataset(VALUES).digest()


@pytest.mark.parametrize("sep", [";", "\t", "|", " ", "\x1f"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_separators_and_decimal_commas(sep, decimal, quoting, tmp_path):
    """Any separator with either decimal point."""
    text = csv_text(head=("a", "b"), sep=sep, decimal=decimal, quoting=quoting)
    found = read_quietly(put(tmp_path / "t.txt", text), separator=sep, decimal=decimal)
    assert bits(found) == expected_bits({"a": VALUES["a"], "b": VALUES["b c"]})


def test_quoted_decimal_commas_between_commas(tmp_path):
    """A field in quotes may hold the separator as its decimal point."""
    path = put(tmp_path / "t.csv", 'a,b\n"1,5",2\n"-0,25",3\n')
    assert read_quietly(path, decimal=",").values(["a", "b"]).tolist() == [[1.5, 2], [-0.25, 3]]


ARRAYS = {
    "1-d": (np.array([1.5, 2, 4]), {"x": [1.5, 2, 4]}),
    "list": ([1.5, 2, 4], {"x": [1.5, 2, 4]}),
    "tuple of tuples": (((1, 2), (3, 4)), {"x1": [1, 3], "x2": [2, 4]}),
    "2-d": (np.array([[1.0, 2], [3, 4]]), {"x1": [1, 3], "x2": [2, 4]}),
    "2-d by columns": (np.asfortranarray([[1.0, 2], [3, 4]]), {"x1": [1, 3], "x2": [2, 4]}),
    "2-d of whole numbers": (np.array([[1, 2], [3, 4]]), {"x1": [1, 3], "x2": [2, 4]}),
    "every second row": (np.arange(6.0)[::2], {"x": [0, 2, 4]}),
    "float32": (np.array([0.1, 2], "f4"), {"x": [float(np.float32(0.1)), 2]}),
    "float16": (np.array([0.1, 2], "f2"), {"x": [float(np.float16(0.1)), 2]}),
    "big-endian": (np.array([0.1, 2], ">f8"), {"x": [0.1, 2]}),
    "int8": (np.array([-128, 127], "i1"), {"x": [-128, 127]}),
    "int64": (np.array([-(2**53), 2**53], "i8"), {"x": [-(2**53), 2**53]}),
    "least int64": (np.array([-(2**63), 1], "i8"), {"x": [-(2.0**63), 1]}),
    "uint64": (np.array([2**63, 1], "u8"), {"x": [2.0**63, 1]}),
    "decimals": ([Decimal("0.1"), Decimal("1E+3")], {"x": [0.1, 1000]}),
    "fractions": ([Fraction(1, 3), 1], {"x": [1 / 3, 1]}),
    "huge whole numbers": ([10**20, 1], {"x": [1e20, 1]}),
    "numpy scalars": (np.array([np.float32(0.5), 2], object), {"x": [0.5, 2]}),
    "nested fields": (
        np.array([(1, (2, [3, 4])), (5, (6, [7, 8]))],
                 [("p", "i2"), ("q", [("r", "f4"), ("s", "u1", (2,))])]),
        {"p": [1, 5], "q.r": [2, 6], "q.s1": [3, 7], "q.s2": [4, 8]},
    ),
    "series": (pd.Series([1.5, 2]), {"x": [1.5, 2]}),
    "named series": (pd.Series([1.5, 2], name="q"), {"q": [1.5, 2]}),
    "numbered columns": (pd.DataFrame([[1, 2], [3, 4]]), {"0": [1, 3], "1": [2, 4]}),
    "Int64": (frame(q=pd.array([1, 2], "Int64")), {"q": [1, 2]}),
    "UInt8": (frame(q=pd.array([1, 255], "UInt8")), {"q": [1, 255]}),
    "Float32": (frame(q=pd.array([0.1, 2], "Float32")), {"q": [float(np.float32(0.1)), 2]}),
    "arrow decimals": (
        frame(q=pd.array([Decimal("0.10"), Decimal("2.30")], pd.ArrowDtype(pa.decimal128(9, 2)))),
        {"q": [0.1, 2.3]},
    ),
    "dict with a table": ({"q": np.eye(2), "r": [5, 6]}, {"q1": [1, 0], "q2": [0, 1], "r": [5, 6]}),
    "masked without a gap": (np.ma.array([1, 2], mask=False), {"x": [1, 2]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.usefixtures("small_blocks")
def test_arrays_of_every_type(kind, tmp_path):
    """Numbers of every type become the doubles that Python makes of them; and from .npy."""
    given_data, columns = ARRAYS[kind]
    assert bits(read_quietly(given_data)) == expected_bits(columns)
    if isinstance(given_data, np.ndarray) and not given_data.dtype.hasobject:
        path = write_npy(tmp_path / "t.npy", np.asarray(given_data))
        assert bits(read_quietly(path)) == expected_bits(columns)
        path = write_npz(tmp_path / "t.npz", x=np.asarray(given_data))
        assert bits(read_quietly(path)) == expected_bits(columns)


class LikePolars:
    def to_pandas(self) -> pd.DataFrame:
        return frame()


OBJECTS = {
    **{kind: data for kind, (data, _) in ARRAYS.items()},
    "list": [1.0, 2.0],
    "dict": {"a": [1.0, 2.0]},
    "dict of series": {"a": pd.Series([1.0, 2.0])},
    "frame": frame(),
    "masked": np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
    "masked fields": np.ma.array([(1.0, 2), (3.0, 4)], dtype=[("a", "f8"), ("b", "i4")]),
    "arrow table": pa.table({"q": [1.0, 2.0]}),
    "arrow batch": pa.record_batch({"q": [1.0, 2.0]}),
    "arrow array": pa.array([1.0, 2.0]),
    "arrow column": pa.chunked_array([[1.0], [2.0]]),
    "other tables": LikePolars(),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_in_no_file_is_known_by_its_name(kind):
    """A design that was made with an object asks for it, whatever it was, and for no file."""
    design = Design.make(data=OBJECTS[kind], batch_sizes=[2], na="drop")
    assert design.data in base.IN_MEMORY
    with pytest.raises(SimnormError, match="it is in no file"):
        Design.from_dict(design.to_dict())


@pytest.mark.parametrize(
    "kind", ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.usefixtures("small_blocks")
def test_parquet_of_every_type(kind, gap, tmp_path):
    """Numbers of every type, with gaps too."""
    numbers = [1, 2, None if gap else 5, 7]
    column = pa.array(numbers, pa.float64()).cast(kind)
    found = read_quietly(write_parquet(tmp_path / "t.parquet", {"q": column}), na="drop")
    assert found.values(["q"])[:, 0].tolist() == [value for value in numbers if value is not None]


@pytest.mark.parametrize("number", ["0.1", "2.3", "1234567.89", "-99999999.99", "0.07"])
def test_parquet_decimals_are_read_like_text(number, tmp_path):
    """The double next to the decimal, not the quotient of two doubles."""
    column = pa.array([Decimal(number), Decimal(1)] * 3, pa.decimal128(38, 12))
    found = read_quietly(write_parquet(tmp_path / "t.parquet", {"q": column}))
    assert found.values(["q"])[0, 0] == float(number)


def test_a_pipe_is_read_like_a_file(tmp_path):
    """A named pipe of text is read; what is packed in it too."""
    for content in (csv_text().encode(), gzip.compress(csv_text().encode())):
        pipe = tmp_path / "pipe.csv"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        assert bits(read_quietly(pipe)) == expected_bits()
        writer.join()
        pipe.unlink()


def test_every_decimal_is_read_to_its_double(tmp_path):
    """Hard cases: halfway between doubles, many digits, the ends of the range."""
    texts = [
        "0.1000000000000000055511151231257827021181583404541015625",
        "9007199254740992.9999999999", "1.7976931348623157e10", "2.2250738585072011e-308",
        "4.9406564584124654e-324", "1e-5", "123456789012345678e-10", "+5", "-.5", "5.", "007",
        "1E+5", "0.30000000000000004", "8.5e0", "1" * 40 + "e-30", "." + "0" * 30 + "1",
    ]  # fmt: skip
    path = put(tmp_path / "t.csv", "\n".join(["x", *texts]))
    assert read_quietly(path).values(["x"])[:, 0].tolist() == [float(text) for text in texts]


# 2. Faults.

LONG = "n" * 5000
GAP = "na='drop'"
WINE = (
    "178,13,class_0,class_1,class_2\n" + "14.23,1.71,2.43,15.6,127.0,2.8,3.06,0.28,2.29,5,1,3,7,0\n"
)
FAULTY_TEXT: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "the file is empty"),
    "only a mark": (b"\xef\xbb\xbf", "the file is empty"),
    "only empty lines": ("\n\r\n\n", "the file is empty"),
    "header only": ("a,b\n", "it has no rows"),
    "one row": ("a,b\n1,2\n", "it has 1 row, two are the least"),
    "short row": ("a,b\n1,2\n3\n", "line 3 has 1 field, the header has 2. Every line needs all"),
    "long row": ("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, the header has 2. A field that holds"),
    "long and short rows": ("a,b,c\n1,2,3\n1,2\n1,2,3,4\n", "line 3 has 2 fields, the header"),
    "all rows longer": ("a,b\n1,2,3\n4,5,6\n", "line 2 has 3 fields, the header has 2. Line 1"),
    "separator at the end of rows": ("a,b\n1,2,\n3,4,\n", "line 2 has 3 fields"),
    "sample file of sklearn": (WINE, "it holds '178, 13, class_0, ...'"),
    "row of spaces": ("a,b\n1,2\n  \n3,4\n", "line 3 has 1 field"),
    "duplicate names": ("a,b,a\n1,2,3\n", "columns 1 and 3 have the same name, 'a'. Rename one."),
    "names that differ in spaces": ("a b,a  b \n1,2\n3,4\n", "have the same name, 'a b'"),
    "no header": ("1,2\n3,4\n", "its first line holds numbers (1, 2), no names"),
    "no header, with text": ("5.1,3.5,setosa\n4.9,3,setosa\n", "line holds numbers (5.1, 3.5)"),
    "text among numbers": ("a,b\n1,2\n1,x\n", "line 3, column 'b': 'x' is no number. Mend it"),
    "text with a decimal comma": ('a,b\n1,"2,5"\n', "line 2, column 'b': '2,5' is written with a"),
    "semicolons": ("a;b\n1,5;2\n", "its first line is separated by semicolons, not commas"),
    "semicolons behind a comma": ("x (m, s);b\n1;2\n", "the header has 2. Give separator"),
    "tabs": ("a\tb\n1\t2\n", "separated by tabs, not commas. Call the file .tsv"),
    "bars": ("a|b\n1|2\n", "separated by bars, not commas. Give separator='|' (--sep '|')."),
    "gap": ("a,b\n1,2\n,3\n", f"1 value of column 'a' is missing, in line 3. Give {GAP}"),
    "gaps": ("a,b\n1,2\nNA,\nnan,\n", "2 values of column 'a' are missing, the first in line 3; 1"),
    "gap that is an empty line": ("a\n1\n\n2\n\n", "1 value of column 'a' is missing, in line 3"),
    "infinite": ("a\n1\n-inf\n", "line 3, column 'a': '-inf' is infinite. Finite numbers"),
    "infinite by overflow": ("a\n1\n1e400\n", "line 3, column 'a': '1e400' is infinite"),
    "digits without end": ("a\n1\n" + "9" * 5000 + "\n", "is infinite"),
    "too large": ("a\n1\n-2e150\n", "'-2e150' is too large for its square"),
    "too narrow": ("a\n0\n1e-160\n", "column 'a' varies by less than 1e-150"),
    "no numbers": ("a,b\nx,y\nz,w\n", "it has no numeric column (a: text; b: text)"),
    "nothing but gaps": ("a,b\n,\n,\n", "no numeric column (a: nothing but gaps; b: nothing"),
    "no names": (",\n1,2\n3,4\n", "no column is left to measure"),
    "quote not closed": ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quote is opened and not closed"),
    "quote not closed, long": ('a,b\n1,2\n3,"4\n' + "5,6\n" * 50_000, "line 3: a field has more"),
    "text after a quote": ('a,b\n1,2\n3,"4"5\n', "line 3: ',' expected after '\"'. Mend"),
    "zero byte": (b"a,b\n1,2\n3,\x004\n", "line 3 holds a zero byte"),
    "latin-1": ("a,b\n1,2\n3,é\n".encode("latin-1"), "line 3 is no UTF-8 text (byte 0xe9). Save"),
    "latin-1 name": ("é,b\n1,2\n".encode("latin-1"), "line 1 is no UTF-8 text"),
    "latin-1, old mac": ("a,b\r1,2\r\r\n3,é\r".encode("latin-1"), "line 4 is no UTF-8 text"),
    "cut letter": ("a,b\n1,2\n3,é".encode()[:-1], "line 3 is no UTF-8 text (byte 0xc3)"),
    "utf-16": ("a,b\n1,2\n".encode("utf-16"), "it is UTF-16 text. Save it as UTF-8."),
    "utf-16, other order": ("a,b\n1,2\n".encode("utf-16-be"), "line 1 holds a zero byte"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0", "no UTF-8 text"),
    "python's digits": ("a\n1\n1_000\n", "line 3, column 'a': '1_000' is no number"),
    "hexadecimal": ("a\n1\n0x10\n", "'0x10' is no number"),
    "truth value": ("a\n1\nTrue\n", "'True' is no number"),
    "percent": ("a\n1\n2%\n", "'2%' is no number"),
    "date": ("a\n1\n2020-01-01\n", "'2020-01-01' is no number"),
    "thousands": ('a\n1\n"1,234"\n', "'1,234' is written with a comma. For decimal commas"),
    "line in quotes before": ('a,b\n"1\n\n",2\n3,4\n5\n', "line 6 has 1 field"),
    "row that begins above": ('t,b\nx,1\n"y\n\nz",q\n', "line 3, column 'b': 'q' is no number"),
    "long name": (f"{LONG},b\n1,2\nx,3\n", "column 'nnnnnnnnnnnnnnnnnnnn"),
    "name of several lines": ('"a\nb\u202e<i>😀",c\n1,2\nx,3\n', r"line 4, column 'a b\u202e<i>"),
    "cell of several lines": ('a,b\n1,2\n3,"x\n\u202ey"\n', r"column 'b': 'x\n\u202ey' is no"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY_TEXT)
@pytest.mark.parametrize("blocks", ["whole", "small"])
def test_faulty_text_gets_one_line(fault, blocks, tmp_path, request, capfd):
    """The line says what is wrong and where; nothing else is printed."""
    if blocks == "small":
        request.getfixturevalue("small_blocks")
    content, fragment = FAULTY_TEXT[fault]
    path = put(tmp_path / "t.csv", content)
    for source in (path, put(tmp_path / "t.csv.gz", gzip.compress(path.read_bytes()))):
        line = refusal(source)
        assert fragment in line
        assert line.startswith("data: got '")
    assert capfd.readouterr() == ("", "")


def at_line(number, text, filler="{0},{0}.5", count=300_000, head="a,b"):
    lines = [head, *(filler.format(row % 97) for row in range(count))]
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


QUOTED = 'x "",\n{0}",{0}.5'
DEEP: dict[str, tuple[Callable[[], str], str]] = {
    "short row": (lambda: at_line(234_567, "1"), "line 234,567 has 1 field"),
    "empty field": (lambda: at_line(299_999, ",1"), "missing, in line 299,999"),
    "text": (lambda: at_line(123_456, "3,q"), "line 123,456, column 'b': 'q'"),
    "infinite": (lambda: at_line(123_457, "inf,3"), "line 123,457, column 'a': 'inf'"),
    "last line": (lambda: at_line(300_001, "3,4,5"), "line 300,001 has 3 fields"),
    "zero byte": (lambda: at_line(250_000, "\0,1"), "line 250,000 holds a zero byte"),
    "behind a quoted row": (
        lambda: at_line(5, '"3","4"').replace("\n96,96.5\n95", "\n96\n95")
        + "7\n", "line 300,002 has 1 field",
    ),
    "behind fields of two lines": (
        lambda: at_line(150_000, "1,2,3", '"' + QUOTED, 160_000),
        "line 299,998 has 3 fields",
    ),
    "text behind fields of two lines": (
        lambda: at_line(150_000, '"",z', '"' + QUOTED, 160_000),
        "line 299,998, column 'b': 'z'",
    ),
    "behind empty lines": (
        lambda: at_line(100, "1,2\n\n\n").replace("\n3,3.5\n", "\n\n3,3.5\n") + "8",
        "line 303,098 has 1 field",
    ),
    "windows lines": (lambda: at_line(200_000, "x,1").replace("\n", "\r\n"), "line 200,000, col"),
    "old mac": (lambda: at_line(200_000, "x,1").replace("\n", "\r"), "line 200,000, column 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", DEEP)
def test_line_numbers_deep_in_a_file(fault, tmp_path):
    """The number is that of an editor: behind block ends, quoted line ends and empty lines."""
    make, fragment = DEEP[fault]
    assert fragment in refusal(put(tmp_path / "t.csv", make()))


def test_row_numbers_deep_in_a_file_of_numbers(tmp_path):
    """Rows of arrays and of Parquet are counted from 0, across blocks too."""
    column = np.arange(2_500_000.0)
    column[2_345_678] = np.inf
    for source in (
        column,
        write_npy(tmp_path / "t.npy", column),
        write_npz(tmp_path / "t.npz", x=column),
        write_parquet(tmp_path / "t.parquet", {"x": column}),
    ):
        with pytest.raises(SimnormError, match=r"row 2,345,678, column 'x': 'inf' is infinite"):
            read_quietly(source)


class Broken:
    """What says it is an array, and is none."""

    def __array__(self, *_: object, **__: object) -> None:
        raise RuntimeError("no\nluck")


class BrokenTable:
    def to_pandas(self) -> None:
        raise KeyError("x")


FAULTY_OBJECTS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "'x' is no array (NoneType)"),
    "number": (3, "'x' is no array (int)"),
    "set": ({1, 2}, "'x' is no array (set)"),
    "generator": ((row for row in ()), "'x' is no array (generator)"),
    "bytes": (b"a,b", "'x' is no array (bytes)"),
    "broken array": (Broken(), "'x' cannot be made an array (no luck)"),
    "broken table": (BrokenTable(), "cannot be turned into a DataFrame ('x')"),
    "empty list": ([], "it has no rows"),
    "empty dict": ({}, "it has no columns"),
    "empty frame": (pd.DataFrame(), "it has no columns"),
    "frame without rows": (frame(a=np.empty(0)), "it has no rows"),
    "no columns": (np.empty((5, 0)), "it has no columns"),
    "one row": ([1.0], "it has 1 row"),
    "three dimensions": (np.zeros((2, 2, 2)), "'x' has shape (2, 2, 2), allowed are (N,) and"),
    "ragged lists": ([[1, 2], [3]], "'x' is no array: its rows have unequal lengths"),
    "unequal lengths": ({"a": [1, 2], "b": [1]}, "columns have unequal lengths ('a' 2, 'b' 1)"),
    "scalar column": ({"a": 3}, "'a' is no array (int)"),
    "complex": (np.array([1j, 2]), "no numeric column (x: complex128)"),
    "bool": ([True, False], "no numeric column (x: text)"),
    "bool array": (np.array([True, False]), "no numeric column (x: bool)"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), "no numeric column (x: datetime64[D])"),
    "python's dates": ([datetime.date(2020, 1, 1)] * 2, "no numeric column (x: text)"),
    "text": (["1", "2"], "no numeric column (x: text)"),
    "text among numbers": ([1.5, "2"], "row 1, column 'x'"),
    "truth value among numbers": (np.array([1, True], object), "row 1, column 'x': 'True'"),
    "list among numbers": (np.array([1, [2], 3], object), "row 1, column 'x': 'a list' is no"),
    "text in a column of objects": (frame(a=[1, "q", 2]), "row 1, column 'a'"),
    "digits without end": ([10**5000, 1], "row 0, column 'x': '1e5000' is infinite"),
    "nan": ([1, float("nan"), 2], "1 value of column 'x' is missing, in row 1"),
    "none": ([1, None, 2], "1 value of column 'x' is missing, in row 1"),
    "nullable": (frame(a=pd.array([1, None], "Int64")), "of column 'a' is missing, in row 1"),
    "masked": (np.ma.array([1, 2, 3], mask=[0, 1, 0]), "of column 'x' is missing, in row 1"),
    "all nan": (np.full(3, np.nan), "no numeric column (x: nothing but gaps)"),
    "infinite": (np.array([[1, 2], [3, -np.inf]]), "row 1, column 'x2': '-inf' is infinite"),
    "infinite decimal": ([Decimal("Infinity"), 1], "row 0, column 'x': 'Infinity' is infinite"),
    "longer floats": (np.array([1, "1e4000"], np.longdouble), "row 1, column 'x'"),
    "float32 is not small": (np.array([1, 3e38, np.inf], "f4"), "row 2, column 'x': 'inf'"),
    "keys of the same text": ({1: [1, 2], "1": [3, 4]}, "columns 1 and 2 have the same name, '1'"),
    "table beside its column": ({"x": np.eye(2), "x1": [1, 2]}, "columns 1 and 3 have the same"),
    "frame's duplicate names": (pd.DataFrame(np.eye(2), columns=["q", "q"]), "the same name, 'q'"),
    "field of a table": (np.zeros(2, [("a", "f8", (2, 2))]), "its field 'a' has shape (2, 2)"),
    "fields in columns": (np.zeros((2, 2), [("a", "f8")]), "has fields in more than one column"),
    "masked fields": (np.ma.array([(1,), (2,)], mask=[(0,), (1,)], dtype=[("a", "f8")]), "masked"),
    "no path": ("", "the name of a file is needed"),
    "zero in a path": ("a\0.csv", "the name of a file is needed"),
    "missing file": ("no/such.csv", "there is no such file"),
    "long path": ("x" * 5000 + ".csv", "it cannot be read (File name too long)"),
    "device": ("/dev/null", "it is no regular file"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY_OBJECTS)
def test_faulty_objects_get_one_line(fault, capfd):
    """Whatever it is: one line, no warning."""
    data, fragment = FAULTY_OBJECTS[fault]
    assert fragment in refusal(data)
    assert capfd.readouterr() == ("", "")


def truncated(path, count=20):
    return put(path, path.read_bytes()[:-count])


def flipped(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    return put(path, bytes(content))


def npy_with_head(path, head):
    text = head.encode().ljust(118) + b"\n"
    return put(path, b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(32))


def zip_of(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


NESTED = {"s": pa.array([{"u": 1, "v": 2}] * 3), "l": pa.array([[1], [2], [3]])}
FAULTY_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "folder": (lambda d: d, "it is a folder"),
    "folder called csv": (lambda d: ((d / "t.csv").mkdir(), d / "t.csv")[1], "it is a folder"),
    "other ending": (lambda d: put(d / "t.xlsx", b"PK"), "files that can be read end in .csv"),
    "no ending": (lambda d: put(d / "t", b"a,b"), "give separator, on the command line --sep"),
    "typing error": (lambda d: (put(d / "train.csv", ""), d / "trian.csv")[1],
                     "there is no such file. Did you mean 'train.csv'?"),
    "no gzip": (lambda d: put(d / "t.csv.gz", csv_text()), "it is no gzip file, as its"),
    "cut gzip": (lambda d: truncated(put(d / "t.csv.gz", packed())),
                 "the compressed file is damaged"),
    "wrong checksum": (lambda d: flipped(put(d / "t.csv.gz", packed()), -6),
                       "the compressed file is damaged"),
    "something after gzip": (lambda d: put(d / "t.csv.gz", gzip.compress(b"a\n1\n2\n") + b"rest"),
                             "the compressed file is damaged"),
    "unpacked parquet": (lambda d: put(d / "t.parquet", csv_text()), "it is no Parquet file"),
    "empty parquet": (lambda d: put(d / "t.parquet", b""), "it is no Parquet file"),
    "cut parquet": (lambda d: truncated(write_parquet(d / "t.parquet")), "it is no Parquet file"),
    "flipped parquet": (lambda d: flipped(write_parquet(
        d / "t.parquet", {"a": np.arange(1000.0)}, compression="none", use_dictionary=False,
        write_page_checksum=True), 2000), "it is damaged"),
    "parquet without columns": (lambda d: write_parquet(d / "t.parquet", {}),
                                "it has no columns"),
    "parquet without rows": (lambda d: write_parquet(d / "t.parquet", {"a": pa.array([], "f8")}),
                             "it has no rows"),
    "nested parquet": (lambda d: write_parquet(d / "t.parquet", NESTED),
                       "no numeric column (s: struct<u: int64, v: int64>; l: list<"),
    "parquet's duplicate names": (lambda d: (parquet.write_table(
        pa.Table.from_arrays([pa.array([1, 2])] * 2, ["q", "q"]), d / "t.parquet"),
        d / "t.parquet")[1], "columns 1 and 2 have the same name, 'q'"),
    "empty npy": (lambda d: put(d / "t.npy", b""), "'x' is no array in numpy's format"),
    "no npy": (lambda d: put(d / "t.npy", csv_text()), "'x' is no array in numpy's format"),
    "cut npy": (lambda d: truncated(write_npy(d / "t.npy", np.ones(9))), "'x' is damaged"),
    "longer npy": (lambda d: put(d / "t.npy", write_npy(d / "t.npy", np.ones(9)).read_bytes() * 2),
                   "'x' is damaged: its head tells of 72 bytes of data, 272 are there"),
    "objects in npy": (lambda d: write_npy(d / "t.npy", np.array([1, None], object)),
                       "'x' holds Python objects, which are not read"),
    "pickle called npy": (lambda d: put(d / "t.npy", pickle.dumps([1, 2])), "no array in numpy's"),
    "call in a head": (lambda d: npy_with_head(d / "t.npy", "{'descr': exit(), 'shape': (4,)}"),
                       "the head of 'x' is damaged"),
    "negative shape": (lambda d: npy_with_head(
        d / "t.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (-4,)}"),
        "the head of 'x' is damaged"),
    "text as shape": (lambda d: npy_with_head(
        d / "t.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': '4'}"),
        "the head of 'x' is damaged"),
    "millions of columns": (lambda d: npy_with_head(
        d / "t.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9999999999)}"),
        "is damaged"),
    "endless head": (lambda d: put(d / "t.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
                     "the head of 'x' is longer than"),
    "three dimensions": (lambda d: write_npy(d / "t.npy", np.ones((2, 2, 2))), "shape (2, 2, 2)"),
    "scalar": (lambda d: write_npy(d / "t.npy", np.float64(3)), "'x' has shape ()"),
    "no npz": (lambda d: put(d / "t.npz", b"x"), "the compressed file is damaged"),
    "empty npz": (lambda d: write_npz(d / "t.npz"), "it has no columns"),
    "text in npz": (lambda d: zip_of(d / "t.npz", a="hello"), "'a' is no array in numpy's format"),
    "flipped npz": (lambda d: flipped(write_npz(d / "t.npz", a=np.ones(99)), 300),
                    "'a.npy' is damaged (Bad CRC-32"),
    "npz of unequal lengths": (lambda d: write_npz(d / "t.npz", a=[1, 2], b=[1]), "('a' 2, 'b' 1)"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY_FILES)
def test_faulty_files_get_one_line(fault, tmp_path, capfd):
    """Files of every kind that are damaged, hostile or something else."""
    make, fragment = FAULTY_FILES[fault]
    assert fragment in refusal(make(tmp_path))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("count", [1, 512, 100_000])
@pytest.mark.parametrize("fill", [0, 1])
def test_the_checksum_of_a_packed_array_is_compared(count, fill, tmp_path):
    """Also if the last block ends where the numbers end."""
    path = tmp_path / "t.npz"
    np.savez_compressed(path, a=np.full((count, 2), fill, "f8"))
    with zipfile.ZipFile(path) as archive:
        checksum = archive.infolist()[0].CRC.to_bytes(4, "little")
    put(path, path.read_bytes().replace(checksum, b"\x01\x02\x03\x04"))
    assert "damaged (Bad CRC-32 for file 'a.npy')" in refusal(path)


def test_what_cannot_be_opened_gets_one_line(tmp_path, monkeypatch):
    """A file without permission, and one that breaks off in the middle."""
    path = put(tmp_path / "t.csv", csv_text())

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", denied)
        assert "it cannot be read (Permission denied)" in refusal(path)
    with monkeypatch.context() as patch:
        patch.setattr(lines, "_line_ends", lambda _: broken_disk())
        assert "it cannot be read (Input/output error)" in refusal(path)


def broken_disk():
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty", "/dev/random"])
def test_devices_are_not_read(device):
    """They have no end, or nothing in them."""
    if Path(device).exists():
        assert "it is no regular file" in refusal(device, separator=",")


def test_a_pipe_is_no_table_of_numpy(tmp_path):
    """What has to be read at several places is no pipe; nobody waits for one."""
    for name in ("t.npy", "t.npz", "t.parquet"):
        os.mkfifo(tmp_path / name)
        assert "it is no regular file" in refusal(tmp_path / name)


def test_a_file_without_line_ends_is_not_read_into_one_line(tmp_path, monkeypatch):
    """Lines have a limit, packed or not."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 18)
    text = b"a\n1\n" + b"0" * (1 << 23)
    for path in (put(tmp_path / "t.csv", text), put(tmp_path / "t.csv.gz", gzip.compress(text))):
        assert "line 3 is longer than 262,144 bytes" in refusal(path)


@pytest.mark.parametrize("separator", ["", ";;", "a", "1", ".", "-", '"', "\n", "\0", "§", "é"])
def test_separators_that_cannot_be(separator, tmp_path):
    """One character that is no part of a number, a name or a line."""
    path = put(tmp_path / "t.csv", csv_text())
    assert refusal(path, separator=separator).startswith("separator: got ")


@pytest.mark.parametrize(("name", "word"), [("na", "mean"), ("na", None), ("decimal", ";")])
def test_words_that_are_not_known(name, word):
    """The line begins with the parameter."""
    assert refusal([1, 2], **{name: word}).startswith(f"{name}: got ")


def test_without_pyarrow_parquet_asks_for_it(tmp_path, monkeypatch):
    """Everything else is read without it."""
    path = write_parquet(tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Install it: pip install 'simnorm[parquet]'." in refusal(path)


# Which columns.

MIXED = "id,when,n,ok,city,z\n,2020-01-01,1,True,Oslo,7\n,2020-01-02,2,False,5,8\n"
MIXED_FRAME = pd.DataFrame(
    {
        "id": [np.nan, np.nan],
        "when": pd.to_datetime(["2020-01-01", "2020-01-02"]),
        "n": [1, 2],
        "ok": [True, False],
        "city": ["Oslo", "5"],
        "z": [7, 8],
        "kind": pd.Categorical([1, 2]),
        "span": pd.to_timedelta([1, 2], "s"),
        "point": [1j, 2j],
    }
)


def test_columns_that_are_not_numeric_are_skipped_and_listed(tmp_path):
    """With why, in the notes too."""
    found = read_quietly(put(tmp_path / "t.csv", MIXED))
    assert found.columns == ("n", "z")
    text = dict.fromkeys(("when", "ok", "city"), "text")
    assert found.skipped == text | {"id": "nothing but gaps"}
    listed = "columns not measured: when (text), ok (text), city (text), id (nothing but gaps)"
    assert found.notes == (listed,)


def test_a_frames_columns_that_are_not_numeric(tmp_path):
    """Their types are told; Parquet says the same of the same table."""
    found = read_quietly(MIXED_FRAME)
    assert found.columns == ("n", "z")
    assert found.skipped["city"] == "text"
    assert found.skipped["ok"] == "bool"
    assert found.skipped["kind"] == "category"
    assert found.skipped["when"].startswith("datetime64")
    assert found.skipped["point"] == "complex128"
    # Parquet keeps numbers that are categories as numbers.
    others = ["point", "kind"]
    MIXED_FRAME.drop(columns=others).to_parquet(tmp_path / "t.parquet")
    kept = read_quietly(tmp_path / "t.parquet")
    assert kept.columns == found.columns
    assert set(kept.skipped) == set(found.skipped) - set(others)


def test_dictionaries_and_texts_of_parquet_are_text(tmp_path):
    """However a text is stored; and its groups are those of the text."""
    words = ["u", "v", "u", None]
    table = {
        "t": pa.array(words),
        "l": pa.array(words, pa.large_string()),
        "d": pa.array(words).dictionary_encode(),
        "n": [1, 2, 3, 4],
        "none": pa.nulls(4),
    }
    path = write_parquet(tmp_path / "t.parquet", table)
    found = read_quietly(path, groups=["d"], na="drop")
    assert found.skipped == {
        "t": "text", "l": "text", "d": "it groups the rows", "none": "nothing but gaps",
    }  # fmt: skip
    assert found.group_codes("d").tolist() == [0, 1, 0]


def test_an_index_without_a_name_is_no_column(tmp_path):
    """As pandas writes it to CSV and to Parquet."""
    table = frame().set_index(pd.Index([3, 1, 4, 1, 5, 9]))
    table.to_csv(tmp_path / "t.csv")
    table.to_parquet(tmp_path / "t.parquet")
    by_text, stored = read_quietly(tmp_path / "t.csv"), read_quietly(tmp_path / "t.parquet")
    assert by_text.columns == stored.columns == HEAD
    assert by_text.skipped == {"column 1": "it has no name"}
    assert stored.skipped == {"column 3": "it has no name"}


def test_text_that_is_found_late_is_refused_and_early_is_skipped(tmp_path):
    """The first cell that is there decides, wherever the blocks end."""
    rows = "".join(f"{row},\n" for row in range(100_000))
    assert read_quietly(put(tmp_path / "t.csv", "a,b\n" + rows + "1,x\n")).columns == ("a",)
    line = refusal(put(tmp_path / "t.csv", "a,b\n0,7\n" + rows + "1,x\n"))
    assert "line 100,003, column 'b': 'x' is no number" in line
    assert line.endswith("exclude (--exclude) b.")
    assert read_quietly(tmp_path / "t.csv", exclude="b").columns == ("a",)


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        ("z,n", ("z", "n")),
        (["z", "n", "z"], ("z", "n")),
        (" n ", ("n",)),
        ("mean, worst", ("mean, worst",)),
        ("n,mean, worst,z", ("n", "mean, worst", "z")),
        ("mean,z", ("mean", "z")),
        ("mean,  worst,mean", ("mean, worst", "mean")),
        (["f(a", "n"], ("f(a", "n")),
        ("f(a,z", ("f(a", "z")),
        (("a  b",), ("a b",)),
        ("7", ("7",)),
        ([7], ("7",)),
    ],
)
def test_columns_by_name(asked, columns, tmp_path):
    """In the order asked for; names may hold commas, spaces and brackets."""
    names = ["n", "mean", "mean, worst", "f(a", "a b", "7", "z"]
    data = {name: [row, row + 1.5] for row, name in enumerate(names)}
    text = csv_text(list(zip(*data.values(), strict=True)), names)
    array = np.array([tuple(row) for row in zip(*data.values(), strict=True)],
                     [(name, "f8") for name in names])  # fmt: skip
    for source in (
        data,
        put(tmp_path / "t.csv", text),
        write_parquet(tmp_path / "t.parquet", data),
        write_npy(tmp_path / "t.npy", array),
    ):
        found = read_quietly(source, columns=asked)
        assert found.columns == columns
        for name in columns:
            first = names.index(name)
            assert found.values([name])[:, 0].tolist() == [first, first + 1.5]
        kept = read_quietly(source, exclude=asked).columns
        assert kept == tuple(name for name in names if name not in columns)


def test_columns_of_a_table_in_the_order_asked_for(tmp_path):
    """A table of one type is read as one."""
    table = np.arange(12.0).reshape(3, 4)
    path = tmp_path / "t.csv"
    pd.DataFrame(table, columns=["x1", "x2", "x3", "x4"]).to_csv(path, index=False)
    for source in (table, write_npy(tmp_path / "t.npy", table), path):
        found = read_quietly(source, columns="x4,x1,x3")
        assert found.columns == ("x4", "x1", "x3")
        assert found.values(["x4", "x1"]).tolist() == table[:, [3, 0]].tolist()


CHOICES = [
    (
        {"columns": "meen"},
        "columns: got 'meen'; the data have no such column. Did you mean 'mean'?",
    ),
    ({"columns": "mean,"}, ""),
    ({"columns": ""}, "columns: got ''; the name of one column at least is needed"),
    ({"columns": []}, "columns: got []; the name of one column"),
    ({"columns": 3}, "columns: got 3; names of columns are needed"),
    ({"columns": [None]}, "columns: got 'None'; the data have no such column"),
    ({"columns": "city"}, "columns: got 'city'; it holds text, no numbers"),
    ({"exclude": "sd"}, "exclude: got 'sd'; the data have no such column. They have mean, city."),
    ({"columns": "mean", "exclude": "mean"}, "exclude: got 'mean'; it is among the columns asked"),
    ({"exclude": "mean,city"}, "data: got 'a dict of arrays'; no column is left to measure"),
    ({"exclude": "mean"}, "it has no numeric column (city: text)"),
    ({"groups": ["citi"]}, "sampling: got 'grouped:citi'; the data have no such column. Did you"),
]


@pytest.mark.parametrize(("how", "fragment"), CHOICES)
def test_choices_that_cannot_be(how, fragment):
    """One line with the parameter, and the name that may be meant."""
    data = {"mean": [1, 2], "city": ["a", "b"]}
    if fragment:
        assert fragment in refusal(data, **how)
    else:
        assert read_quietly(data, **how).columns == ("mean",)


def test_a_column_of_text_that_is_asked_for(tmp_path):
    """Its first cell is shown."""
    line = refusal(put(tmp_path / "t.csv", MIXED), columns="n,city")
    assert line == "columns: got 'city'; it holds text, no numbers (line 2: 'Oslo')."


@pytest.mark.parametrize(
    "name", ["x" * 5000, "a\nb", "\u202etxt", "😀", "<script>", '#read("/etc/passwd")', "$x$", "'"]
)
def test_names_of_all_kinds(name, tmp_path):
    """They are kept, but for white space, and every line they are in can be read."""
    plain = " ".join(name.split())
    found = read_quietly({name: [1, 2], "t": ["x", "y"]})
    assert found.columns == (plain,)
    text = csv_text([(1.0, 2.0), (3.0, 4.0)], (name, "u"), quoting=csv.QUOTE_ALL)
    assert read_quietly(put(tmp_path / "t.csv", text)).columns == (plain, "u")
    for data, how in [
        ({name: [1, None]}, {}),
        ({name: [1, 2, "x"]}, {}),
        ({name: [1, 2]}, {"columns": plain[:-1] + "?"}),
        ({name: [1, 2]}, {"exclude": name}),
        ({name: ["x", "y"]}, {}),
        ({name: ["x", "y"]}, {"columns": [name]}),
        ({name: [1, 2], plain + " ": [1, 2]}, {}),
        ({"q": [1, 2], name: ["x", None]}, {"groups": [name]}),
    ]:
        refusal(data, **how)
    notes = read_quietly({name: ["x", "y"], "q": [2**53 + 1, 2]}).notes
    assert all(note.isprintable() and len(note) < 200 for note in notes)


# 3. Whatever csv writes is read back, and whatever happens to it is noticed.

doubles = st.floats(-1e150, 1e150, allow_nan=False).map(lambda value: value + 0.0)
gaps = st.sampled_from(sorted(MISSING))
ends = st.sampled_from(["\n", "\r\n", "\r"])
quotings = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(
    lambda name: "c" + " ".join(name.split())
)


@st.composite
def tables(draw):
    head = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    row = st.lists(doubles | gaps, min_size=len(head), max_size=len(head))
    return head, draw(st.lists(row, min_size=3, max_size=12))


@steady
@given(
    tables(), st.sampled_from(",;\t| "), st.sampled_from(".,"), ends, quotings,
    st.integers(1, 200), st.booleans(),
)  # fmt: skip
def test_what_csv_writes_is_read_back(
    tmp_path_factory, table, sep, decimal, end, quoting, size, last
):
    """Random names, numbers, gaps, separators, quotes, line ends and block sizes."""
    head, rows = table
    out = io.StringIO()
    # A comma in a number is quoted where it separates.
    writer = csv.writer(out, delimiter=sep, lineterminator=end, quoting=quoting)
    writer.writerow(head)
    for row in rows:
        writer.writerow(
            [cell if isinstance(cell, str) else repr(cell).replace(".", decimal) for cell in row]
        )
    text = out.getvalue() if last else out.getvalue().removesuffix(end)
    path = put(tmp_path_factory.mktemp("t") / "t.csv", text)
    there = [k for k in range(len(head)) if any(isinstance(row[k], float) for row in rows)]
    kept = [row for row in rows if all(isinstance(row[k], float) for k in there)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "CHUNK_BYTES", size)
        patch.setattr(base, "FIRST_BYTES", size)
        how = {"na": "drop", "separator": sep, "decimal": decimal}
        spread = [max(c) - min(c) for k in there if (c := [r[k] for r in rows if r[k] == r[k]
                  and isinstance(r[k], float)])]  # fmt: skip
        if not there or len(kept) < 2 or any(0 < width < 1e-150 for width in spread):
            refusal(path, **how)
            return
        if '"' not in text.split(end)[0] and len(head) == 1 and any(c in head[0] for c in ",;\t|"):
            assert "its first line is separated by" in refusal(path, **how)
            return
        found = read_quietly(path, **how)
    expected = {head[k]: [row[k] for row in kept] for k in there}
    assert bits(found) == expected_bits(expected)
    assert found.dropped == len(rows) - len(kept)


def reference(content: bytes, sep: str = ",") -> dict[str, list[float]] | None:
    """Return the numbers of a text by the standard library alone; None if there is a fault."""
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=sep, strict=True))
    except (ValueError, csv.Error):
        return None
    if len(rows[0] if rows else ()) != 1:
        rows = [row for row in rows if row]
    else:  # an empty line between others is a gap
        while rows and not rows[-1]:
            rows.pop()
        rows = [row or [""] for row in rows]
    if len(rows) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return None
    columns = {}
    for name, *cells in zip(*rows, strict=True):
        numbers = [number(cell) for cell in cells]
        there = [value for cell, value in zip(cells, numbers, strict=True)
                 if cell.strip().lower() not in MISSING]  # fmt: skip
        if there and there[0] is not None and name.strip():
            if None in there:
                return None
            columns[" ".join(name.split())] = numbers
    kept = [row for row in zip(*columns.values(), strict=True) if None not in row]
    return dict(zip(columns, map(list, zip(*kept, strict=True)), strict=True)) if kept else None


def number(cell: str) -> float | None:
    try:
        return None if "_" in cell or cell.strip().lower() in MISSING else float(cell)
    except ValueError:
        return None


def agrees(path: Path, content: bytes, **how: Any) -> bool:
    """Tell whether content was read; what was read is what the standard library reads."""
    found = outcome(put(path, content), na="drop", **how)
    if isinstance(found, str):
        return False
    assert bits(found) == expected_bits(reference(content))
    return True


TOKENS = [
    b"1", b"2.5", b"-3e2", b"0", b"007", b"+4", b".5", b"6.", b"9007199254740993", b"1e400", b"inf",
    b"nan", b"NA", b"Na", b"N/A", b"", b" ", b" 7", b"8 ", b"x", b"1_0", b"1e", b"e5", b"1.2.3",
    b"0x1", b"True", b"1d3", b"1,5", b"\xc2\xa01", b"\xd9\xa3", b"--1", b"1e+", b"Infinity",
    b"-0", b"\x1f",
    b'"1"', b'"2', b'3"', b'"4""5"', b'""', b'"6\n7"', b'"8,9"', b"1 2", b"18446744073709551616",
    b"1.#IND", b"-1.#QNAN", b"#N/A", b"-nan", b"null", b"1\x0b", b"#1", b"\\", b"'1'", b"1%", b"1f",
]  # fmt: skip


@fuzz
@given(
    st.lists(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3), min_size=2, max_size=6),
    st.integers(1, 3), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 40),
)  # fmt: skip
def test_odd_cells_are_read_as_the_standard_library_does_or_refused(
    tmp_path_factory, rows, width, end, size
):
    """Never a ragged result, another number, or a traceback; whatever the size of blocks."""
    lines = [[b"a", b"b", b"c"][:width], *([b"1"] * width, *rows)]
    content = end.join(b",".join(line) for line in lines)
    path = tmp_path_factory.mktemp("t") / "t.csv"
    whole = agrees(path, content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "CHUNK_BYTES", size)
        patch.setattr(base, "FIRST_BYTES", size)
        assert agrees(path, content) == whole


@pytest.mark.parametrize("token", [token for token in TOKENS if not set(token) & set(b'",\n')])
def test_a_cell_means_the_same_with_and_without_quotes(token, tmp_path):
    """The fast way and the careful way read every spelling alike."""
    found = []
    for cell in (token, b'"' + token + b'"'):
        path = put(tmp_path / "t.csv", b"a,t\n1,q\n2,q\n" + cell + b",q\n3,q\n")
        read = outcome(path, na="drop")
        found.append(read if isinstance(read, str) else read.values(["a"]).tolist())
    assert found[0] == found[1]


@fuzz
@given(st.binary(max_size=60), st.sampled_from(["csv", "tsv", "csv.gz", "parquet", "npy", "npz"]))
def test_random_bytes_are_refused_in_one_line(tmp_path_factory, content, ending):
    """Or they happen to be a table."""
    path = tmp_path_factory.mktemp("t") / f"t.{ending}"
    if ending == "csv":
        agrees(path, content)
        return
    outcome(put(path, content))


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Flip, take away, double or cut some bytes."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        if len(found) < 2:
            break
        at = rng.randrange(len(found))
        match rng.randrange(5):
            case 0:
                found[at] ^= 1 << rng.randrange(8)
            case 1:
                del found[at]
            case 2:
                found.insert(at, found[rng.randrange(len(found))])
            case 3:
                found[at] = rng.choice(b',"\n\r;\0\xff ')
            case _:
                if rng.random() < 0.3:
                    del found[max(at, 1) :]
    return bytes(found)


@pytest.mark.usefixtures("small_blocks")
def test_damaged_text_is_refused_or_read_as_it_is(tmp_path):
    """3,000 damaged files, some quoted, some of Windows: never a ragged or an altered result."""
    rng = random.Random(7)
    read = 0
    for round_ in range(3000):
        quoting = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL][round_ % 2]
        content = csv_text(end=["\n", "\r\n", "\r"][round_ % 3], quoting=quoting).encode()
        read += agrees(tmp_path / "t.csv", mutated(content, rng))
    # Some damage is another number or another name: not all can be refused.
    assert 300 < read < 2700


def stored(kind: str, folder: Path) -> Path:
    values = {name: np.resize(column, 300) for name, column in VALUES.items()}
    if kind == "csv.gz":
        text = csv_text([ROWS[row % 6] for row in range(300)])
        return put(folder / "t.csv.gz", gzip.compress(text.encode()))
    if kind == "npy":
        return write_npy(folder / "t.npy", np.column_stack(list(values.values())))
    if kind == "npz":
        np.savez_compressed(folder / "t.npz", **values)
        return folder / "t.npz"
    return write_parquet(folder / "t.parquet", values, write_page_checksum=True, row_group_size=100)


@pytest.mark.parametrize("kind", ["csv.gz", "npy", "npz", "parquet"])
def test_damaged_files_are_refused_or_have_the_same_numbers(kind, tmp_path):
    """What is packed has checksums: nothing altered comes through. .npy has none for numbers."""
    path = stored(kind, tmp_path)
    whole, content = read_dataset(path), path.read_bytes()
    rng = random.Random(11)
    for _ in range(400):
        found = outcome(put(path, mutated(content, rng)), na="drop")
        if isinstance(found, str):
            continue
        if kind in ("csv.gz", "npz") and found.columns == whole.columns:
            assert found.digest() == whole.digest()
        if kind == "npy":
            assert found.size + found.dropped in (300, 600)
    for count in range(0, len(content), max(1, len(content) // 150)):
        refusal(put(path, content[:count]))


# 4. Gaps.


@pytest.mark.usefixtures("small_blocks")
def test_drop_leaves_out_rows_with_a_gap(tmp_path):
    """In any measured column, in any block; and says how many remain."""
    rng = np.random.default_rng(1)
    table = rng.normal(size=(500, 3)).round(3)
    table[rng.random((500, 3)) < 0.1] = np.nan
    data = pd.DataFrame(table, columns=list("abc"))
    data.to_csv(tmp_path / "t.csv", index=False)
    data.to_csv(tmp_path / "q.csv", index=False, quoting=csv.QUOTE_ALL, na_rep="NULL")
    data.to_parquet(tmp_path / "t.parquet")
    np.save(tmp_path / "t.npy", np.asfortranarray(table))
    whole = table[~np.isnan(table).any(axis=1)]
    missing = int(np.isnan(table[:, 0]).sum())
    first = int(np.isnan(table[:, 0]).argmax())
    for source, place, start in [
        (tmp_path / "t.csv", "line", 2),
        (tmp_path / "q.csv", "line", 2),
        (tmp_path / "t.parquet", "row", 0),
        (data, "row", 0),
        (tmp_path / "t.npy", "row", 0),
    ]:
        names = ["x1", "x2", "x3"] if str(source).endswith(".npy") else ["a", "b", "c"]
        found = read_quietly(source, na="drop")
        assert found.values(names).tolist() == whole.tolist()
        assert (found.size, found.dropped) == (len(whole), 500 - len(whole))
        left = f"{500 - len(whole)} of 500 rows dropped, in which a value is missing; {len(whole)}"
        assert found.notes == (f"{left} remain",)
        line = refusal(source)
        assert f"{missing} values of column '{names[0]}' are missing, the first in" in line
        assert f"{place} {first + start:,}; 2 more columns with gaps" in line
        # Only gaps of chosen columns count.
        one = read_quietly(source, columns=[names[1]], na="drop")
        assert one.size == 500 - int(np.isnan(table[:, 1]).sum())
        most = read_quietly(source, exclude=names[0], na="drop")
        assert most.size == int((~np.isnan(table[:, 1:]).any(axis=1)).sum())


@pytest.mark.parametrize(
    ("rows", "left"),
    [("1,\n,2\n", "0 rows without a gap"), ("1,2\n,2\n3,\n", "1 row without a gap")],
)
def test_drop_that_leaves_too_little(rows, left, tmp_path):
    """Two rows are the least that can differ."""
    line = refusal(put(tmp_path / "t.csv", "a,b\n" + rows), na="drop")
    assert f"it has {left}, two are the least that can differ" in line


def test_drop_without_gaps_drops_nothing():
    """And says nothing."""
    found = read_quietly(VALUES, na="drop")
    assert bits(found) == expected_bits()
    assert (found.dropped, found.notes) == (0, ())


@pytest.mark.parametrize("word", sorted(MISSING))
def test_what_stands_for_a_gap(word, tmp_path):
    """In any mixture of letters, with spaces, in numbers and in groups."""
    for cell in (word, word.upper(), word.title(), f" {word} "):
        text = f"a,b,g\n1,2,u\n{cell},3,v\n5,6,{cell}\n7,8,v\n9,9,u\n"
        found = read_quietly(put(tmp_path / "t.csv", text), na="drop", groups=["g"])
        assert found.values(["a", "b"]).tolist() == [[1, 2], [7, 8], [9, 9]]
        assert found.group_codes("g").tolist() == [0, 1, 0]


def test_a_column_of_gaps_drops_no_row(tmp_path):
    """It is skipped, whatever the source says its type is."""
    path = put(tmp_path / "t.csv", "a,b\n1,\n2,\n")
    for source in (path, {"a": [1, 2], "b": [np.nan, np.nan]}, {"a": [1, 2], "b": [None, None]}):
        found = read_quietly(source, na="drop")
        assert (found.columns, found.size) == (("a",), 2)
        assert found.skipped == {"b": "nothing but gaps"}


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, 0.0, -1e149])
def test_constant_and_nearly_constant_columns_are_valid(value):
    """A spread of the last digit is a spread."""
    data = {"c": [value] * 3, "n": [value, value, np.nextafter(value, 2 * value + 1e-140)]}
    found = read_quietly({name: data[name] for name in (["c", "n"] if value else ["c"])})
    assert bits(found) == expected_bits({name: data[name] for name in found.columns})


@pytest.mark.usefixtures("small_blocks")
def test_whole_numbers_above_two_to_53_are_told(tmp_path):
    """Those that a double does not hold: how many, the first and where; the others are not."""
    big = [1, 2**53 + 2, 2**53 + 1, 2**60, 2**63 - 1, -(2**53) - 1]
    told = ": 3 whole numbers above 2^53 rounded to doubles (the first is '9007199254740993', "
    rows = "\n".join(f"{value},1.5" for value in big)
    quoted = "\n".join(f'"{value}","1.5"' for value in big)
    for source, place in [
        (put(tmp_path / "t.csv", f"q,r\n{rows}\n"), "line 4"),
        (put(tmp_path / "s.csv", f"q,r\n{quoted}\n"), "line 4"),
        (write_parquet(tmp_path / "t.parquet", {"q": big}), "row 2"),
        (write_npz(tmp_path / "t.npz", q=np.array(big)), "row 2"),
        ({"q": big}, "row 2"),
        ({"q": [*big[:-1], float(2**55), -(2**53) - 1]}, "row 2"),
        (pd.DataFrame({"q": pd.array(big, "Int64")}), "row 2"),
    ]:
        found = read_quietly(source)
        assert found.notes == (f"column q{told}{place})",)
        assert found.values(["q"])[:5, 0].tolist() == [float(value) for value in big[:5]]
    gappy = pd.DataFrame({"q": pd.array([2**53 + 1, None, 1], "Int64")})
    gappy.to_parquet(tmp_path / "g.parquet")
    for source in (gappy, tmp_path / "g.parquet"):
        notes = read_quietly(source, na="drop").notes
        assert notes[1] == (
            "column q: 1 whole number above 2^53 rounded to doubles ('9007199254740993', row 0)"
        )
    assert not read_quietly([2**53, 2**54, 10**20, 0]).notes


# 5. Groups and digests.


def group_sources(folder: Path, labels: list[object], values: list[float]) -> list[Any]:
    data = pd.DataFrame({"v": values, "g": labels})
    data.to_csv(folder / "t.csv", index=False)
    data.to_csv(folder / "q.csv", index=False, quoting=csv.QUOTE_ALL)
    data.to_parquet(folder / "t.parquet")
    return [data, folder / "t.csv", folder / "q.csv", folder / "t.parquet",
            {"v": values, "g": labels}]  # fmt: skip


@pytest.mark.parametrize(
    "labels",
    [
        ["v", "u", "v", "w", "u", "x"],
        [3, 1, 3, 7, 1, 0],
        [2**60 + 1, 2**60, 2**60 + 1, 5, 2**60, 6],
        [0.5, -1.5, 0.5, 1e30, -1.5, 0.0],
        [True, False, True, True, False, True],
        ["a,b", 'a"b', "a,b", "é", 'a"b', "x y"],
    ],
)
@pytest.mark.usefixtures("small_blocks")
def test_groups_are_numbered_in_order_of_appearance(labels, tmp_path):
    """Whatever they are called, and in whichever blocks they are."""
    order = list(dict.fromkeys(labels))
    codes = [order.index(label) for label in labels]
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]
    digests = set()
    for source in group_sources(tmp_path, labels, values):
        found = read_quietly(source, groups=["g"])
        assert found.columns == ("v",)
        assert found.skipped == {"g": "it groups the rows"}
        assert found.group_codes("g").tolist() == codes
        digests.add(found.group_digest("g"))
    assert len(digests) == 1
    renamed = [f"group {label}" for label in labels]
    other = read_dataset({"v": values, "g": renamed}, groups=["g"])
    assert {other.group_digest("g")} == digests


@pytest.mark.usefixtures("small_blocks")
def test_a_group_is_told_by_its_text_in_every_block(tmp_path):
    """A number is the same group in blocks with and without gaps, quotes or fractions."""
    labels = ["1", "2", "1", "", "2", '"1"', "1.5", "2", "1", "NA", "2"]
    text = "v,g\n" + "".join(f"{row},{label}\n" for row, label in enumerate(labels))
    found = read_quietly(put(tmp_path / "t.csv", text), groups=["g"], na="drop")
    assert found.group_codes("g").tolist() == [0, 1, 0, 1, 0, 2, 1, 0, 1]
    assert found.dropped == 2


def test_groups_with_gaps(tmp_path):
    """Refused with the place, or the row is dropped and groups are numbered anew."""
    labels = [None, "u", "v", "u", None, "w"]
    values = [1.0, np.nan, 3.0, 4.0, 5.0, 6.0]
    for source in group_sources(tmp_path, labels, values):
        found = read_quietly(source, groups=["g"], na="drop")
        assert found.values(["v"])[:, 0].tolist() == [3, 4, 6]
        assert found.group_codes("g").tolist() == [0, 1, 2]
        assert "1 value of column 'v' is missing" in refusal(source, groups=["g"])
    for source in group_sources(tmp_path, labels, [1.0, 2, 3, 4, 5, 6]):
        place = "line 2" if str(source).endswith(".csv") else "row 0"
        line = refusal(source, groups=["g"])
        assert f"the group column 'g' has a gap in {place}. Give na='drop'" in line


@pytest.mark.usefixtures("small_blocks")
def test_groups_with_gaps_in_many_parts(tmp_path, rng):
    """Each part has its own rows of the group's numbers."""
    labels = [None if value < 0.2 else f"g{value:.1f}" for value in rng.random(200)]
    values = rng.normal(size=200).tolist()
    whole = [row for row in range(200) if labels[row]]
    order = list(dict.fromkeys(labels[row] for row in whole))
    for source in group_sources(tmp_path, labels, values):
        found = read_quietly(source, groups=["g"], na="drop")
        assert len(found._parts) > 5
        assert found.values(["v"])[:, 0].tolist() == [values[row] for row in whole]
        assert found.group_codes("g").tolist() == [order.index(labels[row]) for row in whole]


def test_a_group_may_be_measured_too():
    """If it is asked for; several columns may group."""
    data = {"v": [1.5, 2, 3], "g": [7, 8, 7], "h": ["x", "y", "y"]}
    found = read_quietly(data, columns="g,v", groups=["g", "h"])
    assert found.columns == ("g", "v")
    assert found.values(["g"])[:, 0].tolist() == [7, 8, 7]
    assert found.group_codes("g").tolist() == [0, 1, 0]
    assert found.group_codes("h").tolist() == [0, 1, 1]
    with pytest.raises(SimnormError, match="the data were read without this column as a group"):
        found.group_codes("v")


def test_digests_are_those_of_the_content():
    """Another cell, name, order of rows or columns: another digest. Not another sign of zero."""
    base = {"a": [0.0, 1.5, 2.0], "b": [3.0, 4.0, 5.0]}
    digest = read_dataset(base).digest()
    same = {"a": np.array([-0.0, 1.5, 2.0], "f4"), "b": np.array([3, 4, 5], "u1")}
    assert read_dataset(same).digest() == digest
    different = [
        {"a": [0.0, 1.5, np.nextafter(2.0, 3)], "b": base["b"]},
        {"a": [5e-324, 1.5, 2.0], "b": base["b"]},
        {"a": base["a"], "c": base["b"]},
        {"a": base["a"][::-1], "b": base["b"][::-1]},
        {"b": base["b"], "a": base["a"]},
        {"b": base["a"], "a": base["b"]},
        {"a": base["a"]},
        {"a": [*base["a"], 0.0], "b": [*base["b"], 0.0]},
    ]
    digests = [read_dataset(data).digest() for data in different]
    assert len({digest, *digests}) == len(different) + 1


def test_digests_of_some_columns_and_of_groups():
    """They depend on what is named, and on nothing else."""
    data = {"a": [0.0, 1.5, 2.0], "b": [3.0, 4.0, 5.0], "g": ["x", "y", "x"]}
    found = read_dataset(data, groups=["g"])
    assert found.digest() == found.digest(["a", "b"])
    assert found.digest(["a"]) == read_dataset({"a": data["a"]}).digest()
    assert found.digest(["a"], ["g"]) != found.digest(["a"])
    other = read_dataset(data | {"g": ["x", "y", "y"]}, groups=["g"])
    assert other.digest() == found.digest()
    assert other.digest(None, ["g"]) != found.digest(None, ["g"])


def test_what_was_read_is_not_the_users_array(rng):
    """A later change of the array changes nothing."""
    array = rng.normal(size=(50, 2))
    before = array.copy()
    found = read_dataset(array)
    array[:] = 0
    assert found.values(["x1", "x2"]).tolist() == before.tolist()
    values = found.values(["x1"])
    values[:] = 7
    assert found.values(["x1"])[:, 0].tolist() == before[:, 0].tolist()
    assert all(column.flags.c_contiguous for column in found.values(["x2", "x1"]).T)


# 6. Larger than memory.


def test_what_does_not_fit_is_read_from_disk(tmp_path, monkeypatch, rng):
    """The same numbers, groups, gaps and digests; several threads may read."""
    table = rng.normal(size=(5000, 7)).round(4)
    table[rng.random(table.shape) < 0.01] = np.nan
    data = pd.DataFrame(table, columns=list("abcdefg")).assign(group=np.arange(5000) % 13)
    data.to_csv(tmp_path / "t.csv", index=False)
    how = {"na": "drop", "groups": ["group"]}
    kept = read_dataset(tmp_path / "t.csv", **how)
    assert not on_disk(kept)
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 20_000)
    monkeypatch.setattr(spool, "PART_BYTES", 10_000)
    monkeypatch.setattr(base, "CHUNK_BYTES", 5000)
    found = read_quietly(tmp_path / "t.csv", **how)
    assert on_disk(found) > 10
    assert bits(found) == bits(kept)
    assert found.digest(None, ["group"]) == kept.digest(None, ["group"])
    assert found.values(list("gca")).tolist() == kept.values(list("gca")).tolist()
    results: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda name: results.extend(
                np.array_equal(found.values([name]), kept.values([name])) for _ in range(20)
            ),
            args=(name,),
        )
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80


def on_disk(found: Dataset) -> int:
    return sum(not isinstance(part.table, np.ndarray) for part in found._parts)


def test_too_little_disk_gets_one_line(monkeypatch, tmp_path):
    """Before it is full, and if it is full all the same."""
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 100)
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
        line = refusal(np.arange(1000.0))
    assert "its numbers take more than 0.0 GiB, and 0.0 GiB are free in" in line
    assert line.endswith("Name fewer columns, or another place in TMPDIR.")
    with monkeypatch.context() as patch:
        patch.setattr(spool._Disk, "write", lambda *_: broken_disk())
        assert "Name fewer columns, or another place in TMPDIR." in refusal(np.arange(1000.0))


@pytest.mark.usefixtures("small_blocks")
def test_columns_of_a_packed_array_are_read_from_disk(tmp_path):
    """An array that is stored column by column, in an archive."""
    array = np.asfortranarray(np.arange(60.0).reshape(20, 3))
    path = write_npz(tmp_path / "t.npz", q=array, r=np.arange(20))
    assert read_quietly(path).values(["q1", "q2", "q3"]).tolist() == array.tolist()


HARNESS = """
import json, resource
from simnorm.dataset import read_dataset
from simnorm.errors import SimnormError
limit = {limit}
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    found = read_dataset({source!r})
    names = found.columns[:1] + found.columns[-1:]
    values = found.values(names)
    told = [len(found.columns), found.size, values.sum(axis=0).tolist(), found.digest()]
except SimnormError as error:
    told = str(error)
# Not what getrusage tells: that begins with the memory of the process that started this one.
with open("/proc/self/status") as file:
    status = file.read()
print(json.dumps([told, int(status.split("VmHWM:")[1].split()[0]) * 1024]))
"""


def read_apart(source: Path, limit: int = 0) -> tuple[Any, int]:
    """Read in another process; return what it found, and the most memory it had."""
    code = textwrap.dedent(HARNESS.format(source=str(source), limit=limit))
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=env
    )
    assert (done.returncode, done.stderr) == (0, "")
    told, most = json.loads(done.stdout)
    return told, most


GIB = 1 << 30


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and measured as Linux does")
def test_a_file_larger_than_memory_is_read(tmp_path):
    """3 GB of doubles, from a short CSV, in a process that may have 2 GiB."""
    columns, rows = 1000, 400_000
    line = ",".join(str(column % 10) for column in range(columns)) + "\n"
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write(",".join(f"c{column}" for column in range(columns)) + "\n")
        for _ in range(rows // 1000):
            file.write(line * 1000)
    told, most = read_apart(path, 2 * GIB)
    assert told[:3] == [columns, rows, [0, 9 * rows]]
    assert most < GIB


# 7. Decompression bombs.


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does")
def test_a_gigabyte_of_zeros_does_not_fill_the_memory(tmp_path):
    """Whether they are rows or one line without end."""
    path = tmp_path / "t.csv.gz"

    def pack(start: bytes, block: bytes) -> None:
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(start)
            for _ in range(1 << 10):
                file.write(block)
        assert path.stat().st_size < 20_000_000

    pack(b"a,b,c,d\n", (b",".join([b"0" * 15] * 4) + b"\n") * (1 << 14))
    told, most = read_apart(path)
    assert told[:3] == [4, 1 << 24, [0, 0]]
    assert most < GIB
    pack(b"a\n1\n", b"0" * (1 << 20))
    told, most = read_apart(path)
    assert "line 3 is longer than 67,108,864 bytes" in told
    assert most < GIB


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does")
def test_parquet_and_npz_of_zeros_do_not_fill_the_memory(tmp_path):
    """A gigabyte of doubles each, packed into some kilobytes."""
    count = 1 << 20
    table = pa.table({f"c{k}": np.zeros(count) for k in range(8)})
    path = tmp_path / "t.parquet"
    with parquet.ParquetWriter(path, table.schema) as writer:
        for _ in range(16):
            writer.write_table(table, row_group_size=count)
    told, most = read_apart(path)
    assert told[:3] == [8, 16 * count, [0, 0]]
    assert most < 1.2 * GIB
    head = {"descr": "<f8", "fortran_order": False, "shape": (16 * count, 8)}
    with (
        zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, head)
        for _ in range(16):
            file.write(bytes(8 * 8 * count))
    assert (tmp_path / "t.npz").stat().st_size < 2_000_000
    told, most = read_apart(tmp_path / "t.npz")
    assert told[:3] == [8, 16 * count, [0, 0]]
    assert most < 1.2 * GIB


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux does")
def test_a_hundred_thousand_columns_are_read_in_bounded_memory(tmp_path):
    """1,000 rows: 800 MB of doubles, as text and as numpy's file, in less than that."""
    rows, columns = 1000, 100_000
    table = np.lib.format.open_memmap(tmp_path / "t.npy", "w+", np.float64, (rows, columns))
    with (tmp_path / "t.csv").open("w") as file:
        file.write(",".join(f"x{column + 1}" for column in range(columns)) + "\n")
        base = np.arange(columns) % 89 / 4
        text = ",".join(map(repr, base.tolist()))
        for row in range(rows):
            table[row] = base
            table[row, 0] = row
            file.write(f"{row},{text.split(',', 1)[1]}\n")
    table.flush()
    told, most = read_apart(tmp_path / "t.npy")
    assert told[:3] == [columns, rows, [499_500, rows * base[-1]]]
    assert most < 750_000_000
    by_text, most = read_apart(tmp_path / "t.csv")
    assert by_text == told
    assert most < 750_000_000


def test_cells_as_numbers():
    """One after the other, up to the first that is none."""
    values, bad = parsed(["1", "", " 2 ", "x", "3"])
    assert bad == 3
    assert np.array_equal(values[:3], [1, np.nan, 2], equal_nan=True)
    assert parsed([])[0].shape == (0,)
    assert parsed(["1,5", "2"], ",")[0].tolist() == [1.5, 2]
    assert parsed(["1.5"], ",")[1] == 0
    assert parsed(["1e3", "-.5"])[0].tolist() == [1000, -0.5]
