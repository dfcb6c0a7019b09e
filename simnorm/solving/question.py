"""An inverse question in canonical form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from simnorm.design import DEFAULT_FULL_SIZE
from simnorm.engine import Progress
from simnorm.errors import SimnormError, nearest
from simnorm.estimators import Estimator, UserEstimator
from simnorm.estimators import estimator as read_estimator
from simnorm.grammar import LARGEST_SIZE, whole_number
from simnorm.options import number
from simnorm.presets import Average, average
from simnorm.solving.answers import BATCH_SIZE, BATCHES, STEPS

NORMALIZED, INFERENCE = "normalized_value", "inference_value"
REFERENCES = ("population", "full_set")
SOLVED_FOR = (BATCH_SIZE, BATCHES, STEPS)


@dataclass(frozen=True)
class Question:
    """An inverse question in canonical form; see `solve`."""

    target: float
    quantity: str
    reference: str
    solved_for: str
    epsilon: float
    batch_size: int
    preset: Average
    full_size: int
    replications: object
    seed: object
    workers: int | None
    on_progress: Callable[[Progress], None] | None

    @property
    def kind(self) -> Estimator | None:
        """The estimator asked about; None for a normalized value."""
        return None if self.quantity in (NORMALIZED, INFERENCE) else read_estimator(self.quantity)


def question_of(
    target: object,
    quantity: str | Estimator,
    solve_for: str,
    reference: str | None,
    full_size: object,
    batch_size: object,
    preset: str | Average | None,
    epsilon: object,
    replications: object,
    seed: object,
    workers: int | None,
    on_progress: Callable[[Progress], None] | None,
    *,
    is_data: bool,
) -> Question:
    """Check what `simnorm.solving.solve` was given, and return the question.

    Raises
    ------
    SimnormError
        For the first argument that cannot be used.
    """
    error = number(target, "target_rmse")
    if error <= 0.0:
        raise SimnormError("target_rmse", target, "a number above 0 is needed", "Try 0.1.")
    if solve_for not in SOLVED_FOR:
        hint = nearest(str(solve_for), SOLVED_FOR).strip()
        raise SimnormError("solve_for", solve_for, f"allowed are {', '.join(SOLVED_FOR)}", hint)
    allowed = REFERENCES[1:] if is_data else REFERENCES
    against = reference or allowed[0]
    if against not in allowed:
        why = "a file has no population" if is_data and against in REFERENCES else ""
        words = f"allowed is {' or '.join(allowed)}" + (f", {why}" if why else "")
        raise SimnormError("reference", against, words)
    word = quantity if isinstance(quantity, str) else str(quantity)
    if word not in (NORMALIZED, INFERENCE):
        try:
            kind = read_estimator(quantity)
        except SimnormError as said:
            raise SimnormError("quantity", said.got, said.allowed, said.hint) from None
        if isinstance(kind, UserEstimator):
            raise SimnormError("quantity", word, "a function of yours is not solved for")
        word = str(kind)
    if solve_for != BATCH_SIZE:
        if word not in (NORMALIZED, INFERENCE):
            what = "batches and steps are solved for the value normalized at inference"
            raise SimnormError("quantity", word, what, "Leave it out.")
        word = INFERENCE
    elif word == INFERENCE:
        hint = "Ask for steps or batches."
        raise SimnormError("quantity", word, "its batch size is not solved for", hint)
    how = _preset(preset, solve_for, epsilon)
    eps = how.epsilon if solve_for != BATCH_SIZE else number(epsilon or 0.0, "epsilon", 0.0)
    if solve_for == BATCH_SIZE:
        for name, given in (("batch_size", batch_size), ("presets", preset)):
            if given is not None:
                hint = "Ask for batches or steps, or leave it out."
                raise SimnormError(name, str(given), "a batch size is what is solved for", hint)
    size = whole_number(DEFAULT_FULL_SIZE if full_size is None else full_size, "full_size", 1,
                        LARGEST_SIZE)  # fmt: skip
    each = whole_number(32 if batch_size is None else batch_size, "batch_size", 1, LARGEST_SIZE)
    return Question(error, word, against, solve_for, eps, each, how, size, replications, seed,
                    workers, on_progress)  # fmt: skip


def _preset(given: str | Average | None, solve_for: str, epsilon: object) -> Average:
    """Return how batch statistics are averaged: with the preset's epsilon, or another.

    PreciseBN has 0 unless asked for: it is exact for the normal law.
    """
    word: str | Average = "precise" if solve_for == BATCHES else given or "keras3"
    if solve_for == BATCHES and given is not None and average(given).word != "precise":
        allowed = "the number of batches is that of precise; running averages have steps"
        raise SimnormError("presets", str(given), allowed, "Ask for steps.")
    how = average(word)
    if epsilon is not None:
        return replace(how, epsilon=number(epsilon, "epsilon", 0.0))
    return replace(how, epsilon=0.0) if solve_for == BATCHES and given is None else how
