"""What the order of rows, batches of one, the start and a drift do to running averages."""

from __future__ import annotations

import math

from simnorm.figures.choice import thing
from simnorm.figures.running.shown import settings
from simnorm.figures.schemes import said
from simnorm.figures.tables import FULL_SET, short
from simnorm.formatting import format_estimate, plural, significant
from simnorm.report.chapters.running.facts import Facts, who, whose
from simnorm.report.chapters.running.findings import percent_of_start, sd_words
from simnorm.report.chapters.running.first import LONGEST, batches, number_words
from simnorm.report.facts import Quantity
from simnorm.report.text import listed
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL, SHUFFLE

# What may be left of a start: of the mean in sd, of the variance in parts of it.
LEFT_MEAN, LEFT_VARIANCE = 0.05, 0.1
# A mean further from 0 than this is called far.
FAR = 3.0
# An error in file order is called larger, or smaller, from this ratio on.
CLEAR = 1.1


# ---------------------------------------------------------------------------------------------
# How the batches come


def sampling_finding(facts: Facts) -> str:
    """Return what other schemes do, next to shuffled epochs."""
    run = facts.run
    others = [scheme for scheme in run.schemes if scheme != run.scheme]
    found = []
    for scheme in others:
        found.append(_iid_sentence(facts) if scheme == IID else order_sentence(facts, scheme))
    return " ".join(sentence for sentence in found if sentence)


def _iid_sentence(facts: Facts) -> str:
    """Return how independent draws compare with shuffled epochs about the same thing."""
    run, name = facts.run, facts.told
    preset = next((p for p in [*facts.equal, *facts.averaging] if _both_known(facts, name, p)), "")
    if SHUFFLE not in run.schemes or not preset:
        return ""
    own = facts.value(name, preset, scheme=SHUFFLE, reference=FULL_SET)
    iid = facts.value(name, preset, scheme=IID, reference="population")
    text = (
        f"With {who(preset)} and batches of {run.n:,} ({short(name, LONGEST)}), independent draws "
        f"miss the population by {sd_words(iid.best)}, and shuffled epochs their own full set by "
        f"{sd_words(own.best)}: "
    )
    if own.best < iid.best / CLEAR:
        return text + (
            "the batches of an epoch are parts of one sample, and as it fills up their noise "
            "cancels. About the population the full set’s own error stays."
        )
    seen = run.steps * run.n
    return text + (
        f"{batches(run.steps)} of {run.n:,} are {seen:,} draws, beside a full set of "
        f"{run.full_size:,} too few for epochs to matter."
        if seen < run.full_size
        else "what is averaged here reaches back no further than a part of an epoch."
    )


def _both_known(facts: Facts, name: str, preset: str) -> bool:
    cells = (
        facts.value(name, preset, scheme=SHUFFLE, reference=FULL_SET),
        facts.value(name, preset, scheme=IID, reference="population"),
    )
    return all(math.isfinite(cell.best) for cell in cells)


def pairs_of(
    facts: Facts, scheme: str, preset: str, n: int = 0
) -> dict[str, tuple[Quantity, Quantity]]:
    """Return errors as shown and under another scheme, by name, the largest ratio first."""
    found = {}
    for name in facts.names:
        pair = facts.value(name, preset, n), facts.value(name, preset, n, scheme=scheme)
        if all(math.isfinite(cell.best) and cell.best > 0.0 for cell in pair):
            found[name] = pair
    return dict(sorted(found.items(), key=lambda item: -item[1][1].best / item[1][0].best))


def order_sentence(facts: Facts, scheme: str) -> str:
    """Return what it costs that rows come in another order than at random."""
    parts = []
    for preset in [*facts.averaging[:2], *facts.equal[:1]]:
        pairs = pairs_of(facts, scheme, preset)
        if not pairs:
            continue
        name, (usual, other) = next(iter(pairs.items()))
        worse = sum(b.best > CLEAR * a.best for a, b in pairs.values())
        if not worse:
            lose = "loses" if preset in facts.equal else "lose"
            parts.append(f"{whose(preset)} {lose} nothing clear")
            continue
        count = f" in {worse:,} of {len(pairs):,} columns" * (len(pairs) > 1)
        most = ", most" if len(pairs) > 1 else ""
        parts.append(
            f"with {whose(preset)} the error is larger{count}{most} in {short(name, LONGEST)} "
            f"({sd_words(other.best)}, {usual_words(facts)} {sd_words(usual.best)})"
        )
    if not parts:
        return ""
    known = {SEQUENTIAL: "In file order", REPLACEMENT: "Drawn with replacement"}
    how = known.get(scheme, f"By {said(scheme)}")
    return f"{how}, at batch size {facts.run.n:,}, {'; '.join(parts)}."


def usual_words(facts: Facts) -> str:
    """Return how batches come in what a run shows."""
    return "shuffled" if facts.run.scheme == SHUFFLE else said(facts.run.scheme)


def order_text(facts: Facts) -> str:
    """Return why an order matters."""
    if not any(scheme not in (SHUFFLE, IID, REPLACEMENT) for scheme in facts.run.schemes):
        return ""
    return (
        "Rows that stand together are alike in sorted data. Then a batch’s variance is that "
        "inside its stretch of the file, which is too small, and no momentum mends it; and the "
        "last batches, which weigh most, are the end of the file. Pooling (PreciseBN) keeps the "
        "variance between batches, and a whole epoch with equal weights has every row once."
    )


# ---------------------------------------------------------------------------------------------
# Batches of one


def single_finding(facts: Facts) -> str:
    """Return what batches of one row do, nothing if the run has none."""
    if 1 not in facts.run.sizes:
        return ""
    sentences = []
    refused = [p for p in facts.presets if settings(p).refuses_single]
    if refused:
        verb = "refuses" if len(refused) == 1 else "refuse"
        sentences.append(
            f"{_capital(listed([who(p) for p in refused]))} {verb} batches of one value in "
            "training."
        )
    for preset in facts.averaging:
        if preset in refused:
            continue
        error = facts.value(facts.told, preset, 1)
        left = percent_of_start(float(settings(preset).momentum or 0.0), facts.run.steps)
        text = (
            f"{who(preset)} takes them: the variance of one value is 0, so the running variance "
            f"decays to {left} of its start of 1"
        )
        epsilon = settings(preset).epsilon
        text += f", beside an epsilon of {number_words(epsilon)}" if epsilon else ""
        if math.isfinite(error.best):
            text += (
                ", and values at inference come out off by "
                f"{format_estimate(error.best, error.mcse)} sd ({short(facts.told, LONGEST)})"
            )
        sentences.append(f"{text}.")
    for preset in facts.equal:
        error = facts.value(facts.told, preset, 1)
        if preset not in refused and math.isfinite(error.best):
            sentences.append(
                f"{who(preset)} needs no variance inside batches: its error is "
                f"{sd_words(error.best)}."
            )
    return " ".join(sentences)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------------------------------------
# Where averages start


def steps_for_start(facts: Facts, name: str, preset: str) -> float:
    """Return the steps until little is left of a start, NaN where that is not known.

    Little is 0.05 sd of the mean, and 10 % of the variance.
    """
    start, momentum = facts.starts.get(name), settings(preset).momentum
    if start is None or momentum is None or not 0.0 < momentum < 1.0 or not start.sd > 0.0:
        return math.nan
    off = [abs(1.0 / start.variance - 1.0) / LEFT_VARIANCE]
    if math.isfinite(start.away):
        off.append(start.away / LEFT_MEAN)
    largest = max(off)
    return max(1.0, math.ceil(math.log(largest) / -math.log(momentum))) if largest > 1.0 else 1.0


def start_finding(facts: Facts) -> str:
    """Return which columns are far from where averages start, and how long they take."""
    preset = next(iter(facts.averaging), "")
    if not preset or not facts.starts:
        return ""
    run, kind = facts.run, thing(facts.run.frame)
    away = {n: s.away for n, s in facts.starts.items() if s.away > FAR}
    ranked = sorted(away, key=lambda name: -away[name])
    sentences = []
    if ranked:
        items = [f"{short(n, LONGEST)} ({significant(away[n], 2)} sd)" for n in ranked[:3]]
        more = f", and {len(ranked) - 3:,} more {kind}s" if len(ranked) > 3 else ""
        sentences.append(f"The mean is far from 0 in {listed(items)}{more}.")
    steps = {n: steps_for_start(facts, n, preset) for n in facts.starts}
    steps = {n: value for n, value in steps.items() if math.isfinite(value)}
    if not steps:
        return " ".join(sentences)
    slow = max(steps, key=steps.__getitem__)
    if steps[slow] <= 1:
        return " ".join([*sentences, f"Every {kind} is near where averages start."])
    late = sum(value > run.steps for value in steps.values())
    sentences.append(
        f"{whose(preset)} need {plural(round(steps[slow]), 'step')} to forget their start in "
        f"{short(slow, LONGEST)}"
        + (f", more than the {run.steps:,} of this run" if steps[slow] > run.steps else "")
        + "."
    )
    if late > 1:
        sentences.append(
            f"In {late:,} of {len(steps):,} {kind}s {plural(run.steps, 'step')} will not do for "
            f"{who(preset)}."
        )
    return " ".join(sentences)


# ---------------------------------------------------------------------------------------------
# Drift


def drift_finding(facts: Facts) -> str:
    """Return what a drift does to each preset, nothing if the run has none."""
    drifts = [d for d in facts.run.drifts if float(d or 0.0) != 0.0]
    if not drifts:
        return ""
    drift, name = drifts[-1], facts.told
    found = {p: facts.value(name, p, drift=drift).best for p in facts.presets}
    found = {p: value for p, value in found.items() if math.isfinite(value)}
    if not found:
        return ""
    items = [f"{who(p)} {sd_words(value)}" for p, value in found.items()]
    best = min(found, key=found.__getitem__)
    text = (
        f"If the mean moves by {drift.replace('-', '−')} sd a step, the errors after "
        f"{batches(facts.run.steps)} of {facts.run.n:,} ({short(name, LONGEST)}) are: "
        f"{listed(items)}."
    )
    if len(found) > 1:
        does = "does" if best in facts.equal else "do"
        why = ": what forgets faster lags less, and is noisier" if best in facts.averaging else ""
        text += f" {_capital(whose(best))} {does} best here{why}."
    return text
