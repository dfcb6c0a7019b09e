"""How the study scaling measures, in words."""

from __future__ import annotations

from simnorm.figures.scaling.dots import MARGIN
from simnorm.figures.scaling.rows import BATCH, NONE, SCALER_WORDS
from simnorm.formatting import plural
from simnorm.report.article import Block, Rich, bullets, code, formula, strong, table, text
from simnorm.report.chapters.scaling.facts import DIGITS, HEAVY, MOST_ROWS, NORMAL, SPREAD, Facts
from simnorm.report.text import listed
from simnorm.studies.scaling.models import LEARNING_RATE
from simnorm.studies.scaling.training import FALL, MOST_UPDATES, PATIENCE

# What the bundled data are.
ABOUT = {
    "wine": "wines by their cultivar, 13 chemical measurements whose scales differ",
    "breast_cancer": "tumours, benign or malignant, 30 measurements whose scales differ",
    "digits": "handwritten digits, 64 grey values, all on one scale",
    SPREAD: "made: the digits, pixel after pixel times a larger power of ten, from 1 to 1,000,000",
    HEAVY: "made: the wines, their features given heavy tails (Student’s t, 1, 2 and 4 degrees of "
    "freedom in turn), order, median and interquartile range kept",
    NORMAL: "made: the same, the features given the shape of a normal distribution",
}
SCALERS = {
    NONE: "the features as they are",
    "min_max": "from the smallest and the largest value to 0 and 1",
    "z_score": "mean and standard deviation of all training rows, as StandardScaler takes them",
    "robust": "median and interquartile range of all training rows; where that range is 0, as of "
    "20 of 64 pixels of the digits, it divides by 1, and the feature keeps its scale",
    BATCH: "mean and standard deviation of a batch of n, as batch normalization takes them",
}


def aims() -> list[Block]:
    """Return what the study asks."""
    return [
        text(
            "Two claims are put to the test. The first: k-nearest neighbours and neural networks "
            "need features on one scale. The second: standardization assumes that data are "
            "Gaussian, so that data that are not need something else. A third question is that of "
            "this toolkit: whether the statistics of a batch will do in place of those of all "
            "training rows, and from which batch size on."
        )
    ]


def data_blocks(facts: Facts) -> list[Block]:
    """Return what data there are."""
    run = facts.run
    if run.is_file:
        target = code(facts.target) if facts.target else "the target"
        features = f", {plural(facts.features, 'column')} of numbers" if facts.features else ""
        words: Rich = [
            f"{facts.called('')} has {plural(run.rows_of.get('', 0), 'row')}{features}; the "
            "classes are in the column ", target, _drawn(run.rows_of.get("", 0)),
            ". Rows are taken as independent: if yours belong to persons, machines or days, "
            "cross-validation is too kind to every scaler.",
        ]  # fmt: skip
        return [text(words)]
    rows = [
        [facts.head(name), f"{run.rows_of[name]:,}", ABOUT.get(name, "")] for name in run.names
    ]  # fmt: skip
    return [
        text(
            "The data come with scikit-learn. "
            + (
                "Those with a star are made of others, by a recipe without chance; the classes "
                "stay as they are. "
                if facts.has_made
                else ""
            )
            + (
                "Min-max scaling, z-scores and batches undo any factor of a feature: to them "
                "spread scales are the digits once more, and counts leave them out."
                if {SPREAD, DIGITS} <= set(run.names)
                else ""
            )
        ),
        table(["data set", "rows", "what it is"], rows, "The data.", "lrl", wide=2),
    ]


def _drawn(rows: int) -> str:
    return f"; every repeat draws {MOST_ROWS:,} of the rows" if rows > MOST_ROWS else ""


def estimands() -> list[Block]:
    """Return what is estimated."""
    return [
        text(
            "The accuracy is the share of rows not trained on whose class is predicted right. What "
            "counts is the difference between two ways of scaling, on the same folds. It is told "
            "in points: one point is one row in a hundred. Before anything was measured, a "
            f"difference up to {MARGIN:g} point was named too small to matter."
        ),
        bullets([
            [strong("less, more accurate"), ": beyond chance, that is the 95 % interval leaves 0 "
             "out and does not lie wholly within the margin. Where all of it lies beyond the "
             f"margin, by > {MARGIN:g} is added: only that is a difference known to matter."],
            [strong("no difference"), f": the whole interval is within ± {MARGIN:g} point. An "
             "interval that merely holds 0 is no proof of that."],
            [strong("undecided"), ": neither. Beside it stands what it would take."],
        ]),
    ]  # fmt: skip


def methods(facts: Facts) -> list[Block]:
    """Return how it was done."""
    run = facts.run
    scalers = [word for word in SCALERS if run.has(word)]
    labels = SCALER_WORDS | {BATCH: "batch of n"}
    found: list[Block] = [
        text(
            "A replication is one repeat of stratified cross-validation: the rows are shuffled and "
            f"cut into {facts.folds} folds, each is predicted by a model trained on the others, "
            f"and there are {plural(run.repeats, 'repeat')}. Scalers see the training rows alone. "
            f"{_models(facts)}"
        ),
        bullets([[strong(labels[word]), f": {SCALERS[word]}."] for word in scalers]),
    ]
    if run.sizes:
        found.append(
            text(
                "With batches, every training row is scaled by the batch it is in, in shuffled "
                "epochs, as PyTorch’s batch normalization does it but without gamma and beta; kNN "
                "keeps the rows of one epoch. Rows that are tested are scaled by the running "
                "averages. So this is about both: noise in training, and averages at test time."
            )
        )
    return [*found, *_intervals(facts)]


def _models(facts: Facts) -> str:
    known = {
        "knn": "kNN looks at the 5 nearest neighbours",
        "mlp": "the MLP is a network with one hidden layer of 32 units (ReLU, updates by 64 rows "
        "whatever the batch of the scaler), with the same first weights and the same order of rows "
        "for all ways of scaling",
    }
    words = listed([known[model] for model in facts.run.models if model in known])
    words = f"{words[0].upper() if words.startswith('the') else words[0]}{words[1:]}."
    return f"{words} {trained(facts)}".rstrip()


def trained(facts: Facts) -> str:
    """Return how long the net was trained, in a sentence; nothing without it."""
    if "mlp" not in facts.run.models:
        return ""
    return (
        f"The MLP was trained until its training loss fell no more, by at most {MOST_UPDATES:,} "
        f"updates of Adam at rate {LEARNING_RATE:g}, the same rule for all; nothing is tuned."
    )


def drawn_words(facts: Facts) -> str:
    """Return what becomes of a file with more rows than a repeat takes; nothing otherwise."""
    if not facts.is_drawn:
        return ""
    return (
        f"Every repeat draws {MOST_ROWS:,} of the rows anew, so that repeats do bring new rows. "
        "The corrected resampled t takes them for the same, and its interval is wider than need be."
    )


def _intervals(facts: Facts) -> list[Block]:
    return [
        text(
            f"With R repeats of k folds there are J = R k = {facts.splits} values of a difference, "
            "with mean d and variance s². They are not independent: any two training sets share "
            "most of their rows. Taken as independent, their interval d ± t s/√J would shrink to "
            "nothing when the same rows are only cut again and again, and would call chance a "
            "finding. The corrected resampled t adds what does not shrink:"
        ),
        formula("corrected-t"),
        text(
            "(Nadeau and Bengio 2003; Bouckaert and Frank 2004). "
            f"Here n_test/n_train = 1/(k − 1) = {facts.overlap:.2g}, and intervals are "
            f"{facts.lengthened:.1f} times as long as naive ones. So by this rule more repeats "
            "soon help no more: where even endless repeats would leave an interval too long, it "
            f"takes more rows, and this report says so. {drawn_words(facts)}".rstrip()
        ),
    ]


def limits(facts: Facts) -> list[Block]:
    """Return how far the findings reach."""
    items = [
        "The error bars are about other rows from the same source. They say nothing of other "
        "sources, other models or other settings.",
        "The correction is an approximation, a cautious one as a rule: no unbiased variance of "
        "cross-validation exists.",
        "Every interval is at 95 % by itself; of many, one in twenty misses.",
        "Nothing is tuned: not k, not the width of the net, not the learning rate. Tuning can make "
        "up for a part of what scaling does.",
    ]
    if "mlp" in facts.run.models:
        items[1:1] = [
            "What is found for the MLP is found for one small net, not for neural networks. It "
            f"stops when its training loss has not fallen by {FALL:g} in {PATIENCE} updates, after "
            f"{MOST_UPDATES:,} at the latest, and is tested with the weights of its least loss. "
            "Raw features of very different scales are not learned to the end by then: how well a "
            "net with more updates or another rate would do on them is not shown.",
            "First weights and the order of rows are a part of what folds of the MLP differ by. "
            "Repeats do average that part away, and the interval does not know: it is too long.",
        ]
    if facts.is_drawn:
        items.append(drawn_words(facts))
    items.append("Intervals of accuracies are cut at 0 and 100 %.")
    return [bullets(items)]
