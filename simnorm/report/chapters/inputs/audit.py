"""Whether the run agrees with theory, and which rows are not simply ok."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simnorm.figures.inputs.rows import (
    CONSTANT,
    KURTOSIS,
    NORMALIZED,
    SCALERS,
    SKEWNESS,
    UNSEEN,
    WORST_IN_BATCH,
    WORST_IN_EPOCH,
)
from simnorm.figures.tables import floats
from simnorm.questions import INPUTS_ASKED
from simnorm.report.article import Block, chapter, finding, table, text
from simnorm.report.facts import quantity
from simnorm.report.tables import aligned, estimate_text, theory_text
from simnorm.report.text import MEANINGS, checked_words, not_ok, status_sentence, verdict, z_text

if TYPE_CHECKING:
    from simnorm.report.chapters.inputs.about import About

MOST_ROWS = 8
WORDS = {
    NORMALIZED: "normalized value", SKEWNESS: "skewness of outputs",
    KURTOSIS: "excess kurtosis of outputs", CONSTANT: "constant batches",
    UNSEEN: "share outside the range", WORST_IN_BATCH: "worst of a batch",
    WORST_IN_EPOCH: "worst of all", **{q: f"{word} value" for q, word in SCALERS.items()},
}  # fmt: skip


def asked(about: About) -> pd.DataFrame:
    """Return the rows with a z that ask exact theory something no other row asks."""
    run = about.run
    parts = []
    for name, measure in INPUTS_ASKED.items():
        if name == NORMALIZED:
            parts += [run.of(name, measure, None, setting) for setting in run.epsilons]
        else:
            parts.append(run.of(name, measure, "full_set" if name in SCALERS else None))
    rows = pd.concat(parts) if parts else run.rows.iloc[:0]
    return rows[np.isfinite(floats(rows, "z"))]


def trust(about: About) -> str:
    """Return in plain words whether the run agrees with theory, for the first page."""
    return checked_words(asked(about))


def audit(about: About) -> dict[str, Any]:
    """Return the chapter of the audit."""
    blocks: list[Block] = [
        text(
            "Where theory is exact and the estimate has a valid error bar, z = (estimate − "
            "theory)/MCSE. If code and theory are right, it is about standard normal."
        ),
        finding(verdict(asked(about))),
    ]
    rows = asked(about)
    if len(rows):
        blocks.append(audit_table(rows))
    blocks.append(text(status_sentence(about.frame)))
    lines = not_ok(without_counts(about.frame))
    if lines:
        blocks.append(
            table(
                ["status", f"{about.run.thing}s", "quantities", "rows", "reason"],
                lines,
                "Rows that are not simply ok, and why.",
                "lllrl",
                gutter=6.0,
                shares=(0, 1.1, 1.1, 0, 1.6),
            )
        )
        words = [word for word in MEANINGS if word in {line[0] for line in lines}]
        blocks.append(
            table(
                ["status", "meaning"],
                [[word, MEANINGS[word]] for word in words],
                "What a status means.",
                "ll",
                wide=1,
            )
        )
    return chapter("Audit", blocks)


def without_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with reasons that do not differ in how many replications differ."""
    reasons = frame["reason"].astype(str)
    return frame.assign(
        reason=reasons.str.replace(r"only [\d,]+ of the", "only a few of the", regex=True)
    )


def audit_table(rows: pd.DataFrame) -> Block:
    """Return the questions with the largest |z|."""
    z = floats(rows, "z")
    order = np.argsort(-np.abs(z), kind="stable")[:MOST_ROWS]
    shown = rows.iloc[order]
    values = [quantity(row) for _, row in shown.iterrows()]
    columns = [
        [WORDS[str(word)] for word in shown["estimator"]],
        [str(name) for name in shown["name"]],
        [f"{int(n):,}" for n in shown["batch_size"]],
        [str(measure) for measure in shown["measure"]],
        [estimate_text(value) for value in values],
        [theory_text(value) for value in values],
        aligned([z_text(one) for one in floats(shown, "z")]),
    ]
    square = float(np.sqrt(np.mean(z**2)))
    return table(
        ["quantity", "of", "n", "measure", "estimate", "exact", "z"],
        [list(row) for row in zip(*columns, strict=True)],
        f"The questions with the largest |z|, of {len(rows):,}. The root mean square of all z is "
        f"{z_text(square)}; 1 is expected.",
        "llrlrrr",
    )
