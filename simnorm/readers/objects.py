"""What Python holds already: arrays, lists, DataFrames and their kin, dicts of arrays.

Nothing is converted that could become another number on the way: lists of mixed cells, whole
numbers beyond doubles, masked cells and pandas' own types become objects, which are then looked at
one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import shown
from simnorm.readers.arrays import Rows, of_arrays
from simnorm.readers.base import ARRAY, DICT, FRAME, Table, foreign, is_large, one_line, refuse

if TYPE_CHECKING:
    import pandas as pd


def open_object(data: Any) -> Table:
    """Return the columns of what is no path."""
    import pandas as pd

    if isinstance(data, pd.Series):
        data = data.to_frame("x" if data.name is None else data.name)
    elif not isinstance(data, pd.DataFrame) and hasattr(data, "to_pandas"):
        with foreign("a table", "it cannot be turned into a DataFrame"):
            data = data.to_pandas()
    if isinstance(data, pd.DataFrame):
        columns = [_of_column(str(name), data.iloc[:, i]) for i, name in enumerate(data.columns)]
        return of_arrays(FRAME, columns)
    if isinstance(data, Mapping):
        source = DICT
        return of_arrays(source, [_in_memory(source, str(k), v) for k, v in data.items()])
    return of_arrays(ARRAY, [_in_memory(ARRAY, "x", data)])


def _of_column(name: str, column: pd.Series[Any]) -> Rows:
    """Return a DataFrame's column; one of pandas' own types is turned block by block."""
    from pandas.api import types

    dtype, shape = np.dtype(object), (len(column),)
    if isinstance(column.dtype, np.dtype):
        array = column.to_numpy()
        return Rows(name, array.dtype, shape, lambda a, b: array[a:b])
    is_number = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    if is_number and not types.is_complex_dtype(column):
        return Rows(name, dtype, shape, lambda a, b: _numbers_of(column.iloc[a:b]))
    kind = "text" if types.is_string_dtype(column) else str(column.dtype)
    return Rows(name, dtype, shape, lambda a, b: column.iloc[a:b].to_numpy(object), kind)


def _numbers_of(column: pd.Series[Any]) -> NDArray[Any]:
    """Return doubles with NaN for gaps, or objects where these might not be the same."""
    from pandas.api import types

    if types.is_float_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    if types.is_integer_dtype(column):
        there = column.dropna().to_numpy()
        if there.dtype.kind in "iu" and not is_large(there):
            return column.to_numpy(np.float64, na_value=np.nan)
    return column.to_numpy(object)


def _in_memory(source: str, name: str, given: object) -> Rows:
    array = _as_array(source, name, given)
    return Rows(name, array.dtype, array.shape, lambda first, last: array[first:last])


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
        what = f"{shown(name, 40)} cannot be made an array ({one_line(error)})"
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
