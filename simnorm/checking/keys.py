"""The rows that a design asks for: by their keys, and what each key is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from simnorm.design import Design
from simnorm.options import SWEEP
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tables import ALL_MEASURES

# What names a row, beside study and full size, which are those of the design.
KEY = (
    "distribution", "column", "sampling", "estimator", "batch_size", "factors", "reference",
    "measure",
)  # fmt: skip
CELL = KEY[:-1]


class Key(NamedTuple):
    """A row's key."""

    distribution: str
    column: str
    sampling: str
    estimator: str
    batch_size: int
    factors: str
    reference: str
    measure: str

    @property
    def words(self) -> str:
        """What the row is called."""
        return words_of(self._asdict())


def words_of(row: Any) -> str:
    """Return what a row is called.

    Examples
    --------
    >>> words_of(Key("normal", "", "shuffle", "mean", 4, "", "full_set", "rmse")._asdict())
    'normal shuffle mean n=4 full_set rmse'
    """
    parts = [row["distribution"], row["column"], row["sampling"], row["estimator"]]
    parts += [f"n={row['batch_size']}", row["factors"], row["reference"], row.get("measure", "")]
    return " ".join(str(part) for part in parts if part)


def wanted(design: Design) -> Iterator[tuple[Source, Key]]:
    """Yield the keys of all rows of a design, in the order of the results."""
    study = study_of(design)
    for source in sources(design):
        for cell in study.cells(design, source):
            if design.study == SWEEP:
                name, factors, measures = str(cell.estimator), "", ALL_MEASURES
            else:
                name, factors, measures = cell.quantity, cell.factors, cell.measures
            for measure in measures:
                yield source, Key(
                    source.distribution, cell.column, source.sampling, name,
                    cell.batch_size, factors, cell.reference, measure,
                )  # fmt: skip


def held(frame: pd.DataFrame) -> list[Key]:
    """Return the keys of a table's rows."""
    return [Key(*values) for values in zip(*(frame[name].tolist() for name in KEY), strict=True)]
