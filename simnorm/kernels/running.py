"""Compiled loops: moments of the batches of a training stream, and their running averages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import loop, part

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Orders = NDArray[np.int32]

# Columns that stand side by side in memory, as in `simnorm.kernels.rows`.
WIDTH = 8


@part()
def add_row(row: Floats, first: Floats, sums: Floats) -> None:
    """Add a row's distances from the first one."""
    for c in range(WIDTH):
        sums[c] += row[c] - first[c]


@part()
def add_squares(row: Floats, first: Floats, mean: Floats, squares: Floats) -> None:
    """Add a row's squared distances from the mean, which is one from the first row."""
    for c in range(WIDTH):
        x = (row[c] - first[c]) - mean[c]
        squares[c] += x * x


@loop()
def row_moments(table: Floats, orders: Orders, size: int, means: Floats, variances: Floats) -> None:
    """Take means and biased variances of batches of rows, in two passes.

    Parameters
    ----------
    table
        Columns in groups, shape (groups, N, 8).
    orders
        Row numbers, shape (lanes, rows).
    size
        n.
    means, variances
        Receive the moments, shape (batches, lanes, 8 groups).
    """
    sums, squares = np.empty(WIDTH), np.empty(WIDTH)
    share = 1.0 / size
    for g in range(table.shape[0]):
        group = table[g]
        for lane in range(orders.shape[0]):
            order = orders[lane]
            for b in range(means.shape[0]):
                start = b * size
                first = group[order[start]]
                for c in range(WIDTH):
                    sums[c] = 0.0
                    squares[c] = 0.0
                for i in range(start + 1, start + size):
                    add_row(group[order[i]], first, sums)
                for c in range(WIDTH):
                    sums[c] *= share
                if size > 1:
                    for i in range(start, start + size):
                        add_squares(group[order[i]], first, sums, squares)
                for c in range(WIDTH):
                    means[b, lane, g * WIDTH + c] = first[c] + sums[c]
                    variances[b, lane, g * WIDTH + c] = squares[c] * share


@loop()
def draw_moments(
    values: Floats, orders: Orders, size: int, means: Floats, variances: Floats
) -> None:
    """Take means and biased variances of batches of a lane's own values, in two passes.

    Parameters
    ----------
    values
        One full set for each lane, shape (lanes, N).
    orders
        Their numbers, shape (lanes, rows).
    size
        n.
    means, variances
        Receive the moments, shape (batches, lanes).
    """
    share = 1.0 / size
    for lane in range(orders.shape[0]):
        order, own = orders[lane], values[lane]
        for b in range(means.shape[0]):
            start = b * size
            first = own[order[start]]
            total = 0.0
            for i in range(start + 1, start + size):
                total += own[order[i]] - first
            mean = total * share
            square = 0.0
            if size > 1:
                for i in range(start, start + size):
                    x = (own[order[i]] - first) - mean
                    square += x * x
            means[b, lane] = first + mean
            variances[b, lane] = square * share


@part()
def move(old: float, values: Floats, state: Floats) -> None:
    """Move an exponential average."""
    new = 1.0 - old
    for i in range(values.size):
        state[i] = old * state[i] + new * values[i]


@part()
def add(step: float, means: Floats, variances: Floats, state: Floats) -> None:
    """Add to the sums that averages of equal weights are made of."""
    for i in range(means.size):
        mean = means[i]
        state[0, i] += mean
        state[1, i] += variances[i]
        state[2, i] += mean * mean
        state[3, i] += step * mean


@part()
def keep(state: Floats, record: Floats) -> None:
    """Copy all averages."""
    for s in range(state.shape[0]):
        for i in range(state.shape[1]):
            record[s, i] = state[s, i]


@loop()
def average_steps(
    done: int,
    means: Floats,
    variances: Floats,
    momenta: Floats,
    grid: Integers,
    state: Floats,
    records: Floats,
) -> None:
    """Take up the next batches, and keep what there is after each step of a grid.

    Parameters
    ----------
    done
        Steps before these.
    means, variances
        Shape (steps, width).
    momenta
        Weights of the old value.
    grid
        Rising steps.
    state
        Averages of means and variances for every momentum, then sums of means, variances, squared
        means and means times step, shape (2 momenta + 4, width).
    records
        Receive the state, shape (grid, 2 momenta + 4, width).
    """
    at = 0
    while at < grid.size and grid[at] <= done:
        at += 1
    for s in range(means.shape[0]):
        step = done + s + 1
        for j in range(momenta.size):
            move(momenta[j], means[s], state[2 * j])
            move(momenta[j], variances[s], state[2 * j + 1])
        add(float(step), means[s], variances[s], state[2 * momenta.size :])
        if at < grid.size and grid[at] == step:
            keep(state, records[at])
            at += 1
