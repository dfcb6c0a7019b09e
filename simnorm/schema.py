"""The tables of a run: their columns in order, with types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SCHEMA_VERSION = 1

# Columns in their order, with the type each is read back as.
SCHEMA: dict[str, type] = {
    "study": str,
    "source": str,
    "distribution": str,
    "column": str,
    "full_size": int,
    "sampling": str,
    "estimator": str,
    "batch_size": int,
    "factors": str,
    "reference": str,
    "measure": str,
    "estimate": float,
    "mcse": float,
    "ci_low": float,
    "ci_high": float,
    "theory": float,
    "theory_kind": str,
    "z": float,
    "replications": int,
    "batches": int,
    "failed": int,
    "khat": float,
    "status": str,
    "reason": str,
    "stop_reason": str,
    "seed": object,
    "schema_version": int,
}
CURVES_SCHEMA: dict[str, type] = {
    "study": str,
    "distribution": str,
    "column": str,
    "sampling": str,
    "estimator": str,
    "batch_size": int,
    "factors": str,
    "reference": str,
    "kind": str,
    "x": float,
    "y": float,
    "mcse": float,
    "theory": float,
}


def typed(columns: dict[str, Any], schema: dict[str, type]) -> pd.DataFrame:
    """Return a table with the schema's columns and types."""
    types = {float: np.dtype(float), int: np.dtype(np.int64), object: np.dtype(object)}
    return pd.DataFrame(
        {
            name: pd.Series(columns[name], dtype=types.get(kind, "str"))
            for name, kind in schema.items()
        }
    )


def joined(
    parts: Sequence[dict[str, NDArray[Any]]], schema: dict[str, type] = SCHEMA
) -> pd.DataFrame:
    """Return the rows of all sources as one table."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in schema}
    return typed(columns, schema)
