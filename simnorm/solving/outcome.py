"""From a search to an answer, and the search where theory is exact all the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from simnorm.solving.answers import BATCH_SIZE, Answer
from simnorm.solving.question import Question
from simnorm.solving.search import Point, Search, confidence, run_searches
from simnorm.theory import Value

# Beyond this no answer is looked for by exact theory.
MOST_EXACT = 1 << 40
# So many numbers are looked at one by one.
MOST_LOOKED_AT = 300
FROM_THERE = "The error rises and falls: smaller ones may do, from there on all do."
HEAVY = (
    "The tails are too heavy for a sharper answer from so many replications, and the estimate "
    "itself may be low."
)


def blank_of(question: Question, source: str) -> Answer:
    """Return what an answer says before there is one."""
    given = {} if question.solved_for == BATCH_SIZE else {"batch_size": question.batch_size}
    return Answer(
        source, question.quantity, "rmse", question.target, question.solved_for,
        question.reference, "exact", **given,  # type: ignore[arg-type]
    )  # fmt: skip


def exact_answer(
    blank: Answer, theory: Callable[[int], Value | None], most: int | None, *, falls: bool = True
) -> Answer | None:
    """Return the answer that exact theory gives; None where it is not exact all the way.

    Where the error is not known to fall with every step, all smaller numbers are looked at.
    """
    search = Search(blank.target, MOST_EXACT if most is None else most)

    def ask(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
        found: dict[int, Point] = {}
        # In rising order, and no further than the answer: large batches may take long to know.
        for n in sorted(numbers):
            found[n] = _point(theory, n)
            if found[n].value <= blank.target:
                break
        return {"": found}

    try:
        run_searches({"": search}, ask)
        if not falls and search.found is not None and search.found <= MOST_LOOKED_AT:
            _look_at_all(search, theory)
    except NotExactError:
        return None
    answer = answered(blank, search, "exact")
    if not falls and search.found is not None and search.found > MOST_LOOKED_AT:
        return replace(answer, reason=FROM_THERE)
    return answer


def _look_at_all(search: Search, theory: Callable[[int], Value | None]) -> None:
    """Look at every smaller number: the error may rise and fall again."""
    for n in range(1, search.found or 1):
        if n not in search.points:
            search.take({n: _point(theory, n)})
        if search.points[n].value <= search.target:
            search.points = {m: p for m, p in search.points.items() if m <= n}
            return


def _point(theory: Callable[[int], Value | None], n: int) -> Point:
    value = theory(n)
    if value is None or value.kind != "exact":
        raise NotExactError
    return Point(float(value))


class NotExactError(Exception):
    """Theory ends before the answer does."""


def answered(blank: Answer, search: Search, method: str) -> Answer:
    """Return the answer that a search has come to."""
    n = search.found
    if n is None:
        largest = max(search.points)
        return replace(
            blank,
            method=method,
            reached=search.points[largest].value,
            reason=f"At {largest:,} it is {search.points[largest].value:.4g}.",
        )
    point, below = search.points[n], search.points.get(n - 1)
    found = replace(
        blank,
        method=method,
        reached=point.value,
        # A batch too small to have a value at all has no error to tell.
        reached_below=None if below is None or math.isinf(below.value) else below.value,
        confidence=confidence(point, blank.target) if point.trusted else None,
        **{blank.solved_for: n},  # type: ignore[arg-type]  # a field that holds a number
    )
    if method == "exact":
        return found
    if not point.trusted:
        found = replace(found, reason=HEAVY)
    between = search.interval()
    return found if between is None else replace(found, low=between[0], high=between[1])


def explained(answer: Answer, std: float, epsilon: float, full_size: int | None) -> Answer:
    """Return the answer with what explains it: an epsilon, or that a batch is all there is."""
    if answer.number is None:
        stays = stays_of(epsilon, std, answer.target)
        return replace(answer, reason=f"{answer.reason} {stays}") if stays else answer
    if answer.number == full_size:
        return replace(answer, reason="That is the whole full set.")
    return answer


def stays_of(epsilon: float, std: float, target: float) -> str:
    """Return that an epsilon alone leaves more than the target; nothing if it does not.

    Examples
    --------
    >>> stays_of(0.001, 0.01, 0.1)
    'Epsilon 0.001 alone leaves 0.698, as the standard deviation is 0.01: no batch mends that.'
    >>> stays_of(0.001, 1.0, 0.1)
    ''
    """
    if not (math.isfinite(std) and std > 0.0 and epsilon > 0.0):
        return ""
    left = 1.0 - std / math.hypot(std, math.sqrt(epsilon))
    if left <= target:
        return ""
    return (
        f"Epsilon {epsilon:g} alone leaves {left:.3g}, as the standard deviation is {std:.3g}: no "
        "batch mends that."
    )


def root(mse: Value) -> Value:
    """Return the root of a mean square, as exact as that is."""
    return Value(math.sqrt(mse), mse.kind)
