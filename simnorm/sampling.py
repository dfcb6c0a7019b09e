"""How batches come from a full set: the schemes, their words, and the cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError, nearest
from simnorm.grammar import split_list

Scalar = TypeVar("Scalar", bound=np.generic)

SHUFFLE, REPLACEMENT, SEQUENTIAL, IID = "shuffle", "replacement", "sequential", "iid"
GROUPED = "grouped"

FROM_LAW = (SHUFFLE, REPLACEMENT, IID)
FROM_FILE = (SHUFFLE, REPLACEMENT, SEQUENTIAL, f"{GROUPED}:COLUMN")

NOT_FOR = {
    SEQUENTIAL: "draws of a distribution have no order, so this is shuffle",
    GROUPED: "draws of a distribution have no groups",
    IID: "the rows of a file are no independent draws",
}


def cut(full_sets: NDArray[Scalar], batch_size: int) -> NDArray[Scalar]:
    """Cut every full set, in drawing order, into its batches; the tail is dropped.

    Parameters
    ----------
    full_sets
        Observations, shape (..., N), contiguous along the last axis.
    batch_size
        n, at most N.

    Returns
    -------
    NDArray
        A view of shape (..., N // n, n).

    Examples
    --------
    >>> cut(np.arange(8), 3)
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    count = full_sets.shape[-1] // batch_size
    used = full_sets[..., : count * batch_size]
    return used.reshape(*full_sets.shape[:-1], count, batch_size)


def batch_count(full_size: int, batch_size: int) -> int:
    """Return k, the batches in a replication: at least one, where n > N is allowed.

    Examples
    --------
    >>> batch_count(10, 3), batch_count(10, 12)
    (3, 1)
    """
    return max(1, full_size // batch_size)


def group_column(scheme: str) -> str | None:
    """Return the column whose values group the rows, None where a scheme has none.

    Examples
    --------
    >>> group_column("grouped:target"), group_column("shuffle")
    ('target', None)
    """
    word, colon, column = scheme.partition(":")
    return column if word == GROUPED and colon else None


def group_columns(schemes: Iterable[str]) -> list[str]:
    """Return the columns that group the rows under any of the schemes, once each."""
    found = (group_column(scheme) for scheme in schemes)
    return list(dict.fromkeys(column for column in found if column is not None))


def parse_sampling(given: object, *, from_file: bool) -> tuple[str, ...]:
    """Return sampling schemes in the order given, without those that come twice.

    Parameters
    ----------
    given
        One text that joins schemes with commas, or several texts.
    from_file
        Whether the full set is the user's data rather than draws of a law.

    Raises
    ------
    SimnormError
        If a scheme is unknown, or not for this kind of full set.

    Examples
    --------
    >>> parse_sampling("shuffle, grouped:target", from_file=True)
    ('shuffle', 'grouped:target')
    """
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, Iterable):
        raise SimnormError("sampling", given, "a scheme such as shuffle is allowed")
    words = [
        word for part in parts for word in (split_list(part) if isinstance(part, str) else [part])
    ]
    schemes = tuple(dict.fromkeys(_scheme(word, from_file) for word in words))
    if not schemes:
        raise SimnormError("sampling", "", "at least one scheme is needed", "Try shuffle.")
    return schemes


def _scheme(given: object, from_file: bool) -> str:
    schemes: tuple[str, ...] = FROM_FILE if from_file else FROM_LAW
    known = f"allowed {'with' if from_file else 'without'} data are {', '.join(schemes)}"
    if not isinstance(given, str):
        raise SimnormError("sampling", given, known)
    scheme = given.strip()
    word, colon, column = scheme.partition(":")
    if word == GROUPED and from_file:
        if not column.strip():
            hint = "Write grouped:NAME."
            missing = "the column that groups the rows is missing"
            raise SimnormError("sampling", given, missing, hint)
        return f"{GROUPED}:{column.strip()}"
    if scheme in schemes and not colon:
        return scheme
    if word in NOT_FOR:
        raise SimnormError("sampling", given, f"{NOT_FOR[word]}; {known}")
    words = [name.partition(":")[0] for name in schemes]
    raise SimnormError("sampling", given, known, nearest(word, words).strip())
