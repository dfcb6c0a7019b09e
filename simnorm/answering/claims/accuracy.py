"""Claims about scaling and accuracy: who needs it, what it assumes, and min-max."""

from __future__ import annotations

from simnorm.answering import margins
from simnorm.answering.claims.case import INPUTS, MADE, SCALING, Case, listed, told
from simnorm.answering.claims.values import counted
from simnorm.answering.numbers import (
    LESS,
    MORE,
    SAME,
    Family,
    Number,
    by_name,
    cells,
    largest,
    points_within,
    smallest,
)
from simnorm.answering.verdicts import FALSE, IMPRECISE, NOT_MEASURED, TRUE, UNDECIDED, Verdict
from simnorm.formatting import significant
from simnorm.undecided import needed_words

MARGIN = margins.TOLD["accuracy"]
HEAVY, NORMAL = "heavy_tails", "normal_tails"
# Bundled data whose features have different scales, real and made; and one whose have not.
REAL, SPREAD, ONE_SCALE = ("wine", "breast_cancer"), "spread_scales", "digits"
# A column of the user's data with more than this is no bell curve.
FAR_FROM_NORMAL = 1.0


# ---------------------------------------------------------------------------------------------
# Who needs it


def neighbours_need_scaling(case: Case) -> Verdict:
    """Judge that nearest neighbours need scaled inputs."""
    claim = "Nearest neighbours need scaled inputs where scales vary."
    return _needs_scaling(case, "kNN", "neighbours_need_scaling", claim)


def nets_need_scaling(case: Case) -> Verdict:
    """Judge that neural networks need scaled inputs."""
    claim = "Neural networks need scaled inputs where scales vary."
    return _needs_scaling(case, "MLP", "nets_need_scaling", claim)


def _needs_scaling(case: Case, model: str, key: str, claim: str) -> Verdict:
    """Judge whether a model loses accuracy without scaling.

    Real data decide. A loss on data whose scales are made is told, and makes no model one that
    needs scaling.
    """
    blank = Verdict(key, claim, NOT_MEASURED, figure="difference", chapter=SCALING, margin=MARGIN)
    names = case.accuracy_names()
    # A file has one data set without a name.
    family = _without(case, model, tuple(name for name in (*REAL, "") if name in names))
    if not family.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    worst = smallest(family.numbers)
    trained = _trained() if model == "MLP" else ""
    said = blank._replace(
        number=f"{points_within(family.numbers[worst])} without scaling, {worst}",
        detail=(
            f"Accuracy without scaling, less that with z-scores: {parts_of(family)}."
            f"{_of_made(case, model)}{_one_scale(case, model)}"
        ),
    )
    if hurt := family.named(LESS):
        beyond = family.beyond(LESS)
        why = f"Accuracy is lower beyond chance: {listed(hurt)}{_margin_clause(hurt, beyond)}."
        return said._replace(word=TRUE, why=why + trained)
    made = _without(case, model, (SPREAD,) if SPREAD in names else ())
    is_harmed = bool(made.named(LESS))
    if all(word in (SAME, MORE) for word in family.words.values()):
        if is_harmed:
            why = "On real data nothing is lost; on scales that are made it loses."
            return said._replace(word=IMPRECISE, why=why + trained)
        return said._replace(word=FALSE, why=f"Nothing is lost without it.{trained}")
    made_too = "; on scales that are made it loses" if is_harmed else ""
    return said._replace(
        word=UNDECIDED,
        why=f"{_data_of(family)}it is not decided{made_too}.{trained}",
        needed=needed_words(family.fewest(list(family.words)), "repeat"),
    )


def _without(case: Case, model: str, names: tuple[str, ...]) -> Family:
    """Return what a model loses without scaling; nothing where there are no such data."""
    if not names:
        return Family({}, margins.ACCURACY)
    return case.accuracies("none", "z_score", margins.ACCURACY, names=names, model=model)


def _data_of(family: Family) -> str:
    """Return the beginning of a sentence on real data, or on those of the user."""
    return "On real data " if any(" on " in name for name in family.words) else "Here "


def _margin_clause(names: list[str], beyond: list[str]) -> str:
    """Return how many of those that differ beyond chance do so by more than the margin."""
    if len(beyond) == len(names):
        return ", and by more than the margin"
    return f"; by more than the margin in {len(beyond)} of {len(names)}"


def _trained() -> str:
    """Return how the net was trained: another one may lose less."""
    from simnorm.studies.scaling.models import LEARNING_RATE
    from simnorm.studies.scaling.training import MOST_UPDATES

    return (
        " The MLP was trained until its loss fell no more, with at most "
        f"{MOST_UPDATES:,} updates of Adam at a rate of {LEARNING_RATE:g}; nothing is tuned."
    )


def _of_made(case: Case, model: str) -> str:
    """Return what becomes of data whose scales are made."""
    if SPREAD not in case.accuracy_names():
        return ""
    return f" On digits with scales made by us: {_alone(_without(case, model, (SPREAD,)))}."


def _one_scale(case: Case, model: str) -> str:
    """Return what becomes of data whose features have one scale."""
    if ONE_SCALE not in case.accuracy_names():
        return ""
    found = _alone(_without(case, model, (ONE_SCALE,)))
    return f" On {ONE_SCALE}, whose features have one scale: {found}."


def _of_each(family: Family) -> str:
    """Return the comparisons of one data set, each by its model."""
    return "; ".join(
        f"{points_within(number)}, {name.split(' on ')[0]}"
        for name, number in family.numbers.items()
    )


def _alone(family: Family) -> str:
    """Return the comparison of one data set."""
    return "; ".join(points_within(number) for number in family.numbers.values())


# ---------------------------------------------------------------------------------------------
# What it assumes


def assumes_gaussian(case: Case) -> Verdict:
    """Judge that standardization assumes a Gaussian, by what heavy tails cost it.

    It is compared on heavy tails with scalings that mind them less or otherwise, robust and
    min-max, and with none. Never true: a z-score takes two numbers and no distribution.
    """
    blank = Verdict(
        "assumes_gaussian",
        "Standardization assumes that the data have a Gaussian (bell curve) distribution.",
        NOT_MEASURED,
        figure="difference",
        chapter=SCALING,
        margin=MARGIN,
    )
    names = case.accuracy_names()
    wanted = (HEAVY,) if HEAVY in names else ()
    far = [name for name, g in case.kurtosis.items() if abs(g) > FAR_FROM_NORMAL]
    if wanted or (far and "" in names):
        return _of_tails(case, blank, wanted)
    defined = [name for name in far if name in case.errors]
    if names or not defined:
        why = "No data here are far from Gaussian." if names else case.missing_words(SCALING)
        return blank._replace(why=why)
    name = max(defined, key=lambda one: abs(case.kurtosis[one]))
    return blank._replace(
        word=FALSE,
        number=f"z-scores of all {len(defined):,} non-Gaussian {case.thing}s, exact",
        detail=(
            f"{DEFINITION} Here it is defined for {len(defined):,} {case.thing}s far from "
            "Gaussian, up to an excess kurtosis of "
            f"{significant(case.kurtosis[name], 2)} ({told(name)})."
        ),
        figure="error",
        chapter=INPUTS,
        why="By its definition. What it does to accuracy was not measured.",
    )


DEFINITION = (
    "A z-score subtracts one number and divides by another: it takes a standard deviation, and no "
    "distribution."
)


def _of_tails(case: Case, blank: Verdict, names: tuple[str, ...]) -> Verdict:
    """Judge by accuracies on heavy tails, or on data of the user that are far from Gaussian."""
    rivals = _rivals(case, names)
    nothing = case.accuracies("z_score", "none", margins.ACCURACY, names=names)
    if not rivals.numbers and not nothing.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    said = blank._replace(
        number=_tails_number(rivals, nothing),
        detail=_tails_detail(rivals, nothing, names),
    )
    where = "heavy tails" if names else "data that are not Gaussian"
    if better := rivals.named(MORE):
        top = max(better, key=lambda name: rivals.numbers[name].estimate)
        why = (
            f"It assumes nothing, but {where} cost it {points_within(rivals.numbers[top])} beside "
            f"{top}.{_normal_shape(case, top)}"
        )
        return said._replace(word=IMPRECISE, why=why)
    if worse := nothing.named(LESS):
        why = f"It assumes nothing, but it is worse than no scaling beyond chance: {listed(worse)}."
        return said._replace(word=IMPRECISE, why=why)
    if (rivals.not_more() or not rivals.numbers) and (nothing.not_less() or not nothing.numbers):
        why = f"No other scaling is better on {where} by more than the margin, nor is none."
        return said._replace(word=FALSE, why=why)
    return said._replace(
        word=UNDECIDED,
        why=f"By its definition it assumes nothing; what {where} cost it is not decided.",
        needed=rivals.needed_text("repeat") or nothing.needed_text("repeat"),
    )


def _rivals(case: Case, names: tuple[str, ...]) -> Family:
    """Return accuracies of robust and min-max scaling, less those of z-scores."""
    found: dict[str, Number] = {}
    for scaler, word in (("robust", "robust scaling"), ("min_max", "min-max")):
        found |= {
            f"{word}, {name.split(', made')[0]}{' (made)' * (', made' in name)}": number
            for name, number in case.accuracy(scaler, "z_score", names=names).items()
        }
    family = case.accuracies("robust", "z_score", margins.ACCURACY)
    return Family(found, margins.ACCURACY, folds=family.folds)


def _tails_number(rivals: Family, nothing: Family) -> str:
    """Return the largest gain of another scaling over z-scores; of none if there is no other."""
    if not rivals.numbers:
        name = smallest(nothing.numbers)
        return f"{points_within(nothing.numbers[name])} against none, {name.split(', made')[0]}"
    better = rivals.named(MORE)
    name = largest({name: rivals.numbers[name] for name in better or rivals.numbers})
    return f"{points_within(rivals.numbers[name])} by {name}"


def _normal_shape(case: Case, name: str) -> str:
    """Return what the same scaling and model gain where the tails are normal."""
    same = _rivals(case, (NORMAL,)) if NORMAL in case.accuracy_names() else Family({}, 1.0)
    beside = name.replace(HEAVY, NORMAL)
    if beside not in same.numbers:
        return ""
    return f" With the same features in normal shape: {points_within(same.numbers[beside])}."


def _tails_detail(rivals: Family, nothing: Family, names: tuple[str, ...]) -> str:
    data = f"{HEAVY}, made of {MADE[HEAVY]}" if names else "your data"
    found = DEFINITION
    if rivals.numbers:
        found += f" Accuracy on {data}, less that of z-scores: {parts_of(rivals)}."
    if nothing.numbers:
        found += f" That of z-scores, less that without scaling: {_of_each(nothing)}."
    return found


# ---------------------------------------------------------------------------------------------
# Min-max


def min_max(case: Case) -> Verdict:
    """Judge that min-max scaling is the better choice for models that assume no law."""
    blank = Verdict(
        "min_max",
        "For models that assume no distribution, such as nearest neighbours and neural networks, "
        "normalize to [0, 1] instead of standardizing.",
        NOT_MEASURED,
        figure="difference",
        chapter=SCALING,
        margin=MARGIN,
    )
    # Tails are in question here: min-max hangs on the two values farthest out.
    heavy = (HEAVY,) if HEAVY in case.accuracy_names() else ()
    family = case.accuracies("min_max", "z_score", margins.ACCURACY, names=case.real_names + heavy)
    if not family.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    better, worse = family.named(MORE), family.named(LESS)
    far = family.farthest(worse + better)
    said = blank._replace(
        number=f"{points_within(family.numbers[far])}, {far}",
        detail=f"Accuracy with min-max, less that with z-scores: {parts_of(family)}."
        f"{_batch_range(case)}",
    )
    if family.is_same:
        return said._replace(word=SAME, why="Every interval lies inside the margin.")
    if better and worse:
        why = f"It is better in {listed(better)}, and worse in {listed(worse)}, beyond chance."
        return said._replace(word=IMPRECISE, why=why)
    if worse:
        return said._replace(word=FALSE, why=f"It is worse beyond chance: {listed(worse)}.")
    if better and family.not_less():
        why = f"It is better beyond chance ({listed(better)}), and nowhere worse by the margin."
        return said._replace(word=TRUE, why=why)
    why = f"It is better beyond chance: {listed(better)}; the others may be either way."
    return said._replace(
        word=UNDECIDED,
        why=why if better else "Intervals reach beyond the margin, on one side or on both.",
        needed=family.needed_text("repeat"),
    )


def _batch_range(case: Case) -> str:
    """Return how far the range of a batch is off: there min-max hangs on two values."""
    result = case.result(INPUTS)
    if result is None:
        return ""
    found = by_name(cells(result, "min_max_value", "rmse", batch_size=case.n, sampling="shuffle"))
    if not found:
        return ""
    name = largest(found)
    return (
        f" Fitted to a batch of {case.n:,} it is off by up to {found[name].text()} sd "
        f"({told(name)}), as it hangs on two values."
    )


def parts_of(family: Family) -> str:
    """Return the comparisons in words: all of them if they are few, otherwise the ends."""
    numbers = family.numbers
    rising = sorted(numbers, key=lambda name: numbers[name].estimate)
    if len(rising) <= 2:
        return "; ".join(f"{points_within(numbers[name])}, {name}" for name in rising)
    low, high = (f"{points_within(numbers[name])}, {name}" for name in (rising[0], rising[-1]))
    return f"{counted(family)} of {len(rising)} comparisons; from {low}, to {high}"
