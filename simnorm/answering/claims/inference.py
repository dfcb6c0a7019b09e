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
from simnorm.formatting import significant
from simnorm.presets import average
from simnorm.sampling import SEQUENTIAL, SHUFFLE

MARGIN = margins.TOLD["error"]
NAMES = {
    "keras3": "Keras", "pytorch": "PyTorch", "cumulative": "the mean of all batches",
    "precise": "PreciseBN",
}  # fmt: skip
# Where epsilon alone leaves no more than this, it plays no part.
NEGLIGIBLE = 0.01
# A variance that is not above 0 has no root.
TINY = 1e-300
# Half a 95 % interval in standard errors.
NORMAL = 1.959963984540054
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
    apart = ", epsilon apart" if _harmed(case, lead) else ""
    said = blank._replace(
        number=f"{found[lead][worst[lead]].text()} sd ({NAMES.get(lead, lead)}{apart})",
        detail=(
            f"After {result.design.steps:,} batches of {case.n:,}, values at inference are off, "
            f"epsilon apart and in the worst {case.thing}, by {'; '.join(parts)}."
            f"{_value_sentence(case, lead)}{_drift_sentence(case)}{_sorted_sentence(case, lead)}"
        ),
    )
    inputs = _which_inputs(case)
    hard = [p for p in found if above(found[p], margins.ERROR)]
    easy = [p for p in found if len(below(found[p], margins.ERROR)) == len(found[p])]
    if len(hard) == len(found):
        why = f"Every way to average is off by more than the margin, {inputs}."
        return said._replace(word=TRUE, why=why)
    if len(easy) == len(found):
        return said._replace(
            word=FALSE, why=f"Every way to average is inside the margin, {inputs}."
        )
    if hard and easy:
        why = f"It is so for {_ways(hard)}, and not for {_ways(easy)}, {inputs}."
        return said._replace(word=IMPRECISE, why=why)
    return said._replace(
        word=UNDECIDED, why=_open_words(found, hard, easy), needed="more replications"
    )


def _ways(presets: list[str]) -> str:
    return " and ".join(NAMES.get(preset, preset) for preset in presets)


def _which_inputs(case: Case) -> str:
    """Return for which inputs it is so: those of laws begin close to where averages start."""
    fixed = "for inputs that stay as they are"
    if case.settings.data or not case.mean or not case.spread:
        return fixed
    means, spreads = (
        " to ".join(dict.fromkeys(significant(end, 2) for end in (min(found), max(found))))
        for found in (case.mean.values(), case.spread.values())
    )
    return (
        f"{fixed}, with means of {means} and standard deviations of {spreads}; averages start at 0 "
        "and 1"
    )


def _open_words(found: dict[str, dict[str, Number]], hard: list[str], easy: list[str]) -> str:
    """Return why ways to average are not decided."""
    parts = [f"{_ways(hard)} off by more than the margin"] if hard else []
    parts += [f"{_ways(easy)} inside it"] if easy else []
    numbers = [number for one in found.values() for number in one.values()]
    unsure = sum(not number.is_sure for number in numbers)
    if unsure:
        parts.append(f"{unsure} of {len(numbers)} numbers have no error bar that can be trusted")
    if unsure < len(numbers) and not parts:
        parts.append("Intervals hold the margin, or lie on both sides of it")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def estimation(case: Case, preset: str, n: int = 0) -> dict[str, Number]:
    """Return how far values at inference are off by what is estimated, epsilon apart.

    Where epsilon is small against the variance that is their error itself. Elsewhere it is made of
    the errors of mean and variance, see `_together`.
    """
    result = case.result(RUNNING)
    if result is None:
        return {}
    found = _errors(case, preset, n=n)
    harmed = _harmed(case, preset)
    if not harmed:
        return found
    means, variances, biases = (
        by_name(
            cells(
                result, quantity, measure, batch_size=n or case.n, reference="full_set",
                preset=preset, drift="0", sampling=SHUFFLE,
            )
        )
        for quantity, measure in (
            ("running_mean", "relative_rmse"),
            ("running_variance", "relative_rmse"),
            ("running_variance", "relative_bias"),
        )
    )  # fmt: skip
    parts = {
        name: _together(means[name], variances[name], biases[name])
        for name in harmed
        if name in means and name in variances and name in biases
    }
    return {name: x for name, x in found.items() if name not in harmed} | parts


def _harmed(case: Case, preset: str) -> list[str]:
    """Return the names whose values are off by an epsilon alone, which is told by itself."""
    epsilon = average(preset).epsilon
    return [name for name, sd in case.spread.items() if left_by(epsilon, sd) > NEGLIGIBLE]


def _unharmed(
    case: Case, preset: str, *, sampling: str = SHUFFLE, drift: str = "0"
) -> dict[str, Number]:
    """Return errors at inference of the names that epsilon leaves alone."""
    harmed = _harmed(case, preset)
    found = _errors(case, preset, sampling=sampling, drift=drift)
    return {name: number for name, number in found.items() if name not in harmed}


def _together(mean: Number, variance: Number, bias: Number) -> Number:
    """Return the error of a value, in sd, from those of the running mean and variance.

    A value z comes out as s (z - m), where m is the error of the mean in standard deviations, v the
    relative error of the variance and s = 1/sqrt(1 + v). Over z, whose mean is 0 and whose mean
    square is 1, the mean square of the difference is exactly s^2 m^2 + (1 - s)^2. Over replications
    v is taken at its mean b, where it may be anything above -1, and its variance w about that to
    first order: s^2 m^2 + (1 - s)^2 + s^6 w/4. Standard error and interval are the largest that
    those of m and b allow.
    """
    spread = max(variance.estimate**2 - bias.estimate**2, 0.0)

    def error_of(m: float, b: float, w: float = spread) -> float:
        s = 1.0 / math.sqrt(max(1.0 + b, TINY))
        return math.sqrt((s * m) ** 2 + (1.0 - s) ** 2 + s**6 * w / 4.0)

    estimate = error_of(mean.estimate, bias.estimate)
    # Where the mean of v plays no part, its spread has an error of its own.
    ends = [
        error_of(m, b, max(v * v - b * b, 0.0))
        for m in (mean.low, mean.high)
        for b in (bias.low, bias.high)
        for v in (variance.low, variance.high)
    ]
    low, high = (min(ends), max(ends)) if all(map(math.isfinite, ends)) else (math.nan, math.nan)
    is_sure = mean.is_sure and variance.is_sure and bias.is_sure and math.isfinite(low)
    error = max(estimate - low, high - estimate) / NORMAL if is_sure else math.nan
    return Number(
        estimate, error, low, high, "ok" if is_sure else "unreliable",
        replications=mean.replications,
    )  # fmt: skip


def _value_sentence(case: Case, preset: str) -> str:
    """Return what epsilon makes of it, where it is not small against the variance."""
    epsilon = average(preset).epsilon
    found = _errors(case, preset)
    numbers = {name: found[name] for name in _harmed(case, preset) if name in found}
    if not numbers:
        return ""
    name = largest(numbers)
    return (
        f" With its epsilon of {epsilon:g}, {NAMES.get(preset, preset)} has values off by up to "
        f"{numbers[name].text()} sd ({told(name)})."
    )


def _drift_sentence(case: Case) -> str:
    """Return what becomes of it where the mean of the inputs moves on, if that was run."""
    result = case.result(RUNNING)
    drifts = [float(drift) for drift in getattr(result and result.design, "drift", ())]
    if not any(drifts):
        return ""
    drift = max(drifts)
    worst: dict[str, Number] = {}
    for preset in result.design.presets if result else ():
        numbers = _unharmed(case, preset, drift=f"{drift:g}")
        if numbers:
            worst[preset] = numbers[largest(numbers)]
    if not worst:
        return ""
    # The worst layer, and the worst of all.
    layers = {preset: x for preset, x in worst.items() if preset in LAYERS}
    shown = dict.fromkeys([*([largest(layers)] if layers else []), largest(worst)])
    parts = " and ".join(f"{worst[p].text()} sd with {NAMES.get(p, p)}" for p in shown)
    return f" Where their mean drifts by {drift:g} sd from batch to batch, it is up to {parts}."


def _errors(
    case: Case, preset: str, *, sampling: str = SHUFFLE, n: int = 0, drift: str = "0"
) -> dict[str, Number]:
    result = case.result(RUNNING)
    if result is None:
        return {}
    return by_name(
        cells(
            result, "inference_value", "rmse", batch_size=n or case.n, reference="full_set",
            preset=preset, drift=drift, sampling=sampling,
        )
    )  # fmt: skip


def _sorted_sentence(case: Case, preset: str) -> str:
    """Return what becomes of it where the rows come in the order of the file."""
    numbers = _unharmed(case, preset, sampling=SEQUENTIAL)
    if not numbers:
        return ""
    name = largest(numbers)
    return (
        f" Where the rows come in the order of the file, it is up to {numbers[name].text(' sd')} "
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
        why = "Keras lets it pass, and its values are wrong."
        return said._replace(word=IMPRECISE, why=f"PyTorch refuses it. {why}" if refused else why)
    if len(below(keras, margins.ERROR)) == len(keras):
        return said._replace(word=FALSE, why="Values come out inside the margin.")
    return said._replace(
        word=UNDECIDED, why=_open_words({"keras3": keras}, [], []), needed="more replications"
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
