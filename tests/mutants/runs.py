"""Small runs that the oracles ask: a design, the engine, and the table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from simnorm import engine, schedule, streams, tables
from simnorm.design import Design

# Skewed numbers far from zero that no double holds exactly: a sloppy sum shows.
ROWS = np.array([10.1, 12.7, 10.3, 17.9, 13.1, 14.7, 27.3, 11.9, 10.7, 15.1, 12.1, 11.3])


@contextlib.contextmanager
def small_blocks(lanes: int) -> Iterator[None]:
    """Let a block be so many replications, whatever N: more blocks to merge in a small run."""
    before = streams.FEWEST_LANES, streams.MOST_LANES
    streams.FEWEST_LANES = streams.MOST_LANES = lanes
    try:
        yield
    finally:
        streams.FEWEST_LANES, streams.MOST_LANES = before


def run(
    distributions: Sequence[str] | None = None,
    *,
    compiled: bool = False,
    workers: int = 1,
    lanes: int | None = None,
    **given: Any,
) -> tuple[Design, dict[Any, schedule.Sums]]:
    """Run a design on few threads and return it with the sums of every source."""
    design = Design.make(distributions, **given)
    with small_blocks(lanes) if lanes else contextlib.nullcontext():
        return design, engine.run(design, workers=workers, compiled=compiled)


def table(*args: Any, **given: Any) -> pd.DataFrame:
    """Run a design and return its tidy table."""
    return tables.build_frame(*run(*args, **given))
