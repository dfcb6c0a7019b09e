"""The report of the study `running`: how good running averages are at test time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.running.shown import with_factors
from simnorm.figures.tables import floats, short
from simnorm.formatting import plural
from simnorm.report import text
from simnorm.report.article import (
    Article,
    Block,
    bullets,
    chapter,
    figure,
    finding,
    formula,
    heading,
    small,
    table,
)
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.running import circumstances, findings, first, tables
from simnorm.report.chapters.running.facts import Facts, facts_of, who
from simnorm.report.data import data_sentence, error_bars, file_name
from simnorm.sampling import IID, SHUFFLE

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


LEVEL = "what a z-score by the full set is itself off by:"


def article(
    frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
) -> Article:
    """Return the report of a run of the study.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run, all names with glyphs.
    result
        The run.
    """
    facts = facts_of(frame, curves, columns)
    data = str(result.design.data)
    return Article(
        title=first.TITLE,
        head=f"Running averages of {short(file_name(data))}" if data else "Running averages",
        about=short(file_name(data)) if data else _distributions(facts),
        subtitle=first.subtitle(facts, data),
        setting=first.setting(facts, data),
        answer=first.answer(facts),
        shape=first.shape(facts),
        tiles=first.tiles(facts),
        tiles_note=first.tiles_note(facts),
        first=[
            figure(
                "trajectory", findings.trajectory_finding(facts), "By batch size, log-log.",
                options={"height": 3.6},
            ),
        ],
        trust=text.checked_words(tables.asked(facts)),
        chapters=[
            chapter("Aims", _aims()),
            chapter("Data" if data else "Data-generating mechanisms", _data(facts, data, result)),
            chapter("Estimands and method", _method(facts)),
            chapter("Findings", _findings(facts)),
            chapter("Verdict and audit", _audit(facts)),
        ],
    )  # fmt: skip


def _distributions(facts: Facts) -> str:
    """Return the distributions, or how many they are."""
    words = text.listed(facts.names)
    return words if len(words) <= first.LONGEST else plural(len(facts.names), "distribution")


def _aims() -> list[Block]:
    return [
        paragraph(
            "“It is difficult to estimate mean and standard deviation of the input during "
            "testing” is one of the things said against batch normalization. This report puts "
            "numbers to it: how far running averages are from the statistics they stand for, what "
            "that does to a normalized value, what the error is made of, how it changes with the "
            "batch size, the steps and the framework, and what would be good enough."
        )
    ]


def _data(facts: Facts, data: str, result: Reportable) -> list[Block]:
    run = facts.run
    sizes = text.sizes_text(run.sizes)
    if data:
        words = data_sentence(run.frame, data, dict(result.provenance))
    else:
        count = plural(len(facts.names), "distribution").capitalize()
        words = (
            f"{count}: {text.listed(facts.names, 24)}. Batch sizes: {sizes}."
            + f" Full sets of N = {run.full_size:,} draws." * (run.schemes != [IID])
        )
    ways = [f"{first.stream_words(facts, s)}" for s in run.schemes]
    found = [
        paragraph(
            f"{words} A replication is one training stream of {first.batches(run.steps)} of every "
            f"size: {'; or '.join(ways)}."
        )
    ]
    drifts = [d for d in run.drifts if float(d or 0.0) != 0.0]
    if drifts:
        found.append(
            paragraph(
                f"With a drift of {text.listed([d.replace('-', '−') for d in drifts])} the mean "
                "moves by so many standard deviations from batch to batch, as activations do "
                "while weights change, and errors are about the present mean."
            )
        )
    return found


def _method(facts: Facts) -> list[Block]:
    found = [
        paragraph(
            "After batch t with the statistic b (its mean, or its variance) the running value r is"
        ),
        formula("running"),
        paragraph(
            "m is the momentum, the weight of the old value. Keras and Flax mean the same by it; "
            "PyTorch’s momentum is the weight of the new value, so its 0.1 is 0.9 here. After T "
            "steps the error about the value θ has four parts:"
        ),
        formula("running-split"),
        paragraph(
            "Running means and running variances are compared with the mean and the variance "
            "(divisor N) of the reference; their errors are in standard deviations, or relative to "
            "the variance. What counts is a value x normalized with both, against its z-score. Its "
            "mean squared error over all x of the reference is, with mean M and standard "
            "deviation S of the reference, exactly"
        ),
        formula("inference"),
        paragraph(
            "It is taken in every replication; the figures in this report are its root mean "
            "square over replications, with a standard error (MCSE) by replication."
        ),
        tables.preset_table(facts),
    ]
    if facts.run.of_data:
        found.append(small(error_bars(facts.run.frame)))
    return found


def _findings(facts: Facts) -> list[Block]:
    parts = (_way, _made_of, _shares, _start, _pooled, _sampling, _single, _drift)
    return [block for part in parts for block in part(facts)]


def _way(facts: Facts) -> list[Block]:
    caption = (
        f"RMSE of a normalized value after {first.batches(facts.run.steps)}, by batch size. "
        f"{first.enough_sentence(facts, facts.told, LEVEL)}"
    )
    found = [heading("On the way, and in the end")]
    words = findings.level_finding(facts)
    if words:
        found.append(finding(words))
    found += [tables.first_table(facts)]
    found.append(figure("floor", caption.strip(), "Log-log."))
    block = tables.way_table(facts)
    if block:
        found.append(block)
    near = findings.steps_finding(facts)
    return [*found, paragraph(near)] if near else found


def _made_of(facts: Facts) -> list[Block]:
    found = [
        heading("What the error is made of"),
        bullets(findings.rules(facts)),
    ]
    words = findings.divisor_finding(facts)
    return [*found, finding(words)] if words else found


def _shares(facts: Facts) -> list[Block]:
    if not run_has_parts(facts):
        return []
    return [
        heading("The parts together"),
        figure("split", findings.split_finding(facts), "Stacked bars of shares."),
    ]


def run_has_parts(facts: Facts) -> bool:
    """Return whether there are parts of an error that is not 0."""
    rows = facts.run.points[facts.run.points["kind"] == "split"]
    rows = rows[rows["name"] == facts.told]
    return bool((np.nan_to_num(floats(rows, "y")) > 0.0).any())


def _start(facts: Facts) -> list[Block]:
    words, block = circumstances.start_finding(facts), tables.start_table(facts)
    if not words or block is None:
        return []
    far = any(start.away > circumstances.FAR for start in facts.starts.values())
    advice = (
        "Raw values far from 0, or with a variance far from 1, make a running average slow, and "
        "a variance no larger than epsilon makes it wrong; whoever standardizes once before "
        "training has neither problem."
    )
    found = [heading("How far the start is, and epsilon"), finding(words)]
    if far or any(facts.small(preset) for preset in facts.presets):
        found.append(paragraph(advice))
    return [*found, block]


def _pooled(facts: Facts) -> list[Block]:
    words = findings.pooled_finding(facts)
    found = [heading("Equal weights, PreciseBN, and one pass over all")]
    if words:
        found.append(finding(words))
    return [*found, paragraph(findings.pooled_text(facts))]


def _sampling(facts: Facts) -> list[Block]:
    run = facts.run
    if len(run.schemes) < 2 or not run.ranked:
        return []
    words = circumstances.sampling_finding(facts)
    found = [heading("How the batches come")]
    if words:
        found.append(finding(words))
    if circumstances.order_text(facts):
        found.append(paragraph(circumstances.order_text(facts)))
    found.append(
        figure(
            "sampling",
            f"RMSE of a normalized value after {first.batches(run.steps)}, by sampling scheme. "
            + "Batches of one are left out." * (1 in run.sizes and len(run.sizes) > 1),
            "Log-log panels by preset.",
        )
    )
    blocks = [
        tables.order_table(facts, scheme)
        for scheme in run.schemes
        if scheme not in (run.scheme, IID, SHUFFLE) and len(facts.names) > 1
    ]
    return [*found, *(block for block in blocks if block)]


def _single(facts: Facts) -> list[Block]:
    words = circumstances.single_finding(facts)
    return [heading("Batches of one"), finding(words)] if words else []


def _drift(facts: Facts) -> list[Block]:
    words, block = circumstances.drift_finding(facts), tables.drift_table(facts)
    if not words:
        return []
    found = [heading("While the weights still change"), finding(words)]
    return [*found, block] if block else found


def _audit(facts: Facts) -> list[Block]:
    asked = tables.asked(facts)
    found = [tables.verdict_table(facts), heading("Audit")]
    found.append(finding(_audit_words(asked)))
    if len(asked):
        found.append(tables.audit_table(asked))
    words = findings.theory_finding(facts)
    if words:
        found.append(paragraph(words))
    return [*found, *_statuses(facts)]


def _audit_words(asked: pd.DataFrame) -> str:
    words = text.verdict(asked)
    if asked.empty:
        return words
    z = floats(asked, "z")
    worst = asked.iloc[int(np.abs(z).argmax())]
    rms = text.z_text(float(np.sqrt(np.mean(z**2))))
    quantity = str(worst["estimator"]).replace("_", " ")
    return (
        f"{words} It belongs to the {worst['measure']} of the {quantity} of {worst['name']} "
        f"({who(str(worst['preset']))}, batch size {int(worst['batch_size']):,}). The root mean "
        f"square of all z is {rms}; 1 is expected."
    )


def _statuses(facts: Facts) -> list[Block]:
    """Return how many rows are not simply ok, and why."""
    frame = facts.run.frame
    found = [heading("Status"), paragraph(text.status_sentence(frame))]
    reasons = frame["reason"].fillna("").astype(str)
    same = {word: _kind(word) for word in reasons.drop_duplicates()}
    rows = text.not_ok(with_factors(frame).assign(reason=reasons.map(same)))
    if rows:
        # Which quantities these are says more than which names.
        found.append(
            table(
                ["status", f"{'columns' if facts.run.of_data else 'distributions'}", "quantities",
                 "rows", "reason"],
                [[row[0], _counted(row[1], len(facts.names)), row[2].replace("_", " "), *row[3:]]
                 for row in rows],
                "Rows that are not simply ok, and why (all measures and references counted).",
                "lllrl", wide=4,
            )
        )  # fmt: skip
    return found


def _counted(names: str, count: int) -> str:
    """Return how many names those are that are listed in part."""
    found = re.search(r"(.*) and (\d+) more$", names)
    return f"{int(found[2]) + 4:,} of {count:,}" if found else short(names, 30)


def _kind(reason: str) -> str:
    """Return a reason without the number in it that differs from row to row."""
    found = re.sub(
        r"^[\d,]+ replications or more are needed", "more replications are needed", reason
    )
    return re.sub(r"^only \d+ of the first", "too few of the first", found)
