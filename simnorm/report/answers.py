"""The first page of a report on distributions: the question, the answer, and its numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from simnorm.figures.tables import (
    featured_size,
    is_location,
    names_of,
    power_of,
    short,
)
from simnorm.formatting import plural, significant
from simnorm.report.facts import (
    Needed,
    featured_name,
    look_up,
    measure_for,
    needed_size,
    needed_sizes,
    told_estimators,
)
from simnorm.report.tables import estimate_words
from simnorm.report.told import Told, told
from simnorm.report.without import failures, joined, no_answer, without_answer
from simnorm.report.words import (
    TARGETS,
    full_size,
    in_words,
    its,
    listed,
    needed_words,
    span_words,
    unit_words,
    unsure_words,
    whole,
    whole_size,
)
from simnorm.sampling import REPLACEMENT
from simnorm.stopped import replications_range, replications_words

if TYPE_CHECKING:
    import pandas as pd

# A longer list of distributions is counted instead.
LONGEST_LIST = 90
# A longer name is cut where it stands under a number.
LONGEST_NAME = 24
# Numbers farther apart than this factor are not set large as a range.
FARTHEST = 1000.0


def subtitle(frame: pd.DataFrame) -> str:
    """Return one line on what was run."""
    names = names_of(frame)
    if not names:
        return "An empty run"
    whose = listed(names)
    if len(whose) > LONGEST_LIST:
        whose = plural(len(names), "distribution") if len(names) > 1 else short(whose, LONGEST_LIST)
    sets = "full sets" if whole(frame) == "full set" else "sets"
    return (
        f"Bias, variance and RMSE of batch statistics for {whose}; {sets} of "
        f"{plural(full_size(frame), 'observation')}, {replications_words(frame)}"
    )


def setting(frame: pd.DataFrame) -> str:
    """Return what was compared with what, for the first paragraph."""
    count = len(names_of(frame))
    drawn = "1 full set" if (times := replications_range(frame)) == "1" else f"{times} full sets"
    if whole(frame) == "population":
        drawn = drawn.replace("full set", "set")
    return (
        "Whoever standardizes batch by batch, as batch normalization does, uses the mean and the "
        "standard deviation of a batch in place of those of the full data. This run drew "
        f"{drawn} of {plural(full_size(frame), 'observation')} from "
        + ("every distribution" if count > 1 else "the distribution")
        + f", {_cut_in_words(frame)}."
    )


def _cut_in_words(frame: pd.DataFrame) -> str:
    """Return how the batches of a distribution's full sets come about, and what for."""
    if whole(frame) == "population":
        return "cut each into batches, and compared every batch with the population"
    how = (
        "drew batches from each with replacement"
        if REPLACEMENT in set(frame["sampling"])
        else "cut each into batches"
    )
    drawn = "drawn" if REPLACEMENT in set(frame["sampling"]) else "cut"
    return f"{how}, and compared every batch with the full set it was {drawn} from"


def answer(frame: pd.DataFrame) -> str:
    """Return the answer in one or two sentences: how far off, and which batch size is enough.

    It says for how many distributions it holds; `shape_matters` says what is true of the others.
    """
    found = told(frame)
    alive = [one for one in found if one.errors]
    if not alive:
        return no_answer(frame)
    if not any(one.doubtful or any(one.errors.values()) for one in alive):
        return "There is no error: a batch is the whole full set, so it has the same statistics."
    return f"{_how_far(frame, alive)} {_enough(frame, alive)}".strip()


def _how_far(frame: pd.DataFrame, alive: Sequence[Told]) -> str:
    """Return by how much a batch is off, over all distributions of which that is known."""
    count, n = len(names_of(frame)), alive[0].batch_size
    sets = {tuple(one.errors) for one in alive}
    same = len(sets) == 1
    parts = []
    for one in alive:
        of = "" if same or len(one.errors) == count else f" ({_who(one, count)})"
        parts.append(f"{in_words(one.word)} by {span_words(one)}{of}")
    batch = f"a batch of {plural(n, 'observation')}"
    names = list(alive[0].errors)
    lead = batch[0].upper() + batch[1:]
    if count == 1:
        lead += f" ({names[0]})"
    elif same and len(names) == 1:
        lead = f"For {names[0]} alone of {count:,} distributions {batch}"
    elif same and len(names) < count:
        lead = f"For {len(names):,} of {count:,} distributions {batch}"
    return f"{lead} misses {its(frame)}’s {', and its '.join(parts)}, in root mean square."


def _who(one: Told, count: int) -> str:
    """Return for which of so many distributions an error is known, or for how many."""
    if len(one.errors) == 1:
        return f"{next(iter(one.errors))} alone"
    return f"{len(one.errors):,} of {count:,}"


def _enough(frame: pd.DataFrame, alive: Sequence[Told]) -> str:
    """Return which batch sizes bring the RMSE down to 10 %, of the first estimator known well."""
    for one in alive:
        if one.measure == "rmse":
            continue
        every = needed_sizes(frame, one.word, TARGETS[0])
        known = {
            name: at
            for name, at in every.items()
            if name in one.errors and at.how != "unknown" and at.trusted
        }
        if known:
            # Those without a valid error bar here are told of in the next sentence.
            unsure = [name for name in one.errors if name in every and name not in known]
            some = any(len(other.errors) > 1 for other in alive)
            return needed_sentence(one.word, known, unsure, whole_size(frame), some=some)
    return ""


def needed_sentence(
    word: str,
    found: dict[str, Needed],
    unsure: Sequence[str] = (),
    total: int = 0,
    *,
    some: bool = False,
) -> str:
    """Return which batch sizes bring the RMSE of an estimator down to 10 %.

    Parameters
    ----------
    word
        The estimator.
    found
        The batch sizes by name; at least one.
    unsure
        The names whose batch size is not known well enough.
    total
        As in `simnorm.report.words.size_words`.
    some
        Whether there are more names, so that a single one is to be named.
    """
    text = _needed_words(word, found, total, some=some)
    return f"{text}{unsure_words(unsure, 'distribution')}."


def _needed_words(word: str, found: dict[str, Needed], total: int, *, some: bool) -> str:
    goal = f"the {in_words(word)} within 10 %" + (
        " of a standard deviation" if is_location(word) else ""
    )
    reached = {name: at for name, at in found.items() if at.how != "beyond"}
    largest = max(at.size for at in found.values())
    alone = f" for {next(iter(found))}" if len(found) == 1 and some else ""
    if not reached:
        return (
            f"Even the largest batch simulated, {plural(largest, 'observation')}, does not bring "
            f"{goal}{alone}"
        )
    if all(at.how == "smallest" for at in found.values()):
        smallest = plural(max(at.size for at in reached.values()), "observation")
        return f"Even the smallest batch simulated, {smallest}, brings {goal}{alone}"
    sizes = needed_words(reached, total)
    noun = "observation" if sizes.endswith("than 1") else "observations"
    never = alone
    if beyond := [name for name in found if name not in reached]:
        whose = listed(beyond) if len(beyond) < 3 else f"{len(beyond):,} of the distributions"
        never = f", and more than the {largest:,} simulated for {whose}"
        if len(reached) == 1:
            never = f" for {next(iter(reached))}{never}"
    return f"It takes {sizes} {noun} to bring {goal}{never}"


def shape_matters(frame: pd.DataFrame) -> str:
    """Return what goes on the answer: where it does not hold, or whether the shape matters."""
    found = told(frame)
    parts = [part for part in (without_answer(frame, found), failures(frame, found)) if part]
    return joined(parts) or _shape(frame)


def _shape(frame: pd.DataFrame) -> str:
    """Return for which estimators the shape of the distribution matters."""
    matters: list[str] = []
    matters_not: list[str] = []
    for one in told(frame):
        in_own_unit = power_of(one.word) != 0 or one.word.startswith("user.")
        if one.measure == "rmse" and in_own_unit:
            continue  # In the unit of the data the scale matters too.
        if len(one.errors) > 1:
            (matters_not if one.is_level else matters).append(f"the {in_words(one.word)}")
    if matters and matters_not:
        return (
            f"The shape of the distribution matters for {listed(matters)}, but not for "
            f"{listed(matters_not)}."
        )
    if matters:
        return f"The shape of the distribution matters for {listed(matters)}."
    if matters_not:
        return f"The shape of the distribution makes no difference to {listed(matters_not)}."
    return ""


def overview_alt(frame: pd.DataFrame) -> str:
    """Return what the first picture is of, for readers who cannot see it."""
    words = [f"the batch {in_words(word)}" for word in reversed(told_estimators(frame))]
    return f"RMSE of {' and of '.join(words)} against batch size, log-log."


def tiles(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return at most three numbers that matter, each with what it is of and its error bar."""
    found = told(frame)
    if not any(any(one.errors.values()) for one in found):
        return []
    name, n = featured_name(frame), featured_size(frame)
    several = len(names_of(frame)) > 1
    shown = []
    for one in found:
        value = look_up(frame, name, one.word, n, one.measure)
        if not math.isfinite(value.best):
            continue
        relative = one.measure.startswith("relative_")
        unit = (" sd" if is_location(one.word) else " %") if relative else ""
        factor = 100.0 if unit == " %" else 1.0
        ends = _ends(one) if several else []
        of = "" if relative else unit_words(one.word)
        where = _where(one, name, len(names_of(frame)), ranges=bool(ends))
        shown.append(
            {
                "number": _from_to([factor * end for end in ends or [value.best]], unit),
                "caption": f"RMSE of the {in_words(one.word)} of a batch of {n:,}{of}{where}",
                "detail": _lead(name, several) + estimate_words(value, factor, unit),
            }
        )
    word = _needed_word(frame, name)
    if shown and word:
        (names,) = [one.errors for one in found if one.word == word] or [{}]
        shown.append(_needed_tile(frame, name, word, names, several=several))
    return shown


def _ends(one: Told) -> list[float]:
    """Return the smallest and the largest error; nothing where there is one number to tell."""
    if len(one.errors) < 2 or one.is_level:
        return []
    found = [one.errors[one.smallest], one.errors[one.largest]]
    # Ends of very different size have too many digits to be set large.
    return found if found[1] <= FARTHEST * found[0] else []


def _from_to(ends: Sequence[float], unit: str) -> str:
    """Return a number, or from where to where numbers run, as it is set large."""
    words = list(dict.fromkeys(significant(end, 2) for end in ends))
    return f"{'–'.join(words)}{unit}"


def _where(one: Told, name: str, count: int, *, ranges: bool) -> str:
    """Return as the end of a caption for which distributions its number holds."""
    if count < 2:
        return ""
    if ranges:
        return f", {_cut(one.smallest)} to {_cut(one.largest)}"
    if len(one.errors) == count and one.is_level:
        return f", whatever the distribution (all {count:,})"
    return f" ({_cut(name)})"


def _cut(name: str) -> str:
    return short(name, LONGEST_NAME)


def _lead(name: str, several: bool) -> str:
    return f"{_cut(name)}: " if several else ""


def _needed_word(frame: pd.DataFrame, name: str) -> str:
    """Return the estimator whose needed batch size is told: the scale, unless it is not sure.

    Nothing, if none of those told of is in relative errors.
    """
    words = [word for word in told_estimators(frame) if measure_for(frame, word) != "rmse"]
    found = {word: needed_size(frame, name, word, TARGETS[0]) for word in words}
    known = [word for word in words if found[word].how != "unknown"]
    return next(iter([word for word in known if found[word].trusted] or known), "")


def _needed_tile(
    frame: pd.DataFrame, name: str, estimator: str, names: Collection[str], *, several: bool
) -> dict[str, str]:
    """Return the batch sizes that are enough: over all names whose error is known, and of one."""
    found = needed_sizes(frame, estimator, TARGETS[0])
    ten, five = found[name], needed_size(frame, name, estimator, TARGETS[1])
    of = " of a standard deviation" if is_location(estimator) else ""
    what = f"the batch size for an RMSE of the {in_words(estimator)} of 10 %{of}"
    known = {one: at for one, at in found.items() if one in names and at.trusted}
    sizes = {one: at.size for one, at in known.items() if at.how == "between"}
    if several and sizes and len(sizes) == len(known):
        low, high = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        if sizes[low] < sizes[high]:
            return {
                "number": f"≈ {sizes[low]:,}–{sizes[high]:,}",
                "caption": f"{what}, {_cut(low)} to {_cut(high)}",
                "detail": f"{_lead(name, several)}{ten.text()}; for 5 %: {five.text()}",
            }
    return {
        "number": ten.text(),
        "caption": what + (f" ({_cut(name)})" if several else ""),
        "detail": f"for 5 %: {five.text()}",
    }


def tiles_note(frame: pd.DataFrame) -> str:
    """Return for which distribution the numbers are, and what their marks mean."""
    name, names = featured_name(frame), names_of(frame)
    marks = "Behind ± is the Monte Carlo standard error; ≈ is between the batch sizes simulated."
    return f"Distribution: {name}. {marks}" if len(names) < 2 else marks
