"""Errors as people have them: lists, arrays, columns; with the replication each belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError

Floats = NDArray[np.float64]

# Influence values of this size, beside what they are influences on, are made of rounding.
ROUNDING = 8.0 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class Errors:
    """Errors and their replications.

    Parameters
    ----------
    values
        All errors, shape (errors,).
    index
        Which replication every error belongs to, shape (errors,); None if each is one of its own.
    counts
        Errors of every replication, shape (replications,).

    Examples
    --------
    >>> errors = Errors(np.array([1.0, 3.0, 8.0]), np.array([0, 0, 1]), np.array([2, 1]))
    >>> theta, psi = errors.mean_of(errors.values)
    >>> theta, psi.round(3)
    (4.0, array([-2.667,  2.667]))
    """

    values: Floats
    index: NDArray[np.intp] | None
    counts: NDArray[np.intp]

    @property
    def replications(self) -> int:
        """Number of replications, R."""
        return self.counts.size

    @property
    def worth(self) -> float:
        """How many replications of equal size they are worth: (sum n)^2/sum n^2 (Kish 1965).

        It is R if all are equal, and about 1 where one holds nearly all errors.

        Examples
        --------
        >>> Errors(np.arange(6.0), np.array([0, 0, 0, 0, 1, 2]), np.array([4, 1, 1])).worth
        2.0
        """
        # Whole numbers of Python: equal sizes give R in every digit.
        total, squares = int(self.counts.sum()), int((self.counts * self.counts).sum())
        return total * total / squares

    @property
    def single(self) -> bool:
        """Whether replications are single errors, or few of them are more."""
        return self.values.size < 2 * self.replications

    def sums_of(self, parts: Floats) -> Floats:
        """Return the sum over every replication's errors, shape (replications,)."""
        if self.index is None:
            return parts
        sums = np.bincount(self.index, parts, minlength=self.replications)
        return np.asarray(sums, dtype=np.float64)

    def mean_of(self, parts: Floats) -> tuple[float, Floats]:
        """Return the mean over all errors and every replication's influence on it.

        The influence is (n_r / mean n_r) (mean of replication r - mean of all): a replication
        counts by its number of errors (a ratio estimate). Their sum is 0.
        """
        mean, deviations = centred(parts)
        psi = self.sums_of(deviations) * (self.replications / parts.size)
        return mean, without_rounding(psi, float(np.abs(parts).max()))

    def left_out(self, psi: Floats) -> Floats:
        """Return influence values as leaving out each replication shows them.

        psi_r (1 - 1/R)/(1 - n_r/n): a large replication draws the mean of all to itself, so that it
        seems to differ little. Then sd(psi)/sqrt(R) of a mean is the jackknife's standard error
        about the mean (CV3 of MacKinnon, Nielsen and Webb 2023). Where all are equal in size,
        nothing changes, in any digit.
        """
        if self.index is None:
            return psi
        held = self.counts / self.values.size
        return psi * ((1.0 - 1.0 / self.replications) / (1.0 - held))

    def scaled(self, unit: float) -> Errors:
        """Return the errors in another unit."""
        return Errors(self.values / unit, self.index, self.counts)


def centred(values: Floats) -> tuple[float, Floats]:
    """Return mean and deviations, which keep the digits that a large mean has rounded away."""
    mean = float(values.mean())
    rest = values - mean
    shift = float(rest.mean())
    return mean + shift, rest - shift


def without_rounding(psi: Floats, size: float) -> Floats:
    """Return influence values, zero if all are made of rounding numbers of that size."""
    return np.zeros_like(psi) if float(np.abs(psi).max()) <= ROUNDING * size else psi


def unit_of(*sets: Errors) -> float:
    """Return a power of two near the largest error: squares of huge errors stay finite in it."""
    largest = max(float(np.abs(errors.values).max()) for errors in sets)
    return math.ldexp(0.5, math.frexp(largest)[1]) if largest else 1.0


def read(errors: Any, cluster: Any = None, parameter: str = "errors") -> Errors:
    """Read errors and, if given, the labels of their replications.

    Parameters
    ----------
    errors
        Finite numbers, shape (errors,), or (replications, errors of each).
    cluster
        A label for every error, shape (errors,), of any kind.
    parameter
        What to call the errors in a message.

    Raises
    ------
    SimnormError
        In one line, what is wrong and where.
    """
    values = finite(errors, parameter)
    culprit, got = parameter, "one replication"
    if values.ndim == 2:
        if cluster is not None:
            allowed = "rows are the replications of a 2-d array"
            raise SimnormError("cluster", "labels", allowed, "Leave it out, or pass one column.")
        rows, columns = values.shape
        index = np.repeat(np.arange(rows), columns) if columns > 1 else None
        found = Errors(values.ravel(), index, np.full(rows, columns))
    elif cluster is None:
        found = Errors(values, None, np.ones(values.size, dtype=np.intp))
    else:
        _same_order(errors, cluster, "cluster", parameter)
        index = label_numbers(cluster, values.size)
        found = Errors(values, index, np.bincount(index))
        if values.size > 1:
            culprit, got = "cluster", "one label for all errors, so one replication"
    if found.replications < 2:
        allowed = "a standard error needs two or more"
        hint = "Rows of a 2-d array are replications, and so are the labels of `cluster`."
        raise SimnormError(culprit, got, allowed, hint)
    return found


def finite(errors: Any, parameter: str) -> Floats:
    """Return finite numbers in one or two dimensions, or say what they are instead."""
    values = _numbers(errors, parameter)
    if values.ndim not in (1, 2):
        allowed = "allowed is one dimension, or two whose rows are replications"
        got = f"{values.ndim} dimensions" if values.ndim else "a single number"
        raise SimnormError(parameter, got, allowed)
    if values.size == 0:
        raise SimnormError(parameter, "no numbers", "two replications or more are needed")
    lost = ~np.isfinite(values)
    if lost.any():
        place = [int(i) for i in np.argwhere(lost)[0]]
        where = f"place {place[0]}" if len(place) == 1 else f"row {place[0]}, column {place[1]}"
        got = f"{values[tuple(place)]:g} at {where} (from 0)"
        got += f", {int(lost.sum()):,} of {values.size:,} such"
        hint = "Leave out failed replications on purpose, and report how many failed."
        raise SimnormError(parameter, got, "allowed are finite numbers", hint)
    return values


def _has_names(errors: Any) -> bool:
    """Tell whether errors are a table of several columns with names."""
    names = list(getattr(errors, "columns", ()))
    return len(names) > 1 and any(isinstance(name, str) for name in names)


def _numbers(errors: Any, parameter: str) -> Floats:
    """Return an array of doubles; text, complex numbers and times are no errors."""
    if errors is None:
        raise SimnormError(parameter, "nothing (None)", "a list, array or column is needed")
    if isinstance(errors, np.ma.MaskedArray):
        errors = np.ma.filled(errors.astype(np.float64), np.nan)
    elif _has_names(errors):
        # Named columns are methods or measures; rows of an array are replications.
        got = f"a table of {len(errors.columns)} columns"
        hint = "Pass table[name], or table.to_numpy() if its rows are replications of one method."
        raise SimnormError(parameter, got, "one column is a set of errors", hint)
    elif hasattr(errors, "to_numpy") and hasattr(errors, "isna"):
        # Missing values of pandas' own types become NaN, to be counted with the others.
        array = errors.to_numpy()
        errors = np.where(errors.isna(), np.nan, array) if array.dtype == object else array
    try:
        array = np.asarray(errors)
        kinds = {array.dtype.kind}
        if kinds == {"O"}:
            kinds = {np.asarray(item).dtype.kind for item in array.flat} - {"O"}
        if not kinds <= set("biuf"):
            raise TypeError
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        allowed = "allowed are numbers, in rows of the same length"
        raise SimnormError(parameter, _described(errors), allowed) from None


NUMBERS = {"b": "True and False", "i": "numbers", "u": "numbers", "f": "numbers"}
KINDS = NUMBERS | {
    "c": "complex numbers",
    "U": "text",
    "S": "bytes",
    "M": "dates",
    "m": "durations",
    "V": "records",
}


def _described(errors: Any) -> str:
    """Return what it is that cannot be read as errors, in a few words."""
    if isinstance(errors, str):
        return f"the text {errors!r}"
    if isinstance(errors, dict):
        return "a dictionary"
    try:
        # Numbers beside text would become text in any other array.
        items = np.asarray(errors, dtype=object if isinstance(errors, list | tuple) else None)
    except ValueError:
        items = np.empty(0, dtype=object)
    if (items.dtype.kind == "O" and any(np.ndim(item) for item in items.flat)) or not items.size:
        return "rows of different lengths"
    if items.dtype.kind != "O":
        found = [KINDS.get(items.dtype.kind, str(items.dtype))]
    else:
        found = [KINDS.get(np.asarray(item).dtype.kind, type(item).__name__) for item in items.flat]
    odd = sorted({word for word in found if word not in {*NUMBERS.values(), "int"}})
    return " and ".join(odd or ["whole numbers too large"])


def holds_booleans(errors: Any) -> bool:
    """Tell whether any of the errors is True or False, in an array of any kind or a list."""
    kind = np.asarray(errors).dtype.kind
    if kind == "b" or (kind != "O" and not isinstance(errors, list | tuple)):
        return kind == "b"
    # In a list with numbers, True and False become numbers; as objects they stay what they are.
    items = np.asarray(errors, dtype=object)
    return any(isinstance(item, bool | np.bool_) for item in items.flat)


def label_numbers(cluster: Any, size: int) -> NDArray[np.intp]:
    """Return labels of any kind as numbers from 0, in the order of their first error."""
    import pandas as pd

    if isinstance(cluster, str) or not hasattr(cluster, "__len__"):
        raise SimnormError("cluster", cluster, "a label for every error is needed")
    if isinstance(cluster, np.ma.MaskedArray):
        cluster = np.ma.filled(cluster.astype(object), None)
    # A list may mix kinds, or hold pairs: neither may become an array of text or of two columns.
    labels = cluster if hasattr(cluster, "dtype") else pd.Series(list(cluster), dtype=object)
    if np.ndim(labels) != 1 or len(labels) != size:
        shape = " by ".join(f"{length:,}" for length in np.shape(labels))
        allowed = f"one label is needed for each of {size:,} errors"
        raise SimnormError("cluster", f"{shape} labels", allowed)
    try:
        numbers = np.asarray(pd.factorize(labels)[0], dtype=np.intp)
    except TypeError:
        allowed = "allowed are labels that can be compared: numbers, text, dates, pairs"
        raise SimnormError("cluster", "labels of another kind", allowed) from None
    if (numbers < 0).any():
        place = int(np.argmin(numbers))
        got = f"no label at place {place} (from 0), {int((numbers < 0).sum()):,} such"
        raise SimnormError("cluster", got, "every error needs a label")
    return numbers


def _same_order(one: Any, other: Any, parameter: str, of: str) -> None:
    """Refuse two pandas columns of the same length whose rows have other names."""
    if not all(hasattr(getattr(column, "index", None), "equals") for column in (one, other)):
        return
    if len(one) == len(other) and not one.index.equals(other.index):
        allowed = f"it must have the index of {of}: values are taken in order"
        raise SimnormError(parameter, "another index", allowed, "Sort or reset both.")


def read_pair(a: Any, b: Any, cluster: Any) -> tuple[Errors, Errors]:
    """Read the errors of two methods on the same replications."""
    _same_order(a, b, "b", "a")
    first, second = finite(a, "a"), finite(b, "b")
    if first.shape != second.shape:
        shapes = [" by ".join(f"{length:,}" for length in part.shape) for part in (first, second)]
        hint = "With paired=False they may come from different replications."
        raise SimnormError("b", f"{shapes[1]} errors", f"a has {shapes[0]} of them", hint)
    one = read(a, cluster, "a")
    return one, Errors(second.ravel(), one.index, one.counts)
