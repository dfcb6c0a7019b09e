"""Arrays as blocks of rows, wherever these come from.

Files of numpy, DataFrames and dicts all become `Rows`: a name, a type, a shape, and a function
that returns some of the rows. So what is a column, and which cells doubles can hold, is settled
once for all of them.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import shown
from simnorm.readers import base
from simnorm.readers.base import MISSING, Block, Floats, Table, Wanted, is_large, refuse


class Rows(NamedTuple):
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


def of_arrays(source: str, arrays: Sequence[Rows]) -> Table:
    """Return the columns of arrays that have their rows in common."""
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
    if count > base.MOST_COLUMNS:
        allowed = f"has {count:,} columns, {base.MOST_COLUMNS:,} are allowed"
        refuse(source, f"{shown(leaf.name, 40)} {allowed}")
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
    arrays: Sequence[Rows],
    leaves: Sequence[_Leaf],
    wanted: Wanted,
) -> Iterator[Block]:
    row_bytes = sum(math.prod(one.shape[1:]) * one.dtype.itemsize for one in arrays)
    step = max(1, base.BLOCK_CELLS * 8 // max(row_bytes, 1))
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
        elif cells.dtype.kind in "iu" and is_large(cells):
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
