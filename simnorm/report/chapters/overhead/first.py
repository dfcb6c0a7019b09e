"""The first page of the report on overhead: the answer, and the numbers that matter."""

from __future__ import annotations

import math

from simnorm.figures.overhead.shown import (
    HIDDEN_BN,
    INFERENCE,
    INPUT_BN,
    MARGIN,
    STANDARDIZED,
    STEP,
    Value,
)
from simnorm.formatting import plural
from simnorm.report.chapters.overhead.facts import PHRASES, Facts
from simnorm.report.chapters.overhead.words import (
    ends_text,
    longer_text,
    percent_text,
    places,
    steps_text,
    whole,
)
from simnorm.report.text import listed
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

TITLE = "What does batch normalization cost in time?"
WITHIN = f"within {100 * MARGIN:.0f} %"


def subtitle(facts: Facts) -> str:
    """Return one line on what was run."""
    widths = listed([f"{w:,}" for w in facts.run.widths])
    sizes = listed([f"{n:,}" for n in facts.run.sizes])
    return f"Nets {widths} wide, batches of {sizes}; {plural(facts.run.rounds, 'round')} of timings"


def setting(facts: Facts) -> str:
    """Return what was asked and done, for the first paragraph."""
    return (
        "“Batch normalization has a computational overhead in training”: this run timed it. A "
        "step of training and one of inference of a small net in PyTorch were timed without "
        "batch normalization (BN), with BN at the input, with BN between layers, and with inputs "
        f"that a scaler has standardized once, {on_machine(facts)}. In every round all take "
        "turns, and times are compared inside the round."
    )


def timed(facts: Facts) -> str:
    """Return what a time is, and which of the times is put together from others."""
    words = (
        "A time is the median over rounds of the shortest of three to nine turns in a round, on "
        "one thread: the time in which that thread computed, where the system tells it, not time "
        "on the wall."
    )
    if facts.has(STANDARDIZED):
        words += (
            f" {PHRASES[STANDARDIZED].capitalize()} are not timed as one: a step is the step "
            "without BN plus its share of the timed fitting and applying of the scaler"
            + (f", over {plural(facts.epochs, 'epoch')}" if facts.epochs else "")
            + "; it cannot come out below the step without BN."
        )
    return words


def on_machine(facts: Facts) -> str:
    """Return where times were taken."""
    on = f"on one thread of this machine’s processor ({facts.machine})" if facts.machine else (
        "on one thread of one machine’s processor"
    )  # fmt: skip
    return on


def answer(facts: Facts) -> str:
    """Return the answer in plain words, at one batch size and width."""
    told = {v: facts.told(STEP, v) for v in (INPUT_BN, HIDDEN_BN)}
    told = {variant: value for variant, value in told.items() if value.is_sure}
    if not told:
        return no_answer(facts)
    parts = _parts(told)
    words = (
        f"With batches of {facts.n:,} and layers {facts.width:,} wide, a training step takes "
        f"{listed(parts)}."
    )
    once = facts.told(STEP, STANDARDIZED)
    if once.is_sure and facts.epochs:
        share = percent_text(once.estimate, max(places(once) - 2, 0))
        words += (
            f" Standardizing all {facts.run.rows:,} rows once adds {share} % ({ends_text(once)}) "
            f"to each step of {plural(facts.epochs, 'epoch')}."
        )
    return words


def _parts(told: dict[str, Value]) -> list[str]:
    """Return how much longer each takes, with its interval; the first says what interval it is."""
    found: list[str] = []
    for variant, value in told.items():
        ends = f"({'' if found else '95 % interval '}{ends_text(value)})"
        words = {
            SAME: f"the same time {WITHIN} {ends}",
            UNDECIDED: f"{longer_text(value)}, which may be chance {ends},",
        }
        took = words.get(value.verdict, f"{longer_text(value)} {ends}")
        found.append(f"{took} with {PHRASES[variant]}")
    return found


def no_answer(facts: Facts) -> str:
    """Return why there is nothing to lead with."""
    if facts.run.variants:
        return (
            f"{plural(facts.run.rounds, 'round')} of timings give no interval: from six on there "
            "is one."
        )
    return "This run has no times to compare."


def shape(facts: Facts) -> str:
    """Return how the overhead changes with batch size and width, and what is beyond chance."""
    words = [_range(facts, variant) for variant in (INPUT_BN, HIDDEN_BN)]
    return " ".join(word for word in words if word)


def _range(facts: Facts, variant: str) -> str:
    """Return the largest and the smallest ratio of a variant, and the verdicts on all."""
    found = {p: v for p, v in facts.ratios(STEP, variant).items() if v.is_sure}
    if len(found) < 2:
        return ""
    (high_at, high), (low_at, low) = (
        pick(found.items(), key=lambda item: item[1].estimate) for pick in (max, min)
    )
    return (
        f"Over all sizes {PHRASES[variant]} makes a step from {longer_text(low)} "
        f"({_at(*low_at)}) to {longer_text(high)} ({_at(*high_at)}): {counted(found)}."
    )


def _at(width: int, n: int) -> str:
    return f"width {width:,}, batches of {n:,}"


def counted(found: dict[tuple[int, int], Value]) -> str:
    """Return how many ratios are larger, smaller, the same, or not known well enough."""
    verdicts = [value.verdict for value in found.values()]
    names = {
        MORE: "longer beyond chance", LESS: "shorter beyond chance", SAME: f"the same {WITHIN}",
        UNDECIDED: "undecided",
    }  # fmt: skip
    parts = [
        f"{name} in {verdicts.count(word)}" for word, name in names.items() if word in verdicts
    ]
    return f"{listed(parts)} of {len(verdicts)} cases"


def inference_sentence(facts: Facts) -> str:
    """Return what inference costs, and that a layer of it need not be there."""
    told = {v: facts.told(INFERENCE, v) for v in (INPUT_BN, HIDDEN_BN)}
    parts = _parts({variant: value for variant, value in told.items() if value.is_sure})
    if not parts:
        return ""
    return (
        f"At test time a batch of {facts.n:,} takes {listed(parts)}. What a layer does then is a "
        "fixed multiplication and addition, which can be folded into the weights of the linear "
        "layer beside it: that saves all of it, and was not done here."
    )


def standardizing_sentence(facts: Facts) -> str:
    """Return after how many steps standardizing once has paid off."""
    value = facts.run.break_even(facts.n, facts.width)
    if math.isnan(value.estimate):
        return ""
    steps = facts.run.rows // facts.n if facts.n else 0
    epoch = f" An epoch of {facts.run.rows:,} rows has {steps:,}." if steps else ""
    return (
        f"With batches of {facts.n:,} and layers {facts.width:,} wide, fitting and applying a "
        f"scaler to {facts.run.rows:,} rows once has cost less than BN at the input after "
        f"{steps_text(value)} steps.{epoch}"
    )


def tiles(facts: Facts) -> list[dict[str, str]]:
    """Return up to three numbers that matter, each with what stands beside it."""
    made = []
    for variant in (INPUT_BN, HIDDEN_BN):
        value = facts.told(STEP, variant)
        if value.is_sure:
            made.append(
                {
                    "number": _signed(value),
                    "caption": f"time of a training step with {PHRASES[variant]}",
                    "detail": f"95 %: {ends_text(value)}",
                }
            )
    steps = facts.run.break_even(facts.n, facts.width)
    if steps.is_known and not math.isnan(steps.low) and not math.isnan(steps.high):
        ends = "no limit above" if math.isinf(steps.high) else f"to {whole(steps.high)}"
        made.append(
            {
                "number": f"{whole(steps.estimate)} steps",
                "caption": "until standardizing once has cost less than BN at the input",
                "detail": f"95 %: {whole(steps.low)} {ends}".replace(" no", ", no"),
            }
        )
    return made


def _signed(value: Value) -> str:
    text = percent_text(value.estimate, max(places(value) - 2, 0))
    return f"{text} %" if text.startswith("−") else f"+{text} %"


def tiles_note(facts: Facts) -> str:
    """Return of what the numbers are."""
    if not tiles(facts):
        return ""
    return (
        f"Of a net {facts.width:,} wide and batches of {facts.n:,}, beside the same net without "
        "BN: medians over rounds. Of this machine: elsewhere, and above all on a GPU, they differ."
    )


def trust(facts: Facts) -> str:
    """Return how far the intervals can be trusted."""
    return (
        f"Each interval is made of order statistics of {plural(facts.run.rounds, 'round')}: it "
        "holds the median of rounds like these with 95 % or more, however noisy the machine is. "
        "Times have no theory to be checked against, and another day may have another median."
    )
