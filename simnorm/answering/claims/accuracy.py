"""Claims about scaling and accuracy: who needs it, what it assumes, and min-max."""

from __future__ import annotations

from simnorm.answering import margins
from simnorm.answering.claims.case import INPUTS, SCALING, Case, listed
from simnorm.answering.claims.values import repeats_needed
from simnorm.answering.numbers import LESS, MORE, SAME, Family, by_name, cells, largest, points
from simnorm.answering.verdicts import FALSE, IMPRECISE, NOT_MEASURED, TRUE, UNDECIDED, Verdict

MARGIN = margins.TOLD[margins.ACCURACY]
HEAVY = "heavy_tails"
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
    family = case.accuracies("none", "z_score", margins.ACCURACY)
    if not family.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    worst = min(family.numbers, key=lambda name: family.numbers[name].estimate)
    said = blank._replace(
        number=f"{points(family.numbers[worst])} without",
        detail=f"Without scaling, against z-scores: {_parts(family)}.",
    )
    models = [model for model in MODELS if any(name.startswith(model) for name in family.numbers)]
    hurt = {
        model: [name for name in family.named(LESS) if name.startswith(model)] for model in models
    }
    spared = {
        model: all(
            word in (SAME, MORE) for name, word in family.words.items() if name.startswith(model)
        )
        for model in models
    }
    if models and all(hurt.values()):
        names = [name for model in models for name in hurt[model]]
        return said._replace(word=TRUE, why=f"Accuracy is lower beyond chance in {listed(names)}.")
    if models and all(spared.values()):
        return said._replace(word=FALSE, why="Nothing is lost without it, in any comparison.")
    if any(hurt.values()) and any(spared.values()):
        needs = [model for model in models if hurt[model]]
        return said._replace(word=IMPRECISE, why=f"It is so of {listed(needs)} alone.")
    some = [model for model in models if hurt[model]]
    why = f"It shows in {listed(some)} alone so far." if some else "No interval is on one side."
    return said._replace(word=UNDECIDED, why=why, needed=repeats_needed(family))


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
    if not wanted and not (case.settings.target and far):
        why = case.missing_words(SCALING) if not names else "No data here are far from Gaussian."
        return blank._replace(why=why)
    family = case.accuracies("z_score", "none", margins.ACCURACY, names=wanted)
    if not family.numbers:
        return blank._replace(why=case.missing_words(SCALING))
    worst = min(family.numbers, key=lambda name: family.numbers[name].estimate)
    where = "on features with heavy tails" if wanted else (
        f"on your data, where {len(far):,} of {len(case.kurtosis):,} columns are far from Gaussian"
    )  # fmt: skip
    said = blank._replace(
        number=f"{points(family.numbers[worst])} by it",
        detail=(
            "A z-score subtracts one number and divides by another; it needs a standard deviation "
            f"and no law. What it does to accuracy {where}, against no scaling: {_parts(family)}."
            f"{_others(case, wanted)}"
        ),
    )
    if worse := family.named(LESS):
        return said._replace(
            word=IMPRECISE,
            why=f"It assumes nothing, but it costs accuracy in {listed(worse)}.",
        )
    if all(word in (SAME, MORE) for word in family.words.values()):
        return said._replace(word=FALSE, why="It loses nothing where the data are not Gaussian.")
    return said._replace(
        word=UNDECIDED,
        why="By its formula it assumes nothing; whether it costs accuracy is not known here.",
        needed=repeats_needed(family),
    )


def _others(case: Case, names: tuple[str, ...]) -> str:
    """Return how the robust scaler compares there."""
    family = case.accuracies("robust", "z_score", margins.ACCURACY, names=names)
    return f" Robust scaling against z-scores: {_parts(family)}." if family.numbers else ""


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
        detail=f"Min-max against z-scores: {_parts(family)}.{_batch_range(case)}",
    )
    better, worse = family.named(MORE), family.named(LESS)
    if family.is_same:
        return said._replace(word=SAME, why="Every interval lies inside the margin.")
    if better and worse:
        why = f"It is better in {listed(better)}, and worse in {listed(worse)}."
        return said._replace(word=IMPRECISE, why=why)
    if worse:
        return said._replace(word=FALSE, why=f"It is worse beyond chance in {listed(worse)}.")
    if better:
        return said._replace(word=TRUE, why=f"It is better beyond chance in {listed(better)}.")
    return said._replace(
        word=UNDECIDED,
        why="No comparison is decided against it, and not all are inside the margin.",
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


def _parts(family: Family) -> str:
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
