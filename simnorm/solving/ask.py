"""Solve an inverse question: exact theory where it is exact, one simulated function elsewhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from simnorm.api import run
from simnorm.columns import Column
from simnorm.dataset import Dataset
from simnorm.design import DEFAULT_FULL_SIZE, DEFAULT_REPLICATIONS, Design
from simnorm.distributions import Distribution, distribution
from simnorm.engine import Progress
from simnorm.errors import SimnormError, nearest
from simnorm.estimators import Estimator, UserEstimator, relative_constant
from simnorm.estimators import estimator as read_estimator
from simnorm.grammar import LARGEST_SIZE, whole_number
from simnorm.options import INPUTS, RUNNING, SWEEP, number
from simnorm.presets import Average, average
from simnorm.sampling import IID, SHUFFLE
from simnorm.solving.answers import BATCH_SIZE, BATCHES, STEPS, Answer
from simnorm.solving.search import Point, Search, confidence, run_searches
from simnorm.theory import Value, of_distribution, value_of
from simnorm.theory.finite import finite_values
from simnorm.theory.normalized import (
    epsilon_terms,
    epsilon_terms_of_column,
    fresh_mse,
    normalized_mse,
    spread_chance,
    spread_chance_of_column,
)

NORMALIZED, INFERENCE = "normalized_value", "inference_value"
REFERENCES = ("population", "full_set")
SOLVED_FOR = (BATCH_SIZE, BATCHES, STEPS)
STD = "std(ddof=0)"

# Full sets that simulation takes, the next one where batches get larger than an eighth of it.
FULL_SIZES = (1 << 14, 1 << 17, 1 << 20, 1 << 22)
ROOM = 8
# Beyond this no answer is looked for by exact theory.
MOST_EXACT = 1 << 40
MOST_STEPS = 100_000
HEAVY = "The tails are too heavy for a sharper answer from so many replications."
LUCKY = "The averages start at mean 0 and variance 1, which are about the right ones here."
# What is left of the start when an average has settled.
SETTLED = 1e-7


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
    batch_size: object = 32,
    preset: str | Average | None = None,
    epsilon: object = 0.0,
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
        As in `simnorm.sweep`: every column gets an answer.
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
        For ``batches`` and ``steps``; ``keras3`` unless told.
    epsilon
        What is added to the variance under the root; for ``batches`` and ``steps`` 0 too, not the
        preset's, unless the preset says so itself.
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
    question = _question(
        target_rmse, quantity, solve_for, reference, full_size, batch_size, preset, epsilon,
        replications, seed, workers, on_progress, is_data=data is not None,
    )  # fmt: skip
    if data is not None:
        from simnorm.dataset import read_dataset

        names = None if columns is None else columns
        dataset = read_dataset(
            data, columns=names, exclude=exclude, na=na, separator=separator or None,
            decimal=decimal,
        )  # fmt: skip
        return _of_data(question, dataset)
    given = "normal" if distributions is None else distributions
    specs = Design.make(given, batch_sizes=[1], estimators=["mean"]).distributions
    return [_of_law(question, distribution(spec)) for spec in specs]


def _question(
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
        kind = read_estimator(quantity)
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
    eps = number(epsilon, "epsilon", 0.0)
    how = _preset(preset, solve_for, eps)
    size = whole_number(DEFAULT_FULL_SIZE if full_size is None else full_size, "full_size", 1,
                        LARGEST_SIZE)  # fmt: skip
    each = whole_number(batch_size, "batch_size", 1, LARGEST_SIZE)
    return Question(error, word, against, solve_for, eps, each, how, size, replications, seed,
                    workers, on_progress)  # fmt: skip


def _preset(given: str | Average | None, solve_for: str, epsilon: float) -> Average:
    word: str | Average = "precise" if solve_for == BATCHES else given or "keras3"
    if solve_for == BATCHES and given is not None and average(given).word != "precise":
        allowed = "the number of batches is that of precise; running averages have steps"
        raise SimnormError("presets", str(given), allowed, "Ask for steps.")
    how = average(word)
    return how if isinstance(given, Average) or "(" in str(given) else replace(how, epsilon=epsilon)


# ---------------------------------------------------------------------------------------------
# Distributions


def _of_law(question: Question, law: Distribution) -> Answer:
    blank = _blank(question, str(law))
    no_z_score = question.reference == "population" and not math.isfinite(law.std)
    if no_z_score and question.kind is None:
        why = "It has no standard deviation, so there is no z-score by the population."
        return replace(blank, reason=why + " The full set has one: reference full_set.")
    if question.solved_for != BATCH_SIZE:
        return _stream_answer(question, blank, law)
    kind = question.kind
    if kind is not None:
        blank = replace(blank, measure=_measure(relative_constant(kind, law)))
    else:
        blank = replace(blank, first_order=_first_order(law.excess_kurtosis, question.target))
    full = question.full_size if question.reference == "full_set" else None
    exact = _exact_answer(blank, lambda n: _law_theory(question, law, n, full), full)
    return exact or _simulated_law(question, law, blank)


def _measure(constant: float) -> str:
    return "relative_rmse" if math.isfinite(constant) and constant > 0.0 else "rmse"


def _first_order(excess_kurtosis: float, target: float) -> int | None:
    """Return what (g2 + 6)/(4 r^2) says, to first order in 1/n."""
    size = (excess_kurtosis + 6.0) / (4.0 * target * target)
    return math.ceil(size * (1.0 - 1e-12)) if math.isfinite(size) else None


def _law_theory(question: Question, law: Distribution, n: int, full: int | None) -> Value | None:
    kind = question.kind
    if kind is None:
        terms = epsilon_terms(law, n, full, question.epsilon)
        if terms is None:
            return None
        whole = 1.0 if full is None else spread_chance(law, full)
        return _root(normalized_mse(terms.product, terms.square, full_chance=whole))
    if n < kind.smallest_batch:
        return Value(math.inf, "exact")  # such a batch has no value at all
    value = value_of("rmse", kind, n, full, of_distribution(law))
    constant = relative_constant(kind, law)
    if value is None or _measure(constant) == "rmse":
        return value
    return Value(value / constant, value.kind)


def _root(mse: Value) -> Value:
    return Value(math.sqrt(mse), mse.kind)


def _exact_answer(
    blank: Answer, theory: Callable[[int], Value | None], most: int | None
) -> Answer | None:
    """Return the answer that exact theory gives; None where it is not exact all the way."""
    search = Search(blank.target, MOST_EXACT if most is None else most)
    kinds: set[str] = set()

    def ask(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
        found: dict[int, Point] = {}
        # In rising order, and no further than the answer: large batches may take long to know.
        for n in sorted(numbers):
            value = theory(n)
            kinds.add("none" if value is None else value.kind)
            if value is None or value.kind != "exact":
                raise _NotExactError
            found[n] = Point(float(value))
            if value <= blank.target:
                break
        return {"": found}

    try:
        run_searches({"": search}, ask)
    except _NotExactError:
        return None
    return _answered(blank, search, "exact")


class _NotExactError(Exception):
    """Theory ends before the answer does."""


def _answered(blank: Answer, search: Search, method: str) -> Answer:
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
        reached_below=None if below is None else below.value,
        confidence=confidence(point, blank.target) if point.trusted else None,
        **{blank.solved_for: n},  # type: ignore[arg-type]  # a field that holds a number
    )
    if method == "exact":
        return found
    if not point.trusted:
        found = replace(found, reason=HEAVY)
    between = search.interval()
    return found if between is None else replace(found, low=between[0], high=between[1])


def _blank(question: Question, source: str) -> Answer:
    given = {} if question.solved_for == BATCH_SIZE else {"batch_size": question.batch_size}
    return Answer(
        source, question.quantity, "rmse", question.target, question.solved_for,
        question.reference, "exact", **given,  # type: ignore[arg-type]
    )  # fmt: skip


def _simulated_law(question: Question, law: Distribution, blank: Answer) -> Answer:
    """Return the answer of one simulated function, from full sets that are large enough."""
    if question.reference == "full_set":
        sizes: tuple[int, ...] = (question.full_size,)
    else:
        sizes = FULL_SIZES
    for size in sizes:
        most = size if question.reference == "full_set" else size // ROOM
        search = Search(question.target, most)
        run_searches({str(law): search}, _asker(question, size, law=law))
        if search.found is not None:
            break
    answer = _answered(blank, search, "simulation")
    if answer.number is None and question.reference == "population":
        more = " It may need more: simulation stops there."
        return replace(answer, reason=answer.reason + more)
    return answer


def _asker(
    question: Question, size: int, *, law: Distribution | None = None, data: Dataset | None = None
) -> Callable[[Iterable[int]], dict[str, dict[int, Point]]]:
    """Return the function that simulates errors at batch sizes, of a law or of all columns."""
    # The mean sd of a batch is all that the error depends on, where the reference is fixed.
    by_std = question.kind is None and question.epsilon == 0.0
    by_std = by_std and (data is not None or question.reference == "population")
    study = SWEEP if by_std or question.kind is not None else INPUTS
    common: dict[str, Any] = {
        "study": study, "replications": question.replications, "seed": question.seed,
    }  # fmt: skip
    if study == SWEEP:
        common["estimators"] = [STD if question.kind is None else question.kind]
    else:
        common["epsilon"] = [question.epsilon]
    if law is not None:
        scheme = IID if question.reference == "population" else SHUFFLE
        common |= {"distributions": [law], "full_size": size, "sampling": scheme}
    else:
        common |= {"data": data, "sampling": SHUFFLE}

    def ask(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
        design = Design.make(batch_sizes=list(numbers), **common)
        result = run(design, workers=question.workers, on_progress=question.on_progress)
        frame = result.frame
        frame = frame[frame["reference"] == question.reference]
        if by_std:
            return _points_from_std(frame, law, data)
        if question.kind is not None:
            frame = frame[frame["measure"] == _told_measure(frame)]
        else:
            frame = frame[(frame["estimator"] == NORMALIZED) & (frame["measure"] == "rmse")]
        return _points(frame)

    return ask


def _told_measure(frame: pd.DataFrame) -> str:
    relative = frame[frame["measure"] == "relative_rmse"]
    return "relative_rmse" if (relative["status"] != "undefined").any() else "rmse"


def _points(frame: pd.DataFrame) -> dict[str, dict[int, Point]]:
    """Return points from rows of an rmse, by source and batch size."""
    found: dict[str, dict[int, Point]] = {}
    for row in frame.to_dict(orient="records"):
        if row["status"] == "undefined":
            # A batch of one has no variance: not enough, whatever the target.
            value, error = math.inf, 0.0
        else:
            value, error = float(row["estimate"]), float(row["mcse"])
        point = Point(value, 0.0 if math.isnan(error) else error, row["status"] != "unreliable")
        found.setdefault(str(row["column"] or row["distribution"]), {})[int(row["batch_size"])] = (
            point
        )
    return found


def _points_from_std(
    frame: pd.DataFrame, law: Distribution | None, data: Dataset | None
) -> dict[str, dict[int, Point]]:
    """Return the error of normalized values from the mean squared error of batch sds.

    1 + P(s > 0) - 2 E s/S is E (s/S - 1)^2 + P(s > 0) - E v/S^2, whose last term is known:
    (n - 1)/n, and for batches without replacement N/(N - 1) times that. What is left to estimate
    is of the second order.
    """
    found: dict[str, dict[int, Point]] = {}
    by_cell = frame.pivot(  # noqa: PD010  # one row each
        index=["column", "distribution", "batch_size"], columns="measure",
        values=["estimate", "mcse", "status"],
    )  # fmt: skip
    for (column, spec, n), row in zip(
        by_cell.index, by_cell.to_dict(orient="records"), strict=True
    ):
        name = str(column or spec)
        found.setdefault(name, {})[n] = Point(1.0) if n == 1 else _point(row, n, name, law, data)
    return found


def _point(
    row: dict[Any, Any], n: int, name: str, law: Distribution | None, data: Dataset | None
) -> Point:
    """Return the error of a normalized value from the measures of a batch's sd."""
    chance, mean_square = 1.0, (n - 1.0) / n
    if data is None:
        assert law is not None
        chance = float(spread_chance(law, n))
    else:
        chance = float(spread_chance_of_column(_column(data, name), n))
        mean_square *= data.size / (data.size - 1.0)
    square = float(row["estimate", "relative_mse"]) + chance - mean_square
    value = math.sqrt(max(square, 0.0))
    if value == 0.0:
        return Point(0.0)
    error = float(row["mcse", "relative_mse"]) / (2.0 * value)
    trusted = row["status", "relative_mse"] in ("ok", "exact") and not math.isnan(error)
    safe = None
    if row["status", "relative_bias"] == "ok":
        plain = math.sqrt(max(chance - 1.0 - 2.0 * float(row["estimate", "relative_bias"]), 0.0))
        safe = (plain, float(row["mcse", "relative_bias"]) / plain) if plain > 0.0 else None
    return Point(value, 0.0 if math.isnan(error) else error, trusted, safe)


# ---------------------------------------------------------------------------------------------
# Data


def _column(data: Dataset, name: str) -> Column:
    return Column(name, np.ascontiguousarray(data.values([name])[:, 0]))


def _of_data(question: Question, data: Dataset) -> list[Answer]:
    found: dict[str, Answer] = {}
    searches: dict[str, Search] = {}
    blanks: dict[str, Answer] = {}
    for name in data.columns:
        column = _column(data, name)
        blank = _blank(question, name)
        if column.is_constant:
            found[name] = replace(blank, reason="The column is constant and has no z-score.")
            continue
        if question.solved_for != BATCH_SIZE:
            found[name] = _stream_answer(question, blank, column, data)
            continue
        kind = question.kind
        if kind is None:
            rule = _first_order(column.excess_kurtosis, question.target)
            blank = replace(blank, first_order=rule)
        else:
            blank = replace(blank, measure=_measure(_constant(kind, column)))
        theory = functools.partial(_data_theory, question, column)
        exact = _exact_answer(blank, theory, column.size)
        if exact is not None:
            found[name] = exact
        else:
            searches[name], blanks[name] = Search(question.target, data.size), blank
    if searches:
        ask = _asker(question, data.size, data=data)
        wanted = set(searches)

        def asked(numbers: Iterable[int]) -> dict[str, dict[int, Point]]:
            return {name: part for name, part in ask(numbers).items() if name in wanted}

        run_searches(searches, asked)
        found |= {n: _answered(blanks[n], s, "simulation") for n, s in searches.items()}
    return [found[name] for name in data.columns]


def _constant(kind: Estimator, column: Column) -> float:
    return column.std if kind.is_location else abs(column.value_of(kind))


def _data_theory(question: Question, column: Column, n: int) -> Value | None:
    kind = question.kind
    if kind is None:
        terms = epsilon_terms_of_column(column, n, SHUFFLE, question.epsilon)
        return None if terms is None else _root(normalized_mse(terms.product, terms.square))
    if n < kind.smallest_batch:
        return Value(math.inf, "exact")
    value = finite_values(kind, n, column, SHUFFLE).get("rmse")
    constant = _constant(kind, column)
    if value is None or _measure(constant) == "rmse":
        return value
    return Value(value / constant, value.kind)


# ---------------------------------------------------------------------------------------------
# Streams of batches


def _stream_answer(
    question: Question, blank: Answer, source: Distribution | Column, data: Dataset | None = None
) -> Answer:
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
            return None if mse is None else _root(mse)

        exact = _exact_answer(blank, theory, None)
        if exact is not None:
            return exact
    size = data.size if data is not None else question.full_size
    most = _most_steps(question, size)
    search = Search(question.target, most)
    ask = _stream_asker(question, blank.source, data)
    # An average may start at the truth by luck and get worse: what counts is where it ends.
    search.take(ask([most])[blank.source])
    run_searches({blank.source: search}, ask)
    found = _answered(blank, search, "simulation")
    if found.number == 1 and question.solved_for == STEPS:
        return replace(found, reason=LUCKY)
    if found.number is not None:
        return found
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
    if question.solved_for == BATCHES or momentum is None:
        if question.reference == "full_set":
            return max(1, size // question.batch_size)
        return MOST_STEPS
    if momentum in (0.0, 1.0):
        return 1
    return min(MOST_STEPS, math.ceil(math.log(SETTLED) / math.log(momentum)))


def _stream_asker(
    question: Question, name: str, data: Dataset | None
) -> Callable[[Iterable[int]], dict[str, dict[int, Point]]]:
    common: dict[str, Any] = {
        "study": RUNNING,
        "batch_sizes": [question.batch_size],
        "presets": [question.preset],
        "drift": [0.0],
        "replications": question.replications,
        "seed": question.seed,
    }
    if data is not None:
        common |= {"data": data, "columns": None, "sampling": SHUFFLE}
    else:
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
            (point,) = _points(rows)[name].values()
            points[steps] = point
            if point.value <= question.target:
                break
        return {name: points}

    return ask
