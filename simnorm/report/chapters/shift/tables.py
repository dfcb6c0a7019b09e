"""The tables of the report on covariate shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simnorm.figures.shift.shown import (
    ACCURACY,
    BEST,
    BN,
    COSINE,
    COUNTED,
    LOSS,
    NOISY,
    NONE,
    Definition,
    Value,
    net_name,
    variant_name,
)
from simnorm.formatting import NOTHING, fixed, format_estimate, significant
from simnorm.report.article import RULE, Block, cell, table
from simnorm.report.chapters.shift.facts import Facts, is_constructed
from simnorm.report.chapters.shift.first import ends_words
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED, needed_words

PAIRS = ((BN, NONE), (NOISY, NONE), (NOISY, BN))
HEADS = {NONE: "without", BN: "BN", NOISY: "noisy BN"}
MOST_OTHERS = 4
IN_RATIOS = {LESS: "smaller", SAME: "same", MORE: "larger", UNDECIDED: "undecided"}
# More of a cosine is less shift.
IN_COSINES = IN_RATIOS | {LESS: "less shift", MORE: "more shift"}
SIGNS = {LESS: "<", SAME: "=", MORE: ">", UNDECIDED: "?"}
SHORT = {"ks_shift": "KS", "wasserstein_shift": "Wasserstein",
         "gradient_shift": "gradient, relative", COSINE: "gradient, cosine"}  # fmt: skip
OWN = ", each variant at its own best rate"
OUTCOME_LABELS = {LOSS: "loss", ACCURACY: "accuracy, %"}


def by_net(found: Mapping[str, Sequence[Sequence[str]]]) -> list[Any]:
    """Return rows with the name of their net once before them, and a line between nets."""
    rows: list[Any] = []
    for net, mine in found.items():
        if rows and mine:
            rows.append(RULE)
        for place, row in enumerate(mine):
            head = [] if place else [cell(net_name(net), rows=len(mine))]
            rows.append([*head, *row])
    return rows


def label_of(one: Definition) -> str:
    """Return the name of a measure in a table, where a cosine is not turned."""
    return one.label.replace("1 − cosine", "cosine")


def level_table(facts: Facts) -> Block | None:
    """Return the value of every measure and variant, with its standard error and its floor."""
    run = facts.run
    rows = by_net(
        {
            net: [
                [label_of(one), *(value_text(run.value(net, v, one.word)) for v in run.variants),
                 _floor_text(facts, net, one.word)]
                for one in run.definitions
            ]
            for net in run.nets
        }
    )  # fmt: skip
    if not rows:
        return None
    return table(
        ["net", "measure", *(variant_name(v) for v in run.variants), "floor"],
        rows,
        f"Shift by every measure{OWN if facts.has_best() else ''}: mean over layers and "
        "checkpoints, ± its standard error over seeds. Of a cosine, 1 is no shift. Floor: what "
        "sampling alone would show at half the probe, or another batch; a range where variants "
        "differ.",
        "ll" + "r" * (len(run.variants) + 1),
        tight=True, wide=1, title="How much", label="levels",
    )  # fmt: skip


def _floor_text(facts: Facts, net: str, quantity: str) -> str:
    floors = [facts.run.floor(net, variant, quantity) for variant in facts.run.variants]
    known = sorted(floor for floor in floors if floor == floor)
    if not known:
        return NOTHING
    ends = [significant(known[0], 2), significant(known[-1], 2)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def value_text(value: Value, factor: float = 1.0) -> str:
    """Return a value with its standard error, without where that is none.

    Examples
    --------
    >>> value_text(Value(0.1234, 0.1, 0.2, 0.0123)), value_text(Value(0.0, 0.0, 0.0, 0.0))
    ('0.123 ± 0.012', '0')
    """
    if not value.is_known:
        return NOTHING
    return format_estimate(factor * value.estimate, factor * value.mcse)


def outcome_table(facts: Facts) -> Block | None:
    """Return loss and accuracy in the end, and how they compare, of every net and variant."""
    run = facts.run
    pairs = [(BN, NONE), (NOISY, BN)]
    pairs = [(here, there) for here, there in pairs if {here, there} <= set(run.variants)]
    found: dict[str, list[list[str]]] = {net: [] for net in run.nets}
    for net, mine in found.items():
        for quantity, label in OUTCOME_LABELS.items():
            values = [run.value(net, variant, quantity) for variant in run.variants]
            if any(value.is_known for value in values):
                factor = 100.0 if quantity == ACCURACY else 1.0
                told = [value_text(value, factor) for value in values]
                beside = [_outcome_pair(facts, net, here, quantity, there) for here, there in pairs]
                mine.append([label, *told, *beside])
    rows = by_net(found)
    if not rows:
        return None
    heads = [f"{HEADS[here]} / {HEADS[there]}" for here, there in pairs]
    return table(
        ["net", "", *(variant_name(v) for v in run.variants), *heads],
        rows,
        f"After {run.steps:,} steps{OWN if facts.has_best() else ''}: loss of all training rows, "
        "accuracy on the rows kept apart; ± standard error. Beside each other: 95 % intervals of "
        "the ratio of losses and of the difference of accuracies in points; < lower, > higher, = "
        "no difference, ? undecided.",
        "ll" + "r" * len(run.variants) + "l" * len(heads), tight=True, wide=-1,
        title="What was learned", label="outcomes",
    )  # fmt: skip


def _outcome_pair(facts: Facts, net: str, here: str, quantity: str, there: str) -> str:
    judged = facts.judge(net, here, quantity, there)
    value = judged.value
    if not value.is_sure:
        return NOTHING
    ends = ends_words(value) if quantity == LOSS else ends_words(value, 100.0, 1)
    return f"{ends} {SIGNS[judged.word]}"


def rate_table(facts: Facts) -> Block | None:
    """Return what becomes of the ratios and of the losses, rate by rate."""
    run = facts.run
    if len(run.rates) < 2 or not facts.has_pair:
        return None
    words = [one for one in run.definitions if one.word in COUNTED]
    found: dict[str, list[list[str]]] = {}
    for net in run.nets:
        rates = [*run.rates, *([BEST] if facts.has_best() else [])]
        found[net] = [
            [
                "own best" if rate == BEST else rate,
                _lost(facts, net, rate) or _short_pair(facts, net, LOSS, rate),
                *(_short_pair(facts, net, one.word, rate) for one in words),
            ]
            for rate in rates
        ]
    return table(
        ["net", "rate", "training loss", *(SHORT[one.word] for one in words)],
        by_net(found),
        "Training loss after the last step and shift by the measures that count, with BN beside "
        "without: 95 % intervals of ratios, of cosines of differences. < smaller, > larger with "
        "BN, of a cosine < less, > more shift; = no difference, ? undecided.",
        "lll" + "l" * len(words), tight=True, wide=-1, title="By learning rate", label="rates",
    )  # fmt: skip


def _lost(facts: Facts, net: str, rate: str) -> str:
    """Return which of the two diverges at a rate, and how often where not always."""
    names = {NONE: "without", BN: "with BN"}
    lost = {words: facts.lost(net, variant).get(rate) for variant, words in names.items()}
    told = [f"{w} diverges{f' ({n})' if n else ''}" for w, n in lost.items() if n is not None]
    return listed(told) if told else ""


def _short_pair(facts: Facts, net: str, quantity: str, rate: str) -> str:
    judged = facts.judge(net, BN, quantity, NONE, rate)
    if not judged.value.is_known or judged.value.is_survivor:
        return NOTHING
    if not judged.value.is_sure:
        return _number(judged.value, judged.value.estimate)
    return f"{ends_words(judged.value)} {SIGNS[judged.word]}"


def pair_table(facts: Facts) -> Block | None:
    """Return every comparison of two variants with its interval and what it says."""
    run = facts.run
    pairs = [(here, there) for here, there in PAIRS if {here, there} <= set(run.variants)]
    found: dict[str, list[list[str]]] = {net: [] for net in run.nets}
    for net, mine in found.items():
        for one in run.definitions:
            cells = [pair_text(facts, net, here, one.word, there) for here, there in pairs]
            if any(words != NOTHING for words in cells):
                mine.append([label_of(one), *cells])
    rows = by_net(found)
    if not rows:
        return None
    heads = [f"{HEADS[here]} / {HEADS[there]}" for here, there in pairs]
    return table(
        ["net", "measure", *heads],
        rows,
        f"Ratios of shift{OWN if facts.has_best() else ''}, of cosines the difference, paired by "
        "seed: 95 % interval, and what it says of a margin of 10 % (of cosines 0.05). † Small by "
        "construction: behind BN the probe’s mean is β, its spread γ.",
        "ll" + "l" * len(heads), tight=True, wide=-1, title="Compared", label="pairs",
    )  # fmt: skip


def pair_text(facts: Facts, net: str, here: str, quantity: str, there: str) -> str:
    """Return the interval of a comparison and what it says.

    A comparison without one says why.
    """
    judged = facts.judge(net, here, quantity, there)
    value = judged.value
    if not value.is_known:
        return NOTHING
    if not value.is_sure:
        return f"{_number(value, value.estimate)}: no error bar"
    word = (IN_COSINES if quantity == COSINE else IN_RATIOS)[judged.word]
    if is_constructed(quantity, here, there):
        return f"{ends_words(value)} †"
    return f"{ends_words(value)}: {word}"


def _number(value: Value, number: float) -> str:
    return significant(number, 2) if value.is_ratio else fixed(number, 2)


def needed_table(facts: Facts) -> Block | None:
    """Return what is undecided of BN beside none, and how many seeds would decide it."""
    found: dict[str, list[list[str]]] = {net: [] for net in facts.run.nets}
    for net, mine in found.items():
        for one in facts.run.definitions:
            here = facts.judge(net, BN, one.word, NONE)
            if here.value.is_known and here.word == UNDECIDED:
                ends = ends_words(here.value) if here.value.is_sure else NOTHING
                mine.append([label_of(one), ends, needed_words(here.needed, "seed")])
    rows = by_net(found)
    if not rows:
        return None
    return table(
        ["net", "measure", "95 % interval", "to decide"], rows,
        "Undecided comparisons of nets with and without BN, and what would decide them if estimate "
        "and spread are about right.", "lllr", wide=1, title="Undecided", label="undecided",
    )  # fmt: skip


def others_table(facts: Facts, others: Sequence[Facts]) -> Block | None:
    """Return how BN compares with none on other data sets and at other batch sizes."""
    shown = others[:MOST_OTHERS]
    found: dict[str, list[list[str]]] = {net: [] for net in facts.run.nets}
    for net, mine in found.items():
        for one in facts.run.definitions:
            cells = [pair_text(of, net, BN, one.word, NONE) for of in shown]
            if any(words != NOTHING for words in cells):
                mine.append([label_of(one), *cells])
    rows = by_net(found)
    if not rows:
        return None
    left = len(others) - len(shown)
    return table(
        ["net", "measure", *(f"{of.run.name}, n = {of.run.n:,}" for of in shown)], rows,
        "Shift with BN beside that without on the other data and batch sizes of the run: 95 % "
        "intervals as before." + (f" {left} more in results.csv." if left else ""),
        "ll" + "l" * len(shown), tight=True, wide=-1, title="Elsewhere", label="elsewhere",
    )  # fmt: skip
