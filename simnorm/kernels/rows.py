"""Compiled loops: orders of rows, and moments of batches of whole rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import loop, part

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Orders = NDArray[np.int32]

# Columns that stand side by side in memory: a row of a group is one line of the cache.
WIDTH = 8
# Sums over the batches of a size: of mean, mean^2, v - 1, (v - 1)^2 and s - 1.
SUMS = 5
# Rows that are gathered at a time, as far as whole batches go; what is made of them stays in the
# first cache. It decides in which order sums are added up, so it is a constant.
BLOCK_ROWS = 256


@loop()
def shuffle_rows(rng: np.random.Generator, orders: Orders) -> None:
    """Fill every lane with an order of its rows, every order as likely.

    Fisher and Yates' shuffle. The place to swap with is a uniform number times the number of
    places, rounded down, which favours no place by more than N 2^-53.
    """
    for lane in range(orders.shape[0]):
        order = orders[lane]
        for i in range(order.size):
            order[i] = i
        for i in range(order.size - 1, 0, -1):
            j = int(rng.random() * (i + 1))
            kept = order[i]
            order[i] = order[j]
            order[j] = kept


@loop()
def choose_rows(rng: np.random.Generator, size: int, orders: Orders) -> None:
    """Fill `orders` with row numbers below `size`, drawn independently."""
    flat = orders.ravel()
    for i in range(flat.size):
        flat[i] = int(rng.random() * size)


# Within a block, batches stand in an order that turns neighbours into halves: the first half of
# the slots holds the even batches, the second the odd ones, and so on in each half. Merging all
# pairs is then one loop over two contiguous halves, which is what becomes vector instructions; so
# are all the loops below. Arrays are flat: slot by slot, eight columns each.


@part()
def gather(
    group: Floats,
    order: Orders,
    start: int,
    stride: int,
    slots: Integers,
    count: int,
    rows: Floats,
) -> None:
    """Copy the rows that stand at `start`, one for each slot's batch of `stride` rows."""
    for p in range(count):
        row = group[order[start + slots[p] * stride]]
        for c in range(WIDTH):
            rows[p * WIDTH + c] = row[c]


@part()
def begin(means: Floats, first: Floats, sums: Floats, squares: Floats) -> None:
    """Begin sums about the first row of every batch."""
    for i in range(means.size):
        first[i] = means[i]
        sums[i] = 0.0
        squares[i] = 0.0


@part()
def add(rows: Floats, first: Floats, sums: Floats, squares: Floats) -> None:
    """Add the next row of every batch."""
    for i in range(rows.size):
        x = rows[i] - first[i]
        sums[i] += x
        squares[i] += x * x


@part()
def finish(size: int, first: Floats, sums: Floats, squares: Floats, means: Floats) -> None:
    """Turn sums about the first rows into means and centred sums of squares.

    Equal values have no spread at all then, and others lose no digits to a distance from zero.
    """
    share = 1.0 / size
    for i in range(means.size):
        mean = sums[i] * share
        left = squares[i] - mean * sums[i]
        means[i] = first[i] + mean
        # Rounding can leave nearly equal values a negative sum.
        squares[i] = left if left > 0.0 else 0.0


@part()
def merge_rows(a: Floats, b: Floats, means: Floats, squares: Floats) -> None:
    """Merge single rows to pairs, whose difference says all."""
    for i in range(means.size):
        gap = b[i] - a[i]
        means[i] = a[i] + 0.5 * gap
        squares[i] = 0.5 * gap * gap


@part()
def merge(
    size: int, a: Floats, b: Floats, aa: Floats, bb: Floats, means: Floats, squares: Floats
) -> None:
    """Merge batches of `size` rows in pairs: Chan's update for two equal halves."""
    half = 0.5 * size
    for i in range(means.size):
        gap = b[i] - a[i]
        means[i] = a[i] + 0.5 * gap
        squares[i] = (aa[i] + bb[i]) + gap * gap * half


@part()
def terms(size: int, means: Floats, squares: Floats, found: Floats) -> None:
    """Put what is summed up over batches into the five rows of `found`."""
    share = 1.0 / size
    for i in range(means.size):
        variance = squares[i] * share
        excess = variance - 1.0
        found[0, i] = means[i]
        found[1, i] = means[i] * means[i]
        found[2, i] = excess
        found[3, i] = excess * excess
        found[4, i] = np.sqrt(variance) - 1.0


@part()
def halve(values: Floats, half: int, found: Floats) -> None:
    """Add the second half of the values to the first."""
    for i in range(half):
        found[i] = values[i] + values[half + i]


@part()
def take(
    count: int, size: int, means: Floats, squares: Floats, room: Floats, spare: Floats, sums: Floats
) -> None:
    """Add the batches of `count` slots, a power of two, to the sums of their size, shape (5, 8)."""
    terms(size, means, squares, room)
    for k in range(SUMS):
        here, there = room[k], spare[k]
        slots = count
        while slots > 1:
            slots //= 2
            halve(here, slots * WIDTH, there)
            here, there = there, here
        for c in range(WIDTH):
            sums[k, c] += here[c]


@part()
def block_moments(
    group: Floats,
    order: Orders,
    start: int,
    base: int,
    top: int,
    last: int,
    slots: Integers,
    places: Integers,
    room: Floats,
    sums: Floats,
) -> int:
    """Take the batches of base * 2^0, ..., base * 2^top rows of a block of base * 2^top rows.

    Levels beyond `last` are not merged. Returns the row of `room` that begins with the means of the
    highest level; its centred sums of squares are in the row after the next.
    """
    count = 1 << top
    width = count * WIDTH
    gather(group, order, start, base, slots, count, room[0])
    at = 0
    if base > 1:
        begin(room[0, :width], room[4, :width], room[5, :width], room[2, :width])
        for r in range(1, base):
            gather(group, order, start + r, base, slots, count, room[0])
            add(room[0, :width], room[4, :width], room[5, :width], room[2, :width])
        finish(base, room[4, :width], room[5, :width], room[2, :width], room[0, :width])
    else:
        begin(room[0, :width], room[4, :width], room[5, :width], room[2, :width])
    size = base
    for level in range(min(top, last) + 1):
        if level > 0:
            width //= 2
            count //= 2
            to = 1 - at
            a, b = room[at, :width], room[at, width : 2 * width]
            if size == 1:
                merge_rows(a, b, room[to, :width], room[2 + to, :width])
            else:
                aa, bb = room[2 + at, :width], room[2 + at, width : 2 * width]
                merge(size, a, b, aa, bb, room[to, :width], room[2 + to, :width])
            at = to
            size *= 2
        if places[level] >= 0:
            take(
                count,
                size,
                room[at, :width],
                room[2 + at, :width],
                room[4:9],
                room[9:14],
                sums[places[level]],
            )
    return at


@part()
def hand_up(
    fresh: Floats,
    number: int,
    size: int,
    level: int,
    levels: int,
    places: Integers,
    states: Floats,
    sums: Floats,
) -> None:
    """Hand a block's batch up to those of twice, four times, ... its rows.

    Like the digits of a binary counter, at most one batch of every level waits for its partner in
    `states`, shape (levels, 2, 8); `fresh` has shape (2, 8).
    """
    while level < levels - 1:
        state = states[level]
        if number & 1 == 0:
            for i in range(2):
                for c in range(WIDTH):
                    state[i, c] = fresh[i, c]
            return
        half = 0.5 * size
        for c in range(WIDTH):
            gap = fresh[0, c] - state[0, c]
            fresh[1, c] = (state[1, c] + fresh[1, c]) + gap * gap * half
            fresh[0, c] = state[0, c] + 0.5 * gap
        number >>= 1
        size *= 2
        level += 1
        if places[level] >= 0:
            share = 1.0 / size
            for c in range(WIDTH):
                mean, variance = fresh[0, c], fresh[1, c] * share
                excess = variance - 1.0
                found = sums[places[level]]
                found[0, c] += mean
                found[1, c] += mean * mean
                found[2, c] += excess
                found[3, c] += excess * excess
                found[4, c] += np.sqrt(variance) - 1.0


@part()
def chain_moments(
    group: Floats,
    order: Orders,
    base: int,
    levels: int,
    slots: Integers,
    places: Integers,
    room: Floats,
    states: Floats,
    sums: Floats,
) -> None:
    """Take the batches of ``base``, ``2 base``, ``4 base``, ... rows of one lane.

    A batch of a size is the merged pair of two of half the size, and batches are added up block by
    block, whatever sizes are asked for: the bits of one size do not depend on the others.

    Parameters
    ----------
    group
        Standardized columns, shape (N, 8).
    order
        The rows in their order.
    base
        Rows of the smallest batches, an odd number.
    levels
        How many sizes the chain has.
    slots
        Which batch of a full block stands in which slot; those of smaller blocks follow.
    places
        For every level the place of its size among the sums, -1 if it is not wanted.
    room, states
        Room for blocks, shape (14, slots * 8), and for waiting batches, shape (levels, 2, 8).
    sums
        Receives the sums, shape (sizes, 5, 8).
    """
    top = 0
    while base << (top + 1) <= BLOCK_ROWS:
        top += 1
    rows = base << top
    fresh = np.empty((2, WIDTH))
    # Where the slots of blocks of 2^top, 2^(top - 1), ... batches begin.
    at_slot = 0
    for number in range(order.size // rows):
        at = block_moments(
            group, order, number * rows, base, top, levels - 1, slots, places, room, sums
        )
        if levels - 1 > top:
            for c in range(WIDTH):
                fresh[0, c] = room[at, c]
                fresh[1, c] = room[2 + at, c]
            hand_up(fresh, number, rows, top, levels, places, states, sums)
    start = order.size // rows * rows
    while top > 0:
        at_slot += 1 << top
        top -= 1
        if start + (base << top) <= order.size:
            block_moments(
                group, order, start, base, top, levels - 1, slots[at_slot:], places, room, sums
            )
            start += base << top


@loop()
def gather_moments(
    table: Floats,
    orders: Orders,
    bases: Integers,
    places: Integers,
    slots: Integers,
    sums: Floats,
) -> None:
    """Take the moments of the batches of every size, chain by chain.

    Parameters
    ----------
    table
        Standardized columns, shape (groups, N, 8).
    orders
        Row numbers, shape (lanes, rows).
    bases
        The smallest size of every chain, an odd number, shape (chains,).
    places
        Where the sizes base, 2 base, 4 base, ... stand among the sums, -1 where a size is not
        wanted, shape (chains, levels); after the last wanted one -2.
    slots
        For every chain the batches in the slots of its blocks, shape (chains, slots).
    sums
        Receives sums over the batches, shape (lanes, groups, sizes, 5, 8).
    """
    room = np.empty((14, BLOCK_ROWS * WIDTH))
    states = np.empty((places.shape[1] + 1, 2, WIDTH))
    flat = sums.ravel()
    for i in range(flat.size):
        flat[i] = 0.0
    count = orders.shape[1]
    # Rows stand all over the memory: where several chains want them, they are fetched once.
    fetched = np.empty((count if bases.size > 1 else 0, WIDTH))
    in_order = np.arange(fetched.shape[0]).astype(np.int32)
    for lane in range(orders.shape[0]):
        for g in range(table.shape[0]):
            group, order = table[g], orders[lane]
            if bases.size > 1:
                for i in range(count):
                    for c in range(WIDTH):
                        fetched[i, c] = group[order[i], c]
                group, order = fetched, in_order
            for chain in range(bases.size):
                levels = 0
                while levels < places.shape[1] and places[chain, levels] > -2:
                    levels += 1
                chain_moments(
                    group,
                    order,
                    bases[chain],
                    levels,
                    slots[chain],
                    places[chain],
                    room,
                    states,
                    sums[lane, g],
                )
