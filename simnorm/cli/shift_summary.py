"""The table a person reads at the end of a study of covariate shift, at 80 columns."""

from __future__ import annotations

import math

from simnorm.cli.plain import echo
from simnorm.cli.summary import print_key
from simnorm.cli.width import filled, fitted
from simnorm.figures.shift.shown import BN, LOSS, NOISY, NONE, Value, net_name, notes
from simnorm.formatting import NOTHING, decimals_of, fixed, format_estimate, plural, significant
from simnorm.report.chapters.shift.facts import Facts, facts_of, is_constructed
from simnorm.report.chapters.shift.findings import undecided_finding
from simnorm.report.chapters.shift.first import answer, ends_words, rate_sentence, seeds, shape
from simnorm.report.chapters.shift.tables import label_of
from simnorm.results import Result
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

NAME, LEVEL, PAIR = 27, 19, 17
# So short that an interval and its word share a column.
WORDS = {LESS: "<", SAME: "=", MORE: ">", UNDECIDED: "?"}
KEY = "< less, > more, = no difference that matters, ? undecided; of a cosine, less is more shift."
MARK = "†"
CONSTRUCTED = "† small by construction: behind BN the probe’s mean is beta, its spread gamma."
PAIRS = ((BN, NONE, "BN / without"), (NOISY, BN, "noisy BN / BN"))


def print_shift(result: Result) -> None:
    """Print how large the shift is without normalization, and what normalization makes of it."""
    facts = facts_of(result.frame, result.curves)
    run, design = facts.run, result.design
    for line in (
        f"Internal covariate shift: {run.name}; {plural(run.steps, 'step')} with batches of "
        f"{run.n:,}, {seeds(run.replications)} from seed {design.seed}.",
        "Levels ± standard error over seeds; ratios (of cosines, differences) as 95 % intervals."
        + (" Each variant is at its own best learning rate." if facts.has_best() else ""),
        *notes(run),
        "",
    ):
        echo(filled(line))
    used: set[str] = set()
    for net in run.nets:
        for line in net_lines(facts, net, used):
            echo(line)
        echo("")
    echo(filled(KEY))
    if any(is_constructed(one.word, BN, NONE) for one in run.definitions) and facts.has_pair:
        echo(filled(CONSTRUCTED))
    by_rate = [rate_sentence(facts, net) for net in run.nets]
    for sentence in (answer(facts), *by_rate, shape(facts), undecided_finding(facts)):
        if sentence:
            echo(filled(sentence))
    print_key(used)


def net_lines(facts: Facts, net: str, used: set[str]) -> list[str]:
    """Return the table of one net: a line per measure, and one for the loss."""
    run = facts.run
    base = NONE if NONE in run.variants else next(iter(run.variants), "")
    pairs = [pair for pair in PAIRS if {pair[0], pair[1]} <= set(run.variants)]
    names = {NONE: "without BN", BN: "with BN", NOISY: "noisy BN"}
    heads = [f"{names.get(base, base):>{LEVEL}}", *(f"{words:>{PAIR}}" for *_, words in pairs)]
    lines = [f"{fitted(net_name(net), NAME)}{''.join(heads)}"]
    measures = [(label_of(one).replace(" and ", ", "), one.word) for one in run.definitions]
    for label, word in [*measures, ("training loss", LOSS)]:
        level = run.value(net, base, word)
        if not level.is_known and not any(run.value(net, v, word).is_known for v in run.variants):
            continue
        cells = [f"{level_text(level, used):>{LEVEL}}"]
        for here, there, _ in pairs:
            judged = facts.judge(net, here, word, there)
            sign = MARK if is_constructed(word, here, there) else WORDS[judged.word]
            cells.append(f"{pair_text(judged.value, sign, used):>{PAIR}}")
        lines.append(f"{fitted(label, NAME)}{''.join(cells)}".rstrip())
    return lines


def level_text(value: Value, used: set[str]) -> str:
    """Return a level with its standard error; note its mark.

    Examples
    --------
    >>> level_text(Value(0.0092, 0.008, 0.0104, 0.00041, "mean", "ok"), set())
    '0.00920 ± 0.00041'
    >>> level_text(Value(0.0011935, 0.0, 0.0, 0.0000043, "mean", "ok"), set())
    '(1.193 ± 0.004)e−3'
    """
    if not value.is_known:
        used.add("undefined")
        return NOTHING
    if value.status == "unreliable":
        used.add("unreliable")
        return f"({significant(value.estimate, 2)})"
    text = format_estimate(value.estimate, value.mcse)
    if len(text) < LEVEL or not value.estimate:
        return text
    # One digit of the error is enough where two do not fit.
    power = math.floor(math.log10(abs(value.estimate)))
    scaled, error = value.estimate / 10.0**power, value.mcse / 10.0**power
    decimals = max(0, decimals_of(error) - 1)
    text = f"({fixed(scaled, decimals)} ± {fixed(error, decimals)})e{fixed(power, 0)}"
    if len(text) < LEVEL:
        return text
    # The error shows in no digit that there is room for.
    return f"{significant(value.estimate)} ± {significant(value.mcse, 1)}"


def pair_text(value: Value, word: str, used: set[str]) -> str:
    """Return the interval of a comparison and a sign for what it says; note its mark.

    Examples
    --------
    >>> pair_text(Value(0.5, 0.41, 0.63, 0.05, "ratio", "ok"), "<", set())
    '0.41 to 0.63 <'
    """
    if not value.is_known:
        used.add("undefined")
        return NOTHING
    if not value.is_sure:
        used.add("unreliable")
        return f"({significant(value.estimate, 2)}) {word}"
    text = f"{ends_words(value)} {word}"
    if len(text) < PAIR:
        return text
    return f"{significant(value.low, 2)} to {significant(value.high, 2)} {word}"
