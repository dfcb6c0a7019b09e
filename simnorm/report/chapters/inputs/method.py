"""What is asked, of which data, and how it is measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from simnorm.figures.choice import schemes_of
from simnorm.figures.schemes import said
from simnorm.figures.tables import floats
from simnorm.formatting import plural
from simnorm.report.article import Block, bullets, chapter, formula, small, table, text
from simnorm.report.data import (
    MOST_ROWS,
    data_sentence,
    error_bars,
    file_name,
    kinds_sentence,
    number_text,
    ranked,
    ties_text,
)
from simnorm.report.tables import aligned
from simnorm.report.text import (
    LAW_METHODS,
    METHODS,
    cutting_sentence,
    listed,
    sizes_text,
)
from simnorm.sampling import GROUPED, IID, SHUFFLE

if TYPE_CHECKING:
    from simnorm.report.chapters.inputs.about import About

CLAIMS = (
    "How large is the sampling error of inputs that are normalized by their batch, and from which "
    "batch size on is it small?",
    "What do batches of one and two leave of a value?",
    "What do ε, γ and β do to the inputs: do they distort them?",
    "Does standardizing assume a Gaussian distribution?",
    "Would other scalers, fitted to a batch, do better?",
)


def aims(about: About) -> dict[str, Any]:
    """Return the chapter on what is asked."""
    return chapter(
        "Aims",
        [
            text(
                "Does batch normalization also normalize the inputs, so that nobody needs to "
                "standardize them? The usual answer is that it does, but by a small sample, the "
                "batch, and that a z-score by the complete training set is better. This report "
                f"puts numbers to that{_for(about)}."
            ),
            bullets(CLAIMS),
        ],
    )


def _for(about: About) -> str:
    return f" for {file_name(about.path)}" if about.of_data else ""


def data(about: About) -> dict[str, Any]:
    """Return the chapter on the data, or on the mechanisms that generate them."""
    run = about.run
    if about.of_data:
        blocks = [
            text(
                data_sentence(run.rows, about.path, about.provenance)
                + f" {cutting_sentence(run.rows)}"
            )
        ]
        kinds = kinds_sentence(about.columns) if "kind" in about.columns else ""
        blocks += [text(kinds)] if kinds else []
        blocks += _columns_table(about)
        return chapter("Data", blocks)
    sentence = (
        f"{plural(len(run.names), 'distribution').capitalize()}: {listed(run.names, 24)}. "
        f"N = {about.full_size:,} independent observations in a replication; "
        f"{plural(len(run.sizes), 'batch size')}: {sizes_text(run.sizes)}."
    )
    return chapter(
        "Data-generating mechanisms",
        [text(f"{sentence} {cutting_sentence(run.rows)}"), *_laws_table(about)],
    )


def _columns_table(about: About) -> list[Block]:
    facts = about.columns
    if not len(facts) or "std" not in facts:
        return []
    rows = ranked(facts, about.run.names).iloc[:MOST_ROWS]
    columns = [[str(name) for name in rows["column"]]]
    columns += [
        aligned([number_text(value) for value in floats(rows, word)])
        for word in ("mean", "std", "min", "max", "skewness", "excess_kurtosis")
    ]
    columns.append([ties_text(value) for value in floats(rows, "ties")])
    which = ""
    if len(rows) < len(facts):
        which = f" The {len(rows)} of {len(facts):,} columns with the largest errors, worst first."
    return [
        table(
            ["column", "mean", "sd", "min", "max", "skewness", "exc. kurtosis", "ties"],
            [list(row) for row in zip(*columns, strict=True)],
            "What the columns are like, with divisor N; ties: the share of rows whose value "
            f"another row has too.{which}",
            gutter=4.0,
        )
    ]


def _laws_table(about: About) -> list[Block]:
    every = about.run.names
    names = every if len(every) <= MOST_ROWS else about.run.shown_names(MOST_ROWS)
    shapes = [about.shape(name) for name in names]
    if not any(math.isfinite(shape.sd) for shape in shapes):
        return []
    columns = [names] + [
        aligned([number_text(getattr(shape, word)) for shape in shapes])
        for word in ("sd", "skewness", "excess_kurtosis")
    ]
    more = len(about.run.names) - len(names)
    which = f" {len(names)} of {len(names) + more:,} distributions." if more > 0 else ""
    return [
        table(
            ["distribution", "sd", "skewness", "excess kurtosis"],
            [list(row) for row in zip(*columns, strict=True)],
            f"The distributions’ own moments.{which}",
        )
    ]


def method(about: About) -> dict[str, Any]:
    """Return the chapter on what is measured, and what the error bars are."""
    run = about.run
    whole = about.reference
    blocks = [
        text(
            "A value x is normalized by the mean and the biased variance v of its batch; its "
            f"z-score z is by the mean M and the standard deviation S of {whole}."
        ),
        formula("normalized"),
        text(
            "Where all values of a batch are equal and ε is 0, the output is 0. The error is the "
            "output less the z-score, and its root mean square over all values is the RMSE: in "
            "standard deviations of the data, whatever their unit. With ε = 0 the squared outputs "
            "of a batch that varies have the mean 1, and the mean product of output and z-score is "
            "s/S, with s the standard deviation of the batch; so, for every distribution,"
        ),
        formula("identity"),
        text(
            "The error is exactly what the standard deviation of a batch lacks on average, and the "
            "correlation of output and z-score is E(s)/S over the root of P(s > 0). For batches at "
            "random, to first order in 1/n and with g₂ the excess kurtosis, the batch’s mean adds "
            "the first of two terms, and its standard deviation the second:"
        ),
        formula("first-order"),
    ]
    scheme = str(run.rows["sampling"].iloc[0]) if len(run.rows) else SHUFFLE
    blocks.append(text(f"{_cutting(about, scheme)} {_unit(about)}"))
    blocks.append(text(f"{_bars(about)} {THEORY}"))
    schemes = schemes_of(about.frame)
    if len(schemes) > 1:
        blocks.append(
            small(
                f"Figures and tables show {said(scheme)}; one table compares it with "
                f"{listed([said(other) for other in schemes if other != scheme])}."
            )
        )
    return chapter("Estimands and methods", blocks)


THEORY = (
    "Exact values hold for these very numbers. Asymptotic ones hold for large batches: they are "
    "drawn dashed or marked ≈, and are never tested."
)


def _cutting(about: About, scheme: str) -> str:
    if about.of_data:
        return METHODS.get(scheme, METHODS[GROUPED])
    if scheme in LAW_METHODS:
        return LAW_METHODS[scheme]
    return (
        "One replication draws one full set of N observations and cuts it, in the order of "
        "drawing, into k = N/n batches of n, rounded down."
    )


def _unit(about: About) -> str:
    return (
        "Errors of one replication depend on each other, so it enters with two numbers only, and "
        "standard errors (MCSE) are taken over replications."
        if set(about.run.rows["replications"]) != {1}
        else ""
    )


def _bars(about: About) -> str:
    if about.of_data:
        return error_bars(about.run.rows)
    if IID in set(about.run.rows["sampling"]):
        return "Error bars (±, MCSE) are Monte Carlo error."
    return (
        "Error bars (±, MCSE) are Monte Carlo error: they shrink with the number of replications, "
        "and say nothing of other distributions."
    )
