"""How many batches or steps until a value normalized at inference is good enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from simnorm.api import run
from simnorm.columns import Column
from simnorm.design import Design
from simnorm.distributions import Distribution
from simnorm.errors import SimnormError
from simnorm.options import RUNNING
from simnorm.sampling import IID, SHUFFLE
from simnorm.solving.answers import BATCHES, STEPS, Answer
from simnorm.solving.outcome import answered, exact_answer, root, stays_of
from simnorm.solving.question import INFERENCE, Question
from simnorm.solving.search import Point, Search, run_searches
from simnorm.solving.simulate import points_of
from simnorm.theory import Value
from simnorm.theory.normalized import (
    fresh_mse,
)

MOST_STEPS = 100_000
# What is left of the start when an average has settled.
SETTLED = 1e-7
# So many passes over a full set are looked through, where nothing settles.
EPOCHS = 20
WITHIN_EPOCH = "Within an epoch the error rises and falls: fewer steps may do, too."
LUCKY = "The averages start at mean 0 and variance 1, which are about the right ones here."


def stream_answer(question: Question, blank: Answer, source: Distribution | Column) -> Answer:
    """Return the batches or steps until a value normalized at inference is good enough."""
    n, is_law = question.batch_size, isinstance(source, Distribution)
    population = question.reference == "population"
    if question.solved_for == BATCHES and is_law and population and question.preset.epsilon == 0:
        assert isinstance(source, Distribution)
        law = source

        def theory(k: int) -> Value | None:
            mse = fresh_mse(law, n * k)
            if mse is None and law.is_normal:
                return Value(math.inf, "exact")  # too few values for the error to be finite
            return None if mse is None else root(mse)

        exact = exact_answer(blank, theory, None)
        if exact is not None:
            return exact
    size = source.size if isinstance(source, Column) else question.full_size
    if n > size and question.reference == "full_set":
        raise SimnormError("batch_size", n, f"there are {size:,} rows", "Take a smaller batch.")
    most = _most_steps(question, size)
    search = Search(question.target, most)
    ask = _asker_of_stream(question, source)
    # An average may start at the truth by luck and get worse: what counts is where it ends.
    search.take(ask([most])[blank.source])
    run_searches({blank.source: search}, ask)
    found = answered(blank, search, "simulation")
    if found.number == 1 and question.solved_for == STEPS:
        return replace(found, reason=LUCKY)
    if found.number is not None:
        waves = question.solved_for == STEPS and question.reference == "full_set"
        return replace(found, reason=WITHIN_EPOCH) if waves else found
    stays = stays_of(question.preset.epsilon, source.std, question.target)
    if stays:
        return replace(found, reason=f"{found.reason} {stays}")
    if question.solved_for == STEPS and question.preset.momentum is not None:
        why = (
            f"{question.preset} with batches of {n} has settled there and gets no better: "
            "take a momentum nearer to 1, larger batches, or PreciseBN (--for batches)."
        )
        return replace(found, reason=f"{found.reason} {why}")
    return found


def _most_steps(question: Question, size: int) -> int:
    """Return the steps behind which nothing changes, or the batches there are."""
    momentum = question.preset.momentum
    epoch = max(1, size // question.batch_size) if question.reference == "full_set" else 1
    if question.solved_for == BATCHES:
        return epoch if epoch > 1 or question.reference == "full_set" else MOST_STEPS
    if momentum is None:
        return min(MOST_STEPS, EPOCHS * epoch) if epoch > 1 else MOST_STEPS
    if momentum in (0.0, 1.0):
        return 1
    settled = min(MOST_STEPS, math.ceil(math.log(SETTLED) / math.log(momentum)))
    # Of shuffled rows the error rises and falls within an epoch; its end is where it is smallest.
    return -(-settled // epoch) * epoch


def _asker_of_stream(
    question: Question, source: Distribution | Column
) -> Callable[[Iterable[int]], dict[str, dict[int, Point]]]:
    common: dict[str, Any] = {
        "study": RUNNING,
        "batch_sizes": [question.batch_size],
        "presets": [question.preset],
        "drift": [0.0],
        "replications": question.replications,
        "seed": question.seed,
    }
    if isinstance(source, Column):
        # This column alone: the others would be run for nothing.
        name = source.name
        common |= {"data": {name: source.values}, "sampling": SHUFFLE}
    else:
        name = str(source)
        scheme = IID if question.reference == "population" else SHUFFLE
        common |= {"distributions": [name], "full_size": question.full_size, "sampling": scheme}

    def ask(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
        points: dict[int, Point] = {}
        # In rising order and no further than the answer: many steps take long.
        for steps in sorted(numbers):
            design = Design.make(steps=steps, **common)
            frame = run(design, workers=question.workers, on_progress=question.on_progress).frame
            rows = frame[(frame["estimator"] == INFERENCE) & (frame["measure"] == "rmse")]
            rows = rows[rows["reference"] == question.reference]
            (point,) = points_of(rows)[name].values()
            points[steps] = point
            if point.value <= question.target:
                break
        return {name: points}

    return ask
