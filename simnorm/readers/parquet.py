"""Parquet, whose columns declare what they hold.

Only the columns that are wanted are read. pyarrow is loaded when the first such file is opened:
it is an extra, and whoever has no such file needs none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simnorm.errors import shown
from simnorm.readers import base
from simnorm.readers.base import Block, Floats, Table, Wanted, foreign, is_large, refuse


def open_parquet(source: str) -> Table:
    """Return the columns of a Parquet file, as its schema has them."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        refuse(source, "Parquet is read by pyarrow", "Install it: pip install 'simnorm[parquet]'.")
    with foreign(source, "it is no Parquet file"):
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
    with foreign(source, "it is damaged"):
        size = max(1, base.BLOCK_CELLS // len(taken))
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
    if is_large(whole):
        return None
    return np.where(gaps, np.nan, whole.astype(np.float64))


def _arrow_texts(column: Any) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]
