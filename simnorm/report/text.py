"""The sentences of a report: pure functions of the tidy table.

Every number in them comes from the table. Where exact theory exists it is what a sentence quotes,
because it has no error bar; the estimate stands beside it in figures and tables.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import page_names, schemes_of, thing
from simnorm.figures.schemes import by_source, said
from simnorm.figures.tables import (
    FIRST_NAMES,
    estimators_of,
    floats,
    is_absolute,
    is_data,
    is_location,
    is_scale,
    names_of,
    pages_of,
    power_of,
    reference_of,
    with_exact_goals,
    word_of,
)
from simnorm.formatting import (
    NOTHING,
    fixed,
    format_estimate,
    format_like,
    percent,
    plural,
    significant,
)
from simnorm.questions import FAMILY_LEVEL, independent_questions, sidak_bound
from simnorm.report.facts import (
    FULL_SET,
    Needed,
    Quantity,
    best_values,
    covered,
    featured_name,
    featured_size,
    known_values,
    look_up,
    measure_for,
    needed_size,
    needed_sizes,
    pick,
    slope,
    told_estimators,
)
from simnorm.sampling import GROUPED, IID, REPLACEMENT, SEQUENTIAL, SHUFFLE
from simnorm.stopped import replications_range, replications_words

if TYPE_CHECKING:
    import pandas as pd

IN_WORDS = {
    "std(ddof=0)": "standard deviation",
    "std(ddof=1)": "standard deviation",
    "biased_variance": "variance",
    "unbiased_variance": "variance",
    "min": "minimum",
    "max": "maximum",
    "iqr": "interquartile range",
    "mad": "median absolute deviation",
    "excess_kurtosis": "excess kurtosis",
}
TARGETS = (0.10, 0.05)
TITLE = "How far is a batch from its full set?"
# How one replication makes its batches: of data, and of distributions where they are not cut.
METHODS = {
    SHUFFLE: "One replication puts the N rows in a random order and cuts it into k = N/n batches "
    "of n, rounded down, as an epoch of training does; the last rows are dropped where n does not "
    "divide N. All columns, batch sizes and statistics use the same orders.",
    REPLACEMENT: "One replication draws k batches of n rows, each row from all N anew. All columns "
    "and statistics use the same draws.",
    SEQUENTIAL: "The rows are cut, in the order of the file, into k = N/n batches of n, rounded "
    "down; the last rows are dropped where n does not divide N. Nothing is random, so there is "
    "one replication.",
    GROUPED: "One replication puts the groups in a random order, with the rows of a group in the "
    "order of the file, and cuts the long list into k = N/n batches of n, rounded down. All "
    "columns, batch sizes and statistics use the same orders.",
}
LAW_METHODS = {
    REPLACEMENT: "One replication draws one full set of N observations, and from it k batches of n "
    "with replacement, where k is N/n rounded down, but at least one.",
    IID: "One replication draws N observations and cuts them, in the order of drawing, into "
    "k = N/n batches of n, rounded down. There is no full set: errors are about the population.",
}
MEANINGS = {
    "ok": "estimate, standard error and interval are valid",
    "exact": "the error is the same in every replication, so there is no Monte Carlo error",
    "unreliable": "the standard error of the estimate does not exist or is not to be trusted",
    "undefined": "the quantity does not exist, so there is no number",
    "failed": "the estimator raised an error or returned no finite number in some replications; "
    "these count for nothing, and the numbers are those of the others",
}


def in_words(estimator: str) -> str:
    """Return what a person calls an estimator.

    Examples
    --------
    >>> in_words("std(ddof=0)"), in_words("median"), in_words("trimmed_mean(proportion=0.1)")
    ('standard deviation', 'median', 'trimmed mean (proportion 0.1)')
    """
    if estimator in IN_WORDS or estimator.startswith("user."):
        return IN_WORDS.get(estimator, estimator)
    word, _, values = estimator.replace("_", " ").partition("(")
    return word + (f" ({values[:-1].replace('=', ' ').replace(',', ', ')})" if values else "")


def unit_words(estimator: str, measure: str = "rmse") -> str:
    """Return the unit of an absolute measure in a sentence, or nothing for a pure number.

    Examples
    --------
    >>> unit_words("range"), unit_words("range", "variance"), unit_words("skewness")
    (' in the unit of the data', ' in the squared unit of the data', '')
    """
    power = power_of(estimator) * (2 if measure in ("variance", "mse") else 1)
    named_powers = {0: "", 1: " in the unit of the data", 2: " in the squared unit of the data"}
    return named_powers.get(power, f" in the unit of the data to the power {power}")


def listed(words: Sequence[str], most: int = 12) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', 'nothing')
    """
    if len(words) > most:
        return ", ".join(words[:most]) + f" and {len(words) - most} more"
    if len(words) < 2:
        return words[0] if words else "nothing"
    return ", ".join(words[:-1]) + " and " + words[-1]


def sizes_text(sizes: Sequence[int]) -> str:
    """Return batch sizes for a sentence, the middle of a long list left out.

    Examples
    --------
    >>> sizes_text([2, 4, 8]), sizes_text(range(1, 31))
    ('2, 4 and 8', '1, 2, 3, 4, …, 29, 30')
    """
    words = [f"{n:,}" for n in sizes]
    if len(words) <= 12:
        return listed(words)
    return ", ".join([*words[:4], "…", *words[-2:]])


def subtitle(frame: pd.DataFrame) -> str:
    """Return one line on what was run."""
    names, first = names_of(frame), frame.iloc[0] if len(frame) else None
    if first is None:
        return "An empty run"
    whose = listed(names) if len(names) <= 5 else plural(len(names), "distribution")
    return (
        f"Bias, variance and RMSE of batch statistics for {whose}; full sets of "
        f"{int(first['full_size']):,} observations, {replications_words(frame)}"
    )


def full_size(frame: pd.DataFrame) -> int:
    """Return N."""
    return int(frame["full_size"].max()) if len(frame) else 0


def setting(frame: pd.DataFrame) -> str:
    """Return what was compared with what, for the first paragraph."""
    return (
        "Whoever standardizes batch by batch, as batch normalization does, uses the mean and the "
        "standard deviation of a batch in place of those of the full data. This run drew "
        f"{replications_range(frame)} full sets of {full_size(frame):,} observations from "
        + ("every distribution" if len(names_of(frame)) > 1 else "the distribution")
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


def cutting_method(frame: pd.DataFrame) -> str:
    """Return how batches come about where they are not cut from draws of a distribution."""
    scheme = str(frame["sampling"].iloc[0]) if len(frame) else SHUFFLE
    of_data = is_data(frame)
    return METHODS.get(scheme, METHODS[GROUPED]) if of_data else LAW_METHODS.get(scheme, "")


def scheme_sentence(every: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return which of several sampling schemes figures and tables show, or nothing."""
    schemes = schemes_of(every)
    if len(schemes) < 2:
        return ""
    return (
        f"Figures and tables show {said(schemes_of(shown)[0])}; the chapter on sampling compares "
        f"it with {listed([said(word) for word in schemes if word not in schemes_of(shown)])}."
    )


def whole(frame: pd.DataFrame) -> str:
    """Return what a batch is compared with, in a word."""
    if is_data(frame):
        return "column"
    return "full set" if reference_of(frame) == FULL_SET else "population"


def against(frame: pd.DataFrame) -> str:
    """Return what errors are about, for captions."""
    return "the whole column" if is_data(frame) else f"the {whole(frame)}"


def answer(frame: pd.DataFrame) -> str:
    """Return the answer in one or two sentences: how far off, and which batch size is enough."""
    name, n = featured_name(frame), featured_size(frame)
    parts = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        value = look_up(frame, name, word, n, measure)
        if math.isfinite(value.best):
            parts.append(f"{in_words(word)} by {_off_by(word, value.best, measure)}")
    if not parts:
        return _no_answer(frame)
    found = (
        f"A batch of {plural(n, 'observation')} ({name}) misses {_its(frame)}’s "
        + " and its ".join(parts)
        + ", in root mean square. "
    )
    return (found + needed_sentence(frame, name, _needed_word(frame, name))).strip()


def _its(frame: pd.DataFrame) -> str:
    return "the population" if whole(frame) == "population" else "its full set"


def _off_by(estimator: str, value: float, measure: str) -> str:
    """Return an RMSE as people say it."""
    if not measure.startswith("relative_"):
        return significant(value, 2) + unit_words(estimator)
    if is_location(estimator):
        return f"{significant(value, 2)} standard deviations"
    return percent(value)


def _no_answer(frame: pd.DataFrame) -> str:
    """Return why there is no error to lead with."""
    rows = frame[frame["reference"] == reference_of(frame)]
    relative = rows[rows["measure"] == "relative_rmse"]
    absolute = rows[rows["measure"] == "rmse"]
    for kind, some in (("relative error", relative), ("error", absolute)):
        doubtful = some[some["status"] == "unreliable"]
        if len(doubtful):
            return f"This run has no {kind} that can be trusted. " + _why(doubtful)
    if np.isfinite(floats(absolute, "estimate")).any():
        return "There is no error to lead with; those there are stand in the table."
    return "None of the errors asked for exists: every value is undefined. " + _why(absolute)


def _why(rows: pd.DataFrame) -> str:
    reasons = [str(word) for word in rows["reason"].drop_duplicates() if str(word or "")]
    return f"The reason: {reasons[0]}." if len(reasons) == 1 else ""


def needed_sentence(frame: pd.DataFrame, name: str, estimator: str) -> str:
    """Return which batch size brings the RMSE down to 10 % and to 5 %."""
    if not estimator:
        return ""
    unit = " of a standard deviation" if is_location(estimator) else ""
    ten, five = (needed_size(frame, name, estimator, target) for target in TARGETS)
    if ten.how == "unknown" or not (ten.trusted and five.trusted):
        return ""
    # The first one told of needs no name.
    first_told = estimator == told_estimators(frame)[0]
    it = "it" if first_told else f"the {in_words(estimator)}"
    of = "" if first_told else f" in the {in_words(estimator)}"
    if ten.how == "beyond":
        most = f"Even the largest batch simulated, {ten.size:,}"
        return f"{most}, does not bring {it} down to 10 %{unit}."
    first = _needed_clause(ten)
    if five.how == "beyond":
        more = f"more than the {five.size:,} simulated for 5 %"
        return f"It takes {first} for 10 %{unit}{of}, and {more}."
    return f"It takes {first} for 10 %{unit}{of}, and {_needed_clause(five)} for 5 %."


def _needed_word(frame: pd.DataFrame, name: str) -> str:
    """Return the estimator whose needed batch size is told: the scale, unless it is not sure.

    Nothing, if none of those told of is in relative errors.
    """
    words = [word for word in told_estimators(frame) if measure_for(frame, word) != "rmse"]
    found = {word: needed_size(frame, name, word, TARGETS[0]) for word in words}
    known = [word for word in words if found[word].how != "unknown"]
    return next(iter([word for word in known if found[word].trusted] or known), "")


def _needed_clause(needed: Needed) -> str:
    if needed.how == "within":
        return f"a batch between {needed.above:,} and {needed.size:,}"
    about = "no more than" if needed.how == "smallest" else "about"
    return f"a batch of {about} {needed.size:,}"


def shape_matters(frame: pd.DataFrame) -> str:
    """Return how much the answer depends on the distribution."""
    n = featured_size(frame)
    sentences = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        if measure == "rmse" and (power_of(word) or word.startswith("user.")):
            continue  # In the unit of the data the scale matters too.
        rows = pick(frame, word, measure)
        values = _by_name(rows, n)
        # A distribution whose value is not to be trusted might be the one that differs.
        left_out = np.isfinite(known_values(rows[rows["batch_size"] == n])).sum() > len(values)
        if len(values) < 2 or left_out:
            continue
        low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        noun = in_words(word)
        if values[high] <= 1.01 * values[low]:
            # For a Cauchy law it makes all the difference.
            exists = bool((rows["status"] != "undefined").all())
            where = "" if exists else ", where a mean square exists"
            sentences.append(
                f"For the {noun} the shape of the distribution makes no difference{where}."
            )
        else:
            small, large = (_off_by(word, values[end], measure) for end in (low, high))
            sentences.append(
                f"For the {noun} the shape matters: at batch size {n:,} from {small} ({low}) "
                f"to {large} ({high})."
            )
    return " ".join(sentences)


def overview_alt(frame: pd.DataFrame) -> str:
    """Return what the first picture is of, for readers who cannot see it."""
    words = [f"the batch {in_words(word)}" for word in reversed(told_estimators(frame))]
    return f"RMSE of {' and of '.join(words)} against batch size, log-log."


def _by_name(rows: pd.DataFrame, n: int) -> dict[str, float]:
    """Return the best value of every name at one batch size, where there is one."""
    rows = rows[rows["batch_size"] == n]
    values = best_values(rows)
    return {
        str(name): float(value)
        for name, value in zip(rows["name"], values, strict=True)
        if math.isfinite(value)
    }


def tiles(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the three numbers that matter, each with a caption and its error bar."""
    name, n = featured_name(frame), featured_size(frame)
    shown = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        value = look_up(frame, name, word, n, measure)
        if not math.isfinite(value.best):
            continue
        relative = measure.startswith("relative_")
        unit = (" sd" if is_location(word) else " %") if relative else ""
        number = f"{significant(value.best, 2)}{unit}" if unit != " %" else percent(value.best)
        of = "" if relative else unit_words(word)
        shown.append(
            {
                "number": number,
                "caption": f"RMSE of the {in_words(word)} of a batch of {n:,}{of}",
                "detail": _detail(value, unit),
            }
        )
    word = _needed_word(frame, name)
    if shown and word:
        shown.append(_needed_tile(frame, name, word))
    return shown


def _detail(value: Quantity, unit: str) -> str:
    """Return the estimate with its standard error, and theory beside it."""
    factor = 100.0 if unit == " %" else 1.0
    estimate = format_estimate(factor * value.estimate, factor * value.mcse)
    if value.theory_kind not in ("exact", "asymptotic") or not math.isfinite(value.theory):
        return f"estimate {estimate}{unit}"
    theory = format_like(factor * value.theory, factor * value.mcse)
    word = "exactly" if value.theory_kind == "exact" else "asymptotically"
    return f"estimate {estimate}{unit}; {word} {theory}{unit}"


def _needed_tile(frame: pd.DataFrame, name: str, estimator: str) -> dict[str, str]:
    ten, five = (needed_size(frame, name, estimator, target) for target in TARGETS)
    return {
        "number": ten.text(),
        "caption": f"the batch size for 10 % RMSE of the {in_words(estimator)}",
        "detail": f"for 5 %: {five.text()}; interpolated",
    }


def tiles_note(frame: pd.DataFrame) -> str:
    """Return for which distribution the three numbers are."""
    name, names = featured_name(frame), names_of(frame)
    if len(names) < 2:
        return f"Distribution: {name}."
    if len(names) > FIRST_NAMES:
        return f"These numbers are for the distribution {name}, one of {len(names)}."
    return f"These numbers are for the distribution {name}; the table has all {len(names)}."


def trust(frame: pd.DataFrame) -> str:
    """Return in one sentence whether the run agrees with theory."""
    asked = independent_questions(frame)
    if asked.empty:
        return "No row has both an error bar and exact theory, so nothing could be audited."
    largest = float(np.abs(floats(asked, "z")).max())
    bound = sidak_bound(len(asked), int(asked["replications"].min()))
    agree = largest <= bound
    verdict = "agrees" if agree else "does not agree"
    relation = "below" if agree else "above"
    return (
        f"The run {verdict} with exact theory: of {plural(len(asked), 'question')} the largest "
        f"|z| is {z_text(largest)}, {relation} the bound of {bound:.2f} that near normal estimates "
        f"exceed by chance in at most {percent(FAMILY_LEVEL, 1)} of runs."
    )


def variance_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of variances shows."""
    present = estimators_of(frame)
    usual = ("unbiased_variance", "biased_variance", "std(ddof=1)", "std(ddof=0)")
    order = (*usual, *told_estimators(frame), *present)
    for word in dict.fromkeys(word for word in order if word in present):
        found = _variance_sentences(frame, word)
        if found:
            return " ".join([*found, _coverage(frame, "variance")]).strip()
    return "No variance exists here."


def _variance_sentences(frame: pd.DataFrame, word: str) -> list[str]:
    """Return how large the variances of one estimator are, and how they fall with n."""
    measure = measure_for(frame, word, "variance")
    rows = pick(frame, word, measure)
    n = featured_size(frame)
    values = _by_name(rows, n)
    if not values:
        return []
    relative = measure.startswith("relative_")
    what = f"the {'relative ' if relative else ''}variance of {word}"
    unit = "" if relative else unit_words(word, "variance")
    sentences = [_range_sentence(what, values, n, unit)]
    powers = [slope(mine) for name, mine in rows.groupby("name", sort=False) if name in values]
    powers = [power for power in powers if math.isfinite(power)]
    if powers:
        low, high = fixed(min(powers), 2), fixed(max(powers), 2)
        power = low if low == high else f"{low} to {high}"
        sentences.append(
            f"In the upper half of the batch sizes it goes with the power {power} of n."
        )
    return sentences


def _range_sentence(what: str, values: dict[str, float], n: int, unit: str = "") -> str:
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if len(values) == 1 or values[high] <= 1.01 * values[low]:
        return f"At batch size {n:,} {what} is {significant(values[low])}{unit}."
    return (
        f"At batch size {n:,} {what} runs from {significant(values[low])} ({low}) to "
        f"{significant(values[high])} ({high}){unit}."
    )


def _coverage(frame: pd.DataFrame, measure: str) -> str:
    # Relative or absolute: a constant factor keeps a value inside its interval or outside.
    rows = frame[(frame["measure"] == measure) & (frame["reference"] == reference_of(frame))]
    inside, tested = covered(rows)
    if not tested:
        return ""
    return (
        f"Of {tested:,} intervals (nominally 95 %) with exact theory, all from the same draws, "
        f"{inside:,} contain the exact value ({percent(inside / tested)})."
    )


def bias_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of biases shows, a sentence per estimator, at most four."""
    present = estimators_of(frame)
    words = [word for word in present if word != "mean"] or present
    chosen = sorted(words, key=lambda word: not is_scale(word))
    n = featured_size(frame)
    found = [_bias_sentence(frame, word, n) for word in chosen]
    scales = [text for word, text in zip(chosen, found, strict=True) if text and is_scale(word)]
    sentences = (scales or [text for text in found if text])[:4]
    return " ".join(sentences) or "No bias exists here."


def _bias_sentence(frame: pd.DataFrame, word: str, n: int) -> str:
    measure = measure_for(frame, word, "bias")
    rows = pick(frame, word, measure)
    estimates = floats(rows, "estimate")
    if not np.isfinite(estimates).any():
        return ""
    if (rows["status"] == "exact").all():
        return f"{word} has no bias at all against {against(frame)}."
    exact = (rows["theory_kind"] == "exact").to_numpy(dtype=bool) & np.isfinite(estimates)
    relative = measure.startswith("relative_")
    factor, unit = (100.0, " %") if relative else (1.0, unit_words(word))
    if exact.any() and not floats(rows, "theory")[exact].any():
        worst = rows.iloc[int(np.nanargmax(np.where(exact, np.abs(estimates), np.nan)))]
        largest = format_estimate(factor * float(worst["estimate"]), factor * float(worst["mcse"]))
        return f"{word} has no bias in theory; the largest estimate is {largest}{unit}."
    return _bias_range(word, _by_name(rows, n), n, thing(frame), relative)


def _bias_range(
    word: str, values: dict[str, float], n: int, what: str, relative: bool = True
) -> str:
    if not values:
        return ""

    def said(value: float) -> str:
        return percent(value) if relative else significant(value, 2)

    unit = "" if relative else unit_words(word)
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if values[low] * values[high] < 0.0:
        return (
            f"{word} is off by {said(values[low])} ({low}) to {said(values[high])} "
            f"({high}){unit} at batch size {n:,}."
        )
    direction = "small" if values[low] < 0.0 else "large"
    near, far = sorted((low, high), key=lambda name: abs(values[name]))
    if values[far] == 0.0:
        return f"{word} has no bias at batch size {n:,}."
    if abs(values[far]) <= 1.01 * abs(values[near]):
        extent = said(abs(values[far]))
        whatever = f", whatever the {what}" if len(values) > 1 else ""
        return f"{word} is too {direction} by {extent}{unit} at batch size {n:,}{whatever}."
    return (
        f"{word} is too {direction} by {said(abs(values[near]))} ({near}) to "
        f"{said(abs(values[far]))} ({far}){unit} at batch size {n:,}."
    )


def rmse_finding(frame: pd.DataFrame) -> str:
    """Return what the figure of relative RMSE shows: where each kind crosses the 10 % line."""
    sentences = []
    for word in told_estimators(frame):
        measure = measure_for(frame, word)
        if measure.startswith("relative_"):
            sentences.append(_crossing(frame, word))
        else:
            n = featured_size(frame)
            values = _by_name(pick(frame, word, measure), n)
            if values:
                unit = unit_words(word)
                sentences.append(_range_sentence(f"the RMSE of {word}", values, n, unit))
    sentences.append(_coverage(frame, "rmse"))
    return " ".join(sentence for sentence in sentences if sentence) or "No RMSE exists here."


def _crossing(frame: pd.DataFrame, word: str) -> str:
    found = needed_sizes(frame, word, TARGETS[0])
    reached = {name: at.size for name, at in found.items() if at.how not in ("beyond", "unknown")}
    beyond = [name for name, at in found.items() if at.how == "beyond"]
    if not reached and not beyond:
        return ""
    unit = "10 % of a standard deviation" if is_location(word) else "10 %"
    if not reached:
        return f"The RMSE of {word} stays above {unit} at every batch size."
    low, high = min(reached, key=reached.__getitem__), max(reached, key=reached.__getitem__)
    if reached[low] == reached[high]:
        about = "at most" if found[low].how in ("smallest", "within") else "about"
        text = f"The RMSE of {word} is down to {unit} at a batch size of {about} {reached[low]:,}"
    else:
        text = (
            f"The RMSE of {word} is down to {unit} at a batch size of about {reached[low]:,} "
            f"({low}) to {reached[high]:,} ({high})"
        )
    many = is_data(frame) and len(beyond) > 3
    never = f"{len(beyond):,} of {len(found):,} columns" if many else listed(beyond)
    return text + (f", and never for {never}." if beyond else ".")


def absolute_sentence(frame: pd.DataFrame, measure: str) -> str:
    """Return which estimators the figure of a measure shows in absolute errors, or nothing."""
    words = [word for word in estimators_of(frame) if is_absolute(frame, word, measure)]
    words = [word for word in words if not (measure == "bias" and word == "mean")]
    if not words:
        return ""
    return f"Absolute, not relative: {listed(words)}."


def figure_heads(frame: pd.DataFrame) -> dict[str, str]:
    """Return what the figure of each measure shows, relative or not."""
    heads = {}
    for measure in ("bias", "rmse"):
        words = [word for word in estimators_of(frame) if measure != "bias" or word != "mean"]
        words = words or estimators_of(frame)
        every = bool(words) and all(is_absolute(frame, word, measure) for word in words)
        noun = "bias" if measure == "bias" else "RMSE"
        heads[measure] = noun[0].upper() + noun[1:] if every else f"Relative {noun}"
    return heads


def parts(frame: pd.DataFrame, estimators: Sequence[str]) -> list[str]:
    """Return what each part of a figure with a panel per estimator shows."""
    found = []
    for names, panels in pages_of(page_names(frame), estimators):
        some = [] if len(panels) == len(estimators) else [f"panels {panels[0]} to {panels[-1]}"]
        found.append("; ".join([listed(names), *some]))
    return found


def remarks(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the estimators: spec, word, and what their relative measures are divided by."""
    found = []
    for spec in estimators_of(frame):
        rows = frame[frame["estimator"] == spec]
        relative = rows[rows["measure"].str.startswith("relative_")]
        of_data = is_data(frame)
        by = "population sd" if is_location(spec) else "its population value"
        if of_data:
            by = "sd of the column" if is_location(spec) else "its value for the column"
        if spec.startswith("user."):
            exist = np.isfinite(floats(relative, "estimate")).any()
            value = "value for the column" if of_data else "population value"
            by = f"{value}, or sd, as given" if exist else "nothing: there are none"
        found.append(
            {"spec": spec, "word": "user" if spec[:5] == "user." else word_of(spec), "by": by}
        )
    return found


def audit_finding(frame: pd.DataFrame) -> str:
    """Return the verdict of the audit and where the largest deviation is."""
    asked = independent_questions(frame)
    if asked.empty:
        return trust(frame)
    worst = asked.iloc[int(np.abs(floats(asked, "z")).argmax())]
    z = floats(asked, "z")
    return (
        f"{trust(frame)} It belongs to the {worst['measure']} of {worst['estimator']} "
        f"({worst['name']}, batch size {int(worst['batch_size']):,}). The root mean square of all "
        f"z is {z_text(math.sqrt(float(np.mean(z**2))))}; 1 is expected."
    )


def convergence_finding(frame: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Return how near the running RMSE has come to its exact value."""
    rows = curves[(curves["kind"] == "convergence") & (curves["reference"] == reference_of(frame))]
    rows = rows[rows["sampling"].isin(set(frame["sampling"]))]
    rows = with_exact_goals(rows, frame)
    rows = rows[(floats(rows, "theory") > 0.0) & np.isfinite(floats(rows, "mcse"))]
    if rows.empty:
        return "No running RMSE has an exact value to converge to."
    key = ["distribution", "column", "sampling", "estimator", "batch_size", "factors"]
    last = rows.sort_values("x", kind="stable").drop_duplicates(key, keep="last")
    theory = floats(last, "theory")
    away = np.abs(floats(last, "y") / theory - 1.0)
    return (
        f"After {int(last['x'].max()):,} replications the RMSE of all {len(last):,} cells with "
        f"exact theory and a valid error bar is within {percent(float(away.max()))} of its exact "
        f"value; half of them are within {percent(float(np.median(away)))}."
    )


def status_sentence(frame: pd.DataFrame) -> str:
    """Return how many rows have which status."""
    counts = frame["status"].value_counts()
    if frame.empty:
        return "The table has no rows."
    words = [f"{int(counts[word]):,} {word}" for word in MEANINGS if word in counts]
    verb = "is" if len(frame) and int(counts.iloc[0]) == 1 else "are"
    if len(words) == 1:
        same = f"All {words[0].replace(' ', ' rows of the table are ', 1)}."
        return f"{same} {failed_sentence(frame)}".strip()
    words[0] = words[0].replace(" ", f" {verb} ", 1)
    return f"Of {len(frame):,} rows of the table, {listed(words)}. {failed_sentence(frame)}".strip()


def failed_sentence(frame: pd.DataFrame) -> str:
    """Return how many replications of how many rows have failed, or nothing."""
    rows = frame[frame["status"] == "failed"]
    if rows.empty:
        return ""
    low, high = int(rows["failed"].min()), int(rows["failed"].max())
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    lost = int((~np.isfinite(floats(rows, "estimate"))).sum())
    none = f" In {lost:,} of these rows no replication was left." if lost else ""
    return f"In {plural(len(rows), 'row')} {count} replications failed.{none}"


def data_sentence(frame: pd.DataFrame) -> str:
    """Return the data-generating mechanisms and factors of the run."""
    names = names_of(frame)
    sizes = sorted({int(n) for n in frame["batch_size"]})
    return (
        f"{plural(len(names), 'distribution').capitalize()}: {listed(names, 24)}. Full sets of "
        f"N = {full_size(frame):,} independent observations; "
        f"{plural(len(sizes), 'batch size')}: {sizes_text(sizes)}."
    )


def cutting_sentence(frame: pd.DataFrame) -> str:
    """Return how a full set is cut, with the numbers of batches."""
    if frame.empty:
        return ""
    batches = floats(frame, "batches")
    low, high = int(np.nanmin(batches)), int(np.nanmax(batches))
    total, sizes = full_size(frame), sorted({int(n) for n in frame["batch_size"]})
    number = f"{high:,}" if low == high else f"{high:,} (smallest n) to {low:,} (largest n)"
    dropped = [n for n in sizes if total % n]
    what = "rows" if is_data(frame) else "observations"
    if REPLACEMENT in set(frame["sampling"]):
        return f"Here k is {number}."
    rest = (
        f" Where n does not divide N ({sizes_text(dropped)}), the last N − kn {what} are dropped."
        if dropped
        else " Every n divides N, so nothing is dropped."
    )
    return f"Here k is {number}.{rest}"


def z_text(value: float) -> str:
    """Return a z with two decimals and a true minus sign, a hopeless one with two digits."""
    if not math.isfinite(value):
        return NOTHING
    return fixed(value, 2) if abs(value) < 1000.0 else significant(value, 2)


def not_ok(frame: pd.DataFrame, most: int = 12) -> list[list[str]]:
    """Return what is not simply ok: status, distributions, estimators, rows, reason."""
    several = len(schemes_of(frame)) > 1
    every = names_of(by_source(frame))
    rows = by_source(frame[frame["status"] != "ok"])
    reasons = [
        _kind_of_reason(str(reason or ""), str(name))
        for name, reason in zip(rows["name"], rows["reason"], strict=True)
    ]
    groups = rows.assign(reason=reasons).groupby(["status", "reason"], sort=False)
    lines = [
        [
            str(status),
            _all_or(every, _unique(part, "name"), f"{thing(frame)}s"),
            _all_or(estimators_of(frame), _unique(part, "estimator"), "estimators"),
            f"{len(part):,}",
            str(reason) + (f" ({listed([said(s) for s in schemes_of(part)])})" if several else ""),
        ]
        for (status, reason), part in groups
    ]
    order = list(MEANINGS)
    lines.sort(key=lambda line: order.index(line[0]) if line[0] in order else len(order))
    if len(lines) > most:
        rest = f"{len(lines) - most + 1} more reasons, in the attached table"
        lines = [*lines[: most - 1], ["…", "", "", "", rest]]
    return lines


def _kind_of_reason(reason: str, name: str) -> str:
    """Return a reason without what differs between rows that have it alike."""
    nameless = re.sub(rf"\bof {re.escape(name)}(?!\w)", "of the distribution", reason)
    nameless = re.sub(
        r"^[\d,]+ of [\d,]+ replications failed; replication [\d,]+: ",
        "in some replications: ",
        nameless,
    )
    nameless = re.sub(r"needs [\d,]+ replications or more", "needs more replications", nameless)
    nameless = re.sub(r"where all [\d,]+ of a batch", "where all of a batch", nameless)
    nameless = re.sub(r"the column's .* is zero or", "the column's value is zero or", nameless)
    return re.sub(r"(k-hat) -?[\d.]+", r"\1", nameless)


def _all_or(every: list[str], some: list[str], noun: str) -> str:
    """Return the words listed, or that it is all of them."""
    if len(some) == len(every) > 2:
        return f"all {len(every)} {noun}"
    return listed(some, 4)


def _unique(rows: pd.DataFrame, column: str) -> list[str]:
    return [str(word) for word in rows[column].drop_duplicates()]
