"""What the numbers say, section by section."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures.inputs.by_value import MOST_NAMES, sizes_of
from simnorm.figures.inputs.outputs import shown
from simnorm.figures.inputs.rows import (
    CONSTANT,
    CORRELATION,
    DIRECT,
    EQUALS,
    KURTOSIS,
    NORMALIZED,
    SKEWNESS,
    WORST_IN_BATCH,
    WORST_IN_EPOCH,
    Setting,
    curves_of,
    plain_number,
)
from simnorm.figures.tables import floats
from simnorm.formatting import fixed, format_estimate, percent, significant
from simnorm.report.article import (
    Block,
    chapter,
    figure,
    finding,
    formula,
    heading,
    table,
    text,
)
from simnorm.report.chapters.inputs.about import (
    About,
    ends,
    range_words,
)
from simnorm.report.chapters.inputs.first import first_table, marks_note
from simnorm.report.chapters.inputs.layer import epsilon, gamma
from simnorm.report.chapters.inputs.others import scalers, schemes
from simnorm.report.data import number_text
from simnorm.report.tables import aligned, estimate_text, theory_text

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS, MOST_TABLES, MOST_SIZES = 10, 2, 14
# Differences of so few standard errors are those of rounding.
ROUNDING = 1e-6


def findings(about: About) -> dict[str, Any]:
    """Return the chapter on what was found."""
    blocks = [
        *by_size(about),
        *small_batches(about),
        *outputs(about),
        *by_value(about),
        *epsilon(about),
        *gamma(about),
        *scalers(about),
        *schemes(about),
    ]
    return chapter("Findings", blocks)


def by_size(about: About) -> list[Block]:
    """Return the section on the error by batch size."""
    blocks = [heading("The error by batch size"), finding(size_finding(about))]
    if made := first_table(about):
        blocks.append(made)
    blocks += [made for name in _told_names(about) if (made := size_table(about, name))]
    check = identity_check(about)
    return [*blocks, text(check)] if check else blocks


def size_finding(about: About) -> str:
    """Return how far outputs are off, how they correlate, and what the worst of a batch is."""
    n = about.run.size
    if not about.errors:
        return "No error exists here, or none can be trusted."
    sentences = [
        f"At batch size {n:,} a normalized value is off by {range_words(about.errors)} standard "
        "deviations"
    ]
    correlation = about.run.values(about.run.of(CORRELATION))
    if correlation:
        low, high = ends(correlation)
        same = significant(correlation[low], 3) == significant(correlation[high], 3)
        span = significant(correlation[high], 3)
        if not same:
            span = f"{significant(correlation[low], 3)} to {span}"
        sentences[0] += f", and its correlation with the z-score is {span}"
    sentences[0] += "."
    worst = about.run.values(about.run.of(WORST_IN_BATCH))
    if worst:
        sentences.append(
            f"The worst value of such a batch is off by {range_words(worst)} on average."
        )
    return " ".join(sentences)


def _told_names(about: About) -> list[str]:
    """Return the names with a table of their own: the largest and the smallest error."""
    values = about.errors
    if not values:
        return []
    low, high = ends(values)
    first = high if about.of_data else next(iter(values))
    other = low if first == high else high
    return list(dict.fromkeys([first, other]))[:MOST_TABLES]


def _told_sizes(sizes: Sequence[int], most: int = MOST_SIZES) -> list[int]:
    if len(sizes) <= most:
        return list(sizes)
    places = np.round(np.linspace(0, len(sizes) - 1, most)).astype(int)
    return [sizes[place] for place in places]


def size_table(about: About, name: str) -> Block | None:
    """Return the error of one name by batch size, with what belongs to it."""
    sizes = _told_sizes(about.run.sizes)
    quantities = (CORRELATION, WORST_IN_BATCH, WORST_IN_EPOCH)
    errors = [about.error(name, n) for n in sizes]
    if not any(math.isfinite(cell.estimate) for cell in errors):
        return None
    columns = [
        [f"{n:,}" for n in sizes],
        aligned([estimate_text(cell) for cell in errors]),
        aligned([theory_text(cell) for cell in errors]),
    ]
    for quantity_name in quantities:
        cells = [about.cell(quantity_name, name, n) for n in sizes]
        columns.append(aligned([estimate_text(cell) for cell in cells]))
    rows = [list(row) for row in zip(*columns, strict=True)]
    few = f" {len(sizes)} of {len(about.run.sizes)} batch sizes." if (
        len(sizes) < len(about.run.sizes)
    ) else ""  # fmt: skip
    return table(
        ["n", "RMSE", "theory", "correlation", "worst of a batch", "worst of all"],
        rows,
        f"{name}: error of a normalized value in standard deviations, correlation with the "
        "z-score, and the largest error of a batch (mean over batches) and of a replication."
        f"{few}{marks_note(rows)}",
        "rrrrrr",
        wide=-1,
    )


def identity_check(about: About) -> str:
    """Return how near errors taken value by value are to those by the identity."""
    run = about.run
    here = run.of(NORMALIZED, "mse", None, run.setting)
    direct = run.of(DIRECT, "mse")
    direct = direct[direct["factors"] == run.settings.get(run.setting, "-")]
    both = here.merge(direct, on=["name", "batch_size"], suffixes=("", "_direct"))
    sure = both["status"].isin(["ok"]) & both["status_direct"].isin(["ok"])
    both = both[sure & (floats(both, "mcse") > 0.0) & (floats(both, "mcse_direct") > 0.0)]
    if both.empty:
        return ""
    # They share draws, so together they are nearer than two independent estimates.
    apart = np.abs(floats(both, "estimate") - floats(both, "estimate_direct"))
    apart /= np.hypot(floats(both, "mcse"), floats(both, "mcse_direct"))
    lead = (
        f"A check of the identity: in {len(both):,} cells the squared errors were also taken value "
        "by value. They differ from those by the identity by "
    )
    if apart.max() < ROUNDING:
        return f"{lead}rounding alone."
    return f"{lead}at most {significant(float(apart.max()), 2)} of their common standard errors."


def small_batches(about: About) -> list[Block]:
    """Return the section on batches of one and two, if there are any."""
    sentences = [one_sentence(about), two_sentence(about)]
    said_of = [sentence for sentence in sentences if sentence]
    if not said_of:
        return []
    return [heading("Batches of one and two"), *(text(sentence) for sentence in said_of)]


def one_sentence(about: About) -> str:
    """Return what becomes of a batch of one, or nothing."""
    values = about.run.values(about.run.shown_errors, 1)
    if not values:
        return ""
    beta = about.run.setting.beta
    return (
        "In a batch of one a value is its own mean, and nothing varies: every output is "
        f"β{EQUALS}{plain_number(beta)}, whatever went in. The RMSE is {range_words(values)} "
        "standard deviations, no better than a constant in place of the input, and there is no "
        "correlation. PyTorch refuses such a batch in training; Keras hands β on without a word."
    )


def two_sentence(about: About) -> str:
    """Return what becomes of a batch of two, or nothing."""
    run = about.run
    values = run.values(run.shown_errors, 2)
    if not values:
        return ""
    correlation = run.values(run.of(CORRELATION), 2)
    plainly = "" if run.setting == Setting() else ", before ε, γ and β"
    found = (
        f"In a batch of two the smaller value comes out as −1 and the larger as 1{plainly}: a coin "
        "that tells which of the two is larger and nothing else"
    )
    constant = run.values(run.of(CONSTANT), 2)
    tied = {name: share for name, share in constant.items() if share > 0.0 and name in values}
    if tied:
        worst = ends(tied)[1]
        found += (
            f"; equal values come out as 0, which happens in {percent(tied[worst])} of the batches "
            f"of {worst}"
        )
    found += f". The RMSE is {range_words(values)} standard deviations"
    if correlation:
        found += f", the correlation with the z-score {range_words(correlation)}"
    return found + "."


def outputs(about: About) -> list[Block]:
    """Return the section on the law of the outputs."""
    blocks = [heading("The law of the outputs")]
    if not any(n > 1 for n in about.run.sizes) or not about.errors:
        return []
    n = about.run.size
    bound = math.sqrt(n - 1.0)
    lead = (
        "Inside a batch" if about.run.setting == Setting() else "Before ε, γ and β, inside a batch"
    )
    blocks.append(
        text(
            f"{lead} the outputs have the mean 0 and the variance 1, and none is larger "
            f"than √(n − 1), {significant(bound, 2)} at batch size {n:,}, however far out its "
            "value: a batch pulls tails in. Outputs of normal values follow a Beta law exactly."
        )
    )
    if _has_normal(about):
        blocks.append(formula("beta-law"))
    made = shape_table(about)
    # The table first: it fills what is left of a page that is too full for the figure.
    blocks += [made] if made else []
    return [*blocks, figure("outputs", outputs_caption(about), "Small histograms.")]


def _has_normal(about: About) -> bool:
    return any(name == "normal" or name.startswith("normal(") for name in about.run.names)


def outputs_caption(about: About) -> str:
    """Return what the figure of outputs shows: how much of the skewness is left."""
    lead = "Outputs by batch size, beside the standard normal law and the largest output possible."
    n = about.run.size
    values = about.run.values(about.run.of(SKEWNESS), n)
    drawn = shown(about.run, curves_of(about.run, about.curves, "output"))
    before = {
        name: about.shape(name).skewness
        for name in drawn
        if name in values and math.isfinite(about.shape(name).skewness)
    }
    if not before:
        return lead
    most = max(before, key=lambda name: abs(before[name]))
    if abs(before[most]) < 0.1:
        return lead
    return (
        f"{lead} At batch size {n:,} the skewness of {most} falls from "
        f"{significant(before[most], 2)} to {significant(values[most], 2)}."
    )


def shape_table(about: About) -> Block | None:
    """Return skewness and excess kurtosis before and after, at two batch sizes."""
    sizes = [n for n in about.run.sizes if n > 1]
    chosen = list(dict.fromkeys([about.run.size, _near(sizes, 8 * about.run.size)]))
    chosen = [n for n in chosen if n > 1]
    names = _most_skewed(about)
    if not chosen or not names:
        return None
    columns = [names]
    heads = [about.run.thing]
    for word, quantity_name, field in (
        ("skewness", SKEWNESS, "skewness"),
        ("exc. kurtosis", KURTOSIS, "excess_kurtosis"),
    ):
        columns.append(aligned([number_text(getattr(about.shape(name), field)) for name in names]))
        heads.append(word)
        for n in chosen:
            cells = [about.cell(quantity_name, name, n) for name in names]
            columns.append(aligned([estimate_text(cell) for cell in cells]))
            heads.append(f"n = {n:,}")
    rows = [list(row) for row in zip(*columns, strict=True)]
    every = len(about.run.alive_names())
    which = f" The {len(names)} of {every:,} most skewed." if len(names) < every else ""
    return table(
        heads,
        rows,
        "Skewness and excess kurtosis of the data, which a z-score leaves as they are, and of "
        f"outputs at two batch sizes.{which}{marks_note(rows)}",
        gutter=4.0,
    )


def _near(sizes: Sequence[int], wanted: float) -> int:
    return min(sizes, key=lambda n: abs(math.log(n / max(wanted, 1))), default=0)


def _most_skewed(about: About) -> list[str]:
    alive = about.run.alive_names()
    if not about.of_data and len(alive) <= MOST_ROWS:
        return alive

    def key(name: str) -> float:
        value = abs(about.shape(name).skewness)
        return -value if math.isfinite(value) else 0.0

    return sorted(alive, key=key)[: MOST_ROWS - 2]


def by_value(about: About) -> list[Block]:
    """Return the section on the values that suffer."""
    points = curves_of(about.run, about.curves, "by_value")
    if points.empty or not about.errors:
        return []
    return [
        heading("Which values suffer"),
        text(
            "The mean of a batch shifts all values alike, its standard deviation moves those far "
            "out most: to first order in 1/n the squared error is a parabola in the z-score, with "
            "g₁ the skewness and g₂ the excess kurtosis."
        ),
        formula("parabola"),
        figure(
            "by_value", value_caption(about, points), "Curves of the error against the z-score."
        ),
    ]


def value_caption(about: About, points: pd.DataFrame) -> str:
    """Return what the figure of errors by value shows: the middle against the far end."""
    lead = "RMSE of the values with a z-score, by that z-score."
    run = about.run
    sizes = sizes_of(run, points)
    names = [name for name in run.shown_names(MOST_NAMES) if name in set(points["name"])]
    if not sizes or not names:
        return lead
    n, name = _near(sizes, run.size), names[0]
    mine = points[(points["name"] == name) & (points["batch_size"] == n)]
    x, y, mcse = (floats(mine, word) for word in ("x", "y", "mcse"))
    keep = np.isfinite(y) & (mcse > 0.0) & (mcse < 0.1 * y)
    x, y, mcse = x[keep], y[keep], mcse[keep]
    if x.size < 3:
        return lead
    centre, end = int(np.abs(x).argmin()), int(np.abs(x).argmax())
    return (
        f"{lead} At batch size {n:,} those of {name} near {fixed(float(x[centre]), 1)} are off "
        f"by {format_estimate(float(y[centre]), float(mcse[centre]))} standard deviations, "
        f"those near {fixed(float(x[end]), 1)} by "
        f"{format_estimate(float(y[end]), float(mcse[end]))}."
    )
