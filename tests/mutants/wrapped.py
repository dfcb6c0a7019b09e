"""Faults that are more than an edit: each takes a function and returns one that does it wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simnorm import rows, theory
from simnorm.distributions import distribution
from simnorm.sampling import cut
from simnorm.streams import block_stream, lanes_of
from simnorm.studies import drawing, sweep

Change = Callable[[Any], Any]


def stale_replications(right: Callable[..., Any]) -> Callable[..., Any]:
    """Every hundredth lane repeats its neighbour, as a buffer that was not refilled does."""

    def block_errors(*args: Any, **given: Any) -> Any:
        found = right(*args, **given)
        for values in found:
            last = values.shape[-1] // 100 * 100
            values[..., 99:last:100] = values[..., 98:last:100]
        return found

    return block_errors


def outliers_dropped(right: Callable[..., Any]) -> Callable[..., Any]:
    """In every cell the lanes with the largest Q take the values of the lanes before them."""

    def block_errors(*args: Any, **given: Any) -> Any:
        A, Q = right(*args, **given)
        for a, q in zip(A, Q, strict=True):
            far = np.flatnonzero(q > np.quantile(q, 0.99))
            a[far], q[far] = a[far - 1], q[far - 1]
        return A, Q

    return block_errors


def antithetic_lanes(right: Callable[..., Any]) -> Callable[..., Any]:
    """Every second replication of a symmetric law is the mirror image of the one before."""

    def fill(self: Any, rng: np.random.Generator, out: Any) -> None:
        right(self, rng, out)
        if self.word in ("normal", "uniform") and out.ndim == 2 and out.shape[1] % 2 == 0:
            out[:, 1::2] = 2.0 * self.mean - out[:, ::2]

    return fill


def single_precision(right: Callable[..., Any]) -> Callable[..., Any]:
    """Errors pass through numbers of 32 bits."""

    def block_errors(*args: Any, **given: Any) -> Any:
        return tuple(part.astype(np.float32).astype(np.float64) for part in right(*args, **given))

    return block_errors


def batches_for_replications(right: Callable[..., Any]) -> Callable[..., Any]:
    """Every lane is one batch, and neighbouring lanes are batches of one full set."""

    def block_errors(design: Any, source: Any, block: int, **given: Any) -> Any:
        if source.columns or source.sampling != "shuffle":
            return right(design, source, block, **given)
        lanes, law = lanes_of(design.full_size), distribution(source.distribution)
        key = (design.seed, source.distribution, design.full_size, source.sampling, block)
        full_sets = drawing.assembled(law, block_stream(*key), design.full_size, lanes)
        found = []
        for kind, n, reference, _ in sweep.cells(design, source):
            whole = kind(full_sets)[:, np.newaxis]
            target = whole if reference == "full_set" else kind.population(law)
            found.append((kind(cut(full_sets, n)) - target).ravel()[:lanes])
        errors = np.array(found)
        return errors, errors * errors

    return block_errors


def shuffle_replaces(right: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG001
    """An order is drawn as rows are that may come again."""

    def shuffle_rows(rng: np.random.Generator, lanes: int, size: int) -> Any:
        return rows.choose_rows(rng, size, lanes, size)

    return shuffle_rows


def naive_shuffle(right: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG001
    """Every row changes places with any of all rows: N^N ways, which N! does not divide."""

    def shuffle_rows(rng: np.random.Generator, lanes: int, size: int) -> Any:
        orders = np.tile(np.arange(size, dtype=np.int32), (lanes, 1))
        here = np.arange(lanes)
        for i in range(size):
            j = rng.integers(size, size=lanes)
            orders[here, i], orders[here, j] = orders[here, j], orders[here, i].copy()
        return orders

    return shuffle_rows


def order_reused(right: Callable[..., Any]) -> Callable[..., Any]:
    """One order is drawn, and the lanes are its rotations."""

    def shuffle_rows(rng: np.random.Generator, lanes: int, size: int) -> Any:
        order = right(rng, 1, size)[0]
        shifts = np.arange(lanes)[:, np.newaxis] + np.arange(size)
        return np.ascontiguousarray(order[shifts % size])

    return shuffle_rows


def last_row_never(right: Callable[..., Any]) -> Callable[..., Any]:
    """The number of rows is one too small."""

    def choose_rows(rng: np.random.Generator, size: int, lanes: int, width: int) -> Any:
        return right(rng, max(1, size - 1), lanes, width)

    return choose_rows


def law_theory_for_file(right: Callable[..., Any]) -> Callable[..., Any]:
    """Full sets are taken for draws of a law with the column's sd and excess kurtosis."""

    def of_column(self: Any, kind: Any, n: int) -> Any:
        if self.column.is_constant or self.word != "shuffle":
            return right(self, kind, n)
        law = theory.Law(self.column.std, self.column.excess_kurtosis, is_normal=False)
        return theory.values_of(kind, n, self.column.size, law)

    return of_column
