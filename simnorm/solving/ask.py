"""Solve an inverse question: exact theory where it is exact, one simulated function elsewhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from simnorm.columns import Column
from simnorm.dataset import Dataset
from simnorm.design import DEFAULT_REPLICATIONS, Design
from simnorm.distributions import Distribution, distribution
from simnorm.engine import Progress
from simnorm.errors import SimnormError
from simnorm.estimators import Estimator, RankSum, relative_constant
from simnorm.presets import Average
from simnorm.sampling import SHUFFLE
from simnorm.solving.answers import BATCH_SIZE, Answer
from simnorm.solving.outcome import answered, blank_of, exact_answer, explained, root
from simnorm.solving.question import NORMALIZED, Question, question_of
from simnorm.solving.search import Point, Search, run_searches
from simnorm.solving.simulate import asker, column_of
from simnorm.solving.streams import stream_answer
from simnorm.theory import Value, of_distribution, value_of
from simnorm.theory.finite import finite_values
from simnorm.theory.normalized import (
    epsilon_terms,
    epsilon_terms_of_column,
    normalized_mse,
    spread_chance,
)

# Full sets that simulation takes, the next one where batches get larger than an eighth of it.
FULL_SIZES = (1 << 14, 1 << 17, 1 << 20, 1 << 22)
ROOM = 8


def solve(
    target_rmse: object,
    distributions: Any = None,
    *,
    data: Any = None,
    columns: Any = None,
    exclude: Any = (),
    na: str = "refuse",
    separator: str = "",
    decimal: str = ".",
    quantity: str | Estimator = NORMALIZED,
    solve_for: str = BATCH_SIZE,
    reference: str | None = None,
    full_size: object = None,
    batch_size: object = None,
    preset: str | Average | None = None,
    epsilon: object = None,
    replications: object = DEFAULT_REPLICATIONS,
    seed: object = 0,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[Answer]:
    """Return the smallest batch size, number of batches or of steps that reaches a target error.

    Parameters
    ----------
    target_rmse
        The root mean squared error to be reached: of a normalized value in standard deviations,
        of an estimator relative to its own value (locations: to the standard deviation).
    distributions
        Laws, ``normal`` unless data are given.
    data, columns, exclude, na, separator, decimal
        As in `simnorm.sweep`: every column gets an answer. Of a `Dataset` that was read before
        all columns do.
    quantity
        ``normalized_value``, a value normalized by its batch against its z-score, or an estimator.
    solve_for
        ``batch_size``; ``batches``: how many batches of `batch_size` PreciseBN has to pool, or
        ``steps``: how many of them a running average has to see, until a value normalized at
        inference has that error.
    reference
        ``population`` (unless told, for laws) or ``full_set``; data are a full set.
    full_size
        N of a law's full set.
    batch_size, preset
        For ``batches`` and ``steps``: 32 and ``keras3`` unless told.
    epsilon
        What is added to the variance under the root: the preset's own for ``steps``, 0 otherwise,
        unless told.
    replications, seed, workers, on_progress
        Of the simulation, where there is no exact theory.

    Returns
    -------
    list of Answer
        One for each distribution or column.

    Raises
    ------
    SimnormError
        For the first argument that cannot be used.

    Notes
    -----
    A simulated error comes from the same draws for every batch size, so that there is one function
    to search; how far it may be off is in `low`, `high` and `confidence`.

    Examples
    --------
    >>> import simnorm as sn
    >>> sn.solve(0.1, "normal")[0].batch_size
    151
    >>> sn.solve(0.1, "normal", reference="full_set", full_size=16_384)[0].batch_size
    149
    """
    if data is not None and distributions is not None:
        raise SimnormError("distributions", distributions, "data are given too", "Give one.")
    question = question_of(
        target_rmse, quantity, solve_for, reference, full_size, batch_size, preset, epsilon,
        replications, seed, workers, on_progress, is_data=data is not None,
    )  # fmt: skip
    if isinstance(data, Dataset):
        return _of_data(question, data)
    if data is not None:
        from simnorm.dataset import read_dataset

        dataset = read_dataset(
            data, columns=columns, exclude=exclude, na=na, separator=separator or None,
            decimal=decimal,
        )  # fmt: skip
        return _of_data(question, dataset)
    given = "normal" if distributions is None else distributions
    specs = Design.make(given, batch_sizes=[1], estimators=["mean"]).distributions
    return [_of_law(question, distribution(spec)) for spec in specs]


# ---------------------------------------------------------------------------------------------
# Distributions


def _of_law(question: Question, law: Distribution) -> Answer:
    blank = blank_of(question, str(law))
    no_z_score = question.reference == "population" and not math.isfinite(law.std)
    if no_z_score and question.kind is None:
        why = "It has no standard deviation, so there is no z-score by the population."
        return replace(blank, reason=why + " The full set has one: reference full_set.")
    if question.solved_for != BATCH_SIZE:
        return stream_answer(question, blank, law)
    kind = question.kind
    if kind is not None:
        blank = replace(blank, measure=_measure(relative_constant(kind, law)))
    else:
        size = question.full_size if question.reference == "full_set" else None
        rule = _first_order(law.excess_kurtosis, question.target, size)
        blank = replace(blank, first_order=rule)
    full = question.full_size if question.reference == "full_set" else None
    falls = not isinstance(kind, RankSum)
    exact = exact_answer(blank, lambda n: _law_theory(question, law, n, full), full, falls=falls)
    answer = exact or _simulated_law(question, law, blank)
    return explained(answer, law.std, question.epsilon, full)


def _measure(constant: float) -> str:
    return "relative_rmse" if math.isfinite(constant) and constant > 0.0 else "rmse"


def _first_order(excess_kurtosis: float, target: float, full_size: int | None) -> int | None:
    """Return the n at which (g2 + 6)/4 (1/n - 1/N) is the squared target, to first order."""
    if not math.isfinite(excess_kurtosis):
        return None
    inverse = 4.0 * target * target / (excess_kurtosis + 6.0)
    inverse += 0.0 if full_size is None else 1.0 / full_size
    return math.ceil((1.0 - 1e-12) / inverse)


def _law_theory(question: Question, law: Distribution, n: int, full: int | None) -> Value | None:
    kind = question.kind
    if kind is None:
        terms = epsilon_terms(law, n, full, question.epsilon)
        if terms is None:
            return None
        whole = 1.0 if full is None else spread_chance(law, full)
        return root(normalized_mse(terms.product, terms.square, full_chance=whole))
    if n < kind.smallest_batch:
        return Value(math.inf, "exact")  # such a batch has no value at all
    value = value_of("rmse", kind, n, full, of_distribution(law))
    constant = relative_constant(kind, law)
    if value is None or _measure(constant) == "rmse":
        return value
    return Value(value / constant, value.kind)


def _simulated_law(question: Question, law: Distribution, blank: Answer) -> Answer:
    """Return the answer of one simulated function, from full sets that are large enough."""
    if question.reference == "full_set":
        sizes: tuple[int, ...] = (question.full_size,)
    else:
        sizes = FULL_SIZES
    for size in sizes:
        most = size if question.reference == "full_set" else size // ROOM
        search = Search(question.target, most)
        run_searches({str(law): search}, asker(question, size, law=law))
        if search.found is not None:
            break
    answer = answered(blank, search, "simulation")
    if answer.number is None and question.reference == "population":
        more = " It may need more: simulation stops there."
        return replace(answer, reason=answer.reason + more)
    return answer


# ---------------------------------------------------------------------------------------------
# Data


def _of_data(question: Question, data: Dataset) -> list[Answer]:
    found: dict[str, Answer] = {}
    searches: dict[str, Search] = {}
    blanks: dict[str, Answer] = {}
    columns = {name: column_of(data, name) for name in data.columns}
    for name, column in columns.items():
        blank = blank_of(question, name)
        if column.is_constant:
            found[name] = replace(blank, reason="The column is constant and has no z-score.")
            continue
        if question.solved_for != BATCH_SIZE:
            found[name] = stream_answer(question, blank, column)
            continue
        kind = question.kind
        if kind is None:
            rule = _first_order(column.excess_kurtosis, question.target, column.size)
            blank = replace(blank, first_order=rule)
        else:
            blank = replace(blank, measure=_measure(_constant(kind, column)))
        theory = functools.partial(_data_theory, question, column)
        falls = not isinstance(kind, RankSum)
        exact = exact_answer(blank, theory, column.size, falls=falls)
        if exact is not None:
            found[name] = exact
        else:
            searches[name], blanks[name] = Search(question.target, data.size), blank
    if searches:
        ask = asker(question, data.size, data=data, columns=columns)
        wanted = set(searches)

        def asked(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
            return {name: part for name, part in ask(numbers).items() if name in wanted}

        run_searches(searches, asked)
        found |= {n: answered(blanks[n], s, "simulation") for n, s in searches.items()}
    if question.solved_for != BATCH_SIZE:
        return [found[name] for name in columns]
    return [
        explained(found[name], column.std, question.epsilon, data.size)
        for name, column in columns.items()
    ]


def _constant(kind: Estimator, column: Column) -> float:
    return column.std if kind.is_location else abs(column.value_of(kind))


def _data_theory(question: Question, column: Column, n: int) -> Value | None:
    kind = question.kind
    if kind is None:
        terms = epsilon_terms_of_column(column, n, SHUFFLE, question.epsilon)
        return None if terms is None else root(normalized_mse(terms.product, terms.square))
    if n < kind.smallest_batch:
        return Value(math.inf, "exact")
    value = finite_values(kind, n, column, SHUFFLE).get("rmse")
    constant = _constant(kind, column)
    if value is None or _measure(constant) == "rmse":
        return value
    return Value(value / constant, value.kind)
