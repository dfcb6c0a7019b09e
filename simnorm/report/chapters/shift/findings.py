"""What the chapters of the report on covariate shift say: pure functions of the run's facts."""

from __future__ import annotations

import math

from simnorm.figures.shift.shown import (
    ACCURACY,
    BATCHES,
    BN,
    LOSS,
    MARGIN,
    NOISY,
    NONE,
    net_name,
)
from simnorm.formatting import format_estimate, percent, significant
from simnorm.report.chapters.shift.facts import Facts, is_constructed, phrases
from simnorm.report.chapters.shift.first import (
    IN_WORDS,
    capital,
    leading,
    noise_sentence,
    the_nets,
    with_interval,
)
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED, needed_words

IN_ACCURACY = {
    LESS: "lower", SAME: "the same within a point", MORE: "higher", UNDECIDED: "undecided",
}  # fmt: skip
# More measures than this are counted, not named.
MOST_NAMED = 3


def ratios_finding(facts: Facts) -> str:
    """Return by which measures the shift with normalization is smaller, the same or larger."""
    alike: dict[str, list[str]] = {}
    for net in facts.run.nets:
        words = _net_ratios(facts, net)
        if words:
            alike.setdefault(words, []).append(net)
    own = "Each at its own best rate, in" if facts.has_best() else "In"
    return " ".join(
        f"{'In' if place else own} {the_nets(nets)} the shift with BN is {words}."
        for place, (words, nets) in enumerate(alike.items())
    )


def _net_ratios(facts: Facts, net: str) -> str:
    tally = facts.by_word(net, BN, NONE)
    total = sum(len(part) for part in tally.values())
    parts: list[str] = []
    for word, part in sorted(tally.items(), key=lambda item: -len(item[1])):
        if len(part) == total > 1:
            return f"{IN_WORDS[word]} by all {total} measures"
        # The rest is named, so that the many need not be.
        many = not parts and len(part) > MOST_NAMED
        names = f"by {len(part)} of {total} measures" if many else listed(phrases(part))
        parts += [f"{IN_WORDS[word]} {names}"] if part else []
    return "; ".join(parts)


def bars(facts: Facts) -> str:
    """Return what the error bars of a figure are."""
    return "with 95 % intervals" if facts.run.replications > 1 else "of one seed, no error bars"


def ratios_caption(facts: Facts) -> str:
    """Return what the figure of ratios shows."""
    lead = leading(facts, next(iter(facts.run.nets), ""))
    text = (
        f"Ratios of shift, paired by seed, {bars(facts)}; log axis. Left of the band there is less "
        f"shift than without normalization. Grey: within {percent(MARGIN)}, named beforehand as no "
        "difference."
    )
    if facts.has_best():
        text += " Filled: each variant at its own best rate; open: BN at one rate for both."
    if any(is_constructed(one.word, BN, NONE) for one in facts.run.definitions):
        text += " † Behind BN small by construction: mean is β, spread is γ."
    if facts.zeros(NONE):
        text += " Without normalization batches do nothing, so there is no ratio of that."
    return text if lead is not None else ""


def levels_finding(facts: Facts) -> str:
    """Return how large the shift is by the measure that is led with."""
    sentences: list[str] = []
    for net in facts.run.nets[:1]:
        lead = leading(facts, net)
        if lead is None:
            continue
        values = {v: facts.run.value(net, v, lead.word) for v in facts.run.variants}
        texts = [
            f"{format_estimate(value.estimate, value.mcse, 2)} {_with(v)}"
            for v, value in values.items() if value.is_known
        ]  # fmt: skip
        first = (
            f"from one step to the next the activations of {the_nets([net])} move by "
            f"{listed(texts)}"
        )
        rest = f"those of {the_nets([net])} by {listed(texts)}"
        sentences.append(rest if sentences else f"{first} (standard deviations, {lead.phrase})")
    return f"{capital('; '.join(sentences))}." if sentences else ""


def _with(variant: str) -> str:
    return {BN: "with BN", NONE: "without BN", NOISY: "with noise behind BN"}.get(variant, variant)


FLOORS = (
    "The floor says how large a step is: what two random halves of the probe, or two batches, "
    "differ by at the same weights. It is no test: a shift is taken on the same rows before and "
    "after, and would be 0 without a step. Only with noise it would not, as that of rows is drawn "
    "anew."
)


def construction_sentence(facts: Facts) -> str:
    """Return why some measures do not count, with what they would say."""
    here = [one for one in facts.run.definitions if is_constructed(one.word, BN, NONE)]
    if not here or not facts.has_pair:
        return ""
    text = (
        "Mean and spread behind BN are not counted: of the probe they are β and γ, whatever the "
        "layers below do, so that their shift is small by construction."
    )
    raw = facts.judge(next(iter(facts.run.nets)), BN, "raw_shift", NONE)
    if raw.value.is_known:
        net = net_name(next(iter(facts.run.nets)))
        text += f" Before BN the {net}’s shift of them is {with_interval(raw.value)} that without."
    return text


def best_sentence(facts: Facts) -> str:
    """Return how the best rate was chosen, and whether it lies at an end of the rates."""
    if not facts.has_best():
        return ""
    run = facts.run
    text = (
        "Best is, in each seed and for each net and variant, the rate with the smallest training "
        "loss after the last step; this was named beforehand."
    )
    last = run.rates[-1]
    ends = [
        f"{net_name(net)} {_with(variant)}" for net in run.nets for variant in run.variants
        if run.chosen(net, variant).get(last, 0.0) > 0.5
    ]  # fmt: skip
    if ends:
        text += f" It is mostly {last}, the largest tried, for {listed(ends)}."
    return text


def zero_sentence(facts: Facts) -> str:
    """Return what batches do to nets without normalization: nothing."""
    words = [one for one in facts.zeros(NONE) if one.family == BATCHES]
    if not words or BN not in facts.run.variants:
        return ""
    values = {net: facts.run.value(net, BN, words[0].word) for net in facts.run.nets}
    told = [
        format_estimate(value.estimate, value.mcse, 2)
        + (f" ({net_name(net)})" if len(values) > 1 else "")
        for net, value in values.items() if value.is_known
    ]  # fmt: skip
    if not told:
        return ""
    return (
        "One kind of shift BN makes itself: at fixed weights a row’s normalized value moves by "
        f"{listed(told)} standard deviations, root mean square, with the batch of "
        f"{facts.run.n:,} it is in. Without BN this is exactly 0."
    )


def noise_finding(facts: Facts) -> str:
    """Return what noise behind the normalization does in the nets that page one leaves out."""
    if NOISY not in facts.run.variants:
        return ""
    return " ".join(noise_sentence(facts, net) for net in facts.run.nets[1:]).strip()


def training_finding(facts: Facts) -> str:
    """Return how the variants train, in words: the numbers are in the table."""
    found = [_net_training(facts, net) for net in facts.run.nets]
    return " ".join(sentence for sentence in found if sentence)


def _net_training(facts: Facts, net: str) -> str:
    pairs = ((BN, NONE, "with BN"), (NOISY, BN, "with noise behind it"))
    parts = []
    for variant, other, words in pairs:
        loss, accuracy = (facts.judge(net, variant, word, other) for word in (LOSS, ACCURACY))
        said = [f"the training loss is {IN_WORDS[loss.word]}"] if loss.value.is_known else []
        if accuracy.value.is_known:
            said.append(f"test accuracy {IN_ACCURACY[accuracy.word]}")
        if said:
            beside = "" if variant == BN else " beside plain BN"
            parts.append(f"{words} {listed(said)}{beside}")
    return f"{capital(net_name(net))}: {'; '.join(parts)}." if parts else ""


def undecided_finding(facts: Facts) -> str:
    """Return what it would take to decide what is undecided, the most of all."""
    counts = []
    for net in facts.run.nets:
        for one in facts.run.definitions:
            here = facts.judge(net, BN, one.word, NONE)
            if here.word == UNDECIDED and here.value.is_known:
                counts.append(here.needed)
    if not counts:
        return ""
    if facts.run.replications < 2:
        return "One seed decides nothing: at least two are needed for an interval."
    known = [count for count in counts if math.isfinite(count)]
    lost = len(counts) - len(known)
    what = "One comparison is" if len(counts) == 1 else f"{len(counts)} comparisons are"
    text = f"{what} undecided: the interval allows both no difference and one beyond the margin."
    if known:
        least, most = (needed_words(end, "seed") for end in (min(known), max(known)))
        took = (
            least
            if least == most
            else f"{least.removesuffix(' seeds')} to " + (most.removeprefix("about "))
        )
        text += f" To decide would take {took}, if estimates and spread are about right."
    if lost and len(known) < len(counts):
        nan = sum(math.isnan(count) for count in counts)
        if nan:
            text += f" Of {nan} there is no interval: at least two seeds are needed."
        if lost > nan:
            text += f" For {lost - nan} no number of seeds up to a million would do."
    return text


def limits(facts: Facts) -> list[str]:
    """Return what this run does not show."""
    run = facts.run
    nets = listed([net_name(net) for net in run.nets])
    return [
        f"The nets are small ({nets}), the data are small ({run.name}), and training was short "
        f"({run.steps:,} steps of plain gradient descent). Deep convolutional nets and other "
        "optimizers may behave otherwise. A step’s shift grows with the learning rate, so that "
        "at one rate for all a slower net shifts less.",
        "Intervals of shift and loss are over seeds, given these data: other first weights, splits "
        "and orders of batches. Those of accuracy are for other rows too: as splits share most of "
        "their rows they are corrected (Nadeau and Bengio 2003, test rows over training rows 1/3).",
        "A mean over layers and checkpoints hides single ones; curves.csv has them all.",
        "“Internal covariate shift” has no agreed measure. Ioffe and Szegedy gave words, Santurkar "
        "et al. a definition by gradients; the others here make the words precise in ways of our "
        "own.",
    ]


def study_words() -> str:
    """Return what the study says that is often quoted, and what this run adds."""
    text = (
        "“According to a study by MIT researchers, batch normalization does not solve the problem "
        "of internal covariate shift.” The study (Santurkar et al. 2018) says something narrower: "
        "the success of batch normalization has little to do with less shift. Nets with noise put "
        "in behind every normalization shifted more than nets without any and trained about as "
        "well as those with; and by their definition through gradients batch normalization "
        "lessened the shift hardly, if at all."
    )
    return text


def _own(facts: Facts) -> str:
    return "; each variant at its own best rate" if facts.has_best() else ""


def levels_caption(facts: Facts) -> str:
    """Return what the figure of levels shows."""
    text = (
        f"Mean over layers and checkpoints, {bars(facts)}; log axis{_own(facts)}. The thin line "
        "leads to the floor: what sampling alone would show at half the probe, or another batch."
    )
    if facts.zeros(NONE):
        text += " A 0 at the left stands for exactly none."
    return text


WAY = (
    "The shift of single steps as training goes on; dotted: the floor. Means over layers and seeds "
    "without error bars, as layers of one net are not independent."
)


def way_finding(facts: Facts) -> str:
    """Return how the shift at the first checkpoint and that at the last compare."""
    found = []
    for net in facts.run.nets:
        lead = leading(facts, net)
        word = lead.word if lead is not None else ""
        parts = []
        for variant in facts.run.variants:
            _, y, _ = facts.run.way(net, variant, word)
            if len(y) > 1 and y[0] > 0.0 and y[-1] > 0.0:
                ends = [significant(float(end), 2) for end in (y[0], y[-1])]
                parts.append(f"from {ends[0]} to {ends[1]} {_with(variant)}")
        if parts:
            found.append(f"in {the_nets([net])} {listed(parts)}")
    if not found:
        return ""
    return f"First checkpoint to last, the shift goes {'; '.join(found)}."


def training_caption(facts: Facts) -> str:
    """Return what the figure of training shows."""
    return (
        f"Loss of all training rows by step{_own(facts)}, with 95 % bands over "
        f"{facts.run.replications:,} seeds; accuracy on the rows kept apart with corrected 95 % "
        "intervals."
        if facts.run.replications > 1
        else "Loss of all training rows by step, and accuracy on the rows kept apart; one seed, no "
        "error bars."
    )


def trust(facts: Facts) -> str:
    """Return how far the numbers can be trusted."""
    count = facts.run.replications
    if count < 2:
        return "One seed has no error bar: nothing here is decided."
    return (
        f"Intervals are 95 %, by seed ({count:,}). They cover other first weights and batches on "
        "these data, those of accuracy other rows too; none covers other data sets or larger nets."
    )
