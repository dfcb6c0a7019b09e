"""How the studies call their numbers, and what a trial's numbers hang on."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from simnorm.design import OF_PRECISION, READING, Design, canonical_json

if TYPE_CHECKING:
    from simnorm.trials import Cell

# What a repeat, a training run or a round does not depend on, or what its stream is named by.
NOT_OF_TRIALS = ("datasets", "replications", "seed", "data", *OF_PRECISION, *READING)


class Label(NamedTuple):
    """What one of a source's numbers is, in words.

    Parameters
    ----------
    column
        Of data, the column; empty for a law.
    kind
        The estimator or preset, in its canonical form; empty where all of a study's quantities are
        computed together.
    batch_size
        n, 0 for what has no batches.
    what
        Everything else that the value follows from.
    """

    column: str
    kind: str
    batch_size: int
    what: str


def of_trial(
    design: Design, cells: Iterable[Cell], behind: Iterable[object] = ()
) -> Iterator[Label]:
    """Yield the labels of a trial's cells, and of what stands behind them.

    A replication is one whole, in which a cell may follow from all settings: the best learning rate
    does from all rates. So every label holds a digest of them.

    Parameters
    ----------
    design
        The trial.
    cells
        Its cells, in their order.
    behind
        What names every number behind the cells: anything whose text says what it is.
    """
    settings = settings_digest(design)
    for cell in cells:
        yield Label("", "", cell.batch_size, f"{settings} {cell.quantity} {cell.factors}")
    for what in behind:
        yield Label("", "", 0, f"{settings} behind {what}")


@functools.lru_cache(maxsize=16)
def settings_digest(design: Design) -> str:
    """Return 16 hex digits of the settings that a trial's numbers follow from.

    Examples
    --------
    >>> one = settings_digest(Design.make(study="scaling", folds=5, replications=2))
    >>> one == settings_digest(Design.make(study="scaling", folds=5, datasets="wine"))
    True
    >>> one == settings_digest(Design.make(study="scaling", folds=4))
    False
    """
    every = design.to_dict()
    values = {k: v for k, v in every.items() if k not in (*NOT_OF_TRIALS, "max_replications")}
    return hashlib.sha256(canonical_json(values).encode()).hexdigest()[:16]
