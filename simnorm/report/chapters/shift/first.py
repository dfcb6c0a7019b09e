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

_COUNTS = {1: "one", 2: "two"}
TITLE = "Does batch normalization reduce internal covariate shift?"
IN_WORDS = {
    LESS: "smaller",
    SAME: "the same within the margin",
    MORE: "larger",
    UNDECIDED: "undecided",
}
# The measure that is led with, and those that stand in for it.
LEADING = ("wasserstein_shift", "ks_shift", "moment_shift")


def subtitle(facts: Facts) -> str:
    """Return one line on what was run."""
    run = facts.run
    nets = listed([net_name(net) for net in run.nets])
    rates = f", learning rates {listed(run.rates)}" if len(run.rates) > 1 else ""
    return (
        f"{capital(nets)}, trained on {run.name} for {plural(run.steps, 'step')} with "
        f"batches of {run.n:,}{rates}; {seeds(run.replications)}"
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
    rates = f" at {len(run.rates)} learning rates" if len(run.rates) > 1 else ""
    return (
        "Batch normalization was invented to keep the inputs of hidden layers from shifting while "
        "the layers before them learn: internal covariate shift. Researchers at MIT found later "
        "that its success is not owed to that. This run trained "
        f"{nets} on {run.name} {ways}{rates}, {times}{same}, and measured the shift in several "
        "ways."
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
    own = ", each at its own best learning rate," if facts.has_best() else ""
    lead = f"Beside nets without{own} the shift with batch normalization is"
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
    small = small_nets(facts)
    sure = sum(counts.values()) - counts[UNDECIDED]
    if facts.depends_on_rate():
        both = counts[LESS] and counts[LESS] < sure
        what = " and on what is called shift" if both else ""
        return f"{small} that depends on the learning rate{what}."
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


def small_nets(facts: Facts) -> str:
    """Return where all of it holds."""
    count = len(facts.run.nets)
    return f"In {_COUNTS.get(count, count)} small net{'s' * (count > 1)} on {facts.run.name}"


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
    return noise_sentence(facts, net)


def noise_sentence(facts: Facts, net: str) -> str:
    """Return how much more shift the noise makes, and how such a net trains."""
    lead = leading(facts, net)
    if lead is None:
        return ""
    shifts = {other: facts.judge(net, NOISY, lead.word, other) for other in (BN, NONE)}
    losses = {other: facts.judge(net, NOISY, LOSS, other) for other in (BN, NONE)}
    known = [other for other in (NONE, BN) if shifts[other].value.is_known]
    if not known:
        return ""
    text = (
        f"With noise behind every normalization the {net_name(net)}’s shift {lead.phrase} is "
        f"{_beside(shifts[known[0]].value, known[0])}."
    )
    if losses[known[0]].value.is_known:
        text += f" Its training loss in the end is {_beside(losses[known[0]].value, known[0])}."
    told = {other: part for other, part in shifts.items() if part.value.is_known}
    return f"{text} {_moral(told, losses)}".strip()


def _beside(value: Value, other: str) -> str:
    """Return a multiple with its interval, of what it is one."""
    words = {BN: "with plain BN", NONE: "without BN"}.get(other, other)
    return f"{with_interval(value)} that {words}"


def with_interval(value: Value) -> str:
    """Return a ratio with its interval, all three with the same decimals.

    Examples
    --------
    >>> with_interval(Value(0.5, 0.412, 0.634, 0.05, "ratio")), with_interval(Value(0.5))
    ('0.50 times (0.41 to 0.63)', '0.50 times')
    """
    if not value.is_sure:
        return times(value)
    ends = ends_words(value)
    decimals = {len(end.partition(".")[2]) for end in ends.split(" to ")}
    # Of ends that are far apart each has its own.
    told = times(value) if len(decimals) > 1 else f"{fixed(value.estimate, decimals.pop())} times"
    return f"{told} ({ends})"


def _moral(shifts: dict[str, Judged], losses: dict[str, Judged]) -> str:
    """Return what the noise shows: whether more shift went with worse training."""
    by_bn, by_none = shifts.get(BN), shifts.get(NONE)
    if by_none is not None and by_none.word == MORE and losses[NONE].word in (LESS, SAME):
        how = "better" if losses[NONE].word == LESS else "as well"
        return (
            f"So it shifts more than the net without BN and still trains {how}: here training well "
            "does not take a small shift."
        )
    if by_none is not None and by_none.word == MORE and losses[NONE].word == MORE:
        return "So it shifts more than the net without BN, and trains worse."
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


HOW_SHIFTS = {LESS: "less", SAME: "as much", MORE: "more", UNDECIDED: "undecided"}
HOW_TRAINS = {LESS: "smaller", SAME: "the same", MORE: "larger", UNDECIDED: "undecided"}


def rate_sentence(facts: Facts, net: str) -> str:
    """Return at which rates the gradients shift less with BN, and at which the loss is smaller."""
    if len(facts.run.rates) < 2:
        return ""
    name, sentences = net_name(net), []
    if shifts := _by_rate(facts, net, "gradient_shift", HOW_SHIFTS):
        sentences.append(
            f"At one rate for both, the gradients of the {name} shift, with BN beside without, "
            f"{shifts}."
        )
    if losses := _by_rate(facts, net, LOSS, HOW_TRAINS):
        sentences.append(f"Its training loss with BN is {losses}.")
    if lost := facts.lost(net, NONE):
        who = "without BN it" if sentences else f"the {name} without BN"
        told = [f"{rate} ({often})" if often else rate for rate, often in lost.items()]
        sentences.append(f"At {listed(told)} {who} diverges.")
    return " ".join(sentences)


def _by_rate(facts: Facts, net: str, quantity: str, words: dict[str, str]) -> str:
    """Return the rates at which a comparison says the same, word by word."""
    alike: dict[str, list[str]] = {}
    for rate in facts.run.rates:
        here = facts.judge(net, BN, quantity, NONE, rate)
        if here.value.is_known and not here.value.is_survivor:
            alike.setdefault(words[here.word], []).append(rate)
    return listed([f"{word} at {listed(rates)}" for word, rates in alike.items()])


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
        if ends[0] <= 0.0 or ends[1] > 10.0 * ends[0]:
            return " to ".join(significant(end, 2) for end in ends)
        # Both ends have the decimals of the one with more.
        most = max(len(text.partition(".")[2]) for text in texts)
        return " to ".join(fixed(end, most) for end in ends)
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
    net, run = main_net(facts), facts.run
    word = "gradient_shift"
    if not run.value(net, BN, word, NONE).is_known:
        word = getattr(leading(facts, net), "word", word)
    what = "shift by the gradient’s change" if word == "gradient_shift" else "shift"
    made = [_tile(run.value(net, BN, word, NONE), f"{what}, with BN beside without")]
    if facts.has_best():
        rate = run.rates[0]
        made.append(
            _tile(run.value(net, BN, word, NONE, rate), f"the same at rate {rate} for both")
        )
    made.append(_tile(run.value(net, BN, LOSS, NONE),
                      "training loss with BN, beside that without"))  # fmt: skip
    made.append(_tile(run.value(net, NOISY, word, NONE), "shift with noise behind BN, likewise"))
    return [tile for tile in made if tile][:3]


def _tile(value: Value, caption: str) -> dict[str, str]:
    if not (value.is_known and value.is_ratio):
        return {}
    return {"number": f"{significant(value.estimate, 2)} ×", "caption": caption,
            "detail": interval_words(value)}  # fmt: skip


def tiles_note(facts: Facts) -> str:
    """Return of what the numbers are."""
    net, run = main_net(facts), facts.run
    first = f", the first of {len(run.nets)}" if len(run.nets) > 1 else ""
    own = ", each variant at its own best rate unless told" if facts.has_best() else ""
    return (
        f"These numbers are for the {net_name(net)}{first}{own}: means over layers and "
        f"checkpoints, ratios paired by seed, {seeds(run.replications)}."
    )
