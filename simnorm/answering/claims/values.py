"""Claims about the values that a batch makes: sampling error, shape, and the z-score instead."""

from __future__ import annotations

import math

from simnorm.answering import margins
from simnorm.answering.claims.case import INPUTS, SCALING, SWEEP, Case, listed, told
from simnorm.answering.needed import sizes_of
from simnorm.answering.numbers import (
    LESS,
    Family,
    Number,
    above,
    below,
    by_name,
    cells,
    interval_text,
    largest,
    points,
    smallest,
)
from simnorm.answering.verdicts import (
    ENOUGH,
    FALSE,
    IMPRECISE,
    NOT_MEASURED,
    SAME,
    TOO_SMALL,
    TRUE,
    UNDECIDED,
    Verdict,
)
from simnorm.formatting import significant
from simnorm.undecided import needed_words

MARGIN = margins.TOLD["error"]


def replaces(case: Case) -> Verdict:
    """Judge the question itself: whether batches give what standardizing gives."""
    blank = Verdict(
        "replaces",
        f"Batch normalization at the input, with batches of {case.n:,}, does the work of "
        "standardizing.",
        NOT_MEASURED,
        figure="error",
        chapter=INPUTS,
        margin=f"{MARGIN}; {margins.TOLD['accuracy']}",
    )
    errors = case.errors
    accuracy = case.accuracies("batch", "z_score", margins.ACCURACY)
    if not errors and not accuracy.numbers:
        return blank._replace(why=case.missing_words(INPUTS))
    far, near = above(errors, margins.ERROR), below(errors, margins.ERROR)
    detail = f"{_values_sentence(case)} {accuracy_sentence(case, accuracy)}".strip()
    number = f"{errors[largest(errors)].text()} sd off" if errors else ""
    said = blank._replace(detail=detail, number=number)
    # A loss with other batches than those asked about is told, and decides nothing.
    is_asked = case.scaling_size == case.n
    if (worse := accuracy.named(LESS)) and is_asked:
        worst = accuracy.farthest(worse)
        return said._replace(
            word=FALSE,
            number=f"{points(accuracy.numbers[worst])} of accuracy",
            figure="difference",
            chapter=SCALING,
            why=f"Accuracy is lower beyond chance in {listed(worse)}.",
        )
    if far:
        why = f"The error is above the margin in {_count(case, far, errors)}."
        if accuracy.is_same and is_asked:
            return said._replace(word=IMPRECISE, why=f"{why} Accuracy is the same all the same.")
        return said._replace(word=FALSE, why=why)
    if (
        errors
        and len(near) == len(errors)
        and (accuracy.is_same or not accuracy.numbers or not is_asked)
    ):
        return said._replace(word=TRUE, why="The error is inside the margin everywhere.")
    return said._replace(
        word=UNDECIDED,
        why="Neither error nor accuracy is decided on both sides of its margin.",
        needed=repeats_needed(accuracy),
    )


def _values_sentence(case: Case) -> str:
    errors = case.errors
    if not errors:
        return ""
    low, high = smallest(errors), largest(errors)
    if low == high:
        span = errors[high].text()
        return (
            f"A value normalized by its batch is off from its z-score by {span} sd ({told(high)})."
        )
    return (
        "A value normalized by its batch is off from its z-score by "
        f"{errors[low].text()} ({told(low)}) to {errors[high].text()} sd ({told(high)}), root mean "
        "square."
    )


def accuracy_sentence(case: Case, family: Family) -> str:
    """Return what batches do to accuracy, against z-scores."""
    if not family.numbers:
        return ""
    count = len(family.numbers)
    size = case.scaling_size
    same = len(family.named(SAME))
    parts = [f"lower in {len(family.named(LESS))}"] if family.named(LESS) else []
    parts += [f"the same in {same}"] if same else []
    more = len(family.named("more"))
    parts += [f"higher in {more}"] if more else []
    undecided = len(family.named(UNDECIDED))
    parts += [f"undecided in {undecided}"] if undecided else []
    worst = smallest(family.numbers)
    cases = "comparison" if count == 1 else "comparisons"
    return (
        f"Of {count} {cases} of accuracy with batches of {size:,} against z-scores, it is "
        f"{', '.join(parts)}; the worst is {points(family.numbers[worst])} ({worst})."
    )


def repeats_needed(family: Family) -> str:
    """Return what would decide a family of accuracies."""
    found = family.needed()
    if math.isnan(found) and not family.named(UNDECIDED):
        return ""
    return needed_words(found, "repeat")


def _count(case: Case, names: list[str], every: dict[str, Number]) -> str:
    if len(every) == 1:
        return told(names[0])
    if len(names) == len(every):
        return f"all {len(every):,} {case.thing}s"
    return f"{len(names):,} of {len(every):,} {case.thing}s"


def sampling_error(case: Case) -> Verdict:
    """Judge that a batch is a small sample, whose statistics are off."""
    blank = Verdict(
        "sampling_error",
        "A batch is a small sample, so its mean and spread carry sampling error.",
        NOT_MEASURED,
        figure="overview",
        chapter=SWEEP,
    )
    result = case.result(SWEEP)
    if result is None:
        return blank._replace(why=case.missing_words(SWEEP))
    where = {"batch_size": case.n, "reference": "full_set", "sampling": "shuffle"}
    found = {
        word: by_name(cells(result, word, "relative_rmse", **where))  # type: ignore[arg-type]
        for word in ("mean", "std(ddof=0)")
    }
    spreads = found["std(ddof=0)"] or found["mean"]
    if not spreads:
        return blank._replace(why="The run has no error of a batch's mean or spread.")
    worst, best = largest(spreads), smallest(spreads)
    said = blank._replace(
        number=f"spread {_percent(spreads[worst])} off",
        detail=(
            f"The standard deviation of a batch of {case.n:,} is off from that of all "
            f"{case.settings.full_size:,} by {_percent(spreads[best])} ({told(best)}) to "
            f"{_percent(spreads[worst])} ({told(worst)}){_mean_clause(found['mean'])}."
        ),
    )
    if case.n >= case.settings.full_size or all(x.estimate == 0.0 for x in spreads.values()):
        return said._replace(word=FALSE, why="The batch is the whole full set: nothing is left.")
    if above(spreads, 0.0):
        return said._replace(word=TRUE, why="The error is above 0 beyond its interval.")
    return said._replace(word=UNDECIDED, why="No error has an interval that can be trusted.")


def _mean_clause(means: dict[str, Number]) -> str:
    if not means:
        return ""
    worst = largest(means)
    return f", its mean by up to {means[worst].text()} sd"


def _percent(number: Number) -> str:
    return Number(100.0 * number.estimate, 100.0 * number.error, 0.0, 0.0, number.status).text(" %")


def which_batch_size(case: Case) -> Verdict:
    """Say whether the batch size asked about is enough."""
    blank = Verdict(
        "which_batch_size",
        f"Batches of {case.n:,} are large enough for a normalized value to be off by at most "
        f"{margins.ERROR:g} sd.",
        NOT_MEASURED,
        figure="needed",
        chapter="solve",
        margin=MARGIN,
    )
    table = case.needed
    if not len(table):
        return blank._replace(why="The batch sizes that are needed were not searched for.")
    # A constant column has no z-score to be off from.
    rows = {name: row for name, row in sizes_of(table).items() if not row.is_constant}
    if not rows:
        return blank._replace(why="Every column is constant.")
    known = {name: row for name, row in rows.items() if row.batch_size > 0}
    none = [name for name in rows if name not in known]
    if not known:
        return blank._replace(
            word=TOO_SMALL, number="none", why=str(next(iter(rows.values())).reason)
        )
    most = max(known, key=lambda name: known[name].batch_size)
    least = min(known, key=lambda name: known[name].batch_size)
    small = [name for name, row in known.items() if row.low > case.n]
    fine = [name for name, row in known.items() if 0 < row.high <= case.n]
    detail = f"The most demanding {case.thing}, {told(most)}, needs {known[most].text()}"
    if most != least:
        detail += f", the least demanding, {told(least)}, {known[least].text()}"
    if none:
        detail += f"; for {listed(none)} no batch size is enough"
    said = blank._replace(number=f"needed: {known[most].text()}", detail=f"{detail}.")
    if small or none:
        count = f"{len(small) + len(none):,} of {len(rows):,} {case.thing}s need more"
        return said._replace(word=TOO_SMALL, why=f"{count}.")
    if len(fine) == len(rows):
        return said._replace(word=ENOUGH, why=f"It is enough for all {len(rows):,}.")
    return said._replace(
        word=UNDECIDED,
        why=f"{case.n:,} lies inside the range that the answer is known to.",
        needed="more replications of the search",
    )


def gamma_beta(case: Case) -> Verdict:
    """Judge that gamma and beta skew the data.

    A batch-normalized value y has mean square 1 (without epsilon), and so has the z-score; with
    g = E yz, gamma y + beta is off from z by sqrt(1 + gamma^2 - 2 gamma g + beta^2).
    """
    blank = Verdict(
        "gamma_beta",
        "Gamma and beta skew the data unless they are switched off.",
        NOT_MEASURED,
        figure="gamma",
        chapter=INPUTS,
    )
    result = case.result(INPUTS)
    if result is None or case.n < 2:
        why = case.missing_words(INPUTS) if result is None else "A batch of one leaves beta alone."
        return blank._replace(why=why)
    found = by_name(
        cells(
            result, "best_gamma", "mean", batch_size=case.n, reference="full_set", epsilon="0",
            sampling="shuffle",
        )
    )  # fmt: skip
    found = {name: number for name, number in found.items() if number.is_sure}
    if not found:
        return blank._replace(why="The run has no products of outputs and z-scores.")
    name = smallest(found)
    one, two = (_with_gamma(found[name], gamma) for gamma in (1.0, 2.0))
    detail = (
        "They multiply and shift all values of a feature alike, so that skewness and kurtosis stay "
        f"as they are, exactly. A gamma of 2 makes the error {two.text()} sd, where it is "
        f"{one.text()} with a gamma of 1 ({told(name)})."
    )
    if shape := _shape_sentence(case):
        detail += f" {shape}"
    said = blank._replace(number=f"{two.text()} sd off at γ = 2", detail=detail)
    if two.low > one.high:
        return said._replace(
            word=IMPRECISE, why="They distort the values, but shift and stretch are all they do."
        )
    return said._replace(word=FALSE, why="They leave the shape alone and add no error here.")


def _with_gamma(best: Number, gamma: float) -> Number:
    """Return the error with a gamma, from the gamma that would be best."""
    estimate, low, high = (
        math.sqrt(max(1.0 + gamma * gamma - 2.0 * gamma * g, 0.0))
        for g in (best.estimate, best.high, best.low)
    )
    slope = gamma / estimate if estimate > 0.0 else math.nan
    return Number(estimate, slope * best.error, low, high, best.status)


def _shape_sentence(case: Case) -> str:
    """Return what the batch itself does to the most skewed shape."""
    result = case.result(INPUTS)
    if result is None:
        return ""
    after = by_name(cells(result, "output_skewness", "mean", batch_size=case.n, sampling="shuffle"))
    before = {name: value for name, value in case.skewness.items() if name in after}
    if not before:
        return ""
    name = max(before, key=lambda one: abs(before[one]))
    if abs(before[name]) < 0.1:
        return ""
    return (
        f"What changes the shape is the batch: the skewness of {told(name)} comes out as "
        f"{after[name].text()}, not {significant(before[name], 2)}."
    )


def full_set_z(case: Case) -> Verdict:
    """Judge the advice to take a z-score by the complete training set."""
    whole = case.settings.full_size
    blank = Verdict(
        "full_set_z",
        f"A z-score by the complete training set, here {whole:,} values, is the better choice.",
        NOT_MEASURED,
        figure="error",
        chapter=INPUTS,
    )
    own = {
        name: math.sqrt((kurtosis + 6.0) / (4.0 * whole))
        for name, kurtosis in case.kurtosis.items()
    }
    if not own or not case.errors:
        return blank._replace(why=case.missing_words(INPUTS))
    both = {name: number for name, number in case.errors.items() if name in own}
    if not both:
        return blank._replace(why="No kurtosis is known, by which its error could be told.")
    better = [name for name, number in both.items() if number.is_sure and own[name] < number.low]
    worse = [name for name, number in both.items() if number.is_sure and own[name] > number.high]
    name = max(both, key=lambda one: own[one])
    source = "If the rows are a sample of something larger, its" if case.settings.data else "Its"
    said = blank._replace(
        number=f"{significant(own[name], 2)} sd off",
        detail=(
            f"{source} own error about the population is at most {significant(own[name], 2)} sd "
            f"({told(name)}; √((g₂ + 6)/(4N)), to first order); a batch of {case.n:,} is off from "
            f"it by {both[name].text()} sd there."
        ),
    )
    if len(better) == len(both):
        return said._replace(word=TRUE, why="Its error is below that of the batch everywhere.")
    if worse and not better:
        return said._replace(word=FALSE, why="The batch adds less than it is off itself.")
    if better and worse:
        return said._replace(
            word=IMPRECISE, why=f"It is so in {len(better):,} of {len(both):,} {case.thing}s."
        )
    return said._replace(word=UNDECIDED, why="Their intervals overlap.")


__all__ = [
    "accuracy_sentence", "full_set_z", "gamma_beta", "interval_text", "repeats_needed", "replaces",
    "sampling_error", "which_batch_size",
]  # fmt: skip
