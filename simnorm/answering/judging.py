"""From results to an answer: verdicts, the answer in plain words, and what to do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from simnorm.answering import margins
from simnorm.answering.claims import Case, judge
from simnorm.answering.claims.case import left_by, listed, told
from simnorm.answering.claims.values import accuracy_sentence, batch_accuracies
from simnorm.answering.needed import Needed, sizes_of
from simnorm.answering.numbers import largest, smallest
from simnorm.answering.settings import QUICK, Settings
from simnorm.answering.verdicts import FALSE, IMPRECISE, TRUE, UNDECIDED, Verdict
from simnorm.answering.whole import Answer, Missing
from simnorm.formatting import significant
from simnorm.undecided import MORE_ROWS

if TYPE_CHECKING:
    from simnorm.results import Result

ALONE = "A batch of one is its own mean: nothing of a value is left but beta."
# What Keras adds to a variance: columns of small spread are never normalized by it.
KERAS_EPSILON = 0.001


def judged(
    settings: Settings,
    results: dict[str, Result | Missing],
    needed: pd.DataFrame,
    provenance: dict[str, Any],
) -> Answer:
    """Return the answer that results come to."""
    case = Case(settings, results, needed)
    verdicts = judge(case)
    table = with_errors(case)
    return Answer(
        results, verdicts, settings, table, sentences(case, verdicts), advice(case), provenance
    )


def with_errors(case: Case) -> pd.DataFrame:
    """Return the table of batch sizes with the error at n, the most demanding first.

    `error` and `mcse` are those of a normalized value at the batch size that is asked about, in
    standard deviations; `keras_epsilon` is what the epsilon of Keras alone leaves, however large
    the batch.
    """
    table = case.needed
    nothing = math.nan
    errors = case.errors
    found = table.assign(
        error=[errors[n].estimate if n in errors else nothing for n in table["name"]],
        mcse=[errors[n].error if n in errors else nothing for n in table["name"]],
        keras_epsilon=[left_by(KERAS_EPSILON, case.spread.get(n, nothing)) for n in table["name"]],
    )
    # None at all is worse than any.
    order = found["batch_size"].where(found["batch_size"] > 0, 1 << 62)
    return found.loc[order.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def sentences(case: Case, verdicts: tuple[Verdict, ...]) -> tuple[str, ...]:
    """Return the answer in plain words."""
    by_key = {verdict.key: verdict for verdict in verdicts}
    found = [_lead(case, by_key["replaces"]), _error_sentence(case), _needed_sentence(case)]
    found.append(accuracy_sentence(case, batch_accuracies(case)))
    if case.n == 1:
        found.insert(1, ALONE)
    undecided = [verdict for verdict in verdicts if verdict.word == UNDECIDED]
    if undecided:
        one = len(undecided) == 1
        claims, beside = ("1 claim is", "it") if one else (f"{len(undecided)} claims are", "each")
        why = " A quick run often cannot tell; --thorough tells more." if (
            case.settings.level == QUICK
            and any(MORE_ROWS not in verdict.needed for verdict in undecided)
        ) else ""  # fmt: skip
        found.append(f"{claims} undecided; beside {beside} stands what it would take.{why}")
    return tuple(sentence for sentence in found if sentence)


def _lead(case: Case, verdict: Verdict) -> str:
    n = f"{case.n:,}"
    return {
        TRUE: f"Yes: with batches of {n}, batch normalization at the input does what "
        "standardizing does, within the margins named beforehand.",
        FALSE: f"No: with batches of {n}, batch normalization at the input does not do what "
        "standardizing does.",
        IMPRECISE: f"Not quite: with batches of {n} the values are not those of standardizing, "
        "though accuracy is the same.",
        UNDECIDED: f"This run cannot tell whether batch normalization with batches of {n} does "
        "what standardizing does.",
    }.get(verdict.word, "This run has nothing to answer the question with.")


def _error_sentence(case: Case) -> str:
    errors = case.errors
    if not errors:
        return ""
    low, high = smallest(errors), largest(errors)
    number = significant(errors[low].estimate, 2)
    span = (
        f"{number} to " if low != high and number != significant(errors[high].estimate, 2) else ""
    )
    return (
        f"A value normalized by its batch is off from its z-score by {span}"
        f"{significant(errors[high].estimate, 2)} standard deviations; up to {margins.ERROR:g} was "
        "named good enough."
    )


def _needed_sentence(case: Case) -> str:
    known = {name: row for name, row in sizes_of(case.needed).items() if row.batch_size > 0}
    if not known:
        return ""
    top = max(known, key=lambda name: known[name].batch_size)
    count = len(case.needed)
    if count == 1:
        return f"{told(top)} reaches that with batches of {_size(known[top])}."
    every = f"All {count:,}" if len(known) == count else f"{len(known):,} of {count:,}"
    return (
        f"{every} {case.thing}s reach that with batches of {_size(known[top])} or more; the last "
        f"is {told(top)}."
    )


def _size(row: Needed) -> str:
    """Return a batch size, with its range where it has one."""
    return row.text() if row.high > row.low else f"{row.batch_size:,}"


def advice(case: Case) -> tuple[str, ...]:
    """Return what to do, sentence by sentence."""
    whole = case.settings.full_size
    own = [math.sqrt((g + 6.0) / (4.0 * whole)) for g in case.kurtosis.values()]
    size = f", itself off by at most {significant(max(own), 2)} sd" if own else ""
    rows = "all training rows" if case.settings.data else "the complete training set"
    found = [
        f"Standardize the inputs by {rows} (StandardScaler): a z-score by {whole:,} values{size}."
    ]
    sizes = sizes_of(case.needed)
    if most := max(sizes.values(), key=lambda row: row.batch_size, default=None):
        free = ", without epsilon" if case.settings.data else ""
        if most.batch_size:
            found.append(
                "If batch normalization at the input must do it, take batches of at least "
                f"{most.text()}{free}."
            )
    never = [name for name, row in sizes.items() if not (row.batch_size or row.is_constant)]
    if never:
        found.append(f"Never for {listed(never)}: no batch size is enough.")
    small = [name for name, sd in case.spread.items() if left_by(KERAS_EPSILON, sd) > margins.ERROR]
    if small and case.settings.data:
        found.append(
            f"Rescale {listed(small)} first, or not at all by batches: their variance is small "
            f"against the epsilon of Keras, {KERAS_EPSILON:g}, which alone leaves more than "
            f"{margins.ERROR:g} sd, however large the batch."
        )
    return tuple(found)
