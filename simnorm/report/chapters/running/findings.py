"""What the chapters of the report on running averages say: pure functions of the run's facts."""

from __future__ import annotations

import math

from simnorm.figures.running.shown import MEAN, VALUE, VARIANCE, label, settings
from simnorm.figures.tables import short
from simnorm.formatting import fixed, format_estimate, percent, significant
from simnorm.presets import Precise
from simnorm.report.chapters.running.facts import Facts, main_preset, who, whose
from simnorm.report.chapters.running.first import LONGEST, batches, share_words
from simnorm.report.text import listed

# A mean, or a variance, this near to 0 and 1 is where averages start.
NEAR = 0.1


def told_words(facts: Facts, n: int = 0) -> str:
    """Return what a finding is about."""
    return f"{short(facts.told, LONGEST)}, batches of {n or facts.run.n:,}"


def sd_words(value: float) -> str:
    """Return a number of standard deviations with two digits."""
    return f"{significant(value, 2)} sd"


def floor_text(facts: Facts, name: str, preset: str, n: int) -> str:
    """Return a floor as text: theory, marked as of first order, or what was simulated."""
    y, mcse, theory = facts.point("floor", name, preset, n)
    if math.isfinite(theory):
        return f"≈ {significant(theory, 2)}"
    # What was simulated is the error after all steps, and as sure as that.
    sure = math.isfinite(facts.value(name, preset, n).best)
    return format_estimate(y, mcse) if sure and math.isfinite(y + mcse) else ""


def floor_value(facts: Facts, name: str, preset: str, n: int) -> float:
    """Return a floor in theory, or as simulated where it has a valid error bar."""
    y, mcse, theory = facts.point("floor", name, preset, n)
    if math.isfinite(theory):
        return theory
    sure = math.isfinite(facts.value(name, preset, n).best)
    return y if sure and math.isfinite(mcse) else math.nan


# ---------------------------------------------------------------------------------------------
# On the way


def trajectory_finding(facts: Facts) -> str:
    """Return what the first figure shows."""
    n, found = facts.run.n, []
    for preset in facts.averaging[:3]:
        steps = facts.point("steps_to_floor", facts.told, preset)[2]
        if not math.isfinite(steps):
            continue
        when = f"from step {steps:,.0f} on" if steps > 1 else "from the first step on"
        found.append(f"{who(preset)}’s {when}")
    start = "RMSE of a value normalized at inference, by training step."
    if not found:
        return start
    return (
        f"{start} Within 10 % of the floor where they end (dotted; n = {n:,}, "
        f"{short(facts.told, LONGEST)}): "
        f"{listed(found)}."
    )


def steps_finding(facts: Facts) -> str:
    """Return what it means that an average is near its floor from the first step on."""
    start = facts.starts.get(facts.told)
    near = [
        who(preset)
        for preset in facts.averaging
        if facts.point("steps_to_floor", facts.told, preset)[2] == 1.0
    ]
    if not near or start is None or not (start.away < NEAR and abs(start.variance - 1.0) < NEAR):
        return ""
    are = "is" if len(near) == 1 else "are"
    return (
        f"{listed(near)} {are} as near to the floor, or below, from the first step on because "
        f"averages start at mean 0 and variance 1, which {short(facts.told, LONGEST)} happens to "
        "have."
    )


def level_finding(facts: Facts) -> str:
    """Return which floors are above what a z-score is itself off by, and what would do."""
    name, n, level = facts.told, facts.run.n, facts.level(facts.told)
    if not math.isfinite(level):
        return ""
    sentences = []
    for preset in facts.averaging[:3]:
        floor = floor_value(facts, name, preset, n)
        if not math.isfinite(floor):
            continue
        text = f"{whose(preset)} end at about {sd_words(floor)}"
        if floor <= level:
            sentences.append(
                f"{text}, no more than the {sd_words(level)} that a z-score is itself off by."
            )
            continue
        if enough_at_ends(facts, name, preset, n):
            sentences.append(
                f"{text}, and only at the end of an epoch at the {sd_words(level)} that a z-score "
                "is itself off by."
            )
            continue
        momentum = facts.point("momentum_needed", name, preset)[2]
        would = (
            f"a momentum of {momentum_words(momentum)} would do"
            if math.isfinite(momentum)
            else "no momentum would do: what is left is bias, not noise"
        )
        sentences.append(
            f"{text} and never come down to the {sd_words(level)} that a z-score is itself off "
            f"by; {would}."
        )
    needed = _batches_needed(facts, name, n)
    if needed and sentences:
        sentences.append(f"PreciseBN needs {batches(needed)} for it.")
    if not sentences:
        return ""
    return f"With batches of {n:,} ({short(name, LONGEST)}) {' '.join(sentences)}"


def enough_at_ends(facts: Facts, name: str, preset: str, n: int) -> bool:
    """Return whether a preset has the momentum needed, which holds at the end of an epoch.

    In between an epoch's batches do not weigh alike, so that the floor is higher.
    """
    needed, momentum = facts.point("momentum_needed", name, preset, n)[2], settings(preset).momentum
    return momentum is not None and needed <= momentum


def _batches_needed(facts: Facts, name: str, n: int) -> int:
    """Return the fewest batches PreciseBN needs, as told beside any preset; 0 if unknown."""
    found = (facts.point("batches_needed", name, preset, n)[2] for preset in facts.averaging)
    return int(next((value for value in found if math.isfinite(value)), 0))


def momentum_words(momentum: float) -> str:
    """Return a momentum with as many digits as tell it from 1.

    Examples
    --------
    >>> momentum_words(0.897594), momentum_words(0.996267), momentum_words(0.99999934)
    ('0.898', '0.9963', '0.99999934')
    """
    left = 1.0 - momentum
    if left <= 0.0:
        return "1"
    # A digit more where the first one of what is left is a 1.
    decimals = max(2, 1 - math.floor(math.log10(left / 1.5)))
    # Rounded up: a smaller one would not do.
    return fixed(math.ceil(momentum * 10.0**decimals - 1e-9) / 10.0**decimals, decimals)


# ---------------------------------------------------------------------------------------------
# What it is made of


def split_finding(facts: Facts) -> str:
    """Return what the squared errors of running mean and variance are made of."""
    sentences = []
    for quantity, noun in ((MEAN, "mean"), (VARIANCE, "variance")):
        found = {preset: _parts_words(facts, preset, quantity) for preset in facts.presets[:4]}
        alike: dict[str, list[str]] = {}
        for preset, words in found.items():
            if words:
                alike.setdefault(words, []).append(label(preset))
        parts = [f"{words} ({', '.join(names)})" for words, names in alike.items()]
        if parts:
            sentences.append(f"Squared error of a running {noun}: {'; '.join(parts)}.")
    if not sentences:
        return "The parts of the errors are not known here."
    return f"{told_words(facts)}. " + " ".join(sentences)


def _parts_words(facts: Facts, preset: str, quantity: str) -> str:
    found = facts.split(facts.told, preset, facts.run.n, quantity)
    whole = sum(found.values())
    if not whole > 0.0:
        return ""
    nouns = {"start": "start", "divisor": "divisor", "drift": "lag", "noise": "noise"}
    shares = {
        noun: share_words(found[part] / whole)
        for part, noun in nouns.items()
        if found[part] / whole >= 0.005
    }
    return listed([f"{share} {noun}" for noun, share in shares.items()])


def rules(facts: Facts) -> list[str]:
    """Return the four parts in words, with the numbers of the presets that were run."""
    T = facts.run.steps
    first = [(who(p), float(settings(p).momentum or 0.0)) for p in facts.averaging[:3]]

    def each(of: list[str]) -> str:
        return f" Here: {listed(of)}." if of else ""

    start = each([f"{name} {percent_of_start(m, T)}" for name, m in first])
    noise = each([f"{name} {significant((1 + m) / (1 - m), 3)}" for name, m in first if m < 1.0])
    lag = each([f"{name} {significant(m / (1 - m), 2)} steps" for name, m in first if m < 1.0])
    return [
        "Start: averages begin at mean 0 and variance 1, and after T steps the weight of that is "
        f"m to the power T; with equal weights it is gone with the first batch.{start}",
        "Divisor: a batch variance with divisor n is too small by 1/n on average, and so is any "
        "average of such, however long it runs. Divisor n − 1 has no such bias.",
        "Noise: what is left fluctuates as the mean of (1 + m)/(1 − m) batches would. More steps "
        f"do not help, a larger momentum or larger batches do.{noise}",
        "Lag: if the mean drifts by v a step, the average is behind by v m/(1 − m), and a plain "
        f"mean of T batches by v (T − 1)/2.{lag}",
    ]


def percent_of_start(momentum: float, steps: int) -> str:
    """Return what is left of a start.

    Examples
    --------
    >>> percent_of_start(0.99, 100), percent_of_start(0.9, 1000)
    ('37 %', 'less than 0.01 %')
    """
    left = momentum**steps
    return "less than 0.01 %" if left < 1e-4 else percent(left)


def divisor_finding(facts: Facts) -> str:
    """Return what the divisor does to the running variance at several batch sizes."""
    sizes = [n for n in facts.run.sizes if n > 1]
    shown = sorted({sizes[0], facts.run.n, sizes[-1]} & set(sizes)) if sizes else []
    sentences = []
    for preset in facts.averaging[:3]:
        found = {}
        for n in shown:
            parts = facts.split(facts.told, preset, n, VARIANCE)
            if parts:
                # In the end: after T steps a part of it is still hidden by the start.
                grown = 1.0 - float(settings(preset).momentum or 0.0) ** facts.run.steps
                found[n] = math.sqrt(max(parts["divisor"], 0.0)) / grown if grown else 0.0
        if not found:
            continue
        if max(found.values()) >= 1.0 or not max(found.values()) > 0.0 or settings(preset).ddof:
            if not settings(preset).ddof:
                continue
            sentences.append(f"{whose(preset)} have the divisor n − 1 and no such bias.")
            continue
        items = [f"{percent(value)} at n = {n:,}" for n, value in found.items()]
        out = 1.0 / math.sqrt(1.0 - next(iter(found.values()))) - 1.0
        sentences.append(
            f"{whose(preset)} have the divisor n: the variance ends too small by {listed(items)}, "
            f"so that at n = {next(iter(found)):,} values come out too large by {percent(out)}, "
            "for ever."
        )
    return " ".join(sentences)


# ---------------------------------------------------------------------------------------------
# Equal weights, one pass


def pooled_finding(facts: Facts) -> str:
    """Return what weighing all batches alike does, beside one pass over the full set."""
    run, name = facts.run, facts.told
    found = {p: facts.value(name, p) for p in facts.equal}
    found = {p: value for p, value in found.items() if math.isfinite(value.best)}
    if not found:
        return ""
    items = [f"{who(p)} {sd_words(value.best)}" for p, value in found.items()]
    lead = main_preset(facts)
    beside = facts.value(name, lead)
    text = f"After {batches(run.steps)} of {run.n:,} ({short(name, LONGEST)}): {listed(items)}"
    if lead in facts.averaging and math.isfinite(beside.best):
        text += f", where {whose(lead)} are at {sd_words(beside.best)}"
    return text + "."


def pooled_text(facts: Facts) -> str:
    """Return how the pooled variance differs from a mean of variances, and what one pass costs."""
    run = facts.run
    sentences = [
        "PreciseBN pools: the variance of all rows is the mean of the batch variances plus the "
        "variance of the batch means (law of total variance). A mean of batch variances leaves "
        "out the second part; the divisor n − 1 makes up for it only if batches are independent "
        "and alike."
    ]
    kinds = {type(settings(preset)): preset for preset in facts.equal}
    if Precise in kinds and len(kinds) > 1:
        other = next(p for kind, p in kinds.items() if kind is not Precise)
        n = next((n for n in run.sizes if n > 1), 0)
        two = [facts.split(facts.told, p, n, VARIANCE) for p in (other, kinds[Precise])]
        if all(two) and two[1]["noise"] > 0.0:
            ratio = two[0]["noise"] / two[1]["noise"]
            sentences.append(
                f"At n = {n:,} the noise of the plain mean’s variance is {significant(ratio, 2)} "
                f"times that of the pooled one ({short(facts.told, LONGEST)})."
            )
    rows = f"{run.full_size:,} {'rows' if run.of_data else 'draws'}"
    each = max(1, run.full_size // max(run.n, 1))
    sentences.append(
        f"One pass of StandardScaler over all {rows} is the same sum without a batch: it gives "
        f"mean and variance of the full set themselves, at the price of {batches(each)} of "
        f"{run.n:,}."
    )
    return " ".join(sentences)


# ---------------------------------------------------------------------------------------------
# How near first-order theory is


def theory_finding(facts: Facts) -> str:
    """Return how near first-order theory is to the estimates of normalized values."""
    ratios = [
        abs(value.estimate / value.theory - 1.0)
        for key, value in facts.cells.items()
        if key.quantity == VALUE and value.theory > 0.0 and value.status == "ok"
    ]
    if not ratios:
        return ""
    ratios.sort()
    return (
        "What theory says of a normalized value is of first order, not exact, and has no part in "
        f"this audit. Half of its {len(ratios):,} errors are within "
        f"{percent(ratios[len(ratios) // 2])} of the estimates, all within {percent(ratios[-1])}."
    )
