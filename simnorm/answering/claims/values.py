"""Claims about the values that a batch makes: sampling error, shape, and the z-score instead."""

from __future__ import annotations

import math

from simnorm.answering import margins
from simnorm.answering.claims.case import INPUTS, SCALING, SWEEP, Case, listed, told
from simnorm.answering.needed import sizes_of
from simnorm.answering.numbers import (
    LESS,
    MORE,
    Family,
    Number,
    above,
    below,
    by_name,
    cells,
    largest,
    points_within,
    smallest,
    widened,
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

MARGIN = margins.TOLD["error"]
# The largest gamma of the figure that shows it.
GAMMA = 1.5


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
    accuracy = batch_accuracies(case)
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
            number=f"{points_within(accuracy.numbers[worst])} of accuracy, {worst}",
            figure="difference",
            chapter=SCALING,
            why=f"Accuracy is lower beyond chance: {listed(worse)}.",
        )
    if far:
        why = f"The error is above the margin in {_count(case, far, errors)}."
        if accuracy.is_same and is_asked:
            return said._replace(word=IMPRECISE, why=f"{why} Accuracy is the same all the same.")
        return said._replace(word=FALSE, why=why)
    is_open = bool(accuracy.named(UNDECIDED)) and is_asked
    if errors and len(near) == len(errors) and not is_open:
        return said._replace(word=TRUE, why="The error is inside the margin everywhere.")
    return said._replace(
        word=UNDECIDED,
        why=_open_reasons(case, accuracy),
        needed=accuracy.needed_text("repeat") or "more replications",
    )


def batch_accuracies(case: Case) -> Family:
    """Return what batches do to accuracy against z-scores, on data that are no others again."""
    return case.accuracies("batch", "z_score", margins.ACCURACY, names=case.real_names)


def _open_reasons(case: Case, accuracy: Family) -> str:
    """Return which of the two is not decided."""
    near = below(case.errors, margins.ERROR)
    parts = []
    if not case.errors:
        parts.append("The error of values was not measured")
    elif len(near) < len(case.errors):
        parts.append("The error of values is not decided")
    if (count := len(accuracy.named(UNDECIDED))) and case.scaling_size == case.n:
        parts.append(f"accuracy is undecided in {count} of {len(accuracy.numbers)} comparisons")
    text = ", and ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


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
    worst = smallest(family.numbers)
    number = points_within(family.numbers[worst])
    start = f"With batches of {case.scaling_size:,} in place of z-scores, accuracy"
    if len(family.numbers) == 1:
        verb = {LESS: "is lower", SAME: "is the same", UNDECIDED: "is undecided"}
        return f"{start} {verb.get(family.words[worst], 'is higher')}: {number} ({worst})."
    return (
        f"{start} is {counted(family)} of {len(family.numbers)} comparisons; the worst is {number} "
        f"({worst})."
    )


def counted(family: Family) -> str:
    """Return in how many comparisons a family is lower, the same, higher and undecided."""
    said = ((LESS, "lower"), (SAME, "the same"), (MORE, "higher"), (UNDECIDED, "undecided"))
    return ", ".join(
        f"{words} in {len(family.named(word))}" for word, words in said if family.named(word)
    )


def _count(case: Case, names: list[str], every: dict[str, Number]) -> str:
    if len(every) == 1:
        return told(names[0])
    if len(names) == len(every):
        return f"all {len(every):,} {case.thing}s"
    return f"{len(names):,} of {len(every):,} {case.thing}s"


def sampling_error(case: Case) -> Verdict:
    """Judge that a batch is a small sample, whose statistics are off: false with n close to N."""
    blank = Verdict(
        "sampling_error",
        "A batch is a small sample, so its mean and spread carry sampling error.",
        NOT_MEASURED,
        figure="overview",
        chapter=SWEEP,
        margin=margins.TOLD["sampling"],
    )
    result = case.result(SWEEP)
    if result is None:
        return blank._replace(why=case.missing_words(SWEEP))
    where = {"batch_size": case.n, "reference": "full_set", "sampling": "shuffle"}
    means, spreads = (
        by_name(cells(result, word, "relative_rmse", **where))  # type: ignore[arg-type]
        for word in ("mean", "std(ddof=0)")
    )
    every = spreads or means
    if not every:
        return blank._replace(why="The run has no error of a batch's mean or spread.")
    worst, best = largest(every), smallest(every)
    both = {f"{name} {word}": number for word, found in (("mean", means), ("spread", spreads))
            for name, number in found.items()}  # fmt: skip
    said = blank._replace(
        number=f"{'spread' if spreads else 'mean'} {_percent(every[worst])} off",
        detail=(
            f"The {'standard deviation' if spreads else 'mean'} of a batch of {case.n:,} is off "
            f"from that of all {case.settings.full_size:,} by {_percent(every[best])} "
            f"({told(best)}) to {_percent(every[worst])} ({told(worst)})"
            f"{_mean_clause(means) if spreads else ''}."
        ),
    )
    if case.n >= case.settings.full_size:
        return said._replace(word=FALSE, why="The batch is the whole full set: nothing is left.")
    return _of_all(said, both, margins.SAMPLING)


def _of_all(said: Verdict, numbers: dict[str, Number], margin: float) -> Verdict:
    """Judge that errors are above a margin: of mean and spread of every name."""
    far, near = above(numbers, margin), below(numbers, margin)
    count = f"{len(far):,} of {len(numbers):,} means and spreads"
    if len(near) == len(numbers):
        return said._replace(word=FALSE, why="All errors lie inside the margin.")
    if far and near:
        return said._replace(word=IMPRECISE, why=f"It is above the margin for {count}.")
    if len(far) == len(numbers):
        why = f"All {len(far):,} errors of means and spreads are above the margin."
        return said._replace(word=TRUE, why=why)
    if far:
        why = f"It is above the margin for {count}; the rest is not decided."
        return said._replace(word=TRUE, why=why)
    unsure = [name for name, number in numbers.items() if not number.is_sure]
    why = "No error is decided."
    if unsure:
        why += f" {len(unsure):,} of {len(numbers):,} have no error bar that can be trusted."
    return said._replace(word=UNDECIDED, why=why, needed="more replications")


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
        return blank._replace(why="They were not searched for. Run the same command again.")
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
    """Judge that gamma and beta skew the data: by theory, and therefore always in the same way.

    A batch-normalized value y has mean square 1 (without epsilon), and so has the z-score; with
    g = E yz, gamma y + beta is off from z by sqrt(1 + gamma^2 - 2 gamma g + beta^2). As g is 1 at
    the most, a gamma that is not 1 is off by at least |gamma - 1|. What the run adds is g.
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
    one, more = (_with_gamma(found[name], gamma) for gamma in (1.0, GAMMA))
    detail = (
        "They multiply and shift all values of a feature alike: skewness and kurtosis stay exactly "
        "as they are (a gamma below 0 turns the sign of the skewness). "
        f"A gamma of {GAMMA:g} makes the error {more.text()} sd, where it is {one.text()} with a "
        f"gamma of 1 ({told(name)})."
    )
    if shape := _shape_sentence(case):
        detail += f" {shape}"
    return blank._replace(
        word=IMPRECISE,
        number=f"skewness as it was, by theory; {more.text()} sd off at γ = {GAMMA:g}",
        detail=detail,
        why="By theory, whatever the data: values are shifted and stretched, their shape stays.",
    )


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
    wide = {name: widened(number, len(both)) for name, number in both.items() if number.is_sure}
    better = [name for name, number in wide.items() if own[name] < number.low]
    worse = [name for name, number in wide.items() if own[name] > number.high]
    name = max(both, key=lambda one: own[one])
    source = "If the rows are a sample of something larger, its" if case.settings.data else "Its"
    error = significant(own[name], 2)
    rest = len(case.errors) - len(both)
    said = blank._replace(
        number=f"{error} sd off, to first order, by theory",
        detail=(
            f"{source} own error about the population is at most {error} sd ({told(name)}; "
            f"√((g₂ + 6)/(4N)), to first order); a batch of {case.n:,} is off from it by "
            f"{both[name].text()} sd there."
            + (f" Of {rest:,} other {case.thing}s no kurtosis is known." if rest else "")
        ),
    )
    count = f"{len(better):,} of {len(both):,} {case.thing}s"
    if len(better) == len(both):
        every = f"all {len(both):,} {case.thing}s" if len(both) > 1 else f"the {case.thing}"
        return said._replace(word=TRUE, why=f"Its error is below that of the batch in {every}.")
    if len(worse) == len(both):
        return said._replace(word=FALSE, why="The batch adds less than it is off itself.")
    if better and worse:
        return said._replace(word=IMPRECISE, why=f"It is so in {count}.")
    return said._replace(
        word=UNDECIDED, why=f"It is so in {count}; elsewhere intervals hold both.",
        needed="more replications",
    )  # fmt: skip


__all__ = [
    "accuracy_sentence", "batch_accuracies", "counted", "full_set_z", "gamma_beta", "replaces",
    "sampling_error", "which_batch_size",
]  # fmt: skip
