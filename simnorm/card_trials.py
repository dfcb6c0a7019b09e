"""The table that a trial's card shows: what is compared, a row and a column for each.

`simnorm.card` makes a page of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from simnorm.formatting import format_estimate
from simnorm.options import OVERHEAD, SCALING, SHIFT

if TYPE_CHECKING:
    import pandas as pd

DOUBTFUL = "†"
VARIANTS = {
    "bn": "BN", "noisy_bn": "noisy BN", "input_bn": "BN at the input", "hidden_bn": "BN inside",
    "standardized": "standardized once",
}  # fmt: skip


class Grid(NamedTuple):
    """A table of texts: what it is about, heads of columns, and rows with their names."""

    what: str
    corner: str
    heads: list[str]
    rows: dict[str, list[str]]


def grid_of(frame: pd.DataFrame) -> Grid:
    """Return the table of a trial's card.

    Parameters
    ----------
    frame
        The results, with a column for every factor.
    """
    return _GRIDS[str(frame["study"].iloc[0])](frame)


def _scaling(frame: pd.DataFrame) -> Grid:
    rows = frame[(frame["estimator"] == "accuracy") & (frame["against"] == "")]
    what = "Accuracy in %, ± its standard error over repeats and folds, whose training sets overlap"
    return _grid(
        rows, what, "data, model",
        lambda row: ", ".join(w for w in (row["distribution"], row["model"]) if w),
        lambda row: row["scaler"].replace("_", "-")
        + (f", n = {row['batch_size']}" if row["batch_size"] else ""),
        100.0,
    )  # fmt: skip


def _shift(frame: pd.DataFrame) -> Grid:
    rows = frame[(frame["against"] == "none") & (frame["measure"] == "ratio")]
    many, sizes = (len(set(rows[name])) > 1 for name in ("distribution", "batch_size"))

    def head(row: dict[str, Any]) -> str:
        size = f", n = {row['batch_size']}" if sizes else ""
        return f"{row['net']}, {VARIANTS[row['variant']]}{size}"

    what = "With batch normalization (BN) as a multiple of without it, ± the standard error"
    return _grid(
        rows, what, "shift",
        lambda row: row["estimator"].replace("_", " ")
        + (f", {row['distribution']}" if many else ""),
        head, 1.0,
    )  # fmt: skip


def _overhead(frame: pd.DataFrame) -> Grid:
    rows = frame[(frame["against"] == "none") & (frame["estimator"] == "training_step")]
    what = "Time of a training step as a multiple of that without batch normalization (BN)"
    return _grid(
        rows, what, "batch size n",
        lambda row: f"{VARIANTS[row['variant']]}, width {row['width']}",
        lambda row: f"{row['batch_size']:,}", 1.0,
    )  # fmt: skip


def _grid(
    rows: pd.DataFrame,
    what: str,
    corner: str,
    name: Callable[[dict[Any, Any]], str],
    head: Callable[[dict[Any, Any]], str],
    factor: float,
) -> Grid:
    """Return rows as a table, names and heads in the order in which they come."""
    records = rows.to_dict("records")
    texts = {(name(row), head(row)): _text(row, factor) for row in records}
    heads = list(dict.fromkeys(column for _, column in texts))
    names = list(dict.fromkeys(word for word, _ in texts))
    return Grid(what, corner, heads, {
        word: [texts.get((word, column), "") for column in heads] for word in names
    })  # fmt: skip


def _text(row: dict[Any, Any], factor: float) -> str:
    mark = DOUBTFUL if row["status"] == "unreliable" else ""
    return format_estimate(factor * row["estimate"], factor * row["mcse"]) + mark


_GRIDS = {SCALING: _scaling, SHIFT: _shift, OVERHEAD: _overhead}
