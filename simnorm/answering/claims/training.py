"""Claims about training: internal covariate shift, and what batch normalization costs."""

from __future__ import annotations

import math
from dataclasses import replace

from simnorm.answering import margins
from simnorm.answering.claims.case import OVERHEAD, SHIFT, Case, listed
from simnorm.answering.claims.values import counted
from simnorm.answering.numbers import (
    LESS,
    MORE,
    SAME,
    UNDECIDED,
    Family,
    Number,
    cells,
    largest,
    ratio_text,
    smallest,
)
from simnorm.answering.verdicts import (
    FALSE,
    IMPRECISE,
    NOT_MEASURED,
    TRUE,
    Verdict,
)
from simnorm.formatting import plural
from simnorm.undecided import needed_words

# By these a shift is judged: the change of gradients, by norm and direction, and of activations.
GRADIENTS, COSINE = "gradient_shift", "gradient_cosine"
VOTES = (GRADIENTS, COSINE, "ks_shift", "wasserstein_shift")
# Behind batch normalization a unit's mean is beta and its deviation gamma, whatever the layers
# below do: these are told, and have no vote.
BY_CONSTRUCTION = "moment_shift"
SAID = {
    GRADIENTS: "gradients", COSINE: "direction of gradients", "ks_shift": "KS distance",
    "wasserstein_shift": "W1 distance", BY_CONSTRUCTION: "moments",
}  # fmt: skip
NETS = {"mlp": "ReLU net", "linear": "deep linear net"}
# What a variant is compared with at its own best learning rate.
BEST = "best"
# Test rows over training rows of the study's splits.
TEST_SHARE = 1.0 / 3.0


def covariate_shift(case: Case) -> Verdict:
    """Judge that batch normalization does not reduce internal covariate shift.

    Every definition has a vote, in every net, with and without normalization at the learning rate
    that each trains best at. False if the shift is smaller by all of them, true if by none; where
    they part, it depends on the definition.
    """
    blank = Verdict(
        "covariate_shift",
        f"Batch normalization does not reduce internal covariate shift{_where(case)}.",
        NOT_MEASURED,
        figure="ratios",
        chapter=SHIFT,
        margin=margins.TOLD["shift"],
    )
    votes = Votes(case, "bn", BEST if BEST in _rates(case) else "")
    words = votes.words
    if not votes.ratios.numbers:
        return blank._replace(why=case.missing_words(SHIFT))
    gradients = [name for name in votes.ratios.numbers if name.startswith(SAID[GRADIENTS] + ",")]
    lead = votes.ratios.farthest(gradients)
    less = [name for name, word in words.items() if word == LESS]
    rest = [name for name, word in words.items() if word in (SAME, MORE)]
    said = blank._replace(
        number=f"{ratio_text(votes.ratios.numbers[lead])}, {lead}",
        detail=(
            f"Shift with batch normalization against that without, {_at(case)}: {votes.told()}. "
            + " ".join(
                [*_of_gradients(votes, gradients), *_by_rate(case), *_moments(case), *_noise(case)]
            )
        ).strip(),
    )
    count, turn = len(words), _turn(case)
    if len(less) == count:
        return said._replace(word=FALSE, why=f"It is smaller by all {count} measures.{turn}")
    if len(rest) == count:
        return said._replace(word=TRUE, why=f"It is smaller by none of {count} measures.{turn}")
    if less and rest:
        why = (
            f"It depends on the definition: smaller by {len(less)} and not by {len(rest)} of "
            f"{count} measures.{turn}"
        )
        return said._replace(word=IMPRECISE, why=why)
    why = f"None of {count} measures is decided."
    if less or rest:
        side = f"smaller by {len(less)}" if less else f"not smaller by {len(rest)}"
        why = f"It is {side} of {count} measures; the others are undecided."
    return said._replace(
        word=UNDECIDED,
        why=f"{why}{turn}",
        needed=votes.needed_text(),
    )


class Votes:
    """How the shift of a variant compares with that without normalization, by every definition.

    Parameters
    ----------
    case
        The results.
    variant
        What is compared with nothing.
    rate
        At this learning rate; empty for all there are.
    """

    def __init__(self, case: Case, variant: str, rate: str) -> None:
        ratios: dict[str, Number] = {}
        for quantity in VOTES:
            if quantity != COSINE:
                ratios |= _against_none(case, quantity, "ratio", variant, rate)
        # A larger cosine is less of a shift.
        cosines = {
            name: replace(x, estimate=-x.estimate, low=-x.high, high=-x.low)
            for name, x in _against_none(case, COSINE, "mean", variant, rate).items()
        }
        count = len(ratios) + len(cosines)
        self.ratios = Family(ratios, margins.SHIFT, ratio=True, together=count)
        self.cosines = Family(cosines, margins.COSINE, together=count)
        self.words = self.ratios.words | self.cosines.words

    def told(self) -> str:
        """Return by how many measures it is smaller, larger, the same or undecided."""
        said = ((LESS, "smaller"), (SAME, "the same"), (MORE, "larger"))
        words = list(self.words.values())
        parts = [f"{text} by {words.count(word)}" for word, text in said if word in words]
        if UNDECIDED in words:
            parts.append(f"undecided for {words.count(UNDECIDED)}")
        names = list(dict.fromkeys(name.split(",")[0] for name in self.words))
        return f"{', '.join(parts)} of {len(words)} measures ({listed(names, most=9)})"

    def needed_text(self) -> str:
        """Return what would decide all that are undecided."""
        found = [x for x in (self.ratios.needed(), self.cosines.needed()) if not math.isnan(x)]
        return needed_words(max(found, default=math.nan), "seed")


def _rates(case: Case) -> list[str]:
    """Return the learning rates of the run in rising order, the word for the best one last."""
    result = case.result(SHIFT)
    if result is None or "rate" not in result.frame.columns:
        return []
    found = {str(rate) for rate in result.frame["rate"]} - {""}
    return sorted(found - {BEST}, key=float) + [BEST] * (BEST in found)


def _against_none(
    case: Case, quantity: str, measure: str, variant: str, rate: str
) -> dict[str, Number]:
    """Return how a quantity compares with that without normalization, by net."""
    result = case.result(SHIFT)
    if result is None:
        return {}
    where = {"variant": variant, "against": "none"} | ({"rate": rate} if rate else {})
    found = {}
    for (_, factors), number in cells(result, quantity, measure, **where).items():  # type: ignore[arg-type]
        parts = dict(part.split("=", 1) for part in factors.split(";"))
        net = NETS.get(parts["net"], parts["net"])
        at = f", rate {parts['rate']}" if "rate" in parts and not rate else ""
        if number.is_there:
            found[f"{SAID.get(quantity, quantity)}, {net}{at}"] = number
    return found


def _where(case: Case) -> str:
    """Return in which nets and data it was measured."""
    result = case.result(SHIFT)
    if result is None or "net" not in result.frame.columns:
        return ""
    nets = {str(net) for net in result.frame["net"]} - {""}
    data = sorted({str(name) for name in result.frame["distribution"]} - {""})
    return f", in {plural(len(nets), 'small net')} on {listed(data)}" if nets and data else ""


def _at(case: Case) -> str:
    rates = _rates(case)
    if BEST not in rates:
        return f"at learning rates of {listed(rates)}" if rates else "at one learning rate"
    if len(rates) == 2:
        return f"at a learning rate of {rates[0]}"
    return (
        f"each at the learning rate that it trains best at (of {listed(rates[:-1], most=9)}, by "
        "training loss)"
    )


def _of_gradients(votes: Votes, names: list[str]) -> list[str]:
    """Return the ratios of the gradients' change."""
    if not names:
        return []
    parts = [f"{ratio_text(votes.ratios.numbers[name])} in the {name.split(', ', 1)[1]}"
             for name in names]  # fmt: skip
    return [f"Gradients change {' and '.join(parts)}."]


def _moments(case: Case) -> list[str]:
    """Return what moments do, which have no vote."""
    rate = BEST if BEST in _rates(case) else ""
    found = _against_none(case, BY_CONSTRUCTION, "ratio", "bn", rate)
    if not found:
        return []
    name = smallest(found)
    return [
        "Moments are not counted: behind the layer they are its own beta and gamma, and change "
        f"little by construction, {ratio_text(found[name])}."
    ]


def _gradients_by_rate(case: Case) -> dict[str, dict[str, Number]]:
    """Return ratios of the gradients' change, by net and by learning rate in rising order."""
    found: dict[str, dict[str, Number]] = {}
    for rate in _rates(case):
        if rate != BEST:
            for name, number in _against_none(case, GRADIENTS, "ratio", "bn", rate).items():
                found.setdefault(name.split(", ", 1)[1], {})[rate] = number
    return {net: numbers for net, numbers in found.items() if len(numbers) > 1}


def _by_rate(case: Case) -> list[str]:
    """Return what gradients do at the smallest and the largest rate, the same for both nets."""
    for net, numbers in _gradients_by_rate(case).items():
        rates = list(numbers)
        ends = " and ".join(f"{ratio_text(numbers[rate])} at {rate}" for rate in
                            (rates[0], rates[-1]))  # fmt: skip
        return [f"With the same rate for both it is {ends} in the {net}."]
    return []


def _turn(case: Case) -> str:
    """Return that the learning rate turns the answer, if gradients change both less and more."""
    every = {
        (net, rate): number
        for net, numbers in _gradients_by_rate(case).items()
        for rate, number in numbers.items()
    }
    if not every:
        return " At another learning rate it may be otherwise."
    family = Family({"|".join(key): x for key, x in every.items()}, margins.SHIFT, ratio=True)
    for net in dict.fromkeys(net for net, _ in every):
        words = {family.words["|".join(key)] for key in every if key[0] == net}
        if {LESS, MORE} <= words:
            return f" It depends on the learning rate too: in the {net} gradients turn with it."
    return ""


def _noise(case: Case) -> list[str]:
    """Return whether a net with noise behind the layer trains as well, with more shift."""
    rate = BEST if BEST in _rates(case) else ""
    votes = Votes(case, "noisy_bn", rate)
    gain = _against_none(case, "test_accuracy", "mean", "noisy_bn", rate)
    if not votes.words or not gain:
        return []
    family = Family(gain, margins.ACCURACY, folds=1, share=TEST_SHARE)
    more = sum(word == MORE for word in votes.words.values())
    nets = "nets" if len(gain) > 1 else "net"
    return [
        f"With noise behind the layer the shift is larger by {more} of {len(votes.words)} measures "
        f"than without the layer, and test accuracy is {counted(family)} of {len(gain)} {nets}."
    ]


# ---------------------------------------------------------------------------------------------
# Time


def overhead(case: Case) -> Verdict:
    """Judge that batch normalization costs time in training."""
    blank = Verdict(
        "overhead",
        "Batch normalization has a computational overhead in training.",
        NOT_MEASURED,
        figure="ratio",
        chapter=OVERHEAD,
        margin=margins.TOLD["time"],
    )
    result = case.result(OVERHEAD)
    if result is None:
        return blank._replace(why=case.missing_words(OVERHEAD))
    sizes = sorted({int(n) for n in result.frame["batch_size"] if n > 0})
    n = case.n if case.n in sizes else min(sizes, key=lambda one: abs(one - case.n))
    places = {where: _times(case, variant, n) for variant, where in PLACES.items()}
    every = Family(
        {name: x for found in places.values() for name, x in found.items()},
        margins.TIME, ratio=True,
    )  # fmt: skip
    if not every.numbers:
        return blank._replace(why="The run has no ratio of times.")
    lead = every.farthest(list(next(found for found in places.values() if found)))
    said = blank._replace(
        number=f"{ratio_text(every.numbers[lead])}, {lead}",
        detail=(
            f"Time of a training step with batches of {n:,}, as a multiple of that without: "
            f"{'; '.join(_span(found) for found in places.values() if found)}. Measured on one "
            "thread of this machine; on others it differs."
        ),
    )
    more, count = every.named(MORE), len(every.words)
    why = f"A step takes longer, beyond chance, in {len(more)} of {count} nets{_by_margin(every)}."
    if every.is_same:
        return said._replace(word=SAME, why="Every interval lies inside the margin.")
    if len(more) == count:
        return said._replace(word=TRUE, why=why)
    if len(every.named(LESS)) == count:
        return said._replace(word=FALSE, why="A step takes less time in every net, beyond chance.")
    if more and (rest := every.named(LESS) + every.named(SAME)):
        why = f"It depends on the net: {why[:1].lower()}{why[1:-1]}, and not in {len(rest)}."
        return said._replace(word=IMPRECISE, why=why)
    open_ones = f"Not decided: {len(every.named(UNDECIDED)):,}."
    if more:
        # It has a cost wherever that is known; how much in the others is another question.
        return said._replace(word=TRUE, why=f"{why} {open_ones}")
    if every.named(LESS) and not every.named(UNDECIDED):
        return said._replace(word=FALSE, why="A step takes longer in none of the nets.")
    return said._replace(
        word=UNDECIDED,
        why=f"{why} {open_ones}",
        needed=every.needed_text("round"),
    )


PLACES = {"input_bn": "at the input", "hidden_bn": "between layers"}


def _by_margin(every: Family) -> str:
    """Return in how many it is longer by more than the margin."""
    if not every.named(MORE):
        return ""
    return f", by more than {100 * margins.TIME:g} % in {len(every.beyond(MORE))}"


def _times(case: Case, variant: str, n: int) -> dict[str, Number]:
    """Return ratios of a training step's time, by width."""
    result = case.result(OVERHEAD)
    found: dict[str, Number] = {}
    if result is not None:
        numbers = cells(
            result, "training_step", "ratio", batch_size=n, variant=variant, against="none"
        )
        for (_, factors), number in numbers.items():
            parts = dict(part.split("=", 1) for part in factors.split(";"))
            if number.is_there:
                found[f"{PLACES[variant]}, width {parts['width']}"] = number
    return found


def _span(found: dict[str, Number]) -> str:
    """Return the ends of some ratios, with what they are of."""
    low, high = smallest(found), largest(found)
    where, width = low.split(", ", 1)
    if low == high:
        return f"{where} {ratio_text(found[low])} ({width})"
    return (
        f"{where} {ratio_text(found[low])} ({width}) to {ratio_text(found[high])} "
        f"({high.split(', ', 1)[1]})"
    )
