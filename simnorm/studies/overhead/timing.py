"""Rounds of timings: what is timed, in which order, and what is made of the times.

Nothing here knows what a net is: actions are called, and a clock is read before and after.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

Action = Callable[[], object]
Clock = Callable[[], float]

NONE, INPUT_BN, HIDDEN_BN, STANDARDIZED = "none", "input_bn", "hidden_bn", "standardized"
# The variants that are nets of their own.
BUILT = (NONE, INPUT_BN, HIDDEN_BN)
VARIANTS = (*BUILT, STANDARDIZED)

FEWEST_CALLS, MOST_CALLS = 3, 9
# Seconds: a clock that does not tell these apart is of no use.
FINEST = 1e-6
# Multiplications that all timed calls of an action come to, as far as their limits allow.
WORK = 1 << 26


class Bench(NamedTuple):
    """What is timed of one net at one batch size.

    Parameters
    ----------
    train
        A step of training: forward, loss, backward, the optimizer's step.
    infer
        Forward as at test time.
    """

    train: Action
    infer: Action


class Stand(NamedTuple):
    """All that is timed for one width and batch size.

    Parameters
    ----------
    benches
        By variant, those of `BUILT`.
    scale
        Standardizing one batch with known means and standard deviations.
    """

    benches: Mapping[str, Bench]
    scale: Action


class Times(NamedTuple):
    """Seconds of one width and batch size.

    Parameters
    ----------
    train, infer
        By variant, those of `BUILT`.
    scale
        Standardizing one batch.
    """

    train: Mapping[str, float]
    infer: Mapping[str, float]
    scale: float


class Round(NamedTuple):
    """What a round came to.

    Parameters
    ----------
    times
        By width and batch size.
    standardizing
        Seconds of fitting and applying a scaler to all N rows, once.
    """

    times: Mapping[tuple[int, int], Times]
    standardizing: float


def calls(width: int, batch_size: int) -> int:
    """Return how many times a step is timed: the more often the sooner it is done.

    Examples
    --------
    >>> calls(64, 8), calls(256, 128), calls(1024, 512)
    (9, 7, 3)
    """
    work = width * width * (batch_size + 16)
    return min(max(WORK // work, FEWEST_CALLS), MOST_CALLS)


def by_turns(
    actions: Mapping[str, Action], count: int, rng: np.random.Generator, clock: Clock
) -> dict[str, float]:
    """Return the shortest time of a call of every action; they take turns in a drawn order.

    Whatever disturbs a call makes it longer: the shortest is the least disturbed. Taking turns, all
    meet the same machine. Before calls that are timed there is one that is not, so that caches hold
    what they would hold if the action were repeated. What is done soon is called a few times for
    one time, which reading the clock then adds little to.

    Parameters
    ----------
    actions
        What is called, by name.
    count
        How many times each is timed, the shorter it is the more often.
    rng
        Draws the order of every turn.
    clock
        Seconds from some fixed moment on.

    Examples
    --------
    >>> ticks = iter([0.0, 3.0, 3.0, 5.0])
    >>> by_turns({"a": lambda: None}, 2, np.random.default_rng(0), lambda: next(ticks))
    {'a': 2.0}
    """
    names = list(actions)
    shortest = dict.fromkeys(names, np.inf)
    together = max(count // FEWEST_CALLS, 1)
    for _ in range(count):
        for place in rng.permutation(len(names)):
            action = actions[names[place]]
            action()
            begun = clock()
            for _ in range(together):
                action()
            taken = (clock() - begun) / together
            shortest[names[place]] = min(shortest[names[place]], taken)
    return shortest


def one_round(
    stands: Mapping[tuple[int, int], Callable[[], Stand]],
    standardize: Action,
    rng: np.random.Generator,
    clock: Clock,
) -> Round:
    """Time everything once, in an order that is drawn.

    What is compared is timed together, see `by_turns`, so that what slows the machine for a while
    slows all of it.

    Parameters
    ----------
    stands
        By width and batch size, what makes all that is timed there; made when its turn comes.
    standardize
        Fits and applies a scaler to all rows.
    rng
        Draws the orders.
    clock
        Seconds from some fixed moment on.
    """
    places: list[tuple[int, int] | None] = [*stands, None]
    times: dict[tuple[int, int], Times] = {}
    standardizing = np.nan
    for turn in rng.permutation(len(places)):
        place = places[turn]
        if place is None:
            found = by_turns({STANDARDIZED: standardize}, FEWEST_CALLS, rng, clock)
            standardizing = found[STANDARDIZED]
        else:
            times[place] = _timed(stands[place](), calls(*place), rng, clock)
    return Round({place: times[place] for place in stands}, standardizing)


def _timed(stand: Stand, count: int, rng: np.random.Generator, clock: Clock) -> Times:
    """Time training of all variants, then inference of all and the scaling of a batch."""
    benches = stand.benches.items()
    train = by_turns({name: bench.train for name, bench in benches}, count, rng, clock)
    tested = {name: bench.infer for name, bench in benches} | {STANDARDIZED: stand.scale}
    infer = by_turns(tested, count, rng, clock)
    scale = infer.pop(STANDARDIZED)
    return Times(train, infer, scale)


def usual_clock() -> Clock:
    """Return the time that this thread has computed, where it is known to a microsecond.

    All that is timed is done by one thread; while another program has the processor, that clock
    stands still. Elsewhere it is the time on the wall.
    """
    is_fine = time.get_clock_info("thread_time").resolution <= FINEST
    return time.thread_time if is_fine else time.perf_counter


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the garbage collector from running in the middle of a timing; as before after."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def step_seconds(found: Round, width: int, batch_size: int, variant: str, steps: int) -> float:
    """Return the seconds of a training step.

    Parameters
    ----------
    found
        A round.
    width, batch_size, variant
        What is trained.
    steps
        The steps that share the time of standardizing once.

    Examples
    --------
    >>> times = Times({"none": 2.0}, {"none": 1.0}, 0.25)
    >>> found = Round({(64, 8): times}, 5.0)
    >>> step_seconds(found, 64, 8, "none", 10), step_seconds(found, 64, 8, "standardized", 10)
    (2.0, 2.5)
    >>> inference_seconds(found, 64, 8, "standardized")
    1.25
    """
    train = found.times[width, batch_size].train
    if variant == STANDARDIZED:
        return train[NONE] + found.standardizing / steps
    return train[variant]


def inference_seconds(found: Round, width: int, batch_size: int, variant: str) -> float:
    """Return the seconds of a batch at test time, which is standardized first in one variant."""
    times = found.times[width, batch_size]
    if variant == STANDARDIZED:
        return times.infer[NONE] + times.scale
    return times.infer[variant]


__all__ = [
    "BUILT",
    "HIDDEN_BN",
    "INPUT_BN",
    "NONE",
    "STANDARDIZED",
    "VARIANTS",
    "Action",
    "Bench",
    "Clock",
    "Round",
    "Stand",
    "Times",
    "by_turns",
    "calls",
    "inference_seconds",
    "no_collector",
    "one_round",
    "step_seconds",
    "usual_clock",
]
