"""Claims about scaling and accuracy: who needs it, what it assumes, and min-max."""

from __future__ import annotations

from simnorm.answering import margins
from simnorm.answering.claims.case import INPUTS, SCALING, Case, listed, told
from simnorm.answering.claims.values import repeats_needed
from simnorm.answering.numbers import LESS, MORE, SAME, Family, by_name, cells, largest, points
from simnorm.answering.verdicts import FALSE, IMPRECISE, NOT_MEASURED, TRUE, UNDECIDED, Verdict
from simnorm.formatting import significant
from simnorm.undecided import needed_words

MARGIN = margins.TOLD["accuracy"]
HEAVY, ONE_SCALE = "heavy_tails", "digits"
# Bundled data whose features have different scales; the shapes made of wine are wine again.
VARYING = ("wine", "breast_cancer", "spread_scales")
# A column of the user's data with more than this is no bell curve.
FAR_FROM_NORMAL = 1.0
MODELS = ("kNN", "MLP")


def needs_scaling(case: Case) -> Verdict:
    """Judge that nearest neighbours and neural networks need scaled inputs."""
    blank = Verdict(
        "needs_scaling",
        "Nearest neighbours and neural networks need scaled inputs where scales vary.",
        NOT_MEASURED,
        figure="difference",
        chapter=SCALING,
        margin=MARGIN,
    )
    names = case.accuracy_names()
    varying = tuple(name for name in VARYING if name in names)
    family = case.accuracies("none", "z_score", margins.ACCURACY, names=varying)
    if not family.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    worst = min(family.numbers, key=lambda name: family.numbers[name].estimate)
    said = blank._replace(
        number=f"{points(family.numbers[worst])} without",
        detail=f"Without scaling, against z-scores: {parts_of(family)}.{_one_scale(case)}",
    )
    of_model = {model: [name for name in family.words if name.startswith(model)]
                for model in MODELS}  # fmt: skip
    of_model = {model: found for model, found in of_model.items() if found}
    hurt = {model: [n for n in found if family.words[n] == LESS]
            for model, found in of_model.items()}  # fmt: skip
    spared = [
        model for model, found in of_model.items()
        if all(family.words[name] in (SAME, MORE) for name in found)
    ]  # fmt: skip
    needing = [model for model, found in hurt.items() if found]
    if len(needing) == len(of_model):
        found = [name for model in needing for name in hurt[model]]
        return said._replace(word=TRUE, why=f"Accuracy is lower beyond chance: {listed(found)}.")
    if len(spared) == len(of_model):
        return said._replace(word=FALSE, why="Nothing is lost without it, in any comparison.")
    if needing and spared:
        return said._replace(word=IMPRECISE, why=f"It is so of {listed(needing)} alone.")
    open_models = [model for model in of_model if model not in needing]
    fewest = [min(family.needed([name]) for name in of_model[model]) for model in open_models]
    why = f"It shows in {listed(needing)} so far." if needing else "No interval is on one side."
    return said._replace(word=UNDECIDED, why=why, needed=needed_words(max(fewest), "repeat"))


def _one_scale(case: Case) -> str:
    """Return what becomes of data whose features have one scale."""
    family = case.accuracies("none", "z_score", margins.ACCURACY, names=(ONE_SCALE,))
    if not family.numbers or ONE_SCALE not in case.accuracy_names():
        return ""
    return f" On {ONE_SCALE}, whose features have one scale: {parts_of(family)}."


def assumes_gaussian(case: Case) -> Verdict:
    """Judge that standardization assumes a Gaussian: what it does to heavy tails."""
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
    defined = [name for name in far if name in case.errors]
    family = Family({}, margins.ACCURACY)
    if wanted or (far and case.settings.target):
        family = case.accuracies("z_score", "none", margins.ACCURACY, names=wanted)
    if not family.numbers and not defined:
        why = case.missing_words(SCALING) if not names else "No data here are far from Gaussian."
        return blank._replace(why=why)
    said = blank._replace(detail=_gaussian_detail(case, family, defined, wanted))
    if family.numbers:
        worst = min(family.numbers, key=lambda name: family.numbers[name].estimate)
        said = said._replace(number=f"{points(family.numbers[worst])} by it ({worst})")
    else:
        said = said._replace(
            number=f"z-scores of all {len(defined):,} non-Gaussian {case.thing}s",
            figure="error",
            chapter=INPUTS,
        )
    if worse := family.named(LESS):
        why = f"It assumes nothing, but it costs accuracy beyond chance: {listed(worse)}."
        return said._replace(word=IMPRECISE, why=why)
    if family.numbers and family.not_less():
        return said._replace(word=FALSE, why="It loses nothing where the data are not Gaussian.")
    if defined:
        why = f"It is defined for {len(defined):,} {case.thing}s that are far from Gaussian"
        why += "; what it does to accuracy there is not decided." if family.numbers else "."
        return said._replace(word=FALSE, why=why)
    return said._replace(
        word=UNDECIDED,
        why="Whether it costs accuracy there is not decided.",
        needed=repeats_needed(family),
    )


def _gaussian_detail(case: Case, family: Family, defined: list[str], names: tuple[str, ...]) -> str:
    found = "A z-score subtracts one number and divides by another: it takes a standard deviation, "
    found += "and no distribution."
    if defined:
        name = max(defined, key=lambda one: abs(case.kurtosis[one]))
        g = significant(case.kurtosis[name], 2)
        found += (
            f" Here it is defined for {len(defined):,} {case.thing}s far from Gaussian, up to an "
            f"excess kurtosis of {g} ({told(name)})."
        )
    if family.numbers:
        where = "features with heavy tails" if names else "your data"
        found += f" What it does to accuracy on {where}, against no scaling: {parts_of(family)}."
        found += _others(case, names)
    return found


def _others(case: Case, names: tuple[str, ...]) -> str:
    """Return how the robust scaler compares there."""
    family = case.accuracies("robust", "z_score", margins.ACCURACY, names=names)
    return f" Robust scaling against z-scores: {parts_of(family)}." if family.numbers else ""


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
    family = case.accuracies("min_max", "z_score", margins.ACCURACY)
    if not family.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    far = family.farthest(family.named(LESS) + family.named(MORE))
    said = blank._replace(
        number=f"{points(family.numbers[far])} ({far})",
        detail=f"Min-max against z-scores: {parts_of(family)}.{_batch_range(case)}",
    )
    better, worse = family.named(MORE), family.named(LESS)
    if family.is_same:
        return said._replace(word=SAME, why="Every interval lies inside the margin.")
    if better and worse:
        why = f"It is better in {listed(better)}, and worse in {listed(worse)}."
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
        needed=repeats_needed(family),
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
        f" Fitted to a batch of {case.n:,} it is off by up to {found[name].text()} sd, as it hangs "
        "on two values."
    )


def parts_of(family: Family) -> str:
    """Return the comparisons in words: all of them if they are few, otherwise the ends."""
    numbers = family.numbers
    rising = sorted(numbers, key=lambda name: numbers[name].estimate)
    if len(rising) <= 4:
        return "; ".join(f"{points(numbers[name])} ({name})" for name in rising)
    ends = "; ".join(f"{points(numbers[name])} ({name})" for name in (rising[0], rising[-1]))
    counts = ", ".join(
        f"{len(family.named(word))} {said}"
        for word, said in ((LESS, "lower"), (SAME, "the same"), (MORE, "higher"),
                           (UNDECIDED, "undecided"))
        if family.named(word)
    )  # fmt: skip
    return f"of {len(rising)} comparisons {counts}; from {ends.replace('; ', ' to ')}"
