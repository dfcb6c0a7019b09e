"""The rows that a design asks for: by their keys, and what each key is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from simnorm.design import Design
from simnorm.options import STUDIES, SWEEP
from simnorm.studies import study_of
from simnorm.studies.drawing import Source, sources
from simnorm.tables import ALL_MEASURES
from simnorm.trials import MEASURE_OF

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
            column, name, factors, reference, measures = _parts(design, cell)
            for measure in measures:
                yield source, Key(
                    source.distribution, column, source.sampling, name,
                    cell.batch_size, factors, reference, measure,
                )  # fmt: skip


def _parts(design: Design, cell: Any) -> tuple[str, str, str, str, tuple[str, ...]]:
    """Return column, quantity, factors, reference and measures of a cell."""
    if STUDIES[design.study].is_trial:
        return "", cell.quantity, cell.factors, "", (MEASURE_OF[cell.summary],)
    if design.study == SWEEP:
        return cell.column, str(cell.estimator), "", cell.reference, ALL_MEASURES
    return cell.column, cell.quantity, cell.factors, cell.reference, cell.measures


def held(frame: pd.DataFrame) -> list[Key]:
    """Return the keys of a table's rows."""
    return [Key(*values) for values in zip(*(frame[name].tolist() for name in KEY), strict=True)]
