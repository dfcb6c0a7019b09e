"""Other scalers fitted to a batch, and other ways to make batches."""

from __future__ import annotations

import math

from simnorm.figures.choice import schemes_of
from simnorm.figures.inputs.rows import NORMALIZED, SCALERS, UNSEEN, Run
from simnorm.figures.schemes import said
from simnorm.formatting import NOTHING as DASH
from simnorm.formatting import percent
from simnorm.report.article import Block, figure, finding, heading, small, table, text
from simnorm.report.chapters.inputs.about import About, range_words
from simnorm.report.chapters.inputs.first import marks_note
from simnorm.report.facts import Quantity, quantity
from simnorm.report.tables import aligned, estimate_text
from simnorm.report.text import listed

MOST_ROWS = 10
SCALERS_CAPTION = (
    "RMSE of scalers fitted to a batch against those fitted to the full set; at the right the "
    "share of other values outside a batch’s minimum and maximum."
)


def scalers(about: About) -> list[Block]:
    """Return the section on min-max, robust and quantile scaling by batches."""
    run = about.run
    present = [q for q in (*SCALERS, UNSEEN) if len(run.of(q, _measure(q), _of(q)))]
    if not present or not run.alive_names() or run.size < 2:
        return []
    blocks = [
        heading("Other scalers, fitted to a batch"),
        text(
            "Scaled to [0, 1] by minimum and maximum, by median and interquartile range, or by "
            "ranks: each fitted to a batch and compared with the same fitted to the full set, in "
            "units of the standard deviation of what the full set’s own scaler gives."
        ),
        finding(scalers_finding(about)),
        figure("scalers", SCALERS_CAPTION, "Curves of the error against batch size."),
    ]
    made = scalers_table(about)
    return [*blocks, made] if made else blocks


def _measure(quantity_name: str) -> str:
    return "rmse" if quantity_name in SCALERS else "mean"


def _of(quantity_name: str) -> str | None:
    return "full_set" if quantity_name in SCALERS else None


def _scaler_values(run: Run, quantity_name: str, n: int) -> dict[str, float]:
    return run.values(run.of(quantity_name, _measure(quantity_name), _of(quantity_name)), n)


def scalers_finding(about: About) -> str:
    """Return what other scalers of a batch are off by, and what a batch has not seen."""
    run, n = about.run, about.run.size
    parts = []
    for quantity_name, word in SCALERS.items():
        values = _scaler_values(run, quantity_name, n)
        if values:
            parts.append(f"{word} scaling by {range_words(values)}")
    found = f"At batch size {n:,}, {listed(parts)} standard deviations." if parts else ""
    found = found.replace("scaling by", "scaling is off by", 1)
    unseen = _scaler_values(run, UNSEEN, n)
    if unseen:
        share = max(unseen.values())
        rule = ", 2/(n + 1)" if math.isclose(share, 2.0 / (n + 1.0), rel_tol=1e-6) else ""
        less = ", fewer with ties" if min(unseen.values()) < 0.99 * share else ""
        found += (
            f" {percent(share)} of all other values lie outside the range of such a batch{rule}"
            f"{less}: there min-max leaves [0, 1]."
        )
    return found.strip() or "No error of another scaler exists here, or none can be trusted."


def scalers_table(about: About) -> Block | None:
    """Return the errors of all scalers at one batch size."""
    run, n = about.run, about.run.size
    names = run.shown_names(MOST_ROWS - 2)
    kinds: list[tuple[str, str, str, str | None]] = [("z-score", NORMALIZED, "rmse", "full_set")]
    kinds += [(word, q, "rmse", "full_set") for q, word in SCALERS.items()]
    columns, heads = [names], [run.thing]
    for word, quantity_name, measure, reference in kinds:
        setting = run.setting if quantity_name == NORMALIZED else None
        cells = [about.cell(quantity_name, name, n, measure, reference, setting) for name in names]
        columns.append(aligned([estimate_text(cell) for cell in cells]))
        heads.append(word)
    outside = [about.cell(UNSEEN, name, n) for name in names]
    columns.append(aligned([_share(cell) for cell in outside]))
    heads.append("outside")
    if not any(cell.strip() != DASH for column in columns[1:] for cell in column):
        return None
    rows = [list(row) for row in zip(*columns, strict=True)]
    every = len(run.alive_names())
    which = f" {len(names)} of {every:,} {run.thing}s." if len(names) < every else ""
    return table(
        heads, rows,
        f"RMSE of scalers fitted to a batch of {n:,}, in standard deviations, and the share of "
        f"other values outside its range.{which}{marks_note(rows)}",
        gutter=4.0,
    )  # fmt: skip


def _share(value: Quantity) -> str:
    best = value.best
    return percent(best, 3) if math.isfinite(best) else DASH


def schemes(about: About) -> list[Block]:
    """Return the section on other ways to make batches, if the run has several."""
    every = schemes_of(about.frame)
    if len(every) < 2:
        return []
    runs = {scheme: Run(about.frame[about.frame["sampling"] == scheme]) for scheme in every}
    names = about.run.shown_names(MOST_ROWS)
    n = about.run.size
    columns = [names]
    for run in runs.values():
        rows = run.errors()
        rows = rows[rows["batch_size"] == n]
        cells = {str(row["name"]): quantity(row) for _, row in rows.iterrows()}
        columns.append(aligned([estimate_text(cells[x]) if x in cells else DASH for x in names]))
    rows_of_text = [list(row) for row in zip(*columns, strict=True)]
    return [
        heading("Other ways to make batches"),
        table(
            [about.run.thing, *(said(scheme) for scheme in every)],
            rows_of_text,
            f"RMSE in standard deviations at batch size {n:,} by how batches are made."
            f"{marks_note(rows_of_text)}",
        ),
        small("Where similar values stand together in a batch, it differs more from its full set."),
    ]
