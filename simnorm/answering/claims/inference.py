"""Claims about test time and about batches of one."""

from __future__ import annotations

import math

from simnorm.answering import margins
from simnorm.answering.claims.case import RUNNING, Case, left_by, told
from simnorm.answering.numbers import Number, above, below, by_name, cells, largest
from simnorm.answering.verdicts import (
    FALSE,
    IMPRECISE,
    NOT_MEASURED,
    TRUE,
    UNDECIDED,
    Verdict,
)
from simnorm.presets import average
from simnorm.sampling import SEQUENTIAL, SHUFFLE

MARGIN = margins.TOLD["error"]
NAMES = {
    "keras3": "Keras", "pytorch": "PyTorch", "cumulative": "the mean of all batches",
    "precise": "PreciseBN",
}  # fmt: skip
# Where epsilon alone leaves no more than this, it plays no part.
NEGLIGIBLE = 0.01
# What a layer does unless told: these have a momentum.
LAYERS = ("keras3", "pytorch")


def test_time(case: Case) -> Verdict:
    """Judge that mean and standard deviation are hard to come by at test time."""
    blank = Verdict(
        "test_time",
        "Mean and standard deviation of the inputs are difficult to estimate for test time.",
        NOT_MEASURED,
        figure="floor",
        chapter=RUNNING,
        margin=MARGIN,
    )
    result = case.result(RUNNING)
    if result is None:
        return blank._replace(why=case.missing_words(RUNNING))
    found = {preset: estimation(case, preset) for preset in result.design.presets}
    found = {preset: numbers for preset, numbers in found.items() if numbers}
    if not found:
        return blank._replace(why="No preset has an error at this batch size.")
    worst = {preset: largest(numbers) for preset, numbers in found.items()}
    parts = [
        f"{found[p][worst[p]].text()} sd with {NAMES.get(p, p)} ({told(worst[p])})" for p in found
    ]
    lead = max((p for p in found if p in LAYERS), default=next(iter(found)),
               key=lambda p: found[p][worst[p]].estimate)  # fmt: skip
    said = blank._replace(
        number=f"{found[lead][worst[lead]].text()} sd ({NAMES.get(lead, lead)})",
        detail=(
            f"After {result.design.steps:,} batches of {case.n:,}, values at inference are off, "
            f"epsilon apart and in the worst {case.thing}, by {'; '.join(parts)}."
            f"{_value_sentence(case, lead)}{_sorted_sentence(case, lead)}"
        ),
    )
    hard = [p for p in found if above(found[p], margins.ERROR)]
    easy = [p for p in found if len(below(found[p], margins.ERROR)) == len(found[p])]
    if len(hard) == len(found):
        return said._replace(word=TRUE, why="Every way to average is off by more than the margin.")
    if len(easy) == len(found):
        return said._replace(word=FALSE, why="Every way to average is inside the margin.")
    if hard:
        names = " and ".join(NAMES.get(p, p) for p in hard)
        why = f"It is so for {names}, not for every way to average."
        return said._replace(word=IMPRECISE, why=why)
    return said._replace(
        word=UNDECIDED,
        why="Intervals lie on both sides of the margin.",
        needed="more replications",
    )


def estimation(case: Case, preset: str, n: int = 0) -> dict[str, Number]:
    """Return how far values at inference are off by what is estimated, epsilon apart.

    Where epsilon is small against the variance that is their error itself. Elsewhere it is, to
    first order, sqrt(m^2 + v^2/4), of the error m of the mean in standard deviations and the
    relative error v of the variance; its standard error is the largest that theirs allow.
    """
    result = case.result(RUNNING)
    if result is None:
        return {}
    found = _errors(case, preset, n=n)
    epsilon = average(preset).epsilon
    harmed = [name for name, sd in case.spread.items() if left_by(epsilon, sd) > NEGLIGIBLE]
    if not harmed:
        return found
    means, variances = (
        by_name(
            cells(
                result, quantity, "relative_rmse", batch_size=n or case.n, reference="full_set",
                preset=preset, drift="0", sampling=SHUFFLE,
            )
        )
        for quantity in ("running_mean", "running_variance")
    )  # fmt: skip
    parts = {
        name: _together(means[name], variances[name])
        for name in harmed
        if name in means and name in variances
    }
    return {name: x for name, x in found.items() if name not in harmed} | parts


def _together(mean: Number, variance: Number) -> Number:
    estimate = math.hypot(mean.estimate, variance.estimate / 2.0)
    error = 0.0
    if estimate > 0.0:
        error = (mean.estimate * mean.error + variance.estimate * variance.error / 4.0) / estimate
    is_sure = mean.is_sure and variance.is_sure
    return Number(
        estimate, error,
        math.hypot(mean.low, variance.low / 2.0), math.hypot(mean.high, variance.high / 2.0),
        "ok" if is_sure else "unreliable",
    )  # fmt: skip


def _value_sentence(case: Case, preset: str) -> str:
    """Return what epsilon makes of it, where it is not small against the variance."""
    epsilon = average(preset).epsilon
    found = _errors(case, preset)
    numbers = {
        name: number
        for name, number in found.items()
        if left_by(epsilon, case.spread.get(name, math.nan)) > NEGLIGIBLE
    }
    if not numbers:
        return ""
    name = largest(numbers)
    return (
        f" With its epsilon of {epsilon:g}, {NAMES.get(preset, preset)} has values off by up to "
        f"{numbers[name].text()} sd ({told(name)})."
    )


def _errors(case: Case, preset: str, sampling: str = SHUFFLE, n: int = 0) -> dict[str, Number]:
    result = case.result(RUNNING)
    if result is None:
        return {}
    return by_name(
        cells(
            result, "inference_value", "rmse", batch_size=n or case.n, reference="full_set",
            preset=preset, drift="0", sampling=sampling,
        )
    )  # fmt: skip


def _sorted_sentence(case: Case, preset: str) -> str:
    """Return what becomes of it where the rows come in the order of the file."""
    numbers = _errors(case, preset, SEQUENTIAL)
    if not numbers:
        return ""
    name = largest(numbers)
    return (
        f" Where the rows come in the order of the file, it is up to {numbers[name].text()} sd "
        f"({told(name)})."
    )


def batch_size_one(case: Case) -> Verdict:
    """Judge that a batch of one cannot be used in training."""
    blank = Verdict(
        "batch_size_one",
        "A batch size of 1 cannot be used in training.",
        NOT_MEASURED,
        figure="floor",
        chapter=RUNNING,
        margin=MARGIN,
    )
    result = case.result(RUNNING)
    if result is None or 1 not in result.design.batch_sizes:
        return blank._replace(why=case.missing_words(RUNNING))
    keras = _errors(case, "keras3", n=1)
    refused = _refusal(case)
    if not keras:
        if refused:
            return blank._replace(word=TRUE, number="refused", detail=refused, why=refused)
        return blank._replace(why="The run has no batches of one.")
    name = largest(keras)
    spread = by_name(
        cells(
            result, "running_variance", "relative_bias", batch_size=1, reference="full_set",
            preset="keras3", drift="0", sampling=SHUFFLE,
        )
    )  # fmt: skip
    left = ""
    if name in spread:
        share = Number(
            100.0 * (1.0 + spread[name].estimate), 100.0 * spread[name].error, math.nan, math.nan,
            spread[name].status,
        )  # fmt: skip
        left = f" its running variance falls to {_share_text(share)} of what it should be, and"
    said = blank._replace(
        number=f"{keras[name].text()} sd off (Keras)",
        detail=(
            f"{refused} Keras trains without a word:{left} at inference its values are off by up "
            f"to {keras[name].text()} sd ({told(name)})."
        ).strip(),
    )
    if above(keras, margins.ERROR):
        word = IMPRECISE if refused else FALSE
        why = "PyTorch refuses it; Keras lets it pass and its values are wrong."
        return said._replace(word=word if refused else IMPRECISE, why=why)
    if len(below(keras, margins.ERROR)) == len(keras):
        return said._replace(word=FALSE, why="Values come out inside the margin.")
    return said._replace(
        word=UNDECIDED, why="No interval lies on one side.", needed="more replications"
    )


def _share_text(share: Number) -> str:
    """Return a share in per cent; one that is nothing within its error as so small."""
    if not math.isfinite(share.estimate) or share.estimate <= 2.0 * max(share.error, 0.05):
        return "next to nothing"
    return share.text(" %")


def _refusal(case: Case) -> str:
    """Return that a layer refuses batches of one, if the run says so."""
    result = case.result(RUNNING)
    if result is None:
        return ""
    rows = result.frame
    rows = rows[(rows["batch_size"] == 1) & (rows["status"] == "undefined")]
    if "preset" in rows.columns:
        rows = rows[rows["preset"] == "pytorch"]
    refused = any("refuses" in str(reason) for reason in rows["reason"])
    return "PyTorch refuses it with an error." if refused else ""
