"""What was done and how it was measured, in words and formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.shift.shown import NOISY, net_name
from simnorm.formatting import percent, plural
from simnorm.report.article import Block, bullets, formula, small, strong
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.shift import findings
from simnorm.report.chapters.shift.first import seeds
from simnorm.report.text import listed

if TYPE_CHECKING:
    from simnorm.report.chapters.shift.facts import Facts
    from simnorm.report.pieces import Rich

NETS = {
    "mlp": "The ReLU net has three hidden layers of 64 units, each with a rectifier.",
    "linear": "The deep linear net has eight hidden layers of 32 units and no rectifier, so that "
    "as a whole it is a linear map, as in one of the experiments of Santurkar et al.",
}
VARIANTS: dict[str, str] = {
    "none": "nothing: the linear map plus a bias",
    "bn": "batch normalization with γ and β, epsilon 0.00001, by the batch at hand",
    "noisy_bn": "the same, then every unit’s values multiplied by a scale from U(1, 1.25) and "
    "shifted by a mean from U(−0.5, 0.5), drawn anew in every step and unit, with smaller noise "
    "per row around both, as Santurkar et al. did",
}


def aims() -> list[Block]:
    """Return why this was measured."""
    return [
        paragraph(findings.study_words()),
        paragraph(
            "This report measures the shift by every definition it knows of and asks three things. "
            "Do nets with batch normalization shift less, and at which learning rate? Do they "
            "still, once noise is put in behind it? And how do the three train?"
        ),
    ]


def data(facts: Facts) -> list[Block]:
    """Return what was trained on what."""
    run = facts.run
    rows = int(run.frame["full_size"].max()) if len(run.frame) else 0
    size = f" ({rows:,} rows, bundled with scikit-learn)" if rows else ""
    found = [
        paragraph(
            f"Data: {run.name}{size}, split at random into three quarters to train on and a "
            "quarter to test with, standardized by the part to train on. "
            + " ".join(NETS[net] for net in run.nets if net in NETS)
        ),
        paragraph(
            f"Every net was trained for {plural(run.steps, 'step')} of plain gradient descent with "
            f"batches of {run.n:,}{_rates(facts)}. Behind the linear map of each hidden layer "
            "comes, by variant:"
        ),
        bullets([_variant(word) for word in run.variants if word in VARIANTS]),
        paragraph(
            f"A replication is one seed, here {plural(run.replications, 'replication')}: all "
            f"variants of {listed([net_name(net) for net in run.nets])} with the same split, first "
            "weights and order of batches. So variants are compared in pairs, seed by seed."
        ),
    ]
    return found


def _rates(facts: Facts) -> str:
    rates = facts.run.rates
    if not rates:
        return ""
    return f", at the learning rate{'s' * (len(rates) > 1)} {listed(rates)}"


def _variant(word: str) -> Rich:
    names = {"none": "without BN", "bn": "with BN", "noisy_bn": "BN with noise"}
    return [strong(f"{names[word]}: "), VARIANTS[word]]


def estimands(facts: Facts) -> list[Block]:
    """Return every measure as a formula, and what it is compared with."""
    held = {one.word for one in facts.run.definitions}
    found = [
        paragraph(
            "The activations of a layer are what its rectifier, or in a linear net the next "
            "layer, is given: behind normalization and noise where there are some. They are taken "
            "for up to 512 training rows at once, the probe, before and after a step; m and "
            "s are a unit’s mean and standard deviation before, m′ and s′ after, F and F′ the "
            "distribution functions."
        )
    ]
    if held & {"moment_shift", "moment_drift"}:
        found += [
            paragraph("By mean and spread, and by whole distributions, unit by unit:"),
            formula("shift-activations"),
        ]
    elif held & {"ks_shift", "wasserstein_shift", "ks_drift"}:
        found += [paragraph("By whole distributions, unit by unit:"),
                  formula("shift-activations")]  # fmt: skip
    if len(found) > 1:
        found.append(
            paragraph(
                "Of a layer, the median over its units. “From start” compares with the activations "
                "before the first step instead; “before BN” takes the layer’s linear map, to which "
                "nothing is done yet. Behind BN m is β and s is γ of the probe, whatever the "
                "layers below do: their shift is small by construction there, and is not counted. "
                "Floor: what sampling alone would show at half the probe, the distance between two "
                "random halves of it at the same weights. The rows do not change from step to "
                "step, so that without a step there is no shift; only noise, drawn anew for every "
                "row, makes some."
            )
        )
    if held & {"gradient_shift", "gradient_cosine"}:
        found += [
            paragraph(
                "By gradients (the relative form of definition 2.1 of Santurkar et al. 2018; the "
                "absolute one is the norm of the difference alone): how the gradient G of a "
                "layer’s weights, for the same batch B, changes when the layers before it have "
                "already taken their step:"
            ),
            formula("shift-gradient"),
            paragraph("Floor: the gradient of the next batch at the same weights, beside G."),
        ]
    if "batch_shift" in held:
        found += [
            paragraph(
                "By batches: how far values normalized by a batch’s mean and standard deviation "
                "are from those normalized by all rows, at fixed weights, in standard deviations:"
            ),
            formula("shift-batch"),
        ]
    return found


def methods(facts: Facts) -> list[Block]:
    """Return how values become estimates, intervals and verdicts."""
    steps = sorted({int(x) for x in facts.run.way_steps()})
    looks = f" ({plural(len(steps), 'checkpoint')})" if steps else ""
    noise = ""
    if NOISY in facts.run.variants:
        noise = (
            " Noise is drawn for the probe as for training; loss and accuracy are taken with the "
            "noise at its middle."
        )
    return [
        paragraph(
            f"A replication’s value of a measure is its mean over layers and checkpoints{looks}; "
            "estimates are means over seeds with Student’s t intervals, given these data. Two "
            "variants are compared inside every replication, at one rate for both and each at its "
            "own best one, by the ratio of their values:"
        ),
        formula("shift-ratio"),
        paragraph(
            "The interval is Student’s for the mean logarithm. Cosines and accuracies are compared "
            "by differences. Named beforehand: a ratio whose whole interval is within "
            f"{percent(0.1)} of 1, a cosine within 0.05 or an accuracy within 1 point of the other "
            "is called the same; one whose interval leaves out 1 (0) is called smaller or larger; "
            "anything else is undecided, with the seeds it would take." + noise
        ),
        paragraph(
            f"{findings.best_sentence(facts)} A run diverges if its loss is no number, or in the "
            "end more than twice that of the first weights: it is void for its rows. Counted "
            "are the KS and Wasserstein distances and both parts of the measure by gradients. "
            "Splits of different seeds share most of their rows, so the intervals of accuracy are "
            "the corrected resampled t (Nadeau and Bengio 2003), with test rows over training rows "
            "of 1/3.".strip()
        ),
        small(
            "All of it in double precision on one thread, so that the same seed gives the same "
            "numbers on the same machine. Statistics of batch normalization at test time are those "
            "of all training rows."
        ),
    ]


def short(facts: Facts) -> str:
    """Return what was done in three sentences."""
    run = facts.run
    noise = (
        ", and with it and noise behind it, drawn anew in every step (mean up to ±0.5, scale up "
        "to 1.25)" if NOISY in run.variants else ""
    )  # fmt: skip
    nets = " ".join(NETS[net] for net in run.nets if net in NETS)
    return (
        f"Small nets were trained on {run.name} for {plural(run.steps, 'step')} with batches of "
        f"{run.n:,}, without batch normalization, with it behind every hidden layer’s linear map"
        f"{noise}{_rates(facts)}. {nets} With each of {seeds(run.replications)} all had the same "
        "first weights and batches, and are compared in pairs; activations are those of up to 512 "
        f"training rows, before and after a step. {findings.best_sentence(facts)}".strip()
    )
