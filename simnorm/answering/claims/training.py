"""Claims about training: internal covariate shift, and what batch normalization costs."""

from __future__ import annotations

from simnorm.answering import margins
from simnorm.answering.claims.case import OVERHEAD, SHIFT, Case
from simnorm.answering.numbers import (
    LESS,
    MORE,
    SAME,
    UNDECIDED,
    Family,
    Number,
    below,
    cells,
    interval_text,
)
from simnorm.answering.verdicts import (
    FALSE,
    IMPRECISE,
    NOT_MEASURED,
    TRUE,
    Verdict,
)
from simnorm.undecided import needed_words

# The definitions: the change of activations, and that of gradients.
BY_ACTIVATIONS = ("moment_shift", "ks_shift", "wasserstein_shift")
BY_GRADIENTS = ("gradient_shift",)
SAID = {
    "moment_shift": "moments", "ks_shift": "KS distance", "wasserstein_shift": "W1 distance",
    "gradient_shift": "gradients",
}  # fmt: skip
NETS = {"mlp": "MLP", "linear": "deep linear net"}


def covariate_shift(case: Case) -> Verdict:
    """Judge that batch normalization does not do away with internal covariate shift."""
    blank = Verdict(
        "covariate_shift",
        "Batch normalization does not solve internal covariate shift.",
        NOT_MEASURED,
        figure="ratios",
        chapter=SHIFT,
        margin=margins.TOLD["shift"],
    )
    family = Family(_ratios(case, "bn", "none"), margins.SHIFT, ratio=True)
    if not family.numbers:
        return blank._replace(why=case.missing_words(SHIFT))
    gradients = [name for name in family.numbers if name.startswith(SAID["gradient_shift"])]
    lead = family.farthest(gradients or list(family.numbers))
    words = family.words
    said = blank._replace(
        number=f"{_ratio_text(family.numbers[lead])} ({lead})",
        detail=(
            f"The shift with batch normalization, as a multiple of that without: {_each(family)}."
            f"{_noise_sentence(case)}"
        ),
    )
    less, more = family.named(LESS), [n for n, w in words.items() if w in (SAME, MORE)]
    if len(more) == len(words):
        return said._replace(word=TRUE, why="By no definition is the shift smaller with it.")
    gone = below(family.numbers, margins.GONE)
    if len(gone) == len(words):
        return said._replace(word=FALSE, why="By every definition the shift is gone with it.")
    if less:
        smaller = f"smaller with it in {len(less)} of {len(words)} ratios"
        why = f"The shift is {smaller}, and gone in {len(gone) or 'none'}: less is not none."
        return said._replace(word=IMPRECISE, why=why)
    return said._replace(
        word=UNDECIDED,
        why="Some ratios are on neither side of their margin.",
        needed=needed_words(family.needed(), "seed"),
    )


def _ratios(case: Case, variant: str, against: str) -> dict[str, Number]:
    """Return ratios of shifts, by definition and net."""
    result = case.result(SHIFT)
    if result is None:
        return {}
    found: dict[str, Number] = {}
    for quantity in (*BY_GRADIENTS, *BY_ACTIVATIONS):
        of = cells(result, quantity, "ratio", variant=variant, against=against)
        for (_, factors), number in of.items():
            parts = dict(part.split("=", 1) for part in factors.split(";"))
            net = NETS.get(parts["net"], parts["net"])
            if number.is_there:
                found[f"{SAID[quantity]}, {net}"] = number
    return found


def _each(family: Family) -> str:
    """Return the ratios in words, those by gradients first."""
    return "; ".join(f"{_ratio_text(number)} ({name})" for name, number in family.numbers.items())


def _ratio_text(number: Number) -> str:
    """Return a ratio with its interval."""
    return f"{number.estimate:.3g} ({interval_text(number)})" if number.is_sure else number.text()


def _noise_sentence(case: Case) -> str:
    """Return whether a net with noise behind the layer trains as well, with more shift."""
    result = case.result(SHIFT)
    if result is None:
        return ""
    more = Family(_ratios(case, "noisy_bn", "none"), margins.SHIFT, ratio=True)
    gain = {
        factors: number
        for (_, factors), number in cells(
            result, "test_accuracy", "mean", variant="noisy_bn", against="none"
        ).items()
        if number.is_there
    }
    if not more.numbers or not gain:
        return ""
    family = Family(gain, margins.ACCURACY)
    shifted, worse = len(more.named(MORE)), len(family.named(LESS))
    return (
        f" With noise behind the layer the shift is larger than without the layer in {shifted} of "
        f"{len(more.numbers)} ratios, and test accuracy is lower in {worse} of {len(gain)} nets."
    )


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
    family = _times(case, "input_bn", n)
    hidden = _times(case, "hidden_bn", n)
    if not family.numbers and not hidden.numbers:
        return blank._replace(why="The run has no ratio of times.")
    every = Family(family.numbers | hidden.numbers, margins.TIME, ratio=True)
    lead = family.farthest() if family.numbers else hidden.farthest()
    said = blank._replace(
        number=f"×{_ratio_text(every.numbers[lead])}",
        detail=(
            f"Time of a training step with batches of {n:,}, as a multiple of that without: "
            f"{_each(every)}. Measured on this machine, one thread; on others it differs."
        ),
    )
    words = set(every.words.values())
    if every.is_same:
        return said._replace(word=SAME, why="Every interval lies inside the margin.")
    if words == {MORE}:
        return said._replace(word=TRUE, why="A step takes longer in every net, beyond chance.")
    if words == {LESS}:
        return said._replace(word=FALSE, why="A step takes less time in every net.")
    some = len(every.named(MORE))
    why = f"A step takes longer, beyond chance, in {some} of {len(every.words)} nets."
    if some:
        return said._replace(word=IMPRECISE, why=f"It depends on the net. {why}")
    return said._replace(
        word=UNDECIDED,
        why=why,
        needed=needed_words(every.needed(), "round"),
    )


def _times(case: Case, variant: str, n: int) -> Family:
    """Return ratios of a training step's time, by width."""
    result = case.result(OVERHEAD)
    where = "at the input" if variant == "input_bn" else "between layers"
    found: dict[str, Number] = {}
    if result is not None:
        numbers = cells(
            result, "training_step", "ratio", batch_size=n, variant=variant, against="none"
        )
        for (_, factors), number in numbers.items():
            parts = dict(part.split("=", 1) for part in factors.split(";"))
            if number.is_there:
                found[f"{where}, width {parts['width']}"] = number
    return Family(found, margins.TIME, ratio=True)
