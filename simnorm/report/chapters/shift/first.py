"""The first page of the report on covariate shift: the question, the answer, three numbers."""

from __future__ import annotations

from collections.abc import Sequence

from simnorm.figures.shift.shown import (
    BN,
    LOSS,
    NOISY,
    NONE,
    Definition,
    Value,
    net_name,
)
from simnorm.formatting import fixed, plural, significant
from simnorm.report.chapters.shift.facts import Facts, Judged
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

TITLE = "Does batch normalization reduce internal covariate shift?"
IN_WORDS = {
    LESS: "smaller",
    SAME: "the same within the margin",
    MORE: "larger",
    UNDECIDED: "undecided",
}
# The measure that is led with, and those that stand in for it.
LEADING = ("moment_shift", "ks_shift", "wasserstein_shift")


def subtitle(facts: Facts) -> str:
    """Return one line on what was run."""
    run = facts.run
    nets = listed([net_name(net) for net in run.nets])
    return (
        f"{capital(nets)}, trained on {run.name} for {plural(run.steps, 'step')} with "
        f"batches of {run.n:,}, {seeds(run.replications)}"
    )


def seeds(count: int) -> str:
    """Return a number of seeds.

    Examples
    --------
    >>> seeds(1), seeds(10)
    ('one seed', '10 seeds')
    """
    return "one seed" if count == 1 else f"{count:,} seeds"


def setting(facts: Facts) -> str:
    """Return what was compared with what, for the first paragraph."""
    run = facts.run
    words = {NONE: "without it", BN: "with it", NOISY: "with noise put in behind it"}
    ways = listed([words.get(variant, variant) for variant in run.variants])
    nets = "a small net" if len(run.nets) == 1 else f"{len(run.nets)} small nets"
    times = "once" if run.replications == 1 else f"{run.replications:,} times over"
    same = ", each time from the same first weights and on the same batches"
    same = same if len(run.variants) > 1 else ""
    return (
        "Batch normalization was invented to keep the inputs of hidden layers from shifting while "
        "the layers before them learn: internal covariate shift. Researchers at MIT found later "
        "that its success is not owed to that. This run trained "
        f"{nets} {ways}, {times}{same}, and measured the shift in several ways."
    )


def leading(facts: Facts, net: str) -> Definition | None:
    """Return the measure that is led with, None if the run has no measure of activations."""
    held = {one.word: one for one in facts.run.definitions}
    shown = (held[word] for word in LEADING if word in held)
    return next((one for one in shown if facts.run.value(net, BN, one.word).is_known), None)


def main_net(facts: Facts) -> str:
    """Return the net that is led with: the first."""
    return next(iter(facts.run.nets), "")


def answer(facts: Facts) -> str:
    """Return the answer in plain words, as far as the run has comparisons."""
    if not facts.has_pair:
        return (
            "This run cannot say: it has no pair of nets with and without batch normalization to "
            "compare."
        )
    alike: dict[str, list[str]] = {}
    for net in facts.run.nets:
        words = _tally(facts.by_word(net, BN, NONE))
        if words:
            alike.setdefault(words, []).append(net)
    lone = len(facts.run.nets) == 1
    lead = "Beside that without, the shift with batch normalization is"
    told = [f"{words}{'' if lone else f' in {the_nets(nets)}'}" for words, nets in alike.items()]
    return f"{_verdict(facts)} {lead} {'; '.join(told)}."


def the_nets(nets: Sequence[str]) -> str:
    """Return nets in the middle of a sentence.

    Examples
    --------
    >>> the_nets(["mlp", "linear"])
    'the ReLU net and the deep linear net'
    """
    return listed([f"the {net_name(net)}" for net in nets])


def capital(words: str) -> str:
    """Return words as a sentence begins."""
    return words[:1].upper() + words[1:]


def _verdict(facts: Facts) -> str:
    """Return the answer to the question in a few words."""
    counts = {
        word: sum(len(facts.by_word(net, BN, NONE)[word]) for net in facts.run.nets)
        for word in (LESS, SAME, MORE, UNDECIDED)
    }
    small = "In these small nets" if len(facts.run.nets) > 1 else "In this small net"
    sure = sum(counts.values()) - counts[UNDECIDED]
    if not sure:
        return f"{small} this run cannot tell yet."
    if counts[UNDECIDED] > sure:
        return f"{small} this run can tell by some measures only."
    doubt = ", as far as this run can tell" if counts[UNDECIDED] else ""
    if counts[LESS] == sure:
        return f"{small}, yes{doubt}."
    if not counts[LESS]:
        return f"{small}, no{doubt}."
    if not counts[MORE] and counts[LESS] > counts[SAME]:
        return f"{small}, yes by most measures{doubt}."
    return f"{small} that depends on what is called shift{doubt}."


def _tally(tally: dict[str, list[Definition]]) -> str:
    """Return by how many measures the shift is smaller, larger and so on."""
    total = sum(len(part) for part in tally.values())
    parts = [f"{IN_WORDS[word]} by {len(part)}" for word, part in tally.items() if part]
    return f"{listed(parts)} of {plural(total, 'measure')}" if parts else ""


def shape(facts: Facts) -> str:
    """Return what the noise says: whether more shift made training worse."""
    if NOISY not in facts.run.variants:
        return ""
    net = main_net(facts)
    return f"{noise_sentence(facts, net)} {loss_sentence(facts, net)}".strip()


def noise_sentence(facts: Facts, net: str) -> str:
    """Return how much more shift the noise makes, and how such a net trains."""
    lead = leading(facts, net)
    if lead is None:
        return ""
    beside = {other: facts.judge(net, NOISY, lead.word, other) for other in (BN, NONE)}
    known = {other: part for other, part in beside.items() if part.value.is_known}
    losses = {other: facts.judge(net, NOISY, LOSS, other) for other in (BN, NONE)}
    if not known:
        return ""
    shifts = [_beside(part.value, other) for other, part in known.items()]
    text = (
        f"With noise behind every normalization the {net_name(net)}’s shift {lead.phrase} is "
        f"{listed(shifts)}"
    )
    found = [_beside(p.value, o) for o, p in losses.items() if p.value.is_known]
    if found:
        text += f"; the training loss in the end is {listed(found)}"
    bars = " (95 % intervals)" if facts.run.replications > 1 else " (one seed, no error bars)"
    return f"{text}{bars}. {_moral(known, losses)}".strip()


def _beside(value: Value, other: str) -> str:
    """Return a multiple with its interval, of what it is one."""
    ends = f" ({ends_words(value)})" if value.is_sure else ""
    words = {BN: "with plain BN", NONE: "without BN"}.get(other, other)
    return f"{times(value)}{ends} that {words}"


def _moral(shifts: dict[str, Judged], losses: dict[str, Judged]) -> str:
    """Return what the noise shows: whether more shift went with worse training."""
    by_bn, by_none = shifts.get(BN), shifts.get(NONE)
    if by_none is not None and by_none.word == MORE and losses[NONE].word == LESS:
        return (
            "So it shifts more than the net without BN and still trains better: a smaller shift is "
            "not what batch normalization owes its success to here."
        )
    if by_bn is None or by_bn.word != MORE:
        return ""
    told = {LESS: "no worse", SAME: "as well", MORE: "worse"}.get(losses[BN].word)
    if told is None:
        return ""
    if losses[BN].word == MORE:
        return "So it shifts more than with plain BN, and trains worse."
    return (
        f"So it shifts more than with plain BN and yet trains {told}: here training well does not "
        "take a small shift."
    )


def loss_sentence(facts: Facts, net: str) -> str:
    """Return whether the smaller shift with normalization came with better training."""
    lead = leading(facts, net)
    loss = facts.judge(net, BN, LOSS, NONE)
    if lead is None or facts.judge(net, BN, lead.word, NONE).word != LESS or loss.word != MORE:
        return ""
    return (
        f"Nor did the smaller shift make {the_nets([net])} train better: with BN the training loss "
        f"in the end is {times(loss.value)} that without ({interval_words(loss.value)})."
    )


def times(value: Value) -> str:
    """Return a ratio as a multiple.

    Examples
    --------
    >>> times(Value(0.5)), times(Value(12.34))
    ('0.50 times', '12 times')
    """
    return f"{significant(value.estimate, 2)} times"


def ends_words(value: Value, factor: float = 1.0, decimals: int = 2) -> str:
    """Return the ends of an interval, with digits that tell them apart.

    Examples
    --------
    >>> ends_words(Value(1.0, 0.996, 1.004, 0.05, "ratio")), ends_words(Value(0.1, -0.02, 0.22))
    ('0.996 to 1.004', '−0.02 to 0.22')
    """
    ends = [factor * end for end in (value.low, value.high)]
    if value.is_ratio:
        texts = [_apart_from_one(end) for end in ends]
        if texts[0] == texts[1]:
            texts = [significant(end) for end in ends]
        return f"{texts[0]} to {texts[1]}"
    texts = [fixed(end, decimals) for end in ends]
    if texts[0] == texts[1]:
        texts = [fixed(end, decimals + 1) for end in ends]
    return f"{texts[0]} to {texts[1]}"


def _apart_from_one(end: float) -> str:
    """Return an end of a ratio's interval with digits that tell on which side of 1 it is.

    Examples
    --------
    >>> [_apart_from_one(end) for end in (0.412, 0.9961, 1.0004, 1.1)]
    ['0.41', '0.996', '1.0004', '1.1']
    """
    texts = [significant(end, digits) for digits in (2, 3, 4, 5)]
    return next((text for text in texts if float(text.replace(",", "")) != 1.0), texts[0])


def interval_words(value: Value, factor: float = 1.0, decimals: int = 2) -> str:
    """Return the 95 % interval of a value, or that there is none.

    Examples
    --------
    >>> interval_words(Value(0.5, 0.412, 0.634, 0.05, "ratio"))
    '95 %: 0.41 to 0.63'
    >>> interval_words(Value(0.5))
    'no error bar'
    """
    if not value.is_sure:
        return "no error bar"
    return f"95 %: {ends_words(value, factor, decimals)}"


def tiles(facts: Facts) -> list[dict[str, str]]:
    """Return up to three numbers that matter, each with what stands beside it."""
    net = main_net(facts)
    lead = leading(facts, net)
    made = []
    if lead is not None:
        value = facts.run.value(net, BN, lead.word, NONE)
        made.append(_tile(value, f"shift {lead.phrase}, with BN beside without"))
        noisy = facts.run.value(net, NOISY, lead.word, NONE)
    else:
        noisy = Value()
    value = facts.run.value(net, BN, "gradient_shift", NONE)
    made.append(_tile(value, "shift by the gradient’s change, with BN beside without"))
    made.append(_tile(noisy, "shift with noise behind BN, beside that without BN"))
    made.append(_tile(facts.run.value(net, NOISY, LOSS, NONE),
                      "training loss with that noise, beside that without BN"))  # fmt: skip
    made.append(_tile(facts.run.value(net, BN, LOSS, NONE),
                      "training loss with BN, beside that without"))  # fmt: skip
    found = [tile for tile in made if tile]
    # Shift with noise says nothing without the loss that goes with it.
    keep = found if len(found) <= 3 else [found[0], found[2], found[3]]
    return keep[:3]


def _tile(value: Value, caption: str) -> dict[str, str]:
    if not (value.is_known and value.is_ratio):
        return {}
    return {"number": f"{significant(value.estimate, 2)} ×", "caption": caption,
            "detail": interval_words(value)}  # fmt: skip


def tiles_note(facts: Facts) -> str:
    """Return of what the numbers are."""
    net, run = main_net(facts), facts.run
    first = f", the first of {len(run.nets)}" if len(run.nets) > 1 else ""
    return (
        f"These numbers are for the {net_name(net)}{first}: means over layers and checkpoints, "
        f"ratios paired by seed, {seeds(run.replications)}."
    )
