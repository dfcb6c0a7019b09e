"""What is often said about batch normalization at the input, and what the numbers say to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from simnorm.figures.inputs.rows import LEVEL, SCALERS, SKEWNESS, UNSEEN, off_text
from simnorm.formatting import percent, significant
from simnorm.report.article import Block, chapter, small, verdict
from simnorm.report.chapters.inputs.about import About, ends, range_words
from simnorm.report.chapters.inputs.layer import gamma_finding

if TYPE_CHECKING:
    from collections.abc import Callable

# What this study has nothing to say to.
ELSEWHERE = (
    "This report is about training mode. What is left at test time, when running averages take the "
    "place of batch statistics, is asked by simnorm study running."
)


def claims(about: About) -> dict[str, Any] | None:
    """Return the chapter of verdicts, None where there are none."""
    makers: tuple[Callable[[About], Block | None], ...] = (
        sampling_error, complete_set, distortion, one, gaussian, min_max,
    )  # fmt: skip
    made = [block for maker in makers if (block := maker(about))]
    if not made:
        return None
    return chapter("What this says to what is often said", [*made, small(ELSEWHERE)])


def sampling_error(about: About) -> Block | None:
    """Judge that a batch brings sampling error."""
    claim = (
        "Batch normalization can be used for the inputs, but will most likely introduce sampling "
        "error, as the batch is a small sample."
    )
    values = about.errors
    if not values:
        return None
    found = (
        f"At batch size {about.run.size:,} it is {range_words(values)} standard deviations of the "
        "data, in root mean square."
    )
    largest = max(about.run.sizes)
    at_end = about.run.values(about.run.shown_errors, largest)
    if at_end and largest > about.run.size:
        found += f" At {largest:,}, the largest batch here, it is {range_words(at_end)}."
    word = "True, but small" if max(values.values()) <= LEVEL else "True"
    return verdict(claim, word, found)


def complete_set(about: About) -> Block | None:
    """Judge that a z-score by the complete training set is to be recommended."""
    claim = "Use a z-score by the complete training set instead, as StandardScaler does."
    if not about.errors or not about.full_size:
        return None
    own = {
        name: math.sqrt((shape.excess_kurtosis + 6.0) / (4.0 * about.full_size))
        for name, shape in about.shapes.items()
        if name in about.errors and math.isfinite(shape.excess_kurtosis)
    }
    found = (
        f"It uses all N = {about.full_size:,} values at once, is the same in training and at test "
        "time, and needs no ε."
    )
    if own:
        source = "If the rows are a sample of something larger, its" if about.of_data else "Its"
        found += (
            f" {source} own error about the population is √((g₂ + 6)/(4N)) to first order, with g₂ "
            f"the excess kurtosis: {range_words(own)} standard deviations."
        )
    return verdict(claim, "Good advice", found)


def distortion(about: About) -> Block | None:
    """Judge that gamma and beta skew the data."""
    claim = "γ and β, trained parameters, will skew the training data if they are not disabled."
    if not about.errors or about.run.size < 2:
        return None
    found = (
        "They shift and stretch all values alike, and leave skewness and kurtosis as they are. "
        "What does change the shape is the batch itself, which pulls tails in"
    )
    values = about.run.values(about.run.of(SKEWNESS), about.run.size)
    before = {
        name: about.shape(name).skewness
        for name in values
        if math.isfinite(about.shape(name).skewness) and abs(about.shape(name).skewness) >= 0.1
    }
    if before:
        most = max(before, key=lambda name: abs(before[name]))
        found += (
            f": at batch size {about.run.size:,} the skewness of {most} comes out as "
            f"{significant(values[most], 2)}, not {significant(before[most], 2)}"
        )
    return verdict(
        claim, "Not skew, but shift and stretch", f"{found}. {gamma_finding(about)}".strip()
    )


def one(about: About) -> Block | None:
    """Judge that a batch of one cannot be used."""
    claim = "A batch size of 1 cannot be used in training."
    values = about.run.values(about.run.shown_errors, 1)
    if not values:
        return None
    return verdict(
        claim,
        "True",
        f"Every value becomes β; the error is {range_words(values)} standard deviations, that of a "
        "constant. PyTorch says so, Keras does not.",
    )


def gaussian(about: About) -> Block | None:
    """Judge that standardization assumes a Gaussian."""
    claim = "Standardization assumes that the data have a Gaussian (bell curve) distribution."
    if not about.errors:
        return None
    found = (
        "A z-score subtracts one number and divides by another: it is defined wherever there is a "
        "standard deviation, assumes no law and changes none. Only who reads it as a probability "
        "assumes a Gaussian."
    )
    if len(about.errors) > 1:
        low, high = ends(about.errors)
        if off_text(about.errors[low]) != off_text(about.errors[high]):
            found += (
                " What the law does decide is how much a batch misses: at batch size "
                f"{about.run.size:,} from {range_words(about.errors)}."
            )
    return verdict(claim, "False", found)


def min_max(about: About) -> Block | None:
    """Judge that min-max scaling makes no assumptions."""
    claim = (
        "Normalization to [0, 1] is for data of varying scales, where the algorithm makes no "
        "assumptions about their distribution."
    )
    run, n = about.run, about.run.size
    name = next(q for q, word in SCALERS.items() if word == "min-max")
    values = run.values(run.of(name, "rmse", "full_set"), n)
    unseen = run.values(run.of(UNSEEN), n)
    if n < 2 or (not values and not unseen):
        return None
    found = "It assumes no law either, but hangs on the two most extreme values."
    if values:
        found += (
            f" Fitted to a batch of {n:,} it is off by {range_words(values)} standard deviations"
        )
        found += "," if unseen else "."
    if unseen:
        joint = " and " if values else " Of a batch of "
        share = percent(max(unseen.values()))
        found += (
            f"{joint}{share} of other values lie outside its range."
            if values
            else f"{joint}{n:,} the range leaves out {share} of other values."
        )
    return verdict(claim, "Not from a batch", found)
